/* Transactions: known ones made byte for byte, and read back; every refusal of the reader as data. */

#include "eth/tx.h"

#include "eth/rlp.h"

#include "vectors.h"

#include <errno.h>
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

static void assert_u256(const struct u256 *a, const struct u256 *b)
{
	assert_int_equal(u256_cmp(a, b), 0);
}

static void assert_same(const struct tx *a, const struct tx *b)
{
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->chain_id, b->chain_id);
	assert_int_equal(a->nonce, b->nonce);
	assert_int_equal(a->gas_limit, b->gas_limit);
	assert_u256(&a->max_fee, &b->max_fee);
	assert_u256(&a->max_priority_fee, &b->max_priority_fee);
	assert_u256(&a->value, &b->value);
	assert_int_equal(a->creation, b->creation);
	assert_true(a->creation || address_equal(&a->to, &b->to));
	assert_int_equal(a->data_len, b->data_len);
	assert_memory_equal(a->data, b->data, a->data_len);
}

/* EIP-155, "Example". */
static void the_example_of_eip155(void **state)
{
	struct tx tx = {.type = TX_LEGACY,
			.chain_id = 1,
			.nonce = 9,
			.max_fee = u256_from_u64(20000000000),
			.gas_limit = 21000,
			.value = u256_from_u64(1000000000000000000)};
	struct eth_hash hash;
	struct tx back;
	struct eth_signature signature;
	struct eth_address sender, expected;
	uint8_t out[512], key[32];
	size_t len;
	(void)state;
	memset(tx.to.bytes, 0x35, 20);
	memset(key, 0x46, 32);
	assert_true(tx_size_max(&tx) <= sizeof(out));
	assert_int_equal(tx_encode_unsigned(out, sizeof(out), &len, &tx), 0);
	assert_hex_equal(out, len,
			 "ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080");
	assert_int_equal(tx_signing_hash(&hash, out, sizeof(out), &tx), 0);
	assert_hex_equal(hash.bytes, 32, "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53");
	assert_int_equal(tx_sign(context, out, sizeof(out), &len, &hash, &tx, key), 0);
	assert_hex_equal(out, len,
			 "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080"
			 "25a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"
			 "a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83");
	assert_int_equal(tx_decode(&back, &signature, out, len), 0);
	assert_same(&tx, &back);
	uint8_t scratch[512];
	assert_int_equal(tx_sender(context, &sender, scratch, sizeof(scratch), &back, &signature), 0);
	assert_int_equal(signature_key_address(context, &expected, key), 0);
	assert_true(address_equal(&sender, &expected));
}

/* The members of one good type 2 transaction, in order, as RLP in hex. */
static const char *const members[12] = {"822105",
					"05",
					"64",
					"8203e8",
					"825208",
					"940000000000000000000000000000000000c0ffee",
					"01",
					"821234",
					"c0",
					"01",
					"a0af4d495f96509296afca27dfa4135e339097f5884eba6969aaf45b8a56e40fe1",
					"a01528e0628520e2bed7a430ceb33f2ac028270b5d4518103cb38343b8c1f50e26"};
/* And of one good type 0 transaction. */
static const char *const legacy_members[9] = {"09",
					      "8504a817c800",
					      "825208",
					      "943535353535353535353535353535353535353535",
					      "880de0b6b3a7640000",
					      "80",
					      "25",
					      "a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276",
					      "a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"};

/* Joins members into a transaction; `instead` stands in for the one at `index`, and count may leave out the last. */
static int decode_with(struct tx *tx, const char *const *parts, size_t count, size_t index, const char *instead)
{
	uint8_t out[1024];
	struct rlp_writer writer;
	struct eth_signature signature;
	size_t len;
	rlp_writer_init(&writer, out, sizeof(out));
	if (parts == members)
		rlp_put_encoded(&writer, "\x02", 1);
	size_t mark = rlp_list_begin(&writer);
	for (size_t i = 0; i < count; i++) {
		struct bytes bytes = hex_bytes(i == index ? instead : parts[i]);
		rlp_put_encoded(&writer, bytes.data, bytes.len);
		free(bytes.data);
	}
	rlp_list_end(&writer, mark);
	assert_int_equal(rlp_writer_finish(&writer, &len), 0);
	uint8_t *exact = malloc(len);
	memcpy(exact, out, len);
	int err = tx_decode(tx, &signature, exact, len);
	free(exact);
	return err;
}

