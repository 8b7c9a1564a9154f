/* kedge agent show, history, authority, search: the running gateway's answers, for people or as they are. */
#include "gateway/cli/agent.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/query.h"
#include "gateway/cli/text.h"

#include <stdio.h>
#include <string.h>

static const char show_usage[] = "usage: kedge agent show ID [--at BLOCK|TIME] [--json] [--url URL]\n\n"
				 "Prints, always as JSON, what the registry holds about an agent at latest and safe; with --at, as of that block or\n"
				 "RFC 3339 time.";
static const char history_usage[] = "usage: kedge agent history ID [--before BLOCK] [--limit N] [--json] [--url URL]\n\n"
				    "Every change of owner, wallet and URI, the newest first.";
static const char authority_usage[] = "usage: kedge agent authority ID ADDRESS [--at BLOCK|TIME] [--json] [--url URL]\n\n"
				      "Whether that account speaks for the agent, now or then. Exit 0: it does; 1: it does not.";
static const char search_usage[] = "usage: kedge agent search [--owner ADDRESS] [--wallet ADDRESS] [--q TEXT] [--service TEXT]\n"
				   "                          [--after CURSOR] [--limit N] [--json] [--url URL]\n\n"
				   "Agents that fit all that is given.";

static int start_agent(struct cli_query *query, const char *word, const char *what)
{
	char id[CLI_AGENT_ID_SIZE];
	int rc = cli_agent_id(id, word);

	if (rc == CLI_OK)
		snprintf(query->path, sizeof(query->path), "/v1/agents/%s%s", id, what);
	return rc;
}

int cli_agent_show(int argc, char **argv)
{
	const char *word[1], *at = NULL, *url = NULL;
	bool done, json = true;
	const struct cli_option options[] = {{.name = "at", .value = &at}, {.name = "url", .value = &url},
					     {.name = "json", .flag = &json}, {.name = NULL}};
	struct cli_query query = {0};
	json_t *answer = NULL;
	int rc = cli_parse(&done, word, NULL, argc, argv, options, 1, 1, show_usage);

	if (rc == CLI_OK && !done)
		rc = start_agent(&query, word[0], "");
	if (rc != CLI_OK || done)
		return rc;
	cli_query_option(&query, "at", at);
	rc = cli_query_ask(&answer, &query, url);
	if (rc == CLI_OK)
		cli_print_json(answer);
	json_decref(answer);
	return rc;
}

/* A URI that is no text is there all the same. */
static const char *uri_of(const json_t *state)
{
	return json_is_string(json_object_get(state, "uriBytes")) ? cli_text_of(state, "uriBytes") : cli_text_of(state, "uri");
}

static void print_change(const json_t *change)
{
	const json_t *block = json_object_get(change, "block"), *word;
	size_t i;

	printf("block %s  %s  %s ", cli_text_of(block, "number"), cli_text_of(block, "time"), cli_text_of(block, "finality"));
	json_array_foreach(json_object_get(change, "changed"), i, word) {
		printf(" %s", json_is_string(word) ? json_string_value(word) : "?");
	}
	printf("\n  owner   %s\n  wallet  %s\n  uri     %s\n  tier    %s\n", cli_text_of(change, "owner"), cli_text_of(change, "wallet"),
	       uri_of(change), cli_text_of(change, "tier"));
}

int cli_agent_history(int argc, char **argv)
{
	const char *word[1], *before = NULL, *limit = NULL, *url = NULL;
	bool done, json = false;
	const struct cli_option options[] = {{.name = "before", .value = &before}, {.name = "limit", .value = &limit},
					     {.name = "url", .value = &url}, {.name = "json", .flag = &json}, {.name = NULL}};
	struct cli_query query = {0};
	json_t *answer = NULL, *change;
	size_t i;
	int rc = cli_parse(&done, word, NULL, argc, argv, options, 1, 1, history_usage);

	if (rc == CLI_OK && !done)
		rc = start_agent(&query, word[0], "/history");
	if (rc != CLI_OK || done)
		return rc;
	cli_query_option(&query, "before", before);
	cli_query_option(&query, "limit", limit);
	rc = cli_query_ask(&answer, &query, url);
	if (rc == CLI_OK && json) {
		cli_print_json(answer);
	} else if (rc == CLI_OK) {
		cli_escape_json(answer);
		json_array_foreach(json_object_get(answer, "changes"), i, change) {
			print_change(change);
		}
		if (json_is_string(json_object_get(answer, "next")))
			printf("more: --before %s\n", cli_text_of(answer, "next"));
		printf("index at block %s, final %s\n", cli_text_of(json_object_get(answer, "index"), "tip"),
		       cli_text_of(json_object_get(answer, "index"), "final"));
	}
	json_decref(answer);
	return rc;
}

