/* From a backfill to the index. What came from logs alone is provisional: nothing is answered from it until every agent's
 * storage, at the block after it, is what its events say. Where it is not, somebody left logs out or made some up: all of
 * it is dropped and fetched again, from others if there are any.
 *
 * An owner other than the last Transfer's, or an agent without a mint, is never believed of an ERC-721 whose implementation
 * is known. Wallets and URIs may differ honestly where an earlier implementation logged them otherwise: after CONTRADICTIONS
 * backfills storage has the word from that block on. */
#include "gateway/steward/index_internal.h"
#include "gateway/runtime/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CONTRADICTIONS = 3, CONTRADICTIONS_ODD = 10, OTHER_MS = 5000 };

/* ---- fetching ---- */

/* Registries are fetched together where they stand at the same block, the one farthest behind first. */
static int fetch(struct index_duty *duty, uint64_t to)
{
	for (;;) {
		int64_t lowest = INT64_MAX, next = (int64_t)to;
		uint32_t mask = 0;
		int err;

		for (size_t i = 0; i < duty->nregistries; i++)
			if (duty->registries[i].start <= to && duty->registries[i].fetched < lowest)
				lowest = duty->registries[i].fetched;
		if (lowest >= (int64_t)to)
			return 0;
		for (size_t i = 0; i < duty->nregistries; i++) {
			const struct index_registry *registry = &duty->registries[i];

			if (registry->start > to)
				continue;
			if (registry->fetched == lowest)
				mask |= UINT32_C(1) << i;
			else if (registry->fetched < next)
				next = registry->fetched;
		}
		err = index_backfill(duty, mask, (uint64_t)(lowest + 1), (uint64_t)next);
		if (err != 0)
			return err;
	}
}

/* ---- the two blocks at the seam ---- */

struct seam {
	struct store_index_block last; /* `to` */
	struct eth_hash after;	       /* the block after it */
};

/* `to` and the block after it, hashed and linked, from one hand. */
static int ask_seam(struct index_header headers[static 2], unsigned *provider, struct index_duty *duty, uint64_t to)
{
	struct eth_rpc_at ats[2] = {eth_rpc_at_number(to), eth_rpc_at_number(to + 1)};
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	eth_rpc_add_block(&list, &ats[0]);
	eth_rpc_add_block(&list, &ats[1]);
	err = eth_rpc_wait(&answer, duty->ctx->rpc, &list, INDEX_RPC_MS);
	if (err == 0)
		*provider = answer->provider;
	for (size_t i = 0; err == 0 && i < 2; i++) {
		err = index_take_block(&headers[i], &answer->results[i]);
		if (err == -EKEYREJECTED || err == -EBADMSG || (err == 0 && headers[i].block.number != to + i)) {
			index_distrust(duty, UINT32_C(1) << *provider, "a header that is not the block's", to, to + 1);
			err = -EAGAIN;
		}
	}
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	if (err == 0 && memcmp(headers[1].block.parent, headers[0].block.hash, 32) != 0)
		err = -EAGAIN;
	return err == -ENOENT ? -EAGAIN : err;
}

/* Nothing links the seam to what is known: others must show it too. */
static int read_seam(struct seam *seam, struct index_duty *duty, uint64_t to)
{
	struct index_header *headers = calloc(2, sizeof(*headers));
	struct store_index_block blocks[2];
	unsigned provider = 0;
	bool hashed[2];
	int err = headers == NULL ? -ENOMEM : ask_seam(headers, &provider, duty, to);

	for (size_t i = 0; err == 0 && i < 2; i++) {
		blocks[i] = headers[i].block;
		hashed[i] = headers[i].hashed;
		if (!hashed[i])
			err = index_fork_agree(duty, provider, &blocks[i]);
	}
	if (err == 0 && duty->heads.finalized.number == to && memcmp(duty->heads.finalized.hash, blocks[0].hash, 32) != 0)
		err = -EAGAIN;
	if (err == 0)
		err = index_blocks_agree(duty, provider, blocks, hashed, 2);
	if (err == 0) {
		seam->last = blocks[0];
		seam->last.final = true;
		memcpy(seam->after.bytes, blocks[1].hash, 32);
	}
	free(headers);
	return err;
}

/* ---- the verdict ---- */

