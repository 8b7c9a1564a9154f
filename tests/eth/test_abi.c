/* The contract ABI on vectors of our own: writing, reading, and every refusal as data. */

#include "eth/abi.h"
#include "eth/abi_type.h"

#include "vectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define W0 "0000000000000000000000000000000000000000000000000000000000000000"
#define W1 "0000000000000000000000000000000000000000000000000000000000000001"
#define W2 "0000000000000000000000000000000000000000000000000000000000000002"
#define W20 "0000000000000000000000000000000000000000000000000000000000000020"
#define W40 "0000000000000000000000000000000000000000000000000000000000000040"
#define WFF "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define WHELLO "68656c6c6f000000000000000000000000000000000000000000000000000000"
#define W5 "0000000000000000000000000000000000000000000000000000000000000005"

/* One refusal a line: what is read as which type. */
static const struct {
	const char *type, *hex, *why;
	int err;
} cases[] = {
	{"uint256", "", "no data: no code there", -ENOENT},
	{"string", "", "no data: no code there", -ENOENT},
	{"uint256", "00", "not a whole word", -EBADMSG},
	{"uint256", W0 "00", "not whole words", -EBADMSG},
	{"(uint256,uint256)", W0, "head cut off", -EBADMSG},
	{"uint256", WFF, "the largest", 0},
	{"uint256", W0 WFF, "bytes after the end are legal", 0},
	{"uint8", "00000000000000000000000000000000000000000000000000000000000000ff", "largest uint8", 0},
	{"uint8", "0000000000000000000000000000000000000000000000000000000000000100", "uint8 of 256", -EBADMSG},
	{"uint8", WFF, "uint8 with sign", -EBADMSG},
	{"int8", "000000000000000000000000000000000000000000000000000000000000007f", "largest int8", 0},
	{"int8", "0000000000000000000000000000000000000000000000000000000000000080", "int8 of 128", -EBADMSG},
	{"int8", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff80", "least int8", 0},
	{"int8", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "int8 of -129", -EBADMSG},
	{"int256", "8000000000000000000000000000000000000000000000000000000000000000", "least int256", 0},
	{"int256", WFF, "-1", 0},
	{"bool", W0, "false", 0},
	{"bool", W1, "true", 0},
	{"bool", W2, "bool of 2", -EBADMSG},
	{"bool", "0100000000000000000000000000000000000000000000000000000000000000", "bool at the wrong end", -EBADMSG},
	{"address", "000000000000000000000000ffffffffffffffffffffffffffffffffffffffff", "an address", 0},
	{"address", "000000000000000000000001ffffffffffffffffffffffffffffffffffffffff", "21 bytes of address",
	 -EBADMSG},
	{"bytes4", "1626ba7e00000000000000000000000000000000000000000000000000000000", "bytes4", 0},
	{"bytes4", "1626ba7e00000000000000000000000000000000000000000000000000000001", "dirty bytes4", -EBADMSG},
	{"bytes4", "1626ba7e01000000000000000000000000000000000000000000000000000000", "dirty bytes4", -EBADMSG},
	{"bytes32", WFF, "bytes32 has no padding", 0},
	{"string", W20 W5 WHELLO, "hello", 0},
	{"bytes", W20 W5 WHELLO, "hello", 0},
	{"string", W20 W0, "empty string", 0},
	{"string", W20, "offset to the end: no length", -EBADMSG},
	{"string", W20 W5, "length without bytes", -EBADMSG},
	{"string", W20 W5 "68656c6c6f", "tail not padded", -EBADMSG},
	{"string", W20 W5 "68656c6c6f000000000000000000000000000000000000000000000000000001", "dirty padding",
	 -EBADMSG},
	{"string", W20 W5 "68656c6c6f010000000000000000000000000000000000000000000000000000", "dirty padding",
	 -EBADMSG},
	{"string", W40 W0 W5 WHELLO, "a gap before the tail", 0},
	{"string", W0 W5 WHELLO, "offset into the head", -EBADMSG},
	{"string", "0000000000000000000000000000000000000000000000000000000000000021" W5 WHELLO, "unaligned offset",
	 -EBADMSG},
	{"string", "0000000000000000000000000000000000000000000000000000000000000080" W5 WHELLO, "offset past the end",
	 -EBADMSG},
	{"string", WFF W5 WHELLO, "offset 2^256-1", -EBADMSG},
	{"string", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0" W5 WHELLO, "offset -32",
	 -EBADMSG},
	{"string", "0000000000000000000000000000000000000000000000010000000000000020" W5 WHELLO,
	 "offset 2^64+32 looks right when cut to 64 bits", -EBADMSG},
	{"string", "0000000000000000000000000000000000000000000000000000000100000020" W5 WHELLO,
	 "offset 2^32+32 looks right when cut to 32 bits", -EBADMSG},
	{"string", W20 "0000000000000000000000000000000000000000000000010000000000000005" WHELLO, "length 2^64+5",
	 -EBADMSG},
	{"string", W20 WFF WHELLO, "length 2^256-1", -EBADMSG},
	{"string", W20 "0000000000000000000000000000000000000000000000000000000000000021" WHELLO, "length 33 of 32",
	 -EBADMSG},
	{"string", W20 W20 WHELLO, "length 32 of 32, with NULs", 0},
	{"string", W20 W2 "c080000000000000000000000000000000000000000000000000000000000000", "overlong NUL", -EILSEQ},
	{"bytes", W20 W2 "c080000000000000000000000000000000000000000000000000000000000000", "bytes are not text", 0},
	{"uint256[]", W20 "0800000000000000000000000000000000000000000000000000000000000000" W0,
	 "2^251 elements: times 32 overflows", -EBADMSG},
	{"uint256[]", W20 "0000000000000000000000000000000000000000000000000800000000000000" W0,
	 "2^59 elements: times 32 overflows 64 bits", -EBADMSG},
	{"uint256[]", W20 W1, "one element announced, none there", -EBADMSG},
	{"uint256[]", W20 W1 W5, "one element", 0},
	{"uint256[]", W20 W0, "no elements", 0},
	{"(bytes,bytes)", W20 W40 W40 W1 "aa00000000000000000000000000000000000000000000000000000000000000",
	 "the tuple's offsets count from the tuple", 0},
	{"string[]", W20 W2 W0 W0, "elements whose offsets point at their own heads", -EBADMSG},
	{"string[][][]", W20 W1 W0 W0, "an array inside itself", -EBADMSG},
};

static int read_as(const char *type_text, const uint8_t *data, size_t len)
{
	struct abi_type types[64];
	struct abi_reader reader;
	size_t count;
	assert_int_equal(abi_type_parse(types, COUNT(types), &count, type_text, strlen(type_text)), 0);
	abi_reader_init(&reader, data, len, types[0].head_words);
	int err = abi_type_skip(&reader, types, 0);
	int end = abi_reader_finish(&reader);
	return end != 0 ? end : err;
}

static void reads_and_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bytes data = hex_bytes(cases[i].hex);
		int err = read_as(cases[i].type, data.data, data.len);
		if (err != cases[i].err)
			fail_msg("%s, %s: %d instead of %d", cases[i].type, cases[i].why, err, cases[i].err);
		free(data.data);
	}
}

