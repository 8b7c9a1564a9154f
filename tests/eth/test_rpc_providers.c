/* The client against several providers, each of which misbehaves in its own way. */
#include "tests/eth/fake_providers.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* One call; its number, or the error of the batch or of the call. *provider: who answered. */
static int ask(struct fake_stand *stand, const char *method, uint64_t *number, unsigned *provider, unsigned deadline_ms)
{
	struct eth_rpc_answer *answer;
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	eth_rpc_add(&list, method, "[]");
	err = eth_rpc_wait(&answer, stand->rpc, &list, deadline_ms);
	if (err == 0) {
		*provider = answer->provider;
		err = eth_rpc_result_u64(number, &answer->results[0]);
	}
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return err;
}

#define RATE "{\"code\":-32005,\"message\":\"limit exceeded\"}"
#define INTERNAL "{\"code\":-32603,\"message\":\"Internal error\"}"
#define METHOD "{\"code\":-32601,\"message\":\"Method not found\"}"
#define BATCHES "{\"code\":-32600,\"message\":\"batch requests are not supported\"}"
#define AUTH "{\"code\":-32000,\"message\":\"must be authenticated\"}"

static const struct {
	const char *name;
	enum fake_fault fault;
	const char *text;
	int err;	      /* when every provider does so */
	unsigned asked_again; /* … how often then, at least: 1 where it is not repeated */
} FAULTS[] = {
	{"cut off", BROKEN_OFF, "", -EIO, 4},
	{"hangs up", HANGS_UP, "", -EIO, 4},
	{"half a JSON", HALF_JSON, "", -EBADMSG, 4},
	{"no JSON", NOT_JSON, "", -EBADMSG, 4},
	{"ids of another batch", WRONG_IDS, "", -EBADMSG, 4},
	{"50 MB", HUGE, "", -EOVERFLOW, 1},
	{"301", STATUS, "301", -EIO, 1},
	{"400", STATUS, "400", -EIO, 1},
	{"401", STATUS, "401", -EIO, 1},
	{"403", STATUS, "403", -EIO, 1},
	{"404", STATUS, "404", -EIO, 1},
	{"405", STATUS, "405", -EIO, 1},
	{"408", STATUS, "408", -EIO, 4},
	{"413", STATUS, "413", -EIO, 1},
	{"429", STATUS, "429", -EIO, 4},
	{"500", STATUS, "500", -EIO, 4},
	{"502", STATUS, "502", -EIO, 4},
	{"503", STATUS, "503", -EIO, 4},
	{"504", STATUS, "504", -EIO, 4},
	{"another chain", OTHER_CHAIN, "0x1", -EXDEV, 1},
	{"no chain", NO_CHAIN, "", -EIO, 1},
	{"a rate limit for the batch", WHOLE_ERROR, RATE, -EAGAIN, 4},
	{"a rate limit for a call", CALL_ERROR, RATE, -EAGAIN, 4},
	{"a rate limit with its status", STATUS_ERROR, "429 " RATE, -EAGAIN, 4},
	{"trouble in a call", CALL_ERROR, INTERNAL, -EAGAIN, 4},
	{"trouble with its status", STATUS_ERROR, "500 " INTERNAL, -EAGAIN, 4},
	{"no such method", CALL_ERROR, METHOD, -EOPNOTSUPP, 1},
	{"no such block", CALL_ERROR, FAKE_UNKNOWN_BLOCK, -ESTALE, 1},
	{"a refusal of a call", CALL_ERROR, "{\"code\":-32602,\"message\":\"odd number of digits\"}", -EIO, 1},
	{"too much for it", CALL_ERROR, "{\"code\":-32020,\"message\":\"backend response too large\"}", -EAGAIN, 1},
	{"no batches", WHOLE_ERROR, BATCHES, -EAGAIN, 1},
	{"not authenticated", WHOLE_ERROR, AUTH, -EIO, 1},
	{"not authenticated, by status", STATUS_ERROR, "401 " AUTH, -EIO, 1},
};

