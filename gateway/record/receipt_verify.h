/*
 * The verifier: receipt bytes and the verifier's own policy in, one line a check out. Pure; `kedge verify` brings the
 * files and, if the policy names an RPC, what the chain said. Receipts: docs/formats.md §8; policy: §9.
 *
 * Any changed byte of a receipt makes a check fail: the bytes must be the canonical form, unknown members are refused,
 * and every value is bound by a hash, a signature or the chain.
 */
#pragma once

#include "did/agent_key.h"
#include "gateway/identity/layout.h"
#include "gateway/record/receipt.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_TEXT_SIZE 512u
#define RECEIPT_CHECKS_MAX 24u
#define POLICY_REGISTRIES_MAX 16u

struct receipt_policy {
	char vkey[POLICY_TEXT_SIZE];
	bool has_anchor;
	uint64_t chain_id;
	uint8_t contract[20];
	uint8_t code_hash[32];
	char rpc[POLICY_TEXT_SIZE]; /* "" if absent */
	uint64_t quorum;	    /* 0; others are refused until witnesses exist */
	struct eth_hash registry_codes[LAYOUT_CODES_MAX]; /* for agent proofs; the one known code if the policy names none */
	size_t nregistry_codes;
	bool names_registries; /* for agent proofs: one of another registry fails; without, none is confirmed */
	struct agent_key registries[POLICY_REGISTRIES_MAX]; /* id 0; the first is what a mere id means, or the first of a chain */
	size_t nregistries;
};

/* policy.json. -EBADMSG with one line in why (unknown member, wrong form), -ENOMEM. */
__attribute__((warn_unused_result)) int receipt_policy_parse(struct receipt_policy *p, char *why, size_t why_size,
							     const uint8_t *bytes, size_t len);

/*
 * What to ask the chain about a receipt, before verifying it. `contract` and `chain_id` are the policy's, never the
 * receipt's. Returns 0; -ENOENT if there is nothing to ask (no anchor part, or no anchor in the policy); -EBADMSG if
 * unreadable.
 */
struct receipt_question {
	uint64_t chain_id;
	uint8_t contract[20];
	uint64_t size;	       /* roots[size], read at `safe` */
	uint64_t block_number; /* the hash of this block */
};
__attribute__((warn_unused_result)) int receipt_question(struct receipt_question *q, const uint8_t *bytes, size_t len,
							 const struct receipt_policy *policy);

/* What the chain said; a member whose has_ is false was not answered, and its check is `unconfirmed`. */
struct receipt_chain {
	bool has_chain_id, has_code_hash, has_root, has_block_root, has_final_root, has_block_hash, has_safe, has_finalized;
	uint64_t chain_id;	/* eth_chainId */
	uint8_t code_hash[32];	/* keccak256 of eth_getCode(contract, safe) */
	uint8_t root[32];	/* contract.roots(size) at safe; zero if none */
	uint8_t block_root[32]; /* the same at the receipt's block: what its statement is about; zero also where no contract was */
	uint8_t final_root[32]; /* the same at finalized: confirms `final` where a node does not keep that block's state */
	uint8_t block_hash[32]; /* canonical hash at block_number; zero if there is no such block */
	uint64_t safe;
	uint64_t finalized;
};

enum receipt_verdict { RECEIPT_OK, RECEIPT_FAILED, RECEIPT_UNCONFIRMED };

struct receipt_check {
	const char *name; /* "form", "entry", "inclusion", "checkpoint", "head", "payload", "uid", "names", "signature",
			     "authority", "evidence", "level", "anchor" … */
	enum receipt_verdict verdict;
	char text[256]; /* one line for people; printable ASCII */
};

struct receipt_report {
	size_t count;
	struct receipt_check check[RECEIPT_CHECKS_MAX];
	bool failed;		  /* any check failed: exit 1 */
	bool confirmed;		  /* !failed and at least `logged` holds */
	enum receipt_level level; /* the highest level that was confirmed; meaningless unless confirmed */
	/* what was confirmed, for people; "" where unreadable */
	char uid[65];
	char issuer[192];
	char subject[192];
	uint64_t seq;
	uint64_t size;
};

/* Always fills *r. chain NULL: nothing was asked. */
void receipt_verify(struct receipt_report *r, const uint8_t *bytes, size_t len, const struct receipt_policy *policy,
		    const struct receipt_chain *chain);

/* "ok", "FAILED", "unconfirmed". */
const char *receipt_verdict_text(enum receipt_verdict verdict);
