/* Claims of links: what is claimed, what is due, what came of asking. */
#include "sql/store_link.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "sql/store_internal.h"

enum { AGENT_GONE, AGENT, PARTICIPANT_GONE, PARTICIPANT, REMOVE, REMOVE_ASKED, STRAYS, DUE, PUT, PUT_OFF, SWEEP };

enum { LIMIT_MAX = 1000 };

static const Oid agent_gone_types[] = {20, 17, 25, 1009, 1016};
static const Oid agent_types[] = {20, 17, 25, 1009, 1016, 17, 20};
static const Oid participant_gone_types[] = {25, 1009, 1016, 1016};
static const Oid participant_types[] = {25, 1009, 1016, 1016, 20};
static const Oid key_types[] = {25};
static const Oid due_types[] = {20, 20};
static const Oid put_types[] = {25, 25, 20, 20, 25, 20, 20, 20, 16, 20, 20, 25, 20};
static const Oid put_off_types[] = {25, 25, 20, 20, 25, 20, 20};
static const Oid sweep_types[] = {25, 20, 20, 20};

/* Keys of participants, as a range of subjects. */
#define STRAY                                                                                                                              \
	"c.subject >= 'urn:kedge:p:' AND c.subject < 'urn:kedge:p;' AND c.seq IS NOT NULL"                                                \
	" AND NOT EXISTS (SELECT FROM participant p WHERE p.key = c.subject)"
#define AHEAD "c.due > $4 + 60000 AND coalesce(c.checked, c.since) > $4 + 60000"
/* One claim, while it still is the one that was due. */
#define THE_CLAIM                                                                                                                          \
	"b AS MATERIALIZED (SELECT c.state FROM link_claim c WHERE c.subject = $1 AND c.object = $2 AND c.kind = $3"                      \
	" AND c.seq IS NOT DISTINCT FROM $4 AND kedge_fence($5, $6) FOR UPDATE OF c)"

