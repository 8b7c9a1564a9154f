/* One transaction of the index: the events of some blocks, and what they make of the agents they are about. */
#include "gateway/steward/index_internal.h"
#include "eth/keccak.h"
#include "gateway/identity/registry.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An agent the step touches, in an open-addressed table. */
struct touched {
	struct index_registry *registry; /* NULL: free */
	uint8_t agent[32];
	struct fold_state state;
	uint64_t folded; /* block number + 1 that was folded last; 0 none */
};

struct table {
	struct touched *rows;
	size_t n, size; /* size a power of two, more than twice n */
};

void index_step_clear(struct index_step *step)
{
	for (size_t i = 0; i < step->nowned; i++)
		free(step->owned[i]);
	free(step->owned);
	free(step->blocks);
	free(step->events);
	free(step->states);
	free(step->marks);
	store_states_clear(&step->prior);
	*step = (struct index_step){0};
}

/* Memory that goes with the step; NULL: there is none. */
static void *own(struct index_step *step, size_t size)
{
	void *memory;

	if (index_grow(&step->owned, &step->owned_room, step->nowned, sizeof(*step->owned)) != 0)
		return NULL;
	memory = malloc(size);
	if (memory != NULL)
		step->owned[step->nowned++] = memory;
	return memory;
}

int index_step_block(struct index_step *step, const struct store_index_block *block)
{
	int err = index_grow(&step->blocks, &step->blocks_room, step->nblocks, sizeof(*step->blocks));

	if (err == 0)
		step->blocks[step->nblocks++] = *block;
	return err;
}

static const char LONG_URI[] = "urn:kedge:long-uri:";

bool index_names_long_uri(const struct pg_bytes *uri)
{
	return uri->len >= sizeof(LONG_URI) - 1 + 64 && memcmp(uri->data, LONG_URI, sizeof(LONG_URI) - 1) == 0;
}

int index_step_uri(struct pg_bytes *out, struct index_step *step, const uint8_t *uri, size_t len)
{
	struct eth_hash hash;
	char *text;

	*out = pg_bytes(len > 0 ? (const void *)uri : "", len);
	if (len <= REGISTRY_URI_MAX)
		return 0;
	text = own(step, 128);
	if (text == NULL)
		return -ENOMEM;
	/* no URI of the contract: none of these begins so and is that long */
	keccak256(&hash, uri, len);
	out->len = (size_t)snprintf(text, 128, "%s%zu:", LONG_URI, len);
	for (size_t i = 0; i < sizeof(hash.bytes); i++)
		out->len += (size_t)snprintf(text + out->len, 128 - out->len, "%02x", hash.bytes[i]);
	out->data = (const uint8_t *)text;
	return 0;
}

static int add_event(struct index_step *step, const struct index_log *log)
{
	const struct registry_event *event = &log->fold.event;
	struct store_event *row;
	int err = index_grow(&step->events, &step->events_room, step->nevents, sizeof(*step->events));

	if (err != 0)
		return err;
	row = &step->events[step->nevents];
	*row = (struct store_event){.registry = log->registry->id,
				    .number = log->number,
				    .log_index = log->fold.log_index,
				    .has_agent = event->has_agent,
				    .kind = (enum store_event_kind)event->kind};
	memcpy(row->tx, log->fold.tx, sizeof(row->tx));
	memcpy(row->agent_id, event->agent, sizeof(row->agent_id));
	memcpy(row->a, event->a.bytes, sizeof(row->a));
	memcpy(row->b, event->b.bytes, sizeof(row->b));
	if (event->kind == REGISTRY_METADATA)
		row->key = pg_bytes(event->key_len > 0 ? (const void *)event->key : "", event->key_len);
	if (event->kind == REGISTRY_REVOKED)
		row->value = pg_bytes(event->index, sizeof(event->index));
	else if (event->kind == REGISTRY_REGISTERED || event->kind == REGISTRY_URI)
		err = index_step_uri(&row->value, step, event->value, event->value_len);
	else if (event->value != NULL)
		row->value = pg_bytes(event->value, event->value_len);
	else if (event->kind == REGISTRY_METADATA)
		row->value = pg_bytes("", 0);
	if (err == 0)
		step->nevents++;
	return err;
}

/* ---- the agents touched ---- */

static struct touched *find(const struct table *table, const struct index_registry *registry, const uint8_t agent[static 32])
{
	uint64_t mix = (uint64_t)registry->id * UINT64_C(0x9e3779b97f4a7c15);
	size_t at;

	for (size_t i = 0; i < 32; i += 8) {
		uint64_t word;

		memcpy(&word, agent + i, sizeof(word));
		mix = (mix ^ word) * UINT64_C(0xff51afd7ed558ccd);
		mix ^= mix >> 32;
	}
	for (at = (size_t)mix & (table->size - 1);; at = (at + 1) & (table->size - 1))
		if (table->rows[at].registry == NULL ||
		    (table->rows[at].registry == registry && memcmp(table->rows[at].agent, agent, 32) == 0))
			return &table->rows[at];
}

