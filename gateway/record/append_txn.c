/*
 * One append transaction: lock, decide, write, commit (DESIGN §5.4). Any failure puts the jobs back at the queue's
 * head; what became of a lost commit is read under the next lock, which PostgreSQL grants only when the lost
 * transaction has ended one way or the other.
 */
#include "gateway/record/append_internal.h"
#include "gateway/record/failpoint.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS 50

/* ---- the end of a transaction ---- */

static void end(struct append *a)
{
	store_append_state_clear(&a->batch.state);
	a->batch.txn = NULL;
	a->batch.count = 0;
	if (!TAILQ_EMPTY(&a->queue))
		append_flush_soon(a);
}

/* A failure that another try can mend. */
static bool passing(int err)
{
	return err == -EAGAIN || err == -EIO || err == -ECONNABORTED || err == -ETIMEDOUT || err == -ECANCELED;
}

/* Puts everything that is not settled back to the queue's head in its old order, or answers it where trying again is no
 * use. */
static void give_back(struct append *a, int err)
{
	struct batch_txn *b = &a->batch;

	if (!passing(err))
		log_error(log_msg("append failed"), log_rc(err), log_u64("entries", b->count));
	for (size_t i = b->count; i-- > 0;) {
		struct job *job = b->jobs[i];

		if (!job)
			continue;
		if (passing(err) && !a->closing) {
			TAILQ_INSERT_HEAD(&a->queue, job, link);
			a->queued++;
			continue;
		}
		append_answer_error(a, job, a->closing ? -ECANCELED : err);
		append_job_free(job);
	}
	a->stats.retries++;
	a->retry_at = append_now_ms() + RETRY_MS;
	end(a);
}

static void abandon(struct append *a, int err)
{
	pg_txn_rollback(a->batch.txn);
	give_back(a, err);
}

/* ---- commit ---- */

static struct wait_batch *make_wait_batch(const struct batch_txn *b)
{
	struct wait_batch *w = calloc(1, sizeof(*w) + b->nfresh * sizeof(struct job *));

	if (!w)
		return NULL;
	w->old_size = b->old_edge.size;
	w->edge = b->old_edge;
	w->count = b->nfresh;
	memcpy(w->jobs, b->fresh, b->nfresh * sizeof(struct job *));
	return w;
}

static void on_committed(struct pg_op *op)
{
	struct append *a = op->arg;
	struct batch_txn *b = &a->batch;
	struct wait_batch *w;

	if (op->err) {
		give_back(a, op->err);
		append_settle(a);
		return;
	}
	FAILPOINT("append.committed");
	w = make_wait_batch(b);
	for (size_t i = 0; i < b->nfresh; i++)
		b->fresh[i]->logged = true;
	if (w) {
		STAILQ_INSERT_TAIL(&a->waiting, w, link);
	} else {
		for (size_t i = 0; i < b->nfresh; i++) {
			append_answer_error(a, b->fresh[i], -ENOMEM);
			append_job_free(b->fresh[i]);
		}
	}
	a->stats.transactions++;
	a->stats.entries += b->nfresh;
	metrics_add(METRIC_APPEND_BATCH, 1);
	metrics_add(METRIC_APPEND_ENTRIES, b->nfresh);
	end(a);
	FAILPOINT("append.sign-wait");
	if (a->hinted > a->batch.old_edge.size)
		append_look(a);
	append_settle(a);
}

static void fill_entries(struct batch_txn *b)
{
	for (size_t i = 0; i < b->nfresh; i++) {
		struct job *job = b->fresh[i];

		b->entries[i] = (struct store_new_entry){
			.kind = "attestation",
			.uid = job->uid,
			.issuer = pg_text(job->issuer),
			.subject = pg_text(job->subject),
			.leaf = job->leaf.bytes,
			.line = pg_bytes(job->line, job->line_len),
			.payload = pg_bytes(job->payload, job->payload_len),
			.evidence_hash = job->admission.evidence_hash,
			.evidence = pg_bytes(job->admission.evidence, job->admission.evidence_len),
		};
	}
}

static size_t fill_quotas(struct batch_txn *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->nissuers; i++)
		if (b->issuer_added[i])
			b->quotas[n++] = (struct store_quota_add){b->issuers[i], b->issuer_added[i]};
	return n;
}

static void commit(struct append *a)
{
	struct batch_txn *b = &a->batch;
	uint8_t edge[MERKLE_HASH_SIZE * MERKLE_EDGE_MAX];
	struct store_append append = {
		.old_size = b->old_edge.size, .at = b->at, .entries = b->entries, .nentries = b->nfresh};
	size_t ntiles;
	int rc;

	rc = append_tiles(&a->hasher, b->tiles, &ntiles, b->old_edge.size, b->leaves, b->nfresh, b->state.leaves,
			  b->roots, b->nroots);
	if (rc) {
		abandon(a, rc);
		return;
	}
	for (size_t i = 0; i < ntiles; i++)
		b->new_tiles[i] = (struct store_new_tile){b->tiles[i].level, b->tiles[i].index, b->tiles[i].hashes[0],
							  b->tiles[i].root.bytes};
	fill_entries(b);
	merkle_edge_encode(edge, &b->edge);
	append.tiles = b->new_tiles;
	append.ntiles = ntiles;
	append.edge = (const uint8_t(*)[32])edge;
	append.nedge = merkle_edge_count(b->edge.size);
	append.quotas = b->quotas;
	append.nquotas = fill_quotas(b);
	FAILPOINT("append.insert");
	b->op = (struct pg_op){.on_done = on_committed, .arg = a};
	for (size_t i = 0; i < b->nfresh; i++)
		b->fresh[i]->maybe_committed = true;
	rc = store_append_commit(b->txn, &b->op, &append);
	FAILPOINT("append.commit");
	if (rc)
		give_back(a, rc);
}

