/* Heads and their age. The age is counted on this process's monotonic clock, so a step of the wall clock cannot make an
 * old head look new once it is here. */
#include "gateway/identity/heads.h"

#include <errno.h>
#include <string.h>
#include <time.h>

int64_t heads_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void heads_update(struct heads *heads, const struct heads_set *set, int64_t age_ms)
{
	int64_t confirmed = heads_now_ms() - (age_ms > 0 ? age_ms : 0);

	if (heads->known && confirmed < heads->confirmed_ms)
		return;
	heads->set = *set;
	heads->confirmed_ms = confirmed;
	heads->known = true;
}

int heads_get(const struct heads_set **out, const struct heads *heads, int64_t max_age_ms)
{
	if (!heads->known || heads_now_ms() - heads->confirmed_ms > max_age_ms)
		return -EAGAIN;
	*out = &heads->set;
	return 0;
}

static const char *order_fault(const struct heads_block *low, const struct heads_block *high)
{
	if (low->number > high->number)
		return "a later tag names an earlier block";
	if (low->number == high->number && memcmp(&low->hash, &high->hash, sizeof(low->hash)) != 0)
		return "two tags name one number with two hashes";
	if (low->number < high->number && memcmp(&low->hash, &high->hash, sizeof(low->hash)) == 0)
		return "two tags name two numbers with one hash";
	if (low->time > high->time)
		return "a later block has an earlier time";
	return NULL;
}

int heads_check(const char **why, const struct heads_set *set)
{
	const char *fault = order_fault(&set->finalized, &set->safe);

	if (fault == NULL)
		fault = order_fault(&set->safe, &set->latest);
	if (why != NULL)
		*why = fault;
	return fault == NULL ? 0 : -EBADMSG;
}

void heads_ask(struct eth_rpc_calls *list)
{
	/* A block that is mined between these reads then only makes a later one higher, which is no contradiction. */
	static const enum eth_rpc_tag TAGS[] = {ETH_RPC_FINALIZED, ETH_RPC_SAFE, ETH_RPC_LATEST};

	for (size_t i = 0; i < sizeof(TAGS) / sizeof(TAGS[0]); i++) {
		struct eth_rpc_at at = eth_rpc_at_tag(TAGS[i]);

		eth_rpc_add_block(list, &at);
	}
}

int heads_read(struct heads_set *out, const char **why, const struct eth_rpc_result results[static 3])
{
	struct heads_block *blocks[] = {&out->finalized, &out->safe, &out->latest};

	if (why != NULL)
		*why = "a head could not be read";
	for (size_t i = 0; i < 3; i++) {
		struct eth_rpc_block block;
		int err = eth_rpc_result_block(&block, &results[i]);

		if (err != 0)
			return err;
		*blocks[i] = (struct heads_block){.number = block.number, .hash = block.hash, .time = block.time};
	}
	return heads_check(why, out);
}

int heads_wait(struct heads_set *out, struct eth_rpc *rpc, unsigned deadline_ms)
{
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	heads_ask(&list);
	err = eth_rpc_wait(&answer, rpc, &list, deadline_ms);
	if (err == 0)
		err = heads_read(out, NULL, answer->results);
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return err;
}
