#pragma once

/*
 * tx: transactions of type 0 (legacy, EIP-155) and type 2 (EIP-1559): made, signed, and read back strictly.
 *
 * Source: EIP-155, EIP-1559, EIP-2718, EIP-2930 (access lists), EIP-2 (low s). The form that is sent ("raw") is
 *   type 0: rlp([nonce, gasPrice, gasLimit, to, value, data, v, r, s]), v = chainId * 2 + 35 + parity
 *   type 2: 0x02 ‖ rlp([chainId, nonce, maxPriorityFee, maxFee, gasLimit, to, value, data, accessList, parity, r, s])
 * and the transaction hash is keccak256 of it.
 */

#include "eth/signature.h"
#include "eth/u256.h"

enum tx_type { TX_LEGACY = 0, TX_DYNAMIC_FEE = 2 };

struct tx {
	enum tx_type type;
	/*
	 * At most TX_CHAIN_ID_MAX. Type 0 with 0: signed without EIP-155 and valid on every chain; such are read and
	 * encoded, but tx_sign refuses to make them.
	 */
	uint64_t chain_id;
	uint64_t nonce;		      /* below 2^64-1 (EIP-2681) */
	struct u256 max_priority_fee; /* wei a gas; type 2 only */
	struct u256 max_fee;	      /* wei a gas; type 0: the gas price */
	uint64_t gas_limit;
	bool creation; /* no recipient: `to` is ignored and the data are init code */
	struct eth_address to;
	struct u256 value; /* wei */
	const uint8_t *data;
	size_t data_len;
	/* Type 2: the access list in RLP with its list prefix (tx_access_list makes it); NULL and 0: empty. */
	const uint8_t *access_list;
	size_t access_list_len;
};

/* So that chainId * 2 + 36 stays in 64 bits. */
#define TX_CHAIN_ID_MAX ((UINT64_MAX - 36) / 2)

/* An address and the storage slots of it that the transaction will touch. */
struct tx_access {
	struct eth_address address;
	const struct eth_hash *keys;
	size_t key_count;
};

/* Writes an access list in RLP. Returns 0 or -ENOSPC. */
__attribute__((warn_unused_result)) int tx_access_list(uint8_t *out, size_t out_size, size_t *len,
						       const struct tx_access *entries, size_t count);

/* A buffer of this size holds the raw transaction, and serves as scratch for everything below. */
size_t tx_size_max(const struct tx *tx);

/*
 * What is signed, before hashing. Returns 0, -ENOSPC, or -EINVAL (type, chain id or nonce beyond the limits above, or
 * an access list that is none). Fees are not judged here.
 */
__attribute__((warn_unused_result)) int tx_encode_unsigned(uint8_t *out, size_t out_size, size_t *len,
							   const struct tx *tx);
/* The raw transaction. Errors as above, and those of signature_check. */
__attribute__((warn_unused_result)) int tx_encode_signed(uint8_t *out, size_t out_size, size_t *len,
							 const struct tx *tx, const struct eth_signature *signature);

/* keccak256 of tx_encode_unsigned, which is written to `scratch`. Errors as there. */
__attribute__((warn_unused_result)) int tx_signing_hash(struct eth_hash *out, uint8_t *scratch, size_t scratch_size,
							const struct tx *tx);

/*
 * Signs and encodes. Returns 0, as tx_encode_unsigned, or -EINVAL (no chain id, a bad key, or fees no node would take:
 * the priority fee above the maximum fee, or fee * gas limit of 2^256 or more).
 * Out:  raw, len   the raw transaction
 *       hash       its hash, under which nodes know it
 */
__attribute__((warn_unused_result)) int tx_sign(const struct signature_context *context, uint8_t *raw, size_t raw_size,
						size_t *len, struct eth_hash *hash, const struct tx *tx,
						const uint8_t key[static SIGNATURE_KEY_SIZE]);

/*
 * Reads a raw transaction; `data` and `access_list` of `out` point into `raw`.
 * Returns 0, -EBADMSG (not a canonical transaction of type 0 or 2, or against a rule that needs no state: nonce, the
 * fees as in tx_sign, signature range), -EOVERFLOW (a field above its type, or chain id above TX_CHAIN_ID_MAX),
 * -EKEYREJECTED (high s) or -ENOTSUP (another EIP-2718 type).
 */
__attribute__((warn_unused_result)) int tx_decode(struct tx *out, struct eth_signature *signature, const uint8_t *raw,
						  size_t len);

/* Who signed it. `scratch` as for tx_signing_hash. Errors of that and of signature_recover. */
__attribute__((warn_unused_result)) int tx_sender(const struct signature_context *context, struct eth_address *out,
						  uint8_t *scratch, size_t scratch_size, const struct tx *tx,
						  const struct eth_signature *signature);