static void every_fault_of_one_is_made_good_by_another(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(FAULTS) / sizeof(FAULTS[0]); i++) {
		struct eth_rpc_stats stats;
		struct fake_stand stand;
		uint64_t number = 0;
		unsigned provider = 9;
		int64_t began = fake_now_ms();
		int err;

		fake_stand_open(&stand, 2);
		fake_stand_set(&stand, 0, FAULTS[i].fault, FAULTS[i].text);
		err = ask(&stand, "eth_blockNumber", &number, &provider, 5000);
		eth_rpc_stats(stand.rpc, &stats);
		if (err != 0 || number != 0xb || provider != 1 || stats.failovers != 1 || stats.failures != 0 ||
		    stand.nodes[0].shared->requests != 1 || stand.nodes[1].shared->requests != 1)
			fail_msg("%s: %d, %ju of provider %u, asked %u and %u", FAULTS[i].name, err, (uintmax_t)number,
				 provider, stand.nodes[0].shared->requests, stand.nodes[1].shared->requests);
		assert_true(fake_now_ms() - began < 2000);
		fake_stand_close(&stand);
	}
}

static void the_same_fault_of_all_is_reported(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(FAULTS) / sizeof(FAULTS[0]); i++) {
		struct fake_stand stand;
		uint64_t number;
		unsigned provider, asked[2];
		int err;

		fake_stand_open(&stand, 2);
		fake_stand_set(&stand, 0, FAULTS[i].fault, FAULTS[i].text);
		fake_stand_set(&stand, 1, FAULTS[i].fault, FAULTS[i].text);
		err = ask(&stand, "eth_blockNumber", &number, &provider, 8000);
		asked[0] = stand.nodes[0].shared->requests;
		asked[1] = stand.nodes[1].shared->requests;
		if (err != FAULTS[i].err || asked[0] != FAULTS[i].asked_again || asked[1] != FAULTS[i].asked_again)
			fail_msg("%s: %d, asked %u and %u", FAULTS[i].name, err, asked[0], asked[1]);
		fake_stand_close(&stand);
	}
}

static void who_is_not_there_is_passed_over(void **state)
{
	struct fake_stand stand;
	uint64_t number = 0;
	unsigned provider;

	(void)state;
	fake_stand_open(&stand, 2);
	fake_stand_lose(&stand, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(&stand, "eth_blockNumber", &number, &provider, 5000), 0);
	assert_int_equal(number, 0xb);
	assert_int_equal(stand.log_lines, 1);
	fake_stand_close(&stand);
}

static void a_silent_one_costs_its_share_and_is_then_left_aside(void **state)
{
	struct eth_rpc_provider_stats stats;
	struct fake_stand stand;
	uint64_t number = 0;
	unsigned provider;
	int64_t began;

	(void)state;
	fake_stand_open(&stand, 2);
	fake_stand_set(&stand, 0, SILENT, "");
	began = fake_now_ms();
	assert_int_equal(ask(&stand, "eth_blockNumber", &number, &provider, 1600), 0);
	assert_int_equal(number, 0xb);
	assert_in_range(fake_now_ms() - began, 700, 1300);
	assert_int_equal(eth_rpc_provider_stats(&stats, stand.rpc, 0), 0);
	assert_int_equal(stats.failures, 1);
	assert_int_equal(stats.in_a_row, 1);
	assert_int_equal(stats.state, ETH_RPC_PROVIDER_RESTING);
	began = fake_now_ms();
	assert_int_equal(ask(&stand, "eth_blockNumber", &number, &provider, 1600), 0);
	assert_true(fake_now_ms() - began < 500);
	fake_stand_set(&stand, 1, SILENT, "");
	began = fake_now_ms();
	assert_int_equal(ask(&stand, "eth_blockNumber", &number, &provider, 700), -ETIMEDOUT);
	assert_in_range(fake_now_ms() - began, 600, 1500);
	fake_stand_close(&stand);
}

static void retry_after_holds_one_provider_and_not_the_others(void **state)
{
	struct eth_rpc_provider_stats stats;
	struct fake_stand stand;
	uint64_t number = 0;
	unsigned provider;

	(void)state;
	fake_stand_open(&stand, 2);
	fake_stand_set(&stand, 0, LATER, "");
	for (int i = 0; i < 5; i++)
		assert_int_equal(ask(&stand, "eth_blockNumber", &number, &provider, 5000), 0);
	assert_int_equal(number, 0xb);
	assert_int_equal(stand.nodes[0].shared->requests, 1); /* closed while it rests */
	assert_int_equal(eth_rpc_provider_stats(&stats, stand.rpc, 0), 0);
	assert_int_equal(stats.limited, 1);
	assert_int_equal(stats.failures, 0);
	assert_int_equal(stats.rate, 3);
	fake_stand_close(&stand);
}

