/* What a stream reads: kinds in the order of the log, pages that say how far they reach, and one probe a kind however long
 * the log is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/store.h"
#include "sql/store_internal.h"
#include "sql/store_stream.h"
#include "tests/sql/fixture.h"
#include "tests/sql/log_fixture.h"

enum { SIZE = 20000 };

static struct log_fixture f;

/* Mostly attestations; of what is left, alias entries of two people (subjects p0 and p1), links, and identities. */
static void fill(void)
{
	fixture_sql(f.conninfo,
		    "INSERT INTO entry (seq, at, kind, uid, issuer, subject, leaf, line)"
		    " SELECT n, n * 10, k, CASE k WHEN 'index' THEN NULL ELSE sha256(n::text::bytea) END, NULL,"
		    " CASE k WHEN 'index' THEN NULL WHEN 'identity' THEN 'agent' WHEN 'attestation' THEN 'agent' ELSE 'p' || n / 100 % 2 END,"
		    " sha256(n::text::bytea), 'line ' || n FROM (SELECT n, CASE WHEN n % 1000 = 100 THEN 'alias' WHEN n % 1000 = 200 THEN 'alias'"
		    " WHEN n % 1000 = 300 THEN 'link' WHEN n % 1000 = 400 THEN 'identity' WHEN n % 50 = 7 THEN 'index'"
		    " ELSE 'attestation' END AS k FROM generate_series(0, 19999) AS n) AS r");
	fixture_sql(f.conninfo, "INSERT INTO payload (seq, body) SELECT seq, ('payload ' || seq)::bytea FROM entry"
				" WHERE kind IN ('alias', 'link', 'identity') AND seq <> 1100");
	fixture_sql(f.conninfo, "UPDATE log_head SET size = 20000");
	fixture_sql(f.conninfo, "ANALYZE entry");
}

static struct pg_bytes kinds[] = {{(const uint8_t *)"link", 4}, {(const uint8_t *)"alias", 5}, {(const uint8_t *)"identity", 8}};

static void read_page(struct store_stream_rows *rows, uint64_t from, size_t nkinds, size_t npayloads, unsigned limit)
{
	struct pg_op op = {0};

	assert_int_equal(WAIT(&f, &op,
			      store_stream(f.reader, &op, rows,
					   &(struct store_stream_ask){.from = from, .kinds = kinds, .nkinds = nkinds,
								      .payloads = kinds, .npayloads = npayloads, .limit = limit})),
			 0);
}

static bool is(struct pg_bytes bytes, const char *text)
{
	return bytes.data && bytes.len == strlen(text) && memcmp(bytes.data, text, bytes.len) == 0;
}

static void a_page_is_the_log_s_order_of_all_kinds_asked(void **state)
{
	static const uint64_t seqs[] = {200, 300, 400, 1100, 1200, 1300};
	struct store_stream_rows rows;
	struct store_stream_row row;

	(void)state;
	read_page(&rows, 101, 3, 0, 6);
	assert_int_equal(rows.size, SIZE);
	assert_int_equal(rows.n, 6);
	for (size_t i = 0; i < rows.n; i++) {
		char line[32];

		assert_int_equal(store_stream_get(&rows, &row, i), 0);
		assert_int_equal(row.seq, seqs[i]);
		assert_int_equal(row.at, seqs[i] * 10);
		snprintf(line, sizeof(line), "line %ju", (uintmax_t)seqs[i]);
		assert_true(is(row.line, line));
		assert_null(row.payload.data);
		assert_null(row.first.data);
	}
	assert_true(is(row.kind, "link") && is(row.subject, "p1"));
	assert_int_equal(store_stream_get(&rows, &row, 6), -EPROTO);
	store_stream_clear(&rows);
	read_page(&rows, 19200, 2, 0, 1000);
	assert_int_equal(rows.n, 2);
	store_stream_clear(&rows);
	read_page(&rows, 0, 3, 0, 1000);
	assert_int_equal(rows.n, 80);
	store_stream_clear(&rows);
}

static void a_page_without_rows_still_says_how_far_it_reaches(void **state)
{
	const uint64_t froms[] = {19401, SIZE, SIZE + 5, INT64_MAX, UINT64_MAX};
	struct store_stream_rows rows;
	struct store_stream_row row;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		read_page(&rows, froms[i], 3, 0, 10);
		assert_int_equal(rows.n, 0);
		assert_int_equal(rows.size, SIZE);
		assert_int_equal(store_stream_get(&rows, &row, 0), -EPROTO);
		store_stream_clear(&rows);
	}
	read_page(&rows, 0, 0, 0, 10);
	assert_int_equal(rows.n, 0);
	store_stream_clear(&rows);
}

