/* Participants: who there is, one with its links, its history, and its did.json. Changing one: participant_change.c. */
#include "did/resolution.h"
#include "gateway/routes/view_participant.h"
#include "sql/store_log.h"
#include "sql/store_participant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char current_cache[] = "public, max-age=2, must-revalidate";
enum { LIMIT = 100, LIMIT_MAX = 1000, HISTORY_MAX = 200 };

struct participant_request {
	struct http_request *req;
	struct service *service;
	struct pg_op op;
	struct store_participants list;
	struct store_participant_filter filter;
	char after[PARTICIPANT_HANDLE_SIZE];
	char handle[PARTICIPANT_HANDLE_SIZE];
	struct store_participant_found found;
	struct store_entries entries;
	struct store_entries_filter page;
	char key[PARTICIPANT_KEY_SIZE];
};

static void drop(void *arg)
{
	struct participant_request *r = arg;

	store_participants_clear(&r->list);
	store_participant_found_clear(&r->found);
	store_entries_clear(&r->entries);
}

static struct participant_request *begin(struct http_request *req)
{
	struct participant_request *r = http_state(req, sizeof(*r));

	if (!r || http_defer(req, drop, r) != 0) {
		http_fail(req, -ENOMEM, NULL);
		return NULL;
	}
	r->req = req;
	r->service = http_user(req);
	return r;
}

/* ---- did.json and the participant itself ---- */

static void on_document(void *arg, int err, const struct reading_participant *participant)
{
	struct participant_request *r = arg;
	json_t *document = NULL;

	if (err != 0) {
		view_participant_failed(r->req, err);
		return;
	}
	err = view_participant_document(&document, NULL, r->service, participant);
	http_set_header(r->req, "Vary", "Accept");
	if (err != 0)
		http_fail(r->req, err == -EINVAL ? -EPROTO : err, NULL);
	else
		view_reply(r->req, 200, resolution_document_type(http_accept(r->req)), document);
}

static void on_participant(void *arg, int err, const struct reading_participant *participant)
{
	struct participant_request *r = arg;

	if (err != 0)
		view_participant_failed(r->req, err);
	else
		view_reply(r->req, 200, "application/json", view_participant(r->service, participant));
}

static void read_one(struct http_request *req, reading_on_participant *on_read)
{
	static const struct reading_participant_when now = {.by_seq = false};
	struct participant_request *r = begin(req);

	if (r && view_participant_handle(r->handle, req))
		reading_participant(req, r->handle, &now, on_read, r);
}

static void get_document(struct http_request *req)
{
	read_one(req, on_document);
}

static void get_participant(struct http_request *req)
{
	read_one(req, on_participant);
}

/* ---- the list ---- */

static json_t *row_json(const struct service *service, const struct store_participant *row)
{
	char did[PARTICIPANT_DID_SIZE], handle[PARTICIPANT_HANDLE_SIZE];

	(void)snprintf(handle, sizeof(handle), "%.*s", (int)row->handle.len, (const char *)row->handle.data);
	if (participant_did_format(did, handle, service->config->host) < 0)
		return NULL;
	return json_pack("{s:s, s:s, s:s%, s:o, s:o, s:o}", "handle", handle, "did", did, "participant", (const char *)row->key.data, row->key.len,
			 "created", view_participant_time(row->created), "updated", view_participant_time(row->at), "versionId",
			 view_number(row->seq));
}

static void on_list(struct pg_op *op)
{
	struct participant_request *r = op->arg;
	const struct store_participants *list = &r->list;
	json_t *rows = json_array(), *next = json_null();
	int rc = op->err;

	for (size_t i = 0; rc == 0 && i < list->n; i++)
		rc = json_array_append_new(rows, row_json(r->service, &list->rows[i])) == 0 ? 0 : -ENOMEM;
	if (rc != 0) {
		json_decref(rows);
		http_fail(r->req, rc, NULL);
		return;
	}
	if (list->n == r->filter.limit)
		next = json_stringn((const char *)list->rows[list->n - 1].handle.data, list->rows[list->n - 1].handle.len);
	view_reply(r->req, 200, "application/json", json_pack("{s:o, s:o}", "participants", rows, "next", next));
}

