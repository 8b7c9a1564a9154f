#pragma once

/* JSON written member by member, in the order of the calls and without a tree: what answers are made of that somebody waits for.
 * (What is hashed or signed goes through jcs_write(), which sorts.) The first error sticks, later calls do nothing; look at
 * `err` once, at the end.
 *
 *	struct jcs_put put = {.out = &buffer};
 *
 *	jcs_put_open(&put, NULL, '{');
 *	jcs_put_text(&put, "id", did);
 *	jcs_put_open(&put, "authentication", '[');
 *	jcs_put_text(&put, NULL, key);
 *	jcs_put_close(&put, ']');
 *	jcs_put_close(&put, '}');
 *	return put.err;
 *
 * name is a member's name, which needs no escaping, or NULL for an item of an array and for the outermost value. Texts are valid
 * UTF-8. */

#include "did/jcs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jcs_put {
	struct jcs_buffer *out;
	int err;    /* 0, -ENOSPC (fixed buffer), -ENOMEM */
	bool comma; /* something stands before in the same container */
};

void jcs_put_open(struct jcs_put *put, const char *name, char bracket);
void jcs_put_close(struct jcs_put *put, char bracket);
void jcs_put_text(struct jcs_put *put, const char *name, const char *text);
void jcs_put_string(struct jcs_put *put, const char *name, const char *text, size_t len);
/* The same of a text that has nothing to escape, as DIDs, numbers and hexadecimals have not. */
void jcs_put_plain(struct jcs_put *put, const char *name, const char *text, size_t len);
/* Two such texts in a row as one string: ids are a DID and a fragment. */
void jcs_put_joined(struct jcs_put *put, const char *name, const char *text, const char *more);
/* A value that is JSON already. */
void jcs_put_json(struct jcs_put *put, const char *name, const char *json, size_t len);
void jcs_put_literal(struct jcs_put *put, const char *name, const char *json); /* NUL-terminated: "null", "true", "[]" */
/* A number as a text: block numbers are beyond what JSON numbers hold for everybody. */
void jcs_put_decimal(struct jcs_put *put, const char *name, uint64_t number);
