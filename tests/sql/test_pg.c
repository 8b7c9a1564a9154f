/* The pipelined connection: order, shared Syncs and their failures, deadlines, bounds, loss and return. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/pg.h"
#include "tests/sql/fixture.h"

static const Oid int8_type[] = {20};

enum { ECHO, INVERSE, SLEEP, PUT, PUT_DEFERRED, COUNT, PID };
static const struct pg_statement statements[] = {
	[ECHO] = {.name = "echo", .sql = "SELECT $1", .nparams = 1, .types = int8_type},
	[INVERSE] = {.name = "inverse", .sql = "SELECT 1000 / $1", .nparams = 1, .types = int8_type},
	[SLEEP] = {.name = "sleep", .sql = "SELECT pg_sleep($1 / 1000.0)::text", .nparams = 1, .types = int8_type},
	[PUT] = {.name = "put",
		 .sql = "INSERT INTO plain VALUES ($1)",
		 .nparams = 1,
		 .types = int8_type,
		 .write = true},
	[PUT_DEFERRED] = {.name = "put_deferred",
			  .sql = "INSERT INTO deferred VALUES ($1)",
			  .nparams = 1,
			  .types = int8_type,
			  .write = true},
	[COUNT] = {.name = "count", .sql = "SELECT count(*) FROM plain"},
	[PID] = {.name = "pid", .sql = "SELECT pg_backend_pid()::bigint"},
};
static const struct pg_statement_set set = {statements, sizeof(statements) / sizeof(*statements)};

static const char *database;

struct bench {
	struct event_base *base;
	struct pg_conn *conn;
	unsigned ups, downs;
};

struct answer {
	bool done;
	int err;
	int64_t value;
	unsigned turn; /* which answer this was */
	struct pg_conn *close_me;
};

static unsigned answers;

static void on_state(void *arg, bool up)
{
	struct bench *b = arg;

	b->ups += up;
	b->downs += !up;
}

static void open_with(struct bench *b, struct pg_config config)
{
	memset(b, 0, sizeof(*b));
	b->base = event_base_new();
	config.conninfo = config.conninfo ? config.conninfo : database;
	config.sets = &set;
	config.nsets = 1;
	config.on_state = on_state;
	config.arg = b;
	assert_int_equal(pg_open(&b->conn, b->base, &config), 0);
}

static void open_up(struct bench *b, struct pg_config config)
{
	open_with(b, config);
	assert_int_equal(pg_wait_up(b->base, b->conn, 5000), 0);
	answers = 0;
}

static void shut(struct bench *b)
{
	pg_close(b->conn);
	event_base_free(b->base);
}

static void on_answer(void *arg, int err, PGresult *res)
{
	struct answer *a = arg;
	int bad = 0;

	assert_false(a->done);
	a->done = true;
	a->err = err;
	a->turn = answers++;
	if (!err && res && PQnfields(res) && PQftype(res, 0) == 20)
		a->value = pg_get_i64(&bad, res, 0, 0);
	assert_int_equal(bad, 0);
	PQclear(res);
	pg_close(a->close_me);
}

static int ask(struct bench *b, struct answer *a, int which, int64_t param)
{
	struct pg_params params;

	memset(a, 0, sizeof(*a));
	pg_params_init(&params);
	if (statements[which].nparams)
		pg_param_i64(&params, param);
	const int err = pg_query(b->conn, &statements[which], &params, on_answer, a);

	pg_params_clear(&params);
	return err;
}

static void wait_for(struct bench *b, const struct answer *a)
{
	assert_int_equal(pg_run_until(b->base, &a->done, 10000), 0);
}

static void many_requests_are_answered_in_order(void **state)
{
	static struct answer a[1000];
	struct bench b;

	(void)state;
	open_up(&b, (struct pg_config){0});
	for (int i = 0; i < 1000; i++)
		assert_int_equal(ask(&b, &a[i], ECHO, i), 0);
	assert_int_equal(pg_queue_length(b.conn), 1000);
	assert_int_equal(pg_batch(b.conn), 1000);
	wait_for(&b, &a[999]);
	assert_int_equal(pg_batch(b.conn), 0);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(a[i].err, 0);
		assert_int_equal(a[i].value, i);
		assert_int_equal(a[i].turn, i);
	}
	assert_int_equal(pg_queue_length(b.conn), 0);
	shut(&b);
}

