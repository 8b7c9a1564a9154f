/* Searching the agents of now. Each statement leads with one filter's index; the others narrow what it finds. */
#include "sql/store_identity.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "sql/store_internal.h"

enum { ALL, OWNER, WALLET, NAME, SERVICE };

enum { LIMIT_MAX = 1000 };

static const Oid types[] = {20, 17, 20, 20, 17, 17, 25, 25};

#define COLUMNS "SELECT a.registry::bigint, a.agent_id, a.number, a.owner, a.wallet, u.body, f.name"
#define FROM_AGENTS                                                                                                    \
	COLUMNS " FROM agent_now a JOIN uri u ON u.hash = a.uri"                                                       \
		" LEFT JOIN file_now f ON f.registry = a.registry AND f.agent_id = a.agent_id"
/* The planner must not prefer to walk all agents in order: the index named by the filter finds few. */
#define FROM_FILES(filter)                                                                                             \
	"WITH f AS MATERIALIZED (SELECT registry, agent_id, name, services FROM file_now WHERE " filter ") " COLUMNS   \
	" FROM f JOIN agent_now a ON a.registry = f.registry AND a.agent_id = f.agent_id JOIN uri u ON u.hash = a.uri"
#define AFTER " WHERE (a.registry, a.agent_id) > ($1, $2) AND a.registry <= $3"
#define AND_OWNER " AND ($5::bytea IS NULL OR a.owner = $5)"
#define AND_WALLET " AND ($6::bytea IS NULL OR a.wallet = $6)"
#define AND_NAME " AND ($7::text IS NULL OR starts_with(lower(f.name), lower($7)))"
#define AND_SERVICE " AND ($8::text IS NULL OR f.services @> ARRAY[lower($8)])"
#define PAGE " ORDER BY a.registry, a.agent_id LIMIT $4"
/* A prefix as a range of bytes: LIKE would need it when the statement is planned. U+10FFFF is above every character. */
#define NAME_RANGE "lower(name) ~>=~ lower($7) AND lower(name) ~<=~ (lower($7) || chr(1114111))"

static const struct pg_statement statements[] = {
	[ALL] = {.name = "agents",
		 .sql = FROM_AGENTS AFTER AND_OWNER AND_WALLET AND_NAME AND_SERVICE PAGE,
		 .nparams = 8,
		 .types = types},
	[OWNER] = {.name = "agents_owner",
		   .sql = FROM_AGENTS AFTER " AND a.owner = $5" AND_WALLET AND_NAME AND_SERVICE PAGE,
		   .nparams = 8,
		   .types = types},
	[WALLET] = {.name = "agents_wallet",
		    .sql = FROM_AGENTS AFTER " AND a.wallet = $6" AND_OWNER AND_NAME AND_SERVICE PAGE,
		    .nparams = 8,
		    .types = types},
	[NAME] = {.name = "agents_name",
		  .sql = FROM_FILES(NAME_RANGE) AFTER AND_OWNER AND_WALLET AND_SERVICE PAGE,
		  .nparams = 8,
		  .types = types},
	[SERVICE] = {.name = "agents_service",
		     .sql = FROM_FILES("services @> ARRAY[lower($8)]") AFTER AND_OWNER AND_WALLET AND_NAME PAGE,
		     .nparams = 8,
		     .types = types},
};

const struct pg_statement_set store_identity_search_set = {statements, STORE_COUNT(statements)};

static int get_agent(struct store_agent_row *out, const PGresult *res, int row)
{
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
	const int n = PQntuples(res);
	int err = 0;

	out->rows = calloc(n ? (size_t)n : 1, sizeof(*out->rows));
	if (!out->rows)
		return -ENOMEM;
	for (int i = 0; !err && i < n; i++)
		err = get_agent(&out->rows[i], res, i);
	if (err) {
		store_agents_clear(out);
		return err;
	}
	out->n = (size_t)n;
	out->res = res;
	*keep = true;
	return 0;
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
			   &(struct store_call){.op = op, .out = out, .decode = decode_agents});
}
