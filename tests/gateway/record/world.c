#include "tests/gateway/record/world.h"
#include "anchor/tile.h"
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define SIGN_MS 10

static void sign_done(struct pg_op *op)
{
	struct world *w = op->arg;

	w->sign_busy = false;
	if (!op->err)
		append_checkpoint_hint(w->append, w->checkpoint.size);
}

static void sign_head(struct pg_op *op)
{
	struct world *w = op->arg;
	struct merkle_edge edge;
	struct merkle_hash root;

	w->sign_busy = false;
	if (op->err || w->head.size == w->checkpoint.size)
		return;
	assert_int_equal(merkle_edge_decode(&edge, w->head.size, w->head.edge[0], w->head.nedge * 32), 0);
	merkle_edge_root(&w->f.hasher, &root, &edge);
	w->checkpoint.size = w->head.size;
	w->checkpoint.at = w->head.at;
	memcpy(w->checkpoint.root, root.bytes, 32);
	assert_int_equal(checkpoint_sign(w->checkpoint.note, &w->checkpoint.note_len, w->head.size, &root,
					 &w->f.log_key, w->f.log_secret),
			 0);
	w->sign_op.on_done = sign_done;
	w->sign_busy = !store_checkpoint_put(w->signer, &w->sign_op, NULL, &w->checkpoint);
}

static void on_sign_timer(evutil_socket_t fd, short events, void *arg)
{
	struct world *w = arg;

	(void)fd;
	(void)events;
	if (!w->signing || w->sign_busy)
		return;
	w->sign_op = (struct pg_op){.on_done = sign_head, .arg = w};
	w->sign_busy = !store_head(w->signer, &w->sign_op, &w->head);
}

void world_open(struct world *w, const char *conninfo, const char *writer_conninfo, const struct append_config *config)
{
	struct append_config c = *config;
	struct timeval tick = {0, SIGN_MS * 1000};
	struct pg_op op = {0};

	memset(w, 0, sizeof(*w));
	fixture_init(&w->f);
	w->conninfo = conninfo;
	w->base = event_base_new();
	assert_non_null(w->base);
	assert_int_equal(store_open(&w->writer, w->base, writer_conninfo ? writer_conninfo : conninfo, "test-writer",
				    STORE_WRITER, NULL, NULL),
			 0);
	assert_int_equal(store_open(&w->reader, w->base, conninfo, "test-reader", STORE_READER, NULL, NULL), 0);
	assert_int_equal(store_open(&w->signer, w->base, conninfo, "test-signer", STORE_READER, NULL, NULL), 0);
	assert_int_equal(pg_wait_up(w->base, w->writer, 10000), 0);
	assert_int_equal(pg_wait_up(w->base, w->reader, 10000), 0);
	assert_int_equal(pg_wait_up(w->base, w->signer, 10000), 0);
	assert_int_equal(pg_wait(w->base, &op, store_head_create(w->signer, &op, FIXTURE_ORIGIN)), 0);
	c.base = w->base;
	c.writer = w->writer;
	c.reader = w->reader;
	assert_int_equal(append_new(&w->append, &c), 0);
	w->signing = true;
	w->sign_timer = event_new(w->base, -1, EV_PERSIST, on_sign_timer, w);
	assert_non_null(w->sign_timer);
	assert_int_equal(event_add(w->sign_timer, &tick), 0);
}

void world_close(struct world *w)
{
	event_free(w->sign_timer);
	append_free(w->append);
	pg_close(w->writer);
	pg_close(w->reader);
	w->append = NULL;
	pg_close(w->signer);
	event_base_free(w->base);
	fixture_clear(&w->f);
}

static void on_done(void *arg, const struct append_outcome *outcome)
{
	struct world_result *r = arg;

	assert_false(r->done);
	r->done = true;
	r->err = outcome->err;
	r->duplicate = outcome->duplicate;
	r->logged = outcome->logged;
	r->seq = outcome->seq;
	if (!outcome->err)
		assert_int_equal(receipt_write(&r->receipt, &r->len, outcome->parts), 0);
	r->w->waiting--;
}

int world_submit(struct world *w, struct world_result *r, unsigned number)
{
	struct append_item out;
	struct fixture_item item;
	int rc;

	memset(r, 0, sizeof(*r));
	r->w = w;
	fixture_item(&w->f, &item, number, number & 1 ? TYPED_EIP191 : TYPED_EIP712);
	append_item_make(&out, &item.s, &item.content, &item.admission);
	rc = append_submit(w->append, &out, on_done, r);
	if (!rc) {
		w->waiting++;
		typed_content_release(&item.content);
	}
	fixture_item_clear(&item);
	return rc;
}

static void set_flag(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	*(bool *)arg = true;
}

static void turn_until(struct world *w, unsigned ms, bool idle_ends)
{
	struct timeval limit = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};
	bool over = false;
	struct event *timer = event_new(w->base, -1, 0, set_flag, &over);

	assert_non_null(timer);
	assert_int_equal(event_add(timer, &limit), 0);
	while (!over && !(idle_ends && !w->waiting))
		event_base_loop(w->base, EVLOOP_ONCE);
	event_free(timer);
}

void world_wait(struct world *w)
{
	turn_until(w, 20000, true);
	assert_int_equal(w->waiting, 0);
}

void world_run(struct world *w, unsigned ms)
{
	turn_until(w, ms, false);
}

void world_result_clear(struct world_result *r)
{
	free(r->receipt);
	r->receipt = NULL;
}

