/* Other hosts' did:web: a table of what is known, a list of what is under way. */
#include "gateway/fetch/foreign.h"

#include "did/foreign_document.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { BUCKETS = 512, WHY_MAX = FOREIGN_DOCUMENT_WHY_SIZE, PAUSE_MS = 5000, PAUSE_MAX_MS = 30000 };

static const char media_types[] = "application/did, application/did+json, application/did+ld+json, application/json";

struct waiter {
	foreign_on_done *on_done;
	void *arg;
	SLIST_ENTRY(waiter) link;
};

/* What is known of a DID. */
struct entry {
	TAILQ_ENTRY(entry) in_bucket, by_use;
	enum foreign_end end;
	uint64_t until_ms, pause_ms; /* of failures: how long the last was remembered */
	char *text;
	size_t len, size;
	char why[WHY_MAX];
	char did[];
};
TAILQ_HEAD(entries, entry);

struct flight {
	TAILQ_ENTRY(flight) link;
	struct foreign *foreign;
	SLIST_HEAD(, waiter) waiters; /* the latest first */
	char did[];
};

struct foreign {
	struct fetcher *fetcher;
	uint8_t secret[crypto_shorthash_KEYBYTES]; /* so that nobody can fill one bucket */
	struct entries buckets[BUCKETS];
	struct entries used; /* the latest first */
	size_t entries, bytes;
	TAILQ_HEAD(flights, flight) flights;
	size_t nflights;
	uint64_t tokens_milli, at_ms;
};

/* ---- memory ---- */

static struct entries *bucket_of(struct foreign *foreign, const char *did)
{
	uint8_t hash[crypto_shorthash_BYTES];

	crypto_shorthash(hash, (const uint8_t *)did, strlen(did), foreign->secret);
	return &foreign->buckets[(hash[0] | hash[1] << 8) % BUCKETS];
}

static struct entry *find_entry(struct foreign *foreign, const char *did)
{
	struct entry *entry;

	TAILQ_FOREACH(entry, bucket_of(foreign, did), in_bucket)
		if (strcmp(entry->did, did) == 0)
			return entry;
	return NULL;
}

static void drop(struct foreign *foreign, struct entry *entry)
{
	TAILQ_REMOVE(bucket_of(foreign, entry->did), entry, in_bucket);
	TAILQ_REMOVE(&foreign->used, entry, by_use);
	foreign->entries--;
	foreign->bytes -= entry->size;
	free(entry->text);
	free(entry);
}

static void touch(struct foreign *foreign, struct entry *entry)
{
	TAILQ_REMOVE(&foreign->used, entry, by_use);
	TAILQ_INSERT_HEAD(&foreign->used, entry, by_use);
}

/* Failures double their pause while they go on; the doubling ends when the DID was left alone for long. */
static uint64_t pause_after(const struct entry *before, uint64_t now)
{
	if (!before || before->end == FOREIGN_OK || now > before->until_ms + PAUSE_MAX_MS)
		return PAUSE_MS;
	return before->pause_ms * 2 < PAUSE_MAX_MS ? before->pause_ms * 2 : PAUSE_MAX_MS;
}

/* Takes the place of what was known; what cannot be kept is not known. */
static void remember(struct foreign *foreign, const char *did, const struct foreign_answer *answer, uint64_t keep_ms)
{
	size_t did_size = strlen(did) + 1, size = sizeof(struct entry) + did_size + answer->len;
	struct entry *before = find_entry(foreign, did), *entry;

	if (before)
		drop(foreign, before);
	if (keep_ms == 0)
		return;
	while (foreign->entries > 0 && (foreign->entries >= FOREIGN_ENTRIES_MAX || foreign->bytes + size > FOREIGN_BYTES_MAX))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): drop() takes it off the list by TAILQ_REMOVE, which it does not follow */
		drop(foreign, TAILQ_LAST(&foreign->used, entries));
	entry = calloc(1, sizeof(*entry) + did_size);
	if (!entry)
		return;
	entry->text = answer->len > 0 ? malloc(answer->len) : NULL;
	if (answer->len > 0 && !entry->text) {
		free(entry);
		return;
	}
	if (answer->len > 0)
		memcpy(entry->text, answer->text, answer->len);
	memcpy(entry->did, did, did_size);
	snprintf(entry->why, sizeof(entry->why), "%s", answer->why);
	entry->end = answer->end;
	entry->len = answer->len;
	entry->size = size;
	entry->pause_ms = keep_ms;
	entry->until_ms = clock_steady_ms() + keep_ms;
	TAILQ_INSERT_HEAD(bucket_of(foreign, did), entry, in_bucket);
	TAILQ_INSERT_HEAD(&foreign->used, entry, by_use);
	foreign->entries++;
	foreign->bytes += size;
}

/* ---- what an answer means ---- */

