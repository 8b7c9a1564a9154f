/* The engine's outside: queue, answers, deadlines. The transaction is append_txn.c, the checkpoint after it
 * append_cover.c. */
#include "gateway/record/append_internal.h"
#include "gateway/record/failpoint.h"
#include "gateway/runtime/metrics.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define QUEUE_MAX 8192u
#define DEADLINE_MS 8000u
#define POLL_MS 100u

int64_t append_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void append_job_free(struct job *job)
{
	free(job->payload);
	free(job);
}

static void answer_one(struct append *a, struct job *job, const struct append_outcome *outcome)
{
	append_on_done *on_done = job->on_done;

	if (!on_done)
		return;
	job->on_done = NULL;
	a->unanswered--;
	a->stats.duplicates += !outcome->err && outcome->duplicate;
	on_done(job->arg, outcome);
}

void append_answer(struct append *a, struct job *job, const struct append_outcome *outcome)
{
	struct append_outcome again = *outcome;

	FAILPOINT("append.answer");
	if (!outcome->err)
		metrics_observe_us(METRIC_APPEND_SECONDS, (uint64_t)(append_now_ms() - job->submitted) * 1000);
	answer_one(a, job, outcome);
	again.duplicate = true;
	while (job->twins) {
		struct job *twin = job->twins;

		job->twins = twin->next_twin;
		answer_one(a, twin, &again);
		append_job_free(twin);
	}
}

void append_answer_error(struct append *a, struct job *job, int err)
{
	append_answer(a, job,
		      &(struct append_outcome){
			      .err = err, .duplicate = job->duplicate, .logged = job->logged, .seq = job->seq});
}

void append_flush_soon(struct append *a)
{
	static const struct timeval now;

	if (!a->closing)
		(void)event_add(a->flush, &now);
}

static void on_flush(evutil_socket_t fd, short events, void *arg)
{
	struct append *a = arg;

	(void)fd;
	(void)events;
	if (!a->batch.txn && append_now_ms() >= a->retry_at)
		append_begin(a);
}

static void expire_queue(struct append *a, int64_t now)
{
	struct job *job, *next;

	for (job = TAILQ_FIRST(&a->queue); job; job = next) {
		next = TAILQ_NEXT(job, link);
		if (job->deadline > now)
			continue;
		TAILQ_REMOVE(&a->queue, job, link);
		a->queued--;
		a->stats.deadlines++;
		append_answer_error(a, job, -ETIMEDOUT);
		append_job_free(job);
	}
}

static void on_tick(evutil_socket_t fd, short events, void *arg)
{
	struct append *a = arg;
	int64_t now = append_now_ms();

	(void)fd;
	(void)events;
	expire_queue(a, now);
	append_expire(a, now);
	if (!STAILQ_EMPTY(&a->waiting) || !TAILQ_EMPTY(&a->duplicates))
		append_look(a);
	if (!a->batch.txn && !TAILQ_EMPTY(&a->queue) && now >= a->retry_at)
		append_begin(a);
	metrics_set(METRIC_APPEND_QUEUE, a->queued);
}

static void cancel_list(struct append *a, struct job_list *list)
{
	struct job *job;

	while ((job = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, job, link);
		append_answer_error(a, job, -ECANCELED);
		append_job_free(job);
	}
}

static void cancel_all(struct append *a)
{
	struct wait_batch *w;

	cancel_list(a, &a->queue);
	cancel_list(a, &a->duplicates);
	while ((w = STAILQ_FIRST(&a->waiting))) {
		STAILQ_REMOVE_HEAD(&a->waiting, link);
		for (size_t i = 0; i < w->count; i++) {
			append_answer_error(a, w->jobs[i], -ECANCELED);
			append_job_free(w->jobs[i]);
		}
		free(w);
	}
}

void append_settle(struct append *a)
{
	if (!a->closing)
		return;
	cancel_all(a);
	if (a->batch.txn || a->looking || a->fetching)
		return;
	merkle_hasher_clear(&a->hasher);
	free(a);
}

