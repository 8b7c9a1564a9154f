/* The notary on a real PostgreSQL: what is final about known agents is logged once, whatever happens to the duty; and an attestation whose
 * block went away is voided. */
#include "anchor/entry.h"
#include "gateway/steward/notary.h"
#include "tests/eth/fake_node.h"
#include "tests/sql/fixture.h"
#include "tests/sql/index_rows.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REGISTRY "0x8004000000000000000000000000000000000000"
#define AGENT_0 "eip155:31337/erc721:" REGISTRY "/0"
#define AGENT_MAX "eip155:31337/erc721:" REGISTRY "/115792089237316195423570985008687907853269984665640564039457584007913129639935"
#define FINAL_NOW                                                                                                              \
	"update block set final = true where number <= %u;"                                                                    \
	"update chain_index set final_number = %u, final_hash = (select hash from block where number = %u);"                   \
	"update registry set indexed = greatest(indexed, %u)"

static struct fake_node node;

/* The index keeps no blocks 15 and 16: the node is asked. It says the canonical hash; with LIES another of block 15; with OTHER_CHAIN another
 * of every block. */
enum { HONEST, LIES, OTHER_CHAIN };

static json_t *reply(struct fake_shared *shared, const char *method, const json_t *params)
{
	char hash[65], number[24];
	uint8_t bytes[32];
	unsigned n = (unsigned)strtoul(json_string_value(json_array_get(params, 0)), NULL, 16);

	if (strcmp(method, "eth_getBlockByNumber") != 0)
		return json_pack("{s:{s:i, s:s}}", "error", "code", -32601, "message", "no such method");
	index_rows_hash(bytes, shared->mode == OTHER_CHAIN || (shared->mode == LIES && n == 15) ? n + 1000 : n);
	sodium_bin2hex(hash, sizeof(hash), bytes, 32);
	snprintf(number, sizeof(number), "0x%x", n);
	return json_pack("{s:{s:s, s:s+, s:s+, s:s, s:s}}", "result", "number", number, "hash", "0x", hash, "parentHash", "0x", hash,
			 "timestamp", "0x1", "baseFeePerGas", "0x1");
}

static void serve(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)number;
	fake_answer(shared, fd, body, len, INDEX_ROWS_CHAIN, reply);
}

struct house {
	struct config config;
};

static void attest(struct house *h, unsigned seq, const char *issuer, const char *subject, unsigned block, unsigned hashed)
{
	struct entry_attestation entry = {.at = 1, .auth = {.block = block, .chain = "eip155:31337"}};
	char line[ENTRY_LINE_MAX], sql[4 * ENTRY_LINE_MAX];
	size_t len;

	snprintf(entry.issuer, sizeof(entry.issuer), "%s", issuer);
	snprintf(entry.subject, sizeof(entry.subject), "%s", subject);
	index_rows_hash(entry.auth.hash, hashed);
	entry.uid.bytes[0] = (uint8_t)(seq + 1);
	assert_int_equal(entry_attestation_format(line, sizeof(line), &len, &entry), 0);
	snprintf(sql, sizeof(sql),
		 "insert into entry (seq, at, kind, uid, issuer, subject, leaf, line) values (%u, 1, 'attestation', sha256('u%u'), '%s', '%s', "
		 "sha256('l%u'), '%.*s'); update log_head set size = size + 1, at = 1, edge = decode(repeat('11', 32 * "
		 "length(replace((size + 1)::bit(32)::text, '0', ''))), 'hex')",
		 seq, seq, issuer, subject, seq, (int)len, line);
	fixture_sql(h->config.database, sql);
}

static void open_house(struct house *h, bool feedback)
{
	memset(h, 0, sizeof(*h));
	snprintf(h->config.database, sizeof(h->config.database), "%s", fixture_migrated());
	snprintf(h->config.rpc_url, sizeof(h->config.rpc_url), "%s", node.url);
	snprintf(h->config.registry, sizeof(h->config.registry), "%s", REGISTRY);
	h->config.registry_start = 10;
	h->config.chain_id = INDEX_ROWS_CHAIN;
	if (feedback)
		snprintf(h->config.reputation, sizeof(h->config.reputation), "0x%040d", 0);
	if (feedback)
		memset(h->config.reputation + 2, 'b', 40);
	fixture_sql(h->config.database, "insert into log_head (origin) values ('localhost:8004/log')");
	index_rows_fill(h->config.database);
	node.shared->mode = HONEST;
}

