/* The lexical part of the strict JSON reader: nothing here allocates but a number of more than 63 characters. */
#include "did/jcs_scan.h"
#include "eth/hex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const double powers_of_ten[] = {1e0,  1e1,  1e2,	 1e3,  1e4,  1e5,  1e6,	 1e7,  1e8,  1e9,  1e10, 1e11,
				       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Four digits after \u, or above 0xffff where they are not hexadecimal or not there. */
static unsigned hex_escape(const unsigned char *p, const unsigned char *end)
{
	unsigned value = 0;

	if (end - p < 4)
		return 0x10000;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit((char)p[i]);

		if (digit < 0)
			return 0x10000;
		value = value << 4 | (unsigned)digit;
	}
	return value;
}

static char *put_utf8(char *out, unsigned code)
{
	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
		*out++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else {
		*out++ = (char)(0xf0 | code >> 18);
		*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	}
	return out;
}

size_t jcs_unescape(char *out, const struct jcs_raw *raw)
{
	static const char letters[] = "b\bf\fn\nr\rt\t";
	const unsigned char *p = raw->ptr, *end = p + raw->len;
	char *to = out;

	while (p < end) {
		if (*p != '\\') {
			*to++ = (char)*p++;
		} else if (p[1] == 'u') {
			unsigned code = hex_escape(p + 2, end);

			p += 6;
			if (code >= 0xd800 && code < 0xdc00) {
				code = 0x10000 + ((code - 0xd800) << 10) + (hex_escape(p + 2, end) - 0xdc00);
				p += 6;
			}
			to = put_utf8(to, code);
		} else {
			const char *letter = strchr(letters, p[1]);

			/* the quote, the solidus and the reverse solidus stand for themselves */
			*to++ = letter ? letter[1] : (char)p[1];
			p += 2;
		}
	}
	return (size_t)(to - out);
}

