/* What several providers say about the same, counted. */
#include "tests/eth/fake_providers.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define B1 "{\"number\":\"0x9\",\"hash\":\"0xAbCd\",\"size\":\"0x1\",\"uncles\":[]}"
#define B1_OTHER_WORDS                                                                                                 \
	"{\"hash\":\"0xabcd\",\"number\":\"0x9\",\"uncles\":[],\"totalDifficulty\":\"0x0\",\"extra\":null}"
#define B2 "{\"number\":\"0x9\",\"hash\":\"0xabce\",\"uncles\":[]}"
#define B_LESS "{\"number\":\"0x9\"}"
#define B_NONE "{}"

static const struct {
	const char *name;
	struct {
		enum fake_fault fault;
		const char *text;
	} nodes[3];
	unsigned need;
	int err;
	unsigned answered, agreed;
	uint32_t agreeing, dissenting;
} QUORA[] = {
	{"all alike", {{WELL, B1}, {WELL, B1}, {WELL, B1}}, 3, 0, 3, 3, 7, 0},
	{"in other words", {{WELL, B1}, {WELL, B1_OTHER_WORDS}, {WELL, B1}}, 3, 0, 3, 3, 7, 0},
	{"two of three", {{WELL, B2}, {WELL, B1}, {WELL, B1_OTHER_WORDS}}, 2, 0, 3, 2, 6, 1},
	{"one is down", {{STATUS, "404"}, {WELL, B1}, {WELL, B1}}, 2, 0, 2, 2, 6, 0},
	{"one is behind", {{WELL, B1}, {NULL_RESULT, ""}, {WELL, B1}}, 2, 0, 2, 2, 5, 0},
	{"disagree", {{WELL, B1}, {WELL, B2}, {STATUS, "404"}}, 2, -ENOTUNIQ, 2, 1, 1, 2},
	{"not enough alike", {{WELL, B1}, {WELL, B2}, {WELL, B1}}, 3, -ENOTUNIQ, 3, 2, 5, 2},
	{"what says less does not agree", {{WELL, B1}, {WELL, B_LESS}, {WELL, B_NONE}}, 2, -ENOTUNIQ, 3, 1, 1, 6},
	{"too few", {{STATUS, "404"}, {WELL, B1}, {HALF_JSON, ""}}, 2, -EIO, 1, 1, 2, 0},
	{"nobody", {{STATUS, "404"}, {STATUS, "404"}, {STATUS, "404"}}, 1, -EIO, 0, 0, 0, 0},
	{"another chain", {{OTHER_CHAIN, B1}, {OTHER_CHAIN, B1}, {WELL, B1}}, 2, -EIO, 1, 1, 4, 0},
	{"nobody knows the block",
	 {{NULL_RESULT, ""}, {NULL_RESULT, ""}, {CALL_ERROR, FAKE_UNKNOWN_BLOCK}},
	 1,
	 -EIO,
	 0,
	 0,
	 0,
	 0},
	{"one is enough", {{WELL, B1}, {WELL, B2}, {WELL, B2}}, 1, 0, 3, 2, 6, 1},
};

static void a_quorum_counts_who_says_the_same(void **state)
{
	struct eth_rpc_at at = eth_rpc_at_tag(ETH_RPC_FINALIZED);

	(void)state;
	for (size_t i = 0; i < sizeof(QUORA) / sizeof(QUORA[0]); i++) {
		struct eth_rpc_quorum quorum;
		struct eth_rpc_answer *answer;
		struct eth_rpc_calls list;
		struct fake_stand stand;
		int err;

		fake_stand_open(&stand, 3);
		for (unsigned j = 0; j < 3; j++)
			fake_stand_set(&stand, j, QUORA[i].nodes[j].fault, QUORA[i].nodes[j].text);
		eth_rpc_calls_init(&list);
		eth_rpc_add_block(&list, &at);
		err = eth_rpc_quorum_wait(&answer, &quorum, stand.rpc, &list, QUORA[i].need, 3000);
		if (err != QUORA[i].err || quorum.asked != 3 || quorum.answered != QUORA[i].answered ||
		    quorum.agreed != QUORA[i].agreed || quorum.agreeing != QUORA[i].agreeing ||
		    quorum.dissenting != QUORA[i].dissenting)
			fail_msg("%s: %d, answered %u, agreed %u (%x), dissenting %x", QUORA[i].name, err,
				 quorum.answered, quorum.agreed, quorum.agreeing, quorum.dissenting);
		assert_true((err == 0) == (answer != NULL));
		if (err == 0) {
			assert_ptr_equal(quorum.results, answer->results);
			assert_true((quorum.agreeing >> answer->provider & 1) != 0);
			assert_true(json_is_object(quorum.results[0].value));
		}
		eth_rpc_answer_free(answer);
		eth_rpc_calls_clear(&list);
		fake_stand_close(&stand);
	}
}

