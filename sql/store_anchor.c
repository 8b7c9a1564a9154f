/* Anchor attempts and anchors. */
#include "sql/store_anchor.h"

#include <errno.h>
#include <string.h>

#include "sql/store_internal.h"

enum { ATTEMPT_PUT, ATTEMPT_FINISH, UNFINISHED, LAST, PUT, DROP, COVERING, LIST, RISING };

#define ATTEMPT_COLUMNS                                                                                                \
	"hash, chain_id, contract, sender, nonce, old_size, size, root, raw, max_fee, max_priority_fee, gas, created," \
	" updated, outcome"
#define ANCHOR_COLUMNS "size, root, block_number, block_hash, level::bigint, tx, at"

static const Oid attempt_types[] = {17, 20, 17, 17, 20, 20, 20, 17, 17, 20, 20, 20, 20, 25, 20};
static const Oid finish_types[] = {17, 25, 20, 25, 20};
static const Oid unfinished_types[] = {20, 17};
static const Oid put_types[] = {20, 17, 20, 17, 20, 17, 20, 25, 20};
static const Oid drop_types[] = {20, 25, 20};
static const Oid pair_types[] = {20, 20};

static const struct pg_statement statements[] = {
	[ATTEMPT_PUT] = {.name = "attempt_put",
			 .sql = "INSERT INTO anchor_attempt (" ATTEMPT_COLUMNS ")"
				" SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, NULL"
				" WHERE kedge_fence($14, $15) ON CONFLICT DO NOTHING",
			 .nparams = 15,
			 .types = attempt_types,
			 .write = true},
	[ATTEMPT_FINISH] = {.name = "attempt_finish",
			    .sql = "UPDATE anchor_attempt SET outcome = $2, updated = greatest(created, $3)"
				   " WHERE hash = $1 AND kedge_fence($4, $5) RETURNING true",
			    .nparams = 5,
			    .types = finish_types,
			    .write = true},
	[UNFINISHED] = {.name = "attempts_unfinished",
			.sql = "SELECT " ATTEMPT_COLUMNS " FROM anchor_attempt"
			       " WHERE chain_id = $1 AND sender = $2 AND outcome IS NULL AND nonce > coalesce((SELECT"
			       " max(nonce) FROM anchor_attempt WHERE chain_id = $1 AND sender = $2 AND outcome IS NOT NULL), -1)"
			       " ORDER BY nonce, created",
			.nparams = 2,
			.types = unfinished_types},
	[LAST] = {.name = "attempt_last",
		  .sql = "SELECT coalesce(max(created), 0) FROM anchor_attempt WHERE chain_id = $1 AND sender = $2",
		  .nparams = 2,
		  .types = unfinished_types},
	/* No row comes back if another root is stored. */
	[PUT] = {.name = "anchor_put",
		 .sql = "INSERT INTO anchor AS a (size, root, block_number, block_hash, level, tx, at)"
			" SELECT $1, $2, $3, $4, $5, $6, $7 WHERE kedge_fence($8, $9)"
			" ON CONFLICT (size) DO UPDATE SET"
			" block_number = CASE WHEN excluded.level >= a.level THEN excluded.block_number ELSE a.block_number END,"
			" block_hash = CASE WHEN excluded.level >= a.level THEN excluded.block_hash ELSE a.block_hash END,"
			" at = CASE WHEN excluded.level >= a.level THEN excluded.at ELSE a.at END,"
			" level = greatest(a.level, excluded.level), tx = coalesce(excluded.tx, a.tx)"
			" WHERE a.root = excluded.root RETURNING pg_notify('kedge_anchor', $1::text)",
		 .nparams = 9,
		 .types = put_types,
		 .write = true},
	[DROP] = {.name = "anchor_drop",
		  .sql = "DELETE FROM anchor WHERE size = $1 AND kedge_fence($2, $3)"
			 " RETURNING pg_notify('kedge_anchor', $1::text)",
		  .nparams = 3,
		  .types = drop_types,
		  .write = true},
	[COVERING] = {.name = "anchor_covering",
		      .sql = "SELECT " ANCHOR_COLUMNS
			     " FROM anchor WHERE size > $1 AND level >= $2 ORDER BY size DESC LIMIT 1",
		      .nparams = 2,
		      .types = pair_types},
	[LIST] = {.name = "anchors",
		  .sql = "SELECT " ANCHOR_COLUMNS " FROM anchor WHERE size < $1 ORDER BY size DESC LIMIT $2",
		  .nparams = 2,
		  .types = pair_types},
	[RISING] = {.name = "anchors_rising",
		    .sql = "SELECT " ANCHOR_COLUMNS " FROM anchor WHERE level < 3 ORDER BY size"},
};

