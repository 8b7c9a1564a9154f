#pragma once

/*
 * state_proof: accounts and storage words under a state root, present or absent.
 *
 * account = trie(stateRoot, keccak256(address)) = rlp([nonce, balance, storageHash, codeHash]);
 * word    = trie(storageHash, keccak256(slot)) = rlp(value without leading zeros). A word that is absent is zero; nodes
 * remove a word that becomes zero, but anvil 1.7.1 keeps it as rlp(0), which says the same. Source: Yellow Paper §4.1; EIP-1186
 * (eth_getProof).
 *
 * Errors are those of eth/trie.h without -ENOENT: absence is an answer here.
 */

#include "eth/address.h"
#include "eth/trie.h"
#include "eth/u256.h"

struct state_account {
	bool exists; /* else nonce and balance are zero, storage is trie_empty_root and code is state_empty_code */
	uint64_t nonce;
	struct u256 balance; /* wei */
	struct eth_hash storage;
	struct eth_hash code; /* keccak256 of the code; that of "" for an account without */
};

/* keccak256(""). */
extern const struct eth_hash state_empty_code;

/* accountProof of eth_getProof. -EBADMSG also for an account of another shape. */
__attribute__((warn_unused_result)) int state_proof_account(struct state_account *out, const struct eth_hash *state_root,
							    const struct eth_address *address,
							    const struct trie_node *nodes, size_t n);

/* One storageProof[].proof of eth_getProof. The word is 32 bytes big-endian, zero when absent. */
__attribute__((warn_unused_result)) int state_proof_word(struct eth_hash *word, const struct eth_hash *storage,
							 const struct eth_hash *slot, const struct trie_node *nodes,
							 size_t n);

/* The same from a shared set of nodes. */
__attribute__((warn_unused_result)) int state_set_account(struct state_account *out, struct trie_set *set,
							  const struct eth_hash *state_root,
							  const struct eth_address *address);
__attribute__((warn_unused_result)) int state_set_word(struct eth_hash *word, struct trie_set *set,
						       const struct eth_hash *storage, const struct eth_hash *slot);
