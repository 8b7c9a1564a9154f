/*
 * Claims of links, by who writes them: an agent's go with its file (store_file_put()), a participant's with its tables, what came of asking with the
 * duty "links" (fenced). Migration 0009; kinds and states are enums of gateway/links/link.h, which this room does not know. Times are
 * milliseconds since 1970. Whatever changes of a subject's claims, or of a state, notifies kedge_links.
 */
#pragma once

#include "sql/store.h"

enum {
	STORE_LINK_FOREIGN = 1, /* another host's document is asked */
	STORE_LINK_CONTRACT = 3, /* the contract of an account is asked */
	STORE_LINK_CLAIMS_MAX = 64, /* of a subject */
	STORE_LINK_OBJECT_MAX = 255,
	STORE_LINK_EVIDENCE_MAX = 2048,
	STORE_LINK_DAY_MS = 86400000,
};

struct store_link_claim {
	struct pg_bytes object; /* 1 to STORE_LINK_OBJECT_MAX bytes, each once */
	uint32_t kind;
	uint64_t seq; /* of a participant's: the entry that says so */
};

/* ---- what is claimed, in the transaction that learns it ---- */

/* These are the agent's claims now, in this order, as its URI's file says at `at`. One that was there keeps its state; a new one of kind
 * STORE_LINK_FOREIGN is due at once. In a transaction that holds the shared lock on uri, and in which the agent is known to be there. */
struct store_link_agent {
	uint32_t registry;
	uint8_t agent_id[32];
	struct pg_bytes subject; /* the agent's key text */
	struct pg_bytes uri;
	uint64_t at;
	const struct store_link_claim *claims;
	size_t nclaims;
};
int store_link_put_agent(struct pg_txn *txn, const struct store_link_agent *agent) PG_MUST_CHECK;

/* These are the participant's. One that was there with the same seq keeps its state. A new one of kind STORE_LINK_FOREIGN is due at
 * once; one of STORE_LINK_CONTRACT is proven by its entry (the one of `at`, if that is not in the log yet) and due a day later. */
int store_link_put_participant(struct pg_txn *txn, struct pg_bytes key, uint64_t at, const struct store_link_claim *claims,
			       size_t nclaims) PG_MUST_CHECK;
/* Everything whose subject it is goes. */
int store_link_remove(struct pg_txn *txn, struct pg_bytes subject) PG_MUST_CHECK;
/* Claims of participants that are not there go. */
int store_link_remove_strays(struct pg_txn *txn) PG_MUST_CHECK;

/* ---- what came of it ---- */

struct store_link_due {
	struct pg_bytes subject, object;
	uint32_t kind, state, tries;
	uint64_t good;		 /* 0: never */
	uint64_t due;
	bool has_seq;		 /* a participant's: */
	uint64_t seq;
	struct pg_bytes handle;	 /* of the participant; data NULL: it is gone */
	struct pg_bytes payload; /* of STORE_LINK_CONTRACT: that of the entry; data NULL: erased */
};
struct store_links_due {
	struct store_link_due *rows;
	size_t n;
	PGresult *res; /* private */
};
void store_links_due_clear(struct store_links_due *list);
/* Those with due <= now: at most limit (1 to 1000) of what is proven with no tries, the longest due first, then at most a quarter of that of the
 * rest, so that claims which lead nowhere or to hosts that take their time, of which anybody can make many, do not hold up what must stay
 * fresh. */
int store_links_due(struct pg_conn *conn, struct pg_op *op, struct store_links_due *out, uint64_t now, unsigned limit) PG_MUST_CHECK;

struct store_link_checked {
	struct pg_bytes subject, object; /* whose claim, as it was due */
	uint32_t kind;
	bool has_seq;
	uint64_t seq;
	uint64_t was_due;	  /* if it is due at another time by now, somebody wants it asked again: then it is due at `at` */
	uint32_t state;
	uint64_t at;		  /* when it was asked */
	bool good;		  /* it was confirmed: good = at */
	uint64_t due;
	uint32_t tries;
	struct pg_bytes evidence; /* JSON, at most STORE_LINK_EVIDENCE_MAX bytes */
};
/* -ENOENT: the claim is not there any more, or another of its name is. -EOVERFLOW: the evidence. -ESTALE. */
int store_link_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
		   const struct store_link_checked *checked) PG_MUST_CHECK;
/* Nobody could be asked: only `due` of it is taken. -ENOENT, -ESTALE. */
int store_link_put_off(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
		       const struct store_link_checked *checked) PG_MUST_CHECK;

/* Wishes older than `before` go, and claims of participants that are not there. What was asked more than a minute after now, before the clock was
 * set back, is due. */
int store_link_sweep(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t before, uint64_t now) PG_MUST_CHECK;
