/* Reading the index: as of a block and an instant, history, events, search; and how the statements are planned. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sql/fixture.h"
#include "tests/sql/index_fixture.h"

enum { ALL = INT32_MAX };

static struct index_fixture f;
static struct index_build b;

static void as_of_by_number_and_by_time(void **state)
{
	static const struct {
		uint64_t at;
		const char *by_number;
	} cases[] = {
		{0, ""},
		{19, ""},
		{20, "01 00 one 13 2 @20"},
		{24, "01 00 one 13 2 @20"},
		{25, "02 02 one 3 2 @25"},
		{26, "02 03 one 2 2 @26"},
		{30, "02 03 one 2 2 @26"},
		{UINT64_MAX, "02 03 one 2 2 @26"},
	};

	(void)state;
	build_start(&b, 22, 30, 'a');
	build_blocks(&b, 20, 30, 'a');
	build_state(&b, &f, 0, 20, 1, 0, "one");
	build_state(&b, &f, 0, 25, 2, 2, "one");
	build_state(&b, &f, 0, 26, 2, 3, "one");
	build_state(&b, &f, 256, 25, 4, 0, "two");
	assert_int_equal(build_put(&b, &f), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint64_t time = cases[i].at > ALL ? cases[i].at : 1000 + 2 * cases[i].at;

		assert_string_equal(state_text(&f, 0, false, cases[i].at), cases[i].by_number);
		/* a block's time is the first instant it holds, until one second before the next block's */
		assert_string_equal(state_text(&f, 0, true, time), cases[i].by_number);
		if (time != UINT64_MAX)
			assert_string_equal(state_text(&f, 0, true, time + 1), cases[i].by_number);
	}
	assert_string_equal(state_text(&f, 256, false, 24), "");
	assert_string_equal(state_text(&f, 256, true, 1000 + 2 * 25 - 1), "");
	assert_string_equal(state_text(&f, 256, true, 1000 + 2 * 25), "04 00 two 13 2 @25");
	assert_string_equal(state_text(&f, 1, false, 30), "");
}

static void an_answer_says_how_far_the_index_reaches_and_until_when_it_holds(void **state)
{
	struct store_states list;
	struct store_index index;
	uint8_t agent[32];
	struct pg_op op = {0};

	(void)state;
	index_id(agent, 0);
	assert_int_equal(
		WAIT(&f.log, &op, store_state_at(f.log.reader, &op, &list, &index, f.registry, agent, false, 20)), 0);
	assert_int_equal(index.tip_number, 30);
	assert_int_equal(index.final_number, 22);
	assert_true(list.rows[0].block.final);
	assert_true(list.rows[0].has_until);
	assert_int_equal(list.rows[0].until_number, 25);
	assert_int_equal(list.rows[0].until_time, 1050);
	store_states_clear(&list);
	assert_int_equal(
		WAIT(&f.log, &op, store_state_at(f.log.reader, &op, &list, &index, f.registry, agent, true, 1052)), 0);
	assert_false(list.rows[0].has_until);
	assert_false(list.rows[0].block.final);
	assert_memory_equal(list.rows[0].block.hash, b.blocks[6].hash, 32);
	store_states_clear(&list);
	/* the place comes with an absence too */
	assert_int_equal(
		WAIT(&f.log, &op, store_state_at(f.log.reader, &op, &list, &index, f.registry, agent, false, 19)),
		-ENOENT);
	assert_int_equal(index.tip_number, 30);
	assert_int_equal(WAIT(&f.log, &op, store_state_at(f.log.reader, &op, &list, &index, 999, agent, false, 19)),
			 -ENOENT);
	assert_int_equal(index.tip_number, 0);
}

static void many_agents_at_their_own_blocks_in_the_order_asked(void **state)
{
	static const struct {
		unsigned id;
		uint64_t number;
	} asked[] = {{256, 30}, {0, 25}, {1, 30}, {0, 20}, {256, 24}, {0, 25}};
	static const uint64_t found[] = {25, 25, 20, 25};
	struct store_state_ask asks[6];
	struct store_states list;
	struct pg_op op = {0};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		asks[i] = (struct store_state_ask){.registry = f.registry, .number = asked[i].number};
		index_id(asks[i].agent_id, asked[i].id);
	}
	assert_int_equal(WAIT(&f.log, &op, store_states_at(f.log.reader, &op, &list, asks, 6)), 0);
	assert_int_equal(list.n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(list.rows[i].state.number, found[i]);
	assert_memory_equal(list.rows[0].state.agent_id, asks[0].agent_id, 32);
	store_states_clear(&list);
	assert_int_equal(WAIT(&f.log, &op, store_states_at(f.log.reader, &op, &list, asks, 0)), 0);
	assert_int_equal(list.n, 0);
	store_states_clear(&list);
}

