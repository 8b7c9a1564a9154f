#pragma once
/* Building JSON-RPC calls: a list of (method, params) with the params already in JSON text.
 *
 * The list owns its texts. Its error is sticky: every eth_rpc_add_… after a failure does nothing, and eth_rpc_batch()
 * and eth_rpc_wait() refuse such a list with that error, so callers need no check a line. Numbers are written as the
 * minimal 0x quantities and bytes as 0x data of the execution API (ethereum/execution-apis, "Schemas").
 *
 * Method and parameter shapes: https://ethereum.github.io/execution-apis; EIP-1898 for reads at a block hash. */
#include "eth/address.h"
#include "eth/keccak.h"
#include "eth/u256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ETH_RPC_CALLS_MAX = 4096,      /* calls in one batch */
	ETH_RPC_SMALL = 1 << 20,       /* bytes an ordinary answer may have (a batch: these added up) */
	ETH_RPC_LARGE = 16 << 20,      /* bytes any other answer may have, batches included */
	ETH_RPC_HUGE = 128 << 20,      /* bytes of an answer that may be as large as a block makes it, where a call asks for that */
	ETH_RPC_REQUEST_MAX = 8 << 20, /* bytes a request may have */
};

/* One call. `params` is a JSON array as text. `cap`: most bytes its answer may take, 0 for ETH_RPC_SMALL. */
struct eth_rpc_call {
	const char *method;
	const char *params;
	size_t cap;
};

enum eth_rpc_tag {
	ETH_RPC_LATEST,
	ETH_RPC_SAFE,
	ETH_RPC_FINALIZED,
	ETH_RPC_PENDING,
	ETH_RPC_EARLIEST,
};

/* Which block a read is about. A hash is asked for with EIP-1898 `requireCanonical: true`: a block that was
 * reorganised away is an error (ETH_RPC_UNKNOWN_BLOCK), never an old answer. */
struct eth_rpc_at {
	enum { ETH_RPC_AT_TAG, ETH_RPC_AT_NUMBER, ETH_RPC_AT_HASH } kind;
	enum eth_rpc_tag tag;
	uint64_t number;
	struct eth_hash hash;
};

struct eth_rpc_at eth_rpc_at_tag(enum eth_rpc_tag tag);
struct eth_rpc_at eth_rpc_at_number(uint64_t number);
struct eth_rpc_at eth_rpc_at_hash(const struct eth_hash *hash);

struct eth_rpc_calls {
	struct eth_rpc_call *calls;
	size_t n, room;
	int err; /* the first failure: -ENOMEM, -EOVERFLOW (over ETH_RPC_CALLS_MAX), -EINVAL */
};

void eth_rpc_calls_init(struct eth_rpc_calls *list);
/* Frees the texts; the list is as after init. */
void eth_rpc_calls_clear(struct eth_rpc_calls *list);

/* Any call. `method` must outlive the list (a literal); `params` is copied. */
void eth_rpc_add(struct eth_rpc_calls *list, const char *method, const char *params);

/* eth_chainId, eth_maxPriorityFeePerGas: quantities. */
void eth_rpc_add_chain_id(struct eth_rpc_calls *list);
void eth_rpc_add_max_priority_fee(struct eth_rpc_calls *list);

/* eth_call: returned data. */
void eth_rpc_add_call(struct eth_rpc_calls *list, const struct eth_address *to, const uint8_t *data, size_t data_len,
		      const struct eth_rpc_at *at);
/* The same with a sender; `from` NULL is the zero address the node chooses. */
void eth_rpc_add_call_from(struct eth_rpc_calls *list, const struct eth_address *from, const struct eth_address *to,
			   const uint8_t *data, size_t data_len, const struct eth_rpc_at *at);

/* The same of a stranger's contract, with so much gas at most: without a bound a node lets it run for seconds. A node may have a lower one. */
void eth_rpc_add_call_within(struct eth_rpc_calls *list, uint64_t gas, const struct eth_address *to, const uint8_t *data, size_t data_len,
			     const struct eth_rpc_at *at);

/* eth_estimateGas at latest: a quantity, or a revert with its data. `to` NULL creates a contract. */
void eth_rpc_add_estimate_gas(struct eth_rpc_calls *list, const struct eth_address *from, const struct eth_address *to,
			      const uint8_t *data, size_t data_len);

/* eth_getBlockByNumber or eth_getBlockByHash without transactions: read with eth_rpc_result_block(). */
void eth_rpc_add_block(struct eth_rpc_calls *list, const struct eth_rpc_at *at);

/* eth_getTransactionReceipt: read with eth_rpc_result_receipt(). */
void eth_rpc_add_receipt(struct eth_rpc_calls *list, const struct eth_hash *transaction);

/* eth_sendRawTransaction: the transaction hash. A batch that holds one is never repeated. */
void eth_rpc_add_send_raw(struct eth_rpc_calls *list, const uint8_t *raw, size_t raw_len);

/* eth_getTransactionCount, eth_getBalance (quantities), eth_getCode (data). */
void eth_rpc_add_nonce(struct eth_rpc_calls *list, const struct eth_address *address, const struct eth_rpc_at *at);
void eth_rpc_add_balance(struct eth_rpc_calls *list, const struct eth_address *address, const struct eth_rpc_at *at);
void eth_rpc_add_code(struct eth_rpc_calls *list, const struct eth_address *address, const struct eth_rpc_at *at);
