/* Taking proofs from nodes that answer well, that lie, that know nothing, and from several at once. */
#include "gateway/identity/agent_proof.h"
#include "eth/hex.h"
#include "tests/eth/fake_node.h"
#include "tests/gateway/identity/proof_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum mode {
	WELL,
	OTHER_BLOCK,	/* a true block, but not the one asked for */
	FORGED_HEADER,	/* another state root under the same hash */
	NEW_FORK,	/* a field not known, and so another hash */
	OTHER_PROOF,	/* proofs of another state */
	OTHER_SLOTS,	/* proofs of slots not asked for */
	FORGED_NODE,	/* one byte of a node changed */
	NODE_MISSING,
	NODE_MORE,
	NO_SLOTS,
	NO_METHOD,
	TOO_OLD,
	NO_BLOCK,
	HALF_AN_OBJECT,
	HANGS,		/* at the proof; the header comes */
	OTHER_IMPLEMENTATION, /* says that account has other code: its proof is of another state */
};

static struct world world, other;
static const struct eth_address owner = {{0xaa, 1, 2, 3}}, wallet = {{0xbb, 4, 5, 6}};
static char uri[301];

static json_t *error(int code, const char *message)
{
	return json_pack("{s:{s:i,s:s}}", "error", "code", code, "message", message);
}

static json_t *answer_block(unsigned mode)
{
	json_t *block = world_block(mode == OTHER_BLOCK ? &other : &world);

	if (mode == NO_BLOCK) {
		json_decref(block);
		return json_pack("{s:n}", "result");
	}
	if (mode == FORGED_HEADER || mode == NEW_FORK)
		json_object_set_new(block, "stateRoot",
				    json_string("0x1111111111111111111111111111111111111111111111111111111111111111"));
	if (mode == NEW_FORK)
		json_object_set_new(block, "nextForkRoot", json_string("0x11"));
	return json_pack("{s:o}", "result", block);
}

static void forge(json_t *node)
{
	char *text = strdup(json_string_value(node));

	text[20] = text[20] == '0' ? '1' : '0';
	json_string_set(node, text);
	free(text);
}

static json_t *answer_proof(unsigned mode, const json_t *params)
{
	const char *text = json_string_value(json_array_get(params, 0));
	const json_t *slots = json_array_get(params, 1);
	struct eth_address address;
	json_t *proof, *list, *nodes;
	struct world *from = mode == OTHER_PROOF ? &other : &world;

	if (hex_decode_fixed(address.bytes, 20, text, strlen(text)) != 0 ||
	    json_object_get(json_array_get(params, 2), "blockHash") == NULL)
		return error(-32602, "not pinned to a block");
	if (mode == OTHER_IMPLEMENTATION && !address_equal(&address, &world.registry))
		from = &other;
	proof = world_proof(from, &address, slots);
	list = json_object_get(proof, "storageProof");
	nodes = json_array_size(list) > 0 ? json_object_get(json_array_get(list, 0), "proof") : json_object_get(proof, "accountProof");
	if (mode == OTHER_SLOTS && json_array_size(list) > 1)
		json_object_set_new(json_array_get(list, 1), "key", json_string("0x5"));
	if (mode == FORGED_NODE)
		forge(json_array_get(nodes, json_array_size(nodes) - 1));
	if (mode == NODE_MISSING)
		json_array_remove(nodes, 0);
	if (mode == NODE_MORE)
		json_array_append_new(nodes, json_string("0x80"));
	if (mode == NO_SLOTS)
		json_array_clear(list);
	if (mode == HALF_AN_OBJECT)
		json_object_del(proof, "storageProof");
	return json_pack("{s:o}", "result", proof);
}

static json_t *reply(struct fake_shared *shared, const char *method, const json_t *params)
{
	if (strncmp(method, "eth_getBlockBy", 14) == 0)
		return answer_block(shared->mode);
	if (shared->mode == HANGS)
		(void)sleep(30);
	if (shared->mode == NO_METHOD)
		return error(-32601, "the method eth_getProof does not exist/is not available");
	if (shared->mode == TOO_OLD)
		return error(-32000, "distance to target block exceeds maximum proof window");
	return answer_proof(shared->mode, params);
}

static void handle(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)number;
	fake_answer(shared, fd, body, len, WORLD_CHAIN, reply);
}

/* Two nodes over the same chain; the rpc of a test has one or both. */
struct fixture {
	struct fake_node nodes[2];
	struct event_base *base;
	struct eth_rpc *rpc;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct u256 id = u256_from_u64(42);

