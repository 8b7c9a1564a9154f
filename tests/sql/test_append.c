/* The append transaction: what the lock tells, what is written, duplicates, loss before and after COMMIT, and the
 * grants. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/store_duty.h"
#include "sql/store_log.h"
#include "tests/sql/fixture.h"
#include "tests/sql/log_fixture.h"

static struct log_fixture f;

static struct pg_txn *lock(struct store_append_state *state, const struct store_append_ask *ask)
{
	struct pg_op op = {0};
	struct pg_txn *txn;

	assert_int_equal(pg_txn_begin(f.writer, &txn), 0);
	assert_int_equal(WAIT(&f, &op, store_append_lock(txn, &op, state, ask)), 0);
	return txn;
}

static void an_append_moves_the_head_and_can_be_read_back(void **state)
{
	struct store_head head;
	struct store_entry entry;
	struct pg_op op = {0};
	uint8_t uid[32];

	(void)state;
	assert_int_equal(log_fixture_append(&f, 3), 0);
	assert_int_equal(WAIT(&f, &op, store_head(f.reader, &op, &head)), 0);
	assert_int_equal(head.size, 3);
	assert_int_equal(head.nedge, 2);
	assert_int_equal(head.index_size, 0);
	assert_string_equal(head.origin, "test/log");
	assert_true(head.at > UINT64_C(1600000000000));
	log_fixture_hash(uid, 'u', 1);
	assert_int_equal(WAIT(&f, &op, store_entry_by_uid(f.reader, &op, &entry, uid)), 0);
	assert_int_equal(entry.seq, 1);
	assert_memory_equal(entry.line.data, "line 1", 6);
	assert_memory_equal(entry.payload.data, "payload 1", 9);
	assert_memory_equal(entry.evidence.data, "evidence", 8);
	assert_int_equal(entry.at, head.at);
	store_entry_clear(&entry);
	assert_int_equal(WAIT(&f, &op, store_entry_by_seq(f.reader, &op, &entry, 3)), -ENOENT);
	assert_string_equal(fixture_sql(f.conninfo, "SELECT count(*) FROM evidence"), "1");
}

static void the_lock_tells_which_uids_exist(void **state)
{
	struct store_append_state s;
	uint8_t uids[3][32];

	(void)state;
	log_fixture_hash(uids[0], 'u', 2);
	log_fixture_hash(uids[1], 'u', 1000000);
	log_fixture_hash(uids[2], 'u', 0);
	struct pg_txn *txn = lock(&s, &(struct store_append_ask){.nentries = 3, .uids = uids, .nuids = 3});

	assert_int_equal(s.nfound, 2);
	for (size_t i = 0; i < 2; i++)
		assert_memory_equal(s.found[i].uid, uids[s.found[i].seq == 2 ? 0 : 2], 32);
	assert_int_equal(s.found[0].seq + s.found[1].seq, 2);
	assert_null(s.leaves);
	store_append_state_clear(&s);
	pg_txn_rollback(txn);
}

/* The questions after the lock are answered as those with it. */
static void what_is_asked_under_the_lock_is_answered_alike(void **state)
{
	const struct pg_bytes issuers[] = {pg_text("nobody"), pg_text("none")};
	struct store_append_state s;
	struct pg_op op = {0};
	uint8_t uids[2][32];

	(void)state;
	log_fixture_hash(uids[0], 'u', 1000000);
	log_fixture_hash(uids[1], 'u', 1);
	struct pg_txn *txn = lock(&s, &(struct store_append_ask){0});

	assert_int_equal(s.head.size, 3);
	assert_int_equal(s.nfound, 0);
	assert_null(s.quota_counts);
	assert_int_equal(WAIT(&f, &op, store_append_ask_locked(txn, &op, &s, &(struct store_append_ask){0})), -EINVAL);
	assert_int_equal(WAIT(&f, &op,
			      store_append_ask_locked(txn, &op, &s,
						      &(struct store_append_ask){.nentries = 256, .uids = uids, .nuids = 2,
										 .issuers = issuers, .nissuers = 2})),
			 0);
	assert_int_equal(s.head.size, 3);
	assert_int_equal(s.nfound, 1);
	assert_int_equal(s.found[0].seq, 1);
	assert_int_equal(s.nleaves, 3);
	assert_int_equal(s.quota_counts[0] + s.quota_counts[1], 0);
	store_append_state_clear(&s);
	pg_txn_rollback(txn);
}

