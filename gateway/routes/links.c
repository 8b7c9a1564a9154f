/* …/links: all links of an agent or a participant, published or not, each with what it rests on; and …/links/check, by which whoever waits for
 * one has those asked that can be. Asking changes nothing that would not change by itself, so pages of other origins may do it too. */
#include "gateway/routes/view_participant.h"
#include "sql/store_link_read.h"
#include "sql/store_participant.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char current_cache[] = "public, max-age=2, must-revalidate", no_cache[] = "no-store";

enum { LOCATION_SIZE = 256 };

struct links_request {
	struct http_request *req;
	struct service *service;
	const struct service_registry *registry;
	struct agent_key key;
	char handle[PARTICIPANT_HANDLE_SIZE];
	struct pg_op op;
	struct store_participant_found found;
	struct store_link_ask asked;
	char subject[AGENT_KEY_TEXT_SIZE];
	char location[LOCATION_SIZE];
};

static void drop(void *arg)
{
	store_participant_found_clear(&((struct links_request *)arg)->found);
}

static struct links_request *begin(struct http_request *req)
{
	struct links_request *r = http_state(req, sizeof(*r));

	if (!r || http_defer(req, drop, r) != 0) {
		http_fail(req, -ENOMEM, NULL);
		return NULL;
	}
	r->req = req;
	r->service = http_user(req);
	return r;
}

/* ---- what there is ---- */

/* Takes the object; rc is what filling it came to. */
static void answer_links(struct http_request *req, json_t *answer, int rc, const struct link_list *list)
{
	if (rc == 0 && list)
		rc = json_object_set_new(answer, "links", link_list_json(list)) == 0 ? 0 : -ENOMEM;
	if (rc == 0) {
		view_reply(req, 200, "application/json", answer);
		return;
	}
	json_decref(answer);
	http_fail(req, rc, NULL);
}

static void refuse_unknown(struct links_request *r)
{
	http_problem(r->req, &(struct http_problem){.type = "not-indexed", .retry_after = 2,
						    .detail = "The index is not near the chain's head, so links cannot be said now."});
}

static void on_agent(void *arg, int err, const struct reading_now *now)
{
	struct links_request *r = arg;
	struct link_list *all = NULL;
	json_t *answer;
	int rc;

	if (err != 0) {
		view_cannot_read(r->req);
		return;
	}
	if (!now->latest.exists) {
		view_absent(r->req, now->latest_block.number);
		return;
	}
	if (!now->links_known) {
		refuse_unknown(r);
		return;
	}
	answer = json_object();
	rc = view_put_name(answer, r->service, &r->key);
	if (rc == 0)
		rc = reading_links_all(&all, r->service, &r->key, now);
	answer_links(r->req, answer, rc, all);
	link_list_free(all);
}

static void get_agent(struct http_request *req)
{
	struct links_request *r = begin(req);

	if (r && (r->registry = service_agent_of(&r->key, req)))
		reading_now(req, r->registry, &r->key, READING_FILE, on_agent, r);
}

/* What the document had no room for is not published. */
static int leave_out(const struct links_request *r, const struct reading_participant *participant)
{
	json_t *document = NULL, *left_out = NULL, *id;
	int rc = view_participant_document(&document, &left_out, r->service, participant);
	size_t i;

	json_array_foreach(left_out, i, id) {
		struct link_item *item = link_list_find(participant->links, json_string_value(id));

		if (item)
			item->left_out = true;
	}
	json_decref(document);
	json_decref(left_out);
	return rc;
}

static void on_participant(void *arg, int err, const struct reading_participant *participant)
{
	struct links_request *r = arg;
	char did[PARTICIPANT_DID_SIZE];

	if (err != 0) {
		view_participant_failed(r->req, err);
		return;
	}
	err = leave_out(r, participant);
	if (err == 0 && participant_did_format(did, r->handle, r->service->config->host) < 0)
		err = -EPROTO;
	answer_links(r->req, err == 0 ? json_pack("{s:s, s:s, s:s}", "handle", r->handle, "did", did, "participant", participant->key) : NULL, err,
		     participant->links);
}

