#include "gateway/worker.h"

#include "gateway/http/observe.h"
#include "gateway/participant/queue.h"
#include "gateway/routes/service.h"
#include "gateway/routes/stream_hub.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/log.h"
#include "gateway/worker_chains.h"
#include "sql/listen.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { HEADS_POLL_MS = 1000, DRAIN_MS = 5000, STREAMS_DRAIN_MS = 1000, CONNECTIONS_MAX = 8192 };

struct worker {
	struct service service;
	const struct worker_plan *plan;
	struct listen *listen;
	struct http_route *routes;
	struct http_router *router, *metrics_router;
	struct http_server *servers[3];
	size_t nservers;
	struct event *term, *poll, *drain;
	uint64_t drain_until;
	struct worker_chains chains;
};

static const struct http_route metrics_routes[] = {
	{"GET", "/metrics", http_metrics_page, 0, 0, NULL, "Prometheus metrics", "service", NULL},
};

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	size_t queued = pg_queue_length(w->service.writer);

	(void)fd;
	(void)what;
	worker_chains_look_at_heads(&w->chains);
	worker_chains_look_at_registries(&w->chains);
	service_keys_look(&w->service);
	stream_hub_tick(w->service.streams);
	queued += store_resolver_length(w->service.resolver);
	for (size_t i = 0; i < SERVICE_READERS; i++)
		queued += pg_queue_length(w->service.readers[i]);
	metrics_set(METRIC_PG_QUEUE, queued);
	worker_chains_count(&w->chains);
}

static void on_database(void *arg, bool up)
{
	(void)arg;
	if (up)
		metrics_add(METRIC_PG_CONNECTS, 1);
}

/* ---- notifications ---- */

/* Strangers can make links change as often as they like: only the documents of whose they are, are made anew. Of a participant's none is
 * kept; agents that it linked follow within the two seconds that theirs are. */
static void forget_links_of(struct worker *w, const char *subject)
{
	struct agent_key agent;

	if (agent_key_parse(&agent, subject, strlen(subject)) == 0)
		documents_forget(w->service.documents, &agent);
}

static void on_notify(void *arg, const char *channel, const char *payload)
{
	struct worker *w = arg;

	if (strcmp(channel, "kedge_checkpoint") == 0)
		append_checkpoint_hint(w->service.append, strtoull(payload, NULL, 10));
	else if (strcmp(channel, "kedge_head") == 0)
		stream_hub_poke(w->service.streams);
	else if (strcmp(channel, "kedge_chain") == 0)
		worker_chains_look_at_heads(&w->chains);
	else if (strcmp(channel, "kedge_published") == 0)
		service_published(&w->service);
	else if (strcmp(channel, "kedge_index") == 0)
		worker_chains_look_at_registries(&w->chains);
	else if (strcmp(channel, "kedge_links") == 0)
		forget_links_of(w, payload);
	else if (strcmp(channel, "kedge_participant") == 0)
		participant_queue_hint(w->service.participants);
}

static void on_listening(void *arg)
{
	struct worker *w = arg;

	w->service.listening = true;
	service_published(&w->service);
	append_checkpoint_hint(w->service.append, 0);
	participant_queue_hint(w->service.participants);
	stream_hub_poke(w->service.streams);
	worker_chains_look_at_heads(&w->chains);
	worker_chains_look_at_registries(&w->chains);
}

static void on_deaf(void *arg)
{
	struct worker *w = arg;

	/* what is not announced may be cached no longer */
	w->service.listening = false;
	service_published(&w->service);
}

/* ---- making ---- */

static int make_names(struct worker *w)
{
	struct service *s = &w->service;
	const struct config *config = s->config;
	uint8_t random[32];
	int rc = service_codes(s);

	s->defaults = (struct agent_defaults){.host = config->host, .chain = config->chain_id};
	if (address_parse(&s->defaults.registry, config->registry, strlen(config->registry)) != 0) {
		log_error(log_msg("setting registry is not an address"), log_str("registry", config->registry));
		return -EINVAL;
	}
	address_format_eip55(s->registry_text, &s->defaults.registry);
	s->defaults.registry_text = s->registry_text;
	s->defaults.did = *service_did(s) ? s->did : NULL;
	s->has_anchor = *config->anchor_contract;
	if (s->has_anchor && address_parse(&s->anchor_contract, config->anchor_contract, strlen(config->anchor_contract)) != 0) {
		log_error(log_msg("setting anchor_contract is not an address"), log_str("value", config->anchor_contract));
		return -EINVAL;
	}
	s->names = (struct record_names){.origin = config->origin, .agents = s->defaults};
	randombytes_buf(random, sizeof(random));
	s->signatures = signature_context_new(random);
	/* the public half only: the signer alone holds the other */
	snprintf(s->vkey, sizeof(s->vkey), "%s", w->plan->vkey);
	service_keys_look(s);
	if (rc == 0)
		rc = note_key_parse(&s->log_key, s->vkey, strlen(s->vkey));
	if (rc == 0)
		rc = merkle_hasher_init(&s->hasher);
	return rc == 0 && !s->signatures ? -ENOMEM : rc;
}

