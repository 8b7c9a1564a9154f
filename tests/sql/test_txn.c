/* Transactions on the pipeline: failure, order among other requests, and what COMMIT says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sql/pg.h"
#include "tests/sql/fixture.h"

static const Oid int8_type[] = {20};

enum { PUT, PUT_DEFERRED, COUNT, BAD };
static const struct pg_statement statements[] = {
	[PUT] = {.name = "put",
		 .sql = "INSERT INTO plain VALUES ($1)",
		 .nparams = 1,
		 .types = int8_type,
		 .write = true},
	[PUT_DEFERRED] = {.name = "put_deferred",
			  .sql = "INSERT INTO deferred VALUES ($1)",
			  .nparams = 1,
			  .types = int8_type},
	[COUNT] = {.name = "count", .sql = "SELECT count(*) FROM plain"},
	[BAD] = {.name = "bad", .sql = "SELECT 1 / $1", .nparams = 1, .types = int8_type},
};
static const struct pg_statement_set set = {statements, sizeof(statements) / sizeof(*statements)};

static const char *database;
static struct event_base *base;
static struct pg_conn *conn;

struct answer {
	bool done;
	int err;
	int64_t value;
};

static void on_answer(void *arg, int err, PGresult *res)
{
	struct answer *a = arg;
	int bad = 0;

	a->done = true;
	a->err = err;
	if (!err && res && PQntuples(res))
		a->value = pg_get_i64(&bad, res, 0, 0);
	PQclear(res);
}

static int in_txn(struct pg_txn *txn, struct answer *a, int which, int64_t param)
{
	struct pg_params params;

	if (a)
		memset(a, 0, sizeof(*a));
	pg_params_init(&params);
	if (statements[which].nparams)
		pg_param_i64(&params, param);
	return pg_txn_query(txn, &statements[which], &params, a ? on_answer : NULL, a);
}

static int alone(struct answer *a, int which, int64_t param)
{
	struct pg_params params;

	memset(a, 0, sizeof(*a));
	pg_params_init(&params);
	if (statements[which].nparams)
		pg_param_i64(&params, param);
	return pg_query(conn, &statements[which], &params, on_answer, a);
}

static int commit(struct pg_txn *txn)
{
	struct answer a = {0};
	const int err = pg_txn_commit(txn, on_answer, &a);

	if (err)
		return err;
	assert_int_equal(pg_run_until(base, &a.done, 5000), 0);
	return a.err;
}

static void wait_for(const struct answer *a)
{
	assert_int_equal(pg_run_until(base, &a->done, 5000), 0);
}

static int64_t count(void)
{
	struct answer a;

	assert_int_equal(alone(&a, COUNT, 0), 0);
	wait_for(&a);
	assert_int_equal(a.err, 0);
	return a.value;
}

static void a_transaction_commits_all_of_it(void **state)
{
	struct pg_txn *txn;
	struct answer a;

	(void)state;
	assert_int_equal(pg_txn_begin(conn, &txn), 0);
	assert_int_equal(in_txn(txn, NULL, PUT, 1), 0);
	assert_int_equal(in_txn(txn, &a, COUNT, 0), 0);
	wait_for(&a);
	assert_int_equal(a.value, 1);
	assert_string_equal(fixture_sql(database, "SELECT count(*) FROM plain"), "0");
	assert_int_equal(in_txn(txn, NULL, PUT, 2), 0);
	assert_int_equal(commit(txn), 0);
	assert_int_equal(count(), 2);
}

static void a_rollback_undoes_all_of_it(void **state)
{
	struct pg_txn *txn;

	(void)state;
	assert_int_equal(pg_txn_begin(conn, &txn), 0);
	assert_int_equal(in_txn(txn, NULL, PUT, 1), 0);
	pg_txn_rollback(txn);
	assert_int_equal(count(), 0);
}

static void a_rollback_undoes_a_failed_one_too(void **state)
{
	struct pg_txn *txn;
	struct answer a;

	(void)state;
	assert_int_equal(pg_txn_begin(conn, &txn), 0);
	assert_int_equal(in_txn(txn, NULL, PUT, 1), 0);
	assert_int_equal(in_txn(txn, NULL, BAD, 0), 0);
	pg_txn_rollback(txn); /* in the Sync of the failing statement */
	assert_int_equal(count(), 0);
	assert_int_equal(pg_txn_begin(conn, &txn), 0);
	assert_int_equal(in_txn(txn, &a, BAD, 0), 0);
	wait_for(&a);
	assert_int_equal(a.err, -EPROTO);
	pg_txn_rollback(txn); /* after it */
	assert_int_equal(count(), 0);
}

