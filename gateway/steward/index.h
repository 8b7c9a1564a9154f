#pragma once
/* The index duty of one chain: who every agent of its registries is and was, in agent_state, up to the chain's latest
 * block. Duty "index" for the default chain, "index/CHAIN" for another; heads come from chain_head (the follow duty).
 *
 * One contiguous chain of blocks from each registry's start to the tip. What is older than INDEX_NEAR blocks behind
 * `latest` and finalized is backfilled by ranges of blocks, and its states are folded from the events (tier `events`);
 * everything newer is taken block by block: header linked to its parent and hashed here, logs asked by block hash and
 * compared with another provider's, states read from storage at that hash (tier `rpc`, `quorum`, or `proof` when
 * proved). Blocks above the final one are an overlay: a block that does not link drops what is no longer in the chain,
 * down to the common ancestor. At the end of the backfill every agent is read from storage and compared.
 *
 * A finalized block that changed its hash is an alarm: nothing is written while it lasts, agents then resolve by direct
 * reads ("index":"syncing"), and the log and kedge_index_alarm say so. A chain that was started anew wants a new database. */
#include "gateway/steward/steward.h"

enum {
	INDEX_NEAR = 1024,	/* blocks behind latest that are taken one by one, from storage */
	INDEX_POLL_MS = 1000,	/* between looks when no notification comes */
	INDEX_RPC_MS = 30000,	/* deadline of a batch */
	INDEX_AHEAD = 6,	/* ranges under way at once */
	INDEX_GROUP = 32,	/* blocks of one step near the head */
};

/* Runs until asked to stop; ctx is opened with the chain (steward_open()). 0, or a negative errno that a restart may
 * mend. */
__attribute__((warn_unused_result)) int steward_index_run(struct steward_context *ctx);
