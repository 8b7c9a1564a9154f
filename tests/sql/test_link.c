/* Claims of links: they follow what claims them, keep what came of asking while they stay, and notify when something changed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/listen.h"
#include "sql/migrate.h"
#include "sql/store_duty.h"
#include "sql/store_internal.h"
#include "sql/store_participant.h"
#include "tests/sql/fixture.h"
#include "tests/sql/index_fixture.h"

static struct index_fixture f;
static struct index_build b;
static struct listen *listening;
static char heard[512];
static bool ready, any;

#define AGENT "eip155:31337/erc721:0x8800000000000000000000000000000000000000/1"
#define ANN "urn:kedge:p:00000000000000000000000000000001"
#define BEN "urn:kedge:p:00000000000000000000000000000002"

static void on_notify(void *arg, const char *channel, const char *payload)
{
	size_t len = strlen(heard);

	(void)arg;
	(void)channel;
	snprintf(heard + len, sizeof(heard) - len, "%s ", payload);
	any = true;
}

static void on_ready(void *arg)
{
	(void)arg;
	ready = true;
}

/* What was notified since the last call: a notification of the test's own ends the wait. */
static const char *notified(void)
{
	static char text[512];
	const char *end;

	fixture_sql(f.log.conninfo, "NOTIFY kedge_links, '.'");
	while (!(end = strstr(heard, ". "))) {
		any = false;
		assert_int_equal(pg_run_until(f.log.base, &any, 5000), 0);
	}
	snprintf(text, sizeof(text), "%.*s", (int)(end - heard), heard);
	heard[0] = '\0';
	return text;
}

static const char *sql(const char *query)
{
	return fixture_sql(f.log.conninfo, query);
}

#define ROWS                                                                                                                       \
	"SELECT coalesce(string_agg(concat_ws(' ', object, kind, state, since, coalesce(good::text, '-'), coalesce(due::text, '-'), " \
	"tries), ', ' ORDER BY place), '') FROM link_claim WHERE subject = "

/* ---- agents ---- */

static int put_file(const char *uri, const char *status, bool keep, uint64_t at, const struct store_link_claim *claims, size_t n)
{
	struct store_file file = {.registry = f.registry, .at = at, .uri = pg_text(uri), .status = pg_text(status)};
	struct store_file_now now = {.due = at + 1, .keep = keep, .subject = pg_text(AGENT), .claims = claims, .nclaims = n};
	struct pg_op op = {0};

	index_id(file.agent_id, 1);
	return WAIT(&f.log, &op, store_file_put(f.log.writer, &op, &f.fence, &file, &now));
}

static struct store_link_claim claim(const char *object, uint32_t kind)
{
	return (struct store_link_claim){.object = pg_text(object), .kind = kind};
}

static struct store_link_checked checked(const char *subject, const char *object, uint32_t kind)
{
	return (struct store_link_checked){.subject = pg_text(subject), .object = pg_text(object), .kind = kind, .state = 1, .at = 2000, .good = true,
					   .due = 3000, .evidence = pg_text("{}")};
}

/* As it is due now. */
static int put(struct store_link_checked *result)
{
	struct pg_op op = {0};

	result->was_due = strtoull(fixture_sql(f.log.conninfo, "SELECT coalesce((SELECT due FROM link_claim WHERE kind = 1 ORDER BY object DESC LIMIT 1), 0)"), NULL, 10);
	return WAIT(&f.log, &op, store_link_put(f.log.writer, &op, &f.fence, result));
}