void world_check_receipt(struct world *w, const struct world_result *r)
{
	struct receipt_policy policy;
	struct receipt_report report;

	assert_true(r->done);
	assert_int_equal(r->err, 0);
	assert_non_null(r->receipt);
	fixture_policy(&w->f, &policy);
	receipt_verify(&report, (const uint8_t *)r->receipt, r->len, &policy, NULL);
	for (size_t i = 0; i < report.count && !report.confirmed; i++)
		print_error("%s %s: %s\n", report.check[i].name, receipt_verdict_text(report.check[i].verdict),
			    report.check[i].text);
	assert_true(report.confirmed);
	assert_int_equal(report.seq, r->seq);
}

/* ---- the whole log against a naive construction ---- */

static PGresult *query(PGconn *pg, const char *sql)
{
	PGresult *res = PQexecParams(pg, sql, 0, NULL, NULL, NULL, NULL, 1);

	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		print_error("%s: %s\n", sql, PQerrorMessage(pg));
	assert_int_equal(PQresultStatus(res), PGRES_TUPLES_OK);
	return res;
}

static uint64_t number(const PGresult *res, int row, int column)
{
	int err = 0;
	uint64_t n = pg_get_u64(&err, res, row, column);

	assert_int_equal(err, 0);
	return n;
}

static struct merkle_hash *check_entries(struct world *w, PGconn *pg, uint64_t *size)
{
	PGresult *res = query(pg, "SELECT seq, leaf, line, at, uid FROM entry ORDER BY seq");
	struct merkle_hash *leaves;
	uint64_t at = 0;

	*size = (uint64_t)PQntuples(res);
	leaves = calloc(*size + 1, sizeof(*leaves));
	assert_non_null(leaves);
	for (int i = 0; i < PQntuples(res); i++) {
		assert_int_equal(number(res, i, 0), i); /* no gap */
		merkle_leaf(&w->f.hasher, &leaves[i], PQgetvalue(res, i, 2), (size_t)PQgetlength(res, i, 2));
		assert_memory_equal(PQgetvalue(res, i, 1), leaves[i].bytes, 32);
		assert_true(number(res, i, 3) >= at); /* "`at` never decreases along the log" */
		at = number(res, i, 3);
	}
	PQclear(res);
	res = query(pg, "SELECT count(*) - count(DISTINCT uid) FROM entry WHERE uid IS NOT NULL");
	assert_int_equal(number(res, 0, 0), 0);
	PQclear(res);
	return leaves;
}

static void check_tiles(struct world *w, PGconn *pg, const struct merkle_hash *leaves, uint64_t size)
{
	PGresult *res = query(pg, "SELECT level::bigint, idx, hashes, root FROM tile ORDER BY level, idx");
	uint64_t expected = 0;

	for (unsigned level = 0; level < 3; level++)
		expected += tile_full_count(size, level);
	assert_int_equal(PQntuples(res), expected);
	for (int i = 0; i < PQntuples(res); i++) {
		uint64_t level = number(res, i, 0), index = number(res, i, 1);
		struct merkle_hash hash;

		assert_int_equal(PQgetlength(res, i, 2), TILE_BYTES);
		for (unsigned k = 0; k < TILE_WIDTH; k++) {
			size_t width = (size_t)1 << (8 * level);

			merkle_root(&w->f.hasher, &hash, leaves + (index * TILE_WIDTH + k) * width, width);
			assert_memory_equal(PQgetvalue(res, i, 2) + 32 * k, hash.bytes, 32);
		}
		merkle_root(&w->f.hasher, &hash, leaves + (index << (8 * (level + 1))), (size_t)1 << (8 * (level + 1)));
		assert_memory_equal(PQgetvalue(res, i, 3), hash.bytes, 32);
	}
	PQclear(res);
}

static void check_checkpoints(struct world *w, PGconn *pg, const struct merkle_hash *leaves, uint64_t size)
{
	PGresult *res = query(pg, "SELECT size, root FROM checkpoint ORDER BY size");

	for (int i = 0; i < PQntuples(res); i++) {
		struct merkle_hash root;

		assert_true(number(res, i, 0) <= size);
		merkle_root(&w->f.hasher, &root, leaves, (size_t)number(res, i, 0));
		assert_memory_equal(PQgetvalue(res, i, 1), root.bytes, 32);
	}
	PQclear(res);
}

uint64_t world_check_log(struct world *w)
{
	PGconn *pg = PQconnectdb(w->conninfo);
	struct merkle_hash *leaves;
	struct merkle_edge edge = {0};
	PGresult *res;
	uint64_t size;
	uint8_t bytes[MERKLE_HASH_SIZE * MERKLE_EDGE_MAX];

	assert_int_equal(PQstatus(pg), CONNECTION_OK);
	leaves = check_entries(w, pg, &size);
	check_tiles(w, pg, leaves, size);
	check_checkpoints(w, pg, leaves, size);
	for (uint64_t i = 0; i < size; i++)
		assert_int_equal(merkle_edge_append(&w->f.hasher, &edge, &leaves[i]), 0);
	res = query(pg, "SELECT size, edge FROM log_head");
	assert_int_equal(number(res, 0, 0), size);
	assert_int_equal(PQgetlength(res, 0, 1), merkle_edge_encode(bytes, &edge));
	assert_memory_equal(PQgetvalue(res, 0, 1), bytes, (size_t)PQgetlength(res, 0, 1));
	PQclear(res);
	free(leaves);
	PQfinish(pg);
	return size;
}
