/* Hashes, edges and verification. Whoever checks a proof needs this file alone; building proofs is merkle_proof.c. */
#include "anchor/merkle.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

int merkle_hasher_init(struct merkle_hasher *hasher)
{
	hasher->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	hasher->ctx = EVP_MD_CTX_new();
	if (!hasher->md || !hasher->ctx) {
		merkle_hasher_clear(hasher);
		return -ENOMEM;
	}
	return 0;
}

void merkle_hasher_clear(struct merkle_hasher *hasher)
{
	EVP_MD_CTX_free(hasher->ctx);
	EVP_MD_free(hasher->md);
	*hasher = (struct merkle_hasher){0};
}

static void digest(struct merkle_hasher *hasher, struct merkle_hash *out, const void *prefix, size_t prefix_len,
		   const void *data, size_t len)
{
	if (EVP_DigestInit_ex2(hasher->ctx, hasher->md, NULL) != 1 ||
	    (prefix_len && EVP_DigestUpdate(hasher->ctx, prefix, prefix_len) != 1) ||
	    (len && EVP_DigestUpdate(hasher->ctx, data, len) != 1) ||
	    EVP_DigestFinal_ex(hasher->ctx, out->bytes, NULL) != 1)
		abort();
}

void merkle_sha256(struct merkle_hasher *hasher, struct merkle_hash *out, const void *data, size_t len)
{
	digest(hasher, out, NULL, 0, data, len);
}

void merkle_sha256_join(struct merkle_hasher *hasher, struct merkle_hash *out, const void *first, size_t first_len,
			const void *second, size_t second_len)
{
	digest(hasher, out, first, first_len, second, second_len);
}

/* RFC 9162 section 2.1.1: "The hash of a list with one entry (also known as a leaf hash) is HASH(0x00 || d[0])" */
void merkle_leaf(struct merkle_hasher *hasher, struct merkle_hash *out, const void *entry, size_t len)
{
	static const uint8_t prefix = 0x00;

	digest(hasher, out, &prefix, 1, entry, len);
}

/* "... HASH(0x01 || MTH(D[0:k]) || MTH(D[k:n]))" */
void merkle_node(struct merkle_hasher *hasher, struct merkle_hash *out, const struct merkle_hash *left,
		 const struct merkle_hash *right)
{
	uint8_t input[1 + 2 * MERKLE_HASH_SIZE];

	input[0] = 0x01;
	memcpy(input + 1, left->bytes, MERKLE_HASH_SIZE);
	memcpy(input + 1 + MERKLE_HASH_SIZE, right->bytes, MERKLE_HASH_SIZE);
	digest(hasher, out, NULL, 0, input, sizeof(input));
}

int merkle_hash_equal(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a->bytes, b->bytes, MERKLE_HASH_SIZE) == 0;
}

unsigned merkle_edge_count(uint64_t size)
{
	return (unsigned)__builtin_popcountll(size);
}

int merkle_edge_append(struct merkle_hasher *hasher, struct merkle_edge *edge, const struct merkle_hash *leaf)
{
	unsigned count = merkle_edge_count(edge->size);
	struct merkle_hash hash = *leaf;

	if (edge->size >= MERKLE_SIZE_MAX)
		return -EOVERFLOW;
	/* as adding one in binary: every low set bit is a subtree that the new one completes */
	for (uint64_t bits = edge->size; bits & 1; bits >>= 1)
		merkle_node(hasher, &hash, &edge->hashes[--count], &hash);
	edge->hashes[count] = hash;
	edge->size++;
	return 0;
}

void merkle_edge_root(struct merkle_hasher *hasher, struct merkle_hash *out, const struct merkle_edge *edge)
{
	unsigned count = merkle_edge_count(edge->size);

	if (count == 0) {
		merkle_sha256(hasher, out, NULL, 0);
		return;
	}
	*out = edge->hashes[--count];
	while (count)
		merkle_node(hasher, out, &edge->hashes[--count], out);
}

size_t merkle_edge_encode(uint8_t out[static MERKLE_HASH_SIZE * MERKLE_EDGE_MAX], const struct merkle_edge *edge)
{
	unsigned count = merkle_edge_count(edge->size);

	for (unsigned i = 0; i < count; i++)
		memcpy(out + (size_t)i * MERKLE_HASH_SIZE, edge->hashes[i].bytes, MERKLE_HASH_SIZE);
	return (size_t)count * MERKLE_HASH_SIZE;
}

