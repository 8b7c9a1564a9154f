/* CID texts: base58btc, and the bases of a power of two and 36. */
#include "gateway/fetch/cid.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

enum {
	MULTIHASH_SHA256 = 0x12,
	BINARY_MAX = 64, /* of a CID read here: 36 bytes, and room to name others as unsupported */
	TEXT_MAX = 128,
};

static const char BASE16[] = "0123456789abcdef", BASE32[] = "abcdefghijklmnopqrstuvwxyz234567",
		  BASE36[] = "0123456789abcdefghijklmnopqrstuvwxyz",
		  BASE58[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

static int value_of(const char *alphabet, char c)
{
	const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

	return at != NULL ? (int)(at - alphabet) : -1;
}

/* RFC 4648 without padding: bits in order, what is left over must be zero. */
static int decode_bits(uint8_t *out, size_t *out_len, const char *alphabet, unsigned width, const char *text, size_t len)
{
	unsigned held = 0, bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int value = value_of(alphabet, text[i]);

		if (value < 0)
			return -EBADMSG;
		held = held << width | (unsigned)value;
		bits += width;
		if (bits < 8)
			continue;
		if (n == BINARY_MAX)
			return -EBADMSG;
		bits -= 8;
		out[n++] = (uint8_t)(held >> bits);
		held &= (1U << bits) - 1;
	}
	*out_len = n;
	return held == 0 && bits < width ? 0 : -EBADMSG;
}

/* One large number; a zero digit in front is a zero byte in front (base58btc, and base36 of multibase). */
static int decode_number(uint8_t *out, size_t *out_len, const char *alphabet, unsigned base, const char *text, size_t len)
{
	uint8_t number[BINARY_MAX] = {0}; /* least significant first */
	size_t n = 0, zeros = 0;

	while (zeros < len && text[zeros] == alphabet[0])
		zeros++;
	for (size_t i = zeros; i < len; i++) {
		int value = value_of(alphabet, text[i]);
		unsigned carry = (unsigned)value;

		if (value < 0)
			return -EBADMSG;
		for (size_t k = 0; k < n; k++) {
			carry += number[k] * base;
			number[k] = (uint8_t)carry;
			carry >>= 8;
		}
		if (carry != 0 && n == BINARY_MAX)
			return -EBADMSG;
		if (carry != 0)
			number[n++] = (uint8_t)carry;
	}
	if (zeros + n > BINARY_MAX)
		return -EBADMSG;
	memset(out, 0, zeros);
	for (size_t k = 0; k < n; k++)
		out[zeros + k] = number[n - 1 - k];
	*out_len = zeros + n;
	return 0;
}

/* unsigned-varint of multiformats: at most 9 bytes, the shortest form only. Returns bytes read, or 0. */
static size_t read_varint(uint64_t *out, const uint8_t *bytes, size_t len)
{
	*out = 0;
	for (size_t i = 0; i < len && i < 9; i++) {
		*out |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
		if ((bytes[i] & 0x80) == 0)
			return i > 0 && bytes[i] == 0 ? 0 : i + 1;
	}
	return 0;
}

/* multihash = code length digest */
static int read_multihash(struct cid *out, const uint8_t *bytes, size_t len)
{
	uint64_t code, size;
	size_t n = read_varint(&code, bytes, len), m = n != 0 ? read_varint(&size, bytes + n, len - n) : 0;

	if (m == 0 || size != len - n - m)
		return -EBADMSG;
	if (code != MULTIHASH_SHA256)
		return -EOPNOTSUPP;
	if (size != 32)
		return -EBADMSG;
	memcpy(out->digest, bytes + n + m, 32);
	return 0;
}

int cid_from_bytes(struct cid *out, const uint8_t *bytes, size_t len)
{
	uint64_t version, codec;
	size_t n, m;
	int rc;

	/* CIDv0 is a bare sha2-256 multihash */
	if (len == 34 && bytes[0] == MULTIHASH_SHA256 && bytes[1] == 32) {
		out->codec = CID_DAG_PB;
		return read_multihash(out, bytes, len);
	}
	n = read_varint(&version, bytes, len);
	m = n != 0 ? read_varint(&codec, bytes + n, len - n) : 0;
	if (m == 0 || version == 0)
		return -EBADMSG;
	if (version != 1)
		return -EOPNOTSUPP;
	rc = read_multihash(out, bytes + n + m, len - n - m);
	if (rc == 0 && codec != CID_RAW && codec != CID_DAG_PB)
		rc = -EOPNOTSUPP;
	if (rc == 0)
		out->codec = codec == CID_RAW ? CID_RAW : CID_DAG_PB;
	return rc;
}

static int decode_multibase(uint8_t *out, size_t *out_len, const char *text, size_t len)
{
	char lower[TEXT_MAX];

	for (size_t i = 0; i < len; i++)
		lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
	switch (text[0]) {
	case 'b':
		return decode_bits(out, out_len, BASE32, 5, text + 1, len - 1);
	case 'B':
		return decode_bits(out, out_len, BASE32, 5, lower + 1, len - 1);
	case 'f':
		return decode_bits(out, out_len, BASE16, 4, text + 1, len - 1);
	case 'F':
		return decode_bits(out, out_len, BASE16, 4, lower + 1, len - 1);
	case 'z':
		return decode_number(out, out_len, BASE58, 58, text + 1, len - 1);
	case 'k':
		return decode_number(out, out_len, BASE36, 36, text + 1, len - 1);
	case 'K':
		return decode_number(out, out_len, BASE36, 36, lower + 1, len - 1);
	default:
		return -EBADMSG;
	}
}

int cid_parse(struct cid *out, const char *text, size_t len)
{
	uint8_t bytes[BINARY_MAX];
	size_t n;

	if (len < 8 || len > TEXT_MAX || memchr(text, '\0', len) != NULL)
		return -EBADMSG;
	if (len == 46 && text[0] == 'Q' && text[1] == 'm') {
		if (decode_number(bytes, &n, BASE58, 58, text, len) != 0 || n != 34 || bytes[0] != MULTIHASH_SHA256 || bytes[1] != 32)
			return -EBADMSG;
		return cid_from_bytes(out, bytes, n);
	}
	if (decode_multibase(bytes, &n, text, len) != 0 || n == 0)
		return -EBADMSG;
	/* a CIDv0 has no multibase form (multiformats/cid, "Decoding algorithm") */
	return bytes[0] == MULTIHASH_SHA256 ? -EBADMSG : cid_from_bytes(out, bytes, n);
}

size_t cid_format(char out[static CID_TEXT_SIZE], const struct cid *cid)
{
	uint8_t bytes[36] = {1, (uint8_t)cid->codec, MULTIHASH_SHA256, 32};
	unsigned held = 0, bits = 0;
	size_t n = 0;

	memcpy(bytes + 4, cid->digest, 32);
	out[n++] = 'b';
	for (size_t i = 0; i < sizeof(bytes); i++) {
		held = (held << 8 | bytes[i]) & 0xffff;
		for (bits += 8; bits >= 5; bits -= 5)
			out[n++] = BASE32[held >> (bits - 5) & 31];
	}
	if (bits > 0)
		out[n++] = BASE32[held << (5 - bits) & 31];
	out[n] = '\0';
	return n;
}

bool cid_equal(const struct cid *a, const struct cid *b)
{
	return a->codec == b->codec && memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}

int cid_check(const struct cid *cid, const uint8_t *block, size_t len)
{
	uint8_t digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(digest, block, len);
	return memcmp(digest, cid->digest, sizeof(digest)) == 0 ? 0 : -EKEYREJECTED;
}
