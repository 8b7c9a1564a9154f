/* Which blocks of the overlay are still in the chain, and which are final now. */
#include "gateway/steward/index_internal.h"
#include "gateway/identity/heads.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOOK_BACK = 64,	  /* blocks compared in one batch on the way to the common ancestor */
	SHORT_ROUNDS = 4, /* looks at a latest block below the tip until it is believed */
	ALARM_MS = 5000,  /* an alarm that lasts so long is no provider's slip: nothing is answered from the index */
};

int index_overlay_add(struct index_duty *duty, const struct store_index_block *block)
{
	int err = index_grow(&duty->overlay, &duty->overlay_room, duty->noverlay, sizeof(*duty->overlay));

	if (err == 0)
		duty->overlay[duty->noverlay++] = *block;
	return err;
}

/* NULL: not in the overlay. */
static const struct store_index_block *block_at(const struct index_duty *duty, uint64_t number)
{
	uint64_t first = duty->noverlay > 0 ? duty->overlay[0].number : 0;

	if (duty->noverlay == 0 || number < first || number - first >= duty->noverlay)
		return NULL;
	return &duty->overlay[number - first];
}

static bool is_there(const struct index_duty *duty, const struct store_block *head)
{
	const struct store_index_block *block = block_at(duty, head->number);

	return block != NULL && memcmp(block->hash, head->hash, 32) == 0;
}

static void store_alarm(struct index_duty *duty, bool stands)
{
	const struct store_fence fence = steward_fence(duty->ctx);
	struct pg_op op = {0};
	int err;

	if (duty->alarm_stored == stands)
		return;
	err = pg_wait(duty->ctx->base, &op,
		      store_index_alarm(duty->ctx->pg, &op, &fence, duty->ctx->chain->id, stands));
	if (err == 0)
		duty->alarm_stored = stands;
	else
		log_warn(log_msg("the alarm of the index could not be stored"), log_rc(err));
}

/* Nothing finalized may change. While it has, nothing is written: agents resolve by direct reads. */
static int raise_alarm(struct index_duty *duty, uint64_t number, const uint8_t hash[static 32])
{
	int64_t now = heads_now_ms();

	if (!duty->alarm || now - duty->alarm_logged_ms >= INDEX_ALARM_LOG_MS) {
		duty->alarm_logged_ms = now;
		log_error(log_msg("ALARM: a finalized block of the index is not in the chain; the index stands still (another chain, a "
				  "chain started anew, or a node that lies)"),
			  log_str("chain", duty->ctx->chain->name), log_u64("final", duty->place.final_number),
			  log_hex("final_hash", duty->place.final_hash, 32), log_u64("block", number), log_hex("hash", hash, 32));
	}
	if (!duty->alarm)
		duty->alarm_since_ms = now;
	duty->alarm = true;
	if (now - duty->alarm_since_ms >= ALARM_MS)
		store_alarm(duty, true);
	metrics_set(METRIC_INDEX_ALARM, 1);
	return -EUCLEAN;
}

void index_end_alarm(struct index_duty *duty)
{
	store_alarm(duty, false);
	if (!duty->alarm)
		return;
	duty->alarm = false;
	metrics_set(METRIC_INDEX_ALARM, 0);
	log_warn(log_msg("the chain shows the index's final block again: going on"), log_str("chain", duty->ctx->chain->name));
}

/* ---- back to the common ancestor ---- */

