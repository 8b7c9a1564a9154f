/* The index duty: its place in the database, the heads, and one round after the other. */
#include "gateway/steward/index_internal.h"
#include "gateway/identity/heads.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"
#include "sql/listen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS_A_ROUND = 64, PROOFS_A_ROUND = 16 };

/* ---- what is stored ---- */

static int open_registry(struct index_duty *duty, const struct eth_address *address, uint64_t start, bool reputation)
{
	const struct store_fence fence = steward_fence(duty->ctx);
	struct store_registry row;
	struct pg_op op = {0};
	int err = pg_wait(duty->ctx->base, &op,
			  store_registry_open(duty->ctx->pg, &op, &row, &fence, duty->ctx->chain->id, address->bytes, start));

	if (err == -EEXIST)
		log_error(log_msg("the registry was indexed from another start block: its index would have a hole"),
			  log_hex("registry", address->bytes, 20), log_u64("start", start));
	if (err != 0)
		return err == -EEXIST ? err : index_written(duty, err);
	duty->registries[duty->nregistries++] = (struct index_registry){.id = row.id, .address = *address,
									.reputation = reputation, .start = start,
									.indexed = row.indexed,
									.fetched = row.fetched, .known = row.known};
	return 0;
}

static int open_registries(struct index_duty *duty)
{
	const struct chains *chains = &duty->chains;
	uint64_t chain = duty->ctx->chain->id;
	int err = 0;

	duty->nregistries = 0;
	for (size_t i = 0; err == 0 && i < chains->nregistries; i++)
		if (chains->registries[i].chain_id == chain)
			err = open_registry(duty, &chains->registries[i].address, chains->registries[i].start, false);
	if (err == 0 && chains->has_reputation && chain == chains->chains[0].id)
		err = open_registry(duty, &chains->reputation, duty->ctx->config->registry_start, true);
	return err;
}

static const struct index_registry *registry_of(const struct index_duty *duty, uint32_t id)
{
	for (size_t i = 0; i < duty->nregistries; i++)
		if (duty->registries[i].id == id)
			return &duty->registries[i];
	return NULL;
}

/* Whether the overlay holds the logs of just the registries of the settings. */
static int is_followed(bool *followed, const struct index_duty *duty)
{
	struct store_registries all = {0};
	struct pg_op op = {0};
	int err = pg_wait(duty->ctx->base, &op, store_registries(duty->ctx->pg, &op, &all));

	*followed = true;
	for (size_t i = 0; i < all.n; i++)
		if (all.rows[i].chain_id == duty->ctx->chain->id && all.rows[i].followed != (registry_of(duty, all.rows[i].id) != NULL))
			*followed = false;
	store_registries_clear(&all);
	return err;
}

/* Registries that came or went since the overlay was taken: it is taken again, with the logs of those there are now. */
static int follow(struct index_duty *duty)
{
	const struct store_fence fence = steward_fence(duty->ctx);
	uint32_t ids[INDEX_REGISTRIES_MAX];
	struct pg_op op = {0};
	bool followed;
	int err = is_followed(&followed, duty);

	if (err != 0 || followed)
		return err;
	if (duty->has_place && duty->place.tip_number > duty->place.final_number) {
		log_info(log_msg("the registries are not those of before: the blocks above the final one are taken again"),
			 log_str("chain", duty->ctx->chain->name), log_u64("from", duty->place.final_number + 1),
			 log_u64("to", duty->place.tip_number));
		err = index_overlay_restart(duty);
	}
	for (size_t i = 0; i < duty->nregistries; i++)
		ids[i] = duty->registries[i].id;
	if (err == 0)
		err = pg_wait(duty->ctx->base, &op,
			      store_registries_follow(duty->ctx->pg, &op, &fence, duty->ctx->chain->id, ids, duty->nregistries));
	return err == 0 ? 0 : index_written(duty, err);
}

