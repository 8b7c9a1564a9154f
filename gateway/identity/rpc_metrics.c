#include "gateway/identity/rpc_metrics.h"

#include "gateway/runtime/metrics.h"

void rpc_metrics_count(struct eth_rpc_stats *last, const struct eth_rpc *rpc)
{
	struct eth_rpc_stats now;

	eth_rpc_stats(rpc, &now);
	metrics_add(METRIC_RPC_CALLS, now.calls - last->calls);
	metrics_add(METRIC_RPC_ERRORS, now.failures - last->failures);
	*last = now;
}
