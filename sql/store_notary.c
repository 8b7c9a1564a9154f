/* The notary's place, the agents it knows, and what became final about them. */
#include "sql/store_notary.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "sql/store_internal.h"

enum { PLACE, PROGRESS, NEWS, KNOWN, STATES, FEEDBACK, BLOCKS };

enum { LIMIT_MAX = 1000 };

static const Oid progress_types[] = {25, 20, 20, 20, 1009, 1016, 1001, 1016, 1016, 1009, 1016, 1016};
static const Oid news_types[] = {1016, 1016, 25, 20};
static const Oid known_types[] = {25};
static const Oid range_types[] = {20, 17, 20, 20};
static const Oid blocks_types[] = {20, 1016};

/*
 * The final block of the chain of registry $1; less of a registry that was added later and has not caught up, whose
 * events and states above `indexed` may have gaps and are not compared with storage yet.
 */
#define FINAL_NUMBER                                                                                                   \
	"(SELECT least(i.final_number, r.indexed) FROM registry r JOIN chain_index i ON i.chain_id = r.chain_id WHERE r.id = $1)"

static const struct pg_statement statements[] = {
	[PLACE] = {.name = "notary_place", .sql = "SELECT seq, checked FROM logged_identity"},
	[PROGRESS] = {.name = "notary_progress",
		      .sql = "WITH f AS MATERIALIZED (SELECT kedge_fence($1, $2) AS held),"
			     " p AS (INSERT INTO logged_identity (seq, checked) SELECT $3, $4 FROM f"
			     "  WHERE held AND $3 IS NOT NULL ON CONFLICT (one) DO UPDATE SET seq = excluded.seq,"
			     "  checked = excluded.checked),"
			     " a AS (INSERT INTO known_agent (key, registry, agent_id, logged, feedback)"
			     "  SELECT n.key, n.registry, n.agent_id, n.logged, n.feedback FROM f,"
			     "  unnest($5, $6, $7, $8, $9) AS n(key, registry, agent_id, logged, feedback) WHERE held"
			     "  ON CONFLICT DO NOTHING),"
			     " m AS (UPDATE known_agent k SET logged = greatest(k.logged, n.logged),"
			     "  feedback = greatest(k.feedback, n.feedback) FROM f,"
			     "  unnest($10, $11, $12) AS n(key, logged, feedback) WHERE held AND k.key = n.key)"
			     " SELECT held FROM f",
		      .nparams = 12,
		      .types = progress_types,
		      .write = true},
	[NEWS] = {.name = "known_news",
		  .sql = "SELECT k.key, k.registry::bigint, k.agent_id, k.logged, k.feedback, n.news, n.feedback_news"
			 " FROM known_agent k JOIN registry r ON r.id = k.registry"
			 " JOIN chain_index i ON i.chain_id = r.chain_id CROSS JOIN LATERAL (SELECT"
			 "  EXISTS (SELECT FROM agent_state s WHERE s.registry = k.registry AND s.agent_id = k.agent_id"
			 "   AND s.number > k.logged AND s.number <= least(i.final_number, r.indexed)) AS news,"
			 "  EXISTS (SELECT FROM unnest($1, $2) AS p(identity, reputation) JOIN agent_event e"
			 "   ON e.registry = p.reputation AND e.agent_id = k.agent_id AND e.number > k.feedback"
			 "   JOIN registry f ON f.id = p.reputation AND e.number <= least(i.final_number, f.indexed)"
			 "   WHERE p.identity = k.registry) AS feedback_news) n"
			 " WHERE k.key > $3 AND NOT i.alarm AND (n.news OR n.feedback_news) ORDER BY k.key LIMIT $4",
		  .nparams = 4,
		  .types = news_types},
	[KNOWN] = {.name = "known_get",
		   .sql = "SELECT k.key, k.registry::bigint, k.agent_id, k.logged, k.feedback, false, false"
			  " FROM known_agent k WHERE k.key = $1",
		   .nparams = 1,
		   .types = known_types},
	[STATES] = {.name = "states_final",
		    .sql = "SELECT " STORE_STATE_COLUMNS " FROM (SELECT * FROM agent_state WHERE registry = $1"
			   " AND agent_id = $2 AND number > $3 AND number <= " FINAL_NUMBER
			   " ORDER BY number LIMIT $4) s" STORE_STATE_JOINS " ORDER BY s.number",
		    .nparams = 4,
		    .types = range_types},
	[FEEDBACK] =
		{.name = "feedback_final",
		 .sql = "SELECT " STORE_EVENT_COLUMNS " FROM (SELECT * FROM agent_event WHERE registry = $1"
			" AND agent_id = $2 AND number > $3 AND number <= " FINAL_NUMBER
			" AND kind BETWEEN 16 AND 18 ORDER BY number FETCH FIRST ($4) ROWS WITH TIES) e"
			" ORDER BY e.number, e.log_index",
		 .nparams = 4,
		 .types = range_types},
	[BLOCKS] = {.name = "blocks_final",
		    .sql = "SELECT " STORE_BLOCK_COLUMNS " FROM block b WHERE b.chain_id = $1 AND b.number = ANY($2)"
			   " AND b.final ORDER BY b.number",
		    .nparams = 2,
		    .types = blocks_types},
};

const struct pg_statement_set store_notary_set = {statements, STORE_COUNT(statements)};

static int decode_place(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_notary_place *out = call->out;
	int err = 0;

	(void)keep;
	if (PQntuples(res) == 0)
		return 0;
	out->seq = pg_get_u64(&err, res, 0, 0);
	out->checked = pg_get_u64(&err, res, 0, 1);
	return err;
}

