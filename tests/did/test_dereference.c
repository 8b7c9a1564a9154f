/* What DID URLs name in a document, and where services lead; whatever is refused stands in a table. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "did/dereference.h"

#define DID "did:web:a.example"

static const char text[] =
	"{\"@context\":[\"https://www.w3.org/ns/did/v1\"],\"id\":\"" DID "\","
	"\"verificationMethod\":[{\"id\":\"" DID "#owner\",\"type\":\"Multikey\",\"controller\":\"" DID "\",\"publicKeyMultibase\":\"z6\"},"
	"{\"id\":\"#relative\",\"type\":\"Multikey\",\"controller\":\"" DID "\"},"
	"{\"id\":\"" DID "#odd\",\"type\":\"Multikey\"},{\"id\":\"" DID "#theirs\",\"type\":\"Multikey\",\"controller\":\"did:web:b.example\"},"
	"{\"id\":\"did:web:b.example#owner2\",\"type\":\"Multikey\",\"controller\":\"" DID "\"},7,{\"id\":7}],"
	"\"authentication\":[\"" DID "#owner\",\"" DID "#theirs\",\"#relative\",{\"id\":\"" DID "#embedded\",\"type\":\"Multikey\",\"controller\":\"" DID "\"}],"
	"\"assertionMethod\":[\"" DID "#owner\"],\"keyAgreement\":\"" DID "#owner\","
	"\"service\":[{\"id\":\"" DID "#files\",\"type\":\"Files\",\"serviceEndpoint\":\"https://example.com/messages/8377464/\"},"
	"{\"id\":\"#mail\",\"type\":[\"Mail\",\"Files\"],\"serviceEndpoint\":[{\"uri\":\"x\"},\"mailto:a@example.com\",\"https://second.example\"]},"
	"{\"id\":\"" DID "#map\",\"type\":\"Map\",\"serviceEndpoint\":{\"uri\":\"https://example.com\"}},"
	"{\"id\":\"" DID "#fragment\",\"type\":\"F\",\"serviceEndpoint\":\"https://example.com/#x\"},"
	"{\"id\":\"" DID "#script\",\"type\":\"S\",\"serviceEndpoint\":\"javascript:alert(1)\"},"
	"{\"id\":\"" DID "#broken\",\"type\":\"B\",\"serviceEndpoint\":\"https://example.com/a b\"},"
	"{\"id\":\"" DID "#crlf\",\"type\":\"B\",\"serviceEndpoint\":\"https://example.com/\\r\\nSet-Cookie: a=b\"},"
	"{\"id\":\"" DID "#elsewhere\",\"type\":\"E\",\"serviceEndpoint\":\"did:web:b.example\"},"
	"{\"id\":\"https://example.com/service\",\"type\":\"U\",\"serviceEndpoint\":\"https://u.example\"},3]}";

static json_t *document;

static void ask(struct resolution_request *request, const char *url, const char *options)
{
	static char memory[4096];
	char detail[RESOLUTION_DETAIL_SIZE], path[512];
	size_t n = 0;

	/* as a client encodes it */
	for (const char *at = url; *at; at++)
		n += (size_t)snprintf(path + n, sizeof(path) - n, strchr(":/?#%", *at) ? "%%%02X" : "%c", *at);
	*request = (struct resolution_request){.memory = memory, .room = sizeof(memory)};
	if (resolution_request_parse(request, detail, path, n, options, options ? strlen(options) : 0, NULL, 0) != RESOLUTION_OK)
		fail_msg("%s: %s", url, detail);
}

