/* /healthz says that the process turns its loop; /readyz says whether it can do its work, and if not, why not. */
#include "gateway/routes/service.h"
#include "gateway/runtime/clock.h"
#include "sql/store_checkpoint.h"
#include "sql/store_log.h"

#include <jansson.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void get_health(struct http_request *req)
{
	http_reply(req, 200, "text/plain; charset=utf-8", "ok\n", 3);
}

/* between a commit and its signature pass milliseconds */
enum { SIGN_LATE_MS = 5000 };

struct ready_state {
	struct pg_op op;
	struct store_head head;
	struct store_checkpoint signed_last;
	struct store_entry waiting;
	int head_err;
	json_t *reasons;
};

static void resume(struct pg_op *op)
{
	http_next(op->arg);
}

static void drop(void *arg)
{
	struct ready_state *state = arg;

	store_entry_clear(&state->waiting);
	json_decref(state->reasons);
}

static void reason(struct ready_state *state, const char *text)
{
	json_array_append_new(state->reasons, json_string(text));
}

static void look_around(struct http_request *req)
{
	struct ready_state *state = http_state(req, sizeof(*state));
	struct service *service = http_user(req);
	const struct heads_set *heads;
	int rc;

	if (!state || !(state->reasons = json_array())) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	if (http_defer(req, drop, state) != 0) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	if (!service->listening)
		reason(state, "database: not listening for notifications");
	if (!pg_is_up(service->writer))
		reason(state, "database: the writer is not connected");
	if (heads_get(&heads, &service->chains[0].heads, HEADS_AGE_MAX_MS) != 0)
		reason(state, "chain: its heads were not confirmed lately");
	state->op = (struct pg_op){.on_done = resume, .arg = req};
	rc = store_head(service_reader(service), &state->op, &state->head);
	if (rc != 0) {
		state->op.err = rc;
		http_next(req);
	}
}

static void look_at_signer(struct http_request *req)
{
	struct ready_state *state = http_state(req, sizeof(*state));
	struct service *service = http_user(req);
	int rc;

	state->head_err = state->op.err;
	state->op = (struct pg_op){.on_done = resume, .arg = req};
	rc = store_checkpoint_latest(service_reader(service), &state->op, &state->signed_last);
	if (rc != 0) {
		state->op.err = rc;
		http_next(req);
	}
}

/* The oldest entry that no checkpoint covers, if there is one: the newest says nothing while others are still coming in. */
static void look_at_unsigned(struct http_request *req)
{
	struct ready_state *state = http_state(req, sizeof(*state));
	struct service *service = http_user(req);
	int rc = -ENOENT;

	if (state->head_err != 0)
		reason(state, "database: the log's head cannot be read");
	else if (state->head.size > 0 && state->op.err != 0)
		reason(state, "signer: no checkpoint is signed");
	else if (state->head.size > state->signed_last.size) {
		state->op = (struct pg_op){.on_done = resume, .arg = req};
		rc = store_entry_by_seq(service_reader(service), &state->op, &state->waiting, state->signed_last.size);
	}
	if (rc != 0) {
		state->op.err = rc;
		http_next(req);
	}
}

static void answer_ready(struct http_request *req)
{
	struct ready_state *state = http_state(req, sizeof(*state));
	bool ready;
	char *body;

	if (state->op.err == 0 && clock_wall_ms() > state->waiting.at + SIGN_LATE_MS)
		reason(state, "signer: entries are committed and not signed");
	ready = json_array_size(state->reasons) == 0;
	json_auto_t *answer = json_pack("{s:b, s:O}", "ready", ready, "reasons", state->reasons);

	body = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	if (!body) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	if (!ready)
		http_set_header(req, "Retry-After", "1");
	http_reply_take(req, ready ? 200 : 503, "application/json", body, strlen(body), free);
}

static http_handler *const ready_steps[] = {look_around, look_at_signer, look_at_unsigned, answer_ready, NULL};

static void get_ready(struct http_request *req)
{
	http_steps(req, ready_steps);
}

const struct http_route routes_health[] = {
	{"GET", "/healthz", get_health, 0, 0, NULL, "The process is alive", "service", NULL},
	{"GET", "/readyz", get_ready, 0, 0, NULL, "The gateway can do its work, or the reasons why not", "service", NULL},
	{"GET", "/problems", http_problem_list_page, 0, 0, "public, max-age=3600", "Every problem type", "service", NULL},
	{"GET", "/problems/{name}", http_problem_page, 0, 0, "public, max-age=3600", "One problem type and what to do", "service", NULL},
};
const size_t routes_health_count = sizeof(routes_health) / sizeof(routes_health[0]);