static void nothing_is_answered_from_above_the_tip(void **state)
{
	struct pg_op op = {0};

	(void)state;
	/* as a backfill stores ahead: the place stays */
	build_start(&b, 22, 30, 'a');
	build_blocks(&b, 90, 90, 'a');
	build_state(&b, &f, 0, 90, 0x90, 0, "ahead");
	assert_int_equal(build_put(&b, &f), 0);
	assert_string_equal(state_text(&f, 0, false, 90), "02 03 one 2 2 @26");
	assert_string_equal(state_text(&f, 0, true, 1000 + 2 * 90), "02 03 one 2 2 @26");
	assert_int_equal(WAIT(&f.log, &op, store_index_drop(f.log.writer, &op, &f.fence, INDEX_CHAIN, 30, &b.index)),
			 0);
	assert_string_equal(now_text(&f, 0), "02 03 one @26");
}

static void events_come_back_as_they_were_given(void **state)
{
	static const uint8_t odd[] = {'k', 0, 0xff, 0xc3, 0x28};
	struct store_event *event;
	char query[128], want[16];

	(void)state;
	build_start(&b, 22, 33, 'a');
	build_blocks(&b, 31, 33, 'a');
	event = build_event(&b, &f, 3, 31, STORE_EVENT_TRANSFER);
	memset(event->b, 0xbb, 20); /* a mint: a stays zero */
	event = build_event(&b, &f, 3, 31, STORE_EVENT_METADATA);
	event->key = pg_bytes(odd, sizeof(odd));
	event->value = pg_bytes("", 0);
	event = build_event(&b, &f, 3, 33, STORE_EVENT_REGISTERED);
	memset(event->a, 0xaa, 20);
	event->value = pg_bytes(odd, sizeof(odd));
	event = build_event(&b, &f, 3, 32, STORE_EVENT_UPGRADED);
	event->has_agent = false;
	assert_int_equal(build_put(&b, &f), 0);
	assert_string_equal(
		fixture_sql(f.log.conninfo,
			    "SELECT string_agg(concat_ws(' ', number, log_index, kind, coalesce(left(encode(a, 'hex'), 4), '-'),"
			    " coalesce(left(encode(b, 'hex'), 4), '-'), coalesce(encode(key, 'hex'), '-'), coalesce(encode(value, 'hex'),"
			    " '-')), '; ' ORDER BY number, log_index) FROM agent_event WHERE get_byte(agent_id, 31) = 3"),
		"31 0 1 - bbbb - -; 31 1 4 - - 6b00ffc328 ; 33 2 2 aaaa - - 6b00ffc328");
	for (size_t i = 0; i < 3; i++) {
		const uint8_t *tx = b.events[i].tx;

		(void)snprintf(query, sizeof(query), "SELECT left(encode(tx, 'hex'), 8) FROM agent_event WHERE log_index = %zu", i);
		(void)snprintf(want, sizeof(want), "%02x%02x%02x%02x", tx[0], tx[1], tx[2], tx[3]);
		assert_string_equal(fixture_sql(f.log.conninfo, query), want);
	}
	assert_string_equal(fixture_sql(f.log.conninfo, "SELECT count(*) FROM agent_event WHERE agent_id IS NULL"),
			    "1");
}

