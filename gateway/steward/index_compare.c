/* After a backfill: what the events made of every agent, against storage. A log that a provider left out, or a contract that
 * changes state without one, shows here; storage has the word from this block on. */
#include "gateway/steward/index_internal.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = MULTICALL_AGENTS_MAX };

struct compare {
	struct index_duty *duty;
	struct index_step *step;
	struct index_registry *registry;
	uint64_t number;
	struct eth_hash block;
	uint64_t compared, differ, unread;
};

static bool same(const struct store_agent_row *row, const struct multicall_state *found)
{
	return memcmp(row->owner, found->owner.bytes, 20) == 0 &&
	       row->has_wallet == !address_is_zero(&found->wallet) &&
	       (!row->has_wallet || memcmp(row->wallet, found->wallet.bytes, 20) == 0) &&
	       (found->err == -EOVERFLOW || /* too long to read, and named by its hash in the row */
		(row->uri.len == found->uri_len &&
		 (found->uri_len == 0 || memcmp(row->uri.data, found->uri, found->uri_len) == 0)));
}

static int differs(struct compare *work, const struct store_agent_row *row, const struct multicall_state *found,
		   enum store_tier tier)
{
	struct store_state state = {.registry = row->registry, .number = work->number, .tier = tier,
				    .has_wallet = !address_is_zero(&found->wallet)};

	work->differ++;
	metrics_add(METRIC_INDEX_DIFFERENCES, 1);
	log_warn(log_msg("storage differs from the events of the backfill: storage counts from here on"),
		 log_str("chain", work->duty->ctx->chain->name), log_hex("agent", row->agent_id, 32),
		 log_u64("block", work->number));
	if (!found->exists)
		return 0; /* burnt without a log: there is no state to store, and the direct read says so */
	memcpy(state.agent_id, row->agent_id, 32);
	memcpy(state.owner, found->owner.bytes, 20);
	memcpy(state.wallet, found->wallet.bytes, 20);
	state.uri = found->err == 0 ? pg_bytes(found->uri_len > 0 ? (const void *)found->uri : "", found->uri_len) : row->uri;
	return index_step_state(work->step, work->registry, &state, &work->block);
}

/* What the step itself changes is of the blocks after `block` or read from storage there. */
static bool in_step(const struct index_step *step, const struct store_agent_row *row)
{
	for (size_t i = 0; i < step->nstates; i++)
		if (step->states[i].registry == row->registry && memcmp(step->states[i].agent_id, row->agent_id, 32) == 0)
			return true;
	return false;
}

static int compare_page(struct compare *work, const struct store_agents *page)
{
	struct multicall_state found[PAGE];
	struct multicall_ask asks[PAGE];
	enum store_tier tier = STORE_TIER_RPC;
	int err;

	for (size_t i = 0; i < page->n; i++) {
		asks[i].registry = work->registry->address;
		memcpy(asks[i].agent, page->rows[i].agent_id, 32);
	}
	err = index_read_agents(found, &tier, work->duty, asks, page->n, &work->block);
	if (err != 0)
		return err;
	for (size_t i = 0; err == 0 && i < page->n; i++) {
		bool read = found[i].err == 0 || found[i].err == -EOVERFLOW;

		work->compared++;
		work->unread += !read;
		if (read && (!found[i].exists || !same(&page->rows[i], &found[i])) && !in_step(work->step, &page->rows[i]))
			err = differs(work, &page->rows[i], &found[i], tier);
	}
	multicall_states_clear(found, page->n);
	return err;
}

static int compare_registry(struct compare *work)
{
	struct store_agent_filter filter = {.registry = work->registry->id, .limit = PAGE};
	struct index_duty *duty = work->duty;
	int err = 0;

	for (;;) {
		struct store_agents page = {0};
		struct pg_op op = {0};
		size_t n;

		if (!steward_held(duty->ctx))
			return -ECANCELED;
		err = pg_wait(duty->ctx->base, &op, store_agents(duty->ctx->pg, &op, &page, &filter));
		if (err != 0)
			return err;
		n = page.n;
		if (n > 0) {
			filter.has_after = true;
			filter.after_registry = work->registry->id;
			memcpy(filter.after_id, page.rows[n - 1].agent_id, 32);
			err = compare_page(work, &page);
		}
		store_agents_clear(&page);
		if (err != 0 || n < PAGE)
			return err;
	}
}

int index_compare(struct index_duty *duty, struct index_step *step, uint64_t number, const struct eth_hash *block)
{
	struct compare work = {.duty = duty, .step = step, .number = number, .block = *block};
	int err = 0;

	for (size_t i = 0; err == 0 && i < duty->nregistries; i++) {
		work.registry = &duty->registries[i];
		if (!work.registry->reputation)
			err = compare_registry(&work);
	}
	if (err == -ESTALE) { /* no node keeps that state */
		log_warn(log_msg("no node has the state after the backfill: it is not compared"), log_u64("block", number));
		return 0;
	}
	if (err == 0 && work.compared > 0)
		log_info(log_msg("backfill compared with storage"), log_str("chain", duty->ctx->chain->name),
			 log_u64("agents", work.compared), log_u64("differ", work.differ), log_u64("unread", work.unread),
			 log_u64("block", number));
	return err;
}
