/* The text of an error, any bytes: the first two are code and status, then what a hint must hold in any case. */
#include "eth/rpc_errors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t CODES[] = {0, 3, -32000, -32005, -32601, -32602, -32603, 429};
	static const long STATUS[] = {0, 200, 400, 413, 429, 500, 503, 404};
	struct eth_rpc_hint hint;
	enum eth_rpc_outcome with, without;
	const char *text;

	if (size < 2)
		return 0;
	text = (const char *)data + 2;
	with = eth_rpc_errors_classify(&hint, STATUS[data[1] & 7], CODES[data[0] & 7], text, size - 2, (data[0] & 8) != 0);
	if (hint.from > hint.to || (!hint.has_range && hint.to != 0))
		abort();
	if (with != ETH_RPC_LIMIT && (hint.blocks != 0 || hint.has_range || hint.batch))
		abort();
	if (with != ETH_RPC_RETRYABLE && hint.rate)
		abort();
	without = eth_rpc_errors_classify(NULL, STATUS[data[1] & 7], CODES[data[0] & 7], text, size - 2, (data[0] & 8) != 0);
	if (with != without)
		abort();
	return 0;
}
