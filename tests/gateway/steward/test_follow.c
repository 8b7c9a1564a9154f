/* The follow duty as a process, between a fake node and a real PostgreSQL. */
#include "gateway/steward/follow.h"
#include "tests/eth/fake_node.h"
#include "tests/sql/fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHAIN = 31337, WAIT_MS = 20000 };

/* mode: the latest block's number, 0 is down; safe is two behind, finalized four. text[0] is part of latest's hash. */
static json_t *block(unsigned number, unsigned fork)
{
	char hash[67], text[16];

	(void)snprintf(hash, sizeof(hash), "0x%08x%02x%054d", number, fork, 0);
	(void)snprintf(text, sizeof(text), "0x%x", number);
	return json_pack("{s:{s:s,s:s,s:s,s:s}}", "result", "number", text, "hash", hash, "parentHash", hash,
			 "timestamp", text);
}

static json_t *reply(struct fake_shared *shared, const char *method, const json_t *params)
{
	const char *tag = json_string_value(json_array_get(params, 0));
	unsigned latest = shared->mode;

	(void)method;
	if (strcmp(tag, "latest") == 0)
		return block(latest, (unsigned char)shared->text[0]);
	return strcmp(tag, "safe") == 0 ? block(latest - 2, 0) : block(latest - 4, 0);
}

static void node(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)number;
	if (shared->mode == 0)
		fake_http_text(fd, 404, "", "");
	else
		fake_answer(shared, fd, body, len, CHAIN, reply);
}

static const char *database;
static struct fake_node fake;

static pid_t start_duty(void)
{
	static struct config config = {.chain_id = CHAIN, .follow_ms = 20};
	static struct chains_chain chain = {.id = CHAIN};
	static struct steward_context ctx;
	pid_t pid;

	(void)snprintf(config.database, sizeof(config.database), "%s", fixture_as(database, "kedge_app"));
	(void)snprintf(chain.urls, sizeof(chain.urls), "%s", fake.url);
	(void)snprintf(chain.name, sizeof(chain.name), "eip155:%u", (unsigned)CHAIN);
	pid = fork();
	if (pid == 0) {
		int err;

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		err = steward_open(&ctx, &config, "follow", &chain);
		if (err == 0)
			err = steward_follow_run(&ctx);
		steward_close(&ctx);
		_exit(err == 0 ? 0 : 1);
	}
	return pid;
}

