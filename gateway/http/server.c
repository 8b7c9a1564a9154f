/*
 * libmicrohttpd nested in the caller's loop: its epoll descriptor is one event, a timer of zero stands for work it has
 * buffered, and a tick finds connections that are too slow. libmicrohttpd's own timeout restarts with every byte, so a
 * client that sends one byte a minute would stay for ever; the tick measures from the start instead.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "gateway/http/internal.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

enum { POOL_INCREMENT = 1024, CHUNKED_SLACK = 65536 };
/* A request whose answer is not there at once stays with the daemon for a moment before it is suspended, which costs it two
 * epoll_ctl() and a recv() more: as many as WAITING_MAX, since every run asks each of them again, for WAIT_MS, and while there are
 * any the daemon's word that it has work left is looked at every NEAR_MS. */
enum { WAITING_MAX = 64, WAIT_MS = 6, NEAR_MS = 2 };

uint64_t http_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int64_t http_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What waited and is queued in one run is sent in the next. */
static void run_daemon(struct http_server *server)
{
	static const struct timeval at_once = {0, 0}, soon = {0, 1000L * NEAR_MS};
	MHD_UNSIGNED_LONG_LONG timeout;
	server->running = true;
	server->now_ms = http_now_ms();
	server->run++;
	server->busy = false;
	MHD_run(server->daemon);
	if (server->busy) {
		server->run++;
		server->busy = false;
		MHD_run(server->daemon);
	}
	server->running = false;
	/* The daemon counts those that wait as work, too. */
	if (MHD_get_timeout(server->daemon, &timeout) == MHD_YES && timeout == 0)
		event_add(server->again, server->busy || server->waiting == 0 ? &at_once : &soon);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	run_daemon(arg);
}

void http_server_kick(struct http_server *server)
{
	static const struct timeval at_once = {0, 0};
	if (!server->running) {
		event_active(server->readable, EV_READ, 0);
		return;
	}
	/* MHD_get_timeout() does not see a connection that was resumed inside MHD_run(). */
	server->busy = true;
	event_add(server->again, &at_once);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *server = arg;
	int64_t now = http_now_ms();
	struct http_conn *conn;
	(void)fd;
	(void)what;
	LIST_FOREACH(conn, &server->conns, link)
	{
		if (conn->due_ms != 0 && now >= conn->due_ms) {
			shutdown(conn->fd, SHUT_RDWR);
			conn->due_ms = 0;
		}
	}
	http_streams_tick(server, now);
	http_lingers_tick(server, now);
	run_daemon(server);
}

static void name_remote(struct http_conn *conn, bool local)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	snprintf(conn->remote, sizeof(conn->remote), "local");
	if (local || info == NULL || info->client_addr == NULL)
		return;
	struct sockaddr_storage address = {0};
	if (info->client_addr->sa_family == AF_INET) {
		memcpy(&address, info->client_addr, sizeof(struct sockaddr_in));
		inet_ntop(AF_INET, &((struct sockaddr_in *)&address)->sin_addr, conn->remote, sizeof(conn->remote));
	} else if (info->client_addr->sa_family == AF_INET6) {
		memcpy(&address, info->client_addr, sizeof(struct sockaddr_in6));
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&address)->sin6_addr, conn->remote, sizeof(conn->remote));
	}
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http_server *server = cls;
	struct http_conn *conn = *context;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (conn == NULL)
			return;
		LIST_REMOVE(conn, link);
		server->connections--;
		metrics_sub(METRIC_HTTP_CONNECTIONS, 1);
		free(conn);
		*context = NULL;
		return;
	}
	conn = calloc(1, sizeof(*conn));
	*context = conn;
	if (conn == NULL)
		return;
	conn->mhd = mhd;
	conn->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	conn->due_ms = http_now_ms() + server->options.idle_ms;
	name_remote(conn, server->options.local);
	LIST_INSERT_HEAD(&server->conns, conn, link);
	server->connections++;
	metrics_add(METRIC_HTTP_CONNECTIONS, 1);
}

