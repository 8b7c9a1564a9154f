/*
 * The log: head, entries, payloads, evidence, tiles. DESIGN 5.4; formats.md 4 and 5.
 *
 * An append is one transaction of two round trips, or three where what to append is chosen under the lock:
 *   pg_txn_begin(), store_append_lock(), [store_append_ask_locked()], [store_duty_fence()] ... the caller decides ...,
 *   store_append_commit().
 * The lock orders all writers; everything read after it in the transaction is current.
 */
#pragma once

#include "sql/pg.h"

#define STORE_EDGE_MAX 64
#define STORE_TILE_HASHES 256
#define STORE_TILE_BYTES 8192

/* The log's head. edge: roots of the perfect subtrees of `size` leaves, largest first, one a set bit of size. */
struct store_head {
	uint64_t size;
	uint8_t edge[STORE_EDGE_MAX][32];
	size_t nedge;
	uint64_t at;	     /* `at` of the last entry, 0 if none */
	uint64_t index_size; /* size just after the last index head, 0 if none, and its edge: what is to be published */
	uint8_t index_edge[STORE_EDGE_MAX][32];
	size_t nindex_edge;
	char origin[256];
};

/* Writes the empty head of a new log, or checks the existing one. -EEXIST: the database holds another origin's log. */
int store_head_create(struct pg_conn *conn, struct pg_op *op, const char *origin) PG_MUST_CHECK;
int store_head(struct pg_conn *conn, struct pg_op *op, struct store_head *out) PG_MUST_CHECK;

/* ---- append ---- */

struct store_append_ask {
	size_t nentries;  /* at most so many entries will be added */
	const void *uids; /* nuids × 32 bytes end to end: uint8_t (*)[32], struct merkle_hash *, ... */
	size_t nuids;
	const struct pg_bytes *issuers; /* distinct key texts whose count of today is asked */
	size_t nissuers;
};

struct store_found {
	uint8_t uid[32];
	uint64_t seq;
};

struct store_append_state {
	struct store_head head;
	uint64_t clock_ms;	   /* the database's clock, read after the lock was granted */
	uint64_t day;		   /* of the transaction's start: days since 1970 */
	struct store_found *found; /* which of the uids exist, any order */
	size_t nfound;
	/*
	 * Leaf hashes of the unfinished level-0 tile, from seq size - size % 256 up to size. Read only if size % 256 +
	 * nentries reaches 256, that is if this append may finish the tile; otherwise leaves is NULL.
	 */
	const uint8_t (*leaves)[32];
	size_t nleaves;
	uint64_t *quota_counts; /* in the order asked */
	PGresult *leaves_res;	/* private from here */
	struct pg_op *op;
	size_t nissuers;
};

/*
 * Locks the head and reads what an append needs. On failure the transaction must still be rolled back by the caller.
 * -ENOENT: store_head_create() was never called.
 */
int store_append_lock(struct pg_txn *txn, struct pg_op *op, struct store_append_state *out,
		      const struct store_append_ask *ask) PG_MUST_CHECK;
/*
 * The same questions under a head that is locked already by a store_append_lock() that asked nothing, so that what is
 * to be appended may be chosen when the lock has come. Adds to state, which that call filled. -EINVAL: nentries is 0.
 */
int store_append_ask_locked(struct pg_txn *txn, struct pg_op *op, struct store_append_state *state,
			    const struct store_append_ask *ask) PG_MUST_CHECK;
void store_append_state_clear(struct store_append_state *state);

/*
 * Roots of the complete tiles [first, first + n) of a level, in order: the hashes the next level's unfinished tile
 * starts with. Needed in an append only when (size + nentries) >> 16 exceeds size >> 16: one more round trip then.
 * -ENOENT if any is missing. out is caller memory for n hashes.
 */
int store_append_tile_roots(struct pg_txn *txn, struct pg_op *op, uint8_t (*out)[32], unsigned level, uint64_t first,
			    size_t n) PG_MUST_CHECK;

struct store_new_entry {
	const char *kind;	      /* "attestation", "index", ... */
	const uint8_t *uid;	      /* 32 bytes, NULL for index */
	struct pg_bytes issuer;	      /* data NULL where the kind has none */
	struct pg_bytes subject;      /* data NULL for index only */
	const uint8_t *leaf;	      /* 32 bytes */
	struct pg_bytes line;	      /* the entry */
	struct pg_bytes payload;      /* data NULL: none */
	const uint8_t *evidence_hash; /* 32 bytes, or NULL: none */
	struct pg_bytes evidence;     /* its body; stored once however often it is given */
	const uint64_t *erases;	      /* of an erasure: seq of the entry whose payload goes with it, or NULL */
};

struct store_new_tile {
	unsigned level;
	uint64_t index;
	const uint8_t *hashes; /* 8192 bytes */
	const uint8_t *root;   /* 32 bytes: the tile's one hash at the next level */
};

