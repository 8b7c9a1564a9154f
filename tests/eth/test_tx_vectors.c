/* Transactions against ethers' random ones and against ethereum/tests' TransactionTests. */

#include "eth/tx.h"

#include "vectors.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct signature_context *context;

static int set_up(void **state)
{
	static const uint8_t seed[32] = {5};
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

/* ---- ethers ---- */

/* These are quantities but for leading zeros. */
static struct u256 quantity(const json_t *object, const char *name)
{
	char canonical[128];
	struct u256 value = u256_from_u64(0);
	const json_t *member = json_object_get(object, name);
	if (json_is_integer(member))
		return u256_from_u64((uint64_t)json_integer_value(member));
	if (member != NULL) {
		const char *digits = json_string_value(member) + 2;
		while (digits[0] == '0' && digits[1] != '\0')
			digits++;
		int len = snprintf(canonical, sizeof(canonical), "0x%s", digits);
		assert_int_equal(u256_parse_quantity(&value, canonical, (size_t)len), 0);
	}
	return value;
}

static uint64_t quantity_u64(const json_t *object, const char *name)
{
	struct u256 value = quantity(object, name);
	uint64_t out;
	assert_int_equal(u256_to_u64(&out, &value), 0);
	return out;
}

static size_t load_access_list(uint8_t *out, size_t size, const json_t *list)
{
	static struct eth_hash keys[1024];
	static struct tx_access entries[64];
	size_t count = json_array_size(list), used = 0, len;
	assert_true(count <= COUNT(entries));
	for (size_t i = 0; i < count; i++) {
		const json_t *entry = json_array_get(list, i), *slots = json_object_get(entry, "storageKeys");
		entries[i] = (struct tx_access){.keys = &keys[used], .key_count = json_array_size(slots)};
		hex_fixed(entries[i].address.bytes, 20, text_of(entry, "address"));
		assert_true(used + entries[i].key_count <= COUNT(keys));
		for (size_t k = 0; k < entries[i].key_count; k++)
			hex_fixed(keys[used++].bytes, 32, json_string_value(json_array_get(slots, k)));
	}
	assert_int_equal(tx_access_list(out, size, &len, entries, count), 0);
	return len;
}

struct tally {
	size_t checked, absent;
};

/* Checks one of the forms ("Legacy", "Eip155", "London") of a case. */
static void check_form(struct tally *tally, const json_t *item, const struct tx *tx, const char *form)
{
	char unsigned_name[32], signed_name[32];
	snprintf(unsigned_name, sizeof(unsigned_name), "unsigned%s", form);
	snprintf(signed_name, sizeof(signed_name), "signed%s", form);
	const char *expected = text_of(item, signed_name);
	if (*expected == '\0') {
		tally->absent++;
		return;
	}
	size_t size = tx_size_max(tx), len;
	uint8_t *raw = malloc(size), key[32];
	struct eth_hash digest;
	struct eth_signature signature, back_signature;
	struct eth_address sender, address;
	struct tx back;
	assert_int_equal(tx_encode_unsigned(raw, size, &len, tx), 0);
	assert_hex_equal(raw, len, text_of(item, unsigned_name));
	keccak256(&digest, raw, len);
	hex_fixed(key, 32, text_of(item, "privateKey"));
	assert_int_equal(signature_sign(context, &signature, &digest, key), 0);
	assert_int_equal(tx_encode_signed(raw, size, &len, tx, &signature), 0);
	assert_hex_equal(raw, len, expected);
	assert_int_equal(tx_decode(&back, &back_signature, raw, len), 0);
	assert_memory_equal(&signature, &back_signature, sizeof(signature));
	uint8_t *scratch = malloc(size);
	assert_int_equal(tx_sender(context, &sender, scratch, size, &back, &back_signature), 0);
	assert_int_equal(signature_key_address(context, &address, key), 0);
	assert_true(address_equal(&sender, &address));
	assert_int_equal(tx_encode_signed(scratch, size, &len, &back, &back_signature), 0);
	assert_hex_equal(scratch, len, expected);
	free(scratch);
	tally->checked++;
	free(raw);
}

static void check_ethers(struct tally *tally, size_t *out_of_scope, const json_t *item)
{
	static uint8_t list[65536];
	const json_t *json = json_object_get(item, "transaction");
	const char *to = json_string_value(json_object_get(json, "to"));
	const char *data_text = json_string_value(json_object_get(json, "data"));
	struct bytes data = hex_bytes(data_text == NULL ? "0x" : data_text);
	struct tx tx = {.nonce = quantity_u64(json, "nonce"),
			.gas_limit = quantity_u64(json, "gasLimit"),
			.creation = to == NULL,
			.value = quantity(json, "value"),
			.data = data.data,
			.data_len = data.len};
	if (to != NULL)
		assert_int_equal(address_parse(&tx.to, to, 42), 0);
	tx.type = TX_LEGACY;
	tx.max_fee = quantity(json, "gasPrice");
	check_form(tally, item, &tx, "Legacy");
	tx.chain_id = quantity_u64(json, "chainId");
	check_form(tally, item, &tx, "Eip155");
	tx.type = TX_DYNAMIC_FEE;
	tx.max_fee = quantity(json, "maxFeePerGas");
	tx.max_priority_fee = quantity(json, "maxPriorityFeePerGas");
	tx.access_list = list;
	tx.access_list_len = load_access_list(list, sizeof(list), json_object_get(json, "accessList"));
	check_form(tally, item, &tx, "London");
	free(data.data);
	/* Types 1 and 3 are not ours, and their raw forms must be refused as such. */
	static const char *const foreign[] = {"signedBerlin", "signedCancun"};
	for (size_t i = 0; i < COUNT(foreign); i++) {
		const char *text = text_of(item, foreign[i]);
		if (*text == '\0')
			continue;
		struct bytes raw = hex_bytes(text);
		struct eth_signature signature;
		struct tx ignored;
		assert_int_equal(tx_decode(&ignored, &signature, raw.data, raw.len), -ENOTSUP);
		free(raw.data);
		(*out_of_scope)++;
	}
}

static void ethers_transactions(void **state)
{
	(void)state;
	json_t *root = vectors_load("ethers/transactions.json.gz"), *item;
	struct tally tally = {0};
	size_t i, out_of_scope = 0;
	json_array_foreach(root, i, item)
	{
		check_ethers(&tally, &out_of_scope, item);
	}
	assert_int_equal(i, 3200);
	print_message("ethers transactions: %zu cases, %zu forms of types 0 and 2, %zu forms absent in the "
		      "vectors, out of scope (types 1 and 3): %zu\n",
		      i, tally.checked, tally.absent, out_of_scope);
	assert_true(tally.checked > 5000);
	json_decref(root);
}

/* ---- ethereum/tests ---- */

struct outcome {
	size_t cases, valid, out_of_scope;
};

/* 0 when the transaction is good on chain 1 and its hash and sender are as told. */
static int judge(const struct bytes *raw, const char *hash_text, const char *sender_text)
{
	struct tx tx;
	struct eth_signature signature;
	struct eth_address sender;
	struct eth_hash hash;
	int err = tx_decode(&tx, &signature, raw->data, raw->len);
	if (err != 0)
		return err;
	size_t size = tx_size_max(&tx), len;
	uint8_t *scratch = malloc(size);
	err = tx_sender(context, &sender, scratch, size, &tx, &signature);
	if (err == 0 && tx.chain_id > 1)
		err = -EPERM;
	if (err == 0 && hash_text != NULL) {
		keccak256(&hash, raw->data, raw->len);
		assert_hex_equal(hash.bytes, 32, hash_text);
		assert_hex_equal(sender.bytes, 20, sender_text);
		assert_int_equal(tx_encode_signed(scratch, size, &len, &tx, &signature), 0);
		assert_int_equal(len, raw->len);
		assert_memory_equal(scratch, raw->data, len);
	}
	free(scratch);
	return err;
}

static void check_transaction_test(struct outcome *outcome, const char *name, const json_t *item)
{
	const json_t *result = json_object_get(json_object_get(item, "result"), "Shanghai");
	if (result == NULL)
		result = json_object_get(json_object_get(item, "result"), "London");
	assert_non_null(result);
	const char *exception = json_string_value(json_object_get(result, "exception"));
	struct bytes raw = hex_bytes(text_of(item, "txbytes"));
	int err = judge(&raw, json_string_value(json_object_get(result, "hash")),
			json_string_value(json_object_get(result, "sender")));
	outcome->cases++;
	if (raw.len > 0 && raw.data[0] == 1) {
		/* EIP-2930's own type. */
		assert_int_equal(err, -ENOTSUP);
		outcome->out_of_scope++;
	} else if (exception == NULL) {
		if (err != 0)
			fail_msg("%s: valid, but gave %d", name, err);
		outcome->valid++;
	} else if (err == 0) {
		fail_msg("%s: %s, but was read", name, exception);
	}
	free(raw.data);
}

static void run_folder(struct outcome *outcome, const char *folder)
{
	char path[512];
	vectors_need();
	snprintf(path, sizeof(path), KEDGE_SHARED_VECTORS "/eth/ethereum-tests/TransactionTests/%s", folder);
	DIR *dir = opendir(path);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (strstr(entry->d_name, ".json") == NULL)
			continue;
		snprintf(path, sizeof(path), "ethereum-tests/TransactionTests/%.64s/%.128s", folder, entry->d_name);
		json_t *root = vectors_try(path), *item;
		const char *name;
		if (root == NULL) {
			/* One file of the set is cut off; its subject, intrinsic gas, is no part of reading anyway. */
			assert_string_equal(entry->d_name, "DataTestNotEnoughGAS.json");
			outcome->cases++;
			outcome->out_of_scope++;
			continue;
		}
		json_object_foreach(root, name, item)
		{
			check_transaction_test(outcome, name, item);
		}
		json_decref(root);
	}
	closedir(dir);
}

