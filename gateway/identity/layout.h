#pragma once
/* Where the IdentityRegistry 2.0.0 keeps what it knows, and how to read the words found there. Pure.
 *
 * Holds only for implementations whose code hash is accepted: behind a proxy the layout is the implementation's, and another
 * implementation may keep anything anywhere. Source: facts/erc8004.md §1.5; ERC-7201 (namespaces), EIP-1967 (implementation);
 * Solidity documentation, "Layout of State Variables in Storage". */
#include "eth/address.h"
#include "eth/keccak.h"
#include "eth/u256.h"
#include "gateway/identity/registry.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	LAYOUT_CODES_MAX = 16, /* implementations accepted at once */
	LAYOUT_DATA_SLOTS_MAX = REGISTRY_URI_MAX / 32,
};

/* keccak256 of the code of the IdentityRegistry implementation that this release knows (0x7274e874CA62410a93Bd8bf61c69d8045E399c02
 * on Base). */
extern const struct eth_hash layout_code_2_0_0;

/* Slots of one agent. `wallet` and `uri` hold strings in Solidity's packed form: layout_string_…. */
struct layout_slots {
	struct eth_hash owner, wallet, uri;
};
void layout_slots_of(struct layout_slots *out, const struct u256 *id);

/* EIP-1967: bytes32(uint256(keccak256("eip1967.proxy.implementation")) - 1). */
void layout_slot_implementation(struct eth_hash *out);
/* The i-th slot of a long string's bytes: keccak256(slot) + i. */
void layout_slot_data(struct eth_hash *out, const struct eth_hash *slot, size_t i);

/* Reading words. All return -EBADMSG for a word no compiler writes there (dirty bytes). */

/* An address in the low 20 bytes; zero is allowed and means none. */
__attribute__((warn_unused_result)) int layout_read_address(struct eth_address *out, const struct eth_hash *word);

/* The "agentWallet" metadata: empty (no wallet) or exactly 20 bytes, which are not the zero address. */
__attribute__((warn_unused_result)) int layout_read_wallet(struct eth_address *out, bool *has_wallet,
							   const struct eth_hash *word);

/* A string's length in bytes, and how many data slots follow it (0 for up to 31 bytes).
 * -EBADMSG also for a length below 32 in the long form; -EOVERFLOW above SIZE_MAX / 4. */
__attribute__((warn_unused_result)) int layout_string_length(size_t *len, size_t *slots, const struct eth_hash *word);

/* The bytes of a string: `slots` data words as layout_string_length() said, in order. -ENOSPC if longer than room. -EINVAL:
 * another number of words. -EBADMSG: bytes after the end are not zero. */
__attribute__((warn_unused_result)) int layout_string_read(uint8_t *out, size_t *len, size_t room, const struct eth_hash *word,
							   const struct eth_hash *data, size_t slots);

/* Reads code hashes as settings give them: 0x texts with spaces between, at most LAYOUT_CODES_MAX. An empty text is the one
 * known code. -EBADMSG, -EOVERFLOW. */
__attribute__((warn_unused_result)) int layout_codes_parse(struct eth_hash codes[static LAYOUT_CODES_MAX], size_t *n,
							   const char *text);
