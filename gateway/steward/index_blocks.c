/* Blocks that nothing here links to what is known: the seam of a backfill, the beginning, and headers that cannot be hashed.
 * One provider's word on them is held against the others'. */
#include "gateway/steward/index_internal.h"
#include "gateway/identity/heads.h"
#include "gateway/runtime/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SECOND_MS = 5000,
	UNHEARD_ROUNDS = 3, /* rounds in which no other provider has a word, before one is believed */
	UNHEARD_MS = 60000, /* for how long it is believed then, without asking the others */
	FORK_ROUNDS = 8,    /* rounds that an only provider says of headers that they cannot be hashed, until they are taken so */
};

bool index_wants_quorum(const struct index_duty *duty)
{
	unsigned need = (unsigned)duty->ctx->config->rpc_quorum;

	return need >= 2 && need <= eth_rpc_providers(duty->ctx->rpc);
}

int index_unheard(struct index_duty *duty, const char *what, uint64_t number)
{
	bool quorum = index_wants_quorum(duty);
	int64_t now = heads_now_ms();

	if (++duty->unheard_rounds <= UNHEARD_ROUNDS || (quorum && now < duty->unheard_until_ms))
		return -EAGAIN;
	duty->unheard_until_ms = now + UNHEARD_MS;
	log_error(log_msg(quorum ? "too few providers have a word on it: the index waits"
				 : "no other provider has a word on it: that of one is taken"),
		  log_str("what", what), log_str("chain", duty->ctx->chain->name), log_u64("block", number));
	if (quorum)
		return -EAGAIN;
	duty->unheard_rounds = 0;
	return 0;
}

bool index_is_unheard(const struct index_duty *duty)
{
	return !index_wants_quorum(duty) && heads_now_ms() < duty->unheard_until_ms;
}

void index_heard(struct index_duty *duty)
{
	duty->unheard_rounds = 0;
	duty->unheard_until_ms = 0;
}

/* ---- one block of an answer ---- */

int index_take_block(struct index_header *out, const struct eth_rpc_result *result)
{
	struct eth_rpc_block block;
	int err = eth_rpc_result_block(&block, result), hashed;

	*out = (struct index_header){0};
	if (err != 0)
		return err;
	hashed = eth_rpc_result_header(&out->full, result);
	if (hashed != 0 && hashed != -EPROTONOSUPPORT)
		return hashed;
	out->hashed = hashed == 0;
	out->block = (struct store_index_block){.number = block.number, .time = block.time};
	memcpy(out->block.hash, block.hash.bytes, 32);
	memcpy(out->block.parent, block.parent.bytes, 32);
	return 0;
}

/* ---- the others' word ---- */

enum word { SAME, DIFFERENT, BETTER, UNTRUE, SILENT };

/* BETTER: of the same number, and hashed where the other is not. UNTRUE: no header at all, or one that is not of its hash. */
static enum word compare(const struct store_index_block *block, bool hashed, struct index_header *found,
			 const struct eth_rpc_result *result)
{
	int err = index_take_block(found, result);
	bool same_hash;

	if (err == -EKEYREJECTED || err == -EBADMSG)
		return UNTRUE;
	if (err != 0)
		return SILENT;
	if (found->hashed && !hashed)
		return BETTER;
	same_hash = memcmp(found->block.hash, block->hash, 32) == 0;
	if (same_hash && found->block.number == block->number && found->block.time == block->time &&
	    memcmp(found->block.parent, block->parent, 32) == 0)
		return SAME;
	/* a whole header of that very hash says what the block is */
	return same_hash && hashed && !found->hashed ? UNTRUE : DIFFERENT;
}

static enum word ask_word(struct index_duty *duty, unsigned provider, const struct store_index_block *blocks,
			  const bool *hashed, size_t n)
{
	struct index_header *found = malloc(sizeof(*found));
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	enum word word = SILENT;

	eth_rpc_calls_init(&list);
	for (size_t i = 0; i < n; i++) {
		struct eth_rpc_at at = eth_rpc_at_number(blocks[i].number);

		eth_rpc_add_block(&list, &at);
	}
	if (found != NULL && eth_rpc_wait_at(&answer, duty->ctx->rpc, provider, &list, SECOND_MS) == 0) {
		word = SAME;
		for (size_t i = 0; word == SAME && i < n; i++)
			word = compare(&blocks[i], hashed[i], found, &answer->results[i]);
	}
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	free(found);
	return word;
}

int index_blocks_agree(struct index_duty *duty, unsigned provider, const struct store_index_block *blocks, const bool *hashed,
		       size_t n)
{
	unsigned providers = eth_rpc_providers(duty->ctx->rpc), same = 0, different = 0;
	unsigned wanted = index_wants_quorum(duty) ? (unsigned)duty->ctx->config->rpc_quorum - 1 : 1;
	uint64_t first = blocks[0].number, last = blocks[n - 1].number;
	uint32_t others = 0;

	if (providers < 2 || index_is_unheard(duty))
		return 0;
	for (unsigned i = 1; i < providers && same < wanted; i++) {
		unsigned other = (provider + i) % providers;
		enum word word = ask_word(duty, other, blocks, hashed, n);

		if (word == BETTER) {
			index_distrust(duty, UINT32_C(1) << provider, "a header that another provider shows whole", first, last);
			return -EAGAIN;
		}
		if (word == UNTRUE) /* that is no word on anybody else's */
			index_distrust(duty, UINT32_C(1) << other, "a header that is not the block's", first, last);
		if (word == DIFFERENT) {
			others |= UINT32_C(1) << other;
			different++;
		}
		same += word == SAME;
	}
	if (same >= wanted) {
		if (others != 0)
			index_distrust(duty, others, "another block than the others show", first, last);
		index_heard(duty);
		return 0;
	}
	if (different == 0)
		return index_unheard(duty, "blocks", last);
	index_distrust(duty, UINT32_C(1) << provider, "another block than the others show", first, last);
	return -EAGAIN;
}

/* ---- headers of a fork that is not known ---- */

int index_fork_agree(struct index_duty *duty, unsigned provider, const struct store_index_block *block)
{
	bool hashed = false, alone = eth_rpc_providers(duty->ctx->rpc) < 2;
	int err;

	if (duty->fork && alone)
		return 0;
	err = index_blocks_agree(duty, provider, block, &hashed, 1);
	if (err == 0 && alone && ++duty->fork_rounds < FORK_ROUNDS) {
		index_distrust(duty, UINT32_C(1) << provider, "a header that does not hash to its hash, with unknown members", block->number,
			       block->number);
		return -EAGAIN;
	}
	if (err == 0 && !duty->fork)
		log_error(log_msg("headers of a fork this release does not know: blooms and proofs cannot be checked"),
			  log_str("chain", duty->ctx->chain->name), log_u64("block", block->number));
	duty->fork = duty->fork || err == 0;
	return err;
}

void index_fork_over(struct index_duty *duty)
{
	duty->fork = false;
	duty->fork_rounds = 0;
}
