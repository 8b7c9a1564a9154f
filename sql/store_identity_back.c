/* The index goes back, becomes final, and learns what a step did not bring: registries, late proofs. */
#include "sql/store_identity.h"

#include <errno.h>

#include "sql/store_internal.h"

enum {
	FENCE_ALONE,
	KEEP,
	NOW_BACK,
	FILES_BACK,
	STATES_BACK,
	BLOCKS_BACK,
	FETCHED_BACK,
	SAME_HASH,
	PRUNE,
	FINAL,
	INDEXED,
	PROOF_PUT,
	OPEN,
	FOLLOW,
	IMPLEMENTATION
};

static const Oid fence_types[] = {25, 20};
static const Oid pair_types[] = {20, 20};
static const Oid hash_types[] = {20, 20, 17};
static const Oid proof_types[] = {20, 17, 20, 20, 17, 25, 20};
static const Oid open_types[] = {20, 17, 20, 25, 20};
static const Oid follow_types[] = {20, 1016, 25, 20};
static const Oid implementation_types[] = {20, 17, 17, 16, 25, 20};

/* Agents of chain $1 that changed in blocks above $2. */
#define TOUCHED                                                                                                        \
	"t AS MATERIALIZED (SELECT DISTINCT registry, agent_id FROM agent_state WHERE chain_id = $1 AND number > $2)"

