/*
 * After the commit: answers what a signed checkpoint covers. Fresh batches prove from memory (their leaves and the edge
 * before them; leaves of other writers are read), duplicates from the database.
 */
#include "gateway/record/append_internal.h"
#include "gateway/record/receipt_fetch.h"
#include "gateway/runtime/log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FETCHES_MAX 64u
#define GAP_MAX 65536u /* leaves; beyond that a batch is proven from tiles like any old entry */

static uint64_t batch_end(const struct wait_batch *w)
{
	return w->old_size + w->count;
}

/* ---- proofs ---- */

static void answer_covered(struct append *a, struct job *job, const struct merkle_range *range)
{
	struct merkle_hash proof[MERKLE_PROOF_MAX];
	struct receipt_parts parts = {
		.level = RECEIPT_LOGGED,
		.seq = job->seq,
		.entry = job->line,
		.entry_len = job->line_len,
		.payload = job->payload,
		.payload_len = job->payload_len,
		.evidence = job->admission.evidence,
		.evidence_len = job->admission.evidence_len,
		.checkpoint = a->checkpoint.note,
		.checkpoint_len = a->checkpoint.note_len,
		.inclusion = proof,
	};
	int rc = merkle_range_inclusion(range, proof, &parts.inclusion_len, job->seq);

	append_answer(a, job,
		      &(struct append_outcome){
			      .err = rc ? -EPROTO : 0, .logged = true, .seq = job->seq, .parts = rc ? NULL : &parts});
	append_job_free(job);
}

static bool root_is_ours(struct append *a, const struct merkle_range *range)
{
	struct merkle_hash root;

	merkle_range_root(&a->hasher, &root, range);
	if (!memcmp(root.bytes, a->checkpoint.root, sizeof(root.bytes)))
		return true;
	log_error(log_msg("checkpoint does not cover what was committed"), log_u64("size", a->checkpoint.size));
	return false;
}

/* Answers every waiting batch below the checkpoint. leaves: [first, checkpoint size). */
static void prove(struct append *a, const struct merkle_edge *edge, const struct merkle_hash *leaves, size_t count)
{
	struct merkle_hash *nodes = malloc(MERKLE_RANGE_NODES(count) * sizeof(*nodes));
	struct merkle_range range;
	struct wait_batch *w;
	bool good =
		nodes && !merkle_range_build(&a->hasher, &range, nodes, edge, leaves, count) && root_is_ours(a, &range);

	while ((w = STAILQ_FIRST(&a->waiting)) && batch_end(w) <= a->checkpoint.size) {
		STAILQ_REMOVE_HEAD(&a->waiting, link);
		for (size_t i = 0; i < w->count; i++) {
			if (good) {
				answer_covered(a, w->jobs[i], &range);
				continue;
			}
			append_answer_error(a, w->jobs[i], -EPROTO);
			append_job_free(w->jobs[i]);
		}
		free(w);
	}
	free(nodes);
}

/* Copies what is known of [first, first + count); returns how many leaves that was. */
static size_t fill_leaves(const struct append *a, struct merkle_hash *leaves, uint64_t first, size_t count)
{
	const struct wait_batch *w;
	size_t known = 0;

	for (w = STAILQ_FIRST(&a->waiting); w; w = STAILQ_NEXT(w, link))
		for (size_t i = 0; i < w->count; i++)
			if (w->old_size + i >= first && w->old_size + i - first < count) {
				leaves[w->old_size + i - first] = w->jobs[i]->leaf;
				known++;
			}
	return known;
}

static void free_gap(struct append *a)
{
	free(a->gap);
	a->gap = NULL;
}

static void look_done(struct append *a)
{
	a->looking = false;
	if (a->look_again && !a->closing) {
		a->look_again = false;
		append_look(a);
	}
}

static void on_gap(struct pg_op *op)
{
	struct append *a = op->arg;

	if (!op->err)
		prove(a, &a->gap_edge, a->gap, a->gap_count);
	free_gap(a);
	look_done(a);
	append_settle(a);
}

/* Too far behind for memory: the jobs go the way of duplicates, but are none. */
static void hand_over(struct append *a, struct wait_batch *w)
{
	STAILQ_REMOVE_HEAD(&a->waiting, link);
	for (size_t i = 0; i < w->count; i++)
		TAILQ_INSERT_TAIL(&a->duplicates, w->jobs[i], link);
	free(w);
}

