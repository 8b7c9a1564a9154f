/* The duty "links" as it runs, on a real PostgreSQL, against a host whose documents change and a chain whose contracts do. */
#include "gateway/steward/links.h"

#include "did/did_pkh.h"
#include "gateway/links/link.h"
#include "gateway/participant/change.h"
#include "tests/eth/fake_node.h"
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
#include <sodium.h>

enum { WAIT_MS = 15000, CHAIN = 31337 };

#define REGISTRY "0x8004a169fb4a3325136eb29fa0ceb6d2e539a432"
#define AGENT "eip155:31337/erc721:" REGISTRY "/42"
#define AGENT_DID "did:web:gate.example%3A8443:agent:31337:42"
#define ANN "urn:kedge:p:00000000000000000000000000000001"
#define MAGIC "0x1626ba7e00000000000000000000000000000000000000000000000000000000"
#define NO "0x0000000000000000000000000000000000000000000000000000000000000000"

static const char *database;
static struct rig rig;
static struct fake_node node;

static struct config config = {.chain_id = CHAIN, .registry = REGISTRY, .host = "gate.example:8443"};

/* ---- the chain: shared->text is what the contract says, "SAFE LATEST" ---- */

static json_t *reply(struct fake_shared *shared, const char *method, const json_t *params)
{
	const char *tag = json_string_value(json_array_get(params, 0));
	const char *hash = json_string_value(json_object_get(json_array_get(params, 1), "blockHash"));
	char says[2][128], name[67];

	if (strcmp(method, "eth_getBlockByNumber") == 0) {
		unsigned number = strcmp(tag, "latest") == 0 ? 30 : strcmp(tag, "safe") == 0 ? 20 : 10;

		snprintf(name, sizeof(name), "0x%02x%062d", number, 0);
		return json_pack("{s:{s:s, s:s, s:s, s:s}}", "result", "number", number == 30 ? "0x1e" : number == 20 ? "0x14" : "0xa", "hash", name,
				 "parentHash", name, "timestamp", number == 30 ? "0x1e" : number == 20 ? "0x14" : "0xa");
	}
	if (strcmp(method, "eth_call") != 0 || !hash || sscanf(shared->text, "%127s %127s", says[0], says[1]) != 2)
		return json_pack("{s:{s:i, s:s}}", "error", "code", -32602, "message", "invalid params");
	for (int i = 0; i < 2; i++)
		if (strncmp(hash, i == 0 ? "0x14" : "0x1e", 4) == 0) {
			if (strcmp(says[i], "error") == 0)
				return json_pack("{s:{s:i, s:s}}", "error", "code", -32000, "message", "header not found");
			return json_pack("{s:s}", "result", says[i]);
		}
	abort();
}

static void serve(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)number;
	fake_answer(shared, fd, body, len, CHAIN, reply);
}

/* ---- the duty ---- */

static pid_t start_duty(void)
{
	static struct steward_context ctx;
	pid_t pid;

	(void)snprintf(config.database, sizeof(config.database), "%s", fixture_as(database, "kedge_app"));
	(void)snprintf(config.fetch_ca, sizeof(config.fetch_ca), "%s", rig.ca);
	(void)snprintf(config.fetch_allow, sizeof(config.fetch_allow), "good.example:%u=127.0.0.1", rig.tls_port);
	pid = fork();
	if (pid == 0) {
		int err;

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		err = steward_open(&ctx, &config, "links", NULL);
		if (err == 0)
			err = steward_links_run(&ctx);
		steward_close(&ctx);
		_exit(err == 0 ? 0 : 1);
	}
	return pid;
}

static void stop_duty(pid_t pid)
{
	int status;

	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static const char *sql(const char *query)
{
	return fixture_sql(database, query);
}

static void wait_for(const char *query, const char *expected)
{
	const char *found = "";

	for (int waited = 0; waited < WAIT_MS; waited += 20) {
		found = sql(query);
		if (strcmp(found, expected) == 0)
			return;
		(void)usleep(20000);
	}
	fail_msg("%s is '%s' in place of '%s'", query, found, expected);
}

/* ---- claims and documents ---- */

static void serve_document(const char *name, const char *text)
{
	char path[128], temporary[140];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.json", rig.folder, name);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	file = fopen(temporary, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(temporary, path), 0);
}

static void serve_also(const char *name, const char *also)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"id\":\"did:web:good.example%%3A%u:kept:%s\",\"alsoKnownAs\":[\"%s\"]}", rig.tls_port, name, also);
	serve_document(name, text);
}