static const char *sentence(enum fetch_end end)
{
	switch (end) {
	case FETCH_REDIRECT:
		return "The host redirects, which is not followed.";
	case FETCH_BAD_HOST:
		return "The host or its port is none that is asked.";
	case FETCH_BAD_ADDRESS:
		return "The host's name leads to an address that is not on the public internet.";
	case FETCH_NOT_HTTPS:
		return "Plain http is not asked.";
	case FETCH_DNS:
		return "The host's name has no address, or its name servers do not answer.";
	case FETCH_CONNECT:
		return "The host cannot be connected to.";
	case FETCH_TLS:
		return "The host has no certificate that can be trusted, or speaks no TLS.";
	case FETCH_TIMEOUT:
		return "The host's answer did not come in time.";
	case FETCH_TOO_LARGE:
		return "The host's answer is larger than 64 KiB.";
	case FETCH_ENCODED:
		return "The host's answer is compressed, though that was not asked for.";
	case FETCH_CANCELED:
		return "The gateway is stopping.";
	case FETCH_OK:
	case FETCH_HTTP:
	case FETCH_BROKEN:
		break;
	}
	return "The host's answer is not HTTP, or was cut short.";
}

/* F6 */
static void judge(struct foreign_answer *out, char why[static WHY_MAX], const struct fetch_answer *got, const char *did)
{
	json_t *document = NULL;
	int rc;

	*out = (struct foreign_answer){.end = FOREIGN_FAILED, .why = why};
	if (got->end == FETCH_HTTP && (got->status == 404 || got->status == 410)) {
		out->end = FOREIGN_NOT_FOUND;
		snprintf(why, WHY_MAX, "The host answers %ld.", got->status);
	} else if (got->end == FETCH_HTTP) {
		snprintf(why, WHY_MAX, "The host answers %ld.", got->status);
	} else if (got->end != FETCH_OK) {
		snprintf(why, WHY_MAX, "%s", sentence(got->end));
	} else {
		rc = foreign_document_parse(&document, why, got->body, got->len, did);
		json_decref(document);
		out->end = rc == 0 ? FOREIGN_OK : rc == -EBADMSG ? FOREIGN_INVALID_DOCUMENT : FOREIGN_BUSY;
	}
	if (out->end == FOREIGN_OK) {
		out->text = (const char *)got->body;
		out->len = got->len;
	}
}

static uint64_t fresh_ms(const struct fetch_answer *got)
{
	uint64_t seconds = got->has_max_age ? got->max_age_s : FOREIGN_FRESH_S;

	return (seconds < FOREIGN_FRESH_MAX_S ? seconds : FOREIGN_FRESH_MAX_S) * 1000;
}

/* ---- flights ---- */

static struct flight *find_flight(struct foreign *foreign, const char *did)
{
	struct flight *flight;

	TAILQ_FOREACH(flight, &foreign->flights, link)
		if (strcmp(flight->did, did) == 0)
			return flight;
	return NULL;
}

static void count(enum foreign_end end)
{
	metrics_add(end == FOREIGN_OK ? METRIC_FOREIGN_OK : METRIC_FOREIGN_FAILED, 1);
}

/* Whoever passes over what is remembered asks for himself: that a host does not answer him, perhaps because he asked so often, takes a
 * document that is still good from nobody. That there is none any more does. */
static bool stays_known(const struct entry *before, enum foreign_end end, uint64_t now)
{
	return before && before->end == FOREIGN_OK && now < before->until_ms && end == FOREIGN_FAILED;
}

static void on_fetched(void *arg, const struct fetch_answer *got)
{
	struct flight *flight = arg;
	struct foreign *foreign = flight->foreign;
	const struct entry *before = find_entry(foreign, flight->did);
	struct foreign_answer answer;
	struct waiter *waiter;
	char why[WHY_MAX] = "";
	uint64_t keep_ms, now = clock_steady_ms();

	judge(&answer, why, got, flight->did);
	count(answer.end);
	keep_ms = answer.end == FOREIGN_OK ? fresh_ms(got) : pause_after(before, now);
	answer.seconds = (unsigned)(keep_ms / 1000);
	if (got->end != FETCH_CANCELED && answer.end != FOREIGN_BUSY && !stays_known(before, answer.end, now))
		remember(foreign, flight->did, &answer, keep_ms);
	/* off the list first: who asks the same from a callback finds what is remembered, or starts a new flight */
	TAILQ_REMOVE(&foreign->flights, flight, link);
	foreign->nflights--;
	while ((waiter = SLIST_FIRST(&flight->waiters))) {
		SLIST_REMOVE_HEAD(&flight->waiters, link);
		waiter->on_done(waiter->arg, &answer);
		free(waiter);
	}
	free(flight);
}

