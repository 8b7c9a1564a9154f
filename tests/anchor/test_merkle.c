/* The tree against its recursive definition, for every size up to 70, every leaf and every pair of sizes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "anchor/merkle.h"
#include "tests/anchor/naive_merkle.h"

#define N 70

static struct merkle_hasher hasher;
static struct merkle_hash leaves[N];

static int setup(void **state)
{
	(void)state;
	if (merkle_hasher_init(&hasher) != 0)
		return -1;
	for (unsigned i = 0; i < N; i++)
		merkle_leaf(&hasher, &leaves[i], &i, sizeof(i));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	merkle_hasher_clear(&hasher);
	merkle_hasher_clear(&hasher); /* a cleared one again: no harm */
	return 0;
}

static void assert_hash(const struct merkle_hash *a, const struct merkle_hash *b)
{
	assert_memory_equal(a->bytes, b->bytes, sizeof(a->bytes));
	assert_true(merkle_hash_equal(a, b));
}

/* any complete subtree of the test leaves */
static int hash_at(void *arg, struct merkle_hash *out, unsigned level, uint64_t index)
{
	size_t size = *(const size_t *)arg;

	assert_true(((index + 1) << level) <= size);
	naive_root(out, leaves + (index << level), (size_t)1 << level);
	return 0;
}

static void test_prefixes(void **state)
{
	static const uint8_t entry[] = {0x00, 'e'};
	struct merkle_hash got, want;

	(void)state;
	merkle_leaf(&hasher, &got, "e", 1);
	naive_sha256(&want, entry, 2);
	assert_hash(&got, &want);
	merkle_node(&hasher, &got, &leaves[0], &leaves[1]);
	naive_node(&want, &leaves[0], &leaves[1]);
	assert_hash(&got, &want);
	got = leaves[1];
	merkle_node(&hasher, &got, &leaves[0], &got); /* out may be an input */
	assert_hash(&got, &want);
	assert_false(merkle_hash_equal(&leaves[0], &leaves[1]));
}

static void test_edge_grows_as_the_definition(void **state)
{
	struct merkle_edge edge = {0}, copy;
	uint8_t bytes[MERKLE_HASH_SIZE * MERKLE_EDGE_MAX];
	struct merkle_hash got, want;
	size_t len;

	(void)state;
	for (size_t n = 0; n <= N; n++) {
		merkle_edge_root(&hasher, &got, &edge);
		naive_root(&want, leaves, n);
		assert_hash(&got, &want);
		merkle_root(&hasher, &got, leaves, n);
		assert_hash(&got, &want);
		len = merkle_edge_encode(bytes, &edge);
		assert_int_equal(len, 32 * merkle_edge_count(n));
		assert_int_equal(merkle_edge_decode(&copy, n, bytes, len), 0);
		merkle_edge_root(&hasher, &got, &copy);
		assert_hash(&got, &want);
		assert_int_equal(merkle_edge_decode(&copy, n, bytes, len + 1), -EBADMSG);
		assert_int_equal(merkle_edge_decode(&copy, n, bytes, len + 32), -EBADMSG);
		if (n < N)
			assert_int_equal(merkle_edge_append(&hasher, &edge, &leaves[n]), 0);
	}
}

static void test_edge_limits(void **state)
{
	struct merkle_edge edge = {.size = MERKLE_SIZE_MAX};
	uint8_t bytes[MERKLE_HASH_SIZE * MERKLE_EDGE_MAX] = {0};

	(void)state;
	assert_int_equal(merkle_edge_append(&hasher, &edge, &leaves[0]), -EOVERFLOW);
	assert_int_equal(edge.size, MERKLE_SIZE_MAX);
	edge.size = MERKLE_SIZE_MAX - 1;
	assert_int_equal(merkle_edge_append(&hasher, &edge, &leaves[0]), 0);
	assert_int_equal(merkle_edge_encode(bytes, &edge), 63 * 32);
	assert_int_equal(merkle_edge_decode(&edge, MERKLE_SIZE_MAX + 1, bytes, 32), -EOVERFLOW);
}