/* An address (on whichever chain), CAIP-10 or did:pkh. */
static bool take_account(struct store_participant_filter *filter, const char *text)
{
	struct eip155_account account = {.chain = UINT64_MAX};

	if (address_parse(&account.address, text, strlen(text)) != 0 && eip155_account_parse(&account, text, strlen(text)) != 0 &&
	    did_pkh_parse(&account, text, strlen(text)) != 0)
		return false;
	filter->by = STORE_PARTICIPANT_ACCOUNT;
	filter->chain_id = account.chain;
	memcpy(filter->address, account.address.bytes, 20);
	return true;
}

static bool take_agent(struct store_participant_filter *filter, const struct service *service, const char *text)
{
	struct agent_key key;

	if (service_agent_id(&key, NULL, service, text) != 0 && agent_key_from_any(&key, text, strlen(text), &service->defaults) != 0)
		return false;
	filter->by = STORE_PARTICIPANT_AGENT;
	filter->chain_id = key.chain;
	memcpy(filter->address, key.registry.bytes, 20);
	u256_to_bytes(filter->agent_id, &key.id);
	return true;
}

static const char *take_page(struct participant_request *r, unsigned most)
{
	const char *text;
	char *end;

	r->filter.limit = LIMIT;
	if (http_query(r->req, &text, "limit") == 0) {
		unsigned long limit = strtoul(text, &end, 10);

		if (strspn(text, "0123456789") != strlen(text) || *end || limit < 1 || limit > most)
			return "`limit` is a number from 1 on; see docs/api.md for the most.";
		r->filter.limit = (unsigned)limit;
	}
	return NULL;
}

/* What is wrong with the query, or NULL. */
static const char *take_filter(struct participant_request *r)
{
	const char *account, *agent, *after, *wrong = take_page(r, LIMIT_MAX);
	bool by_account = http_query(r->req, &account, "account") == 0, by_agent = http_query(r->req, &agent, "agent") == 0;

	if (wrong)
		return wrong;
	if (by_account && by_agent)
		return "Either `account` or `agent`.";
	if (by_account && !take_account(&r->filter, account))
		return "`account` is 0x and 40 hex digits, eip155:CHAIN:0xADDRESS, or a did:pkh of those.";
	if (by_agent && !take_agent(&r->filter, r->service, agent))
		return "`agent` is `42`, `CHAIN:42`, `CHAIN:0xREGISTRY:42`, a key text or an agent's DID of this host.";
	if (http_query(r->req, &after, "after") == 0) {
		if (participant_handle_fold(r->after, after, strlen(after)) != 0)
			return "`after` is the member `next` of the page before.";
		r->filter.after = pg_text(r->after);
	}
	return NULL;
}

static void get_list(struct http_request *req)
{
	struct participant_request *r = begin(req);
	const char *wrong;
	int rc;

	if (!r)
		return;
	wrong = take_filter(r);
	if (wrong) {
		http_fail(req, -EBADMSG, wrong);
		return;
	}
	r->op = (struct pg_op){.on_done = on_list, .arg = r};
	rc = store_participants(service_reader(r->service), &r->op, &r->list, &r->filter);
	if (rc != 0)
		http_fail(req, rc, NULL);
}

/* ---- history ---- */

static json_t *signers_json(const struct participant_change *change)
{
	json_t *list = json_array();
	char did[DID_PKH_TEXT_SIZE];

	for (size_t i = 0; i < change->nsigners; i++) {
		did_pkh_format(did, &change->signers[i].account);
		(void)json_array_append_new(list, json_string(did));
	}
	return list;
}

static bool is_kind(const struct store_entry *entry, const char *kind)
{
	return entry->kind.len == strlen(kind) && memcmp(entry->kind.data, kind, entry->kind.len) == 0;
}

