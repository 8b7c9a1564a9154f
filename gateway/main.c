/* kedge: resolves agents, keeps the record, anchors it. Every subcommand lives in cli/; this table is all that is here. */
#include "gateway/cli/cli.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{"serve", cli_serve, "run the gateway"},
	{"doctor", cli_doctor, "check the chain's providers, the contracts, the database and the index"},
	{"keygen", cli_keygen, "make a key, or show the public part of one"},
	{"db", cli_db, "create or migrate the database, or check it"},
	{"agent", cli_agent, "register an agent, rotate its wallet, ask who it is and was"},
	{"participant", cli_participant, "claim a handle, link accounts and agents with it, erase it"},
	{"attest", cli_attest, "sign an attestation and have it logged"},
	{"resolve", cli_resolve, "resolve a DID, now or as of a block"},
	{"receipt", cli_receipt, "fetch the receipt of an attestation"},
	{"sign", cli_sign, "sign a JSON document with the assertion key"},
	{"verify", cli_verify, "check a receipt, an agent proof or a signed document"},
	{"log", cli_log, "show the state of the log"},
	{"policy", cli_policy, "write a verifier's policy from the deployment record and the log key"},
};

static void usage(FILE *to)
{
	fprintf(to, "usage: kedge COMMAND [OPTION ...]\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %-11s %s\n", commands[i].name, commands[i].summary);
	fprintf(to, "\n`kedge COMMAND --help` says more. Exit codes: 0 as asked, 1 false, 2 usage, 3 not yet at the asked level, "
		    "4 unreachable.\n");
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "C");
	if (argc < 2) {
		usage(stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return CLI_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("kedge %s\n", KEDGE_VERSION);
		return CLI_OK;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return commands[i].run(argc - 2, argv + 2);
	fprintf(stderr, "kedge: no command '%s'\n\n", argv[1]);
	usage(stderr);
	return CLI_USAGE;
}