static const struct pg_statement statements[] = {
	[AGENT_GONE] = {.name = "link_agent_gone",
			.sql = "WITH d AS (DELETE FROM link_claim c WHERE c.registry = $1 AND c.agent_id = $2"
			       "  AND NOT EXISTS (SELECT FROM unnest($4, $5) AS n(object, kind) WHERE n.object = c.object AND n.kind = c.kind)"
			       "  RETURNING c.object)"
			       " SELECT pg_notify('kedge_links', $3) WHERE EXISTS (SELECT FROM d)",
			.nparams = 5,
			.types = agent_gone_types},
	[AGENT] = {.name = "link_agent",
		   .sql = "WITH p AS (INSERT INTO link_claim AS c (subject, object, kind, registry, agent_id, uri, place, since, due)"
			  "  SELECT $3, n.object, n.kind, $1, $2, sha256($6), n.place - 1, $7, CASE WHEN n.kind = 1 THEN $7 END"
			  "  FROM unnest($4, $5) WITH ORDINALITY AS n(object, kind, place)"
			  "  ON CONFLICT (subject, object) DO UPDATE SET uri = excluded.uri, place = excluded.place"
			  "  WHERE c.uri <> excluded.uri OR c.place <> excluded.place RETURNING c.object)"
			  " SELECT pg_notify('kedge_links', $3) WHERE EXISTS (SELECT FROM p)",
		   .nparams = 7,
		   .types = agent_types},
	[PARTICIPANT_GONE] = {.name = "link_participant_gone",
			      .sql = "WITH d AS (DELETE FROM link_claim c WHERE c.subject = $1"
				     "  AND NOT EXISTS (SELECT FROM unnest($2, $3, $4) AS n(object, kind, seq)"
				     "   WHERE n.object = c.object AND n.kind = c.kind AND n.seq = c.seq) RETURNING c.object)"
				     " SELECT pg_notify('kedge_links', $1) WHERE EXISTS (SELECT FROM d)",
			      .nparams = 4,
			      .types = participant_gone_types},
	/* The entry that makes this very change is not in the log yet. */
	[PARTICIPANT] = {.name = "link_participant",
			 .sql = "WITH n AS (SELECT n.object, n.kind, n.seq, n.place, coalesce(e.at, $5) AS at"
				"  FROM unnest($2, $3, $4) WITH ORDINALITY AS n(object, kind, seq, place)"
				"  LEFT JOIN entry e ON e.seq = n.seq),"
				" p AS (INSERT INTO link_claim AS c (subject, object, kind, seq, place, state, since, checked, good, due)"
				"  SELECT $1, n.object, n.kind, n.seq, n.place - 1, (n.kind = 3)::int, n.at,"
				"  CASE WHEN n.kind = 3 THEN n.at END, CASE WHEN n.kind = 3 THEN n.at END,"
				"  CASE n.kind WHEN 1 THEN n.at WHEN 3 THEN n.at + 86400000 END FROM n"
				"  ON CONFLICT (subject, object) DO UPDATE SET place = excluded.place WHERE c.place <> excluded.place"
				"  RETURNING c.object)"
				" SELECT pg_notify('kedge_links', $1) WHERE EXISTS (SELECT FROM p)",
			 .nparams = 5,
			 .types = participant_types},
	[REMOVE] = {.name = "link_remove",
		    .sql = "WITH d AS (DELETE FROM link_claim WHERE subject = $1 RETURNING object)"
			   " SELECT pg_notify('kedge_links', $1) WHERE EXISTS (SELECT FROM d)",
		    .nparams = 1,
		    .types = key_types},
	[REMOVE_ASKED] = {.name = "link_remove_asked",
			  .sql = "DELETE FROM link_asked WHERE subject = $1",
			  .nparams = 1,
			  .types = key_types},
	[STRAYS] = {.name = "link_remove_strays", .sql = "DELETE FROM link_claim c WHERE " STRAY},
	[DUE] = {.name = "links_due",
		 .sql = "SELECT c.subject, c.object, c.kind::bigint, c.state::bigint, c.tries::bigint, coalesce(c.good, 0), c.seq,"
			" p.handle, y.body, c.due"
			" FROM ((SELECT * FROM link_claim WHERE due <= $1 AND state = 1 AND tries = 0 ORDER BY due LIMIT $2) UNION ALL"
			"  (SELECT * FROM link_claim WHERE due <= $1 AND (state <> 1 OR tries > 0) ORDER BY due LIMIT greatest($2 / 4, 1))) c"
			" LEFT JOIN participant p ON c.seq IS NOT NULL AND p.key = c.subject"
			" LEFT JOIN payload y ON c.kind = 3 AND y.seq = c.seq ORDER BY c.state <> 1 OR c.tries > 0, c.due",
		 .nparams = 2,
		 .types = due_types},
	[PUT] = {.name = "link_put",
		 .sql = "WITH " THE_CLAIM ","
			" u AS (UPDATE link_claim c SET state = $7, since = CASE WHEN b.state <> $7 THEN $8 ELSE c.since END, checked = $8,"
			"  good = CASE WHEN $9 THEN $8 ELSE c.good END, due = CASE WHEN c.due = $13 THEN $10 ELSE greatest(c.due, $8) END,"
			"  tries = $11, evidence = $12 FROM b"
			"  WHERE c.subject = $1 AND c.object = $2)"
			" SELECT CASE WHEN b.state <> $7 THEN pg_notify('kedge_links', $1)::text END FROM b",
		 .nparams = 13,
		 .types = put_types,
		 .write = true},
	[PUT_OFF] = {.name = "link_put_off",
		     .sql = "WITH " THE_CLAIM ","
			    " u AS (UPDATE link_claim c SET due = $7 FROM b WHERE c.subject = $1 AND c.object = $2)"
			    " SELECT true FROM b",
		     .nparams = 7,
		     .types = put_off_types,
		     .write = true},
	[SWEEP] = {.name = "link_sweep",
		   .sql = "WITH f AS MATERIALIZED (SELECT kedge_fence($1, $2) AS held),"
			  " a AS (DELETE FROM link_asked a USING f WHERE f.held AND a.at < $3),"
			  " c AS (DELETE FROM link_claim c USING f WHERE f.held AND " STRAY "),"
			  " d AS (UPDATE link_claim c SET due = $4 FROM f WHERE f.held AND c.state = 1 AND c.tries = 0 AND " AHEAD "),"
			  " e AS (UPDATE link_claim c SET due = $4 FROM f WHERE f.held AND (c.state <> 1 OR c.tries > 0) AND " AHEAD ")"
			  " SELECT held FROM f",
		   .nparams = 4,
		   .types = sweep_types,
		   .write = true},
};

