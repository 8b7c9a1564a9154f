/* What was believed too early goes, or is mended. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/store_notary.h"
#include "sql/store_resolve.h"
#include "tests/sql/fixture.h"
#include "tests/sql/index_fixture.h"

static struct index_fixture f;
static struct index_build b;

static void a_first_registry_is_complete(void **state)
{
	const uint32_t registries[] = {f.registry};

	(void)state;
	build_start(&b, 30, 32, 'a');
	build_blocks(&b, 12, 12, 'a');
	build_blocks(&b, 30, 32, 'a');
	build_event(&b, &f, 0, 12, STORE_EVENT_TRANSFER);
	build_state(&b, &f, 0, 12, 0x11, 0, "u1");
	b.step.indexed = registries;
	b.step.nindexed = 1;
	b.step.indexed_to = 30;
	assert_int_equal(build_put(&b, &f), 0);
}

/* A later registry's first fetch was not true: it leaves nothing behind, not even its blocks. */
static void a_refused_fetch_leaves_nothing(void **state)
{
	char *kept;
	struct store_registry late;
	uint8_t address[20];
	struct pg_op op = {0};
	uint32_t first = f.registry;

	(void)state;
	memset(address, 0x99, sizeof(address));
	assert_int_equal(WAIT(&f.log, &op, store_registry_open(f.log.writer, &op, &late, &f.fence, INDEX_CHAIN, address, 10)), 0);
	kept = strdup(index_text(&f));
	assert_non_null(kept);
	f.registry = late.id;
	build_start(&b, 30, 40, 'a');
	assert_int_equal(WAIT(&f.log, &op, store_index(f.log.reader, &op, &b.index, INDEX_CHAIN)), 0);
	build_blocks(&b, 14, 14, 'x');
	b.blocks[0].final = true;
	build_event(&b, &f, 7, 14, STORE_EVENT_TRANSFER);
	build_state(&b, &f, 7, 14, 0x71, 0, "a URI of its own");
	b.step.indexed = &late.id;
	b.step.nindexed = 1;
	b.step.indexed_to = b.index.final_number;
	b.step.provisional = true;
	assert_int_equal(build_put(&b, &f), 0);
	f.registry = first;
	assert_string_not_equal(index_text(&f), kept);
	assert_int_equal(WAIT(&f.log, &op, store_registry_refetch(f.log.writer, &op, &f.fence, late.id)), 0);
	assert_string_equal(index_text(&f), kept);
	free(kept);
}

/* A proof says otherwise of a state that is final: it is what the proof says, and so is what follows. */
static void a_disproved_state_is_mended_in_place(void **state)
{
	struct store_state mended;
	struct pg_op op = {0};

	(void)state;
	build_start(&b, 60, 64, 'a');
	build_blocks(&b, 60, 64, 'a');
	build_state(&b, &f, 9, 60, 0x41, 0, "u1");
	build_state(&b, &f, 9, 61, 0x66, 0x67, "u1"); /* the lie */
	build_state(&b, &f, 9, 62, 0x42, 0, "u1");
	build_state(&b, &f, 9, 63, 0x43, 0, "u1");
	assert_int_equal(build_put(&b, &f), 0);
	mended = b.states[1];
	mended.uri = pg_bytes("u9", 2);
	memset(mended.owner, 0x42, 20);
	mended.has_wallet = false;
	assert_int_equal(WAIT(&f.log, &op, store_state_mend(f.log.writer, &op, &f.fence, &mended)), 0);
	assert_string_equal(state_text(&f, 9, false, 61), "42 00 u9 5 2 @61");
	assert_string_equal(state_text(&f, 9, false, 62), "42 00 u1 4 2 @62");
	mended.uri = pg_bytes("u1", 2);
	assert_int_equal(WAIT(&f.log, &op, store_state_mend(f.log.writer, &op, &f.fence, &mended)), 0);
	assert_string_equal(state_text(&f, 9, false, 62), "42 00 u1 1 2 @61"); /* the next says nothing new */
	assert_string_equal(now_text(&f, 9), "43 00 u1 @63");
	mended = b.states[3];
	memset(mended.owner, 0x44, 20);
	assert_int_equal(WAIT(&f.log, &op, store_state_mend(f.log.writer, &op, &f.fence, &mended)), 0);
	assert_string_equal(now_text(&f, 9), "44 00 u1 @63");
	mended.number = 64; /* there is none */
	assert_int_equal(WAIT(&f.log, &op, store_state_mend(f.log.writer, &op, &f.fence, &mended)), 0);
	assert_string_equal(state_text(&f, 9, false, 64), "44 00 u1 1 2 @63");
}

