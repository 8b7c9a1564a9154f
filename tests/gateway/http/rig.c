#include "tests/gateway/http/rig.h"

#include "gateway/http/observe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct rig *rig_of(struct http_request *req)
{
	struct rig *rig = http_user(req);
	rig->handled++;
	return rig;
}

static void get_ok(struct http_request *req)
{
	rig_of(req);
	http_reply(req, 200, "text/plain", "ok", 2);
}

static void post_echo(struct http_request *req)
{
	size_t len;
	rig_of(req);
	const uint8_t *body = http_body(req, &len);
	http_reply(req, 201, http_body_is(req, "application/json") ? "application/json" : "text/plain", body, len);
}

static void get_item(struct http_request *req)
{
	char text[512];
	const char *q;
	int rc = http_query(req, &q, "q");
	rig_of(req);
	int n = snprintf(text, sizeof(text), "%s|%s|%s|%d", http_param(req, "id"), http_param_raw(req, "id"),
			 q ? q : "-", rc);
	http_reply(req, 200, "text/plain", text, (size_t)n);
}

static void get_tail(struct http_request *req)
{
	rig_of(req);
	const char *rest = http_param_raw(req, "rest");
	http_reply_take(req, 200, "text/plain", strdup(rest), strlen(rest), free);
}

static void count_freed(void *arg)
{
	((struct rig *)arg)->freed++;
}

static void get_parked(struct http_request *req)
{
	struct rig *rig = rig_of(req);
	rig->parked = req;
	assert_int_equal(http_defer(req, count_freed, rig), 0);
}

/* Answers the parked request, and then its own. */
static void get_unpark(struct http_request *req)
{
	struct rig *rig = rig_of(req);
	http_reply(rig->parked, 200, "text/plain", "from another", 12);
	http_reply(req, 200, "text/plain", "ok", 2);
}

static void get_shared(struct http_request *req)
{
	http_reply_shared(req, rig_of(req)->shared);
}

static void get_fail(struct http_request *req)
{
	rig_of(req);
	http_problem(req, &(struct http_problem){.type = "not-admitted",
						 .detail = "a \"quoted\" \x01 byte and \xff broken",
						 .pointer = "/a/b",
						 .rule = "rate"});
}

static void step_count(struct http_request *req)
{
	((struct rig *)http_user(req))->steps_run++;
	http_next(req);
}

static void get_line(struct http_request *req)
{
	struct rig *rig = rig_of(req);
	assert_true(rig->nline < RIG_LINE_MAX);
	rig->line[rig->nline++] = req;
}

static void step_park(struct http_request *req)
{
	((struct rig *)http_user(req))->parked = req;
}

static void step_answer(struct http_request *req)
{
	unsigned *state = http_state(req, sizeof(*state));
	((struct rig *)http_user(req))->steps_run++;
	if ((*state)++ == 0) {
		http_goto(req, 3);
		http_next(req);
		return;
	}
	http_reply(req, 200, "text/plain", "stepped", 7);
}

static void get_steps(struct http_request *req)
{
	static http_handler *const steps[] = {step_count, step_count, step_park, step_answer, NULL};
	rig_of(req);
	http_steps(req, steps);
}

static void get_endless(struct http_request *req)
{
	static http_handler *const steps[] = {step_count, NULL};
	rig_of(req);
	http_steps(req, steps);
}

static void get_headers(struct http_request *req)
{
	rig_of(req);
	http_set_header(req, "X-One", "1");
	http_set_header(req, "X-Bad", "a\r\nSet-Cookie: b");
	http_set_cache(req, "public, max-age=60");
	http_set_etag(req, "\"mine\"");
	http_reply(req, 200, "text/plain", http_remote(req), strlen(http_remote(req)));
}

static void on_drained(void *arg)
{
	struct rig_stream *stream = arg;
	stream->drained++;
	if (stream->rig->on_drained != NULL)
		stream->rig->on_drained(stream);
}

static void on_silent(void *arg)
{
	struct rig_stream *stream = arg;
	stream->silent++;
	if (stream->rig->on_silent != NULL)
		stream->rig->on_silent(stream);
}

static void on_ended(void *arg)
{
	struct rig_stream *stream = arg;
	stream->ended++;
	stream->stream = NULL;
}

