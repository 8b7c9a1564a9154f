/* Agent proofs made over a state of our own and checked; every statement changed, every form and every byte refused. */
#include "gateway/identity/agent_proof.h"
#include "tests/gateway/identity/proof_changes.h"
#include "tests/gateway/identity/proof_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct world world;
static const struct eth_address owner = {{0xaa, 1, 2, 3}}, wallet = {{0xbb, 4, 5, 6}};

struct made {
	char *text;
	size_t len;
	struct agent_proof proof;
	char why[AGENT_PROOF_WHY_SIZE];
};

static void made_clear(struct made *made)
{
	free(made->text);
	agent_proof_clear(&made->proof);
	*made = (struct made){0};
}

static struct agent_key expected; /* the agent that the verifier means: the one last made */

static struct agent_proof_trust trust(void)
{
	return (struct agent_proof_trust){.block = &world.hash, .key = &expected, .codes = &world.implementation_code, .ncodes = 1};
}

static int make(struct made *made, uint64_t id, size_t uri_len, size_t uri_max)
{
	struct agent_key key = world_key(&world, id);
	struct agent_proof_parts parts = {.key = key, .header = world.header, .header_len = world.header_len, .uri_max = uri_max};
	struct agent_proof_trust accepted = trust();

	expected = key;
	world_collect_agent(&world, &key.id, uri_len);
	parts.nodes = world.nodes;
	parts.n = world.n;
	return agent_proof_build(&made->proof, &made->text, &made->len, made->why, &parts, &accepted);
}

static int verify(const char *text, size_t len)
{
	struct agent_proof_trust accepted = trust();
	char why[AGENT_PROOF_WHY_SIZE];
	struct agent_proof proof;
	int err = agent_proof_verify(&proof, why, text, len, &accepted);

	assert_true((err == 0) == (why[0] == '\0'));
	agent_proof_clear(&proof);
	return err;
}

/* One agent in a state of its own; uri_len bytes of `fill`, or counted letters where fill is 0. */
static void start(uint64_t id, bool with_wallet, size_t uri_len, int fill)
{
	struct u256 number = u256_from_u64(id);
	uint8_t *uri = malloc(uri_len + 1);

	for (size_t i = 0; i < uri_len; i++)
		uri[i] = fill != 0 ? (uint8_t)fill : (uint8_t)('a' + i % 26);
	world_clear(&world);
	world_init(&world, 1000 + id);
	world_agent(&world, &number, &owner, with_wallet ? &wallet : NULL, uri, uri_len);
	free(uri);
}

static unsigned changes, digit_changes;

static void change_bytes(const struct made *made)
{
	proof_changes(&changes, &digit_changes, made->text, made->len, verify);
}

static void test_proven(void **state)
{
	static const struct {
		uint64_t id;
		bool wallet;
		size_t uri_len;
		int fill;
	} cases[] = {
		{42, true, 20, 0}, {0, true, 0, 0},	  {1, false, 31, 0},	{2, true, 32, 0},     {3, true, 33, 0},
		{4, true, 64, 0},  {5, true, 65, 0},	  {6, true, 1000, 0},	{7, true, 5, 0xff},   {8, true, 40, 0xff},
		{9, true, 10, 1},  {10, false, 4096, 0}, {1ULL << 63, true, 7, '"'},
	};
	unsigned proofs = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct agent_proof_trust accepted = trust();
		struct made made = {0};
		struct agent_proof found;
		struct agent_key key;

		start(cases[i].id, cases[i].wallet, cases[i].uri_len, cases[i].fill);
		world_seal(&world);
		accepted.block = NULL;
		accepted.key = NULL;
		assert_int_equal(make(&made, cases[i].id, cases[i].uri_len, AGENT_PROOF_URI_MAX), 0);
		assert_int_equal(agent_proof_verify(&found, made.why, made.text, made.len, &accepted), 0);
		key = world_key(&world, cases[i].id);
		assert_int_equal(agent_key_compare(&found.key, &key), 0);
		assert_memory_equal(found.header.hash.bytes, world.hash.bytes, 32);
		assert_int_equal(found.header.number, 1000 + cases[i].id);
		assert_true(found.exists);
		assert_true(address_equal(&found.owner, &owner));
		assert_int_equal(found.has_wallet, cases[i].wallet);
		assert_true(!cases[i].wallet || address_equal(&found.wallet, &wallet));
		assert_int_equal(found.uri_kind, AGENT_PROOF_URI_WHOLE);
		assert_int_equal(found.uri_len, cases[i].uri_len);
		for (size_t j = 0; j < found.uri_len; j++)
			assert_int_equal((uint8_t)found.uri[j],
					 cases[i].fill != 0 ? (unsigned)cases[i].fill : (unsigned)('a' + j % 26));
		assert_true(address_equal(&found.implementation, &world.implementation));
		assert_memory_equal(found.implementation_code.bytes, world.implementation_code.bytes, 32);
		assert_memory_equal(found.registry_code.bytes, world.registry_code.bytes, 32);
		assert_null(strchr(made.text, '\n'));
		change_bytes(&made);
		agent_proof_clear(&found);
		made_clear(&made);
		proofs++;
	}
	print_message("%u agent proofs: each of %u single-byte changes refused, and of %u changes of a digit to another\n", proofs, changes,
		      digit_changes);
}

