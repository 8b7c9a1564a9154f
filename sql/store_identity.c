/* Reading the index: places, states in force, history, events, proofs. */
#include "sql/store_identity.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "sql/store_internal.h"

enum { INDEX, REGISTRIES, OVERLAY, STATE_AT, STATE_AT_TIME, STATES_AT, NEWEST, PROOF_AT };

enum { LIMIT_MAX = 10000, INDEX_COLUMNS = 7, STATE_COLUMNS = 14 };

static const Oid chain_types[] = {20};
static const Oid agent_at_types[] = {20, 17, 20};
static const Oid agents_at_types[] = {1016, 1001, 1016};

#define PLACE_COLUMNS "i.final_number, i.final_hash, i.tip_number, i.tip_hash, i.tip_time, i.target, i.updated"
#define IN_FORCE(registry, agent_id, number)                                                                           \
	"SELECT * FROM agent_state WHERE registry = " registry " AND agent_id = " agent_id " AND number <= " number    \
	" ORDER BY number DESC LIMIT 1"
/* The place comes back even where the state does not. */
#define STATE_WITH_PLACE(number)                                                                                       \
	"SELECT " STORE_STATE_COLUMNS ", " PLACE_COLUMNS                                                               \
	" FROM registry r LEFT JOIN chain_index i ON i.chain_id = r.chain_id"                                          \
	" LEFT JOIN (LATERAL (" IN_FORCE("r.id", "$2", number) ") s" STORE_STATE_JOINS ") ON true WHERE r.id = $1"

static const struct pg_statement statements[] = {
	[INDEX] = {.name = "index_get",
		   .sql = "SELECT " PLACE_COLUMNS " FROM chain_index i WHERE i.chain_id = $1",
		   .nparams = 1,
		   .types = chain_types},
	[REGISTRIES] = {.name = "registries", .sql = "SELECT " STORE_REGISTRY_COLUMNS " FROM registry r ORDER BY r.id"},
	[OVERLAY] = {.name = "index_overlay",
		     .sql = "SELECT " STORE_BLOCK_COLUMNS " FROM chain_index i JOIN block b"
			    " ON b.chain_id = i.chain_id AND b.number >= i.final_number"
			    " AND (b.number = i.final_number OR NOT b.final) WHERE i.chain_id = $1"
			    " ORDER BY b.number",
		     .nparams = 1,
		     .types = chain_types},
	[STATE_AT] = {.name = "state_at",
		      .sql = STATE_WITH_PLACE("least($3, i.tip_number)"),
		      .nparams = 3,
		      .types = agent_at_types},
	[STATE_AT_TIME] = {.name = "state_at_time",
			   .sql = STATE_WITH_PLACE("(SELECT least(o.number, i.tip_number) FROM block o"
						   " WHERE o.chain_id = r.chain_id AND o.time <= $3"
						   " ORDER BY o.time DESC, o.number DESC LIMIT 1)"),
			   .nparams = 3,
			   .types = agent_at_types},
	[STATES_AT] = {.name = "states_at",
		       .sql = "SELECT " STORE_STATE_COLUMNS " FROM unnest($1, $2, $3) WITH ORDINALITY"
			      " AS a(registry, agent_id, number, o)"
			      " JOIN LATERAL (" IN_FORCE("a.registry", "a.agent_id", "a.number")
			      ") s ON true" STORE_STATE_JOINS " ORDER BY a.o",
		       .nparams = 3,
		       .types = agents_at_types},
	[NEWEST] = {.name = "agent_states",
		    .sql = "SELECT " STORE_STATE_COLUMNS " FROM (SELECT DISTINCT ON (agent_id) * FROM agent_state"
			   " WHERE registry = $1 AND agent_id > $2 ORDER BY agent_id, number DESC LIMIT $3) s" STORE_STATE_JOINS
			   " ORDER BY s.agent_id",
		    .nparams = 3,
		    .types = agent_at_types},
	[PROOF_AT] = {.name = "proof_at",
		      .sql = "SELECT p.number, p.body, b.final FROM agent_proof p JOIN block b USING (chain_id, number)"
			     " JOIN chain_index i USING (chain_id) WHERE NOT i.alarm AND p.registry = $1 AND p.agent_id = $2 AND p.number <= $3 ORDER BY p.number DESC LIMIT 1",
		      .nparams = 3,
		      .types = agent_at_types},
};

const struct pg_statement_set store_identity_set = {statements, STORE_COUNT(statements)};

/* ---- rows ---- */

static int get_index(struct store_index *out, const PGresult *res, int row, int column)
{
	int err = 0;

	out->final_number = pg_get_u64(&err, res, row, column);
	pg_get_hash(&err, out->final_hash, res, row, column + 1);
	out->tip_number = pg_get_u64(&err, res, row, column + 2);
	pg_get_hash(&err, out->tip_hash, res, row, column + 3);
	out->tip_time = pg_get_u64(&err, res, row, column + 4);
	out->target = pg_get_u64(&err, res, row, column + 5);
	out->updated = pg_get_u64(&err, res, row, column + 6);
	return err;
}

