/* Finalized blocks by ranges. Several stretches of blocks are fetched at once and committed in order; each is fetched in
 * parts as large as the provider allows. Memory holds the stretches under way and no more.
 *
 * A part is one batch: its logs, and the header of its last block, which the same hand must give: a node that has not
 * come so far shows no header instead of an empty list. */
#include "gateway/steward/index_internal.h"
#include "gateway/identity/heads.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
	LIES_MAX = 6,		/* untrue answers to one part until the round fails */
	HEADERS_MAX = 100,	/* headers in one batch */
	SAMPLES = 4,		/* blocks of a stretch whose hash and time are compared with their header */
	PROGRESS_MS = 5000,
	WAIT_MS = 250,
	STRETCH_LOGS_MAX = 20000, /* a stretch with more logs ends early */
};

/* A stretch of blocks. It belongs to the callback while one is under way, also after the duty forgot it. */
struct stretch {
	struct index_duty *duty; /* NULL: forgotten */
	uint32_t mask;
	uint64_t from, to;   /* what it stands for; to moves down when it ends early */
	uint64_t planned;    /* where it was to end */
	uint64_t next, part; /* the part under way: next..part */
	struct index_batch batch;
	size_t timed;		   /* logs up to here have their block's time, or it is asked for */
	size_t asked[HEADERS_MAX]; /* the first logs of blocks whose headers are asked for */
	size_t nasked;
	bool sampled;
	struct store_index_block last;
	unsigned lies;
	uint32_t providers; /* who answered, as bits */
	bool under_way, done;
	int err;
};

static void stretch_free(struct stretch *stretch)
{
	index_batch_clear(&stretch->batch);
	free(stretch);
}

static void forget(struct stretch *stretch)
{
	if (stretch->under_way)
		stretch->duty = NULL; /* its callback frees it */
	else
		stretch_free(stretch);
}

static void ask_part(struct stretch *stretch);
static void ask_headers(struct stretch *stretch);

static void finish(struct stretch *stretch, int err)
{
	stretch->err = err;
	stretch->done = true;
}

/* An untrue answer: another provider is asked, if there is one. */
static int caught(struct stretch *stretch, const char *why)
{
	index_distrust(stretch->duty, UINT32_C(1) << eth_rpc_provider(stretch->duty->ctx->rpc), why, stretch->next, stretch->part);
	return ++stretch->lies < LIES_MAX ? -EAGAIN : -EBADMSG;
}

/* ---- one part ---- */

static int refused(struct stretch *stretch, const struct eth_rpc_hint *hint)
{
	uint64_t blocks = stretch->part - stretch->next + 1, wanted = hint->blocks;

	if (wanted == 0 && hint->has_range && hint->to - hint->from < blocks)
		wanted = hint->to - hint->from + 1;
	metrics_add(METRIC_INDEX_REFUSALS, 1);
	return range_refused(&stretch->duty->range, blocks, wanted) == 0 ? -EAGAIN : -EOVERFLOW;
}

/* The last block's header: of that number, hashing to its hash, and its bloom borne out by the logs. */
static int take_header(struct stretch *stretch, const struct eth_rpc_result *result, size_t logs_before)
{
	const struct index_log *last = stretch->batch.n > logs_before ? &stretch->batch.logs[stretch->batch.n - 1] : NULL;
	struct eth_rpc_header *header = malloc(sizeof(*header));
	struct eth_rpc_block block;
	bool there = last != NULL && last->number == stretch->part;
	int err = eth_rpc_result_block(&block, result);
	int hashed = header == NULL ? -ENOMEM : err != 0 ? err : eth_rpc_result_header(header, result);

	if (err == 0 && hashed == -ENOMEM)
		err = hashed;
	if (err == -ENOENT)
		err = caught(stretch, "a finalized block is not known there");
	else if (err == 0 && (block.number != stretch->part || hashed == -EKEYREJECTED))
		err = caught(stretch, "a header that is not the block's");
	else if (err == 0 && there && memcmp(&last->block, &block.hash, sizeof(block.hash)) != 0)
		err = caught(stretch, "logs and header of different blocks");
	else if (err == 0 && hashed == 0 && !there &&
		 index_bloom(header->header.bloom, stretch->duty, stretch->mask) == INDEX_BLOOM_SURELY)
		err = caught(stretch, "a bloom with bits of logs that are not shown");
	if (err == 0) {
		stretch->last = (struct store_index_block){.number = block.number, .time = block.time, .final = true};
		memcpy(stretch->last.hash, block.hash.bytes, 32);
		memcpy(stretch->last.parent, block.parent.bytes, 32);
	}
	free(header);
	return err;
}

