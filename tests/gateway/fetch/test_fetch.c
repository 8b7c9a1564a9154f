/* The fetcher against a TLS server that misbehaves in every way it can, and against names that lead where they must not. */
#include "gateway/fetch/fetch.h"
#include "tests/gateway/fetch/rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { CAP = 1000 };

static struct rig rig;
static char allow[512];
static uint16_t tls_port, plain_port;
static struct event_base *base;
static struct fetcher *fetcher;

/* ---- names, in place of DNS ---- */

struct name {
	const char *host;
	const char *addresses[4]; /* none: no such name */
};

static const struct name NAMES[] = {
	{"private.example", {"10.0.0.1"}},
	{"mixed.example", {"93.184.216.34", "2606:2800:220:1::1", "192.168.0.1"}},
	{"mapped.example", {"::ffff:127.0.0.1"}},
	{"nat64.example", {"64:ff9b::7f00:1"}},
	{"sixtofour.example", {"2002:7f00:1::"}},
	{"metadata.example", {"169.254.169.254"}},
	{"unknown.example", {NULL}},
};

struct lookup {
	fetch_on_addresses *on_addresses;
	void *arg;
	const struct name *name;
};

static unsigned lookups;

static void answer_lookup(evutil_socket_t fd, short what, void *arg)
{
	struct sockaddr_storage addresses[4];
	struct lookup *lookup = arg;
	size_t n = 0;

	(void)fd;
	(void)what;
	memset(addresses, 0, sizeof(addresses));
	for (; n < 4 && lookup->name != NULL && lookup->name->addresses[n] != NULL; n++) {
		struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
		struct sockaddr_in v4 = {.sin_family = AF_INET};

		if (inet_pton(AF_INET, lookup->name->addresses[n], &v4.sin_addr) == 1)
			memcpy(&addresses[n], &v4, sizeof(v4));
		else if (inet_pton(AF_INET6, lookup->name->addresses[n], &v6.sin6_addr) == 1)
			memcpy(&addresses[n], &v6, sizeof(v6));
	}
	lookup->on_addresses(lookup->arg, n > 0 ? 0 : -ENOENT, addresses, n);
	free(lookup);
}

static int resolve(void *resolve_arg, const char *host, fetch_on_addresses *on_addresses, void *arg)
{
	struct timeval soon = {.tv_usec = 1000};
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	(void)resolve_arg;
	if (lookup == NULL)
		return -ENOMEM;
	lookups++;
	lookup->on_addresses = on_addresses;
	lookup->arg = arg;
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		if (strcmp(NAMES[i].host, host) == 0)
			lookup->name = &NAMES[i];
	return event_base_once(base, -1, EV_TIMEOUT, answer_lookup, lookup, &soon);
}

/* ---- asking and waiting ---- */

struct result {
	bool done;
	enum fetch_end end;
	long status;
	size_t len;
	char body[CAP + 1], type[64];
	bool remembered, has_max_age;
	uint64_t max_age_s;
};

static void on_done(void *arg, const struct fetch_answer *answer)
{
	struct result *result = arg;

	assert_false(result->done);
	result->done = true;
	result->end = answer->end;
	result->status = answer->status;
	result->len = answer->len;
	result->remembered = answer->remembered;
	result->has_max_age = answer->has_max_age;
	result->max_age_s = answer->max_age_s;
	assert_true(answer->len <= CAP && answer->why != NULL && answer->content_type != NULL);
	assert_true(answer->end == FETCH_OK || answer->body == NULL);
	if (answer->len > 0)
		memcpy(result->body, answer->body, answer->len);
	(void)snprintf(result->type, sizeof(result->type), "%s", answer->content_type);
}

