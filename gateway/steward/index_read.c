/* States from storage. What cannot be read never stops the index: then the events have the word, and the tier says so. */
#include "gateway/steward/index_internal.h"
#include "gateway/identity/registry.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	GROUPS_MAX = 32,    /* aggregates in one batch */
	FRESH_BLOCKS = 64,  /* so near the head a missing state is a node that is behind */
	STALE_ROUNDS = 8,   /* rounds it is waited for */
	DISPROVED_ROUNDS = 8, /* rounds that logs are asked for again which do not make the state that is proved */
};

/* States of one block that go into one aggregate: rows [at, at + n) of the list of places. */
struct group {
	size_t at, n;
	struct eth_hash block;
	unsigned by; /* who answered */
};

static const struct eth_address *multicall_of(const struct index_duty *duty)
{
	return duty->chains.has_multicall && !duty->no_multicall ? &duty->chains.multicall : NULL;
}

static int ask_one(struct eth_rpc_answer **answer, struct index_duty *duty, const struct eth_rpc_calls *list)
{
	int err = eth_rpc_wait(answer, duty->ctx->rpc, list, INDEX_RPC_MS);

	if (err == 0)
		duty->read_by = (*answer)->provider;
	return err;
}

/* One batch, by the tier the settings ask for. Providers that contradict each other are an error that is told; where fewer
 * than the quorum answer at all, one is believed, and the tier says rpc. */
static int ask(struct eth_rpc_answer **answer, enum store_tier *tier, struct index_duty *duty,
	       const struct eth_rpc_calls *list)
{
	unsigned need = (unsigned)duty->ctx->config->rpc_quorum;
	struct eth_rpc_quorum quorum;
	int err;

	*tier = STORE_TIER_RPC;
	if (need < 2 || need > eth_rpc_providers(duty->ctx->rpc))
		return ask_one(answer, duty, list);
	err = eth_rpc_quorum_wait(answer, &quorum, duty->ctx->rpc, list, need, INDEX_RPC_MS);
	if (err == 0) {
		if (quorum.dissenting != 0)
			index_distrust(duty, quorum.dissenting, "another state than the quorum's", 0, duty->heads.latest.number);
		duty->read_by = (*answer)->provider;
		*tier = STORE_TIER_QUORUM;
		return 0;
	}
	if (err == -ENOTUNIQ)
		log_error(log_msg("providers contradict each other about a state"), log_u64("answered", quorum.answered),
			  log_u64("agreed", quorum.agreed), log_u64("quorum", need));
	if (err == -EIO)
		return ask_one(answer, duty, list);
	return err == -ENOTUNIQ ? -EAGAIN : err;
}

static int read_once(struct multicall_state *states, enum store_tier *tier, struct index_duty *duty,
		     const struct eth_address *multicall, const struct multicall_ask *asks, size_t n,
		     const struct eth_hash *block)
{
	struct eth_rpc_at at = eth_rpc_at_hash(block);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	multicall_add(&list, multicall, asks, n, &at);
	err = ask(&answer, tier, duty, &list);
	if (err == 0)
		err = multicall_read(states, multicall != NULL, n, answer->results);
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return err;
}

/* An aggregate that fails as a whole is taken apart: no Multicall3 at that block, too much gas, too large an answer. */
static bool worth_apart(int err)
{
	return err == -ENXIO || err == -EPROTO || err == -EBADMSG || err == -EOVERFLOW || err == -EOPNOTSUPP || err == -EIO;
}

static int read_apart(struct multicall_state *states, enum store_tier *tier, struct index_duty *duty,
		      const struct multicall_ask *asks, size_t n, const struct eth_hash *block)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < n; i++) {
		enum store_tier one;

		err = read_once(&states[i], &one, duty, NULL, &asks[i], 1, block);
		if (err == -EBADMSG || err == -EIO || err == -EOVERFLOW) { /* this agent's answer alone: an odd contract */
			states[i] = (struct multicall_state){.err = err};
			err = 0;
		}
		if (i == 0 || one < *tier)
			*tier = one;
	}
	if (err != 0)
		multicall_states_clear(states, n);
	return err;
}

int index_read_agents(struct multicall_state *states, enum store_tier *tier, struct index_duty *duty,
		      const struct multicall_ask *asks, size_t n, const struct eth_hash *block)
{
	const struct eth_address *multicall = multicall_of(duty);
	int err;

	memset(states, 0, n * sizeof(*states));
	if (n > MULTICALL_AGENTS_MAX)
		return -EINVAL;
	err = read_once(states, tier, duty, multicall, asks, n, block);
	if (err == -ENXIO && multicall != NULL && !duty->plain_warned) {
		duty->plain_warned = true;
		log_warn(log_msg("no Multicall3 at its address: states are read one by one"), log_str("chain", duty->ctx->chain->name),
			 log_hex("multicall", multicall->bytes, 20));
	}
	return worth_apart(err) ? read_apart(states, tier, duty, asks, n, block) : err;
}

