#pragma once
/* JSON-RPC 2.0 messages as bytes: the request of a batch, and its answer taken apart. Pure: no I/O, no clock.
 *
 * A node's answer is hostile input. It must be strict JSON (no duplicate names, nothing after it), at most
 * 32 levels deep and of at most 2^18 values; ids are matched one to one, in any order; a missing, doubled or foreign id
 * refuses the whole answer, because then nothing says which question was answered.
 *
 * What a node says about a call is data, not a failure: see enum eth_rpc_outcome. */
#include "eth/rpc_call.h"
#include "eth/rpc_errors.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One call's answer; pointers are borrowed from the eth_rpc_answer. */
struct eth_rpc_result {
	enum eth_rpc_outcome outcome;
	const json_t *value; /* ETH_RPC_OK only */
	int64_t code;	     /* error code as sent */
	const char *message; /* error message as sent, may hold NUL and control bytes: never log it unescaped */
	size_t message_len;
	const uint8_t *revert; /* ETH_RPC_REVERT: the data of the error */
	size_t revert_len;
	struct eth_rpc_hint hint; /* ETH_RPC_LIMIT: what the provider would accept, as far as it says */
};

/* A whole answer: results in the order of the calls. */
struct eth_rpc_answer {
	size_t n;
	struct eth_rpc_result *results;
	unsigned provider; /* index of who gave it; set by the client */
	bool whole;	   /* one error for the batch as a whole */
	json_t *root;	   /* owner of what value and message point to */
	uint8_t *bytes;	   /* owner of what revert points to */
};

/* The request text of a batch with ids first_id, first_id+1, …; always a JSON array, so that answers have one shape.
 * *out is malloc'd. -EINVAL (no calls), -EOVERFLOW (over ETH_RPC_REQUEST_MAX or ETH_RPC_CALLS_MAX), -ENOMEM. */
__attribute__((warn_unused_result)) int eth_rpc_request(char **out, size_t *out_len, uint64_t first_id,
							const struct eth_rpc_call *calls, size_t n);

/* Takes an answer apart. A single error object with id null in place of the array is what nodes send when they refuse
 * the batch as a whole: then every result gets that error.
 * Returns 0; -EBADMSG (not JSON, not JSON-RPC, ids wrong), -EOVERFLOW (too deep, too many values), -ENOMEM. */
__attribute__((warn_unused_result)) int eth_rpc_answer_parse(struct eth_rpc_answer **out, const char *body, size_t len,
							     uint64_t first_id, size_t n);
/* The same for an answer that came with an HTTP status other than 200 (else 0), which helps to classify its errors; huge: one that may
 * have as many values as ETH_RPC_HUGE bytes of logs. */
__attribute__((warn_unused_result)) int eth_rpc_answer_parse_status(struct eth_rpc_answer **out, const char *body,
								    size_t len, long status, bool huge,
								    uint64_t first_id, size_t n);
void eth_rpc_answer_free(struct eth_rpc_answer *answer);

/* An outcome as errno for callers that only go on with a result:
 * 0 OK, -EPROTO revert, -EAGAIN limit or retryable, -EOPNOTSUPP no method, -ESTALE unknown block, -EIO refused. */
__attribute__((warn_unused_result)) int eth_rpc_result_error(const struct eth_rpc_result *result);

/* Readers. Each returns eth_rpc_result_error() first; then -EBADMSG where the value has not the shape named. */

/* A quantity of at most 64 bits. -EOVERFLOW if wider. */
__attribute__((warn_unused_result)) int eth_rpc_result_u64(uint64_t *out, const struct eth_rpc_result *result);
__attribute__((warn_unused_result)) int eth_rpc_result_u256(struct u256 *out, const struct eth_rpc_result *result);
/* 32 bytes of data. */
__attribute__((warn_unused_result)) int eth_rpc_result_hash(struct eth_hash *out, const struct eth_rpc_result *result);
/* Data into out. *len is the length found, 0 for "0x". -ENOSPC if longer than room. */
__attribute__((warn_unused_result)) int eth_rpc_result_data(uint8_t *out, size_t *len, size_t room,
							    const struct eth_rpc_result *result);
/* Data as malloc'd bytes (*out NULL when *len is 0). */
__attribute__((warn_unused_result)) int eth_rpc_result_data_take(uint8_t **out, size_t *len,
								 const struct eth_rpc_result *result);

struct eth_rpc_block {
	uint64_t number;
	struct eth_hash hash;
	struct eth_hash parent;
	uint64_t time;	      /* seconds since 1970 */
	struct u256 base_fee; /* wei; 0 where the block has none */
};
/* A block object. -ENOENT for null; numbers wider than their members are -EBADMSG. */
__attribute__((warn_unused_result)) int eth_rpc_result_block(struct eth_rpc_block *out,
							     const struct eth_rpc_result *result);

struct eth_rpc_receipt {
	struct eth_hash transaction;
	struct eth_hash block;
	uint64_t number;
	uint64_t gas_used;
	struct u256 gas_price; /* effectiveGasPrice, wei */
	bool success;	       /* status 0x1 */
	const json_t *logs;    /* the logs array, borrowed */
};
/* A receipt object. -ENOENT for null (not mined, or mined and not yet indexed). */
__attribute__((warn_unused_result)) int eth_rpc_result_receipt(struct eth_rpc_receipt *out,
							       const struct eth_rpc_result *result);
