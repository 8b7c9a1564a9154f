/* Blocks near the head, one by one: a group of headers that link to the tip, the logs of those whose bloom may hold some,
 * asked by block hash, and the states of the agents they touch, from storage at that hash.
 *
 * Everything here may be taken back: blocks go into the overlay, and become final when finality comes to them. */
#include "gateway/steward/index_internal.h"
#include "gateway/runtime/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct near_block {
	struct store_index_block block;
	enum index_bloom bloom;
	bool has_bits; /* the header hashes, so its bloom is the block's */
	uint8_t bits[256];
};

struct near {
	struct index_duty *duty;
	uint32_t mask;
	struct near_block blocks[INDEX_GROUP];
	size_t n, wanted;
	struct index_batch batch;
	struct index_step step;
	bool corrected;
};

static void caught(struct index_duty *duty, unsigned provider, const char *why, uint64_t number)
{
	index_distrust(duty, UINT32_C(1) << provider, why, number, number);
}

/* ---- headers ---- */

/* A header that cannot be hashed (a fork this release does not know) has a bloom that is not believed: logs are always asked. */
static int read_block(struct near_block *out, struct index_duty *duty, const struct eth_rpc_answer *answer, size_t i,
		      uint32_t mask)
{
	struct index_header *header = malloc(sizeof(*header));
	int err = header == NULL ? -ENOMEM : index_take_block(header, &answer->results[i]);

	if (err == 0) {
		out->block = header->block;
		out->has_bits = header->hashed;
		memcpy(out->bits, header->full.header.bloom, sizeof(out->bits));
		out->bloom = header->hashed ? index_bloom(out->bits, duty, mask) : INDEX_BLOOM_MAYBE;
		if (header->hashed)
			index_fork_over(duty);
	}
	free(header);
	return err;
}

static int take_header(struct near *near, const struct eth_rpc_answer *answer, size_t i)
{
	struct index_duty *duty = near->duty;
	uint64_t number = duty->place.tip_number + 1 + i;
	const uint8_t *parent = i == 0 ? duty->place.tip_hash : near->blocks[i - 1].block.hash;
	uint64_t time = i == 0 ? duty->place.tip_time : near->blocks[i - 1].block.time;
	struct near_block *out = &near->blocks[i];
	int err = read_block(out, duty, answer, i, near->mask);

	if (err == -ENOENT || err == -ESTALE)
		return -ENOENT; /* not there yet */
	if (err == -EKEYREJECTED || err == -EBADMSG || (err == 0 && out->block.number != number)) {
		caught(duty, answer->provider, "a header that is not the block's", number);
		return -EAGAIN;
	}
	if (err != 0)
		return err;
	if (memcmp(out->block.parent, parent, 32) != 0)
		return i == 0 ? -EXDEV : -ENOENT; /* the chain moved while it was read */
	if (out->block.time < time) {
		caught(duty, answer->provider, "a block older than its parent", number);
		return -EAGAIN;
	}
	return out->has_bits ? 0 : index_fork_agree(duty, answer->provider, &out->block);
}

/* As many linked headers as there are. -EXDEV: the first does not link to the tip. */
static int take_headers(struct near *near)
{
	struct index_duty *duty = near->duty;
	uint64_t left = duty->heads.latest.number - duty->place.tip_number;
	size_t wanted = left < duty->group ? (size_t)left : duty->group;
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	int err;

	near->wanted = wanted;
	eth_rpc_calls_init(&list);
	for (size_t i = 0; i < wanted; i++) {
		struct eth_rpc_at at = eth_rpc_at_number(duty->place.tip_number + 1 + i);

		eth_rpc_add_block(&list, &at);
	}
	err = eth_rpc_wait(&answer, duty->ctx->rpc, &list, INDEX_RPC_MS);
	for (; err == 0 && near->n < wanted; near->n++) {
		err = take_header(near, answer, near->n);
		if (err == -ENOENT && near->n > 0) {
			err = 0;
			break;
		}
		if (err != 0)
			break;
	}
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return err == -ENOENT ? -EAGAIN : err;
}

/* ---- logs ---- */

/* Of a block with few logs all are asked for: together they must make its bloom, so that none is left out or made up. (A bloom may be
 * of few bits and the logs be many.) */
