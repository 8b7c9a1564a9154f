/* did:pkh and CAIP-10 beyond the shared vectors. */
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

#define LOWER "0x8004a169fb4a3325136eb29fa0ceb6d2e539a432"
#define EIP55 "0x8004A169FB4a3325136EB29fA0ceB6D2e539a432"

static int parse(struct eip155_account *account, const char *did)
{
	return did_pkh_parse(account, did, strlen(did));
}

static void both_spellings_are_one_account(void **state)
{
	struct eip155_account lower, eip55;
	char text[DID_PKH_TEXT_SIZE];

	(void)state;
	assert_int_equal(parse(&lower, "did:pkh:eip155:8453:" LOWER), 0);
	assert_int_equal(parse(&eip55, "did:pkh:eip155:8453:" EIP55), 0);
	assert_int_equal(lower.chain, 8453);
	assert_int_equal(eip55.chain, 8453);
	assert_true(address_equal(&lower.address, &eip55.address));
	assert_int_equal(did_pkh_format(text, &lower), strlen("did:pkh:eip155:8453:" EIP55));
	assert_string_equal(text, "did:pkh:eip155:8453:" EIP55);
	eip155_account_format(text, &lower);
	assert_string_equal(text, "eip155:8453:" EIP55);
	lower.chain = UINT64_MAX;
	assert_int_equal(did_pkh_format(text, &lower), 15 + 20 + 1 + 42);
}

static void the_document_echoes_the_spelling(void **state)
{
	static const char *const dids[] = {"did:pkh:eip155:1:" LOWER, "did:pkh:eip155:1:" EIP55};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		json_t *document, *method;

		assert_int_equal(did_pkh_document(&document, dids[i], strlen(dids[i])), 0);
		assert_string_equal(json_string_value(json_object_get(document, "id")), dids[i]);
		method = json_array_get(json_object_get(document, "verificationMethod"), 0);
		assert_string_equal(json_string_value(json_object_get(method, "controller")), dids[i]);
		assert_string_equal(json_string_value(json_object_get(method, "blockchainAccountId")), dids[i] + 8);
		json_decref(document);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *did;
		int rc;
	} cases[] = {
		{"did:pkh:eip155:1:0x8004A169FB4A3325136EB29FA0CEB6D2E539A432", -EBADMSG}, /* all upper-case */
		{"did:pkh:eip155:1:0X8004a169fb4a3325136eb29fa0ceb6d2e539a432", -EBADMSG},
		{"did:pkh:eip155:1:" LOWER "0", -EBADMSG},
		{"did:pkh:eip155:-1:" LOWER, -EBADMSG},
		{"did:pkh:eip155:00:" LOWER, -EBADMSG},
		{"did:pkh:eip155:18446744073709551616:" LOWER, -EBADMSG},
		{"did:pkh:eip155:1:" LOWER ":x", -EBADMSG},
		{"did:pkh:eip155:1:" LOWER "#x", -EBADMSG},
		{"did:pkh:EIP155:1:" LOWER, -EBADMSG},
		{"did:pkh:ei:1:x", -EBADMSG},
		{"did:pkh:abcdefghi:1:x", -EBADMSG},
		{"did:pkh:abc::x", -EBADMSG},
		{"did:pkh:abc:012345678901234567890123456789012:x", -EBADMSG},
		{"did:pkh:abc:a.b:x", -EBADMSG},
		{"did:pkh:abc:ab:x_y", -EBADMSG},
		{"did:web:eip155:1:" LOWER, -EBADMSG},
		{"did:pkh:abc:a_b:x.y-z", -EOPNOTSUPP},
	};
	struct eip155_account account;
	json_t *document;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (parse(&account, cases[i].did) != cases[i].rc)
			fail_msg("%s", cases[i].did);
		assert_int_equal(did_pkh_document(&document, cases[i].did, strlen(cases[i].did)), cases[i].rc);
		assert_null(document);
	}
	assert_int_equal(eip155_account_parse(&account, "eip155:1:0x8004A169FB4a3325136EB29fA0ceB6D2e539a43A", 51),
			 -EKEYREJECTED);
	/* an account of another namespace is none of eip155, however good */
	assert_int_equal(parse(&account, "did:pkh:tezos:NetXdQprcVkpaWU:tz1TzrmTBSuiVHV2VfMnGRMYvTEPCP42oSM8"), -EOPNOTSUPP);
}

