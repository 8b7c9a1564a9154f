/* The 0x forms of JSON-RPC. See the header for what is refused. */

#include "eth/hex.h"

#include <errno.h>
#include <string.h>

static const char digits[] = "0123456789abcdef";
/* of each byte */
static const char pairs[] =
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
	"404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
	"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
	"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
	"a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
	"c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
	"e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int has_prefix(const char *text, size_t len)
{
	return len >= 2 && text[0] == '0' && text[1] == 'x';
}

int hex_decode_data(uint8_t *out, size_t out_size, size_t *len, const char *text, size_t text_len)
{
	*len = 0;
	if (!has_prefix(text, text_len) || text_len % 2 != 0)
		return -EBADMSG;
	size_t bytes = text_len / 2 - 1;
	for (size_t i = 2; i < text_len; i++) {
		if (hex_digit(text[i]) < 0)
			return -EBADMSG;
	}
	if (bytes > out_size)
		return -ENOSPC;
	for (size_t i = 0; i < bytes; i++)
		out[i] =
			(uint8_t)((unsigned)hex_digit(text[2 + 2 * i]) << 4 | (unsigned)hex_digit(text[3 + 2 * i]));
	*len = bytes;
	return 0;
}

int hex_decode_fixed(uint8_t *out, size_t size, const char *text, size_t text_len)
{
	size_t len;
	if (text_len / 2 != size + 1)
		return -EBADMSG;
	return hex_decode_data(out, size, &len, text, text_len);
}

int hex_decode_quantity_u64(uint64_t *out, const char *text, size_t text_len)
{
	*out = 0;
	if (!has_prefix(text, text_len) || text_len < 3 || (text[2] == '0' && text_len > 3))
		return -EBADMSG;
	uint64_t value = 0;
	for (size_t i = 2; i < text_len; i++) {
		int digit = hex_digit(text[i]);
		if (digit < 0)
			return -EBADMSG;
		value = value << 4 | (uint64_t)digit;
	}
	if (text_len > 2 + 16)
		return -EOVERFLOW;
	*out = value;
	return 0;
}

size_t hex_encode_data(char *out, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	out[0] = '0';
	out[1] = 'x';
	for (size_t i = 0; i < len; i++)
		memcpy(out + 2 + 2 * i, pairs + (size_t)2 * bytes[i], 2);
	out[2 + 2 * len] = '\0';
	return 2 + 2 * len;
}

size_t hex_encode_quantity(char out[static HEX_QUANTITY_SIZE], uint64_t value)
{
	size_t count = 1;
	while (count < 16 && value >> (4 * count) != 0)
		count++;
	out[0] = '0';
	out[1] = 'x';
	for (size_t i = 0; i < count; i++)
		out[2 + i] = digits[value >> (4 * (count - 1 - i)) & 15];
	out[2 + count] = '\0';
	return 2 + count;
}
