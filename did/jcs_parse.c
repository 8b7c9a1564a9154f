/* The strict JSON reader. One pass over the bytes, by recursive descent within limits.depth, that knows at every byte which
 * value it is in, so that a refusal can name the place. */
#include "did/jcs.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_CAP 256
#define MAX_SAFE 9007199254740991 /* 2^53-1, RFC 7493 section 2.2 */
#define MANTISSA_DIGITS 18	  /* decimal digits that fit a uint64_t whatever they are */

/* A string as it stands in the text, between its quotes. */
struct raw {
	const unsigned char *ptr;
	size_t len;
	bool escaped;
};

/* One level of the way to the current value. */
struct step {
	enum { STEP_NONE, STEP_NAME, STEP_INDEX } kind;
	struct raw name;
	size_t index;
};

struct parser {
	const unsigned char *start;
	const unsigned char *at;
	const unsigned char *end;
	unsigned max_depth;
	unsigned depth;
	struct jcs_error *err;
	char *scratch; /* for strings that need unescaping; grows to the longest */
	size_t scratch_cap;
	struct step path[DEPTH_CAP];
};

static const double powers_of_ten[] = { 1e0,  1e1,  1e2,  1e3,	1e4,  1e5,  1e6,  1e7,	1e8,  1e9,  1e10, 1e11,
					1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

static unsigned hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* Four digits after \u, or above 0xffff where they are not hexadecimal or not there. */
static unsigned hex_escape(const unsigned char *p, const unsigned char *end)
{
	unsigned value = 0;

	if (end - p < 4)
		return 0x10000;
	for (int i = 0; i < 4; i++) {
		unsigned digit = hex_digit(p[i]);

		if (digit > 15)
			return 0x10000;
		value = value << 4 | digit;
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

/* Unescapes a string that read_raw() accepted. out holds at least raw->len bytes: no escape is shorter than what it means. */
static size_t unescape(char *out, const struct raw *raw)
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

/* Appends "/" and the name by RFC 6901; false, and nothing appended, where it does not fit. */
static bool point_name(char *pointer, size_t *len, const struct raw *name)
{
	char decoded[JCS_POINTER_SIZE];
	size_t at = *len, decoded_len;

	/* an escape is at most six times longer than what it means */
	if (name->len >= JCS_POINTER_SIZE)
		return false;
	decoded_len = unescape(decoded, name);
	pointer[at++] = '/';
	for (size_t i = 0; i < decoded_len; i++) {
		bool special = decoded[i] == '~' || decoded[i] == '/';

		if (at + special + 2 > JCS_POINTER_SIZE)
			return false;
		pointer[at++] = special ? '~' : decoded[i];
		if (special)
			pointer[at++] = decoded[i] == '~' ? '0' : '1';
	}
	*len = at;
	return true;
}

static bool point_index(char *pointer, size_t *len, size_t index)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "/%zu", index);

	if (n < 0 || *len + (size_t)n >= JCS_POINTER_SIZE)
		return false;
	memcpy(pointer + *len, digits, (size_t)n);
	*len += (size_t)n;
	return true;
}

/* Remembers the refusal and where; false for the caller to return. */
static bool refuse(struct parser *p, enum jcs_code code, const unsigned char *at)
{
	size_t len = 0;

	p->err->code = code;
	p->err->offset = (size_t)(at - p->start);
	for (unsigned i = 0; i < p->depth && p->path[i].kind != STEP_NONE; i++) {
		const struct step *step = &p->path[i];

		if (len + 2 > JCS_POINTER_SIZE)
			break;
		if (step->kind == STEP_NAME ? !point_name(p->err->pointer, &len, &step->name)
					    : !point_index(p->err->pointer, &len, step->index))
			break;
	}
	p->err->pointer[len] = '\0';
	return false;
}

static json_t *fail(struct parser *p, enum jcs_code code, const unsigned char *at)
{
	refuse(p, code, at);
	return NULL;
}

static void skip_space(struct parser *p)
{
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r'))
		p->at++;
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
	return ((word | ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((solidus - ones) & ~solidus)) & highs) != 0;
}

/* Steps over an escape at p->at. Returns its fault, or JCS_OK. */
static enum jcs_code skip_escape(struct parser *p)
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
		unsigned low = p->end - second < 6 || second[0] != '\\' || second[1] != 'u' ? 0 : hex_escape(second + 2, p->end);

		if (low < 0xdc00 || low > 0xdfff)
			return JCS_SURROGATE;
		p->at += 6;
	}
	p->at += 6;
	return JCS_OK;
}

