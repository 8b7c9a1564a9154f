#pragma once
/* A change of a participant: what signed messages say together, and the payload that the log keeps of it (docs/formats.md
 * section 15). Pure. Whether the participant may change so is state.h's word, whose signatures they are verify.h's. */
#include "did/participant_document.h"
#include "did/participant_statement.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PARTICIPANT_SIGNERS_MAX = 2,
	PARTICIPANT_SIGNATURE_MAX = 1024, /* bytes: what contract wallets of many owners need */
	PARTICIPANT_PAYLOAD_MAX = 65536,
	PARTICIPANT_SALT_SIZE = 32,
};

struct participant_block {
	uint64_t number;
	uint8_t hash[32];
};

/* Where something was read that had to be the same at both. */
struct participant_read {
	struct participant_block safe, latest;
};

/* Who signed what. Texts are borrowed. */
struct participant_signer {
	struct eip155_account account;
	const char *message;
	size_t message_len;
	const char *signature; /* 0x and an even number of hex digits, lower case */
	size_t signature_len;
	uint8_t hash[32]; /* SHA-256 of the message */
	int64_t issued_ms, expires_ms;
	bool contract; /* judged by ERC-1271, at these blocks of its chain */
	struct participant_read judged;
};

enum participant_consent { PARTICIPANT_NO_CONSENT, PARTICIPANT_CONSENT_SIGNED, PARTICIPANT_CONSENT_LINKED };

struct participant_change {
	enum participant_verb verb;
	char handle[PARTICIPANT_HANDLE_SIZE]; /* "" in a lapse */
	struct participant_object object;     /* content is not set when read from a payload */
	bool controller;		      /* the role of the account that is linked */
	struct participant_signer signers[PARTICIPANT_SIGNERS_MAX]; /* ascending by hash */
	size_t nsigners;
	const json_t *profile; /* borrowed; of PARTICIPANT_PROFILE */
	bool has_owner;	       /* the agent's owner was read */
	struct eth_address owner;
	struct participant_read read;
	enum participant_consent consent; /* of linking an agent */
	uint64_t link;			  /* of a lapse: seq of the entry that made the link, */
	struct participant_block final;	  /* and where its owner was another */
	uint8_t salt[PARTICIPANT_SALT_SIZE];
	json_t *json; /* what the texts are borrowed from, if it was read from a payload */
};
void participant_change_clear(struct participant_change *change);

/* Why messages make no change: a word of rule.h, and where. */
struct participant_refusal {
	const char *rule;
	int message;	     /* index of the message at fault, -1: of none alone */
	enum siwe_part part; /* of message-form: what is wrong in it */
	char pointer[PARTICIPANT_POINTER_SIZE]; /* of profile-form, into the profile */
	const char *why;			/* of profile-form, a sentence */
};

/* A message as sent. */
struct participant_signed {
	const char *message;
	size_t message_len;
	const char *signature; /* as struct participant_signer */
	size_t signature_len;
};

/* Reads one or two messages, and a profile (NULL: none), which all live as long as the change. Whether it is time for them is
 * participant_change_timely()'s question.
 * Returns 0, or -EBADMSG with *why filled. */
__attribute__((warn_unused_result)) int participant_change_make(struct participant_change *out, struct participant_refusal *why,
								const struct participant_signed *list, size_t n,
								const json_t *profile, const struct participant_terms *terms);

/* 0, or -EBADMSG with *why: not-yet-valid, expired. */
__attribute__((warn_unused_result)) int participant_change_timely(struct participant_refusal *why,
								  const struct participant_change *change, int64_t now_ms);

/* Of a change by messages: SHA-256("kedge/change/v1" 0x00 hashes); of a lapse: of its link. */
void participant_change_uid(uint8_t out[static 32], const struct participant_change *change);
/* SHA-256("kedge/erasure/v1" 0x00 u64be(target)) */
void participant_erasure_uid(uint8_t out[static 32], uint64_t target);
/* SHA-256("kedge/handle/v1" 0x00 handle): what is kept of a handle for ever. */
void participant_change_handle_hash(uint8_t out[static 32], const char *handle);

/* The payload: canonical JSON, *out malloc'd. -EOVERFLOW over PARTICIPANT_PAYLOAD_MAX; -ENOMEM; -EINVAL what none can hold. */
__attribute__((warn_unused_result)) int participant_payload_write(char **out, size_t *len, const struct participant_change *change);
/* Reads exactly what participant_payload_write() writes. -EBADMSG, -ENOMEM. On success participant_change_clear() is due. */
__attribute__((warn_unused_result)) int participant_payload_read(struct participant_change *out, const char *text, size_t len);
