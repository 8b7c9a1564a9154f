#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/http/router.h"

static void nothing(struct http_request *req)
{
	(void)req;
}

#define ROUTE(m, p)                                                                                                    \
	{                                                                                                              \
		.method = m, .pattern = p, .handler = nothing                                                          \
	}

/* On purpose the general patterns stand first. */
static const struct http_route routes[] = {
	ROUTE("GET", "/1.0/identifiers/{rest*}"),
	ROUTE("GET", "/v1/agents/{id}"),
	ROUTE("GET", "/v1/agents/{id}/history"),
	ROUTE("POST", "/v1/agents/prepare/{verb}"),
	ROUTE("GET", "/v1/agents"),
	ROUTE("GET", "/"),
	ROUTE("GET", "/log/tile/{rest*}"),
	ROUTE("GET", "/log/tile/entries/{n}"),
	ROUTE("GET", "/log/{name}"),
	ROUTE("POST", "/log/checkpoint"),
	ROUTE("GET", "/a/{x}/{y}"),
	ROUTE("GET", "/a/{x}/b"),
	ROUTE("GET", "/a/c/{y}"),
	ROUTE("POST", "/many"),
	ROUTE("PUT", "/many"),
	ROUTE("GET", "/many"),
};
enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

static const struct {
	const char *method, *path;
	int rc;
	const char *pattern, *params, *allow;
} rows[] = {
	{"GET", "/", 0, "/", "", ""},
	{"HEAD", "/", 0, "/", "", ""},
	{"GET", "/v1/agents", 0, "/v1/agents", "", ""},
	{"GET", "/v1/agents/", -ENOENT, NULL, "", ""},
	{"GET", "/v1/agents/42", 0, "/v1/agents/{id}", "id=42;", ""},
	{"GET", "/v1/agents/8453:42", 0, "/v1/agents/{id}", "id=8453:42;", ""},
	{"GET", "/v1/agents/a%2Fb", 0, "/v1/agents/{id}", "id=a%2Fb;", ""},
	{"GET", "/v1/agents/a%2Fhistory", 0, "/v1/agents/{id}", "id=a%2Fhistory;", ""},
	{"GET", "/v1/agents/42/history", 0, "/v1/agents/{id}/history", "id=42;", ""},
	{"GET", "/v1/agents/42/history/", -ENOENT, NULL, "", ""},
	{"GET", "/v1/agents//history", -ENOENT, NULL, "", ""},
	{"POST", "/v1/agents/prepare/rotate", 0, "/v1/agents/prepare/{verb}", "verb=rotate;", ""},
	{"GET", "/v1/agents/prepare/rotate", -EPERM, NULL, "", "POST, OPTIONS"},
	{"GET", "/v1/agents/prepare", 0, "/v1/agents/{id}", "id=prepare;", ""},
	{"GET", "/1.0/identifiers/did:web:h%3A1:agent:1:2", 0, "/1.0/identifiers/{rest*}",
	 "rest=did:web:h%3A1:agent:1:2;", ""},
	{"GET", "/1.0/identifiers/a/b/", 0, "/1.0/identifiers/{rest*}", "rest=a/b/;", ""},
	{"GET", "/1.0/identifiers/", -ENOENT, NULL, "", ""},
	{"GET", "/1.0/identifiers", -ENOENT, NULL, "", ""},
	{"GET", "/log/tile/0/x001/067", 0, "/log/tile/{rest*}", "rest=0/x001/067;", ""},
	{"GET", "/log/tile/entries/5", 0, "/log/tile/entries/{n}", "n=5;", ""},
	{"GET", "/log/tile/entries/5/6", 0, "/log/tile/{rest*}", "rest=entries/5/6;", ""},
	{"GET", "/log/vkey", 0, "/log/{name}", "name=vkey;", ""},
	/* The literal path decides, even where a {name} of another method would match too. */
	{"GET", "/log/checkpoint", -EPERM, NULL, "", "POST, OPTIONS"},
	{"GET", "/a/c/b", 0, "/a/c/{y}", "y=b;", ""},
	{"GET", "/a/d/b", 0, "/a/{x}/b", "x=d;", ""},
	{"GET", "/a/d/e", 0, "/a/{x}/{y}", "x=d;y=e;", ""},
	{"DELETE", "/many", -EPERM, NULL, "", "POST, PUT, GET, HEAD, OPTIONS"},
	{"OPTIONS", "/many", -EPERM, NULL, "", "POST, PUT, GET, HEAD, OPTIONS"},
	{"PUT", "/many", 0, "/many", "", ""},
	{"get", "/many", -EPERM, NULL, "", "POST, PUT, GET, HEAD, OPTIONS"},
	{"GET", "/Many", -ENOENT, NULL, "", ""},
	{"GET", "//many", -ENOENT, NULL, "", ""},
	{"GET", "", -ENOENT, NULL, "", ""},
};

