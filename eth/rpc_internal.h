#pragma once
/* The client's insides, shared by rpc.c (asking), rpc_batch.c (what becomes of it), rpc_verdict.c (what an answer is
 * worth) and rpc_quorum.c (asking all). Private to them. */
#include "eth/rpc.h"
#include "eth/rpc_http.h"
#include "eth/rpc_pool.h"

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
	bool once;     /* holds a transaction */
	bool has_logs; /* asks for a range of blocks */
	bool *blocks;  /* for each call: a null result says that the provider does not know that block */

	uint32_t allowed;  /* providers it may go to; a bit is taken away where it need not come again */
	uint32_t tried;	   /* in this round */
	unsigned provider; /* the last one */
	unsigned rounds, attempts;
	int err;			 /* of the last attempt */
	struct eth_rpc_answer *fallback; /* the best answer so far, in which something was not served */
	unsigned fallback_lacks;

	int64_t deadline_ms, not_before_ms, started_ms;
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
	char last_error[ETH_RPC_ERROR_MAX]; /* "" after an answer: the same trouble is one line of the log */
};

struct eth_rpc {
	struct event_base *base;
	struct eth_rpc_pool pool;
	struct eth_rpc_provider providers[ETH_RPC_PROVIDERS_MAX];
	unsigned answering; /* whose answer the present callback has */
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

/* What is asked, before it is a pending batch. */
struct eth_rpc_ask {
	const struct eth_rpc_call *calls;
	size_t n;
	unsigned deadline_ms;
	uint32_t allowed;
	eth_rpc_on_done *on_done;
	void *arg;
	struct eth_rpc_answer **take;
};

int64_t eth_rpc_now_ms(void);

/* Starts a batch; *out (may be NULL) is there until its on_done has run. Errors of eth_rpc_batch(). */
__attribute__((warn_unused_result)) int eth_rpc_enqueue(struct eth_rpc_pending **out, struct eth_rpc *rpc,
							const struct eth_rpc_ask *ask);
bool eth_rpc_is_read(const char *method);

/* Runs on_pump soon, or after that many milliseconds. */
void eth_rpc_pump_in(struct eth_rpc *rpc, int64_t ms);
/* The pump's event callback: starts what may start. */
void eth_rpc_on_pump(evutil_socket_t fd, short what, void *arg);
/* The deadline's event callback. */
void eth_rpc_on_deadline(evutil_socket_t fd, short what, void *arg);

/* Takes the batch off its list, ends it with err, frees it. */
void eth_rpc_pending_cancel(struct eth_rpc_pending *batch, int err);
void eth_rpc_pending_free(struct eth_rpc_pending *batch);

/* For the log and eth_rpc_last_error(). Texts from the node never get here, and from libcurl only visible bytes. */
__attribute__((format(printf, 3, 4))) void eth_rpc_complain(struct eth_rpc *rpc, unsigned provider, const char *format,
							    ...);

/* What an attempt came to. */
enum eth_rpc_verdict {
	ETH_RPC_VERDICT_DONE,	   /* *answer goes to the caller */
	ETH_RPC_VERDICT_ELSEWHERE, /* not to be asked there again; *answer, if any, if nobody has a better one */
	ETH_RPC_VERDICT_AGAIN,	   /* may be different elsewhere, or there later; *answer as above */
	ETH_RPC_VERDICT_FAILED,	   /* this side's trouble: no memory */
};

struct eth_rpc_judged {
	enum eth_rpc_verdict verdict;
	enum eth_rpc_pool_end end;     /* for the pool */
	bool untruth;		       /* of another chain: set aside */
	int err;		       /* what is reported if no answer is found anywhere */
	struct eth_rpc_answer *answer; /* or NULL; owned by the taker */
	unsigned lacks;		       /* how much of it was not served */
};

/* Judges what came back from batch->provider, and complains. */
void eth_rpc_judge(struct eth_rpc_judged *out, struct eth_rpc_pending *batch, const struct eth_rpc_http_answer *http);
