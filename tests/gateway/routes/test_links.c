/* Links of agents in documents, metadata and /links, from the rows of who wrote the claims; and the wish to have them checked. */
#include "tests/gateway/routes/index_rig.h"
#include "tests/sql/fixture.h"
#include "tests/sql/index_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY "eip155:31337/erc721:0x8004000000000000000000000000000000000000/"
#define LAST "115792089237316195423570985008687907853269984665640564039457584007913129639935"
#define DID "did:web:kedge.example:agent:31337:0"
#define ZERO "decode(repeat('00', 32), 'hex')"
#define NOW "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

static struct rig_reply reply;

static void sql(const struct index_rig *rig, const char *text)
{
	(void)fixture_sql(rig->conninfo, text);
}

/* Files of both agents, what agent 0's claims, and two participants that linked it; one, when it had the same owner before. */
static void fill(const struct index_rig *rig)
{
	sql(rig, "INSERT INTO file (registry, agent_id, uri, at, seen, status, content, body, name, back) SELECT 1, a.agent_id, a.uri, 1000, " NOW
		 ", 'ok', sha256('{}'), convert_to('{\"name\":\"x\",\"services\":[]}', 'UTF8'), 'x', false FROM agent_now a");
	sql(rig, "INSERT INTO link_claim (subject, object, kind, registry, agent_id, uri, place, since, state, checked, good, due, evidence)"
		 " SELECT x.subject, x.object, x.kind, 1, a.agent_id, a.uri, x.place, 1000, x.state, " NOW ", CASE WHEN x.state = 1 THEN " NOW " END,"
		 " CASE WHEN x.kind = 1 THEN " NOW " + 60000 END, x.evidence FROM (VALUES"
		 " ('" KEY "0', 'did:web:proven.example', 1, 0, 1, '{\"url\":\"https://proven.example/.well-known/did.json\"}', " ZERO "),"
		 " ('" KEY "0', 'did:web:claimed.example', 1, 1, 0, NULL, " ZERO "),"
		 " ('" KEY "0', '" KEY LAST "', 2, 2, 0, NULL, " ZERO "),"
		 " ('" KEY "0', '" KEY "5', 2, 3, 0, NULL, " ZERO "),"
		 " ('" KEY "0', 'eip155:1/erc721:0x8004000000000000000000000000000000000000/5', 2, 4, 0, NULL, " ZERO "),"
		 " ('" KEY LAST "', '" KEY "0', 2, 0, 0, NULL, decode(repeat('ff', 32), 'hex'))"
		 ") AS x(subject, object, kind, place, state, evidence, agent_id) JOIN agent_now a ON a.registry = 1 AND a.agent_id = x.agent_id");
	sql(rig, "INSERT INTO entry (seq, at, kind, uid, subject, leaf, line) SELECT n, 2000, 'link', sha256(int4send(n)), 'urn:kedge:p:x', sha256('l'), 'l'"
		 " FROM generate_series(0, 1) n");
	sql(rig, "INSERT INTO participant SELECT 'urn:kedge:p:' || repeat(d, 32), h, 1, decode(repeat('0' || d, 20), 'hex'), 0, 1, 0, 1, 1, ''"
		 " FROM (VALUES ('1', 'alice'), ('2', 'bob')) x(d, h)");
	sql(rig, "INSERT INTO participant_agent SELECT 'urn:kedge:p:' || repeat(d, 32), 31337, decode('8004' || repeat('00', 18), 'hex'), " ZERO
		 ", decode(repeat('0c', 20), 'hex'), true, n - 1, sha256('s'), n, sha256('l'), seq FROM (VALUES ('1', 39, 0), ('2', 36, 1)) x(d, n, seq)");
	sql(rig, "INSERT INTO agent_state (registry, agent_id, chain_id, number, owner, uri, changed, tier)"
		 " SELECT 1, " ZERO ", 31337, n, decode(repeat(o, 20), 'hex'), sha256('\\xff00'), 1, 1 FROM (VALUES (37, '0e'), (38, '0c')) x(n, o);"
		 "UPDATE agent_now SET number = 38, wallet = NULL WHERE agent_id = " ZERO);
	index_rig_heads((struct index_rig *)(uintptr_t)rig, INDEX_ROWS_TIP, 39, INDEX_ROWS_FINAL);
}

static int open_rig(void **state)
{
	static struct index_rig rig;

	index_rig_open(&rig);
	fill(&rig);
	*state = &rig;
	return 0;
}

static int close_rig(void **state)
{
	index_rig_close(*state);
	return 0;
}

static void assert_text(const json_t *value, const char *path, const char *expected)
{
	const char *text = index_rig_text(value, path);

	if (strcmp(text, expected) != 0)
		fail_msg("%s: %s, not %s", path, text, expected);
}

