/* The contract ABI against others' encoders: every value is written, compared, read back and compared again. */

#include "eth/abi.h"
#include "eth/abi_type.h"
#include "eth/address.h"

#include "vectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TYPES_MAX 512

/* An integer in decimal, perhaps negative, in two's complement. */
static struct u256 json_number(const json_t *value)
{
	struct u256 number, zero = u256_from_u64(0);
	if (json_is_integer(value)) {
		assert_true(json_integer_value(value) >= 0);
		return u256_from_u64((uint64_t)json_integer_value(value));
	}
	const char *text = json_string_value(value);
	bool negative = text[0] == '-';
	text += negative ? 1 : 0;
	assert_int_equal(u256_parse_decimal(&number, text, strlen(text)), 0);
	if (negative && u256_sub(&number, &zero, &number) == 0)
		fail_msg("-0 in a vector");
	return number;
}

/* bytes are 0x hex, or in ethereum/tests the characters themselves. */
static struct bytes json_bytes(const json_t *value)
{
	const char *text = json_string_value(value);
	if (strncmp(text, "0x", 2) == 0)
		return hex_bytes(text);
	struct bytes out = {.data = malloc(strlen(text) + 1), .len = strlen(text)};
	memcpy(out.data, text, out.len);
	return out;
}

static void put_elementary(struct abi_writer *writer, const struct abi_type *type, const json_t *value)
{
	struct eth_address address;
	if (type->kind == ABI_UINT || type->kind == ABI_INT) {
		struct u256 number = json_number(value);
		abi_put_u256(writer, &number);
	} else if (type->kind == ABI_BOOL) {
		abi_put_bool(writer, json_is_true(value));
	} else if (type->kind == ABI_ADDRESS) {
		assert_int_equal(address_parse(&address, json_string_value(value), 42), 0);
		abi_put_address(writer, &address);
	} else if (type->kind == ABI_STRING) {
		abi_put_bytes(writer, json_string_value(value), json_string_length(value));
	} else {
		struct bytes bytes = json_bytes(value);
		if (type->kind == ABI_FIXED_BYTES)
			abi_put_fixed(writer, bytes.data, bytes.len);
		else
			abi_put_bytes(writer, bytes.data, bytes.len);
		free(bytes.data);
	}
}

static void put_value(struct abi_writer *writer, const struct abi_type *types, size_t index, const json_t *value)
{
	const struct abi_type *type = &types[index];
	if (type->kind != ABI_TUPLE && type->kind != ABI_ARRAY && type->kind != ABI_DYNAMIC_ARRAY) {
		put_elementary(writer, type, value);
		return;
	}
	size_t count = json_array_size(value), child = type->child;
	if (type->kind == ABI_DYNAMIC_ARRAY)
		abi_open_array(writer, count, types[child].head_words);
	else if (type->dynamic)
		abi_open_tuple(writer, abi_type_frame_words(types, index));
	for (size_t i = 0; i < count; i++) {
		put_value(writer, types, child, json_array_get(value, i));
		if (type->kind == ABI_TUPLE)
			child = types[child].next;
	}
	if (type->dynamic)
		abi_close(writer);
}

static void match_bytes(struct abi_reader *reader, const struct abi_type *type, const json_t *value)
{
	struct bytes expected = json_bytes(value);
	uint8_t fixed[32];
	const uint8_t *got = fixed;
	size_t len = type->size;
	if (type->kind == ABI_FIXED_BYTES)
		abi_get_fixed(reader, fixed, type->size);
	else
		abi_get_bytes(reader, &got, &len);
	assert_int_equal(len, expected.len);
	assert_memory_equal(got, expected.data, len);
	free(expected.data);
}

static void match_elementary(struct abi_reader *reader, const struct abi_type *type, const json_t *value)
{
	struct u256 number, expected;
	struct eth_address address, expected_address;
	const char *text;
	size_t len;
	bool boolean;
	if (type->kind == ABI_UINT || type->kind == ABI_INT) {
		if (type->kind == ABI_UINT)
			abi_get_uint(reader, &number, (unsigned)type->size);
		else
			abi_get_int(reader, &number, (unsigned)type->size);
		expected = json_number(value);
		assert_int_equal(u256_cmp(&number, &expected), 0);
	} else if (type->kind == ABI_BOOL) {
		abi_get_bool(reader, &boolean);
		assert_int_equal(boolean, json_is_true(value));
	} else if (type->kind == ABI_ADDRESS) {
		abi_get_address(reader, &address);
		assert_int_equal(address_parse(&expected_address, json_string_value(value), 42), 0);
		assert_true(address_equal(&address, &expected_address));
	} else if (type->kind == ABI_STRING) {
		assert_int_equal(abi_get_string(reader, &text, &len), 0);
		assert_int_equal(len, json_string_length(value));
		assert_memory_equal(text, json_string_value(value), len);
	} else {
		match_bytes(reader, type, value);
	}
}

