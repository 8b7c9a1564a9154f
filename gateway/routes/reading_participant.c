#include "gateway/routes/reading_participant.h"

#include "gateway/runtime/clock.h"
#include "sql/store_log.h"
#include "sql/store_participant.h"

#include <errno.h>
#include <string.h>

enum { ENTRIES_AT_ONCE = 100 };

struct participant_read_request {
	struct http_request *req;
	struct service *service;
	struct reading_participant_when when;
	reading_on_participant *on_read;
	void *arg;
	struct pg_op op, links_op;
	unsigned waiting; /* for answers of the store */
	struct store_participant_found found;
	struct store_links stored;
	struct store_entries entries;
	struct store_entries_filter filter;
	char key[PARTICIPANT_KEY_SIZE];
	struct participant_state state;
	struct reading_participant read;
	struct link_list *links;
	/* who owns the agents: a chain at a time */
	struct reading_owner owners[PARTICIPANT_AGENTS_MAX];
	struct agent_key asked[PARTICIPANT_AGENTS_MAX];
	size_t asked_of[PARTICIPANT_AGENTS_MAX], nasked, chain;
};

static void drop(void *arg)
{
	struct participant_read_request *r = arg;

	store_participant_found_clear(&r->found);
	store_links_clear(&r->stored);
	link_list_free(r->links);
	store_entries_clear(&r->entries);
	participant_state_clear(&r->state);
}

static void finish(struct participant_read_request *r, int err)
{
	r->on_read(r->arg, err, err == 0 ? &r->read : NULL);
}

static void finish_with_links(struct participant_read_request *r)
{
	bool now = !r->read.is_version;
	int rc = reading_participant_links(&r->links, &r->state, now ? &r->stored : NULL, now ? r->owners : NULL, clock_wall_ms());

	r->read.state = &r->state;
	r->read.key = r->key;
	r->read.links = r->links;
	finish(r, rc);
}

/* ---- who owns its agents now ---- */

static void ask_next_chain(struct participant_read_request *r);

static void on_verdicts(void *arg, int err, const struct authority *verdicts, size_t n)
{
	struct participant_read_request *r = arg;

	for (size_t i = 0; err == 0 && i < n && i < r->nasked; i++)
		if (verdicts[i].err == 0)
			r->owners[r->asked_of[i]] = (struct reading_owner){.known = true, .safe = verdicts[i].safe.owner,
									    .latest = verdicts[i].latest.owner,
									    .number = verdicts[i].latest_block.number};
	ask_next_chain(r);
}

static void ask_next_chain(struct participant_read_request *r)
{
	while (r->chain < r->service->nchains) {
		struct service_chain *chain = &r->service->chains[r->chain++];

		r->nasked = 0;
		for (size_t i = 0; i < r->state.nagents; i++) {
			const struct service_registry *registry = service_registry(r->service, &r->state.agents[i].agent);

			if (!registry || registry->chain != chain)
				continue;
			r->asked[r->nasked] = r->state.agents[i].agent;
			r->asked_of[r->nasked++] = i;
		}
		/* heads too old: nothing can be said of its agents */
		if (r->nasked > 0 && authority_get_many(chain->authority, r->asked, r->nasked, on_verdicts, r) == 0)
			return;
	}
	finish_with_links(r);
}

static void judge_links(struct participant_read_request *r)
{
	if (r->read.is_version || r->state.nagents == 0)
		finish_with_links(r);
	else
		ask_next_chain(r);
}

/* ---- as of then ---- */

static bool is_change(const struct store_entry *entry)
{
	const char *kinds[] = {"alias", "link"};

	for (size_t i = 0; i < 2; i++)
		if (entry->kind.len == strlen(kinds[i]) && memcmp(entry->kind.data, kinds[i], entry->kind.len) == 0)
			return true;
	return false;
}

static bool is_later(const struct participant_read_request *r, const struct store_entry *entry)
{
	if (r->when.by_seq)
		return entry->seq > r->when.seq;
	/* whole seconds: what `updated` says of a version finds it again */
	return (int64_t)(entry->at / 1000) > r->when.time;
}