	memset(uri, 'u', sizeof(uri) - 1);
	world_init(&world, 7);
	world_agent(&world, &id, &owner, &wallet, uri, sizeof(uri) - 1);
	world_seal(&world);
	world_init(&other, 8);
	world_agent(&other, &id, &wallet, &owner, "other", 5);
	keccak256(&other.implementation_code, "other code", 10);
	world_seal(&other);
	fake_node_start(&f->nodes[0], handle);
	fake_node_start(&f->nodes[1], handle);
	f->base = event_base_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	event_base_free(f->base);
	fake_node_stop(&f->nodes[0]);
	fake_node_stop(&f->nodes[1]);
	world_clear(&world);
	world_clear(&other);
	free(f);
	return 0;
}

static void connect_to(struct fixture *f, unsigned nodes)
{
	struct eth_rpc_config config = {.chain_id = WORLD_CHAIN};
	char urls[160];

	snprintf(urls, sizeof(urls), "%s%s%s", f->nodes[0].url, nodes > 1 ? " " : "", nodes > 1 ? f->nodes[1].url : "");
	config.url = urls;
	assert_int_equal(eth_rpc_new(&f->rpc, f->base, &config), 0);
}

static void disconnect(struct fixture *f)
{
	eth_rpc_free(f->rpc);
	f->rpc = NULL;
}

struct taken {
	struct agent_proof proof;
	char *text;
	size_t len;
	char why[AGENT_PROOF_WHY_SIZE];
};

static struct agent_proof_ask ask_for(uint64_t id, struct eth_rpc_at at)
{
	return (struct agent_proof_ask){.key = world_key(&world, id), .at = at, .uri_max = AGENT_PROOF_URI_MAX,
					.codes = &world.implementation_code, .ncodes = 1};
}

static int take(struct fixture *f, struct taken *taken, const struct agent_proof_ask *ask)
{
	*taken = (struct taken){0};
	return agent_proof_wait(&taken->proof, &taken->text, &taken->len, taken->why, f->rpc, ask, 5000);
}

static void taken_clear(struct taken *taken)
{
	agent_proof_clear(&taken->proof);
	free(taken->text);
}

static void assert_good(struct taken *taken)
{
	struct agent_proof_trust trust = {.block = &world.hash, .codes = &world.implementation_code, .ncodes = 1};
	struct agent_proof found;

	assert_true(address_equal(&taken->proof.owner, &owner));
	assert_true(taken->proof.has_wallet && address_equal(&taken->proof.wallet, &wallet));
	assert_string_equal(taken->proof.uri, uri);
	assert_int_equal(agent_proof_verify(&found, taken->why, taken->text, taken->len, &trust), 0);
	agent_proof_clear(&found);
}

static void a_proof_is_taken(void **state)
{
	const struct eth_rpc_at ats[] = {eth_rpc_at_tag(ETH_RPC_SAFE), eth_rpc_at_number(7), eth_rpc_at_hash(&world.hash)};
	struct fixture *f = *state;
	struct taken taken;

	connect_to(f, 1);
	for (size_t i = 0; i < COUNT(ats); i++) {
		struct agent_proof_ask ask = ask_for(42, ats[i]);
		unsigned before = f->nodes[0].shared->requests;

		assert_int_equal(take(f, &taken, &ask), 0);
		assert_good(&taken);
		assert_int_equal(f->nodes[0].shared->requests - before, ats[i].kind == ETH_RPC_AT_HASH ? 2 : 3);
		taken_clear(&taken);
	}
	disconnect(f);
}

static void absence_and_short_forms_are_taken(void **state)
{
	struct fixture *f = *state;
	struct agent_proof_ask ask = ask_for(43, eth_rpc_at_tag(ETH_RPC_LATEST));
	struct taken taken;

	connect_to(f, 1);
	assert_int_equal(take(f, &taken, &ask), 0);
	assert_false(taken.proof.exists);
	taken_clear(&taken);
	ask = ask_for(42, eth_rpc_at_tag(ETH_RPC_LATEST));
	ask.uri_max = 100;
	assert_int_equal(take(f, &taken, &ask), 0);
	assert_int_equal(taken.proof.uri_kind, AGENT_PROOF_URI_OMITTED);
	assert_int_equal(taken.proof.uri_len, 300);
	taken_clear(&taken);
	ask.uri_max = REGISTRY_URI_MAX + 1;
	assert_int_equal(take(f, &taken, &ask), -EINVAL);
	ask = ask_for(42, eth_rpc_at_tag(ETH_RPC_LATEST));
	ask.ncodes = LAYOUT_CODES_MAX + 1;
	assert_int_equal(take(f, &taken, &ask), -EINVAL);
	disconnect(f);
}

