#pragma once
/* The participants duty: the one writer of alias, link and erasure entries and of all that is kept of participants (DESIGN section 4;
 * docs/formats.md section 15).
 *
 * Workers check what needs no state (the messages, whose signatures they are, who owns an agent) and put the change into the queue.
 * Here each is held against the participant's state, and entry, payload, tables and answer are one transaction under the head's lock,
 * fenced: what is answered is durable, what is not answered did not happen, and a duty killed anywhere goes on with the next open
 * request. Refusals are answers too. Erasures and rebuilds are asked for through the same queue, so nothing ever has to exclude anything. */
#include "gateway/steward/steward.h"

enum {
	PARTICIPANTS_PAUSE_MS = 1000,	    /* between looks at the queue if nobody says that there is something in it */
	PARTICIPANTS_KEPT_MS = 600 * 1000, /* answers are kept for who lost them */
};

/* Runs until asked to stop. 0, or a negative errno. */
__attribute__((warn_unused_result)) int steward_participants_run(struct steward_context *ctx);
