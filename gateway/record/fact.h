#pragma once
/* What the gateway itself logs about agents (docs/formats.md section 4): identity facts, feedback, voids. Their uids are functions of the
 * facts, so that a fact is logged once however often its duty was killed; and the payload of a feedback entry. Pure. */
#include "did/agent_key.h"
#include "eth/keccak.h"

#include <stddef.h>
#include <stdint.h>

/* SHA-256("kedge/identity/v1" || 0x00 || key text || 0x00 || block hash) */
void fact_identity_uid(uint8_t out[static 32], const char *key, const uint8_t block[static 32]);
/* SHA-256("kedge/feedback/v1" || 0x00 || "eip155:C" || 0x00 || block hash || u64be(log index)) */
void fact_feedback_uid(uint8_t out[static 32], const char *chain, const uint8_t block[static 32], uint64_t log_index);
/* SHA-256("kedge/void/v1" || 0x00 || u64be(target)) */
void fact_void_uid(uint8_t out[static 32], uint64_t target);
void fact_hash(uint8_t out[static 32], const void *data, size_t len); /* SHA-256 */

enum fact_event { FACT_FEEDBACK, FACT_REVOKED, FACT_RESPONSE };

/* An event of a ReputationRegistry as the index keeps it. */
struct fact_feedback {
	enum fact_event event;
	struct eth_address registry;  /* the ReputationRegistry */
	struct eth_address client;    /* who gave the feedback */
	struct eth_address responder; /* FACT_RESPONSE only */
	const uint8_t *data;	      /* FEEDBACK and RESPONSE: the event's ABI data; REVOKED: the index, u64be */
	size_t len;
};

/* The payload: canonical JSON, *out malloc'd. A text that is not UTF-8, or holds NUL, stands as {"bytes":"0x..."}.
 * -EBADMSG: data of another shape; -EOVERFLOW: over 64 KiB; -ENOMEM. */
__attribute__((warn_unused_result)) int fact_feedback_payload(char **out, size_t *len, const struct fact_feedback *feedback);
