/* The participants duty on a real PostgreSQL: every request is answered once, what was answered is in the log and in the tables, whatever
 * happens to the duty; an erasure leaves nothing; and the tables are the log's fold. */
#include "tests/gateway/steward/people.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* ---- tests ---- */

static void a_life_and_its_refusals(void **state)
{
	struct participant_statement said = linking("alice", 'b', true);
	struct asked asked;
	pid_t pid;

	(void)state;
	open_house(10);
	pid = start();
	assert_string_equal(claim("alice", "a"), "0");
	assert_string_equal(claim("alice", "b"), "handle-taken");
	assert_string_equal(claim("alice2", "a"), "one-handle");
	asked = ask_by(said, "ab");
	assert_string_equal(answer(asked.hash), "1");
	/* what was answered stays so; asked again when the answer is gone it counts no more */
	put(asked.hash, false, asked.body, asked.len);
	assert_string_equal(answer(asked.hash), "1");
	is("select count(*) from participant_request where body is not null", "0");
	fixture_sql(f.conninfo, "delete from participant_request");
	put(asked.hash, false, asked.body, asked.len);
	assert_string_equal(answer(asked.hash), "replayed");
	free(asked.body);
	assert_string_equal(act(linking("alice", 'b', false), "ab"), "already-linked");
	assert_string_equal(act(linking_foreign("alice", 1), "c"), "not-controller");
	assert_string_equal(act(linking_foreign("alice", 1), "b"), "2");
	assert_string_equal(act(linking_foreign("nobody2", 1), "b"), "no-participant");
	is(SIZE, "3");
	is("select string_agg(kind, ' ' order by seq) from entry", "alias link link");
	is("select bool_and(encode(sha256(body), 'hex') = line::json ->> 'payload') from entry join payload using (seq)", "t");
	is("select count(distinct subject) from entry", "1");
	tables_are_the_logs_fold();
	/* the end: one entry for each, in one append */
	assert_string_equal(act(saying("alice", PARTICIPANT_ERASE), "b"), "5");
	is("select string_agg(line::json ->> 'target', ' ' order by seq) from entry where kind = 'erasure'", "0 1 2");
	is("select count(*) from payload", "0");
	is("select count(*) from participant_account natural full join participant_foreign natural full join participant_message", "0");
	is("select count(*) from handle_claimed", "1");
	assert_string_equal(act(linking_foreign("alice", 2), "b"), "erased");
	assert_string_equal(claim("alice", "c"), "handle-erased");
	assert_string_equal(claim("again", "a"), "6");
	assert_string_equal(order("{\"verb\":\"rebuild\"}"), "1");
	stop(pid);
	log_fixture_close(&f);
}

/* Foreign DIDs, and accounts that signed by a contract, are claims that somebody else confirms: they come and go with what was linked. */
static void what_others_have_to_confirm_is_claimed(void **state)
{
#define CLAIMS                                                                                                                               \
	"select string_agg(concat_ws(' ', object, kind, seq, state, due - since), ', ' order by place) from link_claim"                    \
	" where subject = (select key from participant where handle = 'alice')"
#define DID_OF_A "did:pkh:eip155:31337:0x6161616161616161616161616161616161616161"
	struct participant_statement said = linking_foreign("alice", 1);
	pid_t pid;

	(void)state;
	open_house(10);
	pid = start();
	assert_string_equal(claim_by_contract("alice", "a"), "0");
	is(CLAIMS, DID_OF_A " 3 0 1 86400000");
	is("select good = since and since = (select at from entry where seq = 0) from link_claim", "t");
	assert_string_equal(act(linking("alice", 'b', true), "ab"), "1"); /* by its key: nobody has to be asked */
	assert_string_equal(act(linking_foreign("alice", 1), "b"), "2");
	assert_string_equal(act(linking_foreign("alice", 2), "b"), "3");
	is(CLAIMS, "did:web:example.com:1 1 2 0 0, did:web:example.com:2 1 3 0 0, " DID_OF_A " 3 0 1 86400000");
	tables_are_the_logs_fold();
	/* what came of asking outlives a change of something else, and a rebuild */
	fixture_sql(f.conninfo, "update link_claim set state = 1, good = 7 where object like '%:2'");
	said.verb = PARTICIPANT_UNLINK;
	assert_string_equal(act(said, "b"), "4");
	assert_string_equal(order("{\"verb\":\"rebuild\"}"), "1");
	is(CLAIMS, "did:web:example.com:2 1 3 1 0, " DID_OF_A " 3 0 1 86400000");
	fixture_sql(f.conninfo, "insert into link_claim (subject, object, kind, place, seq, since) values ('urn:kedge:p:x', 'y', 4, 0, 1, 1)");
	assert_string_equal(order("{\"verb\":\"rebuild\"}"), "1");
	is("select count(*) from link_claim where subject = 'urn:kedge:p:x'", "0");
	assert_string_equal(act(saying("alice", PARTICIPANT_ERASE), "b"), "9");
	is("select count(*) from link_claim", "0");
	stop(pid);
	log_fixture_close(&f);
}

