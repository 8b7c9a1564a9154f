/*
 * The append's transaction, whole, and therefore long: the columns of each INSERT stand beside its SQL. Each of its two
 * round trips is several statements; their results share one context, and the operation is done with the last of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sql/store_internal.h"
#include "sql/store_log.h"

enum { LOCK, FOUND, LEAVES, QUOTAS, TILE_ROOTS, ENTRIES, EVIDENCE, PAYLOADS, TILES, QUOTA_ADD, MOVE, ERASE };

/* Today is the transaction's: the count asked and the count added fall on the same day. */
#define TODAY "(extract(epoch FROM now()) * 1000)::bigint / 86400000"

static const Oid entries_types[] = {20, 20, 1009, 1001, 1009, 1009, 1001, 1009};
static const Oid evidence_types[] = {1001, 1001};
static const Oid payloads_types[] = {20, 1001, 1001};
static const Oid tiles_types[] = {1016, 1016, 1001, 1001};
static const Oid quota_types[] = {1009, 1016};
static const Oid move_types[] = {20, 20, 17, 20, 16};
static const Oid uids_types[] = {1001};
static const Oid issuers_types[] = {1009};
static const Oid roots_types[] = {20, 20, 20};
static const Oid leaves_types[] = {20};
static const Oid erase_types[] = {1016};

static const struct pg_statement statements[] = {
	[LOCK] = {.name = "append_lock",
		  .sql = "SELECT size, edge, at, index_size, index_edge, origin,"
			 " (extract(epoch FROM clock_timestamp()) * 1000)::bigint, " TODAY " FROM log_head FOR UPDATE"},
	[FOUND] = {.name = "append_found",
		   .sql = "SELECT uid, seq FROM entry WHERE uid = ANY($1)",
		   .nparams = 1,
		   .types = uids_types},
	[LEAVES] = {.name = "append_leaves",
		    .sql = "SELECT string_agg(e.leaf, '' ORDER BY e.seq) FROM log_head h JOIN entry e"
			   " ON e.seq >= h.size - h.size % 256 AND e.seq < h.size WHERE h.size % 256 + $1 >= 256",
		    .nparams = 1,
		    .types = leaves_types},
	[QUOTAS] = {.name = "append_quotas",
		    .sql = "SELECT coalesce((SELECT q.count FROM quota q WHERE q.issuer = i.issuer AND q.day = " TODAY "), 0)"
			   " FROM unnest($1) WITH ORDINALITY AS i(issuer, o) ORDER BY i.o",
		    .nparams = 1,
		    .types = issuers_types},
	[TILE_ROOTS] = {.name = "append_tile_roots",
			.sql = "SELECT coalesce(string_agg(root, '' ORDER BY idx), '') FROM tile"
			       " WHERE level = $1 AND idx >= $2 AND idx < $3",
			.nparams = 3,
			.types = roots_types},
	/* The join lets nothing in if the head is not where the caller believes it is. */
	[ENTRIES] = {.name = "append_entries",
		     .sql = "INSERT INTO entry (seq, at, kind, uid, issuer, subject, leaf, line)"
			    " SELECT h.size + n.o - 1, $2, n.kind, n.uid, n.issuer, n.subject, n.leaf, n.line"
			    " FROM unnest($3, $4, $5, $6, $7, $8) WITH ORDINALITY AS n(kind, uid, issuer, subject, "
			    "leaf, line, o)"
			    " CROSS JOIN log_head h WHERE h.size = $1",
		     .nparams = 8,
		     .types = entries_types},
	[EVIDENCE] = {.name = "append_evidence",
		      .sql = "INSERT INTO evidence (hash, body) SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING",
		      .nparams = 2,
		      .types = evidence_types},
	[PAYLOADS] = {.name = "append_payloads",
		      .sql = "INSERT INTO payload (seq, body, evidence) SELECT $1 + n.o - 1, n.body, n.evidence"
			     " FROM unnest($2, $3) WITH ORDINALITY AS n(body, evidence, o) WHERE n.body IS NOT NULL",
		      .nparams = 3,
		      .types = payloads_types},
	[TILES] = {.name = "append_tiles",
		   .sql = "INSERT INTO tile (level, idx, hashes, root) SELECT * FROM unnest($1, $2, $3, $4)",
		   .nparams = 4,
		   .types = tiles_types},
	[QUOTA_ADD] = {.name = "append_quota_add",
		       .sql = "INSERT INTO quota (issuer, day, count) SELECT n.issuer, " TODAY ", n.count"
			      " FROM unnest($1, $2) AS n(issuer, count)"
			      " ON CONFLICT (issuer, day) DO UPDATE SET count = quota.count + excluded.count",
		       .nparams = 2,
		       .types = quota_types},
	/* After the entries: the function wants to see the erasures in the log. */
	[ERASE] = {.name = "append_erase",
		   .sql = "SELECT kedge_erase_payload(t.target) FROM unnest($1) AS t(target)",
		   .nparams = 1,
		   .types = erase_types},
	[MOVE] = {.name = "append_move",
		  .sql = "UPDATE log_head SET size = $2, edge = $3, at = $4,"
			 " index_size = CASE WHEN $5 THEN $2 ELSE index_size END,"
			 " index_edge = CASE WHEN $5 THEN $3 ELSE index_edge END"
			 " WHERE size = $1 RETURNING pg_notify('kedge_head', $2::text)",
		  .nparams = 5,
		  .types = move_types},
};

