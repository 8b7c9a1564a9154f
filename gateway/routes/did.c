/* DID documents at their did:web addresses, and the DID Resolution binding at /1.0/identifiers/ (facts: W3C DID Resolution CR 2026).
 * A current document is made of the authority cache's verdict and costs no read of the chain while the heads stand; a document
 * as of a block is read at that block's hash. */
#include "did/agent_document.h"
#include "did/did_pkh.h"
#include "did/did_web.h"
#include "did/resolution.h"
#include "eth/hex.h"
#include "gateway/identity/agent.h"
#include "gateway/routes/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADS_MARGIN = 1024 };

static const char current_cache[] = "public, max-age=2, must-revalidate";
static const char final_cache[] = "public, max-age=31536000, immutable";

/* ---- what is known about an agent, as JSON ---- */

static json_t *block_json(const struct heads_block *block)
{
	char hash[HEX_DATA_SIZE(32)], number[24];

	hex_encode_data(hash, block->hash.bytes, 32);
	snprintf(number, sizeof(number), "%ju", (uintmax_t)block->number);
	return json_pack("{s:s, s:s}", "hash", hash, "number", number);
}

static struct agent_authority authority_from(const struct authority_at *at)
{
	return (struct agent_authority){.owner = at->owner, .wallet = at->wallet};
}

static int current_document(json_t **document, const struct service *service, const struct agent_key *key,
			    const struct authority *verdict)
{
	struct agent_document agent = {.key = *key, .safe = authority_from(&verdict->safe),
				       .latest = authority_from(&verdict->latest),
				       .wallet_authenticates = service->config->wallet_authentication};

	return agent_document_build(document, NULL, &agent, &service->defaults);
}

/* Where the answer stands: blocks, tier, and that history is not indexed. */
static json_t *current_metadata(const struct authority *verdict)
{
	return json_pack("{s:{s:s, s:o, s:o, s:s}}", "gateway", "index", "syncing", "latest", block_json(&verdict->latest_block),
			 "safe", block_json(&verdict->safe_block), "tier", "rpc");
}

static const char *finality_of(const struct service_chain *chain, const struct heads_block *block)
{
	const struct heads_set *heads;

	if (heads_get(&heads, &chain->heads, HEADS_AGE_MAX_MS) != 0)
		return "latest";
	if (block->number <= heads->finalized.number)
		return "finalized";
	return block->number <= heads->safe.number ? "safe" : "latest";
}

static int host_document(json_t **document, const struct service *service)
{
	struct host_document host = {.host = service->config->host, .base_url = service->config->public_url,
				     .log_vkey = service->vkey, .anchor_chain = service->config->chain_id};

	memcpy(host.log_key, service->log_key.public_key, 32);
	host.has_anchor = service->has_anchor;
	host.anchor_contract = service->anchor_contract;
	return host_document_build(document, &host);
}

static void reply_json(struct http_request *req, unsigned status, const char *type, json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

	if (text)
		http_reply_take(req, status, type, text, strlen(text), free);
	else
		http_fail(req, -ENOMEM, NULL);
}

/* ---- did.json ---- */

static const char *document_type(struct http_request *req)
{
	return resolution_document_type(http_header(req, "Accept"));
}

/* Takes document. Sends it as a shared answer and keeps that for the next who asks while the verdict holds (NULL: for
 * ever; then agent is NULL too). */
static void reply_document(struct http_request *req, json_t *document, const struct agent_key *agent,
			   const struct authority *verdict)
{
	static const struct http_pair vary[] = {{"Vary", "Accept"}, {NULL, NULL}};
	struct service *service = http_user(req);
	const char *type = document_type(req), *cache = http_request_route(req)->cache;
	char *text = json_dumps(document, JSON_COMPACT);
	struct http_response *made = text ? http_response_new(type, text, strlen(text), cache, vary) : NULL;

	free(text);
	json_decref(document);
	if (!made) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	if (!service->documents)
		service->documents = documents_new();
	if (service->documents)
		documents_keep(service->documents, agent, type, verdict ? &verdict->safe_block.hash : NULL,
			       verdict ? &verdict->latest_block.hash : NULL, made);
	http_reply_shared(req, made);
	http_response_unref(made);
}

static void get_host_document(struct http_request *req)
{
	struct service *service = http_user(req);
	struct http_response *ready = documents_find(service->documents, NULL, document_type(req), NULL, NULL);
	json_t *document = NULL;
	int rc;

	if (ready) {
		http_reply_shared(req, ready);
		return;
	}
	rc = host_document(&document, service);
	if (rc != 0)
		http_fail(req, rc, NULL);
	else
		reply_document(req, document, NULL, NULL);
}

