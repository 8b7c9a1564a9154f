/* The queue between whoever asks for a change and the duty that judges it. */
#include "sql/store_participant.h"

#include <errno.h>
#include <stdlib.h>

#include "sql/store_internal.h"

enum { ASK, ANSWERS, OPEN, ANSWER, REFUSE, SWEEP };

enum { LIMIT_MAX = 1000 };

static const Oid ask_types[] = {17, 16, 17, 20};
static const Oid hashes_types[] = {1001};
static const Oid limit_types[] = {20};
static const Oid answer_types[] = {17, 25, 25, 20};
static const Oid refuse_types[] = {17, 25, 25, 20};
static const Oid sweep_types[] = {20, 25, 20};

#define NOW_MS "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
#define ANSWERED "body = NULL, answered = " NOW_MS

static const struct pg_statement statements[] = {
	[ASK] = {.name = "participant_ask",
		 .sql = "WITH q AS MATERIALIZED (SELECT kedge_require((SELECT count(*) FROM participant_request WHERE answered IS NULL) < $4,"
			"  'KF002') AS ok),"
			" i AS (INSERT INTO participant_request AS r (hash, at, operator, body) SELECT $1, " NOW_MS ", $2, $3 FROM q WHERE ok"
			"  ON CONFLICT (hash) DO UPDATE SET at = excluded.at, body = excluded.body, answered = NULL, rule = NULL"
			"  WHERE r.answered IS NOT NULL AND r.rule IS NOT NULL)"
			" SELECT pg_notify('kedge_participant_request', '0') FROM q",
		 .nparams = 4,
		 .types = ask_types,
		 .write = true},
	[ANSWERS] = {.name = "participant_answers",
		     .sql = "SELECT hash, operator, body, rule, key, coalesce(seq, 0) FROM participant_request"
			    " WHERE hash = ANY($1) AND answered IS NOT NULL",
		     .nparams = 1,
		     .types = hashes_types},
	[OPEN] = {.name = "participant_open",
		  .sql = "SELECT hash, operator, body, rule, key, coalesce(seq, 0) FROM participant_request WHERE answered IS NULL"
			 " ORDER BY number LIMIT $1",
		  .nparams = 1,
		  .types = limit_types},
	[ANSWER] = {.name = "participant_answer",
		    .sql = "UPDATE participant_request SET " ANSWERED ", rule = $2, key = $3, seq = $4 WHERE hash = $1"
			   " RETURNING pg_notify('kedge_participant', number::text)",
		    .nparams = 4,
		    .types = answer_types},
	[REFUSE] = {.name = "participant_refuse",
		    .sql = "UPDATE participant_request SET " ANSWERED ", rule = $2 WHERE hash = $1 AND kedge_fence($3, $4)"
			   " RETURNING pg_notify('kedge_participant', number::text)",
		    .nparams = 4,
		    .types = refuse_types,
		    .write = true},
	[SWEEP] = {.name = "participant_sweep",
		   .sql = "DELETE FROM participant_request WHERE answered < " NOW_MS " - $1 AND kedge_fence($2, $3)",
		   .nparams = 3,
		   .types = sweep_types,
		   .write = true},
};

const struct pg_statement_set store_participant_request_set = {statements, STORE_COUNT(statements)};

static int get_request(void *into, const PGresult *res, int row)
{
	struct store_participant_request *out = into;
	int err = 0;

	pg_get_hash(&err, out->hash, res, row, 0);
	out->by_operator = pg_get_bool(&err, res, row, 1);
	out->body = pg_get_bytes(res, row, 2);
	out->rule = pg_get_bytes(res, row, 3);
	out->key = pg_get_bytes(res, row, 4);
	out->seq = pg_get_u64(&err, res, row, 5);
	return err;
}

static int decode_requests(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_participant_requests *out = call->out;
	int err = 0;

	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_request);
	if (!err) {
		out->res = res;
		*keep = true;
	}
	return err;
}

static int decode_done(struct store_call *call, PGresult *res, bool *keep)
{
	(void)call;
	(void)res;
	(void)keep;
	return 0;
}

void store_participant_requests_clear(struct store_participant_requests *list)
{
	free(list->rows);
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

int store_participant_ask(struct pg_conn *conn, struct pg_op *op, const struct store_participant_request *request, uint64_t most)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_hash(&params, request->hash);
	pg_param_bool(&params, request->by_operator);
	pg_param_bytes(&params, request->body);
	pg_param_u64(&params, most);
	return store_start(conn, &statements[ASK], &params, &(struct store_call){.op = op, .decode = store_decode_written});
}

int store_participant_answers(struct pg_conn *conn, struct pg_op *op, struct store_participant_requests *out, const void *hashes, size_t n)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_hash_array(&params, hashes, n);
	return store_start(conn, &statements[ANSWERS], &params, &(struct store_call){.op = op, .out = out, .decode = decode_requests});
}

int store_participant_open(struct pg_conn *conn, struct pg_op *op, struct store_participant_requests *out, unsigned limit)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (limit < 1 || limit > LIMIT_MAX)
		return -EINVAL;
	pg_params_init(&params);
	pg_param_u64(&params, limit);
	return store_start(conn, &statements[OPEN], &params, &(struct store_call){.op = op, .out = out, .decode = decode_requests});
}

int store_participant_answer(struct pg_txn *txn, const struct store_participant_request *answer)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_hash(&params, answer->hash);
	pg_param_bytes(&params, answer->rule);
	pg_param_bytes(&params, answer->key);
	pg_param_u64(&params, answer->seq);
	return store_queue(txn, &statements[ANSWER], &params);
}

int store_participant_refuse(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
			     const struct store_participant_request *answer)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_hash(&params, answer->hash);
	pg_param_bytes(&params, answer->rule);
	store_param_fence(&params, fence);
	return store_start(conn, &statements[REFUSE], &params, &(struct store_call){.op = op, .decode = store_decode_written});
}

int store_participant_sweep(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t older_ms)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, older_ms);
	store_param_fence(&params, fence);
	return store_start(conn, &statements[SWEEP], &params, &(struct store_call){.op = op, .decode = decode_done});
}
