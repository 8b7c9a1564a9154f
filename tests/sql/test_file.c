/* Snapshots of registration files, what is due, domains, hosted files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/store_link_read.h"
#include "tests/sql/fixture.h"
#include "tests/sql/index_fixture.h"

static struct index_fixture f;
static struct index_build b;

static int put(unsigned id, const char *uri, const char *body, uint64_t at, uint64_t due)
{
	struct store_file file = {.registry = f.registry,
				  .at = at,
				  .uri = pg_text(uri),
				  .status = pg_text(body ? "ok" : "unreachable"),
				  .detail = pg_text(body ? NULL : "no route"),
				  .has_content = body != NULL,
				  .body = pg_text(body),
				  .name = pg_text(body),
				  .back = body != NULL};
	const struct pg_bytes services[] = {pg_text("A2A"), pg_text("a2a"), pg_text("mcp")};
	struct store_file_now now = {
		.due = due, .keep = !body, .name = pg_text(body), .services = services, .nservices = 3};
	struct pg_op op = {0};

	index_id(file.agent_id, id);
	if (body)
		log_fixture_hash(file.content, body[0], at > 1000 ? 1 : 0);
	return WAIT(&f.log, &op, store_file_put(f.log.writer, &op, &f.fence, &file, &now));
}

/* The ids due, in order. */
static const char *due(uint64_t now, unsigned limit)
{
	static char text[256];
	struct store_files_due list;
	struct pg_op op = {0};
	size_t at = 0;

	text[0] = '\0';
	assert_int_equal(WAIT(&f.log, &op, store_file_due(f.log.reader, &op, &list, now, limit)), 0);
	for (size_t i = 0; i < list.n; i++) {
		assert_int_equal(list.rows[i].registry, f.registry);
		assert_int_equal(list.rows[i].chain_id, INDEX_CHAIN);
		assert_int_equal(list.rows[i].address[0], 0x88);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%u:%.*s", at ? " " : "",
				       list.rows[i].agent_id[31], (int)list.rows[i].uri.len,
				       (const char *)list.rows[i].uri.data);
	}
	store_files_due_clear(&list);
	return text;
}

/* "BODY first-seen" of the snapshot at an instant. */
static const char *file_at(unsigned id, uint64_t at)
{
	static char text[256];
	struct store_files list;
	uint8_t agent[32];
	struct pg_op op = {0};

	index_id(agent, id);
	const int err = WAIT(&f.log, &op, store_file_at(f.log.reader, &op, &list, f.registry, agent, at));

	if (err == -ENOENT)
		return "";
	assert_int_equal(err, 0);
	assert_int_equal(list.n, 1);
	const struct store_file *file = &list.rows[0];

	assert_int_equal(file->has_content, file->body.data != NULL);
	assert_int_equal(file->back, file->body.data != NULL);
	snprintf(text, sizeof(text), "%.*s %.*s %.*s%.*s %llu-%llu", (int)file->uri.len, (const char *)file->uri.data,
		 (int)file->status.len, (const char *)file->status.data, (int)file->body.len,
		 (const char *)file->body.data, (int)file->detail.len, (const char *)file->detail.data,
		 (unsigned long long)file->at, (unsigned long long)file->seen);
	store_files_clear(&list);
	return text;
}

static void an_agent_is_due_until_it_was_looked_at(void **state)
{
	(void)state;
	assert_string_equal(due(0, 10), "");
	build_start(&b, 20, 20, 'a');
	build_blocks(&b, 20, 20, 'a');
	for (unsigned id = 1; id <= 3; id++)
		build_state(&b, &f, id, 20, 1, 0, "u1");
	assert_int_equal(build_put(&b, &f), 0);
	assert_string_equal(due(0, 10), "1:u1 2:u1 3:u1");
	assert_string_equal(due(0, 2), "1:u1 2:u1");
	assert_string_equal(file_at(1, STORE_FILE_NEWEST), "");
	assert_int_equal(put(1, "u1", "first", 100, 500), 0);
	assert_int_equal(put(2, "u1", NULL, 100, 400), 0);
	assert_string_equal(due(399, 10), "3:u1");
	assert_string_equal(due(400, 10), "2:u1 3:u1");
	assert_string_equal(due(500, 10), "2:u1 1:u1 3:u1");
	/* neither kind starves the other */
	assert_string_equal(due(500, 2), "2:u1 3:u1");
	assert_string_equal(due(500, 1), "2:u1");
}

