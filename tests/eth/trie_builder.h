#pragma once

/* A Merkle Patricia trie built whole from its keys, by the definition of the Yellow Paper's Appendix D and without looking at
 * eth/trie.c: the other side of its tests. Everything is malloc'd and lives until trie_built_clear(). */

#include "eth/trie.h"

struct trie_pair {
	const uint8_t *key;
	size_t key_len;
	const uint8_t *value;
	size_t value_len;
};

struct trie_built {
	struct eth_hash root;
	struct trie_node nodes[TRIE_DEPTH_MAX]; /* of one key's path, from the root */
	size_t n;
};

/* Builds the trie of the pairs (sorted in place; keys must differ) and the proof of `key` in it. */
void trie_build(struct trie_built *out, struct trie_pair *pairs, size_t npairs, const uint8_t *key, size_t key_len);
void trie_built_clear(struct trie_built *built);
