/* A page of an agent's history: states and their events in one statement, so that a page is of one branch. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sql/store_resolve_internal.h"

enum { STATE = REACH_COLUMNS_N, MARK = STATE + 6, EVENT = MARK + 3 };

/* What the events of block y take in an answer. */
#define EVENTS_BYTES                                                                                                   \
	"SELECT coalesce(sum(128 + coalesce(least(octet_length(v.key), 128), 0)"                                       \
	" + CASE WHEN octet_length(v.value) <= 1024 THEN octet_length(v.value) ELSE 0 END), 0) AS bytes"               \
	" FROM (SELECT k.key, k.value FROM agent_event k WHERE k.registry = r.id AND k.agent_id = $2"                  \
	"  AND k.number = y.number ORDER BY k.log_index LIMIT 64) v"

/* $5 before, $6 one more than the limit. The URI stands only in a state's first row; one page holds a bounded sum of URIs and
 * events. */
static const char page_sql[] =
	"SELECT " REACH_COLUMNS ", s.number, s.owner, s.wallet, CASE WHEN coalesce(e.place, 1) = 1 THEN s.body END, s.changed, s.tier,"
	" b.number, b.hash, b.time,"
	" e.log_index, e.tx, e.kind, e.a, e.b, substr(e.key, 1, 128),"
	" CASE WHEN octet_length(e.value) <= 1024 THEN e.value END, coalesce(octet_length(e.value), 0), s.total FROM registry r" REACH_TABLES("$3", "$4") REACH_LIMIT
	" LEFT JOIN LATERAL (SELECT y.*, u.body,"
	"   sum(octet_length(u.body) + w.bytes) OVER (ORDER BY y.number DESC) - octet_length(u.body) - w.bytes AS before,"
	"   count(*) OVER () AS total"
	"   FROM (SELECT x.number, x.owner, x.wallet, x.uri, x.changed, x.tier FROM agent_state x"
	"     WHERE x.registry = r.id AND x.agent_id = $2 AND x.number < $5 AND x.number <= l.n ORDER BY x.number DESC LIMIT $6) y"
	"   JOIN uri u ON u.hash = y.uri CROSS JOIN LATERAL (" EVENTS_BYTES ") w) s ON s.before <= 1048576"
	" LEFT JOIN block b ON b.chain_id = r.chain_id AND b.number = s.number"
	" LEFT JOIN LATERAL (SELECT v.*, row_number() OVER (ORDER BY v.log_index) AS place FROM agent_event v"
	"   WHERE v.registry = r.id AND v.agent_id = $2 AND v.number = s.number ORDER BY v.log_index LIMIT 65) e ON true"
	" WHERE r.id = $1::integer ORDER BY s.number DESC, e.log_index";

_Static_assert(STORE_HISTORY_BYTES == 1048576 && STORE_HISTORY_EVENTS == 64 && STORE_HISTORY_VALUE == 1024, "as in page_sql");

static const Oid page_types[] = {20, 17, 20, 17, 20, 20};
static const struct pg_statement statements[] = {
	{.name = "history_page", .sql = page_sql, .nparams = 6, .types = page_types},
};
const struct pg_statement_set store_history_page_set = {statements, STORE_COUNT(statements)};

void store_history_page_clear(struct store_history_page *page)
{
	free(page->rows);
	free(page->events);
	PQclear(page->res);
	*page = (struct store_history_page){0};
}

/* integer or smallint, binary */
static uint32_t get_int(int *err, const PGresult *res, int row, int column, size_t size)
{
	const struct pg_bytes bytes = pg_get_bytes(res, row, column);
	uint32_t value = 0;

	if (!bytes.data || bytes.len != size)
		*err = -EPROTO;
	for (size_t i = 0; bytes.data && i < bytes.len && i < 4; i++)
		value = value << 8 | bytes.data[i];
	return value;
}

