/* Streams, seen from raw sockets: what comes, in which frame, and what happens when a client is slow, silent or gone. */
#include <arpa/inet.h>
#include <dirent.h>
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/http/internal.h"
#include "gateway/runtime/metrics.h"
#include "tests/gateway/http/rig.h"

#define H "Host: a.example\r\n"
#define GET_STREAM "GET /stream HTTP/1.1\r\n" H "\r\n"

static struct rig_reply reply;

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A client whose kernel keeps little for it, so that slowness shows. */
static int connect_small(struct rig *rig)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(http_server_port(rig->server))};
	const int bytes = 16384;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static int open_stream(struct rig *rig)
{
	int fd = connect_small(rig);
	size_t before = rig->nstreams;
	rig_send(fd, GET_STREAM, strlen(GET_STREAM));
	for (int i = 0; i < 200 && rig->nstreams == before; i++)
		rig_turn(rig, 1);
	assert_int_equal(rig->nstreams, before + 1);
	rig_turn(rig, 3);
	return fd;
}

static void write_text(struct rig_stream *stream, const char *text)
{
	struct http_buffer *buffer = http_buffer_new(text, strlen(text));
	assert_non_null(buffer);
	assert_int_equal(http_stream_write(stream->stream, buffer), 0);
	http_buffer_unref(buffer);
}

/* ---- a client that reads everything ---- */

struct sink {
	int fd;
	char *bytes;
	size_t len, room;
	bool closed, reset;
};

static void sink_take(struct sink *sink)
{
	if (sink->room - sink->len < 65536) {
		sink->room = sink->room * 2 + 131072;
		sink->bytes = realloc(sink->bytes, sink->room);
		assert_non_null(sink->bytes);
	}
	ssize_t n = recv(sink->fd, sink->bytes + sink->len, 65535, 0);
	if (n > 0)
		sink->len += (size_t)n;
	sink->reset = sink->reset || (n < 0 && errno == ECONNRESET);
	sink->closed = sink->closed || n == 0 || sink->reset;
	sink->bytes[sink->len] = '\0';
}

static void sink_free(struct sink *sink)
{
	free(sink->bytes);
	close(sink->fd);
}

static char *body_of(bool *whole)
{
	return rig_unchunk(reply.bytes, reply.len, whole);
}

/* ---- tests ---- */

static void the_head_says_what_it_is(void **state)
{
	struct rig rig;
	bool whole;
	(void)state;
	rig_start(&rig, NULL);
	int fd = open_stream(&rig);
	/* The head is not held back until there is an event. */
	rig_receive(&rig, &reply, fd, 50);
	assert_int_equal(rig_status(&reply), 200);
	assert_true(rig_has(&reply, "Content-Type: text/event-stream\r\n"));
	assert_true(rig_has(&reply, "Cache-Control: no-store\r\n"));
	assert_true(rig_has(&reply, "Access-Control-Allow-Origin: *\r\n"));
	assert_true(rig_has(&reply, "X-Accel-Buffering: no\r\n"));
	assert_true(rig_has(&reply, "X-Content-Type-Options: nosniff\r\n"));
	assert_true(rig_has(&reply, "X-Stream: mine\r\n"));
	assert_true(rig_has(&reply, "Transfer-Encoding: chunked\r\n"));
	assert_true(rig_has(&reply, "Connection: close\r\n"));
	assert_false(rig_has(&reply, "\r\nETag:"));
	assert_false(rig_has(&reply, "Content-Length"));
	assert_false(reply.closed);
	/* It is neither a waiting request nor a connection of libmicrohttpd any more. */
	assert_int_equal(http_server_in_flight(rig.server), 0);
	assert_int_equal(http_server_connections(rig.server), 0);
	assert_int_equal(http_server_streams(rig.server), 1);
	assert_int_equal(rig.answered, 1);
	write_text(rig.streams[0], "data: a\n\n");
	write_text(rig.streams[0], "data: b\n\n");
	rig_receive(&rig, &reply, fd, 50);
	assert_string_equal(reply.bytes, "9\r\ndata: a\n\n\r\n9\r\ndata: b\n\n\r\n");
	write_text(rig.streams[0], "data: c\n\n");
	http_stream_end(rig.streams[0]->stream);
	struct http_buffer *late = http_buffer_new("x", 1);
	assert_int_equal(http_stream_write(rig.streams[0]->stream, late), -EPIPE);
	http_buffer_unref(late);
	http_stream_end(rig.streams[0]->stream);
	assert_int_equal(rig.streams[0]->ended, 0); /* not from within */
	rig_receive(&rig, &reply, fd, 100);
	assert_string_equal(reply.bytes, "9\r\ndata: c\n\n\r\n0\r\n\r\n");
	assert_true(reply.closed);
	assert_int_equal(rig.streams[0]->ended, 1);
	close(fd);
	rig_turn(&rig, 5);
	assert_int_equal(http_server_streams(rig.server), 0);
	/* All of it once more, in one: what was written before the head was sent comes after it. */
	fd = rig_connect(&rig);
	rig_send(fd, "GET /parked HTTP/1.1\r\n" H "\r\n", strlen("GET /parked HTTP/1.1\r\n" H "\r\n"));
	rig_turn(&rig, 10);
	rig_begin_stream(&rig, rig.parked);
	write_text(rig.streams[1], "first");
	http_stream_end(rig.streams[1]->stream);
	rig_receive(&rig, &reply, fd, 100);
	char *body = body_of(&whole);
	assert_string_equal(body, "first");
	assert_true(whole);
	free(body);
	close(fd);
	rig_stop(&rig);
}

