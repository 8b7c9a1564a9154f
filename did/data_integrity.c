/* Proofs of eddsa-jcs-2022: making one, reading what one says, and judging it. */
#include "did/data_integrity.h"
#include "did/base58.h"
#include "did/jcs.h"
#include "did/resolution.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#define TYPE "DataIntegrityProof"
#define SUITE "eddsa-jcs-2022"
#define TERMS "https://w3id.org/security/data-integrity/v2"
#define CREDENTIALS "https://www.w3.org/ns/credentials/v2"
#define LEEWAY 300 /* seconds that a signer's clock may be ahead */

/* base58btc of 64 bytes is 64 to 88 characters */
#define PROOF_VALUE_SIZE 90

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static int add_hash(uint8_t out[static crypto_hash_sha256_BYTES], const json_t *value)
{
	struct jcs_buffer buffer = {0};
	int rc = jcs_write(&buffer, value);

	if (rc == 0)
		crypto_hash_sha256(out, (const uint8_t *)buffer.data, buffer.len);
	jcs_buffer_clear(&buffer);
	return rc;
}

/* 3.3.4: "the result of joining proofConfigHash (the first hash) with transformedDocumentHash (the second hash)" */
static int hash_data(uint8_t out[static 2 * crypto_hash_sha256_BYTES], const json_t *config, const json_t *unsecured)
{
	int rc = add_hash(out, config);

	return rc == 0 ? add_hash(out + crypto_hash_sha256_BYTES, unsecured) : rc;
}

/* ---- making ---- */

static bool maps_terms(const json_t *context)
{
	const char *text = json_string_value(context);

	return text && (strcmp(text, TERMS) == 0 || strcmp(text, CREDENTIALS) == 0);
}

