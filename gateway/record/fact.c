#include "gateway/record/fact.h"

#include "did/jcs.h"
#include "eth/abi.h"
#include "eth/hex.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATA_MAX = 64 * 1024 };

static void u64be(uint8_t out[static 8], uint64_t value)
{
	for (size_t i = 0; i < 8; i++)
		out[i] = (uint8_t)(value >> (56 - 8 * i));
}

static void begin(crypto_hash_sha256_state *state, const char *domain, const char *text)
{
	crypto_hash_sha256_init(state);
	/* with its NUL: the 0x00 of the format */
	crypto_hash_sha256_update(state, (const uint8_t *)domain, strlen(domain) + 1);
	if (text)
		crypto_hash_sha256_update(state, (const uint8_t *)text, strlen(text) + 1);
}

void fact_identity_uid(uint8_t out[static 32], const char *key, const uint8_t block[static 32])
{
	crypto_hash_sha256_state state;

	begin(&state, "kedge/identity/v1", key);
	crypto_hash_sha256_update(&state, block, 32);
	crypto_hash_sha256_final(&state, out);
}

void fact_feedback_uid(uint8_t out[static 32], const char *chain, const uint8_t block[static 32], uint64_t log_index)
{
	crypto_hash_sha256_state state;
	uint8_t number[8];

	u64be(number, log_index);
	begin(&state, "kedge/feedback/v1", chain);
	crypto_hash_sha256_update(&state, block, 32);
	crypto_hash_sha256_update(&state, number, 8);
	crypto_hash_sha256_final(&state, out);
}

void fact_void_uid(uint8_t out[static 32], uint64_t target)
{
	crypto_hash_sha256_state state;
	uint8_t number[8];

	u64be(number, target);
	begin(&state, "kedge/void/v1", NULL);
	crypto_hash_sha256_update(&state, number, 8);
	crypto_hash_sha256_final(&state, out);
}

void fact_hash(uint8_t out[static 32], const void *data, size_t len)
{
	crypto_hash_sha256(out, data, len);
}

/* ---- payloads ---- */

static json_t *bytes_json(const uint8_t *data, size_t len)
{
	char *text = malloc(HEX_DATA_SIZE(len));
	json_t *value = NULL;

	if (text) {
		hex_encode_data(text, data, len);
		value = json_string(text);
	}
	free(text);
	return value;
}

/* A text as the chain holds it: any bytes. */
static json_t *text_json(const uint8_t *data, size_t len)
{
	json_t *value = memchr(data, 0, len) ? NULL : json_stringn((const char *)data, len);

	return value ? value : json_pack("{s:o}", "bytes", bytes_json(data, len));
}

static void set_text(json_t *object, const char *name, const uint8_t *data, size_t len)
{
	/* an unset member shows in fact_feedback_payload() as a missing one */
	(void)json_object_set_new(object, name, text_json(data ? data : (const uint8_t *)"", data ? len : 0));
}

static void set_address(json_t *object, const char *name, const struct eth_address *address)
{
	char text[ADDRESS_TEXT_SIZE];

	address_format_lower(text, address);
	(void)json_object_set_new(object, name, json_string(text));
}

static void set_number(json_t *object, const char *name, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%ju", (uintmax_t)number);
	(void)json_object_set_new(object, name, json_string(text));
}

/* int128 as decimal text. */
static void set_signed(json_t *object, const char *name, const struct u256 *word)
{
	char text[U256_DECIMAL_SIZE + 1] = "-";
	struct u256 zero = {0}, magnitude = *word;
	uint8_t bytes[32];

	u256_to_bytes(bytes, word);
	/* below zero the difference is the magnitude modulo 2^256, which u256_sub() reports as one that does not fit */
	if (bytes[0] & 0x80 && u256_sub(&magnitude, &zero, word) == -EOVERFLOW)
		u256_format_decimal(text + 1, &magnitude);
	else
		u256_format_decimal(text, word);
	(void)json_object_set_new(object, name, json_string(text));
}

/* NewFeedback(…, uint64 feedbackIndex, int128 value, uint8 valueDecimals, …, string tag1, string tag2, string endpoint,
 * string feedbackURI, bytes32 feedbackHash) */
