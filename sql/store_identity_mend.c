/* What was believed too early: the provisional part of a registry, and a state that a proof contradicts. */
#include "sql/store_identity.h"

#include "sql/store_internal.h"

enum { FENCE_ALONE, NOW_GONE, EVENTS_GONE, STATES_GONE, BLOCKS_GONE, FETCHED_GONE, URI, STATE, EQUAL, CHANGED, NOW, ALARM };

static const Oid fence_types[] = {25, 20};
static const Oid one_types[] = {20};
static const Oid uri_types[] = {17};
static const Oid state_types[] = {20, 17, 20, 17, 17, 17};
static const Oid number_types[] = {20, 17, 20};
static const Oid agent_types[] = {20, 17};
static const Oid alarm_types[] = {20, 16, 25, 20};

/* Rows of registry $1 above what is complete. */
#define PROVISIONAL "registry = $1 AND number > (SELECT indexed FROM registry WHERE id = $1)"

static const struct pg_statement statements[] = {
	/* As the fence of a drop: rows of uri go, so nobody else may refer to one meanwhile. */
	[FENCE_ALONE] = {.name = "mend_fence",
			 .sql = "SELECT kedge_fence($1, $2), pg_advisory_xact_lock(1801807976, 1)",
			 .nparams = 2,
			 .types = fence_types},
	[NOW_GONE] = {.name = "mend_now_gone", .sql = "DELETE FROM agent_now WHERE " PROVISIONAL, .nparams = 1, .types = one_types},
	[EVENTS_GONE] = {.name = "mend_events_gone",
			 .sql = "SELECT kedge_forget_provisional($1::integer)",
			 .nparams = 1,
			 .types = one_types},
	[STATES_GONE] = {.name = "mend_states_gone",
			 .sql = "WITH s AS (DELETE FROM agent_state WHERE " PROVISIONAL " RETURNING uri)"
				" DELETE FROM uri u USING (SELECT DISTINCT uri FROM s) d WHERE u.hash = d.uri"
				" AND NOT EXISTS (SELECT FROM agent_state o WHERE o.uri = u.hash AND NOT (o.registry = $1"
				"  AND o.number > (SELECT indexed FROM registry WHERE id = $1)))"
				" AND NOT EXISTS (SELECT FROM file f WHERE f.uri = u.hash)"
				" AND NOT EXISTS (SELECT FROM link_claim l WHERE l.uri = u.hash)",
			 .nparams = 1,
			 .types = one_types},
	/* Blocks that only those rows named: their hashes are from the same hand. */
	[BLOCKS_GONE] = {.name = "mend_blocks_gone",
			 .sql = "DELETE FROM block b USING registry r, chain_index c WHERE r.id = $1"
				" AND c.chain_id = r.chain_id AND b.chain_id = r.chain_id AND b.number > r.indexed"
				" AND b.number < c.final_number"
				" AND NOT EXISTS (SELECT FROM agent_event e WHERE e.chain_id = b.chain_id AND e.number = b.number)"
				" AND NOT EXISTS (SELECT FROM agent_state s WHERE s.chain_id = b.chain_id AND s.number = b.number)"
				" AND NOT EXISTS (SELECT FROM agent_proof p WHERE p.chain_id = b.chain_id AND p.number = b.number)",
			 .nparams = 1,
			 .types = one_types},
	[FETCHED_GONE] = {.name = "mend_fetched_gone",
			  .sql = "UPDATE registry SET fetched = NULL WHERE id = $1",
			  .nparams = 1,
			  .types = one_types},
	[URI] = {.name = "mend_uri",
		 .sql = "INSERT INTO uri (hash, body) VALUES (sha256($1), $1) ON CONFLICT DO NOTHING",
		 .nparams = 1,
		 .types = uri_types},
	/* Rows of states are never changed: this one goes, and another takes its place. */
	[STATE] = {.name = "mend_state",
		   .sql = "WITH d AS (DELETE FROM agent_state WHERE registry = $1 AND agent_id = $2 AND number = $3"
			  "  RETURNING chain_id, changed, tier)"
			  " INSERT INTO agent_state (registry, agent_id, chain_id, number, owner, wallet, uri, changed, tier)"
			  " SELECT $1, $2, chain_id, $3, $4, $5, sha256($6), changed, tier FROM d",
		   .nparams = 6,
		   .types = state_types},
	/* The next one may say the same now. */
	[EQUAL] = {.name = "mend_equal",
		   .sql = "DELETE FROM agent_state n USING agent_state s WHERE s.registry = $1 AND s.agent_id = $2 AND s.number = $3"
			  " AND n.registry = $1 AND n.agent_id = $2 AND n.number = (SELECT min(number) FROM agent_state"
			  "  WHERE registry = $1 AND agent_id = $2 AND number > $3)"
			  " AND n.owner = s.owner AND n.wallet IS NOT DISTINCT FROM s.wallet AND n.uri = s.uri",
		   .nparams = 3,
		   .types = number_types},
	[CHANGED] = {.name = "mend_changed",
		     .sql = "WITH w AS (SELECT number, CASE WHEN lag(owner) OVER p IS NULL"
			    "  THEN 9 + 2 * (wallet IS NOT NULL)::int + 4 * (uri <> sha256(''))::int"
			    "  ELSE (owner <> lag(owner) OVER p)::int + 2 * (wallet IS DISTINCT FROM lag(wallet) OVER p)::int"
			    "  + 4 * (uri <> lag(uri) OVER p)::int END AS changed"
			    "  FROM agent_state WHERE registry = $1 AND agent_id = $2 WINDOW p AS (ORDER BY number))"
			    " UPDATE agent_state s SET changed = w.changed FROM w WHERE s.registry = $1 AND s.agent_id = $2"
			    " AND s.number = w.number AND s.changed <> w.changed",
		     .nparams = 2,
		     .types = agent_types},
	[NOW] = {.name = "mend_now",
		 .sql = "UPDATE agent_now a SET number = s.number, owner = s.owner, wallet = s.wallet, uri = s.uri,"
			" looked = a.looked AND a.uri = s.uri FROM (SELECT * FROM agent_state"
			"  WHERE registry = $1 AND agent_id = $2 ORDER BY number DESC LIMIT 1) s"
			" WHERE a.registry = $1 AND a.agent_id = $2",
		 .nparams = 2,
		 .types = agent_types},
	[ALARM] = {.name = "mend_alarm",
		   .sql = "UPDATE chain_index SET alarm = $2 WHERE chain_id = $1 AND kedge_fence($3, $4) RETURNING true",
		   .nparams = 4,
		   .types = alarm_types,
		   .write = true},
};

