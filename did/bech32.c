/* Bech32 and Bech32m, as far as an address needs checking. */
#include "did/bech32.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define MAX_TEXT 90
#define CHECKSUM 6
#define BECH32 UINT32_C(1)
#define BECH32M UINT32_C(0x2bc830a3)

/* The BCH code over GF(32) of BIP 173. */
static uint32_t polymod(uint32_t sum, unsigned value)
{
	static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
	uint32_t top = sum >> 25;

	sum = (sum & 0x1ffffff) << 5 ^ value;
	for (unsigned i = 0; i < 5; i++)
		if (top >> i & 1)
			sum ^= generator[i];
	return sum;
}

/* "The human-readable part ... MUST contain 1 to 83 US-ASCII characters, with each character having a value in the range
 * [33-126]"; its case counts too. */
static int add_prefix(uint32_t *sum, const char *text, size_t len)
{
	if (len == 0)
		return -EBADMSG;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < 33 || text[i] > 126 || (text[i] >= 'A' && text[i] <= 'Z'))
			return -EBADMSG;
		*sum = polymod(*sum, (unsigned)text[i] >> 5);
	}
	*sum = polymod(*sum, 0);
	for (size_t i = 0; i < len; i++)
		*sum = polymod(*sum, (unsigned)text[i] & 31);
	return 0;
}

/* "The last 1 in the string is the separator." */
static size_t separator(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] != '1')
		len--;
	return len;
}

/* Five-bit words become bytes; what is left over is fewer than five bits and zero. */
static int program_length(const uint8_t *words, size_t count)
{
	size_t spare = count * 5 % 8;

	if (count == 0 || spare >= 5 || (words[count - 1] & ((1u << spare) - 1)) != 0)
		return -EBADMSG;
	return (int)(count * 5 / 8);
}

int bech32_address_check(const char *text, size_t len)
{
	static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	size_t start = len <= MAX_TEXT ? separator(text, len) : 0, count;
	uint8_t words[MAX_TEXT];
	uint32_t sum = 1;
	int program;

	if (start == 0 || len - start < CHECKSUM + 1 || add_prefix(&sum, text, start - 1) != 0)
		return -EBADMSG;
	count = len - start;
	for (size_t i = 0; i < count; i++) {
		const char *found = text[start + i] ? strchr(alphabet, text[start + i]) : NULL;

		if (!found)
			return -EBADMSG;
		words[i] = (uint8_t)(found - alphabet);
		sum = polymod(sum, words[i]);
	}
	if (words[0] > 16 || sum != (words[0] == 0 ? BECH32 : BECH32M))
		return -EBADMSG;
	program = program_length(words + 1, count - CHECKSUM - 1);
	if (program < 2 || program > 40 || (words[0] == 0 && program != 20 && program != 32))
		return -EBADMSG;
	return words[0];
}
