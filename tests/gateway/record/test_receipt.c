/* Receipts at every level verify; any changed byte, and every wrong part, is noticed and named. */
#include "anchor/entry.h"
#include "did/jcs.h"
#include "tests/gateway/record/fixture.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static struct fixture f;
static struct receipt_policy policy;

static int setup(void **state)
{
	(void)state;
	fixture_init(&f);
	fixture_policy(&f, &policy);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_clear(&f);
	return 0;
}

static void verify(struct receipt_report *r, const char *bytes, size_t len)
{
	struct receipt_chain chain;

	fixture_chain(&f, &chain, (const uint8_t *)bytes, len, &policy);
	receipt_verify(r, (const uint8_t *)bytes, len, &policy, &chain);
}

static const struct receipt_check *named(const struct receipt_report *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (!strcmp(r->check[i].name, name))
			return &r->check[i];
	return NULL;
}

static void assert_verdict(const struct receipt_report *r, const char *name, enum receipt_verdict verdict)
{
	const struct receipt_check *check = named(r, name);

	assert_true(check && check->verdict == verdict);
}

static void print_report(const struct receipt_report *r)
{
	for (size_t i = 0; i < r->count; i++)
		print_message("  %-16s %-12s %s\n", r->check[i].name, receipt_verdict_text(r->check[i].verdict),
			      r->check[i].text);
}

static const enum receipt_level levels[] = {RECEIPT_LOGGED, RECEIPT_PUBLISHED, RECEIPT_ANCHORED, RECEIPT_FINAL};

static void test_every_level(void **state)
{
	static const uint64_t places[][2] = {{0, 2}, {0, 3}, {4, 7}, {255, 257}, {5, 300}};
	struct receipt_report r;

	(void)state;
	for (size_t l = 0; l < 4; l++)
		for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
			char *bytes;
			size_t len;

			fixture_receipt(&f, &bytes, &len, levels[l], places[p][0], places[p][1],
					p & 1 ? TYPED_EIP191 : TYPED_EIP712);
			verify(&r, bytes, len);
			if (!r.confirmed || r.level != levels[l])
				print_report(&r);
			assert_false(r.failed);
			assert_true(r.confirmed);
			assert_int_equal(r.level, levels[l]);
			assert_int_equal(r.seq, places[p][0]);
			assert_int_equal(r.size, places[p][1]);
			assert_string_equal(r.subject,
					    "eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/1");
			free(bytes);
		}
}

/* Issuer and subject may be of other registries than the default one, and of two chains; each name in every form it may have. */
static void test_other_registries(void **state)
{
	static const struct agent_key others[] = {{.chain = 10, .registry = {{0x66}}}, {.chain = 31337, .registry = {{0x55}}}};
#define FAR "0x6600000000000000000000000000000000000000"
#define NEAR "0x5500000000000000000000000000000000000000"
	static const struct {
		const char *issuer, *subject, *key;
	} pairs[] = {
		{"0", "eip155:10/erc721:" FAR "/5", "eip155:10/erc721:" FAR "/5"},
		{"eip155:31337/erc721:" NEAR "/5", "5", "eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/5"},
		{"did:web:localhost%3A8004:agent:eip155:31337:" NEAR ":5", "did:web:localhost%3A8004:agent:31337:5",
		 "eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/5"},
		{"erc8004:31337:" NEAR ":1", "erc8004:10:" FAR ":1", "eip155:10/erc721:" FAR "/1"},
		{"agent:1", "did:web:localhost%3A8004:agent:eip155:31337:" NEAR ":1", "eip155:31337/erc721:" NEAR "/1"},
	};
	struct receipt_report r;
	struct fixture mine;

	(void)state;
	fixture_init(&mine);
	mine.names.others = others;
	mine.names.nothers = 2;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char *bytes;
		size_t len;

		mine.issuer = pairs[i].issuer;
		mine.subject = pairs[i].subject;
		fixture_receipt(&mine, &bytes, &len, RECEIPT_PUBLISHED, 3, 9, i & 1 ? TYPED_EIP191 : TYPED_EIP712);
		verify(&r, bytes, len);
		if (!r.confirmed)
			print_report(&r);
		assert_true(r.confirmed);
		assert_string_equal(r.subject, pairs[i].key);
		assert_int_equal(strstr(bytes, "\"subject\":{\"chain\":\"eip155:10\",\"owner\":") != NULL,
				 strncmp(pairs[i].key, "eip155:10/", 10) == 0);
		free(bytes);
	}
	fixture_clear(&mine);
}

