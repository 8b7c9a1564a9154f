/* Ready answers: found for what they were made of and for nothing else. */
#include "gateway/routes/documents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static const char json[] = "application/json", did[] = "application/did";
static const struct eth_hash first = {.bytes = {1}}, second = {.bytes = {2}};

static struct agent_key agent(uint64_t id)
{
	return (struct agent_key){.chain = 31337, .registry = {.bytes = {0x80}}, .id = u256_from_u64(id)};
}

static struct http_response *answer(const char *text)
{
	struct http_response *made = http_response_new(json, text, 1, "no-cache", NULL);

	assert_non_null(made);
	return made;
}

static void keep(struct documents *d, const struct agent_key *key, const char *type, struct http_response *response)
{
	documents_keep(d, key, type, &first, &second, response);
	http_response_unref(response);
}

static void found_only_for_its_own_key(void **state)
{
	struct documents *d = documents_new();
	struct agent_key zero = agent(0), one = agent(1), elsewhere = zero, other = zero, big = zero;
	struct http_response *a = answer("a"), *b = answer("b");

	(void)state;
	elsewhere.chain = 8453;
	other.registry.bytes[19] = 1;
	big.id.limb[3] = 1;
	assert_non_null(d);
	assert_null(documents_find(d, &zero, json, &first, &second));
	keep(d, &zero, json, a);
	keep(d, &zero, did, b);
	assert_ptr_equal(documents_find(d, &zero, json, &first, &second), a);
	assert_ptr_equal(documents_find(d, &zero, did, &first, &second), b);
	assert_null(documents_find(d, &zero, "application/did+json", &first, &second));
	assert_null(documents_find(d, &zero, json, &second, &second));
	assert_null(documents_find(d, &zero, json, &first, &first));
	assert_null(documents_find(d, &one, json, &first, &second));
	assert_null(documents_find(d, &elsewhere, json, &first, &second));
	assert_null(documents_find(d, &other, json, &first, &second));
	assert_null(documents_find(d, &big, json, &first, &second));
	assert_null(documents_find(d, NULL, json, &first, &second));
	documents_free(d);
}

static void the_hosts_own_needs_no_head(void **state)
{
	struct documents *d = documents_new();
	struct http_response *a = answer("a");

	(void)state;
	assert_non_null(d);
	documents_keep(d, NULL, json, NULL, NULL, a);
	http_response_unref(a);
	assert_ptr_equal(documents_find(d, NULL, json, NULL, NULL), a);
	assert_null(documents_find(d, NULL, did, NULL, NULL));
	documents_free(d);
}

/* The host's keys changed, or a setting. */
static void nothing_kept_is_found_any_more(void **state)
{
	struct documents *d = documents_new();
	struct http_response *a = answer("a");
	struct agent_key zero = agent(0);

	(void)state;
	assert_non_null(d);
	keep(d, &zero, json, answer("b"));
	documents_keep(d, NULL, json, NULL, NULL, a);
	http_response_unref(a);
	documents_forget_all(d);
	assert_null(documents_find(d, &zero, json, &first, &second));
	assert_null(documents_find(d, NULL, json, NULL, NULL));
	documents_free(d);
	documents_forget_all(NULL);
}

/* Of one agent, in each type; nothing else makes room. */
static void what_changed_of_one_agent(void **state)
{
	struct documents *d = documents_new();
	struct http_response *host = answer("host"), *b = answer("b");
	struct agent_key zero = agent(0), one = agent(1);

	(void)state;
	assert_non_null(d);
	keep(d, &zero, json, answer("a"));
	keep(d, &zero, did, answer("a"));
	keep(d, &one, json, b);
	documents_keep(d, NULL, json, NULL, NULL, host);
	http_response_unref(host);
	documents_forget(d, &zero);
	assert_null(documents_find(d, &zero, json, &first, &second));
	assert_null(documents_find(d, &zero, did, &first, &second));
	assert_ptr_equal(documents_find(d, &one, json, &first, &second), b);
	assert_ptr_equal(documents_find(d, NULL, json, NULL, NULL), host);
	documents_free(d);
	documents_forget(NULL, &zero);
}

/* More agents than there is room for: each is found just after it was kept, and the address sanitizer sees every
 * reference given back. */
static void a_clash_replaces(void **state)
{
	struct documents *d = documents_new();

	(void)state;
	assert_non_null(d);
	for (uint64_t i = 0; i < 5000; i++) {
		struct agent_key key = agent(i);
		struct http_response *made = answer("x");

		keep(d, &key, json, made);
		assert_ptr_equal(documents_find(d, &key, json, &first, &second), made);
	}
	documents_free(d);
}

static void what_is_made_is_kept(void **state)
{
	struct documents *d = NULL;
	struct agent_key zero = agent(0);
	struct documents_answer what = {.agent = &zero, .type = json, .safe = first, .latest = second, .body = "{}", .len = 2, .cache = "no-cache"};
	struct http_response *made = documents_make(&d, &what);

	(void)state;
	assert_non_null(made);
	assert_non_null(d);
	assert_ptr_equal(documents_find(d, &zero, json, &first, &second), made);
	/* services change without a block */
	sleep(DOCUMENTS_KEEP_MS / 1000 + 1);
	assert_null(documents_find(d, &zero, json, &first, &second));
	http_response_unref(made);
	documents_free(d);
}

static void dates(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{784111777, "Sun, 06 Nov 1994 08:49:37 GMT"}, /* RFC 9110's own */
		{1, "Thu, 01 Jan 1970 00:00:01 GMT"},
		{951868799, "Tue, 29 Feb 2000 23:59:59 GMT"},
		{1795185480, "Fri, 20 Nov 2026 14:38:00 GMT"},
		{253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
		{0, NULL},
		{-1, NULL},
		{253402300800, NULL},
	};
	char text[DOCUMENTS_DATE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(documents_date(text, cases[i].seconds), cases[i].text != NULL);
		if (cases[i].text)
			assert_string_equal(text, cases[i].text);
	}
}

static void nothing_is_found_before_there_is_a_table(void **state)
{
	struct agent_key zero = agent(0);

	(void)state;
	assert_null(documents_find(NULL, &zero, json, &first, &second));
	documents_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_only_for_its_own_key),
		cmocka_unit_test(the_hosts_own_needs_no_head),
		cmocka_unit_test(nothing_kept_is_found_any_more),
		cmocka_unit_test(what_changed_of_one_agent),
		cmocka_unit_test(a_clash_replaces),
		cmocka_unit_test(what_is_made_is_kept),
		cmocka_unit_test(dates),
		cmocka_unit_test(nothing_is_found_before_there_is_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
