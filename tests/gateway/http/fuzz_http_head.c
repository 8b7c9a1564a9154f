/*
 * A request head as lines: method, target and version, then fields. Runs the policy, the path check, the router and the
 * query splitter, and holds them to what the handlers rely on.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http/policy.h"
#include "gateway/http/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void nothing(struct http_request *req)
{
	(void)req;
}

static const struct http_route routes[] = {
	{.method = "GET", .pattern = "/", .handler = nothing},
	{.method = "GET", .pattern = "/v1/agents/{id}", .handler = nothing},
	{.method = "GET", .pattern = "/v1/agents/{id}/history", .handler = nothing},
	{.method = "POST", .pattern = "/v1/agents/prepare/{verb}", .handler = nothing},
	{.method = "GET", .pattern = "/log/tile/{rest*}", .handler = nothing},
	{.method = "GET", .pattern = "/a/{b}/{c}/{d}/{e*}", .handler = nothing},
};

static void demand(int truth)
{
	if (!truth)
		abort();
}

static char *copy_of(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	demand(copy != NULL);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

static void route(const struct http_router *router, const char *method, const char *path)
{
	struct http_match match;
	if (http_path_check(path) != 0)
		return;
	int rc = http_router_match(router, &match, method, path);
	demand((rc == 0) == (match.route != NULL));
	for (size_t i = 0; rc == 0 && i < match.count; i++) {
		struct http_span raw = match.params[i].raw;
		demand(raw.len > 0 && raw.ptr > path && raw.ptr + raw.len <= path + strlen(path));
		char *out = malloc(raw.len + 1);
		size_t len;
		demand(out != NULL);
		if (http_percent_decode(out, &len, raw.ptr, raw.len, 0) == 0)
			demand(len == strlen(out) && len <= raw.len && strcmp(out, "..") != 0);
		free(out);
	}
}

static void query(char *text)
{
	struct http_pair pairs[HTTP_QUERY_MAX];
	size_t count, len = strlen(text);
	if (http_query_split(pairs, &count, HTTP_QUERY_MAX, text) != 0)
		return;
	for (size_t i = 0; i < count; i++)
		demand(pairs[i].name >= text && pairs[i].value <= text + len);
}

static void fields(struct http_policy *policy, const char *at, const char *end)
{
	while (at < end) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((eol ? eol : end) - at);
		const char *colon = memchr(at, ':', len);
		size_t name = colon ? (size_t)(colon - at) : len;
		char *exact = copy_of(at, len);
		http_policy_field(policy, exact, name, colon ? exact + name + 1 : "", colon ? len - name - 1 : 0);
		free(exact);
		at += len + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_router *router;
	if (router == NULL)
		demand(http_router_new(&router, routes, sizeof(routes) / sizeof(routes[0])) == 0);
	char *all = copy_of((const char *)data, size);
	char *rest = memchr(all, '\n', size);
	char *end = all + size;
	if (rest != NULL)
		*rest++ = '\0';
	else
		rest = end;
	char *method = all, *target = strchr(method, ' '), *version = target ? strrchr(target + 1, ' ') : NULL;
	if (version != NULL) {
		struct http_policy policy;
		*target++ = '\0';
		*version++ = '\0';
		http_policy_begin(&policy, method, version);
		fields(&policy, rest, end);
		if (http_policy_end(&policy) == 0)
			demand(policy.lengths + policy.codings <= 1 && policy.hosts <= 1 &&
			       policy.headers <= HTTP_HEADERS_MAX);
		char *question = strchr(target, '?');
		if (question != NULL)
			*question++ = '\0';
		route(router, method, target);
		if (question != NULL)
			query(question);
	}
	free(all);
	return 0;
}