/* 0: go on; 1: the next entry is later, so that is all. */
static int take_page(struct participant_read_request *r)
{
	struct store_entry entry;

	for (size_t i = 0; i < r->entries.n; i++) {
		int rc = store_entries_get(&r->entries, &entry, i);

		if (rc != 0)
			return rc;
		r->filter.from = entry.seq + 1;
		if (!is_change(&entry))
			continue;
		if (is_later(r, &entry)) {
			r->read.has_next = true;
			r->read.next_seq = entry.seq;
			r->read.next_at = entry.at;
			return 1;
		}
		rc = participant_state_take(&r->state, (const char *)entry.payload.data, entry.payload.len, entry.seq, entry.at);
		if (rc != 0)
			return rc == -EBADMSG ? -EPROTO : rc;
	}
	return 0;
}

static void read_page(struct participant_read_request *r);

static void on_page(struct pg_op *op)
{
	struct participant_read_request *r = op->arg;
	int rc = op->err == 0 ? take_page(r) : op->err;

	if (rc == 0 && r->entries.n == r->filter.limit) {
		read_page(r);
		return;
	}
	if (rc >= 0)
		rc = r->state.life == PARTICIPANT_LIVE ? 0 : r->state.life == PARTICIPANT_ERASED ? -ENODATA : -ENOENT;
	if (rc == 0)
		judge_links(r);
	else
		finish(r, rc);
}

static void read_page(struct participant_read_request *r)
{
	int rc;

	store_entries_clear(&r->entries);
	r->op.on_done = on_page;
	rc = store_entries(service_reader(r->service), &r->op, &r->entries, &r->filter);
	if (rc != 0)
		finish(r, rc);
}

static void read_version(struct participant_read_request *r)
{
	r->read.is_version = true;
	r->filter = (struct store_entries_filter){.subject = pg_text(r->key), .below = INT64_MAX, .limit = ENTRIES_AT_ONCE, .with_payload = true};
	if (r->when.by_seq && r->when.seq >= r->found.log_size)
		finish(r, -ERANGE);
	else
		read_page(r);
}

/* ---- as it is ---- */

static void on_found(struct pg_op *op)
{
	struct participant_read_request *r = op->arg;
	const struct store_participant *row = &r->found.row;
	int rc;

	if (--r->waiting > 0)
		return;
	rc = r->op.err != 0 ? r->op.err : r->links_op.err;
	if (rc == 0 && !r->found.live)
		rc = r->found.claimed_once ? -ENODATA : -ENOENT;
	if (rc == 0 && row->key.len != sizeof(r->key) - 1)
		rc = -EPROTO;
	if (rc == 0)
		memcpy(r->key, row->key.data, row->key.len);
	if (rc == 0 && (r->when.by_seq || r->when.by_time)) {
		read_version(r);
		return;
	}
	if (rc == 0)
		rc = participant_state_read(&r->state, (const char *)row->state.data, row->state.len) == 0 ? 0 : -EPROTO;
	if (rc == 0)
		judge_links(r);
	else
		finish(r, rc);
}

void reading_participant(struct http_request *req, const char *handle, const struct reading_participant_when *when,
			 reading_on_participant *on_read, void *arg)
{
	struct participant_read_request *r = http_alloc(req, sizeof(*r));
	struct pg_conn *conn;
	uint8_t claimed[32];
	int rc;

	if (!r || http_defer(req, drop, r) != 0) {
		on_read(arg, -ENOMEM, NULL);
		return;
	}
	r->req = req;
	r->service = http_user(req);
	r->when = *when;
	r->on_read = on_read;
	r->arg = arg;
	r->op = r->links_op = (struct pg_op){.on_done = on_found, .arg = r};
	participant_change_handle_hash(claimed, handle);
	conn = service_reader(r->service);
	rc = store_participant_find(conn, &r->op, &r->found, pg_text(handle), claimed);
	if (rc != 0) {
		finish(r, rc);
		return;
	}
	r->waiting = 1;
	if (when->by_seq || when->by_time)
		return;
	/* both questions travel together */
	rc = store_participant_links(conn, &r->links_op, &r->stored, pg_text(handle));
	if (rc == 0)
		r->waiting = 2;
	else
		r->links_op.err = rc;
}
