/* did:web of other hosts: fetched under the rules of gateway/fetch, handed on as it was written. */
#include "did/did_web.h"
#include "gateway/fetch/foreign.h"
#include "gateway/routes/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_document(void *arg, const struct foreign_answer *answer)
{
	struct resolving *r = arg;
	enum { CACHE_SIZE = 64 };
	char *cache;

	switch (answer->end) {
	case FOREIGN_OK:
		cache = http_alloc(r->req, CACHE_SIZE);
		if (!cache) {
			resolve_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
			break;
		}
		snprintf(cache, CACHE_SIZE, answer->seconds > 0 ? "public, max-age=%u" : "no-cache, max-age=%u", answer->seconds);
		resolve_found(r, &(struct resolve_found){.document = {answer->text, answer->len}, .cache = cache});
		break;
	case FOREIGN_INVALID_DID:
		resolve_error(r, RESOLUTION_INVALID_DID, answer->why);
		break;
	case FOREIGN_NOT_FOUND:
		resolve_error(r, RESOLUTION_NOT_FOUND, answer->why);
		break;
	case FOREIGN_INVALID_DOCUMENT:
		resolve_error(r, RESOLUTION_INVALID_DID_DOCUMENT, answer->why);
		break;
	case FOREIGN_FAILED:
	case FOREIGN_BUSY:
		resolve_later(r, answer->seconds, answer->why);
		break;
	}
}

/* This host in a spelling that is not its DIDs': nobody asks himself. */
static bool is_this_host(const struct service *service, const struct did_web *web)
{
	const char *host = service->config->host;
	size_t len = strcspn(host, ":");
	unsigned long port = host[len] == ':' ? strtoul(host + len + 1, NULL, 10) : 443;

	return strlen(web->host) == len && memcmp(web->host, host, len) == 0 && (web->port != 0 ? web->port : 443) == port;
}

void resolve_foreign(struct resolving *r)
{
	const struct did_slice *did = &r->request.url.did;
	struct did_web web;

	if (did_web_parse(&web, did->ptr, did->len) != 0) {
		snprintf(r->detail, sizeof(r->detail), "No did:web of a public host name, as it is spelt. This host's begin with %.60s, spelt so.",
			 service_did(r->service));
		resolve_error(r, RESOLUTION_INVALID_DID, r->detail);
	} else if (is_this_host(r->service, &web)) {
		snprintf(r->detail, sizeof(r->detail), "This host's DIDs begin with %.100s, in this spelling.", service_did(r->service));
		resolve_error(r, RESOLUTION_NOT_FOUND, r->detail);
	} else if (resolve_wants_version(r)) {
		resolve_error(r, RESOLUTION_FEATURE_NOT_SUPPORTED, "A did:web of another host has no versions.");
	} else {
		foreign_get(r->service->foreign, did->ptr, did->len, r->request.options.no_cache, on_document, r);
	}
}
