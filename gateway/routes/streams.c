/* GET /v1/streams/{name}: the entries of a stream as server-sent events, or a finite page of them as NDJSON. */
#include "gateway/routes/stream_hub.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_ROWS = 100 };

struct opening {
	struct http_request *req;
	struct service *service;
	const struct stream *stream;
	uint64_t from; /* UINT64_MAX: from now on */
	unsigned limit;
	struct pg_op op;
	struct store_stream_rows rows;
};

static void resume(struct pg_op *op)
{
	http_next(op->arg);
}

static void clear(void *arg)
{
	struct opening *o = arg;

	if (o->op.done && o->op.err == 0)
		store_stream_clear(&o->rows);
}

/* Plain decimal, below 2^53: 0, or -EBADMSG. */
static int parse_size(uint64_t *out, const char *text)
{
	size_t len = strlen(text);

	if (len < 1 || len > 16 || strspn(text, "0123456789") != len || (len > 1 && text[0] == '0'))
		return -EBADMSG;
	*out = strtoull(text, NULL, 10);
	return *out < UINT64_C(1) << 53 ? 0 : -EBADMSG;
}

/* Which form Accept wants: 1 a page, 0 the stream, -ENOENT neither. */
static int wants_page(const char *accept)
{
	static const char *const live[] = {"text/event-stream", "*/*", "text/*"};

	if (!accept || !*accept)
		return 0;
	if (strcasestr(accept, "application/x-ndjson"))
		return 1;
	for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++)
		if (strcasestr(accept, live[i]))
			return 0;
	return -ENOENT;
}

/* A browser that comes back sends the id it has; the URL it opened first stays the same, so the header goes before it. */
static int read_place(struct opening *o)
{
	const char *id = http_header(o->req, "Last-Event-ID"), *from;
	int rc;

	o->from = UINT64_MAX;
	if (id && *id)
		return parse_size(&o->from, id);
	rc = http_query(o->req, &from, "from");
	return rc == 0 ? parse_size(&o->from, from) : rc == -ENOENT ? 0 : rc;
}

static int read_limit(struct opening *o)
{
	const char *text;
	uint64_t limit = LIST_ROWS;
	int rc = http_query(o->req, &text, "limit");

	if (rc == 0)
		rc = parse_size(&limit, text);
	if (rc == -ENOENT)
		rc = 0;
	if (rc == 0 && (limit < 1 || limit > STORE_STREAM_ROWS_MAX))
		rc = -EBADMSG;
	o->limit = (unsigned)limit;
	return rc;
}

static void refuse_name(struct http_request *req)
{
	char next[512] = "Streams:";
	size_t len = strlen(next);

	for (size_t i = 0; i < stream_count() && len + 64 < sizeof(next); i++)
		len += (size_t)snprintf(next + len, sizeof(next) - len, " %s", stream_at(i)->name);
	http_problem(req, &(struct http_problem){.error = -ENOENT, .detail = "There is no such stream.", .next = next});
}

/* Another log, or one that lost its end: who goes on from there would miss what is logged in the meantime. */
static void refuse_place(struct http_request *req)
{
	http_problem(req, &(struct http_problem){.error = -ENOENT, .detail = "The log is not that large.",
						.next = "Compare /log/checkpoint with the one you know; begin again with ?from=0."});
}

static void begin(struct opening *o, uint64_t size)
{
	http_set_header(o->req, "Vary", "Accept");
	stream_hub_subscribe(o->service->streams, o->req, o->stream, o->from, size);
}

/* ---- the stream ---- */

static void ask_size(struct http_request *req)
{
	struct opening *o = http_state(req, sizeof(*o));
	uint64_t known = stream_hub_size(o->service->streams, o->stream);
	int rc;

	if (known > 0 && (o->from == UINT64_MAX || o->from <= known)) {
		begin(o, known);
		return;
	}
	rc = stream_read(service_reader(o->service), &o->op, &o->rows, o->stream, UINT64_MAX, 1);
	if (rc != 0)
		http_fail(req, rc, NULL);
}

