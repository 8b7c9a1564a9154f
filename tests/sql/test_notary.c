/* The notary's place, and what is news about the agents it knows. */
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
#include "tests/sql/fixture.h"
#include "tests/sql/index_fixture.h"

static struct index_fixture f;
static struct index_build b;
static struct store_reputation reputation;

static struct store_known known(unsigned id, const char *key, int64_t logged, int64_t feedback)
{
	struct store_known k = {.key = pg_text(key), .registry = f.registry, .logged = logged, .feedback = feedback};

	index_id(k.agent_id, id);
	return k;
}

static int progress(const struct store_notary_place *place, const struct store_known *added, size_t nadded,
		    const struct store_known *moved, size_t nmoved)
{
	struct pg_op op = {0};

	return WAIT(&f.log, &op,
		    store_notary_progress(f.log.writer, &op, &f.fence, place, added, nadded, moved, nmoved));
}

/* "KEY" with "!" for identity news and "?" for feedback news. */
static const char *news(bool feedback, const char *after, unsigned limit)
{
	static char text[256];
	struct store_knowns list;
	struct pg_op op = {0};
	size_t at = 0;

	text[0] = '\0';
	assert_int_equal(WAIT(&f.log, &op,
			      store_known_news(f.log.reader, &op, &list, &reputation, feedback, pg_text(after), limit)),
			 0);
	for (size_t i = 0; i < list.n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s%s%s", at ? " " : "",
				       (int)list.rows[i].key.len, (const char *)list.rows[i].key.data,
				       list.rows[i].news ? "!" : "", list.rows[i].feedback_news ? "?" : "");
	store_knowns_clear(&list);
	return text;
}

static void the_place_and_the_known_move_together(void **state)
{
	struct store_known agents[] = {known(1, "b", -1, -1), known(2, "a", -1, 3), known(256, "c", 7, -1)};
	struct store_notary_place place = {.seq = 9, .checked = 4}, got;
	struct store_knowns list;
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(WAIT(&f.log, &op, store_notary_place(f.log.reader, &op, &got)), 0);
	assert_int_equal(got.seq, 0);
	assert_int_equal(got.checked, 0);
	assert_int_equal(progress(&place, agents, 3, NULL, 0), 0);
	assert_int_equal(WAIT(&f.log, &op, store_notary_place(f.log.reader, &op, &got)), 0);
	assert_memory_equal(&got, &place, sizeof(got));
	/* known ones stay as they are; only `moved` moves, and never back */
	agents[0].logged = 50;
	agents[2].feedback = 20;
	agents[2].logged = 5;
	assert_int_equal(progress(NULL, agents, 2, agents + 2, 1), 0);
	agents[1].key = pg_text("unknown");
	assert_int_equal(progress(NULL, NULL, 0, agents + 1, 1), 0);
	assert_int_equal(WAIT(&f.log, &op, store_known_get(f.log.reader, &op, &list, pg_text("b"))), 0);
	assert_int_equal(list.rows[0].logged, -1);
	assert_memory_equal(list.rows[0].agent_id, agents[0].agent_id, 32);
	assert_int_equal(list.rows[0].registry, f.registry);
	store_knowns_clear(&list);
	assert_int_equal(WAIT(&f.log, &op, store_known_get(f.log.reader, &op, &list, pg_text("c"))), 0);
	assert_int_equal(list.rows[0].logged, 7);
	assert_int_equal(list.rows[0].feedback, 20);
	store_knowns_clear(&list);
	assert_int_equal(WAIT(&f.log, &op, store_known_get(f.log.reader, &op, &list, pg_text("unknown"))), -ENOENT);
	assert_int_equal(WAIT(&f.log, &op, store_notary_place(f.log.reader, &op, &got)), 0);
	assert_int_equal(got.seq, 9);
	/* whoever lost the duty writes nothing */
	place.seq = 99;
	agents[1] = known(5, "d", -1, -1);
	assert_int_equal(WAIT(&f.log, &op,
			      store_notary_progress(f.log.writer, &op, &(struct store_fence){"index", 77}, &place,
						    agents + 1, 1, agents + 2, 1)),
			 -ESTALE);
	assert_string_equal(fixture_sql(f.log.conninfo, "SELECT count(*) || ' ' || (SELECT seq FROM logged_identity)"
							" FROM known_agent"),
			    "3 9");
}

