/* Patterns are cut into segments once and sorted so that the first match is the most specific one. */
#include "gateway/http/router.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum segment_kind { SEGMENT_LITERAL, SEGMENT_PARAM, SEGMENT_TAIL }; /* in order of precedence */

struct segment {
	enum segment_kind kind;
	struct http_span text; /* the literal, or the name */
};

struct compiled {
	const struct http_route *route;
	size_t count;
	struct segment segments[HTTP_SEGMENTS_MAX];
};

/* The literal bytes that a pattern's paths begin with, eight at most: one line of cache says of four patterns that they are not it. */
struct prefix {
	uint64_t bytes, mask;
};

struct http_router {
	const struct http_route *routes;
	size_t count;
	struct prefix *prefixes; /* in the order of compiled */
	struct compiled compiled[];
};

static bool span_is(struct http_span a, struct http_span b)
{
	return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static int compile_segment(struct segment *out, const char *ptr, size_t len, bool last)
{
	if (len > 0 && ptr[0] == '{') {
		if (len < 3 || ptr[len - 1] != '}')
			return -EINVAL;
		bool tail = ptr[len - 2] == '*';
		out->kind = tail ? SEGMENT_TAIL : SEGMENT_PARAM;
		out->text = (struct http_span){ptr + 1, len - 2 - (tail ? 1 : 0)};
		return out->text.len == 0 || (tail && !last) ? -EINVAL : 0;
	}
	out->kind = SEGMENT_LITERAL;
	out->text = (struct http_span){ptr, len};
	return memchr(ptr, '{', len) || memchr(ptr, '}', len) || memchr(ptr, '%', len) ? -EINVAL : 0;
}

static int compile(struct compiled *out, const struct http_route *route)
{
	const char *at = route->pattern;
	size_t params = 0;
	*out = (struct compiled){.route = route};
	if (at == NULL || route->method == NULL || route->handler == NULL || at[0] != '/')
		return -EINVAL;
	while (at[0] == '/') {
		size_t len = strcspn(++at, "/");
		if (out->count == HTTP_SEGMENTS_MAX)
			return -EINVAL;
		struct segment *segment = &out->segments[out->count++];
		int rc = compile_segment(segment, at, len, at[len] == '\0');
		if (rc != 0)
			return rc;
		if (segment->kind != SEGMENT_LITERAL && ++params > HTTP_PARAMS_MAX)
			return -EINVAL;
		at += len;
	}
	return 0;
}

static uint64_t first_bytes(const char *text, size_t len)
{
	uint64_t bytes = 0;
	memcpy(&bytes, text, len < sizeof(bytes) ? len : sizeof(bytes));
	return bytes;
}

static struct prefix prefix_of(const char *pattern)
{
	static const char ones[8] = {-1, -1, -1, -1, -1, -1, -1, -1};
	size_t len = strcspn(pattern, "{");
	return (struct prefix){first_bytes(pattern, len), first_bytes(ones, len)};
}

/* Literal before {name} before {name*}, leftmost segment first; then the longer pattern. */
static int by_precedence(const void *a, const void *b)
{
	const struct compiled *x = a, *y = b;
	for (size_t i = 0; i < x->count && i < y->count; i++) {
		if (x->segments[i].kind != y->segments[i].kind)
			return x->segments[i].kind < y->segments[i].kind ? -1 : 1;
	}
	return x->count == y->count ? 0 : x->count > y->count ? -1 : 1;
}

static bool same_paths(const struct compiled *x, const struct compiled *y)
{
	if (x->count != y->count)
		return false;
	for (size_t i = 0; i < x->count; i++) {
		if (x->segments[i].kind != y->segments[i].kind)
			return false;
		if (x->segments[i].kind == SEGMENT_LITERAL && !span_is(x->segments[i].text, y->segments[i].text))
			return false;
	}
	return true;
}

static bool has_twins(const struct http_router *router)
{
	for (size_t i = 0; i < router->count; i++) {
		for (size_t j = i + 1; j < router->count; j++) {
			if (same_paths(&router->compiled[i], &router->compiled[j]) &&
			    strcmp(router->compiled[i].route->method, router->compiled[j].route->method) == 0)
				return true;
		}
	}
	return false;
}

int http_router_new(struct http_router **out, const struct http_route routes[], size_t count)
{
	struct http_router *router = malloc(sizeof(*router) + count * sizeof(router->compiled[0]));
	if (router == NULL)
		return -ENOMEM;
	router->prefixes = malloc(count * sizeof(router->prefixes[0]) + 1);
	if (router->prefixes == NULL) {
		free(router);
		return -ENOMEM;
	}
	router->routes = routes;
	router->count = count;
	for (size_t i = 0; i < count; i++) {
		int rc = compile(&router->compiled[i], &routes[i]);
		if (rc != 0) {
			http_router_free(router);
			return rc;
		}
	}
	qsort(router->compiled, count, sizeof(router->compiled[0]), by_precedence);
	if (has_twins(router)) {
		http_router_free(router);
		return -EINVAL;
	}
	for (size_t i = 0; i < count; i++)
		router->prefixes[i] = prefix_of(router->compiled[i].route->pattern);
	*out = router;
	return 0;
}

void http_router_free(struct http_router *router)
{
	if (router == NULL)
		return;
	free(router->prefixes);
	free(router);
}

const struct http_route *http_router_routes(const struct http_router *router, size_t *count)
{
	*count = router->count;
	return router->routes;
}

static bool match_path(const struct compiled *pattern, struct http_match *match, const char *path)
{
	const char *at = path;
	match->count = 0;
	for (size_t i = 0; i < pattern->count; i++) {
		const struct segment *segment = &pattern->segments[i];
		if (*at++ != '/')
			return false;
		size_t len = segment->kind == SEGMENT_TAIL ? strlen(at) : strcspn(at, "/");
		struct http_span raw = {at, len};
		if (segment->kind == SEGMENT_LITERAL) {
			if (!span_is(raw, segment->text))
				return false;
		} else {
			if (len == 0)
				return false;
			match->params[match->count].name = segment->text;
			match->params[match->count++].raw = raw;
		}
		at += len;
	}
	return *at == '\0';
}

bool http_route_is_open(const struct http_route *route)
{
	return strcmp(route->method, "GET") == 0 || (strcmp(route->method, "POST") == 0 && route->cache != NULL);
}

static void add_method(char out[static 64], const char *method)
{
	size_t used = strlen(out);
	snprintf(out + used, 64 - used, "%s%s%s", used ? ", " : "", method, strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

int http_router_match(const struct http_router *router, struct http_match *match, const char *method, const char *path)
{
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
	const struct compiled *shape = NULL; /* the most specific pattern of this path: others do not shine through */
	struct http_match found = {0};
	uint64_t first = first_bytes(path, strnlen(path, sizeof(first)));
	*match = (struct http_match){0};
	for (size_t i = 0; i < router->count; i++) {
		const struct compiled *c = &router->compiled[i];
		if ((first & router->prefixes[i].mask) != router->prefixes[i].bytes || !match_path(c, &found, path) || (shape != NULL && !same_paths(shape, c)))
			continue;
		shape = c;
		if (strcmp(c->route->method, wanted) == 0) {
			found.route = c->route;
			found.allow[0] = found.open[0] = '\0';
			*match = found;
			return 0;
		}
		add_method(match->allow, c->route->method);
		if (http_route_is_open(c->route))
			add_method(match->open, c->route->method);
	}
	if (shape == NULL)
		return -ENOENT;
	add_method(match->allow, "OPTIONS");
	add_method(match->open, "OPTIONS");
	return -EPERM;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The longest start, in steps of eight bytes, that has only bytes from space to "}". */
static size_t plain_length(const char *text, size_t len)
{
	const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
	size_t i = 0;
	for (; len - i >= 8; i += 8) {
		uint64_t word;
		memcpy(&word, text + i, sizeof(word));
		/* a byte below space borrows, one from "~" on carries; either shows from the first such byte on */
		if (((word - ones * ' ') | (word + ones * 2) | word) & highs)
			break;
	}
	return i;
}

/* Unicode 15 table 3-7, and no control bytes. */
static bool is_clean_text(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	for (size_t i = plain_length(text, len); i < len;) {
		unsigned char c = p[i];
		size_t n = c < 0x80		   ? 1
			   : c >= 0xc2 && c < 0xe0 ? 2
			   : (c & 0xf0) == 0xe0	   ? 3
			   : c >= 0xf0 && c < 0xf5 ? 4
						   : 0;
		if (n == 0 || n > len - i || c < ' ' || c == 0x7f)
			return false;
		for (size_t k = 1; k < n; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
		}
		if ((c == 0xe0 && p[i + 1] < 0xa0) || (c == 0xed && p[i + 1] > 0x9f) ||
		    (c == 0xf0 && p[i + 1] < 0x90) || (c == 0xf4 && p[i + 1] > 0x8f))
			return false;
		i += n;
	}
	return true;
}

int http_percent_decode(char *out, size_t *out_len, const char *raw, size_t len, int plus)
{
	const char *escape = plus ? raw : memchr(raw, '%', len);
	size_t n = escape != NULL ? (size_t)(escape - raw) : len;
	memmove(out, raw, n);
	for (size_t i = n; i < len; i++) {
		if (raw[i] != '%') {
			out[n++] = plus && raw[i] == '+' ? ' ' : raw[i];
			continue;
		}
		int high = len - i > 2 ? hex_digit(raw[i + 1]) : -1;
		int low = len - i > 2 ? hex_digit(raw[i + 2]) : -1;
		if (high < 0 || low < 0)
			return -EILSEQ;
		out[n++] = (char)(unsigned char)(high * 16 + low);
		i += 2;
	}
	out[n] = '\0';
	if (out_len != NULL)
		*out_len = n;
	return is_clean_text(out, n) ? 0 : -EILSEQ;
}

int http_query_split(struct http_pair pairs[], size_t *count, size_t max, char *buf)
{
	*count = 0;
	for (char *at = buf, *next; at != NULL; at = next) {
		next = strchr(at, '&');
		if (next != NULL)
			*next++ = '\0';
		if (*at == '\0')
			continue;
		if (*count == max)
			return -EOVERFLOW;
		char *value = strchr(at, '=');
		if (value != NULL)
			*value++ = '\0';
		else
			value = at + strlen(at);
		/* Decoding never grows, so it is done in place. */
		if (http_percent_decode(at, NULL, at, strlen(at), 1) != 0 ||
		    http_percent_decode(value, NULL, value, strlen(value), 1) != 0)
			return -EILSEQ;
		pairs[*count].name = at;
		pairs[(*count)++].value = value;
	}
	return 0;
}

/* "." and ".." in any spelling: proxies remove them, so they must not mean something here. */
static bool is_dots(const char *segment, size_t len)
{
	size_t dots = 0;
	for (size_t i = 0; i < len; dots++) {
		if (segment[i] == '.')
			i++;
		else if (len - i >= 3 && strncasecmp(segment + i, "%2e", 3) == 0)
			i += 3;
		else
			return false;
	}
	return dots == 1 || dots == 2;
}

int http_path_check(const char *path)
{
	if (path[0] != '/')
		return -EBADMSG;
	for (const char *at = path; *at != '\0'; at++) {
		unsigned char c = (unsigned char)*at;
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= ':'))
			continue;
		if (c <= ' ' || c >= 0x7f || c == '#' || c == '\\' || c == '"' || c == '<' || c == '>')
			return -EBADMSG;
		if (c == '%' && (hex_digit(at[1]) < 0 || hex_digit(at[2]) < 0))
			return -EBADMSG;
		if (c == '/' && is_dots(at + 1, strcspn(at + 1, "/")))
			return -EBADMSG;
	}
	return 0;
}
