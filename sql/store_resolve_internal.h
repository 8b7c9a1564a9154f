/* What store_resolve.c and store_history_page.c share. Not for others. */
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

/* A question of store_resolve(), with values that no block has in place of null. */
struct store_question {
	uint32_t registry;
	uint8_t agent_id[32];
	int64_t safe; /* -1: unknown */
	uint8_t safe_hash[32];
	int64_t number;
	int64_t time; /* -1: by number */
};
enum { RESOLVE_NPARAMS = 6 };
extern const struct pg_statement *const store_resolve_statement;
void store_param_questions(struct pg_params *params, const struct store_question *questions, size_t n);
/* The n answers of a list, of questions that began with the one at `place` (from 1 on), from *row on, which moves to the next
 * list's. 0, -ENOENT, -EPROTO, -ENOMEM. */
int store_get_resolved(struct store_resolve_list *out, const PGresult *res, int *row, size_t place, size_t n);
