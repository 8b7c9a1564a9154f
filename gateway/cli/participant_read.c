/* kedge participant show, list, history: the running gateway's answers, for people or as they are. */
#include "gateway/cli/participant.h"
#include "gateway/cli/query.h"
#include "gateway/cli/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char show_usage[] = "usage: kedge participant show HANDLE [--json] [--url URL]\n\n"
				 "What is linked with a participant. An agent's link holds (proven) while whoever consented owns it.";
static const char list_usage[] = "usage: kedge participant list [--account ADDRESS | --agent ID] [--after HANDLE] [--limit N] [--json] [--url URL]\n\n"
				 "Handles, all or those linked with an account or an agent.";
static const char history_usage[] = "usage: kedge participant history HANDLE [--after SEQ] [--limit N] [--json] [--url URL]\n\n"
				    "Every change, the oldest first; `kedge resolve DID --version-id SEQ` shows the document as it was.";

static int start(struct cli_query *query, const char *word, const char *what)
{
	char handle[PARTICIPANT_HANDLE_SIZE];

	if (participant_handle_fold(handle, word, strlen(word)) != 0) {
		cli_error("a handle is 3 to 20 of a-z, 0-9, _ and -");
		return CLI_USAGE;
	}
	snprintf(query->path, sizeof(query->path), "/v1/participants/%s%s", handle, what);
	return CLI_OK;
}

static void print_linked(const json_t *answer)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(answer, "accounts"), i, one)
	{
		printf("account      %s  %s, %s\n", cli_text_of(one, "account"), cli_text_of(one, "role"), cli_text_of(one, "kind"));
	}
	json_array_foreach(json_object_get(answer, "agents"), i, one)
	{
		printf("agent        %s  %s, owner %s %s\n", cli_text_of(one, "did"), cli_text_of(one, "state"), cli_text_of(one, "owner"),
		       strcmp(cli_text_of(one, "consent"), "signed") == 0 ? "signed" : "is an account of it");
	}
	json_array_foreach(json_object_get(answer, "foreign"), i, one)
	{
		printf("foreign      %s  %s\n", cli_text_of(one, "did"), cli_text_of(one, "state"));
	}
}

static void print_participant(json_t *answer)
{
	char *profile = json_is_object(json_object_get(answer, "profile")) ?
				json_dumps(json_object_get(answer, "profile"), JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

	cli_escape_json(answer);
	printf("handle       %s\ndid          %s\nparticipant  %s\ncreated      %s\nversion      %s  %s\n", cli_text_of(answer, "handle"),
	       cli_text_of(answer, "did"), cli_text_of(answer, "participant"), cli_text_of(answer, "created"), cli_text_of(answer, "versionId"),
	       cli_text_of(answer, "updated"));
	print_linked(answer);
	if (profile) {
		fputs("profile      ", stdout);
		cli_print(stdout, profile);
		putchar('\n');
	}
	free(profile);
}

int cli_participant_show(int argc, char **argv)
{
	const char *word[1], *url = NULL;
	bool done, json = false;
	const struct cli_option options[] = {{.name = "url", .value = &url}, {.name = "json", .flag = &json}, {.name = NULL}};
	struct cli_query query = {0};
	json_t *answer = NULL;
	int rc = cli_parse(&done, word, NULL, argc, argv, options, 1, 1, show_usage);

	if (rc == CLI_OK && !done)
		rc = start(&query, word[0], "");
	if (rc != CLI_OK || done)
		return rc;
	rc = cli_query_ask(&answer, &query, url);
	if (rc == CLI_OK && json)
		cli_print_json(answer);
	else if (rc == CLI_OK)
		print_participant(answer);
	json_decref(answer);
	return rc;
}

int cli_participant_list(int argc, char **argv)
{
	static const char *const names[4] = {"account", "agent", "after", "limit"};
	const char *word[1], *url = NULL, *value[4] = {NULL};
	bool done, json = false;
	struct cli_option options[7] = {{.name = "url", .value = &url}, {.name = "json", .flag = &json}};
	struct cli_query query = {.path = "/v1/participants"};
	json_t *answer = NULL, *one;
	size_t i;
	int rc;

	for (i = 0; i < 4; i++)
		options[2 + i] = (struct cli_option){.name = names[i], .value = &value[i]};
	rc = cli_parse(&done, word, NULL, argc, argv, options, 0, 0, list_usage);
	if (rc != CLI_OK || done)
		return rc;
	for (i = 0; i < 4; i++)
		cli_query_option(&query, names[i], value[i]);
	rc = cli_query_ask(&answer, &query, url);
	if (rc == CLI_OK && json) {
		cli_print_json(answer);
	} else if (rc == CLI_OK) {
		cli_escape_json(answer);
		json_array_foreach(json_object_get(answer, "participants"), i, one)
		{
			printf("%-20s %s  version %s, %s\n", cli_text_of(one, "handle"), cli_text_of(one, "did"), cli_text_of(one, "versionId"),
			       cli_text_of(one, "updated"));
		}
		if (json_is_string(json_object_get(answer, "next")))
			printf("more: --after %s\n", cli_text_of(answer, "next"));
	}
	json_decref(answer);
	return rc;
}

static void print_version(const json_t *version)
{
	const json_t *role = json_object_get(version, "role"), *signer;
	size_t i;

	printf("version %s  %s  %s", cli_text_of(version, "versionId"), cli_text_of(version, "at"), cli_text_of(version, "verb"));
	if (json_is_string(json_object_get(version, "object")))
		printf(" %s", cli_text_of(version, "object"));
	if (json_is_string(role))
		printf(" as %s", json_string_value(role));
	putchar('\n');
	json_array_foreach(json_object_get(version, "signers"), i, signer)
	{
		printf("  by %s\n", json_is_string(signer) ? json_string_value(signer) : "?");
	}
}

int cli_participant_history(int argc, char **argv)
{
	const char *word[1], *after = NULL, *limit = NULL, *url = NULL;
	bool done, json = false;
	const struct cli_option options[] = {{.name = "after", .value = &after}, {.name = "limit", .value = &limit},
					     {.name = "url", .value = &url}, {.name = "json", .flag = &json}, {.name = NULL}};
	struct cli_query query = {0};
	json_t *answer = NULL, *version;
	size_t i;
	int rc = cli_parse(&done, word, NULL, argc, argv, options, 1, 1, history_usage);

	if (rc == CLI_OK && !done)
		rc = start(&query, word[0], "/history");
	if (rc != CLI_OK || done)
		return rc;
	cli_query_option(&query, "after", after);
	cli_query_option(&query, "limit", limit);
	rc = cli_query_ask(&answer, &query, url);
	if (rc == CLI_OK && json) {
		cli_print_json(answer);
	} else if (rc == CLI_OK) {
		cli_escape_json(answer);
		json_array_foreach(json_object_get(answer, "versions"), i, version)
		{
			print_version(version);
		}
		if (json_is_string(json_object_get(answer, "next")))
			printf("more: --after %s\n", cli_text_of(answer, "next"));
	}
	json_decref(answer);
	return rc;
}
