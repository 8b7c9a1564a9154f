/* DID documents at their did:web addresses. An agent's is made of the index where that is at the heads, else of the authority
 * cache's verdict; either way it costs nothing more while the heads stand. */
#include "did/did_web.h"
#include "did/resolution.h"
#include "gateway/routes/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char current_cache[] = "public, max-age=2, must-revalidate";

static const char *document_type(struct http_request *req)
{
	return resolution_document_type(http_accept(req));
}

/* Sends the document as a shared answer and keeps that for the next who asks while the heads stand (now NULL: for
 * ever; then agent is NULL too). */
static void reply_document(struct http_request *req, const char *text, size_t len, const struct agent_key *agent, const struct reading_now *now)
{
	struct documents_answer answer = {.agent = agent, .type = document_type(req), .body = text, .len = len,
					  .cache = http_request_route(req)->cache};
	struct service *service = http_user(req);
	struct http_response *made;

	if (now)
		view_heads(&answer.safe, &answer.latest, now);
	made = documents_make(&service->documents, &answer);
	if (made)
		http_reply_shared(req, made);
	else
		http_fail(req, -ENOMEM, NULL);
	http_response_unref(made);
}

static void get_host_document(struct http_request *req)
{
	struct service *service = http_user(req);
	struct http_response *ready = documents_find(service->documents, NULL, document_type(req), NULL, NULL);
	json_t *document = NULL;
	char *text;
	int rc;

	if (ready) {
		http_reply_shared(req, ready);
		return;
	}
	rc = view_host_document(&document, service);
	text = rc == 0 ? json_dumps(document, JSON_COMPACT) : NULL;
	json_decref(document);
	if (text)
		reply_document(req, text, strlen(text), NULL, NULL);
	else
		http_fail(req, rc != 0 ? rc : -ENOMEM, NULL);
	free(text);
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

static void on_now(void *arg, int err, const struct reading_now *now)
{
	struct agent_state_of_request *state = arg;
	struct jcs_buffer document = {0};

	if (err == 0 && !now->latest.exists) {
		http_set_cache(state->req, "no-store");
		view_absent(state->req, now->latest_block.number);
		return;
	}
	if (err != 0) {
		cannot_say(state->req);
		return;
	}
	err = view_now_document(&document, NULL, state->service, &state->key, now);
	if (err != 0)
		http_fail(state->req, err, NULL);
	else
		reply_document(state->req, document.data, document.len, &state->key, now);
	jcs_buffer_clear(&document);
}

/* The same heads that reading_now() would ask about, and as fresh. */
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
		http_problem(req, &(struct http_problem){
					  .type = "not-found", .detail = "No agent has such a path here.",
					  .next = "Chain and id are decimal without leading zeros. Agents of the default registry are at "
						  "/agent/CHAIN/ID/did.json only, those of other registries served at "
						  "/agent/eip155/CHAIN/0xREGISTRY/ID/did.json, in lower case."});
		return;
	}
	ready = ready_document(service, state->registry->chain, &state->key, document_type(req));
	if (ready)
		http_reply_shared(req, ready);
	else
		reading_now(req, state->registry, &state->key, READING_FILE, on_now, state);
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

const struct http_route routes_did[] = {
	{"GET", "/.well-known/did.json", get_host_document, 0, 0, "public, max-age=60", "The gateway's own DID document", "did", NULL},
	{"GET", "/agent/{chain}/{id}/did.json", get_agent_document, 0, 0, current_cache, "An agent's DID document", "did", NULL},
	{"GET", "/agent/eip155/{chain}/{registry}/{id}/did.json", get_registry_agent_document, 0, 0, current_cache,
	 "The DID document of an agent of another registry", "did", NULL},
};
const size_t routes_did_count = sizeof(routes_did) / sizeof(routes_did[0]);