static int make_connections(struct worker *w)
{
	struct service *s = &w->service;
	struct append_config append = {.base = s->base, .open_quota = s->config->open_quota};
	struct listen_config listen = {.conninfo = s->config->database,
				       .channels = {"kedge_checkpoint", "kedge_chain", "kedge_published", "kedge_index", "kedge_participant", "kedge_head", "kedge_links"},
				       .on_notify = on_notify, .on_ready = on_listening, .on_lost = on_deaf, .arg = w};
	int rc = store_open(&s->writer, s->base, s->config->database, "kedge writer", STORE_WRITER, on_database, NULL);

	for (size_t i = 0; rc == 0 && i < SERVICE_READERS; i++)
		rc = store_open(&s->readers[i], s->base, s->config->database, "kedge reader", STORE_READER, on_database,
				NULL);
	if (rc == 0)
		rc = store_resolver_new(&s->resolver, s->base, s->readers, SERVICE_READERS);
	append.writer = s->writer;
	if (rc == 0)
		rc = store_open(&s->append_reader, s->base, s->config->database, "kedge append reader", STORE_READER, on_database,
				NULL);
	append.reader = s->append_reader;
	if (rc == 0)
		rc = append_new(&s->append, &append);
	if (rc == 0)
		rc = participant_queue_new(&s->participants, s->base, s->writer, s->append_reader);
	if (rc == 0)
		rc = stream_hub_new(&s->streams, s);
	if (rc == 0)
		rc = listen_open(&w->listen, s->base, &listen);
	return rc;
}

static int make_fetcher(struct service *s)
{
	const struct fetcher_config config = {.allow = s->config->fetch_allow, .ca = s->config->fetch_ca, .nameserver = s->config->fetch_nameserver};
	int rc = fetcher_new(&s->fetcher, s->base, &config);

	return rc == 0 ? foreign_new(&s->foreign, s->fetcher) : rc;
}

static int make_router(struct worker *w)
{
	const struct {
		const struct http_route *routes;
		size_t count;
	} parts[] = {{routes_did, routes_did_count}, {routes_resolve, routes_resolve_count},
		     {routes_resolve_about, routes_resolve_about_count}, {routes_links, routes_links_count}, {routes_agent, routes_agent_count},
		     {routes_history, routes_history_count}, {routes_search, routes_search_count}, {routes_prepare, routes_prepare_count}, {routes_proof, routes_proof_count},
		     {routes_attestation, routes_attestation_count}, {routes_log, routes_log_count},
		     {routes_files, routes_files_count}, {routes_hosted, routes_hosted_count},
		     {routes_participant, routes_participant_count}, {routes_participant_change, routes_participant_change_count},
		     {routes_participant_prepare, routes_participant_prepare_count}, {routes_streams, routes_streams_count}, {routes_web, routes_web_count},
		     {routes_openapi, routes_openapi_count},
		     {routes_health, routes_health_count}};
	size_t total = 0, at = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		total += parts[i].count;
	w->routes = calloc(total, sizeof(*w->routes));
	if (!w->routes)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		memcpy(w->routes + at, parts[i].routes, parts[i].count * sizeof(*w->routes));
		at += parts[i].count;
	}
	int rc = http_router_new(&w->router, w->routes, total);

	w->service.router = w->router;
	return rc;
}

int worker_listen(int *fd, const char *text, bool shared)
{
	const char *colon = strrchr(text, ':');
	char host[64];
	size_t length = colon ? (size_t)(colon - text) : sizeof(host);
	unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;

	if (length >= sizeof(host) || port > UINT16_MAX || (port == 0 && strcmp(colon + 1, "0") != 0))
		return -EINVAL;
	if (length > 1 && text[0] == '[' && text[length - 1] == ']')
		snprintf(host, sizeof(host), "%.*s", (int)length - 2, text + 1);
	else
		snprintf(host, sizeof(host), "%.*s", (int)length, text);
	return http_listen_tcp(fd, host, (uint16_t)port, shared);
}

static int add_server(struct worker *w, int fd, bool local, const struct http_router *router)
{
	struct http_options options = {.fd = fd, .local = local, .router = router, .user = &w->service,
				       .public_url = w->service.config->public_url, .connections = CONNECTIONS_MAX,
				       .streams = (unsigned)w->service.config->streams, .on_answered = http_observe};
	int rc = http_server_new(&w->servers[w->nservers], w->service.base, &options);

	if (rc == 0)
		w->nservers++;
	else
		close(fd);
	return rc;
}

