/* kedge agent show, history, authority, search: the running gateway's answers, for people or as they are. */
#include "gateway/cli/agent.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/text.h"

#include <stdio.h>
#include <string.h>

enum { PATH_MAX_BYTES = 4096 };

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

struct query {
	char path[PATH_MAX_BYTES];
	bool asked; /* a "?" is there */
	bool full;  /* something did not fit */
};

static void put_encoded(struct query *query, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:";
	size_t at = strlen(query->path);

	for (; *text; text++) {
		if (at + 4 > sizeof(query->path)) {
			query->full = true;
			return;
		}
		if (strchr(plain, *text))
			query->path[at++] = *text;
		else
			at += (size_t)snprintf(query->path + at, 4, "%%%02X", (unsigned char)*text);
		query->path[at] = '\0';
	}
}

static void put_option(struct query *query, const char *name, const char *value)
{
	size_t at = strlen(query->path);

	if (!value)
		return;
	if (at + 40 > sizeof(query->path)) {
		query->full = true;
		return;
	}
	snprintf(query->path + at, sizeof(query->path) - at, "%s%s=", query->asked ? "&" : "?", name);
	query->asked = true;
	put_encoded(query, value);
}

static int start_agent(struct query *query, const char *word, const char *what)
{
	char id[CLI_AGENT_ID_SIZE];
	int rc = cli_agent_id(id, word);

	if (rc == CLI_OK)
		snprintf(query->path, sizeof(query->path), "/v1/agents/%s%s", id, what);
	return rc;
}

/* *out is the answer's object, for json_decref(). CLI_OK, or printed why not. */
static int ask(json_t **out, const struct query *query, const char *url)
{
	struct cli_response answer;
	struct config config;
	int rc = cli_config(&config);

	if (query->full) {
		cli_error("the words are too long");
		return CLI_USAGE;
	}
	if (rc == CLI_OK)
		rc = cli_request(&answer, &config, url, "GET", query->path, NULL, NULL);
	if (rc != CLI_OK)
		return rc;
	*out = json_loadb(answer.body, answer.length, JSON_ALLOW_NUL, NULL);
	if (answer.status != 200 || !json_is_object(*out)) {
		rc = cli_problem(&answer);
		json_decref(*out);
		*out = NULL;
	}
	cli_response_clear(&answer);
	return rc;
}

static void print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "none";
}

int cli_agent_show(int argc, char **argv)
{
	const char *word[1], *at = NULL, *url = NULL;
	bool done, json = true;
	const struct cli_option options[] = {{.name = "at", .value = &at}, {.name = "url", .value = &url},
					     {.name = "json", .flag = &json}, {.name = NULL}};
	struct query query = {0};
	json_t *answer = NULL;
	int rc = cli_parse(&done, word, NULL, argc, argv, options, 1, 1, show_usage);

	if (rc == CLI_OK && !done)
		rc = start_agent(&query, word[0], "");
	if (rc != CLI_OK || done)
		return rc;
	put_option(&query, "at", at);
	rc = ask(&answer, &query, url);
	if (rc == CLI_OK)
		print_json(answer);
	json_decref(answer);
	return rc;
}

/* A URI that is no text is there all the same. */
static const char *uri_of(const json_t *state)
{
	return json_is_string(json_object_get(state, "uriBytes")) ? text_of(state, "uriBytes") : text_of(state, "uri");
}

static void print_change(const json_t *change)
{
	const json_t *block = json_object_get(change, "block"), *word;
	size_t i;

	printf("block %s  %s  %s ", text_of(block, "number"), text_of(block, "time"), text_of(block, "finality"));
	json_array_foreach(json_object_get(change, "changed"), i, word) {
		printf(" %s", json_is_string(word) ? json_string_value(word) : "?");
	}
	printf("\n  owner   %s\n  wallet  %s\n  uri     %s\n  tier    %s\n", text_of(change, "owner"), text_of(change, "wallet"),
	       uri_of(change), text_of(change, "tier"));
}

