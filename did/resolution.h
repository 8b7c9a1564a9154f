#pragma once

/* The DID Resolution HTTP(S) binding (W3C DID Resolution, Candidate Recommendation 2026) of GET
 * /1.0/identifiers/{did-url}: errors, content negotiation, request parsing, and the result envelope. No I/O: the
 * handler resolves in between. */

#include "did/did.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum resolution_code {
	RESOLUTION_OK = 0,
	RESOLUTION_INVALID_DID,
	RESOLUTION_INVALID_DID_URL,
	RESOLUTION_INVALID_OPTIONS,
	RESOLUTION_NOT_FOUND,
	RESOLUTION_REPRESENTATION_NOT_SUPPORTED,
	RESOLUTION_INVALID_DID_DOCUMENT,
	RESOLUTION_METHOD_NOT_SUPPORTED,
	RESOLUTION_FEATURE_NOT_SUPPORTED,
	RESOLUTION_INTERNAL_ERROR,
};

struct resolution_error {
	const char *name;  /* "NOT_FOUND" */
	const char *type;  /* "https://www.w3.org/ns/did#NOT_FOUND" */
	const char *title; /* for people */
	int status;	   /* HTTP */
};

/* The row of the table; RESOLUTION_OK gives status 200 and empty texts; an unknown code gives INTERNAL_ERROR. */
const struct resolution_error *resolution_error(enum resolution_code code);

#define RESOLUTION_TYPE "application/did-resolution" /* Content-Type of the envelope, also of errors */
#define RESOLUTION_DOCUMENT_TYPE "application/did"   /* didResolutionMetadata.contentType, always */

struct resolution_accept {
	bool envelope;		  /* the result envelope, else the bare document */
	const char *content_type; /* a constant, for the Content-Type header */
};

/* Chooses by an Accept header (NULL when absent), by quality and then by order. Envelope: absent, any type,
 * application/did-resolution, application/ld+json with the did-resolution profile. Document: application/did, did+json,
 * did+ld+json, json, ld+json. An offer of an envelope wins over documents of the same quality (the Universal Resolver
 * names both and wants the envelope).
 *
 * Returns RESOLUTION_OK or RESOLUTION_REPRESENTATION_NOT_SUPPORTED (also for a malformed or over-long header). */
enum resolution_code resolution_negotiate(struct resolution_accept *out, const char *accept);

/* The same for /…/did.json: application/json unless the client names application/did, did+json, did+ld+json or ld+json
 * (the client that sends no Accept, or a type not served, gets application/json). Returns a constant Content-Type. */
const char *resolution_document_type(const char *accept);

struct resolution_options {
	bool has_version_id;
	uint64_t version_id; /* a block number */
	bool has_version_time;
	int64_t version_time;	 /* seconds since 1970 */
	bool no_cache;		 /* noCache=true */
	bool expand_relative;	 /* expandRelativeUrls=true; documents here are absolute already */
	struct did_slice accept; /* the option `accept`, decoded, empty when absent; takes the place of the header */
};

struct resolution_request {
	char text[DID_MAX + 1]; /* the DID URL after decoding, NUL-terminated */
	struct did_url url;	/* slices of text */
	char accept[128];
	struct resolution_options options;
};

#define RESOLUTION_DETAIL_SIZE 160

/* Reads the part of the path after /1.0/identifiers/ and the query, both as they stood in the request line (not
 * decoded). A path that begins with did%3A is decoded once and the query holds options; otherwise the query belongs to
 * the DID URL and its parameters are the options all the same. Checked in the order of the algorithm: DID syntax,
 * method (web and pkh are served), options known, options valid. A DID URL with a path is NOT_FOUND, one with a
 * fragment FEATURE_NOT_SUPPORTED, since dereferencing is not offered; did:pkh has no versions, so a version of one is
 * FEATURE_NOT_SUPPORTED. A duplicate parameter, and versionId beside versionTime, are INVALID_OPTIONS. That the
 * method-specific id is a good one is for did_web_parse(), agent_did_parse() and did_pkh_parse() to say.
 *
 * Out: detail a sentence when the result is not RESOLUTION_OK, else "".
 *
 * In: query may be NULL with length 0. */
enum resolution_code resolution_request_parse(struct resolution_request *out,
					      char detail[static RESOLUTION_DETAIL_SIZE], const char *path,
					      size_t path_len, const char *query, size_t query_len);

/* `YYYY-MM-DDThh:mm:ssZ` to seconds since 1970, nothing else (no fraction, no offset, no leap second), years 1970 to
 * 9999. Returns 0 or -EBADMSG. */
__attribute__((warn_unused_result)) int resolution_time_parse(int64_t *out, const char *text, size_t len);
/* The reverse, NUL-terminated; seconds outside those years give -EINVAL. */
__attribute__((warn_unused_result)) int resolution_time_format(char out[static 21], int64_t seconds);

/* Envelope of a success. document and document_metadata are borrowed (a reference is taken); metadata may be NULL for
 * {}. document NULL with {"deactivated":true} in the metadata is the 410 form. warnings: borrowed array for
 * didResolutionMetadata.warnings or NULL.
 *
 * Returns 0, -EINVAL, -ENOMEM. */
__attribute__((warn_unused_result)) int resolution_envelope(json_t **out, json_t *document, json_t *document_metadata,
							    json_t *warnings);

/* Envelope of an error: document null, document metadata {}, error {type, title, detail, status}; detail may be
 * NULL. */
__attribute__((warn_unused_result)) int resolution_error_envelope(json_t **out, enum resolution_code code,
								  const char *detail);
