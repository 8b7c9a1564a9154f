/*
 * How the statements of the index are planned once and for all, on tables that are still empty: by an index that the
 * statement's own conditions lead into. What scans more is listed here, with its reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/store_internal.h"
#include "tests/sql/fixture.h"

/* Tables of a row each, of a row a registry, or of an hour that a sweep reads whole: any plan is fine. */
static const char *const small[] = {"registry", "chain_index", "logged_identity", "link_asked"};

/* Statement and index that is walked without a condition. */
static const char *const walks[] = {
	"agents agent_now_pkey",	  /* all agents, page by page: its order is the condition */
	"file_due agent_now_unlooked",	  /* holds none but those asked for */
};

static const char *conninfo;
static const char *leading; /* ";index:its first column;", those of expressions left out */

static const char *type_name(Oid type)
{
	static const struct {
		Oid oid;
		const char *name;
	} names[] = {{16, "bool"},	{17, "bytea"},	  {20, "int8"},	   {25, "text"},
		     {1001, "bytea[]"}, {1009, "text[]"}, {1016, "int8[]"}};

	for (size_t i = 0; i < STORE_COUNT(names); i++)
		if (names[i].oid == type)
			return names[i].name;
	fail_msg("type %u", type);
	return NULL;
}

static const char *plan_of(const struct pg_statement *statement)
{
	static char sql[32768];
	size_t at = 0;

	for (size_t i = 0; store_reader_settings[i]; i++)
		at += (size_t)snprintf(sql + at, sizeof(sql) - at, "%s; ", store_reader_settings[i]);
	at += (size_t)snprintf(sql + at, sizeof(sql) - at, "PREPARE p");
	for (int i = 0; i < statement->nparams; i++)
		at += (size_t)snprintf(sql + at, sizeof(sql) - at, "%s%s", i ? ", " : "(",
				       type_name(statement->types[i]));
	at += (size_t)snprintf(sql + at, sizeof(sql) - at, "%s AS %s; EXPLAIN (FORMAT JSON) EXECUTE p",
			       statement->nparams ? ")" : "", statement->sql);
	for (int i = 0; i < statement->nparams; i++)
		at += (size_t)snprintf(sql + at, sizeof(sql) - at, "%sNULL", i ? ", " : "(");
	at += (size_t)snprintf(sql + at, sizeof(sql) - at, "%s", statement->nparams ? ")" : "");
	assert_true(at < sizeof(sql));
	return fixture_sql(conninfo, sql);
}

/* The text of `key` in this node, "" if it has none. Node properties come before its children. */
static const char *property(const char *node, const char *key)
{
	static char value[256];
	char pattern[64];
	const char *end = strstr(node + 1, "\"Node Type\"");
	const char *at;

	snprintf(pattern, sizeof(pattern), "\"%s\": \"", key);
	at = strstr(node, pattern);
	value[0] = '\0';
	if (at && (!end || at < end)) {
		size_t n = 0;

		/* up to the closing quote; \" is a quote of the condition's own */
		for (at += strlen(pattern); *at && *at != '"' && n + 1 < sizeof(value); at++) {
			at += *at == '\\';
			value[n++] = *at;
		}
		value[n] = '\0';
	}
	return value;
}

static bool is_in(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(text, list[i]))
			return true;
	return false;
}

/* Whether the index is entered by its first column; that of times by the time too, not by number from its end. */
static bool leads(const char *node)
{
	char pattern[80], column[80];
	const char *at;

	if (!strcmp(property(node, "Index Name"), "block_time"))
		return strstr(property(node, "Index Cond"), "time");
	snprintf(pattern, sizeof(pattern), ";%s:", property(node, "Index Name"));
	at = strstr(leading, pattern);
	if (!at)
		return *property(node, "Index Cond") != '\0';
	snprintf(column, sizeof(column), "%.*s", (int)strcspn(at + strlen(pattern), ";"), at + strlen(pattern));
	return strstr(property(node, "Index Cond"), column);
}

static unsigned findings(const struct pg_statement *statement)
{
	char type[64], what[192];
	unsigned n = 0;

	for (const char *node = strstr(plan_of(statement), "\"Node Type\""); node;
	     node = strstr(node + 1, "\"Node Type\"")) {
		if (is_in(property(node, "Relation Name"), small, STORE_COUNT(small)))
			continue;
		snprintf(type, sizeof(type), "%s", property(node, "Node Type"));
		if (!strcmp(type, "Seq Scan")) {
			print_error("%s scans %s\n", statement->name, property(node, "Relation Name"));
			n++;
		}
		if (strncmp(type, "Index", 5) && strncmp(type, "Bitmap Index", 12))
			continue;
		snprintf(what, sizeof(what), "%s %s", statement->name, property(node, "Index Name"));
		if (!leads(node) && !is_in(what, walks, STORE_COUNT(walks))) {
			print_error("%s walks %s\n", statement->name, property(node, "Index Name"));
			n++;
		}
	}
	return n;
}

