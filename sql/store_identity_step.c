/* The index moves forward: one step, one transaction, one round trip. */
#include "sql/store_identity.h"

#include <errno.h>
#include <stddef.h>

#include "sql/store_internal.h"

enum { FENCE, BLOCKS, EVENTS, STATES, NEXT, PROOFS, PRUNE, JOIN, INDEXED, PLACE };

static const Oid fence_types[] = {25, 20};
static const Oid blocks_types[] = {20, 1016, 1001, 1001, 1016, 1016};
static const Oid events_types[] = {20, 1016, 1016, 1016, 1001, 1001, 1016, 1001, 1001, 1001, 1001};
static const Oid states_types[] = {20, 1016, 1001, 1016, 1001, 1001, 1001, 1016, 16};
static const Oid next_types[] = {1016, 1001};
static const Oid proofs_types[] = {20, 1016, 1001, 1016, 1001};
static const Oid prune_types[] = {20, 20};
static const Oid indexed_types[] = {1016, 20, 16};
static const Oid place_types[] = {20, 20, 17, 20, 17, 20, 20, 20};

/*
 * Each state is compared with the agent's state before it in this step (w), or else in the table (c): a chain of equal
 * ones is equal to its first, so what is left out does not matter to the next.
 */
static const char states_sql[] =
	"WITH n AS MATERIALIZED (SELECT registry, agent_id, number, owner, wallet, sha256(body) AS uri, body, tier"
	"  FROM unnest($2, $3, $4, $5, $6, $7, $8) AS t(registry, agent_id, number, owner, wallet, body, tier)),"
	" u AS (INSERT INTO uri (hash, body) SELECT DISTINCT ON (uri) uri, body FROM n ORDER BY uri"
	"  ON CONFLICT DO NOTHING),"
	" w AS (SELECT registry, agent_id, number, owner, wallet, uri, tier,"
	"  lag(owner) OVER p AS owner0, lag(wallet) OVER p AS wallet0, lag(uri) OVER p AS uri0"
	"  FROM n WINDOW p AS (PARTITION BY registry, agent_id ORDER BY number)),"
	" c AS (SELECT w.registry, w.agent_id, w.number, w.owner, w.wallet, w.uri, w.tier,"
	"  coalesce(w.owner0, o.owner) AS owner0, coalesce(w.uri0, o.uri) AS uri0,"
	"  CASE WHEN w.owner0 IS NULL THEN o.wallet ELSE w.wallet0 END AS wallet0"
	"  FROM w LEFT JOIN LATERAL (SELECT s.owner, s.wallet, s.uri FROM agent_state s"
	"   WHERE w.owner0 IS NULL AND s.registry = w.registry AND s.agent_id = w.agent_id"
	"   AND s.number < w.number ORDER BY s.number DESC LIMIT 1) o ON true),"
	" i AS (INSERT INTO agent_state (registry, agent_id, chain_id, number, owner, wallet, uri, changed, tier)"
	"  SELECT registry, agent_id, $1, number, owner, wallet, uri, CASE WHEN owner0 IS NULL"
	"   THEN 9 + 2 * (wallet IS NOT NULL)::int + 4 * (uri <> sha256(''))::int"
	"   ELSE (owner <> owner0)::int + 2 * (wallet IS DISTINCT FROM wallet0)::int + 4 * (uri <> uri0)::int END, tier"
	"  FROM c WHERE owner0 IS NULL OR owner <> owner0 OR wallet IS DISTINCT FROM wallet0 OR uri <> uri0"
	"  RETURNING registry, agent_id, number, owner, wallet, uri)"
	" INSERT INTO agent_now AS a (registry, agent_id, number, owner, wallet, uri)"
	" SELECT DISTINCT ON (registry, agent_id) registry, agent_id, number, owner, wallet, uri FROM i"
	" WHERE NOT $9 ORDER BY registry, agent_id, number DESC"
	" ON CONFLICT (registry, agent_id) DO UPDATE SET number = excluded.number, owner = excluded.owner,"
	" wallet = excluded.wallet, uri = excluded.uri, looked = a.looked AND a.uri = excluded.uri"
	" WHERE excluded.number > a.number";