/* Of a registry that was added later, below the final block, where a drop does not reach. */
static int forget_late(struct index_duty *duty)
{
	const struct store_fence fence = steward_fence(duty->ctx);
	int err = 0;

	for (size_t i = 0; err == 0 && i < duty->nregistries; i++) {
		struct index_registry *registry = &duty->registries[i];
		struct pg_op op = {0};

		if (registry->fetched <= registry->indexed)
			continue;
		err = pg_wait(duty->ctx->base, &op, store_registry_refetch(duty->ctx->pg, &op, &fence, registry->id));
		if (err == 0)
			registry->fetched = registry->indexed;
	}
	return err == 0 ? 0 : index_written(duty, err);
}

/* All that is provisional goes, and those who gave it are set aside. */
static int refuse(struct index_duty *duty, uint64_t to, const char *why)
{
	int err;

	log_error(log_msg("a backfill is dropped and fetched again"), log_str("chain", duty->ctx->chain->name), log_str("why", why),
		  log_u64("from", duty->place.final_number + 1), log_u64("to", to), log_u64("times", duty->contradicted));
	index_distrust(duty, duty->backfilled_by, why, duty->place.final_number + 1, to);
	duty->backfilled_by = 0;
	duty->sampled = 0;
	err = index_overlay_restart(duty);
	if (err == 0)
		err = forget_late(duty);
	return err != 0 ? -EIO : -EBADMSG;
}

/* 0: *lie says whether the samples are those blocks. -EAGAIN: it shows no sound headers, and is set aside. */
static int judge_samples(bool *lie, struct index_duty *duty, const struct eth_rpc_answer *answer, size_t n)
{
	int err = 0;

	*lie = false;
	for (size_t i = 0; err == 0 && !*lie && i < n; i++) {
		const struct store_index_block *sample = &duty->samples[i];
		struct index_header *found = malloc(sizeof(*found));

		err = found == NULL ? -ENOMEM : index_take_block(found, &answer->results[i]);
		if (err == -EKEYREJECTED || err == -EBADMSG || (err == 0 && !found->hashed && !duty->fork)) {
			index_distrust(duty, UINT32_C(1) << answer->provider, "a header that is not the block's", sample->number,
				       sample->number);
			err = -EAGAIN;
		}
		*lie = err == 0 && (found->block.number != sample->number || found->block.time != sample->time ||
				    memcmp(found->block.hash, sample->hash, 32) != 0);
		free(found);
	}
	return err;
}

/* By the word of one who did not give the logs, if there is one whose word is any; else of whoever answers. */
static int ask_samples(bool *lie, struct index_duty *duty, const struct eth_rpc_calls *list, size_t n)
{
	unsigned providers = eth_rpc_providers(duty->ctx->rpc);
	int err = -EAGAIN;

	for (unsigned i = 0; err != 0 && err != -ENOMEM && i <= providers; i++) {
		struct eth_rpc_answer *answer = NULL;

		if (i == providers)
			err = eth_rpc_wait(&answer, duty->ctx->rpc, list, INDEX_RPC_MS);
		else if ((duty->backfilled_by & UINT32_C(1) << i) == 0)
			err = eth_rpc_wait_at(&answer, duty->ctx->rpc, i, list, OTHER_MS);
		else
			continue;
		if (err == 0)
			err = judge_samples(lie, duty, answer, n);
		eth_rpc_answer_free(answer);
	}
	return err;
}

/* Blocks of the backfill, chosen at random, against their headers. */
static int check_samples(struct index_duty *duty, uint64_t to)
{
	size_t n = duty->sampled < INDEX_SAMPLES ? duty->sampled : INDEX_SAMPLES;
	struct eth_rpc_calls list;
	bool lie = false;
	int err = 0;

	eth_rpc_calls_init(&list);
	for (size_t i = 0; i < n; i++) {
		struct eth_rpc_at at = eth_rpc_at_number(duty->samples[i].number);

		eth_rpc_add_block(&list, &at);
	}
	if (n > 0)
		err = ask_samples(&lie, duty, &list, n);
	eth_rpc_calls_clear(&list);
	if (err == 0 && lie)
		return refuse(duty, to, "logs of blocks that are not in the chain, or of another time");
	return err;
}

/* A difference that stays, and that an honest chain can have. */
static bool is_settled(const struct index_duty *duty, const struct index_verdict *verdict)
{
	if (verdict->owners == 0 && verdict->missing == 0)
		return duty->contradicted >= CONTRADICTIONS;
	return !verdict->known && duty->contradicted >= CONTRADICTIONS_ODD;
}

