/* Signatures, authority at safe and latest, subject, evidence: who may say it, and what each refusal names. */
#include "tests/gateway/record/fixture.h"
#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static struct fixture f;

static int setup(void **state)
{
	(void)state;
	fixture_init(&f);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_clear(&f);
	return 0;
}

/* docs/formats.md §2 "evidence", written out. */
static void test_evidence_bytes(void **state)
{
	struct fixture_item item;
	struct merkle_hash hash;

	(void)state;
	fixture_item(&f, &item, 1, TYPED_EIP712);
	assert_string_equal(
		item.admission.evidence,
		"{\"chain\":\"eip155:31337\",\"issuer\":{\"latest\":{\"owner\":"
		"\"0x2222222222222222222222222222222222222222\","
		"\"wallet\":\"0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a\"},\"safe\":{\"owner\":"
		"\"0x2222222222222222222222222222222222222222\",\"wallet\":"
		"\"0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a\"}},"
		"\"latest\":{\"hash\":\"0x4444444444444444444444444444444444444444444444444444444444444444\","
		"\"number\":44},"
		"\"safe\":{\"hash\":\"0x4040404040404040404040404040404040404040404040404040404040404040\",\"number\":"
		"40},"
		"\"sameOwner\":false,\"signer\":\"0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a\",\"subject\":{\"owner\":"
		"\"0x3333333333333333333333333333333333333333\"},\"v\":1}");
	merkle_sha256(&f.hasher, &hash, item.admission.evidence, item.admission.evidence_len);
	assert_memory_equal(hash.bytes, item.admission.evidence_hash, 32);
	assert_int_equal(item.admission.role, AUTHORITY_WALLET);
	fixture_item_clear(&item);
}

enum who { NOBODY, SIGNER, OTHER };

static struct eth_address who(enum who w)
{
	struct eth_address a = {{0}};

	if (w == SIGNER)
		return f.wallet;
	if (w == OTHER)
		memset(&a, 0x55, sizeof(a));
	return a;
}

static void test_authority(void **state)
{
	static const struct {
		enum who safe_wallet, safe_owner, latest_wallet, latest_owner;
		enum authority_role role; /* AUTHORITY_NONE: refused */
		const char *because;
	} cases[] = {
		{SIGNER, OTHER, SIGNER, OTHER, AUTHORITY_WALLET, ""},
		{OTHER, SIGNER, OTHER, SIGNER, AUTHORITY_OWNER, ""},
		{SIGNER, SIGNER, SIGNER, SIGNER, AUTHORITY_WALLET, ""},
		{NOBODY, SIGNER, NOBODY, SIGNER, AUTHORITY_OWNER, ""},
		{SIGNER, OTHER, OTHER, SIGNER, AUTHORITY_WALLET, ""},
		{OTHER, OTHER, OTHER, OTHER, AUTHORITY_NONE, "neither wallet nor owner"},
		{SIGNER, OTHER, OTHER, OTHER, AUTHORITY_NONE, "no longer"},
		{SIGNER, OTHER, NOBODY, OTHER, AUTHORITY_NONE, "no longer"},
		{OTHER, OTHER, SIGNER, OTHER, AUTHORITY_NONE, "not yet"},
		{OTHER, OTHER, OTHER, SIGNER, AUTHORITY_NONE, "not yet"},
	};
	struct admission_facts facts;
	struct fixture_item item;
	struct refusal why;

	(void)state;
	fixture_item(&f, &item, 1, TYPED_EIP191);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc;

		fixture_facts(&f, &facts);
		facts.issuer.safe.wallet = who(cases[i].safe_wallet);
		facts.issuer.safe.owner = who(cases[i].safe_owner);
		facts.issuer.latest.wallet = who(cases[i].latest_wallet);
		facts.issuer.latest.owner = who(cases[i].latest_owner);
		rc = admission_authority(&f.hasher, &item.admission, &why, &item.s, &facts);
		assert_int_equal(rc, cases[i].role == AUTHORITY_NONE ? -EKEYREJECTED : 0);
		if (!rc) {
			assert_int_equal(item.admission.role, cases[i].role);
			continue;
		}
		assert_int_equal(why.code, REFUSAL_AUTHORITY);
		assert_string_equal(refusal_row(why.code)->rule, "authority");
		assert_non_null(strstr(why.detail, cases[i].because));
	}
	fixture_item_clear(&item);
}