static void an_agent_s_claims_are_those_of_its_file(void **state)
{
	const struct store_link_claim first[] = {claim("did:web:a.example", 1), claim("did:web:b.example", 1), claim("other", 2), claim("did:key:z", 4)};
	const struct store_link_claim second[] = {claim("did:web:b.example", 1), claim("did:web:a.example", 4), claim("did:web:c.example", 1)};
	struct store_link_checked result = checked(AGENT, "did:web:b.example", 1);

	(void)state;
	assert_int_equal(put_file("u1", "ok", false, 1000, first, 4), 0);
	assert_string_equal(sql(ROWS "'" AGENT "'"), "did:web:a.example 1 0 1000 - 1000 0, did:web:b.example 1 0 1000 - 1000 0, other 2 0 1000 - - 0, "
						     "did:key:z 4 0 1000 - - 0");
	assert_string_equal(notified(), AGENT " ");
	/* the same again is no news */
	assert_int_equal(put_file("u1", "ok", false, 1500, first, 4), 0);
	assert_string_equal(notified(), "");
	assert_int_equal(put(&result), 0);
	assert_string_equal(notified(), AGENT " ");
	/* what stays keeps its state, in its new place; what changed its kind begins anew */
	assert_int_equal(put_file("u2", "ok", false, 2500, second, 3), 0);
	assert_string_equal(sql(ROWS "'" AGENT "'"), "did:web:b.example 1 1 2000 2000 3000 0, did:web:a.example 4 0 2500 - - 0, "
						     "did:web:c.example 1 0 2500 - 2500 0");
	assert_string_equal(sql("SELECT bool_and(uri = sha256('u2')) FROM link_claim"), "t");
	assert_string_equal(notified(), AGENT " ");
	/* a server that is away says nothing; a file that is none says there is no claim */
	assert_int_equal(put_file("u2", "dns", true, 2600, NULL, 0), 0);
	assert_string_equal(sql("SELECT count(*) FROM link_claim"), "3");
	assert_int_equal(put_file("u2", "not-json", false, 2700, NULL, 0), 0);
	assert_string_equal(sql("SELECT count(*) FROM link_claim"), "0");
	assert_string_equal(notified(), AGENT " ");
}

static void what_came_of_asking_is_of_the_claim_that_was_due(void **state)
{
	const struct store_link_claim claims[] = {claim("did:web:a.example", 1)};
	struct store_link_checked result = checked(AGENT, "did:web:a.example", 1);
	struct store_fence lost = {.duty = "index", .epoch = 77};
	char big[STORE_LINK_EVIDENCE_MAX + 1];
	struct pg_op op = {0};

	(void)state;
	assert_int_equal(put_file("u1", "ok", false, 1000, claims, 1), 0);
	(void)notified();
	assert_int_equal(put(&result), 0);
	assert_string_equal(notified(), AGENT " ");
	/* the same state is no news, but since when it is stays */
	result.at = 2500;
	assert_int_equal(put(&result), 0);
	assert_string_equal(notified(), "");
	assert_string_equal(sql(ROWS "'" AGENT "'"), "did:web:a.example 1 1 2000 2500 3000 0");
	result = (struct store_link_checked){.subject = result.subject, .object = result.object, .kind = 1, .state = 3, .at = 2600, .due = 9000, .tries = 1,
					     .evidence = pg_text("{\"why\":\"x\"}")};
	assert_int_equal(put(&result), 0);
	assert_string_equal(sql(ROWS "'" AGENT "'"), "did:web:a.example 1 3 2600 2500 9000 1");
	assert_string_equal(sql("SELECT checked || evidence FROM link_claim"), "2600{\"why\":\"x\"}");
	result.due = 9500;
	result.state = 1;
	assert_int_equal(WAIT(&f.log, &op, store_link_put_off(f.log.writer, &op, &f.fence, &result)), 0);
	assert_string_equal(sql(ROWS "'" AGENT "'"), "did:web:a.example 1 3 2600 2500 9500 1");
	/* somebody wants it asked again, while it is: at once, behind those who wait */
	fixture_sql(f.log.conninfo, "UPDATE link_claim SET due = 0");
	result = (struct store_link_checked){.subject = result.subject, .object = result.object, .kind = 1, .state = 3, .at = 2600, .was_due = 9500, .due = 9900,
					     .tries = 1, .evidence = pg_text("{}")};
	assert_int_equal(WAIT(&f.log, &op, store_link_put(f.log.writer, &op, &f.fence, &result)), 0);
	assert_string_equal(sql(ROWS "'" AGENT "'"), "did:web:a.example 1 3 2600 2500 2600 1");
	result.due = 9500;
	assert_int_equal(put(&result), 0);
	assert_string_equal(sql(ROWS "'" AGENT "'"), "did:web:a.example 1 3 2600 2500 9500 1");
	/* not that claim any more */
	result.kind = 3;
	assert_int_equal(put(&result), -ENOENT);
	result.kind = 1;
	result.has_seq = true;
	assert_int_equal(put(&result), -ENOENT);
	result.has_seq = false;
	result.object = pg_text("did:web:b.example");
	assert_int_equal(put(&result), -ENOENT);
	result.object = pg_text("did:web:a.example");
	assert_int_equal(WAIT(&f.log, &op, store_link_put(f.log.writer, &op, &lost, &result)), -ESTALE);
	assert_int_equal(WAIT(&f.log, &op, store_link_put_off(f.log.writer, &op, &lost, &result)), -ESTALE);
	memset(big, 'x', sizeof(big));
	result.evidence = pg_bytes(big, sizeof(big));
	assert_int_equal(put(&result), -EOVERFLOW);
	assert_string_equal(sql(ROWS "'" AGENT "'"), "did:web:a.example 1 3 2600 2500 9500 1");
}

