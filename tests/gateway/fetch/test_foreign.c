/* did:web of other hosts against a server that misbehaves: what a failure means, what is remembered and for how long, and that no question is
 * asked more often than it must be. */
#include "gateway/fetch/foreign.h"
#include "tests/gateway/fetch/rig.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct rig rig;
static char allow[128];
static struct event_base *base;
static struct fetcher *fetcher;
static struct foreign *foreign;

/* ---- names, in place of DNS: only one host is there ---- */

static unsigned lookups;

struct lookup {
	fetch_on_addresses *on_addresses;
	void *arg;
};

static void nobody(evutil_socket_t fd, short what, void *arg)
{
	struct lookup *lookup = arg;

	(void)fd;
	(void)what;
	lookup->on_addresses(lookup->arg, -ENOENT, NULL, 0);
	free(lookup);
}

static int resolve(void *resolve_arg, const char *host, fetch_on_addresses *on_addresses, void *arg)
{
	struct timeval soon = {.tv_usec = 1000};
	struct lookup *lookup = malloc(sizeof(*lookup));

	(void)resolve_arg;
	(void)host;
	if (!lookup)
		return -ENOMEM;
	lookups++;
	*lookup = (struct lookup){.on_addresses = on_addresses, .arg = arg};
	return event_base_once(base, -1, EV_TIMEOUT, nobody, lookup, &soon);
}

/* ---- asking and waiting ---- */

struct result {
	bool done, remembered;
	enum foreign_end end;
	char text[256], why[512]; /* of longer documents the start */
	size_t len;
	unsigned seconds;
};

static void on_done(void *arg, const struct foreign_answer *answer)
{
	struct result *result = arg;

	assert_false(result->done);
	assert_true((answer->end == FOREIGN_OK) == (answer->text != NULL) && (answer->end == FOREIGN_OK) == (*answer->why == '\0'));
	*result = (struct result){.done = true, .remembered = answer->remembered, .end = answer->end, .len = answer->len, .seconds = answer->seconds};
	snprintf(result->why, sizeof(result->why), "%s", answer->why);
	snprintf(result->text, sizeof(result->text), "%.*s", (int)answer->len, answer->text ? answer->text : "");
}

static void did_of(char did[static 128], const char *kind)
{
	snprintf(did, 128, "did:web:good.example%%3A%u:did:%s", rig.tls_port, kind);
}

static void begin(struct result *result, const char *kind, bool no_cache)
{
	char did[128];

	did_of(did, kind);
	*result = (struct result){.done = false};
	foreign_get(foreign, did, strlen(did), no_cache, on_done, result);
}

static void wait_for(const struct result *result)
{
	while (!result->done)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

static struct result get(const char *kind, bool no_cache)
{
	struct result result;

	begin(&result, kind, no_cache);
	wait_for(&result);
	return result;
}

/* ---- tests ---- */

static void a_document_is_handed_on_as_it_was_written(void **state)
{
	struct result result = get("ok", false);
	char expected[256];

	(void)state;
	snprintf(expected, sizeof(expected), " {\"@context\":\"https://www.w3.org/ns/did/v1\", \"id\":\"did:web:good.example%%3A%u:did:ok\", \"x\":1.0}\n",
		 rig.tls_port);
	assert_int_equal(result.end, FOREIGN_OK);
	assert_string_equal(result.text, expected);
	assert_int_equal(result.seconds, FOREIGN_FRESH_S);
	result = get("full", false);
	assert_int_equal(result.end, FOREIGN_OK);
	assert_int_equal(result.len, 65536);
}

static void what_a_failure_means(void **state)
{
	static const struct {
		const char *kind;
		enum foreign_end end;
	} cases[] = {
		{"404", FOREIGN_NOT_FOUND},	       {"410", FOREIGN_NOT_FOUND},	   {"unknown", FOREIGN_NOT_FOUND},
		{"403", FOREIGN_FAILED},	       {"500", FOREIGN_FAILED},		   {"redirect", FOREIGN_FAILED},
		{"large", FOREIGN_FAILED},	       {"endless", FOREIGN_FAILED},	   {"gzip", FOREIGN_FAILED},
		{"garbage", FOREIGN_FAILED},	       {"cut", FOREIGN_FAILED},		   {"other", FOREIGN_INVALID_DOCUMENT},
		{"html", FOREIGN_INVALID_DOCUMENT},    {"empty", FOREIGN_INVALID_DOCUMENT}, {"twice", FOREIGN_INVALID_DOCUMENT},
		{"deep", FOREIGN_INVALID_DOCUMENT},    {"relative", FOREIGN_INVALID_DOCUMENT},
	};
	struct result again;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result result = get(cases[i].kind, false);

		if (result.end != cases[i].end || result.remembered)
			fail_msg("%s: %d %s", cases[i].kind, result.end, result.why);
		assert_int_equal(result.seconds, 5);
		/* all of them are remembered, with their words */
		again = get(cases[i].kind, false);
		assert_true(again.remembered && again.end == result.end && again.seconds > 0 && again.seconds <= 5);
		assert_string_equal(again.why, result.why);
	}
}

