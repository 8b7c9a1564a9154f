/* The listening connection: connect, LISTEN, pass notifications on; lost, begin again. */
#include "sql/listen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKOFF_MIN_MS = 50, BACKOFF_MAX_MS = 1000, CONNECT_MS = 5000 };

struct listen {
	struct event_base *base;
	struct listen_config config;
	char *conninfo;
	char *sql; /* all LISTEN commands */
	PGconn *pg;
	struct event *socket;
	struct event *timer; /* next attempt, or the deadline of the one under way */
	bool ready;
	bool closing;
	int depth;
	unsigned backoff_ms;
};

static void disconnect(struct listen *listen)
{
	if (listen->socket)
		event_free(listen->socket);
	listen->socket = NULL;
	PQfinish(listen->pg);
	listen->pg = NULL;
	listen->ready = false;
}

static void destroy(struct listen *listen)
{
	disconnect(listen);
	if (listen->timer)
		event_free(listen->timer);
	free(listen->conninfo);
	free(listen->sql);
	free(listen);
}

static void leave(struct listen *listen)
{
	if (--listen->depth == 0 && listen->closing)
		destroy(listen);
}

static void lost(struct listen *listen)
{
	disconnect(listen);
	pg_after_ms(listen->timer, listen->backoff_ms);
	listen->backoff_ms = listen->backoff_ms * 2 < BACKOFF_MAX_MS ? listen->backoff_ms * 2 : BACKOFF_MAX_MS;
	if (listen->config.on_lost && !listen->closing)
		listen->config.on_lost(listen->config.arg);
}

static void pass_notifications(struct listen *listen)
{
	PGnotify *notify;

	while (listen->pg && !listen->closing && (notify = PQnotifies(listen->pg))) {
		listen->config.on_notify(listen->config.arg, notify->relname, notify->extra);
		PQfreemem(notify);
	}
}

/* The answer to LISTEN: NULL after it means every channel is in force. */
static void take_results(struct listen *listen)
{
	while (listen->pg && !PQisBusy(listen->pg)) {
		PGresult *res = PQgetResult(listen->pg);
		const ExecStatusType status = PQresultStatus(res);

		PQclear(res);
		if (res && status != PGRES_COMMAND_OK) {
			lost(listen);
			return;
		}
		if (res)
			continue;
		if (!listen->ready) {
			listen->ready = true;
			listen->backoff_ms = BACKOFF_MIN_MS;
			event_del(listen->timer);
			if (listen->config.on_ready)
				listen->config.on_ready(listen->config.arg);
		}
		return;
	}
}

static void on_input(evutil_socket_t fd, short what, void *arg)
{
	struct listen *listen = arg;

	(void)fd;
	(void)what;
	listen->depth++;
	if (!PQconsumeInput(listen->pg)) {
		lost(listen);
	} else {
		if (!listen->ready)
			take_results(listen);
		pass_notifications(listen);
	}
	leave(listen);
}

static void on_poll(evutil_socket_t fd, short what, void *arg);

static void watch(struct listen *listen, short what, event_callback_fn callback)
{
	if (listen->socket)
		event_free(listen->socket);
	listen->socket = event_new(listen->base, PQsocket(listen->pg), what, callback, listen);
	if (!listen->socket || event_add(listen->socket, NULL))
		lost(listen);
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct listen *listen = arg;
	const PostgresPollingStatusType status = PQconnectPoll(listen->pg);

	(void)fd;
	(void)what;
	listen->depth++;
	if (status == PGRES_POLLING_READING)
		watch(listen, EV_READ, on_poll);
	else if (status == PGRES_POLLING_WRITING)
		watch(listen, EV_WRITE, on_poll);
	else if (status == PGRES_POLLING_OK && PQsendQuery(listen->pg, listen->sql))
		watch(listen, EV_READ | EV_PERSIST, on_input);
	else
		lost(listen);
	leave(listen);
}

/* Notices would go to stderr. */
static void ignore_notice(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct listen *listen = arg;
	const char *const keys[] = {"dbname", "application_name", NULL};
	const char *const values[] = {listen->conninfo, "kedge listen", NULL};

	(void)fd;
	(void)what;
	listen->depth++;
	if (listen->pg) {
		lost(listen);
	} else {
		listen->pg = PQconnectStartParams(keys, values, 1);
		if (!listen->pg || PQstatus(listen->pg) == CONNECTION_BAD) {
			lost(listen);
		} else {
			PQsetNoticeReceiver(listen->pg, ignore_notice, NULL);
			pg_after_ms(listen->timer, CONNECT_MS);
			watch(listen, EV_WRITE, on_poll);
		}
	}
	leave(listen);
}

static bool is_channel(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name) && strlen(name) < 64;
}

static char *listen_sql(const struct listen_config *config)
{
	char *sql = calloc(LISTEN_CHANNELS_MAX, 80);
	size_t at = 0;

	for (size_t i = 0; sql && i < LISTEN_CHANNELS_MAX && config->channels[i]; i++)
		at += (size_t)sprintf(sql + at, "LISTEN %s;", config->channels[i]);
	return sql;
}

int listen_open(struct listen **out, struct event_base *base, const struct listen_config *config)
{
	*out = NULL;
	if (!config->conninfo || !config->on_notify || !config->channels[0])
		return -EINVAL;
	for (size_t i = 0; i < LISTEN_CHANNELS_MAX && config->channels[i]; i++)
		if (!is_channel(config->channels[i]))
			return -EINVAL;
	struct listen *listen = calloc(1, sizeof(*listen));

	if (!listen)
		return -ENOMEM;
	listen->base = base;
	listen->config = *config;
	listen->backoff_ms = BACKOFF_MIN_MS;
	listen->conninfo = strdup(config->conninfo);
	listen->sql = listen_sql(config);
	listen->timer = evtimer_new(base, on_timer, listen);
	if (!listen->conninfo || !listen->sql || !listen->timer) {
		destroy(listen);
		return -ENOMEM;
	}
	pg_after_ms(listen->timer, 0);
	*out = listen;
	return 0;
}

void listen_close(struct listen *listen)
{
	if (!listen || listen->closing)
		return;
	listen->closing = true;
	if (listen->depth == 0)
		destroy(listen);
}
