/* kedge attest: builds an attestation, signs it here with the agent's wallet, and hands it to the gateway. What is signed is made
 * from the words of this command and this gateway's configured origin, never from an answer. */
#include "did/jcs.h"
#include "eth/hex.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/send.h"
#include "gateway/cli/text.h"
#include "gateway/keyfile.h"
#include "gateway/record/typed.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
	"usage: kedge attest --key FILE --issuer AGENT --subject AGENT --type TYPE [--data JSON] [OPTION ...]\n"
	"       kedge attest --key FILE --file FILE [--eip191] [--out FILE]\n\n"
	"Signs an attestation with an agent's wallet (or owner) key and prints its uid and seq.\n\n"
	"  --issuer AGENT   who says it: an agentId or key text\n"
	"  --subject AGENT  whom it is about\n"
	"  --type TYPE      claim type, such as peer.assessment\n"
	"  --data JSON      claim data, a JSON object [{}]\n"
	"  --note TEXT      at most 200 characters\n"
	"  --confidence X   0 to 1\n"
	"  --round N        round of the game\n"
	"  --game ID        the game it belongs to\n"
	"  --file FILE      a whole submission without proof, {\"attestation\":{…},\"context\":{…}}; - for standard input\n"
	"  --eip191         sign as text (personal_sign) instead of typed data\n"
	"  --out FILE       write the receipt there\n"
	"  --json           print the gateway's answer\n"
	"  --url URL        hand it to that gateway instead of the one running here";

struct attest_words {
	const char *key, *issuer, *subject, *type, *data, *note, *confidence, *round, *game, *file, *out, *url;
	bool eip191, json;
};

static int set_numbers(json_t *attestation, const struct attest_words *w)
{
	char *end;

	if (w->confidence) {
		double value = strtod(w->confidence, &end);

		if (*end || end == w->confidence || json_object_set_new(attestation, "confidence", json_real(value)) != 0) {
			cli_error("--confidence is a number from 0 to 1");
			return CLI_USAGE;
		}
	}
	if (w->round) {
		long long value = strtoll(w->round, &end, 10);

		if (*end || end == w->round || json_object_set_new(attestation, "round", json_integer(value)) != 0) {
			cli_error("--round is a whole number from 0");
			return CLI_USAGE;
		}
	}
	return CLI_OK;
}

/* An id of our own: 0x and the Keccak-256 of the canonical attestation without it. The log does not key on it. */
static int set_id(json_t *attestation)
{
	struct jcs_buffer canonical = {0};
	char text[HEX_DATA_SIZE(32)];
	struct eth_hash hash;
	int rc = jcs_write(&canonical, attestation);

	if (rc == 0) {
		keccak256(&hash, canonical.data, canonical.len);
		hex_encode_data(text, hash.bytes, 32);
		rc = json_object_set_new(attestation, "id", json_string(text));
	}
	jcs_buffer_clear(&canonical);
	return rc == 0 ? CLI_OK : CLI_FALSE;
}

static int build(json_t **out, const struct attest_words *w)
{
	json_t *data = json_loads(w->data, JSON_REJECT_DUPLICATES, NULL), *submission;
	char issued[32];
	time_t now = time(NULL);
	struct tm tm;
	int rc;

	if (!json_is_object(data)) {
		json_decref(data);
		cli_error("--data is a JSON object");
		return CLI_USAGE;
	}
	gmtime_r(&now, &tm);
	strftime(issued, sizeof(issued), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
	submission = json_pack("{s:{s:s, s:s, s:s, s:s, s:{s:s, s:o}, s:s, s:s*}}", "attestation", "schemaVersion", "attestation/v1",
			       "issuer", w->issuer, "issuerKind", "agent", "subject", w->subject, "claim", "type", w->type, "data", data,
			       "issuedAt", issued, "note", w->note);
	if (!submission) {
		cli_error("a word is not UTF-8 text");
		return CLI_USAGE;
	}
	rc = set_numbers(json_object_get(submission, "attestation"), w);
	if (rc == CLI_OK)
		rc = set_id(json_object_get(submission, "attestation"));
	if (rc == CLI_OK && w->game &&
	    json_object_set_new(submission, "context", json_pack("{s:{s:s}}", "game", "id", w->game)) != 0)
		rc = CLI_USAGE;
	if (rc == CLI_OK)
		*out = submission;
	else
		json_decref(submission);
	return rc;
}

static int load(json_t **out, const char *path)
{
	size_t length = 0;
	char *text = cli_read_file(&length, path, SUBMISSION_MAX);
	json_error_t why;

	if (!text)
		return CLI_USAGE;
	*out = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);
	free(text);
	if (json_is_object(*out) && json_object_del(*out, "proof") >= -1)
		return CLI_OK;
	cli_error("%s: not a JSON object: %s", path, *out ? "" : why.text);
	json_decref(*out);
	return CLI_USAGE;
}

static int set_proof(json_t *submission, bool eip191, const uint8_t bytes[static SIGNATURE_SIZE])
{
	char text[HEX_DATA_SIZE(SIGNATURE_SIZE)];

	hex_encode_data(text, bytes, SIGNATURE_SIZE);
	return json_object_set_new(submission, "proof",
				   json_pack("{s:s, s:s}", "type", eip191 ? "eip191" : "eip712", "signature", text)) == 0 ? CLI_OK : CLI_FALSE;
}

static char *canonical_text(const json_t *value)
{
	struct jcs_buffer buffer = {0};
	char *text = NULL;

	if (jcs_write(&buffer, value) == 0)
		text = strndup((const char *)buffer.data, buffer.len);
	jcs_buffer_clear(&buffer);
	return text;
}

