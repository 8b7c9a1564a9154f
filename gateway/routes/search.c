/* /v1/agents: agents by owner, wallet, beginning of their name, or a service they offer, as the index has them at its tip. */
#include "gateway/routes/view.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 100, LIMIT_MAX = 1000, WORDS_MAX = 128, CURSOR_SIZE = 16 + 64 + 1 };

struct search_request {
	struct http_request *req;
	struct service *service;
	struct eth_address owner, wallet;
	struct store_agent_filter filter;
	struct pg_op op;
	struct store_agents found;
};

static void drop(void *arg)
{
	store_agents_clear(&((struct search_request *)arg)->found);
}

static const struct service_registry *registry_of(const struct service *service, uint32_t in_index)
{
	for (size_t i = 0; i < service->nregistries; i++)
		if (service->registries[i].in_index == in_index)
			return &service->registries[i];
	return NULL;
}

static struct agent_key key_of(const struct service_registry *registry, const struct store_agent_row *row)
{
	struct agent_key key = registry->key;

	u256_from_bytes(&key.id, row->agent_id);
	return key;
}

static json_t *row_json(const struct search_request *state, const struct service_registry *registry, const struct store_agent_row *row)
{
	struct agent_key key = key_of(registry, row);
	struct reading_state now = {.exists = true, .uri = row->uri};
	json_t *object = json_object(), *name = row->name.len > 0 ? json_stringn((const char *)row->name.data, row->name.len) : NULL;

	memcpy(now.owner.bytes, row->owner, 20);
	if (row->has_wallet)
		memcpy(now.wallet.bytes, row->wallet, 20);
	if (view_put_name(object, state->service, &key) == 0 && view_put_state(object, &now) == 0 &&
	    json_object_set_new(object, "name", name ? name : json_null()) == 0)
		return object;
	json_decref(object);
	return NULL;
}

/* Where the next page begins: the row's place in the order of the search. Opaque to clients. */
static json_t *cursor_json(const struct store_agent_row *row)
{
	char text[CURSOR_SIZE];
	int length = snprintf(text, sizeof(text), "%u.", row->registry);

	sodium_bin2hex(text + length, sizeof(text) - (size_t)length, row->agent_id, 32);
	return json_string(text);
}

static int cursor_parse(struct store_agent_filter *filter, const char *text)
{
	size_t digits = strspn(text, "0123456789"), length;
	const char *end;

	if (digits == 0 || digits > 9 || text[digits] != '.' ||
	    sodium_hex2bin(filter->after_id, 32, text + digits + 1, strlen(text + digits + 1), NULL, &length, &end) != 0 || *end ||
	    length != 32)
		return -EBADMSG;
	filter->after_registry = (uint32_t)strtoul(text, NULL, 10);
	filter->has_after = true;
	return 0;
}

static void on_found(struct pg_op *op)
{
	struct search_request *state = op->arg;
	const struct store_agents *found = &state->found;
	const struct service_registry *registry;
	json_t *agents, *next = json_null();

	if (op->err != 0) {
		http_fail(state->req, op->err, NULL);
		return;
	}
	agents = json_array();
	for (size_t i = 0; i < found->n; i++) {
		registry = registry_of(state->service, found->rows[i].registry);
		if (!registry) /* indexed once, not served any more */
			continue;
		if (json_array_append_new(agents, row_json(state, registry, &found->rows[i])) != 0) {
			json_decref(agents);
			http_fail(state->req, -ENOMEM, NULL);
			return;
		}
	}
	if (found->more)
		next = cursor_json(&found->rows[found->n - 1]);
	view_reply(state->req, 200, "application/json", json_pack("{s:o, s:o}", "agents", agents, "next", next));
}

/* The filters of the query; what is wrong with one, or NULL. */
static const char *take_addresses(struct search_request *state)
{
	const char *text;

	if (http_query(state->req, &text, "owner") == 0) {
		if (address_parse(&state->owner, text, strlen(text)) != 0)
			return "`owner` is 0x and 40 hex digits, of one letter case or with a right EIP-55 checksum.";
		state->filter.owner = state->owner.bytes;
	}
	if (http_query(state->req, &text, "wallet") == 0) {
		if (address_parse(&state->wallet, text, strlen(text)) != 0)
			return "`wallet` is 0x and 40 hex digits, of one letter case or with a right EIP-55 checksum.";
		state->filter.wallet = state->wallet.bytes;
	}
	return NULL;
}

static const char *take_words(struct search_request *state)
{
	const char *text;

	if (http_query(state->req, &text, "q") == 0) {
		if (!*text || strlen(text) > WORDS_MAX)
			return "`q` is the beginning of a name, at most 128 bytes.";
		state->filter.name = text;
	}
	if (http_query(state->req, &text, "service") == 0) {
		if (!*text || strlen(text) > WORDS_MAX)
			return "`service` is the name of a service, at most 128 bytes.";
		state->filter.service = text;
	}
	return NULL;
}

static const char *take_page(struct search_request *state)
{
	struct reading_when number;
	const char *text;

	state->filter.limit = LIMIT;
	if (http_query(state->req, &text, "limit") == 0) {
		if (reading_when_parse(&number, text) != 0 || number.by_time || number.at == 0 || number.at > LIMIT_MAX)
			return "`limit` is a number from 1 to 1000.";
		state->filter.limit = (unsigned)number.at;
	}
	if (http_query(state->req, &text, "after") == 0 && cursor_parse(&state->filter, text) != 0)
		return "`after` is the member `next` of the page before.";
	return NULL;
}

static void get_agents(struct http_request *req)
{
	struct search_request *state = http_state(req, sizeof(*state));
	const char *wrong;
	int rc;

	if (!state || http_defer(req, drop, state) != 0) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	*state = (struct search_request){.req = req, .service = http_user(req), .op = {.on_done = on_found, .arg = state}};
	wrong = take_addresses(state);
	if (!wrong)
		wrong = take_words(state);
	if (!wrong)
		wrong = take_page(state);
	if (wrong) {
		http_fail(req, -EBADMSG, wrong);
		return;
	}
	if (state->service->registries[0].in_index == 0) {
		view_at_failed(req, &state->service->registries[0], -EALREADY);
		return;
	}
	rc = store_agents(service_reader(state->service), &state->op, &state->found, &state->filter);
	if (rc != 0)
		http_fail(req, rc, NULL);
}

static const char *const agents_query[] = {"owner", "wallet", "q", "service", "after", "limit", NULL};

const struct http_route routes_search[] = {
	{"GET", "/v1/agents", get_agents, 0, 0, "public, max-age=2, must-revalidate", "Agents by owner, wallet, name or service", "agents",
	 agents_query},
};
const size_t routes_search_count = sizeof(routes_search) / sizeof(routes_search[0]);
