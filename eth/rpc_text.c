/* Parameters as text, in a growing buffer that the list of calls takes over. */
#include "eth/rpc_text.h"
#include "eth/hex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *text_reserve(struct eth_rpc_text *text, size_t more)
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

void eth_rpc_put(struct eth_rpc_text *text, const char *piece)
{
	size_t len = strlen(piece);
	char *at = text_reserve(text, len + 1);

	if (at == NULL)
		return;
	memcpy(at, piece, len + 1);
	text->len += len;
}

void eth_rpc_put_data(struct eth_rpc_text *text, const uint8_t *data, size_t len)
{
	char *at;

	if (len > ETH_RPC_REQUEST_MAX / 2) {
		text->err = text->err != 0 ? text->err : -EOVERFLOW;
		return;
	}
	eth_rpc_put(text, "\"");
	at = text_reserve(text, HEX_DATA_SIZE(len));
	if (at == NULL)
		return;
	text->len += hex_encode_data(at, data, len);
	eth_rpc_put(text, "\"");
}

void eth_rpc_put_address(struct eth_rpc_text *text, const struct eth_address *address)
{
	eth_rpc_put_data(text, address->bytes, sizeof(address->bytes));
}

void eth_rpc_put_quantity(struct eth_rpc_text *text, uint64_t value)
{
	char digits[HEX_QUANTITY_SIZE];

	(void)hex_encode_quantity(digits, value);
	eth_rpc_put(text, "\"");
	eth_rpc_put(text, digits);
	eth_rpc_put(text, "\"");
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

void eth_rpc_put_at(struct eth_rpc_text *text, const struct eth_rpc_at *at)
{
	switch (at->kind) {
	case ETH_RPC_AT_NUMBER:
		eth_rpc_put_quantity(text, at->number);
		return;
	case ETH_RPC_AT_HASH:
		eth_rpc_put(text, "{\"blockHash\":");
		eth_rpc_put_data(text, at->hash.bytes, sizeof(at->hash.bytes));
		eth_rpc_put(text, ",\"requireCanonical\":true}");
		return;
	case ETH_RPC_AT_TAG:
		break;
	}
	eth_rpc_put(text, tag_text(at->tag));
}
