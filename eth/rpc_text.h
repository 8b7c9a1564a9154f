#pragma once
/* Building the params of a call: shared by the files that add calls, of no use outside eth_rpc. The error is sticky. */
#include "eth/rpc_call.h"

struct eth_rpc_text {
	char *bytes; /* NUL-terminated once anything was put; begin with zero */
	size_t len, room;
	int err; /* -ENOMEM, -EOVERFLOW (over ETH_RPC_REQUEST_MAX), or what the caller set */
};

/* JSON text as it is. */
void eth_rpc_put(struct eth_rpc_text *text, const char *piece);
/* A JSON string of 0x data, an address, a quantity. */
void eth_rpc_put_data(struct eth_rpc_text *text, const uint8_t *data, size_t len);
void eth_rpc_put_address(struct eth_rpc_text *text, const struct eth_address *address);
void eth_rpc_put_quantity(struct eth_rpc_text *text, uint64_t value);
/* The block parameter; EIP-1898: an object when it is a hash. */
void eth_rpc_put_at(struct eth_rpc_text *text, const struct eth_rpc_at *at);

/* Adds the call and takes the text over, or frees it and keeps the first error on the list. */
void eth_rpc_add_text(struct eth_rpc_calls *list, const char *method, struct eth_rpc_text *params);
