/*
 * HTTP/1.1 for one process: libmicrohttpd nested in the caller's event_base (facts A.6). No threads; everything here,
 * callbacks included, runs on the thread that turns the base. Several servers (TCP, unix socket, metrics) may share one
 * base.
 *
 * Life of a request
 *
 *   1. The head is checked (policy.h) and routed (router.h); refusals are answered here and close the connection. The
 * body is read up to the route's cap.
 *   2. The route's handler is called once. It owns one hold on req and must give it up by exactly one answer:
 * http_reply*(), http_problem() or http_fail(), at once or later from any callback of the base. The answer may free
 * req: do not touch it afterwards.
 *   3. When nothing answered by the route's deadline the server itself answers 503 with Retry-After. req stays valid
 * for the handler's late callbacks: http_answered(req) is then true, reads work except http_header(), and the late
 * answer is dropped silently, giving up the hold. The same holds when the client has gone or the server was freed.
 *
 * Nothing is ever taken from the Host header.
 *
 * A stream is an answer without an end: see http_stream_begin() below.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/http/problem.h"
#include "gateway/http/router.h"

struct event_base;
struct http_buffer;
struct http_request;
struct http_response;
struct http_server;
struct http_stream;

struct http_options {
	int fd;	    /* a listening socket to take over, closed by the server: see http_listen_*() */
	bool local; /* unix socket: no per-IP limit, remote address is "local" */
	const struct http_router *router; /* borrowed */
	void *user;			  /* http_user() gives it to handlers */
	const char *public_url; /* without trailing slash, for problem types; borrowed. NULL: relative types */
	/* Zero means the default in brackets. */
	unsigned connections;	     /* [1000] */
	unsigned connections_per_ip; /* [no limit: behind a proxy all clients share one address] */
	size_t connection_memory;    /* bytes a connection, holds the request head [8192] */
	size_t body_cap;	     /* bytes, for POST and PUT; more is 413 [65536] */
	unsigned idle_ms;	     /* open connection without a complete request line [60000] */
	unsigned receive_ms;	     /* from the request line to the last byte of the body [30000] */
	unsigned deadline_ms;	     /* from the full request to its answer [10000] */
	unsigned send_ms, send_rate; /* an answer has to be taken within send_ms, and a second more for so many bytes [60000, 4096] */
	unsigned in_flight;	     /* requests waiting for their handlers; more are 503 [4096] */
	unsigned streams;	     /* open at once, beside the connections; more are 503 [1000] */
	unsigned stream_silence_ms;  /* after so long without a byte on_silent is called [15000] */
	unsigned stream_stall_ms;    /* a client that takes nothing of what waits for it is cut [30000] */
	size_t stream_queue;	     /* bytes that may wait for one client [262144] */
	/* Told after every answer that a route gave; may be NULL. microseconds from the full request. */
	void (*on_answered)(void *user, const struct http_route *route, unsigned status, uint64_t microseconds);
};

/* Listening sockets, non-blocking and close-on-exec. host is a numeric address ("127.0.0.1", "::"); port 0 takes a free
 * one; reuseport lets each worker have its own socket on the same port. A unix socket is bound with mode 0600 after a
 * stale one is removed (a live one: -EADDRINUSE). Return 0 or a negative errno. */
int http_listen_tcp(int *fd, const char *host, uint16_t port, bool reuseport) __attribute__((warn_unused_result));
int http_listen_unix(int *fd, const char *path) __attribute__((warn_unused_result));
/* The port of a listening TCP socket, 0 for others. */
uint16_t http_listen_port(int fd);

/* Returns 0, -EINVAL, -ENOMEM or -EIO. options is copied. On failure fd is still the caller's. */
int http_server_new(struct http_server **out, struct event_base *base, const struct http_options *options)
	__attribute__((warn_unused_result));
