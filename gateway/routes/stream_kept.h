#pragma once
/* The newest events of a stream, made once for all who want them: a ring, in the order of the log. */
#include "gateway/http/server.h"
#include "sql/store_stream.h"

enum { STREAM_KEPT_EVENTS = 1024, STREAM_KEPT_BYTES = 1 << 20 };

struct stream_kept_event {
	uint64_t seq;
	uint64_t subject;	   /* a hash of it */
	struct http_buffer *event; /* NULL: forgotten, because its subject was erased; the log has what is left of it */
};

/* Zeroed is empty; `from` is then to be set. */
struct stream_kept {
	uint64_t from; /* all events of seqs from here on are there, or marked as forgotten */
	struct stream_kept_event events[STREAM_KEPT_EVENTS];
	size_t first, count, bytes;
};

/* Drops the oldest ones for it. Takes the reference. */
void stream_kept_add(struct stream_kept *kept, const struct store_stream_row *row, struct http_buffer *event);
/* What was said of somebody before it was erased is not said again. Events of seq `since` on were made without it already. */
void stream_kept_forget(struct stream_kept *kept, struct pg_bytes subject, uint64_t since);
/* Index of the first event at or behind a place in the log; count if there is none. */
size_t stream_kept_find(const struct stream_kept *kept, uint64_t seq);
const struct stream_kept_event *stream_kept_at(const struct stream_kept *kept, size_t i);
void stream_kept_clear(struct stream_kept *kept);