static int take_part(struct stretch *stretch, const struct eth_rpc_result *results)
{
	struct eth_rpc_logs logs = {0};
	struct index_ask ask;
	const char *why = NULL;
	size_t before = stretch->batch.n, answers = stretch->batch.nanswers;
	int err;

	if (results[0].outcome == ETH_RPC_LIMIT)
		return refused(stretch, &results[0].hint);
	err = eth_rpc_result_logs(&logs, &results[0]);
	if (err == -EBADMSG || err == -EOVERFLOW)
		return caught(stretch, "logs of another shape");
	if (err != 0)
		return err == -EAGAIN ? -EIO : err;
	index_ask_init(&ask, stretch->duty, stretch->mask);
	err = index_batch_add(&stretch->batch, &why, &logs, stretch->duty, &ask, stretch->next, stretch->part, NULL);
	if (err != 0)
		return err == -EBADMSG ? caught(stretch, why) : err;
	err = take_header(stretch, &results[1], before);
	if (err != 0) { /* the part is asked again as a whole */
		stretch->batch.n = before;
		while (stretch->batch.nanswers > answers)
			eth_rpc_logs_clear(&stretch->batch.answers[--stretch->batch.nanswers]);
		return err;
	}
	range_took(&stretch->duty->range, stretch->part - stretch->next + 1, stretch->batch.n - before);
	metrics_add(METRIC_INDEX_RANGES, 1);
	stretch->lies = 0;
	stretch->providers |= UINT32_C(1) << eth_rpc_provider(stretch->duty->ctx->rpc);
	stretch->next = stretch->part + 1;
	return 0;
}

static void on_part(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct stretch *stretch = arg;

	(void)n;
	stretch->under_way = false;
	if (stretch->duty == NULL) {
		stretch_free(stretch);
		return;
	}
	if (err == -EOVERFLOW) /* more logs than a client takes in one answer */
		err = refused(stretch, &(struct eth_rpc_hint){0});
	else if (err == 0)
		err = take_part(stretch, results);
	if (err == 0 && stretch->batch.n > STRETCH_LOGS_MAX)
		stretch->to = stretch->next - 1;
	if (err != 0 && err != -EAGAIN)
		finish(stretch, err);
	else if (stretch->next <= stretch->to)
		ask_part(stretch);
	else
		ask_headers(stretch);
}

static void ask_part(struct stretch *stretch)
{
	struct eth_rpc_at at;
	struct eth_rpc_calls list;
	struct index_ask ask;
	int err;

	stretch->part = stretch->next + range_next(&stretch->duty->range, stretch->to - stretch->next + 1) - 1;
	index_ask_init(&ask, stretch->duty, stretch->mask);
	ask.filter.from = stretch->next;
	ask.filter.to = stretch->part;
	at = eth_rpc_at_number(stretch->part);
	eth_rpc_calls_init(&list);
	eth_rpc_add_logs(&list, &ask.filter);
	eth_rpc_add_block(&list, &at);
	err = eth_rpc_batch_list(stretch->duty->ctx->rpc, &list, INDEX_RPC_MS, on_part, stretch);
	eth_rpc_calls_clear(&list);
	stretch->under_way = err == 0;
	if (err != 0)
		finish(stretch, err);
}

/* ---- the blocks the logs name ---- */

