/* Binary parameters, byte by byte, and what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sql/pg_param.h"

static void int8_array_has_the_wire_form_of_array_recv(void **state)
{
	static const uint8_t expected[] = {
		0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20,
		0, 0, 0, 2, 0, 0, 0, 1,		    /* dimensions, nulls, type, length, lower bound */
		0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1, /* 1 */
		0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, /* 2^32 */
	};
	const uint64_t values[] = {1, UINT64_C(1) << 32};
	struct pg_params params;

	(void)state;
	pg_params_init(&params);
	pg_param_u64_array(&params, values, 2);
	assert_int_equal(params.err, 0);
	assert_int_equal(params.lengths[0], sizeof(expected));
	assert_memory_equal(params.values[0], expected, sizeof(expected));
	pg_params_clear(&params);
}

static void nulls_and_empty_values_differ(void **state)
{
	static const uint8_t expected[] = {
		0, 0, 0, 1,    0,    0,	   0,	 1, 0, 0, 0, 17, 0, 0, 0, 3,   0,
		0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0,	 0, 0, 1, 'x',
	};
	const struct pg_bytes values[] = {{NULL, 0}, pg_text(""), pg_text("x")};
	struct pg_params params;

	(void)state;
	pg_params_init(&params);
	pg_param_bytea_array(&params, values, 3);
	assert_int_equal(params.lengths[0], sizeof(expected));
	assert_memory_equal(params.values[0], expected, sizeof(expected));
	pg_params_clear(&params);
}

static void empty_array_has_no_dimension(void **state)
{
	static const uint8_t expected[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17};
	struct pg_params params;

	(void)state;
	pg_params_init(&params);
	pg_param_hash_array(&params, NULL, 0);
	assert_int_equal(params.lengths[0], sizeof(expected));
	assert_memory_equal(params.values[0], expected, sizeof(expected));
	pg_params_clear(&params);
}

static void numbers_from_2_63_on_are_refused(void **state)
{
	const uint64_t values[] = {UINT64_C(1) << 63};
	struct pg_params params;

	(void)state;
	pg_params_init(&params);
	pg_param_u64(&params, INT64_MAX);
	assert_int_equal(params.err, 0);
	pg_param_u64(&params, UINT64_C(1) << 63);
	assert_int_equal(params.err, -EOVERFLOW);
	pg_params_clear(&params);
	pg_params_init(&params);
	pg_param_u64_array(&params, values, 1);
	assert_int_equal(params.err, -EOVERFLOW);
	pg_params_clear(&params);
}

static void one_parameter_too_many_is_refused(void **state)
{
	struct pg_params params;

	(void)state;
	pg_params_init(&params);
	for (int i = 0; i < PG_PARAMS_MAX; i++)
		pg_param_i64(&params, i);
	assert_int_equal(params.err, 0);
	pg_param_i64(&params, 0);
	assert_int_equal(params.err, -EINVAL);
	pg_params_clear(&params);
	pg_params_init(&params);
	for (int i = 0; i < PG_PARAMS_MAX; i++)
		pg_param_null(&params);
	pg_param_hash_array(&params, "01234567890123456789012345678901", 1);
	assert_int_equal(params.err, -EINVAL);
	pg_params_clear(&params);
}

static void readers_refuse_other_shapes(void **state)
{
	PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresAttDesc column = {.format = 1, .typlen = -1, .typid = 17};
	char nine[10] = "123456789";
	uint8_t hash[32];
	int err = 0;

	(void)state;
	assert_int_equal(PQsetResultAttrs(res, 1, &column), 1);
	assert_int_equal(PQsetvalue(res, 0, 0, nine, 9), 1);
	assert_int_equal(PQsetvalue(res, 1, 0, NULL, -1), 1);
	pg_get_i64(&err, res, 0, 0);
	assert_int_equal(err, -EPROTO);
	err = 0;
	pg_get_i64(&err, res, 1, 0);
	assert_int_equal(err, -EPROTO);
	err = 0;
	pg_get_hash(&err, hash, res, 0, 0);
	assert_int_equal(err, -EPROTO);
	err = 0;
	pg_get_bool(&err, res, 7, 0);
	assert_int_equal(err, -EPROTO);
	assert_int_equal(pg_get_bytes(res, 0, 0).len, 9);
	assert_null(pg_get_bytes(res, 1, 0).data);
	assert_null(pg_get_bytes(res, 0, 3).data);
	memset(nine, 0xff, 8);
	assert_int_equal(PQsetvalue(res, 2, 0, nine, 8), 1);
	err = 0;
	assert_int_equal(pg_get_i64(&err, res, 2, 0), -1);
	assert_int_equal(err, 0);
	pg_get_u64(&err, res, 2, 0);
	assert_int_equal(err, -EPROTO);
	PQclear(res);
}