/* Returns whether leaves are being read, so that the look goes on. */
static bool cover(struct append *a)
{
	struct wait_batch *w;

	while ((w = STAILQ_FIRST(&a->waiting)) && a->checkpoint.size > w->old_size &&
	       a->checkpoint.size - w->old_size > GAP_MAX)
		hand_over(a, w);
	if (!w || batch_end(w) > a->checkpoint.size)
		return false;
	a->gap_count = (size_t)(a->checkpoint.size - w->old_size);
	a->gap_edge = w->edge;
	a->gap = malloc(a->gap_count * sizeof(*a->gap));
	if (!a->gap)
		return false;
	if (fill_leaves(a, a->gap, w->old_size, a->gap_count) == a->gap_count) {
		prove(a, &a->gap_edge, a->gap, a->gap_count);
	} else {
		a->look_op = (struct pg_op){.on_done = on_gap, .arg = a};
		if (!store_leaves(a->config.reader, &a->look_op, (uint8_t(*)[32])a->gap, w->old_size, a->gap_count))
			return true;
	}
	free_gap(a);
	return false;
}

static void on_look(struct pg_op *op)
{
	struct append *a = op->arg;

	if (!op->err && a->checkpoint.size >= a->covered) {
		a->covered = a->checkpoint.size;
		if (!a->closing && cover(a))
			return;
		append_fetch_duplicates(a);
	}
	look_done(a);
	append_settle(a);
}

void append_look(struct append *a)
{
	if (a->looking) {
		a->look_again = true;
		return;
	}
	a->look_op = (struct pg_op){.on_done = on_look, .arg = a};
	a->looking = !store_checkpoint_latest(a->config.reader, &a->look_op, &a->checkpoint);
}

/* ---- duplicates ---- */

static bool worth_waiting(int err)
{
	return err == -EINPROGRESS || err == -EAGAIN || err == -EIO || err == -ECANCELED || err == -ETIMEDOUT;
}

static void on_fetched(void *arg, int err, uint64_t seq, const struct receipt_parts *parts)
{
	struct job *job = arg;
	struct append *a = job->append;

	a->fetching--;
	if (err && worth_waiting(err) && job->deadline > append_now_ms()) {
		TAILQ_INSERT_TAIL(&a->duplicates, job, link);
	} else {
		append_answer(a, job,
			      &(struct append_outcome){.err = err,
						       .duplicate = job->duplicate,
						       .logged = true,
						       .seq = err ? job->seq : seq,
						       .parts = parts});
		append_job_free(job);
		append_fetch_duplicates(a);
	}
	append_settle(a);
}

void append_fetch_duplicates(struct append *a)
{
	struct receipt_wish wish = {.exact = true, .level = RECEIPT_LOGGED};
	struct job *job, *next;
	bool uncovered = false;

	for (job = TAILQ_FIRST(&a->duplicates); job && a->fetching < FETCHES_MAX && !a->closing; job = next) {
		next = TAILQ_NEXT(job, link);
		if (job->seq >= a->covered) {
			uncovered = true;
			continue;
		}
		memcpy(wish.uid, job->uid, sizeof(wish.uid));
		if (receipt_fetch(a->config.reader, &wish, on_fetched, job))
			break;
		TAILQ_REMOVE(&a->duplicates, job, link);
		a->fetching++;
	}
	if (uncovered && !a->looking)
		append_look(a);
}

/* ---- deadlines ---- */

static bool expire_job(struct append *a, struct job *job, int64_t now)
{
	if (job->deadline > now)
		return false;
	if (job->on_done) {
		a->stats.deadlines++;
		append_answer_error(a, job, -ETIMEDOUT);
	}
	return true;
}

/* Answers what is overdue in each waiting batch, and forgets a batch that nobody waits for any more. */
static void expire_waiting(struct append *a, int64_t now)
{
	struct wait_list left = STAILQ_HEAD_INITIALIZER(left);
	struct wait_batch *w;

	while ((w = STAILQ_FIRST(&a->waiting))) {
		size_t expired = 0;

		STAILQ_REMOVE_HEAD(&a->waiting, link);
		for (size_t i = 0; i < w->count; i++)
			expired += expire_job(a, w->jobs[i], now);
		if (expired < w->count) {
			STAILQ_INSERT_TAIL(&left, w, link);
			continue;
		}
		for (size_t i = 0; i < w->count; i++)
			append_job_free(w->jobs[i]);
		free(w);
	}
	STAILQ_CONCAT(&a->waiting, &left);
}

void append_expire(struct append *a, int64_t now)
{
	struct job *job, *next;

	expire_waiting(a, now);
	for (job = TAILQ_FIRST(&a->duplicates); job; job = next) {
		next = TAILQ_NEXT(job, link);
		if (!expire_job(a, job, now))
			continue;
		TAILQ_REMOVE(&a->duplicates, job, link);
		append_job_free(job);
	}
}
