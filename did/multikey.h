#pragma once

/* Multikey (Controlled Identifiers 1.0, section 2.2.2): a public key as multibase text of multicodec bytes. */

#include <stddef.h>
#include <stdint.h>

#define MULTIKEY_ED25519_SIZE 49 /* "z6Mk" ... 48 characters and NUL */
#define MULTIKEY_TEXT_SIZE 50	 /* any key read here: at most 49 characters and NUL */

enum multikey_type {
	MULTIKEY_ED25519,   /* 0xed01, 32 bytes; "z6Mk…" */
	MULTIKEY_SECP256K1, /* 0xe701, 33 bytes, compressed point; "zQ3s…" */
	MULTIKEY_P256,	    /* 0x8024, 33 bytes, compressed point; "zDna…" */
};

struct multikey {
	enum multikey_type type;
	size_t len;
	uint8_t bytes[33];
};

/* Reads "z" + base58btc(prefix + key) of the types above: the length is the type's, and a compressed point begins with 2 or 3.
 * That the point is on its curve is for whoever verifies with it to find out.
 *
 * Returns 0, -EBADMSG, or -EOPNOTSUPP (well-formed multibase of another type, or in another base). */
__attribute__((warn_unused_result)) int multikey_decode(struct multikey *out, const char *text, size_t len);

/* The reverse, NUL-terminated. Returns the length, or -EINVAL for a key that multikey_decode() would not give. */
__attribute__((warn_unused_result)) int multikey_encode(char out[static MULTIKEY_TEXT_SIZE], const struct multikey *key);

/* "z" + base58btc(0xed 0x01 + key). */
void multikey_ed25519(char out[static MULTIKEY_ED25519_SIZE], const uint8_t key[static 32]);
