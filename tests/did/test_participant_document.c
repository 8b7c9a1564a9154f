/* Participants' documents: what the world reads is written out whole; and 8,000 bytes hold whatever the input. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/participant_document.h"

#define TERMS                                                                                                                  \
	"\"@context\":[\"https://www.w3.org/ns/did/v1\",{\"blockchainAccountId\":\"https://w3id.org/security#blockchainAccountId\","  \
	"\"EcdsaSecp256k1RecoveryMethod2020\":\"https://identity.foundation/EcdsaSecp256k1RecoverySignature2020#"                     \
	"EcdsaSecp256k1RecoveryMethod2020\""
#define DID "did:web:kedge.example%3A8443:character:alice"
#define A "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
#define A_LOWER "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
#define B "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
#define PROFILE "{\"schema\":\"coordination-games/enrollment@1.0\",\"season\":1,\"stakeholder_class\":[\"player\",\"\xc3\xa9\"],\"erc8004_id\":2202}"

static struct agent_defaults defaults = {.host = "kedge.example:8443", .chain = 8453};

static struct participant_account account(uint64_t chain, const char *text, bool controller)
{
	struct participant_account out = {.account = {.chain = chain}, .controller = controller};

	assert_int_equal(address_parse(&out.account.address, text, strlen(text)), 0);
	return out;
}

static void check(const struct participant_document *input, const char *expected)
{
	json_t *document, *left_out;
	char *text;

	assert_int_equal(participant_document_build(&document, &left_out, input, &defaults), 0);
	text = json_dumps(document, JSON_COMPACT);
	assert_string_equal(text, expected);
	assert_null(left_out);
	free(text);
	json_decref(document);
}

static void one_account(void **state)
{
	struct participant_account accounts[] = {account(8453, A, true)};
	struct participant_document input = {.handle = "alice", .accounts = accounts, .naccounts = 1};

	(void)state;
	check(&input, "{" TERMS "}],\"id\":\"" DID "\",\"alsoKnownAs\":[\"did:pkh:eip155:8453:" A "\"],\"controller\":\"did:web:kedge.example%3A8443\","
		      "\"verificationMethod\":[{\"id\":\"" DID "#eip155-8453-" A_LOWER
		      "\",\"type\":\"EcdsaSecp256k1RecoveryMethod2020\",\"controller\":\"" DID "\",\"blockchainAccountId\":\"eip155:8453:" A "\"}],"
		      "\"authentication\":[\"" DID "#eip155-8453-" A_LOWER "\"],\"assertionMethod\":[\"" DID "#eip155-8453-" A_LOWER "\"]}");
}

static void all_that_may_be_in_it(void **state)
{
	struct participant_account accounts[] = {account(1, B, false), account(8453, A, true)};
	struct agent_key agents[] = {{.chain = 8453, .id = u256_from_u64(0)}, {.chain = 1, .id = u256_from_u64(7)}};
	const char *foreign[] = {"did:web:example.com:alice"};
	json_t *profile = json_loads(PROFILE, 0, NULL);
	struct participant_document input = {.handle = "alice", .accounts = accounts, .naccounts = 2, .agents = agents, .nagents = 2,
					     .foreign = foreign, .nforeign = 1, .profile = profile};

	(void)state;
	check(&input,
	      "{" TERMS ",\"coordinationGames\":{\"@id\":\"https://cooperation.games/ns#coordinationGames\",\"@type\":\"@json\"}}],\"id\":\"" DID
	      "\",\"alsoKnownAs\":[\"did:pkh:eip155:1:" B "\",\"did:pkh:eip155:8453:" A "\",\"did:web:kedge.example%3A8443:agent:8453:0\","
	      "\"did:web:kedge.example%3A8443:agent:eip155:1:0x0000000000000000000000000000000000000000:7\",\"did:web:example.com:alice\"],"
	      "\"controller\":\"did:web:kedge.example%3A8443\",\"verificationMethod\":[{\"id\":\"" DID "#eip155-8453-" A_LOWER
	      "\",\"type\":\"EcdsaSecp256k1RecoveryMethod2020\",\"controller\":\"" DID "\",\"blockchainAccountId\":\"eip155:8453:" A "\"}],"
	      "\"authentication\":[\"" DID "#eip155-8453-" A_LOWER "\"],\"assertionMethod\":[\"" DID "#eip155-8453-" A_LOWER
	      "\"],\"coordinationGames\":" PROFILE "}");
	json_decref(profile);
	/* an empty profile is none */
	input = (struct participant_document){.handle = "bob", .profile = profile = json_object()};
	check(&input, "{" TERMS "}],\"id\":\"did:web:kedge.example%3A8443:character:bob\",\"controller\":\"did:web:kedge.example%3A8443\"}");
	json_decref(profile);
}

static bool names(const json_t *list, const char *id)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), id) == 0)
			return true;
	return false;
}