const struct pg_statement_set store_identity_mend_set = {statements, STORE_COUNT(statements)};

struct mend {
	const struct store_fence *fence;
	uint32_t registry;
	const struct store_state *state;
};

static int queue_fence(struct pg_txn *txn, const struct store_fence *fence)
{
	struct pg_params params;

	pg_params_init(&params);
	store_param_fence(&params, fence);
	return store_queue(txn, &statements[FENCE_ALONE], &params);
}

static int queue_refetch(struct pg_txn *txn, const void *what)
{
	static const int order[] = {NOW_GONE, EVENTS_GONE, STATES_GONE, BLOCKS_GONE, FETCHED_GONE};
	const struct mend *mend = what;
	int err = queue_fence(txn, mend->fence);

	for (size_t i = 0; !err && i < STORE_COUNT(order); i++) {
		struct pg_params params;

		pg_params_init(&params);
		pg_param_u64(&params, mend->registry);
		err = store_queue(txn, &statements[order[i]], &params);
	}
	return err;
}

int store_registry_refetch(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint32_t registry)
{
	return store_transact(conn, op, queue_refetch, &(struct mend){.fence = fence, .registry = registry});
}

static int queue_state(struct pg_txn *txn, const struct store_state *state)
{
	struct pg_params params;

	pg_params_init(&params);
	store_param_agent(&params, state->registry, state->agent_id);
	pg_param_u64(&params, state->number);
	pg_param_bytes(&params, pg_bytes(state->owner, 20));
	if (state->has_wallet)
		pg_param_bytes(&params, pg_bytes(state->wallet, 20));
	else
		pg_param_null(&params);
	pg_param_bytes(&params, state->uri);
	return store_queue(txn, &statements[STATE], &params);
}

static int queue_mend(struct pg_txn *txn, const void *what)
{
	static const int order[] = {EQUAL, CHANGED, NOW};
	const struct mend *mend = what;
	struct pg_params params;
	int err = queue_fence(txn, mend->fence);

	if (!err) {
		pg_params_init(&params);
		pg_param_bytes(&params, mend->state->uri);
		err = store_queue(txn, &statements[URI], &params);
	}
	if (!err)
		err = queue_state(txn, mend->state);
	for (size_t i = 0; !err && i < STORE_COUNT(order); i++) {
		pg_params_init(&params);
		store_param_agent(&params, mend->state->registry, mend->state->agent_id);
		if (order[i] == EQUAL)
			pg_param_u64(&params, mend->state->number);
		err = store_queue(txn, &statements[order[i]], &params);
	}
	return err;
}

int store_state_mend(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, const struct store_state *state)
{
	return store_transact(conn, op, queue_mend, &(struct mend){.fence = fence, .state = state});
}

int store_index_alarm(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t chain_id, bool stands)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, chain_id);
	pg_param_bool(&params, stands);
	store_param_fence(&params, fence);
	return store_start(conn, &statements[ALARM], &params, &(struct store_call){.op = op, .decode = store_decode_written});
}
