#pragma once
/* One transaction from the command line: priced by a plan (gateway/identity/prepare.h), signed here, sent, waited for. */
#include "eth/rpc.h"
#include "eth/tx.h"
#include "gateway/config.h"

struct cli_chain {
	struct event_base *base;
	struct eth_rpc *rpc;
	struct signature_context *signatures;
	uint64_t chain_id;
};

/* A chain by its endpoints (space between). CLI_OK, or prints why not. */
__attribute__((warn_unused_result)) int cli_chain_open(struct cli_chain *chain, const char *urls, uint64_t chain_id);
void cli_chain_close(struct cli_chain *chain);

/* Reads a key file; *key is for keyfile_free(). CLI_OK, or prints why not, and *key is NULL. */
__attribute__((warn_unused_result)) int cli_key(uint8_t **key, struct eth_address *address, const struct cli_chain *chain,
						const char *path);

enum cli_wait { CLI_MINED, CLI_SAFE, CLI_FINAL };
/* "mined", "safe" or "final". CLI_OK or CLI_USAGE. */
__attribute__((warn_unused_result)) int cli_wait_parse(enum cli_wait *out, const char *text);

/* Signs tx (its chain id, nonce, fees and gas limit are the caller's), sends it and waits until the block it is in is at
 * that level, wait_s at most (0: 120 s to be mined, an hour for the level); a reorganisation on the way is waited out.
 * *answer owns the receipt's JSON: for eth_rpc_answer_free().
 * CLI_OK; CLI_FALSE (refused or reverted: says in words why and what to do); CLI_NOT_YET (not mined, or not at that
 * level, in time); CLI_UNREACHABLE (the chain did not answer any more, or not when it was sent and nobody knows it since; its hash is
 * printed then too). */
__attribute__((warn_unused_result)) int cli_send(struct eth_rpc_answer **answer, struct eth_rpc_receipt *receipt,
						 const struct cli_chain *chain, const struct tx *tx,
						 const uint8_t key[static 32], enum cli_wait wait,
						 unsigned wait_s);
