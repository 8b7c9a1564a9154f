#pragma once
/* The notary duty: logs what the gateway itself finds about the agents the log knows (DESIGN section 5.3; docs/formats.md section 4).
 *
 * - identity: what the registry held at the end of each final block in which an agent changed; when the log comes to know an
 *   agent, what is in force.
 * - feedback (setting `reputation`): the events of the ReputationRegistry on those agents.
 * - void: attestations admitted at a block that is not the finalized one of its number.
 *
 * All of it is final. A fact's uid is a function of the fact, looked for under the head's lock, so a duty killed between its
 * append and the note of its progress repeats nothing. Because a void stands for ever, it takes NOTARY_DOUBTS looks in a row, and
 * rpc_quorum providers where that is set, to believe that a block went away; and only who shows the index's final block in the
 * same answer is believed, so that a finalized chain that was replaced (the index's alarm) voids nothing by itself. */
#include "gateway/steward/steward.h"

enum { NOTARY_PAUSE_MS = 1000, NOTARY_DOUBTS = 3, NOTARY_RPC_MS = 10000 };

/* Runs until asked to stop; ctx is opened without a chain: the notary opens those it needs. 0, or a negative errno. */
__attribute__((warn_unused_result)) int steward_notary_run(struct steward_context *ctx);
