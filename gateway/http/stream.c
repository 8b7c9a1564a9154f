/*
 * Streams take the socket from libmicrohttpd once it has sent the head. Its own way, a content reader that suspends the
 * connection while there is nothing to send, was measured first: it looks through all suspended connections whenever
 * any one is resumed, so 5,000 idle streams made every request that waits for the database more than ten times as dear
 * (docs/performance.md), and each held a connection, its pool and a request. Here an idle stream is one object and one
 * registered descriptor, a delivery is one sendmsg(), and a client that goes is noticed at once.
 *
 * Taking: inside the content reader the connection is suspended, so that its descriptor leaves the daemon's epoll set;
 * the descriptor is duplicated; and a socket that leads nowhere is put in the place of the original, which
 * libmicrohttpd then closes like any other. libmicrohttpd keeps no other reference to the client's socket.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/http/internal.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

enum {
	PIECES_MAX = 64,	     /* buffers in one sendmsg() */
	FLUSH_STREAMS = 256,	     /* streams sent to in one turn of the loop: other requests come in between */
	FLUSH_BYTES = 262144,	     /* to one of them */
	KERNEL_BYTES = 65536,	     /* what the kernel may hold for a client; it would hold megabytes */
	SILENT_PEER_MS = 60000,	     /* unacknowledged data: the peer vanished without a word */
	INPUT_MAX = 65536,	     /* bytes a client may say after its request */
	LINGER_MS = 2000,	     /* from our end to the client's */
	REFUSED_RETRY_S = 5,
};

enum stage { STAGE_HEAD, STAGE_LIVE, STAGE_LINGER };

struct http_stream {
	LIST_ENTRY(http_stream) link;
	TAILQ_ENTRY(http_stream) flush_link;
	struct http_server *server;
	struct http_stream_options options;
	enum stage stage;
	int fd;
	bool unflushed, flushing, ending;
	struct event readable, writable;
	struct http_queue queue;
	size_t input;
	int64_t moved_ms; /* when the client last took something, or something began to wait for it */
	int64_t due_ms;	  /* STAGE_LINGER: when it is closed anyway */
};

static void unflush(struct http_stream *stream)
{
	static const struct timeval at_once = {0, 0};
	if (stream->stage != STAGE_LIVE || stream->unflushed || stream->flushing ||
	    event_pending(&stream->writable, EV_WRITE, NULL))
		return;
	stream->unflushed = true;
	TAILQ_INSERT_TAIL(&stream->server->unflushed, stream, flush_link);
	event_add(stream->server->flush, &at_once);
}

/* ---- its end ---- */

static void close_socket(struct http_stream *stream, bool reset)
{
	/* Of a client that takes nothing the kernel would keep what it holds for minutes. */
	const struct linger hard = {.l_onoff = 1};
	if (stream->fd < 0)
		return;
	event_del(&stream->readable);
	event_del(&stream->writable);
	if (reset)
		setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(stream->fd);
	stream->fd = -1;
}

static void tell_ended(struct http_stream *stream)
{
	void (*on_ended)(void *) = stream->options.on_ended;
	stream->options.on_ended = NULL;
	stream->options.on_drained = stream->options.on_silent = NULL;
	stream->ending = true;
	if (on_ended != NULL)
		on_ended(stream->options.arg);
}

static void destroy(struct http_stream *stream, bool reset)
{
	tell_ended(stream);
	close_socket(stream, reset);
	http_queue_clear(&stream->queue);
	if (stream->unflushed)
		TAILQ_REMOVE(&stream->server->unflushed, stream, flush_link);
	LIST_REMOVE(stream, link);
	stream->server->stream_count--;
	metrics_sub(METRIC_STREAMS, 1);
	free(stream);
}

/* All is sent: our half is closed, and the client's awaited, because a close with its bytes unread would be a reset that
 * overtakes ours. */
static void linger(struct http_stream *stream)
{
	stream->stage = STAGE_LINGER;
	stream->due_ms = http_now_ms() + LINGER_MS;
	shutdown(stream->fd, SHUT_WR);
	tell_ended(stream);
}

/* ---- sending ---- */

