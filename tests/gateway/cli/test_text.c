/* Foreign text on a terminal. */
#include "gateway/cli/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_escaped(void **state)
{
	static const struct {
		const char *text, *shown;
		size_t len;
	} cases[] = {
		{"", "", 0},
		{" https://a.example/~b\\", " https://a.example/~b\\", 22},
		{"\x1b[2J\r\n\t\x7f", "\\x1b[2J\\x0d\\x0a\\x09\\x7f", 8},
		{"a\0b", "a\\x00b", 3},
		{"\xc2\x9b" "31m", "\\u{9b}31m", 5},		/* CSI as UTF-8 */
		{"\x9b" "31m", "\\x9b31m", 4},			/* and as one byte */
		{"\xe2\x80\xae" "gpj", "\\u{202e}gpj", 6},	/* right-to-left override */
		{"\xc3\xa9", "\\u{e9}", 2},
		{"\xf0\x9f\x8e\x89", "\\u{1f389}", 4},
		{"\xf4\x8f\xbf\xbf", "\\u{10ffff}", 4},
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", 4}, /* above Unicode */
		{"\xed\xa0\x80", "\\xed\\xa0\\x80", 3},		/* a surrogate */
		{"\xc0\x80", "\\xc0\\x80", 2},			/* overlong */
		{"\xe2\x80", "\\xe2\\x80", 2},			/* cut */
		{"\xf8\x88\x80\x80", "\\xf8\\x88\\x80\\x80", 4},
		{"\xff\xfe", "\\xff\\xfe", 2},
	};
	char shown[80];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(cli_escape(shown, sizeof(shown), cases[i].text, cases[i].len), cases[i].len);
		assert_string_equal(shown, cases[i].shown);
	}
}

/* What does not fit is left out whole. */
static void test_cut(void **state)
{
	static const char text[] = "ab\xe2\x80\xae" "c";
	char shown[12];

	(void)state;
	for (size_t size = 1; size <= 12; size++) {
		size_t taken = cli_escape(shown, size, text, 6);

		assert_int_equal(taken, size < 3 ? size - 1 : size < 11 ? 2 : size < 12 ? 5 : 6);
		assert_int_equal(strlen(shown), size < 3 ? size - 1 : size < 11 ? 2 : size < 12 ? 10 : 11);
	}
}

static void test_printed(void **state)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&bytes, &len);

	(void)state;
	assert_non_null(to);
	cli_print(to, "node: \x1b]0;x\x07 \xe2\x80\xae");
	fclose(to);
	assert_string_equal(bytes, "node: \\x1b]0;x\\x07 \\u{202e}");
	free(bytes);
}

static void test_json(void **state)
{
	json_auto_t *value = json_pack("{s:s, s:[s, i, {s:s#}]}", "a", "\xc2\x9b", "b", "x", 1, "c", "\xe2\x80\xae\0z", 5);
	json_auto_t *expected = json_pack("{s:s, s:[s, i, {s:s}]}", "a", "\\u{9b}", "b", "x", 1, "c", "\\u{202e}\\x00z");

	(void)state;
	assert_non_null(value);
	cli_escape_json(value);
	assert_true(json_equal(value, expected));
}

/* What a machine reads is never left out for a broken character. */
static void test_json_text(void **state)
{
	static const struct {
		const char *text, *value;
	} cases[] = {{"", ""}, {"a\xc2\x9b", "a\xc2\x9b"}, {"cut: \xe2\x82", "cut: \\xe2\\x82"}, {"\xff\xe2\x82\xac", "\\xff\\u{20ac}"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_auto_t *made = cli_json_text(cases[i].text);

		assert_non_null(made);
		assert_string_equal(json_string_value(made), cases[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_escaped), cmocka_unit_test(test_cut), cmocka_unit_test(test_printed),
					   cmocka_unit_test(test_json), cmocka_unit_test(test_json_text)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