void rig_begin_stream(struct rig *rig, struct http_request *req)
{
	struct rig_stream *stream = calloc(1, sizeof(*stream));
	assert_non_null(stream);
	assert_true(rig->nstreams < RIG_STREAMS_MAX);
	stream->rig = rig;
	stream->stream = http_stream_begin(req, &(struct http_stream_options){.content_type = "text/event-stream",
									      .on_drained = on_drained,
									      .on_silent = on_silent,
									      .on_ended = on_ended,
									      .arg = stream});
	rig->streams[rig->nstreams++] = stream;
}

static void get_stream(struct http_request *req)
{
	http_set_header(req, "X-Stream", "mine");
	rig_begin_stream(rig_of(req), req);
}

static const char *const item_query[] = {"q", "r", NULL};
static const struct http_route routes[] = {
	{.method = "GET", .pattern = "/ok", .handler = get_ok, .cache = "max-age=5"},
	{.method = "POST", .pattern = "/echo", .handler = post_echo, .body_cap = 1000},
	{.method = "PUT", .pattern = "/echo", .handler = post_echo},
	{.method = "POST", .pattern = "/question", .handler = post_echo, .body_cap = 1000, .cache = "no-store"},
	{.method = "GET", .pattern = "/item/{id}", .handler = get_item},
	{.method = "GET", .pattern = "/declared/{id}", .handler = get_item, .query = item_query},
	{.method = "GET", .pattern = "/tail/{rest*}", .handler = get_tail},
	{.method = "GET", .pattern = "/parked", .handler = get_parked},
	{.method = "GET", .pattern = "/line", .handler = get_line},
	{.method = "GET", .pattern = "/parked-briefly", .handler = get_parked, .deadline_ms = 60},
	{.method = "GET", .pattern = "/unpark", .handler = get_unpark},
	{.method = "GET", .pattern = "/shared", .handler = get_shared},
	{.method = "GET", .pattern = "/fail", .handler = get_fail},
	{.method = "GET", .pattern = "/steps", .handler = get_steps, .deadline_ms = 60},
	{.method = "GET", .pattern = "/endless", .handler = get_endless},
	{.method = "GET", .pattern = "/headers", .handler = get_headers},
	{.method = "GET", .pattern = "/stream", .handler = get_stream},
	{.method = "GET", .pattern = "/metrics", .handler = http_metrics_page},
	{.method = "GET", .pattern = "/problems", .handler = http_problem_list_page},
	{.method = "GET", .pattern = "/problems/{name}", .handler = http_problem_page},
};

static void on_answered(void *user, const struct http_route *route, unsigned status, uint64_t microseconds)
{
	assert_non_null(route);
	assert_true(status >= 200 && status < 600);
	assert_true(microseconds < 60000000);
	((struct rig *)user)->answered++;
	http_observe(user, route, status, microseconds);
}

void rig_start(struct rig *rig, const struct http_options *given)
{
	struct http_options options = given ? *given : (struct http_options){.fd = -1};
	*rig = (struct rig){0};
	rig->base = event_base_new();
	assert_non_null(rig->base);
	assert_int_equal(http_router_new(&rig->router, routes, sizeof(routes) / sizeof(routes[0])), 0);
	if (options.fd <= 0)
		assert_int_equal(http_listen_tcp(&options.fd, "127.0.0.1", 0, true), 0);
	options.router = rig->router;
	options.user = rig;
	options.public_url = "https://kedge.example";
	options.on_answered = on_answered;
	rig->shared = http_response_new("application/did+json", "{\"id\":1}", 8, "max-age=9",
					(const struct http_pair[]){{"X-Extra", "yes"}, {NULL, NULL}});
	assert_non_null(rig->shared);
	assert_int_equal(http_server_new(&rig->server, rig->base, &options), 0);
}

void rig_stop(struct rig *rig)
{
	http_server_free(rig->server);
	for (size_t i = 0; i < rig->nstreams; i++) {
		assert_null(rig->streams[i]->stream);
		free(rig->streams[i]);
	}
	http_response_unref(rig->shared);
	http_router_free(rig->router);
	event_base_free(rig->base);
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void rig_turn(struct rig *rig, unsigned ms)
{
	int64_t end = now_ms() + ms;
	do {
		event_base_loop(rig->base, EVLOOP_NONBLOCK);
		usleep(200);
	} while (now_ms() < end);
}

int rig_connect(struct rig *rig)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(http_server_port(rig->server))};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