static void a_quorum_does_not_wait_for_the_silent(void **state)
{
	struct eth_rpc_quorum quorum;
	struct eth_rpc_answer *answer;
	struct eth_rpc_calls list;
	struct fake_stand stand;
	int64_t began;

	(void)state;
	fake_stand_open(&stand, 3);
	fake_stand_set(&stand, 0, SILENT, "");
	fake_stand_set(&stand, 1, WELL, "0x63");
	fake_stand_set(&stand, 2, WELL, "0x63");
	eth_rpc_calls_init(&list);
	eth_rpc_add(&list, "eth_blockNumber", "[]");
	began = fake_now_ms();
	assert_int_equal(eth_rpc_quorum_wait(&answer, &quorum, stand.rpc, &list, 2, 5000), 0);
	assert_in_range(fake_now_ms() - began, 200, 1500);
	assert_int_equal(quorum.agreeing, 6);
	eth_rpc_answer_free(answer);
	began = fake_now_ms();
	assert_int_equal(eth_rpc_quorum_wait(&answer, &quorum, stand.rpc, &list, 3, 600), -EIO);
	assert_in_range(fake_now_ms() - began, 500, 1500);
	assert_int_equal(quorum.agreed, 2);
	eth_rpc_calls_clear(&list);
	fake_stand_close(&stand);
}

struct seen {
	bool done;
	int err;
};

static void on_quorum(void *arg, int err, const struct eth_rpc_quorum *quorum)
{
	struct seen *seen = arg;

	assert_null(quorum->results);
	seen->err = err;
	seen->done = true;
}

static void a_quorum_refuses_what_it_cannot_do_and_ends_with_its_client(void **state)
{
	struct eth_rpc_calls list, sending;
	struct seen seen = {0};
	struct fake_stand stand;

	(void)state;
	fake_stand_open(&stand, 2);
	fake_stand_set(&stand, 0, SILENT, "");
	fake_stand_set(&stand, 1, SILENT, "");
	eth_rpc_calls_init(&list);
	eth_rpc_calls_init(&sending);
	eth_rpc_add(&list, "eth_blockNumber", "[]");
	eth_rpc_add_send_raw(&sending, (const uint8_t *)"\x02", 1);
	assert_int_equal(eth_rpc_quorum(stand.rpc, &list, 0, 1000, on_quorum, &seen), -EINVAL);
	assert_int_equal(eth_rpc_quorum(stand.rpc, &list, 3, 1000, on_quorum, &seen), -EINVAL);
	assert_int_equal(eth_rpc_quorum(stand.rpc, &list, 2, 0, on_quorum, &seen), -EINVAL);
	assert_int_equal(eth_rpc_quorum(stand.rpc, &sending, 2, 1000, on_quorum, &seen), -EINVAL);
	assert_false(seen.done);
	assert_int_equal(eth_rpc_quorum(stand.rpc, &list, 2, 5000, on_quorum, &seen), 0);
	for (int i = 0; i < 20; i++) {
		(void)event_base_loop(stand.base, EVLOOP_NONBLOCK);
		(void)usleep(1000);
	}
	assert_false(seen.done);
	fake_stand_close(&stand);
	assert_true(seen.done);
	assert_int_equal(seen.err, -ECANCELED);
	eth_rpc_calls_clear(&list);
	eth_rpc_calls_clear(&sending);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quorum_counts_who_says_the_same),
		cmocka_unit_test(a_quorum_does_not_wait_for_the_silent),
		cmocka_unit_test(a_quorum_refuses_what_it_cannot_do_and_ends_with_its_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
