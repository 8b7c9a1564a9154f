/* The canonical writer: RFC 8785's own examples, and the places where jansson's dump would give other bytes. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/jcs.h"

struct pair {
	const char *in;
	const char *out;
};

static const struct pair pairs[] = {
	/* RFC 8785 section 3.2.2 and 3.2.4 */
	{"{\"numbers\": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],"
	 " \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\", \"literals\": [null, true, "
	 "false]}",
	 "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
	 "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"},
	/* RFC 8785 section 3.2.3: order of UTF-16 code units */
	{"{\"\\u20ac\": \"Euro Sign\", \"\\r\": \"Carriage Return\", \"\\ufb33\": \"Hebrew Letter Dalet With Dagesh\","
	 " \"1\": \"One\", \"\\ud83d\\ude00\": \"Emoji: Grinning Face\", \"\\u0080\": \"Control\","
	 " \"\\u00f6\": \"Latin Small Letter O With Diaeresis\"}",
	 "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"\xc3\xb6\":\"Latin Small Letter O With "
	 "Diaeresis\","
	 "\"\xe2\x82\xac\":\"Euro Sign\",\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":"
	 "\"Hebrew Letter Dalet With Dagesh\"}"},
	/* cyberphone's structures.json, arrays.json, french.json */
	{"{\"1\": {\"f\": {\"f\": \"hi\",\"F\": 5} ,\"\\n\": 56.0}, \"10\": { }, \"\": \"empty\", \"a\": { }, \"111\":"
	 " [ {\"e\": \"yes\",\"E\": \"no\" } ], \"A\": { }}",
	 "{\"\":\"empty\",\"1\":{\"\\n\":56,\"f\":{\"F\":5,\"f\":\"hi\"}},\"10\":{},\"111\":[{\"E\":\"no\",\"e\":"
	 "\"yes\"}],"
	 "\"A\":{},\"a\":{}}"},
	{"[ 56, { \"d\": true, \"10\": null, \"1\": [ ] } ]", "[56,{\"1\":[],\"10\":null,\"d\":true}]"},
	{"{\"peach\":1,\"p\xc3\xa9"
	 "ch\xc3\xa9\":2,\"p\xc3\xaa"
	 "che\":3,\"sin\":4}",
	 "{\"peach\":1,\"p\xc3\xa9"
	 "ch\xc3\xa9\":2,\"p\xc3\xaa"
	 "che\":3,\"sin\":4}"},
	/* where jansson's dump is something else (facts C.1) */
	{"[0.1]", "[0.1]"},
	{"[1.0, -0.0, -0, 1E2, 1e21, 1e-7, 0.000001]", "[1,0,0,100,1e+21,1e-7,0.000001]"},
	{"\"\\u0001\\u001f\\u000b\\b\\t\\n\\f\\r\\u007f\"", "\"\\u0001\\u001f\\u000b\\b\\t\\n\\f\\r\x7f\""},
	{"\"\\/ <>&'\"", "\"/ <>&'\""},
	{"{\"\\uffff\":1,\"\\ud800\\udc00\":2}", "{\"\xf0\x90\x80\x80\":2,\"\xef\xbf\xbf\":1}"},
	{"{\"\\ue000\":1,\"\\udbff\\udfff\":2,\"\\ud7ff\":3}",
	 "{\"\xed\x9f\xbf\":3,\"\xf4\x8f\xbf\xbf\":2,\"\xee\x80\x80\":1}"},
	{"{\"ab\":1,\"a\":2,\"abc\":3}", "{\"a\":2,\"ab\":1,\"abc\":3}"},
	{"\"\\u2028\\u2029\"", "\"\xe2\x80\xa8\xe2\x80\xa9\""},
	{"[9007199254740991,-9007199254740991,9007199254740991.0]",
	 "[9007199254740991,-9007199254740991,9007199254740991]"},
};

static json_t *take(const char *text)
{
	struct jcs_error err;
	json_t *value;

	if (jcs_parse(&value, &err, text, strlen(text), NULL) != 0)
		fail_msg("%s: %s at %zu", text, jcs_reason(err.code), err.offset);
	return value;
}

static void check_canonical(const char *in, const char *out)
{
	struct jcs_buffer buffer = {0};
	json_t *value = take(in);

	assert_int_equal(jcs_write(&buffer, value), 0);
	if (buffer.len != strlen(out) || memcmp(buffer.data, out, buffer.len) != 0)
		fail_msg("%s\ngives %.*s\nnot   %s", in, (int)buffer.len, buffer.data, out);
	json_decref(value);
	jcs_buffer_clear(&buffer);
}

static void examples_give_their_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		check_canonical(pairs[i].in, pairs[i].out);
}

static void what_is_canonical_stays_as_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		check_canonical(pairs[i].out, pairs[i].out);
}