static void only_proven_ones_stand_in_documents(void **state)
{
	json_auto_t *document = index_rig_json(*state, &reply, "/agent/31337/0/did.json", 200);
	json_auto_t *resolved = index_rig_json(*state, &reply, "/1.0/identifiers/" DID, 200);
	const json_t *also = json_object_get(document, "alsoKnownAs"), *gateway = json_object_get(json_object_get(resolved, "didDocumentMetadata"), "gateway");
	static const char *const rows[][2] = {
		{"did:web:kedge.example:character:bob", "lapsed"}, {"did:web:claimed.example", "one-way"}, {KEY "5", "one-way"},
		{"eip155:1/erc721:0x8004000000000000000000000000000000000000/5", "unreachable"}};

	assert_int_equal(json_array_size(also), 4);
	assert_text(also, "0", KEY "0");
	assert_text(also, "1", "did:web:kedge.example:character:alice");
	assert_text(also, "2", "did:web:proven.example");
	assert_text(also, "3", KEY LAST);
	assert_true(json_equal(document, json_object_get(resolved, "didDocument")));
	assert_int_equal(json_array_size(json_object_get(gateway, "claims")), 4);
	for (size_t i = 0; i < 4; i++) {
		const json_t *claim = json_array_get(json_object_get(gateway, "claims"), i);

		assert_text(claim, "id", rows[i][0]);
		assert_text(claim, "state", rows[i][1]);
		assert_text(claim, "direction", i == 0 ? "reverse" : "forward");
	}
	json_auto_t *other = index_rig_json(*state, &reply, "/agent/31337/" LAST "/did.json", 200);

	assert_text(other, "alsoKnownAs.1", KEY "0");
	/* as of a block a document is chain state alone */
	json_auto_t *then = index_rig_json(*state, &reply, "/1.0/identifiers/" DID "?versionId=40", 200);

	assert_int_equal(json_array_size(json_object_get(json_object_get(then, "didDocument"), "alsoKnownAs")), 1);
	assert_text(then, "didDocumentMetadata.gateway.claims", "(null)");
}

static void all_are_listed_with_what_they_rest_on(void **state)
{
	json_auto_t *answer = index_rig_json(*state, &reply, "/v1/agents/0/links", 200);
	const json_t *links = json_object_get(answer, "links");

	assert_true(rig_has(&reply, "Access-Control-Allow-Origin: *\r\n") && rig_has(&reply, "max-age=2"));
	assert_text(answer, "did", DID);
	assert_int_equal(json_array_size(links), 9);
	assert_text(links, "0.id", "did:web:kedge.example:character:alice");
	assert_text(links, "0.kind", "participant");
	assert_text(links, "0.direction", "both");
	assert_text(links, "0.published", "true");
	assert_text(links, "0.since", "1970-01-01T00:00:02Z");
	assert_text(links, "0.evidence.seq", "0");
	assert_text(links, "0.evidence.latest.number", "39");
	assert_text(links, "0.next", "(null)");
	assert_text(links, "1.state", "lapsed");
	assert_true(strstr(index_rig_text(links, "1.next"), "consent") != NULL);
	assert_text(links, "2.evidence.asked.url", "https://proven.example/.well-known/did.json");
	assert_true(strlen(index_rig_text(links, "2.evidence.file.sha256")) == 66);
	assert_text(links, "4.kind", "agent");
	assert_true(strlen(index_rig_text(links, "4.evidence.back.sha256")) == 66);
	assert_text(links, "6.evidence.detail", "Its registry is not served here.");
	assert_text(links, "7.id", KEY "0");
	assert_text(links, "8.evidence.role", "owner");
	assert_text(links, "8.published", "false");
	json_decref(index_rig_json(*state, &reply, "/v1/agents/7/links", 404));
	json_decref(index_rig_json(*state, &reply, "/v1/agents/x/links", 400));
}

