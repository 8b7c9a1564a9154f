/*
 * The connection's life: connecting without blocking, preparing, being lost, trying again. What travels on it is in
 * pg_pipeline.c.
 */
#include "sql/pg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sql/pg_internal.h"

enum { BACKOFF_MIN_MS = 50, CONNECT_MS = 5000 };

uint64_t pg_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void pg_after_ms(struct event *timer, uint64_t ms)
{
	const struct timeval tv = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	event_add(timer, &tv);
}

static void destroy(struct pg_conn *conn)
{
	struct event *events[] = {conn->poll, conn->readable, conn->writable, conn->turn, conn->attempt, conn->expiry};

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (events[i])
			event_free(events[i]);
	free(conn->conninfo);
	free(conn->application_name);
	free(conn);
}

void pg_enter(struct pg_conn *conn)
{
	conn->depth++;
}

void pg_leave(struct pg_conn *conn)
{
	if (--conn->depth == 0 && conn->closing)
		destroy(conn);
}

static void free_event(struct event **event)
{
	if (*event)
		event_free(*event);
	*event = NULL;
}

void pg_drop(struct pg_conn *conn, const char *reason)
{
	const bool told = conn->state != PG_STATE_DOWN;
	struct pg_txn *txn = conn->txn;

	snprintf(conn->last_error, sizeof(conn->last_error), "%s", reason);
	conn->last_error[strcspn(conn->last_error, "\n")] = '\0';
	conn->state = PG_STATE_DOWN;
	free_event(&conn->poll);
	free_event(&conn->readable);
	free_event(&conn->writable);
	PQfinish(conn->pg);
	conn->pg = NULL;
	conn->unsynced = false;
	conn->batch = 0;
	conn->txn = NULL;
	if (txn && !txn->ended) {
		pg_txn_forget(conn, txn);
		txn->conn = NULL;
		txn->err = txn->err ? txn->err : -EIO;
	}
	pg_pipeline_fail_all(conn, pg_now_ms());
	if (conn->closing)
		return;
	pg_after_ms(conn->attempt, conn->backoff_ms);
	conn->backoff_ms = conn->backoff_ms * 2 < conn->backoff_max_ms ? conn->backoff_ms * 2 : conn->backoff_max_ms;
	if (told && conn->on_state)
		conn->on_state(conn->arg, false);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct pg_conn *conn = arg;

	(void)fd;
	(void)what;
	pg_enter(conn);
	pg_pipeline_read(conn);
	pg_leave(conn);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct pg_conn *conn = arg;

	(void)fd;
	(void)what;
	pg_enter(conn);
	pg_pipeline_flush(conn);
	pg_leave(conn);
}

static int send_setup(struct pg_conn *conn, const char *sql, const struct pg_statement *statement)
{
	struct pg_request *request = pg_request_new(PG_REQUEST_SETUP, statement, NULL, false);
	int sent;

	if (!request)
		return -ENOMEM;
	if (statement)
		sent = PQsendPrepare(conn->pg, statement->name, statement->sql,
				     statement->types ? statement->nparams : 0, statement->types);
	else
		sent = PQsendQueryParams(conn->pg, sql, 0, NULL, NULL, NULL, NULL, 1);
	if (!sent) {
		free(request);
		return -EIO;
	}
	TAILQ_INSERT_TAIL(&conn->sent, request, link);
	conn->unsynced = true;
	return 0;
}

/*
 * A statement's server-side limit is a little below the request's deadline, so that a slow one is usually cancelled
 * by the server and the connection survives; the deadline is for a server or a path that no longer answers.
 */
static int send_all_setup(struct pg_conn *conn)
{
	static const struct pg_statement own[] = {
		{.name = "pg_begin", .sql = "BEGIN"},
		{.name = "pg_commit", .sql = "COMMIT"},
		{.name = "pg_rollback", .sql = "ROLLBACK"},
	};
	char limit[64];
	int err;

	snprintf(limit, sizeof(limit), "SET statement_timeout = %u", conn->deadline_ms - conn->deadline_ms / 4);
	err = send_setup(conn, limit, NULL);
	if (!err)
		err = send_setup(conn, "SET client_connection_check_interval = 1000", NULL);
	for (size_t i = 0; !err && conn->settings && conn->settings[i]; i++)
		err = send_setup(conn, conn->settings[i], NULL);
	for (size_t i = 0; !err && i < sizeof(own) / sizeof(*own); i++)
		err = send_setup(conn, NULL, &own[i]);
	for (size_t set = 0; set < conn->nsets; set++)
		for (size_t i = 0; !err && i < conn->sets[set].n; i++)
			err = send_setup(conn, NULL, &conn->sets[set].list[i]);
	return err ? err : pg_pipeline_sync(conn);
}

static void connected(struct pg_conn *conn)
{
	const int fd = PQsocket(conn->pg);

	free_event(&conn->poll);
	conn->state = PG_STATE_SETUP;
	conn->setup_failed = false;
	conn->readable = event_new(conn->base, fd, EV_READ | EV_PERSIST, on_readable, conn);
	conn->writable = event_new(conn->base, fd, EV_WRITE, on_writable, conn);
	if (!conn->readable || !conn->writable || event_add(conn->readable, NULL) || PQsetnonblocking(conn->pg, 1) ||
	    !PQenterPipelineMode(conn->pg) || send_all_setup(conn)) {
		pg_drop(conn, "cannot set the connection up");
		return;
	}
	pg_pipeline_flush(conn);
}