static void bounds(void **state)
{
	struct store_link_claim many[STORE_LINK_CLAIMS_MAX + 1];
	char names[STORE_LINK_CLAIMS_MAX + 1][16], big[STORE_LINK_OBJECT_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
		snprintf(names[i], sizeof(names[i]), "did:x:%zu", i);
		many[i] = claim(names[i], 4);
	}
	assert_int_equal(put_file("u1", "ok", false, 5000, many, STORE_LINK_CLAIMS_MAX + 1), -EOVERFLOW);
	assert_int_equal(put_file("u1", "ok", false, 5000, many, STORE_LINK_CLAIMS_MAX), 0);
	assert_string_equal(sql("SELECT count(*) FROM link_claim"), "64");
	memset(big, 'x', sizeof(big));
	many[0].object = pg_bytes(big, sizeof(big));
	assert_int_equal(put_file("u1", "ok", false, 5000, many, 1), -EOVERFLOW);
	many[0].object.len = STORE_LINK_OBJECT_MAX;
	assert_int_equal(put_file("u1", "ok", false, 5000, many, 1), 0);
}

/* A claim of a URI that the agent never had: the reorganisation takes it, and the URI can go. */
static void a_reorganisation_takes_its_claims(void **state)
{
	const struct store_link_claim claims[] = {claim("did:web:a.example", 1)};
	struct store_index index;
	struct pg_op op = {0};

	(void)state;
	build_start(&b, 20, 28, 'a');
	build_blocks(&b, 26, 28, 'a');
	build_state(&b, &f, 1, 27, 0x10, 0, "only here");
	assert_int_equal(build_put(&b, &f), 0);
	assert_int_equal(put_file("only here", "ok", false, 6000, claims, 1), 0);
	index_place(&index, 20, 25, 'a');
	assert_int_equal(WAIT(&f.log, &op, store_index_drop(f.log.writer, &op, &f.fence, INDEX_CHAIN, 25, &index)), 0);
	assert_string_equal(sql("SELECT count(*) FROM link_claim"), "0");
	assert_string_equal(sql("SELECT count(*) FROM uri WHERE body = 'only here'"), "0");
	/* one of a URI that it had stays */
	assert_int_equal(put_file("u1", "ok", false, 6000, claims, 1), 0);
	build_start(&b, 20, 28, 'a');
	build_blocks(&b, 26, 28, 'a');
	build_state(&b, &f, 1, 27, 0x10, 0, "only here");
	assert_int_equal(build_put(&b, &f), 0);
	assert_int_equal(WAIT(&f.log, &op, store_index_drop(f.log.writer, &op, &f.fence, INDEX_CHAIN, 25, &index)), 0);
	assert_string_equal(sql("SELECT count(*) FROM link_claim"), "1");
	assert_int_equal(put_file("u1", "ok", false, 6001, NULL, 0), 0);
	(void)notified();
}

/* ---- participants ---- */

static void commit(struct pg_txn *txn)
{
	struct pg_op op = {0};

	assert_int_equal(WAIT(&f.log, &op, store_participant_commit(txn, &op)), 0);
}

static void put_participant(const char *key, uint64_t at, const struct store_link_claim *claims, size_t n)
{
	struct pg_txn *txn;

	assert_int_equal(pg_txn_begin(f.log.writer, &txn), 0);
	assert_int_equal(store_link_put_participant(txn, pg_text(key), at, claims, n), 0);
	commit(txn);
}

static struct store_link_claim of_entry(const char *object, uint32_t kind, uint64_t seq)
{
	return (struct store_link_claim){.object = pg_text(object), .kind = kind, .seq = seq};
}

