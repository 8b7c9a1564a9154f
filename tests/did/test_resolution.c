/* The resolution binding: negotiation, requests, times, envelopes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/resolution.h"

#define LEGACY "application/ld+json;profile=\"https://w3id.org/did-resolution\""

static void negotiation(void **state)
{
	static const struct {
		const char *accept;
		const char *type; /* NULL: 406 */
		bool envelope;
	} cases[] = {
		{NULL, RESOLUTION_TYPE, true},
		{"", RESOLUTION_TYPE, true},
		{"*/*", RESOLUTION_TYPE, true},
		{"application/*", RESOLUTION_TYPE, true},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", RESOLUTION_TYPE, true},
		{"application/did-resolution", RESOLUTION_TYPE, true},
		{"Application/DID-Resolution", RESOLUTION_TYPE, true},
		{LEGACY, RESOLUTION_TYPE, true},
		{"application/ld+json; profile=https://w3id.org/did-resolution", RESOLUTION_TYPE, true},
		{"application/did-resolution,application/did", RESOLUTION_TYPE, true},
		{"application/did+ld+json, application/did-resolution", RESOLUTION_TYPE, true},
		{"application/did", "application/did", false},
		{"application/did+json", "application/did+json", false},
		{"application/did+ld+json", "application/did+ld+json", false},
		{"application/json", "application/json", false},
		{"application/json; charset=utf-8", "application/json", false},
		{"application/ld+json", "application/ld+json", false},
		{"application/ld+json;profile=\"x,y;z\"", "application/ld+json", false},
		{"application/did+json, application/did+ld+json", "application/did+json", false},
		{"application/did+ld+json, application/did+json", "application/did+ld+json", false},
		{"application/did;q=0.5, application/json;q=0.9", "application/json", false},
		{"application/json, */*;q=0.5", "application/json", false},
		{"application/json, */*", "application/json", false},
		{"application/did-resolution;q=0, */*", "application/did", false},
		{"application/did-resolution;q=0.1, application/did;q=0.2", "application/did", false},
		{"application/did-url-dereferencing", NULL, false},
		{"text/html", NULL, false},
		{"application/did;q=0", NULL, false},
		{"application/did;q=x", NULL, false},
		{"application/did;q=1.1", NULL, false},
		{"application", NULL, false},
		{"garbage;;;,,,\"", NULL, false},
		{"*/*;q=0", NULL, false},
	};
	char long_header[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct resolution_accept out = {0};
		enum resolution_code code = resolution_negotiate(&out, cases[i].accept);

		if (code != (cases[i].type ? RESOLUTION_OK : RESOLUTION_REPRESENTATION_NOT_SUPPORTED))
			fail_msg("%s: %d", cases[i].accept, code);
		if (cases[i].type &&
		    (strcmp(out.content_type, cases[i].type) != 0 || out.envelope != cases[i].envelope))
			fail_msg("%s gives %s", cases[i].accept, out.content_type);
	}
	memset(long_header, ',', sizeof(long_header));
	long_header[sizeof(long_header) - 1] = '\0';
	assert_int_equal(resolution_negotiate(&(struct resolution_accept){0}, long_header),
			 RESOLUTION_REPRESENTATION_NOT_SUPPORTED);
}

static void types_of_did_json(void **state)
{
	(void)state;
	assert_string_equal(resolution_document_type(NULL), "application/json");
	assert_string_equal(resolution_document_type("*/*"), "application/json");
	assert_string_equal(resolution_document_type("text/html"), "application/json");
	assert_string_equal(resolution_document_type("application/did"), "application/did");
	assert_string_equal(resolution_document_type("application/did+ld+json"), "application/did+ld+json");
	assert_string_equal(resolution_document_type("application/json, application/did"), "application/json");
	assert_string_equal(resolution_document_type("application/did;q=0.9, */*;q=0.1"), "application/did");
}

struct request_case {
	const char *path;
	const char *query;
	enum resolution_code code;
	const char *did; /* of the accepted ones */
};