static const struct pg_statement statements[] = {
	[FENCE_ALONE] = {.name = "index_fence_alone",
			 .sql = "SELECT kedge_fence($1, $2), pg_advisory_xact_lock(1801807976, 1)",
			 .nparams = 2,
			 .types = fence_types},
	[KEEP] = {.name = "index_keep",
		  .sql = "SELECT kedge_require(NOT EXISTS (SELECT FROM chain_index WHERE chain_id = $1"
			 " AND final_number > $2), '22023')",
		  .nparams = 2,
		  .types = pair_types},
	[NOW_BACK] =
		{.name = "index_now_back",
		 .sql = "WITH " TOUCHED ","
			" o AS MATERIALIZED (SELECT t.registry, t.agent_id, s.number, s.owner, s.wallet, s.uri"
			"  FROM t LEFT JOIN LATERAL (SELECT * FROM agent_state s WHERE s.registry = t.registry"
			"   AND s.agent_id = t.agent_id AND s.number <= $2 ORDER BY s.number DESC LIMIT 1) s ON true),"
			" gone AS (DELETE FROM agent_now a USING o WHERE o.number IS NULL"
			"  AND a.registry = o.registry AND a.agent_id = o.agent_id)"
			" UPDATE agent_now a SET number = o.number, owner = o.owner, wallet = o.wallet, uri = o.uri,"
			" looked = a.looked AND a.uri = o.uri FROM o WHERE o.number IS NOT NULL"
			" AND a.registry = o.registry AND a.agent_id = o.agent_id",
		 .nparams = 2,
		 .types = pair_types},
	/* What was read through a URI that the agent never had. Its domains and what it is found by may be of that file too, even
	 * where a later look failed: they go, and the agent is looked at anew. */
	[FILES_BACK] =
		{.name = "index_files_back",
		 .sql = "WITH " TOUCHED ","
			" f AS (DELETE FROM file f USING t WHERE f.registry = t.registry AND f.agent_id = t.agent_id"
			"  AND NOT EXISTS (SELECT FROM agent_state s WHERE s.registry = f.registry"
			"   AND s.agent_id = f.agent_id AND s.uri = f.uri AND s.number <= $2)"
			"  RETURNING f.registry, f.agent_id),"
			" l AS (DELETE FROM link_claim l USING t WHERE l.registry = t.registry AND l.agent_id = t.agent_id"
			"  AND NOT EXISTS (SELECT FROM agent_state s WHERE s.registry = l.registry"
			"   AND s.agent_id = l.agent_id AND s.uri = l.uri AND s.number <= $2)),"
			" n AS (DELETE FROM file_now n USING f WHERE n.registry = f.registry AND n.agent_id = f.agent_id),"
			" d AS (DELETE FROM domain_proof d USING f WHERE d.registry = f.registry AND d.agent_id = f.agent_id)"
			" UPDATE agent_now a SET looked = false FROM f"
			" WHERE a.registry = f.registry AND a.agent_id = f.agent_id",
		 .nparams = 2,
		 .types = pair_types},
	[STATES_BACK] = {.name = "index_states_back",
			 .sql = "WITH s AS (DELETE FROM agent_state WHERE chain_id = $1 AND number > $2 RETURNING uri)"
				" DELETE FROM uri u USING (SELECT DISTINCT uri FROM s) d WHERE u.hash = d.uri"
				" AND NOT EXISTS (SELECT FROM agent_state o WHERE o.uri = u.hash"
				"  AND NOT (o.chain_id = $1 AND o.number > $2))"
				" AND NOT EXISTS (SELECT FROM file f WHERE f.uri = u.hash)"
				" AND NOT EXISTS (SELECT FROM link_claim l WHERE l.uri = u.hash)",
			 .nparams = 2,
			 .types = pair_types},
	[BLOCKS_BACK] = {.name = "index_blocks_back",
			 .sql = "DELETE FROM block WHERE chain_id = $1 AND number > $2",
			 .nparams = 2,
			 .types = pair_types},
	[FETCHED_BACK] = {.name = "index_fetched_back",
			  .sql = "UPDATE registry SET fetched = nullif(greatest(indexed, $2), indexed)"
				 " WHERE chain_id = $1 AND fetched > $2",
			  .nparams = 2,
			  .types = pair_types},
	[SAME_HASH] = {.name = "index_same_hash",
		       .sql = "SELECT kedge_require(NOT EXISTS (SELECT FROM block WHERE chain_id = $1 AND number = $2"
			      " AND hash <> $3), '23505')",
		       .nparams = 3,
		       .types = hash_types},
	[PRUNE] = {.name = "index_prune",
		   .sql = "DELETE FROM block b USING chain_index c WHERE c.chain_id = $1 AND b.chain_id = $1"
			  " AND b.number >= c.final_number AND b.number < $2"
			  " AND NOT EXISTS (SELECT FROM agent_event e WHERE e.chain_id = $1 AND e.number = b.number)"
			  " AND NOT EXISTS (SELECT FROM agent_state s WHERE s.chain_id = $1 AND s.number = b.number)"
			  " AND NOT EXISTS (SELECT FROM agent_proof p WHERE p.chain_id = $1 AND p.number = b.number)",
		   .nparams = 2,
		   .types = pair_types},
	[FINAL] = {.name = "index_final",
		   .sql = "UPDATE block b SET final = true FROM chain_index c WHERE c.chain_id = $1 AND b.chain_id = $1"
			  " AND b.number >= c.final_number AND b.number <= $2 AND NOT b.final",
		   .nparams = 2,
		   .types = pair_types},
	[INDEXED] = {.name = "index_final_indexed",
		     .sql = "UPDATE registry r SET indexed = $2, fetched = nullif(greatest(r.fetched, $2), $2) FROM chain_index c"
			    " WHERE c.chain_id = $1 AND r.chain_id = $1 AND r.followed"
			    " AND (r.indexed >= c.final_number OR r.start_block > c.final_number) AND r.indexed < $2",
		     .nparams = 2,
		     .types = pair_types},
	[PROOF_PUT] = {.name = "proof_put",
		       .sql = "WITH b AS MATERIALIZED (SELECT FROM block WHERE chain_id = $3 AND number = $4"
			      "  AND kedge_fence($6, $7)),"
			      " p AS (INSERT INTO agent_proof (registry, agent_id, chain_id, number, body)"
			      "  SELECT $1, $2, $3, $4, $5 FROM b ON CONFLICT DO NOTHING),"
			      " s AS (UPDATE agent_state s SET tier = 4 FROM b"
			      "  WHERE s.registry = $1 AND s.agent_id = $2 AND s.number = $4)"
			      " SELECT true FROM b",
		       .nparams = 7,
		       .types = proof_types,
		       .write = true},
	/* The update is none: it makes the row that is there already come back. */
	[OPEN] = {.name = "registry_open",
		  .sql = "INSERT INTO registry AS r (chain_id, address, start_block, indexed)"
			 " SELECT $1, $2, $3, $3 - 1 WHERE kedge_fence($4, $5)"
			 " ON CONFLICT (chain_id, address) DO UPDATE SET start_block = r.start_block"
			 " RETURNING " STORE_REGISTRY_COLUMNS,
		  .nparams = 5,
		  .types = open_types,
		  .write = true},
	[FOLLOW] = {.name = "registries_follow",
		    .sql = "UPDATE registry SET followed = id = ANY($2) WHERE chain_id = $1 AND kedge_fence($3, $4) RETURNING true",
		    .nparams = 4,
		    .types = follow_types,
		    .write = true},
	[IMPLEMENTATION] = {.name = "registry_implementation",
			    .sql = "UPDATE registry SET implementation = $2, code_hash = $3, known = $4"
				   " WHERE id = $1 AND kedge_fence($5, $6) RETURNING true",
			    .nparams = 6,
			    .types = implementation_types,
			    .write = true},
};

