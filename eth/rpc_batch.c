/* The life of a batch: waiting, under way (once or several times), done. It is on one list until its callback has run.
 *
 * Each attempt goes to the provider that the pool thinks best among those not yet tried in this round. When all were,
 * the next round begins after a pause. */
#include "eth/rpc_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	ROUNDS = 4, /* viem: three retries from 150 ms, doubling */
	RETRY_MS = 150,
	PATIENCE_MS = 1000, /* rather than wait longer for one not tried, those tried are tried again */
};

int64_t eth_rpc_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void eth_rpc_complain(struct eth_rpc *rpc, unsigned provider, const char *format, ...)
{
	struct eth_rpc_provider *p = &rpc->providers[provider];
	char text[ETH_RPC_ERROR_MAX], line[ETH_RPC_ERROR_MAX + ETH_RPC_HOST_MAX + 2];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *c = text; *c != '\0'; c++)
		if (*c < ' ' || *c == 0x7f)
			*c = ' ';
	(void)snprintf(line, sizeof(line), "%s: %s", p->host, text);
	(void)snprintf(rpc->last_error, sizeof(rpc->last_error), "%.*s", (int)sizeof(rpc->last_error) - 1,
		       rpc->pool.n > 1 ? line : text);
	if (strcmp(text, p->last_error) == 0)
		return;
	memcpy(p->last_error, text, sizeof(text));
	if (rpc->on_log != NULL)
		rpc->on_log(rpc->arg, line);
}

void eth_rpc_pump_in(struct eth_rpc *rpc, int64_t ms)
{
	struct timeval after = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	if (ms <= 0)
		event_active(rpc->pump, EV_TIMEOUT, 0);
	else
		(void)evtimer_add(rpc->pump, &after);
}

void eth_rpc_pending_free(struct eth_rpc_pending *batch)
{
	if (batch->deadline != NULL)
		event_free(batch->deadline);
	eth_rpc_answer_free(batch->fallback);
	free(batch->blocks);
	free(batch->request);
	free(batch);
}

/* The batch is on neither list any more; `answer` is consumed, and there if and only if err is 0. */
static void finish(struct eth_rpc_pending *batch, int err, struct eth_rpc_answer *answer)
{
	struct eth_rpc *rpc = batch->rpc;
	bool take = answer != NULL && batch->take != NULL;

	rpc->length--;
	if (answer == NULL) {
		rpc->stats.failures++;
	} else {
		rpc->last_error[0] = '\0';
		rpc->answering = answer->provider;
	}
	if (take)
		*batch->take = answer;
	if (batch->on_done != NULL)
		batch->on_done(batch->arg, err, answer != NULL ? answer->results : NULL, answer != NULL ? batch->n : 0);
	if (!take)
		eth_rpc_answer_free(answer);
	eth_rpc_pending_free(batch);
}

/* No better answer will come. */
static void give_up(struct eth_rpc_pending *batch, int err)
{
	struct eth_rpc_answer *fallback = batch->fallback;

	batch->fallback = NULL;
	finish(batch, fallback != NULL ? 0 : err, fallback);
}

static void leave_provider(struct eth_rpc_pending *batch, enum eth_rpc_pool_end end, int64_t retry_after_ms)
{
	struct eth_rpc *rpc = batch->rpc;
	struct eth_rpc_provider *provider = &rpc->providers[batch->provider];
	int64_t now = eth_rpc_now_ms();

	TAILQ_REMOVE(&rpc->under_way, batch, link);
	batch->post = NULL;
	eth_rpc_pool_end(&rpc->pool, batch->provider, end, now, now - batch->started_ms, retry_after_ms);
	rpc->stats.of[batch->provider].failures += end == ETH_RPC_POOL_FAILED;
	rpc->stats.of[batch->provider].limited += end == ETH_RPC_POOL_LIMITED;
	if (end == ETH_RPC_POOL_ANSWERED)
		provider->last_error[0] = '\0';
	eth_rpc_pump_in(rpc, 0);
}

static void detach(struct eth_rpc_pending *batch, enum eth_rpc_pool_end end)
{
	if (batch->post != NULL) {
		eth_rpc_http_abort(batch->post);
		leave_provider(batch, end, 0);
	} else {
		TAILQ_REMOVE(&batch->rpc->waiting, batch, link);
	}
}

void eth_rpc_pending_cancel(struct eth_rpc_pending *batch, int err)
{
	detach(batch, ETH_RPC_POOL_ABORTED);
	finish(batch, err, NULL);
}

void eth_rpc_on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct eth_rpc_pending *batch = arg;
	struct eth_rpc *rpc = batch->rpc;
	char before[ETH_RPC_ERROR_MAX];

	(void)fd;
	(void)what;
	(void)snprintf(before, sizeof(before), "%s", rpc->last_error);
	if (batch->attempts > 1)
		eth_rpc_complain(rpc, batch->provider,
				 "no answer within the deadline, after repeats; before that: %.150s", before);
	else
		eth_rpc_complain(rpc, batch->provider, "no answer within the deadline");
	detach(batch, ETH_RPC_POOL_FAILED);
	give_up(batch, -ETIMEDOUT);
}

