/* Opening a connection for the stores, and what all stores share. */
#include "sql/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sql/store_internal.h"

/*
 * A plan made while the tables were still empty would scan them for ever after: every statement here goes by an index,
 * so sequential scans are off, and the generic plan is as good as any. So are joins that read a whole table to meet a
 * few rows, which statistics gathered later would make look cheap.
 */
#define PLAN_SETTINGS                                                                                                  \
	"SET enable_seqscan = off", "SET enable_hashjoin = off", "SET enable_mergejoin = off",                         \
		"SET plan_cache_mode = force_generic_plan", "SET jit = off"

const char *const store_reader_settings[] = {PLAN_SETTINGS, NULL};

/* A stopped process must not keep the log's head locked. */
const char *const store_writer_settings[] = {PLAN_SETTINGS, "SET idle_in_transaction_session_timeout = 5000",
					     "SET synchronous_commit = on", NULL};

size_t store_statement_sets(const struct pg_statement_set **out)
{
	static const struct pg_statement_set *const all[] = {
		&store_append_set,	    &store_log_set,	 &store_checkpoint_set,	   &store_map_set,
		&store_chain_set,	    &store_anchor_set,	 &store_duty_set,	   &store_resolve_set,
		&store_history_page_set,    &store_identity_set, &store_identity_step_set, &store_identity_back_set, &store_identity_mend_set,
		&store_identity_search_set, &store_file_set,	 &store_hosted_set,	   &store_notary_set,
		&store_participant_set,	    &store_participant_put_set, &store_participant_request_set,
		&store_stream_set,	    &store_link_set,	      &store_lapse_set,	  &store_link_read_set,
	};
	static struct pg_statement_set sets[STORE_COUNT(all)];

	for (size_t i = 0; i < STORE_COUNT(all); i++)
		sets[i] = *all[i];
	*out = sets;
	return STORE_COUNT(sets);
}

enum { OF_MUCH_MS = 600000 };

int store_open(struct pg_conn **conn, struct event_base *base, const char *conninfo, const char *application_name,
	       enum store_role role, void (*on_state)(void *arg, bool up), void *arg)
{
	const struct pg_statement_set *sets;
	const size_t nsets = store_statement_sets(&sets);
	const struct pg_config config = {
		.conninfo = conninfo,
		.application_name = application_name,
		.sets = sets,
		.nsets = nsets,
		.settings = role == STORE_READER ? store_reader_settings : store_writer_settings,
		.deadline_ms = role == STORE_WRITER_OF_MUCH ? OF_MUCH_MS : 0,
		.backoff_max_ms = 1000, /* nothing works without it: look again soon */
		.on_state = on_state,
		.arg = arg,
	};

	return pg_open(conn, base, &config);
}

static void on_result(void *arg, int err, PGresult *res)
{
	struct store_call *call = arg;
	struct pg_op *op = call->op;
	bool keep = false;

	if (!err)
		err = call->decode(call, res, &keep);
	if (!keep)
		PQclear(res);
	free(call);
	pg_op_finish(op, err);
}

static struct store_call *copy(const struct store_call *call)
{
	struct store_call *mine = malloc(sizeof(*mine));

	if (mine)
		*mine = *call;
	pg_op_start(call->op);
	return mine;
}

int store_start(struct pg_conn *conn, const struct pg_statement *statement, struct pg_params *params,
		const struct store_call *call)
{
	struct store_call *mine = copy(call);
	int err = mine ? pg_query(conn, statement, params, on_result, mine) : -ENOMEM;

	if (err)
		free(mine);
	pg_params_clear(params);
	return err;
}

int store_start_txn(struct pg_txn *txn, const struct pg_statement *statement, struct pg_params *params,
		    const struct store_call *call)
{
	struct store_call *mine = copy(call);
	int err = mine ? pg_txn_query(txn, statement, params, on_result, mine) : -ENOMEM;

	if (err)
		free(mine);
	pg_params_clear(params);
	return err;
}

int store_queue(struct pg_txn *txn, const struct pg_statement *statement, struct pg_params *params)
{
	const int err = pg_txn_query(txn, statement, params, NULL, NULL);

	pg_params_clear(params);
	return err;
}

static void on_transacted(void *arg, int err, PGresult *res)
{
	PQclear(res);
	pg_op_finish(arg, err);
}

int store_transact(struct pg_conn *conn, struct pg_op *op, int (*queue)(struct pg_txn *txn, const void *what),
		   const void *what)
{
	struct pg_txn *txn;
	int err;

	pg_op_start(op);
	err = pg_txn_begin(conn, &txn);
	if (err)
		return err;
	err = queue(txn, what);
	if (!err)
		err = pg_txn_commit(txn, on_transacted, op);
	if (err)
		pg_txn_rollback(txn);
	return err;
}

int store_decode_written(struct store_call *call, PGresult *res, bool *keep)
{
	(void)call;
	(void)keep;
	return PQntuples(res) > 0 ? 0 : -ENOENT;
}

int store_decode_list(struct store_call *call, PGresult *res, bool *keep)
{
	*(size_t *)call->out = (size_t)PQntuples(res);
	*(PGresult **)call->out2 = res;
	*keep = true;
	return 0;
}

int store_decode_hashes(struct store_call *call, PGresult *res, bool *keep)
{
	const struct pg_bytes bytes = pg_get_bytes(res, 0, 0);

	(void)keep;
	if (bytes.len != call->n * 32)
		return bytes.len < call->n * 32 ? -ENOENT : -EPROTO;
	if (call->n)
		memcpy(call->out, bytes.data, bytes.len);
	return 0;
}

void store_param_fence(struct pg_params *params, const struct store_fence *fence)
{
	if (fence) {
		pg_param_bytes(params, pg_text(fence->duty));
		pg_param_u64(params, fence->epoch);
	} else {
		pg_param_null(params);
		pg_param_null(params);
	}
}

int store_get_edge(uint8_t (*edge)[32], size_t *nedge, size_t max, const PGresult *res, int row, int column)
{
	const struct pg_bytes bytes = pg_get_bytes(res, row, column);

	if (!bytes.data || bytes.len % 32 || bytes.len / 32 > max)
		return -EPROTO;
	*nedge = bytes.len / 32;
	if (bytes.len)
		memcpy(edge, bytes.data, bytes.len);
	return 0;
}
