#pragma once
/* One subcommand a file. Each gets the arguments after its own name, prints for people unless --json is given, and returns an
 * exit code of the list below. `--help` needs neither configuration nor a running gateway. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "anchor/note.h"
#include "gateway/config.h"

enum cli_exit {
	CLI_OK = 0,          /* as asked */
	CLI_FALSE = 1,       /* refused, or a check failed */
	CLI_USAGE = 2,       /* the call's words, or the configuration */
	CLI_NOT_YET = 3,     /* not yet at the asked level */
	CLI_UNREACHABLE = 4, /* gateway, chain or database does not answer */
};

int cli_serve(int argc, char **argv);
int cli_keygen(int argc, char **argv);
int cli_db(int argc, char **argv);
int cli_agent(int argc, char **argv);
int cli_participant(int argc, char **argv);
int cli_attest(int argc, char **argv);
int cli_resolve(int argc, char **argv);
int cli_receipt(int argc, char **argv);
int cli_verify(int argc, char **argv);
int cli_sign(int argc, char **argv);
int cli_log(int argc, char **argv);
int cli_policy(int argc, char **argv);
int cli_doctor(int argc, char **argv);

/* Options common to all: a small table instead of getopt's globals. `--name value`, `--name=value` and flags; the rest are
 * positional. Unknown options and missing values print what is wrong and give CLI_USAGE. */
struct cli_option {
	const char *name; /* without dashes */
	const char **value; /* text option: where its value goes */
	bool *flag;         /* or: what it sets */
	struct cli_texts *texts; /* or: what it is added to, so that it may come more than once */
};
enum { CLI_TEXTS_MAX = 64 };
struct cli_texts {
	const char *items[CLI_TEXTS_MAX];
	size_t count;
};

/* Sorts argv into options and at most `most` positionals; fewer than `least` is a usage error too. `usage` is printed for --help
 * (then *done is set and CLI_OK returned) and after an error. */
__attribute__((warn_unused_result)) int cli_parse(bool *done, const char **positional, size_t *count, int argc, char **argv,
						  const struct cli_option *options, size_t least, size_t most,
						  const char *usage);

/* Loads the configuration or prints why not; CLI_OK or CLI_USAGE. */
__attribute__((warn_unused_result)) int cli_config(struct config *out);

/* Whether a role's key file can be read, and its path. 0, or keyfile_read()'s error. */
enum { CLI_KEY_PATH_SIZE = CONFIG_TEXT_MAX + 32 };
__attribute__((warn_unused_result)) int cli_check_key(char path[static CLI_KEY_PATH_SIZE], const struct config *config,
						      const char *role);

/* The log's public key, from STATE/keys/log.key; the secret half is wiped again. CLI_OK, or CLI_FALSE after printing why. */
__attribute__((warn_unused_result)) int cli_own_vkey(char vkey[static NOTE_KEY_TEXT_MAX], const struct config *config);

/* One request to the gateway: over its own socket in STATE/run unless --url was given. */
struct cli_response {
	long status;        /* HTTP status; 0 when nothing answered */
	char *body;         /* NUL-terminated, owned */
	size_t length;
	char content_type[128];
};
/* Returns CLI_OK when any HTTP answer came, else prints why and returns CLI_UNREACHABLE. url may be NULL. */
__attribute__((warn_unused_result)) int cli_request(struct cli_response *out, const struct config *config, const char *url,
						    const char *method, const char *path, const char *accept,
						    const char *body);
void cli_response_clear(struct cli_response *response);

/* The document of a DID, as a gateway resolves it; a new reference. CLI_OK, or after printing why not CLI_USAGE (no DID), CLI_FALSE (no
 * such DID, or not one that is resolved) or CLI_UNREACHABLE. url may be NULL. */
__attribute__((warn_unused_result)) int cli_did_document(json_t **out, const struct config *config, const char *url, const char *did);

/* Prints an RFC 9457 problem for a person (title, detail, pointer, rule) and returns the exit code it stands for: CLI_USAGE where
 * the question was malformed, CLI_NOT_YET where the index has not come there. */
int cli_problem(const struct cli_response *response);

/* Whole file or, for "-", standard input, at most `most` bytes, NUL-terminated; NULL after printing why. */
char *cli_read_file(size_t *length, const char *path, size_t most);

/* "kedge: " and one line to standard error, escaped as by text.h: a node's or a gateway's words may be in it. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
