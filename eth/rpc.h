#pragma once
/* JSON-RPC over HTTP with several providers: libcurl's multi interface on a libevent loop. One thread, never blocks.
 *
 * - Every request is a batch, and the answer of a batch comes from one provider; connections are kept alive and few; at
 *   most `queue` batches wait, more are -EAGAIN.
 * - Every batch has a deadline. It goes to the best provider (eth/rpc_pool.h); when that one cannot be reached, is
 *   silent for its share of the deadline, says no by HTTP status, answers what cannot be read, answers too much, is of
 *   another chain, or does not serve what was asked, the batch goes to the next. When all were tried, reads go round
 *   again after a growing pause, at most four times. Retry-After is obeyed for each provider by itself.
 * - A call answered with ETH_RPC_RETRYABLE, ETH_RPC_NO_METHOD or ETH_RPC_UNKNOWN_BLOCK, and a block asked for that
 *   is null, is asked of the others before it is reported: a provider may be behind, or keep less. ETH_RPC_LIMIT of a batch
 *   with eth_getLogs in it goes back at once, because the caller must ask for less.
 * - A batch with a transaction in it is sent once: another provider gets it only if no connection to the former came
 *   about, so that nothing can have been sent. (The same bytes sent twice are one transaction, but the second answer,
 *   "already known" or "nonce too low", would hide the first.)
 * - Every batch also asks eth_chainId, and an answer that does not name the expected chain is not believed: a provider
 *   may put another node behind each request, so a check at connect would say nothing about the next answer.
 * - Redirects are not followed and the environment's proxies are not used: the configured URL is the trust decision.
 * - Whoever catches a provider in a lie says so with eth_rpc_distrust() and asks again: another one answers.
 *
 * Callbacks run from the loop, never from inside the starting call, and may start further batches. The loop is not
 * re-entrant: eth_rpc_wait() is for programs that run straight down (command line, steward), not for callbacks. */
#include "eth/rpc_call.h"
#include "eth/rpc_message.h"

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

struct eth_rpc;

enum { ETH_RPC_PROVIDERS_MAX = 16 };

struct eth_rpc_config {
	/* One or more http:// or https:// URLs, spaces between, best first. Credentials in them are never logged. */
	const char *url;
	uint64_t chain_id;			     /* what eth_chainId must say; 0 takes any */
	unsigned connections;			     /* at once to each provider; 0 for 4 */
	size_t queue;				     /* batches waiting or under way; 0 for 256 */
	void (*on_log)(void *arg, const char *text); /* may be NULL; one line without line feed, URL without secrets */
	void *arg;
};

/* Counters since start, for metrics. batches: requests sent, repeats included; failures: batches that ended in an
 * error; retries: batches sent again; failovers: those of them that went to another provider. Of each provider:
 * requests sent to it, those that failed there (not reached, silent, refused, unreadable), those refused for their
 * rate, and how often it was set aside (eth_rpc_distrust(), answers of another chain). */
struct eth_rpc_stats {
	uint64_t batches, calls, failures, retries, failovers, bytes_in;
	struct {
		uint64_t batches, failures, limited, distrusts;
	} of[ETH_RPC_PROVIDERS_MAX];
};

enum eth_rpc_provider_state {
	ETH_RPC_PROVIDER_WELL,
	ETH_RPC_PROVIDER_RESTING,    /* failed or asked to be left alone; the others go first meanwhile */
	ETH_RPC_PROVIDER_DISTRUSTED, /* set aside */
};

struct eth_rpc_provider_stats {
	const char *host; /* HOST[:PORT], no credentials, no path; borrowed until eth_rpc_free() */
	uint64_t batches, failures, limited, distrusts; /* as in eth_rpc_stats */
	unsigned latency_ms;				/* moving average; 0 before the first answer */
	unsigned rate;					/* learned requests a second; 0: no limit met */
	unsigned in_a_row;				/* failures since the last answer */
	enum eth_rpc_provider_state state;
	int64_t for_ms; /* how long that state lasts yet */
};

/* -EINVAL (no URL, more than ETH_RPC_PROVIDERS_MAX, one that is not an http URL), -ENOMEM. `base` must outlive it.
 * Nothing is sent yet. */
__attribute__((warn_unused_result)) int eth_rpc_new(struct eth_rpc **out, struct event_base *base,
						    const struct eth_rpc_config *config);

/* Ends everything under way with -ECANCELED (callbacks run now), then frees. NULL is allowed. Never from a callback of
 * its own. */
