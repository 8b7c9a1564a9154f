#pragma once

/* What the tests of this folder share: third-party vectors, hex, and cmocka with what it needs included before it. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <jansson.h>
#include <stdbool.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct bytes {
	uint8_t *data;
	size_t len;
};

/*
 * Loads a JSON file, gzipped or plain, from the shared vectors. Where that folder is absent: prints and skips the test.
 * Where it is there, a file that is missing or broken fails the test.
 */
json_t *vectors_load(const char *relative);
/* The same for a file that is known to be broken: NULL instead of a failure. */
json_t *vectors_try(const char *relative);
/* Skips the test, visibly, where the shared vectors are absent. */
void vectors_need(void);

/* Hex with or without 0x into memory to be freed; fails the test when it is no hex. */
struct bytes hex_bytes(const char *text);
void hex_fixed(uint8_t *out, size_t size, const char *text);
void assert_hex_equal(const void *data, size_t len, const char *expected);

/* A member that must be there. */
const char *text_of(const json_t *object, const char *name);
