/* /log: the published checkpoint, tiles and entry bundles (C2SP tlog-tiles), and the key they are signed with. */
#include "anchor/tile.h"
#include "gateway/routes/service.h"
#include "sql/store_checkpoint.h"
#include "sql/store_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char immutable[] = "public, max-age=31536000, immutable";
static const char text_type[] = "text/plain; charset=utf-8";

static void resume(struct pg_op *op)
{
	http_next(op->arg);
}

/* ---- checkpoint ---- */

struct checkpoint_state {
	struct pg_op op;
	uint64_t publications; /* when the row was asked for */
	struct store_checkpoint row;
};

static void find_published(struct http_request *req)
{
	struct checkpoint_state *state = http_state(req, sizeof(*state));
	struct service *service = http_user(req);
	int rc;

	if (!state) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	state->op = (struct pg_op){.on_done = resume, .arg = req};
	state->publications = service->publications;
	rc = store_published_latest(service_reader(service), &state->op, &state->row);
	if (rc != 0)
		http_fail(req, rc, NULL);
}

static void answer_checkpoint(struct http_request *req)
{
	struct checkpoint_state *state = http_state(req, sizeof(*state));
	struct service *service = http_user(req);
	struct http_response *made;

	if (state->op.err != 0) {
		http_fail(req, state->op.err, state->op.err == -ENOENT ? "Nothing is published yet; the first checkpoint comes "
									  "within seconds of the first entry." : NULL);
		return;
	}
	made = http_response_new(text_type, state->row.note, state->row.note_len, "public, max-age=2", NULL);
	if (!made) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	if (service->listening && !service->checkpoint && state->publications == service->publications)
		service->checkpoint = http_response_ref(made);
	http_reply_shared(req, made);
	http_response_unref(made);
}

static http_handler *const checkpoint_steps[] = {find_published, answer_checkpoint, NULL};

static void get_checkpoint(struct http_request *req)
{
	struct service *service = http_user(req);

	if (service->checkpoint)
		http_reply_shared(req, service->checkpoint);
	else
		http_steps(req, checkpoint_steps);
}

void service_published(struct service *service)
{
	service->publications++;
	if (service->checkpoint)
		http_response_unref(service->checkpoint);
	service->checkpoint = NULL;
}

/* ---- tiles and bundles ---- */

struct tile_state {
	struct pg_op op;
	struct tile_id id;
	struct store_tile tile;
	struct store_tiles tiles;
	struct store_lines lines;
};

static void clear_tile(void *arg)
{
	struct tile_state *state = arg;

	store_tiles_clear(&state->tiles);
	store_lines_clear(&state->lines);
}

static void find_tile(struct http_request *req)
{
	struct tile_state *state = http_state(req, sizeof(*state));
	struct service *service = http_user(req);
	const char *path = http_path(req) + strlen("/log/");
	int rc;

	if (!state) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	if (tile_path_parse(&state->id, path, strlen(path)) != 0) {
		http_fail(req, -ENOENT, "No tile has such a path; see C2SP tlog-tiles for their names.");
		return;
	}
	if (http_defer(req, clear_tile, state) != 0) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	state->op = (struct pg_op){.on_done = resume, .arg = req};
	if (state->id.index > INT64_MAX / TILE_WIDTH) {
		rc = -ENOENT;
	} else if (state->id.entries) {
		rc = store_lines(service_reader(service), &state->op, &state->lines, state->id.index * TILE_WIDTH, state->id.width);
	} else {
		state->tile = (struct store_tile){.level = state->id.level, .index = state->id.index};
		rc = store_tiles(service_reader(service), &state->op, &state->tiles, &state->tile, 1);
	}
	if (rc != 0)
		http_fail(req, rc, NULL);
}

static void answer_bundle(struct http_request *req, const struct tile_state *state)
{
	size_t size = 0, length = 0;
	uint8_t *bundle;
	int rc = 0;

	for (size_t i = 0; i < state->lines.n; i++)
		size += 2 + store_lines_get(&state->lines, i).len;
	bundle = malloc(size ? size : 1);
	if (!bundle) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	for (size_t i = 0; rc == 0 && i < state->lines.n; i++) {
		struct pg_bytes line = store_lines_get(&state->lines, i);

		rc = tile_bundle_put(bundle, size, &length, line.data, line.len);
	}
	if (rc != 0) {
		free(bundle);
		http_fail(req, -EPROTO, NULL);
		return;
	}
	http_reply_take(req, 200, "application/octet-stream", bundle, length, free);
}

static void answer_tile(struct http_request *req)
{
	struct tile_state *state = http_state(req, sizeof(*state));
	size_t have = state->id.entries ? state->lines.n : state->tile.nhashes;

	if (state->op.err != 0 && state->op.err != -ENOENT) {
		http_fail(req, state->op.err, NULL);
		return;
	}
	if (state->op.err != 0 || have < state->id.width) {
		http_fail(req, -ENOENT, "The log is not that large yet.");
		return;
	}
	if (state->id.entries)
		answer_bundle(req, state);
	else
		http_reply(req, 200, "application/octet-stream", state->tile.hashes, (size_t)state->id.width * 32);
}

static http_handler *const tile_steps[] = {find_tile, answer_tile, NULL};

static void get_tile(struct http_request *req)
{
	http_steps(req, tile_steps);
}

static void get_vkey(struct http_request *req)
{
	struct service *service = http_user(req);
	char line[NOTE_KEY_TEXT_MAX + 1];
	size_t length = strlen(service->vkey);

	memcpy(line, service->vkey, length);
	line[length++] = '\n';
	http_reply(req, 200, text_type, line, length);
}

const struct http_route routes_log[] = {
	{"GET", "/log/checkpoint", get_checkpoint, 0, 0, "public, max-age=2", "The published checkpoint, a signed note", "log", NULL},
	{"GET", "/log/tile/{path*}", get_tile, 0, 0, immutable, "A tile of hashes, or a bundle of entries", "log", NULL},
	{"GET", "/log/vkey", get_vkey, 0, 0, "public, max-age=300", "The log's verifier key", "log", NULL},
};
const size_t routes_log_count = sizeof(routes_log) / sizeof(routes_log[0]);
