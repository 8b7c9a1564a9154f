/* What waits for the client of a stream: buffers that many streams share, each framed once, and a queue of references. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http/internal.h"

/* A chunk as HTTP/1.1 frames it (RFC 9112 §7.1): size CR LF, bytes, CR LF. HTTP/1.0 gets the bytes alone. */
struct http_buffer {
	unsigned refs;
	size_t head, len, whole;
	char bytes[];
};

static struct http_buffer *frame(const void *bytes, size_t len)
{
	char size[24];
	size_t head = (size_t)snprintf(size, sizeof(size), "%zx\r\n", len);
	struct http_buffer *buffer = malloc(sizeof(*buffer) + head + len + 2);
	if (buffer == NULL)
		return NULL;
	*buffer = (struct http_buffer){.refs = 1, .head = head, .len = len, .whole = head + len + 2};
	memcpy(buffer->bytes, size, head);
	memcpy(buffer->bytes + head, len > 0 ? bytes : "", len);
	buffer->bytes[head + len] = '\r';
	buffer->bytes[head + len + 1] = '\n';
	return buffer;
}

struct http_buffer *http_buffer_new(const void *bytes, size_t len)
{
	return len > 0 ? frame(bytes, len) : NULL;
}

/* "last-chunk" and an empty trailer section happen to be a chunk of nothing. */
struct http_buffer *http_buffer_last(void)
{
	return frame(NULL, 0);
}

struct http_buffer *http_buffer_ref(struct http_buffer *buffer)
{
	buffer->refs++;
	return buffer;
}

void http_buffer_unref(struct http_buffer *buffer)
{
	if (buffer != NULL && --buffer->refs == 0)
		free(buffer);
}

size_t http_buffer_len(const struct http_buffer *buffer)
{
	return buffer->len;
}

/* ---- the queue ---- */

static struct http_buffer **place(const struct http_queue *queue, size_t i)
{
	return &queue->places[(queue->first + i) & (queue->room - 1)];
}

static bool grow(struct http_queue *queue)
{
	size_t room = queue->room > 0 ? queue->room * 2 : 8;
	struct http_buffer **places = malloc(room * sizeof(struct http_buffer *));
	if (places == NULL)
		return false;
	for (size_t i = 0; i < queue->count; i++)
		places[i] = *place(queue, i);
	free(queue->places);
	queue->places = places;
	queue->room = room;
	queue->first = 0;
	return true;
}

/* Where a buffer's bytes begin and end on the wire. */
static size_t begin_of(const struct http_queue *queue, const struct http_buffer *buffer)
{
	return queue->plain ? buffer->head : 0;
}

static size_t end_of(const struct http_queue *queue, const struct http_buffer *buffer)
{
	return queue->plain ? buffer->head + buffer->len : buffer->whole;
}

bool http_queue_push(struct http_queue *queue, struct http_buffer *buffer)
{
	if (queue->count == queue->room && !grow(queue))
		return false;
	*place(queue, queue->count++) = http_buffer_ref(buffer);
	queue->waiting += buffer->len;
	return true;
}

static struct http_buffer *first_of(const struct http_queue *queue)
{
	return queue->count > 0 && queue->places != NULL ? *place(queue, 0) : NULL;
}

static void pop(struct http_queue *queue, struct http_buffer *buffer)
{
	queue->first = (queue->first + 1) & (queue->room - 1);
	queue->count--;
	queue->waiting -= buffer->len;
	queue->sent = 0;
	http_buffer_unref(buffer);
	if (queue->count > 0)
		return;
	/* Idle streams are many and hold nothing. */
	free(queue->places);
	queue->places = NULL;
	queue->room = queue->first = 0;
}

size_t http_queue_gather(const struct http_queue *queue, struct iovec pieces[], size_t max)
{
	size_t n = 0;
	for (; n < queue->count && n < max; n++) {
		struct http_buffer *buffer = *place(queue, n);
		size_t from = begin_of(queue, buffer) + (n == 0 ? queue->sent : 0);
		pieces[n] = (struct iovec){buffer->bytes + from, end_of(queue, buffer) - from};
	}
	return n;
}

void http_queue_took(struct http_queue *queue, size_t bytes)
{
	struct http_buffer *buffer;
	while ((buffer = first_of(queue)) != NULL) {
		size_t left = end_of(queue, buffer) - begin_of(queue, buffer) - queue->sent;
		if (bytes < left) {
			queue->sent += bytes;
			return;
		}
		bytes -= left;
		pop(queue, buffer);
	}
}

void http_queue_clear(struct http_queue *queue)
{
	struct http_buffer *buffer;
	while ((buffer = first_of(queue)) != NULL)
		pop(queue, buffer);
}
