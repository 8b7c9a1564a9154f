#pragma once

/* What somebody asks of the resolver: the part of the path after /1.0/identifiers/, the query, and the body of a POST. */

#include "did/did.h"
#include "did/resolution.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RESOLUTION_VALUE_MAX = 2048,	/* bytes of an option that is a text, as it came */
	RESOLUTION_BODY_MAX = 4096,	/* bytes of a POST's body */
	RESOLUTION_DETAIL_SIZE = 160,
};

/* Texts are NUL-terminated and decoded; NULL: absent. */
struct resolution_options {
	bool has_version_id;
	uint64_t version_id; /* a block number, or a position in the log */
	bool has_version_time;
	int64_t version_time; /* seconds since 1970 */
	bool no_cache;
	bool expand_relative; /* documents here are absolute already */
	const char *accept;   /* takes the place of the header */
	/* of DID URLs: see dereference.h */
	const char *service, *service_type, *relative_ref;
	const char *relationship; /* verificationRelationship: one of dereference_relationships */
};

struct resolution_request {
	struct did_url url; /* slices of the text after decoding, NUL-terminated */
	struct resolution_options options;
	bool dereferences; /* names a part or a place: a fragment, or an option that does, whatever else is wrong */
	/* the caller's, for these texts: resolution_request_room() bytes */
	char *memory;
	size_t room, used;
};

/* Bytes of memory that a request needs, at most a few more than it has. */
size_t resolution_request_room(size_t path_len, size_t query_len, size_t body_len);

/* Reads path and query as they stood in the request line (not decoded). A path that begins with did%3A is decoded once and the
 * query holds options; otherwise the query belongs to the DID URL, whose parameters are options all the same, and so is
 * %23 with something behind it the fragment, since a "#" cannot stand in a request. body: a JSON object of options, each a text or a
 * boolean; empty for none. Checked in the order of the algorithm: DID syntax, method (web and pkh are served), options known, options
 * valid. A DID URL with a path is NOT_FOUND; did:pkh has no versions, so a version of one is FEATURE_NOT_SUPPORTED. An option given twice,
 * wherever, and versionId beside versionTime, are INVALID_OPTIONS; relativeRef without a service is INVALID_DID_URL. That the
 * method-specific id is a good one is for did_web_parse(), agent_did_parse() and did_pkh_parse() to say.
 *
 * Out: detail a sentence when the result is not RESOLUTION_OK, else "". What was read is valid as far as url.did.ptr is not NULL.
 *
 * In: out->memory and room are set; query may be NULL with length 0 and so may body. */
enum resolution_code resolution_request_parse(struct resolution_request *out, char detail[static RESOLUTION_DETAIL_SIZE],
					      const char *path, size_t path_len, const char *query, size_t query_len,
					      const char *body, size_t body_len);

/* What an answer to it can be. */
enum resolution_offer resolution_request_offer(const struct resolution_request *request);
