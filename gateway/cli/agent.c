/* kedge agent: register an agent and rotate its wallet, in the words of the registry; ask the gateway who an agent is. */
#include "gateway/cli/agent.h"
#include "gateway/cli/cli.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
	"usage: kedge agent VERB [WORD ...] [OPTION ...]\n\n"
	"Transactions, sent from --key's account (the owner, or one it approved):\n"
	"  register                       make a new agent; --uri, --metadata KEY=TEXT, --metadata-hex KEY=0x…, --registry\n"
	"  wallet ID                      make another account the agent's wallet; the new wallet has to sign\n"
	"  unset-wallet ID                leave the agent its owner only\n"
	"  uri ID URI                     where its registration file is\n"
	"  metadata ID KEY VALUE          set an entry (--hex: VALUE is 0x and hex digits)\n"
	"  transfer ID ADDRESS            give it to another owner; clears the wallet\n\n"
	"Questions to the gateway:\n"
	"  show ID                        what the registry holds at latest and safe; --at BLOCK|TIME\n"
	"  links ID                       other identities it is linked with, and what would prove those that are not\n"
	"  history ID                     every change of owner, wallet and URI; --before BLOCK, --limit N\n"
	"  authority ID ADDRESS           whether that account speaks for the agent (exit 0) or not (exit 1); --at\n"
	"  proof ID                       a proof of all that, for `kedge verify`; --at BLOCK|safe|finalized|latest\n"
	"  search                         agents by --owner, --wallet, --q, --service, --after, --limit\n\n"
	"`kedge agent VERB --help` lists a verb's options. ID is " CLI_AGENT_FORMS ".";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} questions[] = {
	{"show", cli_agent_show},
	{"links", cli_agent_links},
	{"history", cli_agent_history},
	{"authority", cli_agent_authority},
	{"proof", cli_agent_proof},
	{"search", cli_agent_search},
};

int cli_agent_id(char out[static CLI_AGENT_ID_SIZE], const char *word)
{
	char text[AGENT_KEY_TEXT_SIZE], registry[ADDRESS_TEXT_SIZE], id[U256_DECIMAL_SIZE];
	struct agent_key key;
	size_t len = strlen(word);

	if (len < sizeof(text) && strchr(word, '/')) {
		for (size_t i = 0; i <= len; i++) /* a key text has no letter case (docs/formats.md section 1) */
			text[i] = (char)(word[i] >= 'A' && word[i] <= 'Z' ? word[i] + 'a' - 'A' : word[i]);
		if (agent_key_parse(&key, text, len) == 0) {
			address_format_lower(registry, &key.registry);
			u256_format_decimal(id, &key.id);
			snprintf(out, CLI_AGENT_ID_SIZE, "%ju:%s:%s", (uintmax_t)key.chain, registry, id);
			return CLI_OK;
		}
	}
	if (len > 0 && len < CLI_AGENT_ID_SIZE && strspn(word, "0123456789abcdefABCDEFx:") == len) {
		memcpy(out, word, len + 1);
		return CLI_OK;
	}
	cli_error("%s: an agent is " CLI_AGENT_FORMS, word);
	return CLI_USAGE;
}

int cli_agent(int argc, char **argv)
{
	enum prepare_verb verb;

	if (argc >= 1 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
		puts(usage);
		return CLI_OK;
	}
	if (argc >= 1 && prepare_verb_parse(&verb, argv[0]) == 0)
		return cli_agent_write(verb, argc - 1, argv + 1);
	for (size_t i = 0; argc >= 1 && i < sizeof(questions) / sizeof(questions[0]); i++)
		if (strcmp(questions[i].name, argv[0]) == 0)
			return questions[i].run(argc - 1, argv + 1);
	if (argc >= 1)
		fprintf(stderr, "kedge: no such verb: agent %s\n", argv[0]);
	fprintf(stderr, "%s\n", usage);
	return CLI_USAGE;
}
