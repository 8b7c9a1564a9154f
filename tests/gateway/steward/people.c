/* The participants duty as a process of its own, and people who ask it for changes. */
#include "tests/gateway/steward/people.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct log_fixture f;
struct config config;
static const uint64_t chains[] = {PEOPLE_CHAIN};
struct agent_defaults agents = {.host = "localhost:8004", .chain = PEOPLE_CHAIN};
const struct participant_terms terms = {.agents = &agents, .chains = chains, .nchains = 1};

void open_house(unsigned quota)
{
	log_fixture_open(&f);
	memset(&config, 0, sizeof(config));
	snprintf(config.database, sizeof(config.database), "%s", fixture_as(f.conninfo, "kedge_app"));
	config.chain_id = PEOPLE_CHAIN;
	snprintf(config.registry, sizeof(config.registry), "%s", PEOPLE_REGISTRY);
	snprintf(config.rpc_url, sizeof(config.rpc_url), "http://127.0.0.1:1");
	config.participant_quota = quota;
}

pid_t start_with(const char *failpoint)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct steward_context ctx;
		int rc;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (failpoint)
			setenv("KEDGE_FAILPOINT", failpoint, 1);
		rc = steward_open(&ctx, &config, "participants", NULL);
		if (rc == 0) {
			rc = steward_participants_run(&ctx);
			steward_close(&ctx);
		}
		_exit(rc == 0 ? 0 : 1);
	}
	assert_true(pid > 0);
	return pid;
}

pid_t start(void)
{
	return start_with(NULL);
}

