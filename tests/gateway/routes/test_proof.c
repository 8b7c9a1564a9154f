/* GET /v1/agents/{id}/proof over a real server and nodes that answer well, lie or know nothing. Stored proofs: test_proof_stored.c. */
#include "gateway/identity/agent_proof.h"
#include "gateway/routes/service.h"
#include "eth/hex.h"
#include "tests/eth/fake_node.h"
#include "tests/gateway/http/rig.h"
#include "tests/gateway/identity/proof_world.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum mode { WELL, LIAR, NO_METHOD, TOO_OLD, DOWN, NO_BLOCK };

struct proof_rig {
	struct rig http;
	struct service service;
	struct config config;
	struct fake_node node;
};

static struct world world;
static const struct eth_address owner = {{0xaa, 1, 2, 3}}, wallet = {{0xbb, 4, 5, 6}};
static struct rig_reply reply;

static json_t *answer_proof(unsigned mode, const json_t *params)
{
	const char *text = json_string_value(json_array_get(params, 0));
	struct eth_address address;
	json_t *proof;

	if (hex_decode_fixed(address.bytes, 20, text, strlen(text)) != 0)
		return json_pack("{s:{s:i,s:s}}", "error", "code", -32602, "message", "no address");
	proof = world_proof(&world, &address, json_array_get(params, 1));
	if (mode == LIAR)
		json_array_remove(json_object_get(proof, "accountProof"), 0);
	return json_pack("{s:o}", "result", proof);
}

static json_t *answer(struct fake_shared *shared, const char *method, const json_t *params)
{
	if (strncmp(method, "eth_getBlockBy", 14) == 0) {
		if (shared->mode == NO_BLOCK || strcmp(json_string_value(json_array_get(params, 0)), "0x63") == 0)
			return json_pack("{s:n}", "result");
		return json_pack("{s:o}", "result", world_block(&world));
	}
	if (shared->mode == NO_METHOD)
		return json_pack("{s:{s:i,s:s}}", "error", "code", -32601, "message", "the method eth_getProof does not exist");
	if (shared->mode == TOO_OLD)
		return json_pack("{s:{s:i,s:s}}", "error", "code", -32000, "message",
				 "distance to target block exceeds maximum proof window");
	return answer_proof(shared->mode, params);
}

static void handle(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)number;
	if (shared->mode == DOWN)
		fake_http_text(fd, 404, "", "");
	else
		fake_answer(shared, fd, body, len, WORLD_CHAIN, answer);
}

static void make_service(struct proof_rig *rig)
{
	struct service *service = &rig->service;
	struct service_chain *chain = &service->chains[0];
	struct eth_rpc_config rpc = {.chain_id = WORLD_CHAIN, .url = rig->node.url, .queue = 8};

	snprintf(rig->config.host, sizeof(rig->config.host), "kedge.example");
	service->config = &rig->config;
	service->base = rig->http.base;
	service->nchains = service->nregistries = 1;
	chain->id = WORLD_CHAIN;
	assert_int_equal(eth_rpc_new(&chain->rpc_reads, rig->http.base, &rpc), 0);
	service->registries[0] = (struct service_registry){.key = world_key(&world, 0), .chain = chain};
	service->defaults = (struct agent_defaults){.host = rig->config.host, .chain = WORLD_CHAIN, .registry = world.registry};
	service->codes[0] = world.implementation_code;
	service->ncodes = 1;
}

static int setup(void **state)
{
	struct proof_rig *rig = calloc(1, sizeof(*rig));
	struct http_options options = {.user = &rig->service, .public_url = "https://kedge.example"};
	struct u256 id = u256_from_u64(42);

	world_init(&world, 7);
	world_agent(&world, &id, &owner, &wallet, "https://a.example", 17);
	world_seal(&world);
	fake_node_start(&rig->node, handle);
	rig->http.base = event_base_new();
	make_service(rig);
	assert_int_equal(http_router_new(&rig->http.router, routes_proof, routes_proof_count), 0);
	assert_int_equal(http_listen_tcp(&options.fd, "127.0.0.1", 0, true), 0);
	options.router = rig->http.router;
	assert_int_equal(http_server_new(&rig->http.server, rig->http.base, &options), 0);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct proof_rig *rig = *state;

	http_server_free(rig->http.server);
	eth_rpc_free(rig->service.chains[0].rpc_reads);
	proof_cache_free(rig->service.proofs);
	http_router_free(rig->http.router);
	event_base_free(rig->http.base);
	fake_node_stop(&rig->node);
	world_clear(&world);
	free(rig);
	return 0;
}

/* The follow duty's word: all heads are the world's block, or an older final one. */
static void set_heads(struct proof_rig *rig, uint64_t finalized)
{
	struct heads_block head = {.number = 7, .hash = world.hash};
	struct heads_set set = {.latest = head, .safe = head, .finalized = head};

	if (finalized != 7)
		set.finalized = (struct heads_block){.number = finalized, .hash = {{1}}};
	heads_update(&rig->service.chains[0].heads, &set, 0);
}

static unsigned get(struct proof_rig *rig, const char *target)
{
	char request[256];
	int fd = rig_connect(&rig->http);
	int length = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: kedge.example\r\n\r\n", target);

	rig_send(fd, request, (size_t)length);
	rig_receive_one(&rig->http, &reply, fd);
	close(fd);
	rig_turn(&rig->http, 2);
	return rig_status(&reply);
}