const struct pg_statement_set store_link_set = {statements, STORE_COUNT(statements)};

/* ---- what is claimed ---- */

static void param_claims(struct pg_params *params, struct store_columns *columns)
{
	store_column_text(params, columns, offsetof(struct store_link_claim, object));
	store_column_u32(params, columns, offsetof(struct store_link_claim, kind));
}

static int queue_agent(struct pg_txn *txn, int which, const struct store_link_agent *agent, struct store_columns *columns)
{
	struct pg_params params;

	store_param_agent(&params, agent->registry, agent->agent_id);
	pg_param_bytes(&params, agent->subject);
	param_claims(&params, columns);
	if (which == AGENT) {
		pg_param_bytes(&params, pg_bytes(agent->uri.data ? agent->uri.data : (const void *)"", agent->uri.len));
		pg_param_u64(&params, agent->at);
	}
	return store_queue(txn, &statements[which], &params);
}

static int check_claims(const struct store_link_claim *claims, size_t n)
{
	if (n > STORE_LINK_CLAIMS_MAX)
		return -EOVERFLOW;
	for (size_t i = 0; i < n; i++)
		if (claims[i].object.len > STORE_LINK_OBJECT_MAX)
			return -EOVERFLOW;
	return 0;
}

int store_link_put_agent(struct pg_txn *txn, const struct store_link_agent *agent)
{
	struct store_columns columns;
	int err = check_claims(agent->claims, agent->nclaims);

	if (!err)
		err = store_columns_init(&columns, agent->claims, agent->nclaims, sizeof(*agent->claims));
	if (err)
		return err;
	err = queue_agent(txn, AGENT_GONE, agent, &columns);
	if (!err && agent->nclaims > 0)
		err = queue_agent(txn, AGENT, agent, &columns);
	store_columns_clear(&columns);
	return err;
}

static int queue_participant(struct pg_txn *txn, int which, struct pg_bytes key, uint64_t at, struct store_columns *columns)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_bytes(&params, key);
	param_claims(&params, columns);
	store_column_u64(&params, columns, offsetof(struct store_link_claim, seq));
	if (which == PARTICIPANT)
		pg_param_u64(&params, at);
	return store_queue(txn, &statements[which], &params);
}

int store_link_put_participant(struct pg_txn *txn, struct pg_bytes key, uint64_t at, const struct store_link_claim *claims, size_t nclaims)
{
	struct store_columns columns;
	int err = check_claims(claims, nclaims);

	if (!err)
		err = store_columns_init(&columns, claims, nclaims, sizeof(*claims));
	if (err)
		return err;
	err = queue_participant(txn, PARTICIPANT_GONE, key, at, &columns);
	if (!err && nclaims > 0)
		err = queue_participant(txn, PARTICIPANT, key, at, &columns);
	store_columns_clear(&columns);
	return err;
}

static int queue_subject(struct pg_txn *txn, int which, struct pg_bytes subject)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_bytes(&params, subject);
	return store_queue(txn, &statements[which], &params);
}

