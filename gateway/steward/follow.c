/* A look at the heads, a judgement, a row. */
#include "gateway/steward/follow.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"
#include "gateway/steward/follow_read.h"
#include "sql/store_chain.h"

#include <errno.h>
#include <string.h>

static bool same_block(const struct heads_block *a, const struct heads_block *b)
{
	return a->number == b->number && memcmp(&a->hash, &b->hash, sizeof(a->hash)) == 0;
}

/* Whether one chain can hold both: the same number with another hash, or a smaller number, says that something was
 * replaced. (A replacement by a longer branch shows no sign here; nothing below `finalized` rests on latest or safe
 * alone.) */
static bool replaced(const struct heads_block *then, const struct heads_block *now)
{
	return now->number < then->number || (now->number == then->number && !same_block(then, now));
}

enum follow_verdict follow_judge(struct follow_state *state, const struct heads_set *now)
{
	const struct heads_set *last = &state->last;
	enum follow_verdict verdict = FOLLOW_NEW;

	if (state->known && replaced(&last->finalized, &now->finalized)) {
		if (++state->backwards < FOLLOW_ALARM_ROUNDS)
			return FOLLOW_BACKWARDS;
		verdict = FOLLOW_RESTARTED;
	} else if (state->known) {
		if (same_block(&last->latest, &now->latest) && same_block(&last->safe, &now->safe) &&
		    same_block(&last->finalized, &now->finalized))
			verdict = FOLLOW_SAME;
		else if (replaced(&last->latest, &now->latest) || replaced(&last->safe, &now->safe))
			verdict = FOLLOW_REORG;
	}
	state->backwards = 0;
	state->last = *now;
	state->known = true;
	return verdict;
}

static void to_store(struct store_block *out, const struct heads_block *block)
{
	out->number = block->number;
	memcpy(out->hash, block->hash.bytes, sizeof(out->hash));
}

static void from_store(struct heads_block *out, const struct store_block *block)
{
	*out = (struct heads_block){.number = block->number};
	memcpy(out->hash.bytes, block->hash, sizeof(block->hash));
}

struct follower {
	struct steward_context *ctx;
	struct follow_state state;
	struct follow_reader reader;
	struct steward_trouble trouble;
	const char *chain;
	int64_t written_ms; /* 0: the next look is written whatever it says */
};

/* A restarted duty goes on from what was last written, so that it notices what happened while it was away. */
static int load(struct follower *follower)
{
	struct steward_context *ctx = follower->ctx;
	struct store_chain_head row;
	struct pg_op op = {0};
	int err = pg_wait(ctx->base, &op, store_chain_head(ctx->pg, &op, &row, follower->chain));

	follower->state = (struct follow_state){0};
	follower->written_ms = 0;
	if (err == -ENOENT)
		return 0;
	if (err != 0)
		return err;
	from_store(&follower->state.last.latest, &row.latest);
	from_store(&follower->state.last.safe, &row.safe);
	from_store(&follower->state.last.finalized, &row.finalized);
	follower->state.known = true;
	return 0;
}

/* `read_ms` is when the look began: the heads are at least that fresh, never fresher than claimed. */
static int store(struct follower *follower, uint64_t read_ms)
{
	struct steward_context *ctx = follower->ctx;
	const struct store_fence fence = steward_fence(ctx);
	struct store_chain_head row = {.read_at = read_ms};
	struct pg_op op = {0};
	int err;

	to_store(&row.latest, &follower->state.last.latest);
	to_store(&row.safe, &follower->state.last.safe);
	to_store(&row.finalized, &follower->state.last.finalized);
	err = pg_wait(ctx->base, &op, store_chain_head_put(ctx->pg, &op, &fence, follower->chain, &row));
	if (err == -ESTALE)
		steward_fenced_off(ctx);
	if (err != 0)
		return err;
	follower->written_ms = heads_now_ms();
	if (ctx->chain->id == ctx->config->chain_id) { /* the metrics are of the default chain */
		metrics_set(METRIC_CHAIN_HEAD, row.latest.number);
		metrics_set(METRIC_CHAIN_FINALIZED, row.finalized.number);
	}
	return 0;
}

/* Another provider, a few blocks behind the one before it: nothing was replaced. */
static bool is_late(const struct heads_set *before, const struct heads_set *now)
{
	return (now->latest.number < before->latest.number || same_block(&now->latest, &before->latest)) &&
	       (now->safe.number != before->safe.number || same_block(&now->safe, &before->safe));
}

