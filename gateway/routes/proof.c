/* /v1/agents/{id}/proof: an AgentProof object (docs/formats.md section 11).
 *
 * A tag is proven at its head, taken fresh and shared until the next head. Of a block by number a stored proof of that very block
 * is the answer, else one taken now, else, where the node keeps no state that old, the stored proof of the change that was still in
 * force then. Nothing here adds a word of the gateway's own: the object says which block it proves. */
#include "gateway/identity/agent_proof.h"
#include "gateway/routes/proof_cache.h"
#include "gateway/routes/reading.h"
#include "gateway/routes/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char current_cache[] = "public, max-age=2, must-revalidate";
static const char settled_cache[] = "public, max-age=31536000, immutable";

struct proof_request {
	struct http_request *req;
	struct service *service;
	const struct service_registry *registry;
	struct agent_key key;
	struct eth_rpc_at at;
	bool has_hash; /* of a tag: its head is known */
	bool has_number;
	uint64_t number; /* of the block asked for */
	int err;	 /* why none could be taken */
	char why[AGENT_PROOF_WHY_SIZE];
	struct pg_op op;
	struct store_proof stored;
	PGresult *res;
	struct store_resolve_list then;
};

static void drop(void *arg)
{
	struct proof_request *state = arg;

	PQclear(state->res);
	store_resolve_clear(&state->then);
}

/* ---- what the request asks for ---- */

static int parse_at(struct proof_request *state, const char *text)
{
	static const struct {
		const char *name;
		enum eth_rpc_tag tag;
	} tags[] = {{"safe", ETH_RPC_SAFE}, {"finalized", ETH_RPC_FINALIZED}, {"latest", ETH_RPC_LATEST}};
	struct reading_when when;

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (strcmp(text, tags[i].name) == 0) {
			state->at = eth_rpc_at_tag(tags[i].tag);
			return 0;
		}
	if (reading_when_parse(&when, text) != 0 || when.by_time)
		return -EBADMSG;
	state->at = eth_rpc_at_number(when.at);
	state->has_number = true;
	state->number = when.at;
	return 0;
}

static const struct heads_block *head_of(const struct heads_set *heads, enum eth_rpc_tag tag)
{
	if (tag == ETH_RPC_FINALIZED)
		return &heads->finalized;
	return tag == ETH_RPC_LATEST ? &heads->latest : &heads->safe;
}

/* A tag becomes the hash of its head where that is known: one question less, and the key of the cache. */
static void pin(struct proof_request *state)
{
	const struct heads_set *heads;
	const struct heads_block *head;

	if (state->at.kind != ETH_RPC_AT_TAG || heads_get(&heads, &state->registry->chain->heads, HEADS_AGE_MAX_MS) != 0)
		return;
	head = head_of(heads, state->at.tag);
	state->at = eth_rpc_at_hash(&head->hash);
	state->has_hash = state->has_number = true;
	state->number = head->number;
}

/* ---- answers ---- */

static void fail(struct proof_request *state)
{
	struct http_problem problem = {.type = "upstream"};

	switch (state->err) {
	case -EPROTONOSUPPORT:
		problem = (struct http_problem){.type = "not-implemented", .rule = "layout: unknown", .detail = state->why,
						.next = "Where this implementation keeps its state is not known here; the operator can accept its code "
							"hash in the setting registry_code."};
		break;
	case -ENOENT:
		problem = (struct http_problem){.type = "not-found", .detail = "The chain has no such block.",
						.next = "Ask for a block up to the newest one, or without `at` for the newest safe one."};
		break;
	case -ENXIO:
		problem = (struct http_problem){.type = "not-found", .detail = "There was no contract at the registry's address then."};
		break;
	case -ESTALE:
	case -EOPNOTSUPP:
		problem = (struct http_problem){
			.type = "not-found", .detail = "No proof of that block can be had: nodes keep the state of recent blocks only, and none was stored.",
			.next = "Ask without `at` for a proof of the newest safe block, or for a block in which the agent changed while this "
				"gateway followed it: /v1/agents/{id}/history lists them."};
		break;
	case -EKEYREJECTED:
	case -EBADMSG:
		problem.detail = "What the chain's node gave does not hold; it was set aside.";
		break;
	default:
		problem.detail = "The chain cannot be read now.";
	}
	http_problem(state->req, &problem);
}

/* Only of a stored proof is it known that its block is the chain's for ever: of one just taken by number a single provider said
 * which block that is. */
static void reply_stored(struct proof_request *state)
{
	bool settled = state->stored.final && state->at.kind == ETH_RPC_AT_NUMBER && state->stored.number == state->number;

	http_set_cache(state->req, settled ? settled_cache : current_cache);
	http_reply(state->req, 200, "application/json", state->stored.body.data, state->stored.body.len);
}

