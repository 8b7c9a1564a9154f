/* RLP: one canonical form, written and read; every other form refused. */

#include "eth/rlp.h"

#include "vectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *hex, *why;
	int err;
} refused[] = {
	{"", "nothing", -EBADMSG},
	{"8100", "0x00 is its own encoding", -EBADMSG},
	{"817f", "0x7f is its own encoding", -EBADMSG},
	{"81", "string without its byte", -EBADMSG},
	{"b7", "string without its 55 bytes", -EBADMSG},
	{"bf", "length without its bytes (a known over-read elsewhere)", -EBADMSG},
	{"ff", "list length without its bytes", -EBADMSG},
	{"b80100", "long form for one byte", -EBADMSG},
	{"b800", "long form for none", -EBADMSG},
	{"f800", "long list form for none", -EBADMSG},
	{"f80180", "long list form for one", -EBADMSG},
	{"b90005aabbccddee", "leading zero in the length", -EBADMSG},
	{"b90038", "leading zero in a long length", -EBADMSG},
	{"bfffffffffffffffff", "length of 2^64-1", -EBADMSG},
	{"ffffffffffffffffff", "list length of 2^64-1", -EBADMSG},
	{"bf8000000000000000", "length of 2^63", -EBADMSG},
	{"0000", "a byte after the item", -EBADMSG},
	{"c000", "a byte after the list", -EBADMSG},
	{"c1", "list without its item", -EBADMSG},
	{"c283", "inner string leaves the list", -EBADMSG},
	{"c3820102ff", "a list prefix where the list should have ended", -EBADMSG},
	{"c28100", "non-canonical item inside a list", -EBADMSG},
	{"c2c180", "inner list that ends where the outer does not", 0},
	{"c3c180", "list shorter than it says", -EBADMSG},
	{"c2c280", "inner list that leaves the outer", -EBADMSG},
	{"f838", "list without its 56 bytes", -EBADMSG},
};

static void refuses_what_is_not_canonical(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct bytes data = hex_bytes(refused[i].hex);
		int err = rlp_check(data.data, data.len);
		if (err != refused[i].err)
			fail_msg("%s: %s gave %d", refused[i].hex, refused[i].why, err);
		free(data.data);
	}
}

static void refuses_depth_beyond_the_limit(void **state)
{
	uint8_t data[RLP_DEPTH_MAX + 1];
	(void)state;
	for (size_t depth = 1; depth <= RLP_DEPTH_MAX + 1; depth++) {
		for (size_t i = 0; i < depth; i++)
			data[i] = (uint8_t)(0xc0 + depth - 1 - i);
		assert_int_equal(rlp_check(data, depth), depth <= RLP_DEPTH_MAX ? 0 : -EOVERFLOW);
	}
}

static void refuses_bad_integers(void **state)
{
	static const struct {
		const char *hex;
		int err_u64, err_u256;
	} cases[] = {{"80", 0, 0},
		     {"00", -EBADMSG, -EBADMSG},
		     {"820001", -EBADMSG, -EBADMSG},
		     {"c0", -EBADMSG, -EBADMSG},
		     {"88ffffffffffffffff", 0, 0},
		     {"89010000000000000000", -EOVERFLOW, 0},
		     {"a0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", -EOVERFLOW, 0},
		     {"a1010000000000000000000000000000000000000000000000000000000000000000", -EOVERFLOW, -EOVERFLOW}};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bytes data = hex_bytes(cases[i].hex);
		struct rlp_reader reader;
		struct u256 wide;
		uint64_t value;
		rlp_reader_init(&reader, data.data, data.len);
		rlp_get_u64(&reader, &value);
		assert_int_equal(rlp_reader_finish(&reader), cases[i].err_u64);
		rlp_reader_init(&reader, data.data, data.len);
		rlp_get_u256(&reader, &wide);
		assert_int_equal(rlp_reader_finish(&reader), cases[i].err_u256);
		free(data.data);
	}
}

static void the_first_error_stays(void **state)
{
	/* [ "dog", [], 1 ] read as [ bytes of 4, … ] */
	static const uint8_t data[] = {0xc6, 0x83, 'd', 'o', 'g', 0xc0, 0x01};
	struct rlp_reader reader;
	uint8_t four[4] = {1, 2, 3, 4};
	uint64_t number = 7;
	const uint8_t *bytes;
	size_t len = 7;
	(void)state;
	rlp_reader_init(&reader, data, sizeof(data));
	rlp_enter(&reader);
	rlp_get_fixed(&reader, four, sizeof(four));
	assert_int_equal(reader.error, -EBADMSG);
	assert_memory_equal(four, "\0\0\0\0", 4);
	rlp_get_u64(&reader, &number);
	rlp_get_bytes(&reader, &bytes, &len);
	rlp_enter(&reader);
	rlp_leave(&reader);
	assert_int_equal(number, 0);
	assert_int_equal(len, 0);
	assert_false(rlp_more(&reader));
	assert_int_equal(rlp_reader_finish(&reader), -EBADMSG);
}

