#pragma once

/* JSON as kedge signs, hashes and stores it: a strict reader for hostile bytes and the canonical writer of RFC 8785
 * (JCS).
 *
 * The reader builds jansson values itself, in one pass, because jansson alone (2.14) tells neither where a fault is
 * (only a byte position) nor refuses integers that a double cannot hold. What it accepts is a subset of what jansson
 * accepts with JSON_REJECT_DUPLICATES: I-JSON (RFC 7493). Everything accepted has a canonical form that is accepted
 * again and is then its own canonical form; that is why a number whose canonical form is an integer beyond 2^53-1 is
 * refused however it is spelt (1e17), while one that stays in exponent form (1e21 and above) passes.
 *
 * Numbers are read by strtod and written by printf where the short paths do not apply: LC_NUMERIC must be "C", as it is
 * in a program that never calls setlocale. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define JCS_MAX_DEPTH 32      /* containers inside each other, the outermost is 1 (DESIGN 5.1) */
#define JCS_MAX_BYTES 4194304 /* one request body (DESIGN 5.1) */
#define JCS_POINTER_SIZE 256  /* bytes of a reported JSON pointer, with its NUL */
#define JCS_NUMBER_SIZE 32    /* bytes that any number needs, with its NUL */

/* Why a text was refused. jcs_reason() words it for people; the numbers are not kept anywhere. */
enum jcs_code {
	JCS_OK = 0,
	JCS_SYNTAX,	  /* not JSON (RFC 8259), a control character inside a string, text after the value, a BOM */
	JCS_TOO_LONG,	  /* more than limits.bytes */
	JCS_TOO_DEEP,	  /* more than limits.depth */
	JCS_DUPLICATE,	  /* a member name twice in one object, compared after unescaping */
	JCS_UTF8,	  /* invalid UTF-8: overlong, surrogate, above U+10FFFF, truncated */
	JCS_SURROGATE,	  /* an escape that is half of a surrogate pair */
	JCS_NUL,	  /* U+0000 in a string or name: PostgreSQL cannot hold it */
	JCS_NUMBER_RANGE, /* its canonical form would be an integer beyond +-(2^53-1), or it is beyond a double */
	JCS_MEMORY,	  /* the allocator failed: not the text's fault */
};

struct jcs_error {
	enum jcs_code code;
	size_t offset; /* bytes from the start of the text to the fault (for a duplicate: to the second name) */
	/* RFC 6901 pointer to the value at fault, "" for the whole text. A fault in a member's name points to the
	 * object. A pointer that does not fit ends at the last ancestor that does. Always valid UTF-8. */
	char pointer[JCS_POINTER_SIZE];
};

struct jcs_limits {
	size_t bytes;
	unsigned depth; /* at most 256 */
};

/* Reads one JSON text (any value; white space around it is allowed).
 *
 * Out: *out  a new reference, NULL on failure; err  filled on failure, zeroed otherwise.
 *
 * In:  text  len bytes, need not end in NUL; limits  NULL for JCS_MAX_BYTES and JCS_MAX_DEPTH. Integers become
 * json_integer (within +-(2^53-1)); numbers with a fraction or exponent become json_real.
 *
 * Returns 0, -EBADMSG refused, -EILSEQ (JCS_UTF8, JCS_SURROGATE), -EOVERFLOW (JCS_TOO_LONG, JCS_TOO_DEEP), -ENOMEM. */
__attribute__((warn_unused_result)) int jcs_parse(json_t **out, struct jcs_error *err, const char *text, size_t len,
						  const struct jcs_limits *limits);

/* A short English sentence for err->code, without the place; never NULL. */
const char *jcs_reason(enum jcs_code code);

/* A growing byte buffer that jcs_write() appends to. Begin with { 0 } or, to avoid the heap, with data pointing to
 * memory of the caller, cap its size and fixed set: then -ENOSPC answers what does not fit. Not NUL-terminated. */
struct jcs_buffer {
	char *data;
	size_t len;
	size_t cap;
	bool fixed;
};

/* Appends the canonical form of value (RFC 8785): members by UTF-16 code units, ECMAScript numbers, least escaping. On
 * failure buffer->len is as before.
 *
 * Returns 0, -EOVERFLOW (a json_integer beyond +-(2^53-1), or deeper than 256), -EINVAL (a real that is not finite),
 * -ENOSPC (fixed buffer), -ENOMEM. */
__attribute__((warn_unused_result)) int jcs_write(struct jcs_buffer *buffer, const json_t *value);

/* Appends len bytes of UTF-8 as a JSON string with its quotes, escaped as RFC 8785 section 3.2.2.2 says; the bytes are
 * not checked. Returns as jcs_write(). */
__attribute__((warn_unused_result)) int jcs_write_string(struct jcs_buffer *buffer, const char *text, size_t len);
/* The same without the quotes. */
__attribute__((warn_unused_result)) int jcs_write_escaped(struct jcs_buffer *buffer, const char *text, size_t len);

/* Makes sure that so many bytes more fit behind len. Returns 0, -ENOSPC (fixed buffer), -ENOMEM. */
__attribute__((warn_unused_result)) int jcs_buffer_grow(struct jcs_buffer *buffer, size_t more);

/* Frees a growing buffer's memory (nothing if fixed) and zeroes the struct. */
void jcs_buffer_clear(struct jcs_buffer *buffer);

/* Writes a finite double as ECMAScript's Number::toString does (RFC 8785 section 3.2.2.3), NUL-terminated.
 * Returns the length, or -EINVAL for NaN and the infinities. */
__attribute__((warn_unused_result)) int jcs_number(char out[static JCS_NUMBER_SIZE], double value);

/* Order of two member names by UTF-16 code units (RFC 8785 section 3.2.3), both valid UTF-8: below 0, 0 or above 0. */
int jcs_compare_names(const char *a, size_t a_len, const char *b, size_t b_len);
