/* Building proofs: from a plan whose hashes come from anywhere, or from a batch held in memory. */
#include "anchor/merkle.h"

#include <errno.h>
#include <string.h>

static void push(struct merkle_plan *plan, unsigned level, uint64_t index, unsigned fold)
{
	plan->refs[plan->count++] = (struct merkle_ref){.index = index, .level = (uint8_t)level, .fold = (uint8_t)fold};
}

static uint64_t low_bits(uint64_t size, unsigned level)
{
	return size & ((UINT64_C(1) << level) - 1);
}

/* The leaves right of the last multiple of 2^level: one element, made of the complete subtrees they fall into. */
static void push_ragged(struct merkle_plan *plan, uint64_t size, unsigned level)
{
	unsigned fold = 0;

	while (level-- > 0) {
		if (!(size >> level & 1))
			continue;
		push(plan, level, (size >> level) - 1, fold);
		fold = 1;
	}
}

/* Siblings from the subtree (level, index) up to the root; a node without a sibling is promoted unchanged. At most one
 * of them is ragged, so MERKLE_PLAN_MAX = 64 + 64 refs suffice. */
static void push_path(struct merkle_plan *plan, unsigned level, uint64_t index, uint64_t size)
{
	for (; (size - 1) >> level; level++, index >>= 1) {
		uint64_t sibling = index ^ 1;

		if (sibling < size >> level)
			push(plan, level, sibling, 0);
		else if (sibling == size >> level && low_bits(size, level))
			push_ragged(plan, size, level);
	}
}

int merkle_plan_inclusion(struct merkle_plan *plan, uint64_t index, uint64_t size)
{
	plan->count = 0;
	if (index >= size || size > MERKLE_SIZE_MAX)
		return -EINVAL;
	push_path(plan, 0, index, size);
	return 0;
}

int merkle_plan_consistency(struct merkle_plan *plan, uint64_t old_size, uint64_t size)
{
	unsigned level;
	uint64_t index;

	plan->count = 0;
	if (old_size == 0 || old_size > size || size > MERKLE_SIZE_MAX)
		return -EINVAL;
	if (old_size == size)
		return 0;
	level = (unsigned)__builtin_ctzll(old_size);
	index = (old_size >> level) - 1;
	if (index) /* else the subtree is the whole old tree, whose root the verifier has */
		push(plan, level, index, 0);
	push_path(plan, level, index, size);
	return 0;
}

size_t merkle_plan_build(struct merkle_hasher *hasher, struct merkle_hash proof[static MERKLE_PROOF_MAX],
			 const struct merkle_plan *plan, const struct merkle_hash *hashes)
{
	size_t count = 0;

	for (unsigned start = 0, end; start < plan->count; start = end) {
		struct merkle_hash *element = &proof[count++];

		for (end = start + 1; end < plan->count && plan->refs[end].fold; end++)
			;
		*element = hashes[end - 1];
		for (unsigned i = end - 1; i > start; i--)
			merkle_node(hasher, element, &hashes[i - 1], element);
	}
	return count;
}

static int fetch_and_build(struct merkle_hasher *hasher, struct merkle_hash proof[static MERKLE_PROOF_MAX],
			   size_t *count, const struct merkle_plan *plan, merkle_hash_at *hash_at, void *arg)
{
	struct merkle_hash hashes[MERKLE_PLAN_MAX];

	for (unsigned i = 0; i < plan->count; i++) {
		int rc = hash_at(arg, &hashes[i], plan->refs[i].level, plan->refs[i].index);

		if (rc < 0)
			return rc;
	}
	*count = merkle_plan_build(hasher, proof, plan, hashes);
	return 0;
}

int merkle_prove_inclusion(struct merkle_hasher *hasher, struct merkle_hash proof[static MERKLE_PROOF_MAX],
			   size_t *count, uint64_t index, uint64_t size, merkle_hash_at *hash_at, void *arg)
{
	struct merkle_plan plan;
	int rc = merkle_plan_inclusion(&plan, index, size);

	return rc < 0 ? rc : fetch_and_build(hasher, proof, count, &plan, hash_at, arg);
}

