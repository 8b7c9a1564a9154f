/* States that wait to be proven: none is forgotten, and what is in them is what must be proven. */
#include "gateway/identity/registry.h"
#include "gateway/steward/index_internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BUSY = 1000 };

static void all_states_of_a_busy_hour_wait(void **state)
{
	struct index_duty *duty = calloc(1, sizeof(*duty));
	struct index_step step = {0};
	const struct eth_hash block = {{7}};

	(void)state;
	assert_non_null(duty);
	assert_false(index_proofs_wait(duty));
	duty->nregistries = 1;
	duty->registries[0] = (struct index_registry){.id = 1, .known = true};
	for (unsigned i = 0; i < BUSY; i++) {
		struct store_state one = {.registry = 1, .number = i, .uri = pg_bytes("u", 1)};

		one.agent_id[31] = (uint8_t)i;
		assert_int_equal(index_step_state(&step, &duty->registries[0], &one, &block), 0);
	}
	step.marks[3].read_by = 4;
	index_proofs_note(duty, &step);
	assert_true(index_proofs_wait(duty));
	assert_int_equal(duty->nproofs - duty->proofs_at, BUSY);
	for (unsigned i = 0; i < BUSY; i++)
		assert_int_equal(duty->proofs[duty->proofs_at + i].number, i);
	assert_int_equal(duty->proofs[duty->proofs_at + 3].by, 4);
	index_proofs_note(duty, &step);
	assert_int_equal(duty->nproofs - duty->proofs_at, 2 * BUSY);
	index_step_clear(&step);
	free(duty->proofs);
	free(duty);
}

/* Too long to read is an answer like any other: who is owner and wallet is compared all the same. */
static void a_uri_too_long_to_read_hides_nothing(void **state)
{
	struct multicall_state a = {.err = -EOVERFLOW, .exists = true}, b = a, c = {.exists = true};

	(void)state;
	assert_true(index_same_state(&a, &b));
	b.owner.bytes[0] = 1;
	assert_false(index_same_state(&a, &b));
	b = a;
	b.wallet.bytes[0] = 1;
	assert_false(index_same_state(&a, &b));
	assert_false(index_same_state(&a, &c));
	assert_false(index_same_state(&c, &a));
	c.exists = false;
	assert_false(index_same_state(&a, &c));
}

static void a_long_uri_is_known_by_its_name(void **state)
{
	static uint8_t text[REGISTRY_URI_MAX + 1];
	const struct pg_bytes other = pg_bytes("urn:kedge:long-uri:70000", 24);
	struct index_step step = {0};
	struct pg_bytes uri;

	(void)state;
	assert_int_equal(index_step_uri(&uri, &step, text, sizeof(text)), 0);
	assert_true(index_names_long_uri(&uri));
	assert_int_equal(index_step_uri(&uri, &step, text, sizeof(text) - 1), 0);
	assert_false(index_names_long_uri(&uri));
	assert_false(index_names_long_uri(&other));
	index_step_clear(&step);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_states_of_a_busy_hour_wait),
		cmocka_unit_test(a_uri_too_long_to_read_hides_nothing),
		cmocka_unit_test(a_long_uri_is_known_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