static void turn_until(const bool *done)
{
	while (!*done)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

static struct result get(const struct fetch_request *request)
{
	struct result result = {.done = false};

	assert_int_equal(fetch_get(fetcher, request, on_done, &result), 0);
	assert_false(result.done); /* never from within */
	turn_until(&result.done);
	return result;
}

static struct result get_path(const char *path, bool redirects)
{
	return get(&(struct fetch_request){.host = "good.example", .port = tls_port, .path = path, .cap = CAP, .redirects = redirects});
}

static void fresh_fetcher(const struct fetcher_config *config)
{
	fetcher_free(fetcher);
	fetcher = NULL;
	assert_int_equal(fetcher_new(&fetcher, base, config), 0);
}

static int each_setup(void **state)
{
	(void)state;
	fresh_fetcher(&(struct fetcher_config){.allow = allow, .ca = rig.ca, .resolve = resolve, .rate = 1000});
	lookups = 0;
	return 0;
}

/* ---- tests ---- */

static void a_good_answer_comes_whole(void **state)
{
	struct result result = get_path("/ok", false);
	char expected[128];

	(void)state;
	assert_int_equal(result.end, FETCH_OK);
	assert_int_equal(result.status, 200);
	assert_string_equal(result.body, "{\"name\":\"n\"}");
	assert_string_equal(result.type, "application/json");
	assert_true(result.has_max_age && result.max_age_s == 60);
	assert_int_equal(get_path("/empty", false).end, FETCH_OK);
	result = get_path("/exact", false);
	assert_int_equal(result.end, FETCH_OK);
	assert_int_equal(result.len, CAP);
	result = get(&(struct fetch_request){.host = "good.example", .port = tls_port, .path = "/echo?a=%20/../b", .cap = CAP,
					     .accept = "application/json"});
	(void)snprintf(expected, sizeof(expected), "good.example:%u application/json - /echo?a=%%20/../b", tls_port);
	assert_string_equal(result.body, expected);
	assert_string_equal(get_path("/html", false).type, "text/html");
}

static void what_goes_wrong_is_told_apart(void **state)
{
	static const struct {
		const char *path;
		bool redirects;
		enum fetch_end end;
		long status;
	} cases[] = {
		{"/404", false, FETCH_HTTP, 404},
		{"/500", false, FETCH_HTTP, 500},
		{"/204", false, FETCH_HTTP, 204},
		{"/206", false, FETCH_HTTP, 206},
		{"/gzip", false, FETCH_ENCODED, 200},
		{"/announced", false, FETCH_TOO_LARGE, 200},
		{"/endless", false, FETCH_TOO_LARGE, 200},
		{"/cut", false, FETCH_BROKEN, 200},
		{"/heads", false, FETCH_TOO_LARGE, 200},
		{"/garbage", false, FETCH_BROKEN, 0},
		{"/one", false, FETCH_REDIRECT, 302},
		{"/one", true, FETCH_OK, 200},
		{"/one-page", true, FETCH_OK, 200},
		{"/one-endless", true, FETCH_REDIRECT, 301},
		{"/two", true, FETCH_OK, 200},
		{"/three", true, FETCH_REDIRECT, 302},
		{"/loop", true, FETCH_REDIRECT, 302},
		{"/other-host", true, FETCH_REDIRECT, 302},
		{"/other-port", true, FETCH_REDIRECT, 302},
		{"/to-http", true, FETCH_REDIRECT, 302},
		{"/to-file", true, FETCH_REDIRECT, 302},
		{"/to-userinfo", true, FETCH_REDIRECT, 302},
		{"/no-location", true, FETCH_REDIRECT, 302},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result result = get_path(cases[i].path, cases[i].redirects);

		if (result.end != cases[i].end || result.status != cases[i].status)
			fail_msg("%s: %s, status %ld", cases[i].path, fetch_word(result.end), result.status);
	}
	/* libcurl takes five bytes as announced and leaves the rest */
	assert_int_equal(get_path("/lying-length", false).len, 5);
}

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void nobody_keeps_it_waiting(void **state)
{
	static const char *const paths[] = {"/hang", "/slow"};
	double began = seconds();

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct result result = get(&(struct fetch_request){
			.host = "good.example", .port = tls_port, .path = paths[i], .cap = CAP, .total_ms = 400});

		assert_int_equal(result.end, FETCH_TIMEOUT);
	}
	assert_true(seconds() - began < 2);
	began = seconds();
	assert_int_equal(get_path("/hang?", false).end, FETCH_TIMEOUT);
	assert_true(seconds() - began > 4.5 && seconds() - began < 6);
}

