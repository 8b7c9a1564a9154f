#include "tests/gateway/routes/index_rig.h"

#include "tests/gateway/identity/fake_registry.h"
#include "sql/store.h"
#include "tests/sql/fixture.h"
#include "tests/sql/index_rows.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void add_chain(struct index_rig *rig, uint64_t id, const char *url, const struct eth_address *registry, uint64_t start)
{
	struct service *service = &rig->service;
	struct service_chain *chain = &service->chains[service->nchains++];
	struct eth_rpc_config rpc = {.url = url, .chain_id = id};

	chain->id = id;
	assert_int_equal(eth_rpc_new(&chain->rpc, rig->http.base, &rpc), 0);
	assert_int_equal(eth_rpc_new(&chain->rpc_reads, rig->http.base, &rpc), 0);
	assert_int_equal(authority_new(&chain->authority, chain->rpc, &chain->heads, NULL), 0);
	service->registries[service->nregistries++] =
		(struct service_registry){.key = {.chain = id, .registry = *registry}, .chain = chain, .start = start};
}

static struct heads_block block(unsigned number)
{
	struct heads_block out = {.number = number};

	index_rows_hash(out.hash.bytes, number);
	return out;
}

void index_rig_heads(struct index_rig *rig, unsigned latest, unsigned safe, unsigned finalized)
{
	struct heads_set set = {.latest = block(latest), .safe = block(safe), .finalized = block(finalized)};

	heads_update(&rig->service.chains[0].heads, &set, 0);
}

static void make_service(struct index_rig *rig)
{
	struct service *service = &rig->service;
	struct eth_address registry = {{0x80, 0x04}};
	struct heads_set fake = {.latest = {.number = 30, .hash = {{0xaa}}}, .safe = {.number = 20, .hash = {{0xbb}}},
				 .finalized = {.number = 20, .hash = {{0xbb}}}};

	snprintf(rig->config.host, sizeof(rig->config.host), "kedge.example");
	snprintf(rig->config.public_url, sizeof(rig->config.public_url), "https://kedge.example");
	rig->config.chain_id = INDEX_ROWS_CHAIN;
	service->config = &rig->config;
	service->base = rig->http.base;
	service->defaults = (struct agent_defaults){.host = rig->config.host, .chain = INDEX_ROWS_CHAIN, .registry = registry};
	snprintf(service->vkey, sizeof(service->vkey), "kedge.example/log+00000000+AA==");
	add_chain(rig, INDEX_ROWS_CHAIN, rig->node.url, &registry, 10); /* which is of another chain */
	add_chain(rig, FAKE_CHAIN, rig->node.url, &registry, 5);
	service->registries[0].in_index = 1;
	heads_update(&service->chains[1].heads, &fake, 0);
	index_rig_heads(rig, INDEX_ROWS_TIP, INDEX_ROWS_SAFE, INDEX_ROWS_FINAL);
	assert_int_equal(store_open(&service->writer, rig->http.base, rig->conninfo, "test", STORE_WRITER, NULL, NULL), 0);
	assert_int_equal(pg_wait_up(rig->http.base, service->writer, 10000), 0);
	for (size_t i = 0; i < SERVICE_READERS; i++) {
		assert_int_equal(store_open(&service->readers[i], rig->http.base, rig->conninfo, "test", STORE_READER, NULL, NULL), 0);
		assert_int_equal(pg_wait_up(rig->http.base, service->readers[i], 10000), 0);
	}
	assert_int_equal(store_resolver_new(&service->resolver, rig->http.base, service->readers, SERVICE_READERS), 0);
}

void index_rig_open(struct index_rig *rig)
{
	index_rig_open_with(rig, NULL, 0);
}