static bool same_words(const char *a, const char *b)
{
	/* The order within Allow means nothing. */
	char copy[128], *save = NULL;
	if (strlen(a) != strlen(b))
		return false;
	snprintf(copy, sizeof(copy), "%s", a);
	for (char *word = strtok_r(copy, ", ", &save); word != NULL; word = strtok_r(NULL, ", ", &save)) {
		if (strstr(b, word) == NULL)
			return false;
	}
	return true;
}

static void paths_find_their_routes(void **state)
{
	struct http_router *router;
	(void)state;
	assert_int_equal(http_router_new(&router, routes, ROUTES), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_match match;
		char params[256] = "";
		int rc = http_router_match(router, &match, rows[i].method, rows[i].path);
		for (size_t p = 0; rc == 0 && p < match.count; p++)
			snprintf(params + strlen(params), sizeof(params) - strlen(params), "%.*s=%.*s;",
				 (int)match.params[p].name.len, match.params[p].name.ptr, (int)match.params[p].raw.len,
				 match.params[p].raw.ptr);
		if (rc != rows[i].rc || strcmp(params, rows[i].params) != 0 || !same_words(match.allow, rows[i].allow))
			print_error("%s %s: %d %s %s\n", rows[i].method, rows[i].path, rc, params, match.allow);
		assert_int_equal(rc, rows[i].rc);
		assert_string_equal(params, rows[i].params);
		assert_true(same_words(match.allow, rows[i].allow));
		if (rows[i].pattern != NULL)
			assert_string_equal(match.route->pattern, rows[i].pattern);
		else
			assert_null(match.route);
	}
	http_router_free(router);
}

/* Pages of other origins read, and ask by a POST that says how long its answers are good; they change nothing. */
static void what_is_open_to_other_origins(void **state)
{
	static const struct http_route table[] = {
		{.method = "GET", .pattern = "/x", .handler = nothing},
		{.method = "POST", .pattern = "/x", .handler = nothing, .cache = "no-store"},
		{.method = "PUT", .pattern = "/x", .handler = nothing, .cache = "no-store"},
		{.method = "DELETE", .pattern = "/x", .handler = nothing},
		{.method = "POST", .pattern = "/y", .handler = nothing},
	};
	static const struct {
		const char *path, *open;
	} cases[] = {{"/x", "GET, HEAD, POST, OPTIONS"}, {"/y", "OPTIONS"}};
	static const bool is_open[] = {true, true, false, false, false};
	struct http_router *router;
	struct http_match match;

	(void)state;
	assert_int_equal(http_router_new(&router, table, 5), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(http_router_match(router, &match, "OPTIONS", cases[i].path), -EPERM);
		assert_true(same_words(match.open, cases[i].open));
	}
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(http_route_is_open(&table[i]), is_open[i]);
	http_router_free(router);
}

static void the_table_is_kept_for_openapi(void **state)
{
	struct http_router *router;
	size_t count;
	(void)state;
	assert_int_equal(http_router_new(&router, routes, ROUTES), 0);
	assert_ptr_equal(http_router_routes(router, &count), routes);
	assert_int_equal(count, ROUTES);
	http_router_free(router);
}

