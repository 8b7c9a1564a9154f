/* The resolver over HTTP: what the W3C resolution suite asserts, rewritten; forms, options, DID URLs, headers, and the answer for a DID that was
 * given up. */
#include "gateway/routes/resolve.h"
#include "gateway/runtime/metrics.h"
#include "tests/gateway/routes/index_rig.h"
#include "tests/sql/fixture.h"
#include "tests/sql/index_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AT "/1.0/identifiers/"
#define AGENT "did:web:kedge.example:agent:31337:0"
#define HOST "did:web:kedge.example"
#define PKH "did:pkh:eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb"
#define RESULT "Content-Type: application/did-resolution\r\n"
#define DEREFERENCING "Content-Type: application/did-url-dereferencing\r\n"

static struct rig_reply reply;

/* ---- a DID that was given up, for as long as there are none: what resolve_found() makes of it ---- */

static void get_gone(struct http_request *req)
{
	struct resolving *r = http_state(req, sizeof(*r));
	const char *with = http_param(req, "with");
	struct resolve_found found = {.cache = "public, max-age=60"};

	assert_non_null(r);
	r->req = req;
	r->service = http_user(req);
	(void)resolution_negotiate(&r->accept, http_header(req, "Accept"), RESOLUTION_OFFER_DOCUMENT);
	if (strcmp(with, "metadata") == 0)
		found.metadata = (struct resolution_text){"{\"deactivated\":true,\"versionId\":\"7\"}", 36};
	resolve_found(r, &found);
}

static const struct http_route own[] = {{.method = "GET", .pattern = "/gone/{with}", .handler = get_gone}};

static void given_up(void **state)
{
	struct index_rig *rig = *state;

	index_rig_get(rig, &reply, "/gone/plain", NULL);
	assert_int_equal(rig_status(&reply), 410);
	assert_true(rig_has(&reply, RESULT) && rig_has(&reply, "no-store"));
	assert_string_equal(rig_body(&reply), "{\"didDocument\":null,\"didResolutionMetadata\":{\"contentType\":\"application/did\"},"
					      "\"didDocumentMetadata\":{\"deactivated\":true}}");
	index_rig_get(rig, &reply, "/gone/metadata", "application/did-url-dereferencing");
	assert_int_equal(rig_status(&reply), 410);
	assert_true(rig_has(&reply, DEREFERENCING));
	assert_string_equal(rig_body(&reply), "{\"dereferencingMetadata\":{\"contentType\":\"application/did\"},\"content\":null,\"contentStream\":null,"
					      "\"contentMetadata\":{\"deactivated\":true,\"versionId\":\"7\"}}");
	/* no document to stand alone */
	index_rig_get(rig, &reply, "/gone/plain", "application/did");
	assert_int_equal(rig_status(&reply), 410);
	assert_true(rig_has(&reply, RESULT));
}

/* ---- the suite's assertions ---- */

static const char *const dids[] = {AGENT, HOST, PKH};

static void escape(char *out, const char *text)
{
	for (; *text; text++)
		out += sprintf(out, strchr("%:/?#=&", *text) ? "%%%02X" : "%c", *text);
	*out = '\0';
}

static json_t *get(struct index_rig *rig, const char *target, const char *accept, unsigned status)
{
	json_t *value;

	index_rig_get(rig, &reply, target, accept);
	if (rig_status(&reply) != status)
		fail_msg("%s (%s): %s", target, accept, reply.bytes);
	value = json_loads(rig_body(&reply), JSON_REJECT_DUPLICATES, NULL);
	if (!value)
		fail_msg("%s: no JSON: %s", target, reply.bytes);
	return value;
}

static json_t *get_did(struct index_rig *rig, const char *did_url, const char *accept, unsigned status)
{
	char target[1024];

	snprintf(target, sizeof(target), AT "%s", did_url);
	return get(rig, target, accept, status);
}