static void test_inclusion_every_leaf_of_every_size(void **state)
{
	struct merkle_hash want[MERKLE_PROOF_MAX], got[MERKLE_PROOF_MAX], root, bad;
	size_t want_len, got_len;

	(void)state;
	for (size_t n = 1; n <= N; n++) {
		naive_root(&root, leaves, n);
		for (size_t i = 0; i < n; i++) {
			want_len = naive_path(want, i, leaves, n);
			assert_int_equal(merkle_prove_inclusion(&hasher, got, &got_len, i, n, hash_at, &n), 0);
			assert_int_equal(got_len, want_len);
			assert_memory_equal(got, want, got_len * sizeof(*got));
			assert_int_equal(merkle_verify_inclusion(&hasher, &root, &leaves[i], i, n, got, got_len), 0);
			assert_true(naive_verify_inclusion(&root, &leaves[i], i, n, got, got_len));
			/* the negative side: one more, one less, another index, another leaf, one bit */
			assert_int_equal(merkle_verify_inclusion(&hasher, &root, &leaves[i], i, n, got, got_len + 1),
					 -EBADMSG);
			if (got_len)
				assert_int_equal(
					merkle_verify_inclusion(&hasher, &root, &leaves[i], i, n, got, got_len - 1),
					-EBADMSG);
			for (size_t j = 0; j <= n; j++)
				if (j != i)
					assert_int_equal(
						merkle_verify_inclusion(&hasher, &root, &leaves[i], j, n, got, got_len),
						-EBADMSG);
			bad = leaves[i];
			bad.bytes[31] ^= 1;
			assert_int_equal(merkle_verify_inclusion(&hasher, &root, &bad, i, n, got, got_len), -EBADMSG);
			for (size_t j = 0; j < got_len; j++) {
				got[j].bytes[j % 32] ^= 0x80;
				assert_int_equal(
					merkle_verify_inclusion(&hasher, &root, &leaves[i], i, n, got, got_len),
					-EBADMSG);
				got[j].bytes[j % 32] ^= 0x80;
			}
		}
	}
}

static void test_consistency_every_pair_of_sizes(void **state)
{
	struct merkle_hash want[MERKLE_PROOF_MAX], got[MERKLE_PROOF_MAX], old, root;
	size_t want_len, got_len;

	(void)state;
	for (size_t n = 1; n <= N; n++) {
		naive_root(&root, leaves, n);
		for (size_t m = 1; m <= n; m++) {
			naive_root(&old, leaves, m);
			want_len = naive_subproof(want, m, leaves, n, true);
			assert_int_equal(merkle_prove_consistency(&hasher, got, &got_len, m, n, hash_at, &n), 0);
			assert_int_equal(got_len, want_len);
			assert_memory_equal(got, want, got_len * sizeof(*got));
			assert_int_equal(merkle_verify_consistency(&hasher, &old, m, &root, n, got, got_len), 0);
			assert_true(naive_verify_consistency(&old, m, &root, n, got, got_len));
			assert_int_equal(merkle_verify_consistency(&hasher, &old, m, &root, n, got, got_len + 1),
					 -EBADMSG);
			if (m == n)
				continue;
			assert_int_equal(merkle_verify_consistency(&hasher, &old, m, &root, n, got, got_len - 1),
					 -EBADMSG);
			assert_int_equal(merkle_verify_consistency(&hasher, &root, m, &root, n, got, got_len),
					 -EBADMSG);
			assert_int_equal(merkle_verify_consistency(&hasher, &old, m, &old, n, got, got_len), -EBADMSG);
			assert_int_equal(merkle_verify_consistency(&hasher, &root, n, &old, m, got, got_len), -EBADMSG);
			for (size_t j = 0; j < got_len; j++) {
				got[j].bytes[0] ^= 1;
				assert_int_equal(merkle_verify_consistency(&hasher, &old, m, &root, n, got, got_len),
						 -EBADMSG);
				got[j].bytes[0] ^= 1;
			}
		}
	}
}