static void test_other_refusals(void **state)
{
	struct admission_facts facts;
	struct fixture_item item;
	struct refusal why;

	(void)state;
	fixture_item(&f, &item, 1, TYPED_EIP712);

	fixture_facts(&f, &facts);
	facts.subject.safe = (struct authority_at){.exists = false};
	assert_int_equal(admission_authority(&f.hasher, &item.admission, &why, &item.s, &facts), -EKEYREJECTED);
	assert_int_equal(why.code, REFUSAL_SUBJECT);
	assert_string_equal(why.pointer, "/attestation/subject");

	fixture_facts(&f, &facts);
	facts.issuer.safe = facts.issuer.latest = (struct authority_at){.exists = false};
	assert_int_equal(admission_authority(&f.hasher, &item.admission, &why, &item.s, &facts), -EKEYREJECTED);
	assert_int_equal(why.code, REFUSAL_AUTHORITY);
	assert_string_equal(why.pointer, "/attestation/issuer");

	fixture_facts(&f, &facts);
	facts.subject.err = -ETIMEDOUT;
	assert_int_equal(admission_authority(&f.hasher, &item.admission, &why, &item.s, &facts), -EAGAIN);
	assert_int_equal(refusal_row(why.code)->status, 503);

	fixture_facts(&f, &facts);
	facts.subject.safe_block.hash.bytes[0] ^= 1;
	assert_int_equal(admission_authority(&f.hasher, &item.admission, &why, &item.s, &facts), -EAGAIN);

	fixture_facts(&f, &facts);
	facts.subject.safe.owner = facts.issuer.safe.owner;
	assert_int_equal(admission_authority(&f.hasher, &item.admission, &why, &item.s, &facts), 0);
	assert_true(item.admission.same_owner);
	assert_non_null(strstr(item.admission.evidence, "\"sameOwner\":true"));
	fixture_item_clear(&item);
}

/* A signature over anything else recovers another address, or none at all. */
static void test_signature_binds(void **state)
{
	static const struct {
		const char *from, *to;
	} changes[] = {
		{"\"n\":5", "\"n\":6"},
		{"\"round\":8", "\"round\":9"},
		{"agent:1", "agent:2"},
		{"\"issuer\":\"0\"", "\"issuer\":\"4\""},
		{"game-7", "game-8"},
		{"00112233", "00112234"},
		{"peer.assessment", "peer.assessmenz"},
		{"eip712", "eip191"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		char *text = fixture_submission(&f, 5, TYPED_EIP712), *at = strstr(text, changes[i].from);
		struct admission a;
		struct typed_content content;
		struct submission s;
		struct refusal why;
		int rc;

		assert_non_null(at);
		memcpy(at, changes[i].to, strlen(changes[i].to));
		assert_int_equal(submission_parse(&s, &why, &f.names, (const uint8_t *)text, strlen(text)), 0);
		assert_int_equal(typed_content(&f.hasher, &content, &s), 0);
		rc = admission_signature(f.secp, &a, &why, &s, FIXTURE_ORIGIN, content.uid);
		assert_true(rc == -EKEYREJECTED || !address_equal(&a.signer, &f.wallet));
		typed_content_clear(&content);
		submission_clear(&s);
		free(text);
	}
}

static void test_signature_refused(void **state)
{
	/* v 29; r zero; s above n/2 */
	static const struct {
		size_t at;
		char digits[65];
	} changes[] = {
		{128, "1d"},
		{0, "0000000000000000000000000000000000000000000000000000000000000000"},
		{64, "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		char *text = fixture_submission(&f, 5, TYPED_EIP191), *at = strstr(text, "\"signature\":\"0x");
		struct admission a;
		struct submission s;
		struct refusal why;
		uint8_t uid[32] = {0};

		assert_non_null(at);
		memcpy(at + strlen("\"signature\":\"0x") + changes[i].at, changes[i].digits, strlen(changes[i].digits));
		assert_int_equal(submission_parse(&s, &why, &f.names, (const uint8_t *)text, strlen(text)), 0);
		assert_int_equal(admission_signature(f.secp, &a, &why, &s, FIXTURE_ORIGIN, uid), -EKEYREJECTED);
		assert_int_equal(why.code, REFUSAL_SIGNATURE);
		assert_string_equal(refusal_row(why.code)->rule, "signature");
		submission_clear(&s);
		free(text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_evidence_bytes),	  cmocka_unit_test(test_authority),
		cmocka_unit_test(test_other_refusals),	  cmocka_unit_test(test_signature_binds),
		cmocka_unit_test(test_signature_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
