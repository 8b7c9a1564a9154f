/* A block that nothing links to what is known, and a header that cannot be hashed: the others' word. */
#include "gateway/steward/index_internal.h"
#include "tests/eth/fake_node.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHAIN = 31337 };

/* mode: what a node's block 7 is. ODD: its header does not hash to its hash, and has a member nobody knows. */
enum { WHOLE, ODD, ODD_LATER, BROKEN, ANOTHER, UNKNOWN };

static json_t *header(unsigned mode)
{
	char zero32[67], bloom[515];
	json_t *out;

	(void)snprintf(zero32, sizeof(zero32), "0x%064d", 0);
	(void)snprintf(bloom, sizeof(bloom), "0x%0512d", 0);
	out = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "parentHash", zero32, "sha3Uncles", zero32,
			"miner", "0x0000000000000000000000000000000000000000", "stateRoot", zero32, "transactionsRoot", zero32,
			"receiptsRoot", zero32, "logsBloom", bloom, "difficulty", "0x0", "number", "0x7", "gasLimit", "0x1",
			"gasUsed", "0x0", "timestamp", mode == ODD_LATER ? "0x65" : "0x64", "extraData", mode == ANOTHER ? "0x01" : "0x",
			"mixHash", zero32, "nonce", "0x0000000000000000");
	assert_non_null(out);
	return out;
}

/* The hash that a header has, found by asking for it with a wrong one. */
static void hash_of(char text[static 67], unsigned mode)
{
	struct eth_rpc_header *made = calloc(1, sizeof(*made));
	json_t *object = header(mode);
	struct eth_rpc_result result = {.outcome = ETH_RPC_OK, .value = object};
	struct eth_hash hash;

	(void)json_object_set_new(object, "hash", json_string("0x0000000000000000000000000000000000000000000000000000000000000000"));
	assert_int_equal(eth_rpc_result_header(made, &result), -EKEYREJECTED);
	keccak256(&hash, made->rlp, made->rlp_len);
	for (size_t i = 0; i < 32; i++)
		(void)snprintf(text + 2 + 2 * i, 3, "%02x", hash.bytes[i]);
	memcpy(text, "0x", 2);
	json_decref(object);
	free(made);
}

static json_t *block(unsigned mode)
{
	json_t *out = header(mode == BROKEN ? ANOTHER : mode);
	char hash[67];

	hash_of(hash, mode == ANOTHER ? ANOTHER : WHOLE);
	if (mode == ODD || mode == ODD_LATER) {
		(void)json_object_set_new(out, "extraData", json_string("0x02"));
		(void)json_object_set_new(out, "foo", json_string("0x1"));
	}
	(void)json_object_set_new(out, "hash", json_string(hash));
	return out;
}

static json_t *reply(struct fake_shared *shared, const char *method, const json_t *params)
{
	(void)method;
	(void)params;
	return shared->mode == UNKNOWN ? json_pack("{s:n}", "result") : json_pack("{s:o}", "result", block(shared->mode));
}

static void node(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)number;
	fake_answer(shared, fd, body, len, CHAIN, reply);
}

struct stand {
	struct fake_node nodes[3];
	unsigned n;
	struct config config;
	struct chains_chain chain;
	struct steward_context ctx;
	struct index_duty *duty;
};

static void open_stand(struct stand *stand, unsigned n, unsigned quorum, const unsigned *modes)
{
	struct eth_rpc_config config = {.url = stand->chain.urls, .chain_id = CHAIN};

	*stand = (struct stand){.n = n, .config.rpc_quorum = quorum, .chain.id = CHAIN};
	for (unsigned i = 0; i < n; i++) {
		size_t used = strlen(stand->chain.urls);

		fake_node_start(&stand->nodes[i], node);
		stand->nodes[i].shared->mode = modes[i];
		(void)snprintf(stand->chain.urls + used, sizeof(stand->chain.urls) - used, "%s%s", i > 0 ? " " : "", stand->nodes[i].url);
	}
	stand->ctx.config = &stand->config;
	stand->ctx.chain = &stand->chain;
	stand->ctx.base = event_base_new();
	assert_int_equal(eth_rpc_new(&stand->ctx.rpc, stand->ctx.base, &config), 0);
	stand->duty = calloc(1, sizeof(*stand->duty));
	assert_non_null(stand->duty);
	stand->duty->ctx = &stand->ctx;
}

static void close_stand(struct stand *stand)
{
	eth_rpc_free(stand->ctx.rpc);
	event_base_free(stand->ctx.base);
	for (unsigned i = 0; i < stand->n; i++)
		fake_node_stop(&stand->nodes[i]);
	free(stand->duty);
}

