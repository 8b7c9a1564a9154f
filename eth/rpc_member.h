#pragma once
/* Members of a result that is an object: shared by the readers of eth_rpc, of no use outside it. */
#include "eth/rpc_message.h"

/* The value as an object: eth_rpc_result_error() first, -ENOENT for null, -EBADMSG for anything else. */
__attribute__((warn_unused_result)) int eth_rpc_result_object(const json_t **object, const struct eth_rpc_result *result);

/* A member that is a string, borrowed. -EBADMSG. */
__attribute__((warn_unused_result)) int eth_rpc_member_text(const char **text, size_t *len, const json_t *object,
							    const char *name);

/* Sticky readers: nothing is done when *err is set, and the first error stays in it. */
void eth_rpc_member_u64(uint64_t *out, int *err, const json_t *object, const char *name);
void eth_rpc_member_u256(struct u256 *out, int *err, const json_t *object, const char *name);
void eth_rpc_member_hash(struct eth_hash *out, int *err, const json_t *object, const char *name);
/* Data of exactly `size` bytes. */
void eth_rpc_member_fixed(uint8_t *out, int *err, size_t size, const json_t *object, const char *name);
