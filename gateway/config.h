#pragma once
/* Configuration: an ini file, over it KEDGE_* variables, over those nothing. An unknown key is fatal, so a misspelt
 * setting is found at start and not in production.
 *
 * Every setting is a row of one table in config.c: name, type, default, meaning. `kedge serve --help` prints that table.
 * In the file a setting is `name = value` before any section, of at most 198 bytes; in the environment it is KEDGE_ and the name in
 * upper case. A list (rpc_url, registries, …) goes on in the file where its name stands again; any other setting stands there once. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONFIG_TEXT_MAX = 2048 }; /* 16 providers with keys in their URLs, 16 registries */

struct config {
	char state[CONFIG_TEXT_MAX];          /* folder of keys/, run/ and signer.state; 0700 */
	char public_url[CONFIG_TEXT_MAX];     /* http(s)://HOST[:PORT], no path */
	char listen[CONFIG_TEXT_MAX];         /* ADDRESS:PORT */
	char metrics_listen[CONFIG_TEXT_MAX]; /* ADDRESS:PORT, "" for none */
	char database[CONFIG_TEXT_MAX];       /* libpq connection string */
	char owner_database[CONFIG_TEXT_MAX]; /* the same for migrations; "" as database */
	char rpc_url[CONFIG_TEXT_MAX];        /* JSON-RPC endpoints of the default chain, space between, in order of preference */
	uint64_t rpc_quorum;                  /* providers that must name the same finalized block; 0 or 1: none is compared */
	uint64_t chain_id;                    /* the default chain */
	char registry[CONFIG_TEXT_MAX];       /* 0x address of the default IdentityRegistry */
	uint64_t registry_start;              /* block its index begins at */
	char registry_code[CONFIG_TEXT_MAX];  /* code hashes of implementations whose storage layout is known, space between */
	char registries[CONFIG_TEXT_MAX];     /* others: CHAIN:0xADDRESS:START, space between */
	char rpc_others[CONFIG_TEXT_MAX];     /* their endpoints: CHAIN=URL, space between; a chain may stand more than once */
	char multicall[CONFIG_TEXT_MAX];      /* 0x address of Multicall3 on every chain served; "" for plain batches */
	char reputation[CONFIG_TEXT_MAX];     /* 0x address of the ReputationRegistry of the default chain; "": no feedback */
	char ipfs_gateways[CONFIG_TEXT_MAX];  /* URL prefixes a CID is appended to, space between; "" for none */
	char fetch_allow[CONFIG_TEXT_MAX];    /* tests only: HOST:PORT=ADDRESS, space between, exempt from the address rules */
	char fetch_ca[CONFIG_TEXT_MAX];       /* tests only: PEM file trusted for the hosts of fetch_allow */
	char fetch_nameserver[CONFIG_TEXT_MAX]; /* tests only: ADDRESS[:PORT] of the name server that fetches ask */
	char own_agents[CONFIG_TEXT_MAX];     /* agents the operator vouches for: `42`, CHAIN:42 or CHAIN:0xREGISTRY:42, space between */
	uint64_t file_refresh_s;              /* a registration file is fetched again after this long */
	char anchor_contract[CONFIG_TEXT_MAX]; /* 0x address of KedgeAnchor, "" for no anchoring */
	uint64_t workers;                      /* 0: one a core */
	uint64_t streams;                      /* event streams a worker holds open */
	uint64_t publish_ms;                   /* least time between published checkpoints */
	uint64_t anchor_ms;                    /* least time between anchors */
	uint64_t follow_ms;                    /* between looks at the chain's heads */
	uint64_t head_age_s;                   /* a node whose latest block is older is stuck; 0: any age */
	uint64_t open_quota;                   /* attestations an issuer may log a day outside games; 0 none */
	uint64_t participant_quota;            /* handles that may be claimed here a day; 0 none */
	uint64_t anchor_fee_cap_gwei;          /* highest maxFeePerGas the anchor sender may offer */
	uint64_t anchor_daily_gwei;            /* most the anchor sender may spend a day; 0 no limit */
	bool wallet_authentication;            /* list #agent-wallet under authentication too */

	char file[CONFIG_TEXT_MAX + 16]; /* where the settings were read from, "" if from no file */

	/* derived from public_url */
	char host[CONFIG_TEXT_MAX];   /* HOST[:PORT], lower case */
	char origin[CONFIG_TEXT_MAX]; /* host + "/log": the log's name */
};

/* A message for the person who has to mend it: file or variable, name, what is wrong, what would be right. */
struct config_error {
	char text[CONFIG_TEXT_MAX + 256];
};

/* Defaults, then `path` (NULL: KEDGE_CONFIG if set, else STATE/kedge.ini if there is one), then the environment (`environ`-shaped, NULL-terminated).
 * Returns 0; -EINVAL with err filled: unknown key, bad value, unreadable file. */
__attribute__((warn_unused_result)) int config_load(struct config *out, struct config_error *err, const char *path,
						    char *const *environment);

/* One setting by its name, as from a file; for command-line options. Same errors as config_load. */
__attribute__((warn_unused_result)) int config_set(struct config *config, struct config_error *err, const char *name,
						   const char *value);

/* Fills the derived members and checks what must hold together (a public URL is present and well-formed). -EINVAL with err. */
__attribute__((warn_unused_result)) int config_finish(struct config *config, struct config_error *err);

/* Calls visit for each setting in order: name, default, meaning. */
void config_describe(void (*visit)(void *arg, const char *name, const char *fallback, const char *meaning), void *arg);