static const struct request_case requests[] = {
	{"did:web:example.com", NULL, RESOLUTION_OK, "did:web:example.com"},
	{"did:web:a.example%3A8443:x", NULL, RESOLUTION_OK, "did:web:a.example%3A8443:x"},
	{"did%3Aweb%3Aa.example%253A8443%3Ax", NULL, RESOLUTION_OK, "did:web:a.example%3A8443:x"},
	{"did%3aweb%3aa.example", "versionId=5", RESOLUTION_OK, "did:web:a.example"},
	{"DID%3Aweb%3Aa.example", NULL, RESOLUTION_INVALID_DID, NULL},
	{"did:web:example.com", "versionId=0", RESOLUTION_OK, "did:web:example.com"},
	{"did:web:example.com", "", RESOLUTION_OK, "did:web:example.com"},
	{"did%3Aweb%3Aa.example%3FversionId%3D5", "noCache=true", RESOLUTION_OK, "did:web:a.example"},
	{"did:web:example.com", "versionTime=2026-05-01T18%3A22%3A07Z&expandRelativeUrls=false", RESOLUTION_OK,
	 "did:web:example.com"},
	{"did:web:example.com", "accept=application%2Fdid", RESOLUTION_OK, "did:web:example.com"},
	{"did:pkh:eip155:1:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb", NULL, RESOLUTION_OK,
	 "did:pkh:eip155:1:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb"},
	/* R14 */
	{"", NULL, RESOLUTION_INVALID_DID, NULL},
	{"not-a-did", NULL, RESOLUTION_INVALID_DID, NULL},
	{"did:example", NULL, RESOLUTION_INVALID_DID, NULL},
	{"did:unsupported:123456789abcdefghi", NULL, RESOLUTION_METHOD_NOT_SUPPORTED, NULL},
	{"did:unsupported:1", "what=ever", RESOLUTION_METHOD_NOT_SUPPORTED, NULL},
	{"did%3Aweb%3Aa%00", NULL, RESOLUTION_INVALID_DID, NULL},
	{"did%3Aweb%3Aa%", NULL, RESOLUTION_INVALID_DID, NULL},
	{"did:web:a b", NULL, RESOLUTION_INVALID_DID, NULL},
	/* the DID is right, the rest of the URL is not */
	{"did:web:a.example/[", NULL, RESOLUTION_INVALID_DID_URL, NULL},
	{"did:web:a.example", "x=^", RESOLUTION_INVALID_DID_URL, NULL},
	{"did:web:a.example/x", NULL, RESOLUTION_NOT_FOUND, NULL},
	{"did%3Aweb%3Aa.example%23owner", NULL, RESOLUTION_FEATURE_NOT_SUPPORTED, NULL},
	/* R11 to R13 */
	{"did:web:a.example", "service=a2a", RESOLUTION_FEATURE_NOT_SUPPORTED, NULL},
	{"did:web:a.example", "versionId=abc&service=a2a", RESOLUTION_FEATURE_NOT_SUPPORTED, NULL},
	{"did:web:a.example", "VersionId=1", RESOLUTION_FEATURE_NOT_SUPPORTED, NULL},
	{"did:web:a.example", "versionId=", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "versionId=-1", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "versionId=18446744073709551616", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "versionId=18446744073709551615", RESOLUTION_OK, "did:web:a.example"},
	{"did:web:a.example", "versionId=1&versionId=1", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did%3Aweb%3Aa.example%3FversionId%3D5", "versionId=5", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "noCache=1", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "noCache", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "expandRelativeUrls=yes", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "accept=", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "noCache=true&", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "versionTime=2026-02-29T00:00:00Z", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:pkh:eip155:1:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb", "versionId=1", RESOLUTION_FEATURE_NOT_SUPPORTED,
	 NULL},
};

