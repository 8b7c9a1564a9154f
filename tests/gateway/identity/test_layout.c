/* Slots and words of the registry, against those read back on the official contract. */
#include "gateway/identity/layout.h"
#include "tests/eth/vectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* erc8004-rpc/00-vectors.json holds the slots of agents 0, 1 and 2. */
static void test_slots(void **state)
{
	json_t *file = vectors_load("../erc8004-rpc/00-vectors.json"), *slots = json_object_get(file, "slots");

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		struct u256 id = u256_from_u64(i);
		struct layout_slots found;
		const json_t *expected;
		char name[16];

		snprintf(name, sizeof(name), "agent%u", (unsigned)i);
		expected = json_object_get(slots, name);
		layout_slots_of(&found, &id);
		assert_hex_equal(found.owner.bytes, 32, text_of(expected, "owner"));
		assert_hex_equal(found.wallet.bytes, 32, text_of(expected, "wallet"));
		assert_hex_equal(found.uri.bytes, 32, text_of(expected, "uri"));
	}
	json_decref(file);
}

/* EIP-1967's own text: bytes32(uint256(keccak256('eip1967.proxy.implementation')) - 1). */
static void test_implementation_slot(void **state)
{
	struct eth_hash slot, expected;

	(void)state;
	layout_slot_implementation(&slot);
	keccak256(&expected, "eip1967.proxy.implementation", 28);
	expected.bytes[31]--;
	assert_memory_equal(slot.bytes, expected.bytes, 32);
}

static void test_data_slots(void **state)
{
	struct eth_hash slot = {{0}}, first, later;

	(void)state;
	layout_slot_data(&first, &slot, 0);
	assert_hex_equal(first.bytes, 32, "290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563");
	layout_slot_data(&later, &slot, 0x1a9d);
	assert_hex_equal(later.bytes, 32, "290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef40000");
}

static void word_of(struct eth_hash *word, const char *hex)
{
	hex_fixed(word->bytes, 32, hex);
}

#define Z12 "000000000000000000000000"
#define Z11 "0000000000000000000000"
#define A20 "1122334455667788990011223344556677889900"
#define A31 "61616161616161616161616161616161" "616161616161616161616161616161"
#define Z20 "0000000000000000000000000000000000000000"

static void test_addresses(void **state)
{
	static const struct {
		const char *word;
		int address, wallet; /* what each reader says */
		bool has_wallet;
	} cases[] = {
		{Z12 Z20, 0, 0, false},
		{Z12 A20, 0, -EBADMSG, true},
		{A20 Z11 "28", -EBADMSG, 0, true},
		{A20 Z11 "26", -EBADMSG, -EBADMSG, true},
		{A20 Z11 "29", -EBADMSG, -EBADMSG, true},
		{A20 "0000000000000000000001" "28", -EBADMSG, -EBADMSG, true},
		{A20 "0100000000000000000000" "28", -EBADMSG, -EBADMSG, true},
		{Z20 Z11 "28", 0, -EBADMSG, true},
		{"010000000000000000000000" A20, -EBADMSG, -EBADMSG, true},
		{"000000000000000000000001" A20, -EBADMSG, -EBADMSG, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct eth_address address;
		struct eth_hash word;
		bool has;

		word_of(&word, cases[i].word);
		assert_int_equal(layout_read_address(&address, &word), cases[i].address);
		assert_int_equal(layout_read_wallet(&address, &has, &word), cases[i].wallet);
		assert_int_equal(has, cases[i].has_wallet);
		if (cases[i].wallet == 0 && has)
			assert_hex_equal(address.bytes, 20, A20);
	}
}

static void test_strings(void **state)
{
	static const struct {
		const char *word;
		int expected;
		size_t len, slots;
	} cases[] = {
		{Z12 Z20, 0, 0, 0},
		{"61" Z11 Z12 "0000000000000002", 0, 1, 0},
		{A31 "3e", 0, 31, 0},
		{A31 "40", -EBADMSG, 0, 0},
		{"6161" Z12 Z12 "0000000000" "02", -EBADMSG, 0, 0},
		{Z12 Z11 "000000000000000041", 0, 32, 1},
		{Z12 Z11 "000000000000000043", 0, 33, 2},
		{Z12 Z11 "00000000000000003f", -EBADMSG, 0, 0},
		{Z12 Z11 "000000000000000001", -EBADMSG, 0, 0},
		{Z12 Z11 "000000000000020001", 0, 65536, 2048},
		{Z12 Z11 "00ffffffffffffffff", -EOVERFLOW, 0, 0},
		{"01" Z11 Z12 "0000000000000041", -EOVERFLOW, 0, 0},
	};
	uint8_t out[128];
	struct eth_hash data[3] = {{{0}}}, word;
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t slots;
		int err;

		word_of(&word, cases[i].word);
		err = layout_string_length(&len, &slots, &word);
		if (err != cases[i].expected || (err == 0 && (len != cases[i].len || slots != cases[i].slots)))
			fail_msg("%s: %d, %zu bytes, %zu slots", cases[i].word, err, len, slots);
	}
	/* 33 bytes: a whole word, and one byte of the next, which must end there */
	word_of(&word, Z12 Z11 "000000000000000043");
	memset(data[0].bytes, 'x', 32);
	data[1].bytes[0] = 'y';
	assert_int_equal(layout_string_read(out, &len, sizeof(out), &word, data, 2), 0);
	assert_int_equal(len, 33);
	assert_int_equal(out[31], 'x');
	assert_int_equal(out[32], 'y');
	assert_int_equal(layout_string_read(out, &len, 32, &word, data, 2), -ENOSPC);
	assert_int_equal(layout_string_read(out, &len, sizeof(out), &word, data, 1), -EINVAL);
	assert_int_equal(layout_string_read(out, &len, sizeof(out), &word, data, 3), -EINVAL);
	data[1].bytes[31] = 1;
	assert_int_equal(layout_string_read(out, &len, sizeof(out), &word, data, 2), -EBADMSG);
	word_of(&word, "6162" Z12 Z12 "000000000004");
	assert_int_equal(layout_string_read(out, &len, sizeof(out), &word, NULL, 0), 0);
	assert_int_equal(len, 2);
	assert_memory_equal(out, "ab", 2);
}

