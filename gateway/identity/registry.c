/* The registry's calls and answers. Selectors are written out, as facts §1.1 lists them; the tests derive them again
 * from the signatures. */
#include "gateway/identity/registry.h"
#include "eth/abi.h"
#include "eth/eip712.h"
#include "eth/hex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t OWNER_OF[4] = {0x63, 0x52, 0x21, 0x1e};
static const uint8_t GET_WALLET[4] = {0x00, 0x33, 0x95, 0x09};
static const uint8_t TOKEN_URI[4] = {0xc8, 0x7b, 0x56, 0xdd};
static const uint8_t UNSET_WALLET[4] = {0x3f, 0xdd, 0xcf, 0x19};
static const uint8_t REGISTER[4] = {0x1a, 0xa3, 0xa0, 0x08};
static const uint8_t REGISTER_URI[4] = {0xf2, 0xc2, 0x98, 0xbe};
static const uint8_t SET_URI[4] = {0x0a, 0xf2, 0x8b, 0xd3};
static const uint8_t SET_WALLET[4] = {0x2d, 0x1e, 0xf5, 0xae};
static const uint8_t REGISTER_WITH[4] = {0x8e, 0xa4, 0x22, 0x86};
static const uint8_t SET_METADATA[4] = {0x46, 0x66, 0x48, 0xda};
static const uint8_t IS_AUTHORISED[4] = {0xd9, 0x5e, 0x72, 0xbe};
static const uint8_t SAFE_TRANSFER_FROM[4] = {0x42, 0x84, 0x2e, 0x0e};
static const uint8_t TRANSFER_FROM[4] = {0x23, 0xb8, 0x72, 0xdd};
static const uint8_t NONEXISTENT_TOKEN[4] = {0x7e, 0x27, 0x32, 0x89};

/* Registered(uint256 indexed agentId, string agentURI, address indexed owner) */
static const uint8_t TOPIC_REGISTERED[32] = {0xca, 0x52, 0xe6, 0x2c, 0x36, 0x7d, 0x81, 0xbb, 0x2e, 0x32, 0x8e,
					     0xb7, 0x95, 0xf7, 0xc7, 0xba, 0x24, 0xaf, 0xb4, 0x78, 0x40, 0x8a,
					     0x26, 0xc0, 0xe2, 0x01, 0xd1, 0x55, 0xc4, 0x49, 0xbc, 0x4a};

static const size_t WORD = 32; /* of the ABI, in bytes */

static void call_id(uint8_t *out, const uint8_t selector[static 4], const struct u256 *id)
{
	memcpy(out, selector, 4);
	u256_to_bytes(out + 4, id);
}

void registry_call_owner_of(uint8_t out[static REGISTRY_CALL_ID_SIZE], const struct u256 *id)
{
	call_id(out, OWNER_OF, id);
}

void registry_call_wallet(uint8_t out[static REGISTRY_CALL_ID_SIZE], const struct u256 *id)
{
	call_id(out, GET_WALLET, id);
}

void registry_call_token_uri(uint8_t out[static REGISTRY_CALL_ID_SIZE], const struct u256 *id)
{
	call_id(out, TOKEN_URI, id);
}

void registry_call_unset_wallet(uint8_t out[static REGISTRY_CALL_ID_SIZE], const struct u256 *id)
{
	call_id(out, UNSET_WALLET, id);
}

void registry_call_is_authorised(uint8_t out[static REGISTRY_CALL_TWO_SIZE], const struct eth_address *spender,
				 const struct u256 *id)
{
	memset(out, 0, REGISTRY_CALL_TWO_SIZE);
	memcpy(out, IS_AUTHORISED, 4);
	memcpy(out + 4 + 12, spender->bytes, 20);
	u256_to_bytes(out + 36, id);
}

/* Room for `words` words of head, texts of `text_len` bytes together, at most two of them, and `more` bytes. */
static int begin(struct abi_writer *writer, uint8_t **out, const uint8_t selector[static 4], size_t words, size_t more,
		 size_t text_len)
{
	size_t room = 4 + WORD * (words + 2 + 3) + text_len + more;

	if (text_len > REGISTRY_URI_MAX)
		return -EOVERFLOW;
	*out = malloc(room);
	if (*out == NULL)
		return -ENOMEM;
	abi_writer_init(writer, *out, room);
	abi_put_selector(writer, selector);
	abi_open(writer, words);
	return 0;
}

static int finish(struct abi_writer *writer, uint8_t **out, size_t *out_len)
{
	int err;

	abi_close(writer);
	err = abi_writer_finish(writer, out_len);
	if (err != 0) {
		free(*out);
		*out = NULL;
	}
	return err;
}

