/* Data Integrity proofs of eddsa-jcs-2022: the W3C's own vector, those of the independent program under tests/vectors, and keys
 * in documents. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/base58.h"
#include "did/data_integrity.h"
#include "did/jcs.h"
#include "did/multikey.h"
#include "did/resolution.h"

static json_t *vectors;

static int load(void **state)
{
	json_error_t err;

	(void)state;
	vectors = json_load_file(KEDGE_VECTORS "/integrity.json", 0, &err);
	if (!vectors)
		printf("%s\n", err.text);
	return vectors ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	json_decref(vectors);
	return 0;
}

static const char *text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static json_t *parse(const char *in)
{
	struct jcs_error err;
	json_t *value;

	if (jcs_parse(&value, &err, in, strlen(in), NULL) != 0)
		fail_msg("%s at %zu: %s", jcs_reason(err.code), err.offset, in);
	return value;
}

static void read_seed(uint8_t out[static 32])
{
	const char *hex = text(vectors, "seed");

	for (size_t i = 0; i < 32; i++) {
		unsigned byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		out[i] = (uint8_t)byte;
	}
}

static void read_key(uint8_t out[static 32], const char *multibase)
{
	struct multikey key;

	assert_int_equal(multikey_decode(&key, multibase, strlen(multibase)), 0);
	memcpy(out, key.bytes, 32);
}

/* Data Integrity EdDSA Cryptosuites v1.0 (W3C Recommendation, 15 May 2025), appendix A.2 "Representation: eddsa-jcs-2022". */
#define W3C_KEY "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
#define W3C_SECRET "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
#define W3C_METHOD "did:key:" W3C_KEY "#" W3C_KEY
#define W3C_DOCUMENT                                                                                                              \
	"{\"@context\":[\"https://www.w3.org/ns/credentials/v2\",\"https://www.w3.org/ns/credentials/examples/v2\"],"             \
	"\"id\":\"urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33\",\"type\":[\"VerifiableCredential\",\"AlumniCredential\"],"      \
	"\"name\":\"Alumni Credential\",\"description\":\"A minimum viable example of an Alumni Credential.\","                   \
	"\"issuer\":\"https://vc.example/issuers/5678\",\"validFrom\":\"2023-01-01T00:00:00Z\","                                  \
	"\"credentialSubject\":{\"id\":\"did:example:abcdefgh\",\"alumniOf\":\"The School of Examples\"}"
#define W3C_PROOF                                                                                                                 \
	"\"proof\":{\"type\":\"DataIntegrityProof\",\"cryptosuite\":\"eddsa-jcs-2022\",\"created\":\"2023-02-24T23:36:38Z\","     \
	"\"verificationMethod\":\"" W3C_METHOD "\",\"proofPurpose\":\"assertionMethod\","                                         \
	"\"@context\":[\"https://www.w3.org/ns/credentials/v2\",\"https://www.w3.org/ns/credentials/examples/v2\"],"              \
	"\"proofValue\":\"z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX\"}"

static void the_vector_of_the_specification(void **state)
{
	struct data_integrity_options options = {.verification_method = W3C_METHOD, .purpose = "assertionMethod"};
	struct data_integrity_wish wish = {.purpose = "assertionMethod"};
	json_t *document = parse(W3C_DOCUMENT "}"), *expected = parse(W3C_DOCUMENT "," W3C_PROOF "}"), *made;
	uint8_t key[32], secret[34];

	(void)state;
	read_key(key, W3C_KEY);
	/* multicodec 0x1300, an Ed25519 secret key, as a varint */
	assert_int_equal(base58btc_decode(secret, sizeof(secret), W3C_SECRET + 1, strlen(W3C_SECRET) - 1), 34);
	assert_int_equal(secret[0] << 8 | secret[1], 0x8026);
	assert_int_equal(resolution_time_parse(&options.created, "2023-02-24T23:36:38Z", 20), 0);
	assert_int_equal(data_integrity_sign(&made, document, &options, secret + 2), 0);
	assert_true(json_equal(made, expected));
	wish.now = options.created;
	assert_int_equal(data_integrity_verify(expected, 0, &wish, key), DATA_INTEGRITY_OK);
	json_decref(made);
	json_decref(expected);
	json_decref(document);
}

