/* base58btc and the Multikey form of an Ed25519 key. */
#include "did/multikey.h"

#include <errno.h>
#include <string.h>

#define MAX_BYTES 128
#define MAX_DIGITS (MAX_BYTES * 138 / 100 + 1) /* log(256) / log(58) is a little below 1.38 */

int base58btc_encode(char *out, size_t cap, const uint8_t *bytes, size_t len)
{
	static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
	uint8_t digits[MAX_DIGITS]; /* base 58, least significant first */
	size_t count = 0, zeros = 0;

	if (len > MAX_BYTES)
		return -EOVERFLOW;
	while (zeros < len && bytes[zeros] == 0)
		zeros++;
	for (size_t i = zeros; i < len; i++) {
		unsigned carry = bytes[i];

		for (size_t j = 0; j < count; j++) {
			carry += (unsigned)digits[j] << 8;
			digits[j] = (uint8_t)(carry % 58);
			carry /= 58;
		}
		for (; carry; carry /= 58)
			digits[count++] = (uint8_t)(carry % 58);
	}
	if (zeros + count + 1 > cap)
		return -ENOSPC;
	memset(out, '1', zeros);
	for (size_t i = 0; i < count; i++)
		out[zeros + i] = alphabet[digits[count - 1 - i]];
	out[zeros + count] = '\0';
	return (int)(zeros + count);
}

void multikey_ed25519(char out[static MULTIKEY_ED25519_SIZE], const uint8_t key[static 32])
{
	uint8_t bytes[34] = {0xed, 0x01};

	memcpy(bytes + 2, key, 32);
	out[0] = 'z';
	/* 34 bytes that begin with 0xed are always 47 digits, so the result cannot fail */
	if (base58btc_encode(out + 1, MULTIKEY_ED25519_SIZE - 1, bytes, sizeof(bytes)) < 0)
		out[0] = '\0';
}
