#include "gateway/routes/participant_wish.h"

#include "did/jcs.h"
#include "gateway/routes/view_participant.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void drop(void *arg)
{
	struct participant_wish *wish = arg;

	json_decref(wish->body);
	store_participant_found_clear(&wish->found);
	participant_state_clear(&wish->state);
}

static void refuse(struct http_request *req, const char *type, const char *pointer, const char *detail, const char *next)
{
	http_problem(req, &(struct http_problem){.type = type, .rule = type, .pointer = pointer, .detail = detail, .next = next});
}

static bool read_body(struct participant_wish *wish)
{
	static const struct jcs_limits limits = {.bytes = 65536, .depth = 8};
	struct jcs_error why;
	size_t len;
	const uint8_t *bytes = http_body(wish->req, &len);
	char detail[160];
	int rc;

	if (!http_body_is(wish->req, "application/json")) {
		refuse(wish->req, "unsupported-media-type", NULL, "The body is not JSON.", "Send application/json.");
		return false;
	}
	rc = jcs_parse(&wish->body, &why, (const char *)bytes, len, &limits);
	if (rc == -ENOMEM) {
		http_fail(wish->req, rc, NULL);
		return false;
	}
	if (rc != 0) {
		(void)snprintf(detail, sizeof(detail), "%s (at byte %zu)", jcs_reason(why.code), why.offset);
		refuse(wish->req, why.code == JCS_DUPLICATE ? "duplicate-key" : rc == -EILSEQ ? "bad-encoding" : why.code == JCS_TOO_DEEP ? "too-deep" : "malformed",
		       why.pointer, detail, "Send one JSON object.");
		return false;
	}
	if (!json_is_object(wish->body)) {
		refuse(wish->req, "malformed", "", "The body is not an object.", "Send one JSON object.");
		return false;
	}
	return true;
}

static bool knows_members(struct participant_wish *wish, const char *const *members)
{
	char next[256] = "It takes:";
	const char *name;
	json_t *value;

	for (size_t i = 0; members[i]; i++)
		(void)snprintf(next + strlen(next), sizeof(next) - strlen(next), " %s", members[i]);
	json_object_foreach(wish->body, name, value)
	{
		size_t i = 0;

		while (members[i] && strcmp(members[i], name) != 0)
			i++;
		if (!members[i]) {
			refuse(wish->req, "unknown-member", "", "The body has a member that means nothing here.", next);
			return false;
		}
	}
	return true;
}

void *participant_wish_begin(struct http_request *req, size_t size, const char *const *members)
{
	struct participant_wish *wish = http_state(req, size);

	if (!wish || http_defer(req, drop, wish) != 0) {
		http_fail(req, -ENOMEM, NULL);
		return NULL;
	}
	wish->req = req;
	wish->service = http_user(req);
	wish->terms = (struct participant_terms){.agents = &wish->service->defaults, .chains = wish->chains, .nchains = wish->service->nchains};
	for (size_t i = 0; i < wish->service->nchains; i++)
		wish->chains[i] = wish->service->chains[i].id;
	return read_body(wish) && knows_members(wish, members) ? wish : NULL;
}

int participant_wish_find(struct participant_wish *wish)
{
	uint8_t claimed[32];

	participant_change_handle_hash(claimed, wish->change.handle);
	return store_participant_find(service_reader(wish->service), &wish->op, &wish->found, pg_text(wish->change.handle), claimed);
}

bool participant_wish_found(struct participant_wish *wish)
{
	const struct store_participant *row = &wish->found.row;
	int rc = wish->op.err;

	wish->state.life = wish->found.claimed_once ? PARTICIPANT_ERASED : PARTICIPANT_UNKNOWN;
	if (rc == 0 && wish->found.live) {
		rc = participant_state_read(&wish->state, (const char *)row->state.data, row->state.len);
		if (rc == 0 && row->key.len < sizeof(wish->key))
			memcpy(wish->key, row->key.data, row->key.len);
	}
	if (rc == 0)
		return true;
	http_fail(wish->req, rc == -EBADMSG ? -EPROTO : rc, NULL);
	return false;
}

/* ---- the agent's owner ---- */

struct owner_read {
	struct participant_wish *wish;
	http_handler *next;
};

static void set_block(struct participant_block *out, const struct heads_block *block)
{
	out->number = block->number;
	memcpy(out->hash, block->hash.bytes, sizeof(out->hash));
}

static void on_verdict(void *arg, int err, const struct authority *verdicts, size_t n)
{
	struct owner_read *read = arg;
	struct participant_wish *wish = read->wish;
	struct participant_change *change = &wish->change;
	const struct authority *verdict = n == 1 ? verdicts : NULL;

	if (err == 0 && verdict)
		err = verdict->err;
	if (err != 0 || !verdict) {
		view_cannot_read(wish->req);
	} else if (!verdict->safe.exists || !verdict->latest.exists) {
		view_participant_refuse(wish->req, "unknown-agent", NULL, NULL);
	} else if (!address_equal(&verdict->safe.owner, &verdict->latest.owner)) {
		view_participant_refuse(wish->req, "owner-changing", NULL, NULL);
	} else {
		change->has_owner = true;
		change->owner = verdict->latest.owner;
		set_block(&change->read.safe, &verdict->safe_block);
		set_block(&change->read.latest, &verdict->latest_block);
		read->next(wish->req);
	}
}

void participant_wish_read_owner(struct participant_wish *wish, http_handler *next)
{
	struct owner_read *read = http_alloc(wish->req, sizeof(*read));

	if (!read) {
		http_fail(wish->req, -ENOMEM, NULL);
		return;
	}
	*read = (struct owner_read){wish, next};
	wish->registry = service_registry(wish->service, &wish->change.object.agent);
	if (!wish->registry)
		view_participant_refuse(wish->req, "unserved-agent", NULL, NULL);
	else if (authority_get(wish->registry->chain->authority, &wish->change.object.agent, on_verdict, read) != 0)
		view_cannot_read(wish->req);
}
