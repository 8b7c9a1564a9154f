#pragma once
/* JSON-RPC over HTTP: libcurl's multi interface on a libevent loop. One thread, never blocks.
 *
 * - Every request is a batch; connections are kept alive and few; at most `queue` batches wait, more are -EAGAIN.
 * - Every batch has a deadline. Within it reads are repeated after connection failures, HTTP 408, 429, 5xx (Retry-After
 *   is obeyed) and retryable errors, with growing pauses; a batch with a transaction in it is sent once.
 * - Every batch also asks eth_chainId, and an answer that does not name the expected chain is not believed: a provider
 * may put another node behind each request, so a check at connect would say nothing about the next answer.
 * - Redirects are not followed and the environment's proxies are not used: the configured URL is the trust decision.
 *
 * Callbacks run from the loop, never from inside the starting call, and may start further batches. The loop is not
 * re-entrant: eth_rpc_wait() is for programs that run straight down (command line, steward), not for callbacks. */
#include "eth/rpc_call.h"
#include "eth/rpc_message.h"

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

struct eth_rpc;

struct eth_rpc_config {
	const char *url;			     /* http:// or https://, credentials in it are never logged */
	uint64_t chain_id;			     /* what eth_chainId must say; 0 takes any */
	unsigned connections;			     /* at once; 0 for 4 */
	size_t queue;				     /* batches waiting or under way; 0 for 256 */
	void (*on_log)(void *arg, const char *text); /* may be NULL; one line without line feed, URL without secrets */
	void *arg;
};

/* Counters since start, for metrics. */
struct eth_rpc_stats {
	uint64_t batches, calls, failures, retries, bytes_in;
};

/* -EINVAL (not an http URL), -ENOMEM. `base` must outlive it. Nothing is sent yet. */
__attribute__((warn_unused_result)) int eth_rpc_new(struct eth_rpc **out, struct event_base *base,
						    const struct eth_rpc_config *config);

/* Ends everything under way with -ECANCELED (callbacks run now), then frees. NULL is allowed. Never from a callback of
 * its own. */
void eth_rpc_free(struct eth_rpc *rpc);

void eth_rpc_stats(const struct eth_rpc *rpc, struct eth_rpc_stats *out);

/* What went wrong last, in words, for logs and the command line ("" if nothing). Borrowed until the next call. */
const char *eth_rpc_last_error(const struct eth_rpc *rpc);

/* results[i] answers calls[i]; n is 0 and results NULL when err is negative. Borrowed during the callback. */
typedef void eth_rpc_on_done(void *arg, int err, const struct eth_rpc_result *results, size_t n);

/* Starts a batch. The calls are copied before return.
 * Returns 0, then on_done runs exactly once with err:
 *   0           every call has a result (an error of the node is a result)
 *   -ETIMEDOUT  the deadline passed
 *   -EIO        not reachable, or an HTTP status that says no (after the repeats allowed)
 *   -EBADMSG    the answer is not a JSON-RPC answer to this batch
 *   -EOVERFLOW  the answer is larger than allowed
 *   -EXDEV      the provider is of another chain
 *   -ECANCELED  eth_rpc_free() came first
 * or a negative errno and on_done never runs: -EAGAIN queue full, -EINVAL, -EOVERFLOW (request too large), -ENOMEM. */
__attribute__((warn_unused_result)) int eth_rpc_batch(struct eth_rpc *rpc, const struct eth_rpc_call *calls, size_t n,
						      unsigned deadline_ms, eth_rpc_on_done *on_done, void *arg);

/* The same for a built list; a list in error is refused with its error. */
__attribute__((warn_unused_result)) int eth_rpc_batch_list(struct eth_rpc *rpc, const struct eth_rpc_calls *list,
							   unsigned deadline_ms, eth_rpc_on_done *on_done, void *arg);

/* Starts a batch and turns the loop until it is done; other events run meanwhile. *out is for eth_rpc_answer_free().
 * Errors of both kinds above. Never from a callback. */
__attribute__((warn_unused_result)) int eth_rpc_wait(struct eth_rpc_answer **out, struct eth_rpc *rpc,
						     const struct eth_rpc_calls *list, unsigned deadline_ms);

/* Turns the loop until *done is true (set by some callback). -EIO if the loop has nothing left to wait for. */
__attribute__((warn_unused_result)) int eth_rpc_turn_until(struct eth_rpc *rpc, const bool *done);