static int make_table(struct table *table, struct index_duty *duty, const struct index_batch *batch)
{
	table->size = 64;
	while (table->size < 2 * batch->n + 1)
		table->size *= 2;
	table->rows = calloc(table->size, sizeof(*table->rows));
	if (table->rows == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < batch->n; i++) {
		const struct index_log *log = &batch->logs[i];
		struct touched *row;

		if (log->registry->reputation || !log->fold.event.has_agent ||
		    (!log->unread && !registry_event_is_identity(&log->fold.event)))
			continue;
		row = find(table, log->registry, log->fold.event.agent);
		if (row->registry != NULL)
			continue;
		row->registry = &duty->registries[log->registry - duty->registries];
		memcpy(row->agent, log->fold.event.agent, 32);
		table->n++;
	}
	return 0;
}

static void from_store(struct fold_state *out, const struct store_state *state)
{
	*out = (struct fold_state){.exists = true, .has_wallet = state->has_wallet, .uri = state->uri.data,
				   .uri_len = state->uri.len};
	memcpy(out->owner.bytes, state->owner, 20);
	if (state->has_wallet)
		memcpy(out->wallet.bytes, state->wallet, 20);
}

/* What the agents were before; those not registered by then are left as absent. */
static int load_prior(struct index_step *step, struct table *table, struct index_duty *duty, uint64_t before)
{
	struct store_state_ask *asks = calloc(table->n, sizeof(*asks));
	struct pg_op op = {0};
	size_t n = 0;
	int err = asks == NULL ? -ENOMEM : 0;

	for (size_t i = 0; err == 0 && i < table->size; i++) {
		const struct touched *row = &table->rows[i];

		if (row->registry == NULL)
			continue;
		asks[n] = (struct store_state_ask){.registry = row->registry->id, .number = before};
		memcpy(asks[n++].agent_id, row->agent, 32);
	}
	if (err == 0)
		err = pg_wait(duty->ctx->base, &op, store_states_at(duty->ctx->pg, &op, &step->prior, asks, n));
	for (size_t i = 0; err == 0 && i < step->prior.n; i++) {
		const struct store_state *state = &step->prior.rows[i].state;

		for (size_t r = 0; r < duty->nregistries; r++)
			if (duty->registries[r].id == state->registry)
				from_store(&find(table, &duty->registries[r], state->agent_id)->state, state);
	}
	free(asks);
	return err;
}

/* ---- folding ---- */

static int add_state(struct index_step *step, struct touched *row, const struct index_log *log)
{
	const struct fold_state *state = &row->state;
	struct store_state *out;
	int err = index_grow(&step->states, &step->states_room, step->nstates, sizeof(*step->states));

	if (err == 0)
		err = index_grow(&step->marks, &step->marks_room, step->nstates, sizeof(*step->marks));
	if (err != 0)
		return err;
	out = &step->states[step->nstates];
	*out = (struct store_state){.registry = row->registry->id, .number = log->number, .tier = STORE_TIER_EVENTS,
				    .has_wallet = state->has_wallet};
	memcpy(out->agent_id, row->agent, 32);
	memcpy(out->owner, state->owner.bytes, 20);
	if (state->has_wallet)
		memcpy(out->wallet, state->wallet.bytes, 20);
	step->marks[step->nstates] = (struct index_mark){.registry = row->registry, .block = log->block,
							 .doubtful = state->doubtful || !state->exists,
							 .broken = state->broken,
							 .absent = !state->exists};
	err = index_step_uri(&out->uri, step, state->uri, state->uri_len);
	if (err == 0)
		step->nstates++;
	return err;
}

static bool is_any_unread(const struct index_log *logs, size_t n, const struct index_registry *registry,
			  const uint8_t agent[static 32])
{
	for (size_t i = 0; i < n; i++)
		if (logs[i].unread && logs[i].registry == registry && memcmp(logs[i].fold.event.agent, agent, 32) == 0)
			return true;
	return false;
}

/* The logs of one block and registry are gathered, then folded agent by agent in the order they appear. */
static int fold_block(struct index_step *step, struct table *table, const struct index_log *logs, size_t n,
		      struct fold_event *room, const struct index_registry *registry)
{
	size_t count = 0;
	int err = 0;

	for (size_t i = 0; i < n; i++)
		if (logs[i].registry == registry && !logs[i].unread)
			room[count++] = logs[i].fold;
	for (size_t i = 0; err == 0 && i < n; i++) {
		struct touched *row;

		if (logs[i].registry != registry || !logs[i].fold.event.has_agent)
			continue;
		row = find(table, registry, logs[i].fold.event.agent);
		if (row->registry == NULL || row->folded == logs[i].number + 1)
			continue;
		row->folded = logs[i].number + 1;
		row->state.doubtful = is_any_unread(logs, n, registry, row->agent);
		if (fold_events(&row->state, row->agent, room, count) || row->state.doubtful)
			err = add_state(step, row, &logs[i]);
		row->state.doubtful = row->state.broken = false;
	}
	return err;
}

