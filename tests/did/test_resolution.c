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

#include "did/resolution_request.h"

#define LEGACY "application/ld+json;profile=\"https://w3id.org/did-resolution\""

/* What the header chooses of a bare DID, of a DID URL that names a part, and of one that selects services. */
struct accept_case {
	const char *accept;
	const char *type; /* NULL: 406 */
	enum resolution_form form;
};

static void negotiate(const struct accept_case *cases, size_t n, enum resolution_offer offer)
{
	for (size_t i = 0; i < n; i++) {
		struct resolution_accept out = {0};
		enum resolution_code code = resolution_negotiate(&out, cases[i].accept, offer);

		if (code != (cases[i].type ? RESOLUTION_OK : RESOLUTION_REPRESENTATION_NOT_SUPPORTED))
			fail_msg("%s: %d", cases[i].accept, code);
		if (cases[i].type && (strcmp(out.content_type, cases[i].type) != 0 || out.form != cases[i].form))
			fail_msg("%s gives %s", cases[i].accept, out.content_type);
	}
}

static void negotiation(void **state)
{
	static const struct accept_case cases[] = {
		{NULL, RESOLUTION_TYPE, RESOLUTION_RESULT},
		{"", RESOLUTION_TYPE, RESOLUTION_RESULT},
		{"*/*", RESOLUTION_TYPE, RESOLUTION_RESULT},
		{"application/*", RESOLUTION_TYPE, RESOLUTION_RESULT},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", RESOLUTION_TYPE, RESOLUTION_RESULT},
		{"application/did-resolution", RESOLUTION_TYPE, RESOLUTION_RESULT},
		{"Application/DID-Resolution", RESOLUTION_TYPE, RESOLUTION_RESULT},
		{LEGACY, RESOLUTION_TYPE, RESOLUTION_RESULT},
		{"application/ld+json; profile=https://w3id.org/did-resolution", RESOLUTION_TYPE, RESOLUTION_RESULT},
		{"application/did-resolution,application/did", RESOLUTION_TYPE, RESOLUTION_RESULT},
		{"application/did+ld+json, application/did-resolution", RESOLUTION_TYPE, RESOLUTION_RESULT},
		{"application/did-url-dereferencing", RESOLUTION_DEREFERENCING_TYPE, RESOLUTION_DEREFERENCING},
		{"application/did, application/did-url-dereferencing", RESOLUTION_DEREFERENCING_TYPE, RESOLUTION_DEREFERENCING},
		{"application/did-url-dereferencing, */*;q=0.1", RESOLUTION_DEREFERENCING_TYPE, RESOLUTION_DEREFERENCING},
		{"application/did-resolution;q=0, */*", RESOLUTION_DEREFERENCING_TYPE, RESOLUTION_DEREFERENCING},
		{"application/did", "application/did", RESOLUTION_CONTENT},
		{"application/did+json", "application/did+json", RESOLUTION_CONTENT},
		{"application/did+ld+json", "application/did+ld+json", RESOLUTION_CONTENT},
		{"application/json", "application/json", RESOLUTION_CONTENT},
		{"application/json; charset=utf-8", "application/json", RESOLUTION_CONTENT},
		{"application/ld+json", "application/ld+json", RESOLUTION_CONTENT},
		{"application/ld+json;profile=\"x,y;z\"", "application/ld+json", RESOLUTION_CONTENT},
		{"application/did+json, application/did+ld+json", "application/did+json", RESOLUTION_CONTENT},
		{"application/did+ld+json, application/did+json", "application/did+ld+json", RESOLUTION_CONTENT},
		{"application/did;q=0.5, application/json;q=0.9", "application/json", RESOLUTION_CONTENT},
		{"application/json, */*;q=0.5", "application/json", RESOLUTION_CONTENT},
		{"application/json, */*", "application/json", RESOLUTION_CONTENT},
		{"application/did-resolution;q=0.1, application/did;q=0.2", "application/did", RESOLUTION_CONTENT},
		{"text/uri-list", NULL, 0},
		{"text/uri-list, application/did", "application/did", RESOLUTION_CONTENT},
		{"text/html", NULL, 0},
		{"text/*", NULL, 0},
		{"application/did;q=0", NULL, 0},
		{"application/did;q=x", NULL, 0},
		{"application/did;q=1.1", NULL, 0},
		{"application", NULL, 0},
		{"garbage;;;,,,\"", NULL, 0},
		{"*/*;q=0", NULL, 0},
	};
	static const struct accept_case parts[] = {
		{NULL, RESOLUTION_DEREFERENCING_TYPE, RESOLUTION_DEREFERENCING},
		{"*/*", RESOLUTION_DEREFERENCING_TYPE, RESOLUTION_DEREFERENCING},
		{"application/did-resolution", RESOLUTION_DEREFERENCING_TYPE, RESOLUTION_DEREFERENCING},
		{LEGACY, RESOLUTION_DEREFERENCING_TYPE, RESOLUTION_DEREFERENCING},
		{"application/did-url-dereferencing", RESOLUTION_DEREFERENCING_TYPE, RESOLUTION_DEREFERENCING},
		{"application/did", "application/did", RESOLUTION_CONTENT},
		{"application/json", "application/json", RESOLUTION_CONTENT},
		{"text/uri-list", NULL, 0},
		{"text/html", NULL, 0},
	};
	static const struct accept_case services[] = {
		{NULL, RESOLUTION_DEREFERENCING_TYPE, RESOLUTION_DEREFERENCING},
		{"*/*", RESOLUTION_DEREFERENCING_TYPE, RESOLUTION_DEREFERENCING},
		{"text/html, */*;q=0.1", RESOLUTION_DEREFERENCING_TYPE, RESOLUTION_DEREFERENCING},
		{"application/json", "application/json", RESOLUTION_CONTENT},
		{"text/uri-list", "", RESOLUTION_LOCATION},
		{"text/*", "", RESOLUTION_LOCATION},
		{"application/did;q=0.9, text/uri-list", "", RESOLUTION_LOCATION},
		{"text/html", NULL, 0},
	};
	char long_header[2000];

	(void)state;
	negotiate(cases, sizeof(cases) / sizeof(cases[0]), RESOLUTION_OFFER_DOCUMENT);
	negotiate(parts, sizeof(parts) / sizeof(parts[0]), RESOLUTION_OFFER_PART);
	negotiate(services, sizeof(services) / sizeof(services[0]), RESOLUTION_OFFER_SERVICE);
	memset(long_header, ',', sizeof(long_header));
	long_header[sizeof(long_header) - 1] = '\0';
	assert_int_equal(resolution_negotiate(&(struct resolution_accept){0}, long_header, RESOLUTION_OFFER_DOCUMENT),
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
	const char *query, *body;
	enum resolution_code code;
	const char *did; /* of the accepted ones */
};

#define PKH "did:pkh:eip155:1:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb"

static const struct request_case requests[] = {
	{"did:web:example.com", NULL, NULL, RESOLUTION_OK, "did:web:example.com"},
	{"did:web:a.example%3A8443:x", NULL, NULL, RESOLUTION_OK, "did:web:a.example%3A8443:x"},
	{"did%3Aweb%3Aa.example%253A8443%3Ax", NULL, NULL, RESOLUTION_OK, "did:web:a.example%3A8443:x"},
	{"did%3aweb%3aa.example", "versionId=5", NULL, RESOLUTION_OK, "did:web:a.example"},
	{"DID%3Aweb%3Aa.example", NULL, NULL, RESOLUTION_INVALID_DID, NULL},
	{"did:web:example.com", "versionId=0", NULL, RESOLUTION_OK, "did:web:example.com"},
	{"did:web:example.com", "", NULL, RESOLUTION_OK, "did:web:example.com"},
	{"did%3Aweb%3Aa.example%3FversionId%3D5", "noCache=true", NULL, RESOLUTION_OK, "did:web:a.example"},
	{"did:web:example.com", "versionTime=2026-05-01T18%3A22%3A07Z&expandRelativeUrls=false", NULL, RESOLUTION_OK,
	 "did:web:example.com"},
	{"did:web:example.com", "accept=application%2Fdid", NULL, RESOLUTION_OK, "did:web:example.com"},
	{PKH, NULL, NULL, RESOLUTION_OK, PKH},
	/* R14 */
	{"", NULL, NULL, RESOLUTION_INVALID_DID, NULL},
	{"not-a-did", NULL, NULL, RESOLUTION_INVALID_DID, NULL},
	{"did:example", NULL, NULL, RESOLUTION_INVALID_DID, NULL},
	{"did:unsupported:123456789abcdefghi", NULL, NULL, RESOLUTION_METHOD_NOT_SUPPORTED, NULL},
	{"did:unsupported:1", "what=ever", NULL, RESOLUTION_METHOD_NOT_SUPPORTED, NULL},
	{"did:unsupported:1", NULL, "[", RESOLUTION_METHOD_NOT_SUPPORTED, NULL},
	{"did%3Aweb%3Aa%00", NULL, NULL, RESOLUTION_INVALID_DID, NULL},
	{"did%3Aweb%3Aa%", NULL, NULL, RESOLUTION_INVALID_DID, NULL},
	{"did:web:a b", NULL, NULL, RESOLUTION_INVALID_DID, NULL},
	/* the DID is right, the rest of the URL is not */
	{"did:web:a.example/[", NULL, NULL, RESOLUTION_INVALID_DID_URL, NULL},
	{"did:web:a.example", "x=^", NULL, RESOLUTION_INVALID_DID_URL, NULL},
	{"did:web:a.example%23[", NULL, NULL, RESOLUTION_INVALID_DID_URL, NULL},
	{"did:web:a.example/x", NULL, NULL, RESOLUTION_NOT_FOUND, NULL},
	{"did:web:a.example/x", "versionId=x", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	/* DID URLs; nothing behind %23 leaves it in the DID */
	{"did%3Aweb%3Aa.example%23owner", NULL, NULL, RESOLUTION_OK, "did:web:a.example"},
	{"did:web:a.example%23owner", NULL, NULL, RESOLUTION_OK, "did:web:a.example"},
	{"did:web:a.example%23owner", "versionId=3", NULL, RESOLUTION_OK, "did:web:a.example"},
	{"did:web:a.example%23", NULL, NULL, RESOLUTION_OK, "did:web:a.example%23"},
	{"did:web:a.example", "service=a2a", NULL, RESOLUTION_OK, "did:web:a.example"},
	{"did:web:a.example", "serviceType=A&relativeRef=%2Fx", NULL, RESOLUTION_OK, "did:web:a.example"},
	{"did%3Aweb%3Aa.example%3Fservice%3Dfiles%26relativeRef%3D%2Fresume.pdf", NULL, NULL, RESOLUTION_OK, "did:web:a.example"},
	{"did%3Aweb%3Aa.example%23k", "verificationRelationship=assertionMethod", NULL, RESOLUTION_OK, "did:web:a.example"},
	{"did:web:a.example", "relativeRef=x", NULL, RESOLUTION_INVALID_DID_URL, NULL},
	{"did:web:a.example", "service=", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "service", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "serviceType=", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "service=a&relativeRef=", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "service=a&service=b", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "s%65rvice=a&service=b", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "service=%00", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example%23k", "verificationRelationship=service", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example%23k", "verificationRelationship=", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	/* R11 to R13 */
	{"did:web:a.example", "hl=x", NULL, RESOLUTION_FEATURE_NOT_SUPPORTED, NULL},
	{"did:web:a.example", "versionId=abc&transformKey=x", NULL, RESOLUTION_FEATURE_NOT_SUPPORTED, NULL},
	{"did:web:a.example", "VersionId=1", NULL, RESOLUTION_FEATURE_NOT_SUPPORTED, NULL},
	{"did:web:a.example", "versionId=", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "versionId=-1", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "versionId=18446744073709551616", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "versionId=18446744073709551615", NULL, RESOLUTION_OK, "did:web:a.example"},
	{"did:web:a.example", "versionId=1&versionId=1", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did%3Aweb%3Aa.example%3FversionId%3D5", "versionId=5", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "noCache=1", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "noCache", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "expandRelativeUrls=yes", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "accept=", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "noCache=true&", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "versionTime=2026-02-29T00:00:00Z", NULL, RESOLUTION_INVALID_OPTIONS, NULL},
	{PKH, "versionId=1", NULL, RESOLUTION_FEATURE_NOT_SUPPORTED, NULL},
	/* options as JSON */
	{"did:web:a.example", NULL, "{}", RESOLUTION_OK, "did:web:a.example"},
	{"did:web:a.example", NULL, " {\"versionId\":\"5\",\"noCache\":true,\"expandRelativeUrls\":false,\"accept\":\"application/did\"} ",
	 RESOLUTION_OK, "did:web:a.example"},
	{"did:web:a.example%23k", NULL, "{\"verificationRelationship\":\"authentication\"}", RESOLUTION_OK, "did:web:a.example"},
	{"did%3Aweb%3Aa.example", "noCache=true", "{\"versionTime\":\"2026-05-01T18:22:07Z\"}", RESOLUTION_OK, "did:web:a.example"},
	{"did:web:a.example", NULL, "{\"option1\":\"value1\"}", RESOLUTION_FEATURE_NOT_SUPPORTED, NULL},
	{"did:web:a.example", NULL, "{\"versionId\":\"x\",\"option1\":1}", RESOLUTION_FEATURE_NOT_SUPPORTED, NULL},
	{"did:web:a.example", NULL, "{\"versionId\":5}", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", NULL, "{\"versionId\":null}", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", NULL, "{\"versionId\":\"%35\"}", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", NULL, "{\"noCache\":\"true\"}", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", NULL, "{\"noCache\":1}", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", NULL, "{\"accept\":true}", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", NULL, "{\"accept\":[\"application/did\"]}", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", NULL, "{\"accept\":[[\"application/did\"]]}", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", NULL, "{\"noCache\":true,\"noCache\":true}", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "versionId=5", "{\"versionId\":\"5\"}", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", "versionId=5", "{\"versionTime\":\"2026-05-01T18:22:07Z\"}", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", NULL, "[]", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", NULL, "\"versionId\"", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", NULL, "{\"noCache\":true", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", NULL, "versionId=5", RESOLUTION_INVALID_OPTIONS, NULL},
	{"did:web:a.example", NULL, "{\"accept\":\"\xff\"}", RESOLUTION_INVALID_OPTIONS, NULL},
	{PKH, NULL, "{\"versionId\":\"1\"}", RESOLUTION_FEATURE_NOT_SUPPORTED, NULL},
};

static size_t length(const char *text)
{
	return text ? strlen(text) : 0;
}

/* With exactly the memory that is said to be needed, so that the sanitizer sees one byte too many. */
static enum resolution_code parse_n(struct resolution_request *out, char detail[static RESOLUTION_DETAIL_SIZE], const char *path, size_t path_len,
				    const char *query, size_t query_len, const char *body, size_t body_len)
{
	static char *memory;

	free(memory);
	*out = (struct resolution_request){.room = resolution_request_room(path_len, query_len, body_len)};
	out->memory = memory = malloc(out->room);
	assert_non_null(memory);
	return resolution_request_parse(out, detail, path, path_len, query, query_len, body, body_len);
}

static enum resolution_code parse(struct resolution_request *out, char detail[static RESOLUTION_DETAIL_SIZE], const char *path,
				  const char *query, const char *body)
{
	return parse_n(out, detail, path, strlen(path), query, length(query), body, length(body));
}

static void requests_are_read_in_the_order_of_the_algorithm(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const struct request_case *r = &requests[i];
		char detail[RESOLUTION_DETAIL_SIZE];
		struct resolution_request request;
		enum resolution_code code = parse(&request, detail, r->path, r->query, r->body);

		if (code != r->code || (code == RESOLUTION_OK) != (detail[0] == '\0'))
			fail_msg("%s ? %s: %s %s", r->path, r->query, resolution_error(code)->name, detail);
		if (r->did)
			assert_true(did_slice_is(request.url.did, r->did));
	}
}

static void options_are_read(void **state)
{
	char detail[RESOLUTION_DETAIL_SIZE];
	struct resolution_request request;

	(void)state;
	assert_int_equal(parse(&request, detail, "did:web:a.example",
			       "versionId=15&noCache=true&expandRelativeUrls=true&accept=application%2Fdid%2Bjson", NULL),
			 RESOLUTION_OK);
	assert_true(request.options.has_version_id && request.options.no_cache && request.options.expand_relative);
	assert_false(request.options.has_version_time);
	assert_int_equal(request.options.version_id, 15);
	assert_string_equal(request.options.accept, "application/did+json");
	assert_int_equal(resolution_request_offer(&request), RESOLUTION_OFFER_DOCUMENT);
	assert_int_equal(parse(&request, detail, "did:web:a.example", "versionTime=1970-01-02T00:00:01Z&noCache=false", NULL), RESOLUTION_OK);
	assert_true(request.options.has_version_time && !request.options.no_cache);
	assert_int_equal(request.options.version_time, 86401);
	assert_null(request.options.accept);
	assert_int_equal(parse(&request, detail, "did:web:a.example", "versionId=7",
			       "{\"noCache\":true,\"expandRelativeUrls\":true,\"accept\":\"application/json\"}"),
			 RESOLUTION_OK);
	assert_int_equal(request.options.version_id, 7);
	assert_true(request.options.no_cache && request.options.expand_relative);
	assert_string_equal(request.options.accept, "application/json");
}

static void did_urls_are_read(void **state)
{
	char detail[RESOLUTION_DETAIL_SIZE];
	struct resolution_request request;

	(void)state;
	assert_int_equal(parse(&request, detail, "did:web:a.example%23k%20y", "service=fi%6ces&relativeRef=a%252Fb%3Fc&serviceType=T", NULL),
			 RESOLUTION_OK);
	assert_string_equal(request.options.service, "files");
	assert_string_equal(request.options.service_type, "T");
	assert_string_equal(request.options.relative_ref, "a%2Fb?c");
	assert_true(request.url.has_fragment && did_slice_is(request.url.fragment, "k%20y"));
	assert_int_equal(resolution_request_offer(&request), RESOLUTION_OFFER_SERVICE);
	/* encoded as a whole: decoded once, so that the reference is decoded once more as a value of the query */
	assert_int_equal(parse(&request, detail, "did%3Aweb%3Aa.example%3Fservice%3Dfiles%26relativeRef%3D%252Fa%2523b%23k", NULL, NULL),
			 RESOLUTION_OK);
	assert_string_equal(request.options.relative_ref, "/a#b");
	assert_true(did_slice_is(request.url.fragment, "k"));
	assert_int_equal(parse(&request, detail, "did%3Aweb%3Aa.example%23k", "verificationRelationship=keyAgreement", NULL), RESOLUTION_OK);
	assert_string_equal(request.options.relationship, "keyAgreement");
	assert_int_equal(resolution_request_offer(&request), RESOLUTION_OFFER_PART);
	assert_int_equal(parse(&request, detail, "did:web:a.example", "verificationRelationship=keyAgreement", NULL), RESOLUTION_OK);
	assert_int_equal(resolution_request_offer(&request), RESOLUTION_OFFER_PART);
}

static void long_requests_are_refused(void **state)
{
	char path[3 * DID_MAX], detail[RESOLUTION_DETAIL_SIZE], query[RESOLUTION_VALUE_MAX + 16] = "accept=", body[RESOLUTION_BODY_MAX + 2];
	struct resolution_request request;

	(void)state;
	memset(path, 'a', sizeof(path));
	memcpy(path, "did:web:", 8);
	assert_int_equal(parse_n(&request, detail, path, DID_MAX, NULL, 0, NULL, 0), RESOLUTION_OK);
	assert_int_equal(parse_n(&request, detail, path, DID_MAX + 1, NULL, 0, NULL, 0), RESOLUTION_INVALID_DID);
	assert_int_equal(parse_n(&request, detail, path, DID_MAX, "x", 1, NULL, 0), RESOLUTION_INVALID_DID_URL);
	assert_int_equal(parse_n(&request, detail, path, DID_MAX - 1, "x", 1, NULL, 0), RESOLUTION_INVALID_DID_URL);
	assert_int_equal(parse_n(&request, detail, path, 100, path, sizeof(path), NULL, 0), RESOLUTION_INVALID_DID_URL);
	memcpy(path + DID_MAX - 3, "%23aaaaa", 8);
	assert_int_equal(parse_n(&request, detail, path, DID_MAX + 5, NULL, 0, NULL, 0), RESOLUTION_INVALID_DID_URL);
	assert_int_equal(parse_n(&request, detail, path, DID_MAX + 2, NULL, 0, NULL, 0), RESOLUTION_OK);
	memcpy(path, "did%3Aweb%3Aa", 13);
	assert_int_equal(parse_n(&request, detail, path, sizeof(path), NULL, 0, NULL, 0), RESOLUTION_INVALID_DID);
	memset(query + 7, 'a', RESOLUTION_VALUE_MAX + 1);
	assert_int_equal(parse_n(&request, detail, "did%3Aweb%3Aa", 13, query, 7 + RESOLUTION_VALUE_MAX, NULL, 0),
			 RESOLUTION_OK);
	assert_int_equal(parse_n(&request, detail, "did%3Aweb%3Aa", 13, query, 7 + RESOLUTION_VALUE_MAX + 1, NULL, 0),
			 RESOLUTION_INVALID_OPTIONS);
	memset(body, ' ', sizeof(body));
	body[0] = '{';
	body[RESOLUTION_BODY_MAX - 1] = '}';
	assert_int_equal(parse_n(&request, detail, "did:web:a", 9, NULL, 0, body, RESOLUTION_BODY_MAX), RESOLUTION_OK);
	assert_int_equal(parse_n(&request, detail, "did:web:a", 9, NULL, 0, body, RESOLUTION_BODY_MAX + 1),
			 RESOLUTION_INVALID_OPTIONS);
}

/* What a sentence quotes of a stranger's name is cut between characters. */
static void names_are_quoted_whole(void **state)
{
	char detail[RESOLUTION_DETAIL_SIZE], body[] = "{\"ab\xe2\x82\xac\xe2\x82\xac 12345678 12345678 12345678 12345678 12345678 \xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\":1}";
	struct resolution_request request;

	(void)state;
	assert_int_equal(parse(&request, detail, "did:web:a", NULL, body), RESOLUTION_FEATURE_NOT_SUPPORTED);
	assert_non_null(strstr(detail, " \xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\" is"));
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

static struct resolution_text text_of(const char *json)
{
	return (struct resolution_text){json, json ? strlen(json) : 0};
}

static void check_result(enum resolution_form form, const char *content, const char *metadata, const char *warnings, const char *expected)
{
	struct jcs_buffer out = {0};

	assert_int_equal(resolution_write(&out, form, text_of(content), text_of(metadata), text_of(warnings)), 0);
	assert_int_equal(out.len, strlen(expected));
	assert_memory_equal(out.data, expected, out.len);
	jcs_buffer_clear(&out);
}

static void envelopes(void **state)
{
	struct jcs_buffer out = {0}, small = {.data = (char[4]){0}, .cap = 4, .fixed = true};

	(void)state;
	check_result(RESOLUTION_RESULT, "{\"id\":\"did:web:a\"}", "{\"versionId\":\"5\"}", NULL,
		     "{\"didDocument\":{\"id\":\"did:web:a\"},\"didResolutionMetadata\":{\"contentType\":\"application/did\"},"
		     "\"didDocumentMetadata\":{\"versionId\":\"5\"}}");
	check_result(RESOLUTION_RESULT, "{}", NULL, "[{\"code\":\"x\"}]",
		     "{\"didDocument\":{},\"didResolutionMetadata\":{\"contentType\":\"application/did\",\"warnings\":[{\"code\":\"x\"}]},"
		     "\"didDocumentMetadata\":{}}");
	check_result(RESOLUTION_RESULT, NULL, "{\"deactivated\":true}", NULL,
		     "{\"didDocument\":null,\"didResolutionMetadata\":{\"contentType\":\"application/did\"},"
		     "\"didDocumentMetadata\":{\"deactivated\":true}}");
	check_result(RESOLUTION_DEREFERENCING, "{\"id\":\"x\"}", NULL, NULL,
		     "{\"dereferencingMetadata\":{\"contentType\":\"application/did\"},\"content\":{\"id\":\"x\"},"
		     "\"contentStream\":{\"id\":\"x\"},\"contentMetadata\":{}}");
	check_result(RESOLUTION_DEREFERENCING, NULL, "{\"deactivated\":true}", NULL,
		     "{\"dereferencingMetadata\":{\"contentType\":\"application/did\"},\"content\":null,"
		     "\"contentStream\":null,\"contentMetadata\":{\"deactivated\":true}}");
	assert_int_equal(resolution_write(&out, RESOLUTION_CONTENT, text_of("{}"), text_of(NULL), text_of(NULL)), -EINVAL);
	assert_int_equal(resolution_write(&out, RESOLUTION_LOCATION, text_of("{}"), text_of(NULL), text_of(NULL)), -EINVAL);
	assert_int_equal(resolution_write(&small, RESOLUTION_RESULT, text_of("{}"), text_of(NULL), text_of(NULL)), -ENOSPC);
}

static void check_error(enum resolution_form form, enum resolution_code code, const char *detail, const char *expected)
{
	struct jcs_buffer out = {0};

	assert_int_equal(resolution_write_error(&out, form, code, detail), 0);
	assert_int_equal(out.len, strlen(expected));
	assert_memory_equal(out.data, expected, out.len);
	jcs_buffer_clear(&out);
}

static void errors(void **state)
{
	(void)state;
	check_error(RESOLUTION_RESULT, RESOLUTION_NOT_FOUND, "No \"agent\" 7 there.",
		    "{\"didDocument\":null,\"didResolutionMetadata\":{\"contentType\":\"application/did\",\"error\":{\"type\":"
		    "\"https://www.w3.org/ns/did#NOT_FOUND\",\"title\":\"The DID was not found.\",\"detail\":\"No \\\"agent\\\" 7 "
		    "there.\",\"status\":404}},\"didDocumentMetadata\":{}}");
	check_error(RESOLUTION_DEREFERENCING, RESOLUTION_INTERNAL_ERROR, NULL,
		    "{\"dereferencingMetadata\":{\"contentType\":\"application/did\",\"error\":{\"type\":"
		    "\"https://www.w3.org/ns/did#INTERNAL_ERROR\",\"title\":\"An internal error happened.\",\"status\":500}},"
		    "\"content\":null,\"contentStream\":null,\"contentMetadata\":{}}");
	/* whatever Accept said */
	check_error(RESOLUTION_CONTENT, RESOLUTION_INVALID_DID, NULL,
		    "{\"didDocument\":null,\"didResolutionMetadata\":{\"contentType\":\"application/did\",\"error\":{\"type\":"
		    "\"https://www.w3.org/ns/did#INVALID_DID\",\"title\":\"The DID is not valid.\",\"status\":400}},"
		    "\"didDocumentMetadata\":{}}");
	assert_string_equal(resolution_error((enum resolution_code)99)->name, "INTERNAL_ERROR");
	assert_int_equal(resolution_error(RESOLUTION_OK)->status, 200);
	assert_string_equal(resolution_error(RESOLUTION_INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD)->type,
			    "https://w3id.org/security#INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD");
	assert_string_equal(resolution_error(RESOLUTION_INVALID_VERIFICATION_METHOD)->type,
			    "https://w3id.org/security#INVALID_VERIFICATION_METHOD");
	assert_int_equal(resolution_error(RESOLUTION_INVALID_VERIFICATION_METHOD)->status, 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(negotiation),
		cmocka_unit_test(types_of_did_json),
		cmocka_unit_test(requests_are_read_in_the_order_of_the_algorithm),
		cmocka_unit_test(options_are_read),
		cmocka_unit_test(did_urls_are_read),
		cmocka_unit_test(long_requests_are_refused),
		cmocka_unit_test(names_are_quoted_whole),
		cmocka_unit_test(times),
		cmocka_unit_test(envelopes),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