int merkle_prove_consistency(struct merkle_hasher *hasher, struct merkle_hash proof[static MERKLE_PROOF_MAX],
			     size_t *count, uint64_t old_size, uint64_t size, merkle_hash_at *hash_at, void *arg)
{
	struct merkle_plan plan;
	int rc = merkle_plan_consistency(&plan, old_size, size);

	return rc < 0 ? rc : fetch_and_build(hasher, proof, count, &plan, hash_at, arg);
}

/* The first index a level of the range holds: the old edge's subtree there, if the old size has that bit, else the
 * first subtree that reaches past the old size. Either way it is even, and so are all pairs complete. */
static uint64_t first_index(const struct merkle_range *range, unsigned level)
{
	return (range->old_size >> level) & ~UINT64_C(1);
}

static struct merkle_hash *range_at(const struct merkle_range *range, unsigned level, uint64_t index)
{
	return &range->nodes[range->starts[level] + (size_t)(index - first_index(range, level))];
}

static void build_level(struct merkle_hasher *hasher, struct merkle_range *range, unsigned level,
			const struct merkle_hash *leaves)
{
	uint64_t index = range->old_size >> level, end = range->size >> level;

	if (level == 0) {
		if (end > index)
			memcpy(range_at(range, 0, index), leaves, (size_t)(end - index) * sizeof(*leaves));
		return;
	}
	for (; index < end; index++)
		merkle_node(hasher, range_at(range, level, index), range_at(range, level - 1, 2 * index),
			    range_at(range, level - 1, 2 * index + 1));
}

int merkle_range_build(struct merkle_hasher *hasher, struct merkle_range *range, struct merkle_hash *nodes,
		       const struct merkle_edge *edge, const struct merkle_hash *leaves, size_t count)
{
	unsigned left = merkle_edge_count(edge->size);
	size_t next = 0;

	if (edge->size > MERKLE_SIZE_MAX || count > MERKLE_SIZE_MAX - edge->size)
		return -EOVERFLOW;
	*range = (struct merkle_range){.old_size = edge->size, .size = edge->size + count, .nodes = nodes};
	for (unsigned level = 0; level < 64 && range->size >> level; level++) {
		range->starts[level] = next;
		next += (size_t)((range->size >> level) - first_index(range, level));
		if (edge->size >> level & 1)
			*range_at(range, level, (edge->size >> level) - 1) = edge->hashes[--left];
		build_level(hasher, range, level, leaves);
		if (!(range->size >> level & 1)) {
			range->ragged[level + 1] = range->ragged[level];
			continue;
		}
		range->ragged[level + 1] = *range_at(range, level, (range->size >> level) - 1);
		if (low_bits(range->size, level))
			merkle_node(hasher, &range->ragged[level + 1], &range->ragged[level + 1],
				    &range->ragged[level]);
	}
	return 0;
}

int merkle_range_inclusion(const struct merkle_range *range, struct merkle_hash proof[static MERKLE_PROOF_MAX],
			   size_t *count, uint64_t index)
{
	*count = 0;
	if (index < range->old_size || index >= range->size)
		return -EINVAL;
	for (unsigned level = 0; (range->size - 1) >> level; level++, index >>= 1) {
		uint64_t sibling = index ^ 1;

		if (sibling < range->size >> level)
			proof[(*count)++] = *range_at(range, level, sibling);
		else if (sibling == range->size >> level && low_bits(range->size, level))
			proof[(*count)++] = range->ragged[level];
	}
	return 0;
}

void merkle_range_root(struct merkle_hasher *hasher, struct merkle_hash *out, const struct merkle_range *range)
{
	if (range->size == 0)
		merkle_sha256(hasher, out, NULL, 0);
	else
		*out = range->ragged[64 - __builtin_clzll(range->size)];
}

void merkle_range_edge(struct merkle_edge *out, const struct merkle_range *range)
{
	unsigned count = 0;

	*out = (struct merkle_edge){.size = range->size};
	for (unsigned level = 64; level-- > 0;)
		if (range->size >> level & 1)
			out->hashes[count++] = *range_at(range, level, (range->size >> level) - 1);
}

int merkle_range_hash(void *arg, struct merkle_hash *out, unsigned level, uint64_t index)
{
	const struct merkle_range *range = arg;

	if (level > 63 || index >= range->size >> level || index < first_index(range, level))
		return -ENOENT;
	*out = *range_at(range, level, index);
	return 0;
}
