/* Registration files as they are met: each drift is read and named, each refusal has its word, and what a file says of others
 * is compared exactly. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/registration_file.h"

#define T "\"type\":\"https://eips.ethereum.org/EIPS/eip-8004#registration-v1\""
#define NAMED T ",\"name\":\"n\",\"description\":\"d\",\"image\":\"i\""
#define REG "\"eip155:8453:0x8004A169FB4a3325136EB29fA0ceB6D2e539a432\""
#define REGLIST "\"registrations\":[{\"agentId\":42,\"agentRegistry\":" REG "}]"
#define BIT(d) (UINT32_C(1) << (d))

static int parse(struct registration_file *file, struct registration_error *err, const char *text)
{
	return registration_file_parse(file, err, (const uint8_t *)text, strlen(text));
}

static struct agent_key key_of(uint64_t chain, uint64_t id)
{
	struct agent_key key = {.chain = chain, .id = u256_from_u64(id)};

	assert_int_equal(address_parse(&key.registry, "0x8004a169fb4a3325136eb29fa0ceb6d2e539a432", 42), 0);
	return key;
}

static void the_specification_s_own_form_has_no_drift(void **state)
{
	struct registration_file file;
	struct agent_key key = key_of(8453, 42), other = key_of(8453, 43), elsewhere = key_of(1, 42);

	(void)state;
	assert_int_equal(parse(&file, NULL,
			       "{" NAMED ",\"services\":[{\"name\":\"A2A\",\"endpoint\":\"https://a.example/.well-known/agent-card.json\","
			       "\"version\":\"0.3.0\"},{\"name\":\"OASF\",\"endpoint\":\"ipfs://x\",\"skills\":[\"a/b\"],\"domains\":[]}],"
			       "\"x402Support\":false,\"active\":true," REGLIST ",\"supportedTrust\":[\"reputation\"]}"),
			 0);
	assert_int_equal(file.drift, 0);
	assert_string_equal(file.name, "n");
	assert_int_equal(file.nservices, 2);
	assert_string_equal(file.services[0].version, "0.3.0");
	assert_null(file.services[1].version);
	assert_true(file.has_active && file.active && file.has_x402 && !file.x402);
	assert_int_equal(file.ntrust, 1);
	assert_true(registration_file_names(&file, &key));
	assert_false(registration_file_names(&file, &other));
	assert_false(registration_file_names(&file, &elsewhere));
	registration_file_clear(&file);
	assert_null(file.root);
}

static void each_drift_is_read_and_named(void **state)
{
	static const struct {
		const char *text;
		uint32_t drift;
		size_t services, registrations, trusts;
	} cases[] = {
		{"\xef\xbb\xbf{" NAMED "," REGLIST "}", BIT(DRIFT_BOM), 0, 1, 0},
		{"{\"name\":\"n\",\"description\":\"\",\"image\":\"\"," REGLIST "}", BIT(DRIFT_TYPE), 0, 1, 0},
		{"{" T "," REGLIST "}", BIT(DRIFT_NO_NAME) | BIT(DRIFT_NO_DESCRIPTION) | BIT(DRIFT_NO_IMAGE), 0, 1, 0},
		{"{" NAMED "," REGLIST ",\"endpoints\":[{\"name\":\"Web\",\"endpoint\":\"x\"}]}", BIT(DRIFT_ENDPOINTS), 1, 1, 0},
		{"{" NAMED "," REGLIST ",\"services\":[{\"name\":\"MCP\"},\"x\",{\"endpoint\":\"x\"},null,{\"name\":7,\"endpoint\":\"x\"}]}",
		 BIT(DRIFT_SERVICE), 0, 1, 0},
		{"{" NAMED "," REGLIST ",\"services\":[{\"name\":\"agentWallet\",\"endpoint\":\"eip155:1:0x0\"}]}",
		 BIT(DRIFT_SERVICE_WALLET), 1, 1, 0},
		{"{" NAMED "," REGLIST ",\"services\":[{\"name\":\"OASF\",\"endpoint\":\"x\",\"skills\":[{\"name\":\"a\",\"id\":1}]}]}",
		 BIT(DRIFT_OASF_OBJECTS), 1, 1, 0},
		{"{" NAMED "," REGLIST ",\"x402support\":true}", BIT(DRIFT_X402_CASE), 0, 1, 0},
		{"{" NAMED "," REGLIST ",\"supportedTrusts\":[\"reputation\"]}", BIT(DRIFT_TRUST_NAME), 0, 1, 1},
		{"{" NAMED "," REGLIST ",\"supportedTrust\":[\"vibes\"]}", BIT(DRIFT_TRUST_VALUE), 0, 1, 1},
		{"{" NAMED "," REGLIST ",\"active\":\"yes\"}", BIT(DRIFT_FLAG), 0, 1, 0},
		{"{" NAMED "}", BIT(DRIFT_NO_REGISTRATIONS), 0, 0, 0},
		{"{" NAMED ",\"registrations\":[]}", BIT(DRIFT_NO_REGISTRATIONS), 0, 0, 0},
		{"{" NAMED ",\"registrations\":[{\"agentId\":null,\"agentRegistry\":" REG "}]}", BIT(DRIFT_REGISTRATION), 0, 0, 0},
		{"{" NAMED ",\"registrations\":[{\"agentId\":1,\"agentRegistry\":\"{chain}:{registry}\"}]}", BIT(DRIFT_REGISTRATION),
		 0, 0, 0},
		{"{" NAMED ",\"registrations\":[{\"agentId\":-1,\"agentRegistry\":" REG "},{\"agentId\":1.5,\"agentRegistry\":" REG
		 "},{\"agentId\":\"0x2a\",\"agentRegistry\":" REG "}]}",
		 BIT(DRIFT_REGISTRATION), 0, 0, 0},
		{"{" NAMED ",\"registrations\":[{\"agentId\":\"14340\",\"agentRegistry\":" REG "}]}", BIT(DRIFT_ID_TEXT), 0, 1, 0},
		{"{" NAMED ",\"registrations\":[{\"agentId\":1,\"agentRegistry\":"
		 "\"eip155:8453:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432\"}]}",
		 BIT(DRIFT_REGISTRY_CASE), 0, 1, 0},
		{"{" NAMED "," REGLIST ",\"updatedAt\":1763600000}", BIT(DRIFT_UPDATED_UNIX), 0, 1, 0},
		{"{" NAMED "," REGLIST ",\"updatedAt\":\"2026-01-01T00:00:00Z\"}", 0, 0, 1, 0},
		{"{" NAMED "," REGLIST ",\"services\":{\"A2A\":\"x\"},\"supportedTrust\":\"reputation\"}", BIT(DRIFT_SHAPE), 0, 1, 0},
		{"{" NAMED "," REGLIST ",\"supportedTrust\":[7]}", BIT(DRIFT_SHAPE), 0, 1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct registration_file file;

		if (parse(&file, NULL, cases[i].text) != 0 || file.drift != cases[i].drift ||
		    file.nservices != cases[i].services || file.nregistrations != cases[i].registrations ||
		    file.ntrust != cases[i].trusts)
			fail_msg("case %zu: drift %#x in place of %#x, %zu services, %zu registrations, %zu trusts", i, file.drift,
				 cases[i].drift, file.nservices, file.nregistrations, file.ntrust);
		registration_file_clear(&file);
	}
}

static void each_refusal_has_its_word(void **state)
{
	static const struct {
		const char *text, *word;
		int rc;
	} cases[] = {
		{"", "not-json", -EBADMSG},
		{"<!doctype html><html></html>", "not-json", -EBADMSG},
		{"{\"name\":\"a\",\"name\":\"b\"}", "not-json", -EBADMSG},
		{"{\"name\":\"a\"} {}", "not-json", -EBADMSG},
		{"{\"name\":\"\\u0000\"}", "not-json", -EBADMSG},
		{"{\"name\":\"\xff\"}", "not-json", -EILSEQ},
		{"{\"name\":\"n\",\"agentId\":9007199254740993}", "not-json", -EBADMSG},
		{"[]", "not-object", -EBADMSG},
		{"\"ipfs://x\"", "not-object", -EBADMSG},
		{"{}", "not-registration", -EBADMSG},
		{"{\"error\":\"not found\"}", "not-registration", -EBADMSG},
		{"{\"name\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", "too-deep", -EOVERFLOW},
	};
	static uint8_t large[REGISTRATION_FILE_MAX + 1];
	struct registration_error err;
	struct registration_file file;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = parse(&file, &err, cases[i].text);

		if (rc != cases[i].rc || strcmp(registration_refusal_word(err.refusal), cases[i].word) != 0)
			fail_msg("case %zu: %d %s", i, rc, registration_refusal_word(err.refusal));
		assert_null(file.root);
	}
	memset(large, ' ', sizeof(large));
	memcpy(large, "{\"name\":\"n\"}", 12);
	assert_int_equal(registration_file_parse(&file, &err, large, REGISTRATION_FILE_MAX), 0);
	registration_file_clear(&file);
	assert_int_equal(registration_file_parse(&file, &err, large, sizeof(large)), -EOVERFLOW);
	assert_int_equal(err.refusal, REGISTRATION_TOO_LARGE);
}

static void lists_have_ends(void **state)
{
	char text[40000];
	size_t len = (size_t)snprintf(text, sizeof(text), "{" NAMED "," REGLIST ",\"services\":[");
	struct registration_file file;

	(void)state;
	for (unsigned i = 0; i < REGISTRATION_FILE_SERVICES + 2; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s{\"name\":\"s\",\"endpoint\":\"x:%u\"}", i ? "," : "", i);
	(void)snprintf(text + len, sizeof(text) - len, "]}");
	assert_int_equal(parse(&file, NULL, text), 0);
	assert_int_equal(file.nservices, REGISTRATION_FILE_SERVICES);
	assert_int_equal(file.drift, BIT(DRIFT_CUT));
	registration_file_clear(&file);
}

/* Minara: one file, two chains. Ethereum 6888 and Sepolia 608. */
static void one_file_may_stand_for_several_chains(void **state)
{
	struct agent_key mainnet = key_of(1, 6888), sepolia = key_of(11155111, 608), crossed = key_of(1, 608);
	struct registration_file file;

	(void)state;
	assert_int_equal(parse(&file, NULL,
			       "{" NAMED ",\"registrations\":[{\"agentId\":608,\"agentRegistry\":"
			       "\"eip155:11155111:0x8004A169FB4a3325136EB29fA0ceB6D2e539a432\"},{\"agentId\":\"6888\",\"agentRegistry\":"
			       "\"EIP155:1:0X8004a169fb4a3325136eb29fa0ceb6d2e539a432\"}]}"),
			 0);
	assert_true(registration_file_names(&file, &mainnet));
	assert_true(registration_file_names(&file, &sepolia));
	assert_false(registration_file_names(&file, &crossed));
	registration_file_clear(&file);
}

