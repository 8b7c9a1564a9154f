/* The DID Resolution binding at /1.0/identifiers/ (facts: W3C DID Resolution, Candidate Recommendation of July 2026). */
#include "gateway/routes/resolve.h"

#include "did/did_pkh.h"

#include <errno.h>
#include <string.h>

static const char place[] = "/1.0/identifiers/";
static const char current_cache[] = "public, max-age=2, must-revalidate";

/* ---- which DIDs there are ---- */

static bool is_pkh(struct resolving *r)
{
	return did_slice_is(r->request.url.method, "pkh");
}

static void refuse_pkh(struct resolving *r, int rc)
{
	char words[DID_PKH_WORDS_SIZE];

	did_pkh_words(words, r->request.url.did.ptr, r->request.url.did.len);
	resolve_error(r, rc == -EOPNOTSUPP ? RESOLUTION_FEATURE_NOT_SUPPORTED : RESOLUTION_INVALID_DID, words);
}

static void resolve_pkh(struct resolving *r)
{
	const struct did_slice *did = &r->request.url.did;
	json_t *document = NULL;
	int rc = did_pkh_document(&document, did->ptr, did->len);

	if (rc == 0)
		resolve_found_tree(r, document, NULL, &(struct resolve_found){.cache = "public, max-age=86400"});
	else if (rc == -ENOMEM)
		resolve_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
	else
		refuse_pkh(r, rc);
}

/* What stands behind this host's DID, *len bytes; NULL: the DID is none of this host's. */
static const char *own_rest(struct resolving *r, size_t *len)
{
	const char *own = service_did(r->service);
	const struct did_slice *did = &r->request.url.did;
	size_t own_len = strlen(own);

	if (own_len == 0 || did->len < own_len || memcmp(did->ptr, own, own_len) != 0 || (did->len > own_len && did->ptr[own_len] != ':'))
		return NULL;
	*len = did->len - own_len;
	return did->ptr + own_len;
}

static bool is_host(struct resolving *r)
{
	size_t len;

	r->host = own_rest(r, &len) && len == 0;
	return r->host;
}

static void resolve_host(struct resolving *r)
{
	json_t *document = NULL;

	if (resolve_wants_version(r))
		resolve_error(r, RESOLUTION_FEATURE_NOT_SUPPORTED, "The host's document has no versions.");
	else if (view_host_document(&document, r->service) != 0)
		resolve_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
	else
		resolve_found_tree(r, document, NULL, &(struct resolve_found){.cache = "public, max-age=60", .keep = true});
}

static bool is_own(struct resolving *r)
{
	size_t len;

	return own_rest(r, &len) != NULL;
}

static bool is_any(struct resolving *r)
{
	(void)r;
	return true;
}

/* The first that knows the DID finds it. */
static const struct {
	bool (*knows)(struct resolving *r);
	void (*find)(struct resolving *r);
} rows[] = {
	{is_pkh, resolve_pkh},
	{is_host, resolve_host},
	{resolve_is_agent, resolve_agent},
	{is_own, resolve_participant},
	{is_any, resolve_foreign}, /* the other hosts' */
};

/* ---- the steps ---- */

static struct resolving *state_of(struct http_request *req)
{
	return http_state(req, sizeof(struct resolving));
}

/* A body is JSON, or there is none; the specification's own example names no type. */
static bool is_json_or_nothing(struct http_request *req, size_t len)
{
	return len == 0 || !http_header(req, "Content-Type") || http_body_is(req, "application/json");
}

static enum resolution_code parse(struct resolving *r, const char *body, size_t body_len)
{
	const char *path = http_path(r->req) + strlen(place), *query = http_query_string(r->req);
	size_t path_len = strlen(path), query_len = strlen(query);
	bool json = is_json_or_nothing(r->req, body_len);
	enum resolution_code code;

	r->request.room = resolution_request_room(path_len, query_len, body_len);
	r->request.memory = http_alloc(r->req, r->request.room);
	if (!r->request.memory)
		return RESOLUTION_INTERNAL_ERROR;
	code = resolution_request_parse(&r->request, r->detail, path, path_len, query, query_len, body, json ? body_len : 0);
	if (code != RESOLUTION_OK || json)
		return code;
	memcpy(r->detail, "Send options as application/json.", sizeof("Send options as application/json."));
	return RESOLUTION_INVALID_OPTIONS;
}

static void read_request(struct http_request *req)
{
	struct resolving *r = state_of(req);
	enum resolution_code code;
	const uint8_t *body;
	size_t body_len;

	if (!r) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	r->req = req;
	r->service = http_user(req);
	body = http_body(req, &body_len);
	code = parse(r, (const char *)body, body_len);
	if (code == RESOLUTION_OK) {
		http_next(req);
		return;
	}
	/* the form of the error, as far as it was said */
	(void)resolution_negotiate(&r->accept, http_accept(req), RESOLUTION_OFFER_DOCUMENT);
	resolve_error(r, code, r->detail);
}

static void choose_form(struct http_request *req)
{
	struct resolving *r = state_of(req);
	const struct resolution_options *options = &r->request.options;
	const char *wanted = options->accept ? options->accept : http_accept(req);

	if (resolution_negotiate(&r->accept, wanted, resolution_request_offer(&r->request)) == RESOLUTION_OK)
		http_next(req);
	else
		resolve_error(r, RESOLUTION_REPRESENTATION_NOT_SUPPORTED,
			      "Ask for application/did-resolution, application/did-url-dereferencing, application/did or application/json; for "
			      "text/uri-list only where a service is named.");
}

static void find(struct http_request *req)
{
	struct resolving *r = state_of(req);
	size_t i = 0;

	while (!rows[i].knows(r))
		i++;
	/* one answer for all who ask for the whole of the present document and nothing more */
	if (resolution_request_offer(&r->request) == RESOLUTION_OFFER_DOCUMENT && !resolve_wants_version(r) && !r->request.options.no_cache &&
	    strcmp(http_method(req), "POST") != 0)
		r->type = r->accept.content_type;
	if (!r->type || !resolve_send_ready(r))
		rows[i].find(r);
}

static void resolve(struct http_request *req)
{
	static http_handler *const steps[] = {read_request, choose_form, find, NULL};

	http_steps(req, steps);
}

/* Nothing behind the slash is no DID: an error as the others here, and no unknown path. */
static void resolve_none(struct http_request *req)
{
	struct resolving *r = state_of(req);

	if (!r) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	r->req = req;
	resolve_error(r, RESOLUTION_INVALID_DID, "Put a DID or a DID URL behind /1.0/identifiers/.");
}

const struct http_route routes_resolve[] = {
	{"GET", "/1.0/identifiers/{did*}", resolve, 0, 0, current_cache, "Resolve a DID, or dereference a DID URL (DID Resolution HTTP binding)", "did", NULL},
	{"POST", "/1.0/identifiers/{did*}", resolve, RESOLUTION_BODY_MAX, 0, "no-store", "The same with options as JSON", "did", NULL},
	{"GET", "/1.0/identifiers/", resolve_none, 0, 0, NULL, "An error: there is no DID", "did", NULL},
};
const size_t routes_resolve_count = sizeof(routes_resolve) / sizeof(routes_resolve[0]);
