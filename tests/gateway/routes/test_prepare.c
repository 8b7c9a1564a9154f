/* POST /v1/agents/prepare/{verb} over a real server and a fake node: what bodies are refused, where and with which next
 * step; what an answer holds. */
#include "gateway/identity/registry.h"
#include "gateway/routes/service.h"
#include "tests/gateway/http/rig.h"
#include "tests/gateway/identity/fake_prepare.h"

#include <event2/event.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OWNER "0x1563915e194D8CfBA1943570603F7606A3115508"
#define WALLET "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
#define REGISTRY "0x8004a169fb4a3325136eb29fa0ceb6d2e539a432"
#define BY_OWNER                                                                                                       \
	"0x59593283de6a399d59088714f7164f1c8582ffded787460b90f7b9732b06e5fa633023fd0c8793189af04d6309722db65adf334208b8" \
	"c2e17e691ed362398c351b"
#define FROM "\"from\":\"" OWNER "\""

struct prepare_rig {
	struct rig http;
	struct service service;
	struct config config;
	struct fake_node node;
};

static int setup(void **state)
{
	static const uint8_t seed[32] = {1};
	struct prepare_rig *rig = calloc(1, sizeof(*rig));
	struct http_options options = {.user = &rig->service, .public_url = "https://kedge.example"};
	struct service *service = &rig->service;
	struct service_chain *chain = &service->chains[0];
	struct eth_rpc_config rpc = {.chain_id = 31337, .queue = 4};
	struct eth_address registry;

	fake_node_start(&rig->node, fake_prepare);
	rpc.url = rig->node.url;
	rig->http.base = event_base_new();
	snprintf(rig->config.host, sizeof(rig->config.host), "kedge.example");
	service->config = &rig->config;
	service->base = rig->http.base;
	service->signatures = signature_context_new(seed);
	service->nchains = service->nregistries = 1;
	chain->id = 31337;
	assert_int_equal(eth_rpc_new(&chain->rpc_reads, rig->http.base, &rpc), 0);
	assert_int_equal(address_parse(&registry, REGISTRY, strlen(REGISTRY)), 0);
	service->registries[0] = (struct service_registry){.key = {.chain = 31337, .registry = registry}, .chain = chain};
	service->defaults = (struct agent_defaults){.host = rig->config.host, .chain = 31337, .registry = registry};
	assert_int_equal(http_router_new(&rig->http.router, routes_prepare, routes_prepare_count), 0);
	assert_int_equal(http_listen_tcp(&options.fd, "127.0.0.1", 0, true), 0);
	options.router = rig->http.router;
	assert_int_equal(http_server_new(&rig->http.server, rig->http.base, &options), 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct prepare_rig *rig = *state;

	http_server_free(rig->http.server);
	eth_rpc_free(rig->service.chains[0].rpc_reads);
	signature_context_free(rig->service.signatures);
	http_router_free(rig->http.router);
	event_base_free(rig->http.base);
	fake_node_stop(&rig->node);
	free(rig);
	return 0;
}

/* The answer as JSON, for the caller to free. */
static json_t *post(struct prepare_rig *rig, const char *verb, const char *body, unsigned *status)
{
	static struct rig_reply reply;
	size_t room = strlen(body) + 512;
	char *request = malloc(room);
	int fd = rig_connect(&rig->http), length;
	json_t *value;

	length = snprintf(request, room,
			  "POST /v1/agents/prepare/%s HTTP/1.1\r\nHost: kedge.example\r\nContent-Type: application/json\r\n"
			  "Content-Length: %zu\r\n\r\n%s",
			  verb, strlen(body), body);
	rig_send(fd, request, (size_t)length);
	rig_receive_one(&rig->http, &reply, fd);
	close(fd);
	rig_turn(&rig->http, 2);
	free(request);
	*status = rig_status(&reply);
	value = json_loads(rig_body(&reply), JSON_REJECT_DUPLICATES, NULL);
	if (!value)
		fail_msg("%s %s: no JSON: %s", verb, body, reply.bytes);
	return value;
}

static const char *text(const json_t *value, const char *name)
{
	const char *found = json_string_value(json_object_get(value, name));

	return found ? found : "";
}

static const struct {
	const char *verb, *body;
	unsigned mode, status;
	const char *rule, *pointer, *next;
} REFUSED[] = {
	{"marry", "{" FROM "}", 0, 404, "not-found", "", "Verbs are register"},
	{"register", "", 0, 400, "malformed", "", "one JSON object"},
	{"register", "[]", 0, 400, "malformed", "", "one JSON object"},
	{"register", "{" FROM "} x", 0, 400, "malformed", "", "one JSON object"},
	{"register", "{" FROM "," FROM "}", 0, 400, "duplicate-key", "/from", "each member once"},
	{"register", "{" FROM ",\"uri\":\"\\ud800\"}", 0, 400, "bad-encoding", "/uri", "Send UTF-8"},
	{"register", "{" FROM ",\"uri\":\"\\u0000\"}", 0, 400, "bad-encoding", "/uri", "without NUL"},
	{"uri", "{" FROM ",\"agent\":9007199254740993,\"uri\":\"\"}", 0, 400, "bad-number", "/agent", "larger ones as text"},
	{"register", "{}", 0, 422, "missing-member", "/from", "Add it"},
	{"register", "{\"from\":7}", 0, 422, "unprocessable", "/from", "40 hex digits"},
	{"register", "{\"from\":\"0x12\"}", 0, 422, "unprocessable", "/from", "40 hex digits"},
	{"register", "{\"from\":\"0x1563915E194D8CfBA1943570603F7606A3115508\"}", 0, 422, "unprocessable", "/from", "lower case"},
	{"register", "{" FROM ",\"agent\":\"0\"}", 0, 422, "unknown-member", "/agent", "from registry uri metadata"},
	{"register", "{" FROM ",\"a/b~c\":0}", 0, 422, "unknown-member", "/a~1b~0c", "This verb takes"},
	{"register", "{" FROM ",\"uri\":7}", 0, 422, "unprocessable", "/uri", "as text"},
	{"register", "{" FROM ",\"registry\":\"1\"}", 0, 404, "not-found", "/registry", "Leave it out for this gateway's own registry. Served here: 31337:0x"},
	{"register", "{" FROM ",\"registry\":\"\"}", 0, 422, "unprocessable", "/registry", "CHAIN:0xREGISTRY"},
	{"register", "{" FROM ",\"registry\":\"31337:0x12\"}", 0, 422, "unprocessable", "/registry", "CHAIN:0xREGISTRY"},
	{"register", "{" FROM ",\"registry\":\"" WALLET "\"}", 0, 422, "unprocessable", "/registry", "CHAIN:0xREGISTRY"},
	{"register", "{" FROM ",\"registry\":1}", 0, 422, "unprocessable", "/registry", "leave it out"},
	{"register", "{" FROM ",\"metadata\":{}}", 0, 422, "unprocessable", "/metadata", "list"},
	{"register", "{" FROM ",\"metadata\":[7]}", 0, 422, "unprocessable", "/metadata/0", "nothing else"},
	{"register", "{" FROM ",\"metadata\":[{\"key\":\"a\",\"text\":\"\"},{\"key\":\"b\",\"text\":\"\",\"x\":1}]}", 0, 422,
	 "unprocessable", "/metadata/1", "nothing else"},
	{"register", "{" FROM ",\"metadata\":[{\"key\":\"a\",\"value\":\"zz\"}]}", 0, 422, "unprocessable", "/metadata/0/value",
	 "even number"},
	{"register", "{" FROM ",\"metadata\":[{\"key\":\"a\",\"value\":\"0x0\"}]}", 0, 422, "unprocessable", "/metadata/0/value",
	 "even number"},
	{"register", "{" FROM ",\"metadata\":[{\"key\":1,\"value\":\"0x\"}]}", 0, 422, "missing-member", "/metadata/0/key", "as text"},
	{"register", "{" FROM ",\"metadata\":[{\"key\":\"a\",\"b\":\"0x\"}]}", 0, 422, "missing-member", "/metadata/0/value", "`text`"},
	{"register", "{" FROM ",\"metadata\":[{\"key\":\"agentWallet\",\"text\":\"\"}]}", 0, 422, "reserved-key", "/metadata",
	 "verb wallet"},
	{"uri", "{" FROM ",\"uri\":\"\"}", 0, 422, "missing-member", "/agent", "Add it"},
	{"uri", "{" FROM ",\"agent\":-1,\"uri\":\"\"}", 0, 422, "unprocessable", "/agent", "decimal id"},
	{"uri", "{" FROM ",\"agent\":1.5,\"uri\":\"\"}", 0, 422, "unprocessable", "/agent", "decimal id"},
	{"uri", "{" FROM ",\"agent\":\"01\",\"uri\":\"\"}", 0, 422, "unprocessable", "/agent", "decimal id"},
	{"uri", "{" FROM ",\"agent\":\"1:0\",\"uri\":\"\"}", 0, 404, "not-found", "/agent", "gateway that serves it. Served here: 31337:0x"},
	{"uri", "{" FROM ",\"agent\":\"did:web:elsewhere.example:agent:31337:0\",\"uri\":\"\"}", 0, 404, "not-found", "/agent", "Served here"},
	{"uri", "{" FROM ",\"agent\":\"7\",\"uri\":\"\"}", 0, 404, "unknown-agent", "/agent", "verb register"},
	{"uri", "{" FROM ",\"agent\":\"42\",\"uri\":\"\"}", FAKE_PREPARE_REVERTS, 403, "not-authorised", "", "owner"},
	{"uri", "{" FROM ",\"agent\":\"42\",\"uri\":\"\"}", FAKE_PREPARE_NO_CODE, 422, "no-registry", "", "kedge doctor"},
	{"uri", "{" FROM ",\"agent\":\"42\",\"uri\":\"\"}", FAKE_PREPARE_REFUSES, 422, "node-refuses", "", "balance"},
	{"uri", "{" FROM ",\"agent\":\"42\",\"uri\":\"\"}", FAKE_PREPARE_DOWN, 503, "", "", "Retry-After"},
	{"wallet", "{" FROM ",\"agent\":\"42\",\"wallet\":\"" WALLET "\",\"deadline\":0}", 0, 422, "unprocessable", "/deadline",
	 "leave it out"},
	{"wallet", "{" FROM ",\"agent\":\"42\",\"wallet\":\"" WALLET "\",\"deadline\":\"018\"}", 0, 422, "unprocessable", "/deadline",
	 "leave it out"},
	{"wallet", "{" FROM ",\"agent\":\"42\",\"wallet\":\"" WALLET "\",\"deadline\":\"18446744073709551616\"}", 0, 422, "unprocessable",
	 "/deadline", "leave it out"},
	{"wallet", "{" FROM ",\"agent\":\"42\",\"wallet\":\"" WALLET "\",\"deadline\":\"18446744073709551615\"}", 0, 422,
	 "deadline-too-far", "/deadline", "leave it out"},
	{"wallet", "{" FROM ",\"agent\":\"42\",\"wallet\":\"" WALLET "\",\"signature\":\"0x00\"}", 0, 422, "missing-member", "/deadline",
	 "typed data"},
	{"wallet", "{" FROM ",\"agent\":\"42\",\"wallet\":\"" WALLET "\",\"deadline\":1700000240,\"signature\":\"" BY_OWNER "\"}", 0, 403,
	 "wrong-signer", "/signature", "the owner only sends"},
	{"metadata", "{" FROM ",\"agent\":\"42\",\"key\":\"k\",\"value\":\"0x\",\"text\":\"\"}", 0, 422, "missing-member", "/value",
	 "`text`"},
	{"unset-wallet", "{" FROM ",\"agent\":\"42\"}", 0, 409, "no-wallet", "", "verb wallet"},
	{"transfer", "{" FROM ",\"agent\":\"42\",\"to\":\"" WALLET "\",\"uri\":\"\"}", 0, 422, "unknown-member", "/uri", "from agent to"},
};

static void a_refused_body_learns_where_and_what_next(void **state)
{
	struct prepare_rig *rig = *state;

	for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
		unsigned status;

		rig->node.shared->mode = REFUSED[i].mode;
		json_auto_t *problem = post(rig, REFUSED[i].verb, REFUSED[i].body, &status);

		if (status != REFUSED[i].status || strcmp(text(problem, "rule"), REFUSED[i].rule) != 0 ||
		    strcmp(text(problem, "pointer"), REFUSED[i].pointer) != 0 || !strstr(text(problem, "next"), REFUSED[i].next) ||
		    !*text(problem, "detail"))
			fail_msg("%s %s: %u %s %s: %s / %s", REFUSED[i].verb, REFUSED[i].body, status, text(problem, "rule"),
				 text(problem, "pointer"), text(problem, "detail"), text(problem, "next"));
	}
}

