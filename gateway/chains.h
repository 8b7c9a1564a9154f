#pragma once
/* Which registries, and so which chains, this gateway serves, and which agents are its operator's: settings chain_id, registry,
 * registry_start, rpc_url, registries, rpc_others and own_agents taken apart once. Row 0 is the default registry, chain 0 the default chain. */
#include "eth/address.h"
#include "eth/u256.h"
#include "gateway/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHAINS_MAX = 8, CHAINS_REGISTRIES_MAX = 16, CHAINS_OWN_MAX = 64 };

struct chains_chain {
	uint64_t id;
	char urls[CONFIG_TEXT_MAX]; /* as rpc_url: space between */
	char name[32];		    /* CAIP-2: "eip155:8453" */
};

struct chains_registry {
	uint64_t chain_id;
	struct eth_address address;
	uint64_t start;
};

/* An agent of own_agents: of a registry that is served. */
struct chains_own {
	uint64_t chain_id;
	struct eth_address registry;
	struct u256 id;
};

struct chains {
	struct chains_chain chains[CHAINS_MAX];
	size_t nchains;
	struct chains_registry registries[CHAINS_REGISTRIES_MAX];
	size_t nregistries;
	struct chains_own own[CHAINS_OWN_MAX]; /* in the order of the setting */
	size_t nown;
	bool has_reputation; /* of the default chain */
	struct eth_address reputation;
	bool has_multicall;
	struct eth_address multicall;
};

/* 0, or -EINVAL with err filled: an item that cannot be read, a registry given twice, a chain without an endpoint. */
__attribute__((warn_unused_result)) int chains_load(struct chains *out, struct config_error *err,
						    const struct config *config);

/* NULL: not served. */
const struct chains_chain *chains_find(const struct chains *chains, uint64_t chain_id);
const struct chains_registry *chains_registry(const struct chains *chains, uint64_t chain_id,
					      const struct eth_address *address);
/* The first registry of a chain: what `CHAIN:42` means. */
const struct chains_registry *chains_first(const struct chains *chains, uint64_t chain_id);
/* Whether own_agents names it: only then may this host vouch for it. */
bool chains_owns(const struct chains *chains, uint64_t chain_id, const struct eth_address *registry, const struct u256 *id);
