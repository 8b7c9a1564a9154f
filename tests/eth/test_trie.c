/* Proofs in tries: ethereum/tests' tries built by another hand, random ones, and every byte changed. */
#include "vectors.h"
#include "eth/trie.h"
#include "trie_builder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- tries of ethereum/tests ---- */

#define PAIRS_MAX 512

struct tally {
	unsigned roots, present, absent;
};

/* "0x…" is hex, anything else is its bytes. */
static struct bytes bytes_of(const json_t *text)
{
	const char *value = json_string_value(text);
	size_t len = json_string_length(text);
	struct bytes out;

	if (len >= 2 && value[0] == '0' && value[1] == 'x')
		return hex_bytes(value);
	out = (struct bytes){.data = malloc(len + 1), .len = len};
	memcpy(out.data, value, len);
	return out;
}

static struct bytes key_of(const json_t *text, bool secure)
{
	struct bytes key = bytes_of(text);

	if (secure) {
		struct eth_hash hash;

		keccak256(&hash, key.data, key.len);
		key.data = realloc(key.data, sizeof(hash));
		memcpy(key.data, hash.bytes, sizeof(hash));
		key.len = sizeof(hash);
	}
	return key;
}

struct table {
	struct trie_pair pairs[PAIRS_MAX];
	size_t n;
	struct bytes owned[2 * PAIRS_MAX];
	size_t nowned;
};

static const uint8_t *own(struct table *table, struct bytes bytes)
{
	assert_true(table->nowned < COUNT(table->owned));
	table->owned[table->nowned++] = bytes;
	return bytes.data;
}

/* A null value deletes the key. */
static void put(struct table *table, const json_t *key_text, const json_t *value_text, bool secure)
{
	struct bytes key = key_of(key_text, secure), value = {0};
	size_t i = 0;

	own(table, key);
	while (i < table->n &&
	       (table->pairs[i].key_len != key.len || memcmp(table->pairs[i].key, key.data, key.len) != 0))
		i++;
	if (json_is_null(value_text)) {
		if (i < table->n)
			table->pairs[i] = table->pairs[--table->n];
		return;
	}
	value = bytes_of(value_text);
	own(table, value);
	if (i == table->n)
		assert_true(table->n++ < PAIRS_MAX);
	table->pairs[i] = (struct trie_pair){key.data, key.len, value.data, value.len};
}

static void table_clear(struct table *table)
{
	while (table->nowned > 0)
		free(table->owned[--table->nowned].data);
	table->n = 0;
}

/* Proves the key's value or absence, from the ordered list and from a set. */
static void prove_both(struct trie_pair *pairs, size_t n, const uint8_t *key, size_t key_len, struct tally *tally)
{
	const struct trie_pair *found = NULL;
	struct trie_set_row rows[TRIE_DEPTH_MAX];
	struct trie_built built;
	struct trie_set set;
	const uint8_t *value;
	size_t len;
	int err;

	for (size_t i = 0; i < n; i++)
		if (pairs[i].key_len == key_len && memcmp(pairs[i].key, key, key_len) == 0)
			found = &pairs[i];
	struct trie_pair expected = found != NULL ? *found : (struct trie_pair){0};

	trie_build(&built, pairs, n, key, key_len);
	err = trie_prove(&value, &len, &built.root, key, key_len, built.nodes, built.n);
	assert_int_equal(err, found != NULL ? 0 : -ENOENT);
	if (err == 0) {
		assert_int_equal(len, expected.value_len);
		assert_memory_equal(value, expected.value, len);
	}
	for (size_t i = 0; i < built.n; i++)
		rows[i].node = built.nodes[i];
	for (size_t i = 0; i + 1 < built.n; i++) /* into ascending order of hashes */
		for (size_t j = 0; j + 1 < built.n; j++) {
			struct eth_hash a, b;
			struct trie_node swap = rows[j].node;

			keccak256(&a, rows[j].node.data, rows[j].node.len);
			keccak256(&b, rows[j + 1].node.data, rows[j + 1].node.len);
			if (memcmp(&a, &b, sizeof(a)) > 0) {
				rows[j].node = rows[j + 1].node;
				rows[j + 1].node = swap;
			}
		}
	assert_int_equal(trie_set_init(&set, rows, built.n), 0);
	assert_int_equal(trie_set_prove(&value, &len, &set, &built.root, key, key_len), err);
	assert_true(trie_set_all_used(&set));
	assert_true(err != 0 || (len == expected.value_len && memcmp(value, expected.value, len) == 0));
	if (built.n > 1) { /* a node left out, a node left over */
		assert_int_equal(trie_prove(&value, &len, &built.root, key, key_len, built.nodes, built.n - 1), -EKEYREJECTED);
		built.nodes[built.n] = built.nodes[0];
		assert_int_equal(trie_prove(&value, &len, &built.root, key, key_len, built.nodes, built.n + 1), -EKEYREJECTED);
	}
	tally->present += found != NULL;
	tally->absent += found == NULL;
	trie_built_clear(&built);
}

