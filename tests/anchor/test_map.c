/* The completeness map against its definition, on random sets, keys that share long prefixes, and unkind stores. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "anchor/map.h"
#include "tests/anchor/naive_map.h"

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

static uint64_t seed = 88172645463325252u;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static struct map_change random_change(void)
{
	struct map_change change;

	for (size_t i = 0; i < sizeof(change); i++)
		((uint8_t *)&change)[i] = (uint8_t)rnd();
	return change;
}

/* Applies batches of the set, some keys twice with another value, and compares with the naive root after each. */
static void grow(const struct map_change *set, size_t count, size_t batch)
{
	static struct naive_store nodes;
	const struct map_store store = {naive_store_get, naive_store_put, &nodes};
	static struct map_change have[2048], part[256];
	struct merkle_hash root = {0}, want, value;
	size_t have_count = 0;

	naive_store_reset(&nodes);
	for (size_t start = 0; start < count; start += batch) {
		size_t n = 0;

		for (size_t i = start; i < count && i < start + batch; i++)
			naive_set(part, &n, &set[i]);
		if (start) { /* change one that is there */
			struct map_change again = set[rnd() % start];

			again.value.bytes[0] ^= (uint8_t)(1 + rnd() % 255);
			naive_set(part, &n, &again);
		}
		qsort(part, n, sizeof(*part), naive_compare);
		for (size_t i = 0; i < n; i++)
			naive_set(have, &have_count, &part[i]);
		assert_int_equal(map_update(&hasher, &root, &store, part, n), 0);
		naive_map_root(&want, have, have_count);
		assert_memory_equal(&root, &want, sizeof(root));
	}
	for (size_t i = 0; i < have_count; i++) {
		struct map_change other = random_change();

		assert_int_equal(map_find(&hasher, &value, &root, &store, &have[i].key), 0);
		assert_memory_equal(&value, &have[i].value, sizeof(value));
		assert_int_equal(map_find(&hasher, &value, &root, &store, &other.key), -ENOENT);
	}
}

static void test_random_sets_in_batches(void **state)
{
	static struct map_change set[600];

	(void)state;
	for (size_t batch = 1; batch < 200; batch = batch * 3 + 1) {
		for (size_t i = 0; i < 600; i++)
			set[i] = random_change();
		grow(set, batch < 10 ? 100 : 600, batch);
	}
}

static void test_keys_with_long_common_prefixes(void **state)
{
	static struct map_change set[257];
	struct map_change base = random_change();

	(void)state;
	/* the base and its 256 neighbours that differ in one bit: every depth down to 256 is visited */
	for (unsigned i = 0; i < 256; i++) {
		set[i] = random_change();
		set[i].key = base.key;
		set[i].key.bytes[i / 8] ^= (uint8_t)(0x80 >> (i % 8));
	}
	set[256] = base;
	grow(set, 257, 1);
	grow(set, 257, 40);
	grow(set + 250, 7, 2); /* the deepest first */
	grow(set, 257, 250);
}

static void test_few_keys(void **state)
{
	static struct naive_store nodes;
	const struct map_store store = {naive_store_get, naive_store_put, &nodes};
	struct map_change one = random_change();
	struct merkle_hash root = {0}, zero = {0}, before;
	uint8_t leaf[65] = {0x02};
	struct merkle_hash want;

	(void)state;
	naive_store_reset(&nodes);
	assert_int_equal(map_update(&hasher, &root, &store, NULL, 0), 0);
	assert_memory_equal(&root, &zero, sizeof(root));
	assert_int_equal(map_find(&hasher, &want, &root, &store, &one.key), -ENOENT);
	assert_int_equal(map_update(&hasher, &root, &store, &one, 1), 0);
	memcpy(leaf + 1, &one, 64);
	naive_sha256(&want, leaf, 65);
	assert_memory_equal(&root, &want, sizeof(root));
	before = root;
	assert_int_equal(map_update(&hasher, &root, &store, &one, 1), 0); /* nothing new: the same root */
	assert_memory_equal(&root, &before, sizeof(root));
	assert_int_equal(map_update(&hasher, &root, &store, NULL, 0), 0);
	assert_memory_equal(&root, &before, sizeof(root));
}

