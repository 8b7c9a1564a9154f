/* kedge resolve: a DID's document, now or as of a block or an instant, from the running gateway. */
#include "gateway/cli/cli.h"

#include <stdio.h>
#include <string.h>

static const char usage[] = "usage: kedge resolve DID [--version-id BLOCK | --version-time TIME] [--full] [--url URL]\n\n"
			    "Prints the DID document.\n\n"
			    "  --version-id BLOCK   as of the end of that block\n"
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

int cli_resolve(int argc, char **argv)
{
	const char *did[1] = {NULL}, *version = NULL, *time = NULL, *url = NULL;
	bool done, full = false;
	const struct cli_option options[] = {{.name = "version-id", .value = &version}, {.name = "version-time", .value = &time},
					     {.name = "url", .value = &url}, {.name = "full", .flag = &full}, {.name = NULL}};
	char path[6400] = "/1.0/identifiers/";
	struct cli_response answer;
	struct config config;
	size_t length = strlen(path);
	int rc = cli_parse(&done, did, NULL, argc, argv, options, 1, 1, usage);

	if (rc != CLI_OK || done)
		return rc;
	/* encoded as a whole, so that the query holds our options and nothing of the DID */
	if (!encode(path + length, 6200, did[0])) {
		cli_error("the DID is too long");
		return CLI_USAGE;
	}
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
	if (answer.status != 200 && !full) {
		const char *code = NULL, *detail = NULL;

		json_unpack(result, "{s:{s:{s:s, s?s}}}", "didResolutionMetadata", "error", "type", &code, "detail", &detail);
		cli_error("%ld %s%s%s", answer.status, code ? code : "not resolved", detail ? ": " : "", detail ? detail : "");
	}
	/* 500 is the resolution binding's word for a chain that cannot be read */
	rc = answer.status == 200						? CLI_OK
	     : answer.status == 400					? CLI_USAGE
	     : answer.status >= 500 && answer.status != 501	? CLI_UNREACHABLE
								: CLI_FALSE;
	cli_response_clear(&answer);
	return rc;
}