#define NONE 99
#define KEY32                                                                                                          \
	"a0"                                                                                                           \
	"1111111111111111111111111111111111111111111111111111111111111111"
#define ADDRESS20                                                                                                      \
	"94"                                                                                                           \
	"2222222222222222222222222222222222222222"

static void refuses_bad_members(void **state)
{
	static const struct {
		size_t index;
		const char *instead;
		int err;
	} cases[] = {
		{NONE, "", 0},
		{0, "80", 0},
		{0, "00", -EBADMSG},
		{0, "820001", -EBADMSG},
		{0, "88ffffffffffffffff", -EOVERFLOW},
		{0, "89010000000000000000", -EOVERFLOW},
		{1, "80", 0},
		{1, "00", -EBADMSG},
		{1, "88fffffffffffffffe", 0},
		{1, "88ffffffffffffffff", -EBADMSG},
		{1, "89010000000000000000", -EOVERFLOW},
		{2, "8203e8", 0},
		{2, "8203e9", -EBADMSG},
		{2, "820064", -EBADMSG},
		{3, "63", -EBADMSG},
		{3, "64", 0},
		{3, "a1010000000000000000000000000000000000000000000000000000000000000000", -EOVERFLOW},
		{3, "a0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", -EBADMSG},
		{4, "80", 0},
		{4, "89010000000000000000", -EOVERFLOW},
		{5, "80", 0},
		{5,
		 "93"
		 "22222222222222222222222222222222222222",
		 -EBADMSG},
		{5,
		 "95"
		 "222222222222222222222222222222222222222222",
		 -EBADMSG},
		{5, "c0", -EBADMSG},
		{6, "80", 0},
		{6, "00", -EBADMSG},
		{6, "a1010000000000000000000000000000000000000000000000000000000000000000", -EOVERFLOW},
		{7, "80", 0},
		{7, "00", 0},
		{7, "c0", -EBADMSG},
		{7, "8100", -EBADMSG},
		{8, "80", -EBADMSG},
		{8, "c180", -EBADMSG},
		{8, "c1c0", -EBADMSG},
		{8, "d7d6" ADDRESS20 "c0", 0},
		{8, "d6d5" ADDRESS20, -EBADMSG},
		{8, "d7d6" ADDRESS20 "80", -EBADMSG},
		{8, "d8d7" ADDRESS20 "c0c0", -EBADMSG},
		{8, "f838f7" ADDRESS20 "e1" KEY32, 0},
		{8,
		 "f837f6" ADDRESS20 "e09f"
		 "11111111111111111111111111111111111111111111111111111111111111",
		 -EBADMSG},
		{8,
		 "d6d593"
		 "22222222222222222222222222222222222222"
		 "c0",
		 -EBADMSG},
		{9, "80", 0},
		{9, "02", -EBADMSG},
		{9, "1b", -EBADMSG},
		{9, "00", -EBADMSG},
		{10, "80", -EBADMSG},
		{10, "a0fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", -EBADMSG},
		{10, "a000000000000000000000000000000000000000000000000000000000000000aa", -EBADMSG},
		{10, "a1010000000000000000000000000000000000000000000000000000000000000000", -EOVERFLOW},
		{11, "80", -EBADMSG},
		{11, "a07fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0", 0},
		{11, "a07fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1", -EKEYREJECTED},
		{11, "a0fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", -EBADMSG},
	};
	struct tx tx;
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int err = decode_with(&tx, members, 12, cases[i].index, cases[i].instead);
		if (err != cases[i].err)
			fail_msg("member %zu as %s gave %d", cases[i].index, cases[i].instead, err);
	}
	assert_int_equal(decode_with(&tx, members, 11, NONE, ""), -EBADMSG);
	assert_int_equal(decode_with(&tx, members, 12, 11, "0101"), -EBADMSG);
	assert_int_equal(decode_with(&tx, members, 0, NONE, ""), -EBADMSG);
}