static void of_many_who_want_a_handle_one_gets_it(void **state)
{
	struct asked asked[26];
	unsigned got = 0;
	pid_t pid;

	(void)state;
	open_house(3);
	for (size_t i = 0; i < 26; i++)
		asked[i] = ask_by(saying(i < 20 ? "prize" : "other", PARTICIPANT_CLAIM), (char[]){(char)('a' + i), '\0'});
	pid = start();
	for (size_t i = 0; i < 26; i++) {
		bool first = i == 0 || i == 20;
		const char *said = answer(asked[i].hash);

		if (strcmp(said, "handle-taken") != 0) {
			assert_true(first); /* in the order they came */
			got++;
		}
		free(asked[i].body);
	}
	assert_int_equal(got, 2);
	assert_string_equal(claim("third", "0"), "2");
	assert_string_equal(claim("fourth", "1"), "quota");
	is(SIZE, "3");
	fixture_sql(f.conninfo, "update handle_claimed set at = at - 86400000");
	assert_string_equal(claim("fourth", "1"), "3");
	stop(pid);
	log_fixture_close(&f);
}

/* What no worker would write holds up nobody. */
static void nonsense_is_answered(void **state)
{
	static const char *const bodies[] = {"x", "{}", "[]", "{\"verb\":\"claim\"}"};
	static const char *const orders[] = {"x", "{}", "{\"verb\":\"claim\"}", "{\"verb\":\"erase\"}", "{\"verb\":\"erase\",\"handle\":\"a\",\"reason\":\"law\"}",
					     "{\"verb\":\"erase\",\"handle\":\"alice\",\"reason\":\"spite\"}",
					     "{\"verb\":\"erase\",\"handle\":\"alice\",\"reason\":\"law\",\"request\":\"00\"}"};
	uint8_t hash[32];
	pid_t pid;

	(void)state;
	open_house(10);
	pid = start();
	assert_string_equal(claim("alice", "a"), "0");
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		randombytes_buf(hash, sizeof(hash));
		put(hash, false, bodies[i], strlen(bodies[i]));
		assert_string_equal(answer(hash), "internal");
	}
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		assert_string_equal(order(orders[i]), "internal");
	/* a payload that is one, from a queue that somebody else wrote: a lapse is the gateway's own word */
	fixture_sql(f.conninfo, "update participant set state = 'x'");
	assert_string_equal(act(linking_foreign("alice", 1), "a"), "internal");
	assert_string_equal(order("{\"verb\":\"rebuild\"}"), "1");
	assert_string_equal(act(linking_foreign("alice", 1), "a"), "1");
	stop(pid);
	log_fixture_close(&f);
}

static void the_operator_erases(void **state)
{
	pid_t pid;

	(void)state;
	open_house(10);
	pid = start();
	assert_string_equal(claim("alice", "a"), "0");
	assert_string_equal(order("{\"handle\":\"bob\",\"reason\":\"law\",\"verb\":\"erase\"}"), "no-participant");
	assert_string_equal(order("{\"handle\":\"Alice\",\"reason\":\"mistake\",\"request\":\"00000000000000000000000000000000000000000000000000000000000000ff\","
				  "\"verb\":\"erase\"}"),
			    "1");
	is("select concat_ws(' ', line::json ->> 'by', line::json ->> 'reason', right(line::json ->> 'request', 2)) from entry where seq = 1",
	   "operator mistake ff");
	assert_string_equal(order("{\"handle\":\"alice\",\"reason\":\"law\",\"verb\":\"erase\"}"), "erased");
	stop(pid);
	log_fixture_close(&f);
}

