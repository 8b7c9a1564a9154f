/* Asking: a batch is made, queued, and left to rpc_batch.c; or waited for by turning the loop. */
#include "eth/rpc_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONNECTIONS = 4,
	QUEUE = 256,
	DEADLINE_MAX_MS = 600000,
};

#define URL_SPACES " \t"

/* Reads may be repeated; a transaction may not, and neither may what is not known to be a read. */
bool eth_rpc_is_read(const char *method)
{
	static const char *const READS[] = {
		"eth_get",	   "eth_call",	   "eth_chainId",	"eth_blockNumber",
		"eth_estimateGas", "eth_gasPrice", "eth_feeHistory",	"eth_maxPriorityFeePerGas",
		"eth_syncing",	   "net_version",  "web3_clientVersion"};

	for (size_t i = 0; i < sizeof(READS) / sizeof(READS[0]); i++)
		if (strncmp(method, READS[i], strlen(READS[i])) == 0)
			return true;
	return false;
}

static size_t cap_of(const struct eth_rpc_call *calls, size_t n)
{
	size_t sum = 0, most = ETH_RPC_LARGE;

	for (size_t i = 0; i < n; i++) {
		size_t cap = calls[i].cap != 0 ? calls[i].cap : ETH_RPC_SMALL;

		if (cap > ETH_RPC_LARGE)
			most = ETH_RPC_HUGE;
		sum = cap < ETH_RPC_HUGE - sum ? sum + cap : ETH_RPC_HUGE;
	}
	return sum < most ? sum : most;
}

static int make_request(struct eth_rpc_pending *batch, const struct eth_rpc_call *calls, size_t n)
{
	struct eth_rpc *rpc = batch->rpc;
	struct eth_rpc_call *all;
	int err;

	if (n == 0)
		return -EINVAL;
	if (n >= ETH_RPC_CALLS_MAX)
		return -EOVERFLOW;
	all = malloc((n + 1) * sizeof(*all));
	batch->blocks = calloc(n, sizeof(*batch->blocks));
	if (all == NULL || batch->blocks == NULL) {
		free(all);
		return -ENOMEM;
	}
	memcpy(all, calls, n * sizeof(*all));
	all[n] = (struct eth_rpc_call){.method = "eth_chainId", .params = "[]"};
	batch->first_id = rpc->next_id;
	batch->n = n;
	batch->cap = cap_of(calls, n);
	for (size_t i = 0; i < n; i++) {
		batch->once = batch->once || !eth_rpc_is_read(calls[i].method);
		batch->has_logs = batch->has_logs || strcmp(calls[i].method, "eth_getLogs") == 0;
		batch->blocks[i] = strncmp(calls[i].method, "eth_getBlockBy", 14) == 0;
	}
	err = eth_rpc_request(&batch->request, &batch->request_len, batch->first_id, all, rpc->check_chain ? n + 1 : n);
	free(all);
	/* Ids stay below 2^53, which every JSON library in between keeps exact. */
	rpc->next_id = rpc->next_id + n + 1 < (UINT64_C(1) << 52) ? rpc->next_id + n + 1 : 1;
	return err;
}

int eth_rpc_enqueue(struct eth_rpc_pending **out, struct eth_rpc *rpc, const struct eth_rpc_ask *ask)
{
	unsigned ms = ask->deadline_ms;
	const struct timeval deadline = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
	struct eth_rpc_pending *batch;
	int err = -ENOMEM;

	if (ms == 0 || ms > DEADLINE_MAX_MS)
		return -EINVAL;
	if (rpc->length >= rpc->queue)
		return -EAGAIN;
	batch = calloc(1, sizeof(*batch));
	if (batch == NULL)
		return err;
	batch->rpc = rpc;
	batch->allowed = ask->allowed;
	batch->on_done = ask->on_done;
	batch->arg = ask->arg;
	batch->take = ask->take;
	batch->deadline_ms = eth_rpc_now_ms() + ms;
	batch->deadline = evtimer_new(rpc->base, eth_rpc_on_deadline, batch);
	if (batch->deadline != NULL)
		err = make_request(batch, ask->calls, ask->n);
	if (err == 0 && evtimer_add(batch->deadline, &deadline) != 0)
		err = -ENOMEM;
	if (err != 0) {
		eth_rpc_pending_free(batch);
		return err;
	}
	TAILQ_INSERT_TAIL(&rpc->waiting, batch, link);
	rpc->length++;
	eth_rpc_pump_in(rpc, 0);
	if (out != NULL)
		*out = batch;
	return 0;
}

