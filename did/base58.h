#pragma once

/* base58btc (draft-msporny-base58, the Bitcoin alphabet) and Base58Check, as DIDs and accounts are spelt. Each byte string has one
 * text and the reverse, so comparing texts is comparing bytes. Time is quadratic in the length, and the length is bounded. */

#include <stddef.h>
#include <stdint.h>

#define BASE58BTC_MAX 128	/* bytes */
#define BASE58BTC_TEXT_MAX 175	/* characters that so many bytes can need, without NUL */

/* Leading zero bytes become leading "1"; NUL-terminated. len at most BASE58BTC_MAX.
 * Returns the length, -ENOSPC, or -EOVERFLOW for a longer input. */
__attribute__((warn_unused_result)) int base58btc_encode(char *out, size_t cap, const uint8_t *bytes, size_t len);

/* Returns the number of bytes written, -EBADMSG (a character outside the alphabet), -ENOSPC (more than cap bytes), or -EOVERFLOW
 * (text longer than BASE58BTC_TEXT_MAX, or more than BASE58BTC_MAX bytes). */
__attribute__((warn_unused_result)) int base58btc_decode(uint8_t *out, size_t cap, const char *text, size_t len);

/* Base58Check: the last four bytes are the first four of SHA-256(SHA-256(the others)). Writes the others.
 * Returns their number, or -EBADMSG (also for a wrong checksum), -ENOSPC, -EOVERFLOW as above. */
__attribute__((warn_unused_result)) int base58btc_decode_checked(uint8_t *out, size_t cap, const char *text, size_t len);
