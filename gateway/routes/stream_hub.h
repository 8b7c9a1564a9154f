#pragma once
/*
 * Who listens to which stream, and what they are given. One reader a stream follows the log for all of a worker's
 * subscribers: it is told by NOTIFY that something was committed, reads what is new, makes each event once and keeps the newest
 * ones. A subscriber is a place in the log. What is behind the kept events it gets from the log in pages, as it takes them, a
 * few pages at a time for all; then from the kept ones; then live. So there is no seam to fall into: every step goes on where
 * the place is.
 *
 * An entry that a reader sees is committed, and committed is durable (the append runs with synchronous_commit): no event is
 * of an entry that could vanish. Checkpoints follow within milliseconds; who wants a proof asks at that size or above.
 */
#include "gateway/routes/stream_event.h"

struct stream_hub;

int stream_hub_new(struct stream_hub **out, struct service *service) __attribute__((warn_unused_result));
/* After the servers were freed and the readers closed. NULL is fine. */
void stream_hub_free(struct stream_hub *hub);

/* Something was committed, or may have been. */
void stream_hub_poke(struct stream_hub *hub);
/* Once a second: what failed is tried again, and while nobody is told of commits they are looked for. */
void stream_hub_tick(struct stream_hub *hub);

/* A size that the stream's reader knows the log has; 0 while nobody listens. */
uint64_t stream_hub_size(const struct stream_hub *hub, const struct stream *stream);
/* Answers req with the stream from size `from` on, or from now on where that is UINT64_MAX; `size` is one that the log has, at
 * least `from`. */
void stream_hub_subscribe(struct stream_hub *hub, struct http_request *req, const struct stream *stream, uint64_t from, uint64_t size);
