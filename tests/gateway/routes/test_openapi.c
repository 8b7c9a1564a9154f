/* /openapi.json: every row of the routing tables, no more, and each parameter where OpenAPI wants it. */
#include "gateway/routes/service.h"
#include "tests/gateway/http/rig.h"

#include <ctype.h>
#include <event2/event.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct rig rig;
static struct service service;
static struct config config;
static struct http_route routes[128];
static size_t nroutes;
static struct rig_reply reply;

static void add(const struct http_route *table, size_t count)
{
	for (size_t i = 0; i < count; i++)
		routes[nroutes++] = table[i];
}

static int set_up(void **state)
{
	struct http_options options = {.user = &service};

	(void)state;
	add(routes_did, routes_did_count);
	add(routes_resolve, routes_resolve_count);
	add(routes_agent, routes_agent_count);
	add(routes_history, routes_history_count);
	add(routes_search, routes_search_count);
	add(routes_prepare, routes_prepare_count);
	add(routes_proof, routes_proof_count);
	add(routes_attestation, routes_attestation_count);
	add(routes_log, routes_log_count);
	add(routes_files, routes_files_count);
	add(routes_hosted, routes_hosted_count);
	add(routes_streams, routes_streams_count);
	add(routes_links, routes_links_count);
	add(routes_participant, routes_participant_count);
	add(routes_participant_change, routes_participant_change_count);
	add(routes_participant_prepare, routes_participant_prepare_count);
	add(routes_resolve_about, routes_resolve_about_count);
	add(routes_web, routes_web_count);
	add(routes_openapi, routes_openapi_count);
	add(routes_health, routes_health_count);
	snprintf(config.public_url, sizeof(config.public_url), "https://kedge.example");
	service.config = &config;
	rig.base = event_base_new();
	if (!rig.base || http_router_new(&rig.router, routes, nroutes) != 0 || http_listen_tcp(&options.fd, "127.0.0.1", 0, true) != 0)
		return -1;
	service.router = options.router = rig.router;
	return http_server_new(&rig.server, rig.base, &options);
}

static int tear_down(void **state)
{
	(void)state;
	http_server_free(rig.server);
	http_response_unref(service.openapi);
	http_router_free(rig.router);
	event_base_free(rig.base);
	return 0;
}

static json_t *ask(void)
{
	static const char request[] = "GET /openapi.json HTTP/1.1\r\nHost: a.example\r\n\r\n";
	json_error_t error;
	int fd = rig_connect(&rig);
	json_t *document;

	rig_send(fd, request, strlen(request));
	rig_receive_one(&rig, &reply, fd);
	close(fd);
	assert_int_equal(rig_status(&reply), 200);
	assert_true(rig_has(&reply, "Content-Type: application/json\r\n"));
	assert_true(rig_has(&reply, "\r\nETag: "));
	document = json_loads(rig_body(&reply), JSON_REJECT_DUPLICATES, &error);
	if (!document)
		fail_msg("%s at %d", error.text, error.position);
	return document;
}

static const json_t *parameter(const json_t *operation, const char *name, const char *in)
{
	json_t *parameters = json_object_get(operation, "parameters"), *value;
	size_t i;

	json_array_foreach(parameters, i, value)
		if (strcmp(json_string_value(json_object_get(value, "name")), name) == 0 &&
		    strcmp(json_string_value(json_object_get(value, "in")), in) == 0)
			return value;
	return NULL;
}

/* Pages of other origins may have wallets' wishes prepared and links checked; what is signed is sent from a page of this one. */
static void what_changes_nothing_is_open_to_other_origins(void **state)
{
	static const char *const open[] = {"/1.0/identifiers/{did*}", "/v1/agents/prepare/{verb}", "/v1/agents/{id}/files/{name}/prepare",
					   "/v1/agents/{id}/links/check", "/v1/attestations/prepare", "/v1/participants/prepare",
					   "/v1/participants/{handle}/links/check"};
	size_t found = 0;

	(void)state;
	for (size_t i = 0; i < nroutes; i++) {
		bool is_open = strcmp(routes[i].method, "GET") == 0;

		for (size_t k = 0; k < sizeof(open) / sizeof(*open) && strcmp(routes[i].method, "POST") == 0; k++)
			if (strcmp(routes[i].pattern, open[k]) == 0) {
				is_open = true;
				found++;
			}
		if (http_route_is_open(&routes[i]) != is_open)
			fail_msg("%s %s", routes[i].method, routes[i].pattern);
	}
	assert_int_equal(found, sizeof(open) / sizeof(*open));
}

static void every_route_is_there_with_its_parameters(void **state)
{
	json_auto_t *document = ask();
	json_t *paths = json_object_get(document, "paths"), *item;
	json_auto_t *ids = json_object();
	const char *path;
	size_t operations = 0;

	(void)state;
	assert_string_equal(json_string_value(json_object_get(document, "openapi")), "3.1.0");
	json_object_foreach(paths, path, item)
		operations += json_object_size(item);
	assert_int_equal(operations, nroutes);
	for (size_t i = 0; i < nroutes; i++) {
		char plain[256], method[8];
		size_t n = 0, wanted = 0;

		for (const char *at = routes[i].pattern; *at; at++)
			if (*at != '*')
				plain[n++] = *at;
		plain[n] = '\0';
		snprintf(method, sizeof(method), "%s", routes[i].method);
		for (char *at = method; *at; at++)
			*at = (char)tolower((unsigned char)*at);
		const json_t *operation = json_object_get(json_object_get(paths, plain), method);
		if (!operation)
			fail_msg("%s %s is not there", method, plain);
		for (char *at = plain; (at = strchr(at, '{')) != NULL; wanted++) {
			char name[64];

			snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "}") - 1, at + 1);
			at++;
			assert_true(json_is_true(json_object_get(parameter(operation, name, "path"), "required")));
		}
		for (size_t k = 0; routes[i].query && routes[i].query[k]; k++, wanted++)
			assert_non_null(parameter(operation, routes[i].query[k], "query"));
		assert_int_equal(json_array_size(json_object_get(operation, "parameters")), wanted);
		assert_string_equal(json_string_value(json_object_get(operation, "summary")), routes[i].summary);
		assert_true(*routes[i].summary != '\0');
		const char *id = json_string_value(json_object_get(operation, "operationId"));
		if (json_object_get(ids, id))
			fail_msg("%s twice", id);
		json_object_set_new(ids, id, json_true());
		bool body = strcmp(method, "post") == 0 || strcmp(method, "put") == 0;
		assert_int_equal(json_object_get(operation, "requestBody") != NULL, body);
	}
}

static void references_lead_somewhere(void **state)
{
	json_auto_t *document = ask();
	json_t *components = json_object_get(document, "components");
	json_t *problem = json_object_get(json_object_get(components, "responses"), "Problem");
	json_t *schema = json_object_get(json_object_get(components, "schemas"), "Problem");

	(void)state;
	assert_non_null(json_object_get(json_object_get(problem, "content"), "application/problem+json"));
	assert_int_equal(json_object_size(json_object_get(schema, "properties")), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_changes_nothing_is_open_to_other_origins),
		cmocka_unit_test(every_route_is_there_with_its_parameters),
		cmocka_unit_test(references_lead_somewhere),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
