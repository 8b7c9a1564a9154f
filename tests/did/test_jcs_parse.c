/* The strict reader: what it refuses, with which error and where, and what it takes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/jcs.h"

struct refusal {
	const char *text;
	size_t len; /* 0: strlen */
	enum jcs_code code;
	int rc;
	size_t offset;
	const char *pointer;
};

static const struct refusal refusals[] = {
	/* not JSON */
	{"", 0, JCS_SYNTAX, -EBADMSG, 0, ""},
	{"  ", 0, JCS_SYNTAX, -EBADMSG, 2, ""},
	{"{", 0, JCS_SYNTAX, -EBADMSG, 1, ""},
	{"[1,2", 0, JCS_SYNTAX, -EBADMSG, 4, "/1"},
	{"[1,]", 0, JCS_SYNTAX, -EBADMSG, 3, "/1"},
	{"{\"a\":1,}", 0, JCS_SYNTAX, -EBADMSG, 7, ""},
	{"{\"a\" 1}", 0, JCS_SYNTAX, -EBADMSG, 5, "/a"},
	{"{\"a\":}", 0, JCS_SYNTAX, -EBADMSG, 5, "/a"},
	{"{\"a\":1 \"b\":2}", 0, JCS_SYNTAX, -EBADMSG, 7, "/a"},
	{"{a:1}", 0, JCS_SYNTAX, -EBADMSG, 1, ""},
	{"{'a':1}", 0, JCS_SYNTAX, -EBADMSG, 1, ""},
	{"[1 2]", 0, JCS_SYNTAX, -EBADMSG, 3, "/0"},
	{"]", 0, JCS_SYNTAX, -EBADMSG, 0, ""},
	{"1 2", 0, JCS_SYNTAX, -EBADMSG, 2, ""},
	{"{}x", 0, JCS_SYNTAX, -EBADMSG, 2, ""},
	{"\xef\xbb\xbf{}", 0, JCS_SYNTAX, -EBADMSG, 0, ""},
	{"tru", 0, JCS_SYNTAX, -EBADMSG, 0, ""},
	{"True", 0, JCS_SYNTAX, -EBADMSG, 0, ""},
	{"nul", 0, JCS_SYNTAX, -EBADMSG, 0, ""},
	{"NaN", 0, JCS_SYNTAX, -EBADMSG, 0, ""},
	{"[Infinity]", 0, JCS_SYNTAX, -EBADMSG, 1, "/0"},
	{"/* no */ 1", 0, JCS_SYNTAX, -EBADMSG, 0, ""},
	{"\0", 1, JCS_SYNTAX, -EBADMSG, 0, ""},
	{"{}\0", 3, JCS_SYNTAX, -EBADMSG, 2, ""},
	{"5555\0", 5, JCS_SYNTAX, -EBADMSG, 4, ""},
	{"\v1", 0, JCS_SYNTAX, -EBADMSG, 0, ""},
	/* numbers */
	{"01", 0, JCS_SYNTAX, -EBADMSG, 1, ""},
	{"-", 0, JCS_SYNTAX, -EBADMSG, 1, ""},
	{"-01", 0, JCS_SYNTAX, -EBADMSG, 2, ""},
	{"+1", 0, JCS_SYNTAX, -EBADMSG, 0, ""},
	{".5", 0, JCS_SYNTAX, -EBADMSG, 0, ""},
	{"1.", 0, JCS_SYNTAX, -EBADMSG, 2, ""},
	{"1.e1", 0, JCS_SYNTAX, -EBADMSG, 2, ""},
	{"1e", 0, JCS_SYNTAX, -EBADMSG, 2, ""},
	{"1e+", 0, JCS_SYNTAX, -EBADMSG, 3, ""},
	{"0x1", 0, JCS_SYNTAX, -EBADMSG, 1, ""},
	{"9007199254740992", 0, JCS_NUMBER_RANGE, -EBADMSG, 0, ""},
	{"{\"a\":[0,-9007199254740992]}", 0, JCS_NUMBER_RANGE, -EBADMSG, 8, "/a/1"},
	{"9007199254740993", 0, JCS_NUMBER_RANGE, -EBADMSG, 0, ""},
	{"18446744073709551617", 0, JCS_NUMBER_RANGE, -EBADMSG, 0, ""},
	{"340282366920938463463374607431768211456", 0, JCS_NUMBER_RANGE, -EBADMSG, 0, ""},
	{"9007199254740993.0", 0, JCS_NUMBER_RANGE, -EBADMSG, 0, ""},
	{"1e17", 0, JCS_NUMBER_RANGE, -EBADMSG, 0, ""},
	{"9.99999e20", 0, JCS_NUMBER_RANGE, -EBADMSG, 0, ""},
	{"{\"n\":1e400}", 0, JCS_NUMBER_RANGE, -EBADMSG, 5, "/n"},
	{"-1e99999999999999999999", 0, JCS_NUMBER_RANGE, -EBADMSG, 0, ""},
	/* names twice, compared by meaning */
	{"{\"a\":1,\"a\":1}", 0, JCS_DUPLICATE, -EBADMSG, 7, "/a"},
	{"{\"a\":1,\"\\u0061\":2}", 0, JCS_DUPLICATE, -EBADMSG, 7, "/a"},
	{"{\"\":1,\"\":2}", 0, JCS_DUPLICATE, -EBADMSG, 6, "/"},
	{"{\"x\":[{},{\"a/b~c\":1,\"z\":2,\"a/b~c\":3}]}", 0, JCS_DUPLICATE, -EBADMSG, 26, "/x/1/a~1b~0c"},
	{"{\"\xf0\x9d\x84\x9e\":1,\"\\uD834\\uDD1E\":2}", 0, JCS_DUPLICATE, -EBADMSG, 10, "/\xf0\x9d\x84\x9e"},
	/* strings */
	{"\"a", 0, JCS_SYNTAX, -EBADMSG, 2, ""},
	{"\"\\", 0, JCS_SYNTAX, -EBADMSG, 1, ""},
	{"\"\\x\"", 0, JCS_SYNTAX, -EBADMSG, 1, ""},
	{"\"\\\0\"", 4, JCS_SYNTAX, -EBADMSG, 1, ""},
	{"\"\\u12\"", 0, JCS_SYNTAX, -EBADMSG, 1, ""},
	{"\"\\u12g4\"", 0, JCS_SYNTAX, -EBADMSG, 1, ""},
	{"[\"tab\there\"]", 0, JCS_SYNTAX, -EBADMSG, 5, "/0"},
	{"\"\n\"", 0, JCS_SYNTAX, -EBADMSG, 1, ""},
	{"{\"note\":\"a\\u0000b\"}", 0, JCS_NUL, -EBADMSG, 10, "/note"},
	{"{\"a\\u0000\":1}", 0, JCS_NUL, -EBADMSG, 3, ""},
	{"\"a\0b\"", 5, JCS_NUL, -EBADMSG, 2, ""},
	{"{\"a\":{\"b\":\"\\ud800\"}}", 0, JCS_SURROGATE, -EILSEQ, 11, "/a/b"},
	{"\"\\udc00\"", 0, JCS_SURROGATE, -EILSEQ, 1, ""},
	{"\"\\ud800\\u0041\"", 0, JCS_SURROGATE, -EILSEQ, 1, ""},
	{"\"\\ud800\\ud800\"", 0, JCS_SURROGATE, -EILSEQ, 1, ""},
	{"\"\\ud800x\"", 0, JCS_SURROGATE, -EILSEQ, 1, ""},
	{"\"\\ud800\\udc0\"", 0, JCS_SURROGATE, -EILSEQ, 1, ""},
	{"{\"\\udfff\":1}", 0, JCS_SURROGATE, -EILSEQ, 2, ""},
	/* UTF-8 */
	{"\"\x80\"", 0, JCS_UTF8, -EILSEQ, 1, ""},
	{"\"\xc0\x80\"", 0, JCS_UTF8, -EILSEQ, 1, ""},
	{"\"\xc1\xbf\"", 0, JCS_UTF8, -EILSEQ, 1, ""},
	{"\"\xe0\x9f\xbf\"", 0, JCS_UTF8, -EILSEQ, 1, ""},
	{"[0,\"\xed\xa0\x80\"]", 0, JCS_UTF8, -EILSEQ, 4, "/1"},
	{"\"\xf0\x8f\xbf\xbf\"", 0, JCS_UTF8, -EILSEQ, 1, ""},
	{"\"\xf4\x90\x80\x80\"", 0, JCS_UTF8, -EILSEQ, 1, ""},
	{"\"\xf5\x80\x80\x80\"", 0, JCS_UTF8, -EILSEQ, 1, ""},
	{"\"\xe2\x82\"", 0, JCS_UTF8, -EILSEQ, 1, ""},
	{"\"\xe2\x82", 3, JCS_UTF8, -EILSEQ, 1, ""},
	{"\"\xff\"", 0, JCS_UTF8, -EILSEQ, 1, ""},
	{"{\"ok\":1,\"\xc3(\":2}", 0, JCS_UTF8, -EILSEQ, 9, ""},
	/* eight plain bytes first, so that the word-wise path meets each stop */
	{"\"12345678\x01\"", 0, JCS_SYNTAX, -EBADMSG, 9, ""},
	{"\"1234567890123\xff\"", 0, JCS_UTF8, -EILSEQ, 14, ""},
};

