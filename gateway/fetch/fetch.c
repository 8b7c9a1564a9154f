/* A flight: host checked, name looked up, addresses checked, then the transfer; one for all who ask the same. */
#include "gateway/fetch/fetch_internal.h"

#include <ctype.h>
#include <errno.h>
#include <event2/dns.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A lookup outlives a flight that ran out of time. */
struct fetch_lookup {
	struct fetch_flight *flight; /* NULL: nobody waits any more */
};

const char *fetch_word(enum fetch_end end)
{
	switch (end) {
	case FETCH_OK:
		return "ok";
	case FETCH_HTTP:
		return "http";
	case FETCH_REDIRECT:
		return "redirect";
	case FETCH_BAD_HOST:
		return "bad-host";
	case FETCH_BAD_ADDRESS:
		return "bad-address";
	case FETCH_NOT_HTTPS:
		return "not-https";
	case FETCH_DNS:
		return "dns";
	case FETCH_CONNECT:
		return "connect";
	case FETCH_TLS:
		return "tls";
	case FETCH_TIMEOUT:
		return "timeout";
	case FETCH_TOO_LARGE:
		return "too-large";
	case FETCH_ENCODED:
		return "encoded";
	case FETCH_BROKEN:
		return "broken";
	case FETCH_CANCELED:
		return "canceled";
	}
	return "?";
}

/* ---- the end of a flight ---- */

static void free_flight(struct fetch_flight *flight)
{
	fetch_transfer_end(flight);
	if (flight->timer != NULL)
		event_free(flight->timer);
	if (flight->lookup != NULL)
		flight->lookup->flight = NULL;
	if (flight->budget != NULL)
		fetch_budget_give(flight->budget);
	while (flight->waiters != NULL) {
		struct fetch_waiter *waiter = flight->waiters;

		flight->waiters = waiter->next;
		free(waiter);
	}
	free(flight->accept);
	free(flight->body);
	free(flight);
}

void fetch_finish(struct fetch_flight *flight, enum fetch_end end, long status, const char *content_type, const char *why)
{
	struct fetcher *fetcher = flight->fetcher;
	struct fetch_answer answer = {
		.end = end,
		.status = status,
		.body = end == FETCH_OK ? flight->body : NULL,
		.len = end == FETCH_OK ? flight->len : 0,
		.content_type = content_type,
		.why = why,
		.has_max_age = flight->has_max_age,
		.max_age_s = flight->max_age_s,
		.remembered = flight->remembered,
	};

	if (!flight->preset)
		fetch_memory_note(fetcher, flight->key, end, status, why);
	/* off the list first: who asks the same from a callback starts a new flight */
	TAILQ_REMOVE(&fetcher->flights, flight, link);
	fetcher->nflights--;
	if (flight->budget != NULL)
		fetch_budget_give(flight->budget);
	flight->budget = NULL;
	for (struct fetch_waiter *waiter = flight->waiters; waiter != NULL; waiter = waiter->next)
		waiter->on_done(waiter->arg, &answer);
	free_flight(flight);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct fetch_flight *flight = arg;

	(void)fd;
	(void)what;
	if (flight->preset)
		fetch_finish(flight, flight->end, flight->status, "", flight->why);
	else
		fetch_finish(flight, FETCH_TIMEOUT, 0, "", "The answer did not come in time.");
}

static int arm(struct fetch_flight *flight, int64_t ms)
{
	struct timeval after = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};

	return evtimer_add(flight->timer, &after) == 0 ? 0 : -ENOMEM;
}

/* The answer is known, and given from the loop. */
static void preset(struct fetch_flight *flight, enum fetch_end end, long status, const char *why)
{
	flight->preset = true;
	flight->end = end;
	flight->status = status;
	(void)snprintf(flight->why, sizeof(flight->why), "%s", why);
}

/* ---- addresses ---- */

static void take_addresses(struct fetch_flight *flight, const struct sockaddr_storage *addresses, size_t n)
{
	flight->naddresses = 0;
	for (size_t i = 0; i < n; i++) {
		if (fetch_address_denied((const struct sockaddr *)&addresses[i])) {
			fetch_finish(flight, FETCH_BAD_ADDRESS, 0, "", "The name leads to an address that is not on the public internet.");
			return;
		}
		if (flight->naddresses < FETCH_ADDRESSES_MAX)
			flight->addresses[flight->naddresses++] = addresses[i];
	}
	if (fetch_transfer_begin(flight) != 0)
		fetch_finish(flight, FETCH_BROKEN, 0, "", "Out of memory.");
}

static void on_addresses(void *arg, int err, const struct sockaddr_storage *addresses, size_t n)
{
	struct fetch_lookup *lookup = arg;
	struct fetch_flight *flight = lookup->flight;

	free(lookup);
	if (flight == NULL)
		return;
	flight->lookup = NULL;
	if (err != 0 || n == 0)
		fetch_finish(flight, FETCH_DNS, 0, "", err == -ETIMEDOUT ? "The name servers did not answer." : "No such name.");
	else
		take_addresses(flight, addresses, n);
}