static void refuses_bad_legacy_members(void **state)
{
	static const struct {
		const char *v;
		int err;
		uint64_t chain_id;
	} cases[] = {{"1b", 0, 0},
		     {"1c", 0, 0},
		     {"25", 0, 1},
		     {"26", 0, 1},
		     {"82422d", 0, 8453},
		     {"82422e", 0, 8453},
		     {"88ffffffffffffffff", -EOVERFLOW, 0},
		     {"89010000000000000000", -EOVERFLOW, 0},
		     {"80", -EBADMSG, 0},
		     {"01", -EBADMSG, 0},
		     {"1a", -EBADMSG, 0},
		     {"1d", -EBADMSG, 0},
		     {"22", -EBADMSG, 0},
		     {"23", -EBADMSG, 0},
		     {"24", -EBADMSG, 0},
		     {"820025", -EBADMSG, 0},
		     {"00", -EBADMSG, 0}};
	struct tx tx;
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int err = decode_with(&tx, legacy_members, 9, 6, cases[i].v);
		if (err != cases[i].err)
			fail_msg("v %s gave %d", cases[i].v, err);
		if (err == 0)
			assert_int_equal(tx.chain_id, cases[i].chain_id);
	}
	assert_int_equal(decode_with(&tx, legacy_members, 8, NONE, ""), -EBADMSG);
	assert_int_equal(decode_with(&tx, legacy_members, 6, NONE, ""), -EBADMSG);
}

static void refuses_other_envelopes(void **state)
{
	static const struct {
		const char *hex;
		int err;
	} cases[] = {{"", -EBADMSG},	 {"01c0", -ENOTSUP}, {"03c0", -ENOTSUP}, {"04c0", -ENOTSUP}, {"7ec0", -ENOTSUP},
		     {"00c0", -ENOTSUP}, {"80", -EBADMSG},   {"b800", -EBADMSG}, {"02", -EBADMSG},   {"0280", -EBADMSG},
		     {"02c0", -EBADMSG}, {"c0", -EBADMSG},   {"c000", -EBADMSG}, {"02ff", -EBADMSG}};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bytes data = hex_bytes(cases[i].hex);
		struct eth_signature signature;
		struct tx tx;
		int err = tx_decode(&tx, &signature, data.data, data.len);
		if (err != cases[i].err)
			fail_msg("%s gave %d", cases[i].hex, err);
		free(data.data);
	}
}