static void check_refusal(const struct refusal *r)
{
	size_t len = r->len ? r->len : strlen(r->text);
	/* exactly the size, so that ASan sees a read past the end */
	char *exact = malloc(len ? len : 1);
	struct jcs_error err;
	json_t *value = (json_t *)&err;
	int rc;

	assert_non_null(exact);
	memcpy(exact, r->text, len);
	rc = jcs_parse(&value, &err, exact, len, NULL);
	free(exact);
	if (rc != r->rc || err.code != r->code || err.offset != r->offset || strcmp(err.pointer, r->pointer) != 0)
		fail_msg("%s: rc %d, %s at %zu, pointer \"%s\"", r->text, rc, jcs_reason(err.code), err.offset,
			 err.pointer);
	assert_null(value);
}

static void refusals_name_what_and_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		check_refusal(&refusals[i]);
}

/* Whatever is refused for being malformed, jansson refuses too; and nothing that jansson refuses is taken. */
static void jansson_agrees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *r = &refusals[i];
		json_t *value = json_loadb(r->text, r->len ? r->len : strlen(r->text),
					   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

		/* jansson 2.14 overlooks a NUL byte after a number */
		if (value && r->code != JCS_NUMBER_RANGE && strncmp(r->text, "5555", 4) != 0)
			fail_msg("jansson takes %s", r->text);
		json_decref(value);
	}
}

