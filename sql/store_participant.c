/* Reading participants. */
#include "sql/store_participant.h"

#include <errno.h>
#include <stdlib.h>

#include "sql/store_internal.h"

enum { FIND, ALL, BY_ACCOUNT, BY_ADDRESS, BY_AGENT, MESSAGES, KEYS, CLAIM };

enum { LIMIT_MAX = 1000 };

static const Oid find_types[] = {25, 17};
static const Oid all_types[] = {25, 20};
static const Oid account_types[] = {25, 20, 17, 20};
static const Oid address_types[] = {25, 20, 17};
static const Oid agent_types[] = {25, 20, 20, 17, 17};
static const Oid hashes_types[] = {1001};
static const Oid claim_types[] = {25, 17, 20, 17};

#define COLUMNS "p.key, p.handle, p.claimed, p.created, p.seq, p.at, p.entries, p.state"
#define PAGE " ORDER BY p.handle LIMIT $2"
#define NOW_MS "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

static const struct pg_statement statements[] = {
	[FIND] = {.name = "participant_find",
		  .sql = "SELECT " COLUMNS ", c.hash IS NOT NULL, l.size FROM (SELECT $1 AS handle, $2 AS hash) q"
			 " LEFT JOIN participant p ON p.handle = q.handle LEFT JOIN handle_claimed c ON c.hash = q.hash"
			 " CROSS JOIN log_head l",
		  .nparams = 2,
		  .types = find_types},
	[ALL] = {.name = "participants",
		 .sql = "SELECT " COLUMNS " FROM participant p WHERE p.handle > $1" PAGE,
		 .nparams = 2,
		 .types = all_types},
	[BY_ACCOUNT] = {.name = "participants_by_account",
			.sql = "SELECT " COLUMNS " FROM participant_account a JOIN participant p ON p.key = a.key"
			       " WHERE p.handle > $1 AND a.address = $3 AND a.chain_id = $4" PAGE,
			.nparams = 4,
			.types = account_types},
	[BY_ADDRESS] = {.name = "participants_by_address",
			.sql = "SELECT " COLUMNS " FROM (SELECT DISTINCT key FROM participant_account WHERE address = $3) a"
			       " JOIN participant p ON p.key = a.key WHERE p.handle > $1" PAGE,
			.nparams = 3,
			.types = address_types},
	[BY_AGENT] = {.name = "participants_by_agent",
		      .sql = "SELECT " COLUMNS " FROM participant_agent a JOIN participant p ON p.key = a.key"
			     " WHERE p.handle > $1 AND a.chain_id = $3 AND a.registry = $4 AND a.agent_id = $5" PAGE,
		      .nparams = 5,
		      .types = agent_types},
	[MESSAGES] = {.name = "participant_messages",
		      .sql = "SELECT hash, key, seq FROM participant_message WHERE hash = ANY($1)",
		      .nparams = 1,
		      .types = hashes_types},
	/* From subject to subject over entry_subject, whatever else the log holds of each. */
	[KEYS] = {.name = "participant_keys",
		  .sql = "WITH RECURSIVE k AS ((SELECT subject FROM entry WHERE subject > $1 AND subject < 'urn:kedge:p;' ORDER BY subject LIMIT 1)"
			 " UNION ALL SELECT (SELECT e.subject FROM entry e WHERE e.subject > k.subject AND e.subject < 'urn:kedge:p;'"
			 "  ORDER BY e.subject LIMIT 1) FROM k WHERE k.subject IS NOT NULL)"
			 " SELECT subject FROM k WHERE subject IS NOT NULL LIMIT $2",
		  .nparams = 2,
		  .types = all_types},
	[CLAIM] = {.name = "participant_claim",
		   .sql = "SELECT EXISTS (SELECT FROM participant WHERE handle = $1), EXISTS (SELECT FROM handle_claimed WHERE hash = $2),"
			  " EXISTS (SELECT FROM participant WHERE claimant_chain = $3 AND claimant = $4),"
			  " (SELECT count(*) FROM handle_claimed WHERE at >= " NOW_MS " / 86400000 * 86400000)",
		   .nparams = 4,
		   .types = claim_types},
};

const struct pg_statement_set store_participant_set = {statements, STORE_COUNT(statements)};

static int get_row(void *into, const PGresult *res, int row)
{
	struct store_participant *out = into;
	int err = 0;

	out->key = pg_get_bytes(res, row, 0);
	out->handle = pg_get_bytes(res, row, 1);
	out->claimed = pg_get_u64(&err, res, row, 2);
	out->created = pg_get_u64(&err, res, row, 3);
	out->seq = pg_get_u64(&err, res, row, 4);
	out->at = pg_get_u64(&err, res, row, 5);
	out->entries = pg_get_u64(&err, res, row, 6);
	out->state = pg_get_bytes(res, row, 7);
	return err;
}

