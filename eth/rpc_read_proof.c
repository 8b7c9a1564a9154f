/* An answer of eth_getProof taken apart: one piece of memory holds slots, nodes and the nodes' bytes. */
#include "eth/hex.h"
#include "eth/rpc_member.h"
#include "eth/rpc_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where the next node and the next byte go. */
struct memory {
	struct trie_node *nodes;
	uint8_t *bytes;
	size_t room;
};

/* Counts the nodes of one proof and the bytes that they need at most. */
static int measure(size_t *nodes, size_t *bytes, const json_t *proof)
{
	size_t n = json_array_size(proof);

	if (!json_is_array(proof))
		return -EBADMSG;
	if (n > TRIE_DEPTH_MAX)
		return -EOVERFLOW;
	for (size_t i = 0; i < n; i++) {
		const json_t *node = json_array_get(proof, i);

		if (!json_is_string(node))
			return -EBADMSG;
		if (json_string_length(node) > HEX_DATA_SIZE(TRIE_NODE_MAX))
			return -EOVERFLOW;
		*bytes += json_string_length(node) / 2;
	}
	*nodes += n;
	return 0;
}

static int measure_all(size_t *nodes, size_t *bytes, const json_t *object)
{
	const json_t *slots = json_object_get(object, "storageProof");
	int err = measure(nodes, bytes, json_object_get(object, "accountProof"));

	if (err == 0 && !json_is_array(slots))
		err = -EBADMSG;
	if (err == 0 && json_array_size(slots) > ETH_RPC_PROOF_SLOTS)
		err = -EOVERFLOW;
	for (size_t i = 0; err == 0 && i < json_array_size(slots); i++)
		err = measure(nodes, bytes, json_object_get(json_array_get(slots, i), "proof"));
	return err;
}

static int read_nodes(const struct trie_node **out, size_t *n, struct memory *memory, const json_t *proof)
{
	*out = memory->nodes;
	*n = json_array_size(proof);
	for (size_t i = 0; i < *n; i++) {
		const json_t *node = json_array_get(proof, i);
		size_t len;

		if (hex_decode_data(memory->bytes, memory->room, &len, json_string_value(node), json_string_length(node)) != 0)
			return -EBADMSG;
		*memory->nodes++ = (struct trie_node){.data = memory->bytes, .len = len};
		memory->bytes += len;
		memory->room -= len;
	}
	return 0;
}

/* Slots and values come as quantities or as 32 bytes, as the node likes (execution-apis: key "in the form asked for"). */
static void read_word(struct u256 *out, int *err, const json_t *object, const char *name)
{
	char digits[64];
	uint8_t bytes[32];
	const char *text;
	size_t len;

	if (*err == 0)
		*err = eth_rpc_member_text(&text, &len, object, name);
	if (*err == 0 && (len < 3 || len > 66 || text[0] != '0' || text[1] != 'x'))
		*err = -EBADMSG;
	if (*err != 0)
		return;
	char padded[2 + sizeof(digits)] = "0x";

	memset(padded + 2, '0', sizeof(digits));
	memcpy(padded + 2 + sizeof(digits) - (len - 2), text + 2, len - 2);
	*err = hex_decode_fixed(bytes, sizeof(bytes), padded, sizeof(padded));
	if (*err == 0)
		u256_from_bytes(out, bytes);
}

static int read_slot(struct eth_rpc_slot_proof *out, struct memory *memory, const json_t *object)
{
	int err = 0;

	read_word(&out->slot, &err, object, "key");
	read_word(&out->value, &err, object, "value");
	return err != 0 ? err : read_nodes(&out->nodes, &out->n, memory, json_object_get(object, "proof"));
}

void eth_rpc_proof_clear(struct eth_rpc_proof *proof)
{
	free(proof->memory);
	*proof = (struct eth_rpc_proof){0};
}

static int read_proof(struct eth_rpc_proof *out, struct memory *memory, const json_t *object)
{
	const json_t *slots = json_object_get(object, "storageProof");
	int err = 0;

	eth_rpc_member_fixed(out->address.bytes, &err, sizeof(out->address.bytes), object, "address");
	eth_rpc_member_u64(&out->nonce, &err, object, "nonce");
	eth_rpc_member_u256(&out->balance, &err, object, "balance");
	eth_rpc_member_hash(&out->storage, &err, object, "storageHash");
	eth_rpc_member_hash(&out->code, &err, object, "codeHash");
	if (err == 0)
		err = read_nodes(&out->nodes, &out->n, memory, json_object_get(object, "accountProof"));
	for (; err == 0 && out->nslots < json_array_size(slots); out->nslots++)
		err = read_slot(&out->slots[out->nslots], memory, json_array_get(slots, out->nslots));
	return err;
}

int eth_rpc_result_proof(struct eth_rpc_proof *out, const struct eth_rpc_result *result)
{
	size_t nodes = 0, bytes = 0, nslots;
	struct memory memory;
	const json_t *object;
	int err = eth_rpc_result_object(&object, result);

	*out = (struct eth_rpc_proof){0};
	if (err == 0)
		err = measure_all(&nodes, &bytes, object);
	if (err != 0)
		return err == -ENOENT ? -EBADMSG : err;
	nslots = json_array_size(json_object_get(object, "storageProof"));
	out->memory = calloc(1, nslots * sizeof(*out->slots) + nodes * sizeof(*memory.nodes) + bytes + 1);
	if (out->memory == NULL)
		return -ENOMEM;
	out->slots = out->memory;
	memory.nodes = (struct trie_node *)(void *)(out->slots + nslots);
	memory.bytes = (uint8_t *)(memory.nodes + nodes);
	memory.room = bytes;
	err = read_proof(out, &memory, object);
	if (err != 0)
		eth_rpc_proof_clear(out);
	return err;
}
