/* Names by a name server of the test's own: both families are asked and judged, one lookup serves one request, search lists and the
 * hosts file play no part, and silence ends. */
#include "gateway/fetch/fetch.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <cmocka.h>

enum { TYPE_A = 1, TYPE_AAAA = 28, QUERIES_MAX = 64, NXDOMAIN = 3 };

struct record {
	const char *name, *v4, *v6; /* NULL: no such record; "-": no answer at all */
	const char *later;	    /* v4 from the second time on */
};

static const struct record RECORDS[] = {
	{"private.example", "10.1.2.3", NULL, NULL},
	{"six.example", "198.41.0.4", "fd00::1", NULL},
	{"onlysix.example", NULL, "fe80::1", NULL},
	{"rebound.example", "192.168.0.1", NULL, "198.41.0.4"},
	{"silent.example", "-", "-", NULL},
	{"halfsilent.example", "10.0.0.1", "-", NULL},
	{"none.example", NULL, NULL, NULL},
	{"localhost.example.com", "127.0.0.1", NULL, NULL},
};

static struct event_base *base;
static struct fetcher *fetcher;
static char asked[QUERIES_MAX][256];
static unsigned nasked;
static int fd = -1;
static struct event *watch;
static char nameserver[32];

/* QNAME as text; returns the offset behind QTYPE and QCLASS, 0 if it is none. */
static size_t read_question(char *name, size_t size, unsigned *type, const uint8_t *packet, size_t len)
{
	size_t at = 12, n = 0;

	while (at < len && packet[at] != 0) {
		size_t label = packet[at++];

		if (at + label > len || n + label + 2 > size)
			return 0;
		if (n > 0)
			name[n++] = '.';
		memcpy(name + n, packet + at, label);
		n += label;
		at += label;
	}
	name[n] = '\0';
	if (at + 5 > len)
		return 0;
	*type = (unsigned)packet[at + 1] << 8 | packet[at + 2];
	return at + 5;
}

static const char *find_record(bool *known, const char *name, unsigned type)
{
	unsigned before = 0;

	*known = false;
	for (unsigned i = 0; i + 1 < nasked; i++)
		before += strcasecmp(asked[i], asked[nasked - 1]) == 0;
	for (size_t i = 0; i < sizeof(RECORDS) / sizeof(RECORDS[0]); i++) {
		if (strcasecmp(RECORDS[i].name, name) != 0)
			continue;
		*known = RECORDS[i].v4 != NULL || RECORDS[i].v6 != NULL;
		if (type == TYPE_AAAA)
			return RECORDS[i].v6;
		return before > 0 && RECORDS[i].later != NULL ? RECORDS[i].later : RECORDS[i].v4;
	}
	return NULL;
}

static void on_query(evutil_socket_t socket, short what, void *arg)
{
	uint8_t packet[1024], answer[64] = {0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 60, 0, 0};
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t got = recvfrom(socket, packet, 512, 0, (struct sockaddr *)&from, &from_len);
	unsigned type = 0;
	char name[256];
	const char *value;
	size_t end, size;
	bool known;

	(void)what;
	(void)arg;
	end = got > 12 ? read_question(name, sizeof(name), &type, packet, (size_t)got) : 0;
	if (end == 0 || nasked == QUERIES_MAX)
		return;
	(void)snprintf(asked[nasked++], sizeof(asked[0]), "%.240s/%u", name, type);
	value = find_record(&known, name, type);
	if (value != NULL && strcmp(value, "-") == 0)
		return;
	packet[2] |= 0x80;
	packet[3] = (uint8_t)(0x80 | (known ? 0 : NXDOMAIN));
	memset(packet + 6, 0, 6);
	if (value != NULL) {
		size = type == TYPE_A ? 4 : 16;
		answer[3] = (uint8_t)type;
		answer[11] = (uint8_t)size;
		assert_int_equal(inet_pton(type == TYPE_A ? AF_INET : AF_INET6, value, answer + 12), 1);
		packet[7] = 1;
		memcpy(packet + end, answer, 12 + size);
		end += 12 + size;
	}
	(void)sendto(socket, packet, end, 0, (const struct sockaddr *)&from, from_len);
}

/* ---- asking ---- */

