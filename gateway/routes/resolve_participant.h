#pragma once
/* The resolver's branch for participants of this host: versions are seqs of the log, and an erased one has none. */
#include "did/resolution.h"
#include "gateway/routes/service.h"

/* What there is to answer. */
struct resolved_participant {
	enum resolution_code code; /* RESOLUTION_OK with document and metadata, or with `deactivated` */
	const char *detail;
	bool deactivated;
	json_t *document, *metadata; /* new references for who is told */
	const char *cache;
};
typedef void resolve_on_participant(void *arg, const struct resolved_participant *resolved);

/* Calls on_resolved exactly once, maybe before it returns. */
void resolve_participant(struct http_request *req, const char *did, size_t length, const struct resolution_options *options,
			 resolve_on_participant *on_resolved, void *arg);
