#include "gateway/steward/node_cache.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static size_t place(const struct node_cache *cache, const struct merkle_hash *hash)
{
	size_t at;

	memcpy(&at, hash->bytes, sizeof(at));
	at &= cache->room - 1;
	while (cache->slots[at].used && !merkle_hash_equal(&cache->slots[at].hash, hash))
		at = (at + 1) & (cache->room - 1);
	return at;
}

const struct map_node *node_cache_find(const struct node_cache *cache, const struct merkle_hash *hash)
{
	const struct node_slot *slot;

	if (cache->room == 0)
		return NULL;
	slot = &cache->slots[place(cache, hash)];
	return slot->used ? &slot->node : NULL;
}

static int grow(struct node_cache *cache)
{
	struct node_cache bigger = {.room = cache->room ? cache->room * 2 : 1024, .count = cache->count};

	bigger.slots = calloc(bigger.room, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < cache->room; i++)
		if (cache->slots[i].used)
			bigger.slots[place(&bigger, &cache->slots[i].hash)] = cache->slots[i];
	free(cache->slots);
	*cache = bigger;
	return 0;
}

int node_cache_add(struct node_cache *cache, const struct merkle_hash *hash, const struct map_node *node)
{
	struct node_slot *slot;

	if (cache->count * 2 >= cache->room && grow(cache) != 0)
		return -ENOMEM;
	slot = &cache->slots[place(cache, hash)];
	if (!slot->used)
		cache->count++;
	*slot = (struct node_slot){.hash = *hash, .node = *node, .used = true};
	return 0;
}

void node_cache_trim(struct node_cache *cache)
{
	if (cache->count > NODE_CACHE_MAX)
		node_cache_clear(cache);
}

void node_cache_clear(struct node_cache *cache)
{
	free(cache->slots);
	memset(cache, 0, sizeof(*cache));
}