static void names_that_are_none_reach_nobody(void **state)
{
	static const char *const dids[] = {
		"did:web:127.0.0.1", "did:web:2130706433%3A8443:x", "did:web:0x7f000001", "did:web:localhost", "did:web:a.internal", "did:web:single",
		"did:web:good.example%40localhost%3A8443:x", "did:web:%5B%3A%3A1%5D%3A8443", "did:web:good.example:..:x", "did:pkh:eip155:1:0x00", "did:web:",
		"did:web:good.example%00", "",
	};
	struct result result;

	(void)state;
	for (size_t i = 0; i < sizeof(dids) / sizeof(dids[0]); i++) {
		result = (struct result){.done = false};
		foreign_get(foreign, dids[i], strlen(dids[i]), false, on_done, &result);
		assert_true(result.done); /* at once */
		assert_int_equal(result.end, FOREIGN_INVALID_DID);
	}
	assert_int_equal(lookups, 0);
}

static void one_flight_for_all_who_ask(void **state)
{
	struct result results[5];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		begin(&results[i], "count", i % 2 == 0);
	for (size_t i = 0; i < 5; i++) {
		wait_for(&results[i]);
		assert_int_equal(results[i].end, FOREIGN_OK);
		assert_string_equal(results[i].text, results[0].text);
		assert_false(results[i].remembered);
	}
	results[1] = get("count", false);
	assert_true(results[1].remembered);
	assert_string_equal(results[1].text, results[0].text);
	results[1] = get("count", true);
	assert_false(results[1].remembered);
	assert_string_not_equal(results[1].text, results[0].text);
	/* what was asked past the memory is remembered */
	results[2] = get("count", false);
	assert_true(results[2].remembered);
	assert_string_equal(results[2].text, results[1].text);
}

static void a_document_is_good_as_long_as_its_host_says(void **state)
{
	static const char *const never[] = {"none", "mine", "lines"};
	struct result first = get("second", false), result;

	(void)state;
	assert_int_equal(first.seconds, 1);
	assert_string_equal(get("second", false).text, first.text);
	(void)usleep(1100000);
	result = get("second", false);
	assert_false(result.remembered);
	assert_string_not_equal(result.text, first.text);
	assert_int_equal(get("long", false).seconds, FOREIGN_FRESH_MAX_S);
	result = get("long", false);
	assert_true(result.remembered && result.seconds >= FOREIGN_FRESH_MAX_S - 2 && result.seconds <= FOREIGN_FRESH_MAX_S);
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		first = get(never[i], false);
		assert_int_equal(first.seconds, 0);
		result = get(never[i], false);
		assert_false(result.remembered);
		assert_string_not_equal(result.text, first.text);
	}
}

/* Whoever has it asked anew too often gets a 429 for himself; a 404 is news for all. */
static void a_failure_takes_no_good_document_from_others(void **state)
{
	struct result result = get("turns", false);

	(void)state;
	assert_int_equal(result.end, FOREIGN_OK);
	assert_int_equal(get("turns", true).end, FOREIGN_FAILED);
	result = get("turns", false);
	assert_int_equal(result.end, FOREIGN_OK);
	assert_true(result.remembered && result.seconds > 90);
	assert_int_equal(get("turns", true).end, FOREIGN_NOT_FOUND);
	result = get("turns", false);
	assert_int_equal(result.end, FOREIGN_NOT_FOUND);
	assert_true(result.remembered);
}

