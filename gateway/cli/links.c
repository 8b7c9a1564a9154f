/* kedge agent links, kedge participant links: the running gateway's answer, for people or as it is. */
#include "gateway/cli/agent.h"
#include "gateway/cli/participant.h"
#include "gateway/cli/query.h"
#include "gateway/cli/text.h"

#include <stdio.h>
#include <string.h>

static const char agent_usage[] = "usage: kedge agent links ID [--json] [--url URL]\n\n"
				  "What the agent's file says of other identities, and who links the agent, with what confirms it.";
static const char participant_usage[] = "usage: kedge participant links HANDLE [--json] [--url URL]\n\n"
					"Accounts, agents and DIDs that are linked, and whether each of them says so too.";

/* What is in the document first, and of the others what would prove them. */
static void print_links(const json_t *links, bool published)
{
	const json_t *link;
	size_t i;

	json_array_foreach(links, i, link)
	{
		if (json_is_true(json_object_get(link, "published")) != published)
			continue;
		printf("%-11s %-9s %s\n", cli_text_of(link, "state"), cli_text_of(link, "direction"), cli_text_of(link, "id"));
		if (json_is_string(json_object_get(link, "next")))
			printf("%22s%s\n", "", cli_text_of(link, "next"));
	}
}

static int ask(const struct cli_query *query, bool json, const char *url)
{
	json_t *answer = NULL;
	int rc = cli_query_ask(&answer, query, url);

	if (rc == CLI_OK && json) {
		cli_print_json(answer);
	} else if (rc == CLI_OK) {
		cli_escape_json(answer);
		print_links(json_object_get(answer, "links"), true);
		print_links(json_object_get(answer, "links"), false);
	}
	json_decref(answer);
	return rc;
}

int cli_agent_links(int argc, char **argv)
{
	const char *word[1], *url = NULL;
	bool done, json = false;
	const struct cli_option options[] = {{.name = "url", .value = &url}, {.name = "json", .flag = &json}, {.name = NULL}};
	struct cli_query query = {0};
	char id[CLI_AGENT_ID_SIZE];
	int rc = cli_parse(&done, word, NULL, argc, argv, options, 1, 1, agent_usage);

	if (rc == CLI_OK && !done)
		rc = cli_agent_id(id, word[0]);
	if (rc != CLI_OK || done)
		return rc;
	snprintf(query.path, sizeof(query.path), "/v1/agents/%s/links", id);
	return ask(&query, json, url);
}

int cli_participant_links(int argc, char **argv)
{
	const char *word[1], *url = NULL;
	bool done, json = false;
	const struct cli_option options[] = {{.name = "url", .value = &url}, {.name = "json", .flag = &json}, {.name = NULL}};
	struct cli_query query = {0};
	char handle[PARTICIPANT_HANDLE_SIZE];
	int rc = cli_parse(&done, word, NULL, argc, argv, options, 1, 1, participant_usage);

	if (rc != CLI_OK || done)
		return rc;
	if (participant_handle_fold(handle, word[0], strlen(word[0])) != 0) {
		cli_error("a handle is 3 to 20 of a-z, 0-9, _ and -");
		return CLI_USAGE;
	}
	snprintf(query.path, sizeof(query.path), "/v1/participants/%s/links", handle);
	return ask(&query, json, url);
}