static void certificates_are_checked(void **state)
{
	(void)state;
	/* another name on the same server */
	assert_int_equal(get(&(struct fetch_request){.host = "bad.example", .port = tls_port, .path = "/ok", .cap = CAP}).end,
			 FETCH_TLS);
	/* no TLS there */
	assert_int_equal(get(&(struct fetch_request){.host = "good.example", .port = plain_port, .path = "/ok", .cap = CAP}).end,
			 FETCH_TLS);
	/* the test authority is not believed without the switch */
	fresh_fetcher(&(struct fetcher_config){.allow = allow, .resolve = resolve});
	assert_int_equal(get_path("/ok", false).end, FETCH_TLS);
}

static void private_places_are_out_of_reach(void **state)
{
	static const struct {
		const char *host;
		enum fetch_end end;
	} cases[] = {
		{"private.example", FETCH_BAD_ADDRESS}, {"mixed.example", FETCH_BAD_ADDRESS},
		{"mapped.example", FETCH_BAD_ADDRESS},	{"nat64.example", FETCH_BAD_ADDRESS},
		{"sixtofour.example", FETCH_BAD_ADDRESS}, {"metadata.example", FETCH_BAD_ADDRESS},
		{"unknown.example", FETCH_DNS},		{"localhost", FETCH_BAD_HOST},
		{"127.0.0.1", FETCH_BAD_HOST},		{"127.1", FETCH_BAD_HOST},
		{"2130706433", FETCH_BAD_HOST},		{"0x7f.1", FETCH_BAD_HOST},
		{"a.0x7f000001", FETCH_BAD_HOST},	{"printer.local", FETCH_BAD_HOST},
		{"db.internal", FETCH_BAD_HOST},	{"a.localhost", FETCH_BAD_HOST},
		{"single", FETCH_BAD_HOST},		{"a..example", FETCH_BAD_HOST},
		{"a.example.", FETCH_BAD_HOST},		{"-a.example", FETCH_BAD_HOST},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result result = get(&(struct fetch_request){.host = cases[i].host, .port = tls_port, .path = "/ok", .cap = CAP});

		if (result.end != cases[i].end)
			fail_msg("%s: %s", cases[i].host, fetch_word(result.end));
	}
	/* the exemption is for its ports, and http is refused elsewhere */
	assert_int_equal(get(&(struct fetch_request){.host = "good.example", .port = 8443, .path = "/ok", .cap = CAP}).end, FETCH_DNS);
	assert_int_equal(get(&(struct fetch_request){.host = "good.example", .port = 25, .path = "/ok", .cap = CAP}).end, FETCH_BAD_HOST);
	assert_int_equal(get(&(struct fetch_request){.host = "good.example", .port = 80, .path = "/ok", .cap = CAP}).end, FETCH_DNS);
	assert_int_equal(get(&(struct fetch_request){.host = "good.example", .path = "/ok", .cap = CAP}).end, FETCH_OK);
	assert_int_equal(get(&(struct fetch_request){.http = true, .host = "unknown.example", .path = "/ok", .cap = CAP}).end,
			 FETCH_NOT_HTTPS);
	assert_int_equal(
		get(&(struct fetch_request){.http = true, .host = "good.example", .port = plain_port, .path = "/ok", .cap = CAP}).end,
		FETCH_OK);
}

/* A name that leads elsewhere the second time finds nobody asking a second time. */
static void a_name_is_looked_up_once(void **state)
{
	struct result result;

	(void)state;
	result = get(&(struct fetch_request){.host = "private.example", .path = "/ok", .cap = CAP});
	assert_int_equal(result.end, FETCH_BAD_ADDRESS);
	assert_int_equal(lookups, 1);
	result = get_path("/two", true);
	assert_int_equal(result.end, FETCH_OK);
	assert_int_equal(lookups, 1); /* exempt hosts are not looked up at all */
}

