/*
 * Requests on their way out and results on their way in: one file, since the two lists mean nothing apart. Rules of
 * libpq 15, "Pipeline Mode":
 * a Sync is a transaction boundary, so statements that share one share one failure; results are matched to requests
 * by order alone; a NULL result ends one statement, PGRES_PIPELINE_SYNC ends one Sync.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql/pg_internal.h"

struct pg_request *pg_request_new(enum pg_request_kind kind, const struct pg_statement *statement,
				  const struct pg_params *params, bool keep_params)
{
	const int n = params ? params->n : 0;
	size_t bytes = 0;

	for (int i = 0; keep_params && i < n; i++)
		bytes += params->values[i] ? (size_t)params->lengths[i] : 0;
	/* One byte more: an empty value must not be a null pointer. */
	struct pg_request *request = calloc(1, sizeof(*request) + bytes + 1);

	if (!request)
		return NULL;
	request->kind = kind;
	request->statement = statement;
	if (!keep_params)
		return request;
	request->nparams = n;
	char *at = request->data;

	for (int i = 0; i < n; i++) {
		if (!params->values[i])
			continue;
		request->lengths[i] = params->lengths[i];
		request->values[i] = memcpy(at, params->values[i], (size_t)params->lengths[i]);
		at += params->lengths[i];
	}
	return request;
}

static bool counted(const struct pg_request *request)
{
	return request->kind != PG_REQUEST_SYNC && request->kind != PG_REQUEST_SETUP;
}

void pg_request_deliver(struct pg_conn *conn, struct pg_request *request, int err)
{
	PGresult *res = request->res;
	pg_on_result *on_result = request->on_result;
	void *arg = request->arg;

	if (counted(request))
		conn->nrequests--;
	if (request->txn && err && !request->txn->err)
		request->txn->err = err;
	free(request);
	if (on_result)
		on_result(arg, err, res);
	else
		PQclear(res);
}

int pg_error_of(const PGresult *res)
{
	static const struct {
		const char *state;
		int err;
	} known[] = {
		{"23505", -EEXIST}, {"42501", -EPERM},	{"KF001", -ESTALE}, {"KF002", -EDQUOT},	   {"22023", -EINVAL},
		{"40001", -EAGAIN}, {"40P01", -EAGAIN}, {"55P03", -EAGAIN}, {"57014", -ETIMEDOUT}, {"P0002", -ENOENT},
	};
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	for (size_t i = 0; state && i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(state, known[i].state))
			return known[i].err;
	return -EPROTO;
}

void pg_pipeline_arm(struct pg_conn *conn, uint64_t deadline)
{
	if (conn->expiry_at && conn->expiry_at <= deadline)
		return;
	const uint64_t now = pg_now_ms();

	conn->expiry_at = deadline;
	pg_after_ms(conn->expiry, deadline > now ? deadline - now : 0);
}

void pg_pipeline_plan_turn(struct pg_conn *conn)
{
	if (conn->turn_due)
		return;
	conn->turn_due = true;
	event_active(conn->turn, EV_TIMEOUT, 0);
}

int pg_query(struct pg_conn *conn, const struct pg_statement *statement, const struct pg_params *params,
	     pg_on_result *on_result, void *arg)
{
	if (params && params->err)
		return params->err;
	if ((params ? params->n : 0) != statement->nparams)
		return -EINVAL;
	if (conn->state == PG_STATE_DOWN || conn->closing || conn->nrequests >= conn->queue_max)
		return -EAGAIN;
	struct pg_request *request =
		pg_request_new(statement->write ? PG_REQUEST_WRITE : PG_REQUEST_READ, statement, params, true);

	if (!request)
		return -ENOMEM;
	request->on_result = on_result;
	request->arg = arg;
	request->deadline = pg_now_ms() + conn->deadline_ms;
	TAILQ_INSERT_TAIL(&conn->waiting, request, link);
	conn->nrequests++;
	pg_pipeline_arm(conn, request->deadline);
	if (conn->state == PG_STATE_UP) {
		conn->batch++;
		pg_pipeline_plan_turn(conn);
	}
	return 0;
}

int pg_request_send(struct pg_conn *conn, struct pg_request *request, const struct pg_params *params)
{
	const int n = params ? params->n : request->nparams;
	const char *const *values = params ? params->values : request->values;
	const int *lengths = params ? params->lengths : request->lengths;
	int formats[PG_PARAMS_MAX];

	for (int i = 0; i < n; i++)
		formats[i] = 1;
	if (!PQsendQueryPrepared(conn->pg, request->statement->name, n, values, lengths, formats, 1))
		return -EIO;
	TAILQ_INSERT_TAIL(&conn->sent, request, link);
	conn->unsynced = true;
	return 0;
}