struct store_quota_add {
	struct pg_bytes issuer;
	uint64_t count;
};

struct store_append {
	uint64_t old_size; /* as locked; the first new entry's seq */
	uint64_t at;	   /* of all new entries */
	const struct store_new_entry *entries;
	size_t nentries;
	const struct store_new_tile *tiles; /* those this append completes */
	size_t ntiles;
	const void *edge; /* of old_size + nentries: nedge × 32 bytes end to end, largest subtree first */
	size_t nedge;
	bool ends_in_index;		      /* the last entry is an index head */
	const struct store_quota_add *quotas; /* distinct issuers; counted on the transaction's day */
	size_t nquotas;
};

/*
 * Writes the append, notifies kedge_head and commits. err 0: durable. -ECONNABORTED: unknown, read back by uid.
 * -EEXIST: a uid or seq exists (a uid twice in one append is the caller's mistake). A start that fails has rolled
 * back: in every case the transaction is over.
 */
int store_append_commit(struct pg_txn *txn, struct pg_op *op, const struct store_append *append) PG_MUST_CHECK;

/* ---- read ---- */

struct store_entry {
	uint64_t seq;
	uint64_t at;
	struct pg_bytes kind;
	struct pg_bytes uid; /* data NULL: none */
	struct pg_bytes issuer;
	struct pg_bytes subject;
	uint8_t leaf[32];
	struct pg_bytes line;
	struct pg_bytes payload; /* data NULL: none, or erased */
	struct pg_bytes evidence_hash;
	struct pg_bytes evidence;
	PGresult *res; /* private */
};

int store_entry_by_seq(struct pg_conn *conn, struct pg_op *op, struct store_entry *out, uint64_t seq) PG_MUST_CHECK;
int store_entry_by_uid(struct pg_conn *conn, struct pg_op *op, struct store_entry *out,
		       const uint8_t uid[static 32]) PG_MUST_CHECK;
void store_entry_clear(struct store_entry *entry);

/* Which of the uids (n × 32 bytes end to end) are in the log; found (caller memory for n) gets those, *nfound their
 * number. */
int store_uids(struct pg_conn *conn, struct pg_op *op, struct store_found *found, size_t *nfound, const void *uids,
	       size_t n) PG_MUST_CHECK;

/* A list of entries, ascending or descending by seq. */
struct store_entries {
	size_t n;
	PGresult *res; /* private */
};

struct store_entries_filter {
	struct pg_bytes subject; /* data NULL: any */
	struct pg_bytes issuer;	 /* data NULL: any */
	struct pg_bytes kind;	 /* data NULL: any */
	uint64_t from;		 /* seq in [from, below) */
	uint64_t below;
	bool descending;
	unsigned limit;	   /* 1 to 1000, else -EINVAL */
	bool with_payload; /* payload and evidence too */
};

int store_entries(struct pg_conn *conn, struct pg_op *op, struct store_entries *out,
		  const struct store_entries_filter *filter) PG_MUST_CHECK;
/* The i-th; borrows from list, so store_entry_clear() is not to be called on it. Returns 0 or -EPROTO. */
int store_entries_get(const struct store_entries *list, struct store_entry *out, size_t i) PG_MUST_CHECK;
void store_entries_clear(struct store_entries *list);

/* Leaf hashes of entries [first, first + n) into out (caller memory for n). -ENOENT if any is missing. */
int store_leaves(struct pg_conn *conn, struct pg_op *op, uint8_t (*out)[32], uint64_t first, size_t n) PG_MUST_CHECK;

/* Entry lines of [first, first + n): fewer, if the log is shorter. */
struct store_lines {
	size_t n;
	PGresult *res; /* private */
};

int store_lines(struct pg_conn *conn, struct pg_op *op, struct store_lines *out, uint64_t first,
		size_t n) PG_MUST_CHECK;
struct pg_bytes store_lines_get(const struct store_lines *lines, size_t i);
void store_lines_clear(struct store_lines *lines);

/*
 * Hashes of tiles: complete ones from where they are stored, unfinished ones computed from the leaves or the tiles
 * below. `hashes` gets what exists now, which may be more than the size a caller proves at: it takes the first ones.
 */
struct store_tile {
	unsigned level;		     /* in */
	uint64_t index;		     /* in */
	const uint8_t (*hashes)[32]; /* out; NULL if nhashes is 0 */
	size_t nhashes;		     /* out: 0 to 256 */
};

struct store_tiles {
	struct store_tile *tiles;
	size_t n;
	PGresult *res; /* private */
	struct pg_op *op;
};

/* Fills tiles[0..n) in one round trip; set levels and indexes before. n at most 64. */
int store_tiles(struct pg_conn *conn, struct pg_op *op, struct store_tiles *out, struct store_tile *tiles,
		size_t n) PG_MUST_CHECK;
void store_tiles_clear(struct store_tiles *tiles);