/* The bytes are canonical by construction, which an independent writer confirms. */
static void test_canonical(void **state)
{
	char *bytes;
	size_t len;

	(void)state;
	for (size_t l = 0; l < 4; l++) {
		struct jcs_buffer b = {0};
		struct jcs_error error;
		json_t *json;

		fixture_receipt(&f, &bytes, &len, levels[l], 3, 9, TYPED_EIP712);
		assert_int_equal(jcs_parse(&json, &error, bytes, len, NULL), 0);
		assert_int_equal(jcs_write(&b, json), 0);
		assert_int_equal(b.len, len);
		assert_memory_equal(b.data, bytes, len);
		jcs_buffer_clear(&b);
		json_decref(json);
		free(bytes);
	}
}

static void test_every_byte_counts(void **state)
{
	static const unsigned char flips[] = {0x01, 0x20, 0x80};
	size_t tried = 0;

	(void)state;
	for (size_t l = 0; l < 4; l++) {
		char *bytes;
		size_t len;

		fixture_receipt(&f, &bytes, &len, levels[l], 2, 7, TYPED_EIP712);
		for (size_t i = 0; i < len; i++)
			for (size_t k = 0; k < sizeof(flips); k++, tried++) {
				struct receipt_report r;

				bytes[i] = (char)(bytes[i] ^ flips[k]);
				verify(&r, bytes, len);
				if (!r.failed)
					print_error("level %zu byte %zu ^%02x passed\n", l, i, flips[k]);
				assert_true(r.failed);
				assert_false(r.confirmed);
				bytes[i] = (char)(bytes[i] ^ flips[k]);
			}
		free(bytes);
	}
	print_message("%zu mutations\n", tried);
}

static void test_cut_and_grown(void **state)
{
	char *bytes, *grown;
	size_t len;
	struct receipt_report r;

	(void)state;
	fixture_receipt(&f, &bytes, &len, RECEIPT_PUBLISHED, 2, 7, TYPED_EIP712);
	for (size_t n = 0; n < len; n++) {
		char *cut = malloc(n + 1); /* exactly its size, so that a read past the end shows */

		assert_non_null(cut);
		memcpy(cut, bytes, n);
		verify(&r, cut, n);
		assert_true(r.failed);
		free(cut);
	}
	grown = malloc(len + 2);
	assert_non_null(grown);
	memcpy(grown, bytes, len);
	memcpy(grown + len, "\n\n", 2);
	verify(&r, grown, len + 1); /* docs/formats.md §8: "one final line feed is tolerated" */
	assert_true(r.confirmed);
	verify(&r, grown, len + 2);
	assert_true(r.failed);
	free(grown);
	free(bytes);
}

/* Replaces the first `from` in a receipt's text; lengths may differ. */
static char *replaced(const char *bytes, size_t len, size_t *out_len, const char *from, const char *to)
{
	const char *at = memmem(bytes, len, from, strlen(from));
	char *out = malloc(len + strlen(to) + 1);
	size_t before;

	assert_non_null(at);
	assert_non_null(out);
	before = (size_t)(at - bytes);
	memcpy(out, bytes, before);
	memcpy(out + before, to, strlen(to));
	memcpy(out + before + strlen(to), at + strlen(from), len - before - strlen(from));
	*out_len = len + strlen(to) - strlen(from);
	return out;
}