static void requests_made_while_connecting_wait_for_it(void **state)
{
	struct answer a;
	struct bench b;

	(void)state;
	open_with(&b, (struct pg_config){0});
	assert_false(pg_is_up(b.conn));
	assert_int_equal(ask(&b, &a, ECHO, 7), 0);
	wait_for(&b, &a);
	assert_int_equal(a.err, 0);
	assert_int_equal(a.value, 7);
	assert_int_equal(b.ups, 1);
	shut(&b);
}

static void one_failing_read_of_a_shared_sync_fails_alone(void **state)
{
	struct answer a[30];
	struct bench b;

	(void)state;
	open_up(&b, (struct pg_config){0});
	for (int i = 0; i < 30; i++)
		assert_int_equal(ask(&b, &a[i], INVERSE, i % 10 == 3 ? 0 : i + 1), 0);
	for (int i = 0; i < 30; i++)
		wait_for(&b, &a[i]);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(a[i].err, i % 10 == 3 ? -EPROTO : 0);
		if (i % 10 != 3)
			assert_int_equal(a[i].value, 1000 / (i + 1));
	}
	shut(&b);
}

static void a_write_survives_the_failure_of_reads_around_it(void **state)
{
	struct answer before, write, after, count;
	struct bench b;

	(void)state;
	fixture_sql(database, "TRUNCATE plain");
	open_up(&b, (struct pg_config){0});
	assert_int_equal(ask(&b, &before, INVERSE, 0), 0);
	assert_int_equal(ask(&b, &write, PUT, 1), 0);
	assert_int_equal(ask(&b, &after, INVERSE, 0), 0);
	assert_int_equal(ask(&b, &count, COUNT, 0), 0);
	wait_for(&b, &count);
	assert_int_equal(before.err, -EPROTO);
	assert_int_equal(write.err, 0);
	assert_int_equal(after.err, -EPROTO);
	assert_int_equal(count.value, 1);
	assert_string_equal(fixture_sql(database, "SELECT count(*) FROM plain"), "1");
	shut(&b);
}

static void a_write_whose_commit_fails_is_not_reported_as_done(void **state)
{
	struct answer good, bad, again, echo;
	struct bench b;

	(void)state;
	fixture_sql(database, "TRUNCATE deferred");
	open_up(&b, (struct pg_config){0});
	assert_int_equal(ask(&b, &good, PUT_DEFERRED, 1), 0);
	assert_int_equal(ask(&b, &bad, PUT_DEFERRED, 1), 0);
	assert_int_equal(ask(&b, &again, PUT_DEFERRED, 2), 0);
	assert_int_equal(ask(&b, &echo, ECHO, 5), 0);
	wait_for(&b, &echo);
	assert_int_equal(good.err, 0);
	assert_int_equal(bad.err, -EEXIST);
	assert_int_equal(again.err, 0);
	assert_int_equal(echo.value, 5);
	assert_string_equal(fixture_sql(database, "SELECT count(*) FROM deferred"), "2");
	shut(&b);
}

static void sql_errors_have_fixed_meanings(void **state)
{
	struct answer first, second;
	struct bench b;

	(void)state;
	fixture_sql(database, "TRUNCATE plain");
	open_up(&b, (struct pg_config){0});
	assert_int_equal(ask(&b, &first, PUT, 5), 0);
	assert_int_equal(ask(&b, &second, PUT, 5), 0);
	wait_for(&b, &second);
	assert_int_equal(first.err, 0);
	assert_int_equal(second.err, -EEXIST);
	shut(&b);
	open_up(&b, (struct pg_config){.conninfo = fixture_as(database, "kedge_app")});
	assert_int_equal(ask(&b, &first, PUT, 6), 0);
	wait_for(&b, &first);
	assert_int_equal(first.err, -EPERM);
	shut(&b);
}

