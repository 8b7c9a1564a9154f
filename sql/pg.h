/*
 * One PostgreSQL connection in libpq's pipeline mode on a libevent loop.
 *
 * Nothing here blocks. Statements are prepared at connect and run by name with binary parameters and binary results.
 * Requests are answered in order. All reads queued in one turn of the loop share one Sync at its end; a read that
 * came back unexecuted because another one of its Sync failed is sent again by itself. A statement marked `write`
 * gets a Sync of its own and is answered only when that Sync has committed. Several writes that belong together use
 * struct pg_txn.
 *
 * A lost connection fails everything sent (-EIO, or -ECONNABORTED where a commit may have happened) and is opened
 * again with growing pauses. While a first or repeated connect is under way requests wait for it; between two
 * attempts pg_query() answers -EAGAIN at once.
 *
 * Error values, here and in every store_ function:
 *   -EAGAIN        queue full, not connected, or another transaction under way; SQLSTATE 40001, 40P01, 55P03
 *   -ETIMEDOUT     the deadline passed (the connection was killed if the statement had been sent); SQLSTATE 57014
 *   -EIO           connection lost before an answer; nothing was committed
 *   -ECONNABORTED  connection lost after a commit was sent: the outcome is unknown, settle it by reading back
 *   -ECANCELED     not executed: an earlier statement of the same transaction failed
 *   -EEXIST        SQLSTATE 23505, a unique constraint
 *   -EPERM         SQLSTATE 42501, the role may not
 *   -ESTALE        SQLSTATE KF001, a fence: another holder of the duty took over (store_duty.h)
 *   -EDQUOT        SQLSTATE KF002, a quota the write would exceed
 *   -EINVAL        SQLSTATE 22023; misuse
 *   -ENOENT        SQLSTATE P0002; no such row (store_ functions)
 *   -EPROTO        any other SQL error, or a result not of the expected shape
 *   -ENOMEM, -EOVERFLOW  memory, a value too large
 */
#pragma once

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sql/pg_param.h"

#define PG_MUST_CHECK __attribute__((warn_unused_result))

/* A prepared statement. `name` is unique in the program; `types` may be NULL where the server can infer them all. */
struct pg_statement {
	const char *name;
	const char *sql;
	int nparams;
	const Oid *types;
	bool write; /* changes rows when run outside a transaction: own Sync, answered after commit */
};

struct pg_statement_set {
	const struct pg_statement *list;
	size_t n;
};

struct pg_conn;
struct pg_txn;

struct pg_config {
	const char *conninfo;	      /* libpq keywords; a socket directory or hostaddr, since names resolve blocking */
	const char *application_name; /* NULL: "kedge" */
	const struct pg_statement_set *sets;
	size_t nsets;
	const char *const
		*settings;    /* SQL run at every connect before the statements are prepared; NULL-terminated or NULL */
	size_t queue_max;     /* requests accepted and unanswered; 0: 1024 */
	unsigned deadline_ms; /* of each request from its acceptance; 0: 5000 */
	unsigned backoff_max_ms; /* pause between connects grows 50, 100, ... to this; 0: 8000 */
	/* Called from the loop when the connection becomes usable (up) and when it is lost or an attempt failed. */
	void (*on_state)(void *arg, bool up);
	void *arg;
};

/*
 * Out-pointers in `config` need live only during the call, but for sets and settings, which must outlive the
 * connection. Returns 0 and a connection that is connecting; -EINVAL, -ENOMEM.
 */
int pg_open(struct pg_conn **out, struct event_base *base, const struct pg_config *config) PG_MUST_CHECK;

/* Ends the connection; everything unanswered is called back with -EIO or -ECONNABORTED first. Safe in callbacks. NULL
 * is fine. */
void pg_close(struct pg_conn *conn);

bool pg_is_up(const struct pg_conn *conn);

/* Requests accepted and not yet answered. */
size_t pg_queue_length(const struct pg_conn *conn);

