/* aggregate3 written and read. */
#include "gateway/identity/multicall.h"
#include "eth/abi.h"
#include "gateway/identity/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { READS = 3, TARGET_WORDS = 3 };

/* aggregate3((address,bool,bytes)[]) */
static const uint8_t AGGREGATE3[4] = {0x82, 0xad, 0x56, 0xcb};
/* ERC721NonexistentToken(uint256) */
static const uint8_t NONEXISTENT_TOKEN[4] = {0x7e, 0x27, 0x32, 0x89};

void multicall_states_clear(struct multicall_state *states, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(states[i].uri);
		states[i] = (struct multicall_state){0};
	}
}

size_t multicall_calls(bool aggregate, size_t n)
{
	return aggregate ? 1 : READS * n;
}

static void put_reads(uint8_t out[READS][REGISTRY_CALL_ID_SIZE], const struct multicall_ask *ask)
{
	struct u256 id;

	u256_from_bytes(&id, ask->agent);
	registry_call_owner_of(out[0], &id);
	registry_call_wallet(out[1], &id);
	registry_call_token_uri(out[2], &id);
}

static void add_aggregate(struct eth_rpc_calls *list, const struct eth_address *multicall,
			  const struct multicall_ask *asks, size_t n, const struct eth_rpc_at *at)
{
	/* selector, offset, count; an element: its offset, three head words, length, calldata of two words */
	size_t size = 4 + 64 + n * READS * 7 * 32, len = 0;
	uint8_t *data = malloc(size), reads[READS][REGISTRY_CALL_ID_SIZE];
	struct abi_writer writer;

	if (data == NULL) {
		list->err = list->err != 0 ? list->err : -ENOMEM;
		return;
	}
	abi_writer_init(&writer, data, size);
	abi_put_selector(&writer, AGGREGATE3);
	abi_open(&writer, 1);
	abi_open_array(&writer, n * READS, 1);
	for (size_t i = 0; i < n; i++) {
		put_reads(reads, &asks[i]);
		for (size_t j = 0; j < READS; j++) {
			abi_open_tuple(&writer, TARGET_WORDS);
			abi_put_address(&writer, &asks[i].registry);
			abi_put_bool(&writer, true);
			abi_put_bytes(&writer, reads[j], sizeof(reads[j]));
			abi_close(&writer);
		}
	}
	abi_close(&writer);
	abi_close(&writer);
	if (abi_writer_finish(&writer, &len) != 0)
		list->err = list->err != 0 ? list->err : -EINVAL;
	eth_rpc_add_call(list, multicall, data, len, at);
	if (list->err == 0)
		list->calls[list->n - 1].cap = ETH_RPC_LARGE;
	free(data);
}

void multicall_add(struct eth_rpc_calls *list, const struct eth_address *multicall, const struct multicall_ask *asks,
		   size_t n, const struct eth_rpc_at *at)
{
	uint8_t reads[READS][REGISTRY_CALL_ID_SIZE];

	if (multicall != NULL) {
		add_aggregate(list, multicall, asks, n, at);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		put_reads(reads, &asks[i]);
		for (size_t j = 0; j < READS; j++)
			eth_rpc_add_call(list, &asks[i].registry, reads[j], sizeof(reads[j]), at);
		if (list->err == 0) /* a URI of REGISTRY_URI_MAX in ABI form, in hex */
			list->calls[list->n - 1].cap = 2 * (REGISTRY_URI_MAX + 128) + 1024;
	}
}

/* One read as it came, whatever way. */
struct part {
	int err; /* 0 returned data; -ENOENT no such token; else why not */
	const uint8_t *data;
	size_t len;
};

static int read_word_address(struct eth_address *out, const struct part *part)
{
	struct abi_reader reader;

	if (part->err != 0)
		return part->err;
	if (part->len == 0)
		return -ENXIO; /* a call to an address without code succeeds with nothing */
	if (part->len != 32)
		return -EBADMSG;
	abi_reader_init(&reader, part->data, part->len, 1);
	abi_get_address(&reader, out);
	return abi_reader_finish(&reader) == 0 ? 0 : -EBADMSG;
}

