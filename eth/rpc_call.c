/* Calls as text. Each builder makes one JSON array in a growing buffer; the list takes it over. Everything written here
 * is digits, hex and fixed words, so nothing needs escaping. */
#include "eth/rpc_call.h"
#include "eth/hex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct text {
	char *bytes;
	size_t len, room;
	int err;
};

static char *text_reserve(struct text *text, size_t more)
{
	if (text->err != 0)
		return NULL;
	if (more > ETH_RPC_REQUEST_MAX - text->len) {
		text->err = -EOVERFLOW;
		return NULL;
	}
	if (text->len + more > text->room) {
		size_t room = (text->len + more) * 2;
		char *grown = realloc(text->bytes, room);

		if (grown == NULL) {
			text->err = -ENOMEM;
			return NULL;
		}
		text->bytes = grown;
		text->room = room;
	}
	return text->bytes + text->len;
}

/* Keeps the text NUL-terminated. */
static void put(struct text *text, const char *piece)
{
	size_t len = strlen(piece);
	char *at = text_reserve(text, len + 1);

	if (at == NULL)
		return;
	memcpy(at, piece, len + 1);
	text->len += len;
}

static void put_data(struct text *text, const uint8_t *data, size_t len)
{
	char *at;

	if (len > ETH_RPC_REQUEST_MAX / 2) {
		text->err = text->err != 0 ? text->err : -EOVERFLOW;
		return;
	}
	put(text, "\"");
	at = text_reserve(text, HEX_DATA_SIZE(len));
	if (at == NULL)
		return;
	text->len += hex_encode_data(at, data, len);
	put(text, "\"");
}

static void put_address(struct text *text, const struct eth_address *address)
{
	put_data(text, address->bytes, sizeof(address->bytes));
}

static void put_quantity(struct text *text, uint64_t value)
{
	char digits[HEX_QUANTITY_SIZE];

	(void)hex_encode_quantity(digits, value);
	put(text, "\"");
	put(text, digits);
	put(text, "\"");
}

static const char *tag_text(enum eth_rpc_tag tag)
{
	switch (tag) {
	case ETH_RPC_SAFE:
		return "\"safe\"";
	case ETH_RPC_FINALIZED:
		return "\"finalized\"";
	case ETH_RPC_PENDING:
		return "\"pending\"";
	case ETH_RPC_EARLIEST:
		return "\"earliest\"";
	case ETH_RPC_LATEST:
		break;
	}
	return "\"latest\"";
}

/* EIP-1898: the block parameter as an object when it is a hash. */
static void put_at(struct text *text, const struct eth_rpc_at *at)
{
	switch (at->kind) {
	case ETH_RPC_AT_NUMBER:
		put_quantity(text, at->number);
		return;
	case ETH_RPC_AT_HASH:
		put(text, "{\"blockHash\":");
		put_data(text, at->hash.bytes, sizeof(at->hash.bytes));
		put(text, ",\"requireCanonical\":true}");
		return;
	case ETH_RPC_AT_TAG:
		break;
	}
	put(text, tag_text(at->tag));
}

struct eth_rpc_at eth_rpc_at_tag(enum eth_rpc_tag tag)
{
	return (struct eth_rpc_at){.kind = ETH_RPC_AT_TAG, .tag = tag};
}

struct eth_rpc_at eth_rpc_at_number(uint64_t number)
{
	return (struct eth_rpc_at){.kind = ETH_RPC_AT_NUMBER, .number = number};
}

struct eth_rpc_at eth_rpc_at_hash(const struct eth_hash *hash)
{
	return (struct eth_rpc_at){.kind = ETH_RPC_AT_HASH, .hash = *hash};
}

void eth_rpc_calls_init(struct eth_rpc_calls *list)
{
	*list = (struct eth_rpc_calls){0};
}

/* The list owns every params text; struct eth_rpc_call shows it as const to readers. */
static void free_params(const char *params)
{
	union {
		const char *shown;
		char *owned;
	} text = {.shown = params};

	free(text.owned);
}

void eth_rpc_calls_clear(struct eth_rpc_calls *list)
{
	for (size_t i = 0; i < list->n; i++)
		free_params(list->calls[i].params);
	free(list->calls);
	eth_rpc_calls_init(list);
}

static int grow(struct eth_rpc_calls *list)
{
	size_t room = list->room == 0 ? 8 : list->room * 2;
	struct eth_rpc_call *calls;

	if (list->n < list->room)
		return 0;
	if (list->n >= ETH_RPC_CALLS_MAX)
		return -EOVERFLOW;
	calls = realloc(list->calls, room * sizeof(*calls));
	if (calls == NULL)
		return -ENOMEM;
	list->calls = calls;
	list->room = room;
	return 0;
}

