/* Reading the log. Offsets and limits are checked here; ranges go by the primary key. */
#include "sql/store_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sql/store_internal.h"

enum {
	HEAD,
	HEAD_CREATE,
	BY_SEQ,
	BY_UID,
	UIDS,
	LEAVES,
	LINES,
	TILES,
	ALL_UP,
	ALL_DOWN,
	SUBJECT_UP,
	SUBJECT_DOWN,
	ISSUER_UP,
	ISSUER_DOWN,
};

#define ENTRY_COLUMNS "e.seq, e.at, e.kind, e.uid, e.issuer, e.subject, e.leaf, e.line, p.body, p.evidence, v.body"
#define ENTRY_TABLES " FROM entry e LEFT JOIN payload p ON p.seq = e.seq LEFT JOIN evidence v ON v.hash = p.evidence"
/* $1 from, $2 below, $3 limit, $4 with payload, $5 kind, $6 subject, $7 issuer; null is any, but for the indexed one. */
#define LIST(where, order)                                                                                             \
	"SELECT " ENTRY_COLUMNS " FROM entry e LEFT JOIN payload p ON $4 AND p.seq = e.seq"                            \
	" LEFT JOIN evidence v ON v.hash = p.evidence WHERE e.seq >= $1 AND e.seq < $2"                                \
	" AND ($5 IS NULL OR e.kind = $5)" where " ORDER BY e.seq " order " LIMIT $3"
#define ANY_SUBJECT " AND ($6 IS NULL OR e.subject = $6)"
#define ANY_ISSUER " AND ($7 IS NULL OR e.issuer = $7)"

static const Oid list_types[] = {20, 20, 20, 16, 25, 25, 25};
static const Oid seq_types[] = {20, 20};
static const Oid bytea_types[] = {17};
static const Oid uids_types[] = {1001};
static const Oid text_types[] = {25};
static const Oid tiles_types[] = {1016, 1016};

#define LIST_STATEMENT(label, where, order)                                                                            \
	{                                                                                                              \
		.name = "entries_" label, .sql = LIST(where, order), .nparams = 7, .types = list_types                 \
	}

static const struct pg_statement statements[] = {
	[HEAD] = {.name = "head", .sql = "SELECT size, edge, at, index_size, index_edge, origin FROM log_head"},
	[HEAD_CREATE] = {.name = "head_create",
			 .sql = "INSERT INTO log_head AS h (origin) VALUES ($1)"
				" ON CONFLICT (one) DO UPDATE SET origin = h.origin RETURNING origin = $1",
			 .nparams = 1,
			 .types = text_types,
			 .write = true},
	[BY_SEQ] = {.name = "entry_by_seq",
		    .sql = "SELECT " ENTRY_COLUMNS ENTRY_TABLES " WHERE e.seq = $1",
		    .nparams = 1,
		    .types = seq_types},
	[BY_UID] = {.name = "entry_by_uid",
		    .sql = "SELECT " ENTRY_COLUMNS ENTRY_TABLES " WHERE e.uid = $1",
		    .nparams = 1,
		    .types = bytea_types},
	[UIDS] = {.name = "entry_uids",
		  .sql = "SELECT uid, seq FROM entry WHERE uid = ANY($1)",
		  .nparams = 1,
		  .types = uids_types},
	[LEAVES] = {.name = "entry_leaves",
		    .sql = "SELECT coalesce(string_agg(leaf, '' ORDER BY seq), '') FROM entry WHERE seq >= $1 AND seq "
			   "< $2",
		    .nparams = 2,
		    .types = seq_types},
	[LINES] = {.name = "entry_lines",
		   .sql = "SELECT line FROM entry WHERE seq >= $1 AND seq < $2 ORDER BY seq",
		   .nparams = 2,
		   .types = seq_types},
	/* Shifts rather than divisions, so that an index above 2^55 gives nothing instead of an overflow error. */
	[TILES] = {.name = "tiles",
		   .sql = "SELECT coalesce(t.hashes, CASE WHEN r.level = 0 THEN"
			  " (SELECT string_agg(leaf, '' ORDER BY seq) FROM entry"
			  "  WHERE seq >= r.idx << 8 AND seq < (r.idx << 8) + 256)"
			  " ELSE (SELECT string_agg(c.root, '' ORDER BY c.idx) FROM tile c"
			  "  WHERE c.level = r.level - 1 AND c.idx >= r.idx << 8 AND c.idx < (r.idx << 8) + 256) END)"
			  " FROM unnest($1, $2) WITH ORDINALITY AS r(level, idx, o)"
			  " LEFT JOIN tile t ON t.level = r.level AND t.idx = r.idx ORDER BY r.o",
		   .nparams = 2,
		   .types = tiles_types},
	[ALL_UP] = LIST_STATEMENT("up", ANY_SUBJECT ANY_ISSUER, "ASC"),
	[ALL_DOWN] = LIST_STATEMENT("down", ANY_SUBJECT ANY_ISSUER, "DESC"),
	[SUBJECT_UP] = LIST_STATEMENT("subject_up", " AND e.subject = $6" ANY_ISSUER, "ASC"),
	[SUBJECT_DOWN] = LIST_STATEMENT("subject_down", " AND e.subject = $6" ANY_ISSUER, "DESC"),
	[ISSUER_UP] = LIST_STATEMENT("issuer_up", " AND e.issuer = $7" ANY_SUBJECT, "ASC"),
	[ISSUER_DOWN] = LIST_STATEMENT("issuer_down", " AND e.issuer = $7" ANY_SUBJECT, "DESC"),
};

