#pragma once
/* Posting bytes to one URL: libcurl's multi interface driven by libevent. Private to eth/rpc.c; knows no JSON.
 *
 * Connections are kept alive by libcurl. One call of on_done for each post that was started and not aborted, always
 * from the loop. */
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct eth_rpc_http;
struct eth_rpc_post;

enum eth_rpc_http_end {
	ETH_RPC_HTTP_ANSWERED,	/* status and body are there */
	ETH_RPC_HTTP_UNSENT,	/* no connection came about: nothing was sent; why says what */
	ETH_RPC_HTTP_BROKEN,	/* cut, silent, not HTTP; why says what */
	ETH_RPC_HTTP_TOO_LARGE, /* the body or the header passed its limit; the connection was closed */
};

struct eth_rpc_http_answer {
	enum eth_rpc_http_end end;
	long status;
	uint64_t retry_after_s; /* 0: not said */
	const char *why;
	const char *body; /* borrowed; len bytes */
	size_t len;
};

typedef void eth_rpc_http_on_done(void *arg, const struct eth_rpc_http_answer *answer);

/* `url` is copied. host_out (host_size) gets HOST[:PORT] for messages, without user info or path.
 * -EINVAL: not http:// or https:// with a host. */
__attribute__((warn_unused_result)) int eth_rpc_http_new(struct eth_rpc_http **out, char *host_out, size_t host_size,
							 struct event_base *base, const char *url,
							 unsigned connections);
/* All posts must be done or aborted. */
void eth_rpc_http_free(struct eth_rpc_http *http);

/* `body` is borrowed until done or aborted. `fresh` takes a connection of its own: libcurl silently repeats a request
 * whose kept connection turns out dead, and a transaction is to be sent once. */
__attribute__((warn_unused_result)) int eth_rpc_http_post(struct eth_rpc_post **out, struct eth_rpc_http *http,
							  const char *body, size_t len, size_t cap, long timeout_ms,
							  bool fresh, eth_rpc_http_on_done *on_done, void *arg);
void eth_rpc_http_abort(struct eth_rpc_post *post);