/* 64 KiB of hex or text each in its place, and one entry more than the registry call may have. */
static void what_is_too_large_is_said_so(void **state)
{
	struct prepare_rig *rig = *state;
	size_t room = 220000;
	char *body = malloc(room), *digits = malloc(140001);
	unsigned status;

	memset(digits, 'a', 140000);
	digits[140000] = '\0';
	snprintf(body, room, "{" FROM ",\"uri\":\"%.65537s\"}", digits);
	json_auto_t *uri = post(rig, "register", body, &status);

	assert_int_equal(status, 413);
	assert_string_equal(text(uri, "pointer"), "/uri");
	snprintf(body, room, "{" FROM ",\"agent\":1,\"key\":\"k\",\"value\":\"0x%.131074s\"}", digits);
	json_auto_t *value = post(rig, "metadata", body, &status);

	assert_int_equal(status, 413);
	assert_string_equal(text(value, "pointer"), "/value");
	snprintf(body, room, "{" FROM ",\"agent\":1,\"wallet\":\"" WALLET "\",\"deadline\":1700000100,\"signature\":\"0x%.32770s\"}", digits);
	json_auto_t *signature = post(rig, "wallet", body, &status);

	assert_int_equal(status, 413);
	assert_string_equal(text(signature, "pointer"), "/signature");
	/* each fits, together they do not */
	snprintf(body, room, "{" FROM ",\"uri\":\"%.40000s\",\"metadata\":[{\"key\":\"k\",\"text\":\"%.40000s\"}]}", digits, digits);
	json_auto_t *together = post(rig, "register", body, &status);

	assert_int_equal(status, 413);
	assert_non_null(strstr(text(together, "next"), "64 KiB"));
	snprintf(body, room, "{" FROM ",\"metadata\":[");
	for (int i = 0; i < REGISTRY_METADATA_MAX + 1; i++)
		strcat(body, i == 0 ? "{\"key\":\"k\",\"text\":\"\"}" : ",{\"key\":\"k\",\"text\":\"\"}");
	strcat(body, "]}");
	json_auto_t *many = post(rig, "register", body, &status);

	assert_int_equal(status, 422);
	assert_string_equal(text(many, "pointer"), "/metadata");
	free(digits);
	free(body);
}

