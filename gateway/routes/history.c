/* /v1/agents/{id}/history: every change of owner, wallet and URI, newest first, with the events of its block. */
#include "eth/hex.h"
#include "gateway/routes/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 100 };

struct history_request {
	struct http_request *req;
	struct service *service;
	const struct service_registry *registry;
	struct agent_key key;
	struct store_mark safe;
	uint64_t before;
	struct pg_op op;
	struct store_history_page page;
};

static void drop(void *arg)
{
	store_history_page_clear(&((struct history_request *)arg)->page);
}

/* A decimal number without leading zeros, below 2^63. */
static int parse_number(uint64_t *out, const char *text)
{
	struct reading_when when;
	int rc = reading_when_parse(&when, text);

	if (rc != 0 || when.by_time)
		return -EBADMSG;
	*out = when.at;
	return 0;
}

static json_t *changed_json(unsigned changed)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {{STORE_CHANGED_REGISTERED, "registered"}, {STORE_CHANGED_OWNER, "owner"}, {STORE_CHANGED_WALLET, "wallet"},
		     {STORE_CHANGED_URI, "uri"}};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (changed & names[i].bit)
			json_array_append_new(list, json_string(names[i].name));
	return list;
}

static json_t *hex_json(const uint8_t *bytes, size_t length)
{
	char text[2 * STORE_HISTORY_VALUE + 3];

	if (length > STORE_HISTORY_VALUE)
		return NULL;
	hex_encode_data(text, bytes, length);
	return json_string(text);
}

/* As view_put_state() does it: text, or null and its bytes in hex under the other name, which a text could look like. */
static int put_text(json_t *object, const char *name, const char *in_hex, const struct pg_bytes *bytes)
{
	json_t *text = bytes->data ? json_stringn((const char *)bytes->data, bytes->len) : NULL;
	int rc = json_object_set_new(object, name, text ? text : json_null());

	if (!text && bytes->data)
		rc |= json_object_set_new(object, in_hex, hex_json(bytes->data, bytes->len));
	return rc;
}

static const char *kind_name(enum store_event_kind kind)
{
	static const char *const names[] = {
		[STORE_EVENT_TRANSFER] = "transfer",	 [STORE_EVENT_REGISTERED] = "registered", [STORE_EVENT_URI] = "uri",
		[STORE_EVENT_METADATA] = "metadata",	 [STORE_EVENT_APPROVAL] = "approval",	  [STORE_EVENT_UPGRADED] = "upgraded",
		[STORE_EVENT_FEEDBACK] = "feedback",	 [STORE_EVENT_REVOKED] = "revoked",	  [STORE_EVENT_RESPONSE] = "response",
	};

	return (size_t)kind < sizeof(names) / sizeof(names[0]) && names[kind] ? names[kind] : "other";
}

/* What the event says beyond its kind, by the names of the contract's parameters. */
static int put_details(json_t *object, const struct store_history_event *item)
{
	const struct store_event *event = &item->event;
	int rc = 0;

	switch (event->kind) {
	case STORE_EVENT_TRANSFER:
		rc |= json_object_set_new(object, "from", view_address(event->a));
		rc |= json_object_set_new(object, "to", view_address(event->b));
		break;
	case STORE_EVENT_APPROVAL:
		rc |= json_object_set_new(object, "owner", view_address(event->a));
		rc |= json_object_set_new(object, "approved", view_address(event->b));
		break;
	case STORE_EVENT_REGISTERED:
		rc |= json_object_set_new(object, "owner", view_address(event->a));
		break;
	case STORE_EVENT_URI:
		rc |= json_object_set_new(object, "by", view_address(event->a));
		break;
	case STORE_EVENT_METADATA:
		rc |= put_text(object, "key", "keyBytes", &event->key);
		break;
	case STORE_EVENT_UPGRADED:
	case STORE_EVENT_FEEDBACK:
	case STORE_EVENT_REVOKED:
	case STORE_EVENT_RESPONSE:
		break;
	}
	if (event->kind == STORE_EVENT_REGISTERED || event->kind == STORE_EVENT_URI)
		rc |= put_text(object, "uri", "uriBytes", &event->value);
	if (event->kind == STORE_EVENT_METADATA)
		rc |= json_object_set_new(object, "value", event->value.data ? hex_json(event->value.data, event->value.len) : json_null());
	if (item->value_len > STORE_HISTORY_VALUE) /* left out above: this is how long it is */
		rc |= json_object_set_new(object, "bytes", json_integer((json_int_t)item->value_len));
	return rc == 0 ? 0 : -ENOMEM;
}