static void on_stored(struct pg_op *op)
{
	*(bool *)op->arg = true;
}

/* A registry of hundreds of thousands of agents joins in one statement: it takes as long as it takes. Here another's lock does. */
static void what_moves_much_may_take_longer_than_other_writes(void **state)
{
	PGconn *other = PQconnectdb(f.log.conninfo);
	struct pg_conn *conn;
	bool done = false;
	struct pg_op op = {.on_done = on_stored, .arg = &done};

	(void)state;
	assert_int_equal(store_open(&conn, f.log.base, f.log.conninfo, "test", STORE_WRITER_OF_MUCH, NULL, NULL), 0);
	assert_int_equal(pg_wait_up(f.log.base, conn, 10000), 0);
	PQclear(PQexec(other, "BEGIN"));
	PQclear(PQexec(other, "SELECT pg_advisory_xact_lock(1801807976, 1)"));
	assert_int_equal(store_registry_refetch(conn, &op, &f.fence, f.registry), 0);
	(void)!pg_run_until(f.log.base, &done, 5500);
	assert_false(done);
	PQfinish(other);
	assert_int_equal(pg_run_until(f.log.base, &done, 10000), 0);
	assert_int_equal(op.err, 0);
	pg_close(conn);
}

static void an_alarm_is_said_and_taken_back(void **state)
{
	struct store_resolver *resolver;
	struct store_resolve_list list;
	const uint64_t number = 30;
	const uint8_t id[32] = {[31] = 9};
	struct store_agents agents;
	struct store_knowns news;
	struct pg_op op = {0};

	(void)state;
	(void)fixture_sql(f.log.conninfo, "INSERT INTO known_agent SELECT 'nine', registry, agent_id, -1, -1 FROM agent_now LIMIT 1;"
					  " UPDATE registry SET indexed = 100 WHERE chain_id = 31337;"
					  " UPDATE chain_index SET final_number = 100, tip_number = 100, tip_hash = final_hash");
	assert_int_equal(store_resolver_new(&resolver, f.log.base, &f.log.reader, 1), 0);
	for (unsigned stands = 0; stands < 4; stands++) {
		assert_int_equal(WAIT(&f.log, &op, store_index_alarm(f.log.writer, &op, &f.fence, INDEX_CHAIN, stands % 2 == 1)), 0);
		assert_int_equal(WAIT(&f.log, &op, store_resolve(resolver, &op, &list, f.registry, id, NULL, &number, 1)), 0);
		assert_int_equal(store_reach_has(&list.rows[0].reach, number), stands % 2 == 0);
		store_resolve_clear(&list);
		assert_int_equal(WAIT(&f.log, &op, store_agents(f.log.reader, &op, &agents, &(struct store_agent_filter){.limit = 10})), 0);
		assert_int_equal(agents.n > 0, stands % 2 == 0);
		store_agents_clear(&agents);
		assert_int_equal(WAIT(&f.log, &op, store_known_news(f.log.reader, &op, &news, NULL, 0, (struct pg_bytes){0}, 10)), 0);
		assert_int_equal(news.n, stands % 2 == 0);
		store_knowns_clear(&news);
	}
	store_resolver_free(resolver);
	assert_int_equal(WAIT(&f.log, &op, store_index_alarm(f.log.writer, &op, &f.fence, 5, true)), -ENOENT);
}

static int set_up(void **state)
{
	(void)state;
	index_fixture_open(&f);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	index_fixture_close(&f);
	return 0;
}

int main(void)
{
	/* In this order: each goes on from what the one before left. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_registry_is_complete),
		cmocka_unit_test(a_refused_fetch_leaves_nothing),
		cmocka_unit_test(a_disproved_state_is_mended_in_place),
		cmocka_unit_test(an_alarm_is_said_and_taken_back),
		cmocka_unit_test(what_moves_much_may_take_longer_than_other_writes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