static int load_overlay(struct index_duty *duty)
{
	struct steward_context *ctx = duty->ctx;
	struct store_index_blocks overlay = {0};
	struct pg_op op = {0};
	int err = pg_wait(ctx->base, &op, store_index_overlay(ctx->pg, &op, &overlay, ctx->chain->id));

	for (size_t i = 0; err == 0 && i < overlay.n; i++)
		err = index_overlay_add(duty, &overlay.rows[i]);
	store_index_blocks_clear(&overlay);
	if (err == 0 && (duty->noverlay == 0 || duty->overlay[0].number != duty->place.final_number ||
			 duty->overlay[duty->noverlay - 1].number != duty->place.tip_number))
		err = -EPROTO;
	return err;
}

static int load(struct index_duty *duty)
{
	struct steward_context *ctx = duty->ctx;
	struct pg_op op = {0};
	int err = open_registries(duty);

	duty->noverlay = duty->nproofs = duty->proofs_at = 0;
	if (err == 0)
		err = pg_wait(ctx->base, &op, store_index(ctx->pg, &op, &duty->place, ctx->chain->id));
	duty->has_place = err == 0;
	if (err == -ENOENT)
		err = 0;
	else if (err == 0)
		err = load_overlay(duty);
	duty->alarm_stored = true; /* whoever held the duty before may have said so */
	if (err == 0)
		err = follow(duty);
	duty->has_place = duty->has_place && err == 0;
	duty->loaded = err == 0;
	return err;
}

static int load_heads(struct index_duty *duty)
{
	struct pg_op op = {0};

	return pg_wait(duty->ctx->base, &op,
		       store_chain_head(duty->ctx->pg, &op, &duty->heads, duty->ctx->chain->name));
}

/* ---- the beginning ---- */

/* Nothing links that block to anything: others must show it too. */
static int read_first(struct store_index_block *out, struct index_duty *duty, uint64_t number)
{
	struct index_header *header = malloc(sizeof(*header));
	struct eth_rpc_at at = eth_rpc_at_number(number);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	bool hashed = false;
	int err;

	eth_rpc_calls_init(&list);
	eth_rpc_add_block(&list, &at);
	err = header == NULL ? -ENOMEM : eth_rpc_wait(&answer, duty->ctx->rpc, &list, INDEX_RPC_MS);
	if (err == 0)
		err = index_take_block(header, &answer->results[0]);
	if (err == -EKEYREJECTED || err == -EBADMSG || (err == 0 && header->block.number != number)) {
		index_distrust(duty, UINT32_C(1) << answer->provider, "a header that is not the block's", number, number);
		err = -EAGAIN;
	}
	if (err == 0) {
		*out = header->block;
		out->final = true;
		hashed = header->hashed;
		err = hashed ? 0 : index_fork_agree(duty, answer->provider, out);
	}
	if (err == 0)
		err = index_blocks_agree(duty, answer->provider, out, &hashed, 1);
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	free(header);
	return err;
}

/* The first place: the block before the first registry's start, which nothing needs to be known of but its hash. */
static int begin(struct index_duty *duty)
{
	struct store_index_block row;
	uint64_t first = UINT64_MAX, number;
	struct store_index place = {0};
	struct index_step step = {0};
	int err;

	for (size_t i = 0; i < duty->nregistries; i++)
		first = duty->registries[i].start < first ? duty->registries[i].start : first;
	number = first > 0 ? first - 1 : 0;
	if (number > duty->heads.finalized.number)
		return -EAGAIN;
	err = read_first(&row, duty, number);
	if (err != 0)
		return err;
	place.final_number = place.tip_number = number;
	place.tip_time = row.time;
	memcpy(place.final_hash, row.hash, 32);
	memcpy(place.tip_hash, row.hash, 32);
	err = index_step_block(&step, &row);
	if (err == 0)
		err = index_step_commit(duty, &step, &place, UINT32_MAX, number, false);
	if (err == 0)
		err = index_overlay_add(duty, &row);
	index_step_clear(&step);
	return err;
}

/* ---- a round ---- */

/* The last block to take by ranges: final, and not near the head. */
static uint64_t range_end(const struct index_duty *duty)
{
	uint64_t latest = duty->heads.latest.number, near = latest > INDEX_NEAR ? latest - INDEX_NEAR : 0;

	return near < duty->heads.finalized.number ? near : duty->heads.finalized.number;
}

