#pragma once
/* What the files of `kedge agent` share. One subcommand a function; each gets the words after its own name. */
#include "gateway/chains.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/send.h"
#include "gateway/identity/prepare.h"

/* How a word may name an agent. A key text is what answers and proofs call it. */
#define CLI_AGENT_FORMS "`42`, `CHAIN:42`, `CHAIN:0xREGISTRY:42` or `eip155:CHAIN/erc721:0xREGISTRY/42`"
enum { CLI_AGENT_ID_SIZE = 160 };
/* The word in one of the first three forms, as paths have it. Numbers and address are whoever's who reads it to check.
 * CLI_OK, or CLI_USAGE after saying what would be right. */
__attribute__((warn_unused_result)) int cli_agent_id(char out[static CLI_AGENT_ID_SIZE], const char *word);

/* register, wallet, unset-wallet, uri, metadata, transfer: transactions (agent_write.c). */
int cli_agent_write(enum prepare_verb verb, int argc, char **argv);

/* proof: the object as it is (agent_proof_get.c). */
int cli_agent_proof(int argc, char **argv);

/* show, history, authority, search: questions to the gateway (agent_read.c). */
int cli_agent_show(int argc, char **argv);
int cli_agent_history(int argc, char **argv);
int cli_agent_authority(int argc, char **argv);
int cli_agent_search(int argc, char **argv);
/* links.c */
int cli_agent_links(int argc, char **argv);

/* A transaction about to be, or made. */
struct cli_agent_call {
	struct config config;
	struct cli_chain chain;
	uint8_t *key; /* NULL: only looked at (--dry-run, --typed-data) */
	struct prepare_ask ask;
	uint8_t consent[SIGNATURE_SIZE]; /* made by --wallet-key; what ask.signature points to */
	enum cli_wait wait;
	unsigned wait_s;
	bool json, dry_run, typed_data;
};

/* The words of a transaction's command line (agent_words.c). Each returns CLI_OK, or CLI_USAGE after saying what would be
 * right. `ask` points into the words: clear them last. */
struct cli_agent_words {
	const char *word[3];
	size_t count;
	const char *key, *from, *wait, *uri, *registry, *wallet_key, *wallet, *deadline, *signature, *timeout;
	struct cli_texts metadata, metadata_hex;
	bool json, dry_run, typed_data, hex;
	unsigned wait_s; /* of --timeout; 0: not said */
	struct registry_metadata entries[2 * CLI_TEXTS_MAX]; /* what ask->metadata points to */
	uint8_t *held[CLI_TEXTS_MAX + 2]; /* bytes that were read from hex */
	size_t nheld;
};
int cli_agent_words_parse(struct cli_agent_words *w, bool *done, enum prepare_verb verb, int argc, char **argv);
/* What must stand together: a key or --dry-run, and who is meant. */
int cli_agent_words_check(struct cli_agent_words *w, enum prepare_verb verb);
/* ask->verb is set; fills the rest but, where a key says it, `from`. */
int cli_agent_words_ask(struct prepare_ask *ask, struct cli_agent_words *w, const struct chains *chains);
void cli_agent_words_clear(struct cli_agent_words *w);
/* CLI_AGENT_FORMS, of any registry on a chain that is served. CLI_OK, or printed why not. */
__attribute__((warn_unused_result)) int cli_agent_key(struct agent_key *out, const struct chains *chains, const char *word);

/* Printing (agent_print.c). */
void cli_agent_print_refusal(const struct cli_agent_call *call, const struct prepare_refusal *refusal);
/* What it will cost and what to mind, before it is sent; to stderr under --json. */
void cli_agent_print_plan(const struct cli_agent_call *call, const struct prepare_plan *plan);
/* The prepared answer as the gateway gives it (--dry-run, --typed-data). */
int cli_agent_print_answer(const struct cli_agent_call *call, const struct prepare_plan *plan);
void cli_agent_print_result(const struct cli_agent_call *call, const struct prepare_plan *plan, const struct u256 *id,
			    const struct eth_rpc_receipt *receipt, const struct eth_rpc_result *raw);
