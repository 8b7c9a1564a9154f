/* The DID Resolution binding at /1.0/identifiers/ (facts: W3C DID Resolution CR 2026). A version is a block number or an instant,
 * answered as of then from the index; the document is what the current one was then. */
#include "did/did_pkh.h"
#include "did/did_web.h"
#include "did/resolution.h"
#include "gateway/routes/resolve_participant.h"
#include "gateway/routes/view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char current_cache[] = "public, max-age=2, must-revalidate";
static const char final_cache[] = "public, max-age=3600";

struct resolving {
	struct http_request *req;
	struct service *service;
	struct resolution_request request;
	struct resolution_accept accept;
	struct agent_key key;
	const struct service_registry *registry;
	char detail[RESOLUTION_DETAIL_SIZE];
};

static void reply_error(struct resolving *r, enum resolution_code code, const char *detail)
{
	json_t *envelope = NULL;

	http_set_cache(r->req, "no-store");
	if (code == RESOLUTION_INTERNAL_ERROR)
		http_set_header(r->req, "Retry-After", "1");
	if (resolution_error_envelope(&envelope, code, detail) != 0)
		http_fail(r->req, -ENOMEM, NULL);
	else
		view_reply(r->req, (unsigned)resolution_error(code)->status, RESOLUTION_TYPE, envelope);
}

/* Takes document and metadata. */
static void reply_resolved(struct resolving *r, json_t *document, json_t *metadata, const char *cache)
{
	json_t *envelope = NULL;

	http_set_cache(r->req, cache);
	http_set_header(r->req, "Vary", "Accept");
	if (!r->accept.envelope) {
		view_reply(r->req, 200, r->accept.content_type, json_incref(document));
	} else if (resolution_envelope(&envelope, document, metadata, NULL) != 0) {
		http_fail(r->req, -ENOMEM, NULL);
	} else {
		view_reply(r->req, 200, r->accept.content_type, envelope);
	}
	json_decref(document);
	json_decref(metadata);
}

static void on_current(void *arg, int err, const struct reading_now *now)
{
	struct resolving *r = arg;
	json_t *document = NULL, *dropped = NULL;

	if (err != 0)
		reply_error(r, RESOLUTION_INTERNAL_ERROR, "The chain cannot be read now; try again.");
	else if (!now->latest.exists)
		reply_error(r, RESOLUTION_NOT_FOUND, "The registry has no agent with this id.");
	else if (view_now_document(&document, &dropped, r->service, &r->key, now) != 0)
		reply_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
	else
		reply_resolved(r, document, view_now_metadata(now, dropped), current_cache);
	json_decref(dropped);
}

static void reply_not_then(struct resolving *r, int err)
{
	switch (err) {
	case -ENOENT:
		reply_error(r, RESOLUTION_NOT_FOUND, "The agent did not exist then.");
		break;
	case -ERANGE:
		reply_error(r, RESOLUTION_NOT_FOUND, "There is no such block yet.");
		break;
	case -EALREADY:
		reply_error(r, RESOLUTION_INTERNAL_ERROR,
			    "The index has not come to that block yet, and the node does not say what was then; try again later.");
		break;
	default:
		reply_error(r, RESOLUTION_INTERNAL_ERROR, "The chain cannot be read now; try again.");
	}
}

/* The document of a final block does not change with the chain, only with the settings (wallet_authentication); what stands beside it
 * does until every key in it has ended. */
static const char *cache_of(const struct resolving *r, const struct reading_at *at)
{
	bool final = at->indexed && strcmp(at->finality, "final") == 0;

	return final && (!r->accept.envelope || view_at_is_settled(at)) ? final_cache : current_cache;
}

static void on_version(void *arg, int err, const struct reading_at *at)
{
	struct resolving *r = arg;
	json_t *document = NULL;

	if (err != 0 || !at->state.exists)
		reply_not_then(r, err != 0 ? err : -ENOENT);
	else if (view_at_document(&document, r->service, &r->key, at) != 0)
		reply_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
	else
		reply_resolved(r, document, view_at_metadata(at), cache_of(r, at));
}

static void resolve_agent(struct resolving *r)
{
	const struct resolution_options *options = &r->request.options;
	struct reading_when when = {.by_time = options->has_version_time, .at = options->version_id};

	if (options->has_version_time)
		when.at = options->version_time > 0 ? (uint64_t)options->version_time : 0;
	if (options->has_version_id || options->has_version_time)
		reading_at(r->req, r->registry, &r->key, &when, on_version, r);
	else
		reading_now(r->req, r->registry, &r->key, READING_FILE, on_current, r);
}

