#include "gateway/participant/queue.h"

#include "gateway/identity/heads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 250 };

/* Who waits. Freed one look after it was told. */
struct waiting {
	struct waiting *next;
	struct participant_queue *queue;
	struct pg_op op; /* of asking */
	bool asking;
	uint8_t hash[32];
	int64_t since;
	participant_queue_on_answer *on_answer; /* NULL: told already */
	void *arg;
};

struct participant_queue {
	struct event_base *base;
	struct pg_conn *writer, *reader;
	struct waiting *first, **last; /* in the order they came; last: where the next one goes */
	size_t n;
	struct event *poll;
	struct pg_op op; /* of looking */
	struct store_participant_requests found;
	uint8_t hashes[PARTICIPANT_QUEUE_WAITING][32];
	bool looking, again;
};

static void tell(struct waiting *w, int err, const struct store_participant_request *answer)
{
	participant_queue_on_answer *on_answer = w->on_answer;

	w->on_answer = NULL;
	if (on_answer)
		on_answer(w->arg, err, answer);
}

/* Those that were told go, unless the store still holds their operation. */
static void sweep(struct participant_queue *queue)
{
	struct waiting **at = &queue->first, *w;

	while ((w = *at)) {
		if (w->on_answer || w->asking) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		queue->n--;
		free(w);
	}
	queue->last = at;
	if (queue->n == 0)
		(void)event_del(queue->poll);
}

static void look(struct participant_queue *queue);

static void on_found(struct pg_op *op)
{
	struct participant_queue *queue = op->arg;
	struct waiting *w;

	queue->looking = false;
	for (size_t i = 0; op->err == 0 && i < queue->found.n; i++)
		for (w = queue->first; w; w = w->next)
			if (!w->asking && memcmp(w->hash, queue->found.rows[i].hash, 32) == 0)
				tell(w, 0, &queue->found.rows[i]);
	store_participant_requests_clear(&queue->found);
	sweep(queue);
	/* of a connection that is closing nothing more is asked; the poll looks again */
	if (queue->again && op->err == 0)
		look(queue);
}

static void look(struct participant_queue *queue)
{
	const struct waiting *w;
	size_t n = 0;

	queue->again = queue->looking;
	if (queue->looking)
		return;
	for (w = queue->first; w; w = w->next)
		if (w->on_answer && !w->asking && n < PARTICIPANT_QUEUE_WAITING)
			memcpy(queue->hashes[n++], w->hash, 32);
	if (n == 0)
		return;
	queue->op = (struct pg_op){.on_done = on_found, .arg = queue};
	queue->looking = store_participant_answers(queue->reader, &queue->op, &queue->found, queue->hashes, n) == 0;
}

void participant_queue_hint(struct participant_queue *queue)
{
	look(queue);
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct participant_queue *queue = arg;
	int64_t now = heads_now_ms();
	struct waiting *w;

	(void)fd;
	(void)what;
	for (w = queue->first; w; w = w->next)
		if (w->on_answer && now - w->since > PARTICIPANT_QUEUE_MS)
			tell(w, -ETIMEDOUT, NULL);
	sweep(queue);
	look(queue);
}

static void on_asked(struct pg_op *op)
{
	struct waiting *w = op->arg;
	struct participant_queue *queue = w->queue;

	int err = op->err;

	w->asking = false;
	if (err != 0)
		tell(w, err, NULL);
	sweep(queue);
	/* it may have been answered before this came back */
	if (err == 0)
		look(queue);
}

int participant_queue_ask(struct participant_queue *queue, const struct store_participant_request *request,
			  participant_queue_on_answer *on_answer, void *arg)
{
	struct timeval often = {.tv_usec = POLL_MS * 1000L};
	struct waiting *w;
	int rc;

	if (queue->n >= PARTICIPANT_QUEUE_WAITING)
		return -EAGAIN;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct waiting){.queue = queue, .since = heads_now_ms(), .on_answer = on_answer, .arg = arg, .asking = true};
	memcpy(w->hash, request->hash, sizeof(w->hash));
	w->op = (struct pg_op){.on_done = on_asked, .arg = w};
	rc = store_participant_ask(queue->writer, &w->op, request, PARTICIPANT_QUEUE_OPEN);
	if (rc != 0) {
		free(w);
		return rc;
	}
	*queue->last = w;
	queue->last = &w->next;
	queue->n++;
	(void)event_add(queue->poll, &often);
	return 0;
}

int participant_queue_new(struct participant_queue **out, struct event_base *base, struct pg_conn *writer, struct pg_conn *reader)
{
	struct participant_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return -ENOMEM;
	*queue = (struct participant_queue){.base = base, .writer = writer, .reader = reader};
	queue->last = &queue->first;
	queue->poll = event_new(base, -1, EV_PERSIST, on_poll, queue);
	if (!queue->poll) {
		free(queue);
		return -ENOMEM;
	}
	*out = queue;
	return 0;
}

void participant_queue_free(struct participant_queue *queue)
{
	struct waiting *w;

	if (!queue)
		return;
	for (w = queue->first; w; w = w->next)
		tell(w, -ECANCELED, NULL);
	event_free(queue->poll);
	while ((w = queue->first)) {
		queue->first = w->next;
		free(w);
	}
	store_participant_requests_clear(&queue->found);
	free(queue);
}