static uint32_t all_providers(const struct eth_rpc *rpc)
{
	return (UINT32_C(1) << rpc->pool.n) - 1;
}

int eth_rpc_batch(struct eth_rpc *rpc, const struct eth_rpc_call *calls, size_t n, unsigned deadline_ms,
		  eth_rpc_on_done *on_done, void *arg)
{
	const struct eth_rpc_ask ask = {calls, n, deadline_ms, all_providers(rpc), on_done, arg, NULL};

	return eth_rpc_enqueue(NULL, rpc, &ask);
}

int eth_rpc_batch_list(struct eth_rpc *rpc, const struct eth_rpc_calls *list, unsigned deadline_ms,
		       eth_rpc_on_done *on_done, void *arg)
{
	return list->err != 0 ? list->err : eth_rpc_batch(rpc, list->calls, list->n, deadline_ms, on_done, arg);
}

int eth_rpc_batch_at(struct eth_rpc *rpc, unsigned provider, const struct eth_rpc_calls *list, unsigned deadline_ms,
		     eth_rpc_on_done *on_done, void *arg)
{
	struct eth_rpc_ask ask = {list->calls, list->n, deadline_ms, 0, on_done, arg, NULL};

	if (provider >= rpc->pool.n)
		return -EINVAL;
	ask.allowed = UINT32_C(1) << provider;
	return list->err != 0 ? list->err : eth_rpc_enqueue(NULL, rpc, &ask);
}

struct wait {
	bool done;
	int err;
};

static void on_waited(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct wait *wait = arg;

	(void)results;
	(void)n;
	wait->err = err;
	wait->done = true;
}

int eth_rpc_turn_until(struct eth_rpc *rpc, const bool *done)
{
	while (!*done)
		if (event_base_loop(rpc->base, EVLOOP_ONCE) != 0)
			return -EIO;
	return 0;
}

static int wait_among(struct eth_rpc_answer **out, struct eth_rpc *rpc, uint32_t allowed,
		      const struct eth_rpc_calls *list, unsigned deadline_ms)
{
	struct wait wait = {0};
	const struct eth_rpc_ask ask = {list->calls, list->n, deadline_ms, allowed, on_waited, &wait, out};
	int err = list->err;

	*out = NULL;
	if (err == 0)
		err = eth_rpc_enqueue(NULL, rpc, &ask);
	if (err == 0)
		err = eth_rpc_turn_until(rpc, &wait.done);
	return err != 0 ? err : wait.err;
}

int eth_rpc_wait(struct eth_rpc_answer **out, struct eth_rpc *rpc, const struct eth_rpc_calls *list,
		 unsigned deadline_ms)
{
	return wait_among(out, rpc, all_providers(rpc), list, deadline_ms);
}

int eth_rpc_wait_at(struct eth_rpc_answer **out, struct eth_rpc *rpc, unsigned provider,
		    const struct eth_rpc_calls *list, unsigned deadline_ms)
{
	*out = NULL;
	if (provider >= rpc->pool.n)
		return -EINVAL;
	return wait_among(out, rpc, UINT32_C(1) << provider, list, deadline_ms);
}

/* By its place: it may hold a password where nobody looked for one. */
static void report_bad_url(const struct eth_rpc *rpc, unsigned place)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "URL %u of the list is no http:// or https:// URL that can be used", place);
	if (rpc->on_log != NULL)
		rpc->on_log(rpc->arg, line);
}

/* One http client a URL. */
static int add_providers(struct eth_rpc *rpc, const char *urls, unsigned connections)
{
	const char *at = urls + strspn(urls, URL_SPACES);
	unsigned n = 0;
	int err = 0;

	for (; err == 0 && *at != '\0'; n++) {
		size_t len = strcspn(at, URL_SPACES);
		char *url;

		if (n == ETH_RPC_PROVIDERS_MAX)
			return -EINVAL;
		url = strndup(at, len);
		if (url == NULL)
			return -ENOMEM;
		err = eth_rpc_http_new(&rpc->providers[n].http, rpc->providers[n].host, sizeof(rpc->providers[n].host),
				       rpc->base, url, connections);
		free(url);
		if (err == -EINVAL)
			report_bad_url(rpc, n + 1);
		at += len + strspn(at + len, URL_SPACES);
	}
	eth_rpc_pool_init(&rpc->pool, n, connections);
	return err != 0 || n > 0 ? err : -EINVAL;
}

