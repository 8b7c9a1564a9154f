#pragma once
/* A participant as the fold of its entries, in the one place where that is worked out; and what may change it (docs/formats.md
 * section 15). Pure: entries in, state out, so that everybody who has the log's payloads gets the same.
 *
 * A state is zeroed memory before its first entry; participant_state_clear() in the end. */
#include "gateway/participant/change.h"

enum {
	PARTICIPANT_ACCOUNTS_MAX = 16,
	PARTICIPANT_AGENTS_MAX = 32,
	PARTICIPANT_FOREIGN_DIDS_MAX = 16,
	PARTICIPANT_ENTRIES_MAX = 1000,	 /* of one participant, so that it can be erased in one append */
	PARTICIPANT_ENTRIES_FULL = 900,	 /* links and profiles end here: what is linked can still be unlinked, and lapse */
	PARTICIPANT_KEY_SIZE = 45,	 /* "urn:kedge:p:", 32 digits, NUL */
};

struct participant_state_account {
	struct eip155_account account;
	bool controller;
	bool contract; /* signed by ERC-1271, at these blocks */
	struct participant_read judged;
	uint64_t seq; /* of the entry since which it stands so */
};

struct participant_state_agent {
	struct agent_key agent;
	char did[PARTICIPANT_OBJECT_SIZE];
	struct eth_address owner; /* who consented, at these blocks of the agent's chain */
	struct participant_read read;
	bool signed_by_owner; /* else the owner was an account of the participant, and the link ends with that */
	uint64_t seq;
};

struct participant_state_foreign {
	char did[PARTICIPANT_FOREIGN_MAX + 1];
	uint64_t seq;
};

enum participant_life { PARTICIPANT_UNKNOWN, PARTICIPANT_LIVE, PARTICIPANT_ERASED };

struct participant_state {
	enum participant_life life;
	char handle[PARTICIPANT_HANDLE_SIZE];
	struct eip155_account claimant;
	uint64_t created_seq, created_at; /* of the claim */
	uint64_t seq, at;		  /* of the last entry: its version */
	uint64_t entries;
	struct participant_state_account accounts[PARTICIPANT_ACCOUNTS_MAX]; /* in the order they were linked */
	size_t naccounts;
	struct participant_state_agent agents[PARTICIPANT_AGENTS_MAX];
	size_t nagents;
	struct participant_state_foreign foreign[PARTICIPANT_FOREIGN_DIDS_MAX];
	size_t nforeign;
	json_t *profile; /* NULL: none */
	uint64_t profile_seq;
};
void participant_state_clear(struct participant_state *state);

/* ---- the fold ---- */

/* The next alias or link entry. Returns 0; -EBADMSG: it cannot follow (a claim of what is claimed, a change of what is not), or its
 * payload is none; -EOVERFLOW: over a bound; -ENOMEM. The state is unchanged then. */
__attribute__((warn_unused_result)) int participant_state_apply(struct participant_state *state, const struct participant_change *change,
								uint64_t seq, uint64_t at);
/* The same from the payload's bytes; data NULL: it was erased, and with it the participant. */
__attribute__((warn_unused_result)) int participant_state_take(struct participant_state *state, const char *payload, size_t len,
							       uint64_t seq, uint64_t at);
/* An erasure entry: of one entry is of all. */
void participant_state_erase(struct participant_state *state, uint64_t seq, uint64_t at);

/* ---- what may change it ---- */

/* What is asked of the tables when a handle is claimed. */
struct participant_claim {
	bool taken;	  /* the handle is a live participant's */
	bool erased;	  /* it was one's */
	bool has_another; /* the account has a live handle already */
	bool quota;	  /* as many handles were claimed today as may be */
};

/* Whether the change may follow the state. Sets change->consent where an agent is linked.
 * Returns NULL: it may; else a word of rule.h. `claim` is looked at for claims only. */
const char *participant_state_judge(struct participant_change *change, const struct participant_state *state,
				    const struct participant_claim *claim);

/* Whether what the entry at `seq` did by this change is still so: then who repeats its messages gets the same answer again. */
bool participant_state_stands(const struct participant_state *state, const struct participant_change *change, uint64_t seq);

const struct participant_state_account *participant_state_account(const struct participant_state *state,
								  const struct eip155_account *account);
const struct participant_state_agent *participant_state_agent(const struct participant_state *state, const char *did);
const struct participant_state_foreign *participant_state_foreign(const struct participant_state *state, const char *did);

/* ---- as the tables keep it: canonical JSON, of live participants ---- */

/* *out malloc'd. -EINVAL: not live; -ENOMEM. */
__attribute__((warn_unused_result)) int participant_state_write(char **out, size_t *len, const struct participant_state *state);
/* -EBADMSG, -ENOMEM. */
__attribute__((warn_unused_result)) int participant_state_read(struct participant_state *out, const char *text, size_t len);
