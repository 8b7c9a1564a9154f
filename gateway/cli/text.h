#pragma once
/* Text that somebody else wrote (a registry, a gateway, a node), for a terminal: it may hold anything, and nothing of it may steer
 * the terminal or turn its lines around. Only 0x20 to 0x7e stand as they are; other characters become \u{HEX}, bytes that are no
 * UTF-8 become \xHH. A backslash is not doubled: the result is for eyes, not for reading back. */
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

enum { CLI_ESCAPED_ONE = 12 }; /* room for one character */

/* Writes as much as fits into size (at least 1), NUL-terminated, cutting no escape; returns how many bytes of text that is. */
size_t cli_escape(char *out, size_t size, const char *text, size_t len);

void cli_print(FILE *to, const char *text);

/* A JSON text of it, for machines: as it is, or, where it is no UTF-8 (it was cut within a character, say), escaped as above. NULL
 * without memory. */
json_t *cli_json_text(const char *text);

/* Every text in a JSON value, in place (not the members' names). Where memory ends a text becomes empty. */
void cli_escape_json(json_t *value);
