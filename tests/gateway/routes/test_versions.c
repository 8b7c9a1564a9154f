/* DID documents of agents as of blocks and instants: from the index, equal to what the current document was then. */
#include "tests/gateway/identity/fake_registry.h"
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

static const char immutable[] = "max-age=31536000, immutable", an_hour[] = "public, max-age=3600", short_lived[] = "max-age=2, must-revalidate";
static const char did[] = "/1.0/identifiers/did:web:kedge.example:agent:31337:0";

static struct rig_reply reply;

static int open_rig(void **state)
{
	static struct index_rig rig;

	index_rig_open(&rig);
	*state = &rig;
	return 0;
}

static int close_rig(void **state)
{
	index_rig_close(*state);
	return 0;
}

static int heads_as_before(void **state)
{
	index_rig_heads(*state, INDEX_ROWS_TIP, INDEX_ROWS_SAFE, INDEX_ROWS_FINAL);
	return 0;
}

static json_t *ask(struct index_rig *rig, const char *query, unsigned status)
{
	char target[512];

	snprintf(target, sizeof(target), "%s%s", did, query);
	return index_rig_json(rig, &reply, target, status);
}

static void versions(void **state)
{
	static const struct {
		const char *query, *version, *updated, *next, *next_update, *finality, *owner_until, *wallet_from, *wallet_until;
	} rows[] = {
		{"?versionId=12", "12", "(null)", "20", "1970-01-01T00:17:20Z", "final", "33", "12", "20"},
		{"?versionId=19", "12", "(null)", "20", "1970-01-01T00:17:20Z", "final", "33", "12", "20"},
		{"?versionTime=1970-01-01T00:17:19Z", "12", "(null)", "20", "1970-01-01T00:17:20Z", "final", "33", "12", "20"},
		{"?versionId=30", "20", "1970-01-01T00:17:20Z", "33", "1970-01-01T00:17:46Z", "final", "33", "20", "33"},
		{"?versionId=33", "33", "1970-01-01T00:17:46Z", "36", "1970-01-01T00:17:52Z", "safe", "(null)", "(null)", "(null)"},
		{"?versionId=40", "36", "1970-01-01T00:17:52Z", "(null)", "(null)", "latest", "(null)", "36", "(null)"},
		{"?versionTime=2026-01-01T00:00:00Z", "36", "1970-01-01T00:17:52Z", "(null)", "(null)", "latest", "(null)", "36", "(null)"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_auto_t *answer = ask(*state, rows[i].query, 200);
		const json_t *metadata = json_object_get(answer, "didDocumentMetadata");
		const json_t *keys = json_object_get(json_object_get(metadata, "gateway"), "keys");

		assert_string_equal(index_rig_text(metadata, "versionId"), rows[i].version);
		assert_string_equal(index_rig_text(metadata, "created"), "1970-01-01T00:17:04Z");
		assert_string_equal(index_rig_text(metadata, "updated"), rows[i].updated);
		assert_string_equal(index_rig_text(metadata, "nextVersionId"), rows[i].next);
		assert_string_equal(index_rig_text(metadata, "nextUpdate"), rows[i].next_update);
		assert_string_equal(index_rig_text(metadata, "gateway.finality"), rows[i].finality);
		assert_string_equal(index_rig_text(metadata, "gateway.index"), "current");
		assert_string_equal(index_rig_text(metadata, "gateway.validFrom.number"), rows[i].version);
		assert_string_equal(index_rig_text(metadata, "gateway.validUntil.number"), rows[i].next);
		assert_string_equal(index_rig_text(json_object_get(keys, "#owner"), "validUntil.number"), rows[i].owner_until);
		assert_string_equal(index_rig_text(json_object_get(keys, "#agent-wallet"), "validFrom.number"), rows[i].wallet_from);
		assert_string_equal(index_rig_text(json_object_get(keys, "#agent-wallet"), "validUntil.number"), rows[i].wallet_until);
		assert_true(rig_has(&reply, short_lived));
	}
}

/* The bare document of a final block changes only with the settings; the envelope does until each key in it has ended for good. What
 * the registry held is for ever if more than one provider says so. */
static void kept_longer_when_nothing_can_change(void **state)
{
	struct index_rig *rig = *state;
	char target[256];

	snprintf(target, sizeof(target), "%s?versionId=15", did);
	index_rig_get(rig, &reply, target, "application/did");
	assert_true(rig_has(&reply, an_hour));
	json_decref(ask(rig, "?versionId=15", 200));
	assert_true(rig_has(&reply, short_lived)); /* its owner's end is in block 33, which is not final */
	snprintf(target, sizeof(target), "%s?versionId=33", did);
	index_rig_get(rig, &reply, target, "application/did");
	assert_true(rig_has(&reply, short_lived));
	(void)fixture_sql(rig->conninfo, "UPDATE chain_index SET final_number = 35; UPDATE registry SET indexed = 35");
	json_decref(ask(rig, "?versionId=15", 200));
	assert_true(rig_has(&reply, an_hour));
	json_decref(index_rig_json(rig, &reply, "/v1/agents/0?at=15", 200)); /* tier events */
	assert_true(rig_has(&reply, an_hour));
	json_decref(index_rig_json(rig, &reply, "/v1/agents/0?at=20", 200)); /* tier quorum */
	assert_true(rig_has(&reply, immutable));
	json_decref(index_rig_json(rig, &reply, "/v1/agents/0/authority?at=20&address=0x0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d", 200));
	assert_true(rig_has(&reply, immutable));
	json_decref(ask(rig, "?versionId=33", 200));
	assert_true(rig_has(&reply, short_lived));
	(void)fixture_sql(rig->conninfo, "UPDATE chain_index SET final_number = 30; UPDATE registry SET indexed = 30");
}

static void not_there(void **state)
{
	static const struct {
		const char *query, *type;
		unsigned status;
	} rows[] = {
		{"?versionId=9", "NOT_FOUND", 404},
		{"?versionId=11", "NOT_FOUND", 404},
		{"?versionTime=1970-01-01T00:17:03Z", "NOT_FOUND", 404},
		{"?versionId=41", "NOT_FOUND", 404},
		{"?versionId=18446744073709551615", "NOT_FOUND", 404},
		{"?versionTime=9999-12-31T23:59:59Z", "NOT_FOUND", 404},
		{"?versionId=012", "INVALID_OPTIONS", 400},
		{"?versionId=12&versionTime=1970-01-01T00:17:03Z", "INVALID_OPTIONS", 400},
		{"?versionTime=1970-01-01", "INVALID_OPTIONS", 400},
	};
	char type[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_auto_t *answer = ask(*state, rows[i].query, rows[i].status);

		snprintf(type, sizeof(type), "https://www.w3.org/ns/did#%s", rows[i].type);
		assert_string_equal(index_rig_text(answer, "didResolutionMetadata.error.type"), type);
		assert_true(json_is_null(json_object_get(answer, "didDocument")));
		assert_int_equal(json_object_size(json_object_get(answer, "didDocumentMetadata")), 0);
		assert_true(rig_has(&reply, "no-store"));
	}
}

/* With safe and latest both at block N, the current document is by definition that of N. */
static void as_of_equals_what_was_current(void **state)
{
	struct index_rig *rig = *state;
	unsigned compared = 0;

	for (unsigned n = INDEX_ROWS_FINAL; n <= INDEX_ROWS_TIP; n++) {
		char target[256];

		index_rig_heads(rig, n, n, INDEX_ROWS_FINAL);
		json_auto_t *current = index_rig_json(rig, &reply, "/agent/31337/0/did.json", 200);

		snprintf(target, sizeof(target), "?versionId=%u", n);
		index_rig_heads(rig, INDEX_ROWS_TIP, INDEX_ROWS_SAFE, INDEX_ROWS_FINAL);
		json_auto_t *then = ask(rig, target, 200);

		assert_true(json_equal(current, json_object_get(then, "didDocument")));
		snprintf(target, sizeof(target), "?versionTime=1970-01-01T00:%02u:%02uZ", (1000 + 2 * n) / 60, (1000 + 2 * n) % 60);
		json_auto_t *instant = ask(rig, target, 200);

		assert_true(json_equal(current, json_object_get(instant, "didDocument")));
		compared++;
	}
	assert_int_equal(compared, 11);
}

static void current(void **state)
{
	struct index_rig *rig = *state;
	json_auto_t *answer = ask(rig, "", 200);
	const json_t *metadata = json_object_get(answer, "didDocumentMetadata");

	assert_string_equal(index_rig_text(metadata, "versionId"), "36");
	assert_string_equal(index_rig_text(metadata, "gateway.index"), "current");
	assert_string_equal(index_rig_text(metadata, "gateway.latest.number"), "40");
	assert_string_equal(index_rig_text(metadata, "gateway.safe.number"), "34");
	assert_string_equal(index_rig_text(metadata, "gateway.safe.finality"), "safe");
	/* the wallet of block 36 is not safe yet: no key */
	assert_null(json_object_get(json_object_get(json_object_get(metadata, "gateway"), "keys"), "#agent-wallet"));
	assert_false(rig_has(&reply, "#agent-wallet"));
	assert_string_equal(index_rig_text(json_object_get(json_object_get(json_object_get(metadata, "gateway"), "keys"), "#owner"),
					   "validFrom.number"),
			    "33");
	json_decref(index_rig_json(rig, &reply, "/agent/31337/7/did.json", 404));
	/* kept while the heads stand, and no longer */
	json_decref(index_rig_json(rig, &reply, "/agent/31337/0/did.json", 200));
	assert_false(rig_has(&reply, "#agent-wallet"));
	index_rig_heads(rig, INDEX_ROWS_TIP, 36, INDEX_ROWS_FINAL);
	json_decref(index_rig_json(rig, &reply, "/agent/31337/0/did.json", 200));
	assert_true(rig_has(&reply, "#agent-wallet"));
}

/* A snapshot counts only while the URI it was fetched from stands at both heads; what does not fit is named. */
static void services(void **state)
{
	struct index_rig *rig = *state;
	static char sql[32768], body[16384] = "{\"type\":\"https://eips.ethereum.org/EIPS/eip-8004#registration-v1\",\"name\":\"Alice\",\"services\":[";

	for (int i = 0; i < 40; i++)
		snprintf(body + strlen(body), sizeof(body) - strlen(body), "%s{\"name\":\"S%d\",\"endpoint\":\"https://a.example/%0250d\"}",
			 i > 0 ? "," : "", i, i);
	strcat(body, "]}");
	snprintf(sql, sizeof(sql),
		 "INSERT INTO file (registry, agent_id, uri, at, seen, status, content, body, name, back) SELECT 1, decode(repeat('00', 32), 'hex'),"
		 " sha256('\\xff00'), 1000, (extract(epoch FROM now()) * 1000)::bigint, 'ok', sha256(b), b, 'Alice', false FROM (SELECT convert_to('%s', 'UTF8') b) x",
		 body);
	(void)fixture_sql(rig->conninfo, sql);
	index_rig_heads(rig, INDEX_ROWS_TIP, INDEX_ROWS_SAFE, INDEX_ROWS_FINAL); /* the URI is another one at safe */
	json_auto_t *before = ask(rig, "", 200);

	assert_string_equal(index_rig_text(before, "didDocument.service.0.id"), "(null)");
	assert_string_equal(index_rig_text(before, "didDocumentMetadata.gateway.registrationFile"), "(null)");
	assert_null(json_object_get(json_object_get(json_object_get(before, "didDocumentMetadata"), "gateway"), "registrationFile"));
	index_rig_heads(rig, INDEX_ROWS_TIP, 37, INDEX_ROWS_FINAL);
	/* a server that is away for a moment takes nothing back */
	(void)fixture_sql(rig->conninfo, "INSERT INTO file (registry, agent_id, uri, at, seen, status) "
					 "SELECT registry, agent_id, uri, seen + 1, seen + 1, 'timeout' FROM file");
	json_auto_t *now = ask(rig, "?noCache=true", 200);
	const json_t *gateway = json_object_get(json_object_get(now, "didDocumentMetadata"), "gateway");

	assert_string_equal(index_rig_text(now, "didDocument.service.0.id"), "did:web:kedge.example:agent:31337:0#s0");
	assert_string_equal(index_rig_text(now, "didDocument.service.0.type"), "https://eips.ethereum.org/EIPS/eip-8004#S0");
	assert_string_equal(index_rig_text(gateway, "registrationFile.status"), "ok");
	assert_string_equal(index_rig_text(gateway, "registrationFile.namesAgent"), "false");
	assert_int_equal(strlen(index_rig_text(gateway, "registrationFile.seen")), 20);
	assert_int_equal(strlen(index_rig_text(gateway, "registrationFile.sha256")), 66);
	assert_int_equal(json_array_size(json_object_get(json_object_get(now, "didDocument"), "service")) +
				 json_array_size(json_object_get(gateway, "servicesLeftOut")),
			 40);
	assert_true(json_array_size(json_object_get(gateway, "servicesLeftOut")) > 0);
	/* what could not be had for long is not told any more */
	(void)fixture_sql(rig->conninfo, "DELETE FROM file WHERE status = 'timeout'; UPDATE file SET seen = seen - 14::bigint * 86400 * 1000 - 1 WHERE status = 'ok'");
	json_auto_t *late = ask(rig, "?noCache=true", 200);

	assert_null(json_object_get(json_object_get(late, "didDocument"), "service"));
	(void)fixture_sql(rig->conninfo, "UPDATE file SET seen = seen + 14::bigint * 86400 * 1000 + 1 WHERE status = 'ok'");
	json_auto_t *then = ask(rig, "?versionId=40", 200);

	assert_null(json_object_get(json_object_get(then, "didDocument"), "service"));
	json_auto_t *bare = index_rig_json(rig, &reply, "/agent/31337/0/did.json", 200);

	assert_true(json_equal(bare, json_object_get(now, "didDocument")));
	assert_true(strlen(rig_body(&reply)) <= 8000);
}

/* All of the above cost no call: the default chain's node was never heard of. */
static void of_a_chain_without_index(void **state)
{
	struct index_rig *rig = *state;

	assert_int_equal(rig->node.shared->requests, 0);
	json_auto_t *now = index_rig_json(
		rig, &reply, "/1.0/identifiers/did:web:kedge.example:agent:eip155:8453:0x8004000000000000000000000000000000000000:5", 200);
	json_auto_t *then = index_rig_json(
		rig, &reply,
		"/1.0/identifiers/did:web:kedge.example:agent:eip155:8453:0x8004000000000000000000000000000000000000:5?versionId=20", 200);

	assert_string_equal(index_rig_text(now, "didDocumentMetadata.gateway.index"), "syncing");
	assert_string_equal(index_rig_text(then, "didDocumentMetadata.versionId"), "20");
	assert_string_equal(index_rig_text(then, "didDocumentMetadata.gateway.tier"), "rpc");
	assert_true(rig_has(&reply, short_lived));
	json_decref(index_rig_json(
		rig, &reply, "/agent/eip155/8453/0x8004000000000000000000000000000000000000/5/did.json", 200));
	json_decref(index_rig_json(
		rig, &reply,
		"/1.0/identifiers/did:web:kedge.example:agent:eip155:8453:0x8004000000000000000000000000000000000000:5"
		"?versionTime=1970-01-01T00:00:29Z",
		500));
	assert_true(rig_has(&reply, "Retry-After"));
	assert_true(rig->node.shared->requests > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions),
		cmocka_unit_test(kept_longer_when_nothing_can_change),
		cmocka_unit_test(not_there),
		cmocka_unit_test_teardown(as_of_equals_what_was_current, heads_as_before),
		cmocka_unit_test_teardown(current, heads_as_before),
		cmocka_unit_test_teardown(services, heads_as_before),
		cmocka_unit_test(of_a_chain_without_index),
	};

	return cmocka_run_group_tests(tests, open_rig, close_rig);
}