/* The request line has come: uri is the target as sent. What this returns becomes *req_cls of on_access(). */
static void *on_request_line(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct http_server *server = cls;
	struct http_conn *conn = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	if (conn == NULL)
		return NULL;
	conn->busy = true;
	conn->due_ms = http_now_ms() + server->options.receive_ms;
	return http_request_new(server, conn, uri);
}

/* Percent-decoding is the router's, after the path was split. */
static size_t leave_escaped(void *cls, struct MHD_Connection *mhd, char *text)
{
	(void)cls;
	(void)mhd;
	return strlen(text);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct http_request *req = arg;
	(void)fd;
	(void)what;
	metrics_add(METRIC_HTTP_DEADLINE, 1);
	http_answer_problem(req, &(struct http_problem){.error = -ETIMEDOUT});
}

static bool take_body(struct http_request *req, const char *bytes, size_t len)
{
	if (!req->no_room && (len > req->body_cap - req->body_len || req->too_large))
		req->too_large = true; /* only a chunked body gets here */
	if (req->too_large || req->no_room) {
		/* The answer can be given when the body has ended, or not at all. */
		req->body_len += len > CHUNKED_SLACK ? CHUNKED_SLACK : len;
		return req->body_len <= req->body_cap + CHUNKED_SLACK;
	}
	if (req->body_len + len > req->body_room) {
		size_t room = req->body_room * 2 < 4096 ? 4096 : req->body_room * 2;
		room = room > req->body_cap ? req->body_cap : room;
		room = room < req->body_len + len ? req->body_len + len : room;
		uint8_t *grown =
			http_bodies + room - req->body_room > HTTP_BODIES_MAX ? NULL : realloc(req->body, room + 1);
		if (grown == NULL) {
			req->no_room = true;
			req->body_len += len;
			return true;
		}
		http_bodies += room - req->body_room;
		req->body = grown;
		req->body_room = room;
	}
	memcpy(req->body + req->body_len, bytes, len);
	req->body_len += len;
	return true;
}

static enum MHD_Result suspend(struct http_request *req)
{
	unsigned ms = req->match.route->deadline_ms ? req->match.route->deadline_ms : req->server->options.deadline_ms;
	struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
	event_assign(&req->deadline, req->base, -1, 0, on_deadline, req);
	if (event_add(&req->deadline, &wait) != 0)
		return MHD_NO;
	req->suspended = true;
	MHD_suspend_connection(req->conn);
	return MHD_YES;
}

void http_wait_no_more(struct http_request *req)
{
	if (req->waits)
		req->server->waiting--;
	req->waits = false;
}

static enum MHD_Result wait(struct http_request *req)
{
	if (req->server->waiting >= WAITING_MAX)
		return suspend(req);
	req->waits = true;
	req->wait_until_ms = req->server->now_ms + WAIT_MS;
	req->server->waiting++;
	return MHD_YES;
}

static enum MHD_Result wait_on(struct http_request *req)
{
	if (!req->answered && req->server->now_ms < req->wait_until_ms)
		return MHD_YES;
	http_wait_no_more(req);
	return req->answered ? http_answer_queue(req) : suspend(req);
}

