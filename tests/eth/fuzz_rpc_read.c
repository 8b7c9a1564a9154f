/* Any JSON as the result of eth_getLogs, of a block and of eth_getProof. */
#include "eth/rpc_read.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eth_rpc_result result = {.outcome = ETH_RPC_OK};
	json_t *value = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	struct eth_rpc_header header;
	struct eth_rpc_proof proof;
	struct eth_rpc_logs logs;
	size_t total = 0;

	if (value == NULL)
		return 0;
	result.value = value;
	if (eth_rpc_result_logs(&logs, &result) == 0) {
		for (size_t i = 0; i < logs.n; i++) {
			for (size_t j = 0; j < logs.rows[i].data_len; j++)
				total += logs.rows[i].data[j];
			if (logs.rows[i].ntopics > ETH_RPC_TOPICS)
				abort();
		}
		eth_rpc_logs_clear(&logs);
	}
	if (eth_rpc_result_proof(&proof, &result) == 0) {
		for (size_t i = 0; i < proof.nslots; i++)
			for (size_t j = 0; j < proof.slots[i].n; j++)
				total += proof.slots[i].nodes[j].len;
		eth_rpc_proof_clear(&proof);
	}
	if (eth_rpc_result_header(&header, &result) == 0 && header.rlp_len == 0)
		abort();
	json_decref(value);
	return total == SIZE_MAX;
}
