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
#include <string.h>

struct jcs_put {
	struct jcs_buffer *out;
	int err;    /* 0, -ENOSPC (fixed buffer), -ENOMEM */
	bool comma; /* something stands before in the same container */
};

/* The functions below take texts with their length: of literals the compiler knows it. */
struct jcs_text {
	const char *ptr;
	size_t len;
};

static inline struct jcs_text jcs_text_of(const char *text)
{
	return (struct jcs_text){text, text ? strlen(text) : 0};
}

void jcs_put_open_named(struct jcs_put *put, struct jcs_text name, char bracket);
void jcs_put_string_named(struct jcs_put *put, struct jcs_text name, struct jcs_text text);
void jcs_put_plain_named(struct jcs_put *put, struct jcs_text name, struct jcs_text text);
void jcs_put_joined_named(struct jcs_put *put, struct jcs_text name, struct jcs_text text, struct jcs_text more);
void jcs_put_json_named(struct jcs_put *put, struct jcs_text name, struct jcs_text json);

void jcs_put_close(struct jcs_put *put, char bracket);

static inline void jcs_put_open(struct jcs_put *put, const char *name, char bracket)
{
	jcs_put_open_named(put, jcs_text_of(name), bracket);
}

static inline void jcs_put_string(struct jcs_put *put, const char *name, const char *text, size_t len)
{
	jcs_put_string_named(put, jcs_text_of(name), (struct jcs_text){text, len});
}

static inline void jcs_put_text(struct jcs_put *put, const char *name, const char *text)
{
	jcs_put_string_named(put, jcs_text_of(name), jcs_text_of(text));
}

/* The same of a text that has nothing to escape, as DIDs, numbers and hexadecimals have not. */
static inline void jcs_put_plain(struct jcs_put *put, const char *name, const char *text, size_t len)
{
	jcs_put_plain_named(put, jcs_text_of(name), (struct jcs_text){text, len});
}

/* Two such texts in a row as one string: ids are a DID and a fragment. */
static inline void jcs_put_joined(struct jcs_put *put, const char *name, const char *text, const char *more)
{
	jcs_put_joined_named(put, jcs_text_of(name), jcs_text_of(text), jcs_text_of(more));
}

/* A value that is JSON already. */
static inline void jcs_put_json(struct jcs_put *put, const char *name, const char *json, size_t len)
{
	jcs_put_json_named(put, jcs_text_of(name), (struct jcs_text){json, len});
}

/* NUL-terminated: "null", "true", "[]" */
static inline void jcs_put_literal(struct jcs_put *put, const char *name, const char *json)
{
	jcs_put_json_named(put, jcs_text_of(name), jcs_text_of(json));
}

/* A number as a text: block numbers are beyond what JSON numbers hold for everybody. */
void jcs_put_decimal(struct jcs_put *put, const char *name, uint64_t number);
