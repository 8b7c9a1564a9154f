/* What the fetcher remembers: failures, what hosts have used of their budget, and the exemptions of tests. Two small
 * set-associative tables: bounded, keyed by a secret hash, so that nobody can aim at a slot. */
#include "gateway/fetch/fetch_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t fetch_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void hash_text(crypto_generichash_state *state, const char *text)
{
	crypto_generichash_update(state, (const uint8_t *)text, strlen(text) + 1);
}

void fetch_memory_key(uint8_t out[static FETCH_KEY_SIZE], const struct fetcher *fetcher, const struct fetch_request *request)
{
	uint64_t numbers[4] = {request->port, request->http, request->cap, request->redirects};
	crypto_generichash_state state;

	crypto_generichash_init(&state, fetcher->secret, sizeof(fetcher->secret), FETCH_KEY_SIZE);
	crypto_generichash_update(&state, (const uint8_t *)numbers, sizeof(numbers));
	hash_text(&state, request->host);
	hash_text(&state, request->path);
	hash_text(&state, request->accept != NULL ? request->accept : "");
	crypto_generichash_final(&state, out, FETCH_KEY_SIZE);
}

static struct fetch_failure *find_failure(struct fetcher *fetcher, const uint8_t key[static FETCH_KEY_SIZE])
{
	struct fetch_failure *set = fetcher->failures[key[0]];

	for (size_t i = 0; i < FETCH_WAYS; i++)
		if (set[i].until_ms != 0 && memcmp(set[i].key, key, FETCH_KEY_SIZE) == 0)
			return &set[i];
	return NULL;
}

const struct fetch_failure *fetch_memory_find(struct fetcher *fetcher, const uint8_t key[static FETCH_KEY_SIZE])
{
	const struct fetch_failure *failure = find_failure(fetcher, key);

	return failure != NULL && fetch_now_ms() < failure->until_ms ? failure : NULL;
}

void fetch_memory_note(struct fetcher *fetcher, const uint8_t key[static FETCH_KEY_SIZE], enum fetch_end end, long status,
		       const char *why)
{
	struct fetch_failure *set = fetcher->failures[key[0]], *failure = find_failure(fetcher, key);
	int64_t now = fetch_now_ms();

	if (end == FETCH_OK || end == FETCH_CANCELED) {
		if (failure != NULL && end == FETCH_OK)
			failure->until_ms = 0;
		return;
	}
	if (failure == NULL) {
		failure = set;
		for (size_t i = 1; i < FETCH_WAYS; i++)
			if (set[i].until_ms < failure->until_ms)
				failure = &set[i];
		failure->pause_ms = FETCH_NEGATIVE_MS / 2;
	}
	memcpy(failure->key, key, FETCH_KEY_SIZE);
	/* the doubling ends when the URL was left alone for long */
	if (now - failure->until_ms > FETCH_NEGATIVE_MAX_MS)
		failure->pause_ms = FETCH_NEGATIVE_MS / 2;
	failure->pause_ms = failure->pause_ms * 2 < FETCH_NEGATIVE_MAX_MS ? failure->pause_ms * 2 : FETCH_NEGATIVE_MAX_MS;
	failure->until_ms = now + failure->pause_ms;
	failure->end = end;
	failure->status = status;
	(void)snprintf(failure->why, sizeof(failure->why), "%s", why);
}

/* ---- budgets ---- */

static struct fetch_host *find_host(struct fetcher *fetcher, const char *name)
{
	struct fetch_host *set, *oldest = NULL;
	uint8_t hash[crypto_generichash_BYTES_MIN];

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)name, strlen(name), fetcher->secret, sizeof(fetcher->secret));
	set = fetcher->hosts[hash[0]];
	for (size_t i = 0; i < FETCH_WAYS; i++) {
		if (strcmp(set[i].name, name) == 0)
			return &set[i];
		if (set[i].active == 0 && (oldest == NULL || set[i].at_ms < oldest->at_ms))
			oldest = &set[i];
	}
	if (oldest != NULL) {
		memset(oldest, 0, sizeof(*oldest));
		(void)snprintf(oldest->name, sizeof(oldest->name), "%s", name);
		oldest->tokens_milli = (int64_t)fetcher->rate * 2000;
		oldest->at_ms = fetch_now_ms();
	}
	return oldest;
}

struct fetch_host *fetch_budget_take(struct fetcher *fetcher, const char *name)
{
	struct fetch_host *host = find_host(fetcher, name);
	int64_t now = fetch_now_ms(), most = (int64_t)fetcher->rate * 2000;

	if (host == NULL)
		return NULL;
	/* rate tokens a second is rate thousandths a millisecond */
	host->tokens_milli += (now - host->at_ms < 60000 ? now - host->at_ms : 60000) * (int64_t)fetcher->rate;
	host->tokens_milli = host->tokens_milli < most ? host->tokens_milli : most;
	host->at_ms = now;
	if (host->active >= fetcher->per_host || host->tokens_milli < 1000)
		return NULL;
	host->tokens_milli -= 1000;
	host->active++;
	return host;
}

void fetch_budget_give(struct fetch_host *budget)
{
	budget->active--;
}

/* ---- exemptions ---- */

static int parse_address(struct sockaddr_storage *out, const char *text, uint16_t port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		memcpy(out, &v4, sizeof(v4));
	else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		memcpy(out, &v6, sizeof(v6));
	else
		return -EINVAL;
	return 0;
}

static int parse_port(uint16_t *out, const char *text)
{
	unsigned long port;
	char *end;

	if (*text < '1' || *text > '9')
		return -EINVAL;
	port = strtoul(text, &end, 10);
	*out = (uint16_t)port;
	return *end == '\0' && port <= 65535 ? 0 : -EINVAL;
}

/* HOST:PORT=ADDRESS or HOST:PORT=ADDRESS@PORT */
static int parse_item(struct fetch_exempt *out, const char *text, size_t len)
{
	char item[DID_WEB_HOST_SIZE + 64], *equals, *colon, *at;

	if (len >= sizeof(item))
		return -EINVAL;
	memcpy(item, text, len);
	item[len] = '\0';
	equals = strchr(item, '=');
	colon = strchr(item, ':');
	if (equals == NULL || colon == NULL || colon > equals || colon == item || colon - item >= DID_WEB_HOST_SIZE)
		return -EINVAL;
	*equals = *colon = '\0';
	at = strchr(equals + 1, '@');
	if (parse_port(&out->port, colon + 1) != 0 || parse_port(&out->to_port, at != NULL ? at + 1 : colon + 1) != 0)
		return -EINVAL;
	if (at != NULL)
		*at = '\0';
	memcpy(out->host, item, strlen(item) + 1);
	return parse_address(&out->address, equals + 1, out->port);
}

int fetch_allow_parse(struct fetcher *fetcher, const char *text)
{
	while (text != NULL && *(text += strspn(text, " ")) != '\0') {
		size_t len = strcspn(text, " ");

		if (fetcher->nallow == FETCH_ALLOW_MAX || parse_item(&fetcher->allow[fetcher->nallow], text, len) != 0)
			return -EINVAL;
		fetcher->nallow++;
		text += len;
	}
	return 0;
}

const struct fetch_exempt *fetch_allow_find(const struct fetcher *fetcher, const char *host, uint16_t port)
{
	for (size_t i = 0; i < fetcher->nallow; i++)
		if (fetcher->allow[i].port == port && strcmp(fetcher->allow[i].host, host) == 0)
			return &fetcher->allow[i];
	return NULL;
}
