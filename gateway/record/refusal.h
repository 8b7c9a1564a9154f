/*
 * Why an item was not recorded: one table of everything the record can say no to (DESIGN §5.1, §5.2, §12).
 *
 * A refusal names a problem type (served under /problems/TYPE), an HTTP status, for admission the rule that said no,
 * where in the item (JSON pointer, RFC 6901; "" is the whole item) and a detail for people. The table is data, so that
 * the routes, the documented list and the tests are the same rows.
 */
#pragma once

#include <stddef.h>

enum refusal_code {
	REFUSAL_NONE = 0,
	/* 400: the bytes are not the JSON this log can keep */
	REFUSAL_SYNTAX,
	REFUSAL_DUPLICATE_KEY,
	REFUSAL_ENCODING,
	REFUSAL_NUMBER,
	REFUSAL_DEPTH,
	REFUSAL_BATCH,
	/* 413 */
	REFUSAL_ITEM_TOO_LARGE,
	REFUSAL_BATCH_TOO_LARGE,
	/* 422: JSON, but not an attestation this log can keep */
	REFUSAL_SHAPE,
	REFUSAL_MEMBER_UNKNOWN,
	REFUSAL_MEMBER_MISSING,
	REFUSAL_SCHEMA_VERSION,
	REFUSAL_FIELD,
	REFUSAL_NAME,
	REFUSAL_SELF,
	REFUSAL_CONTROL,
	REFUSAL_NOTE,
	REFUSAL_CONFIDENCE,
	REFUSAL_ROUND,
	REFUSAL_EVIDENCE_VISIBILITY,
	REFUSAL_SALT,
	REFUSAL_RELEASE,
	REFUSAL_PROOF,
	REFUSAL_SUBJECT,
	/* 403: well-formed, but not admitted; each names its rule */
	REFUSAL_ISSUER_KIND,
	REFUSAL_SURFACE,
	REFUSAL_REGISTRY,
	REFUSAL_SIGNATURE,
	REFUSAL_AUTHORITY,
	REFUSAL_QUOTA,
	/* 503: nothing wrong with the item; come back */
	REFUSAL_BUSY,
	REFUSAL_CHAIN,
	REFUSAL_STORE,
	REFUSAL_UNSIGNED,
	REFUSAL_COUNT
};

struct refusal_row {
	const char *type;  /* problem type: the last path segment of its URI */
	int status;	   /* HTTP */
	const char *rule;  /* the admission rule that refused; NULL outside 403 and the subject rule */
	const char *title; /* one line, the same for every occurrence */
};

struct refusal {
	enum refusal_code code;
	char pointer[256]; /* cut, never overrun, where a hostile key is longer */
	char detail[256];
};

/* Never NULL for a code below REFUSAL_COUNT; row 0 is all empty. */
const struct refusal_row *refusal_row(enum refusal_code code);

/* Fills *r. pointer NULL is "". format as printf; bytes that are not printable ASCII become '?' in both texts. */
__attribute__((format(printf, 4, 5))) void refusal_set(struct refusal *r, enum refusal_code code, const char *pointer,
						       const char *format, ...);