static void http10_gets_the_bytes_alone(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int fd = rig_connect(&rig);
	rig_send(fd, "GET /stream HTTP/1.0\r\n\r\n", strlen("GET /stream HTTP/1.0\r\n\r\n"));
	rig_turn(&rig, 10);
	assert_int_equal(rig.nstreams, 1);
	for (int i = 0; i < 3; i++)
		write_text(rig.streams[0], "data: a\n\n");
	rig_turn(&rig, 5);
	write_text(rig.streams[0], "data: b\n\n");
	http_stream_end(rig.streams[0]->stream);
	rig_receive(&rig, &reply, fd, 100);
	assert_int_equal(rig_status(&reply), 200);
	assert_false(rig_has(&reply, "chunked"));
	assert_string_equal(rig_body(&reply), "data: a\n\ndata: a\n\ndata: a\n\ndata: b\n\n");
	assert_true(reply.closed);
	close(fd);
	rig_stop(&rig);
}

static void head_and_options_begin_no_stream(void **state)
{
	static const char head[] = "HEAD /stream HTTP/1.1\r\n" H "\r\n";
	static const char preflight[] = "OPTIONS /stream HTTP/1.1\r\n" H "Origin: https://x\r\n"
					"Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: last-event-id\r\n\r\n";
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int fd = rig_connect(&rig);
	rig_send(fd, head, strlen(head));
	rig_receive(&rig, &reply, fd, 50);
	assert_int_equal(rig_status(&reply), 200);
	assert_true(rig_has(&reply, "Content-Type: text/event-stream\r\n"));
	assert_true(rig_has(&reply, "Cache-Control: no-store\r\n"));
	assert_string_equal(rig_body(&reply), "");
	assert_null(rig.streams[0]->stream);
	assert_true(reply.closed);
	close(fd);
	fd = rig_connect(&rig);
	rig_send(fd, preflight, strlen(preflight));
	rig_receive_one(&rig, &reply, fd);
	assert_int_equal(rig_status(&reply), 204);
	assert_true(rig_has(&reply, "Access-Control-Allow-Headers: Accept, Content-Type, If-None-Match, Last-Event-ID\r\n"));
	assert_true(rig_has(&reply, "Allow: GET, HEAD, OPTIONS\r\n"));
	assert_int_equal(http_server_streams(rig.server), 0);
	assert_int_equal(rig.streams[0]->ended, 0);
	close(fd);
	rig_stop(&rig);
}

static void beat(struct rig_stream *stream)
{
	write_text(stream, ":\n\n");
}

