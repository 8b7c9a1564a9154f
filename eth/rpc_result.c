/* Reading results: each reader wants one exact shape and says -EBADMSG to every other. */
#include "eth/hex.h"
#include "eth/rpc_member.h"
#include "eth/rpc_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int eth_rpc_result_error(const struct eth_rpc_result *result)
{
	switch (result->outcome) {
	case ETH_RPC_OK:
		return 0;
	case ETH_RPC_REVERT:
		return -EPROTO;
	case ETH_RPC_LIMIT:
	case ETH_RPC_RETRYABLE:
		return -EAGAIN;
	case ETH_RPC_NO_METHOD:
		return -EOPNOTSUPP;
	case ETH_RPC_UNKNOWN_BLOCK:
		return -ESTALE;
	case ETH_RPC_REFUSED:
		break;
	}
	return -EIO;
}

static int result_text(const char **text, size_t *len, const struct eth_rpc_result *result)
{
	int err = eth_rpc_result_error(result);

	if (err != 0)
		return err;
	if (!json_is_string(result->value))
		return -EBADMSG;
	*text = json_string_value(result->value);
	*len = json_string_length(result->value);
	return 0;
}

int eth_rpc_result_u64(uint64_t *out, const struct eth_rpc_result *result)
{
	const char *text;
	size_t len;
	int err = result_text(&text, &len, result);

	return err != 0 ? err : hex_decode_quantity_u64(out, text, len);
}

int eth_rpc_result_u256(struct u256 *out, const struct eth_rpc_result *result)
{
	const char *text;
	size_t len;
	int err = result_text(&text, &len, result);

	return err != 0 ? err : u256_parse_quantity(out, text, len);
}

int eth_rpc_result_hash(struct eth_hash *out, const struct eth_rpc_result *result)
{
	const char *text;
	size_t len;
	int err = result_text(&text, &len, result);

	return err != 0 ? err : hex_decode_fixed(out->bytes, sizeof(out->bytes), text, len);
}

int eth_rpc_result_data(uint8_t *out, size_t *len, size_t room, const struct eth_rpc_result *result)
{
	const char *text;
	size_t text_len;
	int err = result_text(&text, &text_len, result);

	return err != 0 ? err : hex_decode_data(out, room, len, text, text_len);
}

int eth_rpc_result_data_take(uint8_t **out, size_t *len, const struct eth_rpc_result *result)
{
	const char *text;
	size_t text_len;
	uint8_t *bytes;
	int err = result_text(&text, &text_len, result);

	*out = NULL;
	*len = 0;
	if (err != 0)
		return err;
	bytes = malloc(text_len / 2 + 1);
	if (bytes == NULL)
		return -ENOMEM;
	err = hex_decode_data(bytes, text_len / 2 + 1, len, text, text_len);
	if (err != 0 || *len == 0) {
		free(bytes);
		return err;
	}
	*out = bytes;
	return 0;
}

int eth_rpc_result_block(struct eth_rpc_block *out, const struct eth_rpc_result *result)
{
	const json_t *object;
	int err = eth_rpc_result_object(&object, result);

	*out = (struct eth_rpc_block){0};
	if (err != 0)
		return err;
	eth_rpc_member_u64(&out->number, &err, object, "number");
	eth_rpc_member_hash(&out->hash, &err, object, "hash");
	eth_rpc_member_hash(&out->parent, &err, object, "parentHash");
	eth_rpc_member_u64(&out->time, &err, object, "timestamp");
	if (json_object_get(object, "baseFeePerGas") != NULL)
		eth_rpc_member_u256(&out->base_fee, &err, object, "baseFeePerGas");
	return err == -EOVERFLOW ? -EBADMSG : err; /* no chain comes to such numbers */
}

int eth_rpc_result_receipt(struct eth_rpc_receipt *out, const struct eth_rpc_result *result)
{
	const json_t *object;
	uint64_t status = 0;
	int err = eth_rpc_result_object(&object, result);

	*out = (struct eth_rpc_receipt){0};
	if (err != 0)
		return err;
	eth_rpc_member_hash(&out->transaction, &err, object, "transactionHash");
	eth_rpc_member_hash(&out->block, &err, object, "blockHash");
	eth_rpc_member_u64(&out->number, &err, object, "blockNumber");
	eth_rpc_member_u64(&out->gas_used, &err, object, "gasUsed");
	eth_rpc_member_u64(&status, &err, object, "status");
	if (json_object_get(object, "effectiveGasPrice") != NULL)
		eth_rpc_member_u256(&out->gas_price, &err, object, "effectiveGasPrice");
	out->logs = json_object_get(object, "logs");
	if (err == 0 && (status > 1 || !json_is_array(out->logs)))
		err = -EBADMSG;
	out->success = status == 1;
	return err;
}