static void another_uri_makes_an_agent_due_and_only_that(void **state)
{
	(void)state;
	assert_int_equal(put(3, "u1", "third", 100, 600), 0);
	assert_string_equal(due(0, 10), "");
	build_start(&b, 20, 21, 'a');
	build_blocks(&b, 21, 21, 'a');
	build_state(&b, &f, 1, 21, 9, 9, "u1");
	build_state(&b, &f, 3, 21, 1, 0, "u2");
	assert_int_equal(build_put(&b, &f), 0);
	assert_string_equal(due(0, 10), "3:u2");
	/* what the former URI leads to is no answer for the new one */
	assert_int_equal(put(3, "u1", "third", 110, 600), 0);
	assert_string_equal(due(0, 10), "3:u2");
	assert_int_equal(put(3, "u2", "fourth", 120, 600), 0);
	assert_string_equal(due(0, 10), "");
	/* nor is one that is not in the index, or an agent that is not */
	assert_int_equal(put(3, "u3", "fifth", 130, 600), -ENOENT);
	assert_int_equal(put(4, "u1", "fifth", 130, 600), -ENOENT);
	assert_string_equal(file_at(3, STORE_FILE_NEWEST), "u2 ok fourth 120-120");
}

static void equal_finds_only_move_seen(void **state)
{
	struct store_files list;
	uint8_t agent[32];
	struct pg_op op = {0};

	(void)state;
	index_id(agent, 1);
	assert_int_equal(put(1, "u1", "first", 200, 700), 0);
	assert_string_equal(file_at(1, STORE_FILE_NEWEST), "u1 ok first 100-200");
	assert_int_equal(put(1, "u1", "second", 300, 700), 0);
	assert_int_equal(put(1, "u1", NULL, 400, 700), 0);
	assert_int_equal(put(1, "u1", NULL, 450, 700), 0);
	assert_int_equal(put(1, "u1", "second", 450, 800), 0); /* in the same millisecond as `seen`, after `at` */
	assert_int_equal(put(1, "u1", "third", 450, 900), 0);  /* in that of `at`: it must still come after */
	assert_string_equal(file_at(1, 99), "");
	assert_string_equal(file_at(1, 100), "u1 ok first 100-200");
	assert_string_equal(file_at(1, 299), "u1 ok first 100-200");
	assert_string_equal(file_at(1, 300), "u1 ok second 300-300");
	assert_string_equal(file_at(1, 400), "u1 unreachable no route 400-450");
	assert_string_equal(file_at(1, 450), "u1 ok second 450-450");
	assert_string_equal(file_at(1, 451), "u1 ok third 451-451");
	assert_int_equal(
		WAIT(&f.log, &op, store_file_list(f.log.reader, &op, &list, f.registry, agent, STORE_FILE_NEWEST, 3)),
		0);
	assert_int_equal(list.n, 3);
	assert_int_equal(list.rows[0].at, 451);
	assert_int_equal(list.rows[2].at, 400);
	assert_null(list.rows[0].body.data);
	assert_true(list.rows[0].has_content);
	assert_false(list.rows[2].has_content);
	store_files_clear(&list);
	assert_int_equal(WAIT(&f.log, &op, store_file_list(f.log.reader, &op, &list, f.registry, agent, 400, 10)), 0);
	assert_int_equal(list.n, 2);
	store_files_clear(&list);
}

static void what_is_searched_for_survives_a_failed_fetch(void **state)
{
	static const char now[] = "SELECT name || ' ' || array_to_string(services, ',') || ' ' || at || ' ' || due"
				  " FROM file_now ORDER BY registry, agent_id OFFSET 2 LIMIT 1";

	(void)state;
	assert_string_equal(fixture_sql(f.log.conninfo, now), "fourth a2a,mcp 120 600");
	assert_int_equal(put(3, "u2", NULL, 2000, 3000), 0);
	assert_string_equal(fixture_sql(f.log.conninfo, now), "fourth a2a,mcp 2000 3000");
}