static void print_authority(const json_t *answer, bool speaks)
{
	const json_t *at = json_object_get(answer, "at"), *since = json_object_get(answer, "since");
	const json_t *until = json_object_get(answer, "until");

	printf("%s %s for %s", cli_text_of(answer, "address"), speaks ? "speaks" : "does not speak", cli_text_of(answer, "agent"));
	if (speaks)
		printf(" as its %s", cli_text_of(answer, "role"));
	putchar('\n');
	if (json_is_string(json_object_get(at, "number"))) /* of an instant in the final past there is none */
		printf("block   %s  ", cli_text_of(at, "number"));
	else
		printf("at      ");
	if (json_is_string(json_object_get(at, "time"))) /* kept of blocks in which something happened */
		printf("%s  ", cli_text_of(at, "time"));
	printf("%s\n", cli_text_of(at, "finality"));
	if (json_is_object(since))
		printf("since   %s  %s\n", cli_text_of(since, "number"), cli_text_of(since, "time"));
	if (json_is_object(until))
		printf("until   %s  %s\n", cli_text_of(until, "number"), cli_text_of(until, "time"));
	printf("tier    %s\n", cli_text_of(answer, "tier"));
}

int cli_agent_authority(int argc, char **argv)
{
	const char *word[2], *at = NULL, *url = NULL;
	bool done, json = false;
	const struct cli_option options[] = {{.name = "at", .value = &at}, {.name = "url", .value = &url},
					     {.name = "json", .flag = &json}, {.name = NULL}};
	struct cli_query query = {0};
	json_t *answer = NULL;
	int rc = cli_parse(&done, word, NULL, argc, argv, options, 2, 2, authority_usage);

	if (rc == CLI_OK && !done)
		rc = start_agent(&query, word[0], "/authority");
	if (rc != CLI_OK || done)
		return rc;
	cli_query_option(&query, "address", word[1]);
	cli_query_option(&query, "at", at);
	rc = cli_query_ask(&answer, &query, url);
	if (rc == CLI_OK) {
		bool speaks = json_is_true(json_object_get(answer, "speaks"));

		if (json) {
			cli_print_json(answer);
		} else {
			cli_escape_json(answer);
			print_authority(answer, speaks);
		}
		rc = speaks ? CLI_OK : CLI_FALSE;
	}
	json_decref(answer);
	return rc;
}

static void print_found(const json_t *agent)
{
	printf("%s\n  owner   %s\n  wallet  %s\n  name    %s\n  uri     %s\n", cli_text_of(agent, "agent"), cli_text_of(agent, "owner"),
	       cli_text_of(agent, "wallet"), cli_text_of(agent, "name"), uri_of(agent));
}

int cli_agent_search(int argc, char **argv)
{
	const char *word[1], *url = NULL, *value[6] = {NULL};
	static const char *const names[6] = {"owner", "wallet", "q", "service", "after", "limit"};
	bool done, json = false;
	struct cli_option options[9] = {{.name = "url", .value = &url}, {.name = "json", .flag = &json}};
	struct cli_query query = {.path = "/v1/agents"};
	json_t *answer = NULL, *agent;
	size_t i;
	int rc;

	for (i = 0; i < 6; i++)
		options[2 + i] = (struct cli_option){.name = names[i], .value = &value[i]};
	rc = cli_parse(&done, word, NULL, argc, argv, options, 0, 0, search_usage);
	if (rc != CLI_OK || done)
		return rc;
	for (i = 0; i < 6; i++)
		cli_query_option(&query, names[i], value[i]);
	rc = cli_query_ask(&answer, &query, url);
	if (rc == CLI_OK && json) {
		cli_print_json(answer);
	} else if (rc == CLI_OK) {
		cli_escape_json(answer);
		json_array_foreach(json_object_get(answer, "agents"), i, agent) {
			print_found(agent);
		}
		if (json_is_string(json_object_get(answer, "next")))
			printf("more: --after %s\n", cli_text_of(answer, "next"));
	}
	json_decref(answer);
	return rc;
}
