#include "tests/gateway/record/fixture.h"
#include "anchor/entry.h"
#include "gateway/record/append_build.h"
#include "gateway/record/receipt_view.h"
#include <inttypes.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define ANCHOR_BLOCK 77u
#define SIZE_MAX_HERE 512u

static const uint8_t contract[20] = {0xa1, 0xa2, 0xa3}, code_hash[32] = {0xc0, 0xde}, block_hash[32] = {0xb1, 0x0c};

void fixture_init(struct fixture *f)
{
	static const char registry[] = "0x8004a169fb4a3325136eb29fa0ceb6d2e539a432";
	static const uint8_t seed[32] = {7};

	memset(f, 0, sizeof(*f));
	assert_true(sodium_init() >= 0);
	assert_int_equal(merkle_hasher_init(&f->hasher), 0);
	f->secp = signature_context_new(seed);
	assert_non_null(f->secp);
	f->names.origin = FIXTURE_ORIGIN;
	f->issuer = "0";
	f->subject = "agent:1";
	f->names.agents.host = "localhost:8004";
	f->names.agents.chain = FIXTURE_CHAIN;
	assert_int_equal(address_parse(&f->names.agents.registry, registry, strlen(registry)), 0);
	memset(f->key, 0x11, sizeof(f->key));
	assert_int_equal(signature_key_address(f->secp, &f->wallet, f->key), 0);
	memset(&f->owner, 0x22, sizeof(f->owner));
	assert_int_equal(note_key_from_seed(&f->log_key, f->log_secret, FIXTURE_ORIGIN, strlen(FIXTURE_ORIGIN), seed),
			 0);
}

void fixture_clear(struct fixture *f)
{
	merkle_hasher_clear(&f->hasher);
	signature_context_free(f->secp);
}

static char *text(const struct fixture *f, unsigned number, enum typed_method method, const char *signature)
{
	char *out;

	assert_true(asprintf(&out,
			     "{\"attestation\":{\"schemaVersion\":\"attestation/v1\",\"id\":\"0xabc\",\"issuer\":\"%s\","
			     "\"issuerKind\":\"agent\",\"subject\":\"%s\",\"claim\":{\"type\":\"peer.assessment\","
			     "\"data\":"
			     "{\"tag\":\"reliable\",\"n\":%u}},\"note\":\"keeps promises "
			     "\\u2713\",\"confidence\":0.62,\"round\":8,"
			     "\"issuedAt\":\"2026-05-01T18:22:07.412Z\"},"
			     "\"context\":{\"game\":{\"id\":\"game-7\",\"type\":\"oathbreaker\"}},"
			     "\"proof\":{\"type\":\"%s\",\"signature\":\"%s\"},\"salt\":"
			     "\"00112233445566778899aabbccddeeff\"}",
			     f->issuer, f->subject, number, typed_method_text(method), signature) > 0);
	return out;
}

char *fixture_submission(struct fixture *f, unsigned number, enum typed_method method)
{
	char signature[133] = "0x", *draft;
	struct eth_signature made;
	struct typed_content content;
	struct typed_fields fields;
	struct submission s;
	struct refusal why;
	struct eth_hash digest;
	uint8_t bytes[SIGNATURE_SIZE];

	memset(signature + 2, '0', 130);
	draft = text(f, number, method, signature);
	assert_int_equal(submission_parse(&s, &why, &f->names, (const uint8_t *)draft, strlen(draft)), 0);
	assert_int_equal(typed_content(&f->hasher, &content, &s), 0);
	typed_fields_of(&fields, &s, FIXTURE_ORIGIN, content.uid);
	if (method == TYPED_EIP712)
		typed_eip712_digest(&digest, &fields);
	else
		assert_int_equal(typed_eip191_digest(&digest, &fields), 0);
	assert_int_equal(signature_sign(f->secp, &made, &digest, f->key), 0);
	signature_serialize(bytes, &made);
	sodium_bin2hex(signature + 2, 131, bytes, sizeof(bytes));
	typed_content_clear(&content);
	submission_clear(&s);
	free(draft);
	return text(f, number, method, signature);
}

void fixture_facts(const struct fixture *f, struct admission_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->issuer.safe = (struct authority_at){.exists = true, .owner = f->owner, .wallet = f->wallet};
	facts->issuer.latest = facts->issuer.safe;
	facts->issuer.safe_block.number = 40;
	memset(&facts->issuer.safe_block.hash, 0x40, 32);
	facts->issuer.latest_block.number = 44;
	memset(&facts->issuer.latest_block.hash, 0x44, 32);
	facts->subject = facts->issuer;
	memset(&facts->subject.safe.owner, 0x33, 20);
	if (strstr(f->subject, ":10")) { /* another chain has other heads */
		facts->subject.safe_block.number = 7;
		memset(&facts->subject.safe_block.hash, 0x77, 32);
		facts->subject.latest_block = facts->subject.safe_block;
	}
}

void fixture_item(struct fixture *f, struct fixture_item *item, unsigned number, enum typed_method method)
{
	char *bytes = fixture_submission(f, number, method);
	struct admission_facts facts;
	struct refusal why;

	assert_int_equal(submission_parse(&item->s, &why, &f->names, (const uint8_t *)bytes, strlen(bytes)), 0);
	free(bytes);
	assert_int_equal(typed_content(&f->hasher, &item->content, &item->s), 0);
	assert_int_equal(
		admission_signature(f->secp, &item->admission, &why, &item->s, FIXTURE_ORIGIN, item->content.uid), 0);
	fixture_facts(f, &facts);
	assert_int_equal(admission_authority(&f->hasher, &item->admission, &why, &item->s, &facts), 0);
}