static void a_failed_statement_fails_the_commit_of_the_same_trip(void **state)
{
	struct pg_txn *txn;
	struct answer after;

	(void)state;
	assert_int_equal(pg_txn_begin(conn, &txn), 0);
	assert_int_equal(in_txn(txn, NULL, PUT, 1), 0);
	assert_int_equal(in_txn(txn, NULL, BAD, 0), 0);
	assert_int_equal(in_txn(txn, &after, PUT, 2), 0);
	assert_int_equal(commit(txn), -EPROTO);
	assert_true(after.done);
	assert_int_equal(after.err, -ECANCELED);
	assert_int_equal(count(), 0);
	assert_int_equal(pg_txn_begin(conn, &txn), 0);
	assert_int_equal(in_txn(txn, NULL, PUT, 3), 0);
	assert_int_equal(commit(txn), 0);
	assert_int_equal(count(), 1);
}

static void a_failed_statement_of_an_earlier_trip_fails_what_follows(void **state)
{
	struct pg_txn *txn;
	struct answer a;

	(void)state;
	assert_int_equal(pg_txn_begin(conn, &txn), 0);
	assert_int_equal(in_txn(txn, &a, PUT, 1), 0);
	wait_for(&a);
	assert_int_equal(in_txn(txn, &a, PUT, 1), 0);
	wait_for(&a);
	assert_int_equal(a.err, -EEXIST);
	assert_int_equal(in_txn(txn, &a, PUT, 2), -EEXIST);
	assert_int_equal(commit(txn), -EEXIST);
	pg_txn_rollback(txn);
	assert_int_equal(count(), 0);
}

static void a_commit_that_fails_itself_is_no_success(void **state)
{
	struct pg_txn *txn;

	(void)state;
	assert_int_equal(pg_txn_begin(conn, &txn), 0);
	assert_int_equal(in_txn(txn, NULL, PUT, 1), 0);
	assert_int_equal(in_txn(txn, NULL, PUT_DEFERRED, 1), 0);
	assert_int_equal(in_txn(txn, NULL, PUT_DEFERRED, 1), 0);
	assert_int_equal(commit(txn), -EEXIST);
	assert_int_equal(count(), 0);
}

static void other_requests_wait_for_the_end_of_the_transaction(void **state)
{
	struct answer before, during, a;
	struct pg_txn *txn;

	(void)state;
	assert_int_equal(alone(&before, COUNT, 0), 0);
	assert_int_equal(pg_txn_begin(conn, &txn), 0);
	assert_int_equal(in_txn(txn, &a, PUT, 1), 0);
	assert_int_equal(alone(&during, COUNT, 0), 0);
	wait_for(&a);
	assert_true(before.done);
	assert_int_equal(before.value, 0);
	assert_int_equal(pg_run_until(base, &during.done, 100), -ETIMEDOUT);
	assert_int_equal(commit(txn), 0);
	wait_for(&during);
	assert_int_equal(during.err, 0);
	assert_int_equal(during.value, 1);
}

static void a_lost_connection_leaves_a_handle_that_only_fails(void **state)
{
	struct pg_txn *txn;
	struct answer a;

	(void)state;
	assert_int_equal(pg_txn_begin(conn, &txn), 0);
	assert_int_equal(in_txn(txn, &a, PUT, 1), 0);
	wait_for(&a);
	fixture_sql(database, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
			      " WHERE datname = current_database() AND application_name = 'kedge'");
	while (pg_is_up(conn))
		event_base_loop(base, EVLOOP_ONCE);
	assert_null(pg_txn_conn(txn));
	assert_int_equal(in_txn(txn, &a, COUNT, 0), -EIO);
	assert_int_equal(commit(txn), -EIO);
	pg_txn_rollback(txn);
	assert_int_equal(pg_txn_begin(conn, &txn), -EAGAIN);
	assert_int_equal(pg_wait_up(base, conn, 5000), 0);
	assert_int_equal(count(), 0);
}

static int set_up(void **state)
{
	(void)state;
	database = fixture_database();
	fixture_sql(database, "CREATE TABLE plain (n bigint PRIMARY KEY)");
	fixture_sql(database, "CREATE TABLE deferred (n bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)");
	base = event_base_new();
	return pg_open(&conn, base, &(struct pg_config){.conninfo = database, .sets = &set, .nsets = 1}) ||
	       pg_wait_up(base, conn, 5000);
}

static int empty_tables(void **state)
{
	(void)state;
	fixture_sql(database, "TRUNCATE plain, deferred");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pg_close(conn);
	event_base_free(base);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_transaction_commits_all_of_it, empty_tables),
		cmocka_unit_test_setup(a_rollback_undoes_all_of_it, empty_tables),
		cmocka_unit_test_setup(a_rollback_undoes_a_failed_one_too, empty_tables),
		cmocka_unit_test_setup(a_failed_statement_fails_the_commit_of_the_same_trip, empty_tables),
		cmocka_unit_test_setup(a_failed_statement_of_an_earlier_trip_fails_what_follows, empty_tables),
		cmocka_unit_test_setup(a_commit_that_fails_itself_is_no_success, empty_tables),
		cmocka_unit_test_setup(other_requests_wait_for_the_end_of_the_transaction, empty_tables),
		cmocka_unit_test_setup(a_lost_connection_leaves_a_handle_that_only_fails, empty_tables),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
