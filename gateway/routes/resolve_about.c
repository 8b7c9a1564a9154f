/* What the resolver says of itself, in the forms of the Universal Resolver: methods, properties, and identifiers to try it with. */
#include "did/jcs_put.h"
#include "gateway/routes/service.h"
#include "sql/store_identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* CAIP-10's own example, which every did:pkh resolver knows, and one of the draft's for each other namespace. */
static const char *const pkh[] = {
	"did:pkh:eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb",
	"did:pkh:bip122:000000000019d6689c085ae165831e93:128Lkh3S7CkDTBZ8W7BbpsN3YYizJMp8p6",
	"did:pkh:solana:4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ:CKg5d12Jhpej1JqtmxLJgaFqqeYjxgPqToJ4LBdvG9Ev",
	"did:pkh:tezos:NetXdQprcVkpaWU:tz1TzrmTBSuiVHV2VfMnGRMYvTEPCP42oSM8",
	"did:pkh:arweave:7wIU:kY9RAgTJEImkBpiKgVeXrsGV02T-D4dI3ZvSpnn7HSk",
};

/* Takes the buffer. */
static void reply(struct http_request *req, struct jcs_buffer *buffer, const struct jcs_put *put)
{
	if (put->err == 0) {
		http_reply_take(req, 200, "application/json", buffer->data, buffer->len, free);
		return;
	}
	jcs_buffer_clear(buffer);
	http_fail(req, put->err, NULL);
}

static void put_list(struct jcs_put *put, const char *name, const char *const items[], size_t n)
{
	jcs_put_open(put, name, '[');
	for (size_t i = 0; i < n; i++)
		jcs_put_text(put, NULL, items[i]);
	jcs_put_close(put, ']');
}

static const char *const methods[] = {"pkh", "web"};

static void get_methods(struct http_request *req)
{
	struct jcs_buffer buffer = {0};
	struct jcs_put put = {.out = &buffer};

	put_list(&put, NULL, methods, 2);
	reply(req, &buffer, &put);
}

static void get_properties(struct http_request *req)
{
	static const char *const options[] = {"accept",	     "expandRelativeUrls", "noCache",	"relativeRef", "service",
					      "serviceType", "verificationRelationship", "versionId", "versionTime"};
	struct service *service = http_user(req);
	struct jcs_buffer buffer = {0};
	struct jcs_put put = {.out = &buffer};

	jcs_put_open(&put, NULL, '{');
	jcs_put_open(&put, "kedge", '{');
	jcs_put_text(&put, "did", service_did(service));
	put_list(&put, "methods", methods, 2);
	put_list(&put, "options", options, sizeof(options) / sizeof(options[0]));
	jcs_put_text(&put, "version", KEDGE_VERSION);
	jcs_put_close(&put, '}');
	jcs_put_close(&put, '}');
	reply(req, &buffer, &put);
}

/* ---- identifiers to try it with ---- */

struct examples {
	struct http_request *req;
	struct store_agent_filter filter;
	struct pg_op op;
	struct store_agents found;
};

static void drop(void *arg)
{
	store_agents_clear(&((struct examples *)arg)->found);
}

/* The DID of the first agent there is; false: there is none, or it cannot be said now. */
static bool first_agent(char did[static AGENT_DID_SIZE], const struct examples *state)
{
	const struct service *service = http_user(state->req);
	struct agent_key key = service->registries[0].key;

	if (state->op.err != 0 || state->found.n == 0)
		return false;
	u256_from_bytes(&key.id, state->found.rows[0].agent_id);
	return agent_did_format(did, &key, &service->defaults) > 0;
}

static void on_agents(struct pg_op *op)
{
	struct examples *state = op->arg;
	struct jcs_buffer buffer = {0};
	struct jcs_put put = {.out = &buffer};
	char did[AGENT_DID_SIZE];

	jcs_put_open(&put, NULL, '{');
	put_list(&put, "pkh", pkh, sizeof(pkh) / sizeof(pkh[0]));
	jcs_put_open(&put, "web", '[');
	jcs_put_text(&put, NULL, service_did(http_user(state->req)));
	if (first_agent(did, state))
		jcs_put_text(&put, NULL, did);
	jcs_put_close(&put, ']');
	jcs_put_close(&put, '}');
	reply(state->req, &buffer, &put);
}

static void get_test_identifiers(struct http_request *req)
{
	struct examples *state = http_state(req, sizeof(*state));
	struct service *service = http_user(req);
	uint32_t registry = service->registries[0].in_index;

	if (!state || http_defer(req, drop, state) != 0) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	*state = (struct examples){.req = req, .filter = {.registry = registry, .limit = 1}, .op = {.on_done = on_agents, .arg = state}};
	if (registry == 0 || store_agents(service_reader(service), &state->op, &state->found, &state->filter) != 0)
		on_agents(&state->op);
}

static const char *const no_query[] = {NULL};

const struct http_route routes_resolve_about[] = {
	{"GET", "/1.0/methods", get_methods, 0, 0, "public, max-age=3600", "DID methods resolved here", "did", no_query},
	{"GET", "/1.0/properties", get_properties, 0, 0, "public, max-age=3600", "What the resolver is", "did", no_query},
	{"GET", "/1.0/testIdentifiers", get_test_identifiers, 0, 0, "public, max-age=60", "DIDs that resolve", "did", no_query},
};
const size_t routes_resolve_about_count = sizeof(routes_resolve_about) / sizeof(routes_resolve_about[0]);