int pg_pipeline_sync(struct pg_conn *conn)
{
	struct pg_request *sync = pg_request_new(PG_REQUEST_SYNC, NULL, NULL, false);

	if (!sync)
		return -ENOMEM;
	if (!PQpipelineSync(conn->pg)) {
		free(sync);
		return -EIO;
	}
	TAILQ_INSERT_TAIL(&conn->sent, sync, link);
	conn->unsynced = false;
	return 0;
}

/* A write stands alone between two Syncs: no read's failure may undo what it did. */
int pg_pipeline_send_waiting(struct pg_conn *conn)
{
	struct pg_request *request;
	int err = 0;

	while (!err && (request = TAILQ_FIRST(&conn->waiting))) {
		const bool write = request->kind == PG_REQUEST_WRITE;

		if (write && conn->unsynced)
			err = pg_pipeline_sync(conn);
		if (err)
			break;
		TAILQ_REMOVE(&conn->waiting, request, link);
		err = pg_request_send(conn, request, NULL);
		if (err)
			TAILQ_INSERT_HEAD(&conn->waiting, request, link);
		else if (write)
			err = pg_pipeline_sync(conn);
	}
	return err;
}

void pg_pipeline_flush(struct pg_conn *conn)
{
	const int left = PQflush(conn->pg);

	if (left < 0)
		pg_drop(conn, PQerrorMessage(conn->pg));
	else if (left > 0)
		event_add(conn->writable, NULL);
}

void pg_pipeline_end_of_turn(struct pg_conn *conn)
{
	int err = 0;

	conn->batch = 0;
	if (conn->state != PG_STATE_UP)
		return;
	if (!conn->txn)
		err = pg_pipeline_send_waiting(conn);
	if (!err && conn->unsynced)
		err = pg_pipeline_sync(conn);
	if (err)
		pg_drop(conn, PQerrorMessage(conn->pg));
	else
		pg_pipeline_flush(conn);
}

static void finish_setup(struct pg_conn *conn, struct pg_request *request, int err)
{
	if (err && !conn->setup_failed) {
		conn->setup_failed = true;
		snprintf(conn->last_error, sizeof(conn->last_error), "%s",
			 request->res ? PQresultErrorMessage(request->res) : "setup failed");
	}
	pg_request_deliver(conn, request, err);
}

/* All of a statement's result has come. */
static void finish(struct pg_conn *conn, struct pg_request *request)
{
	const ExecStatusType status = PQresultStatus(request->res);
	int err = 0;

	TAILQ_REMOVE(&conn->sent, request, link);
	if (status == PGRES_PIPELINE_ABORTED) {
		PQclear(request->res);
		request->res = NULL;
		err = -ECANCELED;
	} else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
		err = pg_error_of(request->res);
	}
	if (request->kind == PG_REQUEST_READ && err == -ECANCELED)
		TAILQ_INSERT_TAIL(&conn->again, request, link);
	else if (request->kind == PG_REQUEST_WRITE && !err)
		conn->held = request;
	else if (request->kind == PG_REQUEST_SETUP)
		finish_setup(conn, request, err);
	else if (request->kind == PG_REQUEST_COMMIT)
		pg_txn_finish(conn, request, err);
	else
		pg_request_deliver(conn, request, err);
}

static void finish_sync(struct pg_conn *conn, struct pg_request *sync)
{
	struct pg_request *request;
	struct pg_request *held = conn->held;

	TAILQ_REMOVE(&conn->sent, sync, link);
	free(sync);
	while ((request = TAILQ_LAST(&conn->again, pg_request_list))) {
		TAILQ_REMOVE(&conn->again, request, link);
		TAILQ_INSERT_HEAD(&conn->waiting, request, link);
	}
	if (!TAILQ_EMPTY(&conn->waiting))
		pg_pipeline_plan_turn(conn);
	conn->held = NULL;
	if (held)
		pg_request_deliver(conn, held, 0);
	if (conn->state != PG_STATE_SETUP)
		return;
	if (!conn->setup_failed) {
		pg_becomes_up(conn);
	} else {
		char reason[sizeof(conn->last_error)];

		memcpy(reason, conn->last_error, sizeof(reason));
		pg_drop(conn, reason);
	}
}

/* A Sync that fails is a commit that failed (a deferred constraint, a full disk): the write it ended did not happen. */
static void on_sync_result(struct pg_conn *conn, struct pg_request *sync, PGresult *res)
{
	struct pg_request *held = conn->held;

	if (PQresultStatus(res) == PGRES_PIPELINE_SYNC) {
		PQclear(res);
		finish_sync(conn, sync);
		return;
	}
	if (!held) {
		PQclear(res);
		return;
	}
	conn->held = NULL;
	PQclear(held->res);
	held->res = res;
	pg_request_deliver(conn, held, pg_error_of(res));
}

