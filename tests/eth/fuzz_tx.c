/* A transaction that is read is written back to the same bytes. */

#include "eth/tx.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tx tx;
	struct eth_signature signature;
	struct eth_hash hash;
	size_t len;
	if (tx_decode(&tx, &signature, data, size) != 0)
		return 0;
	size_t room = tx_size_max(&tx);
	uint8_t *out = malloc(room);
	if (out == NULL)
		return 0;
	if (tx_encode_signed(out, room, &len, &tx, &signature) != 0 || len != size || memcmp(out, data, size) != 0)
		abort();
	if (tx_signing_hash(&hash, out, room, &tx) != 0)
		abort();
	free(out);
	return 0;
}
