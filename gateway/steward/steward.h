#pragma once
/* What the duties share. A duty is a process that reads as plain sequential code: it starts one operation, turns the
 *loop until that is done, and goes on. It runs while its advisory lock is held (sql/store_duty.h); losing the
 *connection loses the lock, and the epoch keeps a holder that did not notice from writing.
 *
 *	static int round(void *duty, bool *more) { one round of the duty; an error is logged and the round tried again }
 *
 *	int steward_…_run(struct steward_context *ctx)
 *	{
 *		static const struct steward_rounds rounds = {.round = round, .pause_ms = 1000, .failure = "widgets not counted"};
 *
 *		return steward_rounds(ctx, &rounds, &duty);
 *	}
 *
 * Those whose pauses depend on what they find (follow, index) have the loop of steward_rounds() themselves.
 */
#include "eth/rpc.h"
#include "gateway/chains.h"
#include "gateway/config.h"
#include "sql/store.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

enum { STEWARD_SIGNALS = 3 };

struct steward_context {
	const char *duty; /* "follow", "index/84532", "anchor": the lock's name and the log's word */
	const struct config *config;
	struct event_base *base;
	struct pg_conn *pg;
	const struct chains_chain *chain;	/* the duty's; NULL in a duty opened without a chain */
	struct eth_rpc *rpc;			/* of that chain, or NULL */
	uint64_t epoch;				/* of the lock, while steward_held() */
	bool held;				/* private: false again when the connection is lost */
	bool stop;				/* SIGTERM, SIGINT or SIGHUP came, or a test set it */
	bool woken;				/* steward_wake() was called since the last pause */
	struct event *signals[STEWARD_SIGNALS]; /* private */
	struct eth_rpc_stats rpc_counted; /* private */
};

/* Makes loop, connections and signal events. `ctx` must stay where it is until steward_close(); duty, config and chain must outlive it.
 * chain: open its endpoints too; NULL for a duty without one. -EINVAL with a line in the log, -ENOMEM. */
__attribute__((warn_unused_result)) int steward_open(struct steward_context *ctx, const struct config *config,
						     const char *duty, const struct chains_chain *chain);
void steward_close(struct steward_context *ctx);

/* Waits until the connection is up and the duty's lock is this one's: 0 with epoch set, or -ECANCELED when asked to
 * stop. */
__attribute__((warn_unused_result)) int steward_take(struct steward_context *ctx);

/* The lock is held as far as this end knows, and nobody asked to stop. */
bool steward_held(const struct steward_context *ctx);

/* What the duty's writes take as their fence. */
struct store_fence steward_fence(const struct steward_context *ctx);

/* After a write failed with -ESTALE: another holder took over. Gives the duty up, so that steward_take() is next. */
void steward_fenced_off(struct steward_context *ctx);

/* Turns the loop for that long, or less when woken. 0, or -ECANCELED (asked to stop, or the lock was lost). */
__attribute__((warn_unused_result)) int steward_pause(struct steward_context *ctx, unsigned ms);

/* Ends a pause early; from callbacks (a notification came). A wake before the pause counts too. */
void steward_wake(struct steward_context *ctx);

/* What a duty does over and over while it is this one's. */
struct steward_rounds {
	/* 0 (*more, false before: go on at once), or an error: -ESTALE gives the duty up, -ECANCELED was asked to stop or lost it. */
	int (*round)(void *duty, bool *more);
	void (*taken)(void *duty); /* the duty is this one's (again): what another holder did in between is not known. NULL: nothing to do */
	unsigned pause_ms;	   /* between rounds, unless woken */
	const char *failure;	   /* the log's word for a failed round */
};
/* Takes the duty, goes through rounds, takes it again, until asked to stop. 0, or steward_take()'s error. */
__attribute__((warn_unused_result)) int steward_rounds(struct steward_context *ctx, const struct steward_rounds *rounds, void *duty);

/* A failed round: one warning when the failure begins or changes and one a minute while it lasts; returns how long to
 * pause, doubling from 250 ms to 8 s. steward_recovered() ends it with one line if there was a failure. */
struct steward_trouble {
	int err;
	unsigned rounds;
	int64_t logged_ms;
};
unsigned steward_failed(struct steward_trouble *trouble, const struct steward_context *ctx, const char *what, int err);
void steward_recovered(struct steward_trouble *trouble, const struct steward_context *ctx);
