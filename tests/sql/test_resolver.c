/* How questions about agents travel: together, in bounded statements, on the connections that stand; each is answered once. */
#include "sql/store_link_read.h"
#include "sql/store_resolve.h"
#include "tests/sql/fixture.h"
#include "tests/sql/index_rows.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ASKS = 300 };

struct asked {
	struct pg_op op;
	struct store_resolve_list list;
	unsigned done;
};

struct rig {
	const char *conninfo;
	struct event_base *base;
	struct pg_conn *conns[2];
	struct store_resolver *resolver;
	struct asked asks[ASKS];
	unsigned done;
};

static const uint8_t agent[32];
static const uint8_t last[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static struct rig rig;

static void on_done(struct pg_op *op)
{
	struct asked *asked = (struct asked *)op;

	asked->done++;
	rig.done++;
}

static int open_one(struct pg_conn **conn)
{
	return store_open(conn, rig.base, rig.conninfo, "test", STORE_READER, NULL, NULL) || pg_wait_up(rig.base, *conn, 10000);
}

static int set_up(void **state)
{
	(void)state;
	if (!rig.conninfo) {
		rig.conninfo = fixture_migrated();
		index_rows_fill(rig.conninfo);
		(void)fixture_sql(rig.conninfo, "INSERT INTO file (registry, agent_id, uri, at, seen, status, content, body) SELECT 1, s.agent_id, s.uri, 5, 6,"
						" 'ok', sha256(b), b FROM agent_state s, convert_to('{\"name\":\"one\"}', 'UTF8') b WHERE s.number = 36");
	}
	memset(rig.asks, 0, sizeof(rig.asks));
	rig.done = 0;
	for (size_t i = 0; i < ASKS; i++)
		rig.asks[i].op.on_done = on_done;
	rig.base = event_base_new();
	return open_one(&rig.conns[0]) || open_one(&rig.conns[1]) || store_resolver_new(&rig.resolver, rig.base, rig.conns, 2);
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < ASKS; i++)
		store_resolve_clear(&rig.asks[i].list);
	for (size_t i = 0; i < 2; i++)
		pg_close(rig.conns[i]);
	store_resolver_free(rig.resolver);
	event_base_free(rig.base);
	return 0;
}

static void ask(size_t i, uint32_t registry, const uint8_t id[static 32], uint64_t number)
{
	struct asked *asked = &rig.asks[i];

	assert_int_equal(store_resolve(rig.resolver, &asked->op, &asked->list, registry, id, NULL, &number, 1), 0);
	assert_false(asked->done);
}

static void turn_until(unsigned done)
{
	for (unsigned i = 0; rig.done < done && i < 100000; i++)
		(void)event_base_loop(rig.base, EVLOOP_ONCE);
	assert_int_equal(rig.done, done);
}

static size_t under_way(void)
{
	return pg_queue_length(rig.conns[0]) + pg_queue_length(rig.conns[1]);
}

static void each_gets_its_own(void **state)
{
	static const uint64_t two[] = {12, 36};
	struct asked *at = rig.asks;

	(void)state;
	ask(0, 1, agent, 20);
	ask(1, 7, agent, 20); /* no such registry */
	assert_int_equal(store_resolve(rig.resolver, &at[2].op, &at[2].list, 1, agent, NULL, two, 2), 0);
	assert_int_equal(store_resolve_time(rig.resolver, &at[3].op, &at[3].list, 1, agent, NULL, 1066), 0);
	ask(4, 1, last, 40);
	ask(5, 1, agent, 11);
	ask(6, 1, agent, UINT64_MAX);
	assert_int_equal(store_resolve_time(rig.resolver, &at[7].op, &at[7].list, 7, agent, NULL, UINT64_MAX), 0);
	assert_int_equal(store_resolver_length(rig.resolver), 8);
	(void)event_base_loop(rig.base, EVLOOP_NONBLOCK);
	assert_int_equal(under_way(), 1); /* all of them */
	assert_int_equal(store_resolver_length(rig.resolver), 0);
	turn_until(8);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(at[i].done, 1);
		assert_int_equal(at[i].op.err, i == 1 || i == 7 ? -ENOENT : 0);
		assert_int_equal(at[i].list.n, i == 1 || i == 7 ? 0 : i == 2 ? 2 : 1);
	}
	assert_int_equal(at[0].list.rows[0].state.number, 20);
	assert_int_equal(at[2].list.rows[0].state.number, 12);
	assert_memory_equal(at[2].list.rows[0].state.uri.data, "one", 3);
	assert_int_equal(at[2].list.rows[1].state.number, 36);
	assert_int_equal(at[2].list.rows[1].state.uri.len, 2);
	assert_memory_equal(at[2].list.rows[1].state.uri.data, "\xff", 2);
	assert_int_equal(at[3].list.rows[0].at.number, 33);
	assert_int_equal(at[4].list.rows[0].state.number, 35);
	assert_int_equal(at[4].list.rows[0].state.uri.len, 0);
	assert_false(at[5].list.rows[0].exists);
	assert_int_equal(at[6].list.rows[0].state.number, 36);
}