static bool asks_all(const struct near *near, const struct near_block *block)
{
	return block->bloom == INDEX_BLOOM_SURELY && !near->duty->narrow;
}

static void add_logs(struct eth_rpc_calls *list, struct index_ask *ask, const struct near *near, const struct near_block *block)
{
	struct eth_rpc_filter all = {.by_hash = true};
	struct eth_hash hash;
	struct eth_rpc_at at;

	memcpy(hash.bytes, block->block.hash, sizeof(hash.bytes));
	ask->filter.by_hash = true;
	ask->filter.block = all.block = hash;
	eth_rpc_add_logs(list, asks_all(near, block) ? &all : &ask->filter);
	at = eth_rpc_at_hash(&hash);
	eth_rpc_add_block(list, &at); /* the same hand must know the block */
}

/* Logs that only another implementation writes are no lie where another one ran. */
static int refuse(struct near *near, const struct near_block *block, unsigned provider, const char *why,
		  const struct index_registry *odd)
{
	struct eth_hash hash;

	memcpy(hash.bytes, block->block.hash, sizeof(hash.bytes));
	if (odd == NULL || !index_is_odd_at(near->duty, odd, block->block.number, &hash))
		caught(near->duty, provider, why, block->block.number);
	return -EAGAIN;
}

/* Decoded logs: with their block's time, and whole; then another provider has its say. */
static int check_logs(struct near *near, const struct near_block *block, struct index_ask *ask, unsigned provider,
		      size_t before)
{
	const struct index_batch *batch = &near->batch;
	const struct index_registry *odd = NULL;
	struct index_shown shown = {.number = block->block.number, .bits = block->has_bits ? block->bits : NULL,
				    .logs = &batch->answers[batch->nanswers - 1], .provider = provider};
	const char *why = NULL;

	memcpy(shown.block.bytes, block->block.hash, sizeof(shown.block.bytes));
	for (size_t i = before; i < batch->n; i++)
		if (batch->logs[i].has_time && batch->logs[i].time != block->block.time)
			why = "logs with another time than their block";
	if (why == NULL && !batch->upgraded)
		why = index_logs_fault(&odd, batch->logs + before, batch->n - before);
	return why != NULL ? refuse(near, block, provider, why, odd) : index_logs_agree(near->duty, &shown, ask);
}

static int take_logs_of(struct near *near, const struct near_block *block, struct index_ask *ask,
			const struct eth_rpc_answer *answer, const struct eth_rpc_result results[static 2])
{
	struct eth_rpc_logs logs = {0};
	struct eth_rpc_block again;
	struct eth_hash hash;
	const char *why = NULL;
	size_t before = near->batch.n;
	int err = eth_rpc_result_logs(&logs, &results[0]);
	int known = eth_rpc_result_block(&again, &results[1]);

	memcpy(hash.bytes, block->block.hash, sizeof(hash.bytes));
	near->batch.odd = NULL;
	if (err == -EBADMSG || err == -EOVERFLOW)
		why = "logs of another shape";
	else if (err == 0 && known == 0 && (memcmp(&again.hash, &hash, 32) != 0 || again.number != block->block.number))
		why = "another block than asked for by hash";
	else if (err == 0 && known == 0 && block->has_bits && !index_bloom_allows(block->bits, &logs, asks_all(near, block)))
		why = asks_all(near, block) ? "logs that do not make their block's bloom" : "logs that their block's bloom rules out";
	if (why == NULL && err == 0)
		err = known;
	if (why == NULL && err == 0) {
		index_logs_filter(&logs, ask);
		err = index_batch_add(&near->batch, &why, &logs, near->duty, ask, block->block.number, block->block.number,
				      &hash);
	}
	eth_rpc_logs_clear(&logs);
	if (why != NULL)
		return refuse(near, block, answer->provider, why, near->batch.odd);
	if (err == -ESTALE || err == -ENOENT) /* reorganised away meanwhile, or not there yet */
		return -EAGAIN;
	return err == 0 ? check_logs(near, block, ask, answer->provider, before) : err;
}

