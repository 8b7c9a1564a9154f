#include "gateway/identity/rpc_metrics.h"

#include "gateway/runtime/metrics.h"

/* A provider is known by its place in its chain's list, since names of hosts are no business of a metric; those beyond the
 * last place are counted together. */
enum { PLACES = METRIC_RPC_PROVIDER_FAILURES_0 - METRIC_RPC_PROVIDER_REQUESTS_0 };

static void count_at(enum metric_id first, unsigned place, uint64_t n)
{
	metrics_add((enum metric_id)((unsigned)first + (place < PLACES ? place : PLACES - 1)), n);
}

void rpc_metrics_count(struct eth_rpc_stats *last, const struct eth_rpc *rpc)
{
	struct eth_rpc_stats now;

	eth_rpc_stats(rpc, &now);
	metrics_add(METRIC_RPC_CALLS, now.calls - last->calls);
	metrics_add(METRIC_RPC_ERRORS, now.failures - last->failures);
	metrics_add(METRIC_RPC_FAILOVERS, now.failovers - last->failovers);
	for (unsigned i = 0; i < eth_rpc_providers(rpc); i++) {
		metrics_add(METRIC_RPC_LIMITED, now.of[i].limited - last->of[i].limited);
		count_at(METRIC_RPC_PROVIDER_REQUESTS_0, i, now.of[i].batches - last->of[i].batches);
		count_at(METRIC_RPC_PROVIDER_FAILURES_0, i, now.of[i].failures - last->of[i].failures);
		count_at(METRIC_RPC_PROVIDER_DISTRUSTS_0, i, now.of[i].distrusts - last->of[i].distrusts);
	}
	*last = now;
}
