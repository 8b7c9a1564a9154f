/* The 0x forms: what they say, and all that is refused. */

#include "eth/hex.h"

#include "vectors.h"

#include <errno.h>
#include <string.h>

static void reads_data(void **state)
{
	static const struct {
		const char *text, *bytes;
		size_t len;
	} cases[] = {{"0x", "", 0},
		     {"0x00", "\x00", 1},
		     {"0xff", "\xff", 1},
		     {"0xaBcD", "\xab\xcd", 2},
		     {"0x0001", "\x00\x01", 2}};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t out[4];
		size_t len = 99;
		assert_int_equal(hex_decode_data(out, sizeof(out), &len, cases[i].text, strlen(cases[i].text)), 0);
		assert_int_equal(len, cases[i].len);
		assert_memory_equal(out, cases[i].bytes, len);
	}
}

static void refuses_bad_data(void **state)
{
	static const struct {
		const char *text;
		int err;
	} cases[] = {{"", -EBADMSG},	 {"0", -EBADMSG},	   {"x", -EBADMSG},	  {"0X00", -EBADMSG},
		     {"00", -EBADMSG},	 {"0x0", -EBADMSG},	   {"0x000", -EBADMSG},	  {"0xg0", -EBADMSG},
		     {"0x0g", -EBADMSG}, {" 0x00", -EBADMSG},	   {"0x00 ", -EBADMSG},	  {"0x 0", -EBADMSG},
		     {"0x-1", -EBADMSG}, {"0x+1", -EBADMSG},	   {"-0x1", -EBADMSG},	  {"0x0x", -EBADMSG},
		     {"0x@0", -EBADMSG}, {"0x`0", -EBADMSG},	   {"0x/0", -EBADMSG},	  {"0x:0", -EBADMSG},
		     {"0xG0", -EBADMSG}, {"0x\xff\xff", -EBADMSG}, {"0x112233", -ENOSPC}, {"0x11223g", -EBADMSG}};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t out[2];
		size_t len;
		assert_int_equal(hex_decode_data(out, sizeof(out), &len, cases[i].text, strlen(cases[i].text)),
				 cases[i].err);
		assert_int_equal(len, 0);
	}
	uint8_t out[2];
	size_t len;
	assert_int_equal(hex_decode_data(out, sizeof(out), &len, "0x1\0", 4), -EBADMSG);
}

static void reads_fixed_sizes_only(void **state)
{
	uint8_t out[2];
	(void)state;
	assert_int_equal(hex_decode_fixed(out, 2, "0x1234", 6), 0);
	assert_memory_equal(out, "\x12\x34", 2);
	assert_int_equal(hex_decode_fixed(out, 2, "0x12", 4), -EBADMSG);
	assert_int_equal(hex_decode_fixed(out, 2, "0x123", 5), -EBADMSG);
	assert_int_equal(hex_decode_fixed(out, 2, "0x12345", 7), -EBADMSG);
	assert_int_equal(hex_decode_fixed(out, 2, "0x123456", 8), -EBADMSG);
	assert_int_equal(hex_decode_fixed(out, 0, "0x", 2), 0);
	assert_int_equal(hex_decode_fixed(out, 0, "", 0), -EBADMSG);
}

static void reads_quantities(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint64_t value;
	} cases[] = {{"0x0", 0, 0},
		     {"0x1", 0, 1},
		     {"0x41", 0, 65},
		     {"0x400", 0, 1024},
		     {"0xaBc", 0, 0xabc},
		     {"0xffffffffffffffff", 0, UINT64_MAX},
		     {"0x10000000000000000", -EOVERFLOW, 0},
		     {"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", -EOVERFLOW, 0},
		     {"0x1000000000000000g", -EBADMSG, 0},
		     {"0x", -EBADMSG, 0},
		     {"", -EBADMSG, 0},
		     {"0", -EBADMSG, 0},
		     {"0x00", -EBADMSG, 0},
		     {"0x01", -EBADMSG, 0},
		     {"0x0400", -EBADMSG, 0},
		     {"ff", -EBADMSG, 0},
		     {"0X1", -EBADMSG, 0},
		     {"0x-1", -EBADMSG, 0},
		     {"0x 1", -EBADMSG, 0},
		     {"0x1 ", -EBADMSG, 0},
		     {"10", -EBADMSG, 0}};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t value = 99;
		assert_int_equal(hex_decode_quantity_u64(&value, cases[i].text, strlen(cases[i].text)), cases[i].err);
		assert_int_equal(value, cases[i].value);
	}
}

static void writes_what_it_reads(void **state)
{
	char text[HEX_QUANTITY_SIZE], data[HEX_DATA_SIZE(3)];
	uint64_t value;
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		for (uint64_t off = 0; off < 3; off++) {
			uint64_t number = ((uint64_t)1 << bit) - 1 + off;
			size_t len = hex_encode_quantity(text, number);
			assert_int_equal(len, strlen(text));
			assert_int_equal(hex_decode_quantity_u64(&value, text, len), 0);
			assert_int_equal(value, number);
		}
	}
	hex_encode_quantity(text, 0);
	assert_string_equal(text, "0x0");
	hex_encode_quantity(text, UINT64_MAX);
	assert_string_equal(text, "0xffffffffffffffff");
	assert_int_equal(hex_encode_data(data, "\xAB\x00\x0f", 3), 8);
	assert_string_equal(data, "0xab000f");
	assert_int_equal(hex_encode_data(data, NULL, 0), 2);
	assert_string_equal(data, "0x");
}

static void one_digit(void **state)
{
	static const char low[] = "0123456789abcdef", high[] = "0123456789ABCDEF";

	(void)state;
	for (int i = -128; i < 256; i++) {
		const char c = (char)i, *at = c != '\0' ? strchr(low, c) : NULL, *at_high = c != '\0' ? strchr(high, c) : NULL;

		assert_int_equal(hex_digit(c), at ? at - low : at_high ? at_high - high : -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_data),
		cmocka_unit_test(refuses_bad_data),
		cmocka_unit_test(reads_fixed_sizes_only),
		cmocka_unit_test(reads_quantities),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(one_digit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
