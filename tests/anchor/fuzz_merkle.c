/* Proof verification against the steps of RFC 9162 as printed, on hostile proofs, and on honest ones with one change.
 *
 *	byte 0: bit 0 consistency or inclusion, bit 1 take the honest proof as the base; 8 bytes each of index (old
 *size) and size; the rest: hashes of a hostile proof, or (position, byte) pairs that spoil the honest one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "anchor/merkle.h"
#include "tests/anchor/naive_merkle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LEAVES 40
#define PROOF 70

static struct merkle_hasher hasher;
static struct merkle_hash leaves[LEAVES];

static void check(int ok)
{
	if (!ok)
		abort();
}

static uint64_t take_u64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void compare(int consistency, const struct merkle_hash *first, const struct merkle_hash *root, uint64_t a,
		    uint64_t b, const struct merkle_hash *proof, size_t count)
{
	int rc = consistency ? merkle_verify_consistency(&hasher, first, a, root, b, proof, count)
			     : merkle_verify_inclusion(&hasher, root, first, a, b, proof, count);
	bool want = consistency ? naive_verify_consistency(first, a, root, b, proof, count)
				: naive_verify_inclusion(root, first, a, b, proof, count);

	check((rc == 0) == want);
}

static void honest(int consistency, uint64_t a, uint64_t b, const uint8_t *spoil, size_t len)
{
	struct merkle_hash proof[PROOF] = {0}, first, root;
	size_t count;

	b = 1 + b % LEAVES;
	a = consistency ? 1 + a % b : a % b;
	naive_root(&root, leaves, b);
	if (consistency) {
		naive_root(&first, leaves, a);
		count = naive_subproof(proof, a, leaves, b, true);
	} else {
		first = leaves[a];
		count = naive_path(proof, a, leaves, b);
	}
	compare(consistency, &first, &root, a, b, proof, count);
	check((consistency ? merkle_verify_consistency(&hasher, &first, a, &root, b, proof, count)
			   : merkle_verify_inclusion(&hasher, &root, &first, a, b, proof, count)) == 0);
	for (; len >= 2; spoil += 2, len -= 2) {
		if (spoil[0] == 255)
			count = spoil[1] % PROOF;
		else if (spoil[0] == 254)
			a ^= spoil[1];
		else if (spoil[0] == 253)
			b ^= spoil[1];
		else
			proof[spoil[0] % PROOF].bytes[spoil[1] % 32] ^= 1;
		compare(consistency, &first, &root, a, b, proof, count);
	}
}

/* Free sizes up to 2^64 - 1, and the root that the hashes themselves lead to, so that some hostile proofs hold. */
static void hostile(int consistency, uint64_t a, uint64_t b, const uint8_t *bytes, size_t len)
{
	struct merkle_hash proof[PROOF] = {0}, first = leaves[0], root = leaves[1];
	size_t count = len / 4 < PROOF ? len / 4 : PROOF;

	for (size_t i = 0; i < count; i++)
		memcpy(proof[i].bytes, bytes + 4 * i, 4);
	compare(consistency, &first, &root, a, b, proof, count);
	root = first;
	for (size_t i = 0; i < count && !consistency; i++) {
		if (bytes[4 * i] & 1)
			naive_node(&root, &proof[i], &root);
		else
			naive_node(&root, &root, &proof[i]);
	}
	compare(consistency, &first, &root, a, b, proof, count);
	compare(consistency, &first, &root, a & 0xff, b & 0xff, proof, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t a, b;

	if (!hasher.md) {
		check(merkle_hasher_init(&hasher) == 0);
		for (unsigned i = 0; i < LEAVES; i++)
			naive_sha256(&leaves[i], &i, sizeof(i));
	}
	if (size < 17)
		return 0;
	a = take_u64(data + 1);
	b = take_u64(data + 9);
	if (data[0] & 2)
		honest(data[0] & 1, a, b, data + 17, size - 17);
	else
		hostile(data[0] & 1, a, b, data + 17, size - 17);
	return 0;
}
