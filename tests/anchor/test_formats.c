/* The project's own vectors, made from docs/formats.md by an independent program (tests/vectors/generate.mjs): entries,
 * tree, proofs, tiles, checkpoints and map are reproduced byte for byte. */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "anchor/checkpoint.h"
#include "anchor/entry.h"
#include "anchor/map.h"
#include "anchor/merkle.h"
#include "anchor/tile.h"
#include "tests/anchor/naive_map.h"

#define ENTRIES 300

static struct merkle_hasher hasher;
static json_t *log_vectors, *map_vectors;
static struct merkle_hash leaves[ENTRIES];
static struct merkle_hash nodes[MERKLE_RANGE_NODES(ENTRIES)];

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	assert_non_null(value);
	return value;
}

static uint64_t number(const json_t *object, const char *name)
{
	assert_true(json_is_integer(json_object_get(object, name)));
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

static void hash_of(struct merkle_hash *out, const char *hex)
{
	size_t len;

	assert_non_null(hex);
	assert_int_equal(sodium_hex2bin(out->bytes, 32, hex, strlen(hex), NULL, &len, NULL), 0);
	assert_int_equal(len, 32);
}

static void assert_hash(const struct merkle_hash *got, const char *hex)
{
	struct merkle_hash want;

	hash_of(&want, hex);
	assert_memory_equal(got, &want, sizeof(want));
}

static const char *entry_at(size_t seq, size_t *len)
{
	const json_t *entry = json_array_get(json_object_get(log_vectors, "entries"), seq);

	*len = json_string_length(entry);
	return json_string_value(entry);
}

static int setup(void **state)
{
	(void)state;
	log_vectors = json_load_file(KEDGE_VECTORS "/log.json", 0, NULL);
	map_vectors = json_load_file(KEDGE_VECTORS "/map.json", 0, NULL);
	if (!log_vectors || !map_vectors || sodium_init() < 0 || merkle_hasher_init(&hasher) != 0 ||
	    json_array_size(json_object_get(log_vectors, "entries")) != ENTRIES)
		return -1;
	for (size_t i = 0; i < ENTRIES; i++) {
		size_t len;
		const char *entry = entry_at(i, &len);

		merkle_leaf(&hasher, &leaves[i], entry, len);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(log_vectors);
	json_decref(map_vectors);
	merkle_hasher_clear(&hasher);
	return 0;
}

static void test_entries_are_read_and_written_again(void **state)
{
	unsigned attestations = 0, heads = 0;

	(void)state;
	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry_attestation attestation;
		struct entry_index head;
		char again[ENTRY_LINE_MAX];
		enum entry_kind kind;
		size_t len, again_len = ENTRY_INDEX_SIZE;
		const char *line = entry_at(i, &len);

		assert_int_equal(entry_kind(&kind, line, len), 0);
		if (kind == ENTRY_INDEX) {
			assert_int_equal(entry_index_parse(&head, line, len), 0);
			assert_int_equal(head.size, i);
			entry_index_format(again, &head);
			heads++;
		} else {
			assert_int_equal(entry_attestation_parse(&attestation, line, len), 0);
			assert_int_equal(entry_attestation_format(again, sizeof(again), &again_len, &attestation), 0);
			attestations++;
		}
		assert_int_equal(again_len, len);
		assert_memory_equal(again, line, len);
		assert_hash(&leaves[i], json_string_value(json_array_get(json_object_get(log_vectors, "leaves"), i)));
	}
	print_message("entries: %u attestations, %u index heads\n", attestations, heads);
	assert_int_equal(heads, 10);
}

static void test_roots_and_edges(void **state)
{
	struct merkle_edge edge = {0}, edges[ENTRIES + 1];
	const json_t *want;
	size_t i;

	(void)state;
	for (i = 0; i <= ENTRIES; i++) {
		struct merkle_hash root;

		edges[i] = edge;
		merkle_edge_root(&hasher, &root, &edge);
		assert_hash(&root, json_string_value(json_array_get(json_object_get(log_vectors, "roots"), i)));
		if (i < ENTRIES)
			assert_int_equal(merkle_edge_append(&hasher, &edge, &leaves[i]), 0);
	}
	json_array_foreach(json_object_get(log_vectors, "edges"), i, want)
	{
		const struct merkle_edge *got = &edges[number(want, "size")];
		const json_t *hashes = json_object_get(want, "hashes");

		assert_int_equal(json_array_size(hashes), merkle_edge_count(got->size));
		for (size_t j = 0; j < json_array_size(hashes); j++)
			assert_hash(&got->hashes[j], json_string_value(json_array_get(hashes, j)));
	}
	assert_true(i > 0);
}

static void check_proof(const json_t *want, const struct merkle_hash *proof, size_t count)
{
	const json_t *hashes = json_object_get(want, "proof");

	assert_int_equal(json_array_size(hashes), count);
	for (size_t i = 0; i < count; i++)
		assert_hash(&proof[i], json_string_value(json_array_get(hashes, i)));
}

static void root_at(struct merkle_hash *out, uint64_t size)
{
	merkle_root(&hasher, out, leaves, size);
}

static void test_proofs(void **state)
{
	const struct merkle_edge empty = {0};
	struct merkle_hash proof[MERKLE_PROOF_MAX], root, old;
	struct merkle_range range;
	const json_t *want;
	size_t i, j, count;

	(void)state;
	assert_int_equal(merkle_range_build(&hasher, &range, nodes, &empty, leaves, ENTRIES), 0);
	json_array_foreach(json_object_get(log_vectors, "inclusion"), i, want)
	{
		uint64_t index = number(want, "index"), size = number(want, "size");

		assert_int_equal(merkle_prove_inclusion(&hasher, proof, &count, index, size, merkle_range_hash, &range),
				 0);
		check_proof(want, proof, count);
		root_at(&root, size);
		assert_int_equal(merkle_verify_inclusion(&hasher, &root, &leaves[index], index, size, proof, count), 0);
	}
	json_array_foreach(json_object_get(log_vectors, "consistency"), j, want)
	{
		uint64_t from = number(want, "from"), to = number(want, "to");

		assert_int_equal(merkle_prove_consistency(&hasher, proof, &count, from, to, merkle_range_hash, &range),
				 0);
		check_proof(want, proof, count);
		root_at(&old, from);
		root_at(&root, to);
		assert_int_equal(merkle_verify_consistency(&hasher, &old, from, &root, to, proof, count), 0);
	}
	print_message("proofs: %zu of inclusion, %zu of consistency\n", i, j);
	assert_true(i >= 70 && j >= 136);
}

/* The bytes of any tile or bundle of the log at any size. */
static size_t tile_bytes(uint8_t *out, size_t size, const struct tile_id *id, struct merkle_range *range)
{
	size_t len = 0;

	for (unsigned i = 0; i < id->width; i++) {
		uint64_t index = id->index * TILE_WIDTH + i;
		struct merkle_hash hash;
		size_t entry_len;

		if (id->entries) {
			const char *entry = entry_at(index, &entry_len);

			assert_int_equal(tile_bundle_put(out, size, &len, entry, entry_len), 0);
			continue;
		}
		assert_int_equal(merkle_range_hash(range, &hash, 8 * id->level, index), 0);
		memcpy(out + len, hash.bytes, 32);
		len += 32;
	}
	return len;
}

static void test_tiles(void **state)
{
	static uint8_t bytes[TILE_WIDTH * (2 + ENTRY_LINE_MAX)];
	const struct merkle_edge empty = {0};
	const json_t *tree, *file;
	struct merkle_range range;
	struct merkle_hash hash;
	size_t i, j, files = 0;

	(void)state;
	assert_int_equal(merkle_range_build(&hasher, &range, nodes, &empty, leaves, ENTRIES), 0);
	json_array_foreach(json_object_get(log_vectors, "tiles"), i, tree)
	{
		json_array_foreach(json_object_get(tree, "files"), j, file)
		{
			const char *path = text(file, "path");
			struct tile_id id;
			size_t len;

			assert_int_equal(tile_path_parse(&id, path, strlen(path)), 0);
			assert_true(tile_available(&id, number(tree, "size")));
			id.width++;
			assert_false(tile_available(&id, number(tree, "size"))); /* the widest there is */
			id.width--;
			len = tile_bytes(bytes, sizeof(bytes), &id, &range);
			assert_int_equal(len, number(file, "length"));
			merkle_sha256(&hasher, &hash, bytes, len);
			assert_hash(&hash, text(file, "sha256"));
			files++;
		}
	}
	print_message("tiles: %zu files\n", files);
	assert_true(files >= 17);
}

static void test_checkpoints(void **state)
{
	const char *origin = text(log_vectors, "origin"), *vkey = text(log_vectors, "vkey");
	struct merkle_hash seed, root;
	struct note_key key, read;
	uint8_t secret[64];
	char again[NOTE_KEY_TEXT_MAX];
	const json_t *want;
	size_t i;

	(void)state;
	hash_of(&seed, text(log_vectors, "seed"));
	assert_int_equal(note_key_from_seed(&key, secret, origin, strlen(origin), seed.bytes), 0);
	note_key_format(again, &key);
	assert_string_equal(again, vkey);
	assert_int_equal(note_key_parse(&read, vkey, strlen(vkey)), 0);
	json_array_foreach(json_object_get(log_vectors, "checkpoints"), i, want)
	{
		const char *note = text(want, "note");
		char made[CHECKPOINT_NOTE_MAX];
		struct checkpoint checkpoint;
		size_t len;

		root_at(&root, number(want, "size"));
		assert_int_equal(checkpoint_sign(made, &len, number(want, "size"), &root, &key, secret), 0);
		assert_int_equal(len, strlen(note));
		assert_memory_equal(made, note, len);
		assert_int_equal(checkpoint_open(&checkpoint, note, len, &read), 0);
		assert_int_equal(checkpoint.size, number(want, "size"));
		assert_memory_equal(&checkpoint.root, &root, sizeof(root));
	}
	print_message("checkpoints: %zu\n", i);
	assert_true(i >= 13);
}

static void test_map_growing(void **state)
{
	static struct naive_store store_nodes;
	const struct map_store store = {naive_store_get, naive_store_put, &store_nodes};
	struct merkle_hash root = {0}, key;
	const json_t *step;
	size_t i;

	(void)state;
	naive_store_reset(&store_nodes);
	json_array_foreach(json_object_get(map_vectors, "growing"), i, step)
	{
		struct map_change change;

		if (i > 0) {
			map_key(&hasher, &key, text(step, "text"), strlen(text(step, "text")));
			assert_hash(&key, text(step, "key"));
			change.key = key;
			hash_of(&change.value, text(step, "value"));
			assert_int_equal(map_update(&hasher, &root, &store, &change, 1), 0);
		}
		assert_hash(&root, text(step, "root"));
	}
	print_message("map: %zu roots while growing\n", i);
	assert_true(i >= 30);
}

static void test_sub_logs(void **state)
{
	const json_t *sub, *item;
	struct merkle_hash hash;
	size_t i, j;

	(void)state;
	json_array_foreach(json_object_get(map_vectors, "subLogs"), i, sub)
	{
		struct merkle_edge edge = {0};

		json_array_foreach(json_object_get(sub, "items"), j, item)
		{
			hash_of(&hash, text(item, "leaf"));
			map_sub_leaf(&hasher, &hash, number(item, "seq"), &hash);
			assert_int_equal(merkle_edge_append(&hasher, &edge, &hash), 0);
		}
		assert_int_equal(edge.size, number(sub, "count"));
		merkle_edge_root(&hasher, &hash, &edge);
		assert_hash(&hash, text(sub, "root"));
		map_value(&hasher, &hash, edge.size, &hash);
		assert_hash(&hash, text(sub, "value"));
	}
	assert_true(i >= 7);
}

/* The whole way: from the log's lines to the map root that the index head at that size commits to. */
static void map_over(struct merkle_hash *root, uint64_t size, const json_t *subjects)
{
	static struct naive_store store_nodes;
	const struct map_store store = {naive_store_get, naive_store_put, &store_nodes};
	static struct map_change batch[64];
	const json_t *subject;
	size_t i, count = 0;

	naive_store_reset(&store_nodes);
	assert_true(json_array_size(subjects) <= 64);
	json_array_foreach(subjects, i, subject)
	{
		const char *name = text(subject, "text");
		struct merkle_edge edge = {0};
		struct merkle_hash hash;

		for (size_t seq = 0; seq < size; seq++) {
			struct entry_attestation attestation;
			size_t len;
			const char *line = entry_at(seq, &len);

			if (entry_attestation_parse(&attestation, line, len) != 0 ||
			    strcmp(attestation.subject, name) != 0)
				continue;
			map_sub_leaf(&hasher, &hash, seq, &leaves[seq]);
			assert_int_equal(merkle_edge_append(&hasher, &edge, &hash), 0);
		}
		merkle_edge_root(&hasher, &hash, &edge);
		assert_hash(&hash, text(subject, "subLogRoot"));
		map_value(&hasher, &batch[count].value, edge.size, &hash);
		assert_hash(&batch[count].value, text(subject, "value"));
		map_key(&hasher, &batch[count].key, name, strlen(name));
		count++;
	}
	qsort(batch, count, sizeof(*batch), naive_compare);
	*root = (struct merkle_hash){0};
	assert_int_equal(map_update(&hasher, root, &store, batch, count), 0);
}

static void test_index_heads_commit_to_the_map(void **state)
{
	const json_t *at;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(map_vectors, "log"), i, at)
	{
		uint64_t size = number(at, "size");
		struct entry_index head;
		struct merkle_hash root;
		size_t len;
		const char *line = entry_at(size, &len);

		map_over(&root, size, json_object_get(at, "subjects"));
		assert_hash(&root, text(at, "root"));
		assert_int_equal(entry_index_parse(&head, line, len), 0);
		assert_memory_equal(&head.map, &root, sizeof(root));
	}
	assert_int_equal(i, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries_are_read_and_written_again),
		cmocka_unit_test(test_roots_and_edges),
		cmocka_unit_test(test_proofs),
		cmocka_unit_test(test_tiles),
		cmocka_unit_test(test_checkpoints),
		cmocka_unit_test(test_map_growing),
		cmocka_unit_test(test_sub_logs),
		cmocka_unit_test(test_index_heads_commit_to_the_map),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