const struct pg_statement_set store_anchor_set = {statements, STORE_COUNT(statements)};

static int decode_done(struct store_call *call, PGresult *res, bool *keep)
{
	(void)call;
	(void)res;
	(void)keep;
	return 0;
}

int store_attempt_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
		      const struct store_attempt *a)
{
	struct pg_params params;

	if (a->raw_len > sizeof(a->raw))
		return -EOVERFLOW;
	pg_params_init(&params);
	pg_param_hash(&params, a->hash);
	pg_param_u64(&params, a->chain_id);
	pg_param_bytes(&params, pg_bytes(a->contract, sizeof(a->contract)));
	pg_param_bytes(&params, pg_bytes(a->sender, sizeof(a->sender)));
	pg_param_u64(&params, a->nonce);
	pg_param_u64(&params, a->old_size);
	pg_param_u64(&params, a->size);
	pg_param_hash(&params, a->root);
	pg_param_bytes(&params, pg_bytes(a->raw, a->raw_len));
	pg_param_u64(&params, a->max_fee);
	pg_param_u64(&params, a->max_priority_fee);
	pg_param_u64(&params, a->gas);
	pg_param_u64(&params, a->created);
	store_param_fence(&params, fence);
	return store_start(conn, &statements[ATTEMPT_PUT], &params,
			   &(struct store_call){.op = op, .decode = decode_done});
}

int store_attempt_finish(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
			 const uint8_t hash[static 32], const char *outcome, uint64_t at)
{
	struct pg_params params;

	if (!*outcome || strlen(outcome) > 32)
		return -EINVAL;
	pg_params_init(&params);
	pg_param_hash(&params, hash);
	pg_param_bytes(&params, pg_text(outcome));
	pg_param_u64(&params, at);
	store_param_fence(&params, fence);
	return store_start(conn, &statements[ATTEMPT_FINISH], &params,
			   &(struct store_call){.op = op, .decode = store_decode_written});
}

int store_attempts_unfinished(struct pg_conn *conn, struct pg_op *op, struct store_attempts *out, uint64_t chain_id,
			      const uint8_t sender[static 20])
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_u64(&params, chain_id);
	pg_param_bytes(&params, pg_bytes(sender, 20));
	return store_start(
		conn, &statements[UNFINISHED], &params,
		&(struct store_call){.op = op, .out = &out->n, .out2 = &out->res, .decode = store_decode_list});
}

static int decode_time(struct store_call *call, PGresult *res, bool *keep)
{
	int err = PQntuples(res) == 1 ? 0 : -EPROTO;

	(void)keep;
	if (!err)
		*(uint64_t *)call->out = pg_get_u64(&err, res, 0, 0);
	return err;
}

int store_attempt_last(struct pg_conn *conn, struct pg_op *op, uint64_t *created, uint64_t chain_id,
		       const uint8_t sender[static 20])
{
	struct pg_params params;

	*created = 0;
	pg_params_init(&params);
	pg_param_u64(&params, chain_id);
	pg_param_bytes(&params, pg_bytes(sender, 20));
	return store_start(conn, &statements[LAST], &params,
			   &(struct store_call){.op = op, .out = created, .decode = decode_time});
}

int store_attempts_get(const struct store_attempts *list, struct store_attempt *out, size_t i)
{
	const int row = (int)i;
	int err = 0;

	if (i >= list->n)
		return -EPROTO;
	pg_get_hash(&err, out->hash, list->res, row, 0);
	out->chain_id = pg_get_u64(&err, list->res, row, 1);
	if (!store_get_address(&err, out->contract, list->res, row, 2) || !store_get_address(&err, out->sender, list->res, row, 3))
		err = -EPROTO;
	out->nonce = pg_get_u64(&err, list->res, row, 4);
	out->old_size = pg_get_u64(&err, list->res, row, 5);
	out->size = pg_get_u64(&err, list->res, row, 6);
	pg_get_hash(&err, out->root, list->res, row, 7);
	const struct pg_bytes raw = pg_get_bytes(list->res, row, 8);

	out->max_fee = pg_get_u64(&err, list->res, row, 9);
	out->max_priority_fee = pg_get_u64(&err, list->res, row, 10);
	out->gas = pg_get_u64(&err, list->res, row, 11);
	out->created = pg_get_u64(&err, list->res, row, 12);
	out->updated = pg_get_u64(&err, list->res, row, 13);
	const struct pg_bytes outcome = pg_get_bytes(list->res, row, 14);

	if (err || !raw.data || raw.len > sizeof(out->raw) || outcome.len >= sizeof(out->outcome))
		return -EPROTO;
	memcpy(out->raw, raw.data, raw.len);
	out->raw_len = raw.len;
	memset(out->outcome, 0, sizeof(out->outcome));
	if (outcome.data)
		memcpy(out->outcome, outcome.data, outcome.len);
	return 0;
}

