/* Addresses: the EIP's own checksums, every way to be wrong, and the addresses of contracts. */

#include "eth/address.h"

#include "eth/signature.h"

#include "vectors.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* EIP-55, "Test Cases". */
static const char *const checksummed[] = {
	"0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
	"0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
	"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
	"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"};

static void check_texts(const char *right)
{
	struct eth_address address, again;
	char text[ADDRESS_TEXT_SIZE], other[ADDRESS_TEXT_SIZE];
	assert_int_equal(address_parse(&address, right, 42), 0);
	address_format_eip55(text, &address);
	assert_string_equal(text, right);
	address_format_lower(text, &address);
	for (size_t i = 0; i < 42; i++)
		other[i] = (char)tolower(right[i]);
	other[42] = '\0';
	assert_string_equal(text, other);
	assert_int_equal(address_parse(&again, other, 42), 0);
	assert_true(address_equal(&address, &again));
	for (size_t i = 2; i < 42; i++)
		other[i] = (char)toupper(right[i]);
	assert_int_equal(address_parse(&again, other, 42), 0);
	assert_true(address_equal(&address, &again));
}

/* Each letter in the other case: refused, unless that leaves all letters in one case. */
static void check_wrong_checksums(const char *right)
{
	char text[ADDRESS_TEXT_SIZE];
	for (size_t i = 2; i < 42; i++) {
		if (!isalpha(right[i]))
			continue;
		memcpy(text, right, sizeof(text));
		text[i] = (char)(isupper(right[i]) ? tolower(right[i]) : toupper(right[i]));
		bool lower = false, upper = false;
		for (size_t j = 2; j < 42; j++) {
			lower = lower || islower(text[j]);
			upper = upper || isupper(text[j]);
		}
		struct eth_address address;
		assert_int_equal(address_parse(&address, text, 42), lower && upper ? -EILSEQ : 0);
	}
}

/* Texts are kept by the first bytes of their address: many addresses that share those, in turn. */
static void texts_of_addresses_alike(void **state)
{
	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < sizeof(checksummed) / sizeof(checksummed[0]); i++) {
			struct eth_address address, zero = {0};
			char text[ADDRESS_TEXT_SIZE];
			assert_int_equal(address_parse(&address, checksummed[i], 42), 0);
			for (unsigned last = 0; last < 256; last++) {
				char lower[ADDRESS_TEXT_SIZE];
				struct eth_hash hash;
				address.bytes[19] = (uint8_t)last;
				address_format_lower(lower, &address);
				keccak256(&hash, lower + 2, 40);
				for (size_t at = 0; at < 40; at++)
					if (hash.bytes[at / 2] >> (at % 2 == 0 ? 4 : 0) & 8)
						lower[2 + at] = (char)toupper(lower[2 + at]);
				address_format_eip55(text, &address);
				assert_string_equal(text, lower);
			}
			address_format_eip55(text, &zero);
			assert_string_equal(text, "0x0000000000000000000000000000000000000000");
		}
	}
}

static void eip55_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(checksummed); i++) {
		check_texts(checksummed[i]);
		check_wrong_checksums(checksummed[i]);
	}
}

static void refuses_other_forms(void **state)
{
	static const char *const bad[] = {"",
					  "0x",
					  "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
					  "0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
					  "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
					  "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaedd",
					  "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed00",
					  "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg",
					  " 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
					  "XE21ERF4STLB4CJC4UJJTZHGOOGJLHSGKIN"};
	struct eth_address address;
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(address_parse(&address, bad[i], strlen(bad[i])), -EBADMSG);
}

static void zero_is_an_address(void **state)
{
	struct eth_address address;
	(void)state;
	assert_int_equal(address_parse(&address, "0x0000000000000000000000000000000000000000", 42), 0);
	assert_true(address_is_zero(&address));
	address.bytes[19] = 1;
	assert_false(address_is_zero(&address));
}

static void assert_eip55(const struct eth_address *address, const char *expected)
{
	char text[ADDRESS_TEXT_SIZE];
	address_format_eip55(text, address);
	assert_string_equal(text, expected);
}

