/* Every form of a node, of a list of nodes and of a set that is refused. */
#include "vectors.h"
#include "eth/trie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define H32 "a0" "1111111111111111111111111111111111111111111111111111111111111111"
#define EMPTY15 "808080808080808080808080808080"

/* One node, which is the root whatever it is; the key is 0x1234. */
static void test_refused_nodes(void **state)
{
	static const struct {
		const char *what, *node;
		int expected;
	} cases[] = {
		{"a leaf", "c58320123401", 0},
		{"a leaf of another key", "c58320123501", -ENOENT},
		{"a leaf of a shorter key", "c482201201", -ENOENT},
		{"a leaf of a longer key", "c6842012345601", -ENOENT},
		{"an odd leaf", "c482312301", -ENOENT},
		{"hex-prefix flag 4", "c58340123401", -EBADMSG},
		{"hex-prefix flag 15", "c583f0123401", -EBADMSG},
		{"padding nibble of a leaf", "c58321123401", -EBADMSG},
		{"padding nibble of an extension", "e5" "83051234" H32, -EBADMSG},
		{"no hex-prefix", "c28001", -EBADMSG},
		{"a list for the hex-prefix", "c2c001", -EBADMSG},
		{"an empty value", "c58320123480", -EBADMSG},
		{"a list for the value", "c583201234c0", -EBADMSG},
		{"an extension without a path", "e200" H32, -EBADMSG},
		{"an extension to nothing", "c58300123480", -EBADMSG},
		{"an extension to 31 bytes", "e4" "83001234" "9f" "11111111111111111111111111111111111111111111111111111111111111", -EBADMSG},
		{"an extension to a short string", "c88300123483112233", -EBADMSG},
		{"an extension that diverges", "e5" "83001235" H32, -ENOENT},
		{"an extension longer than the key", "e6" "8400123456" H32, -ENOENT},
		{"an extension to a node that is missing", "e5" "83001234" H32, -EKEYREJECTED},
		{"no item", "c0", -EBADMSG},
		{"one item", "c101", -EBADMSG},
		{"three items", "c3200101", -EBADMSG},
		{"16 items", "d0" "8080808080808080" "8080808080808080", -EBADMSG},
		{"18 items", "d2" "8080808080808080" "8080808080808080" "8080", -EBADMSG},
		{"a branch without children", "d1" "8080808080808080" "8080808080808080" "80", -ENOENT},
		{"a branch with a list for its value", "d1" "8080808080808080" "8080808080808080" "c0", -EBADMSG},
		{"a branch with a short string for a child", "d5" EMPTY15 "8411223344" "80", -EBADMSG},
		{"a branch with an inline child too long to be inline",
		 "f3" EMPTY15 "e2" H32 "01" "80", -EBADMSG},
		{"a branch to a node that is missing", "f1" "80" H32 "8080808080808080808080808080" "80", -EKEYREJECTED},
		{"a string", "83201234", -EBADMSG},
		{"an empty string", "80", -ENOENT}, /* the empty trie, as anvil proves it */
		{"no bytes", "", -EBADMSG},
		{"bytes after the node", "c5832012340100", -EBADMSG},
		{"a node cut short", "c583201234", -EBADMSG},
		{"a long form for a short length", "f8058320123401", -EBADMSG},
		{"a byte in a longer form", "c6832012348101", -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		static const uint8_t key[2] = {0x12, 0x34};
		struct bytes bytes = hex_bytes(cases[i].node);
		struct trie_node node = {.data = bytes.data, .len = bytes.len};
		struct eth_hash root;
		const uint8_t *value;
		size_t len;
		int err;

		keccak256(&root, bytes.data, bytes.len);
		err = trie_prove(&value, &len, &root, key, sizeof(key), &node, 1);
		if (err != cases[i].expected)
			fail_msg("%s: %d, not %d", cases[i].what, err, cases[i].expected);
		free(bytes.data);
	}
}

static struct trie_node node_of(const char *hex, struct bytes *owner)
{
	*owner = hex_bytes(hex);
	return (struct trie_node){.data = owner->data, .len = owner->len};
}

static void test_refused_lists(void **state)
{
	static const uint8_t key[2] = {0x12, 0x34}, long_key[TRIE_KEY_MAX + 1];
	static struct trie_node many[TRIE_DEPTH_MAX + 1];
	struct bytes empty_owner, leaf_owner, extension_owner;
	struct trie_node nodes[3] = {{0}};
	struct eth_hash root, leaf_hash;
	char extension[2 * 40 + 1];
	const uint8_t *value;
	size_t len;

	(void)state;
	/* the empty trie, as geth and as anvil show it, and nothing else */
	nodes[0] = node_of("80", &empty_owner);
	nodes[1] = nodes[0];
	assert_int_equal(trie_prove(&value, &len, &trie_empty_root, key, 2, NULL, 0), -ENOENT);
	assert_int_equal(trie_prove(&value, &len, &trie_empty_root, key, 2, nodes, 1), -ENOENT);
	assert_int_equal(trie_prove(&value, &len, &trie_empty_root, key, 2, nodes, 2), -EKEYREJECTED);
	keccak256(&root, nodes[0].data, nodes[0].len);
	assert_memory_equal(root.bytes, trie_empty_root.bytes, sizeof(root.bytes));
	/* a node shorter than a hash belongs inside its parent */
	nodes[1] = node_of("c482203401", &leaf_owner);
	keccak256(&leaf_hash, nodes[1].data, nodes[1].len);
	strcpy(extension, "e4820012a0");
	for (size_t i = 0; i < sizeof(leaf_hash.bytes); i++)
		snprintf(extension + 10 + 2 * i, 3, "%02x", leaf_hash.bytes[i]);
	nodes[0] = node_of(extension, &extension_owner);
	keccak256(&root, nodes[0].data, nodes[0].len);
	assert_int_equal(trie_prove(&value, &len, &root, key, 2, nodes, 2), -EBADMSG);
	/* none, another one, a wrong root, and the limits */
	assert_int_equal(trie_prove(&value, &len, &root, key, 2, NULL, 0), -EKEYREJECTED);
	assert_int_equal(trie_prove(&value, &len, &root, key, 2, nodes + 1, 1), -EKEYREJECTED);
	assert_int_equal(trie_prove(&value, &len, &leaf_hash, key, 2, nodes, 2), -EKEYREJECTED);
	assert_int_equal(trie_prove(&value, &len, &root, long_key, sizeof(long_key), nodes, 2), -EOVERFLOW);
	assert_int_equal(trie_prove(&value, &len, &trie_empty_root, long_key, sizeof(long_key), NULL, 0), -EOVERFLOW);
	assert_int_equal(trie_prove(&value, &len, &root, key, 2, many, COUNT(many)), -EOVERFLOW);
	free(empty_owner.data);
	free(leaf_owner.data);
	free(extension_owner.data);
}

static void test_sets_are_ordered(void **state)
{
	struct trie_set_row rows[2] = {{.node = {.data = (const uint8_t *)"a", .len = 1}},
				       {.node = {.data = (const uint8_t *)"b", .len = 1}}};
	struct eth_hash a, b;
	struct trie_set set;

	(void)state;
	keccak256(&a, "a", 1);
	keccak256(&b, "b", 1);
	assert_true(memcmp(&a, &b, sizeof(a)) < 0);
	assert_int_equal(trie_set_init(&set, rows, 2), 0);
	assert_false(trie_set_all_used(&set));
	rows[0].node = rows[1].node;
	assert_int_equal(trie_set_init(&set, rows, 2), -EBADMSG);
	rows[1].node = (struct trie_node){.data = (const uint8_t *)"a", .len = 1};
	assert_int_equal(trie_set_init(&set, rows, 2), -EBADMSG);
	assert_int_equal(trie_set_init(&set, rows, 0), 0);
	assert_true(trie_set_all_used(&set));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_nodes),
		cmocka_unit_test(test_refused_lists),
		cmocka_unit_test(test_sets_are_ordered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
