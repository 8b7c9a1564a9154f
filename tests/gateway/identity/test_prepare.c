/* Wishes: what is refused and with which next step, as data; the bytes held against ethers' (6.17.0) and the recorded
 * vector. */
#include "tests/gateway/identity/prepare_wish.h"

/* ---- refusals as data ---- */

enum {
	NO_CODE = 1,
	ABSENT = 2,
	STRANGERS = 4,
	CONTRACT = 8,
	HAS_WALLET = 16,
	OTHER_OWNER = 32,
};

static const struct refused {
	const char *why;
	enum prepare_verb verb;
	unsigned facts;
	uint64_t deadline;
	const char *signature, *key, *wallet, *to;
	int result;
	const char *rule, *pointer, *detail_word, *next_word;
} REFUSED[] = {
	{"register", PREPARE_REGISTER, 0, 0, NULL, NULL, NULL, NULL, 0, "", "", "", ""},
	{"register with an entry", PREPARE_REGISTER, 0, 0, NULL, "did", NULL, NULL, 0, "", "", "", ""},
	{"register with the reserved key", PREPARE_REGISTER, 0, 0, NULL, "agentWallet", NULL, NULL, -EDOM,
	 "reserved-key", "/metadata", "agentWallet", "verb wallet"},
	{"no contract there", PREPARE_REGISTER, NO_CODE, 0, NULL, NULL, NULL, NULL, -EDOM, "no-registry", "",
	 "no contract at " REGISTRY, "kedge doctor"},
	{"metadata", PREPARE_METADATA, 0, 0, NULL, "did", NULL, NULL, 0, "", "", "", ""},
	{"another case is another key", PREPARE_METADATA, 0, 0, NULL, "agentwallet", NULL, NULL, 0, "", "", "", ""},
	{"the reserved key", PREPARE_METADATA, 0, 0, NULL, "agentWallet", NULL, NULL, -EDOM, "reserved-key", "/key",
	 "agentWallet", "unset-wallet"},
	{"an empty key", PREPARE_METADATA, 0, 0, NULL, "", NULL, NULL, -EDOM, "empty-key", "/key", "empty",
	 "Name the key"},
	{"an unknown agent", PREPARE_URI, ABSENT, 0, NULL, NULL, NULL, NULL, -ENOENT, "unknown-agent", "/agent",
	 "no agent 42 at block 10", "verb register"},
	{"not the owner", PREPARE_URI, STRANGERS, 0, NULL, NULL, NULL, NULL, -EACCES, "not-authorised", "/from", OWNER,
	 "approve"},
	{"not the owner, asked before the signature", PREPARE_WALLET, STRANGERS, DEADLINE, BY_OWNER, NULL, NULL, NULL,
	 -EACCES, "not-authorised", "/from", OWNER, "Send from the owner's account"},
	{"uri", PREPARE_URI, 0, 0, NULL, NULL, NULL, NULL, 0, "", "", "", ""},
	{"wallet, first step", PREPARE_WALLET, 0, 0, NULL, NULL, NULL, NULL, 0, "", "", "", ""},
	{"wallet, own deadline", PREPARE_WALLET, 0, TIME + 300, NULL, NULL, NULL, NULL, 0, "", "", "", ""},
	{"wallet, a deadline now", PREPARE_WALLET, 0, TIME, NULL, NULL, NULL, NULL, 0, "", "", "", ""},
	{"wallet, one second late", PREPARE_WALLET, 0, TIME - 1, NULL, NULL, NULL, NULL, -EDOM, "expired", "/deadline",
	 "1 seconds later", "new deadline"},
	{"wallet, one second too far", PREPARE_WALLET, 0, TIME + 301, NULL, NULL, NULL, NULL, -EDOM, "deadline-too-far",
	 "/deadline", "at most 300", "leave it out"},
	{"wallet, furthest of all", PREPARE_WALLET, 0, UINT64_MAX, NULL, NULL, NULL, NULL, -EDOM, "deadline-too-far",
	 "/deadline", "at most 300", "1700000300"},
	{"signed, expired", PREPARE_WALLET, 0, TIME - 100, BY_WALLET, NULL, NULL, NULL, -EDOM, "expired", "/deadline",
	 "100 seconds later", "for the new wallet to sign"},
	{"signed, too far", PREPARE_WALLET, 0, TIME + 400, BY_WALLET, NULL, NULL, NULL, -EDOM, "deadline-too-far",
	 "/deadline", "400 seconds", "sign again"},
	{"the zero wallet", PREPARE_WALLET, 0, 0, NULL, NULL, "0x0000000000000000000000000000000000000000", NULL, -EDOM,
	 "zero-wallet", "/wallet", "zero address", "unset-wallet"},
	{"the same wallet", PREPARE_WALLET, HAS_WALLET, 0, NULL, NULL, NULL, NULL, -EEXIST, "wallet-already-set",
	 "/wallet", WALLET, "Nothing needs to be done"},
	{"signed by the wallet", PREPARE_WALLET, 0, DEADLINE, BY_WALLET, NULL, NULL, NULL, 0, "", "", "", ""},
	{"signed by the key of an address with code (EIP-7702)", PREPARE_WALLET, CONTRACT, DEADLINE, BY_WALLET, NULL,
	 NULL, NULL, 0, "", "", "", ""},
	{"signed by the owner", PREPARE_WALLET, 0, DEADLINE, BY_OWNER, NULL, NULL, NULL, -EKEYREJECTED, "wrong-signer",
	 "/signature", "made by " OWNER " (the owner), but the new wallet " WALLET, "the owner only sends"},
	{"signed for another deadline", PREPARE_WALLET, 0, DEADLINE + 1, BY_WALLET, NULL, NULL, NULL, -EKEYREJECTED,
	 "wrong-signer", "/signature", WALLET " must sign", "fresh prepare"},
	{"signed under a former owner", PREPARE_WALLET, OTHER_OWNER, DEADLINE, BY_WALLET, NULL, NULL, NULL,
	 -EKEYREJECTED, "wrong-signer", "/signature", "must sign", "former owner"},
	{"high s", PREPARE_WALLET, 0, DEADLINE, HIGH_S, NULL, NULL, NULL, -EKEYREJECTED, "high-s", "/signature",
	 "high s", "replace s by n - s"},
	{"v 0", PREPARE_WALLET, 0, DEADLINE, V_ZERO, NULL, NULL, NULL, -EKEYREJECTED, "signature-form", "/signature",
	 "v is 0", "Add 27"},
	{"64 bytes", PREPARE_WALLET, 0, DEADLINE, "0x" MAGIC_6492 "00" MAGIC_6492, NULL, NULL, NULL, -EKEYREJECTED,
	 "undeployed-wallet", "/signature", "not supported by the registry", "Deploy the wallet first"},
	{"no bytes", PREPARE_WALLET, 0, DEADLINE, "0x", NULL, NULL, NULL, -EKEYREJECTED, "signature-form", "/signature",
	 "0 bytes", "65-byte form"},
	{"wrapped for a wallet that is deployed", PREPARE_WALLET, CONTRACT, DEADLINE, "0x" MAGIC_6492, NULL, NULL, NULL,
	 -EKEYREJECTED, "wrapped-signature", "/signature", "ERC-6492", "Unwrap"},
	{"a contract may take anything", PREPARE_WALLET, CONTRACT, DEADLINE, "0x0102", NULL, NULL, NULL, 1, "", "", "",
	 ""},
	{"a contract may take another's key", PREPARE_WALLET, CONTRACT, DEADLINE, BY_OWNER, NULL, NULL, NULL, 1, "", "",
	 "", ""},
	{"a contract may take high s", PREPARE_WALLET, CONTRACT, DEADLINE, HIGH_S, NULL, NULL, NULL, 1, "", "", "", ""},
	{"unset", PREPARE_UNSET_WALLET, HAS_WALLET, 0, NULL, NULL, NULL, NULL, 0, "", "", "", ""},
	{"unset without one", PREPARE_UNSET_WALLET, 0, 0, NULL, NULL, NULL, NULL, -EEXIST, "no-wallet", "", "no wallet",
	 "set one with the verb wallet"},
	{"transfer", PREPARE_TRANSFER, 0, 0, NULL, NULL, NULL, NULL, 0, "", "", "", ""},
	{"transfer to oneself", PREPARE_TRANSFER, 0, 0, NULL, NULL, NULL, OWNER, 0, "", "", "", ""},
	{"transfer to nobody", PREPARE_TRANSFER, 0, 0, NULL, NULL, NULL, "0x0000000000000000000000000000000000000000",
	 -EDOM, "zero-address", "/to", "zero address", "Name the account"},
};

