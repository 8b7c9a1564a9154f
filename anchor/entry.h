/* Entries: the log's lines, written from one fixed template a kind (docs/formats.md section 4), so that equal facts
 * give equal bytes and a contract can rebuild a line. No escaping: texts hold only [a-z0-9:/-]. A line has no line
 * feed.
 *
 * Every parser is strict: it accepts exactly what its formatter writes, and proves it by writing it again. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "anchor/merkle.h"

#define ENTRY_TEXT_MAX 191   /* bytes of a key text; the longest legal CAIP-19 agent has 170 */
#define ENTRY_CHAIN_MAX 39   /* "eip155:" and at most 32 digits (CAIP-2) */
#define ENTRY_LINE_MAX 1024  /* no line of any kind is longer */
#define ENTRY_INDEX_SIZE 271 /* of every index head */

enum entry_kind {
	ENTRY_ATTESTATION,
	ENTRY_INDEX,
	ENTRY_IDENTITY,
	ENTRY_FEEDBACK,
	ENTRY_VOID,
	ENTRY_ALIAS,
	ENTRY_LINK,
	ENTRY_ERASURE
};
enum entry_method { ENTRY_EIP712, ENTRY_EIP191 }; /* "eip712" "eip191" */
enum entry_role { ENTRY_WALLET, ENTRY_OWNER };	  /* "wallet" "owner" */
enum entry_tier { ENTRY_RPC };			  /* "rpc" */

/* Numbers are below 2^53 (JSON integers). Texts are NUL-terminated. */
struct entry_attestation {
	uint64_t at; /* milliseconds since 1970 */
	struct {
		uint64_t block;
		char chain[ENTRY_CHAIN_MAX + 1]; /* "eip155:8453" */
		struct merkle_hash evidence;	 /* SHA-256 of the evidence object */
		uint8_t hash[32];		 /* of that block */
		enum entry_method method;
		enum entry_role role;
		enum entry_tier tier;
	} auth;
	char issuer[ENTRY_TEXT_MAX + 1];
	struct merkle_hash payload;
	char subject[ENTRY_TEXT_MAX + 1];
	struct merkle_hash uid;
};

/* A block of a chain. */
struct entry_block {
	char chain[ENTRY_CHAIN_MAX + 1]; /* "eip155:8453" */
	uint8_t hash[32];
	uint64_t number;
};

/* "events" "rpc" "quorum" "proof": how sure the fact is. */
enum entry_source { ENTRY_FROM_EVENTS, ENTRY_FROM_RPC, ENTRY_FROM_QUORUM, ENTRY_FROM_PROOF };

/* What a registry held about an agent at the end of a finalized block. */
struct entry_identity {
	uint64_t at;
	struct entry_block block;
	struct merkle_hash evidence; /* SHA-256 of the proof object; zero: none */
	uint8_t owner[20];
	char subject[ENTRY_TEXT_MAX + 1];
	enum entry_source source;
	struct merkle_hash uid; /* formats section 4 */
	struct merkle_hash uri; /* SHA-256 of the token URI's bytes */
	uint8_t wallet[20];	/* zero: none */
};

/* "feedback" "revoked" "response" */
enum entry_event { ENTRY_EVENT_FEEDBACK, ENTRY_EVENT_REVOKED, ENTRY_EVENT_RESPONSE };

/* An event of the ERC-8004 ReputationRegistry in a finalized block; its content is the payload. */
struct entry_feedback {
	uint64_t at;
	struct entry_block block;
	enum entry_event event;
	char issuer[ENTRY_TEXT_MAX + 1]; /* the account that spoke, CAIP-10 in lower case */
	uint64_t log;			 /* index in the block */
	struct merkle_hash payload;
	char subject[ENTRY_TEXT_MAX + 1];
	uint8_t tx[32];
	struct merkle_hash uid;
};

/* The block an attestation was admitted at is not the canonical one. */
struct entry_void {
	uint64_t at;
	struct entry_block block; /* the finalized block of that number */
	char subject[ENTRY_TEXT_MAX + 1];
	uint64_t target; /* seq of the attestation */
	struct merkle_hash uid;
};