static void objects(void **state)
{
	static const struct {
		const char *url, *options;
		enum resolution_code code;
		const char *id; /* of what is found; NULL: it is the document */
	} cases[] = {
		{DID, NULL, RESOLUTION_OK, NULL},
		{DID "?versionId=5", NULL, RESOLUTION_OK, NULL},
		{DID "#owner", NULL, RESOLUTION_OK, DID "#owner"},
		{DID "?versionId=5#owner", NULL, RESOLUTION_OK, DID "#owner"},
		{DID "#relative", NULL, RESOLUTION_OK, "#relative"},
		{DID "#embedded", NULL, RESOLUTION_OK, DID "#embedded"},
		{DID "#files", NULL, RESOLUTION_OK, DID "#files"},
		{DID "#mail", NULL, RESOLUTION_OK, "#mail"},
		{DID "#odd", NULL, RESOLUTION_OK, DID "#odd"},
		{DID "#", NULL, RESOLUTION_NOT_FOUND, NULL},
		{DID "#Owner", NULL, RESOLUTION_NOT_FOUND, NULL},
		{DID "#owner2", NULL, RESOLUTION_NOT_FOUND, NULL},
		{DID "#own", NULL, RESOLUTION_NOT_FOUND, NULL},
		{"did:web:b.example#owner", NULL, RESOLUTION_NOT_FOUND, NULL},
		{DID "?service=files#mail", NULL, RESOLUTION_NOT_FOUND, NULL},
		{DID "?service=files#files", NULL, RESOLUTION_OK, DID "#files"},
		{DID "#owner", "verificationRelationship=authentication", RESOLUTION_OK, DID "#owner"},
		{DID "#owner", "verificationRelationship=assertionMethod", RESOLUTION_OK, DID "#owner"},
		{DID "#embedded", "verificationRelationship=authentication", RESOLUTION_OK, DID "#embedded"},
		{DID "#relative", "verificationRelationship=authentication", RESOLUTION_OK, "#relative"},
		{DID "#embedded", "verificationRelationship=assertionMethod", RESOLUTION_INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD, NULL},
		{DID "#owner", "verificationRelationship=capabilityInvocation", RESOLUTION_INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD, NULL},
		{DID "#owner", "verificationRelationship=keyAgreement", RESOLUTION_INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD, NULL},
		{DID "#odd", "verificationRelationship=authentication", RESOLUTION_INVALID_VERIFICATION_METHOD, NULL},
		{DID "#theirs", NULL, RESOLUTION_OK, DID "#theirs"},
		{DID "#theirs", "verificationRelationship=authentication", RESOLUTION_INVALID_VERIFICATION_METHOD, NULL},
		{DID "#files", "verificationRelationship=authentication", RESOLUTION_INVALID_VERIFICATION_METHOD, NULL},
		{DID "#nothing", "verificationRelationship=authentication", RESOLUTION_INVALID_VERIFICATION_METHOD, NULL},
		{DID, "verificationRelationship=authentication", RESOLUTION_INVALID_VERIFICATION_METHOD, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct resolution_request request;
		char detail[RESOLUTION_DETAIL_SIZE];
		json_t *content;
		bool whole;

		ask(&request, cases[i].url, cases[i].options);
		enum resolution_code code = dereference_content(&content, &whole, detail, document, &request);

		if (code != cases[i].code || (code == RESOLUTION_OK) != (content != NULL) || (code == RESOLUTION_OK) != (*detail == '\0'))
			fail_msg("%s ? %s: %s %s", cases[i].url, cases[i].options, resolution_error(code)->name, detail);
		if (code == RESOLUTION_OK && !cases[i].id)
			assert_true(whole && json_equal(content, document));
		if (cases[i].id) {
			assert_false(whole);
			assert_string_equal(json_string_value(json_object_get(content, "id")), cases[i].id);
			assert_true(json_equal(json_object_get(content, "@context"), json_object_get(document, "@context")));
			assert_string_equal(json_object_iter_key(json_object_iter(content)), "@context");
		}
		json_decref(content);
	}
}

static void services(void **state)
{
	static const struct {
		const char *query;
		size_t n; /* 0: NOT_FOUND */
	} cases[] = {
		{"service=files", 1}, {"service=%23files", 1}, {"service=did:web:a.example%23files", 1}, {"service=mail", 1},
		{"service=https://example.com/service", 1}, {"serviceType=Files", 2}, {"serviceType=Mail", 1}, {"service=files&serviceType=Files", 1},
		{"service=files&serviceType=Mail", 0}, {"service=none", 0}, {"serviceType=files", 0}, {"service=did:web:b.example%23files", 0},
		{"service=Files", 0}, {"service=service", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct resolution_request request;
		char detail[RESOLUTION_DETAIL_SIZE], url[256];
		json_t *content, *before = json_deep_copy(document);
		bool whole;

		snprintf(url, sizeof(url), DID "?%s", cases[i].query);
		ask(&request, url, NULL);
		enum resolution_code code = dereference_content(&content, &whole, detail, document, &request);

		if (code != (cases[i].n ? RESOLUTION_OK : RESOLUTION_NOT_FOUND))
			fail_msg("%s: %s %s", url, resolution_error(code)->name, detail);
		assert_int_equal(json_array_size(json_object_get(content, "service")), cases[i].n);
		if (content) {
			assert_true(whole);
			assert_true(json_equal(json_object_get(content, "verificationMethod"), json_object_get(document, "verificationMethod")));
		}
		/* the document is the caller's */
		assert_true(json_equal(before, document));
		json_decref(before);
		json_decref(content);
	}
}

static void places(void **state)
{
	static const struct {
		const char *url;
		enum resolution_code code;
		const char *location;
	} cases[] = {
		{DID "?service=files", RESOLUTION_OK, "https://example.com/messages/8377464/"},
		{DID "?service=files#intro", RESOLUTION_OK, "https://example.com/messages/8377464/#intro"},
		{DID "?service=files&relativeRef=a%3Fb#intro", RESOLUTION_OK, "https://example.com/messages/8377464/a?b#intro"},
		{DID "?serviceType=Files", RESOLUTION_OK, "https://example.com/messages/8377464/"},
		{DID "?serviceType=Mail", RESOLUTION_OK, "mailto:a@example.com"},
		{DID "?service=elsewhere", RESOLUTION_OK, "did:web:b.example"},
		{DID "?service=none", RESOLUTION_NOT_FOUND, NULL},
		{DID "?service=map", RESOLUTION_NOT_FOUND, NULL},
		{DID "?service=script", RESOLUTION_NOT_FOUND, NULL},
		{DID "?service=broken", RESOLUTION_NOT_FOUND, NULL},
		{DID "?service=crlf", RESOLUTION_NOT_FOUND, NULL},
		{DID "?service=mail&relativeRef=x", RESOLUTION_NOT_FOUND, NULL},
		{DID "?service=elsewhere&relativeRef=x", RESOLUTION_NOT_FOUND, NULL},
		{DID "?service=fragment#y", RESOLUTION_INVALID_DID_URL, NULL},
		{DID "?service=files&relativeRef=a%23b#y", RESOLUTION_INVALID_DID_URL, NULL},
		{DID "?service=files&relativeRef=..", RESOLUTION_INVALID_DID_URL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct resolution_request request;
		char detail[RESOLUTION_DETAIL_SIZE], location[DEREFERENCE_URL_SIZE];

		ask(&request, cases[i].url, NULL);
		enum resolution_code code = dereference_location(location, detail, document, &request);

		if (code != cases[i].code || (code == RESOLUTION_OK && strcmp(location, cases[i].location) != 0))
			fail_msg("%s: %s %s %s", cases[i].url, resolution_error(code)->name, detail, code == RESOLUTION_OK ? location : "");
	}
}

/* RFC 3986 section 5.4, as far as it stays below the base; and everything that does not. */
static void references(void **state)
{
	static const struct {
		const char *base, *reference;
		int rc;
		const char *made;
	} cases[] = {
		{"https://a/b/c/", "g", 0, "https://a/b/c/g"},
		{"https://a/b/c/", "./g", 0, "https://a/b/c/g"},
		{"https://a/b/c/", "g/", 0, "https://a/b/c/g/"},
		{"https://a/b/c/", "/b/c/g", 0, "https://a/b/c/g"},
		{"https://a/b/c/", "?y", 0, "https://a/b/c/?y"},
		{"https://a/b/c/?q", "", 0, "https://a/b/c/?q"},
		{"https://a/b/c/?q", "#s", 0, "https://a/b/c/?q#s"},
		{"https://a/b/c/?q#f", "x", 0, "https://a/b/c/x"},
		{"https://a/b/c/", "g;x=1/../y", 0, "https://a/b/c/y"},
		{"https://a/b/c/", "g?y/../x", 0, "https://a/b/c/g?y/../x"},
		{"https://a/b/c/", "g#s/../x", 0, "https://a/b/c/g#s/../x"},
		{"https://a/b/c/", "x/..", 0, "https://a/b/c/"},
		{"https://a/b/c/", "a%20b", 0, "https://a/b/c/a%20b"},
		{"https://a/b/c/", "...", 0, "https://a/b/c/..."},
		{"https://a/b/c/", "caf%e0/%e0.html", 0, "https://a/b/c/caf%e0/%e0.html"},
		{"https://a/b/c/", "%e2%82%ac;v=1/..x;y", 0, "https://a/b/c/%e2%82%ac;v=1/..x;y"},
		{"https://a/b/c/", "x/%2e%2e/y", 0, "https://a/b/c/x/%2e%2e/y"},
		{"https://a", "x", 0, "https://a/x"},
		{"https://a", "/x", 0, "https://a/x"},
		{"https://a/", "/x/../../y", 0, "https://a/y"},
		{"https://a", "", 0, "https://a"},
		{"https://user@a:8443/b/", "c", 0, "https://user@a:8443/b/c"},
		{"https://a/b/c", "c/d", 0, "https://a/b/c/d"}, /* c is a file: its neighbours are not below it, only what is named like it */
		{"ipfs://bafy/x/", "y", 0, "ipfs://bafy/x/y"},
		{"https://a/b/../c/", "d", 0, "https://a/c/d"},
		{"https://a/b/c/", "..", -EACCES, NULL},
		{"https://a/b/c/", "../g", -EACCES, NULL},
		{"https://a/b/c/", "../c2/", -EACCES, NULL},
		{"https://a/b/c/", "../../..", -EACCES, NULL},
		{"https://a/b/c/", "x/../../y", -EACCES, NULL},
		{"https://a/b/c/", "/", -EACCES, NULL},
		{"https://a/b/c/", "/g", -EACCES, NULL},
		{"https://a/b/c/", "/b/c", -EACCES, NULL},
		{"https://a/b/c", "g", -EACCES, NULL},
		{"https://a/b/c", "cc", -EACCES, NULL},
		{"https://a/b/c/", "//g", -EACCES, NULL},
		{"https://a/b/c/", "//a/b/c/g", -EACCES, NULL},
		{"https://a/b/c/", "///x", -EACCES, NULL},
		{"https://a/b/c/", "https://a/b/c/g", -EACCES, NULL},
		{"https://a/b/c/", "https:g", -EACCES, NULL},
		{"https://a/b/c/", "javascript:x", -EACCES, NULL},
		{"https://a/b/c/", "%2E%2E%2Fg", -EACCES, NULL},
		{"https://a/b/c/", "%2e%2e/g", -EACCES, NULL},
		{"https://a/b/c/", ".%2e/g", -EACCES, NULL},
		{"https://a/b/c/", "%252E%252E%252Fg", -EACCES, NULL},
		{"https://a/b/c/", "%25252e%25252e%25252fg", -EACCES, NULL},
		{"https://a/b/c/", "..%5cg", -EACCES, NULL},
		{"https://a/b/c/", "..\\g", -EACCES, NULL},
		{"https://a/b/c/", "x%5c..%5c..%5cg", -EACCES, NULL},
		{"https://a/b/c/", "..;/g", -EACCES, NULL},
		{"https://a/b/c/", "x/%2e.;v=1/g", -EACCES, NULL},
		{"https://a/b/c/", "x/.%3bv/g", -EACCES, NULL},
		{"https://a/b/c/", "%c0%ae%c0%ae/g", -EACCES, NULL},
		{"https://a/b/c/", "%c0%ae%25c0%25ae%c0%afg", -EACCES, NULL},
		{"https://a/b/c/", "%e0%80%af..", -EACCES, NULL},
		{"https://a/b/c/", "%f0%80%80%ae%e0%80%ae/g", -EACCES, NULL},
		{"https://a/b/c/", "x%00", -EACCES, NULL},
		{"https://a/b/c/", "x%0d%0ay", -EACCES, NULL},
		{"https://a/b/c/", "x\r\ny", -EACCES, NULL},
		{"https://a/b/c/", "x y", -EACCES, NULL},
		{"https://a/b/c/", "x%", -EACCES, NULL},
		{"https://a/b/c/", "x%2", -EACCES, NULL},
		{"https://a/b/c/", "x%zz", -EACCES, NULL},
		{"https://a/b/c/", "\xc3\xa9", -EACCES, NULL},
		{"https://a/b/c/", "x#y#z", -EACCES, NULL},
		{"https://a/%5c/", "x", -EACCES, NULL},
		{"mailto:a@b.example", "x", -EBADMSG, NULL},
		{"https:///x/", "y", -EBADMSG, NULL},
		{"//a/b/", "y", -EBADMSG, NULL},
		{"/b/", "y", -EBADMSG, NULL},
		{"", "y", -EBADMSG, NULL},
		{"https://a/b c/", "y", -EBADMSG, NULL},
		{"https://a/\r\n/", "y", -EBADMSG, NULL},
		{"javascript://a/b/", "y", -EBADMSG, NULL},
		{"File://a/b/", "y", -EBADMSG, NULL},
	};
	static char long_one[2 * DEREFERENCE_URL_SIZE] = "https://a/";
	char made[DEREFERENCE_URL_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = dereference_reference(made, cases[i].base, cases[i].reference);

		if (rc != cases[i].rc || (rc == 0 && strcmp(made, cases[i].made) != 0))
			fail_msg("%s + %s: %d %s", cases[i].base, cases[i].reference, rc, rc == 0 ? made : "");
	}
	memset(long_one + 10, 'x', DEREFERENCE_URL_SIZE - 12);
	long_one[DEREFERENCE_URL_SIZE - 3] = '/';
	assert_int_equal(dereference_reference(made, long_one, "y"), 0);
	assert_int_equal(strlen(made), DEREFERENCE_URL_SIZE - 1);
	assert_int_equal(dereference_reference(made, long_one, "yy"), -ENOSPC);
	long_one[DEREFERENCE_URL_SIZE] = 'x';
	memset(long_one + 10, 'x', sizeof(long_one) - 11);
	assert_int_equal(dereference_reference(made, long_one, "y"), -EBADMSG);
	assert_int_equal(dereference_reference(made, "https://a/", long_one + 10), -EACCES);
	assert_int_equal(dereference_uri(made, long_one), -EBADMSG);
}

/* "%2525…25" is an escape of an escape of an escape: whoever writes an endpoint and asks for it must not have it read a thousand times
 * over. Decoded one level a pass, this would take seconds. */
static void escapes_of_escapes(void **state)
{
	static const char *const ends[] = {"2e./y", "2e%2e/y", "5cy", "00y", "0ay"};
	static char base[4000] = "https://example.com/%", reference[2000] = "%";
	char made[DEREFERENCE_URL_SIZE];
	clock_t begun;

	(void)state;
	for (size_t n = strlen(base); n < sizeof(base) - 4; n += 2)
		memcpy(base + n, "25", 3);
	strcat(base, "/");
	for (size_t n = 1; n < 81; n += 2)
		memcpy(reference + n, "25", 3);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		memcpy(reference + 81, ends[i], strlen(ends[i]) + 1);
		if (dereference_reference(made, "https://example.com/files/", reference) != -EACCES)
			fail_msg("%s", ends[i]);
	}
	begun = clock();
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(dereference_reference(made, base, "y"), 0);
	assert_true(clock() - begun < CLOCKS_PER_SEC / 2);
}

/* Members of any type are passed over: documents are strangers'. */
static void documents_of_any_shape(void **state)
{
	static const char *const documents[] = {
		"{}", "{\"service\":7,\"verificationMethod\":\"x\"}", "{\"service\":{\"id\":\"" DID "#k\"}}", "{\"verificationMethod\":[[],null,{}]}",
		"{\"service\":[{\"id\":null,\"type\":{},\"serviceEndpoint\":[[\"x\"]]}]}", "{\"authentication\":[1,null,[]]}",
	};
	static const char *const urls[] = {DID "#k", DID "?service=k", DID "?serviceType=k#k"};

	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		json_auto_t *odd = json_loads(documents[i], 0, NULL);

		assert_non_null(odd);
		for (size_t j = 0; j < sizeof(urls) / sizeof(urls[0]); j++) {
			static struct resolution_request request;
			char detail[RESOLUTION_DETAIL_SIZE], location[DEREFERENCE_URL_SIZE];
			json_t *content;
			bool whole;

			ask(&request, urls[j], NULL);
			assert_int_equal(dereference_content(&content, &whole, detail, odd, &request), RESOLUTION_NOT_FOUND);
			if (j > 0)
				assert_int_equal(dereference_location(location, detail, odd, &request), RESOLUTION_NOT_FOUND);
		}
	}
}

static int load(void **state)
{
	(void)state;
	document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	return document ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	json_decref(document);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects),    cmocka_unit_test(services),		cmocka_unit_test(places),
		cmocka_unit_test(references), cmocka_unit_test(escapes_of_escapes), cmocka_unit_test(documents_of_any_shape),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