bool index_same_state(const struct multicall_state *a, const struct multicall_state *b)
{
	bool long_a = a->err == -EOVERFLOW, long_b = b->err == -EOVERFLOW;

	if (!a->exists || !b->exists)
		return a->exists == b->exists;
	if (!address_equal(&a->owner, &b->owner) || !address_equal(&a->wallet, &b->wallet))
		return false;
	if (long_a || long_b)
		return long_a == long_b;
	return a->uri_len == b->uri_len && (a->uri_len == 0 || memcmp(a->uri, b->uri, a->uri_len) == 0);
}

/* The folded state in the other's form; its URI is borrowed, or too long as found's is. */
static struct multicall_state folded(const struct store_state *state, const struct index_mark *mark,
				     const struct multicall_state *found)
{
	struct multicall_state out = {.exists = !mark->absent, .uri_len = state->uri.len};
	uint8_t *uri;

	if (found->err == -EOVERFLOW && index_names_long_uri(&state->uri))
		out.err = -EOVERFLOW;

	memcpy(&uri, &state->uri.data, sizeof(uri)); /* not written through */
	out.uri = uri;
	memcpy(out.owner.bytes, state->owner, 20);
	if (state->has_wallet)
		memcpy(out.wallet.bytes, state->wallet, 20);
	return out;
}

/* One provider's logs of a known contract do not make the state that is proved: some are left out or changed. Only a contract that
 * acts while it is minted to makes it so honestly, so it does not stop the index for ever. */
static bool is_half_told(struct index_duty *duty, const struct store_state *state, const struct index_mark *mark)
{
	if (!duty->logs_alone || mark->doubtful || !mark->registry->known || state->number <= mark->registry->odd_until ||
	    ++duty->disproved_rounds > DISPROVED_ROUNDS)
		return false;
	index_distrust(duty, UINT32_C(1) << duty->logs_by, "logs that do not make the state that is proved", state->number,
		       state->number);
	return true;
}

/* Storage is not what the events say. A receiver that acts while it is minted to makes it so, or an odd contract; or somebody
 * lies. Where a proof or another provider says otherwise too, *found becomes that. */
static int settle_doubt(struct index_duty *duty, const struct store_state *state, const struct index_mark *mark,
			struct multicall_state *found, enum store_tier *tier)
{
	struct multicall_state events = folded(state, mark, found), other;
	unsigned doubted = duty->read_by;
	bool proven;
	int err = index_decide(&other, &proven, duty, mark->registry, state->agent_id, &mark->block, doubted);

	if (err == -ENOMEM)
		return err;
	if (err == 0 && !index_same_state(&other, found)) {
		if (!proven && !index_same_state(&other, &events)) {
			multicall_states_clear(&other, 1);
			return -EAGAIN; /* three words of one thing */
		}
		index_distrust(duty, UINT32_C(1) << doubted, proven ? "a state that a proof contradicts" : "a state that another provider and the events contradict",
			       state->number, state->number);
		multicall_states_clear(found, 1);
		*found = other;
		*tier = STORE_TIER_RPC; /* the proof itself is stored later, and raises it */
		if (proven && !index_same_state(found, &events) && is_half_told(duty, state, mark))
			return -EAGAIN;
		return 0;
	}
	if (err == 0)
		multicall_states_clear(&other, 1);
	if (err == 0 && proven && is_half_told(duty, state, mark))
		return -EAGAIN;
	if (mark->doubtful)
		return 0;
	metrics_add(METRIC_INDEX_DIFFERENCES, 1);
	log_warn(log_msg("storage differs from the events: storage counts"), log_str("chain", duty->ctx->chain->name),
		 log_hex("agent", state->agent_id, 32), log_u64("block", state->number));
	return 0;
}

static int apply(struct index_step *step, struct index_duty *duty, size_t at, struct multicall_state *found,
		 enum store_tier tier)
{
	struct store_state *state = &step->states[at];
	struct index_mark *mark = &step->marks[at];
	struct multicall_state events = folded(state, mark, found);
	struct pg_bytes uri;
	int err = 0;

	if ((found->err == 0 || found->err == -EOVERFLOW) && (mark->doubtful || !index_same_state(found, &events)))
		err = settle_doubt(duty, state, mark, found, &tier);
	if (err != 0)
		return err;
	if (found->err != 0 && !found->exists)
		return 0; /* cannot be read: the events' word stays */
	mark->read_by = UINT32_C(1) << duty->read_by;
	mark->absent = !found->exists;
	if (!found->exists)
		return 0;
	memcpy(state->owner, found->owner.bytes, 20);
	memcpy(state->wallet, found->wallet.bytes, 20);
	state->has_wallet = !address_is_zero(&found->wallet);
	if (found->err == -EOVERFLOW)
		return 0; /* owner and wallet are storage's, the long URI is the events': the lower tier stays */
	err = index_step_uri(&uri, step, found->uri, found->uri_len);
	if (err == 0 && found->uri_len > 0) {
		err = index_grow(&step->owned, &step->owned_room, step->nowned, sizeof(*step->owned));
		if (err == 0) {
			step->owned[step->nowned++] = found->uri;
			found->uri = NULL;
		}
	}
	if (err != 0)
		return err;
	state->uri = uri;
	state->tier = tier;
	return 0;
}

