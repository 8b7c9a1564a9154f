/* Links as they are read: a participant's claims and consents, what interrupts an ownership, and the wish to have them asked anew. An agent's:
 * tests/gateway/routes/test_links.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/store_link_read.h"
#include "tests/sql/fixture.h"
#include "tests/sql/index_rows.h"

#define REGISTRY "decode('8004' || repeat('00', 18), 'hex')"
#define AGENT "decode(repeat('00', 32), 'hex')"

static struct event_base *base;
static struct pg_conn *conn;
static const char *conninfo;

static int open_store(void **state)
{
	(void)state;
	conninfo = fixture_migrated();
	index_rows_fill(conninfo);
	(void)fixture_sql(conninfo,
			  "INSERT INTO entry (seq, at, kind, uid, subject, leaf, line) SELECT n, 2000 + n, 'link', sha256(int4send(n)), 'x', sha256('l'), 'l'"
			  " FROM generate_series(0, 3) n;"
			  "INSERT INTO participant SELECT 'urn:kedge:p:' || repeat('1', 32), 'alice', 1, decode(repeat('01', 20), 'hex'), 0, 1, 3, 1, 1, '';"
			  /* of a registry that nobody serves, and thrice the same agent under names of its own */
			  "INSERT INTO participant_agent SELECT 'urn:kedge:p:' || repeat('1', 32), c, " REGISTRY ", a, decode(repeat(o, 20), 'hex'), c = 1,"
			  " n - 1, sha256('s'), n, sha256('l'), seq FROM (VALUES (31337, " AGENT ", '0a', 20, 0), (1, " AGENT ", '0a', 20, 1),"
			  " (31337, decode(repeat('ff', 32), 'hex'), '0a', 35, 2)) x(c, a, o, n, seq);"
			  "INSERT INTO link_claim (subject, object, kind, place, seq, state, since, due, good, evidence)"
			  " SELECT 'urn:kedge:p:' || repeat('1', 32), o, k, p, 3, s, 7, CASE WHEN k <> 4 THEN 5000000000000 END, g, e FROM (VALUES"
			  " ('did:web:b.example', 1, 1, 1, 9, '{}'), ('did:pkh:x', 3, 0, 3, NULL, NULL), ('did:key:x', 4, 2, 0, NULL, NULL))"
			  " v(o, k, p, s, g, e)");
	base = event_base_new();
	assert_int_equal(store_open(&conn, base, conninfo, "test", STORE_WRITER, NULL, NULL), 0);
	return pg_wait_up(base, conn, 10000);
}

static int close_store(void **state)
{
	(void)state;
	pg_close(conn);
	event_base_free(base);
	return 0;
}

static void read_links(struct store_links *links, const char *handle)
{
	struct pg_op op = {0};

	assert_int_equal(pg_wait(base, &op, store_participant_links(conn, &op, links, pg_text(handle))), 0);
}

static void a_participants(void **state)
{
	struct store_links links;

	(void)state;
	read_links(&links, "alice");
	assert_int_equal(links.nclaims, 3);
	assert_memory_equal(links.claims[0].object.data, "did:pkh:x", 9);
	assert_int_equal(links.claims[0].kind, 3);
	assert_int_equal(links.claims[0].state, 3);
	assert_int_equal(links.claims[0].good, 0);
	assert_null(links.claims[0].evidence.data);
	assert_int_equal(links.claims[1].good, 9);
	assert_true(links.claims[1].has_seq);
	assert_int_equal(links.claims[1].seq, 3);
	assert_memory_equal(links.claims[1].evidence.data, "{}", 2);
	assert_int_equal(links.nconsents, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(links.consents[i].seq, i);
		assert_int_equal(links.consents[i].at, 2000 + i);
		assert_int_equal(links.consents[i].owner[19], 0x0a);
		assert_int_equal(links.consents[i].owner_signed, i == 1);
		/* another owned it from block 33 on; of the second nothing is known */
		assert_int_equal(links.consents[i].interrupted, i == 0);
		assert_int_equal(links.consents[i].upto, i == 1 ? 0 : 40);
	}
	store_links_clear(&links);
	read_links(&links, "nobody");
	assert_int_equal(links.nclaims + links.nconsents, 0);
	store_links_clear(&links);
}

