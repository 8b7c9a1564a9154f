#pragma once
/* The client's insides, shared by rpc.c (asking) and rpc_batch.c (what becomes of it). Private to the two. */
#include "eth/rpc.h"
#include "eth/rpc_http.h"

#include <stdbool.h>
#include <sys/queue.h>

enum { ETH_RPC_HOST_MAX = 128, ETH_RPC_ERROR_MAX = 256 };

struct eth_rpc_pending {
	TAILQ_ENTRY(eth_rpc_pending) link;
	struct eth_rpc *rpc;
	char *request;
	size_t request_len;
	uint64_t first_id;
	size_t n; /* the caller's calls; the chain id is asked after them */
	size_t cap;
	bool once; /* holds a transaction */
	unsigned attempts;
	int64_t deadline_ms, not_before_ms;
	struct event *deadline;
	struct eth_rpc_post *post;
	eth_rpc_on_done *on_done;
	void *arg;
	struct eth_rpc_answer **take; /* where eth_rpc_wait() wants the whole answer */
};

TAILQ_HEAD(eth_rpc_pending_list, eth_rpc_pending);

struct eth_rpc_provider {
	struct eth_rpc_http *http;
	char host[ETH_RPC_HOST_MAX];
	unsigned connections, busy;
	int64_t hold_until_ms; /* Retry-After */
};

struct eth_rpc {
	struct event_base *base;
	struct eth_rpc_provider provider;
	uint64_t chain_id;
	bool check_chain;
	size_t queue, length;
	uint64_t next_id;
	struct eth_rpc_pending_list waiting, under_way;
	struct event *pump;
	struct eth_rpc_stats stats;
	char last_error[ETH_RPC_ERROR_MAX];
	void (*on_log)(void *arg, const char *text);
	void *arg;
};

int64_t eth_rpc_now_ms(void);

/* Runs on_pump soon, or after that many milliseconds. */
void eth_rpc_pump_in(struct eth_rpc *rpc, int64_t ms);
/* The pump's event callback: starts what may start. */
void eth_rpc_on_pump(evutil_socket_t fd, short what, void *arg);
/* The deadline's event callback. */
void eth_rpc_on_deadline(evutil_socket_t fd, short what, void *arg);

/* Takes the batch off its list, ends it with err, frees it. */
void eth_rpc_pending_cancel(struct eth_rpc_pending *batch, int err);
void eth_rpc_pending_free(struct eth_rpc_pending *batch);
