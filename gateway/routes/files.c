/* /v1/agents/{id}/file: what the agent's URI led to when it was last looked at, or at an instant; and those bytes. What the
 * file says is its author's word: beside it stands what was found to support it. */
#include "did/registration_file.h"
#include "did/resolution.h"
#include "eth/hex.h"
#include "gateway/routes/view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { RUN = 32 };

struct file_request {
	struct http_request *req;
	struct service *service;
	const struct service_registry *registry;
	struct agent_key key;
	uint8_t id[32];
	struct reading_when when;
	bool has_at, raw;
	uint64_t at; /* STORE_FILE_NEWEST or milliseconds */
	struct pg_op op;
	struct store_files now, run, good;
	struct store_domains domains;
};

static void drop(void *arg)
{
	struct file_request *state = arg;

	store_files_clear(&state->now);
	store_files_clear(&state->run);
	store_files_clear(&state->good);
	store_domains_clear(&state->domains);
}

static void resume(struct pg_op *op)
{
	http_next(op->arg);
}

static void start(struct http_request *req, int rc)
{
	if (rc != 0)
		http_fail(req, rc, NULL);
}

static bool is_ok(const struct store_file *file)
{
	return file->status.len == 2 && memcmp(file->status.data, "ok", 2) == 0;
}

/* ---- which snapshot ---- */

static void on_at(void *arg, int err, const struct reading_at *at)
{
	struct http_request *req = arg;
	struct file_request *state = http_state(req, sizeof(*state));

	if (err != 0) {
		view_at_failed(req, state->registry, err);
		return;
	}
	if (!at->block.known || at->block.number != state->when.at || at->block.time == 0) {
		http_problem(req, &(struct http_problem){.type = "unprocessable",
							 .detail = "Nothing happened in that block, so its time is not kept here.",
							 .next = "Ask with an instant, such as at=2026-11-20T17:00:00Z."});
		return;
	}
	state->at = at->block.time * 1000;
	http_next(req);
}

static void find_time(struct http_request *req)
{
	struct file_request *state = http_state(req, sizeof(*state));

	if (state->has_at && !state->when.by_time) {
		reading_at(req, state->registry, &state->key, &state->when, on_at, req);
		return;
	}
	state->at = state->has_at && state->when.at < UINT64_MAX / 2000 ? state->when.at * 1000 + state->when.ms : STORE_FILE_NEWEST;
	http_next(req);
}

static void find_snapshot(struct http_request *req)
{
	struct file_request *state = http_state(req, sizeof(*state));

	start(req, store_file_at(service_reader(state->service), &state->op, &state->now, state->registry->in_index, state->id, state->at));
}

/* A file that cannot be had now may have been had before. */
static void find_run(struct http_request *req)
{
	struct file_request *state = http_state(req, sizeof(*state));

	if (state->op.err != 0) {
		if (state->op.err == -ENOENT)
			http_problem(req, &(struct http_problem){.type = "not-found",
								 .detail = state->has_at ? "Nothing was seen of the agent's file by then."
											 : "The agent's file has not been looked at.",
								 .next = "Check that /v1/agents/{id} knows the agent; new ones are looked at "
									 "within seconds."});
		else
			http_fail(req, state->op.err, NULL);
		return;
	}
	if (is_ok(&state->now.rows[0])) {
		http_next(req);
		return;
	}
	start(req, store_file_list(service_reader(state->service), &state->op, &state->run, state->registry->in_index, state->id,
					  state->now.rows[0].at, RUN));
}

static void find_good(struct http_request *req)
{
	struct file_request *state = http_state(req, sizeof(*state));

	if (state->op.err != 0) {
		http_fail(req, state->op.err, NULL);
		return;
	}
	for (size_t i = 0; i < state->run.n; i++)
		if (is_ok(&state->run.rows[i])) {
			start(req, store_file_at(service_reader(state->service), &state->op, &state->good, state->registry->in_index,
							state->id, state->run.rows[i].at));
			return;
		}
	http_next(req);
}

static void find_domains(struct http_request *req)
{
	struct file_request *state = http_state(req, sizeof(*state));

	if (state->op.err != 0)
		http_fail(req, state->op.err, NULL);
	else
		start(req, store_domains(service_reader(state->service), &state->op, &state->domains, state->registry->in_index, state->id));
}

/* ---- answers ---- */

static json_t *time_json(uint64_t ms)
{
	char seconds[21], text[32];

	if (resolution_time_format(seconds, (int64_t)(ms / 1000)) != 0)
		return NULL;
	(void)snprintf(text, sizeof(text), "%.19s.%03uZ", seconds, (unsigned)(ms % 1000));
	return json_string(text);
}

static json_t *text_json(struct pg_bytes text)
{
	return json_stringn((const char *)text.data, text.len);
}

static json_t *summary_of(const struct store_file *file)
{
	struct registration_file parsed;
	json_t *summary;

	if (!is_ok(file) || file->body.data == NULL ||
	    registration_file_parse(&parsed, NULL, file->body.data, file->body.len) != 0)
		return json_null();
	summary = registration_file_summary(&parsed);
	registration_file_clear(&parsed);
	return summary;
}

