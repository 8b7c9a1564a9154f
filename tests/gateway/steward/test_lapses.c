/* Links with agents end with their owner: at finality, once, for good, whatever happens to the duty. Agent 0 of tests/sql/index_rows.h is a's from block
 * 12 on and c's from block 33 on. */
#include "tests/gateway/steward/people.h"
#include "tests/sql/index_rows.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

static const char *const DID = "did:web:localhost%3A8004:agent:31337:0";

static void final_is(unsigned number)
{
	char query[256];

	snprintf(query, sizeof(query), "update chain_index set final_number = %u; update registry set indexed = %u where id = 1; notify kedge_index, '1'", number,
		 number);
	fixture_sql(f.conninfo, query);
}

static void open_world(void)
{
	open_house(10);
	index_rows_fill(f.conninfo);
	fixture_sql(f.conninfo, "update agent_now set owner = decode(repeat('63', 20), 'hex') where number > 33;"
				"update agent_state set owner = decode(repeat(case when number < 33 then '61' else '63' end, 20), 'hex')");
}

/* The owner `by` (a letter, who also is the participant's controller) links agent 0, having been read as its owner at block `latest`. */
static const char *link_agent(const char *handle, const char *by, unsigned latest)
{
	static char message[SIWE_MESSAGE_MAX];
	struct participant_statement said = saying(handle, PARTICIPANT_LINK);
	struct participant_signed sign = {.message = message, .signature = "0x00", .signature_len = 4};
	struct participant_change change;
	struct participant_refusal why;
	uint8_t hash[32];
	size_t len;
	char *body;

	assert_int_equal(participant_object_parse(&said.object, DID, strlen(DID), &terms), 0);
	said.account = account(*by);
	assert_int_equal(participant_statement_format(message, &sign.message_len, sizeof(message), &said, &terms), 0);
	assert_int_equal(participant_change_make(&change, &why, &sign, 1, NULL, &terms), 0);
	change.has_owner = true;
	change.owner = said.account.address;
	change.read = (struct participant_read){.safe.number = latest - 2, .latest.number = latest};
	change.consent = PARTICIPANT_CONSENT_SIGNED;
	participant_change_uid(hash, &change);
	assert_int_equal(participant_payload_write(&body, &len, &change), 0);
	put(hash, false, body, len);
	free(body);
	return answer(hash);
}

static void wait_for(const char *query, const char *wanted)
{
	const char *found = "";

	for (int i = 0; i < 400; i++) {
		found = fixture_sql(f.conninfo, query);
		if (strcmp(found, wanted) == 0)
			return;
		nanosleep(&(struct timespec){.tv_nsec = 25000000}, NULL);
	}
	fail_msg("%s is '%s' in place of '%s'", query, found, wanted);
}

/* Two rounds later nothing has come. */
static void stays(const char *size)
{
	(void)order("{\"verb\":\"nothing\"}");
	(void)order("{\"verb\":\"nothing\"}");
	is(SIZE, size);
}

static void a_link_lapses_at_finality_and_once(void **state)
{
	pid_t pid;

	(void)state;
	open_world();
	pid = start();
	assert_string_equal(claim("alice", "a"), "0");
	assert_string_equal(link_agent("alice", "a", 25), "1");
	stays("2");
	final_is(32);
	stays("2");
	is("select count(*) from participant_agent", "1");
	final_is(33);
	wait_for(SIZE, "3");
	is("select kind || ' ' || (subject = (select key from participant)) from entry where seq = 2", "link true");
	is("select concat_ws(' ', b ->> 'link', b ->> 'object', b ->> 'agent', b -> 'evidence' ->> 'owner', b -> 'evidence' -> 'final' ->> 'number', b ->> 'messages')"
	   " from (select convert_from(body, 'UTF8')::json as b from payload where seq = 2) x",
	   "1 did:web:localhost%3A8004:agent:31337:0 eip155:31337/erc721:0x8004000000000000000000000000000000000000/0 "
	   "0x6363636363636363636363636363636363636363 33");
	is("select b -> 'evidence' -> 'final' ->> 'hash' = '0x' || encode(sha256('b33'), 'hex')"
	   " from (select convert_from(body, 'UTF8')::json as b from payload where seq = 2) x", "t");
	is("select uid = sha256('kedge/lapse/v1'::bytea || '\\x00' || int8send(1)) from entry where seq = 2", "t");
	is("select count(*) from participant_agent", "0");
	is("select seq || ' ' || entries from participant", "2 3");
	final_is(36);
	stays("3");
	stop(pid);
	/* nor by the next holder */
	pid = start();
	stays("3");
	tables_are_the_logs_fold();
	stop(pid);
	log_fixture_close(&f);
}

