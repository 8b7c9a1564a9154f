#pragma once
/* Map nodes this process has seen, by their hash. Content-addressed, so an entry can never be stale; when it grows past its
 * bound it is simply emptied. Open addressing; the hash is its own hash function. */
#include "anchor/map.h"

#include <stdbool.h>
#include <stddef.h>

struct node_cache {
	struct node_slot {
		struct merkle_hash hash;
		struct map_node node;
		bool used;
	} *slots;
	size_t room; /* a power of two, or 0 */
	size_t count;
};

enum { NODE_CACHE_MAX = 1 << 18 };

const struct map_node *node_cache_find(const struct node_cache *cache, const struct merkle_hash *hash);
/* 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int node_cache_add(struct node_cache *cache, const struct merkle_hash *hash,
						       const struct map_node *node);
/* Empties it if it is over NODE_CACHE_MAX. */
void node_cache_trim(struct node_cache *cache);
void node_cache_clear(struct node_cache *cache);
