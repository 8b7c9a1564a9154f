/* JSON-RPC messages as bytes: what is accepted, what is refused, and how errors are read. */
#include "eth/hex.h"
#include "eth/rpc_message.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define R(id, rest) "{\"jsonrpc\":\"2.0\",\"id\":" id "," rest "}"
#define OK7 R("7", "\"result\":\"0x1\"")
#define OK8 R("8", "\"result\":\"0x2\"")

/* Answers to two calls with ids 7 and 8. */
static const struct {
	const char *why, *body;
	int err;
} REFUSED[] = {
	{"nothing", "", -EBADMSG},
	{"half a JSON", "[{\"jsonrpc\":\"2.0\",\"id\":7,\"resu", -EBADMSG},
	{"not JSON", "<html>busy</html>", -EBADMSG},
	{"a number", "7", -EBADMSG},
	{"text after it", "[" OK7 "," OK8 "] x", -EBADMSG},
	{"an empty batch", "[]", -EBADMSG},
	{"one answer missing", "[" OK7 "]", -EBADMSG},
	{"one answer too many", "[" OK7 "," OK8 "," R("9", "\"result\":1") "]", -EBADMSG},
	{"an id twice", "[" OK7 "," OK7 "]", -EBADMSG},
	{"a foreign id above", "[" OK7 "," R("9", "\"result\":1") "]", -EBADMSG},
	{"a foreign id below", "[" OK7 "," R("6", "\"result\":1") "]", -EBADMSG},
	{"a negative id", "[" OK7 "," R("-8", "\"result\":1") "]", -EBADMSG},
	{"an id as text", "[" OK7 "," R("\"8\"", "\"result\":1") "]", -EBADMSG},
	{"an id as a real", "[" OK7 "," R("8.0", "\"result\":1") "]", -EBADMSG},
	{"an id that is null", "[" OK7 "," R("null", "\"result\":1") "]", -EBADMSG},
	{"an id too wide for 64 bits", "[" OK7 "," R("18446744073709551624", "\"result\":1") "]", -EBADMSG},
	{"no version", "[" OK7 ",{\"id\":8,\"result\":1}]", -EBADMSG},
	{"another version", "[" OK7 ",{\"jsonrpc\":\"1.0\",\"id\":8,\"result\":1}]", -EBADMSG},
	{"neither result nor error", "[" OK7 ",{\"jsonrpc\":\"2.0\",\"id\":8}]", -EBADMSG},
	{"both result and error", "[" OK7 "," R("8", "\"result\":1,\"error\":{\"code\":1,\"message\":\"\"}") "]",
	 -EBADMSG},
	{"a result twice", "[" OK7 "," R("8", "\"result\":1,\"result\":2") "]", -EBADMSG},
	{"an error that is text", "[" OK7 "," R("8", "\"error\":\"no\"") "]", -EBADMSG},
	{"an error without code", "[" OK7 "," R("8", "\"error\":{\"message\":\"no\"}") "]", -EBADMSG},
	{"a code as text", "[" OK7 "," R("8", "\"error\":{\"code\":\"3\",\"message\":\"no\"}") "]", -EBADMSG},
	{"an error without message", "[" OK7 "," R("8", "\"error\":{\"code\":3}") "]", -EBADMSG},
	{"a member that is no object", "[" OK7 ",8]", -EBADMSG},
	{"a single answer in place of the batch", OK7, -EBADMSG},
	{"bytes that are not UTF-8", "[" OK7 "," R("8", "\"result\":\"\xff\"") "]", -EBADMSG},
	{"a lone surrogate", "[" OK7 "," R("8", "\"result\":\"\\ud800\"") "]", -EBADMSG},
	{"too deep",
	 "[" OK7 "," R("8", "\"result\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]") "]",
	 -EOVERFLOW},
};

static void refuses_what_is_not_an_answer_to_the_batch(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
		struct eth_rpc_answer *answer = NULL;
		int err = eth_rpc_answer_parse(&answer, REFUSED[i].body, strlen(REFUSED[i].body), 7, 2);

		if (err != REFUSED[i].err)
			fail_msg("%s: %d in place of %d", REFUSED[i].why, err, REFUSED[i].err);
	}
}

