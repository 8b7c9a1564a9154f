/* Which jobs a transaction takes, and which of them the log has already: sorted by uid, so that both are a few
 * comparisons a job. */
#include "gateway/record/append_internal.h"
#include <stdlib.h>
#include <string.h>

static int by_uid(const void *x, const void *y)
{
	const struct job *a = *(struct job *const *)x, *b = *(struct job *const *)y;

	return memcmp(a->uid, b->uid, sizeof(a->uid));
}

/* Where that uid is or would be. sorted: by_uid. */
static size_t lower_bound(struct job *const *sorted, size_t n, const uint8_t uid[static 32])
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (memcmp(sorted[mid]->uid, uid, 32) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct job *at_uid(struct job *const *sorted, size_t n, size_t i, const uint8_t uid[static 32])
{
	return i < n && !memcmp(sorted[i]->uid, uid, 32) ? sorted[i] : NULL;
}

static void add_twin(struct job *first, struct job *job)
{
	struct job **end = &first->twins;

	while (*end)
		end = &(*end)->next_twin;
	*end = job;
	job->next_twin = NULL;
}

void append_take_jobs(struct append *a)
{
	struct batch_txn *b = &a->batch;
	struct job *sorted[APPEND_BATCH_MAX], *job;

	b->count = 0;
	while (b->count < APPEND_BATCH_MAX && (job = TAILQ_FIRST(&a->queue))) {
		size_t i = lower_bound(sorted, b->count, job->uid);
		struct job *first = at_uid(sorted, b->count, i, job->uid);

		TAILQ_REMOVE(&a->queue, job, link);
		a->queued--;
		if (first) {
			add_twin(first, job);
			continue;
		}
		memmove(&sorted[i + 1], &sorted[i], (b->count - i) * sizeof(struct job *));
		sorted[i] = job;
		b->jobs[b->count++] = job;
	}
	for (size_t i = 0; i < b->count; i++)
		memcpy(b->uids[i], b->jobs[i]->uid, 32);
}

static int by_text(const void *x, const void *y)
{
	const struct pg_bytes *a = x, *b = y;
	size_t n = a->len < b->len ? a->len : b->len;
	int c = memcmp(a->data, b->data, n);

	return c ? c : (a->len > b->len) - (a->len < b->len);
}

void append_list_issuers(struct batch_txn *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->count; i++)
		b->issuers[i] = pg_text(b->jobs[i]->issuer);
	qsort(b->issuers, b->count, sizeof(b->issuers[0]), by_text);
	for (size_t i = 0; i < b->count; i++)
		if (!n || by_text(&b->issuers[n - 1], &b->issuers[i]) != 0)
			b->issuers[n++] = b->issuers[i];
	b->nissuers = n;
	memset(b->issuer_added, 0, n * sizeof(b->issuer_added[0]));
}

size_t append_issuer_index(const struct batch_txn *b, const char *issuer)
{
	struct pg_bytes key = pg_text(issuer);
	const struct pg_bytes *at = bsearch(&key, b->issuers, b->nissuers, sizeof(key), by_text);

	return (size_t)(at - b->issuers);
}

void append_mark_found(struct append *a)
{
	struct batch_txn *b = &a->batch;
	struct job *sorted[APPEND_BATCH_MAX];

	memcpy(sorted, b->jobs, b->count * sizeof(struct job *));
	qsort(sorted, b->count, sizeof(struct job *), by_uid);
	for (size_t i = 0; i < b->state.nfound; i++) {
		const uint8_t *uid = b->state.found[i].uid;
		struct job *job = at_uid(sorted, b->count, lower_bound(sorted, b->count, uid), uid);

		if (!job)
			continue;
		job->duplicate = !(job->maybe_committed && job->seq == b->state.found[i].seq);
		job->seq = b->state.found[i].seq;
		job->logged = true;
	}
}
