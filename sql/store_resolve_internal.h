/* What store_resolve.c and store_history_page.c share. Not for others. */
#pragma once

#include "sql/store_internal.h"
#include "sql/store_resolve.h"

#define REACH_COLUMNS                                                                                                  \
	"r.start_block, CASE WHEN i.alarm THEN r.start_block - 1 WHEN r.followed THEN r.indexed"                          \
	" ELSE least(r.indexed, i.final_number - 1) END, i.final_number, i.final_hash, i.tip_number, i.tip_hash, i.tip_time, i.target, i.updated,"     \
	" f.time, k.number IS NOT NULL"
/* $1 registry, $2 agent, $3 and $4 the safe head, null where it is unknown. Columns 0 to 10. */
#define REACH_TABLES                                                                                                   \
	" FROM registry r JOIN chain_index i ON i.chain_id = r.chain_id"                                               \
	" LEFT JOIN LATERAL (SELECT o.time FROM block o WHERE o.chain_id = i.chain_id"                                 \
	"  AND o.number = i.final_number AND o.hash IS NOT NULL LIMIT 1) f ON true"                                   \
	" LEFT JOIN block k ON k.chain_id = r.chain_id AND k.number = $3 AND k.hash = $4"
/* The last block whose states are an answer, as store_reach_has() says: what is stored above it is provisional, not yet
 * compared with storage. Of a registry that is not followed the overlay has nothing. While an alarm stands nothing is an answer. */
#define REACH_LIMIT                                                                                                    \
	" CROSS JOIN LATERAL (SELECT CASE WHEN i.alarm THEN r.start_block - 1"                                            \
	" WHEN r.followed AND r.indexed >= i.final_number THEN i.tip_number"                                              \
	" WHEN r.followed THEN r.indexed ELSE least(r.indexed, i.final_number - 1) END AS n) l"
enum { REACH_COLUMNS_N = 11 };

void store_param_reach(struct pg_params *params, uint32_t registry, const uint8_t agent_id[static 32],
		       const struct store_mark *safe);
/* From row 0. */
int store_get_reach(struct store_reach *out, const PGresult *res);
/* number, hash, time; a null number: not known */
void store_get_mark(int *err, struct store_mark *out, const PGresult *res, int row, int column);
/* number, owner, wallet, URI, changed, tier */
void store_get_state(int *err, struct store_state *out, const PGresult *res, int row, int column);