static json_t *event_json(const struct store_history_event *item)
{
	json_t *object = json_pack("{s:s, s:I, s:o}", "kind", kind_name(item->event.kind), "logIndex",
				   (json_int_t)item->event.log_index, "tx", hex_json(item->event.tx, 32));

	if (object && put_details(object, item) == 0)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *change_json(const struct reading_scope *scope, const struct store_history_row *row)
{
	struct reading_state state = {.exists = true, .uri = row->state.uri, .tier = row->state.tier};
	json_t *events = json_array(), *object;

	memcpy(state.owner.bytes, row->state.owner, 20);
	if (row->state.has_wallet)
		memcpy(state.wallet.bytes, row->state.wallet, 20);
	for (size_t i = 0; i < row->nevents; i++)
		if (json_array_append_new(events, event_json(&row->events[i])) != 0) {
			json_decref(events);
			return NULL;
		}
	object = json_pack("{s:o, s:o, s:s, s:o}", "block", view_block(scope, &row->block), "changed", changed_json(row->state.changed),
			   "tier", view_tier(row->state.tier), "events", events);
	if (object && view_put_state(object, &state) == 0 &&
	    (!row->events_left_out || json_object_set_new(object, "eventsLeftOut", json_true()) == 0))
		return object;
	json_decref(object);
	return NULL;
}

static void reply(struct history_request *state)
{
	const struct store_history_page *page = &state->page;
	struct reading_scope scope = reading_scope_of(&page->reach, &state->safe);
	json_t *changes = json_array();
	char key[AGENT_KEY_TEXT_SIZE];
	json_t *next = page->more ? view_number(page->rows[page->n - 1].state.number) : json_null();

	for (size_t i = 0; i < page->n; i++)
		if (json_array_append_new(changes, change_json(&scope, &page->rows[i])) != 0) {
			json_decref(changes);
			json_decref(next);
			http_fail(state->req, -ENOMEM, NULL);
			return;
		}
	agent_key_format(key, &state->key);
	/* what was before a final block stays as it is, once it is all there */
	if (state->before <= scope.final && store_reach_has(&page->reach, state->before - (state->before > 0)))
		http_set_cache(state->req, "public, max-age=3600");
	view_reply(state->req, 200, "application/json",
		   json_pack("{s:s, s:o, s:o, s:o}", "agent", key, "changes", changes, "index", view_index(&page->reach), "next", next));
}

/* An agent that the index does not know may be of the newest blocks, which it has not taken in yet. */
static void answer_none(struct history_request *state, uint64_t tip)
{
	const struct heads_set *heads;

	if (heads_get(&heads, &state->registry->chain->heads, HEADS_AGE_MAX_MS) != 0 || heads->latest.number <= tip)
		view_absent(state->req, tip);
	else
		http_problem(state->req, &(struct http_problem){.type = "not-indexed", .retry_after = 1,
								.detail = "The index knows no such agent, and is not at the newest block yet."});
}

static void on_page(struct pg_op *op)
{
	struct history_request *state = op->arg;
	const struct store_history_page *page = &state->page;

	if (op->err == -ENOENT) {
		view_at_failed(state->req, state->registry, -EALREADY);
	} else if (op->err != 0) {
		http_fail(state->req, op->err, NULL);
	} else if (page->n == 0 && state->before == INT64_MAX) {
		/* an index that is still on its way back there may not know the agent */
		if (store_reach_has(&page->reach, page->reach.index.tip_number) && page->reach.index.final_number >= page->reach.index.target)
			answer_none(state, page->reach.index.tip_number);
		else
			view_at_failed(state->req, state->registry, -EALREADY);
	} else {
		reply(state);
	}
}

static void get_history(struct http_request *req)
{
	struct history_request *state = http_state(req, sizeof(*state));
	uint64_t limit = LIMIT;
	const char *text;
	uint8_t id[32];
	int rc;

	if (!state || http_defer(req, drop, state) != 0) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	*state = (struct history_request){.req = req, .service = http_user(req), .op = {.on_done = on_page, .arg = state}};
	state->registry = service_agent_of(&state->key, req);
	if (!state->registry)
		return;
	state->before = INT64_MAX;
	if (http_query(req, &text, "before") == 0 && parse_number(&state->before, text) != 0) {
		http_fail(req, -EBADMSG, "`before` is a block number: the member `next` of the page before.");
		return;
	}
	if (http_query(req, &text, "limit") == 0 && (parse_number(&limit, text) != 0 || limit == 0 || limit > STORE_HISTORY_MAX)) {
		http_fail(req, -EBADMSG, "`limit` is a number from 1 to 1000.");
		return;
	}
	state->safe = reading_safe(state->registry);
	u256_to_bytes(id, &state->key.id);
	rc = state->registry->in_index == 0 ? -ENOENT :
					      store_history_page(service_reader(state->service), &state->op, &state->page,
								 state->registry->in_index, id, state->safe.known ? &state->safe : NULL,
								 state->before, (unsigned)limit);
	if (rc != 0) {
		state->op.err = rc;
		on_page(&state->op);
	}
}

static const char *const history_query[] = {"before", "limit", NULL};

const struct http_route routes_history[] = {
	{"GET", "/v1/agents/{id}/history", get_history, 0, 0, "public, max-age=2, must-revalidate", "An agent's changes, newest first",
	 "agents", history_query},
};
const size_t routes_history_count = sizeof(routes_history) / sizeof(routes_history[0]);