/* A change of a participant; what it is stands in the payload. Of kind alias or link. */
struct entry_change {
	uint64_t at;
	struct merkle_hash payload;
	char subject[ENTRY_TEXT_MAX + 1]; /* "urn:kedge:p:…" */
	struct merkle_hash uid;
};

enum entry_by { ENTRY_BY_PARTICIPANT, ENTRY_BY_OPERATOR };		   /* "participant" "operator" */
enum entry_reason { ENTRY_FOR_REQUEST, ENTRY_FOR_LAW, ENTRY_FOR_MISTAKE }; /* "request" "law" "mistake" */

/* The payload of an entry is gone. */
struct entry_erasure {
	uint64_t at;
	enum entry_by by;
	enum entry_reason reason;
	struct merkle_hash request;	  /* formats section 4; zero: nothing on paper */
	char subject[ENTRY_TEXT_MAX + 1]; /* the target's */
	uint64_t target;		  /* its seq */
	struct merkle_hash uid;
};

/* Numbers up to UINT64_MAX in 20 digits. */
struct entry_index {
	uint64_t at; /* milliseconds since 1970 */
	uint8_t block_hash[32];
	uint64_t block_number;
	struct merkle_hash map;
	uint64_t size; /* entries before it = its own seq */
};

/* Not NUL-terminated; *len is the length. 0; -EINVAL for a text or number the template cannot hold; -ENOSPC
 * (ENTRY_LINE_MAX always suffices). */
__attribute__((warn_unused_result)) int entry_attestation_format(char *out, size_t size, size_t *len,
								 const struct entry_attestation *entry);
/* 0 or -EBADMSG. */
__attribute__((warn_unused_result)) int entry_attestation_parse(struct entry_attestation *entry, const char *line,
								size_t len);

/* The same for the other kinds. */
__attribute__((warn_unused_result)) int entry_identity_format(char *out, size_t size, size_t *len,
							      const struct entry_identity *entry);
__attribute__((warn_unused_result)) int entry_identity_parse(struct entry_identity *entry, const char *line, size_t len);
__attribute__((warn_unused_result)) int entry_feedback_format(char *out, size_t size, size_t *len,
							      const struct entry_feedback *entry);
__attribute__((warn_unused_result)) int entry_feedback_parse(struct entry_feedback *entry, const char *line, size_t len);
__attribute__((warn_unused_result)) int entry_void_format(char *out, size_t size, size_t *len,
							  const struct entry_void *entry);
__attribute__((warn_unused_result)) int entry_void_parse(struct entry_void *entry, const char *line, size_t len);
__attribute__((warn_unused_result)) int entry_alias_format(char *out, size_t size, size_t *len,
							   const struct entry_change *entry);
__attribute__((warn_unused_result)) int entry_alias_parse(struct entry_change *entry, const char *line, size_t len);
__attribute__((warn_unused_result)) int entry_link_format(char *out, size_t size, size_t *len,
							  const struct entry_change *entry);
__attribute__((warn_unused_result)) int entry_link_parse(struct entry_change *entry, const char *line, size_t len);
__attribute__((warn_unused_result)) int entry_erasure_format(char *out, size_t size, size_t *len,
							     const struct entry_erasure *entry);
__attribute__((warn_unused_result)) int entry_erasure_parse(struct entry_erasure *entry, const char *line, size_t len);

/* Always ENTRY_INDEX_SIZE bytes. */
void entry_index_format(char out[static ENTRY_INDEX_SIZE], const struct entry_index *entry);
/* 0 or -EBADMSG. */
__attribute__((warn_unused_result)) int entry_index_parse(struct entry_index *entry, const char *line, size_t len);

/* Which template the line follows (the whole line is parsed). 0; -EBADMSG if none. */
__attribute__((warn_unused_result)) int entry_kind(enum entry_kind *kind, const char *line, size_t len);
