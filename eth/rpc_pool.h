#pragma once
/* Which provider is asked, and when: what is known of each provider, and the choice. Pure: no I/O and no clock; times
 * are milliseconds of any clock that does not go back, given by the caller. Used by rpc_batch.c.
 *
 * The choice, best first: (1) well, (2) four times slower than the fastest that is well, (3) resting after failures;
 * within each the order of the configuration, so that the next one gets what the connections of the first do not take.
 * Distrusted ones only when there is no other, the one distrusted longest ago first. Not now: no free connection, asked
 * to be left alone (Retry-After, or a refusal for the rate), out of tokens; then the answer is when.
 *
 * A failure in a row: rests 100 ms × 1.5^n, at most 5 s. An untruth: set aside for 5 s × 4^n, at most 10 minutes.
 *
 * Rate: no limit is assumed until a provider refuses for the rate. Then a token bucket is filled at 3/4 of what was
 * sent in the second before, 5 % slower for each further refusal and 5 % faster for each second's worth of answers,
 * between 3 and 500 a second; above that the limit is forgotten (ponder's numbers). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ETH_RPC_POOL_MAX = 16 };

enum eth_rpc_pool_end {
	ETH_RPC_POOL_ANSWERED, /* a readable answer, errors of single calls included */
	ETH_RPC_POOL_LIMITED,  /* too many requests */
	ETH_RPC_POOL_FAILED,   /* not reached, silent, HTTP status, unreadable */
	ETH_RPC_POOL_ABORTED,  /* taken back by this side: says nothing */
};

struct eth_rpc_pool_provider {
	unsigned busy, in_a_row;
	unsigned rate;	       /* milli-requests a second; 0 no limit known */
	int64_t tokens;	       /* milli-requests */
	int64_t filled_ms;     /* when tokens was right */
	int64_t window_ms;     /* the second being counted */
	unsigned sent, before; /* starts in it, and in the one before */
	unsigned good;	       /* answers since the rate was last raised */
	int64_t closed_ms;     /* not before: asked to be left alone */
	int64_t resting_ms;    /* others first until then */
	int64_t aside_ms;      /* distrusted until then */
	int64_t distrusted_ms; /* when last */
	unsigned distrusts;    /* in a row, forgotten after an hour */
	unsigned latency_ms;
	int64_t latency_at_ms;
};

struct eth_rpc_pool {
	unsigned n, connections;
	struct eth_rpc_pool_provider providers[ETH_RPC_POOL_MAX];
};

/* n from 1 to ETH_RPC_POOL_MAX; connections at least 1, for each provider. */
void eth_rpc_pool_init(struct eth_rpc_pool *pool, unsigned n, unsigned connections);

/* The best of those whose bit is set in `among`. Returns the index, or -1 with *when_ms: when to ask again, INT64_MAX
 * when only the end of a request can change it. */
int eth_rpc_pool_choose(int64_t *when_ms, const struct eth_rpc_pool *pool, uint32_t among, int64_t now_ms);

/* The providers among those that are not asked to be left alone beyond until_ms. */
uint32_t eth_rpc_pool_open(const struct eth_rpc_pool *pool, uint32_t among, int64_t until_ms);

/* A request goes to it. */
void eth_rpc_pool_start(struct eth_rpc_pool *pool, unsigned provider, int64_t now_ms);
/* It ended, after took_ms. retry_after_ms: what the provider asked for, 0 if nothing; bounded by 30 s. */
void eth_rpc_pool_end(struct eth_rpc_pool *pool, unsigned provider, enum eth_rpc_pool_end end, int64_t now_ms,
		      int64_t took_ms, int64_t retry_after_ms);
/* Caught in an untruth. */
void eth_rpc_pool_distrust(struct eth_rpc_pool *pool, unsigned provider, int64_t now_ms);

/* How long a request may take when left_ms are left and `others` more providers could be asked after this one: an equal
 * share, at least a third and 250 ms, so that a silent provider does not eat the whole deadline. */
int64_t eth_rpc_pool_slice(int64_t left_ms, unsigned others);