static void a_uri_may_hold_any_bytes_and_64_kib(void **state)
{
	static uint8_t long_uri[65537];
	static const uint8_t odd[] = {'d', 'a', 't', 'a', ':', 0, 0xff, 0xfe, 0xc3, 0x28, 0};
	struct store_states list;
	struct store_index index;
	uint8_t agent[32];
	struct pg_op op = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(long_uri); i++)
		long_uri[i] = (uint8_t)(i * 131 >> 3);
	build_start(&b, 22, 36, 'a');
	build_blocks(&b, 34, 36, 'a');
	build_state(&b, &f, 4, 34, 1, 0, "")->uri = pg_bytes(odd, sizeof(odd));
	build_state(&b, &f, 4, 35, 1, 0, "")->uri = pg_bytes(long_uri, 65536);
	build_state(&b, &f, 5, 35, 1, 0, "")->uri = pg_bytes(long_uri, 65536);
	assert_int_equal(build_put(&b, &f), 0);
	index_id(agent, 4);
	assert_int_equal(
		WAIT(&f.log, &op, store_state_at(f.log.reader, &op, &list, &index, f.registry, agent, false, 34)), 0);
	assert_int_equal(list.rows[0].state.uri.len, sizeof(odd));
	assert_memory_equal(list.rows[0].state.uri.data, odd, sizeof(odd));
	store_states_clear(&list);
	assert_int_equal(
		WAIT(&f.log, &op, store_state_at(f.log.reader, &op, &list, &index, f.registry, agent, false, 36)), 0);
	assert_int_equal(list.rows[0].state.uri.len, 65536);
	assert_memory_equal(list.rows[0].state.uri.data, long_uri, 65536);
	assert_int_equal(list.rows[0].state.changed, STORE_CHANGED_URI);
	store_states_clear(&list);
	assert_string_equal(fixture_sql(f.log.conninfo, "SELECT count(*) FROM uri WHERE octet_length(body) = 65536"),
			    "1");
	build_start(&b, 22, 36, 'a');
	build_state(&b, &f, 6, 36, 1, 0, "")->uri = pg_bytes(long_uri, 65537);
	assert_int_equal(build_put(&b, &f), -EPROTO);
}

static void put_file(unsigned id, const char *uri, const char *name, const char *service)
{
	struct store_file file = {.registry = f.registry, .at = 7, .uri = pg_text(uri), .status = pg_text("ok")};
	const struct pg_bytes services[] = {pg_text(service), pg_text("Shared")};
	struct store_file_now now = {.due = 9, .name = pg_text(name), .services = services, .nservices = 2};
	struct pg_op op = {0};

	index_id(file.agent_id, id);
	assert_int_equal(WAIT(&f.log, &op, store_file_put(f.log.writer, &op, NULL, &file, &now)), 0);
}

/* The ids found, page by page of `limit`, last bytes in hex. */
static const char *search(struct store_agent_filter filter, unsigned limit)
{
	static char text[256];
	struct store_agents list;
	struct pg_op op = {0};
	size_t at = 0, n;

	text[0] = '\0';
	filter.limit = limit;
	do {
		assert_int_equal(WAIT(&f.log, &op, store_agents(f.log.reader, &op, &list, &filter)), 0);
		n = list.n;
		assert_true(n <= limit);
		for (size_t i = 0; i < n; i++) {
			const struct store_agent_row *row = &list.rows[i];

			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%02x", at ? " " : "",
					       row->agent_id[31]);
			filter.has_after = true;
			filter.after_registry = row->registry;
			memcpy(filter.after_id, row->agent_id, 32);
		}
		store_agents_clear(&list);
	} while (n == limit);
	return text;
}

/* Last: its agents are of no block. */
static void a_page_of_a_search_is_bounded(void **state)
{
	struct store_agent_filter filter = {.limit = 1000};
	struct store_agents list;
	struct pg_op op = {0};
	size_t pages = 0, n = 0;

	(void)state;
	(void)fixture_sql(f.log.conninfo,
			  "WITH big AS (INSERT INTO uri SELECT sha256(b), b FROM (SELECT convert_to(repeat(chr(65 + n), 65536), 'UTF8') b"
			  " FROM generate_series(1, 40) n) x RETURNING hash)"
			  " INSERT INTO agent_now SELECT 1, sha256(hash), 1, decode(repeat('77', 20), 'hex'), NULL, hash FROM big");
	filter.owner = (const uint8_t *)"wwwwwwwwwwwwwwwwwwww";
	do {
		assert_int_equal(WAIT(&f.log, &op, store_agents(f.log.reader, &op, &list, &filter)), 0);
		n += list.n;
		assert_true(list.n <= 17); /* 16 of them are 1 MiB, and one that goes beyond */
		filter.has_after = list.more;
		if (list.more) {
			filter.after_registry = list.rows[list.n - 1].registry;
			memcpy(filter.after_id, list.rows[list.n - 1].agent_id, 32);
		}
		store_agents_clear(&list);
	} while (filter.has_after && ++pages < 10);
	assert_int_equal(n, 40);
	assert_int_equal(pages, 2);
}

