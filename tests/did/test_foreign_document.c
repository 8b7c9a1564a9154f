/* Documents of other hosts: what passes, and everything that is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/foreign_document.h"

#define DID "did:web:a.example"
#define ID "\"id\":\"" DID "\""
#define METHOD "{\"id\":\"" DID "#k\",\"type\":\"Multikey\",\"controller\":\"" DID "\"}"
#define SERVICE(more) "{\"id\":\"" DID "#s\",\"type\":\"T\"," more "}"

static const char *const taken[] = {
	"{" ID "}",
	" \n{" ID "}\t\n",
	"{\"@context\":\"https://www.w3.org/ns/did/v1\"," ID "}",
	"{\"@context\":[\"https://www.w3.org/ns/did/v1.1\",{\"x\":\"https://x.example\"}]," ID "}",
	"{" ID ",\"alsoKnownAs\":[\"https://a.example/\",\"did:web:b.example:x\",\"eip155:1/erc721:0x00/1\"]}",
	"{" ID ",\"alsoKnownAs\":[]}",
	"{" ID ",\"controller\":\"did:web:b.example\"}",
	"{" ID ",\"controller\":[\"did:web:b.example\",\"did:key:z6Mk\"]}",
	"{" ID ",\"verificationMethod\":[" METHOD "]}",
	"{" ID ",\"verificationMethod\":[{\"id\":\"did:web:b.example#k\",\"type\":\"Multikey\",\"controller\":\"did:web:b.example\"}]}",
	"{" ID ",\"authentication\":[\"" DID "#k\"," METHOD "],\"keyAgreement\":[]}",
	"{" ID ",\"service\":[" SERVICE("\"serviceEndpoint\":\"https://a.example/x\"") "]}",
	"{" ID ",\"service\":[" SERVICE("\"serviceEndpoint\":{\"uri\":7}") "]}",
	"{" ID ",\"service\":[" SERVICE("\"serviceEndpoint\":[\"did:web:b.example\",{}]") "]}",
	"{" ID ",\"service\":[{\"id\":\"https://a.example/s\",\"type\":[\"A\",\"B\"],\"serviceEndpoint\":\"mailto:a@b.example\"}]}",
	"{" ID ",\"anything\":{\"else\":[1,2.5,null]}}",
	"{" ID ",\"x\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}", /* 16 levels */
};

