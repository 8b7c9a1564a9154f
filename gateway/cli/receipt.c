/* kedge receipt: the receipt of an attestation, at a level if one is asked for. */
#include "gateway/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
	"usage: kedge receipt UID [--level LEVEL] [--wait SECONDS] [--out FILE] [--url URL]\n\n"
	"Prints the receipt's bytes. Exit 3 when the log has not come to that level yet.\n\n"
	"  --level LEVEL   logged, published, anchored or final; default: the highest there is\n"
	"  --wait SECONDS  keep asking that long\n"
	"  --out FILE      write it there\n"
	"  --url URL       ask that gateway instead of the one running here";

static int store(const char *out, const struct cli_response *answer)
{
	FILE *f = out ? fopen(out, "wb") : stdout;
	bool good = f && fwrite(answer->body, 1, answer->length, f) == answer->length;

	if (f && out)
		good = fclose(f) == 0 && good;
	else if (f)
		good = fflush(f) == 0 && good;
	if (!good)
		cli_error("%s: cannot be written", out ? out : "standard output");
	return good ? CLI_OK : CLI_FALSE;
}

static bool is_seconds(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= 6 && strspn(text, "0123456789") == len;
}

static bool is_uid(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

int cli_receipt(int argc, char **argv)
{
	const char *uid[1] = {NULL}, *level = NULL, *wait = NULL, *out = NULL, *url = NULL;
	const struct cli_option options[] = {{.name = "level", .value = &level}, {.name = "wait", .value = &wait},
					     {.name = "out", .value = &out}, {.name = "url", .value = &url}, {.name = NULL}};
	struct cli_response answer;
	struct config config;
	char path[256];
	bool done;
	time_t until;
	int rc = cli_parse(&done, uid, NULL, argc, argv, options, 1, 1, usage);

	if (rc != CLI_OK || done)
		return rc;
	if (strncmp(uid[0], "0x", 2) == 0)
		uid[0] += 2;
	if (!is_uid(uid[0]) || (level && strspn(level, "abcdefghijklmnopqrstuvwxyz") != strlen(level))) {
		fprintf(stderr, "kedge: a uid has 64 hex digits, a level is a word\n%s\n", usage);
		return CLI_USAGE;
	}
	if (wait && !is_seconds(wait)) {
		fprintf(stderr, "kedge: --wait %s is no number of seconds\n%s\n", wait, usage);
		return CLI_USAGE;
	}
	rc = cli_config(&config);
	if (rc != CLI_OK)
		return rc;
	snprintf(path, sizeof(path), "/v1/attestations/%s/receipt%s%.32s", uid[0], level ? "?level=" : "", level ? level : "");
	until = time(NULL) + (wait ? strtol(wait, NULL, 10) : 0);
	for (;;) {
		rc = cli_request(&answer, &config, url, "GET", path, NULL, NULL);
		if (rc != CLI_OK)
			return rc;
		if (answer.status != 202 || time(NULL) >= until)
			break;
		cli_response_clear(&answer);
		nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	}
	if (answer.status == 200) {
		rc = store(out, &answer);
	} else if (answer.status == 202) {
		cli_error("not yet at level %s; try again, or give --wait SECONDS", level ? level : "logged");
		rc = CLI_NOT_YET;
	} else {
		rc = cli_problem(&answer);
	}
	cli_response_clear(&answer);
	return rc;
}
