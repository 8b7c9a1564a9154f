/* The choice of a provider with a clock of the test's own: nothing here waits. */
#include "eth/rpc_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { ALL = 0xffff, CONNECTIONS = 4 };

static const int64_t START = 5000000; /* far enough from 0 that nothing happened in the last hour */

static int choose(const struct eth_rpc_pool *pool, uint32_t among, int64_t now, int64_t *when)
{
	int64_t ignored;

	return eth_rpc_pool_choose(when != NULL ? when : &ignored, pool, among, now);
}

/* One request that took that long and ended so. */
static void ask(struct eth_rpc_pool *pool, unsigned provider, enum eth_rpc_pool_end end, int64_t now, int64_t took)
{
	eth_rpc_pool_start(pool, provider, now);
	eth_rpc_pool_end(pool, provider, end, now + took, took, 0);
}

static void the_order_of_the_configuration_decides_among_the_well(void **state)
{
	struct eth_rpc_pool pool;

	(void)state;
	eth_rpc_pool_init(&pool, 3, CONNECTIONS);
	assert_int_equal(choose(&pool, ALL, START, NULL), 0);
	assert_int_equal(choose(&pool, 6, START, NULL), 1);
	assert_int_equal(choose(&pool, 4, START, NULL), 2);
	assert_int_equal(choose(&pool, 0, START, NULL), -1);
	assert_int_equal(choose(&pool, 8, START, NULL), -1); /* no such provider */
	ask(&pool, 0, ETH_RPC_POOL_ANSWERED, START, 90);
	ask(&pool, 1, ETH_RPC_POOL_ANSWERED, START, 30);
	assert_int_equal(choose(&pool, ALL, START + 100, NULL), 0); /* not so much slower */
}

static void the_next_gets_what_the_connections_do_not_take(void **state)
{
	struct eth_rpc_pool pool;
	unsigned sent[2] = {0};
	int64_t when;

	(void)state;
	eth_rpc_pool_init(&pool, 2, CONNECTIONS);
	for (int i = 0; i < 8; i++) {
		int provider = choose(&pool, ALL, START, NULL);

		assert_in_range(provider, 0, 1);
		sent[provider]++;
		eth_rpc_pool_start(&pool, (unsigned)provider, START);
	}
	assert_int_equal(sent[0], 4);
	assert_int_equal(sent[1], 4);
	assert_int_equal(choose(&pool, ALL, START, &when), -1);
	assert_true(when == INT64_MAX); /* only an end changes it */
	eth_rpc_pool_end(&pool, 1, ETH_RPC_POOL_ABORTED, START, 5, 0);
	assert_int_equal(choose(&pool, ALL, START, &when), 1);
	assert_int_equal(pool.providers[1].latency_ms, 0); /* what was taken back says nothing */
}

static void a_failure_rests_longer_each_time_and_an_answer_ends_it(void **state)
{
	static const int64_t RESTS[] = {100, 150, 225, 337, 505, 757, 1135, 1702, 2553, 3829, 5000, 5000};
	struct eth_rpc_pool pool;
	int64_t now = START;

	(void)state;
	eth_rpc_pool_init(&pool, 2, CONNECTIONS);
	for (size_t i = 0; i < sizeof(RESTS) / sizeof(RESTS[0]); i++) {
		ask(&pool, 0, ETH_RPC_POOL_FAILED, now, 0);
		assert_int_equal(pool.providers[0].in_a_row, i + 1);
		assert_int_equal(choose(&pool, ALL, now + RESTS[i] - 1, NULL), 1);
		assert_int_equal(choose(&pool, 1, now, NULL), 0); /* if there is no other, it is asked all the same */
		assert_int_equal(choose(&pool, ALL, now + RESTS[i], NULL), 0);
		now += RESTS[i];
	}
	ask(&pool, 0, ETH_RPC_POOL_ANSWERED, now, 10);
	assert_int_equal(pool.providers[0].in_a_row, 0);
	ask(&pool, 0, ETH_RPC_POOL_FAILED, now + 10, 0);
	assert_int_equal(choose(&pool, ALL, now + 109, NULL), 1);
	assert_int_equal(choose(&pool, ALL, now + 110, NULL), 0);
}