static void refuses_a_tree_larger_than_its_bound(void **state)
{
	size_t n = (1 << 18) + 16, len = 0;
	char *body = malloc(2 * n + 128);
	struct eth_rpc_answer *answer = NULL;

	(void)state;
	len += (size_t)sprintf(body, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[1");
	for (size_t i = 0; i < n; i++) {
		body[len++] = ',';
		body[len++] = '1';
	}
	len += (size_t)sprintf(body + len, "]}]");
	assert_int_equal(eth_rpc_answer_parse(&answer, body, len, 1, 1), -EOVERFLOW);
	/* the logs of one block may be more */
	assert_int_equal(eth_rpc_answer_parse_status(&answer, body, len, 0, true, 1, 1), 0);
	assert_int_equal(json_array_size(answer->results[0].value), n + 1);
	eth_rpc_answer_free(answer);
	free(body);
}

static void takes_answers_in_any_order(void **state)
{
	static const char BODY[] = "[" OK8 "," OK7 "]";
	struct eth_rpc_answer *answer;
	uint64_t value;

	(void)state;
	assert_int_equal(eth_rpc_answer_parse(&answer, BODY, strlen(BODY), 7, 2), 0);
	assert_int_equal(eth_rpc_result_u64(&value, &answer->results[0]), 0);
	assert_int_equal(value, 1);
	assert_int_equal(eth_rpc_result_u64(&value, &answer->results[1]), 0);
	assert_int_equal(value, 2);
	eth_rpc_answer_free(answer);
}

static void an_error_for_the_whole_batch_is_every_calls_error(void **state)
{
	static const char BODY[] =
		R("null", "\"error\":{\"code\":-32005,\"message\":\"rate limit\",\"data\":\"0x00\"}");
	static const char REVERT[] =
		R("null", "\"error\":{\"code\":3,\"message\":\"execution reverted\",\"data\":\"0x7e273289\"}");
	struct eth_rpc_answer *answer;

	(void)state;
	assert_int_equal(eth_rpc_answer_parse(&answer, BODY, strlen(BODY), 7, 2), 0);
	assert_int_equal(answer->results[0].outcome, ETH_RPC_RETRYABLE);
	assert_int_equal(answer->results[1].outcome, ETH_RPC_RETRYABLE);
	eth_rpc_answer_free(answer);
	assert_int_equal(eth_rpc_answer_parse(&answer, REVERT, strlen(REVERT), 7, 2), 0);
	assert_int_equal(answer->results[0].outcome, ETH_RPC_REFUSED);
	assert_int_equal(answer->results[0].revert_len, 0);
	eth_rpc_answer_free(answer);
}

static const struct {
	int64_t code;
	const char *message;
	bool data;
	enum eth_rpc_outcome outcome;
} CLASSES[] = {
	{3, "execution reverted: Not authorized", true, ETH_RPC_REVERT},
	{3, "", false, ETH_RPC_REVERT},
	{-32000, "execution reverted", false, ETH_RPC_REVERT},
	{-32015, "VM execution error.", true, ETH_RPC_REVERT},
	{-32603, "VM Exception while processing transaction: revert", true, ETH_RPC_REVERT},
	{-32601, "the method eth_getProof does not exist/is not available", false, ETH_RPC_NO_METHOD},
	{-32601, "Method not found", false, ETH_RPC_NO_METHOD},
	{-32000, "unknown block", false, ETH_RPC_UNKNOWN_BLOCK},
	{-32001, "Resource not found", false, ETH_RPC_UNKNOWN_BLOCK},
	{-32000, "header not found", false, ETH_RPC_UNKNOWN_BLOCK},
	{-32000, "hash 0x12 is not currently canonical", false, ETH_RPC_UNKNOWN_BLOCK},
	{-32000, "missing trie node 12 (path )", false, ETH_RPC_UNKNOWN_BLOCK},
	{-32602, "BlockOutOfRangeError: block height is 51 but requested was 99", false, ETH_RPC_UNKNOWN_BLOCK},
	{-32602, "query exceeds max results 20000, retry with the range 1-9", false, ETH_RPC_LIMIT},
	{-32005, "query returned more than 10000 results", false, ETH_RPC_LIMIT},
	{-32000, "block range too large", false, ETH_RPC_LIMIT},
	{-32003, "response too large", false, ETH_RPC_LIMIT},
	{-32005, "limit exceeded", false, ETH_RPC_RETRYABLE},
	{-32005, "daily request count exceeded, request rate limited", false, ETH_RPC_RETRYABLE},
	{429, "Too Many Requests", false, ETH_RPC_RETRYABLE},
	{-32603, "Internal error", false, ETH_RPC_RETRYABLE},
	{-32002, "request timed out", false, ETH_RPC_RETRYABLE},
	{-32003, "nonce too low", false, ETH_RPC_REFUSED},
	{-32000, "already known", false, ETH_RPC_REFUSED},
	{-32000, "replacement transaction underpriced", false, ETH_RPC_REFUSED},
	{-32000, "insufficient funds for gas * price + value", false, ETH_RPC_REFUSED},
	{-32602, "odd number of digits", false, ETH_RPC_REFUSED},
	{-32000, "exceeds block gas limit", false, ETH_RPC_REFUSED},
};

static void classifies_errors_as_nodes_and_gateways_word_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(CLASSES) / sizeof(CLASSES[0]); i++) {
		enum eth_rpc_outcome found = eth_rpc_classify(CLASSES[i].code, CLASSES[i].message,
							      strlen(CLASSES[i].message), CLASSES[i].data);

		if (found != CLASSES[i].outcome)
			fail_msg("%s: %d in place of %d", CLASSES[i].message, (int)found, (int)CLASSES[i].outcome);
	}
}

