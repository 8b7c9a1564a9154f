/* An entry is one agent at one pair of heads. It is loading (a flight holds it, waiters hang on it) or ready (on the
 * list of last use). A flight is one JSON-RPC batch; an ask is one caller's keys. Entries of old heads are never looked
 * up again and leave at the end of the list. */
#include "gateway/identity/authority.h"
#include "gateway/identity/agent.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	CAPACITY = 4096,
	DEADLINE_MS = 2000,
	FLIGHT_KEYS = 250, /* four calls a key: providers commonly take 1,000 calls a batch */
	PACKED = 8 + 20 + 32 + 32 + 32,
};

struct ask;

struct waiter {
	struct waiter *next; /* on the same entry */
	struct ask *ask;
	size_t index;
};

struct entry {
	struct entry *next; /* in its bucket */
	TAILQ_ENTRY(entry) used;
	struct waiter *waiters; /* while loading */
	bool ready;
	uint8_t packed[PACKED];
	struct agent_key key;
	struct authority verdict;
};

struct ask {
	struct authority_cache *cache;
	authority_on_verdicts *on_verdicts;
	void *arg;
	size_t n, missing;
	int err;
	int64_t confirmed_ms;
	struct heads_set heads;
	struct waiter *waiters;
	struct authority verdicts[];
};

struct flight {
	LIST_ENTRY(flight) link;
	struct authority_cache *cache; /* NULL: the cache was freed meanwhile */
	size_t n;
	struct entry *entries[FLIGHT_KEYS];
};

struct authority_cache {
	struct eth_rpc *rpc;
	const struct heads *heads;
	struct authority_config config;
	struct authority_stats stats;
	unsigned char hash_key[crypto_shorthash_KEYBYTES]; /* ids are chosen by strangers */
	struct entry **buckets;
	size_t nbuckets, nready;
	TAILQ_HEAD(authority_used, entry) used; /* the most recently used first */
	LIST_HEAD(authority_flights, flight) flights;
};

static void pack(uint8_t out[static PACKED], const struct agent_key *key, const struct heads_set *heads)
{
	memcpy(out, &key->chain, 8);
	memcpy(out + 8, key->registry.bytes, 20);
	memcpy(out + 28, key->id.limb, 32);
	memcpy(out + 60, heads->safe.hash.bytes, 32);
	memcpy(out + 92, heads->latest.hash.bytes, 32);
}

static struct entry **find(struct authority_cache *cache, const uint8_t packed[static PACKED])
{
	unsigned char hash[crypto_shorthash_BYTES];
	struct entry **at;
	uint64_t number;

	(void)crypto_shorthash(hash, packed, PACKED, cache->hash_key);
	memcpy(&number, hash, sizeof(number));
	at = &cache->buckets[number & (cache->nbuckets - 1)];
	while (*at != NULL && memcmp((*at)->packed, packed, PACKED) != 0)
		at = &(*at)->next;
	return at;
}

static void unlink_and_free(struct authority_cache *cache, struct entry *entry)
{
	struct entry **at = find(cache, entry->packed);

	*at = entry->next;
	free(entry);
}

/* Only a ready entry is on the list of last use. */
static void forget_ready(struct authority_cache *cache, struct entry *entry)
{
	TAILQ_REMOVE(&cache->used, entry, used);
	cache->nready--;
	unlink_and_free(cache, entry);
}

static void touch(struct authority_cache *cache, struct entry *entry)
{
	TAILQ_REMOVE(&cache->used, entry, used);
	TAILQ_INSERT_HEAD(&cache->used, entry, used);
}

int authority_peek(struct authority *out, struct authority_cache *cache, const struct agent_key *key)
{
	const struct heads_set *heads;
	uint8_t packed[PACKED];
	struct entry *entry;
	int err = heads_get(&heads, cache->heads, cache->config.max_age_ms);

	if (err != 0)
		return err;
	pack(packed, key, heads);
	entry = *find(cache, packed);
	if (entry == NULL || !entry->ready)
		return -ENOENT;
	cache->stats.hits++;
	touch(cache, entry);
	*out = entry->verdict;
	return 0;
}

/* May verdicts read at those heads be given out now: they were confirmed lately, or still are the heads. */
static bool is_current(const struct ask *ask)
{
	const struct authority_cache *cache = ask->cache;
	const struct heads_set *now;

	if (heads_now_ms() - ask->confirmed_ms <= cache->config.max_age_ms)
		return true;
	return heads_get(&now, cache->heads, cache->config.max_age_ms) == 0 &&
	       memcmp(&now->safe.hash, &ask->heads.safe.hash, sizeof(now->safe.hash)) == 0 &&
	       memcmp(&now->latest.hash, &ask->heads.latest.hash, sizeof(now->latest.hash)) == 0;
}

