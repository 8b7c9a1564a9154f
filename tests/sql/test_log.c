/* Reading the log: ranges, filters, tiles finished and unfinished. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sql/store.h"
#include "sql/store_log.h"
#include "tests/sql/fixture.h"
#include "tests/sql/log_fixture.h"

enum { SIZE = 600 };

static struct log_fixture f;

static void leaves_of_a_range_come_in_order(void **state)
{
	static uint8_t leaves[SIZE][32];
	uint8_t expected[32];
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(WAIT(&f, &op, store_leaves(f.reader, &op, leaves, 0, SIZE)), 0);
	for (size_t i = 0; i < SIZE; i++) {
		log_fixture_hash(expected, 'l', i);
		assert_memory_equal(leaves[i], expected, 32);
	}
	assert_int_equal(WAIT(&f, &op, store_leaves(f.reader, &op, leaves, SIZE - 1, 1)), 0);
	assert_memory_equal(leaves[0], expected, 32);
	assert_int_equal(WAIT(&f, &op, store_leaves(f.reader, &op, leaves, SIZE - 1, 2)), -ENOENT);
	assert_int_equal(WAIT(&f, &op, store_leaves(f.reader, &op, leaves, 5, 0)), 0);
	assert_int_equal(store_leaves(f.reader, &op, leaves, UINT64_MAX - 5, 1), -EOVERFLOW);
}

static void lines_of_a_range_come_in_order_as_far_as_the_log_goes(void **state)
{
	struct store_lines lines;
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(WAIT(&f, &op, store_lines(f.reader, &op, &lines, SIZE - 2, 256)), 0);
	assert_int_equal(lines.n, 2);
	assert_int_equal(store_lines_get(&lines, 1).len, 8);
	assert_memory_equal(store_lines_get(&lines, 1).data, "line 599", 8);
	store_lines_clear(&lines);
	assert_int_equal(WAIT(&f, &op, store_lines(f.reader, &op, &lines, SIZE, 256)), 0);
	assert_int_equal(lines.n, 0);
	store_lines_clear(&lines);
}

static void list(const struct store_entries_filter *filter, const uint64_t *seqs, size_t n)
{
	struct store_entries entries;
	struct store_entry e;
	struct pg_op op = {0};

	assert_int_equal(WAIT(&f, &op, store_entries(f.reader, &op, &entries, filter)), 0);
	assert_int_equal(entries.n, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(store_entries_get(&entries, &e, i), 0);
		assert_int_equal(e.seq, seqs[i]);
		assert_int_equal(e.payload.data != NULL, filter->with_payload);
		assert_int_equal(e.evidence.data != NULL, filter->with_payload);
	}
	assert_int_equal(store_entries_get(&entries, &e, n), -EPROTO);
	store_entries_clear(&entries);
}

static void lists_are_filtered_and_paged(void **state)
{
	const struct pg_bytes three = pg_text("subject 3"), issuer = pg_text("issuer"), other = pg_text("other");
	struct store_entries entries;
	struct pg_op op = {0};

	(void)state;
	list(&(struct store_entries_filter){.subject = three, .below = 600, .limit = 3}, (uint64_t[]){3, 10, 17}, 3);
	list(&(struct store_entries_filter){.subject = three, .from = 4, .below = 17, .limit = 3}, (uint64_t[]){10}, 1);
	list(&(struct store_entries_filter){.subject = three, .below = 17, .limit = 9, .descending = true},
	     (uint64_t[]){10, 3}, 2);
	list(&(struct store_entries_filter){.subject = three, .issuer = other, .below = 600, .limit = 9}, NULL, 0);
	list(
		&(struct store_entries_filter){
			.issuer = issuer, .below = UINT64_MAX, .limit = 2, .descending = true, .with_payload = true},
		(uint64_t[]){599, 598}, 2);
	list(&(struct store_entries_filter){.issuer = issuer, .subject = three, .from = 590, .below = 600, .limit = 9},
	     (uint64_t[]){591, 598}, 2);
	list(&(struct store_entries_filter){.issuer = issuer, .from = 598, .below = 600, .limit = 9},
	     (uint64_t[]){598, 599}, 2);
	list(&(struct store_entries_filter){.from = 7, .below = 9, .limit = 9, .with_payload = true},
	     (uint64_t[]){7, 8}, 2);
	list(&(struct store_entries_filter){.below = 9, .limit = 1, .descending = true}, (uint64_t[]){8}, 1);
	list(&(struct store_entries_filter){.kind = pg_text("index"), .below = 600, .limit = 9}, NULL, 0);
	assert_int_equal(store_entries(f.reader, &op, &entries, &(struct store_entries_filter){.limit = 0}), -EINVAL);
	assert_int_equal(store_entries(f.reader, &op, &entries, &(struct store_entries_filter){.limit = 1001}),
			 -EINVAL);
}

static void known_uids_are_found(void **state)
{
	struct store_found found[3];
	uint8_t uids[3][32];
	size_t n;
	struct pg_op op = {0};

	(void)state;
	log_fixture_hash(uids[0], 'u', 77);
	log_fixture_hash(uids[1], 'x', 77);
	log_fixture_hash(uids[2], 'u', 599);
	assert_int_equal(WAIT(&f, &op, store_uids(f.reader, &op, found, &n, uids, 3)), 0);
	assert_int_equal(n, 2);
	assert_int_equal(found[0].seq + found[1].seq, 77 + 599);
}

/* Two complete tiles stored by hand; 600 = 2 * 256 + 88. */
static void tiles_come_finished_and_unfinished_in_one_trip(void **state)
{
	struct store_tile wanted[] = {{.level = 0, .index = 1},	       {.level = 0, .index = 2},
				      {.level = 1, .index = 0},	       {.level = 0, .index = 3},
				      {.level = 2, .index = 0},	       {.level = 0, .index = 1},
				      {.level = 7, .index = INT64_MAX}};
	struct store_tiles tiles;
	uint8_t expected[32];
	struct pg_op op = {0};

	(void)state;
	fixture_sql(f.conninfo,
		    "INSERT INTO tile SELECT 0, t, string_agg(leaf, '' ORDER BY seq), sha256(t::text::bytea)"
		    " FROM generate_series(0, 1) t JOIN entry ON seq / 256 = t GROUP BY t");
	assert_int_equal(WAIT(&f, &op, store_tiles(f.reader, &op, &tiles, wanted, 7)), 0);
	assert_int_equal(wanted[0].nhashes, 256);
	log_fixture_hash(expected, 'l', 511);
	assert_memory_equal(wanted[0].hashes[255], expected, 32);
	assert_memory_equal(wanted[5].hashes[255], expected, 32);
	assert_int_equal(wanted[1].nhashes, 88);
	log_fixture_hash(expected, 'l', 512);
	assert_memory_equal(wanted[1].hashes[0], expected, 32);
	assert_int_equal(wanted[2].nhashes, 2);
	assert_memory_not_equal(wanted[2].hashes[0], wanted[2].hashes[1], 32);
	assert_int_equal(wanted[3].nhashes, 0);
	assert_int_equal(wanted[4].nhashes, 0);
	assert_int_equal(wanted[6].nhashes, 0);
	assert_null(wanted[3].hashes);
	store_tiles_clear(&tiles);
	assert_int_equal(store_tiles(f.reader, &op, &tiles, wanted, 0), -EINVAL);
	assert_int_equal(store_tiles(f.reader, &op, &tiles, wanted, 65), -EINVAL);
}

