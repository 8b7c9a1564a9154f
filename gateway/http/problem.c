/* The table of problem types, and the documents made from it. */
#include "gateway/http/problem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http/server.h"

static const struct http_problem_type types[] = {
	/* the first: what an error is that no other row names */
	{"internal", 500, "The gateway failed", "Try again later; the operator's log has the reason."},
	{"malformed", 400, "The request is malformed", "Correct the syntax at the place the detail or pointer names."},
	{"bad-request", 400, "The request head breaks HTTP/1.1",
	 "The connection was closed. Send one Host, one body length and well-formed header fields."},
	{"bad-signature", 403, "The signature does not hold",
	 "Sign exactly the bytes that the prepare route returns, with the key that has the authority now."},
	{"not-admitted", 403, "A rule refused the request", "The member rule names the rule."},
	{"not-found", 404, "There is no such resource", "Check the path and the id."},
	{"method-not-allowed", 405, "The resource has no such method", "The Allow header lists its methods."},
	{"not-acceptable", 406, "No representation fits Accept", "Ask for application/json or */*."},
	{"conflict", 409, "It contradicts what is already recorded",
	 "Read the recorded state; do not repeat the request."},
	{"gone", 410, "It was erased", "The log keeps its leaf and count; the content is gone for good."},
	{"too-large", 413, "The request is too large", "Send less at once; the limits are in the documentation."},
	{"unsupported-media-type", 415, "The body has the wrong media type", "Send application/json."},
	{"expectation-failed", 417, "Expect cannot be met", "Send no Expect header, or 100-continue."},
	{"unprocessable", 422, "The request is well formed but its meaning is not acceptable",
	 "Correct the value the pointer names."},
	{"quota", 429, "Too many requests", "Wait for Retry-After seconds."},
	{"header-too-large", 431, "The request head is too large", "Send fewer or shorter header fields."},
	{"not-implemented", 501, "The gateway does not do this", "See docs/api.md for what it does."},
	{"busy", 503, "The gateway is busy", "Try again after Retry-After seconds."},
	{"deadline", 503, "The answer took too long",
	 "Try again after Retry-After seconds. A write may have happened: repeating it with the same content is safe."},
	{"upstream", 503, "A service behind the gateway does not answer", "Try again after Retry-After seconds."},
	{"syncing", 503, "The gateway is still catching up", "Try again after Retry-After seconds."},
	{"not-indexed", 503, "The index has not come there",
	 "Ask for an earlier block, or again after Retry-After seconds; index.tip of other answers says how far it is."},
	/* what the record refuses: gateway/record/refusal.c names these types; tests/gateway/routes holds the two together */
	{"duplicate-key", 400, "An object names a member twice", "Send each member once: two readers could take two different values."},
	{"bad-encoding", 400, "The text is not clean UTF-8", "Send UTF-8 without NUL and without lone surrogates."},
	{"bad-number", 400, "A number has no exact common reading", "Send integers within 2^53-1; larger ones as text."},
	{"too-deep", 400, "The item is nested too deeply", "Nest at most 32 levels."},
	{"invalid-attestation", 422, "A member of the attestation has the wrong form", "Correct the member the pointer names."},
	{"unknown-member", 422, "A member means nothing here", "Leave out the member the pointer names, or put it into the attestation."},
	{"missing-member", 422, "A member is missing", "Add the member the pointer names."},
	{"schema-version", 422, "The attestation follows another schema", "Send schemaVersion attestation/v1."},
	{"unknown-name", 422, "A name is none that this log maps to an agent",
	 "Use a key text, an agentId, agent:ID, erc8004:CHAIN:ID or an agent DID of this host."},
	{"self-attestation", 422, "Issuer and subject are the same agent", "Attest about another agent."},
	{"control-character", 422, "A signed text holds a control character", "Send claim type and game id without control characters."},
	{"note-too-long", 422, "The note is too long", "Send at most 200 characters."},
	{"confidence-range", 422, "The confidence is outside 0..1", "Send a number from 0 to 1."},
	{"round-range", 422, "The round is no integer from 0", "Send a whole number from 0 to 2^53-1, or leave it out."},
	{"evidence-visibility", 422, "An evidence reference is not public", "Cite public evidence only: every attestation is public."},
	{"salt-form", 422, "The salt has the wrong form", "Send 32 to 128 lower-case hex digits."},
	{"embargo-not-offered", 422, "Embargoes are not offered here", "Send the item when it may be public."},
	{"proof-form", 422, "The proof has the wrong form", "Send type eip712 or eip191 and a signature of 0x and 130 hex digits."},
	{"unknown-subject", 422, "There is no such subject", "Name an agent that exists at the newest safe block; a new one takes a moment."},
	{"chain-unavailable", 503, "The chain cannot be asked now", "Send the same item again after Retry-After seconds."},
	{"store-unavailable", 503, "The log cannot be written now", "Send the same item again after Retry-After seconds; it is never logged twice."},
	{"not-signed-yet", 503, "Logged, but no checkpoint covers it yet", "Send the same item again after Retry-After seconds for its receipt."},
	{"version-not-supported", 505, "The HTTP version is not supported", "Use HTTP/1.1."},
};
enum { TYPES = sizeof(types) / sizeof(types[0]) };