static const struct pg_statement statements[] = {
	/* The lock is shared by all that refer to rows of uri; store_index_drop(), which deletes some, holds it alone. */
	[FENCE] = {.name = "index_fence",
		   .sql = "SELECT kedge_fence($1, $2), pg_advisory_xact_lock_shared(1801807976, 1)",
		   .nparams = 2,
		   .types = fence_types},
	[BLOCKS] = {.name = "index_blocks",
		    .sql = "INSERT INTO block AS b (chain_id, number, hash, parent, time, final)"
			   " SELECT $1, n.number, n.hash, n.parent, n.time, n.final <> 0"
			   " FROM unnest($2, $3, $4, $5, $6) AS n(number, hash, parent, time, final)"
			   " WHERE kedge_require(NOT EXISTS (SELECT FROM block o WHERE o.chain_id = $1"
			   " AND o.number = n.number AND o.hash <> n.hash), '23505')"
			   " ON CONFLICT (chain_id, number) DO UPDATE SET final = true"
			   " WHERE excluded.final AND NOT b.final",
		    .nparams = 6,
		    .types = blocks_types},
	[EVENTS] = {.name = "index_events",
		    .sql = "INSERT INTO agent_event"
			   " (registry, chain_id, number, log_index, tx, agent_id, kind, a, b, key, value)"
			   " SELECT n.registry, $1, n.number, n.log_index, n.tx, n.agent_id, n.kind,"
			   " n.a, n.b, n.key, n.value"
			   " FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
			   " AS n(registry, number, log_index, tx, agent_id, kind, a, b, key, value)",
		    .nparams = 11,
		    .types = events_types},
	[STATES] = {.name = "index_states", .sql = states_sql, .nparams = 9, .types = states_types},
	/* After states older than the newest: what follows them changed against another row than when it was written. */
	[NEXT] = {.name = "index_next",
		  .sql = "WITH t AS (SELECT DISTINCT registry, agent_id FROM unnest($1, $2) AS t(registry, agent_id)),"
			 " w AS (SELECT s.registry, s.agent_id, s.number, (s.owner <> lag(s.owner) OVER p)::int"
			 "  + 2 * (s.wallet IS DISTINCT FROM lag(s.wallet) OVER p)::int"
			 "  + 4 * (s.uri <> lag(s.uri) OVER p)::int AS changed"
			 "  FROM t JOIN agent_state s ON s.registry = t.registry AND s.agent_id = t.agent_id"
			 "  WINDOW p AS (PARTITION BY s.registry, s.agent_id ORDER BY s.number))"
			 " UPDATE agent_state s SET changed = w.changed"
			 " FROM w WHERE s.registry = w.registry AND s.agent_id = w.agent_id AND s.number = w.number"
			 " AND s.changed <> w.changed",
		  .nparams = 2,
		  .types = next_types},
	[PROOFS] = {.name = "index_proofs",
		    .sql = "INSERT INTO agent_proof (registry, agent_id, chain_id, number, body)"
			   " SELECT n.registry, n.agent_id, $1, n.number, n.body"
			   " FROM unnest($2, $3, $4, $5) AS n(registry, agent_id, number, body) ON CONFLICT DO NOTHING",
		    .nparams = 5,
		    .types = proofs_types},
	[PRUNE] = {.name = "index_prune_one",
		   .sql = "DELETE FROM block b WHERE b.chain_id = $1 AND b.number = (SELECT c.final_number"
			  " FROM chain_index c WHERE c.chain_id = $1 AND c.final_number < $2) AND b.final"
			  " AND NOT EXISTS (SELECT FROM agent_event e WHERE e.chain_id = $1 AND e.number = b.number)"
			  " AND NOT EXISTS (SELECT FROM agent_state s WHERE s.chain_id = $1 AND s.number = b.number)"
			  " AND NOT EXISTS (SELECT FROM agent_proof p WHERE p.chain_id = $1 AND p.number = b.number)",
		   .nparams = 2,
		   .types = prune_types},
	/* What was provisional is not any more: only now are the agents' states those of now. */
	[JOIN] = {.name = "index_join",
		  .sql = "INSERT INTO agent_now AS a (registry, agent_id, number, owner, wallet, uri)"
			 " SELECT DISTINCT ON (s.registry, s.agent_id)"
			 "  s.registry, s.agent_id, s.number, s.owner, s.wallet, s.uri"
			 " FROM registry r JOIN agent_state s ON s.registry = r.id AND s.number > r.indexed AND s.number <= $2"
			 " WHERE r.id = ANY($1) AND r.fetched > r.indexed ORDER BY s.registry, s.agent_id, s.number DESC"
			 " ON CONFLICT (registry, agent_id) DO UPDATE SET number = excluded.number, owner = excluded.owner,"
			 " wallet = excluded.wallet, uri = excluded.uri, looked = a.looked AND a.uri = excluded.uri"
			 " WHERE excluded.number > a.number",
		  .nparams = 2,
		  .types = indexed_types},
	[INDEXED] = {.name = "index_indexed",
		     .sql = "UPDATE registry SET indexed = CASE WHEN $3 THEN indexed ELSE greatest(indexed, $2) END,"
			    " fetched = nullif(greatest(fetched, indexed, $2),"
			    "  CASE WHEN $3 THEN indexed ELSE greatest(indexed, $2) END) WHERE id = ANY($1)",
		     .nparams = 3,
		     .types = indexed_types},
	[PLACE] = {.name = "index_place",
		   .sql = "INSERT INTO chain_index VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
			  " ON CONFLICT (chain_id) DO UPDATE SET final_number = excluded.final_number,"
			  " final_hash = excluded.final_hash, tip_number = excluded.tip_number,"
			  " tip_hash = excluded.tip_hash, tip_time = excluded.tip_time, target = excluded.target,"
			  " updated = excluded.updated"
			  " RETURNING pg_notify('kedge_index', tip_number::text)",
		   .nparams = 8,
		   .types = place_types},
};