static void test_empty_old_tree_proves_nothing(void **state)
{
	struct merkle_hash empty;

	(void)state;
	merkle_root(&hasher, &empty, NULL, 0);
	assert_int_equal(merkle_verify_consistency(&hasher, &empty, 0, &empty, 0, NULL, 0), -EBADMSG);
	assert_int_equal(merkle_verify_consistency(&hasher, &empty, 0, &leaves[0], 1, NULL, 0), -EBADMSG);
	assert_int_equal(merkle_verify_inclusion(&hasher, &empty, &empty, 0, 0, NULL, 0), -EBADMSG);
}

static void test_range_every_batch(void **state)
{
	static struct merkle_hash nodes[MERKLE_RANGE_NODES(N)];
	struct merkle_hash want[MERKLE_PROOF_MAX], got[MERKLE_PROOF_MAX], root, got_root;
	struct merkle_edge edge = {0}, full, grown;
	struct merkle_range range;
	size_t want_len, got_len;

	(void)state;
	for (size_t old = 0; old < N; old++) {
		full = edge;
		for (size_t n = old; n <= N; n++) {
			memset(nodes, 0xee, sizeof(nodes)); /* a hash never built must not pass for one */
			assert_int_equal(merkle_range_build(&hasher, &range, nodes, &edge, leaves + old, n - old), 0);
			naive_root(&root, leaves, n);
			merkle_range_root(&hasher, &got_root, &range);
			assert_hash(&got_root, &root);
			merkle_range_edge(&grown, &range);
			assert_int_equal(grown.size, full.size);
			assert_memory_equal(grown.hashes, full.hashes, merkle_edge_count(n) * sizeof(*full.hashes));
			for (size_t i = old; i < n; i++) {
				want_len = naive_path(want, i, leaves, n);
				assert_int_equal(merkle_range_inclusion(&range, got, &got_len, i), 0);
				assert_int_equal(got_len, want_len);
				assert_memory_equal(got, want, got_len * sizeof(*got));
			}
			assert_int_equal(merkle_range_inclusion(&range, got, &got_len, n), -EINVAL);
			if (old) {
				assert_int_equal(merkle_range_inclusion(&range, got, &got_len, old - 1), -EINVAL);
				want_len = naive_subproof(want, old, leaves, n, true);
				assert_int_equal(merkle_prove_consistency(&hasher, got, &got_len, old, n,
									  merkle_range_hash, &range),
						 0);
				assert_int_equal(got_len, want_len);
				assert_memory_equal(got, want, got_len * sizeof(*got));
			}
			if (n < N)
				assert_int_equal(merkle_edge_append(&hasher, &full, &leaves[n]), 0);
		}
		assert_int_equal(merkle_edge_append(&hasher, &edge, &leaves[old]), 0);
	}
}

static void test_range_of_a_large_log(void **state)
{
	static struct merkle_hash nodes[MERKLE_RANGE_NODES(N)];
	struct merkle_hash proof[MERKLE_PROOF_MAX], root;
	static const uint64_t sizes[] = {
		1, 255, 256, (UINT64_C(1) << 40) - 3, UINT64_C(0x7ffffffffffff), MERKLE_SIZE_MAX - N};
	struct merkle_range range;
	size_t len;

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct merkle_edge edge = {.size = sizes[s]};

		for (unsigned i = 0; i < merkle_edge_count(sizes[s]); i++)
			merkle_sha256(&hasher, &edge.hashes[i], &i, sizeof(i));
		assert_int_equal(merkle_range_build(&hasher, &range, nodes, &edge, leaves, N), 0);
		merkle_range_root(&hasher, &root, &range);
		for (size_t i = 0; i < N; i++) {
			assert_int_equal(merkle_range_inclusion(&range, proof, &len, sizes[s] + i), 0);
			assert_int_equal(merkle_verify_inclusion(&hasher, &root, &leaves[i], sizes[s] + i, range.size,
								 proof, len),
					 0);
			assert_true(naive_verify_inclusion(&root, &leaves[i], sizes[s] + i, range.size, proof, len));
		}
	}
	range = (struct merkle_range){0};
	{
		struct merkle_edge edge = {.size = MERKLE_SIZE_MAX - N + 1};

		assert_int_equal(merkle_range_build(&hasher, &range, nodes, &edge, leaves, N), -EOVERFLOW);
	}
}

