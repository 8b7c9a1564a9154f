/*
 * Searching the agents of now. Each statement leads with one filter's index, the first given of owner, wallet, name and
 * service; those after it narrow what it finds.
 */
#include "sql/store_identity.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "sql/store_internal.h"

enum { ALL, OWNER, WALLET, NAME, SERVICE };

enum { LIMIT_MAX = 1000 };

static const Oid types[] = {20, 17, 20, 20, 17, 17, 25, 25};

/* Anybody may give a thousand agents URIs of 64 KiB: a page holds a bounded sum of them, as a page of history does. */
#define BOUNDED(page)                                                                                                  \
	"SELECT q.registry, q.agent_id, q.number, q.owner, q.wallet, q.body, q.name, q.total FROM (SELECT p.*,"        \
	" sum(octet_length(p.body)) OVER (ORDER BY p.registry, p.agent_id) - octet_length(p.body) AS before,"          \
	" count(*) OVER () AS total FROM (" page ") p) q WHERE q.before <= 1048576 ORDER BY q.registry, q.agent_id"
_Static_assert(STORE_AGENTS_BYTES == 1048576, "as in BOUNDED");

#define COLUMNS "SELECT a.registry::bigint, a.agent_id, a.number, a.owner, a.wallet, u.body, f.name"
#define WITH_FILE                                                                                                      \
	" JOIN uri u ON u.hash = a.uri"                                                                                \
	" LEFT JOIN file_now f ON f.registry = a.registry AND f.agent_id = a.agent_id"
#define QUIET(registry)                                                                                                \
	" AND " registry " NOT IN (SELECT x.id FROM registry x JOIN chain_index y ON y.chain_id = x.chain_id WHERE y.alarm)"
#define AFTER_A " (a.registry, a.agent_id) > ($1, $2) AND a.registry <= $3" QUIET("a.registry")
#define AFTER_F " (f.registry, f.agent_id) > ($1, $2) AND f.registry <= $3" QUIET("f.registry")
#define AND_WALLET " AND ($6::bytea IS NULL OR a.wallet = $6)"
#define AND_NAME " AND ($7::text IS NULL OR starts_with(lower(f.name), lower($7)))"
#define AND_SERVICE " AND ($8::text IS NULL OR lower($8) = ANY (f.services))"
#define PAGE " ORDER BY a.registry, a.agent_id LIMIT $4"

/*
 * Of files: what a filter's index finds is put in order if it is at most 1,000. Otherwise all files are read in order and
 * filtered one by one, which soon fills a page. A constant LIMIT tells the planner that a page is short.
 */
#define FROM_FILES(indexed, plain) BOUNDED(FILES(indexed, plain))
#define FILES(indexed, plain)                                                                                          \
	"WITH m AS MATERIALIZED (SELECT registry, agent_id, name, services FROM file_now WHERE " indexed               \
	"  LIMIT 1001), c AS MATERIALIZED (SELECT count(*) AS n FROM m) " COLUMNS                                      \
	" FROM ((SELECT f.registry, f.agent_id, f.name FROM m f"                                                       \
	"  WHERE (SELECT n FROM c) <= 1000 AND" AFTER_F AND_SERVICE " ORDER BY f.registry, f.agent_id LIMIT $4)"       \
	" UNION ALL (SELECT * FROM (SELECT f.registry, f.agent_id, f.name FROM file_now f"                             \
	"  WHERE (SELECT n FROM c) > 1000 AND" AFTER_F " AND " plain AND_SERVICE                                       \
	"  ORDER BY f.registry, f.agent_id LIMIT 1000) f LIMIT $4)) f"                                                 \
	" JOIN agent_now a ON a.registry = f.registry AND a.agent_id = f.agent_id"                                     \
	" JOIN uri u ON u.hash = a.uri" PAGE
/* A prefix as a range of bytes: LIKE would need it when the statement is planned. U+10FFFF is above every character. */
#define NAME_RANGE "lower(name) ~>=~ lower($7) AND lower(name) ~<=~ (lower($7) || chr(1114111))"