static void coming_back_revives_nothing(void **state)
{
	pid_t pid;

	(void)state;
	open_world();
	fixture_sql(f.conninfo, "insert into agent_state select 1, decode(repeat('00', 32), 'hex'), 31337, 38, decode(repeat('61', 20), 'hex'), null, sha256('one'), 1, 2");
	pid = start();
	assert_string_equal(claim("alice", "a"), "0");
	assert_string_equal(link_agent("alice", "a", 25), "1");
	stop(pid);
	final_is(39);
	pid = start();
	wait_for(SIZE, "3");
	is("select count(*) from participant_agent", "0");
	/* a new consent is a new link */
	assert_string_equal(link_agent("alice", "a", 38), "3");
	stays("4");
	final_is(40);
	stays("4");
	tables_are_the_logs_fold();
	stop(pid);
	log_fixture_close(&f);
}

static void the_owner_before_the_consent_ends_nothing(void **state)
{
	pid_t pid;

	(void)state;
	open_world();
	pid = start();
	assert_string_equal(claim("carol", "c"), "0");
	assert_string_equal(link_agent("carol", "c", 34), "1");
	final_is(36);
	stays("2");
	stop(pid);
	pid = start();
	stays("2");
	is("select count(*) from participant_agent", "1");
	stop(pid);
	log_fixture_close(&f);
}

/* The consent was given before, and the link logged after the block became final that took the agent away. */
static void a_link_that_came_too_late_lapses(void **state)
{
	pid_t pid;

	(void)state;
	open_world();
	final_is(36);
	pid = start();
	assert_string_equal(claim("alice", "a"), "0");
	stays("1");
	assert_string_equal(link_agent("alice", "a", 25), "1");
	wait_for(SIZE, "3");
	is("select count(*) from participant_agent", "0");
	stop(pid);
	log_fixture_close(&f);
}

static void an_alarm_and_a_registry_that_was_left_say_nothing(void **state)
{
	pid_t pid;

	(void)state;
	open_world();
	pid = start();
	assert_string_equal(claim("alice", "a"), "0");
	assert_string_equal(link_agent("alice", "a", 25), "1");
	fixture_sql(f.conninfo, "update chain_index set alarm = true");
	final_is(36);
	stays("2");
	stop(pid);
	snprintf(config.registry, sizeof(config.registry), "0x1111111111111111111111111111111111111111");
	fixture_sql(f.conninfo, "update chain_index set alarm = false");
	pid = start();
	stays("2");
	stop(pid);
	snprintf(config.registry, sizeof(config.registry), "%s", PEOPLE_REGISTRY);
	fixture_sql(f.conninfo, "update chain_index set alarm = true");
	pid = start();
	stays("2");
	fixture_sql(f.conninfo, "update chain_index set alarm = false; notify kedge_index, '1'");
	wait_for(SIZE, "3");
	stop(pid);
	log_fixture_close(&f);
}

/* More links than are looked at together, of which two lapsed. */
static void many_links(void **state)
{
	pid_t pid;

	(void)state;
	open_world();
	pid = start();
	assert_string_equal(claim("alice", "a"), "0");
	assert_string_equal(link_agent("alice", "a", 25), "1");
	assert_string_equal(claim("bob", "b"), "2");
	assert_string_equal(act(linking("bob", 'a', false), "ab"), "3");
	assert_string_equal(link_agent("bob", "a", 26), "4");
	stop(pid);
	fixture_sql(f.conninfo, "insert into participant_agent select (select min(key) from participant), 31337, decode(repeat('99', 20), 'hex'),"
				" sha256(convert_to('x' || n, 'UTF8')), decode(repeat('61', 20), 'hex'), true, 1, sha256('s'), 1, sha256('l'), 900000 + n"
				" from generate_series(1, 1200) n");
	final_is(36);
	pid = start();
	wait_for(SIZE, "7");
	is("select count(*) from participant_agent where registry = decode('8004' || repeat('00', 18), 'hex')", "0");
	stop(pid);
	log_fixture_close(&f);
}

#ifdef KEDGE_FAILPOINTS
static void killed(const char *failpoint)
{
	pid_t pid = start_with(failpoint);
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void killed_while_it_lapses(void **state)
{
	pid_t pid;

	(void)state;
	open_world();
	pid = start();
	assert_string_equal(claim("alice", "a"), "0");
	assert_string_equal(link_agent("alice", "a", 25), "1");
	stop(pid);
	final_is(36);
	killed("participants.commit:kill");
	is(SIZE, "2");
	is("select count(*) from participant_agent", "1");
	killed("participants.committed:kill");
	is(SIZE, "3");
	is("select count(*) from participant_agent", "0");
	pid = start();
	stays("3");
	tables_are_the_logs_fold();
	stop(pid);
	log_fixture_close(&f);
}
#endif

static int setup(void **state)
{
	(void)state;
	return address_parse(&agents.registry, PEOPLE_REGISTRY, 42) != 0 || sodium_init() < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_lapses_at_finality_and_once),
		cmocka_unit_test(coming_back_revives_nothing),
		cmocka_unit_test(the_owner_before_the_consent_ends_nothing),
		cmocka_unit_test(a_link_that_came_too_late_lapses),
		cmocka_unit_test(an_alarm_and_a_registry_that_was_left_say_nothing),
		cmocka_unit_test(many_links),
#ifdef KEDGE_FAILPOINTS
		cmocka_unit_test(killed_while_it_lapses),
#endif
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