int registry_call_register(uint8_t **out, size_t *out_len, const char *uri, size_t uri_len)
{
	struct abi_writer writer;
	int err = begin(&writer, out, uri_len == 0 ? REGISTER : REGISTER_URI, uri_len == 0 ? 0 : 1, 0, uri_len);

	if (err != 0)
		return err;
	if (uri_len > 0)
		abi_put_bytes(&writer, uri, uri_len);
	return finish(&writer, out, out_len);
}

int registry_call_register_with(uint8_t **out, size_t *out_len, const char *uri, size_t uri_len,
				const struct registry_metadata *entries, size_t count)
{
	struct abi_writer writer;
	size_t text_len = uri_len;
	int err;

	if (count > REGISTRY_METADATA_MAX)
		return -EOVERFLOW;
	for (size_t i = 0; i < count; i++) {
		if (entries[i].key_len > REGISTRY_URI_MAX || entries[i].value_len > REGISTRY_URI_MAX)
			return -EOVERFLOW;
		text_len += entries[i].key_len + entries[i].value_len;
	}
	/* an entry: its offset, two offsets inside it, two lengths, and the padding of two texts */
	err = begin(&writer, out, REGISTER_WITH, 2, 7 * WORD * count, text_len);
	if (err != 0)
		return err;
	abi_put_bytes(&writer, uri, uri_len);
	abi_open_array(&writer, count, 1);
	for (size_t i = 0; i < count; i++) {
		abi_open_tuple(&writer, 2);
		abi_put_bytes(&writer, entries[i].key, entries[i].key_len);
		abi_put_bytes(&writer, entries[i].value, entries[i].value_len);
		abi_close(&writer);
	}
	abi_close(&writer);
	return finish(&writer, out, out_len);
}

int registry_call_set_metadata(uint8_t **out, size_t *out_len, const struct u256 *id,
			       const struct registry_metadata *entry)
{
	struct abi_writer writer;
	int err;

	if (entry->key_len > REGISTRY_URI_MAX || entry->value_len > REGISTRY_URI_MAX)
		return -EOVERFLOW;
	err = begin(&writer, out, SET_METADATA, 3, 0, entry->key_len + entry->value_len);
	if (err != 0)
		return err;
	abi_put_u256(&writer, id);
	abi_put_bytes(&writer, entry->key, entry->key_len);
	abi_put_bytes(&writer, entry->value, entry->value_len);
	return finish(&writer, out, out_len);
}

int registry_call_set_uri(uint8_t **out, size_t *out_len, const struct u256 *id, const char *uri, size_t uri_len)
{
	struct abi_writer writer;
	int err = begin(&writer, out, SET_URI, 2, 0, uri_len);

	if (err != 0)
		return err;
	abi_put_u256(&writer, id);
	abi_put_bytes(&writer, uri, uri_len);
	return finish(&writer, out, out_len);
}

int registry_call_set_wallet(uint8_t **out, size_t *out_len, const struct u256 *id, const struct eth_address *wallet,
			     uint64_t deadline, const uint8_t *signature, size_t signature_len)
{
	struct abi_writer writer;
	int err = begin(&writer, out, SET_WALLET, 4, 0, signature_len);

	if (err != 0)
		return err;
	abi_put_u256(&writer, id);
	abi_put_address(&writer, wallet);
	abi_put_u64(&writer, deadline);
	abi_put_bytes(&writer, signature, signature_len);
	return finish(&writer, out, out_len);
}

static int call_transfer(uint8_t **out, size_t *out_len, const uint8_t selector[static 4],
			 const struct eth_address *from, const struct eth_address *to, const struct u256 *id)
{
	struct abi_writer writer;
	int err = begin(&writer, out, selector, 3, 0, 0);

	if (err != 0)
		return err;
	abi_put_address(&writer, from);
	abi_put_address(&writer, to);
	abi_put_u256(&writer, id);
	return finish(&writer, out, out_len);
}

int registry_call_transfer(uint8_t **out, size_t *out_len, const struct eth_address *from, const struct eth_address *to,
			   const struct u256 *id)
{
	return call_transfer(out, out_len, TRANSFER_FROM, from, to, id);
}

int registry_call_safe_transfer(uint8_t **out, size_t *out_len, const struct eth_address *from,
				const struct eth_address *to, const struct u256 *id)
{
	return call_transfer(out, out_len, SAFE_TRANSFER_FROM, from, to, id);
}

static int read_error(const struct eth_rpc_result *result)
{
	if (result->outcome == ETH_RPC_REVERT && result->revert_len >= 4 &&
	    memcmp(result->revert, NONEXISTENT_TOKEN, 4) == 0)
		return -ENOENT;
	return eth_rpc_result_error(result);
}