static int64_t time_of(const json_t *options, const char *name)
{
	const char *value = text(options, name);
	int64_t seconds = 0;

	if (value)
		assert_int_equal(resolution_time_parse(&seconds, value, strlen(value)), 0);
	return seconds;
}

static void what_is_signed(void **state)
{
	json_t *cases = json_object_get(vectors, "sign"), *one;
	uint8_t seed[32], key[32];
	size_t i;

	(void)state;
	read_seed(seed);
	read_key(key, text(vectors, "publicKeyMultibase"));
	assert_true(json_array_size(cases) >= 8);
	json_array_foreach(cases, i, one)
	{
		const json_t *said = json_object_get(one, "options");
		struct data_integrity_options options = {.verification_method = text(vectors, "verificationMethod"),
							 .purpose = text(said, "proofPurpose") ? text(said, "proofPurpose") : "assertionMethod",
							 .created = time_of(said, "created"), .expires = time_of(said, "expires"),
							 .domain = text(said, "domain"), .challenge = text(said, "challenge")};
		struct data_integrity_wish wish = {.purpose = options.purpose, .domain = options.domain, .challenge = options.challenge,
						   .now = options.created};
		json_t *document = json_object_get(one, "document"), *before = json_deep_copy(document), *made;

		assert_int_equal(data_integrity_sign(&made, document, &options, seed), 0);
		if (!json_equal(made, json_object_get(one, "signed")))
			fail_msg("%s: %s", text(one, "name"), json_dumps(made, JSON_COMPACT));
		assert_int_equal(data_integrity_verify(made, 0, &wish, key), DATA_INTEGRITY_OK);
		assert_true(json_equal(document, before)); /* borrowed, not changed */
		json_decref(made);
		json_decref(before);
	}
	printf("signed: %zu\n", json_array_size(cases));
}

static enum data_integrity_code code_of(const char *name)
{
	static const char *const names[] = {
		[DATA_INTEGRITY_OK] = "holds",	       [DATA_INTEGRITY_UNSIGNED] = "unsigned",	 [DATA_INTEGRITY_SHAPE] = "shape",
		[DATA_INTEGRITY_SUITE] = "suite",      [DATA_INTEGRITY_CHAIN] = "chain",	 [DATA_INTEGRITY_PURPOSE] = "purpose",
		[DATA_INTEGRITY_DOMAIN] = "domain",    [DATA_INTEGRITY_CHALLENGE] = "challenge", [DATA_INTEGRITY_EARLY] = "early",
		[DATA_INTEGRITY_EXPIRED] = "expired",  [DATA_INTEGRITY_CONTEXT] = "context",	 [DATA_INTEGRITY_SIGNATURE] = "signature",
		[DATA_INTEGRITY_MEMORY] = "no verdict",
	};

	for (int i = 0; i <= DATA_INTEGRITY_MEMORY; i++)
		if (strcmp(names[i], name) == 0)
			return (enum data_integrity_code)i;
	fail_msg("no such verdict: %s", name);
	return DATA_INTEGRITY_MEMORY;
}

static void verdicts(void **state)
{
	json_t *cases = json_object_get(vectors, "judge"), *one;
	unsigned seen[DATA_INTEGRITY_MEMORY] = {0};
	uint8_t key[32];
	size_t i;

	(void)state;
	read_key(key, text(vectors, "publicKeyMultibase"));
	json_array_foreach(cases, i, one)
	{
		const json_t *said = json_object_get(one, "wish");
		struct data_integrity_wish wish = {.purpose = text(said, "purpose"), .domain = text(said, "domain"),
						   .challenge = text(said, "challenge"),
						   .now = json_integer_value(json_object_get(said, "now"))};
		json_t *document = json_object_get(one, "document"), *before = json_deep_copy(document);
		size_t index = (size_t)json_integer_value(json_object_get(said, "index"));
		enum data_integrity_code expected = code_of(text(one, "verdict"));
		enum data_integrity_code code = data_integrity_verify(document, index, &wish, key);

		if (code != expected)
			fail_msg("case %zu is not %s: %s", i, text(one, "verdict"), data_integrity_words(code));
		assert_true(json_equal(document, before));
		json_decref(before);
		seen[expected]++;
	}
	for (int code = 0; code < DATA_INTEGRITY_MEMORY; code++)
		assert_true(seen[code] > 0);
	printf("judged: %zu\n", json_array_size(cases));
}

