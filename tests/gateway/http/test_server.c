#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/http/internal.h"
#include "gateway/runtime/metrics.h"
#include "tests/gateway/http/rig.h"

#define H "Host: a.example\r\n"

static struct rig_reply reply;

static void ask(struct rig *rig, const char *text)
{
	int fd = rig_connect(rig);
	rig_send(fd, text, strlen(text));
	rig_receive_one(rig, &reply, fd);
	close(fd);
	rig_turn(rig, 1);
}

static void reads_carry_cors_cache_and_etag(void **state)
{
	struct rig rig;
	char etag[HTTP_ETAG_MAX];
	(void)state;
	rig_start(&rig, NULL);
	http_etag(etag, "text/plain", "ok", 2);
	ask(&rig, "GET /ok HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(rig_status(&reply), 200);
	assert_string_equal(rig_body(&reply), "ok");
	assert_true(rig_has(&reply, etag));
	assert_true(rig_has(&reply, "Access-Control-Allow-Origin: *\r\n"));
	assert_true(rig_has(&reply, "Cache-Control: max-age=5\r\n"));
	assert_int_equal(rig.answered, 1);
	ask(&rig, "GET /nowhere HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(rig_status(&reply), 404);
	assert_true(rig_has(&reply, "Access-Control-Allow-Origin: *\r\n"));
	assert_true(rig_has(&reply, "Cache-Control: no-store\r\n"));
	assert_true(rig_has(&reply, "application/problem+json"));
	assert_true(rig_has(&reply, "\"type\":\"https://kedge.example/problems/not-found\""));
	ask(&rig, "POST /echo HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhi");
	assert_int_equal(rig_status(&reply), 201);
	assert_false(rig_has(&reply, "Access-Control-Allow-Origin"));
	assert_false(rig_has(&reply, "ETag"));
	rig_stop(&rig);
}

static void if_none_match_gives_304(void **state)
{
	struct rig rig;
	char etag[HTTP_ETAG_MAX], text[256];
	(void)state;
	rig_start(&rig, NULL);
	http_etag(etag, "text/plain", "ok", 2);
	snprintf(text, sizeof(text), "GET /ok HTTP/1.1\r\n" H "If-None-Match: \"x\", W/%s\r\n\r\n", etag);
	ask(&rig, text);
	assert_int_equal(rig_status(&reply), 304);
	assert_true(rig_has(&reply, etag));
	assert_true(rig_has(&reply, "Cache-Control: max-age=5\r\n"));
	assert_string_equal(rig_body(&reply), "");
	ask(&rig, "GET /ok HTTP/1.1\r\n" H "If-None-Match: \"x\"\r\n\r\n");
	assert_int_equal(rig_status(&reply), 200);
	snprintf(text, sizeof(text), "GET /shared HTTP/1.1\r\n" H "If-None-Match: %s\r\n\r\n",
		 http_response_etag(rig.shared));
	ask(&rig, text);
	assert_int_equal(rig_status(&reply), 304);
	assert_string_equal(rig_body(&reply), "");
	rig_stop(&rig);
}

/* An ETag of what may not be stored would be for nobody; who has one from before is still told. */
static void what_may_not_be_stored_has_no_etag(void **state)
{
	char text[256], etag[HTTP_ETAG_MAX];
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	ask(&rig, "GET /item/a HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(rig_status(&reply), 200);
	assert_true(rig_has(&reply, "Cache-Control: no-store\r\n"));
	assert_false(rig_has(&reply, "ETag:"));
	http_etag(etag, "text/plain", rig_body(&reply), strlen(rig_body(&reply)));
	snprintf(text, sizeof(text), "GET /item/a HTTP/1.1\r\n" H "If-None-Match: %s\r\n\r\n", etag);
	ask(&rig, text);
	assert_int_equal(rig_status(&reply), 304);
	ask(&rig, "GET /item/a HTTP/1.1\r\n" H "If-None-Match: \"other\"\r\n\r\n");
	assert_int_equal(rig_status(&reply), 200);
	assert_true(rig_has(&reply, etag));
	rig_stop(&rig);
}

static void etag_lists_are_read(void **state)
{
	static const struct {
		const char *list;
		bool match;
	} rows[] = {
		{"\"a\"", true},	 {"*", true},	   {" * ", true},  {"W/\"a\"", true}, {"\"b\", \"a\"", true},
		{"\"b\",W/\"a\"", true}, {"\"b\"", false}, {"", false},	   {"a", false},      {"\"aa\"", false},
		{"\"b,\"a\"", false},	 {"\"", false},	   {",,,", false}, {"W/", false},     {"\"b\" \"a\"", false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(http_etag_matches(rows[i].list, "\"a\""), rows[i].match);
}

static void shared_answers_serve_many_requests(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int fd = rig_connect(&rig);
	for (int i = 0; i < 3; i++) {
		rig_send(fd, "GET /shared HTTP/1.1\r\n" H "\r\n", strlen("GET /shared HTTP/1.1\r\n" H "\r\n"));
		rig_receive_one(&rig, &reply, fd);
		assert_int_equal(rig_status(&reply), 200);
		assert_string_equal(rig_body(&reply), "{\"id\":1}");
		assert_true(rig_has(&reply, "X-Extra: yes\r\n"));
		assert_true(rig_has(&reply, "Content-Type: application/did+json\r\n"));
		assert_true(rig_has(&reply, "Access-Control-Allow-Origin: *\r\n"));
	}
	http_server_drain(rig.server);
	rig_turn(&rig, 5);
	close(fd);
	rig_stop(&rig);
}

static void head_options_and_405(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	rig_ask(&rig, &reply, "HEAD /ok HTTP/1.1\r\n" H "\r\n", strlen("HEAD /ok HTTP/1.1\r\n" H "\r\n"));
	assert_int_equal(rig_status(&reply), 200);
	assert_true(rig_has(&reply, "Content-Length: 2\r\n"));
	assert_string_equal(rig_body(&reply), "");
	assert_false(reply.closed);
	ask(&rig, "OPTIONS /echo HTTP/1.1\r\n" H "Origin: https://x\r\nAccess-Control-Request-Method: POST\r\n\r\n");
	assert_int_equal(rig_status(&reply), 204);
	assert_true(rig_has(&reply, "Allow: POST, PUT, OPTIONS\r\n"));
	assert_true(rig_has(&reply, "Access-Control-Allow-Methods: OPTIONS\r\n"));
	assert_true(rig_has(&reply, "Access-Control-Allow-Origin: *\r\n"));
	ask(&rig, "OPTIONS /ok HTTP/1.1\r\n" H "Origin: https://x\r\nAccess-Control-Request-Method: GET\r\n\r\n");
	assert_true(rig_has(&reply, "Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n"));
	assert_true(rig_has(&reply, "Access-Control-Allow-Headers: Accept, Content-Type, If-None-Match, Last-Event-ID\r\n"));
	assert_true(rig_has(&reply, "Access-Control-Max-Age: 86400\r\n"));
	assert_true(rig_has(&reply, "Access-Control-Expose-Headers: ETag, Location, Retry-After\r\n"));
	ask(&rig, "POST /question HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhi");
	assert_int_equal(rig_status(&reply), 201);
	assert_true(rig_has(&reply, "Access-Control-Allow-Origin: *\r\n"));
	ask(&rig, "POST /question HTTP/1.1\r\n" H "Content-Length: 2000\r\n\r\n");
	assert_int_equal(rig_status(&reply), 413);
	assert_true(rig_has(&reply, "Access-Control-Allow-Origin: *\r\n"));
	ask(&rig, "DELETE /ok HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(rig_status(&reply), 405);
	assert_true(rig_has(&reply, "Allow: GET, HEAD, OPTIONS\r\n"));
	ask(&rig, "PROPFINDING /ok HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(rig_status(&reply), 405);
	assert_int_equal(rig.handled, 2);
	rig_stop(&rig);
}

static void parameters_and_queries_arrive_decoded(void **state)
{
	static const struct {
		const char *target;
		unsigned status;
		const char *body; /* id|raw|q|rc, or a part of the problem */
	} rows[] = {
		{"/item/a%2Fb", 200, "a/b|a%2Fb|-|-2"},
		{"/item/eip155%3A8453%2Ferc721", 200, "eip155:8453/erc721|eip155%3A8453%2Ferc721|-|-2"},
		{"/item/x?q=1+2%2B3", 200, "x|x|1 2+3|0"},
		{"/item/x?q=1&q=2", 200, "x|x|1|-74"},
		{"/item/x?q", 200, "x|x||0"},
		{"/item/x?&&q=1&", 200, "x|x|1|0"},
		{"/item/%C3%A9", 200, "\xc3\xa9|%C3%A9|-|-2"},
		{"/tail/did:web:a%3A8004:agent:8453:42", 200, "did:web:a%3A8004:agent:8453:42"},
		{"/tail/a/b/c", 200, "a/b/c"},
		{"/declared/x?q=1", 200, "x|x|1|0"},
		{"/declared/x?z=1", 400, "this resource knows the query parameters q, r"},
		{"/declared/x?r=1&r=2", 400, "more than once"},
		{"/item/", 404, "not-found"},
		{"/item", 404, "not-found"},
		{"/item/a/b", 404, "not-found"},
		{"/tail/", 404, "not-found"},
		{"//ok", 404, "not-found"},
		{"/OK", 404, "not-found"},
		{"/item/x?a=%ff", 400, "malformed"},
	};
	struct rig rig;
	char text[512];
	(void)state;
	rig_start(&rig, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" H "\r\n", rows[i].target);
		ask(&rig, text);
		if (rig_status(&reply) != rows[i].status || strstr(rig_body(&reply), rows[i].body) == NULL)
			print_error("%s\n", rows[i].target);
		assert_int_equal(rig_status(&reply), rows[i].status);
		if (rows[i].status == 200)
			assert_string_equal(rig_body(&reply), rows[i].body);
		else
			assert_non_null(strstr(rig_body(&reply), rows[i].body));
	}
	rig_stop(&rig);
}

static void too_many_query_parameters_are_refused(void **state)
{
	struct rig rig;
	char text[512] = "GET /ok?";
	(void)state;
	rig_start(&rig, NULL);
	for (int i = 0; i < HTTP_QUERY_MAX + 1; i++)
		strcat(text, "a&");
	strcat(text, " HTTP/1.1\r\n" H "\r\n");
	ask(&rig, text);
	assert_int_equal(rig_status(&reply), 400);
	assert_int_equal(rig.handled, 0);
	rig_stop(&rig);
}

static void bodies_over_the_cap_are_refused_before_they_come(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	/* No byte of the body is sent: the refusal must come all the same. */
	ask(&rig, "POST /echo HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n");
	assert_int_equal(rig_status(&reply), 413);
	assert_true(rig_has(&reply, "Connection: close"));
	ask(&rig, "POST /echo HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n");
	assert_int_equal(rig_status(&reply), 413);
	ask(&rig, "PUT /echo HTTP/1.1\r\n" H "Content-Length: 65537\r\n\r\n");
	assert_int_equal(rig_status(&reply), 413);
	assert_int_equal(rig.handled, 0);
	rig_stop(&rig);
}

/* Whoever writes its body on reads its answer in the end: a reset would take it away. Endless ones are not waited for. */
static void who_still_sends_gets_its_answer(void **state)
{
	static const char *const heads[] = {
		"POST /echo HTTP/1.1\r\n" H "Content-Length: 3000000\r\n\r\n",
		"POST /nowhere HTTP/1.1\r\n" H "Content-Length: 3000000\r\n\r\n",
		"POST /echo HTTP/1.1\r\n" H "Content-Length: 3000000\r\nContent-Length: 3000001\r\n\r\n",
	};
	static const unsigned statuses[] = {413, 404, 400};
	static char piece[10000];
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		int fd = rig_connect(&rig);
		rig_send(fd, heads[i], strlen(heads[i]));
		rig_turn(&rig, 20);
		for (unsigned k = 0; k < 300; k++)
			rig_send(fd, piece, sizeof(piece));
		rig_receive(&rig, &reply, fd, 200);
		assert_int_equal(rig_status(&reply), statuses[i]);
		assert_true(rig_has(&reply, "Connection: close"));
		assert_true(reply.closed);
		close(fd);
	}
	int fd = rig_connect(&rig);
	rig_send(fd, heads[0], strlen(heads[0]));
	rig_turn(&rig, 20);
	unsigned sent = 0;
	for (; sent < 4000 && send(fd, piece, sizeof(piece), MSG_NOSIGNAL) > 0; sent++)
		rig_turn(&rig, 0);
	assert_in_range(sent, 300, 3000);
	close(fd);
	assert_int_equal(rig.handled, 0);
	rig_stop(&rig);
}

static void all_bodies_together_are_bounded(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	http_bodies = HTTP_BODIES_MAX; /* as if others held them */
	ask(&rig, "POST /echo HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhi");
	assert_int_equal(rig_status(&reply), 503);
	ask(&rig, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
	assert_int_equal(rig_status(&reply), 503);
	assert_int_equal(rig.handled, 0);
	http_bodies = 0;
	ask(&rig, "POST /echo HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhi");
	assert_int_equal(rig_status(&reply), 201);
	rig_stop(&rig);
	assert_int_equal(http_bodies, 0);
}

static void bodies_at_the_cap_and_in_pieces_arrive_whole(void **state)
{
	struct rig rig;
	char text[2048];
	(void)state;
	rig_start(&rig, NULL);
	size_t n = (size_t)snprintf(text, sizeof(text),
				    "POST /echo HTTP/1.1\r\n" H "Content-Type: application/json; charset=utf-8\r\n"
				    "Content-Length: 1000\r\n\r\n");
	for (size_t i = 0; i < 1000; i++)
		text[n + i] = (char)('a' + i % 26);
	int fd = rig_connect(&rig);
	for (size_t at = 0; at < n + 1000; at += 100) {
		rig_send(fd, text + at, n + 1000 - at < 100 ? n + 1000 - at : 100);
		rig_turn(&rig, 1);
	}
	rig_receive_one(&rig, &reply, fd);
	close(fd);
	assert_int_equal(rig_status(&reply), 201);
	assert_true(rig_has(&reply, "Content-Type: application/json\r\n"));
	assert_memory_equal(rig_body(&reply), text + n, 1000);
	rig_stop(&rig);
}

static void continue_is_sent_when_expected(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int fd = rig_connect(&rig);
	static const char head[] = "POST /echo HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
	rig_send(fd, head, sizeof(head) - 1);
	rig_receive(&rig, &reply, fd, 50);
	assert_int_equal(rig_status(&reply), 100);
	rig_send(fd, "hi", 2);
	rig_receive_one(&rig, &reply, fd);
	assert_int_equal(rig_status(&reply), 201);
	close(fd);
	rig_stop(&rig);
}

static void chunked_bodies_over_the_cap_are_refused(void **state)
{
	struct rig rig;
	static char text[140000];
	(void)state;
	rig_start(&rig, NULL);
	size_t n = (size_t)snprintf(text, sizeof(text),
				    "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5DC\r\n");
	memset(text + n, 'x', 1500);
	memcpy(text + n + 1500, "\r\n0\r\n\r\n", 7);
	rig_ask(&rig, &reply, text, n + 1507);
	assert_int_equal(rig_status(&reply), 413);
	assert_true(reply.closed);
	/* Far over it nobody waits for the end. */
	n = (size_t)snprintf(text, sizeof(text),
			     "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\n");
	memset(text + n, 'x', 135000);
	int fd = rig_connect(&rig);
	for (size_t at = 0; at < n + 135000; at += 4096) {
		if (send(fd, text + at, n + 135000 - at < 4096 ? n + 135000 - at : 4096, MSG_NOSIGNAL) <= 0)
			break;
		rig_turn(&rig, 0);
	}
	rig_receive(&rig, &reply, fd, 200);
	assert_true(reply.closed);
	close(fd);
	assert_int_equal(rig.handled, 0);
	rig_stop(&rig);
}

static void slow_clients_are_cut_off(void **state)
{
	static const char *const starts[] = {
		"",
		"GET /o",
		"GET /ok HTTP/1.1\r\nHost: a",
		"POST /echo HTTP/1.1\r\n" H "Content-Length: 500\r\n\r\nabc",
	};
	struct http_options options = {.fd = -1, .idle_ms = 150, .receive_ms = 150};
	struct rig rig;
	(void)state;
	rig_start(&rig, &options);
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		int fd = rig_connect(&rig);
		bool closed = false;
		rig_send(fd, starts[i], strlen(starts[i]));
		/* A byte now and then must not keep it alive. */
		for (int k = 0; k < 12 && !closed; k++) {
			rig_turn(&rig, 40);
			closed = send(fd, "a", starts[i][0] != '\0', MSG_NOSIGNAL) < 0;
		}
		rig_receive(&rig, &reply, fd, 300);
		assert_true(closed || reply.closed);
		close(fd);
	}
	assert_int_equal(rig.handled, 0);
	rig_turn(&rig, 50);
	assert_int_equal(http_server_connections(rig.server), 0);
	rig_stop(&rig);
}

static void slow_readers_are_cut_off(void **state)
{
	static const char question[] = "GET /parked HTTP/1.1\r\n" H "\r\n";
	enum { LARGE = 16 << 20 };
	/* what the sockets do not hold has to be taken within 0.2 s, and a second for 64 MiB */
	struct http_options options = {.fd = -1, .send_ms = 200, .send_rate = 64 << 20};
	const int few = 4096;
	char bytes[4096];
	struct rig rig;
	(void)state;
	rig_start(&rig, &options);
	int fd = rig_connect(&rig);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &few, sizeof(few)), 0);
	rig_send(fd, question, strlen(question));
	rig_turn(&rig, 20);
	assert_non_null(rig.parked);
	http_reply_take(rig.parked, 200, "text/plain", calloc(1, LARGE), LARGE, free);
	/* Some bytes now and then must not keep it alive, nor what the answer was made of. */
	for (unsigned k = 0; k < 100 && http_server_connections(rig.server) > 0; k++) {
		assert_true(recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) != 0);
		rig_turn(&rig, 20);
	}
	assert_int_equal(http_server_connections(rig.server), 0);
	assert_int_equal(rig.freed, 1);
	close(fd);
	rig_stop(&rig);
}

static void a_client_may_vanish_while_its_request_waits(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int fd = rig_connect(&rig);
	rig_send(fd, "GET /parked HTTP/1.1\r\n" H "\r\n", strlen("GET /parked HTTP/1.1\r\n" H "\r\n"));
	rig_turn(&rig, 10);
	assert_non_null(rig.parked);
	assert_int_equal(http_server_in_flight(rig.server), 1);
	struct linger hard = {.l_onoff = 1};
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
	close(fd);
	rig_turn(&rig, 10);
	http_reply(rig.parked, 200, "text/plain", "late", 4);
	rig_turn(&rig, 10);
	assert_int_equal(http_server_in_flight(rig.server), 0);
	assert_int_equal(rig.freed, 1);
	assert_int_equal(http_server_connections(rig.server), 0);
	rig_stop(&rig);
}

static void later_answers_reach_the_client(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int fd = rig_connect(&rig);
	for (int i = 0; i < 3; i++) {
		rig.parked = NULL;
		rig_send(fd, "GET /parked HTTP/1.1\r\n" H "\r\n", strlen("GET /parked HTTP/1.1\r\n" H "\r\n"));
		rig_turn(&rig, 5);
		assert_non_null(rig.parked);
		assert_false(http_answered(rig.parked));
		http_reply(rig.parked, 200, "text/plain", "later", 5);
		rig_receive_one(&rig, &reply, fd);
		assert_int_equal(rig_status(&reply), 200);
		assert_string_equal(rig_body(&reply), "later");
	}
	close(fd);
	rig_stop(&rig);
}

/* Preflights come before each write of a page, and the connection is what they share with it. */
static void answers_to_a_head_alone_keep_the_connection(void **state)
{
	static const struct {
		const char *request;
		unsigned status;
	} rows[] = {
		{"OPTIONS /ok HTTP/1.1\r\n" H "\r\n", 204},	 {"GET /none HTTP/1.1\r\n" H "\r\n", 404},
		{"DELETE /ok HTTP/1.1\r\n" H "\r\n", 405},	 {"GET /ok?unknown=1 HTTP/1.1\r\n" H "\r\n", 200},
		{"GET /ok HTTP/1.1\r\n" H "\r\n", 200},
	};
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int fd = rig_connect(&rig);
	for (size_t i = 0; i < 3 * sizeof(rows) / sizeof(rows[0]); i++) {
		const char *request = rows[i % 5].request;
		rig_send(fd, request, strlen(request));
		rig_receive(&rig, &reply, fd, 30);
		assert_int_equal(rig_status(&reply), rows[i % 5].status);
		assert_false(reply.closed);
		assert_false(rig_has(&reply, "Connection: close"));
	}
	/* what has a body still ends it: the body stays unread */
	rig_send(fd, "POST /none HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}", strlen("POST /none HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}"));
	rig_receive(&rig, &reply, fd, 1000);
	assert_int_equal(rig_status(&reply), 404);
	assert_true(reply.closed);
	close(fd);
	rig_stop(&rig);
}

/* Nothing more will be asked: answered early, while it waits in the daemon, and when it has been suspended. */
static void a_client_that_has_closed_its_half_is_answered(void **state)
{
	static const char parked[] = "GET /parked HTTP/1.1\r\n" H "\r\n", item[] = "GET /item/a HTTP/1.1\r\n" H "\r\n";
	static const unsigned waits[] = {1, 4, 30, 100};
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	for (size_t i = 0; i < 2 * sizeof(waits) / sizeof(waits[0]); i++) {
		int fd = rig_connect(&rig);
		rig.parked = NULL;
		rig_send(fd, parked, strlen(parked));
		if (i % 2)
			rig_turn(&rig, 1);
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		rig_turn(&rig, waits[i / 2]);
		assert_non_null(rig.parked);
		http_reply(rig.parked, 200, "text/plain", "later", 5);
		rig_receive(&rig, &reply, fd, 1000);
		assert_int_equal(rig_status(&reply), 200);
		assert_string_equal(rig_body(&reply), "later");
		assert_true(reply.closed);
		close(fd);
	}
	int fd = rig_connect(&rig);
	rig_send(fd, item, strlen(item));
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	rig_receive(&rig, &reply, fd, 1000);
	assert_int_equal(rig_status(&reply), 200);
	close(fd);
	rig_stop(&rig);
}

/* As single flight does: the answer must not wait for the tick. */
static void an_answer_given_within_another_request_leaves_at_once(void **state)
{
	static const char parked[] = "GET /parked HTTP/1.1\r\n" H "\r\n", unpark[] = "GET /unpark HTTP/1.1\r\n" H "\r\n";
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int waiting = rig_connect(&rig), other = rig_connect(&rig);
	rig_send(waiting, parked, strlen(parked));
	rig_turn(&rig, 10);
	rig_send(other, unpark, strlen(unpark));
	rig_receive_one(&rig, &reply, other);
	assert_string_equal(rig_body(&reply), "ok");
	rig_receive(&rig, &reply, waiting, 100);
	assert_string_equal(rig_body(&reply), "from another");
	close(waiting);
	close(other);
	rig_stop(&rig);
}

static void answer_line(struct rig *rig, size_t i)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "line %zu", i);
	http_reply(rig->line[i], 200, "text/plain", text, (size_t)len);
}

/* Some are answered in the moment in which they are not suspended yet, some are never suspended, most are. */
static void a_long_line_is_answered_in_any_order(void **state)
{
	enum { LINE = 300 };
	static const char line[] = "GET /line HTTP/1.1\r\n" H "\r\n";
	struct rig rig;
	int fds[LINE];
	(void)state;
	rig_start(&rig, NULL);
	for (unsigned round = 0; round < 3; round++) {
		rig.nline = 0;
		for (size_t i = 0; i < LINE; i++) {
			if (round == 0)
				fds[i] = rig_connect(&rig);
			rig_send(fds[i], line, strlen(line));
			while (rig.nline <= i)
				rig_turn(&rig, 1);
			if (i % 7 == 3)
				answer_line(&rig, i);
		}
		rig_turn(&rig, round == 1 ? 40 : 1);
		assert_int_equal(http_server_in_flight(rig.server), LINE - (LINE + 3) / 7);
		for (size_t i = LINE; i-- > 0;) {
			if (i % 7 != 3)
				answer_line(&rig, i);
		}
		for (size_t i = 0; i < LINE; i++) {
			char text[16];
			snprintf(text, sizeof(text), "line %zu", i);
			rig_receive_one(&rig, &reply, fds[i]);
			assert_int_equal(rig_status(&reply), 200);
			assert_string_equal(rig_body(&reply), text);
		}
		assert_int_equal(http_server_in_flight(rig.server), 0);
	}
	for (size_t i = 0; i < LINE; i++)
		close(fds[i]);
	rig_turn(&rig, 20);
	assert_int_equal(http_server_connections(rig.server), 0);
	rig_stop(&rig);
}

/* The answer's head is written behind the request's, in the same few KiB. Where it finds no room the connection ends, and nothing else
 * does: the daemon goes on with those that are left. */
static void a_head_that_leaves_no_room_ends_its_connection_alone(void **state)
{
	static const char line[] = "GET /line HTTP/1.1\r\n" H "\r\n";
	static char text[8300];
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int other = rig_connect(&rig);
	for (size_t size = 7700; size < 8200; size += 4) {
		size_t len = (size_t)snprintf(text, sizeof(text), "GET /line HTTP/1.1\r\n" H "X-Long: ");
		memset(text + len, 'x', size - 4 - len);
		memcpy(text + size - 4, "\r\n\r\n", 5);
		int fd = rig_connect(&rig);
		rig_send(fd, text, size);
		rig_turn(&rig, 1);
		if (rig.nline > 0)
			answer_line(&rig, 0);
		rig_turn(&rig, 2);
		close(fd);
		rig.nline = 0;
		rig_send(other, line, strlen(line));
		while (rig.nline == 0)
			rig_turn(&rig, 1);
		answer_line(&rig, 0);
		rig_receive_one(&rig, &reply, other);
		assert_int_equal(rig_status(&reply), 200);
		rig.nline = 0;
	}
	close(other);
	rig_stop(&rig);
}

/* Heads and bodies in pieces, and requests that are in the buffer already, go on while others wait. */
static void those_who_wait_hold_nobody_up(void **state)
{
	static const char line[] = "GET /line HTTP/1.1\r\n" H "\r\n", twice[] = "GET /ok HTTP/1.1\r\n" H "\r\nGET /ok HTTP/1.1\r\n" H "\r\n";
	static const char head[] = "PUT /echo HTTP/1.1\r\n" H "Content-Length: 60000\r\n\r\n";
	char piece[1000];
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int waiting = rig_connect(&rig), other = rig_connect(&rig);
	memset(piece, 'x', sizeof(piece));
	for (unsigned round = 0; round < 2; round++) {
		rig_send(waiting, line, strlen(line));
		rig_turn(&rig, round == 0 ? 1 : 40); /* not suspended, suspended */
		for (size_t i = 0; i < strlen(head); i += 7) {
			rig_send(other, head + i, strlen(head) - i < 7 ? strlen(head) - i : 7);
			rig_turn(&rig, 0);
		}
		for (unsigned i = 0; i < 60; i++)
			rig_send(other, piece, sizeof(piece));
		rig_receive_one(&rig, &reply, other);
		assert_int_equal(rig_status(&reply), 201);
		rig_send(other, twice, strlen(twice));
		rig_receive_one(&rig, &reply, other);
		assert_int_equal(rig_status(&reply), 200);
		if (rig_answers(&reply) < 2)
			rig_receive_one(&rig, &reply, other);
		assert_int_equal(rig_status(&reply), 200);
		answer_line(&rig, round);
		rig_receive_one(&rig, &reply, waiting);
		assert_int_equal(rig_status(&reply), 200);
	}
	/* the answer to one that has gone, before anybody knows */
	rig_send(waiting, line, strlen(line));
	rig_turn(&rig, 1);
	close(waiting);
	answer_line(&rig, 2);
	rig_turn(&rig, 20);
	assert_int_equal(http_server_connections(rig.server), 1);
	close(other);
	rig_stop(&rig);
}

static void the_deadline_answers_and_the_late_completion_is_harmless(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	ask(&rig, "GET /parked-briefly HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(rig_status(&reply), 503);
	assert_true(rig_has(&reply, "Retry-After: 1\r\n"));
	assert_true(rig_has(&reply, "/problems/deadline"));
	rig_turn(&rig, 20);
	/* The connection is gone, the handler's hold is not. */
	assert_int_equal(rig.freed, 0);
	assert_int_equal(http_server_in_flight(rig.server), 1);
	assert_true(http_answered(rig.parked));
	assert_null(http_header(rig.parked, "Host"));
	assert_string_equal(http_path(rig.parked), "/parked-briefly");
	http_set_header(rig.parked, "X-Late", "1");
	http_reply_take(rig.parked, 200, "text/plain", strdup("late"), 4, free);
	assert_int_equal(rig.freed, 1);
	assert_int_equal(http_server_in_flight(rig.server), 0);
	rig_stop(&rig);
}

static void a_request_outlives_its_server(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int fd = rig_connect(&rig);
	rig_send(fd, "GET /parked HTTP/1.1\r\n" H "\r\n", strlen("GET /parked HTTP/1.1\r\n" H "\r\n"));
	rig_turn(&rig, 10);
	http_server_free(rig.server);
	rig.server = NULL;
	assert_true(http_answered(rig.parked));
	http_reply_shared(rig.parked, rig.shared);
	assert_int_equal(rig.freed, 1);
	close(fd);
	rig_stop(&rig);
}

static void steps_run_in_order_and_stop_at_the_deadline(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int fd = rig_connect(&rig);
	rig_send(fd, "GET /steps HTTP/1.1\r\n" H "\r\n", strlen("GET /steps HTTP/1.1\r\n" H "\r\n"));
	rig_turn(&rig, 5);
	assert_int_equal(rig.steps_run, 2);
	http_next(rig.parked);
	rig_receive_one(&rig, &reply, fd);
	assert_string_equal(rig_body(&reply), "stepped");
	assert_int_equal(rig.steps_run, 4);
	rig_send(fd, "GET /steps HTTP/1.1\r\n" H "\r\n", strlen("GET /steps HTTP/1.1\r\n" H "\r\n"));
	rig_receive_one(&rig, &reply, fd);
	assert_int_equal(rig_status(&reply), 503);
	http_next(rig.parked);
	assert_int_equal(rig.steps_run, 6);
	assert_int_equal(http_server_in_flight(rig.server), 0);
	close(fd);
	ask(&rig, "GET /endless HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(rig_status(&reply), 500);
	assert_int_equal(http_server_in_flight(rig.server), 0);
	rig_stop(&rig);
}

static void waiting_requests_are_bounded(void **state)
{
	struct http_options options = {.fd = -1, .in_flight = 1};
	struct rig rig;
	(void)state;
	rig_start(&rig, &options);
	int fd = rig_connect(&rig);
	rig_send(fd, "GET /parked HTTP/1.1\r\n" H "\r\n", strlen("GET /parked HTTP/1.1\r\n" H "\r\n"));
	rig_turn(&rig, 10);
	ask(&rig, "GET /ok HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(rig_status(&reply), 503);
	assert_true(rig_has(&reply, "Retry-After: 1\r\n"));
	http_fail(rig.parked, -EAGAIN, NULL);
	rig_receive_one(&rig, &reply, fd);
	assert_int_equal(rig_status(&reply), 503);
	close(fd);
	rig_stop(&rig);
}

static void connections_are_bounded(void **state)
{
	struct http_options options = {.fd = -1, .connections = 2};
	struct rig rig;
	int fds[3];
	(void)state;
	rig_start(&rig, &options);
	for (int i = 0; i < 3; i++)
		fds[i] = rig_connect(&rig);
	rig_turn(&rig, 20);
	assert_int_equal(http_server_connections(rig.server), 2);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	rig_turn(&rig, 20);
	assert_int_equal(http_server_connections(rig.server), 0);
	rig_stop(&rig);
}

static void a_thousand_requests_use_one_connection(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int fd = rig_connect(&rig);
	for (int i = 0; i < 1000; i++) {
		rig_send(fd, "GET /ok HTTP/1.1\r\n" H "\r\n", strlen("GET /ok HTTP/1.1\r\n" H "\r\n"));
		rig_receive_one(&rig, &reply, fd);
		assert_int_equal(rig_status(&reply), 200);
	}
	assert_int_equal(rig.handled, 1000);
	assert_int_equal(http_server_connections(rig.server), 1);
	close(fd);
	rig_stop(&rig);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	static const char text[] =
		"GET /item/1 HTTP/1.1\r\n" H "\r\nGET /item/2 HTTP/1.1\r\n" H "\r\nGET /item/3 HTTP/1.1\r\n" H "\r\n";
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	rig_ask(&rig, &reply, text, sizeof(text) - 1);
	assert_int_equal(rig_answers(&reply), 3);
	const char *one = strstr(reply.bytes, "1|1|"), *two = strstr(reply.bytes, "2|2|"),
		   *three = strstr(reply.bytes, "3|3|");
	assert_true(one != NULL && two > one && three > two);
	rig_stop(&rig);
}

static void draining_answers_what_waits_and_closes(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int idle = rig_connect(&rig), busy = rig_connect(&rig);
	rig_send(busy, "GET /parked HTTP/1.1\r\n" H "\r\n", strlen("GET /parked HTTP/1.1\r\n" H "\r\n"));
	rig_turn(&rig, 10);
	http_server_drain(rig.server);
	rig_receive(&rig, &reply, idle, 100);
	assert_true(reply.closed);
	http_reply_shared(rig.parked, rig.shared);
	rig_receive(&rig, &reply, busy, 200);
	assert_int_equal(rig_status(&reply), 200);
	assert_true(rig_has(&reply, "Connection: close"));
	assert_true(rig_has(&reply, "X-Extra: yes\r\n"));
	assert_string_equal(rig_body(&reply), "{\"id\":1}");
	assert_true(reply.closed);
	close(idle);
	close(busy);
	rig_stop(&rig);
}

static void handlers_cannot_inject_headers(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	ask(&rig, "GET /headers HTTP/1.1\r\n" H "\r\n");
	assert_true(rig_has(&reply, "X-One: 1\r\n"));
	assert_false(rig_has(&reply, "Set-Cookie"));
	assert_true(rig_has(&reply, "Cache-Control: public, max-age=60\r\n"));
	assert_true(rig_has(&reply, "ETag: \"mine\"\r\n"));
	assert_string_equal(rig_body(&reply), "127.0.0.1");
	rig_stop(&rig);
}

static void unix_sockets_serve_and_live_ones_are_not_stolen(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct http_options options = {.local = true};
	struct stat st;
	struct rig rig;
	int second;
	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/kedge-test-%d.sock", (int)getpid());
	assert_int_equal(http_listen_unix(&options.fd, address.sun_path), 0);
	assert_int_equal(stat(address.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	rig_start(&rig, &options);
	assert_int_equal(http_server_port(rig.server), 0);
	assert_int_equal(http_listen_unix(&second, address.sun_path), -EADDRINUSE);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	rig_send(fd, "GET /headers HTTP/1.1\r\n" H "\r\n", strlen("GET /headers HTTP/1.1\r\n" H "\r\n"));
	rig_receive_one(&rig, &reply, fd);
	assert_string_equal(rig_body(&reply), "local");
	close(fd);
	rig_stop(&rig);
	/* Its owner gone, the file is taken over. */
	assert_int_equal(http_listen_unix(&second, address.sun_path), 0);
	close(second);
	unlink(address.sun_path);
}

static void addresses_are_numeric(void **state)
{
	int fd;
	(void)state;
	assert_int_equal(http_listen_tcp(&fd, "localhost", 0, false), -EINVAL);
	assert_int_equal(http_listen_tcp(&fd, "", 0, false), -EINVAL);
	assert_int_equal(http_listen_tcp(&fd, "192.0.2.1", 0, false), -EADDRNOTAVAIL);
	assert_int_equal(http_listen_unix(&fd, ""), -EINVAL);
	assert_int_equal(http_listen_tcp(&fd, "127.0.0.1", 0, true), 0);
	assert_int_not_equal(http_listen_port(fd), 0);
	int again;
	assert_int_equal(http_listen_tcp(&again, "127.0.0.1", http_listen_port(fd), true), 0);
	close(again);
	assert_int_equal(http_listen_tcp(&again, "127.0.0.1", http_listen_port(fd), false), -EADDRINUSE);
	close(fd);
}

static void the_metrics_page_counts_what_happened(void **state)
{
	struct metrics *metrics;
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	ask(&rig, "GET /metrics HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(rig_status(&reply), 503);
	assert_int_equal(metrics_new(&metrics, 1), 0);
	assert_int_equal(metrics_attach(metrics, 0), 0);
	ask(&rig, "GET /ok HTTP/1.1\r\n" H "\r\n");
	ask(&rig, "GET /fail HTTP/1.1\r\n" H "\r\n");
	ask(&rig, "GET /parked-briefly HTTP/1.1\r\n" H "\r\n");
	ask(&rig, "GET /ok HTTP/1.1\r\n" H H "\r\n");
	ask(&rig, "GET /metrics HTTP/1.1\r\n" H "\r\n");
	assert_true(rig_has(&reply, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_true(rig_has(&reply, "kedge_http_requests_total{code=\"2xx\"} 1\n"));
	assert_true(rig_has(&reply, "kedge_http_requests_total{code=\"4xx\"} 1\n"));
	assert_true(rig_has(&reply, "kedge_http_requests_total{code=\"5xx\"} 1\n"));
	assert_true(rig_has(&reply, "kedge_http_refused_total 1\n"));
	assert_true(rig_has(&reply, "kedge_http_deadline_total 1\n"));
	assert_true(rig_has(&reply, "kedge_http_connections 1\n"));
	assert_true(rig_has(&reply, "kedge_http_requests_in_flight 2\n")); /* the parked one and this one */
	http_fail(rig.parked, -EIO, NULL);
	rig_stop(&rig);
	metrics_free(metrics);
}

static void a_long_target_is_refused(void **state)
{
	static char text[12000];
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "GET /", 5);
	rig_ask(&rig, &reply, text, sizeof(text) - 1);
	assert_int_equal(rig_status(&reply), 414);
	assert_true(reply.closed);
	rig_stop(&rig);
}

static void one_address_may_be_bounded(void **state)
{
	struct http_options options = {.fd = -1, .connections_per_ip = 1};
	struct rig rig;
	(void)state;
	rig_start(&rig, &options);
	int first = rig_connect(&rig), second = rig_connect(&rig);
	rig_receive(&rig, &reply, second, 200);
	assert_true(reply.closed);
	assert_int_equal(http_server_connections(rig.server), 1);
	close(first);
	close(second);
	rig_stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_carry_cors_cache_and_etag),
		cmocka_unit_test(if_none_match_gives_304),
		cmocka_unit_test(what_may_not_be_stored_has_no_etag),
		cmocka_unit_test(etag_lists_are_read),
		cmocka_unit_test(shared_answers_serve_many_requests),
		cmocka_unit_test(head_options_and_405),
		cmocka_unit_test(parameters_and_queries_arrive_decoded),
		cmocka_unit_test(too_many_query_parameters_are_refused),
		cmocka_unit_test(bodies_over_the_cap_are_refused_before_they_come),
		cmocka_unit_test(who_still_sends_gets_its_answer),
		cmocka_unit_test(all_bodies_together_are_bounded),
		cmocka_unit_test(bodies_at_the_cap_and_in_pieces_arrive_whole),
		cmocka_unit_test(continue_is_sent_when_expected),
		cmocka_unit_test(chunked_bodies_over_the_cap_are_refused),
		cmocka_unit_test(slow_clients_are_cut_off),
		cmocka_unit_test(slow_readers_are_cut_off),
		cmocka_unit_test(a_client_may_vanish_while_its_request_waits),
		cmocka_unit_test(later_answers_reach_the_client),
		cmocka_unit_test(answers_to_a_head_alone_keep_the_connection),
		cmocka_unit_test(a_client_that_has_closed_its_half_is_answered),
		cmocka_unit_test(an_answer_given_within_another_request_leaves_at_once),
		cmocka_unit_test(a_long_line_is_answered_in_any_order),
		cmocka_unit_test(a_head_that_leaves_no_room_ends_its_connection_alone),
		cmocka_unit_test(those_who_wait_hold_nobody_up),
		cmocka_unit_test(the_deadline_answers_and_the_late_completion_is_harmless),
		cmocka_unit_test(a_request_outlives_its_server),
		cmocka_unit_test(steps_run_in_order_and_stop_at_the_deadline),
		cmocka_unit_test(waiting_requests_are_bounded),
		cmocka_unit_test(connections_are_bounded),
		cmocka_unit_test(a_thousand_requests_use_one_connection),
		cmocka_unit_test(pipelined_requests_are_answered_in_order),
		cmocka_unit_test(draining_answers_what_waits_and_closes),
		cmocka_unit_test(handlers_cannot_inject_headers),
		cmocka_unit_test(unix_sockets_serve_and_live_ones_are_not_stolen),
		cmocka_unit_test(addresses_are_numeric),
		cmocka_unit_test(the_metrics_page_counts_what_happened),
		cmocka_unit_test(a_long_target_is_refused),
		cmocka_unit_test(one_address_may_be_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
