/* What the index says of an agent at a block, at an instant, and over time; rows of tests/sql/index_rows.h. */
#include "sql/store_resolve.h"
#include "tests/sql/fixture.h"
#include "tests/sql/index_rows.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct rig {
	const char *conninfo;
	struct event_base *base;
	struct pg_conn *conn;
	struct store_resolver *resolver;
	struct store_mark safe;
};

static const uint8_t agent[32], absent[32] = {1};

static int open_rig(void **state)
{
	static struct rig rig;

	rig.conninfo = fixture_migrated();
	index_rows_fill(rig.conninfo);
	rig.base = event_base_new();
	rig.safe = (struct store_mark){.known = true, .number = INDEX_ROWS_SAFE};
	index_rows_hash(rig.safe.hash, INDEX_ROWS_SAFE);
	*state = &rig;
	return store_open(&rig.conn, rig.base, rig.conninfo, "test", STORE_READER, NULL, NULL) ||
	       pg_wait_up(rig.base, rig.conn, 10000) || store_resolver_new(&rig.resolver, rig.base, &rig.conn, 1);
}

static int close_rig(void **state)
{
	struct rig *rig = *state;

	pg_close(rig->conn);
	store_resolver_free(rig->resolver);
	event_base_free(rig->base);
	return 0;
}

static struct store_resolve_list at_blocks(struct rig *rig, const uint8_t id[static 32], const uint64_t *numbers, size_t n)
{
	struct store_resolve_list list;
	struct pg_op op = {0};

	assert_int_equal(pg_wait(rig->base, &op, store_resolve(rig->resolver, &op, &list, 1, id, &rig->safe, numbers, n)), 0);
	assert_int_equal(list.n, n);
	return list;
}

static struct store_resolve_list at_time(struct rig *rig, uint64_t time)
{
	struct store_resolve_list list;
	struct pg_op op = {0};

	assert_int_equal(pg_wait(rig->base, &op, store_resolve_time(rig->resolver, &op, &list, 1, agent, &rig->safe, time)), 0);
	assert_int_equal(list.n, 1);
	return list;
}

static void assert_mark(const struct store_mark *mark, unsigned number)
{
	uint8_t hash[32];

	assert_true(mark->known);
	assert_int_equal(mark->number, number);
	assert_int_equal(mark->time, 1000 + 2 * number);
	index_rows_hash(hash, number);
	assert_memory_equal(mark->hash, hash, 32);
}

/* 0 for until: still so. */
static void assert_span(const struct store_span *span, unsigned from, unsigned until)
{
	assert_mark(&span->from, from);
	assert_int_equal(span->until.known, until != 0);
	if (until)
		assert_mark(&span->until, until);
}

static void states_at_blocks(void **state)
{
	static const struct {
		unsigned number;
		bool known; /* the block itself is kept */
		unsigned from, until, owner, owner_from, owner_until, wallet, wallet_from, wallet_until;
		enum store_tier tier;
	} rows[] = {
		{12, true, 12, 20, 0x0a, 12, 33, 0x0a, 12, 20, STORE_TIER_EVENTS},
		{13, false, 12, 20, 0x0a, 12, 33, 0x0a, 12, 20, STORE_TIER_EVENTS},
		{19, false, 12, 20, 0x0a, 12, 33, 0x0a, 12, 20, STORE_TIER_EVENTS},
		{20, true, 20, 33, 0x0a, 12, 33, 0x0b, 20, 33, STORE_TIER_QUORUM},
		{32, true, 20, 33, 0x0a, 12, 33, 0x0b, 20, 33, STORE_TIER_QUORUM},
		{33, true, 33, 36, 0x0c, 33, 0, 0, 33, 36, STORE_TIER_PROOF},
		{35, true, 33, 36, 0x0c, 33, 0, 0, 33, 36, STORE_TIER_PROOF},
		{36, true, 36, 0, 0x0c, 33, 0, 0x0d, 36, 0, STORE_TIER_RPC},
		{40, true, 36, 0, 0x0c, 33, 0, 0x0d, 36, 0, STORE_TIER_RPC},
		{1000, false, 36, 0, 0x0c, 33, 0, 0x0d, 36, 0, STORE_TIER_RPC}, /* the reach says that this is no answer */
	};
	enum { N = sizeof(rows) / sizeof(rows[0]) };
	uint64_t numbers[N];

	for (size_t i = 0; i < N; i++)
		numbers[i] = rows[i].number;
	struct store_resolve_list list = at_blocks(*state, agent, numbers, N);

	for (size_t i = 0; i < N; i++) {
		const struct store_resolved *row = &list.rows[i];

		assert_true(row->exists);
		assert_int_equal(row->at.known, rows[i].known);
		if (row->at.known)
			assert_mark(&row->at, rows[i].number);
		assert_int_equal(row->state.number, rows[i].from);
		assert_int_equal(row->state.owner[7], rows[i].owner);
		assert_int_equal(row->state.has_wallet, rows[i].wallet != 0);
		assert_int_equal(row->state.has_wallet ? row->state.wallet[7] : 0, rows[i].wallet);
		assert_int_equal(row->state.tier, rows[i].tier);
		assert_span(&row->held, rows[i].from, rows[i].until);
		assert_span(&row->owner, rows[i].owner_from, rows[i].owner_until);
		assert_span(&row->wallet, rows[i].wallet_from, rows[i].wallet_until);
		assert_mark(&row->created, 12);
	}
	assert_int_equal(list.rows[0].state.uri.len, 3);
	assert_memory_equal(list.rows[0].state.uri.data, "one", 3);
	assert_memory_equal(list.rows[N - 1].state.uri.data, "\xff\0", 2);
	store_resolve_clear(&list);
}

