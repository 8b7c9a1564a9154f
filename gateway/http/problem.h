/*
 * Errors as RFC 9457 problem documents (application/problem+json), and the only place where a negative errno becomes
 * HTTP.
 *
 *   {"type":"PUBLIC_URL/problems/not-found","title":"…","status":404,"detail":"…","pointer":"/a/b","rule":"…","next":"…"}
 *
 * Every one says what to do next: the type's remedy, unless the problem knows better.
 *
 * A type names a page: "/problems/{name}" is a route of the table http_problem_routes.
 */
#pragma once

#include <stddef.h>

#include "gateway/http/router.h"

struct http_problem_type {
	const char *name; /* last segment of the type URL */
	unsigned status;
	const char *title;
	const char *remedy; /* what the caller can do about it; shown on the page */
};

/*
 * What went wrong. Give either type (a name in the table) or error (a negative errno):
 *
 *   -EBADMSG, -EILSEQ, -EINVAL            malformed 400
 *   -EKEYREJECTED                         bad-signature 403
 *   -EACCES, -EPERM                       not-admitted 403
 *   -ENOENT                               not-found 404
 *   -EEXIST                               conflict 409
 *   -EOVERFLOW, -E2BIG, -EMSGSIZE         too-large 413
 *   -EDOM                                 unprocessable 422
 *   -EDQUOT                               quota 429
 *   -EAGAIN, -EBUSY                       busy 503
 *   -ETIMEDOUT                            deadline 503
 *   -ECONNREFUSED and other network ones  upstream 503
 *   everything else                       internal 500, whose detail is never shown (log it instead)
 */
struct http_problem {
	const char *type;
	int error;
	const char *detail;   /* for this case, one sentence; may be NULL */
	const char *pointer;  /* RFC 6901 pointer into the request body; may be NULL */
	const char *rule;     /* the rule that refused, e.g. an admission rule; may be NULL */
	const char *next;     /* what to do next, a sentence; NULL: the type's remedy */
	unsigned retry_after; /* seconds; 0: 1 for 503 and 429, else none */
};

/* All types, for pages and OpenAPI. */
const struct http_problem_type *http_problem_types(size_t *count);
/* NULL when unknown. */
const struct http_problem_type *http_problem_find(const char *name);
/* Never NULL. */
const struct http_problem_type *http_problem_of(const struct http_problem *problem);

/* The document, NUL-terminated, in out; texts are cut so that it always fits HTTP_PROBLEM_MAX. Broken UTF-8 in a text
 * becomes U+FFFD. public_url has no trailing slash. Returns its length. */
enum { HTTP_PROBLEM_MAX = 4096 };
size_t http_problem_json(char out[static HTTP_PROBLEM_MAX], const struct http_problem *problem, const char *public_url);

/* Answers req with the problem; same rules as http_reply() (server.h). */
void http_problem(struct http_request *req, const struct http_problem *problem);
/* The same for the frequent case: an errno and a sentence (or NULL). */
void http_fail(struct http_request *req, int error, const char *detail);

/* GET /problems and GET /problems/{name}, to be put into the server's table. */
void http_problem_list_page(struct http_request *req);
void http_problem_page(struct http_request *req);