/* Returns bytes sent, 0 when the client takes no more, or a negative errno. */
static ssize_t send_some(struct http_stream *stream)
{
	struct iovec pieces[PIECES_MAX];
	struct msghdr message = {.msg_iov = pieces, .msg_iovlen = http_queue_gather(&stream->queue, pieces, PIECES_MAX)};
	ssize_t n;
	do
		n = sendmsg(stream->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
	http_queue_took(&stream->queue, (size_t)n);
	stream->moved_ms = http_now_ms();
	return n;
}

/* Returns 1 when there is more for the next turn, 0 when nothing waits or the client takes no more, or a negative errno. */
static int send_all(struct http_stream *stream)
{
	for (size_t total = 0; total < FLUSH_BYTES;) {
		if (stream->queue.count == 0 && stream->options.on_drained != NULL && !stream->ending)
			stream->options.on_drained(stream->options.arg);
		if (stream->queue.count == 0)
			return 0;
		ssize_t n = send_some(stream);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return event_add(&stream->writable, NULL) == 0 ? 0 : -ENOMEM;
		total += (size_t)n;
	}
	return 1;
}

/* The stream may be gone afterwards. */
static void flush(struct http_stream *stream)
{
	stream->flushing = true;
	int rc = send_all(stream);
	stream->flushing = false;
	if (rc < 0)
		destroy(stream, false);
	else if (stream->queue.count == 0 && stream->ending)
		linger(stream);
	else if (rc > 0)
		unflush(stream);
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval at_once = {0, 0};
	struct http_server *server = arg;
	struct http_stream *stream, *last = TAILQ_LAST(&server->unflushed, http_unflushed);
	(void)fd;
	(void)what;
	/* Not those that come back to the list meanwhile. */
	for (size_t i = 0; i < FLUSH_STREAMS && (stream = TAILQ_FIRST(&server->unflushed)) != NULL; i++) {
		bool end = stream == last;
		stream->unflushed = false;
		TAILQ_REMOVE(&server->unflushed, stream, flush_link);
		flush(stream);
		if (end)
			break;
	}
	if (!TAILQ_EMPTY(&server->unflushed))
		event_add(server->flush, &at_once);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

/* After its request a client has nothing to say; the end of its half means that it has gone. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct http_stream *stream = arg;
	char scratch[4096];
	ssize_t n = recv(fd, scratch, sizeof(scratch), MSG_DONTWAIT);
	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && (stream->input += (size_t)n) <= INPUT_MAX)
		return;
	destroy(stream, n > 0);
}

/* ---- taking the socket ---- */

static void set_up_socket(int fd)
{
	const int off = 0, on = 1, bytes = KERNEL_BYTES, ms = SILENT_PEER_MS;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	/* Those of TCP fail on a unix socket, which does not need them. The first two send a head that waits for more. */
	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof(off));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

static int take_socket(struct http_stream *stream, struct http_request *req)
{
	int own = fcntl(req->slot->fd, F_DUPFD_CLOEXEC, 0);
	int nowhere = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc = own < 0 || nowhere < 0 ? -errno : 0;
	if (rc == 0) {
		MHD_suspend_connection(req->conn);
		if (dup3(nowhere, req->slot->fd, O_CLOEXEC) < 0)
			rc = -errno;
		MHD_resume_connection(req->conn);
	}
	if (nowhere >= 0)
		close(nowhere);
	if (rc != 0 && own >= 0)
		close(own);
	if (rc == 0)
		stream->fd = own;
	return rc;
}

static bool start(struct http_stream *stream)
{
	struct event_base *base = stream->server->base;
	set_up_socket(stream->fd);
	event_assign(&stream->readable, base, stream->fd, EV_READ | EV_PERSIST, on_readable, stream);
	event_assign(&stream->writable, base, stream->fd, EV_WRITE, on_writable, stream);
	if (event_add(&stream->readable, NULL) != 0)
		return false;
	stream->stage = STAGE_LIVE;
	stream->moved_ms = http_now_ms();
	unflush(stream);
	return true;
}

/* The content reader: called when the head has been sent, and once more, to be told that it is over. */
static ssize_t on_head_sent(void *cls, uint64_t position, char *out, size_t room)
{
	struct http_request *req = cls;
	struct http_stream *stream = req->stream;
	(void)position;
	(void)out;
	(void)room;
	if (stream == NULL)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	int rc = take_socket(stream, req);
	http_server_kick(stream->server); /* to close what is left, soon */
	if (rc != 0) {
		log_error(log_msg("a stream could not take its socket"), log_rc(rc));
		return MHD_CONTENT_READER_END_WITH_ERROR; /* http_stream_lost() follows */
	}
	req->stream = NULL;
	if (!start(stream))
		destroy(stream, true);
	return 0;
}

void http_stream_lost(struct http_request *req)
{
	struct http_stream *stream = req->stream;
	req->stream = NULL;
	destroy(stream, false);
}

/* ---- what handlers call ---- */

static struct http_stream *stream_new(struct http_request *req, const struct http_stream_options *options)
{
	struct http_server *server = req->server;
	struct http_stream *stream = calloc(1, sizeof(*stream));
	if (stream == NULL)
		return NULL;
	stream->server = server;
	stream->options = *options;
	stream->fd = -1;
	stream->queue.plain = req->http10;
	LIST_INSERT_HEAD(&server->streams, stream, link);
	server->stream_count++;
	metrics_add(METRIC_STREAMS, 1);
	return stream;
}

static struct MHD_Response *make_head(struct http_request *req, const char *content_type)
{
	struct MHD_Response *head =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 128, on_head_sent, req, NULL);
	if (head == NULL)
		return NULL;
	/* libmicrohttpd 0.9.75 sends the last chunk of an answer without length to HEAD too: then without chunks. */
	if (strcmp(req->method, "HEAD") == 0 &&
	    MHD_set_response_options(head, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END) != MHD_YES) {
		MHD_destroy_response(head);
		return NULL;
	}
	if (MHD_add_response_header(head, MHD_HTTP_HEADER_CONTENT_TYPE, content_type) != MHD_YES ||
	    /* nginx would collect events until its buffer is full */
	    MHD_add_response_header(head, "X-Accel-Buffering", "no") != MHD_YES) {
		MHD_destroy_response(head);
		return NULL;
	}
	return head;
}

static bool refuse(struct http_request *req)
{
	struct http_server *server = req->server;
	if (server->stream_count < server->options.streams && !server->draining)
		return false;
	metrics_add(METRIC_STREAMS_REFUSED, 1);
	http_answer_problem(req, &(struct http_problem){.type = "busy",
							.detail = "too many streams are open",
							.retry_after = REFUSED_RETRY_S});
	return true;
}

struct http_stream *http_stream_begin(struct http_request *req, const struct http_stream_options *options)
{
	struct http_stream *stream = NULL;
	if (!http_answered(req) && !refuse(req)) {
		struct MHD_Response *head = make_head(req, options->content_type);
		bool head_only = strcmp(req->method, "HEAD") == 0;
		if (head != NULL && !head_only)
			req->stream = stream = stream_new(req, options);
		if (head == NULL || (stream == NULL && !head_only)) {
			if (head != NULL)
				MHD_destroy_response(head);
			http_answer_problem(req, &(struct http_problem){.error = -ENOMEM});
		} else {
			req->close = req->close || !head_only;
			http_answer_set(req, 200, head);
		}
	}
	http_request_release(req);
	return stream;
}

int http_stream_write(struct http_stream *stream, struct http_buffer *buffer)
{
	if (stream->ending)
		return -EPIPE;
	if (stream->queue.count > 0 && stream->queue.waiting + http_buffer_len(buffer) > stream->server->options.stream_queue)
		return -EOVERFLOW;
	if (stream->queue.count == 0)
		stream->moved_ms = http_now_ms();
	if (!http_queue_push(&stream->queue, buffer))
		return -ENOMEM;
	unflush(stream);
	return 0;
}

size_t http_stream_waiting(const struct http_stream *stream)
{
	return stream->queue.waiting;
}

void http_stream_end(struct http_stream *stream)
{
	if (stream->ending)
		return;
	/* Without the last chunk, for want of memory, the client sees a broken end after what it got. */
	struct http_buffer *last = stream->queue.plain ? NULL : http_buffer_last();
	if (last != NULL)
		(void)http_queue_push(&stream->queue, last);
	http_buffer_unref(last);
	stream->ending = true;
	unflush(stream);
}

/* ---- what the server calls ---- */

int http_streams_init(struct http_server *server)
{
	LIST_INIT(&server->streams);
	TAILQ_INIT(&server->unflushed);
	server->flush = event_new(server->base, -1, 0, on_flush, server);
	return server->flush != NULL ? 0 : -ENOMEM;
}

static bool is_over(struct http_stream *stream, int64_t now)
{
	if (stream->stage == STAGE_LINGER)
		return now >= stream->due_ms;
	if (stream->stage == STAGE_HEAD || stream->queue.count == 0 ||
	    now - stream->moved_ms < stream->server->options.stream_stall_ms)
		return false;
	metrics_add(METRIC_STREAMS_CUT, 1);
	return true;
}

void http_streams_tick(struct http_server *server, int64_t now)
{
	struct http_stream *stream, *next;
	for (stream = LIST_FIRST(&server->streams); stream != NULL; stream = next) {
		next = LIST_NEXT(stream, link);
		if (is_over(stream, now))
			destroy(stream, true);
		else if (stream->stage == STAGE_LIVE && stream->queue.count == 0 && stream->options.on_silent != NULL &&
			 now - stream->moved_ms >= server->options.stream_silence_ms)
			stream->options.on_silent(stream->options.arg);
	}
}

void http_streams_drain(struct http_server *server)
{
	struct http_stream *stream;
	LIST_FOREACH(stream, &server->streams, link)
		http_stream_end(stream);
}

void http_streams_free(struct http_server *server)
{
	struct http_stream *stream, *next;
	for (stream = LIST_FIRST(&server->streams); stream != NULL; stream = next) {
		next = LIST_NEXT(stream, link);
		destroy(stream, false);
	}
}
