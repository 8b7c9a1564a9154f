#pragma once
/* A worker's end of the queue to the duty `participants`: puts a change in, and tells when it is answered. One thread, one loop. */
#include "sql/store_participant.h"

#include <event2/event.h>

enum {
	PARTICIPANT_QUEUE_WAITING = 256, /* of this worker */
	PARTICIPANT_QUEUE_OPEN = 1000,	 /* of all, before somebody is told to come back */
	PARTICIPANT_QUEUE_MS = 15000,	 /* how long it is waited for; the change may be made later all the same */
};

struct participant_queue;

/* writer: one whose single statements may wait for others' transactions. -ENOMEM. */
__attribute__((warn_unused_result)) int participant_queue_new(struct participant_queue **out, struct event_base *base,
							      struct pg_conn *writer, struct pg_conn *reader);
/* After both connections were closed, since their operations lie in it. Who waits is told -ECANCELED. NULL is fine. */
void participant_queue_free(struct participant_queue *queue);

/* err: 0 with the answer, borrowed; -EDQUOT the queue is full; -ETIMEDOUT no answer yet; -ECANCELED; errors of the store. */
typedef void participant_queue_on_answer(void *arg, int err, const struct store_participant_request *answer);

/* request->body is copied; the same request asked by several is answered to all. on_answer runs exactly once, from the loop.
 * -EAGAIN: too many wait here already; -ENOMEM; errors of store_participant_ask(): then it never runs. */
__attribute__((warn_unused_result)) int participant_queue_ask(struct participant_queue *queue,
							      const struct store_participant_request *request,
							      participant_queue_on_answer *on_answer, void *arg);

/* Something was answered (NOTIFY kedge_participant), or may have been. */
void participant_queue_hint(struct participant_queue *queue);