static void not_there(void **state)
{
	static const uint64_t before = 11, after = 40;
	struct store_resolve_list list = at_blocks(*state, agent, &before, 1);

	assert_false(list.rows[0].exists);
	assert_mark(&list.rows[0].created, 12); /* later */
	store_resolve_clear(&list);
	list = at_blocks(*state, absent, &after, 1);
	assert_false(list.rows[0].exists);
	assert_false(list.rows[0].created.known);
	store_resolve_clear(&list);
}

static void an_unknown_registry(void **state)
{
	struct rig *rig = *state;
	struct store_resolve_list list;
	struct store_history_page page;
	struct pg_op op = {0};
	uint64_t number = 12;

	assert_int_equal(pg_wait(rig->base, &op, store_resolve(rig->resolver, &op, &list, 2, agent, NULL, &number, 1)), -ENOENT);
	assert_int_equal(pg_wait(rig->base, &op, store_resolve_time(rig->resolver, &op, &list, 2, agent, NULL, number)), -ENOENT);
	assert_int_equal(pg_wait(rig->base, &op, store_history_page(rig->conn, &op, &page, 2, agent, NULL, number, 10)), -ENOENT);
	assert_int_equal(store_resolve(rig->resolver, &op, &list, 1, agent, NULL, &number, 0), -EINVAL);
	assert_int_equal(store_history_page(rig->conn, &op, &page, 1, agent, NULL, number, 0), -EINVAL);
	assert_int_equal(store_history_page(rig->conn, &op, &page, 1, agent, NULL, number, STORE_HISTORY_MAX + 1), -EINVAL);
}

static void states_at_instants(void **state)
{
	static const struct {
		uint64_t time;
		unsigned at, from; /* 0: none */
	} rows[] = {{0, 0, 0},		{1023, 0, 0},	   {1024, 12, 12},	{1025, 12, 12}, {1039, 12, 12}, {1040, 20, 20},
		    {1065, 32, 20},	{1066, 33, 33},	   {1067, 33, 33},	{1080, 40, 36}, {9999999999, 40, 36}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store_resolve_list list = at_time(*state, rows[i].time);

		assert_int_equal(list.rows[0].at.known, rows[i].at != 0);
		if (rows[i].at)
			assert_mark(&list.rows[0].at, rows[i].at);
		assert_int_equal(list.rows[0].exists, rows[i].from != 0);
		if (rows[i].from)
			assert_int_equal(list.rows[0].state.number, rows[i].from);
		store_resolve_clear(&list);
	}
}

static void how_far_it_reaches(void **state)
{
	struct rig *rig = *state;
	uint64_t number = 12;
	struct store_resolve_list list = at_blocks(rig, agent, &number, 1);
	struct store_reach reach = list.rows[0].reach;

	store_resolve_clear(&list);
	assert_int_equal(reach.start_block, 10);
	assert_int_equal(reach.indexed, 30);
	assert_int_equal(reach.index.final_number, 30);
	assert_int_equal(reach.index.tip_number, 40);
	assert_int_equal(reach.index.tip_time, 1080);
	assert_int_equal(reach.final_time, 1060);
	assert_true(reach.safe_holds);
	assert_true(store_reach_has(&reach, 0));
	assert_true(store_reach_has(&reach, 40));
	assert_false(store_reach_has(&reach, 41));
	/* a registry added later has not caught up: the overlay says nothing of it yet */
	reach.indexed = 29;
	assert_true(store_reach_has(&reach, 29));
	assert_false(store_reach_has(&reach, 30));
	assert_false(store_reach_has(&reach, 40));
	/* one that starts in the overlay is complete, one that starts at 0 and has nothing is not */
	reach.indexed = 34;
	assert_true(store_reach_has(&reach, 40));
	reach.indexed = -1;
	assert_false(store_reach_has(&reach, 0));
	/* another branch's safe block */
	rig->safe.hash[0] ^= 1;
	list = at_blocks(rig, agent, &number, 1);
	rig->safe.hash[0] ^= 1;
	assert_false(list.rows[0].reach.safe_holds);
	store_resolve_clear(&list);
}

