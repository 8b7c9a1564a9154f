/*
 * The index of the registries: blocks, events, states of agents, proofs. Migration 0002. docs/formats.md section 11.
 *
 * One writer a chain (duty "index", fenced) moves it forward in transactions that each leave one contiguous chain of
 * blocks from every registry's start to chain_index.tip; readers see only such states. The overlay (blocks above
 * chain_index.final_number) is keyed by block: store_index_drop() deletes blocks and, by cascade, all that hangs on them.
 */
#pragma once

#include "sql/store.h"

enum store_event_kind {
	STORE_EVENT_TRANSFER = 1,    /* a from (zero: mint), b to */
	STORE_EVENT_REGISTERED = 2,  /* a owner, value URI */
	STORE_EVENT_URI = 3,	     /* a by whom, value URI */
	STORE_EVENT_METADATA = 4,    /* key, value; key "agentWallet" is the wallet, 20 bytes or none */
	STORE_EVENT_APPROVAL = 5,    /* a owner, b approved */
	STORE_EVENT_UPGRADED = 6,    /* a implementation; no agent */
	STORE_EVENT_FEEDBACK = 16,   /* of a ReputationRegistry: a client, value the ABI data of the event */
	STORE_EVENT_REVOKED = 17,    /* a client, value the index as 8 bytes big-endian */
	STORE_EVENT_RESPONSE = 18,   /* a client, b responder, value the ABI data of the event */
};

enum store_tier { STORE_TIER_EVENTS = 1, STORE_TIER_RPC = 2, STORE_TIER_QUORUM = 3, STORE_TIER_PROOF = 4 };
enum { STORE_CHANGED_OWNER = 1, STORE_CHANGED_WALLET = 2, STORE_CHANGED_URI = 4, STORE_CHANGED_REGISTERED = 8 };

struct store_registry {
	uint32_t id;
	uint64_t chain_id;
	uint8_t address[20];
	uint64_t start_block;
	int64_t indexed; /* finalized blocks up to here are in; start_block - 1: none */
	int64_t fetched; /* finalized blocks up to here are stored, those above indexed provisionally */
	bool followed;	 /* the overlay was taken with its logs */
	bool has_implementation, known;
	uint8_t implementation[20], code_hash[32];
};

struct store_index {
	uint64_t final_number;
	uint8_t final_hash[32];
	uint64_t tip_number;
	uint8_t tip_hash[32];
	uint64_t tip_time; /* seconds since 1970 */
	uint64_t target, updated;
};

struct store_index_block {
	uint64_t number;
	uint8_t hash[32], parent[32];
	uint64_t time; /* seconds since 1970 */
	bool final;
};

struct store_event {
	uint32_t registry;
	uint64_t number;
	uint32_t log_index;
	uint8_t tx[32];
	bool has_agent;
	uint8_t agent_id[32];
	enum store_event_kind kind;
	uint8_t a[20], b[20];	/* zero where the kind has none */
	struct pg_bytes key, value; /* borrowed, any bytes; data NULL where there is none */
};

struct store_state {
	uint32_t registry;
	uint8_t agent_id[32];
	uint64_t number;
	uint8_t owner[20];
	bool has_wallet;
	uint8_t wallet[20];
	struct pg_bytes uri; /* the bytes; stored once by their SHA-256 */
	/* STORE_CHANGED_…; a first state has REGISTERED and what it is not empty of. Not read when written. */
	uint8_t changed;
	enum store_tier tier;
};

struct store_proof {
	uint32_t registry;
	uint8_t agent_id[32];
	uint64_t number;
	struct pg_bytes body;
	bool final; /* read only: so is its block in the index, which holds the proof by the block's hash */
};

/* ---- writing (duty "index") ---- */

/* Makes the row if it is missing; *out gets it either way. A changed start_block is -EEXIST: the index would have a hole. */
int store_registry_open(struct pg_conn *conn, struct pg_op *op, struct store_registry *out, const struct store_fence *fence,
			uint64_t chain_id, const uint8_t address[static 20], uint64_t start_block) PG_MUST_CHECK;