static void valid_dids(void **state)
{
	static const char *const bare[] = {"application/did", "application/did+json", "application/did+ld+json", "application/json", "application/ld+json"};

	for (size_t i = 0; i < sizeof(dids) / sizeof(dids[0]); i++) {
		char target[256] = AT, type[64];
		json_auto_t *answer = get_did(*state, dids[i], NULL, 200);
		json_t *document = json_object_get(answer, "didDocument");

		assert_int_equal(json_object_size(answer), 3);
		assert_true(rig_has(&reply, RESULT) && rig_has(&reply, "Vary: Accept\r\n") && rig_has(&reply, "ETag: \""));
		assert_string_equal(index_rig_text(answer, "didResolutionMetadata.contentType"), "application/did");
		assert_true(json_is_object(json_object_get(answer, "didDocumentMetadata")));
		assert_string_equal(index_rig_text(document, "id"), dids[i]);
		/* encoded as a whole */
		escape(target + strlen(AT), dids[i]);
		json_auto_t *again = get(*state, target, "application/did-resolution", 200);

		assert_true(json_equal(json_object_get(again, "didDocument"), document));
		for (size_t j = 0; j < sizeof(bare) / sizeof(bare[0]); j++) {
			json_auto_t *alone = get_did(*state, dids[i], bare[j], 200);

			assert_true(json_equal(alone, document));
			snprintf(type, sizeof(type), "Content-Type: %s\r\n", bare[j]);
			assert_true(rig_has(&reply, type));
		}
		json_auto_t *both = get_did(*state, dids[i], "application/did-resolution,application/did", 200);
		json_auto_t *legacy = get_did(*state, dids[i], "application/ld+json;profile=\"https://w3id.org/did-resolution\"", 200);

		assert_true(json_object_get(both, "didResolutionMetadata") && json_object_get(legacy, "didResolutionMetadata"));
		json_auto_t *dereferenced = get_did(*state, dids[i], "application/did-url-dereferencing", 200);

		assert_true(rig_has(&reply, DEREFERENCING));
		assert_int_equal(json_object_size(dereferenced), 4);
		assert_true(json_equal(json_object_get(dereferenced, "content"), document));
		assert_true(json_equal(json_object_get(dereferenced, "contentStream"), document));
		assert_string_equal(index_rig_text(dereferenced, "dereferencingMetadata.contentType"), "application/did");
		assert_true(json_equal(json_object_get(dereferenced, "contentMetadata"), json_object_get(answer, "didDocumentMetadata")));
	}
}

static void what_it_says_of_itself(void **state)
{
	json_auto_t *methods = get(*state, "/1.0/methods", NULL, 200), *properties = get(*state, "/1.0/properties", NULL, 200);
	json_auto_t *identifiers = get(*state, "/1.0/testIdentifiers", NULL, 200);
	json_t *list, *did;
	const char *method;
	unsigned tried = 0;
	size_t i;

	assert_int_equal(json_array_size(methods), 2);
	assert_string_equal(index_rig_text(properties, "kedge.did"), HOST);
	assert_int_equal(json_object_size(identifiers), 2);
	/* every one of them resolves, and is of a method named */
	json_object_foreach(identifiers, method, list)
	{
		assert_true(strcmp(method, index_rig_text(methods, "0")) == 0 || strcmp(method, index_rig_text(methods, "1")) == 0);
		json_array_foreach(list, i, did)
		{
			json_decref(get_did(*state, json_string_value(did), NULL, 200));
			assert_memory_equal(json_string_value(did) + 4, method, strlen(method));
			tried++;
		}
	}
	assert_int_equal(tried, 7); /* five of pkh, the host, an agent */
	/* every option named is known */
	json_array_foreach(json_object_get(json_object_get(properties, "kedge"), "options"), i, did)
	{
		char target[256];

		snprintf(target, sizeof(target), AT PKH "?%s=%%20", json_string_value(did));
		index_rig_get(*state, &reply, target, NULL);
		assert_int_not_equal(rig_status(&reply), 501);
	}
	index_rig_get(*state, &reply, "/1.0/methods?x=1", NULL);
	assert_int_equal(rig_status(&reply), 400);
}

