#pragma once
/* The signer: the one process that holds the log's key (DESIGN section 3).
 *
 * Told that the head moved, it reads the committed head itself, proves to itself that it extends what it signed last (by
 * appending the leaves in between to its own right edge), writes (size, edge) to its guard file, and only then signs and
 * stores the checkpoint. The size after the last index head is signed too, so that it can be published.
 *
 * It refuses for ever: another root for a size it signed, a tree that does not extend it, a log that became shorter. Signing
 * the same pair again gives the same bytes. It refuses to start with an empty guard on a log that has checkpoints. */
#include "gateway/steward/steward.h"

/* Runs until asked to stop; 0, or a negative errno: -EKEYREJECTED for a refusal, which is logged and which a restart does not mend. */
__attribute__((warn_unused_result)) int steward_sign_run(struct steward_context *ctx);
