/* What /v1/agents answers from the index, and what it does where the index does not reach. */
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

static const char an_hour[] = "public, max-age=3600"; /* settled, by the word of one provider; for ever: test_versions.c */

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

/* An address of the fixture by its repeated byte; 0: null. */
static void assert_address(const json_t *value, const char *path, unsigned byte)
{
	struct eth_address address;
	char text[ADDRESS_TEXT_SIZE];

	memset(address.bytes, (int)byte, 20);
	address_format_eip55(text, &address);
	assert_string_equal(index_rig_text(value, path), byte ? text : "(null)");
}

static void assert_block(const json_t *value, const char *path, unsigned number, const char *finality)
{
	const json_t *block = json_object_get(value, path);
	char text[80] = "0x";
	uint8_t hash[32];

	index_rows_hash(hash, number);
	for (size_t i = 0; i < 32; i++)
		snprintf(text + 2 + 2 * i, 3, "%02x", hash[i]);
	assert_string_equal(index_rig_text(block, "hash"), text);
	snprintf(text, sizeof(text), "%u", number);
	assert_string_equal(index_rig_text(block, "number"), text);
	snprintf(text, sizeof(text), "1970-01-01T00:%02u:%02uZ", (1000 + 2 * number) / 60, (1000 + 2 * number) % 60);
	assert_string_equal(index_rig_text(block, "time"), text);
	assert_string_equal(index_rig_text(block, "finality"), finality);
}

static void now_from_the_index(void **state)
{
	json_auto_t *agent = index_rig_json(*state, &reply, "/v1/agents/0", 200);

	assert_string_equal(index_rig_text(agent, "agent"), "eip155:31337/erc721:0x8004000000000000000000000000000000000000/0");
	assert_string_equal(index_rig_text(agent, "did"), "did:web:kedge.example:agent:31337:0");
	assert_string_equal(index_rig_text(agent, "index"), "current");
	assert_string_equal(index_rig_text(agent, "tier"), "rpc"); /* the weaker one of both ends */
	assert_block(json_object_get(agent, "latest"), "block", 40, "latest");
	assert_block(json_object_get(agent, "safe"), "block", 34, "safe");
	assert_address(agent, "latest.owner", 0x0c);
	assert_address(agent, "latest.wallet", 0x0d);
	assert_string_equal(index_rig_text(agent, "latest.uri"), "(null)"); /* no UTF-8 */
	assert_string_equal(index_rig_text(agent, "latest.uriBytes"), "0xff00");
	assert_address(agent, "safe.owner", 0x0c);
	assert_address(agent, "safe.wallet", 0);
	assert_string_equal(index_rig_text(agent, "safe.uri"), "one");
	assert_true(rig_has(&reply, "Cache-Control: public, max-age=2, must-revalidate"));
	assert_true(rig_has(&reply, "ETag: "));
}

static void now_of_one_that_is_new(void **state)
{
	json_auto_t *agent = index_rig_json(
		*state, &reply, "/v1/agents/115792089237316195423570985008687907853269984665640564039457584007913129639935", 200);

	assert_string_equal(index_rig_text(agent, "latest.exists"), "true");
	assert_string_equal(index_rig_text(agent, "latest.uri"), "");
	assert_string_equal(index_rig_text(agent, "safe.exists"), "false");
	json_decref(index_rig_json(*state, &reply, "/v1/agents/5", 404));
	json_decref(index_rig_json(*state, &reply, "/v1/agents/5?at=40", 404));
}

/* Neither another branch's head, nor a newer head, nor another safe block is answered from the index: nobody knows then, since
 * this chain's node answers nothing. */
static void only_at_the_heads(void **state)
{
	struct index_rig *rig = *state;
	struct heads_set set;
	json_t *answer;

	for (int i = 0; i < 3; i++) {
		index_rig_heads(rig, INDEX_ROWS_TIP + (i == 1), INDEX_ROWS_SAFE, INDEX_ROWS_FINAL);
		set = rig->service.chains[0].heads.set;
		set.latest.hash.bytes[0] ^= i == 0;
		set.safe.hash.bytes[0] ^= i == 2;
		heads_update(&rig->service.chains[0].heads, &set, 0);
		answer = index_rig_json(rig, &reply, "/v1/agents/0", 503);
		assert_string_equal(index_rig_text(answer, "type"), "https://kedge.example/problems/upstream");
		json_decref(answer);
	}
	/* what was at a block does not depend on heads */
	json_decref(index_rig_json(rig, &reply, "/v1/agents/0?at=33", 200));
	rig->service.chains[0].heads.known = false;
	json_decref(index_rig_json(rig, &reply, "/v1/agents/0?at=33", 200));
	json_decref(index_rig_json(rig, &reply, "/v1/agents/0", 503));
}