static void errors_have_metadata(void **state)
{
	static const struct {
		const char *did, *accept, *type;
		unsigned status;
	} rows[] = {
		{"", NULL, "INVALID_DID", 400},
		{"not-a-did", NULL, "INVALID_DID", 400},
		{"did:example", NULL, "INVALID_DID", 400},
		{"did:example", "application/json", "INVALID_DID", 400},
		{"did:unsupported:123456789abcdefghi", NULL, "METHOD_NOT_SUPPORTED", 501},
		{"did:web:kedge.example:agent:31337:1", NULL, "NOT_FOUND", 404},
		{"did:web:kedge.example:agent:31337:01", NULL, "NOT_FOUND", 404},
		{"did:web:kedge.example:agent:31338:0", NULL, "NOT_FOUND", 404},
		{"did:web:kedge.example:nobody:x", NULL, "NOT_FOUND", 404},
		{HOST "?versionId=1", NULL, "FEATURE_NOT_SUPPORTED", 501},
		{PKH "?versionId=1", NULL, "FEATURE_NOT_SUPPORTED", 501},
		{"did:pkh:eip155:1:0xAB16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb", NULL, "INVALID_DID", 400},
		{AGENT "?hl=zQm", NULL, "FEATURE_NOT_SUPPORTED", 501},
		{AGENT "?noCache=maybe", NULL, "INVALID_OPTIONS", 400},
		{AGENT "?noCache=true&noCache=true", NULL, "INVALID_OPTIONS", 400},
		{AGENT "?relativeRef=x", NULL, "INVALID_DID_URL", 400},
		{AGENT "/path", NULL, "NOT_FOUND", 404},
		{AGENT, "text/html", "REPRESENTATION_NOT_SUPPORTED", 406},
		{AGENT, "text/uri-list", "REPRESENTATION_NOT_SUPPORTED", 406},
		{AGENT "?accept=text%2Fhtml", "application/did", "REPRESENTATION_NOT_SUPPORTED", 406},
		{"did:web:127.0.0.1", NULL, "INVALID_DID", 400},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_auto_t *answer = get_did(*state, rows[i].did, rows[i].accept, rows[i].status);
		const json_t *error = json_object_get(json_object_get(answer, "didResolutionMetadata"), "error");
		char type[96];

		snprintf(type, sizeof(type), "https://www.w3.org/ns/did#%s", rows[i].type);
		assert_string_equal(index_rig_text(error, "type"), type);
		assert_int_equal(json_integer_value(json_object_get(error, "status")), rows[i].status);
		assert_true(json_is_string(json_object_get(error, "title")) && json_is_string(json_object_get(error, "detail")));
		assert_true(json_is_null(json_object_get(answer, "didDocument")));
		assert_int_equal(json_object_size(json_object_get(answer, "didDocumentMetadata")), 0);
		assert_true(rig_has(&reply, RESULT) && rig_has(&reply, "no-store") && rig_has(&reply, "Access-Control-Allow-Origin: *\r\n"));
	}
}