static void match_value(struct abi_reader *reader, const struct abi_type *types, size_t index, const json_t *value)
{
	const struct abi_type *type = &types[index];
	if (type->kind != ABI_TUPLE && type->kind != ABI_ARRAY && type->kind != ABI_DYNAMIC_ARRAY) {
		match_elementary(reader, type, value);
		return;
	}
	size_t count = type->size, child = type->child;
	if (type->kind == ABI_DYNAMIC_ARRAY)
		abi_enter_array(reader, &count, types[child].head_words);
	else if (type->dynamic)
		abi_enter_tuple(reader, abi_type_frame_words(types, index));
	assert_int_equal(reader->error, 0);
	assert_int_equal(count, json_array_size(value));
	for (size_t i = 0; i < count; i++) {
		match_value(reader, types, child, json_array_get(value, i));
		if (type->kind == ABI_TUPLE)
			child = types[child].next;
	}
	if (type->dynamic)
		abi_leave(reader);
}

/* `values` in one type each, as the arguments of a call. */
static void check_case(const char *const *type_texts, size_t count, const json_t *const *values, const char *encoded)
{
	static struct abi_type types[8][TYPES_MAX];
	struct bytes expected = hex_bytes(encoded);
	uint8_t *out = malloc(expected.len + 1);
	struct abi_writer writer;
	struct abi_reader reader;
	size_t head = 0, len, ignored;
	assert_true(count <= COUNT(types));
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(abi_type_parse(types[i], TYPES_MAX, &ignored, type_texts[i], strlen(type_texts[i])),
				 0);
		head += types[i][0].head_words;
	}
	abi_writer_init(&writer, out, expected.len);
	abi_open(&writer, head);
	for (size_t i = 0; i < count; i++)
		put_value(&writer, types[i], 0, values[i]);
	abi_close(&writer);
	assert_int_equal(abi_writer_finish(&writer, &len), 0);
	assert_int_equal(len, expected.len);
	assert_memory_equal(out, expected.data, len);
	abi_reader_init(&reader, expected.data, expected.len, head);
	for (size_t i = 0; i < count; i++)
		match_value(&reader, types[i], 0, values[i]);
	assert_int_equal(abi_reader_finish(&reader), 0);
	/* Without its last word the same data are incomplete. */
	abi_reader_init(&reader, expected.data, expected.len - 32, head);
	int err = 0;
	for (size_t i = 0; i < count; i++)
		err |= abi_type_skip(&reader, types[i], 0);
	assert_true(err != 0);
	free(out);
	free(expected.data);
}

static void ethereum_tests(void **state)
{
	(void)state;
	json_t *root = vectors_load("ethereum-tests/ABITests/basic_abi_tests.json"), *item;
	const char *name;
	json_object_foreach(root, name, item)
	{
		const char *types[8];
		const json_t *values[8];
		size_t count = json_array_size(json_object_get(item, "types"));
		assert_true(count <= 8);
		for (size_t i = 0; i < count; i++) {
			types[i] = json_string_value(json_array_get(json_object_get(item, "types"), i));
			values[i] = json_array_get(json_object_get(item, "args"), i);
		}
		check_case(types, count, values, text_of(item, "result"));
	}
	assert_int_equal(json_object_size(root), 3);
	print_message("ethereum-tests ABITests: %zu cases\n", json_object_size(root));
	json_decref(root);
}

/* ethers writes the aliases uint and int in its types; the canonical ones are uint256 and int256. */
static void canonical(char *out, size_t size, const char *type)
{
	size_t used = 0;
	for (const char *p = type; *p != '\0'; p++) {
		assert_true(used + 5 < size);
		out[used++] = *p;
		if (*p == 't' && p > type && p[-1] == 'n' && strchr("[](),", p[1]) != NULL) {
			memcpy(out + used, "256", 3);
			used += 3;
		}
	}
	out[used] = '\0';
}

static void ethers_abi(void **state)
{
	(void)state;
	json_t *root = vectors_load("ethers/abi.json.gz"), *item;
	size_t i;
	json_array_foreach(root, i, item)
	{
		char text[1024];
		const char *type = text;
		const json_t *value = json_object_get(item, "value");
		canonical(text, sizeof(text), text_of(item, "type"));
		check_case(&type, 1, &value, text_of(item, "encoded"));
	}
	assert_int_equal(i, 1024);
	print_message("ethers abi: %zu cases\n", i);
	json_decref(root);
}

