/* kedge participant: people with a handle on this host: claim one, link accounts and agents with it, ask who somebody is. */
#include "gateway/cli/participant.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
	"usage: kedge participant VERB [WORD ...] [OPTION ...]\n\n"
	"Changes, signed here by --key's account and checked by the gateway:\n"
	"  claim HANDLE             take a handle that is free; the account becomes its first controller\n"
	"  link HANDLE OBJECT       an account (0x…), an agent (its id) or a did:web of another host; --role controller\n"
	"  unlink HANDLE OBJECT     the other way\n"
	"  profile HANDLE FILE      set the coordinationGames profile, a JSON object\n"
	"  erase HANDLE --yes       for ever: the payloads go, and nobody gets the handle again\n\n"
	"Questions to the gateway:\n"
	"  show HANDLE              accounts, agents and DIDs that are linked, and whether the links hold\n"
	"  list                     handles; --account ADDRESS, --agent ID, --after HANDLE, --limit N\n"
	"  links HANDLE             the same with what is not confirmed, and what would prove it\n"
	"  history HANDLE           every change, the oldest first; --after SEQ, --limit N\n\n"
	"The operator's:\n"
	"  erase HANDLE --operator --reason request|law|mistake --yes\n"
	"  rebuild                  work the tables out anew from the log\n\n"
	"`kedge participant VERB --help` lists a verb's options.";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} others[] = {
	{"show", cli_participant_show},
	{"list", cli_participant_list},
	{"links", cli_participant_links},
	{"history", cli_participant_history},
	{"rebuild", cli_participant_rebuild},
};

int cli_participant(int argc, char **argv)
{
	enum participant_verb verb;

	if (argc >= 1 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
		puts(usage);
		return CLI_OK;
	}
	if (argc >= 1 && participant_verb_parse(&verb, argv[0], strlen(argv[0])) == 0 && verb != PARTICIPANT_LAPSE)
		return cli_participant_write(verb, argc - 1, argv + 1);
	for (size_t i = 0; argc >= 1 && i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(others[i].name, argv[0]) == 0)
			return others[i].run(argc - 1, argv + 1);
	if (argc >= 1)
		fprintf(stderr, "kedge: no such verb: participant %s\n", argv[0]);
	fprintf(stderr, "%s\n", usage);
	return CLI_USAGE;
}