/* As long a life as there may be fits one erasure. */
static void a_long_life(void **state)
{
	struct participant_statement said;
	struct asked last;
	pid_t pid;

	(void)state;
	open_house(10);
	last = ask_by(saying("alice", PARTICIPANT_CLAIM), "a");
	for (unsigned i = 0; i < 899; i++) {
		said = linking_foreign("alice", 1);
		if (i % 2 == 1)
			said.verb = PARTICIPANT_UNLINK;
		free(last.body);
		last = ask_by(said, "a");
	}
	pid = start();
	assert_string_equal(answer(last.hash), "899");
	free(last.body);
	assert_string_equal(act(linking_foreign("alice", 2), "a"), "too-many-changes");
	said = linking_foreign("alice", 1);
	said.verb = PARTICIPANT_UNLINK; /* always may be */
	assert_string_equal(act(said, "a"), "900");
	tables_are_the_logs_fold();
	assert_string_equal(act(saying("alice", PARTICIPANT_ERASE), "a"), "1801");
	is("select count(*) from payload", "0");
	is("select count(distinct line::json ->> 'target') from entry where kind = 'erasure'", "901");
	stop(pid);
	log_fixture_close(&f);
}

/* Who lost the duty while it worked writes nothing more. */
static void a_holder_that_was_replaced_stops(void **state)
{
	pid_t first, second;

	(void)state;
	open_house(10);
	first = start();
	assert_string_equal(claim("alice", "a"), "0");
	second = start();
	kill(first, SIGSTOP);
	fixture_sql(f.conninfo, "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where datname = current_database() and "
				"application_name = 'kedge steward/participants'");
	assert_string_equal(act(linking_foreign("alice", 1), "a"), "1");
	kill(first, SIGCONT);
	assert_string_equal(act(linking_foreign("alice", 2), "a"), "2");
	stop(second);
	assert_string_equal(act(linking_foreign("alice", 3), "a"), "3");
	stop(first);
	is(SIZE, "4");
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

/* At each step: the next holder goes on, what was committed is answered, and nothing is logged twice. */
static void killed_anywhere(void **state)
{
	struct participant_statement said;
	struct asked asked;
	uint8_t hash[32];
	pid_t pid;

	(void)state;
	open_house(10);
	asked = ask_by(saying("alice", PARTICIPANT_CLAIM), "a");
	killed("participants.commit:kill");
	is(SIZE, "0");
	is("select count(*) from participant_request where body is not null", "1");
	killed("participants.committed:kill");
	is(SIZE, "1");
	is("select count(*) from participant_request where body is not null", "0");
	assert_string_equal(answer(asked.hash), "0");
	free(asked.body);

	asked = ask_by(saying("alice", PARTICIPANT_CLAIM), "b");
	killed("participants.refuse:kill");
	is("select count(*) from participant_request where body is not null", "1");
	pid = start();
	assert_string_equal(answer(asked.hash), "handle-taken");
	stop(pid);
	free(asked.body);

	/* several at once, killed at the third */
	asked = ask_by(linking("alice", 'b', true), "ab");
	free(asked.body);
	asked = ask_by(linking_foreign("alice", 1), "b");
	free(asked.body);
	asked = ask_by(linking_foreign("alice", 2), "b");
	killed("participants.commit:kill:3");
	is(SIZE, "3");
	pid = start();
	assert_string_equal(answer(asked.hash), "3");
	stop(pid);
	free(asked.body);

	randombytes_buf(hash, sizeof(hash));
	put(hash, true, "{\"verb\":\"rebuild\"}", 18);
	is("select count(*) from participant_foreign", "2");
	killed("participants.rebuild:kill");
	is("select count(*) from participant_foreign", "2");
	pid = start();
	assert_string_equal(answer(hash), "1");
	tables_are_the_logs_fold();
	stop(pid);

	said = saying("alice", PARTICIPANT_ERASE);
	asked = ask_by(said, "b");
	killed("participants.erase:kill");
	is(SIZE, "4");
	is("select count(*) from payload", "4");
	killed("participants.erased:kill");
	is(SIZE, "8");
	is("select count(*) from payload", "0");
	assert_string_equal(answer(asked.hash), "7");
	pid = start();
	fixture_sql(f.conninfo, "delete from participant_request");
	put(asked.hash, false, asked.body, asked.len);
	assert_string_equal(answer(asked.hash), "erased");
	is(SIZE, "8");
	stop(pid);
	free(asked.body);
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
		cmocka_unit_test(a_life_and_its_refusals),
		cmocka_unit_test(what_others_have_to_confirm_is_claimed),
		cmocka_unit_test(of_many_who_want_a_handle_one_gets_it),
		cmocka_unit_test(nonsense_is_answered),
		cmocka_unit_test(the_operator_erases),
		cmocka_unit_test(a_long_life),
		cmocka_unit_test(a_holder_that_was_replaced_stops),
#ifdef KEDGE_FAILPOINTS
		cmocka_unit_test(killed_anywhere),
#endif
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