/* erc8004-rpc/05-storage-proofs.json: the words of agents, in clear. */
static void test_recorded_words(void **state)
{
	json_t *file = vectors_load("../erc8004-rpc/05-storage-proofs.json"), *exchange;
	unsigned read = 0;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(file, "exchanges"), i, exchange) {
		const json_t *label = json_object_get(exchange, "label");
		const char *name = json_is_string(label) ? json_string_value(label) : "";
		struct eth_address address;
		struct eth_hash word;
		size_t len, slots;
		bool has;

		if (strncmp(name, "agent ", 6) != 0)
			continue;
		word_of(&word, text_of(json_object_get(exchange, "response"), "result"));
		if (strstr(name, "owner slot") != NULL) {
			assert_int_equal(layout_read_address(&address, &word), 0);
			assert_false(address_is_zero(&address));
		} else if (strstr(name, "wallet slot") != NULL) {
			assert_int_equal(layout_read_wallet(&address, &has, &word), 0);
			assert_int_equal(has, strstr(name, "agent 1") == NULL);
		} else if (strstr(name, "uri slot") != NULL) {
			assert_int_equal(layout_string_length(&len, &slots, &word), 0);
			assert_int_equal(len, name[6] == '1' ? 797 : name[6] == '2' ? 66 : 0);
		} else {
			continue;
		}
		read++;
	}
	json_decref(file);
	print_message("%u recorded words read\n", read);
	assert_int_equal(read, 9);
}

static void test_codes(void **state)
{
	static const char one[] = "0x1111111111111111111111111111111111111111111111111111111111111111";
	struct eth_hash codes[LAYOUT_CODES_MAX];
	char text[LAYOUT_CODES_MAX * 80 + 80] = "";
	size_t n;

	(void)state;
	assert_int_equal(layout_codes_parse(codes, &n, ""), 0);
	assert_int_equal(n, 1);
	assert_memory_equal(codes[0].bytes, layout_code_2_0_0.bytes, 32);
	assert_int_equal(layout_codes_parse(codes, &n, "  "), 0);
	assert_int_equal(n, 1);
	assert_int_equal(layout_codes_parse(codes, &n, "0x11"), -EBADMSG);
	assert_int_equal(layout_codes_parse(codes, &n, one + 2), -EBADMSG);
	for (size_t i = 0; i <= LAYOUT_CODES_MAX; i++) {
		if (i > 0) {
			assert_int_equal(layout_codes_parse(codes, &n, text), 0);
			assert_int_equal(n, i);
			assert_int_equal(codes[i - 1].bytes[0], 0x11);
		}
		strcat(text, one);
		strcat(text, " ");
	}
	assert_int_equal(layout_codes_parse(codes, &n, text), -EOVERFLOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),	  cmocka_unit_test(test_implementation_slot),
		cmocka_unit_test(test_data_slots), cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_strings),	  cmocka_unit_test(test_recorded_words),
		cmocka_unit_test(test_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
