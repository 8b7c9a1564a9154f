/*
 * The header policy: what libmicrohttpd 0.9.75 lets through and RFC 9112 does not (docs/http.md has the table). Pure:
 * it looks at one request head and says which status must refuse it, so that it can be fuzzed alone. Every refusal
 * closes the connection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEADERS_MAX = 64 };

/* Fills in while headers are given one by one, in the order of arrival. */
struct http_policy {
	unsigned headers, hosts, lengths, codings, expects;
	bool http10;
	bool has_body_method;
	uint64_t length;    /* Content-Length when lengths is 1 */
	unsigned status;    /* 0, or the first refusal: 400, 417, 431, 501, 505 */
	const char *reason; /* static text for the problem's detail */
	bool expect_continue;
};

/* method and version as on the request line. */
void http_policy_begin(struct http_policy *policy, const char *method, const char *version);
/* One field; name and value need no NUL. */
void http_policy_field(struct http_policy *policy, const char *name, size_t name_len, const char *value,
		       size_t value_len);
/* After the last field: the rules about what is missing or combined. Returns 0 or the status of the refusal. */
unsigned http_policy_end(struct http_policy *policy) __attribute__((warn_unused_result));

/* Marks a refusal found elsewhere; the first one stays. */
void http_policy_refuse(struct http_policy *policy, unsigned status, const char *reason);