void append_free(struct append *a)
{
	if (!a)
		return;
	a->closing = true;
	if (a->flush)
		event_free(a->flush);
	if (a->tick)
		event_free(a->tick);
	append_settle(a);
}

int append_new(struct append **out, const struct append_config *config)
{
	struct append *a = calloc(1, sizeof(*a));
	struct timeval poll;

	if (!a)
		return -ENOMEM;
	if (!config->base || !config->writer || !config->reader) {
		free(a);
		return -EINVAL;
	}
	a->config = *config;
	a->config.queue_max = config->queue_max ? config->queue_max : QUEUE_MAX;
	a->config.deadline_ms = config->deadline_ms ? config->deadline_ms : DEADLINE_MS;
	a->config.poll_ms = config->poll_ms ? config->poll_ms : POLL_MS;
	TAILQ_INIT(&a->queue);
	STAILQ_INIT(&a->waiting);
	TAILQ_INIT(&a->duplicates);
	a->flush = event_new(config->base, -1, 0, on_flush, a);
	a->tick = event_new(config->base, -1, EV_PERSIST, on_tick, a);
	poll = (struct timeval){a->config.poll_ms / 1000, (suseconds_t)(a->config.poll_ms % 1000) * 1000};
	if (!a->flush || !a->tick || event_add(a->tick, &poll) || merkle_hasher_init(&a->hasher)) {
		append_free(a);
		return -ENOMEM;
	}
	*out = a;
	return 0;
}

void append_item_make(struct append_item *item, const struct submission *s, struct typed_content *content,
		      const struct admission *admission)
{
	memcpy(item->uid, content->uid, sizeof(item->uid));
	memcpy(item->payload_hash, content->payload_hash, sizeof(item->payload_hash));
	item->payload = content->payload;
	item->payload_len = content->payload_len;
	item->issuer = s->issuer;
	item->subject = s->subject;
	item->admission = admission;
}

/* Whether the fixed template can hold it: found out here, where one item can be refused, not where a batch would fail.
 */
static int check_item(const struct append_item *item)
{
	struct append_entry_of of = {item->uid, item->payload_hash, item->issuer, item->subject, item->admission};
	char line[ENTRY_LINE_MAX];
	size_t len;

	if (strlen(item->issuer) >= AGENT_KEY_TEXT_SIZE || strlen(item->subject) >= AGENT_KEY_TEXT_SIZE)
		return -EINVAL;
	return append_entry(line, &len, 0, &of);
}

int append_submit(struct append *a, const struct append_item *item, append_on_done *on_done, void *arg)
{
	struct job *job;
	int rc = check_item(item);

	if (rc)
		return rc;
	if (a->closing || a->unanswered >= a->config.queue_max)
		return -EAGAIN;
	job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	job->append = a;
	job->on_done = on_done;
	job->arg = arg;
	job->submitted = append_now_ms();
	job->deadline = job->submitted + a->config.deadline_ms;
	memcpy(job->uid, item->uid, sizeof(job->uid));
	memcpy(job->payload_hash, item->payload_hash, sizeof(job->payload_hash));
	memcpy(job->issuer, item->issuer, strlen(item->issuer) + 1);
	memcpy(job->subject, item->subject, strlen(item->subject) + 1);
	job->admission = *item->admission;
	job->payload = item->payload;
	job->payload_len = item->payload_len;
	TAILQ_INSERT_TAIL(&a->queue, job, link);
	a->queued++;
	a->unanswered++;
	append_flush_soon(a);
	return 0;
}

void append_checkpoint_hint(struct append *a, uint64_t size)
{
	if (size > a->hinted)
		a->hinted = size;
	if (size && size <= a->covered)
		return;
	if (!STAILQ_EMPTY(&a->waiting) || !TAILQ_EMPTY(&a->duplicates))
		append_look(a);
}

void append_stats(const struct append *a, struct append_stats *out)
{
	const struct wait_batch *w;

	*out = a->stats;
	out->queued = a->queued;
	out->waiting = 0;
	for (w = STAILQ_FIRST(&a->waiting); w; w = STAILQ_NEXT(w, link))
		out->waiting += w->count;
}