/* Of agent 42 (seq < 0), or of Ann by entry seq. */
static void claim(const char *name, int seq)
{
	char query[1024];

	snprintf(query, sizeof(query), "INSERT INTO link_claim (subject, object, kind, registry, agent_id, uri, place, seq, since, due) SELECT '%s', "
		 "'did:web:good.example%%3A%u:kept:%s', 1, %s, 0, %s, 1, 1; NOTIFY kedge_links, 'x'", seq < 0 ? AGENT : ANN, rig.tls_port, name,
		 seq < 0 ? "1, decode(lpad('2a', 64, '0'), 'hex'), sha256('u')" : "NULL, NULL, NULL", seq < 0 ? "NULL" : "1");
	(void)sql(query);
}

static const char *of(const char *name, const char *what)
{
	static char query[512];

	snprintf(query, sizeof(query), "SELECT %s FROM link_claim WHERE object LIKE '%%:kept:%s'", what, name);
	return query;
}

/* It is due: as after its wait, or by somebody's wish. */
static void ask_again(const char *name)
{
	char query[256];

	snprintf(query, sizeof(query), "UPDATE link_claim SET due = 0, checked = NULL WHERE object LIKE '%%:kept:%s'; NOTIFY kedge_links_check, 'x'", name);
	(void)sql(query);
	wait_for(of(name, "checked IS NOT NULL"), "t");
}

#define WAITS "round((due - checked) / 1000.0)"

static void what_is_confirmed_is_proven_and_asked_again_in_time(void **state)
{
	char expected[256];
	pid_t duty;

	(void)state;
	serve_also("did", AGENT_DID);
	serve_also("caip", "eip155:31337/erc721:0x8004A169FB4a3325136EB29fA0ceB6D2e539a432/42");
	serve_also("ann", "did:web:gate.example%3A8443:character:ann");
	claim("did", -1);
	claim("caip", -1);
	claim("ann", 1);
	duty = start_duty();
	wait_for(of("did", "state || ' ' || tries || ' ' || (good = checked) || ' ' || (since = checked) || ' ' || " WAITS), "1 0 true true 150");
	wait_for(of("caip", "state"), "1");
	wait_for(of("ann", "state"), "1");
	snprintf(expected, sizeof(expected), "https://good.example:%u/kept/did/did.json", rig.tls_port);
	wait_for(of("did", "evidence::json ->> 'url'"), expected);
	wait_for(of("did", "evidence::json ->> 'sha256' ~ '^0x[0-9a-f]{64}$'"), "t");
	/* it stays proven since then */
	ask_again("did");
	wait_for(of("did", "state || ' ' || (since < checked) || ' ' || (good = checked)"), "1 true true");
	stop_duty(duty);
}

static void who_is_not_listed_is_one_way_and_asked_less_and_less(void **state)
{
	pid_t duty = start_duty();

	(void)state;
	serve_also("else", "did:web:gate.example%3A8443:agent:31337:43");
	claim("else", -1);
	claim("absent", -1);
	wait_for(of("else", "state || ' ' || tries || ' ' || (good IS NULL) || ' ' || " WAITS), "0 1 true 60");
	wait_for(of("else", "evidence::json ->> 'why'"), "The document does not list the subject in alsoKnownAs.");
	wait_for(of("absent", "state"), "0");
	wait_for(of("absent", "(evidence::json ->> 'why') IS NOT NULL AND (evidence::json -> 'sha256') IS NULL"), "t");
	ask_again("else");
	wait_for(of("else", "tries || ' ' || " WAITS), "2 120");
	(void)sql("UPDATE link_claim SET tries = 40 WHERE object LIKE '%:kept:else'");
	ask_again("else");
	wait_for(of("else", "tries || ' ' || " WAITS), "41 86400");
	/* once it says so it counts at once */
	serve_also("else", AGENT_DID);
	ask_again("else");
	wait_for(of("else", "state || ' ' || tries"), "1 0");
	stop_duty(duty);
}

static void a_word_taken_back_revokes(void **state)
{
	pid_t duty = start_duty();

	(void)state;
	serve_also("did", "did:web:somebody.example");
	ask_again("did");
	wait_for(of("did", "state || ' ' || tries || ' ' || " WAITS), "3 1 60");
	/* silence after that does not bring it back, however lately it was proven */
	serve_document("did", "500");
	ask_again("did");
	wait_for(of("did", "state"), "2");
	serve_also("did", AGENT_DID);
	ask_again("did");
	wait_for(of("did", "state"), "1");
	/* a document that is gone is a no, too */
	serve_document("caip", "x");
	{
		char path[128];

		snprintf(path, sizeof(path), "%s/caip.json", rig.folder);
		assert_int_equal(unlink(path), 0);
	}
	ask_again("caip");
	wait_for(of("caip", "state"), "3");
	stop_duty(duty);
}