static void start_lookup(struct fetch_flight *flight)
{
	struct fetcher *fetcher = flight->fetcher;
	struct fetch_lookup *lookup = malloc(sizeof(*lookup));
	fetch_resolve *resolve = fetcher->resolve != NULL ? fetcher->resolve : fetch_dns_resolve;
	void *resolve_arg = fetcher->resolve != NULL ? fetcher->resolve_arg : fetcher;

	if (lookup != NULL) {
		lookup->flight = flight;
		flight->lookup = lookup;
		if (resolve(resolve_arg, flight->host, on_addresses, lookup) == 0)
			return;
		flight->lookup = NULL;
		free(lookup);
	}
	fetch_finish(flight, FETCH_DNS, 0, "", "The name could not be looked up.");
}

void fetch_start(struct fetch_flight *flight)
{
	if (flight->exempt == NULL) {
		start_lookup(flight);
		return;
	}
	flight->addresses[0] = flight->exempt->address;
	flight->naddresses = 1;
	if (fetch_transfer_begin(flight) != 0)
		fetch_finish(flight, FETCH_BROKEN, 0, "", "Out of memory.");
}

/* fetch_get() may not answer from within, so a flight begins in the loop's next turn. */
static void on_begin(evutil_socket_t fd, short what, void *arg)
{
	struct fetch_flight *flight = arg;

	(void)fd;
	(void)what;
	if (event_assign(flight->timer, flight->fetcher->base, -1, 0, on_timer, flight) != 0 ||
	    arm(flight, flight->deadline_ms - fetch_now_ms() > 0 ? flight->deadline_ms - fetch_now_ms() : 0) != 0)
		fetch_finish(flight, FETCH_BROKEN, 0, "", "Out of memory.");
	else
		fetch_start(flight);
}

/* ---- asking ---- */

