/* Handles, participant DIDs, and the messages that change a participant: the independent program's vectors both ways, and every
 * refusal as a change in a good message. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/participant_statement.h"

static json_t *vectors;
static struct agent_defaults agents;
static uint64_t chains[2];
static struct participant_terms terms = {.agents = &agents, .chains = chains, .nchains = 2};

static const char *text(const json_t *object, const char *name)
{
	const char *found = json_string_value(json_object_get(object, name));

	if (!found)
		fail_msg("no %s", name);
	return found;
}

static int setup(void **state)
{
	(void)state;
	vectors = json_load_file(KEDGE_VECTORS "/participants.json", 0, NULL);
	if (!vectors)
		return -1;
	agents.host = text(vectors, "host");
	agents.chain = (uint64_t)json_integer_value(json_object_get(vectors, "chain"));
	for (size_t i = 0; i < 2; i++)
		chains[i] = (uint64_t)json_integer_value(json_array_get(json_object_get(vectors, "chains"), i));
	return address_parse(&agents.registry, text(vectors, "registry"), ADDRESS_TEXT_SIZE - 1);
}

static int teardown(void **state)
{
	(void)state;
	json_decref(vectors);
	return 0;
}

/* ---- handles ---- */

static void handles_are_folded_or_refused(void **state)
{
	static const struct {
		const char *text, *handle; /* NULL: refused */
	} cases[] = {
		{"alice", "alice"}, {"ALICE_-9", "alice_-9"}, {"a-b", "a-b"}, {"---", "---"}, {"Abcdefghijklmnopqrst", "abcdefghijklmnopqrst"},
		{"", NULL}, {"ab", NULL}, {"abcdefghijklmnopqrstu", NULL}, {"a b", NULL}, {"a.b", NULL}, {"a%41b", NULL}, {"a/b", NULL}, {"a:b", NULL},
		{"al\xc3\xad" "ce", NULL}, {"abc\n", NULL}, {"abc\x7f", NULL},
	};
	char handle[PARTICIPANT_HANDLE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = participant_handle_fold(handle, cases[i].text, strlen(cases[i].text));

		if ((rc == 0) != (cases[i].handle != NULL) || (rc == 0 && strcmp(handle, cases[i].handle) != 0))
			fail_msg("%s", cases[i].text);
	}
	assert_int_equal(participant_handle_fold(handle, "ab\0", 3), -EBADMSG);
	assert_true(participant_handle_reserved("admin"));
	assert_true(participant_handle_reserved("well-known"));
	assert_true(participant_handle_reserved("prepare"));
	assert_false(participant_handle_reserved("alice"));
	assert_false(participant_handle_reserved("admins"));
}

static void dids_have_one_spelling(void **state)
{
	static const struct {
		const char *did;
		int rc;
	} cases[] = {
		{"did:web:localhost%3A8004:character:alice", 0},
		{"did:web:localhost%3A8004:character:Alice", -EILSEQ},
		{"did:web:localhost%3A8004:character:al", -EBADMSG},
		{"did:web:localhost%3A8004:character:", -EBADMSG},
		{"did:web:localhost%3A8004:character:alice:x", -EBADMSG},
		{"did:web:localhost%3A8004:character:alice#key", -EBADMSG},
		{"did:web:localhost%3a8004:character:alice", -ENOENT},
		{"did:web:localhost:character:alice", -ENOENT},
		{"did:web:localhost%3A8004:Character:alice", -ENOENT},
		{"did:web:localhost%3A8004:agent:alice", -ENOENT},
		{"did:web:localhost%3A8004", -ENOENT},
		{"did:pkh:eip155:1:alice", -ENOENT},
		{"", -ENOENT},
	};
	char handle[PARTICIPANT_HANDLE_SIZE], did[PARTICIPANT_DID_SIZE];
	json_t *one;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(vectors, "handles"), i, one)
	{
		assert_true(participant_did_format(did, text(one, "handle"), agents.host) > 0);
		assert_string_equal(did, text(one, "did"));
		assert_int_equal(participant_did_parse(handle, did, strlen(did), agents.host), 0);
		assert_string_equal(handle, text(one, "handle"));
	}
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (participant_did_parse(handle, cases[i].did, strlen(cases[i].did), agents.host) != cases[i].rc)
			fail_msg("%s", cases[i].did);
	assert_int_equal(participant_did_parse(handle, cases[1].did, strlen(cases[1].did), agents.host), -EILSEQ);
	assert_string_equal(handle, "alice");
	assert_int_equal(participant_did_format(did, "alice", "127.0.0.1"), -EBADMSG);
}