/* What is in the table but not below the head is not the log's yet. */
static void entries_above_the_head_are_not_seen(void **state)
{
	struct store_stream_rows rows;

	(void)state;
	fixture_sql(f.conninfo, "UPDATE log_head SET size = 19400");
	read_page(&rows, 19100, 3, 0, 10);
	assert_int_equal(rows.size, 19400);
	assert_int_equal(rows.n, 3);
	store_stream_clear(&rows);
	fixture_sql(f.conninfo, "UPDATE log_head SET size = 20000");
}

static void payloads_come_with_that_of_the_subject_s_first_entry(void **state)
{
	struct store_stream_rows rows;
	struct store_stream_row row;

	(void)state;
	read_page(&rows, 100, 3, 2, 6); /* of links and aliases, not of identities */
	assert_int_equal(store_stream_get(&rows, &row, 0), 0);
	assert_true(is(row.payload, "payload 100") && is(row.first, "payload 100"));
	assert_int_equal(store_stream_get(&rows, &row, 2), 0);
	assert_true(is(row.kind, "link") && is(row.subject, "p1") && is(row.payload, "payload 300") && is(row.first, "payload 100"));
	assert_int_equal(store_stream_get(&rows, &row, 3), 0);
	assert_true(is(row.kind, "identity") && !row.payload.data && !row.first.data);
	assert_int_equal(store_stream_get(&rows, &row, 4), 0);
	assert_int_equal(row.seq, 1100);
	assert_true(!row.payload.data && is(row.first, "payload 100")); /* erased */
	store_stream_clear(&rows);
	/* the first one's is not replaced by another's */
	fixture_sql(f.conninfo, "DELETE FROM payload WHERE seq = 200");
	read_page(&rows, 1200, 3, 2, 1);
	assert_int_equal(store_stream_get(&rows, &row, 0), 0);
	assert_true(is(row.subject, "p0") && is(row.payload, "payload 1200") && !row.first.data);
	store_stream_clear(&rows);
}

static void limits_are_checked(void **state)
{
	struct store_stream_rows rows;
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(store_stream(f.reader, &op, &rows, &(struct store_stream_ask){.limit = 0}), -EINVAL);
	assert_int_equal(store_stream(f.reader, &op, &rows, &(struct store_stream_ask){.limit = 1001}), -EINVAL);
}

/* As prepared, once and for all, on an empty log; and what it reads on a long one. */
static void a_page_is_a_probe_a_kind_however_long_the_log_is(void **state)
{
	static char sql[8192];
	const char *const databases[] = {f.conninfo, fixture_migrated()};

	(void)state;
	for (size_t d = 0; d < 2; d++) {
		size_t at = 0;
		const char *plan;

		for (size_t i = 0; store_reader_settings[i]; i++)
			at += (size_t)snprintf(sql + at, sizeof(sql) - at, "%s; ", store_reader_settings[i]);
		snprintf(sql + at, sizeof(sql) - at,
			 "PREPARE p (int8, text[], int8, text[]) AS %s;"
			 " EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE p(19000, '{alias,link,identity}', 10, '{alias,link}')",
			 store_stream_set.list[0].sql);
		plan = fixture_sql(databases[d], sql);
		assert_non_null(strstr(plan, "\"entry_kind\""));
		assert_null(strstr(plan, "\"entry_pkey\""));
		const char *scan = strstr(plan, "Seq Scan");

		assert_non_null(scan); /* of the head's one row, and of nothing else */
		assert_null(strstr(scan + 1, "Seq Scan"));
		const char *hit = strstr(plan, "\"Shared Hit Blocks\": "), *read = strstr(plan, "\"Shared Read Blocks\": ");

		assert_non_null(hit);
		assert_non_null(read);
		if (strtoul(hit + 21, NULL, 10) + strtoul(read + 22, NULL, 10) >= 80)
			fail_msg("%s", plan);
	}
}

static int set_up(void **state)
{
	(void)state;
	log_fixture_open(&f);
	fill();
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
		cmocka_unit_test(a_page_is_the_log_s_order_of_all_kinds_asked),
		cmocka_unit_test(a_page_without_rows_still_says_how_far_it_reaches),
		cmocka_unit_test(entries_above_the_head_are_not_seen),
		cmocka_unit_test(payloads_come_with_that_of_the_subject_s_first_entry),
		cmocka_unit_test(limits_are_checked),
		cmocka_unit_test(a_page_is_a_probe_a_kind_however_long_the_log_is),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
