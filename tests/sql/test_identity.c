/* The index moves forward, back and to finality: what is written, and what is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/store_duty.h"
#include "tests/sql/fixture.h"
#include "tests/sql/index_fixture.h"

static struct index_fixture f;
static struct index_build b;

#define COUNT(table) fixture_sql(f.log.conninfo, "SELECT count(*) FROM " table)

static int drop(uint64_t keep, const struct store_index *index)
{
	struct pg_op op = {0};

	return WAIT(&f.log, &op, store_index_drop(f.log.writer, &op, &f.fence, INDEX_CHAIN, keep, index));
}

static int finalize(uint64_t number, uint64_t tip)
{
	struct store_index index;
	struct pg_op op = {0};

	index_place(&index, number, tip, 'a');
	return WAIT(&f.log, &op, store_index_finalize(f.log.writer, &op, &f.fence, INDEX_CHAIN, &index));
}

static void registries_are_opened_once_and_keep_their_start(void **state)
{
	struct store_registry r;
	struct store_registries list;
	uint8_t address[20], implementation[20], code[32];
	struct pg_op op = {0};

	(void)state;
	memset(address, 0x88, 20);
	memset(implementation, 0x77, 20);
	memset(code, 0x66, 32);
	assert_int_equal(
		WAIT(&f.log, &op, store_registry_open(f.log.writer, &op, &r, &f.fence, INDEX_CHAIN, address, 10)), 0);
	assert_int_equal(r.id, f.registry);
	assert_int_equal(r.indexed, 9);
	assert_false(r.has_implementation);
	assert_false(r.known);
	assert_int_equal(
		WAIT(&f.log, &op, store_registry_open(f.log.writer, &op, &r, &f.fence, INDEX_CHAIN, address, 11)),
		-EEXIST);
	assert_int_equal(r.start_block, 10);
	assert_int_equal(WAIT(&f.log, &op,
			      store_registry_implementation(f.log.writer, &op, &f.fence, f.registry, implementation,
							    code, true)),
			 0);
	assert_int_equal(
		WAIT(&f.log, &op,
		     store_registry_implementation(f.log.writer, &op, &f.fence, 999, implementation, code, true)),
		-ENOENT);
	address[0] = 0;
	assert_int_equal(WAIT(&f.log, &op, store_registry_open(f.log.writer, &op, &r, &f.fence, 5, address, 0)), 0);
	assert_int_equal(r.indexed, -1);
	assert_int_equal(WAIT(&f.log, &op, store_registries(f.log.reader, &op, &list)), 0);
	assert_int_equal(list.n, 2);
	assert_int_equal(list.rows[0].id, f.registry);
	assert_true(list.rows[0].has_implementation);
	assert_true(list.rows[0].known);
	assert_memory_equal(list.rows[0].implementation, implementation, 20);
	assert_memory_equal(list.rows[0].code_hash, code, 32);
	assert_int_equal(list.rows[1].chain_id, 5);
	assert_memory_equal(list.rows[1].address, address, 20);
	store_registries_clear(&list);
}

static void a_step_stores_what_happened_and_where_it_ended(void **state)
{
	const uint32_t registries[] = {f.registry};
	struct store_index index;
	struct store_index_blocks blocks;
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(WAIT(&f.log, &op, store_index(f.log.reader, &op, &index, INDEX_CHAIN)), -ENOENT);
	build_start(&b, 20, 22, 'a');
	build_blocks(&b, 12, 12, 'a');
	build_blocks(&b, 20, 22, 'a');
	build_event(&b, &f, 0, 12, STORE_EVENT_TRANSFER);
	build_state(&b, &f, 0, 12, 0x11, 0, "");
	build_state(&b, &f, 0, 21, 0x11, 0x22, "u1");
	build_state(&b, &f, 256, 22, 0x33, 0x33, "u1");
	b.step.indexed = registries;
	b.step.nindexed = 1;
	b.step.indexed_to = 20;
	assert_int_equal(build_put(&b, &f), 0);
	assert_int_equal(WAIT(&f.log, &op, store_index(f.log.reader, &op, &index, INDEX_CHAIN)), 0);
	assert_memory_equal(&index, &b.index, sizeof(index));
	assert_int_equal(WAIT(&f.log, &op, store_index_overlay(f.log.reader, &op, &blocks, INDEX_CHAIN)), 0);
	assert_int_equal(blocks.n, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct store_index_block *want = &b.blocks[1 + i];

		assert_int_equal(blocks.rows[i].number, want->number);
		assert_memory_equal(blocks.rows[i].hash, want->hash, 32);
		assert_memory_equal(blocks.rows[i].parent, want->parent, 32);
		assert_int_equal(blocks.rows[i].time, want->time);
		assert_int_equal(blocks.rows[i].final, i == 0);
	}
	store_index_blocks_clear(&blocks);
	/* 9: registered with an owner and nothing else; 6: wallet and URI; 15: registered with all three */
	assert_string_equal(state_text(&f, 0, false, 12), "11 00  9 2 @12");
	assert_string_equal(state_text(&f, 0, false, 1000), "11 22 u1 6 2 @21");
	assert_string_equal(state_text(&f, 256, false, 22), "33 33 u1 15 2 @22");
	assert_string_equal(now_text(&f, 0), "11 22 u1 @21");
	assert_string_equal(now_text(&f, 256), "33 33 u1 @22");
	assert_string_equal(COUNT("uri"), "2"); /* "" and "u1" */
	assert_string_equal(fixture_sql(f.log.conninfo, "SELECT indexed FROM registry WHERE chain_id = 31337"), "20");
}

