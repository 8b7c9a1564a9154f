/* The completeness map (docs/formats.md section 6): from SHA-256 of a subject's key text to (count, root of the
 *subject's sub-log), as a sparse Merkle tree over key bits, most significant bit of byte 0 first. Root of a set of keys
 *at depth d:
 *
 *	none	32 zero bytes
 *	one	SHA-256(0x02 || key || value)
 *	more	SHA-256(0x03 || those with bit d = 0, at d + 1 || those with bit d = 1, at d + 1)
 *
 * The root is a function of the set alone. Nodes are content-addressed and never change, so an update writes new nodes
 * beside the old ones and every earlier root stays readable. Only inserting and changing exist; nothing is deleted.
 * Stored form of a node: MAP_NODE_SIZE bytes, the kind (2 leaf, 3 inner) and 64 bytes (key || value, or left || right);
 * its address is SHA-256 of exactly these bytes. The empty root has no node. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "anchor/merkle.h"

#define MAP_NODE_SIZE 65
#define MAP_LEAF 2
#define MAP_INNER 3

struct map_node {
	uint8_t bytes[MAP_NODE_SIZE];
};

/* A key and its new value; in a batch sorted by key bytes, strictly ascending. */
struct map_change {
	struct merkle_hash key;
	struct merkle_hash value;
};

/* Where nodes come from and go to.
 * get: the node of that hash; 0, -EAGAIN if it must be fetched first, or another negative error, which ends the update.
 *      What it gives is checked against the hash.
 * put: a node that the new tree needs (children before parents). It may be known already. 0 or a negative error. */
struct map_store {
	int (*get)(void *arg, struct map_node *out, const struct merkle_hash *hash);
	int (*put)(void *arg, const struct merkle_hash *hash, const struct map_node *node);
	void *arg;
};

/* key = SHA-256("kedge/map/v1" || 0x00 || key text) */
void map_key(struct merkle_hasher *hasher, struct merkle_hash *out, const char *text, size_t len);
/* A leaf hash of the sub-log: SHA-256(0x00 || u64be(seq) || leaf hash); its tree is anchor/merkle.h's. */
void map_sub_leaf(struct merkle_hasher *hasher, struct merkle_hash *out, uint64_t seq, const struct merkle_hash *leaf);
/* value = SHA-256(u64be(count) || sub-log root) */
void map_value(struct merkle_hasher *hasher, struct merkle_hash *out, uint64_t count,
	       const struct merkle_hash *sub_root);

/* Applies a batch: *root becomes the new root. Recursion is at most 256 deep with small frames.
 * 0; -EINVAL if the changes are not sorted; -EBADMSG if a node is not what its hash says or lies on a wrong path;
 * errors of the store. On any error *root is untouched.
 * -EAGAIN: get() was asked for every node that can be known to be needed so far (one level below what it had): fetch
 * all of them in one go, drop what put() got, call again. A map of A keys needs about log2(A) + 2 such rounds. */
__attribute__((warn_unused_result)) int map_update(struct merkle_hasher *hasher, struct merkle_hash *root,
						   const struct map_store *store, const struct map_change *changes,
						   size_t count);
/* The value of a key. 0; -ENOENT if the map does not hold it; errors as above. */
__attribute__((warn_unused_result)) int map_find(struct merkle_hasher *hasher, struct merkle_hash *value,
						 const struct merkle_hash *root, const struct map_store *store,
						 const struct merkle_hash *key);
