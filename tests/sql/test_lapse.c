/* Which links ended with their owner: by what is final and complete, from the consent on, whoever has the agent since. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/store_internal.h"
#include "sql/store_lapse.h"
#include "tests/sql/fixture.h"
#include "tests/sql/index_rows.h"
#include "tests/sql/log_fixture.h"

static struct log_fixture f;

/* Agent 0 is of 0x0a… from block 12, and of 0x0c… from block 33 on: tests/sql/index_rows.h. */
#define KEY(n) "'urn:kedge:p:" n "'"
#define ANN "00000000000000000000000000000001"
#define BEN "00000000000000000000000000000002"

static void sql(const char *query)
{
	(void)fixture_sql(f.conninfo, query);
}

/* The agent 0 or 255 linked by consent of OWNER at block `latest`. */
static void link_by(const char *key, const char *agent, const char *owner, unsigned latest, unsigned seq)
{
	char query[1024];

	snprintf(query, sizeof(query),
		 "INSERT INTO participant_agent VALUES (%s, 31337, decode('8004' || repeat('00', 18), 'hex'), decode(repeat('%s', 32), 'hex'),"
		 " decode(repeat('%s', 20), 'hex'), true, %u, sha256('s'), %u, sha256('l'), %u)", key, agent, owner, latest, latest, seq);
	sql(query);
}

static void final_is(unsigned number, unsigned indexed)
{
	char query[256];

	snprintf(query, sizeof(query), "UPDATE chain_index SET final_number = %u; UPDATE registry SET indexed = %u WHERE id = 1", number, indexed);
	sql(query);
}

static const char *text_of(struct store_lapses *list)
{
	static char text[512];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < list->n; i++) {
		const struct store_lapse *row = &list->rows[i];

		if (row->lapsed)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s %ju %02x to %02x at %ju", len > 0 ? ", " : "", (int)row->handle.len,
						(const char *)row->handle.data, (uintmax_t)row->seq, row->agent_id[0], row->owner[0],
						(uintmax_t)row->number);
	}
	store_lapses_clear(list);
	return text;
}

static const char *since(unsigned after, unsigned upto)
{
	struct store_lapses list;
	struct pg_op op = {0};

	assert_int_equal(WAIT(&f, &op, store_lapses_since(f.reader, &op, &list, 1, after, upto, 10)), 0);
	return text_of(&list);
}

static const char *among_all(void)
{
	struct store_lapses list;
	struct pg_op op = {0};

	assert_int_equal(WAIT(&f, &op, store_lapses_among(f.reader, &op, &list, NULL, 10)), 0);
	return text_of(&list);
}

static void nothing_lapses_before_it_is_final(void **state)
{
	(void)state;
	link_by(KEY(ANN), "00", "0a", 25, 7);
	final_is(32, 32);
	assert_string_equal(since(0, 40), "");
	assert_string_equal(among_all(), "");
	/* final, but not complete: the registry's index has gaps there */
	final_is(35, 32);
	assert_string_equal(since(0, 40), "");
	assert_string_equal(among_all(), "");
	final_is(33, 33);
	assert_string_equal(since(0, 40), "ann 7 00 to 0c at 33");
	assert_string_equal(among_all(), "ann 7 00 to 0c at 33");
	assert_string_equal(since(33, 40), "");
	assert_string_equal(since(30, 32), "");
	/* nothing is said while an alarm stands */
	sql("UPDATE chain_index SET alarm = true");
	assert_string_equal(since(0, 40), "");
	assert_string_equal(among_all(), "");
	sql("UPDATE chain_index SET alarm = false");
	sql("DELETE FROM participant_agent");
}

static void who_owned_it_before_the_consent_ends_nothing(void **state)
{
	(void)state;
	final_is(36, 36);
	link_by(KEY(ANN), "00", "0c", 33, 8);
	link_by(KEY(BEN), "00", "0c", 34, 9);
	assert_string_equal(since(0, 40), "");
	assert_string_equal(among_all(), "");
	sql("DELETE FROM participant_agent");
}

static void coming_back_revives_nothing(void **state)
{
	(void)state;
	sql("INSERT INTO agent_state SELECT 1, decode(repeat('00', 32), 'hex'), 31337, 38, decode(repeat('0a', 20), 'hex'), NULL, sha256('one'), 1, 2");
	final_is(38, 38);
	link_by(KEY(ANN), "00", "0a", 25, 7);
	link_by(KEY(BEN), "00", "0a", 38, 9);
	/* each state of another owner in between says so; the first does in the list of all */
	assert_string_equal(since(30, 40), "ann 7 00 to 0c at 33, ann 7 00 to 0c at 36");
	assert_string_equal(among_all(), "ann 7 00 to 0c at 33");
	sql("DELETE FROM participant_agent; DELETE FROM agent_state WHERE number = 38");
}

/* The consent was read at blocks that a reorganisation took away: where the chain went on it was never the owner's. */
static void a_consent_of_a_branch_that_is_gone_lapses(void **state)
{
	(void)state;
	final_is(36, 36);
	link_by(KEY(ANN), "00", "0d", 34, 7);
	link_by(KEY(BEN), "ff", "0d", 34, 8); /* registered later, by another */
	assert_string_equal(among_all(), "ann 7 00 to 0c at 33, ben 8 ff to 0a at 35");
	final_is(33, 33);
	assert_string_equal(among_all(), "");
	sql("DELETE FROM participant_agent");
}

