#pragma once

/*
 * header: a block's header as the RLP list that its hash is taken of.
 *
 * Fields in order: parentHash, sha3Uncles, miner, stateRoot, transactionsRoot, receiptsRoot, logsBloom, difficulty,
 * number, gasLimit, gasUsed, timestamp, extraData, mixHash, nonce (15, Yellow Paper §4.4); baseFeePerGas (16, EIP-1559);
 * withdrawalsRoot (17, EIP-4895); blobGasUsed, excessBlobGas (19, EIP-4844); parentBeaconBlockRoot (20, EIP-4788);
 * requestsHash (21, EIP-7685). Base has the same 21, some with another meaning (withdrawalsRoot since Isthmus, blobGasUsed
 * since Jovian); nothing here reads those. A header of 18 or of more than 21 fields is of a fork not known here, and is
 * refused: its later fields may change what the earlier ones mean.
 */

#include "eth/address.h"
#include "eth/keccak.h"

/* Most bytes of a header: 21 fields need about 740; extraData is at most 1,024 here (Ethereum and Base: 32). */
#define HEADER_SIZE_MAX 2048
#define HEADER_EXTRA_MAX 1024
#define HEADER_BLOOM_SIZE 256
#define HEADER_FIELDS_MIN 15
#define HEADER_FIELDS_MAX 21

struct eth_header {
	struct eth_hash hash; /* keccak256 of the RLP */
	struct eth_hash parent;
	struct eth_hash state_root;
	struct eth_hash transactions_root;
	struct eth_hash receipts_root;
	uint8_t bloom[HEADER_BLOOM_SIZE]; /* see eth/bloom.h */
	uint64_t number;
	uint64_t time; /* seconds since 1970 */
	uint64_t gas_limit, gas_used;
	unsigned fields; /* how many: which fork */
};

/*
 * Reads a header. Every field is checked for its kind (32-byte hashes, 20-byte miner, 256-byte bloom, 8-byte nonce,
 * minimal integers).
 * Returns 0, -EBADMSG (not canonical RLP of that shape), -EOVERFLOW (an integer or extraData too large) or
 * -EPROTONOSUPPORT (another number of fields).
 */
__attribute__((warn_unused_result)) int header_parse(struct eth_header *out, const uint8_t *rlp, size_t len);