static void assert_proof(bool exists)
{
	struct agent_proof_trust trust = {.block = &world.hash, .codes = &world.implementation_code, .ncodes = 1};
	const char *body = rig_body(&reply);
	char why[AGENT_PROOF_WHY_SIZE];
	struct agent_proof proof;

	assert_int_equal(rig_status(&reply), 200);
	assert_true(rig_has(&reply, "Content-Type: application/json"));
	if (agent_proof_verify(&proof, why, body, strlen(body), &trust) != 0)
		fail_msg("%s", why);
	assert_int_equal(proof.exists, exists);
	agent_proof_clear(&proof);
}

static void a_head_is_proven(void **state)
{
	struct proof_rig *rig = *state;
	unsigned before;

	assert_int_equal(get(rig, "/v1/agents/42/proof"), 200); /* heads unknown: the node's own safe */
	assert_proof(true);
	set_heads(rig, 7);
	before = rig->node.shared->requests;
	assert_int_equal(get(rig, "/v1/agents/42/proof?at=latest"), 200);
	assert_proof(true);
	assert_true(rig_has(&reply, "Cache-Control: public, max-age=2, must-revalidate"));
	assert_true(rig_has(&reply, "ETag: "));
	assert_int_equal(rig->node.shared->requests, before + 2);
	assert_int_equal(get(rig, "/v1/agents/42/proof?at=safe"), 200); /* the same block: shared */
	assert_int_equal(get(rig, "/v1/agents/8453:42/proof?at=finalized"), 200);
	assert_proof(true);
	assert_int_equal(rig->node.shared->requests, before + 2);
	assert_int_equal(get(rig, "/v1/agents/43/proof"), 200);
	assert_proof(false);
	assert_int_equal(rig->node.shared->requests, before + 4);
}

static void only_a_final_block_is_for_ever(void **state)
{
	struct proof_rig *rig = *state;

	assert_int_equal(get(rig, "/v1/agents/42/proof?at=7"), 200);
	assert_proof(true);
	assert_true(rig_has(&reply, "Cache-Control: public, max-age=2, must-revalidate"));
	set_heads(rig, 6);
	assert_int_equal(get(rig, "/v1/agents/42/proof?at=7"), 200);
	assert_true(rig_has(&reply, "Cache-Control: public, max-age=2, must-revalidate"));
	rig->service.chains[0].heads.known = false;
	set_heads(rig, 7);
	assert_int_equal(get(rig, "/v1/agents/42/proof?at=7"), 200);
	assert_proof(true);
	assert_false(rig_has(&reply, "immutable")); /* the number's hash is one provider's word */
}

static void problems_say_what_to_do(void **state)
{
	static const struct {
		enum mode mode;
		const char *target;
		unsigned status;
		const char *words;
	} cases[] = {
		{LIAR, "/v1/agents/42/proof", 503, "does not hold"},
		{NO_METHOD, "/v1/agents/42/proof", 404, "/history"},
		{TOO_OLD, "/v1/agents/42/proof?at=7", 404, "recent blocks only"},
		{DOWN, "/v1/agents/42/proof", 503, "cannot be read"},
		{NO_BLOCK, "/v1/agents/42/proof", 404, "no such block"},
		{WELL, "/v1/agents/42/proof?at=99", 404, "no such block"},
		{WELL, "/v1/agents/42/proof?at=", 400, "block number, safe, finalized or latest"},
		{WELL, "/v1/agents/42/proof?at=007", 400, "block number"},
		{WELL, "/v1/agents/42/proof?at=pending", 400, "block number"},
		{WELL, "/v1/agents/42/proof?at=2026-11-20T17:00:00Z", 400, "block number"},
		{WELL, "/v1/agents/x/proof", 400, "decimal"},
		{WELL, "/v1/agents/1:42/proof", 404, "not served"},
		{WELL, "/v1/agents/42/proof?when=7", 400, ""},
	};
	struct proof_rig *rig = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned status;

		rig->node.shared->mode = cases[i].mode;
		status = get(rig, cases[i].target);
		if (status != cases[i].status || !strstr(rig_body(&reply), cases[i].words))
			fail_msg("%s: %u %s", cases[i].target, status, rig_body(&reply));
		assert_true(rig_has(&reply, "Content-Type: application/problem+json"));
	}
}

static void an_unknown_layout_is_said(void **state)
{
	struct proof_rig *rig = *state;

	rig->service.codes[0] = layout_code_2_0_0;
	assert_int_equal(get(rig, "/v1/agents/42/proof"), 501);
	assert_non_null(strstr(rig_body(&reply), "\"rule\":\"layout: unknown\""));
	assert_non_null(strstr(rig_body(&reply), "registry_code"));
	rig->service.ncodes = 0;
	assert_int_equal(get(rig, "/v1/agents/42/proof"), 501);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_head_is_proven, setup, teardown),
		cmocka_unit_test_setup_teardown(only_a_final_block_is_for_ever, setup, teardown),
		cmocka_unit_test_setup_teardown(problems_say_what_to_do, setup, teardown),
		cmocka_unit_test_setup_teardown(an_unknown_layout_is_said, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