static void equal_states_are_not_stored_again(void **state)
{
	(void)state;
	build_start(&b, 20, 25, 'a');
	build_blocks(&b, 23, 25, 'a');
	build_state(&b, &f, 0, 23, 0x11, 0x22, "u1"); /* as in force */
	build_state(&b, &f, 0, 24, 0x44, 0x22, "u1");
	build_state(&b, &f, 0, 25, 0x44, 0x22, "u1"); /* as before it in the step */
	build_state(&b, &f, 1, 23, 0x55, 0, "u2");
	build_state(&b, &f, 1, 24, 0x55, 0x66, "u2");
	build_state(&b, &f, 1, 25, 0x55, 0, "u2"); /* back to what it was: two changes */
	assert_int_equal(build_put(&b, &f), 0);
	assert_string_equal(state_text(&f, 0, false, 23), "11 22 u1 6 2 @21");
	assert_string_equal(state_text(&f, 0, false, 25), "44 22 u1 1 2 @24");
	assert_string_equal(state_text(&f, 1, false, 23), "55 00 u2 13 2 @23");
	assert_string_equal(state_text(&f, 1, false, 24), "55 66 u2 2 2 @24");
	assert_string_equal(state_text(&f, 1, false, 25), "55 00 u2 2 2 @25");
	assert_string_equal(now_text(&f, 0), "44 22 u1 @24");
	assert_string_equal(now_text(&f, 1), "55 00 u2 @25");
	assert_string_equal(COUNT("agent_state"), "7");
}

static void a_block_or_state_that_is_there_is_told_from_another(void **state)
{
	const char *before = index_text(&f);

	(void)state;
	build_start(&b, 20, 25, 'a');
	build_blocks(&b, 24, 25, 'a');
	assert_int_equal(build_put(&b, &f), 0);
	assert_string_equal(index_text(&f), before);
	build_start(&b, 20, 25, 'b');
	build_blocks(&b, 25, 25, 'b');
	assert_int_equal(build_put(&b, &f), -EEXIST);
	build_start(&b, 20, 25, 'a');
	build_state(&b, &f, 1, 25, 0x99, 0, "other");
	assert_int_equal(build_put(&b, &f), -EEXIST);
	build_start(&b, 20, 26, 'a');
	build_event(&b, &f, 1, 26, STORE_EVENT_URI); /* without its block */
	assert_int_equal(build_put(&b, &f), -EPROTO);
	assert_string_equal(index_text(&f), before);
}

