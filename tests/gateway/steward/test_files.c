/* The duty "files" as it runs, on a real PostgreSQL, against a server whose files are right, wrong, changing or gone. */
#include "gateway/steward/files.h"
#include "tests/gateway/fetch/rig.h"
#include "tests/sql/fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 15000 };

static const char *database;
static struct rig rig;

static struct config config = {.chain_id = 31337, .file_refresh_s = 1, .rpc_url = "http://127.0.0.1:1",
			       .registry = "0x8004a169fb4a3325136eb29fa0ceb6d2e539a432"};

static pid_t start_duty(void)
{
	static struct steward_context ctx;
	pid_t pid;

	(void)snprintf(config.database, sizeof(config.database), "%s", fixture_as(database, "kedge_app"));
	(void)snprintf(config.fetch_ca, sizeof(config.fetch_ca), "%s", rig.ca);
	(void)snprintf(config.fetch_allow, sizeof(config.fetch_allow),
		       "good.example:443=127.0.0.1@%u one.card.example:443=127.0.0.1@%u two.card.example:443=127.0.0.1@%u "
		       "three.card.example:443=127.0.0.1@%u",
		       rig.tls_port, rig.tls_port, rig.tls_port, rig.tls_port);
	pid = fork();
	if (pid == 0) {
		int err;

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		err = steward_open(&ctx, &config, "files", NULL);
		if (err == 0)
			err = steward_files_run(&ctx);
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

#define ID(n) "decode(lpad(to_hex(" #n "), 64, '0'), 'hex')"

/* As the index leaves an agent, or a new URI of one. */
static void set_agent(unsigned id, const char *uri)
{
	char sql[2048];

	(void)snprintf(sql, sizeof(sql),
		       "WITH u AS (INSERT INTO uri (hash, body) VALUES (sha256('%s'), '%s') ON CONFLICT DO NOTHING) "
		       "INSERT INTO agent_now (registry, agent_id, number, owner, uri) VALUES (1, decode(lpad(to_hex(%u), 64, '0'), 'hex'), "
		       "1, decode(repeat('11', 20), 'hex'), sha256('%s')) ON CONFLICT (registry, agent_id) DO UPDATE SET uri = excluded.uri, "
		       "looked = false; SELECT pg_notify('kedge_index', '1')",
		       uri, uri, id, uri);
	(void)fixture_sql(database, sql);
}

static void expect_newest(unsigned id, const char *expected)
{
	char sql[512];

	(void)snprintf(sql, sizeof(sql),
		       "SELECT status || ' ' || coalesce(name, '-') || ' ' || back || ' ' || (content IS NOT NULL) FROM file WHERE agent_id = "
		       "decode(lpad(to_hex(%u), 64, '0'), 'hex') ORDER BY at DESC LIMIT 1",
		       id);
	wait_for(sql, expected);
}

static void files_are_found_out_about(void **state)
{
	pid_t duty = start_duty();

	(void)state;
	set_agent(42, "https://good.example/card");
	set_agent(1, "data:application/json;base64,eyJuYW1lIjoibiJ9");
	set_agent(2, "");
	set_agent(3, "https://good.example/404");
	set_agent(4, "https://db.internal/card");
	set_agent(5, "https://good.example/html");
	set_agent(6, "https://good.example/endless");
	set_agent(7, "{\"error\":1}");
	set_agent(8, "ipfs://QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o");
	set_agent(9, "nothing that is known");
	/* another's file: it does not name this agent, so its domains are not this agent's by being served there */
	set_agent(10, "https://good.example/card");
	expect_newest(42, "ok Agent 42 true true");
	expect_newest(1, "ok n false true");
	expect_newest(2, "none - false false");
	expect_newest(3, "http - false false");
	expect_newest(4, "bad-host - false false");
	expect_newest(5, "not-json - false true");
	expect_newest(6, "too-large - false false");
	expect_newest(7, "not-registration - false true");
	expect_newest(8, "ipfs-off - false false");
	expect_newest(9, "bad-uri - false false");
	expect_newest(10, "ok Agent 42 false true");
	wait_for("SELECT string_agg(domain || ' ' || state, ', ' ORDER BY domain) FROM domain_proof WHERE agent_id = " ID(42),
		 "good.example served, one.card.example proved, three.card.example other, two.card.example missing");
	wait_for("SELECT string_agg(domain || ' ' || state, ', ' ORDER BY domain) FROM domain_proof WHERE agent_id = " ID(10),
		 "good.example missing, one.card.example other, three.card.example other, two.card.example missing");
	wait_for("SELECT name || ' ' || services::text FROM file_now WHERE agent_id = " ID(42), "Agent 42 {a2a}");
	/* a failing one waits a minute, a URI that says all by itself a week */
	wait_for("SELECT due - (extract(epoch FROM now()) * 1000)::bigint BETWEEN 40000 AND 70000 FROM file_now WHERE agent_id = " ID(3), "t");
	wait_for("SELECT due - (extract(epoch FROM now()) * 1000)::bigint > 500000000 FROM file_now WHERE agent_id = " ID(9), "t");
	assert_int_equal(stop_duty(duty), 0);
}

/* The gateway's own host: a file that is read from there shows nothing, only the operator's word does. */
static void the_own_host_vouches_for_named_agents_only(void **state)
{
	static const char of_42[] = "SELECT state FROM domain_proof WHERE domain = 'good.example' AND agent_id = " ID(42);
	pid_t duty;

	(void)state;
	(void)snprintf(config.host, sizeof(config.host), "good.example:8443");
	set_agent(42, "https://good.example/card");
	duty = start_duty();
	wait_for(of_42, "other");
	assert_int_equal(stop_duty(duty), 0);
	(void)snprintf(config.own_agents, sizeof(config.own_agents), "7 42");
	set_agent(42, "https://good.example/card");
	duty = start_duty();
	wait_for(of_42, "proved");
	assert_int_equal(stop_duty(duty), 0);
	config.host[0] = config.own_agents[0] = '\0';
}

static void changes_are_seen_and_sameness_is_not_stored(void **state)
{
	pid_t duty = start_duty();

	(void)state;
	set_agent(20, "https://good.example/changing");
	set_agent(21, "https://good.example/ok");
	wait_for("SELECT count(*) > 2 FROM file WHERE agent_id = " ID(20), "t");
	wait_for("SELECT count(*) || ' ' || (max(seen) > min(at) + 1000) FROM file WHERE agent_id = " ID(21), "1 true");
	wait_for("SELECT count(*) FROM file WHERE agent_id = " ID(1), "1");
	set_agent(21, "https://good.example/404");
	wait_for("SELECT string_agg(status, ' ' ORDER BY at) FROM file WHERE agent_id = " ID(21), "ok http");
	/* of another URI's file nothing is kept, of the same URI's the name is */
	wait_for("SELECT name FROM file_now WHERE agent_id = " ID(21), "");
	set_agent(21, "data:,{\"name\":\"again\"}");
	wait_for("SELECT name FROM file_now WHERE agent_id = " ID(21), "again");
	assert_int_equal(stop_duty(duty), 0);
}

/* What a file claims of others stands beside it as long as the URI and the file say so. */
static void claims_of_others_follow_the_file(void **state)
{
#define OF_40 "SELECT string_agg(kind || ' ' || object, ', ' ORDER BY place) FROM link_claim WHERE agent_id = " ID(40)
	pid_t duty;

	(void)state;
	(void)snprintf(config.host, sizeof(config.host), "good.example:8443");
	duty = start_duty();
	set_agent(40, "data:,{\"name\":\"n\",\"services\":[{\"name\":\"did\",\"endpoint\":\"did:web:Other.example%3Aann\"},"
		      "{\"name\":\"DID\",\"endpoint\":\"did:web:good.example%253A8443:agent:31337:40\"},"
		      "{\"name\":\"DID\",\"endpoint\":\"did:web:good.example%253A8443:agent:31337:41\"}]}");
	wait_for(OF_40, "1 did:web:other.example:ann, 2 eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/41");
	wait_for("SELECT DISTINCT subject FROM link_claim WHERE agent_id = " ID(40), "eip155:31337/erc721:0x8004a169fb4a3325136eb29fa0ceb6d2e539a432/40");
	(void)fixture_sql(database, "UPDATE link_claim SET state = 1, good = 7 WHERE kind = 1");
	set_agent(40, "data:,{\"name\":\"m\",\"services\":[{\"name\":\"DID\",\"endpoint\":\"did:web:other.example:ann\"}]}");
	wait_for(OF_40, "1 did:web:other.example:ann");
	assert_string_equal(fixture_sql(database, "SELECT state || ' ' || good FROM link_claim WHERE agent_id = " ID(40)), "1 7");
	/* another URI, that leads nowhere for now: nothing is claimed through it */
	set_agent(40, "https://good.example/500");
	wait_for("SELECT count(*) FROM link_claim WHERE agent_id = " ID(40), "0");
	assert_int_equal(stop_duty(duty), 0);
	config.host[0] = '\0';
}

static void a_stop_in_the_middle_leaves_nothing_half_said(void **state)
{
	pid_t duty = start_duty();

	(void)state;
	set_agent(30, "https://good.example/hang");
	(void)usleep(700000);
	assert_int_equal(stop_duty(duty), 0);
	assert_string_equal(fixture_sql(database, "SELECT count(*) FROM file WHERE agent_id = " ID(30)), "0");
	duty = start_duty();
	expect_newest(30, "timeout - false false");
	assert_int_equal(stop_duty(duty), 0);
}

static int setup(void **state)
{
	(void)state;
	database = fixture_migrated();
	(void)fixture_sql(database, "INSERT INTO registry (chain_id, address, start_block, indexed) VALUES (31337, "
				    "decode('8004a169fb4a3325136eb29fa0ceb6d2e539a432', 'hex'), 0, 0)");
	rig_start(&rig);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_found_out_about),
		cmocka_unit_test(the_own_host_vouches_for_named_agents_only),
		cmocka_unit_test(changes_are_seen_and_sameness_is_not_stored),
		cmocka_unit_test(claims_of_others_follow_the_file),
		cmocka_unit_test(a_stop_in_the_middle_leaves_nothing_half_said),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
