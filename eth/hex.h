#pragma once

/*
 * hex: the two 0x forms of Ethereum's JSON-RPC, and no third.
 *
 * DATA      "0x" and an even number of hex digits; "0x" is no bytes.
 * QUANTITY  "0x" and at least one hex digit, without leading zeros; zero is "0x0".
 *
 * Digits may be of either case on the way in and are lower case on the way out. "0X", a missing prefix, white space and
 * signs are refused. Texts are given with their length and need no terminator; encoders write one.
 * Source: Ethereum JSON-RPC specification (execution-apis), "Hex value encoding".
 * Hex without a prefix is libsodium's job (sodium_bin2hex), not ours.
 */

#include <stddef.h>
#include <stdint.h>

/* Room for the DATA form of `len` bytes, terminator included. */
#define HEX_DATA_SIZE(len) (2 * (size_t)(len) + 3)
/* Room for the QUANTITY form of a uint64_t, terminator included. */
#define HEX_QUANTITY_SIZE 19

/* The value of one digit of either case; -1: it is none. */
int hex_digit(char c);

/*
 * Reads a DATA text of at most `out_size` bytes.
 * Returns 0, -EBADMSG (not the form), or -ENOSPC (the form, but longer than `out_size`; nothing is written).
 * Out:  out   the bytes; unspecified on failure
 *       len   how many
 */
__attribute__((warn_unused_result)) int hex_decode_data(uint8_t *out, size_t out_size, size_t *len, const char *text,
							size_t text_len);

/* Reads a DATA text of exactly `size` bytes. Returns 0 or -EBADMSG (any other length included). */
__attribute__((warn_unused_result)) int hex_decode_fixed(uint8_t *out, size_t size, const char *text, size_t text_len);

/* Reads a QUANTITY. Returns 0, -EBADMSG (not the form) or -EOVERFLOW (the form, but 2^64 or more). */
__attribute__((warn_unused_result)) int hex_decode_quantity_u64(uint64_t *out, const char *text, size_t text_len);

/* Writes the DATA form and a terminator: HEX_DATA_SIZE(len) characters. Returns the length without the terminator. */
size_t hex_encode_data(char *out, const void *data, size_t len);

/* Writes the QUANTITY form and a terminator. Returns the length without the terminator. */
size_t hex_encode_quantity(char out[static HEX_QUANTITY_SIZE], uint64_t value);