/* Changes that leave the form whole: which check notices. */
static void test_wrong_parts(void **state)
{
	static const struct {
		enum receipt_level level;
		const char *from, *to, *check;
	} cases[] = {
		{RECEIPT_LOGGED, "{\"checkpoint\"", "{\"anchored\":true,\"checkpoint\"", "form"},
		{RECEIPT_LOGGED, "\"level\":\"logged\"", "\"level\":\"published\"", "form"},
		{RECEIPT_LOGGED, "\"level\":\"logged\"", "\"level\":\"witnessed\"", "form"},
		{RECEIPT_PUBLISHED, "\"level\":\"published\"", "\"level\":\"logged\"", "form"},
		{RECEIPT_ANCHORED, "\"level\":\"anchored\"", "\"level\":\"published\"", "form"},
		{RECEIPT_LOGGED, "\"seq\":2,\"v\":1}", "\"seq\":2,\"v\":2}", "form"},
		{RECEIPT_LOGGED, "\"seq\":2", "\"seq\":-2", "form"},
		{RECEIPT_LOGGED, "\"seq\":2", "\"seq\":2.5", "form"},
		{RECEIPT_LOGGED, "\"checkpoint\":", "\"checkpoint\": ", "form"},
		{RECEIPT_LOGGED, "\\\"kind\\\":\\\"attestation\\\"", "\\\"kind\\\":\\\"identity\\\"", "entry"},
		{RECEIPT_LOGGED, "localhost:8004/log\\n", "localhost:8005/log\\n", "checkpoint"},
		{RECEIPT_LOGGED, "\\n7\\n", "\\n8\\n", "checkpoint"},
		{RECEIPT_LOGGED, "\"seq\":2", "\"seq\":3", "inclusion"},
		{RECEIPT_LOGGED, "\"seq\":2", "\"seq\":7", "inclusion"},
		{RECEIPT_LOGGED, "\\\"role\\\":\\\"wallet\\\"", "\\\"role\\\":\\\"owner\\\"", "inclusion"},
		{RECEIPT_LOGGED, "keeps promises", "breaks promises", "payload"},
		{RECEIPT_LOGGED, "\"sameOwner\":false", "\"sameOwner\":true", "evidence"},
		{RECEIPT_LOGGED, "\"number\":44", "\"number\":45", "evidence"},
		{RECEIPT_ANCHORED, "\"chain\":\"eip155:31337\",\"contract\"", "\"chain\":\"eip155:8453\",\"contract\"",
		 "anchor"},
		{RECEIPT_ANCHORED, "\"contract\":\"0xa1", "\"contract\":\"0xa2", "anchor"},
		{RECEIPT_ANCHORED, "\"hash\":\"0xb1", "\"hash\":\"0xb2", "anchor-block"},
		{RECEIPT_ANCHORED, "\"number\":77", "\"number\":78", "anchor-block"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct receipt_check *check;
		struct receipt_report r;
		char *bytes, *changed;
		size_t len, changed_len;

		fixture_receipt(&f, &bytes, &len, cases[i].level, 2, 7, TYPED_EIP712);
		changed = replaced(bytes, len, &changed_len, cases[i].from, cases[i].to);
		verify(&r, changed, changed_len);
		check = named(&r, cases[i].check);
		if (!check || check->verdict != RECEIPT_FAILED) {
			print_error("case %zu\n", i);
			print_report(&r);
		}
		assert_non_null(check);
		assert_int_equal(check->verdict, RECEIPT_FAILED);
		assert_true(r.failed);
		free(changed);
		free(bytes);
	}
}

static void test_head_must_be_last(void **state)
{
	char *good, *other, *changed;
	size_t good_len, other_len, changed_len;
	struct receipt_report r;
	const char *head, *other_head;
	char from[ENTRY_INDEX_SIZE * 2], to[ENTRY_INDEX_SIZE * 2];

	(void)state;
	fixture_receipt(&f, &good, &good_len, RECEIPT_PUBLISHED, 2, 7, TYPED_EIP712);
	fixture_receipt(&f, &other, &other_len, RECEIPT_PUBLISHED, 2, 8, TYPED_EIP712);
	head = memmem(good, good_len, "\"head\":{\"entry\":\"", 17);
	other_head = memmem(other, other_len, "\"head\":{\"entry\":\"", 17);
	assert_non_null(head);
	assert_non_null(other_head);
	(void)snprintf(from, sizeof(from), "%.*s", 340, head);
	(void)snprintf(to, sizeof(to), "%.*s", 340, other_head);
	changed = replaced(good, good_len, &changed_len, from, to);
	verify(&r, changed, changed_len);
	assert_true(r.failed);
	assert_verdict(&r, "head", RECEIPT_FAILED);
	free(changed);
	free(other);
	free(good);
}

static void test_other_policies(void **state)
{
	struct receipt_policy other = policy;
	struct receipt_report r;
	char *bytes;
	size_t len;

	(void)state;
	fixture_receipt(&f, &bytes, &len, RECEIPT_FINAL, 2, 7, TYPED_EIP712);

	receipt_verify(&r, (const uint8_t *)bytes, len, &policy, NULL);
	assert_true(r.confirmed);
	assert_int_equal(r.level, RECEIPT_PUBLISHED);
	assert_verdict(&r, "anchor-root", RECEIPT_UNCONFIRMED);

	other.has_anchor = false;
	receipt_verify(&r, (const uint8_t *)bytes, len, &other, NULL);
	assert_true(r.confirmed);
	assert_int_equal(r.level, RECEIPT_PUBLISHED);
	assert_verdict(&r, "anchor", RECEIPT_UNCONFIRMED);

	other = policy;
	strcpy(other.vkey, "localhost:8004/log+cc469956+AWuHcoGGvtVzJ2fOiBKBwTIjVEJMZyzVsGqMQ+eCRvQp");
	receipt_verify(&r, (const uint8_t *)bytes, len, &other, NULL);
	assert_true(r.failed);
	assert_verdict(&r, "checkpoint", RECEIPT_FAILED);
	free(bytes);
}

static void test_what_the_chain_says(void **state)
{
	static const struct {
		const char *what;
		enum receipt_verdict verdict;
		const char *check;
		enum receipt_level level;
	} cases[] = {
		{"chain", RECEIPT_FAILED, "anchor-chain", RECEIPT_PUBLISHED},
		{"code", RECEIPT_FAILED, "anchor-code", RECEIPT_PUBLISHED},
		{"root", RECEIPT_FAILED, "anchor-root", RECEIPT_PUBLISHED},
		{"block", RECEIPT_FAILED, "anchor-block", RECEIPT_PUBLISHED},
		{"no-root", RECEIPT_UNCONFIRMED, "anchor-root", RECEIPT_PUBLISHED},
		{"no-block", RECEIPT_UNCONFIRMED, "anchor-block", RECEIPT_PUBLISHED},
		{"no-safe", RECEIPT_UNCONFIRMED, "anchor-safe", RECEIPT_PUBLISHED},
		{"unsafe", RECEIPT_UNCONFIRMED, "anchor-safe", RECEIPT_PUBLISHED},
		{"unfinal", RECEIPT_UNCONFIRMED, "anchor-final", RECEIPT_ANCHORED},
		{"no-final", RECEIPT_UNCONFIRMED, "anchor-final", RECEIPT_ANCHORED},
		/* the statement is about that block: a root anchored later is a false receipt, whatever safe says now */
		{"later", RECEIPT_FAILED, "anchor-at", RECEIPT_PUBLISHED},
		/* a node that does not keep that block's state */
		{"pruned", RECEIPT_UNCONFIRMED, "anchor-final-root", RECEIPT_ANCHORED},
		{"pruned-final", RECEIPT_UNCONFIRMED, "anchor-at", RECEIPT_FINAL},
		{"pruned-not-final", RECEIPT_FAILED, "anchor-final-root", RECEIPT_ANCHORED},
		/* a node behind the gateway's: not yet, and no mismatch */
		{"behind", RECEIPT_UNCONFIRMED, "anchor-safe", RECEIPT_PUBLISHED},
	};
	char *bytes;
	size_t len;

	(void)state;
	fixture_receipt(&f, &bytes, &len, RECEIPT_FINAL, 2, 7, TYPED_EIP712);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *what = cases[i].what;
		struct receipt_chain chain;
		struct receipt_report r;

		fixture_chain(&f, &chain, (const uint8_t *)bytes, len, &policy);
		chain.chain_id += !strcmp(what, "chain");
		chain.code_hash[31] ^= !strcmp(what, "code");
		chain.root[0] ^= !strcmp(what, "root");
		chain.block_hash[31] ^= !strcmp(what, "block");
		chain.has_root = strcmp(what, "no-root") != 0;
		chain.has_block_hash = strcmp(what, "no-block") != 0;
		chain.has_safe = strcmp(what, "no-safe") != 0;
		chain.has_finalized = strcmp(what, "no-final") != 0;
		chain.block_root[0] ^= !strcmp(what, "later");
		chain.has_block_root = strncmp(what, "pruned", 6) != 0;
		chain.has_final_root = strncmp(what, "pruned-", 7) == 0;
		memcpy(chain.final_root, chain.root, 32);
		chain.final_root[0] ^= !strcmp(what, "pruned-not-final");
		if (!strcmp(what, "behind")) {
			chain.safe = chain.finalized = 70;
			memset(chain.root, 0, 32);
			memset(chain.code_hash, 0, 32);
			memset(chain.block_hash, 0, 32);
		}
		if (!strcmp(what, "unsafe"))
			chain.safe = 76;
		if (!strcmp(what, "unfinal"))
			chain.finalized = 76;
		receipt_verify(&r, (const uint8_t *)bytes, len, &policy, &chain);
		assert_verdict(&r, cases[i].check, cases[i].verdict);
		assert_int_equal(r.failed, cases[i].verdict == RECEIPT_FAILED);
		assert_int_equal(r.level, cases[i].level);
	}
	free(bytes);
}