static void refuses_to_sign_what_must_not_be_sent(void **state)
{
	struct tx good = {.type = TX_DYNAMIC_FEE,
			  .chain_id = 8453,
			  .max_priority_fee = u256_from_u64(1),
			  .max_fee = u256_from_u64(1),
			  .gas_limit = 21000};
	struct tx tx = good;
	struct eth_hash hash;
	uint8_t raw[512], key[32] = {1}, zero[32] = {0};
	size_t len;
	(void)state;
	assert_int_equal(tx_sign(context, raw, sizeof(raw), &len, &hash, &tx, key), 0);
	for (size_t size = 0; size < len; size++) {
		size_t other;
		assert_int_equal(tx_sign(context, raw, size, &other, &hash, &tx, key), -ENOSPC);
	}
	assert_int_equal(tx_sign(context, raw, sizeof(raw), &len, &hash, &tx, zero), -EINVAL);
	tx.chain_id = 0;
	assert_int_equal(tx_sign(context, raw, sizeof(raw), &len, &hash, &tx, key), -EINVAL);
	tx.chain_id = TX_CHAIN_ID_MAX;
	assert_int_equal(tx_sign(context, raw, sizeof(raw), &len, &hash, &tx, key), 0);
	tx.type = TX_LEGACY;
	assert_int_equal(tx_sign(context, raw, sizeof(raw), &len, &hash, &tx, key), 0);
	tx.chain_id = TX_CHAIN_ID_MAX + 1;
	assert_int_equal(tx_sign(context, raw, sizeof(raw), &len, &hash, &tx, key), -EINVAL);
	tx = good;
	tx.max_priority_fee = u256_from_u64(2);
	assert_int_equal(tx_sign(context, raw, sizeof(raw), &len, &hash, &tx, key), -EINVAL);
	tx = good;
	tx.max_fee.limb[3] = UINT64_MAX;
	assert_int_equal(tx_sign(context, raw, sizeof(raw), &len, &hash, &tx, key), -EINVAL);
	tx = good;
	tx.nonce = UINT64_MAX;
	assert_int_equal(tx_sign(context, raw, sizeof(raw), &len, &hash, &tx, key), -EINVAL);
	tx = good;
	tx.access_list = (const uint8_t *)"\xc1\x80";
	tx.access_list_len = 2;
	assert_int_equal(tx_sign(context, raw, sizeof(raw), &len, &hash, &tx, key), -EINVAL);
	tx.access_list = (const uint8_t *)"\xc0";
	tx.access_list_len = 1;
	assert_int_equal(tx_sign(context, raw, sizeof(raw), &len, &hash, &tx, key), 0);
	tx.type = TX_LEGACY;
	assert_int_equal(tx_sign(context, raw, sizeof(raw), &len, &hash, &tx, key), -EINVAL);
}

/* Access lists made by tx_access_list survive the way out and back. */
static void access_lists(void **state)
{
	struct eth_hash keys[3];
	struct tx_access entries[2] = {{.keys = keys, .key_count = 3}, {.keys = NULL, .key_count = 0}};
	uint8_t list[256], raw[768], key[32] = {1};
	struct tx tx = {.type = TX_DYNAMIC_FEE, .chain_id = 1, .creation = true}, back;
	struct eth_signature signature;
	struct eth_hash hash;
	size_t len;
	(void)state;
	memset(keys, 7, sizeof(keys));
	assert_int_equal(tx_access_list(list, sizeof(list), &tx.access_list_len, entries, 2), 0);
	tx.access_list = list;
	assert_int_equal(tx_access_list(raw, tx.access_list_len - 1, &len, entries, 2), -ENOSPC);
	assert_true(tx_size_max(&tx) <= sizeof(raw));
	assert_int_equal(tx_sign(context, raw, sizeof(raw), &len, &hash, &tx, key), 0);
	assert_int_equal(tx_decode(&back, &signature, raw, len), 0);
	assert_same(&tx, &back);
	assert_int_equal(back.access_list_len, tx.access_list_len);
	assert_memory_equal(back.access_list, list, tx.access_list_len);
}

/* ---- generated vectors ---- */

static struct u256 decimal(const json_t *object, const char *name)
{
	struct u256 value = u256_from_u64(0);
	const json_t *member = json_object_get(object, name);
	if (json_is_integer(member))
		return u256_from_u64((uint64_t)json_integer_value(member));
	if (member != NULL) {
		const char *text = json_string_value(member);
		assert_int_equal(u256_parse_decimal(&value, text, strlen(text)), 0);
	}
	return value;
}

static uint64_t decimal_u64(const json_t *object, const char *name)
{
	struct u256 value = decimal(object, name);
	uint64_t out;
	assert_int_equal(u256_to_u64(&out, &value), 0);
	return out;
}

static struct bytes load_access_list(const json_t *list)
{
	static struct eth_hash keys[4096];
	static struct tx_access entries[256];
	size_t count = json_array_size(list), used = 0, len;
	assert_true(count <= COUNT(entries));
	for (size_t i = 0; i < count; i++) {
		const json_t *entry = json_array_get(list, i), *slots = json_object_get(entry, "storageKeys");
		entries[i] = (struct tx_access){.keys = &keys[used], .key_count = json_array_size(slots)};
		hex_fixed(entries[i].address.bytes, 20, text_of(entry, "address"));
		for (size_t k = 0; k < entries[i].key_count; k++)
			hex_fixed(keys[used++].bytes, 32, json_string_value(json_array_get(slots, k)));
		assert_true(used <= COUNT(keys));
	}
	struct bytes out = {.data = malloc(100 * count + 40 * used + 16)};
	assert_int_equal(tx_access_list(out.data, 100 * count + 40 * used + 16, &len, entries, count), 0);
	out.len = len;
	return out;
}