static void a_uid_twice_fails_the_append_and_changes_nothing(void **state)
{
	struct store_append_state s;
	struct store_new_entry e[2];
	uint8_t uid[32];
	struct pg_op op = {0};

	(void)state;
	struct pg_txn *txn = lock(&s, &(struct store_append_ask){.nentries = 2});

	log_fixture_hash(uid, 'u', 5000000);
	for (int i = 0; i < 2; i++)
		e[i] = (struct store_new_entry){
			.kind = "attestation", .uid = uid, .subject = pg_text("s"), .leaf = uid, .line = pg_text("l")};
	const char *before = fixture_sql(f.conninfo, "SELECT size FROM log_head");

	assert_int_equal(WAIT(&f, &op,
			      store_append_commit(txn, &op,
						  &(struct store_append){.old_size = s.head.size,
									 .at = s.clock_ms,
									 .entries = e,
									 .nentries = 2,
									 .edge = s.head.edge,
									 .nedge = s.head.nedge})),
			 -EEXIST);
	store_append_state_clear(&s);
	assert_string_equal(fixture_sql(f.conninfo, "SELECT size FROM log_head"), before);
	assert_int_equal(log_fixture_append(&f, 1), 0);
}

static void a_wrong_old_size_writes_nothing(void **state)
{
	struct store_append_state s;
	struct store_new_entry e;
	uint8_t leaf[32];
	struct pg_op op = {0};

	(void)state;
	log_fixture_hash(leaf, 'l', 1);
	e = (struct store_new_entry){.kind = "index", .leaf = leaf, .line = pg_text("l")};
	const char *before = fixture_sql(f.conninfo, "SELECT count(*) FROM entry");
	struct pg_txn *txn = lock(&s, &(struct store_append_ask){.nentries = 1});

	assert_int_equal(WAIT(&f, &op,
			      store_append_commit(txn, &op,
						  &(struct store_append){.old_size = s.head.size + 5,
									 .at = s.clock_ms,
									 .entries = &e,
									 .nentries = 1,
									 .edge = s.head.edge,
									 .nedge = s.head.nedge})),
			 -EPROTO);
	store_append_state_clear(&s);
	assert_string_equal(fixture_sql(f.conninfo, "SELECT count(*) FROM entry"), before);
}

static void leaves_come_when_the_tile_may_be_finished(void **state)
{
	struct store_append_state s;
	struct store_head head;
	struct pg_op op = {0};
	uint8_t expected[32];
	uint8_t hashes[STORE_TILE_HASHES][32];
	uint8_t roots[1][32];

	(void)state;
	assert_int_equal(WAIT(&f, &op, store_head(f.reader, &op, &head)), 0);
	assert_true(head.size < 250);
	assert_int_equal(log_fixture_append(&f, 250 - head.size), 0);
	struct pg_txn *txn = lock(&s, &(struct store_append_ask){.nentries = 5});

	assert_null(s.leaves);
	store_append_state_clear(&s);
	pg_txn_rollback(txn);
	txn = lock(&s, &(struct store_append_ask){.nentries = 6});
	assert_int_equal(s.nleaves, 250);
	for (size_t i = 0; i < 250; i++) {
		log_fixture_hash(expected, 'l', i);
		assert_memory_equal(s.leaves[i], expected, 32);
		memcpy(hashes[i], expected, 32);
	}
	struct store_new_entry e[6];
	uint8_t leaves[6][32];
	uint8_t uids[6][32];

	for (size_t i = 0; i < 6; i++) {
		log_fixture_hash(leaves[i], 'l', 250 + i);
		log_fixture_hash(uids[i], 'u', 250 + i);
		memcpy(hashes[250 + i], leaves[i], 32);
		e[i] = (struct store_new_entry){.kind = "attestation",
						.uid = uids[i],
						.subject = pg_text("s"),
						.leaf = leaves[i],
						.line = pg_text("l")};
	}
	const struct store_new_tile tile = {.level = 0, .index = 0, .hashes = hashes[0], .root = expected};

	assert_int_equal(WAIT(&f, &op,
			      store_append_commit(txn, &op,
						  &(struct store_append){.old_size = 250,
									 .at = s.clock_ms,
									 .entries = e,
									 .nentries = 6,
									 .tiles = &tile,
									 .ntiles = 1,
									 .edge = expected,
									 .nedge = 1})),
			 0);
	store_append_state_clear(&s);
	txn = lock(&s, &(struct store_append_ask){.nentries = 1});
	assert_int_equal(WAIT(&f, &op, store_append_tile_roots(txn, &op, roots, 0, 0, 1)), 0);
	assert_memory_equal(roots[0], expected, 32);
	assert_int_equal(WAIT(&f, &op, store_append_tile_roots(txn, &op, roots, 0, 1, 1)), -ENOENT);
	store_append_state_clear(&s);
	pg_txn_rollback(txn);
}

