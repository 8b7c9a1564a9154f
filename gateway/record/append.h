/*
 * The group commit of one worker: items queue, one transaction at a time takes up to 1,024 of them (DESIGN §5.4).
 *
 *   idle -> lock head -> strict dedup (log and batch) -> entries, leaves, edge, tiles -> insert, COMMIT -> checkpoint
 * -> answer
 *
 * A batch leaves as soon as no other one is in its transaction; while it waits for its checkpoint the next one may
 * commit. An answer is given only for what a signed checkpoint covers. An outcome that got lost with the connection is
 * settled under the next head lock by looking for the uids: the lock is granted only when the lost transaction has
 * ended, so what is not there then never will be.
 *
 * One loop, one thread. The engine owns the writer's transactions: nothing else may begin one there. The worker's
 * LISTEN feeds append_checkpoint_hint(); without hints the engine polls.
 */
#pragma once

#include "anchor/entry.h"
#include "gateway/record/admission.h"
#include "gateway/record/attestation.h"
#include "gateway/record/receipt.h"
#include "gateway/record/typed.h"
#include "sql/pg.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define APPEND_BATCH_MAX 1024u

struct append;

struct append_config {
	struct event_base *base;
	struct pg_conn *writer;
	struct pg_conn *reader;
	uint64_t open_quota;  /* new attestations an issuer may log a UTC day; 0: none at all */
	size_t queue_max;     /* items accepted and not yet in a transaction; 0: 8,192 */
	unsigned deadline_ms; /* of an item, from append_submit to its answer; 0: 8,000 */
	unsigned poll_ms;     /* between looks for a checkpoint while one is waited for; 0: 100 */
};

/* -EINVAL, -ENOMEM. The connections must outlive the engine. */
__attribute__((warn_unused_result)) int append_new(struct append **out, const struct append_config *config);

/* Answers everything still waiting with -ECANCELED (an item may be logged all the same). NULL is fine. Not from a
 * callback. */
void append_free(struct append *append);

/*
 * How an item ended. err:
 *   0            logged and covered; parts is its receipt at `logged` (duplicate: that of the original)
 *   -EDQUOT      the issuer's open quota for this UTC day is used up; nothing stored
 *   -ETIMEDOUT   the deadline came first: not logged, or logged and not yet signed (`logged` tells); repeating the item
 * is safe -EAGAIN, -EIO, -EPROTO, -ECANCELED  the store failed; repeating the item is safe
 */
struct append_outcome {
	int err;
	bool duplicate;
	bool logged;
	uint64_t seq;			   /* if logged */
	const struct receipt_parts *parts; /* if err is 0; borrowed during the callback */
};

typedef void append_on_done(void *arg, const struct append_outcome *outcome);

/* What an entry and its receipt are made of. The texts are copied; payload is taken over on success (free(3) by the
 * engine). */
struct append_item {
	uint8_t uid[32];
	uint8_t payload_hash[32];
	char *payload;
	size_t payload_len;
	const char *issuer;  /* key text */
	const char *subject; /* key text */
	const struct admission *admission;
};

/* From a checked submission. The payload stays with content unless append_submit succeeds: then call
 * typed_content_release. */
void append_item_make(struct append_item *item, const struct submission *s, struct typed_content *content,
		      const struct admission *admission);

/*
 * Queues an item. on_done runs exactly once, from the loop, never within this call.
 * -EAGAIN: the queue is full (503); -ENOMEM; -EINVAL: a text no entry can hold.
 */
__attribute__((warn_unused_result)) int append_submit(struct append *append, const struct append_item *item,
						      append_on_done *on_done, void *arg);

/* A checkpoint of that size exists (NOTIFY kedge_checkpoint); 0: some may (after a reconnect). */
void append_checkpoint_hint(struct append *append, uint64_t size);

struct append_stats {
	size_t queued;	/* not yet in a transaction */
	size_t waiting; /* committed, not yet covered */
	uint64_t transactions, entries, duplicates, retries, deadlines;
};
void append_stats(const struct append *append, struct append_stats *out);