/* What there is of a participant in the tables beside its claims. */
static void insert(const char *key, const char *handle)
{
	char query[512];

	snprintf(query, sizeof(query),
		 "INSERT INTO participant VALUES ('%s', '%s', 1, substr(sha256('%s'), 1, 20), 0, 0, 0, 0, 1, '{}')", key, handle, handle);
	(void)fixture_sql(f.log.conninfo, query);
}

static void a_participant_s_claims_are_those_of_its_entries(void **state)
{
	const struct store_link_claim first[] = {of_entry("did:web:a.example", 1, 3), of_entry("did:pkh:eip155:1:0x11", 3, 4)};
	const struct store_link_claim second[] = {of_entry("did:web:a.example", 1, 3), of_entry("did:pkh:eip155:1:0x11", 3, 5)};
	const struct store_link_claim third[] = {of_entry("did:pkh:eip155:1:0x11", 3, 1)};
	struct store_link_checked result = checked(ANN, "did:web:a.example", 1);
	char expected[256];

	(void)state;
	assert_int_equal(log_fixture_append(&f.log, 2), 0);
	insert(ANN, "ann");
	put_participant(ANN, 1000, first, 2);
	assert_string_equal(notified(), ANN " ");
	assert_string_equal(sql(ROWS "'" ANN "'"), "did:web:a.example 1 0 1000 - 1000 0, did:pkh:eip155:1:0x11 3 1 1000 1000 86401000 0");
	result.has_seq = true;
	result.seq = 4;
	assert_int_equal(put(&result), -ENOENT);
	result.seq = 3;
	assert_int_equal(put(&result), 0);
	(void)notified();
	/* linked anew: it is judged anew; what stays is no news */
	put_participant(ANN, 5000, second, 2);
	assert_string_equal(sql(ROWS "'" ANN "'"), "did:web:a.example 1 1 2000 2000 3000 0, did:pkh:eip155:1:0x11 3 1 5000 5000 86405000 0");
	assert_string_equal(notified(), ANN " ");
	put_participant(ANN, 6000, second, 2);
	assert_string_equal(notified(), "");
	/* worked out anew from the log: the entry says when */
	put_participant(ANN, 7000, NULL, 0);
	put_participant(ANN, 7000, third, 1);
	snprintf(expected, sizeof(expected), "did:pkh:eip155:1:0x11 3 1 %s", sql("SELECT at || ' ' || at || ' ' || at + 86400000 || ' 0' FROM entry WHERE seq = 1"));
	assert_string_equal(sql(ROWS "'" ANN "'"), expected);
}

static void what_is_due_comes_with_what_it_takes_to_ask(void **state)
{
	const struct store_link_claim of_ann[] = {of_entry("did:web:a.example", 1, 7), of_entry("did:pkh:eip155:1:0x11", 3, 1)};
	const struct store_link_claim of_agent[] = {claim("did:web:z.example", 1), claim("other", 2)};
	struct store_links_due list;
	struct pg_op op = {0};

	(void)state;
	put_participant(ANN, 9000, of_ann, 2);
	assert_int_equal(put_file("u1", "ok", false, 8000, of_agent, 2), 0);
	fixture_sql(f.log.conninfo, "UPDATE link_claim SET due = 9500 WHERE kind = 3");
	assert_int_equal(WAIT(&f.log, &op, store_links_due(f.log.reader, &op, &list, 9500, 12)), 0);
	assert_int_equal(list.n, 3);
	assert_int_equal(list.rows[0].kind, 3);
	assert_int_equal(list.rows[0].seq, 1);
	assert_memory_equal(list.rows[0].payload.data, "payload 1", 9);
	assert_memory_equal(list.rows[1].subject.data, AGENT, strlen(AGENT));
	assert_false(list.rows[1].has_seq);
	assert_int_equal(list.rows[1].good, 0);
	assert_true(list.rows[2].has_seq && list.rows[2].kind == 1 && list.rows[2].payload.data == NULL);
	assert_memory_equal(list.rows[2].handle.data, "ann", 3);
	store_links_due_clear(&list);
	assert_int_equal(WAIT(&f.log, &op, store_links_due(f.log.reader, &op, &list, 8999, 10)), 0);
	assert_int_equal(list.n, 1);
	store_links_due_clear(&list);
	/* what is proven first; of the rest a quarter */
	assert_int_equal(WAIT(&f.log, &op, store_links_due(f.log.reader, &op, &list, 9500, 4)), 0);
	assert_int_equal(list.n, 2);
	assert_true(list.rows[0].kind == 3 && list.rows[1].kind == 1);
	store_links_due_clear(&list);
	/* proven or not, who is slow is of the rest */
	fixture_sql(f.log.conninfo, "UPDATE link_claim SET state = 1, tries = 1 WHERE object = 'did:web:a.example'");
	assert_int_equal(WAIT(&f.log, &op, store_links_due(f.log.reader, &op, &list, 9500, 8)), 0);
	assert_int_equal(list.n, 3);
	assert_true(list.rows[0].kind == 3 && list.rows[1].state == 0 && list.rows[2].state == 1 && list.rows[2].tries == 1);
	store_links_due_clear(&list);
	fixture_sql(f.log.conninfo, "UPDATE link_claim SET state = 0, tries = 0 WHERE object = 'did:web:a.example'");
	assert_int_equal(store_links_due(f.log.reader, &op, &list, 9500, 0), -EINVAL);
}

