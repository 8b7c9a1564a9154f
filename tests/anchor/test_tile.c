/* Tile paths, which tiles exist when, and what is in them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "anchor/tile.h"
#include "tests/anchor/naive_merkle.h"

static struct merkle_hasher hasher;

static int setup(void **state)
{
	(void)state;
	return merkle_hasher_init(&hasher);
}

static int teardown(void **state)
{
	(void)state;
	merkle_hasher_clear(&hasher);
	return 0;
}

static void test_paths_both_ways(void **state)
{
	static const struct {
		struct tile_id id;
		const char *path;
	} cases[] = {
		{{false, 0, 1234067, 256}, "tile/0/x001/x234/067"},
		{{false, 0, 5, 256}, "tile/0/005"},
		{{false, 0, 0, 1}, "tile/0/000.p/1"},
		{{false, 1, 999, 255}, "tile/1/999.p/255"},
		{{false, 2, 1000, 256}, "tile/2/x001/000"},
		{{false, 63, 273, 112}, "tile/63/273.p/112"},
		{{true, 0, 5, 256}, "tile/entries/005"},
		{{true, 0, 70000, 7}, "tile/entries/x070/000.p/7"},
		{{false, 0, UINT64_MAX, 255}, "tile/0/x018/x446/x744/x073/x709/x551/615.p/255"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[TILE_PATH_MAX];
		struct tile_id id;

		assert_int_equal(tile_path_format(path, &cases[i].id), 0);
		assert_string_equal(path, cases[i].path);
		assert_int_equal(tile_path_parse(&id, path, strlen(path)), 0);
		assert_true(id.entries == cases[i].id.entries && id.level == cases[i].id.level &&
			    id.index == cases[i].id.index && id.width == cases[i].id.width);
	}
}

static void test_paths_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"tile",
		"tile/",
		"/tile/0/005",
		"tile/0",
		"tile/0/",
		"tile/0/5",
		"tile/0/05",
		"tile/0/0005",
		"tile/0/x005",
		"tile/0/005/",
		"tile/0/x000/005",
		"tile/0/x001/x234",
		"tile/0/001/234",
		"tile/0/x01/234",
		"tile/0/x001/23",
		"tile/64/005",
		"tile/00/005",
		"tile/01/005",
		"tile/-1/005",
		"tile/+1/005",
		"tile/a/005",
		"tile/100/005",
		"tile/0/005.p",
		"tile/0/005.p/",
		"tile/0/005.p/0",
		"tile/0/005.p/256",
		"tile/0/005.p/01",
		"tile/0/005.p/1000",
		"tile/0/005.p/257",
		"tile/0/005.p/-1",
		"tile/0/005.p/1/",
		"tile/0/005.p/1.p/1",
		"tile/0/005.P/1",
		"tile/0/ 05",
		"tile/0/x018/x446/x744/x073/x709/x551/616",
		"tile/0/x018/x446/x744/x073/x709/x551/x615/000",
		"tile/0/x999/x999/x999/x999/x999/x999/x999/999",
		"tile/entries",
		"tile/entries/",
		"tile/entries/0/005",
		"tile/Entries/005",
		"tile/data/005",
		"tile/entries/005.p/256",
		"checkpoint",
		"tile/0/%30%30%35",
		"tile/0/../005",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tile_id id;

		if (tile_path_parse(&id, bad[i], strlen(bad[i])) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void test_embedded_nul_is_refused(void **state)
{
	struct tile_id id;

	(void)state;
	assert_int_equal(tile_path_parse(&id, "tile/0/005\0", 11), -EBADMSG);
	assert_int_equal(tile_path_parse(&id, "tile/0/0\0005", 10), -EBADMSG);
}

static void test_impossible_ids(void **state)
{
	static const struct tile_id bad[] = {{false, 64, 0, 1}, {true, 1, 0, 1}, {false, 0, 0, 0}, {false, 0, 0, 257}};
	char path[TILE_PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(tile_path_format(path, &bad[i]), -EINVAL);
}

/* tlog-tiles' own example: "the tiles for a tree of size 70,000" */
static void test_sizes(void **state)
{
	const struct tile_id full = {.level = 0, .index = 272, .width = 256},
			     part = {.level = 0, .index = 273, .width = 112};
	struct tile_id over = part, wide = {.level = 0, .index = 273, .width = 256},
		       next = {.level = 0, .index = 274, .width = 1};

	(void)state;
	assert_int_equal(tile_full_count(70000, 0), 273);
	assert_int_equal(tile_partial_width(70000, 0), 112);
	assert_int_equal(tile_full_count(70000, 1), 1);
	assert_int_equal(tile_partial_width(70000, 1), 17);
	assert_int_equal(tile_full_count(70000, 2), 0);
	assert_int_equal(tile_partial_width(70000, 2), 1);
	assert_int_equal(tile_partial_width(70000, 3), 0);
	assert_int_equal(tile_partial_width(MERKLE_SIZE_MAX, 7), 127);
	assert_int_equal(tile_full_count(UINT64_MAX, 63), 0);
	assert_true(tile_available(&full, 70000));
	assert_true(tile_available(&part, 70000));
	over.width = 113;
	assert_false(tile_available(&over, 70000));
	assert_false(tile_available(&wide, 70000));
	assert_false(tile_available(&next, 70000));
	over.width = 0;
	assert_false(tile_available(&over, 70000));
}

