/* The statement and its rows. Each LATERAL is one probe of agent_state's primary key, from the block asked about up or down. */
#include "sql/store_resolve_internal.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { ASKED = REACH_COLUMNS_N, STATE = ASKED + 3, MARKS = STATE + 6, MARKS_N = 7, FIELDS_N = MARKS + 3 * MARKS_N };

/* By its whole key alone. */
#define BLOCK(name, place)                                                                                             \
	" LATERAL (SELECT number, hash, time FROM block WHERE chain_id = r.chain_id AND number = " place " LIMIT 1) " name
/* Of the agent's states that are an answer. */
#define STATES " FROM agent_state WHERE registry = r.id AND agent_id = q.agent_id AND number <= l.n"
/* The block of the first that fits, where whole answers are wanted. */
#define MARK(name, where, order)                                                                                       \
	" LEFT JOIN LATERAL (SELECT b.* FROM (SELECT number" STATES " AND q.whole > 0" where                            \
	" ORDER BY number " order " LIMIT 1) y"                                                                        \
	" CROSS JOIN" BLOCK("b", "y.number") ") " name " ON true"
/* With values that no block has in place of null. */
struct question {
	uint32_t registry;
	uint8_t agent_id[32];
	int64_t safe; /* -1: unknown */
	uint8_t safe_hash[32];
	int64_t number;
	int64_t time;  /* -1: by number */
	int64_t whole; /* 0: the state alone, of all marks but its own block's none; 1 */
};

/*
 * A row a question; the columns of struct question are the parameters. One column holds the whole answer: libpq and PostgreSQL
 * do their work anew for each. Bits of agent_state.changed: 1 owner, 2 wallet, 8
 * registered (in an agent's first state only). The conditions are those of two indexes: an owner may change the URI a hundred
 * thousand times in between.
 */
static const char resolve_sql[] =
	"SELECT q.place, ROW(" REACH_COLUMNS ", a.*, s.number, s.owner, s.wallet, u.body, s.changed, s.tier,"
	" hf.*, hu.*, of.*, ou.*, wf.*, wu.*, c.*)"
	" FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[], $7::bigint[])"
	" WITH ORDINALITY AS q(registry, agent_id, safe, safe_hash, number, time, whole, place)"
	" JOIN registry r ON r.id = q.registry::integer" REACH_TABLES("q.safe", "q.safe_hash") REACH_LIMIT
	" LEFT JOIN LATERAL (SELECT number FROM block x WHERE q.time >= 0 AND x.chain_id = r.chain_id AND x.time <= q.time"
	" AND number <= i.tip_number ORDER BY x.time DESC, number DESC LIMIT 1) t ON true"
	" CROSS JOIN LATERAL (SELECT CASE WHEN q.time >= 0 THEN t.number ELSE q.number END AS number) ask"
	" LEFT JOIN" BLOCK("a", "ask.number") " ON true"
	" LEFT JOIN LATERAL (SELECT *" STATES " AND number <= ask.number ORDER BY number DESC LIMIT 1) s ON true"
	" LEFT JOIN uri u ON u.hash = s.uri"
	" LEFT JOIN" BLOCK("hf", "s.number") " ON true"
	MARK("hu", " AND number > ask.number", "ASC")
	MARK("of", " AND number <= s.number AND changed & 9 <> 0", "DESC")
	MARK("ou", " AND number > s.number AND changed & 9 <> 0", "ASC")
	MARK("wf", " AND number <= s.number AND changed & 10 <> 0", "DESC")
	MARK("wu", " AND number > s.number AND changed & 10 <> 0", "ASC")
	MARK("c", "", "ASC") " ORDER BY q.place";

static const Oid types[] = {1016, 1001, 1016, 1001, 1016, 1016, 1016};
static const struct pg_statement statements[] = {
	{.name = "resolve", .sql = resolve_sql, .nparams = STORE_COUNT(types), .types = types},
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
	free(list->uris);
	*list = (struct store_resolve_list){0};
}

int store_get_reach(struct store_reach *out, const struct pg_bytes fields[static REACH_COLUMNS_N])
{
	int err = 0;

	*out = (struct store_reach){.start_block = pg_u64(&err, fields[0]), .indexed = pg_i64(&err, fields[1])};
	out->index.final_number = pg_u64(&err, fields[2]);
	pg_fixed(&err, out->index.final_hash, sizeof(out->index.final_hash), fields[3]);
	out->index.tip_number = pg_u64(&err, fields[4]);
	pg_fixed(&err, out->index.tip_hash, sizeof(out->index.tip_hash), fields[5]);
	out->index.tip_time = pg_u64(&err, fields[6]);
	out->index.target = pg_u64(&err, fields[7]);
	out->index.updated = pg_u64(&err, fields[8]);
	out->final_time = fields[9].data ? pg_u64(&err, fields[9]) : 0;
	out->safe_holds = pg_bool(&err, fields[10]);
	return err;
}

void store_get_mark(int *err, struct store_mark *out, const struct pg_bytes fields[static 3])
{
	*out = (struct store_mark){0};
	if (!fields[0].data)
		return;
	out->known = true;
	out->number = pg_u64(err, fields[0]);
	pg_fixed(err, out->hash, sizeof(out->hash), fields[1]);
	out->time = pg_u64(err, fields[2]);
}