static const char *const refused[] = {
	"",
	"null",
	"[]",
	"7",
	"\"" DID "\"",
	"<html></html>",
	"{}",
	"{\"id\":7}",
	"{\"id\":\"did:web:b.example\"}",
	"{\"id\":\"did:web:A.example\"}",
	"{\"id\":\"" DID "#\"}",
	"{\"id\":\"" DID "/\"}",
	"{" ID "} x",
	"{" ID "}{" ID "}",
	"{" ID "," ID "}",
	"{" ID ",\"i\\u0064\":\"did:web:b.example\"}",
	"{" ID ",\"x\":{\"a\":1,\"a\":2}}",
	"\xef\xbb\xbf{" ID "}",
	"{" ID ",\"x\":\"\xff\"}",
	"{" ID ",\"x\":\"\\u0000\"}",
	"{" ID ",\"x\":\"\\ud800\"}",
	"{" ID ",\"x\":12345678901234567890}",
	"{" ID ",\"x\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}", /* 17 levels */
	"{" ID ",\"@context\":7}",
	"{" ID ",\"@context\":[null]}",
	"{" ID ",\"alsoKnownAs\":\"https://a.example\"}",
	"{" ID ",\"alsoKnownAs\":[7]}",
	"{" ID ",\"alsoKnownAs\":[\"/x\"]}",
	"{" ID ",\"alsoKnownAs\":[\"\"]}",
	"{" ID ",\"alsoKnownAs\":[\"x y:z w\"]}",
	"{" ID ",\"controller\":7}",
	"{" ID ",\"controller\":\"x\"}",
	"{" ID ",\"controller\":\"" DID "#k\"}",
	"{" ID ",\"controller\":[\"x\"]}",
	"{" ID ",\"controller\":{}}",
	"{" ID ",\"verificationMethod\":{}}",
	"{" ID ",\"verificationMethod\":[\"" DID "#k\"]}",
	"{" ID ",\"verificationMethod\":[{\"type\":\"Multikey\",\"controller\":\"" DID "\"}]}",
	"{" ID ",\"verificationMethod\":[{\"id\":\"#k\",\"type\":\"Multikey\",\"controller\":\"" DID "\"}]}",
	"{" ID ",\"verificationMethod\":[{\"id\":\"k\",\"type\":\"Multikey\",\"controller\":\"" DID "\"}]}",
	"{" ID ",\"verificationMethod\":[{\"id\":\"" DID "#k\",\"controller\":\"" DID "\"}]}",
	"{" ID ",\"verificationMethod\":[{\"id\":\"" DID "#k\",\"type\":[\"Multikey\"],\"controller\":\"" DID "\"}]}",
	"{" ID ",\"verificationMethod\":[{\"id\":\"" DID "#k\",\"type\":\"Multikey\"}]}",
	"{" ID ",\"verificationMethod\":[{\"id\":\"" DID "#k\",\"type\":\"Multikey\",\"controller\":\"x\"}]}",
	"{" ID ",\"verificationMethod\":[" METHOD "," METHOD "]}",
	"{" ID ",\"verificationMethod\":[" METHOD "],\"authentication\":[" METHOD "]}",
	"{" ID ",\"authentication\":\"" DID "#k\"}",
	"{" ID ",\"assertionMethod\":[7]}",
	"{" ID ",\"keyAgreement\":[\"#k\"]}",
	"{" ID ",\"capabilityInvocation\":[{\"id\":\"" DID "#k\"}]}",
	"{" ID ",\"capabilityDelegation\":[null]}",
	"{" ID ",\"service\":{}}",
	"{" ID ",\"service\":[7]}",
	"{" ID ",\"service\":[{\"type\":\"T\",\"serviceEndpoint\":\"https://a.example\"}]}",
	"{" ID ",\"service\":[{\"id\":\"#s\",\"type\":\"T\",\"serviceEndpoint\":\"https://a.example\"}]}",
	"{" ID ",\"service\":[{\"id\":\"" DID "#s\",\"serviceEndpoint\":\"https://a.example\"}]}",
	"{" ID ",\"service\":[{\"id\":\"" DID "#s\",\"type\":\"T\"}]}",
	"{" ID ",\"service\":[" SERVICE("\"serviceEndpoint\":7") "]}",
	"{" ID ",\"service\":[" SERVICE("\"serviceEndpoint\":\"/x\"") "]}",
	"{" ID ",\"service\":[" SERVICE("\"serviceEndpoint\":[7]") "]}",
	"{" ID ",\"service\":[" SERVICE("\"serviceEndpoint\":\"https://a.example/a b\"") "]}",
	"{" ID ",\"service\":[" SERVICE("\"serviceEndpoint\":{}") "," SERVICE("\"serviceEndpoint\":{}") "]}",
	"{" ID ",\"service\":[{\"id\":\"" DID "#s\",\"type\":7,\"serviceEndpoint\":{}}]}",
};

static int parse(char why[static FOREIGN_DOCUMENT_WHY_SIZE], const char *text, size_t len)
{
	json_t *document;
	int rc = foreign_document_parse(&document, why, text, len, DID);

	assert_true((rc == 0) == (document != NULL));
	assert_true((rc == 0) == (*why == '\0'));
	for (const char *at = why; *at; at++)
		assert_in_range(*at, ' ', '~');
	json_decref(document);
	return rc;
}

static void good_documents_pass(void **state)
{
	char why[FOREIGN_DOCUMENT_WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (parse(why, taken[i], strlen(taken[i])) != 0)
			fail_msg("%s: %s", taken[i], why);
}

static void all_others_are_refused(void **state)
{
	char why[FOREIGN_DOCUMENT_WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (parse(why, refused[i], strlen(refused[i])) != -EBADMSG)
			fail_msg("%s is taken", refused[i]);
}

/* Every beginning of a good document is none. */
static void cut_documents_are_refused(void **state)
{
	static const char whole[] = "{" ID ",\"verificationMethod\":[" METHOD "],\"service\":[" SERVICE("\"serviceEndpoint\":{}") "]}";
	char why[FOREIGN_DOCUMENT_WHY_SIZE];

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++)
		assert_int_equal(parse(why, whole, len), -EBADMSG);
	assert_int_equal(parse(why, whole, sizeof(whole) - 1), 0);
}

static void the_limit_is_64_kib(void **state)
{
	char why[FOREIGN_DOCUMENT_WHY_SIZE], *text = malloc(FOREIGN_DOCUMENT_MAX + 1);
	static const char start[] = "{" ID;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', FOREIGN_DOCUMENT_MAX + 1);
	memcpy(text, start, sizeof(start) - 1);
	text[FOREIGN_DOCUMENT_MAX - 1] = '}';
	assert_int_equal(parse(why, text, FOREIGN_DOCUMENT_MAX), 0);
	assert_int_equal(parse(why, text, FOREIGN_DOCUMENT_MAX + 1), -EBADMSG);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_documents_pass),
		cmocka_unit_test(all_others_are_refused),
		cmocka_unit_test(cut_documents_are_refused),
		cmocka_unit_test(the_limit_is_64_kib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
