/* The host's own document. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/agent_document.h"
#include "did/host_document.h"

#define DID "did:web:localhost%3A8004"
#define LOG_KEY "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
#define ANCHOR "0x5FbDB2315678afecb367f032d93F642f64180aa3"
#define METHOD(fragment, key)                                                                                                     \
	"{\"id\":\"" DID "#" fragment "\",\"type\":\"Multikey\",\"controller\":\"" DID "\",\"publicKeyMultibase\":\"" key "\"}"
#define SERVICE(fragment, type, endpoint)                                                                                         \
	"{\"id\":\"" DID "#" fragment "\",\"type\":\"" type "\",\"serviceEndpoint\":" endpoint "}"
#define CONTEXT                                                                                                                   \
	"{\"@context\":[\"https://www.w3.org/ns/did/v1\",\"https://w3id.org/security/multikey/v1\",{\"uri\":\"https://schema.org/url\"," \
	"\"vkey\":\"https://c2sp.org/signed-note#verifier-key\",\"anchor\":\"https://w3id.org/security#blockchainAccountId\"}],"     \
	"\"id\":\"" DID "\","
#define ENDPOINT "\"uri\":\"http://localhost:8004/log\",\"vkey\":\"localhost:8004/log+00000000+AQ==\""
#define LISTS                                                                                                                     \
	"," SERVICE("resolver", "https://w3id.org/did-resolution", "\"http://localhost:8004/1.0/identifiers/\"") ","                \
	SERVICE("agents", "https://eips.ethereum.org/EIPS/eip-8004", "\"http://localhost:8004/v1/agents\"") ","                      \
	SERVICE("participants", "https://schema.org/DataFeed", "\"http://localhost:8004/v1/participants\"")

static struct host_document host(void)
{
	return (struct host_document){
		.host = "localhost:8004",
		.base_url = "http://localhost:8004",
		.log_vkey = "localhost:8004/log+00000000+AQ==",
		.log_key = {0x3b, 0x6a, 0x27, 0xbc, 0xce, 0xb6, 0xa4, 0x2d, 0x62, 0xa3, 0xa8, 0xd0, 0x2a, 0x6f, 0x0d, 0x73,
			    0x65, 0x32, 0x15, 0x77, 0x1d, 0xe2, 0x43, 0xa6, 0x3a, 0xc0, 0x48, 0xa1, 0x8b, 0x59, 0xda, 0x29},
	};
}

static void check(const struct host_document *input, const char *expected)
{
	json_t *document;
	char *text;

	assert_int_equal(host_document_build(&document, input), 0);
	text = json_dumps(document, JSON_COMPACT);
	assert_string_equal(text, expected);
	free(text);
	json_decref(document);
}

static void a_log_and_nothing_else(void **state)
{
	struct host_document input = host();

	(void)state;
	check(&input, CONTEXT "\"verificationMethod\":[" METHOD("log-key", LOG_KEY) "],\"assertionMethod\":[\"" DID "#log-key\"],\"service\":["
	      SERVICE("log", "https://c2sp.org/tlog-tiles", "{" ENDPOINT "}") LISTS "]}");
}

/* Keys by their own names, in the order given. */
static void keys_and_anchor(void **state)
{
	struct host_document input = host();

	(void)state;
	input.has_anchor = true;
	input.anchor_chain = 31337;
	assert_int_equal(address_parse(&input.anchor_contract, ANCHOR, strlen(ANCHOR)), 0);
	input.nassertion = 2;
	memset(input.assertion_keys[0], 0xff, 32);
	memset(input.assertion_keys[1], 0, 32);
#define ONES "z6MkwgaR63138bEEgad7uk993KMX54vBA6KTB4sFhCPnSB2e"
#define ZEROS "z6MkeTG3bFFSLYVU7VqhgZxqr6YzpaGrQtFMh1uvqGy1vDnP"
	check(&input, CONTEXT "\"verificationMethod\":[" METHOD("log-key", LOG_KEY) "," METHOD(ONES, ONES) "," METHOD(ZEROS, ZEROS)
	      "],\"assertionMethod\":[\"" DID "#log-key\",\"" DID "#" ONES "\",\"" DID "#" ZEROS "\"],\"service\":["
	      SERVICE("log", "https://c2sp.org/tlog-tiles", "{" ENDPOINT ",\"anchor\":\"eip155:31337:" ANCHOR "\"}") LISTS "]}");
}

static void limits(void **state)
{
	struct host_document input = host();
	json_t *document;

	(void)state;
	input.host = "LOCALHOST";
	assert_int_equal(host_document_build(&document, &input), -EINVAL);
	assert_null(document);
	input.host = "localhost";
	input.nassertion = HOST_DOCUMENT_KEYS_MAX + 1;
	assert_int_equal(host_document_build(&document, &input), -EINVAL);
}

static size_t size_of(const struct host_document *input, size_t *keys)
{
	json_t *document;
	size_t size;

	assert_int_equal(host_document_build(&document, input), 0);
	size = json_dumpb(document, NULL, 0, JSON_COMPACT);
	*keys = json_array_size(json_object_get(document, "assertionMethod")) - 1;
	assert_int_equal(json_array_size(json_object_get(document, "verificationMethod")), *keys + 1);
	json_decref(document);
	return size;
}

/* Whatever the host is called: all keys, or as many as fit to the byte. */
static void never_too_large(void **state)
{
	struct host_document input = host();
	char name[254], vkey[400], url[300];
	size_t all = 0, fewer = 0;

	(void)state;
	input.has_anchor = true;
	for (size_t len = 1; len <= 253; len++) {
		size_t keys, more;

		for (size_t i = 0; i < len; i++)
			name[i] = i % 60 == 59 && i + 1 < len ? '.' : 'a';
		name[len] = '\0';
		snprintf(vkey, sizeof(vkey), "%s/log+00000000+AQ==", name);
		snprintf(url, sizeof(url), "https://%s", name);
		input.host = name;
		input.log_vkey = vkey;
		input.base_url = url;
		input.nassertion = HOST_DOCUMENT_KEYS_MAX;
		assert_in_range(size_of(&input, &keys), 1, DID_DOCUMENT_MAX);
		assert_in_range(keys, 3, HOST_DOCUMENT_KEYS_MAX);
		if (keys == HOST_DOCUMENT_KEYS_MAX) {
			all++;
			continue;
		}
		/* the next one would have been too much: it costs as much as the last one did */
		input.nassertion = keys - 1;
		more = size_of(&input, &keys);
		input.nassertion = keys + 1;
		assert_true(2 * size_of(&input, &keys) - more > DID_DOCUMENT_MAX);
		fewer++;
	}
	assert_true(all > 100 && fewer > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_and_nothing_else),
		cmocka_unit_test(keys_and_anchor),
		cmocka_unit_test(limits),
		cmocka_unit_test(never_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