/* Arrays whose elements share one tail, level upon level: legal, exponential, and stopped by the bound on work. */
static void shared_tails_cost_a_bounded_amount(void **state)
{
	uint8_t data[32 * 64] = {0};
	size_t at = 0;
	(void)state;
	data[31] = 32;
	at = 32;
	for (unsigned level = 0; level < 12; level++) {
		/* [4 elements][offset to what follows, four times] */
		data[at + 31] = 4;
		for (unsigned i = 0; i < 4; i++)
			data[at + 32 + 32 * i + 31] = 128;
		at += 160;
	}
	assert_int_equal(read_as("uint8[][][][][][][][][][][][][]", data, at + 32), -EOVERFLOW);
}

static void two_heads_may_share_a_tail(void **state)
{
	struct bytes data = hex_bytes(W40 W40 W1 "aa00000000000000000000000000000000000000000000000000000000000000");
	struct abi_reader reader;
	const uint8_t *a, *b;
	size_t a_len, b_len;
	(void)state;
	abi_reader_init(&reader, data.data, data.len, 2);
	abi_get_bytes(&reader, &a, &a_len);
	abi_get_bytes(&reader, &b, &b_len);
	assert_int_equal(abi_reader_finish(&reader), 0);
	assert_ptr_equal(a, b);
	assert_int_equal(a_len, 1);
	free(data.data);
}