/*
 * A session that ends says so in the place of some statement's result, and libpq then makes up results for all that
 * follow. None of those is known: an error of libpq's own has no SQLSTATE, one of the server's is FATAL or PANIC.
 */
static bool is_end_of_session(const PGresult *res)
{
	const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (PQresultStatus(res) != PGRES_FATAL_ERROR)
		return false;
	return !PQresultErrorField(res, PG_DIAG_SQLSTATE) || (severity && strcmp(severity, "ERROR") != 0);
}

void pg_pipeline_read(struct pg_conn *conn)
{
	struct pg_request *request;

	if (!PQconsumeInput(conn->pg)) {
		pg_drop(conn, PQerrorMessage(conn->pg));
		return;
	}
	while (conn->pg && (request = TAILQ_FIRST(&conn->sent)) && !PQisBusy(conn->pg)) {
		PGresult *res = PQgetResult(conn->pg);

		if (res && is_end_of_session(res)) {
			char reason[sizeof(conn->last_error)];

			snprintf(reason, sizeof(reason), "%s", PQresultErrorMessage(res));
			PQclear(res);
			pg_drop(conn, reason);
			return;
		}
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): a freed request left the list by TAILQ_REMOVE, which it does not follow */
		if (request->kind == PG_REQUEST_SYNC) {
			if (res)
				on_sync_result(conn, request, res);
			else if (PQstatus(conn->pg) == CONNECTION_BAD)
				break;
		} else if (!res) {
			if (!request->res)
				break;
			finish(conn, request);
		} else if (!request->res) {
			request->res = res;
		} else {
			PQclear(res);
		}
	}
	if (conn->pg && PQstatus(conn->pg) == CONNECTION_BAD)
		pg_drop(conn, PQerrorMessage(conn->pg));
}

/* What a request that was under way is told when its connection is lost. */
static int loss(const struct pg_request *request, bool sent, uint64_t now)
{
	if (sent && (request->kind == PG_REQUEST_COMMIT || request->kind == PG_REQUEST_WRITE))
		return -ECONNABORTED;
	return counted(request) && request->deadline <= now ? -ETIMEDOUT : -EIO;
}

static void fail_list(struct pg_conn *conn, struct pg_request_list *list, bool sent, uint64_t now)
{
	struct pg_request *request;

	while ((request = TAILQ_FIRST(list))) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): delivered requests left the list, see pg_pipeline_read() */
		const int err = loss(request, sent, now);

		TAILQ_REMOVE(list, request, link);
		PQclear(request->res);
		request->res = NULL;
		if (request->kind == PG_REQUEST_COMMIT)
			pg_txn_finish(conn, request, err);
		else
			pg_request_deliver(conn, request, err);
	}
}

void pg_pipeline_fail_all(struct pg_conn *conn, uint64_t now)
{
	if (conn->held) {
		TAILQ_INSERT_HEAD(&conn->sent, conn->held, link);
		conn->held = NULL;
	}
	fail_list(conn, &conn->again, false, now);
	fail_list(conn, &conn->sent, true, now);
	fail_list(conn, &conn->waiting, false, now);
	event_del(conn->expiry);
	conn->expiry_at = 0;
}

static struct pg_request *first_expired(struct pg_request_list *list, uint64_t now)
{
	struct pg_request *request;

	TAILQ_FOREACH(request, list, link)
	{
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): expired ones are off the list, see pg_pipeline_expire() */
		if (counted(request) && request->deadline <= now)
			return request;
	}
	return NULL;
}

static void rearm(struct pg_conn *conn)
{
	struct pg_request_list *lists[] = {&conn->waiting, &conn->sent, &conn->again};
	struct pg_request *request;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		TAILQ_FOREACH(request, lists[i], link)
		{
			if (counted(request))
				pg_pipeline_arm(conn, request->deadline);
		}
	}
	if (conn->held)
		pg_pipeline_arm(conn, conn->held->deadline);
}

/* An unsent request is failed alone; one that the server does not answer takes the connection with it. */
void pg_pipeline_expire(struct pg_conn *conn)
{
	const uint64_t now = pg_now_ms();
	struct pg_request *request;

	conn->expiry_at = 0;
	if (first_expired(&conn->sent, now) || (conn->held && conn->held->deadline <= now)) {
		pg_drop(conn, "a statement was not answered in time");
		return;
	}
	while ((request = first_expired(&conn->waiting, now))) {
		TAILQ_REMOVE(&conn->waiting, request, link);
		pg_request_deliver(conn, request, -ETIMEDOUT);
	}
	rearm(conn);
}