int store_get_registry(void *into, const PGresult *res, int row)
{
	struct store_registry *out = into;
	int err = 0;

	memset(out, 0, sizeof(*out));
	out->id = (uint32_t)pg_get_u64(&err, res, row, 0);
	out->chain_id = pg_get_u64(&err, res, row, 1);
	store_get_address(&err, out->address, res, row, 2);
	out->start_block = pg_get_u64(&err, res, row, 3);
	out->indexed = pg_get_i64(&err, res, row, 4);
	out->has_implementation = store_get_address(&err, out->implementation, res, row, 5);
	if (out->has_implementation)
		pg_get_hash(&err, out->code_hash, res, row, 6);
	out->known = pg_get_bool(&err, res, row, 7);
	out->fetched = pg_get_i64(&err, res, row, 8);
	out->followed = pg_get_bool(&err, res, row, 9);
	return err;
}

static int get_state(void *into, const PGresult *res, int row)
{
	struct store_state_at *out = into;
	struct store_state *state = &out->state;
	int err = 0;

	memset(out, 0, sizeof(*out));
	state->registry = (uint32_t)pg_get_u64(&err, res, row, 0);
	pg_get_hash(&err, state->agent_id, res, row, 1);
	state->number = out->block.number = pg_get_u64(&err, res, row, 2);
	store_get_address(&err, state->owner, res, row, 3);
	state->has_wallet = store_get_address(&err, state->wallet, res, row, 4);
	state->uri = pg_get_bytes(res, row, 5);
	state->changed = (uint8_t)pg_get_u64(&err, res, row, 6);
	state->tier = (enum store_tier)pg_get_u64(&err, res, row, 7);
	pg_get_hash(&err, out->block.hash, res, row, 8);
	pg_get_hash(&err, out->block.parent, res, row, 9);
	out->block.time = pg_get_u64(&err, res, row, 10);
	out->block.final = pg_get_bool(&err, res, row, 11);
	out->has_until = !pg_get_null(res, row, 12);
	if (out->has_until) {
		out->until_number = pg_get_u64(&err, res, row, 12);
		out->until_time = pg_get_u64(&err, res, row, 13);
	}
	return err;
}

int store_decode_states(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_states *out = call->out;
	int err = 0;

	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_state);
	if (!err) {
		out->res = res;
		*keep = true;
	}
	return err;
}

void store_states_clear(struct store_states *list)
{
	free(list->rows);
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

static int get_event(void *into, const PGresult *res, int row)
{
	struct store_event *out = into;
	int err = 0;

	memset(out, 0, sizeof(*out));
	out->registry = (uint32_t)pg_get_u64(&err, res, row, 0);
	out->number = pg_get_u64(&err, res, row, 1);
	out->log_index = (uint32_t)pg_get_u64(&err, res, row, 2);
	pg_get_hash(&err, out->tx, res, row, 3);
	out->has_agent = !pg_get_null(res, row, 4);
	if (out->has_agent)
		pg_get_hash(&err, out->agent_id, res, row, 4);
	out->kind = (enum store_event_kind)pg_get_u64(&err, res, row, 5);
	store_get_address(&err, out->a, res, row, 6);
	store_get_address(&err, out->b, res, row, 7);
	out->key = pg_get_bytes(res, row, 8);
	out->value = pg_get_bytes(res, row, 9);
	return err;
}

int store_decode_events(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_events *out = call->out;
	int err = 0;

	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_event);
	if (!err) {
		out->res = res;
		*keep = true;
	}
	return err;
}

void store_events_clear(struct store_events *list)
{
	free(list->rows);
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

static int get_block(void *row, const PGresult *res, int i)
{
	struct store_index_block *out = row;
	int err = 0;

	out->number = pg_get_u64(&err, res, i, 0);
	pg_get_hash(&err, out->hash, res, i, 1);
	pg_get_hash(&err, out->parent, res, i, 2);
	out->time = pg_get_u64(&err, res, i, 3);
	out->final = pg_get_bool(&err, res, i, 4);
	return err;
}

int store_decode_blocks(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_index_blocks *out = call->out;
	int err = 0;

	(void)keep;
	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_block);
	return err;
}

void store_index_blocks_clear(struct store_index_blocks *list)
{
	free(list->rows);
	memset(list, 0, sizeof(*list));
}

/* ---- places ---- */

static int decode_index(struct store_call *call, PGresult *res, bool *keep)
{
	(void)keep;
	return PQntuples(res) ? get_index(call->out, res, 0, 0) : -ENOENT;
}

