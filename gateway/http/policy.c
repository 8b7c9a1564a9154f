/* RFC 9112 read strictly: whatever two parsers could understand differently is refused. */
#include "gateway/http/policy.h"

#include <string.h>
#include <strings.h>

void http_policy_refuse(struct http_policy *policy, unsigned status, const char *reason)
{
	if (policy->status != 0)
		return;
	policy->status = status;
	policy->reason = reason;
}

/* RFC 9110 §5.6.2: tchar */
static bool is_token_byte(unsigned char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return true;
	return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_token_byte((unsigned char)text[i]))
			return false;
	}
	return len > 0;
}

/* RFC 9110 §5.5: field-vchar, SP and HTAB; obs-text is let through, other control bytes are not. */
static bool is_field_value(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* RFC 9110 §7.2: uri-host [ ":" port ]; the characters only, because nothing is ever derived from it. */
static bool is_host(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!alnum && (c == 0 || strchr("-._~!$&'()*+;=:%[]", c) == NULL))
			return false;
	}
	return true;
}

static bool equals(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

void http_policy_begin(struct http_policy *policy, const char *method, const char *version)
{
	*policy = (struct http_policy){0};
	if (!is_token(method, strlen(method)))
		http_policy_refuse(policy, 400, "the method is not a token");
	if (strcmp(version, "HTTP/1.0") == 0)
		policy->http10 = true;
	else if (strcmp(version, "HTTP/1.1") != 0)
		http_policy_refuse(policy, strncmp(version, "HTTP/", 5) == 0 ? 505 : 400, "HTTP/1.1 is spoken here");
	/* DELETE has no body here; every other method with one is refused, so that no proxy and this server can
	 * disagree about it. */
	policy->has_body_method = strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
}

/* RFC 9110 §8.6: Content-Length = 1*DIGIT. 18 digits always fit. */
static void take_length(struct http_policy *policy, const char *value, size_t len)
{
	if (len == 0 || len > 18) {
		http_policy_refuse(policy, len == 0 ? 400 : 413, "Content-Length is not a usable number");
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9') {
			http_policy_refuse(policy, 400, "Content-Length is not plain digits");
			return;
		}
		policy->length = policy->length * 10 + (uint64_t)(value[i] - '0');
	}
}

void http_policy_field(struct http_policy *policy, const char *name, size_t name_len, const char *value,
		       size_t value_len)
{
	if (++policy->headers > HTTP_HEADERS_MAX)
		http_policy_refuse(policy, 431, "too many header fields");
	if (!is_token(name, name_len))
		http_policy_refuse(policy, 400, "a header name is not a token");
	if (!is_field_value(value, value_len))
		http_policy_refuse(policy, 400, "a header value holds a control byte");
	while (value_len > 0 && (value[value_len - 1] == ' ' || value[value_len - 1] == '\t'))
		value_len--;
	if (equals(name, name_len, "Host")) {
		policy->hosts++;
		if (!is_host(value, value_len))
			http_policy_refuse(policy, 400, "Host is malformed");
	} else if (equals(name, name_len, "Content-Length")) {
		if (policy->lengths++ == 0)
			take_length(policy, value, value_len);
	} else if (equals(name, name_len, "Transfer-Encoding")) {
		policy->codings++;
		if (!equals(value, value_len, "chunked"))
			http_policy_refuse(policy, 400, "Transfer-Encoding is not exactly chunked");
	} else if (equals(name, name_len, "Expect")) {
		policy->expects++;
		policy->expect_continue = equals(value, value_len, "100-continue");
		if (!policy->expect_continue)
			http_policy_refuse(policy, 417, "only 100-continue can be expected");
	}
}

unsigned http_policy_end(struct http_policy *policy)
{
	if (policy->hosts > 1)
		http_policy_refuse(policy, 400, "more than one Host");
	if (policy->hosts == 0 && !policy->http10)
		http_policy_refuse(policy, 400, "Host is missing");
	if (policy->lengths > 1)
		http_policy_refuse(policy, 400, "more than one Content-Length");
	if (policy->codings > 1)
		http_policy_refuse(policy, 400, "more than one Transfer-Encoding");
	if (policy->lengths > 0 && policy->codings > 0)
		http_policy_refuse(policy, 400, "Content-Length beside Transfer-Encoding");
	if (policy->codings > 0 && policy->http10)
		http_policy_refuse(policy, 400, "Transfer-Encoding in HTTP/1.0");
	if (!policy->has_body_method && (policy->codings > 0 || policy->length > 0))
		http_policy_refuse(policy, 400, "this method takes no body");
	return policy->status;
}
