/* The settings of registries and endpoints, taken apart; what cannot be read is refused by name, without credentials. */
#include "gateway/chains.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define A1 "0x8004a169fb4a3325136eb29fa0ceb6d2e539a432"
#define A2 "0x8004a818bfb912233c491871b3d84c89a494bd9e"

struct variable {
	const char *name, *value;
};

static void set(struct config *config, const struct variable *variables, size_t n)
{
	char *none[] = {NULL};
	struct config_error err;

	assert_int_equal(config_load(config, &err, NULL, none), 0);
	for (size_t i = 0; i < n && variables[i].name != NULL; i++)
		assert_int_equal(config_set(config, &err, variables[i].name, variables[i].value), 0);
}

static void the_defaults_are_one_registry_of_one_chain(void **state)
{
	struct config_error err;
	struct config config;
	struct chains chains;

	(void)state;
	set(&config, NULL, 0);
	assert_int_equal(chains_load(&chains, &err, &config), 0);
	assert_int_equal(chains.nchains, 1);
	assert_int_equal(chains.nregistries, 1);
	assert_string_equal(chains.chains[0].name, "eip155:8453");
	assert_string_equal(chains.chains[0].urls, "http://127.0.0.1:8545");
	assert_int_equal(chains.registries[0].chain_id, 8453);
	assert_int_equal(chains.registries[0].start, config.registry_start);
	assert_true(chains.has_multicall);
	assert_false(chains.has_reputation);
	assert_null(chains_find(&chains, 1));
	assert_null(chains_first(&chains, 1));
}

static void several_chains_with_several_endpoints(void **state)
{
	static const struct variable VARIABLES[] = {
		{"rpc_url", " https://a.example/key \t http://b.example:8545 "},
		{"rpc_quorum", "2"},
		{"registries", "84532:" A2 ":100 8453:" A2 ":7  84532:" A1 ":0"},
		{"rpc_others", "84532=https://c.example/?k=1 84532=http://d.example"},
		{"reputation", A2},
		{"multicall", ""},
		{"own_agents", "42  84532:7 84532:" A1 ":7"},
	};
	const struct u256 seven = u256_from_u64(7), eight = u256_from_u64(8);
	struct eth_address a1, a2;
	struct config_error err;
	struct config config;
	struct chains chains;

	(void)state;
	assert_int_equal(address_parse(&a1, A1, strlen(A1)), 0);
	assert_int_equal(address_parse(&a2, A2, strlen(A2)), 0);
	set(&config, VARIABLES, sizeof(VARIABLES) / sizeof(VARIABLES[0]));
	assert_int_equal(chains_load(&chains, &err, &config), 0);
	assert_int_equal(chains.nchains, 2);
	assert_string_equal(chains.chains[0].urls, "https://a.example/key http://b.example:8545");
	assert_string_equal(chains_find(&chains, 84532)->urls, "https://c.example/?k=1 http://d.example");
	assert_string_equal(chains_find(&chains, 84532)->name, "eip155:84532");
	assert_int_equal(chains.nregistries, 4);
	assert_ptr_equal(chains_first(&chains, 8453), &chains.registries[0]);
	assert_ptr_equal(chains_first(&chains, 84532), &chains.registries[1]);
	assert_ptr_equal(chains_registry(&chains, 8453, &a2), &chains.registries[2]);
	assert_ptr_equal(chains_registry(&chains, 84532, &a1), &chains.registries[3]);
	assert_null(chains_registry(&chains, 1, &a1));
	assert_int_equal(chains_registry(&chains, 84532, &a2)->start, 100);
	assert_true(chains.has_reputation);
	assert_false(chains.has_multicall);
	assert_int_equal(chains.nown, 3);
	assert_int_equal(chains.own[0].chain_id, 8453);
	assert_true(chains_owns(&chains, 84532, &a2, &seven));
	assert_true(chains_owns(&chains, 84532, &a1, &seven));
	assert_false(chains_owns(&chains, 84532, &a1, &eight));
	assert_false(chains_owns(&chains, 8453, &a1, &seven));
}

#define OTHER "registries", "5:" A1 ":0"
#define URL17                                                                                                          \
	"http://a http://b http://c http://d http://e http://f http://g http://h http://i http://j http://k http://l " \
	"http://m http://n http://o http://p http://q"

