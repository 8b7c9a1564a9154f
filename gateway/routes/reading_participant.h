#pragma once
/* Reading a participant for an answer: as it is, from its row; or as of a size of the log, folded from the entries before that. All of
 * a reading borrows from the request and lives as long as it. */
#include "gateway/participant/state.h"
#include "gateway/routes/service.h"

/* Whether a link to an agent holds now. */
enum reading_link {
	READING_LINK_PROVEN,	  /* who consented owns it at safe and at latest */
	READING_LINK_LAPSED,	  /* another does, at one of them */
	READING_LINK_UNREACHABLE, /* cannot be said now */
};

struct reading_participant {
	const struct participant_state *state; /* live */
	const char *key;
	bool is_version; /* as of then: every link the log held is taken to have held */
	bool has_next;	 /* of a version: what came after it */
	uint64_t next_seq, next_at;
	const enum reading_link *agents; /* one for each of state->agents */
};

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