/* Stops accepting, closes each connection after its present answer, and ends each stream after what waits for it. */
void http_server_drain(struct http_server *server);
/* Requests whose handlers have not answered. */
unsigned http_server_in_flight(const struct http_server *server);
/* Open connections. */
unsigned http_server_connections(const struct http_server *server);
/* Open streams. */
unsigned http_server_streams(const struct http_server *server);
uint16_t http_server_port(const struct http_server *server);
/* Closes everything at once. Requests still held by handlers stay valid until they answer (into nothing). */
void http_server_free(struct http_server *server);

/* ── the request: pointers live as long as the hold ── */

void *http_user(const struct http_request *req);
const struct http_route *http_request_route(const struct http_request *req);
const char *http_method(const struct http_request *req);       /* "HEAD" stays "HEAD" */
const char *http_path(const struct http_request *req);	       /* raw, without query */
const char *http_query_string(const struct http_request *req); /* raw, without "?"; "" if none */
const char *http_remote(const struct http_request *req);       /* numeric address or "local" */
struct event_base *http_base(const struct http_request *req);

/* A {name} of the pattern, percent-decoded (NUL-terminated, valid UTF-8, no control bytes). Never NULL for a name in
 * the pattern. */
const char *http_param(const struct http_request *req, const char *name);
/* The same as it came, still percent-encoded. */
const char *http_param_raw(const struct http_request *req, const char *name);

/* A query parameter, decoded. Returns 0, -ENOENT (*value is NULL) or -EBADMSG: given more than once. */
int http_query(const struct http_request *req, const char **value, const char *name)
	__attribute__((warn_unused_result));

/* A header by case-insensitive name; the first if there are several. NULL: absent, or the request was answered already.
 */
const char *http_header(const struct http_request *req, const char *name);
/* The Accept of the request; several lines are one list (RFC 9110 section 5.3). NULL as above. */
const char *http_accept(struct http_request *req);

/* The body; len may be 0. Followed by a NUL that is not counted. */
const uint8_t *http_body(const struct http_request *req, size_t *len);
/* Whether Content-Type is this media type, parameters ignored. */
bool http_body_is(const struct http_request *req, const char *media_type);

/* Zeroed memory that lives as long as req, aligned for any type. NULL: out of memory. */
void *http_alloc(struct http_request *req, size_t size);
/* The handler's one state object: allocated and zeroed at the first call, the same pointer at every later one. */
void *http_state(struct http_request *req, size_t size);
/* Calls fn(arg) when req is freed, last registered first. Returns 0, or -ENOMEM after having called fn(arg) at once. */
int http_defer(struct http_request *req, void (*fn)(void *), void *arg) __attribute__((warn_unused_result));

/* Whether an answer is already on its way (deadline, client gone, server freed): expensive work may stop. */
bool http_answered(const struct http_request *req);

/* ── answers: exactly one; each gives up the hold ── */

/* Adds a header to the coming answer; the name is a literal, the value is copied. A NULL value or a control byte in it is
 * ignored with an error in the log. */
void http_set_header(struct http_request *req, const char *name, const char *value);
/* Overrides the route's Cache-Control for the coming answer; a text that lives as long as the request. */
void http_set_cache(struct http_request *req, const char *cache_control);
/* Sets a strong ETag of the caller's making (quotes included, e.g. "\"123\"") instead of the one from the body's
 * SHA-256. */
void http_set_etag(struct http_request *req, const char *etag);

/* Copies body. GET answers of status 200 that may be stored get an ETag, the first 16 bytes of the body's SHA-256, and become 304 on
 * If-None-Match. */
void http_reply(struct http_request *req, unsigned status, const char *content_type, const void *body, size_t len);
/* Takes body, which free_body(body) releases later (NULL: static storage). */
void http_reply_take(struct http_request *req, unsigned status, const char *content_type, void *body, size_t len,
		     void (*free_body)(void *));
/* Sends a shared answer; headers set on req before are ignored. If-None-Match is obeyed. */
void http_reply_shared(struct http_request *req, struct http_response *response);

/* An immutable answer for many requests (did.json, tiles, checkpoints): headers and bytes made once. Status 200. cache
 * is its Cache-Control. body is copied, and so are the headers' values; content_type, cache and the headers' names are literals.
 * headers: four extra pairs at most, NULL or ended by a NULL name. Returns NULL when out of memory. Starts with one reference. */