/* Logs and headers contradict each other: headers hash to what they are, so it is the logs that are not believed. The whole
 * stretch is asked again, of others than those who gave it. */
static int start_again(struct stretch *stretch, const char *why)
{
	index_distrust(stretch->duty, stretch->providers, why, stretch->from, stretch->to);
	index_batch_clear(&stretch->batch);
	stretch->next = stretch->from;
	stretch->to = stretch->planned;
	stretch->timed = 0;
	stretch->providers = 0;
	return ++stretch->lies < LIES_MAX ? -EAGAIN : -EBADMSG;
}

static const char *header_fault(const struct index_log *log, const struct eth_rpc_block *block,
				const struct eth_rpc_result *result)
{
	static struct eth_rpc_header header; /* too large for a stack that callbacks share */

	if (block->number != log->number || memcmp(&block->hash, &log->block, sizeof(block->hash)) != 0)
		return "logs of a block that is not in the chain";
	if (log->has_time && log->time != block->time)
		return "logs with another time than their block";
	return eth_rpc_result_header(&header, result) == -EKEYREJECTED ? "a header that does not hash to its hash" : NULL;
}

static int take_headers(struct stretch *stretch, const struct eth_rpc_result *results)
{
	struct index_batch *batch = &stretch->batch;

	for (size_t i = 0; i < stretch->nasked; i++) {
		struct eth_rpc_block block;
		size_t at = stretch->asked[i];
		uint64_t number = batch->logs[at].number;
		int err = eth_rpc_result_block(&block, &results[i]);
		const char *why = err == 0 ? header_fault(&batch->logs[at], &block, &results[i]) : NULL;

		if (err == -ENOENT || why != NULL)
			return start_again(stretch, why != NULL ? why : "logs of a block that is not known");
		if (err != 0)
			return err == -EAGAIN ? -EIO : err;
		for (; at < batch->n && batch->logs[at].number == number; at++) {
			batch->logs[at].has_time = true;
			batch->logs[at].time = block.time;
		}
	}
	stretch->sampled = true;
	return 0;
}

static void on_headers(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct stretch *stretch = arg;

	(void)n;
	stretch->under_way = false;
	if (stretch->duty == NULL) {
		stretch_free(stretch);
		return;
	}
	if (err == 0)
		err = take_headers(stretch, results);
	if (err == -EAGAIN)
		ask_part(stretch);
	else if (err != 0)
		finish(stretch, err);
	else
		ask_headers(stretch);
}

/* Blocks whose logs do not say their time, all of them; otherwise some at random, once. */
static void choose(struct stretch *stretch)
{
	const struct index_batch *batch = &stretch->batch;

	stretch->nasked = 0;
	for (; stretch->timed < batch->n && stretch->nasked < HEADERS_MAX; stretch->timed++) {
		const struct index_log *log = &batch->logs[stretch->timed];
		bool again = stretch->nasked > 0 && batch->logs[stretch->asked[stretch->nasked - 1]].number == log->number;

		if (!log->has_time && !again)
			stretch->asked[stretch->nasked++] = stretch->timed;
	}
	for (size_t i = 0; stretch->nasked == 0 && !stretch->sampled && batch->n > 0 && i < SAMPLES; i++) {
		size_t at = randombytes_uniform((uint32_t)batch->n);

		while (at > 0 && batch->logs[at - 1].number == batch->logs[at].number)
			at--;
		stretch->asked[i] = at;
	}
	if (stretch->nasked == 0 && !stretch->sampled && batch->n > 0)
		stretch->nasked = SAMPLES;
}

static void ask_headers(struct stretch *stretch)
{
	struct eth_rpc_calls list;
	int err;

	choose(stretch);
	if (stretch->nasked == 0) {
		finish(stretch, 0);
		return;
	}
	eth_rpc_calls_init(&list);
	for (size_t i = 0; i < stretch->nasked; i++) {
		struct eth_rpc_at at = eth_rpc_at_number(stretch->batch.logs[stretch->asked[i]].number);

		eth_rpc_add_block(&list, &at);
	}
	err = eth_rpc_batch_list(stretch->duty->ctx->rpc, &list, INDEX_RPC_MS, on_headers, stretch);
	eth_rpc_calls_clear(&list);
	stretch->under_way = err == 0;
	if (err != 0)
		finish(stretch, err);
}

