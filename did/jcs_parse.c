/* The strict JSON reader. One pass over the bytes, by recursive descent within limits.depth, that knows at every byte
 * which value it is in, so that a refusal can name the place. */
#include "did/jcs_scan.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_CAP 256
#define MAX_SAFE 9007199254740991 /* 2^53-1, RFC 7493 section 2.2 */

/* One level of the way to the current value. */
struct step {
	enum { STEP_NONE, STEP_NAME, STEP_INDEX } kind;
	struct jcs_raw name;
	size_t index;
};

struct parser {
	const unsigned char *start;
	struct jcs_cursor cursor;
	unsigned max_depth;
	unsigned depth;
	struct jcs_error *err;
	char *scratch; /* for strings that need unescaping; grows to the longest */
	size_t scratch_cap;
	struct step path[DEPTH_CAP];
};

/* Appends "/" and the name by RFC 6901; false, and nothing appended, where it does not fit. */
static bool point_name(char *pointer, size_t *len, const struct jcs_raw *name)
{
	char decoded[JCS_POINTER_SIZE];
	size_t at = *len, decoded_len;

	/* an escape is at most six times longer than what it means */
	if (name->len >= JCS_POINTER_SIZE)
		return false;
	decoded_len = jcs_unescape(decoded, name);
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
	while (p->cursor.at < p->cursor.end &&
	       (*p->cursor.at == ' ' || *p->cursor.at == '\n' || *p->cursor.at == '\t' || *p->cursor.at == '\r'))
		p->cursor.at++;
}

static bool read_raw(struct parser *p, struct jcs_raw *out)
{
	enum jcs_code fault;

	return jcs_scan_string(out, &fault, &p->cursor) || refuse(p, fault, p->cursor.at);
}

/* The string's meaning: the text itself, or unescaped into scratch, valid until the next call. NULL: no memory. */
static const char *decoded(struct parser *p, const struct jcs_raw *raw, size_t *len)
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
	*len = jcs_unescape(p->scratch, raw);
	return p->scratch;
}

static json_t *read_string(struct parser *p)
{
	json_t *value = NULL;
	const char *text;
	struct jcs_raw raw;
	size_t len;

	if (!read_raw(p, &raw))
		return NULL;
	text = decoded(p, &raw, &len);
	if (text)
		value = json_stringn_nocheck(text, len);
	return value ? value : fail(p, JCS_MEMORY, p->cursor.at);
}

static json_t *read_integer(struct parser *p, const struct jcs_digits *d)
{
	json_t *value;

	if (d->count > JCS_MANTISSA_DIGITS || d->mantissa > MAX_SAFE)
		return fail(p, JCS_NUMBER_RANGE, d->start);
	value = json_integer(d->negative ? -(json_int_t)d->mantissa : (json_int_t)d->mantissa);
	return value ? value : fail(p, JCS_MEMORY, d->start);
}

static json_t *read_number(struct parser *p)
{
	struct jcs_digits d;
	json_t *value;
	double real;

	if (!jcs_scan_number(&d, &p->cursor))
		return fail(p, JCS_SYNTAX, p->cursor.at);
	if (!d.real)
		return read_integer(p, &d);
	if (jcs_digits_value(&real, &d) != 0)
		return fail(p, JCS_MEMORY, d.start);
	/* From 2^53 on every double is an integer; below 1e21 JCS writes it as digits, which would be refused when read
	 * again. */
	if (isinf(real) || (fabs(real) > (double)MAX_SAFE && fabs(real) < 1e21))
		return fail(p, JCS_NUMBER_RANGE, d.start);
	value = json_real(real);
	return value ? value : fail(p, JCS_MEMORY, d.start);
}

static json_t *read_literal(struct parser *p, const char *word, json_t *value)
{
	size_t len = strlen(word);

	if ((size_t)(p->cursor.end - p->cursor.at) < len || memcmp(p->cursor.at, word, len) != 0)
		return fail(p, JCS_SYNTAX, p->cursor.at);
	p->cursor.at += len;
	return value;
}