static void get_participant(struct http_request *req)
{
	static const struct reading_participant_when now = {.by_seq = false};
	struct links_request *r = begin(req);

	if (r && view_participant_handle(r->handle, req))
		reading_participant(req, r->handle, &now, on_participant, r);
}

/* ---- asking anew ---- */

static void on_asked(struct pg_op *op)
{
	struct links_request *r = op->arg;

	if (op->err != 0) {
		http_fail(r->req, op->err, NULL);
		return;
	}
	if (r->asked.wait > 0) {
		http_problem(r->req, &(struct http_problem){.type = "quota", .retry_after = (unsigned)((r->asked.wait + 999) / 1000),
							    .detail = "Its links were checked less than 10 seconds ago.",
							    .next = "Look at …/links, or ask again after Retry-After seconds."});
		return;
	}
	http_set_header(r->req, "Location", r->location);
	view_reply(r->req, 202, "application/json", json_pack("{s:I}", "checking", (json_int_t)r->asked.claims));
}

static void ask(struct links_request *r)
{
	int rc;

	r->op = (struct pg_op){.on_done = on_asked, .arg = r};
	rc = store_link_ask(r->service->writer, &r->op, &r->asked, pg_text(r->subject));
	if (rc != 0)
		http_fail(r->req, rc, NULL);
}

static void on_known(void *arg, int err, const struct reading_now *now)
{
	struct links_request *r = arg;

	if (err != 0) {
		view_cannot_read(r->req);
	} else if (!now->latest.exists) {
		view_absent(r->req, now->latest_block.number);
	} else {
		agent_key_format(r->subject, &r->key);
		ask(r);
	}
}

static void check_agent(struct http_request *req)
{
	struct links_request *r = begin(req);

	if (!r || !(r->registry = service_agent_of(&r->key, req)))
		return;
	(void)snprintf(r->location, sizeof(r->location), "/v1/agents/%s/links", http_param(req, "id"));
	reading_now(req, r->registry, &r->key, READING_KEYS, on_known, r);
}

static void on_found(struct pg_op *op)
{
	struct links_request *r = op->arg;
	const struct pg_bytes *key = &r->found.row.key;
	int rc = op->err;

	if (rc == 0 && !r->found.live)
		rc = r->found.claimed_once ? -ENODATA : -ENOENT;
	if (rc == 0 && key->len >= sizeof(r->subject))
		rc = -EPROTO;
	if (rc != 0) {
		view_participant_failed(r->req, rc);
		return;
	}
	memcpy(r->subject, key->data, key->len);
	ask(r);
}

static void check_participant(struct http_request *req)
{
	struct links_request *r = begin(req);
	uint8_t claimed[32];
	int rc;

	if (!r || !view_participant_handle(r->handle, req))
		return;
	(void)snprintf(r->location, sizeof(r->location), "/v1/participants/%s/links", r->handle);
	participant_change_handle_hash(claimed, r->handle);
	r->op = (struct pg_op){.on_done = on_found, .arg = r};
	rc = store_participant_find(service_reader(r->service), &r->op, &r->found, pg_text(r->handle), claimed);
	if (rc != 0)
		http_fail(req, rc, NULL);
}

static const char *const no_query[] = {NULL};

const struct http_route routes_links[] = {
	{"GET", "/v1/agents/{id}/links", get_agent, 0, 0, current_cache, "All links of an agent, published or not, and what each rests on", "links",
	 no_query},
	{"POST", "/v1/agents/{id}/links/check", check_agent, 0, 0, no_cache, "Has those asked that can confirm its links", "links", no_query},
	{"GET", "/v1/participants/{handle}/links", get_participant, 0, 0, current_cache,
	 "All links of a participant, published or not, and what each rests on", "links", no_query},
	{"POST", "/v1/participants/{handle}/links/check", check_participant, 0, 0, no_cache, "Has those asked that can confirm its links", "links",
	 no_query},
};
const size_t routes_links_count = sizeof(routes_links) / sizeof(routes_links[0]);
