/* Whether one block's logs are all there are: by what the contract logs together, and by another provider's word. */
#include "gateway/steward/index_internal.h"
#include "tests/eth/fake_node.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHAIN = 31337, BLOCK = 7 };

/* ---- the contract's ways ---- */

static struct index_registry registry = {.id = 1, .known = true, .looked = true};

static struct index_log log_of(enum registry_event_kind kind, uint32_t index, uint8_t agent)
{
	struct index_log log = {.registry = &registry, .number = BLOCK, .fold.log_index = index};

	log.fold.event.kind = kind;
	log.fold.event.has_agent = true;
	log.fold.event.agent[31] = agent;
	memset(log.fold.event.a.bytes, 0x11, 20);
	memset(log.fold.event.b.bytes, 0x22, 20);
	return log;
}

static struct index_log mint(uint32_t index, uint8_t agent)
{
	struct index_log log = log_of(REGISTRY_TRANSFER, index, agent);

	memset(log.fold.event.a.bytes, 0, 20);
	return log;
}

static struct index_log wallet(uint32_t index, uint8_t agent, bool cleared)
{
	static const uint8_t value[20] = {1};
	struct index_log log = log_of(REGISTRY_METADATA, index, agent);

	log.fold.event.key = (const uint8_t *)"agentWallet";
	log.fold.event.key_len = strlen("agentWallet");
	log.fold.event.value = value;
	log.fold.event.value_len = cleared ? 0 : sizeof(value);
	return log;
}

static const char *fault(const struct index_log *logs, size_t n)
{
	const struct index_registry *of = NULL;

	return index_logs_fault(&of, logs, n);
}

static void what_belongs_together_is_together(void **state)
{
	const struct index_log whole[] = {mint(2, 5), log_of(REGISTRY_REGISTERED, 4, 5), wallet(5, 5, false),
					  wallet(6, 3, true), log_of(REGISTRY_TRANSFER, 7, 3), wallet(9, 4, true),
					  log_of(REGISTRY_URI, 10, 4)};
	enum { N = sizeof(whole) / sizeof(whole[0]) };

	(void)state;
	assert_null(fault(whole, N));
	for (size_t gone = 0; gone < 4; gone++) { /* mint, Registered, its wallet, the clearing */
		struct index_log rest[N];
		size_t n = 0;

		for (size_t i = 0; i < N; i++)
			if (i != gone)
				rest[n++] = whole[i];
		assert_non_null(fault(rest, n));
	}
}

static void only_of_a_known_contract(void **state)
{
	struct index_log transfer = log_of(REGISTRY_TRANSFER, 7, 3);

	(void)state;
	assert_non_null(fault(&transfer, 1));
	registry.odd_until = BLOCK;
	assert_null(fault(&transfer, 1));
	registry.odd_until = 0;
	registry.known = false;
	assert_null(fault(&transfer, 1));
	registry.known = true;
}

static void neighbours_are_of_one_agent_and_transaction(void **state)
{
	struct index_log logs[] = {wallet(6, 3, true), log_of(REGISTRY_TRANSFER, 7, 3)};

	(void)state;
	assert_null(fault(logs, 2));
	logs[0].fold.event.agent[31] = 4;
	assert_non_null(fault(logs, 2));
	logs[0] = wallet(6, 3, true);
	logs[0].fold.tx[0] = 1;
	assert_non_null(fault(logs, 2));
	logs[0] = wallet(5, 3, true);
	assert_non_null(fault(logs, 2));
	logs[0] = wallet(6, 3, false);
	assert_non_null(fault(logs, 2));
}

/* ---- the others' word ---- */

/* mode: as many logs of the block are shown; NOT_KNOWN: not even the block is; CHANGED: two with another place of the second. */
enum { NOT_KNOWN = 100, CHANGED, FORGED };

static json_t *one_log(unsigned at, unsigned agent)
{
	char text[8], topic[67];

	(void)snprintf(text, sizeof(text), "0x%x", at);
	(void)snprintf(topic, sizeof(topic), "0x%064x", agent);
	return json_pack("{s:s,s:[s,s,s,s],s:s,s:s,s:s,s:s,s:s,s:b}", "address", "0x8080808080808080808080808080808080808080",
			 "topics", "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
			 "0x0000000000000000000000001111111111111111111111111111111111111111",
			 "0x0000000000000000000000002222222222222222222222222222222222222222", topic, "data", "0x",
			 "blockNumber", "0x7", "blockHash", "0x0700000000000000000000000000000000000000000000000000000000000000",
			 "transactionHash", "0x0100000000000000000000000000000000000000000000000000000000000000", "logIndex", text,
			 "removed", 0);
}

static json_t *reply(struct fake_shared *shared, const char *method, const json_t *params)
{
	unsigned mode = shared->mode, n = mode < NOT_KNOWN ? mode : 2;
	json_t *logs;

	(void)params;
	if (mode == NOT_KNOWN)
		return json_pack("{s:n}", "result");
	if (strcmp(method, "eth_getLogs") != 0)
		return json_pack("{s:{s:s,s:s,s:s,s:s}}", "result", "number", "0x7", "hash",
				 "0x0700000000000000000000000000000000000000000000000000000000000000", "parentHash",
				 "0x0600000000000000000000000000000000000000000000000000000000000000", "timestamp", "0x1");
	logs = json_array();
	for (unsigned i = 0; i < n; i++)
		(void)json_array_append_new(logs, one_log(mode == CHANGED && i == 1 ? 9 : i, mode == FORGED ? 77 : 5));
	return json_pack("{s:o}", "result", logs);
}

static void node(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)number;
	fake_answer(shared, fd, body, len, CHAIN, reply);
}

