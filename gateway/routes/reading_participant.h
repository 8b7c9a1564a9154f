#pragma once
/* Reading a participant for an answer: as it is, from its row; or as of a size of the log, folded from the entries before that. All of
 * a reading borrows from the request and lives as long as it. */
#include "gateway/links/link_list.h"
#include "gateway/participant/state.h"
#include "gateway/routes/service.h"
#include "sql/store_link_read.h"

struct reading_participant {
	const struct participant_state *state; /* live */
	const char *key;
	bool is_version; /* as of then: every link the log held is taken to have held, but those with foreign DIDs */
	bool has_next;	 /* of a version: what came after it */
	uint64_t next_seq, next_at;
	const struct link_list *links; /* one item for each of state->accounts, then of its agents, then of its foreign DIDs */
};

const struct link_item *reading_participant_account(const struct reading_participant *p, size_t i);
const struct link_item *reading_participant_agent(const struct reading_participant *p, size_t i);
const struct link_item *reading_participant_foreign(const struct reading_participant *p, size_t i);

struct reading_participant_when {
	bool by_seq, by_time; /* neither: as it is */
	uint64_t seq;	      /* its last entry at or before this */
	int64_t time;	      /* in this second or before */
};

/* Calls on_read exactly once, maybe before it returns. err: 0; -ENOENT: no such participant, or not yet then; -ENODATA: it was erased;
 * -ERANGE: the log is not that long; others: the store's. participant is NULL then. */
typedef void reading_on_participant(void *arg, int err, const struct reading_participant *participant);
void reading_participant(struct http_request *req, const char *handle, const struct reading_participant_when *when,
			 reading_on_participant *on_read, void *arg);

/* ---- between reading_participant.c and reading_participant_links.c ---- */

/* Who owns an agent of the state, as far as it can be said. */
struct reading_owner {
	bool known;
	struct eth_address safe, latest; /* zero: it does not exist there */
	uint64_t number;		 /* of the latest block */
};

/* As it is (owners: one for each of state->agents), or as of a version (stored and owners NULL). 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int reading_participant_links(struct link_list **out, const struct participant_state *state,
								  const struct store_links *stored, const struct reading_owner *owners,
								  uint64_t now);
