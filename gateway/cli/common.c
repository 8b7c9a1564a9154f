/* What every subcommand shares: options, configuration, one HTTP request, files. */
#include "gateway/cli/cli.h"
#include "gateway/cli/text.h"
#include "gateway/keyfile.h"

#include <curl/curl.h>
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 << 20 };

void cli_error(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	fputs("kedge: ", stderr);
	cli_print(stderr, text ? text : format);
	fputc('\n', stderr);
	free(text);
}

static const struct cli_option *find(const struct cli_option *options, const char *name, size_t length)
{
	for (; options->name; options++)
		if (strlen(options->name) == length && memcmp(options->name, name, length) == 0)
			return options;
	return NULL;
}

static int misuse(const char *usage, const char *what, const char *word)
{
	fprintf(stderr, "kedge: %s%s\n%s\n", what, word, usage);
	return CLI_USAGE;
}

static bool take(const struct cli_option *option, const char *value)
{
	if (option->value)
		*option->value = value;
	else if (option->texts->count == CLI_TEXTS_MAX)
		return false;
	else
		option->texts->items[option->texts->count++] = value;
	return true;
}

int cli_parse(bool *done, const char **positional, size_t *count, int argc, char **argv, const struct cli_option *options,
	      size_t least, size_t most, const char *usage)
{
	size_t found = 0;
	bool plain = false;

	*done = false;
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];
		const struct cli_option *option;
		const char *equals;

		if (plain || word[0] != '-' || word[1] == '\0') {
			if (found == most)
				return misuse(usage, "one word too many: ", word);
			positional[found++] = word;
			continue;
		}
		if (strcmp(word, "--") == 0) {
			plain = true;
			continue;
		}
		if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			puts(usage);
			*done = true;
			return CLI_OK;
		}
		equals = strchr(word, '=');
		option = strncmp(word, "--", 2) != 0 ? NULL :
			 find(options, word + 2, equals ? (size_t)(equals - word) - 2 : strlen(word) - 2);
		if (!option || (option->flag && equals))
			return misuse(usage, "unknown option ", word);
		if (option->flag)
			*option->flag = true;
		else if (!equals && i + 1 == argc)
			return misuse(usage, "a value is missing after ", word);
		else if (!take(option, equals ? equals + 1 : argv[++i]))
			return misuse(usage, "too many of ", word);
	}
	if (found < least)
		return misuse(usage, "something is missing", "");
	if (count)
		*count = found;
	return CLI_OK;
}

int cli_config(struct config *out)
{
	struct config_error err;

	if (config_load(out, &err, NULL, environ) != 0) {
		cli_error("%s", err.text);
		return CLI_USAGE;
	}
	return CLI_OK;
}

int cli_check_key(char path[static CLI_KEY_PATH_SIZE], const struct config *config, const char *role)
{
	uint8_t *key = NULL;
	int rc;

	snprintf(path, CLI_KEY_PATH_SIZE, "%s/keys/%s.key", config->state, role);
	rc = keyfile_read(&key, path);
	keyfile_free(key);
	return rc;
}

int cli_own_vkey(char vkey[static NOTE_KEY_TEXT_MAX], const struct config *config)
{
	char path[CONFIG_TEXT_MAX + 32];
	struct note_key key;
	uint8_t *seed, *secret;
	int rc;

	snprintf(path, sizeof(path), "%s/keys/log.key", config->state);
	rc = keyfile_read(&seed, path);
	if (rc != 0) {
		cli_error("%s: %s", path, keyfile_advice(rc));
		return CLI_FALSE;
	}
	secret = sodium_malloc(64);
	rc = secret ? note_key_from_seed(&key, secret, config->origin, strlen(config->origin), seed) : -ENOMEM;
	if (secret)
		sodium_free(secret);
	keyfile_free(seed);
	if (rc != 0) {
		cli_error("the origin %s cannot be a key name", config->origin);
		return CLI_FALSE;
	}
	note_key_format(vkey, &key);
	return CLI_OK;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct cli_response *out = arg;
	size_t add = size * n;
	char *grown;

	if (add > ANSWER_MAX || out->length > ANSWER_MAX - add)
		return 0;
	grown = realloc(out->body, out->length + add + 1);
	if (!grown)
		return 0;
	memcpy(grown + out->length, data, add);
	out->body = grown;
	out->length += add;
	out->body[out->length] = '\0';
	return add;
}

