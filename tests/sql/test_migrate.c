/* Migrations: applied once, forward only, a mismatch refused, a failing one rolled back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sql/migrate.h"
#include "tests/sql/fixture.h"

#define SQL(text) (const uint8_t *)(text), sizeof(text) - 1

static const struct migration list[] = {
	{1, "0001_one", "aa", SQL("CREATE TABLE one (n int); INSERT INTO one VALUES (1);")},
	{2, "0002_two", "bb", SQL("ALTER TABLE one ADD m int;")},
	{3, "0003_bad", "cc", SQL("INSERT INTO one VALUES (2); SELECT FROM nowhere;")},
};

static char why[256];

static void the_embedded_ones_apply_once(void **state)
{
	const char *db = fixture_database();
	size_t applied = 99;

	(void)state;
	assert_true(migrate_nembedded >= 1);
	assert_int_equal(migrate_check(why, sizeof(why), db), -ENOENT);
	assert_int_equal(migrate_apply(&applied, why, sizeof(why), db), 0);
	assert_int_equal(applied, migrate_nembedded);
	assert_int_equal(migrate_check(why, sizeof(why), db), 0);
	assert_int_equal(migrate_apply(&applied, why, sizeof(why), db), 0);
	assert_int_equal(applied, 0);
	assert_int_equal(migrate_check(why, sizeof(why), fixture_as(db, "kedge_app")), 0);
	assert_string_equal(fixture_sql(db, "SELECT sha256 FROM schema_migration WHERE number = 1"),
			    migrate_embedded[0].sha256);
	assert_int_equal(strlen(migrate_embedded[0].sha256), 64);
}

static void every_table_and_function_is_documented(void **state)
{
	const char *db = fixture_migrated();

	(void)state;
	assert_string_equal(fixture_sql(db, "SELECT coalesce(string_agg(relname, ','), '') FROM pg_class"
					    " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
					    " AND obj_description(oid, 'pg_class') IS NULL"),
			    "");
	assert_string_equal(fixture_sql(db, "SELECT coalesce(string_agg(proname, ','), '') FROM pg_proc"
					    " WHERE pronamespace = 'public'::regnamespace"
					    " AND obj_description(oid, 'pg_proc') IS NULL"),
			    "");
}

static void missing_ones_are_added_to_what_is_there(void **state)
{
	const char *db = fixture_database();
	size_t applied;

	(void)state;
	assert_int_equal(migrate_apply_list(&applied, why, sizeof(why), db, list, 1), 0);
	assert_int_equal(applied, 1);
	assert_int_equal(migrate_check_list(why, sizeof(why), db, list, 2), -ENOENT);
	assert_int_equal(migrate_apply_list(&applied, why, sizeof(why), db, list, 2), 0);
	assert_int_equal(applied, 1);
	assert_int_equal(migrate_check_list(why, sizeof(why), db, list, 2), 0);
	assert_string_equal(fixture_sql(db, "SELECT count(*) FROM one"), "1");
}

static void a_mismatch_is_refused_and_changes_nothing(void **state)
{
	const struct migration other_sum[] = {{1, "0001_one", "ab", SQL("SELECT")}, list[1]};
	const struct migration other_name[] = {{1, "0001_uno", "aa", SQL("SELECT")}, list[1]};
	const char *db = fixture_database();

	(void)state;
	assert_int_equal(migrate_apply_list(NULL, why, sizeof(why), db, list, 1), 0);
	assert_int_equal(migrate_check_list(why, sizeof(why), db, other_sum, 2), -ESTALE);
	assert_int_equal(migrate_apply_list(NULL, why, sizeof(why), db, other_sum, 2), -ESTALE);
	assert_int_equal(migrate_apply_list(NULL, why, sizeof(why), db, other_name, 2), -ESTALE);
	assert_non_null(strstr(why, "0001_one"));
	assert_string_equal(fixture_sql(db, "SELECT count(*) FROM schema_migration"), "1");
}

static void a_newer_database_is_refused(void **state)
{
	const char *db = fixture_database();

	(void)state;
	assert_int_equal(migrate_apply_list(NULL, why, sizeof(why), db, list, 2), 0);
	assert_int_equal(migrate_check_list(why, sizeof(why), db, list, 1), -ESTALE);
	assert_int_equal(migrate_apply_list(NULL, why, sizeof(why), db, list, 1), -ESTALE);
}

static void a_failing_one_is_rolled_back_whole(void **state)
{
	const char *db = fixture_database();
	size_t applied;

	(void)state;
	assert_int_equal(migrate_apply_list(&applied, why, sizeof(why), db, list, 3), -EPROTO);
	assert_int_equal(applied, 2);
	assert_non_null(strstr(why, "nowhere"));
	assert_string_equal(fixture_sql(db, "SELECT count(*) FROM one"), "1");
	assert_int_equal(migrate_check_list(why, sizeof(why), db, list, 2), 0);
}

static void an_unreachable_server_is_told_apart(void **state)
{
	(void)state;
	assert_int_equal(migrate_check(why, sizeof(why), "host=/nonexistent port=1"), -EIO);
	assert_non_null(strstr(why, "/nonexistent"));
	assert_int_equal(migrate_apply(NULL, NULL, 0, "host=/nonexistent port=1"), -EIO);
}

static void the_application_role_may_not_migrate(void **state)
{
	const char *db = fixture_database();

	(void)state;
	assert_int_equal(migrate_apply(NULL, why, sizeof(why), fixture_as(db, "kedge_app")), -EPROTO);
	assert_non_null(strstr(why, "permission denied"));
}

static void a_database_is_made_once(void **state)
{
	char conninfo[512];

	(void)state;
	snprintf(conninfo, sizeof(conninfo), "%s dbname='kedge \"made\" %d'", fixture_server(), (int)getpid());
	assert_int_equal(migrate_check(why, sizeof(why), conninfo), -EIO);
	assert_int_equal(migrate_create_database(why, sizeof(why), fixture_as(conninfo, "kedge_app")), -EPROTO);
	assert_non_null(strstr(why, "permission denied"));
	assert_int_equal(migrate_create_database(why, sizeof(why), conninfo), 0);
	assert_int_equal(migrate_create_database(why, sizeof(why), conninfo), 0);
	assert_int_equal(migrate_check(why, sizeof(why), conninfo), -ENOENT);
	snprintf(conninfo, sizeof(conninfo), "DROP DATABASE \"kedge \"\"made\"\" %d\"", (int)getpid());
	fixture_sql(fixture_server(), conninfo);
}

static void what_names_no_database_is_refused(void **state)
{
	static const char *const refused[] = {
		"host=/nowhere", "dbname=", "host=", "nonsense", "host=/x dbname",
		"dbname=0123456789012345678901234567890123456789012345678901234567890123",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(migrate_create_database(why, sizeof(why), refused[i]), -EINVAL);
	assert_int_equal(migrate_create_database(why, sizeof(why), "host=/nowhere dbname=x"), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_embedded_ones_apply_once),
		cmocka_unit_test(every_table_and_function_is_documented),
		cmocka_unit_test(missing_ones_are_added_to_what_is_there),
		cmocka_unit_test(a_mismatch_is_refused_and_changes_nothing),
		cmocka_unit_test(a_newer_database_is_refused),
		cmocka_unit_test(a_failing_one_is_rolled_back_whole),
		cmocka_unit_test(an_unreachable_server_is_told_apart),
		cmocka_unit_test(the_application_role_may_not_migrate),
		cmocka_unit_test(a_database_is_made_once),
		cmocka_unit_test(what_names_no_database_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
