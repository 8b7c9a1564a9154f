/* What owners sign for hosted files: ethers' own hash of the typed data, names, and numbers that are times. */
#include "gateway/identity/hosted_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eth/hex.h"

static void the_digest_is_ethers(void **state)
{
	struct agent_key key = {.chain = 8453, .id = u256_from_u64(42)};
	struct hosted_file file = {.host = "kedge.example:8443", .key = &key, .name = "registration.json", .number = 1763650800123};
	char text[HEX_DATA_SIZE(32)];
	struct eth_hash digest;

	(void)state;
	assert_int_equal(address_parse(&key.registry, "0x8004a169fb4a3325136eb29fa0ceb6d2e539a432", 42), 0);
	memset(file.content, 0xab, sizeof(file.content));
	hosted_file_digest(&digest, &file);
	hex_encode_data(text, digest.bytes, 32);
	assert_string_equal(text, "0x377dceeb141d5ed89a05431ef947f4707b06952cad215343dc9dbf7259a3f81c");
}

static void the_typed_data_says_the_same(void **state)
{
	struct agent_key key = {.chain = 8453, .id = u256_from_u64(42)};
	struct hosted_file file = {.host = "h", .key = &key, .name = "n", .number = 7};
	json_t *json = hosted_file_json(&file);
	json_t *message = json_object_get(json, "message");

	(void)state;
	assert_non_null(json);
	assert_int_equal(json_array_size(json_object_get(json_object_get(json, "types"), "HostedFile")), 5);
	assert_string_equal(json_string_value(json_object_get(message, "number")), "7");
	assert_string_equal(json_string_value(json_object_get(message, "agent")),
			    "eip155:8453/erc721:0x0000000000000000000000000000000000000000/42");
	assert_string_equal(json_string_value(json_object_get(message, "content")),
			    "0x0000000000000000000000000000000000000000000000000000000000000000");
	json_decref(json);
}

static void names_are_plain(void **state)
{
	static const char *const good[] = {"a", "0", "registration.json", "a-b_c.d",
					   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	static const char *const bad[] = {"", ".", "..", ".hidden", "-a", "_a", "A", "a/b", "a b", "a%2f", "\xc3\xa9",
					  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(hosted_file_name_ok(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(hosted_file_name_ok(bad[i]));
}

static void numbers_are_times_of_now(void **state)
{
	const uint64_t now = 1763650800000;

	(void)state;
	assert_true(hosted_file_number_ok(now, now));
	assert_true(hosted_file_number_ok(now - HOSTED_FILE_BEHIND_MS, now));
	assert_true(hosted_file_number_ok(now + HOSTED_FILE_AHEAD_MS, now));
	assert_false(hosted_file_number_ok(now - HOSTED_FILE_BEHIND_MS - 1, now));
	assert_false(hosted_file_number_ok(now + HOSTED_FILE_AHEAD_MS + 1, now));
	assert_false(hosted_file_number_ok(0, now));
	assert_false(hosted_file_number_ok(UINT64_MAX, now));
	assert_false(hosted_file_number_ok(UINT64_MAX - 3, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_digest_is_ethers),
		cmocka_unit_test(the_typed_data_says_the_same),
		cmocka_unit_test(names_are_plain),
		cmocka_unit_test(numbers_are_times_of_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