static void quotas_are_counted_by_day(void **state)
{
	const struct pg_bytes issuers[] = {pg_text("nobody"), pg_text("a"), pg_text("b")};
	const struct store_quota_add adds[] = {{pg_text("a"), 2}, {pg_text("b"), 5}};
	const struct store_append_ask ask = {.nentries = 1, .issuers = issuers, .nissuers = 3};
	struct store_append_state s;
	struct store_new_entry e;
	struct pg_op op = {0};
	uint8_t uid[32];

	(void)state;
	for (uint64_t round = 0; round < 2; round++) {
		struct pg_txn *txn = lock(&s, &ask);

		assert_int_equal(s.quota_counts[0], 0);
		assert_int_equal(s.quota_counts[1], 2 * round);
		assert_int_equal(s.quota_counts[2], 5 * round);
		log_fixture_hash(uid, 'q', round);
		e = (struct store_new_entry){
			.kind = "attestation", .uid = uid, .subject = pg_text("s"), .leaf = uid, .line = pg_text("l")};
		assert_int_equal(WAIT(&f, &op,
				      store_append_commit(txn, &op,
							  &(struct store_append){.old_size = s.head.size,
										 .at = s.clock_ms,
										 .entries = &e,
										 .nentries = 1,
										 .edge = s.head.edge,
										 .nedge = s.head.nedge,
										 .quotas = adds,
										 .nquotas = 2})),
				 0);
		store_append_state_clear(&s);
	}
	assert_string_equal(
		fixture_sql(f.conninfo, "SELECT day = extract(epoch FROM now())::bigint / 86400 FROM quota LIMIT 1"),
		"t");
}

static void an_index_head_is_remembered(void **state)
{
	struct store_head head;
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(log_fixture_append_index(&f), 0);
	assert_int_equal(WAIT(&f, &op, store_head(f.reader, &op, &head)), 0);
	const uint64_t size = head.size;

	assert_int_equal(head.index_size, size);
	assert_int_equal(head.nindex_edge, head.nedge);
	assert_memory_equal(head.index_edge, head.edge, head.nedge * 32);
	assert_int_equal(log_fixture_append(&f, 1), 0);
	assert_int_equal(WAIT(&f, &op, store_head(f.reader, &op, &head)), 0);
	assert_int_equal(head.size, size + 1);
	assert_int_equal(head.index_size, size);
}

static void another_origin_is_refused(void **state)
{
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(WAIT(&f, &op, store_head_create(f.writer, &op, "other/log")), -EEXIST);
	assert_int_equal(WAIT(&f, &op, store_head_create(f.writer, &op, "test/log")), 0);
}