int cli_agent_history(int argc, char **argv)
{
	const char *word[1], *before = NULL, *limit = NULL, *url = NULL;
	bool done, json = false;
	const struct cli_option options[] = {{.name = "before", .value = &before}, {.name = "limit", .value = &limit},
					     {.name = "url", .value = &url}, {.name = "json", .flag = &json}, {.name = NULL}};
	struct query query = {0};
	json_t *answer = NULL, *change;
	size_t i;
	int rc = cli_parse(&done, word, NULL, argc, argv, options, 1, 1, history_usage);

	if (rc == CLI_OK && !done)
		rc = start_agent(&query, word[0], "/history");
	if (rc != CLI_OK || done)
		return rc;
	put_option(&query, "before", before);
	put_option(&query, "limit", limit);
	rc = ask(&answer, &query, url);
	if (rc == CLI_OK && json) {
		print_json(answer);
	} else if (rc == CLI_OK) {
		cli_escape_json(answer);
		json_array_foreach(json_object_get(answer, "changes"), i, change) {
			print_change(change);
		}
		if (json_is_string(json_object_get(answer, "next")))
			printf("more: --before %s\n", text_of(answer, "next"));
		printf("index at block %s, final %s\n", text_of(json_object_get(answer, "index"), "tip"),
		       text_of(json_object_get(answer, "index"), "final"));
	}
	json_decref(answer);
	return rc;
}

static void print_authority(const json_t *answer, bool speaks)
{
	const json_t *at = json_object_get(answer, "at"), *since = json_object_get(answer, "since");
	const json_t *until = json_object_get(answer, "until");

	printf("%s %s for %s", text_of(answer, "address"), speaks ? "speaks" : "does not speak", text_of(answer, "agent"));
	if (speaks)
		printf(" as its %s", text_of(answer, "role"));
	putchar('\n');
	if (json_is_string(json_object_get(at, "number"))) /* of an instant in the final past there is none */
		printf("block   %s  ", text_of(at, "number"));
	else
		printf("at      ");
	if (json_is_string(json_object_get(at, "time"))) /* kept of blocks in which something happened */
		printf("%s  ", text_of(at, "time"));
	printf("%s\n", text_of(at, "finality"));
	if (json_is_object(since))
		printf("since   %s  %s\n", text_of(since, "number"), text_of(since, "time"));
	if (json_is_object(until))
		printf("until   %s  %s\n", text_of(until, "number"), text_of(until, "time"));
	printf("tier    %s\n", text_of(answer, "tier"));
}

int cli_agent_authority(int argc, char **argv)
{
	const char *word[2], *at = NULL, *url = NULL;
	bool done, json = false;
	const struct cli_option options[] = {{.name = "at", .value = &at}, {.name = "url", .value = &url},
					     {.name = "json", .flag = &json}, {.name = NULL}};
	struct query query = {0};
	json_t *answer = NULL;
	int rc = cli_parse(&done, word, NULL, argc, argv, options, 2, 2, authority_usage);

	if (rc == CLI_OK && !done)
		rc = start_agent(&query, word[0], "/authority");
	if (rc != CLI_OK || done)
		return rc;
	put_option(&query, "address", word[1]);
	put_option(&query, "at", at);
	rc = ask(&answer, &query, url);
	if (rc == CLI_OK) {
		bool speaks = json_is_true(json_object_get(answer, "speaks"));

		if (json) {
			print_json(answer);
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
	printf("%s\n  owner   %s\n  wallet  %s\n  name    %s\n  uri     %s\n", text_of(agent, "agent"), text_of(agent, "owner"),
	       text_of(agent, "wallet"), text_of(agent, "name"), uri_of(agent));
}

int cli_agent_search(int argc, char **argv)
{
	const char *word[1], *url = NULL, *value[6] = {NULL};
	static const char *const names[6] = {"owner", "wallet", "q", "service", "after", "limit"};
	bool done, json = false;
	struct cli_option options[9] = {{.name = "url", .value = &url}, {.name = "json", .flag = &json}};
	struct query query = {.path = "/v1/agents"};
	json_t *answer = NULL, *agent;
	size_t i;
	int rc;

	for (i = 0; i < 6; i++)
		options[2 + i] = (struct cli_option){.name = names[i], .value = &value[i]};
	rc = cli_parse(&done, word, NULL, argc, argv, options, 0, 0, search_usage);
	if (rc != CLI_OK || done)
		return rc;
	for (i = 0; i < 6; i++)
		put_option(&query, names[i], value[i]);
	rc = ask(&answer, &query, url);
	if (rc == CLI_OK && json) {
		print_json(answer);
	} else if (rc == CLI_OK) {
		cli_escape_json(answer);
		json_array_foreach(json_object_get(answer, "agents"), i, agent) {
			print_found(agent);
		}
		if (json_is_string(json_object_get(answer, "next")))
			printf("more: --after %s\n", text_of(answer, "next"));
	}
	json_decref(answer);
	return rc;
}