static const struct bad {
	enum mode mode;
	int expected;
	bool distrusted;
} bads[] = {
	{OTHER_BLOCK, -EKEYREJECTED, true},   {FORGED_HEADER, -EKEYREJECTED, true},
	{NEW_FORK, -EPROTONOSUPPORT, false},  {OTHER_PROOF, -EKEYREJECTED, true},
	{OTHER_SLOTS, -EKEYREJECTED, true},   {FORGED_NODE, -EKEYREJECTED, true},
	{NODE_MISSING, -EKEYREJECTED, true},  {NODE_MORE, -EKEYREJECTED, true},
	{NO_SLOTS, -EKEYREJECTED, true},      {NO_METHOD, -EOPNOTSUPP, false},
	{TOO_OLD, -ESTALE, false},	      {NO_BLOCK, -ENOENT, false},
	{HALF_AN_OBJECT, -EBADMSG, true},     {OTHER_IMPLEMENTATION, -EKEYREJECTED, true},
};

static void what_is_wrong_is_never_believed(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(bads); i++) {
		struct agent_proof_ask ask = ask_for(42, eth_rpc_at_hash(&world.hash));
		struct eth_rpc_stats stats;
		struct taken taken;
		int err;

		connect_to(f, 1);
		f->nodes[0].shared->mode = bads[i].mode;
		err = take(f, &taken, &ask);
		if (err != bads[i].expected || taken.text != NULL || taken.why[0] == '\0')
			fail_msg("mode %d: %d, not %d (%s)", (int)bads[i].mode, err, bads[i].expected, taken.why);
		eth_rpc_stats(f->rpc, &stats);
		assert_int_equal(stats.of[0].distrusts, bads[i].distrusted);
		disconnect(f);
	}
	f->nodes[0].shared->mode = WELL;
}

static void another_provider_does_better(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(bads); i++) {
		struct agent_proof_ask ask = ask_for(42, eth_rpc_at_hash(&world.hash));
		struct taken taken;
		int err;

		connect_to(f, 2);
		f->nodes[0].shared->mode = bads[i].mode;
		err = take(f, &taken, &ask);
		if (err != 0)
			fail_msg("mode %d: %d (%s)", (int)bads[i].mode, err, taken.why);
		assert_good(&taken);
		taken_clear(&taken);
		disconnect(f);
	}
	f->nodes[0].shared->mode = WELL;
}

/* One that answers the header and then nothing gets half of the time, so that the other has the rest. */
static void one_that_hangs_is_left(void **state)
{
	struct fixture *f = *state;
	struct agent_proof_ask ask = ask_for(42, eth_rpc_at_tag(ETH_RPC_SAFE));
	struct taken taken = {0};

	f->nodes[0].shared->mode = HANGS;
	connect_to(f, 2);
	assert_int_equal(agent_proof_wait(&taken.proof, &taken.text, &taken.len, taken.why, f->rpc, &ask, 2000), 0);
	assert_good(&taken);
	taken_clear(&taken);
	disconnect(f);
	connect_to(f, 1);
	assert_int_equal(agent_proof_wait(&taken.proof, &taken.text, &taken.len, taken.why, f->rpc, &ask, 500), -ETIMEDOUT);
	disconnect(f);
	f->nodes[0].shared->mode = WELL;
}

static void an_unknown_layout_is_said(void **state)
{
	struct fixture *f = *state;
	struct agent_proof_ask ask = ask_for(42, eth_rpc_at_tag(ETH_RPC_SAFE));
	struct taken taken;

	connect_to(f, 1);
	ask.codes = &layout_code_2_0_0;
	assert_int_equal(take(f, &taken, &ask), -EPROTONOSUPPORT);
	assert_non_null(strstr(taken.why, "layout: unknown"));
	ask = ask_for(42, eth_rpc_at_tag(ETH_RPC_SAFE));
	memset(ask.key.registry.bytes, 0x72, 20); /* the implementation: its code is accepted, but its storage is empty */
	assert_int_equal(take(f, &taken, &ask), 0);
	assert_false(taken.proof.exists);
	taken_clear(&taken);
	disconnect(f);
}

static void no_provider_at_all(void **state)
{
	struct fixture *f = *state;
	struct eth_rpc_config config = {.url = "http://127.0.0.1:9", .chain_id = WORLD_CHAIN};
	struct agent_proof_ask ask = ask_for(42, eth_rpc_at_tag(ETH_RPC_SAFE));
	struct taken taken = {0};
	int err;

	assert_int_equal(eth_rpc_new(&f->rpc, f->base, &config), 0);
	err = agent_proof_wait(&taken.proof, &taken.text, &taken.len, taken.why, f->rpc, &ask, 500);
	assert_true(err == -EIO || err == -ETIMEDOUT);
	assert_null(taken.text);
	disconnect(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proof_is_taken),
		cmocka_unit_test(absence_and_short_forms_are_taken),
		cmocka_unit_test(what_is_wrong_is_never_believed),
		cmocka_unit_test(another_provider_does_better),
		cmocka_unit_test(one_that_hangs_is_left),
		cmocka_unit_test(an_unknown_layout_is_said),
		cmocka_unit_test(no_provider_at_all),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