struct agent_state_of_request {
	struct agent_key key;
	const struct service_registry *registry;
	struct service *service;
	struct http_request *req;
};

static void cannot_say(struct http_request *req)
{
	http_problem(req, &(struct http_problem){.type = "upstream",
						 .detail = "The chain cannot be read now, so who this agent is cannot be said."});
}

static void on_document_verdict(void *arg, int err, const struct authority *verdicts, size_t n)
{
	struct agent_state_of_request *state = arg;
	json_t *document = NULL;

	(void)n;
	if (err == 0)
		err = verdicts[0].err;
	if (err == 0 && !verdicts[0].latest.exists) {
		http_set_cache(state->req, "no-store");
		http_fail(state->req, -ENOENT, "The registry has no agent with this id.");
		return;
	}
	if (err != 0) {
		cannot_say(state->req);
		return;
	}
	err = current_document(&document, state->service, &state->key, &verdicts[0]);
	if (err != 0)
		http_fail(state->req, err, NULL);
	else
		reply_document(state->req, document, &state->key, &verdicts[0]);
}

/* The same heads that authority_get() would ask about, and as fresh. */
static struct http_response *ready_document(const struct service *service, const struct service_chain *chain,
					    const struct agent_key *key, const char *type)
{
	const struct heads_set *heads;

	if (heads_get(&heads, &chain->heads, HEADS_AGE_MAX_MS) != 0)
		return NULL;
	return documents_find(service->documents, key, type, &heads->safe.hash, &heads->latest.hash);
}

static void serve_agent_document(struct http_request *req, const char *did, int length)
{
	struct agent_state_of_request *state = http_state(req, sizeof(*state));
	struct service *service = http_user(req);
	struct http_response *ready;

	if (!state) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	state->service = service;
	state->req = req;
	if (length < 0 || length >= AGENT_DID_SIZE ||
	    agent_did_parse(&state->key, did, (size_t)length, &service->defaults) != 0 ||
	    !(state->registry = service_registry(service, &state->key))) {
		http_fail(req, -ENOENT, "No agent has such a path here: chain and id are decimal without leading zeros.");
		return;
	}
	ready = ready_document(service, state->registry->chain, &state->key, document_type(req));
	if (ready)
		http_reply_shared(req, ready);
	else if (authority_get(state->registry->chain->authority, &state->key, on_document_verdict, state) != 0)
		cannot_say(req);
}

/* The path is the DID with slashes for colons, so the DID's own parser judges it. */
static void get_agent_document(struct http_request *req)
{
	struct service *service = http_user(req);
	char did[AGENT_DID_SIZE], host[DID_WEB_HOST_DID_SIZE];
	int rc = did_web_from_host(host, sizeof(host), service->config->host);

	rc = rc < 0 ? rc : snprintf(did, sizeof(did), "%s:agent:%s:%s", host, http_param(req, "chain"), http_param(req, "id"));
	serve_agent_document(req, did, rc);
}

static void get_registry_agent_document(struct http_request *req)
{
	struct service *service = http_user(req);
	char did[AGENT_DID_SIZE], host[DID_WEB_HOST_DID_SIZE];
	int rc = did_web_from_host(host, sizeof(host), service->config->host);

	rc = rc < 0 ? rc : snprintf(did, sizeof(did), "%s:agent:eip155:%s:%s:%s", host, http_param(req, "chain"),
				    http_param(req, "registry"), http_param(req, "id"));
	serve_agent_document(req, did, rc);
}

/* ---- /1.0/identifiers/ ---- */

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
		reply_json(r->req, (unsigned)resolution_error(code)->status, RESOLUTION_TYPE, envelope);
	json_decref(envelope);
}

/* Takes document and metadata. */
static void reply_resolved(struct resolving *r, json_t *document, json_t *metadata, const char *cache)
{
	json_t *envelope = NULL;

	http_set_cache(r->req, cache);
	http_set_header(r->req, "Vary", "Accept");
	if (!r->accept.envelope) {
		reply_json(r->req, 200, r->accept.content_type, document);
	} else if (resolution_envelope(&envelope, document, metadata, NULL) != 0) {
		http_fail(r->req, -ENOMEM, NULL);
	} else {
		reply_json(r->req, 200, r->accept.content_type, envelope);
	}
	json_decref(envelope);
	json_decref(document);
	json_decref(metadata);
}

static void on_current(void *arg, int err, const struct authority *verdicts, size_t n)
{
	struct resolving *r = arg;
	json_t *document = NULL;

	(void)n;
	if (err == 0)
		err = verdicts[0].err;
	if (err != 0) {
		reply_error(r, RESOLUTION_INTERNAL_ERROR, "The chain cannot be read now; try again.");
	} else if (!verdicts[0].latest.exists) {
		reply_error(r, RESOLUTION_NOT_FOUND, "The registry has no agent with this id.");
	} else if (current_document(&document, r->service, &r->key, &verdicts[0]) != 0) {
		reply_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
	} else {
		reply_resolved(r, document, current_metadata(&verdicts[0]), current_cache);
	}
}

