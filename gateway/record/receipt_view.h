/* A receipt's bytes taken apart, for the verifier: form only, nothing is believed yet. Private to the record. */
#pragma once

#include "anchor/merkle.h"
#include "gateway/record/receipt.h"
#include <jansson.h>

struct receipt_proof {
	size_t count;
	struct merkle_hash hashes[MERKLE_PROOF_MAX];
};

struct receipt_view {
	json_t *json; /* owned; the texts below borrow from it */
	enum receipt_level level;
	uint64_t seq;
	const char *entry;
	const char *checkpoint;
	json_t *payload;
	json_t *evidence;
	struct receipt_proof inclusion;
	const char *head_entry; /* NULL below `published` */
	struct receipt_proof head_inclusion;
	bool has_anchor;
	uint64_t chain_id;
	uint8_t contract[20];
	uint64_t block_number;
	uint8_t block_hash[32];
};

/* docs/formats.md §8: canonical bytes (one final line feed tolerated), known members only, the parts of its level and
 * no others. Returns 0; -EBADMSG with one line in why; -ENOMEM. On 0 the view is to be cleared. */
__attribute__((warn_unused_result)) int receipt_view_parse(struct receipt_view *v, char *why, size_t why_size,
							   const uint8_t *bytes, size_t len);
void receipt_view_clear(struct receipt_view *v);

/* "eip155:DECIMAL", no leading zeros. */
__attribute__((warn_unused_result)) int receipt_chain_parse(uint64_t *chain_id, const json_t *value);

/* Whether an object's members are just these (NULL-terminated list); a name in `optional` may be missing. */
bool receipt_members(json_t *object, const char *const *required, const char *const *optional);