static void silence_is_borne_for_five_minutes(void **state)
{
	pid_t duty = start_duty();

	(void)state;
	serve_document("did", "500");
	ask_again("did");
	wait_for(of("did", "state || ' ' || tries || ' ' || (good < checked) || ' ' || " WAITS), "1 0 true 30");
	serve_document("did", "{\"id\":\"did:web:another.example\"}");
	ask_again("did");
	wait_for(of("did", "state"), "1");
	(void)sql("UPDATE link_claim SET good = good - 301000 WHERE object LIKE '%:kept:did'");
	ask_again("did");
	wait_for(of("did", "state || ' ' || tries || ' ' || " WAITS), "2 1 60");
	serve_also("did", AGENT_DID);
	ask_again("did");
	wait_for(of("did", "state"), "1");
	stop_duty(duty);
}

/* ---- contracts ---- */

static struct eip155_account wallet = {.chain = CHAIN};

/* The payload of the entry by which the wallet claimed the handle, judged by its contract. */
static void put_payload(unsigned seq)
{
	static const uint64_t chains[] = {CHAIN};
	struct agent_defaults agents = {.host = config.host, .chain = CHAIN};
	const struct participant_terms terms = {.agents = &agents, .chains = chains, .nchains = 1};
	struct participant_statement said = {.verb = PARTICIPANT_CLAIM, .handle = "ann", .nonce = "nonce00000000000000", .account = wallet,
					     .issued = {.ms = 1700000000000}, .expires = {.ms = 1700003600000}};
	static char message[SIWE_MESSAGE_MAX];
	struct participant_signed sign = {.message = message, .signature = "0x00", .signature_len = 4};
	struct participant_change change;
	struct participant_refusal why;
	char *body, *hex, query[4096];
	size_t len;

	assert_int_equal(participant_statement_format(message, &sign.message_len, sizeof(message), &said, &terms), 0);
	assert_int_equal(participant_change_make(&change, &why, &sign, 1, NULL, &terms), 0);
	change.signers[0].contract = true;
	assert_int_equal(participant_payload_write(&body, &len, &change), 0);
	hex = malloc(2 * len + 1);
	assert_non_null(hex);
	sodium_bin2hex(hex, 2 * len + 1, (const uint8_t *)body, len);
	assert_true(snprintf(query, sizeof(query), "INSERT INTO payload (seq, body) VALUES (%u, decode('%s', 'hex'))", seq, hex) < (int)sizeof(query));
	(void)sql(query);
	free(hex);
	free(body);
}

#define CONTRACT(what) "SELECT " what " FROM link_claim WHERE kind = 3"

static void ask_contract(const char *safe, const char *latest)
{
	snprintf(node.shared->text, sizeof(node.shared->text), "%s %s", safe, latest);
	(void)sql("UPDATE link_claim SET due = 0, checked = NULL WHERE kind = 3; NOTIFY kedge_links_check, 'x'");
	wait_for(CONTRACT("checked IS NOT NULL"), "t");
}

static void a_contract_is_asked_whether_it_still_says_so(void **state)
{
	char query[512], did[DID_PKH_TEXT_SIZE];
	pid_t duty;

	(void)state;
	memset(wallet.address.bytes, 0x77, sizeof(wallet.address.bytes));
	did_pkh_format(did, &wallet);
	put_payload(5);
	snprintf(query, sizeof(query), "INSERT INTO link_claim (subject, object, kind, place, seq, state, since, good, due) SELECT '" ANN "', '%s', 3, 1, 5, 1,"
		 " (extract(epoch FROM now()) * 1000)::bigint, (extract(epoch FROM now()) * 1000)::bigint, 9000000000000", did);
	(void)sql(query);
	duty = start_duty();
	ask_contract(MAGIC, MAGIC);
	wait_for(CONTRACT("state || ' ' || (good = checked) || ' ' || " WAITS), "1 true 86400");
	wait_for(CONTRACT("(evidence::json -> 'safe' ->> 'number') || ' ' || (evidence::json -> 'latest' ->> 'number')"), "20 30");
	/* not known is no verdict, and asked again soon */
	ask_contract("error", "error");
	wait_for(CONTRACT("state || ' ' || " WAITS), "1 600");
	/* one no is enough, at whichever block */
	ask_contract(MAGIC, NO);
	wait_for(CONTRACT("state || ' ' || " WAITS), "3 86400");
	ask_contract(MAGIC, MAGIC);
	wait_for(CONTRACT("state"), "1");
	ask_contract(NO, MAGIC);
	wait_for(CONTRACT("state"), "3");
	ask_contract("0x", "0x"); /* there is no contract any more */
	wait_for(CONTRACT("state"), "3");
	ask_contract(MAGIC, MAGIC);
	wait_for(CONTRACT("state"), "1");
	/* two days of silence */
	(void)sql("UPDATE link_claim SET good = good - 172801000 WHERE kind = 3");
	ask_contract("error", "error");
	wait_for(CONTRACT("state || ' ' || (evidence::json ->> 'why')"), "2 The account's chain could not be read.");
	(void)sql("DELETE FROM payload");
	ask_contract(MAGIC, MAGIC);
	wait_for(CONTRACT("state || ' ' || (evidence::json ->> 'why')"), "2 What the account signed is not there to be asked about.");
	stop_duty(duty);
}

