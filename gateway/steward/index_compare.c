/* What the events made of every agent, against storage: a log that a provider left out or made up, or a contract that changes
 * state without one, shows here. */
#include "gateway/steward/index_internal.h"
#include "gateway/identity/heads.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = MULTICALL_AGENTS_MAX, TOLD_MAX = 8, DECIDED_MAX = 4, PATROL_MS = 60000, PATROL_AGAIN_MS = 3600000, PATROL_BEHIND = 2, MISSED_MAX = 256 };

struct compare {
	struct index_duty *duty;
	struct index_step *step;
	struct index_registry *registry;
	uint64_t number;
	struct eth_hash block;
	const struct index_batch *later;
	struct index_verdict *verdict;
};

static bool same(const struct store_state *row, const struct multicall_state *found)
{
	if (memcmp(row->owner, found->owner.bytes, 20) != 0 || row->has_wallet == address_is_zero(&found->wallet) ||
	    (row->has_wallet && memcmp(row->wallet, found->wallet.bytes, 20) != 0))
		return false;
	if (found->err == -EOVERFLOW) /* too long to read, and named by its hash in the row */
		return index_names_long_uri(&row->uri);
	return row->uri.len == found->uri_len && (found->uri_len == 0 || memcmp(row->uri.data, found->uri, found->uri_len) == 0);
}

static int correct(struct compare *work, const struct store_state *row, const struct multicall_state *found,
		   enum store_tier tier)
{
	struct store_state state = {.registry = row->registry, .number = work->number, .tier = tier,
				    .has_wallet = !address_is_zero(&found->wallet)};

	if (!found->exists)
		return 0; /* burnt without a log: there is no state to store, and the direct read says so */
	memcpy(state.agent_id, row->agent_id, 32);
	memcpy(state.owner, found->owner.bytes, 20);
	memcpy(state.wallet, found->wallet.bytes, 20);
	state.uri = found->err == 0 ? pg_bytes(found->uri_len > 0 ? (const void *)found->uri : "", found->uri_len) : row->uri;
	return index_step_state(work->step, work->registry, &state, &work->block);
}

static bool is_lie(struct compare *work, const struct store_state *row, const struct multicall_state *found)
{
	struct index_duty *duty = work->duty;
	unsigned doubted = duty->read_by;
	struct multicall_state other;
	bool proven, lie;

	if ((found->err != 0 && found->err != -EOVERFLOW) ||
	    index_decide(&other, &proven, duty, work->registry, row->agent_id, &work->block, doubted) != 0)
		return false;
	lie = !index_same_state(&other, found);
	multicall_states_clear(&other, 1);
	if (lie)
		index_distrust(duty, UINT32_C(1) << doubted,
			       proven ? "a state that a proof contradicts" : "a state that another provider contradicts", work->number,
			       work->number);
	return lie;
}

static int differs(struct compare *work, const struct store_state *row, const struct multicall_state *found,
		   enum store_tier tier)
{
	/* one that is decided against whoever read it is a lie about states, not about logs */
	if (work->step == NULL && work->verdict->differ < DECIDED_MAX && is_lie(work, row, found))
		return -EAGAIN;
	work->verdict->differ++;
	work->verdict->owners += !found->exists || memcmp(row->owner, found->owner.bytes, 20) != 0;
	work->verdict->known = work->verdict->known && work->registry->known;
	metrics_add(METRIC_INDEX_DIFFERENCES, 1);
	if (work->verdict->differ <= TOLD_MAX)
		log_warn(log_msg("storage differs from the events"),
			 log_str("chain", work->duty->ctx->chain->name), log_hex("agent", row->agent_id, 32),
			 log_u64("block", work->number));
	return work->step != NULL ? correct(work, row, found, tier) : 0;
}

/* What the step itself changes is of the blocks after `block` or read from storage there. */
static bool in_step(const struct compare *work, const uint8_t agent[static 32])
{
	const struct index_step *step = work->step;

	for (size_t i = 0; step != NULL && i < step->nstates; i++)
		if (step->states[i].registry == work->registry->id && memcmp(step->states[i].agent_id, agent, 32) == 0)
			return true;
	return false;
}

/* What happened to it since is not known yet, but that something did. */
static bool is_later(const struct compare *work, const uint8_t agent[static 32])
{
	for (size_t i = 0; work->later != NULL && i < work->later->n; i++) {
		const struct index_log *log = &work->later->logs[i];

		if (log->registry == work->registry && log->fold.event.has_agent && memcmp(log->fold.event.agent, agent, 32) == 0)
			return true;
	}
	return false;
}

/* With rpc_quorum a state that is one provider's word settles nothing. */
static int read_states(struct compare *work, struct multicall_state *found, enum store_tier *tier,
		       const struct multicall_ask *asks, size_t n)
{
	struct index_duty *duty = work->duty;
	int err = index_read_agents(found, tier, duty, asks, n, &work->block);

	if (err != 0 || work->step != NULL || !index_wants_quorum(duty))
		return err;
	if (*tier >= STORE_TIER_QUORUM) {
		index_heard(duty);
		return 0;
	}
	multicall_states_clear(found, n);
	return index_unheard(duty, "states to compare with", work->number);
}