static void as_of_blocks(void **state)
{
	static const struct {
		const char *at;
		unsigned block; /* 0: not kept */
		const char *finality;
		unsigned from;
		const char *from_finality;
		unsigned until;
		const char *until_finality;
		unsigned owner, wallet;
		const char *uri, *tier;
		bool settled;
	} rows[] = {
		{"12", 12, "final", 12, "final", 20, "final", 0x0a, 0x0a, "one", "events", true},
		{"19", 0, "final", 12, "final", 20, "final", 0x0a, 0x0a, "one", "events", true},
		{"20", 20, "final", 20, "final", 33, "safe", 0x0a, 0x0b, "one", "quorum", false}, /* its end is not final yet */
		{"33", 33, "safe", 33, "safe", 36, "latest", 0x0c, 0, "one", "proof", false},
		{"35", 35, "latest", 33, "safe", 36, "latest", 0x0c, 0, "one", "proof", false},
		{"40", 40, "latest", 36, "latest", 0, NULL, 0x0c, 0x0d, "(null)", "rpc", false},
		{"1970-01-01T00:17:04Z", 0, "final", 12, "final", 20, "final", 0x0a, 0x0a, "one", "events", true},
		{"1970-01-01T00:17:45Z", 32, "safe", 20, "final", 33, "safe", 0x0a, 0x0b, "one", "quorum", false},
		{"1970-01-01T00:17:48Z", 34, "safe", 33, "safe", 36, "latest", 0x0c, 0, "one", "proof", false},
		/* the safe block, but a younger one in that second could yet come to stand after it */
		{"1970-01-01T00:17:49Z", 34, "latest", 33, "safe", 36, "latest", 0x0c, 0, "one", "proof", false},
		{"2026-01-01T00:00:00Z", 40, "latest", 36, "latest", 0, NULL, 0x0c, 0x0d, "(null)", "rpc", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char target[80];

		snprintf(target, sizeof(target), "/v1/agents/0?at=%s", rows[i].at);
		json_auto_t *agent = index_rig_json(*state, &reply, target, 200);

		assert_string_equal(index_rig_text(agent, "exists"), "true");
		if (rows[i].block)
			assert_block(agent, "at", rows[i].block, rows[i].finality);
		else
			assert_string_equal(index_rig_text(agent, "at.hash"), "(null)");
		if (strlen(rows[i].at) == 2)
			assert_string_equal(index_rig_text(agent, "at.number"), rows[i].at);
		assert_string_equal(index_rig_text(agent, "at.finality"), rows[i].finality);
		assert_block(agent, "validFrom", rows[i].from, rows[i].from_finality);
		if (rows[i].until)
			assert_block(agent, "validUntil", rows[i].until, rows[i].until_finality);
		else
			assert_string_equal(index_rig_text(agent, "validUntil"), "(null)");
		assert_address(agent, "owner", rows[i].owner);
		assert_address(agent, "wallet", rows[i].wallet);
		assert_string_equal(index_rig_text(agent, "uri"), rows[i].uri);
		assert_string_equal(index_rig_text(agent, "tier"), rows[i].tier);
		assert_string_equal(index_rig_text(agent, "index.tip"), "40");
		assert_string_equal(index_rig_text(agent, "index.final"), "30");
		assert_int_equal(rig_has(&reply, an_hour), rows[i].settled);
	}
}

static void as_of_where_there_is_nothing(void **state)
{
	static const struct {
		const char *target;
		unsigned status;
		const char *words;
	} rows[] = {
		{"/v1/agents/0?at=9", 404, "begins at block 10"},
		{"/v1/agents/0?at=11", 404, "registered later, in block 12"},
		{"/v1/agents/0?at=1970-01-01T00:00:00Z", 404, "registered later, in block 12"},
		{"/v1/agents/0/authority?address=0x0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a&at=11", 404, "registered later"},
		{"/v1/agents/0?at=41", 503, "not-indexed"},
		{"/v1/agents/0?at=9223372036854775807", 503, "not-indexed"},
		{"/v1/agents/0?at=9999-12-31T23:59:59Z", 503, "not-indexed"},
		{"/v1/agents/7/history", 404, "no agent"},
		{"/v1/agents/8453:1/history", 503, "not-indexed"},
		{"/v1/agents/8453:1?at=1970-01-01T00:00:29Z", 503, "not-indexed"}, /* its node's newest block is of second 30 */
		{"/v1/agents/10:0", 404, "not served"},
		{"/v1/agents/31337:0x8004000000000000000000000000000000000001:0", 404, "not served"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_decref(index_rig_json(*state, &reply, rows[i].target, rows[i].status));
		if (!rig_has(&reply, rows[i].words))
			fail_msg("%s: %s", rows[i].target, reply.bytes);
		assert_int_equal(rig_has(&reply, "Retry-After: "), rows[i].status == 503);
	}
}

static void refused(void **state)
{
	static const char *const targets[] = {
		"/v1/agents/x", "/v1/agents/01", "/v1/agents/0?at=", "/v1/agents/0?at=-1", "/v1/agents/0?at=01", "/v1/agents/0?at=0x10",
		"/v1/agents/0?at=9223372036854775808", "/v1/agents/0?at=99999999999999999999", "/v1/agents/0?at=1e3", "/v1/agents/0?at=+1",
		"/v1/agents/0?at=latest", "/v1/agents/0?at=2026-01-01", "/v1/agents/0?at=2026-01-01T00:00:00.Z",
		"/v1/agents/0?at=2026-01-01T00:00:00.0000000001Z", "/v1/agents/0?at=2026-01-01T00:00:00.5", "/v1/agents/0?at=2026-01-01T00:00.5Z",
		"/v1/agents/0?at=2026-01-01T00:00:00%2B00:00", "/v1/agents/0?at=2026-13-01T00:00:00Z", "/v1/agents/0?at=12&at=12",
		"/v1/agents/0?block=12", "/v1/agents/0/history?limit=0", "/v1/agents/0/history?limit=1001", "/v1/agents/0/history?limit=x",
		"/v1/agents/0/history?before=", "/v1/agents/0/history?before=1970-01-01T00:17:04Z", "/v1/agents/0/history?after=12",
		"/v1/agents/0/authority", "/v1/agents/0/authority?address=", "/v1/agents/0/authority?address=0x0a",
		"/v1/agents/0/authority?address=0x0A0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0A",
		"/v1/agents/0/authority?address=0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a00",
		"/v1/agents/0/authority?address=0x0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a&at=now", "/v1/agents?owner=1", "/v1/agents?wallet=0x",
		"/v1/agents?q=", "/v1/agents?service=", "/v1/agents?limit=0", "/v1/agents?limit=1001", "/v1/agents?after=1", "/v1/agents?after=1.00",
		"/v1/agents?after=9999999999.0000000000000000000000000000000000000000000000000000000000000000",
		"/v1/agents?after=1.00000000000000000000000000000000000000000000000000000000000000000", "/v1/agents?name=x",
		"/v1/agents?q=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		json_decref(index_rig_json(*state, &reply, targets[i], 400));
	json_auto_t *problem = index_rig_json(*state, &reply, "/v1/agents?name=x", 400);

	assert_string_equal(index_rig_text(problem, "detail"),
			    "this resource knows the query parameters owner, wallet, q, service, after, limit");
}

static void history(void **state)
{
	json_auto_t *page = index_rig_json(*state, &reply, "/v1/agents/0/history?limit=3", 200);
	const json_t *change = json_array_get(json_object_get(page, "changes"), 0);

	assert_int_equal(json_array_size(json_object_get(page, "changes")), 3);
	assert_string_equal(index_rig_text(page, "next"), "20");
	assert_string_equal(index_rig_text(page, "index.final"), "30");
	assert_block(json_array_get(json_object_get(page, "changes"), 0), "block", 36, "latest");
	assert_string_equal(index_rig_text(page, "changes.0.changed.0"), "wallet");
	assert_string_equal(index_rig_text(page, "changes.0.changed.1"), "uri");
	assert_string_equal(index_rig_text(page, "changes.0.uriBytes"), "0xff00");
	assert_string_equal(index_rig_text(page, "changes.0.events.0.kind"), "uri");
	assert_address(page, "changes.0.events.0.by", 0x0c);
	assert_true(json_is_null(json_object_get(json_array_get(json_object_get(change, "events"), 0), "uri")));
	assert_string_equal(index_rig_text(page, "changes.0.events.0.uriBytes"), "0xff00");
	assert_string_equal(index_rig_text(page, "changes.1.events.0.kind"), "transfer");
	assert_string_equal(index_rig_text(page, "changes.1.events.0.logIndex"), "2");
	assert_address(page, "changes.1.events.0.from", 0x0a);
	assert_address(page, "changes.1.events.0.to", 0x0c);
	assert_string_equal(index_rig_text(page, "changes.1.events.1.key"), "agentWallet");
	assert_string_equal(index_rig_text(page, "changes.1.events.1.value"), "0x");
	assert_string_equal(index_rig_text(page, "changes.1.tier"), "proof");
	assert_address(page, "changes.1.wallet", 0);
	assert_string_equal(index_rig_text(page, "changes.2.events.0.value"), "0x0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
	assert_true(rig_has(&reply, "max-age=2, must-revalidate"));

	json_auto_t *last = index_rig_json(*state, &reply, "/v1/agents/0/history?limit=3&before=20", 200);

	assert_int_equal(json_array_size(json_object_get(last, "changes")), 1);
	assert_string_equal(index_rig_text(last, "changes.0.changed.0"), "registered");
	assert_address(last, "changes.0.events.0.from", 0);
	assert_string_equal(index_rig_text(last, "changes.0.events.1.uri"), "one");
	assert_string_equal(index_rig_text(last, "next"), "(null)");
	assert_true(rig_has(&reply, "max-age=3600"));
}

/* While a registry added later is on its way, pages end where it has come to. */
static void history_of_a_registry_under_way(void **state)
{
	const struct index_rig *rig = *state;

	(void)fixture_sql(rig->conninfo, "UPDATE registry SET indexed = 15, fetched = 28 WHERE id = 1");

	json_auto_t *cut = index_rig_json(*state, &reply, "/v1/agents/0/history?before=25", 200);

	assert_int_equal(json_array_size(json_object_get(cut, "changes")), 1);
	assert_false(rig_has(&reply, "max-age=3600"));

	json_auto_t *whole = index_rig_json(*state, &reply, "/v1/agents/0/history?before=15", 200);

	assert_int_equal(json_array_size(json_object_get(whole, "changes")), 1);
	assert_true(rig_has(&reply, "max-age=3600"));
	(void)fixture_sql(rig->conninfo, "UPDATE registry SET indexed = 30, fetched = NULL WHERE id = 1");
}

static void authority(void **state)
{
	static const struct {
		const char *address, *at; /* the repeated byte */
		const char *role;
		const char *since, *until;
		bool settled;
	} rows[] = {
		{"0a", "12", "wallet", "12", "33", false}, /* both: wallet wins, and it still speaks as owner when that ends */
		{"0a", "20", "owner", "12", "33", false},
		{"0b", "20", "wallet", "20", "33", false},
		{"0b", "19", "(null)", "(null)", "(null)", true},
		{"0b", "33", "(null)", "(null)", "(null)", false},
		{"0c", "33", "owner", "33", "(null)", false},
		{"0d", "36", "wallet", "36", "(null)", false},
		{"00", "33", "(null)", "(null)", "(null)", false}, /* no wallet is nobody */
		{"0a", "1970-01-01T00:17:20Z", "owner", "12", "33", false},
		{"0a", "1970-01-01T00:17:20.999Z", "owner", "12", "33", false},
		{"0c", NULL, "owner", "33", "(null)", false},
		{"0d", NULL, "(null)", "(null)", "(null)", false}, /* at latest, not yet at safe */
		{"0a", NULL, "(null)", "(null)", "(null)", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char target[160] = "/v1/agents/0/authority?address=0x";

		for (int j = 0; j < 20; j++)
			strcat(target, rows[i].address);
		if (rows[i].at)
			strcat(strcat(target, "&at="), rows[i].at);
		json_auto_t *answer = index_rig_json(*state, &reply, target, 200);

		assert_int_equal(strlen(index_rig_text(answer, "address")), 42);
		assert_string_equal(index_rig_text(answer, "role"), rows[i].role);
		assert_string_equal(index_rig_text(answer, "speaks"), strcmp(rows[i].role, "(null)") ? "true" : "false");
		assert_string_equal(index_rig_text(answer, "since.number"), rows[i].since);
		assert_string_equal(index_rig_text(answer, "until.number"), rows[i].until);
		assert_int_equal(rig_has(&reply, an_hour), rows[i].settled);
	}
}

static void search(void **state)
{
	struct index_rig *rig = *state;

	(void)fixture_sql(rig->conninfo,
		    "INSERT INTO file (registry, agent_id, uri, at, seen, status, name) SELECT 1, agent_id, uri, 1, 1, 'ok', 'Alice' FROM"
		    " agent_now WHERE owner = decode(repeat('0c', 20), 'hex');"
		    "INSERT INTO file_now (registry, agent_id, at, due, name, services) SELECT registry, agent_id, at, 1, name, '{mcp}' FROM file");
	static const struct {
		const char *query;
		size_t n;
	} rows[] = {{"", 2},
		    {"?owner=0x0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c", 1},
		    {"?owner=0x0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d", 0},
		    {"?wallet=0x0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d", 1},
		    {"?q=ali", 1},
		    {"?q=lice", 0},
		    {"?q=%25", 0},
		    {"?service=MCP", 1},
		    {"?service=a2a", 0},
		    {"?q=a&service=mcp&owner=0x0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c", 1},
		    {"?q=a&owner=0x0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a", 0}};
	char target[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(target, sizeof(target), "/v1/agents%s", rows[i].query);
		json_auto_t *found = index_rig_json(rig, &reply, target, 200);

		if (json_array_size(json_object_get(found, "agents")) != rows[i].n)
			fail_msg("%s: %s", target, reply.bytes);
		assert_string_equal(index_rig_text(found, "next"), "(null)");
	}
	json_auto_t *first = index_rig_json(rig, &reply, "/v1/agents?limit=1", 200);

	assert_string_equal(index_rig_text(first, "agents.0.agent"), "eip155:31337/erc721:0x8004000000000000000000000000000000000000/0");
	assert_string_equal(index_rig_text(first, "agents.0.name"), "Alice");
	assert_address(first, "agents.0.wallet", 0x0d);
	snprintf(target, sizeof(target), "/v1/agents?limit=1&after=%s", index_rig_text(first, "next"));
	json_auto_t *second = index_rig_json(rig, &reply, target, 200);

	assert_string_equal(index_rig_text(second, "agents.0.name"), "(null)");
	assert_address(second, "agents.0.owner", 0x0a);
	snprintf(target, sizeof(target), "/v1/agents?limit=1&after=%s", index_rig_text(second, "next"));
	json_auto_t *third = index_rig_json(rig, &reply, target, 200);

	assert_int_equal(json_array_size(json_object_get(third, "agents")), 0);
}

/* Chain 8453 is not indexed: its node is asked, and the answer says so. */
static void directly(void **state)
{
	struct index_rig *rig = *state;
	json_auto_t *now = index_rig_json(rig, &reply, "/v1/agents/8453:5", 200);
	json_auto_t *then = index_rig_json(rig, &reply, "/v1/agents/8453:5?at=20", 200);
	json_t *absent;

	assert_string_equal(index_rig_text(now, "agent"), "eip155:8453/erc721:0x8004000000000000000000000000000000000000/5");
	assert_string_equal(index_rig_text(now, "did"),
			    "did:web:kedge.example:agent:eip155:8453:0x8004000000000000000000000000000000000000:5");
	assert_string_equal(index_rig_text(now, "index"), "syncing");
	assert_string_equal(index_rig_text(now, "tier"), "rpc");
	assert_string_equal(index_rig_text(now, "latest.block.number"), "30");
	assert_string_equal(index_rig_text(now, "latest.block.time"), "(null)");
	assert_string_equal(index_rig_text(now, "latest.uri"), "foo");
	assert_string_equal(index_rig_text(then, "at.number"), "20");
	assert_string_equal(index_rig_text(then, "at.finality"), "final");
	assert_string_equal(index_rig_text(then, "uri"), "foo");
	assert_string_equal(index_rig_text(then, "validFrom"), "(null)");
	assert_string_equal(index_rig_text(then, "index"), "(null)");
	assert_false(rig_has(&reply, "immutable"));
	json_auto_t *instant = index_rig_json(rig, &reply, "/v1/agents/8453:5?at=1970-01-01T00:00:30Z", 200);

	assert_string_equal(index_rig_text(instant, "at.number"), "30");
	assert_string_equal(index_rig_text(instant, "at.finality"), "latest");
	absent = index_rig_json(rig, &reply, "/v1/agents/8453:7?at=20", 404);
	json_decref(absent);
	/* state that the node does not keep any more */
	rig->node.shared->mode = FAKE_UNKNOWN_BLOCK;
	json_decref(index_rig_json(rig, &reply, "/v1/agents/8453:5?at=20", 503));
	assert_true(rig_has(&reply, "not-indexed"));
	rig->node.shared->mode = FAKE_WELL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(now_from_the_index),
		cmocka_unit_test(now_of_one_that_is_new),
		cmocka_unit_test_teardown(only_at_the_heads, heads_as_before),
		cmocka_unit_test(as_of_blocks),
		cmocka_unit_test(as_of_where_there_is_nothing),
		cmocka_unit_test(refused),
		cmocka_unit_test(history),
		cmocka_unit_test(history_of_a_registry_under_way),
		cmocka_unit_test(authority),
		cmocka_unit_test(search),
		cmocka_unit_test(directly),
	};

	return cmocka_run_group_tests(tests, open_rig, close_rig);
}
