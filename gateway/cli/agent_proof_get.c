/* kedge agent proof: the gateway's AgentProof object, byte for byte, for `kedge verify` and for the archive. */
#include "gateway/cli/agent.h"
#include "gateway/cli/cli.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
	"usage: kedge agent proof ID [--at BLOCK|safe|finalized|latest] [--url URL]\n\n"
	"Prints a proof of what the registry holds about an agent at the end of a block (default: the newest safe one). Keep it in a\n"
	"file; `kedge verify FILE` checks it without the gateway.";

int cli_agent_proof(int argc, char **argv)
{
	const char *word[1], *at = "safe", *url = NULL;
	const struct cli_option options[] = {{.name = "at", .value = &at}, {.name = "url", .value = &url}, {.name = NULL}};
	struct cli_response answer;
	struct config config;
	char path[300], id[CLI_AGENT_ID_SIZE];
	bool done;
	int rc = cli_parse(&done, word, NULL, argc, argv, options, 1, 1, usage);

	if (rc != CLI_OK || done)
		return rc;
	rc = cli_agent_id(id, word[0]);
	if (rc == CLI_OK && (strlen(at) > 24 || strspn(at, "0123456789abcdefghijklmnopqrstuvwxyz") != strlen(at))) {
		cli_error("--at is a block number, safe, finalized or latest");
		rc = CLI_USAGE;
	}
	if (rc != CLI_OK)
		return rc;
	snprintf(path, sizeof(path), "/v1/agents/%s/proof?at=%s", id, at);
	rc = cli_config(&config);
	if (rc == CLI_OK)
		rc = cli_request(&answer, &config, url, "GET", path, NULL, NULL);
	if (rc != CLI_OK)
		return rc;
	if (answer.status != 200)
		rc = cli_problem(&answer);
	else if (fwrite(answer.body, 1, answer.length, stdout) != answer.length || putchar('\n') == EOF)
		rc = CLI_FALSE;
	cli_response_clear(&answer);
	return rc;
}
