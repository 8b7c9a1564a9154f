/*
 * The notary's place and its questions: which agents the log knows, and what became final about them since it was last
 * logged. Migration 0002. One writer (duty "notary", fenced).
 *
 * Entries are appended as everybody does (store_log.h): their uid is unique, so after a crash between an append and
 * store_notary_progress() they are found again, not logged twice. Entries to look at (kind 'attestation' and others,
 * with line, issuer and subject) are read with store_entries() by seq.
 *
 * "Final" is chain_index.final_number of the registry's chain, or registry.indexed where that is less (a registry that
 * was added later and has not caught up), read in the same statement.
 */
#pragma once

#include "sql/store_identity.h"

struct store_notary_place {
	uint64_t seq;	  /* entries before it were looked at for agents to know */
	uint64_t checked; /* attestations before it had their block compared with the finalized chain */
};
/* Both 0 if it was never set. */
int store_notary_place(struct pg_conn *conn, struct pg_op *op, struct store_notary_place *out) PG_MUST_CHECK;

struct store_known {
	struct pg_bytes key; /* key text of the agent */
	uint32_t registry;   /* the identity registry's id */
	uint8_t agent_id[32];
	int64_t logged;	    /* last final block whose identity facts were logged; -1: none */
	int64_t feedback;   /* the same of feedback */
	bool news;	    /* reading: final states newer than `logged` */
	bool feedback_news; /* reading: final feedback events newer than `feedback` */
};
struct store_knowns {
	struct store_known *rows;
	size_t n;
	PGresult *res;
};
void store_knowns_clear(struct store_knowns *list);

/*
 * In one fenced statement: the place (NULL: stays), new agents (those known already stay as they are; logged and
 * feedback as given, usually -1) and progress of known ones by key (logged and feedback only ever rise; unknown keys
 * are ignored). -ESTALE.
 */
int store_notary_progress(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
			  const struct store_notary_place *place, const struct store_known *added, size_t nadded,
			  const struct store_known *moved, size_t nmoved) PG_MUST_CHECK;

/* Which ReputationRegistry (id in `registry`) holds the feedback on agents of an identity registry. */
struct store_reputation {
	uint32_t identity, reputation;
};

/* Known agents with news of either kind, by key, those with key > after (data NULL: from the first), at most limit (1
 * to 1000). nreputations 0: feedback is not asked for. */
int store_known_news(struct pg_conn *conn, struct pg_op *op, struct store_knowns *out,
		     const struct store_reputation *reputations, size_t nreputations, struct pg_bytes after,
		     unsigned limit) PG_MUST_CHECK;
/* One by key. -ENOENT. */
int store_known_get(struct pg_conn *conn, struct pg_op *op, struct store_knowns *out,
		    struct pg_bytes key) PG_MUST_CHECK;

/* Final states of an agent with number > after (-1: all), ascending, at most limit (1 to 1000); store_states_clear().
 */
int store_states_final(struct pg_conn *conn, struct pg_op *op, struct store_states *out, uint32_t registry,
		       const uint8_t agent_id[static 32], int64_t after, unsigned limit) PG_MUST_CHECK;
/*
 * Final feedback events on an agent (kinds 16 to 18 of that reputation registry) with number > after, ascending, about
 * limit (1 to 1000): the last block is always whole, so that its number is the progress. store_events_clear().
 */
int store_feedback_final(struct pg_conn *conn, struct pg_op *op, struct store_events *out, uint32_t reputation,
			 const uint8_t agent_id[static 32], int64_t after, unsigned limit) PG_MUST_CHECK;

/*
 * Those of the blocks that the index keeps and that are final, ascending, each once. A final block in which nothing
 * happened is not kept: absence says nothing. store_index_blocks_clear().
 */
int store_blocks_final(struct pg_conn *conn, struct pg_op *op, struct store_index_blocks *out, uint64_t chain_id,
		       const uint64_t *numbers, size_t n) PG_MUST_CHECK;
