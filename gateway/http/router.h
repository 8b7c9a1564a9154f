/*
 * One table is router, OpenAPI source and test list (DESIGN §8).
 *
 * Patterns are paths of segments: literal text, "{name}" for exactly one non-empty segment, and as the last one
 * "{name*}" for the whole non-empty rest, slashes included. Segments are split on the RAW path, before percent-decoding
 * (RFC 3986 §2.4: "the components ... must be separated before the percent-encoded octets within those components can
 * be safely decoded"), so %2F never splits. A literal beats a {name} beats a {name*}, from left to right, whatever the
 * order of the table.
 *
 * HEAD is answered by the GET route, OPTIONS by the server; neither appears in the table.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct http_request;

enum {
	HTTP_PARAMS_MAX = 4,	/* {name}s in one pattern */
	HTTP_SEGMENTS_MAX = 16, /* segments in one pattern */
	HTTP_QUERY_MAX = 32,	/* query parameters in one request */
};

/* Called once a request, with the full body. Must lead to exactly one answer: see server.h. */
typedef void http_handler(struct http_request *req);

struct http_route {
	const char *method;  /* "GET", "POST", "PUT" or "DELETE" */
	const char *pattern; /* "/v1/agents/{id}" */
	http_handler *handler;
	size_t body_cap;      /* bytes; 0: the server's default for methods that take a body */
	unsigned deadline_ms; /* until a request without an answer gets 503; 0: the server's default */
	const char *cache;    /* Cache-Control of 2xx answers; NULL: "no-store". Errors are always "no-store". A POST that has one is a
				 question too long for a path: open to pages of other origins as reads are */
	const char *summary;  /* one line for OpenAPI and the test list */
	const char *tag;      /* OpenAPI tag (resource name); may be NULL */
	const char *const
		*query; /* NULL-terminated names of query parameters for OpenAPI; NULL: not declared, not checked. If
			   declared, any other or repeated parameter is refused with 400 before the handler */
};

struct http_span {
	const char *ptr; /* not NUL-terminated */
	size_t len;
};

struct http_match {
	const struct http_route *route; /* NULL: none */
	size_t count;
	struct {
		struct http_span name;
		struct http_span raw; /* borrowed from the path, still percent-encoded */
	} params[HTTP_PARAMS_MAX];
	char allow[64]; /* methods of this path for Allow when route is NULL and the path exists: "GET, HEAD, OPTIONS"
			 */
	char open[64]; /* those of them that pages of other origins may use */
};

/* Whether pages of other origins may read the route's answers. */
bool http_route_is_open(const struct http_route *route);

struct http_router;

/* routes are borrowed for the life of the router. Returns 0, -ENOMEM, or -EINVAL: a broken pattern, or two rows that
 * match the same paths by the same method. */
int http_router_new(struct http_router **out, const struct http_route routes[], size_t count)
	__attribute__((warn_unused_result));
void http_router_free(struct http_router *router);

/* The routes in the order of the table given, for OpenAPI. */
const struct http_route *http_router_routes(const struct http_router *router, size_t *count);

/* Finds the route of a raw path (without query). Returns 0; -ENOENT: no such path; -EPERM: the path exists, the method
 * does not (match->allow is filled, also for "OPTIONS", which always ends here when the path exists). */
int http_router_match(const struct http_router *router, struct http_match *match, const char *method, const char *path)
	__attribute__((warn_unused_result));

/* Percent-decodes len bytes into out (at least len + 1 bytes, NUL-terminated); plus: also "+" to space (query strings
 * only). Returns 0; -EILSEQ: a % without two hex digits, or a result that is not UTF-8 or holds a byte below 0x20 or
 * 0x7f. */
int http_percent_decode(char *out, size_t *out_len, const char *raw, size_t len, int plus)
	__attribute__((warn_unused_result));

struct http_pair {
	const char *name;
	const char *value;
};

/* Splits and decodes a raw query string in place of buf, which holds it NUL-terminated and is overwritten; pairs point
 * into it. Empty pieces ("a=1&&b=2") are skipped; "a" means "a=". Returns 0; -EILSEQ as above; -EOVERFLOW: more than
 * max pairs. */
int http_query_split(struct http_pair pairs[], size_t *count, size_t max, char *buf)
	__attribute__((warn_unused_result));

/* Checks the path of a request target: starts with "/", visible ASCII only, none of "#" and "\", every % followed by
 * two hex digits, no segment that decodes to "." or "..". Returns 0 or -EBADMSG. */
int http_path_check(const char *path) __attribute__((warn_unused_result));
