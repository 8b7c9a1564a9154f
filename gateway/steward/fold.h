#pragma once
/* Folding entries into the completeness map: from (subject, seq, leaf) to new sub-logs, map nodes and map root. The reads
 * block on a connection of their own; the writes are queued in the publisher's transaction. */
#include "anchor/map.h"
#include "gateway/steward/node_cache.h"
#include "sql/pg.h"
#include "sql/store_map.h"

#include <stddef.h>
#include <stdint.h>

struct fold_item {
	char key[192]; /* key text, NUL-terminated */
	uint64_t seq;
	struct merkle_hash leaf;
};

struct fold {
	struct event_base *base;
	struct pg_conn *reader;
	struct merkle_hasher *hasher;
	struct node_cache *cache;
	struct fold_item *items; /* gathered */
	size_t count, room;
	struct map_change *changes; /* one a changed subject */
	size_t nchanges, changes_room;
	struct merkle_hash *missing; /* nodes the last update asked for */
	size_t nmissing, missing_room;
	struct merkle_hash *fresh; /* nodes the last update made */
	size_t nfresh, fresh_room;
};

/* Appends the entries of [from, below) to items. 0; -EPROTO; errors of the store. */
__attribute__((warn_unused_result)) int fold_gather(struct fold *fold, uint64_t from, uint64_t below);

/* Folds all items: *root (the map before) becomes the map over [0, size), and the rows of it are queued in txn. 0; -EBADMSG if the
 * stored map contradicts itself; errors of the store. */
__attribute__((warn_unused_result)) int fold_apply(struct fold *fold, struct merkle_hash *root, struct pg_txn *txn, uint64_t size);

void fold_clear(struct fold *fold);
