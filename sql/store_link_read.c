/* Links for answers. What is claimed and what confirms it comes as one column, so that an agent without links costs nothing to decode. */
#include "sql/store_link_read.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sql/store_resolve_internal.h"

enum { AGENT, PARTICIPANT, ASK };
enum { LINKS = STORE_FILE_FIELDS, AGENT_FIELDS, CLAIM_FIELDS = 10, CONSENT_FIELDS = 11 };

static const Oid agent_types[] = {1016, 1001};
static const Oid text_types[] = {25};

#define NOW_MS "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
/* The function (migration 0010) is called only where there is something for it: preparing to run what it does costs more than the file. */
static const char agent_sql[] =
	"SELECT q.place, ROW(f.registry::bigint, f.agent_id, f.at, f.seen, u.body, f.status, f.detail, f.content, f.body, f.name, f.back,"
	" CASE WHEN EXISTS (SELECT FROM link_claim c WHERE c.registry = q.registry AND c.agent_id = q.agent_id)"
	"  OR EXISTS (SELECT FROM registry r JOIN participant_agent a ON a.chain_id = r.chain_id AND a.registry = r.address"
	"   AND a.agent_id = q.agent_id WHERE r.id = q.registry) THEN kedge_agent_links(q.registry, q.agent_id, f.uri) END)"
	" FROM (SELECT v.registry::integer AS registry, v.agent_id, v.place FROM unnest($1::bigint[], $2::bytea[])"
	"  WITH ORDINALITY AS v(registry, agent_id, place)) q"
	" LEFT JOIN LATERAL (SELECT x.* FROM file x WHERE x.registry = q.registry AND x.agent_id = q.agent_id AND x.content IS NOT NULL"
	"  ORDER BY x.at DESC LIMIT 1) f ON true"
	" LEFT JOIN uri u ON u.hash = f.uri ORDER BY q.place";

/* As kedge_agent_links() has them. A registry that is not served (any more) has no owners that could be known. */
static const char participant_sql[] =
	"SELECT ROW((SELECT array_agg(ROW(c.kind::bigint, c.object, c.state::bigint, c.since, c.checked, c.good, c.seq, c.evidence, NULL::bytea,"
	"  NULL::bigint) ORDER BY c.place, c.object) FROM link_claim c WHERE c.subject = m.key),"
	" (SELECT array_agg(ROW(NULL::text, a.owner, a.signed, a.seq, e.at, a.safe_number, a.safe_hash, a.latest_number, a.latest_hash,"
	"  EXISTS (SELECT FROM agent_state s WHERE s.registry = r.id AND s.agent_id = a.agent_id AND s.number > a.latest_number"
	"   AND s.number <= l.n AND s.changed & 9 <> 0 AND s.owner <> a.owner),"
	"  greatest(l.n, 0)) ORDER BY a.seq) FROM participant_agent a JOIN entry e ON e.seq = a.seq"
	"  LEFT JOIN registry r ON r.chain_id = a.chain_id AND r.address = a.registry LEFT JOIN chain_index i ON i.chain_id = r.chain_id" REACH_LIMIT
	"  WHERE a.key = m.key))"
	" FROM participant m WHERE m.handle = $1";

/* Who has nothing to be asked about leaves no row. What is due keeps its place, a millisecond before it: whoever wishes often comes before nobody
 * and is put behind nobody, and an answer that is under way sees that it was wished for again. */