static void requests_are_read_in_the_order_of_the_algorithm(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const struct request_case *r = &requests[i];
		char detail[RESOLUTION_DETAIL_SIZE];
		struct resolution_request request;
		enum resolution_code code = resolution_request_parse(&request, detail, r->path, strlen(r->path),
								     r->query, r->query ? strlen(r->query) : 0);

		if (code != r->code || (code == RESOLUTION_OK) != (detail[0] == '\0'))
			fail_msg("%s ? %s: %s %s", r->path, r->query, resolution_error(code)->name, detail);
		if (r->did)
			assert_true(did_slice_is(request.url.did, r->did));
	}
}

static void options_are_read(void **state)
{
	const char *query = "versionId=15&noCache=true&expandRelativeUrls=true&accept=application%2Fdid%2Bjson";
	char detail[RESOLUTION_DETAIL_SIZE];
	struct resolution_request request;

	(void)state;
	assert_int_equal(resolution_request_parse(&request, detail, "did:web:a.example", 17, query, strlen(query)),
			 RESOLUTION_OK);
	assert_true(request.options.has_version_id && request.options.no_cache && request.options.expand_relative);
	assert_false(request.options.has_version_time);
	assert_int_equal(request.options.version_id, 15);
	assert_string_equal(request.accept, "application/did+json");
	assert_true(did_slice_is(request.options.accept, "application/did+json"));
	query = "versionTime=1970-01-02T00:00:01Z&noCache=false";
	assert_int_equal(resolution_request_parse(&request, detail, "did:web:a.example", 17, query, strlen(query)),
			 RESOLUTION_OK);
	assert_true(request.options.has_version_time && !request.options.no_cache);
	assert_int_equal(request.options.version_time, 86401);
	assert_int_equal(request.options.accept.len, 0);
}

static void long_requests_are_refused(void **state)
{
	char path[3 * DID_MAX], detail[RESOLUTION_DETAIL_SIZE];
	struct resolution_request request;

	(void)state;
	memset(path, 'a', sizeof(path));
	memcpy(path, "did:web:", 8);
	assert_int_equal(resolution_request_parse(&request, detail, path, DID_MAX, NULL, 0), RESOLUTION_OK);
	assert_int_equal(resolution_request_parse(&request, detail, path, DID_MAX + 1, NULL, 0),
			 RESOLUTION_INVALID_DID);
	assert_int_equal(resolution_request_parse(&request, detail, path, DID_MAX, "", 0), RESOLUTION_INVALID_DID);
	assert_int_equal(resolution_request_parse(&request, detail, path, 100, path, sizeof(path)),
			 RESOLUTION_INVALID_DID);
	memcpy(path, "did%3Aweb%3Aa", 13);
	assert_int_equal(resolution_request_parse(&request, detail, path, sizeof(path), NULL, 0),
			 RESOLUTION_INVALID_DID);
}

static void times(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0},	      {"1970-01-01T00:16:40Z", 1000},
		{"2000-02-29T23:59:59Z", 951868799},  {"2026-11-20T14:38:00Z", 1795185480},
		{"2100-03-01T00:00:00Z", 4107542400}, {"9999-12-31T23:59:59Z", 253402300799},
		{"2024-12-31T23:59:59Z", 1735689599},
	};
	static const char *const refused[] = {"",
					      "1970-01-01",
					      "1970-01-01T00:16:40",
					      "1970-01-01T00:16:40.5Z",
					      "1970-01-01T01:16:40+01:00",
					      "1970-01-01t00:16:40Z",
					      "1970-01-01T00:16:40z",
					      "1970-01-01 00:16:40Z",
					      "1970-13-01T00:00:00Z",
					      "1970-00-01T00:00:00Z",
					      "1970-01-32T00:00:00Z",
					      "1970-01-00T00:00:00Z",
					      "1970-01-01T24:00:00Z",
					      "1970-01-01T00:60:00Z",
					      "1970-01-01T00:00:60Z",
					      "1969-12-31T23:59:59Z",
					      "2100-02-29T00:00:00Z",
					      "+970-01-01T00:00:00Z"};
	char text[21];
	int64_t out;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(resolution_time_parse(&out, cases[i].text, strlen(cases[i].text)), 0);
		assert_int_equal(out, cases[i].seconds);
		assert_int_equal(resolution_time_format(text, out), 0);
		assert_string_equal(text, cases[i].text);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(resolution_time_parse(&out, refused[i], strlen(refused[i])), -EBADMSG);
	assert_int_equal(resolution_time_format(text, -1), -EINVAL);
	assert_int_equal(resolution_time_format(text, 253402300800), -EINVAL);
	/* every day of 600 years there and back */
	for (int64_t day = 0; day < 219146; day++) {
		assert_int_equal(resolution_time_format(text, day * 86400 + 4242), 0);
		assert_int_equal(resolution_time_parse(&out, text, 20), 0);
		assert_int_equal(out, day * 86400 + 4242);
	}
}

