/* What store_resolve.c, store_resolver.c, store_link_read.c and store_history_page.c share. Not for others. */
#pragma once

#include "sql/store_internal.h"
#include "sql/store_resolve.h"

#define REACH_COLUMNS                                                                                                  \
	"r.start_block, CASE WHEN i.alarm THEN r.start_block - 1 WHEN r.followed THEN r.indexed"                          \
	" ELSE least(r.indexed, i.final_number - 1) END, i.final_number, i.final_hash, i.tip_number, i.tip_hash, i.tip_time, i.target, i.updated,"     \
	" f.time, k.number IS NOT NULL"
/* Of the registry r; number and hash are the safe head, null or of no block where it is unknown. Of block one row goes by its
 * whole key, whatever the statistics of a small table make look as cheap: hence LIMIT 1 here and elsewhere. */
#define REACH_TABLES(number, hash)                                                                                     \
	" JOIN chain_index i ON i.chain_id = r.chain_id"                                                               \
	" LEFT JOIN LATERAL (SELECT o.time FROM block o WHERE o.chain_id = i.chain_id"                                 \
	"  AND o.number = i.final_number AND o.hash IS NOT NULL LIMIT 1) f ON true"                                   \
	" LEFT JOIN LATERAL (SELECT z.number FROM block z WHERE z.chain_id = r.chain_id AND z.number = " number          \
	"  AND z.hash = " hash " LIMIT 1) k ON true"
/* The last block whose states are an answer, as store_reach_has() says: what is stored above it is provisional, not yet
 * compared with storage. Of a registry that is not followed the overlay has nothing. While an alarm stands nothing is an answer. */
#define REACH_LIMIT                                                                                                    \
	" CROSS JOIN LATERAL (SELECT CASE WHEN i.alarm THEN r.start_block - 1"                                            \
	" WHEN r.followed AND r.indexed >= i.final_number THEN i.tip_number"                                              \
	" WHEN r.followed THEN r.indexed ELSE least(r.indexed, i.final_number - 1) END AS n) l"
enum { REACH_COLUMNS_N = 11 };

int store_get_reach(struct store_reach *out, const struct pg_bytes fields[static REACH_COLUMNS_N]);
/* number, hash, time; a null number: not known */
void store_get_mark(int *err, struct store_mark *out, const struct pg_bytes fields[static 3]);
/* number, owner, wallet, URI, changed, tier */
void store_get_state(int *err, struct store_state *out, const struct pg_bytes fields[static 6]);

/*
 * A kind of question that a struct store_resolver gathers. Its statement has an array for each member of a question; column 0 of a row is
 * the place of the question it answers, from 1 on, in that order.
 */
struct store_kind {
	const struct pg_statement *statement;
	size_t question; /* size of one */
	size_t rows;	 /* of them in a statement, at most */
	void (*params)(struct pg_params *params, struct store_columns *questions);
	/* The answers to n questions: rows first to first + n - 1 of the result, which is not kept. */
	int (*take)(void *out, const PGresult *res, int first, size_t n);
};
extern const struct store_kind store_kind_states, store_kind_files;
enum store_kind_of { STORE_KIND_STATES, STORE_KIND_FILES, STORE_KINDS_N };

/* op is done with -ENOENT where no question has a row, with -EPROTO where only some have. */
int store_resolver_ask(struct store_resolver *resolver, enum store_kind_of kind, struct pg_op *op, void *out, const void *questions,
		       size_t n);