static json_t *read_value(struct parser *p);

/* Enters a container; the step stays STEP_NONE until a member or element begins. */
static struct step *enter(struct parser *p)
{
	struct step *step;

	if (p->depth >= p->max_depth) {
		refuse(p, JCS_TOO_DEEP, p->cursor.at);
		return NULL;
	}
	step = &p->path[p->depth++];
	step->kind = STEP_NONE;
	p->cursor.at++;
	skip_space(p);
	return step;
}

/* One member from its name on. Leaves p->cursor.at after the value. */
static bool read_member(struct parser *p, json_t *object, struct step *step)
{
	size_t before = json_object_size(object), len;
	const unsigned char *name_at = p->cursor.at;
	const char *name;
	json_t *value;

	step->kind = STEP_NONE;
	if (p->cursor.at == p->cursor.end || *p->cursor.at != '"')
		return refuse(p, JCS_SYNTAX, p->cursor.at);
	if (!read_raw(p, &step->name))
		return false;
	step->kind = STEP_NAME;
	skip_space(p);
	if (p->cursor.at == p->cursor.end || *p->cursor.at != ':')
		return refuse(p, JCS_SYNTAX, p->cursor.at);
	p->cursor.at++;
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
		return fail(p, JCS_MEMORY, p->cursor.at);
	if (p->cursor.at < p->cursor.end && *p->cursor.at == '}')
		goto done;
	for (;;) {
		skip_space(p);
		if (!read_member(p, object, step))
			goto fault;
		skip_space(p);
		if (p->cursor.at < p->cursor.end && *p->cursor.at == '}')
			goto done;
		if (p->cursor.at == p->cursor.end || *p->cursor.at != ',') {
			refuse(p, JCS_SYNTAX, p->cursor.at);
			goto fault;
		}
		p->cursor.at++;
	}
done:
	p->cursor.at++;
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
		return fail(p, JCS_MEMORY, p->cursor.at);
	if (p->cursor.at < p->cursor.end && *p->cursor.at == ']')
		goto done;
	step->kind = STEP_INDEX;
	for (step->index = 0;; step->index++) {
		value = read_value(p);
		if (!value)
			goto fault;
		if (json_array_append_new(array, value) != 0) {
			refuse(p, JCS_MEMORY, p->cursor.at);
			goto fault;
		}
		skip_space(p);
		if (p->cursor.at < p->cursor.end && *p->cursor.at == ']')
			goto done;
		if (p->cursor.at == p->cursor.end || *p->cursor.at != ',') {
			refuse(p, JCS_SYNTAX, p->cursor.at);
			goto fault;
		}
		p->cursor.at++;
	}
done:
	p->cursor.at++;
	p->depth--;
	return array;
fault:
	json_decref(array);
	return NULL;
}

static json_t *read_value(struct parser *p)
{
	skip_space(p);
	if (p->cursor.at == p->cursor.end)
		return fail(p, JCS_SYNTAX, p->cursor.at);
	switch (*p->cursor.at) {
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
		if (*p->cursor.at == '-' || (*p->cursor.at >= '0' && *p->cursor.at <= '9'))
			return read_number(p);
		return fail(p, JCS_SYNTAX, p->cursor.at);
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
	static const struct jcs_limits usual = {.bytes = JCS_MAX_BYTES, .depth = JCS_MAX_DEPTH};
	const unsigned char *start = (const unsigned char *)text;
	struct parser p;

	if (!limits)
		limits = &usual;
	memset(err, 0, sizeof(*err));
	/* path is left as it is: depth says how much of it counts */
	p.start = p.cursor.at = start;
	p.cursor.end = start + len;
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
		if (p.cursor.at != p.cursor.end) {
			json_decref(*out);
			*out = fail(&p, JCS_SYNTAX, p.cursor.at);
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
