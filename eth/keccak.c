/* The sponge around Nettle's Keccak-f[1600]. */

#include "eth/keccak.h"

#include <endian.h>
#include <string.h>

static uint64_t load_le64(const uint8_t *p)
{
	uint64_t value;
	memcpy(&value, p, sizeof(value));
	return le64toh(value);
}

static void absorb(struct sha3_state *state, const uint8_t block[static KECCAK_RATE])
{
	for (unsigned i = 0; i < KECCAK_RATE / 8; i++)
		state->a[i] ^= load_le64(block + (size_t)8 * i);
	sha3_permute(state);
}

void keccak_init(struct keccak *hash)
{
	memset(hash, 0, sizeof(*hash));
}

void keccak_update(struct keccak *hash, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	if (len == 0)
		return;
	if (hash->used > 0) {
		size_t take = KECCAK_RATE - hash->used < len ? KECCAK_RATE - hash->used : len;
		memcpy(hash->block + hash->used, bytes, take);
		hash->used += take;
		bytes += take;
		len -= take;
		if (hash->used < KECCAK_RATE)
			return;
		absorb(&hash->state, hash->block);
		hash->used = 0;
	}
	for (; len >= KECCAK_RATE; bytes += KECCAK_RATE, len -= KECCAK_RATE)
		absorb(&hash->state, bytes);
	memcpy(hash->block, bytes, len);
	hash->used = len;
}

void keccak_final(struct keccak *hash, struct eth_hash *out)
{
	memset(hash->block + hash->used, 0, KECCAK_RATE - hash->used);
	/* Padding 10*1: the first bit is the low one of the byte after the message, without FIPS 202's domain bits. */
	hash->block[hash->used] ^= 0x01;
	hash->block[KECCAK_RATE - 1] ^= 0x80;
	absorb(&hash->state, hash->block);
	for (unsigned i = 0; i < sizeof(out->bytes) / 8; i++) {
		uint64_t lane = htole64(hash->state.a[i]);
		memcpy(out->bytes + (size_t)8 * i, &lane, sizeof(lane));
	}
}

void keccak256(struct eth_hash *out, const void *data, size_t len)
{
	struct keccak hash;
	keccak_init(&hash);
	keccak_update(&hash, data, len);
	keccak_final(&hash, out);
}
