#pragma once

/* Strings and numbers of JSON as they stand in the text: what jcs_parse() is made of, not for use outside this folder.
 */

#include "did/jcs.h"

#include <stdbool.h>
#include <stdint.h>

struct jcs_cursor {
	const unsigned char *at;
	const unsigned char *end;
};

/* A string between its quotes, checked but not unescaped. */
struct jcs_raw {
	const unsigned char *ptr;
	size_t len;
	bool escaped;
};

/* Reads a string from its opening quote over the closing one. False: *fault says why, cursor->at where. */
bool jcs_scan_string(struct jcs_raw *out, enum jcs_code *fault, struct jcs_cursor *cursor);

/* Unescapes what jcs_scan_string() accepted; returns the length. out holds at least raw->len bytes: no escape is
 * shorter than what it means. */
size_t jcs_unescape(char *out, const struct jcs_raw *raw);

/* A number, read. */
struct jcs_digits {
	const unsigned char *start;
	size_t len;
	uint64_t mantissa; /* the first JCS_MANTISSA_DIGITS significant digits */
	unsigned count;	   /* significant digits, also those beyond the mantissa */
	int exponent;	   /* of ten, to be applied to the mantissa where it has all digits */
	bool negative;
	bool real; /* has a fraction or an exponent */
};

#define JCS_MANTISSA_DIGITS 18 /* decimal digits that fit a uint64_t whatever they are */

/* Reads a number from its first character on. False: not one, cursor->at where that shows. */
bool jcs_scan_number(struct jcs_digits *out, struct jcs_cursor *cursor);

/* The double nearest to it, infinite where it is beyond. Returns 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int jcs_digits_value(double *out, const struct jcs_digits *digits);