const struct pg_statement_set store_identity_step_set = {statements, STORE_COUNT(statements)};

int store_queue_fence_shared(struct pg_txn *txn, const struct store_fence *fence)
{
	struct pg_params params;

	pg_params_init(&params);
	store_param_fence(&params, fence);
	return store_queue(txn, &statements[FENCE], &params);
}

int store_queue_index(struct pg_txn *txn, uint64_t chain_id, const struct store_index *index)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, chain_id);
	pg_param_u64(&params, index->final_number);
	pg_param_hash(&params, index->final_hash);
	pg_param_u64(&params, index->tip_number);
	pg_param_hash(&params, index->tip_hash);
	pg_param_u64(&params, index->tip_time);
	pg_param_u64(&params, index->target);
	pg_param_u64(&params, index->updated);
	return store_queue(txn, &statements[PLACE], &params);
}

static int queue_blocks(struct pg_txn *txn, const struct store_index_step *step)
{
	struct store_columns columns;
	struct pg_params params;
	int err = store_columns_init(&columns, step->blocks, step->nblocks, sizeof(*step->blocks));

	if (err)
		return err;
	pg_params_init(&params);
	pg_param_u64(&params, step->chain_id);
	store_column_u64(&params, &columns, offsetof(struct store_index_block, number));
	store_column_fixed(&params, &columns, offsetof(struct store_index_block, hash), 32);
	store_column_fixed(&params, &columns, offsetof(struct store_index_block, parent), 32);
	store_column_u64(&params, &columns, offsetof(struct store_index_block, time));
	store_column_bool(&params, &columns, offsetof(struct store_index_block, final));
	err = store_queue(txn, &statements[BLOCKS], &params);
	store_columns_clear(&columns);
	return err;
}

static int queue_events(struct pg_txn *txn, const struct store_index_step *step)
{
	struct store_columns columns;
	struct pg_params params;
	int err = store_columns_init(&columns, step->events, step->nevents, sizeof(*step->events));

	if (err)
		return err;
	pg_params_init(&params);
	pg_param_u64(&params, step->chain_id);
	store_column_u32(&params, &columns, offsetof(struct store_event, registry));
	store_column_u64(&params, &columns, offsetof(struct store_event, number));
	store_column_u32(&params, &columns, offsetof(struct store_event, log_index));
	store_column_fixed(&params, &columns, offsetof(struct store_event, tx), 32);
	store_column_fixed_if(&params, &columns, offsetof(struct store_event, agent_id), 32,
			      offsetof(struct store_event, has_agent));
	store_column_u32(&params, &columns, offsetof(struct store_event, kind));
	store_column_address(&params, &columns, offsetof(struct store_event, a));
	store_column_address(&params, &columns, offsetof(struct store_event, b));
	store_column_bytea(&params, &columns, offsetof(struct store_event, key));
	store_column_bytea(&params, &columns, offsetof(struct store_event, value));
	err = store_queue(txn, &statements[EVENTS], &params);
	store_columns_clear(&columns);
	return err;
}