const struct pg_statement_set store_append_set = {statements, STORE_COUNT(statements)};

/* One round trip's results. If its start failed half-way, nobody waits for them any more. */
struct trip {
	struct pg_op *op;
	struct store_append_state *out;
	int err;
	unsigned pending;
	bool abandoned;
};

static void trip_done(struct trip *trip, int err)
{
	struct pg_op *op = trip->op;

	if (err && !trip->err)
		trip->err = err;
	if (--trip->pending)
		return;
	err = trip->err;
	if (trip->abandoned) {
		free(trip);
		return;
	}
	struct store_append_state *out = trip->out;

	free(trip);
	if (err && out)
		store_append_state_clear(out);
	pg_op_finish(op, err);
}

static int abandon(struct trip *trip, int err)
{
	trip->abandoned = true;
	if (!trip->pending)
		free(trip);
	return err;
}

static int trip_query(struct trip *trip, struct pg_txn *txn, int which, struct pg_params *params,
		      pg_on_result *on_result)
{
	const int err = pg_txn_query(txn, &statements[which], params, on_result, trip);

	if (params)
		pg_params_clear(params);
	if (!err)
		trip->pending++;
	return err;
}

static int decode_head(struct store_append_state *out, const PGresult *res)
{
	struct store_head *head = &out->head;
	int err = 0;

	if (PQntuples(res) != 1)
		return -ENOENT;
	head->size = pg_get_u64(&err, res, 0, 0);
	head->at = pg_get_u64(&err, res, 0, 2);
	head->index_size = pg_get_u64(&err, res, 0, 3);
	out->clock_ms = pg_get_u64(&err, res, 0, 6);
	out->day = pg_get_u64(&err, res, 0, 7);
	const struct pg_bytes origin = pg_get_bytes(res, 0, 5);

	if (err || origin.len >= sizeof(head->origin))
		return -EPROTO;
	memcpy(head->origin, origin.data, origin.len);
	head->origin[origin.len] = '\0';
	err = store_get_edge(head->edge, &head->nedge, STORE_EDGE_MAX, res, 0, 1);
	return err ? err : store_get_edge(head->index_edge, &head->nindex_edge, STORE_EDGE_MAX, res, 0, 4);
}

static void on_head(void *arg, int err, PGresult *res)
{
	struct trip *trip = arg;

	if (!err && !trip->abandoned)
		err = decode_head(trip->out, res);
	PQclear(res);
	trip_done(trip, err);
}

static void on_found(void *arg, int err, PGresult *res)
{
	struct trip *trip = arg;
	const size_t n = res && !err ? (size_t)PQntuples(res) : 0;

	if (!err && !trip->abandoned && n) {
		trip->out->found = calloc(n, sizeof(*trip->out->found));
		err = trip->out->found ? 0 : -ENOMEM;
		for (size_t i = 0; !err && i < n; i++) {
			pg_get_hash(&err, trip->out->found[i].uid, res, (int)i, 0);
			trip->out->found[i].seq = pg_get_u64(&err, res, (int)i, 1);
		}
		trip->out->nfound = err ? 0 : n;
	}
	PQclear(res);
	trip_done(trip, err);
}