static void refuse_pkh(struct resolving *r, int rc, const char *did, size_t length)
{
	char words[DID_PKH_WORDS_SIZE];

	did_pkh_words(words, did, length);
	reply_error(r, rc == -EOPNOTSUPP ? RESOLUTION_FEATURE_NOT_SUPPORTED : RESOLUTION_INVALID_DID, words);
}

static void on_participant(void *arg, const struct resolved_participant *resolved)
{
	struct resolving *r = arg;
	json_t *envelope = NULL;

	if (resolved->code != RESOLUTION_OK) {
		reply_error(r, resolved->code, resolved->detail);
	} else if (!resolved->deactivated) {
		reply_resolved(r, resolved->document, resolved->metadata, resolved->cache);
	} else {
		http_set_cache(r->req, resolved->cache);
		if (resolution_envelope(&envelope, NULL, resolved->metadata, NULL) != 0)
			http_fail(r->req, -ENOMEM, NULL);
		else
			view_reply(r->req, 410, RESOLUTION_TYPE, envelope);
		json_decref(resolved->metadata);
	}
}

static void resolve_pkh(struct resolving *r, const char *did, size_t length)
{
	json_t *document = NULL;
	int rc;

	if (r->request.options.has_version_id || r->request.options.has_version_time) {
		reply_error(r, RESOLUTION_FEATURE_NOT_SUPPORTED, "A did:pkh has no versions.");
		return;
	}
	rc = did_pkh_document(&document, did, length);
	if (rc == 0)
		reply_resolved(r, document, json_object(), "public, max-age=86400");
	else if (rc == -ENOMEM)
		reply_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
	else
		refuse_pkh(r, rc, did, length);
}

static void resolve_web(struct resolving *r, const char *did, size_t length)
{
	char own[DID_WEB_HOST_DID_SIZE];
	json_t *document = NULL;
	size_t own_length;

	if (did_web_from_host(own, sizeof(own), r->service->config->host) < 0) {
		reply_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
		return;
	}
	own_length = strlen(own);
	if (length < own_length || memcmp(did, own, own_length) != 0 || (length > own_length && did[own_length] != ':')) {
		struct did_web foreign;

		if (did_web_parse(&foreign, did, length) != 0)
			reply_error(r, RESOLUTION_INVALID_DID, "Not a did:web that may be resolved.");
		else
			reply_error(r, RESOLUTION_FEATURE_NOT_SUPPORTED, "Other hosts' did:web is not fetched by this gateway.");
		return;
	}
	if (length > own_length) {
		if (agent_did_parse(&r->key, did, length, &r->service->defaults) == 0 &&
		    (r->registry = service_registry(r->service, &r->key)))
			resolve_agent(r);
		else
			resolve_participant(r->req, did, length, &r->request.options, on_participant, r);
		return;
	}
	if (r->request.options.has_version_id || r->request.options.has_version_time)
		reply_error(r, RESOLUTION_FEATURE_NOT_SUPPORTED, "The host's document has no versions.");
	else if (view_host_document(&document, r->service) != 0)
		reply_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
	else
		reply_resolved(r, document, json_object(), current_cache);
}

static void resolve(struct http_request *req)
{
	struct resolving *r = http_state(req, sizeof(*r));
	const char *path, *query = http_query_string(req);
	char accept_option[sizeof(r->request.accept)];
	const struct did_url *url;
	enum resolution_code code;

	if (!r) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	r->req = req;
	r->service = http_user(req);
	path = http_path(req) + strlen("/1.0/identifiers/");
	code = resolution_request_parse(&r->request, r->detail, path, strlen(path), query, strlen(query));
	if (code != RESOLUTION_OK) {
		reply_error(r, code, r->detail[0] ? r->detail : NULL);
		return;
	}
	snprintf(accept_option, sizeof(accept_option), "%.*s", (int)r->request.options.accept.len, r->request.options.accept.ptr);
	code = resolution_negotiate(&r->accept, accept_option[0] ? accept_option : http_header(req, "Accept"));
	if (code != RESOLUTION_OK) {
		reply_error(r, code, "Ask for application/did-resolution, application/did or application/json.");
		return;
	}
	url = &r->request.url;
	if (did_slice_is(url->method, "pkh"))
		resolve_pkh(r, url->did.ptr, url->did.len);
	else
		resolve_web(r, url->did.ptr, url->did.len);
}

const struct http_route routes_resolve[] = {
	{"GET", "/1.0/identifiers/{did*}", resolve, 0, 0, current_cache, "Resolve a DID (DID Resolution HTTP binding)", "did", NULL},
};
const size_t routes_resolve_count = sizeof(routes_resolve) / sizeof(routes_resolve[0]);
