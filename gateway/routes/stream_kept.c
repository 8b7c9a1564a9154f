#include "gateway/routes/stream_kept.h"

#include <sodium.h>

static struct stream_kept_event *at(struct stream_kept *kept, size_t i)
{
	return &kept->events[(kept->first + i) % STREAM_KEPT_EVENTS];
}

const struct stream_kept_event *stream_kept_at(const struct stream_kept *kept, size_t i)
{
	return &kept->events[(kept->first + i) % STREAM_KEPT_EVENTS];
}

static void drop_event(struct stream_kept *kept, struct stream_kept_event *event)
{
	if (!event->event)
		return;
	kept->bytes -= http_buffer_len(event->event);
	http_buffer_unref(event->event);
	event->event = NULL;
}

static void drop_first(struct stream_kept *kept)
{
	struct stream_kept_event *event = at(kept, 0);

	kept->from = event->seq + 1;
	drop_event(kept, event);
	kept->first++;
	kept->count--;
}

static uint64_t hash_of(struct pg_bytes subject)
{
	static const uint8_t key[crypto_shorthash_KEYBYTES];
	uint8_t bytes[crypto_shorthash_BYTES];
	uint64_t hash = 0;

	crypto_shorthash(bytes, subject.data, subject.len, key);
	for (size_t i = 0; i < sizeof(bytes); i++)
		hash = hash << 8 | bytes[i];
	return hash;
}

void stream_kept_add(struct stream_kept *kept, const struct store_stream_row *row, struct http_buffer *event)
{
	while (kept->count == STREAM_KEPT_EVENTS ||
	       (kept->count > 0 && kept->bytes + http_buffer_len(event) > STREAM_KEPT_BYTES))
		drop_first(kept);
	*at(kept, kept->count++) = (struct stream_kept_event){.seq = row->seq, .subject = hash_of(row->subject), .event = event};
	kept->bytes += http_buffer_len(event);
}

void stream_kept_forget(struct stream_kept *kept, struct pg_bytes subject, uint64_t since)
{
	uint64_t hash = hash_of(subject);

	for (size_t i = 0; i < kept->count && at(kept, i)->seq < since; i++)
		if (at(kept, i)->subject == hash)
			drop_event(kept, at(kept, i));
}

size_t stream_kept_find(const struct stream_kept *kept, uint64_t seq)
{
	size_t low = 0, high = kept->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (stream_kept_at(kept, middle)->seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void stream_kept_clear(struct stream_kept *kept)
{
	while (kept->count > 0)
		drop_first(kept);
}