static void many_that_fail_together_are_one_failure(void **state)
{
	struct eth_rpc_pool pool;

	(void)state;
	eth_rpc_pool_init(&pool, 2, CONNECTIONS);
	for (int i = 0; i < 4; i++)
		eth_rpc_pool_start(&pool, 0, START);
	for (int i = 0; i < 4; i++)
		eth_rpc_pool_end(&pool, 0, ETH_RPC_POOL_FAILED, START + i, 0, 0);
	assert_int_equal(pool.providers[0].in_a_row, 1);
	assert_int_equal(pool.providers[0].busy, 0);
	assert_int_equal(choose(&pool, ALL, START + 100, NULL), 0);
}

static void retry_after_is_a_closed_door_and_bounded(void **state)
{
	struct eth_rpc_pool pool;
	int64_t when;

	(void)state;
	eth_rpc_pool_init(&pool, 1, CONNECTIONS);
	eth_rpc_pool_start(&pool, 0, START);
	eth_rpc_pool_end(&pool, 0, ETH_RPC_POOL_FAILED, START, 0, 2000);
	assert_int_equal(choose(&pool, ALL, START + 1999, &when), -1);
	assert_true(when == START + 2000);
	assert_int_equal(eth_rpc_pool_open(&pool, ALL, START + 2000), 0);
	assert_int_equal(eth_rpc_pool_open(&pool, ALL, START + 2001), 1);
	assert_int_equal(choose(&pool, ALL, START + 2000, &when), 0);
	eth_rpc_pool_start(&pool, 0, START + 2000);
	eth_rpc_pool_end(&pool, 0, ETH_RPC_POOL_LIMITED, START + 2000, 0, 999999999);
	assert_int_equal(choose(&pool, ALL, START + 2001, &when), -1);
	assert_true(when == START + 2000 + 30000);
}

/* Sends as fast as it may for a second; how many that were. */
static unsigned one_second(struct eth_rpc_pool *pool, int64_t *now, enum eth_rpc_pool_end end)
{
	int64_t until = *now + 1000, when;
	unsigned sent = 0;

	while (*now < until) {
		int provider = choose(pool, ALL, *now, &when);

		if (provider >= 0) {
			ask(pool, (unsigned)provider, end, *now, 0);
			sent++;
			*now += 1; /* a provider that answers within a millisecond */
		} else {
			assert_true(when > *now && when != INT64_MAX);
			*now = when;
		}
	}
	return sent;
}

static void a_rate_is_learned_from_refusals_and_forgotten_by_answers(void **state)
{
	struct eth_rpc_pool pool;
	int64_t now = START;
	unsigned seconds = 0, before = 0, sent;

	(void)state;
	eth_rpc_pool_init(&pool, 1, CONNECTIONS);
	assert_int_equal(one_second(&pool, &now, ETH_RPC_POOL_ANSWERED), 1000); /* no limit met, none kept */
	for (int i = 0; i < 100; i++)
		ask(&pool, 0, ETH_RPC_POOL_ANSWERED, now + i * 10, 0);
	now += 1000;
	ask(&pool, 0, ETH_RPC_POOL_LIMITED, now, 0);
	assert_in_range(pool.providers[0].rate, 75 * 1000 * 9 / 10, 500 * 1000); /* 3/4 of what was sent in a second */
	pool.providers[0].rate = 40 * 1000;
	now += 100;
	sent = one_second(&pool, &now, ETH_RPC_POOL_ANSWERED);
	assert_in_range(sent, 36, 48); /* with what was saved up before */
	assert_in_range(pool.providers[0].rate, 40 * 1000, 43 * 1000);
	while (pool.providers[0].rate != 0 && seconds++ < 100) {
		before = pool.providers[0].rate;
		(void)one_second(&pool, &now, ETH_RPC_POOL_ANSWERED);
		assert_true(pool.providers[0].rate == 0 || pool.providers[0].rate <= before + before / 8);
	}
	assert_in_range(seconds, 30, 80); /* 5 % a second from 40 to 500 are 52 seconds */
}

