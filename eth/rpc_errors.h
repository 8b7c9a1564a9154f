#pragma once
/* What nodes and the gateways before them mean by an error: one table of codes and texts, and the hints in the texts.
 * Pure: no I/O, no clock.
 *
 * The codes of JSON-RPC 2.0 §5.1 and EIP-1474 are used so differently that mostly the text decides. A new wording is a
 * row in rpc_errors.c and a case in tests/eth/test_rpc_errors.c. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum eth_rpc_outcome {
	ETH_RPC_OK,	   /* value holds the result; JSON null included */
	ETH_RPC_REVERT,	   /* execution reverted; revert holds the returned data (may be empty) */
	ETH_RPC_LIMIT,	   /* the provider's limit on size or range; ask for less, never take it for an empty answer */
	ETH_RPC_RETRYABLE, /* the provider's own trouble, or its limit on rate; asking again may help */
	ETH_RPC_NO_METHOD, /* the provider does not serve this method */
	ETH_RPC_UNKNOWN_BLOCK, /* that block (or its state) is not known, not canonical, or no longer kept */
	ETH_RPC_REFUSED,       /* any other error: bad parameters, transaction refused, … */
};

/* What a limit's text suggests. Hostile like everything from a provider: a caller bounds it by what it asked. */
struct eth_rpc_hint {
	uint64_t blocks;   /* at most that many blocks in one eth_getLogs; 0: not said */
	bool has_range;	   /* from and to are said */
	uint64_t from, to; /* first and last block of a range that would do; from <= to */
	bool batch;	   /* the limit is on calls in a batch or bytes of a request, not on a range */
	bool rate;	   /* ETH_RPC_RETRYABLE because of too many requests, not because of trouble */
};

/* Classifies an error object. `status` is the HTTP status it came with (0: not known). `has_data`: the error has a data
 * member. hint may be NULL. Looks at the first KiB of the message. */
enum eth_rpc_outcome eth_rpc_errors_classify(struct eth_rpc_hint *hint, long status, int64_t code, const char *message,
					     size_t len, bool has_data);
/* The same without status and hint. */
enum eth_rpc_outcome eth_rpc_classify(int64_t code, const char *message, size_t len, bool has_data);

/* The hint of a text that is known to be about a limit. All 0 where it says nothing that can be read. */
void eth_rpc_errors_hint(struct eth_rpc_hint *out, const char *message, size_t len);

/* What an answer without JSON-RPC in it means by its HTTP status (RFC 9110 §15):
 * ETH_RPC_RETRYABLE 408, 429, 500, 502, 503, 504: may be different next time, there or elsewhere;
 * ETH_RPC_LIMIT 413: too much was asked (range, batch or request, hint->batch not said);
 * ETH_RPC_REFUSED all others: not there again, but another provider may serve it. */
enum eth_rpc_outcome eth_rpc_errors_status(long status);