static void broken_tables_are_refused(void **state)
{
	static const struct http_route broken[][2] = {
		{ROUTE("GET", "a"), ROUTE("GET", "/b")},
		{ROUTE("GET", ""), ROUTE("GET", "/b")},
		{ROUTE("GET", "/{}"), ROUTE("GET", "/b")},
		{ROUTE("GET", "/{*}"), ROUTE("GET", "/b")},
		{ROUTE("GET", "/{a"), ROUTE("GET", "/b")},
		{ROUTE("GET", "/a}"), ROUTE("GET", "/b")},
		{ROUTE("GET", "/x{a}"), ROUTE("GET", "/b")},
		{ROUTE("GET", "/{a*}/b"), ROUTE("GET", "/b")},
		{ROUTE("GET", "/a%2F"), ROUTE("GET", "/b")},
		{ROUTE("GET", "/{a}/{b}/{c}/{d}/{e}"), ROUTE("GET", "/b")},
		{ROUTE("GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"), ROUTE("GET", "/b")},
		{ROUTE("GET", "/b"), ROUTE("GET", "/b")},
		{ROUTE("GET", "/{a}/c"), ROUTE("GET", "/{b}/c")},
		{ROUTE("GET", "/{a*}"), ROUTE("GET", "/{b*}")},
		{{.method = NULL, .pattern = "/a", .handler = nothing}, ROUTE("GET", "/b")},
		{{.method = "GET", .pattern = NULL, .handler = nothing}, ROUTE("GET", "/b")},
		{{.method = "GET", .pattern = "/a"}, ROUTE("GET", "/b")},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct http_router *router = NULL;
		assert_int_equal(http_router_new(&router, broken[i], 2), -EINVAL);
		assert_null(router);
	}
}

/* Each byte at each place of texts that are looked at eight bytes a step, alone and behind an escape. */
static void decodes_whole_steps(void **state)
{
	(void)state;
	for (size_t escapes = 0; escapes < 2; escapes++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			for (size_t at = 0; at < 19; at++) {
				char raw[32], out[32], expected[32];
				size_t len, before = 3 * escapes;
				if (byte == '%')
					continue;
				memcpy(raw, "%41", 3);
				memset(raw + before, 'x', 19);
				raw[before + at] = (char)byte;
				memcpy(expected, "A", 1);
				memcpy(expected + escapes, raw + before, 19);
				bool clean = byte >= 0x20 && byte < 0x7f;
				assert_int_equal(http_percent_decode(out, &len, raw, before + 19, 0), clean ? 0 : -EILSEQ);
				if (clean) {
					assert_int_equal(len, escapes + 19);
					assert_memory_equal(out, expected, len);
				}
			}
		}
	}
}

