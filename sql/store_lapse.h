/*
 * Links of participants with agents that ended by a change of owner: what the duty "participants" logs as lapses. Only what is final counts, in
 * blocks the registry's index has come to, and never while an alarm stands.
 */
#pragma once

#include "sql/store.h"

/* How far each registry's history is final and complete. */
struct store_lapse_reach {
	uint32_t registry;
	uint64_t chain_id;
	uint8_t address[20];
	uint64_t number;
	bool alarm; /* of the chain: nothing that is stored is an answer */
};
struct store_lapse_reaches {
	struct store_lapse_reach *rows;
	size_t n;
	PGresult *res; /* private */
};
int store_lapse_reach(struct pg_conn *conn, struct pg_op *op, struct store_lapse_reaches *out) PG_MUST_CHECK;
void store_lapse_reaches_clear(struct store_lapse_reaches *list);

/* A link, and the first block after the consent in which its agent had another owner; in a list of all links, also the last row that was
 * looked at, whether or not it lapsed. */
struct store_lapse {
	struct pg_bytes key, handle;
	uint64_t chain_id;
	uint8_t registry[20], agent_id[32];
	uint64_t seq; /* of the entry that made the link */
	bool lapsed;
	uint8_t owner[20];
	uint64_t number;
	uint8_t hash[32];
};
struct store_lapses {
	struct store_lapse *rows;
	size_t n;
	PGresult *res; /* private */
};
void store_lapses_clear(struct store_lapses *list);

/* Those by states of one registry in blocks (after, upto], in their order; a link may come more than once. At most limit (1 to 1000). */
int store_lapses_since(struct pg_conn *conn, struct pg_op *op, struct store_lapses *out, uint32_t registry, uint64_t after, uint64_t upto,
		       unsigned limit) PG_MUST_CHECK;
/* Those among the next `limit` (1 to 1000) links after one (NULL: from the first), by key, chain, registry and agent. No rows: that was all. */
int store_lapses_among(struct pg_conn *conn, struct pg_op *op, struct store_lapses *out, const struct store_lapse *after,
		       unsigned limit) PG_MUST_CHECK;