static const struct {
	int error;
	const char *type;
} errors[] = {
	{-EBADMSG, "malformed"},
	{-EILSEQ, "malformed"},
	{-EINVAL, "malformed"},
	{-EKEYREJECTED, "bad-signature"},
	{-EACCES, "not-admitted"},
	{-ENOENT, "not-found"},
	{-EEXIST, "conflict"},
	{-EOVERFLOW, "too-large"},
	{-E2BIG, "too-large"},
	{-EMSGSIZE, "too-large"},
	{-EDOM, "unprocessable"},
	{-EDQUOT, "quota"},
	{-EAGAIN, "busy"},
	{-EBUSY, "busy"},
	{-ECANCELED, "busy"},
	{-ESTALE, "busy"},
	{-EIO, "upstream"},
	{-ETIMEDOUT, "deadline"},
	{-ECONNREFUSED, "upstream"},
	{-ECONNRESET, "upstream"},
	{-ECONNABORTED, "upstream"},
	{-ENOTCONN, "upstream"},
	{-EPIPE, "upstream"},
	{-EHOSTUNREACH, "upstream"},
	{-ENETUNREACH, "upstream"},
	{-ENETDOWN, "upstream"},
};

const struct http_problem_type *http_problem_types(size_t *count)
{
	*count = TYPES;
	return types;
}

const struct http_problem_type *http_problem_find(const char *name)
{
	for (size_t i = 0; i < TYPES; i++) {
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	}
	return NULL;
}

const struct http_problem_type *http_problem_of(const struct http_problem *problem)
{
	const struct http_problem_type *type = problem->type ? http_problem_find(problem->type) : NULL;
	for (size_t i = 0; type == NULL && problem->type == NULL && i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (errors[i].error == problem->error)
			type = http_problem_find(errors[i].type);
	}
	return type ? type : &types[0];
}

/* Bytes of the valid UTF-8 sequence at p, 0 when there is none. p is NUL-terminated, and NUL is no continuation. */
static size_t utf8_length(const unsigned char *p)
{
	static const struct {
		unsigned char low, high, second_low, second_high;
		size_t len;
	} rows[] = {
		{0x01, 0x7f, 0, 0, 1},	     {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (p[0] < rows[i].low || p[0] > rows[i].high)
			continue;
		if (rows[i].len > 1 && (p[1] < rows[i].second_low || p[1] > rows[i].second_high))
			return 0;
		for (size_t k = 2; k < rows[i].len; k++) {
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		}
		return rows[i].len;
	}
	return 0;
}

/* Appends text escaped for JSON (RFC 8259 §7) but stops before budget bytes are exceeded. */
static size_t put_escaped(char *out, size_t budget, const char *text)
{
	static const unsigned char replacement[3] = {0xef, 0xbf, 0xbd};
	size_t n = 0;
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0';) {
		char piece[8];
		size_t taken = utf8_length(p), len = taken;
		if (taken == 0) {
			memcpy(piece, replacement, sizeof(replacement));
			len = sizeof(replacement);
			taken = 1;
		} else if (*p < ' ' || *p == 0x7f) {
			len = (size_t)snprintf(piece, sizeof(piece), "\\u%04x", *p);
		} else if (*p == '"' || *p == '\\') {
			piece[0] = '\\';
			piece[1] = (char)*p;
			len = 2;
		} else {
			memcpy(piece, p, taken);
		}
		if (len > budget - n)
			break;
		memcpy(out + n, piece, len);
		n += len;
		p += taken;
	}
	return n;
}