/* EIP-1014, "Examples", and the first contracts of a well-known deployer. */
static void contract_addresses(void **state)
{
	static const struct {
		const char *deployer, *salt, *code, *address;
	} cases[] = {{"0x0000000000000000000000000000000000000000",
		      "0x0000000000000000000000000000000000000000000000000000000000000000", "0x00",
		      "0x4D1A2e2bB4F88F0250f26Ffff098B0b30B26BF38"},
		     {"0xdeadbeef00000000000000000000000000000000",
		      "0x0000000000000000000000000000000000000000000000000000000000000000", "0x00",
		      "0xB928f69Bb1D91Cd65274e3c79d8986362984fDA3"},
		     {"0x00000000000000000000000000000000deadbeef",
		      "0x00000000000000000000000000000000000000000000000000000000cafebabe", "0xdeadbeef",
		      "0x60f3f640a8508fC6a86d45DF051962668E1e8AC7"},
		     {"0x0000000000000000000000000000000000000000",
		      "0x0000000000000000000000000000000000000000000000000000000000000000", "0x",
		      "0xE33C0C7F7df4809055C3ebA6c09CFe4BaF1BD9e0"}};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct eth_address deployer, address;
		struct eth_hash salt, hash;
		struct bytes code = hex_bytes(cases[i].code);
		hex_fixed(deployer.bytes, 20, cases[i].deployer);
		hex_fixed(salt.bytes, 32, cases[i].salt);
		keccak256(&hash, code.data, code.len);
		address_create2(&address, &deployer, &salt, &hash);
		assert_eip55(&address, cases[i].address);
		free(code.data);
	}
	struct eth_address sender, address;
	hex_fixed(sender.bytes, 20, "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0");
	address_create(&address, &sender, 0);
	assert_hex_equal(address.bytes, 20, "0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d");
	address_create(&address, &sender, 1);
	assert_hex_equal(address.bytes, 20, "0x343c43a37d37dff08ae8c4a11544c718abb4fcf8");
	/* The longest nonce there is still fits the buffer inside. */
	address_create(&address, &sender, UINT64_MAX);
	assert_false(address_is_zero(&address));
}

static void ethers_accounts(void **state)
{
	(void)state;
	json_t *root = vectors_load("ethers/accounts.json.gz"), *item;
	const uint8_t seed[32] = {1};
	struct signature_context *context = signature_context_new(seed);
	size_t i, keys = 0;
	json_array_foreach(root, i, item)
	{
		check_texts(text_of(item, "address"));
		const char *key_text = json_string_value(json_object_get(item, "privateKey"));
		if (key_text == NULL || *key_text == '\0')
			continue;
		uint8_t key[32];
		struct eth_address address;
		hex_fixed(key, 32, key_text);
		assert_int_equal(signature_key_address(context, &address, key), 0);
		assert_eip55(&address, text_of(item, "address"));
		keys++;
	}
	assert_true(keys > 0);
	print_message("ethers accounts: %zu cases, %zu with keys\n", i, keys);
	signature_context_free(context);
	json_decref(root);
}

static void ethereum_tests_keys(void **state)
{
	(void)state;
	json_t *root = vectors_load("ethereum-tests/BasicTests/keyaddrtest.json"), *item;
	const uint8_t seed[32] = {1};
	struct signature_context *context = signature_context_new(seed);
	size_t i;
	json_array_foreach(root, i, item)
	{
		uint8_t key[32];
		struct eth_address address;
		hex_fixed(key, 32, text_of(item, "key"));
		assert_int_equal(signature_key_address(context, &address, key), 0);
		assert_hex_equal(address.bytes, 20, text_of(item, "addr"));
	}
	assert_int_equal(i, 2);
	print_message("ethereum-tests keyaddrtest: %zu cases\n", i);
	signature_context_free(context);
	json_decref(root);
}

static void ethers_create(void **state)
{
	(void)state;
	json_t *root = vectors_load("ethers/create.json.gz"), *item, *creation;
	size_t i, j, count = 0;
	json_array_foreach(root, i, item)
	{
		struct eth_address sender, address;
		assert_int_equal(address_parse(&sender, text_of(item, "sender"), 42), 0);
		json_array_foreach(json_object_get(item, "creates"), j, creation)
		{
			json_int_t nonce = json_integer_value(json_object_get(creation, "nonce"));
			address_create(&address, &sender, (uint64_t)nonce);
			assert_eip55(&address, text_of(creation, "address"));
			count++;
		}
	}
	assert_true(count > 0);
	print_message("ethers create: %zu cases\n", count);
	json_decref(root);
}

static void ethers_create2(void **state)
{
	(void)state;
	json_t *root = vectors_load("ethers/create2.json.gz"), *item, *creation;
	size_t i, j, count = 0;
	json_array_foreach(root, i, item)
	{
		struct eth_address sender, address;
		assert_int_equal(address_parse(&sender, text_of(item, "sender"), 42), 0);
		json_array_foreach(json_object_get(item, "creates"), j, creation)
		{
			struct eth_hash salt, hash;
			struct bytes code = hex_bytes(text_of(creation, "initCode"));
			hex_fixed(salt.bytes, 32, text_of(creation, "salt"));
			keccak256(&hash, code.data, code.len);
			assert_hex_equal(hash.bytes, 32, text_of(creation, "initCodeHash"));
			address_create2(&address, &sender, &salt, &hash);
			assert_eip55(&address, text_of(creation, "address"));
			free(code.data);
			count++;
		}
	}
	assert_true(count > 0);
	print_message("ethers create2: %zu cases\n", count);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eip55_texts), cmocka_unit_test(texts_of_addresses_alike),	       cmocka_unit_test(refuses_other_forms),
		cmocka_unit_test(zero_is_an_address),  cmocka_unit_test(contract_addresses),
		cmocka_unit_test(ethereum_tests_keys), cmocka_unit_test(ethers_accounts),
		cmocka_unit_test(ethers_create),       cmocka_unit_test(ethers_create2),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
