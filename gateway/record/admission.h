/*
 * Whether a signed item may enter the log, and what was read to decide it (DESIGN §5.2, docs/formats.md §2 evidence).
 *
 * Everything here is pure: the caller asks the chain (gateway/identity/authority.h) about issuer and subject at the
 * newest `safe` block and at `latest`, and brings the answers. This issue checks by local ecrecover only: a signer that
 * is no such key is refused, contracts included.
 *
 * The rule: the signer is wallet or owner at `safe`, and wallet or owner at `latest` too (not revoked meanwhile). The
 * recorded role is the one at `safe`; wallet wins when both match. The subject exists at `safe`.
 */
#pragma once

#include "eth/signature.h"
#include "gateway/identity/authority.h"
#include "gateway/record/attestation.h"
#include "gateway/record/refusal.h"
#include "gateway/record/typed.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADMISSION_EVIDENCE_SIZE 1024u

/* The verdicts of authority_get_many() about both agents. */
struct admission_facts {
	struct authority issuer;
	struct authority subject;
};

struct admission {
	struct eth_address signer;
	enum typed_method method;
	enum authority_role role;
	bool same_owner; /* at safe */
	struct heads_block safe;
	uint64_t chain_id;
	size_t evidence_len;
	uint8_t evidence_hash[32];
	char evidence[ADMISSION_EVIDENCE_SIZE]; /* canonical JSON, NUL-terminated */
};

/*
 * Step 1, before the chain is asked: who signed. Fills signer and method.
 * Returns 0, or -EKEYREJECTED with *why (rule `signature`).
 */
__attribute__((warn_unused_result)) int admission_signature(const struct signature_context *context,
							    struct admission *a, struct refusal *why,
							    const struct submission *s, const char *origin,
							    const uint8_t uid[static 32]);

/*
 * Step 2: was that key the issuer's, and is there such a subject. Fills the rest of *a.
 * Returns 0; -EKEYREJECTED with *why (rules `authority`, `subject`); -EAGAIN with *why (503) if the chain could not be
 * asked or the two answers were read at different blocks (then ask again).
 */
__attribute__((warn_unused_result)) int admission_authority(struct merkle_hasher *hasher, struct admission *a,
							    struct refusal *why, const struct submission *s,
							    const struct admission_facts *facts);

/* "wallet" or "owner", as in the entry. */
const char *admission_role_text(enum authority_role role);