static int add_feedback(json_t *object, const struct fact_feedback *feedback)
{
	const uint8_t *tag1, *tag2, *endpoint, *uri;
	size_t tag1_len, tag2_len, endpoint_len, uri_len;
	struct abi_reader in;
	struct u256 value, decimals;
	uint64_t index;
	uint8_t hash[32];
	char text[HEX_DATA_SIZE(32)];
	int rc;

	abi_reader_init(&in, feedback->data, feedback->len, 8);
	abi_get_u64(&in, &index);
	abi_get_int(&in, &value, 128);
	abi_get_uint(&in, &decimals, 8);
	abi_get_bytes(&in, &tag1, &tag1_len);
	abi_get_bytes(&in, &tag2, &tag2_len);
	abi_get_bytes(&in, &endpoint, &endpoint_len);
	abi_get_bytes(&in, &uri, &uri_len);
	abi_get_word(&in, hash);
	rc = abi_reader_finish(&in);
	if (rc != 0)
		return rc == -ENOMEM ? rc : -EBADMSG;
	hex_encode_data(text, hash, 32);
	set_number(object, "index", index);
	set_signed(object, "value", &value);
	u256_to_bytes(hash, &decimals);
	(void)json_object_set_new(object, "decimals", json_integer(hash[31]));
	set_text(object, "tag1", tag1, tag1_len);
	set_text(object, "tag2", tag2, tag2_len);
	set_text(object, "endpoint", endpoint, endpoint_len);
	set_text(object, "feedbackURI", uri, uri_len);
	(void)json_object_set_new(object, "feedbackHash", json_string(text));
	return json_object_size(object) == 10 ? 0 : -ENOMEM;
}

/* ResponseAppended(…, uint64 feedbackIndex, …, string responseURI, bytes32 responseHash) */
static int add_response(json_t *object, const struct fact_feedback *feedback)
{
	struct abi_reader in;
	const uint8_t *uri;
	size_t uri_len;
	uint64_t index;
	uint8_t hash[32];
	char text[HEX_DATA_SIZE(32)];
	int rc;

	abi_reader_init(&in, feedback->data, feedback->len, 3);
	abi_get_u64(&in, &index);
	abi_get_bytes(&in, &uri, &uri_len);
	abi_get_word(&in, hash);
	rc = abi_reader_finish(&in);
	if (rc != 0)
		return rc == -ENOMEM ? rc : -EBADMSG;
	hex_encode_data(text, hash, 32);
	set_number(object, "index", index);
	set_address(object, "responder", &feedback->responder);
	set_text(object, "responseURI", uri, uri_len);
	(void)json_object_set_new(object, "responseHash", json_string(text));
	return json_object_size(object) == 6 ? 0 : -ENOMEM;
}

static int add_revoked(json_t *object, const struct fact_feedback *feedback)
{
	uint64_t index = 0;

	if (feedback->len != 8)
		return -EBADMSG;
	for (size_t i = 0; i < 8; i++)
		index = index << 8 | feedback->data[i];
	set_number(object, "index", index);
	return json_object_size(object) == 3 ? 0 : -ENOMEM;
}

int fact_feedback_payload(char **out, size_t *len, const struct fact_feedback *feedback)
{
	json_auto_t *object = json_object();
	struct jcs_buffer buffer = {0};
	int rc;

	if (!object)
		return -ENOMEM;
	if (feedback->len > DATA_MAX)
		return -EOVERFLOW;
	set_address(object, "client", &feedback->client);
	set_address(object, "registry", &feedback->registry);
	if (feedback->event == FACT_FEEDBACK)
		rc = add_feedback(object, feedback);
	else if (feedback->event == FACT_RESPONSE)
		rc = add_response(object, feedback);
	else
		rc = add_revoked(object, feedback);
	if (rc == 0)
		rc = jcs_write(&buffer, object);
	if (rc != 0) {
		free(buffer.data);
		return rc;
	}
	*out = buffer.data;
	*len = buffer.len;
	return 0;
}