static void an_answer_is_ready_to_send(void **state)
{
	struct prepare_rig *rig = *state;
	unsigned status;
	json_auto_t *answer = post(rig, "uri", "{" FROM ",\"agent\":42,\"uri\":\"x\"}", &status);
	const json_t *transaction = json_object_get(answer, "transaction");

	assert_int_equal(status, 200);
	assert_int_equal(json_object_size(transaction), 6);
	assert_string_equal(text(transaction, "chainId"), "0x7a69");
	assert_string_equal(text(transaction, "from"), OWNER);
	assert_string_equal(text(transaction, "value"), "0x0");
	assert_string_equal(text(transaction, "gas"), "0x1d4c0");
	assert_memory_equal(text(transaction, "data"), "0x0af28bd3", 10);
	assert_string_equal(text(json_object_get(answer, "cost"), "most"), "360000000000000");
	assert_non_null(strstr(text(answer, "next"), "Sign and send"));
	assert_string_equal(text(answer, "agent"), "eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/42");
	assert_string_equal(text(json_object_get(answer, "block"), "finality"), "latest");
}

static void an_agent_may_be_named_in_every_way(void **state)
{
	static const char *const names[] = {
		"42",
		"\"42\"",
		"\"31337:42\"",
		"\"31337:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432:42\"",
		"\"agent:42\"",
		"\"erc8004:31337:42\"",
		"\"eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/42\"",
		"\"did:web:kedge.example:agent:31337:42\"",
	};
	struct prepare_rig *rig = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char body[256];
		unsigned status;

		snprintf(body, sizeof(body), "{" FROM ",\"agent\":%s,\"uri\":\"x\"}", names[i]);
		json_auto_t *answer = post(rig, "uri", body, &status);

		if (status != 200 ||
		    strcmp(text(answer, "agent"), "eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/42") != 0)
			fail_msg("%s: %u %s", names[i], status, text(answer, "agent"));
	}
}

