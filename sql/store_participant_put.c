/* Writing participants: all there is about one in place of what there was, in the transaction of the append that changed it. */
#include "sql/store_participant.h"

#include <errno.h>
#include <stddef.h>

#include "sql/store_internal.h"
#include "sql/store_link.h"

enum { CLAIMED, ROW, NO_ACCOUNTS, ACCOUNTS, NO_AGENTS, AGENTS, NO_FOREIGN, FOREIGN, ADD_MESSAGES, REMOVE, REMOVE_ALL, KEEP_CLAIMED };

static const Oid claimed_types[] = {17, 20};
static const Oid row_types[] = {25, 25, 20, 17, 20, 20, 20, 20, 20, 17};
static const Oid key_types[] = {25};
static const Oid accounts_types[] = {25, 1016, 1001, 1016, 1016, 1016, 1001, 1016, 1001, 1016};
static const Oid agents_types[] = {25, 1016, 1001, 1001, 1001, 1016, 1016, 1001, 1016, 1001, 1016};
static const Oid foreign_types[] = {25, 1009, 1016};
static const Oid messages_types[] = {25, 1001, 1016};

static const struct pg_statement statements[] = {
	[CLAIMED] = {.name = "participant_claimed",
		     .sql = "INSERT INTO handle_claimed (hash, at) VALUES ($1, $2)",
		     .nparams = 2,
		     .types = claimed_types},
	[ROW] = {.name = "participant_put",
		 .sql = "INSERT INTO participant (key, handle, claimant_chain, claimant, claimed, created, seq, at, entries, state)"
			" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (key) DO UPDATE SET seq = excluded.seq,"
			" at = excluded.at, entries = excluded.entries, state = excluded.state",
		 .nparams = 10,
		 .types = row_types},
	[NO_ACCOUNTS] = {.name = "participant_no_accounts",
			 .sql = "DELETE FROM participant_account WHERE key = $1",
			 .nparams = 1,
			 .types = key_types},
	[ACCOUNTS] = {.name = "participant_accounts",
		      .sql = "INSERT INTO participant_account (key, chain_id, address, controller, contract, safe_number, safe_hash,"
			     " latest_number, latest_hash, seq) SELECT $1, n.chain_id, n.address, n.controller <> 0, n.contract <> 0,"
			     " CASE WHEN n.contract <> 0 THEN n.safe END, n.safe_hash, CASE WHEN n.contract <> 0 THEN n.latest END,"
			     " n.latest_hash, n.seq FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10) AS"
			     " n(chain_id, address, controller, contract, safe, safe_hash, latest, latest_hash, seq)",
		      .nparams = 10,
		      .types = accounts_types},
	[NO_AGENTS] = {.name = "participant_no_agents",
		       .sql = "DELETE FROM participant_agent WHERE key = $1",
		       .nparams = 1,
		       .types = key_types},
	[AGENTS] = {.name = "participant_agents",
		    .sql = "INSERT INTO participant_agent (key, chain_id, registry, agent_id, owner, signed, safe_number, safe_hash,"
			   " latest_number, latest_hash, seq) SELECT $1, n.chain_id, n.registry, n.agent_id, n.owner, n.signed <> 0,"
			   " n.safe, n.safe_hash, n.latest, n.latest_hash, n.seq FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS"
			   " n(chain_id, registry, agent_id, owner, signed, safe, safe_hash, latest, latest_hash, seq)",
		    .nparams = 11,
		    .types = agents_types},
	[NO_FOREIGN] = {.name = "participant_no_foreign",
			.sql = "DELETE FROM participant_foreign WHERE key = $1",
			.nparams = 1,
			.types = key_types},
	[FOREIGN] = {.name = "participant_foreign_dids",
		     .sql = "INSERT INTO participant_foreign (key, did, seq) SELECT $1, n.did, n.seq FROM unnest($2, $3) AS n(did, seq)",
		     .nparams = 3,
		     .types = foreign_types},
	[ADD_MESSAGES] = {.name = "participant_add_messages",
			  .sql = "INSERT INTO participant_message (hash, key, seq) SELECT n.hash, $1, n.seq"
				 " FROM unnest($2, $3) AS n(hash, seq)",
			  .nparams = 3,
			  .types = messages_types},
	[REMOVE] = {.name = "participant_remove",
		    .sql = "DELETE FROM participant WHERE key = $1",
		    .nparams = 1,
		    .types = key_types},
	[REMOVE_ALL] = {.name = "participant_remove_all", .sql = "DELETE FROM participant"},
	[KEEP_CLAIMED] = {.name = "participant_keep_claimed",
			  .sql = "INSERT INTO handle_claimed (hash, at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
			  .nparams = 2,
			  .types = claimed_types},
};

const struct pg_statement_set store_participant_put_set = {statements, STORE_COUNT(statements)};

static int queue_claimed(struct pg_txn *txn, const uint8_t claimed[static 32], uint64_t at)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_hash(&params, claimed);
	pg_param_u64(&params, at);
	return store_queue(txn, &statements[CLAIMED], &params);
}

static int queue_row(struct pg_txn *txn, const struct store_participant_put *put)
{
	const struct store_participant *row = &put->row;
	struct pg_params params;

	pg_params_init(&params);
	pg_param_bytes(&params, row->key);
	pg_param_bytes(&params, row->handle);
	pg_param_u64(&params, put->claimant_chain);
	pg_param_bytes(&params, pg_bytes(put->claimant, sizeof(put->claimant)));
	pg_param_u64(&params, row->claimed);
	pg_param_u64(&params, row->created);
	pg_param_u64(&params, row->seq);
	pg_param_u64(&params, row->at);
	pg_param_u64(&params, row->entries);
	pg_param_bytes(&params, row->state);
	return store_queue(txn, &statements[ROW], &params);
}