static void add_take(struct eth_rpc_calls *list, const char *method, struct text *params)
{
	if (list->err == 0)
		list->err = params->err != 0 ? params->err : grow(list);
	if (list->err != 0) {
		free(params->bytes);
		return;
	}
	list->calls[list->n++] = (struct eth_rpc_call){.method = method, .params = params->bytes};
}

void eth_rpc_add(struct eth_rpc_calls *list, const char *method, const char *params)
{
	struct text text = {0};

	put(&text, params);
	add_take(list, method, &text);
}

void eth_rpc_add_chain_id(struct eth_rpc_calls *list)
{
	eth_rpc_add(list, "eth_chainId", "[]");
}

void eth_rpc_add_gas_price(struct eth_rpc_calls *list)
{
	eth_rpc_add(list, "eth_gasPrice", "[]");
}

void eth_rpc_add_max_priority_fee(struct eth_rpc_calls *list)
{
	eth_rpc_add(list, "eth_maxPriorityFeePerGas", "[]");
}

void eth_rpc_add_fee_history(struct eth_rpc_calls *list, uint64_t blocks, const struct eth_rpc_at *at)
{
	struct text text = {0};

	put(&text, "[");
	put_quantity(&text, blocks);
	put(&text, ",");
	put_at(&text, at);
	put(&text, ",[]]");
	add_take(list, "eth_feeHistory", &text);
}

static void put_transaction(struct text *text, const struct eth_address *from, const struct eth_address *to,
			    const uint8_t *data, size_t data_len)
{
	put(text, "[{");
	if (from != NULL) {
		put(text, "\"from\":");
		put_address(text, from);
		put(text, ",");
	}
	if (to != NULL) {
		put(text, "\"to\":");
		put_address(text, to);
		put(text, ",");
	}
	put(text, "\"data\":");
	put_data(text, data, data_len);
	put(text, "}");
}

void eth_rpc_add_call(struct eth_rpc_calls *list, const struct eth_address *to, const uint8_t *data, size_t data_len,
		      const struct eth_rpc_at *at)
{
	eth_rpc_add_call_from(list, NULL, to, data, data_len, at);
}

void eth_rpc_add_call_from(struct eth_rpc_calls *list, const struct eth_address *from, const struct eth_address *to,
			   const uint8_t *data, size_t data_len, const struct eth_rpc_at *at)
{
	struct text text = {0};

	put_transaction(&text, from, to, data, data_len);
	put(&text, ",");
	put_at(&text, at);
	put(&text, "]");
	add_take(list, "eth_call", &text);
}

void eth_rpc_add_estimate_gas(struct eth_rpc_calls *list, const struct eth_address *from, const struct eth_address *to,
			      const uint8_t *data, size_t data_len)
{
	struct text text = {0};

	put_transaction(&text, from, to, data, data_len);
	put(&text, "]");
	add_take(list, "eth_estimateGas", &text);
}

void eth_rpc_add_block(struct eth_rpc_calls *list, const struct eth_rpc_at *at)
{
	bool by_hash = at->kind == ETH_RPC_AT_HASH;
	struct text text = {0};

	put(&text, "[");
	if (by_hash)
		put_data(&text, at->hash.bytes, sizeof(at->hash.bytes));
	else
		put_at(&text, at);
	put(&text, ",false]");
	add_take(list, by_hash ? "eth_getBlockByHash" : "eth_getBlockByNumber", &text);
}

void eth_rpc_add_receipt(struct eth_rpc_calls *list, const struct eth_hash *transaction)
{
	struct text text = {0};

	put(&text, "[");
	put_data(&text, transaction->bytes, sizeof(transaction->bytes));
	put(&text, "]");
	add_take(list, "eth_getTransactionReceipt", &text);
}

void eth_rpc_add_send_raw(struct eth_rpc_calls *list, const uint8_t *raw, size_t raw_len)
{
	struct text text = {0};

	put(&text, "[");
	put_data(&text, raw, raw_len);
	put(&text, "]");
	add_take(list, "eth_sendRawTransaction", &text);
}

static void add_account(struct eth_rpc_calls *list, const char *method, const struct eth_address *address,
			const struct eth_rpc_at *at)
{
	struct text text = {0};

	put(&text, "[");
	put_address(&text, address);
	put(&text, ",");
	put_at(&text, at);
	put(&text, "]");
	add_take(list, method, &text);
}

void eth_rpc_add_nonce(struct eth_rpc_calls *list, const struct eth_address *address, const struct eth_rpc_at *at)
{
	add_account(list, "eth_getTransactionCount", address, at);
}

void eth_rpc_add_balance(struct eth_rpc_calls *list, const struct eth_address *address, const struct eth_rpc_at *at)
{
	add_account(list, "eth_getBalance", address, at);
}

void eth_rpc_add_code(struct eth_rpc_calls *list, const struct eth_address *address, const struct eth_rpc_at *at)
{
	add_account(list, "eth_getCode", address, at);
}