static void writers_wait_for_each_other(void **state)
{
	struct store_append_state s, s2;
	struct pg_op op = {0}, op2 = {0};
	struct pg_txn *txn2;
	struct log_fixture g;

	(void)state;
	log_fixture_connect(&g, f.conninfo);
	struct pg_txn *txn = lock(&s, &(struct store_append_ask){.nentries = 1});

	assert_int_equal(pg_txn_begin(g.writer, &txn2), 0);
	assert_int_equal(store_append_lock(txn2, &op2, &s2, &(struct store_append_ask){.nentries = 1}), 0);
	assert_int_equal(pg_run_until(g.base, &op2.done, 200), -ETIMEDOUT);
	uint8_t leaf[32];

	log_fixture_hash(leaf, 'w', 0);
	const struct store_new_entry e = {.kind = "index", .leaf = leaf, .line = pg_text("l")};

	assert_int_equal(WAIT(&f, &op,
			      store_append_commit(txn, &op,
						  &(struct store_append){.old_size = s.head.size,
									 .at = s.clock_ms,
									 .entries = &e,
									 .nentries = 1,
									 .edge = leaf,
									 .nedge = 1})),
			 0);
	assert_int_equal(pg_wait(g.base, &op2, 0), 0);
	assert_int_equal(s2.head.size, s.head.size + 1);
	assert_memory_equal(s2.head.edge[0], leaf, 32);
	pg_txn_rollback(txn2);
	store_append_state_clear(&s);
	store_append_state_clear(&s2);
	log_fixture_close(&g);
}

static void a_second_transaction_on_a_connection_is_refused(void **state)
{
	struct store_append_state s;
	struct pg_txn *second;
	struct pg_txn *txn = lock(&s, &(struct store_append_ask){.nentries = 1});

	(void)state;
	assert_int_equal(pg_txn_begin(f.writer, &second), -EAGAIN);
	store_append_state_clear(&s);
	pg_txn_rollback(txn);
	assert_int_equal(log_fixture_append(&f, 1), 0);
}

static void kill_writers(const char *extra)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
		 "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
		 " WHERE datname = current_database() AND application_name = 'test writer' %s",
		 extra);
	assert_string_equal(fixture_sql(f.conninfo, sql), "1");
}

static void a_connection_lost_before_commit_is_told_as_such(void **state)
{
	struct store_append_state s;
	struct pg_op op = {0};
	struct pg_txn *txn = lock(&s, &(struct store_append_ask){.nentries = 1});
	const struct store_new_entry e = {
		.kind = "index", .leaf = (const uint8_t *)"01234567890123456789012345678901", .line = pg_text("l")};

	(void)state;
	const struct store_append append = {
		.old_size = s.head.size, .at = s.clock_ms, .entries = &e, .nentries = 1, .edge = e.leaf, .nedge = 1};

	kill_writers("");
	/* Seen first: the transaction is known to be lost, nothing is sent. */
	while (pg_is_up(f.writer))
		event_base_loop(f.base, EVLOOP_ONCE);
	assert_int_equal(WAIT(&f, &op, store_append_commit(txn, &op, &append)), -EIO);
	assert_int_equal(pg_wait_up(f.base, f.writer, 5000), 0);
	/* Not yet seen: COMMIT is sent into the void, so the outcome is unknown; read back, nothing is there. */
	store_append_state_clear(&s);
	txn = lock(&s, &(struct store_append_ask){.nentries = 1});
	kill_writers("");
	assert_int_equal(WAIT(&f, &op, store_append_commit(txn, &op, &append)), -ECONNABORTED);
	store_append_state_clear(&s);
	assert_string_equal(
		fixture_sql(f.conninfo, "SELECT count(*) FROM entry WHERE seq = (SELECT size FROM log_head)"), "0");
	assert_int_equal(pg_wait_up(f.base, f.writer, 5000), 0);
	assert_int_equal(log_fixture_append(&f, 1), 0);
}