static void utf8(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} texts[] = {{"plain", true},
		     {"\xc2\x80", true},
		     {"\xdf\xbf", true},
		     {"\xe0\xa0\x80", true},
		     {"\xed\x9f\xbf", true},
		     {"\xee\x80\x80", true},
		     {"\xef\xbf\xbf", true},
		     {"\xf0\x90\x80\x80", true},
		     {"\xf4\x8f\xbf\xbf", true},
		     {"\x80", false},
		     {"\xbf", false},
		     {"\xc0\xaf", false},
		     {"\xc1\xbf", false},
		     {"\xe0\x9f\xbf", false},
		     {"\xed\xa0\x80", false},
		     {"\xed\xbf\xbf", false},
		     {"\xf0\x8f\xbf\xbf", false},
		     {"\xf4\x90\x80\x80", false},
		     {"\xf5\x80\x80\x80", false},
		     {"\xff", false},
		     {"\xc2", false},
		     {"\xe2\x82", false},
		     {"\xf0\x9f\x98", false},
		     {"\xc2\x41", false},
		     {"\xe2\x82\x41", false},
		     {"\xf0\x9f\x98\x41", false},
		     {"ok then \xc3\x28", false}};
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		uint8_t out[128];
		struct abi_writer writer;
		struct abi_reader reader;
		size_t len, text_len;
		const char *text;
		abi_writer_init(&writer, out, sizeof(out));
		abi_open(&writer, 1);
		abi_put_bytes(&writer, texts[i].text, strlen(texts[i].text));
		abi_close(&writer);
		assert_int_equal(abi_writer_finish(&writer, &len), 0);
		abi_reader_init(&reader, out, len, 1);
		assert_int_equal(abi_get_string(&reader, &text, &text_len), texts[i].valid ? 0 : -EILSEQ);
		/* Reported, and still there. */
		assert_int_equal(abi_reader_finish(&reader), 0);
		assert_int_equal(text_len, strlen(texts[i].text));
		assert_memory_equal(text, texts[i].text, text_len);
	}
}

/* The example of the header; the bytes are from an independent encoder. */
static const char example[] = "38126ef80000000000000000000000000000000000000000000000000000000000000007"
			      "0000000000000000000000000000000000000000000000000000000000000060"
			      "00000000000000000000000000000000000000000000000000000000000000a0" W2
			      "6869000000000000000000000000000000000000000000000000000000000000" W1 W20
			      "00000000000000000000000000000000000000000000000000000000deadbeef" W40
			      "0000000000000000000000000000000000000000000000000000000000000003"
			      "0102030000000000000000000000000000000000000000000000000000000000";

static size_t write_example(struct abi_writer *writer, uint8_t *out, size_t size, int *err)
{
	struct eth_address who = {.bytes = {[16] = 0xde, 0xad, 0xbe, 0xef}};
	uint8_t selector[4];
	size_t len;
	abi_selector(selector, "f(uint256,string,(address,bytes)[])");
	abi_writer_init(writer, out, size);
	abi_put_selector(writer, selector);
	abi_open(writer, 3);
	abi_put_u64(writer, 7);
	abi_put_bytes(writer, "hi", 2);
	abi_open_array(writer, 1, 1);
	abi_open_tuple(writer, 2);
	abi_put_address(writer, &who);
	abi_put_bytes(writer, "\1\2\3", 3);
	abi_close(writer);
	abi_close(writer);
	abi_close(writer);
	*err = abi_writer_finish(writer, &len);
	return len;
}

