/* ECMAScript's Number::toString without C++: no C library packaged here writes the shortest decimal of a double. */
#include "did/jcs.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SAFE 9007199254740991.0	  /* 2^53-1 */
#define FRACTION_DIGITS 6		  /* places after the point that the short path tries */
#define DECIMAL_DIGITS 1000000000000000.0 /* 1e15: decimals of up to 15 digits are different doubles (DBL_DIG) */

/* The shortest digits that read back as the value: digits * 10^exponent, no trailing zero. */
struct decimal {
	uint64_t digits;
	int exponent;
};

static size_t put_integer(char *out, uint64_t value)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	for (size_t i = 0; i < n; i++)
		out[i] = digits[n - 1 - i];
	return n;
}

/* 0.62, 12.5: at most six places and fifteen digits. m / 10^k rounds once, so equality proves that m * 10^-k reads back
 * as value, and no other decimal of fifteen digits or fewer does. Returns 0 where that does not hold. */
static size_t put_short(char *out, double value)
{
	static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};

	for (int k = 1; k <= FRACTION_DIGITS; k++) {
		double scaled = value * powers[k] + 0.5;
		uint64_t m, unit = (uint64_t)powers[k], fraction;
		size_t n;

		if (scaled >= DECIMAL_DIGITS)
			return 0;
		m = (uint64_t)scaled;
		if ((double)m / powers[k] != value)
			continue;
		n = put_integer(out, m / unit);
		fraction = m % unit;
		out[n] = '.';
		for (int i = k; i > 0; i--, fraction /= 10)
			out[n + (size_t)i] = (char)('0' + fraction % 10);
		return n + 1 + (size_t)k;
	}
	return 0;
}

static bool reads_as(uint64_t digits, int exponent, double value)
{
	char text[40];

	snprintf(text, sizeof(text), "%llue%d", (unsigned long long)digits, exponent);
	return strtod(text, NULL) == value;
}

/* Rounding to p+1 digits gives the nearest decimal, and the first p that reads back gives the shortest. Below a power
 * of two doubles lie closer than above it, so there the next decimal upwards can be the one that reads back. Fifteen
 * digits are tried first, since a shorter form then shows as trailing zeros; subnormals have fewer, so all lengths are
 * tried. */
static struct decimal shortest(double value)
{
	int precision = fpclassify(value) == FP_SUBNORMAL ? 0 : 14, binary;
	bool power_of_two = frexp(value, &binary) == 0.5;
	struct decimal d = {0};

	for (; precision <= 16; precision++) {
		char text[40], *e;

		snprintf(text, sizeof(text), "%.*e", precision, value);
		e = strchr(text, 'e');
		d.exponent = (int)strtol(e + 1, NULL, 10) - precision;
		d.digits = (uint64_t)(text[0] - '0');
		for (const char *c = text + 2; c < e; c++)
			d.digits = d.digits * 10 + (uint64_t)(*c - '0');
		if (strtod(text, NULL) == value)
			break;
		if (power_of_two && reads_as(d.digits + 1, d.exponent, value)) {
			d.digits++;
			break;
		}
	}
	while (d.digits % 10 == 0) {
		d.digits /= 10;
		d.exponent++;
	}
	return d;
}

/* Layout by ECMA-262 Number::toString, where point is its n: the value is 0.DIGITS * 10^point. */
static size_t put_decimal(char *out, const struct decimal *d)
{
	char digits[20];
	size_t count = put_integer(digits, d->digits), n = 0;
	int point = (int)count + d->exponent;

	if (point > 21 || point < -5) {
		int exponent = point - 1;

		out[n++] = digits[0];
		if (count > 1)
			out[n++] = '.';
		memcpy(out + n, digits + 1, count - 1);
		n += count - 1;
		out[n++] = 'e';
		out[n++] = exponent < 0 ? '-' : '+';
		return n + put_integer(out + n, (uint64_t)abs(exponent));
	}
	if (point <= 0) {
		memcpy(out, "0.00000", 2 + (size_t)-point);
		memcpy(out + 2 - point, digits, count);
		return 2 + (size_t)-point + count;
	}
	if ((size_t)point >= count) {
		memcpy(out, digits, count);
		memset(out + count, '0', (size_t)point - count);
		return (size_t)point;
	}
	memcpy(out, digits, (size_t)point);
	out[point] = '.';
	memcpy(out + point + 1, digits + point, count - (size_t)point);
	return count + 1;
}

int jcs_number(char out[static JCS_NUMBER_SIZE], double value)
{
	struct decimal d;
	size_t n = 0, len;

	if (!isfinite(value))
		return -EINVAL;
	if (value < 0) {
		out[n++] = '-';
		value = -value;
	}
	if (value <= MAX_SAFE && value == (double)(uint64_t)value) {
		/* negative zero is written 0 */
		len = put_integer(out + n, (uint64_t)value);
	} else if ((len = put_short(out + n, value)) == 0) {
		d = shortest(value);
		len = put_decimal(out + n, &d);
	}
	out[n + len] = '\0';
	return (int)(n + len);
}
