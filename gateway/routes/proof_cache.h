#pragma once
/* Proofs taken a moment ago, by agent and block: what a head's readers share until the next head. Direct-mapped and bounded; a
 * clash costs one proof taken again. */
#include "did/agent_key.h"
#include "eth/keccak.h"
#include "gateway/http/server.h"

enum { PROOF_CACHE_BYTES_MAX = 128 * 1024 }; /* larger ones are not kept */

struct proof_cache;

/* The answer, borrowed until the next call, or NULL. cache may be NULL. */
struct http_response *proof_cache_find(struct proof_cache *cache, const struct agent_key *agent, const struct eth_hash *block);
/* Keeps a reference of its own; makes the cache at the first call. Without memory nothing is kept. */
void proof_cache_keep(struct proof_cache **cache, const struct agent_key *agent, const struct eth_hash *block,
		      struct http_response *response);
void proof_cache_free(struct proof_cache *cache);