static enum MHD_Result dispatch(struct http_request *req)
{
	req->stage = HTTP_STAGE_DISPATCHED;
	req->slot->due_ms = 0;
	req->full_us = http_now_us();
	if (req->too_large || req->no_room) {
		http_answer_problem(req, &(struct http_problem){.type = req->too_large ? "too-large" : "busy"});
		return http_answer_queue(req);
	}
	if (req->body != NULL)
		req->body[req->body_len] = '\0';
	req->refs++;
	req->held = true;
	LIST_INSERT_HEAD(&req->server->held, req, held_link);
	req->server->held_count++;
	metrics_add(METRIC_HTTP_IN_FLIGHT, 1);
	req->match.route->handler(req);
	return req->answered ? http_answer_queue(req) : wait(req);
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
				 const char *version, const char *upload, size_t *upload_len, void **context)
{
	struct http_request *req = *context;
	(void)cls;
	(void)mhd;
	(void)url;
	if (req == NULL)
		return MHD_NO;
	switch (req->stage) {
	case HTTP_STAGE_HEAD:
		req->stage = HTTP_STAGE_BODY;
		if (http_head_take(req, method, version))
			return MHD_YES;
		req->unread = req->close;
		if (req->close)
			return http_answer_queue(req);
		/* The daemon ends a connection that is answered so early; there is no body, so it calls again at once. */
		req->stage = HTTP_STAGE_DISPATCHED;
		return MHD_YES;
	case HTTP_STAGE_BODY:
		if (*upload_len == 0)
			return dispatch(req);
		if (!take_body(req, upload, *upload_len))
			return MHD_NO;
		*upload_len = 0;
		req->server->busy = true;
		return MHD_YES;
	case HTTP_STAGE_DISPATCHED:
		if (req->waits)
			return wait_on(req);
		return req->answered ? http_answer_queue(req) : MHD_NO;
	case HTTP_STAGE_DONE:
		break;
	}
	return MHD_NO;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
	struct http_server *server = cls;
	struct http_request *req = *context;
	(void)mhd;
	(void)code;
	if (req == NULL)
		return;
	*context = NULL;
	if (req->unread && req->stage == HTTP_STAGE_DONE)
		http_linger(server, fcntl(req->slot->fd, F_DUPFD_CLOEXEC, 0));
	req->slot->busy = false;
	req->slot->due_ms = http_now_ms() + server->options.idle_ms;
	/* queued before the draining began, and so without a word of it */
	if (server->draining && !req->unread && req->stream == NULL)
		shutdown(req->slot->fd, SHUT_RDWR);
	if (req->suspended)
		event_del(&req->deadline);
	req->suspended = false;
	http_wait_no_more(req);
	req->conn = NULL;
	req->slot = NULL;
	if (req->stream != NULL)
		http_stream_lost(req);
	http_request_unref(req);
}

static void default_options(struct http_options *options)
{
	if (options->connections == 0)
		options->connections = 1000;
	if (options->connection_memory == 0)
		options->connection_memory = 8192;
	if (options->body_cap == 0)
		options->body_cap = 65536;
	if (options->idle_ms == 0)
		options->idle_ms = 60000;
	if (options->receive_ms == 0)
		options->receive_ms = 30000;
	if (options->deadline_ms == 0)
		options->deadline_ms = 10000;
	if (options->send_ms == 0)
		options->send_ms = 60000;
	if (options->send_rate == 0)
		options->send_rate = 4096;
	if (options->in_flight == 0)
		options->in_flight = 4096;
	if (options->streams == 0)
		options->streams = 1000;
	if (options->stream_silence_ms == 0)
		options->stream_silence_ms = 15000;
	if (options->stream_stall_ms == 0)
		options->stream_stall_ms = 30000;
	if (options->stream_queue == 0)
		options->stream_queue = 262144;
}

static int start_daemon(struct http_server *server)
{
	const struct http_options *options = &server->options;
	struct MHD_OptionItem items[] = {
		{MHD_OPTION_LISTEN_SOCKET, options->fd, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)options->connection_memory, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_INCREMENT, POOL_INCREMENT, NULL},
		{MHD_OPTION_CONNECTION_LIMIT, (intptr_t)options->connections, NULL},
		/* No MHD_OPTION_CONNECTION_TIMEOUT: the tick has all times, and with one MHD_queue_response() outside of the handler
		 * (queue_early()) would put a connection that it has just closed back into a list. */
		/* What level 1 adds the policy checks too, and unlike libmicrohttpd 0.9.75 it sends its refusal once.
		 */
		{MHD_OPTION_STRICT_FOR_CLIENT, 0, NULL},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, server},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, server},
		{MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_request_line, server},
		{MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
		{options->connections_per_ip && !options->local ? MHD_OPTION_PER_IP_CONNECTION_LIMIT : MHD_OPTION_END,
		 (intptr_t)options->connections_per_ip, NULL},
		{MHD_OPTION_END, 0, NULL},
	};
	server->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
					  on_access, server, MHD_OPTION_ARRAY, items, MHD_OPTION_END);
	return server->daemon != NULL ? 0 : -EIO;
}

