/* What the record's tests share: a host, two agents with keys, signed submissions, and logs small enough to hold whole.
 */
#pragma once

#include "anchor/checkpoint.h"
#include "gateway/record/admission.h"
#include "gateway/record/attestation.h"
#include "gateway/record/receipt.h"
#include "gateway/record/receipt_verify.h"
#include "gateway/record/typed.h"

#define FIXTURE_ORIGIN "localhost:8004/log"
#define FIXTURE_CHAIN 31337u

struct fixture {
	struct record_names names;
	struct merkle_hasher hasher;
	struct signature_context *secp;
	uint8_t key[32]; /* of agent 0's wallet */
	struct eth_address wallet;
	struct eth_address owner;
	struct note_key log_key;
	uint8_t log_secret[64];
	const char *issuer, *subject; /* as submissions name them; at first agents 0 and 1 in two short forms */
};

void fixture_init(struct fixture *f);
void fixture_clear(struct fixture *f);

/* Agent 0 about agent 1; number makes it unique; method eip712 or eip191. The text is malloc'd. */
char *fixture_submission(struct fixture *f, unsigned number, enum typed_method method);

/* A submission text that went through parse, signature and authority. Clears nothing on failure: it asserts. */
struct fixture_item {
	struct submission s;
	struct typed_content content;
	struct admission admission;
};
void fixture_item(struct fixture *f, struct fixture_item *item, unsigned number, enum typed_method method);
void fixture_item_clear(struct fixture_item *item);

void fixture_facts(const struct fixture *f, struct admission_facts *facts);

/* A receipt at that level in a log of `size` entries where the attestation stands at seq; above `logged` the last entry
 * is an index head. */
void fixture_receipt(struct fixture *f, char **out, size_t *len, enum receipt_level level, uint64_t seq, uint64_t size,
		     enum typed_method method);
void fixture_policy(const struct fixture *f, struct receipt_policy *policy);
/* What an honest chain answers to a question about any fixture receipt. */
void fixture_chain(const struct fixture *f, struct receipt_chain *chain, const uint8_t *receipt, size_t len,
		   const struct receipt_policy *policy);
