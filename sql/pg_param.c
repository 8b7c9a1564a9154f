/* Binary parameters and results: the only place that knows PostgreSQL's wire forms of values. */
#include "sql/pg_param.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Type oids of pg_type.dat; they are fixed for ever. */
enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 };

struct pg_bytes pg_bytes(const void *data, size_t len)
{
	return (struct pg_bytes){data, len};
}

struct pg_bytes pg_text(const char *text)
{
	return (struct pg_bytes){(const uint8_t *)text, text ? strlen(text) : 0};
}

void pg_params_init(struct pg_params *p)
{
	p->n = 0;
	p->err = 0;
}

void pg_params_clear(struct pg_params *p)
{
	for (int i = 0; i < p->n; i++)
		free(p->owned[i]);
	p->n = 0;
}

static uint8_t *put_u32(uint8_t *at, uint32_t v)
{
	v = htobe32(v);
	return mempcpy(at, &v, sizeof(v));
}

static uint8_t *put_u64(uint8_t *at, uint64_t v)
{
	v = htobe64(v);
	return mempcpy(at, &v, sizeof(v));
}

static void add(struct pg_params *p, const void *value, size_t len, void *owned)
{
	if (p->n == PG_PARAMS_MAX || len > INT_MAX / 2) {
		if (!p->err)
			p->err = p->n == PG_PARAMS_MAX ? -EINVAL : -EOVERFLOW;
		free(owned);
		return;
	}
	p->values[p->n] = value;
	p->lengths[p->n] = (int)len;
	p->owned[p->n] = owned;
	p->n++;
}

void pg_param_null(struct pg_params *p)
{
	add(p, NULL, 0, NULL);
}

void pg_param_bool(struct pg_params *p, bool value)
{
	static const uint8_t values[2] = {0, 1};

	add(p, &values[value], 1, NULL);
}

void pg_param_i64(struct pg_params *p, int64_t value)
{
	if (p->n == PG_PARAMS_MAX) {
		p->err = p->err ? p->err : -EINVAL;
		return;
	}
	put_u64(p->scratch[p->n], (uint64_t)value);
	add(p, p->scratch[p->n], 8, NULL);
}

void pg_param_u64(struct pg_params *p, uint64_t value)
{
	if (value > INT64_MAX && !p->err)
		p->err = -EOVERFLOW;
	pg_param_i64(p, (int64_t)(value & INT64_MAX));
}

void pg_param_bytes(struct pg_params *p, struct pg_bytes value)
{
	add(p, value.data, value.len, NULL);
}

void pg_param_hash(struct pg_params *p, const uint8_t value[static 32])
{
	add(p, value, 32, NULL);
}

static size_t array_header(size_t n)
{
	return n ? 20 : 12;
}

/* An array value with its header written; the elements follow at array_header(n). NULL if it cannot be. */
static uint8_t *array_new(struct pg_params *p, uint32_t type, size_t n, size_t body, bool nulls)
{
	if (n > INT_MAX / 8 || body > INT_MAX / 2) {
		p->err = p->err ? p->err : -EOVERFLOW;
		return NULL;
	}
	uint8_t *start = malloc(array_header(n) + body);

	if (!start) {
		p->err = p->err ? p->err : -ENOMEM;
		return NULL;
	}
	uint8_t *at = put_u32(start, n ? 1 : 0);

	at = put_u32(at, nulls);
	at = put_u32(at, type);
	if (n) {
		at = put_u32(at, (uint32_t)n);
		put_u32(at, 1);
	}
	return start;
}

void pg_param_u64_array(struct pg_params *p, const uint64_t *values, size_t n)
{
	uint8_t *start = array_new(p, OID_INT8, n, n * 12, false);

	if (!start)
		return;
	uint8_t *at = start + array_header(n);

	for (size_t i = 0; i < n; i++) {
		if (values[i] > INT64_MAX && !p->err)
			p->err = -EOVERFLOW;
		at = put_u64(put_u32(at, 8), values[i]);
	}
	add(p, start, (size_t)(at - start), start);
}

void pg_param_i64_array(struct pg_params *p, const int64_t *values, size_t n)
{
	uint8_t *start = array_new(p, OID_INT8, n, n * 12, false);

	if (!start)
		return;
	uint8_t *at = start + array_header(n);

	for (size_t i = 0; i < n; i++)
		at = put_u64(put_u32(at, 8), (uint64_t)values[i]);
	add(p, start, (size_t)(at - start), start);
}

static void bytes_array(struct pg_params *p, uint32_t type, const struct pg_bytes *values, size_t n)
{
	size_t body = 0;
	bool nulls = false;

	for (size_t i = 0; i < n; i++) {
		if (values[i].len > INT_MAX / 2 || body > INT_MAX / 2) {
			p->err = p->err ? p->err : -EOVERFLOW;
			return;
		}
		body += 4 + values[i].len;
		nulls = nulls || !values[i].data;
	}
	uint8_t *start = array_new(p, type, n, body, nulls);

	if (!start)
		return;
	uint8_t *at = start + array_header(n);

	for (size_t i = 0; i < n; i++) {
		if (!values[i].data) {
			at = put_u32(at, UINT32_MAX);
			continue;
		}
		at = put_u32(at, (uint32_t)values[i].len);
		memcpy(at, values[i].data, values[i].len);
		at += values[i].len;
	}
	add(p, start, (size_t)(at - start), start);
}

void pg_param_bytea_array(struct pg_params *p, const struct pg_bytes *values, size_t n)
{
	bytes_array(p, OID_BYTEA, values, n);
}