/* A block that one does not know yet is asked of the others; known to nobody it is null. */
static void a_missing_block_is_asked_of_all(void **state)
{
	static const char BLOCK_9[] = "{\"number\":\"0x9\"}";
	struct eth_rpc_at at = eth_rpc_at_number(9);
	struct eth_rpc_answer *answer;
	struct eth_rpc_calls list;
	struct fake_stand stand;

	(void)state;
	fake_stand_open(&stand, 3);
	fake_stand_set(&stand, 0, NULL_RESULT, "");
	fake_stand_set(&stand, 1, CALL_ERROR, FAKE_UNKNOWN_BLOCK);
	fake_stand_set(&stand, 2, WELL, BLOCK_9);
	eth_rpc_calls_init(&list);
	eth_rpc_add_block(&list, &at);
	assert_int_equal(eth_rpc_wait(&answer, stand.rpc, &list, 3000), 0);
	assert_int_equal(answer->provider, 2);
	assert_true(json_is_object(answer->results[0].value));
	eth_rpc_answer_free(answer);
	fake_stand_set(&stand, 1, NULL_RESULT, "");
	fake_stand_set(&stand, 2, NULL_RESULT, "");
	assert_int_equal(eth_rpc_wait(&answer, stand.rpc, &list, 3000), 0);
	assert_true(json_is_null(answer->results[0].value));
	eth_rpc_answer_free(answer);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(stand.nodes[i].shared->requests, 2);
	eth_rpc_calls_clear(&list);
	fake_stand_close(&stand);
}

static void an_empty_result_is_a_result(void **state)
{
	struct eth_rpc_answer *answer;
	struct eth_rpc_calls list;
	struct fake_stand stand;
	uint8_t bytes[4];
	size_t len = 9;

	(void)state;
	fake_stand_open(&stand, 2);
	fake_stand_set(&stand, 0, EMPTY_RESULT, "");
	eth_rpc_calls_init(&list);
	eth_rpc_add(&list, "eth_getCode", "[]");
	assert_int_equal(eth_rpc_wait(&answer, stand.rpc, &list, 3000), 0);
	assert_int_equal(answer->provider, 0);
	assert_int_equal(eth_rpc_result_data(bytes, &len, sizeof(bytes), &answer->results[0]), 0);
	assert_int_equal(len, 0);
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	fake_stand_close(&stand);
}

static const struct {
	const char *name;
	enum fake_fault fault;
	const char *text;
	uint64_t blocks, to;
} LIMITS[] = {
	{"Base", STATUS_ERROR, "413 {\"code\":-32614,\"message\":\"block range too large\"}", 2000, 0},
	{"Base, size", STATUS_ERROR, "500 {\"code\":-32020,\"message\":\"backend response too large\"}", 0, 0},
	{"a front", STATUS, "413", 0, 0},
	{"Alchemy", STATUS_ERROR,
	 "400 {\"code\":-32602,\"message\":\"response size exceeded, this block range should work: [0x5, 0x77]\"}", 0,
	 0x77},
	{"Infura", CALL_ERROR, "{\"code\":-32602,\"message\":\"range 1000000 exceeds limit of 10000\"}", 10000, 0},
	{"advice in data", CALL_ERROR,
	 "{\"code\":-32005,\"message\":\"query returned more than 10000 results\",\"data\":\"Try with this block range "
	 "[0x1, "
	 "0x2].\"}",
	 0, 2},
};

static void a_limit_goes_back_with_its_hint(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(LIMITS) / sizeof(LIMITS[0]); i++) {
		struct eth_rpc_answer *answer;
		struct eth_rpc_calls list;
		struct fake_stand stand;

		fake_stand_open(&stand, 2);
		fake_stand_set(&stand, 0, LIMITS[i].fault, LIMITS[i].text);
		eth_rpc_calls_init(&list);
		eth_rpc_add(&list, "eth_getLogs", "[{}]");
		assert_int_equal(eth_rpc_wait(&answer, stand.rpc, &list, 3000), 0);
		if (answer->results[0].outcome != ETH_RPC_LIMIT || answer->results[0].hint.blocks != LIMITS[i].blocks ||
		    answer->results[0].hint.to != LIMITS[i].to || stand.nodes[1].shared->requests != 0 ||
		    answer->results[0].message == NULL)
			fail_msg("%s: %d", LIMITS[i].name, (int)answer->results[0].outcome);
		eth_rpc_answer_free(answer);
		eth_rpc_calls_clear(&list);
		fake_stand_close(&stand);
	}
}

static int send_raw(struct fake_stand *stand)
{
	struct eth_rpc_answer *answer;
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	eth_rpc_add_send_raw(&list, (const uint8_t *)"\x02", 1);
	err = eth_rpc_wait(&answer, stand->rpc, &list, 3000);
	if (err == 0)
		err = eth_rpc_result_error(&answer->results[0]);
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return err;
}

