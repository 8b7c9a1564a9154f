#pragma once
/* Shared by the files of the participants duty. */
#include "anchor/entry.h"
#include "gateway/participant/state.h"
#include "gateway/steward/log_append.h"
#include "gateway/steward/participants.h"
#include "sql/store_lapse.h"
#include "sql/store_participant.h"

/* What was looked at for lapses. */
struct participants_reach {
	uint32_t registry;
	uint64_t chain_id;
	uint8_t address[20];
	uint64_t number; /* blocks up to here */
};
struct participants_lapses {
	struct participants_reach reaches[CHAINS_REGISTRIES_MAX];
	size_t nreaches;
	struct participants_reach then[CHAINS_REGISTRIES_MAX]; /* of the look at all links that is under way: where it began */
	size_t nthen;
	bool all;		    /* it is under way, */
	bool begun;		    /* and goes on after the link of `after` */
	struct store_lapse after;
	char after_key[PARTICIPANT_KEY_SIZE];
	uint64_t all_ms;	    /* when the last one began */
};

struct participants {
	struct steward_context *ctx;
	struct chains chains;
	struct participants_lapses lapses;
	struct pg_conn *reader;
	struct log_append append;
	/* of one participant at a time */
	struct participant_state state;
	char key[PARTICIPANT_KEY_SIZE];
	struct store_new_entry entries[PARTICIPANT_ENTRIES_MAX];
	uint64_t targets[PARTICIPANT_ENTRIES_MAX];
	uint8_t uids[PARTICIPANT_ENTRIES_MAX][32];
	char lines[PARTICIPANT_ENTRIES_MAX][ENTRY_LINE_MAX];
	uint8_t messages[2 * PARTICIPANT_ENTRIES_MAX][32];
	uint64_t messages_seqs[2 * PARTICIPANT_ENTRIES_MAX];
	size_t nmessages;
	uint64_t swept_ms;
};

/* The state of whoever has the handle, into p->state and p->key ("" for nobody). */
__attribute__((warn_unused_result)) int participants_load(struct participants *p, const char *handle);

/* Appends the entry that a change is, with the tables that follow from it and the answer to whoever asked (NULL: nobody did). p->state and
 * p->key are the participant's, of whom the change was judged. */
__attribute__((warn_unused_result)) int participants_append(struct participants *p, const struct participant_change *change,
							    const uint8_t *request);
/* Whether a failure is of one participant or request alone, and would be for ever. */
bool participants_is_its_own(int rc);

/* participants_lapse.c: logs what lapsed since the last call; *more: there is more to look at. */
__attribute__((warn_unused_result)) int participants_lapse(struct participants *p, bool *more);
/* A link was made of this agent, by a consent read at that block: what became final since then has to be looked at again. */
void participants_lapse_from(struct participants *p, const struct agent_key *agent, uint64_t number);

/* participants_put.c: queues what the tables hold of p->state, with p->messages. claims: the hash of the handle, when it is claimed. */
__attribute__((warn_unused_result)) int participants_put(struct participants *p, struct pg_txn *txn, const uint8_t *claims);

/* Why an erasure is: by whom and for what. */
struct participants_cause {
	enum entry_by by;
	enum entry_reason reason;
	uint8_t request[32];
};

/* participants_erase.c: an erasure entry for each entry of p->key, and all that is kept of it goes; the answer with it.
 * Errors of the append. */
__attribute__((warn_unused_result)) int participants_erase(struct participants *p, const uint8_t request[static 32],
							   const struct participants_cause *cause);

/* participants_rebuild.c: all tables anew from the log, in one transaction; the answer with it. -EBADMSG: an entry of the log cannot
 * follow those before it, which the log says. */
__attribute__((warn_unused_result)) int participants_rebuild(struct participants *p, const uint8_t request[static 32]);
