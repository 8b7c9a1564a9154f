/* What an append writes equals a naive construction: tiles of every level, at every kind of boundary. */
#include "gateway/record/append_build.h"
#include "tests/gateway/record/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static struct merkle_hasher hasher;

static void leaf_of(struct merkle_hash *out, uint64_t seq)
{
	merkle_leaf(&hasher, out, &seq, sizeof(seq));
}

/* Hash of the complete subtree (level, index), straight from its leaves. */
static void subtree(struct merkle_hash *out, unsigned level, uint64_t index)
{
	size_t n = (size_t)1 << level;
	struct merkle_hash *leaves = malloc(n * sizeof(*leaves));

	assert_non_null(leaves);
	for (size_t i = 0; i < n; i++)
		leaf_of(&leaves[i], (index << level) + i);
	merkle_root(&hasher, out, leaves, n);
	free(leaves);
}

static void check_append(uint64_t old_size, size_t n)
{
	static struct append_tile tiles[APPEND_TILES_MAX];
	static struct append_roots roots[APPEND_LEVELS];
	struct merkle_hash leaves[APPEND_BATCH_MAX], hash;
	uint8_t unfinished[TILE_WIDTH][32];
	size_t count, nroots = append_roots_needed(roots, old_size, old_size + n), at = 0;

	for (size_t i = 0; i < n; i++)
		leaf_of(&leaves[i], old_size + i);
	for (size_t i = 0; i < old_size % TILE_WIDTH; i++) {
		leaf_of(&hash, old_size - old_size % TILE_WIDTH + i);
		memcpy(unfinished[i], hash.bytes, 32);
	}
	for (size_t r = 0; r < nroots; r++)
		for (size_t i = 0; i < roots[r].count; i++) {
			subtree(&hash, 8 * (roots[r].level + 1), roots[r].first + i);
			memcpy(roots[r].hashes[i], hash.bytes, 32);
		}
	assert_int_equal(append_tiles(&hasher, tiles, &count, old_size, leaves, n, (const uint8_t(*)[32])unfinished,
				      roots, nroots),
			 0);
	for (unsigned level = 0; level < 3; level++)
		for (uint64_t index = tile_full_count(old_size, level); index < tile_full_count(old_size + n, level);
		     index++, at++) {
			assert_true(at < count);
			assert_int_equal(tiles[at].level, level);
			assert_int_equal(tiles[at].index, index);
			for (unsigned i = 0; i < TILE_WIDTH; i += level ? 51 : 1) {
				subtree(&hash, 8 * level, index * TILE_WIDTH + i);
				assert_memory_equal(tiles[at].hashes[i], hash.bytes, 32);
			}
			subtree(&hash, 8 * (level + 1), index);
			assert_memory_equal(tiles[at].root.bytes, hash.bytes, 32);
		}
	assert_int_equal(at, count);
}

static void test_tiles(void **state)
{
	static const struct {
		uint64_t old_size;
		size_t n;
	} cases[] = {
		{0, 1},	      {0, 255},	     {0, 256},	    {0, 257},	 {0, 1024},	 {1, 254},   {1, 255},
		{255, 1},     {255, 2},	     {256, 256},    {511, 1024}, {600, 100},	 {65535, 1}, {65280, 256},
		{65279, 257}, {65000, 1024}, {65536, 1024}, {131071, 1}, {130100, 1000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_append(cases[i].old_size, cases[i].n);
}

/* What has to be read first, and that forgetting it is noticed. */
static void test_roots_needed(void **state)
{
	static struct append_tile tiles[APPEND_TILES_MAX];
	struct append_roots roots[APPEND_LEVELS];
	struct merkle_hash leaves[2];
	uint8_t unfinished[TILE_WIDTH][32] = {{0}};
	size_t count;

	(void)state;
	leaf_of(&leaves[0], 65535);
	assert_int_equal(append_roots_needed(roots, 0, 1024), 0);
	assert_int_equal(append_roots_needed(roots, 65535, 65536), 1);
	assert_int_equal(roots[0].level, 0);
	assert_int_equal(roots[0].first, 0);
	assert_int_equal(roots[0].count, 255);
	assert_int_equal(append_roots_needed(roots, 65536, 65537), 0);
	assert_int_equal(append_roots_needed(roots, 3 * 65536 - 1, 3 * 65536), 1);
	assert_int_equal(roots[0].first, 512);
	assert_int_equal(append_roots_needed(roots, (UINT64_C(1) << 24) - 1, UINT64_C(1) << 24), 2);
	assert_int_equal(roots[1].level, 1);
	assert_int_equal(roots[1].count, 255);
	assert_int_equal(append_roots_needed(roots, (UINT64_C(1) << 40) - 3, (UINT64_C(1) << 40) + 1021), 4);
	assert_true(append_tiles(&hasher, tiles, &count, 65535, leaves, 1, (const uint8_t(*)[32])unfinished, roots, 0) <
		    0);
	assert_true(append_tiles(&hasher, tiles, &count, 65535, leaves, 1, NULL, roots, 0) < 0);
	assert_int_equal(append_tiles(&hasher, tiles, &count, 65536, leaves, 1, NULL, roots, 0), 0);
	assert_int_equal(count, 0);
}

static void test_entry(void **state)
{
	struct fixture f;
	struct fixture_item item;
	struct append_entry_of of;
	struct entry_attestation entry;
	char line[ENTRY_LINE_MAX], longer[ENTRY_TEXT_MAX + 2];
	size_t len;

	(void)state;
	fixture_init(&f);
	fixture_item(&f, &item, 9, TYPED_EIP191);
	of = (struct append_entry_of){item.content.uid, item.content.payload_hash, item.s.issuer, item.s.subject,
				      &item.admission};
	assert_int_equal(append_entry(line, &len, 1777593600000, &of), 0);
	assert_int_equal(entry_attestation_parse(&entry, line, len), 0);
	assert_int_equal(entry.at, 1777593600000);
	assert_int_equal(entry.auth.block, 40);
	assert_int_equal(entry.auth.method, ENTRY_EIP191);
	assert_int_equal(entry.auth.role, ENTRY_WALLET);
	assert_string_equal(entry.auth.chain, "eip155:31337");
	assert_memory_equal(entry.uid.bytes, item.content.uid, 32);
	assert_memory_equal(entry.payload.bytes, item.content.payload_hash, 32);
	assert_memory_equal(entry.auth.evidence.bytes, item.admission.evidence_hash, 32);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	of.issuer = longer;
	assert_true(append_entry(line, &len, 0, &of) < 0);
	of.issuer = "eip155:1/erc721:0xAA\"/1";
	assert_true(append_entry(line, &len, 0, &of) < 0);
	fixture_item_clear(&item);
	fixture_clear(&f);
}

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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tiles),
		cmocka_unit_test(test_roots_needed),
		cmocka_unit_test(test_entry),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