/* One word into room of 32 bytes, with a reader on it. */
static int read_word(struct abi_reader *reader, uint8_t word[static 32], const struct eth_rpc_result *result)
{
	size_t len = 0;
	int err = read_error(result);

	if (err == 0)
		err = eth_rpc_result_data(word, &len, 32, result);
	if (err != 0)
		return err == -ENOSPC ? -EBADMSG : err;
	if (len == 0)
		return -ENXIO;
	abi_reader_init(reader, word, len, 1);
	return 0;
}

int registry_read_bool(bool *out, const struct eth_rpc_result *result)
{
	struct abi_reader reader;
	uint8_t word[32];
	int err = read_word(&reader, word, result);

	*out = false;
	if (err != 0)
		return err;
	abi_get_bool(&reader, out);
	return abi_reader_finish(&reader);
}

static int read_address(struct eth_address *out, const struct eth_rpc_result *result)
{
	struct abi_reader reader;
	uint8_t word[32];
	int err = read_word(&reader, word, result);

	memset(out, 0, sizeof(*out));
	if (err != 0)
		return err;
	abi_get_address(&reader, out);
	return abi_reader_finish(&reader);
}

int registry_read_owner(struct eth_address *out, const struct eth_rpc_result *result)
{
	int err = read_address(out, result);

	/* ERC-721: an owner is never the zero address; a registry that says so is not one. */
	return err == 0 && address_is_zero(out) ? -EBADMSG : err;
}

int registry_read_wallet(struct eth_address *out, const struct eth_rpc_result *result)
{
	return read_address(out, result);
}

int registry_read_uri(char **out, size_t *out_len, const struct eth_rpc_result *result)
{
	struct abi_reader reader;
	const uint8_t *text;
	uint8_t *data = NULL;
	size_t data_len = 0, len = 0;
	int err = read_error(result);

	*out = NULL;
	*out_len = 0;
	if (err == 0)
		err = eth_rpc_result_data_take(&data, &data_len, result);
	if (err != 0)
		return err;
	if (data_len == 0)
		return -ENXIO;
	abi_reader_init(&reader, data, data_len, 1);
	abi_get_bytes(&reader, &text, &len);
	err = abi_reader_finish(&reader);
	if (err == 0 && len > REGISTRY_URI_MAX)
		err = -EOVERFLOW;
	if (err == 0) {
		*out = malloc(len + 1);
		err = *out == NULL ? -ENOMEM : 0;
	}
	if (err == 0) {
		memcpy(*out, text, len);
		(*out)[len] = '\0';
		*out_len = len;
	}
	free(data);
	return err;
}

static bool is_bytes(const json_t *value, const uint8_t *bytes, size_t len)
{
	uint8_t found[32];

	return json_is_string(value) && len <= sizeof(found) &&
	       hex_decode_fixed(found, len, json_string_value(value), json_string_length(value)) == 0 &&
	       memcmp(found, bytes, len) == 0;
}

int registry_read_registered(struct u256 *id, const struct eth_address *registry, const struct eth_rpc_receipt *receipt)
{
	for (size_t i = 0; i < json_array_size(receipt->logs); i++) {
		const json_t *entry = json_array_get(receipt->logs, i), *topics = json_object_get(entry, "topics");
		const json_t *topic = json_array_get(topics, 1);
		uint8_t word[32];

		if (!is_bytes(json_object_get(entry, "address"), registry->bytes, sizeof(registry->bytes)) ||
		    !is_bytes(json_array_get(topics, 0), TOPIC_REGISTERED, sizeof(TOPIC_REGISTERED)))
			continue;
		if (!json_is_string(topic) ||
		    hex_decode_fixed(word, sizeof(word), json_string_value(topic), json_string_length(topic)) != 0)
			return -EBADMSG;
		u256_from_bytes(id, word);
		return 0;
	}
	return -ENOENT;
}

void registry_wallet_digest(struct eth_hash *out, const struct registry *registry, const struct u256 *id,
			    const struct eth_address *wallet, const struct eth_address *owner, uint64_t deadline)
{
	static const char NAME[] = "ERC8004IdentityRegistry", VERSION[] = "1";
	const struct eip712_domain domain = {
		.name = NAME,
		.name_len = sizeof(NAME) - 1,
		.version = VERSION,
		.version_len = sizeof(VERSION) - 1,
		.has_chain_id = true,
		.chain_id = u256_from_u64(registry->chain_id),
		.verifying_contract = &registry->address,
	};
	struct eth_hash separator, type, hash, words[4];

	eip712_domain_separator(&separator, &domain);
	eip712_type_hash(&type, "AgentWalletSet(uint256 agentId,address newWallet,address owner,uint256 deadline)");
	eip712_word_u256(&words[0], id);
	eip712_word_address(&words[1], wallet);
	eip712_word_address(&words[2], owner);
	eip712_word_u64(&words[3], deadline);
	eip712_struct_hash(&hash, &type, words, 4);
	eip712_digest(out, &separator, &hash);
}