static int take_logs(struct near *near)
{
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	struct index_ask ask;
	size_t at = 0;
	int err;

	near->duty->contested = false;
	index_ask_init(&ask, near->duty, near->mask);
	eth_rpc_calls_init(&list);
	for (size_t i = 0; i < near->n; i++)
		if (near->blocks[i].bloom != INDEX_BLOOM_NONE)
			add_logs(&list, &ask, near, &near->blocks[i]);
	if (list.n == 0 && list.err == 0)
		return 0;
	err = index_wait_logs(&answer, near->duty, &list, near->duty->narrow);
	if (err == 0)
		near->duty->logs_by = answer->provider;
	for (size_t i = 0; err == 0 && i < near->n; i++) {
		if (near->blocks[i].bloom == INDEX_BLOOM_NONE)
			continue;
		err = take_logs_of(near, &near->blocks[i], &ask, answer, answer->results + at);
		at += 2;
	}
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return err;
}

/* ---- the group ---- */

static int build(struct near *near)
{
	struct index_duty *duty = near->duty;
	struct index_look look = {.mask = UINT32_MAX, .number = near->blocks[0].block.number};
	struct index_verdict verdict;
	int err = 0;

	for (size_t i = 0; err == 0 && i < near->n; i++)
		err = index_step_block(&near->step, &near->blocks[i].block);
	if (err == 0)
		err = index_step_fold(&near->step, duty, &near->batch, (int64_t)duty->place.tip_number);
	duty->logs_alone = eth_rpc_providers(duty->ctx->rpc) < 2 || duty->unheard_until_ms != 0 || duty->contested;
	if (err == 0)
		err = index_read_states(duty, &near->step, false, duty->heads.latest.number);
	duty->logs_alone = false;
	if (err != 0)
		return err == -ESTALE ? -EAGAIN : err;
	memcpy(look.block.bytes, near->blocks[0].block.hash, 32);
	err = duty->correct ? index_compare(&verdict, &near->step, duty, &look) : -ESTALE;
	near->corrected = err == 0; /* where nobody keeps that state, it is for a block to come */
	return err == -ESTALE ? 0 : err;
}

static int store(struct near *near)
{
	struct index_duty *duty = near->duty;
	const struct store_index_block *last = &near->blocks[near->n - 1].block;
	struct store_index place = duty->place;
	int err;

	place.tip_number = last->number;
	place.tip_time = last->time;
	memcpy(place.tip_hash, last->hash, 32);
	err = index_step_commit(duty, &near->step, &place, 0, 0, false);
	for (size_t i = 0; err == 0 && i < near->n; i++)
		err = index_overlay_add(duty, &near->blocks[i].block);
	if (err != 0)
		return err;
	duty->correct = duty->correct && !near->corrected;
	duty->group = duty->group * 2 < INDEX_GROUP ? duty->group * 2 : INDEX_GROUP;
	duty->narrow = false;
	duty->disproved_rounds = 0;
	index_end_alarm(duty);
	for (size_t i = 0; near->batch.upgraded && i < duty->nregistries; i++)
		duty->registries[i].looked = false;
	index_proofs_note(duty, &near->step);
	return 0;
}

/* Anybody can have a contract write a great many logs for little: fewer blocks are asked for, at last one. */
static int too_much(struct near *near)
{
	struct index_duty *duty = near->duty;

	if (near->wanted > 1) {
		duty->group = near->wanted / 2;
		return 0;
	}
	if (!duty->narrow) {
		duty->narrow = true;
		return 0;
	}
	log_error(log_msg("no provider gives the logs of a block in one answer: the index waits for one that does"),
		  log_str("chain", duty->ctx->chain->name), log_u64("block", duty->place.tip_number + 1));
	return -EOVERFLOW;
}

int index_near(struct index_duty *duty)
{
	struct near *near = calloc(1, sizeof(*near));
	int err;

	if (near == NULL)
		return -ENOMEM;
	near->duty = duty;
	near->mask = UINT32_MAX;
	err = take_headers(near);
	if (err == 0)
		err = take_logs(near);
	if (err == -EOVERFLOW) {
		index_batch_clear(&near->batch);
		err = too_much(near);
		free(near);
		return err;
	}
	if (err == 0)
		err = build(near);
	if (err == 0)
		err = store(near);
	index_step_clear(&near->step);
	index_batch_clear(&near->batch);
	free(near);
	return err == -EXDEV ? index_walk_back(duty) : err;
}
