/* Unsigned 256-bit integers on four 64-bit limbs. */

#include "eth/u256.h"

#include "eth/hex.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

struct u256 u256_from_u64(uint64_t value)
{
	return (struct u256){.limb = {value}};
}

int u256_to_u64(uint64_t *out, const struct u256 *value)
{
	if ((value->limb[1] | value->limb[2] | value->limb[3]) != 0)
		return -EOVERFLOW;
	*out = value->limb[0];
	return 0;
}

void u256_from_bytes(struct u256 *out, const uint8_t bytes[static 32])
{
	struct u256 value = {0};
	for (unsigned i = 0; i < 32; i++)
		value.limb[3 - i / 8] = value.limb[3 - i / 8] << 8 | bytes[i];
	*out = value;
}

void u256_to_bytes(uint8_t out[static 32], const struct u256 *value)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t limb = htobe64(value->limb[3 - i]);
		memcpy(out + (size_t)8 * i, &limb, sizeof(limb));
	}
}

size_t u256_to_minimal(uint8_t out[static 32], const struct u256 *value)
{
	uint8_t bytes[32];
	u256_to_bytes(bytes, value);
	size_t skip = 0;
	while (skip < 32 && bytes[skip] == 0)
		skip++;
	memcpy(out, bytes + skip, 32 - skip);
	return 32 - skip;
}

int u256_from_minimal(struct u256 *out, const uint8_t *bytes, size_t len)
{
	uint8_t padded[32] = {0};
	*out = (struct u256){0};
	if (len > 0 && bytes[0] == 0)
		return -EBADMSG;
	if (len > 32)
		return -EOVERFLOW;
	for (size_t i = 0; i < len; i++)
		padded[32 - len + i] = bytes[i];
	u256_from_bytes(out, padded);
	return 0;
}

int u256_parse_decimal(struct u256 *out, const char *text, size_t len)
{
	struct u256 value = {0};
	int err = 0;
	*out = value;
	if (len == 0 || (text[0] == '0' && len > 1))
		return -EBADMSG;
	if (len < 20) { /* what nearly all are */
		uint64_t small = 0;
		for (size_t i = 0; i < len; i++) {
			if (text[i] < '0' || text[i] > '9')
				return -EBADMSG;
			small = small * 10 + (uint64_t)(text[i] - '0');
		}
		*out = u256_from_u64(small);
		return 0;
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EBADMSG;
		struct u256 digit = u256_from_u64((uint64_t)(text[i] - '0'));
		/* Goes on after an overflow: whether all are digits decides which error it is. */
		if (u256_mul_u64(&value, &value, 10) != 0 || u256_add(&value, &value, &digit) != 0)
			err = -EOVERFLOW;
	}
	if (err == 0)
		*out = value;
	return err;
}

size_t u256_format_decimal(char out[static U256_DECIMAL_SIZE], const struct u256 *value)
{
	char reversed[U256_DECIMAL_SIZE];
	struct u256 rest = *value;
	size_t len = 0;
	do {
		reversed[len++] = (char)('0' + u256_div_u64(&rest, &rest, 10));
	} while (!u256_is_zero(&rest));
	for (size_t i = 0; i < len; i++)
		out[i] = reversed[len - 1 - i];
	out[len] = '\0';
	return len;
}

