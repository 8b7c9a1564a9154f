/* The completeness map by its definition over a whole set, and a store of nodes in memory (a hash table, never freed).
 */
#pragma once

#include <errno.h>
#include <stdlib.h>

#include "anchor/map.h"
#include "tests/anchor/naive_merkle.h"

static inline unsigned naive_bit(const struct merkle_hash *key, unsigned depth)
{
	return (key->bytes[depth >> 3] & (0x80U >> (depth & 7))) != 0;
}

/* formats.md section 6, clause by clause; order of the set does not matter */
static inline void naive_map_depth(struct merkle_hash *out, const struct map_change *set, size_t count, unsigned depth)
{
	uint8_t buf[65];
	struct merkle_hash l, r;
	struct map_change *half;
	size_t zeros = 0, ones = count;

	memset(out, 0, sizeof(*out));
	if (count == 0)
		return;
	if (count == 1) {
		buf[0] = 0x02;
		memcpy(buf + 1, set[0].key.bytes, 32);
		memcpy(buf + 33, set[0].value.bytes, 32);
		naive_sha256(out, buf, 65);
		return;
	}
	half = malloc(count * sizeof(*half));
	if (!half)
		abort();
	for (size_t i = 0; i < count; i++)
		half[naive_bit(&set[i].key, depth) ? --ones : zeros++] = set[i];
	naive_map_depth(&l, half, zeros, depth + 1);
	naive_map_depth(&r, half + zeros, count - zeros, depth + 1);
	free(half);
	buf[0] = 0x03;
	memcpy(buf + 1, l.bytes, 32);
	memcpy(buf + 33, r.bytes, 32);
	naive_sha256(out, buf, 65);
}

static inline void naive_map_root(struct merkle_hash *out, const struct map_change *set, size_t count)
{
	naive_map_depth(out, set, count, 0);
}

static inline int naive_compare(const void *a, const void *b)
{
	return memcmp(((const struct map_change *)a)->key.bytes, ((const struct map_change *)b)->key.bytes, 32);
}

/* Inserts or changes in an unsorted array. */
static inline void naive_set(struct map_change *set, size_t *count, const struct map_change *change)
{
	size_t i = 0;

	while (i < *count && naive_compare(&set[i], change) != 0)
		i++;
	set[i] = *change;
	*count += i == *count;
}

#define NAIVE_SLOTS 65536

struct naive_store {
	size_t count;
	struct {
		struct merkle_hash hash;
		struct map_node node; /* kind 0: free */
	} slots[NAIVE_SLOTS];
};

static inline void naive_store_reset(struct naive_store *store)
{
	memset(store, 0, sizeof(*store));
}

static inline size_t naive_slot(const struct naive_store *store, const struct merkle_hash *hash)
{
	size_t slot = (size_t)hash->bytes[7] << 8 | hash->bytes[8];

	while (store->slots[slot].node.bytes[0] && memcmp(&store->slots[slot].hash, hash, sizeof(*hash)) != 0)
		slot = (slot + 1) % NAIVE_SLOTS;
	return slot;
}

static inline int naive_store_get(void *arg, struct map_node *out, const struct merkle_hash *hash)
{
	struct naive_store *store = arg;
	size_t slot = naive_slot(store, hash);

	*out = store->slots[slot].node;
	return out->bytes[0] ? 0 : -ENOENT;
}

static inline int naive_store_put(void *arg, const struct merkle_hash *hash, const struct map_node *node)
{
	struct naive_store *store = arg;
	size_t slot = naive_slot(store, hash);

	if (store->count >= NAIVE_SLOTS - 1)
		return -ENOSPC;
	store->count += !store->slots[slot].node.bytes[0];
	store->slots[slot].hash = *hash;
	store->slots[slot].node = *node;
	return 0;
}
