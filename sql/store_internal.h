/*
 * What the stores share: starting one statement as an operation and decoding its result. Not for others.
 */
#pragma once

#include <string.h>

#include "sql/store.h"

#define STORE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct store_call {
	struct pg_op *op;
	void *out;
	void *out2;
	size_t n;
	/* Fills the outputs; sets *keep if an output now borrows from res. Returns 0 or the operation's error. */
	int (*decode)(struct store_call *call, PGresult *res, bool *keep);
};

/* Runs one statement outside transactions; clears the params. `call` is copied. */
int store_start(struct pg_conn *conn, const struct pg_statement *statement, struct pg_params *params,
		const struct store_call *call);
/* The same inside a transaction. */
int store_start_txn(struct pg_txn *txn, const struct pg_statement *statement, struct pg_params *params,
		    const struct store_call *call);
/* A statement whose failure shows at commit; clears the params. */
int store_queue(struct pg_txn *txn, const struct pg_statement *statement, struct pg_params *params);

/* Decoders. */
int store_decode_written(struct store_call *call, PGresult *res, bool *keep); /* 0; -ENOENT if there is no row */
int store_decode_list(struct store_call *call, PGresult *res, bool *keep);    /* out: size_t *n, out2: PGresult ** */
int store_decode_hashes(struct store_call *call, PGresult *res, bool *keep);  /* out: n hashes as one bytea */

/* The fence's two parameters: both NULL if there is none. */
void store_param_fence(struct pg_params *params, const struct store_fence *fence);
/*
 * The same address as a list of hashes. C17 knows no conversion to a pointer to an array of const that its own warnings
 * accept.
 */
static inline const uint8_t (*store_as_hashes(const uint8_t *bytes))[32]
{
	const uint8_t(*hashes)[32];

	memcpy(&hashes, &bytes, sizeof(bytes));
	return hashes;
}

/* An edge column: n hashes end to end. */
int store_get_edge(uint8_t (*edge)[32], size_t *nedge, size_t max, const PGresult *res, int row, int column);

extern const struct pg_statement_set store_append_set;
extern const struct pg_statement_set store_log_set;
extern const struct pg_statement_set store_checkpoint_set;
extern const struct pg_statement_set store_map_set;
extern const struct pg_statement_set store_chain_set;
extern const struct pg_statement_set store_anchor_set;
extern const struct pg_statement_set store_duty_set;
extern const struct pg_statement_set store_resolve_set;
extern const struct pg_statement_set store_history_page_set;
