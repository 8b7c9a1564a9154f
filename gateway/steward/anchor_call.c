#include "gateway/steward/anchor_call.h"

#include "eth/abi.h"
#include "eth/eip712.h"

#include <errno.h>
#include <string.h>

void anchor_digest(struct eth_hash *out, const struct anchor_contract *contract, uint64_t size, const struct merkle_hash *root)
{
	struct eip712_domain domain = {.name = "KedgeAnchor", .name_len = 11, .version = "1", .version_len = 1, .has_chain_id = true,
				       .chain_id = u256_from_u64(contract->chain_id), .verifying_contract = &contract->address};
	struct eth_hash separator, type, structure, words[3];

	eip712_domain_separator(&separator, &domain);
	eip712_type_hash(&type, "Anchor(bytes32 originHash,uint64 size,bytes32 root)");
	words[0] = contract->origin_hash;
	eip712_word_u64(&words[1], size);
	memcpy(words[2].bytes, root->bytes, 32);
	eip712_struct_hash(&structure, &type, words, 3);
	eip712_digest(out, &separator, &structure);
}

int anchor_call(uint8_t *out, size_t room, size_t *length, uint64_t size, const struct merkle_hash *root,
		const struct merkle_hash *proof, size_t count, const uint8_t authorisation[static SIGNATURE_SIZE])
{
	struct abi_writer writer;
	uint8_t selector[4];

	abi_selector(selector, "anchor(uint64,bytes32,bytes32[],bytes)");
	abi_writer_init(&writer, out, room);
	abi_put_selector(&writer, selector);
	abi_open(&writer, 4);
	abi_put_u64(&writer, size);
	abi_put_word(&writer, root->bytes);
	abi_open_array(&writer, count, 1);
	for (size_t i = 0; i < count; i++)
		abi_put_word(&writer, proof[i].bytes);
	abi_close(&writer);
	abi_put_bytes(&writer, authorisation, SIGNATURE_SIZE);
	abi_close(&writer);
	return abi_writer_finish(&writer, length);
}

void anchor_call_head(uint8_t out[static ANCHOR_CALL_HEAD])
{
	abi_selector(out, "head()");
}

int anchor_read_head(uint64_t *size, struct merkle_hash *root, const struct eth_rpc_result *result)
{
	uint8_t data[64];
	struct abi_reader reader;
	size_t length = 0;
	int rc = eth_rpc_result_data(data, &length, sizeof(data), result);

	if (rc != 0)
		return rc == -ENOSPC ? -EBADMSG : rc;
	if (length == 0)
		return -ENXIO;
	abi_reader_init(&reader, data, length, 2);
	abi_get_u64(&reader, size);
	abi_get_word(&reader, root->bytes);
	return abi_reader_finish(&reader);
}