static int compare_page(struct compare *work, const struct store_states *page)
{
	struct multicall_state found[PAGE];
	struct multicall_ask asks[PAGE];
	enum store_tier tier = STORE_TIER_RPC;
	int err;

	for (size_t i = 0; i < page->n; i++) {
		asks[i].registry = work->registry->address;
		memcpy(asks[i].agent, page->rows[i].state.agent_id, 32);
	}
	err = read_states(work, found, &tier, asks, page->n);
	if (err != 0)
		return err;
	for (size_t i = 0; err == 0 && i < page->n; i++) {
		bool read = found[i].err == 0 || found[i].err == -EOVERFLOW;

		work->verdict->compared++;
		work->verdict->unread += !read;
		if (read && (!found[i].exists || !same(&page->rows[i].state, &found[i])) && !in_step(work, page->rows[i].state.agent_id) &&
		    !is_later(work, page->rows[i].state.agent_id))
			err = differs(work, &page->rows[i].state, &found[i], tier);
	}
	multicall_states_clear(found, page->n);
	return err;
}

static void add_one(uint8_t id[static 32])
{
	for (size_t i = 32; i-- > 0;)
		if (++id[i] != 0)
			return;
}

static int add_missed(struct compare *work, const uint8_t id[static 32], const struct multicall_state *found)
{
	struct store_state state = {.registry = work->registry->id, .number = work->number, .tier = STORE_TIER_RPC,
				    .has_wallet = !address_is_zero(&found->wallet),
				    .uri = pg_bytes(found->uri_len > 0 ? (const void *)found->uri : "", found->uri_len)};

	memcpy(state.agent_id, id, 32);
	memcpy(state.owner, found->owner.bytes, 20);
	memcpy(state.wallet, found->wallet.bytes, 20);
	return index_step_state(work->step, work->registry, &state, &work->block);
}

/* Storage has an agent that no event told of: its registration was left out, unless whoever read that lies. What is decided goes into
 * the step. */
static int missed(struct compare *work, const uint8_t id[static 32])
{
	struct index_duty *duty = work->duty;
	unsigned doubted = duty->read_by;
	struct multicall_state other = {0};
	bool proven;
	int err = index_decide(&other, &proven, duty, work->registry, id, &work->block, doubted);

	if (err == 0 && !other.exists) {
		index_distrust(duty, UINT32_C(1) << doubted, "an agent that a proof or another provider does not know", work->number,
			       work->number);
		return -EAGAIN;
	}
	work->verdict->missing++;
	work->verdict->known = work->verdict->known && work->registry->known;
	if (work->verdict->missing <= TOLD_MAX)
		log_warn(log_msg("an agent that no event tells of"), log_str("chain", duty->ctx->chain->name), log_hex("agent", id, 32),
			 log_u64("block", work->number));
	err = err == 0 && other.err == 0 && work->step != NULL ? add_missed(work, id, &other) : 0;
	multicall_states_clear(&other, 1);
	return err;
}

/* Ids are given in order, so behind one that is no agent there is none: those from `id` on up to that, or before `until`, were missed. */
static int look_between(struct compare *work, uint8_t id[static 32], const uint8_t *until)
{
	int err = 0;

	for (bool more = true; err == 0 && more && work->verdict->missing < MISSED_MAX; add_one(id)) {
		struct multicall_ask ask = {.registry = work->registry->address};
		struct multicall_state found;
		enum store_tier tier;

		if (until != NULL && memcmp(id, until, 32) >= 0)
			return 0;
		memcpy(ask.agent, id, sizeof(ask.agent));
		err = read_states(work, &found, &tier, &ask, 1);
		if (err != 0)
			return err;
		more = found.exists;
		if (found.exists && !is_later(work, id) && !in_step(work, id))
			err = missed(work, id);
		multicall_states_clear(&found, 1);
	}
	return err;
}

/* Between the agents of a page and after the one before it. *next: the id after the last. Only a known contract is known to give ids
 * without holes. */
static int look_for_holes(struct compare *work, uint8_t next[static 32], const struct store_states *page)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < page->n; i++) {
		const uint8_t *id = page->rows[i].state.agent_id;

		if (work->registry->known)
			err = look_between(work, next, id);
		memcpy(next, id, 32);
		add_one(next);
	}
	return err;
}

static int compare_registry(struct compare *work)
{
	struct index_duty *duty = work->duty;
	uint8_t last[32], next[32] = {0}, *after = NULL;
	size_t n = PAGE;
	int err = 0;

	while (err == 0 && n == PAGE) {
		struct store_states page = {0};
		struct pg_op op = {0};

		if (!steward_held(duty->ctx))
			return -ECANCELED;
		err = pg_wait(duty->ctx->base, &op,
			      store_agent_states(duty->ctx->pg, &op, &page, work->registry->id, after, PAGE));
		if (err != 0)
			return err;
		n = page.n;
		if (n > 0) {
			memcpy(last, page.rows[n - 1].state.agent_id, sizeof(last));
			after = last;
			err = compare_page(work, &page);
			if (err == 0)
				err = look_for_holes(work, next, &page);
		}
		store_states_clear(&page);
	}
	return err == 0 ? look_between(work, next, NULL) : err;
}