static void test_old_roots_stay_readable(void **state)
{
	static struct naive_store nodes;
	const struct map_store store = {naive_store_get, naive_store_put, &nodes};
	struct map_change first = random_change(), second;
	struct merkle_hash root = {0}, old, value;

	(void)state;
	naive_store_reset(&nodes);
	assert_int_equal(map_update(&hasher, &root, &store, &first, 1), 0);
	old = root;
	second = first;
	second.value.bytes[5] ^= 1;
	assert_int_equal(map_update(&hasher, &root, &store, &second, 1), 0);
	assert_int_equal(map_find(&hasher, &value, &old, &store, &first.key), 0);
	assert_memory_equal(&value, &first.value, sizeof(value));
	assert_int_equal(map_find(&hasher, &value, &root, &store, &first.key), 0);
	assert_memory_equal(&value, &second.value, sizeof(value));
}

static void test_unsorted_batches_are_refused(void **state)
{
	static struct naive_store nodes;
	const struct map_store store = {naive_store_get, naive_store_put, &nodes};
	struct map_change pair[2] = {random_change(), random_change()};
	struct merkle_hash root = {0}, zero = {0};

	(void)state;
	naive_store_reset(&nodes);
	qsort(pair, 2, sizeof(*pair), naive_compare);
	assert_int_equal(map_update(&hasher, &root, &store, (struct map_change[]){pair[1], pair[0]}, 2), -EINVAL);
	assert_int_equal(map_update(&hasher, &root, &store, (struct map_change[]){pair[0], pair[0]}, 2), -EINVAL);
	assert_memory_equal(&root, &zero, sizeof(root));
	assert_int_equal(nodes.count, 0);
}

/* A store that must be asked twice: the first time -EAGAIN, remembered; fetch() brings all that were asked for. */
struct lazy {
	struct naive_store *nodes;
	struct merkle_hash wanted[4096];
	size_t count, present;
	struct merkle_hash here[4096];
};

static int lazy_get(void *arg, struct map_node *out, const struct merkle_hash *hash)
{
	struct lazy *lazy = arg;

	for (size_t i = 0; i < lazy->present; i++)
		if (merkle_hash_equal(&lazy->here[i], hash))
			return naive_store_get(lazy->nodes, out, hash);
	lazy->wanted[lazy->count++] = *hash;
	return -EAGAIN;
}

static int drop_put(void *arg, const struct merkle_hash *hash, const struct map_node *node)
{
	(void)arg, (void)hash, (void)node;
	return 0;
}

static void test_fetching_by_levels(void **state)
{
	static struct naive_store nodes;
	static struct lazy lazy;
	static struct map_change set[600], batch[50];
	const struct map_store eager = {naive_store_get, naive_store_put, &nodes}, slow = {lazy_get, drop_put, &lazy};
	struct merkle_hash root = {0}, want, got;
	unsigned rounds = 0;
	int rc;

	(void)state;
	naive_store_reset(&nodes);
	for (size_t i = 0; i < 600; i++)
		set[i] = random_change();
	qsort(set, 600, sizeof(*set), naive_compare);
	assert_int_equal(map_update(&hasher, &root, &eager, set, 600), 0);
	for (size_t i = 0; i < 50; i++) {
		batch[i] = random_change();
		if (i % 2)
			batch[i].key = set[i * 11].key;
	}
	qsort(batch, 50, sizeof(*batch), naive_compare);
	want = got = root;
	assert_int_equal(map_update(&hasher, &want, &eager, batch, 50), 0);
	lazy.nodes = &nodes;
	while ((rc = map_update(&hasher, &got, &slow, batch, 50)) == -EAGAIN) {
		assert_memory_equal(&got, &root, sizeof(root)); /* untouched */
		assert_true(lazy.count > 0);
		memcpy(lazy.here + lazy.present, lazy.wanted, lazy.count * sizeof(*lazy.wanted));
		lazy.present += lazy.count;
		lazy.count = 0;
		rounds++;
	}
	assert_int_equal(rc, 0);
	assert_memory_equal(&got, &want, sizeof(got));
	print_message("600 keys, 50 changes: %u rounds, %zu nodes\n", rounds, lazy.present);
	assert_true(rounds < 30);
}

/* Stores that lie or fail. */
static int lying_get(void *arg, struct map_node *out, const struct merkle_hash *hash)
{
	int rc = naive_store_get(((struct lazy *)arg)->nodes, out, hash);

	out->bytes[40] ^= 1;
	return rc;
}

static int failing_put(void *arg, const struct merkle_hash *hash, const struct map_node *node)
{
	(void)arg, (void)hash, (void)node;
	return -EIO;
}

static int absent_get(void *arg, struct map_node *out, const struct merkle_hash *hash)
{
	(void)arg, (void)out, (void)hash;
	return -ENOENT;
}