static void each_refusal_takes_a_twentieth_down_to_three_a_second(void **state)
{
	struct eth_rpc_pool pool;
	int64_t now = START;

	(void)state;
	eth_rpc_pool_init(&pool, 1, CONNECTIONS);
	pool.providers[0].rate = 100 * 1000;
	ask(&pool, 0, ETH_RPC_POOL_LIMITED, now, 0);
	assert_int_equal(pool.providers[0].rate, 95 * 1000);
	ask(&pool, 0, ETH_RPC_POOL_LIMITED, now + 50, 0); /* sent before the first was known: the same refusal */
	assert_int_equal(pool.providers[0].rate, 95 * 1000);
	for (int i = 0; i < 200; i++) {
		now += 6000;
		ask(&pool, 0, ETH_RPC_POOL_LIMITED, now, 0);
	}
	assert_int_equal(pool.providers[0].rate, 3000);
	now += 10000;
	assert_in_range(one_second(&pool, &now, ETH_RPC_POOL_ABORTED), 3, 6);
	assert_in_range(one_second(&pool, &now, ETH_RPC_POOL_ABORTED), 2, 4);
}

static void much_slower_goes_behind_and_is_tried_again_later(void **state)
{
	struct eth_rpc_pool pool;

	(void)state;
	eth_rpc_pool_init(&pool, 2, CONNECTIONS);
	ask(&pool, 0, ETH_RPC_POOL_ANSWERED, START, 3000);
	assert_int_equal(choose(&pool, ALL, START + 3000, NULL), 0); /* nothing to compare with */
	ask(&pool, 1, ETH_RPC_POOL_ANSWERED, START + 3000, 100);
	assert_int_equal(choose(&pool, ALL, START + 3100, NULL), 1);
	assert_int_equal(choose(&pool, 1, START + 3100, NULL), 0);
	for (int64_t at = 0; at < 150000; at += 1000) /* the fast one stays in use, the slow one is forgotten by half */
		ask(&pool, 1, ETH_RPC_POOL_ANSWERED, START + 4000 + at, 100);
	assert_int_equal(choose(&pool, ALL, START + 4000 + 150000, NULL), 0);
}

static void an_untruth_sets_aside_longer_each_time(void **state)
{
	static const int64_t ASIDE[] = {5000, 20000, 80000, 320000, 600000, 600000};
	struct eth_rpc_pool pool;
	int64_t now = START;

	(void)state;
	eth_rpc_pool_init(&pool, 2, CONNECTIONS);
	for (size_t i = 0; i < sizeof(ASIDE) / sizeof(ASIDE[0]); i++) {
		eth_rpc_pool_distrust(&pool, 0, now);
		eth_rpc_pool_distrust(&pool, 0, now + 1); /* two callers, the same untruth */
		assert_int_equal(choose(&pool, ALL, now + ASIDE[i] - 1, NULL), 1);
		assert_int_equal(choose(&pool, ALL, now + ASIDE[i], NULL), 0);
		now += ASIDE[i];
	}
	now += 3600002;
	eth_rpc_pool_distrust(&pool, 0, now); /* forgotten after an hour */
	assert_int_equal(choose(&pool, ALL, now + 5000, NULL), 0);
}