static void registries_that_are_none_are_refused(void **state)
{
	static const char *const cases[] = {
		"", "eip155:", "eip155:8453", "eip155:8453:0x8004", "eip155::0x8004a169fb4a3325136eb29fa0ceb6d2e539a432",
		"eip155:08453:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432",
		"eip155:18446744073709551616:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432",
		"eip155:8453:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432:42",
		"eip155:8453:008004a169fb4a3325136eb29fa0ceb6d2e539a432",
		"solana:8453:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432",
		"eip155:8453:0x8004a169fb4a3325136eb29fa0ceb6d2e539a43g",
	};
	struct eth_address registry;
	uint64_t chain;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (registration_registry_parse(&chain, &registry, cases[i], strlen(cases[i])) != -EBADMSG)
			fail_msg("accepted: %s", cases[i]);
}

static void a_domain_s_file_names_the_agent_or_not(void **state)
{
	static const char names[] = "{" REGLIST "}", other[] = "{\"registrations\":[]}", page[] = "<html>";
	struct agent_key key = key_of(8453, 42);

	(void)state;
	assert_int_equal(registration_domain_names((const uint8_t *)names, strlen(names), &key), 0);
	assert_int_equal(registration_domain_names((const uint8_t *)other, strlen(other), &key), -ENOENT);
	assert_int_equal(registration_domain_names((const uint8_t *)page, strlen(page), &key), -EBADMSG);
}

