#pragma once

/* The DID Resolution HTTP(S) binding (W3C DID Resolution, Candidate Recommendation of July 2026) of
 * /1.0/identifiers/{did-url}: errors, content negotiation, times, and the result's envelope. No I/O: the handler resolves
 * in between. What is asked for: resolution_request.h; what a DID URL names in a document: dereference.h. */

#include "did/jcs.h"

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
	RESOLUTION_INVALID_VERIFICATION_METHOD,			/* Controlled Identifiers 1.0, section 3.5: these two */
	RESOLUTION_INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD,
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
#define RESOLUTION_DEREFERENCING_TYPE "application/did-url-dereferencing" /* the same of a DID URL's */
#define RESOLUTION_DOCUMENT_TYPE "application/did"   /* contentType in the metadata of either, always */

/* What an answer looks like. */
enum resolution_form {
	RESOLUTION_RESULT,	  /* the resolution result: document and metadata */
	RESOLUTION_DEREFERENCING, /* the dereferencing result: content and metadata */
	RESOLUTION_CONTENT,	  /* the document, or the part of it that was asked for, alone */
	RESOLUTION_LOCATION,	  /* text/uri-list: 303 and the URL in Location */
};

struct resolution_accept {
	enum resolution_form form;
	const char *content_type; /* a constant, for the Content-Type header; "" for a location */
};

/* What there is to choose from. */
enum resolution_offer {
	RESOLUTION_OFFER_DOCUMENT, /* a bare DID */
	RESOLUTION_OFFER_PART,	   /* a DID URL that names a part of the document: no resolution result */
	RESOLUTION_OFFER_SERVICE,  /* one that selects services: a location too */
};

/* Chooses by an Accept header (NULL when absent), by quality and then by order. Result: absent, any type,
 * application/did-resolution, application/ld+json with the did-resolution profile. Dereferencing result: its type, and for a part
 * all that would give a result. Document: application/did, did+json, did+ld+json, json, ld+json. A form with metadata wins over
 * documents of the same quality (the Universal Resolver names both and wants the envelope).
 *
 * Returns RESOLUTION_OK or RESOLUTION_REPRESENTATION_NOT_SUPPORTED (also for a malformed or over-long header). */
enum resolution_code resolution_negotiate(struct resolution_accept *out, const char *accept, enum resolution_offer offer);

/* The same for /…/did.json: application/json unless the client names application/did, did+json, did+ld+json or ld+json
 * (the client that sends no Accept, or a type not served, gets application/json). Returns a constant Content-Type. */
const char *resolution_document_type(const char *accept);

/* `YYYY-MM-DDThh:mm:ssZ` to seconds since 1970, nothing else (no fraction, no offset, no leap second), years 1970 to
 * 9999. Returns 0 or -EBADMSG. */
__attribute__((warn_unused_result)) int resolution_time_parse(int64_t *out, const char *text, size_t len);
/* The reverse, NUL-terminated; seconds outside those years give -EINVAL. */
__attribute__((warn_unused_result)) int resolution_time_format(char out[static 21], int64_t seconds);

/* What answers are made of, as JSON text of len bytes; ptr NULL: absent. */
struct resolution_text {
	const char *ptr;
	size_t len;
};

/* Appends the result of a success: {"didDocument","didResolutionMetadata","didDocumentMetadata"}, or for a DID URL
 * {"dereferencingMetadata","content","contentStream","contentMetadata"}: the candidate recommendation has both names for the
 * content. form: one of the two with metadata. No content is null: with {"deactivated":true} in the metadata that is the 410
 * form. No metadata is {}. warnings: an array for the resolver's own metadata, or absent.
 *
 * Returns 0, -EINVAL (another form), -ENOMEM, -ENOSPC (fixed buffer). */
__attribute__((warn_unused_result)) int resolution_write(struct jcs_buffer *out, enum resolution_form form,
							 struct resolution_text content, struct resolution_text metadata,
							 struct resolution_text warnings);

/* The same of an error: no content, metadata of the content exactly {}, error {type, title, detail, status}; detail may be NULL. A
 * form without metadata gets the resolution result. Returns 0, -ENOMEM, -ENOSPC. */
__attribute__((warn_unused_result)) int resolution_write_error(struct jcs_buffer *out, enum resolution_form form,
							       enum resolution_code code, const char *detail);
