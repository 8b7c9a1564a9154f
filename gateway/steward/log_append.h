#pragma once
/* Appending entries from a duty, in a transaction that holds the head's lock: leaves, edge and tiles of what is given, and the
 * commit. The publisher appends index heads with it, the notary everything the gateway itself has to say. */
#include "gateway/record/append_build.h"
#include "gateway/steward/steward.h"
#include "sql/store_log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_append {
	struct event_base *base;
	struct merkle_hasher hasher;
	struct append_tile tiles[APPEND_TILES_MAX];
	struct store_new_tile new_tiles[APPEND_TILES_MAX];
	struct merkle_hash leaves[APPEND_BATCH_MAX];
	struct merkle_hash nodes[MERKLE_RANGE_NODES(APPEND_BATCH_MAX)];
};

/* -ENOMEM. */
__attribute__((warn_unused_result)) int log_append_init(struct log_append *append, struct event_base *base);
void log_append_clear(struct log_append *append);

/* The time of what is appended under this lock: max(previous, database clock) (DESIGN section 5.3). */
uint64_t log_append_at(const struct store_append_state *state);

/* Writes n entries (1 to APPEND_BATCH_MAX) whose lines say that time, and commits. Each entry's leaf is set here. `state` is what
 * store_append_lock() read for them. *ended: the transaction is over, whatever is returned; else it is still the caller's.
 * 0: durable. Errors of store_append_commit(). */
__attribute__((warn_unused_result)) int log_append_commit(struct log_append *append, struct pg_txn *txn, bool *ended,
							  const struct store_append_state *state, struct store_new_entry *entries,
							  size_t n, bool ends_in_index);