static unsigned shortest_wait(const struct http_options *options)
{
	const unsigned waits[] = {options->receive_ms, options->send_ms, options->stream_silence_ms, options->stream_stall_ms};
	unsigned shortest = options->idle_ms;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		shortest = waits[i] < shortest ? waits[i] : shortest;
	return shortest;
}

static int start_events(struct http_server *server)
{
	unsigned shortest = shortest_wait(&server->options);
	unsigned ms = shortest / 4 < 20 ? 20 : shortest / 4 > 1000 ? 1000 : shortest / 4;
	struct timeval period = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
	int fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	server->readable = event_new(server->base, fd, EV_READ | EV_PERSIST, on_readable, server);
	server->again = event_new(server->base, -1, 0, on_readable, server);
	server->tick = event_new(server->base, -1, EV_PERSIST, on_tick, server);
	if (server->readable == NULL || server->again == NULL || server->tick == NULL || http_streams_init(server) != 0)
		return -ENOMEM;
	return event_add(server->readable, NULL) == 0 && event_add(server->tick, &period) == 0 ? 0 : -EIO;
}

static void free_events(struct http_server *server)
{
	struct event *const events[] = {server->readable, server->again, server->tick, server->flush};
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (events[i] != NULL)
			event_free(events[i]);
	}
}

int http_server_new(struct http_server **out, struct event_base *base, const struct http_options *options)
{
	if (options->router == NULL || options->fd < 0)
		return -EINVAL;
	struct http_server *server = calloc(1, sizeof(*server));
	if (server == NULL)
		return -ENOMEM;
	server->base = base;
	server->options = *options;
	default_options(&server->options);
	server->port = http_listen_port(options->fd);
	int rc = start_daemon(server);
	if (rc == 0)
		rc = start_events(server);
	if (rc != 0) {
		free_events(server);
		if (server->daemon != NULL) {
			MHD_quiesce_daemon(server->daemon);
			MHD_stop_daemon(server->daemon);
		}
		free(server);
		return rc;
	}
	*out = server;
	return 0;
}

void http_server_drain(struct http_server *server)
{
	struct http_conn *conn;
	if (server->draining)
		return;
	server->draining = true;
	MHD_socket fd = MHD_quiesce_daemon(server->daemon);
	if (fd >= 0)
		close(fd);
	LIST_FOREACH(conn, &server->conns, link)
	{
		if (!conn->busy)
			shutdown(conn->fd, SHUT_RDWR);
	}
	http_streams_drain(server);
	http_server_kick(server);
}

unsigned http_server_in_flight(const struct http_server *server)
{
	return server->held_count;
}

unsigned http_server_connections(const struct http_server *server)
{
	return server->connections;
}

unsigned http_server_streams(const struct http_server *server)
{
	return server->stream_count;
}

uint16_t http_server_port(const struct http_server *server)
{
	return server->port;
}

void http_server_free(struct http_server *server)
{
	struct http_request *req;
	if (server == NULL)
		return;
	/* MHD_stop_daemon() panics over suspended connections. */
	LIST_FOREACH(req, &server->held, held_link)
	{
		if (req->suspended)
			http_answer_problem(req, &(struct http_problem){.error = -EBUSY});
	}
	MHD_stop_daemon(server->daemon);
	http_streams_free(server);
	http_lingers_free(server);
	free_events(server);
	while ((req = LIST_FIRST(&server->held)) != NULL) {
		LIST_REMOVE(req, held_link);
		req->server = NULL;
	}
	free(server);
}