static int queue_states(struct pg_txn *txn, const struct store_index_step *step)
{
	const bool late = step->nindexed && step->indexed_to < step->index->tip_number;
	struct store_columns columns;
	struct pg_params params;
	int err = store_columns_init(&columns, step->states, step->nstates, sizeof(*step->states));

	if (err)
		return err;
	pg_params_init(&params);
	pg_param_u64(&params, step->chain_id);
	store_column_u32(&params, &columns, offsetof(struct store_state, registry));
	store_column_fixed(&params, &columns, offsetof(struct store_state, agent_id), 32);
	store_column_u64(&params, &columns, offsetof(struct store_state, number));
	store_column_fixed(&params, &columns, offsetof(struct store_state, owner), 20);
	store_column_fixed_if(&params, &columns, offsetof(struct store_state, wallet), 20,
			      offsetof(struct store_state, has_wallet));
	store_column_bytea(&params, &columns, offsetof(struct store_state, uri));
	store_column_u32(&params, &columns, offsetof(struct store_state, tier));
	pg_param_bool(&params, step->provisional);
	err = store_queue(txn, &statements[STATES], &params);
	if (!err && late) {
		pg_params_init(&params);
		store_column_u32(&params, &columns, offsetof(struct store_state, registry));
		store_column_fixed(&params, &columns, offsetof(struct store_state, agent_id), 32);
		err = store_queue(txn, &statements[NEXT], &params);
	}
	store_columns_clear(&columns);
	return err;
}

static int queue_proofs(struct pg_txn *txn, const struct store_index_step *step)
{
	struct store_columns columns;
	struct pg_params params;
	int err = store_columns_init(&columns, step->proofs, step->nproofs, sizeof(*step->proofs));

	if (err)
		return err;
	pg_params_init(&params);
	pg_param_u64(&params, step->chain_id);
	store_column_u32(&params, &columns, offsetof(struct store_proof, registry));
	store_column_fixed(&params, &columns, offsetof(struct store_proof, agent_id), 32);
	store_column_u64(&params, &columns, offsetof(struct store_proof, number));
	store_column_bytea(&params, &columns, offsetof(struct store_proof, body));
	err = store_queue(txn, &statements[PROOFS], &params);
	store_columns_clear(&columns);
	return err;
}

static int queue_prune(struct pg_txn *txn, const struct store_index_step *step)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, step->chain_id);
	pg_param_u64(&params, step->index->final_number);
	return store_queue(txn, &statements[PRUNE], &params);
}

/* JOIN before INDEXED, which it needs the former value of. */
static int queue_indexed(struct pg_txn *txn, const struct store_index_step *step)
{
	struct store_columns columns;
	int err = store_columns_init(&columns, step->indexed, step->nindexed, sizeof(*step->indexed));

	for (int which = step->provisional ? INDEXED : JOIN; !err && which <= INDEXED; which++) {
		struct pg_params params;

		pg_params_init(&params);
		store_column_u32(&params, &columns, 0);
		pg_param_u64(&params, step->indexed_to);
		if (which == INDEXED)
			pg_param_bool(&params, step->provisional);
		err = store_queue(txn, &statements[which], &params);
	}
	store_columns_clear(&columns);
	return err;
}

struct fenced_step {
	const struct store_fence *fence;
	const struct store_index_step *step;
};

static int queue_step(struct pg_txn *txn, const void *what)
{
	const struct fenced_step *fenced = what;
	const struct store_index_step *step = fenced->step;
	int err = store_queue_fence_shared(txn, fenced->fence);

	if (!err && step->nblocks)
		err = queue_blocks(txn, step);
	if (!err && step->nevents)
		err = queue_events(txn, step);
	if (!err && step->nstates)
		err = queue_states(txn, step);
	if (!err && step->nproofs)
		err = queue_proofs(txn, step);
	if (!err)
		err = queue_prune(txn, step);
	if (!err && step->nindexed)
		err = queue_indexed(txn, step);
	return err ? err : store_queue_index(txn, step->chain_id, step->index);
}

int store_index_step(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
		     const struct store_index_step *step)
{
	return store_transact(conn, op, queue_step, &(struct fenced_step){fence, step});
}