static int make_servers(struct worker *w)
{
	const struct config *config = w->service.config;
	int fd, rc = worker_listen(&fd, config->listen, true);

	if (rc == 0)
		rc = add_server(w, fd, false, w->router);
	if (rc != 0) {
		log_error(log_msg("cannot listen"), log_str("listen", config->listen), log_rc(rc));
		return rc;
	}
	fd = dup(w->plan->local_fd);
	rc = fd < 0 ? -errno : add_server(w, fd, true, w->router);
	if (rc != 0 || w->plan->number != 0 || !*config->metrics_listen)
		return rc;
	rc = http_router_new(&w->metrics_router, metrics_routes, 1);
	if (rc == 0)
		rc = worker_listen(&fd, config->metrics_listen, false);
	if (rc == 0)
		rc = add_server(w, fd, false, w->metrics_router);
	if (rc != 0)
		log_error(log_msg("cannot listen for metrics"), log_str("metrics_listen", config->metrics_listen), log_rc(rc));
	return rc;
}

/* ---- ending ---- */

static void on_drain(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	unsigned in_flight = 0, streams = 0;
	uint64_t now = clock_wall_ms();

	(void)fd;
	(void)what;
	for (size_t i = 0; i < w->nservers; i++) {
		in_flight += http_server_in_flight(w->servers[i]);
		streams += http_server_streams(w->servers[i]);
	}
	if (now > w->drain_until - DRAIN_MS + STREAMS_DRAIN_MS)
		streams = 0; /* they know where to go on */
	if ((in_flight == 0 && streams == 0) || now > w->drain_until)
		event_base_loopbreak(w->service.base);
}

static void on_term(evutil_socket_t fd, short what, void *arg)
{
	struct timeval often = {.tv_usec = 20000};
	struct worker *w = arg;

	(void)fd;
	(void)what;
	if (w->drain_until)
		return;
	w->drain_until = clock_wall_ms() + DRAIN_MS;
	for (size_t i = 0; i < w->nservers; i++)
		http_server_drain(w->servers[i]);
	event_add(w->drain, &often);
}

static int make_events(struct worker *w)
{
	struct timeval second = {.tv_sec = HEADS_POLL_MS / 1000};
	struct event_base *base = w->service.base;

	w->term = evsignal_new(base, SIGTERM, on_term, w);
	w->poll = event_new(base, -1, EV_PERSIST, on_poll, w);
	w->drain = event_new(base, -1, EV_PERSIST, on_drain, w);
	if (!w->term || !w->poll || !w->drain || event_add(w->term, NULL) != 0 || event_add(w->poll, &second) != 0)
		return -ENOMEM;
	return 0;
}

static void free_events(struct worker *w)
{
	struct event *events[] = {w->term, w->poll, w->drain};

	for (size_t i = 0; i < 3; i++)
		if (events[i])
			event_free(events[i]);
}

static void clear(struct worker *w)
{
	struct service *s = &w->service;

	for (size_t i = 0; i < w->nservers; i++)
		http_server_free(w->servers[i]);
	fetcher_free(s->fetcher); /* answers those who wait for other hosts, into nothing */
	foreign_free(s->foreign);
	listen_close(w->listen);
	append_free(s->append);
	for (size_t i = 0; i < SERVICE_READERS; i++)
		pg_close(s->readers[i]);
	store_resolver_free(s->resolver);
	worker_chains_close(s); /* what the readers did not answer may have asked a node */
	pg_close(s->append_reader);
	pg_close(s->writer);
	participant_queue_free(s->participants);
	service_published(s);
	documents_free(s->documents);
	proof_cache_free(s->proofs);
	stream_hub_free(s->streams);
	http_response_unref(s->openapi);
	free_events(w);
	http_router_free(w->router);
	http_router_free(w->metrics_router);
	free(w->routes);
	signature_context_free(s->signatures);
	merkle_hasher_clear(&s->hasher);
	if (s->base)
		event_base_free(s->base);
}

/* A connection or stream is a descriptor, and the usual soft limit is 1,024. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_warn(log_msg("the limit of descriptors cannot be raised"), log_rc(-errno));
}

int worker_run(void *arg)
{
	const struct worker_plan *plan = arg;
	struct worker *w;
	int rc;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* the supervisor's to answer; it says SIGTERM */
	signal(SIGHUP, SIG_IGN);
	raise_descriptors();
	if (sodium_init() < 0)
		return 1;
	w = calloc(1, sizeof(*w));
	if (!w)
		return 1;
	w->plan = plan;
	w->service.config = plan->config;
	w->service.base = event_base_new();
	rc = w->service.base ? metrics_attach(plan->metrics, plan->number) : -ENOMEM;
	if (rc == 0)
		rc = make_names(w);
	if (rc == 0)
		rc = worker_chains_open(&w->chains, &w->service);
	if (rc == 0)
		rc = make_connections(w);
	if (rc == 0)
		rc = make_fetcher(&w->service);
	if (rc == 0)
		rc = make_router(w);
	if (rc == 0)
		rc = make_events(w);
	if (rc == 0)
		rc = make_servers(w);
	if (rc == 0) {
		log_info(log_msg("listening"), log_str("listen", plan->config->listen));
		event_base_dispatch(w->service.base);
	} else {
		log_error(log_msg("worker cannot start"), log_rc(rc));
	}
	clear(w);
	free(w);
	return rc == 0 ? 0 : 1;
}