static void on_leaves(void *arg, int err, PGresult *res)
{
	struct trip *trip = arg;

	if (!err && !trip->abandoned && !trip->err) {
		const struct pg_bytes leaves = pg_get_bytes(res, 0, 0);

		if (leaves.data && leaves.len != trip->out->head.size % STORE_TILE_HASHES * 32)
			err = -EPROTO;
		if (!err && leaves.data) {
			trip->out->leaves = store_as_hashes(leaves.data);
			trip->out->nleaves = leaves.len / 32;
			trip->out->leaves_res = res;
			res = NULL;
		}
	}
	PQclear(res);
	trip_done(trip, err);
}

static void on_quotas(void *arg, int err, PGresult *res)
{
	struct trip *trip = arg;

	if (!err && !trip->abandoned) {
		const size_t n = trip->out->nissuers;

		trip->out->quota_counts = calloc(n, sizeof(uint64_t));
		if (!trip->out->quota_counts)
			err = -ENOMEM;
		else if ((size_t)PQntuples(res) != n)
			err = -EPROTO;
		for (size_t i = 0; !err && i < n; i++)
			trip->out->quota_counts[i] = pg_get_u64(&err, res, (int)i, 0);
	}
	PQclear(res);
	trip_done(trip, err);
}

/* What is to be known besides the head, behind it in the same trip or alone in one. */
static int query_ask(struct trip *trip, struct pg_txn *txn, const struct store_append_ask *ask)
{
	struct pg_params params;
	int err = 0;

	trip->out->nissuers = ask->nissuers;
	if (ask->nuids) {
		pg_params_init(&params);
		pg_param_hash_array(&params, ask->uids, ask->nuids);
		err = trip_query(trip, txn, FOUND, &params, on_found);
	}
	if (!err && ask->nentries) {
		pg_params_init(&params);
		pg_param_u64(&params, ask->nentries);
		err = trip_query(trip, txn, LEAVES, &params, on_leaves);
	}
	if (!err && ask->nissuers) {
		pg_params_init(&params);
		pg_param_text_array(&params, ask->issuers, ask->nissuers);
		err = trip_query(trip, txn, QUOTAS, &params, on_quotas);
	}
	return err;
}

int store_append_lock(struct pg_txn *txn, struct pg_op *op, struct store_append_state *out,
		      const struct store_append_ask *ask)
{
	struct trip *trip = calloc(1, sizeof(*trip));
	int err;

	pg_op_start(op);
	memset(out, 0, sizeof(*out));
	if (!trip)
		return -ENOMEM;
	trip->op = op;
	trip->out = out;
	err = trip_query(trip, txn, LOCK, NULL, on_head);
	if (!err)
		err = query_ask(trip, txn, ask);
	return err ? abandon(trip, err) : 0;
}

int store_append_ask_locked(struct pg_txn *txn, struct pg_op *op, struct store_append_state *state,
			    const struct store_append_ask *ask)
{
	struct trip *trip = ask->nentries ? calloc(1, sizeof(*trip)) : NULL;
	int err;

	pg_op_start(op);
	if (!trip)
		return ask->nentries ? -ENOMEM : -EINVAL;
	trip->op = op;
	trip->out = state;
	err = query_ask(trip, txn, ask);
	if (!err && !trip->pending)
		err = -EINVAL; /* nothing was asked, so nothing would ever answer */
	return err ? abandon(trip, err) : 0;
}

void store_append_state_clear(struct store_append_state *state)
{
	free(state->found);
	free(state->quota_counts);
	PQclear(state->leaves_res);
	state->found = NULL;
	state->nfound = 0;
	state->quota_counts = NULL;
	state->leaves = NULL;
	state->nleaves = 0;
	state->leaves_res = NULL;
}

int store_append_tile_roots(struct pg_txn *txn, struct pg_op *op, uint8_t (*out)[32], unsigned level, uint64_t first,
			    size_t n)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, level);
	pg_param_u64(&params, first);
	pg_param_u64(&params, first + n);
	return store_start_txn(txn, &statements[TILE_ROOTS], &params,
			       &(struct store_call){.op = op, .out = out, .n = n, .decode = store_decode_hashes});
}

