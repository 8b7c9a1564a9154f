/*
 * From the request head to a route. libmicrohttpd has parsed the head in place and normalised what it should have
 * refused; but names and values still point into its read buffer, where every CR LF it consumed was overwritten by two
 * NULs. So a head of well-formed lines is one unbroken run "name NUL OWS value NUL NUL name NUL ..." from the version
 * of the request line to the empty line, and a bare CR, a bare LF, a folded line or a NUL inside a value leaves a gap
 * of another size. RFC 9112 §2.2: "A recipient of such a bare CR MUST consider that element to be invalid".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/http/internal.h"
#include "gateway/runtime/metrics.h"

struct scan {
	struct http_policy policy;
	const char *expected; /* where the next name must begin; NULL once the run is broken */
};

static const char *after_line(const char *end)
{
	return end[0] == '\0' && end[1] == '\0' ? end + 2 : NULL;
}

static enum MHD_Result scan_field(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
				  const char *value, size_t value_len)
{
	struct scan *scan = cls;
	(void)kind;
	if (value == NULL) {
		value = "";
		value_len = 0;
		scan->expected = NULL;
	}
	http_policy_field(&scan->policy, name, name_len, value, value_len);
	if (scan->expected != name) {
		scan->expected = NULL;
		return MHD_YES;
	}
	const char *at = name + name_len + 1;
	while (at < value && (*at == ' ' || *at == '\t'))
		at++;
	scan->expected = at == value ? after_line(value + value_len) : NULL;
	return MHD_YES;
}

static const char *problem_type_of(unsigned status)
{
	switch (status) {
	case 413:
		return "too-large";
	case 417:
		return "expectation-failed";
	case 431:
		return "header-too-large";
	case 505:
		return "version-not-supported";
	default:
		return "bad-request";
	}
}

static bool refuse_with(struct http_request *req, const struct http_problem *problem)
{
	metrics_add(METRIC_HTTP_REFUSED, 1);
	req->close = true;
	http_answer_problem(req, problem);
	return false;
}

static bool refuse(struct http_request *req, unsigned status, const char *reason)
{
	return refuse_with(req, &(struct http_problem){.type = problem_type_of(status), .detail = reason});
}

static bool refuse_target(struct http_request *req, const char *reason)
{
	return refuse_with(req, &(struct http_problem){
					.type = "bad-request", .detail = reason,
					.next = "Percent-encode what a URL may not hold, a % itself as %25, and leave \".\", \"..\" and #fragments out."});
}