/* Of what names a part, whatever else is wrong with it, and whatever Accept said. */
static void errors_of_did_urls_have_theirs(void **state)
{
	static const struct {
		const char *did, *accept, *type;
		unsigned status;
	} rows[] = {
		{AGENT "%23owner?hl=zQm", NULL, "FEATURE_NOT_SUPPORTED", 501},
		{AGENT "%23owner?noCache=maybe", NULL, "INVALID_OPTIONS", 400},
		{AGENT "%23owner?versionId=1000000", "application/did", "NOT_FOUND", 404},
		{AGENT "?service=mcp&hl=zQm", NULL, "FEATURE_NOT_SUPPORTED", 501},
		{AGENT "?hl=zQm&servic%65=mcp", NULL, "FEATURE_NOT_SUPPORTED", 501},
		{"did:web:kedge.example:agent:31337:1%23owner", "text/uri-list", "REPRESENTATION_NOT_SUPPORTED", 406},
		{AGENT "?verificationRelationship=x", NULL, "INVALID_OPTIONS", 400},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_auto_t *answer = get_did(*state, rows[i].did, rows[i].accept, rows[i].status);
		const json_t *error = json_object_get(json_object_get(answer, "dereferencingMetadata"), "error");
		char type[96];

		snprintf(type, sizeof(type), "https://www.w3.org/ns/did#%s", rows[i].type);
		assert_string_equal(index_rig_text(error, "type"), type);
		assert_true(rig_has(&reply, "Content-Type: application/did-url-dereferencing\r\n"));
		assert_true(json_is_null(json_object_get(answer, "content")));
	}
}

/* Names of options and their words may be percent-encoded, as all of a query may be. */
static void options_are_decoded(void **state)
{
	json_auto_t *plain = get_did(*state, AGENT "?versionId=15", NULL, 200), *encoded = get_did(*state, AGENT "?version%49d=%31%35", NULL, 200);
	json_auto_t *twice = get_did(*state, AGENT "?noCache=true&no%43ache=true", NULL, 400);
	json_auto_t *many = get_did(*state, AGENT "?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", NULL, 400);

	assert_true(json_equal(plain, encoded));
	assert_non_null(strstr(index_rig_text(json_object_get(json_object_get(many, "didResolutionMetadata"), "error"), "detail"), "16"));
	/* of a name that decodes to no text the answer is one all the same: get_did() reads it */
	json_decref(get_did(*state, "did%3Aweb%3Akedge.example%3Aagent%3A31337%3A0%3Fa%25FF=1", NULL, 501));
	json_decref(get_did(*state, AGENT "?noCache=t%72ue", NULL, 200));
	assert_true(rig_has(&reply, "no-store"));
	assert_non_null(twice);
}

/* ---- DID URLs ---- */

/* Services of a registration file, at both heads. */
static void add_services(struct index_rig *rig)
{
	static const char body[] = "{\"type\":\"https://eips.ethereum.org/EIPS/eip-8004#registration-v1\",\"name\":\"Alice\",\"services\":["
				   "{\"name\":\"files\",\"endpoint\":\"https://files.example/of/alice/\"},{\"name\":\"A2A\",\"endpoint\":\"https://a.example/card\"}]}";
	char sql[2048];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO file (registry, agent_id, uri, at, seen, status, content, body, name, back) SELECT 1, decode(repeat('00', 32), 'hex'),"
		 " sha256('\\xff00'), 1000, (extract(epoch FROM now()) * 1000)::bigint, 'ok', sha256(b), b, 'Alice', false FROM (SELECT convert_to('%s', 'UTF8') b) x",
		 body);
	(void)fixture_sql(rig->conninfo, sql);
	index_rig_heads(rig, INDEX_ROWS_TIP, 37, INDEX_ROWS_FINAL);
}