/* ---- messages ---- */

static void time_of(struct participant_time *out, const char *spelt)
{
	assert_int_equal(siwe_time_parse(&out->ms, (struct did_slice){spelt, strlen(spelt)}), 0);
	out->fraction = strlen(spelt) == 24;
}

static void statement_of(struct participant_statement *out, const json_t *one)
{
	const char *object = json_string_value(json_object_get(one, "object"));

	memset(out, 0, sizeof(*out));
	assert_int_equal(participant_verb_parse(&out->verb, text(one, "verb"), strlen(text(one, "verb"))), 0);
	(void)snprintf(out->handle, sizeof(out->handle), "%s", text(one, "handle"));
	if (object)
		assert_int_equal(participant_object_parse(&out->object, object, strlen(object), &terms), 0);
	out->controller = json_is_true(json_object_get(one, "controller"));
	out->account.chain = (uint64_t)json_integer_value(json_object_get(one, "chain"));
	assert_int_equal(address_parse(&out->account.address, text(one, "address"), ADDRESS_TEXT_SIZE - 1), 0);
	(void)snprintf(out->nonce, sizeof(out->nonce), "%s", text(one, "nonce"));
	time_of(&out->issued, text(one, "issuedAt"));
	time_of(&out->expires, text(one, "expirationTime"));
}

static void assert_same(const struct participant_statement *a, const struct participant_statement *b)
{
	assert_int_equal(a->verb, b->verb);
	assert_string_equal(a->handle, b->handle);
	assert_int_equal(a->object.kind, b->object.kind);
	assert_string_equal(a->object.text, b->object.text);
	assert_int_equal(a->controller, b->controller);
	assert_int_equal(a->account.chain, b->account.chain);
	assert_memory_equal(a->account.address.bytes, b->account.address.bytes, 20);
	assert_string_equal(a->nonce, b->nonce);
	assert_int_equal(a->issued.ms, b->issued.ms);
	assert_int_equal(a->issued.fraction, b->issued.fraction);
	assert_int_equal(a->expires.ms, b->expires.ms);
	assert_int_equal(a->expires.fraction, b->expires.fraction);
}

static void every_change_has_one_message(void **state)
{
	struct participant_statement said, read;
	enum participant_fault fault;
	char out[SIWE_MESSAGE_MAX];
	enum siwe_part part;
	json_t *one;
	size_t i, len;

	(void)state;
	json_array_foreach(json_object_get(vectors, "statements"), i, one)
	{
		const char *message = text(one, "message");

		statement_of(&said, one);
		assert_int_equal(participant_statement_format(out, &len, sizeof(out), &said, &terms), 0);
		if (len != strlen(message) || memcmp(out, message, len) != 0)
			fail_msg("%zu:\n%.*s\n---\n%s", i, (int)len, out, message);
		assert_int_equal(participant_statement_format(out, &len, len - 1, &said, &terms), -ENOSPC);
		if (participant_statement_read(&read, &fault, &part, message, strlen(message), &terms) != 0)
			fail_msg("%zu: %s (%s)", i, participant_fault_word(fault), siwe_part_name(part));
		assert_int_equal(fault, PARTICIPANT_FINE);
		assert_same(&read, &said);
	}
	assert_true(i >= 16);
}

static const char *message_of(const char *verb, const char *with)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(vectors, "statements"), i, one) if (strcmp(text(one, "verb"), verb) == 0 &&
									      strstr(text(one, "message"), with)) return text(one, "message");
	fail_msg("no vector %s %s", verb, with);
	return NULL;
}

