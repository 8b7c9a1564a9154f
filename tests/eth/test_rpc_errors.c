/* What nodes and gateways say, and what is made of it. A wording met in the wild is a row here. */
#include "eth/rpc_errors.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { DATA = 1, BATCH = 2, RATE = 4 };

static const struct {
	const char *who;
	long status;
	int64_t code;
	const char *message;
	unsigned flags;
	enum eth_rpc_outcome outcome;
	uint64_t blocks, from, to;
} CASES[] = {
	{"geth", 200, 3, "execution reverted: Not authorized", DATA, ETH_RPC_REVERT, 0, 0, 0},
	{"anvil", 200, 3, "", 0, ETH_RPC_REVERT, 0, 0, 0},
	{"geth", 200, -32000, "execution reverted", 0, ETH_RPC_REVERT, 0, 0, 0},
	{"Nethermind", 200, -32015, "VM execution error.", DATA, ETH_RPC_REVERT, 0, 0, 0},
	{"Hardhat", 200, -32603, "VM Exception while processing transaction: revert", DATA, ETH_RPC_REVERT, 0, 0, 0},
	{"geth", 200, -32601, "the method eth_getProof does not exist/is not available", 0, ETH_RPC_NO_METHOD, 0, 0, 0},
	{"anvil", 200, -32601, "Method not found", 0, ETH_RPC_NO_METHOD, 0, 0, 0},
	{"proxyd", 403, -32001, "rpc method is not whitelisted", 0, ETH_RPC_NO_METHOD, 0, 0, 0},
	{"Alchemy", 400, -32600, "Unsupported method: eth_foo. See available methods", 0, ETH_RPC_NO_METHOD, 0, 0, 0},

	{"anvil", 200, -32000, "unknown block", 0, ETH_RPC_UNKNOWN_BLOCK, 0, 0, 0},
	{"EIP-1474", 200, -32001, "Resource not found", 0, ETH_RPC_UNKNOWN_BLOCK, 0, 0, 0},
	{"geth", 200, -32000, "header not found", 0, ETH_RPC_UNKNOWN_BLOCK, 0, 0, 0},
	{"geth", 200, -32000, "hash 0x12 is not currently canonical", 0, ETH_RPC_UNKNOWN_BLOCK, 0, 0, 0},
	{"geth", 200, -32000, "missing trie node 12 (path )", 0, ETH_RPC_UNKNOWN_BLOCK, 0, 0, 0},
	{"geth", 200, -32000, "block range extends beyond current head block", 0, ETH_RPC_UNKNOWN_BLOCK, 0, 0, 0},
	{"anvil", 200, -32602, "BlockOutOfRangeError: block height is 51 but requested was 99", 0, ETH_RPC_UNKNOWN_BLOCK, 0,
	 0, 0},
	{"proxyd", 400, -32019, "block is out of range", 0, ETH_RPC_UNKNOWN_BLOCK, 0, 0, 0},
	{"reth", 200, -32602, "distance to target block exceeds maximum proof window", 0, ETH_RPC_UNKNOWN_BLOCK, 0, 0, 0},
	{"PublicNode", 403, -32701, "Archive requests require a personal token", 0, ETH_RPC_UNKNOWN_BLOCK, 0, 0, 0},
	{"a node", 200, -32000, "Block requested not found. Request might be querying historical state", 0,
	 ETH_RPC_UNKNOWN_BLOCK, 0, 0, 0},

	{"reth", 200, -32602, "query exceeds max results 20000, retry with the range 11-19", 0, ETH_RPC_LIMIT, 0, 11, 19},
	{"reth", 200, -32602, "query exceeds max block range 100000", 0, ETH_RPC_LIMIT, 100000, 0, 0},
	{"Base", 413, -32614, "block range too large", 0, ETH_RPC_LIMIT, 2000, 0, 0},
	{"Base", 413, -32614, "", 0, ETH_RPC_LIMIT, 0, 0, 0},
	{"Base", 500, -32020, "backend response too large", 0, ETH_RPC_LIMIT, 0, 0, 0},
	{"Optimism", 200, -32000, "Block range is too large", 0, ETH_RPC_LIMIT, 0, 0, 0},
	{"proxyd", 400, -32000, "block range greater than 10000 max", 0, ETH_RPC_LIMIT, 10000, 0, 0},
	{"Coinbase", 400, -32012, "please limit the query to at most 1,000 blocks", 0, ETH_RPC_LIMIT, 1000, 0, 0},
	{"Infura", 200, -32602, "range 1000000 exceeds limit of 10000", 0, ETH_RPC_LIMIT, 10000, 0, 0},
	{"Infura", 200, -32005,
	 "query returned more than 10000 results. Try with this block range [0x9CAF50, 0x9CB07B].", 0, ETH_RPC_LIMIT, 0,
	 0x9caf50, 0x9cb07b},
	{"Alchemy", 400, -32602,
	 "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit on the "
	 "response size, or you can request any block range with a cap of 10K logs in the response. Based on your "
	 "parameters and the response size limit, this block range should work: [0x0, 0x133e71]",
	 0, ETH_RPC_LIMIT, 2000, 0, 0x133e71},
	{"Alchemy", 400, -32600,
	 "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range. Based on your "
	 "parameters, this block range should work: [0x3d7773, 0x3d777c].",
	 0, ETH_RPC_LIMIT, 10, 0x3d7773, 0x3d777c},
	{"QuickNode", 413, -32614, "eth_getLogs is limited to a 10,000 range", 0, ETH_RPC_LIMIT, 10000, 0, 0},
	{"QuickNode", 413, -32602, "eth_getLogs and eth_newFilter are limited to a 10,000 blocks range", 0, ETH_RPC_LIMIT,
	 10000, 0, 0},
	{"1RPC", 400, -32000, "eth_getLogs is limited to 0 - 10000 blocks range", 0, ETH_RPC_LIMIT, 10000, 0, 0},
	{"1RPC", 400, -32000, "response size should not greater than 10000000 bytes", 0, ETH_RPC_LIMIT, 0, 0, 0},
	{"BlockPI", 200, -32602, "eth_getLogs is limited to 1024 block range", 0, ETH_RPC_LIMIT, 1024, 0, 0},
	{"BlockPI", 200, -32602, "range is too large, max is 1k blocks", 0, ETH_RPC_LIMIT, 1000, 0, 0},
	{"Cloudflare", 200, -32047, "Invalid eth_getLogs request. 'fromBlock'-'toBlock' range too large. Max range: 800", 0,
	 ETH_RPC_LIMIT, 800, 0, 0},
	{"Thirdweb", 200, -32005, "Maximum allowed number of requested blocks is 3500", 0, ETH_RPC_LIMIT, 3500, 0, 0},
	{"Avalanche", 200, -32000, "requested too many blocks from 1 to 9000, maximum is set to 2048", 0, ETH_RPC_LIMIT,
	 2048, 0, 0},
	{"Blast", 200, -32600, "block range exceeds the range allowed for your plan (5000 > 3000).", 0, ETH_RPC_LIMIT, 3000,
	 0, 0},
	{"Chainstack", 200, -32000, "Block range limit exceeded. See more details at …", 0, ETH_RPC_LIMIT, 10000, 0, 0},
	{"Ankr", 200, -32062, "block range is too wide", 0, ETH_RPC_LIMIT, 0, 0, 0},
	{"PublicNode", 200, -32701, "exceed maximum block range: 50000", 0, ETH_RPC_LIMIT, 50000, 0, 0},
	{"Sei", 200, -32000, "block range too large (2000), maximum allowed is 1000 blocks", 0, ETH_RPC_LIMIT, 1000, 0, 0},
	{"dRPC", 400, 35, "ranges over 10000 blocks are not supported on freetier", 0, ETH_RPC_LIMIT, 10000, 0, 0},
	{"Arbitrum", 200, -32000, "logs matched by query exceeds limit of 10000", 0, ETH_RPC_LIMIT, 0, 0, 0},
	{"geth", 200, -32003, "response too large", 0, ETH_RPC_LIMIT, 0, 0, 0},
	{"reth", 200, -32008, "Response is too big", 0, ETH_RPC_LIMIT, 0, 0, 0},
	{"geth", 200, -32600, "batch too large", BATCH, ETH_RPC_LIMIT, 0, 0, 0},
	{"proxyd", 400, -32014, "too many RPC calls in batch request", BATCH, ETH_RPC_LIMIT, 0, 0, 0},
	{"proxyd", 413, -32021, "request body too large", BATCH, ETH_RPC_LIMIT, 0, 0, 0},
	{"some front", 413, -32000, "no", 0, ETH_RPC_LIMIT, 0, 0, 0},

	{"EIP-1474", 200, -32005, "limit exceeded", RATE, ETH_RPC_RETRYABLE, 0, 0, 0},
	{"Infura", 429, -32005, "daily request count exceeded, request rate limited", RATE, ETH_RPC_RETRYABLE, 0, 0, 0},
	{"Base", 429, -32016, "over rate limit", RATE, ETH_RPC_RETRYABLE, 0, 0, 0},
	{"Alchemy", 429, 429,
	 "Your app has exceeded its compute units per second capacity. If you have retries enabled, you can safely ignore "
	 "this message.",
	 RATE, ETH_RPC_RETRYABLE, 0, 0, 0},
	{"QuickNode", 429, -32007, "50/second request limit reached - reduce calls per second", RATE, ETH_RPC_RETRYABLE, 0,
	 0, 0},
	{"any", 429, 429, "Too Many Requests", RATE, ETH_RPC_RETRYABLE, 0, 0, 0},
	{"any", 429, 1015, "no", RATE, ETH_RPC_RETRYABLE, 0, 0, 0},
	{"any", 503, 1, "no", 0, ETH_RPC_RETRYABLE, 0, 0, 0},
	{"any", 200, -32603, "Internal error", 0, ETH_RPC_RETRYABLE, 0, 0, 0},
	{"geth", 200, -32002, "request timed out", 0, ETH_RPC_RETRYABLE, 0, 0, 0},
	{"proxyd", 503, -32011, "no backend is currently healthy to serve traffic", 0, ETH_RPC_RETRYABLE, 0, 0, 0},
	{"dRPC", 400, 12, "Can't route your request to suitable provider, if you specified certain providers revise the list",
	 0, ETH_RPC_RETRYABLE, 0, 0, 0},

	{"anvil", 200, -32003, "nonce too low", 0, ETH_RPC_REFUSED, 0, 0, 0},
	{"anvil", 200, -32003, "transaction already imported", 0, ETH_RPC_REFUSED, 0, 0, 0},
	{"geth", 200, -32000, "already known", 0, ETH_RPC_REFUSED, 0, 0, 0},
	{"geth", 200, -32000, "replacement transaction underpriced", 0, ETH_RPC_REFUSED, 0, 0, 0},
	{"geth", 200, -32000, "insufficient funds for gas * price + value", 0, ETH_RPC_REFUSED, 0, 0, 0},
	{"geth", 200, -32000, "exceeds block gas limit", 0, ETH_RPC_REFUSED, 0, 0, 0},
	{"geth", 200, -32000, "block gas limit exceeded", 0, ETH_RPC_REFUSED, 0, 0, 0},
	{"anvil", 200, -32602, "odd number of digits", 0, ETH_RPC_REFUSED, 0, 0, 0},
	{"any", 401, -32000, "must be authenticated", 0, ETH_RPC_REFUSED, 0, 0, 0},
};