void store_get_state(int *err, struct store_state *out, const struct pg_bytes fields[static 6])
{
	out->number = pg_u64(err, fields[0]);
	pg_fixed(err, out->owner, sizeof(out->owner), fields[1]);
	out->has_wallet = fields[2].data;
	if (out->has_wallet)
		pg_fixed(err, out->wallet, sizeof(out->wallet), fields[2]);
	out->uri = fields[3];
	out->changed = (uint8_t)pg_i16(err, fields[4]);
	out->tier = (enum store_tier)pg_i16(err, fields[5]);
}

static int get_resolved(struct store_resolved *out, const struct pg_bytes fields[static FIELDS_N])
{
	struct store_mark *const marks[MARKS_N] = {&out->held.from,   &out->held.until,	  &out->owner.from, &out->owner.until,
						   &out->wallet.from, &out->wallet.until, &out->created};
	int err = store_get_reach(&out->reach, fields);

	store_get_mark(&err, &out->at, fields + ASKED);
	for (size_t i = 0; i < MARKS_N; i++)
		store_get_mark(&err, marks[i], fields + MARKS + 3 * i);
	out->exists = fields[STATE].data;
	if (out->exists)
		store_get_state(&err, &out->state, fields + STATE);
	return err;
}

/* The result is not kept for the slowest of those it is for. */
static int own_uris(struct store_resolve_list *list)
{
	size_t size = 1;
	uint8_t *at;

	for (size_t i = 0; i < list->n; i++)
		size += list->rows[i].state.uri.len;
	list->uris = at = malloc(size);
	if (!at)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++) {
		struct pg_bytes *uri = &list->rows[i].state.uri;

		if (uri->data)
			uri->data = memcpy(at, uri->data, uri->len);
		at += uri->len;
	}
	return 0;
}

static int take(void *into, const PGresult *res, int first, size_t n)
{
	struct store_resolve_list *out = into;
	struct pg_bytes fields[FIELDS_N];
	int err = 0;

	out->rows = calloc(n, sizeof(*out->rows));
	if (!out->rows)
		return -ENOMEM;
	for (; err == 0 && out->n < n; out->n++) {
		err = pg_get_record(fields, FIELDS_N, res, first + (int)out->n, 1);
		if (err == 0)
			err = get_resolved(&out->rows[out->n], fields);
	}
	if (err == 0)
		err = own_uris(out);
	if (err != 0)
		store_resolve_clear(out);
	return err;
}

/* ---- questions ---- */

static void param_questions(struct pg_params *params, struct store_columns *questions)
{
	store_column_u32(params, questions, offsetof(struct question, registry));
	store_column_fixed(params, questions, offsetof(struct question, agent_id), 32);
	store_column_i64(params, questions, offsetof(struct question, safe));
	store_column_fixed(params, questions, offsetof(struct question, safe_hash), 32);
	store_column_i64(params, questions, offsetof(struct question, number));
	store_column_i64(params, questions, offsetof(struct question, time));
	store_column_i64(params, questions, offsetof(struct question, whole));
}

const struct store_kind store_kind_states = {statements, sizeof(struct question), 64, param_questions, take};

static struct question question(uint32_t registry, const uint8_t agent_id[static 32], const struct store_mark *safe)
{
	struct question q = {.registry = registry, .safe = -1, .time = -1, .whole = 1};

	memcpy(q.agent_id, agent_id, sizeof(q.agent_id));
	if (safe && safe->number <= INT64_MAX) {
		q.safe = (int64_t)safe->number;
		memcpy(q.safe_hash, safe->hash, sizeof(q.safe_hash));
	}
	return q;
}

int store_resolve(struct store_resolver *resolver, struct pg_op *op, struct store_resolve_list *out, uint32_t registry,
		  const uint8_t agent_id[static 32], const struct store_mark *safe, const uint64_t *numbers, size_t n)
{
	struct question questions[STORE_RESOLVE_MAX];

	*out = (struct store_resolve_list){0};
	if (n == 0 || n > STORE_RESOLVE_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		questions[i] = question(registry, agent_id, safe);
		questions[i].number = store_clamp(numbers[i]);
	}
	return store_resolver_ask(resolver, STORE_KIND_STATES, op, out, questions, n);
}

int store_resolve_pair(struct store_resolver *resolver, struct pg_op *op, struct store_resolve_list *out, uint32_t registry,
		       const uint8_t agent_id[static 32], const struct store_mark *safe, uint64_t latest)
{
	struct question questions[2] = {question(registry, agent_id, safe), question(registry, agent_id, safe)};

	*out = (struct store_resolve_list){0};
	questions[0].number = store_clamp(safe->number);
	questions[0].whole = 0;
	questions[1].number = store_clamp(latest);
	return store_resolver_ask(resolver, STORE_KIND_STATES, op, out, questions, 2);
}

int store_resolve_time(struct store_resolver *resolver, struct pg_op *op, struct store_resolve_list *out, uint32_t registry,
		       const uint8_t agent_id[static 32], const struct store_mark *safe, uint64_t time)
{
	struct question q = question(registry, agent_id, safe);

	*out = (struct store_resolve_list){0};
	q.time = store_clamp(time);
	return store_resolver_ask(resolver, STORE_KIND_STATES, op, out, &q, 1);
}
