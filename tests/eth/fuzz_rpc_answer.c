/* A node's answer, any bytes: the first byte chooses how many calls were asked, the rest is the body. Whatever is
 * accepted is then read in every way there is. */
#include "eth/rpc_message.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_everything(const struct eth_rpc_result *result)
{
	struct eth_rpc_receipt receipt;
	struct eth_rpc_block block;
	struct eth_hash hash;
	struct u256 wide;
	uint8_t bytes[32], *taken;
	uint64_t narrow;
	size_t len;
	int err = 0;

	err |= eth_rpc_result_u64(&narrow, result);
	err |= eth_rpc_result_u256(&wide, result);
	err |= eth_rpc_result_hash(&hash, result);
	err |= eth_rpc_result_data(bytes, &len, sizeof(bytes), result);
	err |= eth_rpc_result_block(&block, result);
	err |= eth_rpc_result_receipt(&receipt, result);
	err |= eth_rpc_result_data_take(&taken, &len, result);
	free(taken);
	(void)err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eth_rpc_answer *answer = NULL;
	size_t n;

	if (size < 1)
		return 0;
	n = (size_t)(data[0] & 7) + 1;
	if (eth_rpc_answer_parse(&answer, (const char *)data + 1, size - 1, 7, n) != 0)
		return 0;
	for (size_t i = 0; i < answer->n; i++)
		read_everything(&answer->results[i]);
	eth_rpc_answer_free(answer);
	return 0;
}
