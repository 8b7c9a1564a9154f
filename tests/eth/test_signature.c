/* Signatures: what is accepted, what is not, and that signing is what the rest of the world computes. */

#include "eth/signature.h"

#include "vectors.h"

#include <errno.h>
#include <openssl/sha.h>
#include <secp256k1.h>
#include <stdlib.h>
#include <string.h>

static struct signature_context *context;

static int set_up(void **state)
{
	static const uint8_t seed[32] = {3};
	(void)state;
	context = signature_context_new(seed);
	return context == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	signature_context_free(context);
	return 0;
}

#define N "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
#define N_LESS_1 "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"
#define HALF "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0"
#define HALF_PLUS_1 "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define ONE "0000000000000000000000000000000000000000000000000000000000000001"
#define MOST "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static void parses_by_the_rules(void **state)
{
	static const struct {
		const char *hex, *why;
		int err;
	} cases[] = {{ONE ONE "1b", "least", 0},
		     {N_LESS_1 HALF "1c", "most", 0},
		     {ONE HALF_PLUS_1 "1b", "s above n/2", -EKEYREJECTED},
		     {ONE N_LESS_1 "1b", "s = n-1", -EKEYREJECTED},
		     {ZERO ONE "1b", "r = 0", -EBADMSG},
		     {ONE ZERO "1b", "s = 0", -EBADMSG},
		     {N ONE "1b", "r = n", -EBADMSG},
		     {ONE N "1b", "s = n", -EBADMSG},
		     {MOST ONE "1b", "r = 2^256-1", -EBADMSG},
		     {ONE MOST "1b", "s = 2^256-1", -EBADMSG},
		     {ONE ONE "00", "v = 0", -EBADMSG},
		     {ONE ONE "01", "v = 1", -EBADMSG},
		     {ONE ONE "1a", "v = 26", -EBADMSG},
		     {ONE ONE "1d", "v = 29", -EBADMSG},
		     {ONE ONE "ff", "v = 255", -EBADMSG},
		     {ONE ONE, "64 bytes", -EBADMSG},
		     {ONE ONE "1b00", "66 bytes", -EBADMSG},
		     {"", "nothing", -EBADMSG}};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bytes data = hex_bytes(cases[i].hex);
		struct eth_signature signature;
		int err = signature_parse(&signature, data.data, data.len);
		if (err != cases[i].err)
			fail_msg("%s gave %d", cases[i].why, err);
		if (err == 0) {
			uint8_t out[SIGNATURE_SIZE];
			signature_serialize(out, &signature);
			assert_memory_equal(out, data.data, sizeof(out));
		}
		free(data.data);
	}
}

static void signs_and_recovers(void **state)
{
	struct eth_hash digest;
	struct eth_address address, signer;
	struct eth_signature signature;
	uint8_t key[32] = {0};
	unsigned parities = 0;
	(void)state;
	for (uint8_t i = 1; i < 60; i++) {
		key[31] = i;
		keccak256(&digest, key, sizeof(key));
		assert_int_equal(signature_key_address(context, &address, key), 0);
		assert_int_equal(signature_sign(context, &signature, &digest, key), 0);
		assert_int_equal(signature_check(&signature), 0);
		assert_int_equal(signature_recover(context, &signer, &signature, &digest), 0);
		assert_true(address_equal(&address, &signer));
		assert_int_equal(signature_verify(context, &signature, &digest, &address), 0);
		parities |= 1u << signature.parity;
		/* Another digest, or the other parity, is another's signature. */
		digest.bytes[0] ^= 1;
		assert_int_equal(signature_verify(context, &signature, &digest, &address), -EKEYREJECTED);
		digest.bytes[0] ^= 1;
		signature.parity ^= 1;
		assert_int_equal(signature_verify(context, &signature, &digest, &address), -EKEYREJECTED);
	}
	assert_int_equal(parities, 3);
}

static void refuses_bad_keys(void **state)
{
	static const char *const bad[] = {ZERO, N, MOST};
	struct eth_hash digest = {{1}};
	struct eth_signature signature;
	struct eth_address address;
	uint8_t key[32];
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		hex_fixed(key, 32, bad[i]);
		assert_int_equal(signature_sign(context, &signature, &digest, key), -EINVAL);
		assert_int_equal(signature_key_address(context, &address, key), -EINVAL);
	}
	hex_fixed(key, 32, ONE);
	assert_int_equal(signature_key_address(context, &address, key), 0);
	assert_hex_equal(address.bytes, 20, "7e5f4552091a69125d5dfcb7b8c2659029395bdf");
}

/* An r that is no x coordinate of the curve has no key. */
static void refuses_r_off_the_curve(void **state)
{
	struct eth_signature signature = {.r = {[31] = 5}, .s = {[31] = 1}};
	struct eth_hash digest = {{1}};
	struct eth_address address;
	(void)state;
	assert_int_equal(signature_check(&signature), 0);
	assert_int_equal(signature_recover(context, &address, &signature, &digest), -EKEYREJECTED);
	assert_true(address_is_zero(&address));
	assert_int_equal(signature_verify(context, &signature, &digest, &address), -EKEYREJECTED);
	signature.parity = 2;
	assert_int_equal(signature_recover(context, &address, &signature, &digest), -EBADMSG);
	assert_int_equal(signature_verify(context, &signature, &digest, &address), -EBADMSG);
	signature_context_free(NULL);
}