int index_compare(struct index_verdict *out, struct index_step *step, struct index_duty *duty, const struct index_look *look)
{
	struct compare work = {.duty = duty, .step = step, .number = look->number, .block = look->block, .later = look->later,
			       .verdict = out};
	int err = 0;

	*out = (struct index_verdict){.known = true};
	for (size_t i = 0; err == 0 && i < duty->nregistries; i++) {
		work.registry = &duty->registries[i];
		if (!work.registry->reputation && (look->mask & (UINT32_C(1) << i)) != 0)
			err = compare_registry(&work);
	}
	if (err == 0 && out->compared > 0)
		log_info(log_msg("agents compared with storage"), log_str("chain", duty->ctx->chain->name),
			 log_u64("agents", out->compared), log_u64("differ", out->differ), log_u64("unread", out->unread),
			 log_u64("missing", out->missing), log_u64("block", look->number));
	return err;
}

/* ---- the patrol ---- */

/* The states of the next agents as of a block; *n how many agents there are to look at. */
static int next_page(struct store_states *out, size_t *n, struct index_duty *duty, const struct index_registry *registry,
		     uint64_t number)
{
	struct store_state_ask asks[PAGE];
	struct store_states newest = {0};
	struct pg_op op = {0};
	int err = pg_wait(duty->ctx->base, &op,
			  store_agent_states(duty->ctx->pg, &op, &newest, registry->id,
					     duty->patrol_within ? duty->patrol_after : NULL, PAGE));

	*n = newest.n;
	for (size_t i = 0; err == 0 && i < newest.n; i++) {
		asks[i] = (struct store_state_ask){.registry = registry->id, .number = number};
		memcpy(asks[i].agent_id, newest.rows[i].state.agent_id, 32);
	}
	if (err == 0 && newest.n > 0) {
		memcpy(duty->patrol_after, asks[newest.n - 1].agent_id, 32);
		err = pg_wait(duty->ctx->base, &op, store_states_at(duty->ctx->pg, &op, out, asks, newest.n));
	}
	store_states_clear(&newest);
	return err;
}

static int patrol_page(struct index_verdict *verdict, size_t *n, struct index_duty *duty, struct index_registry *registry,
		       const struct store_index_block *block)
{
	struct compare work = {.duty = duty, .registry = registry, .number = block->number, .verdict = verdict};
	struct store_states page = {0};
	uint8_t next[32] = {0};
	int err;

	if (duty->patrol_within) {
		memcpy(next, duty->patrol_after, sizeof(next));
		add_one(next);
	}
	err = next_page(&page, n, duty, registry, block->number);
	memcpy(work.block.bytes, block->hash, 32);
	if (err == 0 && page.n > 0)
		err = compare_page(&work, &page);
	if (err == 0)
		err = look_for_holes(&work, next, &page);
	if (err == 0 && *n < PAGE) /* no more of them */
		err = look_between(&work, next, NULL);
	store_states_clear(&page);
	return err;
}

void index_patrol(struct index_duty *duty)
{
	int64_t now = heads_now_ms();
	struct index_verdict verdict = {.known = true};
	struct index_registry *registry;
	size_t back, n = 0;
	int err = 0;

	if (duty->nregistries == 0 || duty->noverlay == 0 || duty->place.tip_number < duty->heads.latest.number ||
	    (duty->patrol_ms != 0 && now - duty->patrol_ms < PATROL_MS))
		return;
	duty->patrol_ms = now;
	back = duty->noverlay > PATROL_BEHIND ? PATROL_BEHIND : duty->noverlay - 1;
	registry = &duty->registries[duty->patrol_registry % duty->nregistries];
	if (!registry->reputation && registry->indexed >= (int64_t)duty->place.final_number)
		err = patrol_page(&verdict, &n, duty, registry, &duty->overlay[duty->noverlay - 1 - back]);
	duty->patrol_within = n == PAGE;
	duty->patrol_registry += n < PAGE;
	if (err != 0 || verdict.differ + verdict.missing == 0)
		return;
	log_error(log_msg("ALARM: states of the index are not what storage says"), log_str("chain", duty->ctx->chain->name),
		  log_u64("agents", verdict.differ), log_u64("missing", verdict.missing), log_u64("block", duty->place.tip_number));
	/* what differs again after that is an odd contract's way: no reason to read all of them each minute */
	if (duty->patrol_corrected_ms == 0 || now - duty->patrol_corrected_ms > PATROL_AGAIN_MS) {
		duty->patrol_corrected_ms = now;
		duty->correct = true;
	}
}
