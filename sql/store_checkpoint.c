/* Checkpoints and which of them are published. */
#include "sql/store_checkpoint.h"

#include <errno.h>
#include <string.h>

#include "sql/store_internal.h"

enum { PUT, PUT_SOON, COVERING, AT, PUBLISH, PUBLISHED_COVERING };

static const Oid put_types[] = {20, 17, 25, 20, 25, 20};
static const Oid size_types[] = {20};
static const Oid publish_types[] = {20, 25, 20};

/* One row: whether what is stored now is what was given. */
#define PUT_SQL(also)                                                                                                  \
	"WITH new AS (INSERT INTO checkpoint (size, root, note, at) SELECT $1, $2, $3, $4"                             \
	" WHERE kedge_fence($5, $6)" also                                                                              \
	" ON CONFLICT DO NOTHING RETURNING pg_notify('kedge_checkpoint', $1::text))"                                   \
	" SELECT true FROM new UNION ALL SELECT root = $2 FROM checkpoint WHERE size = $1"

static const struct pg_statement statements[] = {
	[PUT] = {.name = "checkpoint_put",
		 .sql = PUT_SQL(""),
		 .nparams = 6,
		 .types = put_types,
		 .write = true},
	/* The setting ends with the statement's own transaction. */
	[PUT_SOON] = {.name = "checkpoint_put_soon",
		      .sql = PUT_SQL(" AND set_config('synchronous_commit', 'off', true) = 'off'"),
		      .nparams = 6,
		      .types = put_types,
		      .write = true},
	[COVERING] = {.name = "checkpoint_covering",
		      .sql = "SELECT size, root, note, at FROM checkpoint WHERE size > $1 ORDER BY size DESC LIMIT 1",
		      .nparams = 1,
		      .types = size_types},
	[AT] = {.name = "checkpoint_at",
		.sql = "SELECT size, root, note, at FROM checkpoint WHERE size = $1",
		.nparams = 1,
		.types = size_types},
	[PUBLISH] = {.name = "published_put",
		     .sql = "WITH new AS (INSERT INTO published (size, at) SELECT size,"
			    " (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM checkpoint"
			    " WHERE size = $1 AND kedge_fence($2, $3)"
			    " ON CONFLICT DO NOTHING RETURNING pg_notify('kedge_published', $1::text))"
			    " SELECT true FROM new UNION ALL SELECT true FROM published WHERE size = $1",
		     .nparams = 3,
		     .types = publish_types,
		     .write = true},
	[PUBLISHED_COVERING] =
		{.name = "published_covering",
		 .sql = "SELECT c.size, c.root, c.note, p.at FROM published p JOIN checkpoint c USING (size)"
			" WHERE p.size > $1 ORDER BY p.size DESC LIMIT 1",
		 .nparams = 1,
		 .types = size_types},
};

const struct pg_statement_set store_checkpoint_set = {statements, STORE_COUNT(statements)};

static int decode(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_checkpoint *out = call->out;
	const struct pg_bytes note = pg_get_bytes(res, 0, 2);
	int err = 0;

	(void)keep;
	if (PQntuples(res) == 0)
		return -ENOENT;
	out->size = pg_get_u64(&err, res, 0, 0);
	pg_get_hash(&err, out->root, res, 0, 1);
	out->at = pg_get_u64(&err, res, 0, 3);
	if (err || !note.data || note.len > sizeof(out->note))
		return -EPROTO;
	memcpy(out->note, note.data, note.len);
	out->note_len = note.len;
	return 0;
}

static int decode_put(struct store_call *call, PGresult *res, bool *keep)
{
	int err = 0;

	(void)call;
	(void)keep;
	/* No row: another session's insert of the same size committed while this one waited; ask again. */
	if (PQntuples(res) == 0)
		return -EAGAIN;
	const bool same = pg_get_bool(&err, res, 0, 0);

	return err ? err : same ? 0 : -EEXIST;
}

static int put(struct pg_conn *conn, struct pg_op *op, int which, const struct store_fence *fence,
	       const struct store_checkpoint *checkpoint)
{
	struct pg_params params;

	if (checkpoint->note_len > sizeof(checkpoint->note))
		return -EOVERFLOW;
	pg_params_init(&params);
	pg_param_u64(&params, checkpoint->size);
	pg_param_hash(&params, checkpoint->root);
	pg_param_bytes(&params, pg_bytes(checkpoint->note, checkpoint->note_len));
	pg_param_u64(&params, checkpoint->at);
	store_param_fence(&params, fence);
	return store_start(conn, &statements[which], &params, &(struct store_call){.op = op, .decode = decode_put});
}

int store_checkpoint_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
			 const struct store_checkpoint *checkpoint)
{
	return put(conn, op, PUT, fence, checkpoint);
}

int store_checkpoint_put_soon(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
			      const struct store_checkpoint *checkpoint)
{
	return put(conn, op, PUT_SOON, fence, checkpoint);
}

static int read_one(struct pg_conn *conn, struct pg_op *op, struct store_checkpoint *out, int which, int64_t number)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_i64(&params, number);
	return store_start(conn, &statements[which], &params,
			   &(struct store_call){.op = op, .out = out, .decode = decode});
}

/* Sizes and seqs stay below 2^63; anything above is simply not there. */
static int64_t number(uint64_t value)
{
	return value < INT64_MAX ? (int64_t)value : INT64_MAX;
}

int store_checkpoint_latest(struct pg_conn *conn, struct pg_op *op, struct store_checkpoint *out)
{
	return read_one(conn, op, out, COVERING, -1);
}

int store_checkpoint_at(struct pg_conn *conn, struct pg_op *op, struct store_checkpoint *out, uint64_t size)
{
	return read_one(conn, op, out, AT, number(size));
}

int store_checkpoint_covering(struct pg_conn *conn, struct pg_op *op, struct store_checkpoint *out, uint64_t seq)
{
	return read_one(conn, op, out, COVERING, number(seq));
}

int store_published_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t size)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, size);
	store_param_fence(&params, fence);
	return store_start(conn, &statements[PUBLISH], &params,
			   &(struct store_call){.op = op, .decode = store_decode_written});
}

int store_published_latest(struct pg_conn *conn, struct pg_op *op, struct store_checkpoint *out)
{
	return read_one(conn, op, out, PUBLISHED_COVERING, -1);
}

int store_published_covering(struct pg_conn *conn, struct pg_op *op, struct store_checkpoint *out, uint64_t seq)
{
	return read_one(conn, op, out, PUBLISHED_COVERING, number(seq));
}