static int read_text(uint8_t **out, size_t *out_len, const struct part *part)
{
	struct abi_reader reader;
	const uint8_t *text;
	size_t len = 0;

	if (part->err != 0)
		return part->err;
	if (part->len == 0)
		return -ENXIO;
	abi_reader_init(&reader, part->data, part->len, 1);
	abi_get_bytes(&reader, &text, &len);
	if (abi_reader_finish(&reader) != 0)
		return -EBADMSG;
	if (len > REGISTRY_URI_MAX)
		return -EOVERFLOW;
	if (len == 0)
		return 0;
	*out = malloc(len);
	if (*out == NULL)
		return -ENOMEM;
	memcpy(*out, text, len);
	*out_len = len;
	return 0;
}

/* Existence is ownerOf; wallet and URI of an absent agent are not looked at. -ENOMEM concerns all. */
static int read_state(struct multicall_state *out, const struct part parts[static READS])
{
	*out = (struct multicall_state){0};
	out->err = read_word_address(&out->owner, &parts[0]);
	if (out->err == -ENOENT) {
		out->err = 0;
		return 0;
	}
	if (out->err == 0 && address_is_zero(&out->owner))
		out->err = -EBADMSG; /* ERC-721: an owner is never the zero address */
	if (out->err == 0)
		out->err = read_word_address(&out->wallet, &parts[1]);
	if (out->err == 0)
		out->err = read_text(&out->uri, &out->uri_len, &parts[2]);
	if (out->err == -ENOENT) /* the parts of one block contradict each other */
		out->err = -EBADMSG;
	out->exists = out->err == 0 || out->err == -EOVERFLOW;
	return out->err == -ENOMEM ? -ENOMEM : 0;
}

static int revert_error(const uint8_t *data, size_t len)
{
	return len >= 4 && memcmp(data, NONEXISTENT_TOKEN, 4) == 0 ? -ENOENT : -EPROTO;
}

static int read_aggregate(struct multicall_state *states, size_t n, const uint8_t *data, size_t len)
{
	struct abi_reader reader;
	size_t count = 0;

	abi_reader_init(&reader, data, len, 1);
	abi_enter_array(&reader, &count, 1);
	if (count != READS * n)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		struct part parts[READS] = {0};

		for (size_t j = 0; j < READS; j++) {
			bool success = false;

			abi_enter_tuple(&reader, 2);
			abi_get_bool(&reader, &success);
			abi_get_bytes(&reader, &parts[j].data, &parts[j].len);
			abi_leave(&reader);
			if (!success)
				parts[j].err = revert_error(parts[j].data, parts[j].len);
		}
		if (reader.error != 0)
			return -EBADMSG;
		if (read_state(&states[i], parts) != 0)
			return -ENOMEM;
	}
	abi_leave(&reader);
	return abi_reader_finish(&reader) == 0 ? 0 : -EBADMSG;
}

/* Three results of plain calls. Errors that are not the contract's are of all agents alike: the caller asks again. */
static int read_plain(struct multicall_state *state, const struct eth_rpc_result *results)
{
	struct part parts[READS] = {0};
	uint8_t *owned[READS] = {NULL};
	int err = 0;

	for (size_t j = 0; err == 0 && j < READS; j++) {
		if (results[j].outcome == ETH_RPC_REVERT) {
			parts[j].err = revert_error(results[j].revert, results[j].revert_len);
			continue;
		}
		err = eth_rpc_result_data_take(&owned[j], &parts[j].len, &results[j]);
		parts[j].data = owned[j];
	}
	if (err == 0)
		err = read_state(state, parts);
	for (size_t j = 0; j < READS; j++)
		free(owned[j]);
	return err;
}

int multicall_read(struct multicall_state *states, bool aggregate, size_t n, const struct eth_rpc_result *results)
{
	uint8_t *data = NULL;
	size_t len = 0;
	int err = 0;

	memset(states, 0, n * sizeof(*states));
	for (size_t i = 0; !aggregate && err == 0 && i < n; i++)
		err = read_plain(&states[i], results + READS * i);
	if (aggregate) {
		err = eth_rpc_result_data_take(&data, &len, results);
		if (err == 0)
			err = len == 0 ? -ENXIO : read_aggregate(states, n, data, len);
		free(data);
	}
	if (err != 0)
		multicall_states_clear(states, n);
	return err;
}
