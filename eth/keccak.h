#pragma once

/*
 * keccak: Keccak-256 as Ethereum uses it, which is not SHA3-256.
 *
 * Rate 136 bytes, capacity 512 bits, the padding of the Keccak submission (first byte 0x01, where FIPS 202 has 0x06).
 * The permutation is Nettle's; the sponge around it is ours, because Nettle offers only the FIPS padding.
 * Source: Yellow Paper, Appendix on KEC; "The Keccak SHA-3 submission", version 3, 2011.
 * Nothing here can fail.
 */

#include <nettle/sha3.h>
#include <stddef.h>
#include <stdint.h>

#define KECCAK_RATE 136

/* 32 bytes in the order in which they are written: a Keccak-256 hash, or any other Ethereum bytes32. */
struct eth_hash {
	uint8_t bytes[32];
};

/* A running hash. Copying the struct forks it. */
struct keccak {
	struct sha3_state state;
	uint8_t block[KECCAK_RATE];
	size_t used;
};

/* Hashes `len` bytes in one go. `data` may be NULL when `len` is 0. `out` may lie inside `data`. */
void keccak256(struct eth_hash *out, const void *data, size_t len);

void keccak_init(struct keccak *hash);
void keccak_update(struct keccak *hash, const void *data, size_t len);
/* Ends the hash; it must be initialised again before it is used again. */
void keccak_final(struct keccak *hash, struct eth_hash *out);
