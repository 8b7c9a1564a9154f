/* kedge log info: how far the log has come, by its own checkpoints. */
#include "anchor/checkpoint.h"
#include "gateway/cli/cli.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: kedge log info [--json] [--url URL]\n\n"
			    "Shows the log's key and its latest published checkpoint, whose signature is checked here.\n\n"
			    "  --json     print JSON\n"
			    "  --url URL  ask that gateway instead of the one running here";

static int print_checkpoint(const struct cli_response *answer, const char *vkey, bool json)
{
	char text[NOTE_KEY_TEXT_MAX], root[65];
	struct checkpoint checkpoint;
	struct note_key key;
	int rc;

	snprintf(text, sizeof(text), "%.*s", (int)strcspn(vkey, "\r\n"), vkey);
	if (sodium_init() < 0 || note_key_parse(&key, text, strlen(text)) != 0) {
		cli_error("the gateway's vkey is malformed: %s", text);
		return CLI_FALSE;
	}
	rc = checkpoint_open(&checkpoint, answer->body, answer->length, &key);
	if (rc != 0) {
		cli_error("the checkpoint is not signed by %s", text);
		return CLI_FALSE;
	}
	sodium_bin2hex(root, sizeof(root), checkpoint.root.bytes, 32);
	if (json)
		printf("{\"origin\":\"%s\",\"root\":\"%s\",\"size\":%ju,\"vkey\":\"%s\"}\n", checkpoint.origin, root,
		       (uintmax_t)checkpoint.size, text);
	else
		printf("origin  %s\nvkey    %s\nsize    %ju\nroot    %s\n", checkpoint.origin, text,
		       (uintmax_t)checkpoint.size, root);
	return CLI_OK;
}

int cli_log(int argc, char **argv)
{
	const char *word[1] = {NULL}, *url = NULL;
	bool done, json = false;
	const struct cli_option options[] = {{.name = "json", .flag = &json}, {.name = "url", .value = &url}, {.name = NULL}};
	struct cli_response vkey, checkpoint;
	struct config config;
	int rc = cli_parse(&done, word, NULL, argc, argv, options, 1, 1, usage);

	if (rc != CLI_OK || done)
		return rc;
	if (strcmp(word[0], "info") != 0) {
		fprintf(stderr, "kedge: no such word: log %s\n%s\n", word[0], usage);
		return CLI_USAGE;
	}
	rc = cli_config(&config);
	if (rc == CLI_OK)
		rc = cli_request(&vkey, &config, url, "GET", "/log/vkey", "text/plain", NULL);
	if (rc != CLI_OK)
		return rc;
	rc = cli_request(&checkpoint, &config, url, "GET", "/log/checkpoint", "text/plain", NULL);
	if (rc == CLI_OK) {
		if (vkey.status != 200 || (checkpoint.status != 200 && checkpoint.status != 404))
			rc = cli_problem(vkey.status != 200 ? &vkey : &checkpoint);
		else if (checkpoint.status == 404) {
			cli_error("nothing is published yet");
			rc = CLI_NOT_YET;
		} else
			rc = print_checkpoint(&checkpoint, vkey.body, json);
		cli_response_clear(&checkpoint);
	}
	cli_response_clear(&vkey);
	return rc;
}
