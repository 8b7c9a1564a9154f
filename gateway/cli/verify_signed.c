/* kedge verify of a signed document: one with a Data Integrity proof (docs/formats.md section 14). Whose it must be is said by the
 * verifier, and the key is the one that DID's document lists; or the verifier brings the key. */
#include "did/data_integrity.h"
#include "did/jcs.h"
#include "did/multikey.h"
#include "did/resolution.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/text.h"
#include "gateway/cli/verify.h"
#include "gateway/runtime/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKS_MAX = 6, TEXT_SIZE = 400, DID_DOCUMENT_FILE_MAX = 65536 };

struct check {
	const char *name;
	bool ok;
	char text[TEXT_SIZE];
};

struct report {
	struct check checks[CHECKS_MAX];
	size_t n;
	bool failed;
};

__attribute__((format(printf, 4, 5))) static void say(struct report *report, bool ok, const char *name, const char *format, ...)
{
	struct check *check = &report->checks[report->n++];
	va_list args;

	check->name = name;
	check->ok = ok;
	va_start(args, format);
	vsnprintf(check->text, sizeof(check->text), format, args);
	va_end(args);
	report->failed |= !ok;
}

bool cli_is_signed(const json_t *value)
{
	const json_t *proof = json_object_get(value, "proof");

	if (json_is_array(proof))
		proof = json_array_get(proof, 0);
	return json_is_string(json_object_get(proof, "verificationMethod"));
}

/* ---- the key ---- */

/* The DID's document: from a file, else asked of the gateway. CLI_OK, CLI_FALSE or CLI_UNREACHABLE after printing why. */
static int find_document(json_t **out, const struct cli_verify_how *how)
{
	struct config config;
	size_t length = 0;
	char *text;
	int rc;

	*out = NULL;
	if (how->document) {
		text = cli_read_file(&length, how->document, DID_DOCUMENT_FILE_MAX);
		if (!text)
			return CLI_USAGE;
		*out = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
		free(text);
		if (!*out)
			cli_error("%s is no JSON", how->document);
		return *out ? CLI_OK : CLI_USAGE;
	}
	rc = cli_config(&config);
	return rc == CLI_OK ? cli_did_document(out, &config, how->url, how->did) : rc;
}

static int say_key(struct report *report, uint8_t key[static 32], const json_t *document, const struct data_integrity_proof *said,
		   const char *did, int64_t now)
{
	const char *id = json_string_value(json_object_get(document, "id"));
	int rc = !id || strcmp(id, did) != 0 ? -ESTALE : data_integrity_key(key, document, said->verification_method, said->purpose, now);

	switch (rc) {
	case 0:
		say(report, true, "key", "%s is listed under %s", said->verification_method, said->purpose);
		break;
	case -ESTALE:
		say(report, false, "key", "the document is not that of %s", did);
		break;
	case -ENOENT:
		say(report, false, "key", "%s is not listed by %s, or no longer", said->verification_method, did);
		break;
	case -EACCES:
		say(report, false, "key", "%s may not sign for purpose %s", said->verification_method, said->purpose);
		break;
	case -EXDEV:
		say(report, false, "key", "%s is listed by %s, but controlled by another", said->verification_method, did);
		break;
	case -EKEYREVOKED:
		say(report, false, "key", "%s was revoked", said->verification_method);
		break;
	case -EKEYEXPIRED:
		say(report, false, "key", "%s has expired", said->verification_method);
		break;
	default:
		say(report, false, "key", "%s is no Ed25519 key that can be read", said->verification_method);
	}
	return rc;
}

/* ---- one proof ---- */

static void say_made(struct report *report, const struct data_integrity_proof *said, int64_t now)
{
	char created[21] = "at no stated time", expires[21] = "never", judged[21] = "";

	if (said->has_created && resolution_time_format(created, said->created) != 0)
		snprintf(created, sizeof(created), "long ago");
	if (said->has_expires && resolution_time_format(expires, said->expires) != 0)
		snprintf(expires, sizeof(expires), "long ago");
	(void)!resolution_time_format(judged, now);
	say(report, true, "proof", "eddsa-jcs-2022 for %s, created %s, expires %s, judged at %s", said->purpose, created, expires, judged);
}