static void misuse_is_refused_at_once(void **state)
{
	struct pg_params params;
	struct answer a = {0};
	struct bench b;

	(void)state;
	open_up(&b, (struct pg_config){0});
	pg_params_init(&params);
	assert_int_equal(pg_query(b.conn, &statements[ECHO], &params, on_answer, &a), -EINVAL);
	pg_param_u64(&params, UINT64_MAX);
	assert_int_equal(pg_query(b.conn, &statements[ECHO], &params, on_answer, &a), -EOVERFLOW);
	pg_params_clear(&params);
	assert_int_equal(pg_queue_length(b.conn), 0);
	shut(&b);
}

static void the_queue_is_bounded(void **state)
{
	struct answer a[5];
	struct bench b;

	(void)state;
	open_up(&b, (struct pg_config){.queue_max = 4});
	for (int i = 0; i < 4; i++)
		assert_int_equal(ask(&b, &a[i], ECHO, i), 0);
	assert_int_equal(ask(&b, &a[4], ECHO, 4), -EAGAIN);
	wait_for(&b, &a[3]);
	assert_int_equal(ask(&b, &a[4], ECHO, 4), 0);
	wait_for(&b, &a[4]);
	assert_int_equal(a[4].value, 4);
	shut(&b);
}

static void a_slow_statement_is_cancelled_and_the_connection_survives(void **state)
{
	struct answer slow, next;
	struct bench b;

	(void)state;
	open_up(&b, (struct pg_config){.deadline_ms = 800});
	assert_int_equal(ask(&b, &slow, SLEEP, 5000), 0);
	wait_for(&b, &slow);
	assert_int_equal(slow.err, -ETIMEDOUT);
	assert_int_equal(b.downs, 0);
	assert_int_equal(ask(&b, &next, ECHO, 9), 0);
	wait_for(&b, &next);
	assert_int_equal(next.value, 9);
	shut(&b);
}

static void a_server_that_does_not_answer_costs_the_connection(void **state)
{
	static const char *const no_limit[] = {"SET statement_timeout = 0", NULL};
	struct answer slow, behind, next;
	struct bench b;

	(void)state;
	open_up(&b, (struct pg_config){.deadline_ms = 400, .settings = no_limit});
	assert_int_equal(ask(&b, &slow, SLEEP, 5000), 0);
	assert_int_equal(ask(&b, &behind, PUT, 77), 0);
	wait_for(&b, &behind);
	assert_int_equal(slow.err, -ETIMEDOUT);
	assert_int_equal(behind.err, -ECONNABORTED);
	assert_int_equal(b.downs, 1);
	assert_int_equal(ask(&b, &next, ECHO, 1), -EAGAIN);
	assert_int_equal(pg_wait_up(b.base, b.conn, 5000), 0);
	assert_int_equal(ask(&b, &next, ECHO, 3), 0);
	wait_for(&b, &next);
	assert_int_equal(next.value, 3);
	shut(&b);
}

static void terminate(int64_t pid)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%lld, 5000)", (long long)pid);
	assert_string_equal(fixture_sql(database, sql), "t");
}

static void a_killed_connection_fails_what_is_under_way_and_returns(void **state)
{
	struct answer pid, slow, write, next;
	struct bench b;

	(void)state;
	open_up(&b, (struct pg_config){0});
	assert_int_equal(ask(&b, &pid, PID, 0), 0);
	wait_for(&b, &pid);
	assert_int_equal(ask(&b, &slow, SLEEP, 3000), 0);
	assert_int_equal(ask(&b, &write, PUT, 78), 0);
	event_base_loop(b.base, EVLOOP_NONBLOCK);
	terminate(pid.value);
	wait_for(&b, &write);
	assert_int_not_equal(slow.err, 0);
	assert_int_equal(write.err, -ECONNABORTED);
	assert_int_equal(b.downs, 1);
	assert_string_not_equal(pg_last_error(b.conn), "");
	assert_int_equal(pg_wait_up(b.base, b.conn, 5000), 0);
	assert_int_equal(b.ups, 2);
	assert_int_equal(ask(&b, &next, ECHO, 4), 0);
	wait_for(&b, &next);
	assert_int_equal(next.value, 4);
	shut(&b);
}