int eth_rpc_new(struct eth_rpc **out, struct event_base *base, const struct eth_rpc_config *config)
{
	struct eth_rpc *rpc = calloc(1, sizeof(*rpc));
	int err;

	if (rpc == NULL)
		return -ENOMEM;
	rpc->base = base;
	rpc->chain_id = config->chain_id;
	rpc->check_chain = config->chain_id != 0;
	rpc->queue = config->queue != 0 ? config->queue : QUEUE;
	rpc->next_id = 1;
	rpc->on_log = config->on_log;
	rpc->arg = config->arg;
	TAILQ_INIT(&rpc->waiting);
	TAILQ_INIT(&rpc->under_way);
	rpc->pump = evtimer_new(base, eth_rpc_on_pump, rpc);
	err = rpc->pump == NULL
		      ? -ENOMEM
		      : add_providers(rpc, config->url, config->connections != 0 ? config->connections : CONNECTIONS);
	if (err != 0) {
		eth_rpc_free(rpc);
		return err;
	}
	*out = rpc;
	return 0;
}

void eth_rpc_free(struct eth_rpc *rpc)
{
	struct eth_rpc_pending *batch;

	if (rpc == NULL)
		return;
	rpc->queue = 0; /* callbacks that start another batch are told -EAGAIN */
	while ((batch = TAILQ_FIRST(&rpc->under_way)) != NULL)
		eth_rpc_pending_cancel(batch, -ECANCELED);
	while ((batch = TAILQ_FIRST(&rpc->waiting)) != NULL)
		eth_rpc_pending_cancel(batch, -ECANCELED);
	for (unsigned i = 0; i < ETH_RPC_PROVIDERS_MAX; i++)
		eth_rpc_http_free(rpc->providers[i].http);
	if (rpc->pump != NULL)
		event_free(rpc->pump);
	free(rpc);
}

void eth_rpc_stats(const struct eth_rpc *rpc, struct eth_rpc_stats *out)
{
	*out = rpc->stats;
}

const char *eth_rpc_last_error(const struct eth_rpc *rpc)
{
	return rpc->last_error;
}

unsigned eth_rpc_providers(const struct eth_rpc *rpc)
{
	return rpc->pool.n;
}

unsigned eth_rpc_provider(const struct eth_rpc *rpc)
{
	return rpc->answering;
}

int eth_rpc_provider_stats(struct eth_rpc_provider_stats *out, const struct eth_rpc *rpc, unsigned provider)
{
	const struct eth_rpc_provider *p = &rpc->providers[provider < rpc->pool.n ? provider : 0];
	const struct eth_rpc_pool_provider *known = &rpc->pool.providers[provider < rpc->pool.n ? provider : 0];
	int64_t now = eth_rpc_now_ms(),
		until = known->resting_ms > known->closed_ms ? known->resting_ms : known->closed_ms;

	if (provider >= rpc->pool.n)
		return -EINVAL;
	*out = (struct eth_rpc_provider_stats){.host = p->host,
					       .batches = rpc->stats.of[provider].batches,
					       .failures = rpc->stats.of[provider].failures,
					       .limited = rpc->stats.of[provider].limited,
					       .distrusts = rpc->stats.of[provider].distrusts,
					       .latency_ms = known->latency_ms,
					       .rate = known->rate / 1000,
					       .in_a_row = known->in_a_row,
					       .state = ETH_RPC_PROVIDER_WELL};
	if (known->aside_ms > now) {
		out->state = ETH_RPC_PROVIDER_DISTRUSTED;
		out->for_ms = known->aside_ms - now;
	} else if (until > now) {
		out->state = ETH_RPC_PROVIDER_RESTING;
		out->for_ms = until - now;
	}
	return 0;
}

void eth_rpc_distrust(struct eth_rpc *rpc, unsigned provider, const char *why)
{
	if (provider >= rpc->pool.n)
		return;
	rpc->stats.of[provider].distrusts++;
	eth_rpc_pool_distrust(&rpc->pool, provider, eth_rpc_now_ms());
	eth_rpc_complain(rpc, provider, "distrusted: %s", why);
}