int store_notary_place(struct pg_conn *conn, struct pg_op *op, struct store_notary_place *out)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	return store_start(conn, &statements[PLACE], &params,
			   &(struct store_call){.op = op, .out = out, .decode = decode_place});
}

static void param_progress(struct pg_params *params, struct store_columns *columns)
{
	store_column_i64(params, columns, offsetof(struct store_known, logged));
	store_column_i64(params, columns, offsetof(struct store_known, feedback));
}

int store_notary_progress(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
			  const struct store_notary_place *place, const struct store_known *added, size_t nadded,
			  const struct store_known *moved, size_t nmoved)
{
	struct store_columns a, m;
	struct pg_params params;
	int err = store_columns_init(&a, added, nadded, sizeof(*added));

	if (err)
		return err;
	err = store_columns_init(&m, moved, nmoved, sizeof(*moved));
	if (err)
		goto out;
	pg_params_init(&params);
	store_param_fence(&params, fence);
	if (place) {
		pg_param_u64(&params, place->seq);
		pg_param_u64(&params, place->checked);
	} else {
		pg_param_null(&params);
		pg_param_null(&params);
	}
	store_column_text(&params, &a, offsetof(struct store_known, key));
	store_column_u32(&params, &a, offsetof(struct store_known, registry));
	store_column_fixed(&params, &a, offsetof(struct store_known, agent_id), 32);
	param_progress(&params, &a);
	store_column_text(&params, &m, offsetof(struct store_known, key));
	param_progress(&params, &m);
	err = store_start(conn, &statements[PROGRESS], &params,
			  &(struct store_call){.op = op, .decode = store_decode_written});
	store_columns_clear(&m);
out:
	store_columns_clear(&a);
	return err;
}

static int get_known(void *into, const PGresult *res, int row)
{
	struct store_known *out = into;
	int err = 0;

	out->key = pg_get_bytes(res, row, 0);
	out->registry = (uint32_t)pg_get_u64(&err, res, row, 1);
	pg_get_hash(&err, out->agent_id, res, row, 2);
	out->logged = pg_get_i64(&err, res, row, 3);
	out->feedback = pg_get_i64(&err, res, row, 4);
	out->news = pg_get_bool(&err, res, row, 5);
	out->feedback_news = pg_get_bool(&err, res, row, 6);
	return err;
}

static int decode_knowns(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_knowns *out = call->out;
	int err = 0;

	if (call->n && PQntuples(res) == 0)
		return -ENOENT;
	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_known);
	if (!err) {
		out->res = res;
		*keep = true;
	}
	return err;
}

void store_knowns_clear(struct store_knowns *list)
{
	free(list->rows);
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

int store_known_news(struct pg_conn *conn, struct pg_op *op, struct store_knowns *out,
		     const struct store_reputation *reputations, size_t nreputations, struct pg_bytes after,
		     unsigned limit)
{
	struct store_columns columns;
	struct pg_params params;
	int err;

	memset(out, 0, sizeof(*out));
	if (limit < 1 || limit > LIMIT_MAX)
		return -EINVAL;
	err = store_columns_init(&columns, reputations, nreputations, sizeof(*reputations));
	if (err)
		return err;
	pg_params_init(&params);
	store_column_u32(&params, &columns, offsetof(struct store_reputation, identity));
	store_column_u32(&params, &columns, offsetof(struct store_reputation, reputation));
	pg_param_bytes(&params, after.data ? after : pg_text(""));
	pg_param_u64(&params, limit);
	err = store_start(conn, &statements[NEWS], &params,
			  &(struct store_call){.op = op, .out = out, .decode = decode_knowns});
	store_columns_clear(&columns);
	return err;
}

int store_known_get(struct pg_conn *conn, struct pg_op *op, struct store_knowns *out, struct pg_bytes key)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_bytes(&params, key);
	return store_start(conn, &statements[KNOWN], &params,
			   &(struct store_call){.op = op, .out = out, .n = 1, .decode = decode_knowns});
}

static void param_range(struct pg_params *params, uint32_t registry, const uint8_t agent_id[static 32], int64_t after,
			unsigned limit)
{
	pg_params_init(params);
	pg_param_u64(params, registry);
	pg_param_hash(params, agent_id);
	pg_param_i64(params, after);
	pg_param_u64(params, limit);
}

int store_states_final(struct pg_conn *conn, struct pg_op *op, struct store_states *out, uint32_t registry,
		       const uint8_t agent_id[static 32], int64_t after, unsigned limit)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (limit < 1 || limit > LIMIT_MAX)
		return -EINVAL;
	param_range(&params, registry, agent_id, after, limit);
	return store_start(conn, &statements[STATES], &params,
			   &(struct store_call){.op = op, .out = out, .decode = store_decode_states});
}

int store_feedback_final(struct pg_conn *conn, struct pg_op *op, struct store_events *out, uint32_t reputation,
			 const uint8_t agent_id[static 32], int64_t after, unsigned limit)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (limit < 1 || limit > LIMIT_MAX)
		return -EINVAL;
	param_range(&params, reputation, agent_id, after, limit);
	return store_start(conn, &statements[FEEDBACK], &params,
			   &(struct store_call){.op = op, .out = out, .decode = store_decode_events});
}

int store_blocks_final(struct pg_conn *conn, struct pg_op *op, struct store_index_blocks *out, uint64_t chain_id,
		       const uint64_t *numbers, size_t n)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_u64(&params, chain_id);
	pg_param_u64_array(&params, numbers, n);
	return store_start(conn, &statements[BLOCKS], &params,
			   &(struct store_call){.op = op, .out = out, .decode = store_decode_blocks});
}