const struct pg_statement_set store_log_set = {statements, STORE_COUNT(statements)};

static int decode_head(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_head *head = call->out;
	int err = 0;

	(void)keep;
	if (PQntuples(res) != 1)
		return -ENOENT;
	head->size = pg_get_u64(&err, res, 0, 0);
	head->at = pg_get_u64(&err, res, 0, 2);
	head->index_size = pg_get_u64(&err, res, 0, 3);
	const struct pg_bytes origin = pg_get_bytes(res, 0, 5);

	if (err || origin.len >= sizeof(head->origin))
		return -EPROTO;
	memcpy(head->origin, origin.data, origin.len);
	head->origin[origin.len] = '\0';
	err = store_get_edge(head->edge, &head->nedge, STORE_EDGE_MAX, res, 0, 1);
	return err ? err : store_get_edge(head->index_edge, &head->nindex_edge, STORE_EDGE_MAX, res, 0, 4);
}

int store_head(struct pg_conn *conn, struct pg_op *op, struct store_head *out)
{
	struct pg_params params;

	pg_params_init(&params);
	return store_start(conn, &statements[HEAD], &params,
			   &(struct store_call){.op = op, .out = out, .decode = decode_head});
}

static int decode_created(struct store_call *call, PGresult *res, bool *keep)
{
	int err = 0;

	(void)call;
	(void)keep;
	const bool same = pg_get_bool(&err, res, 0, 0);

	return err ? err : same ? 0 : -EEXIST;
}

int store_head_create(struct pg_conn *conn, struct pg_op *op, const char *origin)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_bytes(&params, pg_text(origin));
	return store_start(conn, &statements[HEAD_CREATE], &params,
			   &(struct store_call){.op = op, .decode = decode_created});
}

static int entry_get(struct store_entry *out, PGresult *res, int row)
{
	int err = 0;

	memset(out, 0, sizeof(*out));
	out->seq = pg_get_u64(&err, res, row, 0);
	out->at = pg_get_u64(&err, res, row, 1);
	out->kind = pg_get_bytes(res, row, 2);
	out->uid = pg_get_bytes(res, row, 3);
	out->issuer = pg_get_bytes(res, row, 4);
	out->subject = pg_get_bytes(res, row, 5);
	pg_get_hash(&err, out->leaf, res, row, 6);
	out->line = pg_get_bytes(res, row, 7);
	out->payload = pg_get_bytes(res, row, 8);
	out->evidence_hash = pg_get_bytes(res, row, 9);
	out->evidence = pg_get_bytes(res, row, 10);
	return err;
}

static int decode_entry(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_entry *out = call->out;

	if (PQntuples(res) == 0)
		return -ENOENT;
	const int err = entry_get(out, res, 0);

	if (err)
		return err;
	out->res = res;
	*keep = true;
	return 0;
}

int store_entry_by_seq(struct pg_conn *conn, struct pg_op *op, struct store_entry *out, uint64_t seq)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_u64(&params, seq);
	return store_start(conn, &statements[BY_SEQ], &params,
			   &(struct store_call){.op = op, .out = out, .decode = decode_entry});
}

int store_entry_by_uid(struct pg_conn *conn, struct pg_op *op, struct store_entry *out, const uint8_t uid[static 32])
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_hash(&params, uid);
	return store_start(conn, &statements[BY_UID], &params,
			   &(struct store_call){.op = op, .out = out, .decode = decode_entry});
}

void store_entry_clear(struct store_entry *entry)
{
	PQclear(entry->res);
	memset(entry, 0, sizeof(*entry));
}

