/* Third-party vectors: transparency-dev/merkle inclusion and consistency, the RFC 6962 reference tree, C2SP examples.
 */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "anchor/merkle.h"
#include "anchor/note.h"
#include "anchor/tile.h"

#define FOLDER KEDGE_SHARED_VECTORS "/tlog/"

static struct merkle_hasher hasher;
static unsigned skipped;

static int setup(void **state)
{
	(void)state;
	return sodium_init() < 0 ? -1 : merkle_hasher_init(&hasher);
}

static int teardown(void **state)
{
	(void)state;
	merkle_hasher_clear(&hasher);
	print_message("third-party vectors: %u files skipped\n", skipped);
	return 0;
}

/* jansson has no integer above 2^63 - 1; such ones are quoted before it reads the file. */
static char *read_quoting_large_numbers(const char *path)
{
	static const char large[] = "18446744073709551615";
	char *bytes = calloc(1, 1 << 20), *at;
	FILE *file = fopen(path, "rb");
	size_t len;

	assert_non_null(bytes);
	assert_non_null(file);
	len = fread(bytes, 1, (1 << 20) - 256, file);
	assert_true(feof(file));
	fclose(file);
	for (at = bytes; (at = strstr(at, large)); at += sizeof(large) + 1) {
		memmove(at + 1, at, len - (size_t)(at - bytes));
		at[0] = '"';
		len++;
		memmove(at + sizeof(large) + 1, at + sizeof(large), len - (size_t)(at - bytes) - sizeof(large));
		at[sizeof(large)] = '"';
		len++;
	}
	return bytes;
}

static json_t *load(const char *path)
{
	json_error_t error;
	json_t *root;
	char *bytes;

	if (access(FOLDER, R_OK) != 0) {
		print_message("skipped: no third-party vectors (%s)\n", path);
		skipped++;
		skip();
	}
	bytes = read_quoting_large_numbers(path);
	root = json_loads(bytes, 0, &error);
	free(bytes);
	if (!root)
		fail_msg("%s: %s", path, error.text);
	return root;
}

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	assert_non_null(value);
	return value;
}

static uint64_t number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (json_is_string(value))
		return strtoull(json_string_value(value), NULL, 10);
	assert_true(json_is_integer(value));
	return (uint64_t)json_integer_value(value);
}

/* Some vectors hold hashes of other lengths, for which our API has no form. A short one ("don't care") is padded with
 * zeros, which keeps equal ones equal and unequal ones unequal; an absent one becomes a value that equals nothing. */
static unsigned padded;

static void hash(struct merkle_hash *out, const char *hex)
{
	size_t len;

	*out = (struct merkle_hash){0};
	assert_int_equal(sodium_hex2bin(out->bytes, 32, hex, strlen(hex), NULL, &len, NULL), 0);
	padded += len < 32;
	if (len == 0)
		memcpy(out->bytes, &padded, sizeof(padded));
}

static void proof_of(struct merkle_hash *out, size_t *count, const json_t *test)
{
	const json_t *proof = json_object_get(test, "proof"), *element;
	size_t i;

	*count = json_array_size(proof);
	assert_true(*count < 128);
	json_array_foreach(proof, i, element) hash(&out[i], json_string_value(element));
}

static void report(const char *what, const json_t *root, unsigned ok, unsigned refused)
{
	print_message("%s: %u accepted, %u refused (%u hashes padded)\n", what, ok, refused, padded);
	assert_int_equal(ok, number(root, "want_ok"));
	assert_int_equal(refused, number(root, "want_err"));
	padded = 0;
}

static void test_inclusion(void **state)
{
	json_t *root = load(FOLDER "inclusion.json");
	unsigned ok = 0, refused = 0;
	const json_t *test;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(root, "cases"), i, test)
	{
		struct merkle_hash proof[128], tree, leaf;
		size_t count;
		int rc;

		hash(&tree, text(test, "root"));
		hash(&leaf, text(test, "leafHash"));
		proof_of(proof, &count, test);
		rc = merkle_verify_inclusion(&hasher, &tree, &leaf, number(test, "leafIdx"), number(test, "treeSize"),
					     proof, count);
		if ((rc != 0) != json_is_true(json_object_get(test, "wantErr")))
			fail_msg("%s: %d", text(test, "name"), rc);
		if (rc)
			refused++;
		else
			ok++;
	}
	report("inclusion", root, ok, refused);
	json_decref(root);
}