static bool take_token(struct foreign *foreign)
{
	uint64_t now = clock_steady_ms(), passed = now - foreign->at_ms, most = UINT64_C(2000) * FOREIGN_RATE;

	foreign->at_ms = now;
	/* rate tokens a second is rate thousandths a millisecond */
	foreign->tokens_milli += (passed < 60000 ? passed : 60000) * FOREIGN_RATE;
	foreign->tokens_milli = foreign->tokens_milli < most ? foreign->tokens_milli : most;
	if (foreign->tokens_milli < 1000)
		return false;
	foreign->tokens_milli -= 1000;
	return true;
}

static int ask(struct flight *flight, const struct did_web *web, bool no_cache)
{
	struct fetch_request request = {.host = web->host, .port = web->port, .accept = media_types, .cap = FOREIGN_DOCUMENT_MAX, .fresh = no_cache};
	char url[DID_WEB_URL_SIZE];
	int rc = did_web_url(url, sizeof(url), web);

	if (rc != 0)
		return rc;
	request.path = strchr(url + strlen("https://"), '/');
	return fetch_get(flight->foreign->fetcher, &request, on_fetched, flight);
}

/* NULL: nothing was begun. */
static struct flight *start(struct foreign *foreign, const char *did, const struct did_web *web, bool no_cache)
{
	size_t size = strlen(did) + 1;
	struct flight *flight;

	if (foreign->nflights >= FOREIGN_FLIGHTS_MAX || !take_token(foreign))
		return NULL;
	flight = calloc(1, sizeof(*flight) + size);
	if (!flight)
		return NULL;
	flight->foreign = foreign;
	memcpy(flight->did, did, size);
	if (ask(flight, web, no_cache) != 0) {
		/* nobody was asked */
		foreign->tokens_milli += 1000;
		free(flight);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&foreign->flights, flight, link);
	foreign->nflights++;
	return flight;
}

/* ---- asking ---- */

static void answer_remembered(struct foreign *foreign, struct entry *entry, foreign_on_done *on_done, void *arg)
{
	uint64_t left = entry->until_ms - clock_steady_ms();

	touch(foreign, entry);
	metrics_add(METRIC_FOREIGN_REMEMBERED, 1);
	on_done(arg, &(struct foreign_answer){.end = entry->end, .text = entry->text, .len = entry->len, .why = entry->why,
					      .seconds = (unsigned)((left + 999) / 1000), .remembered = true});
}

void foreign_get(struct foreign *foreign, const char *did, size_t len, bool no_cache, foreign_on_done *on_done, void *arg)
{
	struct waiter *waiter;
	struct flight *flight;
	struct entry *entry;
	struct did_web web;
	char name[DID_MAX + 1];

	if (did_web_parse(&web, did, len) != 0) {
		on_done(arg, &(struct foreign_answer){.end = FOREIGN_INVALID_DID, .why = "Not a did:web that may be resolved."});
		return;
	}
	memcpy(name, did, len);
	name[len] = '\0';
	entry = no_cache ? NULL : find_entry(foreign, name);
	if (entry && clock_steady_ms() < entry->until_ms) {
		answer_remembered(foreign, entry, on_done, arg);
		return;
	}
	waiter = calloc(1, sizeof(*waiter));
	flight = waiter ? find_flight(foreign, name) : NULL;
	if (waiter && !flight)
		flight = start(foreign, name, &web, no_cache);
	if (flight) {
		waiter->on_done = on_done;
		waiter->arg = arg;
		SLIST_INSERT_HEAD(&flight->waiters, waiter, link);
		return;
	}
	free(waiter);
	metrics_add(METRIC_FOREIGN_BUSY, 1);
	on_done(arg, &(struct foreign_answer){.end = FOREIGN_BUSY, .seconds = 1,
					      .why = "Too many documents of other hosts, or of this host, are asked for now."});
}

/* ---- life ---- */

int foreign_new(struct foreign **out, struct fetcher *fetcher)
{
	struct foreign *foreign = sodium_init() >= 0 ? calloc(1, sizeof(*foreign)) : NULL;

	if (!foreign)
		return -ENOMEM;
	foreign->fetcher = fetcher;
	randombytes_buf(foreign->secret, sizeof(foreign->secret));
	for (size_t i = 0; i < BUCKETS; i++)
		TAILQ_INIT(&foreign->buckets[i]);
	TAILQ_INIT(&foreign->used);
	TAILQ_INIT(&foreign->flights);
	foreign->tokens_milli = UINT64_C(2000) * FOREIGN_RATE;
	foreign->at_ms = clock_steady_ms();
	*out = foreign;
	return 0;
}

void foreign_free(struct foreign *foreign)
{
	struct entry *entry;

	if (!foreign)
		return;
	while ((entry = TAILQ_FIRST(&foreign->used)))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): drop() takes it off the list by TAILQ_REMOVE, which it does not follow */
		drop(foreign, entry);
	free(foreign);
}
