/* Snapshots of registration files, what is due, and domains. */
#include "sql/store_file.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "sql/store_internal.h"

enum { PUT, AT, LIST, DUE, DOMAINS_PUT, DOMAINS };

enum { LIMIT_MAX = 1000 };

static const Oid put_types[] = {20, 17, 20, 17, 25, 25, 17, 17, 25, 16, 20, 16, 25, 1009};
static const Oid at_types[] = {20, 17, 20};
static const Oid list_types[] = {20, 17, 20, 20};
static const Oid due_types[] = {20, 20};
static const Oid domains_put_types[] = {20, 17, 1009, 1009, 1016, 25, 20};
static const Oid agent_types[] = {20, 17};

#define FILE_COLUMNS(body)                                                                                             \
	"SELECT f.registry::bigint, f.agent_id, f.at, f.seen, u.body, f.status, f.detail, f.content, " body            \
	", f.name, f.back FROM file f JOIN uri u ON u.hash = f.uri WHERE f.registry = $1 AND f.agent_id = $2"

/* All parts see the same rows, those before the statement: `newest` is the one to compare with in every part. */
static const char put_sql[] =
	"WITH g AS MATERIALIZED (SELECT u.hash, a.uri = u.hash AS current FROM agent_now a, uri u"
	"  WHERE a.registry = $1 AND a.agent_id = $2 AND u.hash = sha256($4) FOR KEY SHARE OF a),"
	" newest AS MATERIALIZED (SELECT f.at, f.uri, f.status, f.content, f.name, f.back FROM file f"
	"  WHERE f.registry = $1 AND f.agent_id = $2 ORDER BY f.at DESC LIMIT 1),"
	" same AS (UPDATE file f SET seen = greatest(f.seen, $3) FROM newest n, g"
	"  WHERE f.registry = $1 AND f.agent_id = $2 AND f.at = n.at AND n.uri = g.hash AND n.status = $5"
	"  AND n.content IS NOT DISTINCT FROM $7 AND n.name IS NOT DISTINCT FROM $9 AND n.back = $10 RETURNING f.at),"
	" new AS (INSERT INTO file (registry, agent_id, uri, at, seen, status, detail, content, body, name, back)"
	"  SELECT $1, $2, g.hash, t.at, t.at, $5, $6, $7, $8, $9, $10"
	"  FROM g, (SELECT greatest($3, (SELECT at + 1 FROM newest)) AS at) t"
	"  WHERE NOT EXISTS (SELECT FROM same) RETURNING at),"
	" looked AS (UPDATE agent_now a SET looked = true FROM g"
	"  WHERE a.registry = $1 AND a.agent_id = $2 AND g.current AND NOT a.looked),"
	" now AS (INSERT INTO file_now AS n (registry, agent_id, at, due, name, services)"
	"  SELECT $1, $2, s.at, $11, coalesce($13, ''),"
	"   ARRAY(SELECT DISTINCT lower(x) FROM unnest($14) x ORDER BY 1)"
	"  FROM (SELECT at FROM same UNION ALL SELECT at FROM new) s"
	"  ON CONFLICT (registry, agent_id) DO UPDATE SET at = excluded.at, due = excluded.due,"
	"  name = CASE WHEN $12 THEN n.name ELSE excluded.name END,"
	"  services = CASE WHEN $12 THEN n.services ELSE excluded.services END)"
	" SELECT kedge_require(EXISTS (SELECT FROM g), 'P0002')";

static const char due_sql[] =
	"WITH d AS MATERIALIZED (SELECT registry, agent_id, due FROM file_now WHERE due <= $1"
	"  ORDER BY due LIMIT greatest($2 / 2, 1)),"
	" n AS MATERIALIZED (SELECT a.registry, a.agent_id FROM agent_now a WHERE NOT a.looked"
	"  AND NOT EXISTS (SELECT FROM d WHERE d.registry = a.registry AND d.agent_id = a.agent_id)"
	"  LIMIT $2 - (SELECT count(*) FROM d))"
	" SELECT r.id::bigint, r.chain_id, r.address, a.agent_id, u.body"
	" FROM (SELECT registry, agent_id, due FROM d UNION ALL SELECT registry, agent_id, NULL FROM n) x"
	" JOIN agent_now a ON a.registry = x.registry AND a.agent_id = x.agent_id"
	" JOIN registry r ON r.id = a.registry JOIN uri u ON u.hash = a.uri ORDER BY x.due";

static const char domains_put_sql[] =
	"WITH g AS MATERIALIZED (SELECT FROM agent_now a WHERE a.registry = $1 AND a.agent_id = $2"
	"  AND kedge_fence($6, $7) FOR KEY SHARE OF a),"
	" gone AS (DELETE FROM domain_proof d USING g"
	"  WHERE d.registry = $1 AND d.agent_id = $2 AND d.domain <> ALL($3)),"
	" put AS (INSERT INTO domain_proof (registry, agent_id, domain, state, at)"
	"  SELECT $1, $2, n.domain, n.state, n.at FROM g, unnest($3, $4, $5) AS n(domain, state, at)"
	"  ON CONFLICT (registry, agent_id, domain) DO UPDATE SET state = excluded.state, at = excluded.at)"
	" SELECT true FROM g";

