#include "gateway/steward/log_append.h"

#include <errno.h>
#include <string.h>

int log_append_init(struct log_append *append, struct event_base *base)
{
	append->base = base;
	return merkle_hasher_init(&append->hasher);
}

void log_append_clear(struct log_append *append)
{
	merkle_hasher_clear(&append->hasher);
}

uint64_t log_append_at(const struct store_append_state *state)
{
	return state->clock_ms > state->head.at ? state->clock_ms : state->head.at;
}

/* The tiles these leaves complete; a level above the leaves costs one more round trip, once in 65,536 entries. */
static int grow_tiles(struct log_append *append, size_t *count, struct pg_txn *txn, const struct store_append_state *state, size_t n)
{
	struct append_roots roots[APPEND_LEVELS];
	size_t nroots = append_roots_needed(roots, state->head.size, state->head.size + n);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < nroots; i++) {
		struct pg_op op = {0};

		rc = pg_wait(append->base, &op,
			     store_append_tile_roots(txn, &op, roots[i].hashes, roots[i].level, roots[i].first, roots[i].count));
	}
	if (rc == 0)
		rc = append_tiles(&append->hasher, append->tiles, count, state->head.size, append->leaves, n, state->leaves, roots,
				  nroots);
	for (size_t i = 0; rc == 0 && i < *count; i++)
		append->new_tiles[i] =
			(struct store_new_tile){.level = append->tiles[i].level, .index = append->tiles[i].index,
						.hashes = append->tiles[i].hashes[0], .root = append->tiles[i].root.bytes};
	return rc;
}

int log_append_commit(struct log_append *append, struct pg_txn *txn, bool *ended, const struct store_append_state *state,
		      struct store_new_entry *entries, size_t n, bool ends_in_index)
{
	uint8_t edge_bytes[MERKLE_EDGE_MAX * 32];
	struct merkle_edge old_edge, edge;
	struct merkle_range range;
	struct pg_op op = {0};
	size_t ntiles = 0;
	int rc;

	if (n < 1 || n > APPEND_BATCH_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		merkle_leaf(&append->hasher, &append->leaves[i], entries[i].line.data, entries[i].line.len);
		entries[i].leaf = append->leaves[i].bytes;
	}
	rc = merkle_edge_decode(&old_edge, state->head.size, state->head.edge[0], state->head.nedge * 32);
	if (rc == 0)
		rc = merkle_range_build(&append->hasher, &range, append->nodes, &old_edge, append->leaves, n);
	if (rc == 0)
		rc = grow_tiles(append, &ntiles, txn, state, n);
	if (rc != 0)
		return rc;
	merkle_range_edge(&edge, &range);
	struct store_append row = {.old_size = state->head.size, .at = log_append_at(state), .entries = entries, .nentries = n,
				   .tiles = append->new_tiles, .ntiles = ntiles, .edge = (const uint8_t(*)[32])edge_bytes,
				   .nedge = merkle_edge_encode(edge_bytes, &edge) / 32, .ends_in_index = ends_in_index};

	*ended = true;
	return pg_wait(append->base, &op, store_append_commit(txn, &op, &row));
}
