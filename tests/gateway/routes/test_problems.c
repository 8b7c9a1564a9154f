/* Every refusal of the record has a documented problem type of the same status, so that no refusal falls back to another one. */
#include "gateway/http/problem.h"
#include "gateway/record/refusal.h"
#include "gateway/routes/service.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

/* worker.c owns these; the routes only need them to link */
struct pg_conn *service_reader(struct service *service)
{
	return service->readers[0];
}

static void each_refusal_has_its_type(void **state)
{
	(void)state;
	for (int code = REFUSAL_NONE + 1; code < REFUSAL_COUNT; code++) {
		const struct refusal_row *row = refusal_row((enum refusal_code)code);
		const struct http_problem_type *type = http_problem_find(row->type);

		if (!type)
			fail_msg("no problem type %s", row->type);
		if ((int)type->status != row->status)
			fail_msg("%s: status %u in the table of problems, %d in that of refusals", row->type, type->status, row->status);
	}
}

static void every_type_says_what_to_do(void **state)
{
	size_t count;
	const struct http_problem_type *types = http_problem_types(&count);

	(void)state;
	assert_true(count > 40);
	for (size_t i = 0; i < count; i++) {
		assert_true(strlen(types[i].title) > 0);
		assert_true(strlen(types[i].remedy) > 0);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(types[i].name, types[j].name);
	}
}

static void agent_ids_of_paths(void **state)
{
	static const char *const refused[] = {"", "x", "-1", "01", "31337:", ":1", "31337:01", "31337:1:2", "1/2", "0x1",
					      "115792089237316195423570985008687907853269984665640564039457584007913129639936"};
	struct service service = {.registry = {.chain = 31337}};
	struct agent_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_not_equal(service_agent_id(&key, &service, refused[i]), 0);
	assert_int_equal(service_agent_id(&key, &service, "0"), 0);
	assert_int_equal(service_agent_id(&key, &service, "31337:42"), 0);
	assert_int_equal(key.id.limb[0], 42);
	assert_int_equal(service_agent_id(&key, &service, "8453:42"), -ENOENT); /* that chain is not served */
}

/* The same registry address stands on many chains: another chain's agent must not be answered from this one. */
static void agents_of_elsewhere_are_not_served(void **state)
{
	struct service service = {.registry = {.chain = 31337, .registry = {{0x80, 0x04}}}};
	struct agent_key key = service.registry;

	(void)state;
	assert_true(service_serves(&service, &key));
	key.chain = 1;
	assert_false(service_serves(&service, &key));
	key = service.registry;
	key.registry.bytes[19] ^= 1;
	assert_false(service_serves(&service, &key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_refusal_has_its_type),
		cmocka_unit_test(every_type_says_what_to_do),
		cmocka_unit_test(agent_ids_of_paths),
		cmocka_unit_test(agents_of_elsewhere_are_not_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
