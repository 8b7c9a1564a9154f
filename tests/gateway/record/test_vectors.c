/* The vectors of an independent program that knows docs/formats.md only: names, uids, signatures, entries, receipts,
 * and what must fail. */
#include "anchor/entry.h"
#include "did/jcs.h"
#include "eth/eip191.h"
#include "eth/hex.h"
#include "gateway/record/admission.h"
#include "gateway/record/append_build.h"
#include "gateway/record/receipt_verify.h"
#include "gateway/record/typed.h"
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define ORIGIN "localhost:8004/log"

static struct record_names names;
static struct merkle_hasher hasher;
static struct signature_context *secp;

static json_t *load(const char *file)
{
	char path[512];
	json_error_t error;
	json_t *json;

	(void)snprintf(path, sizeof(path), "%s/%s", KEDGE_VECTORS, file);
	json = json_load_file(path, 0, &error);
	if (!json)
		print_error("%s: %s\n", path, error.text);
	assert_non_null(json);
	return json;
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	if (!value)
		print_error("no %s\n", key);
	assert_non_null(value);
	return value;
}

static int setup(void **state)
{
	static const char registry[] = "0x8004a169fb4a3325136eb29fa0ceb6d2e539a432";
	static const uint8_t seed[32];

	(void)state;
	names.origin = ORIGIN;
	names.agents.host = "localhost:8004";
	names.agents.chain = 31337;
	secp = signature_context_new(seed);
	return sodium_init() < 0 || !secp || merkle_hasher_init(&hasher) ||
	       address_parse(&names.agents.registry, registry, strlen(registry));
}

static int teardown(void **state)
{
	(void)state;
	merkle_hasher_clear(&hasher);
	signature_context_free(secp);
	return 0;
}

static void assert_hex(const char *expected, const uint8_t *bytes, size_t len)
{
	char digits[80];

	sodium_bin2hex(digits, sizeof(digits), bytes, len);
	assert_string_equal(digits, !strncmp(expected, "0x", 2) ? expected + 2 : expected);
}

static void take(struct submission *s, const char *bytes)
{
	struct jcs_error error;
	struct refusal why = {0};
	json_t *json;
	int rc;

	assert_int_equal(jcs_parse(&json, &error, bytes, strlen(bytes), NULL), 0);
	rc = submission_take(s, &why, &names, json);
	if (rc)
		print_error("%s: %s\n", why.pointer, why.detail);
	assert_int_equal(rc, 0);
}

/* ---- attestations.json ---- */

static void read_facts(struct admission_facts *facts, const json_t *evidence)
{
	const json_t *issuer = json_object_get(evidence, "issuer"), *safe = json_object_get(issuer, "safe"),
		     *latest = json_object_get(issuer, "latest");
	struct authority_at *at[2] = {&facts->issuer.safe, &facts->issuer.latest};
	const json_t *holders[2] = {safe, latest};
	struct heads_block *blocks[2] = {&facts->issuer.safe_block, &facts->issuer.latest_block};
	const char *tags[2] = {"safe", "latest"};

	memset(facts, 0, sizeof(*facts));
	for (size_t i = 0; i < 2; i++) {
		const json_t *block = json_object_get(evidence, tags[i]);
		const char *hash = text(block, "hash");

		at[i]->exists = true;
		assert_int_equal(address_parse(&at[i]->owner, text(holders[i], "owner"), 42), 0);
		assert_int_equal(address_parse(&at[i]->wallet, text(holders[i], "wallet"), 42), 0);
		blocks[i]->number = (uint64_t)json_integer_value(json_object_get(block, "number"));
		assert_int_equal(hex_decode_fixed(blocks[i]->hash.bytes, 32, hash, strlen(hash)), 0);
	}
	facts->subject = facts->issuer;
	assert_int_equal(
		address_parse(&facts->subject.safe.owner, text(json_object_get(evidence, "subject"), "owner"), 42), 0);
}

