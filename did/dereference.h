#pragma once

/* What a DID URL names (DID Resolution, Candidate Recommendation of July 2026, section 5; the section is "at risk"): the whole document, an object in
 * it by the fragment, the document with the services selected, or a place that such a service leads to. Nothing is ever fetched:
 * places are for the caller to go to. */

#include "did/resolution.h"
#include "did/resolution_request.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	DEREFERENCE_RELATIONSHIPS = 5,
	DEREFERENCE_URL_SIZE = 4096 + 1, /* a location, with its NUL */
};

/* Controlled Identifiers 1.0, section 2.3. */
extern const char *const dereference_relationships[DEREFERENCE_RELATIONSHIPS];

/* The object with id DID#fragment, of `verificationMethod`, of a relationship that has it by value, or of `service`; with the document's
 * @context. Where a relationship is asked for it must be a verification method listed there. Services selected leave the others out
 * first; without a fragment the document itself is what is named.
 *
 * Out: *content a new reference; *whole whether it is the document (its metadata go with it); detail a sentence on an error.
 *
 * In: document an object; request parsed, for url.did, fragment and options.
 *
 * Returns RESOLUTION_OK; NOT_FOUND nothing has that name; INVALID_VERIFICATION_METHOD, INVALID_RELATIONSHIP_…; INTERNAL_ERROR
 * without memory. */
enum resolution_code dereference_content(json_t **content, bool *whole, char detail[static RESOLUTION_DETAIL_SIZE], json_t *document,
					 const struct resolution_request *request);

/* Where the first of the selected services leads whose serviceEndpoint is, or holds, a URI as text, NUL-terminated: that URI, or relativeRef resolved against
 * it, and then the DID URL's fragment, if there is one.
 *
 * Returns RESOLUTION_OK; NOT_FOUND no service selected has such an endpoint; INVALID_DID_URL what dereference_reference()
 * refuses, or two fragments; INTERNAL_ERROR. */
enum resolution_code dereference_location(char out[static DEREFERENCE_URL_SIZE], char detail[static RESOLUTION_DETAIL_SIZE], json_t *document,
					  const struct resolution_request *request);

/* reference resolved against base (RFC 3986 section 5.2), if it stays below base: it has neither scheme nor authority, and its path, after
 * every percent escape is decoded, those inside others too, and dot segments are removed, begins with the base's, at a "/". What only some
 * servers take for dots or slashes ("\", "..;v", overlong UTF-8) is refused. base is an absolute URI with an authority. NUL-terminated.
 *
 * Returns 0; -EBADMSG base is no such URI; -EACCES reference is malformed or leads elsewhere; -ENOSPC longer than
 * DEREFERENCE_URL_SIZE. */
__attribute__((warn_unused_result)) int dereference_reference(char out[static DEREFERENCE_URL_SIZE], const char *base, const char *reference);

/* Whether the URI's scheme is one of what runs where it is followed, or reads what is there: javascript, data, vbscript, blob, file. */
bool dereference_is_local(const char *uri);

/* base itself, if it is an absolute URI, and not local. Returns 0, -EBADMSG, -ENOSPC. */
__attribute__((warn_unused_result)) int dereference_uri(char out[static DEREFERENCE_URL_SIZE], const char *uri);
