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
		{"did:pkh:solana:4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ:CKg5d12Jhpej1JqtmxLJgaFqqeYjxgPqToJ4LBdvG9Ev",
		 -EOPNOTSUPP},
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
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_spellings_are_one_account),
		cmocka_unit_test(the_document_echoes_the_spelling),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
