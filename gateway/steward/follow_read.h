#pragma once
/* One look at the heads through several providers, for the follow duty: what to believe when they do not say the same.
 *
 * - A provider that is behind what was already final is not a chain that went back: if it knows the block that was
 * final, only its tag is late, and the block stays final; if it does not, it is set aside and another is asked. Only
 * when that happened FOLLOW_BEHIND_ROUNDS times for each provider in a row is the look passed on, to be judged.
 * - With setting rpc_quorum of 2 or more, a finalized block is believed only when that many providers name the same
 * hash for its number. Until enough of them know a new one, the last one agreed stays final. When they contradict each
 * other nothing is written: an error says who says what, and kedge_chain_quorum_disagreed_total counts it.
 *
 * latest and safe are one provider's word: what is not final is only ever shown as that. */
#include "eth/rpc.h"
#include "gateway/identity/heads.h"

#include <stdbool.h>
#include <stdint.h>

enum { FOLLOW_BEHIND_ROUNDS = 2, FOLLOW_LONELY_ROUNDS = 30 };

struct follow_reader {
	struct eth_rpc *rpc;
	unsigned quorum; /* 0 or 1: none is compared */
	unsigned deadline_ms;

	struct heads_block agreed; /* by the quorum */
	bool has_agreed;
	unsigned provider; /* of the last look that succeeded */
	unsigned behind;   /* looks in a row that came from a provider that is behind */
	unsigned lonely;   /* looks in a row for whose finalized block there was no quorum yet */
};

/* `last`: the set last believed, NULL for none.
 * 0; -EAGAIN: a provider is behind or off the chain and was set aside: look again; -ENOTUNIQ: the providers name
 * different finalized blocks; -EIO: fewer than the quorum answer and none was agreed before; errors of heads_wait(). */
__attribute__((warn_unused_result)) int follow_read(struct heads_set *out, struct follow_reader *reader,
						    const struct heads_set *last);

/* The node that gave the last look is stuck: another one goes first. Does nothing if there is no other. */
void follow_set_aside(struct follow_reader *reader, const char *why);