static void ask_done(struct ask *ask)
{
	if (ask->err == 0 && !is_current(ask))
		ask->err = -EAGAIN;
	if (ask->err != 0)
		ask->cache->stats.failures++;
	ask->on_verdicts(ask->arg, ask->err, ask->err == 0 ? ask->verdicts : NULL, ask->err == 0 ? ask->n : 0);
	free(ask->waiters);
	free(ask);
}

static void ask_count_down(struct ask *ask)
{
	if (--ask->missing == 0)
		ask_done(ask);
}

/* Gives the verdict to all who wait. With an error of the whole read, that is the error of their whole ask. */
static void wake(struct entry *entry, int err)
{
	struct waiter *waiter = entry->waiters, *next;

	entry->waiters = NULL;
	for (; waiter != NULL; waiter = next) {
		struct ask *ask = waiter->ask;

		next = waiter->next; /* the waiter goes with its ask */
		if (err != 0)
			ask->err = ask->err != 0 ? ask->err : err;
		else
			ask->verdicts[waiter->index] = entry->verdict;
		ask_count_down(ask);
	}
}

static void evict(struct authority_cache *cache)
{
	while (cache->nready > cache->config.capacity) {
		cache->stats.evicted++;
		forget_ready(cache, TAILQ_LAST(&cache->used, authority_used));
	}
}

static void fill(struct authority_at *out, const struct agent_state *state)
{
	*out = (struct authority_at){.exists = state->exists, .owner = state->owner, .wallet = state->wallet};
}

/* What could not be read is not kept: the next ask reads again. */
static void settle_failed(struct authority_cache *cache, struct entry *entry, int err)
{
	wake(entry, err);
	unlink_and_free(cache, entry);
}

static void settle(struct authority_cache *cache, struct entry *entry, const struct agent_answer pair[static 2])
{
	int err = pair[0].err != 0 ? pair[0].err : pair[1].err;

	if (err != 0) {
		entry->verdict.err = err == -ESTALE ? -EAGAIN : err;
		settle_failed(cache, entry, 0);
		return;
	}
	fill(&entry->verdict.safe, &pair[0].state);
	fill(&entry->verdict.latest, &pair[1].state);
	entry->ready = true;
	TAILQ_INSERT_HEAD(&cache->used, entry, used);
	cache->nready++;
	wake(entry, 0);
}

static void on_flight(void *arg, int err, struct agent_answer *answers, size_t n)
{
	struct flight *flight = arg;
	struct authority_cache *cache = flight->cache;

	(void)n;
	if (cache != NULL) {
		LIST_REMOVE(flight, link);
		for (size_t i = 0; i < flight->n; i++)
			if (err != 0)
				settle_failed(cache, flight->entries[i], err);
			else
				settle(cache, flight->entries[i], &answers[2 * i]);
		evict(cache);
	}
	free(flight);
}

static void take_off(struct authority_cache *cache, struct flight *flight)
{
	struct agent_query queries[2 * FLIGHT_KEYS];
	int err;

	for (size_t i = 0; i < flight->n; i++) {
		const struct entry *entry = flight->entries[i];

		queries[2 * i] = (struct agent_query){.key = entry->key, .block = entry->verdict.safe_block.hash};
		queries[2 * i + 1] = (struct agent_query){.key = entry->key, .block = entry->verdict.latest_block.hash};
	}
	LIST_INSERT_HEAD(&cache->flights, flight, link);
	err = agent_read(cache->rpc, queries, 2 * flight->n, cache->config.deadline_ms, on_flight, flight);
	if (err != 0)
		on_flight(flight, err, NULL, 0);
}

static struct entry *new_entry(struct entry **at, const uint8_t packed[static PACKED], const struct agent_key *key,
			       const struct heads_set *heads)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return NULL;
	memcpy(entry->packed, packed, PACKED);
	entry->key = *key;
	entry->verdict.safe_block = heads->safe;
	entry->verdict.latest_block = heads->latest;
	*at = entry;
	return entry;
}

/* The key's verdict now, or a place in the queue for it. Returns the entry if it has still to be put on a flight. */
static struct entry *seek(struct ask *ask, size_t index, const struct agent_key *key)
{
	struct authority_cache *cache = ask->cache;
	uint8_t packed[PACKED];
	struct entry **at, *entry, *fresh = NULL;

	pack(packed, key, &ask->heads);
	at = find(cache, packed);
	entry = *at;
	if (entry != NULL && entry->ready) {
		cache->stats.hits++;
		touch(cache, entry);
		ask->verdicts[index] = entry->verdict;
		return NULL;
	}
	if (entry == NULL) {
		cache->stats.misses++;
		entry = fresh = new_entry(at, packed, key, &ask->heads);
	} else {
		cache->stats.joined++;
	}
	if (entry == NULL) {
		ask->err = -ENOMEM;
		return NULL;
	}
	ask->waiters[index] = (struct waiter){.next = entry->waiters, .ask = ask, .index = index};
	entry->waiters = &ask->waiters[index];
	ask->missing++;
	return fresh;
}