static int put_snapshot(json_t *object, const struct store_file *file)
{
	char hash[HEX_DATA_SIZE(32)];
	int rc = 0;

	hex_encode_data(hash, file->content, 32);
	rc |= json_object_set_new(object, "at", time_json(file->at));
	rc |= json_object_set_new(object, "seen", time_json(file->seen));
	rc |= json_object_set_new(object, "sha256", file->has_content ? json_string(hash) : json_null());
	rc |= json_object_set_new(object, "namesAgent", json_boolean(file->back));
	return rc | json_object_set_new(object, "file", summary_of(file));
}

static json_t *domains_json(const struct store_domains *domains)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < domains->n; i++) {
		const struct store_domain *row = &domains->rows[i];

		if (json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "domain", text_json(row->domain), "state",
							  text_json(row->state), "at", time_json(row->at))) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static void answer_json(struct http_request *req, const struct file_request *state)
{
	const struct store_file *file = &state->now.rows[0];
	json_t *answer = json_object(), *good;
	int rc = answer != NULL ? view_put_name(answer, state->service, &state->key) : -ENOMEM;

	rc |= json_object_set_new(answer, "uri", view_uri(&file->uri));
	rc |= json_object_set_new(answer, "status", text_json(file->status));
	if (file->detail.len > 0)
		rc |= json_object_set_new(answer, "detail", text_json(file->detail));
	rc |= put_snapshot(answer, file);
	if (state->good.n > 0) {
		good = json_object();
		rc |= put_snapshot(good, &state->good.rows[0]);
		rc |= json_object_set_new(good, "uri", view_uri(&state->good.rows[0].uri));
		rc |= json_object_set_new(answer, "lastGood", good);
	}
	/* domains are of now: no history of them is kept */
	if (!state->has_at)
		rc |= json_object_set_new(answer, "domains", domains_json(&state->domains));
	if (rc == 0) {
		view_reply(req, 200, "application/json", answer);
		return;
	}
	json_decref(answer);
	http_fail(req, -ENOMEM, NULL);
}

/* Somebody else's bytes: never a page of this origin, whatever a browser makes of them. */
static void answer_raw(struct http_request *req, const struct file_request *state)
{
	const struct store_file *file = &state->now.rows[0];

	if (file->body.data == NULL) {
		http_problem(req, &(struct http_problem){.type = "not-found", .detail = "No registration file was found there.",
							 .next = "/v1/agents/{id}/file says what was found in its place, and when there "
								 "was a file last."});
		return;
	}
	http_set_header(req, "Content-Security-Policy", "default-src 'none'; sandbox");
	http_set_header(req, "Content-Disposition", "attachment; filename=\"registration.json\"");
	http_reply(req, 200, "application/json", file->body.data, file->body.len);
}

static void answer(struct http_request *req)
{
	struct file_request *state = http_state(req, sizeof(*state));

	if (state->op.err != 0)
		http_fail(req, state->op.err, NULL);
	else if (state->raw)
		answer_raw(req, state);
	else
		answer_json(req, state);
}

static http_handler *const steps[] = {find_time, find_snapshot, find_run, find_good, find_domains, answer, NULL};

static void begin(struct http_request *req, bool raw)
{
	struct file_request *state = http_state(req, sizeof(*state));
	const char *at;

	if (state == NULL) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	state->req = req;
	state->raw = raw;
	state->service = http_user(req);
	state->op = (struct pg_op){.on_done = resume, .arg = req};
	state->registry = service_agent_of(&state->key, req);
	if (state->registry == NULL)
		return;
	u256_to_bytes(state->id, &state->key.id);
	state->has_at = http_query(req, &at, "at") == 0;
	if (state->has_at && reading_when_parse(&state->when, at) != 0)
		http_fail(req, -EBADMSG, "`at` is a block number, or an instant as 2026-11-20T17:00:00Z.");
	else if (state->registry->in_index == 0)
		http_problem(req, &(struct http_problem){.type = "not-indexed", .detail = "The index of this registry has not begun."});
	else if (http_defer(req, drop, state) != 0)
		http_fail(req, -ENOMEM, NULL);
	else
		http_steps(req, steps);
}

static void get_file(struct http_request *req)
{
	begin(req, false);
}

static void get_raw(struct http_request *req)
{
	begin(req, true);
}

static const char *const at_query[] = {"at", NULL};

const struct http_route routes_files[] = {
	{"GET", "/v1/agents/{id}/file", get_file, 0, 0, "public, max-age=5, must-revalidate",
	 "The registration file as last seen, or as of a block or an instant", "files", at_query},
	{"GET", "/v1/agents/{id}/file/raw", get_raw, 0, 0, "public, max-age=5, must-revalidate", "The bytes of that file", "files", at_query},
};
const size_t routes_files_count = sizeof(routes_files) / sizeof(routes_files[0]);