struct stand {
	struct fake_node nodes[3];
	struct config config;
	struct chains_chain chain;
	struct steward_context ctx;
	struct index_duty *duty;
	struct eth_rpc_logs logs; /* two */
	struct index_shown shown;
};

static struct eth_rpc_logs two_logs(void)
{
	json_t *logs = json_pack("[o,o]", one_log(0, 5), one_log(1, 5));
	struct eth_rpc_result result = {.outcome = ETH_RPC_OK, .value = logs};
	struct eth_rpc_logs out;

	assert_int_equal(eth_rpc_result_logs(&out, &result), 0);
	json_decref(logs);
	return out;
}

static void open_stand(struct stand *stand, unsigned n, unsigned quorum)
{
	struct eth_rpc_config config = {.url = stand->chain.urls, .chain_id = CHAIN};

	*stand = (struct stand){.config.rpc_quorum = quorum, .chain.id = CHAIN};
	for (unsigned i = 0; i < n; i++) {
		size_t used = strlen(stand->chain.urls);

		fake_node_start(&stand->nodes[i], node);
		stand->nodes[i].shared->mode = 2;
		(void)snprintf(stand->chain.urls + used, sizeof(stand->chain.urls) - used, "%s%s", i > 0 ? " " : "", stand->nodes[i].url);
	}
	stand->ctx.config = &stand->config;
	stand->ctx.chain = &stand->chain;
	stand->ctx.base = event_base_new();
	assert_int_equal(eth_rpc_new(&stand->ctx.rpc, stand->ctx.base, &config), 0);
	stand->duty = calloc(1, sizeof(*stand->duty));
	assert_non_null(stand->duty);
	stand->duty->ctx = &stand->ctx;
	stand->duty->nregistries = 1;
	stand->duty->registries[0] = registry;
	memset(stand->duty->registries[0].address.bytes, 0x80, 20);
	stand->logs = two_logs();
	stand->shown = (struct index_shown){.number = BLOCK, .block = {{7}}, .logs = &stand->logs};
}

static void close_stand(struct stand *stand, unsigned n)
{
	eth_rpc_logs_clear(&stand->logs);
	eth_rpc_free(stand->ctx.rpc);
	event_base_free(stand->ctx.base);
	for (unsigned i = 0; i < n; i++)
		fake_node_stop(&stand->nodes[i]);
	free(stand->duty);
}

static int agree(struct stand *stand)
{
	struct index_ask ask;

	index_ask_init(&ask, stand->duty, UINT32_MAX);
	return index_logs_agree(stand->duty, &stand->shown, &ask);
}

static enum eth_rpc_provider_state state_of(const struct stand *stand, unsigned provider)
{
	struct eth_rpc_provider_stats stats;

	assert_int_equal(eth_rpc_provider_stats(&stats, stand->ctx.rpc, provider), 0);
	return stats.state;
}

/* What the second one shows of two logs that the first showed, and who is set aside then. */
static void whoever_leaves_out_is_set_aside(void **state)
{
	static const struct {
		unsigned mode;
		int err;
		bool first, second;
	} cases[] = {
		{2, 0, false, false}, {3, -EAGAIN, true, false}, {1, 0, false, true},	  {0, 0, false, true},
		{CHANGED, 0, false, false},			  {FORGED, 0, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stand stand;

		open_stand(&stand, 2, 0);
		stand.nodes[1].shared->mode = cases[i].mode;
		assert_int_equal(agree(&stand), cases[i].err);
		assert_int_equal(stand.duty->contested, cases[i].mode >= CHANGED); /* a proof will say */
		assert_int_equal(state_of(&stand, 0) == ETH_RPC_PROVIDER_DISTRUSTED, cases[i].first);
		assert_int_equal(state_of(&stand, 1) == ETH_RPC_PROVIDER_DISTRUSTED, cases[i].second);
		close_stand(&stand, 2);
	}
}

static void silence_is_waited_for_and_then_told(void **state)
{
	struct stand stand;
	unsigned rounds = 0;

	(void)state;
	open_stand(&stand, 2, 0);
	stand.nodes[1].shared->mode = NOT_KNOWN;
	while (agree(&stand) == -EAGAIN)
		assert_true(++rounds < 10);
	assert_true(rounds >= 3);
	assert_int_equal(agree(&stand), 0); /* for a while nobody is asked */
	assert_int_equal(state_of(&stand, 1) == ETH_RPC_PROVIDER_DISTRUSTED, false);
	close_stand(&stand, 2);
}

static void a_quorum_is_not_replaced_by_one(void **state)
{
	struct stand stand;

	(void)state;
	open_stand(&stand, 3, 2);
	stand.nodes[1].shared->mode = NOT_KNOWN;
	assert_int_equal(agree(&stand), 0); /* the third says so too */
	stand.nodes[2].shared->mode = FORGED;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(agree(&stand), -EAGAIN);
	stand.nodes[2].shared->mode = 1;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(agree(&stand), -EAGAIN);
	close_stand(&stand, 3);
}

static void one_provider_has_no_second(void **state)
{
	struct stand stand;

	(void)state;
	open_stand(&stand, 1, 0);
	assert_int_equal(agree(&stand), 0);
	close_stand(&stand, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_belongs_together_is_together),
		cmocka_unit_test(only_of_a_known_contract),
		cmocka_unit_test(neighbours_are_of_one_agent_and_transaction),
		cmocka_unit_test(whoever_leaves_out_is_set_aside),
		cmocka_unit_test(silence_is_waited_for_and_then_told),
		cmocka_unit_test(a_quorum_is_not_replaced_by_one),
		cmocka_unit_test(one_provider_has_no_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
