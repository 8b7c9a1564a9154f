#include "sql/store_stream.h"

#include <errno.h>
#include <string.h>

#include "sql/store_internal.h"

static const Oid stream_types[] = {20, 1009, 20, 1009};

/* One probe of entry_kind a kind, so that a page costs the same wherever in the log it begins. The condition on kinds is the
 * index's own, word for word. */
static const struct pg_statement statements[] = {
	{.name = "stream",
	 .sql = "SELECT h.size, e.seq, e.at, e.kind, e.subject, e.line, p.body, f.body FROM log_head h"
		" LEFT JOIN LATERAL (SELECT x.seq, x.at, x.kind, x.subject, x.line FROM unnest($2) AS k(kind)"
		"  CROSS JOIN LATERAL (SELECT n.seq, n.at, n.kind, n.subject, n.line FROM entry n WHERE n.kind = k.kind"
		"   AND n.kind NOT IN ('attestation', 'index') AND n.seq >= $1 AND n.seq < h.size ORDER BY n.seq LIMIT $3) x"
		"  ORDER BY x.seq LIMIT $3) e ON true"
		" LEFT JOIN payload p ON p.seq = e.seq AND e.kind = ANY($4)"
		" LEFT JOIN LATERAL (SELECT o.seq FROM entry o WHERE o.subject = e.subject AND e.kind = ANY($4)"
		"  ORDER BY o.seq LIMIT 1) o ON true"
		" LEFT JOIN payload f ON f.seq = o.seq ORDER BY e.seq",
	 .nparams = 4,
	 .types = stream_types},
};

const struct pg_statement_set store_stream_set = {statements, STORE_COUNT(statements)};

static int decode(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_stream_rows *out = call->out;
	int err = 0;

	if (PQntuples(res) == 0)
		return -ENOENT;
	out->size = pg_get_u64(&err, res, 0, 0);
	if (err)
		return err;
	out->n = pg_get_null(res, 0, 1) ? 0 : (size_t)PQntuples(res);
	out->res = res;
	*keep = true;
	return 0;
}

int store_stream(struct pg_conn *conn, struct pg_op *op, struct store_stream_rows *out, const struct store_stream_ask *ask)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (ask->limit < 1 || ask->limit > STORE_STREAM_ROWS_MAX)
		return -EINVAL;
	pg_params_init(&params);
	pg_param_u64(&params, ask->from < INT64_MAX ? ask->from : INT64_MAX);
	pg_param_text_array(&params, ask->kinds, ask->nkinds);
	pg_param_u64(&params, ask->limit);
	pg_param_text_array(&params, ask->payloads, ask->npayloads);
	return store_start(conn, &statements[0], &params,
			   &(struct store_call){.op = op, .out = out, .decode = decode});
}

int store_stream_get(const struct store_stream_rows *rows, struct store_stream_row *out, size_t i)
{
	int err = i < rows->n ? 0 : -EPROTO;

	memset(out, 0, sizeof(*out));
	if (err)
		return err;
	out->seq = pg_get_u64(&err, rows->res, (int)i, 1);
	out->at = pg_get_u64(&err, rows->res, (int)i, 2);
	out->kind = pg_get_bytes(rows->res, (int)i, 3);
	out->subject = pg_get_bytes(rows->res, (int)i, 4);
	out->line = pg_get_bytes(rows->res, (int)i, 5);
	out->payload = pg_get_bytes(rows->res, (int)i, 6);
	out->first = pg_get_bytes(rows->res, (int)i, 7);
	return err;
}

void store_stream_clear(struct store_stream_rows *rows)
{
	PQclear(rows->res);
	memset(rows, 0, sizeof(*rows));
}
