#pragma once

/* Multikey (Controlled Identifiers 1.0, section 2.2.2): a public key as multibase text of multicodec bytes. */

#include <stddef.h>
#include <stdint.h>

#define MULTIKEY_ED25519_SIZE 49 /* "z6Mk" ... 48 characters and NUL */

/* base58btc (Bitcoin alphabet; leading zero bytes become leading "1"), NUL-terminated. len at most 128.
 * Returns the length, -ENOSPC, or -EOVERFLOW for a longer input. */
__attribute__((warn_unused_result)) int base58btc_encode(char *out, size_t cap, const uint8_t *bytes, size_t len);

/* "z" + base58btc(0xed 0x01 + key). */
void multikey_ed25519(char out[static MULTIKEY_ED25519_SIZE], const uint8_t key[static 32]);