void rig_send(int fd, const void *bytes, size_t len)
{
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void take(struct rig_reply *reply, int fd)
{
	ssize_t n = recv(fd, reply->bytes + reply->len, sizeof(reply->bytes) - 1 - reply->len, 0);
	if (n > 0)
		reply->len += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		reply->closed = true;
	reply->bytes[reply->len] = '\0';
}

void rig_receive(struct rig *rig, struct rig_reply *reply, int fd, unsigned quiet_ms)
{
	int64_t last = now_ms();
	reply->len = 0;
	reply->closed = false;
	while (!reply->closed && now_ms() < last + quiet_ms) {
		size_t before = reply->len;
		event_base_loop(rig->base, EVLOOP_NONBLOCK);
		take(reply, fd);
		if (reply->len > before)
			last = now_ms();
		else
			usleep(100);
	}
}

static bool is_whole(const struct rig_reply *reply)
{
	const char *length = strcasestr(reply->bytes, "\r\nContent-Length: ");
	const char *end = strstr(reply->bytes, "\r\n\r\n");
	if (end == NULL)
		return false;
	return length == NULL || reply->len >= (size_t)(end + 4 - reply->bytes) + strtoul(length + 18, NULL, 10);
}

void rig_receive_one(struct rig *rig, struct rig_reply *reply, int fd)
{
	int64_t end = now_ms() + 5000;
	reply->len = 0;
	reply->closed = false;
	reply->bytes[0] = '\0';
	while (!reply->closed && !is_whole(reply) && now_ms() < end) {
		event_base_loop(rig->base, EVLOOP_NONBLOCK);
		take(reply, fd);
	}
}

void rig_ask(struct rig *rig, struct rig_reply *reply, const void *bytes, size_t len)
{
	int fd = rig_connect(rig);
	rig_send(fd, bytes, len);
	rig_receive(rig, reply, fd, 150);
	close(fd);
	rig_turn(rig, 2);
}

unsigned rig_status(const struct rig_reply *reply)
{
	return reply->len > 12 && strncmp(reply->bytes, "HTTP/1.", 7) == 0
		       ? (unsigned)strtoul(reply->bytes + 9, NULL, 10)
		       : 0;
}

/* The refusals of libmicrohttpd 0.9.75's own parser carry their head twice, with "Connection: close": still one answer.
 */
static size_t doubled_head(const struct rig_reply *reply)
{
	const char *end = strstr(reply->bytes, "\r\n\r\n");
	size_t len = end ? (size_t)(end + 4 - reply->bytes) : 0;
	bool doubled = len > 0 && reply->len >= 2 * len && memcmp(reply->bytes, reply->bytes + len, len) == 0;
	return doubled && rig_has(reply, "Connection: close") && !rig_has(reply, "problem+json") ? len : 0;
}

unsigned rig_answers(const struct rig_reply *reply)
{
	unsigned n = 0;
	for (const char *at = reply->bytes + doubled_head(reply); (at = strstr(at, "HTTP/1.")) != NULL; at++)
		n += at[8] == ' ' && at[9] >= '1' && at[9] <= '5'; /* a status line, not prose */
	return n;
}

const char *rig_body(const struct rig_reply *reply)
{
	const char *end = strstr(reply->bytes, "\r\n\r\n");
	return end ? end + 4 : "";
}

char *rig_unchunk(const char *bytes, size_t len, bool *whole)
{
	char *out = malloc(len + 1);
	const char *at = strstr(bytes, "\r\n\r\n");
	size_t n = 0;
	*whole = false;
	assert_non_null(out);
	assert_non_null(at);
	for (at += 4; at < bytes + len && !*whole;) {
		char *end;
		size_t size = strtoul(at, &end, 16);
		if (strncmp(end, "\r\n", 2) != 0 || (size_t)(bytes + len - end) < size + 4)
			break; /* cut in the middle of a chunk */
		memcpy(out + n, end + 2, size);
		n += size;
		assert_memory_equal(end + 2 + size, "\r\n", 2);
		at = end + 4 + size;
		*whole = size == 0;
	}
	out[n] = '\0';
	return out;
}

bool rig_has(const struct rig_reply *reply, const char *text)
{
	return strstr(reply->bytes, text) != NULL;
}
