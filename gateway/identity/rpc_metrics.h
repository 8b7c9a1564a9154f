#pragma once
/* Brings the counters of an eth_rpc, which knows no metrics, into those of this process. */
#include "eth/rpc.h"

/* Adds what was counted since `last`, which becomes the present state. Call now and then. */
void rpc_metrics_count(struct eth_rpc_stats *last, const struct eth_rpc *rpc);
