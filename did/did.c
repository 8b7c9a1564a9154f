/* DID and DID URL syntax, from the ABNF of DID 1.1 section 3. */
#include "did/did.h"
#include "eth/hex.h"

#include <errno.h>
#include <string.h>

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Length of the unit at p: 1 for an alphanumeric or one of extra, 3 for a percent escape, 0 for neither. */
static size_t unit(const char *p, size_t left, const char *extra)
{
	if (is_alnum(*p) || (*p != '\0' && strchr(extra, *p)))
		return 1;
	if (*p == '%' && left >= 3 && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0)
		return 3;
	return 0;
}

/* The longest run of units at the start of text. */
static size_t run(const char *text, size_t len, const char *extra)
{
	size_t n = 0, step;

	while (n < len && (step = unit(text + n, len - n, extra)) != 0)
		n += step;
	return n;
}

/* RFC 3986: pchar without what is_alnum() and escapes cover, and the additions of path, query and fragment. */
#define PCHAR "-._~!$&'()*+,;=:@"
#define PATH_EXTRA PCHAR "/"
#define QUERY_EXTRA PCHAR "/?"

static struct did_slice take(const char *text, size_t *at, size_t len)
{
	struct did_slice slice = {text + *at, len};

	*at += len;
	return slice;
}

/* did = "did:" method-name ":" method-specific-id; leaves *at behind it. */
static int take_did(struct did_url *out, const char *text, size_t len, size_t *at)
{
	size_t n = 4;

	if (len < 4 || memcmp(text, "did:", 4) != 0)
		return -EBADMSG;
	while (n < len && ((text[n] >= 'a' && text[n] <= 'z') || (text[n] >= '0' && text[n] <= '9')))
		n++;
	if (n == 4 || n == len || text[n] != ':')
		return -EBADMSG;
	out->method = (struct did_slice){text + 4, n - 4};
	n++;
	out->id = take(text, &n, run(text + n, len - n, ".-_:"));
	/* method-specific-id = *( *idchar ":" ) 1*idchar */
	if (out->id.len == 0 || text[n - 1] == ':')
		return -EBADMSG;
	out->did = (struct did_slice){text, n};
	*at = n;
	return 0;
}

int did_url_parse(struct did_url *out, const char *text, size_t len)
{
	size_t at = 0;
	int rc;

	memset(out, 0, sizeof(*out));
	if (len > DID_MAX)
		return -EOVERFLOW;
	rc = take_did(out, text, len, &at);
	if (rc != 0)
		return rc;
	if (at < len && text[at] == '/')
		out->path = take(text, &at, run(text + at, len - at, PATH_EXTRA));
	if (at < len && text[at] == '?') {
		at++;
		out->has_query = true;
		out->query = take(text, &at, run(text + at, len - at, QUERY_EXTRA));
	}
	if (at < len && text[at] == '#') {
		at++;
		out->has_fragment = true;
		out->fragment = take(text, &at, run(text + at, len - at, QUERY_EXTRA));
	}
	return at == len ? 0 : -EBADMSG;
}

int did_parse(struct did_url *out, const char *text, size_t len)
{
	int rc = did_url_parse(out, text, len);

	return rc == 0 && out->did.len != len ? -EBADMSG : rc;
}

int did_percent_decode(char *out, size_t *out_len, size_t cap, struct did_slice in)
{
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		char c = in.ptr[i];

		if (c == '%') {
			int high = in.len - i < 3 ? -1 : hex_digit(in.ptr[i + 1]);
			int low = in.len - i < 3 ? -1 : hex_digit(in.ptr[i + 2]);

			if (high < 0 || low < 0)
				return -EBADMSG;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0')
			return -EBADMSG;
		if (n == cap)
			return -ENOSPC;
		out[n++] = c;
	}
	*out_len = n;
	return 0;
}

/* The next decoded byte of a slice that is known to be well-formed, or -1 at its end. */
static int next_byte(struct did_slice *in)
{
	int c;

	if (in->len == 0)
		return -1;
	c = (unsigned char)in->ptr[0];
	if (c == '%') {
		c = hex_digit(in->ptr[1]) * 16 + hex_digit(in->ptr[2]);
		in->ptr += 2;
		in->len -= 2;
	}
	in->ptr++;
	in->len--;
	return c;
}

static bool same_decoded(struct did_slice a, struct did_slice b)
{
	int x, y;

	do {
		x = next_byte(&a);
		y = next_byte(&b);
	} while (x == y && x >= 0);
	return x == y;
}

static int add_param(struct did_params *out, struct did_slice part)
{
	const char *equals = memchr(part.ptr, '=', part.len);
	struct did_param param = {.name = part};

	if (run(part.ptr, part.len, QUERY_EXTRA) != part.len)
		return -EBADMSG;
	if (equals) {
		param.name.len = (size_t)(equals - part.ptr);
		param.value = (struct did_slice){equals + 1, part.len - param.name.len - 1};
	}
	if (param.name.len == 0)
		return -EBADMSG;
	for (size_t i = 0; i < out->count; i++)
		if (same_decoded(out->items[i].name, param.name))
			return -EEXIST;
	if (out->count == DID_PARAMS_MAX)
		return -EOVERFLOW;
	out->items[out->count++] = param;
	return 0;
}

int did_query_parse(struct did_params *out, struct did_slice query)
{
	out->count = 0;
	while (query.len > 0) {
		const char *amp = memchr(query.ptr, '&', query.len);
		struct did_slice part = {query.ptr, amp ? (size_t)(amp - query.ptr) : query.len};
		int rc = part.len ? add_param(out, part) : -EBADMSG;

		if (rc != 0)
			return rc;
		query.ptr += part.len + (amp != NULL);
		query.len -= part.len + (amp != NULL);
		if (amp && query.len == 0)
			return -EBADMSG;
	}
	return 0;
}

bool did_slice_is(struct did_slice slice, const char *text)
{
	return strlen(text) == slice.len && (slice.len == 0 || memcmp(slice.ptr, text, slice.len) == 0);
}