static void search_by_each_filter_and_by_pages(void **state)
{
	uint8_t o1[20], o2[20], w1[20];
	uint8_t address[20] = {7};
	struct store_registry other;
	struct pg_op op = {0};
	static const char *const names[] = {"",	    "Alpha Agent", "alphabet",
					    "Beta", "100%_sure",   "\xf4\x8f\xbf\xbf last"};

	(void)state;
	fixture_sql(f.log.conninfo, "TRUNCATE agent_now CASCADE");
	memset(o1, 0xa1, 20);
	memset(o2, 0xa2, 20);
	memset(w1, 0xb1, 20);
	build_start(&b, 22, 50, 'a');
	build_blocks(&b, 50, 50, 'a');
	for (unsigned id = 10; id < 16; id++)
		build_state(&b, &f, id, 50, id % 2 ? 0xa2 : 0xa1, id < 13 ? 0xb1 : 0, "search");
	build_state(&b, &f, 256, 50, 0xa1, 0, "search");
	assert_int_equal(build_put(&b, &f), 0);
	assert_int_equal(
		WAIT(&f.log, &op, store_registry_open(f.log.writer, &op, &other, NULL, INDEX_CHAIN, address, 0)), 0);
	build_start(&b, 22, 50, 'a');
	build_state(&b, &f, 10, 50, 0xa1, 0xb1, "search")->registry = other.id;
	assert_int_equal(build_put(&b, &f), 0);
	for (unsigned id = 11; id < 16; id++)
		put_file(id, "search", names[id - 10], id % 2 ? "A2A" : "mcp");
	for (unsigned limit = 1; limit <= 10; limit += 4) {
		assert_string_equal(search((struct store_agent_filter){0}, limit), "0a 0b 0c 0d 0e 0f ff 0a");
		assert_string_equal(search((struct store_agent_filter){.registry = f.registry}, limit),
				    "0a 0b 0c 0d 0e 0f ff");
		assert_string_equal(search((struct store_agent_filter){.registry = other.id}, limit), "0a");
		assert_string_equal(search((struct store_agent_filter){.owner = o1}, limit), "0a 0c 0e ff 0a");
		assert_string_equal(search((struct store_agent_filter){.owner = o2}, limit), "0b 0d 0f");
		assert_string_equal(search((struct store_agent_filter){.wallet = w1}, limit), "0a 0b 0c 0a");
		assert_string_equal(search((struct store_agent_filter){.name = "ALPHA"}, limit), "0b 0c");
		assert_string_equal(search((struct store_agent_filter){.name = "alphab"}, limit), "0c");
		assert_string_equal(search((struct store_agent_filter){.name = "100%_"}, limit), "0e");
		assert_string_equal(search((struct store_agent_filter){.name = "%"}, limit), "");
		assert_string_equal(search((struct store_agent_filter){.name = "\xf4\x8f\xbf\xbf"}, limit), "0f");
		assert_string_equal(search((struct store_agent_filter){.service = "a2a"}, limit), "0b 0d 0f");
		assert_string_equal(search((struct store_agent_filter){.service = "SHARED"}, limit), "0b 0c 0d 0e 0f");
		assert_string_equal(search((struct store_agent_filter){.service = "MCP", .owner = o1}, limit), "0c 0e");
		assert_string_equal(search((struct store_agent_filter){.service = "a2a", .wallet = w1}, limit), "0b");
		assert_string_equal(search((struct store_agent_filter){.name = "a", .service = "mcp"}, limit), "0c");
		assert_string_equal(search((struct store_agent_filter){.name = "a", .owner = o2}, limit), "0b");
		assert_string_equal(
			search((struct store_agent_filter){.wallet = w1, .owner = o1, .registry = other.id}, limit),
			"0a");
	}
	struct store_agents list;
	const struct store_agent_filter one = {.name = "beta", .limit = 5};

	assert_int_equal(WAIT(&f.log, &op, store_agents(f.log.reader, &op, &list, &one)), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.rows[0].number, 50);
	assert_int_equal(list.rows[0].owner[19], 0xa2);
	assert_false(list.rows[0].has_wallet);
	assert_int_equal(list.rows[0].uri.len, 6);
	assert_memory_equal(list.rows[0].name.data, "Beta", 4);
	store_agents_clear(&list);
}