static void reads_in_order(void **state)
{
	static const uint8_t data[] = {0xc6, 0x83, 'd', 'o', 'g', 0xc0, 0x01};
	struct rlp_reader reader;
	const uint8_t *bytes;
	size_t len;
	uint64_t number;
	(void)state;
	rlp_reader_init(&reader, data, sizeof(data));
	assert_true(rlp_next_is_list(&reader));
	rlp_enter(&reader);
	rlp_get_bytes(&reader, &bytes, &len);
	assert_memory_equal(bytes, "dog", 3);
	assert_true(rlp_next_is_list(&reader));
	rlp_get_encoded(&reader, &bytes, &len);
	assert_int_equal(len, 1);
	assert_false(rlp_next_is_list(&reader));
	assert_true(rlp_more(&reader));
	/* Leaving early is a surplus member. */
	struct rlp_reader early = reader;
	rlp_leave(&early);
	assert_int_equal(rlp_reader_finish(&early), -EBADMSG);
	rlp_get_u64(&reader, &number);
	assert_int_equal(number, 1);
	assert_int_equal(rlp_reader_finish(&reader), -EBADMSG);
	rlp_leave(&reader);
	assert_int_equal(rlp_reader_finish(&reader), 0);
	rlp_leave(&reader);
	assert_int_equal(rlp_reader_finish(&reader), -EBADMSG);
	/* A list is not a string, nor the reverse. */
	rlp_reader_init(&reader, data, sizeof(data));
	rlp_get_bytes(&reader, &bytes, &len);
	assert_int_equal(rlp_reader_finish(&reader), -EBADMSG);
	rlp_reader_init(&reader, data + 1, 4);
	rlp_enter(&reader);
	assert_int_equal(rlp_reader_finish(&reader), -EBADMSG);
}

/* Strings and lists of every length around the boundaries of the prefix come back, and one byte less is refused. */
static void lengths_around_the_boundaries(void **state)
{
	static const size_t lengths[] = {0, 1, 2, 54, 55, 56, 57, 254, 255, 256, 257, 65535, 65536, 65537};
	static uint8_t data[70000], out[70016];
	(void)state;
	memset(data, 0x80, sizeof(data));
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct rlp_writer writer, counter;
		size_t len, counted, inner_len;
		rlp_writer_init(&writer, out, sizeof(out));
		rlp_writer_init(&counter, NULL, 0);
		size_t mark = rlp_list_begin(&writer), counter_mark = rlp_list_begin(&counter);
		rlp_put_bytes(&writer, data, lengths[i]);
		rlp_put_bytes(&counter, data, lengths[i]);
		rlp_list_end(&writer, mark);
		rlp_list_end(&counter, counter_mark);
		assert_int_equal(rlp_writer_finish(&writer, &len), 0);
		assert_int_equal(rlp_writer_finish(&counter, &counted), 0);
		assert_int_equal(len, counted);
		assert_int_equal(rlp_check(out, len), 0);
		assert_int_equal(rlp_check(out, len - 1), -EBADMSG);
		struct rlp_reader reader;
		const uint8_t *inner;
		rlp_reader_init(&reader, out, len);
		rlp_enter(&reader);
		rlp_get_bytes(&reader, &inner, &inner_len);
		rlp_leave(&reader);
		assert_int_equal(rlp_reader_finish(&reader), 0);
		assert_int_equal(inner_len, lengths[i]);
		assert_memory_equal(inner, data, inner_len);
		/* A buffer one byte too small is refused and not overrun. */
		uint8_t *tight = malloc(len);
		rlp_writer_init(&writer, tight, len - 1);
		mark = rlp_list_begin(&writer);
		rlp_put_bytes(&writer, data, lengths[i]);
		rlp_list_end(&writer, mark);
		assert_int_equal(rlp_writer_finish(&writer, &len), -ENOSPC);
		free(tight);
	}
}

static void misuse_of_the_writer_is_seen(void **state)
{
	uint8_t out[16];
	struct rlp_writer writer;
	size_t len;
	(void)state;
	rlp_writer_init(&writer, out, sizeof(out));
	rlp_list_begin(&writer);
	assert_int_equal(rlp_writer_finish(&writer, &len), -EINVAL);
	rlp_writer_init(&writer, out, sizeof(out));
	rlp_list_end(&writer, 0);
	assert_int_equal(rlp_writer_finish(&writer, &len), -EINVAL);
}

/* ---- third-party vectors ---- */

/* A decimal text as minimal bytes; the one case of 2^256 is wider than u256. */
static void put_decimal(struct rlp_writer *writer, const char *text)
{
	static const uint8_t two_to_256[33] = {1};
	struct u256 value;
	if (u256_parse_decimal(&value, text, strlen(text)) == 0) {
		rlp_put_u256(writer, &value);
		return;
	}
	assert_string_equal(text, "115792089237316195423570985008687907853269984665640564039457584007913129639936");
	rlp_put_bytes(writer, two_to_256, sizeof(two_to_256));
}