static void a_quiet_stream_outlives_every_limit(void **state)
{
	struct http_options options = {.fd = -1, .idle_ms = 80, .receive_ms = 80, .deadline_ms = 80, .stream_silence_ms = 120,
				       .stream_stall_ms = 80};
	struct rig rig;
	(void)state;
	rig_start(&rig, &options);
	rig.on_silent = beat;
	int fd = open_stream(&rig);
	int idle = rig_connect(&rig);
	rig_turn(&rig, 900);
	rig_receive(&rig, &reply, idle, 20);
	assert_true(reply.closed); /* the limits do work */
	rig_receive(&rig, &reply, fd, 20);
	assert_false(reply.closed);
	assert_true(rig_has(&reply, "3\r\n:\n\n\r\n3\r\n:\n\n\r\n"));
	/* About one in each 120 ms, and none while there is something else to say. */
	assert_in_range(rig.streams[0]->silent, 4, 8);
	unsigned before = rig.streams[0]->silent;
	for (int i = 0; i < 10; i++) {
		write_text(rig.streams[0], "e");
		rig_turn(&rig, 40);
	}
	assert_in_range(rig.streams[0]->silent, before, before + 1);
	close(idle);
	close(fd);
	rig_turn(&rig, 10);
	assert_int_equal(rig.streams[0]->ended, 1);
	rig_stop(&rig);
}

static void one_buffer_serves_many(void **state)
{
	enum { CLIENTS = 300, EVENTS = 40 };
	static struct sink sinks[CLIENTS];
	struct rig rig;
	char expected[EVENTS * 24] = "";
	(void)state;
	rig_start(&rig, NULL);
	for (int i = 0; i < CLIENTS; i++)
		sinks[i] = (struct sink){.fd = open_stream(&rig)};
	assert_int_equal(http_server_streams(rig.server), CLIENTS);
	for (int e = 0; e < EVENTS; e++) {
		char text[24];
		int n = snprintf(text, sizeof(text), "data: %d\n\n", e);
		struct http_buffer *buffer = http_buffer_new(text, (size_t)n);
		strcat(expected, text);
		for (int i = 0; i < CLIENTS; i++)
			assert_int_equal(http_stream_write(rig.streams[i]->stream, buffer), 0);
		http_buffer_unref(buffer); /* the streams hold what they need */
		if (e % 7 == 0)
			rig_turn(&rig, 1);
	}
	for (int i = 0; i < CLIENTS; i++)
		http_stream_end(rig.streams[i]->stream);
	for (int i = 0; i < CLIENTS; i++) {
		bool whole;
		for (int64_t end = now_ms() + 5000; !sinks[i].closed && now_ms() < end;) {
			event_base_loop(rig.base, EVLOOP_NONBLOCK);
			sink_take(&sinks[i]);
		}
		char *body = rig_unchunk(sinks[i].bytes, sinks[i].len, &whole);
		assert_true(whole);
		assert_string_equal(body, expected);
		free(body);
		sink_free(&sinks[i]);
		assert_int_equal(rig.streams[i]->ended, 1);
	}
	rig_turn(&rig, 5);
	assert_int_equal(http_server_streams(rig.server), 0);
	rig_stop(&rig);
}

/* A producer that writes when it may: as the pages of a log are. */
enum { FEED_EVENTS = 30000 };

static void feed(struct rig_stream *stream)
{
	for (int rc = 0; rc == 0 && stream->fed < FEED_EVENTS;) {
		char text[128];
		int n = snprintf(text, sizeof(text), "id: %zu\ndata: %-64zu\n\n", stream->fed + 1, stream->fed);
		struct http_buffer *buffer = http_buffer_new(text, (size_t)n);
		rc = http_stream_write(stream->stream, buffer);
		http_buffer_unref(buffer);
		assert_true(rc == 0 || rc == -EOVERFLOW);
		stream->fed += rc == 0;
	}
	if (stream->fed == FEED_EVENTS)
		http_stream_end(stream->stream);
}

static void thousands_of_events_arrive_in_order_at_the_pace_of_the_reader(void **state)
{
	struct http_options options = {.fd = -1, .stream_queue = 20000};
	struct rig rig;
	bool whole;
	(void)state;
	rig_start(&rig, &options);
	rig.on_drained = feed;
	struct sink sink = {.fd = rig_connect(&rig)};
	rig_send(sink.fd, GET_STREAM, strlen(GET_STREAM));
	for (int64_t end = now_ms() + 20000; !sink.closed && now_ms() < end;) {
		event_base_loop(rig.base, EVLOOP_NONBLOCK);
		if (rig.nstreams > 0 && rig.streams[0]->stream != NULL)
			assert_true(http_stream_waiting(rig.streams[0]->stream) <= 20000);
		sink_take(&sink);
	}
	char *body = rig_unchunk(sink.bytes, sink.len, &whole);
	assert_true(whole);
	char *at = body;
	for (size_t i = 0; i < FEED_EVENTS; i++) {
		char text[128];
		size_t n = (size_t)snprintf(text, sizeof(text), "id: %zu\ndata: %-64zu\n\n", i + 1, i);
		assert_memory_equal(at, text, n);
		at += n;
	}
	assert_string_equal(at, "");
	assert_true(rig.streams[0]->drained > 100);
	free(body);
	sink_free(&sink);
	rig_stop(&rig);
}

