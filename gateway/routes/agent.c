/* /v1/agents/{id}: what the registry holds about an agent, at `safe` and at `latest`, with where that was read. */
#include "gateway/identity/agent.h"
#include "gateway/routes/service.h"

#include "eth/hex.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *state_json(const struct agent_state *state, const struct heads_block *block)
{
	char owner[ADDRESS_TEXT_SIZE], wallet[ADDRESS_TEXT_SIZE], hash[HEX_DATA_SIZE(32)], number[24];
	json_t *uri = NULL;

	hex_encode_data(hash, block->hash.bytes, 32);
	snprintf(number, sizeof(number), "%ju", (uintmax_t)block->number);
	address_format_eip55(owner, &state->owner);
	address_format_eip55(wallet, &state->wallet);
	/* the contract holds any bytes; what is not UTF-8 text cannot stand in JSON */
	if (state->uri)
		uri = json_stringn(state->uri, state->uri_len);
	if (!state->exists)
		return json_pack("{s:{s:s, s:s}, s:b}", "block", "hash", hash, "number", number, "exists", 0);
	return json_pack("{s:{s:s, s:s}, s:b, s:s, s:s?, s:o}", "block", "hash", hash, "number", number, "exists", 1, "owner", owner,
			 "wallet", address_is_zero(&state->wallet) ? NULL : wallet, "uri", uri ? uri : json_null());
}

struct agent_request {
	struct http_request *req;
	struct service *service;
	struct agent_key key;
};

static void cannot_read(struct http_request *req)
{
	http_problem(req, &(struct http_problem){.type = "upstream", .detail = "The chain cannot be read now."});
}

static void on_pair(void *arg, int err, struct agent_pair *pair)
{
	struct agent_request *state = arg;
	char key[AGENT_KEY_TEXT_SIZE], did[AGENT_DID_SIZE], *text;

	if (err != 0) {
		cannot_read(state->req);
		return;
	}
	if (!pair->latest.exists) {
		http_fail(state->req, -ENOENT, "The registry has no agent with this id.");
		return;
	}
	agent_key_format(key, &state->key);
	if (agent_did_format(did, &state->key, &state->service->defaults) < 0) {
		http_fail(state->req, -EPROTO, NULL);
		return;
	}
	json_auto_t *answer = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "agent", key, "did", did, "tier", "rpc", "index", "syncing",
					"latest", state_json(&pair->latest, &pair->latest_block), "safe",
					state_json(&pair->safe, &pair->safe_block));

	text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	if (text)
		http_reply_take(state->req, 200, "application/json", text, strlen(text), free);
	else
		http_fail(state->req, -ENOMEM, NULL);
}

static void get_agent(struct http_request *req)
{
	struct agent_request *state = http_state(req, sizeof(*state));
	struct service *service = http_user(req);
	const struct service_registry *registry;
	const struct heads_set *heads;
	int rc;

	if (!state) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	*state = (struct agent_request){.req = req, .service = service};
	registry = service_agent_of(&state->key, req);
	if (!registry)
		return;
	rc = heads_get(&heads, &registry->chain->heads, HEADS_AGE_MAX_MS);
	if (rc == 0)
		rc = agent_read_pair(registry->chain->rpc_reads, &state->key, heads, true, SERVICE_RPC_MS, on_pair, state);
	if (rc != 0)
		cannot_read(req);
}

const struct http_route routes_agent[] = {
	{"GET", "/v1/agents/{id}", get_agent, 0, 0, "public, max-age=2, must-revalidate", "An agent's state at safe and latest",
	 "agents", NULL},
};
const size_t routes_agent_count = sizeof(routes_agent) / sizeof(routes_agent[0]);
