/* How questions about agents travel: together, in bounded statements, on the connections that stand; each is answered once. */
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
	(void)event_base_loop(rig.base, EVLOOP_NONBLOCK);
	assert_int_equal(under_way(), 1); /* all of them */
	assert_int_equal(store_resolver_length(rig.resolver), 8);
	turn_until(8);
	assert_int_equal(store_resolver_length(rig.resolver), 0);
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

static void one_of_many_rows_goes_alone(void **state)
{
	uint64_t numbers[STORE_RESOLVER_ROWS * 2];
	struct asked *at = rig.asks;

	(void)state;
	for (size_t i = 0; i < STORE_RESOLVER_ROWS * 2; i++)
		numbers[i] = 12 + i;
	ask(0, 1, agent, 12);
	assert_int_equal(store_resolve(rig.resolver, &at[1].op, &at[1].list, 1, agent, NULL, numbers, STORE_RESOLVER_ROWS * 2), 0);
	ask(2, 1, agent, 12);
	(void)event_base_loop(rig.base, EVLOOP_NONBLOCK);
	assert_int_equal(under_way(), 3);
	turn_until(3);
	assert_int_equal(at[1].list.n, STORE_RESOLVER_ROWS * 2);
	assert_int_equal(at[1].list.rows[STORE_RESOLVER_ROWS * 2 - 1].state.number, 36);
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
		cmocka_unit_test_setup_teardown(one_of_many_rows_goes_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_answered_may_ask, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_lost_connection_is_told_and_forgotten, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_connection_that_stands_is_preferred, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_any_it_says_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_is_left_without_a_word, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_line_has_an_end, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