/* Too many for the filter's own index: they are found in order all the same. */
static void search_by_what_very_many_have(void **state)
{
	static const struct {
		struct store_agent_filter filter;
		size_t n;
	} cases[] = {{{.name = "many"}, 1100},
		     {{.service = "many"}, 1100},
		     {{.name = "MANY 10"}, 111},
		     {{.name = "many", .service = "rare"}, 11}};
	char sql[1024];
	struct store_agents list;
	struct pg_op op = {0};

	(void)state;
	snprintf(sql, sizeof(sql),
		 "WITH n AS (INSERT INTO agent_now (registry, agent_id, number, owner, uri)"
		 " SELECT %u, sha256(n::text::bytea), 50, '\\x%040d', (SELECT hash FROM uri LIMIT 1)"
		 " FROM generate_series(1, 1100) n RETURNING agent_id)"
		 " SELECT count(*) FROM n",
		 f.registry, 0);
	fixture_sql(f.log.conninfo, sql);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO file_now (registry, agent_id, at, due, name, services)"
		 " SELECT %u, sha256(n::text::bytea), 1, 1, 'Many ' || n,"
		 " CASE WHEN n %% 100 = 0 THEN '{many,rare}'::text[] ELSE '{many}' END FROM generate_series(1, 1100) n",
		 f.registry);
	fixture_sql(f.log.conninfo, sql);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store_agent_filter filter = cases[i].filter;
		size_t found = 0, n;

		filter.limit = 97;
		do {
			assert_int_equal(WAIT(&f.log, &op, store_agents(f.log.reader, &op, &list, &filter)), 0);
			n = list.n;
			found += n;
			for (size_t j = 0; j < n; j++) {
				if (filter.has_after)
					assert_true(memcmp(list.rows[j].agent_id, filter.after_id, 32) > 0);
				filter.has_after = true;
				filter.after_registry = list.rows[j].registry;
				memcpy(filter.after_id, list.rows[j].agent_id, 32);
			}
			store_agents_clear(&list);
		} while (n == 97);
		assert_int_equal(found, cases[i].n);
	}
}

/* A second connection that always reads while steps are written: owner, wallet and the tip of one step belong together.
 */
static void a_reader_sees_only_whole_steps(void **state)
{
	struct log_fixture other;
	struct store_states list;
	struct store_index index;
	uint8_t agent[32];
	struct pg_op step = {0}, read = {0};
	unsigned seen = 0;

	(void)state;
	log_fixture_connect(&other, f.log.conninfo);
	index_id(agent, 40);
	for (unsigned i = 0; i < 40; i++) {
		build_start(&b, 22, 60 + i, 'a');
		build_blocks(&b, 60 + i, 60 + i, 'a');
		build_state(&b, &f, 40, 60 + i, (uint8_t)(i + 1), (uint8_t)(i + 1), "u");
		assert_int_equal(store_index_step(f.log.writer, &step, &f.fence, &b.step), 0);
		while (!step.done) {
			assert_int_equal(event_base_loop(f.log.base, EVLOOP_NONBLOCK), 0);
			const int err =
				WAIT(&other, &read,
				     store_state_at(other.reader, &read, &list, &index, f.registry, agent, false, ALL));

			if (err == -ENOENT) {
				assert_int_equal(index.tip_number, 50);
				continue;
			}
			assert_int_equal(err, 0);
			assert_int_equal(list.rows[0].state.number, index.tip_number);
			assert_int_equal(list.rows[0].state.owner[0], index.tip_number - 59);
			assert_int_equal(list.rows[0].state.wallet[0], index.tip_number - 59);
			seen++;
			store_states_clear(&list);
		}
		assert_int_equal(step.err, 0);
	}
	assert_true(seen > 10);
	log_fixture_close(&other);
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
		cmocka_unit_test(as_of_by_number_and_by_time),
		cmocka_unit_test(an_answer_says_how_far_the_index_reaches_and_until_when_it_holds),
		cmocka_unit_test(many_agents_at_their_own_blocks_in_the_order_asked),
		cmocka_unit_test(nothing_is_answered_from_above_the_tip),
		cmocka_unit_test(events_come_back_as_they_were_given),
		cmocka_unit_test(a_uri_may_hold_any_bytes_and_64_kib),
		cmocka_unit_test(search_by_each_filter_and_by_pages),
		cmocka_unit_test(search_by_what_very_many_have),
		cmocka_unit_test(a_reader_sees_only_whole_steps),
		cmocka_unit_test(a_page_of_a_search_is_bounded),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