/* Statements that will travel together at the end of this turn of the loop: one more of them is cheaper than the first of another
 * connection. */
unsigned pg_batch(const struct pg_conn *conn);

/* What PostgreSQL or libpq said about the last failed connect or lost connection; "" if nothing. Valid until the next
 * one. */
const char *pg_last_error(const struct pg_conn *conn);

/*
 * An answer. err is 0 (res holds tuples or a command status) or negative as above; for an SQL error res holds the
 * error fields, otherwise NULL. The callback owns res and must PQclear() it. Called from the loop, never from
 * within the call that made the request, exactly once for each accepted request.
 */
typedef void pg_on_result(void *arg, int err, PGresult *res);

/* Queues a statement outside of transactions. Params are copied. Returns 0, -EAGAIN, -ENOMEM, or the params' error. */
int pg_query(struct pg_conn *conn, const struct pg_statement *statement, const struct pg_params *params,
	     pg_on_result *on_result, void *arg) PG_MUST_CHECK;

/*
 * Transactions. pg_txn_begin() queues BEGIN and takes the connection: requests of pg_query() made meanwhile wait, a
 * second transaction is refused with -EAGAIN. Statements queued in one turn of the loop travel together: a
 * transaction of two steps costs two round trips, COMMIT riding with the second step.
 *
 * Exactly one of pg_txn_commit() and pg_txn_rollback() must end it; the handle is invalid after a call of either that
 * returned 0 (rollback always does). If a statement failed or the connection was lost, commit reports the first
 * error and has rolled back.
 */
int pg_txn_begin(struct pg_conn *conn, struct pg_txn **out) PG_MUST_CHECK;
/* on_result may be NULL: then a failure shows only in the result of the commit. */
int pg_txn_query(struct pg_txn *txn, const struct pg_statement *statement, const struct pg_params *params,
		 pg_on_result *on_result, void *arg) PG_MUST_CHECK;
/* on_result(arg, err, NULL): 0 committed; -ECONNABORTED unknown; otherwise nothing was committed. */
int pg_txn_commit(struct pg_txn *txn, pg_on_result *on_result, void *arg) PG_MUST_CHECK;
void pg_txn_rollback(struct pg_txn *txn);
struct pg_conn *pg_txn_conn(struct pg_txn *txn);

/* Time as deadlines count it, and a timer that goes off after so long. */
uint64_t pg_now_ms(void);
void pg_after_ms(struct event *timer, uint64_t ms);

/*
 * An operation: what every store_ function takes beside its outputs. The caller sets on_done (NULL if it turns the
 * loop itself) and arg; the outputs are filled and err is set before on_done is called. An operation is done exactly
 * once for every start that returned 0; a start that returned an error is never done. The op and the outputs must
 * stay where they are until then.
 */
struct pg_op {
	void (*on_done)(struct pg_op *op);
	void *arg;
	int err;
	bool done;
};

/* Prepares op for a start (err 0, done false). Every store_ function calls it; callers need not. */
void pg_op_start(struct pg_op *op);
void pg_op_finish(struct pg_op *op, int err);

/*
 * Sequential code over the same operations: turns the loop until the operation is done and returns its err.
 * `started` is what starting it returned; if not 0 it is returned at once: pg_wait(base, &op, store_head(conn, &op,
 * &head)). -EIO if the loop ran out of events first.
 */
int pg_wait(struct event_base *base, struct pg_op *op, int started) PG_MUST_CHECK;

/* Turns the loop until *flag or `timeout_ms` passed (0: no limit). Returns 0, -ETIMEDOUT, -EIO (loop out of events). */
int pg_run_until(struct event_base *base, const bool *flag, unsigned timeout_ms) PG_MUST_CHECK;

/* Turns the loop until the connection is up. Returns 0, -ETIMEDOUT, -EIO. */
int pg_wait_up(struct event_base *base, struct pg_conn *conn, unsigned timeout_ms) PG_MUST_CHECK;