static void a_lost_commit_is_settled_by_reading_back(void **state)
{
	struct store_append_state s;
	struct store_head before, after;
	struct store_entry entry;
	struct pg_op op = {0};
	uint8_t uid[32];

	(void)state;
	log_fixture_hash(uid, 'z', 1);
	const struct store_new_entry e = {
		.kind = "attestation", .uid = uid, .subject = pg_text("s"), .leaf = uid, .line = pg_text("lost")};
	struct pg_txn *txn = lock(&s, &(struct store_append_ask){.nentries = 1});

	before = s.head;
	assert_int_equal(store_append_commit(txn, &op,
					     &(struct store_append){.old_size = s.head.size,
								    .at = s.clock_ms,
								    .entries = &e,
								    .nentries = 1,
								    .edge = uid,
								    .nedge = 1}),
			 0);
	/* Send without reading the answers, until another session sees the rows: committed, and we do not know it. */
	event_base_loop(f.base, EVLOOP_NONBLOCK);
	for (int i = 0; i < 500 && !op.done; i++) {
		if (!strcmp(fixture_sql(f.conninfo, "SELECT count(*) FROM entry WHERE line = 'lost'"), "1"))
			break;
	}
	assert_false(op.done);
	store_append_state_clear(&s);
	pg_close(f.writer);
	assert_true(op.done);
	assert_int_equal(op.err, -ECONNABORTED);
	assert_int_equal(WAIT(&f, &op, store_entry_by_uid(f.reader, &op, &entry, uid)), 0);
	assert_int_equal(entry.seq, before.size);
	store_entry_clear(&entry);
	assert_int_equal(WAIT(&f, &op, store_head(f.reader, &op, &after)), 0);
	assert_int_equal(after.size, before.size + 1);
	const char *conninfo = f.conninfo;

	pg_close(f.reader);
	event_base_free(f.base);
	log_fixture_connect(&f, conninfo);
}

static void a_fenced_append_of_a_past_holder_fails(void **state)
{
	struct store_append_state s;
	struct log_fixture g;
	struct pg_op op = {0};
	uint64_t epoch, next;
	uint8_t leaf[32];

	(void)state;
	log_fixture_connect(&g, f.conninfo);
	log_fixture_hash(leaf, 'f', 0);
	const struct store_new_entry e = {.kind = "index", .leaf = leaf, .line = pg_text("l")};

	assert_int_equal(WAIT(&g, &op, store_duty_take(g.reader, &op, &epoch, "publish")), 0);
	for (int stale = 0; stale < 2; stale++) {
		struct pg_txn *txn;

		if (stale) {
			/* The holder's session dies; another takes over. */
			pg_close(g.reader);
			g.reader = NULL;
			do {
				(void)!WAIT(&f, &op, store_duty_take(f.reader, &op, &next, "publish"));
			} while (op.err == -EAGAIN);
			assert_int_equal(op.err, 0);
			assert_int_equal(next, epoch + 1);
		}
		assert_int_equal(pg_txn_begin(f.writer, &txn), 0);
		assert_int_equal(store_duty_fence(txn, &(struct store_fence){"publish", epoch}), 0);
		const int locked =
			WAIT(&f, &op, store_append_lock(txn, &op, &s, &(struct store_append_ask){.nentries = 1}));

		assert_int_equal(locked, stale ? -ECANCELED : 0);
		assert_int_equal(WAIT(&f, &op,
				      store_append_commit(txn, &op,
							  &(struct store_append){.old_size = s.head.size,
										 .at = s.clock_ms,
										 .entries = &e,
										 .nentries = 1,
										 .edge = leaf,
										 .nedge = 1})),
				 stale ? -ESTALE : 0);
		store_append_state_clear(&s);
	}
	log_fixture_close(&g);
}

static void the_application_cannot_change_what_was_logged(void **state)
{
	static const char *const refused[] = {
		"UPDATE entry SET line = 'x'",
		"DELETE FROM entry",
		"UPDATE payload SET body = 'x'",
		"DELETE FROM payload",
		"UPDATE evidence SET body = 'x'",
		"DELETE FROM evidence",
		"UPDATE tile SET root = root",
		"DELETE FROM tile",
		"UPDATE checkpoint SET note = 'x'",
		"DELETE FROM checkpoint",
		"UPDATE published SET at = 0",
		"DELETE FROM published",
		"UPDATE map_node SET body = body",
		"DELETE FROM map_node",
		"UPDATE map_head SET root = root",
		"DELETE FROM map_head",
		"DELETE FROM log_head",
		"DELETE FROM subject",
		"DELETE FROM duty",
		"DELETE FROM anchor_attempt",
		"UPDATE anchor_attempt SET raw = raw",
		"TRUNCATE entry",
		"DROP TABLE entry",
		"ALTER TABLE entry DROP COLUMN line",
		"UPDATE schema_migration SET name = 'x'",
		"CREATE TABLE mine ()",
	};
	const char *app = fixture_as(f.conninfo, "kedge_app");

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		if (strcmp(fixture_sqlstate(app, refused[i]), "42501") != 0)
			fail_msg("%s: not refused", refused[i]);
	}
	assert_string_equal(fixture_sqlstate(app, "UPDATE log_head SET at = at"), "00000");
}

