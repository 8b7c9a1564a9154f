/*
 * Participants, the tables that say what is linked with whom, and the queue to the duty that writes. Migration 0007. One writer
 * (duty "participants", fenced) but for the queue. Times are milliseconds since 1970, chain ids below 2^63.
 */
#pragma once

#include "sql/store.h"

/* ---- reading ---- */

struct store_participant {
	struct pg_bytes key;	/* "urn:kedge:p:…" */
	struct pg_bytes handle; /* lower case */
	uint64_t claimed, created; /* seq and time of its first entry */
	uint64_t seq, at;	   /* of its last */
	uint64_t entries;
	struct pg_bytes state; /* as written by store_participant_put() */
};

/* By handle, and whether it was ever claimed: `live` with a row, else `claimed_once` says that it was erased. */
struct store_participant_found {
	bool live, claimed_once;
	struct store_participant row;
	uint64_t log_size; /* entries in the log, of the same instant */
	PGresult *res;	   /* private */
};
/* claimed: the handle's hash. Always answers: -ENOENT never. */
int store_participant_find(struct pg_conn *conn, struct pg_op *op, struct store_participant_found *out, struct pg_bytes handle,
			   const uint8_t claimed[static 32]) PG_MUST_CHECK;
void store_participant_found_clear(struct store_participant_found *found);

struct store_participants {
	struct store_participant *rows;
	size_t n;
	PGresult *res; /* private */
};
void store_participants_clear(struct store_participants *list);

enum store_participant_by { STORE_PARTICIPANT_ALL, STORE_PARTICIPANT_ACCOUNT, STORE_PARTICIPANT_AGENT };
struct store_participant_filter {
	enum store_participant_by by;
	uint64_t chain_id;	 /* of ACCOUNT and AGENT; of an account UINT64_MAX: on whichever chain */
	uint8_t address[20];	 /* of the account, or the agent's registry */
	uint8_t agent_id[32];	 /* of AGENT */
	struct pg_bytes after;	 /* handles above it; data NULL: from the first */
	unsigned limit;		 /* 1 to 1000 */
};
/* Ascending by handle. With AGENT: whoever linked it, whether or not that still holds. */
int store_participants(struct pg_conn *conn, struct pg_op *op, struct store_participants *out,
		       const struct store_participant_filter *filter) PG_MUST_CHECK;

/* Which of the messages (n hashes end to end) counted, and for which entry of whom. */
struct store_participant_message {
	uint8_t hash[32];
	struct pg_bytes key;
	uint64_t seq;
};
struct store_participant_messages {
	struct store_participant_message *rows;
	size_t n;
	PGresult *res; /* private */
};
int store_participant_messages(struct pg_conn *conn, struct pg_op *op, struct store_participant_messages *out, const void *hashes,
			       size_t n) PG_MUST_CHECK;
void store_participant_messages_clear(struct store_participant_messages *list);

/* Keys of participants in the log, after `after` (data NULL: from the first), ascending: the subjects of alias and link entries, erased
 * ones too. store_participants_clear(); only `key` is set. */
int store_participant_keys(struct pg_conn *conn, struct pg_op *op, struct store_participants *out, struct pg_bytes after,
			   unsigned limit) PG_MUST_CHECK;

/* What a claim is held against. */
struct store_participant_claim {
	bool taken, claimed_once;
	bool has_another; /* the account has claimed a live handle */
	uint64_t today;	  /* handles claimed since midnight UTC, by the database's clock */
};
int store_participant_claim(struct pg_conn *conn, struct pg_op *op, struct store_participant_claim *out, struct pg_bytes handle,
			    const uint8_t claimed[static 32], uint64_t chain_id, const uint8_t address[static 20]) PG_MUST_CHECK;

/* ---- writing, in the transaction of an append ---- */

