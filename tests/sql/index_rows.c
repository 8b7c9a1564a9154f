#include "tests/sql/index_rows.h"

#include "tests/sql/fixture.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char fill[] =
	"INSERT INTO registry (chain_id, address, start_block, indexed, followed)"
	" VALUES (31337, decode('8004' || repeat('00', 18), 'hex'), 10, 30, true);"
	"INSERT INTO block SELECT 31337, n, sha256(convert_to('b' || n, 'UTF8')), sha256(convert_to('b' || (n - 1), 'UTF8')), 1000 + 2 * n,"
	" n <= 30 FROM generate_series(10, 40) n WHERE n IN (12, 20) OR n >= 30;"
	"INSERT INTO chain_index SELECT 31337, 30, f.hash, 40, t.hash, t.time, 30, 1 FROM block f, block t WHERE f.number = 30"
	" AND t.number = 40;"
	"INSERT INTO uri SELECT sha256(b), b FROM unnest(ARRAY['one'::bytea, '\\xff00', '']) b;"
	"INSERT INTO agent_state SELECT 1, decode(repeat(id, 32), 'hex'), 31337, number, decode(repeat(owner, 20), 'hex'),"
	" decode(repeat(wallet, 20), 'hex'), sha256(uri), changed, tier FROM (VALUES"
	" ('00', 12, '0a', '0a', 'one'::bytea, 15, 1),"
	" ('00', 20, '0a', '0b', 'one', 2, 3),"
	" ('00', 33, '0c', NULL, 'one', 3, 4),"
	" ('00', 36, '0c', '0d', '\\xff00', 6, 2),"
	" ('ff', 35, '0a', NULL, '', 15, 2)) v (id, number, owner, wallet, uri, changed, tier);"
	"INSERT INTO agent_now SELECT DISTINCT ON (registry, agent_id) registry, agent_id, number, owner, wallet, uri FROM agent_state"
	" ORDER BY registry, agent_id, number DESC;"
	/* 4 is metadata, 1 a transfer, 2 registered */
	"INSERT INTO agent_event SELECT 1, 31337, number, log_index, sha256(convert_to('t' || log_index, 'UTF8')),"
	" decode(repeat('00', 32), 'hex'), kind, decode(repeat(a, 20), 'hex'), decode(repeat(b, 20), 'hex'), convert_to(key, 'UTF8'), value FROM (VALUES"
	" (12, 0, 1, '00', '0a', NULL, NULL::bytea),"
	" (12, 1, 2, '0a', NULL, NULL, 'one'),"
	" (20, 5, 4, NULL, NULL, 'agentWallet', decode(repeat('0b', 20), 'hex')),"
	" (33, 2, 1, '0a', '0c', NULL, NULL),"
	" (33, 3, 4, NULL, NULL, 'agentWallet', ''),"
	" (36, 9, 3, '0c', NULL, NULL, '\\xff00'),"
	" (37, 0, 4, NULL, NULL, 'note', convert_to(repeat('x', 1025), 'UTF8'))) v (number, log_index, kind, a, b, key, value);";

void index_rows_fill(const char *conninfo)
{
	(void)fixture_sql(conninfo, fill);
}

void index_rows_hash(uint8_t out[static 32], unsigned number)
{
	char text[16];
	unsigned char hash[crypto_hash_sha256_BYTES];

	(void)crypto_hash_sha256(hash, (const unsigned char *)text, (unsigned long long)snprintf(text, sizeof(text), "b%u", number));
	memcpy(out, hash, 32);
}
