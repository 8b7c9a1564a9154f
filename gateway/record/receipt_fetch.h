/*
 * A receipt's parts from the database: entry, payload and evidence by uid, a checkpoint that covers it, proofs from
 * tiles and leaves. At most five round trips on a reader connection, whatever the log's size.
 */
#pragma once

#include "gateway/record/receipt.h"
#include "sql/pg.h"
#include <stdbool.h>
#include <stdint.h>

struct receipt_wish {
	uint8_t uid[32];
	bool exact;		  /* give `level` and not more; otherwise the best there is, at least `level` */
	enum receipt_level level; /* the least that will do */
	/* Where this gateway anchors; without it nothing is above `published`. */
	bool has_anchor;
	uint64_t chain_id;
	uint8_t contract[20];
};

/*
 * err 0: parts (borrowed during the callback; *seq valid). -ENOENT: no such uid. -EINPROGRESS: logged at seq, but not
 * at that level yet (202). -ENODATA: the payload is erased. Otherwise as the store_ functions: 503.
 */
typedef void receipt_on_fetched(void *arg, int err, uint64_t seq, const struct receipt_parts *parts);

/* Starts. on_fetched runs exactly once if 0 was returned, never within this call. -EAGAIN, -ENOMEM. */
__attribute__((warn_unused_result)) int receipt_fetch(struct pg_conn *reader, const struct receipt_wish *wish,
						      receipt_on_fetched *on_fetched, void *arg);