/* Every key; and what is near it: each nibble changed, one byte less, one byte more. */
static void prove_around(struct table *table, struct tally *tally)
{
	uint8_t key[TRIE_KEY_MAX];

	for (size_t i = 0; i < table->n; i++) {
		struct trie_pair *pair = &table->pairs[i];
		size_t len = pair->key_len;

		memcpy(key, pair->key, len);
		prove_both(table->pairs, table->n, key, len, tally);
		if (i % 8 != 0)
			continue;
		for (size_t byte = 0; byte < len; byte += 3) {
			key[byte] ^= (uint8_t)(byte % 2 == 0 ? 0x10 : 0x01);
			prove_both(table->pairs, table->n, key, len, tally);
			key[byte] ^= (uint8_t)(byte % 2 == 0 ? 0x10 : 0x01);
		}
		if (len > 0)
			prove_both(table->pairs, table->n, key, len - 1, tally);
		key[len] = 0x20;
		prove_both(table->pairs, table->n, key, len + 1, tally);
	}
}

static void check_trie(const json_t *test, bool secure, struct tally *tally)
{
	static struct table table;
	const json_t *in = json_object_get(test, "in"), *pair;
	struct trie_built built;
	const char *name;
	size_t i;

	if (json_is_array(in))
		json_array_foreach(in, i, pair)
			put(&table, json_array_get(pair, 0), json_array_get(pair, 1), secure);
	else
		json_object_foreach((json_t *)(uintptr_t)in, name, pair) {
			json_t *key = json_string(name);

			put(&table, key, pair, secure);
			json_decref(key);
		}
	trie_build(&built, table.pairs, table.n, NULL, 0);
	assert_hex_equal(built.root.bytes, sizeof(built.root.bytes), text_of(test, "root"));
	trie_built_clear(&built);
	tally->roots++;
	prove_around(&table, tally);
	table_clear(&table);
}

static void test_ethereum_tests(void **state)
{
	static const struct {
		const char *file;
		bool secure;
	} files[] = {{"trieanyorder.json", false},	  {"trietest.json", false},
		     {"trieanyorder_secureTrie.json", true}, {"trietest_secureTrie.json", true},
		     {"hex_encoded_securetrie_test.json", true}};
	struct tally tally = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		char path[128];
		const char *name;
		json_t *test, *root;

		snprintf(path, sizeof(path), "ethereum-tests/TrieTests/%s", files[i].file);
		root = vectors_load(path);
		json_object_foreach(root, name, test)
			check_trie(test, files[i].secure, &tally);
		json_decref(root);
	}
	print_message("%u tries of ethereum/tests: roots equal; %u values and %u absences proven\n", tally.roots, tally.present,
		      tally.absent);
	assert_true(tally.roots >= 20);
}

/* The next and previous keys of trietestnextprev.json, absent but for those that are keys. */
static void test_next_prev(void **state)
{
	json_t *root = vectors_load("ethereum-tests/TrieTests/trietestnextprev.json"), *test, *row, *key;
	static struct table table;
	struct tally tally = {0};
	const char *name;
	size_t i, j;

	(void)state;
	json_object_foreach(root, name, test) {
		json_array_foreach(json_object_get(test, "in"), i, key)
			put(&table, key, key, false);
		json_array_foreach(json_object_get(test, "tests"), i, row)
			json_array_foreach(row, j, key) {
				struct bytes bytes = bytes_of(key);

				prove_both(table.pairs, table.n, bytes.data, bytes.len, &tally);
				free(bytes.data);
			}
		table_clear(&table);
	}
	json_decref(root);
	print_message("neighbours: %u values and %u absences proven\n", tally.present, tally.absent);
	assert_true(tally.present > 5 && tally.absent > 5);
}

/* ---- random tries ---- */

static uint64_t seed;