int merkle_edge_decode(struct merkle_edge *edge, uint64_t size, const uint8_t *bytes, size_t len)
{
	unsigned count = merkle_edge_count(size);

	if (size > MERKLE_SIZE_MAX)
		return -EOVERFLOW;
	if (len != (size_t)count * MERKLE_HASH_SIZE)
		return -EBADMSG;
	*edge = (struct merkle_edge){.size = size};
	for (unsigned i = 0; i < count; i++)
		memcpy(edge->hashes[i].bytes, bytes + (size_t)i * MERKLE_HASH_SIZE, MERKLE_HASH_SIZE);
	return 0;
}

void merkle_root(struct merkle_hasher *hasher, struct merkle_hash *out, const struct merkle_hash *leaves, size_t count)
{
	struct merkle_edge edge = {0};

	for (size_t i = 0; i < count; i++)
		if (merkle_edge_append(hasher, &edge, &leaves[i]) != 0)
			abort(); /* 2^63 hashes do not fit in an address space */
	merkle_edge_root(hasher, out, &edge);
}

static unsigned bit_length(uint64_t value)
{
	return value ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

/* A path first climbs inside the largest complete subtree that parts index from the right edge (inner: siblings left or
 * right, by the bits of index), then along the edge itself (border: siblings left only). */
static void path_lengths(unsigned *inner, unsigned *border, uint64_t index, uint64_t size)
{
	*inner = bit_length(index ^ (size - 1));
	*border = *inner < 64 ? (unsigned)__builtin_popcountll(index >> *inner) : 0;
}

int merkle_verify_inclusion(struct merkle_hasher *hasher, const struct merkle_hash *root,
			    const struct merkle_hash *leaf, uint64_t index, uint64_t size,
			    const struct merkle_hash *proof, size_t count)
{
	struct merkle_hash hash = *leaf;
	unsigned inner, border;

	if (index >= size)
		return -EBADMSG;
	path_lengths(&inner, &border, index, size);
	if (count != inner + border)
		return -EBADMSG;
	for (unsigned i = 0; i < count; i++) {
		if (i < inner && !(index >> i & 1))
			merkle_node(hasher, &hash, &hash, &proof[i]);
		else
			merkle_node(hasher, &hash, &proof[i], &hash);
	}
	return merkle_hash_equal(&hash, root) ? 0 : -EBADMSG;
}

/* RFC 9162 section 2.1.4.2: the path of the old tree's last complete subtree, which starts both roots. A left sibling
 * is in both trees, a right one in the new tree only. */
int merkle_verify_consistency(struct merkle_hasher *hasher, const struct merkle_hash *old_root, uint64_t old_size,
			      const struct merkle_hash *root, uint64_t size, const struct merkle_hash *proof,
			      size_t count)
{
	struct merkle_hash old_hash, hash;
	unsigned inner, border, shift;
	uint64_t index;
	size_t start;

	if (old_size == 0 || old_size > size)
		return -EBADMSG;
	if (old_size == size)
		return count == 0 && merkle_hash_equal(old_root, root) ? 0 : -EBADMSG;
	path_lengths(&inner, &border, old_size - 1, size);
	shift = (unsigned)__builtin_ctzll(old_size);
	inner -= shift; /* old_size < size: the subtree's last leaf parts from the edge above it */
	start = (old_size & (old_size - 1)) ? 1 : 0; /* a power of two: the subtree is the old root, and not sent */
	if (count != start + inner + border)
		return -EBADMSG;
	old_hash = hash = start ? proof[0] : *old_root;
	index = (old_size - 1) >> shift;
	for (unsigned i = 0; i < inner + border; i++) {
		const struct merkle_hash *sibling = &proof[start + i];

		if (i < inner && !(index >> i & 1)) {
			merkle_node(hasher, &hash, &hash, sibling);
		} else {
			merkle_node(hasher, &hash, sibling, &hash);
			merkle_node(hasher, &old_hash, sibling, &old_hash);
		}
	}
	return merkle_hash_equal(&old_hash, old_root) && merkle_hash_equal(&hash, root) ? 0 : -EBADMSG;
}
