/* The shared DID vectors (third-party data: read where it is, never copied). Cases of later issues are counted and
 * printed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/did_pkh.h"
#include "did/did_web.h"
#include "did/dereference.h"
#include "did/resolution_request.h"

static json_t *vectors;

static int load(void **state)
{
	(void)state;
	vectors = json_load_file(KEDGE_SHARED_VECTORS "/did-vectors.json", 0, NULL);
	if (!vectors)
		printf("skipped: no third-party vectors\n");
	return 0;
}

static int unload(void **state)
{
	(void)state;
	json_decref(vectors);
	return 0;
}

static enum resolution_code parse(struct resolution_request *out, char detail[static RESOLUTION_DETAIL_SIZE], const char *query)
{
	static char memory[8192];

	*out = (struct resolution_request){.memory = memory, .room = resolution_request_room(17, strlen(query), 0)};
	assert_true(out->room <= sizeof(memory));
	return resolution_request_parse(out, detail, "did:web:a.example", 17, query, strlen(query), NULL, 0);
}

/* A section's array or object; ends the test as skipped where the vectors are absent. */
static json_t *section(const char *name, const char *member)
{
	json_t *found = json_object_get(json_object_get(vectors, name), member);

	if (!vectors)
		skip();
	assert_true(json_array_size(found) + json_object_size(found) > 0);
	return found;
}

static const char *text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void pkh_documents_of_the_draft(void **state)
{
	json_t *documents = section("did_pkh_draft", "documents"), *expected, *made;
	const char *did;

	(void)state;
	json_object_foreach(documents, did, expected)
	{
		char *ours, *theirs;

		if (did_pkh_document(&made, did, strlen(did)) != 0)
			fail_msg("%s is refused", did);
		/* jansson keeps the order of the file: equal texts are equal in order too */
		ours = json_dumps(made, JSON_COMPACT);
		theirs = json_dumps(expected, JSON_COMPACT);
		assert_string_equal(ours, theirs);
		free(ours);
		free(theirs);
		json_decref(made);
	}
	printf("did_pkh_draft: %zu equal\n", json_object_size(documents));
	assert_int_equal(json_object_size(documents), 10);
}

static void eip55(void **state)
{
	json_t *cases = section("eip55", "cases"), *one;
	size_t i;

	(void)state;
	json_array_foreach(cases, i, one)
	{
		char lower[80], checksummed[80], made[DID_PKH_TEXT_SIZE];
		struct eip155_account account;

		snprintf(lower, sizeof(lower), "eip155:1:%s", text(one, "lower"));
		snprintf(checksummed, sizeof(checksummed), "eip155:1:%s", text(one, "checksummed"));
		assert_int_equal(eip155_account_parse(&account, lower, strlen(lower)), 0);
		eip155_account_format(made, &account);
		assert_string_equal(made, checksummed);
		assert_int_equal(eip155_account_parse(&account, checksummed, strlen(checksummed)), 0);
	}
	printf("eip55: %zu\n", json_array_size(cases));
	assert_int_equal(json_array_size(cases), 13);
}

static void check_accounts(const char *list, int caip10_rc, int eip155_rc)
{
	json_t *cases = section("caip10", list), *one;
	struct eip155_account account;
	struct caip10 caip10;
	size_t i;

	json_array_foreach(cases, i, one)
	{
		const char *account_text = json_string_value(one);
		bool eip155 = strncmp(account_text, "eip155:", 7) == 0 || caip10_rc != 0;

		assert_int_equal(caip10_parse(&caip10, account_text, strlen(account_text)), caip10_rc);
		assert_int_equal(eip155_account_parse(&account, account_text, strlen(account_text)),
				 eip155 ? eip155_rc : -EOPNOTSUPP);
	}
	printf("caip10 %s: %zu\n", list, json_array_size(cases));
}

static void caip10(void **state)
{
	(void)state;
	check_accounts("valid", 0, 0);
	check_accounts("eip155_bad_checksum_mixed_case", 0, -EKEYREJECTED);
	check_accounts("eip155_lowercase_accept", 0, 0);
	check_accounts("legacy_reject", -EBADMSG, -EBADMSG);
}

/* All errors there are INVALID_DID; did_pkh_parse says that by -EBADMSG. */
static void pkh_negatives(void **state)
{
	json_t *cases = section("did_pkh_negative", "cases"), *one, *document;
	struct eip155_account account;
	size_t i;

	(void)state;
	json_array_foreach(cases, i, one)
	{
		assert_string_equal(text(one, "error"), "INVALID_DID");
		if (did_pkh_parse(&account, text(one, "did"), strlen(text(one, "did"))) != -EBADMSG)
			fail_msg("%s (%s)", text(one, "did"), text(one, "why"));
		assert_int_equal(did_pkh_document(&document, text(one, "did"), strlen(text(one, "did"))), -EBADMSG);
	}
	printf("did_pkh_negative: %zu\n", json_array_size(cases));
}