int store_registry_implementation(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint32_t registry,
				  const uint8_t implementation[static 20], const uint8_t code_hash[static 32],
				  bool known) PG_MUST_CHECK;

/* From now on the overlay is taken with the logs of these registries, and of no others of the chain. Where that is a change, the
 * overlay must have been dropped before: it lacks the logs of one that comes, and holds those of one that goes, whose `indexed`
 * finality no longer moves. -ESTALE; -ENOENT: the chain has no registry. */
int store_registries_follow(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t chain_id,
			    const uint32_t *registries, size_t n) PG_MUST_CHECK;

/* One step forward: blocks, events, states and proofs, in one transaction, with the new place. All counts may be 0; the arrays
 * are borrowed until done. Blocks go in ascending order; one that is there already with the same hash stays (a registry
 * added later catches up below final_number, `index` as it was), with another hash is -EEXIST, as is an event or a state
 * that is there already. `indexed`: the registries given (all of one chain) are now complete up to indexed_to; NULL leaves
 * them. States also become agent_now; a state equal to the one in force (owner, wallet and URI) is not stored again, and
 * `changed` is computed here against the one before. An event, a state to store or a proof without its block
 * is -EPROTO. If final_number rises, the block of the former one goes if nothing happened in it. All is one round trip;
 * hold some 50 MB of URIs and values in a step at most (-EOVERFLOW at 1 GiB). -ESTALE: fenced off. NOTIFYs kedge_index
 * with the tip's number. */
struct store_index_step {
	uint64_t chain_id;
	const struct store_index *index;
	const struct store_index_block *blocks;
	size_t nblocks;
	const struct store_event *events;
	size_t nevents;
	const struct store_state *states;
	size_t nstates;
	const struct store_proof *proofs;
	size_t nproofs;
	const uint32_t *indexed;
	size_t nindexed;
	uint64_t indexed_to;
	/* The blocks up to indexed_to are stored but not yet compared with storage: `fetched` moves, not `indexed`, and the
	 * states do not become agent_now. A later step that has those registries in `indexed` and is not provisional makes up
	 * for it. */
	bool provisional;
};
int store_index_step(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
		     const struct store_index_step *step) PG_MUST_CHECK;

/* Drops the overlay's blocks with number > keep, and all that hangs on them; agent_now of the agents touched is set back to
 * the states still in force, or deleted with the file snapshots and domains of an agent that never was; snapshots of URIs
 * that never were go too. Provisional blocks above keep go as well. `index` is the place after it. keep below final_number is -EINVAL. */
int store_index_drop(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t chain_id, uint64_t keep,
		     const struct store_index *index) PG_MUST_CHECK;

/* Blocks up to index->final_number are final now; those of them in which nothing happened are deleted (but for that one
 * itself). Registries of the chain that are followed and were complete up to the former final_number, or begin above it, are
 * complete up to the new one (never below start_block - 1). -EEXIST: the block kept of that number has another hash than final_hash. */
int store_index_finalize(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t chain_id,
			 const struct store_index *index) PG_MUST_CHECK;

/* A proof got later than its block's step, checked by the caller: the state of that block, if there is one, rises to
 * STORE_TIER_PROOF. An earlier proof of the same block stays. -ENOENT: the block is not there (any more). */
int store_proof_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t chain_id,
		    const struct store_proof *proof) PG_MUST_CHECK;

/* All of a registry that is provisional goes, with the blocks that nothing else names: it is fetched again. Not for one whose
 * rows reach into the overlay. */
int store_registry_refetch(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
			   uint32_t registry) PG_MUST_CHECK;

/* While it stands no state of that chain is an answer: sql/store_resolve.h finds that the index reaches nowhere. -ENOENT: there is
 * no index of that chain. */
int store_index_alarm(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t chain_id,
		      bool stands) PG_MUST_CHECK;

/* A stored state is this one instead, its tier as it was; what follows it and agent_now are brought in line. A state that is not
 * there stays so. */
int store_state_mend(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
		     const struct store_state *state) PG_MUST_CHECK;

/* ---- reading ---- */

int store_index(struct pg_conn *conn, struct pg_op *op, struct store_index *out, uint64_t chain_id) PG_MUST_CHECK;