static const struct {
	const char *data;
	size_t len;
} REVERTS[] = {
	{"\"0x7e27328900\"", 5},
	{"\"0x\"", 0},
	{"\"Reverted 0x7e273289\"", 4},
	{"{\"data\":\"0x7e273289\",\"message\":\"x\"}", 4},
	{"\"0x7e27328\"", 0}, /* half a byte */
	{"\"words\"", 0},
	{"[1]", 0},
	{"null", 0},
};

static void a_revert_brings_its_data_in_the_forms_nodes_use(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(REVERTS) / sizeof(REVERTS[0]); i++) {
		struct eth_rpc_answer *answer;
		char body[256];

		(void)snprintf(body, sizeof(body),
			       "[" R("7", "\"error\":{\"code\":3,\"message\":\"execution reverted: "
					  "\\u0000\\u0001\",\"data\":%s}") "]",
			       REVERTS[i].data);
		assert_int_equal(eth_rpc_answer_parse(&answer, body, strlen(body), 7, 1), 0);
		assert_int_equal(answer->results[0].outcome, ETH_RPC_REVERT);
		assert_int_equal(answer->results[0].revert_len, REVERTS[i].len);
		assert_int_equal(answer->results[0].message_len, 22);
		eth_rpc_answer_free(answer);
	}
}

static int read_one(const char *value, int (*read)(const struct eth_rpc_result *))
{
	struct eth_rpc_result result = {.outcome = ETH_RPC_OK};
	json_t *json = json_loads(value, JSON_DECODE_ANY, NULL);
	int err;

	result.value = json;
	err = read(&result);
	json_decref(json);
	return err;
}

static int as_u64(const struct eth_rpc_result *result)
{
	uint64_t value;

	return eth_rpc_result_u64(&value, result);
}

static int as_hash(const struct eth_rpc_result *result)
{
	struct eth_hash value;

	return eth_rpc_result_hash(&value, result);
}

static int as_data_4(const struct eth_rpc_result *result)
{
	uint8_t value[4];
	size_t len;

	return eth_rpc_result_data(value, &len, sizeof(value), result);
}

static int as_block(const struct eth_rpc_result *result)
{
	struct eth_rpc_block value;

	return eth_rpc_result_block(&value, result);
}

static int as_receipt(const struct eth_rpc_result *result)
{
	struct eth_rpc_receipt value;

	return eth_rpc_result_receipt(&value, result);
}

#define H32 "0x1111111111111111111111111111111111111111111111111111111111111111"

