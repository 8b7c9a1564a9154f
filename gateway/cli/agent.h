#pragma once
/* What the files of `kedge agent` share. One subcommand a function; each gets the words after its own name. */
#include "gateway/cli/send.h"
#include "gateway/identity/prepare.h"

/* register, wallet, unset-wallet, uri, metadata, transfer: transactions (agent_write.c). */
int cli_agent_write(enum prepare_verb verb, int argc, char **argv);

/* proof: the object as it is (agent_proof_get.c). */
int cli_agent_proof(int argc, char **argv);

/* show, history, authority, search: questions to the gateway (agent_read.c). */
int cli_agent_show(int argc, char **argv);
int cli_agent_history(int argc, char **argv);
int cli_agent_authority(int argc, char **argv);
int cli_agent_search(int argc, char **argv);

/* A transaction about to be, or made. */
struct cli_agent_call {
	struct config config;
	struct cli_chain chain;
	uint8_t *key; /* NULL: only looked at (--dry-run, --typed-data) */
	struct prepare_ask ask;
	enum cli_wait wait;
	bool json, dry_run, typed_data;
};

/* Printing (agent_print.c). */
void cli_agent_print_refusal(const struct cli_agent_call *call, const struct prepare_refusal *refusal);
/* What it will cost and what to mind, before it is sent; to stderr under --json. */
void cli_agent_print_plan(const struct cli_agent_call *call, const struct prepare_plan *plan);
/* The prepared answer as the gateway gives it (--dry-run, --typed-data). */
int cli_agent_print_answer(const struct cli_agent_call *call, const struct prepare_plan *plan);
void cli_agent_print_result(const struct cli_agent_call *call, const struct prepare_plan *plan, const struct u256 *id,
			    const struct eth_rpc_receipt *receipt, const struct eth_rpc_result *raw);
