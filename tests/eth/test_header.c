/* Headers of every fork that is known, and what is refused; block blooms. Real ones are in test_recorded_proofs.c. */
#include "vectors.h"
#include "eth/bloom.h"
#include "eth/header.h"
#include "eth/rlp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Widths of the fields; 0 is an integer. */
static const size_t widths[] = {32, 32, 20, 32, 32, 32, 256, 0, 0, 0, 0, 0, 17, 32, 8, 0, 32, 0, 0, 32, 32, 32, 0};

/* A header of n fields. Field `odd` gets `odd_len` bytes 0x01 instead. */
static size_t write_header(uint8_t *out, size_t size, size_t n, size_t odd, size_t odd_len)
{
	uint8_t bytes[HEADER_EXTRA_MAX + 1];
	struct rlp_writer writer;
	size_t mark, len;

	memset(bytes, 1, sizeof(bytes));
	rlp_writer_init(&writer, out, size);
	mark = rlp_list_begin(&writer);
	for (size_t i = 0; i < n; i++) {
		if (i == odd)
			rlp_put_bytes(&writer, bytes, odd_len);
		else if (widths[i] == 0)
			rlp_put_u64(&writer, 100 + i);
		else
			rlp_put_bytes(&writer, bytes, widths[i]);
	}
	rlp_list_end(&writer, mark);
	assert_int_equal(rlp_writer_finish(&writer, &len), 0);
	return len;
}

static void test_forks(void **state)
{
	uint8_t rlp[HEADER_SIZE_MAX];

	(void)state;
	for (size_t n = 1; n <= COUNT(widths); n++) {
		size_t len = write_header(rlp, sizeof(rlp), n, SIZE_MAX, 0);
		bool known = n >= HEADER_FIELDS_MIN && n <= HEADER_FIELDS_MAX && n != 18;
		struct eth_header header;
		struct eth_hash hash;

		assert_int_equal(header_parse(&header, rlp, len), known ? 0 : -EPROTONOSUPPORT);
		if (!known)
			continue;
		keccak256(&hash, rlp, len);
		assert_memory_equal(header.hash.bytes, hash.bytes, sizeof(hash.bytes));
		assert_int_equal(header.fields, n);
		assert_int_equal(header.number, 108);
		assert_int_equal(header.gas_limit, 109);
		assert_int_equal(header.gas_used, 110);
		assert_int_equal(header.time, 111);
		assert_int_equal(header.bloom[255], 1);
		assert_int_equal(header.state_root.bytes[31], 1);
		for (size_t cut = 0; cut < len; cut++)
			assert_int_not_equal(header_parse(&header, rlp, cut), 0);
	}
}

/* One field of another kind. */
static void test_refused_fields(void **state)
{
	static const struct {
		const char *what;
		size_t field, len;
		int expected;
	} cases[] = {
		{"parentHash of 31 bytes", 0, 31, -EBADMSG},	 {"parentHash empty", 0, 0, -EBADMSG},
		{"miner of 32 bytes", 2, 32, -EBADMSG},		 {"stateRoot of 33 bytes", 3, 33, -EBADMSG},
		{"bloom of 255 bytes", 6, 255, -EBADMSG},	 {"difficulty of 33 bytes", 7, 33, -EOVERFLOW},
		{"number of 9 bytes", 8, 9, -EOVERFLOW},	 {"gasLimit of 9 bytes", 9, 9, -EOVERFLOW},
		{"gasUsed of 9 bytes", 10, 9, -EOVERFLOW},	 {"timestamp of 9 bytes", 11, 9, -EOVERFLOW},
		{"extraData at its limit", 12, 1024, 0},	 {"extraData empty", 12, 0, 0},
		{"extraData over its limit", 12, 1025, -EOVERFLOW}, {"mixHash of 8 bytes", 13, 8, -EBADMSG},
		{"nonce of 7 bytes", 14, 7, -EBADMSG},		 {"baseFee of 33 bytes", 15, 33, -EOVERFLOW},
		{"withdrawalsRoot empty", 16, 0, -EBADMSG},	 {"blobGasUsed of 9 bytes", 17, 9, -EOVERFLOW},
		{"excessBlobGas of 9 bytes", 18, 9, -EOVERFLOW}, {"parentBeaconBlockRoot of 20 bytes", 19, 20, -EBADMSG},
		{"requestsHash of 31 bytes", 20, 31, -EBADMSG},
	};
	uint8_t rlp[HEADER_SIZE_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct eth_header header;
		size_t len = write_header(rlp, sizeof(rlp), HEADER_FIELDS_MAX, cases[i].field, cases[i].len);
		int err = header_parse(&header, rlp, len);

		if (err != cases[i].expected)
			fail_msg("%s: %d, not %d", cases[i].what, err, cases[i].expected);
	}
}