static void a_distrusted_one_is_asked_only_when_there_is_no_other(void **state)
{
	struct eth_rpc_pool pool;
	int64_t when;

	(void)state;
	eth_rpc_pool_init(&pool, 3, 1);
	eth_rpc_pool_distrust(&pool, 0, START);
	ask(&pool, 1, ETH_RPC_POOL_FAILED, START, 0);
	ask(&pool, 2, ETH_RPC_POOL_FAILED, START, 0);
	assert_int_equal(choose(&pool, ALL, START + 1, NULL), 1); /* better one that rests */
	eth_rpc_pool_start(&pool, 1, START + 1);
	eth_rpc_pool_start(&pool, 2, START + 1);
	assert_int_equal(choose(&pool, ALL, START + 2, &when), -1); /* better to wait for a connection */
	eth_rpc_pool_end(&pool, 1, ETH_RPC_POOL_ANSWERED, START + 3, 2, 0);
	eth_rpc_pool_end(&pool, 2, ETH_RPC_POOL_ANSWERED, START + 3, 2, 0);
	eth_rpc_pool_distrust(&pool, 2, START + 10);
	eth_rpc_pool_distrust(&pool, 1, START + 20);
	assert_int_equal(choose(&pool, ALL, START + 30, NULL), 0); /* all aside: longest ago */
	assert_int_equal(choose(&pool, 6, START + 30, NULL), 2);
	eth_rpc_pool_distrust(&pool, 0, START + 40); /* lied again */
	assert_int_equal(choose(&pool, ALL, START + 50, NULL), 2);
}

static void a_silent_provider_does_not_eat_the_deadline(void **state)
{
	static const struct {
		int64_t left;
		unsigned others;
		int64_t slice;
	} CASES[] = {{9000, 0, 9000}, {9000, 1, 4500}, {9000, 2, 3000}, {9000, 15, 3000}, {600, 2, 250},
		     {200, 2, 200},   {1, 0, 1},       {0, 0, 1},	{-5, 3, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
		assert_int_equal(eth_rpc_pool_slice(CASES[i].left, CASES[i].others), CASES[i].slice);
}

/* Whatever happens in whatever order: a choice is one of those asked for and has a free connection, no choice has a
 * reason, and nothing that was started is lost. */
static void whatever_happens_the_choice_is_sound(void **state)
{
	struct eth_rpc_pool pool;
	uint64_t seed = 1;
	int64_t now = START, when;
	unsigned none = 0;

	(void)state;
	eth_rpc_pool_init(&pool, 5, 3);
	for (int i = 0; i < 200000; i++) {
		uint32_t among;
		unsigned p;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		among = (uint32_t)(seed >> 33) & 31;
		p = (unsigned)(seed >> 50) % 5;
		now += (int64_t)(seed >> 60);
		if (pool.providers[p].busy > 0 && (seed >> 40 & 3) != 0)
			eth_rpc_pool_end(&pool, p, (enum eth_rpc_pool_end)(seed >> 44 & 3), now, (int64_t)(seed >> 55),
					 (seed >> 46 & 63) == 0 ? 300 : 0);
		if ((seed >> 25 & 1023) == 0)
			eth_rpc_pool_distrust(&pool, p, now);
		int provider = choose(&pool, among, now, &when);

		if (provider >= 0) {
			assert_true((among >> provider & 1) != 0);
			assert_true(pool.providers[provider].busy < 3);
			assert_true(pool.providers[provider].closed_ms <= now);
			eth_rpc_pool_start(&pool, (unsigned)provider, now);
		} else {
			none++;
			assert_true(when > now);
			assert_true(when == INT64_MAX || when <= now + 31000);
		}
	}
	assert_in_range(none, 100, 199900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_of_the_configuration_decides_among_the_well),
		cmocka_unit_test(the_next_gets_what_the_connections_do_not_take),
		cmocka_unit_test(a_failure_rests_longer_each_time_and_an_answer_ends_it),
		cmocka_unit_test(many_that_fail_together_are_one_failure),
		cmocka_unit_test(retry_after_is_a_closed_door_and_bounded),
		cmocka_unit_test(a_rate_is_learned_from_refusals_and_forgotten_by_answers),
		cmocka_unit_test(each_refusal_takes_a_twentieth_down_to_three_a_second),
		cmocka_unit_test(much_slower_goes_behind_and_is_tried_again_later),
		cmocka_unit_test(an_untruth_sets_aside_longer_each_time),
		cmocka_unit_test(a_distrusted_one_is_asked_only_when_there_is_no_other),
		cmocka_unit_test(a_silent_provider_does_not_eat_the_deadline),
		cmocka_unit_test(whatever_happens_the_choice_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