static void on_version(void *arg, int err, const struct heads_block *block, struct agent_state *state)
{
	struct resolving *r = arg;
	struct agent_document agent = {.key = r->key, .wallet_authenticates = r->service->config->wallet_authentication};
	const char *finality;
	json_t *document = NULL, *metadata;
	char version[24];

	if (err == -ENOENT || (err == 0 && !state->exists)) {
		reply_error(r, RESOLUTION_NOT_FOUND, err == 0 ? "The agent did not exist at that block." : "There is no such block yet.");
		return;
	}
	if (err != 0) {
		reply_error(r, RESOLUTION_INTERNAL_ERROR,
			    err == -ESTALE ? "The chain's node does not keep the state of that block." :
					     "The chain cannot be read now; try again.");
		return;
	}
	agent.safe = agent.latest = (struct agent_authority){.owner = state->owner, .wallet = state->wallet};
	if (agent_document_build(&document, NULL, &agent, &r->service->defaults) != 0) {
		reply_error(r, RESOLUTION_INTERNAL_ERROR, NULL);
		return;
	}
	finality = finality_of(r->registry->chain, block);
	snprintf(version, sizeof(version), "%ju", (uintmax_t)block->number);
	metadata = json_pack("{s:s, s:{s:o, s:s, s:s, s:s}}", "versionId", version, "gateway", "block", block_json(block),
			     "finality", finality, "index", "syncing", "tier", "rpc");
	reply_resolved(r, document, metadata, strcmp(finality, "finalized") == 0 ? final_cache : "no-cache");
}

static void resolve_agent(struct resolving *r)
{
	struct eth_rpc_at at = eth_rpc_at_number(r->request.options.version_id);
	const struct heads_set *heads;
	int rc;

	/* far beyond the head, which is known here a moment late; nodes refuse what does not fit their own integers */
	if (r->request.options.has_version_id && heads_get(&heads, &r->registry->chain->heads, HEADS_AGE_MAX_MS) == 0 &&
	    r->request.options.version_id > heads->latest.number + HEADS_MARGIN) {
		reply_error(r, RESOLUTION_NOT_FOUND, "There is no such block yet.");
		return;
	}
	if (r->request.options.has_version_id)
		rc = agent_read_at(r->registry->chain->rpc_reads, &r->key, &at, false, SERVICE_RPC_MS, on_version, r);
	else
		rc = authority_get(r->registry->chain->authority, &r->key, on_current, r);
	if (rc != 0)
		reply_error(r, RESOLUTION_INTERNAL_ERROR, "The chain cannot be read now; try again.");
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
	else if (rc == -EOPNOTSUPP)
		reply_error(r, RESOLUTION_FEATURE_NOT_SUPPORTED, "Of did:pkh only the namespace eip155 is served.");
	else
		reply_error(r, RESOLUTION_INVALID_DID, "Not a did:pkh: CAIP-10 form or address checksum is wrong.");
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
			reply_error(r, RESOLUTION_NOT_FOUND, "This host has no such DID.");
		return;
	}
	if (r->request.options.has_version_id || r->request.options.has_version_time)
		reply_error(r, RESOLUTION_FEATURE_NOT_SUPPORTED, "The host's document has no versions.");
	else if (host_document(&document, r->service) != 0)
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
	if (r->request.options.has_version_time) {
		reply_error(r, RESOLUTION_FEATURE_NOT_SUPPORTED, "versionTime is not offered; use versionId, a block number.");
		return;
	}
	url = &r->request.url;
	if (did_slice_is(url->method, "pkh"))
		resolve_pkh(r, url->did.ptr, url->did.len);
	else
		resolve_web(r, url->did.ptr, url->did.len);
}

const struct http_route routes_did[] = {
	{"GET", "/.well-known/did.json", get_host_document, 0, 0, "public, max-age=60", "The gateway's own DID document", "did", NULL},
	{"GET", "/agent/{chain}/{id}/did.json", get_agent_document, 0, 0, current_cache, "An agent's DID document", "did", NULL},
	{"GET", "/agent/eip155/{chain}/{registry}/{id}/did.json", get_registry_agent_document, 0, 0, current_cache,
	 "The DID document of an agent of another registry", "did", NULL},
	{"GET", "/1.0/identifiers/{did*}", resolve, 0, 0, current_cache, "Resolve a DID (DID Resolution HTTP binding)", "did", NULL},
};
const size_t routes_did_count = sizeof(routes_did) / sizeof(routes_did[0]);
