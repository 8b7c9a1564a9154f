#include "gateway/routes/stream_hub.h"
#include "gateway/routes/stream_kept.h"

#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	NEW_ROWS = 256,	  /* a read of what is new */
	PAGE_ROWS = 64,	  /* of one subscriber's past */
	PAGES_MAX = 2,	  /* read at once for all subscribers */
	RETRY_MS = 2000,  /* after which a client comes back, and up to twice that: not all at once */
};

_Static_assert((int)NEW_ROWS <= (int)STREAM_KEPT_EVENTS, "who is live finds all that is new among what is kept");

struct feed {
	struct stream_hub *hub;
	const struct stream *stream;
	bool awake; /* somebody listens; the rest means nothing while nobody does */
	uint64_t next; /* entries before it were looked at */
	struct stream_kept kept; /* the newest events before `next` */
	struct http_buffer *beat; /* says `next`; NULL: to be made */
	LIST_HEAD(, subscriber) subscribers;
	struct pg_op op;
	struct store_stream_rows rows;
	bool reading, again, stale; /* stale: what is being read is not wanted any more */
	bool late;		    /* to be read at the next tick */
};

/* LIVE: has all there is. BEHIND: goes on when the client has taken what waits. WAITING for a page. READING: a page is on its way. */
enum standing { LIVE, BEHIND, WAITING, READING };

struct subscriber {
	LIST_ENTRY(subscriber) link;
	TAILQ_ENTRY(subscriber) wait_link;
	struct feed *feed;
	struct http_stream *stream;
	uint64_t next; /* its place: it was given everything before */
	enum standing standing;
};

struct page {
	struct stream_hub *hub;
	struct subscriber *subscriber; /* NULL: it has gone */
	struct pg_op op;
	struct store_stream_rows rows;
	bool busy;
};

struct stream_hub {
	struct service *service;
	struct http_buffer *comment;
	TAILQ_HEAD(, subscriber) waiting;
	struct page pages[PAGES_MAX];
	bool late; /* pages failed: none until the next tick */
	struct feed feeds[];
};

static void moved(struct feed *feed, uint64_t next)
{
	feed->next = next;
	http_buffer_unref(feed->beat);
	feed->beat = NULL;
}

/* ---- giving ---- */

static void read_pages(struct stream_hub *hub);

/* False: not now. */
static bool give(struct subscriber *s, uint64_t seq, struct http_buffer *event)
{
	int rc = http_stream_write(s->stream, event);

	/* the client comes back to the place it has */
	if (rc == -ENOMEM)
		http_stream_end(s->stream);
	if (rc != 0)
		return false;
	s->next = seq + 1;
	metrics_add(METRIC_STREAM_EVENTS, 1);
	return true;
}

static void wait_for_page(struct subscriber *s)
{
	struct stream_hub *hub = s->feed->hub;

	s->standing = WAITING;
	TAILQ_INSERT_TAIL(&hub->waiting, s, wait_link);
	read_pages(hub);
}

static void advance(struct subscriber *s)
{
	struct feed *feed = s->feed;

	if (s->standing == WAITING || s->standing == READING)
		return;
	if (s->next < feed->kept.from) {
		wait_for_page(s);
		return;
	}
	s->standing = BEHIND;
	for (size_t i = stream_kept_find(&feed->kept, s->next); i < feed->kept.count; i++) {
		const struct stream_kept_event *kept = stream_kept_at(&feed->kept, i);

		if (!kept->event) {
			wait_for_page(s);
			return;
		}
		if (!give(s, kept->seq, kept->event))
			return;
	}
	if (s->next < feed->next)
		s->next = feed->next;
	s->standing = LIVE;
}

static void on_drained(void *arg)
{
	struct subscriber *s = arg;

	if (s->standing == BEHIND)
		advance(s);
}

static struct http_buffer *make_beat(uint64_t next)
{
	char text[48];

	return http_buffer_new(text, (size_t)snprintf(text, sizeof(text), ":\nid: %ju\n\n", (uintmax_t)next));
}

/* An id without data is no event, but the place from which a client goes on after a break: near the head, also when what it listens to is
 * rare. Who has not got everything before it is told that the other side lives, and no more. */
static void on_silent(void *arg)
{
	struct subscriber *s = arg;
	struct feed *feed = s->feed;
	struct http_buffer *beat = feed->hub->comment;

	if (s->standing == LIVE && s->next == feed->next) {
		if (!feed->beat)
			feed->beat = make_beat(feed->next);
		beat = feed->beat ? feed->beat : beat;
	}
	(void)!http_stream_write(s->stream, beat);
}