static void writes_the_example(void **state)
{
	uint8_t out[512];
	struct abi_writer writer;
	int err;
	(void)state;
	size_t len = write_example(&writer, out, sizeof(out), &err);
	assert_int_equal(err, 0);
	assert_hex_equal(out, len, example);
	for (size_t size = 0; size < len; size++) {
		uint8_t *tight = malloc(size + 1);
		write_example(&writer, tight, size, &err);
		assert_int_equal(err, -ENOSPC);
		free(tight);
	}
}

static void reads_the_example(void **state)
{
	struct bytes data = hex_bytes(example);
	struct abi_reader reader;
	struct eth_address who;
	uint64_t seven;
	const char *text;
	const uint8_t *bytes;
	size_t len, count;
	(void)state;
	abi_reader_init(&reader, data.data + 4, data.len - 4, 3);
	abi_get_u64(&reader, &seven);
	assert_int_equal(seven, 7);
	assert_int_equal(abi_get_string(&reader, &text, &len), 0);
	assert_int_equal(len, 2);
	assert_memory_equal(text, "hi", 2);
	abi_enter_array(&reader, &count, 1);
	assert_int_equal(count, 1);
	abi_enter_tuple(&reader, 2);
	abi_get_address(&reader, &who);
	assert_int_equal(who.bytes[19], 0xef);
	abi_get_bytes(&reader, &bytes, &len);
	assert_int_equal(len, 3);
	abi_leave(&reader);
	abi_leave(&reader);
	assert_int_equal(abi_reader_finish(&reader), 0);
	/* One value too many, a frame left early, the outermost left, values unread. */
	struct abi_reader other = reader;
	abi_get_u64(&other, &seven);
	assert_int_equal(abi_reader_finish(&other), -EBADMSG);
	abi_reader_init(&other, data.data + 4, data.len - 4, 3);
	assert_int_equal(abi_reader_finish(&other), -EBADMSG);
	abi_leave(&other);
	assert_int_equal(abi_reader_finish(&other), -EINVAL);
	free(data.data);
}

static void misuse_of_the_writer_is_seen(void **state)
{
	uint8_t out[4096];
	struct abi_writer writer;
	size_t len;
	(void)state;
	abi_writer_init(&writer, out, sizeof(out));
	abi_open(&writer, 1);
	assert_int_equal(abi_writer_finish(&writer, &len), -EINVAL);
	abi_close(&writer);
	assert_int_equal(abi_writer_finish(&writer, &len), -EINVAL);
	abi_writer_init(&writer, out, sizeof(out));
	abi_open(&writer, 1);
	abi_put_u64(&writer, 1);
	abi_put_u64(&writer, 1);
	assert_int_equal(abi_writer_finish(&writer, &len), -EINVAL);
	abi_writer_init(&writer, out, sizeof(out));
	abi_put_u64(&writer, 1);
	assert_int_equal(abi_writer_finish(&writer, &len), -EINVAL);
	abi_writer_init(&writer, out, sizeof(out));
	abi_open(&writer, 1);
	abi_put_fixed(&writer, "", 0);
	assert_int_equal(abi_writer_finish(&writer, &len), -EINVAL);
	abi_writer_init(&writer, out, sizeof(out));
	abi_open(&writer, 1);
	for (unsigned i = 0; i < ABI_DEPTH_MAX; i++)
		abi_open_tuple(&writer, 1);
	assert_int_equal(abi_writer_finish(&writer, &len), -EOVERFLOW);
	abi_writer_init(&writer, out, sizeof(out));
	abi_open(&writer, 1);
	abi_open(&writer, 1);
	assert_int_equal(abi_writer_finish(&writer, &len), -EINVAL);
	abi_writer_init(&writer, out, sizeof(out));
	abi_put_bytes(&writer, "", 0);
	assert_int_equal(abi_writer_finish(&writer, &len), -EINVAL);
	abi_writer_init(&writer, out, sizeof(out));
	abi_open(&writer, SIZE_MAX);
	assert_int_equal(abi_writer_finish(&writer, &len), -ENOSPC);
	abi_writer_init(&writer, out, sizeof(out));
	abi_open(&writer, 1);
	abi_open_array(&writer, SIZE_MAX / 32, 2);
	assert_int_equal(abi_writer_finish(&writer, &len), -ENOSPC);
	abi_writer_init(&writer, out, sizeof(out));
	abi_open(&writer, 1);
	abi_put_bytes(&writer, out, SIZE_MAX);
	assert_int_equal(abi_writer_finish(&writer, &len), -ENOSPC);
}