static int decode_found(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_participant_found *out = call->out;
	int err = PQntuples(res) == 1 ? 0 : -ENOENT; /* no log */

	if (err)
		return err;
	out->live = !pg_get_null(res, 0, 0);
	out->claimed_once = pg_get_bool(&err, res, 0, 8);
	out->log_size = pg_get_u64(&err, res, 0, 9);
	if (!err && out->live)
		err = get_row(&out->row, res, 0);
	if (err)
		return err;
	out->res = res;
	*keep = true;
	return 0;
}

int store_participant_find(struct pg_conn *conn, struct pg_op *op, struct store_participant_found *out, struct pg_bytes handle,
			   const uint8_t claimed[static 32])
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_bytes(&params, handle);
	pg_param_hash(&params, claimed);
	return store_start(conn, &statements[FIND], &params, &(struct store_call){.op = op, .out = out, .decode = decode_found});
}

void store_participant_found_clear(struct store_participant_found *found)
{
	PQclear(found->res);
	memset(found, 0, sizeof(*found));
}

static int decode_rows(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_participants *out = call->out;
	int err = 0;

	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_row);
	if (!err) {
		out->res = res;
		*keep = true;
	}
	return err;
}

void store_participants_clear(struct store_participants *list)
{
	free(list->rows);
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

int store_participants(struct pg_conn *conn, struct pg_op *op, struct store_participants *out, const struct store_participant_filter *filter)
{
	struct pg_params params;
	int which = ALL;

	memset(out, 0, sizeof(*out));
	if (filter->limit < 1 || filter->limit > LIMIT_MAX)
		return -EINVAL;
	pg_params_init(&params);
	pg_param_bytes(&params, filter->after.data ? filter->after : pg_text(""));
	pg_param_u64(&params, filter->limit);
	if (filter->by == STORE_PARTICIPANT_ACCOUNT) {
		which = filter->chain_id == UINT64_MAX ? BY_ADDRESS : BY_ACCOUNT;
		pg_param_bytes(&params, pg_bytes(filter->address, sizeof(filter->address)));
		if (which == BY_ACCOUNT)
			pg_param_u64(&params, filter->chain_id);
	} else if (filter->by == STORE_PARTICIPANT_AGENT) {
		which = BY_AGENT;
		pg_param_u64(&params, filter->chain_id);
		pg_param_bytes(&params, pg_bytes(filter->address, sizeof(filter->address)));
		pg_param_hash(&params, filter->agent_id);
	}
	return store_start(conn, &statements[which], &params, &(struct store_call){.op = op, .out = out, .decode = decode_rows});
}

static int get_message(void *into, const PGresult *res, int row)
{
	struct store_participant_message *out = into;
	int err = 0;

	pg_get_hash(&err, out->hash, res, row, 0);
	out->key = pg_get_bytes(res, row, 1);
	out->seq = pg_get_u64(&err, res, row, 2);
	return err;
}

static int decode_messages(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_participant_messages *out = call->out;
	int err = 0;

	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_message);
	if (!err) {
		out->res = res;
		*keep = true;
	}
	return err;
}

int store_participant_messages(struct pg_conn *conn, struct pg_op *op, struct store_participant_messages *out, const void *hashes, size_t n)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_hash_array(&params, hashes, n);
	return store_start(conn, &statements[MESSAGES], &params, &(struct store_call){.op = op, .out = out, .decode = decode_messages});
}

void store_participant_messages_clear(struct store_participant_messages *list)
{
	free(list->rows);
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

static int get_key(void *into, const PGresult *res, int row)
{
	((struct store_participant *)into)->key = pg_get_bytes(res, row, 0);
	return 0;
}

static int decode_keys(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_participants *out = call->out;
	int err = 0;

	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_key);
	if (!err) {
		out->res = res;
		*keep = true;
	}
	return err;
}

int store_participant_keys(struct pg_conn *conn, struct pg_op *op, struct store_participants *out, struct pg_bytes after, unsigned limit)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (limit < 1 || limit > LIMIT_MAX)
		return -EINVAL;
	pg_params_init(&params);
	pg_param_bytes(&params, after.data ? after : pg_text("urn:kedge:p:"));
	pg_param_u64(&params, limit);
	return store_start(conn, &statements[KEYS], &params, &(struct store_call){.op = op, .out = out, .decode = decode_keys});
}

static int decode_claim(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_participant_claim *out = call->out;
	int err = PQntuples(res) == 1 ? 0 : -EPROTO;

	(void)keep;
	if (err)
		return err;
	out->taken = pg_get_bool(&err, res, 0, 0);
	out->claimed_once = pg_get_bool(&err, res, 0, 1);
	out->has_another = pg_get_bool(&err, res, 0, 2);
	out->today = pg_get_u64(&err, res, 0, 3);
	return err;
}

int store_participant_claim(struct pg_conn *conn, struct pg_op *op, struct store_participant_claim *out, struct pg_bytes handle,
			    const uint8_t claimed[static 32], uint64_t chain_id, const uint8_t address[static 20])
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_bytes(&params, handle);
	pg_param_hash(&params, claimed);
	pg_param_u64(&params, chain_id);
	pg_param_bytes(&params, pg_bytes(address, 20));
	return store_start(conn, &statements[CLAIM], &params, &(struct store_call){.op = op, .out = out, .decode = decode_claim});
}
