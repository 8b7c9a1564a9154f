#pragma once
/* A question to the gateway: a path and its query, and the answer's object. */
#include "gateway/cli/cli.h"

enum { CLI_QUERY_MAX = 4096 };

struct cli_query {
	char path[CLI_QUERY_MAX]; /* what is asked for; put there by the caller, plain */
	bool asked;		  /* a "?" is there */
	bool full;		  /* something did not fit */
};

/* Adds NAME=VALUE, escaped; nothing where value is NULL. */
void cli_query_option(struct cli_query *query, const char *name, const char *value);

/* GET. *out is the answer's object, for json_decref(). CLI_OK, or printed why not. */
__attribute__((warn_unused_result)) int cli_query_ask(json_t **out, const struct cli_query *query, const char *url);

/* For people and for pipes: indented, ASCII. */
void cli_print_json(const json_t *value);

/* A member's text; "none" where there is none. */
const char *cli_text_of(const json_t *object, const char *name);
