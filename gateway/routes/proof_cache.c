#include "gateway/routes/proof_cache.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 64 };

struct slot {
	struct agent_key agent;
	struct eth_hash block;
	struct http_response *response;
};

struct proof_cache {
	struct slot slots[SLOTS];
};

static struct slot *slot_of(struct proof_cache *cache, const struct agent_key *agent, const struct eth_hash *block)
{
	return &cache->slots[(agent->id.limb[0] + agent->registry.bytes[19] + block->bytes[31]) % SLOTS];
}

struct http_response *proof_cache_find(struct proof_cache *cache, const struct agent_key *agent, const struct eth_hash *block)
{
	const struct slot *slot = cache ? slot_of(cache, agent, block) : NULL;

	if (!slot || !slot->response || agent_key_compare(&slot->agent, agent) != 0 ||
	    memcmp(slot->block.bytes, block->bytes, sizeof(block->bytes)) != 0)
		return NULL;
	return slot->response;
}

void proof_cache_keep(struct proof_cache **cache, const struct agent_key *agent, const struct eth_hash *block,
		      struct http_response *response)
{
	struct slot *slot;

	if (!*cache)
		*cache = calloc(1, sizeof(**cache));
	if (!*cache)
		return;
	slot = slot_of(*cache, agent, block);
	http_response_unref(slot->response);
	*slot = (struct slot){.agent = *agent, .block = *block, .response = http_response_ref(response)};
}

void proof_cache_free(struct proof_cache *cache)
{
	for (size_t i = 0; cache && i < SLOTS; i++)
		http_response_unref(cache->slots[i].response);
	free(cache);
}