void stop(pid_t pid)
{
	int status;

	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- asking ---- */

/* People are letters: 'a' is the account 0x6161…. */
struct eip155_account account(char who)
{
	struct eip155_account out = {.chain = PEOPLE_CHAIN};

	memset(out.address.bytes, who, sizeof(out.address.bytes));
	return out;
}

struct participant_statement saying(const char *handle, enum participant_verb verb)
{
	static unsigned turn;
	struct participant_statement said = {.verb = verb, .issued = {.ms = 1700000000000}, .expires = {.ms = 1700003600000}};

	snprintf(said.handle, sizeof(said.handle), "%s", handle);
	snprintf(said.nonce, sizeof(said.nonce), "nonce%016u", ++turn);
	return said;
}

/* What a worker would have put into the queue, each letter of `by` having signed. */
struct asked make(struct participant_statement *said, const char *by, const json_t *profile)
{
	static char messages[PARTICIPANT_SIGNERS_MAX][SIWE_MESSAGE_MAX];
	struct participant_signed list[PARTICIPANT_SIGNERS_MAX];
	struct participant_change change;
	struct participant_refusal why;
	struct asked asked;
	size_t n = 0;

	for (; *by; by++, n++) {
		said->account = account(*by);
		said->nonce[0] = (char)('A' + n);
		list[n] = (struct participant_signed){.message = messages[n], .signature = "0x00", .signature_len = 4};
		assert_int_equal(participant_statement_format(messages[n], &list[n].message_len, SIWE_MESSAGE_MAX, said, &terms), 0);
	}
	if (participant_change_make(&change, &why, list, n, profile, &terms) != 0)
		fail_msg("no change: %s", why.rule);
	participant_change_uid(asked.hash, &change);
	assert_int_equal(participant_payload_write(&asked.body, &asked.len, &change), 0);
	return asked;
}

void put(const uint8_t hash[static 32], bool by_operator, const char *body, size_t len)
{
	struct store_participant_request request = {.by_operator = by_operator, .body = pg_bytes(body, len)};
	struct pg_op op = {0};

	memcpy(request.hash, hash, 32);
	assert_int_equal(WAIT(&f, &op, store_participant_ask(f.writer, &op, &request, 100000)), 0);
}

/* "SEQ" of what was done, or the rule; waits for it. */
const char *answer(const uint8_t hash[static 32])
{
	static char text[64];

	for (int i = 0; i < 400; i++) {
		struct store_participant_requests list;
		struct pg_op op = {0};
		bool found;

		assert_int_equal(WAIT(&f, &op, store_participant_answers(f.reader, &op, &list, hash, 1)), 0);
		found = list.n == 1;
		if (found && list.rows[0].rule.data)
			snprintf(text, sizeof(text), "%.*s", (int)list.rows[0].rule.len, (const char *)list.rows[0].rule.data);
		else if (found)
			snprintf(text, sizeof(text), "%ju", (uintmax_t)list.rows[0].seq);
		store_participant_requests_clear(&list);
		if (found)
			return text;
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
	fail_msg("never answered");
	return NULL;
}

struct asked ask_by(struct participant_statement said, const char *by)
{
	struct asked asked = make(&said, by, NULL);

	put(asked.hash, false, asked.body, asked.len);
	return asked;
}

const char *act(struct participant_statement said, const char *by)
{
	struct asked asked = ask_by(said, by);

	free(asked.body);
	return answer(asked.hash);
}

const char *claim(const char *handle, const char *by)
{
	return act(saying(handle, PARTICIPANT_CLAIM), by);
}

const char *claim_by_contract(const char *handle, const char *by)
{
	static char message[SIWE_MESSAGE_MAX];
	struct participant_statement said = saying(handle, PARTICIPANT_CLAIM);
	struct participant_signed sign = {.message = message, .signature = "0x00", .signature_len = 4};
	struct participant_change change;
	struct participant_refusal why;
	uint8_t hash[32];
	size_t len;
	char *body;

	said.account = account(*by);
	assert_int_equal(participant_statement_format(message, &sign.message_len, sizeof(message), &said, &terms), 0);
	assert_int_equal(participant_change_make(&change, &why, &sign, 1, NULL, &terms), 0);
	change.signers[0].contract = true;
	change.signers[0].judged = (struct participant_read){.safe.number = 8, .latest.number = 9};
	participant_change_uid(hash, &change);
	assert_int_equal(participant_payload_write(&body, &len, &change), 0);
	put(hash, false, body, len);
	free(body);
	return answer(hash);
}

struct participant_statement linking(const char *handle, char who, bool controller)
{
	struct participant_statement said = saying(handle, PARTICIPANT_LINK);
	struct eip155_account of = account(who);

	participant_object_account(&said.object, &of);
	said.controller = controller;
	return said;
}

struct participant_statement linking_foreign(const char *handle, unsigned n)
{
	struct participant_statement said = saying(handle, PARTICIPANT_LINK);
	char did[64];

	snprintf(did, sizeof(did), "did:web:example.com:%u", n);
	assert_int_equal(participant_object_parse(&said.object, did, strlen(did), &terms), 0);
	return said;
}

const char *order(const char *body)
{
	static uint8_t hash[32];

	sodium_increment(hash, sizeof(hash));
	put(hash, true, body, strlen(body));
	return answer(hash);
}

/* ---- looking ---- */

void is(const char *question, const char *wanted)
{
	assert_string_equal(fixture_sql(f.conninfo, question), wanted);
}

/* Everything about participants that is a copy of the log. */
#define TABLES                                                                                                                             \
	"select encode(sha256(convert_to(concat((select string_agg(t::text, '' order by t::text) from participant t), "                   \
	"(select string_agg(t::text, '' order by t::text) from participant_account t), "                                                  \
	"(select string_agg(t::text, '' order by t::text) from participant_agent t), "                                                    \
	"(select string_agg(t::text, '' order by t::text) from participant_foreign t), "                                                  \
	"(select string_agg(t::text, '' order by t::text) from participant_message t), "                                                  \
	"(select string_agg(t::text, '' order by t::text) from link_claim t), "                                                           \
	"(select string_agg(t::text, '' order by t::text) from handle_claimed t)), 'UTF8')), 'hex')"

void tables_are_the_logs_fold(void)
{
	const char *before = fixture_sql(f.conninfo, TABLES);

	fixture_sql(f.conninfo, "delete from participant_account; delete from link_claim; update participant set state = '', entries = 7");
	assert_string_not_equal(fixture_sql(f.conninfo, TABLES), before);
	assert_string_equal(order("{\"verb\":\"rebuild\"}"), fixture_sql(f.conninfo, "select count(*) from participant"));
	is(TABLES, before);
}