static void the_schema_refuses_what_cannot_be(void **state)
{
	static const char *const refused[] = {
		"INSERT INTO entry VALUES (-1, 0, 'index', NULL, NULL, NULL, sha256(''), 'l')",
		"INSERT INTO entry VALUES (900000, 0, 'index', NULL, NULL, NULL, 'short', 'l')",
		"INSERT INTO entry VALUES (900000, 0, 'index', NULL, NULL, 'subject', sha256(''), 'l')",
		"INSERT INTO entry VALUES (900000, 0, 'attestation', sha256(''), NULL, NULL, sha256(''), 'l')",
		"INSERT INTO entry VALUES (900000, 0, 'attestation', 'short', NULL, 's', sha256(''), 'l')",
		"INSERT INTO entry VALUES (900000, 0, 'index', NULL, NULL, NULL, sha256(''), '')",
		"INSERT INTO tile VALUES (0, 900000, 'short', sha256(''))",
		"INSERT INTO map_node VALUES (sha256(''), 'short')",
		"INSERT INTO published VALUES (900000, 0)",
		"INSERT INTO log_head (one, origin) VALUES (false, 'second')",
		"UPDATE log_head SET size = -1",
		"UPDATE log_head SET index_size = size + 1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		const char *sqlstate = fixture_sqlstate(f.conninfo, refused[i]);

		if (strncmp(sqlstate, "23", 2) != 0)
			fail_msg("%s: %s", refused[i], sqlstate);
	}
}

/* The trap: a plan made on an empty table scans it for ever. The writer's settings forbid it. */
static void the_dedup_lookup_goes_by_index_even_when_planned_on_an_empty_table(void **state)
{
	const char *empty = fixture_migrated();
	char sql[1024] = "";

	(void)state;
	for (size_t i = 0; store_writer_settings[i]; i++) {
		strcat(sql, store_writer_settings[i]);
		strcat(sql, ";");
	}
	strcat(sql, "PREPARE p(bytea[]) AS SELECT uid, seq FROM entry WHERE uid = ANY($1);"
		    "EXPLAIN (FORMAT JSON, COSTS off) EXECUTE p(ARRAY[sha256('')])");
	const char *plan = fixture_sql(empty, sql);

	assert_non_null(strstr(plan, "entry_uid_key"));
	assert_null(strstr(plan, "Seq Scan"));
}

static int set_up(void **state)
{
	(void)state;
	log_fixture_open(&f);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	log_fixture_close(&f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_append_moves_the_head_and_can_be_read_back),
		cmocka_unit_test(the_lock_tells_which_uids_exist),
		cmocka_unit_test(what_is_asked_under_the_lock_is_answered_alike),
		cmocka_unit_test(a_uid_twice_fails_the_append_and_changes_nothing),
		cmocka_unit_test(a_wrong_old_size_writes_nothing),
		cmocka_unit_test(leaves_come_when_the_tile_may_be_finished),
		cmocka_unit_test(quotas_are_counted_by_day),
		cmocka_unit_test(an_index_head_is_remembered),
		cmocka_unit_test(another_origin_is_refused),
		cmocka_unit_test(writers_wait_for_each_other),
		cmocka_unit_test(a_second_transaction_on_a_connection_is_refused),
		cmocka_unit_test(a_connection_lost_before_commit_is_told_as_such),
		cmocka_unit_test(a_lost_commit_is_settled_by_reading_back),
		cmocka_unit_test(a_fenced_append_of_a_past_holder_fails),
		cmocka_unit_test(the_application_cannot_change_what_was_logged),
		cmocka_unit_test(the_schema_refuses_what_cannot_be),
		cmocka_unit_test(the_dedup_lookup_goes_by_index_even_when_planned_on_an_empty_table),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