static void test_consistency(void **state)
{
	json_t *root = load(FOLDER "consistency.json");
	unsigned ok = 0, refused = 0;
	const json_t *test;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(root, "cases"), i, test)
	{
		struct merkle_hash proof[128], old, tree;
		size_t count;
		int rc;

		hash(&old, text(test, "root1"));
		hash(&tree, text(test, "root2"));
		proof_of(proof, &count, test);
		rc = merkle_verify_consistency(&hasher, &old, number(test, "size1"), &tree, number(test, "size2"),
					       proof, count);
		if ((rc != 0) != json_is_true(json_object_get(test, "wantErr")))
			fail_msg("%s: %d", text(test, "name"), rc);
		if (rc)
			refused++;
		else
			ok++;
	}
	report("consistency", root, ok, refused);
	json_decref(root);
}

static void test_reference_tree(void **state)
{
	json_t *root = load(FOLDER "rfc6962-reference.json");
	const json_t *inputs = json_object_get(root, "leaf_inputs_hex"),
		     *roots = json_object_get(root, "root_hashes_by_size");
	struct merkle_hash leaves[8], want, got;
	struct merkle_edge edge = {0};

	(void)state;
	assert_int_equal(json_array_size(inputs), 8);
	assert_int_equal(json_array_size(roots), 9);
	for (size_t i = 0; i <= 8; i++) {
		const char *input = json_string_value(json_array_get(inputs, i));
		uint8_t bytes[32];
		size_t len;

		hash(&want, json_string_value(json_array_get(roots, i)));
		merkle_edge_root(&hasher, &got, &edge);
		assert_memory_equal(&got, &want, sizeof(got));
		merkle_root(&hasher, &got, leaves, i);
		assert_memory_equal(&got, &want, sizeof(got));
		if (i == 8)
			break;
		assert_int_equal(sodium_hex2bin(bytes, sizeof(bytes), input, strlen(input), NULL, &len, NULL), 0);
		merkle_leaf(&hasher, &leaves[i], bytes, len);
		hash(&want, json_string_value(json_array_get(json_object_get(root, "leaf_hashes"), i)));
		assert_memory_equal(&leaves[i], &want, sizeof(want));
		assert_int_equal(merkle_edge_append(&hasher, &edge, &leaves[i]), 0);
	}
	print_message("RFC 6962 reference: 8 leaves, 9 roots\n");
	json_decref(root);
}

static void test_signed_note_example(void **state)
{
	json_t *root = load(FOLDER "c2sp-examples.json");
	const char *vkey = text(root, "vkey"), *bytes = text(root, "note");
	char again[NOTE_KEY_TEXT_MAX], id[9];
	struct note_key key;
	struct note note;

	(void)state;
	assert_int_equal(note_key_parse(&key, vkey, strlen(vkey)), 0);
	assert_string_equal(key.name, text(root, "name"));
	sodium_bin2hex(id, sizeof(id), key.id, 4);
	assert_string_equal(id, text(root, "key_id_hex"));
	note_key_format(again, &key);
	assert_string_equal(again, vkey);
	assert_int_equal(note_parse(&note, bytes, strlen(bytes)), 0);
	assert_int_equal(note.text_len, strlen(text(root, "note_text")));
	assert_memory_equal(note.text, text(root, "note_text"), note.text_len);
	assert_int_equal(note_verify(&note, &key), 0);
	json_decref(root);
}

static void check_width(const json_t *test, const char *name, uint64_t got)
{
	if (json_object_get(test, name))
		assert_int_equal(number(test, name), got);
}

static void test_tile_examples(void **state)
{
	json_t *root = load(FOLDER "c2sp-examples.json");
	const json_t *test;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(root, "tlog_tiles_checks"), i, test)
	{
		char path[TILE_PATH_MAX];
		uint64_t size;

		if (json_object_get(test, "index")) {
			struct tile_id id = {.index = number(test, "index"), .width = 256};

			assert_int_equal(tile_path_format(path, &id), 0);
			assert_string_equal(path + strlen("tile/0/"), text(test, "path"));
			continue;
		}
		size = number(test, "size");
		check_width(test, "level0_full", tile_full_count(size, 0));
		check_width(test, "level0_partial_width", tile_partial_width(size, 0));
		check_width(test, "level1_full", tile_full_count(size, 1));
		check_width(test, "level1_partial_width", tile_partial_width(size, 1));
		check_width(test, "level2_partial_width", tile_partial_width(size, 2));
	}
	assert_int_equal(i, 3);
	print_message("C2SP: 1 vkey and note, %zu tile examples\n", i);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inclusion),      cmocka_unit_test(test_consistency),
		cmocka_unit_test(test_reference_tree), cmocka_unit_test(test_signed_note_example),
		cmocka_unit_test(test_tile_examples),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
