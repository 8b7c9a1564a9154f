/* The canonical writer of RFC 8785: the bytes that are hashed and signed. */
#include "did/jcs.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_CAP 256
#define MAX_SAFE 9007199254740991 /* 2^53-1 */
#define FIRST_MEMBERS 64
#define SMALL_OBJECT 24 /* up to here insertion sort, which costs nothing on names already in order */

struct member {
	const char *name;
	size_t len;
	json_t *value;
};

/* Members of all open objects, innermost last; indices, because growing moves them. */
struct writer {
	struct jcs_buffer *out;
	unsigned depth;
	size_t count;
	size_t cap;
	struct member *members; /* first, or heap once that was too small */
	struct member *heap;
	struct member first[FIRST_MEMBERS];
};

/* UTF-8 order is UTF-16 order except where U+E000..U+FFFF (lead byte 0xee, 0xef) meets an astral character (0xf0 and
 * up), whose surrogates D800..DFFF come first (RFC 8785 section 3.2.3). Names first differ in a byte of the same place
 * in a sequence, and continuation bytes are below 0xc0. */
int jcs_compare_names(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t common = a_len < b_len ? a_len : b_len;

	for (size_t i = 0; i < common; i++) {
		unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];

		if (x == y)
			continue;
		if (x >= 0xee && y >= 0xee && (x >= 0xf0) != (y >= 0xf0))
			return x >= 0xf0 ? -1 : 1;
		return x < y ? -1 : 1;
	}
	return (a_len > b_len) - (a_len < b_len);
}

static int put(struct jcs_buffer *buffer, const char *bytes, size_t len)
{
	if (len > buffer->cap - buffer->len) {
		int rc = jcs_buffer_grow(buffer, len);

		if (rc != 0)
			return rc;
	}
	memcpy(buffer->data + buffer->len, bytes, len);
	buffer->len += len;
	return 0;
}