#define ADDRESS "/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432"
#define REGISTRY "eip155:8453" ADDRESS

static void test_policies(void **state)
{
	static const struct {
		const char *before, *after; /* around the vkey */
		int rc;
	} cases[] = {
		{"{\"v\":1,\"log\":\"", "\"}", 0},
		{"{\"v\":1,\"log\":\"", "\",\"witnesses\":{\"quorum\":0}}", 0},
		{"{\"v\":1,\"log\":\"",
		 "\",\"anchor\":{\"chain\":\"eip155:31337\",\"contract\":"
		 "\"0xa1a2a30000000000000000000000000000000000\","
		 "\"codeHash\":\"0xc0de000000000000000000000000000000000000000000000000000000000000\",\"rpc\":\"http://"
		 "127.0.0.1:8545\"}}",
		 0},
		{"{\"v\":2,\"log\":\"", "\"}", -EBADMSG},
		{"{\"v\":1,\"log\":\"x", "\"}", -EBADMSG},
		{"{\"v\":1,\"trust\":1,\"log\":\"", "\"}", -EBADMSG},
		{"{\"v\":1,\"log\":\"", "\",\"witnesses\":{\"quorum\":1}}", -EBADMSG},
		{"{\"v\":1,\"log\":\"", "\",\"anchor\":{}}", -EBADMSG},
		{"{\"v\":1,\"log\":\"",
		 "\",\"anchor\":{\"chain\":\"eip155:031337\",\"contract\":"
		 "\"0xa1a2a30000000000000000000000000000000000\","
		 "\"codeHash\":\"0xc0de000000000000000000000000000000000000000000000000000000000000\"}}",
		 -EBADMSG},
		{"{\"v\":1,\"log\":\"",
		 "\",\"anchor\":{\"chain\":\"eip155:31337\",\"contract\":\"0xa1a2\","
		 "\"codeHash\":\"0xc0de000000000000000000000000000000000000000000000000000000000000\"}}",
		 -EBADMSG},
		{"{\"v\":1,\"log\":\"",
		 "\",\"anchor\":{\"chain\":\"eip155:31337\",\"contract\":"
		 "\"0xa1a2a30000000000000000000000000000000000\","
		 "\"codeHash\":\"0xc0de\"}}",
		 -EBADMSG},
		{"{\"v\":1,\"log\":\"", "\"", -EBADMSG},
		{"{\"v\":1,\"log\":\"", "\",\"registryCode\":[]}", 0},
		{"{\"v\":1,\"log\":\"",
		 "\",\"registryCode\":[\"0xc0de000000000000000000000000000000000000000000000000000000000000\"]}", 0},
		{"{\"v\":1,\"log\":\"", "\",\"registryCode\":[\"0xc0de\"]}", -EBADMSG},
		{"{\"v\":1,\"log\":\"", "\",\"registryCode\":[1]}", -EBADMSG},
		{"{\"v\":1,\"log\":\"", "\",\"registryCode\":\"0x\"}", -EBADMSG},
		{"{\"v\":1,\"log\":\"", "\",\"registryCode\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", -EBADMSG},
		{"{\"v\":1,\"log\":\"", "\",\"registries\":[]}", 0},
		{"{\"v\":1,\"log\":\"", "\",\"registries\":[\"" REGISTRY "\"]}", 0},
		{"{\"v\":1,\"log\":\"", "\",\"registries\":\"" REGISTRY "\"}", -EBADMSG},
		{"{\"v\":1,\"log\":\"", "\",\"registries\":[\"" REGISTRY "/42\"]}", -EBADMSG},
		{"{\"v\":1,\"log\":\"", "\",\"registries\":[\"eip155:08453" ADDRESS "\"]}", -EBADMSG},
		{"{\"v\":1,\"log\":\"", "\",\"registries\":[\"8453" ADDRESS "\"]}", -EBADMSG},
		{"{\"v\":1,\"log\":\"", "\",\"registries\":[\"eip155:8453/erc721:0x8004A169FB4a3325136EB29fA0ceB6D2e539a432\"]}", -EBADMSG},
		{"{\"v\":1,\"log\":\"", "\",\"registries\":[\"\"]}", -EBADMSG},
		{"{\"v\":1,\"log\":\"", "\",\"registries\":[8453]}", -EBADMSG},
		{"{\"v\":1,\"log\":\"", "\",\"registries\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", -EBADMSG},
	};
	char json[1024], why[128];
	struct receipt_policy p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int n = snprintf(json, sizeof(json), "%s%s%s", cases[i].before, policy.vkey, cases[i].after);

		*why = '\0';
		assert_int_equal(receipt_policy_parse(&p, why, sizeof(why), (const uint8_t *)json, (size_t)n),
				 cases[i].rc);
		assert_true(!cases[i].rc || *why);
		if (i == 2)
			assert_memory_equal(p.contract, policy.contract, 20);
		assert_true(cases[i].rc || p.names_registries == (strstr(json, "registries") != NULL));
		if (!cases[i].rc && strstr(json, REGISTRY)) {
			assert_int_equal(p.nregistries, 1);
			assert_int_equal(p.registries[0].chain, 8453);
			assert_int_equal(p.registries[0].registry.bytes[0], 0x80);
		}
	}
}