/* No bit of a signature and no byte of the document may be another. */
static void every_change_is_noticed(void **state)
{
	json_t *signed_document = json_object_get(json_array_get(json_object_get(vectors, "sign"), 0), "signed");
	struct data_integrity_wish wish = {.now = INT64_C(1795194000)};
	struct jcs_buffer canonical = {0};
	size_t refused = 0, len;
	uint8_t key[32];
	char *whole;

	(void)state;
	assert_int_equal(jcs_write(&canonical, signed_document), 0);
	whole = canonical.data;
	len = canonical.len;
	read_key(key, text(vectors, "publicKeyMultibase"));
	assert_int_equal(data_integrity_verify(signed_document, 0, &wish, key), DATA_INTEGRITY_OK);
	for (size_t at = 0; at < len; at++) {
		char before = whole[at];
		struct jcs_error err;
		json_t *value;

		whole[at] ^= 1;
		if (jcs_parse(&value, &err, whole, len, NULL) == 0) {
			if (data_integrity_verify(value, 0, &wish, key) == DATA_INTEGRITY_OK)
				fail_msg("%.*s", (int)len, whole);
			json_decref(value);
			refused++;
		}
		whole[at] = before;
	}
	assert_true(refused > 100);
	for (size_t bit = 0; bit < 256; bit++) {
		key[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(data_integrity_verify(signed_document, 0, &wish, key), DATA_INTEGRITY_SIGNATURE);
		key[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	jcs_buffer_clear(&canonical);
}

static void what_cannot_be_signed(void **state)
{
	static const struct {
		const char *document;
		int rc;
	} cases[] = {
		{"[]", -EINVAL},
		{"\"text\"", -EINVAL},
		{"{\"proof\":{}}", -EEXIST},
		{"{\"proof\":null}", -EEXIST},
		{"{\"@context\":1}", -EINVAL},
		{"{\"@context\":null}", -EINVAL},
	};
	const struct data_integrity_options good = {.verification_method = "did:example:1#k", .purpose = "assertionMethod", .created = 1};
	struct data_integrity_options options;
	uint8_t seed[32] = {1};
	json_t *document, *made;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		document = parse(cases[i].document);
		assert_int_equal(data_integrity_sign(&made, document, &good, seed), cases[i].rc);
		assert_null(made);
		json_decref(document);
	}
	document = json_object();
	options = good;
	options.verification_method = NULL;
	assert_int_equal(data_integrity_sign(&made, document, &options, seed), -EINVAL);
	options = good;
	options.purpose = NULL;
	assert_int_equal(data_integrity_sign(&made, document, &options, seed), -EINVAL);
	options = good;
	options.expires = 1;
	assert_int_equal(data_integrity_sign(&made, document, &options, seed), -EINVAL);
	options = good;
	options.created = INT64_C(253402300800); /* the year 10000 */
	assert_int_equal(data_integrity_sign(&made, document, &options, seed), -EINVAL);
	options = good;
	options.domain = "\xff";
	assert_int_equal(data_integrity_sign(&made, document, &options, seed), -EINVAL);
	json_object_set_new(document, "n", json_integer(INT64_C(9007199254740992)));
	assert_int_equal(data_integrity_sign(&made, document, &good, seed), -EOVERFLOW);
	json_decref(document);
}

#define D "did:web:a.example"
#define OWN "\"controller\":\"" D "\""
#define KEY "z6MkmM42vxfqZQsv4ehtTjFFxQ4sQKS2w6WR7emozFAn5cxu"

static void keys_of_documents(void **state)
{
	static const char document[] =
		"{\"id\":\"" D "\",\"verificationMethod\":["
		"{\"id\":\"" D "#m\",\"type\":\"Multikey\",\"controller\":\"" D "\",\"publicKeyMultibase\":\"" KEY "\"},"
		"{\"id\":\"" D "#v\",\"type\":\"Ed25519VerificationKey2020\",\"controller\":\"" D "\",\"publicKeyMultibase\":\"" KEY "\"},"
		"{\"id\":\"" D "#p\"," OWN ",\"type\":\"Multikey\",\"publicKeyMultibase\":\"zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv\"},"
		"{\"id\":\"" D "#e\"," OWN ",\"type\":\"EcdsaSecp256k1RecoveryMethod2020\",\"blockchainAccountId\":\"x\"},"
		"{\"id\":\"" D "#b\"," OWN ",\"type\":\"Multikey\",\"publicKeyMultibase\":\"z0\"},"
		"{\"id\":\"" D "#other\",\"type\":\"Multikey\",\"controller\":\"did:web:b.example\",\"publicKeyMultibase\":\"" KEY "\"},"
		"{\"id\":\"" D "#nobody\",\"type\":\"Multikey\",\"publicKeyMultibase\":\"" KEY "\"},"
		"{\"id\":\"" D "#n\"," OWN ",\"type\":\"Multikey\"},{\"id\":\"did:web:b.example#m\",\"type\":\"Multikey\",\"publicKeyMultibase\":\"" KEY
		"\"},{\"id\":\"" D "#unlisted\"," OWN ",\"type\":\"Multikey\",\"publicKeyMultibase\":\"" KEY "\"},1,\"text\"],"
		"\"assertionMethod\":[\"" D "#m\",\"" D "#v\",\"" D "#p\",\"" D "#e\",\"" D "#b\",\"" D "#n\",\"did:web:b.example#m\",\"" D "#gone\",\"" D "#other\",\"" D "#nobody\"],"
		"\"authentication\":[{\"id\":\"" D "#in\"," OWN ",\"type\":\"Multikey\",\"publicKeyMultibase\":\"" KEY "\"}]}";
	static const struct {
		const char *method, *purpose;
		int rc;
	} cases[] = {
		{D "#m", "assertionMethod", 0},
		{D "#v", "assertionMethod", 0},
		{D "#in", "authentication", 0},
		{D "#in", "assertionMethod", -ENOENT}, /* embedded: of that relationship only */
		{D "#m", "authentication", -EACCES},
		{D "#unlisted", "assertionMethod", -EACCES},
		{D "#m", "verificationMethod", -EACCES}, /* what is no relationship authorises nothing */
		{D "#m", "id", -EACCES},
		{D "#m", "keyAgreement", -EACCES},
		{D "#other", "assertionMethod", -EXDEV}, /* whose key it is, not who lists it, signed */
		{D "#nobody", "assertionMethod", -EXDEV},
		{D "#gone", "assertionMethod", -ENOENT},
		{D "#", "assertionMethod", -ENOENT},
		{D, "assertionMethod", -ENOENT},
		{"#m", "assertionMethod", -ENOENT},
		{"did:web:b.example#m", "assertionMethod", -ENOENT}, /* another's key does not speak for this one */
		{D ":x#m", "assertionMethod", -ENOENT},
		{D "#p", "assertionMethod", -EOPNOTSUPP},
		{D "#e", "assertionMethod", -EOPNOTSUPP},
		{D "#b", "assertionMethod", -EBADMSG},
		{D "#n", "assertionMethod", -EBADMSG},
	};
	json_t *value = parse(document), *empty = json_object();
	uint8_t key[32], expected[32];

	(void)state;
	read_key(expected, KEY);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (data_integrity_key(key, value, cases[i].method, cases[i].purpose, 0) != cases[i].rc)
			fail_msg("%s %s", cases[i].method, cases[i].purpose);
		if (cases[i].rc == 0)
			assert_memory_equal(key, expected, 32);
	}
	assert_int_equal(data_integrity_key(key, empty, D "#m", "assertionMethod", 0), -EBADMSG);
	assert_int_equal(data_integrity_key(key, NULL, D "#m", "assertionMethod", 0), -EBADMSG);
	json_decref(value);
	json_decref(empty);
}

/* The proof covers its own @context; who reads the document is told of what was put behind it. */
static void more_context(void **state)
{
	static const struct {
		const char *document, *proof;
		bool more;
	} cases[] = {
		{"", "", false},
		{"\"@context\":\"a\",", "", false}, /* all of it is signed as a part of the document */
		{"\"@context\":\"a\",", ",\"@context\":\"a\"", false},
		{"\"@context\":[\"a\"],", ",\"@context\":\"a\"", false},
		{"\"@context\":[\"a\",{}],", ",\"@context\":\"a\"", true},
		{"\"@context\":[\"a\",\"b\"],", ",\"@context\":[\"a\"]", true},
		{"\"@context\":[\"a\",\"b\"],", ",\"@context\":[\"a\",\"b\"]", false},
		{"\"@context\":[\"a\"],", ",\"@context\":[]", true},
	};
	struct data_integrity_proof said;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *document;

		(void)snprintf(text, sizeof(text),
			       "{%s\"proof\":{\"type\":\"DataIntegrityProof\",\"cryptosuite\":\"eddsa-jcs-2022\",\"verificationMethod\":\"" D
			       "#m\",\"proofPurpose\":\"assertionMethod\"%s}}",
			       cases[i].document, cases[i].proof);
		document = parse(text);
		assert_int_equal(data_integrity_read(&said, document, 0), DATA_INTEGRITY_OK);
		if (said.more_context != cases[i].more)
			fail_msg("%s", text);
		json_decref(document);
	}
}