/* A registry of the settings that came later, or whose joining was interrupted. */
static bool is_any_behind(const struct index_duty *duty)
{
	for (size_t i = 0; i < duty->nregistries; i++)
		if (duty->registries[i].start <= duty->place.final_number &&
		    duty->registries[i].indexed < (int64_t)duty->place.final_number)
			return true;
	return false;
}

/* Old blocks by ranges. A registry added later is fetched up to the final block by itself; nothing is above that until then: see
 * follow(). */
static int backfill(struct index_duty *duty)
{
	int err = 0;

	if (is_any_behind(duty))
		err = index_join(duty, duty->place.final_number);
	if (err == 0 && duty->place.tip_number == duty->place.final_number && range_end(duty) > duty->place.final_number)
		err = index_join(duty, range_end(duty));
	return err;
}

static int advance(struct index_duty *duty)
{
	int err = index_settle(duty);

	if (err == 0)
		err = backfill(duty);
	for (unsigned i = 0; err == 0 && i < GROUPS_A_ROUND && duty->place.tip_number < duty->heads.latest.number; i++) {
		if (!steward_held(duty->ctx))
			return -ECANCELED;
		err = index_near(duty);
	}
	if (err == 0) /* what was just taken in may be final already */
		err = index_settle(duty);
	return err;
}

static int round_of(struct index_duty *duty)
{
	int err = duty->loaded ? 0 : load(duty);

	if (err == 0)
		err = load_heads(duty);
	if (err == 0 && !duty->has_place)
		err = begin(duty);
	if (err == 0)
		err = advance(duty);
	if ((err == 0 || err == -EAGAIN) && duty->ctx->held) /* also where what its events look like is not what was expected */
		index_watch(duty);
	if (err == 0 && duty->ctx->held)
		index_proofs_take(duty, PROOFS_A_ROUND);
	if (err == 0 && duty->ctx->held)
		index_patrol(duty);
	return err;
}

static void on_notify(void *arg, const char *channel, const char *payload)
{
	(void)channel;
	(void)payload;
	steward_wake(arg);
}

static int prepare(struct index_duty *duty, struct listen **listen)
{
	struct steward_context *ctx = duty->ctx;
	const struct listen_config config = {
		.conninfo = ctx->config->database,
		.channels = {"kedge_chain"},
		.on_notify = on_notify,
		.arg = ctx,
	};
	struct config_error why;
	int err = chains_load(&duty->chains, &why, ctx->config);

	if (err != 0)
		log_error(log_msg(why.text));
	if (err == 0)
		err = layout_codes_parse(duty->codes, &duty->ncodes, ctx->config->registry_code);
	range_init(&duty->range, 0);
	duty->group = INDEX_GROUP;
	return err == 0 ? listen_open(listen, ctx->base, &config) : err;
}

/* Nothing to say of what passes by itself: a chain that moves, a node that is behind, a stop. */
static bool is_passing(int err)
{
	return err == 0 || err == -EAGAIN || err == -ECANCELED || err == -EUCLEAN;
}

static void hold(struct index_duty *duty)
{
	struct steward_context *ctx = duty->ctx;

	duty->loaded = false;
	while (steward_held(ctx)) {
		unsigned ms = INDEX_POLL_MS;
		int err = round_of(duty);

		if (err == -ENOENT && !duty->has_place)
			err = -EAGAIN; /* the follower has not written its heads yet */
		if (!is_passing(err))
			ms = steward_failed(&duty->trouble, ctx, "not indexed", err);
		else if (err == 0)
			steward_recovered(&duty->trouble, ctx);
		if (err == 0 && (duty->place.tip_number < duty->heads.latest.number || index_proofs_wait(duty)))
			steward_wake(ctx);
		if (steward_pause(ctx, ms) != 0)
			return;
	}
}

int steward_index_run(struct steward_context *ctx)
{
	struct index_duty *duty = calloc(1, sizeof(*duty));
	struct listen *listen = NULL;
	int err;

	if (duty == NULL)
		return -ENOMEM;
	duty->ctx = ctx;
	err = ctx->chain == NULL ? -EINVAL : prepare(duty, &listen);
	if (err == 0)
		while ((err = steward_take(ctx)) == 0)
			hold(duty);
	listen_close(listen);
	free(duty->overlay);
	free(duty->proofs);
	free(duty);
	return err == -ECANCELED ? 0 : err;
}
