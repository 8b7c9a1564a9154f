#include "eth/bloom.h"

/* Yellow Paper §4.3.1: bit numbers from the first three pairs of bytes, modulo 2,048; byte 255 holds bits 0 to 7. */
static void bits_of(size_t byte[3], uint8_t mask[3], const void *item, size_t len)
{
	struct eth_hash hash;

	keccak256(&hash, item, len);
	for (size_t i = 0; i < 3; i++) {
		unsigned bit = ((unsigned)hash.bytes[2 * i] << 8 | hash.bytes[2 * i + 1]) & 2047;

		byte[i] = BLOOM_SIZE - 1 - bit / 8;
		mask[i] = (uint8_t)(1U << (bit % 8));
	}
}

bool bloom_may_contain(const uint8_t bloom[static BLOOM_SIZE], const void *item, size_t len)
{
	size_t byte[3];
	uint8_t mask[3];

	bits_of(byte, mask, item, len);
	return (bloom[byte[0]] & mask[0]) != 0 && (bloom[byte[1]] & mask[1]) != 0 && (bloom[byte[2]] & mask[2]) != 0;
}

bool bloom_may_contain_address(const uint8_t bloom[static BLOOM_SIZE], const struct eth_address *address)
{
	return bloom_may_contain(bloom, address->bytes, sizeof(address->bytes));
}

bool bloom_may_contain_topic(const uint8_t bloom[static BLOOM_SIZE], const struct eth_hash *topic)
{
	return bloom_may_contain(bloom, topic->bytes, sizeof(topic->bytes));
}

void bloom_add(uint8_t bloom[static BLOOM_SIZE], const void *item, size_t len)
{
	size_t byte[3];
	uint8_t mask[3];

	bits_of(byte, mask, item, len);
	for (size_t i = 0; i < 3; i++)
		bloom[byte[i]] |= mask[i];
}