/* Length of the UTF-8 sequence at p (RFC 3629 section 4), or 0. *p is at least 0x80. */
static size_t utf8_length(const unsigned char *p, const unsigned char *end)
{
	size_t left = (size_t)(end - p);
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		len = 2;
	} else if ((p[0] & 0xf0) == 0xe0) {
		len = 3;
		low = p[0] == 0xe0 ? 0xa0 : 0x80;
		high = p[0] == 0xed ? 0x9f : 0xbf;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		len = 4;
		low = p[0] == 0xf0 ? 0x90 : 0x80;
		high = p[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (left < len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* True when any of the eight bytes is a control character, a quote, a reverse solidus or not ASCII. */
static bool needs_care(const unsigned char *p)
{
	const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
	uint64_t word, quote, solidus;

	memcpy(&word, p, sizeof(word));
	quote = word ^ ones * '"';
	solidus = word ^ ones * '\\';
	return ((word | ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((solidus - ones) & ~solidus)) &
		highs) != 0;
}

/* Steps over an escape at p->at. Returns its fault, or JCS_OK. */
static enum jcs_code skip_escape(struct jcs_cursor *p)
{
	unsigned code;

	if (p->end - p->at < 2)
		return JCS_SYNTAX;
	if (p->at[1] != 'u') {
		if (!p->at[1] || !strchr("\"\\/bfnrt", p->at[1]))
			return JCS_SYNTAX;
		p->at += 2;
		return JCS_OK;
	}
	code = hex_escape(p->at + 2, p->end);
	if (code > 0xffff)
		return JCS_SYNTAX;
	if (code == 0)
		return JCS_NUL;
	if (code >= 0xdc00 && code < 0xe000)
		return JCS_SURROGATE;
	if (code >= 0xd800 && code < 0xdc00) {
		const unsigned char *second = p->at + 6;
		unsigned low = p->end - second < 6 || second[0] != '\\' || second[1] != 'u'
				       ? 0
				       : hex_escape(second + 2, p->end);

		if (low < 0xdc00 || low > 0xdfff)
			return JCS_SURROGATE;
		p->at += 6;
	}
	p->at += 6;
	return JCS_OK;
}

bool jcs_scan_string(struct jcs_raw *out, enum jcs_code *fault, struct jcs_cursor *p)
{
	out->ptr = ++p->at;
	out->escaped = false;
	*fault = JCS_OK;
	while (*fault == JCS_OK) {
		size_t len;

		while (p->end - p->at >= 8 && !needs_care(p->at))
			p->at += 8;
		while (p->at < p->end && *p->at >= 0x20 && *p->at < 0x80 && *p->at != '"' && *p->at != '\\')
			p->at++;
		if (p->at == p->end) {
			*fault = JCS_SYNTAX;
		} else if (*p->at == '"') {
			out->len = (size_t)(p->at++ - out->ptr);
			return true;
		} else if (*p->at == '\\') {
			out->escaped = true;
			*fault = skip_escape(p);
		} else if (*p->at < 0x20) {
			*fault = *p->at ? JCS_SYNTAX : JCS_NUL;
		} else if ((len = utf8_length(p->at, p->end)) != 0) {
			p->at += len;
		} else {
			*fault = JCS_UTF8;
		}
	}
	return false;
}

static bool digit_at(const struct jcs_cursor *p)
{
	return p->at < p->end && *p->at >= '0' && *p->at <= '9';
}

static void take_digits(struct jcs_digits *d, struct jcs_cursor *p, bool after_point)
{
	for (; digit_at(p); p->at++) {
		if (d->count || *p->at != '0')
			d->count++;
		if (d->count > JCS_MANTISSA_DIGITS)
			continue;
		d->mantissa = d->mantissa * 10 + (uint64_t)(*p->at - '0');
		d->exponent -= after_point;
	}
}

/* exp = e [ minus / plus ] 1*DIGIT. Beyond 99999 it makes no difference any more. */
static bool take_exponent(struct jcs_digits *d, struct jcs_cursor *p)
{
	bool negative;
	int exponent = 0;

	p->at++;
	negative = p->at < p->end && *p->at == '-';
	p->at += p->at < p->end && (*p->at == '-' || *p->at == '+');
	if (!digit_at(p))
		return false;
	for (; digit_at(p); p->at++)
		exponent = exponent < 99999 ? exponent * 10 + (*p->at - '0') : exponent;
	d->exponent += negative ? -exponent : exponent;
	return true;
}

/* number = [ minus ] int [ frac ] [ exp ] (RFC 8259 section 6) */
bool jcs_scan_number(struct jcs_digits *d, struct jcs_cursor *p)
{
	memset(d, 0, sizeof(*d));
	d->start = p->at;
	d->negative = *p->at == '-';
	p->at += d->negative;
	if (!digit_at(p))
		return false;
	if (*p->at == '0') {
		p->at++;
		if (digit_at(p))
			return false;
	}
	take_digits(d, p, false);
	if (p->at < p->end && *p->at == '.') {
		d->real = true;
		p->at++;
		if (!digit_at(p))
			return false;
		take_digits(d, p, true);
	}
	if (p->at < p->end && (*p->at | 0x20) == 'e') {
		d->real = true;
		if (!take_exponent(d, p))
			return false;
	}
	d->len = (size_t)(p->at - d->start);
	return true;
}

/* Exact operands and one rounding where they suffice, else strtod. */
int jcs_digits_value(double *out, const struct jcs_digits *d)
{
	char copy[64], *text = copy;

	if (d->count <= 15 && d->exponent >= -22 && d->exponent <= 22) {
		double value = (double)d->mantissa;

		value = d->exponent < 0 ? value / powers_of_ten[-d->exponent] : value * powers_of_ten[d->exponent];
		*out = d->negative ? -value : value;
		return 0;
	}
	if (d->len >= sizeof(copy) && !(text = malloc(d->len + 1)))
		return -ENOMEM;
	memcpy(text, d->start, d->len);
	text[d->len] = '\0';
	*out = strtod(text, NULL);
	if (text != copy)
		free(text);
	return 0;
}
