/*
 * The completeness map: nodes kept copy-on-write by their hash, roots by log size, and per subject the state of its
 * sub-log. DESIGN 5.5; formats.md 6. Writing belongs in the transaction that appends the index head: the functions
 * that take a pg_txn only queue, and a failure of theirs fails the commit.
 */
#pragma once

#include "sql/pg.h"

#define STORE_SUBJECT_EDGE_MAX 64
#define STORE_MAP_NODE_BYTES 65

/* What the publisher has to fold in: entries of every kind but index, ascending by seq. */
struct store_news {
	size_t n;
	PGresult *res; /* private */
};

struct store_news_entry {
	uint64_t seq;
	struct pg_bytes subject; /* key text, borrowed */
	uint8_t leaf[32];
};

/* Entries in [from, below), at most limit of them (1 to 100000). */
int store_news(struct pg_conn *conn, struct pg_op *op, struct store_news *out, uint64_t from, uint64_t below,
	       unsigned limit) PG_MUST_CHECK;
/* Returns 0 or -EPROTO. */
int store_news_get(const struct store_news *news, struct store_news_entry *out, size_t i) PG_MUST_CHECK;
void store_news_clear(struct store_news *news);

/* A subject's sub-log as of the last index head. */
struct store_subject {
	struct pg_bytes key; /* key text */
	uint64_t count;
	uint64_t indexed_size; /* size of the log its count speaks of: N of the head that last changed it */
	uint8_t edge[STORE_SUBJECT_EDGE_MAX][32]; /* right edge of the sub-log, largest subtree first */
	size_t nedge;
};

struct store_subjects {
	size_t n;      /* those that exist */
	PGresult *res; /* private */
};

int store_subjects(struct pg_conn *conn, struct pg_op *op, struct store_subjects *out, const struct pg_bytes *keys,
		   size_t n) PG_MUST_CHECK;
/* The i-th found, ascending by key bytes; key borrows from the list. Returns 0 or -EPROTO. */
int store_subjects_get(const struct store_subjects *list, struct store_subject *out, size_t i) PG_MUST_CHECK;
void store_subjects_clear(struct store_subjects *list);

/* Sub-log of one subject over the entries before `below`: seq and leaf, ascending; read with store_news_get(). From seq
 * `from`, at most limit (1 to 100000). */
int store_subject_leaves(struct pg_conn *conn, struct pg_op *op, struct store_news *out, struct pg_bytes key,
			 uint64_t from, uint64_t below, unsigned limit) PG_MUST_CHECK;
/* Number of entries of the subject before `below`, every kind but index. */
int store_subject_count(struct pg_conn *conn, struct pg_op *op, uint64_t *count, struct pg_bytes key,
			uint64_t below) PG_MUST_CHECK;

/* In the publishing transaction: queue only. n may be 0. */
int store_subjects_put(struct pg_txn *txn, const struct store_subject *subjects, size_t n) PG_MUST_CHECK;
/*
 * Hashes are n × 32 bytes end to end, bodies n × 65. Nodes that exist already are left alone: the same hash is the
 * same body.
 */
int store_map_nodes_put(struct pg_txn *txn, const void *hashes, const void *bodies, size_t n) PG_MUST_CHECK;
/* Map root over the entries before `size`. */
int store_map_head_put(struct pg_txn *txn, uint64_t size, const uint8_t root[static 32]) PG_MUST_CHECK;

struct store_map_node {
	uint8_t hash[32];
	uint8_t body[STORE_MAP_NODE_BYTES]; /* kind 0x02 or 0x03, then 64 bytes */
};

/* nodes: caller memory for n; *nfound get filled, in any order. */
int store_map_nodes(struct pg_conn *conn, struct pg_op *op, struct store_map_node *nodes, size_t *nfound,
		    const void *hashes, size_t n) PG_MUST_CHECK;
/*
 * The nodes met on the way from `root` down by the bits of key, most significant first, root first, ending in a leaf
 * (kind 0x02: this key's or another's) or in an inner node whose branch is empty. nodes: caller memory for 257.
 * *nfound 0 for the empty map; -EPROTO if a node is missing.
 */
int store_map_path(struct pg_conn *conn, struct pg_op *op, struct store_map_node *nodes, size_t *nfound,
		   const uint8_t root[static 32], const uint8_t key[static 32]) PG_MUST_CHECK;

/* Map root over the entries before exactly `size`. */
int store_map_head(struct pg_conn *conn, struct pg_op *op, uint8_t root[static 32], uint64_t size) PG_MUST_CHECK;