static void one_flight_for_all_who_ask(void **state)
{
	const struct fetch_request request = {.host = "good.example", .port = tls_port, .path = "/count", .cap = CAP};
	struct result results[5];

	(void)state;
	memset(results, 0, sizeof(results));
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(fetch_get(fetcher, &request, on_done, &results[i]), 0);
	for (size_t i = 0; i < 5; i++) {
		turn_until(&results[i].done);
		assert_int_equal(results[i].end, FETCH_OK);
		assert_string_equal(results[i].body, results[0].body);
	}
	assert_string_not_equal(get(&request).body, results[0].body); /* a good answer is not kept */
}

static void failures_are_remembered(void **state)
{
	(void)state;
	assert_false(get_path("/404", false).remembered);
	assert_true(get_path("/404", false).remembered);
	assert_int_equal(get_path("/404", false).status, 404);
	assert_false(get_path("/404", true).remembered); /* another question */
	assert_false(get_path("/ok", false).remembered);
	assert_false(get_path("/ok", false).remembered);
}

static void a_host_has_a_budget(void **state)
{
	struct fetch_request request = {.host = "good.example", .port = tls_port, .cap = CAP};
	struct result results[4];
	char path[32];

	(void)state;
	fresh_fetcher(&(struct fetcher_config){.allow = allow, .ca = rig.ca, .per_host = 3, .rate = 2});
	memset(results, 0, sizeof(results));
	request.path = path;
	for (int i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof(path), "/count?%d", i);
		assert_int_equal(fetch_get(fetcher, &request, on_done, &results[i]), i < 3 ? 0 : -EAGAIN);
	}
	for (int i = 0; i < 3; i++)
		turn_until(&results[i].done);
	/* the burst is twice the rate: one is left */
	assert_int_equal(get(&request).end, FETCH_OK);
	assert_int_equal(fetch_get(fetcher, &request, on_done, &results[0]), -EAGAIN);
	(void)usleep(600000);
	assert_int_equal(get(&request).end, FETCH_OK);
}

static void a_stop_answers_everybody(void **state)
{
	const struct fetch_request hang = {.host = "good.example", .port = tls_port, .path = "/hang", .cap = CAP},
				   lookup = {.host = "unknown.example", .path = "/", .cap = CAP};
	struct result first = {.done = false}, second = {.done = false};
	struct timeval soon = {.tv_usec = 500};

	(void)state;
	assert_int_equal(fetch_get(fetcher, &hang, on_done, &first), 0);
	assert_int_equal(fetch_get(fetcher, &lookup, on_done, &second), 0);
	(void)event_base_loopexit(base, &soon);
	(void)event_base_loop(base, 0);
	fetcher_free(fetcher);
	fetcher = NULL;
	assert_true(first.done && first.end == FETCH_CANCELED);
	assert_true(second.done && (second.end == FETCH_CANCELED || second.end == FETCH_DNS));
	/* a lookup that comes too late finds nobody */
	soon.tv_usec = 5000;
	(void)event_base_loopexit(base, &soon);
	(void)event_base_loop(base, 0);
}

static void malformed_questions_are_refused(void **state)
{
	static const struct fetch_request cases[] = {
		{.host = NULL, .path = "/", .cap = 1},
		{.host = "", .path = "/", .cap = 1},
		{.host = "a.example/x", .path = "/", .cap = 1},
		{.host = "u@a.example", .path = "/", .cap = 1},
		{.host = "a.example:1", .path = "/", .cap = 1},
		{.host = "[::1]", .path = "/", .cap = 1},
		{.host = "a.example", .path = NULL, .cap = 1},
		{.host = "a.example", .path = "", .cap = 1},
		{.host = "a.example", .path = "x", .cap = 1},
		{.host = "a.example", .path = "/a b", .cap = 1},
		{.host = "a.example", .path = "/\r\nX: y", .cap = 1},
		{.host = "a.example", .path = "/#x", .cap = 1},
		{.host = "a.example", .path = "/\xc3\xa9", .cap = 1},
		{.host = "a.example", .path = "/", .cap = 0},
		{.host = "a.example", .path = "/", .cap = 1, .accept = "a\r\nX: y"},
	};
	static const char *const allows[] = {"a.example:1=127.0.0.1@", "a.example:1=127.0.0.1@0", "a.example:1=@1", "x", "a.example", "a.example:1", "a.example=127.0.0.1", "a.example:0=127.0.0.1",
					     "a.example:65536=127.0.0.1", "a.example:1=localhost", "a.example:1=", ":1=127.0.0.1",
					     "a.example:1x=127.0.0.1"};
	struct fetcher *made;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (fetch_get(fetcher, &cases[i], on_done, NULL) != -EINVAL)
			fail_msg("case %zu", i);
	for (size_t i = 0; i < sizeof(allows) / sizeof(allows[0]); i++)
		if (fetcher_new(&made, base, &(struct fetcher_config){.allow = allows[i]}) != -EINVAL)
			fail_msg("allow %s", allows[i]);
}

