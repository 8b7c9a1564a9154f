#pragma once

/* decimal: numbers of 64 bits as answers are written with them, piece by piece. printf() would be a tenth of what they cost. */

#include <stdint.h>

#define DECIMAL_MAX 20 /* digits of 2^64 - 1 */

/* Writes the digits, without leading zeros and without a terminator: at most DECIMAL_MAX. Returns where they end. */
char *decimal_put(char *at, uint64_t number);