static void every_wording_has_its_meaning_and_hint(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct eth_rpc_hint hint;
		enum eth_rpc_outcome found =
			eth_rpc_errors_classify(&hint, CASES[i].status, CASES[i].code, CASES[i].message,
						strlen(CASES[i].message), (CASES[i].flags & DATA) != 0);

		if (found != CASES[i].outcome || hint.blocks != CASES[i].blocks || hint.from != CASES[i].from ||
		    hint.to != CASES[i].to || hint.has_range != (CASES[i].to > 0) ||
		    hint.batch != ((CASES[i].flags & BATCH) != 0) || hint.rate != ((CASES[i].flags & RATE) != 0))
			fail_msg("%s: '%s': %d, %ju blocks, %ju to %ju, batch %d, rate %d", CASES[i].who, CASES[i].message,
				 (int)found, (uintmax_t)hint.blocks, (uintmax_t)hint.from, (uintmax_t)hint.to, hint.batch,
				 hint.rate);
	}
}

/* A provider may say anything: no number that is not there, none that does not fit, none turned round. */
static const char *const NO_HINTS[] = {
	"",
	"retry with the range",
	"retry with the range ",
	"retry with the range 5",
	"retry with the range 5-",
	"retry with the range 9-5",
	"retry with the range a-b",
	"retry with the range 0x-0x",
	"retry with the range 18446744073709551616-18446744073709551617",
	"this block range should work: [0x10000000000000000, 0x10000000000000001]",
	"at most 5",
	"at most 5 results of these blocks",
	"at most 0 blocks",
	"at most -5 blocks",
	"max range: 18446744073709551615k",
	"max range: 99999999999999999999",
	"for your plan (5000",
	"for your plan (5000 > )",
	"logs: exceeds limit of 10000",
};