static void put_files(unsigned id, const char *uri)
{
	struct store_file file = {.registry = f.registry, .at = 5, .uri = pg_text(uri), .status = pg_text("ok")};
	struct store_file_now now = {.due = 99, .name = pg_text("n")};
	struct store_domain domain = {pg_text("example.org"), pg_text("ok"), 5};
	struct pg_op op = {0};

	index_id(file.agent_id, id);
	assert_int_equal(WAIT(&f.log, &op, store_file_put(f.log.writer, &op, NULL, &file, &now)), 0);
	assert_int_equal(
		WAIT(&f.log, &op, store_domains_put(f.log.writer, &op, NULL, f.registry, file.agent_id, &domain, 1)),
		0);
}

static void a_dropped_branch_leaves_nothing(void **state)
{
	const char *before = index_text(&f);
	struct store_event *event;
	struct store_index index;

	(void)state;
	build_start(&b, 20, 30, 'a');
	build_blocks(&b, 26, 30, 'a');
	event = build_event(&b, &f, 7, 26, STORE_EVENT_METADATA);
	event->key = pg_text("k");
	event->value = pg_text("v");
	build_state(&b, &f, 7, 26, 0x77, 0, "only here");
	build_state(&b, &f, 0, 27, 0x10, 0, "u2");
	build_state(&b, &f, 0, 28, 0x10, 0x20, "only here too");
	build_state(&b, &f, 256, 30, 0x33, 0x34, "u1");
	build_proof(&b, &f, 7, 26, "proof");
	build_proof(&b, &f, 0, 28, "proof");
	assert_int_equal(build_put(&b, &f), 0);
	put_files(7, "only here");
	put_files(0, "only here too");
	assert_string_equal(now_text(&f, 0), "10 20 only here too @28");
	index_place(&index, 20, 25, 'a');
	assert_int_equal(drop(25, &index), 0);
	assert_string_equal(index_text(&f), before);
	assert_string_equal(COUNT("file"), "0");
	assert_string_equal(COUNT("agent_proof"), "0");
	assert_string_equal(COUNT("agent_event"), "1");
}

/* An agent that had a URI, and looked at through it, before the branch gave it another one. */
static void what_a_dropped_uri_said_goes_with_it(void **state)
{
	struct store_file file = {.registry = f.registry, .at = 7, .uri = pg_text("u1"), .status = pg_text("dns")};
	struct store_file_now now = {.due = 99, .keep = true};
	struct store_index index;
	struct pg_op op = {0};

	(void)state;
	put_files(0, "u1");
	build_start(&b, 20, 28, 'a');
	build_blocks(&b, 26, 28, 'a');
	build_state(&b, &f, 0, 26, 0x10, 0, "only here");
	build_state(&b, &f, 0, 27, 0x10, 0, "u1");
	assert_int_equal(build_put(&b, &f), 0);
	put_files(0, "only here");
	/* and back again, to a server that is away by now: the name stays that of the other URI */
	assert_int_equal(WAIT(&f.log, &op, store_file_put(f.log.writer, &op, NULL, &file, &now)), 0);
	index_place(&index, 20, 25, 'a');
	assert_int_equal(drop(25, &index), 0);
	assert_string_equal(COUNT("domain_proof"), "0");
	assert_string_equal(COUNT("file_now"), "0");
	assert_string_equal(fixture_sql(f.log.conninfo, "SELECT looked FROM agent_now WHERE agent_id = decode(repeat('00', 32), 'hex')"), "f");
	assert_string_equal(COUNT("file"), "2"); /* what was seen through its own URI, before and after */
}