static const struct {
	int (*read)(const struct eth_rpc_result *);
	const char *value;
	int err;
} READS[] = {
	{as_u64, "\"0x0\"", 0},
	{as_u64, "\"0x\"", -EBADMSG},
	{as_u64, "\"0x01\"", -EBADMSG},
	{as_u64, "\"1\"", -EBADMSG},
	{as_u64, "1", -EBADMSG},
	{as_u64, "null", -EBADMSG},
	{as_u64, "\"0x10000000000000000\"", -EOVERFLOW},
	{as_hash, "\"" H32 "\"", 0},
	{as_hash, "\"0x11\"", -EBADMSG},
	{as_data_4, "\"0x\"", 0},
	{as_data_4, "\"0x01020304\"", 0},
	{as_data_4, "\"0x0102030405\"", -ENOSPC},
	{as_data_4, "\"0x0\"", -EBADMSG},
	{as_block, "null", -ENOENT},
	{as_block, "[]", -EBADMSG},
	{as_block, "{}", -EBADMSG},
	{as_block, "{\"number\":\"0x1\",\"hash\":\"" H32 "\",\"parentHash\":\"" H32 "\",\"timestamp\":\"0x2\"}", 0},
	{as_block, "{\"number\":null,\"hash\":\"" H32 "\",\"parentHash\":\"" H32 "\",\"timestamp\":\"0x2\"}", -EBADMSG},
	{as_block, "{\"number\":\"0x1\",\"hash\":\"" H32 "\",\"parentHash\":\"" H32 "\",\"timestamp\":\"0x10000000000000000\"}", -EBADMSG},
	{as_block, "{\"number\":\"0x1\",\"hash\":null,\"parentHash\":\"" H32 "\",\"timestamp\":\"0x2\"}", -EBADMSG},
	{as_receipt, "null", -ENOENT},
	{as_receipt, "{}", -EBADMSG},
	{as_receipt,
	 "{\"transactionHash\":\"" H32 "\",\"blockHash\":\"" H32 "\",\"blockNumber\":\"0x1\",\"gasUsed\":\"0x5\","
	 "\"status\":\"0x1\",\"logs\":[]}",
	 0},
	{as_receipt,
	 "{\"transactionHash\":\"" H32 "\",\"blockHash\":\"" H32 "\",\"blockNumber\":\"0x1\",\"gasUsed\":\"0x5\","
	 "\"status\":\"0x2\",\"logs\":[]}",
	 -EBADMSG},
	{as_receipt,
	 "{\"transactionHash\":\"" H32 "\",\"blockHash\":null,\"blockNumber\":null,\"gasUsed\":\"0x5\","
	 "\"status\":\"0x1\",\"logs\":[]}",
	 -EBADMSG},
};

static void readers_want_one_shape_each(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(READS) / sizeof(READS[0]); i++) {
		int err = read_one(READS[i].value, READS[i].read);

		if (err != READS[i].err)
			fail_msg("%zu, %s: %d in place of %d", i, READS[i].value, err, READS[i].err);
	}
}

static void a_result_that_is_an_error_has_its_own_errno(void **state)
{
	static const int ERRNOS[] = {
		[ETH_RPC_REVERT] = -EPROTO,	   [ETH_RPC_LIMIT] = -EAGAIN,	      [ETH_RPC_RETRYABLE] = -EAGAIN,
		[ETH_RPC_NO_METHOD] = -EOPNOTSUPP, [ETH_RPC_UNKNOWN_BLOCK] = -ESTALE, [ETH_RPC_REFUSED] = -EIO};

	(void)state;
	for (int outcome = ETH_RPC_REVERT; outcome <= ETH_RPC_REFUSED; outcome++) {
		struct eth_rpc_result result = {.outcome = (enum eth_rpc_outcome)outcome};

		assert_int_equal(as_u64(&result), ERRNOS[outcome]);
		assert_int_equal(as_block(&result), ERRNOS[outcome]);
	}
}

static void requests_are_batches_with_running_ids(void **state)
{
	struct eth_address to = {{0xab}};
	struct eth_hash hash = {{0xcd}};
	struct eth_rpc_at latest = eth_rpc_at_tag(ETH_RPC_LATEST), at_hash = eth_rpc_at_hash(&hash);
	struct eth_rpc_at number = eth_rpc_at_number(255);
	struct eth_rpc_calls list;
	char *text;
	size_t len;

	(void)state;
	eth_rpc_calls_init(&list);
	eth_rpc_add_call(&list, &to, (const uint8_t *)"\x01", 1, &at_hash);
	eth_rpc_add_block(&list, &number);
	eth_rpc_add_block(&list, &at_hash);
	eth_rpc_add_nonce(&list, &to, &latest);
	eth_rpc_add_send_raw(&list, (const uint8_t *)"\x02\xf8", 2);
	assert_int_equal(list.err, 0);
	assert_int_equal(eth_rpc_request(&text, &len, 41, list.calls, list.n), 0);
	assert_string_equal(
		text,
		"[{\"jsonrpc\":\"2.0\",\"id\":41,\"method\":\"eth_call\",\"params\":[{\"to\":"
		"\"0xab00000000000000000000000000000000000000\",\"data\":\"0x01\"},{\"blockHash\":"
		"\"0xcd00000000000000000000000000000000000000000000000000000000000000\",\"requireCanonical\":true}]},"
		"{\"jsonrpc\":\"2.0\",\"id\":42,\"method\":\"eth_getBlockByNumber\",\"params\":[\"0xff\",false]},"
		"{\"jsonrpc\":\"2.0\",\"id\":43,\"method\":\"eth_getBlockByHash\",\"params\":["
		"\"0xcd00000000000000000000000000000000000000000000000000000000000000\",false]},"
		"{\"jsonrpc\":\"2.0\",\"id\":44,\"method\":\"eth_getTransactionCount\",\"params\":["
		"\"0xab00000000000000000000000000000000000000\",\"latest\"]},"
		"{\"jsonrpc\":\"2.0\",\"id\":45,\"method\":\"eth_sendRawTransaction\",\"params\":[\"0x02f8\"]}]");
	assert_int_equal(len, strlen(text));
	free(text);
	eth_rpc_calls_clear(&list);
}

