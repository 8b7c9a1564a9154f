/* The completeness map: a batch goes down once, splitting by key bits, and comes back up writing the new nodes.
 * Recursion follows the definition; its depth is bounded by the 256 bits of a key. */
#include "anchor/map.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const struct merkle_hash empty;

/* The keys under one node: a run of the sorted batch and, where the run met a leaf of the old tree, that leaf as well.
 */
struct run {
	const struct map_change *changes;
	size_t count;
	const struct map_change *old; /* or NULL; its key is none of the run's */
};

struct update {
	struct merkle_hasher *hasher;
	const struct map_store *store;
};

void map_key(struct merkle_hasher *hasher, struct merkle_hash *out, const char *text, size_t len)
{
	static const char domain[] = "kedge/map/v1"; /* with its NUL, the 0x00 of the definition */

	merkle_sha256_join(hasher, out, domain, sizeof(domain), text, len);
}

static void put_u64be(uint8_t out[static 8], uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		out[i] = (uint8_t)(value >> (56 - 8 * i));
}

void map_sub_leaf(struct merkle_hasher *hasher, struct merkle_hash *out, uint64_t seq, const struct merkle_hash *leaf)
{
	uint8_t input[8 + MERKLE_HASH_SIZE];

	put_u64be(input, seq);
	memcpy(input + 8, leaf->bytes, MERKLE_HASH_SIZE);
	merkle_leaf(hasher, out, input, sizeof(input));
}

void map_value(struct merkle_hasher *hasher, struct merkle_hash *out, uint64_t count,
	       const struct merkle_hash *sub_root)
{
	uint8_t input[8 + MERKLE_HASH_SIZE];

	put_u64be(input, count);
	memcpy(input + 8, sub_root->bytes, MERKLE_HASH_SIZE);
	merkle_sha256(hasher, out, input, sizeof(input));
}

static unsigned key_bit(const struct merkle_hash *key, unsigned depth)
{
	return key->bytes[depth / 8] >> (7 - depth % 8) & 1;
}

static int compare(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a->bytes, b->bytes, MERKLE_HASH_SIZE);
}

/* Whether both keys lead through the same node at that depth. */
static bool on_path(const struct merkle_hash *a, const struct merkle_hash *b, unsigned depth)
{
	unsigned bit = 0;

	while (bit < depth && key_bit(a, bit) == key_bit(b, bit))
		bit++;
	return bit == depth;
}

static int put(const struct update *up, struct merkle_hash *out, uint8_t kind, const struct merkle_hash *first,
	       const struct merkle_hash *second)
{
	struct map_node node;

	node.bytes[0] = kind;
	memcpy(node.bytes + 1, first->bytes, MERKLE_HASH_SIZE);
	memcpy(node.bytes + 33, second->bytes, MERKLE_HASH_SIZE);
	merkle_sha256(up->hasher, out, node.bytes, MAP_NODE_SIZE);
	return up->store->put(up->store->arg, out, &node);
}

/* The kind of the node, MAP_LEAF or MAP_INNER, or a negative error. What the store gives is believed only by its hash.
 */
static int get(const struct update *up, struct merkle_hash halves[static 2], const struct merkle_hash *hash)
{
	struct map_node node;
	struct merkle_hash check;
	int rc = up->store->get(up->store->arg, &node, hash);

	if (rc < 0)
		return rc;
	merkle_sha256(up->hasher, &check, node.bytes, MAP_NODE_SIZE);
	if (!merkle_hash_equal(&check, hash) || (node.bytes[0] != MAP_LEAF && node.bytes[0] != MAP_INNER))
		return -EBADMSG;
	memcpy(halves[0].bytes, node.bytes + 1, MERKLE_HASH_SIZE);
	memcpy(halves[1].bytes, node.bytes + 33, MERKLE_HASH_SIZE);
	return node.bytes[0];
}

/* Both halves of a run at a bit; the batch is sorted and agrees in all bits above, so a cut suffices. */
static void split(struct run halves[static 2], const struct run *run, unsigned depth)
{
	size_t low = 0, high = run->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (key_bit(&run->changes[middle].key, depth))
			high = middle;
		else
			low = middle + 1;
	}
	halves[0] = (struct run){run->changes, low, NULL};
	halves[1] = (struct run){run->changes + low, run->count - low, NULL};
	if (run->old)
		halves[key_bit(&run->old->key, depth)].old = run->old;
}