static void what_does_not_fit_is_refused(void **state)
{
	static uint8_t big[STORE_FILE_MAX + 1];
	static const char nul[] = {'a', 0, 'b'};
	struct store_file good = {.registry = f.registry, .at = 5000, .uri = pg_text("u1"), .status = pg_text("ok")};
	struct store_file file;
	struct store_file_now now = {.due = 1};
	struct pg_bytes service;
	struct pg_op op = {0};
	const char *before;

	(void)state;
	index_id(good.agent_id, 1);
	before = index_text(&f);
#define PUT() WAIT(&f.log, &op, store_file_put(f.log.writer, &op, &f.fence, &file, &now))
	file = good;
	file.body = pg_bytes(big, sizeof(big));
	assert_int_equal(PUT(), -EOVERFLOW);
	file = good;
	file.status = pg_text("a status that is longer than it may");
	assert_int_equal(PUT(), -EOVERFLOW);
	file.status = pg_text("");
	assert_int_equal(PUT(), -EINVAL);
	file = good;
	file.detail = pg_bytes(big, STORE_FILE_DETAIL_MAX + 1);
	assert_int_equal(PUT(), -EOVERFLOW);
	file = good;
	file.name = pg_bytes(big, STORE_FILE_NAME_MAX + 1);
	assert_int_equal(PUT(), -EOVERFLOW);
	file.name = pg_bytes(nul, sizeof(nul));
	assert_int_equal(PUT(), -EILSEQ);
	file.name = pg_text("\xff\xfe");
	assert_int_equal(PUT(), -EPROTO);
	file = good;
	service = pg_bytes(nul, sizeof(nul));
	now.services = &service;
	now.nservices = 1;
	assert_int_equal(PUT(), -EILSEQ);
	now.nservices = STORE_FILE_SERVICES_MAX + 1;
	assert_int_equal(PUT(), -EOVERFLOW);
	now.nservices = 0;
	assert_int_equal(
		WAIT(&f.log, &op, store_file_put(f.log.writer, &op, &(struct store_fence){"index", 77}, &file, &now)),
		-ESTALE);
	assert_string_equal(index_text(&f), before);
	memset(big, 'x', sizeof(big));
	file.body = pg_bytes(big, STORE_FILE_MAX);
	assert_int_equal(PUT(), 0);
}

static void domains_are_replaced_as_a_set(void **state)
{
	struct store_domain domains[] = {{pg_text("b.example"), pg_text("ok"), 1},
					 {pg_text("a.example"), pg_text("absent"), 2}};
	struct store_domains list;
	uint8_t agent[32];
	struct pg_op op = {0};

	(void)state;
	index_id(agent, 2);
	assert_int_equal(
		WAIT(&f.log, &op, store_domains_put(f.log.writer, &op, &f.fence, f.registry, agent, domains, 2)), 0);
	assert_int_equal(WAIT(&f.log, &op, store_domains(f.log.reader, &op, &list, f.registry, agent)), 0);
	assert_int_equal(list.n, 2);
	assert_memory_equal(list.rows[0].domain.data, "a.example", 9);
	assert_memory_equal(list.rows[0].state.data, "absent", 6);
	assert_int_equal(list.rows[1].at, 1);
	store_domains_clear(&list);
	domains[1].state = pg_text("ok");
	assert_int_equal(
		WAIT(&f.log, &op, store_domains_put(f.log.writer, &op, &f.fence, f.registry, agent, domains + 1, 1)),
		0);
	assert_int_equal(WAIT(&f.log, &op, store_domains(f.log.reader, &op, &list, f.registry, agent)), 0);
	assert_int_equal(list.n, 1);
	assert_memory_equal(list.rows[0].state.data, "ok", 2);
	store_domains_clear(&list);
	assert_int_equal(WAIT(&f.log, &op, store_domains_put(f.log.writer, &op, &f.fence, f.registry, agent, NULL, 0)),
			 0);
	assert_int_equal(WAIT(&f.log, &op, store_domains(f.log.reader, &op, &list, f.registry, agent)), 0);
	assert_int_equal(list.n, 0);
	store_domains_clear(&list);
	assert_int_equal(WAIT(&f.log, &op,
			      store_domains_put(f.log.writer, &op, &(struct store_fence){"index", 77}, f.registry,
						agent, domains, 1)),
			 -ESTALE);
	index_id(agent, 99);
	assert_int_equal(
		WAIT(&f.log, &op, store_domains_put(f.log.writer, &op, &f.fence, f.registry, agent, domains, 1)),
		-ENOENT);
}