/* Lapsed and withdrawn keys, named and embedded; 1790000000 is 2026-09-21T14:13:20Z. */
static void keys_end(void **state)
{
	static const struct {
		const char *members;
		int64_t now;
		int rc;
	} cases[] = {
		{"", 1790000000, 0},
		{",\"expires\":\"2026-09-21T14:13:20Z\"", 1789999999, 0},
		{",\"expires\":\"2026-09-21T14:13:20Z\"", 1790000000, -EKEYEXPIRED},
		{",\"revoked\":\"2026-09-21T14:13:20Z\"", 1789999999, 0},
		{",\"revoked\":\"2026-09-21T14:13:20Z\"", 1790000000, -EKEYREVOKED},
		{",\"revoked\":\"2026-09-21T16:13:20.5+02:00\"", 1790000000, -EKEYREVOKED},
		{",\"revoked\":\"2026-09-21T14:13:20Z\",\"expires\":\"2030-01-01T00:00:00Z\"", 1790000000, -EKEYREVOKED},
		{",\"revoked\":\"2030-01-01T00:00:00Z\",\"expires\":\"2026-09-21T14:13:20Z\"", 1790000000, -EKEYEXPIRED},
		{",\"revoked\":\"2026-09-21\"", 0, -EBADMSG},
		{",\"revoked\":true", 0, -EBADMSG},
		{",\"revoked\":null", 0, -EBADMSG},
		{",\"expires\":1790000000", 0, -EBADMSG},
	};
	char text[1024];
	uint8_t key[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *value;

		(void)snprintf(text, sizeof(text),
			       "{\"id\":\"" D "\",\"verificationMethod\":[{\"id\":\"" D "#m\"," OWN ",\"type\":\"Multikey\",\"publicKeyMultibase\":\"" KEY "\"%s}],"
			       "\"assertionMethod\":[\"" D "#m\"],"
			       "\"authentication\":[{\"id\":\"" D "#in\"," OWN ",\"type\":\"Multikey\",\"publicKeyMultibase\":\"" KEY "\"%s}]}",
			       cases[i].members, cases[i].members);
		value = parse(text);
		if (data_integrity_key(key, value, D "#m", "assertionMethod", cases[i].now) != cases[i].rc ||
		    data_integrity_key(key, value, D "#in", "authentication", cases[i].now) != cases[i].rc)
			fail_msg("%s at %jd", cases[i].members, (intmax_t)cases[i].now);
		json_decref(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vector_of_the_specification),
		cmocka_unit_test(what_is_signed),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(every_change_is_noticed),
		cmocka_unit_test(what_cannot_be_signed),
		cmocka_unit_test(keys_of_documents),
		cmocka_unit_test(keys_end),
		cmocka_unit_test(more_context),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
