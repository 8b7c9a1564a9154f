#pragma once
/* Participants as JSON, alike in every route; and refusals of changes by their rule. */
#include "gateway/routes/reading_participant.h"
#include "gateway/routes/view.h"

/* *left_out (may be NULL): ids that did not fit, a new reference or NULL. Errors of participant_document_build(). */
__attribute__((warn_unused_result)) int view_participant_document(json_t **document, json_t **left_out, const struct service *service,
								  const struct reading_participant *participant);
/* didDocumentMetadata; left_out is taken. NULL: out of memory. */
json_t *view_participant_metadata(const struct reading_participant *participant, json_t *left_out);
/* What /v1/participants/{handle} says. */
json_t *view_participant(const struct service *service, const struct reading_participant *participant);

/* "2026-11-20T17:00:00Z" of milliseconds; a new reference. */
json_t *view_participant_time(uint64_t ms);

/* Folds {handle} of a path, where only lower case has an answer. NULL: what is wrong was answered. out: PARTICIPANT_HANDLE_SIZE. */
const char *view_participant_handle(char *out, struct http_request *req);

/* A problem by its rule. pointer NULL: none; detail NULL: the rule's. */
void view_participant_refuse(struct http_request *req, const char *rule, const char *pointer, const char *detail);
/* What reading_participant() could not. */
void view_participant_failed(struct http_request *req, int err);
