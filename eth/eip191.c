/* personal_sign. */

#include "eth/eip191.h"

#include "eth/u256.h"

void eip191_digest(struct eth_hash *out, const void *message, size_t len)
{
	static const char prefix[] = "\x19"
				     "Ethereum Signed Message:\n";
	char decimal[U256_DECIMAL_SIZE];
	struct u256 length = u256_from_u64(len);
	struct keccak hash;
	keccak_init(&hash);
	keccak_update(&hash, prefix, sizeof(prefix) - 1);
	keccak_update(&hash, decimal, u256_format_decimal(decimal, &length));
	keccak_update(&hash, message, len);
	keccak_final(&hash, out);
}