/* Reads a string from its opening quote over the closing one, and checks it without unescaping. */
static bool read_raw(struct parser *p, struct raw *out)
{
	out->ptr = ++p->at;
	out->escaped = false;
	for (;;) {
		enum jcs_code code = JCS_OK;
		size_t len;

		while (p->end - p->at >= 8 && !needs_care(p->at))
			p->at += 8;
		while (p->at < p->end && *p->at >= 0x20 && *p->at < 0x80 && *p->at != '"' && *p->at != '\\')
			p->at++;
		if (p->at == p->end)
			return refuse(p, JCS_SYNTAX, p->at);
		if (*p->at == '"') {
			out->len = (size_t)(p->at++ - out->ptr);
			return true;
		}
		if (*p->at == '\\') {
			out->escaped = true;
			code = skip_escape(p);
		} else if (*p->at < 0x20) {
			code = *p->at ? JCS_SYNTAX : JCS_NUL;
		} else if ((len = utf8_length(p->at, p->end)) != 0) {
			p->at += len;
		} else {
			code = JCS_UTF8;
		}
		if (code != JCS_OK)
			return refuse(p, code, p->at);
	}
}

/* The string's meaning: the text itself, or unescaped into scratch, valid until the next call. NULL: no memory. */
static const char *decoded(struct parser *p, const struct raw *raw, size_t *len)
{
	if (!raw->escaped) {
		*len = raw->len;
		return (const char *)raw->ptr;
	}
	if (raw->len > p->scratch_cap) {
		char *grown = realloc(p->scratch, raw->len);

		if (!grown)
			return NULL;
		p->scratch = grown;
		p->scratch_cap = raw->len;
	}
	*len = unescape(p->scratch, raw);
	return p->scratch;
}

static json_t *read_string(struct parser *p)
{
	json_t *value = NULL;
	const char *text;
	struct raw raw;
	size_t len;

	if (!read_raw(p, &raw))
		return NULL;
	text = decoded(p, &raw, &len);
	if (text)
		value = json_stringn_nocheck(text, len);
	return value ? value : fail(p, JCS_MEMORY, p->at);
}

/* What the digits of a number say. */
struct digits {
	uint64_t mantissa;
	unsigned count; /* significant digits, also those beyond the mantissa */
	int exponent;	/* of ten, to be applied to the mantissa */
	bool fraction;	/* has a fraction or an exponent: a real */
};

static bool digit_at(const struct parser *p)
{
	return p->at < p->end && *p->at >= '0' && *p->at <= '9';
}

static void take_digits(struct parser *p, struct digits *d, bool after_point)
{
	for (; digit_at(p); p->at++) {
		if (d->count || *p->at != '0')
			d->count++;
		if (d->count > MANTISSA_DIGITS)
			continue;
		d->mantissa = d->mantissa * 10 + (uint64_t)(*p->at - '0');
		d->exponent -= after_point;
	}
}

