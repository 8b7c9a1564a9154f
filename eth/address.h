#pragma once

/*
 * address: 20-byte account addresses, their texts, and the addresses contracts get.
 *
 * Source: EIP-55 (mixed-case checksum), EIP-1014 (CREATE2), Yellow Paper §7 (CREATE).
 */

#include "eth/keccak.h"

#include <stdbool.h>

/* "0x", 40 digits, terminator. */
#define ADDRESS_TEXT_SIZE 43

struct eth_address {
	uint8_t bytes[20];
};

/*
 * Reads "0x" and 40 hex digits: all of one letter case, or mixed exactly as EIP-55 says.
 * Returns 0, -EBADMSG (not the form), or -EILSEQ (mixed case with a wrong checksum: most likely a typing error).
 */
__attribute__((warn_unused_result)) int address_parse(struct eth_address *out, const char *text, size_t len);

void address_format_lower(char out[static ADDRESS_TEXT_SIZE], const struct eth_address *address);
void address_format_eip55(char out[static ADDRESS_TEXT_SIZE], const struct eth_address *address);

bool address_equal(const struct eth_address *a, const struct eth_address *b);
bool address_is_zero(const struct eth_address *address);

/* The address of the contract that `sender` creates with `nonce`: the last 20 bytes of keccak256(rlp([sender, nonce])).
 */
void address_create(struct eth_address *out, const struct eth_address *sender, uint64_t nonce);

/* The same for CREATE2: the last 20 bytes of keccak256(0xff ‖ deployer ‖ salt ‖ keccak256(init code)). */
void address_create2(struct eth_address *out, const struct eth_address *deployer, const struct eth_hash *salt,
		     const struct eth_hash *init_code_hash);