/* RFC 8785 appendix B, by bits; node is asked about the rest by test_jcs_numbers. */
static void numbers_of_appendix_b(void **state)
{
	static const struct {
		uint64_t bits;
		const char *text;
	} numbers[] = {
		{0x0000000000000000, "0"},
		{0x8000000000000000, "0"},
		{0x0000000000000001, "5e-324"},
		{0x8000000000000001, "-5e-324"},
		{0x7fefffffffffffff, "1.7976931348623157e+308"},
		{0xffefffffffffffff, "-1.7976931348623157e+308"},
		{0x4340000000000000, "9007199254740992"},
		{0xc340000000000000, "-9007199254740992"},
		{0x4430000000000000, "295147905179352830000"},
		{0x44b52d02c7e14af5, "9.999999999999997e+22"},
		{0x44b52d02c7e14af6, "1e+23"},
		{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
		{0x444b1ae4d6e2ef4e, "999999999999999700000"},
		{0x444b1ae4d6e2ef4f, "999999999999999900000"},
		{0x444b1ae4d6e2ef50, "1e+21"},
		{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
		{0x3eb0c6f7a0b5ed8d, "0.000001"},
		{0x41b3de4355555553, "333333333.3333332"},
		{0x41b3de4355555554, "333333333.33333325"},
		{0x41b3de4355555555, "333333333.3333333"},
		{0x41b3de4355555556, "333333333.3333334"},
		{0x41b3de4355555557, "333333333.33333343"},
		{0xbecbf647612f3696, "-0.0000033333333333333333"},
		{0x43143ff3c1cb0959, "1424953923781206.2"},
	};
	char text[JCS_NUMBER_SIZE];
	double value;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		memcpy(&value, &numbers[i].bits, sizeof(value));
		assert_int_equal(jcs_number(text, value), strlen(numbers[i].text));
		assert_string_equal(text, numbers[i].text);
	}
}

static void many_members_are_sorted(void **state)
{
	struct jcs_buffer buffer = {0};
	json_t *object = json_object();
	char name[16];
	size_t at = 1;

	(void)state;
	/* 7919 has no factor in common with 5000, so every name comes once, in no order */
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "k%04u", i * 7919 % 5000);
		json_object_set_new(object, name, i % 64 ? json_null() : json_pack("{s:i, s:i}", "b", 1, "a", 2));
	}
	assert_int_equal(jcs_write(&buffer, object), 0);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "\"k%04u\":", i);
		assert_memory_equal(buffer.data + at, name, strlen(name));
		at += strlen(name);
		at += strcspn(buffer.data + at, buffer.data[at] == '{' ? "}" : ",}") + (buffer.data[at] == '{') + 1;
	}
	assert_int_equal(at, buffer.len);
	json_decref(object);
	jcs_buffer_clear(&buffer);
}

static void what_has_no_canonical_form_is_refused(void **state)
{
	json_t *deep = json_array(), *big = json_pack("[I]", (json_int_t)9007199254740992);
	json_t *small = json_pack("[I]", (json_int_t)-9007199254740992);
	struct jcs_buffer buffer = {0};

	(void)state;
	for (int i = 0; i < 256; i++)
		deep = json_pack("[o]", deep);
	assert_int_equal(jcs_write(&buffer, deep), -EOVERFLOW);
	assert_int_equal(jcs_write(&buffer, json_array_get(deep, 0)), 0);
	assert_int_equal(buffer.len, 512);
	assert_int_equal(jcs_write(&buffer, big), -EOVERFLOW);
	assert_int_equal(jcs_write(&buffer, small), -EOVERFLOW);
	assert_int_equal(buffer.len, 512);
	json_decref(deep);
	json_decref(big);
	json_decref(small);
	jcs_buffer_clear(&buffer);
	assert_null(buffer.data);
}

static void a_fixed_buffer_is_never_overrun(void **state)
{
	json_t *value = take("{\"b\":[1.5,\"x\\ny\",null],\"a\":{\"c\":true}}");
	const char *whole = "{\"a\":{\"c\":true},\"b\":[1.5,\"x\\ny\",null]}";

	(void)state;
	for (size_t cap = 0; cap <= strlen(whole); cap++) {
		char *memory = malloc(cap + 1);
		struct jcs_buffer buffer = {.data = memory, .cap = cap, .fixed = true};
		int rc = jcs_write(&buffer, value);

		assert_int_equal(rc, cap == strlen(whole) ? 0 : -ENOSPC);
		assert_int_equal(buffer.len, rc == 0 ? cap : 0);
		if (rc == 0)
			assert_memory_equal(memory, whole, cap);
		jcs_buffer_clear(&buffer);
		free(memory);
	}
	json_decref(value);
}

static void writing_appends(void **state)
{
	struct jcs_buffer buffer = {0};
	json_t *value = take("[1]");

	(void)state;
	assert_int_equal(jcs_write_string(&buffer, "a\"\x1f", 3), 0);
	assert_int_equal(jcs_write_string(&buffer, "", 0), 0);
	assert_int_equal(jcs_write(&buffer, value), 0);
	assert_int_equal(buffer.len, 16);
	assert_memory_equal(buffer.data, "\"a\\\"\\u001f\"\"\"[1]", 16);
	json_decref(value);
	jcs_buffer_clear(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_give_their_bytes),
		cmocka_unit_test(what_is_canonical_stays_as_it_is),
		cmocka_unit_test(numbers_of_appendix_b),
		cmocka_unit_test(many_members_are_sorted),
		cmocka_unit_test(what_has_no_canonical_form_is_refused),
		cmocka_unit_test(a_fixed_buffer_is_never_overrun),
		cmocka_unit_test(writing_appends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