struct result {
	bool done;
	enum fetch_end end;
};

static void on_done(void *arg, const struct fetch_answer *answer)
{
	struct result *result = arg;

	result->end = answer->end;
	result->done = true;
}

static enum fetch_end get(const char *host, const char *path)
{
	const struct fetch_request request = {.host = host, .port = 8443, .path = path, .cap = 100};
	struct result result = {.done = false};

	assert_int_equal(fetch_get(fetcher, &request, on_done, &result), 0);
	while (!result.done)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	return result.end;
}

static unsigned times(const char *question)
{
	unsigned n = 0;

	for (unsigned i = 0; i < nasked; i++)
		n += strcasecmp(asked[i], question) == 0;
	return n;
}

static void both_families_are_judged(void **state)
{
	(void)state;
	assert_int_equal(get("private.example", "/"), FETCH_BAD_ADDRESS);
	assert_int_equal(get("six.example", "/"), FETCH_BAD_ADDRESS); /* one is public, the other is not */
	assert_int_equal(get("onlysix.example", "/"), FETCH_BAD_ADDRESS);
	assert_int_equal(times("six.example/1"), 1);
	assert_int_equal(times("six.example/28"), 1);
}

static void what_is_not_there_is_not_found(void **state)
{
	(void)state;
	assert_int_equal(get("none.example", "/"), FETCH_DNS);
	assert_int_equal(get("nobody.knows.example", "/"), FETCH_DNS);
	/* no other name was tried */
	for (unsigned i = 0; i < nasked; i++)
		assert_true(strncasecmp(asked[i], "none.example/", 13) == 0 || strncasecmp(asked[i], "nobody.knows.example/", 21) == 0);
}

static void a_name_that_changes_is_not_asked_again(void **state)
{
	(void)state;
	/* a second lookup would have led to a public address */
	assert_int_equal(get("rebound.example", "/"), FETCH_BAD_ADDRESS);
	assert_int_equal(times("rebound.example/1"), 1);
}

static void silence_ends(void **state)
{
	(void)state;
	assert_int_equal(get("silent.example", "/"), FETCH_DNS);
	/* a family without an answer does not free the other from judgement */
	assert_int_equal(get("halfsilent.example", "/"), FETCH_BAD_ADDRESS);
}

/* Names whose servers are dead are cheap to come by: they must not silence the others. */
static void dead_names_do_not_silence_the_others(void **state)
{
	struct result results[8];

	(void)state;
	memset(results, 0, sizeof(results));
	for (int i = 0; i < 4; i++) {
		char path[16];

		(void)snprintf(path, sizeof(path), "/%d", i & 7);
		assert_int_equal(fetch_get(fetcher,
					   &(const struct fetch_request){.host = "silent.example", .port = 8443, .path = path, .cap = 1},
					   on_done, &results[i]),
				 0);
	}
	while (!results[0].done || !results[1].done || !results[2].done || !results[3].done)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	assert_int_equal(get("private.example", "/"), FETCH_BAD_ADDRESS);
	assert_int_equal(times("private.example/1"), 1);
}

static int each_setup(void **state)
{
	(void)state;
	nasked = 0;
	return fetcher_new(&fetcher, base, &(struct fetcher_config){.nameserver = nameserver});
}

/* What libevent still holds of ended lookups is given back in the loop's next turns. */
static int each_teardown(void **state)
{
	(void)state;
	fetcher_free(fetcher);
	fetcher = NULL;
	for (int i = 0; i < 3; i++)
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
	return 0;
}

static int setup(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	(void)state;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	(void)snprintf(nameserver, sizeof(nameserver), "127.0.0.1:%u", ntohs(address.sin_port));
	base = event_base_new();
	watch = event_new(base, fd, EV_READ | EV_PERSIST, on_query, NULL);
	return event_add(watch, NULL);
}

static int teardown(void **state)
{
	(void)state;
	event_free(watch);
	event_base_free(base);
	(void)close(fd);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_families_are_judged, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_not_found, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(a_name_that_changes_is_not_asked_again, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(dead_names_do_not_silence_the_others, each_setup, each_teardown),
		cmocka_unit_test_setup_teardown(silence_ends, each_setup, each_teardown),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