/* Length of the longest start of text without a character that JSON escapes. */
static size_t plain_length(const char *text, size_t len)
{
	const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
	size_t i = 0;

	for (; len - i >= 8; i += 8) {
		uint64_t word, quote, solidus;

		memcpy(&word, text + i, sizeof(word));
		quote = word ^ ones * '"';
		solidus = word ^ ones * '\\';
		if ((((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((solidus - ones) & ~solidus)) &
		    highs)
			break;
	}
	while (i < len && (unsigned char)text[i] >= 0x20 && text[i] != '"' && text[i] != '\\')
		i++;
	return i;
}

static int put_escape(struct jcs_buffer *buffer, char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[] = "btn?fr"; /* U+0008 to U+000D */
	char text[6] = {'\\', 'u', '0', '0', hex[(unsigned char)c >> 4], hex[c & 15]};

	if (c == '"' || c == '\\')
		text[1] = c;
	else if (c >= 8 && c <= 13 && c != 11)
		text[1] = letters[c - 8];
	else
		return put(buffer, text, 6);
	return put(buffer, text, 2);
}

int jcs_write_escaped(struct jcs_buffer *buffer, const char *text, size_t len)
{
	size_t before = buffer->len;
	int rc = 0;

	while (rc == 0) {
		size_t plain = plain_length(text, len);

		rc = put(buffer, text, plain);
		text += plain;
		len -= plain;
		if (len == 0 || rc != 0)
			break;
		rc = put_escape(buffer, *text++);
		len--;
	}
	if (rc != 0)
		buffer->len = before;
	return rc;
}

int jcs_write_string(struct jcs_buffer *buffer, const char *text, size_t len)
{
	size_t before = buffer->len;
	int rc;

	/* what most strings are */
	if (len + 2 <= buffer->cap - buffer->len && plain_length(text, len) == len) {
		char *at = buffer->data + buffer->len;

		*at = '"';
		memcpy(at + 1, text, len);
		at[len + 1] = '"';
		buffer->len += len + 2;
		return 0;
	}
	rc = put(buffer, "\"", 1);
	if (rc == 0)
		rc = jcs_write_escaped(buffer, text, len);
	if (rc == 0)
		rc = put(buffer, "\"", 1);
	if (rc != 0)
		buffer->len = before;
	return rc;
}

static int put_integer(struct jcs_buffer *buffer, json_int_t value)
{
	char text[JCS_NUMBER_SIZE];
	int len;

	if (value > MAX_SAFE || value < -MAX_SAFE)
		return -EOVERFLOW;
	len = jcs_number(text, (double)value);
	return len < 0 ? len : put(buffer, text, (size_t)len);
}

static int put_real(struct jcs_buffer *buffer, double value)
{
	char text[JCS_NUMBER_SIZE];
	int len = jcs_number(text, value);

	return len < 0 ? len : put(buffer, text, (size_t)len);
}

static int grow_members(struct writer *w)
{
	size_t cap = w->cap * 2;
	struct member *grown = realloc(w->heap, cap * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	if (!w->heap)
		memcpy(grown, w->first, w->count * sizeof(*grown));
	w->heap = grown;
	w->members = grown;
	w->cap = cap;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return jcs_compare_names(x->name, x->len, y->name, y->len);
}

static void sort_members(struct member *members, size_t count)
{
	if (count > SMALL_OBJECT) {
		qsort(members, count, sizeof(*members), by_name);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		struct member moving = members[i];
		size_t j = i;

		for (; j > 0 && by_name(&members[j - 1], &moving) > 0; j--)
			members[j] = members[j - 1];
		members[j] = moving;
	}
}

static int write_value(struct writer *w, json_t *value);

static int write_members(struct writer *w, size_t from, size_t to)
{
	int rc = put(w->out, "{", 1);

	for (size_t i = from; i < to && rc == 0; i++) {
		/* a copy: nested objects may move the array */
		struct member member = w->members[i];

		if (i > from)
			rc = put(w->out, ",", 1);
		if (rc == 0)
			rc = jcs_write_string(w->out, member.name, member.len);
		if (rc == 0)
			rc = put(w->out, ":", 1);
		if (rc == 0)
			rc = write_value(w, member.value);
	}
	return rc == 0 ? put(w->out, "}", 1) : rc;
}

static int write_object(struct writer *w, json_t *object)
{
	size_t from = w->count;
	int rc = 0;

	for (void *iter = json_object_iter(object); iter; iter = json_object_iter_next(object, iter)) {
		struct member *member;

		if (w->count == w->cap && (rc = grow_members(w)) != 0)
			return rc;
		member = &w->members[w->count++];
		member->name = json_object_iter_key(iter);
		member->len = json_object_iter_key_len(iter);
		member->value = json_object_iter_value(iter);
	}
	sort_members(w->members + from, w->count - from);
	rc = write_members(w, from, w->count);
	w->count = from;
	return rc;
}

static int write_array(struct writer *w, json_t *array)
{
	size_t count = json_array_size(array);
	int rc = put(w->out, "[", 1);

	for (size_t i = 0; i < count && rc == 0; i++) {
		if (i > 0)
			rc = put(w->out, ",", 1);
		if (rc == 0)
			rc = write_value(w, json_array_get(array, i));
	}
	return rc == 0 ? put(w->out, "]", 1) : rc;
}

static int write_container(struct writer *w, json_t *value)
{
	int rc;

	if (w->depth == DEPTH_CAP)
		return -EOVERFLOW;
	w->depth++;
	rc = json_is_object(value) ? write_object(w, value) : write_array(w, value);
	w->depth--;
	return rc;
}

static int write_value(struct writer *w, json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		return write_container(w, value);
	case JSON_STRING:
		return jcs_write_string(w->out, json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
		return put_integer(w->out, json_integer_value(value));
	case JSON_REAL:
		return put_real(w->out, json_real_value(value));
	case JSON_TRUE:
		return put(w->out, "true", 4);
	case JSON_FALSE:
		return put(w->out, "false", 5);
	case JSON_NULL:
		return put(w->out, "null", 4);
	}
	return -EINVAL;
}

int jcs_write(struct jcs_buffer *buffer, const json_t *value)
{
	size_t before = buffer->len;
	struct writer w = {.out = buffer, .cap = FIRST_MEMBERS};
	int rc;

	w.members = w.first;
	/* jansson's iterators take no const object; nothing here changes it */
	rc = write_value(&w, (json_t *)(uintptr_t)value);
	free(w.heap);
	if (rc != 0)
		buffer->len = before;
	return rc;
}