static int host(const char *name, const char *body, uint64_t number)
{
	struct store_hosted file = {
		.registry = f.registry, .name = pg_text(name), .body = pg_text(body), .number = number};
	struct pg_op op = {0};

	index_id(file.agent_id, 1);
	memset(file.owner, 0xee, 20);
	file.at = number * 10;
	log_fixture_hash(file.content, 'h', number);
	return WAIT(&f.log, &op, store_hosted_put(f.log.writer, &op, &file));
}

/* The last one that agent 1 used. */
static const char *last_number(void)
{
	return fixture_sql(f.log.conninfo, "SELECT coalesce(max(number), 0) FROM hosted_number WHERE get_byte(agent_id, 31) = 1");
}

static void hosted_files_are_written_by_rising_numbers(void **state)
{
	struct store_hosted_list list;
	uint8_t agent[32], hash[32];
	struct pg_op op = {0};

	(void)state;
	index_id(agent, 1);
	assert_string_equal(last_number(), "0");
	assert_int_equal(host("agent.json", "{}", 5), 0);
	assert_int_equal(host("agent.json", "replay", 5), -EEXIST);
	assert_int_equal(host("other.json", "older", 4), -EEXIST);
	assert_int_equal(host("agent.json", "{\"a\":1}", 6), 0);
	assert_int_equal(
		WAIT(&f.log, &op, store_hosted_get(f.log.reader, &op, &list, f.registry, agent, pg_text("agent.json"))),
		0);
	log_fixture_hash(hash, 'h', 6);
	assert_int_equal(list.rows[0].size, 7);
	assert_memory_equal(list.rows[0].body.data, "{\"a\":1}", 7);
	assert_memory_equal(list.rows[0].content, hash, 32);
	assert_int_equal(list.rows[0].owner[3], 0xee);
	assert_int_equal(list.rows[0].number, 6);
	assert_int_equal(list.rows[0].at, 60);
	store_hosted_clear(&list);
	/* deleting takes a number too, or the write could be played again */
	assert_int_equal(
		WAIT(&f.log, &op, store_hosted_delete(f.log.writer, &op, f.registry, agent, pg_text("agent.json"), pg_text("x"), 6)),
		-EEXIST);
	assert_int_equal(
		WAIT(&f.log, &op, store_hosted_delete(f.log.writer, &op, f.registry, agent, pg_text("nope"), pg_text("x"), 7)),
		-ENOENT);
	assert_int_equal(
		WAIT(&f.log, &op, store_hosted_delete(f.log.writer, &op, f.registry, agent, pg_text("agent.json"), pg_text("x"), 7)),
		0);
	assert_int_equal(host("agent.json", "{\"a\":1}", 6), -EEXIST);
	assert_int_equal(
		WAIT(&f.log, &op, store_hosted_get(f.log.reader, &op, &list, f.registry, agent, pg_text("agent.json"))),
		-ENOENT);
	assert_string_equal(last_number(), "7");
}

static void an_agent_has_eight_hosted_files_at_most(void **state)
{
	static char big[STORE_HOSTED_MAX + 2];
	static const char *const refused[] = {
		"",    ".x",  "-x",  "A",
		"a/b", "a b", "a\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	struct store_hosted_list list;
	char name[16];
	uint8_t agent[32];
	struct pg_op op = {0};

	(void)state;
	index_id(agent, 1);
	for (unsigned i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "%u.json", 9 - i);
		assert_int_equal(host(name, i ? name : "", 10 + i), 0);
	}
	assert_int_equal(host("0.json", "ninth", 20), -EDQUOT);
	assert_string_equal(last_number(), "17");
	assert_int_equal(host("3.json", "again", 20), 0);
	assert_int_equal(
		WAIT(&f.log, &op, store_hosted_delete(f.log.writer, &op, f.registry, agent, pg_text("9.json"), pg_text("x"), 21)), 0);
	memset(big, 'x', sizeof(big) - 1);
	assert_int_equal(host("0.json", big, 22), -EOVERFLOW);
	big[STORE_HOSTED_MAX] = '\0';
	assert_int_equal(host("0.json", big, 22), 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(host(refused[i], "x", 30), -EINVAL);
		assert_int_equal(
			WAIT(&f.log, &op,
			     store_hosted_get(f.log.reader, &op, &list, f.registry, agent, pg_text(refused[i]))),
			-ENOENT);
	}
	assert_int_equal(WAIT(&f.log, &op, store_hosted(f.log.reader, &op, &list, f.registry, agent)), 0);
	assert_int_equal(list.n, 8);
	assert_memory_equal(list.rows[0].name.data, "0.json", 6);
	assert_null(list.rows[0].body.data);
	assert_int_equal(list.rows[0].size, STORE_HOSTED_MAX);
	assert_memory_equal(list.rows[7].name.data, "8.json", 6);
	store_hosted_clear(&list);
	index_id(agent, 2);
	assert_int_equal(WAIT(&f.log, &op, store_hosted(f.log.reader, &op, &list, f.registry, agent)), 0);
	assert_int_equal(list.n, 0);
	store_hosted_clear(&list);
}