const struct pg_statement_set store_identity_back_set = {statements, STORE_COUNT(statements)};

struct change {
	const struct store_fence *fence;
	uint64_t chain_id;
	uint64_t keep;
	const struct store_index *index;
};

/* A statement of (chain, number). */
static int queue_pair(struct pg_txn *txn, int which, uint64_t chain_id, uint64_t number)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, chain_id);
	pg_param_u64(&params, number);
	return store_queue(txn, &statements[which], &params);
}

static int queue_drop(struct pg_txn *txn, const void *what)
{
	static const int order[] = {KEEP, NOW_BACK, FILES_BACK, STATES_BACK, BLOCKS_BACK, FETCHED_BACK};
	const struct change *change = what;
	struct pg_params params;
	int err;

	pg_params_init(&params);
	store_param_fence(&params, change->fence);
	err = store_queue(txn, &statements[FENCE_ALONE], &params);
	for (size_t i = 0; !err && i < STORE_COUNT(order); i++)
		err = queue_pair(txn, order[i], change->chain_id, change->keep);
	return err ? err : store_queue_index(txn, change->chain_id, change->index);
}

int store_index_drop(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t chain_id,
		     uint64_t keep, const struct store_index *index)
{
	if (keep < index->final_number)
		return -EINVAL;
	return store_transact(conn, op, queue_drop, &(struct change){fence, chain_id, keep, index});
}

static int queue_finalize(struct pg_txn *txn, const void *what)
{
	static const int order[] = {PRUNE, FINAL, INDEXED};
	const struct change *change = what;
	struct pg_params params;
	int err = store_queue_fence_shared(txn, change->fence);

	if (err)
		return err;
	pg_params_init(&params);
	pg_param_u64(&params, change->chain_id);
	pg_param_u64(&params, change->index->final_number);
	pg_param_hash(&params, change->index->final_hash);
	err = store_queue(txn, &statements[SAME_HASH], &params);
	for (size_t i = 0; !err && i < STORE_COUNT(order); i++)
		err = queue_pair(txn, order[i], change->chain_id, change->index->final_number);
	return err ? err : store_queue_index(txn, change->chain_id, change->index);
}

int store_index_finalize(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t chain_id,
			 const struct store_index *index)
{
	return store_transact(conn, op, queue_finalize, &(struct change){fence, chain_id, 0, index});
}

int store_proof_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t chain_id,
		    const struct store_proof *proof)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, proof->registry);
	pg_param_hash(&params, proof->agent_id);
	pg_param_u64(&params, chain_id);
	pg_param_u64(&params, proof->number);
	pg_param_bytes(&params, proof->body);
	store_param_fence(&params, fence);
	return store_start(conn, &statements[PROOF_PUT], &params,
			   &(struct store_call){.op = op, .decode = store_decode_written});
}

static int decode_opened(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_registry *out = call->out;
	int err;

	(void)keep;
	if (PQntuples(res) != 1)
		return -EPROTO;
	err = store_get_registry(out, res, 0);
	return !err && out->start_block != call->n ? -EEXIST : err;
}

int store_registry_open(struct pg_conn *conn, struct pg_op *op, struct store_registry *out,
			const struct store_fence *fence, uint64_t chain_id, const uint8_t address[static 20],
			uint64_t start_block)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_u64(&params, chain_id);
	pg_param_bytes(&params, pg_bytes(address, 20));
	pg_param_u64(&params, start_block);
	store_param_fence(&params, fence);
	return store_start(conn, &statements[OPEN], &params,
			   &(struct store_call){.op = op, .out = out, .n = start_block, .decode = decode_opened});
}

int store_registries_follow(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint64_t chain_id,
			    const uint32_t *registries, size_t n)
{
	struct store_columns columns;
	struct pg_params params;
	int err = store_columns_init(&columns, registries, n, sizeof(*registries));

	if (err)
		return err;
	pg_params_init(&params);
	pg_param_u64(&params, chain_id);
	store_column_u32(&params, &columns, 0);
	store_param_fence(&params, fence);
	err = store_start(conn, &statements[FOLLOW], &params, &(struct store_call){.op = op, .decode = store_decode_written});
	store_columns_clear(&columns);
	return err;
}

int store_registry_implementation(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
				  uint32_t registry, const uint8_t implementation[static 20],
				  const uint8_t code_hash[static 32], bool known)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, registry);
	pg_param_bytes(&params, pg_bytes(implementation, 20));
	pg_param_hash(&params, code_hash);
	pg_param_bool(&params, known);
	store_param_fence(&params, fence);
	return store_start(conn, &statements[IMPLEMENTATION], &params,
			   &(struct store_call){.op = op, .decode = store_decode_written});
}
