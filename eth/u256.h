#pragma once

/*
 * u256: unsigned 256-bit integers: wei amounts, agent ids, ABI words.
 *
 * Not constant in time: never use it for secrets. Outputs may be the same object as inputs.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* limb[0] is the least significant. */
struct u256 {
	uint64_t limb[4];
};

/* 78 digits and a terminator. */
#define U256_DECIMAL_SIZE 79
/* "0x", 64 digits and a terminator. */
#define U256_QUANTITY_SIZE 67

struct u256 u256_from_u64(uint64_t value);
/* Returns 0, or -EOVERFLOW (2^64 or more; `out` is untouched). */
__attribute__((warn_unused_result)) int u256_to_u64(uint64_t *out, const struct u256 *value);

/* 32 bytes, big-endian. */
void u256_from_bytes(struct u256 *out, const uint8_t bytes[static 32]);
void u256_to_bytes(uint8_t out[static 32], const struct u256 *value);

/* The shortest big-endian form, at the start of `out`; zero is no bytes. Returns how many bytes: 0 to 32. */
size_t u256_to_minimal(uint8_t out[static 32], const struct u256 *value);
/* Reads the same. Returns 0, -EBADMSG (a leading zero byte) or -EOVERFLOW (more than 32 bytes). */
__attribute__((warn_unused_result)) int u256_from_minimal(struct u256 *out, const uint8_t *bytes, size_t len);

/*
 * Decimal digits without sign, spaces or leading zeros; "0" is zero.
 * Returns 0, -EBADMSG (not the form) or -EOVERFLOW (2^256 or more).
 */
__attribute__((warn_unused_result)) int u256_parse_decimal(struct u256 *out, const char *text, size_t len);
/* Returns the length without the terminator. */
size_t u256_format_decimal(char out[static U256_DECIMAL_SIZE], const struct u256 *value);

/* JSON-RPC's QUANTITY (eth/hex.h). Returns 0, -EBADMSG (not the form) or -EOVERFLOW (2^256 or more). */
__attribute__((warn_unused_result)) int u256_parse_quantity(struct u256 *out, const char *text, size_t len);
size_t u256_format_quantity(char out[static U256_QUANTITY_SIZE], const struct u256 *value);

/* Negative, 0 or positive as a is less than, equal to or greater than b. */
int u256_cmp(const struct u256 *a, const struct u256 *b);
bool u256_is_zero(const struct u256 *value);
/* How many bits are needed: 0 for zero, 256 at most. */
unsigned u256_bits(const struct u256 *value);

/*
 * Arithmetic. Each returns 0, or -EOVERFLOW when the true result is negative or does not fit; `out` is then the result
 * modulo 2^256, so that a caller who wants wrapping can have it.
 */
__attribute__((warn_unused_result)) int u256_add(struct u256 *out, const struct u256 *a, const struct u256 *b);
__attribute__((warn_unused_result)) int u256_sub(struct u256 *out, const struct u256 *a, const struct u256 *b);
__attribute__((warn_unused_result)) int u256_mul(struct u256 *out, const struct u256 *a, const struct u256 *b);
__attribute__((warn_unused_result)) int u256_mul_u64(struct u256 *out, const struct u256 *a, uint64_t b);

/* Quotient rounded down; returns the remainder. `divisor` must not be 0 (then: quotient 0, remainder 0). */
uint64_t u256_div_u64(struct u256 *out, const struct u256 *a, uint64_t divisor);
