/* Hosted registration files. The number's row is locked first, so that writes of one agent go one after the other. */
#include <errno.h>
#include <stdlib.h>

#include "sql/store_file.h"
#include "sql/store_internal.h"

enum { NUMBER_UP, PUT, QUOTA, DELETE, LOOK, GET, LIST };

static const Oid number_types[] = {20, 17, 20};
static const Oid put_types[] = {20, 17, 25, 17, 17, 17, 20, 20};
static const Oid quota_types[] = {20, 17, 20};
static const Oid name_types[] = {20, 17, 25};
static const Oid look_types[] = {20, 17, 17};
static const Oid agent_types[] = {20, 17};

#define OF_AGENT "registry = $1 AND agent_id = $2"
#define HOSTED_COLUMNS(body)                                                                                           \
	"SELECT registry::bigint, agent_id, name, " body                                                               \
	", octet_length(body)::bigint, content, owner, number, at FROM hosted_file WHERE " OF_AGENT

static const struct pg_statement statements[] = {
	[NUMBER_UP] = {.name = "hosted_number_up",
		       .sql = "INSERT INTO hosted_number AS h (registry, agent_id, number) VALUES ($1, $2, $3)"
			      " ON CONFLICT (registry, agent_id) DO UPDATE SET number = excluded.number"
			      " WHERE kedge_require(h.number < excluded.number, '23505')",
		       .nparams = 3,
		       .types = number_types},
	[PUT] = {.name = "hosted_put",
		 .sql = "INSERT INTO hosted_file (registry, agent_id, name, body, content, owner, number, at)"
			" VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (registry, agent_id, name) DO UPDATE SET"
			" body = excluded.body, content = excluded.content, owner = excluded.owner,"
			" number = excluded.number, at = excluded.at",
		 .nparams = 8,
		 .types = put_types},
	[QUOTA] = {.name = "hosted_quota",
		   .sql = "SELECT kedge_require((SELECT count(*) FROM hosted_file WHERE " OF_AGENT ") <= $3, 'KF002')",
		   .nparams = 3,
		   .types = quota_types},
	[DELETE] = {.name = "hosted_delete",
		    .sql = "WITH d AS (DELETE FROM hosted_file WHERE " OF_AGENT " AND name = $3 RETURNING 1)"
			   " SELECT kedge_require(EXISTS (SELECT FROM d), 'P0002')",
		    .nparams = 3,
		    .types = name_types},
	/* No other URI than the file's own: a signature must not have somebody's server asked at once. */
	[LOOK] = {.name = "hosted_look",
		  .sql = "UPDATE file_now n SET due = 0 FROM agent_now a WHERE n.registry = $1 AND n.agent_id = $2"
			 " AND a.registry = n.registry AND a.agent_id = n.agent_id AND a.uri = sha256($3)",
		  .nparams = 3,
		  .types = look_types},
	[GET] = {.name = "hosted_get",
		 .sql = HOSTED_COLUMNS("body") " AND name = $3",
		 .nparams = 3,
		 .types = name_types},
	[LIST] = {.name = "hosted_list",
		  .sql = HOSTED_COLUMNS("NULL::bytea") " ORDER BY name COLLATE \"C\"",
		  .nparams = 2,
		  .types = agent_types},
};

const struct pg_statement_set store_hosted_set = {statements, STORE_COUNT(statements)};

/* The table's own rule, asked before: [a-z0-9][a-z0-9._-]{0,63}. */
static bool name_is_fine(struct pg_bytes name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789", more[] = "._-";

	for (size_t i = 0; i < name.len; i++) {
		const int c = name.data[i];

		if (!memchr(first, c, sizeof(first) - 1) && (i == 0 || !memchr(more, c, sizeof(more) - 1)))
			return false;
	}
	return name.len >= 1 && name.len <= 64;
}

static int queue_number(struct pg_txn *txn, uint32_t registry, const uint8_t agent_id[static 32], uint64_t number)
{
	struct pg_params params;

	store_param_agent(&params, registry, agent_id);
	pg_param_u64(&params, number);
	return store_queue(txn, &statements[NUMBER_UP], &params);
}

/* The last statement: file_now's row is held by nobody who waits for one of those before. */
static int queue_look(struct pg_txn *txn, const struct store_hosted *file)
{
	struct pg_params params;

	store_param_agent(&params, file->registry, file->agent_id);
	pg_param_bytes(&params, pg_bytes(file->uri.data ? file->uri.data : (const void *)"", file->uri.len));
	return store_queue(txn, &statements[LOOK], &params);
}

