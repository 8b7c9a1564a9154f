/* Owners who consented to a link and own the agent no more. */
#include "sql/store_lapse.h"

#include <errno.h>
#include <stdlib.h>

#include "sql/store_internal.h"

enum { REACH, SINCE, AMONG };

enum { LIMIT_MAX = 1000 };

static const Oid since_types[] = {20, 20, 20, 20};
static const Oid among_types[] = {25, 20, 17, 17, 20};

#define FINAL "least(i.final_number, r.indexed)"
#define COLUMNS(l, s) l ".key, p.handle, " l ".chain_id, " l ".registry, " l ".agent_id, " l ".seq, " s ".owner, " s ".number, "

static const struct pg_statement statements[] = {
	[REACH] = {.name = "lapse_reach",
		   .sql = "SELECT r.id::bigint, r.chain_id, r.address, greatest(" FINAL ", 0), i.alarm"
			  " FROM registry r JOIN chain_index i ON i.chain_id = r.chain_id ORDER BY r.id"},
	/* Few blocks hold a change, and of those few are of linked agents: from the blocks to the links, never the other way. */
	[SINCE] = {.name = "lapses_since",
		   .sql = "WITH r AS MATERIALIZED (SELECT r.id, r.chain_id, r.address, least(" FINAL ", $3) AS upto FROM registry r"
			  "  JOIN chain_index i ON i.chain_id = r.chain_id WHERE r.id = $1 AND NOT i.alarm),"
			  " s AS MATERIALIZED (SELECT s.* FROM agent_state s WHERE s.chain_id = (SELECT chain_id FROM r) AND s.number > $2"
			  "  AND s.number <= (SELECT upto FROM r)),"
			  " l AS MATERIALIZED (SELECT l.key, l.chain_id, l.registry, l.agent_id, l.seq, s.owner, s.number FROM s JOIN r ON r.id = s.registry"
			  "  JOIN participant_agent l ON l.chain_id = r.chain_id AND l.registry = r.address AND l.agent_id = s.agent_id"
			  "  AND l.owner <> s.owner AND l.latest_number < s.number ORDER BY s.number, l.key LIMIT $4)"
			  " SELECT " COLUMNS("l", "l") "b.hash FROM l JOIN participant p ON p.key = l.key"
			  " JOIN block b ON b.chain_id = l.chain_id AND b.number = l.number ORDER BY l.number, l.key",
		   .nparams = 4,
		   .types = since_types},
	/* From the state in force at the consent on: a reorganisation may have taken away what made the consenting one the owner. */
	[AMONG] = {.name = "lapses_among",
		   .sql = "WITH k AS MATERIALIZED (SELECT * FROM participant_agent WHERE (key, chain_id, registry, agent_id)"
			  "  > ($1, $2, $3, $4) ORDER BY key, chain_id, registry, agent_id LIMIT $5),"
			  " l AS (SELECT k.*, row_number() OVER (ORDER BY key, chain_id, registry, agent_id) = (SELECT count(*) FROM k)"
			  "  AS last FROM k)"
			  " SELECT " COLUMNS("l", "s") "s.hash FROM l JOIN participant p ON p.key = l.key LEFT JOIN LATERAL ("
			  "  SELECT s.owner, s.number, b.hash FROM registry r JOIN chain_index i ON i.chain_id = r.chain_id"
			  "  JOIN agent_state s ON s.registry = r.id AND s.agent_id = l.agent_id AND s.number <= " FINAL
			  "  AND s.number >= coalesce((SELECT o.number FROM agent_state o WHERE o.registry = r.id"
			  "   AND o.agent_id = l.agent_id AND o.number <= l.latest_number ORDER BY o.number DESC LIMIT 1), 0)"
			  "  JOIN block b ON b.chain_id = s.chain_id AND b.number = s.number"
			  "  WHERE r.chain_id = l.chain_id AND r.address = l.registry AND NOT i.alarm AND " FINAL " >= l.latest_number"
			  "  AND s.owner <> l.owner ORDER BY s.number LIMIT 1) s ON true"
			  " WHERE s.number IS NOT NULL OR l.last ORDER BY l.key, l.chain_id, l.registry, l.agent_id",
		   .nparams = 5,
		   .types = among_types},
};

