/* /v1/agents/{id}: what the registry holds about an agent, now (at `safe` and at `latest`) or as of a block or an instant; and
 * who spoke for it. Each answer says of which blocks it is, how settled they are, and where it was read. */
#include "gateway/routes/view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char current_cache[] = "public, max-age=2, must-revalidate";

struct agent_request {
	struct http_request *req;
	struct service *service;
	const struct service_registry *registry;
	struct agent_key key;
	struct reading_when when;
	struct eth_address address; /* of authority */
};

/* Takes the id and `at`; what is wrong was answered if it returns NULL. *has_at: there is one. */
static struct agent_request *begin(struct http_request *req, bool *has_at)
{
	struct agent_request *state = http_state(req, sizeof(*state));
	const char *at;

	if (!state) {
		http_fail(req, -ENOMEM, NULL);
		return NULL;
	}
	state->req = req;
	state->service = http_user(req);
	state->registry = service_agent_of(&state->key, req);
	if (!state->registry)
		return NULL;
	*has_at = http_query(req, &at, "at") == 0;
	if (*has_at && reading_when_parse(&state->when, at) != 0) {
		http_fail(req, -EBADMSG, "`at` is a block number, or an instant as 2026-11-20T17:00:00Z.");
		return NULL;
	}
	return state;
}

/* Takes the object; rc is what filling it came to. */
static void finish(struct http_request *req, json_t *answer, int rc)
{
	if (rc == 0) {
		view_reply(req, 200, "application/json", answer);
		return;
	}
	json_decref(answer);
	http_fail(req, rc == -EPROTO ? -EPROTO : -ENOMEM, NULL);
}

static void absent_then(struct http_request *req, const struct reading_at *at)
{
	char detail[128] = "The agent did not exist then.";

	if (at->row && at->row->created.known)
		snprintf(detail, sizeof(detail), "The agent was registered later, in block %ju.", (uintmax_t)at->row->created.number);
	http_problem(req, &(struct http_problem){.type = "not-found", .detail = detail,
						 .next = "Ask for a later block or instant, or without `at` for what holds now."});
}

/* ---- the agent now ---- */

static json_t *end_json(const struct reading_now *now, const struct reading_state *state, const struct store_mark *block)
{
	json_t *object = json_pack("{s:o, s:b}", "block", view_block(&now->scope, block), "exists", state->exists);

	if (object && view_put_state(object, state) == 0)
		return object;
	json_decref(object);
	return NULL;
}

static enum store_tier weaker(const struct reading_state *a, const struct reading_state *b)
{
	if (!a->exists)
		return b->tier;
	return a->tier < b->tier ? a->tier : b->tier;
}

static void on_now(void *arg, int err, const struct reading_now *now)
{
	struct agent_request *state = arg;
	json_t *answer;
	int rc;

	if (err != 0) {
		view_cannot_read(state->req);
		return;
	}
	if (!now->latest.exists) {
		view_absent(state->req, now->latest_block.number);
		return;
	}
	answer = json_object();
	rc = view_put_name(answer, state->service, &state->key);
	if (rc == 0 && (json_object_set_new(answer, "tier", json_string(view_tier(weaker(&now->safe, &now->latest)))) != 0 ||
			json_object_set_new(answer, "index", json_string(now->indexed ? "current" : "syncing")) != 0 ||
			json_object_set_new(answer, "latest", end_json(now, &now->latest, &now->latest_block)) != 0 ||
			json_object_set_new(answer, "safe", end_json(now, &now->safe, &now->safe_block)) != 0))
		rc = -ENOMEM;
	finish(state->req, answer, rc);
}

/* ---- the agent then ---- */

/* The block of the question; where it is quiet and final the index kept its number only, and of an instant not even that. Of an
 * instant the finality is that of the answer: a block may still come between. */
static json_t *point_json(const struct reading_at *at, const struct reading_when *when)
{
	struct store_mark instant = {.known = true, .time = when->at};
	json_t *block;

	if (at->block.known)
		block = view_block(&at->scope, &at->block);
	else if (at->has_number)
		block = view_block_number(&at->scope, at->number);
	else
		block = view_block(&at->scope, &instant);
	if (!at->has_number) {
		json_object_set_new(block, "number", json_null());
		json_object_set_new(block, "hash", json_null());
	}
	json_object_set_new(block, "finality", json_string(at->finality));
	return block;
}

static json_t *span_end(const struct reading_at *at, const struct store_mark *mark)
{
	return at->row ? view_block(&at->scope, mark) : json_null();
}

static json_t *reach_json(const struct reading_at *at)
{
	return at->row ? view_index(&at->row->reach) : json_null();
}

static void on_then(void *arg, int err, const struct reading_at *at)
{
	struct agent_request *state = arg;
	json_t *answer;
	int rc;

	if (err != 0 || !at->state.exists) {
		if (err != 0)
			view_at_failed(state->req, state->registry, err);
		else
			absent_then(state->req, at);
		return;
	}
	answer = json_object();
	rc = view_put_name(answer, state->service, &state->key);
	if (rc == 0 && (json_object_set_new(answer, "exists", json_true()) != 0 ||
			json_object_set_new(answer, "at", point_json(at, &state->when)) != 0))
		rc = -ENOMEM;
	if (rc == 0)
		rc = view_put_state(answer, &at->state);
	if (rc == 0 && (json_object_set_new(answer, "tier", json_string(view_tier(at->state.tier))) != 0 ||
			json_object_set_new(answer, "validFrom", span_end(at, at->row ? &at->row->held.from : NULL)) != 0 ||
			json_object_set_new(answer, "validUntil", span_end(at, at->row ? &at->row->held.until : NULL)) != 0 ||
			json_object_set_new(answer, "index", reach_json(at)) != 0))
		rc = -ENOMEM;
	http_set_cache(state->req, view_cache(reading_is_settled(at), at->state.tier));
	finish(state->req, answer, rc);
}