static void parts(void **state)
{
	struct index_rig *rig = *state;

	json_auto_t *owner = get_did(rig, AGENT "%23owner", NULL, 200);

	assert_true(rig_has(&reply, DEREFERENCING));
	assert_string_equal(index_rig_text(owner, "content.id"), AGENT "#owner");
	assert_string_equal(index_rig_text(owner, "content.@context.0"), "https://www.w3.org/ns/did/v1");
	assert_true(json_equal(json_object_get(owner, "content"), json_object_get(owner, "contentStream")));
	assert_int_equal(json_object_size(json_object_get(owner, "contentMetadata")), 0);
	json_auto_t *alone = get_did(rig, AGENT "%23owner", "application/did", 200);

	assert_true(rig_has(&reply, "Content-Type: application/did\r\n") && rig_has(&reply, "Vary: Accept\r\n"));
	assert_true(json_equal(alone, json_object_get(owner, "content")));
	/* as of then, and encoded as a whole */
	json_auto_t *then = get(rig, AT "did%3Aweb%3Akedge.example%3Aagent%3A31337%3A0%3FversionId%3D12%23agent-wallet", NULL, 200);

	assert_string_equal(index_rig_text(then, "content.blockchainAccountId"), "eip155:31337:0x0A0A0a0a0a0a0a0A0a0a0A0a0A0A0A0a0a0a0a0a");
	json_decref(get_did(rig, AGENT "%23owner?versionId=12&verificationRelationship=authentication", NULL, 200));
	json_decref(get_did(rig, HOST "%23log", "application/json", 200));
	json_decref(get_did(rig, PKH "%23blockchainAccountId", NULL, 200));
}

static void parts_that_are_not_there(void **state)
{
	static const struct {
		const char *url, *type;
		unsigned status;
	} rows[] = {
		{AGENT "%23nobody", "https://www.w3.org/ns/did#NOT_FOUND", 404},
		{AGENT "?service=nothing", "https://www.w3.org/ns/did#NOT_FOUND", 404},
		{AGENT "%23agent-wallet?verificationRelationship=authentication&versionId=12",
		 "https://w3id.org/security#INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD", 500},
		{AGENT "%23nobody?verificationRelationship=authentication", "https://w3id.org/security#INVALID_VERIFICATION_METHOD", 500},
		{AGENT "?verificationRelationship=authentication", "https://w3id.org/security#INVALID_VERIFICATION_METHOD", 500},
		{AGENT "%23owner?versionId=11", "https://www.w3.org/ns/did#NOT_FOUND", 404},
		{HOST "?service=log&relativeRef=x", "https://www.w3.org/ns/did#NOT_FOUND", 404}, /* its endpoint is a map */
		{HOST "?service=resolver&relativeRef=..", "https://www.w3.org/ns/did#INVALID_DID_URL", 400},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_auto_t *answer = get_did(*state, rows[i].url, "application/did-url-dereferencing", rows[i].status);

		assert_string_equal(index_rig_text(answer, "dereferencingMetadata.error.type"), rows[i].type);
		assert_true(json_is_null(json_object_get(answer, "content")) && json_is_null(json_object_get(answer, "contentStream")));
		assert_int_equal(json_object_size(json_object_get(answer, "contentMetadata")), 0);
		assert_true(rig_has(&reply, DEREFERENCING) && rig_has(&reply, "no-store"));
	}
}

static void see_other(struct index_rig *rig, const char *url, const char *accept, const char *location)
{
	char target[256], header[256];

	snprintf(target, sizeof(target), AT "%s", url);
	snprintf(header, sizeof(header), "\r\nLocation: %s\r\n", location);
	index_rig_get(rig, &reply, target, accept);
	if (rig_status(&reply) != 303 || !rig_has(&reply, header))
		fail_msg("%s: %s", target, reply.bytes);
	assert_string_equal(rig_body(&reply), "");
	assert_true(rig_has(&reply, "Content-Length: 0\r\n") && rig_has(&reply, "Vary: Accept\r\n"));
}