/* Fills the stream until the client takes no more: bytes that were accepted. */
static size_t fill(struct rig *rig, struct rig_stream *stream)
{
	char text[1000];
	size_t total = 0;
	bool full = false;
	memset(text, 'x', sizeof(text));
	struct http_buffer *buffer = http_buffer_new(text, sizeof(text));
	while (!full) {
		size_t before = total;
		int rc;
		while ((rc = http_stream_write(stream->stream, buffer)) == 0)
			total += sizeof(text);
		assert_int_equal(rc, -EOVERFLOW);
		full = total == before;
		assert_true(total < 1 << 20); /* the kernel's share is bounded too */
		rig_turn(rig, 20);
	}
	http_buffer_unref(buffer);
	return total;
}

static void a_slow_reader_holds_a_bounded_queue(void **state)
{
	struct http_options options = {.fd = -1, .stream_queue = 50000};
	struct rig rig;
	bool whole;
	(void)state;
	rig_start(&rig, &options);
	struct sink sink = {.fd = open_stream(&rig)};
	size_t total = fill(&rig, rig.streams[0]);
	assert_in_range(http_stream_waiting(rig.streams[0]->stream), 49000, 50000);
	/* One buffer larger than the queue is taken when nothing waits, and only then. */
	char *large = calloc(1, 60000);
	memset(large, 'y', 60000);
	struct http_buffer *buffer = http_buffer_new(large, 60000);
	assert_int_equal(http_stream_write(rig.streams[0]->stream, buffer), -EOVERFLOW);
	unsigned drained = rig.streams[0]->drained;
	for (int i = 0; i < 500 && http_stream_waiting(rig.streams[0]->stream) > 0; i++) {
		sink_take(&sink);
		rig_turn(&rig, 1);
	}
	assert_true(rig.streams[0]->drained > drained);
	assert_int_equal(http_stream_write(rig.streams[0]->stream, buffer), 0);
	http_buffer_unref(buffer);
	free(large);
	http_stream_end(rig.streams[0]->stream);
	for (int64_t end = now_ms() + 5000; !sink.closed && now_ms() < end; rig_turn(&rig, 0))
		sink_take(&sink);
	char *body = rig_unchunk(sink.bytes, sink.len, &whole);
	assert_true(whole);
	assert_int_equal(strlen(body), total + 60000);
	assert_int_equal(strspn(body, "x"), total);
	free(body);
	sink_free(&sink);
	rig_stop(&rig);
}

static void a_client_that_takes_nothing_is_cut(void **state)
{
	struct http_options options = {.fd = -1, .stream_queue = 50000, .stream_stall_ms = 300};
	struct metrics *metrics;
	struct rig rig;
	(void)state;
	assert_int_equal(metrics_new(&metrics, 1), 0);
	assert_int_equal(metrics_attach(metrics, 0), 0);
	rig_start(&rig, &options);
	struct sink stuck = {.fd = open_stream(&rig)}, slow = {.fd = open_stream(&rig)};
	fill(&rig, rig.streams[0]);
	fill(&rig, rig.streams[1]);
	assert_int_equal(metrics_read(metrics, METRIC_STREAMS), 2);
	/* One of them takes a little now and then. */
	for (int i = 0; i < 30; i++) {
		rig_turn(&rig, 30);
		sink_take(&slow);
		if (rig.streams[1]->stream != NULL && http_stream_waiting(rig.streams[1]->stream) < 20000)
			fill(&rig, rig.streams[1]);
	}
	assert_int_equal(rig.streams[0]->ended, 1);
	assert_int_equal(rig.streams[1]->ended, 0);
	assert_int_equal(metrics_read(metrics, METRIC_STREAMS_CUT), 1);
	assert_int_equal(metrics_read(metrics, METRIC_STREAMS), 1);
	for (int i = 0; i < 300 && !stuck.closed; i++)
		sink_take(&stuck);
	assert_true(stuck.reset);
	sink_free(&stuck);
	sink_free(&slow);
	rig_turn(&rig, 10);
	assert_int_equal(rig.streams[1]->ended, 1);
	assert_int_equal(metrics_read(metrics, METRIC_STREAMS_CUT), 1);
	rig_stop(&rig);
	metrics_free(metrics);
}