static void statements_are_bounded_and_both_connections_work(void **state)
{
	(void)state;
	for (size_t i = 0; i < ASKS; i++)
		ask(i, 1, i % 2 ? agent : last, 12 + i % 29);
	(void)event_base_loop(rig.base, EVLOOP_NONBLOCK);
	assert_int_equal(pg_queue_length(rig.conns[0]), STORE_RESOLVER_UNDER_WAY);
	assert_int_equal(pg_queue_length(rig.conns[1]), STORE_RESOLVER_UNDER_WAY);
	turn_until(ASKS);
	for (size_t i = 0; i < ASKS; i++) {
		const struct store_resolved *row = rig.asks[i].list.rows;
		uint64_t number = 12 + i % 29;

		assert_int_equal(rig.asks[i].done, 1);
		assert_int_equal(rig.asks[i].op.err, 0);
		assert_int_equal(row->exists, i % 2 || number >= 35);
		if (row->exists)
			assert_int_equal(row->state.number, !(i % 2) ? 35 : number < 20 ? 12 : number < 33 ? 20 : number < 36 ? 33 : 36);
	}
}

/* Of the safe head the state alone; of the latest all. */
static void a_pair_says_all_of_its_second(void **state)
{
	struct store_mark safe = {.known = true, .number = INDEX_ROWS_SAFE};
	struct asked *at = rig.asks;
	const struct store_resolved *rows;

	(void)state;
	index_rows_hash(safe.hash, INDEX_ROWS_SAFE);
	assert_int_equal(store_resolve_pair(rig.resolver, &at[0].op, &at[0].list, 1, agent, &safe, 40), 0);
	turn_until(1);
	rows = at[0].list.rows;
	assert_int_equal(at[0].list.n, 2);
	assert_true(rows[0].exists && rows[0].reach.safe_holds);
	assert_int_equal(rows[0].at.number, INDEX_ROWS_SAFE);
	assert_int_equal(rows[0].state.number, 33);
	assert_false(rows[0].state.has_wallet);
	assert_memory_equal(rows[0].state.uri.data, "one", 3);
	assert_int_equal(rows[0].held.from.number, 33);
	assert_false(rows[0].held.until.known || rows[0].owner.from.known || rows[0].wallet.from.known || rows[0].created.known);
	assert_int_equal(rows[1].state.number, 36);
	assert_true(rows[1].created.known);
	assert_int_equal(rows[1].created.number, 12);
	assert_int_equal(rows[1].owner.from.number, 33);
	assert_int_equal(rows[1].wallet.from.number, 36);
	assert_int_equal(rows[1].held.from.number, 36);
}

/* Files travel beside states, and each kind is answered whatever there is of the other. */
static void both_kinds_travel(void **state)
{
	static struct {
		struct asked base;
		struct store_agent_file file;
	} files[100];

	(void)state;
	memset(files, 0, sizeof(files));
	for (size_t i = 0; i < 100; i++) {
		files[i].base.op.on_done = on_done;
		ask(i, 1, agent, 36);
		assert_int_equal(store_agent_file(rig.resolver, &files[i].base.op, &files[i].file, i == 5 ? 7 : 1, i % 2 ? agent : last), 0);
	}
	turn_until(200);
	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(files[i].base.op.err, 0);
		assert_int_equal(files[i].file.has_file, i % 2 && i != 5);
		if (files[i].file.has_file)
			assert_memory_equal(files[i].file.file.body.data, "{\"name\":\"one\"}", files[i].file.file.body.len);
		assert_int_equal(rig.asks[i].list.rows[0].state.number, 36);
		store_agent_file_clear(&files[i].file);
	}
}

static void ask_again(struct pg_op *op)
{
	struct asked *asked = (struct asked *)op;
	size_t next = (size_t)(asked - rig.asks) + 1;

	on_done(op);
	if (next == 50)
		return;
	rig.asks[next].op.on_done = ask_again;
	ask(next, 1, agent, 20);
}

static void who_is_answered_may_ask(void **state)
{
	(void)state;
	rig.asks[0].op.on_done = ask_again;
	ask(0, 1, agent, 20);
	turn_until(50);
}

