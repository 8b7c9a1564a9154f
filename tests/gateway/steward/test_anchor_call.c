/* What the anchor duty signs equals the vectors of an independent program, and what it reads from the contract is read strictly. */
#include "gateway/steward/anchor_call.h"

#include "eth/hex.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void decode(uint8_t *out, size_t size, const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	char prefixed[256] = "0x";

	assert_non_null(text);
	strncat(prefixed, strncmp(text, "0x", 2) == 0 ? text + 2 : text, sizeof(prefixed) - 3);
	assert_int_equal(hex_decode_fixed(out, size, prefixed, strlen(prefixed)), 0);
}

static void digests_and_signatures(void **state)
{
	json_error_t why;
	json_auto_t *vectors = json_load_file(KEDGE_VECTORS "/anchor.json", 0, &why);
	const json_t *cases = json_object_get(vectors, "cases"), *one;
	const uint8_t seed[32] = {1};
	struct signature_context *context = signature_context_new(seed);
	uint8_t key[32], expected[65], bytes[65];
	size_t i;

	(void)state;
	assert_non_null(vectors);
	assert_true(json_array_size(cases) >= 5);
	decode(key, 32, vectors, "key");
	json_array_foreach((json_t *)(uintptr_t)cases, i, one)
	{
		const char *origin = json_string_value(json_object_get(one, "origin"));
		uint64_t size = strtoull(json_string_value(json_object_get(one, "size")), NULL, 10);
		struct anchor_contract contract = {.chain_id = (uint64_t)json_integer_value(json_object_get(one, "chainId"))};
		struct eth_signature signature;
		struct eth_hash digest;
		struct merkle_hash root;

		decode(contract.address.bytes, 20, one, "contract");
		decode(root.bytes, 32, one, "root");
		keccak256(&contract.origin_hash, origin, strlen(origin));
		anchor_digest(&digest, &contract, size, &root);
		decode(expected, 32, one, "digest");
		assert_memory_equal(digest.bytes, expected, 32);
		assert_int_equal(signature_sign(context, &signature, &digest, key), 0);
		signature_serialize(bytes, &signature);
		decode(expected, 65, one, "signature");
		assert_memory_equal(bytes, expected, 65);
	}
	signature_context_free(context);
}

static void calldata_has_its_room(void **state)
{
	struct merkle_hash root = {{1}}, proof[MERKLE_PROOF_MAX] = {0};
	uint8_t call[ANCHOR_CALL_MAX], authorisation[SIGNATURE_SIZE] = {0};
	size_t length;

	(void)state;
	assert_int_equal(anchor_call(call, sizeof(call), &length, 9, &root, proof, MERKLE_PROOF_MAX, authorisation), 0);
	assert_int_equal(length, sizeof(call));
	assert_int_equal(anchor_call(call, sizeof(call) - 1, &length, 9, &root, proof, MERKLE_PROOF_MAX, authorisation), -ENOSPC);
	assert_int_equal(anchor_call(call, sizeof(call), &length, 9, &root, NULL, 0, authorisation), 0);
	assert_int_equal(length, 4 + 32 * (4 + 1 + 1 + 3));
}

static int read_answer(const char *data)
{
	json_auto_t *value = json_string(data);
	struct eth_rpc_result result = {.outcome = ETH_RPC_OK, .value = value};
	struct merkle_hash root;
	uint64_t size;

	return anchor_read_head(&size, &root, &result);
}

static void heads_are_read_strictly(void **state)
{
	char good[2 + 128 + 1] = "0x", wide[2 + 128 + 1] = "0x", longer[2 + 192 + 1] = "0x";

	(void)state;
	memset(good + 2, '0', 128);
	good[2 + 63] = '7';
	assert_int_equal(read_answer(good), 0);
	memcpy(wide, good, sizeof(good));
	wide[2 + 40] = '1'; /* 2^92: no uint64 */
	assert_int_equal(read_answer(wide), -EBADMSG);
	memset(longer + 2, '0', 192);
	assert_int_equal(read_answer(longer), -EBADMSG);
	assert_int_equal(read_answer("0x"), -ENXIO);
	assert_int_equal(read_answer("0x00"), -EBADMSG);
	assert_int_equal(read_answer("zz"), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(digests_and_signatures), cmocka_unit_test(calldata_has_its_room),
					   cmocka_unit_test(heads_are_read_strictly)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
