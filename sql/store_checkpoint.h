/*
 * Signed checkpoints. A commit checkpoint exists for any size the signer has signed; a published one is a commit
 * checkpoint that was also entered in `published` and has an index head as its last leaf (formats.md 5). Rows are
 * only ever inserted.
 */
#pragma once

#include "sql/store.h"

#define STORE_NOTE_MAX 8192

struct store_checkpoint {
	uint64_t size;
	uint8_t root[32];
	uint64_t at; /* when it was signed, or published for the _published functions */
	size_t note_len;
	char note[STORE_NOTE_MAX]; /* the signed note, not zero-terminated */
};

/* The same size again is no error if the root is the same; -EEXIST if another root is stored for that size. Notifies
 * kedge_checkpoint. */
int store_checkpoint_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
			 const struct store_checkpoint *checkpoint) PG_MUST_CHECK;

/*
 * The same without waiting for the disk (synchronous_commit off for this row alone): a crash of PostgreSQL may lose it.
 * For a checkpoint that nothing has to find again: what it signs is durable before, and who holds it can check it.
 */
int store_checkpoint_put_soon(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
			      const struct store_checkpoint *checkpoint) PG_MUST_CHECK;

/* The largest. -ENOENT: none yet. */
int store_checkpoint_latest(struct pg_conn *conn, struct pg_op *op, struct store_checkpoint *out) PG_MUST_CHECK;
/* The one of exactly this size. */
int store_checkpoint_at(struct pg_conn *conn, struct pg_op *op, struct store_checkpoint *out,
			uint64_t size) PG_MUST_CHECK;
/* The largest that covers seq (size > seq). */
int store_checkpoint_covering(struct pg_conn *conn, struct pg_op *op, struct store_checkpoint *out,
			      uint64_t seq) PG_MUST_CHECK;

/* Publishes the commit checkpoint of this size; again is no error. -ENOENT: not signed yet. Notifies kedge_published.
 */
int store_published_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
			uint64_t size) PG_MUST_CHECK;
int store_published_latest(struct pg_conn *conn, struct pg_op *op, struct store_checkpoint *out) PG_MUST_CHECK;
/* The largest published one with size > seq. */
int store_published_covering(struct pg_conn *conn, struct pg_op *op, struct store_checkpoint *out,
			     uint64_t seq) PG_MUST_CHECK;
