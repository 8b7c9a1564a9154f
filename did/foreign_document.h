#pragma once

/* The DID document of somebody else's host: hostile bytes until this has looked at them. Shape only: what it says is its author's
 * word, and nothing in it is fetched, @context included (DID 1.1 sections 4 and 5; Controlled Identifiers 1.0 sections 2 and 3.3). */

#include <jansson.h>
#include <stddef.h>

enum {
	FOREIGN_DOCUMENT_MAX = 65536, /* bytes (rule F5) */
	FOREIGN_DOCUMENT_DEPTH = 16,
	FOREIGN_DOCUMENT_WHY_SIZE = 384,
};

/* Reads and checks a document that was found for did. Refused: what jcs_parse() refuses (no JSON, duplicate names, broken UTF-8, more
 * than 16 levels), more than 64 KiB, what is no object; an `id` that is not did, byte by byte; members of the wrong type; and where a DID
 * URL must stand, one that is relative or none (did:web: "all DID URLs … absolute"). Known members are @context, alsoKnownAs,
 * controller, verificationMethod, the five relationships and service; others may be anything. Two verification methods or services of one id
 * are refused: they would be one to some and the other to others.
 *
 * Out: *out a new reference, NULL on failure; why a sentence in ASCII on failure, else "".
 *
 * Returns 0, -EBADMSG, -ENOMEM. */
__attribute__((warn_unused_result)) int foreign_document_parse(json_t **out, char why[static FOREIGN_DOCUMENT_WHY_SIZE], const void *bytes,
							       size_t len, const char *did);