static void generated_negatives(void **state)
{
	(void)state;
	json_t *root = vectors_load("generated/ecdsa_recover_negative.json"), *item;
	struct eth_address expected;
	struct eth_hash digest;
	size_t i, accepted = 0;
	assert_int_equal(address_parse(&expected, text_of(root, "address"), 42), 0);
	hex_fixed(digest.bytes, 32, text_of(root, "hash"));
	json_array_foreach(json_object_get(root, "cases"), i, item)
	{
		struct bytes data = hex_bytes(text_of(item, "signature"));
		struct eth_signature signature;
		int err = signature_parse(&signature, data.data, data.len);
		if (err == 0)
			err = signature_verify(context, &signature, &digest, &expected);
		/* Our rule: 27 and 28 only, and no ERC-2098; so of all these only the first is a signature. */
		bool accept = strcmp(text_of(item, "expect"), "accept") == 0;
		if ((err == 0) != accept)
			fail_msg("%s gave %d", text_of(item, "name"), err);
		accepted += err == 0;
		free(data.data);
	}
	assert_int_equal(i, 16);
	assert_int_equal(accepted, 1);
	print_message("generated ecdsa negatives: %zu cases\n", i);
	json_decref(root);
}

/*
 * BER is not ours to read: libsecp256k1 parses the DER, our range and low-s rule judges, and recovery must agree, but
 * for an R whose x is n or more: there `beyond` is counted, as Ethereum's v cannot say so and no wallet meets it.
 */
static bool wycheproof_accepts(size_t *beyond, const secp256k1_context *secp, const secp256k1_pubkey *key,
			       const struct bytes *point, const struct bytes *message, const struct bytes *der)
{
	secp256k1_ecdsa_signature parsed;
	struct eth_signature signature;
	struct eth_hash digest, point_hash;
	uint8_t compact[64];
	if (secp256k1_ecdsa_signature_parse_der(secp, &parsed, der->data, der->len) != 1)
		return false;
	secp256k1_ecdsa_signature_serialize_compact(secp, compact, &parsed);
	memcpy(signature.r, compact, 32);
	memcpy(signature.s, compact + 32, 32);
	SHA256(message->data, message->len, digest.bytes);
	bool recovered = false, checked = true;
	keccak256(&point_hash, point->data + 1, 64);
	for (uint8_t parity = 0; parity < 2; parity++) {
		struct eth_address signer;
		signature.parity = parity;
		checked = checked && signature_check(&signature) == 0;
		if (signature_recover(context, &signer, &signature, &digest) == 0)
			recovered = recovered || memcmp(signer.bytes, point_hash.bytes + 12, 20) == 0;
	}
	bool verified = checked && secp256k1_ecdsa_verify(secp, &parsed, digest.bytes, key) == 1;
	assert_true(!recovered || verified);
	*beyond += verified && !recovered ? 1 : 0;
	return verified;
}

static void wycheproof(void **state)
{
	(void)state;
	json_t *root = vectors_load("wycheproof/ecdsa_secp256k1_sha256_bitcoin_test.json.gz"), *group, *item;
	secp256k1_context *secp = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	size_t g, t, count = 0, valid = 0, beyond = 0;
	json_array_foreach(json_object_get(root, "testGroups"), g, group)
	{
		struct bytes point = hex_bytes(text_of(json_object_get(group, "publicKey"), "uncompressed"));
		secp256k1_pubkey key;
		assert_int_equal(secp256k1_ec_pubkey_parse(secp, &key, point.data, point.len), 1);
		json_array_foreach(json_object_get(group, "tests"), t, item)
		{
			struct bytes message = hex_bytes(text_of(item, "msg")), der = hex_bytes(text_of(item, "sig"));
			bool accepted = wycheproof_accepts(&beyond, secp, &key, &point, &message, &der);
			if (accepted != (strcmp(text_of(item, "result"), "valid") == 0))
				fail_msg("case %lld: %s", (long long)json_integer_value(json_object_get(item, "tcId")),
					 text_of(item, "comment"));
			valid += accepted;
			count++;
			free(message.data);
			free(der.data);
		}
		free(point.data);
	}
	assert_int_equal(count, json_integer_value(json_object_get(root, "numberOfTests")));
	print_message("wycheproof: %zu cases, %zu valid (%zu with R.x >= n)\n", count, valid, beyond);
	assert_int_equal(beyond, 1);
	secp256k1_context_destroy(secp);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_by_the_rules), cmocka_unit_test(signs_and_recovers),
		cmocka_unit_test(refuses_bad_keys),    cmocka_unit_test(refuses_r_off_the_curve),
		cmocka_unit_test(generated_negatives), cmocka_unit_test(wycheproof),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
