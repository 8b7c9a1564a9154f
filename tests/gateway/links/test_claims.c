/* What files claim and what documents confirm: one spelling of everything, bounds, and what hostile ones try. */
#include "gateway/links/claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define REGISTRY "0x8004a169fb4a3325136eb29fa0ceb6d2e539a432"
#define EIP55 "0x8004A169FB4a3325136EB29fA0ceB6D2e539a432"
#define OTHER "0x1111111111111111111111111111111111111111"

static struct agent_defaults defaults = {.host = "gate.example:8443", .chain = 8453};
static struct agent_key self = {.chain = 8453};

static int setup(void **state)
{
	(void)state;
	self.id = u256_from_u64(42);
	assert_int_equal(address_parse(&self.registry, REGISTRY, strlen(REGISTRY)), 0);
	defaults.registry = self.registry;
	return 0;
}

/* "KIND OBJECT" of each, with spaces between. */
static const char *claims_text(const char *services, const char *registrations)
{
	static char out[16384];
	struct link_claim claims[LINK_CLAIMS_MAX];
	struct registration_file file;
	char *text = NULL;
	size_t n, len = 0;

	assert_true(asprintf(&text, "{\"name\":\"n\",\"services\":[%s],\"registrations\":[%s]}", services, registrations) > 0);
	assert_int_equal(registration_file_parse(&file, NULL, (const uint8_t *)text, strlen(text)), 0);
	n = link_claims_of_file(claims, &file, &self, &defaults);
	assert_true(n <= LINK_CLAIMS_MAX);
	out[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%d %s", i > 0 ? " " : "", claims[i].kind, claims[i].object);
	registration_file_clear(&file);
	free(text);
	return out;
}

static const char *of_service(const char *name, const char *endpoint)
{
	static char service[4096];

	snprintf(service, sizeof(service), "{\"name\":\"%s\",\"endpoint\":\"%s\"}", name, endpoint);
	return claims_text(service, "");
}

static void every_did_has_its_kind_and_one_spelling(void **state)
{
	static const struct {
		const char *did, *claim;
	} cases[] = {
		{"did:web:other.example", "1 did:web:other.example"},
		{"did:web:Other.EXAMPLE:Users:Ann", "1 did:web:other.example:Users:Ann"},
		{"did:web:other.example%3a8443:x", "1 did:web:other.example%3A8443:x"},
		{"did:web:gate.example", "1 did:web:gate.example"}, /* another port is another host */
		{"did:web:gate.example%3A8443", "4 did:web:gate.example%3A8443"},
		{"did:web:GATE.example%3a8443", "4 did:web:gate.example%3A8443"},
		{"did:web:gate.example%3A8443:character:ann", "4 did:web:gate.example%3A8443:character:ann"},
		{"did:web:gate.example%3A8443:character:Ann", "4 did:web:gate.example%3A8443:character:ann"},
		{"did:web:gate.example%3A8443:agent:8453:7", "2 eip155:8453/erc721:" REGISTRY "/7"},
		{"did:web:gate.EXAMPLE%3a8443:agent:8453:7", "2 eip155:8453/erc721:" REGISTRY "/7"},
		{"did:web:gate.example%3A8443:agent:8453:42", ""}, /* itself */
		{"did:pkh:eip155:1:" REGISTRY, "4 did:pkh:eip155:1:" EIP55},
		{"did:pkh:eip155:1:" EIP55, "4 did:pkh:eip155:1:" EIP55},
		{"did:pkh:solana:x:y", "4 did:pkh:solana:x:y"},
		{"did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "4 did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"},
		/* none */
		{"", ""},
		{"DID:web:other.example", ""},
		{"did:web:", ""},
		{"did:web:localhost", ""},
		{"did:web:127.0.0.1", ""},
		{"did:web:2130706433", ""},
		{"did:web:other.example%40evil.example", ""},
		{"did:web:other.example:..:x", ""},
		{"did:web:other.example:a%2Fb", ""},
		{"did:web:other.example#key", ""},
		{"did:web:other.example/path", ""},
		{"did:web:other.example?versionId=1", ""},
		{" did:web:other.example", ""},
		{"https://other.example", ""},
		{"ann@other.example", ""},
		{"urn:kedge:p:00000000000000000000000000000000", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(of_service("DID", cases[i].did), cases[i].claim);
	assert_string_equal(of_service("did", "did:web:other.example"), "1 did:web:other.example");
	assert_string_equal(of_service("Did", "did:web:other.example"), "1 did:web:other.example");
	assert_string_equal(of_service("DIDs", "did:web:other.example"), "");
	assert_string_equal(of_service("web", "did:web:other.example"), "");
}

static void a_did_of_255_bytes_is_the_longest(void **state)
{
	char did[300], claim[320];

	(void)state;
	memset(did, 'a', sizeof(did));
	memcpy(did, "did:web:other.example:", 22);
	did[255] = '\0';
	snprintf(claim, sizeof(claim), "1 %s", did);
	assert_string_equal(of_service("DID", did), claim);
	did[255] = 'a';
	did[256] = '\0';
	assert_string_equal(of_service("DID", did), "");
	memcpy(did, "did:key:aaaaaaaaaaaaaa", 22);
	assert_string_equal(of_service("DID", did), "");
}

static void registrations_are_claims_of_agents(void **state)
{
#define ENTRY(id, registry) "{\"agentId\":" id ",\"agentRegistry\":\"" registry "\"}"
	(void)state;
	assert_string_equal(claims_text("", ENTRY("42", "eip155:8453:" EIP55)), "");
	assert_string_equal(claims_text("", ENTRY("42", "eip155:1:" EIP55) "," ENTRY("42", "eip155:8453:" OTHER)),
			    "2 eip155:1/erc721:" REGISTRY "/42 2 eip155:8453/erc721:" OTHER "/42");
	/* once, by whichever name */
	assert_string_equal(claims_text("{\"name\":\"DID\",\"endpoint\":\"did:web:gate.example%3A8443:agent:8453:7\"}",
					ENTRY("7", "eip155:8453:" EIP55) "," ENTRY("7", "eip155:8453:" REGISTRY)),
			    "2 eip155:8453/erc721:" REGISTRY "/7");
}

static void no_kind_takes_more_than_its_share(void **state)
{
	char services[8192] = "", registrations[8192] = "";
	const char *text;
	size_t n[5] = {0};

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		size_t len = strlen(services);

		snprintf(services + len, sizeof(services) - len,
			 "%s{\"name\":\"DID\",\"endpoint\":\"did:web:h%u.example\"},{\"name\":\"DID\",\"endpoint\":\"did:key:z%u\"},"
			 "{\"name\":\"DID\",\"endpoint\":\"did:web:h%u.example\"}", i > 0 ? "," : "", i, i, i);
		len = strlen(registrations);
		snprintf(registrations + len, sizeof(registrations) - len, "%s" "{\"agentId\":%u,\"agentRegistry\":\"eip155:1:" EIP55 "\"}",
			 i > 0 ? "," : "", i);
	}
	text = claims_text(services, registrations);
	for (const char *at = text; *at; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : at + strlen(at))
		if (at[1] == ' ')
			n[*at - '0']++;
	assert_int_equal(n[LINK_FOREIGN], LINK_FOREIGN_MAX);
	assert_int_equal(n[LINK_AGENT], LINK_AGENTS_MAX);
	assert_int_equal(n[LINK_OTHER], LINK_OTHERS_MAX);
	assert_non_null(strstr(text, "h0.example"));
	assert_null(strstr(text, "h8.example"));
}

/* ---- confirmations ---- */

static bool confirms(const char *also, const struct link_subject *subject)
{
	json_t *document = json_pack("{s:o?}", "alsoKnownAs", json_loads(also, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
	bool yes = link_confirms(document, subject, &defaults);

	json_decref(document);
	return yes;
}

static void an_agent_is_confirmed_by_either_name(void **state)
{
	static const struct {
		const char *also;
		bool yes;
	} cases[] = {
		{"[\"did:web:gate.example%3A8443:agent:8453:42\"]", true},
		{"[\"did:web:GATE.example%3a8443:agent:8453:42\"]", true},
		{"[\"eip155:8453/erc721:" REGISTRY "/42\"]", true},
		{"[\"eip155:8453/erc721:" EIP55 "/42\"]", true},
		{"[1, null, {}, \"x\", \"eip155:8453/erc721:" EIP55 "/42\"]", true},
		{"[]", false},
		{"null", false},
		{"\"did:web:gate.example%3A8443:agent:8453:42\"", false},
		{"{\"did:web:gate.example%3A8443:agent:8453:42\":1}", false},
		{"[[\"did:web:gate.example%3A8443:agent:8453:42\"]]", false},
		{"[\"did:web:gate.example%3A8443:agent:8453:43\"]", false},
		{"[\"did:web:gate.example%3A8443:agent:8453:042\"]", false},
		{"[\"did:web:gate.example%3A8443:agent:8453:42#x\"]", false},
		{"[\"did:web:gate.example%3A8443:Agent:8453:42\"]", false},
		{"[\"did:web:gate.example:agent:8453:42\"]", false},
		{"[\"did:web:gate.example%3A8443:agent:1:42\"]", false},
		{"[\"did:web:gate.example%3A8443\"]", false},
		{"[\"did:web:evil.example:did:web:gate.example%3A8443:agent:8453:42\"]", false},
		{"[\"eip155:1/erc721:" EIP55 "/42\"]", false},
		{"[\"eip155:8453/erc721:" OTHER "/42\"]", false},
		{"[\"eip155:8453/erc721:" EIP55 "/42 \"]", false},
		{"[\"eip155:8453/erc721:" EIP55 "/4\", \"2\"]", false},
		/* short forms mean something here, not elsewhere */
		{"[\"42\"]", false},
		{"[\"agent:42\"]", false},
		{"[\"erc8004:8453:42\"]", false},
		{"[\"eip155:\"]", false},
		{"[\"eip155:8453/erc721:" EIP55 "/42\\u0000\"]", false},
	};
	const struct link_subject agent = {.agent = self};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (confirms(cases[i].also, &agent) != cases[i].yes)
			fail_msg("%s", cases[i].also);
}

static void a_participant_is_confirmed_to_the_letter(void **state)
{
	const struct link_subject ann = {.did = "did:web:gate.example%3A8443:character:ann"};

	(void)state;
	assert_true(confirms("[\"x\", \"did:web:gate.example%3A8443:character:ann\"]", &ann));
	assert_false(confirms("[\"did:web:gate.example%3A8443:character:Ann\"]", &ann));
	assert_false(confirms("[\"did:web:gate.example%3a8443:character:ann\"]", &ann));
	assert_false(confirms("[\"did:web:gate.example%3A8443:character:anne\"]", &ann));
	assert_false(confirms("[\"did:web:gate.example%3A8443:agent:8453:42\"]", &ann));
	assert_false(confirms("[\"did:web:gate.example%3A8443:character:ann\\u0000\"]", &ann));
}

static void a_list_is_read_to_its_bound(void **state)
{
	const struct link_subject agent = {.agent = self};
	json_t *list = json_array(), *document = json_pack("{s:o}", "alsoKnownAs", list);

	(void)state;
	for (unsigned i = 0; i + 1 < LINK_ALSO_MAX; i++)
		assert_int_equal(json_array_append_new(list, json_string("x")), 0);
	assert_int_equal(json_array_append_new(list, json_string("eip155:8453/erc721:" EIP55 "/42")), 0);
	assert_true(link_confirms(document, &agent, &defaults));
	assert_int_equal(json_array_insert_new(list, 0, json_string("x")), 0);
	assert_false(link_confirms(document, &agent, &defaults));
	json_decref(document);
	assert_false(link_confirms(NULL, &agent, &defaults));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_did_has_its_kind_and_one_spelling),
		cmocka_unit_test(a_did_of_255_bytes_is_the_longest),
		cmocka_unit_test(registrations_are_claims_of_agents),
		cmocka_unit_test(no_kind_takes_more_than_its_share),
		cmocka_unit_test(an_agent_is_confirmed_by_either_name),
		cmocka_unit_test(a_participant_is_confirmed_to_the_letter),
		cmocka_unit_test(a_list_is_read_to_its_bound),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
