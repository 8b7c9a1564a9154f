/* Finalized blocks by ranges. Several stretches of blocks are fetched at once and stored in order, together when they wait.
 * Memory holds the stretches under way and waiting, and no more. */
#include "gateway/steward/index_stretch.h"
#include "gateway/identity/heads.h"
#include "gateway/runtime/log.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
	PROGRESS_MS = 5000,
	WAIT_MS = 250,
	STRETCHES_MAX = 64,	 /* under way, or fetched and waiting for those before them */
	WAITING_LOGS_MAX = 8000, /* no more are asked for while so many wait; and about so many go into one transaction */
};

struct backfill {
	struct index_duty *duty;
	uint32_t mask;
	uint64_t first, next, to;
	struct index_stretch *stretches[STRETCHES_MAX]; /* in order */
	size_t n;
	int64_t began_ms;
};

static void start_more(struct backfill *work);

static void on_taken(void *arg)
{
	start_more(arg);
}

static int start(struct backfill *work, uint64_t from, uint64_t to, size_t at)
{
	struct index_stretch *stretch = index_stretch_start(work->duty, work->mask, from, to, on_taken, work);

	if (stretch == NULL)
		return -ENOMEM;
	for (size_t i = work->n; i > at; i--)
		work->stretches[i] = work->stretches[i - 1];
	work->stretches[at] = stretch;
	work->n++;
	return 0;
}

/* Keeps INDEX_AHEAD stretches under way, also while others are being stored. */
static void start_more(struct backfill *work)
{
	for (;;) {
		size_t under_way = 0, logs = 0;
		uint64_t from = work->next;

		for (size_t i = 0; i < work->n; i++) {
			under_way += !work->stretches[i]->done;
			logs += work->stretches[i]->batch.n;
			if (work->stretches[i]->done && work->stretches[i]->err != 0)
				return;
		}
		if (from > work->to || under_way >= INDEX_AHEAD || logs > WAITING_LOGS_MAX || work->n == STRETCHES_MAX - 1)
			return;
		work->next = from + range_next(&work->duty->range, work->to - from + 1);
		if (start(work, from, work->next - 1, work->n) != 0) { /* fewer at once; none at all is noticed */
			work->next = from;
			return;
		}
	}
}

/* Blocks in which something happened. No more is known of most than their logs say: their parent is zero. */
static int add_blocks(struct index_step *step, const struct index_stretch *stretch)
{
	const struct index_batch *batch = &stretch->batch;
	int err = 0;

	for (size_t i = 0; err == 0 && i < batch->n; i++) {
		struct store_index_block block = {.number = batch->logs[i].number, .time = batch->logs[i].time, .final = true};

		if (i > 0 && batch->logs[i - 1].number == block.number)
			continue;
		if (block.number == stretch->last.number)
			block = stretch->last;
		memcpy(block.hash, batch->logs[i].block.bytes, 32);
		err = index_step_block(step, &block);
	}
	return err;
}

/* Events that contradict each other: of a known implementation that is somebody's lie; of another it may be its way. */
static int check_unbroken(const struct index_stretch *stretch, const struct index_step *step)
{
	for (size_t i = 0; i < step->nstates; i++) {
		if (!step->marks[i].broken || !step->marks[i].registry->known)
			continue;
		index_distrust(stretch->duty, stretch->providers, "logs that contradict each other", stretch->from, stretch->to);
		return -EBADMSG;
	}
	return 0;
}

/* Of all blocks that logs named, each is kept with the same chance; index_join() compares them with their headers. */
static void sample(struct index_duty *duty, const struct index_step *step)
{
	for (size_t i = 0; i < step->nblocks; i++) {
		uint32_t at = duty->sampled < INDEX_SAMPLES ? duty->sampled : randombytes_uniform(duty->sampled + 1);

		if (at < INDEX_SAMPLES)
			duty->samples[at] = step->blocks[i];
		duty->sampled += duty->sampled < UINT32_MAX - 1;
	}
}