static void test_nobody(void **state)
{
	struct made made = {0};

	(void)state;
	start(42, true, 20, 0);
	world_seal(&world);
	for (uint64_t id = 0; id < 12; id++) {
		assert_int_equal(make(&made, id, 0, AGENT_PROOF_URI_MAX), 0);
		assert_false(made.proof.exists);
		assert_non_null(strstr(made.text, "\"exists\":false"));
		assert_null(strstr(made.text, "\"owner\""));
		assert_int_equal(verify(made.text, made.len), 0);
		change_bytes(&made);
		made_clear(&made);
	}
}

static void test_uri_left_out(void **state)
{
	struct made made = {0};

	(void)state;
	start(42, true, 200, 0);
	world_seal(&world);
	assert_int_equal(make(&made, 42, 200, 199), 0);
	assert_int_equal(made.proof.uri_kind, AGENT_PROOF_URI_OMITTED);
	assert_int_equal(made.proof.uri_len, 200);
	assert_null(made.proof.uri);
	assert_non_null(strstr(made.text, "\"uriLength\":\"200\""));
	assert_int_equal(verify(made.text, made.len), 0);
	change_bytes(&made);
	made_clear(&made);
	assert_int_equal(make(&made, 42, 200, 200), 0);
	assert_int_equal(made.proof.uri_kind, AGENT_PROOF_URI_WHOLE);
	made_clear(&made);
}

/* A registry without a proxy: its own code must be the accepted one. */
static void test_no_proxy(void **state)
{
	struct made made = {0};

	(void)state;
	start(42, true, 20, 0);
	world.is_proxy = false;
	world.registry_code = world.implementation_code;
	world_seal(&world);
	assert_int_equal(make(&made, 42, 20, AGENT_PROOF_URI_MAX), 0);
	assert_true(address_equal(&made.proof.implementation, &world.registry));
	assert_int_equal(verify(made.text, made.len), 0);
	made_clear(&made);
}

/* What the chain says, but this verifier does not accept. */
static void test_not_accepted(void **state)
{
	const struct eth_hash other = {{1}};
	struct agent_proof_trust accepted;
	struct agent_proof found;
	struct made made = {0};

	(void)state;
	start(42, true, 20, 0);
	world_seal(&world);
	assert_int_equal(make(&made, 42, 20, AGENT_PROOF_URI_MAX), 0);
	agent_proof_clear(&made.proof);
	accepted = trust();
	accepted.block = &other;
	assert_int_equal(agent_proof_verify(&found, made.why, made.text, made.len, &accepted), -ESTALE);
	for (size_t i = 0; i < 3; i++) { /* of another agent, registry, chain than is meant */
		struct agent_key key = expected;

		accepted = trust();
		accepted.key = &key;
		key.id.limb[0] += i == 0;
		key.registry.bytes[19] ^= i == 1;
		key.chain += i == 2;
		assert_int_equal(agent_proof_verify(&found, made.why, made.text, made.len, &accepted), -EXDEV);
		assert_non_null(strstr(made.why, "not of eip155:"));
	}
	accepted = trust();
	accepted.codes = &other;
	assert_int_equal(agent_proof_verify(&found, made.why, made.text, made.len, &accepted), -EPROTONOSUPPORT);
	assert_non_null(strstr(made.why, "layout: unknown"));
	accepted.ncodes = 0;
	assert_int_equal(agent_proof_verify(&found, made.why, made.text, made.len, &accepted), -EPROTONOSUPPORT);
	made_clear(&made);
}