static void web_urls(void **state)
{
	json_t *cases = section("did_web_url", "cases"), *one;
	char url[DID_WEB_URL_SIZE];
	struct did_web web;
	size_t i;

	(void)state;
	json_array_foreach(cases, i, one)
	{
		assert_int_equal(did_web_parse(&web, text(one, "did"), strlen(text(one, "did"))), 0);
		assert_int_equal(did_web_url(url, sizeof(url), &web), 0);
		assert_string_equal(url, text(one, "url"));
	}
	printf("did_web_url: %zu\n", json_array_size(cases));
}

static void web_refusals(void **state)
{
	json_t *cases = section("did_web_refuse", "cases"), *one;
	struct did_web web;
	size_t i;

	(void)state;
	json_array_foreach(cases, i, one)
	{
		assert_string_equal(text(one, "error"), "INVALID_DID");
		if (did_web_parse(&web, text(one, "did"), strlen(text(one, "did"))) != -EBADMSG)
			fail_msg("%s (%s)", text(one, "did"), text(one, "why"));
	}
	printf("did_web_refuse: %zu\n", json_array_size(cases));
	assert_int_equal(json_array_size(cases), 25);
}

static void syntax(void **state)
{
	json_t *valid = section("did_syntax", "valid"), *invalid = section("did_syntax", "invalid"), *one;
	struct did_url url;
	size_t i;

	(void)state;
	json_array_foreach(valid, i, one)
		assert_int_equal(did_parse(&url, json_string_value(one), json_string_length(one)), 0);
	json_array_foreach(invalid, i, one) if (did_parse(&url, json_string_value(one), json_string_length(one)) !=
						-EBADMSG) fail_msg("%s is taken", json_string_value(one));
	printf("did_syntax: %zu valid, %zu invalid\n", json_array_size(valid), json_array_size(invalid));
}

static void resolution_errors(void **state)
{
	json_t *http = section("resolution_errors", "http"), *status;
	const char *name, *prefix = text(json_object_get(vectors, "resolution_errors"), "type_prefix");
	unsigned found = 0;

	(void)state;
	json_object_foreach(http, name, status)
	{
		for (int code = RESOLUTION_OK; code <= RESOLUTION_INTERNAL_ERROR; code++) {
			const struct resolution_error *row = resolution_error((enum resolution_code)code);
			char type[128];

			if (strcmp(row->name, name) != 0)
				continue;
			snprintf(type, sizeof(type), "%s%s", prefix, name);
			assert_string_equal(row->type, type);
			assert_int_equal(row->status, json_integer_value(status));
			found++;
		}
	}
	printf("resolution_errors: %u\n", found);
	assert_int_equal(found, json_object_size(http));
}

/* What syntax alone decides; which version answers is for the reader of the chain. */
static void versioning_syntax(void **state)
{
	json_t *cases = section("versioning", "cases"), *one;
	unsigned later = 0;
	size_t i;

	(void)state;
	json_array_foreach(cases, i, one)
	{
		const char *query = text(one, "q"), *error = text(one, "error");
		bool refused = error && strcmp(error, "INVALID_OPTIONS") == 0;
		char detail[RESOLUTION_DETAIL_SIZE];
		struct resolution_request request;
		enum resolution_code code =
			parse(&request, detail, query);

		if (code != (refused ? RESOLUTION_INVALID_OPTIONS : RESOLUTION_OK))
			fail_msg("%s", query);
		later += !refused;
	}
	printf("versioning: %zu read, answers of %u are for a later issue\n", json_array_size(cases), later);
}

static void relative_refs(void **state)
{
	json_t *cases = section("relative_ref", "cases"), *one;
	const char *base = text(json_object_get(vectors, "relative_ref"), "base");
	char document[512];
	size_t i;

	(void)state;
	snprintf(document, sizeof(document),
		 "{\"id\":\"did:web:a.example\",\"service\":[{\"id\":\"did:web:a.example#files\",\"type\":\"F\",\"serviceEndpoint\":\"%s\"}]}", base);
	json_auto_t *parsed = json_loads(document, 0, NULL);

	json_array_foreach(cases, i, one)
	{
		char detail[RESOLUTION_DETAIL_SIZE], query[256], location[DEREFERENCE_URL_SIZE] = "";
		const char *expected = text(one, "location");
		struct resolution_request request;
		enum resolution_code code;

		snprintf(query, sizeof(query), "service=files&relativeRef=%s", text(one, "relativeRef"));
		assert_int_equal(parse(&request, detail, query), RESOLUTION_OK);
		code = dereference_location(location, detail, parsed, &request);
		if (code != (expected ? RESOLUTION_OK : RESOLUTION_INVALID_DID_URL) || (expected && strcmp(location, expected) != 0))
			fail_msg("%s: %s %s", query, resolution_error(code)->name, location);
	}
	printf("relative_ref: %zu\n", json_array_size(cases));
	assert_int_equal(json_array_size(cases), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pkh_documents_of_the_draft),
		cmocka_unit_test(eip55),
		cmocka_unit_test(caip10),
		cmocka_unit_test(pkh_negatives),
		cmocka_unit_test(web_urls),
		cmocka_unit_test(web_refusals),
		cmocka_unit_test(syntax),
		cmocka_unit_test(resolution_errors),
		cmocka_unit_test(versioning_syntax),
		cmocka_unit_test(relative_refs),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