/* ---- what is new ---- */

/* Of a read that began at seq `since`. Returns 0, or -ENOMEM: this row is to be read again. */
static int take_row(struct feed *feed, const struct store_stream_rows *rows, size_t i, uint64_t since)
{
	struct http_buffer *event = NULL;
	struct store_stream_row row;
	int rc = store_stream_get(rows, &row, i);

	if (rc == 0)
		rc = stream_event(&event, feed->stream, feed->hub->service, &row);
	if (rc == -ENOMEM)
		return rc;
	if (rc != 0)
		log_error(log_msg("an entry is no event"), log_u64("seq", row.seq), log_rc(rc));
	else
		stream_kept_add(&feed->kept, &row, event);
	if (row.kind.len == strlen("erasure") && memcmp(row.kind.data, "erasure", row.kind.len) == 0)
		stream_kept_forget(&feed->kept, row.subject, since);
	moved(feed, row.seq + 1);
	return 0;
}

static void look(struct feed *feed);

static void take_new(struct feed *feed)
{
	struct subscriber *s;
	uint64_t since = feed->next;
	size_t i = 0;

	while (i < feed->rows.n && take_row(feed, &feed->rows, i, since) == 0)
		i++;
	feed->late = i < feed->rows.n;
	if (!feed->late && feed->rows.n < NEW_ROWS && feed->rows.size > feed->next)
		moved(feed, feed->rows.size);
	LIST_FOREACH(s, &feed->subscribers, link)
		if (s->standing == LIVE)
			advance(s);
	feed->again = feed->again || feed->rows.n == NEW_ROWS;
}

static void on_new(struct pg_op *op)
{
	struct feed *feed = op->arg;
	bool stale = feed->stale;

	feed->reading = feed->stale = false;
	if (op->err != 0)
		feed->late = true;
	else if (!stale)
		take_new(feed);
	if (op->err == 0)
		store_stream_clear(&feed->rows);
	if (feed->awake && !feed->late && (feed->again || stale))
		look(feed);
}

/* Reads what is new, if it is not doing that already. */
static void look(struct feed *feed)
{
	feed->again = feed->reading;
	if (feed->reading)
		return;
	feed->op = (struct pg_op){.on_done = on_new, .arg = feed};
	feed->reading = stream_read(service_reader(feed->hub->service), &feed->op, &feed->rows, feed->stream, feed->next, NEW_ROWS) == 0;
	feed->late = !feed->reading;
}

/* ---- what is old ---- */

/* Returns 0; -EAGAIN: the client takes no more now; -ENOMEM. */
static int give_row(struct subscriber *s, const struct store_stream_rows *rows, size_t i)
{
	struct http_buffer *event = NULL;
	struct store_stream_row row;
	int rc = store_stream_get(rows, &row, i);

	if (rc == 0)
		rc = stream_event(&event, s->feed->stream, s->feed->hub->service, &row);
	if (rc == 0)
		rc = give(s, row.seq, event) ? 0 : -EAGAIN;
	else if (rc != -ENOMEM)
		rc = 0; /* the log's reader has told of it */
	http_buffer_unref(event);
	if (rc == 0)
		s->next = row.seq + 1;
	return rc;
}

static void give_page(struct subscriber *s, const struct store_stream_rows *rows)
{
	size_t i = 0;
	int rc = 0;

	for (; i < rows->n && (rc = give_row(s, rows, i)) == 0; i++)
		;
	if (rc == -ENOMEM)
		s->feed->hub->late = true;
	if (i == rows->n && rows->n < PAGE_ROWS && s->next < rows->size)
		s->next = rows->size;
	s->standing = BEHIND;
	if (http_stream_waiting(s->stream) == 0 || s->next >= s->feed->kept.from)
		advance(s);
}

static void on_page(struct pg_op *op)
{
	struct page *page = op->arg;
	struct subscriber *s = page->subscriber;

	page->busy = false;
	page->subscriber = NULL;
	if (op->err != 0) {
		page->hub->late = true;
		if (s) {
			s->standing = WAITING;
			TAILQ_INSERT_HEAD(&page->hub->waiting, s, wait_link);
		}
		return;
	}
	if (s)
		give_page(s, &page->rows);
	store_stream_clear(&page->rows);
	read_pages(page->hub);
}

static bool read_page(struct page *page, struct subscriber *s)
{
	struct stream_hub *hub = page->hub;

	page->op = (struct pg_op){.on_done = on_page, .arg = page};
	if (stream_read(service_reader(hub->service), &page->op, &page->rows, s->feed->stream, s->next, PAGE_ROWS) != 0)
		return false;
	TAILQ_REMOVE(&hub->waiting, s, wait_link);
	s->standing = READING;
	page->subscriber = s;
	page->busy = true;
	return true;
}

