#pragma once

/* DID and DID URL syntax (DID 1.1, section 3): strict, bounded, without copies. What is parsed are slices of the
 * caller's text, which must outlive them. */

#include <stdbool.h>
#include <stddef.h>

#define DID_MAX 2048	  /* bytes of a DID or DID URL; longer ones are refused */
#define DID_PARAMS_MAX 16 /* query parameters of a DID URL */

struct did_slice {
	const char *ptr; /* not NUL-terminated */
	size_t len;
};

/* did-url = did path-abempty [ "?" query ] [ "#" fragment ] */
struct did_url {
	struct did_slice did;	   /* "did:web:example.com:a" */
	struct did_slice method;   /* "web" */
	struct did_slice id;	   /* method-specific id: "example.com:a" */
	struct did_slice path;	   /* with its leading slash, or empty */
	struct did_slice query;	   /* without "?"; see has_query */
	struct did_slice fragment; /* without "#"; see has_fragment */
	bool has_query;
	bool has_fragment;
};

struct did_param {
	struct did_slice name;	/* as spelt, percent-encoding kept */
	struct did_slice value; /* as spelt; empty when there was no "=" */
};

struct did_params {
	size_t count;
	struct did_param items[DID_PARAMS_MAX];
};

/* did_parse reads a bare DID, did_url_parse a DID URL. Method names are [a-z0-9]+, the method-specific id is *( *idchar
 * ":" ) 1*idchar with well-formed percent escapes. An empty query or fragment ("?" or "#" at the end) is kept as
 * present and empty.
 *
 * Returns 0, -EBADMSG malformed, -EOVERFLOW longer than DID_MAX. */
__attribute__((warn_unused_result)) int did_parse(struct did_url *out, const char *text, size_t len);
__attribute__((warn_unused_result)) int did_url_parse(struct did_url *out, const char *text, size_t len);

/* Splits a query at "&" and the first "=" of each part. Names are compared after percent-decoding.
 *
 * Returns 0, -EBADMSG (an empty name, a bad character or escape), -EEXIST (a name twice: it would mean two things to
 * two readers), -EOVERFLOW (more than DID_PARAMS_MAX). */
__attribute__((warn_unused_result)) int did_query_parse(struct did_params *out, struct did_slice query);

/* Decodes %XX once. out gets at most cap bytes and no NUL; *out_len their number.
 * Returns 0, -EBADMSG (bad escape, or a NUL, escaped or not), -ENOSPC. */
__attribute__((warn_unused_result)) int did_percent_decode(char *out, size_t *out_len, size_t cap, struct did_slice in);

bool did_slice_is(struct did_slice slice, const char *text);