struct store_participant_account {
	uint64_t chain_id;
	uint8_t address[20];
	bool controller, contract;
	uint64_t safe_number, latest_number; /* where contract */
	uint8_t safe_hash[32], latest_hash[32];
	uint64_t seq;
};
struct store_participant_agent {
	uint64_t chain_id;
	uint8_t registry[20], agent_id[32], owner[20];
	bool owner_signed;
	uint64_t safe_number, latest_number;
	uint8_t safe_hash[32], latest_hash[32];
	uint64_t seq;
};
struct store_participant_foreign {
	struct pg_bytes did;
	uint64_t seq;
};

/* All there is about one, in place of what there was. */
struct store_participant_put {
	struct store_participant row;
	uint64_t claimant_chain;
	uint8_t claimant[20];
	const struct store_participant_account *accounts;
	size_t naccounts;
	const struct store_participant_agent *agents;
	size_t nagents;
	const struct store_participant_foreign *foreign;
	size_t nforeign;
	const void *messages;	       /* hashes end to end of messages that count for... */
	const uint64_t *messages_seqs; /* ...these entries; added to those there are */
	size_t nmessages;
	const uint8_t *claims; /* the hash of the handle that is claimed now, or NULL; -EEXIST at commit if it was before */
};
int store_participant_put(struct pg_txn *txn, const struct store_participant_put *put) PG_MUST_CHECK;
/* Everything of one goes, its claims (store_link.h) too, but not that its handle was claimed. */
int store_participant_remove(struct pg_txn *txn, struct pg_bytes key) PG_MUST_CHECK;
/* Everything of all goes, but the claimed handles, the queue and what came of links: what begins a rebuild. */
int store_participant_remove_all(struct pg_txn *txn) PG_MUST_CHECK;
/* The handle of a participant that is rebuilt: claimed at `at`, if that is not known already. Done when all that was queued before is. */
int store_participant_keep_claimed(struct pg_txn *txn, struct pg_op *op, const uint8_t claimed[static 32], uint64_t at) PG_MUST_CHECK;
/* Commits a rebuild. The transaction is over, whatever is returned. */
int store_participant_commit(struct pg_txn *txn, struct pg_op *op) PG_MUST_CHECK;

/* ---- the queue ---- */

struct store_participant_request {
	uint8_t hash[32];
	bool by_operator;	/* asked for by the operator, not by messages */
	struct pg_bytes body;	/* of open ones */
	struct pg_bytes rule;	/* of answered ones: why it was refused; data NULL: it was done, */
	struct pg_bytes key;	/* to that participant, */
	uint64_t seq;		/* by that entry */
};
struct store_participant_requests {
	struct store_participant_request *rows;
	size_t n;
	PGresult *res; /* private */
};
void store_participant_requests_clear(struct store_participant_requests *list);

/* Puts a request into the queue and notifies the duty. One that is there already stays as it is; one that was refused is asked again.
 * -EDQUOT: `most` are waiting. */
int store_participant_ask(struct pg_conn *conn, struct pg_op *op, const struct store_participant_request *request,
			  uint64_t most) PG_MUST_CHECK;
/* Those of the requests (n hashes end to end) that were answered. */
int store_participant_answers(struct pg_conn *conn, struct pg_op *op, struct store_participant_requests *out, const void *hashes,
			      size_t n) PG_MUST_CHECK;
/* Open ones, oldest first, at most limit (1 to 1000). */
int store_participant_open(struct pg_conn *conn, struct pg_op *op, struct store_participant_requests *out, unsigned limit) PG_MUST_CHECK;
/* The answer to one, and what was asked goes; notifies. In a transaction, or alone and fenced. */
int store_participant_answer(struct pg_txn *txn, const struct store_participant_request *answer) PG_MUST_CHECK;
int store_participant_refuse(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
			     const struct store_participant_request *answer) PG_MUST_CHECK;
/* Answers older than that many milliseconds go. */
int store_participant_sweep(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t older_ms) PG_MUST_CHECK;