static int queue_entries(struct pg_txn *txn, const struct store_append *a, struct pg_bytes *column)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, a->old_size);
	pg_param_u64(&params, a->at);
	for (size_t i = 0; i < a->nentries; i++)
		column[i] = pg_text(a->entries[i].kind);
	pg_param_text_array(&params, column, a->nentries);
	for (size_t i = 0; i < a->nentries; i++)
		column[i] = pg_bytes(a->entries[i].uid, a->entries[i].uid ? 32 : 0);
	pg_param_bytea_array(&params, column, a->nentries);
	for (size_t i = 0; i < a->nentries; i++)
		column[i] = a->entries[i].issuer;
	pg_param_text_array(&params, column, a->nentries);
	for (size_t i = 0; i < a->nentries; i++)
		column[i] = a->entries[i].subject;
	pg_param_text_array(&params, column, a->nentries);
	for (size_t i = 0; i < a->nentries; i++)
		column[i] = pg_bytes(a->entries[i].leaf, 32);
	pg_param_bytea_array(&params, column, a->nentries);
	for (size_t i = 0; i < a->nentries; i++)
		column[i] = a->entries[i].line;
	pg_param_text_array(&params, column, a->nentries);
	return store_queue(txn, &statements[ENTRIES], &params);
}

/* Whether evidence i is among the last few collected: batches repeat theirs, and the rest the table sorts out. */
static bool seen(const struct pg_bytes *hashes, size_t n, const uint8_t *hash)
{
	for (size_t i = n; i > 0 && i + 16 > n; i--)
		if (!memcmp(hashes[i - 1].data, hash, 32))
			return true;
	return false;
}

static int queue_evidence(struct pg_txn *txn, const struct store_append *a, struct pg_bytes *hashes,
			  struct pg_bytes *bodies)
{
	struct pg_params params;
	size_t n = 0;

	for (size_t i = 0; i < a->nentries; i++) {
		const struct store_new_entry *e = &a->entries[i];

		if (!e->evidence_hash || seen(hashes, n, e->evidence_hash))
			continue;
		hashes[n] = pg_bytes(e->evidence_hash, 32);
		bodies[n++] = e->evidence;
	}
	if (!n)
		return 0;
	pg_params_init(&params);
	pg_param_bytea_array(&params, hashes, n);
	pg_param_bytea_array(&params, bodies, n);
	return store_queue(txn, &statements[EVIDENCE], &params);
}

static int queue_payloads(struct pg_txn *txn, const struct store_append *a, struct pg_bytes *bodies,
			  struct pg_bytes *hashes)
{
	struct pg_params params;
	bool any = false;

	for (size_t i = 0; i < a->nentries; i++) {
		const struct store_new_entry *e = &a->entries[i];

		bodies[i] = e->payload;
		hashes[i] = pg_bytes(e->evidence_hash, e->evidence_hash ? 32 : 0);
		any = any || e->payload.data;
	}
	if (!any)
		return 0;
	pg_params_init(&params);
	pg_param_u64(&params, a->old_size);
	pg_param_bytea_array(&params, bodies, a->nentries);
	pg_param_bytea_array(&params, hashes, a->nentries);
	return store_queue(txn, &statements[PAYLOADS], &params);
}

static int queue_erasures(struct pg_txn *txn, const struct store_append *a)
{
	uint64_t *targets = calloc(a->nentries, sizeof(*targets));
	struct pg_params params;
	size_t n = 0;
	int err = 0;

	if (!targets)
		return -ENOMEM;
	for (size_t i = 0; i < a->nentries; i++)
		if (a->entries[i].erases)
			targets[n++] = *a->entries[i].erases;
	if (n) {
		pg_params_init(&params);
		pg_param_u64_array(&params, targets, n);
		err = store_queue(txn, &statements[ERASE], &params);
	}
	free(targets);
	return err;
}