void eth_rpc_free(struct eth_rpc *rpc);

void eth_rpc_stats(const struct eth_rpc *rpc, struct eth_rpc_stats *out);

/* How many providers there are: they are named by 0 … n - 1 in the order of the configuration. */
unsigned eth_rpc_providers(const struct eth_rpc *rpc);
/* -EINVAL: no such provider. */
__attribute__((warn_unused_result)) int eth_rpc_provider_stats(struct eth_rpc_provider_stats *out,
							       const struct eth_rpc *rpc, unsigned provider);

/* Inside an on_done with err 0: whose answer it is. Holds until the next batch ends. (eth_rpc_wait(): also
 * eth_rpc_answer.provider.) */
unsigned eth_rpc_provider(const struct eth_rpc *rpc);

/* The caller caught that provider in an untruth (a proof that does not hold, logs missing, hash and content apart): it
 * is set aside for 5 s, then four times as long each time, up to 10 minutes; the count is forgotten after an hour
 * without one. When all are set aside, the one distrusted longest ago is asked. `why`: a few words for the log, without
 * anything the provider sent. An unknown provider does nothing. */
void eth_rpc_distrust(struct eth_rpc *rpc, unsigned provider, const char *why);

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

/* The same, asked of that provider only, whatever its state: what must come from the hand that gave something else.
 * Repeated there as a read is. -EINVAL: no such provider. */
__attribute__((warn_unused_result)) int eth_rpc_batch_at(struct eth_rpc *rpc, unsigned provider,
							 const struct eth_rpc_calls *list, unsigned deadline_ms,
							 eth_rpc_on_done *on_done, void *arg);
__attribute__((warn_unused_result)) int eth_rpc_wait_at(struct eth_rpc_answer **out, struct eth_rpc *rpc,
							unsigned provider, const struct eth_rpc_calls *list,
							unsigned deadline_ms);

/* Starts a batch and turns the loop until it is done; other events run meanwhile. *out is for eth_rpc_answer_free().
 * Errors of both kinds above. Never from a callback. */
__attribute__((warn_unused_result)) int eth_rpc_wait(struct eth_rpc_answer **out, struct eth_rpc *rpc,
						     const struct eth_rpc_calls *list, unsigned deadline_ms);

/* Turns the loop until *done is true (set by some callback). -EIO if the loop has nothing left to wait for. */
__attribute__((warn_unused_result)) int eth_rpc_turn_until(struct eth_rpc *rpc, const bool *done);

/* What several providers say about the same. Providers are bits: 1 << index. */
struct eth_rpc_quorum {
	unsigned asked;			      /* all providers */
	unsigned answered;		      /* gave every call a result or a revert */
	unsigned agreed;		      /* size of the largest group of equal answers */
	uint32_t agreeing;		      /* that group */
	uint32_t dissenting;		      /* answered, and differently */
	const struct eth_rpc_result *results; /* of one of the group, in the order of the calls; NULL unless err is 0 */
	size_t n;
};

/* err: 0 at least `need` answered alike (dissenting may be set all the same); -ENOTUNIQ `need` or more answered, but
 * not `need` alike; -EIO fewer than `need` answered; -ECANCELED. Everything borrowed during the callback. */
typedef void eth_rpc_on_quorum(void *arg, int err, const struct eth_rpc_quorum *quorum);

/* Asks every provider the same, whatever its state, and compares. Equal are results of the same JSON value, where 0x
 * texts are compared without case and members that only some nodes send (totalDifficulty, size, …) do not count;
 * reverts are equal with the same data. A null result is no answer: who does not know the block yet neither agrees nor
 * contradicts. Ends when all have answered, soon after `need` agree, or at the deadline. -EINVAL (need 0 or above the
 * number of providers, a list that sends), errors of eth_rpc_batch(). */
__attribute__((warn_unused_result)) int eth_rpc_quorum(struct eth_rpc *rpc, const struct eth_rpc_calls *list,
						       unsigned need, unsigned deadline_ms, eth_rpc_on_quorum *on_done,
						       void *arg);
/* Turns the loop until it is done. *out: the answer of one of the group, for eth_rpc_answer_free(), NULL unless 0 is
 * returned. *quorum is always filled; its results point into *out. */
__attribute__((warn_unused_result)) int eth_rpc_quorum_wait(struct eth_rpc_answer **out, struct eth_rpc_quorum *quorum,
							    struct eth_rpc *rpc, const struct eth_rpc_calls *list,
							    unsigned need, unsigned deadline_ms);