static void read_pages(struct stream_hub *hub)
{
	for (size_t i = 0; i < PAGES_MAX; i++) {
		if (hub->pages[i].busy)
			continue;
		if (hub->late || TAILQ_EMPTY(&hub->waiting))
			return;
		hub->late = !read_page(&hub->pages[i], TAILQ_FIRST(&hub->waiting));
	}
}

/* ---- coming and going ---- */

static void wake(struct feed *feed, uint64_t size)
{
	if (feed->awake)
		return;
	feed->awake = true;
	feed->late = false;
	feed->kept.from = size;
	moved(feed, size);
	/* what was committed since the size was read */
	look(feed);
}

static void sleep_on(struct feed *feed)
{
	feed->awake = feed->late = feed->again = false;
	feed->stale = feed->reading;
	stream_kept_clear(&feed->kept);
	moved(feed, 0);
}

static void on_ended(void *arg)
{
	struct subscriber *s = arg;
	struct stream_hub *hub = s->feed->hub;

	LIST_REMOVE(s, link);
	if (s->standing == WAITING)
		TAILQ_REMOVE(&hub->waiting, s, wait_link);
	for (size_t i = 0; i < PAGES_MAX; i++)
		if (hub->pages[i].subscriber == s)
			hub->pages[i].subscriber = NULL;
	if (LIST_EMPTY(&s->feed->subscribers))
		sleep_on(s->feed);
	free(s);
}

/* When to come back, and where from: also for a client that was given nothing yet. */
static void greet(struct subscriber *s)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "retry: %u\nid: %ju\n\n", RETRY_MS + randombytes_uniform(RETRY_MS), (uintmax_t)s->next);
	struct http_buffer *buffer = http_buffer_new(text, (size_t)n);

	if (buffer)
		(void)!http_stream_write(s->stream, buffer);
	http_buffer_unref(buffer);
}

void stream_hub_subscribe(struct stream_hub *hub, struct http_request *req, const struct stream *stream, uint64_t from, uint64_t size)
{
	struct feed *feed = &hub->feeds[stream_place(stream)];
	struct subscriber *s = calloc(1, sizeof(*s));
	struct http_stream_options options = {.content_type = "text/event-stream", .on_drained = on_drained, .on_silent = on_silent,
					      .on_ended = on_ended, .arg = s};

	if (!s) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	s->stream = http_stream_begin(req, &options);
	if (!s->stream) {
		free(s);
		return;
	}
	wake(feed, size);
	s->feed = feed;
	s->next = from == UINT64_MAX ? feed->next : from;
	s->standing = BEHIND;
	LIST_INSERT_HEAD(&feed->subscribers, s, link);
	greet(s);
	advance(s);
}

uint64_t stream_hub_size(const struct stream_hub *hub, const struct stream *stream)
{
	const struct feed *feed = &hub->feeds[stream_place(stream)];

	return feed->awake ? feed->next : 0;
}

void stream_hub_poke(struct stream_hub *hub)
{
	for (size_t i = 0; i < stream_count(); i++)
		if (hub->feeds[i].awake)
			look(&hub->feeds[i]);
}

void stream_hub_tick(struct stream_hub *hub)
{
	for (size_t i = 0; i < stream_count(); i++) {
		struct feed *feed = &hub->feeds[i];

		if (feed->awake && (feed->late || !hub->service->listening))
			look(feed);
	}
	hub->late = false;
	read_pages(hub);
}

int stream_hub_new(struct stream_hub **out, struct service *service)
{
	struct stream_hub *hub = calloc(1, sizeof(*hub) + stream_count() * sizeof(hub->feeds[0]));

	if (!hub)
		return -ENOMEM;
	hub->service = service;
	hub->comment = http_buffer_new(":\n\n", 3);
	TAILQ_INIT(&hub->waiting);
	for (size_t i = 0; i < PAGES_MAX; i++)
		hub->pages[i].hub = hub;
	for (size_t i = 0; i < stream_count(); i++) {
		hub->feeds[i].hub = hub;
		hub->feeds[i].stream = stream_at(i);
	}
	if (!hub->comment) {
		free(hub);
		return -ENOMEM;
	}
	*out = hub;
	return 0;
}

void stream_hub_free(struct stream_hub *hub)
{
	if (!hub)
		return;
	http_buffer_unref(hub->comment);
	free(hub);
}
