/* Relative references below a service endpoint: RFC 3986 section 5.2, and the guard of DID Resolution section 13.7.1. Both texts are strangers'. */
#include "did/dereference.h"
#include "eth/hex.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* URI = scheme ":" [ "//" authority ] path [ "?" query ] [ "#" fragment ] */
struct parts {
	struct did_slice scheme, authority, path, query, fragment;
	bool has_scheme, has_authority, has_query, has_fragment;
};

/* A path that is being made. */
struct path {
	size_t len;
	char text[DEREFERENCE_URL_SIZE];
};

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 3986: reserved and unreserved characters and whole escapes; nothing that software disagrees about. */
static bool is_uri_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			if (len - i < 3 || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0)
				return false;
			i += 2;
		} else if (!is_alpha(c) && !is_digit(c) && (c == '\0' || !strchr("-._~:/?#[]@!$&'()*+,;=", c))) {
			return false;
		}
	}
	return true;
}

static size_t scheme_length(const char *text)
{
	size_t n = 0;

	if (!is_alpha(text[0]))
		return 0;
	while (is_alpha(text[n]) || is_digit(text[n]) || (text[n] && strchr("+-.", text[n])))
		n++;
	return text[n] == ':' ? n : 0;
}

/* RFC 3986, appendix B. */
static int split(struct parts *out, const char *text)
{
	const char *at = text;

	*out = (struct parts){.has_scheme = false};
	if (strlen(text) >= DEREFERENCE_URL_SIZE || !is_uri_text(text, strlen(text)))
		return -EBADMSG;
	out->scheme = (struct did_slice){text, scheme_length(text)};
	out->has_scheme = out->scheme.len > 0;
	if (out->has_scheme)
		at += out->scheme.len + 1;
	if (strncmp(at, "//", 2) == 0) {
		at += 2;
		out->has_authority = true;
		out->authority = (struct did_slice){at, strcspn(at, "/?#")};
		at += out->authority.len;
	}
	out->path = (struct did_slice){at, strcspn(at, "?#")};
	at += out->path.len;
	out->has_query = *at == '?';
	if (out->has_query) {
		out->query = (struct did_slice){at + 1, strcspn(at + 1, "#")};
		at += 1 + out->query.len;
	}
	out->has_fragment = *at == '#';
	if (out->has_fragment)
		out->fragment = (struct did_slice){at + 1, strlen(at + 1)};
	/* a second "#" */
	return out->has_fragment && memchr(out->fragment.ptr, '#', out->fragment.len) ? -EBADMSG : 0;
}

static int add(struct path *path, const char *text, size_t len)
{
	if (len >= sizeof(path->text) - path->len)
		return -ENOSPC;
	memcpy(path->text + path->len, text, len);
	path->len += len;
	path->text[path->len] = '\0';
	return 0;
}

/* RFC 3986 section 5.2.4, segment by segment, in place: the result is never longer. An absolute path stays one. */
static void remove_dots(struct path *path)
{
	const char *in = path->text, *end = path->text + path->len;
	char *out = path->text;

	while (in < end) {
		const char *segment = *in == '/' ? in + 1 : in;
		size_t len = strcspn(segment, "/");
		bool last = segment + len == end;

		if (len == 2 && segment[0] == '.' && segment[1] == '.') {
			while (out > path->text && *--out != '/')
				;
			if (last)
				*out++ = '/';
		} else if (len == 1 && segment[0] == '.') {
			if (last)
				*out++ = '/';
		} else {
			memmove(out, in, (size_t)(segment + len - in));
			out += segment + len - in;
		}
		in = segment + len;
	}
	*out = '\0';
	path->len = (size_t)(out - path->text);
}

/* RFC 3986 section 5.2.3. */
static int merge(struct path *out, const struct parts *base, const struct parts *reference)
{
	struct did_slice before = base->path;

	if (reference->path.ptr[0] == '/')
		return add(out, reference->path.ptr, reference->path.len);
	while (before.len > 0 && before.ptr[before.len - 1] != '/')
		before.len--;
	if (before.len == 0)
		before = (struct did_slice){"/", 1};
	return add(out, before.ptr, before.len) != 0 ? -ENOSPC : add(out, reference->path.ptr, reference->path.len);
}

/* Every escape decoded, those that come of decoding too: what was put may be the end of one, and so may what that becomes. Nested as
 * deeply as they may be, they are read once. */
