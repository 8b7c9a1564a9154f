/* A real server and raw sockets in one thread: the client side turns the server's loop while it waits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/http/server.h"

struct event_base;

struct rig;

/* A stream that GET /stream began. */
struct rig_stream {
	struct rig *rig;
	struct http_stream *stream; /* NULL: another answer was given, or it has ended */
	unsigned drained, silent, ended;
	size_t fed;
};

enum { RIG_STREAMS_MAX = 1024, RIG_LINE_MAX = 512 };

struct rig {
	struct event_base *base;
	struct http_router *router;
	struct http_server *server;
	unsigned handled; /* calls of any handler */
	unsigned answered;
	struct http_request *parked;
	struct http_request *line[RIG_LINE_MAX]; /* of GET /line, in the order they came */
	size_t nline;
	struct http_response *shared;
	unsigned freed; /* http_defer() calls seen */
	unsigned steps_run;
	bool park_saw_answered;
	struct rig_stream *streams[RIG_STREAMS_MAX]; /* in the order they began */
	size_t nstreams;
	void (*on_drained)(struct rig_stream *stream); /* may be NULL */
	void (*on_silent)(struct rig_stream *stream);
};

/* Routes: see rig.c. Null options: defaults with short timeouts off. */
void rig_start(struct rig *rig, const struct http_options *options);
void rig_stop(struct rig *rig);
void rig_turn(struct rig *rig, unsigned ms);

/* Begins a stream as the handler of GET /stream does, for a request that waited. */
void rig_begin_stream(struct rig *rig, struct http_request *req);

int rig_connect(struct rig *rig);
void rig_send(int fd, const void *bytes, size_t len);

struct rig_reply {
	char bytes[65536];
	size_t len;
	bool closed;
};

/* Reads until the server closes, or quiet_ms pass without a byte. */
void rig_receive(struct rig *rig, struct rig_reply *reply, int fd, unsigned quiet_ms);
/* connect, send, receive, close */
void rig_ask(struct rig *rig, struct rig_reply *reply, const void *bytes, size_t len);
/* Reads one answer with Content-Length on a connection that stays open. */
void rig_receive_one(struct rig *rig, struct rig_reply *reply, int fd);

unsigned rig_status(const struct rig_reply *reply); /* 0: no answer */
unsigned rig_answers(const struct rig_reply *reply);
const char *rig_body(const struct rig_reply *reply);
/* The body of an answer without its chunks, for free(); *whole: the last chunk has come. Malformed framing fails the test. */
char *rig_unchunk(const char *bytes, size_t len, bool *whole);
bool rig_has(const struct rig_reply *reply, const char *text);
