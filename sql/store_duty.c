/* Duties: the advisory lock says who runs, the epoch says whose writes count. */
#include "sql/store_duty.h"

#include <errno.h>

#include "sql/store_internal.h"

enum { TAKE, FENCE };

static const Oid take_types[] = {25};
static const Oid fence_types[] = {25, 20};

static const struct pg_statement statements[] = {
	/* Two keys: this program's own space ("kedg"), and the duty's name hashed. */
	[TAKE] = {.name = "duty_take",
		  .sql = "WITH mine AS MATERIALIZED (SELECT pg_try_advisory_lock(1801807975, hashtext($1)) AS taken)"
			 " INSERT INTO duty AS d (name, epoch) SELECT $1, 1 FROM mine WHERE taken"
			 " ON CONFLICT (name) DO UPDATE SET epoch = d.epoch + 1 RETURNING epoch",
		  .nparams = 1,
		  .types = take_types,
		  .write = true},
	[FENCE] = {.name = "duty_fence", .sql = "SELECT kedge_fence($1, $2)", .nparams = 2, .types = fence_types},
};

const struct pg_statement_set store_duty_set = {statements, STORE_COUNT(statements)};

static int decode_epoch(struct store_call *call, PGresult *res, bool *keep)
{
	int err = 0;

	(void)keep;
	if (PQntuples(res) == 0)
		return -EAGAIN;
	*(uint64_t *)call->out = pg_get_u64(&err, res, 0, 0);
	return err;
}

int store_duty_take(struct pg_conn *conn, struct pg_op *op, uint64_t *epoch, const char *name)
{
	struct pg_params params;

	*epoch = 0;
	pg_params_init(&params);
	pg_param_bytes(&params, pg_text(name));
	return store_start(conn, &statements[TAKE], &params,
			   &(struct store_call){.op = op, .out = epoch, .decode = decode_epoch});
}

int store_duty_fence(struct pg_txn *txn, const struct store_fence *fence)
{
	struct pg_params params;

	pg_params_init(&params);
	store_param_fence(&params, fence);
	return store_queue(txn, &statements[FENCE], &params);
}