static void get_agent(struct http_request *req)
{
	bool has_at;
	struct agent_request *state = begin(req, &has_at);

	if (!state)
		return;
	if (has_at)
		reading_at(req, state->registry, &state->key, &state->when, on_then, state);
	else
		reading_now(req, state->registry, &state->key, READING_URI, on_now, state);
}

/* ---- who speaks for it ---- */

/* The wallet wins where an address is both, as in the record (docs/formats.md section 4). */
static enum authority_role role_of(const struct reading_state *state, const struct eth_address *address)
{
	if (!state->exists || address_is_zero(address))
		return AUTHORITY_NONE;
	if (address_equal(&state->wallet, address))
		return AUTHORITY_WALLET;
	return address_equal(&state->owner, address) ? AUTHORITY_OWNER : AUTHORITY_NONE;
}

static json_t *role_json(enum authority_role role)
{
	switch (role) {
	case AUTHORITY_WALLET:
		return json_string("wallet");
	case AUTHORITY_OWNER:
		return json_string("owner");
	case AUTHORITY_NONE:
		break;
	}
	return json_null();
}

static void reply_authority(struct agent_request *state, enum authority_role role, json_t *at, json_t *since, json_t *until,
			    enum store_tier tier, const char *cache)
{
	char key[AGENT_KEY_TEXT_SIZE], address[ADDRESS_TEXT_SIZE];

	agent_key_format(key, &state->key);
	address_format_eip55(address, &state->address);
	http_set_cache(state->req, cache);
	view_reply(state->req, 200, "application/json",
		   json_pack("{s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:s}", "agent", key, "address", address, "at",
			     at, "speaks", role != AUTHORITY_NONE, "role", role_json(role), "since", since, "until", until, "tier",
			     view_tier(tier)));
}

/* From when until when the address speaks in the roles it holds then: with both, from the earlier to the later. false: not at
 * all, or the state was not read from the index. */
static bool span_of(struct store_span *out, const struct reading_state *state, const struct store_resolved *row,
		    const struct eth_address *address)
{
	bool wallet = address_equal(&state->wallet, address), owner = address_equal(&state->owner, address);

	if (!row || role_of(state, address) == AUTHORITY_NONE)
		return false;
	*out = wallet ? row->wallet : row->owner;
	if (!wallet || !owner)
		return true;
	if (row->owner.from.number < out->from.number)
		out->from = row->owner.from;
	if (!row->owner.until.known || (out->until.known && row->owner.until.number > out->until.number))
		out->until = row->owner.until;
	return true;
}

static void on_authority_then(void *arg, int err, const struct reading_at *at)
{
	struct agent_request *state = arg;
	struct store_span span;
	enum authority_role role;
	bool settled, spanned;

	if (err != 0 || !at->state.exists) {
		if (err != 0)
			view_at_failed(state->req, state->registry, err);
		else
			absent_then(state->req, at);
		return;
	}
	role = role_of(&at->state, &state->address);
	spanned = span_of(&span, &at->state, at->row, &state->address);
	/* "no" of a final block stays no; "yes" has an end that is still to come */
	settled = at->indexed && strcmp(at->finality, "final") == 0 &&
		  (!spanned || (span.until.known && span.until.number <= at->scope.final));
	reply_authority(state, role, point_json(at, &state->when), spanned ? view_block(&at->scope, &span.from) : json_null(),
			spanned ? view_block(&at->scope, &span.until) : json_null(), at->state.tier,
			view_cache(settled, at->state.tier));
}

static void on_authority_now(void *arg, int err, const struct reading_now *now)
{
	struct agent_request *state = arg;
	struct store_span span;
	enum authority_role role;
	bool spanned;

	if (err != 0 || !now->latest.exists) {
		if (err != 0)
			view_cannot_read(state->req);
		else
			view_absent(state->req, now->latest_block.number);
		return;
	}
	/* at both ends, in the role held at safe: as attestations are judged */
	role = role_of(&now->latest, &state->address) == AUTHORITY_NONE ? AUTHORITY_NONE : role_of(&now->safe, &state->address);
	spanned = role != AUTHORITY_NONE && span_of(&span, &now->latest, now->row, &state->address);
	reply_authority(state, role, view_block(&now->scope, &now->latest_block),
			spanned ? view_block(&now->scope, &span.from) : json_null(), json_null(), weaker(&now->safe, &now->latest),
			current_cache);
}

static void get_authority(struct http_request *req)
{
	bool has_at;
	struct agent_request *state = begin(req, &has_at);
	const char *address;

	if (!state)
		return;
	if (http_query(req, &address, "address") != 0 || address_parse(&state->address, address, strlen(address)) != 0) {
		http_fail(req, -EBADMSG, "`address` is 0x and 40 hex digits, of one letter case or with a right EIP-55 checksum.");
		return;
	}
	if (has_at)
		reading_at(req, state->registry, &state->key, &state->when, on_authority_then, state);
	else
		reading_now(req, state->registry, &state->key, READING_KEYS, on_authority_now, state);
}

static const char *const agent_query[] = {"at", NULL}, *const authority_query[] = {"address", "at", NULL};

const struct http_route routes_agent[] = {
	{"GET", "/v1/agents/{id}", get_agent, 0, 0, current_cache, "An agent's state now, or as of a block or an instant", "agents", agent_query},
	{"GET", "/v1/agents/{id}/authority", get_authority, 0, 0, current_cache, "Whether an address speaks, or spoke, for an agent", "agents",
	 authority_query},
};
const size_t routes_agent_count = sizeof(routes_agent) / sizeof(routes_agent[0]);