static bool interrupted(void)
{
	struct store_links links;
	bool answer;

	read_links(&links, "alice");
	answer = links.consents[0].interrupted;
	store_links_clear(&links);
	return answer;
}

static uint64_t upto(void)
{
	struct store_links links;
	uint64_t answer;

	read_links(&links, "alice");
	answer = links.consents[0].upto;
	store_links_clear(&links);
	return answer;
}

/* Only what is an answer: nothing above the tip, nothing while an alarm stands, nothing that was reorganised away. */
static void what_interrupts(void **state)
{
	static const struct {
		const char *change, *back;
	} rows[] = {
		{"UPDATE chain_index SET alarm = true", "UPDATE chain_index SET alarm = false"},
		{"UPDATE participant_agent SET latest_number = 33", "UPDATE participant_agent SET latest_number = 20"},
		{"UPDATE chain_index SET tip_number = 32", "UPDATE chain_index SET tip_number = 40"},
		{"UPDATE participant_agent SET owner = decode(repeat('0c', 20), 'hex')", "UPDATE participant_agent SET owner = decode(repeat('0a', 20), 'hex')"},
		{"UPDATE agent_state SET owner = decode(repeat('0a', 20), 'hex') WHERE owner = decode(repeat('0c', 20), 'hex')", "SELECT 1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(interrupted());
		(void)fixture_sql(conninfo, rows[i].change);
		assert_false(interrupted());
		(void)fixture_sql(conninfo, rows[i].back);
	}
	/* how far that is known */
	assert_int_equal(upto(), 40);
	(void)fixture_sql(conninfo, "UPDATE chain_index SET alarm = true");
	assert_int_equal(upto(), 9);
	(void)fixture_sql(conninfo, "UPDATE chain_index SET alarm = false; UPDATE registry SET followed = false");
	assert_int_equal(upto(), 29);
	(void)fixture_sql(conninfo, "UPDATE registry SET followed = true");
}

static struct store_link_ask ask(const char *subject)
{
	struct store_link_ask out;
	struct pg_op op = {0};

	assert_int_equal(pg_wait(base, &op, store_link_ask(conn, &op, &out, pg_text(subject))), 0);
	return out;
}

static void asking(void **state)
{
	const char *key = fixture_sql(conninfo, "SELECT key FROM participant");
	struct store_link_ask out = ask(key);

	(void)state;
	assert_int_equal(out.claims, 2);
	assert_int_equal(out.wait, 0);
	assert_string_equal(fixture_sql(conninfo, "SELECT count(*) FROM link_claim, (SELECT extract(epoch FROM now()) * 1000 AS now) n"
						  " WHERE due BETWEEN n.now - 60000 AND n.now"), "2");
	out = ask(key);
	assert_int_equal(out.claims, 0);
	assert_in_range(out.wait, 1, 10000);
	/* a clock that was set back does not shut the door */
	(void)fixture_sql(conninfo, "UPDATE link_asked SET at = at + 3600000");
	assert_int_equal(ask(key).claims, 2);
	/* what waits for its turn already goes neither before others nor behind them */
	(void)fixture_sql(conninfo, "UPDATE link_asked SET at = 0; UPDATE link_claim SET due = 5000 WHERE due IS NOT NULL");
	assert_int_equal(ask(key).claims, 2);
	assert_string_equal(fixture_sql(conninfo, "SELECT count(*) FROM link_claim WHERE due = 4999"), "2");
	out = ask("urn:kedge:p:nobody");
	assert_int_equal(out.claims + out.wait, 0);
	assert_string_equal(fixture_sql(conninfo, "SELECT count(*) FROM link_asked"), "1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_participants), cmocka_unit_test(what_interrupts), cmocka_unit_test(asking)};

	return cmocka_run_group_tests(tests, open_store, close_store);
}
