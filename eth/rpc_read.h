#pragma once
/* Reads that an index and a proof need: logs, whole headers, storage and its proofs. Calls are added to a list as in
 * eth/rpc_call.h; results are read strictly as in eth/rpc_message.h: each reader returns eth_rpc_result_error() first, then
 * -EBADMSG where the value has not the shape named.
 *
 * Sources: execution-apis (eth_getLogs, eth_getProof, eth_getStorageAt, block objects), EIP-234 (logs by block hash),
 * EIP-1186 (eth_getProof), EIP-1898.
 *
 * An answer holds at most 2^18 JSON values (eth/rpc_message.h), so about 9,700 logs: more is -EOVERFLOW of the whole
 * batch, and means "ask for a smaller range", like ETH_RPC_LIMIT. */
#include "eth/header.h"
#include "eth/rpc_call.h"
#include "eth/rpc_message.h"
#include "eth/trie.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ETH_RPC_TOPICS = 4,
	ETH_RPC_FILTER_MAX = 1024,  /* addresses, or alternatives of one topic, in a filter */
	ETH_RPC_PROOF_SLOTS = 1024, /* slots in one eth_getProof (geth: maxGetStorageSlots) */
};

/* What logs to ask for. All parts are borrowed. */
struct eth_rpc_filter {
	const struct eth_address *addresses;
	size_t naddresses; /* 0: any address */
	struct {
		const struct eth_hash *values;
		size_t n; /* 0: anything in this place */
	} topics[ETH_RPC_TOPICS];
	bool by_hash;	       /* logs of `block`; else of the numbers from to `to`, both included */
	struct eth_hash block;
	uint64_t from, to;
};

/* eth_getLogs. The answer may have ETH_RPC_LARGE bytes. -EINVAL on the list: from > to, more than ETH_RPC_FILTER_MAX. */
void eth_rpc_add_logs(struct eth_rpc_calls *list, const struct eth_rpc_filter *filter);

/* eth_getProof of an account and of some of its slots (n may be 0). The answer may have ETH_RPC_LARGE bytes. -EINVAL on the
 * list: more than ETH_RPC_PROOF_SLOTS. */
void eth_rpc_add_proof(struct eth_rpc_calls *list, const struct eth_address *address, const struct eth_hash *slots, size_t n,
		       const struct eth_rpc_at *at);

/* eth_getStorageAt: 32 bytes, read with eth_rpc_result_hash(). */
void eth_rpc_add_storage(struct eth_rpc_calls *list, const struct eth_address *address, const struct eth_hash *slot,
			 const struct eth_rpc_at *at);

struct eth_rpc_log {
	struct eth_address address;
	struct eth_hash topics[ETH_RPC_TOPICS];
	unsigned ntopics;
	const uint8_t *data; /* owned by the eth_rpc_logs; never NULL */
	size_t data_len;
	uint64_t number; /* of the block */
	struct eth_hash block;
	struct eth_hash tx;
	uint32_t index;	    /* in the block */
	bool has_time;	    /* newer nodes only (execution-apis "blockTimestamp") */
	uint64_t time;	    /* of the block, seconds since 1970 */
	bool removed;	    /* true only in subscriptions and filters after a reorg; a reader of ranges refuses it */
};

struct eth_rpc_logs {
	struct eth_rpc_log *rows;
	size_t n;
	uint8_t *bytes; /* what data points to */
};
void eth_rpc_logs_clear(struct eth_rpc_logs *logs);

/* The array of log objects, in the order sent; nothing is checked against what was asked for. Logs of pending blocks (null
 * number or hash) are -EBADMSG. -EOVERFLOW: a log index of 2^32 or more. -ENOMEM. */
__attribute__((warn_unused_result)) int eth_rpc_result_logs(struct eth_rpc_logs *out, const struct eth_rpc_result *result);

/* A block's header, made again from the block object and hashed. */
struct eth_rpc_header {
	struct eth_header header;
	size_t rlp_len;
	uint8_t rlp[HEADER_SIZE_MAX];
};

/* Reads a block object (eth_rpc_add_block) by the field list of eth/header.h. The RLP of the fields must hash to the object's
 * `hash`, so whatever else the object holds cannot be of the header. Returns besides the readers' common errors:
 *   -ENOENT           null: no such block
 *   -EKEYREJECTED     known fields only, and they do not hash to the block's hash: the provider lies or is broken
 *   -EPROTONOSUPPORT  they do not hash to it, and the object has members not known here (or a field of a later fork is there
 *                     without an earlier one), or extraData is over HEADER_EXTRA_MAX: a fork this release does not know */
__attribute__((warn_unused_result)) int eth_rpc_result_header(struct eth_rpc_header *out,
							      const struct eth_rpc_result *result);

/* An answer of eth_getProof. Nothing is verified here; see eth/state_proof.h. What the node states beside the proofs is kept
 * for comparison only. */
struct eth_rpc_slot_proof {
	struct u256 slot;
	struct u256 value;
	const struct trie_node *nodes;
	size_t n;
};
struct eth_rpc_proof {
	struct eth_address address;
	uint64_t nonce;
	struct u256 balance;
	struct eth_hash storage, code;
	const struct trie_node *nodes; /* accountProof */
	size_t n;
	struct eth_rpc_slot_proof *slots;
	size_t nslots;
	void *memory; /* what all of it points into */
};
void eth_rpc_proof_clear(struct eth_rpc_proof *proof);

/* -EOVERFLOW: more than ETH_RPC_PROOF_SLOTS slots, a path of more than TRIE_DEPTH_MAX nodes, a node over TRIE_NODE_MAX.
 * -ENOMEM. */
__attribute__((warn_unused_result)) int eth_rpc_result_proof(struct eth_rpc_proof *out, const struct eth_rpc_result *result);
