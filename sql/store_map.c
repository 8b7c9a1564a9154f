/* The completeness map's nodes and heads, and the state of each subject's sub-log. */
#include "sql/store_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sql/store_internal.h"

enum { NEWS, SUBJECTS, SUBJECT_LEAVES, SUBJECT_COUNT, SUBJECTS_PUT, NODES_PUT, HEAD_PUT, NODES, PATH, HEAD };

enum { LEAVES_MAX = 100000, PATH_MAX = 257 };

static const Oid range_types[] = {20, 20, 20};
static const Oid texts_types[] = {1009};
static const Oid leaves_types[] = {25, 20, 20, 20};
static const Oid count_types[] = {25, 20};
static const Oid subjects_types[] = {1009, 1016, 1001, 1016};
static const Oid nodes_types[] = {1001, 1001};
static const Oid head_types[] = {20, 17};
static const Oid path_types[] = {17, 17};

static const struct pg_statement statements[] = {
	[NEWS] = {.name = "map_news",
		  .sql = "SELECT seq, subject, leaf FROM entry WHERE seq >= $1 AND seq < $2 AND kind <> 'index'"
			 " ORDER BY seq LIMIT $3",
		  .nparams = 3,
		  .types = range_types},
	[SUBJECTS] = {.name = "subjects",
		      .sql = "SELECT key, count, edge, indexed_size FROM subject WHERE key = ANY($1) ORDER BY key",
		      .nparams = 1,
		      .types = texts_types},
	[SUBJECT_LEAVES] = {.name = "subject_leaves",
			    .sql = "SELECT seq, subject, leaf FROM entry WHERE subject = $1 AND seq >= $2 AND seq < $3"
				   " AND kind <> 'index' ORDER BY seq LIMIT $4",
			    .nparams = 4,
			    .types = leaves_types},
	[SUBJECT_COUNT] = {.name = "subject_count",
			   .sql = "SELECT count(*) FROM entry WHERE subject = $1 AND seq < $2 AND kind <> 'index'",
			   .nparams = 2,
			   .types = count_types},
	[SUBJECTS_PUT] =
		{.name = "subjects_put",
		 .sql = "INSERT INTO subject (key, count, edge, indexed_size) SELECT * FROM unnest($1, $2, $3, $4)"
			" ON CONFLICT (key) DO UPDATE SET count = excluded.count, edge = excluded.edge,"
			" indexed_size = excluded.indexed_size",
		 .nparams = 4,
		 .types = subjects_types},
	[NODES_PUT] = {.name = "map_nodes_put",
		       .sql = "INSERT INTO map_node (hash, body) SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING",
		       .nparams = 2,
		       .types = nodes_types},
	[HEAD_PUT] = {.name = "map_head_put",
		      .sql = "INSERT INTO map_head (size, root) VALUES ($1, $2)",
		      .nparams = 2,
		      .types = head_types},
	[NODES] = {.name = "map_nodes",
		   .sql = "SELECT hash, body FROM map_node WHERE hash = ANY($1)",
		   .nparams = 1,
		   .types = nodes_types},
	/*
	 * Body bytes: kind, left at 2 to 33, right at 34 to 65 (SQL counts from 1). get_bit() counts from the least
	 * significant bit of each byte, the map from the most significant. A left join keeps a missing node visible.
	 */
	[PATH] = {.name = "map_path",
		  .sql = "WITH RECURSIVE way(depth, hash, body) AS ("
			 " SELECT 0, $1::bytea, (SELECT body FROM map_node WHERE hash = $1)"
			 " UNION ALL SELECT w.depth + 1, c.hash, (SELECT n.body FROM map_node n WHERE n.hash = c.hash)"
			 " FROM way w CROSS JOIN LATERAL (SELECT substr(w.body,"
			 "  CASE get_bit($2, (w.depth & -8) + 7 - (w.depth & 7)) WHEN 0 THEN 2 ELSE 34 END, 32) AS "
			 "hash) c"
			 " WHERE w.depth < 256 AND get_byte(w.body, 0) = 3 AND c.hash <> decode(repeat('00', 32), "
			 "'hex'))"
			 " SELECT hash, body FROM way ORDER BY depth",
		  .nparams = 2,
		  .types = path_types},
	[HEAD] = {.name = "map_head",
		  .sql = "SELECT root FROM map_head WHERE size = $1",
		  .nparams = 1,
		  .types = head_types},
};