static int stop_duty(pid_t pid)
{
	int status;

	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define ROW                                                                                                            \
	"SELECT latest_number || ' ' || encode(substr(latest_hash, 5, 1), 'hex') FROM chain_head WHERE chain = "       \
	"'eip155:31337'"
#define READ_AT "SELECT read_at FROM chain_head WHERE chain = 'eip155:31337'"

static void wait_for(const char *sql, const char *expected)
{
	const char *found = "";

	for (int waited = 0; waited < WAIT_MS; waited += 20) {
		found = fixture_sql(database, sql);
		if (strcmp(found, expected) == 0)
			return;
		(void)usleep(20000);
	}
	fail_msg("%s is '%s' in place of '%s'", sql, found, expected);
}

static void wait_for_growth(const char *sql)
{
	long long began = strtoll(fixture_sql(database, sql), NULL, 10);

	for (int waited = 0; waited < WAIT_MS; waited += 20) {
		if (strtoll(fixture_sql(database, sql), NULL, 10) > began)
			return;
		(void)usleep(20000);
	}
	fail_msg("%s did not grow", sql);
}

static void heads_are_followed(void **state)
{
	pid_t duty;

	(void)state;
	fake.shared->mode = 10;
	duty = start_duty();
	wait_for(ROW, "10 00");
	fake.shared->mode = 11;
	wait_for(ROW, "11 00");
	fake.shared->text[0] = 7;
	wait_for(ROW, "11 07");
	wait_for_growth(READ_AT); /* the heartbeat, though nothing changes */
	assert_int_equal(stop_duty(duty), 0);
}

static void a_finalized_block_that_goes_back_is_not_believed_at_once(void **state)
{
	unsigned asked;
	pid_t duty;

	(void)state;
	fake.shared->text[0] = 0;
	fake.shared->mode = 30;
	duty = start_duty();
	wait_for(ROW, "30 00");
	fake.shared->mode = 20;
	asked = fake.shared->requests;
	while (fake.shared->requests < asked + FOLLOW_ALARM_ROUNDS / 2)
		(void)usleep(1000);
	assert_string_equal(fixture_sql(database, ROW), "30 00");
	wait_for(ROW, "20 00");
	assert_int_equal(stop_duty(duty), 0);
}

static void what_happened_while_it_was_away_is_noticed(void **state)
{
	unsigned asked;
	pid_t duty;

	(void)state;
	fake.shared->mode = 12; /* finalized before what the last test left in chain_head */
	asked = fake.shared->requests;
	duty = start_duty();
	while (fake.shared->requests < asked + FOLLOW_ALARM_ROUNDS / 2)
		(void)usleep(1000);
	assert_string_equal(fixture_sql(database, ROW), "20 00");
	wait_for(ROW, "12 00");
	assert_int_equal(stop_duty(duty), 0);
}

static void it_goes_on_after_the_node_and_after_the_database_were_gone(void **state)
{
	char before[64], epoch[64];
	pid_t duty;

	(void)state;
	fake.shared->mode = 40;
	duty = start_duty();
	wait_for(ROW, "40 00");
	fake.shared->mode = 0;
	(void)usleep(200000);
	(void)snprintf(before, sizeof(before), "%s", fixture_sql(database, READ_AT));
	(void)usleep(1200000);
	assert_string_equal(fixture_sql(database, READ_AT), before); /* no heartbeat without a node */
	fake.shared->mode = 41;
	wait_for(ROW, "41 00");
	(void)snprintf(epoch, sizeof(epoch), "%s",
		       fixture_sql(database, "SELECT epoch FROM duty WHERE name = 'follow'"));
	(void)fixture_sql(database,
			  "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'kedge_app' "
			  "AND datname = current_database()");
	fake.shared->mode = 42;
	wait_for(ROW, "42 00");
	assert_true(strtoll(fixture_sql(database, "SELECT epoch FROM duty WHERE name = 'follow'"), NULL, 10) >
		    strtoll(epoch, NULL, 10));
	assert_int_equal(stop_duty(duty), 0);
}

static void one_holder_at_a_time(void **state)
{
	pid_t first, second;
	char epoch[64];

	(void)state;
	fake.shared->mode = 50;
	first = start_duty();
	wait_for(ROW, "50 00");
	(void)snprintf(epoch, sizeof(epoch), "%s",
		       fixture_sql(database, "SELECT epoch FROM duty WHERE name = 'follow'"));
	second = start_duty();
	(void)usleep(500000);
	assert_string_equal(fixture_sql(database, "SELECT epoch FROM duty WHERE name = 'follow'"), epoch);
	(void)kill(first, SIGKILL);
	(void)waitpid(first, NULL, 0);
	fake.shared->mode = 51;
	wait_for(ROW, "51 00");
	assert_int_equal(stop_duty(second), 0);
}

static void a_stop_ends_the_wait_for_a_lock_and_for_a_database(void **state)
{
	const char *real = database;
	pid_t first, waiting, homeless;

	(void)state;
	first = start_duty();
	wait_for_growth(READ_AT);
	waiting = start_duty();
	database = "host=/nonexistent dbname=none";
	homeless = start_duty();
	database = real;
	(void)usleep(300000);
	assert_int_equal(stop_duty(waiting), 0);
	assert_int_equal(stop_duty(homeless), 0);
	assert_int_equal(stop_duty(first), 0);
}

static int setup(void **state)
{
	(void)state;
	database = fixture_migrated();
	fake_node_start(&fake, node);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_node_stop(&fake);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_followed),
		cmocka_unit_test(a_finalized_block_that_goes_back_is_not_believed_at_once),
		cmocka_unit_test(what_happened_while_it_was_away_is_noticed),
		cmocka_unit_test(it_goes_on_after_the_node_and_after_the_database_were_gone),
		cmocka_unit_test(one_holder_at_a_time),
		cmocka_unit_test(a_stop_ends_the_wait_for_a_lock_and_for_a_database),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
