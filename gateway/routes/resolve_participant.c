/* Participants of this host. A version is a seq of the log; an erased one has none. */
#include "gateway/routes/resolve.h"
#include "gateway/routes/view_participant.h"

#include <errno.h>
#include <stdio.h>

/* Versions too: the law may want them gone tomorrow. */
static const char cache[] = "public, max-age=2, must-revalidate";

static void send_document(struct resolving *r, const struct reading_participant *participant)
{
	json_auto_t *metadata = NULL;
	json_t *document = NULL, *left_out = NULL;

	if (view_participant_document(&document, &left_out, r->service, participant) != 0) {
		resolve_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
		return;
	}
	metadata = view_participant_metadata(participant, left_out);
	if (metadata) {
		/* of the present one links may have come or gone since its last entry */
		resolve_found_tree(r, document, metadata,
				   &(struct resolve_found){.cache = cache,
							   .modified = participant->is_version ? (int64_t)(participant->state->at / 1000) : 0});
	} else {
		json_decref(document);
		resolve_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
	}
}

static void on_read(void *arg, int err, const struct reading_participant *participant)
{
	struct resolving *r = arg;

	if (err == -ENOENT)
		resolve_error(r, RESOLUTION_NOT_FOUND, "There is no such participant, or there was none then.");
	else if (err == -ERANGE)
		resolve_error(r, RESOLUTION_NOT_FOUND, "The log has no such entry yet.");
	else if (err == -ENODATA)
		resolve_found(r, &(struct resolve_found){.cache = cache});
	else if (err != 0)
		resolve_later(r, 1, NULL);
	else
		send_document(r, participant);
}

void resolve_participant(struct resolving *r)
{
	const struct resolution_options *options = &r->request.options;
	struct reading_participant_when when = {.by_seq = options->has_version_id, .seq = options->version_id,
						.by_time = options->has_version_time, .time = options->version_time};
	const struct did_slice *did = &r->request.url.did;

	switch (participant_did_parse(r->handle, did->ptr, did->len, r->service->config->host)) {
	case 0:
		reading_participant(r->req, r->handle, &when, on_read, r);
		break;
	case -EILSEQ:
		(void)snprintf(r->detail, sizeof(r->detail), "Handles are in lower case: this one is spelt %s.", r->handle);
		resolve_error(r, RESOLUTION_NOT_FOUND, r->detail);
		break;
	default:
		resolve_error(r, RESOLUTION_NOT_FOUND, "This host has no such DID.");
	}
}