/* Logs of blocks after the seam. 1: the part was too large, a smaller one is next. */
static int fetch_later(struct index_batch *batch, struct index_duty *duty, uint32_t mask, uint64_t from, uint64_t to)
{
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_logs logs = {0};
	struct eth_rpc_calls list;
	struct index_ask ask;
	const char *why = NULL;
	int err;

	index_ask_init(&ask, duty, mask);
	ask.filter.from = from;
	ask.filter.to = to;
	eth_rpc_calls_init(&list);
	eth_rpc_add_logs(&list, &ask.filter);
	err = index_wait_logs(&answer, duty, &list, from == to);
	if (err == -EOVERFLOW)
		err = range_refused(&duty->range, to - from + 1, 0) == 0 ? 1 : -EOVERFLOW;
	else if (err == 0 && (err = eth_rpc_result_logs(&logs, &answer->results[0])) == 0)
		err = index_batch_add(batch, &why, &logs, duty, &ask, from, to, NULL);
	if (why != NULL) {
		index_distrust(duty, UINT32_C(1) << answer->provider, why, from, to);
		err = -EAGAIN;
	}
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return err;
}

/* Storage at a block after the seam, but for agents that something happened to in between: they are looked at again when those
 * blocks are taken. */
static int look_at(struct index_verdict *verdict, struct index_duty *duty, struct index_look *look, uint64_t seam)
{
	struct index_batch later = {0};
	int err = 0;

	for (uint64_t from = seam + 1, part; err == 0 && from <= look->number;) {
		part = from + range_next(&duty->range, look->number - from + 1) - 1;
		err = fetch_later(&later, duty, look->mask, from, part);
		from = err == 0 ? part + 1 : from;
		err = err == 1 ? 0 : err;
	}
	look->later = &later;
	if (err == 0)
		err = index_compare(verdict, NULL, duty, look);
	look->later = NULL;
	index_batch_clear(&later);
	return err;
}

/* 0: it may become part of the index. */
static int judge(struct index_duty *duty, const struct seam *seam, uint32_t mask)
{
	struct index_look look = {.mask = mask, .number = seam->last.number + 1, .block = seam->after};
	struct index_verdict verdict = {0};
	int err = look_at(&verdict, duty, &look, seam->last.number);

	if (err == -ESTALE) { /* so old a state nobody keeps: that of the newest block somebody has, or there is no verdict */
		look.number = duty->heads.latest.number;
		memcpy(look.block.bytes, duty->heads.latest.hash, 32);
		err = look_at(&verdict, duty, &look, seam->last.number);
	}
	if (err != 0)
		return err == -ESTALE ? -EAGAIN : err;
	if (verdict.differ == 0 && verdict.missing == 0)
		return 0;
	duty->contradicted++;
	if (!is_settled(duty, &verdict))
		return refuse(duty, seam->last.number, "logs that storage contradicts");
	log_error(log_msg("the registry's storage differs from its events: storage counts from here on"),
		  log_str("chain", duty->ctx->chain->name), log_u64("differ", verdict.differ));
	duty->correct = true;
	return 0;
}

int index_join(struct index_duty *duty, uint64_t to)
{
	struct store_index place = duty->place;
	struct index_step step = {0};
	struct seam seam;
	uint32_t mask = 0;
	int err;

	index_watch(duty); /* what may be expected of the events depends on the implementation */
	err = read_seam(&seam, duty, to); /* also whether headers can be hashed */
	if (err == 0)
		err = fetch(duty, to);
	for (size_t i = 0; i < duty->nregistries; i++)
		if (duty->registries[i].start <= to && duty->registries[i].indexed < (int64_t)to)
			mask |= UINT32_C(1) << i;
	if (err == 0)
		err = read_seam(&seam, duty, to);
	if (err == 0)
		err = check_samples(duty, to);
	if (err == 0)
		err = judge(duty, &seam, mask);
	if (err != 0)
		return err;
	duty->contradicted = 0;
	duty->backfilled_by = 0;
	duty->sampled = 0;
	if (to > place.final_number) {
		place.final_number = place.tip_number = to;
		place.tip_time = seam.last.time;
		memcpy(place.final_hash, seam.last.hash, 32);
		memcpy(place.tip_hash, seam.last.hash, 32);
		err = index_step_block(&step, &seam.last);
	}
	if (err == 0)
		err = index_step_commit(duty, &step, &place, mask, to, false);
	if (err == 0 && step.nblocks > 0) {
		duty->noverlay = 0;
		err = index_overlay_add(duty, &seam.last);
	}
	index_step_clear(&step);
	return err;
}
