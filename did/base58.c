/* base58btc both ways, and Base58Check. */
#include "did/base58.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#define CHECKSUM 4

static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

int base58btc_encode(char *out, size_t cap, const uint8_t *bytes, size_t len)
{
	uint8_t digits[BASE58BTC_TEXT_MAX + 1]; /* base 58, least significant first */
	size_t count = 0, zeros = 0;

	if (len > BASE58BTC_MAX)
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

int base58btc_decode(uint8_t *out, size_t cap, const char *text, size_t len)
{
	uint8_t bytes[BASE58BTC_TEXT_MAX] = {0}; /* base 256, least significant first */
	size_t count = 0, zeros = 0;

	if (len > BASE58BTC_TEXT_MAX)
		return -EOVERFLOW;
	while (zeros < len && text[zeros] == '1')
		zeros++;
	for (size_t i = zeros; i < len; i++) {
		const char *digit = text[i] ? strchr(alphabet, text[i]) : NULL;
		unsigned carry;

		if (!digit)
			return -EBADMSG;
		carry = (unsigned)(digit - alphabet);
		for (size_t j = 0; j < count; j++) {
			carry += (unsigned)bytes[j] * 58;
			bytes[j] = (uint8_t)carry;
			carry >>= 8;
		}
		if (carry)
			bytes[count++] = (uint8_t)carry;
	}
	if (zeros + count > BASE58BTC_MAX)
		return -EOVERFLOW;
	if (zeros + count > cap)
		return -ENOSPC;
	memset(out, 0, zeros);
	for (size_t i = 0; i < count; i++)
		out[zeros + i] = bytes[count - 1 - i];
	return (int)(zeros + count);
}

int base58btc_decode_checked(uint8_t *out, size_t cap, const char *text, size_t len)
{
	uint8_t bytes[BASE58BTC_MAX], once[crypto_hash_sha256_BYTES], twice[crypto_hash_sha256_BYTES];
	int count = base58btc_decode(bytes, sizeof(bytes), text, len);
	size_t body;

	if (count < 0)
		return count;
	if (count < CHECKSUM)
		return -EBADMSG;
	body = (size_t)count - CHECKSUM;
	crypto_hash_sha256(once, bytes, body);
	crypto_hash_sha256(twice, once, sizeof(once));
	if (memcmp(bytes + body, twice, CHECKSUM) != 0)
		return -EBADMSG;
	if (body > cap)
		return -ENOSPC;
	memcpy(out, bytes, body);
	return (int)body;
}
