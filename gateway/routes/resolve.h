#pragma once
/* Between the files of the resolver; nobody else includes this.
 *
 * A request is read and its answer's form chosen (resolve.c); the first of its table's rows that knows the DID finds what there is to
 * it, at once or later, and hands that over to resolve_found(), or resolve_error() (resolve_answer.c), of which exactly one is called once. A row
 * of one's own needs a test for its DIDs, a function that finds, and a line there. */
#include "did/dereference.h"
#include "did/participant_handle.h"
#include "did/resolution_request.h"
#include "gateway/routes/view.h"

struct resolving {
	struct http_request *req;
	struct service *service;
	struct resolution_accept accept;
	const char *type; /* of a ready answer; NULL: there can be none */
	bool host; /* it is this host's own DID */
	/* of agents */
	struct agent_key key;
	const struct service_registry *registry;
	char handle[PARTICIPANT_HANDLE_SIZE]; /* of participants */
	char detail[RESOLUTION_DETAIL_SIZE];
	struct resolution_request request;
};

/* What there is to a DID. */
struct resolve_found {
	struct resolution_text document; /* JSON; absent: it is deactivated, and the answer 410 */
	struct resolution_text metadata; /* JSON of didDocumentMetadata; absent: {}, or that it is deactivated */
	struct resolution_text warnings; /* JSON of didResolutionMetadata.warnings */
	const char *cache;		 /* Cache-Control of the document alone */
	const char *cache_metadata;	 /* of an answer with metadata; NULL: the same */
	int64_t modified;		 /* when the document last changed, seconds since 1970; 0: not known */
	/* The answer may be kept for others who ask while these heads stand (an agent's), or for ever (the host's: keep, agent NULL). */
	bool keep;
	const struct agent_key *agent;
	const struct reading_now *heads;
};

void resolve_found(struct resolving *r, const struct resolve_found *found);
/* detail NULL: the title says all. */
void resolve_error(struct resolving *r, enum resolution_code code, const char *detail);
/* INTERNAL_ERROR, and to come again after so many seconds. */
void resolve_later(struct resolving *r, unsigned seconds, const char *detail);

/* A tree in place of a text; takes document. metadata may be NULL (borrowed). */
void resolve_found_tree(struct resolving *r, json_t *document, const json_t *metadata, struct resolve_found *found);

/* Whether a version is asked for. */
bool resolve_wants_version(const struct resolving *r);

/* The rows' functions. */
bool resolve_is_agent(struct resolving *r);
void resolve_agent(struct resolving *r);
/* Whatever of this host's is nothing else; it may be nothing at all. */
void resolve_participant(struct resolving *r);
/* A ready answer of an agent or of the host; false: there is none. */
bool resolve_send_ready(struct resolving *r);
void resolve_foreign(struct resolving *r);
