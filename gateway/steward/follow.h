#pragma once
/* The follow duty of a chain ("follow" for the default one, "follow/CHAIN" for another): looks at the chain's heads
 * every config->follow_ms and writes chain_head, which notifies kedge_chain.
 *
 * One batch a look: latest, safe, finalized; with rpc_quorum, more for a new finalized block (follow_read.h). A set
 * that contradicts itself (gateway/identity/heads.h) is not written. A set whose finalized went backwards, or whose
 * finalized block changed its hash, is an alarm: it is logged as an error, and written only when it still stands after
 * FOLLOW_ALARM_ROUNDS looks: a load balancer's late node says so for a moment, a chain started anew for ever. Meanwhile
 * chain_head grows old and writers answer 503. Any other reorganisation is followed at once. chain_head is written at
 * each change, and at least every FOLLOW_HEARTBEAT_MS so that its readers know it is alive. */
#include "gateway/identity/heads.h"
#include "gateway/steward/steward.h"

enum { FOLLOW_ALARM_ROUNDS = 8, FOLLOW_HEARTBEAT_MS = 1000, FOLLOW_RPC_DEADLINE_MS = 5000 };

/* Runs until asked to stop; 0, or a negative errno that a restart may mend. */
__attribute__((warn_unused_result)) int steward_follow_run(struct steward_context *ctx);

/* What the duty remembers between looks, and its judgement of a new one: pure, so that tests can ask it anything. */
struct follow_state {
	struct heads_set last; /* the last set written */
	bool known;
	unsigned backwards; /* looks in a row whose finalized contradicts the last */
};

enum follow_verdict {
	FOLLOW_SAME,	  /* nothing new */
	FOLLOW_NEW,	  /* write it */
	FOLLOW_REORG,	  /* write it; the latest or safe block was replaced */
	FOLLOW_BACKWARDS, /* alarm: do not write */
	FOLLOW_RESTARTED, /* the alarm stood for FOLLOW_ALARM_ROUNDS looks: write it, log an error */
};
enum follow_verdict follow_judge(struct follow_state *state, const struct heads_set *now);