/* Puts the batch back to be sent again, elsewhere at once or everywhere later. false: this was its last chance. */
static bool again(struct eth_rpc_pending *batch)
{
	struct eth_rpc *rpc = batch->rpc;
	int64_t now = eth_rpc_now_ms(), pause;
	uint32_t open = eth_rpc_pool_open(&rpc->pool, batch->allowed, batch->deadline_ms);

	if (open == 0)
		return false;
	if ((open & ~batch->tried) != 0) {
		batch->not_before_ms = now;
	} else {
		pause = (int64_t)RETRY_MS << batch->rounds;
		pause += (int64_t)(rpc->next_id * 2654435761U %
				   (uint64_t)(pause / 4 + 1)); /* so that many do not come back at once */
		if (++batch->rounds >= ROUNDS || now + pause >= batch->deadline_ms)
			return false;
		batch->tried = 0;
		batch->not_before_ms = now + pause;
	}
	rpc->stats.retries++;
	TAILQ_INSERT_TAIL(&rpc->waiting, batch, link);
	return true;
}

static void keep_better(struct eth_rpc_pending *batch, struct eth_rpc_judged *judged)
{
	if (judged->answer == NULL)
		return;
	if (batch->fallback == NULL || judged->lacks < batch->fallback_lacks) {
		eth_rpc_answer_free(batch->fallback);
		batch->fallback = judged->answer;
		batch->fallback_lacks = judged->lacks;
	} else {
		eth_rpc_answer_free(judged->answer);
	}
	judged->answer = NULL;
}

static void on_http_done(void *arg, const struct eth_rpc_http_answer *http)
{
	struct eth_rpc_pending *batch = arg;
	struct eth_rpc *rpc = batch->rpc;
	uint32_t bit = UINT32_C(1) << batch->provider;
	uint64_t retry_after_s = http->retry_after_s < 3600 ? http->retry_after_s : 3600;
	struct eth_rpc_judged judged;

	rpc->stats.bytes_in += http->len;
	eth_rpc_judge(&judged, batch, http);
	leave_provider(batch, judged.end, (int64_t)retry_after_s * 1000);
	if (judged.untruth) {
		rpc->stats.of[batch->provider].distrusts++;
		eth_rpc_pool_distrust(&rpc->pool, batch->provider, eth_rpc_now_ms());
	}
	if (judged.answer != NULL)
		judged.answer->provider = batch->provider;
	batch->err = judged.err;
	batch->tried |= bit;
	switch (judged.verdict) {
	case ETH_RPC_VERDICT_DONE:
		finish(batch, 0, judged.answer);
		return;
	case ETH_RPC_VERDICT_FAILED:
		finish(batch, judged.err, NULL);
		return;
	case ETH_RPC_VERDICT_ELSEWHERE:
		batch->allowed &= ~bit;
		break;
	case ETH_RPC_VERDICT_AGAIN:
		break;
	}
	keep_better(batch, &judged);
	if (!again(batch))
		give_up(batch, batch->err);
}

static unsigned count_bits(uint32_t bits)
{
	return (unsigned)__builtin_popcount(bits);
}

static void start(struct eth_rpc_pending *batch, unsigned provider)
{
	struct eth_rpc *rpc = batch->rpc;
	int64_t now = eth_rpc_now_ms(), left = batch->deadline_ms - now;
	uint32_t others = batch->allowed & ~batch->tried & ~(UINT32_C(1) << provider);
	int err;

	TAILQ_REMOVE(&rpc->waiting, batch, link);
	if (batch->attempts++ > 0 && provider != batch->provider)
		rpc->stats.failovers++;
	batch->provider = provider;
	batch->started_ms = now;
	rpc->stats.batches++;
	rpc->stats.calls += batch->n;
	rpc->stats.of[provider].batches++;
	others = batch->once ? 0 : eth_rpc_pool_open(&rpc->pool, others, batch->deadline_ms);
	err = eth_rpc_http_post(&batch->post, rpc->providers[provider].http, batch->request, batch->request_len,
				batch->cap, (long)eth_rpc_pool_slice(left, count_bits(others)), batch->once,
				on_http_done, batch);
	if (err != 0) {
		finish(batch, err, NULL);
		return;
	}
	eth_rpc_pool_start(&rpc->pool, provider, now);
	TAILQ_INSERT_TAIL(&rpc->under_way, batch, link);
}

/* The provider for a batch that may start now, or -1 with when to look again. */
static int choose(int64_t *when, struct eth_rpc_pending *batch, int64_t now)
{
	const struct eth_rpc_pool *pool = &batch->rpc->pool;
	uint32_t among = eth_rpc_pool_open(pool, batch->allowed & ~batch->tried, batch->deadline_ms);
	int provider = -1;

	if (among != 0)
		provider = eth_rpc_pool_choose(when, pool, among, now);
	if (among == 0 || (provider < 0 && batch->tried != 0 && *when != INT64_MAX && *when > now + PATIENCE_MS)) {
		batch->tried = 0;
		provider = eth_rpc_pool_choose(when, pool, batch->allowed, now);
	}
	return provider;
}

static bool any_free(const struct eth_rpc_pool *pool)
{
	for (unsigned i = 0; i < pool->n; i++)
		if (pool->providers[i].busy < pool->connections)
			return true;
	return false;
}

/* Starts what may start, in order of arrival; a batch that pauses lets others pass. */
void eth_rpc_on_pump(evutil_socket_t fd, short what, void *arg)
{
	struct eth_rpc *rpc = arg;
	int64_t now = eth_rpc_now_ms(), next = INT64_MAX;
	struct eth_rpc_pending *batch, *following;

	(void)fd;
	(void)what;
	for (batch = TAILQ_FIRST(&rpc->waiting); batch != NULL && any_free(&rpc->pool); batch = following) {
		int64_t when = batch->not_before_ms;
		int provider = when <= now ? choose(&when, batch, now) : -1;

		following = TAILQ_NEXT(batch, link);
		if (provider >= 0)
			start(batch, (unsigned)provider);
		else if (when < next)
			next = when;
	}
	if (next != INT64_MAX)
		eth_rpc_pump_in(rpc, next - now);
}