/* A change in the first message of a verb that holds `with`. */
static const struct {
	const char *verb, *with, *from, *to;
	enum participant_fault fault;
} refused[] = {
	{"claim", "", "wants you", "asks you", PARTICIPANT_NOT_A_MESSAGE},
	{"claim", "", "Version: 1", "Version: 2", PARTICIPANT_NOT_A_MESSAGE},
	{"claim", "", "localhost:8004 wants", "localhost wants", PARTICIPANT_WRONG_DOMAIN},
	{"claim", "", "localhost:8004 wants", "localhost:80 wants", PARTICIPANT_WRONG_DOMAIN},
	{"claim", "", "localhost:8004 wants", "evil.example wants", PARTICIPANT_WRONG_DOMAIN},
	{"claim", "", "localhost:8004 wants", "a@localhost:8004 wants", PARTICIPANT_WRONG_DOMAIN},
	{"claim", "", "localhost:8004 wants", "LOCALHOST:8004 wants", PARTICIPANT_WRONG_DOMAIN},
	{"claim", "", "localhost:8004 wants", "http://localhost:8004 wants", PARTICIPANT_WRONG_DOMAIN},
	{"claim", "", "URI: did:web:localhost%3A8004", "URI: did:web:example.com", PARTICIPANT_WRONG_URI},
	{"claim", "", "URI: did:web:localhost%3A8004:character:alice", "URI: https://localhost:8004/character/alice", PARTICIPANT_WRONG_URI},
	{"claim", "", "%3A8004:character", "%3a8004:character", PARTICIPANT_WRONG_URI},
	{"claim", "", ":character:alice", ":agent:alice", PARTICIPANT_WRONG_URI},
	{"claim", "", ":character:alice", ":character:al", PARTICIPANT_BAD_HANDLE},
	{"claim", "", ":character:alice", ":character:alice.b", PARTICIPANT_BAD_HANDLE},
	{"claim", "", ":character:alice", ":character:alice:b", PARTICIPANT_BAD_HANDLE},
	{"claim", "", ":character:alice", ":character:Alice", PARTICIPANT_HANDLE_CASE},
	{"claim", "", ":character:alice", ":character:admin", PARTICIPANT_RESERVED_HANDLE},
	{"claim", "", "Chain ID: 31337", "Chain ID: 8453", PARTICIPANT_WRONG_CHAIN},
	{"claim", "", "Chain ID: 31337", "Chain ID: 0", PARTICIPANT_WRONG_CHAIN},
	{"claim", "aZ09", "aZ09aZ09aZ09aZ09", "aZ09aZ09aZ09aZ0", PARTICIPANT_BAD_NONCE},
	{"claim", "bbbb", "Nonce: b", "Nonce: bb", PARTICIPANT_BAD_NONCE},
	{"claim", "", "17:00:00Z", "18:00:00+01:00", PARTICIPANT_BAD_TIME},
	{"claim", "", "17:00:00Z", "17:00:00z", PARTICIPANT_BAD_TIME},
	{"claim", "", "T17:00:00Z", "t17:00:00Z", PARTICIPANT_BAD_TIME},
	{"claim", "", "17:00:00Z", "17:00:00.0Z", PARTICIPANT_BAD_TIME},
	{"claim", "", "17:00:00Z", "17:00:00.0000Z", PARTICIPANT_BAD_TIME},
	{"claim", "", "2026-11-20T17:00:00Z", "2026-11-20T16:59:60Z", PARTICIPANT_NOT_A_MESSAGE},
	{"claim", "", "2026-11-20T17:00:00Z", "2016-12-31T23:59:60Z", PARTICIPANT_BAD_TIME},
	{"claim", "", "2026-11-20T17:00:00Z", "1969-11-20T17:00:00Z", PARTICIPANT_BAD_TIME},
	{"claim", "", "17:10:00Z", "17:10:00.5Z", PARTICIPANT_BAD_TIME},
	{"claim", "", "\nExpiration Time: 2026-11-20T17:10:00Z", "", PARTICIPANT_NO_EXPIRY},
	{"claim", "", "17:10:00Z", "17:00:00Z", PARTICIPANT_BAD_EXPIRY},
	{"claim", "", "17:10:00Z", "16:10:00Z", PARTICIPANT_BAD_EXPIRY},
	{"claim", "", "2026-11-20T17:10:00Z", "2026-11-21T17:00:01Z", PARTICIPANT_BAD_EXPIRY},
	{"claim", "", "17:10:00Z\n", "17:10:00Z\nNot Before: 2026-11-20T17:00:00Z\n", PARTICIPANT_UNEXPECTED_LINE},
	{"claim", "", "17:10:00Z\n", "17:10:00Z\nRequest ID: \n", PARTICIPANT_UNEXPECTED_LINE},
	{"claim", "", "\n- urn:kedge:v1:claim", "", PARTICIPANT_UNKNOWN_VERB},
	{"claim", "", "\nResources:\n- urn:kedge:v1:claim", "", PARTICIPANT_UNKNOWN_VERB},
	{"claim", "", "urn:kedge:v1:claim", "urn:kedge:v1:lapse", PARTICIPANT_UNKNOWN_VERB},
	{"claim", "", "urn:kedge:v1:claim", "urn:kedge:v1:Claim", PARTICIPANT_UNKNOWN_VERB},
	{"claim", "", "urn:kedge:v1:claim", "urn:kedge:v1:", PARTICIPANT_UNKNOWN_VERB},
	{"claim", "", "urn:kedge:v1:claim", "urn:kedge:v2:claim", PARTICIPANT_UNKNOWN_VERB},
	{"claim", "", "urn:kedge:v1:claim", "urn:kedge:v1:erase", PARTICIPANT_TAMPERED},
	{"claim", "", "urn:kedge:v1:claim", "urn:kedge:v1:claim\n- urn:kedge:v1:claim", PARTICIPANT_OBJECT_UNEXPECTED},
	{"claim", "", "urn:kedge:v1:claim", "urn:kedge:v1:claim\n- urn:kedge:v1:role:controller", PARTICIPANT_ROLE_UNEXPECTED},
	{"erase", "", "urn:kedge:v1:erase", "urn:kedge:v1:erase\n- did:web:example.com", PARTICIPANT_OBJECT_UNEXPECTED},
	{"claim", "", "I claim the handle alice", "I claim the handle bob", PARTICIPANT_TAMPERED},
	{"claim", "", "I claim the handle", "I do not claim the handle", PARTICIPANT_TAMPERED},
	{"claim", "", "I claim the handle alice on localhost:8004. This account may act for it.\n", "", PARTICIPANT_TAMPERED},
	{"claim", "", "for it.", "for it. ", PARTICIPANT_TAMPERED},
	{"link", "did:pkh", "I link did:pkh:eip155:31337:0x", "I link did:pkh:eip155:1:0x", PARTICIPANT_TAMPERED},
	{"link", "role:controller", "\n- urn:kedge:v1:role:controller", "", PARTICIPANT_TAMPERED},
	{"link", "role:controller", "role:controller", "role:account", PARTICIPANT_BAD_RESOURCES},
	{"link", "role:controller", "- urn:kedge:v1:role:controller", "- urn:kedge:v1:role:controller\n- urn:kedge:v1:role:controller",
	 PARTICIPANT_BAD_RESOURCES},
	{"link", "I link did:web:example.com with", "\n- did:web:example.com", "\n- did:web:example.com\n- urn:kedge:v1:role:controller", PARTICIPANT_ROLE_UNEXPECTED},
	{"unlink", "did:pkh", "urn:kedge:v1:unlink", "urn:kedge:v1:link", PARTICIPANT_TAMPERED},
	{"profile", "", "\n- urn:kedge:v1:content", "\n- urn:kedge:v1:profile", PARTICIPANT_BAD_OBJECT},
	{"profile", "", "urn:kedge:v1:profile", "urn:kedge:v1:link", PARTICIPANT_BAD_OBJECT},
	{"erase", "", "urn:kedge:v1:erase", "urn:kedge:v1:link", PARTICIPANT_OBJECT_MISSING},
	{"erase", "", "urn:kedge:v1:erase", "urn:kedge:v1:unlink\n- urn:kedge:v1:role:controller", PARTICIPANT_OBJECT_MISSING},
};

