#pragma once
/* The publish duty: ends what was logged since with an index head, and publishes the checkpoint of exactly that size
 * (DESIGN section 5.5, docs/formats.md sections 4 to 6).
 *
 * An index head commits to the completeness map over all entries before it. So it is appended under the head's lock: what
 * came before the lock is folded in, nothing can slip between. Most of the folding is read before the lock is taken. */
#include "gateway/steward/steward.h"

enum { PUBLISH_HEARTBEAT_MS = 86400000 };

/* Runs until asked to stop; 0, or a negative errno that a restart may mend. */
__attribute__((warn_unused_result)) int steward_publish_run(struct steward_context *ctx);
