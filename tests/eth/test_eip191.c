/* personal_sign. */

#include "eth/eip191.h"

#include "eth/signature.h"

#include "vectors.h"

#include <stdlib.h>
#include <string.h>

static void known_digests(void **state)
{
	static const struct {
		const char *message, *digest;
	} cases[] = {{"", "5f35dce98ba4fba25530a026ed80b2cecdaa31091ba4958b99b52ea1d068adad"},
		     {"hello", "50b2c43fd39106bafbba0da34fc430e1f91e3c96ea2acee2bc34119f92b37750"},
		     {"\xe2\x82\xac unicode \xf0\x9f\x98\x80",
		      "7b27d0071694e5961ff2e5c9be35ddb4d129cbbbdd63ef18941abaf3ba3afc12"},
		     {"xxxxxxxxxx", "f1cb9ad6fc32f2b28b0925b6025faf5a43b3214a9a7f6c608396c44dfffe9d5f"}};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct eth_hash digest;
		eip191_digest(&digest, cases[i].message, strlen(cases[i].message));
		assert_hex_equal(digest.bytes, 32, cases[i].digest);
	}
}

static void generated(void **state)
{
	(void)state;
	json_t *root = vectors_load("generated/eip191_personal_sign.json"), *item;
	const uint8_t seed[32] = {7};
	struct signature_context *context = signature_context_new(seed);
	size_t i;
	json_array_foreach(json_object_get(root, "cases"), i, item)
	{
		struct bytes message = hex_bytes(text_of(item, "message_utf8_hex"));
		struct bytes wallet = hex_bytes(text_of(item, "signature"));
		struct eth_hash digest;
		struct eth_signature signature;
		struct eth_address address, signer;
		uint8_t key[32], out[SIGNATURE_SIZE];
		eip191_digest(&digest, message.data, message.len);
		assert_hex_equal(digest.bytes, 32, text_of(item, "hash"));
		assert_int_equal(address_parse(&address, text_of(item, "address"), 42), 0);
		assert_int_equal(signature_parse(&signature, wallet.data, wallet.len), 0);
		assert_int_equal(signature_recover(context, &signer, &signature, &digest), 0);
		assert_true(address_equal(&signer, &address));
		hex_fixed(key, 32, text_of(item, "key"));
		assert_int_equal(signature_sign(context, &signature, &digest, key), 0);
		signature_serialize(out, &signature);
		assert_int_equal(wallet.len, SIGNATURE_SIZE);
		assert_memory_equal(out, wallet.data, SIGNATURE_SIZE);
		free(message.data);
		free(wallet.data);
	}
	assert_int_equal(i, 53);
	print_message("generated eip191: %zu cases\n", i);
	signature_context_free(context);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(known_digests), cmocka_unit_test(generated)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
