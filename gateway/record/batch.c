/* Takes a request body apart into items by brackets and quotes alone; whether an item is JSON is submission_parse's
 * word. */
#include "gateway/record/attestation.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int refuse(struct refusal *why, enum refusal_code code, const char *detail)
{
	refusal_set(why, code, "", "%s", detail);
	return -EBADMSG;
}

static int add(struct batch *b, struct refusal *why, const uint8_t *body, size_t from, size_t to)
{
	while (from < to && is_space(body[from]))
		from++;
	while (to > from && is_space(body[to - 1]))
		to--;
	if (b->count == BATCH_ITEMS_MAX)
		return refuse(why, REFUSAL_BATCH_TOO_LARGE, "a batch has at most 1024 items");
	b->item[b->count++] = (struct batch_span){from, to - from};
	return 0;
}

static int split_lines(struct batch *b, struct refusal *why, const uint8_t *body, size_t len)
{
	size_t at = 0;
	int rc = 0;

	while (at < len && !rc) {
		const uint8_t *lf = memchr(body + at, '\n', len - at);
		size_t end = lf ? (size_t)(lf - body) : len, first = at;

		while (first < end && is_space(body[first]))
			first++;
		if (first < end)
			rc = add(b, why, body, first, end);
		at = end + 1;
	}
	return rc;
}

/* The offset of the ',' or ']' that ends the element at `at`, or len. Quotes are followed so that brackets in texts do
 * not count. */
static size_t element_end(const uint8_t *body, size_t at, size_t len)
{
	size_t depth = 0;
	bool text = false;

	for (; at < len; at++) {
		uint8_t c = body[at];

		if (text) {
			if (c == '\\')
				at++;
			else if (c == '"')
				text = false;
			continue;
		}
		if (c == '"')
			text = true;
		else if (c == '[' || c == '{')
			depth++;
		else if (depth == 0 && (c == ',' || c == ']'))
			return at;
		else if (c == ']' || c == '}')
			depth -= depth > 0;
	}
	return len;
}

static int split_array(struct batch *b, struct refusal *why, const uint8_t *body, size_t at, size_t len)
{
	size_t first = ++at;

	while (first < len && is_space(body[first]))
		first++;
	if (first < len && body[first] == ']') {
		at = first;
	} else {
		for (;;) {
			size_t end = element_end(body, at, len);
			int rc;

			if (end >= len)
				return refuse(why, REFUSAL_BATCH, "the array does not end");
			rc = add(b, why, body, at, end);
			if (rc)
				return rc;
			at = end;
			if (body[end] == ']')
				break;
			at++;
		}
	}
	for (at++; at < len; at++)
		if (!is_space(body[at]))
			return refuse(why, REFUSAL_BATCH, "bytes follow the array");
	return 0;
}

int batch_split(struct batch *b, struct refusal *why, const uint8_t *body, size_t len, bool ndjson)
{
	size_t at = 0;
	int rc;

	b->count = 0;
	b->form = ndjson ? BATCH_NDJSON : BATCH_SINGLE;
	if (len > BATCH_BYTES_MAX)
		return refuse(why, REFUSAL_BATCH_TOO_LARGE, "a request body has at most 4 MiB");
	while (at < len && is_space(body[at]))
		at++;
	if (ndjson) {
		rc = split_lines(b, why, body, len);
	} else if (at < len && body[at] == '[') {
		b->form = BATCH_ARRAY;
		rc = split_array(b, why, body, at, len);
	} else {
		rc = at < len ? add(b, why, body, at, len) : 0;
	}
	if (!rc && !b->count)
		return refuse(why, REFUSAL_BATCH, "the body holds no item");
	return rc;
}

int batch_content_type(bool *ndjson, const char *content_type)
{
	static const struct {
		const char *type;
		bool ndjson;
	} known[] = {
		{"application/json", false},
		{"application/x-ndjson", true},
		{"application/ndjson", true},
		{"application/jsonl", true},
	};
	size_t len;

	*ndjson = false;
	if (!content_type)
		return 0;
	len = strcspn(content_type, "; \t");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (len == strlen(known[i].type) && !strncasecmp(content_type, known[i].type, len)) {
			*ndjson = known[i].ndjson;
			return 0;
		}
	return -EINVAL;
}