/* Where many claims lead nowhere and are due, what is proven is found without them. */
static void what_is_proven_is_found_among_many(void **state)
{
	const char *due = NULL, *at;
	char query[4096];

	(void)state;
	for (size_t i = 0; i < store_link_set.n; i++)
		if (strcmp(store_link_set.list[i].name, "links_due") == 0)
			due = store_link_set.list[i].sql;
	assert_non_null(due);
	fixture_sql(f.log.conninfo, "INSERT INTO link_claim (subject, object, kind, registry, agent_id, uri, place, since, due) SELECT 's' || n, 'o', 1, c.registry,"
				    " c.agent_id, c.uri, 0, 1, n FROM generate_series(1, 20000) n, (SELECT * FROM link_claim WHERE registry IS NOT NULL LIMIT 1) c;"
				    "ANALYZE link_claim");
	snprintf(query, sizeof(query), "%s; %s; %s; %s; PREPARE p (int8, int8) AS %s; EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE p(4000000, 8)",
		 store_reader_settings[0], store_reader_settings[1], store_reader_settings[2], store_reader_settings[3], due);
	at = strstr(fixture_sql(f.log.conninfo, query), "\"Shared Hit Blocks\": ");
	assert_non_null(at);
	assert_in_range(strtoul(at + strlen("\"Shared Hit Blocks\": "), NULL, 10), 1, 60);
	fixture_sql(f.log.conninfo, "DELETE FROM link_claim WHERE object = 'o'");
}

static void who_goes_takes_its_claims_along(void **state)
{
	const struct store_link_claim claims[] = {of_entry("did:web:a.example", 1, 0)};
	struct store_fence lost = {.duty = "index", .epoch = 77};
	struct pg_txn *txn;
	struct pg_op op = {0};

	(void)state;
	insert(BEN, "ben");
	put_participant(BEN, 9000, claims, 1);
	fixture_sql(f.log.conninfo, "INSERT INTO link_asked VALUES ('" BEN "', 9000), ('" ANN "', 9000), ('" AGENT "', 100)");
	(void)notified();
	assert_int_equal(pg_txn_begin(f.log.writer, &txn), 0);
	assert_int_equal(store_participant_remove(txn, pg_text(BEN)), 0);
	commit(txn);
	assert_string_equal(sql("SELECT count(*) FROM link_claim WHERE subject = '" BEN "'"), "0");
	assert_string_equal(sql("SELECT string_agg(subject, ' ' ORDER BY at DESC) FROM link_asked"), ANN " " AGENT);
	assert_string_equal(notified(), BEN " ");
	/* a stray, and a wish that is old */
	put_participant(BEN, 9000, claims, 1);
	assert_int_equal(WAIT(&f.log, &op, store_link_sweep(f.log.writer, &op, &lost, 9000, 9000000000000)), -ESTALE);
	assert_string_equal(sql("SELECT count(*) FROM link_claim WHERE subject = '" BEN "'"), "1");
	assert_int_equal(WAIT(&f.log, &op, store_link_sweep(f.log.writer, &op, &f.fence, 9000, 9000000000000)), 0);
	assert_string_equal(sql("SELECT string_agg(DISTINCT subject, ' ') FROM link_claim"), AGENT " " ANN);
	assert_string_equal(sql("SELECT string_agg(subject, ' ') FROM link_asked"), ANN);
	/* a clock that was set back: what it asked later than now is asked again; what has to wait does */
	fixture_sql(f.log.conninfo, "UPDATE link_claim SET due = 900000, checked = CASE kind WHEN 1 THEN 69001 ELSE 69000 END WHERE due IS NOT NULL");
	assert_int_equal(WAIT(&f.log, &op, store_link_sweep(f.log.writer, &op, &f.fence, 9000, 9000)), 0);
	assert_string_equal(sql("SELECT string_agg(DISTINCT kind || ' ' || due, ', ') FROM link_claim WHERE due IS NOT NULL"), "1 9000, 3 900000");
	put_participant(BEN, 9000, claims, 1);
	assert_int_equal(pg_txn_begin(f.log.writer, &txn), 0);
	assert_int_equal(store_link_remove_strays(txn), 0);
	commit(txn);
	assert_string_equal(sql("SELECT string_agg(DISTINCT subject, ' ') FROM link_claim"), AGENT " " ANN);
}

