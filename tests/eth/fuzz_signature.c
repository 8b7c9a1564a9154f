/* 32 bytes of digest and a signature: parsing, recovering and writing agree with each other. */

#include "eth/signature.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct signature_context *context;
	static const uint8_t seed[32] = {1};
	struct eth_signature signature;
	struct eth_address address;
	struct eth_hash digest;
	uint8_t out[SIGNATURE_SIZE];
	if (context == NULL)
		context = signature_context_new(seed);
	if (context == NULL || size < sizeof(digest))
		return 0;
	memcpy(digest.bytes, data, sizeof(digest.bytes));
	data += sizeof(digest);
	size -= sizeof(digest);
	int err = signature_parse(&signature, data, size);
	if (err != 0)
		return 0;
	signature_serialize(out, &signature);
	if (size != sizeof(out) || memcmp(out, data, size) != 0 || signature_check(&signature) != 0)
		abort();
	if (signature_recover(context, &address, &signature, &digest) != 0)
		return 0;
	if (signature_verify(context, &signature, &digest, &address) != 0)
		abort();
	signature.parity ^= 1;
	if (signature_verify(context, &signature, &digest, &address) == 0)
		abort();
	return 0;
}