static void requests_have_limits(void **state)
{
	struct eth_rpc_calls list;
	char *text;
	size_t len;

	(void)state;
	eth_rpc_calls_init(&list);
	assert_int_equal(eth_rpc_request(&text, &len, 1, list.calls, 0), -EINVAL);
	for (size_t i = 0; i <= ETH_RPC_CALLS_MAX; i++)
		eth_rpc_add_chain_id(&list);
	assert_int_equal(list.err, -EOVERFLOW);
	assert_int_equal(list.n, ETH_RPC_CALLS_MAX);
	eth_rpc_calls_clear(&list);
}

/* Every recorded answer of a real node, put into a batch of one, is read; what it cannot be is counted. */
static void check_exchange(const json_t *exchange, unsigned *read, unsigned *skipped)
{
	const json_t *response = json_object_get(exchange, "response"), *id = json_object_get(response, "id");
	struct eth_rpc_answer *answer;
	char *text, *body;
	int err;

	if (!json_is_object(response) || !json_is_integer(id)) {
		++*skipped;
		return;
	}
	text = json_dumps(response, JSON_COMPACT);
	body = malloc(strlen(text) + 3);
	(void)sprintf(body, "[%s]", text);
	err = eth_rpc_answer_parse(&answer, body, strlen(body), (uint64_t)json_integer_value(id), 1);
	if (err != 0)
		fail_msg("%d for %.200s", err, text);
	assert_true((json_object_get(response, "error") == NULL) == (answer->results[0].outcome == ETH_RPC_OK));
	eth_rpc_answer_free(answer);
	free(text);
	free(body);
	++*read;
}

static void reads_what_a_real_node_answered(void **state)
{
	static const char FOLDER[] = KEDGE_SHARED_VECTORS "/erc8004-rpc";
	DIR *folder = opendir(FOLDER);
	unsigned read = 0, skipped = 0;
	const struct dirent *file;

	(void)state;
	if (folder == NULL) {
		print_message("skipped: no third-party vectors\n");
		skip();
		return;
	}
	while ((file = readdir(folder)) != NULL) {
		char path[512];
		json_t *root;
		const json_t *list;

		(void)snprintf(path, sizeof(path), "%s/%s", FOLDER, file->d_name);
		root = json_load_file(path, JSON_ALLOW_NUL, NULL);
		list = json_object_get(root, "exchanges");
		for (size_t i = 0; i < json_array_size(list); i++)
			check_exchange(json_array_get(list, i), &read, &skipped);
		json_decref(root);
	}
	(void)closedir(folder);
	print_message("%u recorded answers read, %u without an integer id or in a batch\n", read, skipped);
	assert_true(read > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_not_an_answer_to_the_batch),
		cmocka_unit_test(refuses_a_tree_larger_than_its_bound),
		cmocka_unit_test(takes_answers_in_any_order),
		cmocka_unit_test(an_error_for_the_whole_batch_is_every_calls_error),
		cmocka_unit_test(classifies_errors_as_nodes_and_gateways_word_them),
		cmocka_unit_test(a_revert_brings_its_data_in_the_forms_nodes_use),
		cmocka_unit_test(readers_want_one_shape_each),
		cmocka_unit_test(a_result_that_is_an_error_has_its_own_errno),
		cmocka_unit_test(requests_are_batches_with_running_ids),
		cmocka_unit_test(requests_have_limits),
		cmocka_unit_test(reads_what_a_real_node_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
