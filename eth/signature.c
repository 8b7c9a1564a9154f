/* ECDSA with recovery, on libsecp256k1, with Ethereum's narrower idea of a valid signature. */

#include "eth/signature.h"

#include <errno.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct signature_context {
	secp256k1_context *secp;
};

/* SEC 2, secp256k1: the order n of the base point, and n/2 rounded down. */
static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				  0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
				  0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
static const uint8_t half_order[32] = {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				       0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4,
				       0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0};

struct signature_context *signature_context_new(const uint8_t seed[static 32])
{
	struct signature_context *context = malloc(sizeof(*context));
	if (context == NULL)
		return NULL;
	context->secp = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	if (context->secp == NULL || secp256k1_context_randomize(context->secp, seed) != 1) {
		signature_context_free(context);
		return NULL;
	}
	return context;
}

void signature_context_free(struct signature_context *context)
{
	if (context == NULL)
		return;
	if (context->secp != NULL)
		secp256k1_context_destroy(context->secp);
	free(context);
}

static bool in_range(const uint8_t scalar[static 32])
{
	return !sodium_is_zero(scalar, 32) && memcmp(scalar, order, 32) < 0;
}

int signature_check(const struct eth_signature *signature)
{
	if (signature->parity > 1 || !in_range(signature->r) || !in_range(signature->s))
		return -EBADMSG;
	/* EIP-2: "All transaction signatures whose s-value is greater than secp256k1n/2 are now considered invalid." */
	return memcmp(signature->s, half_order, 32) <= 0 ? 0 : -EKEYREJECTED;
}

int signature_parse(struct eth_signature *out, const uint8_t *bytes, size_t len)
{
	memset(out, 0, sizeof(*out));
	if (len != SIGNATURE_SIZE || (bytes[64] != 27 && bytes[64] != 28))
		return -EBADMSG;
	memcpy(out->r, bytes, 32);
	memcpy(out->s, bytes + 32, 32);
	out->parity = (uint8_t)(bytes[64] - 27);
	return signature_check(out);
}

void signature_serialize(uint8_t out[static SIGNATURE_SIZE], const struct eth_signature *signature)
{
	memcpy(out, signature->r, 32);
	memcpy(out + 32, signature->s, 32);
	out[64] = (uint8_t)(27 + signature->parity);
}

static void public_key_address(const secp256k1_context *secp, struct eth_address *out, const secp256k1_pubkey *key)
{
	uint8_t point[65];
	size_t len = sizeof(point);
	struct eth_hash hash;
	secp256k1_ec_pubkey_serialize(secp, point, &len, key, SECP256K1_EC_UNCOMPRESSED);
	keccak256(&hash, point + 1, 64);
	memcpy(out->bytes, hash.bytes + 12, sizeof(out->bytes));
}

int signature_recover(const struct signature_context *context, struct eth_address *out,
		      const struct eth_signature *signature, const struct eth_hash *digest)
{
	memset(out, 0, sizeof(*out));
	int err = signature_check(signature);
	if (err != 0)
		return err;
	uint8_t compact[64];
	memcpy(compact, signature->r, 32);
	memcpy(compact + 32, signature->s, 32);
	secp256k1_ecdsa_recoverable_signature recoverable;
	secp256k1_pubkey key;
	if (secp256k1_ecdsa_recoverable_signature_parse_compact(context->secp, &recoverable, compact,
								signature->parity) != 1 ||
	    secp256k1_ecdsa_recover(context->secp, &key, &recoverable, digest->bytes) != 1)
		return -EKEYREJECTED;
	public_key_address(context->secp, out, &key);
	return 0;
}

int signature_verify(const struct signature_context *context, const struct eth_signature *signature,
		     const struct eth_hash *digest, const struct eth_address *address)
{
	struct eth_address signer;
	int err = signature_recover(context, &signer, signature, digest);
	if (err != 0)
		return err;
	return address_equal(&signer, address) ? 0 : -EKEYREJECTED;
}

int signature_sign(const struct signature_context *context, struct eth_signature *out, const struct eth_hash *digest,
		   const uint8_t key[static SIGNATURE_KEY_SIZE])
{
	secp256k1_ecdsa_recoverable_signature recoverable;
	uint8_t compact[64];
	int recovery_id;
	memset(out, 0, sizeof(*out));
	if (secp256k1_ecdsa_sign_recoverable(context->secp, &recoverable, digest->bytes, key, NULL, NULL) != 1)
		return -EINVAL;
	secp256k1_ecdsa_recoverable_signature_serialize_compact(context->secp, compact, &recovery_id, &recoverable);
	/* 2 and 3 mean that R's x was n or more, which Ethereum cannot write; the chance is about 2^-128. */
	if (recovery_id > 1)
		return -EINVAL;
	memcpy(out->r, compact, 32);
	memcpy(out->s, compact + 32, 32);
	out->parity = (uint8_t)recovery_id;
	return 0;
}

int signature_key_address(const struct signature_context *context, struct eth_address *out,
			  const uint8_t key[static SIGNATURE_KEY_SIZE])
{
	secp256k1_pubkey public_key;
	memset(out, 0, sizeof(*out));
	if (secp256k1_ec_pubkey_create(context->secp, &public_key, key) != 1)
		return -EINVAL;
	public_key_address(context->secp, out, &public_key);
	return 0;
}
