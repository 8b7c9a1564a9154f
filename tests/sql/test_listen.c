/* LISTEN: what arrives, what is refused, and listening again after a loss. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sql/listen.h"
#include "tests/sql/fixture.h"

struct ear {
	struct event_base *base;
	struct listen *listen;
	char heard[256];
	bool any;
	bool ready;
	bool lost;
	bool close_on_notify;
};

static const char *database;

static void on_notify(void *arg, const char *channel, const char *payload)
{
	struct ear *ear = arg;
	const size_t at = strlen(ear->heard);

	snprintf(ear->heard + at, sizeof(ear->heard) - at, "%s=%s;", channel, payload);
	ear->any = true;
	if (ear->close_on_notify)
		listen_close(ear->listen);
}

static void on_ready(void *arg)
{
	((struct ear *)arg)->ready = true;
}

static void on_lost(void *arg)
{
	((struct ear *)arg)->lost = true;
}

static void open_ear(struct ear *ear, const char *conninfo)
{
	memset(ear, 0, sizeof(*ear));
	ear->base = event_base_new();
	const struct listen_config config = {.conninfo = conninfo,
					     .channels = {"kedge_head", "kedge_chain"},
					     .on_notify = on_notify,
					     .on_ready = on_ready,
					     .on_lost = on_lost,
					     .arg = ear};

	assert_int_equal(listen_open(&ear->listen, ear->base, &config), 0);
}

static void notifications_arrive_with_channel_and_payload(void **state)
{
	struct ear ear;

	(void)state;
	open_ear(&ear, database);
	assert_int_equal(pg_run_until(ear.base, &ear.ready, 5000), 0);
	fixture_sql(database, "NOTIFY kedge_head, '17'; NOTIFY kedge_other, 'x'; NOTIFY kedge_chain, '5'");
	assert_int_equal(pg_run_until(ear.base, &ear.any, 5000), 0);
	assert_string_equal(ear.heard, "kedge_head=17;kedge_chain=5;");
	listen_close(ear.listen);
	event_base_free(ear.base);
}

static void after_a_loss_it_listens_again_and_says_so(void **state)
{
	struct ear ear;

	(void)state;
	open_ear(&ear, database);
	assert_int_equal(pg_run_until(ear.base, &ear.ready, 5000), 0);
	ear.ready = false;
	fixture_sql(database, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
			      " WHERE datname = current_database() AND application_name = 'kedge listen'");
	fixture_sql(database, "NOTIFY kedge_head, '18'"); /* nobody hears this: on_ready is the hint to select */
	assert_int_equal(pg_run_until(ear.base, &ear.lost, 5000), 0);
	assert_int_equal(pg_run_until(ear.base, &ear.ready, 5000), 0);
	assert_false(ear.any);
	fixture_sql(database, "NOTIFY kedge_head, '19'");
	assert_int_equal(pg_run_until(ear.base, &ear.any, 5000), 0);
	assert_string_equal(ear.heard, "kedge_head=19;");
	listen_close(ear.listen);
	event_base_free(ear.base);
}

static void a_callback_may_close_it(void **state)
{
	struct ear ear;

	(void)state;
	open_ear(&ear, database);
	ear.close_on_notify = true;
	assert_int_equal(pg_run_until(ear.base, &ear.ready, 5000), 0);
	fixture_sql(database, "NOTIFY kedge_head, '1'; NOTIFY kedge_head, '2'");
	assert_int_equal(pg_run_until(ear.base, &ear.any, 5000), 0);
	assert_string_equal(ear.heard, "kedge_head=1;");
	event_base_free(ear.base);
}

static void an_unreachable_server_is_tried_again(void **state)
{
	struct ear ear;

	(void)state;
	open_ear(&ear, "host=/nonexistent port=1");
	assert_int_equal(pg_run_until(ear.base, &ear.lost, 5000), 0);
	ear.lost = false;
	assert_int_equal(pg_run_until(ear.base, &ear.lost, 5000), 0);
	assert_false(ear.ready);
	listen_close(ear.listen);
	event_base_free(ear.base);
}

static void channel_names_that_are_not_plain_are_refused(void **state)
{
	static const char *const refused[] = {"",
					      "Kedge",
					      "a b",
					      "a;DROP TABLE entry",
					      "a1",
					      "\"a\"",
					      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	struct event_base *base = event_base_new();
	struct listen *listen;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		assert_int_equal(listen_open(&listen, base,
					     &(struct listen_config){.conninfo = database,
								     .channels = {refused[i]},
								     .on_notify = on_notify}),
				 -EINVAL);
	assert_int_equal(
		listen_open(&listen, base, &(struct listen_config){.conninfo = database, .on_notify = on_notify}),
		-EINVAL);
	event_base_free(base);
}

static int set_up(void **state)
{
	(void)state;
	database = fixture_database();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notifications_arrive_with_channel_and_payload),
		cmocka_unit_test(after_a_loss_it_listens_again_and_says_so),
		cmocka_unit_test(a_callback_may_close_it),
		cmocka_unit_test(an_unreachable_server_is_tried_again),
		cmocka_unit_test(channel_names_that_are_not_plain_are_refused),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
