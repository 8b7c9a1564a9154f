/*
 * Binary parameters and binary results of PostgreSQL: bytea, text, int8, bool and one-dimensional arrays of them
 * (array layout: PostgreSQL src/backend/utils/adt/arrayfuncs.c, array_recv). Integers travel big-endian.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes; data NULL is SQL NULL. Texts are UTF-8 without a terminating zero. */
struct pg_bytes {
	const uint8_t *data;
	size_t len;
};

struct pg_bytes pg_bytes(const void *data, size_t len);
/* A C string, NULL allowed. */
struct pg_bytes pg_text(const char *text);

#define PG_PARAMS_MAX 20

/*
 * The parameters of one statement, in order. Errors stick: check once, by handing it to pg_query().
 * Scalars given as bytes are borrowed until the statement is queued; arrays are built on the heap here.
 */
struct pg_params {
	int n;
	int err;
	const char *values[PG_PARAMS_MAX];
	int lengths[PG_PARAMS_MAX];
	uint8_t scratch[PG_PARAMS_MAX][8];
	void *owned[PG_PARAMS_MAX];
};

void pg_params_init(struct pg_params *p);
void pg_params_clear(struct pg_params *p);

void pg_param_null(struct pg_params *p);
void pg_param_bool(struct pg_params *p, bool value);
void pg_param_i64(struct pg_params *p, int64_t value);
/* -EOVERFLOW from 2^63 on. */
void pg_param_u64(struct pg_params *p, uint64_t value);
/* bytea or text; data NULL is SQL NULL. */
void pg_param_bytes(struct pg_params *p, struct pg_bytes value);
void pg_param_hash(struct pg_params *p, const uint8_t value[static 32]);

void pg_param_u64_array(struct pg_params *p, const uint64_t *values, size_t n);
void pg_param_i64_array(struct pg_params *p, const int64_t *values, size_t n);
void pg_param_bytea_array(struct pg_params *p, const struct pg_bytes *values, size_t n);
void pg_param_text_array(struct pg_params *p, const struct pg_bytes *values, size_t n);
/* n × 32 bytes end to end. */
void pg_param_hash_array(struct pg_params *p, const void *values, size_t n);

/* Readers of one field. A wrong length or NULL sets *err to -EPROTO and gives zero; err sticks. */
int64_t pg_get_i64(int *err, const PGresult *res, int row, int column);
uint64_t pg_get_u64(int *err, const PGresult *res, int row, int column);
bool pg_get_bool(int *err, const PGresult *res, int row, int column);
void pg_get_hash(int *err, uint8_t out[static 32], const PGresult *res, int row, int column);
/* Borrowed from res; data NULL for SQL NULL. */
struct pg_bytes pg_get_bytes(const PGresult *res, int row, int column);
bool pg_get_null(const PGresult *res, int row, int column);
/* The n fields of a record, ROW(...) in the statement, borrowed as above. Returns 0, or -EPROTO for another number of them. */
int pg_get_record(struct pg_bytes *fields, size_t n, const PGresult *res, int row, int column);
/* The same of a record that stands in a list or another record. */
int pg_record(struct pg_bytes *fields, size_t n, struct pg_bytes record);

/* A list that stands in a record: *n says how many pg_list_next() will give; of SQL NULL none. -EPROTO: no list of one dimension. */
int pg_list_open(size_t *n, struct pg_bytes *list);
int pg_list_next(struct pg_bytes *item, struct pg_bytes *list);

/* n columns in a row, from the first on, as a record's fields. */
void pg_get_fields(struct pg_bytes *fields, size_t n, const PGresult *res, int row, int column);

/* Of a field of a record: as pg_get_i64(), pg_get_u64(), pg_get_bool(); a smallint; bytes of that length and no other. */
int64_t pg_i64(int *err, struct pg_bytes field);
uint64_t pg_u64(int *err, struct pg_bytes field);
int pg_i16(int *err, struct pg_bytes field);
void pg_fixed(int *err, void *out, size_t len, struct pg_bytes field);
bool pg_bool(int *err, struct pg_bytes field);
