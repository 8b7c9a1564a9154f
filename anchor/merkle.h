/* The Merkle tree of the log: RFC 9162 section 2.1 over SHA-256.
 *
 *   leaf = SHA-256(0x00 || entry)     node = SHA-256(0x01 || left || right)     empty root = SHA-256 of nothing
 *
 * A subtree is named by (level, index): it covers the leaves [index * 2^level, (index + 1) * 2^level) and is complete
 * when all of them exist. Sizes are at most MERKLE_SIZE_MAX, so a proof has at most MERKLE_PROOF_MAX hashes.
 *
 * Order of arguments everywhere: hasher, outputs, in/outs, inputs. Nothing here allocates but merkle_hasher_init(), and
 * every output is the caller's. A hasher serves one thread. A SHA-256 that fails in libcrypto aborts the process: with
 * it, nothing could be said about any tree. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MERKLE_HASH_SIZE 32
#define MERKLE_SIZE_MAX ((UINT64_C(1) << 63) - 1)
#define MERKLE_PROOF_MAX 64
#define MERKLE_EDGE_MAX 64

struct merkle_hash {
	uint8_t bytes[MERKLE_HASH_SIZE];
};

/* SHA-256 fetched once and one reused context (an implicit fetch a hash costs three times as much). */
struct merkle_hasher {
	struct evp_md_st *md;
	struct evp_md_ctx_st *ctx;
};

/* 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int merkle_hasher_init(struct merkle_hasher *hasher);
/* Also of a zeroed hasher. */
void merkle_hasher_clear(struct merkle_hasher *hasher);

/* Plain SHA-256, for payload and evidence hashes. */
void merkle_sha256(struct merkle_hasher *hasher, struct merkle_hash *out, const void *data, size_t len);
/* SHA-256 of two strings joined. */
void merkle_sha256_join(struct merkle_hasher *hasher, struct merkle_hash *out, const void *first, size_t first_len,
			const void *second, size_t second_len);
void merkle_leaf(struct merkle_hasher *hasher, struct merkle_hash *out, const void *entry, size_t len);
/* `out` may be `left` or `right`. */
void merkle_node(struct merkle_hasher *hasher, struct merkle_hash *out, const struct merkle_hash *left,
		 const struct merkle_hash *right);
/* Not in constant time: hashes of a public log are no secrets. */
int merkle_hash_equal(const struct merkle_hash *a, const struct merkle_hash *b);

/* Root over an array of leaf hashes; the empty root for count 0. */
void merkle_root(struct merkle_hasher *hasher, struct merkle_hash *out, const struct merkle_hash *leaves, size_t count);

/* The right edge (compact range): hashes of the maximal complete subtrees of [0, size), largest first, one a set bit of
 * size. It is all that appending needs. A zeroed edge is the empty tree. */
struct merkle_edge {
	uint64_t size;
	struct merkle_hash hashes[MERKLE_EDGE_MAX];
};

/* How many hashes an edge of that size has: popcount. */
unsigned merkle_edge_count(uint64_t size);
/* 0, or -EOVERFLOW at MERKLE_SIZE_MAX. */
__attribute__((warn_unused_result)) int merkle_edge_append(struct merkle_hasher *hasher, struct merkle_edge *edge,
							   const struct merkle_hash *leaf);
void merkle_edge_root(struct merkle_hasher *hasher, struct merkle_hash *out, const struct merkle_edge *edge);
/* Stored form: the hashes, 32 bytes each, largest subtree first; the size is stored beside it.
 * `out` holds 32 * MERKLE_EDGE_MAX bytes; returns the length, 32 * merkle_edge_count(size). */
size_t merkle_edge_encode(uint8_t out[static MERKLE_HASH_SIZE * MERKLE_EDGE_MAX], const struct merkle_edge *edge);
/* 0; -EBADMSG if `len` is not what `size` asks for; -EOVERFLOW if size > MERKLE_SIZE_MAX. */
__attribute__((warn_unused_result)) int merkle_edge_decode(struct merkle_edge *edge, uint64_t size,
							   const uint8_t *bytes, size_t len);

/* Verification, RFC 9162 sections 2.1.3.2 and 2.1.4.2. The length is checked first: it is fixed by the sizes.
 * 0 if the proof holds, -EBADMSG if it does not, whatever the reason.
 * Consistency with an empty old tree proves nothing and is refused (old_size 0 is -EBADMSG even for 0 = 0);
 * old_size = size holds only with an empty proof and equal roots. */
__attribute__((warn_unused_result)) int
merkle_verify_inclusion(struct merkle_hasher *hasher, const struct merkle_hash *root, const struct merkle_hash *leaf,
			uint64_t index, uint64_t size, const struct merkle_hash *proof, size_t count);