static int decode_uids(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_found *found = call->out;
	size_t *nfound = call->out2;
	const size_t n = (size_t)PQntuples(res);
	int err = n > call->n ? -EPROTO : 0;

	(void)keep;
	for (size_t i = 0; !err && i < n; i++) {
		pg_get_hash(&err, found[i].uid, res, (int)i, 0);
		found[i].seq = pg_get_u64(&err, res, (int)i, 1);
	}
	*nfound = err ? 0 : n;
	return err;
}

int store_uids(struct pg_conn *conn, struct pg_op *op, struct store_found *found, size_t *nfound, const void *uids,
	       size_t n)
{
	struct pg_params params;

	*nfound = 0;
	pg_params_init(&params);
	pg_param_hash_array(&params, uids, n);
	return store_start(conn, &statements[UIDS], &params,
			   &(struct store_call){.op = op, .out = found, .out2 = nfound, .n = n, .decode = decode_uids});
}

int store_entries(struct pg_conn *conn, struct pg_op *op, struct store_entries *out,
		  const struct store_entries_filter *filter)
{
	const int first = filter->subject.data ? SUBJECT_UP : filter->issuer.data ? ISSUER_UP : ALL_UP;
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (filter->limit < 1 || filter->limit > 1000)
		return -EINVAL;
	pg_params_init(&params);
	pg_param_u64(&params, filter->from);
	pg_param_u64(&params, filter->below < INT64_MAX ? filter->below : INT64_MAX);
	pg_param_u64(&params, filter->limit);
	pg_param_bool(&params, filter->with_payload);
	pg_param_bytes(&params, filter->kind);
	pg_param_bytes(&params, filter->subject);
	pg_param_bytes(&params, filter->issuer);
	return store_start(
		conn, &statements[first + filter->descending], &params,
		&(struct store_call){.op = op, .out = &out->n, .out2 = &out->res, .decode = store_decode_list});
}

int store_entries_get(const struct store_entries *list, struct store_entry *out, size_t i)
{
	return i < list->n ? entry_get(out, list->res, (int)i) : -EPROTO;
}

void store_entries_clear(struct store_entries *list)
{
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

int store_leaves(struct pg_conn *conn, struct pg_op *op, uint8_t (*out)[32], uint64_t first, size_t n)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, first);
	pg_param_u64(&params, first + n);
	return store_start(conn, &statements[LEAVES], &params,
			   &(struct store_call){.op = op, .out = out, .n = n, .decode = store_decode_hashes});
}

int store_lines(struct pg_conn *conn, struct pg_op *op, struct store_lines *out, uint64_t first, size_t n)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_u64(&params, first);
	pg_param_u64(&params, first + n);
	return store_start(
		conn, &statements[LINES], &params,
		&(struct store_call){.op = op, .out = &out->n, .out2 = &out->res, .decode = store_decode_list});
}

struct pg_bytes store_lines_get(const struct store_lines *lines, size_t i)
{
	return pg_get_bytes(lines->res, (int)i, 0);
}

void store_lines_clear(struct store_lines *lines)
{
	PQclear(lines->res);
	memset(lines, 0, sizeof(*lines));
}

static int decode_tiles(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_tiles *out = call->out;

	if ((size_t)PQntuples(res) != out->n)
		return -EPROTO;
	for (size_t i = 0; i < out->n; i++) {
		const struct pg_bytes hashes = pg_get_bytes(res, (int)i, 0);

		if (hashes.len % 32 || hashes.len > STORE_TILE_BYTES)
			return -EPROTO;
		out->tiles[i].nhashes = hashes.len / 32;
		out->tiles[i].hashes = hashes.len ? store_as_hashes(hashes.data) : NULL;
	}
	out->res = res;
	*keep = true;
	return 0;
}

int store_tiles(struct pg_conn *conn, struct pg_op *op, struct store_tiles *out, struct store_tile *tiles, size_t n)
{
	uint64_t levels[64];
	uint64_t indexes[64];
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (n < 1 || n > 64)
		return -EINVAL;
	out->tiles = tiles;
	out->n = n;
	for (size_t i = 0; i < n; i++) {
		levels[i] = tiles[i].level;
		indexes[i] = tiles[i].index;
		tiles[i].hashes = NULL;
		tiles[i].nhashes = 0;
	}
	pg_params_init(&params);
	pg_param_u64_array(&params, levels, n);
	pg_param_u64_array(&params, indexes, n);
	return store_start(conn, &statements[TILES], &params,
			   &(struct store_call){.op = op, .out = out, .decode = decode_tiles});
}

void store_tiles_clear(struct store_tiles *tiles)
{
	PQclear(tiles->res);
	memset(tiles, 0, sizeof(*tiles));
}
