/* Public keys as Multikey texts. */
#include "did/multikey.h"
#include "did/base58.h"

#include <errno.h>
#include <string.h>

#define PREFIX 2

/* Multicodec: the code as an unsigned varint, and how many bytes follow. */
static const struct codec {
	uint8_t prefix[PREFIX];
	size_t len;
} codecs[] = {
	[MULTIKEY_ED25519] = {{0xed, 0x01}, 32},
	[MULTIKEY_SECP256K1] = {{0xe7, 0x01}, 33},
	[MULTIKEY_P256] = {{0x80, 0x24}, 33},
};

static int check(const struct multikey *key)
{
	if ((size_t)key->type >= sizeof(codecs) / sizeof(codecs[0]) || key->len != codecs[key->type].len)
		return -EINVAL;
	if (key->type != MULTIKEY_ED25519 && key->bytes[0] != 2 && key->bytes[0] != 3)
		return -EINVAL;
	return 0;
}

int multikey_decode(struct multikey *out, const char *text, size_t len)
{
	uint8_t bytes[BASE58BTC_MAX];
	int count;

	memset(out, 0, sizeof(*out));
	if (len < 2)
		return -EBADMSG;
	if (text[0] != 'z')
		return -EOPNOTSUPP;
	count = base58btc_decode(bytes, sizeof(bytes), text + 1, len - 1);
	if (count == -EBADMSG)
		return -EBADMSG;
	for (size_t i = 0; count > PREFIX && i < sizeof(codecs) / sizeof(codecs[0]); i++) {
		if (memcmp(bytes, codecs[i].prefix, PREFIX) != 0)
			continue;
		if ((size_t)count - PREFIX != codecs[i].len)
			return -EBADMSG;
		out->type = (enum multikey_type)i;
		out->len = codecs[i].len;
		memcpy(out->bytes, bytes + PREFIX, out->len);
		return check(out) == 0 ? 0 : -EBADMSG;
	}
	return -EOPNOTSUPP;
}

int multikey_encode(char out[static MULTIKEY_TEXT_SIZE], const struct multikey *key)
{
	uint8_t bytes[PREFIX + sizeof(key->bytes)];
	int length;

	if (check(key) != 0)
		return -EINVAL;
	memcpy(bytes, codecs[key->type].prefix, PREFIX);
	memcpy(bytes + PREFIX, key->bytes, key->len);
	out[0] = 'z';
	length = base58btc_encode(out + 1, MULTIKEY_TEXT_SIZE - 1, bytes, PREFIX + key->len);
	return length < 0 ? -EINVAL : length + 1;
}

void multikey_ed25519(char out[static MULTIKEY_ED25519_SIZE], const uint8_t key[static 32])
{
	uint8_t bytes[34] = {0xed, 0x01};

	memcpy(bytes + PREFIX, key, 32);
	out[0] = 'z';
	/* 34 bytes that begin with 0xed are always 47 digits, so the result cannot fail */
	if (base58btc_encode(out + 1, MULTIKEY_ED25519_SIZE - 1, bytes, sizeof(bytes)) < 0)
		out[0] = '\0';
}