static void services(void **state)
{
	struct index_rig *rig = *state;

	add_services(rig);
	json_auto_t *all = get_did(rig, AGENT, NULL, 200);
	json_auto_t *one = get_did(rig, AGENT "?service=files", NULL, 200);

	assert_int_equal(json_array_size(json_object_get(json_object_get(all, "didDocument"), "service")), 2);
	assert_int_equal(json_array_size(json_object_get(json_object_get(one, "content"), "service")), 1);
	assert_string_equal(index_rig_text(one, "content.service.0.id"), AGENT "#files");
	assert_string_equal(index_rig_text(one, "content.id"), AGENT);
	assert_string_equal(index_rig_text(one, "contentMetadata.versionId"), "36");
	json_auto_t *alone = get_did(rig,
					      "did%3Aweb%3Akedge.example%3Aagent%3A31337%3A0"
					      "?serviceType=https%3A%2F%2Feips.ethereum.org%2FEIPS%2Feip-8004%23A2A&relativeRef=x",
					      "application/did", 200);

	assert_string_equal(index_rig_text(alone, "service.0.id"), AGENT "#a2a");
	see_other(rig, AGENT "?service=files", "text/uri-list", "https://files.example/of/alice/");
	see_other(rig, AGENT "?service=files&relativeRef=some%2Fpath%3Fquery%23part", "text/uri-list", "https://files.example/of/alice/some/path?query#part");
	/* the suite asks for 303 whatever it says it takes */
	see_other(rig, AGENT "?service=files&relativeRef=resume.pdf", "application/did-url-dereferencing", "https://files.example/of/alice/resume.pdf");
	see_other(rig, "did%3Aweb%3Akedge.example%3Aagent%3A31337%3A0%3Fservice%3Dfiles%26relativeRef%3Dresume.pdf%23page", NULL,
		  "https://files.example/of/alice/resume.pdf#page");
	json_decref(get_did(rig, AGENT "?service=files&relativeRef=..%2Fbob%2F", "text/uri-list", 400));
	json_decref(get_did(rig, AGENT "?service=files&relativeRef=%252E%252E%252Fbob", "text/uri-list", 400));
	json_decref(get_did(rig, AGENT "?service=files&relativeRef=%2F%2Fevil.example%2F", "text/uri-list", 400));
	json_decref(get_did(rig, AGENT "?service=files", "text/html", 406));
	see_other(rig, HOST "?service=resolver&relativeRef=.%2Fdid:web:a.example", "text/uri-list", "https://kedge.example/1.0/identifiers/did:web:a.example");
	(void)fixture_sql(rig->conninfo, "DELETE FROM file");
}

/* ---- POST ---- */

