#pragma once

/* What an account signs to change a participant (docs/formats.md section 15): an ERC-4361 message of which every byte follows from
 * what it says, so that a message has one meaning and a meaning, with its times and nonce, one message.
 *
 * Reading takes a message apart, builds it again from the parts and compares; what differs is refused by a rule of its own.
 * Whether it is time for it, whether it was used before and whose signature stands under it are the caller's questions. */

#include "did/agent_key.h"
#include "did/did_pkh.h"
#include "did/participant_handle.h"
#include "did/siwe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum participant_verb {
	PARTICIPANT_CLAIM,   /* a new participant, of which the account is the first controller */
	PARTICIPANT_LINK,    /* OBJECT */
	PARTICIPANT_UNLINK,  /* OBJECT */
	PARTICIPANT_PROFILE, /* the profile with this hash */
	PARTICIPANT_ERASE,
	PARTICIPANT_LAPSE, /* OBJECT; the gateway's own word, which no message says */
};

enum participant_object_kind {
	PARTICIPANT_NOTHING,
	PARTICIPANT_ACCOUNT, /* did:pkh:eip155:C:0x…, EIP-55 */
	PARTICIPANT_AGENT,   /* an agent DID of this host */
	PARTICIPANT_FOREIGN, /* a did:web of another host, lower-case host, no escape but its port's %3A */
	PARTICIPANT_CONTENT, /* urn:kedge:v1:content:SHA-256 */
};

#define PARTICIPANT_OBJECT_SIZE AGENT_DID_SIZE /* with its NUL */
#define PARTICIPANT_FOREIGN_MAX 255	       /* bytes of a foreign DID that may be linked */

struct participant_object {
	enum participant_object_kind kind;
	char text[PARTICIPANT_OBJECT_SIZE]; /* as it stands in messages, NUL-terminated; "" for NOTHING */
	struct eip155_account account;	    /* of ACCOUNT */
	struct agent_key agent;		    /* of AGENT */
	uint8_t content[32];		    /* of CONTENT */
};

#define PARTICIPANT_NONCE_MIN 16
#define PARTICIPANT_NONCE_MAX 64
#define PARTICIPANT_EXPIRY_MAX_MS (INT64_C(24) * 3600 * 1000) /* after Issued At */
#define PARTICIPANT_AHEAD_MAX_MS (INT64_C(5) * 60 * 1000)     /* Issued At after now */

/* An instant that is written as YYYY-MM-DDThh:mm:ssZ, or with milliseconds as ….mmmZ. */
struct participant_time {
	int64_t ms; /* since 1970 */
	bool fraction;
};

struct participant_statement {
	enum participant_verb verb;
	char handle[PARTICIPANT_HANDLE_SIZE];
	struct participant_object object;
	bool controller;	       /* the role asked for the account that is linked */
	struct eip155_account account; /* who signs */
	char nonce[PARTICIPANT_NONCE_MAX + 1];
	struct participant_time issued, expires;
};

/* Why a text is no such message; each has a word of its own. */
enum participant_fault {
	PARTICIPANT_FINE = 0,
	PARTICIPANT_NOT_A_MESSAGE,     /* not ERC-4361 */
	PARTICIPANT_WRONG_DOMAIN,      /* signed for another host, or with a scheme */
	PARTICIPANT_WRONG_URI,	       /* not a participant of this host */
	PARTICIPANT_BAD_HANDLE,	       /* no handle stands in the URI */
	PARTICIPANT_HANDLE_CASE,       /* not in lower case */
	PARTICIPANT_RESERVED_HANDLE,
	PARTICIPANT_WRONG_CHAIN,       /* not served here */
	PARTICIPANT_BAD_NONCE,	       /* fewer than 16 characters, or more than 64 */
	PARTICIPANT_BAD_TIME,	       /* another spelling of a time */
	PARTICIPANT_NO_EXPIRY,
	PARTICIPANT_BAD_EXPIRY,	       /* not after Issued At, or over 24 hours after it */
	PARTICIPANT_UNEXPECTED_LINE,   /* Not Before, Request ID */
	PARTICIPANT_UNKNOWN_VERB,
	PARTICIPANT_OBJECT_MISSING,
	PARTICIPANT_OBJECT_UNEXPECTED,
	PARTICIPANT_BAD_OBJECT,	       /* none of the forms above, or not one the verb takes */
	PARTICIPANT_ROLE_UNEXPECTED,   /* a role where no account is linked */
	PARTICIPANT_BAD_RESOURCES,     /* more of them, or others */
	PARTICIPANT_TAMPERED,	       /* another sentence than the one for this change */
	PARTICIPANT_OTHER_SPELLING,    /* the rest says the same, but not byte for byte */
	PARTICIPANT_NOT_YET_VALID,     /* participant_statement_timely() */
	PARTICIPANT_EXPIRED,
	PARTICIPANT_FAULTS
};

/* "wrong-domain", …; "" for FINE. */
const char *participant_fault_word(enum participant_fault fault);
/* "claim", …; and back. Returns 0 or -EBADMSG. */
const char *participant_verb_word(enum participant_verb verb);
__attribute__((warn_unused_result)) int participant_verb_parse(enum participant_verb *out, const char *text, size_t len);

/* Which chains' accounts may sign, and what names mean. */
struct participant_terms {
	const struct agent_defaults *agents; /* host among them */
	const uint64_t *chains;
	size_t nchains;
};

/* Reads an object in exactly the forms of enum participant_object_kind. Whether an agent's registry is served is not asked.
 * Returns 0 or -EBADMSG. */
__attribute__((warn_unused_result)) int participant_object_parse(struct participant_object *out, const char *text, size_t len,
								 const struct participant_terms *terms);
void participant_object_account(struct participant_object *out, const struct eip155_account *account);
void participant_object_content(struct participant_object *out, const uint8_t hash[static 32]);

/* Whether the verb takes an object of this kind. */
bool participant_verb_takes(enum participant_verb verb, enum participant_object_kind kind);

/* The message, not NUL-terminated, of at most SIWE_MESSAGE_MAX bytes.
 * Returns 0; -EINVAL (a part that cannot stand in one, a host that is none), -ENOSPC. */
__attribute__((warn_unused_result)) int participant_statement_format(char *out, size_t *len, size_t cap,
								     const struct participant_statement *statement,
								     const struct participant_terms *terms);

/* Returns 0, or -EBADMSG with *fault. *part (may be NULL): for PARTICIPANT_NOT_A_MESSAGE, where. */
__attribute__((warn_unused_result)) int participant_statement_read(struct participant_statement *out, enum participant_fault *fault,
								   enum siwe_part *part, const char *text, size_t len,
								   const struct participant_terms *terms);

/* PARTICIPANT_FINE, PARTICIPANT_NOT_YET_VALID or PARTICIPANT_EXPIRED. */
enum participant_fault participant_statement_timely(const struct participant_statement *statement, int64_t now_ms);