static void what_was_had_last_outlives_failures(void **state)
{
	struct store_resolver *resolver;
	struct store_agent_file had;
	uint8_t agent[32];
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(put(1, "u1", "before", 7000, 9000), 0);
	assert_int_equal(put(1, "u1", NULL, 8000, 9000), 0);
	assert_string_equal(file_at(1, STORE_FILE_NEWEST), "u1 unreachable no route 8000-8000");
	index_id(agent, 1);
	assert_int_equal(store_resolver_new(&resolver, f.log.base, &f.log.reader, 1), 0);
	assert_int_equal(WAIT(&f.log, &op, store_agent_file(resolver, &op, &had, f.registry, agent)), 0);
	assert_true(had.has_file);
	assert_memory_equal(had.file.body.data, "before", 6);
	assert_int_equal(had.file.seen, 7000);
	store_agent_file_clear(&had);
	index_id(agent, 9);
	assert_int_equal(WAIT(&f.log, &op, store_agent_file(resolver, &op, &had, f.registry, agent)), 0);
	assert_false(had.has_file);
	store_agent_file_clear(&had);
	store_resolver_free(resolver);
}

/* A file kept here is read at once when it was written or removed, but nothing else is asked for at its owner's word. */
static void a_hosted_file_makes_its_agent_due(void **state)
{
	struct store_hosted file = {.registry = f.registry, .name = pg_text("8.json"), .uri = pg_text("u2"), .number = 41};
	struct pg_op op = {0};

	(void)state;
	index_id(file.agent_id, 1);
	assert_int_equal(put(1, "u1", "hosted", 9000, 90000), 0);
	assert_null(strstr(due(10000, 10), "1:u1"));
	assert_int_equal(WAIT(&f.log, &op, store_hosted_put(f.log.writer, &op, &file)), 0);
	assert_null(strstr(due(10000, 10), "1:u1"));
	file.uri = pg_text("u1");
	file.number = 42;
	assert_int_equal(WAIT(&f.log, &op, store_hosted_put(f.log.writer, &op, &file)), 0);
	assert_non_null(strstr(due(10000, 10), "1:u1"));
	assert_int_equal(put(1, "u1", "hosted", 9500, 90000), 0);
	assert_null(strstr(due(10000, 10), "1:u1"));
	assert_int_equal(WAIT(&f.log, &op, store_hosted_delete(f.log.writer, &op, f.registry, file.agent_id, file.name, file.uri, 43)), 0);
	assert_non_null(strstr(due(10000, 10), "1:u1"));
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
		cmocka_unit_test(an_agent_is_due_until_it_was_looked_at),
		cmocka_unit_test(another_uri_makes_an_agent_due_and_only_that),
		cmocka_unit_test(equal_finds_only_move_seen),
		cmocka_unit_test(what_is_searched_for_survives_a_failed_fetch),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(domains_are_replaced_as_a_set),
		cmocka_unit_test(hosted_files_are_written_by_rising_numbers),
		cmocka_unit_test(an_agent_has_eight_hosted_files_at_most),
		cmocka_unit_test(what_was_had_last_outlives_failures),
		cmocka_unit_test(a_hosted_file_makes_its_agent_due),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