static struct ask *new_ask(struct authority_cache *cache, const struct heads_set *heads, size_t n)
{
	struct ask *ask = calloc(1, sizeof(*ask) + n * sizeof(ask->verdicts[0]));

	if (ask == NULL)
		return NULL;
	ask->waiters = calloc(n, sizeof(*ask->waiters));
	if (ask->waiters == NULL) {
		free(ask);
		return NULL;
	}
	ask->cache = cache;
	ask->n = n;
	ask->heads = *heads;
	ask->confirmed_ms = cache->heads->confirmed_ms;
	ask->missing = 1; /* this function's own, so that it cannot end before all keys were looked at */
	return ask;
}

int authority_get_many(struct authority_cache *cache, const struct agent_key *keys, size_t n,
		       authority_on_verdicts *on_verdicts, void *arg)
{
	const struct heads_set *heads;
	struct flight *flight = NULL;
	struct ask *ask;
	int err = heads_get(&heads, cache->heads, cache->config.max_age_ms);

	if (n == 0)
		return -EINVAL;
	if (n > AUTHORITY_KEYS_MAX)
		return -EOVERFLOW;
	if (err != 0)
		return err;
	ask = new_ask(cache, heads, n);
	if (ask == NULL)
		return -ENOMEM;
	ask->on_verdicts = on_verdicts;
	ask->arg = arg;
	for (size_t i = 0; i < n; i++) {
		struct entry *entry = seek(ask, i, &keys[i]);

		if (entry == NULL)
			continue;
		if (flight == NULL)
			flight = calloc(1, sizeof(*flight));
		if (flight == NULL) {
			settle_failed(cache, entry, -ENOMEM);
			continue;
		}
		flight->cache = cache;
		flight->entries[flight->n++] = entry;
		if (flight->n == FLIGHT_KEYS) {
			take_off(cache, flight);
			flight = NULL;
		}
	}
	if (flight != NULL)
		take_off(cache, flight);
	ask_count_down(ask);
	return 0;
}

int authority_get(struct authority_cache *cache, const struct agent_key *key, authority_on_verdicts *on_verdicts,
		  void *arg)
{
	return authority_get_many(cache, key, 1, on_verdicts, arg);
}

int authority_new(struct authority_cache **out, struct eth_rpc *rpc, const struct heads *heads,
		  const struct authority_config *config)
{
	struct authority_cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL)
		return -ENOMEM;
	cache->rpc = rpc;
	cache->heads = heads;
	if (config != NULL)
		cache->config = *config;
	if (cache->config.capacity == 0)
		cache->config.capacity = CAPACITY;
	if (cache->config.max_age_ms == 0)
		cache->config.max_age_ms = HEADS_AGE_MAX_MS;
	if (cache->config.deadline_ms == 0)
		cache->config.deadline_ms = DEADLINE_MS;
	for (cache->nbuckets = 64; cache->nbuckets < 2 * cache->config.capacity;)
		cache->nbuckets *= 2;
	cache->buckets = calloc(cache->nbuckets, sizeof(struct entry *));
	if (cache->buckets == NULL) {
		free(cache);
		return -ENOMEM;
	}
	randombytes_buf(cache->hash_key, sizeof(cache->hash_key));
	TAILQ_INIT(&cache->used);
	LIST_INIT(&cache->flights);
	*out = cache;
	return 0;
}

void authority_free(struct authority_cache *cache)
{
	struct entry *entry, *next;
	struct flight *flight;

	if (cache == NULL)
		return;
	for (flight = LIST_FIRST(&cache->flights); flight != NULL; flight = LIST_NEXT(flight, link)) {
		flight->cache = NULL; /* the node's answer will find nobody */
		for (size_t i = 0; i < flight->n; i++)
			settle_failed(cache, flight->entries[i], -ECANCELED);
	}
	for (entry = TAILQ_FIRST(&cache->used); entry != NULL; entry = next) {
		next = TAILQ_NEXT(entry, used);
		free(entry);
	}
	free(cache->buckets);
	free(cache);
}

void authority_stats(const struct authority_cache *cache, struct authority_stats *out)
{
	*out = cache->stats;
}

static enum authority_role role_at(const struct authority_at *at, const struct eth_address *signer)
{
	if (!at->exists || address_is_zero(signer))
		return AUTHORITY_NONE;
	if (address_equal(&at->wallet, signer))
		return AUTHORITY_WALLET;
	return address_equal(&at->owner, signer) ? AUTHORITY_OWNER : AUTHORITY_NONE;
}

enum authority_role authority_role(const struct authority *verdict, const struct eth_address *signer)
{
	if (verdict->err != 0 || role_at(&verdict->latest, signer) == AUTHORITY_NONE)
		return AUTHORITY_NONE;
	return role_at(&verdict->safe, signer);
}