static json_t *post(struct index_rig *rig, const char *did_url, const char *headers, const char *body, unsigned status)
{
	char target[512];
	json_t *value;

	snprintf(target, sizeof(target), AT "%s", did_url);
	index_rig_ask(rig, &reply, "POST", target, headers, body);
	if (rig_status(&reply) != status)
		fail_msg("%s %s: %s", target, body, reply.bytes);
	value = json_loads(rig_body(&reply), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(value);
	return value;
}

static void options_as_json(void **state)
{
	static const char json[] = "Content-Type: application/json\r\n";
	struct index_rig *rig = *state;
	json_auto_t *then = get_did(rig, AGENT "?versionId=12", NULL, 200);
	json_auto_t *posted = post(rig, AGENT, json, "{\"versionId\":\"12\"}", 200);

	assert_true(json_equal(then, posted));
	assert_true(rig_has(&reply, RESULT) && rig_has(&reply, "Cache-Control: no-store\r\n"));
	assert_true(rig_has(&reply, "Access-Control-Allow-Origin: *\r\n"));
	json_auto_t *typeless = post(rig, AGENT "?versionId=12", NULL, "{\"noCache\":true}", 200);

	assert_true(json_equal(then, typeless));
	json_decref(post(rig, AGENT, NULL, "", 200));
	json_decref(post(rig, "did%3Aweb%3Akedge.example", "Accept: application/did\r\n", "{}", 200));
	json_auto_t *bare = post(rig, AGENT "%23owner", json, "{\"accept\":\"application/json\",\"verificationRelationship\":\"authentication\"}", 200);

	assert_string_equal(index_rig_text(bare, "id"), AGENT "#owner");
	json_decref(post(rig, AGENT, json, "{\"option1\":\"value1\"}", 501));
	json_decref(post(rig, AGENT, json, "{\"versionId\":12}", 400));
	json_decref(post(rig, AGENT, json, "{", 400));
	json_decref(post(rig, AGENT "?versionId=12", json, "{\"versionId\":\"12\"}", 400));
	json_decref(post(rig, AGENT, "Content-Type: text/plain\r\n", "{}", 400));
	json_decref(post(rig, "not-a-did", json, "{}", 400));
	assert_true(rig_has(&reply, "Access-Control-Allow-Origin: *\r\n"));
}

static void other_origins_may_ask(void **state)
{
	struct index_rig *rig = *state;

	index_rig_ask(rig, &reply, "OPTIONS", AT AGENT,
		      "Origin: https://x.example\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n", NULL);
	assert_int_equal(rig_status(&reply), 204);
	assert_true(rig_has(&reply, "Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n") ||
		    rig_has(&reply, "Access-Control-Allow-Methods: POST, GET, HEAD, OPTIONS\r\n"));
	assert_true(rig_has(&reply, "Access-Control-Allow-Headers: Accept, Content-Type, If-None-Match"));
	assert_true(rig_has(&reply, "Access-Control-Allow-Origin: *\r\n"));
	index_rig_ask(rig, &reply, "OPTIONS", "/agent/31337/0/did.json", "Origin: https://x.example\r\nAccess-Control-Request-Method: GET\r\n", NULL);
	assert_int_equal(rig_status(&reply), 204);
	assert_true(rig_has(&reply, "Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n"));
}

/* ---- caches ---- */

static const char *header(const char *name)
{
	static char value[256];
	const char *at = strstr(reply.bytes, name);

	assert_non_null(at);
	at += strlen(name);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
	return value;
}

static void caches(void **state)
{
	static const char *const targets[] = {AT AGENT, AT AGENT "?versionId=12", AT AGENT "%23owner", AT HOST, AT PKH, "/agent/31337/0/did.json"};
	struct index_rig *rig = *state;
	char condition[300];

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		index_rig_get(rig, &reply, targets[i], NULL);
		snprintf(condition, sizeof(condition), "If-None-Match: %s\r\n", header("ETag: "));
		index_rig_ask(rig, &reply, "GET", targets[i], condition, NULL);
		assert_int_equal(rig_status(&reply), 304);
		assert_true(rig_has(&reply, "Vary: Accept\r\n") && rig_has(&reply, "Cache-Control: public"));
		index_rig_ask(rig, &reply, "GET", targets[i], "Accept: application/did+json\r\n", NULL);
		assert_int_equal(rig_status(&reply), 200);
	}
	/* lines of one name are one list */
	index_rig_ask(rig, &reply, "GET", AT AGENT, "Accept: text/html\r\naccept: image/png, application/did\r\n", NULL);
	assert_int_equal(rig_status(&reply), 200);
	assert_string_equal(header("Content-Type: "), "application/did");
	/* block 12 was at 1024 s; when a link or a service was last taken back, the present document does not know */
	index_rig_get(rig, &reply, AT AGENT, NULL);
	assert_false(rig_has(&reply, "Last-Modified"));
	assert_string_equal(header("Cache-Control: "), "public, max-age=2, must-revalidate");
	index_rig_get(rig, &reply, "/agent/31337/0/did.json", NULL);
	assert_false(rig_has(&reply, "Last-Modified"));
	index_rig_get(rig, &reply, AT AGENT "?versionId=15", "application/did");
	assert_string_equal(header("Last-Modified: "), "Thu, 01 Jan 1970 00:17:04 GMT");
	assert_string_equal(header("Cache-Control: "), "public, max-age=3600");
	index_rig_get(rig, &reply, AT PKH, NULL);
	assert_string_equal(header("Cache-Control: "), "public, max-age=86400");
	assert_false(rig_has(&reply, "Last-Modified"));
	index_rig_get(rig, &reply, AT AGENT "?noCache=true", NULL);
	assert_string_equal(header("Cache-Control: "), "no-store");
	index_rig_get(rig, &reply, AT AGENT "?noCache=false", NULL);
	assert_string_equal(header("Cache-Control: "), "public, max-age=2, must-revalidate");
}