/* number = [ minus ] int [ frac ] [ exp ] (RFC 8259 section 6). False where it is not one. */
static bool scan_number(struct parser *p, struct digits *d)
{
	int exponent = 0;
	bool negative;

	p->at += *p->at == '-';
	if (!digit_at(p))
		return false;
	if (*p->at == '0') {
		p->at++;
		if (digit_at(p))
			return false;
	}
	take_digits(p, d, false);
	if (p->at < p->end && *p->at == '.') {
		d->fraction = true;
		p->at++;
		if (!digit_at(p))
			return false;
		take_digits(p, d, true);
	}
	if (p->at == p->end || (*p->at | 0x20) != 'e')
		return true;
	d->fraction = true;
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

/* The double nearest to the number. Exact operands and one rounding where they suffice, else strtod. */
static bool real_value(struct parser *p, double *out, const struct digits *d, const unsigned char *start)
{
	size_t len = (size_t)(p->at - start);
	char copy[64], *text = copy;

	if (d->count <= 15 && d->exponent >= -22 && d->exponent <= 22) {
		double mantissa = (double)d->mantissa;

		mantissa = d->exponent < 0 ? mantissa / powers_of_ten[-d->exponent] : mantissa * powers_of_ten[d->exponent];
		*out = *start == '-' ? -mantissa : mantissa;
		return true;
	}
	if (len >= sizeof(copy) && !(text = malloc(len + 1)))
		return false;
	memcpy(text, start, len);
	text[len] = '\0';
	*out = strtod(text, NULL);
	if (text != copy)
		free(text);
	return true;
}

static json_t *read_number(struct parser *p)
{
	const unsigned char *start = p->at;
	struct digits d = { 0 };
	json_t *value;
	double real;

	if (!scan_number(p, &d))
		return fail(p, JCS_SYNTAX, p->at);
	if (!d.fraction) {
		if (d.count > MANTISSA_DIGITS || d.mantissa > MAX_SAFE)
			return fail(p, JCS_NUMBER_RANGE, start);
		value = json_integer(*start == '-' ? -(json_int_t)d.mantissa : (json_int_t)d.mantissa);
		return value ? value : fail(p, JCS_MEMORY, start);
	}
	if (!real_value(p, &real, &d, start))
		return fail(p, JCS_MEMORY, start);
	/* From 2^53 on every double is an integer; below 1e21 JCS writes it as digits, which would be refused when read again. */
	if (isinf(real) || (fabs(real) > (double)MAX_SAFE && fabs(real) < 1e21))
		return fail(p, JCS_NUMBER_RANGE, start);
	value = json_real(real);
	return value ? value : fail(p, JCS_MEMORY, start);
}

static json_t *read_literal(struct parser *p, const char *word, json_t *value)
{
	size_t len = strlen(word);

	if ((size_t)(p->end - p->at) < len || memcmp(p->at, word, len) != 0)
		return fail(p, JCS_SYNTAX, p->at);
	p->at += len;
	return value;
}

static json_t *read_value(struct parser *p);

/* Enters a container; the step stays STEP_NONE until a member or element begins. */
static struct step *enter(struct parser *p)
{
	struct step *step;

	if (p->depth >= p->max_depth) {
		refuse(p, JCS_TOO_DEEP, p->at);
		return NULL;
	}
	step = &p->path[p->depth++];
	step->kind = STEP_NONE;
	p->at++;
	skip_space(p);
	return step;
}

/* One member from its name on. Leaves p->at after the value. */
static bool read_member(struct parser *p, json_t *object, struct step *step)
{
	size_t before = json_object_size(object), len;
	const unsigned char *name_at = p->at;
	const char *name;
	json_t *value;

	step->kind = STEP_NONE;
	if (p->at == p->end || *p->at != '"')
		return refuse(p, JCS_SYNTAX, p->at);
	if (!read_raw(p, &step->name))
		return false;
	step->kind = STEP_NAME;
	skip_space(p);
	if (p->at == p->end || *p->at != ':')
		return refuse(p, JCS_SYNTAX, p->at);
	p->at++;
	value = read_value(p);
	if (!value)
		return false;
	/* only now, because scratch does not outlive the value's own strings */
	name = decoded(p, &step->name, &len);
	if (!name) {
		json_decref(value);
		return refuse(p, JCS_MEMORY, name_at);
	}
	if (json_object_setn_new_nocheck(object, name, len, value) != 0)
		return refuse(p, JCS_MEMORY, name_at);
	if (json_object_size(object) == before)
		return refuse(p, JCS_DUPLICATE, name_at);
	return true;
}

static json_t *read_object(struct parser *p)
{
	struct step *step = enter(p);
	json_t *object;

	if (!step)
		return NULL;
	object = json_object();
	if (!object)
		return fail(p, JCS_MEMORY, p->at);
	if (p->at < p->end && *p->at == '}')
		goto done;
	for (;;) {
		skip_space(p);
		if (!read_member(p, object, step))
			goto fault;
		skip_space(p);
		if (p->at < p->end && *p->at == '}')
			goto done;
		if (p->at == p->end || *p->at != ',') {
			refuse(p, JCS_SYNTAX, p->at);
			goto fault;
		}
		p->at++;
	}
done:
	p->at++;
	p->depth--;
	return object;
fault:
	json_decref(object);
	return NULL;
}

static json_t *read_array(struct parser *p)
{
	struct step *step = enter(p);
	json_t *array, *value;

	if (!step)
		return NULL;
	array = json_array();
	if (!array)
		return fail(p, JCS_MEMORY, p->at);
	if (p->at < p->end && *p->at == ']')
		goto done;
	step->kind = STEP_INDEX;
	for (step->index = 0;; step->index++) {
		value = read_value(p);
		if (!value)
			goto fault;
		if (json_array_append_new(array, value) != 0) {
			refuse(p, JCS_MEMORY, p->at);
			goto fault;
		}
		skip_space(p);
		if (p->at < p->end && *p->at == ']')
			goto done;
		if (p->at == p->end || *p->at != ',') {
			refuse(p, JCS_SYNTAX, p->at);
			goto fault;
		}
		p->at++;
	}
done:
	p->at++;
	p->depth--;
	return array;
fault:
	json_decref(array);
	return NULL;
}

static json_t *read_value(struct parser *p)
{
	skip_space(p);
	if (p->at == p->end)
		return fail(p, JCS_SYNTAX, p->at);
	switch (*p->at) {
	case '{':
		return read_object(p);
	case '[':
		return read_array(p);
	case '"':
		return read_string(p);
	case 't':
		return read_literal(p, "true", json_true());
	case 'f':
		return read_literal(p, "false", json_false());
	case 'n':
		return read_literal(p, "null", json_null());
	default:
		if (*p->at == '-' || digit_at(p))
			return read_number(p);
		return fail(p, JCS_SYNTAX, p->at);
	}
}

static int status(enum jcs_code code)
{
	switch (code) {
	case JCS_OK:
		return 0;
	case JCS_TOO_LONG:
	case JCS_TOO_DEEP:
		return -EOVERFLOW;
	case JCS_UTF8:
	case JCS_SURROGATE:
		return -EILSEQ;
	case JCS_MEMORY:
		return -ENOMEM;
	case JCS_SYNTAX:
	case JCS_DUPLICATE:
	case JCS_NUL:
	case JCS_NUMBER_RANGE:
		break;
	}
	return -EBADMSG;
}

int jcs_parse(json_t **out, struct jcs_error *err, const char *text, size_t len, const struct jcs_limits *limits)
{
	static const struct jcs_limits usual = { .bytes = JCS_MAX_BYTES, .depth = JCS_MAX_DEPTH };
	const unsigned char *start = (const unsigned char *)text;
	struct parser p;

	if (!limits)
		limits = &usual;
	memset(err, 0, sizeof(*err));
	/* path is left as it is: depth says how much of it counts */
	p.start = p.at = start;
	p.end = start + len;
	p.max_depth = limits->depth < DEPTH_CAP ? limits->depth : DEPTH_CAP;
	p.depth = 0;
	p.err = err;
	p.scratch = NULL;
	p.scratch_cap = 0;
	*out = NULL;
	if (len > limits->bytes) {
		refuse(&p, JCS_TOO_LONG, start + limits->bytes);
		return status(JCS_TOO_LONG);
	}
	*out = read_value(&p);
	if (*out) {
		skip_space(&p);
		if (p.at != p.end) {
			json_decref(*out);
			*out = fail(&p, JCS_SYNTAX, p.at);
		}
	}
	free(p.scratch);
	return *out ? 0 : status(err->code);
}

const char *jcs_reason(enum jcs_code code)
{
	switch (code) {
	case JCS_OK:
		return "no fault";
	case JCS_SYNTAX:
		return "not well-formed JSON";
	case JCS_TOO_LONG:
		return "too many bytes";
	case JCS_TOO_DEEP:
		return "nested too deeply";
	case JCS_DUPLICATE:
		return "a member name stands twice in one object";
	case JCS_UTF8:
		return "not valid UTF-8";
	case JCS_SURROGATE:
		return "an escape is half of a surrogate pair";
	case JCS_NUL:
		return "a text holds U+0000";
	case JCS_NUMBER_RANGE:
		return "an integer beyond 2^53-1, which JSON numbers cannot carry exactly; send it as text";
	case JCS_MEMORY:
		return "out of memory";
	}
	return "unknown fault";
}
