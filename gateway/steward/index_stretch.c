/* Fetching a stretch of blocks. */
#include "gateway/steward/index_stretch.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	LIES_MAX = 6,		  /* untrue answers to one part until the round fails */
	STRETCH_LOGS_MAX = 20000, /* a stretch with more logs ends early */
};

static void stretch_free(struct index_stretch *stretch)
{
	index_batch_clear(&stretch->batch);
	free(stretch);
}

void index_stretch_free(struct index_stretch *stretch)
{
	if (stretch->under_way)
		stretch->duty = NULL; /* its callback frees it */
	else
		stretch_free(stretch);
}

static void ask_part(struct index_stretch *stretch);
static void ask_headers(struct index_stretch *stretch);

static void finish(struct index_stretch *stretch, int err)
{
	stretch->err = err;
	stretch->done = true;
	if (err == 0)
		stretch->on_taken(stretch->arg);
}

/* An untrue answer: another provider is asked, if there is one. */
static int caught(struct index_stretch *stretch, const char *why)
{
	index_distrust(stretch->duty, UINT32_C(1) << eth_rpc_provider(stretch->duty->ctx->rpc), why, stretch->next, stretch->part);
	return ++stretch->lies < LIES_MAX ? -EAGAIN : -EBADMSG;
}

/* ---- one part ---- */

static int refused(struct index_stretch *stretch, const struct eth_rpc_hint *hint)
{
	uint64_t blocks = stretch->part - stretch->next + 1, wanted = hint->blocks;

	if (wanted == 0 && hint->has_range && hint->to - hint->from < blocks)
		wanted = hint->to - hint->from + 1;
	metrics_add(METRIC_INDEX_REFUSALS, 1);
	if (blocks == 1) {
		stretch->asked_of = stretch->alone ? stretch->asked_of + 1 : 0;
		stretch->alone = true;
		if (stretch->asked_of < eth_rpc_providers(stretch->duty->ctx->rpc))
			return -EAGAIN;
		log_error(log_msg("no provider gives the logs of a block in one answer: the index waits for one that does"),
			  log_str("chain", stretch->duty->ctx->chain->name), log_u64("block", stretch->part));
	}
	return range_refused(&stretch->duty->range, blocks, wanted) == 0 ? -EAGAIN : -EOVERFLOW;
}

/* The last block's header: of that number, hashing to its hash, and its bloom borne out by the logs. */
static int take_header(struct index_stretch *stretch, const struct eth_rpc_result *result, size_t logs_before)
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
	else if (err == -EBADMSG || hashed == -EBADMSG)
		err = caught(stretch, "a header of another shape");
	else if (err == 0 && (block.number != stretch->part || hashed == -EKEYREJECTED ||
			      (hashed == -EPROTONOSUPPORT && !stretch->duty->fork)))
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

static int take_part(struct index_stretch *stretch, const struct eth_rpc_result *results)
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
	stretch->alone = false;
	stretch->providers |= UINT32_C(1) << eth_rpc_provider(stretch->duty->ctx->rpc);
	stretch->next = stretch->part + 1;
	return 0;
}

static void on_part(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct index_stretch *stretch = arg;

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

static void ask_part(struct index_stretch *stretch)
{
	struct eth_rpc *rpc = stretch->duty->ctx->rpc;
	struct eth_rpc_at at;
	struct eth_rpc_calls list;
	struct index_ask ask;
	int err;

	stretch->part = stretch->alone ? stretch->next
				       : stretch->next + range_next(&stretch->duty->range, stretch->to - stretch->next + 1) - 1;
	index_ask_init(&ask, stretch->duty, stretch->mask);
	ask.filter.from = stretch->next;
	ask.filter.to = stretch->part;
	at = eth_rpc_at_number(stretch->part);
	eth_rpc_calls_init(&list);
	eth_rpc_add_logs(&list, &ask.filter);
	eth_rpc_add_block(&list, &at);
	if (stretch->alone && list.err == 0)
		list.calls[0].cap = ETH_RPC_HUGE;
	err = stretch->alone ? eth_rpc_batch_at(rpc, stretch->asked_of, &list, INDEX_RPC_MS, on_part, stretch)
			     : eth_rpc_batch_list(rpc, &list, INDEX_RPC_MS, on_part, stretch);
	eth_rpc_calls_clear(&list);
	stretch->under_way = err == 0;
	if (err != 0)
		finish(stretch, err);
}

/* ---- the blocks the logs name ---- */

/* Logs and headers contradict each other: headers hash to what they are, so it is the logs that are not believed. The whole
 * stretch is asked again, of others than those who gave it. */
static int start_again(struct index_stretch *stretch, const char *why)
{
	index_distrust(stretch->duty, stretch->providers, why, stretch->from, stretch->to);
	index_batch_clear(&stretch->batch);
	stretch->next = stretch->from;
	stretch->to = stretch->planned;
	stretch->timed = 0;
	stretch->providers = 0;
	return ++stretch->lies < LIES_MAX ? -EAGAIN : -EBADMSG;
}

/* 0; -EAGAIN: the logs are asked for again; 1: the headers are. */
static int take_headers(struct index_stretch *stretch, const struct eth_rpc_result *results)
{
	struct index_batch *batch = &stretch->batch;

	for (size_t i = 0; i < stretch->nasked; i++) {
		struct eth_rpc_block block;
		size_t at = stretch->asked[i];
		uint64_t number = batch->logs[at].number;
		int err = eth_rpc_result_block(&block, &results[i]);
		bool same = err == 0 && block.number == number && memcmp(&block.hash, &batch->logs[at].block, 32) == 0;

		if (err == -ENOENT || (err == 0 && !same))
			return start_again(stretch, "logs of a block that is not in the chain");
		if (err == -EBADMSG) {
			stretch->timed = stretch->asked[0];
			return caught(stretch, "a header of another shape") == -EAGAIN ? 1 : -EBADMSG;
		}
		if (err != 0)
			return err == -EAGAIN ? -EIO : err;
		for (; at < batch->n && batch->logs[at].number == number; at++) {
			batch->logs[at].has_time = true;
			batch->logs[at].time = block.time;
		}
	}
	return 0;
}

static void on_headers(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct index_stretch *stretch = arg;

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
	else if (err != 0 && err != 1)
		finish(stretch, err);
	else
		ask_headers(stretch);
}

/* Blocks whose logs do not say their time. */
static void choose(struct index_stretch *stretch)
{
	const struct index_batch *batch = &stretch->batch;

	stretch->nasked = 0;
	for (; stretch->timed < batch->n && stretch->nasked < INDEX_STRETCH_HEADERS; stretch->timed++) {
		const struct index_log *log = &batch->logs[stretch->timed];
		bool again = stretch->nasked > 0 && batch->logs[stretch->asked[stretch->nasked - 1]].number == log->number;

		if (!log->has_time && !again)
			stretch->asked[stretch->nasked++] = stretch->timed;
	}
}

static void ask_headers(struct index_stretch *stretch)
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

struct index_stretch *index_stretch_start(struct index_duty *duty, uint32_t mask, uint64_t from, uint64_t to,
					  void (*on_taken)(void *arg), void *arg)
{
	struct index_stretch *stretch = calloc(1, sizeof(*stretch));

	if (stretch == NULL)
		return NULL;
	stretch->duty = duty;
	stretch->on_taken = on_taken;
	stretch->arg = arg;
	stretch->mask = mask;
	stretch->from = stretch->next = from;
	stretch->to = stretch->planned = to;
	ask_part(stretch);
	return stretch;
}