static void report(enum follow_verdict verdict, bool moved, const struct heads_set *before, const struct heads_set *now)
{
	if (verdict == FOLLOW_REORG && moved && is_late(before, now))
		log_info(log_msg("heads of another provider, which is behind"), log_u64("from", before->latest.number),
			 log_u64("to", now->latest.number));
	else if (verdict == FOLLOW_REORG)
		log_warn(log_msg("reorganisation"), log_u64("from", before->latest.number),
			 log_hex("from_hash", before->latest.hash.bytes, 32), log_u64("to", now->latest.number),
			 log_hex("to_hash", now->latest.hash.bytes, 32));
	else if (verdict == FOLLOW_RESTARTED)
		log_error(log_msg("the finalized chain was replaced; following the new one"),
			  log_u64("from", before->finalized.number),
			  log_hex("from_hash", before->finalized.hash.bytes, 32), log_u64("to", now->finalized.number),
			  log_hex("to_hash", now->finalized.hash.bytes, 32));
}

/* A node that answers but no longer follows its chain would keep revoked wallets alive. */
static bool is_stuck(const struct config *config, const struct heads_set *now, uint64_t wall)
{
	return config->head_age_s > 0 && wall / 1000 > now->latest.time && wall / 1000 - now->latest.time > config->head_age_s;
}

static int look(struct follower *follower)
{
	struct steward_context *ctx = follower->ctx;
	uint64_t read_ms = clock_wall_ms();
	struct heads_set before = follower->state.last, now;
	unsigned provider = follower->reader.provider;
	enum follow_verdict verdict;
	int err = follow_read(&now, &follower->reader, follower->state.known ? &before : NULL);

	if (err != 0)
		return err;
	if (is_stuck(ctx->config, &now, read_ms)) {
		log_warn(log_msg("the node's latest block is old: it is stuck, or behind"), log_u64("block", now.latest.number),
			 log_u64("age_s", read_ms / 1000 - now.latest.time));
		follow_set_aside(&follower->reader, "its latest block is old");
		return -EAGAIN;
	}
	verdict = follow_judge(&follower->state, &now);
	if (verdict == FOLLOW_BACKWARDS) {
		if (follower->state.backwards == 1) {
			metrics_add(METRIC_CHAIN_BACKWARDS, 1);
			log_error(log_msg("finalized moved backwards"), log_u64("from", before.finalized.number),
				  log_u64("to", now.finalized.number),
				  log_hex("to_hash", now.finalized.hash.bytes, 32));
		}
		return 0;
	}
	report(verdict, follower->reader.provider != provider, &before, &now);
	if (verdict != FOLLOW_SAME)
		follower->written_ms =
			0; /* a failed write is tried again at the next look, even if that shows nothing new */
	if (follower->written_ms != 0 && heads_now_ms() - follower->written_ms < FOLLOW_HEARTBEAT_MS)
		return 0;
	return store(follower, read_ms);
}

static int pause_for(const struct follower *follower)
{
	uint64_t ms = follower->ctx->config->follow_ms;

	return ms == 0 || ms > 60000 ? 500 : (int)ms;
}

int steward_follow_run(struct steward_context *ctx)
{
	struct follower follower = {.ctx = ctx};
	int err;

	if (ctx->chain == NULL)
		return -EINVAL;
	follower.chain = ctx->chain->name;
	follower.reader = (struct follow_reader){.rpc = ctx->rpc,
						 .quorum = (unsigned)ctx->config->rpc_quorum,
						 .deadline_ms = FOLLOW_RPC_DEADLINE_MS};
	while ((err = steward_take(ctx)) == 0) {
		bool loaded = false;

		while (steward_held(ctx)) {
			unsigned ms = (unsigned)pause_for(&follower);

			err = loaded ? 0 : load(&follower);
			loaded = loaded || err == 0;
			if (err == 0)
				err = look(&follower);
			if (err == 0)
				steward_recovered(&follower.trouble, ctx);
			else
				ms = steward_failed(&follower.trouble, ctx, "heads not followed", err);
			if (steward_pause(ctx, ms) != 0)
				break;
		}
	}
	return err == -ECANCELED ? 0 : err;
}
