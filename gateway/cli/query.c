#include "gateway/cli/query.h"

#include <stdio.h>
#include <string.h>

static void put_encoded(struct cli_query *query, const char *text)
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

void cli_query_option(struct cli_query *query, const char *name, const char *value)
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

int cli_query_ask(json_t **out, const struct cli_query *query, const char *url)
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

void cli_print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
}

const char *cli_text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "none";
}
