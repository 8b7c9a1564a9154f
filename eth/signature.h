#pragma once

/*
 * signature: secp256k1 ECDSA over 32-byte digests, with recovery, by Ethereum's rules.
 *
 * Accepted: r and s in [1, n-1], s at most n/2 (EIP-2), v 27 or 28. libsecp256k1's own recovery accepts a high s, and
 * other software accepts v 0 and 1 or ERC-2098's 64 bytes; a signature that can be written in two ways is two byte strings
 * for one consent, so those are refused.
 * Signing is deterministic (RFC 6979, libsecp256k1's default nonce) and gives a low s.
 */

#include "eth/address.h"

#define SIGNATURE_SIZE 65
#define SIGNATURE_KEY_SIZE 32

/* r and s are 32 bytes, big-endian. `parity` is that of R's y coordinate, 0 or 1. */
struct eth_signature {
	uint8_t r[32];
	uint8_t s[32];
	uint8_t parity;
};

/* A secp256k1 context. Make one at start; it is read only afterwards, so threads may share it. */
struct signature_context;

/*
 * `seed` blinds signing against side channels; take it from a good random source. It is no key, and signatures do not
 * depend on it. Returns NULL when memory is short.
 */
struct signature_context *signature_context_new(const uint8_t seed[static 32]);
void signature_context_free(struct signature_context *context);

/*
 * Reads r ‖ s ‖ v, the 65 bytes wallets hand out.
 * Returns 0, -EBADMSG (not 65 bytes; v not 27 or 28; r or s zero, n or more) or -EKEYREJECTED (s above n/2).
 */
__attribute__((warn_unused_result)) int signature_parse(struct eth_signature *out, const uint8_t *bytes, size_t len);
/* The same rules for a signature that came in parts, as in a transaction; -EBADMSG also when parity is not 0 or 1. */
__attribute__((warn_unused_result)) int signature_check(const struct eth_signature *signature);
/* Writes r ‖ s ‖ v with v 27 or 28. */
void signature_serialize(uint8_t out[static SIGNATURE_SIZE], const struct eth_signature *signature);

/*
 * The address whose key made this signature over `digest`. Every valid-looking signature has one: compare it.
 * Returns 0, -EKEYREJECTED (no such key, or s above n/2) or -EBADMSG (as signature_check).
 */
__attribute__((warn_unused_result)) int signature_recover(const struct signature_context *context,
							  struct eth_address *out,
							  const struct eth_signature *signature,
							  const struct eth_hash *digest);

/* Returns 0 when `address` signed `digest`, otherwise as signature_recover, -EKEYREJECTED for another's signature. */
__attribute__((warn_unused_result)) int signature_verify(const struct signature_context *context,
							 const struct eth_signature *signature,
							 const struct eth_hash *digest,
							 const struct eth_address *address);

/* Returns 0, or -EINVAL (the key is zero, n or more). */
__attribute__((warn_unused_result)) int signature_sign(const struct signature_context *context,
						       struct eth_signature *out, const struct eth_hash *digest,
						       const uint8_t key[static SIGNATURE_KEY_SIZE]);

/* The address of a private key. Returns 0, or -EINVAL (the key is zero, n or more). */
__attribute__((warn_unused_result)) int signature_key_address(const struct signature_context *context,
							      struct eth_address *out,
							      const uint8_t key[static SIGNATURE_KEY_SIZE]);
