/* Calls as text: one builder a method. Everything written is digits, hex and fixed words, so nothing needs escaping. */
#include "eth/rpc_call.h"
#include "eth/rpc_text.h"

#include <errno.h>
#include <stdlib.h>

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

void eth_rpc_add_text(struct eth_rpc_calls *list, const char *method, struct eth_rpc_text *params)
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
	struct eth_rpc_text text = {0};

	eth_rpc_put(&text, params);
	eth_rpc_add_text(list, method, &text);
}

void eth_rpc_add_chain_id(struct eth_rpc_calls *list)
{
	eth_rpc_add(list, "eth_chainId", "[]");
}

void eth_rpc_add_max_priority_fee(struct eth_rpc_calls *list)
{
	eth_rpc_add(list, "eth_maxPriorityFeePerGas", "[]");
}

/* from and to NULL, gas 0: without. */
static void put_transaction(struct eth_rpc_text *text, const struct eth_address *from, const struct eth_address *to, uint64_t gas,
			    const uint8_t *data, size_t data_len)
{
	eth_rpc_put(text, "[{");
	if (from != NULL) {
		eth_rpc_put(text, "\"from\":");
		eth_rpc_put_address(text, from);
		eth_rpc_put(text, ",");
	}
	if (to != NULL) {
		eth_rpc_put(text, "\"to\":");
		eth_rpc_put_address(text, to);
		eth_rpc_put(text, ",");
	}
	if (gas != 0) {
		eth_rpc_put(text, "\"gas\":");
		eth_rpc_put_quantity(text, gas);
		eth_rpc_put(text, ",");
	}
	eth_rpc_put(text, "\"data\":");
	eth_rpc_put_data(text, data, data_len);
	eth_rpc_put(text, "}");
}

static void add_call(struct eth_rpc_calls *list, const struct eth_address *from, const struct eth_address *to, uint64_t gas,
		     const uint8_t *data, size_t data_len, const struct eth_rpc_at *at)
{
	struct eth_rpc_text text = {0};

	put_transaction(&text, from, to, gas, data, data_len);
	eth_rpc_put(&text, ",");
	eth_rpc_put_at(&text, at);
	eth_rpc_put(&text, "]");
	eth_rpc_add_text(list, "eth_call", &text);
}

void eth_rpc_add_call(struct eth_rpc_calls *list, const struct eth_address *to, const uint8_t *data, size_t data_len,
		      const struct eth_rpc_at *at)
{
	add_call(list, NULL, to, 0, data, data_len, at);
}

void eth_rpc_add_call_from(struct eth_rpc_calls *list, const struct eth_address *from, const struct eth_address *to,
			   const uint8_t *data, size_t data_len, const struct eth_rpc_at *at)
{
	add_call(list, from, to, 0, data, data_len, at);
}

void eth_rpc_add_call_within(struct eth_rpc_calls *list, uint64_t gas, const struct eth_address *to, const uint8_t *data, size_t data_len,
			     const struct eth_rpc_at *at)
{
	add_call(list, NULL, to, gas, data, data_len, at);
}

void eth_rpc_add_estimate_gas(struct eth_rpc_calls *list, const struct eth_address *from, const struct eth_address *to,
			      const uint8_t *data, size_t data_len)
{
	struct eth_rpc_text text = {0};

	put_transaction(&text, from, to, 0, data, data_len);
	eth_rpc_put(&text, "]");
	eth_rpc_add_text(list, "eth_estimateGas", &text);
}

void eth_rpc_add_block(struct eth_rpc_calls *list, const struct eth_rpc_at *at)
{
	bool by_hash = at->kind == ETH_RPC_AT_HASH;
	struct eth_rpc_text text = {0};

	eth_rpc_put(&text, "[");
	if (by_hash)
		eth_rpc_put_data(&text, at->hash.bytes, sizeof(at->hash.bytes));
	else
		eth_rpc_put_at(&text, at);
	eth_rpc_put(&text, ",false]");
	eth_rpc_add_text(list, by_hash ? "eth_getBlockByHash" : "eth_getBlockByNumber", &text);
}

void eth_rpc_add_receipt(struct eth_rpc_calls *list, const struct eth_hash *transaction)
{
	struct eth_rpc_text text = {0};

	eth_rpc_put(&text, "[");
	eth_rpc_put_data(&text, transaction->bytes, sizeof(transaction->bytes));
	eth_rpc_put(&text, "]");
	eth_rpc_add_text(list, "eth_getTransactionReceipt", &text);
}

void eth_rpc_add_send_raw(struct eth_rpc_calls *list, const uint8_t *raw, size_t raw_len)
{
	struct eth_rpc_text text = {0};

	eth_rpc_put(&text, "[");
	eth_rpc_put_data(&text, raw, raw_len);
	eth_rpc_put(&text, "]");
	eth_rpc_add_text(list, "eth_sendRawTransaction", &text);
}

static void add_account(struct eth_rpc_calls *list, const char *method, const struct eth_address *address,
			const struct eth_rpc_at *at)
{
	struct eth_rpc_text text = {0};

	eth_rpc_put(&text, "[");
	eth_rpc_put_address(&text, address);
	eth_rpc_put(&text, ",");
	eth_rpc_put_at(&text, at);
	eth_rpc_put(&text, "]");
	eth_rpc_add_text(list, method, &text);
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