static void misuse_of_the_reader_is_seen(void **state)
{
	uint8_t data[32 * (ABI_DEPTH_MAX + 1)] = {0};
	struct abi_reader reader;
	size_t count = 7;
	uint8_t byte;
	(void)state;
	/* A tuple in a tuple in a tuple: each offset points just behind itself. */
	for (size_t i = 0; i <= ABI_DEPTH_MAX; i++)
		data[32 * i + 31] = 32;
	abi_reader_init(&reader, data, sizeof(data), 1);
	for (unsigned i = 1; i < ABI_DEPTH_MAX; i++)
		abi_enter_tuple(&reader, 1);
	assert_int_equal(reader.error, 0);
	abi_enter_tuple(&reader, 1);
	assert_int_equal(abi_reader_finish(&reader), -EOVERFLOW);
	abi_reader_init(&reader, data, sizeof(data), 1);
	abi_enter_tuple(&reader, 1);
	assert_int_equal(abi_reader_finish(&reader), -EBADMSG);
	abi_leave(&reader);
	assert_int_equal(abi_reader_finish(&reader), -EBADMSG);
	abi_reader_init(&reader, data, sizeof(data), 1);
	abi_enter_array(&reader, &count, 0);
	assert_int_equal(count, 0);
	assert_int_equal(abi_reader_finish(&reader), -EINVAL);
	abi_reader_init(&reader, data, sizeof(data), 1);
	abi_get_fixed(&reader, &byte, 0);
	assert_int_equal(abi_reader_finish(&reader), -EINVAL);
}