static bool check_policy(struct http_request *req, struct http_policy *policy, const char *method, const char *version)
{
	struct scan scan = {0};
	http_policy_begin(&scan.policy, method, version);
	if (scan.policy.status == 0) {
		scan.expected = after_line(version + strlen(version));
		MHD_get_connection_values_n(req->conn, MHD_HEADER_KIND, scan_field, &scan);
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(req->conn, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
		const char *end = scan.expected ? after_line(scan.expected) : NULL; /* past the empty line */
		if (info == NULL || end == NULL || end != method + info->header_size)
			http_policy_refuse(&scan.policy, 400,
					   "a line of the head does not end in CR LF, is folded or holds NUL");
	}
	unsigned status = http_policy_end(&scan.policy);
	*policy = scan.policy;
	req->http10 = scan.policy.http10;
	return status == 0 ? true : refuse(req, status, scan.policy.reason);
}

/* RFC 9112 §3.2: origin-form; absolute-form MUST be accepted, its authority is as meaningless here as Host. */
static bool split_target(struct http_request *req)
{
	char *target = req->target;
	if (strncasecmp(target, "http://", 7) == 0 || strncasecmp(target, "https://", 8) == 0) {
		target = strchr(target, ':') + 3;
		target += strcspn(target, "/?");
	}
	char *question = strchr(target, '?');
	if (question != NULL)
		*question++ = '\0';
	req->query_string = question ? question : target + strlen(target);
	req->path = *target ? target : NULL;
	if (req->path == NULL || http_path_check(req->path) != 0)
		return refuse_target(req, "the path is malformed");
	for (const char *at = req->query_string; *at != '\0'; at++) {
		unsigned char c = (unsigned char)*at;
		if (c <= ' ' || c >= 0x7f || c == '#')
			return refuse_target(req, "the query is malformed");
	}
	return true;
}

static bool wrong_method(struct http_request *req)
{
	http_set_header(req, "Allow", req->match.allow);
	if (strcmp(req->method, "OPTIONS") != 0) {
		http_answer_problem(req, &(struct http_problem){.type = "method-not-allowed"});
		return false;
	}
	/* Preflights of browsers: only reads are open to other origins. */
	http_set_header(req, "Access-Control-Allow-Methods", req->match.open);
	http_set_header(req, "Access-Control-Allow-Headers", "Accept, Content-Type, If-None-Match, Last-Event-ID");
	http_set_header(req, "Access-Control-Max-Age", "86400");
	http_answer_set(req, 204, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
	return false;
}

static bool malformed(struct http_request *req, int error, const char *detail)
{
	/* Early answers to a request with a body end the connection: the body stays unread. So does what two readers could decode differently. */
	req->close = req->close || req->has_body || error == -EILSEQ;
	http_answer_problem(req, &(struct http_problem){.error = error, .detail = detail});
	return false;
}

/* What has no route is not decoded any more; a proxy in front may have read it in its own way all the same. */
static bool is_clean_path(struct http_request *req)
{
	size_t len = strlen(req->path);
	char *text = http_alloc(req, len + 1);
	return text != NULL && http_percent_decode(text, NULL, req->path, len, 0) == 0;
}

static bool find_route(struct http_request *req, const struct http_policy *policy)
{
	int rc = http_router_match(req->server->options.router, &req->match, req->method, req->path);
	req->has_body = policy->length > 0 || policy->codings > 0;
	if (rc != 0 && !is_clean_path(req))
		return malformed(req, -EILSEQ, "the path is not clean percent-encoded UTF-8");
	if (rc != 0 && req->has_body)
		req->close = true;
	if (rc == -ENOENT) {
		http_answer_problem(req,
				    &(struct http_problem){.type = "not-found", .detail = "no route has this path"});
		return false;
	}
	if (rc != 0)
		return wrong_method(req);
	const struct http_options *options = &req->server->options;
	req->body_cap = !policy->has_body_method     ? 0
			: req->match.route->body_cap ? req->match.route->body_cap
						     : options->body_cap;
	if (policy->length > req->body_cap)
		return refuse(req, 413, "the body is larger than this route takes");
	if (req->server->held_count >= options->in_flight) {
		req->close = req->close || req->has_body;
		http_answer_problem(req,
				    &(struct http_problem){.error = -EBUSY, .detail = "too many requests are waiting"});
		return false;
	}
	return true;
}

static bool decode_params(struct http_request *req)
{
	for (size_t i = 0; i < req->match.count; i++) {
		struct http_span raw = req->match.params[i].raw;
		char *text = http_alloc(req, raw.len + 1);
		req->params_raw[i] = http_request_copy(req, raw.ptr, raw.len);
		if (text == NULL || req->params_raw[i] == NULL)
			return malformed(req, -ENOMEM, NULL);
		if (http_percent_decode(text, NULL, raw.ptr, raw.len, 0) != 0)
			return malformed(req, -EILSEQ, "a path segment is not clean percent-encoded UTF-8");
		req->params[i] = text;
	}
	return true;
}

static bool is_declared(const char *const *names, const char *name)
{
	for (; *names != NULL; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

static bool unknown_parameter(struct http_request *req, const char *const *names)
{
	char text[256] = "this resource knows the query parameters";
	size_t at = strlen(text);

	for (size_t i = 0; names[i] != NULL && at < sizeof(text); i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s %s", i > 0 ? "," : "", names[i]);
	return malformed(req, -EBADMSG, names[0] != NULL ? text : "this resource knows no query parameters");
}

static bool decode_query(struct http_request *req)
{
	const char *value;
	if (*req->query_string == '\0')
		return true;
	char *copy = http_request_copy(req, req->query_string, strlen(req->query_string));
	req->query = http_alloc(req, HTTP_QUERY_MAX * sizeof(*req->query));
	if (copy == NULL || req->query == NULL)
		return malformed(req, -ENOMEM, NULL);
	int rc = http_query_split(req->query, &req->query_count, HTTP_QUERY_MAX, copy);
	if (rc == -EOVERFLOW)
		return malformed(req, -EBADMSG, "too many query parameters");
	if (rc != 0)
		return malformed(req, rc, "the query is not clean percent-encoded UTF-8");
	const char *const *names = req->match.route->query;
	for (size_t i = 0; names != NULL && i < req->query_count; i++) {
		if (!is_declared(names, req->query[i].name))
			return unknown_parameter(req, names);
		if (http_query(req, &value, req->query[i].name) == -EBADMSG)
			return malformed(req, -EBADMSG, "a query parameter is given more than once");
	}
	return true;
}

static bool make_room(struct http_request *req, const struct http_policy *policy)
{
	req->chunked = policy->codings > 0;
	/* libmicrohttpd is lenient about chunk lines (docs/http.md): nothing is read after such a body. */
	if (req->chunked)
		req->close = true;
	if (policy->length == 0)
		return true;
	if (policy->length > HTTP_BODIES_MAX || http_bodies > HTTP_BODIES_MAX - policy->length)
		return malformed(req, -EAGAIN, NULL);
	req->body = malloc((size_t)policy->length + 1);
	if (req->body == NULL)
		return malformed(req, -ENOMEM, NULL);
	req->body_room = (size_t)policy->length;
	http_bodies += req->body_room;
	return true;
}

bool http_head_take(struct http_request *req, const char *method, const char *version)
{
	struct http_policy policy;
	size_t len = strlen(method);
	memcpy(req->method, len < sizeof(req->method) ? method : "?", len < sizeof(req->method) ? len + 1 : 2);
	req->reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "OPTIONS") == 0;
	if (req->target == NULL)
		return refuse(req, 400, "the request line is malformed");
	return check_policy(req, &policy, method, version) && split_target(req) && find_route(req, &policy) &&
	       decode_params(req) && decode_query(req) && make_room(req, &policy);
}