#define SERVICE_TYPE "https://eips.ethereum.org/EIPS/eip-8004#"

static void did_services_are_uris_with_ids_of_their_own(void **state)
{
	static const struct {
		const char *id, *type, *endpoint;
	} expected[] = {
		{"did:web:h#a2a", "A2A", "https://a.example/card.json"},
		{"did:web:h#a2a-2", "a2a", "https://b.example/"},
		{"did:web:h#email", "email", "mailto:a@b.example"},
		{"did:web:h#service", "%E2%98%83", "did:web:x.example"},
		{"did:web:h#service-owner", "owner", "https://c.example"},
		{"did:web:h#my-agent", "%20My%20%20Agent%21", "ipfs://x"},
	};
	struct registration_file file;
	json_t *list;

	(void)state;
	assert_int_equal(parse(&file, NULL,
			       "{" NAMED ",\"services\":["
			       "{\"name\":\"A2A\",\"endpoint\":\"https://a.example/card.json\"},"
			       "{\"name\":\"a2a\",\"endpoint\":\"https://b.example/\"},"
			       "{\"name\":\"ENS\",\"endpoint\":\"vitalik.eth\"},"
			       "{\"name\":\"x\",\"endpoint\":\"https://a b\"},"
			       "{\"name\":\"x\",\"endpoint\":\"javascript:\\u0001\"},"
			       "{\"name\":\"x\",\"endpoint\":\"JavaScript:alert(1)\"},"
			       "{\"name\":\"x\",\"endpoint\":\"data:text/html,x\"},"
			       "{\"name\":\"x\",\"endpoint\":\"file:///etc/passwd\"},"
			       "{\"name\":\"email\",\"endpoint\":\"a@b.example\"},"
			       "{\"name\":\"\xe2\x98\x83\",\"endpoint\":\"did:web:x.example\"},"
			       "{\"name\":\"agentWallet\",\"endpoint\":\"eip155:1:0x0000000000000000000000000000000000000001\"},"
			       "{\"name\":\"owner\",\"endpoint\":\"https://c.example\"},"
			       "{\"name\":\" My  Agent!\",\"endpoint\":\"ipfs://x\"}]}"),
			 0);
	assert_int_equal(registration_file_did_services(&list, &file, "did:web:h"), 0);
	assert_int_equal(json_array_size(list), sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		json_t *item = json_array_get(list, i);

		const char *type = json_string_value(json_object_get(item, "type"));

		assert_string_equal(json_string_value(json_object_get(item, "id")), expected[i].id);
		assert_memory_equal(type, SERVICE_TYPE, strlen(SERVICE_TYPE));
		assert_string_equal(type + strlen(SERVICE_TYPE), expected[i].type);
		assert_string_equal(json_string_value(json_object_get(item, "serviceEndpoint")), expected[i].endpoint);
	}
	json_decref(list);
	registration_file_clear(&file);
}