/* What was confirmed over five minutes ago, an agent with another file or URI, and a file that is none, prove nothing any more. */
static void what_is_old_or_gone_is_not_published(void **state)
{
	static const struct {
		const char *change, *back, *id, *state;
	} rows[] = {
		{"UPDATE link_claim SET good = good - 301000 WHERE state = 1", "UPDATE link_claim SET good = good + 301000 WHERE state = 1",
		 "did:web:proven.example", "unreachable"},
		{"UPDATE file SET status = 'not-json' WHERE agent_id <> " ZERO, "UPDATE file SET status = 'ok'", KEY LAST, "one-way"},
		{"UPDATE file SET seen = 1000 WHERE agent_id <> " ZERO, "UPDATE file SET seen = " NOW, KEY LAST, "one-way"},
		{"UPDATE agent_now SET uri = sha256('one') WHERE agent_id <> " ZERO, "UPDATE agent_now SET uri = sha256('') WHERE agent_id <> " ZERO,
		 KEY LAST, "one-way"},
		{"UPDATE link_claim SET object = '" KEY "1' WHERE subject = '" KEY LAST "'",
		 "UPDATE link_claim SET object = '" KEY "0' WHERE subject = '" KEY LAST "'", KEY LAST, "one-way"},
	};
	struct index_rig *rig = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const json_t *link;
		bool found = false;
		size_t n;

		sql(rig, rows[i].change);
		json_auto_t *answer = index_rig_json(rig, &reply, "/v1/agents/0/links", 200);

		json_array_foreach(json_object_get(answer, "links"), n, link) {
			if (strcmp(index_rig_text(link, "id"), rows[i].id) != 0)
				continue;
			found = true;
			assert_text(link, "state", rows[i].state);
			assert_text(link, "published", "false");
		}
		assert_true(found);
		sql(rig, rows[i].back);
	}
	/* which URI the other has is not known while its index is made, or has an alarm */
	for (size_t i = 0; i < 3; i++) {
		static const char *const changes[] = {"SELECT 1", "UPDATE registry SET followed = false",
						      "UPDATE registry SET followed = true; UPDATE chain_index SET alarm = true"};

		sql(rig, changes[i]);
		assert_string_equal(fixture_sql(rig->conninfo, "SELECT strpos(kedge_agent_links(1, agent_id, uri)::text, encode(sha256('{}'), 'hex')) > 0"
							       " FROM agent_now WHERE agent_id = " ZERO), i == 0 ? "t" : "f");
	}
	sql(rig, "UPDATE chain_index SET alarm = false");
	/* of a file that does not stand nothing is claimed; who linked the agent still did */
	sql(rig, "UPDATE file SET status = 'not-json' WHERE agent_id = " ZERO);
	json_auto_t *left = index_rig_json(rig, &reply, "/v1/agents/0/links", 200);

	assert_int_equal(json_array_size(json_object_get(left, "links")), 4);
	sql(rig, "UPDATE file SET status = 'ok'");
}

static void check(struct index_rig *rig, const char *target, unsigned status)
{
	index_rig_ask(rig, &reply, "POST", target, "Origin: https://elsewhere.example\r\n", "");
	if (rig_status(&reply) != status)
		fail_msg("%s: %s", target, reply.bytes);
	assert_true(rig_has(&reply, "Access-Control-Allow-Origin: *\r\n") && rig_has(&reply, "Cache-Control: no-store\r\n"));
}

static void whoever_wants_may_have_them_checked_but_not_too_often(void **state)
{
	struct index_rig *rig = *state;

	check(rig, "/v1/agents/0/links/check", 202);
	assert_true(rig_has(&reply, "{\"checking\":2}") && rig_has(&reply, "Location: /v1/agents/0/links\r\n"));
	assert_string_equal(fixture_sql(rig->conninfo, "SELECT count(*) FROM link_claim WHERE due <= " NOW), "2");
	sql(rig, "UPDATE link_claim SET due = 5000000000000 WHERE due IS NOT NULL");
	check(rig, "/v1/agents/31337:0/links/check", 429);
	assert_true(rig_has(&reply, "Retry-After: 10\r\n") || rig_has(&reply, "Retry-After: 9\r\n"));
	assert_string_equal(fixture_sql(rig->conninfo, "SELECT count(*) FROM link_claim WHERE due <= " NOW), "0");
	sql(rig, "UPDATE link_asked SET at = at - 10001");
	check(rig, "/v1/agents/0/links/check", 202);
	/* nobody to ask: nothing is written */
	check(rig, "/v1/agents/" LAST "/links/check", 202);
	check(rig, "/v1/agents/" LAST "/links/check", 202);
	assert_true(rig_has(&reply, "{\"checking\":0}"));
	check(rig, "/v1/agents/7/links/check", 404);
	assert_string_equal(fixture_sql(rig->conninfo, "SELECT count(*) FROM link_asked"), "1");
}

static void an_agent_without_links_has_its_token_and_owner(void **state)
{
	struct index_rig *rig = *state;

	sql(rig, "DELETE FROM link_claim; DELETE FROM participant");
	json_auto_t *answer = index_rig_json(rig, &reply, "/v1/agents/0/links", 200);
	json_auto_t *resolved = index_rig_json(rig, &reply, "/1.0/identifiers/" DID "?noCache=true", 200);

	assert_int_equal(json_array_size(json_object_get(answer, "links")), 2);
	assert_int_equal(json_array_size(json_object_get(json_object_get(resolved, "didDocument"), "alsoKnownAs")), 1);
	assert_text(resolved, "didDocumentMetadata.gateway.claims", "(null)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_proven_ones_stand_in_documents),
		cmocka_unit_test(all_are_listed_with_what_they_rest_on),
		cmocka_unit_test(what_is_old_or_gone_is_not_published),
		cmocka_unit_test(whoever_wants_may_have_them_checked_but_not_too_often),
		cmocka_unit_test(an_agent_without_links_has_its_token_and_owner),
	};

	return cmocka_run_group_tests(tests, open_rig, close_rig);
}
