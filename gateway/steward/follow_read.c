/* Who is asked for the heads, and whether the others agree. */
#include "gateway/steward/follow_read.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool same_hash(const struct eth_hash *a, const struct eth_hash *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

void follow_set_aside(struct follow_reader *reader, const char *why)
{
	if (eth_rpc_providers(reader->rpc) > 1)
		eth_rpc_distrust(reader->rpc, reader->provider, why);
}

static int read_heads(struct heads_set *out, struct follow_reader *reader)
{
	const char *why = "heads that cannot be read";
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	heads_ask(&list);
	err = eth_rpc_wait(&answer, reader->rpc, &list, reader->deadline_ms);
	if (err == 0) {
		reader->provider = answer->provider;
		err = heads_read(out, &why, answer->results);
	}
	if (err == -EBADMSG && answer != NULL && eth_rpc_providers(reader->rpc) > 1) {
		follow_set_aside(reader, why);
		err = -EAGAIN;
	}
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return err;
}

/* The hash that the provider of this look has at that height. -ENOENT: it has no such block. */
static int hash_at(struct eth_hash *out, const struct follow_reader *reader, uint64_t number)
{
	const struct eth_rpc_at at = eth_rpc_at_number(number);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	struct eth_rpc_block block;
	int err;

	eth_rpc_calls_init(&list);
	eth_rpc_add_block(&list, &at);
	err = eth_rpc_wait_at(&answer, reader->rpc, reader->provider, &list, reader->deadline_ms);
	if (err == 0)
		err = eth_rpc_result_block(&block, &answer->results[0]);
	if (err == 0)
		*out = block.hash;
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return err == -ESTALE ? -ENOENT : err;
}

/* What was final stays so: the tags of this look are late, the chain below them is the same. */
static void raise(struct heads_set *set, const struct heads_block *final)
{
	set->finalized = *final;
	if (set->safe.number < final->number)
		set->safe = *final;
	if (set->latest.number < set->safe.number)
		set->latest = set->safe;
}

static int check_behind(struct heads_set *set, struct follow_reader *reader, const struct heads_set *last)
{
	struct eth_hash hash;
	int err;

	if (last == NULL || set->finalized.number >= last->finalized.number || eth_rpc_providers(reader->rpc) < 2) {
		reader->behind = 0;
		return 0;
	}
	err = hash_at(&hash, reader, last->finalized.number);
	if (err == 0) {
		reader->behind = 0;
		if (same_hash(&hash, &last->finalized.hash))
			raise(set, &last->finalized);
		return 0;
	}
	if (err != -ENOENT)
		return err;
	if (++reader->behind >= FOLLOW_BEHIND_ROUNDS * eth_rpc_providers(reader->rpc))
		return 0;
	follow_set_aside(reader, "behind what was final");
	return -EAGAIN;
}

/* "a.example, b.example" */
static void name_providers(char *out, size_t size, const struct eth_rpc *rpc, uint32_t which)
{
	struct eth_rpc_provider_stats stats;
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < eth_rpc_providers(rpc); i++)
		if ((which >> i & 1) != 0 && eth_rpc_provider_stats(&stats, rpc, i) == 0 && len < size)
			len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "", stats.host);
}

static void report_dissent(const struct follow_reader *reader, const struct eth_rpc_quorum *quorum, uint64_t number,
			   const char *what)
{
	char agreeing[LOG_VALUE_MAX], dissenting[LOG_VALUE_MAX];

	metrics_add(METRIC_CHAIN_DISAGREED, 1);
	name_providers(agreeing, sizeof(agreeing), reader->rpc, quorum->agreeing);
	name_providers(dissenting, sizeof(dissenting), reader->rpc, quorum->dissenting);
	log_error(log_msg(what), log_u64("number", number), log_u64("need", reader->quorum),
		  log_u64("agree", quorum->agreed), log_str("agreeing", agreeing), log_str("dissenting", dissenting));
}

/* Those whom `need` others contradict are set aside; the provider of this look may be one of them. */
static int take_agreed(struct follow_reader *reader, const struct eth_rpc_quorum *quorum,
		       const struct heads_block *final)
{
	struct eth_rpc_block block;
	int err = eth_rpc_result_block(&block, &quorum->results[0]);

	if (err != 0)
		return err;
	if (quorum->dissenting != 0)
		report_dissent(reader, quorum, final->number,
			       "a provider names another finalized block than the others");
	for (unsigned i = 0; i < quorum->asked; i++)
		if ((quorum->dissenting >> i & 1) != 0)
			eth_rpc_distrust(reader->rpc, i, "names another finalized block than the others");
	if (block.number != final->number)
		return -EBADMSG;
	if (!same_hash(&block.hash, &final->hash)) {
		follow_set_aside(reader, "its finalized block is not the one the others name");
		return -EAGAIN;
	}
	reader->agreed = *final;
	reader->has_agreed = true;
	reader->lonely = 0;
	return 0;
}

/* Too few know the block: mostly the others are a moment late. What was agreed before goes on, if this provider's chain
 * has it. */
static int keep_agreed(struct heads_set *set, struct follow_reader *reader)
{
	struct eth_hash hash;
	int err;

	if (!reader->has_agreed)
		return -EIO;
	err = hash_at(&hash, reader, reader->agreed.number);
	if (err != 0)
		return err == -ENOENT ? -EAGAIN : err;
	if (!same_hash(&hash, &reader->agreed.hash)) {
		follow_set_aside(reader, "its chain does not have the finalized block that was agreed");
		return -EAGAIN;
	}
	if (++reader->lonely % FOLLOW_LONELY_ROUNDS == 0)
		log_warn(log_msg("too few providers know the finalized block"),
			 log_u64("number", set->finalized.number), log_u64("need", reader->quorum),
			 log_u64("looks", reader->lonely));
	set->finalized = reader->agreed;
	return 0;
}

static int check_quorum(struct heads_set *set, struct follow_reader *reader)
{
	const struct eth_rpc_at at = eth_rpc_at_number(set->finalized.number);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_quorum quorum;
	struct eth_rpc_calls list;
	int err;

	if (reader->quorum < 2 || (reader->has_agreed && set->finalized.number == reader->agreed.number &&
				   same_hash(&set->finalized.hash, &reader->agreed.hash)))
		return 0;
	eth_rpc_calls_init(&list);
	eth_rpc_add_block(&list, &at);
	err = eth_rpc_quorum_wait(&answer, &quorum, reader->rpc, &list, reader->quorum, reader->deadline_ms);
	if (err == 0)
		err = take_agreed(reader, &quorum, &set->finalized);
	else if (err == -ENOTUNIQ)
		report_dissent(reader, &quorum, set->finalized.number, "the providers name different finalized blocks");
	else if (err == -EIO)
		err = keep_agreed(set, reader);
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return err;
}

int follow_read(struct heads_set *out, struct follow_reader *reader, const struct heads_set *last)
{
	int err = read_heads(out, reader);

	if (err == 0)
		err = check_behind(out, reader, last);
	if (err == 0)
		err = check_quorum(out, reader);
	return err;
}
