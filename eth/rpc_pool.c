/* What is known of each provider, and which is best now. Numbers of ponder's pool where it has them. */
#include "eth/rpc_pool.h"

enum {
	REST_MS = 100, /* × 1.5 for each failure in a row */
	REST_MAX_MS = 5000,
	RETRY_AFTER_MAX_MS = 30000,
	ASIDE_MS = 5000, /* × 4 for each untruth */
	ASIDE_MAX_MS = 600000,
	FORGIVEN_MS = 3600000,
	RATE_MIN = 3 * 1000,
	RATE_MAX = 500 * 1000,
	REQUEST = 1000, /* milli-requests */
	LATENCY_FORGOTTEN_MS = 30000,
	SLICE_MIN_MS = 250,
};

void eth_rpc_pool_init(struct eth_rpc_pool *pool, unsigned n, unsigned connections)
{
	*pool = (struct eth_rpc_pool){.n = n, .connections = connections};
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t tokens_at(const struct eth_rpc_pool_provider *p, int64_t now_ms)
{
	int64_t most = p->rate > REQUEST ? p->rate : REQUEST, gone = now_ms - p->filled_ms, tokens;

	if (gone > 60000)
		return most;
	tokens = p->tokens + p->rate * gone / 1000;
	return tokens < most ? tokens : most;
}

/* When a request may go to it, its connections aside. */
static int64_t open_from(const struct eth_rpc_pool_provider *p, int64_t now_ms)
{
	int64_t tokens, from = later(p->closed_ms, now_ms);

	if (p->rate == 0)
		return from;
	tokens = tokens_at(p, now_ms);
	if (tokens < REQUEST)
		from = later(from, now_ms + ((REQUEST - tokens) * 1000 + p->rate - 1) / p->rate);
	return from;
}

/* A slow answer is forgotten by half every 30 s, so that who was slow is tried again. */
static unsigned latency_at(const struct eth_rpc_pool_provider *p, int64_t now_ms)
{
	int64_t halves = (now_ms - p->latency_at_ms) / LATENCY_FORGOTTEN_MS;

	return halves < 31 ? p->latency_ms >> halves : 0;
}

enum standing { WELL, SLOW, RESTING, ASIDE };

static enum standing standing_of(const struct eth_rpc_pool_provider *p, unsigned fastest, int64_t now_ms)
{
	if (p->aside_ms > now_ms)
		return ASIDE;
	if (p->resting_ms > now_ms)
		return RESTING;
	return latency_at(p, now_ms) / 4 > fastest + 60 ? SLOW : WELL;
}

static unsigned fastest_of(const struct eth_rpc_pool *pool, uint32_t among, int64_t now_ms)
{
	unsigned fastest = UINT32_MAX / 8;

	for (unsigned i = 0; i < pool->n; i++) {
		const struct eth_rpc_pool_provider *p = &pool->providers[i];
		unsigned latency = latency_at(p, now_ms);

		if ((among >> i & 1) != 0 && p->latency_ms > 0 && latency < fastest &&
		    standing_of(p, UINT32_MAX / 8, now_ms) == WELL)
			fastest = latency;
	}
	return fastest;
}

/* A distrusted provider is out of the question while there is any other, even one that must be waited for. */
static uint32_t without_distrusted(const struct eth_rpc_pool *pool, uint32_t among, int64_t now_ms)
{
	uint32_t trusted = 0;

	for (unsigned i = 0; i < pool->n; i++)
		if ((among >> i & 1) != 0 && pool->providers[i].aside_ms <= now_ms)
			trusted |= UINT32_C(1) << i;
	return trusted != 0 ? trusted : among;
}

int eth_rpc_pool_choose(int64_t *when_ms, const struct eth_rpc_pool *pool, uint32_t among, int64_t now_ms)
{
	unsigned fastest;
	enum standing best_standing = ASIDE;
	int best = -1;

	*when_ms = INT64_MAX;
	among = without_distrusted(pool, among, now_ms);
	fastest = fastest_of(pool, among, now_ms);
	for (unsigned i = 0; i < pool->n; i++) {
		const struct eth_rpc_pool_provider *p = &pool->providers[i];
		int64_t from = open_from(p, now_ms);
		enum standing standing = standing_of(p, fastest, now_ms);

		if ((among >> i & 1) == 0 || p->busy >= pool->connections)
			continue;
		if (from > now_ms) {
			*when_ms = from < *when_ms ? from : *when_ms;
			continue;
		}
		if (best < 0 || standing < best_standing ||
		    (standing == ASIDE && p->distrusted_ms < pool->providers[best].distrusted_ms)) {
			best = (int)i;
			best_standing = standing;
		}
	}
	return best;
}

uint32_t eth_rpc_pool_open(const struct eth_rpc_pool *pool, uint32_t among, int64_t until_ms)
{
	uint32_t open = 0;

	for (unsigned i = 0; i < pool->n; i++)
		if ((among >> i & 1) != 0 && pool->providers[i].closed_ms < until_ms)
			open |= UINT32_C(1) << i;
	return open;
}

void eth_rpc_pool_start(struct eth_rpc_pool *pool, unsigned provider, int64_t now_ms)
{
	struct eth_rpc_pool_provider *p = &pool->providers[provider];

	p->busy++;
	if (now_ms - p->window_ms >= 1000) {
		p->before = now_ms - p->window_ms < 2000 ? p->sent : 0;
		p->sent = 0;
		p->window_ms = now_ms;
	}
	p->sent++;
	if (p->rate != 0) {
		p->tokens = tokens_at(p, now_ms) - REQUEST;
		p->filled_ms = now_ms;
	}
}

/* Many requests under way fail together when a provider does: that is one failure, not many. */
static void rest(struct eth_rpc_pool_provider *p, int64_t now_ms)
{
	int64_t ms = REST_MS;

	if (now_ms < p->resting_ms)
		return;
	for (unsigned i = 0; i < p->in_a_row && ms < REST_MAX_MS; i++)
		ms += ms / 2;
	p->in_a_row++;
	p->resting_ms = now_ms + (ms < REST_MAX_MS ? ms : REST_MAX_MS);
}

static void slow_down(struct eth_rpc_pool_provider *p)
{
	unsigned seen = p->sent > p->before ? p->sent : p->before;

	seen = seen < RATE_MAX / REQUEST ? seen : RATE_MAX / REQUEST;
	p->rate = p->rate == 0 ? seen * (REQUEST * 3 / 4) : p->rate - p->rate / 20;
	if (p->rate < RATE_MIN)
		p->rate = RATE_MIN;
	p->good = 0;
}

static void speed_up(struct eth_rpc_pool_provider *p)
{
	if (p->rate == 0 || ++p->good * REQUEST < p->rate)
		return;
	p->good = 0;
	p->rate += p->rate / 20;
	if (p->rate > RATE_MAX)
		p->rate = 0;
}

static void learn_latency(struct eth_rpc_pool_provider *p, int64_t now_ms, int64_t took_ms)
{
	int64_t took = took_ms > 0 ? took_ms : 1;

	took = took < 600000 ? took : 600000;
	p->latency_ms =
		p->latency_ms == 0 ? (unsigned)took : (unsigned)((latency_at(p, now_ms) * INT64_C(7) + took + 7) / 8);
	p->latency_at_ms = now_ms;
}

void eth_rpc_pool_end(struct eth_rpc_pool *pool, unsigned provider, enum eth_rpc_pool_end end, int64_t now_ms,
		      int64_t took_ms, int64_t retry_after_ms)
{
	struct eth_rpc_pool_provider *p = &pool->providers[provider];
	int64_t asked = retry_after_ms < RETRY_AFTER_MAX_MS ? retry_after_ms : RETRY_AFTER_MAX_MS;

	p->busy--;
	if (end == ETH_RPC_POOL_ABORTED)
		return;
	if (end == ETH_RPC_POOL_ANSWERED) {
		p->in_a_row = 0;
		p->resting_ms = now_ms;
		learn_latency(p, now_ms, took_ms);
		speed_up(p);
		return;
	}
	if (end == ETH_RPC_POOL_LIMITED && now_ms >= p->closed_ms) {
		slow_down(p);
		p->tokens = REQUEST;
		p->filled_ms = now_ms;
	}
	rest(p, now_ms);
	if (end == ETH_RPC_POOL_LIMITED)
		p->closed_ms = later(p->closed_ms, p->resting_ms);
	if (asked > 0)
		p->closed_ms = later(p->closed_ms, now_ms + asked);
}

void eth_rpc_pool_distrust(struct eth_rpc_pool *pool, unsigned provider, int64_t now_ms)
{
	struct eth_rpc_pool_provider *p = &pool->providers[provider];
	int64_t ms = ASIDE_MS;

	if (now_ms - p->distrusted_ms > FORGIVEN_MS)
		p->distrusts = 0;
	p->distrusted_ms = now_ms;
	if (now_ms < p->aside_ms)
		return;
	for (unsigned i = 0; i < p->distrusts && ms < ASIDE_MAX_MS; i++)
		ms *= 4;
	p->distrusts++;
	p->aside_ms = now_ms + (ms < ASIDE_MAX_MS ? ms : ASIDE_MAX_MS);
}

int64_t eth_rpc_pool_slice(int64_t left_ms, unsigned others)
{
	int64_t slice = left_ms / (others < 2 ? others + 1 : 3);

	slice = slice > SLICE_MIN_MS ? slice : SLICE_MIN_MS;
	slice = slice < left_ms ? slice : left_ms;
	return slice > 1 ? slice : 1;
}