static void a_transaction_goes_elsewhere_only_if_it_was_not_sent(void **state)
{
	struct fake_stand stand;

	(void)state;
	for (size_t i = 0; i < sizeof(FAULTS) / sizeof(FAULTS[0]); i++) {
		fake_stand_open(&stand, 2);
		fake_stand_set(&stand, 0, FAULTS[i].fault, FAULTS[i].text);
		if (send_raw(&stand) >= 0 || stand.nodes[0].shared->requests != 1 ||
		    stand.nodes[1].shared->requests != 0)
			fail_msg("%s: sent %u and %u times", FAULTS[i].name, stand.nodes[0].shared->requests,
				 stand.nodes[1].shared->requests);
		fake_stand_close(&stand);
	}
	fake_stand_open(&stand, 2);
	fake_stand_lose(&stand, 0);
	assert_int_equal(send_raw(&stand), 0);
	assert_int_equal(stand.nodes[1].shared->requests, 1);
	fake_stand_close(&stand);
}

static void who_lied_is_set_aside_and_the_next_asked(void **state)
{
	struct eth_rpc_provider_stats stats;
	struct fake_stand stand;
	uint64_t number = 0;
	unsigned provider;

	(void)state;
	fake_stand_open(&stand, 2);
	assert_int_equal(ask(&stand, "eth_blockNumber", &number, &provider, 3000), 0);
	assert_int_equal(provider, 0);
	eth_rpc_distrust(stand.rpc, provider, "the proof does not hold");
	eth_rpc_distrust(stand.rpc, 7, "no such provider");
	assert_non_null(strstr(eth_rpc_last_error(stand.rpc), "distrusted: the proof does not hold"));
	assert_int_equal(ask(&stand, "eth_blockNumber", &number, &provider, 3000), 0);
	assert_int_equal(provider, 1);
	assert_int_equal(eth_rpc_provider_stats(&stats, stand.rpc, 0), 0);
	assert_int_equal(stats.state, ETH_RPC_PROVIDER_DISTRUSTED);
	assert_in_range(stats.for_ms, 4000, 5000);
	assert_int_equal(stats.distrusts, 1);
	assert_non_null(strstr(stats.host, "127.0.0.1:"));
	assert_null(strstr(stats.host, "secret"));
	eth_rpc_distrust(stand.rpc, 1, "logs missing");
	assert_int_equal(ask(&stand, "eth_blockNumber", &number, &provider, 3000), 0);
	assert_int_equal(provider, 0); /* both aside: the one longest ago, and the caller checks again */
	assert_int_equal(eth_rpc_provider_stats(&stats, stand.rpc, 2), -EINVAL);
	assert_int_equal(stand.log_lines, 2);
	fake_stand_close(&stand);
}

static void another_chain_is_an_untruth(void **state)
{
	struct eth_rpc_provider_stats stats;
	struct fake_stand stand;
	uint64_t number = 0;
	unsigned provider;

	(void)state;
	fake_stand_open(&stand, 2);
	fake_stand_set(&stand, 0, OTHER_CHAIN, "0x1");
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(&stand, "eth_blockNumber", &number, &provider, 3000), 0);
	assert_int_equal(number, 0xb);
	assert_int_equal(stand.nodes[0].shared->requests, 1);
	assert_int_equal(eth_rpc_provider_stats(&stats, stand.rpc, 0), 0);
	assert_int_equal(stats.state, ETH_RPC_PROVIDER_DISTRUSTED);
	fake_stand_close(&stand);
}

struct seen {
	unsigned provider;
	bool done;
	int err;
};

static struct eth_rpc *seen_rpc;

static void on_seen(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct seen *seen = arg;

	(void)results;
	(void)n;
	seen->provider = eth_rpc_provider(seen_rpc);
	seen->err = err;
	seen->done = true;
}