static void check_case(const json_t *c)
{
	struct typed_content content;
	struct typed_fields fields;
	struct admission_facts facts;
	struct admission admission;
	struct append_entry_of of;
	struct submission s;
	struct refusal why;
	struct eth_hash digest;
	struct merkle_hash leaf;
	char signer[ADDRESS_TEXT_SIZE], line[ENTRY_LINE_MAX], spoken[TYPED_TEXT_SIZE];
	json_t *evidence = json_loads(text(c, "evidence"), 0, NULL);
	size_t len;

	take(&s, text(c, "submission"));
	assert_string_equal(s.issuer, text(c, "issuer"));
	assert_string_equal(s.subject, text(c, "subject"));
	assert_int_equal(typed_content(&hasher, &content, &s), 0);
	assert_hex(text(c, "uid"), content.uid, 32);
	assert_hex(text(c, "payloadHash"), content.payload_hash, 32);
	assert_int_equal(content.payload_len, strlen(text(c, "payload")));
	assert_memory_equal(content.payload, text(c, "payload"), content.payload_len);
	typed_fields_of(&fields, &s, ORIGIN, content.uid);
	if (!strcmp(text(c, "method"), "eip712")) {
		typed_eip712_digest(&digest, &fields);
	} else {
		assert_int_equal(typed_eip191_text(spoken, &len, sizeof(spoken), &fields), 0);
		assert_string_equal(spoken, text(c, "spoken"));
		assert_int_equal(typed_eip191_digest(&digest, &fields), 0);
	}
	assert_hex(text(c, "digest"), digest.bytes, 32);
	assert_int_equal(admission_signature(secp, &admission, &why, &s, ORIGIN, content.uid), 0);
	address_format_lower(signer, &admission.signer);
	assert_string_equal(signer, text(c, "signer"));
	read_facts(&facts, evidence);
	assert_int_equal(admission_authority(&hasher, &admission, &why, &s, &facts), 0);
	assert_string_equal(admission_role_text(admission.role), text(c, "role"));
	assert_string_equal(admission.evidence, text(c, "evidence"));
	assert_hex(text(c, "evidenceHash"), admission.evidence_hash, 32);
	of = (struct append_entry_of){content.uid, content.payload_hash, s.issuer, s.subject, &admission};
	assert_int_equal(append_entry(line, &len, (uint64_t)json_integer_value(json_object_get(c, "at")), &of), 0);
	assert_int_equal(len, strlen(text(c, "entry")));
	assert_memory_equal(line, text(c, "entry"), len);
	merkle_leaf(&hasher, &leaf, line, len);
	assert_hex(text(c, "leaf"), leaf.bytes, 32);
	json_decref(evidence);
	typed_content_clear(&content);
	submission_clear(&s);
}

static void test_attestations(void **state)
{
	json_t *json = load("attestations.json"), *cases = json_object_get(json, "cases"), *c;
	size_t i;

	(void)state;
	assert_true(json_array_size(cases) >= 10);
	json_array_foreach(cases, i, c)
	{
		print_message("%s\n", text(c, "name"));
		check_case(c);
	}
	json_decref(json);
}

/* ---- names.json ---- */

static int with_subject(struct submission *s, const char *subject)
{
	struct refusal why;
	char *bytes;
	json_t *json;
	struct jcs_error error;
	int rc;

	assert_true(asprintf(&bytes,
			     "{\"attestation\":{\"schemaVersion\":\"attestation/"
			     "v1\",\"id\":\"x\",\"issuer\":\"77\",\"issuerKind\":"
			     "\"agent\",\"subject\":%s,\"claim\":{\"type\":\"t\",\"data\":{}}},\"proof\":{\"type\":"
			     "\"eip712\","
			     "\"signature\":\"0x%0130d\"}}",
			     subject, 0) > 0);
	rc = jcs_parse(&json, &error, bytes, strlen(bytes), NULL);
	free(bytes);
	if (!rc)
		rc = submission_take(s, &why, &names, json);
	return rc;
}