static void test_growth_names_each_full_tile_once(void **state)
{
	static const uint64_t sizes[] = {0, 1, 255, 256, 257, 511, 512, 65535, 65536, 65537, 70000, 200000};
	const size_t count = sizeof(sizes) / sizeof(sizes[0]);

	(void)state;
	for (size_t a = 0; a < count; a++) {
		for (size_t b = a; b < count; b++) {
			struct tile_growth growth;
			struct tile_id id;
			unsigned level = 0;
			uint64_t seen[4] = {0};

			tile_growth_init(&growth, sizes[a], sizes[b]);
			while (tile_growth_next(&growth, &id)) {
				assert_true(id.level >= level && id.level < 4);
				level = id.level;
				assert_int_equal(id.width, 256);
				assert_int_equal(id.index, tile_full_count(sizes[a], level) + seen[level]++);
			}
			assert_false(tile_growth_next(&growth, &id));
			for (level = 0; level < 4; level++)
				assert_int_equal(tile_full_count(sizes[a], level) + seen[level],
						 tile_full_count(sizes[b], level));
		}
	}
}

static void test_subtrees_of_a_tile(void **state)
{
	static struct merkle_hash leaves[TILE_WIDTH];
	static uint8_t tile[TILE_BYTES];
	struct merkle_hash got, want;

	(void)state;
	for (unsigned i = 0; i < TILE_WIDTH; i++) {
		naive_sha256(&leaves[i], &i, sizeof(i));
		memcpy(tile + (size_t)i * 32, leaves[i].bytes, 32);
	}
	for (unsigned height = 0; height <= 8; height++) {
		for (unsigned position = 0; position < 256U >> height; position++) {
			assert_int_equal(tile_subtree(&hasher, &got, tile, sizeof(tile), height, position), 0);
			naive_root(&want, leaves + ((size_t)position << height), (size_t)1 << height);
			assert_memory_equal(&got, &want, sizeof(got));
		}
		assert_int_equal(tile_subtree(&hasher, &got, tile, sizeof(tile), height, 256U >> height), -EINVAL);
	}
	assert_int_equal(tile_subtree(&hasher, &got, tile, sizeof(tile), 9, 0), -EINVAL);
	assert_int_equal(tile_subtree(&hasher, &got, tile, 96, 1, 1), -EINVAL); /* three hashes hold one pair */
	assert_int_equal(tile_subtree(&hasher, &got, tile, 96, 1, 0), 0);
	assert_int_equal(tile_subtree(&hasher, &got, tile, 95, 0, 0), -EINVAL);
	assert_int_equal(tile_subtree(&hasher, &got, tile, 0, 0, 0), -EINVAL);
}