/* An index that is made anew knows no agent; what participants claim stands in the log. */
static void a_new_index_forgets_what_agents_claimed(void **state)
{
	char why[256] = "";
	const char *before = sql(ROWS "'" ANN "'");

	(void)state;
	assert_int_equal(migrate_reindex(why, sizeof(why), f.log.conninfo), 0);
	assert_string_equal(sql("SELECT string_agg(DISTINCT subject, ' ') FROM link_claim"), ANN);
	assert_string_equal(sql(ROWS "'" ANN "'"), before);
	assert_string_equal(sql("SELECT count(*) FROM uri"), "0");
}

/* An agent that goes takes its claims along by itself. */
static void an_agent_that_goes(void **state)
{
	(void)state;
	fixture_sql(f.log.conninfo, "INSERT INTO uri VALUES (sha256('u'), 'u');"
				    "INSERT INTO agent_now (registry, agent_id, number, owner, uri) VALUES (1, sha256('a'), 1, substr(sha256('o'), 1, 20), sha256('u'));"
				    "INSERT INTO link_claim (subject, object, kind, registry, agent_id, uri, place, since) VALUES ('a', 'b', 4, 1, sha256('a'), sha256('u'), 0, 1)");
	fixture_sql(f.log.conninfo, "DELETE FROM agent_now");
	assert_string_equal(sql("SELECT string_agg(DISTINCT subject, ' ') FROM link_claim"), ANN);
}

static int set_up(void **state)
{
	struct listen_config config = {.channels = {"kedge_links"}, .on_notify = on_notify, .on_ready = on_ready};

	(void)state;
	index_fixture_open(&f);
	build_start(&b, 20, 25, 'a');
	build_blocks(&b, 20, 25, 'a');
	build_state(&b, &f, 1, 20, 0x10, 0, "u1");
	build_state(&b, &f, 1, 22, 0x10, 0, "u2");
	build_state(&b, &f, 1, 24, 0x10, 0, "u1");
	if (build_put(&b, &f) != 0)
		return -1;
	config.conninfo = f.log.conninfo;
	if (listen_open(&listening, f.log.base, &config) != 0)
		return -1;
	return pg_run_until(f.log.base, &ready, 5000);
}

static int tear_down(void **state)
{
	(void)state;
	listen_close(listening);
	index_fixture_close(&f);
	return 0;
}

int main(void)
{
	/* In this order: each goes on from what the one before left. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_agent_s_claims_are_those_of_its_file),
		cmocka_unit_test(what_came_of_asking_is_of_the_claim_that_was_due),
		cmocka_unit_test(bounds),
		cmocka_unit_test(a_reorganisation_takes_its_claims),
		cmocka_unit_test(a_participant_s_claims_are_those_of_its_entries),
		cmocka_unit_test(what_is_due_comes_with_what_it_takes_to_ask),
		cmocka_unit_test(what_is_proven_is_found_among_many),
		cmocka_unit_test(who_goes_takes_its_claims_along),
		cmocka_unit_test(a_new_index_forgets_what_agents_claimed),
		cmocka_unit_test(an_agent_that_goes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
