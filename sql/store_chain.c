/* The follower's view of a chain. */
#include "sql/store_chain.h"

#include <errno.h>

#include "sql/store_internal.h"

enum { PUT, GET };

static const Oid put_types[] = {25, 20, 17, 20, 17, 20, 17, 20, 25, 20};
static const Oid get_types[] = {25};

static const struct pg_statement statements[] = {
	[PUT] = {.name = "chain_head_put",
		 .sql = "INSERT INTO chain_head AS c SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE kedge_fence($9, $10)"
			" ON CONFLICT (chain) DO UPDATE SET latest_number = excluded.latest_number,"
			" latest_hash = excluded.latest_hash, safe_number = excluded.safe_number,"
			" safe_hash = excluded.safe_hash, finalized_number = excluded.finalized_number,"
			" finalized_hash = excluded.finalized_hash, read_at = excluded.read_at"
			" RETURNING pg_notify('kedge_chain', latest_number::text)",
		 .nparams = 10,
		 .types = put_types,
		 .write = true},
	[GET] = {.name = "chain_head",
		 .sql = "SELECT latest_number, latest_hash, safe_number, safe_hash, finalized_number, finalized_hash, "
			"read_at"
			" FROM chain_head WHERE chain = $1",
		 .nparams = 1,
		 .types = get_types},
};

const struct pg_statement_set store_chain_set = {statements, STORE_COUNT(statements)};

int store_chain_head_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, const char *chain,
			 const struct store_chain_head *head)
{
	const struct store_block *blocks[] = {&head->latest, &head->safe, &head->finalized};
	struct pg_params params;

	pg_params_init(&params);
	pg_param_bytes(&params, pg_text(chain));
	for (size_t i = 0; i < STORE_COUNT(blocks); i++) {
		pg_param_u64(&params, blocks[i]->number);
		pg_param_hash(&params, blocks[i]->hash);
	}
	pg_param_u64(&params, head->read_at);
	store_param_fence(&params, fence);
	return store_start(conn, &statements[PUT], &params,
			   &(struct store_call){.op = op, .decode = store_decode_written});
}

static int decode(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_chain_head *out = call->out;
	struct store_block *blocks[] = {&out->latest, &out->safe, &out->finalized};
	int err = 0;

	(void)keep;
	if (PQntuples(res) == 0)
		return -ENOENT;
	for (size_t i = 0; i < STORE_COUNT(blocks); i++) {
		blocks[i]->number = pg_get_u64(&err, res, 0, (int)(2 * i));
		pg_get_hash(&err, blocks[i]->hash, res, 0, (int)(2 * i + 1));
	}
	out->read_at = pg_get_u64(&err, res, 0, 6);
	return err;
}

int store_chain_head(struct pg_conn *conn, struct pg_op *op, struct store_chain_head *out, const char *chain)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_bytes(&params, pg_text(chain));
	return store_start(conn, &statements[GET], &params,
			   &(struct store_call){.op = op, .out = out, .decode = decode});
}
