#pragma once
/* The ERC-8004 IdentityRegistry as bytes: calldata to send, return data and reverts to read. Pure: no I/O, no clock.
 *
 * Source: erc-8004/erc-8004-contracts b9e466c (IdentityRegistry 2.0.0, ERC-721 + URIStorage); facts/erc8004.md §1.
 * Id 0 is an agent like any other. Existence is ownerOf: getAgentWallet answers zero for an agent that never was.
 * "0x" as the answer of a call means there is no code at that address: an error of configuration, never "zero". */
#include "eth/address.h"
#include "eth/keccak.h"
#include "eth/rpc_message.h"
#include "eth/u256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REGISTRY_URI_MAX = 64 * 1024,	      /* bytes of a token URI kedge reads; longer is -EOVERFLOW */
	REGISTRY_CALL_ID_SIZE = 4 + 32,	      /* calldata of the calls with one id */
	REGISTRY_CALL_TWO_SIZE = 4 + 64,      /* calldata of the calls with two words */
	REGISTRY_WALLET_DEADLINE_MAX_S = 300, /* setAgentWallet refuses deadlines further than this past block time */
	REGISTRY_METADATA_MAX = 64,	      /* entries in one registration */
};

/* The metadata key that only setAgentWallet writes: "reserved key" otherwise. */
#define REGISTRY_RESERVED_KEY "agentWallet"

/* One metadata entry. The key is a string of the contract (UTF-8 by custom), the value any bytes. */
struct registry_metadata {
	const char *key;
	size_t key_len;
	const uint8_t *value;
	size_t value_len;
};

/* Where a registry is. */
struct registry {
	uint64_t chain_id;
	struct eth_address address;
};

/* Calldata. The fixed ones fill their array. */
void registry_call_owner_of(uint8_t out[static REGISTRY_CALL_ID_SIZE], const struct u256 *id);
void registry_call_wallet(uint8_t out[static REGISTRY_CALL_ID_SIZE], const struct u256 *id);
void registry_call_token_uri(uint8_t out[static REGISTRY_CALL_ID_SIZE], const struct u256 *id);
void registry_call_unset_wallet(uint8_t out[static REGISTRY_CALL_ID_SIZE], const struct u256 *id);
/* isAuthorizedOrOwner(spender, id): owner, approved for the id, or the owner's operator. */
void registry_call_is_authorised(uint8_t out[static REGISTRY_CALL_TWO_SIZE], const struct eth_address *spender,
				 const struct u256 *id);

/* The ones with texts: *out is malloc'd. -ENOMEM, -EOVERFLOW (text over REGISTRY_URI_MAX).
 * An empty URI registers with register(), any other with register(string). */
__attribute__((warn_unused_result)) int registry_call_register(uint8_t **out, size_t *out_len, const char *uri,
							       size_t uri_len);
/* register(string,(string,bytes)[]): the form with metadata, however many entries (0 included). Keys and values count
 * towards REGISTRY_URI_MAX with the URI; -EOVERFLOW also over REGISTRY_METADATA_MAX entries. */
__attribute__((warn_unused_result)) int registry_call_register_with(uint8_t **out, size_t *out_len, const char *uri,
								    size_t uri_len,
								    const struct registry_metadata *entries,
								    size_t count);
__attribute__((warn_unused_result)) int registry_call_set_metadata(uint8_t **out, size_t *out_len,
								   const struct u256 *id,
								   const struct registry_metadata *entry);
__attribute__((warn_unused_result)) int registry_call_set_uri(uint8_t **out, size_t *out_len, const struct u256 *id,
							      const char *uri, size_t uri_len);
/* setAgentWallet(id, wallet, deadline, signature): deadline in seconds since 1970 by block time; 65 bytes r ‖ s ‖ v, or
 * whatever a contract wallet takes for its signature. */
__attribute__((warn_unused_result)) int registry_call_set_wallet(uint8_t **out, size_t *out_len, const struct u256 *id,
								 const struct eth_address *wallet, uint64_t deadline,
								 const uint8_t *signature, size_t signature_len);
__attribute__((warn_unused_result)) int registry_call_transfer(uint8_t **out, size_t *out_len,
							       const struct eth_address *from,
							       const struct eth_address *to, const struct u256 *id);
/* safeTransferFrom(from, to, id): reverts unless a receiving contract accepts the token (ERC-721). */
__attribute__((warn_unused_result)) int registry_call_safe_transfer(uint8_t **out, size_t *out_len,
								    const struct eth_address *from,
								    const struct eth_address *to,
								    const struct u256 *id);

/* Reading the answer of an eth_call. Common errors:
 *   -ENOENT    reverted with ERC721NonexistentToken: no such agent at that block
 *   -ENXIO     "0x": no contract at the registry's address on this chain
 *   -EBADMSG   data of another shape (address with dirty upper bytes, offsets or lengths that do not fit)
 *   -EPROTO    reverted with anything else; -ESTALE, -EAGAIN, -EOPNOTSUPP, -EIO as eth_rpc_result_error() */
__attribute__((warn_unused_result)) int registry_read_owner(struct eth_address *out,
							    const struct eth_rpc_result *result);
/* The zero address is "no wallet" and also "no agent": ask ownerOf too. */
__attribute__((warn_unused_result)) int registry_read_wallet(struct eth_address *out,
							     const struct eth_rpc_result *result);
__attribute__((warn_unused_result)) int registry_read_bool(bool *out, const struct eth_rpc_result *result);
/* *out is malloc'd and NUL-terminated; bytes as the contract holds them (may be any bytes, NUL included).
 * -EOVERFLOW over REGISTRY_URI_MAX. */
__attribute__((warn_unused_result)) int registry_read_uri(char **out, size_t *out_len,
							  const struct eth_rpc_result *result);

/* The id in the Registered event of a receipt of register(): the log of this registry with that topic.
 * -ENOENT no such log, -EBADMSG. */
__attribute__((warn_unused_result)) int registry_read_registered(struct u256 *id, const struct eth_address *registry,
								 const struct eth_rpc_receipt *receipt);

/* What a revert of the registry means and what to do next: a sentence for people ("the deadline has passed: …").
 * Covers the require texts and custom errors of facts §1.1; a text it does not know comes out as itself, escaped.
 * Always NUL-terminates; out_size at least 128. */
void registry_revert_text(char *out, size_t out_size, const uint8_t *data, size_t len);
/* The same revert as a short name for programs ("not-authorised", "expired", …; "reverted" for one it does not know),
 * and what to do next, a sentence. Both static, never NULL; `next` may be NULL in the call. */
const char *registry_revert_rule(const char **next, const uint8_t *data, size_t len);

/* The digest that the *new* wallet signs for setAgentWallet: EIP-712, domain
 * {"ERC8004IdentityRegistry","1",chainId,registry}, AgentWalletSet(uint256 agentId,address newWallet,address
 * owner,uint256 deadline); `owner` is the present owner. */
void registry_wallet_digest(struct eth_hash *out, const struct registry *registry, const struct u256 *id,
			    const struct eth_address *wallet, const struct eth_address *owner, uint64_t deadline);