static json_t *take(const char *text)
{
	struct jcs_error err;
	json_t *value;

	if (jcs_parse(&value, &err, text, strlen(text), NULL) != 0)
		fail_msg("%s: %s at %zu", text, jcs_reason(err.code), err.offset);
	assert_int_equal(err.code, JCS_OK);
	return value;
}

static void values_equal_those_of_jansson(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		" \t\r\n[ ] ",
		"0",
		"-0",
		"\"\"",
		"true",
		"false",
		"null",
		"[null,true,false]",
		"9007199254740991",
		"-9007199254740991",
		"0.5",
		"-1.25e-3",
		"1E5",
		"0e0",
		"1e22",
		"1e23",
		"1e-400",
		"123456789012345.678",
		"0.1234567890123456789012345678901234567890",
		"2.2250738585072011e-308",
		"4.35",
		"1.7976931348623157e308",
		"0.00000000000000000000000000000000000000000000000000000000000000000000000000001",
		"{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":\"\\u20ac\\uD834\\uDD1E\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
		"\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
		"{\"\\u0061b\":{\"\\u0062\":\"x\\ny\"},\"\":[[],[[]],{}]}",
		"\"\x7f\"",
		"\"a long text without anything special in it, longer than a word\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *ours = take(texts[i]);
		json_t *theirs = json_loads(texts[i], JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

		assert_non_null(theirs);
		if (!json_equal(ours, theirs))
			fail_msg("%s", texts[i]);
		json_decref(ours);
		json_decref(theirs);
	}
}