/* ---- building ---- */

static void read_roots(struct append *a);

static void on_roots(struct pg_op *op)
{
	struct append *a = op->arg;

	if (op->err) {
		abandon(a, op->err);
	} else {
		a->batch.roots_read++;
		read_roots(a);
	}
	append_settle(a);
}

static void read_roots(struct append *a)
{
	struct batch_txn *b = &a->batch;
	struct append_roots *r = &b->roots[b->roots_read];
	int rc;

	if (b->roots_read == b->nroots) {
		commit(a);
		return;
	}
	b->op = (struct pg_op){.on_done = on_roots, .arg = a};
	rc = store_append_tile_roots(b->txn, &b->op, r->hashes, r->level, r->first, r->count);
	if (rc)
		abandon(a, rc);
}

static int write_line(struct append *a, struct job *job, uint64_t at)
{
	struct append_entry_of of = {job->uid, job->payload_hash, job->issuer, job->subject, &job->admission};
	int rc = append_entry(job->line, &job->line_len, at, &of);

	if (!rc)
		merkle_leaf(&a->hasher, &job->leaf, job->line, job->line_len);
	return rc;
}

static void build(struct append *a)
{
	struct batch_txn *b = &a->batch;
	const struct store_head *head = &b->state.head;
	struct merkle_range range;
	int rc;

	b->at = head->at > b->state.clock_ms ? head->at : b->state.clock_ms;
	rc = merkle_edge_decode(&b->old_edge, head->size, head->edge[0], head->nedge * 32);
	for (size_t i = 0; i < b->nfresh && !rc; i++) {
		b->fresh[i]->seq = head->size + i;
		rc = write_line(a, b->fresh[i], b->at);
		b->leaves[i] = b->fresh[i]->leaf;
	}
	if (!rc)
		rc = merkle_range_build(&a->hasher, &range, b->nodes, &b->old_edge, b->leaves, b->nfresh);
	if (rc) {
		abandon(a, rc);
		return;
	}
	merkle_range_edge(&b->edge, &range);
	b->nroots = append_roots_needed(b->roots, head->size, head->size + b->nfresh);
	b->roots_read = 0;
	read_roots(a);
}

/* ---- deciding ---- */

/* DESIGN §12 "open quota 0, demo 1,000 an issuer a day", counted under the head lock, so no two workers can both use
 * the last one. */
static bool within_quota(struct append *a, const struct job *job)
{
	struct batch_txn *b = &a->batch;
	size_t i = append_issuer_index(b, job->issuer);

	if (b->state.quota_counts[i] + b->issuer_added[i] >= a->config.open_quota)
		return false;
	b->issuer_added[i]++;
	return true;
}

static void decide(struct append *a)
{
	struct batch_txn *b = &a->batch;
	size_t kept = 0;

	append_mark_found(a);
	b->nfresh = 0;
	for (size_t i = 0; i < b->count; i++) {
		struct job *job = b->jobs[i];

		if (job->logged) {
			TAILQ_INSERT_TAIL(&a->duplicates, job, link);
		} else if (!within_quota(a, job)) {
			append_answer_error(a, job, -EDQUOT);
			append_job_free(job);
		} else {
			b->fresh[b->nfresh++] = job;
			b->jobs[kept++] = job;
		}
	}
	b->count = kept;
}

static void on_asked(struct pg_op *op)
{
	struct append *a = op->arg;

	if (op->err || a->closing) {
		abandon(a, op->err);
		append_settle(a);
		return;
	}
	decide(a);
	if (a->batch.nfresh) {
		build(a);
	} else {
		pg_txn_rollback(a->batch.txn);
		end(a);
	}
	append_fetch_duplicates(a);
	append_settle(a);
}

/* Jobs are chosen only now: what came while another writer held the head goes into this transaction, not the next. */
static void on_locked(struct pg_op *op)
{
	struct append *a = op->arg;
	struct batch_txn *b = &a->batch;
	struct store_append_ask ask = {.uids = (const uint8_t(*)[32])b->uids, .issuers = b->issuers};
	int rc = op->err;

	FAILPOINT("append.locked");
	if (!rc && (a->closing || TAILQ_EMPTY(&a->queue)))
		rc = -ECANCELED;
	if (!rc) {
		append_take_jobs(a);
		append_list_issuers(b);
		ask.nentries = ask.nuids = b->count;
		ask.nissuers = b->nissuers;
		b->op = (struct pg_op){.on_done = on_asked, .arg = a};
		rc = store_append_ask_locked(b->txn, &b->op, &b->state, &ask);
	}
	if (rc)
		abandon(a, rc);
	append_settle(a);
}

void append_begin(struct append *a)
{
	static const struct store_append_ask nothing;
	struct batch_txn *b = &a->batch;
	int rc;

	if (a->closing || TAILQ_EMPTY(&a->queue))
		return;
	rc = pg_txn_begin(a->config.writer, &b->txn);
	if (rc) {
		b->txn = NULL;
		a->retry_at = append_now_ms() + RETRY_MS;
		return;
	}
	memset(&b->state, 0, sizeof(b->state));
	b->op = (struct pg_op){.on_done = on_locked, .arg = a};
	rc = store_append_lock(b->txn, &b->op, &b->state, &nothing);
	if (rc)
		abandon(a, rc);
}