static void test_names(void **state)
{
	json_t *json = load("names.json"), *c;
	struct submission s;
	size_t i;

	(void)state;
	assert_true(json_array_size(json_object_get(json, "read")) > 0 &&
		    json_array_size(json_object_get(json, "refused")) > 0);
	json_array_foreach(json_object_get(json, "read"), i, c)
	{
		if (with_subject(&s, text(c, "json")))
			print_error("%s\n", text(c, "json"));
		assert_string_equal(s.subject, text(c, "key"));
		submission_clear(&s);
	}
	json_array_foreach(json_object_get(json, "refused"), i, c)
	{
		int rc = with_subject(&s, json_string_value(c));

		if (!rc)
			print_error("%s was read\n", json_string_value(c));
		assert_true(rc < 0);
	}
	json_decref(json);
}

/* ---- receipts.json ---- */

static void policy_of(struct receipt_policy *policy, const json_t *json)
{
	char *bytes = json_dumps(json, JSON_COMPACT), why[128] = "";
	int rc;

	assert_non_null(bytes);
	rc = receipt_policy_parse(policy, why, sizeof(why), (const uint8_t *)bytes, strlen(bytes));
	if (rc)
		print_error("policy: %s\n", why);
	assert_int_equal(rc, 0);
	free(bytes);
}

static void answer(struct receipt_chain *chain, const json_t *said, const struct receipt_question *q)
{
	const char *code = text(said, "code");
	uint8_t bytes[4096];
	struct eth_hash hash;
	size_t len, i;
	json_t *c;

	*chain = (struct receipt_chain){.has_chain_id = true,
					.has_code_hash = true,
					.has_root = true,
					.has_block_root = true,
					.has_block_hash = true,
					.has_safe = true,
					.has_finalized = true};
	chain->chain_id = (uint64_t)json_integer_value(json_object_get(said, "chainId"));
	chain->safe = (uint64_t)json_integer_value(json_object_get(said, "safe"));
	chain->finalized = (uint64_t)json_integer_value(json_object_get(said, "finalized"));
	assert_int_equal(hex_decode_data(bytes, sizeof(bytes), &len, code, strlen(code)), 0);
	keccak256(&hash, bytes, len);
	memcpy(chain->code_hash, hash.bytes, 32);
	json_array_foreach(json_object_get(said, "blocks"), i,
			   c) if ((uint64_t)json_integer_value(json_object_get(c, "number")) == q->block_number)
		assert_int_equal(hex_decode_fixed(chain->block_hash, 32, text(c, "hash"), 66), 0);
	json_array_foreach(json_object_get(said, "roots"), i,
			   c) if ((uint64_t)json_integer_value(json_object_get(c, "size")) == q->size &&
				  (uint64_t)json_integer_value(json_object_get(c, "since")) <= q->block_number)
		assert_int_equal(sodium_hex2bin(chain->block_root, 32, text(c, "root"), 64, NULL, NULL, NULL), 0);
	json_array_foreach(json_object_get(said, "roots"), i,
			   c) if ((uint64_t)json_integer_value(json_object_get(c, "size")) == q->size &&
				  (uint64_t)json_integer_value(json_object_get(c, "since")) <= chain->safe)
		assert_int_equal(sodium_hex2bin(chain->root, 32, text(c, "root"), 64, NULL, NULL, NULL), 0);
}

/* said NULL: nobody was asked. */
static void verify(struct receipt_report *r, const char *bytes, size_t len, const struct receipt_policy *policy,
		   const json_t *said)
{
	struct receipt_question q;
	struct receipt_chain chain;
	bool asked = said && !receipt_question(&q, (const uint8_t *)bytes, len, policy);

	if (asked)
		answer(&chain, said, &q);
	receipt_verify(r, (const uint8_t *)bytes, len, policy, asked ? &chain : NULL);
}

static void expect_level(const char *name, const struct receipt_report *r, const char *level)
{
	if (!r->confirmed || strcmp(receipt_level_text(r->level), level) != 0)
		for (size_t i = 0; i < r->count; i++)
			print_error("%s: %s %s: %s\n", name, r->check[i].name,
				    receipt_verdict_text(r->check[i].verdict), r->check[i].text);
	assert_true(r->confirmed);
	assert_string_equal(receipt_level_text(r->level), level);
}