static const char ask_sql[] =
	"WITH t AS MATERIALIZED (SELECT " NOW_MS " AS now),"
	" asked AS (INSERT INTO link_asked AS a (subject, at) SELECT $1, t.now FROM t"
	"  WHERE EXISTS (SELECT FROM link_claim WHERE subject = $1 AND due IS NOT NULL)"
	"  ON CONFLICT (subject) DO UPDATE SET at = excluded.at WHERE a.at <= excluded.at - 10000 OR a.at > excluded.at RETURNING at),"
	" due AS (UPDATE link_claim c SET due = CASE WHEN c.due <= t.now THEN greatest(c.due - 1, 0) ELSE t.now END FROM asked, t"
	"  WHERE c.subject = $1 AND c.due IS NOT NULL RETURNING c.object),"
	" said AS (SELECT pg_notify('kedge_links_check', $1) FROM asked)"
	" SELECT (SELECT count(*) FROM due) + 0 * (SELECT count(*) FROM said),"
	" CASE WHEN EXISTS (SELECT FROM asked) OR NOT EXISTS (SELECT FROM link_claim WHERE subject = $1 AND due IS NOT NULL) THEN 0"
	" ELSE greatest(1, coalesce((SELECT a.at + 10000 - t.now FROM link_asked a, t WHERE a.subject = $1), 10000)) END";

static const struct pg_statement statements[] = {
	[AGENT] = {.name = "agent_file", .sql = agent_sql, .nparams = 2, .types = agent_types},
	[PARTICIPANT] = {.name = "participant_links", .sql = participant_sql, .nparams = 1, .types = text_types},
	[ASK] = {.name = "link_ask", .sql = ask_sql, .nparams = 1, .types = text_types, .write = true},
};

const struct pg_statement_set store_link_read_set = {statements, STORE_COUNT(statements)};

/* ---- decoding ---- */

static uint64_t number_or_0(int *err, struct pg_bytes field)
{
	return field.data ? pg_u64(err, field) : 0;
}

static int get_claim(void *into, struct pg_bytes record)
{
	struct store_link_row *out = into;
	struct pg_bytes f[CLAIM_FIELDS];
	int err = pg_record(f, CLAIM_FIELDS, record);

	if (err)
		return err;
	out->kind = (uint8_t)pg_u64(&err, f[0]);
	out->object = f[1];
	out->state = (uint8_t)pg_u64(&err, f[2]);
	out->since = pg_u64(&err, f[3]);
	out->checked = number_or_0(&err, f[4]);
	out->good = number_or_0(&err, f[5]);
	out->has_seq = f[6].data != NULL;
	out->seq = number_or_0(&err, f[6]);
	out->evidence = f[7];
	out->back = f[8].data != NULL;
	if (out->back) {
		pg_fixed(&err, out->back_content, 32, f[8]);
		out->back_seen = pg_u64(&err, f[9]);
	}
	return err;
}

static int get_consent(void *into, struct pg_bytes record)
{
	struct store_link_consent *out = into;
	struct pg_bytes f[CONSENT_FIELDS];
	int err = pg_record(f, CONSENT_FIELDS, record);

	if (err)
		return err;
	out->handle = f[0];
	pg_fixed(&err, out->owner, 20, f[1]);
	out->owner_signed = pg_bool(&err, f[2]);
	out->seq = pg_u64(&err, f[3]);
	out->at = pg_u64(&err, f[4]);
	out->safe_number = pg_u64(&err, f[5]);
	pg_fixed(&err, out->safe_hash, 32, f[6]);
	out->latest_number = pg_u64(&err, f[7]);
	pg_fixed(&err, out->latest_hash, 32, f[8]);
	out->interrupted = pg_bool(&err, f[9]);
	out->upto = number_or_0(&err, f[10]);
	return err;
}

/* Elements of `size` zeroed bytes for free(). */
static void *get_list(int *err, size_t *n, struct pg_bytes list, size_t size, int (*get)(void *into, struct pg_bytes record))
{
	struct pg_bytes item;
	uint8_t *rows = NULL;
	size_t count = 0;

	*n = 0;
	if (!*err)
		*err = pg_list_open(&count, &list);
	if (*err || count == 0)
		return NULL;
	rows = calloc(count, size);
	*err = rows ? 0 : -ENOMEM;
	for (size_t i = 0; !*err && i < count; i++) {
		*err = pg_list_next(&item, &list);
		if (!*err)
			*err = get(rows + i * size, item);
	}
	if (*err) {
		free(rows);
		return NULL;
	}
	*n = count;
	return rows;
}