static void agents_now_go_back_step_by_step(void **state)
{
	struct store_index index;

	(void)state;
	build_start(&b, 20, 28, 'a');
	build_blocks(&b, 26, 28, 'a');
	for (uint64_t n = 26; n <= 28; n++)
		build_state(&b, &f, 0, n, (uint8_t)n, (uint8_t)n, "u3");
	build_state(&b, &f, 9, 27, 9, 0, "u3");
	assert_int_equal(build_put(&b, &f), 0);
	assert_string_equal(now_text(&f, 0), "1c 1c u3 @28");
	index_place(&index, 20, 27, 'a');
	assert_int_equal(drop(27, &index), 0);
	assert_string_equal(now_text(&f, 0), "1b 1b u3 @27");
	assert_string_equal(now_text(&f, 9), "09 00 u3 @27");
	index_place(&index, 20, 26, 'a');
	assert_int_equal(drop(26, &index), 0);
	assert_string_equal(now_text(&f, 0), "1a 1a u3 @26");
	assert_string_equal(now_text(&f, 9), "");
	/* another branch over the same numbers */
	build_start(&b, 20, 28, 'b');
	build_blocks(&b, 27, 28, 'b');
	build_state(&b, &f, 9, 28, 0x99, 0, "u4");
	assert_int_equal(build_put(&b, &f), 0);
	assert_string_equal(state_text(&f, 9, false, 28), "99 00 u4 13 2 @28");
	index_place(&index, 20, 25, 'a');
	assert_int_equal(drop(25, &index), 0);
	assert_string_equal(now_text(&f, 0), "44 22 u1 @24");
	assert_string_equal(COUNT("uri"), "3");
	/* never below what is final, whoever is asked */
	index_place(&index, 20, 19, 'a');
	assert_int_equal(drop(19, &index), -EINVAL);
	index_place(&index, 5, 19, 'a');
	assert_int_equal(drop(19, &index), -EINVAL);
	assert_string_equal(now_text(&f, 0), "44 22 u1 @24");
}

static void finality_prunes_blocks_in_which_nothing_happened(void **state)
{
	struct store_index index;

	(void)state;
	build_start(&b, 20, 30, 'a');
	build_blocks(&b, 26, 30, 'a');
	build_proof(&b, &f, 0, 27, "late proof");
	assert_int_equal(build_put(&b, &f), 0);
	assert_int_equal(finalize(29, 30), 0);
	/* 12 has an event, 20 was the final one and is empty, 21 to 25 have states, 26 and 28 are empty, 27 has a proof
	 */
	assert_string_equal(fixture_sql(f.log.conninfo,
					"SELECT string_agg(number || CASE WHEN final THEN '' ELSE '?' END,"
					" ' ' ORDER BY number) FROM block"),
			    "12 21 22 23 24 25 27 29 30?");
	assert_string_equal(fixture_sql(f.log.conninfo, "SELECT indexed FROM registry WHERE chain_id = 31337"), "29");
	assert_string_equal(fixture_sql(f.log.conninfo, "SELECT indexed FROM registry WHERE chain_id = 5"), "-1");
	/* the kept final one goes when it is not the final one any more, and a fork below is noticed */
	assert_int_equal(finalize(30, 30), 0);
	assert_string_equal(fixture_sql(f.log.conninfo, "SELECT max(number) FILTER (WHERE number < 30) FROM block"),
			    "27");
	build_start(&b, 30, 31, 'a');
	build_blocks(&b, 31, 31, 'a');
	assert_int_equal(build_put(&b, &f), 0);
	index_place(&index, 31, 31, 'a');
	log_fixture_hash(index.final_hash, 'z', 31);
	struct pg_op op = {0};

	assert_int_equal(WAIT(&f.log, &op, store_index_finalize(f.log.writer, &op, &f.fence, INDEX_CHAIN, &index)),
			 -EEXIST);
	/* a step that moves finality prunes the former final block too */
	build_start(&b, 40, 40, 'a');
	build_blocks(&b, 31, 31, 'a');
	build_blocks(&b, 40, 40, 'a');
	assert_int_equal(build_put(&b, &f), 0);
	assert_string_equal(fixture_sql(f.log.conninfo,
					"SELECT string_agg(number::text, ' ' ORDER BY number) FROM block"
					" WHERE number > 27"),
			    "31 40");
}

static void a_proof_may_come_later(void **state)
{
	struct store_proof proof = {.registry = f.registry, .number = 24, .body = pg_text("the proof")};
	struct store_proof got;
	PGresult *res;
	struct pg_op op = {0};

	(void)state;
	index_id(proof.agent_id, 0);
	assert_int_equal(WAIT(&f.log, &op, store_proof_put(f.log.writer, &op, &f.fence, INDEX_CHAIN, &proof)), 0);
	assert_string_equal(state_text(&f, 0, false, 24), "44 22 u1 1 4 @24");
	proof.body = pg_text("another");
	assert_int_equal(WAIT(&f.log, &op, store_proof_put(f.log.writer, &op, &f.fence, INDEX_CHAIN, &proof)), 0);
	proof.number = 28;
	assert_int_equal(WAIT(&f.log, &op, store_proof_put(f.log.writer, &op, &f.fence, INDEX_CHAIN, &proof)), -ENOENT);
	assert_int_equal(
		WAIT(&f.log, &op, store_proof_at(f.log.reader, &op, &got, &res, f.registry, proof.agent_id, 26)), 0);
	assert_int_equal(got.number, 24);
	assert_int_equal(got.body.len, 9);
	assert_memory_equal(got.body.data, "the proof", 9);
	PQclear(res);
	assert_int_equal(
		WAIT(&f.log, &op, store_proof_at(f.log.reader, &op, &got, &res, f.registry, proof.agent_id, 23)),
		-ENOENT);
	assert_null(res);
}

