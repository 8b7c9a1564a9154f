#pragma once
/* The anchor duty: brings published checkpoints into KedgeAnchor. All decisions are the sender's (anchor/sender.h), a pure
 * state machine; this file reads the chain for it, signs, stores and sends what it asks for, and writes down how far the
 * contract has come. Keys: anchor (authorises a root) and relayer (pays the gas). */
#include "gateway/steward/steward.h"

/* Runs until asked to stop; 0, or a negative errno that a restart may mend. */
__attribute__((warn_unused_result)) int steward_anchor_run(struct steward_context *ctx);