static struct store_history_page history(struct rig *rig, uint64_t before, unsigned limit)
{
	struct store_history_page page;
	struct pg_op op = {0};

	assert_int_equal(pg_wait(rig->base, &op, store_history_page(rig->conn, &op, &page, 1, agent, &rig->safe, before, limit)), 0);
	return page;
}

static void history_newest_first(void **state)
{
	static const unsigned numbers[] = {36, 33, 20, 12}, changed[] = {6, 3, 2, 15}, events[] = {1, 2, 1, 2};
	struct store_history_page page = history(*state, UINT64_MAX, STORE_HISTORY_MAX);

	assert_int_equal(page.n, 4);
	assert_false(page.more);
	assert_int_equal(page.reach.index.tip_number, 40);
	for (size_t i = 0; i < 4; i++) {
		assert_mark(&page.rows[i].block, numbers[i]);
		assert_int_equal(page.rows[i].state.number, numbers[i]);
		assert_int_equal(page.rows[i].state.changed, changed[i]);
		assert_int_equal(page.rows[i].nevents, events[i]);
		assert_int_equal(page.rows[i].events[0].event.number, numbers[i]);
	}
	assert_int_equal(page.rows[1].events[0].event.kind, STORE_EVENT_TRANSFER);
	assert_int_equal(page.rows[1].events[0].event.a[3], 0x0a);
	assert_int_equal(page.rows[1].events[0].event.b[3], 0x0c);
	assert_int_equal(page.rows[1].events[1].event.log_index, 3);
	assert_int_equal(page.rows[1].events[1].event.key.len, 11);
	assert_non_null(page.rows[1].events[1].event.value.data);
	assert_int_equal(page.rows[1].events[1].value_len, 0);
	assert_null(page.rows[1].events[0].event.value.data);
	assert_int_equal(page.rows[3].state.uri.len, 3);
	store_history_page_clear(&page);
}

static void history_in_pages(void **state)
{
	struct store_history_page page = history(*state, 36, 2);

	assert_int_equal(page.n, 2);
	assert_true(page.more);
	assert_int_equal(page.rows[0].state.number, 33);
	assert_int_equal(page.rows[1].state.number, 20);
	assert_int_equal(page.rows[1].nevents, 1);
	store_history_page_clear(&page);
	page = history(*state, 20, 1);
	assert_int_equal(page.n, 1);
	assert_false(page.more);
	store_history_page_clear(&page);
	page = history(*state, 12, 1);
	assert_int_equal(page.n, 0);
	assert_false(page.more);
	store_history_page_clear(&page);
}

/* States of a registry that is still catching up are provisional above `indexed`: neither an answer nor the end of one. */
static void nothing_provisional(void **state)
{
	static const uint64_t numbers[] = {20, 33, 40};
	struct rig *rig = *state;

	(void)fixture_sql(rig->conninfo, "UPDATE registry SET indexed = 25");
	struct store_resolve_list list = at_blocks(rig, agent, numbers, 3);
	struct store_history_page page = history(rig, UINT64_MAX, 10);

	for (size_t i = 0; i < 3; i++) {
		assert_true(list.rows[i].exists);
		assert_span(&list.rows[i].held, 20, 0);
		assert_span(&list.rows[i].owner, 12, 0);
		assert_span(&list.rows[i].wallet, 20, 0);
	}
	assert_true(store_reach_has(&list.rows[0].reach, 25));
	assert_false(store_reach_has(&list.rows[0].reach, 33));
	assert_int_equal(page.n, 2);
	store_resolve_clear(&list);
	store_history_page_clear(&page);
	(void)fixture_sql(rig->conninfo, "UPDATE registry SET indexed = 11");
	list = at_blocks(rig, agent, numbers, 1);
	assert_false(list.rows[0].exists);
	assert_false(list.rows[0].created.known);
	store_resolve_clear(&list);
	(void)fixture_sql(rig->conninfo, "UPDATE registry SET indexed = 30");
	/* blocks of a backfill above the tip */
	(void)fixture_sql(rig->conninfo, "INSERT INTO block SELECT 31337, 41, sha256(''), sha256(''), 1082, true");
	list = at_time(rig, 2000);
	assert_mark(&list.rows[0].at, 40);
	store_resolve_clear(&list);
	(void)fixture_sql(rig->conninfo, "DELETE FROM block WHERE number = 41");
}