struct plan {
	size_t *places; /* of states to read */
	struct multicall_ask *asks;
	struct multicall_state *found;
	size_t n;
	struct group *groups;
	int *results; /* of each group: -errno, 0 found */
	size_t ngroups;
};

static void plan_clear(struct plan *plan)
{
	if (plan->found != NULL)
		multicall_states_clear(plan->found, plan->n);
	free(plan->places);
	free(plan->asks);
	free(plan->found);
	free(plan->groups);
	free(plan->results);
}

static int make_plan(struct plan *plan, const struct index_step *step, bool doubtful)
{
	*plan = (struct plan){.places = calloc(step->nstates + 1, sizeof(*plan->places)),
			      .asks = calloc(step->nstates + 1, sizeof(*plan->asks)),
			      .found = calloc(step->nstates + 1, sizeof(*plan->found)),
			      .groups = calloc(step->nstates + 1, sizeof(*plan->groups)),
			      .results = calloc(step->nstates + 1, sizeof(*plan->results))};
	if (plan->places == NULL || plan->asks == NULL || plan->found == NULL || plan->groups == NULL || plan->results == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < step->nstates; i++) {
		struct group *group = plan->ngroups > 0 ? &plan->groups[plan->ngroups - 1] : NULL;

		if (doubtful && !step->marks[i].doubtful)
			continue;
		if (group == NULL || group->n == MULTICALL_AGENTS_MAX ||
		    memcmp(&group->block, &step->marks[i].block, sizeof(group->block)) != 0) {
			group = &plan->groups[plan->ngroups++];
			*group = (struct group){.at = plan->n, .block = step->marks[i].block};
		}
		group->n++;
		plan->asks[plan->n].registry = step->marks[i].registry->address;
		memcpy(plan->asks[plan->n].agent, step->states[i].agent_id, 32);
		plan->places[plan->n++] = i;
	}
	return 0;
}

/* Several groups in one batch. */
static int read_groups(struct plan *plan, enum store_tier *tier, struct index_duty *duty, size_t first,
		       size_t n)
{
	const struct eth_address *multicall = multicall_of(duty);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	size_t at = 0;
	int err;

	eth_rpc_calls_init(&list);
	for (size_t i = first; i < first + n; i++) {
		struct eth_rpc_at block = eth_rpc_at_hash(&plan->groups[i].block);

		multicall_add(&list, multicall, plan->asks + plan->groups[i].at, plan->groups[i].n, &block);
	}
	err = ask(&answer, tier, duty, &list);
	for (size_t i = first; err == 0 && i < first + n; i++) {
		struct group *group = &plan->groups[i];

		group->by = duty->read_by;
		plan->results[i] = multicall_read(plan->found + group->at, multicall != NULL, group->n, answer->results + at);
		at += multicall_calls(multicall != NULL, group->n);
	}
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return err;
}

static int take_group(struct plan *plan, struct index_step *step, struct index_duty *duty, size_t which,
		      enum store_tier tier, bool doubtful, uint64_t latest)
{
	const struct group group = plan->groups[which];
	uint64_t number = step->states[plan->places[group.at]].number;
	int err = plan->results[which];

	duty->read_by = group.by;
	if (worth_apart(err))
		err = index_read_agents(plan->found + group.at, &tier, duty, plan->asks + group.at, group.n, &group.block);
	if (err == -ESTALE && !doubtful && latest - number < FRESH_BLOCKS && duty->stale_rounds++ < STALE_ROUNDS)
		return -EAGAIN;
	if (err == -ESTALE || (err != 0 && err != -ENOMEM && doubtful))
		return 0;
	for (size_t i = 0; err == 0 && i < group.n; i++)
		err = apply(step, duty, plan->places[group.at + i], &plan->found[group.at + i], tier);
	if (err == 0)
		duty->stale_rounds = 0;
	return err;
}

int index_read_states(struct index_duty *duty, struct index_step *step, bool doubtful, uint64_t latest)
{
	enum store_tier tier = STORE_TIER_EVENTS;
	struct plan plan;
	int err = make_plan(&plan, step, doubtful);

	for (size_t at = 0, n; err == 0 && at < plan.ngroups; at += n) {
		n = plan.ngroups - at < GROUPS_MAX ? plan.ngroups - at : GROUPS_MAX;
		err = read_groups(&plan, &tier, duty, at, n);
		/* together too large: one by one; not to be had: as folded */
		for (size_t i = at; (err == -EOVERFLOW || (doubtful && err != 0)) && i < at + n; i++)
			plan.results[i] = err == -EOVERFLOW ? err : -ESTALE;
		if (err == -EOVERFLOW || (doubtful && err != -ENOMEM))
			err = 0;
		for (size_t i = at; err == 0 && i < at + n; i++)
			err = take_group(&plan, step, duty, i, tier, doubtful, latest);
	}
	plan_clear(&plan);
	for (size_t i = step->nstates; err == 0 && i-- > 0;)
		if (step->marks[i].absent)
			index_step_drop_state(step, i);
	return err;
}