static void domains_are_those_of_public_https_endpoints(void **state)
{
	char domains[8][DID_WEB_HOST_SIZE];
	struct registration_file file;

	(void)state;
	assert_int_equal(parse(&file, NULL,
			       "{" NAMED ",\"services\":["
			       "{\"name\":\"a\",\"endpoint\":\"https://A.example:8443/x\"},"
			       "{\"name\":\"b\",\"endpoint\":\"https://a.example/y\"},"
			       "{\"name\":\"c\",\"endpoint\":\"http://plain.example/\"},"
			       "{\"name\":\"d\",\"endpoint\":\"https://good.example:x@evil.example/\"},"
			       "{\"name\":\"e\",\"endpoint\":\"https://127.0.0.1/\"},"
			       "{\"name\":\"f\",\"endpoint\":\"https://localhost/\"},"
			       "{\"name\":\"g\",\"endpoint\":\"https://b.example%2f.c.example/\"},"
			       "{\"name\":\"h\",\"endpoint\":\"https://b.example?x\"}]}"),
			 0);
	assert_int_equal(registration_file_domains(domains, 8, &file), 2);
	assert_string_equal(domains[0], "a.example");
	assert_string_equal(domains[1], "b.example");
	assert_int_equal(registration_file_domains(domains, 1, &file), 1);
	registration_file_clear(&file);
}

static void the_summary_is_plain(void **state)
{
	struct registration_file file;
	json_t *summary;
	char *text;

	(void)state;
	assert_int_equal(parse(&file, NULL,
			       "{" T ",\"name\":\"n\",\"services\":[{\"name\":\"web\",\"endpoint\":\"https://a.example\"}]," REGLIST
			       ",\"x402support\":true,\"updatedAt\":7,\"extra\":{\"not\":\"shown\"}}"),
			 0);
	summary = registration_file_summary(&file);
	text = json_dumps(summary, JSON_COMPACT);
	assert_string_equal(
		text,
		"{" T ",\"name\":\"n\",\"services\":[{\"name\":\"web\",\"endpoint\":\"https://a.example\"}],\"x402\":true,"
		"\"supportedTrust\":[],\"registrations\":[{\"agentId\":\"42\",\"agentRegistry\":" REG "}],\"updatedAt\":7,"
		"\"drift\":[\"no-description\",\"no-image\",\"x402-case\",\"updated-unix\"]}");
	free(text);
	json_decref(summary);
	registration_file_clear(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_specification_s_own_form_has_no_drift),
		cmocka_unit_test(each_drift_is_read_and_named),
		cmocka_unit_test(each_refusal_has_its_word),
		cmocka_unit_test(lists_have_ends),
		cmocka_unit_test(one_file_may_stand_for_several_chains),
		cmocka_unit_test(registries_that_are_none_are_refused),
		cmocka_unit_test(a_domain_s_file_names_the_agent_or_not),
		cmocka_unit_test(did_services_are_uris_with_ids_of_their_own),
		cmocka_unit_test(domains_are_those_of_public_https_endpoints),
		cmocka_unit_test(the_summary_is_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