static void wishes_are_judged_before_they_cost(void **state)
{
	const struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
		const struct refused *row = &REFUSED[i];
		struct prepare_facts facts = facts_of();
		struct prepare_ask ask = wish(row->verb);
		struct registry_metadata entry = {.key = row->key, .key_len = row->key ? strlen(row->key) : 0};
		struct prepare_refusal refusal;
		uint8_t signature[128];
		int result;

		facts.registry_has_code = !(row->facts & NO_CODE);
		facts.exists = !(row->facts & ABSENT);
		facts.authorised = !(row->facts & STRANGERS);
		facts.other_has_code = row->facts & CONTRACT;
		if (row->facts & HAS_WALLET)
			facts.wallet = address_of(WALLET);
		if (row->facts & OTHER_OWNER)
			facts.owner = address_of(STRANGER);
		if (row->facts & STRANGERS)
			ask.from = address_of(STRANGER);
		ask.deadline = row->deadline;
		if (row->key != NULL) {
			ask.metadata = &entry;
			ask.metadata_count = 1;
		}
		if (row->signature != NULL) {
			assert_int_equal(hex_decode_data(signature, sizeof(signature), &ask.signature_len,
							 row->signature, strlen(row->signature)),
					 0);
			ask.signature = signature;
		}
		if (row->wallet != NULL)
			ask.wallet = address_of(row->wallet);
		if (row->to != NULL)
			ask.to = address_of(row->to);
		result = prepare_check(&refusal, &ask, &facts, f->signatures);
		if (result != row->result || strcmp(refusal.rule, row->rule) != 0 ||
		    strcmp(refusal.pointer, row->pointer) != 0 || strstr(refusal.detail, row->detail_word) == NULL ||
		    strstr(refusal.next, row->next_word) == NULL)
			fail_msg("%s: %d %s %s: %s / %s", row->why, result, refusal.rule, refusal.pointer,
				 refusal.detail, refusal.next);
		if (result < 0 && (refusal.error != result || refusal.next[0] == '\0' || refusal.detail[0] == '\0'))
			fail_msg("%s: a refusal says what is wrong and what is next", row->why);
	}
}