static void percent_decoding(void **state)
{
	static const struct {
		const char *raw;
		int plus, rc;
		const char *text;
	} cases[] = {
		{"", 0, 0, ""},
		{"abc", 0, 0, "abc"},
		{"a%2fb", 0, 0, "a/b"},
		{"a%2Fb", 0, 0, "a/b"},
		{"a+b", 0, 0, "a+b"},
		{"a+b", 1, 0, "a b"},
		{"%25", 0, 0, "%"},
		{"%2525", 0, 0, "%25"},
		{"%C3%A9", 0, 0, "\xc3\xa9"},
		{"%F0%9F%98%80", 0, 0, "\xf0\x9f\x98\x80"},
		{"%", 0, -EILSEQ, ""},
		{"%4", 0, -EILSEQ, ""},
		{"a%", 0, -EILSEQ, ""},
		{"%zz", 0, -EILSEQ, ""},
		{"%4g", 0, -EILSEQ, ""},
		{"% 4", 0, -EILSEQ, ""},
		{"%+4", 1, -EILSEQ, ""},
		{"%00", 0, -EILSEQ, ""},
		{"a%00b", 0, -EILSEQ, ""},
		{"%0d", 0, -EILSEQ, ""},
		{"%0a", 0, -EILSEQ, ""},
		{"%1f", 0, -EILSEQ, ""},
		{"%7f", 0, -EILSEQ, ""},
		{"%80", 0, -EILSEQ, ""},
		{"%C3", 0, -EILSEQ, ""},
		{"%C3A", 0, -EILSEQ, ""},
		{"%C0%AF", 0, -EILSEQ, ""},
		{"%E0%80%AF", 0, -EILSEQ, ""},
		{"%ED%A0%80", 0, -EILSEQ, ""},
		{"%F4%90%80%80", 0, -EILSEQ, ""},
		{"%F8%88%80%80%80", 0, -EILSEQ, ""},
		{"%FF", 0, -EILSEQ, ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[64];
		size_t len;
		int rc = http_percent_decode(out, &len, cases[i].raw, strlen(cases[i].raw), cases[i].plus);
		if (rc != cases[i].rc)
			print_error("%s\n", cases[i].raw);
		assert_int_equal(rc, cases[i].rc);
		if (rc == 0) {
			assert_string_equal(out, cases[i].text);
			assert_int_equal(len, strlen(cases[i].text));
		}
	}
	/* A span that ends inside an escape must not look behind its end. */
	char out[8];
	assert_int_equal(http_percent_decode(out, NULL, "%41", 2, 0), -EILSEQ);
	assert_int_equal(http_percent_decode(out, NULL, "%41", 1, 0), -EILSEQ);
}

static void paths_are_checked(void **state)
{
	static const char *const good[] = {"/",
					   "/a",
					   "/a/",
					   "//",
					   "/a.b",
					   "/...",
					   "/.well-known/did.json",
					   "/a%2F..",
					   "/%2e%2e%2e",
					   "/a;b=c:@!$&'()*+,"};
	static const char *const bad[] = {"",	    "a",       "*",	    "/.",   "/..",   "/a/./b", "/a/../b",
					  "/%2e",   "/%2E%2e", "/.%2e/b",   "/%",   "/%4",   "/%4g",   "/a b",
					  "/a\x01", "/\x7f",   "/\xc3\xa9", "/a#b", "/a\\b", "/a\"b",  "/<a>"};
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(http_path_check(good[i]), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(http_path_check(bad[i]), -EBADMSG);
}

static void queries_are_split(void **state)
{
	static const struct {
		const char *raw;
		int rc;
		const char *pairs;
	} cases[] = {
		{"", 0, ""},
		{"a=1", 0, "a:1;"},
		{"a", 0, "a:;"},
		{"a=", 0, "a:;"},
		{"=1", 0, ":1;"},
		{"a=1&b=2&a=3", 0, "a:1;b:2;a:3;"},
		{"&&a=1&", 0, "a:1;"},
		{"a=b=c", 0, "a:b=c;"},
		{"a%3Db=c%26d", 0, "a=b:c&d;"},
		{"a+b=c+d", 0, "a b:c d;"},
		{"a=%", -EILSEQ, NULL},
		{"%zz=1", -EILSEQ, NULL},
		{"a=%00", -EILSEQ, NULL},
		{"1&2&3&4", 0, "1:;2:;3:;4:;"},
		{"1&2&3&4&5", -EOVERFLOW, NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_pair pairs[4];
		char buf[64], seen[128] = "";
		size_t count;
		snprintf(buf, sizeof(buf), "%s", cases[i].raw);
		assert_int_equal(http_query_split(pairs, &count, 4, buf), cases[i].rc);
		for (size_t p = 0; cases[i].rc == 0 && p < count; p++)
			snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s:%s;", pairs[p].name,
				 pairs[p].value);
		if (cases[i].rc == 0)
			assert_string_equal(seen, cases[i].pairs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_find_their_routes),   cmocka_unit_test(what_is_open_to_other_origins),
		cmocka_unit_test(the_table_is_kept_for_openapi),
		cmocka_unit_test(broken_tables_are_refused), cmocka_unit_test(percent_decoding), cmocka_unit_test(decodes_whole_steps),
		cmocka_unit_test(paths_are_checked),	     cmocka_unit_test(queries_are_split),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
