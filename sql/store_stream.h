/*
 * What streams read: entries of some kinds from a size of the log on, and how far that reaches. Only of kinds that are
 * few: `attestation` and `index` are in no index of kinds and are never found.
 */
#pragma once

#include "sql/pg.h"

enum { STORE_STREAM_ROWS_MAX = 1000 };

struct store_stream_ask {
	uint64_t from; /* seq >= from; INT64_MAX or more: only the size is asked */
	const struct pg_bytes *kinds;
	size_t nkinds;
	const struct pg_bytes *payloads; /* kinds whose payload, and that of their subject's first entry, is wanted too */
	size_t npayloads;
	unsigned limit; /* 1 to STORE_STREAM_ROWS_MAX, else -EINVAL */
};

struct store_stream_row {
	uint64_t seq, at;
	struct pg_bytes kind, subject, line;
	struct pg_bytes payload; /* data NULL: not wanted, none, or erased */
	struct pg_bytes first;	 /* of the subject's first entry, in the same way */
};

struct store_stream_rows {
	uint64_t size; /* of the log, in the same snapshot: rows are all there are below it, unless n is the limit */
	size_t n;
	PGresult *res; /* private */
};

/* -ENOENT: there is no log yet. */
int store_stream(struct pg_conn *conn, struct pg_op *op, struct store_stream_rows *out,
		 const struct store_stream_ask *ask) PG_MUST_CHECK;
/* The i-th, in the order of the log; borrows from rows. Returns 0 or -EPROTO. */
int store_stream_get(const struct store_stream_rows *rows, struct store_stream_row *out, size_t i) PG_MUST_CHECK;
void store_stream_clear(struct store_stream_rows *rows);