static int drop(struct index_duty *duty, const struct store_index_block *keep)
{
	const struct store_fence fence = steward_fence(duty->ctx);
	struct store_index place = duty->place;
	struct pg_op op = {0};
	int err;

	place.tip_number = keep->number;
	place.tip_time = keep->time;
	memcpy(place.tip_hash, keep->hash, 32);
	place.updated = clock_wall_ms();
	err = pg_wait(duty->ctx->base, &op,
		      store_index_drop(duty->ctx->pg, &op, &fence, duty->ctx->chain->id, keep->number, &place));
	if (err != 0)
		return index_written(duty, err);
	if (duty->place.tip_number > keep->number) {
		log_warn(log_msg("blocks dropped by a reorganisation"), log_str("chain", duty->ctx->chain->name),
			 log_u64("from", duty->place.tip_number), log_u64("to", keep->number),
			 log_u64("depth", duty->place.tip_number - keep->number));
		metrics_add(METRIC_INDEX_REORGS, 1);
	}
	for (size_t i = 0; i < duty->nregistries; i++)
		if (duty->registries[i].fetched > (int64_t)keep->number)
			duty->registries[i].fetched = duty->registries[i].indexed > (int64_t)keep->number
							      ? duty->registries[i].indexed
							      : (int64_t)keep->number;
	duty->place = place;
	duty->noverlay = (size_t)(keep->number - duty->overlay[0].number) + 1;
	return 0;
}

int index_overlay_restart(struct index_duty *duty)
{
	return duty->noverlay > 0 ? drop(duty, &duty->overlay[0]) : 0;
}

/* The chain's hashes of overlay blocks low..high, as one provider shows them. A null is a node that is behind: -EAGAIN. */
static int hashes_of(struct eth_hash *out, unsigned *provider, struct index_duty *duty, uint64_t low, uint64_t high)
{
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	for (uint64_t number = low; number <= high; number++) {
		struct eth_rpc_at at = eth_rpc_at_number(number);

		eth_rpc_add_block(&list, &at);
	}
	err = eth_rpc_wait(&answer, duty->ctx->rpc, &list, INDEX_RPC_MS);
	if (err == 0 && provider != NULL)
		*provider = answer->provider;
	for (uint64_t i = 0; err == 0 && i <= high - low; i++) {
		struct eth_rpc_block block;

		err = eth_rpc_result_block(&block, &answer->results[i]);
		if (err == 0 && block.number != low + i)
			err = -EBADMSG;
		if (err == 0)
			out[i] = block.hash;
	}
	if (answer != NULL && err == -EBADMSG) {
		index_distrust(duty, UINT32_C(1) << answer->provider, "a block that is not the one asked for", low, high);
		err = -EAGAIN;
	}
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return err == -ENOENT ? -EAGAIN : err;
}

int index_walk_back(struct index_duty *duty)
{
	uint64_t high = duty->place.tip_number < duty->heads.latest.number ? duty->place.tip_number : duty->heads.latest.number;
	struct eth_hash hashes[LOOK_BACK];

	if (duty->noverlay == 0 || high < duty->overlay[0].number)
		return -EAGAIN;
	for (;;) {
		uint64_t first = duty->overlay[0].number, low = high - first >= LOOK_BACK ? high - LOOK_BACK + 1 : first;
		int err = hashes_of(hashes, NULL, duty, low, high);

		if (err != 0)
			return err;
		for (uint64_t number = high + 1; number-- > low;) {
			const struct store_index_block *block = block_at(duty, number);

			if (block == NULL || memcmp(block->hash, hashes[number - low].bytes, 32) != 0)
				continue;
			index_end_alarm(duty);
			return number == duty->place.tip_number ? -EAGAIN : drop(duty, block);
		}
		if (low == first)
			return raise_alarm(duty, first, hashes[0].bytes);
		high = low - 1;
	}
}

/* ---- finality ---- */