const struct pg_statement_set store_lapse_set = {statements, STORE_COUNT(statements)};

static int get_reach(void *into, const PGresult *res, int row)
{
	struct store_lapse_reach *out = into;
	int err = 0;

	out->registry = (uint32_t)pg_get_u64(&err, res, row, 0);
	out->chain_id = pg_get_u64(&err, res, row, 1);
	store_get_address(&err, out->address, res, row, 2);
	out->number = pg_get_u64(&err, res, row, 3);
	out->alarm = pg_get_bool(&err, res, row, 4);
	return err;
}

static int decode_reach(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_lapse_reaches *out = call->out;
	int err = 0;

	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_reach);
	if (!err) {
		out->res = res;
		*keep = true;
	}
	return err;
}

void store_lapse_reaches_clear(struct store_lapse_reaches *list)
{
	free(list->rows);
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

int store_lapse_reach(struct pg_conn *conn, struct pg_op *op, struct store_lapse_reaches *out)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	return store_start(conn, &statements[REACH], &params, &(struct store_call){.op = op, .out = out, .decode = decode_reach});
}

static int get_lapse(void *into, const PGresult *res, int row)
{
	struct store_lapse *out = into;
	int err = 0;

	out->key = pg_get_bytes(res, row, 0);
	out->handle = pg_get_bytes(res, row, 1);
	out->chain_id = pg_get_u64(&err, res, row, 2);
	store_get_address(&err, out->registry, res, row, 3);
	pg_get_hash(&err, out->agent_id, res, row, 4);
	out->seq = pg_get_u64(&err, res, row, 5);
	out->lapsed = !pg_get_null(res, row, 7);
	if (out->lapsed) {
		store_get_address(&err, out->owner, res, row, 6);
		out->number = pg_get_u64(&err, res, row, 7);
		pg_get_hash(&err, out->hash, res, row, 8);
	}
	return err;
}

static int decode_lapses(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_lapses *out = call->out;
	int err = 0;

	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_lapse);
	if (!err) {
		out->res = res;
		*keep = true;
	}
	return err;
}

void store_lapses_clear(struct store_lapses *list)
{
	free(list->rows);
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

static int start(struct pg_conn *conn, struct pg_op *op, struct store_lapses *out, int which, struct pg_params *params)
{
	return store_start(conn, &statements[which], params, &(struct store_call){.op = op, .out = out, .decode = decode_lapses});
}

int store_lapses_since(struct pg_conn *conn, struct pg_op *op, struct store_lapses *out, uint32_t registry, uint64_t after, uint64_t upto,
		       unsigned limit)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (limit < 1 || limit > LIMIT_MAX)
		return -EINVAL;
	pg_params_init(&params);
	pg_param_u64(&params, registry);
	pg_param_i64(&params, store_clamp(after));
	pg_param_i64(&params, store_clamp(upto));
	pg_param_u64(&params, limit);
	return start(conn, op, out, SINCE, &params);
}

int store_lapses_among(struct pg_conn *conn, struct pg_op *op, struct store_lapses *out, const struct store_lapse *after, unsigned limit)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (limit < 1 || limit > LIMIT_MAX)
		return -EINVAL;
	pg_params_init(&params);
	pg_param_bytes(&params, after ? after->key : pg_bytes("", 0));
	pg_param_u64(&params, after ? after->chain_id : 0);
	pg_param_bytes(&params, after ? pg_bytes(after->registry, sizeof(after->registry)) : pg_bytes("", 0));
	pg_param_bytes(&params, after ? pg_bytes(after->agent_id, sizeof(after->agent_id)) : pg_bytes("", 0));
	pg_param_u64(&params, limit);
	return start(conn, op, out, AMONG, &params);
}
