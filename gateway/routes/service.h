#pragma once
/* What a worker gives its handlers: http_user() of every request is the worker's struct service. Everything lives as long
 * as the worker; one thread, one loop. */
#include "anchor/note.h"
#include "did/agent_key.h"
#include "anchor/merkle.h"
#include "eth/rpc.h"
#include "eth/signature.h"
#include "gateway/assertion.h"
#include "gateway/chains.h"
#include "gateway/config.h"
#include "gateway/fetch/foreign.h"
#include "gateway/http/router.h"
#include "gateway/http/server.h"
#include "gateway/identity/authority.h"
#include "gateway/identity/heads.h"
#include "gateway/identity/layout.h"
#include "gateway/record/append.h"
#include "gateway/record/attestation.h"
#include "gateway/routes/documents.h"
#include "gateway/routes/proof_cache.h"
#include "sql/pg.h"
#include "sql/store_resolve.h"

#include <stdbool.h>
#include <stdint.h>

enum { SERVICE_READERS = 2, SERVICE_RPC_MS = 4000 };

/* A chain this gateway reads. Heads, endpoints and verdicts are each chain's own: they never mix. */
struct service_chain {
	uint64_t id;
	struct eth_rpc *rpc;	   /* the authority cache's: what attestations wait for */
	struct eth_rpc *rpc_reads; /* of reads that anybody may ask for and nothing caches, so that they starve nobody */
	struct heads heads;	   /* as the follow duty wrote them last; see heads_get() for their age */
	struct authority_cache *authority;
};

/* An IdentityRegistry whose agents are served. */
struct service_registry {
	struct agent_key key; /* chain and registry; id ignored */
	struct service_chain *chain;
	uint64_t start;	    /* no agent was before this block */
	uint32_t in_index; /* its row (struct store_registry.id); 0: the index does not know it yet */
};

/* The assertion keys of the host's document. */
struct service_keys {
	struct assertion_keys assertion;
	struct assertion_stamp stamp; /* of the file they were read from */
	size_t listed;		      /* of them, at the last look */
	bool read;		      /* looked at at all */
};

struct service {
	const struct config *config;
	struct event_base *base;
	struct pg_conn *writer, *append_reader; /* append's own, so that public reads cannot hold it up */
	struct pg_conn *readers[SERVICE_READERS];
	unsigned next_reader;
	struct store_resolver *resolver; /* over the readers */
	struct chains settings; /* what the settings say of chains and registries */
	struct service_chain chains[CHAINS_MAX]; /* the default chain first */
	size_t nchains;
	struct service_registry registries[CHAINS_REGISTRIES_MAX]; /* the default registry first */
	size_t nregistries;
	struct append *append;
	struct agent_defaults defaults; /* host, and what short names mean: the default chain and registry */
	char did[DID_WEB_HOST_DID_SIZE]; /* made at the first service_did() */
	char registry_text[ADDRESS_TEXT_SIZE]; /* what defaults.registry_text points to */
	struct record_names names;
	struct agent_key others[CHAINS_REGISTRIES_MAX]; /* what names.others points to */
	bool has_anchor;
	struct eth_address anchor_contract;
	struct note_key log_key; /* public half */
	char vkey[NOTE_KEY_TEXT_MAX];
	struct merkle_hasher hasher;
	struct signature_context *signatures;
	/* Shared answers that change only with the log; NULL until first made. Replaced at kedge_published. */
	struct http_response *checkpoint;
	uint64_t publications; /* counted, so that what was read before one is not cached after it */
	bool listening; /* LISTEN is in force */
	struct service_keys keys;
	struct documents *documents; /* ready did.json; NULL until the first was made */
	struct eth_hash codes[LAYOUT_CODES_MAX]; /* setting registry_code: implementations whose storage can be proven */
	size_t ncodes;
	struct fetcher *fetcher; /* to hosts that strangers name */
	struct foreign *foreign; /* did:web of other hosts: foreign_get() */
	struct proof_cache *proofs; /* NULL until the first was taken */
	struct participant_queue *participants;
	struct stream_hub *streams;
	const struct http_router *router; /* the table it is all served by */
	struct http_response *openapi;	  /* the table as a document; NULL until first asked for */
};

/* This host's DID, "did:web:HOST". */
const char *service_did(struct service *service);

/* A reader connection: the one that has statements of this turn of the loop to send already, else in turn. */
struct pg_conn *service_reader(struct service *service);

/* The routes of each resource; worker.c joins them into one table. */
extern const struct http_route routes_did[], routes_resolve[], routes_agent[], routes_history[], routes_search[], routes_attestation[],
	routes_log[], routes_health[], routes_prepare[], routes_files[], routes_hosted[], routes_proof[], routes_participant[],
	routes_participant_change[], routes_participant_prepare[], routes_streams[], routes_web[], routes_openapi[], routes_resolve_about[],
	routes_links[];
extern const size_t routes_did_count, routes_resolve_count, routes_agent_count, routes_history_count, routes_search_count,
	routes_attestation_count, routes_log_count, routes_health_count, routes_prepare_count, routes_files_count, routes_hosted_count,
	routes_proof_count, routes_participant_count, routes_participant_change_count, routes_participant_prepare_count,
	routes_streams_count, routes_web_count, routes_openapi_count,
	routes_resolve_about_count, routes_links_count;

/* Reads setting registry_code into service->codes. -EINVAL after logging. */
__attribute__((warn_unused_result)) int service_codes(struct service *service);

/* An {id} of a path: `42` (default registry), `8453:42` (the first registry served of that chain) or
 * `8453:0xREGISTRY:42`, the address as for address_parse(). *out (may be NULL) is its registry.
 * Returns 0, -EBADMSG, or -ENOENT for a chain or registry that is not served. */
__attribute__((warn_unused_result)) int service_agent_id(struct agent_key *key, const struct service_registry **out,
							 const struct service *service, const char *text);
/* The same for a handler's {id}; what is wrong was answered if it returns NULL. */
const struct service_registry *service_agent_of(struct agent_key *key, struct http_request *req);

/* "Served here: CHAIN:0xREGISTRY …" after a lead of at most 80 bytes: what to do about one that is not. */
enum { SERVICE_SERVED_SIZE = 512 };
void service_served(char out[static SERVICE_SERVED_SIZE], const struct service *service, const char *lead);

/* The registry an agent is of, if its agents are served; NULL: another registry's owner is nobody's key here. */
const struct service_registry *service_registry(const struct service *service, const struct agent_key *key);
bool service_serves(const struct service *service, const struct agent_key *key);

/* Reads the assertion keys if they are others than before; at start, and once a second. */
void service_keys_look(struct service *service);

/* Nothing of the log may be served from a cache of former days. */
void service_published(struct service *service);