static void a_lost_connection_is_told_and_forgotten(void **state)
{
	static const bool never;

	(void)state;
	for (size_t i = 0; i < 200; i++)
		ask(i, 1, agent, 20);
	(void)event_base_loop(rig.base, EVLOOP_NONBLOCK);
	(void)fixture_sql(rig.conninfo, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'test' AND datname = current_database()");
	turn_until(200);
	for (size_t i = 0; i < 200; i++) {
		int err = rig.asks[i].op.err;

		assert_true(err == 0 || err == -EIO || err == -EAGAIN);
		assert_int_equal(rig.asks[i].list.n, err == 0);
	}
	/* each has noticed */
	assert_int_equal(pg_run_until(rig.base, &never, 300), -ETIMEDOUT);
	assert_int_equal(pg_wait_up(rig.base, rig.conns[0], 10000), 0);
	assert_int_equal(pg_wait_up(rig.base, rig.conns[1], 10000), 0);
	for (size_t i = 200; i < ASKS; i++)
		ask(i, 1, agent, 20);
	turn_until(ASKS);
	for (size_t i = 200; i < ASKS; i++)
		assert_int_equal(rig.asks[i].op.err, 0);
}

/* One that is being made takes what nobody else would; one that stands is never left for it. */
static void a_connection_that_stands_is_preferred(void **state)
{
	struct pg_conn *both[2] = {NULL, rig.conns[0]};
	struct store_resolver *resolver;

	(void)state;
	assert_int_equal(store_open(&both[0], rig.base, "host=/nonexistent", "test", STORE_READER, NULL, NULL), 0);
	assert_int_equal(store_resolver_new(&resolver, rig.base, both, 2), 0);
	for (size_t i = 0; i < ASKS; i++) {
		const uint64_t number = 20;

		assert_int_equal(store_resolve(resolver, &rig.asks[i].op, &rig.asks[i].list, 1, agent, NULL, &number, 1), 0);
	}
	turn_until(ASKS);
	for (size_t i = 0; i < ASKS; i++)
		assert_int_equal(rig.asks[i].op.err, 0);
	pg_close(both[0]);
	store_resolver_free(resolver);
}

static void without_any_it_says_so(void **state)
{
	struct store_resolver *resolver;
	const uint64_t number = 20;
	struct pg_conn *none;

	(void)state;
	assert_int_equal(store_open(&none, rig.base, "host=/nonexistent", "test", STORE_READER, NULL, NULL), 0);
	assert_int_equal(store_resolver_new(&resolver, rig.base, &none, 1), 0);
	assert_int_equal(store_resolve(resolver, &rig.asks[0].op, &rig.asks[0].list, 1, agent, NULL, &number, 1), 0);
	turn_until(1);
	assert_true(rig.asks[0].op.err == -EAGAIN || rig.asks[0].op.err == -EIO);
	pg_close(none);
	store_resolver_free(resolver);
}

/* As a program ends: some are on their way, some wait. */
static void nobody_is_left_without_a_word(void **state)
{
	(void)state;
	for (size_t i = 0; i < ASKS; i++)
		ask(i, 1, agent, 20);
	(void)event_base_loop(rig.base, EVLOOP_NONBLOCK);
	for (size_t i = 0; i < 2; i++) {
		pg_close(rig.conns[i]);
		rig.conns[i] = NULL;
	}
	store_resolver_free(rig.resolver);
	rig.resolver = NULL;
	assert_int_equal(rig.done, ASKS);
	for (size_t i = 0; i < ASKS; i++) {
		assert_int_equal(rig.asks[i].done, 1);
		assert_int_equal(rig.asks[i].op.err, -EIO);
	}
}

/* While the database hangs those who were not sent yet are told in time to ask elsewhere. */
static void nobody_waits_for_ever(void **state)
{
	PGconn *other = PQconnectdb(rig.conninfo);

	(void)state;
	PQclear(PQexec(other, "BEGIN"));
	PQclear(PQexec(other, "LOCK TABLE agent_state IN ACCESS EXCLUSIVE MODE"));
	for (size_t i = 0; i < ASKS; i++)
		ask(i, 1, agent, 20);
	turn_until(ASKS - 128); /* two statements of 64 are on their way */
	PQfinish(other);
	for (size_t i = 0; i < ASKS; i++)
		assert_int_equal(rig.asks[i].done ? rig.asks[i].op.err : -ETIMEDOUT, -ETIMEDOUT);
	turn_until(ASKS);
	for (size_t i = 0; i < 128; i++)
		assert_int_equal(rig.asks[i].op.err, 0);
	store_resolve_clear(&rig.asks[0].list);
	rig.asks[0].done = 0;
	ask(0, 1, agent, 20);
	turn_until(ASKS + 1);
	assert_int_equal(rig.asks[0].op.err, 0);
}

static void the_line_has_an_end(void **state)
{
	static struct asked many[STORE_RESOLVER_WAITING + 1];
	const uint64_t number = 20;
	size_t i;

	(void)state;
	for (i = 0; i < STORE_RESOLVER_WAITING; i++) {
		many[i].op.on_done = on_done;
		assert_int_equal(store_resolve(rig.resolver, &many[i].op, &many[i].list, 1, agent, NULL, &number, 1), 0);
	}
	assert_int_equal(store_resolve(rig.resolver, &many[i].op, &many[i].list, 1, agent, NULL, &number, 1), -EAGAIN);
	assert_int_equal(store_resolve_time(rig.resolver, &many[i].op, &many[i].list, 1, agent, NULL, number), -EAGAIN);
	turn_until(STORE_RESOLVER_WAITING);
	for (i = 0; i < STORE_RESOLVER_WAITING; i++)
		store_resolve_clear(&many[i].list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_gets_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(statements_are_bounded_and_both_connections_work, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pair_says_all_of_its_second, set_up, tear_down),
		cmocka_unit_test_setup_teardown(both_kinds_travel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_answered_may_ask, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_lost_connection_is_told_and_forgotten, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_connection_that_stands_is_preferred, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_any_it_says_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_is_left_without_a_word, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_waits_for_ever, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_line_has_an_end, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