/* ---- the whole ---- */

struct backfill {
	struct index_duty *duty;
	uint32_t mask;
	uint64_t first, next, to;
	struct stretch *stretches[INDEX_AHEAD];
	size_t n;
	int64_t began_ms;
};

static int start_more(struct backfill *work)
{
	while (work->n < INDEX_AHEAD && work->next <= work->to) {
		struct stretch *stretch = calloc(1, sizeof(*stretch));

		if (stretch == NULL)
			return -ENOMEM;
		stretch->duty = work->duty;
		stretch->mask = work->mask;
		stretch->from = stretch->next = work->next;
		stretch->to = work->next + range_next(&work->duty->range, work->to - work->next + 1) - 1;
		stretch->planned = stretch->to;
		work->next = stretch->to + 1;
		work->stretches[work->n++] = stretch;
		ask_part(stretch);
	}
	return 0;
}

/* Blocks in which something happened. No more is known of most than their logs say: their parent is zero. */
static int add_blocks(struct index_step *step, const struct stretch *stretch)
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
static int check_unbroken(const struct stretch *stretch, const struct index_step *step)
{
	for (size_t i = 0; i < step->nstates; i++) {
		if (!step->marks[i].broken || !step->marks[i].registry->known)
			continue;
		index_distrust(stretch->duty, stretch->providers, "logs that contradict each other", stretch->from, stretch->to);
		return -EBADMSG;
	}
	return 0;
}

static int commit(struct backfill *work, struct stretch *stretch)
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
	if (err == 0)
		duty->backfilled_by |= stretch->providers;
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

static int wait_for(struct backfill *work, const struct stretch *stretch)
{
	while (!stretch->done) {
		if (!steward_held(work->duty->ctx))
			return -ECANCELED;
		if (pg_run_until(work->duty->ctx->base, &stretch->done, WAIT_MS) == -EIO)
			return -EIO;
	}
	return stretch->err;
}

/* The first one: in order, so that a place is always one contiguous chain. */
static int take_first(struct backfill *work)
{
	struct stretch *stretch = work->stretches[0];
	int err = wait_for(work, stretch);

	if (err == 0)
		err = commit(work, stretch);
	if (err != 0)
		return err;
	progress(work, stretch->to);
	if (stretch->to < stretch->planned) { /* it ended early: the rest is a stretch of its own, next in order */
		struct stretch *rest = calloc(1, sizeof(*rest));

		if (rest == NULL)
			return -ENOMEM;
		rest->duty = work->duty;
		rest->mask = work->mask;
		rest->from = rest->next = stretch->to + 1;
		rest->to = rest->planned = stretch->planned;
		work->stretches[0] = rest;
		stretch_free(stretch);
		ask_part(rest);
		return 0;
	}
	stretch_free(stretch);
	work->n--;
	memmove(work->stretches, work->stretches + 1, work->n * sizeof(work->stretches[0]));
	return 0;
}

int index_backfill(struct index_duty *duty, uint32_t mask, uint64_t from, uint64_t to)
{
	struct backfill work = {.duty = duty, .mask = mask, .first = from, .next = from, .to = to,
				.began_ms = heads_now_ms()};
	int err = 0;

	duty->progress_logged_ms = work.began_ms;
	log_info(log_msg("backfill begins"), log_str("chain", duty->ctx->chain->name), log_u64("from", from), log_u64("to", to));
	while (err == 0 && (work.n > 0 || work.next <= to)) {
		err = start_more(&work);
		if (err == 0)
			err = take_first(&work);
	}
	for (size_t i = 0; i < work.n; i++)
		forget(work.stretches[i]);
	return err;
}