static void go(int fd, bool reset)
{
	struct linger hard = {.l_onoff = 1};
	if (reset)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
	close(fd);
}

static size_t descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t n = 0;
	assert_non_null(folder);
	while (readdir(folder) != NULL)
		n++;
	closedir(folder);
	return n;
}

/* How far a stream is when its client goes, or its server is freed. */
enum point { ASKED, BEGUN, QUIET, WRITTEN, FULL, ENDING, LINGERING, POINTS };

static int come_to(struct rig *rig, enum point point)
{
	static const char parked[] = "GET /parked HTTP/1.1\r\n" H "\r\n";
	int fd = connect_small(rig);
	if (point == BEGUN) { /* libmicrohttpd has not sent the head yet */
		rig_send(fd, parked, strlen(parked));
		rig_turn(rig, 10);
		rig_begin_stream(rig, rig->parked);
		assert_non_null(rig->streams[0]->stream);
		return fd;
	}
	rig_send(fd, GET_STREAM, strlen(GET_STREAM));
	if (point == ASKED)
		return fd;
	rig_turn(rig, 10);
	if (point == WRITTEN)
		write_text(rig->streams[0], "data: x\n\n");
	if (point == FULL || point == ENDING)
		fill(rig, rig->streams[0]);
	if (point == ENDING || point == LINGERING)
		http_stream_end(rig->streams[0]->stream);
	if (point == LINGERING) {
		rig_turn(rig, 10);
		assert_int_equal(rig->streams[0]->ended, 1);
		assert_int_equal(http_server_streams(rig->server), 1);
	}
	return fd;
}

static void clients_may_go_at_any_point(void **state)
{
	struct http_options options = {.fd = -1, .stream_queue = 50000};
	size_t before = descriptors();
	(void)state;
	for (enum point point = ASKED; point < POINTS; point++) {
		for (int reset = 0; reset < 2; reset++) {
			struct rig rig;
			rig_start(&rig, &options);
			go(come_to(&rig, point), reset);
			for (int i = 0; i < 500 && (http_server_streams(rig.server) > 0 || rig.nstreams == 0); i++)
				rig_turn(&rig, 2);
			if (rig.nstreams == 1) {
				assert_int_equal(rig.streams[0]->ended, 1);
				assert_null(rig.streams[0]->stream);
			}
			assert_int_equal(http_server_streams(rig.server), 0);
			rig_turn(&rig, 5);
			assert_int_equal(http_server_connections(rig.server), 0);
			rig_stop(&rig);
			assert_int_equal(descriptors(), before);
		}
	}
}

static void the_server_may_be_freed_at_any_point(void **state)
{
	struct http_options options = {.fd = -1, .stream_queue = 50000};
	size_t before = descriptors();
	(void)state;
	for (enum point point = ASKED; point < POINTS; point++) {
		struct rig rig;
		rig_start(&rig, &options);
		int fd = come_to(&rig, point);
		http_server_free(rig.server);
		rig.server = NULL;
		if (point != ASKED)
			assert_int_equal(rig.streams[0]->ended, 1);
		close(fd);
		rig_stop(&rig);
		assert_int_equal(descriptors(), before);
	}
}

static void half_of_a_connection_is_none(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int fd = open_stream(&rig);
	shutdown(fd, SHUT_WR);
	rig_turn(&rig, 10);
	assert_int_equal(rig.streams[0]->ended, 1);
	close(fd);
	rig_stop(&rig);
}

