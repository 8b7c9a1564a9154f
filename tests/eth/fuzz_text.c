/* The texts of this room: what is read and written again is the text that was read. */

#include "eth/address.h"
#include "eth/hex.h"
#include "eth/u256.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool truth)
{
	if (!truth)
		abort();
}

/* The QUANTITY and DATA forms come back in lower case. */
static void expect_text(const char *got, size_t len, const char *text, size_t size)
{
	expect(len == size && strncasecmp(got, text, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char decimal[U256_DECIMAL_SIZE], quantity[U256_QUANTITY_SIZE], small[HEX_QUANTITY_SIZE],
		address_text[ADDRESS_TEXT_SIZE];
	uint8_t bytes[64];
	char hex[HEX_DATA_SIZE(64)];
	struct u256 value;
	struct eth_address address;
	uint64_t number;
	size_t len;
	if (u256_parse_decimal(&value, text, size) == 0)
		expect_text(decimal, u256_format_decimal(decimal, &value), text, size);
	if (u256_parse_quantity(&value, text, size) == 0) {
		expect_text(quantity, u256_format_quantity(quantity, &value), text, size);
		uint64_t again;
		expect((u256_to_u64(&again, &value) == 0) == (hex_decode_quantity_u64(&number, text, size) == 0));
	}
	if (hex_decode_quantity_u64(&number, text, size) == 0)
		expect_text(small, hex_encode_quantity(small, number), text, size);
	if (hex_decode_data(bytes, sizeof(bytes), &len, text, size) == 0)
		expect_text(hex, hex_encode_data(hex, bytes, len), text, size);
	if (hex_decode_fixed(bytes, 20, text, size) == 0)
		expect(size == 42);
	if (address_parse(&address, text, size) == 0) {
		address_format_eip55(address_text, &address);
		expect_text(address_text, 42, text, size);
		expect(address_parse(&address, address_text, 42) == 0);
	}
	return 0;
}
