#pragma once

/* Segregated witness addresses of Bitcoin and its relatives: Bech32 (BIP 173) for witness version 0, Bech32m (BIP 350) for the
 * others. */

#include <stddef.h>

/* Checks an address of any human-readable part: which chain has which part is not known here. Lower case only, which is what
 * encoders must write; a decoder might take upper case too, but an account is to have one spelling.
 *
 * Returns the witness version, 0 to 16, or -EBADMSG: more than 90 characters, no separator, a character outside the alphabet, a
 * wrong checksum, padding that is not zero, a program that is not 2 to 40 bytes (version 0: 20 or 32). */
__attribute__((warn_unused_result)) int bech32_address_check(const char *text, size_t len);