/* ---- bytes ---- */

static void calldata_is_what_ethers_makes(void **state)
{
	static const struct registry_metadata entries[] = {{"did", 3, (const uint8_t *)"did:web", 7},
							   {"x", 1, (const uint8_t *)"", 0}};
	struct prepare_facts facts = facts_of();
	struct prepare_ask ask = wish(PREPARE_REGISTER);
	uint8_t *data;
	size_t len;

	(void)state;
	ask.uri = "https://a.example/r.json";
	ask.uri_len = strlen(ask.uri);
	ask.metadata = entries;
	ask.metadata_count = 2;
	assert_int_equal(prepare_calldata(&data, &len, &ask, &facts), 0);
	is_hex(data, len,
	       "0x8ea42286000000000000000000000000000000000000000000000000000000000000004000000000000000000000000000000"
	       "00000"
	       "0000000000000000000000000000800000000000000000000000000000000000000000000000000000000000000018687474707"
	       "33a2f"
	       "2f612e6578616d706c652f722e6a736f6e000000000000000000000000000000000000000000000000000000000000000000000"
	       "00000"
	       "0000020000000000000000000000000000000000000000000000000000000000000040000000000000000000000000000000000"
	       "00000"
	       "0000000000000000000000010000000000000000000000000000000000000000000000000000000000000000400000000000000"
	       "00000"
	       "0000000000000000000000000000000000000000000080000000000000000000000000000000000000000000000000000000000"
	       "00000"
	       "0364696400000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	       "00000"
	       "00000000000000000000076469643a7765620000000000000000000000000000000000000000000000000000000000000000000"
	       "00000"
	       "0000000000000000000000000000000000000000400000000000000000000000000000000000000000000000000000000000000"
	       "08000"
	       "0000000000000000000000000000000000000000000000000000000000000178000000000000000000000000000000000000000"
	       "00000"
	       "0000000000000000000000000000000000000000000000000000000000000000000000000000000000");
	free(data);
	ask = wish(PREPARE_METADATA);
	ask.metadata = entries;
	ask.metadata_count = 1;
	assert_int_equal(prepare_calldata(&data, &len, &ask, &facts), 0);
	is_hex(data, len,
	       "0x466648da000000000000000000000000000000000000000000000000000000000000002a00000000000000000000000000000"
	       "00000"
	       "00000000000000000000000000006000000000000000000000000000000000000000000000000000000000000000a0000000000"
	       "00000"
	       "0000000000000000000000000000000000000000000000000364696400000000000000000000000000000000000000000000000"
	       "00000"
	       "00000000000000000000000000000000000000000000000000000000000000000000076469643a7765620000000000000000000"
	       "00000"
	       "00000000000000000000000000");
	free(data);
	ask = wish(PREPARE_TRANSFER);
	ask.to = address_of(WALLET);
	facts.other_has_code = true;
	assert_int_equal(prepare_calldata(&data, &len, &ask, &facts), 0);
	is_hex(data, len,
	       "0x42842e0e0000000000000000000000001563915e194d8cfba1943570603f7606a3115508"
	       "00000000000000000000000019e7e376e7c213b7e7e7e46cc70a5dd086daff2a"
	       "000000000000000000000000000000000000000000000000000000000000002a");
	free(data);
	facts.other_has_code = false;
	assert_int_equal(prepare_calldata(&data, &len, &ask, &facts), 0);
	assert_memory_equal(data, "\x23\xb8\x72\xdd", 4);
	free(data);
}