static void a_hint_that_cannot_be_is_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(NO_HINTS) / sizeof(NO_HINTS[0]); i++) {
		struct eth_rpc_hint hint;

		eth_rpc_errors_hint(&hint, NO_HINTS[i], strlen(NO_HINTS[i]));
		if (hint.blocks != 0 || hint.has_range || hint.from != 0 || hint.to != 0)
			fail_msg("'%s': %ju blocks, %ju to %ju", NO_HINTS[i], (uintmax_t)hint.blocks, (uintmax_t)hint.from,
				 (uintmax_t)hint.to);
	}
}

static void nul_bytes_and_megabytes_hide_nothing_at_the_front(void **state)
{
	static char text[3000];
	struct eth_rpc_hint hint;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "\0Block Range Too Large", 22);
	assert_int_equal(eth_rpc_errors_classify(&hint, 0, 0, text, sizeof(text), false), ETH_RPC_LIMIT);
	assert_int_equal(hint.blocks, 2000);
	memset(text, 'x', sizeof(text));
	memcpy(text + 2000, "block range too large", 21);
	assert_int_equal(eth_rpc_classify(0, text, sizeof(text), false), ETH_RPC_REFUSED);
}

static void an_http_status_alone_says_what_may_be_done(void **state)
{
	static const struct {
		long status;
		enum eth_rpc_outcome outcome;
	} STATUS[] = {
		{301, ETH_RPC_REFUSED},	  {400, ETH_RPC_REFUSED},   {401, ETH_RPC_REFUSED},   {403, ETH_RPC_REFUSED},
		{404, ETH_RPC_REFUSED},	  {405, ETH_RPC_REFUSED},   {408, ETH_RPC_RETRYABLE}, {413, ETH_RPC_LIMIT},
		{429, ETH_RPC_RETRYABLE}, {500, ETH_RPC_RETRYABLE}, {501, ETH_RPC_REFUSED},   {502, ETH_RPC_RETRYABLE},
		{503, ETH_RPC_RETRYABLE}, {504, ETH_RPC_RETRYABLE}, {505, ETH_RPC_REFUSED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(STATUS) / sizeof(STATUS[0]); i++)
		if (eth_rpc_errors_status(STATUS[i].status) != STATUS[i].outcome)
			fail_msg("%ld", STATUS[i].status);
}

/* Every error that a real anvil gave, by its code and text alone. */
static enum eth_rpc_outcome expected(int64_t code, const char *message)
{
	if (code == 3)
		return ETH_RPC_REVERT;
	if (code == -32601)
		return ETH_RPC_NO_METHOD;
	if (code == -32001 || strcmp(message, "unknown block") == 0 || strstr(message, "BlockOutOfRange") != NULL)
		return ETH_RPC_UNKNOWN_BLOCK;
	return ETH_RPC_REFUSED;
}

static void check_recorded(const json_t *response, const char *file, size_t *seen)
{
	const json_t *error = json_object_get(response, "error"), *message = json_object_get(error, "message");
	enum eth_rpc_outcome found;
	int64_t code;

	if (!json_is_object(error))
		return;
	code = json_integer_value(json_object_get(error, "code"));
	found = eth_rpc_classify(code, json_string_value(message), json_string_length(message),
				 json_object_get(error, "data") != NULL);
	if (found != expected(code, json_string_value(message)))
		fail_msg("%s: '%s' is %d", file, json_string_value(message), (int)found);
	(*seen)++;
}

static void recorded_errors_are_what_they_are(void **state)
{
	static const char *const FILES[] = {"02-register-and-read", "04-logs-history", "06-reputation",
					    "10-transport-and-tx-errors", "13-extra-errors-upgrade"};
	size_t seen = 0;

	(void)state;
	if (access(KEDGE_SHARED_VECTORS "/erc8004-rpc", R_OK) != 0) {
		print_message("skipped: no " KEDGE_SHARED_VECTORS "/erc8004-rpc\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
		char path[512];
		const json_t *exchange;
		json_t *root;
		size_t at;

		(void)snprintf(path, sizeof(path), KEDGE_SHARED_VECTORS "/erc8004-rpc/%s.json", FILES[i]);
		root = json_load_file(path, JSON_ALLOW_NUL, NULL);
		assert_non_null(root);
		json_array_foreach(json_object_get(root, "exchanges"), at, exchange)
		{
			const json_t *response = json_object_get(exchange, "response"), *one;
			size_t in;

			check_recorded(response, FILES[i], &seen);
			json_array_foreach(response, in, one)
				check_recorded(one, FILES[i], &seen);
		}
		json_decref(root);
	}
	assert_true(seen > 25);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_wording_has_its_meaning_and_hint),
		cmocka_unit_test(a_hint_that_cannot_be_is_none),
		cmocka_unit_test(nul_bytes_and_megabytes_hide_nothing_at_the_front),
		cmocka_unit_test(an_http_status_alone_says_what_may_be_done),
		cmocka_unit_test(recorded_errors_are_what_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
