/* What the follow duty makes of a new look at the heads. */
#include "gateway/steward/follow.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct heads_set heads(uint64_t latest, uint64_t safe, uint64_t finalized, uint8_t fork)
{
	return (struct heads_set){
		.latest = {.number = latest, .hash = {{(uint8_t)latest, fork}}},
		.safe = {.number = safe, .hash = {{(uint8_t)safe}}},
		.finalized = {.number = finalized, .hash = {{(uint8_t)finalized}}},
	};
}

static void news_reorganisations_and_sameness_are_told_apart(void **state)
{
	const struct {
		struct heads_set now;
		enum follow_verdict verdict;
	} steps[] = {
		{heads(10, 8, 6, 0), FOLLOW_NEW},   {heads(10, 8, 6, 0), FOLLOW_SAME},
		{heads(11, 8, 6, 0), FOLLOW_NEW},   {heads(11, 9, 7, 0), FOLLOW_NEW},
		{heads(11, 9, 7, 1), FOLLOW_REORG}, {heads(10, 9, 7, 1), FOLLOW_REORG},
		{heads(12, 8, 7, 1), FOLLOW_REORG}, {heads(12, 8, 7, 1), FOLLOW_SAME},
	};
	struct follow_state follow = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (follow_judge(&follow, &steps[i].now) != steps[i].verdict)
			fail_msg("step %zu", i);
}

static void finalized_backwards_is_held_back_until_it_stands(void **state)
{
	const struct heads_set good = heads(20, 18, 16, 0), back = heads(20, 18, 15, 0);
	struct heads_set replaced = good;
	struct follow_state follow = {0};

	(void)state;
	replaced.finalized.hash.bytes[31] = 1; /* the same number, another block */
	assert_int_equal(follow_judge(&follow, &good), FOLLOW_NEW);
	for (int i = 1; i < FOLLOW_ALARM_ROUNDS; i++)
		assert_int_equal(follow_judge(&follow, &back), FOLLOW_BACKWARDS);
	assert_int_equal(follow_judge(&follow, &good), FOLLOW_SAME); /* it passed, and the count starts anew */
	for (int i = 1; i < FOLLOW_ALARM_ROUNDS; i++)
		assert_int_equal(follow_judge(&follow, &replaced), FOLLOW_BACKWARDS);
	assert_int_equal(follow_judge(&follow, &replaced), FOLLOW_RESTARTED);
	assert_int_equal(follow_judge(&follow, &replaced), FOLLOW_SAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(news_reorganisations_and_sameness_are_told_apart),
		cmocka_unit_test(finalized_backwards_is_held_back_until_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