static int get_event(struct store_history_event *out, const struct store_state *state, const PGresult *res, int row)
{
	struct store_event *event = &out->event;
	int err = 0;

	event->registry = state->registry;
	event->number = state->number;
	event->has_agent = true;
	memcpy(event->agent_id, state->agent_id, 32);
	event->log_index = get_int(&err, res, row, EVENT, 4);
	pg_get_hash(&err, event->tx, res, row, EVENT + 1);
	event->kind = (enum store_event_kind)get_int(&err, res, row, EVENT + 2, 2);
	store_get_address(&err, event->a, res, row, EVENT + 3);
	store_get_address(&err, event->b, res, row, EVENT + 4);
	event->key = pg_get_bytes(res, row, EVENT + 5);
	event->value = pg_get_bytes(res, row, EVENT + 6);
	out->value_len = get_int(&err, res, row, EVENT + 7, 4);
	return err;
}

static int get_rows(struct store_history_page *out, const PGresult *res, size_t limit, const struct store_state *who)
{
	size_t nevents = 0;
	struct pg_bytes fields[EVENT - STATE];
	int err = 0;

	for (int row = 0; err == 0 && row < PQntuples(res); row++) {
		struct store_history_row *last = out->n > 0 ? &out->rows[out->n - 1] : NULL;

		if (pg_get_null(res, row, STATE))
			break;
		if (!last || pg_get_u64(&err, res, row, STATE) != last->state.number) {
			if (out->n == limit)
				break;
			last = &out->rows[out->n++];
			last->state = *who;
			pg_get_fields(fields, EVENT - STATE, res, row, STATE);
			store_get_state(&err, &last->state, fields);
			store_get_mark(&err, &last->block, fields + (MARK - STATE));
			last->events = &out->events[nevents];
		}
		if (err != 0 || pg_get_null(res, row, EVENT))
			continue;
		if (last->nevents == STORE_HISTORY_EVENTS) {
			last->events_left_out = true;
			continue;
		}
		err = get_event(&out->events[nevents++], &last->state, res, row);
		last->nevents++;
	}
	if (err == 0 && out->n > 0)
		out->more = out->n < pg_get_u64(&err, res, 0, EVENT + 8);
	return err;
}

static int decode(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_history_page *out = call->out, page = *out;
	const struct store_state *who = call->out2;
	size_t n = (size_t)PQntuples(res);
	struct pg_bytes reach[REACH_COLUMNS_N];
	int err = n == 0 ? -ENOENT : 0;

	pg_get_fields(reach, REACH_COLUMNS_N, res, 0, 0);
	if (err == 0)
		err = store_get_reach(&page.reach, reach);

	if (err != 0)
		return err;
	page.rows = calloc(n, sizeof(*page.rows));
	page.events = calloc(n, sizeof(*page.events));
	err = page.rows && page.events ? get_rows(&page, res, call->n, who) : -ENOMEM;
	if (err != 0) {
		store_history_page_clear(&page);
		return err;
	}
	*out = page;
	out->res = res;
	*keep = true;
	return 0;
}

static void param_reach(struct pg_params *params, uint32_t registry, const uint8_t agent_id[static 32], const struct store_mark *safe)
{
	store_param_agent(params, registry, agent_id);
	if (safe) {
		pg_param_u64(params, safe->number);
		pg_param_hash(params, safe->hash);
	} else {
		pg_param_null(params);
		pg_param_null(params);
	}
}

int store_history_page(struct pg_conn *conn, struct pg_op *op, struct store_history_page *out, uint32_t registry,
		       const uint8_t agent_id[static 32], const struct store_mark *safe, uint64_t before, unsigned limit)
{
	struct pg_params params;

	*out = (struct store_history_page){0};
	if (limit == 0 || limit > STORE_HISTORY_MAX)
		return -EINVAL;
	out->who.registry = registry;
	memcpy(out->who.agent_id, agent_id, 32);
	param_reach(&params, registry, agent_id, safe);
	pg_param_u64(&params, before < INT64_MAX ? before : INT64_MAX);
	pg_param_u64(&params, limit + 1);
	return store_start(conn, &statements[0], &params,
			   &(struct store_call){.op = op, .out = out, .out2 = &out->who, .n = limit, .decode = decode});
}