static void type_texts(void **state)
{
	static const struct {
		const char *text;
		int err;
		bool dynamic;
		size_t words;
	} types_cases[] = {{"uint256", 0, false, 1},
			   {"int8", 0, false, 1},
			   {"bytes32", 0, false, 1},
			   {"bytes1", 0, false, 1},
			   {"bytes", 0, true, 1},
			   {"string", 0, true, 1},
			   {"address[3]", 0, false, 3},
			   {"address[]", 0, true, 1},
			   {"uint8[2][3]", 0, false, 6},
			   {"uint8[][3]", 0, true, 1},
			   {"(uint8,(bool,address)[2],bytes4)", 0, false, 6},
			   {"(uint256,string[2][],bool)[]", 0, true, 1},
			   {"", -EBADMSG, false, 0},
			   {"uint", -EBADMSG, false, 0},
			   {"int", -EBADMSG, false, 0},
			   {"uint0", -EBADMSG, false, 0},
			   {"uint7", -EBADMSG, false, 0},
			   {"uint08", -EBADMSG, false, 0},
			   {"uint264", -EBADMSG, false, 0},
			   {"bytes0", -EBADMSG, false, 0},
			   {"bytes33", -EBADMSG, false, 0},
			   {"bytes01", -EBADMSG, false, 0},
			   {"function", -EBADMSG, false, 0},
			   {"fixed128x18", -EBADMSG, false, 0},
			   {"Uint256", -EBADMSG, false, 0},
			   {" uint256", -EBADMSG, false, 0},
			   {"uint256 ", -EBADMSG, false, 0},
			   {"uint256[0]", -EBADMSG, false, 0},
			   {"uint256[01]", -EBADMSG, false, 0},
			   {"uint256[-1]", -EBADMSG, false, 0},
			   {"uint256[", -EBADMSG, false, 0},
			   {"uint256]", -EBADMSG, false, 0},
			   {"[]", -EBADMSG, false, 0},
			   {"]", -EBADMSG, false, 0},
			   {"[2]uint8", -EBADMSG, false, 0},
			   {"()", -EBADMSG, false, 0},
			   {"(", -EBADMSG, false, 0},
			   {")", -EBADMSG, false, 0},
			   {"(uint8", -EBADMSG, false, 0},
			   {"uint8)", -EBADMSG, false, 0},
			   {"(uint8,)", -EBADMSG, false, 0},
			   {"(,uint8)", -EBADMSG, false, 0},
			   {"(uint8)(uint8)", -EBADMSG, false, 0},
			   {"(uint8))", -EBADMSG, false, 0},
			   {"((uint8)", -EBADMSG, false, 0},
			   {"tuple(uint8)", -EBADMSG, false, 0},
			   {"uint8[1048577]", -EBADMSG, false, 0},
			   {"uint8[1048576]", 0, false, 1048576},
			   {"(uint8[1048576],bool)", -EOVERFLOW, false, 0},
			   {"uint8[1048576][2]", -EOVERFLOW, false, 0},
			   {"uint8[99999999999999999999]", -EBADMSG, false, 0},
			   {"uint8[][][][][][][][][][][][][][][]", 0, true, 1},
			   {"uint8[][][][][][][][][][][][][][][][]", -EOVERFLOW, false, 0},
			   {"(uint8,uint8,uint8,uint8,uint8,uint8,uint8,uint8)", -ENOSPC, false, 0}};
	(void)state;
	for (size_t i = 0; i < COUNT(types_cases); i++) {
		bool small = types_cases[i].err == -ENOSPC;
		struct abi_type types[32];
		size_t count;
		int err = abi_type_parse(types, small ? 8 : COUNT(types), &count, types_cases[i].text,
					 strlen(types_cases[i].text));
		if (err != types_cases[i].err)
			fail_msg("%s gave %d", types_cases[i].text, err);
		if (err == 0) {
			assert_int_equal(types[0].dynamic, types_cases[i].dynamic);
			assert_int_equal(types[0].head_words, types_cases[i].words);
		}
	}
}

static void selectors(void **state)
{
	static const struct {
		const char *signature, *selector;
	} known[] = {{"ownerOf(uint256)", "6352211e"},
		     {"tokenURI(uint256)", "c87b56dd"},
		     {"getAgentWallet(uint256)", "00339509"},
		     {"isValidSignature(bytes32,bytes)", "1626ba7e"},
		     {"register(string,(string,bytes)[])", "8ea42286"}};
	(void)state;
	for (size_t i = 0; i < COUNT(known); i++) {
		uint8_t selector[4];
		abi_selector(selector, known[i].signature);
		assert_hex_equal(selector, 4, known[i].selector);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_refuses),
		cmocka_unit_test(shared_tails_cost_a_bounded_amount),
		cmocka_unit_test(two_heads_may_share_a_tail),
		cmocka_unit_test(utf8),
		cmocka_unit_test(writes_the_example),
		cmocka_unit_test(reads_the_example),
		cmocka_unit_test(misuse_of_the_writer_is_seen),
		cmocka_unit_test(misuse_of_the_reader_is_seen),
		cmocka_unit_test(type_texts),
		cmocka_unit_test(selectors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
