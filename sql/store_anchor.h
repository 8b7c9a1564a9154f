/*
 * Anchoring: every raw transaction is stored before it is broadcast, with everything a sender needs to go on after a
 * restart; and which sizes the contract holds. DESIGN 6. `fence` may be NULL (store_duty.h).
 */
#pragma once

#include "sql/store.h"

#define STORE_RAW_MAX 8192

/* One signed transaction. Fees are wei; `outcome` is the sender's own word, "" while unfinished. */
struct store_attempt {
	uint8_t hash[32]; /* of the transaction */
	uint8_t contract[20];
	uint8_t sender[20];
	uint64_t chain_id;
	uint64_t nonce;
	uint64_t size; /* what it anchors, and its root */
	uint8_t root[32];
	uint64_t old_size; /* contract head it extends */
	uint64_t max_fee;  /* maxFeePerGas, wei */
	uint64_t max_priority_fee;
	uint64_t gas;
	uint64_t created;
	uint64_t updated; /* when the outcome was set, or created */
	char outcome[33];
	size_t raw_len;
	uint8_t raw[STORE_RAW_MAX];
};

/* The same hash again is no error and changes nothing. */
int store_attempt_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
		      const struct store_attempt *attempt) PG_MUST_CHECK;
/* outcome: at most 32 bytes, not empty. -ENOENT: no such attempt. */
int store_attempt_finish(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
			 const uint8_t hash[static 32], const char *outcome, uint64_t at) PG_MUST_CHECK;

struct store_attempts {
	size_t n;
	PGresult *res; /* private */
};

/*
 * Unfinished ones of a sender on a chain, by nonce, then created: those above every finished nonce. One at or below it was stored
 * by a holder that never heard so, and its nonce is decided.
 */
int store_attempts_unfinished(struct pg_conn *conn, struct pg_op *op, struct store_attempts *out, uint64_t chain_id,
			      const uint8_t sender[static 20]) PG_MUST_CHECK;
/* Returns 0 or -EPROTO. */
int store_attempts_get(const struct store_attempts *list, struct store_attempt *out, size_t i) PG_MUST_CHECK;
void store_attempts_clear(struct store_attempts *list);

/* When the newest attempt was created, finished ones included; 0 if there is none. */
int store_attempt_last(struct pg_conn *conn, struct pg_op *op, uint64_t *created, uint64_t chain_id,
		       const uint8_t sender[static 20]) PG_MUST_CHECK;

enum store_anchor_level {
	STORE_ANCHOR_LATEST = 1, /* the block was only latest */
	STORE_ANCHOR_SAFE = 2,
	STORE_ANCHOR_FINAL = 3,
};

struct store_anchor {
	uint64_t size;
	uint8_t root[32];
	uint64_t block_number; /* block at which roots[size] was read */
	uint8_t block_hash[32];
	enum store_anchor_level level;
	bool has_tx; /* false: someone else anchored it */
	uint8_t tx[32];
	uint64_t at;
};

/* Inserts, or raises that size to the level and block given; a lower level than the stored one changes nothing but tx. -EEXIST: another root is stored for it. Notifies kedge_anchor.
 */
int store_anchor_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
		     const struct store_anchor *anchor) PG_MUST_CHECK;
/* Takes an anchor back after a reorganisation. -ENOENT. Notifies kedge_anchor. */
int store_anchor_drop(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
		      uint64_t size) PG_MUST_CHECK;
/* The largest at or above a level. */
int store_anchor_latest(struct pg_conn *conn, struct pg_op *op, struct store_anchor *out,
			enum store_anchor_level level) PG_MUST_CHECK;
/* The largest with size > seq at or above a level: its checkpoint is store_checkpoint_at(size). */
int store_anchor_covering(struct pg_conn *conn, struct pg_op *op, struct store_anchor *out, uint64_t seq,
			  enum store_anchor_level level) PG_MUST_CHECK;

struct store_anchors {
	size_t n;
	PGresult *res; /* private */
};

/* Those with size below `below` (UINT64_MAX: all), descending, at most limit (1 to 1000). */
int store_anchors(struct pg_conn *conn, struct pg_op *op, struct store_anchors *out, uint64_t below,
		  unsigned limit) PG_MUST_CHECK;
/* Those whose level is below final, ascending by size: what the follower has to raise. */
int store_anchors_rising(struct pg_conn *conn, struct pg_op *op, struct store_anchors *out) PG_MUST_CHECK;
int store_anchors_get(const struct store_anchors *list, struct store_anchor *out, size_t i) PG_MUST_CHECK;
void store_anchors_clear(struct store_anchors *list);