static pid_t start(struct house *h)
{
	static struct config config;
	pid_t pid;

	config = h->config;
	snprintf(config.database, sizeof(config.database), "%s", fixture_as(h->config.database, "kedge_app"));
	pid = fork();
	if (pid == 0) {
		struct steward_context ctx;
		int rc;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		rc = steward_open(&ctx, &config, "notary", NULL);
		if (rc == 0) {
			rc = steward_notary_run(&ctx);
			steward_close(&ctx);
		}
		_exit(rc == 0 ? 0 : 1);
	}
	assert_true(pid > 0);
	return pid;
}

static void stop(pid_t pid, int number)
{
	int status;

	kill(pid, number);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (number == SIGTERM)
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void wait_for(const struct house *h, const char *question)
{
	for (int i = 0; i < 200; i++) {
		if (strcmp(fixture_sql(h->config.database, question), "t") == 0)
			return;
		nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	}
	fail_msg("never true: %s", question);
}

static void finalize(const struct house *h, unsigned number)
{
	char sql[512];

	snprintf(sql, sizeof(sql), FINAL_NOW, number, number, number, number);
	fixture_sql(h->config.database, sql);
}

static void is(const struct house *h, const char *question, const char *answer)
{
	assert_string_equal(fixture_sql(h->config.database, question), answer);
}

#define LINE(seq) "select line from entry where seq = " #seq
#define IDENTITIES                                                                                                             \
	"select string_agg((line::json #>> '{block,number}') || ':' || (line::json ->> 'tier') || ':' || right(subject, 3), ' ' order by " \
	"(line::json #>> '{block,number}')::int) from entry where kind = 'identity'"
#define VOIDS                                                                                                                  \
	"select coalesce(string_agg((line::json ->> 'target') || ':' || (line::json #>> '{block,number}'), ' ' order by seq), '') from entry " \
	"where kind = 'void'"

static void facts_of_known_agents_once_they_are_final(void **state)
{
	struct entry_identity entry;
	struct house h;
	const char *line;
	uint8_t hash[32];
	pid_t pid;

	(void)state;
	open_house(&h, false);
	attest(&h, 0, AGENT_0, AGENT_MAX, 20, 20);
	pid = start(&h);
	/* in force at the final block 30: what block 20 left */
	wait_for(&h, "select size = 2 from log_head");
	line = fixture_sql(h.config.database, LINE(1));
	assert_int_equal(entry_identity_parse(&entry, line, strlen(line)), 0);
	assert_string_equal(entry.subject, AGENT_0);
	assert_int_equal(entry.block.number, 20);
	index_rows_hash(hash, 20);
	assert_memory_equal(entry.block.hash, hash, 32);
	assert_int_equal(entry.owner[7], 0x0a);
	assert_int_equal(entry.wallet[7], 0x0b);
	assert_int_equal(entry.source, ENTRY_FROM_QUORUM);
	is(&h, "select body from payload where seq = 1", "\\x6f6e65");
	/* blocks 33, 35 and 36 become final; a tier of proof without its proof object says no more than rpc */
	finalize(&h, 36);
	wait_for(&h, "select size = 5 from log_head");
	is(&h, IDENTITIES, "20:quorum:0/0 33:rpc:0/0 35:rpc:935 36:rpc:0/0");
	is(&h, "select line like '%\"wallet\":\"0x' || repeat('0', 40) || '\"}' from entry where kind = 'identity' and line like '%\"number\":33}%'", "t");
	/* a log line that is not UTF-8 as payload: the URI's bytes */
	is(&h, "select body from payload p join entry e using (seq) where line like '%\"number\":36}%'", "\\xff00");
	stop(pid, SIGTERM);
}

/* Progress is only an economy: without it everything is found again by its uid. */
static void nothing_twice_when_progress_is_lost(void **state)
{
	struct house h;
	pid_t pid;

	(void)state;
	open_house(&h, false);
	attest(&h, 0, AGENT_0, AGENT_MAX, 20, 20);
	finalize(&h, 36);
	pid = start(&h);
	wait_for(&h, "select size = 3 from log_head");
	is(&h, IDENTITIES, "35:rpc:935 36:rpc:0/0");
	for (int i = 0; i < 3; i++) {
		stop(pid, SIGKILL);
		fixture_sql(h.config.database, "update known_agent set logged = -1, feedback = -1; update logged_identity set seq = 0, checked = 0");
		pid = start(&h);
		wait_for(&h, "select bool_and(logged > 0) and (select checked > 0 from logged_identity) from known_agent");
	}
	is(&h, "select size from log_head", "3");
	stop(pid, SIGTERM);
}

static void feedback_when_it_is_asked_for(void **state)
{
	json_t *vectors = json_load_file(KEDGE_VECTORS "/facts.json", 0, NULL), *one = json_array_get(json_object_get(vectors, "cases"), 4);
	struct entry_feedback entry;
	const char *line;
	struct house h;
	char sql[8192];
	pid_t pid;

	(void)state;
	assert_non_null(one);
	open_house(&h, true);
	attest(&h, 0, AGENT_0, AGENT_0, 20, 20);
	fixture_sql(h.config.database,
		    "insert into registry (chain_id, address, start_block, indexed) values (31337, decode(repeat('bb', 20), 'hex'), 10, 30)");
	snprintf(sql, sizeof(sql),
		 "insert into agent_event (registry, chain_id, number, log_index, tx, agent_id, kind, a, b, value) select 2, 31337, v.*, "
		 "decode(repeat('00', 32), 'hex'), k, decode(repeat('c1', 20), 'hex'), decode(repeat('d2', 20), 'hex'), decode(d, 'hex') "
		 "from (values (12, 7, 16, '%s'), (12, 8, 17, '0000000000000001'), (12, 9, 16, '00'), (20, 9, 18, '%s')) x(n, l, k, d), lateral (select n, l, "
		 "sha256(convert_to(d, 'UTF8'))) v",
		 json_string_value(json_object_get(one, "data")) + 2,
		 json_string_value(json_object_get(json_array_get(json_object_get(vectors, "cases"), 8), "data")) + 2);
	fixture_sql(h.config.database, sql);
	pid = start(&h);
	/* identity, and three of four: what cannot be read is left out, and does not hold up the rest */
	wait_for(&h, "select size = 5 from log_head");
	is(&h, "select string_agg(line::json ->> 'event', ' ' order by seq) from entry where kind = 'feedback'", "feedback revoked response");
	is(&h, "select string_agg(right(issuer, 4), ' ' order by seq) from entry where kind = 'feedback'", "c1c1 c1c1 d2d2");
	line = fixture_sql(h.config.database, "select line from entry where line::json ->> 'event' = 'response'");
	assert_int_equal(entry_feedback_parse(&entry, line, strlen(line)), 0);
	assert_int_equal(entry.block.number, 20);
	is(&h, "select bool_and(encode(sha256(body), 'hex') = line::json ->> 'payload') from entry join payload using (seq) where kind = 'feedback'", "t");
	stop(pid, SIGTERM);
	json_decref(vectors);
}

static void voids_what_was_admitted_at_a_block_that_went_away(void **state)
{
	struct house h;
	pid_t pid;

	(void)state;
	open_house(&h, false);
	attest(&h, 0, AGENT_MAX, AGENT_MAX, 20, 20); /* canonical, in the index */
	attest(&h, 1, AGENT_MAX, AGENT_MAX, 12, 99); /* not canonical, in the index */
	attest(&h, 2, AGENT_MAX, AGENT_MAX, 15, 15); /* canonical, the node knows */
	attest(&h, 3, AGENT_MAX, AGENT_MAX, 16, 99); /* not canonical, the node knows */
	attest(&h, 4, AGENT_MAX, AGENT_MAX, 33, 99); /* not final yet */
	pid = start(&h);
	wait_for(&h, "select checked = 4 from logged_identity");
	is(&h, VOIDS, "1:12 3:16");
	is(&h, "select bool_and(subject = '" AGENT_MAX "') from entry where kind = 'void'", "t");
	finalize(&h, 34);
	wait_for(&h, "select checked >= 5 from logged_identity");
	is(&h, VOIDS, "1:12 3:16 4:33");
	stop(pid, SIGTERM);
}

/* A node that says otherwise for a moment voids nothing. */
static void a_passing_lie_voids_nothing(void **state)
{
	struct house h;
	pid_t pid;

	(void)state;
	open_house(&h, false);
	attest(&h, 0, AGENT_MAX, AGENT_MAX, 15, 15);
	node.shared->mode = LIES;
	node.shared->calls = 0;
	pid = start(&h);
	for (int i = 0; i < 500 && node.shared->calls == 0; i++)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	node.shared->mode = HONEST;
	wait_for(&h, "select checked = 1 from logged_identity");
	is(&h, VOIDS, "");
	stop(pid, SIGTERM);
}

/* Several at once take no longer than one. */
static void many_are_voided_together(void **state)
{
	struct house h;
	pid_t pid;

	(void)state;
	open_house(&h, false);
	for (unsigned seq = 0; seq < 100; seq++)
		attest(&h, seq, AGENT_MAX, AGENT_MAX, 15 + seq % 2, seq % 10 == 0 ? 15 + seq % 2 : 99);
	pid = start(&h);
	wait_for(&h, "select checked = 100 from logged_identity");
	is(&h, "select count(*) from entry where kind = 'void'", "90");
	is(&h, "select count(*) from entry where kind = 'void' and (line::json ->> 'target')::int % 10 = 0", "0");
	stop(pid, SIGTERM);
}

/* While the node's finalized chain is not the index's, nobody knows which one stays. */
static void another_chain_voids_nothing(void **state)
{
	struct house h;
	pid_t pid;

	(void)state;
	open_house(&h, false);
	attest(&h, 0, AGENT_MAX, AGENT_MAX, 15, 15);
	attest(&h, 1, AGENT_MAX, AGENT_MAX, 16, 99);
	node.shared->mode = OTHER_CHAIN;
	node.shared->calls = 0;
	pid = start(&h);
	for (int i = 0; i < 600 && node.shared->calls < 2 * NOTARY_DOUBTS; i++)
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	assert_true(node.shared->calls >= 2 * NOTARY_DOUBTS);
	is(&h, VOIDS, "");
	node.shared->mode = HONEST;
	wait_for(&h, "select checked = 2 from logged_identity");
	is(&h, VOIDS, "1:16");
	stop(pid, SIGTERM);
}

/* A registry that was added later: what is above `indexed` is not settled, though the chain's final block is beyond it. */
static void waits_for_a_registry_that_has_not_caught_up(void **state)
{
	struct house h;
	pid_t pid;

	(void)state;
	open_house(&h, false);
	fixture_sql(h.config.database, "update registry set indexed = 9");
	attest(&h, 0, AGENT_0, AGENT_0, 15, 15);
	pid = start(&h);
	wait_for(&h, "select checked = 1 from logged_identity");
	is(&h, "select count(*) from entry where kind = 'identity'", "0");
	fixture_sql(h.config.database, "update registry set indexed = 30");
	wait_for(&h, "select count(*) = 1 from entry where kind = 'identity'");
	stop(pid, SIGTERM);
}

static int start_node(void **state)
{
	(void)state;
	fake_node_start(&node, serve);
	return sodium_init() < 0;
}

static int stop_node(void **state)
{
	(void)state;
	fake_node_stop(&node);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_of_known_agents_once_they_are_final),
		cmocka_unit_test(nothing_twice_when_progress_is_lost),
		cmocka_unit_test(feedback_when_it_is_asked_for),
		cmocka_unit_test(voids_what_was_admitted_at_a_block_that_went_away),
		cmocka_unit_test(a_passing_lie_voids_nothing),
		cmocka_unit_test(many_are_voided_together),
		cmocka_unit_test(another_chain_voids_nothing),
		cmocka_unit_test(waits_for_a_registry_that_has_not_caught_up),
	};

	return cmocka_run_group_tests(tests, start_node, stop_node);
}
