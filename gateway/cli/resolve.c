/* kedge resolve: a DID's document, now or as of a block or an instant, from the running gateway. */
#include "gateway/cli/cli.h"

#include <stdio.h>
#include <string.h>

static const char usage[] = "usage: kedge resolve DID [--version-id BLOCK | --version-time TIME] [--full] [--url URL]\n\n"
			    "Prints the DID document.\n\n"
			    "  --version-id BLOCK   as of the end of that block; of a participant: of that entry of the log\n"
			    "  --version-time TIME  as of that instant, as 2026-11-20T17:00:00Z\n"
			    "  --full               the whole resolution result, with its metadata\n"
			    "  --url URL            ask that gateway instead of the one running here";

static bool encode(char *out, size_t size, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	size_t at = 0;

	for (; *text; text++) {
		if (at + 4 > size)
			return false;
		if (strchr(plain, *text))
			out[at++] = *text;
		else
			at += (size_t)snprintf(out + at, 4, "%%%02X", (unsigned char)*text);
	}
	out[at] = '\0';
	return true;
}

enum { DID_PATH_MAX = 6200, RESOLVE_PATH_MAX = DID_PATH_MAX + 200 };

/* Encoded as a whole, so that the query holds our options and nothing of the DID. */
static int make_path(char path[static RESOLVE_PATH_MAX], const char *did)
{
	static const char start[] = "/1.0/identifiers/";

	memcpy(path, start, sizeof(start));
	if (encode(path + sizeof(start) - 1, DID_PATH_MAX, did))
		return CLI_OK;
	cli_error("the DID is too long");
	return CLI_USAGE;
}

static int exit_code(long status)
{
	if (status == 200)
		return CLI_OK;
	if (status == 400)
		return CLI_USAGE;
	/* 500 is the resolution binding's word for a chain that cannot be read */
	return status >= 500 && status != 501 ? CLI_UNREACHABLE : CLI_FALSE;
}

/* The resolver's error, of a DID or of a DID URL; or the gateway's own problem, where the request did not come that far. */
static void print_refusal(const struct cli_response *answer, const json_t *result)
{
	const json_t *metadata = json_object_get(result, "didResolutionMetadata"), *error;
	const char *what, *detail;

	if (answer->status == 410) {
		cli_error("410 the DID was given up: it has no document any more, and no versions");
		return;
	}
	error = json_object_get(metadata ? metadata : json_object_get(result, "dereferencingMetadata"), "error");
	what = json_string_value(error ? json_object_get(error, "type") : json_object_get(result, "title"));
	detail = json_string_value(json_object_get(error ? error : result, "detail"));
	cli_error("%ld %s%s%s", answer->status, what ? what : "not resolved", detail ? ": " : "", detail ? detail : "");
}

int cli_did_document(json_t **out, const struct config *config, const char *url, const char *did)
{
	struct cli_response answer;
	char path[RESOLVE_PATH_MAX];
	json_t *result;
	int rc = make_path(path, did);

	*out = NULL;
	if (rc == CLI_OK)
		rc = cli_request(&answer, config, url, "GET", path, "application/did", NULL);
	if (rc != CLI_OK)
		return rc;
	result = json_loadb(answer.body, answer.length, JSON_REJECT_DUPLICATES, NULL);
	rc = exit_code(answer.status);
	if (rc == CLI_OK)
		*out = json_incref(result);
	else
		print_refusal(&answer, result);
	if (rc == CLI_OK && !result) {
		cli_error("the gateway's answer is no JSON");
		rc = CLI_UNREACHABLE;
	}
	json_decref(result);
	cli_response_clear(&answer);
	return rc;
}

int cli_resolve(int argc, char **argv)
{
	const char *did[1] = {NULL}, *version = NULL, *time = NULL, *url = NULL;
	bool done, full = false;
	const struct cli_option options[] = {{.name = "version-id", .value = &version}, {.name = "version-time", .value = &time},
					     {.name = "url", .value = &url}, {.name = "full", .flag = &full}, {.name = NULL}};
	char path[RESOLVE_PATH_MAX];
	struct cli_response answer;
	struct config config;
	size_t length;
	int rc = cli_parse(&done, did, NULL, argc, argv, options, 1, 1, usage);

	if (rc != CLI_OK || done)
		return rc;
	rc = make_path(path, did[0]);
	if (rc != CLI_OK)
		return rc;
	if (version && time) {
		cli_error("--version-id or --version-time, not both");
		return CLI_USAGE;
	}
	if (version || time) {
		length = strlen(path);
		snprintf(path + length, sizeof(path) - length, "?%s=", version ? "versionId" : "versionTime");
		if (!encode(path + strlen(path), 100, version ? version : time)) {
			cli_error(version ? "--version-id is a block number" : "--version-time is an instant, as 2026-11-20T17:00:00Z");
			return CLI_USAGE;
		}
	}
	rc = cli_config(&config);
	if (rc == CLI_OK)
		rc = cli_request(&answer, &config, url, "GET", path, full ? "application/did-resolution" : "application/did", NULL);
	if (rc != CLI_OK)
		return rc;
	json_auto_t *result = json_loadb(answer.body, answer.length, 0, NULL);

	if (result && (answer.status == 200 || full)) {
		json_dumpf(result, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	}
	if (answer.status != 200 && !full)
		print_refusal(&answer, result);
	rc = exit_code(answer.status);
	cli_response_clear(&answer);
	return rc;
}
