#pragma once
/* What POST /v1/participants and …/prepare share: a body read strictly, the participant it is about, the agent's owner, and the change. */
#include "gateway/participant/state.h"
#include "gateway/routes/service.h"
#include "sql/store_participant.h"

/* Common part of both handlers' state. */
struct participant_wish {
	struct http_request *req;
	struct service *service;
	json_t *body;
	struct participant_terms terms;
	uint64_t chains[CHAINS_MAX]; /* what terms.chains points to */
	struct participant_change change;
	struct pg_op op;
	struct store_participant_found found;
	struct participant_state state;
	char key[PARTICIPANT_KEY_SIZE]; /* "": nobody has the handle */
	const struct service_registry *registry; /* of the agent */
	char pointer[80];
};

/* Reads the body as a JSON object of at most the members named (NULL ends them). NULL: what is wrong was answered. `size` is the
 * handler's state, which begins with a struct participant_wish. */
void *participant_wish_begin(struct http_request *req, size_t size, const char *const *members);

/* Starts looking for who has change.handle; wish->op is the operation, its on_done set by the caller. */
__attribute__((warn_unused_result)) int participant_wish_find(struct participant_wish *wish);
/* Takes what was found into state and key. false: what is wrong was answered. */
bool participant_wish_found(struct participant_wish *wish);

/* Reads the owner of the agent that change.object names into the change. next(req) goes on; what is wrong is answered. */
void participant_wish_read_owner(struct participant_wish *wish, http_handler *next);