static void what_a_client_says_after_its_request_is_ignored_or_cut(void **state)
{
	static const char two[] = GET_STREAM "GET /ok HTTP/1.1\r\n" H "\r\n";
	static char noise[4096];
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int fd = rig_connect(&rig);
	rig_send(fd, two, strlen(two));
	rig_turn(&rig, 10);
	rig_send(fd, "GET /ok HTTP/1.1\r\n" H "\r\n", strlen("GET /ok HTTP/1.1\r\n" H "\r\n"));
	rig_receive(&rig, &reply, fd, 50);
	assert_int_equal(rig_answers(&reply), 1);
	assert_int_equal(rig.handled, 1);
	assert_int_equal(rig.streams[0]->ended, 0);
	for (int i = 0; i < 40 && rig.streams[0]->ended == 0; i++) {
		assert_true(send(fd, noise, sizeof(noise), MSG_NOSIGNAL) > 0);
		rig_turn(&rig, 1);
	}
	assert_int_equal(rig.streams[0]->ended, 1);
	close(fd);
	/* With much input unread at our end, the end is still one in order. */
	fd = open_stream(&rig);
	write_text(rig.streams[1], "last words");
	http_stream_end(rig.streams[1]->stream);
	rig_send(fd, noise, sizeof(noise));
	rig_receive(&rig, &reply, fd, 100);
	assert_true(rig_has(&reply, "last words\r\n0\r\n\r\n"));
	assert_true(reply.closed);
	close(fd);
	rig_stop(&rig);
}

static void streams_are_bounded(void **state)
{
	struct http_options options = {.fd = -1, .streams = 2, .connections = 3};
	struct metrics *metrics;
	struct rig rig;
	(void)state;
	assert_int_equal(metrics_new(&metrics, 1), 0);
	assert_int_equal(metrics_attach(metrics, 0), 0);
	rig_start(&rig, &options);
	int first = open_stream(&rig), second = open_stream(&rig);
	int third = open_stream(&rig);
	assert_null(rig.streams[2]->stream);
	rig_receive(&rig, &reply, third, 50);
	assert_int_equal(rig_status(&reply), 503);
	assert_true(rig_has(&reply, "Retry-After: 5\r\n"));
	assert_true(rig_has(&reply, "too many streams"));
	assert_int_equal(metrics_read(metrics, METRIC_STREAMS_REFUSED), 1);
	/* Other requests are served: streams take no place among the connections. */
	rig_send(third, "GET /ok HTTP/1.1\r\n" H "\r\n", strlen("GET /ok HTTP/1.1\r\n" H "\r\n"));
	rig_receive_one(&rig, &reply, third);
	assert_int_equal(rig_status(&reply), 200);
	close(first);
	rig_turn(&rig, 10);
	close(third);
	third = open_stream(&rig);
	assert_non_null(rig.streams[3]->stream);
	close(second);
	close(third);
	rig_stop(&rig);
	metrics_free(metrics);
}

static void draining_ends_streams_after_what_waits(void **state)
{
	struct rig rig;
	bool whole;
	(void)state;
	rig_start(&rig, NULL);
	int quiet = open_stream(&rig), talking = open_stream(&rig), kept = rig_connect(&rig);
	rig_send(kept, "GET /parked HTTP/1.1\r\n" H "\r\n", strlen("GET /parked HTTP/1.1\r\n" H "\r\n"));
	rig_turn(&rig, 10);
	write_text(rig.streams[1], "data: last\n\n");
	http_server_drain(rig.server);
	rig_receive(&rig, &reply, talking, 100);
	char *body = body_of(&whole);
	assert_string_equal(body, "data: last\n\n");
	assert_true(whole);
	assert_true(reply.closed);
	free(body);
	rig_receive(&rig, &reply, quiet, 100);
	assert_true(rig_has(&reply, "\r\n\r\n0\r\n\r\n"));
	assert_true(reply.closed);
	/* A request that waited comes too late for a stream. */
	rig_begin_stream(&rig, rig.parked);
	assert_null(rig.streams[2]->stream);
	rig_receive(&rig, &reply, kept, 100);
	assert_int_equal(rig_status(&reply), 503);
	close(quiet);
	close(talking);
	close(kept);
	rig_turn(&rig, 10);
	assert_int_equal(http_server_streams(rig.server), 0);
	rig_stop(&rig);
}

