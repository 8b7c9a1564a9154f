/*
 * What pg.c (connection), pg_pipeline.c (requests and results) and pg_txn.c (transactions) share. Not for others.
 *
 * A request waits in `waiting` until it is sent, then stands in `sent` until its result is complete; a Sync stands
 * there too, as a request of its own. Every callback of the loop runs between pg_enter() and pg_leave(), so that a
 * connection closed by a callback is freed only when the stack has unwound.
 */
#pragma once

#include <sys/queue.h>

#include "sql/pg.h"

enum pg_request_kind {
	PG_REQUEST_READ,
	PG_REQUEST_WRITE, /* own Sync; its result is held back until that Sync has committed */
	PG_REQUEST_TXN,	  /* a statement of a transaction */
	PG_REQUEST_COMMIT,
	PG_REQUEST_SETUP, /* settings and prepares of a new connection */
	PG_REQUEST_SYNC,
};

struct pg_request {
	TAILQ_ENTRY(pg_request) link;
	enum pg_request_kind kind;
	const struct pg_statement *statement;
	pg_on_result *on_result;
	void *arg;
	struct pg_txn *txn;
	uint64_t deadline; /* monotonic ms */
	PGresult *res;
	int nparams;
	const char *values[PG_PARAMS_MAX];
	int lengths[PG_PARAMS_MAX];
	char data[]; /* the params' bytes, for requests that may have to wait or be sent again */
};

TAILQ_HEAD(pg_request_list, pg_request);

enum pg_state {
	PG_STATE_DOWN,	     /* between two attempts */
	PG_STATE_CONNECTING, /* libpq is connecting */
	PG_STATE_SETUP,	     /* settings and prepares are under way */
	PG_STATE_UP,
};

struct pg_conn {
	struct event_base *base;
	PGconn *pg;
	enum pg_state state;
	struct event *poll;	/* while connecting, on whatever socket libpq uses now */
	struct event *readable; /* once connected */
	struct event *writable; /* only while libpq holds unsent bytes */
	struct event *turn;	/* end of this turn of the loop */
	struct event *attempt;	/* next connect, or the deadline of the one under way */
	struct event *expiry;	/* earliest deadline of a request */
	uint64_t expiry_at;	/* 0: not armed */
	struct pg_request_list waiting;
	struct pg_request_list sent;
	struct pg_request_list again; /* reads to be sent again, in order */
	struct pg_request *held;      /* a write whose Sync has not come back */
	size_t nrequests;
	bool unsynced; /* something was sent after the last Sync */
	bool turn_due;
	unsigned batch; /* requests of this turn */
	bool setup_failed;
	struct pg_txn *txn;
	int depth;
	bool closing;
	unsigned backoff_ms;
	char last_error[512];
	/* configuration */
	char *conninfo;
	char *application_name;
	const char *const *settings;
	const struct pg_statement_set *sets;
	size_t nsets;
	size_t queue_max;
	unsigned deadline_ms;
	unsigned backoff_max_ms;
	void (*on_state)(void *arg, bool up);
	void *arg;
};

struct pg_txn {
	struct pg_conn *conn; /* NULL once the connection was lost */
	int err;	      /* the first failure */
	bool ended;	      /* COMMIT was sent: the handle is no longer the caller's */
};

void pg_enter(struct pg_conn *conn);
void pg_leave(struct pg_conn *conn);
/* Ends the connection for the given reason, fails everything, plans the next attempt. */
void pg_drop(struct pg_conn *conn, const char *reason);
void pg_becomes_up(struct pg_conn *conn);

struct pg_request *pg_request_new(enum pg_request_kind kind, const struct pg_statement *statement,
				  const struct pg_params *params, bool keep_params);
void pg_request_deliver(struct pg_conn *conn, struct pg_request *request, int err);
/* Hands a request to libpq and puts it in `sent`; params NULL: its own copy. On failure it stays the caller's. */
int pg_request_send(struct pg_conn *conn, struct pg_request *request, const struct pg_params *params);
int pg_pipeline_sync(struct pg_conn *conn);
int pg_pipeline_send_waiting(struct pg_conn *conn);
void pg_pipeline_flush(struct pg_conn *conn);
void pg_pipeline_read(struct pg_conn *conn);
void pg_pipeline_end_of_turn(struct pg_conn *conn);
void pg_pipeline_expire(struct pg_conn *conn);
void pg_pipeline_fail_all(struct pg_conn *conn, uint64_t now);
void pg_pipeline_arm(struct pg_conn *conn, uint64_t deadline);
void pg_pipeline_plan_turn(struct pg_conn *conn);
int pg_error_of(const PGresult *res);

/* Statements still under way keep their callbacks but no longer know the transaction. */
void pg_txn_forget(struct pg_conn *conn, const struct pg_txn *txn);
/* The outcome of COMMIT: ends the transaction. */
void pg_txn_finish(struct pg_conn *conn, struct pg_request *request, int err);