static size_t put_member(char *out, size_t n, const char *name, const char *text, size_t budget)
{
	if (text == NULL)
		return n;
	n += (size_t)sprintf(out + n, ",\"%s\":\"", name);
	n += put_escaped(out + n, budget, text);
	out[n++] = '"';
	return n;
}

size_t http_problem_json(char out[static HTTP_PROBLEM_MAX], const struct http_problem *problem, const char *public_url)
{
	enum {
		URL_BUDGET = 512,
		TITLE_BUDGET = 256,
		DETAIL_BUDGET = 1600,
		POINTER_BUDGET = 512,
		RULE_BUDGET = 256,
		NEXT_BUDGET = 600
	};
	_Static_assert(URL_BUDGET + TITLE_BUDGET + DETAIL_BUDGET + POINTER_BUDGET + RULE_BUDGET + NEXT_BUDGET + 256 <
			       HTTP_PROBLEM_MAX,
		       "a problem always fits");
	const struct http_problem_type *type = http_problem_of(problem);
	bool internal = type->status == 500;
	size_t n = (size_t)sprintf(out, "{\"type\":\"");
	n += put_escaped(out + n, URL_BUDGET, public_url ? public_url : "");
	n += (size_t)sprintf(out + n, "/problems/%s\"", type->name);
	n = put_member(out, n, "title", type->title, TITLE_BUDGET);
	n += (size_t)sprintf(out + n, ",\"status\":%u", type->status);
	n = put_member(out, n, "detail", internal ? NULL : problem->detail, DETAIL_BUDGET);
	n = put_member(out, n, "pointer", problem->pointer, POINTER_BUDGET);
	n = put_member(out, n, "rule", problem->rule, RULE_BUDGET);
	n = put_member(out, n, "next", internal || !problem->next ? type->remedy : problem->next, NEXT_BUDGET);
	out[n++] = '}';
	out[n] = '\0';
	return n;
}

void http_fail(struct http_request *req, int error, const char *detail)
{
	http_problem(req, &(struct http_problem){.error = error, .detail = detail});
}

static void reply_html(struct http_request *req, const char *body, size_t len)
{
	http_reply(req, 200, "text/html; charset=utf-8", body, len);
}

void http_problem_page(struct http_request *req)
{
	const struct http_problem_type *type = http_problem_find(http_param(req, "name"));
	char page[1024];
	if (type == NULL) {
		http_fail(req, -ENOENT, "there is no such problem type");
		return;
	}
	int n = snprintf(page, sizeof(page),
			 "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>%s</title>"
			 "<h1>%s</h1><p>Problem type <code>%s</code>, status %u.</p><p>%s</p></html>\n",
			 type->title, type->title, type->name, type->status, type->remedy);
	reply_html(req, page, (size_t)n);
}

void http_problem_list_page(struct http_request *req)
{
	char page[TYPES * 160 + 512];
	size_t n =
		(size_t)snprintf(page, sizeof(page),
				 "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Problem types</title>"
				 "<h1>Problem types</h1><ul>");
	for (size_t i = 0; i < TYPES; i++)
		n += (size_t)snprintf(page + n, sizeof(page) - n, "<li><a href=\"/problems/%s\">%s</a> %u: %s</li>",
				      types[i].name, types[i].name, types[i].status, types[i].title);
	n += (size_t)snprintf(page + n, sizeof(page) - n, "</ul></html>\n");
	reply_html(req, page, n);
}