/* None of the lists may scan the table, planned as they are on an empty one. */
static void lists_go_by_index(void **state)
{
	const struct pg_statement_set *sets;
	const size_t nsets = store_statement_sets(&sets);
	const char *empty = fixture_migrated();
	size_t seen = 0;
	char sql[4096];

	(void)state;
	for (size_t set = 0; set < nsets; set++) {
		for (size_t i = 0; i < sets[set].n; i++) {
			const struct pg_statement *s = &sets[set].list[i];

			if (strncmp(s->name, "entr", 4) != 0)
				continue;
			int at = snprintf(sql, sizeof(sql),
					  "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan;"
					  "PREPARE p(");

			for (int p = 0; p < s->nparams; p++)
				at += snprintf(sql + at, sizeof(sql) - (size_t)at, "%s%s", p ? "," : "",
					       s->types[p] == 20     ? "bigint"
					       : s->types[p] == 16   ? "boolean"
					       : s->types[p] == 17   ? "bytea"
					       : s->types[p] == 1001 ? "bytea[]"
								     : "text");
			at += snprintf(sql + at, sizeof(sql) - (size_t)at, ") AS %s; EXPLAIN (FORMAT JSON) EXECUTE p(",
				       s->sql);
			for (int p = 0; p < s->nparams; p++)
				at += snprintf(sql + at, sizeof(sql) - (size_t)at, "%sNULL", p ? "," : "");
			snprintf(sql + at, sizeof(sql) - (size_t)at, ")");
			if (strstr(fixture_sql(empty, sql), "Seq Scan"))
				fail_msg("%s scans", s->name);
			seen++;
		}
	}
	assert_int_equal(seen, 11);
}

static int set_up(void **state)
{
	(void)state;
	log_fixture_open(&f);
	assert_int_equal(log_fixture_append(&f, SIZE), 0);
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
		cmocka_unit_test(leaves_of_a_range_come_in_order),
		cmocka_unit_test(lines_of_a_range_come_in_order_as_far_as_the_log_goes),
		cmocka_unit_test(lists_are_filtered_and_paged),
		cmocka_unit_test(known_uids_are_found),
		cmocka_unit_test(tiles_come_finished_and_unfinished_in_one_trip),
		cmocka_unit_test(lists_go_by_index),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
