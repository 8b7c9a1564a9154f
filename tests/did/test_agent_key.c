/* Every form an agent may be named by, and every one that is not a name. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "did/agent_key.h"

#define REGISTRY "0x8004a169fb4a3325136eb29fa0ceb6d2e539a432"
#define EIP55 "0x8004A169FB4a3325136EB29fA0ceB6D2e539a432"
#define OTHER "0x00000000000000000000000000000000000000ab"
#define MAX_ID "115792089237316195423570985008687907853269984665640564039457584007913129639935"
#define OVER_ID "115792089237316195423570985008687907853269984665640564039457584007913129639936"
#define KEY "eip155:8453/erc721:" REGISTRY "/"

static struct agent_defaults defaults = {.host = "kedge.example:8443", .chain = 8453};

static int set_up(void **state)
{
	(void)state;
	return address_parse(&defaults.registry, REGISTRY, 42);
}

static void forms_become_the_key_text(void **state)
{
	static const struct {
		const char *text;
		const char *key;
	} cases[] = {
		{KEY "42", KEY "42"},
		{"EIP155:8453/ERC721:" EIP55 "/42", KEY "42"},
		{"eip155:8453/erc721:0X8004A169FB4A3325136EB29FA0CEB6D2E539A432/0", KEY "0"},
		{"eip155:0/erc721:" OTHER "/" MAX_ID, "eip155:0/erc721:" OTHER "/" MAX_ID},
		{"eip155:18446744073709551615/erc721:" OTHER "/1", "eip155:18446744073709551615/erc721:" OTHER "/1"},
		{"0", KEY "0"},
		{"42", KEY "42"},
		{MAX_ID, KEY MAX_ID},
		{"agent:0", KEY "0"},
		{"agent:7", KEY "7"},
		{"erc8004:8453:9", KEY "9"},
		{"erc8004:8453:" EIP55 ":9", KEY "9"},
		{"erc8004:10:" OTHER ":9", "eip155:10/erc721:" OTHER "/9"},
		{"did:web:kedge.example%3A8443:agent:8453:42", KEY "42"},
		{"did:web:kedge.example%3A8443:agent:eip155:10:" REGISTRY ":42", "eip155:10/erc721:" REGISTRY "/42"},
		{"did:web:kedge.example%3A8443:agent:eip155:8453:" OTHER ":0", "eip155:8453/erc721:" OTHER "/0"},
	};
	char text[AGENT_KEY_TEXT_SIZE];
	struct agent_key key, again;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (agent_key_from_any(&key, cases[i].text, strlen(cases[i].text), &defaults) != 0)
			fail_msg("%s is refused", cases[i].text);
		assert_int_equal(agent_key_format(text, &key), strlen(cases[i].key));
		assert_string_equal(text, cases[i].key);
		assert_int_equal(agent_key_parse(&again, text, strlen(text)), 0);
		assert_int_equal(agent_key_compare(&key, &again), 0);
	}
}

static void what_is_not_a_name(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{"", -EBADMSG},
		{"x", -EBADMSG},
		{"-1", -EBADMSG},
		{"042", -EBADMSG},
		{"0x2a", -EBADMSG},
		{"4 2", -EBADMSG},
		{"42 ", -EBADMSG},
		{"1e3", -EBADMSG},
		{OVER_ID, -EBADMSG},
		{"agent:", -EBADMSG},
		{"agent:01", -EBADMSG},
		{"agent:8453:1", -EBADMSG},
		{"erc8004:1", -EBADMSG},
		{"erc8004:08453:1", -EBADMSG},
		{"erc8004:8453:", -EBADMSG},
		{"erc8004:8453:" REGISTRY, -EBADMSG},
		{"erc8004:8453:" REGISTRY "0:1", -EBADMSG},
		{"erc8004:8453:" REGISTRY ":1:2", -EBADMSG},
		{"erc8004:10:1", -ENOENT},
		{KEY, -EBADMSG},
		{KEY "01", -EBADMSG},
		{KEY OVER_ID, -EBADMSG},
		{KEY "1/2", -EBADMSG},
		{KEY "1:2", -EBADMSG},
		{"eip155:8453:erc721:" REGISTRY ":1", -EBADMSG},
		{"eip155/8453/erc721/" REGISTRY "/1", -EBADMSG},
		{"eip155:8453/erc1155:" REGISTRY "/1", -EBADMSG},
		{"eip155:08453/erc721:" REGISTRY "/1", -EBADMSG},
		{"eip155:18446744073709551616/erc721:" REGISTRY "/1", -EBADMSG},
		{"eip155:8453/erc721:8004a169fb4a3325136eb29fa0ceb6d2e539a432/1", -EBADMSG},
		{"player-3f2a", -EBADMSG},
		{"0b9f1c62-5c1c-4f43-8f8e-2f9c6a1d7e10", -EBADMSG},
		{"did:web:", -EBADMSG},
		{"did:web:kedge.example%3A8443:agent:8453:42#owner", -EBADMSG},
		{"did:web:kedge.example%3A8443", -ENOENT},
		{"did:web:kedge.example%3a8443:agent:8453:42", -ENOENT},
		{"did:web:Kedge.example%3A8443:agent:8453:42", -ENOENT},
		{"did:web:kedge.example%3A844:agent:8453:42", -ENOENT},
		{"did:web:kedge.example%3A84433:agent:8453:42", -ENOENT},
		{"did:web:other.example:agent:8453:42", -ENOENT},
		{"did:web:kedge.example%3A8443:agent:08453:42", -ENOENT},
		{"did:web:kedge.example%3A8443:agent:8453:042", -ENOENT},
		{"did:web:kedge.example%3A8443:agent:10:42", -ENOENT},
		{"did:web:kedge.example%3A8443:Agent:8453:42", -ENOENT},
		{"did:web:kedge.example%3A8443:character:8453:42", -ENOENT},
		{"did:web:kedge.example%3A8443:agent:8453", -ENOENT},
		{"did:web:kedge.example%3A8443:agent:8453:42:x", -ENOENT},
		{"did:web:kedge.example%3A8443:agent:8453:" OVER_ID, -ENOENT},
		{"did:web:kedge.example%3A8443:agent:eip155:8453:" REGISTRY ":42", -ENOENT},
		{"did:web:kedge.example%3A8443:agent:eip155:10:" EIP55 ":42", -ENOENT},
		{"did:web:kedge.example%3A8443:agent:eip15:10:" REGISTRY ":42", -ENOENT},
		{"did:pkh:eip155:1:" REGISTRY, -ENOENT},
	};
	char long_text[AGENT_INPUT_MAX + 1];
	struct agent_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (agent_key_from_any(&key, cases[i].text, strlen(cases[i].text), &defaults) != cases[i].rc)
			fail_msg("%s", cases[i].text);
	assert_int_equal(agent_key_from_any(&key, "1\0", 2, &defaults), -EBADMSG);
	memset(long_text, '1', sizeof(long_text));
	assert_int_equal(agent_key_from_any(&key, long_text, sizeof(long_text), &defaults), -EBADMSG);
}

static void a_key_text_has_one_spelling(void **state)
{
	static const char *const texts[] = {"EIP155:8453/erc721:" REGISTRY "/1", "eip155:8453/erc721:" EIP55 "/1", "42",
					    "eip155:8453/erc721:0X8004a169fb4a3325136eb29fa0ceb6d2e539a432/1"};
	struct agent_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(agent_key_parse(&key, texts[i], strlen(texts[i])), -EBADMSG);
}

static void dids_are_written_and_read_back(void **state)
{
	static const struct {
		const char *key;
		const char *did;
	} cases[] = {
		{KEY "0", "did:web:kedge.example%3A8443:agent:8453:0"},
		{KEY MAX_ID, "did:web:kedge.example%3A8443:agent:8453:" MAX_ID},
		{"eip155:1/erc721:" REGISTRY "/5", "did:web:kedge.example%3A8443:agent:eip155:1:" REGISTRY ":5"},
		{"eip155:8453/erc721:" OTHER "/5", "did:web:kedge.example%3A8443:agent:eip155:8453:" OTHER ":5"},
	};
	struct agent_defaults bad = {.host = "127.0.0.1", .chain = 1};
	struct agent_key key, again;
	char did[AGENT_DID_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(agent_key_parse(&key, cases[i].key, strlen(cases[i].key)), 0);
		assert_int_equal(agent_did_format(did, &key, &defaults), strlen(cases[i].did));
		assert_string_equal(did, cases[i].did);
		assert_int_equal(agent_did_parse(&again, did, strlen(did), &defaults), 0);
		assert_int_equal(agent_key_compare(&key, &again), 0);
	}
	assert_int_equal(agent_did_format(did, &key, &bad), -EBADMSG);
	assert_int_equal(agent_did_parse(&key, cases[0].did, strlen(cases[0].did), &bad), -ENOENT);
}

static void the_longest_texts_fit(void **state)
{
	struct agent_key key = {.chain = UINT64_MAX};
	struct agent_defaults far = {.chain = 1};
	char host[260], did[AGENT_DID_SIZE], text[AGENT_KEY_TEXT_SIZE];

	(void)state;
	memset(host, 'a', sizeof(host));
	host[63] = host[127] = host[191] = '.';
	memcpy(host + 253, ":65535", 7);
	far.host = host;
	memset(key.id.limb, 0xff, sizeof(key.id.limb));
	assert_in_range(agent_did_format(did, &key, &far), 400, AGENT_DID_SIZE - 1);
	assert_in_range(agent_key_format(text, &key), 150, AGENT_KEY_TEXT_SIZE - 1);
}

static void caip19_in_documents_is_eip55(void **state)
{
	char text[AGENT_KEY_TEXT_SIZE];
	struct agent_key key;

	(void)state;
	assert_int_equal(agent_key_parse(&key, KEY "42", strlen(KEY "42")), 0);
	agent_key_format_caip19(text, &key, NULL);
	assert_string_equal(text, "eip155:8453/erc721:" EIP55 "/42");
}

/* What was worked out before is what would be worked out now. */
static void prepared_texts_are_the_same(void **state)
{
	static const char *const keys[] = {KEY "42", KEY "0", "eip155:1/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/7",
					   "eip155:8453/erc721:0x0000000000000000000000000000000000000001/18446744073709551616"};
	struct agent_defaults prepared = defaults;
	char host[DID_WEB_HOST_DID_SIZE], registry[ADDRESS_TEXT_SIZE];

	(void)state;
	assert_int_equal(did_web_from_host(host, sizeof(host), defaults.host), 0);
	address_format_eip55(registry, &defaults.registry);
	prepared.did = host;
	prepared.registry_text = registry;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char one[AGENT_DID_SIZE], other[AGENT_DID_SIZE];
		struct agent_key key, back;
		int length;

		assert_int_equal(agent_key_parse(&key, keys[i], strlen(keys[i])), 0);
		length = agent_did_format(one, &key, &defaults);
		assert_int_equal(agent_did_format(other, &key, &prepared), length);
		assert_int_equal(length, strlen(one));
		assert_string_equal(one, other);
		assert_int_equal(agent_did_parse(&back, one, (size_t)length, &prepared), 0);
		assert_int_equal(agent_key_compare(&back, &key), 0);
		assert_int_equal(agent_key_format_caip19(one, &key, &prepared), agent_key_format_caip19(other, &key, NULL));
		assert_string_equal(one, other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_become_the_key_text),   cmocka_unit_test(what_is_not_a_name),
		cmocka_unit_test(a_key_text_has_one_spelling), cmocka_unit_test(dids_are_written_and_read_back),
		cmocka_unit_test(the_longest_texts_fit),       cmocka_unit_test(caip19_in_documents_is_eip55),
		cmocka_unit_test(prepared_texts_are_the_same),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
