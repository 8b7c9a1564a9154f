/* Shapes shared by the files of this folder only. */
#pragma once

#include <event2/event_struct.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/uio.h>

#include "gateway/http/policy.h"
#include "gateway/http/server.h"

/* One open connection, so that slow senders can be found. */
struct http_conn {
	LIST_ENTRY(http_conn) link;
	struct MHD_Connection *mhd;
	int fd;
	bool busy;	/* between a request line and the end of its answer */
	uint64_t run;	/* of the daemon, in which the newest request line came */
	int64_t due_ms; /* when it is shut down unless something happens; 0: never */
	char remote[48];
};

struct http_server {
	struct event_base *base;
	struct http_options options;
	struct MHD_Daemon *daemon;
	struct event *readable; /* the daemon's epoll descriptor */
	struct event *again;	/* the daemon has buffered work: next turn of the loop */
	struct event *tick;
	struct event *flush; /* streams have something to send: next turn of the loop */
	bool running, draining;
	bool busy;	/* this run moved something that the next will move on */
	uint64_t run;
	int64_t now_ms; /* of this run */
	unsigned connections, held_count, stream_count;
	unsigned waiting; /* requests that wait without being suspended */
	uint16_t port;
	LIST_HEAD(, http_conn) conns;
	LIST_HEAD(, http_request) held; /* requests whose handlers owe an answer */
	LIST_HEAD(, http_stream) streams;
	LIST_HEAD(, http_linger) lingers;
	unsigned linger_count;
	TAILQ_HEAD(http_unflushed, http_stream) unflushed;
};

struct http_chunk {
	struct http_chunk *next;
	max_align_t bytes[];
};

struct http_deferred {
	struct http_deferred *next;
	void (*fn)(void *);
	void *arg;
};

struct http_extra {
	struct http_extra *next;
	const char *name;
	char value[];
};

enum http_stage { HTTP_STAGE_HEAD, HTTP_STAGE_BODY, HTTP_STAGE_DISPATCHED, HTTP_STAGE_DONE };

struct http_request {
	LIST_ENTRY(http_request) held_link;
	unsigned refs; /* one of the connection, one of the handler */
	bool unread; /* answered by the head alone: more may come, and the connection ends */
	bool held, waits, suspended, answered, close, chunked, reads, too_large, http10, has_body;
	enum http_stage stage;
	struct http_server *server;  /* NULL once it was freed */
	struct MHD_Connection *conn; /* NULL once it has gone */
	struct http_conn *slot;
	void *user;
	struct event_base *base;
	const char *public_url;

	char *target; /* as on the request line */
	char *path, *query_string;
	char method[8];
	char remote[48];
	struct http_match match;
	const char *params[HTTP_PARAMS_MAX], *params_raw[HTTP_PARAMS_MAX];
	struct http_pair *query;
	size_t query_count;

	uint8_t *body;
	size_t body_len, body_room, body_cap;
	bool no_room; /* the process holds HTTP_BODIES_MAX bytes of bodies already */

	struct MHD_Response *answer; /* waits for the connection to fetch it */
	struct http_response *shared;
	struct http_stream *stream; /* until it has taken the socket */
	unsigned answer_status;
	size_t answer_len;
	uint64_t full_us; /* when the whole request was here */
	uint64_t run;	  /* of the daemon, in which its first line came */
	int64_t wait_until_ms; /* while it waits: when it is suspended */
	struct event deadline;

	struct http_extra *extras;
	const char *cache, *etag;
	struct http_deferred *deferred;
	void *state;
	http_handler *const *steps;
	size_t step;
	bool stepping, step_due;

	struct http_chunk *chunks;
	size_t first_used;
	max_align_t first[64]; /* most requests need no more */
};

/* Bytes of request bodies held by this process, so that many slow uploads together cannot take all memory. */
enum { HTTP_BODIES_MAX = 256 << 20 };
extern size_t http_bodies;

enum { HTTP_SHARED_HEADERS = 4 };
struct http_response {
	unsigned refs;
	bool asked;
	size_t len;
	const char *content_type, *cache;
	char etag[HTTP_ETAG_MAX];
	struct http_pair headers[HTTP_SHARED_HEADERS];
	struct MHD_Response *full, *not_modified; /* NULL until asked for again */
	uint8_t bytes[];			  /* the body, then what headers points to */
};

uint64_t http_now_us(void);
int64_t http_now_ms(void);

/* request.c */
/* At least HTTP_BLOCK bytes, uninitialised; NULL: out of memory. NULL may be freed. */
enum { HTTP_BLOCK = 3008 };
void *http_block_new(void);
void http_block_free(void *bytes);
struct http_request *http_request_new(struct http_server *server, struct http_conn *slot, const char *target);
void http_request_unref(struct http_request *req);
/* Gives up the handler's hold. */
void http_request_release(struct http_request *req);
char *http_request_copy(struct http_request *req, const char *text, size_t len);

/* head.c: checks and routes the head. Returns true when the body may come; else an answer was set. */
bool http_head_take(struct http_request *req, const char *method, const char *version);

/* reply.c */
/* Sets the answer without touching the hold; takes response. A later one is dropped. */
void http_answer_set(struct http_request *req, unsigned status, struct MHD_Response *response);
/* A problem as the answer, without touching the hold. */
void http_answer_problem(struct http_request *req, const struct http_problem *problem);
/* Hands the answer to the connection. */
enum MHD_Result http_answer_queue(struct http_request *req);

/* stream_queue.c */
/* What waits for a client; zeroed is empty. */
struct http_queue {
	bool plain; /* HTTP/1.0: without chunks */
	struct http_buffer **places; /* a ring of `room` of them, a power of two */
	size_t room, first, count;
	size_t waiting; /* bytes without framing; a buffer counts until all of it was taken */
	size_t sent;	/* of the first buffer, as it goes over the wire */
};
bool http_queue_push(struct http_queue *queue, struct http_buffer *buffer); /* takes a reference; false: out of memory */
size_t http_queue_gather(const struct http_queue *queue, struct iovec pieces[], size_t max);
void http_queue_took(struct http_queue *queue, size_t bytes);
void http_queue_clear(struct http_queue *queue);
struct http_buffer *http_buffer_last(void);

/* stream.c */
int http_streams_init(struct http_server *server);
void http_streams_tick(struct http_server *server, int64_t now);
void http_streams_drain(struct http_server *server);
/* After the daemon was stopped. */
void http_streams_free(struct http_server *server);
/* The request is over: a stream that has not taken the socket by now never will. */
void http_stream_lost(struct http_request *req);

/* linger.c */
/* All is sent and the connection is to be closed, but the client may still be sending. fd is this function's from now on; below 0:
 * there is none. */
void http_linger(struct http_server *server, int fd);
void http_lingers_tick(struct http_server *server, int64_t now);
/* After the daemon was stopped. */
void http_lingers_free(struct http_server *server);

/* server.c */
void http_wait_no_more(struct http_request *req);
void http_server_kick(struct http_server *server);