static void check_generated(const json_t *item)
{
	const json_t *json = json_object_get(item, "tx");
	const char *to = json_string_value(json_object_get(json, "to"));
	bool legacy = json_integer_value(json_object_get(json, "type")) == 0;
	struct bytes data = hex_bytes(text_of(json, "data"));
	struct bytes list = load_access_list(json_object_get(json, "accessList"));
	struct tx back, tx = {.type = legacy ? TX_LEGACY : TX_DYNAMIC_FEE,
			      .chain_id = decimal_u64(json, "chainId"),
			      .nonce = decimal_u64(json, "nonce"),
			      .max_priority_fee = decimal(json, "maxPriorityFeePerGas"),
			      .max_fee = decimal(json, legacy ? "gasPrice" : "maxFeePerGas"),
			      .gas_limit = decimal_u64(json, "gasLimit"),
			      .creation = to == NULL,
			      .value = decimal(json, "value"),
			      .data = data.data,
			      .data_len = data.len,
			      .access_list = list.data,
			      .access_list_len = legacy ? 0 : list.len};
	if (to != NULL)
		assert_int_equal(address_parse(&tx.to, to, 42), 0);
	size_t size = tx_size_max(&tx), len;
	uint8_t *raw = malloc(size), *scratch = malloc(size), key[32];
	struct eth_hash hash;
	struct eth_signature signature;
	struct eth_address sender, from;
	hex_fixed(key, 32, text_of(item, "key"));
	assert_int_equal(address_parse(&from, text_of(item, "from"), 42), 0);
	assert_int_equal(tx_encode_unsigned(raw, size, &len, &tx), 0);
	assert_hex_equal(raw, len, text_of(item, "unsigned"));
	assert_int_equal(tx_signing_hash(&hash, raw, size, &tx), 0);
	assert_hex_equal(hash.bytes, 32, text_of(item, "signing_hash"));
	assert_int_equal(tx_sign(context, raw, size, &len, &hash, &tx, key), 0);
	assert_hex_equal(raw, len, text_of(item, "raw"));
	assert_hex_equal(hash.bytes, 32, text_of(item, "hash"));
	assert_int_equal(tx_decode(&back, &signature, raw, len), 0);
	assert_same(&tx, &back);
	assert_int_equal(signature.parity, json_integer_value(json_object_get(item, "yParity")));
	assert_int_equal(tx_sender(context, &sender, scratch, size, &back, &signature), 0);
	assert_true(address_equal(&sender, &from));
	if (json_object_get(item, "createAddress") != NULL) {
		struct eth_address created;
		char text[ADDRESS_TEXT_SIZE];
		address_create(&created, &from, tx.nonce);
		address_format_eip55(text, &created);
		assert_string_equal(text, text_of(item, "createAddress"));
	}
	free(raw);
	free(scratch);
	free(data.data);
	free(list.data);
}

static void generated(void **state)
{
	(void)state;
	json_t *root = vectors_load("generated/transactions_type0_type2_base.json.gz"), *item;
	size_t i;
	json_array_foreach(json_object_get(root, "cases"), i, item)
	{
		check_generated(item);
	}
	assert_int_equal(i, 149);
	print_message("generated transactions: %zu cases\n", i);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_eip155),
		cmocka_unit_test(refuses_bad_members),
		cmocka_unit_test(refuses_bad_legacy_members),
		cmocka_unit_test(refuses_other_envelopes),
		cmocka_unit_test(refuses_to_sign_what_must_not_be_sent),
		cmocka_unit_test(access_lists),
		cmocka_unit_test(generated),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
