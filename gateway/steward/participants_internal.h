#pragma once
/* Shared by the files of the participants duty. */
#include "anchor/entry.h"
#include "gateway/participant/state.h"
#include "gateway/steward/log_append.h"
#include "gateway/steward/participants.h"
#include "sql/store_participant.h"

struct participants {
	struct steward_context *ctx;
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

/* Queues what the tables hold of p->state, with p->messages. claims: the hash of the handle, when it is claimed. */
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