/* Everything at its bound, under the longest host there can be and a short one. */
static void never_too_large(void **state)
{
	char host[DID_WEB_HOST_SIZE], text[PARTICIPANT_PROFILE_MAX], foreign[16][256];
	struct participant_account accounts[16];
	const char *dids[16], *hosts[] = {"a.b", host};
	struct agent_key agents[32];
	json_t *profile = json_pack("{s:s}", "schema", "coordination-games/enrollment@1.0"), *document, *left_out;

	(void)state;
	for (size_t i = 0; i < 253; i++)
		host[i] = i % 64 == 63 ? '.' : 'a';
	host[253] = '\0';
	memset(text, 't', 1900);
	text[1900] = '\0';
	json_object_set_new(profile, "season", json_string(text));
	for (size_t i = 0; i < 16; i++) {
		accounts[i] = account(UINT64_MAX - i, A, true);
		memset(foreign[i], 'f', 255);
		memcpy(foreign[i], "did:web:example.com:", 20);
		foreign[i][254] = (char)('a' + i);
		foreign[i][255] = '\0';
		dids[i] = foreign[i];
	}
	for (size_t i = 0; i < 32; i++)
		agents[i] = (struct agent_key){.chain = 8453, .id = u256_from_u64(i)};
	for (size_t i = 0; i < 2; i++) {
		struct agent_defaults where = {.host = hosts[i], .chain = 8453};
		struct participant_document input = {.handle = "abcdefghijklmnopqrst", .accounts = accounts, .naccounts = 16, .agents = agents,
						     .nagents = 32, .foreign = dids, .nforeign = 16, .profile = profile};
		size_t size;

		assert_int_equal(participant_document_build(&document, &left_out, &input, &where), 0);
		size = json_dumpb(document, NULL, 0, JSON_COMPACT);
		assert_true(size <= DID_DOCUMENT_MAX && size > DID_DOCUMENT_MAX - 1600);
		/* the first key and the profile go before all else, and what is not there is named */
		assert_non_null(json_object_get(document, "coordinationGames"));
		assert_true(json_array_size(json_object_get(document, "verificationMethod")) >= 1);
		assert_true(names(left_out, foreign[15]));
		for (size_t j = 0; j < 16; j++)
			assert_int_not_equal(names(left_out, dids[j]), names(json_object_get(document, "alsoKnownAs"), dids[j]));
		assert_int_equal(json_array_size(left_out) + json_array_size(json_object_get(document, "verificationMethod")) +
					 json_array_size(json_object_get(document, "alsoKnownAs")),
				 16 + 16 + 32 + 16);
		json_decref(document);
		json_decref(left_out);
	}
	json_decref(profile);
}

static void hosts_that_are_none_are_refused(void **state)
{
	struct agent_defaults where = {.host = "127.0.0.1"};
	struct participant_document input = {.handle = "alice"};
	json_t *document;

	(void)state;
	assert_int_equal(participant_document_build(&document, NULL, &input, &where), -EINVAL);
	assert_null(document);
}

#define SCHEMA "\"schema\":\"coordination-games/enrollment@1.0\""
static const struct {
	const char *text, *pointer; /* pointer NULL: taken */
} profiles[] = {
	{"{}", NULL},
	{"{" SCHEMA "}", NULL},
	{"{" SCHEMA ",\"season\":0,\"participant_type\":\"human\",\"primary_class\":\"weaver\",\"stakeholder_class\":[],\"erc8004_id\":\"2202\","
	 "\"erc8004_network\":\"base\",\"enrolled_at\":\"2026-05-12\"}", NULL},
	{"[]", ""},
	{"null", ""},
	{"{\"season\":1}", "/schema"},
	{"{\"schema\":\"coordination-games/enrollment@2.0\"}", "/schema"},
	{"{\"schema\":1}", "/schema"},
	{"{" SCHEMA ",\"season\":-1}", "/season"},
	{"{" SCHEMA ",\"season\":1.5}", "/season"},
	{"{" SCHEMA ",\"season\":\"\"}", "/season"},
	{"{" SCHEMA ",\"season\":true}", "/season"},
	{"{" SCHEMA ",\"participant_type\":1}", "/participant_type"},
	{"{" SCHEMA ",\"primary_class\":\"a\\u0007b\"}", "/primary_class"},
	{"{" SCHEMA ",\"primary_class\":\"\\u007f\"}", "/primary_class"},
	{"{" SCHEMA ",\"primary_class\":null}", "/primary_class"},
	{"{" SCHEMA ",\"stakeholder_class\":\"player\"}", "/stakeholder_class"},
	{"{" SCHEMA ",\"stakeholder_class\":[\"a\",[]]}", "/stakeholder_class/1"},
	{"{" SCHEMA ",\"stakeholder_class\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", "/stakeholder_class"},
	{"{" SCHEMA ",\"erc8004_id\":{}}", "/erc8004_id"},
	{"{" SCHEMA ",\"extra\":1}", ""},
};

static void profiles_have_their_form(void **state)
{
	char pointer[PARTICIPANT_POINTER_SIZE], text[8192];
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		json_t *profile = json_loads(profiles[i].text, JSON_DECODE_ANY, NULL);
		int rc = participant_profile_check(pointer, &why, profile);

		if (rc != (profiles[i].pointer ? -EBADMSG : 0) || (profiles[i].pointer && strcmp(pointer, profiles[i].pointer) != 0))
			fail_msg("%s: %d %s", profiles[i].text, rc, pointer);
		json_decref(profile);
	}
	/* 128 characters of four bytes each in sixteen places are too much together; alone they are not */
	for (unsigned n = 1; n <= 16; n++) {
		json_t *profile = json_pack("{s:s, s:[]}", "schema", "coordination-games/enrollment@1.0", "stakeholder_class"), *list;
		size_t len = 0;

		for (unsigned i = 0; i < 128; i++)
			len += (size_t)sprintf(text + len, "\xf0\x9f\x98\x80");
		list = json_object_get(profile, "stakeholder_class");
		for (unsigned i = 0; i < n; i++)
			json_array_append_new(list, json_string(text));
		assert_int_equal(participant_profile_check(pointer, &why, profile), n <= 3 ? 0 : -EOVERFLOW);
		json_decref(profile);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_account),
		cmocka_unit_test(all_that_may_be_in_it),
		cmocka_unit_test(never_too_large),
		cmocka_unit_test(hosts_that_are_none_are_refused),
		cmocka_unit_test(profiles_have_their_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