static void the_other_account_is_looked_at(void **state)
{
	struct prepare_rig *rig = *state;
	unsigned status;

	rig->node.shared->mode = FAKE_PREPARE_AGREES; /* there is code at the receiver */
	json_auto_t *transfer = post(rig, "transfer", "{" FROM ",\"agent\":42,\"to\":\"" WALLET "\"}", &status);

	assert_int_equal(status, 200);
	assert_memory_equal(text(json_object_get(transfer, "transaction"), "data"), "0x42842e0e", 10);
	json_auto_t *wallet = post(rig, "wallet",
				   "{" FROM ",\"agent\":42,\"wallet\":\"" WALLET "\",\"deadline\":\"1700000240\",\"signature\":\"0x0102\"}", &status);

	assert_int_equal(status, 200);
	assert_memory_equal(text(json_object_get(wallet, "transaction"), "data"), "0x2d1ef5ae", 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_refused_body_learns_where_and_what_next, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_too_large_is_said_so, setup, teardown),
		cmocka_unit_test_setup_teardown(an_answer_is_ready_to_send, setup, teardown),
		cmocka_unit_test_setup_teardown(an_agent_may_be_named_in_every_way, setup, teardown),
		cmocka_unit_test_setup_teardown(the_other_account_is_looked_at, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