/* Slots that this layout does not write. */
static void test_other_layouts(void **state)
{
	static const struct {
		const char *what;
		int which; /* 0 owner, 1 wallet, 2 uri, 3 implementation */
		struct eth_hash word;
	} cases[] = {
		{"owner with dirty upper bytes", 0, {{[0] = 1, [31] = 5}}},
		{"wallet of 19 bytes", 1, {{[0] = 1, [31] = 38}}},
		{"wallet with bytes behind it", 1, {{[0] = 1, [20] = 1, [31] = 40}}},
		{"wallet that is the zero address", 1, {{[31] = 40}}},
		{"wallet in the long form", 1, {{[31] = 41}}},
		{"short uri with bytes behind it", 2, {{'a', 'b', [31] = 2}}},
		{"short uri of 32 bytes", 2, {{'a', [31] = 64}}},
		{"long uri of 31 bytes", 2, {{[31] = 63}}},
		{"uri longer than memory", 2, {{[10] = 1, [31] = 1}}},
		{"implementation with dirty upper bytes", 3, {{[5] = 1, [31] = 1}}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct u256 id = u256_from_u64(42);
		struct made made = {0};
		struct layout_slots slots;
		struct eth_hash slot;
		int err;

		start(42, true, 20, 0);
		layout_slots_of(&slots, &id);
		layout_slot_implementation(&slot);
		world.is_proxy = cases[i].which != 3;
		world_set(&world,
			  cases[i].which == 0   ? &slots.owner
			  : cases[i].which == 1 ? &slots.wallet
			  : cases[i].which == 2 ? &slots.uri
						: &slot,
			  &cases[i].word);
		world_seal(&world);
		err = make(&made, 42, 20, AGENT_PROOF_URI_MAX);
		if (err != -EPROTONOSUPPORT || strstr(made.why, "layout: unknown") == NULL)
			fail_msg("%s: %d %s", cases[i].what, err, made.why);
	}
}

static void test_no_code(void **state)
{
	struct made made = {0};

	(void)state;
	start(42, true, 20, 0);
	world_seal(&world);
	memset(world.registry.bytes, 0x99, 20);
	assert_int_equal(make(&made, 42, 20, AGENT_PROOF_URI_MAX), -ENXIO);
}

static void test_parts_missing(void **state)
{
	struct agent_key key;
	struct agent_proof_trust accepted;
	struct made made = {0};

	(void)state;
	start(42, true, 100, 0);
	world_seal(&world);
	key = world_key(&world, 42);
	accepted = trust();
	world_collect_agent(&world, &key.id, 100);
	for (size_t i = 0; i < world.n; i++) {
		struct trie_node kept[WORLD_NODES_MAX];
		struct agent_proof_parts parts = {.key = key, .header = world.header, .header_len = world.header_len,
						  .nodes = kept, .uri_max = 4096};

		for (size_t j = 0; j < world.n; j++) /* this node, wherever it occurs */
			if (world.nodes[j].len != world.nodes[i].len ||
			    memcmp(world.nodes[j].data, world.nodes[i].data, world.nodes[i].len) != 0)
				kept[parts.n++] = world.nodes[j];
		assert_int_equal(agent_proof_build(&made.proof, &made.text, &made.len, made.why, &parts, &accepted),
				 -EKEYREJECTED);
		assert_null(made.text);
	}
	struct agent_proof_parts none = {.key = key, .nodes = world.nodes, .n = world.n, .header = world.header,
					 .header_len = world.header_len - 1};

	assert_int_equal(agent_proof_build(&made.proof, &made.text, &made.len, made.why, &none, &accepted), -EBADMSG);
	none.header_len++;
	none.uri_max = REGISTRY_URI_MAX + 1;
	assert_int_equal(agent_proof_build(&made.proof, &made.text, &made.len, made.why, &none, &accepted), -EINVAL);
}

/* The object as JSON, edited, and written canonically again. */
static int verify_edited(const char *text, void (*edit)(json_t *object, const char *value), const char *value)
{
	json_auto_t *object = json_loads(text, 0, NULL);
	struct jcs_buffer buffer = {0};
	int err;

	assert_non_null(object);
	edit(object, value);
	assert_int_equal(jcs_write(&buffer, object), 0);
	err = verify(buffer.data, buffer.len);
	jcs_buffer_clear(&buffer);
	return err;
}

static void merge(json_t *object, const char *value)
{
	json_auto_t *other = json_loads(value, 0, NULL);

	assert_non_null(other);
	json_object_update(object, other);
}

static void drop(json_t *object, const char *name)
{
	assert_int_equal(json_object_del(object, name), 0);
}

static void add_node(json_t *object, const char *value)
{
	json_array_append_new(json_object_get(object, "nodes"), json_string(value));
}

static void repeat_node(json_t *object, const char *value)
{
	json_t *nodes = json_object_get(object, "nodes");

	(void)value;
	json_array_insert(nodes, 0, json_array_get(nodes, 0));
}

static void swap_nodes(json_t *object, const char *value)
{
	json_t *nodes = json_object_get(object, "nodes"), *first = json_incref(json_array_get(nodes, 0));

	(void)value;
	json_array_remove(nodes, 0);
	json_array_insert_new(nodes, 1, first);
}

static void test_edited(void **state)
{
	static const struct {
		const char *what;
		void (*edit)(json_t *object, const char *value);
		const char *value;
		int expected;
	} cases[] = {
		{"nothing", merge, "{}", 0},
		{"a member more", merge, "{\"note\":\"x\"}", -EBADMSG},
		{"another owner", merge, "{\"owner\":\"0xdd01020300000000000000000000000000000000\"}", -EKEYREJECTED},
		{"the owner in capitals", merge, "{\"owner\":\"0xAA01020300000000000000000000000000000000\"}", -EKEYREJECTED},
		{"another wallet", merge, "{\"wallet\":\"0xaa01020300000000000000000000000000000000\"}", -EKEYREJECTED},
		{"no wallet", merge, "{\"wallet\":null}", -EKEYREJECTED},
		{"another uri", merge, "{\"uri\":\"abc\"}", -EKEYREJECTED},
		{"the uri twice", merge, "{\"uriData\":\"0x61\"}", -EBADMSG},
		{"its length too", merge, "{\"uriLength\":\"20\"}", -EBADMSG},
		{"not there", merge, "{\"exists\":false}", -EKEYREJECTED},
		{"another agent", merge, "{\"agent\":\"eip155:8453/erc721:0x8080808080808080808080808080808080808080/43\"}", -EKEYREJECTED},
		{"another registry", merge, "{\"agent\":\"eip155:8453/erc721:0x8180808080808080808080808080808080808080/42\"}", -EKEYREJECTED},
		{"an agent in another spelling", merge, "{\"agent\":\"eip155:8453/erc721:0x8080808080808080808080808080808080808080/042\"}", -EBADMSG},
		{"an agent that is no text", merge, "{\"agent\":42}", -EBADMSG},
		{"another block", merge, "{\"block\":{}}", -EKEYREJECTED},
		{"another code", merge, "{\"registryCode\":\"0x00\"}", -EKEYREJECTED},
		{"another implementation", merge, "{\"implementation\":{}}", -EKEYREJECTED},
		{"a header that is none", merge, "{\"header\":\"0xc0\"}", -EPROTONOSUPPORT},
		{"a header that is no hex", merge, "{\"header\":\"c0\"}", -EBADMSG},
		{"no nodes", merge, "{\"nodes\":[]}", -EKEYREJECTED},
		{"nodes that are no list", merge, "{\"nodes\":\"0x\"}", -EBADMSG},
		{"nodes that are no hex", merge, "{\"nodes\":[1]}", -EBADMSG},
		{"nodes nested", merge, "{\"nodes\":[[\"0x\"]]}", -EBADMSG},
		{"deeper than such an object", merge, "{\"nodes\":[[[]]]}", -EOVERFLOW},
		{"a node more", add_node, "0xc20102", -EKEYREJECTED},
		{"a node twice", repeat_node, "", -EBADMSG},
		{"nodes in another order", swap_nodes, "", -EBADMSG},
		{"another type", merge, "{\"type\":\"Receipt\"}", -EBADMSG},
		{"another version", merge, "{\"v\":2}", -EKEYREJECTED},
		{"no agent", drop, "agent", -EBADMSG},
		{"no block", drop, "block", -EKEYREJECTED},
		{"no header", drop, "header", -EBADMSG},
		{"nodes left out", drop, "nodes", -EBADMSG},
		{"no owner", drop, "owner", -EKEYREJECTED},
		{"no wallet stated", drop, "wallet", -EKEYREJECTED},
		{"no uri", drop, "uri", -EKEYREJECTED},
		{"no exists", drop, "exists", -EKEYREJECTED},
		{"no type", drop, "type", -EBADMSG},
		{"no version", drop, "v", -EKEYREJECTED},
		{"no registryCode", drop, "registryCode", -EKEYREJECTED},
		{"no implementation", drop, "implementation", -EKEYREJECTED},
	};
	struct made made = {0};

	(void)state;
	start(42, true, 20, 0);
	world_seal(&world);
	assert_int_equal(make(&made, 42, 20, AGENT_PROOF_URI_MAX), 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		int err = verify_edited(made.text, cases[i].edit, cases[i].value);
		/* a node more may fall between the others or, out of order, behind them */
		bool either = cases[i].edit == add_node && err == -EBADMSG;

		if (err != cases[i].expected && !either)
			fail_msg("%s: %d, not %d", cases[i].what, err, cases[i].expected);
	}
	made_clear(&made);
}

/* The same object, not in its one form. */
static void test_not_canonical(void **state)
{
	static const char *const texts[] = {"", "{}", "[]", "null", "{\"type\":\"AgentProof\"}", "{\"type\":\"AgentProof\",\"v\":1", "\xff"};
	struct made made = {0};
	char *longer;

	(void)state;
	start(42, true, 20, 0);
	world_seal(&world);
	assert_int_equal(make(&made, 42, 20, AGENT_PROOF_URI_MAX), 0);
	longer = malloc(made.len + 2);
	memcpy(longer, made.text, made.len);
	longer[made.len] = '\n';
	assert_int_equal(verify(longer, made.len + 1), -EBADMSG);
	longer[0] = ' ';
	memcpy(longer + 1, made.text, made.len);
	assert_int_equal(verify(longer, made.len + 1), -EBADMSG);
	free(longer);
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_not_equal(verify(texts[i], strlen(texts[i])), 0);
	longer = malloc(AGENT_PROOF_MAX + 1);
	memset(longer, ' ', AGENT_PROOF_MAX + 1);
	assert_int_equal(verify(longer, AGENT_PROOF_MAX + 1), -EOVERFLOW);
	free(longer);
	made_clear(&made);
}

static int teardown(void **state)
{
	(void)state;
	world_clear(&world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proven),	     cmocka_unit_test(test_nobody),	  cmocka_unit_test(test_uri_left_out),
		cmocka_unit_test(test_no_proxy),     cmocka_unit_test(test_not_accepted), cmocka_unit_test(test_other_layouts),
		cmocka_unit_test(test_no_code),	     cmocka_unit_test(test_parts_missing), cmocka_unit_test(test_edited),
		cmocka_unit_test(test_not_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