static void too_much_is_refused(void **state)
{
	static const char large[REGISTRY_URI_MAX + 1];
	struct registry_metadata entries[REGISTRY_METADATA_MAX + 1] = {0};
	struct prepare_facts facts = facts_of();
	struct prepare_ask ask = wish(PREPARE_REGISTER);
	uint8_t *data = NULL;
	size_t len;

	(void)state;
	for (size_t i = 0; i < REGISTRY_METADATA_MAX + 1; i++)
		entries[i] = (struct registry_metadata){"k", 1, (const uint8_t *)"", 0};
	ask.metadata = entries;
	ask.metadata_count = REGISTRY_METADATA_MAX;
	assert_int_equal(prepare_calldata(&data, &len, &ask, &facts), 0);
	free(data);
	ask.metadata_count = REGISTRY_METADATA_MAX + 1;
	assert_int_equal(prepare_calldata(&data, &len, &ask, &facts), -EOVERFLOW);
	ask.metadata_count = 1;
	entries[0].value = (const uint8_t *)large;
	entries[0].value_len = REGISTRY_URI_MAX - 1;
	assert_int_equal(prepare_calldata(&data, &len, &ask, &facts), 0);
	free(data);
	entries[0].value_len = REGISTRY_URI_MAX;
	assert_int_equal(prepare_calldata(&data, &len, &ask, &facts), -EOVERFLOW);
	ask.verb = PREPARE_METADATA;
	assert_int_equal(prepare_calldata(&data, &len, &ask, &facts), -EOVERFLOW);
	entries[0].value_len = SIZE_MAX;
	assert_int_equal(prepare_calldata(&data, &len, &ask, &facts), -EOVERFLOW);
}