/* A host has four connections at a time; its links follow each other all the same. */
static void many_of_one_host(void **state)
{
	char name[8];
	pid_t duty;

	(void)state;
	for (unsigned i = 0; i < 24; i++) {
		snprintf(name, sizeof(name), "m%c", 'a' + (int)i);
		serve_also(name, AGENT_DID);
		claim(name, -1);
	}
	duty = start_duty();
	wait_for("SELECT count(*) > 0 FROM link_claim WHERE object LIKE '%:kept:m_' AND state = 1", "t");
	(void)usleep(3000000);
	assert_string_equal(sql("SELECT count(*) FROM link_claim WHERE object LIKE '%:kept:m_' AND state = 1"), "24");
	stop_duty(duty);
	(void)sql("DELETE FROM link_claim WHERE object LIKE '%:kept:m_'");
}

/* Who hangs holds up nobody, and a stop in the middle says nothing. */
static void hosts_that_hang(void **state)
{
	static char names[8][8];
	pid_t duty;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		snprintf(names[i], sizeof(names[i]), "h%c", 'a' + (int)i);
		serve_document(names[i], "hang");
		claim(names[i], -1);
	}
	duty = start_duty();
	(void)usleep(500000);
	stop_duty(duty);
	assert_string_equal(sql(of("ha", "state || coalesce(checked::text, '-')")), "0-");
	serve_also("did", AGENT_DID);
	(void)sql("UPDATE link_claim SET due = 2 WHERE object LIKE '%:kept:did'");
	duty = start_duty();
	ask_again("did");
	wait_for(of("did", "state"), "1");
	wait_for("SELECT count(*) FROM link_claim WHERE object LIKE '%:kept:h_' AND state = 2", "8");
	/* what is proven stays so for the while, but is asked after those whose hosts answer at once */
	(void)sql("UPDATE link_claim SET state = 1, tries = 0, due = 0, checked = NULL, good = (extract(epoch FROM now()) * 1000)::bigint"
		  " WHERE object LIKE '%:kept:ha'; NOTIFY kedge_links_check, 'x'");
	wait_for(of("ha", "state || ' ' || tries || ' ' || " WAITS), "1 1 30");
	stop_duty(duty);
}

static void what_nobody_needs_is_swept(void **state)
{
	pid_t duty;

	(void)state;
	(void)sql("INSERT INTO link_asked VALUES ('old', 5), ('new', (extract(epoch FROM now()) * 1000)::bigint); DELETE FROM participant");
	duty = start_duty();
	wait_for("SELECT string_agg(subject, ' ') FROM link_asked", "new");
	wait_for("SELECT count(*) FROM link_claim WHERE subject = '" ANN "'", "0");
	stop_duty(duty);
}

static int setup(void **state)
{
	(void)state;
	database = fixture_migrated();
	(void)sql("INSERT INTO registry (chain_id, address, start_block, indexed) VALUES (31337, decode('8004a169fb4a3325136eb29fa0ceb6d2e539a432', 'hex'), 0, 0);"
		  "INSERT INTO uri VALUES (sha256('u'), 'u'); INSERT INTO agent_now (registry, agent_id, number, owner, uri) VALUES (1,"
		  " decode(lpad('2a', 64, '0'), 'hex'), 1, decode(repeat('11', 20), 'hex'), sha256('u'));"
		  "INSERT INTO participant VALUES ('" ANN "', 'ann', 31337, decode(repeat('77', 20), 'hex'), 0, 0, 0, 0, 1, '{}')");
	fake_node_start(&node, serve);
	(void)snprintf(config.rpc_url, sizeof(config.rpc_url), "%s", node.url);
	rig_start(&rig);
	return sodium_init() < 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_stop(&rig);
	fake_node_stop(&node);
	return 0;
}

int main(void)
{
	/* In this order: each goes on from what the one before left. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_confirmed_is_proven_and_asked_again_in_time),
		cmocka_unit_test(who_is_not_listed_is_one_way_and_asked_less_and_less),
		cmocka_unit_test(a_word_taken_back_revokes),
		cmocka_unit_test(silence_is_borne_for_five_minutes),
		cmocka_unit_test(a_contract_is_asked_whether_it_still_says_so),
		cmocka_unit_test(many_of_one_host),
		cmocka_unit_test(hosts_that_hang),
		cmocka_unit_test(what_nobody_needs_is_swept),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
