#pragma once

/* The DID document of a participant (docs/formats.md section 15). Pure: which links hold is the caller's knowledge. It stays
 * within DID_DOCUMENT_MAX bytes when written by json_dumps(JSON_COMPACT), whatever the input. */

#include "did/agent_document.h"
#include "did/did_pkh.h"
#include "did/participant_handle.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define PARTICIPANT_PROFILE_MAX 2048 /* bytes of the canonical JSON of a profile */

struct participant_account {
	struct eip155_account account;
	bool controller;
};

struct participant_document {
	const char *handle;
	const struct participant_account *accounts; /* in the order they were linked */
	size_t naccounts;
	const struct agent_key *agents; /* those whose link holds now */
	size_t nagents;
	const char *const *foreign; /* those that list this participant */
	size_t nforeign;
	const json_t *profile; /* borrowed; NULL or {}: none */
};

/* Fragment of an account's verification method, "eip155-8453-0x…" in lower case, NUL-terminated. */
void participant_fragment(char out[static DID_PKH_TEXT_SIZE], const struct eip155_account *account);

/* Takes in this order what fits: the first controller's key, the profile, the other keys, accounts, agents, foreign DIDs.
 *
 * Out: *document a new reference; *left_out (may be NULL) an array of the ids that did not fit, NULL when all did.
 *
 * Returns 0, -EINVAL (the host), -ENOMEM. */
__attribute__((warn_unused_result)) int participant_document_build(json_t **document, json_t **left_out,
								   const struct participant_document *participant,
								   const struct agent_defaults *defaults);

/* Whether it is a profile; {} is one too.
 * Returns 0, or -EBADMSG with the RFC 6901 pointer of what is wrong and why (a sentence), -EOVERFLOW over PARTICIPANT_PROFILE_MAX. */
#define PARTICIPANT_POINTER_SIZE 64
__attribute__((warn_unused_result)) int participant_profile_check(char pointer[static PARTICIPANT_POINTER_SIZE], const char **why,
								  const json_t *profile);