static void decode_fully(struct path *path)
{
	char *text = path->text;
	size_t n = 0;

	for (size_t i = 0; i < path->len; i++) {
		text[n++] = text[i];
		while (n >= 3 && text[n - 3] == '%' && hex_digit(text[n - 2]) >= 0 && hex_digit(text[n - 1]) >= 0) {
			text[n - 3] = (char)(hex_digit(text[n - 2]) << 4 | hex_digit(text[n - 1]));
			n -= 2;
		}
	}
	path->len = n;
	text[n] = '\0';
}

/* RFC 3629, section 3: a character in more octets than it needs, which is how "." and "/" hide from who looks for them. */
static bool is_overlong(unsigned char lead, unsigned char next)
{
	if (next < 0x80 || next > 0xbf)
		return false;
	return lead == 0xc0 || lead == 0xc1 || (lead == 0xe0 && next < 0xa0) || (lead == 0xf0 && next < 0x90);
}

/* Parameters of a segment (RFC 3986 section 3.3), which some servers take away before they remove dots: "..;x" is ".." then. */
static bool is_dots_with_parameters(const struct path *path, size_t at)
{
	size_t dots = strspn(path->text + at, ".");

	return (at == 0 || path->text[at - 1] == '/') && (dots == 1 || dots == 2) && path->text[at + dots] == ';';
}

/* A path as the most eager server would read it; false: it holds what some take for a separator or an end, or for dots. */
static bool read_eagerly(struct path *path)
{
	decode_fully(path);
	for (size_t i = 0; i < path->len; i++) {
		unsigned char c = (unsigned char)path->text[i];

		if (c < 0x20 || c == 0x7f || c == '\\' || is_overlong(c, (unsigned char)path->text[i + 1]) || is_dots_with_parameters(path, i))
			return false;
	}
	remove_dots(path);
	return true;
}

static bool is_below(const struct path *made, struct did_slice base)
{
	struct path path = *made, above = {.len = 0};

	if (add(&above, base.ptr, base.len) != 0 || !read_eagerly(&above) || !read_eagerly(&path))
		return false;
	if (path.len < above.len || memcmp(path.text, above.text, above.len) != 0)
		return false;
	return path.len == above.len || above.len == 0 || above.text[above.len - 1] == '/' || path.text[above.len] == '/';
}

bool dereference_is_local(const char *uri)
{
	static const char *const names[] = {"javascript", "data", "vbscript", "blob", "file"};
	size_t len = scheme_length(uri);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (len == strlen(names[i]) && strncasecmp(uri, names[i], len) == 0)
			return true;
	return false;
}

int dereference_uri(char out[static DEREFERENCE_URL_SIZE], const char *uri)
{
	struct parts parts;
	int n;

	if (split(&parts, uri) != 0 || !parts.has_scheme || dereference_is_local(uri))
		return -EBADMSG;
	n = snprintf(out, DEREFERENCE_URL_SIZE, "%s", uri);
	return n > 0 && n < DEREFERENCE_URL_SIZE ? 0 : -ENOSPC;
}

int dereference_reference(char out[static DEREFERENCE_URL_SIZE], const char *base, const char *reference)
{
	struct path path = {.len = 0, .text = ""};
	struct parts above, below;
	struct did_slice query;
	bool has_query;
	int n, rc;

	if (split(&above, base) != 0 || !above.has_scheme || !above.has_authority || above.authority.len == 0 || dereference_is_local(base))
		return -EBADMSG;
	if (split(&below, reference) != 0 || below.has_scheme || below.has_authority)
		return -EACCES;
	has_query = below.has_query || (below.path.len == 0 && above.has_query);
	query = below.has_query ? below.query : above.query;
	rc = below.path.len == 0 ? add(&path, above.path.ptr, above.path.len) : merge(&path, &above, &below);
	if (rc != 0)
		return rc;
	remove_dots(&path);
	if (!is_below(&path, above.path))
		return -EACCES;
	n = snprintf(out, DEREFERENCE_URL_SIZE, "%.*s://%.*s%s%s%.*s%s%.*s", (int)above.scheme.len, above.scheme.ptr, (int)above.authority.len,
		     above.authority.ptr, path.text, has_query ? "?" : "", has_query ? (int)query.len : 0, has_query ? query.ptr : "",
		     below.has_fragment ? "#" : "", (int)below.fragment.len, below.has_fragment ? below.fragment.ptr : "");
	return n > 0 && n < DEREFERENCE_URL_SIZE ? 0 : -ENOSPC;
}