static void one_provider_can_be_asked_by_name(void **state)
{
	struct eth_rpc_answer *answer;
	struct eth_rpc_calls list;
	struct seen seen = {.provider = 9};
	struct fake_stand stand;

	(void)state;
	fake_stand_open(&stand, 3);
	seen_rpc = stand.rpc;
	eth_rpc_distrust(stand.rpc, 2, "whatever its state");
	eth_rpc_calls_init(&list);
	eth_rpc_add(&list, "eth_blockNumber", "[]");
	assert_int_equal(eth_rpc_batch_at(stand.rpc, 2, &list, 2000, on_seen, &seen), 0);
	assert_int_equal(eth_rpc_turn_until(stand.rpc, &seen.done), 0);
	assert_int_equal(seen.err, 0);
	assert_int_equal(seen.provider, 2);
	assert_int_equal(eth_rpc_batch_at(stand.rpc, 3, &list, 2000, on_seen, &seen), -EINVAL);
	fake_stand_set(&stand, 1, STATUS, "404");
	assert_int_equal(eth_rpc_wait_at(&answer, stand.rpc, 1, &list, 2000), -EIO); /* and nobody else */
	assert_null(answer);
	assert_int_equal(eth_rpc_wait_at(&answer, stand.rpc, 3, &list, 2000), -EINVAL);
	assert_int_equal(stand.nodes[0].shared->requests, 0);
	eth_rpc_calls_clear(&list);
	fake_stand_close(&stand);
}

static void load_goes_to_the_next_when_connections_are_full(void **state)
{
	const struct eth_rpc_call call = {.method = "eth_blockNumber", .params = "[]"};
	struct seen seen[120] = {{0}};
	struct fake_stand stand;
	unsigned of[2] = {0};

	(void)state;
	fake_stand_open(&stand, 2);
	seen_rpc = stand.rpc;
	for (int i = 0; i < 120; i++)
		assert_int_equal(eth_rpc_batch(stand.rpc, &call, 1, 5000, on_seen, &seen[i]), 0);
	for (int i = 0; i < 120; i++) {
		assert_int_equal(eth_rpc_turn_until(stand.rpc, &seen[i].done), 0);
		assert_int_equal(seen[i].err, 0);
		of[seen[i].provider]++;
	}
	assert_true(of[0] > 0);
	assert_true(of[1] > 0);
	fake_stand_close(&stand);
}

static void lists_of_urls(void **state)
{
	static const struct {
		const char *urls;
		int err;
	} CASES[] = {
		{"http://a http://b", 0},
		{"  http://a\thttp://b  ", 0},
		{"", -EINVAL},
		{" ", -EINVAL},
		{"http://a ftp://b", -EINVAL},
		{"http://a,http://b", -EINVAL},
		{"http://1 http://2 http://3 http://4 http://5 http://6 http://7 http://8 http://9 http://10 http://11 "
		 "http://12 "
		 "http://13 http://14 http://15 http://16",
		 0},
		{"http://1 http://2 http://3 http://4 http://5 http://6 http://7 http://8 http://9 http://10 http://11 "
		 "http://12 "
		 "http://13 http://14 http://15 http://16 http://17",
		 -EINVAL},
	};
	struct event_base *base = event_base_new();

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		const struct eth_rpc_config config = {.url = CASES[i].urls};
		struct eth_rpc *rpc = NULL;
		int err = eth_rpc_new(&rpc, base, &config);

		if (err != CASES[i].err)
			fail_msg("'%s': %d", CASES[i].urls, err);
		eth_rpc_free(rpc);
	}
	event_base_free(base);
}

static void nul_bytes_in_a_message_do_no_harm(void **state)
{
	struct fake_stand stand;
	uint64_t number;
	unsigned provider;

	(void)state;
	fake_stand_open(&stand, 2);
	fake_stand_set(&stand, 0, NUL_MESSAGE, "");
	assert_int_equal(ask(&stand, "eth_blockNumber", &number, &provider, 3000), 0);
	assert_int_equal(provider, 1);
	fake_stand_close(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fault_of_one_is_made_good_by_another),
		cmocka_unit_test(the_same_fault_of_all_is_reported),
		cmocka_unit_test(who_is_not_there_is_passed_over),
		cmocka_unit_test(a_silent_one_costs_its_share_and_is_then_left_aside),
		cmocka_unit_test(retry_after_holds_one_provider_and_not_the_others),
		cmocka_unit_test(a_missing_block_is_asked_of_all),
		cmocka_unit_test(an_empty_result_is_a_result),
		cmocka_unit_test(a_limit_goes_back_with_its_hint),
		cmocka_unit_test(a_transaction_goes_elsewhere_only_if_it_was_not_sent),
		cmocka_unit_test(who_lied_is_set_aside_and_the_next_asked),
		cmocka_unit_test(another_chain_is_an_untruth),
		cmocka_unit_test(one_provider_can_be_asked_by_name),
		cmocka_unit_test(load_goes_to_the_next_when_connections_are_full),
		cmocka_unit_test(lists_of_urls),
		cmocka_unit_test(nul_bytes_in_a_message_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