static void a_stream_may_begin_later_or_too_late(void **state)
{
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int fd = rig_connect(&rig);
	rig_send(fd, "GET /parked HTTP/1.1\r\n" H "\r\n", strlen("GET /parked HTTP/1.1\r\n" H "\r\n"));
	rig_turn(&rig, 10);
	rig_begin_stream(&rig, rig.parked);
	assert_non_null(rig.streams[0]->stream);
	write_text(rig.streams[0], "data: x\n\n");
	rig_receive(&rig, &reply, fd, 50);
	assert_true(rig_has(&reply, "9\r\ndata: x\n\n\r\n"));
	assert_int_equal(rig.freed, 1); /* the request is not kept for the stream's life */
	close(fd);
	/* answered by the deadline */
	fd = rig_connect(&rig);
	rig_send(fd, "GET /parked-briefly HTTP/1.1\r\n" H "\r\n", strlen("GET /parked-briefly HTTP/1.1\r\n" H "\r\n"));
	rig_receive_one(&rig, &reply, fd);
	assert_int_equal(rig_status(&reply), 503);
	rig_begin_stream(&rig, rig.parked);
	assert_null(rig.streams[1]->stream);
	close(fd);
	/* the client is gone */
	fd = rig_connect(&rig);
	rig_send(fd, "GET /parked HTTP/1.1\r\n" H "\r\n", strlen("GET /parked HTTP/1.1\r\n" H "\r\n"));
	rig_turn(&rig, 10);
	go(fd, true);
	rig_turn(&rig, 5);
	rig_begin_stream(&rig, rig.parked);
	rig_turn(&rig, 20);
	assert_null(rig.streams[2]->stream);
	/* the server is gone */
	fd = rig_connect(&rig);
	rig_send(fd, "GET /parked HTTP/1.1\r\n" H "\r\n", strlen("GET /parked HTTP/1.1\r\n" H "\r\n"));
	rig_turn(&rig, 10);
	http_server_free(rig.server);
	rig.server = NULL;
	rig_begin_stream(&rig, rig.parked);
	assert_null(rig.streams[3]->stream);
	close(fd);
	rig_stop(&rig);
}

static void without_descriptors_there_is_no_stream(void **state)
{
	struct rlimit limit, low;
	struct rig rig;
	(void)state;
	rig_start(&rig, NULL);
	int fd = rig_connect(&rig);
	rig_turn(&rig, 10);
	rig_send(fd, GET_STREAM, strlen(GET_STREAM));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	rig_turn(&rig, 20);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(rig.streams[0]->ended, 1);
	rig_receive(&rig, &reply, fd, 50);
	assert_true(reply.closed);
	close(fd);
	/* and the server goes on */
	fd = open_stream(&rig);
	assert_non_null(rig.streams[1]->stream);
	close(fd);
	rig_stop(&rig);
}

static void unix_sockets_carry_streams_too(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct http_options options = {.local = true};
	struct rig rig;
	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/kedge-stream-%d.sock", (int)getpid());
	assert_int_equal(http_listen_unix(&options.fd, address.sun_path), 0);
	rig_start(&rig, &options);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	rig_send(fd, GET_STREAM, strlen(GET_STREAM));
	rig_turn(&rig, 10);
	write_text(rig.streams[0], "data: x\n\n");
	rig_receive(&rig, &reply, fd, 50);
	assert_true(rig_has(&reply, "9\r\ndata: x\n\n\r\n"));
	close(fd);
	rig_turn(&rig, 10);
	assert_int_equal(rig.streams[0]->ended, 1);
	rig_stop(&rig);
	unlink(address.sun_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_head_says_what_it_is),
		cmocka_unit_test(http10_gets_the_bytes_alone),
		cmocka_unit_test(head_and_options_begin_no_stream),
		cmocka_unit_test(a_quiet_stream_outlives_every_limit),
		cmocka_unit_test(one_buffer_serves_many),
		cmocka_unit_test(thousands_of_events_arrive_in_order_at_the_pace_of_the_reader),
		cmocka_unit_test(a_slow_reader_holds_a_bounded_queue),
		cmocka_unit_test(a_client_that_takes_nothing_is_cut),
		cmocka_unit_test(clients_may_go_at_any_point),
		cmocka_unit_test(the_server_may_be_freed_at_any_point),
		cmocka_unit_test(half_of_a_connection_is_none),
		cmocka_unit_test(what_a_client_says_after_its_request_is_ignored_or_cut),
		cmocka_unit_test(streams_are_bounded),
		cmocka_unit_test(draining_ends_streams_after_what_waits),
		cmocka_unit_test(a_stream_may_begin_later_or_too_late),
		cmocka_unit_test(without_descriptors_there_is_no_stream),
		cmocka_unit_test(unix_sockets_carry_streams_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