static void test_where_subtrees_lie(void **state)
{
	static const struct {
		uint64_t index, tile_index;
		unsigned level, tile_level, height, position, width;
	} cases[] = {
		{0, 0, 0, 0, 0, 0, 1},	   {255, 0, 0, 0, 0, 255, 256}, {256, 1, 0, 0, 0, 0, 1},
		{31, 0, 3, 0, 3, 31, 256}, {33, 1, 3, 0, 3, 1, 16},	{1, 0, 7, 0, 7, 1, 256},
		{0, 0, 8, 1, 0, 0, 1},	   {200, 1, 9, 1, 1, 72, 146},	{1, 0, 62, 7, 6, 1, 128},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned height, position;
		struct tile_id id;

		tile_locate(&id, &height, &position, cases[i].level, cases[i].index);
		assert_int_equal(id.level, cases[i].tile_level);
		assert_int_equal(id.index, cases[i].tile_index);
		assert_int_equal(id.width, cases[i].width);
		assert_int_equal(height, cases[i].height);
		assert_int_equal(position, cases[i].position);
	}
}

static void test_bundles(void **state)
{
	static uint8_t big[TILE_ENTRY_MAX + 1], out[TILE_ENTRY_MAX + 16];
	static const uint8_t want[] = {0, 1, 'a', 0, 0, 0, 2, 'b', 'c'};
	const uint8_t *entry;
	size_t len = 0, offset = 0, entry_len;

	(void)state;
	assert_int_equal(tile_bundle_put(out, sizeof(want), &len, "a", 1), 0);
	assert_int_equal(tile_bundle_put(out, sizeof(want), &len, NULL, 0), 0);
	assert_int_equal(tile_bundle_put(out, sizeof(want), &len, "bcd", 3), -ENOSPC);
	assert_int_equal(tile_bundle_put(out, sizeof(want), &len, "bc", 2), 0);
	assert_int_equal(len, sizeof(want));
	assert_memory_equal(out, want, len);
	assert_int_equal(tile_bundle_put(out, sizeof(want), &len, NULL, 0), -ENOSPC);
	assert_int_equal(tile_bundle_next(&entry, &entry_len, &offset, want, sizeof(want)), 0);
	assert_true(entry == want + 2 && entry_len == 1);
	assert_int_equal(tile_bundle_next(&entry, &entry_len, &offset, want, sizeof(want)), 0);
	assert_int_equal(entry_len, 0);
	assert_int_equal(tile_bundle_next(&entry, &entry_len, &offset, want, sizeof(want) - 1), -EBADMSG);
	assert_int_equal(tile_bundle_next(&entry, &entry_len, &offset, want, 6), -EBADMSG);
	assert_int_equal(tile_bundle_next(&entry, &entry_len, &offset, want, sizeof(want)), 0);
	assert_true(entry == want + 7 && entry_len == 2);
	assert_int_equal(tile_bundle_next(&entry, &entry_len, &offset, want, sizeof(want)), -ENOENT);
	len = 0;
	assert_int_equal(tile_bundle_put(out, sizeof(out), &len, big, sizeof(big)), -EOVERFLOW);
	assert_int_equal(tile_bundle_put(out, sizeof(out), &len, big, sizeof(big) - 1), 0);
	assert_int_equal(len, 2 + TILE_ENTRY_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_both_ways),
		cmocka_unit_test(test_paths_refused),
		cmocka_unit_test(test_embedded_nul_is_refused),
		cmocka_unit_test(test_impossible_ids),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_growth_names_each_full_tile_once),
		cmocka_unit_test(test_subtrees_of_a_tile),
		cmocka_unit_test(test_where_subtrees_lie),
		cmocka_unit_test(test_bundles),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