static void every_statement_goes_by_an_index(void **state)
{
	const struct pg_statement_set *const sets[] = {
		&store_identity_set,	    &store_identity_step_set, &store_identity_back_set,
		&store_identity_search_set, &store_file_set,	      &store_hosted_set,
		&store_notary_set,	    &store_resolve_set,	      &store_history_page_set,
		&store_link_set,		    &store_lapse_set,	      &store_link_read_set};

	unsigned found = 0;

	(void)state;
	for (size_t i = 0; i < STORE_COUNT(sets); i++)
		for (size_t j = 0; j < sets[i]->n; j++)
			found += findings(&sets[i]->list[j]);
	assert_int_equal(found, 0);
}

static void as_of_is_one_probe_of_the_agent_s_states(void **state)
{
	static const char *const names[] = {"state_at", "state_at_time"};

	(void)state;
	for (size_t i = 0; i < STORE_COUNT(names); i++) {
		const struct pg_statement *statement = NULL;
		bool found = false;

		for (size_t j = 0; j < store_identity_set.n; j++)
			if (!strcmp(store_identity_set.list[j].name, names[i]))
				statement = &store_identity_set.list[j];
		assert_non_null(statement);
		for (const char *node = strstr(plan_of(statement), "\"Node Type\""); node;
		     node = strstr(node + 1, "\"Node Type\"")) {
			if (strcmp(property(node, "Scan Direction"), "Backward") ||
			    strcmp(property(node, "Index Name"), "agent_state_pkey"))
				continue;
			const char *condition = property(node, "Index Cond");

			assert_non_null(strstr(condition, "registry = "));
			assert_non_null(strstr(condition, "agent_id = $2"));
			assert_non_null(strstr(condition, "number <= "));
			found = true;
		}
		assert_true(found);
	}
}

/* Before and after a state, by indexes that hold none but those changes: a walk over all states would be as long as an agent's owner
 * likes. */
static void since_and_until_when_of_a_key_are_one_probe_each(void **state)
{
	static const char *const indexes[] = {"agent_state_owner", "agent_state_wallet"};

	(void)state;
	for (size_t i = 0; i < store_resolve_set.n; i++) {
		unsigned found[2] = {0};

		for (const char *node = strstr(plan_of(&store_resolve_set.list[i]), "\"Node Type\""); node;
		     node = strstr(node + 1, "\"Node Type\"")) {
			assert_null(strstr(property(node, "Filter"), "changed"));
			for (size_t k = 0; k < STORE_COUNT(indexes); k++)
				found[k] += !strcmp(property(node, "Index Name"), indexes[k]);
		}
		assert_int_equal(found[0], 2);
		assert_int_equal(found[1], 2);
	}
}

/* A host that comes and goes leaves as many snapshots without content as it likes. */
static void the_newest_content_is_one_probe(void **state)
{
	bool found = false;

	(void)state;
	assert_string_equal(store_link_read_set.list[0].name, "agent_file");
	for (const char *node = strstr(plan_of(&store_link_read_set.list[0]), "\"Node Type\""); node;
	     node = strstr(node + 1, "\"Node Type\"")) {
		assert_null(strstr(property(node, "Filter"), "content"));
		found = found || (!strcmp(property(node, "Index Name"), "file_content") && !strcmp(property(node, "Scan Direction"), "Backward"));
	}
	assert_true(found);
}

static int set_up(void **state)
{
	(void)state;
	conninfo = fixture_migrated();
	leading =
		fixture_sql(conninfo, "SELECT ';' || string_agg(i.indexrelid::regclass || ':' || a.attname, ';') || ';'"
				      " FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
				      " AND a.attnum = i.indkey[0] JOIN pg_class c ON c.oid = i.indrelid"
				      " WHERE c.relnamespace = 'public'::regnamespace");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_statement_goes_by_an_index),
		cmocka_unit_test(as_of_is_one_probe_of_the_agent_s_states),
		cmocka_unit_test(since_and_until_when_of_a_key_are_one_probe_each), cmocka_unit_test(the_newest_content_is_one_probe),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