static void test_range_hash_knows_its_limits(void **state)
{
	static struct merkle_hash nodes[MERKLE_RANGE_NODES(8)];
	struct merkle_edge edge = {0};
	struct merkle_range range;
	struct merkle_hash got, want;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(merkle_edge_append(&hasher, &edge, &leaves[i]), 0);
	assert_int_equal(merkle_range_build(&hasher, &range, nodes, &edge, leaves + 5, 3), 0);
	assert_int_equal(merkle_range_hash(&range, &got, 2, 1), 0);
	naive_root(&want, leaves + 4, 4);
	assert_hash(&got, &want);
	assert_int_equal(merkle_range_hash(&range, &got, 0, 3), -ENOENT); /* before the batch */
	assert_int_equal(merkle_range_hash(&range, &got, 0, 8), -ENOENT); /* after it */
	assert_int_equal(merkle_range_hash(&range, &got, 64, 0), -ENOENT);
}

static void test_plans_refuse_impossible_sizes(void **state)
{
	struct merkle_plan plan;

	(void)state;
	assert_int_equal(merkle_plan_inclusion(&plan, 0, 0), -EINVAL);
	assert_int_equal(merkle_plan_inclusion(&plan, 5, 5), -EINVAL);
	assert_int_equal(merkle_plan_inclusion(&plan, 0, MERKLE_SIZE_MAX + 1), -EINVAL);
	assert_int_equal(merkle_plan_consistency(&plan, 0, 5), -EINVAL);
	assert_int_equal(merkle_plan_consistency(&plan, 6, 5), -EINVAL);
	assert_int_equal(merkle_plan_consistency(&plan, 1, MERKLE_SIZE_MAX + 1), -EINVAL);
	assert_int_equal(merkle_plan_inclusion(&plan, 0, MERKLE_SIZE_MAX), 0);
	assert_true(plan.count > 64 && plan.count <= MERKLE_PLAN_MAX);
	assert_int_equal(merkle_plan_consistency(&plan, 3, MERKLE_SIZE_MAX), 0);
	assert_true(plan.count <= MERKLE_PLAN_MAX);
}

static int never(void *arg, struct merkle_hash *out, unsigned level, uint64_t index)
{
	(void)arg, (void)out, (void)level, (void)index;
	return -EIO;
}

static void test_fetch_errors_are_handed_on(void **state)
{
	struct merkle_hash proof[MERKLE_PROOF_MAX];
	size_t len;

	(void)state;
	assert_int_equal(merkle_prove_inclusion(&hasher, proof, &len, 1, 2, never, NULL), -EIO);
	assert_int_equal(merkle_prove_consistency(&hasher, proof, &len, 1, 2, never, NULL), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_edge_grows_as_the_definition),
		cmocka_unit_test(test_edge_limits),
		cmocka_unit_test(test_inclusion_every_leaf_of_every_size),
		cmocka_unit_test(test_consistency_every_pair_of_sizes),
		cmocka_unit_test(test_empty_old_tree_proves_nothing),
		cmocka_unit_test(test_range_every_batch),
		cmocka_unit_test(test_range_of_a_large_log),
		cmocka_unit_test(test_range_hash_knows_its_limits),
		cmocka_unit_test(test_plans_refuse_impossible_sizes),
		cmocka_unit_test(test_fetch_errors_are_handed_on),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