static void depth_and_length_are_limited(void **state)
{
	const struct jcs_limits three = {.bytes = 12, .depth = 3};
	char deep[JCS_MAX_DEPTH * 2 + 3];
	struct jcs_error err;
	json_t *value;

	(void)state;
	memset(deep, '[', JCS_MAX_DEPTH);
	memset(deep + JCS_MAX_DEPTH, ']', JCS_MAX_DEPTH);
	assert_int_equal(jcs_parse(&value, &err, deep, JCS_MAX_DEPTH * 2, NULL), 0);
	json_decref(value);
	memset(deep, '[', JCS_MAX_DEPTH + 1);
	assert_int_equal(jcs_parse(&value, &err, deep, JCS_MAX_DEPTH + 1, NULL), -EOVERFLOW);
	assert_int_equal(err.code, JCS_TOO_DEEP);
	assert_int_equal(err.offset, JCS_MAX_DEPTH);
	assert_int_equal(strlen(err.pointer), JCS_MAX_DEPTH * 2);

	assert_int_equal(jcs_parse(&value, &err, "[[{}],[{}]]", 11, &three), 0);
	json_decref(value);
	assert_int_equal(jcs_parse(&value, &err, "[0,{\"a\":[[", 10, &three), -EOVERFLOW);
	assert_string_equal(err.pointer, "/1/a/0");
	assert_int_equal(jcs_parse(&value, &err, "            1", 13, &three), -EOVERFLOW);
	assert_int_equal(err.code, JCS_TOO_LONG);
}

static void a_pointer_that_does_not_fit_ends_at_an_ancestor(void **state)
{
	char text[1024], name[201];
	struct jcs_error err;
	json_t *value;

	(void)state;
	memset(name, '~', 200);
	name[200] = '\0';
	snprintf(text, sizeof(text), "{\"a\":{\"%s\":{\"b\":x}}}", name);
	assert_int_equal(jcs_parse(&value, &err, text, strlen(text), NULL), -EBADMSG);
	assert_string_equal(err.pointer, "/a");
	memset(name, 'n', 200);
	snprintf(text, sizeof(text), "{\"%s\":{\"%s\":x}}", name, name);
	assert_int_equal(jcs_parse(&value, &err, text, strlen(text), NULL), -EBADMSG);
	assert_int_equal(strlen(err.pointer), 201);
	snprintf(text, sizeof(text), "{\"%s\":{\"%.*s\":x}}", name, 53, name);
	assert_int_equal(jcs_parse(&value, &err, text, strlen(text), NULL), -EBADMSG);
	assert_int_equal(strlen(err.pointer), JCS_POINTER_SIZE - 1);
	snprintf(text, sizeof(text), "{\"%s\":{\"%.*s\":x}}", name, 54, name);
	assert_int_equal(jcs_parse(&value, &err, text, strlen(text), NULL), -EBADMSG);
	assert_int_equal(strlen(err.pointer), 201);
}

static void every_code_has_a_reason(void **state)
{
	(void)state;
	for (int code = JCS_OK; code < JCS_MEMORY; code++)
		assert_string_not_equal(jcs_reason((enum jcs_code)code), jcs_reason((enum jcs_code)(code + 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_name_what_and_where),
		cmocka_unit_test(jansson_agrees),
		cmocka_unit_test(values_equal_those_of_jansson),
		cmocka_unit_test(depth_and_length_are_limited),
		cmocka_unit_test(a_pointer_that_does_not_fit_ends_at_an_ancestor),
		cmocka_unit_test(every_code_has_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