/* Our answers to the malicious inputs; where ethers is milder, the reason is the rule in eth/abi.h. */
static const struct {
	const char *note;
	int err;
} malicious[] = {
	{"valid", 0},
	{"tail not padded", -EBADMSG},
	{"dirty padding", -EBADMSG},
	{"non-canonical offset", 0},
	{"offset to itself: length word = 0", -EBADMSG},
	{"length 2^255", -EBADMSG},
	{"offset 2^256-1", -EBADMSG},
	{"offset -32 (wraps)", -EBADMSG},
	{"offset 2^64: truncation to 64 bit gives 0", -EBADMSG},
	{"offset 2^64+32: truncation to 64 bit gives a valid one", -EBADMSG},
	{"length 2^64+5", -EBADMSG},
	{"length beyond the end", -EBADMSG},
	{"unaligned offset", -EBADMSG},
	{"array length 2^59: times 32 overflows 64 bit", -EBADMSG},
	{"array length without data", -EBADMSG},
	{"string[] heads point back to the head", -EBADMSG},
	{"self referencing nested arrays (exponential work)", -EBADMSG},
	{"two heads share one tail", 0},
	{"bool = 2", -EBADMSG},
	{"address with dirty top bytes", -EBADMSG},
	{"uint8 = 256", -EBADMSG},
	{"bytes4 dirty tail", -EBADMSG},
	{"invalid UTF-8", -EILSEQ},
	{"embedded NUL", 0},
	{"empty return data", -ENOENT},
	{"short data", -EBADMSG},
};

static int expected_answer(const char *note)
{
	for (size_t i = 0; i < COUNT(malicious); i++) {
		if (strcmp(malicious[i].note, note) == 0)
			return malicious[i].err;
	}
	fail_msg("no rule for \"%s\"", note);
	return 0;
}

static void malicious_data(void **state)
{
	(void)state;
	json_t *root = vectors_load("generated/abi_malicious_decode.json"), *item;
	size_t i;
	json_array_foreach(json_object_get(root, "cases"), i, item)
	{
		struct abi_type types[2][8];
		struct abi_reader reader;
		struct bytes data = hex_bytes(text_of(item, "data"));
		const json_t *texts = json_object_get(item, "types");
		size_t head = 0, ignored, count = json_array_size(texts);
		assert_true(count <= 2);
		for (size_t t = 0; t < count; t++) {
			const char *text = json_string_value(json_array_get(texts, t));
			assert_int_equal(abi_type_parse(types[t], 8, &ignored, text, strlen(text)), 0);
			head += types[t][0].head_words;
		}
		abi_reader_init(&reader, data.data, data.len, head);
		int err = 0;
		for (size_t t = 0; t < count; t++) {
			int one = abi_type_skip(&reader, types[t], 0);
			err = err != 0 ? err : one;
		}
		err = err != 0 ? err : abi_reader_finish(&reader);
		if (err != expected_answer(text_of(item, "note")))
			fail_msg("%s gave %d", text_of(item, "note"), err);
		free(data.data);
	}
	assert_int_equal(i, 26);
	print_message("generated malicious ABI: %zu cases\n", i);
	json_decref(root);
}

/* One case here too, so that the walk is exercised without the shared folder. The bytes are from an independent
 * encoder. */
static void walks_a_nested_value(void **state)
{
	static const char *const types[] = {"string[2]", "uint8[3]", "(int16,bool)", "bytes4[]"};
	static const char encoded[] = "00000000000000000000000000000000000000000000000000000000000000e0"
				      "0000000000000000000000000000000000000000000000000000000000000001"
				      "0000000000000000000000000000000000000000000000000000000000000002"
				      "0000000000000000000000000000000000000000000000000000000000000003"
				      "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe"
				      "0000000000000000000000000000000000000000000000000000000000000001"
				      "00000000000000000000000000000000000000000000000000000000000001a0"
				      "0000000000000000000000000000000000000000000000000000000000000040"
				      "0000000000000000000000000000000000000000000000000000000000000080"
				      "0000000000000000000000000000000000000000000000000000000000000001"
				      "6100000000000000000000000000000000000000000000000000000000000000"
				      "0000000000000000000000000000000000000000000000000000000000000002"
				      "6263000000000000000000000000000000000000000000000000000000000000"
				      "0000000000000000000000000000000000000000000000000000000000000001"
				      "0102030400000000000000000000000000000000000000000000000000000000";
	(void)state;
	json_t *values = json_pack("[[s,s],[i,i,i],[s,b],[s]]", "a", "bc", 1, 2, 3, "-2", 1, "0x01020304");
	const json_t *list[4];
	assert_non_null(values);
	for (size_t i = 0; i < 4; i++)
		list[i] = json_array_get(values, i);
	check_case(types, 4, list, encoded);
	json_decref(values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(walks_a_nested_value), cmocka_unit_test(ethereum_tests),
					   cmocka_unit_test(ethers_abi), cmocka_unit_test(malicious_data)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