/* ---- the stored proof of an earlier block ---- */

/* It is the answer only if the state in force in the block asked for began in the stored one, and the index knows that. */
static void on_state(struct pg_op *op)
{
	struct proof_request *state = op->arg;
	const struct store_resolved *row = state->then.rows;

	if (op->err == 0 && store_reach_has(&row->reach, state->number) && row->exists && row->state.number == state->stored.number)
		reply_stored(state);
	else
		fail(state);
}

static void try_earlier(struct proof_request *state)
{
	if (!state->res || !state->has_number) {
		fail(state);
		return;
	}
	state->op = (struct pg_op){.on_done = on_state, .arg = state};
	u256_to_bytes(state->stored.agent_id, &state->key.id);
	if (store_resolve(state->service->resolver, &state->op, &state->then, state->registry->in_index, state->stored.agent_id, NULL, &state->number, 1) != 0)
		fail(state);
}

/* ---- taking one ---- */

static void on_take(void *arg, int err, struct agent_proof_taken *taken);

static void take(struct proof_request *state)
{
	const struct service *service = state->service;
	struct agent_proof_ask ask = {.key = state->key, .at = state->at, .uri_max = AGENT_PROOF_URI_MAX, .codes = service->codes,
				      .ncodes = service->ncodes};

	state->err = agent_proof_take(state->registry->chain->rpc_reads, &ask, SERVICE_RPC_MS, on_take, state);
	if (state->err == -EAGAIN)
		http_fail(state->req, -EAGAIN, "Too many reads are waiting for the chain.");
	else if (state->err != 0)
		fail(state);
}

static void on_stored(struct pg_op *op)
{
	struct proof_request *state = op->arg;

	if (op->err == 0 && state->stored.number == state->number)
		reply_stored(state);
	else if (state->err != 0)
		try_earlier(state);
	else
		take(state);
}

/* Looks for a stored proof of the block asked for or an earlier one. */
static void look(struct proof_request *state)
{
	uint8_t id[32];
	int rc = -ENOENT;

	u256_to_bytes(id, &state->key.id);
	state->op = (struct pg_op){.on_done = on_stored, .arg = state};
	if (state->registry->in_index != 0 && state->has_number)
		rc = store_proof_at(service_reader(state->service), &state->op, &state->stored, &state->res, state->registry->in_index, id,
				    state->number);
	if (rc == 0)
		return;
	if (state->err != 0)
		fail(state);
	else
		take(state);
}

static void on_take(void *arg, int err, struct agent_proof_taken *taken)
{
	struct proof_request *state = arg;
	struct http_response *response;

	if (err != 0) {
		state->err = err;
		snprintf(state->why, sizeof(state->why), "%s", taken->why);
		if (state->res)
			try_earlier(state);
		else if (state->at.kind == ETH_RPC_AT_NUMBER || http_answered(state->req))
			fail(state);
		else
			look(state);
		return;
	}
	if (!state->has_hash || taken->len > PROOF_CACHE_BYTES_MAX) {
		http_set_cache(state->req, current_cache);
		http_reply_take(state->req, 200, "application/json", taken->text, taken->len, free);
		taken->text = NULL;
		return;
	}
	response = http_response_new("application/json", taken->text, taken->len, current_cache, NULL);
	if (!response) {
		http_fail(state->req, -ENOMEM, NULL);
		return;
	}
	proof_cache_keep(&state->service->proofs, &state->key, &state->at.hash, response);
	http_reply_shared(state->req, response);
	http_response_unref(response);
}

static void get_proof(struct http_request *req)
{
	struct proof_request *state = http_state(req, sizeof(*state));
	struct http_response *ready;
	const char *at;

	if (!state || http_defer(req, drop, state) != 0) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	state->req = req;
	state->service = http_user(req);
	state->registry = service_agent_of(&state->key, req);
	if (!state->registry)
		return;
	if (parse_at(state, http_query(req, &at, "at") == 0 ? at : "safe") != 0) {
		http_fail(req, -EBADMSG, "`at` is a block number, safe, finalized or latest.");
		return;
	}
	pin(state);
	ready = state->has_hash ? proof_cache_find(state->service->proofs, &state->key, &state->at.hash) : NULL;
	if (ready)
		http_reply_shared(req, ready);
	else if (state->at.kind == ETH_RPC_AT_NUMBER)
		look(state);
	else
		take(state);
}

static const char *const proof_query[] = {"at", NULL};

const struct http_route routes_proof[] = {
	{"GET", "/v1/agents/{id}/proof", get_proof, 0, 0, current_cache,
	 "A proof of what the registry holds about an agent at the end of a block, which rests on the block's hash alone", "agents",
	 proof_query},
};
const size_t routes_proof_count = sizeof(routes_proof) / sizeof(routes_proof[0]);
