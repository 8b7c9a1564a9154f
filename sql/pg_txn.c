/*
 * Transactions: BEGIN takes the pipeline, COMMIT or ROLLBACK gives it back. Statements go to libpq as they are queued
 * and to the server at the end of the turn.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sql/pg_internal.h"

static const struct pg_statement begin = {.name = "pg_begin", .sql = "BEGIN"};
static const struct pg_statement commit = {.name = "pg_commit", .sql = "COMMIT"};
static const struct pg_statement rollback = {.name = "pg_rollback", .sql = "ROLLBACK"};

static int send_statement(struct pg_conn *conn, struct pg_txn *txn, enum pg_request_kind kind,
			  const struct pg_statement *statement, const struct pg_params *params, pg_on_result *on_result,
			  void *arg)
{
	struct pg_request *request = pg_request_new(kind, statement, params, false);

	if (!request)
		return -ENOMEM;
	request->txn = txn;
	request->on_result = on_result;
	request->arg = arg;
	request->deadline = pg_now_ms() + conn->deadline_ms;
	const uint64_t deadline = request->deadline;
	const int err = pg_request_send(conn, request, params);

	if (err) {
		free(request);
		return err;
	}
	conn->nrequests++;
	pg_pipeline_arm(conn, deadline);
	pg_pipeline_plan_turn(conn);
	return 0;
}

int pg_txn_begin(struct pg_conn *conn, struct pg_txn **out)
{
	*out = NULL;
	if (conn->state != PG_STATE_UP || conn->closing || conn->txn)
		return -EAGAIN;
	struct pg_txn *txn = calloc(1, sizeof(*txn));
	int err;

	if (!txn)
		return -ENOMEM;
	txn->conn = conn;
	/* What waits was asked before: it goes first, in a Sync of its own. */
	err = pg_pipeline_send_waiting(conn);
	if (!err && conn->unsynced)
		err = pg_pipeline_sync(conn);
	if (!err)
		err = send_statement(conn, txn, PG_REQUEST_TXN, &begin, NULL, NULL, NULL);
	if (err) {
		free(txn);
		return err;
	}
	conn->txn = txn;
	*out = txn;
	return 0;
}

int pg_txn_query(struct pg_txn *txn, const struct pg_statement *statement, const struct pg_params *params,
		 pg_on_result *on_result, void *arg)
{
	if (txn->err)
		return txn->err;
	if (params && params->err)
		return params->err;
	if ((params ? params->n : 0) != statement->nparams)
		return -EINVAL;
	if (txn->conn->nrequests >= txn->conn->queue_max)
		return -EAGAIN;
	return send_statement(txn->conn, txn, PG_REQUEST_TXN, statement, params, on_result, arg);
}

int pg_txn_commit(struct pg_txn *txn, pg_on_result *on_result, void *arg)
{
	if (txn->err)
		return txn->err;
	const int err = send_statement(txn->conn, txn, PG_REQUEST_COMMIT, &commit, NULL, on_result, arg);

	if (!err)
		txn->ended = true;
	return err;
}

static void send_rollback(struct pg_conn *conn)
{
	if (send_statement(conn, NULL, PG_REQUEST_TXN, &rollback, NULL, NULL, NULL) || pg_pipeline_sync(conn))
		pg_drop(conn, "cannot roll back");
}

void pg_txn_forget(struct pg_conn *conn, const struct pg_txn *txn)
{
	struct pg_request *request;

	TAILQ_FOREACH(request, &conn->sent, link)
	{
		if (request->txn == txn)
			request->txn = NULL;
	}
}

void pg_txn_rollback(struct pg_txn *txn)
{
	struct pg_conn *conn = txn->conn;

	if (!conn) {
		free(txn);
		return;
	}
	pg_enter(conn);
	conn->txn = NULL;
	pg_txn_forget(conn, txn);
	free(txn);
	/*
	 * A statement of the same Sync that fails would make the server skip a ROLLBACK that follows it, so the
	 * ROLLBACK has a Sync of its own.
	 */
	if (conn->unsynced && pg_pipeline_sync(conn))
		pg_drop(conn, "cannot roll back");
	else
		send_rollback(conn);
	pg_leave(conn);
}

void pg_txn_finish(struct pg_conn *conn, struct pg_request *request, int err)
{
	struct pg_txn *txn = request->txn;

	request->txn = NULL;
	/* COMMIT of a failed transaction succeeds as ROLLBACK. */
	if (!err && strcmp(PQcmdStatus(request->res), "COMMIT") != 0)
		err = -ECANCELED;
	if (err == -ECANCELED && txn->err)
		err = txn->err;
	PQclear(request->res);
	request->res = NULL;
	if (conn->txn == txn)
		conn->txn = NULL;
	free(txn);
	if (err && conn->state == PG_STATE_UP)
		send_rollback(conn);
	if (!TAILQ_EMPTY(&conn->waiting) && conn->state == PG_STATE_UP)
		pg_pipeline_plan_turn(conn);
	pg_request_deliver(conn, request, err);
}

struct pg_conn *pg_txn_conn(struct pg_txn *txn)
{
	return txn->conn;
}