static void a_record_has_its_fields_and_no_more(void **state)
{
	/* ROW('ab'::bytea, NULL::int8), as record_send has it */
	static const char record[] = "\0\0\0\2" "\0\0\0\x11" "\0\0\0\2" "ab" "\0\0\0\x14" "\xff\xff\xff\xff";
	const size_t whole = sizeof(record) - 1;
	PGresAttDesc column = {.format = 1, .typlen = -1, .typid = 2249};
	struct pg_bytes fields[3];
	char text[sizeof(record)];

	(void)state;
	for (size_t len = 0; len <= whole + 1; len++) {
		PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

		memcpy(text, record, sizeof(record));
		assert_int_equal(PQsetResultAttrs(res, 1, &column), 1);
		assert_int_equal(PQsetvalue(res, 0, 0, text, (int)len), 1);
		assert_int_equal(pg_get_record(fields, 2, res, 0, 0), len == whole ? 0 : -EPROTO);
		if (len == whole) {
			assert_int_equal(fields[0].len, 2);
			assert_memory_equal(fields[0].data, "ab", 2);
			assert_null(fields[1].data);
			assert_int_equal(pg_get_record(fields, 1, res, 0, 0), -EPROTO);
			assert_int_equal(pg_get_record(fields, 3, res, 0, 0), -EPROTO);
			assert_int_equal(pg_get_record(fields, 2, res, 1, 0), -EPROTO);
		}
		PQclear(res);
	}
}

/* ARRAY['ab', NULL]::bytea[], as array_send has it; and the numbers and truth values of a record. */
static void a_list_in_a_record_is_bounded_by_it(void **state)
{
	static const uint8_t list[] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 17, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 'a', 'b', 255, 255, 255, 255};
	static const uint8_t empty[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17}, flat[] = {0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 17};
	static const uint8_t number[] = {0, 0, 0, 0, 0, 0, 1, 2}, below[] = {128, 0, 0, 0, 0, 0, 0, 0};
	struct pg_bytes left = pg_bytes(NULL, 0), item;
	size_t n = 1;
	int err = 0;

	(void)state;
	assert_int_equal(pg_list_open(&n, &left), 0);
	assert_int_equal(n, 0);
	left = pg_bytes(empty, sizeof(empty));
	assert_int_equal(pg_list_open(&n, &left), 0);
	assert_int_equal(n, 0);
	left = pg_bytes(flat, sizeof(flat));
	assert_int_equal(pg_list_open(&n, &left), -EPROTO);
	for (size_t len = 0; len <= sizeof(list); len++) {
		int rc;

		left = pg_bytes(list, len);
		rc = pg_list_open(&n, &left);
		for (size_t i = 0; rc == 0 && i < n; i++) {
			rc = pg_list_next(&item, &left);
			if (rc == 0)
				assert_int_equal(item.len, i == 0 ? 2 : 0);
		}
		assert_int_equal(rc, len == sizeof(list) ? 0 : -EPROTO);
	}
	assert_int_equal(pg_u64(&err, pg_bytes(number, 8)), 258);
	assert_true(pg_bool(&err, pg_bytes(&number[6], 1)));
	assert_int_equal(err, 0);
	(void)pg_u64(&err, pg_bytes(below, 8));
	assert_int_equal(err, -EPROTO);
	err = 0;
	assert_false(pg_bool(&err, pg_bytes(number, 2)));
	assert_int_equal(err, -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(int8_array_has_the_wire_form_of_array_recv),
		cmocka_unit_test(nulls_and_empty_values_differ),
		cmocka_unit_test(empty_array_has_no_dimension),
		cmocka_unit_test(numbers_from_2_63_on_are_refused),
		cmocka_unit_test(one_parameter_too_many_is_refused),
		cmocka_unit_test(readers_refuse_other_shapes),
		cmocka_unit_test(a_record_has_its_fields_and_no_more),
		cmocka_unit_test(a_list_in_a_record_is_bounded_by_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
