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
	"  history ID                     every change of owner, wallet and URI; --before BLOCK, --limit N\n"
	"  authority ID ADDRESS           whether that account speaks for the agent (exit 0) or not (exit 1); --at\n"
	"  proof ID                       a proof of all that, for `kedge verify`; --at BLOCK|safe|finalized|latest\n"
	"  search                         agents by --owner, --wallet, --q, --service, --after, --limit\n\n"
	"`kedge agent VERB --help` lists a verb's options. ID is `42`, `CHAIN:42` or `CHAIN:0xREGISTRY:42`.";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} questions[] = {
	{"show", cli_agent_show},
	{"history", cli_agent_history},
	{"authority", cli_agent_authority},
	{"proof", cli_agent_proof},
	{"search", cli_agent_search},
};

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