static int queue_tiles(struct pg_txn *txn, const struct store_append *a)
{
	struct pg_params params;
	uint64_t *numbers = calloc(a->ntiles, sizeof(*numbers));
	struct pg_bytes *column = calloc(a->ntiles, sizeof(*column));
	int err = -ENOMEM;

	if (!numbers || !column)
		goto out;
	pg_params_init(&params);
	for (size_t i = 0; i < a->ntiles; i++)
		numbers[i] = a->tiles[i].level;
	pg_param_u64_array(&params, numbers, a->ntiles);
	for (size_t i = 0; i < a->ntiles; i++)
		numbers[i] = a->tiles[i].index;
	pg_param_u64_array(&params, numbers, a->ntiles);
	for (size_t i = 0; i < a->ntiles; i++)
		column[i] = pg_bytes(a->tiles[i].hashes, STORE_TILE_BYTES);
	pg_param_bytea_array(&params, column, a->ntiles);
	for (size_t i = 0; i < a->ntiles; i++)
		column[i] = pg_bytes(a->tiles[i].root, 32);
	pg_param_bytea_array(&params, column, a->ntiles);
	err = store_queue(txn, &statements[TILES], &params);
out:
	free(numbers);
	free(column);
	return err;
}

static int queue_quotas(struct pg_txn *txn, const struct store_append *a)
{
	struct pg_params params;
	uint64_t *counts = calloc(a->nquotas, sizeof(*counts));
	struct pg_bytes *issuers = calloc(a->nquotas, sizeof(*issuers));
	int err = -ENOMEM;

	if (!counts || !issuers)
		goto out;
	for (size_t i = 0; i < a->nquotas; i++) {
		issuers[i] = a->quotas[i].issuer;
		counts[i] = a->quotas[i].count;
	}
	pg_params_init(&params);
	pg_param_text_array(&params, issuers, a->nquotas);
	pg_param_u64_array(&params, counts, a->nquotas);
	err = store_queue(txn, &statements[QUOTA_ADD], &params);
out:
	free(counts);
	free(issuers);
	return err;
}

static void on_moved(void *arg, int err, PGresult *res)
{
	if (!err && PQntuples(res) != 1)
		err = -EPROTO;
	PQclear(res);
	trip_done(arg, err);
}

/* The commit's own word counts over an earlier one: it alone knows whether the outcome is unknown. */
static void on_committed(void *arg, int err, PGresult *res)
{
	struct trip *trip = arg;

	PQclear(res);
	if (err)
		trip->err = err;
	trip_done(trip, err);
}

static int queue_move(struct pg_txn *txn, struct trip *trip, const struct store_append *a)
{
	struct pg_params params;

	pg_params_init(&params);
	pg_param_u64(&params, a->old_size);
	pg_param_u64(&params, a->old_size + a->nentries);
	pg_param_bytes(&params, pg_bytes(a->edge, a->nedge * 32));
	pg_param_u64(&params, a->at);
	pg_param_bool(&params, a->ends_in_index);
	return trip_query(trip, txn, MOVE, &params, on_moved);
}

static int queue_rows(struct pg_txn *txn, const struct store_append *a)
{
	struct pg_bytes *scratch = calloc(2 * a->nentries, sizeof(*scratch));
	int err;

	if (!scratch)
		return -ENOMEM;
	err = queue_entries(txn, a, scratch);
	if (!err)
		err = queue_evidence(txn, a, scratch, scratch + a->nentries);
	if (!err)
		err = queue_payloads(txn, a, scratch, scratch + a->nentries);
	if (!err)
		err = queue_erasures(txn, a);
	if (!err && a->ntiles)
		err = queue_tiles(txn, a);
	if (!err && a->nquotas)
		err = queue_quotas(txn, a);
	free(scratch);
	return err;
}

int store_append_commit(struct pg_txn *txn, struct pg_op *op, const struct store_append *append)
{
	struct trip *trip = calloc(1, sizeof(*trip));
	int err = -ENOMEM;

	pg_op_start(op);
	if (!trip) {
		pg_txn_rollback(txn);
		return err;
	}
	trip->op = op;
	err = append->nentries ? queue_rows(txn, append) : -EINVAL;
	if (!err)
		err = queue_move(txn, trip, append);
	if (!err) {
		err = pg_txn_commit(txn, on_committed, trip);
		trip->pending += !err;
	}
	if (err) {
		pg_txn_rollback(txn);
		return abandon(trip, err);
	}
	return 0;
}