void index_rig_open_with(struct index_rig *rig, const struct http_route *own, size_t own_n)
{
	const struct {
		const struct http_route *routes;
		size_t n;
	} parts[] = {{routes_agent, routes_agent_count}, {routes_history, routes_history_count}, {routes_search, routes_search_count},
		     {routes_proof, routes_proof_count}, {routes_did, routes_did_count}, {routes_resolve, routes_resolve_count},
		     {routes_resolve_about, routes_resolve_about_count}, {routes_links, routes_links_count}};
	struct http_options options = {.user = &rig->service, .public_url = "https://kedge.example"};
	size_t n = 0;

	*rig = (struct index_rig){0};
	fake_node_start(&rig->node, fake_registry);
	rig->conninfo = fixture_migrated();
	index_rows_fill(rig->conninfo);
	rig->http.base = event_base_new();
	assert_non_null(rig->http.base);
	make_service(rig);
	assert_int_equal(fetcher_new(&rig->service.fetcher, rig->http.base, NULL), 0);
	assert_int_equal(foreign_new(&rig->service.foreign, rig->service.fetcher), 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (size_t j = 0; j < parts[i].n; j++)
			rig->routes[n++] = parts[i].routes[j];
	for (size_t i = 0; i < own_n; i++)
		rig->routes[n++] = own[i];
	assert_true(n <= sizeof(rig->routes) / sizeof(rig->routes[0]));
	assert_int_equal(http_router_new(&rig->http.router, rig->routes, n), 0);
	assert_int_equal(http_listen_tcp(&options.fd, "127.0.0.1", 0, true), 0);
	options.router = rig->http.router;
	assert_int_equal(http_server_new(&rig->http.server, rig->http.base, &options), 0);
}

void index_rig_close(struct index_rig *rig)
{
	http_server_free(rig->http.server);
	fetcher_free(rig->service.fetcher);
	foreign_free(rig->service.foreign);
	for (size_t i = 0; i < SERVICE_READERS; i++)
		pg_close(rig->service.readers[i]);
	store_resolver_free(rig->service.resolver);
	for (size_t i = 0; i < rig->service.nchains; i++) {
		authority_free(rig->service.chains[i].authority);
		eth_rpc_free(rig->service.chains[i].rpc_reads);
		eth_rpc_free(rig->service.chains[i].rpc);
	}
	pg_close(rig->service.writer);
	documents_free(rig->service.documents);
	proof_cache_free(rig->service.proofs);
	http_router_free(rig->http.router);
	event_base_free(rig->http.base);
	fake_node_stop(&rig->node);
}

void index_rig_ask(struct index_rig *rig, struct rig_reply *reply, const char *method, const char *target, const char *headers,
		   const char *body)
{
	char request[8192], length_line[48] = "";
	int fd = rig_connect(&rig->http), length;

	if (body)
		snprintf(length_line, sizeof(length_line), "Content-Length: %zu\r\n", strlen(body));
	length = snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: kedge.example\r\n%s%s\r\n%s", method, target, headers ? headers : "",
			  length_line, body ? body : "");
	assert_true(length > 0 && (size_t)length < sizeof(request));
	rig_send(fd, request, (size_t)length);
	rig_receive_one(&rig->http, reply, fd);
	close(fd);
	rig_turn(&rig->http, 2);
}

void index_rig_get(struct index_rig *rig, struct rig_reply *reply, const char *target, const char *accept)
{
	char header[512] = "";

	if (accept)
		assert_true((size_t)snprintf(header, sizeof(header), "Accept: %s\r\n", accept) < sizeof(header));
	index_rig_ask(rig, reply, "GET", target, header, NULL);
}

json_t *index_rig_json(struct index_rig *rig, struct rig_reply *reply, const char *target, unsigned status)
{
	json_t *value;

	index_rig_get(rig, reply, target, NULL);
	if (rig_status(reply) != status)
		fail_msg("%s: %s", target, reply->bytes);
	value = json_loads(rig_body(reply), JSON_REJECT_DUPLICATES, NULL);
	if (!value)
		fail_msg("%s: no JSON: %s", target, reply->bytes);
	return value;
}

const char *index_rig_text(const json_t *value, const char *path)
{
	static char texts[8][2048];
	static unsigned next;
	char *text = texts[next++ % 8], step[64];

	while (*path && value) {
		size_t length = strcspn(path, ".");

		assert_true(length < sizeof(step));
		memcpy(step, path, length);
		step[length] = '\0';
		value = json_is_array(value) ? json_array_get(value, strtoul(step, NULL, 10)) : json_object_get(value, step);
		path += length + (path[length] == '.');
	}
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_integer(value))
		snprintf(text, sizeof(texts[0]), "%lld", (long long)json_integer_value(value));
	else
		snprintf(text, sizeof(texts[0]), "%s", json_is_true(value) ? "true" : json_is_false(value) ? "false" : "(null)");
	return text;
}