void pg_becomes_up(struct pg_conn *conn)
{
	event_del(conn->attempt);
	conn->state = PG_STATE_UP;
	conn->backoff_ms = BACKOFF_MIN_MS;
	if (!TAILQ_EMPTY(&conn->waiting))
		pg_pipeline_plan_turn(conn);
	if (conn->on_state)
		conn->on_state(conn->arg, true);
}

static void on_poll(evutil_socket_t fd, short what, void *arg);

/* libpq may change its socket between polls, so the event is made anew each time. */
static void watch(struct pg_conn *conn, short what)
{
	free_event(&conn->poll);
	conn->poll = event_new(conn->base, PQsocket(conn->pg), what, on_poll, conn);
	if (!conn->poll || event_add(conn->poll, NULL))
		pg_drop(conn, "out of memory");
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct pg_conn *conn = arg;
	const PostgresPollingStatusType status = PQconnectPoll(conn->pg);

	(void)fd;
	(void)what;
	pg_enter(conn);
	if (status == PGRES_POLLING_OK)
		connected(conn);
	else if (status == PGRES_POLLING_READING)
		watch(conn, EV_READ);
	else if (status == PGRES_POLLING_WRITING)
		watch(conn, EV_WRITE);
	else
		pg_drop(conn, PQerrorMessage(conn->pg));
	pg_leave(conn);
}

/* Notices would go to stderr; what matters of them comes as errors. */
static void ignore_notice(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

static void connect_start(struct pg_conn *conn)
{
	const char *const keys[] = {"dbname", "application_name", "client_encoding", NULL};
	const char *const values[] = {conn->conninfo, conn->application_name, "UTF8", NULL};

	conn->state = PG_STATE_CONNECTING;
	conn->pg = PQconnectStartParams(keys, values, 1);
	if (!conn->pg || PQstatus(conn->pg) == CONNECTION_BAD) {
		pg_drop(conn, conn->pg ? PQerrorMessage(conn->pg) : "out of memory");
		return;
	}
	PQsetNoticeReceiver(conn->pg, ignore_notice, NULL);
	pg_after_ms(conn->attempt, CONNECT_MS);
	watch(conn, EV_WRITE);
}

static void on_attempt(evutil_socket_t fd, short what, void *arg)
{
	struct pg_conn *conn = arg;

	(void)fd;
	(void)what;
	pg_enter(conn);
	if (conn->pg)
		pg_drop(conn, "connecting took too long");
	else
		connect_start(conn);
	pg_leave(conn);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct pg_conn *conn = arg;

	(void)fd;
	(void)what;
	pg_enter(conn);
	conn->turn_due = false;
	pg_pipeline_end_of_turn(conn);
	pg_leave(conn);
}

static void on_expiry(evutil_socket_t fd, short what, void *arg)
{
	struct pg_conn *conn = arg;

	(void)fd;
	(void)what;
	pg_enter(conn);
	pg_pipeline_expire(conn);
	pg_leave(conn);
}

int pg_open(struct pg_conn **out, struct event_base *base, const struct pg_config *config)
{
	*out = NULL;
	if (!base || !config->conninfo)
		return -EINVAL;
	struct pg_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return -ENOMEM;
	conn->base = base;
	conn->state = PG_STATE_CONNECTING;
	TAILQ_INIT(&conn->waiting);
	TAILQ_INIT(&conn->sent);
	TAILQ_INIT(&conn->again);
	conn->sets = config->sets;
	conn->nsets = config->nsets;
	conn->settings = config->settings;
	conn->queue_max = config->queue_max ? config->queue_max : 1024;
	conn->deadline_ms = config->deadline_ms ? config->deadline_ms : 5000;
	conn->backoff_max_ms = config->backoff_max_ms ? config->backoff_max_ms : 8000;
	conn->backoff_ms = BACKOFF_MIN_MS;
	conn->on_state = config->on_state;
	conn->arg = config->arg;
	conn->conninfo = strdup(config->conninfo);
	conn->application_name = strdup(config->application_name ? config->application_name : "kedge");
	conn->turn = event_new(base, -1, 0, on_turn, conn);
	conn->attempt = evtimer_new(base, on_attempt, conn);
	conn->expiry = evtimer_new(base, on_expiry, conn);
	if (!conn->conninfo || !conn->application_name || !conn->turn || !conn->attempt || !conn->expiry) {
		destroy(conn);
		return -ENOMEM;
	}
	pg_after_ms(conn->attempt, 0);
	*out = conn;
	return 0;
}

void pg_close(struct pg_conn *conn)
{
	if (!conn || conn->closing)
		return;
	pg_enter(conn);
	conn->closing = true;
	conn->on_state = NULL;
	pg_drop(conn, "closed");
	event_del(conn->turn);
	event_del(conn->attempt);
	event_del(conn->expiry);
	pg_leave(conn);
}

bool pg_is_up(const struct pg_conn *conn)
{
	return conn->state == PG_STATE_UP;
}

size_t pg_queue_length(const struct pg_conn *conn)
{
	return conn->nrequests;
}

unsigned pg_batch(const struct pg_conn *conn)
{
	return conn->batch;
}

const char *pg_last_error(const struct pg_conn *conn)
{
	return conn->last_error;
}
