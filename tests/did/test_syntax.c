/* DID and DID URL syntax. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/did.h"

static void slice_is(struct did_slice slice, const char *text)
{
	if (!did_slice_is(slice, text))
		fail_msg("%.*s is not %s", (int)slice.len, slice.ptr, text);
}

static void parts_of_a_did_url(void **state)
{
	const char *text = "did:web:example.com%3A3000:a/b/c%20d?versionId=5&x#key-1?/";
	struct did_url url;

	(void)state;
	assert_int_equal(did_url_parse(&url, text, strlen(text)), 0);
	slice_is(url.did, "did:web:example.com%3A3000:a");
	slice_is(url.method, "web");
	slice_is(url.id, "example.com%3A3000:a");
	slice_is(url.path, "/b/c%20d");
	slice_is(url.query, "versionId=5&x");
	slice_is(url.fragment, "key-1?/");
	assert_int_equal(did_parse(&url, text, strlen(text)), -EBADMSG);

	assert_int_equal(did_url_parse(&url, "did:x:a?#", 9), 0);
	assert_true(url.has_query && url.has_fragment);
	assert_int_equal(url.query.len + url.fragment.len + url.path.len, 0);
	assert_int_equal(did_url_parse(&url, "did:x:a", 7), 0);
	assert_false(url.has_query || url.has_fragment);
}

static void refused_urls(void **state)
{
	static const char *const texts[] = {
		"",	     "did:x:a b",  "did:x:a/\\",  "did:x:a/[",	 "did:x:a?^",	 "did:x:a#a#b",
		"did:x:a/%", "did:x:a/%2", "did:x:a?%zz", "did:x:a#%g0", "did:x:a/\x80", "did:x:a?\"",
		"did:x:a@b", "did:x_y:a",  "did::a",	  "did:x:a:/b",	 "did:x:/b",	 "did:x:#f",
		"did:x:a%0", "did:x:a<",   "dad:x:a",	  "did:x",	 "did:x-y:a",	 "did:x:a\n"};
	struct did_url url;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (did_url_parse(&url, texts[i], strlen(texts[i])) != -EBADMSG)
			fail_msg("%s is taken", texts[i]);
	assert_int_equal(did_url_parse(&url, "did:x:a\0b", 9), -EBADMSG);
	assert_int_equal(did_url_parse(&url, "did:x:a/\0", 9), -EBADMSG);
}

static void length_is_limited(void **state)
{
	char text[DID_MAX + 2];
	struct did_url url;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "did:x:", 6);
	assert_int_equal(did_parse(&url, text, DID_MAX), 0);
	assert_int_equal(did_parse(&url, text, DID_MAX + 1), -EOVERFLOW);
}

static int query(struct did_params *params, const char *text)
{
	return did_query_parse(params, (struct did_slice){text, strlen(text)});
}

static void parameters(void **state)
{
	struct did_params params;

	(void)state;
	assert_int_equal(query(&params, ""), 0);
	assert_int_equal(params.count, 0);
	assert_int_equal(query(&params, "versionId=5&flag&x=&y=a=b&z=%26"), 0);
	assert_int_equal(params.count, 5);
	slice_is(params.items[0].name, "versionId");
	slice_is(params.items[0].value, "5");
	slice_is(params.items[1].name, "flag");
	slice_is(params.items[1].value, "");
	slice_is(params.items[2].value, "");
	slice_is(params.items[3].value, "a=b");
	slice_is(params.items[4].value, "%26");
}

static void refused_parameters(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{"a=1&a=2", -EEXIST},	{"a=1&%61=2", -EEXIST},
		{"a&b&a", -EEXIST},	{"%4a=1&%4A", -EEXIST},
		{"=1", -EBADMSG},	{"&", -EBADMSG},
		{"a=1&", -EBADMSG},	{"&a=1", -EBADMSG},
		{"a=1&&b=2", -EBADMSG}, {"a=%", -EBADMSG},
		{"a=%1", -EBADMSG},	{"a=^", -EBADMSG},
		{"a=1#", -EBADMSG},	{"a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", -EOVERFLOW},
	};
	struct did_params params;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (query(&params, cases[i].text) != cases[i].rc)
			fail_msg("%s", cases[i].text);
	assert_int_equal(query(&params, "a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p"), 0);
	assert_int_equal(params.count, DID_PARAMS_MAX);
}

static void percent_decoding(void **state)
{
	struct did_slice in = {"a%2Fb%c3%A9%25", 14};
	char out[8];
	size_t len;

	(void)state;
	assert_int_equal(did_percent_decode(out, &len, 6, in), 0);
	assert_int_equal(len, 6);
	assert_memory_equal(out, "a/b\xc3\xa9%", 6);
	assert_int_equal(did_percent_decode(out, &len, 5, in), -ENOSPC);
	assert_int_equal(did_percent_decode(out, &len, 8, (struct did_slice){"%00", 3}), -EBADMSG);
	assert_int_equal(did_percent_decode(out, &len, 8, (struct did_slice){"%4", 2}), -EBADMSG);
	assert_int_equal(did_percent_decode(out, &len, 8, (struct did_slice){"%4x", 3}), -EBADMSG);
	assert_int_equal(did_percent_decode(out, &len, 8, (struct did_slice){"%", 1}), -EBADMSG);
	assert_int_equal(did_percent_decode(out, &len, 8, (struct did_slice){"a\0", 2}), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_of_a_did_url), cmocka_unit_test(refused_urls),
		cmocka_unit_test(length_is_limited),  cmocka_unit_test(parameters),
		cmocka_unit_test(refused_parameters), cmocka_unit_test(percent_decoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