static int finalize(struct index_duty *duty, const struct store_index_block *block)
{
	const struct store_fence fence = steward_fence(duty->ctx);
	struct store_index place = duty->place;
	uint64_t former = place.final_number;
	struct pg_op op = {0};
	size_t gone;
	int err;

	place.final_number = block->number;
	memcpy(place.final_hash, block->hash, 32);
	place.target = duty->heads.finalized.number > block->number ? duty->heads.finalized.number : block->number;
	place.updated = clock_wall_ms();
	err = pg_wait(duty->ctx->base, &op,
		      store_index_finalize(duty->ctx->pg, &op, &fence, duty->ctx->chain->id, &place));
	if (err != 0)
		return index_written(duty, err);
	for (size_t i = 0; i < duty->nregistries; i++) {
		struct index_registry *registry = &duty->registries[i];

		if (registry->indexed < (int64_t)former && registry->start <= former)
			continue;
		if (registry->indexed < (int64_t)block->number)
			registry->indexed = (int64_t)block->number;
		if (registry->fetched < registry->indexed)
			registry->fetched = registry->indexed;
	}
	duty->place = place;
	index_end_alarm(duty);
	index_proofs_final(duty, block->number);
	gone = (size_t)(block->number - duty->overlay[0].number);
	duty->noverlay -= gone;
	memmove(duty->overlay, duty->overlay + gone, duty->noverlay * sizeof(*duty->overlay));
	if (duty->ctx->chain->id == duty->ctx->config->chain_id)
		metrics_set(METRIC_INDEX_FINAL, place.final_number);
	return 0;
}

/* The chain has gone far beyond the overlay: if its tip is still in the chain, all of it is final. That cannot be taken back, and
 * no block links it to the heads: others must show it too. */
static int finalize_all(struct index_duty *duty)
{
	const struct store_index_block *tip = block_at(duty, duty->place.tip_number);
	const bool hashed = !duty->fork;
	struct eth_hash hash;
	unsigned provider = 0;
	int err = hashes_of(&hash, &provider, duty, duty->place.tip_number, duty->place.tip_number);

	if (err != 0)
		return err;
	if (tip == NULL || memcmp(hash.bytes, tip->hash, 32) != 0)
		return index_walk_back(duty);
	err = index_blocks_agree(duty, provider, tip, &hashed, 1);
	return err == 0 ? finalize(duty, tip) : err;
}

/* `latest` below the tip: a node that is behind, or a chain that became shorter. */
static int settle_short(struct index_duty *duty)
{
	const struct store_index_block *block = block_at(duty, duty->heads.latest.number);

	if (block == NULL) /* below the final block: finality says what that means */
		return -EAGAIN;
	if (++duty->short_rounds < SHORT_ROUNDS)
		return 0;
	duty->short_rounds = 0;
	return drop(duty, block);
}

/* Finality that went back (the follower lets it only when that lasts) is no contradiction while the final block of the
 * index is still in the chain. */
static int check_final(struct index_duty *duty)
{
	const struct store_chain_head *heads = &duty->heads;
	uint64_t final = duty->place.final_number;
	struct eth_hash hash;
	int err = 0;

	if (heads->latest.number < final)
		return raise_alarm(duty, heads->latest.number, heads->latest.hash);
	if (heads->finalized.number == final)
		memcpy(hash.bytes, heads->finalized.hash, 32);
	else
		err = hashes_of(&hash, NULL, duty, final, final);
	if (err != 0)
		return err;
	if (memcmp(hash.bytes, duty->place.final_hash, 32) != 0)
		return raise_alarm(duty, final, hash.bytes);
	index_end_alarm(duty);
	return 0;
}

int index_settle(struct index_duty *duty)
{
	const struct store_chain_head *heads = &duty->heads;
	uint64_t final = duty->place.final_number, tip = duty->place.tip_number;
	int err = 0;

	if (heads->finalized.number <= final)
		err = check_final(duty);
	if (err != 0)
		return err;
	if (heads->latest.number <= tip && !is_there(duty, &heads->latest))
		err = block_at(duty, heads->latest.number) != NULL ? index_walk_back(duty) : -EAGAIN;
	else if (heads->latest.number < tip)
		err = settle_short(duty);
	else
		duty->short_rounds = 0;
	if (err != 0)
		return err;
	if (heads->finalized.number > final && heads->finalized.number <= duty->place.tip_number) {
		if (!is_there(duty, &heads->finalized))
			return index_walk_back(duty);
		err = finalize(duty, block_at(duty, heads->finalized.number));
	} else if (heads->finalized.number > tip && tip > final && heads->latest.number - tip > INDEX_NEAR) {
		err = finalize_all(duty);
	}
	return err;
}
