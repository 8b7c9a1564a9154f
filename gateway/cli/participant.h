#pragma once
/* What the files of `kedge participant` share. One subcommand a function; each gets the words after its own name. */
#include "did/participant_statement.h"
#include "gateway/chains.h"
#include "gateway/cli/cli.h"

/* claim, link, unlink, profile, erase: signed here, made by the gateway (participant_write.c). */
int cli_participant_write(enum participant_verb verb, int argc, char **argv);

/* show, list, history: questions to the gateway (participant_read.c). */
int cli_participant_show(int argc, char **argv);
int cli_participant_list(int argc, char **argv);
int cli_participant_history(int argc, char **argv);
/* links.c */
int cli_participant_links(int argc, char **argv);

/* What the operator asks the duty for, through the database (participant_operator.c). */
int cli_participant_rebuild(int argc, char **argv);

/* The words of a change (participant_words.c). */
struct cli_participant_words {
	const char *word[2];
	const char *key, *with, *chain, *role, *url;
	const char *reason, *request, *timeout; /* of the operator's erasure */
	bool json, yes, operator_asks;
};
int cli_participant_words_parse(struct cli_participant_words *w, bool *done, enum participant_verb verb, int argc, char **argv);

/* A change as its words say it. */
struct cli_participant_change {
	struct config config;
	struct chains chains;
	uint64_t chain_ids[CHAINS_MAX];
	struct agent_defaults agents;
	struct participant_terms terms;
	uint64_t chain; /* of the key's account */
	struct participant_statement said; /* account, nonce and times are not set */
	json_t *profile;
};
/* Everything that needs no key and no gateway. CLI_OK, or printed why not. Either way cli_participant_words_clear() is due. */
int cli_participant_words_change(struct cli_participant_change *change, const struct cli_participant_words *w, enum participant_verb verb);
void cli_participant_words_clear(struct cli_participant_change *change);

/* The operator's erasure: of w->word[0]. */
int cli_participant_erase(const struct cli_participant_words *w);