/* The tree of a run alone, under nothing old. */
static int build(const struct update *up, struct merkle_hash *out, const struct run *run, unsigned depth)
{
	struct merkle_hash roots[2];
	struct run halves[2];
	int rc;

	if (run->count + (run->old ? 1 : 0) == 0) {
		*out = empty;
		return 0;
	}
	if (run->count + (run->old ? 1 : 0) == 1) {
		const struct map_change *only = run->old ? run->old : run->changes;

		return put(up, out, MAP_LEAF, &only->key, &only->value);
	}
	if (depth == 256)
		return -EBADMSG; /* unequal keys part earlier */
	split(halves, run, depth);
	if ((rc = build(up, &roots[0], &halves[0], depth + 1)) != 0 ||
	    (rc = build(up, &roots[1], &halves[1], depth + 1)) != 0)
		return rc;
	return put(up, out, MAP_INNER, &roots[0], &roots[1]);
}

static int update_at_leaf(const struct update *up, struct merkle_hash *out, const struct run *run, unsigned depth,
			  const struct map_change *leaf)
{
	struct run all = {run->changes, run->count, leaf};

	if (!on_path(&leaf->key, &run->changes[0].key, depth))
		return -EBADMSG;
	for (size_t i = 0; i < run->count; i++)
		if (compare(&run->changes[i].key, &leaf->key) == 0)
			all.old = NULL; /* changed, not kept */
	return build(up, out, &all, depth);
}

/* *root is the subtree's root before and after. After -EAGAIN on one side the other is tried all the same, so that the
 * caller learns all it must fetch. */
static int update(const struct update *up, struct merkle_hash *root, const struct run *run, unsigned depth)
{
	struct merkle_hash halves[2];
	struct run runs[2];
	int kind, left, right;

	if (run->count == 0)
		return 0;
	if (merkle_hash_equal(root, &empty))
		return build(up, root, run, depth);
	kind = get(up, halves, root);
	if (kind < 0)
		return kind;
	if (kind == MAP_LEAF)
		return update_at_leaf(up, root, run, depth, &(struct map_change){halves[0], halves[1]});
	if (depth == 256)
		return -EBADMSG;
	split(runs, run, depth);
	left = update(up, &halves[0], &runs[0], depth + 1);
	if (left != 0 && left != -EAGAIN)
		return left;
	right = update(up, &halves[1], &runs[1], depth + 1);
	if (right != 0 || left != 0)
		return right != 0 ? right : left;
	return put(up, root, MAP_INNER, &halves[0], &halves[1]);
}

int map_update(struct merkle_hasher *hasher, struct merkle_hash *root, const struct map_store *store,
	       const struct map_change *changes, size_t count)
{
	const struct update up = {hasher, store};
	const struct run run = {changes, count, NULL};
	struct merkle_hash result = *root;
	int rc;

	for (size_t i = 1; i < count; i++)
		if (compare(&changes[i - 1].key, &changes[i].key) >= 0)
			return -EINVAL;
	rc = update(&up, &result, &run, 0);
	if (rc == 0)
		*root = result;
	return rc;
}

int map_find(struct merkle_hasher *hasher, struct merkle_hash *value, const struct merkle_hash *root,
	     const struct map_store *store, const struct merkle_hash *key)
{
	const struct update up = {hasher, store};
	struct merkle_hash at = *root, halves[2];

	for (unsigned depth = 0; depth <= 256; depth++) {
		int kind;

		if (merkle_hash_equal(&at, &empty))
			return -ENOENT;
		kind = get(&up, halves, &at);
		if (kind < 0)
			return kind;
		if (kind == MAP_LEAF) {
			if (!on_path(&halves[0], key, depth))
				return -EBADMSG;
			*value = halves[1];
			return compare(&halves[0], key) == 0 ? 0 : -ENOENT;
		}
		if (depth < 256)
			at = halves[key_bit(key, depth)];
	}
	return -EBADMSG;
}