static void only_what_is_final_is_news(void **state)
{
	struct store_states list;
	struct store_known moved;
	uint8_t agent[32];
	struct pg_op op = {0};

	(void)state;
	assert_string_equal(news(true, NULL, 10), "");
	build_start(&b, 22, 24, 'a');
	build_blocks(&b, 20, 24, 'a');
	for (uint64_t n = 20; n <= 24; n++)
		build_state(&b, &f, 1, n, (uint8_t)n, 0, "u");
	build_state(&b, &f, 2, 23, 1, 0, "u");
	build_state(&b, &f, 256, 22, 1, 0, "u");
	assert_int_equal(build_put(&b, &f), 0);
	assert_string_equal(news(false, NULL, 10), ""); /* a registry that has not caught up has no news */
	(void)fixture_sql(f.log.conninfo, "UPDATE registry SET indexed = 22");
	assert_string_equal(news(false, NULL, 10), "b! c!");
	assert_string_equal(news(false, NULL, 1), "b!");
	assert_string_equal(news(false, "b", 10), "c!");
	index_id(agent, 1);
	assert_int_equal(WAIT(&f.log, &op, store_states_final(f.log.reader, &op, &list, f.registry, agent, -1, 10)), 0);
	assert_int_equal(list.n, 3);
	assert_int_equal(list.rows[0].state.number, 20);
	assert_int_equal(list.rows[2].state.number, 22);
	assert_true(list.rows[2].block.final);
	store_states_clear(&list);
	assert_int_equal(WAIT(&f.log, &op, store_states_final(f.log.reader, &op, &list, f.registry, agent, 20, 1)), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.rows[0].state.number, 21);
	store_states_clear(&list);
	moved = known(1, "b", 22, -1);
	assert_int_equal(progress(NULL, NULL, 0, &moved, 1), 0);
	assert_string_equal(news(false, NULL, 10), "c!");
	struct store_index index;

	index_place(&index, 23, 24, 'a');
	assert_int_equal(WAIT(&f.log, &op, store_index_finalize(f.log.writer, &op, &f.fence, INDEX_CHAIN, &index)), 0);
	assert_string_equal(news(false, NULL, 10), "a! b! c!");
}

static void feedback_comes_in_whole_blocks(void **state)
{
	uint8_t address[20] = {0x80};
	struct store_registry registry;
	struct store_events list;
	struct store_known moved;
	uint8_t agent[32];
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(
		WAIT(&f.log, &op, store_registry_open(f.log.writer, &op, &registry, &f.fence, INDEX_CHAIN, address, 0)),
		0);
	reputation = (struct store_reputation){f.registry, registry.id};
	build_start(&b, 30, 31, 'a');
	build_blocks(&b, 30, 31, 'a');
	build_blocks(&b, 25, 25, 'a');
	for (size_t i = 0; i < 6; i++)
		build_event(&b, &f, 1,
			    i < 2   ? 25
			    : i < 5 ? 30
				    : 31,
			    STORE_EVENT_FEEDBACK + (i % 3))
			->registry = registry.id;
	build_event(&b, &f, 1, 30, STORE_EVENT_TRANSFER); /* of the identity registry */
	assert_int_equal(build_put(&b, &f), 0);
	assert_string_equal(news(true, NULL, 10), "a! b! c!");
	(void)fixture_sql(f.log.conninfo, "UPDATE registry SET indexed = 30");
	assert_string_equal(news(false, NULL, 10), "a! b! c!");
	assert_string_equal(news(true, NULL, 10), "a! b!? c!");
	index_id(agent, 1);
	assert_int_equal(WAIT(&f.log, &op, store_feedback_final(f.log.reader, &op, &list, registry.id, agent, -1, 1)),
			 0);
	assert_int_equal(list.n, 2);
	assert_int_equal(list.rows[1].log_index, 1);
	store_events_clear(&list);
	assert_int_equal(WAIT(&f.log, &op, store_feedback_final(f.log.reader, &op, &list, registry.id, agent, 25, 2)),
			 0);
	assert_int_equal(list.n, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(list.rows[i].number, 30);
		assert_int_equal(list.rows[i].log_index, 2 + i);
	}
	store_events_clear(&list);
	moved = known(1, "b", 24, 30);
	assert_int_equal(progress(NULL, NULL, 0, &moved, 1), 0);
	assert_string_equal(news(true, NULL, 10), "a! c!");
}

static void final_blocks_are_found_by_number(void **state)
{
	const uint64_t numbers[] = {30, 20, 30, 999, 31, 29};
	struct store_index_blocks blocks;
	struct store_index_block want;
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(WAIT(&f.log, &op, store_blocks_final(f.log.reader, &op, &blocks, INDEX_CHAIN, numbers, 6)), 0);
	assert_int_equal(blocks.n, 2);
	assert_int_equal(blocks.rows[0].number, 20);
	index_block(&want, 30, 'a', true);
	assert_memory_equal(blocks.rows[1].hash, want.hash, 32);
	store_index_blocks_clear(&blocks);
	assert_int_equal(WAIT(&f.log, &op, store_blocks_final(f.log.reader, &op, &blocks, 1, numbers, 6)), 0);
	assert_int_equal(blocks.n, 0);
	store_index_blocks_clear(&blocks);
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
		cmocka_unit_test(the_place_and_the_known_move_together),
		cmocka_unit_test(only_what_is_final_is_news),
		cmocka_unit_test(feedback_comes_in_whole_blocks),
		cmocka_unit_test(final_blocks_are_found_by_number),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