static const struct pg_statement statements[] = {
	[PUT] = {.name = "file_put", .sql = put_sql, .nparams = 14, .types = put_types},
	[AT] = {.name = "file_at",
		.sql = FILE_COLUMNS("f.body") " AND f.at <= $3 ORDER BY f.at DESC LIMIT 1",
		.nparams = 3,
		.types = at_types},
	[LIST] = {.name = "file_list",
		  .sql = FILE_COLUMNS("NULL::bytea") " AND f.at < $3 ORDER BY f.at DESC LIMIT $4",
		  .nparams = 4,
		  .types = list_types},
	[DUE] = {.name = "file_due", .sql = due_sql, .nparams = 2, .types = due_types},
	[DOMAINS_PUT] = {.name = "domains_put",
			 .sql = domains_put_sql,
			 .nparams = 7,
			 .types = domains_put_types,
			 .write = true},
	[DOMAINS] = {.name = "domains",
		     .sql = "SELECT domain, state, at FROM domain_proof WHERE registry = $1 AND agent_id = $2"
			    " ORDER BY domain",
		     .nparams = 2,
		     .types = agent_types},
};

const struct pg_statement_set store_file_set = {statements, STORE_COUNT(statements)};

/* PostgreSQL's text holds no NUL. */
static bool has_nul(struct pg_bytes text)
{
	return text.len && memchr(text.data, '\0', text.len);
}

struct fenced_file {
	const struct store_fence *fence;
	const struct store_file *file;
	const struct store_file_now *now;
};

static int check_put(const struct store_file *file, const struct store_file_now *now)
{
	bool nul = has_nul(file->status) || has_nul(file->detail) || has_nul(file->name) || has_nul(now->name);

	if (file->status.len > STORE_FILE_STATUS_MAX || file->detail.len > STORE_FILE_DETAIL_MAX ||
	    file->name.len > STORE_FILE_NAME_MAX || now->name.len > STORE_FILE_NAME_MAX ||
	    file->body.len > STORE_FILE_MAX || now->nservices > STORE_FILE_SERVICES_MAX)
		return -EOVERFLOW;
	if (!file->status.len)
		return -EINVAL;
	for (size_t i = 0; i < now->nservices; i++) {
		nul = nul || has_nul(now->services[i]);
		if (now->services[i].len > STORE_FILE_NAME_MAX)
			return -EOVERFLOW;
	}
	return nul ? -EILSEQ : 0;
}

static int queue_snapshot(struct pg_txn *txn, const struct store_file *file, const struct store_file_now *now)
{
	struct pg_params params;

	store_param_agent(&params, file->registry, file->agent_id);
	pg_param_u64(&params, file->at);
	pg_param_bytes(&params, pg_bytes(file->uri.data ? file->uri.data : (const void *)"", file->uri.len));
	pg_param_bytes(&params, file->status);
	pg_param_bytes(&params, pg_bytes(file->detail.data ? file->detail.data : (const void *)"", file->detail.len));
	pg_param_bytes(&params, pg_bytes(file->has_content ? file->content : NULL, file->has_content ? 32 : 0));
	pg_param_bytes(&params, file->body);
	pg_param_bytes(&params, file->name);
	pg_param_bool(&params, file->back);
	pg_param_u64(&params, now->due);
	pg_param_bool(&params, now->keep);
	pg_param_bytes(&params, now->name);
	pg_param_text_array(&params, now->services, now->nservices);
	return store_queue(txn, &statements[PUT], &params);
}

static int queue_claims(struct pg_txn *txn, const struct store_file *file, const struct store_file_now *now)
{
	struct store_link_agent agent = {.registry = file->registry, .subject = now->subject, .uri = file->uri, .at = file->at,
					 .claims = now->claims, .nclaims = now->nclaims};

	memcpy(agent.agent_id, file->agent_id, sizeof(agent.agent_id));
	return store_link_put_agent(txn, &agent);
}

static int queue_put(struct pg_txn *txn, const void *what)
{
	const struct fenced_file *fenced = what;
	int err = store_queue_fence_shared(txn, fenced->fence);

	if (!err)
		err = queue_snapshot(txn, fenced->file, fenced->now);
	if (!err && fenced->now->subject.data && !fenced->now->keep)
		err = queue_claims(txn, fenced->file, fenced->now);
	return err;
}

int store_file_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence,
		   const struct store_file *file, const struct store_file_now *now)
{
	const int err = check_put(file, now);

	return err ? err : store_transact(conn, op, queue_put, &(struct fenced_file){fence, file, now});
}

