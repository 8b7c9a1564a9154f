/* One statement an answer. Each LATERAL is one probe of agent_state's primary key, from the block asked about up or down. */
#include "sql/store_resolve_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BY_NUMBER, BY_TIME };
enum { ASKED = REACH_COLUMNS_N, STATE = ASKED + 3, MARKS = STATE + 6, MARKS_N = 7 };

/* The first of the agent's states that fits, with its block. */
#define MARK(name, where, order)                                                                                       \
	" LEFT JOIN LATERAL (SELECT b.number, b.hash, b.time FROM (SELECT x.number FROM agent_state x"                 \
	" WHERE x.registry = r.id AND x.agent_id = $2 AND x.number <= l.n AND " where                                  \
	" ORDER BY x.number " order " LIMIT 1) y"                                                                      \
	" JOIN block b ON b.chain_id = r.chain_id AND b.number = y.number) " name " ON true"
#define MARK_FIELDS(name) name ".number, " name ".hash, " name ".time"
/* Bits of agent_state.changed: 1 owner, 2 wallet, 8 registered (in an agent's first state only). The conditions are those of two
 * indexes: an owner may change the URI a hundred thousand times in between. */
#define RESOLVE_COLUMNS                                                                                                \
	"SELECT " REACH_COLUMNS ", a.number, a.hash, a.time, s.number, s.owner, s.wallet, u.body, s.changed, s.tier"              \
	", ROW(" MARK_FIELDS("hf") ", " MARK_FIELDS("hu") ", " MARK_FIELDS("of") ", " MARK_FIELDS("ou") ", " MARK_FIELDS("wf")      \
	", " MARK_FIELDS("wu") ", " MARK_FIELDS("c") ")"
#define RESOLVE_TABLES                                                                                                 \
	" LEFT JOIN LATERAL (SELECT x.number, x.owner, x.wallet, x.uri, x.changed, x.tier FROM agent_state x"           \
	" WHERE x.registry = r.id AND x.agent_id = $2 AND x.number <= ask.number AND x.number <= l.n"                   \
	" ORDER BY x.number DESC LIMIT 1) s ON true"                                                                   \
	" LEFT JOIN uri u ON u.hash = s.uri"                                                                           \
	MARK("hf", "x.number = s.number", "DESC") MARK("hu", "x.number > ask.number", "ASC")                           \
	MARK("of", "x.number <= s.number AND x.changed & 9 <> 0", "DESC")                                              \
	MARK("ou", "x.number > s.number AND x.changed & 9 <> 0", "ASC")                                                \
	MARK("wf", "x.number <= s.number AND x.changed & 10 <> 0", "DESC")                                             \
	MARK("wu", "x.number > s.number AND x.changed & 10 <> 0", "ASC")                                                \
	MARK("c", "true", "ASC") " WHERE r.id = $1::integer ORDER BY ask.place"

static const Oid number_types[] = {20, 17, 20, 17, 1016};
static const Oid time_types[] = {20, 17, 20, 17, 20};

static const struct pg_statement statements[] = {
	[BY_NUMBER] = {.name = "resolve",
		       .sql = RESOLVE_COLUMNS REACH_TABLES REACH_LIMIT
			      " CROSS JOIN unnest($5::bigint[]) WITH ORDINALITY AS ask(number, place)"
			      " LEFT JOIN block a ON a.chain_id = r.chain_id AND a.number = ask.number" RESOLVE_TABLES,
		       .nparams = 5,
		       .types = number_types},
	[BY_TIME] = {.name = "resolve_time",
		     .sql = RESOLVE_COLUMNS REACH_TABLES REACH_LIMIT
			    " CROSS JOIN LATERAL (SELECT (SELECT x.number FROM block x WHERE x.chain_id = r.chain_id AND x.time <= $5"
			    " AND x.number <= i.tip_number"
			    " ORDER BY x.time DESC, x.number DESC LIMIT 1) AS number, 1 AS place) ask"
			    " LEFT JOIN block a ON a.chain_id = r.chain_id AND a.number = ask.number" RESOLVE_TABLES,
		     .nparams = 5,
		     .types = time_types},
};

const struct pg_statement_set store_resolve_set = {statements, STORE_COUNT(statements)};

bool store_reach_has(const struct store_reach *reach, uint64_t number)
{
	if (reach->indexed >= 0 && number <= (uint64_t)reach->indexed)
		return true;
	return reach->indexed + 1 > 0 && (uint64_t)(reach->indexed + 1) > reach->index.final_number &&
	       number <= reach->index.tip_number;
}

void store_resolve_clear(struct store_resolve_list *list)
{
	free(list->rows);
	PQclear(list->res);
	*list = (struct store_resolve_list){0};
}

int store_get_reach(struct store_reach *out, const PGresult *res)
{
	int err = 0;

	*out = (struct store_reach){.start_block = pg_get_u64(&err, res, 0, 0)};
	out->indexed = pg_get_i64(&err, res, 0, 1);
	out->index.final_number = pg_get_u64(&err, res, 0, 2);
	pg_get_hash(&err, out->index.final_hash, res, 0, 3);
	out->index.tip_number = pg_get_u64(&err, res, 0, 4);
	pg_get_hash(&err, out->index.tip_hash, res, 0, 5);
	out->index.tip_time = pg_get_u64(&err, res, 0, 6);
	out->index.target = pg_get_u64(&err, res, 0, 7);
	out->index.updated = pg_get_u64(&err, res, 0, 8);
	out->final_time = pg_get_null(res, 0, 9) ? 0 : pg_get_u64(&err, res, 0, 9);
	out->safe_holds = pg_get_bool(&err, res, 0, 10);
	return err;
}

