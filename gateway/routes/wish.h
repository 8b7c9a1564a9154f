#pragma once
/* The body of POST /v1/agents/prepare/{verb} as a question (gateway/identity/prepare.h). It is read strictly: a member
 * that means nothing here is most likely a misspelt one that would be missed. */
#include "gateway/identity/prepare.h"
#include "gateway/routes/service.h"

#include <stdbool.h>

struct wish {
	struct http_request *req;
	struct service *service;
	struct prepare_ask ask; /* points into body, entries and memory of req */
	json_t *body;
	struct registry_metadata entries[REGISTRY_METADATA_MAX];
	char pointer[64];
};

/* Reads the verb and the body into wish->ask; req and service are set. false: what is wrong was answered. */
__attribute__((warn_unused_result)) bool wish_read(struct wish *wish);

/* Answers with a problem whose type is its rule too; always false, so that a reader can return it. */
__attribute__((format(printf, 5, 6))) bool wish_refuse(struct wish *wish, const char *type, const char *pointer,
						       const char *next, const char *detail, ...);