static void test_bad_stores(void **state)
{
	static struct naive_store nodes;
	static struct lazy lazy;
	const struct map_store good = {naive_store_get, naive_store_put, &nodes};
	struct map_store bad = {lying_get, naive_store_put, &lazy};
	struct map_change one = random_change(), two = random_change();
	struct merkle_hash root = {0}, before, value;

	(void)state;
	naive_store_reset(&nodes);
	lazy.nodes = &nodes;
	assert_int_equal(map_update(&hasher, &root, &good, &one, 1), 0);
	before = root;
	assert_int_equal(map_update(&hasher, &root, &bad, &two, 1), -EBADMSG);
	assert_int_equal(map_find(&hasher, &value, &root, &bad, &one.key), -EBADMSG);
	bad.get = absent_get;
	assert_int_equal(map_update(&hasher, &root, &bad, &two, 1), -ENOENT);
	bad = (struct map_store){naive_store_get, failing_put, &nodes};
	assert_int_equal(map_update(&hasher, &root, &bad, &two, 1), -EIO);
	assert_memory_equal(&root, &before, sizeof(root));
}

static void put_node(struct naive_store *nodes, struct merkle_hash *hash, uint8_t kind, const struct merkle_hash *first,
		     const struct merkle_hash *second)
{
	struct map_node node = {.bytes = {kind}};

	memcpy(node.bytes + 1, first, 32);
	memcpy(node.bytes + 33, second, 32);
	naive_sha256(hash, node.bytes, sizeof(node.bytes));
	naive_store_put(nodes, hash, &node);
}

/* Well hashed, yet no tree of the definition: a leaf where its key does not lead, an unknown kind, a chain past the
 * bits. */
static void test_malformed_trees(void **state)
{
	static struct naive_store nodes;
	const struct map_store store = {naive_store_get, naive_store_put, &nodes};
	struct map_change one = random_change(), two = random_change();
	struct merkle_hash leaf, root, zero = {0}, value;

	(void)state;
	naive_store_reset(&nodes);
	one.key.bytes[0] |= 0x80;
	two.key.bytes[0] &= 0x7f;
	put_node(&nodes, &leaf, MAP_LEAF, &one.key, &one.value);
	put_node(&nodes, &root, MAP_INNER, &leaf, &zero);
	assert_int_equal(map_update(&hasher, &root, &store, &two, 1), -EBADMSG);
	assert_int_equal(map_find(&hasher, &value, &root, &store, &two.key), -EBADMSG);
	put_node(&nodes, &root, 4, &leaf, &zero);
	assert_int_equal(map_update(&hasher, &root, &store, &two, 1), -EBADMSG);
	memset(&two.key, 0, sizeof(two.key));
	put_node(&nodes, &root, MAP_LEAF, &two.key, &two.value);
	for (unsigned i = 0; i < 257; i++) {
		leaf = root;
		put_node(&nodes, &root, MAP_INNER, &leaf, &zero);
	}
	assert_int_equal(map_update(&hasher, &root, &store, &two, 1), -EBADMSG);
	assert_int_equal(map_find(&hasher, &value, &root, &store, &two.key), -EBADMSG);
}

static void test_key_sub_leaf_and_value(void **state)
{
	static const char text[] = "eip155:8453/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/0";
	uint8_t input[256] = "kedge/map/v1";
	struct merkle_hash got, want, leaf;

	(void)state;
	memcpy(input + 13, text, sizeof(text) - 1);
	naive_sha256(&want, input, 13 + sizeof(text) - 1);
	map_key(&hasher, &got, text, sizeof(text) - 1);
	assert_memory_equal(&got, &want, sizeof(got));
	memset(&leaf, 0x33, sizeof(leaf));
	memset(input, 0, sizeof(input));
	for (unsigned i = 0; i < 8; i++)
		input[1 + i] = (uint8_t)(i + 1);
	memcpy(input + 9, &leaf, 32);
	naive_sha256(&want, input, 41);
	map_sub_leaf(&hasher, &got, UINT64_C(0x0102030405060708), &leaf);
	assert_memory_equal(&got, &want, sizeof(got));
	naive_sha256(&want, input + 1, 40);
	map_value(&hasher, &got, UINT64_C(0x0102030405060708), &leaf);
	assert_memory_equal(&got, &want, sizeof(got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_sets_in_batches),
		cmocka_unit_test(test_keys_with_long_common_prefixes),
		cmocka_unit_test(test_few_keys),
		cmocka_unit_test(test_old_roots_stay_readable),
		cmocka_unit_test(test_unsorted_batches_are_refused),
		cmocka_unit_test(test_fetching_by_levels),
		cmocka_unit_test(test_bad_stores),
		cmocka_unit_test(test_malformed_trees),
		cmocka_unit_test(test_key_sub_leaf_and_value),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