static void test_refused_forms(void **state)
{
	static const struct {
		const char *what, *rlp;
		int expected;
	} cases[] = {
		{"nothing", "", -EBADMSG},
		{"a string", "8301020304", -EBADMSG},
		{"an empty list", "c0", -EPROTONOSUPPORT},
		{"a list cut short", "c301", -EBADMSG},
		{"a length that is not canonical", "f80101", -EBADMSG},
		{"bytes after it", "c00102", -EBADMSG},
		{"fifteen lists", "cfc0c0c0c0c0c0c0c0c0c0c0c0c0c0c0", -EBADMSG},
	};
	uint8_t rlp[HEADER_SIZE_MAX + 1] = {0};
	struct eth_header header;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bytes bytes = hex_bytes(cases[i].rlp);
		int err = header_parse(&header, bytes.data, bytes.len);

		if (err != cases[i].expected)
			fail_msg("%s: %d, not %d", cases[i].what, err, cases[i].expected);
		free(bytes.data);
	}
	assert_int_equal(header_parse(&header, rlp, sizeof(rlp)), -EOVERFLOW);
}

/* The bits of "a", worked out from its Keccak-256. */
static void test_bloom(void **state)
{
	uint8_t bloom[BLOOM_SIZE] = {0};
	struct eth_address address = {{1, 2, 3}};
	struct eth_hash topic = {{4, 5, 6}}, hash;
	unsigned set = 0;

	(void)state;
	assert_false(bloom_may_contain(bloom, "a", 1));
	bloom_add(bloom, "a", 1);
	assert_true(bloom_may_contain(bloom, "a", 1));
	assert_false(bloom_may_contain(bloom, "b", 1));
	/* keccak256("a") = 3ac2 2516 8df5 …: bits 0x2c2, 0x516, 0x5f5 */
	keccak256(&hash, "a", 1);
	assert_hex_equal(hash.bytes, 6, "3ac225168df5");
	assert_int_equal(bloom[255 - 0x2c2 / 8], 1 << (0x2c2 % 8));
	assert_int_equal(bloom[255 - 0x516 / 8], 1 << (0x516 % 8));
	assert_int_equal(bloom[255 - 0x5f5 / 8], 1 << (0x5f5 % 8));
	for (size_t i = 0; i < sizeof(bloom); i++)
		for (unsigned bit = 0; bit < 8; bit++)
			set += bloom[i] >> bit & 1;
	assert_int_equal(set, 3);
	assert_false(bloom_may_contain_address(bloom, &address));
	bloom_add(bloom, address.bytes, sizeof(address.bytes));
	assert_true(bloom_may_contain_address(bloom, &address));
	assert_false(bloom_may_contain_topic(bloom, &topic));
	bloom_add(bloom, topic.bytes, sizeof(topic.bytes));
	assert_true(bloom_may_contain_topic(bloom, &topic));
	memset(bloom, 0xff, sizeof(bloom));
	assert_true(bloom_may_contain(bloom, "anything", 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forks),
		cmocka_unit_test(test_refused_fields),
		cmocka_unit_test(test_refused_forms),
		cmocka_unit_test(test_bloom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