static void get_mark(int *err, struct store_mark *out, const struct pg_bytes fields[static 3])
{
	*out = (struct store_mark){0};
	if (!fields[0].data)
		return;
	out->known = true;
	out->number = pg_u64(err, fields[0]);
	out->time = pg_u64(err, fields[2]);
	if (fields[1].data && fields[1].len == sizeof(out->hash))
		memcpy(out->hash, fields[1].data, sizeof(out->hash));
	else
		*err = -EPROTO;
}

void store_get_mark(int *err, struct store_mark *out, const PGresult *res, int row, int column)
{
	const struct pg_bytes fields[] = {pg_get_bytes(res, row, column), pg_get_bytes(res, row, column + 1), pg_get_bytes(res, row, column + 2)};

	get_mark(err, out, fields);
}

/* smallint, binary */
static unsigned get_small(int *err, const PGresult *res, int row, int column)
{
	const struct pg_bytes bytes = pg_get_bytes(res, row, column);

	if (bytes.data && bytes.len == 2)
		return (unsigned)bytes.data[0] << 8 | bytes.data[1];
	*err = -EPROTO;
	return 0;
}

void store_get_state(int *err, struct store_state *out, const PGresult *res, int row, int column)
{
	out->number = pg_get_u64(err, res, row, column);
	if (!store_get_address(err, out->owner, res, row, column + 1))
		*err = -EPROTO;
	out->has_wallet = store_get_address(err, out->wallet, res, row, column + 2);
	out->uri = pg_get_bytes(res, row, column + 3);
	out->changed = (uint8_t)get_small(err, res, row, column + 4);
	out->tier = (enum store_tier)get_small(err, res, row, column + 5);
}

/* One column of all: libpq is told of every column with every answer, which is most of what reading many costs. */
static int get_marks(struct store_resolved *out, const PGresult *res, int row)
{
	struct store_mark *const marks[MARKS_N] = {&out->held.from,   &out->held.until,	  &out->owner.from, &out->owner.until,
						   &out->wallet.from, &out->wallet.until, &out->created};
	struct pg_bytes fields[MARKS_N * 3];
	int err = pg_get_record(fields, sizeof(fields) / sizeof(*fields), res, row, MARKS);

	for (size_t i = 0; err == 0 && i < MARKS_N; i++)
		get_mark(&err, marks[i], fields + 3 * i);
	return err;
}

static int get_resolved(void *into, const PGresult *res, int row)
{
	struct store_resolved *out = into;
	int err = get_marks(out, res, row);

	store_get_mark(&err, &out->at, res, row, ASKED);
	out->exists = !pg_get_null(res, row, STATE);
	if (out->exists)
		store_get_state(&err, &out->state, res, row, STATE);
	return err;
}

static int decode(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_resolve_list *out = call->out;
	struct store_reach reach;
	int err = PQntuples(res) == 0 ? -ENOENT : 0;

	if (err == 0 && PQntuples(res) != (int)call->n)
		err = -EPROTO;
	if (err == 0)
		err = store_get_reach(&reach, res);
	if (err != 0)
		return err;
	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_resolved);
	if (err != 0)
		return err;
	for (size_t i = 0; i < out->n; i++)
		out->rows[i].reach = reach;
	out->res = res;
	*keep = true;
	return 0;
}

void store_param_reach(struct pg_params *params, uint32_t registry, const uint8_t agent_id[static 32], const struct store_mark *safe)
{
	pg_param_u64(params, registry);
	pg_param_hash(params, agent_id);
	if (safe) {
		pg_param_u64(params, safe->number);
		pg_param_hash(params, safe->hash);
	} else {
		pg_param_null(params);
		pg_param_null(params);
	}
}

int store_resolve(struct pg_conn *conn, struct pg_op *op, struct store_resolve_list *out, uint32_t registry,
		  const uint8_t agent_id[static 32], const struct store_mark *safe, const uint64_t *numbers, size_t n)
{
	struct pg_params params;

	*out = (struct store_resolve_list){0};
	if (n == 0 || n > INT16_MAX)
		return -EINVAL;
	pg_params_init(&params);
	store_param_reach(&params, registry, agent_id, safe);
	pg_param_u64_array(&params, numbers, n);
	return store_start(conn, &statements[BY_NUMBER], &params,
			   &(struct store_call){.op = op, .out = out, .n = n, .decode = decode});
}

int store_resolve_time(struct pg_conn *conn, struct pg_op *op, struct store_resolve_list *out, uint32_t registry,
		       const uint8_t agent_id[static 32], const struct store_mark *safe, uint64_t time)
{
	struct pg_params params;

	*out = (struct store_resolve_list){0};
	pg_params_init(&params);
	store_param_reach(&params, registry, agent_id, safe);
	pg_param_u64(&params, time);
	return store_start(conn, &statements[BY_TIME], &params,
			   &(struct store_call){.op = op, .out = out, .n = 1, .decode = decode});
}