/* xorshift64*, so that every run has the same tries. */
static uint64_t draw(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545f4914f6cdd1dULL;
}

#define RANDOM_KEYS 64

struct random_trie {
	struct trie_pair pairs[RANDOM_KEYS];
	uint8_t keys[RANDOM_KEYS][8], values[RANDOM_KEYS][48];
	size_t n;
};

/* Short keys over few nibbles and short values: extensions, inline nodes, and values in branches. */
static void draw_trie(struct random_trie *trie)
{
	trie->n = 0;
	for (size_t tries = 1 + draw() % RANDOM_KEYS; tries > 0; tries--) {
		struct trie_pair *pair = &trie->pairs[trie->n];
		size_t i = 0;

		pair->key = trie->keys[trie->n];
		pair->key_len = 1 + draw() % sizeof(trie->keys[0]);
		for (size_t byte = 0; byte < pair->key_len; byte++)
			trie->keys[trie->n][byte] = (uint8_t)(draw() % 3 * 0x11 + (byte > 1 ? draw() % 2 : 0));
		pair->value = trie->values[trie->n];
		pair->value_len = 1 + draw() % (draw() % 2 == 0 ? 3 : sizeof(trie->values[0]));
		for (size_t byte = 0; byte < pair->value_len; byte++)
			trie->values[trie->n][byte] = (uint8_t)(draw() >> 32);
		while (i < trie->n && (trie->pairs[i].key_len != pair->key_len ||
				       memcmp(trie->pairs[i].key, pair->key, pair->key_len) != 0))
			i++;
		trie->n += i == trie->n;
	}
}

static void test_random_tries(void **state)
{
	static struct random_trie trie;
	struct tally tally = {0};

	(void)state;
	seed = 0x6b65646765;
	for (unsigned round = 0; round < 60; round++) {
		uint8_t key[8];

		draw_trie(&trie);
		for (size_t i = 0; i < trie.n; i += 3) {
			size_t len = trie.pairs[i].key_len;

			memcpy(key, trie.pairs[i].key, len);
			prove_both(trie.pairs, trie.n, key, len, &tally);
			key[draw() % len] ^= (uint8_t)(1 + draw() % 255);
			prove_both(trie.pairs, trie.n, key, len, &tally);
		}
	}
	print_message("random tries: %u values and %u absences proven\n", tally.present, tally.absent);
	assert_true(tally.present > 300 && tally.absent > 100);
}

/* ---- mutations ---- */

/* Every byte of every node in turn becomes another one. The proof must then be refused: neither value nor absence. */
static unsigned mutate(const struct trie_built *built, const uint8_t *key, size_t key_len)
{
	struct trie_node nodes[TRIE_DEPTH_MAX];
	unsigned refused = 0;

	memcpy(nodes, built->nodes, sizeof(nodes));
	for (size_t i = 0; i < built->n; i++) {
		uint8_t *copy = malloc(nodes[i].len);

		memcpy(copy, built->nodes[i].data, nodes[i].len);
		nodes[i].data = copy;
		for (size_t byte = 0; byte < nodes[i].len; byte++) {
			uint8_t kept = copy[byte];
			const uint8_t *value;
			size_t len;

			copy[byte] ^= (uint8_t)(1 + draw() % 255);
			assert_int_equal(trie_prove(&value, &len, &built->root, key, key_len, nodes, built->n), -EKEYREJECTED);
			assert_null(value);
			copy[byte] = kept;
			refused++;
		}
		nodes[i].data = built->nodes[i].data;
		free(copy);
	}
	return refused;
}

static void test_mutations(void **state)
{
	static struct random_trie trie;
	unsigned proofs = 1000, refused = 0;

	(void)state;
	seed = 8004;
	for (unsigned i = 0; i < proofs; i++) {
		struct trie_built built;
		uint8_t key[8];
		size_t which, len;

		draw_trie(&trie);
		which = draw() % trie.n;
		len = trie.pairs[which].key_len;
		memcpy(key, trie.pairs[which].key, len);
		if (draw() % 3 == 0)
			key[draw() % len] ^= 0x40;
		trie_build(&built, trie.pairs, trie.n, key, len);
		refused += mutate(&built, key, len);
		trie_built_clear(&built);
	}
	print_message("%u proofs: each of %u single-byte changes refused\n", proofs, refused);
	assert_true(refused > 50 * proofs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ethereum_tests), cmocka_unit_test(test_next_prev),
		cmocka_unit_test(test_random_tries),   cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