/* The namespaces' own examples (ChainAgnostic/namespaces, caip10.md of each; CC0). */
static void examples_of_the_namespaces(void **state)
{
	static const struct {
		const char *account;
		enum did_pkh_kind kind;
	} cases[] = {
		{"bip122:000000000019d6689c085ae165831e93:128Lkh3S7CkDTBZ8W7BbpsN3YYizJMp8p6", DID_PKH_BIP122},
		{"bip122:12a765e31ffd4059bada1e25190f6e98:128Lkh3S7CkDTBZ8W7BbpsN3YYizJMp8p6", DID_PKH_BIP122},
		{"bip122:000000000019d6689c085ae165831e93:35PBEaofpUeH8VnnNSorM1QZsadrZoQp4N", DID_PKH_BIP122},
		{"bip122:000000000019d6689c085ae165831e93:bc1qwz2lhc40s8ty3l5jg3plpve3y3l82x9l42q7fk", DID_PKH_BIP122},
		{"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv", DID_PKH_SOLANA},
		{"solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1:DYw8jCTfwHNRJhhmFcbXvVDTqWMEVFBX6ZKUmG5CNSKK", DID_PKH_SOLANA},
		{"solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z:6LmSRCiu3z6NCSpF19oz1pHXkYkN4jWbj9K1nVELpDkT", DID_PKH_SOLANA},
		{"tezos:NetXdQprcVkpaWU:tz1MJx9vhaNRSimcuXPK2rW4fLccQnDAnVKJ", DID_PKH_TEZOS_ED25519},
		{"tezos:NetXnHfVqm9iesp:tz3btDQsDkqq2G7eBdrrLqetaAfLVw6BnPez", DID_PKH_TEZOS_P256},
		{"arweave:1:kY9RAgTJEImkBpiKgVeXrsGV02T-D4dI3ZvSpnn7HSk", DID_PKH_ARWEAVE},
	};
	struct did_pkh_account account;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (did_pkh_account_parse(&account, cases[i].account, strlen(cases[i].account)) != 0)
			fail_msg("%s is refused", cases[i].account);
		assert_int_equal(account.kind, cases[i].kind);
	}
}

static json_t *load_accounts(void)
{
	json_error_t err;
	json_t *vectors = json_load_file(KEDGE_VECTORS "/accounts.json", 0, &err);

	if (!vectors)
		fail_msg("%s", err.text);
	return vectors;
}

/* Both orders alike: what the independent program under tests/vectors makes. */
static void documents_of_every_namespace(void **state)
{
	json_t *vectors = load_accounts(), *documents = json_object_get(vectors, "documents"), *expected, *made;
	size_t i;

	(void)state;
	assert_true(json_array_size(documents) >= 20);
	json_array_foreach(documents, i, expected)
	{
		const char *did = json_string_value(json_object_get(expected, "id"));
		char *ours, *theirs;

		if (did_pkh_document(&made, did, strlen(did)) != 0)
			fail_msg("%s is refused", did);
		ours = json_dumps(made, JSON_COMPACT);
		theirs = json_dumps(expected, JSON_COMPACT);
		assert_string_equal(ours, theirs);
		assert_true(strlen(ours) < 8000);
		free(ours);
		free(theirs);
		json_decref(made);
	}
	json_decref(vectors);
}

static void accounts_refused_by_their_namespace(void **state)
{
	json_t *vectors = load_accounts(), *cases = json_object_get(vectors, "refused"), *one, *document;
	char words[DID_PKH_WORDS_SIZE];
	size_t i;

	(void)state;
	assert_true(json_array_size(cases) >= 40);
	json_array_foreach(cases, i, one)
	{
		const char *did = json_string_value(json_object_get(one, "did"));

		if (did_pkh_document(&document, did, strlen(did)) != -EBADMSG)
			fail_msg("%s is taken (%s)", did, json_string_value(json_object_get(one, "why")));
		did_pkh_words(words, did, strlen(did));
		assert_non_null(strstr(words, "Not an account. It is "));
	}
	json_decref(vectors);
}

static void other_namespaces_are_named(void **state)
{
	json_t *vectors = load_accounts(), *cases = json_object_get(vectors, "unserved"), *one, *document;
	char words[DID_PKH_WORDS_SIZE];
	size_t i;

	(void)state;
	assert_true(json_array_size(cases) >= 3);
	json_array_foreach(cases, i, one)
	{
		const char *did = json_string_value(json_object_get(one, "did"));
		char expected[64];

		assert_int_equal(did_pkh_document(&document, did, strlen(did)), -EOPNOTSUPP);
		did_pkh_words(words, did, strlen(did));
		snprintf(expected, sizeof(expected), "namespace %s is not served", json_string_value(json_object_get(one, "namespace")));
		if (!strstr(words, expected))
			fail_msg("%s", words);
	}
	did_pkh_words(words, "did:pkh:x", 9);
	assert_non_null(strstr(words, "Not a did:pkh"));
	json_decref(vectors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_spellings_are_one_account),
		cmocka_unit_test(the_document_echoes_the_spelling),
		cmocka_unit_test(refused),
		cmocka_unit_test(examples_of_the_namespaces),
		cmocka_unit_test(documents_of_every_namespace),
		cmocka_unit_test(accounts_refused_by_their_namespace),
		cmocka_unit_test(other_namespaces_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