/* ethereum/tests: texts are bytes, "#…" and numbers are integers. ethers: texts are hex. */
static void put_json(struct rlp_writer *writer, const json_t *value, bool hex)
{
	if (json_is_array(value)) {
		size_t mark = rlp_list_begin(writer);
		for (size_t i = 0; i < json_array_size(value); i++)
			put_json(writer, json_array_get(value, i), hex);
		rlp_list_end(writer, mark);
	} else if (json_is_integer(value)) {
		rlp_put_u64(writer, (uint64_t)json_integer_value(value));
	} else if (hex) {
		struct bytes bytes = hex_bytes(json_string_value(value));
		rlp_put_bytes(writer, bytes.data, bytes.len);
		free(bytes.data);
	} else if (json_string_value(value)[0] == '#') {
		put_decimal(writer, json_string_value(value) + 1);
	} else {
		rlp_put_bytes(writer, json_string_value(value), json_string_length(value));
	}
}

/* Reads everything and writes it again. */
static void copy(struct rlp_reader *reader, struct rlp_writer *writer)
{
	while (rlp_more(reader)) {
		if (rlp_next_is_list(reader)) {
			size_t mark = rlp_list_begin(writer);
			rlp_enter(reader);
			copy(reader, writer);
			rlp_leave(reader);
			rlp_list_end(writer, mark);
		} else {
			const uint8_t *bytes;
			size_t len;
			rlp_get_bytes(reader, &bytes, &len);
			rlp_put_bytes(writer, bytes, len);
		}
	}
}

static void check_valid(const json_t *value, const char *encoded, bool hex)
{
	struct bytes expected = hex_bytes(encoded);
	uint8_t *out = malloc(expected.len);
	struct rlp_writer writer;
	struct rlp_reader reader;
	size_t len;
	if (value != NULL) {
		rlp_writer_init(&writer, out, expected.len);
		put_json(&writer, value, hex);
		assert_int_equal(rlp_writer_finish(&writer, &len), 0);
		assert_int_equal(len, expected.len);
		assert_memory_equal(out, expected.data, len);
	}
	assert_int_equal(rlp_check(expected.data, expected.len), 0);
	rlp_reader_init(&reader, expected.data, expected.len);
	rlp_writer_init(&writer, out, expected.len);
	copy(&reader, &writer);
	assert_int_equal(rlp_reader_finish(&reader), 0);
	assert_int_equal(rlp_writer_finish(&writer, &len), 0);
	assert_int_equal(len, expected.len);
	assert_memory_equal(out, expected.data, len);
	free(out);
	free(expected.data);
}

static void ethereum_tests_valid(void **state)
{
	(void)state;
	json_t *root = vectors_load("ethereum-tests/RLPTests/rlptest.json"), *item;
	json_t *random = vectors_load("ethereum-tests/RLPTests/RandomRLPTests/example.json");
	const char *name;
	json_object_foreach(root, name, item)
	{
		check_valid(json_object_get(item, "in"), text_of(item, "out"), false);
	}
	json_object_foreach(random, name, item)
	{
		assert_string_equal(text_of(item, "in"), "VALID");
		check_valid(NULL, text_of(item, "out"), false);
	}
	assert_int_equal(json_object_size(root), 28);
	print_message("ethereum-tests rlptest: %zu + %zu cases\n", json_object_size(root), json_object_size(random));
	json_decref(root);
	json_decref(random);
}

static void ethereum_tests_invalid(void **state)
{
	(void)state;
	json_t *root = vectors_load("ethereum-tests/RLPTests/invalidRLPTest.json"), *item;
	const char *name;
	json_object_foreach(root, name, item)
	{
		struct bytes data = hex_bytes(text_of(item, "out"));
		if (rlp_check(data.data, data.len) != -EBADMSG)
			fail_msg("%s was not refused", name);
		free(data.data);
	}
	assert_int_equal(json_object_size(root), 26);
	print_message("ethereum-tests invalidRLPTest: %zu cases\n", json_object_size(root));
	json_decref(root);
}

static void ethers_rlp(void **state)
{
	(void)state;
	json_t *root = vectors_load("ethers/rlp.json.gz"), *item;
	size_t i;
	json_array_foreach(root, i, item)
	{
		check_valid(json_object_get(item, "decoded"), text_of(item, "encoded"), true);
	}
	assert_true(i > 0);
	print_message("ethers rlp: %zu cases\n", i);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_not_canonical),
		cmocka_unit_test(refuses_depth_beyond_the_limit),
		cmocka_unit_test(refuses_bad_integers),
		cmocka_unit_test(the_first_error_stays),
		cmocka_unit_test(reads_in_order),
		cmocka_unit_test(lengths_around_the_boundaries),
		cmocka_unit_test(misuse_of_the_writer_is_seen),
		cmocka_unit_test(ethereum_tests_valid),
		cmocka_unit_test(ethereum_tests_invalid),
		cmocka_unit_test(ethers_rlp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
