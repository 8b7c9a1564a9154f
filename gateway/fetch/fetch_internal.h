#pragma once
/* Between the files of the fetcher; nobody else includes this. */
#include "gateway/fetch/fetch.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <sys/queue.h>

enum { FETCH_KEY_SIZE = 16, FETCH_SETS = 256, FETCH_WAYS = FETCH_HOSTS_MAX / FETCH_SETS, FETCH_WHY_MAX = 256, FETCH_ALLOW_MAX = 32 };

/* An item of fetch_allow. */
struct fetch_exempt {
	char host[DID_WEB_HOST_SIZE];
	uint16_t port;
	struct sockaddr_storage address;
	uint16_t to_port; /* where the connection goes; as port unless the item says otherwise */
};

struct fetch_waiter {
	fetch_on_done *on_done;
	void *arg;
	struct fetch_waiter *next;
};

/* Budget of a host (F7). */
struct fetch_host {
	char name[DID_WEB_HOST_SIZE]; /* "": free */
	unsigned active;
	int64_t tokens_milli, at_ms;
};

/* A failure remembered (F7). */
struct fetch_failure {
	uint8_t key[FETCH_KEY_SIZE];
	int64_t until_ms; /* 0: free */
	int64_t pause_ms;
	enum fetch_end end;
	long status;
	char why[FETCH_WHY_MAX];
};

struct fetch_lookup;

struct fetch_flight {
	TAILQ_ENTRY(fetch_flight) link;
	struct fetcher *fetcher;
	uint8_t key[FETCH_KEY_SIZE];
	struct fetch_waiter *waiters, **last;
	struct event *timer;
	struct fetch_host *budget; /* NULL: none is held */

	/* what is asked */
	bool tls;
	char host[DID_WEB_HOST_SIZE];
	uint16_t port;
	char path[URI_PATH_MAX];
	char *accept;
	size_t cap;
	unsigned hops_left;
	bool follow;
	int64_t deadline_ms;
	const struct fetch_exempt *exempt;

	/* where to */
	struct fetch_lookup *lookup; /* under way */
	struct sockaddr_storage addresses[FETCH_ADDRESSES_MAX];
	size_t naddresses;

	/* the transfer */
	CURL *easy;
	struct curl_slist *headers, *resolve, *connect_to;
	char error[CURL_ERROR_SIZE];
	uint8_t *body;
	size_t len, room, header_len, passed_over;
	bool too_large, encoded, denied, not_ok;
	bool has_max_age;
	uint64_t max_age_s;

	/* an answer that needs no network, given by the timer */
	bool preset, remembered;
	enum fetch_end end;
	long status;
	char why[FETCH_WHY_MAX];
};

struct fetcher {
	struct event_base *base;
	CURLM *multi;
	struct event *timer; /* curl's */
	struct evdns_base *dns;
	fetch_resolve *resolve;
	void *resolve_arg;
	unsigned per_host, rate;
	char *ca, *nameserver;
	struct fetch_exempt allow[FETCH_ALLOW_MAX];
	size_t nallow;
	TAILQ_HEAD(fetch_flights, fetch_flight) flights;
	size_t nflights;
	uint8_t secret[32]; /* of the tables' hashes */
	struct fetch_host hosts[FETCH_SETS][FETCH_WAYS];
	struct fetch_failure failures[FETCH_SETS][FETCH_WAYS];
};

int64_t fetch_now_ms(void);

/* fetch.c: ends a flight and answers everybody who waits for it. Not from within a curl callback. */
void fetch_finish(struct fetch_flight *flight, enum fetch_end end, long status, const char *content_type, const char *why);
/* fetch.c: looks the host up and goes on from there; again for each redirect. */
void fetch_start(struct fetch_flight *flight);

/* fetch_memory.c */
void fetch_memory_key(uint8_t out[static FETCH_KEY_SIZE], const struct fetcher *fetcher, const struct fetch_request *request);
const struct fetch_failure *fetch_memory_find(struct fetcher *fetcher, const uint8_t key[static FETCH_KEY_SIZE]);
void fetch_memory_note(struct fetcher *fetcher, const uint8_t key[static FETCH_KEY_SIZE], enum fetch_end end, long status,
		       const char *why);
/* Takes one of the host's places. NULL: none is free, or its rate is spent. */
struct fetch_host *fetch_budget_take(struct fetcher *fetcher, const char *name);
void fetch_budget_give(struct fetch_host *budget);
int fetch_allow_parse(struct fetcher *fetcher, const char *text);
const struct fetch_exempt *fetch_allow_find(const struct fetcher *fetcher, const char *host, uint16_t port);

/* fetch_dns.c: fetch_resolve over libevent's resolver; resolve_arg is the fetcher. */
int fetch_dns_resolve(void *resolve_arg, const char *host, fetch_on_addresses *on_addresses, void *arg);

/* fetch_transfer.c */
int fetch_transfer_open(struct fetcher *fetcher);
void fetch_transfer_close(struct fetcher *fetcher);
/* The addresses are checked and stand in the flight. -ENOMEM. */
__attribute__((warn_unused_result)) int fetch_transfer_begin(struct fetch_flight *flight);
void fetch_transfer_end(struct fetch_flight *flight);