static void all_links_are_looked_at_page_by_page(void **state)
{
	struct store_lapse after;
	struct store_lapses list;
	struct pg_op op = {0};

	(void)state;
	final_is(36, 36);
	link_by(KEY(ANN), "00", "0c", 34, 1);
	link_by(KEY(ANN), "ff", "0c", 34, 2);
	link_by(KEY(BEN), "00", "0c", 34, 3);
	assert_int_equal(WAIT(&f, &op, store_lapses_among(f.reader, &op, &list, NULL, 1)), 0);
	assert_int_equal(list.n, 1);
	assert_true(!list.rows[0].lapsed && list.rows[0].seq == 1);
	after = list.rows[0];
	{
		struct store_lapses next;

		assert_int_equal(WAIT(&f, &op, store_lapses_among(f.reader, &op, &next, &after, 1)), 0);
		assert_true(next.n == 1 && next.rows[0].lapsed && next.rows[0].seq == 2);
		store_lapses_clear(&list);
		list = next;
		after = list.rows[0];
	}
	{
		struct store_lapses next;

		assert_int_equal(WAIT(&f, &op, store_lapses_among(f.reader, &op, &next, &after, 2)), 0);
		assert_true(next.n == 1 && !next.rows[0].lapsed && next.rows[0].seq == 3);
		store_lapses_clear(&list);
		list = next;
		after = list.rows[0];
		assert_int_equal(WAIT(&f, &op, store_lapses_among(f.reader, &op, &next, &after, 2)), 0);
		assert_int_equal(next.n, 0);
		store_lapses_clear(&next);
	}
	store_lapses_clear(&list);
	sql("DELETE FROM participant_agent");
}

static void reach_is_what_is_final_and_complete(void **state)
{
	struct store_lapse_reaches list;
	struct pg_op op = {0};

	(void)state;
	final_is(36, 20);
	sql("INSERT INTO registry (chain_id, address, start_block, indexed) VALUES (31337, decode(repeat('22', 20), 'hex'), 0, -1)");
	assert_int_equal(WAIT(&f, &op, store_lapse_reach(f.reader, &op, &list)), 0);
	assert_int_equal(list.n, 2);
	assert_int_equal(list.rows[0].number, 20);
	assert_int_equal(list.rows[0].address[0], 0x80);
	assert_int_equal(list.rows[1].number, 0);
	assert_false(list.rows[0].alarm);
	store_lapse_reaches_clear(&list);
}

/* Pages that "lapses_since" touches for blocks (30, 40]. */
static unsigned pages(void)
{
	char query[8192];
	const char *sql_text = NULL, *at;

	for (size_t i = 0; i < store_lapse_set.n; i++)
		if (strcmp(store_lapse_set.list[i].name, "lapses_since") == 0)
			sql_text = store_lapse_set.list[i].sql;
	assert_non_null(sql_text);
	assert_true(snprintf(query, sizeof(query), "%s; %s; %s; %s; PREPARE p (int8, int8, int8, int8) AS %s; EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "
			     "EXECUTE p (1, 30, 40, 10)", store_reader_settings[0], store_reader_settings[1], store_reader_settings[2],
			     store_reader_settings[3], sql_text) < (int)sizeof(query));
	at = strstr(fixture_sql(f.conninfo, query), "\"Shared Hit Blocks\": ");
	assert_non_null(at);
	return (unsigned)strtoul(at + strlen("\"Shared Hit Blocks\": "), NULL, 10);
}

static void a_round_costs_what_changed_and_not_what_is_linked(void **state)
{
	unsigned few, many;

	(void)state;
	final_is(40, 40);
	few = pages();
	sql("INSERT INTO agent_state SELECT 1, sha256(convert_to('m' || n, 'UTF8')), 31337, 12, decode(repeat('0a', 20), 'hex'), NULL, sha256('one'), 9, 1"
	    " FROM generate_series(1, 20000) n;"
	    "INSERT INTO participant_agent SELECT " KEY(ANN) ", 31337, decode('8004' || repeat('00', 18), 'hex'), sha256(convert_to('m' || n, 'UTF8')),"
	    " decode(repeat('0a', 20), 'hex'), true, 20, sha256('s'), 20, sha256('l'), n FROM generate_series(1, 20000) n;"
	    "ANALYZE agent_state, participant_agent");
	assert_string_equal(since(30, 40), "");
	many = pages();
	if (many > few + 20)
		fail_msg("%u pages with 20,000 linked agents, %u with none", many, few);
}

static int set_up(void **state)
{
	(void)state;
	log_fixture_open(&f);
	index_rows_fill(f.conninfo);
	sql("INSERT INTO participant VALUES (" KEY(ANN) ", 'ann', 1, substr(sha256('a'), 1, 20), 0, 0, 0, 0, 1, '{}'), (" KEY(BEN) ", 'ben', 1,"
	    " substr(sha256('b'), 1, 20), 0, 0, 0, 0, 1, '{}')");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	log_fixture_close(&f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_lapses_before_it_is_final),
		cmocka_unit_test(who_owned_it_before_the_consent_ends_nothing),
		cmocka_unit_test(coming_back_revives_nothing),
		cmocka_unit_test(a_consent_of_a_branch_that_is_gone_lapses),
		cmocka_unit_test(all_links_are_looked_at_page_by_page),
		cmocka_unit_test(reach_is_what_is_final_and_complete),
		cmocka_unit_test(a_round_costs_what_changed_and_not_what_is_linked),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