/* The @context to sign under, a new reference; NULL for none, which is no error. */
static int context_for(json_t **out, json_t *context)
{
	size_t i;
	json_t *one;

	*out = NULL;
	if (!context)
		return 0;
	if (!json_is_string(context) && !json_is_object(context) && !json_is_array(context))
		return -EINVAL;
	json_array_foreach(context, i, one) if (maps_terms(one))
	{
		*out = json_incref(context);
		return 0;
	}
	if (maps_terms(context))
		*out = json_incref(context);
	else if (json_is_array(context))
		*out = json_copy(context);
	else
		*out = json_pack("[O]", context);
	if (!*out || (*out != context && json_array_append_new(*out, json_string(TERMS)) != 0)) {
		json_decref(*out);
		*out = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int put_time(json_t *proof, const char *name, int64_t seconds)
{
	char text[21];

	if (resolution_time_format(text, seconds) != 0)
		return -EINVAL;
	return json_object_set_new(proof, name, json_string(text)) == 0 ? 0 : -ENOMEM;
}

/* The proof without its value: what is signed of it. Takes nothing; context may be NULL. */
static int make_config(json_t **out, const struct data_integrity_options *options, json_t *context)
{
	json_t *proof = json_pack("{s:s, s:s}", "type", TYPE, "cryptosuite", SUITE);
	int rc = proof ? put_time(proof, "created", options->created) : -ENOMEM;

	if (rc == 0 && options->expires)
		rc = put_time(proof, "expires", options->expires);
	if (rc == 0) {
		rc |= json_object_set_new(proof, "verificationMethod", json_string(options->verification_method));
		rc |= json_object_set_new(proof, "proofPurpose", json_string(options->purpose));
		if (options->domain)
			rc |= json_object_set_new(proof, "domain", json_string(options->domain));
		if (options->challenge)
			rc |= json_object_set_new(proof, "challenge", json_string(options->challenge));
		if (context)
			rc |= json_object_set(proof, "@context", context);
		rc = rc == 0 ? 0 : -EINVAL; /* json_string() refuses what is not UTF-8 */
	}
	if (rc != 0) {
		json_decref(proof);
		proof = NULL;
	}
	*out = proof;
	return rc;
}

static int add_value(json_t *proof, const json_t *unsecured, const uint8_t seed[static 32])
{
	uint8_t hashes[2 * crypto_hash_sha256_BYTES], signature[crypto_sign_BYTES], public_key[32], secret[64];
	char text[PROOF_VALUE_SIZE] = "z";
	int rc = hash_data(hashes, proof, unsecured);

	if (rc != 0)
		return rc;
	crypto_sign_seed_keypair(public_key, secret, seed);
	crypto_sign_detached(signature, NULL, hashes, sizeof(hashes), secret);
	sodium_memzero(secret, sizeof(secret));
	rc = base58btc_encode(text + 1, sizeof(text) - 1, signature, sizeof(signature));
	if (rc < 0)
		return rc;
	return json_object_set_new(proof, "proofValue", json_string(text)) == 0 ? 0 : -ENOMEM;
}

int data_integrity_sign(json_t **out, json_t *document, const struct data_integrity_options *options, const uint8_t seed[static 32])
{
	json_t *made, *proof = NULL, *context = NULL;
	int rc;

	*out = NULL;
	if (!json_is_object(document) || !options->verification_method || !options->purpose ||
	    (options->expires && options->expires <= options->created))
		return -EINVAL;
	if (json_object_get(document, "proof"))
		return -EEXIST;
	made = json_copy(document);
	rc = made ? context_for(&context, json_object_get(document, "@context")) : -ENOMEM;
	if (rc == 0 && context && json_object_set(made, "@context", context) != 0)
		rc = -ENOMEM;
	if (rc == 0)
		rc = make_config(&proof, options, context);
	if (rc == 0)
		rc = add_value(proof, made, seed);
	if (rc == 0 && json_object_set(made, "proof", proof) != 0)
		rc = -ENOMEM;
	json_decref(proof);
	json_decref(context);
	if (rc != 0) {
		json_decref(made);
		return rc;
	}
	*out = made;
	return 0;
}

/* ---- reading ---- */

size_t data_integrity_count(const json_t *document)
{
	const json_t *proof = json_object_get(document, "proof");

	if (json_is_object(proof))
		return 1;
	return json_array_size(proof) <= DATA_INTEGRITY_PROOFS_MAX ? json_array_size(proof) : 0;
}

static json_t *proof_at(const json_t *document, size_t index)
{
	json_t *proof = json_object_get(document, "proof");

	if (index >= data_integrity_count(document))
		return NULL;
	return json_is_array(proof) ? json_array_get(proof, index) : proof;
}

static bool two_digits(int *out, const char *text, int most)
{
	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return false;
	*out = (text[0] - '0') * 10 + text[1] - '0';
	return *out <= most;
}

bool data_integrity_time(int64_t *out, const char *text)
{
	char whole[21];
	int hours, minutes;

	if (strlen(text) < 20)
		return false;
	memcpy(whole, text, 19);
	memcpy(whole + 19, "Z", 2);
	if (resolution_time_parse(out, whole, 20) != 0)
		return false;
	text += 19;
	if (*text == '.') {
		size_t digits = strspn(text + 1, "0123456789");

		if (digits == 0)
			return false;
		text += 1 + digits;
	}
	if (strcmp(text, "Z") == 0)
		return true;
	if ((*text != '+' && *text != '-') || strlen(text) != 6 || text[3] != ':' || !two_digits(&hours, text + 1, 14) ||
	    !two_digits(&minutes, text + 4, hours == 14 ? 0 : 59))
		return false;
	*out += (int64_t)(*text == '+' ? -60 : 60) * (hours * 60 + minutes);
	return true;
}

/* A time that may be absent. */
static bool take_time(int64_t *out, bool *has, const json_t *proof, const char *name)
{
	const json_t *value = json_object_get(proof, name);

	*has = value != NULL;
	return !value || (json_is_string(value) && data_integrity_time(out, json_string_value(value)));
}

static bool take_text(const char **out, const json_t *proof, const char *name)
{
	const json_t *value = json_object_get(proof, name);

	*out = json_string_value(value);
	return !value || *out;
}

static bool is_domain(const json_t *domain)
{
	size_t i;
	json_t *one;

	if (!domain || json_is_string(domain))
		return true;
	json_array_foreach(domain, i, one) if (!json_is_string(one)) return false;
	return json_array_size(domain) > 0;
}

/* Values of a context that may stand alone. */
static size_t context_count(const json_t *context)
{
	return json_is_array(context) ? json_array_size(context) : context != NULL;
}

enum data_integrity_code data_integrity_read(struct data_integrity_proof *out, const json_t *document, size_t index)
{
	const json_t *proof = proof_at(document, index);
	const char *type, *suite;
	bool ok;

	memset(out, 0, sizeof(*out));
	if (!proof)
		return DATA_INTEGRITY_UNSIGNED;
	type = text_of(proof, "type");
	suite = text_of(proof, "cryptosuite");
	if (!json_is_object(proof) || !type)
		return DATA_INTEGRITY_SHAPE;
	if (strcmp(type, TYPE) != 0 || !suite || strcmp(suite, SUITE) != 0)
		return DATA_INTEGRITY_SUITE;
	if (json_object_get(proof, "previousProof"))
		return DATA_INTEGRITY_CHAIN;
	out->domain = json_object_get(proof, "domain");
	out->more_context = json_object_get(proof, "@context") &&
			    context_count(json_object_get(document, "@context")) > context_count(json_object_get(proof, "@context"));
	ok = take_text(&out->verification_method, proof, "verificationMethod") && take_text(&out->purpose, proof, "proofPurpose") &&
	     take_text(&out->challenge, proof, "challenge") && take_time(&out->created, &out->has_created, proof, "created") &&
	     take_time(&out->expires, &out->has_expires, proof, "expires") && is_domain(out->domain);
	return ok && out->verification_method && out->purpose ? DATA_INTEGRITY_OK : DATA_INTEGRITY_SHAPE;
}

/* ---- judging ---- */

/* "treating a single string as a set containing just that string" */
static bool names_only(const json_t *domain, const char *wanted)
{
	size_t i;
	json_t *one;

	if (json_is_string(domain))
		return strcmp(json_string_value(domain), wanted) == 0;
	json_array_foreach(domain, i, one) if (strcmp(json_string_value(one), wanted) != 0) return false;
	return json_array_size(domain) > 0;
}

static enum data_integrity_code judge_words(const struct data_integrity_proof *proof, const struct data_integrity_wish *wish)
{
	if (wish->purpose && strcmp(proof->purpose, wish->purpose) != 0)
		return DATA_INTEGRITY_PURPOSE;
	if (wish->domain && !names_only(proof->domain, wish->domain))
		return DATA_INTEGRITY_DOMAIN;
	if (wish->challenge && (!proof->challenge || strcmp(proof->challenge, wish->challenge) != 0))
		return DATA_INTEGRITY_CHALLENGE;
	if (proof->has_created && proof->created > wish->now + LEEWAY)
		return DATA_INTEGRITY_EARLY;
	return proof->has_expires && wish->now >= proof->expires ? DATA_INTEGRITY_EXPIRED : DATA_INTEGRITY_OK;
}

/* The nth of a context that may stand alone. */
static json_t *context_at(json_t *context, size_t n)
{
	if (json_is_array(context))
		return json_array_get(context, n);
	return n == 0 ? context : NULL;
}

/* 3.3.2: "securedDocument.@context starts with all values contained in the proofOptions.@context in the same order" */
static bool begins_with(json_t *context, json_t *start)
{
	json_t *one;

	for (size_t n = 0; (one = context_at(start, n)); n++)
		if (!json_equal(context_at(context, n), one))
			return false;
	return context != NULL;
}

/* Document and options as they were signed; new references or NULL. */
static enum data_integrity_code undo(json_t **unsecured, json_t **options, json_t *document, json_t *proof)
{
	json_t *context = json_object_get(proof, "@context");

	if (context && !begins_with(json_object_get(document, "@context"), context))
		return DATA_INTEGRITY_CONTEXT;
	*unsecured = json_copy(document);
	*options = json_copy(proof);
	if (!*unsecured || !*options || json_object_del(*unsecured, "proof") != 0)
		return DATA_INTEGRITY_MEMORY;
	if (context && json_object_set(*unsecured, "@context", context) != 0)
		return DATA_INTEGRITY_MEMORY;
	return json_object_del(*options, "proofValue") == 0 ? DATA_INTEGRITY_OK : DATA_INTEGRITY_SHAPE;
}

static enum data_integrity_code judge_signature(const json_t *unsecured, const json_t *options, const char *value,
						const uint8_t key[static 32])
{
	uint8_t hashes[2 * crypto_hash_sha256_BYTES], signature[crypto_sign_BYTES];
	int rc;

	if (value[0] != 'z' || base58btc_decode(signature, sizeof(signature), value + 1, strlen(value) - 1) != sizeof(signature))
		return DATA_INTEGRITY_SHAPE;
	rc = hash_data(hashes, options, unsecured);
	if (rc == -ENOMEM)
		return DATA_INTEGRITY_MEMORY;
	if (rc != 0 || crypto_sign_verify_detached(signature, hashes, sizeof(hashes), key) != 0)
		return DATA_INTEGRITY_SIGNATURE;
	return DATA_INTEGRITY_OK;
}

enum data_integrity_code data_integrity_verify(json_t *document, size_t index, const struct data_integrity_wish *wish,
					       const uint8_t key[static 32])
{
	json_t *proof = proof_at(document, index), *unsecured = NULL, *options = NULL;
	const char *value = text_of(proof, "proofValue");
	struct data_integrity_proof said;
	enum data_integrity_code code = data_integrity_read(&said, document, index);

	if (code == DATA_INTEGRITY_OK && !value)
		code = DATA_INTEGRITY_SHAPE;
	if (code == DATA_INTEGRITY_OK)
		code = judge_words(&said, wish);
	if (code == DATA_INTEGRITY_OK)
		code = undo(&unsecured, &options, document, proof);
	if (code == DATA_INTEGRITY_OK)
		code = judge_signature(unsecured, options, value, key);
	json_decref(unsecured);
	json_decref(options);
	return code;
}

const char *data_integrity_words(enum data_integrity_code code)
{
	static const char *const words[] = {
		[DATA_INTEGRITY_OK] = "the proof holds",
		[DATA_INTEGRITY_UNSIGNED] = "there is no proof, or more than 16",
		[DATA_INTEGRITY_SHAPE] = "a member of the proof is missing or malformed",
		[DATA_INTEGRITY_SUITE] = "the proof is not a DataIntegrityProof of cryptosuite eddsa-jcs-2022",
		[DATA_INTEGRITY_CHAIN] = "the proof rests on another one (previousProof), which is not supported",
		[DATA_INTEGRITY_PURPOSE] = "the proof was made for another purpose",
		[DATA_INTEGRITY_DOMAIN] = "the proof was not made for this domain",
		[DATA_INTEGRITY_CHALLENGE] = "the proof does not answer this challenge",
		[DATA_INTEGRITY_EARLY] = "the proof says that it was created in the future",
		[DATA_INTEGRITY_EXPIRED] = "the proof has expired",
		[DATA_INTEGRITY_CONTEXT] = "the document's @context does not begin with that of the proof",
		[DATA_INTEGRITY_SIGNATURE] = "this key did not sign this document",
		[DATA_INTEGRITY_MEMORY] = "out of memory",
	};

	return (size_t)code < sizeof(words) / sizeof(words[0]) ? words[code] : "unknown";
}
