#include "gateway/worker_chains.h"

#include "gateway/identity/rpc_metrics.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <string.h>

/* ---- making ---- */

static void on_rpc_log(void *arg, const char *text)
{
	(void)arg;
	log_warn(log_msg("json-rpc"), log_str("detail", text));
}

static int load_chains(struct service *s)
{
	struct config_error err;
	int rc = chains_load(&s->settings, &err, s->config);

	if (rc != 0)
		log_error(log_msg("the chains of the settings cannot be served"), log_str("detail", err.text));
	return rc;
}

/* The chains and registries of the settings, each chain with endpoints and verdicts of its own. */
int worker_chains_open(struct worker_chains *all, struct service *s)
{
	struct eth_rpc_config rpc = {.on_log = on_rpc_log};
	int rc = load_chains(s);

	*all = (struct worker_chains){.service = s};
	for (; rc == 0 && s->nchains < s->settings.nchains; s->nchains++) {
		struct service_chain *chain = &s->chains[s->nchains];

		all->rows[s->nchains] = (struct worker_chain){.all = all, .chain = chain};
		chain->id = rpc.chain_id = s->settings.chains[s->nchains].id;
		rpc.url = s->settings.chains[s->nchains].urls;
		rpc.connections = 0;
		rpc.queue = 0;
		rc = eth_rpc_new(&chain->rpc, s->base, &rpc);
		rpc.connections = 2;
		rpc.queue = 32;
		if (rc == 0)
			rc = eth_rpc_new(&chain->rpc_reads, s->base, &rpc);
		if (rc == 0)
			rc = authority_new(&chain->authority, chain->rpc, &chain->heads, NULL);
	}
	for (size_t i = 0; rc == 0 && i < s->settings.nregistries; i++) {
		const struct chains_registry *registry = &s->settings.registries[i];

		s->registries[i] = (struct service_registry){.key = {.chain = registry->chain_id, .registry = registry->address},
							     .start = registry->start};
		for (size_t j = 0; j < s->nchains; j++)
			if (s->chains[j].id == registry->chain_id)
				s->registries[i].chain = &s->chains[j];
		rc = s->registries[i].chain ? 0 : -EINVAL;
		if (i > 0)
			s->others[s->names.nothers++] = s->registries[i].key;
		s->nregistries++;
	}
	s->names.others = s->others;
	return rc;
}

void worker_chains_close(struct service *service)
{
	for (size_t i = 0; i < CHAINS_MAX; i++) {
		authority_free(service->chains[i].authority);
		eth_rpc_free(service->chains[i].rpc_reads);
		eth_rpc_free(service->chains[i].rpc);
	}
}

void worker_chains_count(struct worker_chains *all)
{
	for (size_t i = 0; i < all->service->nchains; i++) {
		rpc_metrics_count(&all->rows[i].rpc_counted, all->service->chains[i].rpc);
		rpc_metrics_count(&all->rows[i].reads_counted, all->service->chains[i].rpc_reads);
	}
}

/* ---- the chain's heads, as the follow duty writes them ---- */

static struct heads_block block_from(const struct store_block *row)
{
	struct heads_block block = {.number = row->number};

	memcpy(block.hash.bytes, row->hash, 32);
	return block;
}

static void on_heads(struct pg_op *op)
{
	struct worker_chain *c = op->arg;
	const struct store_chain_head *row = &c->head_row;
	struct heads_set set;
	int64_t age;

	c->head_busy = false;
	if (op->err != 0)
		return;
	set = (struct heads_set){.latest = block_from(&row->latest), .safe = block_from(&row->safe), .finalized = block_from(&row->finalized)};
	age = (int64_t)clock_wall_ms() - (int64_t)row->read_at;
	heads_update(&c->chain->heads, &set, age > 0 ? age : 0);
	if (c != &c->all->rows[0])
		return;
	metrics_set(METRIC_CHAIN_HEAD, set.latest.number);
	metrics_set(METRIC_CHAIN_FINALIZED, set.finalized.number);
}

void worker_chains_look_at_heads(struct worker_chains *all)
{
	for (size_t i = 0; i < all->service->nchains; i++) {
		struct worker_chain *c = &all->rows[i];

		if (c->head_busy)
			continue;
		c->head_op = (struct pg_op){.on_done = on_heads, .arg = c};
		c->head_busy = store_chain_head(service_reader(all->service), &c->head_op, &c->head_row,
						all->service->settings.chains[i].name) == 0;
	}
}

/* ---- the registries' places in the index ---- */

static bool all_known(const struct service *s)
{
	for (size_t i = 0; i < s->nregistries; i++)
		if (s->registries[i].in_index == 0)
			return false;
	return true;
}

static void on_registries(struct pg_op *op)
{
	struct worker_chains *all = op->arg;
	struct service *s = all->service;

	all->registries_busy = false;
	for (size_t i = 0; op->err == 0 && i < all->registries.n; i++) {
		const struct store_registry *row = &all->registries.rows[i];

		for (size_t j = 0; j < s->nregistries; j++)
			if (s->registries[j].key.chain == row->chain_id &&
			    memcmp(s->registries[j].key.registry.bytes, row->address, 20) == 0)
				s->registries[j].in_index = row->id;
	}
	store_registries_clear(&all->registries);
}

/* Rows are never taken away, so once known is known for good. */
void worker_chains_look_at_registries(struct worker_chains *all)
{
	if (all->registries_busy || all_known(all->service))
		return;
	all->registries_op = (struct pg_op){.on_done = on_registries, .arg = all};
	all->registries_busy = store_registries(service_reader(all->service), &all->registries_op, &all->registries) == 0;
}