static const struct {
	struct variable variables[3];
	const char *says;
} REFUSALS[] = {
	{{{"rpc_url", ""}}, "rpc_url: no URL"},
	{{{"rpc_url", "http://a ws://secret@b/key"}}, "rpc_url: URL 2 ('ws...') does not begin with"},
	{{{"rpc_url", "secret"}}, "URL 1 ('...')"},
	{{{"rpc_url", "https://"}}, "URL 1 "},
	{{{"rpc_url", "http:///secret"}}, "URL 1 "},
	{{{"rpc_url", "http://:8545"}}, "URL 1 "},
	{{{"rpc_url", "http://secret http://secret"}}, "URL 2 stands there twice"},
	{{{"rpc_url", URL17}}, "URL 17 is one too many"},
	{{{"rpc_quorum", "2"}}, "rpc_quorum: 2 providers are to agree, but chain 8453 has 1 URLs"},
	{{{"registry", ""}}, "registry: '' is not an address"},
	{{{"registry", "0x8004A169fB4a3325136EB29fA0ceB6D2e539a432"}}, "registry: the checksum of"},
	{{{"multicall", "0x12"}}, "multicall: '0x12' is not an address"},
	{{{"reputation", "none"}}, "reputation: 'none' is not an address"},
	{{{"registries", A1}}, "is not CHAIN:0xADDRESS:START"},
	{{{"registries", "5"}}, "is not CHAIN:0xADDRESS:START"},
	{{{"registries", "5:"}}, "is not CHAIN:0xADDRESS:START"},
	{{{"registries", "5:" A1}}, "is not CHAIN:0xADDRESS:START"},
	{{{"registries", "5:" A1 ":"}}, "is not CHAIN:0xADDRESS:START"},
	{{{"registries", "5:" A1 ":1x"}}, "is not CHAIN:0xADDRESS:START"},
	{{{"registries", "5:" A1 ":01"}}, "is not CHAIN:0xADDRESS:START"},
	{{{"registries", "0:" A1 ":1"}}, "is not CHAIN:0xADDRESS:START"},
	{{{"registries", "05:" A1 ":1"}}, "is not CHAIN:0xADDRESS:START"},
	{{{"registries", "99999999999999999999:" A1 ":1"}}, "is not CHAIN:0xADDRESS:START"},
	{{{"registries", "5:0x12:1"}}, "registries: '0x12' is not an address"},
	{{{"registries", "8453:" A1 ":1"}}, "registries: a registry of chain 8453 stands there twice"},
	{{{"registries", "1:" A1 ":1 2:" A1 ":1 3:" A1 ":1 4:" A1 ":1 5:" A1 ":1 6:" A1 ":1 7:" A1 ":1 8:" A1 ":1"}},
	 "more than 16 registries or 8 chains"},
	{{{OTHER}}, "rpc_others: chain 5 has a registry but no URL"},
	{{{OTHER}, {"rpc_others", "5"}}, "rpc_others: item 1 is not CHAIN=URL"},
	{{{OTHER}, {"rpc_others", "5:http://secret"}}, "rpc_others: item 1 is not CHAIN=URL"},
	{{{OTHER}, {"rpc_others", "=http://secret"}}, "rpc_others: item 1 is not CHAIN=URL"},
	{{{OTHER}, {"rpc_others", "5="}}, "rpc_others: URL 1 "},
	{{{OTHER}, {"rpc_others", "5=http://a 6=http://secret"}}, "item 2 is of chain 6, of which no registry is served"},
	{{{OTHER}, {"rpc_others", "5=http://a 5=http://a"}}, "URL 2 stands there twice"},
	{{{"own_agents", "x"}}, "own_agents: 'x' is not an id"},
	{{{"own_agents", "042"}}, "own_agents: '042' is not an id"},
	{{{"own_agents", "42 :42"}}, "own_agents: ':42' is not an id"},
	{{{"own_agents", "8453:"}}, "own_agents: '8453:' is not an id"},
	{{{"own_agents", "8453x:42"}}, "is not an id, CHAIN:ID or CHAIN:0xREGISTRY:ID"},
	{{{"own_agents", "8453:0x12:42"}}, "own_agents: '0x12' is not an address"},
	{{{"own_agents", "8453:" A1 ":0:42"}}, "is not an address"},
	{{{"own_agents", "8453:" A2 ":42"}}, "own_agents: '8453:" A2 ":42' is of a registry that is not served"},
	{{{"own_agents", "5:42"}}, "own_agents: '5:42' is of a registry that is not served"},
	{{{"own_agents", "42 8453:42"}}, "own_agents: '8453:42' stands there twice"},
};

static void what_cannot_be_read_is_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(REFUSALS) / sizeof(REFUSALS[0]); i++) {
		struct config_error err = {{0}};
		struct config config;
		struct chains chains;

		set(&config, REFUSALS[i].variables, 3);
		if (chains_load(&chains, &err, &config) != -EINVAL || strstr(err.text, REFUSALS[i].says) == NULL ||
		    strstr(err.text, "secret") != NULL)
			fail_msg("case %zu (%s): %s", i, REFUSALS[i].says, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_one_registry_of_one_chain),
		cmocka_unit_test(several_chains_with_several_endpoints),
		cmocka_unit_test(what_cannot_be_read_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
