/* kedge sign: a JSON document with a Data Integrity proof (docs/formats.md section 14), by the gateway's assertion key or one of a
 * file. */
#include "did/data_integrity.h"
#include "did/did_web.h"
#include "did/jcs.h"
#include "did/resolution.h"
#include "gateway/cli/assertion.h"
#include "gateway/cli/cli.h"
#include "gateway/keyfile.h"
#include "gateway/runtime/clock.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: kedge sign FILE [--purpose PURPOSE] [--expires TIME] [--domain TEXT] [--challenge TEXT] [--key FILE --method URL]\n\n"
	"Signs a JSON object (a file, or - for standard input) with the gateway's assertion key and prints it with its proof, as\n"
	"canonical JSON: W3C Data Integrity, cryptosuite eddsa-jcs-2022. `kedge verify` checks it.\n\n"
	"  --purpose PURPOSE  assertionMethod if not said\n"
	"  --expires TIME     the proof does not hold from then on, as 2026-12-20T17:00:00Z\n"
	"  --domain TEXT      for whom the proof is, so that it is good nowhere else\n"
	"  --challenge TEXT   what the verifier asked to be signed, so that the proof is good for once\n"
	"  --key FILE         another Ed25519 key: a line of 64 hex digits, mode 0600\n"
	"  --method URL       the name of that key: DID#FRAGMENT, as the DID's document lists it";

enum { DOCUMENT_MAX = 1 << 20 };

static int parse_document(json_t **out, const char *path)
{
	struct jcs_error err;
	size_t length = 0;
	char *text = cli_read_file(&length, path, DOCUMENT_MAX);

	*out = NULL;
	if (!text)
		return CLI_USAGE;
	if (jcs_parse(out, &err, text, length, NULL) != 0)
		cli_error("%s: %s, at byte %zu (%s)", path, jcs_reason(err.code), err.offset, err.pointer[0] ? err.pointer : "the document");
	free(text);
	return *out ? CLI_OK : CLI_FALSE;
}

/* STATE/keys/assertion.key, and the name the domain document lists it under. */
static int own_key(uint8_t **seed, char *method, size_t size)
{
	char path[CONFIG_TEXT_MAX + 32], did[DID_WEB_HOST_DID_SIZE], multikey[MULTIKEY_ED25519_SIZE];
	uint8_t public_key[32];
	struct config config;
	int rc = cli_config(&config);

	if (rc != CLI_OK)
		return rc;
	snprintf(path, sizeof(path), "%s/keys/assertion.key", config.state);
	rc = keyfile_read(seed, path);
	if (rc != 0) {
		cli_error("%s: %s", path, keyfile_advice(rc));
		return CLI_FALSE;
	}
	if (did_web_from_host(did, sizeof(did), config.host) != 0) {
		cli_error("the host %s can have no did:web; see setting public_url", config.host);
		return CLI_FALSE;
	}
	cli_public_half(public_key, *seed);
	multikey_ed25519(multikey, public_key);
	snprintf(method, size, "%s#%s", did, multikey);
	return CLI_OK;
}

static int print_signed(const json_t *document)
{
	struct jcs_buffer buffer = {0};
	int rc = jcs_write(&buffer, document);

	if (rc == 0) {
		fwrite(buffer.data, 1, buffer.len, stdout);
		putchar('\n');
	}
	jcs_buffer_clear(&buffer);
	return rc == 0 && fflush(stdout) == 0 ? CLI_OK : CLI_FALSE;
}

static int sign(json_t *document, const struct data_integrity_options *options, const uint8_t seed[static 32])
{
	json_t *made;
	int rc = data_integrity_sign(&made, document, options, seed);

	if (rc == 0) {
		rc = print_signed(made);
		json_decref(made);
		return rc;
	}
	if (rc == -EEXIST)
		cli_error("the document has a member proof already; take it out first");
	else if (rc == -EINVAL && !json_is_object(document))
		cli_error("only a JSON object can be signed");
	else
		cli_error("this cannot be signed: %s", rc == -EINVAL ? "@context is no text, object or array, or an option is no text" : strerror(-rc));
	return CLI_FALSE;
}

int cli_sign(int argc, char **argv)
{
	const char *file[1] = {NULL}, *key = NULL, *named = NULL, *expires = NULL;
	struct data_integrity_options how = {.purpose = "assertionMethod"};
	const struct cli_option options[] = {{.name = "purpose", .value = &how.purpose}, {.name = "expires", .value = &expires},
					     {.name = "domain", .value = &how.domain}, {.name = "challenge", .value = &how.challenge},
					     {.name = "key", .value = &key}, {.name = "method", .value = &named}, {.name = NULL}};
	char method[DID_WEB_HOST_DID_SIZE + MULTIKEY_TEXT_SIZE];
	json_t *document = NULL;
	uint8_t *seed = NULL;
	bool done;
	int rc = cli_parse(&done, file, NULL, argc, argv, options, 1, 1, usage);

	if (rc != CLI_OK || done)
		return rc;
	how.created = (int64_t)(clock_wall_ms() / 1000);
	if (!key != !named) {
		cli_error("--key and --method go together");
		return CLI_USAGE;
	}
	if (expires && (resolution_time_parse(&how.expires, expires, strlen(expires)) != 0 || how.expires <= how.created)) {
		cli_error("--expires is an instant to come, as 2026-12-20T17:00:00Z");
		return CLI_USAGE;
	}
	if (sodium_init() < 0)
		return CLI_FALSE;
	rc = parse_document(&document, file[0]);
	if (rc == CLI_OK && key) {
		rc = keyfile_read(&seed, key);
		if (rc != 0)
			cli_error("%s: %s", key, keyfile_advice(rc));
		rc = rc == 0 ? CLI_OK : CLI_FALSE;
	} else if (rc == CLI_OK) {
		rc = own_key(&seed, method, sizeof(method));
	}
	how.verification_method = named ? named : method;
	if (rc == CLI_OK)
		rc = sign(document, &how, seed);
	keyfile_free(seed);
	json_decref(document);
	return rc;
}
