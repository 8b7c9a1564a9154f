/* GET /openapi.json: the routing table as an OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.0). What a route answers is docs/api.md's to
 * say; here stand paths, methods and parameters, which are the table's own. */
#include "gateway/routes/service.h"

#include <jansson.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64, PATH_MAX_BYTES = 256 };

/* "{rest*}" is "{rest}" there; *parameters gets the names in between. False: a pattern that does not fit. */
static bool plain_path(char out[static PATH_MAX_BYTES], json_t *parameters, const char *pattern)
{
	size_t n = 0;

	while (*pattern) {
		size_t literal = strcspn(pattern, "{"), name;
		bool tail;

		if (n + literal + NAME_MAX_BYTES >= PATH_MAX_BYTES)
			return false;
		memcpy(out + n, pattern, literal);
		n += literal;
		pattern += literal;
		if (!*pattern)
			break;
		name = strcspn(++pattern, "*}");
		tail = pattern[name] == '*';
		if (name >= NAME_MAX_BYTES - 2)
			return false;
		out[n++] = '{';
		memcpy(out + n, pattern, name);
		n += name;
		out[n++] = '}';
		if (json_array_append_new(parameters, json_pack("{s:s%, s:s, s:b, s:{s:s}, s:s*}", "name", pattern, name, "in", "path", "required", 1,
								"schema", "type", "string", "description",
								tail ? "the rest of the path, slashes included" : NULL)) != 0)
			return false;
		pattern += name + (tail ? 2 : 1);
	}
	out[n] = '\0';
	return true;
}

/* Method and path in letters, digits and "_": unique because the paths are. */
static json_t *operation_id(const struct http_route *route)
{
	char id[PATH_MAX_BYTES];
	size_t n = 0;
	char last = '\0';

	for (const char *at = route->method; *at && n + 1 < sizeof(id); at++)
		id[n++] = (char)tolower((unsigned char)*at);
	for (const char *at = route->pattern; *at && n + 1 < sizeof(id); at++) {
		char c = isalnum((unsigned char)*at) ? *at : '_';

		if (c != '_' || last != '_')
			id[n++] = c;
		last = c;
	}
	id[n] = '\0';
	return json_string(id);
}

static json_t *operation(const struct http_route *route, json_t *parameters)
{
	json_t *made;

	for (size_t i = 0; route->query && route->query[i]; i++)
		if (json_array_append_new(parameters, json_pack("{s:s, s:s, s:{s:s}}", "name", route->query[i], "in", "query", "schema", "type",
								"string")) != 0)
			return NULL;
	made = json_pack("{s:o, s:s, s:[s], s:O, s:{s:{s:s}, s:{s:s}}}", "operationId", operation_id(route), "summary",
			 route->summary ? route->summary : "", "tags", route->tag ? route->tag : "service", "parameters", parameters, "responses",
			 "2XX", "description", "As docs/api.md says", "default", "$ref", "#/components/responses/Problem");
	if (made && (strcmp(route->method, "POST") == 0 || strcmp(route->method, "PUT") == 0) &&
	    json_object_set_new(made, "requestBody", json_pack("{s:{s:{}}}", "content", "*/*")) != 0) {
		json_decref(made);
		made = NULL;
	}
	return made;
}

static int put_route(json_t *paths, const struct http_route *route)
{
	json_auto_t *parameters = json_array();
	char path[PATH_MAX_BYTES], method[8] = "";
	json_t *item;

	if (!plain_path(path, parameters, route->pattern))
		return -1;
	item = json_object_get(paths, path);
	if (!item && json_object_set_new(paths, path, item = json_object()) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(method) - 1 && route->method[i]; i++)
		method[i] = (char)tolower((unsigned char)route->method[i]);
	return json_object_set_new(item, method, operation(route, parameters));
}

static json_t *problem_components(void)
{
	static const char *const texts[] = {"type", "title", "detail", "pointer", "rule", "next"};
	json_t *properties = json_pack("{s:{s:s}}", "status", "type", "integer");

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (json_object_set_new(properties, texts[i], json_pack("{s:s}", "type", "string")) != 0) {
			json_decref(properties);
			return NULL;
		}
	return json_pack("{s:{s:{s:s, s:{s:{s:{s:s}}}}}, s:{s:{s:s, s:o}}}", "responses", "Problem", "description",
			 "What went wrong (RFC 9457), and what to do next", "content", "application/problem+json", "schema", "$ref",
			 "#/components/schemas/Problem", "schemas", "Problem", "type", "object", "properties", properties);
}

static struct http_response *make_document(const struct service *service)
{
	size_t count;
	const struct http_route *routes = http_router_routes(service->router, &count);
	json_t *paths = json_object();
	struct http_response *made = NULL;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = put_route(paths, &routes[i]);
	json_auto_t *document =
		json_pack("{s:s, s:{s:s, s:s, s:s}, s:[{s:s}], s:o, s:o}", "openapi", "3.1.0", "info", "title", "kedge", "version", KEDGE_VERSION,
			  "description", "A gateway between ERC-8004 agents and everyone who has to rely on them", "servers", "url",
			  service->config->public_url, "paths", paths, "components", problem_components());
	char *text = rc == 0 && document ? json_dumps(document, JSON_COMPACT) : NULL;

	if (text)
		made = http_response_new("application/json", text, strlen(text), "public, max-age=300", NULL);
	free(text);
	return made;
}

static void get_openapi(struct http_request *req)
{
	struct service *service = http_user(req);

	if (!service->openapi)
		service->openapi = make_document(service);
	if (service->openapi)
		http_reply_shared(req, service->openapi);
	else
		http_fail(req, -ENOMEM, NULL);
}

static const char *const no_query[] = {NULL};

const struct http_route routes_openapi[] = {
	{"GET", "/openapi.json", get_openapi, 0, 0, "public, max-age=300", "The routes as an OpenAPI document", "service", no_query},
};
const size_t routes_openapi_count = sizeof(routes_openapi) / sizeof(routes_openapi[0]);