/* NULL: no version of it. */
static json_t *version_json(const struct store_entry *entry)
{
	struct participant_change change;
	json_t *version;
	bool account;

	if ((!is_kind(entry, "alias") && !is_kind(entry, "link")) ||
	    participant_payload_read(&change, (const char *)entry->payload.data, entry->payload.len) != 0)
		return NULL;
	account = change.object.kind == PARTICIPANT_ACCOUNT && change.verb == PARTICIPANT_LINK;
	version = json_pack("{s:o, s:o, s:s, s:s*, s:s*, s:o}", "versionId", view_number(entry->seq), "at", view_participant_time(entry->at), "verb",
			    participant_verb_word(change.verb), "object", change.object.kind == PARTICIPANT_NOTHING ? NULL : change.object.text,
			    "role", account ? (change.controller ? "controller" : "account") : NULL, "signers", signers_json(&change));
	participant_change_clear(&change);
	return version;
}

static void on_history(struct pg_op *op)
{
	struct participant_request *r = op->arg;
	json_t *versions = json_array(), *next = json_null();
	struct store_entry entry = {0};
	int rc = op->err;

	for (size_t i = 0; rc == 0 && i < r->entries.n; i++) {
		json_t *version;

		rc = store_entries_get(&r->entries, &entry, i);
		version = rc == 0 ? version_json(&entry) : NULL;
		if (version)
			rc = json_array_append_new(versions, version);
	}
	if (rc != 0) {
		json_decref(versions);
		http_fail(r->req, rc, NULL);
		return;
	}
	if (r->entries.n == r->page.limit)
		next = view_number(entry.seq);
	view_reply(r->req, 200, "application/json", json_pack("{s:s, s:s, s:o, s:o}", "handle", r->handle, "participant", r->key, "versions",
							      versions, "next", next));
}

static void on_found(struct pg_op *op)
{
	struct participant_request *r = op->arg;
	int rc = op->err;

	if (rc == 0 && !r->found.live)
		rc = r->found.claimed_once ? -ENODATA : -ENOENT;
	if (rc == 0 && r->found.row.key.len != sizeof(r->key) - 1)
		rc = -EPROTO;
	if (rc != 0) {
		view_participant_failed(r->req, rc);
		return;
	}
	memcpy(r->key, r->found.row.key.data, sizeof(r->key) - 1);
	r->page.subject = pg_text(r->key);
	r->op.on_done = on_history;
	rc = store_entries(service_reader(r->service), &r->op, &r->entries, &r->page);
	if (rc != 0)
		http_fail(r->req, rc, NULL);
}

static void get_history(struct http_request *req)
{
	struct participant_request *r = begin(req);
	struct reading_when after;
	uint8_t claimed[32];
	const char *text, *wrong;
	int rc;

	if (!r || !view_participant_handle(r->handle, req))
		return;
	wrong = take_page(r, HISTORY_MAX);
	r->page = (struct store_entries_filter){.below = INT64_MAX, .limit = r->filter.limit, .with_payload = true};
	if (!wrong && http_query(req, &text, "after") == 0) {
		if (reading_when_parse(&after, text) != 0 || after.by_time || after.at == INT64_MAX)
			wrong = "`after` is the member `next` of the page before.";
		else
			r->page.from = after.at + 1;
	}
	if (wrong) {
		http_fail(req, -EBADMSG, wrong);
		return;
	}
	participant_change_handle_hash(claimed, r->handle);
	r->op = (struct pg_op){.on_done = on_found, .arg = r};
	rc = store_participant_find(service_reader(r->service), &r->op, &r->found, pg_text(r->handle), claimed);
	if (rc != 0)
		http_fail(req, rc, NULL);
}

static const char *const no_query[] = {NULL}, *const list_query[] = {"account", "agent", "after", "limit", NULL},
		  *const history_query[] = {"after", "limit", NULL};

const struct http_route routes_participant[] = {
	{"GET", "/character/{handle}/did.json", get_document, 0, 0, current_cache, "A participant's DID document", "did", NULL},
	{"GET", "/v1/participants", get_list, 0, 0, current_cache, "Participants, all or those linked with an account or agent", "participants",
	 list_query},
	{"GET", "/v1/participants/{handle}", get_participant, 0, 0, current_cache, "A participant and what is linked with it", "participants",
	 no_query},
	{"GET", "/v1/participants/{handle}/history", get_history, 0, 0, current_cache, "Its changes, oldest first", "participants",
	 history_query},
};
const size_t routes_participant_count = sizeof(routes_participant) / sizeof(routes_participant[0]);