static int commit(struct backfill *work, struct index_stretch *stretch)
{
	struct index_duty *duty = work->duty;
	struct index_step step = {0};
	int err = add_blocks(&step, stretch);

	if (err == 0)
		err = index_step_fold(&step, duty, &stretch->batch, (int64_t)stretch->from - 1);
	if (err == 0)
		err = check_unbroken(stretch, &step);
	if (err == 0)
		err = index_read_states(duty, &step, true, duty->heads.latest.number);
	if (err == 0)
		err = index_step_commit(duty, &step, &duty->place, work->mask, stretch->to, true);
	if (err == 0) {
		duty->backfilled_by |= stretch->providers;
		sample(duty, &step);
	}
	index_step_clear(&step);
	return err;
}

static void progress(struct backfill *work, uint64_t done)
{
	struct index_duty *duty = work->duty;
	int64_t now = heads_now_ms();
	uint64_t all = work->to - work->first + 1, taken = done - work->first + 1;

	if (now - duty->progress_logged_ms < PROGRESS_MS && done < work->to)
		return;
	duty->progress_logged_ms = now;
	log_info(log_msg("backfill"), log_str("chain", duty->ctx->chain->name), log_u64("block", done),
		 log_u64("of", work->to), log_u64("percent", taken * 100 / all), log_u64("range", duty->range.size),
		 log_i64("seconds_left", (now - work->began_ms) * (int64_t)(all - taken) / (int64_t)taken / 1000));
}

static int wait_for(struct backfill *work, const struct index_stretch *stretch)
{
	while (!stretch->done) {
		if (!steward_held(work->duty->ctx))
			return -ECANCELED;
		if (pg_run_until(work->duty->ctx->base, &stretch->done, WAIT_MS) == -EIO)
			return -EIO;
	}
	return stretch->err;
}

/* Puts the logs of the one behind it into the first. */
static int merge(struct index_stretch *first, struct index_stretch *next)
{
	struct index_batch *into = &first->batch, *from = &next->batch;
	int err = 0;

	for (size_t i = 0; err == 0 && i < from->nanswers; i++) {
		err = index_grow(&into->answers, &into->answers_room, into->nanswers, sizeof(*into->answers));
		if (err == 0) {
			into->answers[into->nanswers++] = from->answers[i];
			from->answers[i] = (struct eth_rpc_logs){0};
		}
	}
	for (size_t i = 0; err == 0 && i < from->n; i++) {
		err = index_grow(&into->logs, &into->room, into->n, sizeof(*into->logs));
		if (err == 0)
			into->logs[into->n++] = from->logs[i];
	}
	first->to = next->to;
	first->planned = next->planned;
	first->last = next->last;
	first->providers |= next->providers;
	return err;
}

/* The first one, with those behind it that are there already: in order, so that what is stored is one contiguous chain. */
static int take_first(struct backfill *work)
{
	struct index_stretch *stretch = work->stretches[0];
	size_t taken = 1;
	int err = wait_for(work, stretch);

	while (err == 0 && taken < work->n && work->stretches[taken]->done && work->stretches[taken]->err == 0 &&
	       stretch->to == stretch->planned && stretch->batch.n < WAITING_LOGS_MAX) {
		err = merge(stretch, work->stretches[taken]);
		index_stretch_free(work->stretches[taken++]);
	}
	work->n -= taken;
	for (size_t i = 0; i < work->n; i++)
		work->stretches[i] = work->stretches[i + taken];
	/* it ended early: the rest is a stretch of its own, next in order */
	if (err == 0 && stretch->to < stretch->planned)
		err = start(work, stretch->to + 1, stretch->planned, 0);
	if (err == 0)
		start_more(work);
	if (err == 0)
		err = commit(work, stretch);
	if (err == 0)
		progress(work, stretch->to);
	index_stretch_free(stretch);
	return err;
}

int index_backfill(struct index_duty *duty, uint32_t mask, uint64_t from, uint64_t to)
{
	struct backfill work = {.duty = duty, .mask = mask, .first = from, .next = from, .to = to,
				.began_ms = heads_now_ms()};
	int err = 0;

	duty->progress_logged_ms = work.began_ms;
	log_info(log_msg("backfill begins"), log_str("chain", duty->ctx->chain->name), log_u64("from", from), log_u64("to", to));
	while (err == 0 && (work.n > 0 || work.next <= to)) {
		start_more(&work);
		err = work.n > 0 ? take_first(&work) : -ENOMEM;
	}
	for (size_t i = 0; i < work.n; i++)
		index_stretch_free(work.stretches[i]);
	return err;
}
