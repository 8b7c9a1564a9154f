#include "gateway/routes/resolve_participant.h"

#include "gateway/routes/view_participant.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Versions too: the law may want them gone tomorrow. */
static const char cache[] = "public, max-age=2, must-revalidate";

struct resolving_participant {
	struct service *service;
	resolve_on_participant *on_resolved;
	void *arg;
	char handle[PARTICIPANT_HANDLE_SIZE];
	char detail[128];
};

static void fail(struct resolving_participant *r, enum resolution_code code, const char *detail)
{
	r->on_resolved(r->arg, &(struct resolved_participant){.code = code, .detail = detail});
}

static void tell_erased(struct resolving_participant *r)
{
	r->on_resolved(r->arg, &(struct resolved_participant){.code = RESOLUTION_OK, .deactivated = true, .cache = cache,
							      .metadata = json_pack("{s:b}", "deactivated", 1)});
}

static void on_read(void *arg, int err, const struct reading_participant *participant)
{
	struct resolving_participant *r = arg;
	struct resolved_participant resolved = {.code = RESOLUTION_OK, .cache = cache};
	json_t *left_out = NULL;

	if (err == -ENOENT)
		fail(r, RESOLUTION_NOT_FOUND, "There is no such participant, or there was none then.");
	else if (err == -ERANGE)
		fail(r, RESOLUTION_NOT_FOUND, "The log has no such entry yet.");
	else if (err == -ENODATA)
		tell_erased(r);
	else if (err != 0 || view_participant_document(&resolved.document, &left_out, r->service, participant) != 0)
		fail(r, RESOLUTION_INTERNAL_ERROR, NULL);
	else {
		resolved.metadata = view_participant_metadata(participant, left_out);
		r->on_resolved(r->arg, &resolved);
	}
}

void resolve_participant(struct http_request *req, const char *did, size_t length, const struct resolution_options *options,
			 resolve_on_participant *on_resolved, void *arg)
{
	struct reading_participant_when when = {.by_seq = options->has_version_id, .seq = options->version_id,
						.by_time = options->has_version_time, .time = options->version_time};
	struct resolving_participant *r = http_alloc(req, sizeof(*r));
	struct service *service = http_user(req);

	if (!r) {
		on_resolved(arg, &(struct resolved_participant){.code = RESOLUTION_INTERNAL_ERROR});
		return;
	}
	*r = (struct resolving_participant){.service = service, .on_resolved = on_resolved, .arg = arg};
	switch (participant_did_parse(r->handle, did, length, service->config->host)) {
	case 0:
		reading_participant(req, r->handle, &when, on_read, r);
		break;
	case -EILSEQ:
		(void)snprintf(r->detail, sizeof(r->detail), "Handles are in lower case: this one is spelt %s.", r->handle);
		fail(r, RESOLUTION_NOT_FOUND, r->detail);
		break;
	default:
		fail(r, RESOLUTION_NOT_FOUND, "This host has no such DID.");
	}
}
