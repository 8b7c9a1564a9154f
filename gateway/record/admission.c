#include "gateway/record/admission.h"
#include "eth/hex.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *admission_role_text(enum authority_role role)
{
	return role == AUTHORITY_WALLET ? "wallet" : "owner";
}

int admission_signature(const struct signature_context *context, struct admission *a, struct refusal *why,
			const struct submission *s, const char *origin, const uint8_t uid[static 32])
{
	struct typed_fields fields;

	typed_fields_of(&fields, s, origin, uid);
	if (!typed_recover(context, &a->signer, &a->method, s->proof, &fields))
		return 0;
	refusal_set(why, REFUSAL_SIGNATURE, "/proof/signature",
		    "no key can be recovered: v is 27 or 28, r and s are in range, s is at most n/2");
	return -EKEYREJECTED;
}

static bool speaks(const struct authority_at *at, const struct eth_address *signer)
{
	return at->exists && !address_is_zero(signer) &&
	       (address_equal(&at->wallet, signer) || address_equal(&at->owner, signer));
}

/* What is wrong in words that say what to do next; the verdict itself is authority_role's. */
static int refuse_authority(struct refusal *why, const struct admission *a, const struct submission *s,
			    const struct authority *issuer)
{
	char signer[ADDRESS_TEXT_SIZE];
	const char *what = "is neither wallet nor owner of";

	address_format_lower(signer, &a->signer);
	if (!issuer->safe.exists) {
		refusal_set(why, REFUSAL_AUTHORITY, "/attestation/issuer",
			    "%s does not exist at the safe block %" PRIu64, s->issuer, issuer->safe_block.number);
		return -EKEYREJECTED;
	}
	if (speaks(&issuer->safe, &a->signer))
		what = "is no longer, at the latest block, wallet or owner of";
	else if (speaks(&issuer->latest, &a->signer))
		what = "is not yet, at the safe block, wallet or owner of";
	refusal_set(why, REFUSAL_AUTHORITY, "/proof/signature", "the signer %s %s %s", signer, what, s->issuer);
	return -EKEYREJECTED;
}

static size_t agent_text(char *out, size_t size, const struct authority_at *at)
{
	char owner[ADDRESS_TEXT_SIZE], wallet[ADDRESS_TEXT_SIZE];

	address_format_lower(owner, &at->owner);
	address_format_lower(wallet, &at->wallet);
	return (size_t)snprintf(out, size, "{\"owner\":\"%s\",\"wallet\":\"%s\"}", owner, wallet);
}

static size_t block_text(char *out, size_t size, const struct heads_block *block)
{
	char hash[HEX_DATA_SIZE(32)];

	hex_encode_data(hash, block->hash.bytes, sizeof(block->hash.bytes));
	return (size_t)snprintf(out, size, "{\"hash\":\"%s\",\"number\":%" PRIu64 "}", hash, block->number);
}

/* A subject of another chain was read at a block of that chain. */
static void subject_text(char *out, size_t size, const struct admission *a, const struct submission *s,
			 const struct authority *subject)
{
	char owner[ADDRESS_TEXT_SIZE], block[128];

	address_format_lower(owner, &subject->safe.owner);
	block_text(block, sizeof(block), &subject->safe_block);
	if (s->subject_key.chain == a->chain_id)
		(void)snprintf(out, size, "{\"owner\":\"%s\"}", owner);
	else
		(void)snprintf(out, size, "{\"chain\":\"eip155:%" PRIu64 "\",\"owner\":\"%s\",\"safe\":%s}",
			       s->subject_key.chain, owner, block);
}

/* docs/formats.md §2 "evidence", canonical by construction. */
static void write_evidence(struct merkle_hasher *hasher, struct admission *a, const struct submission *s,
			   const struct admission_facts *facts)
{
	char latest[128], safe[128], latest_block[128], safe_block[128], signer[ADDRESS_TEXT_SIZE], subject[256];
	struct merkle_hash hash;

	agent_text(latest, sizeof(latest), &facts->issuer.latest);
	agent_text(safe, sizeof(safe), &facts->issuer.safe);
	block_text(latest_block, sizeof(latest_block), &facts->issuer.latest_block);
	block_text(safe_block, sizeof(safe_block), &facts->issuer.safe_block);
	address_format_lower(signer, &a->signer);
	subject_text(subject, sizeof(subject), a, s, &facts->subject);
	a->evidence_len = (size_t)snprintf(
		a->evidence, sizeof(a->evidence),
		"{\"chain\":\"eip155:%" PRIu64 "\",\"issuer\":{\"latest\":%s,\"safe\":%s},\"latest\":%s,\"safe\":%s,"
		"\"sameOwner\":%s,\"signer\":\"%s\",\"subject\":%s,\"v\":1}",
		a->chain_id, latest, safe, latest_block, safe_block, a->same_owner ? "true" : "false", signer, subject);
	merkle_sha256(hasher, &hash, a->evidence, a->evidence_len);
	memcpy(a->evidence_hash, hash.bytes, 32);
}

static bool is_one_reading(const struct authority *a, const struct authority *b)
{
	return memcmp(&a->safe_block.hash, &b->safe_block.hash, sizeof(a->safe_block.hash)) == 0 &&
	       memcmp(&a->latest_block.hash, &b->latest_block.hash, sizeof(a->latest_block.hash)) == 0;
}

int admission_authority(struct merkle_hasher *hasher, struct admission *a, struct refusal *why,
			const struct submission *s, const struct admission_facts *facts)
{
	const struct authority *issuer = &facts->issuer, *subject = &facts->subject;

	if (issuer->err || subject->err || (s->issuer_key.chain == s->subject_key.chain && !is_one_reading(issuer, subject))) {
		refusal_set(why, REFUSAL_CHAIN, "", "the state of issuer and subject could not be read at one block");
		return -EAGAIN;
	}
	a->role = authority_role(issuer, &a->signer);
	if (a->role == AUTHORITY_NONE)
		return refuse_authority(why, a, s, issuer);
	if (!subject->safe.exists) {
		refusal_set(why, REFUSAL_SUBJECT, "/attestation/subject",
			    "%s does not exist at the safe block %" PRIu64, s->subject, subject->safe_block.number);
		return -EKEYREJECTED;
	}
	a->chain_id = s->issuer_key.chain;
	a->safe = issuer->safe_block;
	a->same_owner = address_equal(&issuer->safe.owner, &subject->safe.owner);
	write_evidence(hasher, a, s, facts);
	return 0;
}