static int fold_all(struct index_step *step, struct table *table, const struct index_duty *duty,
		    const struct index_batch *batch)
{
	struct fold_event *room = calloc(batch->n, sizeof(*room));
	int err = room == NULL ? -ENOMEM : 0;
	size_t end;

	for (size_t at = 0; err == 0 && at < batch->n; at = end) {
		for (end = at + 1; end < batch->n && batch->logs[end].number == batch->logs[at].number;)
			end++;
		for (size_t r = 0; err == 0 && r < duty->nregistries; r++)
			if (!duty->registries[r].reputation)
				err = fold_block(step, table, batch->logs + at, end - at, room, &duty->registries[r]);
	}
	free(room);
	return err;
}

int index_step_fold(struct index_step *step, struct index_duty *duty, const struct index_batch *batch, int64_t before)
{
	struct table table = {0};
	int err = 0;

	for (size_t i = 0; err == 0 && i < batch->n; i++)
		err = batch->logs[i].unread ? 0 : add_event(step, &batch->logs[i]);
	if (err != 0 || batch->n == 0)
		return err;
	err = make_table(&table, duty, batch);
	if (err == 0 && table.n > 0 && before >= 0)
		err = load_prior(step, &table, duty, (uint64_t)before);
	if (err == 0 && table.n > 0)
		err = fold_all(step, &table, duty, batch);
	free(table.rows);
	return err;
}

int index_step_state(struct index_step *step, struct index_registry *registry, const struct store_state *state,
		     const struct eth_hash *block)
{
	uint8_t *copy;
	size_t at = 0;
	int err;

	while (at < step->nstates && (step->states[at].registry != state->registry ||
				      step->states[at].number != state->number ||
				      memcmp(step->states[at].agent_id, state->agent_id, 32) != 0))
		at++;
	err = index_grow(&step->states, &step->states_room, at, sizeof(*step->states));
	if (err == 0)
		err = index_grow(&step->marks, &step->marks_room, at, sizeof(*step->marks));
	if (err != 0)
		return err;
	copy = own(step, state->uri.len + 1);
	if (copy == NULL)
		return -ENOMEM;
	if (state->uri.len > 0)
		memcpy(copy, state->uri.data, state->uri.len);
	step->states[at] = *state;
	step->states[at].uri = pg_bytes(copy, state->uri.len);
	step->marks[at] = (struct index_mark){.registry = registry, .block = *block};
	if (at == step->nstates)
		step->nstates++;
	return 0;
}

void index_step_drop_state(struct index_step *step, size_t at)
{
	step->nstates--;
	memmove(step->states + at, step->states + at + 1, (step->nstates - at) * sizeof(*step->states));
	memmove(step->marks + at, step->marks + at + 1, (step->nstates - at) * sizeof(*step->marks));
}

/* ---- storing ---- */

int index_written(struct index_duty *duty, int err)
{
	if (err == -ESTALE)
		steward_fenced_off(duty->ctx);
	if (err != 0)
		duty->loaded = false;
	return err;
}

int index_step_commit(struct index_duty *duty, const struct index_step *step, const struct store_index *place,
		      uint32_t mask, uint64_t indexed_to, bool provisional)
{
	const struct store_fence fence = steward_fence(duty->ctx);
	uint32_t indexed[INDEX_REGISTRIES_MAX];
	struct store_index next = *place;
	struct store_index_step write = {
		.chain_id = duty->ctx->chain->id,
		.index = &next,
		.blocks = step->blocks,
		.nblocks = step->nblocks,
		.events = step->events,
		.nevents = step->nevents,
		.states = step->states,
		.nstates = step->nstates,
		.indexed_to = indexed_to,
		.provisional = provisional,
	};
	struct pg_op op = {0};
	int err;

	for (size_t i = 0; i < duty->nregistries; i++)
		if ((mask & (UINT32_C(1) << i)) != 0 && indexed_to + 1 >= duty->registries[i].start)
			indexed[write.nindexed++] = duty->registries[i].id;
	write.indexed = write.nindexed > 0 ? indexed : NULL;
	next.target = duty->heads.finalized.number > next.final_number ? duty->heads.finalized.number : next.final_number;
	next.updated = clock_wall_ms();
	err = pg_wait(duty->ctx->base, &op, store_index_step(duty->ctx->pg, &op, &fence, &write));
	if (err != 0)
		return index_written(duty, err);
	duty->place = next;
	duty->has_place = true;
	for (size_t i = 0; i < duty->nregistries; i++) {
		struct index_registry *registry = &duty->registries[i];

		if ((mask & (UINT32_C(1) << i)) == 0 || indexed_to + 1 < registry->start)
			continue;
		if (!provisional && registry->indexed < (int64_t)indexed_to)
			registry->indexed = (int64_t)indexed_to;
		if (registry->fetched < (int64_t)indexed_to)
			registry->fetched = (int64_t)indexed_to;
	}
	if (duty->ctx->chain->id != duty->ctx->config->chain_id)
		return 0;
	metrics_add(METRIC_INDEX_EVENTS, step->nevents);
	metrics_add(METRIC_INDEX_STATES, step->nstates);
	metrics_set(METRIC_INDEX_TIP, next.tip_number);
	metrics_set(METRIC_INDEX_FINAL, next.final_number);
	return 0;
}