struct http_response *http_response_new(const char *content_type, const void *body, size_t len, const char *cache,
					const struct http_pair *headers);
struct http_response *http_response_ref(struct http_response *response);
void http_response_unref(struct http_response *response);
const char *http_response_etag(const struct http_response *response);

/* Strong entity tag of a representation, its type and its bytes (RFC 9110 §8.8.1: unique across all of a resource): quote, 32 hex digits of
 * the SHA-256 of type, NUL and bytes, quote, NUL. */
enum { HTTP_ETAG_MAX = 35 };
void http_etag(char out[static HTTP_ETAG_MAX], const char *content_type, const void *body, size_t len);
/* Whether an If-None-Match value holds etag or "*" (RFC 9110 §13.1.2, weak comparison). */
bool http_etag_matches(const char *if_none_match, const char *etag);

/* ── streams ──
 *
 * Answers that go on: server-sent events. libmicrohttpd sends the head; then the stream takes the socket from it
 * (stream.c says why), so an idle stream costs neither its buffers nor time of other requests.
 *
 * What is written waits in the stream until the client takes it. Buffers are shared: an event for five thousand clients
 * is one buffer that each refers to, framed once. What is written in one turn of the loop travels in one packet.
 */

/* Bytes that do not change, for any number of streams. len is not 0. NULL: out of memory. Starts with one reference. */
struct http_buffer *http_buffer_new(const void *bytes, size_t len);
struct http_buffer *http_buffer_ref(struct http_buffer *buffer);
void http_buffer_unref(struct http_buffer *buffer); /* NULL is fine */
/* How many bytes they are, without framing. */
size_t http_buffer_len(const struct http_buffer *buffer);

struct http_stream_options {
	const char *content_type;
	/* All that was written is with the client's socket: the moment to write more. Often called. May be NULL. */
	void (*on_drained)(void *arg);
	/* Nothing was sent for stream_silence_ms, and nothing waits: write what tells both sides that the other lives. May
	 * be NULL. */
	void (*on_silent)(void *arg);
	/* The stream is over: client gone or cut, http_stream_end() done, server freed. Called exactly once, never from
	 * within a function of this section; the stream is gone afterwards. */
	void (*on_ended)(void *arg);
	void *arg;
};

/*
 * Answers req with status 200 and a stream; gives up the hold as every answer does, so req is not the stream's. Headers
 * set before are sent with it, and no ETag. NULL: another answer was given (HEAD, which gets the head alone; 503 where
 * there are too many streams, or the server drains; the client is gone), and nothing of options is called.
 */
struct http_stream *http_stream_begin(struct http_request *req, const struct http_stream_options *options);
/*
 * Queues the buffer, of which it takes a reference. Returns 0; -EOVERFLOW: stream_queue would be exceeded by what waits
 * (a buffer larger than that is taken alone), and nothing was queued: write again from on_drained; -EPIPE: it is
 * ending; -ENOMEM.
 */
int http_stream_write(struct http_stream *stream, struct http_buffer *buffer) __attribute__((warn_unused_result));
/* Bytes that wait. */
size_t http_stream_waiting(const struct http_stream *stream);
/* Ends it in order once the client has taken what waits. */
void http_stream_end(struct http_stream *stream);

/* ── steps ──
 *
 * A handler as a table of steps (DESIGN §3): each step answers, or starts at most one operation whose completion
 * calls http_next(), or calls http_next() itself. Direct calls do not nest: the next step runs when the present one has
 * returned.
 *
 *   static http_handler *const get_agent[] = {parse_id, read_agent, write_agent, NULL};
 *   void route_agent(struct http_request *req) { http_steps(req, get_agent); }
 */
void http_steps(struct http_request *req, http_handler *const steps[]);
/* Runs the next step. When the request is already answered (deadline, client gone) it gives up the hold instead: no
 * step runs any more. Past the last step it answers 500. */
void http_next(struct http_request *req);
/* Jumps: the next http_next() runs steps[index]. */
void http_goto(struct http_request *req, size_t index);