int store_link_remove(struct pg_txn *txn, struct pg_bytes subject)
{
	int err = queue_subject(txn, REMOVE, subject);

	return err ? err : queue_subject(txn, REMOVE_ASKED, subject);
}

int store_link_remove_strays(struct pg_txn *txn)
{
	return pg_txn_query(txn, &statements[STRAYS], NULL, NULL, NULL);
}

/* ---- what came of it ---- */

static int get_due(void *into, const PGresult *res, int row)
{
	struct store_link_due *out = into;
	int err = 0;

	out->subject = pg_get_bytes(res, row, 0);
	out->object = pg_get_bytes(res, row, 1);
	out->kind = (uint32_t)pg_get_u64(&err, res, row, 2);
	out->state = (uint32_t)pg_get_u64(&err, res, row, 3);
	out->tries = (uint32_t)pg_get_u64(&err, res, row, 4);
	out->good = pg_get_u64(&err, res, row, 5);
	out->has_seq = !pg_get_null(res, row, 6);
	if (out->has_seq)
		out->seq = pg_get_u64(&err, res, row, 6);
	out->handle = pg_get_bytes(res, row, 7);
	out->payload = pg_get_bytes(res, row, 8);
	out->due = pg_get_u64(&err, res, row, 9);
	return err;
}

static int decode_due(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_links_due *out = call->out;
	int err = 0;

	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_due);
	if (!err) {
		out->res = res;
		*keep = true;
	}
	return err;
}

void store_links_due_clear(struct store_links_due *list)
{
	free(list->rows);
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

int store_links_due(struct pg_conn *conn, struct pg_op *op, struct store_links_due *out, uint64_t now, unsigned limit)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (limit < 1 || limit > LIMIT_MAX)
		return -EINVAL;
	pg_params_init(&params);
	pg_param_i64(&params, store_clamp(now));
	pg_param_u64(&params, limit);
	return store_start(conn, &statements[DUE], &params, &(struct store_call){.op = op, .out = out, .decode = decode_due});
}

static void param_claim(struct pg_params *params, const struct store_link_checked *checked, const struct store_fence *fence)
{
	pg_params_init(params);
	pg_param_bytes(params, checked->subject);
	pg_param_bytes(params, checked->object);
	pg_param_u64(params, checked->kind);
	if (checked->has_seq)
		pg_param_u64(params, checked->seq);
	else
		pg_param_null(params);
	store_param_fence(params, fence);
}

int store_link_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, const struct store_link_checked *checked)
{
	struct pg_params params;

	if (checked->evidence.len > STORE_LINK_EVIDENCE_MAX)
		return -EOVERFLOW;
	param_claim(&params, checked, fence);
	pg_param_u64(&params, checked->state);
	pg_param_u64(&params, checked->at);
	pg_param_bool(&params, checked->good);
	pg_param_u64(&params, checked->due);
	pg_param_u64(&params, checked->tries);
	pg_param_bytes(&params, checked->evidence);
	pg_param_u64(&params, checked->was_due);
	return store_start(conn, &statements[PUT], &params, &(struct store_call){.op = op, .decode = store_decode_written});
}

int store_link_put_off(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, const struct store_link_checked *checked)
{
	struct pg_params params;

	param_claim(&params, checked, fence);
	pg_param_u64(&params, checked->due);
	return store_start(conn, &statements[PUT_OFF], &params, &(struct store_call){.op = op, .decode = store_decode_written});
}

int store_link_sweep(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t before,
		     uint64_t now)
{
	struct pg_params params;

	pg_params_init(&params);
	store_param_fence(&params, fence);
	pg_param_u64(&params, before);
	pg_param_i64(&params, store_clamp(now));
	return store_start(conn, &statements[SWEEP], &params, &(struct store_call){.op = op, .decode = store_decode_written});
}
