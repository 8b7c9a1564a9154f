/* Any bytes as a header: what is accepted has the hash of these bytes, and no shorter or longer form of it is accepted. */
#include "eth/header.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eth_header header;
	struct eth_hash hash;

	if (header_parse(&header, data, size) != 0)
		return 0;
	keccak256(&hash, data, size);
	if (memcmp(hash.bytes, header.hash.bytes, sizeof(hash.bytes)) != 0 || header.fields < HEADER_FIELDS_MIN ||
	    header.fields > HEADER_FIELDS_MAX)
		abort();
	if (header_parse(&header, data, size - 1) == 0)
		abort();
	return 0;
}
