#pragma once

/*
 * trie: proofs in the Merkle Patricia trie, of a value and of absence.
 *
 * A proof is the nodes on the path from the root to where the key's path ends. Source: Yellow Paper, Appendix C (hex-prefix)
 * and D (trie).
 *
 * Strict, so that a proof has one spelling:
 *   every node is one canonical RLP list of 2 or 17 items, at most TRIE_NODE_MAX bytes;
 *   the hex-prefix flag is 0 to 3 and the padding nibble of an even path is 0; an extension's path is not empty;
 *   a child is empty, 32 bytes (the hash of its node), or a node of less than 32 bytes written inline; an inline child in
 *   the form of a hash, or a hashed node that should have been inline (a node below 32 bytes that is not the root), is
 *   refused; an extension's child is never empty;
 *   every node given is used, in the order of the path.
 */

#include "eth/keccak.h"

#include <stdbool.h>

#define TRIE_KEY_MAX 64	     /* bytes of a key; hashed keys have 32 */
#define TRIE_DEPTH_MAX 129   /* nodes on a path: two nibbles a byte, and the root */
#define TRIE_NODE_MAX 70000  /* bytes of a node: a branch of hashes is 532, a leaf carries its value */

/* A node's RLP, borrowed. */
struct trie_node {
	const uint8_t *data;
	size_t len;
};

/* keccak256(rlp("")): the root of a trie without keys. */
extern const struct eth_hash trie_empty_root;

/*
 * What the trie with this root holds under `key`. The key is the path itself; account and storage tries want it hashed
 * (eth/state_proof.h).
 *
 * An empty trie proves the absence of every key, with no nodes (geth) or with the one node 0x80 (anvil).
 *
 * Returns  0                there: *value borrows from the nodes, and is never empty
 *          -ENOENT          proven absent: *value NULL, *value_len 0
 *          -EKEYREJECTED    not a proof of either: a node that does not hash to its place, a node missing, nodes left over
 *          -EBADMSG         a node on the path is not a node (above)
 *          -EOVERFLOW       key, node or number of nodes over its limit
 */
__attribute__((warn_unused_result)) int trie_prove(const uint8_t **value, size_t *value_len, const struct eth_hash *root,
						   const uint8_t *key, size_t key_len, const struct trie_node *nodes,
						   size_t n);

/*
 * Nodes that several proofs share, each once. The caller owns the rows, which lie in strictly ascending order of their
 * hashes; that is the one order such a list has.
 */
struct trie_set_row {
	struct trie_node node;
	struct eth_hash hash; /* filled by trie_set_init */
	bool used;
};
struct trie_set {
	struct trie_set_row *rows;
	size_t n;
};

/* Fills the hashes of rows whose nodes are set. Returns 0, or -EBADMSG (not strictly ascending). */
__attribute__((warn_unused_result)) int trie_set_init(struct trie_set *out, struct trie_set_row *rows, size_t n);

/* trie_prove() with nodes looked up by hash; marks the rows it used. Same returns; left-over nodes are not its matter. The
 * empty root needs no node. */
__attribute__((warn_unused_result)) int trie_set_prove(const uint8_t **value, size_t *value_len, struct trie_set *set,
						       const struct eth_hash *root, const uint8_t *key, size_t key_len);

/* Whether every row was used by some proof. */
bool trie_set_all_used(const struct trie_set *set);