static int queue_put(struct pg_txn *txn, const void *what)
{
	const struct store_hosted *file = what;
	struct pg_params params;
	int err = queue_number(txn, file->registry, file->agent_id, file->number);

	if (err)
		return err;
	store_param_agent(&params, file->registry, file->agent_id);
	pg_param_bytes(&params, file->name);
	pg_param_bytes(&params, pg_bytes(file->body.data ? file->body.data : (const void *)"", file->body.len));
	pg_param_hash(&params, file->content);
	pg_param_bytes(&params, pg_bytes(file->owner, sizeof(file->owner)));
	pg_param_u64(&params, file->number);
	pg_param_u64(&params, file->at);
	err = store_queue(txn, &statements[PUT], &params);
	if (err)
		return err;
	store_param_agent(&params, file->registry, file->agent_id);
	pg_param_u64(&params, STORE_HOSTED_FILES);
	err = store_queue(txn, &statements[QUOTA], &params);
	return err ? err : queue_look(txn, file);
}

int store_hosted_put(struct pg_conn *conn, struct pg_op *op, const struct store_hosted *file)
{
	if (!name_is_fine(file->name))
		return -EINVAL;
	if (file->body.len > STORE_HOSTED_MAX)
		return -EOVERFLOW;
	return store_transact(conn, op, queue_put, file);
}

static int queue_delete(struct pg_txn *txn, const void *what)
{
	const struct store_hosted *file = what;
	struct pg_params params;
	int err = queue_number(txn, file->registry, file->agent_id, file->number);

	if (err)
		return err;
	store_param_agent(&params, file->registry, file->agent_id);
	pg_param_bytes(&params, file->name);
	err = store_queue(txn, &statements[DELETE], &params);
	return err ? err : queue_look(txn, file);
}

int store_hosted_delete(struct pg_conn *conn, struct pg_op *op, uint32_t registry, const uint8_t agent_id[static 32],
			struct pg_bytes name, struct pg_bytes uri, uint64_t number)
{
	struct store_hosted file = {.registry = registry, .name = name, .uri = uri, .number = number};

	if (!name_is_fine(name))
		return -ENOENT;
	memcpy(file.agent_id, agent_id, sizeof(file.agent_id));
	return store_transact(conn, op, queue_delete, &file);
}

static int get_hosted(void *into, const PGresult *res, int row)
{
	struct store_hosted *out = into;
	int err = 0;

	out->registry = (uint32_t)pg_get_u64(&err, res, row, 0);
	pg_get_hash(&err, out->agent_id, res, row, 1);
	out->name = pg_get_bytes(res, row, 2);
	out->body = pg_get_bytes(res, row, 3);
	out->size = pg_get_u64(&err, res, row, 4);
	pg_get_hash(&err, out->content, res, row, 5);
	store_get_address(&err, out->owner, res, row, 6);
	out->number = pg_get_u64(&err, res, row, 7);
	out->at = pg_get_u64(&err, res, row, 8);
	return err;
}

static int decode_hosted(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_hosted_list *out = call->out;
	int err = 0;

	if (call->n && PQntuples(res) == 0)
		return -ENOENT;
	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_hosted);
	if (!err) {
		out->res = res;
		*keep = true;
	}
	return err;
}

void store_hosted_clear(struct store_hosted_list *list)
{
	free(list->rows);
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

int store_hosted_get(struct pg_conn *conn, struct pg_op *op, struct store_hosted_list *out, uint32_t registry,
		     const uint8_t agent_id[static 32], struct pg_bytes name)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (!name_is_fine(name))
		return -ENOENT;
	store_param_agent(&params, registry, agent_id);
	pg_param_bytes(&params, name);
	return store_start(conn, &statements[GET], &params,
			   &(struct store_call){.op = op, .out = out, .n = 1, .decode = decode_hosted});
}

int store_hosted(struct pg_conn *conn, struct pg_op *op, struct store_hosted_list *out, uint32_t registry,
		 const uint8_t agent_id[static 32])
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	store_param_agent(&params, registry, agent_id);
	return store_start(conn, &statements[LIST], &params,
			   &(struct store_call){.op = op, .out = out, .decode = decode_hosted});
}
