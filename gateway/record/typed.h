/*
 * What an attestation is by content (uid, payload) and what its agent signs (EIP-712, EIP-191). Pure.
 * Exact bytes: docs/formats.md §2 and §3.
 */
#pragma once

#include "anchor/merkle.h"
#include "eth/signature.h"
#include "gateway/record/attestation.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TYPED_TEXT_SIZE 4096u /* holds every EIP-191 text of a submission that parsed, with its NUL */

/* uid and payload of one submission; the attestation is canonicalised once for both. */
struct typed_content {
	uint8_t uid[32];
	uint8_t payload_hash[32];
	char *payload; /* owned, canonical JSON, not NUL-terminated */
	size_t payload_len;
};

/* Returns 0, -ENOMEM, or -EBADMSG if the JSON has no canonical form (which submission_parse has refused before). */
__attribute__((warn_unused_result)) int typed_content(struct merkle_hasher *hasher, struct typed_content *c,
						      const struct submission *s);
void typed_content_clear(struct typed_content *c);
/* The payload has a new owner. */
void typed_content_release(struct typed_content *c);

/* uid alone, from parts: attestation, and game, surface, salt where not NULL. Errors as above. */
__attribute__((warn_unused_result)) int typed_uid(struct merkle_hasher *hasher, uint8_t uid[static 32],
						  const json_t *attestation, const json_t *game, const char *surface,
						  const char *salt);

/* Everything a signature binds. Texts are NUL-terminated and borrowed. */
struct typed_fields {
	uint8_t uid[32];
	const char *log; /* origin */
	const char *issuer;
	const char *subject;
	const char *claim_type;
	const char *game_id; /* "" if absent */
	bool has_round;
	uint64_t round;
	uint64_t chain_id; /* of the issuer's registry */
};

void typed_fields_of(struct typed_fields *f, const struct submission *s, const char *origin,
		     const uint8_t uid[static 32]);

/* keccak256(0x1901 ‖ domain separator ‖ struct hash). */
void typed_eip712_digest(struct eth_hash *digest, const struct typed_fields *f);

/* The lines of docs/formats.md §3, NUL-terminated; *len without the NUL. -ENOSPC if size is too small. */
__attribute__((warn_unused_result)) int typed_eip191_text(char *text, size_t *len, size_t size,
							  const struct typed_fields *f);

/* keccak256(0x19 "Ethereum Signed Message:\n" ‖ length ‖ text). -ENOSPC as above. */
__attribute__((warn_unused_result)) int typed_eip191_digest(struct eth_hash *digest, const struct typed_fields *f);

/* The argument of eth_signTypedData_v4; a new reference, NULL without memory. round is a decimal text. */
json_t *typed_eip712_json(const struct typed_fields *f);

enum typed_method { TYPED_EIP712, TYPED_EIP191 };

/* "eip712" or "eip191", as in proof.type and the entry. */
const char *typed_method_text(enum typed_method method);

/*
 * The address that made `proof` ({"type":…,"signature":…}) over these fields: local ecrecover with s at most n/2 and v
 * 27 or 28. Returns 0, -EBADMSG if the proof's form is wrong, -EKEYREJECTED if nothing can be recovered.
 */
__attribute__((warn_unused_result)) int typed_recover(const struct signature_context *context,
						      struct eth_address *signer, enum typed_method *method,
						      const json_t *proof, const struct typed_fields *f);