static void a_registry_added_later_catches_up_below(void **state)
{
	const uint32_t registries[] = {f.registry};

	(void)state;
	build_start(&b, 40, 40, 'a');
	build_blocks(&b, 11, 11, 'a');
	build_state(&b, &f, 0, 11, 0x01, 0x22, "u1");
	b.blocks[0].final = true;
	b.step.indexed = registries;
	b.step.nindexed = 1;
	b.step.indexed_to = 15;
	assert_int_equal(build_put(&b, &f), 0);
	assert_string_equal(state_text(&f, 0, false, 11), "01 22 u1 15 2 @11");
	/* what was the first state is now a change of all three */
	assert_string_equal(state_text(&f, 0, false, 12), "11 00  7 2 @12");
	assert_string_equal(state_text(&f, 0, false, 21), "11 22 u1 6 2 @21");
	assert_string_equal(now_text(&f, 0), "44 22 u1 @24");
	assert_string_equal(fixture_sql(f.log.conninfo, "SELECT indexed FROM registry WHERE chain_id = 31337"), "30");
}

static void whoever_lost_the_duty_writes_nothing(void **state)
{
	const struct store_fence lost = {"index", f.epoch + 1};
	struct store_proof proof = {.registry = f.registry, .number = 40, .body = pg_text("p")};
	struct store_registry r;
	struct store_index index;
	uint8_t address[20] = {9}, code[32] = {0};
	struct pg_op op = {0};

	(void)state;
	build_start(&b, 40, 42, 'a');
	build_blocks(&b, 41, 42, 'a');
	build_state(&b, &f, 0, 42, 1, 2, "new");
	assert_int_equal(build_put(&b, &f), 0);
	const char *before = index_text(&f);

	build_start(&b, 40, 43, 'a');
	build_blocks(&b, 43, 43, 'a');
	build_state(&b, &f, 0, 43, 1, 3, "newer");
	assert_int_equal(WAIT(&f.log, &op, store_index_step(f.log.writer, &op, &lost, &b.step)), -ESTALE);
	index_place(&index, 40, 40, 'a');
	assert_int_equal(WAIT(&f.log, &op, store_index_drop(f.log.writer, &op, &lost, INDEX_CHAIN, 40, &index)),
			 -ESTALE);
	index_place(&index, 42, 42, 'a');
	assert_int_equal(WAIT(&f.log, &op, store_index_finalize(f.log.writer, &op, &lost, INDEX_CHAIN, &index)),
			 -ESTALE);
	assert_int_equal(WAIT(&f.log, &op, store_proof_put(f.log.writer, &op, &lost, INDEX_CHAIN, &proof)), -ESTALE);
	assert_int_equal(WAIT(&f.log, &op, store_registry_open(f.log.writer, &op, &r, &lost, 6, address, 1)), -ESTALE);
	assert_int_equal(
		WAIT(&f.log, &op,
		     store_registry_implementation(f.log.writer, &op, &lost, f.registry, address, code, false)),
		-ESTALE);
	assert_string_equal(index_text(&f), before);
}