int store_index(struct pg_conn *conn, struct pg_op *op, struct store_index *out, uint64_t chain_id)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_u64(&params, chain_id);
	return store_start(conn, &statements[INDEX], &params,
			   &(struct store_call){.op = op, .out = out, .decode = decode_index});
}

static int decode_registries(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_registries *out = call->out;
	int err = 0;

	(void)keep;
	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), store_get_registry);
	return err;
}

void store_registries_clear(struct store_registries *list)
{
	free(list->rows);
	memset(list, 0, sizeof(*list));
}

int store_registries(struct pg_conn *conn, struct pg_op *op, struct store_registries *out)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	return store_start(conn, &statements[REGISTRIES], &params,
			   &(struct store_call){.op = op, .out = out, .decode = decode_registries});
}

int store_index_overlay(struct pg_conn *conn, struct pg_op *op, struct store_index_blocks *out, uint64_t chain_id)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_u64(&params, chain_id);
	return store_start(conn, &statements[OVERLAY], &params,
			   &(struct store_call){.op = op, .out = out, .decode = store_decode_blocks});
}

/* ---- agents ---- */

static void param_agent_at(struct pg_params *params, uint32_t registry, const uint8_t agent_id[static 32], uint64_t number)
{
	store_param_agent(params, registry, agent_id);
	pg_param_i64(params, store_clamp(number));
}

static int decode_state_at(struct store_call *call, PGresult *res, bool *keep)
{
	int err = 0;

	if (PQntuples(res) == 0)
		return -ENOENT;
	if (!pg_get_null(res, 0, STATE_COLUMNS))
		err = get_index(call->out2, res, 0, STATE_COLUMNS);
	if (err)
		return err;
	return pg_get_null(res, 0, 0) ? -ENOENT : store_decode_states(call, res, keep);
}

int store_state_at(struct pg_conn *conn, struct pg_op *op, struct store_states *out, struct store_index *index,
		   uint32_t registry, const uint8_t agent_id[static 32], bool at_time, uint64_t at)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	memset(index, 0, sizeof(*index));
	param_agent_at(&params, registry, agent_id, at);
	return store_start(conn, &statements[at_time ? STATE_AT_TIME : STATE_AT], &params,
			   &(struct store_call){.op = op, .out = out, .out2 = index, .decode = decode_state_at});
}

int store_states_at(struct pg_conn *conn, struct pg_op *op, struct store_states *out,
		    const struct store_state_ask *asks, size_t n)
{
	struct store_columns columns;
	struct pg_params params;
	int err;

	memset(out, 0, sizeof(*out));
	if (n > LIMIT_MAX)
		return -EINVAL;
	err = store_columns_init(&columns, asks, n, sizeof(*asks));
	if (err)
		return err;
	pg_params_init(&params);
	store_column_u32(&params, &columns, offsetof(struct store_state_ask, registry));
	store_column_fixed(&params, &columns, offsetof(struct store_state_ask, agent_id), 32);
	store_column_u64(&params, &columns, offsetof(struct store_state_ask, number));
	err = store_start(conn, &statements[STATES_AT], &params,
			  &(struct store_call){.op = op, .out = out, .decode = store_decode_states});
	store_columns_clear(&columns);
	return err;
}

int store_agent_states(struct pg_conn *conn, struct pg_op *op, struct store_states *out, uint32_t registry,
		       const uint8_t *after, unsigned limit)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (limit < 1 || limit > LIMIT_MAX)
		return -EINVAL;
	pg_params_init(&params);
	pg_param_u64(&params, registry);
	pg_param_bytes(&params, after ? pg_bytes(after, 32) : pg_bytes("", 0));
	pg_param_u64(&params, limit);
	return store_start(conn, &statements[NEWEST], &params,
			   &(struct store_call){.op = op, .out = out, .decode = store_decode_states});
}

static int decode_proof(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_proof *out = call->out;
	int err = 0;

	if (PQntuples(res) == 0)
		return -ENOENT;
	out->number = pg_get_u64(&err, res, 0, 0);
	out->body = pg_get_bytes(res, 0, 1);
	out->final = pg_get_bool(&err, res, 0, 2);
	*(PGresult **)call->out2 = err ? NULL : res;
	*keep = !err;
	return err;
}

int store_proof_at(struct pg_conn *conn, struct pg_op *op, struct store_proof *out, PGresult **res, uint32_t registry,
		   const uint8_t agent_id[static 32], uint64_t at)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	*res = NULL;
	out->registry = registry;
	memcpy(out->agent_id, agent_id, 32);
	param_agent_at(&params, registry, agent_id, at);
	return store_start(conn, &statements[PROOF_AT], &params,
			   &(struct store_call){.op = op, .out = out, .out2 = res, .decode = decode_proof});
}