int u256_parse_quantity(struct u256 *out, const char *text, size_t len)
{
	/* Padded to 32 bytes, a quantity is the DATA form. */
	char padded[2 + 64];
	uint8_t bytes[32];
	*out = (struct u256){0};
	if (len < 3 || text[0] != '0' || text[1] != 'x' || (text[2] == '0' && len > 3))
		return -EBADMSG;
	for (size_t i = 2; i < len; i++) {
		char c = text[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
			return -EBADMSG;
	}
	if (len > sizeof(padded))
		return -EOVERFLOW;
	memset(padded, '0', sizeof(padded));
	padded[1] = 'x';
	memcpy(padded + sizeof(padded) - (len - 2), text + 2, len - 2);
	int err = hex_decode_fixed(bytes, sizeof(bytes), padded, sizeof(padded));
	if (err == 0)
		u256_from_bytes(out, bytes);
	return err;
}

size_t u256_format_quantity(char out[static U256_QUANTITY_SIZE], const struct u256 *value)
{
	uint8_t bytes[32];
	char text[HEX_DATA_SIZE(32)];
	u256_to_bytes(bytes, value);
	size_t len = hex_encode_data(text, bytes, sizeof(bytes));
	size_t skip = 2;
	while (skip < len - 1 && text[skip] == '0')
		skip++;
	out[0] = '0';
	out[1] = 'x';
	memcpy(out + 2, text + skip, len - skip + 1);
	return 2 + len - skip;
}

int u256_cmp(const struct u256 *a, const struct u256 *b)
{
	for (unsigned i = 4; i-- > 0;) {
		if (a->limb[i] != b->limb[i])
			return a->limb[i] < b->limb[i] ? -1 : 1;
	}
	return 0;
}

bool u256_is_zero(const struct u256 *value)
{
	return (value->limb[0] | value->limb[1] | value->limb[2] | value->limb[3]) == 0;
}

unsigned u256_bits(const struct u256 *value)
{
	for (unsigned i = 4; i-- > 0;) {
		if (value->limb[i] != 0)
			return 64 * i + 64 - (unsigned)__builtin_clzll(value->limb[i]);
	}
	return 0;
}

int u256_add(struct u256 *out, const struct u256 *a, const struct u256 *b)
{
	wide carry = 0;
	for (unsigned i = 0; i < 4; i++) {
		carry += (wide)a->limb[i] + b->limb[i];
		out->limb[i] = (uint64_t)carry;
		carry >>= 64;
	}
	return carry == 0 ? 0 : -EOVERFLOW;
}

int u256_sub(struct u256 *out, const struct u256 *a, const struct u256 *b)
{
	uint64_t borrow = 0;
	for (unsigned i = 0; i < 4; i++) {
		wide difference = (wide)a->limb[i] - b->limb[i] - borrow;
		out->limb[i] = (uint64_t)difference;
		borrow = (uint64_t)(difference >> 64) & 1;
	}
	return borrow == 0 ? 0 : -EOVERFLOW;
}

int u256_mul(struct u256 *out, const struct u256 *a, const struct u256 *b)
{
	uint64_t product[8] = {0};
	for (unsigned i = 0; i < 4; i++) {
		uint64_t carry = 0;
		for (unsigned j = 0; j < 4; j++) {
			wide sum = (wide)a->limb[i] * b->limb[j] + product[i + j] + carry;
			product[i + j] = (uint64_t)sum;
			carry = (uint64_t)(sum >> 64);
		}
		product[i + 4] = carry;
	}
	memcpy(out->limb, product, sizeof(out->limb));
	return (product[4] | product[5] | product[6] | product[7]) == 0 ? 0 : -EOVERFLOW;
}

int u256_mul_u64(struct u256 *out, const struct u256 *a, uint64_t b)
{
	uint64_t carry = 0;
	for (unsigned i = 0; i < 4; i++) {
		wide sum = (wide)a->limb[i] * b + carry;
		out->limb[i] = (uint64_t)sum;
		carry = (uint64_t)(sum >> 64);
	}
	return carry == 0 ? 0 : -EOVERFLOW;
}

uint64_t u256_div_u64(struct u256 *out, const struct u256 *a, uint64_t divisor)
{
	uint64_t remainder = 0;
	if (divisor == 0) {
		*out = (struct u256){0};
		return 0;
	}
	for (unsigned i = 4; i-- > 0;) {
		wide part = (wide)remainder << 64 | a->limb[i];
		out->limb[i] = (uint64_t)(part / divisor);
		remainder = (uint64_t)(part % divisor);
	}
	return remainder;
}
