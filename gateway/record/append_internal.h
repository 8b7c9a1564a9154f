/* Shared by the files of the append engine. Private to the record. */
#pragma once

#include "gateway/record/append.h"
#include "gateway/record/append_build.h"
#include "sql/store_checkpoint.h"
#include "sql/store_log.h"
#include <sys/queue.h>

/* State is membership of a list: queued -> batch (in its transaction) -> waiting batch or duplicates -> answered and
 * freed. */
struct job {
	TAILQ_ENTRY(job) link; /* in append.queue or append.duplicates */
	struct job *twins;     /* same uid in the same batch, later ones; linked by next_twin */
	struct job *next_twin;
	append_on_done *on_done; /* NULL: answered already, only the entry is still of interest */
	void *arg;
	int64_t deadline;
	int64_t submitted;
	bool duplicate;
	bool maybe_committed; /* a commit of it was sent and not answered, planned at seq */
	bool logged;
	uint64_t seq;
	struct append *append;
	uint8_t uid[32], payload_hash[32];
	char issuer[AGENT_KEY_TEXT_SIZE], subject[AGENT_KEY_TEXT_SIZE];
	char *payload;
	size_t payload_len;
	char line[ENTRY_LINE_MAX];
	size_t line_len;
	struct merkle_hash leaf;
	struct admission admission;
};

TAILQ_HEAD(job_list, job);

/* A committed batch that no checkpoint covers yet: jobs[i] is the entry old_size + i. */
struct wait_batch {
	STAILQ_ENTRY(wait_batch) link;
	uint64_t old_size;
	struct merkle_edge edge; /* at old_size */
	size_t count;
	struct job *jobs[];
};

STAILQ_HEAD(wait_list, wait_batch);

/* The transaction under way; its arrays live in the engine, since there is one at a time. */
struct batch_txn {
	struct pg_txn *txn; /* NULL: idle */
	struct pg_op op;
	size_t count;			    /* jobs taken, twins left out */
	struct job *jobs[APPEND_BATCH_MAX]; /* in order of arrival */
	uint8_t uids[APPEND_BATCH_MAX][32];
	size_t nissuers;
	struct pg_bytes issuers[APPEND_BATCH_MAX];
	uint64_t issuer_added[APPEND_BATCH_MAX];
	struct store_append_state state;
	size_t nfresh;
	struct job *fresh[APPEND_BATCH_MAX];
	uint64_t at;
	struct append_roots roots[APPEND_LEVELS];
	size_t nroots, roots_read;
	struct merkle_hash leaves[APPEND_BATCH_MAX];
	struct append_tile tiles[APPEND_TILES_MAX];
	struct store_new_tile new_tiles[APPEND_TILES_MAX];
	struct store_new_entry entries[APPEND_BATCH_MAX];
	struct store_quota_add quotas[APPEND_BATCH_MAX];
	struct merkle_hash nodes[MERKLE_RANGE_NODES(APPEND_BATCH_MAX)];
	struct merkle_edge old_edge, edge;
};

struct append {
	struct append_config config;
	struct merkle_hasher hasher;
	struct event *flush; /* starts a batch at the end of the loop's turn */
	struct event *tick;  /* deadlines, and the look for checkpoints where no hint comes */
	struct job_list queue;
	struct wait_list waiting;
	struct job_list duplicates;
	size_t queued, unanswered, fetching;
	int64_t retry_at; /* after a failed transaction */
	bool closing;	  /* append_free was called; freed when nothing of it is under way */
	bool looking, look_again;
	struct pg_op look_op;
	struct store_checkpoint checkpoint; /* of the last look */
	uint64_t covered;		    /* size of the newest checkpoint seen */
	uint64_t hinted;		    /* size of the newest checkpoint heard of */
	struct merkle_hash *gap;	    /* leaves from the oldest waiting batch up to the checkpoint */
	struct merkle_edge gap_edge;
	size_t gap_count;
	struct batch_txn batch;
	struct append_stats stats;
};

int64_t append_now_ms(void);
/* Calls on_done once; later calls do nothing. Twins follow with duplicate set. */
void append_answer(struct append *a, struct job *job, const struct append_outcome *outcome);
void append_answer_error(struct append *a, struct job *job, int err);
void append_job_free(struct job *job);
void append_flush_soon(struct append *a);
/* The last thing a completion does: a may be gone afterwards. */
void append_settle(struct append *a);

/* append_txn.c: begins a transaction over the queue's head, if none is under way. */
void append_begin(struct append *a);

/* append_take.c */
/* Moves up to a batch of jobs from the queue; one whose uid is there already becomes its twin. */
void append_take_jobs(struct append *a);
/* The batch's distinct issuers, sorted; and where one stands. */
void append_list_issuers(struct batch_txn *b);
size_t append_issuer_index(const struct batch_txn *b, const char *issuer);
/* Strict dedup: marks jobs whose uid the lock found in the log as logged there: duplicates, or our own lost commit if
 * they stand where we had planned them. */
void append_mark_found(struct append *a);

/* append_cover.c */
void append_look(struct append *a);
void append_fetch_duplicates(struct append *a);
void append_expire(struct append *a, int64_t now);