static void test_writer_limits(void **state)
{
	char *big = calloc(1, RECEIPT_MAX), *out;
	struct receipt_parts parts = {.entry = "e",
				      .entry_len = 1,
				      .payload = big,
				      .evidence = "{}",
				      .evidence_len = 2,
				      .checkpoint = "c",
				      .checkpoint_len = 1};
	size_t len;

	(void)state;
	assert_non_null(big);
	memset(big, '1', RECEIPT_MAX);
	parts.payload_len = RECEIPT_MAX;
	assert_int_equal(receipt_write(&out, &len, &parts), -EOVERFLOW);
	parts.payload_len = RECEIPT_MAX - 50;
	assert_int_equal(receipt_write(&out, &len, &parts), -EOVERFLOW);
	parts.payload_len = 1;
	parts.seq = UINT64_C(1) << 53;
	assert_int_equal(receipt_write(&out, &len, &parts), -EOVERFLOW);
	parts.seq--;
	parts.inclusion_len = MERKLE_PROOF_MAX + 1;
	assert_int_equal(receipt_write(&out, &len, &parts), -EOVERFLOW);
	parts.inclusion_len = 0;
	assert_int_equal(receipt_write(&out, &len, &parts), 0);
	assert_int_equal(
		len,
		strlen("{\"checkpoint\":\"c\",\"entry\":\"e\",\"evidence\":{},\"inclusion\":[],\"level\":\"logged\","
		       "\"payload\":1,\"seq\":9007199254740991,\"v\":1}"));
	free(out);
	free(big);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_level),	  cmocka_unit_test(test_other_registries), cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_every_byte_counts), cmocka_unit_test(test_cut_and_grown),
		cmocka_unit_test(test_wrong_parts),	  cmocka_unit_test(test_head_must_be_last),
		cmocka_unit_test(test_other_policies),	  cmocka_unit_test(test_what_the_chain_says),
		cmocka_unit_test(test_policies),	  cmocka_unit_test(test_writer_limits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