static int perform(struct cli_response *out, CURL *curl, const struct config *config, const char *url, const char *method,
		   const char *path, struct curl_slist *headers, const char *body)
{
	char target[8192], socket_path[CONFIG_TEXT_MAX + 32], reason[CURL_ERROR_SIZE] = "";
	const char *origin = url ? url : "http://localhost", *type = NULL;
	size_t len = strlen(origin);
	CURLcode rc;

	while (len > 0 && origin[len - 1] == '/') /* every path begins with one */
		len--;
	snprintf(socket_path, sizeof(socket_path), "%s/run/kedge.sock", config->state);
	if (len >= sizeof(target) || (size_t)snprintf(target, sizeof(target), "%.*s%s", (int)len, origin, path) >= sizeof(target)) {
		cli_error("the address is too long");
		return CLI_USAGE;
	}
	curl_easy_setopt(curl, CURLOPT_URL, target);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 5L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	if (!url)
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
	if (body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	}
	rc = curl_easy_perform(curl);
	if (rc != CURLE_OK && url)
		cli_error("no answer from %s: %s; --url is a gateway's address, such as http://localhost:8004", url,
			  reason[0] ? reason : curl_easy_strerror(rc));
	else if (rc != CURLE_OK)
		cli_error("no gateway answers at %s: %s; is `kedge serve` running, and KEDGE_STATE its folder? Another one is named by --url",
			  socket_path, curl_easy_strerror(rc));
	if (rc != CURLE_OK)
		return CLI_UNREACHABLE;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
	if (curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type)
		snprintf(out->content_type, sizeof(out->content_type), "%s", type);
	return CLI_OK;
}

int cli_request(struct cli_response *out, const struct config *config, const char *url, const char *method, const char *path,
		const char *accept, const char *body)
{
	struct curl_slist *headers = NULL;
	char line[256];
	CURL *curl;
	int rc;

	memset(out, 0, sizeof(*out));
	curl_global_init(CURL_GLOBAL_DEFAULT);
	curl = curl_easy_init();
	if (!curl)
		return CLI_UNREACHABLE;
	snprintf(line, sizeof(line), "Accept: %s", accept ? accept : "application/json");
	headers = curl_slist_append(headers, line);
	headers = curl_slist_append(headers, "Expect:");
	if (body)
		headers = curl_slist_append(headers, "Content-Type: application/json");
	rc = perform(out, curl, config, url, method, path, headers, body);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	if (rc == CLI_OK && !out->body)
		out->body = strdup("");
	if (rc != CLI_OK)
		cli_response_clear(out);
	return rc;
}

void cli_response_clear(struct cli_response *response)
{
	free(response->body);
	memset(response, 0, sizeof(*response));
}

/* A malformed question has no answer, not even "no"; what the index has not come to is not out of reach. */
static int exit_of(long status, const char *type)
{
	const char *name = type ? strrchr(type, '/') : NULL;

	if (status == 400)
		return CLI_USAGE;
	if (status == 503 && name && strcmp(name, "/not-indexed") == 0)
		return CLI_NOT_YET;
	return status == 502 || status == 503 || status == 504 ? CLI_UNREACHABLE : CLI_FALSE;
}

int cli_problem(const struct cli_response *response)
{
	json_auto_t *problem = json_loadb(response->body, response->length, JSON_ALLOW_NUL, NULL);
	static const char *const members[] = {"detail", "pointer", "rule", "next"};
	const char *title = json_string_value(json_object_get(problem, "title"));

	cli_error("%ld %s", response->status, title ? title : "is no answer of a kedge gateway: check --url, and what stands before the gateway");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *text = json_string_value(json_object_get(problem, members[i]));

		if (!text || !*text)
			continue;
		fprintf(stderr, "  %s: ", members[i]);
		cli_print(stderr, text);
		fputc('\n', stderr);
	}
	return exit_of(response->status, json_string_value(json_object_get(problem, "type")));
}

char *cli_read_file(size_t *length, const char *path, size_t most)
{
	bool own = strcmp(path, "-") != 0;
	FILE *f = own ? fopen(path, "rb") : stdin;
	char *bytes = f ? malloc(most + 1) : NULL;
	size_t got;

	if (!bytes) {
		cli_error("%s: %s", path, strerror(errno));
		if (f && own)
			fclose(f);
		return NULL;
	}
	got = fread(bytes, 1, most + 1, f);
	if (ferror(f) || got > most) {
		cli_error("%s: %s", path, got > most ? "too large" : "cannot be read");
		free(bytes);
		bytes = NULL;
	} else {
		bytes[got] = '\0';
		*length = got;
	}
	if (own)
		fclose(f);
	return bytes;
}