static void an_unreachable_server_is_reported_and_tried_again(void **state)
{
	struct answer a;
	struct bench b;

	(void)state;
	open_with(&b, (struct pg_config){.conninfo = "host=/nonexistent port=1", .backoff_max_ms = 60});
	assert_int_equal(ask(&b, &a, ECHO, 1), 0);
	wait_for(&b, &a);
	assert_int_equal(a.err, -EIO);
	assert_int_equal(pg_wait_up(b.base, b.conn, 300), -ETIMEDOUT);
	assert_true(b.downs >= 3);
	assert_non_null(strstr(pg_last_error(b.conn), "/nonexistent"));
	shut(&b);
}

static void a_statement_that_cannot_be_prepared_keeps_the_connection_down(void **state)
{
	static const struct pg_statement bad[] = {{.name = "bad", .sql = "SELECT FROM nowhere"}};
	static const struct pg_statement_set bad_set = {bad, 1};
	struct pg_conn *conn;
	struct event_base *base = event_base_new();

	(void)state;
	assert_int_equal(pg_open(&conn, base, &(struct pg_config){.conninfo = database, .sets = &bad_set, .nsets = 1}),
			 0);
	assert_int_equal(pg_wait_up(base, conn, 400), -ETIMEDOUT);
	assert_non_null(strstr(pg_last_error(conn), "nowhere"));
	pg_close(conn);
	event_base_free(base);
}

static void closing_answers_everything(void **state)
{
	struct answer a[3];
	struct bench b;

	(void)state;
	open_up(&b, (struct pg_config){0});
	assert_int_equal(ask(&b, &a[0], ECHO, 1), 0);
	assert_int_equal(ask(&b, &a[1], PUT, 99), 0);
	pg_close(b.conn);
	assert_true(a[0].done && a[1].done);
	assert_int_equal(a[0].err, -EIO);
	assert_int_equal(a[1].err, -EIO); /* it never left */
	event_base_free(b.base);
}

static void a_callback_may_close_the_connection(void **state)
{
	struct answer a[3];
	struct bench b;

	(void)state;
	open_up(&b, (struct pg_config){0});
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(&b, &a[i], ECHO, i), 0);
	a[0].close_me = b.conn;
	wait_for(&b, &a[2]);
	assert_int_equal(a[0].err, 0);
	assert_int_equal(a[1].err, -EIO);
	assert_int_equal(a[2].err, -EIO);
	event_base_free(b.base);
}

static int set_up(void **state)
{
	(void)state;
	database = fixture_database();
	fixture_sql(database, "CREATE TABLE plain (n bigint PRIMARY KEY)");
	fixture_sql(database, "CREATE TABLE deferred (n bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_requests_are_answered_in_order),
		cmocka_unit_test(requests_made_while_connecting_wait_for_it),
		cmocka_unit_test(one_failing_read_of_a_shared_sync_fails_alone),
		cmocka_unit_test(a_write_survives_the_failure_of_reads_around_it),
		cmocka_unit_test(a_write_whose_commit_fails_is_not_reported_as_done),
		cmocka_unit_test(sql_errors_have_fixed_meanings),
		cmocka_unit_test(misuse_is_refused_at_once),
		cmocka_unit_test(the_queue_is_bounded),
		cmocka_unit_test(a_slow_statement_is_cancelled_and_the_connection_survives),
		cmocka_unit_test(a_server_that_does_not_answer_costs_the_connection),
		cmocka_unit_test(a_killed_connection_fails_what_is_under_way_and_returns),
		cmocka_unit_test(an_unreachable_server_is_reported_and_tried_again),
		cmocka_unit_test(a_statement_that_cannot_be_prepared_keeps_the_connection_down),
		cmocka_unit_test(closing_answers_everything),
		cmocka_unit_test(a_callback_may_close_the_connection),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