const struct pg_statement_set store_map_set = {statements, STORE_COUNT(statements)};

static int64_t below_max(uint64_t below)
{
	return below < INT64_MAX ? (int64_t)below : INT64_MAX;
}

int store_news(struct pg_conn *conn, struct pg_op *op, struct store_news *out, uint64_t from, uint64_t below,
	       unsigned limit)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (limit < 1 || limit > LEAVES_MAX)
		return -EINVAL;
	pg_params_init(&params);
	pg_param_u64(&params, from);
	pg_param_i64(&params, below_max(below));
	pg_param_u64(&params, limit);
	return store_start(
		conn, &statements[NEWS], &params,
		&(struct store_call){.op = op, .out = &out->n, .out2 = &out->res, .decode = store_decode_list});
}

int store_subject_leaves(struct pg_conn *conn, struct pg_op *op, struct store_news *out, struct pg_bytes key,
			 uint64_t from, uint64_t below, unsigned limit)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	if (limit < 1 || limit > LEAVES_MAX)
		return -EINVAL;
	pg_params_init(&params);
	pg_param_bytes(&params, key);
	pg_param_u64(&params, from);
	pg_param_i64(&params, below_max(below));
	pg_param_u64(&params, limit);
	return store_start(
		conn, &statements[SUBJECT_LEAVES], &params,
		&(struct store_call){.op = op, .out = &out->n, .out2 = &out->res, .decode = store_decode_list});
}

int store_news_get(const struct store_news *news, struct store_news_entry *out, size_t i)
{
	int err = i < news->n ? 0 : -EPROTO;

	if (err)
		return err;
	out->seq = pg_get_u64(&err, news->res, (int)i, 0);
	out->subject = pg_get_bytes(news->res, (int)i, 1);
	pg_get_hash(&err, out->leaf, news->res, (int)i, 2);
	return err;
}

void store_news_clear(struct store_news *news)
{
	PQclear(news->res);
	memset(news, 0, sizeof(*news));
}

static int decode_count(struct store_call *call, PGresult *res, bool *keep)
{
	int err = 0;

	(void)keep;
	*(uint64_t *)call->out = pg_get_u64(&err, res, 0, 0);
	return err;
}

int store_subject_count(struct pg_conn *conn, struct pg_op *op, uint64_t *count, struct pg_bytes key, uint64_t below)
{
	struct pg_params params;

	*count = 0;
	pg_params_init(&params);
	pg_param_bytes(&params, key);
	pg_param_i64(&params, below_max(below));
	return store_start(conn, &statements[SUBJECT_COUNT], &params,
			   &(struct store_call){.op = op, .out = count, .decode = decode_count});
}

int store_subjects(struct pg_conn *conn, struct pg_op *op, struct store_subjects *out, const struct pg_bytes *keys,
		   size_t n)
{
	struct pg_params params;

	memset(out, 0, sizeof(*out));
	pg_params_init(&params);
	pg_param_text_array(&params, keys, n);
	return store_start(
		conn, &statements[SUBJECTS], &params,
		&(struct store_call){.op = op, .out = &out->n, .out2 = &out->res, .decode = store_decode_list});
}

int store_subjects_get(const struct store_subjects *list, struct store_subject *out, size_t i)
{
	int err = i < list->n ? 0 : -EPROTO;

	if (err)
		return err;
	out->key = pg_get_bytes(list->res, (int)i, 0);
	out->count = pg_get_u64(&err, list->res, (int)i, 1);
	out->indexed_size = pg_get_u64(&err, list->res, (int)i, 3);
	return err ? err : store_get_edge(out->edge, &out->nedge, STORE_SUBJECT_EDGE_MAX, list->res, (int)i, 2);
}

void store_subjects_clear(struct store_subjects *list)
{
	PQclear(list->res);
	memset(list, 0, sizeof(*list));
}