static void refusals_have_rules_of_their_own(void **state)
{
	bool seen[PARTICIPANT_FAULTS] = {[PARTICIPANT_FINE] = true, [PARTICIPANT_NOT_YET_VALID] = true, [PARTICIPANT_EXPIRED] = true,
					 /* the last net: no difference is known that none of the others names (fuzz_participant_statement) */
					 [PARTICIPANT_OTHER_SPELLING] = true};
	struct participant_statement read;
	enum participant_fault fault;
	char message[2 * SIWE_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const char *whole = message_of(refused[i].verb, refused[i].with);
		const char *at = strstr(whole, refused[i].from);
		int len;

		if (!at)
			fail_msg("%zu: no %s in %s", i, refused[i].from, whole);
		len = snprintf(message, sizeof(message), "%.*s%s%s", (int)(at - whole), whole, refused[i].to, at + strlen(refused[i].from));
		if (participant_statement_read(&read, &fault, NULL, message, (size_t)len, &terms) != -EBADMSG || fault != refused[i].fault)
			fail_msg("%zu: %s, not %s\n%s", i, participant_fault_word(fault), participant_fault_word(refused[i].fault), message);
		seen[fault] = true;
	}
	for (size_t i = 0; i < PARTICIPANT_FAULTS; i++) {
		if (!seen[i])
			fail_msg("no case of %s", participant_fault_word((enum participant_fault)i));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(participant_fault_word((enum participant_fault)i), participant_fault_word((enum participant_fault)j));
	}
}