static void ethereum_tests(void **state)
{
	static const char *const folders[] = {"ttAddress", "ttData",	  "ttEIP1559", "ttEIP2930", "ttNonce",
					      "ttRSValue", "ttSignature", "ttVValue",  "ttWrongRLP"};
	struct outcome outcome = {0};
	(void)state;
	for (size_t i = 0; i < COUNT(folders); i++)
		run_folder(&outcome, folders[i]);
	print_message("ethereum-tests TransactionTests: %zu cases, %zu valid, out of scope: %zu\n", outcome.cases,
		      outcome.valid, outcome.out_of_scope);
	assert_true(outcome.valid > 0 && outcome.cases > outcome.valid + outcome.out_of_scope);
}

/* Without the shared folder: a transaction cut at every byte, and with every bit turned, is never the same transaction.
 */
static void no_other_bytes_are_the_same_transaction(void **state)
{
	static const char text[] =
		"02f87282210501830f42408401312d008255ed940000000000000000000000000000000000c0ffee87038d7ea4c6800080c001"
		"a0"
		"af4d495f96509296afca27dfa4135e339097f5884eba6969aaf45b8a56e40fe1a01528e0628520e2bed7a430ceb33f2ac02827"
		"0b5d4518103cb38343b8c1f50e26";
	(void)state;
	struct bytes raw = hex_bytes(text);
	struct eth_address sender, other;
	struct eth_signature signature;
	struct tx tx;
	uint8_t scratch[1024];
	size_t turned = 0;
	assert_int_equal(tx_decode(&tx, &signature, raw.data, raw.len), 0);
	assert_int_equal(tx_sender(context, &sender, scratch, sizeof(scratch), &tx, &signature), 0);
	assert_hex_equal(sender.bytes, 20, "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f");
	for (size_t len = 0; len < raw.len; len++) {
		uint8_t *cut = malloc(len > 0 ? len : 1);
		memcpy(cut, raw.data, len);
		assert_int_equal(tx_decode(&tx, &signature, cut, len), -EBADMSG);
		free(cut);
	}
	for (size_t bit = 0; bit < 8 * raw.len; bit++) {
		raw.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (tx_decode(&tx, &signature, raw.data, raw.len) == 0 &&
		    tx_sender(context, &other, scratch, sizeof(scratch), &tx, &signature) == 0) {
			assert_false(address_equal(&sender, &other));
			turned++;
		}
		raw.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(turned > 0);
	free(raw.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(no_other_bytes_are_the_same_transaction),
					   cmocka_unit_test(ethers_transactions), cmocka_unit_test(ethereum_tests)};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