/* A ready answer is the one that would be made, of each type its own; another than the heads' is none, nor is one that was forgotten. */
static void ready_answers(void **state)
{
	static const char *const accepts[] = {NULL, "application/did-url-dereferencing", "application/did", "application/json"};
	struct index_rig *rig = *state;
	struct rig_reply *first = malloc(sizeof(*first));

	assert_non_null(first);
	for (size_t i = 0; i < sizeof(accepts) / sizeof(accepts[0]); i++) {
		index_rig_get(rig, first, AT AGENT, accepts[i]);
		index_rig_get(rig, &reply, AT "did%3Aweb%3Akedge.example%3Aagent%3A31337%3A0", accepts[i]);
		assert_string_equal(rig_body(&reply), rig_body(first));
		index_rig_get(rig, &reply, AT AGENT "?noCache=true", accepts[i]);
		assert_string_equal(rig_body(&reply), rig_body(first));
	}
	index_rig_get(rig, first, AT AGENT, NULL);
	index_rig_heads(rig, INDEX_ROWS_TIP, 37, INDEX_ROWS_FINAL);
	index_rig_get(rig, &reply, AT AGENT, NULL);
	assert_string_not_equal(rig_body(&reply), rig_body(first));
	free(first);
}

/* Reads of the index that this process has counted. */
static uint64_t reads(void)
{
	return metrics_read(metrics_attached(), METRIC_AGENT_READS_INDEX);
}

/* They cost no statement for as long as they are good. A machine that stands still for two seconds gets another try. */
static void ready_answers_ask_nobody(void **state)
{
	struct index_rig *rig = *state;
	struct metrics *metrics;
	unsigned tries = 0;
	uint64_t before;

	assert_int_equal(metrics_new(&metrics, 1), 0);
	assert_int_equal(metrics_attach(metrics, 0), 0);
	do {
		index_rig_get(rig, &reply, AT AGENT, NULL);
		before = reads();
		index_rig_get(rig, &reply, AT AGENT, NULL);
	} while (reads() != before && ++tries < 20);
	assert_true(tries < 20);
	documents_forget_all(rig->service.documents);
	index_rig_get(rig, &reply, AT AGENT, NULL);
	assert_int_equal(reads(), before + 1);
	index_rig_get(rig, &reply, AT AGENT "?noCache=true", NULL);
	assert_int_equal(reads(), before + 2);
}

static int open_rig(void **state)
{
	static struct index_rig rig;

	index_rig_open_with(&rig, own, 1);
	*state = &rig;
	return 0;
}

static int close_rig(void **state)
{
	index_rig_close(*state);
	return 0;
}

static int heads_as_before(void **state)
{
	index_rig_heads(*state, INDEX_ROWS_TIP, INDEX_ROWS_SAFE, INDEX_ROWS_FINAL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(given_up),
		cmocka_unit_test(valid_dids),
		cmocka_unit_test(what_it_says_of_itself),
		cmocka_unit_test(errors_have_metadata), cmocka_unit_test(errors_of_did_urls_have_theirs), cmocka_unit_test(options_are_decoded),
		cmocka_unit_test(parts),
		cmocka_unit_test(parts_that_are_not_there),
		cmocka_unit_test_teardown(services, heads_as_before),
		cmocka_unit_test(options_as_json),
		cmocka_unit_test(other_origins_may_ask),
		cmocka_unit_test(caches),
		cmocka_unit_test_teardown(ready_answers, heads_as_before),
		cmocka_unit_test(ready_answers_ask_nobody),
	};

	return cmocka_run_group_tests(tests, open_rig, close_rig);
}
