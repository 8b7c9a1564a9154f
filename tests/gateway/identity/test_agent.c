/* Heads and agents read from a node. */
#include "gateway/identity/agent.h"
#include "tests/gateway/identity/fake_registry.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct fake_node node;
	struct event_base *base;
	struct eth_rpc *rpc;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct eth_rpc_config config = {.chain_id = FAKE_CHAIN};

	fake_node_start(&f->node, fake_registry);
	config.url = f->node.url;
	f->base = event_base_new();
	*state = f;
	return eth_rpc_new(&f->rpc, f->base, &config);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	eth_rpc_free(f->rpc);
	event_base_free(f->base);
	fake_node_stop(&f->node);
	free(f);
	return 0;
}

static void heads_come_in_one_batch(void **state)
{
	struct fixture *f = *state;
	struct heads_set set;

	assert_int_equal(heads_wait(&set, f->rpc, 2000), 0);
	assert_int_equal(set.latest.number, 30);
	assert_int_equal(set.latest.hash.bytes[0], 0xaa);
	assert_int_equal(set.safe.number, 20);
	assert_int_equal(set.finalized.time, 20);
	assert_int_equal(f->node.shared->requests, 1);
	f->node.shared->mode = FAKE_HEADS_CROSSED;
	assert_int_equal(heads_wait(&set, f->rpc, 2000), -EBADMSG);
	f->node.shared->mode = FAKE_DOWN;
	assert_int_equal(heads_wait(&set, f->rpc, 2000), -EIO);
}

static struct heads_block at(uint64_t number, uint8_t first, uint64_t time)
{
	return (struct heads_block){.number = number, .hash = {{first}}, .time = time};
}

static void heads_must_agree_with_each_other(void **state)
{
	const struct {
		struct heads_set set;
		int err;
	} cases[] = {
		{{at(3, 3, 3), at(2, 2, 2), at(1, 1, 1)}, 0},
		{{at(1, 1, 1), at(1, 1, 1), at(1, 1, 1)}, 0},
		{{at(3, 3, 3), at(2, 2, 3), at(1, 1, 3)}, 0},
		{{at(2, 2, 2), at(3, 3, 3), at(1, 1, 1)}, -EBADMSG},
		{{at(3, 3, 3), at(1, 1, 1), at(2, 2, 2)}, -EBADMSG},
		{{at(2, 3, 2), at(2, 2, 2), at(1, 1, 1)}, -EBADMSG},
		{{at(3, 2, 3), at(2, 2, 2), at(1, 1, 1)}, -EBADMSG},
		{{at(3, 3, 1), at(2, 2, 2), at(1, 1, 1)}, -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *why;

		assert_int_equal(heads_check(&why, &cases[i].set), cases[i].err);
		assert_true((why != NULL) == (cases[i].err != 0));
	}
}

static void heads_grow_old(void **state)
{
	const struct heads_set one = {at(1, 1, 1), at(1, 1, 1), at(1, 1, 1)},
			       two = {at(2, 2, 2), at(1, 1, 1), at(1, 1, 1)};
	const struct heads_set *got;
	struct heads heads = {0};

	(void)state;
	assert_int_equal(heads_get(&got, &heads, 1000), -EAGAIN);
	heads_update(&heads, &one, 0);
	assert_int_equal(heads_get(&got, &heads, 1000), 0);
	heads_update(&heads, &two, 500); /* an older confirmation, come late */
	assert_int_equal(heads_get(&got, &heads, 1000), 0);
	assert_int_equal(got->latest.number, 1);
	assert_int_equal(usleep(30000), 0);
	assert_int_equal(heads_get(&got, &heads, 20), -EAGAIN);
	heads_update(&heads, &two, 0);
	assert_int_equal(heads_get(&got, &heads, 20), 0);
	assert_int_equal(got->latest.number, 2);
	heads = (struct heads){0};
	heads_update(&heads, &two, 1001);
	assert_int_equal(heads_get(&got, &heads, 1000), -EAGAIN);
}

static void an_agent_is_read_at_the_hash_of_the_block_asked_for(void **state)
{
	struct fixture *f = *state;
	const struct eth_rpc_at safe = eth_rpc_at_tag(ETH_RPC_SAFE), number = eth_rpc_at_number(20);
	const struct eth_rpc_at beyond = eth_rpc_at_number(99), hash = eth_rpc_at_hash(&(struct eth_hash){{0xbb}});
	const struct eth_rpc_at gone = eth_rpc_at_hash(&(struct eth_hash){{0xdd}});
	const struct eth_rpc_at *const ways[] = {&safe, &number, &hash};
	struct agent_key key = fake_agent(0), nobody = fake_agent(7), no_code = key;
	struct agent_state agent;
	struct heads_block block;

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(agent_wait_at(&agent, &block, f->rpc, &key, ways[i], true, 2000), 0);
		assert_true(agent.exists);
		assert_int_equal(agent.owner.bytes[0], 0x11);
		assert_int_equal(agent.wallet.bytes[0], 0xbb);
		assert_string_equal(agent.uri, "foo");
		assert_int_equal(agent.uri_len, 3);
		assert_int_equal(block.number, 20);
		agent_state_clear(&agent);
	}
	assert_int_equal(agent_wait_at(&agent, &block, f->rpc, &nobody, &safe, true, 2000), 0);
	assert_false(agent.exists);
	assert_null(agent.uri);
	assert_int_equal(agent_wait_at(&agent, &block, f->rpc, &key, &beyond, false, 2000), -ENOENT);
	assert_int_equal(agent_wait_at(&agent, &block, f->rpc, &key, &gone, false, 2000), -ENOENT);
	memset(&no_code.registry, 0, sizeof(no_code.registry));
	assert_int_equal(agent_wait_at(&agent, &block, f->rpc, &no_code, &safe, false, 2000), -ENXIO);
	f->node.shared->mode = FAKE_UNKNOWN_BLOCK;
	assert_int_equal(agent_wait_at(&agent, &block, f->rpc, &key, &safe, false, 2000), -ESTALE);
	f->node.shared->mode = FAKE_DOWN;
	assert_int_equal(agent_wait_at(&agent, &block, f->rpc, &key, &safe, false, 2000), -EIO);
}

static void a_pair_is_one_batch(void **state)
{
	struct fixture *f = *state;
	const struct heads_set heads = {at(30, 0xcc, 30), at(20, 0xbb, 20), at(10, 0xdd, 10)};
	struct agent_key key = fake_agent(1);
	struct agent_pair pair;

	assert_int_equal(agent_wait_pair(&pair, f->rpc, &key, &heads, true, 2000), 0);
	assert_int_equal(f->node.shared->requests, 1);
	assert_int_equal(pair.safe.wallet.bytes[0], 0xbb);
	assert_true(address_is_zero(&pair.latest.wallet));
	assert_int_equal(pair.latest.owner.bytes[19], 1);
	assert_string_equal(pair.latest.uri, "foo");
	assert_int_equal(pair.latest_block.number, 30);
	agent_pair_clear(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(heads_come_in_one_batch, setup, teardown),
		cmocka_unit_test(heads_must_agree_with_each_other),
		cmocka_unit_test(heads_grow_old),
		cmocka_unit_test_setup_teardown(an_agent_is_read_at_the_hash_of_the_block_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(a_pair_is_one_batch, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