__attribute__((warn_unused_result)) int merkle_verify_consistency(struct merkle_hasher *hasher,
								  const struct merkle_hash *old_root, uint64_t old_size,
								  const struct merkle_hash *root, uint64_t size,
								  const struct merkle_hash *proof, size_t count);

/* ---- Proofs from anywhere: plan, fetch, build ----
 *
 * A plan lists the complete subtrees whose hashes a proof needs. Where `fold` is set, the hash joins the proof element
 * that the one before it started (together they are the ragged right side of the tree); otherwise it starts the next
 * element. Fetch plan.refs[i] into hashes[i], in any way and order, then build. */
struct merkle_ref {
	uint64_t index;
	uint8_t level;
	uint8_t fold;
};

#define MERKLE_PLAN_MAX 128

struct merkle_plan {
	unsigned count;
	struct merkle_ref refs[MERKLE_PLAN_MAX];
};

/* 0, or -EINVAL unless index < size <= MERKLE_SIZE_MAX. */
__attribute__((warn_unused_result)) int merkle_plan_inclusion(struct merkle_plan *plan, uint64_t index, uint64_t size);
/* 0, or -EINVAL unless 0 < old_size <= size <= MERKLE_SIZE_MAX. Empty for equal sizes. */
__attribute__((warn_unused_result)) int merkle_plan_consistency(struct merkle_plan *plan, uint64_t old_size,
								uint64_t size);
/* hashes[plan->count] -> proof; returns the number of hashes in the proof. */
size_t merkle_plan_build(struct merkle_hasher *hasher, struct merkle_hash proof[static MERKLE_PROOF_MAX],
			 const struct merkle_plan *plan, const struct merkle_hash *hashes);

/* The same in one call, for a caller that can fetch at once. `hash_at` gives the hash of a complete subtree or a
 * negative error, which is handed on. */
typedef int merkle_hash_at(void *arg, struct merkle_hash *out, unsigned level, uint64_t index);
__attribute__((warn_unused_result)) int merkle_prove_inclusion(struct merkle_hasher *hasher,
							       struct merkle_hash proof[static MERKLE_PROOF_MAX],
							       size_t *count, uint64_t index, uint64_t size,
							       merkle_hash_at *hash_at, void *arg);
__attribute__((warn_unused_result)) int merkle_prove_consistency(struct merkle_hasher *hasher,
								 struct merkle_hash proof[static MERKLE_PROOF_MAX],
								 size_t *count, uint64_t old_size, uint64_t size,
								 merkle_hash_at *hash_at, void *arg);

/* ---- A batch: an edge and the leaves after it ----
 *
 * Built once (about one hash a leaf), it answers the inclusion proof of any new leaf by copying, gives the new edge and
 * root, and serves as merkle_hash_at (merkle_range_hash) for consistency from the edge's size. */
struct merkle_range {
	uint64_t old_size;
	uint64_t size;
	struct merkle_hash *nodes;
	size_t starts[64];	       /* where a level's hashes begin in nodes[] */
	struct merkle_hash ragged[65]; /* [l]: hash of the leaves from the last multiple of 2^l up to size */
};

/* Hashes of working memory for a batch of `count` leaves on any old size. */
#define MERKLE_RANGE_NODES(count) (2 * (size_t)(count) + 128)

/* `nodes` holds MERKLE_RANGE_NODES(count) hashes and must live as long as the range. `edge` is the tree before,
 * `leaves` are the leaf hashes after it. 0, or -EOVERFLOW if the tree would pass MERKLE_SIZE_MAX. */
__attribute__((warn_unused_result)) int merkle_range_build(struct merkle_hasher *hasher, struct merkle_range *range,
							   struct merkle_hash *nodes, const struct merkle_edge *edge,
							   const struct merkle_hash *leaves, size_t count);
/* Proof at range->size of a leaf in [old_size, size). 0, or -EINVAL for another index. */
__attribute__((warn_unused_result)) int merkle_range_inclusion(const struct merkle_range *range,
							       struct merkle_hash proof[static MERKLE_PROOF_MAX],
							       size_t *count, uint64_t index);
void merkle_range_root(struct merkle_hasher *hasher, struct merkle_hash *out, const struct merkle_range *range);
/* The edge at range->size. It may be built for the next batch at once. */
void merkle_range_edge(struct merkle_edge *out, const struct merkle_range *range);
/* A complete subtree that ends after old_size, or one of the old edge; else -ENOENT. `arg` is the struct merkle_range
 * *. */
__attribute__((warn_unused_result)) int merkle_range_hash(void *arg, struct merkle_hash *out, unsigned level,
							  uint64_t index);