static void open_stream(struct http_request *req)
{
	struct opening *o = http_state(req, sizeof(*o));

	if (o->op.err != 0)
		http_fail(req, o->op.err, NULL);
	else if (o->from != UINT64_MAX && o->from > o->rows.size)
		refuse_place(req);
	else
		begin(o, o->rows.size);
}

static http_handler *const live_steps[] = {ask_size, open_stream, NULL};

/* ---- a page ---- */

static void ask_page(struct http_request *req)
{
	struct opening *o = http_state(req, sizeof(*o));
	int rc;

	if (o->from == UINT64_MAX)
		o->from = 0;
	rc = stream_read(service_reader(o->service), &o->op, &o->rows, o->stream, o->from, o->limit);
	if (rc != 0)
		http_fail(req, rc, NULL);
}

/* The lines, and a last one that says where the next page begins. */
static int write_page(char **text, size_t *len, const struct opening *o)
{
	FILE *out = open_memstream(text, len);
	uint64_t next = o->rows.size;
	int rc = out ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < o->rows.n; i++) {
		struct store_stream_row row;
		char *data = NULL;
		size_t data_len = 0;

		rc = store_stream_get(&o->rows, &row, i);
		if (rc == 0)
			rc = o->stream->write(&data, &data_len, o->service, &row);
		if (rc == 0)
			fprintf(out, "%.*s\n", (int)data_len, data);
		free(data);
		if (o->rows.n == o->limit)
			next = row.seq + 1;
	}
	if (rc == 0)
		fprintf(out, "{\"next\":%ju,\"size\":%ju}\n", (uintmax_t)next, (uintmax_t)o->rows.size);
	if (out && (ferror(out) | fclose(out)) != 0 && rc == 0)
		rc = -ENOMEM;
	return rc;
}

static void answer_page(struct http_request *req)
{
	struct opening *o = http_state(req, sizeof(*o));
	char *text = NULL;
	size_t len = 0;
	int rc = o->op.err;

	if (rc == 0 && o->from > o->rows.size) {
		refuse_place(req);
		return;
	}
	if (rc == 0)
		rc = write_page(&text, &len, o);
	if (rc != 0) {
		free(text);
		http_fail(req, rc, NULL);
		return;
	}
	http_set_header(req, "Vary", "Accept");
	http_reply_take(req, 200, "application/x-ndjson", text, len, free);
}

static http_handler *const page_steps[] = {ask_page, answer_page, NULL};

static void get_stream(struct http_request *req)
{
	struct opening *o = http_state(req, sizeof(*o));
	int page = wants_page(http_accept(req));

	if (!o || http_defer(req, clear, o) != 0) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	*o = (struct opening){.req = req, .service = http_user(req), .op = {.on_done = resume, .arg = req}};
	o->stream = stream_find(http_param(req, "name"));
	if (!o->stream)
		refuse_name(req);
	else if (page < 0)
		http_problem(req, &(struct http_problem){.type = "not-acceptable",
							.next = "Ask for text/event-stream, or application/x-ndjson for a page of it."});
	else if (read_place(o) != 0)
		http_fail(req, -EBADMSG, "Last-Event-ID and from are sizes of the log: plain decimal numbers.");
	else if (read_limit(o) != 0)
		http_fail(req, -EBADMSG, "limit is a number from 1 to 1000.");
	else
		http_steps(req, page ? page_steps : live_steps);
}

static const char *const stream_query[] = {"from", "limit", NULL};

const struct http_route routes_streams[] = {
	{"GET", "/v1/streams/{name}", get_stream, 0, 0, NULL, "Entries of a stream as server-sent events, or a page of them as NDJSON", "streams",
	 stream_query},
};
const size_t routes_streams_count = sizeof(routes_streams) / sizeof(routes_streams[0]);