static int queue_key(struct pg_txn *txn, int which, struct pg_bytes key)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_bytes(&params, key);
	return store_queue(txn, &statements[which], &params);
}

#define OF(member) offsetof(struct store_participant_account, member)
static int queue_accounts(struct pg_txn *txn, const struct store_participant_put *put)
{
	struct store_columns columns;
	struct pg_params params;
	int err = queue_key(txn, NO_ACCOUNTS, put->row.key);

	if (err || put->naccounts == 0)
		return err;
	err = store_columns_init(&columns, put->accounts, put->naccounts, sizeof(*put->accounts));
	if (err)
		return err;
	pg_params_init(&params);
	pg_param_bytes(&params, put->row.key);
	store_column_u64(&params, &columns, OF(chain_id));
	store_column_fixed(&params, &columns, OF(address), 20);
	store_column_bool(&params, &columns, OF(controller));
	store_column_bool(&params, &columns, OF(contract));
	store_column_u64(&params, &columns, OF(safe_number));
	store_column_fixed_if(&params, &columns, OF(safe_hash), 32, OF(contract));
	store_column_u64(&params, &columns, OF(latest_number));
	store_column_fixed_if(&params, &columns, OF(latest_hash), 32, OF(contract));
	store_column_u64(&params, &columns, OF(seq));
	err = store_queue(txn, &statements[ACCOUNTS], &params);
	store_columns_clear(&columns);
	return err;
}
#undef OF

#define OF(member) offsetof(struct store_participant_agent, member)
static int queue_agents(struct pg_txn *txn, const struct store_participant_put *put)
{
	struct store_columns columns;
	struct pg_params params;
	int err = queue_key(txn, NO_AGENTS, put->row.key);

	if (err || put->nagents == 0)
		return err;
	err = store_columns_init(&columns, put->agents, put->nagents, sizeof(*put->agents));
	if (err)
		return err;
	pg_params_init(&params);
	pg_param_bytes(&params, put->row.key);
	store_column_u64(&params, &columns, OF(chain_id));
	store_column_fixed(&params, &columns, OF(registry), 20);
	store_column_fixed(&params, &columns, OF(agent_id), 32);
	store_column_fixed(&params, &columns, OF(owner), 20);
	store_column_bool(&params, &columns, OF(owner_signed));
	store_column_u64(&params, &columns, OF(safe_number));
	store_column_fixed(&params, &columns, OF(safe_hash), 32);
	store_column_u64(&params, &columns, OF(latest_number));
	store_column_fixed(&params, &columns, OF(latest_hash), 32);
	store_column_u64(&params, &columns, OF(seq));
	err = store_queue(txn, &statements[AGENTS], &params);
	store_columns_clear(&columns);
	return err;
}
#undef OF

static int queue_foreign(struct pg_txn *txn, const struct store_participant_put *put)
{
	struct store_columns columns;
	struct pg_params params;
	int err = queue_key(txn, NO_FOREIGN, put->row.key);

	if (err || put->nforeign == 0)
		return err;
	err = store_columns_init(&columns, put->foreign, put->nforeign, sizeof(*put->foreign));
	if (err)
		return err;
	pg_params_init(&params);
	pg_param_bytes(&params, put->row.key);
	store_column_text(&params, &columns, offsetof(struct store_participant_foreign, did));
	store_column_u64(&params, &columns, offsetof(struct store_participant_foreign, seq));
	err = store_queue(txn, &statements[FOREIGN], &params);
	store_columns_clear(&columns);
	return err;
}

static int queue_messages(struct pg_txn *txn, const struct store_participant_put *put)
{
	struct pg_params params;

	if (put->nmessages == 0)
		return 0;
	pg_params_init(&params);
	pg_param_bytes(&params, put->row.key);
	pg_param_hash_array(&params, put->messages, put->nmessages);
	pg_param_u64_array(&params, put->messages_seqs, put->nmessages);
	return store_queue(txn, &statements[ADD_MESSAGES], &params);
}

int store_participant_put(struct pg_txn *txn, const struct store_participant_put *put)
{
	int err = put->claims ? queue_claimed(txn, put->claims, put->row.created) : 0;

	if (!err)
		err = queue_row(txn, put);
	if (!err)
		err = queue_accounts(txn, put);
	if (!err)
		err = queue_agents(txn, put);
	if (!err)
		err = queue_foreign(txn, put);
	return err ? err : queue_messages(txn, put);
}

int store_participant_remove(struct pg_txn *txn, struct pg_bytes key)
{
	int err = store_link_remove(txn, key);

	return err ? err : queue_key(txn, REMOVE, key);
}

int store_participant_remove_all(struct pg_txn *txn)
{
	return pg_txn_query(txn, &statements[REMOVE_ALL], NULL, NULL, NULL);
}

static int decode_done(struct store_call *call, PGresult *res, bool *keep)
{
	(void)call;
	(void)res;
	(void)keep;
	return 0;
}

int store_participant_keep_claimed(struct pg_txn *txn, struct pg_op *op, const uint8_t claimed[static 32], uint64_t at)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_hash(&params, claimed);
	pg_param_u64(&params, at);
	return store_start_txn(txn, &statements[KEEP_CLAIMED], &params, &(struct store_call){.op = op, .decode = decode_done});
}

static void on_committed(void *arg, int err, PGresult *res)
{
	PQclear(res);
	pg_op_finish(arg, err);
}

int store_participant_commit(struct pg_txn *txn, struct pg_op *op)
{
	int err;

	pg_op_start(op);
	err = pg_txn_commit(txn, on_committed, op);
	if (err)
		pg_txn_rollback(txn);
	return err;
}
