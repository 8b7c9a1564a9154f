/* Asking: a batch is made, queued, and left to rpc_batch.c; or waited for by turning the loop. */
#include "eth/rpc_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONNECTIONS = 4,
	QUEUE = 256,
	DEADLINE_MAX_MS = 600000,
};

/* Reads may be repeated; a transaction may not, and neither may what is not known to be a read. */
static bool is_read(const char *method)
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
	if (all == NULL)
		return -ENOMEM;
	memcpy(all, calls, n * sizeof(*all));
	all[n] = (struct eth_rpc_call){.method = "eth_chainId", .params = "[]"};
	batch->first_id = rpc->next_id;
	batch->n = n;
	for (size_t i = 0; i < n; i++) {
		size_t cap = calls[i].cap != 0 ? calls[i].cap : ETH_RPC_SMALL;

		batch->cap = cap < ETH_RPC_LARGE - batch->cap ? batch->cap + cap : ETH_RPC_LARGE;
		batch->once = batch->once || !is_read(calls[i].method);
	}
	err = eth_rpc_request(&batch->request, &batch->request_len, batch->first_id, all, rpc->check_chain ? n + 1 : n);
	free(all);
	/* Ids stay below 2^53, which every JSON library in between keeps exact. */
	rpc->next_id = rpc->next_id + n + 1 < (UINT64_C(1) << 52) ? rpc->next_id + n + 1 : 1;
	return err;
}

static int enqueue(struct eth_rpc *rpc, const struct eth_rpc_call *calls, size_t n, unsigned deadline_ms,
		   eth_rpc_on_done *on_done, void *arg, struct eth_rpc_answer **take)
{
	struct timeval deadline;
	struct eth_rpc_pending *batch;
	int err = -ENOMEM;

	if (deadline_ms == 0 || deadline_ms > DEADLINE_MAX_MS)
		return -EINVAL;
	if (rpc->length >= rpc->queue)
		return -EAGAIN;
	batch = calloc(1, sizeof(*batch));
	if (batch == NULL)
		return err;
	batch->rpc = rpc;
	batch->on_done = on_done;
	batch->arg = arg;
	batch->take = take;
	batch->deadline_ms = eth_rpc_now_ms() + deadline_ms;
	batch->deadline = evtimer_new(rpc->base, eth_rpc_on_deadline, batch);
	deadline = (struct timeval){.tv_sec = deadline_ms / 1000, .tv_usec = (suseconds_t)(deadline_ms % 1000) * 1000};
	if (batch->deadline != NULL)
		err = make_request(batch, calls, n);
	if (err == 0 && evtimer_add(batch->deadline, &deadline) != 0)
		err = -ENOMEM;
	if (err != 0) {
		eth_rpc_pending_free(batch);
		return err;
	}
	TAILQ_INSERT_TAIL(&rpc->waiting, batch, link);
	rpc->length++;
	eth_rpc_pump_in(rpc, 0);
	return 0;
}

int eth_rpc_batch(struct eth_rpc *rpc, const struct eth_rpc_call *calls, size_t n, unsigned deadline_ms,
		  eth_rpc_on_done *on_done, void *arg)
{
	return enqueue(rpc, calls, n, deadline_ms, on_done, arg, NULL);
}

int eth_rpc_batch_list(struct eth_rpc *rpc, const struct eth_rpc_calls *list, unsigned deadline_ms,
		       eth_rpc_on_done *on_done, void *arg)
{
	return list->err != 0 ? list->err : enqueue(rpc, list->calls, list->n, deadline_ms, on_done, arg, NULL);
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

int eth_rpc_wait(struct eth_rpc_answer **out, struct eth_rpc *rpc, const struct eth_rpc_calls *list,
		 unsigned deadline_ms)
{
	struct wait wait = {0};
	int err = list->err;

	*out = NULL;
	if (err == 0)
		err = enqueue(rpc, list->calls, list->n, deadline_ms, on_waited, &wait, out);
	if (err == 0)
		err = eth_rpc_turn_until(rpc, &wait.done);
	return err != 0 ? err : wait.err;
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
	rpc->provider.connections = config->connections != 0 ? config->connections : CONNECTIONS;
	TAILQ_INIT(&rpc->waiting);
	TAILQ_INIT(&rpc->under_way);
	rpc->pump = evtimer_new(base, eth_rpc_on_pump, rpc);
	if (rpc->pump == NULL) {
		free(rpc);
		return -ENOMEM;
	}
	err = eth_rpc_http_new(&rpc->provider.http, rpc->provider.host, sizeof(rpc->provider.host), base, config->url,
			       rpc->provider.connections);
	if (err != 0) {
		event_free(rpc->pump);
		free(rpc);
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
	eth_rpc_http_free(rpc->provider.http);
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
