/* Stored proofs at /v1/agents/{id}/proof: what the index kept is the answer where no node can give one. The default chain's node in
 * this rig answers nothing; the bodies are not proofs, because the route hands on what was verified before it was stored. */
#include "tests/gateway/routes/index_rig.h"
#include "tests/sql/fixture.h"
#include "tests/sql/index_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rig_reply reply;

static int open_rig(void **state)
{
	static struct index_rig rig;

	index_rig_open(&rig);
	(void)fixture_sql(rig.conninfo, "INSERT INTO agent_proof (registry, agent_id, chain_id, number, body) VALUES "
					"(1, decode(repeat('00', 32), 'hex'), 31337, 12, 'proof of 12'),"
					"(1, decode(repeat('00', 32), 'hex'), 31337, 33, 'proof of 33')");
	*state = &rig;
	return 0;
}

static int close_rig(void **state)
{
	index_rig_close(*state);
	return 0;
}

static void what_was_kept_is_given(void **state)
{
	static const struct {
		const char *at;
		unsigned status;
		const char *body;
		bool immutable;
	} cases[] = {
		{"12", 200, "proof of 12", true},  /* that very block, and final */
		{"33", 200, "proof of 33", false}, /* safe only */
		{"15", 200, "proof of 12", false}, /* in force since 12, by the index's word */
		{"19", 200, "proof of 12", false},
		{"20", 503, "cannot be read", false}, /* changed in 20, of which there is none */
		{"32", 503, "cannot be read", false},
		{"34", 200, "proof of 33", false},
		{"35", 200, "proof of 33", false},
		{"36", 503, "cannot be read", false},
		{"11", 503, "cannot be read", false}, /* before the first */
		{"41", 503, "cannot be read", false}, /* beyond the index: it may have changed */
		{"safe", 200, "proof of 33", false},  /* 34 */
		{"finalized", 503, "cannot be read", false},
		{"latest", 503, "cannot be read", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char target[64];

		snprintf(target, sizeof(target), "/v1/agents/0/proof?at=%s", cases[i].at);
		index_rig_get(*state, &reply, target, NULL);
		if (rig_status(&reply) != cases[i].status || !strstr(rig_body(&reply), cases[i].body))
			fail_msg("%s: %u %s", target, rig_status(&reply), rig_body(&reply));
		assert_int_equal(rig_has(&reply, "immutable"), cases[i].immutable);
	}
	/* another agent has none */
	index_rig_get(*state, &reply, "/v1/agents/1/proof?at=33", NULL);
	assert_int_equal(rig_status(&reply), 503);
}

/* The chain's heads may be ahead of an index that stands still, whose block at that number may have been left behind. */
static void the_index_says_what_is_final(void **state)
{
	index_rig_heads(*state, 40, 36, 34);
	index_rig_get(*state, &reply, "/v1/agents/0/proof?at=33", NULL);
	assert_int_equal(rig_status(&reply), 200);
	assert_false(rig_has(&reply, "immutable"));
	index_rig_get(*state, &reply, "/v1/agents/0/proof?at=12", NULL);
	assert_true(rig_has(&reply, "immutable"));
	index_rig_heads(*state, 40, 34, 30);
}

/* A registry that came later, or back, may have changes between what is stored of it and what is complete; under an alarm the
 * stored block itself may be of another chain. */
static void the_index_must_know_that_nothing_changed(void **state)
{
	const struct index_rig *rig = *state;

	(void)fixture_sql(rig->conninfo, "UPDATE registry SET indexed = 14");
	index_rig_get(*state, &reply, "/v1/agents/0/proof?at=14", NULL);
	assert_int_equal(rig_status(&reply), 200);
	index_rig_get(*state, &reply, "/v1/agents/0/proof?at=15", NULL);
	assert_int_equal(rig_status(&reply), 503);
	(void)fixture_sql(rig->conninfo, "UPDATE registry SET indexed = 30; UPDATE chain_index SET alarm = true");
	index_rig_get(*state, &reply, "/v1/agents/0/proof?at=12", NULL);
	assert_int_equal(rig_status(&reply), 503);
	(void)fixture_sql(rig->conninfo, "UPDATE chain_index SET alarm = false");
	index_rig_get(*state, &reply, "/v1/agents/0/proof?at=15", NULL);
	assert_int_equal(rig_status(&reply), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_kept_is_given), cmocka_unit_test(the_index_says_what_is_final),
					   cmocka_unit_test(the_index_must_know_that_nothing_changed)};

	return cmocka_run_group_tests(tests, open_rig, close_rig);
}