static const char all_sql[] = BOUNDED(COLUMNS
	" FROM (SELECT * FROM agent_now a WHERE" AFTER_A " ORDER BY a.registry, a.agent_id LIMIT 1000) a" WITH_FILE PAGE);
static const char owner_sql[] =
	BOUNDED(COLUMNS " FROM agent_now a" WITH_FILE " WHERE a.owner = $5 AND" AFTER_A AND_WALLET AND_NAME AND_SERVICE PAGE);
static const char wallet_sql[] =
	BOUNDED(COLUMNS " FROM agent_now a" WITH_FILE " WHERE a.wallet = $6 AND" AFTER_A AND_NAME AND_SERVICE PAGE);

static const struct pg_statement statements[] = {
	[ALL] = {.name = "agents", .sql = all_sql, .nparams = 8, .types = types},
	[OWNER] = {.name = "agents_owner", .sql = owner_sql, .nparams = 8, .types = types},
	[WALLET] = {.name = "agents_wallet", .sql = wallet_sql, .nparams = 8, .types = types},
	[NAME] = {.name = "agents_name",
		  .sql = FROM_FILES(NAME_RANGE, "starts_with(lower(f.name), lower($7))"),
		  .nparams = 8,
		  .types = types},
	[SERVICE] = {.name = "agents_service",
		     .sql = FROM_FILES("services @> ARRAY[lower($8)]", "true"),
		     .nparams = 8,
		     .types = types},
};

const struct pg_statement_set store_identity_search_set = {statements, STORE_COUNT(statements)};

static int get_agent(void *into, const PGresult *res, int row)
{
	struct store_agent_row *out = into;
	int err = 0;

	out->registry = (uint32_t)pg_get_u64(&err, res, row, 0);
	pg_get_hash(&err, out->agent_id, res, row, 1);
	out->number = pg_get_u64(&err, res, row, 2);
	store_get_address(&err, out->owner, res, row, 3);
	out->has_wallet = store_get_address(&err, out->wallet, res, row, 4);
	out->uri = pg_get_bytes(res, row, 5);
	out->name = pg_get_bytes(res, row, 6);
	return err;
}

static int decode_agents(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_agents *out = call->out;
	int err = 0;

	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_agent);
	if (!err && out->n > 0)
		out->more = out->n == call->n || out->n < pg_get_u64(&err, res, 0, 7);
	if (!err) {
		out->res = res;
		*keep = true;
	}
	return err;
}

void store_agents_clear(struct store_agents *list)
{
	free(list->rows);
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

static int leading(const struct store_agent_filter *filter)
{
	if (filter->owner)
		return OWNER;
	if (filter->wallet)
		return WALLET;
	if (filter->name)
		return NAME;
	return filter->service ? SERVICE : ALL;
}

int store_agents(struct pg_conn *conn, struct pg_op *op, struct store_agents *out,
		 const struct store_agent_filter *filter)
{
	const bool after = filter->has_after && filter->after_registry >= filter->registry;
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (filter->limit < 1 || filter->limit > LIMIT_MAX)
		return -EINVAL;
	pg_params_init(&params);
	/* An empty id sorts before all: the registry's first agent is above (registry, ''). */
	pg_param_u64(&params, after ? filter->after_registry : filter->registry);
	pg_param_bytes(&params, after ? pg_bytes(filter->after_id, 32) : pg_bytes("", 0));
	pg_param_u64(&params, filter->registry ? filter->registry : INT_MAX);
	pg_param_u64(&params, filter->limit);
	pg_param_bytes(&params, pg_bytes(filter->owner, filter->owner ? 20 : 0));
	pg_param_bytes(&params, pg_bytes(filter->wallet, filter->wallet ? 20 : 0));
	pg_param_bytes(&params, pg_text(filter->name));
	pg_param_bytes(&params, pg_text(filter->service));
	return store_start(conn, &statements[leading(filter)], &params,
			   &(struct store_call){.op = op, .out = out, .n = filter->limit, .decode = decode_agents});
}