static bool is_request(const struct fetch_request *request)
{
	size_t len = request->path != NULL ? strlen(request->path) : 0;

	if (request->host == NULL || request->host[0] == '\0' || strlen(request->host) >= DID_WEB_HOST_SIZE || request->cap == 0)
		return false;
	/* nothing may end the request line, or make a URL of another host of it */
	for (const char *p = request->host; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
			return false;
	for (size_t i = 0; i < len; i++)
		if (request->path[i] <= ' ' || request->path[i] > '~' || request->path[i] == '#')
			return false;
	if (request->accept != NULL && strpbrk(request->accept, "\r\n") != NULL)
		return false;
	return len > 0 && len < URI_PATH_MAX && request->path[0] == '/';
}

static int add_waiter(struct fetch_flight *flight, fetch_on_done *on_done, void *arg)
{
	struct fetch_waiter *waiter = calloc(1, sizeof(*waiter));

	if (waiter == NULL)
		return -ENOMEM;
	waiter->on_done = on_done;
	waiter->arg = arg;
	*flight->last = waiter;
	flight->last = &waiter->next;
	return 0;
}

static struct fetch_flight *find_flight(struct fetcher *fetcher, const uint8_t key[static FETCH_KEY_SIZE])
{
	struct fetch_flight *flight;

	TAILQ_FOREACH(flight, &fetcher->flights, link)
		if (!flight->preset && memcmp(flight->key, key, FETCH_KEY_SIZE) == 0)
			return flight;
	return NULL;
}

static struct fetch_flight *new_flight(struct fetcher *fetcher, const struct fetch_request *request)
{
	struct fetch_flight *flight = calloc(1, sizeof(*flight));
	unsigned total = request->total_ms;

	if (flight == NULL)
		return NULL;
	total = total == 0 || total > FETCH_TOTAL_MS ? FETCH_TOTAL_MS : total;
	flight->fetcher = fetcher;
	flight->last = &flight->waiters;
	flight->tls = !request->http;
	flight->port = request->port != 0 ? request->port : request->http ? 80 : 443;
	flight->cap = request->cap;
	flight->follow = request->redirects;
	flight->hops_left = FETCH_REDIRECTS_MAX;
	flight->deadline_ms = fetch_now_ms() + total;
	(void)snprintf(flight->host, sizeof(flight->host), "%s", request->host);
	(void)snprintf(flight->path, sizeof(flight->path), "%s", request->path);
	flight->accept = strdup(request->accept != NULL ? request->accept : "*/*");
	flight->timer = evtimer_new(fetcher->base, on_begin, flight);
	if (flight->accept == NULL || flight->timer == NULL) {
		free_flight(flight);
		return NULL;
	}
	flight->exempt = fetch_allow_find(fetcher, flight->host, flight->port);
	return flight;
}

/* What needs no network: F2, no plain http, and failures of lately. */
static void judge(struct fetch_flight *flight, bool fresh)
{
	const struct fetch_failure *failure = fresh ? NULL : fetch_memory_find(flight->fetcher, flight->key);

	if (failure != NULL) {
		preset(flight, failure->end, failure->status, failure->why);
		flight->remembered = true;
	} else if (flight->exempt == NULL && !flight->tls) {
		preset(flight, FETCH_NOT_HTTPS, 0, "Plain http is not fetched.");
	} else if (flight->exempt == NULL && !fetch_host_allowed(flight->host)) {
		preset(flight, FETCH_BAD_HOST, 0, "The host is not a public DNS name.");
	} else if (flight->exempt == NULL && flight->port < 1024 && flight->port != 443 && flight->port != 80) {
		preset(flight, FETCH_BAD_HOST, 0, "The port is one of other services.");
	}
}

int fetch_get(struct fetcher *fetcher, const struct fetch_request *request, fetch_on_done *on_done, void *arg)
{
	struct fetch_flight *flight;
	uint8_t key[FETCH_KEY_SIZE];
	int rc;

	if (!is_request(request))
		return -EINVAL;
	fetch_memory_key(key, fetcher, request);
	flight = find_flight(fetcher, key);
	if (flight != NULL)
		return add_waiter(flight, on_done, arg);
	if (fetcher->nflights >= FETCH_FLIGHTS_MAX)
		return -EAGAIN;
	flight = new_flight(fetcher, request);
	if (flight == NULL)
		return -ENOMEM;
	memcpy(flight->key, key, sizeof(key));
	judge(flight, request->fresh);
	rc = add_waiter(flight, on_done, arg);
	if (rc == 0 && flight->preset)
		rc = event_assign(flight->timer, fetcher->base, -1, 0, on_timer, flight) == 0 ? 0 : -ENOMEM;
	if (rc == 0 && !flight->preset)
		rc = (flight->budget = fetch_budget_take(fetcher, flight->host)) != NULL ? 0 : -EAGAIN;
	if (rc == 0)
		rc = arm(flight, 0);
	if (rc != 0) {
		free_flight(flight);
		return rc;
	}
	TAILQ_INSERT_TAIL(&fetcher->flights, flight, link);
	fetcher->nflights++;
	return 0;
}

/* ---- life ---- */

static int take_nameserver(struct fetcher *fetcher, const char *text)
{
	struct sockaddr_storage address;
	int len = sizeof(address);

	if (evutil_parse_sockaddr_port(text, (struct sockaddr *)&address, &len) != 0)
		return -EINVAL;
	fetcher->nameserver = strdup(text);
	return fetcher->nameserver != NULL ? 0 : -ENOMEM;
}

int fetcher_new(struct fetcher **out, struct event_base *base, const struct fetcher_config *config)
{
	static const struct fetcher_config defaults;
	struct fetcher *fetcher = calloc(1, sizeof(*fetcher));
	int rc = fetcher != NULL && sodium_init() >= 0 ? 0 : -ENOMEM;

	config = config != NULL ? config : &defaults;
	if (rc != 0) {
		free(fetcher);
		return rc;
	}
	TAILQ_INIT(&fetcher->flights);
	fetcher->base = base;
	fetcher->per_host = config->per_host != 0 ? config->per_host : 4;
	fetcher->rate = config->rate != 0 ? config->rate : 10;
	fetcher->resolve = config->resolve;
	fetcher->resolve_arg = config->resolve_arg;
	randombytes_buf(fetcher->secret, sizeof(fetcher->secret));
	rc = fetch_allow_parse(fetcher, config->allow);
	if (rc == 0 && config->ca != NULL && config->ca[0] != '\0')
		rc = (fetcher->ca = strdup(config->ca)) != NULL ? 0 : -ENOMEM;
	if (rc == 0 && config->nameserver != NULL && config->nameserver[0] != '\0')
		rc = take_nameserver(fetcher, config->nameserver);
	if (rc == 0)
		rc = fetch_transfer_open(fetcher);
	if (rc != 0) {
		free(fetcher->ca);
		free(fetcher->nameserver);
		free(fetcher);
		return rc;
	}
	*out = fetcher;
	return 0;
}

void fetcher_free(struct fetcher *fetcher)
{
	struct fetch_flight *flight;

	if (fetcher == NULL)
		return;
	while ((flight = TAILQ_FIRST(&fetcher->flights)) != NULL)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): fetch_finish() takes it off the list by TAILQ_REMOVE, which it does not follow */
		fetch_finish(flight, FETCH_CANCELED, 0, "", "The gateway is stopping.");
	fetch_transfer_close(fetcher);
	if (fetcher->dns != NULL)
		evdns_base_free(fetcher->dns, 1);
	free(fetcher->ca);
	free(fetcher->nameserver);
	free(fetcher);
}
