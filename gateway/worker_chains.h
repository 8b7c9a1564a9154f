#pragma once
/* What a worker knows of its chains, kept fresh: endpoints and verdicts of each, its heads as the follow duty writes them, and
 * the places of the registries in the index. */
#include "eth/rpc.h"
#include "gateway/routes/service.h"
#include "sql/store_chain.h"
#include "sql/store_identity.h"

struct worker_chains;

struct worker_chain {
	struct worker_chains *all;
	struct service_chain *chain;
	struct eth_rpc_stats rpc_counted, reads_counted;
	struct pg_op head_op;
	struct store_chain_head head_row;
	bool head_busy;
};

struct worker_chains {
	struct service *service;
	struct worker_chain rows[CHAINS_MAX];
	struct pg_op registries_op;
	struct store_registries registries;
	bool registries_busy;
};

/* Fills the service's chains, registries and names.others from its settings. What was made is the service's, also after an
 * error, for worker_chains_close(). -EINVAL (logged), -ENOMEM. */
__attribute__((warn_unused_result)) int worker_chains_open(struct worker_chains *all, struct service *service);
void worker_chains_close(struct service *service);

/* Reads them again; cheap, and nothing while a read is under way. */
void worker_chains_look_at_heads(struct worker_chains *all);
void worker_chains_look_at_registries(struct worker_chains *all);

/* Brings the counters of the endpoints into those of this process. */
void worker_chains_count(struct worker_chains *all);
