/* Arrays of structs as the array parameters of one statement, rows as arrays of structs, and what else of values several stores
 * need. */
#include <errno.h>
#include <stdlib.h>

#include "sql/store_internal.h"

int store_columns_init(struct store_columns *columns, const void *rows, size_t n, size_t stride)
{
	*columns = (struct store_columns){.rows = rows, .n = n, .stride = stride};
	columns->bytes = calloc(n ? n : 1, sizeof(*columns->bytes));
	columns->numbers = calloc(n ? n : 1, sizeof(*columns->numbers));
	if (columns->bytes && columns->numbers)
		return 0;
	store_columns_clear(columns);
	return -ENOMEM;
}

void store_columns_clear(struct store_columns *columns)
{
	free(columns->bytes);
	free(columns->numbers);
	columns->bytes = NULL;
	columns->numbers = NULL;
}

static const uint8_t *cell(const struct store_columns *columns, size_t i, size_t offset)
{
	return columns->rows + i * columns->stride + offset;
}

static bool is_set(const struct store_columns *columns, size_t i, size_t offset)
{
	bool value;

	memcpy(&value, cell(columns, i, offset), sizeof(value));
	return value;
}

void store_column_u64(struct pg_params *params, struct store_columns *columns, size_t offset)
{
	for (size_t i = 0; i < columns->n; i++)
		memcpy(&columns->numbers[i], cell(columns, i, offset), sizeof(uint64_t));
	pg_param_u64_array(params, columns->numbers, columns->n);
}

void store_column_i64(struct pg_params *params, struct store_columns *columns, size_t offset)
{
	int64_t *numbers = (int64_t *)columns->numbers;

	for (size_t i = 0; i < columns->n; i++)
		memcpy(&numbers[i], cell(columns, i, offset), sizeof(int64_t));
	pg_param_i64_array(params, numbers, columns->n);
}

void store_column_u32(struct pg_params *params, struct store_columns *columns, size_t offset)
{
	for (size_t i = 0; i < columns->n; i++) {
		uint32_t value;

		memcpy(&value, cell(columns, i, offset), sizeof(value));
		columns->numbers[i] = value;
	}
	pg_param_u64_array(params, columns->numbers, columns->n);
}

void store_column_bool(struct pg_params *params, struct store_columns *columns, size_t offset)
{
	for (size_t i = 0; i < columns->n; i++)
		columns->numbers[i] = is_set(columns, i, offset);
	pg_param_u64_array(params, columns->numbers, columns->n);
}

static void take_bytes(struct store_columns *columns, size_t offset)
{
	for (size_t i = 0; i < columns->n; i++)
		memcpy(&columns->bytes[i], cell(columns, i, offset), sizeof(struct pg_bytes));
}

void store_column_bytea(struct pg_params *params, struct store_columns *columns, size_t offset)
{
	take_bytes(columns, offset);
	pg_param_bytea_array(params, columns->bytes, columns->n);
}

void store_column_text(struct pg_params *params, struct store_columns *columns, size_t offset)
{
	take_bytes(columns, offset);
	pg_param_text_array(params, columns->bytes, columns->n);
}

void store_column_fixed(struct pg_params *params, struct store_columns *columns, size_t offset, size_t len)
{
	for (size_t i = 0; i < columns->n; i++)
		columns->bytes[i] = pg_bytes(cell(columns, i, offset), len);
	pg_param_bytea_array(params, columns->bytes, columns->n);
}

void store_column_fixed_if(struct pg_params *params, struct store_columns *columns, size_t offset, size_t len,
			   size_t flag)
{
	for (size_t i = 0; i < columns->n; i++)
		columns->bytes[i] =
			is_set(columns, i, flag) ? pg_bytes(cell(columns, i, offset), len) : pg_bytes(NULL, 0);
	pg_param_bytea_array(params, columns->bytes, columns->n);
}

void store_column_address(struct pg_params *params, struct store_columns *columns, size_t offset)
{
	static const uint8_t zero[20];

	for (size_t i = 0; i < columns->n; i++)
		columns->bytes[i] = memcmp(cell(columns, i, offset), zero, sizeof(zero))
					    ? pg_bytes(cell(columns, i, offset), sizeof(zero))
					    : pg_bytes(NULL, 0);
	pg_param_bytea_array(params, columns->bytes, columns->n);
}

void *store_rows(int *err, size_t *n, const PGresult *res, size_t size, int (*get)(void *into, const PGresult *res, int row))
{
	const int count = PQntuples(res);
	uint8_t *rows = calloc(count > 0 ? (size_t)count : 1, size);
	int bad = rows ? 0 : -ENOMEM;

	*n = 0;
	for (int i = 0; bad == 0 && i < count; i++)
		bad = get(rows + (size_t)i * size, res, i);
	if (bad) {
		free(rows);
		*err = bad;
		return NULL;
	}
	*n = (size_t)count;
	return rows;
}

void store_param_agent(struct pg_params *params, uint32_t registry, const uint8_t agent_id[static 32])
{
	pg_params_init(params);
	pg_param_u64(params, registry);
	pg_param_hash(params, agent_id);
}

bool store_get_address(int *err, uint8_t out[static 20], const PGresult *res, int row, int column)
{
	const struct pg_bytes bytes = pg_get_bytes(res, row, column);

	if (bytes.len == 20)
		memcpy(out, bytes.data, 20);
	else
		memset(out, 0, 20);
	if (bytes.data && bytes.len != 20)
		*err = -EPROTO;
	return bytes.len == 20;
}