/* Counted, so that one run shows all that passed and should not have. */
static unsigned wrongly_passed;

static void expect_failure(const char *name, const struct receipt_report *r)
{
	if (r->failed && !r->confirmed)
		return;
	print_error("passed: %s\n", name);
	wrongly_passed++;
}

static const char *receipt_named(const json_t *json, const char *name)
{
	json_t *c;
	size_t i;

	json_array_foreach(json_object_get(json, "receipts"), i,
			   c) if (!strcmp(text(c, "name"), name)) return text(c, "text");
	fail_msg("no receipt %s", name);
	return NULL;
}

static void test_receipts(void **state)
{
	json_t *json = load("receipts.json"), *said = json_object_get(json, "chain"), *c;
	struct receipt_policy policy;
	struct receipt_report r;
	size_t i;

	(void)state;
	policy_of(&policy, json_object_get(json, "policy"));
	assert_true(json_array_size(json_object_get(json, "receipts")) >= 4);
	json_array_foreach(json_object_get(json, "receipts"), i, c)
	{
		verify(&r, text(c, "text"), strlen(text(c, "text")), &policy, NULL);
		expect_level(text(c, "name"), &r, text(c, "offline"));
		verify(&r, text(c, "text"), strlen(text(c, "text")), &policy, said);
		expect_level(text(c, "name"), &r, text(c, "online"));
	}
	json_array_foreach(json_object_get(json, "accepted"), i, c)
	{
		verify(&r, text(c, "text"), strlen(text(c, "text")), &policy, NULL);
		expect_level(text(c, "name"), &r, text(c, "level"));
	}
	policy_of(&policy, json_object_get(json, "offlinePolicy"));
	verify(&r, receipt_named(json, "final"), strlen(receipt_named(json, "final")), &policy, said);
	expect_level("final without an anchor in the policy", &r, "published");
	json_decref(json);
}

static void test_receipts_refused(void **state)
{
	json_t *json = load("receipts.json"), *said = json_object_get(json, "chain"), *c;
	struct receipt_policy policy;
	struct receipt_report r;
	size_t i;

	(void)state;
	policy_of(&policy, json_object_get(json, "policy"));
	json_array_foreach(json_object_get(json, "refused"), i, c)
	{
		const char *of = receipt_named(json, text(c, "of")), *insert = text(c, "insert");
		size_t at = (size_t)json_integer_value(json_object_get(c, "at")),
		       gone = (size_t)json_integer_value(json_object_get(c, "remove")), len = strlen(of),
		       added = strlen(insert) / 2;
		char *bytes = malloc(len + added + 1);

		assert_non_null(bytes);
		assert_true(at + gone <= len);
		memcpy(bytes, of, at);
		assert_true(!added ||
			    !sodium_hex2bin((unsigned char *)bytes + at, added, insert, added * 2, NULL, NULL, NULL));
		memcpy(bytes + at + added, of + at + gone, len - at - gone);
		verify(&r, bytes, len - gone + added, &policy, said);
		expect_failure(text(c, "name"), &r);
		if (!json_is_true(json_object_get(c, "rpc"))) {
			verify(&r, bytes, len - gone + added, &policy, NULL);
			expect_failure(text(c, "name"), &r);
		}
		free(bytes);
	}
	json_array_foreach(json_object_get(json, "forged"), i, c)
	{
		verify(&r, text(c, "text"), strlen(text(c, "text")), &policy, NULL);
		expect_failure(text(c, "name"), &r);
	}
	json_array_foreach(json_object_get(json, "policies"), i, c)
	{
		const char *final = receipt_named(json, "final");

		policy_of(&policy, json_object_get(c, "policy"));
		verify(&r, final, strlen(final), &policy, json_is_true(json_object_get(c, "rpc")) ? said : NULL);
		expect_failure(text(c, "name"), &r);
	}
	json_decref(json);
	assert_int_equal(wrongly_passed, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attestations),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_receipts),
		cmocka_unit_test(test_receipts_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