/* Objects in place of a good one, each once in a link. */
static const char *const bad_objects[] = {
	"did:pkh:eip155:31337:0x8270b61abbfc59d1ba544c604de0b94ad948b7f6", /* lower case: another DID */
	"did:pkh:eip155:31337:0x8270B61abbFC59D1bA544C604de0b94aD948B7f7",
	"did:pkh:eip155:031337:0x8270B61abbFC59D1bA544C604de0b94aD948B7f6",
	"did:pkh:bip122:000000000019d6689c085ae165831e93:128Lkh3S7CkDTBZ8W7BbpsN3YYizJMp8p6",
	"did:pkh:eip155:31337:0x8270B61abbFC59D1bA544C604de0b94aD948B7f6#blockchainAccountId",
	"did:web:localhost%3A8004",
	"did:web:localhost%3A8004:character:bob",
	"did:web:localhost%3A8004:agent:31337:01",
	"did:web:localhost%3A8004:agent:8453:1",
	"did:web:localhost%3A8004:agent:31337:115792089237316195423570985008687907853269984665640564039457584007913129639936",
	"did:web:localhost",
	"did:web:127.0.0.1",
	"did:web:Example.com",
	"did:web:example.com%3a8443",
	"did:web:example.com%3A0443",
	"did:web:example.com:%C3%A9",
	"did:web:example.com:a%41",
	"did:web:example.com%3A8443:%41",
	"did:web:example.com:",
	"did:web:example.com:..",
	"did:web:example.com?a",
	"did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
	"eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/1",
	"urn:kedge:v1:content:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"urn:kedge:v1:content:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85",
	"urn:kedge:v1:link",
	"https://example.com/",
};

static void objects_of_other_forms_are_refused(void **state)
{
	struct participant_object object;
	char longest[PARTICIPANT_FOREIGN_MAX + 2] = "did:web:example.com:";

	(void)state;
	for (size_t i = 0; i < sizeof(bad_objects) / sizeof(bad_objects[0]); i++)
		if (participant_object_parse(&object, bad_objects[i], strlen(bad_objects[i]), &terms) != -EBADMSG)
			fail_msg("taken: %s", bad_objects[i]);
	memset(longest + strlen(longest), 'a', sizeof(longest) - 1 - strlen(longest));
	assert_int_equal(participant_object_parse(&object, longest, PARTICIPANT_FOREIGN_MAX, &terms), 0);
	assert_int_equal(object.kind, PARTICIPANT_FOREIGN);
	assert_int_equal(participant_object_parse(&object, longest, PARTICIPANT_FOREIGN_MAX + 1, &terms), -EBADMSG);
}

static void what_no_message_can_hold_is_not_written(void **state)
{
	struct participant_statement good, s;
	char out[SIWE_MESSAGE_MAX];
	size_t len;

	(void)state;
	statement_of(&good, json_array_get(json_object_get(vectors, "statements"), 0));
#define REFUSED(change)                                                                                                 \
	do {                                                                                                            \
		s = good;                                                                                               \
		change;                                                                                                 \
		assert_int_equal(participant_statement_format(out, &len, sizeof(out), &s, &terms), -EINVAL);            \
	} while (0)
	REFUSED(s.verb = PARTICIPANT_LAPSE);
	REFUSED(s.verb = PARTICIPANT_LINK);
	REFUSED(s.nonce[15] = '\0');
	REFUSED(s.nonce[3] = '-');
	REFUSED(s.issued.ms = -1000);
	REFUSED(s.issued.ms = 1);
	REFUSED(s.expires.ms = INT64_C(253402300800000));
#undef REFUSED
}

static void messages_have_their_time(void **state)
{
	struct participant_statement s = {.issued = {.ms = 1000000000}, .expires = {.ms = 1000600000}};

	(void)state;
	assert_int_equal(participant_statement_timely(&s, 1000000000), PARTICIPANT_FINE);
	assert_int_equal(participant_statement_timely(&s, 1000000000 - PARTICIPANT_AHEAD_MAX_MS), PARTICIPANT_FINE);
	assert_int_equal(participant_statement_timely(&s, 1000000000 - PARTICIPANT_AHEAD_MAX_MS - 1), PARTICIPANT_NOT_YET_VALID);
	assert_int_equal(participant_statement_timely(&s, 1000599999), PARTICIPANT_FINE);
	assert_int_equal(participant_statement_timely(&s, 1000600000), PARTICIPANT_EXPIRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handles_are_folded_or_refused),
		cmocka_unit_test(dids_have_one_spelling),
		cmocka_unit_test(every_change_has_one_message),
		cmocka_unit_test(refusals_have_rules_of_their_own),
		cmocka_unit_test(objects_of_other_forms_are_refused),
		cmocka_unit_test(what_no_message_can_hold_is_not_written),
		cmocka_unit_test(messages_have_their_time),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
