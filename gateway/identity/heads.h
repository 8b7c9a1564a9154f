#pragma once
/* The chain's heads as this process knows them: latest, safe, finalized, and when they were last confirmed.
 *
 * The steward's follow duty writes them into chain_head and notifies; workers copy the row in here; the command line
 * fills them from the node. Age is what makes them safe to use: heads that were not confirmed for HEADS_AGE_MAX_MS say
 * nothing about now, and whoever asks gets -EAGAIN. */
#include "eth/rpc.h"

#include <stdbool.h>
#include <stdint.h>

enum { HEADS_AGE_MAX_MS = 10000 };

struct heads_block {
	uint64_t number;
	struct eth_hash hash;
	uint64_t time; /* of the block, seconds since 1970; 0 where it came from chain_head, which does not keep it */
};

struct heads_set {
	struct heads_block latest, safe, finalized;
};

struct heads {
	struct heads_set set;
	int64_t confirmed_ms; /* heads_now_ms() when the node was last seen to say so */
	bool known;
};

/* CLOCK_MONOTONIC in milliseconds: the clock of confirmed_ms. */
int64_t heads_now_ms(void);

/* Copies a set confirmed `age_ms` ago. An older confirmation of the same or another set than the one held is ignored.
 */
void heads_update(struct heads *heads, const struct heads_set *set, int64_t age_ms);

/* The set, if confirmed within max_age_ms. -EAGAIN: unknown or too old. */
__attribute__((warn_unused_result)) int heads_get(const struct heads_set **out, const struct heads *heads,
						  int64_t max_age_ms);

/* What a set must be in itself: finalized ≤ safe ≤ latest, equal numbers have equal hashes, times do not fall.
 * -EBADMSG with *why saying what is wrong (*why may be NULL). */
__attribute__((warn_unused_result)) int heads_check(const char **why, const struct heads_set *set);

/* Adds the three block reads; heads_read() takes the three results that answer them. Errors of eth_rpc_result_block()
 * (-ENOENT: the node has no such tag yet) and of heads_check(). */
void heads_ask(struct eth_rpc_calls *list);
__attribute__((warn_unused_result)) int heads_read(struct heads_set *out, const char **why,
						   const struct eth_rpc_result results[static 3]);

/* One read of the node, straight down. Errors of eth_rpc_wait() and heads_read(). */
__attribute__((warn_unused_result)) int heads_wait(struct heads_set *out, struct eth_rpc *rpc, unsigned deadline_ms);