void store_attempts_clear(struct store_attempts *list)
{
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

static int decode_put(struct store_call *call, PGresult *res, bool *keep)
{
	(void)call;
	(void)keep;
	return PQntuples(res) == 1 ? 0 : -EEXIST;
}

int store_anchor_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
		     const struct store_anchor *anchor)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, anchor->size);
	pg_param_hash(&params, anchor->root);
	pg_param_u64(&params, anchor->block_number);
	pg_param_hash(&params, anchor->block_hash);
	pg_param_u64(&params, anchor->level);
	if (anchor->has_tx)
		pg_param_hash(&params, anchor->tx);
	else
		pg_param_null(&params);
	pg_param_u64(&params, anchor->at);
	store_param_fence(&params, fence);
	return store_start(conn, &statements[PUT], &params, &(struct store_call){.op = op, .decode = decode_put});
}

int store_anchor_drop(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t size)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, size);
	store_param_fence(&params, fence);
	return store_start(conn, &statements[DROP], &params,
			   &(struct store_call){.op = op, .decode = store_decode_written});
}

static int get_anchor(struct store_anchor *out, const PGresult *res, int row)
{
	int err = 0;

	memset(out, 0, sizeof(*out));
	out->size = pg_get_u64(&err, res, row, 0);
	pg_get_hash(&err, out->root, res, row, 1);
	out->block_number = pg_get_u64(&err, res, row, 2);
	pg_get_hash(&err, out->block_hash, res, row, 3);
	const uint64_t level = pg_get_u64(&err, res, row, 4);

	out->has_tx = !pg_get_null(res, row, 5);
	if (out->has_tx)
		pg_get_hash(&err, out->tx, res, row, 5);
	out->at = pg_get_u64(&err, res, row, 6);
	if (level < STORE_ANCHOR_LATEST || level > STORE_ANCHOR_FINAL)
		err = -EPROTO;
	else
		out->level = (enum store_anchor_level)level;
	return err;
}

static int decode_anchor(struct store_call *call, PGresult *res, bool *keep)
{
	(void)keep;
	return PQntuples(res) ? get_anchor(call->out, res, 0) : -ENOENT;
}

static int covering(struct pg_conn *conn, struct pg_op *op, struct store_anchor *out, int64_t above,
		    enum store_anchor_level level)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_i64(&params, above);
	pg_param_i64(&params, level);
	return store_start(conn, &statements[COVERING], &params,
			   &(struct store_call){.op = op, .out = out, .decode = decode_anchor});
}

int store_anchor_latest(struct pg_conn *conn, struct pg_op *op, struct store_anchor *out, enum store_anchor_level level)
{
	return covering(conn, op, out, -1, level);
}

int store_anchor_covering(struct pg_conn *conn, struct pg_op *op, struct store_anchor *out, uint64_t seq,
			  enum store_anchor_level level)
{
	return covering(conn, op, out, seq < INT64_MAX ? (int64_t)seq : INT64_MAX, level);
}

int store_anchors(struct pg_conn *conn, struct pg_op *op, struct store_anchors *out, uint64_t below, unsigned limit)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (limit < 1 || limit > 1000)
		return -EINVAL;
	pg_params_init(&params);
	pg_param_i64(&params, below < INT64_MAX ? (int64_t)below : INT64_MAX);
	pg_param_i64(&params, limit);
	return store_start(
		conn, &statements[LIST], &params,
		&(struct store_call){.op = op, .out = &out->n, .out2 = &out->res, .decode = store_decode_list});
}

int store_anchors_rising(struct pg_conn *conn, struct pg_op *op, struct store_anchors *out)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	return store_start(
		conn, &statements[RISING], &params,
		&(struct store_call){.op = op, .out = &out->n, .out2 = &out->res, .decode = store_decode_list});
}

int store_anchors_get(const struct store_anchors *list, struct store_anchor *out, size_t i)
{
	return i < list->n ? get_anchor(out, list->res, (int)i) : -EPROTO;
}

void store_anchors_clear(struct store_anchors *list)
{
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}
