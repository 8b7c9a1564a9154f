#pragma once
/* What streams say: the table of streams, and each entry of a stream as an event (docs/api.md, Streams). */
#include "gateway/http/server.h"
#include "gateway/routes/service.h"
#include "sql/store_stream.h"

enum { STREAM_KINDS_MAX = 8 };

/* A stream is the entries of some kinds, in the order of the log. */
struct stream {
	const char *name; /* the last segment of its path */
	const char *kinds[STREAM_KINDS_MAX + 1];
	/* Kinds of which the payload is wanted too, and that of the subject's first entry. */
	const char *payloads[STREAM_KINDS_MAX + 1];
	/* The event's data: one line of canonical JSON, *out malloc'd. -EBADMSG: no such entry; -ENOMEM. */
	int (*write)(char **out, size_t *len, const struct service *service, const struct store_stream_row *row);
};

/* By name, NULL if there is none. */
const struct stream *stream_find(const char *name);
/* Places in the table, for those who keep something for each. */
size_t stream_count(void);
const struct stream *stream_at(size_t place);
size_t stream_place(const struct stream *stream);

/* A page of the stream: entries of seq `from` on. As store_stream(). */
__attribute__((warn_unused_result)) int stream_read(struct pg_conn *conn, struct pg_op *op, struct store_stream_rows *out,
						    const struct stream *stream, uint64_t from, unsigned limit);

/* The event as server-sent events have it: `id` is the log's size after the entry, `event` its kind. -EBADMSG, -ENOMEM. */
__attribute__((warn_unused_result)) int stream_event(struct http_buffer **out, const struct stream *stream, const struct service *service,
						     const struct store_stream_row *row);