/* The overlay has nothing of a registry that has just come to the settings, or left them. */
static void nothing_above_the_final_block_of_one_not_followed(void **state)
{
	static const uint64_t numbers[] = {29, 30, 33, 40};
	struct rig *rig = *state;

	(void)fixture_sql(rig->conninfo, "UPDATE registry SET followed = false");
	struct store_resolve_list list = at_blocks(rig, agent, numbers, 4);

	assert_true(store_reach_has(&list.rows[0].reach, 29));
	for (size_t i = 1; i < 4; i++) {
		assert_false(store_reach_has(&list.rows[0].reach, numbers[i]));
		assert_span(&list.rows[i].held, 20, 0);
	}
	store_resolve_clear(&list);
	(void)fixture_sql(rig->conninfo, "UPDATE registry SET followed = true");
}

/* Last: it adds rows. Agent 0 sets 30 URIs of 64 KiB, and in one block 100 values, one of them large. */
static void history_is_bounded(void **state)
{
	struct rig *rig = *state;

	(void)fixture_sql(rig->conninfo,
		    "WITH big AS (INSERT INTO uri SELECT sha256(b), b FROM (SELECT convert_to(repeat(chr(65 + n), 65536), 'UTF8') b"
		    " FROM generate_series(1, 24) n) x RETURNING hash),"
		    " b AS (INSERT INTO block SELECT 31337, 100 + n, sha256(convert_to('b' || (100 + n), 'UTF8')), sha256(''), 1200 + 2 * n, false"
		    " FROM generate_series(1, 24) n RETURNING number)"
		    " SELECT count(*) FROM big, b;"
		    "INSERT INTO agent_state SELECT 1, decode(repeat('00', 32), 'hex'), 31337, 100 + n, decode(repeat('0c', 20), 'hex'), NULL,"
		    " sha256(convert_to(repeat(chr(65 + n), 65536), 'UTF8')), 4, 2 FROM generate_series(1, 24) n;"
		    "INSERT INTO agent_event SELECT 1, 31337, 124, n, sha256(''), decode(repeat('00', 32), 'hex'), 4, NULL, NULL, convert_to(repeat('k', 200), 'UTF8'),"
		    " convert_to(repeat('v', CASE n WHEN 0 THEN 1025 ELSE 1024 END), 'UTF8') FROM generate_series(0, 99) n;"
		    "UPDATE chain_index SET tip_number = 124");
	struct store_history_page page = history(rig, UINT64_MAX, 1000);

	assert_int_equal(page.n, 15); /* with the events of the first they are 1 MiB and more */
	assert_true(page.more);
	assert_int_equal(page.rows[14].state.uri.len, 65536);
	assert_int_equal(page.rows[0].nevents, STORE_HISTORY_EVENTS);
	assert_true(page.rows[0].events_left_out);
	assert_null(page.rows[0].events[0].event.value.data);
	assert_int_equal(page.rows[0].events[0].value_len, 1025);
	assert_int_equal(page.rows[0].events[1].event.value.len, 1024);
	assert_int_equal(page.rows[0].events[1].event.key.len, 128);
	store_history_page_clear(&page);
	/* the same of events, each of which may be small */
	(void)fixture_sql(rig->conninfo,
			  "UPDATE agent_state SET uri = sha256('') WHERE number > 100; DELETE FROM agent_event WHERE number > 100;"
			  "INSERT INTO agent_event SELECT 1, 31337, n, i, sha256(''), decode(repeat('00', 32), 'hex'), 4, NULL, NULL,"
			  " convert_to('k', 'UTF8'), convert_to(repeat('v', 1000), 'UTF8') FROM generate_series(101, 124) n, generate_series(0, 99) i");
	page = history(rig, UINT64_MAX, 1000);
	assert_int_equal(page.n, 15);
	assert_true(page.more);
	store_history_page_clear(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_at_blocks),	cmocka_unit_test(not_there),	     cmocka_unit_test(an_unknown_registry),
		cmocka_unit_test(states_at_instants),	cmocka_unit_test(how_far_it_reaches), cmocka_unit_test(history_newest_first),
		cmocka_unit_test(history_in_pages),	cmocka_unit_test(nothing_provisional),
		cmocka_unit_test(nothing_above_the_final_block_of_one_not_followed),
		cmocka_unit_test(history_is_bounded),
	};

	return cmocka_run_group_tests(tests, open_rig, close_rig);
}