void pg_param_text_array(struct pg_params *p, const struct pg_bytes *values, size_t n)
{
	bytes_array(p, OID_TEXT, values, n);
}

void pg_param_hash_array(struct pg_params *p, const void *values, size_t n)
{
	uint8_t *start = array_new(p, OID_BYTEA, n, n > INT_MAX / 72 ? SIZE_MAX : n * 36, false);

	if (!start)
		return;
	uint8_t *at = start + array_header(n);

	for (size_t i = 0; i < n; i++) {
		at = put_u32(at, 32);
		memcpy(at, (const uint8_t *)values + 32 * i, 32);
		at += 32;
	}
	add(p, start, (size_t)(at - start), start);
}

int64_t pg_get_i64(int *err, const PGresult *res, int row, int column)
{
	return pg_i64(err, pg_get_bytes(res, row, column));
}

uint64_t pg_get_u64(int *err, const PGresult *res, int row, int column)
{
	return pg_u64(err, pg_get_bytes(res, row, column));
}

bool pg_get_bool(int *err, const PGresult *res, int row, int column)
{
	return pg_bool(err, pg_get_bytes(res, row, column));
}

void pg_get_hash(int *err, uint8_t out[static 32], const PGresult *res, int row, int column)
{
	pg_fixed(err, out, 32, pg_get_bytes(res, row, column));
}

struct pg_bytes pg_get_bytes(const PGresult *res, int row, int column)
{
	if (pg_get_null(res, row, column))
		return (struct pg_bytes){NULL, 0};
	return (struct pg_bytes){(const uint8_t *)PQgetvalue(res, row, column), (size_t)PQgetlength(res, row, column)};
}

bool pg_get_null(const PGresult *res, int row, int column)
{
	return row >= PQntuples(res) || column >= PQnfields(res) || PQgetisnull(res, row, column);
}

static bool take_u32(uint32_t *out, struct pg_bytes *from)
{
	if (from->len < 4)
		return false;
	*out = (uint32_t)from->data[0] << 24 | (uint32_t)from->data[1] << 16 | (uint32_t)from->data[2] << 8 | from->data[3];
	from->data += 4;
	from->len -= 4;
	return true;
}

/* A length (-1 for NULL) and so many bytes. */
static bool take_field(struct pg_bytes *field, struct pg_bytes *from)
{
	uint32_t len;

	if (!take_u32(&len, from) || (len != UINT32_MAX && len > from->len))
		return false;
	if (len == UINT32_MAX) {
		*field = (struct pg_bytes){NULL, 0};
		return true;
	}
	*field = (struct pg_bytes){from->data, len};
	from->data += len;
	from->len -= len;
	return true;
}

/* record_send: their number, and of each its type, its length and its bytes. */
int pg_record(struct pg_bytes *fields, size_t n, struct pg_bytes record)
{
	struct pg_bytes left = record;
	uint32_t count, type;

	if (!left.data || !take_u32(&count, &left) || count != n)
		return -EPROTO;
	for (size_t i = 0; i < n; i++)
		if (!take_u32(&type, &left) || !take_field(&fields[i], &left))
			return -EPROTO;
	return left.len == 0 ? 0 : -EPROTO;
}

int pg_get_record(struct pg_bytes *fields, size_t n, const PGresult *res, int row, int column)
{
	return pg_record(fields, n, pg_get_bytes(res, row, column));
}

/* array_send: dimensions, whether there are NULLs, the items' type; of each dimension its size and first index. */
int pg_list_open(size_t *n, struct pg_bytes *list)
{
	uint32_t dimensions, nulls, type, size = 0, first;

	*n = 0;
	if (!list->data)
		return 0;
	if (!take_u32(&dimensions, list) || !take_u32(&nulls, list) || !take_u32(&type, list) || dimensions > 1)
		return -EPROTO;
	if (dimensions == 1 && (!take_u32(&size, list) || !take_u32(&first, list)))
		return -EPROTO;
	if (size > list->len / 4)
		return -EPROTO;
	*n = size;
	return 0;
}

int pg_list_next(struct pg_bytes *item, struct pg_bytes *list)
{
	return take_field(item, list) ? 0 : -EPROTO;
}

void pg_get_fields(struct pg_bytes *fields, size_t n, const PGresult *res, int row, int column)
{
	for (size_t i = 0; i < n; i++)
		fields[i] = pg_get_bytes(res, row, column + (int)i);
}

int64_t pg_i64(int *err, struct pg_bytes field)
{
	uint64_t number;

	if (!field.data || field.len != sizeof(number)) {
		*err = -EPROTO;
		return 0;
	}
	memcpy(&number, field.data, sizeof(number));
	return (int64_t)be64toh(number);
}

uint64_t pg_u64(int *err, struct pg_bytes field)
{
	const int64_t number = pg_i64(err, field);

	if (number < 0) {
		*err = -EPROTO;
		return 0;
	}
	return (uint64_t)number;
}

int pg_i16(int *err, struct pg_bytes field)
{
	if (!field.data || field.len != 2) {
		*err = -EPROTO;
		return 0;
	}
	return (int16_t)(field.data[0] << 8 | field.data[1]);
}

void pg_fixed(int *err, void *out, size_t len, struct pg_bytes field)
{
	if (field.data && field.len == len) {
		memcpy(out, field.data, len);
		return;
	}
	memset(out, 0, len);
	*err = -EPROTO;
}

bool pg_bool(int *err, struct pg_bytes field)
{
	if (!field.data || field.len != 1) {
		*err = -EPROTO;
		return false;
	}
	return field.data[0] != 0;
}