static void failures_are_left_alone_for_longer_and_longer(void **state)
{
	static const unsigned pauses[] = {5, 10, 20, 30, 30};

	(void)state;
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		struct result result = get("500", true);

		assert_int_equal(result.end, FOREIGN_FAILED);
		assert_false(result.remembered);
		assert_int_equal(result.seconds, pauses[i]);
	}
}

/* A host's budget is the fetcher's; flights at once and new ones a second are all hosts' together. */
static void budgets(void **state)
{
	struct result results[FOREIGN_FLIGHTS_MAX + 1];
	char did[128];
	unsigned begun = 0, refused = 0;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		did_of(did, "hang");
		snprintf(did + strlen(did), 16, ":%zu", i);
		results[i] = (struct result){.done = false};
		foreign_get(foreign, did, strlen(did), false, on_done, &results[i]);
	}
	assert_false(results[3].done);
	assert_true(results[4].done && results[4].end == FOREIGN_BUSY && results[4].seconds > 0);
	fetcher_free(fetcher);
	for (size_t i = 0; i < 4; i++)
		assert_true(results[i].done && results[i].end == FOREIGN_FAILED);
	foreign_free(foreign);
	assert_int_equal(fetcher_new(&fetcher, base, &(struct fetcher_config){.resolve = resolve}), 0);
	assert_int_equal(foreign_new(&foreign, fetcher), 0);
	while (refused == 0 && begun < 10 * FOREIGN_RATE) {
		size_t n = 0;

		for (; n <= FOREIGN_FLIGHTS_MAX; n++) {
			snprintf(did, sizeof(did), "did:web:h%u.example", begun + (unsigned)n);
			results[n] = (struct result){.done = false};
			foreign_get(foreign, did, strlen(did), false, on_done, &results[n]);
			if (results[n].done)
				break;
		}
		/* the first rounds end at the flights' limit, a later one at the rate's */
		assert_true(n <= FOREIGN_FLIGHTS_MAX && results[n].end == FOREIGN_BUSY);
		refused = n < FOREIGN_FLIGHTS_MAX;
		for (size_t i = 0; i < n; i++) {
			wait_for(&results[i]);
			assert_int_equal(results[i].end, FOREIGN_FAILED);
		}
		begun += (unsigned)n;
	}
	assert_int_equal(refused, 1);
	assert_in_range(begun, 2 * FOREIGN_RATE, 5 * FOREIGN_RATE);
}

static void a_stop_answers_everybody(void **state)
{
	struct result results[3];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		begin(&results[i], i < 2 ? "hang" : "ok", false);
	fetcher_free(fetcher);
	fetcher = NULL;
	for (size_t i = 0; i < 3; i++) {
		assert_true(results[i].done);
		assert_int_equal(results[i].end, FOREIGN_FAILED);
		assert_string_equal(results[i].why, "The gateway is stopping.");
	}
}

static int each_setup(void **state)
{
	(void)state;
	lookups = 0;
	if (fetcher_new(&fetcher, base, &(struct fetcher_config){.allow = allow, .ca = rig.ca, .resolve = resolve, .rate = 1000}) != 0)
		return -1;
	return foreign_new(&foreign, fetcher);
}

static int each_teardown(void **state)
{
	(void)state;
	fetcher_free(fetcher);
	foreign_free(foreign);
	fetcher = NULL;
	foreign = NULL;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	rig_start(&rig);
	base = event_base_new();
	snprintf(allow, sizeof(allow), "good.example:%u=127.0.0.1", rig.tls_port);
	return base ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	event_base_free(base);
	rig_stop(&rig);
	return 0;
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, each_setup, each_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(a_document_is_handed_on_as_it_was_written),
		EACH(what_a_failure_means),
		EACH(names_that_are_none_reach_nobody),
		EACH(one_flight_for_all_who_ask),
		EACH(a_document_is_good_as_long_as_its_host_says),
		EACH(a_failure_takes_no_good_document_from_others),
		EACH(failures_are_left_alone_for_longer_and_longer),
		EACH(budgets),
		EACH(a_stop_answers_everybody),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
