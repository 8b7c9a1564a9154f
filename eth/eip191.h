#pragma once

/* eip191: what personal_sign signs. Source: EIP-191, version 0x45 ('E'). */

#include "eth/keccak.h"

/* keccak256("\x19Ethereum Signed Message:\n" ‖ len in decimal ‖ message); `len` counts bytes, not characters. */
void eip191_digest(struct eth_hash *out, const void *message, size_t len);