static int digest_of(struct eth_hash *digest, json_t *submission, const struct config *config, bool eip191)
{
	struct record_names names = {.origin = config->origin, .agents = {.host = config->host, .chain = config->chain_id}};
	struct refusal why = {.code = REFUSAL_NONE};
	struct merkle_hasher hasher;
	struct typed_fields fields;
	struct submission parsed;
	uint8_t uid[32];
	int rc = address_parse(&names.agents.registry, config->registry, strlen(config->registry));

	if (rc == 0)
		rc = submission_take(&parsed, &why, &names, json_incref(submission));
	if (rc != 0) {
		cli_error("%s%s%s", why.detail[0] ? why.detail : "not a submission", why.pointer[0] ? " at " : "", why.pointer);
		return CLI_USAGE;
	}
	rc = merkle_hasher_init(&hasher);
	if (rc == 0)
		rc = typed_uid(&hasher, uid, parsed.attestation, parsed.game,
			       json_string_value(json_object_get(parsed.context, "surface")), parsed.salt);
	merkle_hasher_clear(&hasher);
	if (rc == 0) {
		typed_fields_of(&fields, &parsed, config->origin, uid);
		if (eip191)
			rc = typed_eip191_digest(digest, &fields);
		else
			typed_eip712_digest(digest, &fields);
	}
	submission_clear(&parsed);
	return rc == 0 ? CLI_OK : CLI_FALSE;
}

static int sign(json_t *submission, const struct config *config, const struct attest_words *w)
{
	uint8_t bytes[SIGNATURE_SIZE] = {0}, seed[32], *key = NULL;
	struct signature_context *context;
	struct eth_signature signature;
	struct eth_hash digest;
	int rc = keyfile_read(&key, w->key);

	if (rc != 0) {
		cli_error("%s: %s", w->key, keyfile_advice(rc));
		return CLI_FALSE;
	}
	randombytes_buf(seed, sizeof(seed));
	context = signature_context_new(seed);
	/* the digest does not depend on the proof; a placeholder lets the parser read the rest */
	bytes[64] = 27;
	rc = set_proof(submission, w->eip191, bytes);
	if (rc == CLI_OK)
		rc = digest_of(&digest, submission, config, w->eip191);
	if (rc == CLI_OK && (!context || signature_sign(context, &signature, &digest, key) != 0)) {
		cli_error("%s: not a usable secp256k1 key", w->key);
		rc = CLI_FALSE;
	}
	if (rc == CLI_OK) {
		signature_serialize(bytes, &signature);
		rc = set_proof(submission, w->eip191, bytes);
	}
	signature_context_free(context);
	keyfile_free(key);
	return rc;
}

static int write_receipt(const char *path, const json_t *receipt)
{
	char *text = canonical_text(receipt);
	FILE *f = text ? fopen(path, "wb") : NULL;
	bool good = f && fwrite(text, 1, strlen(text), f) == strlen(text);

	if (f)
		good = fclose(f) == 0 && good;
	if (!good)
		cli_error("%s: %s", path, strerror(errno));
	free(text);
	return good ? CLI_OK : CLI_FALSE;
}

static int report(const struct cli_response *answer, const struct attest_words *w)
{
	json_auto_t *result = json_loadb(answer->body, answer->length, 0, NULL);
	const char *uid = json_string_value(json_object_get(result, "uid"));

	if ((answer->status != 200 && answer->status != 201) || !uid)
		return cli_problem(answer);
	if (w->json) {
		printf("%s\n", answer->body);
	} else {
		fputs("uid    ", stdout);
		cli_print(stdout, uid);
		printf("\nseq    %lld\nstatus %s\n", (long long)json_integer_value(json_object_get(result, "seq")),
		       answer->status == 201 ? "logged" : "was logged before");
	}
	return w->out ? write_receipt(w->out, json_object_get(result, "receipt")) : CLI_OK;
}

int cli_attest(int argc, char **argv)
{
	struct attest_words w = {.data = "{}"};
	const struct cli_option options[] = {
		{.name = "key", .value = &w.key}, {.name = "issuer", .value = &w.issuer}, {.name = "subject", .value = &w.subject},
		{.name = "type", .value = &w.type}, {.name = "data", .value = &w.data}, {.name = "note", .value = &w.note},
		{.name = "confidence", .value = &w.confidence}, {.name = "round", .value = &w.round}, {.name = "game", .value = &w.game},
		{.name = "file", .value = &w.file}, {.name = "out", .value = &w.out}, {.name = "url", .value = &w.url},
		{.name = "eip191", .flag = &w.eip191}, {.name = "json", .flag = &w.json}, {.name = NULL}};
	json_t *submission = NULL;
	struct cli_response answer;
	struct config config;
	bool done;
	int rc = cli_parse(&done, NULL, NULL, argc, argv, options, 0, 0, usage);

	if (rc != CLI_OK || done)
		return rc;
	if (!w.key || (!w.file && (!w.issuer || !w.subject || !w.type)) || (w.file && (w.issuer || w.subject || w.type))) {
		fprintf(stderr, "kedge: --key, and --issuer, --subject and --type or else --file, are needed\n%s\n", usage);
		return CLI_USAGE;
	}
	rc = sodium_init() < 0 ? CLI_FALSE : cli_config(&config);
	if (rc == CLI_OK)
		rc = w.file ? load(&submission, w.file) : build(&submission, &w);
	if (rc == CLI_OK)
		rc = sign(submission, &config, &w);
	if (rc == CLI_OK) {
		char *body = canonical_text(submission);

		rc = body ? cli_request(&answer, &config, w.url, "POST", "/v1/attestations", NULL, body) : CLI_FALSE;
		free(body);
		if (rc == CLI_OK) {
			rc = report(&answer, &w);
			cli_response_clear(&answer);
		}
	}
	json_decref(submission);
	return rc;
}