/* What the first provider, of that mode, shows. */
static int take(struct index_header *out, unsigned mode)
{
	json_t *object = block(mode);
	struct eth_rpc_result result = {.outcome = ETH_RPC_OK, .value = object};
	int err = index_take_block(out, &result);

	json_decref(object);
	return err;
}

static bool is_set_aside(const struct stand *stand, unsigned provider)
{
	struct eth_rpc_provider_stats stats;

	assert_int_equal(eth_rpc_provider_stats(&stats, stand->ctx.rpc, provider), 0);
	return stats.state == ETH_RPC_PROVIDER_DISTRUSTED;
}

static void a_header_is_read_and_hashed(void **state)
{
	struct index_header *header = malloc(sizeof(*header));

	(void)state;
	assert_int_equal(take(header, WHOLE), 0);
	assert_true(header->hashed);
	assert_int_equal(header->block.time, 0x64);
	assert_int_equal(take(header, ODD), 0);
	assert_false(header->hashed);
	assert_int_equal(take(header, BROKEN), -EKEYREJECTED);
	free(header);
}

/* The first shows block 7 as `modes[0]`; the others are asked. */
static void the_others_decide(void **state)
{
	static const struct {
		unsigned n, quorum, modes[3];
		int err;
		bool aside[3];
	} cases[] = {
		{1, 0, {WHOLE}, 0, {0}},
		{2, 0, {WHOLE, WHOLE}, 0, {0}},
		{2, 0, {ANOTHER, WHOLE}, -EAGAIN, {true, false}},
		{3, 0, {WHOLE, ANOTHER, WHOLE}, 0, {false, true, false}},
		{3, 0, {WHOLE, BROKEN, WHOLE}, 0, {false, true, false}},
		{2, 0, {WHOLE, BROKEN}, -EAGAIN, {false, true}}, /* not yet: nobody else has a word on it */
		{2, 0, {WHOLE, ODD}, 0, {0}},
		{2, 0, {WHOLE, ODD_LATER}, -EAGAIN, {false, true}}, /* of a whole header's hash, with another time */
		{2, 0, {ODD, WHOLE}, -EAGAIN, {true, false}},
		{2, 0, {ODD, ODD}, 0, {0}},
		{2, 0, {ODD_LATER, ODD}, -EAGAIN, {true, false}},
		{3, 2, {WHOLE, UNKNOWN, WHOLE}, 0, {0}},
		{3, 3, {WHOLE, WHOLE, UNKNOWN}, -EAGAIN, {0}},
		{3, 3, {WHOLE, WHOLE, ANOTHER}, -EAGAIN, {true, false, false}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct index_header *header = malloc(sizeof(*header));
		struct stand stand;

		open_stand(&stand, cases[i].n, cases[i].quorum, cases[i].modes);
		assert_int_equal(take(header, cases[i].modes[0]), 0);
		assert_int_equal(index_blocks_agree(stand.duty, 0, &header->block, &header->hashed, 1), cases[i].err);
		for (unsigned k = 0; k < cases[i].n; k++)
			assert_int_equal(is_set_aside(&stand, k), cases[i].aside[k]);
		close_stand(&stand);
		free(header);
	}
}

/* One provider with a member nobody knows: believed after it said so for long, and told of. */
static void an_unknown_fork_is_not_one_answer(void **state)
{
	static const unsigned odd[] = {ODD, UNKNOWN}, both[] = {ODD, ODD};
	struct index_header *header = malloc(sizeof(*header));
	struct stand stand;
	unsigned rounds = 0;

	(void)state;
	assert_int_equal(take(header, ODD), 0);
	open_stand(&stand, 1, 0, odd);
	while (index_fork_agree(stand.duty, 0, &header->block) == -EAGAIN)
		assert_true(++rounds < 20);
	assert_true(rounds > 3);
	assert_true(stand.duty->fork);
	index_fork_over(stand.duty);
	assert_int_equal(index_fork_agree(stand.duty, 0, &header->block), -EAGAIN);
	close_stand(&stand);
	open_stand(&stand, 2, 0, both);
	assert_int_equal(index_fork_agree(stand.duty, 0, &header->block), 0);
	assert_true(stand.duty->fork);
	close_stand(&stand);
	open_stand(&stand, 2, 2, odd);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(index_fork_agree(stand.duty, 0, &header->block), -EAGAIN);
	assert_false(stand.duty->fork);
	close_stand(&stand);
	free(header);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_read_and_hashed),
		cmocka_unit_test(the_others_decide),
		cmocka_unit_test(an_unknown_fork_is_not_one_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