int store_subjects_put(struct pg_txn *txn, const struct store_subject *subjects, size_t n)
{
	struct pg_params params;
	struct pg_bytes *column = calloc(n ? n : 1, sizeof(*column));
	uint64_t *numbers = calloc(n ? n : 1, sizeof(*numbers));
	int err = n ? -ENOMEM : 0;

	if (!column || !numbers || !n)
		goto out;
	pg_params_init(&params);
	for (size_t i = 0; i < n; i++)
		column[i] = subjects[i].key;
	pg_param_text_array(&params, column, n);
	for (size_t i = 0; i < n; i++)
		numbers[i] = subjects[i].count;
	pg_param_u64_array(&params, numbers, n);
	for (size_t i = 0; i < n; i++)
		column[i] = pg_bytes(subjects[i].edge, subjects[i].nedge * 32);
	pg_param_bytea_array(&params, column, n);
	for (size_t i = 0; i < n; i++)
		numbers[i] = subjects[i].indexed_size;
	pg_param_u64_array(&params, numbers, n);
	err = store_queue(txn, &statements[SUBJECTS_PUT], &params);
out:
	free(column);
	free(numbers);
	return err;
}

int store_map_nodes_put(struct pg_txn *txn, const void *hashes, const void *bodies, size_t n)
{
	struct pg_params params;
	struct pg_bytes *column = calloc(n ? n : 1, sizeof(*column));
	int err = n ? -ENOMEM : 0;

	if (!column || !n)
		goto out;
	for (size_t i = 0; i < n; i++)
		column[i] = pg_bytes((const uint8_t *)bodies + i * STORE_MAP_NODE_BYTES, STORE_MAP_NODE_BYTES);
	pg_params_init(&params);
	pg_param_hash_array(&params, hashes, n);
	pg_param_bytea_array(&params, column, n);
	err = store_queue(txn, &statements[NODES_PUT], &params);
out:
	free(column);
	return err;
}

int store_map_head_put(struct pg_txn *txn, uint64_t size, const uint8_t root[static 32])
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, size);
	pg_param_hash(&params, root);
	return store_queue(txn, &statements[HEAD_PUT], &params);
}

static int decode_nodes(struct store_call *call, PGresult *res, bool *keep)
{
	struct store_map_node *nodes = call->out;
	size_t *nfound = call->out2;
	const size_t n = (size_t)PQntuples(res);
	int err = n > call->n ? -EPROTO : 0;

	(void)keep;
	for (size_t i = 0; !err && i < n; i++) {
		const struct pg_bytes body = pg_get_bytes(res, (int)i, 1);

		pg_get_hash(&err, nodes[i].hash, res, (int)i, 0);
		if (body.len != STORE_MAP_NODE_BYTES)
			err = -EPROTO;
		else
			memcpy(nodes[i].body, body.data, body.len);
	}
	*nfound = err ? 0 : n;
	return err;
}

int store_map_nodes(struct pg_conn *conn, struct pg_op *op, struct store_map_node *nodes, size_t *nfound,
		    const void *hashes, size_t n)
{
	struct pg_params params;

	*nfound = 0;
	pg_params_init(&params);
	pg_param_hash_array(&params, hashes, n);
	return store_start(
		conn, &statements[NODES], &params,
		&(struct store_call){.op = op, .out = nodes, .out2 = nfound, .n = n, .decode = decode_nodes});
}

int store_map_path(struct pg_conn *conn, struct pg_op *op, struct store_map_node *nodes, size_t *nfound,
		   const uint8_t root[static 32], const uint8_t key[static 32])
{
	static const uint8_t empty[32];
	struct pg_params params;

	*nfound = 0;
	pg_params_init(&params);
	pg_param_hash(&params, root);
	pg_param_hash(&params, key);
	/* The empty map has no node; the operation still goes through the server, so that it ends in the loop. */
	if (!memcmp(root, empty, 32)) {
		pg_params_clear(&params);
		return store_map_nodes(conn, op, nodes, nfound, NULL, 0);
	}
	return store_start(
		conn, &statements[PATH], &params,
		&(struct store_call){.op = op, .out = nodes, .out2 = nfound, .n = PATH_MAX, .decode = decode_nodes});
}

static int decode_root(struct store_call *call, PGresult *res, bool *keep)
{
	int err = 0;

	(void)keep;
	if (PQntuples(res) == 0)
		return -ENOENT;
	pg_get_hash(&err, call->out, res, 0, 0);
	return err;
}

int store_map_head(struct pg_conn *conn, struct pg_op *op, uint8_t root[static 32], uint64_t size)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, size);
	return store_start(conn, &statements[HEAD], &params,
			   &(struct store_call){.op = op, .out = root, .decode = decode_root});
}
