/* How a request body is taken apart: forms, limits, and bodies that cannot be. */
#include "gateway/record/attestation.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static struct batch batch;

static void test_items(void **state)
{
	static const struct {
		const char *body;
		bool ndjson;
		enum batch_form form;
		size_t count;
		const char *items[4];
	} cases[] = {
		{"{\"a\":1}", false, BATCH_SINGLE, 1, {"{\"a\":1}"}},
		{" \r\n{} \n", false, BATCH_SINGLE, 1, {"{}"}},
		{"{}{}", false, BATCH_SINGLE, 1, {"{}{}"}},
		{"[{},{\"b\":[1,2]} , 3]", false, BATCH_ARRAY, 3, {"{}", "{\"b\":[1,2]}", "3"}},
		{"[ \"],[\\\"\" , {\"k]\":\"}\"}]\n", false, BATCH_ARRAY, 2, {"\"],[\\\"\"", "{\"k]\":\"}\"}"}},
		{"[[1],[2]]", false, BATCH_ARRAY, 2, {"[1]", "[2]"}},
		{"[{},]", false, BATCH_ARRAY, 2, {"{}", ""}},
		{"[,]", false, BATCH_ARRAY, 2, {"", ""}},
		{"[{]}]", false, BATCH_ARRAY, 1, {"{]}"}}, /* the item's fault, not the batch's: brackets only count */
		{"{}\n\n {\"b\":2}\r\n", true, BATCH_NDJSON, 2, {"{}", "{\"b\":2}"}},
		{"[1]\n[2]", true, BATCH_NDJSON, 2, {"[1]", "[2]"}},
		{"{\"a\":\n1}", true, BATCH_NDJSON, 2, {"{\"a\":", "1}"}},
	};
	struct refusal why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].body);

		assert_int_equal(batch_split(&batch, &why, (const uint8_t *)cases[i].body, len, cases[i].ndjson), 0);
		assert_int_equal(batch.form, cases[i].form);
		assert_int_equal(batch.count, cases[i].count);
		for (size_t k = 0; k < batch.count; k++) {
			assert_int_equal(batch.item[k].len, strlen(cases[i].items[k]));
			assert_memory_equal(cases[i].body + batch.item[k].at, cases[i].items[k], batch.item[k].len);
		}
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *body;
		bool ndjson;
		const char *detail;
	} cases[] = {
		{"", false, "the body holds no item"},	      {" \n ", false, "the body holds no item"},
		{"[]", false, "the body holds no item"},      {"[ ]", false, "the body holds no item"},
		{"\n\n", true, "the body holds no item"},     {"[", false, "the array does not end"},
		{"[{}", false, "the array does not end"},     {"[\"]", false, "the array does not end"},
		{"[\"\\", false, "the array does not end"},   {"[{]", false, "the array does not end"},
		{"[{}] {}", false, "bytes follow the array"}, {"[{}]]", false, "bytes follow the array"},
	};
	struct refusal why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(batch_split(&batch, &why, (const uint8_t *)cases[i].body, strlen(cases[i].body),
					     cases[i].ndjson),
				 -EBADMSG);
		assert_int_equal(why.code, REFUSAL_BATCH);
		assert_string_equal(why.detail, cases[i].detail);
	}
}

static void test_limits(void **state)
{
	size_t len = BATCH_BYTES_MAX + 1;
	char *body = malloc(len);
	struct refusal why;

	(void)state;
	assert_non_null(body);
	memset(body, ' ', len);
	body[0] = '1';
	assert_int_equal(batch_split(&batch, &why, (const uint8_t *)body, len - 1, false), 0);
	assert_int_equal(batch_split(&batch, &why, (const uint8_t *)body, len, false), -EBADMSG);
	assert_int_equal(why.code, REFUSAL_BATCH_TOO_LARGE);
	assert_int_equal(refusal_row(why.code)->status, 413);
	for (size_t i = 0; i <= BATCH_ITEMS_MAX; i++)
		memcpy(body + 2 * i, "1\n", 2);
	assert_int_equal(batch_split(&batch, &why, (const uint8_t *)body, 2 * BATCH_ITEMS_MAX, true), 0);
	assert_int_equal(batch.count, BATCH_ITEMS_MAX);
	assert_int_equal(batch_split(&batch, &why, (const uint8_t *)body, 2 * BATCH_ITEMS_MAX + 2, true), -EBADMSG);
	assert_int_equal(why.code, REFUSAL_BATCH_TOO_LARGE);
	free(body);
}

static void test_content_types(void **state)
{
	static const struct {
		const char *type;
		int rc;
		bool ndjson;
	} cases[] = {
		{NULL, 0, false},
		{"application/json", 0, false},
		{"Application/JSON; charset=utf-8", 0, false},
		{"application/x-ndjson", 0, true},
		{"application/ndjson;charset=utf-8", 0, true},
		{"application/jsonl", 0, true},
		{"text/plain", -EINVAL, false},
		{"application/json-seq", -EINVAL, false},
		{"", -EINVAL, false},
	};
	bool ndjson;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(batch_content_type(&ndjson, cases[i].type), cases[i].rc);
		assert_int_equal(ndjson, cases[i].ndjson);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_content_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