/* Whatever it returns, *out is for store_links_clear(). */
static int get_links(struct store_links *out, struct pg_bytes record)
{
	struct pg_bytes lists[2];
	int err = pg_record(lists, 2, record);

	if (err)
		return err;
	out->claims = get_list(&err, &out->nclaims, lists[0], sizeof(*out->claims), get_claim);
	out->consents = get_list(&err, &out->nconsents, lists[1], sizeof(*out->consents), get_consent);
	return err;
}

void store_links_clear(struct store_links *links)
{
	free(links->claims);
	free(links->consents);
	PQclear(links->res);
	memset(links, 0, sizeof(*links));
}

/* ---- the calls ---- */

struct question {
	uint32_t registry;
	uint8_t agent_id[32];
};

static void param_questions(struct pg_params *params, struct store_columns *questions)
{
	store_column_u32(params, questions, offsetof(struct question, registry));
	store_column_fixed(params, questions, offsetof(struct question, agent_id), 32);
}

/* The row is copied: most are short, and a long one is not kept for those who asked beside. */
static int take_agent(void *into, const PGresult *res, int row, size_t n)
{
	struct store_agent_file *out = into;
	struct pg_bytes record = pg_get_bytes(res, row, 1), fields[AGENT_FIELDS];
	int err;

	(void)n;
	out->bytes = malloc(record.len + 1);
	if (!out->bytes)
		return -ENOMEM;
	if (record.len > 0)
		record.data = memcpy(out->bytes, record.data, record.len);
	err = pg_record(fields, AGENT_FIELDS, record);
	if (!err) {
		out->has_file = fields[0].data;
		if (out->has_file)
			err = store_file_of(&out->file, fields);
	}
	if (!err && fields[LINKS].data)
		err = get_links(&out->links, fields[LINKS]);
	if (err)
		store_agent_file_clear(out);
	return err;
}

/* A file has up to 256 KiB. */
const struct store_kind store_kind_files = {&statements[AGENT], sizeof(struct question), 32, param_questions, take_agent};

void store_agent_file_clear(struct store_agent_file *file)
{
	store_links_clear(&file->links);
	free(file->bytes);
	memset(file, 0, sizeof(*file));
}

int store_agent_file(struct store_resolver *resolver, struct pg_op *op, struct store_agent_file *out, uint32_t registry,
		     const uint8_t agent_id[static 32])
{
	struct question q = {.registry = registry};

	memset(out, 0, sizeof(*out));
	memcpy(q.agent_id, agent_id, sizeof(q.agent_id));
	return store_resolver_ask(resolver, STORE_KIND_FILES, op, out, &q, 1);
}

static int decode_links(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_links *out = call->out;
	int err = PQntuples(res) > 0 ? get_links(out, pg_get_bytes(res, 0, 0)) : 0;

	if (err) {
		store_links_clear(out);
		return err;
	}
	out->res = res;
	*keep = true;
	return 0;
}

int store_participant_links(struct pg_conn *conn, struct pg_op *op, struct store_links *out, struct pg_bytes handle)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_bytes(&params, handle);
	return store_start(conn, &statements[PARTICIPANT], &params, &(struct store_call){.op = op, .out = out, .decode = decode_links});
}

static int decode_ask(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_link_ask *out = call->out;
	int err = PQntuples(res) == 1 ? 0 : -EPROTO;

	(void)keep;
	if (err)
		return err;
	out->claims = pg_get_u64(&err, res, 0, 0);
	out->wait = pg_get_u64(&err, res, 0, 1);
	return err;
}

int store_link_ask(struct pg_conn *conn, struct pg_op *op, struct store_link_ask *out, struct pg_bytes subject)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_bytes(&params, subject);
	return store_start(conn, &statements[ASK], &params, &(struct store_call){.op = op, .out = out, .decode = decode_ask});
}
