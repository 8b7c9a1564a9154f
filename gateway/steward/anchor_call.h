#pragma once
/* KedgeAnchor as bytes: what to send, what to sign, what to read (contracts-abi/KedgeAnchor.sol; docs/formats.md section 7). Pure. */
#include "anchor/merkle.h"
#include "eth/address.h"
#include "eth/keccak.h"
#include "eth/rpc_message.h"
#include "eth/signature.h"

#include <stddef.h>
#include <stdint.h>

enum {
	ANCHOR_CALL_MAX = 4 + 32 * (4 + 1 + MERKLE_PROOF_MAX + 1 + 3), /* calldata of anchor() */
	ANCHOR_CALL_HEAD = 4,
};

/* Where the contract is and for which log. */
struct anchor_contract {
	uint64_t chain_id;
	struct eth_address address;
	struct eth_hash origin_hash; /* keccak256(origin) */
};

/* The EIP-712 digest of Anchor(originHash, size, root), which the contract's signer signs. */
void anchor_digest(struct eth_hash *out, const struct anchor_contract *contract, uint64_t size, const struct merkle_hash *root);

/* Calldata of anchor(size, root, proof, authorisation). 0 or -ENOSPC. */
__attribute__((warn_unused_result)) int anchor_call(uint8_t *out, size_t room, size_t *length, uint64_t size,
						    const struct merkle_hash *root, const struct merkle_hash *proof, size_t count,
						    const uint8_t authorisation[static SIGNATURE_SIZE]);

void anchor_call_head(uint8_t out[static ANCHOR_CALL_HEAD]);
/* Answer of head(). -ENXIO: no contract there; otherwise the errors of eth_rpc_result_error() and -EBADMSG. */
__attribute__((warn_unused_result)) int anchor_read_head(uint64_t *size, struct merkle_hash *root, const struct eth_rpc_result *result);
