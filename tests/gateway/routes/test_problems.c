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

/* Two registries of the default chain, one of another. */
static void serve_three(struct service *service)
{
	*service = (struct service){.nregistries = 3, .defaults = {.chain = 31337, .registry = {{0x80, 0x04}}}};
	service->registries[0].key = (struct agent_key){.chain = 31337, .registry = {{0x80, 0x04}}};
	service->registries[1].key = (struct agent_key){.chain = 31337, .registry = {{0x55}}};
	service->registries[2].key = (struct agent_key){.chain = 10, .registry = {{0x66}}};
}

static void agent_ids_of_paths(void **state)
{
	static const char *const refused[] = {
		"", "x", "-1", "01", "31337:", ":1", "31337:01", "31337:1:2", "1/2", "0x1", "031337:1", "+10:1", "31337::1", ":::",
		"31337:0x8004000000000000000000000000000000000000:", "31337:0x8004:1", "0x8004000000000000000000000000000000000000:1",
		"31337:8004000000000000000000000000000000000000:1", "10:0x6600000000000000000000000000000000000000:1:1",
		"18446744073709551616:1", "115792089237316195423570985008687907853269984665640564039457584007913129639936"};
	static const char *const elsewhere[] = {"8453:42", "10:0x8004000000000000000000000000000000000000:1",
						"31337:0x6600000000000000000000000000000000000000:1"};
	const struct service_registry *registry;
	struct service service;
	struct agent_key key;

	(void)state;
	serve_three(&service);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (service_agent_id(&key, &registry, &service, refused[i]) != -EBADMSG)
			fail_msg("%s is taken", refused[i]);
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if (service_agent_id(&key, &registry, &service, elsewhere[i]) != -ENOENT)
			fail_msg("%s is served", elsewhere[i]);
	assert_int_equal(service_agent_id(&key, NULL, &service, "0"), 0);
	assert_int_equal(service_agent_id(&key, &registry, &service, "31337:42"), 0);
	assert_int_equal(key.id.limb[0], 42);
	assert_ptr_equal(registry, &service.registries[0]);
	assert_int_equal(service_agent_id(&key, &registry, &service, "31337:0x5500000000000000000000000000000000000000:7"), 0);
	assert_ptr_equal(registry, &service.registries[1]);
	assert_int_equal(service_agent_id(&key, &registry, &service, "10:7"), 0);
	assert_ptr_equal(registry, &service.registries[2]);
	assert_int_equal(key.chain, 10);
	assert_int_equal(key.registry.bytes[0], 0x66);
}

/* The same registry address stands on many chains: another chain's agent must not be answered from this one. */
static void agents_of_elsewhere_are_not_served(void **state)
{
	struct service service;
	struct agent_key key;

	(void)state;
	serve_three(&service);
	key = service.registries[0].key;
	assert_true(service_serves(&service, &key));
	key.chain = 10;
	assert_false(service_serves(&service, &key));
	key = service.registries[0].key;
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