/* Returns whether this proof holds. */
static bool judge_proof(struct report *report, json_t *document, size_t index, const json_t *did_document,
			const struct cli_verify_how *how, const uint8_t *given)
{
	struct data_integrity_wish wish = {.purpose = how->purpose, .domain = how->domain, .challenge = how->challenge, .now = how->now};
	struct data_integrity_proof said;
	enum data_integrity_code code = data_integrity_read(&said, document, index);
	uint8_t key[32];

	*report = (struct report){0};
	if (code != DATA_INTEGRITY_OK) {
		say(report, false, "proof", "%s", data_integrity_words(code));
		return false;
	}
	say_made(report, &said, wish.now);
	if (given)
		memcpy(key, given, 32);
	else if (say_key(report, key, did_document, &said, how->did, wish.now) != 0)
		return false;
	code = data_integrity_verify(document, index, &wish, key);
	say(report, code == DATA_INTEGRITY_OK, "signature", "%s", data_integrity_words(code));
	if (code == DATA_INTEGRITY_OK && said.more_context)
		say(report, true, "context", "what @context holds behind the proof's own was not signed: read the document without it");
	return code == DATA_INTEGRITY_OK;
}

static void print_report(const struct report *report, const char *whose, bool json)
{
	if (json) {
		json_auto_t *checks = json_array(), *out = NULL;

		for (size_t i = 0; i < report->n; i++)
			json_array_append_new(checks, json_pack("{s:s, s:s, s:o}", "name", report->checks[i].name, "verdict",
								report->checks[i].ok ? "ok" : "FAILED", "text", cli_json_text(report->checks[i].text)));
		out = json_pack("{s:O, s:b, s:o}", "checks", checks, "failed", report->failed, "by", cli_json_text(whose));
		json_dumpf(out, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
		return;
	}
	for (size_t i = 0; i < report->n; i++) {
		printf("%-11s %-12s ", report->checks[i].ok ? "ok" : "FAILED", report->checks[i].name);
		cli_print(stdout, report->checks[i].text);
		putchar('\n');
	}
	if (report->failed) {
		puts("does not hold");
		return;
	}
	fputs("holds: signed by ", stdout);
	cli_print(stdout, whose);
	putchar('\n');
}

/* Of a set one proof that holds is enough: it is all that one signer can be asked for. */
static int judge_all(json_t *document, const json_t *did_document, const struct cli_verify_how *how, const uint8_t *given)
{
	size_t count = data_integrity_count(document);
	struct report report;
	bool holds = false;

	for (size_t i = 0; i < (count ? count : 1) && !holds; i++)
		holds = judge_proof(&report, document, i, did_document, how, given);
	print_report(&report, how->did ? how->did : how->key, how->json);
	return holds ? CLI_OK : CLI_FALSE;
}

static int read_key(uint8_t key[static 32], const char *text)
{
	struct multikey decoded;

	if (multikey_decode(&decoded, text, strlen(text)) != 0 || decoded.type != MULTIKEY_ED25519) {
		cli_error("--key is an Ed25519 key as Multikey, z6Mk...");
		return CLI_USAGE;
	}
	memcpy(key, decoded.bytes, 32);
	return CLI_OK;
}

int cli_verify_signed(const char *text, size_t len, struct cli_verify_how *how)
{
	json_t *document = NULL, *did_document = NULL;
	struct jcs_error err;
	uint8_t key[32];
	int rc = CLI_OK;

	how->now = (int64_t)(clock_wall_ms() / 1000);
	if (how->at && resolution_time_parse(&how->now, how->at, strlen(how->at)) != 0) {
		cli_error("--at is an instant, as 2026-11-20T17:00:00Z");
		return CLI_USAGE;
	}
	if (how->key)
		rc = read_key(key, how->key);
	if (rc == CLI_OK && jcs_parse(&document, &err, text, len, NULL) != 0) {
		cli_error("%s, at byte %zu", jcs_reason(err.code), err.offset);
		rc = CLI_FALSE;
	}
	if (rc == CLI_OK && !how->key)
		rc = find_document(&did_document, how);
	if (rc == CLI_OK)
		rc = judge_all(document, did_document, how, how->key ? key : NULL);
	json_decref(document);
	json_decref(did_document);
	return rc;
}