int store_file_of(struct store_file *out, const struct pg_bytes fields[static STORE_FILE_FIELDS])
{
	int err = 0;

	out->registry = (uint32_t)pg_u64(&err, fields[0]);
	pg_fixed(&err, out->agent_id, sizeof(out->agent_id), fields[1]);
	out->at = pg_u64(&err, fields[2]);
	out->seen = pg_u64(&err, fields[3]);
	out->uri = fields[4];
	out->status = fields[5];
	out->detail = fields[6];
	out->has_content = fields[7].data;
	if (out->has_content)
		pg_fixed(&err, out->content, sizeof(out->content), fields[7]);
	out->body = fields[8];
	out->name = fields[9];
	out->back = pg_bool(&err, fields[10]);
	return err;
}

static int get_file(void *into, const PGresult *res, int row)
{
	struct pg_bytes fields[STORE_FILE_FIELDS];

	pg_get_fields(fields, STORE_FILE_FIELDS, res, row, 0);
	return store_file_of(into, fields);
}

static int decode_files(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_files *out = call->out;
	int err = 0;

	if (call->n && PQntuples(res) == 0)
		return -ENOENT;
	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_file);
	if (!err) {
		out->res = res;
		*keep = true;
	}
	return err;
}

void store_files_clear(struct store_files *list)
{
	free(list->rows);
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

int store_file_at(struct pg_conn *conn, struct pg_op *op, struct store_files *out, uint32_t registry,
		  const uint8_t agent_id[static 32], uint64_t at)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	store_param_agent(&params, registry, agent_id);
	pg_param_i64(&params, store_clamp(at));
	return store_start(conn, &statements[AT], &params,
			   &(struct store_call){.op = op, .out = out, .n = 1, .decode = decode_files});
}

int store_file_list(struct pg_conn *conn, struct pg_op *op, struct store_files *out, uint32_t registry,
		    const uint8_t agent_id[static 32], uint64_t before, unsigned limit)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (limit < 1 || limit > LIMIT_MAX)
		return -EINVAL;
	store_param_agent(&params, registry, agent_id);
	pg_param_i64(&params, store_clamp(before));
	pg_param_u64(&params, limit);
	return store_start(conn, &statements[LIST], &params,
			   &(struct store_call){.op = op, .out = out, .decode = decode_files});
}

static int get_due(void *row, const PGresult *res, int i)
{
	struct store_file_due *out = row;
	int err = 0;

	out->registry = (uint32_t)pg_get_u64(&err, res, i, 0);
	out->chain_id = pg_get_u64(&err, res, i, 1);
	store_get_address(&err, out->address, res, i, 2);
	pg_get_hash(&err, out->agent_id, res, i, 3);
	out->uri = pg_get_bytes(res, i, 4);
	return err;
}

static int decode_due(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_files_due *out = call->out;
	int err = 0;

	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_due);
	if (!err) {
		out->res = res;
		*keep = true;
	}
	return err;
}

void store_files_due_clear(struct store_files_due *list)
{
	free(list->rows);
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

int store_file_due(struct pg_conn *conn, struct pg_op *op, struct store_files_due *out, uint64_t now, unsigned limit)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (limit < 1 || limit > LIMIT_MAX)
		return -EINVAL;
	pg_params_init(&params);
	pg_param_i64(&params, store_clamp(now));
	pg_param_u64(&params, limit);
	return store_start(conn, &statements[DUE], &params,
			   &(struct store_call){.op = op, .out = out, .decode = decode_due});
}

/* ---- domains ---- */

int store_domains_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, uint32_t registry,
		      const uint8_t agent_id[static 32], const struct store_domain *domains, size_t n)
{
	struct store_columns columns;
	struct pg_params params;
	int err;

	for (size_t i = 0; i < n; i++)
		if (has_nul(domains[i].domain) || has_nul(domains[i].state))
			return -EILSEQ;
	err = store_columns_init(&columns, domains, n, sizeof(*domains));
	if (err)
		return err;
	store_param_agent(&params, registry, agent_id);
	store_column_text(&params, &columns, offsetof(struct store_domain, domain));
	store_column_text(&params, &columns, offsetof(struct store_domain, state));
	store_column_u64(&params, &columns, offsetof(struct store_domain, at));
	store_param_fence(&params, fence);
	err = store_start(conn, &statements[DOMAINS_PUT], &params,
			  &(struct store_call){.op = op, .decode = store_decode_written});
	store_columns_clear(&columns);
	return err;
}

static int get_domain(void *row, const PGresult *res, int i)
{
	struct store_domain *out = row;
	int err = 0;

	out->domain = pg_get_bytes(res, i, 0);
	out->state = pg_get_bytes(res, i, 1);
	out->at = pg_get_u64(&err, res, i, 2);
	return err;
}

static int decode_domains(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_domains *out = call->out;
	int err = 0;

	out->rows = store_rows(&err, &out->n, res, sizeof(*out->rows), get_domain);
	if (!err) {
		out->res = res;
		*keep = true;
	}
	return err;
}

void store_domains_clear(struct store_domains *list)
{
	free(list->rows);
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

int store_domains(struct pg_conn *conn, struct pg_op *op, struct store_domains *out, uint32_t registry,
		  const uint8_t agent_id[static 32])
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	store_param_agent(&params, registry, agent_id);
	return store_start(conn, &statements[DOMAINS], &params,
			   &(struct store_call){.op = op, .out = out, .decode = decode_domains});
}