static void typed_data_has_the_digest_that_ethers_signs(void **state)
{
	struct prepare_ask ask = wish(PREPARE_WALLET);
	struct eth_address owner = address_of(OWNER);
	struct eth_hash digest;

	(void)state;
	prepare_digest(&digest, &ask, &owner, DEADLINE);
	is_hex(digest.bytes, 32, DIGEST);
	json_auto_t *typed = prepare_typed_data(&ask, &owner, DEADLINE, false);
	json_auto_t *expected = json_pack(
		"{s:{s:[{s:s,s:s},{s:s,s:s},{s:s,s:s},{s:s,s:s}]}, s:s, s:{s:s,s:s,s:i,s:s}, s:{s:s,s:s,s:s,s:s}}",
		"types", "AgentWalletSet", "name", "agentId", "type", "uint256", "name", "newWallet", "type", "address",
		"name", "owner", "type", "address", "name", "deadline", "type", "uint256", "primaryType",
		"AgentWalletSet", "domain", "name", "ERC8004IdentityRegistry", "version", "1", "chainId", 31337,
		"verifyingContract", REGISTRY, "message", "agentId", "42", "newWallet", WALLET, "owner", OWNER,
		"deadline", "1700000240");

	assert_non_null(expected);
	assert_true(json_equal(typed, expected));
	json_auto_t *v4 = prepare_typed_data(&ask, &owner, DEADLINE, true);

	assert_int_equal(json_array_size(json_object_get(json_object_get(v4, "types"), "EIP712Domain")), 4);
	assert_true(json_equal(json_object_get(v4, "message"), json_object_get(expected, "message")));
}

static void the_recorded_vector_is_met(void **state)
{
	json_auto_t *root = json_load_file(KEDGE_SHARED_VECTORS "/erc8004-rpc/00-vectors.json", JSON_ALLOW_NUL, NULL);
	const json_t *vector;
	size_t i;

	(void)state;
	if (root == NULL) {
		print_message("skipped: no third-party vectors\n");
		skip();
	}
	assert_true(json_array_size(json_object_get(root, "eip712_vectors")) > 0);
	json_array_foreach(json_object_get(root, "eip712_vectors"), i, vector)
	{
		const json_t *message = json_object_get(vector, "message"), *domain = json_object_get(vector, "domain");
		struct prepare_ask ask = wish(PREPARE_WALLET);
		struct eth_address owner = address_of(json_string_value(json_object_get(message, "owner")));
		uint64_t deadline = (uint64_t)json_integer_value(json_object_get(message, "deadline"));
		struct eth_hash digest;

		ask.agent.chain = (uint64_t)json_integer_value(json_object_get(domain, "chainId"));
		ask.agent.id = u256_from_u64((uint64_t)json_integer_value(json_object_get(message, "agentId")));
		ask.wallet = address_of(json_string_value(json_object_get(message, "newWallet")));
		prepare_digest(&digest, &ask, &owner, deadline);
		is_hex(digest.bytes, 32, json_string_value(json_object_get(vector, "digest")));
		json_auto_t *typed = prepare_typed_data(&ask, &owner, deadline, false);

		assert_true(json_equal(json_object_get(typed, "types"), json_object_get(vector, "types")));
		assert_true(json_equal(json_object_get(typed, "domain"), domain));
	}
}

static void verbs_have_their_names(void **state)
{
	enum prepare_verb verb;

	(void)state;
	for (int i = 0; i < PREPARE_VERBS; i++) {
		assert_int_equal(prepare_verb_parse(&verb, prepare_verb_name((enum prepare_verb)i)), 0);
		assert_int_equal(verb, i);
	}
	assert_int_equal(prepare_verb_parse(&verb, "Register"), -ENOENT);
	assert_int_equal(prepare_verb_parse(&verb, ""), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verbs_have_their_names),
		cmocka_unit_test_setup_teardown(wishes_are_judged_before_they_cost, setup_signatures,
						teardown_signatures),
		cmocka_unit_test(calldata_is_what_ethers_makes),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(typed_data_has_the_digest_that_ethers_signs),
		cmocka_unit_test(the_recorded_vector_is_met),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