/* All registries, ascending id. */
struct store_registries {
	struct store_registry *rows;
	size_t n;
};
void store_registries_clear(struct store_registries *list);
int store_registries(struct pg_conn *conn, struct pg_op *op, struct store_registries *out) PG_MUST_CHECK;

/* The overlay: blocks above final_number and the final one itself, ascending; without provisional ones. */
struct store_index_blocks {
	struct store_index_block *rows;
	size_t n;
};
void store_index_blocks_clear(struct store_index_blocks *list);
int store_index_overlay(struct pg_conn *conn, struct pg_op *op, struct store_index_blocks *out,
			uint64_t chain_id) PG_MUST_CHECK;

/* A state with the block it is of; uri borrows from `res`. `until`: number and time of the next state's block, 0 if none. */
struct store_state_at {
	struct store_state state;
	struct store_index_block block;
	uint64_t until_number, until_time;
	bool has_until;
};
struct store_states {
	struct store_state_at *rows;
	size_t n;
	PGresult *res;
};
void store_states_clear(struct store_states *list);

/* The state in force at the end of block `number`, or at the instant `time` (seconds since 1970: the newest block not after
 * it). One index probe each. -ENOENT: not registered by then. Either also fills *index, read in the same statement, so that
 * the caller sees whether the index reaches that far. `at_time` says which of both `at` is. */
int store_state_at(struct pg_conn *conn, struct pg_op *op, struct store_states *out, struct store_index *index,
		   uint32_t registry, const uint8_t agent_id[static 32], bool at_time, uint64_t at) PG_MUST_CHECK;

/* The states in force of many agents at the end of one block each, in one round trip; rows in the order asked, absent ones
 * left out. */
struct store_state_ask {
	uint32_t registry;
	uint8_t agent_id[32];
	uint64_t number;
};
int store_states_at(struct pg_conn *conn, struct pg_op *op, struct store_states *out, const struct store_state_ask *asks,
		    size_t n) PG_MUST_CHECK;

/* Events, ascending; key and value borrow from res. */
struct store_events {
	struct store_event *rows;
	size_t n;
	PGresult *res;
};
void store_events_clear(struct store_events *list);

/* The newest stored proof with number <= at. -ENOENT, also while an alarm stands. body borrows from *res, for the caller to
 * PQclear(). */
int store_proof_at(struct pg_conn *conn, struct pg_op *op, struct store_proof *out, PGresult **res, uint32_t registry,
		   const uint8_t agent_id[static 32], uint64_t at) PG_MUST_CHECK;

/* The newest states of a registry's agents, provisional ones included, ascending id above `after` (NULL: all): for comparing
 * with storage. limit at most 10,000. */
int store_agent_states(struct pg_conn *conn, struct pg_op *op, struct store_states *out, uint32_t registry,
		       const uint8_t *after, unsigned limit) PG_MUST_CHECK;

/* Search: rows of agent_now with what file_now says; keyset (registry, agent_id) > after. Filters NULL: any. Agents of a chain whose
 * alarm stands are left out. */
struct store_agent_filter {
	const uint8_t *owner, *wallet; /* 20 bytes */
	const char *name;	       /* beginning of the name, any case */
	const char *service;	       /* service name, any case */
	uint32_t registry;	       /* 0: any */
	uint32_t after_registry;
	uint8_t after_id[32];
	bool has_after;
	unsigned limit;
};
struct store_agent_row {
	uint32_t registry;
	uint8_t agent_id[32];
	uint64_t number;
	uint8_t owner[20];
	bool has_wallet;
	uint8_t wallet[20];
	struct pg_bytes uri, name;
};
enum { STORE_AGENTS_BYTES = 1 << 20 }; /* of URIs in a page; it ends with the first row that goes beyond */
struct store_agents {
	struct store_agent_row *rows;
	size_t n;
	bool more; /* there may be more behind the last row */
	PGresult *res;
};
void store_agents_clear(struct store_agents *list);
int store_agents(struct pg_conn *conn, struct pg_op *op, struct store_agents *out,
		 const struct store_agent_filter *filter) PG_MUST_CHECK;