static void check_text(json_t *value, const char *expected)
{
	char *text = json_dumps(value, JSON_COMPACT);

	assert_string_equal(text, expected);
	free(text);
	json_decref(value);
}

static void envelopes(void **state)
{
	json_t *document = json_pack("{s:s}", "id", "did:web:a"), *metadata = json_pack("{s:s}", "versionId", "5");
	json_t *gone = json_pack("{s:b}", "deactivated", 1), *warnings = json_pack("[{s:s}]", "code", "x"), *out;

	(void)state;
	assert_int_equal(resolution_envelope(&out, document, metadata, NULL), 0);
	check_text(out, "{\"didDocument\":{\"id\":\"did:web:a\"},\"didResolutionMetadata\":{\"contentType\":"
			"\"application/did\"},"
			"\"didDocumentMetadata\":{\"versionId\":\"5\"}}");
	assert_int_equal(resolution_envelope(&out, document, NULL, warnings), 0);
	check_text(out, "{\"didDocument\":{\"id\":\"did:web:a\"},\"didResolutionMetadata\":{\"contentType\":"
			"\"application/did\","
			"\"warnings\":[{\"code\":\"x\"}]},\"didDocumentMetadata\":{}}");
	assert_int_equal(resolution_envelope(&out, NULL, gone, NULL), 0);
	check_text(out, "{\"didDocument\":null,\"didResolutionMetadata\":{\"contentType\":\"application/did\"},"
			"\"didDocumentMetadata\":{\"deactivated\":true}}");
	assert_int_equal(resolution_envelope(&out, warnings, NULL, NULL), -EINVAL);
	assert_int_equal(resolution_envelope(&out, document, warnings, NULL), -EINVAL);
	assert_int_equal(resolution_envelope(&out, document, NULL, gone), -EINVAL);
	assert_null(out);
	json_decref(document);
	json_decref(metadata);
	json_decref(gone);
	json_decref(warnings);

	assert_int_equal(resolution_error_envelope(&out, RESOLUTION_NOT_FOUND, "No agent 7 there."), 0);
	check_text(out, "{\"didDocument\":null,\"didResolutionMetadata\":{\"contentType\":\"application/"
			"did\",\"error\":{\"type\":"
			"\"https://www.w3.org/ns/did#NOT_FOUND\",\"title\":\"The DID was not found.\",\"detail\":\"No "
			"agent 7 there.\","
			"\"status\":404}},\"didDocumentMetadata\":{}}");
	assert_int_equal(resolution_error_envelope(&out, RESOLUTION_INTERNAL_ERROR, NULL), 0);
	assert_null(json_object_get(json_object_get(json_object_get(out, "didResolutionMetadata"), "error"), "detail"));
	json_decref(out);
	assert_string_equal(resolution_error((enum resolution_code)99)->name, "INTERNAL_ERROR");
	assert_int_equal(resolution_error(RESOLUTION_OK)->status, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(negotiation),
		cmocka_unit_test(types_of_did_json),
		cmocka_unit_test(requests_are_read_in_the_order_of_the_algorithm),
		cmocka_unit_test(options_are_read),
		cmocka_unit_test(long_requests_are_refused),
		cmocka_unit_test(times),
		cmocka_unit_test(envelopes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