void fixture_item_clear(struct fixture_item *item)
{
	typed_content_clear(&item->content);
	submission_clear(&item->s);
}

/* ---- receipts ---- */

static int leaf_at(void *arg, struct merkle_hash *out, unsigned level, uint64_t index)
{
	struct merkle_hash *leaves = arg;
	struct merkle_hasher hasher;

	assert_int_equal(merkle_hasher_init(&hasher), 0);
	merkle_root(&hasher, out, leaves + (index << level), (size_t)1 << level);
	merkle_hasher_clear(&hasher);
	return 0;
}

void fixture_receipt(struct fixture *f, char **out, size_t *len, enum receipt_level level, uint64_t seq, uint64_t size,
		     enum typed_method method)
{
	struct merkle_hash leaves[SIZE_MAX_HERE], root, proof[MERKLE_PROOF_MAX], head_proof[MERKLE_PROOF_MAX];
	char line[ENTRY_LINE_MAX], head[ENTRY_INDEX_SIZE], note[CHECKPOINT_NOTE_MAX];
	struct entry_index index = {.at = 1777593600001, .block_number = 44, .size = size - 1};
	struct receipt_parts parts = {
		.level = level, .seq = seq, .entry = line, .checkpoint = note, .inclusion = proof};
	struct fixture_item item;
	struct append_entry_of of;

	assert_true(size <= SIZE_MAX_HERE && seq < size);
	fixture_item(f, &item, 3, method);
	of = (struct append_entry_of){item.content.uid, item.content.payload_hash, item.s.issuer, item.s.subject,
				      &item.admission};
	assert_int_equal(append_entry(line, &parts.entry_len, 1777593600000, &of), 0);
	entry_index_format(head, &index);
	for (uint64_t i = 0; i < size; i++)
		merkle_leaf(&f->hasher, &leaves[i], &i, sizeof(i));
	if (level >= RECEIPT_PUBLISHED)
		merkle_leaf(&f->hasher, &leaves[size - 1], head, sizeof(head));
	merkle_leaf(&f->hasher, &leaves[seq], line, parts.entry_len);
	merkle_root(&f->hasher, &root, leaves, (size_t)size);
	assert_int_equal(merkle_prove_inclusion(&f->hasher, proof, &parts.inclusion_len, seq, size, leaf_at, leaves),
			 0);
	assert_int_equal(checkpoint_sign(note, &parts.checkpoint_len, size, &root, &f->log_key, f->log_secret), 0);
	if (level >= RECEIPT_PUBLISHED) {
		assert_int_equal(merkle_prove_inclusion(&f->hasher, head_proof, &parts.head_inclusion_len, size - 1,
							size, leaf_at, leaves),
				 0);
		parts.head_entry = head;
		parts.head_entry_len = sizeof(head);
		parts.head_inclusion = head_proof;
	}
	parts.payload = item.content.payload;
	parts.payload_len = item.content.payload_len;
	parts.evidence = item.admission.evidence;
	parts.evidence_len = item.admission.evidence_len;
	parts.chain_id = FIXTURE_CHAIN;
	parts.block_number = ANCHOR_BLOCK;
	memcpy(parts.contract, contract, sizeof(contract));
	memcpy(parts.block_hash, block_hash, sizeof(block_hash));
	assert_int_equal(receipt_write(out, len, &parts), 0);
	fixture_item_clear(&item);
}

void fixture_policy(const struct fixture *f, struct receipt_policy *policy)
{
	memset(policy, 0, sizeof(*policy));
	assert_true(note_key_format(policy->vkey, &f->log_key) > 0);
	policy->has_anchor = true;
	policy->chain_id = FIXTURE_CHAIN;
	memcpy(policy->contract, contract, sizeof(contract));
	memcpy(policy->code_hash, code_hash, sizeof(code_hash));
}

void fixture_chain(const struct fixture *f, struct receipt_chain *chain, const uint8_t *receipt, size_t len,
		   const struct receipt_policy *policy)
{
	struct receipt_question q;
	struct receipt_view view;
	struct checkpoint checkpoint;
	char why[128];

	memset(chain, 0, sizeof(*chain));
	if (receipt_question(&q, receipt, len, policy))
		return;
	*chain = (struct receipt_chain){.has_chain_id = true,
					.has_code_hash = true,
					.has_root = true,
					.has_block_root = true,
					.has_block_hash = true,
					.has_safe = true,
					.has_finalized = true,
					.chain_id = FIXTURE_CHAIN,
					.safe = ANCHOR_BLOCK + 4,
					.finalized = ANCHOR_BLOCK + 2};
	memcpy(chain->code_hash, code_hash, sizeof(code_hash));
	if (q.block_number == ANCHOR_BLOCK)
		memcpy(chain->block_hash, block_hash, sizeof(block_hash));
	/* The contract knows the root of the checkpoint that was really signed, which is the one whose signature holds.
	 */
	if (!receipt_view_parse(&view, why, sizeof(why), receipt, len)) {
		if (!checkpoint_open(&checkpoint, view.checkpoint, strlen(view.checkpoint), &f->log_key))
			memcpy(chain->root, checkpoint.root.bytes, 32);
		memcpy(chain->block_root, chain->root, 32);
		receipt_view_clear(&view);
	}
}