static void a_step_notifies_the_tip(void **state)
{
	PGconn *pg = PQconnectdb(f.log.conninfo);
	PGnotify *note;
	struct store_index index;

	(void)state;
	PQclear(PQexec(pg, "LISTEN kedge_index"));
	build_start(&b, 40, 43, 'a');
	build_blocks(&b, 43, 43, 'a');
	assert_int_equal(build_put(&b, &f), 0);
	index_place(&index, 40, 42, 'a');
	assert_int_equal(drop(42, &index), 0);
	PQclear(PQexec(pg, "SELECT 1")); /* brings what was sent until now */
	for (const char *const *want = (const char *const[]){"43", "42", NULL}; *want; want++) {
		note = PQnotifies(pg);
		assert_non_null(note);
		assert_string_equal(note->relname, "kedge_index");
		assert_string_equal(note->extra, *want);
		PQfreemem(note);
	}
	assert_null(PQnotifies(pg));
	PQfinish(pg);
}

static void the_application_may_only_do_what_it_needs(void **state)
{
	static const char *const refused[] = {
		"UPDATE agent_event SET kind = 1",  "DELETE FROM agent_event",
		"UPDATE uri SET body = ''",	    "UPDATE agent_state SET owner = ''",
		"UPDATE agent_proof SET body = ''", "DELETE FROM agent_proof",
		"UPDATE file SET body = ''",	    "DELETE FROM registry",
		"DELETE FROM chain_index",	    "DELETE FROM hosted_number",
		"DELETE FROM known_agent",	    "TRUNCATE block",
	};
	const char *app = fixture_as(f.log.conninfo, "kedge_app");

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_string_equal(fixture_sqlstate(app, refused[i]), "42501");
}

/* One that came to the settings or left them: the blocks above the final one lack its logs. */
static void finality_carries_only_registries_that_are_followed(void **state)
{
	static const char of_this[] = "SELECT indexed || ' ' || followed FROM registry WHERE chain_id = 31337";
	struct pg_op op = {0};

	(void)state;
	assert_string_equal(fixture_sql(f.log.conninfo, "SELECT followed FROM registry WHERE chain_id = 5"), "f");
	assert_int_equal(WAIT(&f.log, &op, store_registries_follow(f.log.writer, &op, &f.fence, INDEX_CHAIN, NULL, 0)), 0);
	build_start(&b, 40, 42, 'a');
	build_blocks(&b, 41, 42, 'a');
	assert_int_equal(build_put(&b, &f), 0); /* they are there already */
	assert_int_equal(finalize(41, 42), 0);
	assert_string_equal(fixture_sql(f.log.conninfo, of_this), "30 false");
	assert_int_equal(WAIT(&f.log, &op, store_registries_follow(f.log.writer, &op, &f.fence, INDEX_CHAIN, &f.registry, 1)), 0);
	assert_int_equal(finalize(42, 42), 0);
	assert_string_equal(fixture_sql(f.log.conninfo, of_this), "30 true"); /* what it lacks is fetched first */
	(void)fixture_sql(f.log.conninfo, "UPDATE registry SET indexed = 42 WHERE chain_id = 31337");
	build_start(&b, 42, 43, 'a');
	build_blocks(&b, 43, 43, 'a');
	assert_int_equal(build_put(&b, &f), 0);
	assert_int_equal(finalize(43, 43), 0);
	assert_string_equal(fixture_sql(f.log.conninfo, of_this), "43 true");
	assert_int_equal(WAIT(&f.log, &op, store_registries_follow(f.log.writer, &op, &f.fence, 6, NULL, 0)), -ENOENT);
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
		cmocka_unit_test(registries_are_opened_once_and_keep_their_start),
		cmocka_unit_test(a_step_stores_what_happened_and_where_it_ended),
		cmocka_unit_test(equal_states_are_not_stored_again),
		cmocka_unit_test(a_block_or_state_that_is_there_is_told_from_another),
		cmocka_unit_test(a_dropped_branch_leaves_nothing),
		cmocka_unit_test(what_a_dropped_uri_said_goes_with_it),
		cmocka_unit_test(agents_now_go_back_step_by_step),
		cmocka_unit_test(finality_prunes_blocks_in_which_nothing_happened),
		cmocka_unit_test(a_proof_may_come_later),
		cmocka_unit_test(a_registry_added_later_catches_up_below),
		cmocka_unit_test(whoever_lost_the_duty_writes_nothing),
		cmocka_unit_test(a_step_notifies_the_tip),
		cmocka_unit_test(the_application_may_only_do_what_it_needs),
		cmocka_unit_test(finality_carries_only_registries_that_are_followed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