static void every_special_range_is_denied(void **state)
{
	static const char *const denied[] = {
		"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
		"127.255.255.255", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.31.196.1",
		"192.52.193.1", "192.88.99.1", "192.168.0.0", "192.168.255.255", "192.175.48.1", "198.18.0.0", "198.19.255.255",
		"198.51.100.1", "203.0.113.255", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1",
		"::7f00:1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "100::1", "2001::1",
		"2001:1ff::1", "2001:db8::1", "2002:0a00:0001::", "2002:c0a8:0001::1", "3fff::1", "5f00::1", "fc00::1", "fdff::1",
		"fe80::1", "fec0::1", "ff02::1", "4000::1", "1::1"};
	static const char *const open[] = {
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0",
		"198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2001:200::1", "2001:4860:4860::8888",
		"::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:0101:0101::1", "2a00::1"};

	(void)state;
	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]) + sizeof(open) / sizeof(open[0]); i++) {
		size_t ndenied = sizeof(denied) / sizeof(denied[0]);
		const char *text = i < ndenied ? denied[i] : open[i - ndenied];
		struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
		struct sockaddr_in v4 = {.sin_family = AF_INET};
		struct sockaddr_storage address = {0};

		if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
			memcpy(&address, &v4, sizeof(v4));
		else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
			memcpy(&address, &v6, sizeof(v6));
		else
			fail_msg("%s", text);
		if (fetch_address_denied((const struct sockaddr *)&address) != (i < ndenied))
			fail_msg("%s", text);
	}
	assert_true(fetch_address_denied(&(const struct sockaddr){.sa_family = AF_UNIX}));
}

static int setup(void **state)
{
	(void)state;
	rig_start(&rig);
	tls_port = rig.tls_port;
	plain_port = rig.plain_port;
	(void)snprintf(allow, sizeof(allow),
		       "good.example:%u=127.0.0.1 bad.example:%u=127.0.0.1  good.example:%u=127.0.0.1 good.example:443=127.0.0.1@%u",
		       tls_port, tls_port, plain_port, tls_port);
	base = event_base_new();
	assert_non_null(base);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fetcher_free(fetcher);
	event_base_free(base);
	rig_stop(&rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_good_answer_comes_whole, each_setup),
		cmocka_unit_test_setup(what_goes_wrong_is_told_apart, each_setup),
		cmocka_unit_test_setup(nobody_keeps_it_waiting, each_setup),
		cmocka_unit_test_setup(certificates_are_checked, each_setup),
		cmocka_unit_test_setup(private_places_are_out_of_reach, each_setup),
		cmocka_unit_test_setup(a_name_is_looked_up_once, each_setup),
		cmocka_unit_test_setup(one_flight_for_all_who_ask, each_setup),
		cmocka_unit_test_setup(failures_are_remembered, each_setup),
		cmocka_unit_test_setup(a_host_has_a_budget, each_setup),
		cmocka_unit_test_setup(a_stop_answers_everybody, each_setup),
		cmocka_unit_test_setup(malformed_questions_are_refused, each_setup),
		cmocka_unit_test(every_special_range_is_denied),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
