/* The authority cache: what is answered from memory, what is read, and that nothing old is ever given out. */
#include "gateway/identity/authority.h"
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
	struct heads heads;
	struct authority_cache *cache;
};

/* What a callback brought. */
struct got {
	unsigned times;
	int err;
	size_t n;
	struct authority verdicts[AUTHORITY_KEYS_MAX];
};

static struct got got, other;

static void on_verdicts(void *arg, int err, const struct authority *verdicts, size_t n)
{
	struct got *out = arg;

	out->times++;
	out->err = err;
	out->n = n;
	if (n > 0)
		memcpy(out->verdicts, verdicts, n * sizeof(*verdicts));
}

static void set_heads(struct fixture *f, uint8_t latest, uint8_t safe)
{
	const struct heads_set set = {.latest = {.number = 30, .hash = {{latest}}},
				      .safe = {.number = 20, .hash = {{safe}}}};

	heads_update(&f->heads, &set, 0);
}

static void open_cache(struct fixture *f, const struct authority_config *config)
{
	authority_free(f->cache);
	assert_int_equal(authority_new(&f->cache, f->rpc, &f->heads, config), 0);
	memset(&got, 0, sizeof(got));
	memset(&other, 0, sizeof(other));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct eth_rpc_config config = {.chain_id = FAKE_CHAIN};

	fake_node_start(&f->node, fake_registry);
	config.url = f->node.url;
	f->base = event_base_new();
	if (eth_rpc_new(&f->rpc, f->base, &config) != 0)
		return -1;
	open_cache(f, NULL);
	set_heads(f, 0xaa, 0xbb);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	authority_free(f->cache);
	eth_rpc_free(f->rpc);
	event_base_free(f->base);
	fake_node_stop(&f->node);
	free(f);
	return 0;
}

static void turn(struct fixture *f, const struct got *until)
{
	while (until->times == 0)
		assert_int_equal(event_base_loop(f->base, EVLOOP_ONCE), 0);
}

static int get(struct fixture *f, uint64_t id)
{
	struct agent_key key = fake_agent(id);
	int err;

	memset(&got, 0, sizeof(got));
	err = authority_get(f->cache, &key, on_verdicts, &got);
	if (err != 0)
		return err;
	turn(f, &got);
	assert_int_equal(got.times, 1);
	return got.err != 0 ? got.err : got.verdicts[0].err;
}

static void the_second_ask_is_answered_from_memory(void **state)
{
	struct fixture *f = *state;
	struct agent_key key = fake_agent(0);
	struct authority verdict;

	assert_int_equal(authority_peek(&verdict, f->cache, &key), -ENOENT);
	assert_int_equal(get(f, 0), 0);
	assert_true(got.verdicts[0].safe.exists && got.verdicts[0].latest.exists);
	assert_int_equal(got.verdicts[0].safe.wallet.bytes[0], 0xbb);
	assert_int_equal(got.verdicts[0].latest.wallet.bytes[0], 0xaa);
	assert_int_equal(got.verdicts[0].safe_block.number, 20);
	assert_int_equal(got.verdicts[0].latest_block.number, 30);
	assert_int_equal(f->node.shared->requests, 1);
	memset(&got, 0, sizeof(got));
	assert_int_equal(authority_get(f->cache, &key, on_verdicts, &got), 0);
	assert_int_equal(got.times, 1); /* before the call returned */
	assert_int_equal(f->node.shared->requests, 1);
	assert_int_equal(authority_peek(&verdict, f->cache, &key), 0);
	assert_memory_equal(&verdict, &got.verdicts[0], sizeof(verdict));
}

static void one_read_serves_all_who_ask_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct agent_key keys[] = {fake_agent(2), fake_agent(1)};
	struct authority_stats stats;

	assert_int_equal(authority_get(f->cache, &keys[0], on_verdicts, &got), 0);
	assert_int_equal(authority_get_many(f->cache, keys, 2, on_verdicts, &other), 0);
	assert_int_equal(got.times + other.times, 0);
	turn(f, &got);
	turn(f, &other);
	assert_int_equal(got.err + other.err, 0);
	assert_memory_equal(&got.verdicts[0], &other.verdicts[0], sizeof(got.verdicts[0]));
	assert_int_equal(other.verdicts[1].safe.owner.bytes[19], 1);
	assert_int_equal(f->node.shared->calls, 8); /* two agents, two blocks, two calls */
	authority_stats(f->cache, &stats);
	assert_int_equal(stats.joined, 1);
	assert_int_equal(stats.misses, 2);
}

static void many_keys_are_one_batch_and_doubles_are_read_once(void **state)
{
	struct fixture *f = *state;
	struct agent_key keys[] = {fake_agent(0), fake_agent(1), fake_agent(0), fake_agent(7)};

	assert_int_equal(authority_get_many(f->cache, keys, 4, on_verdicts, &got), 0);
	turn(f, &got);
	assert_int_equal(got.err, 0);
	assert_int_equal(got.n, 4);
	assert_int_equal(f->node.shared->requests, 1);
	assert_int_equal(f->node.shared->calls, 12);
	assert_memory_equal(&got.verdicts[0], &got.verdicts[2], sizeof(got.verdicts[0]));
	assert_int_equal(got.verdicts[3].err, 0);
	assert_false(got.verdicts[3].safe.exists);
	assert_int_equal(get(f, 7), 0); /* absence is known too */
	assert_int_equal(f->node.shared->requests, 1);
}

static void a_full_ingest_batch_of_strangers_is_read(void **state)
{
	struct fixture *f = *state;
	struct agent_key *keys = calloc(AUTHORITY_KEYS_MAX + 1, sizeof(*keys));

	for (size_t i = 0; i <= AUTHORITY_KEYS_MAX; i++)
		keys[i] = fake_agent(1000 + i);
	assert_int_equal(authority_get_many(f->cache, keys, AUTHORITY_KEYS_MAX + 1, on_verdicts, &got), -EOVERFLOW);
	assert_int_equal(authority_get_many(f->cache, keys, 0, on_verdicts, &got), -EINVAL);
	assert_int_equal(authority_get_many(f->cache, keys, AUTHORITY_KEYS_MAX, on_verdicts, &got), 0);
	turn(f, &got);
	assert_int_equal(got.err, 0);
	for (size_t i = 0; i < AUTHORITY_KEYS_MAX; i++)
		assert_int_equal(got.verdicts[i].latest.owner.bytes[19], (1000 + i) & 0xff);
	assert_int_equal(f->node.shared->requests, 5);
	free(keys);
}

static void another_head_is_another_reading(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(get(f, 1), 0);
	assert_int_equal(got.verdicts[0].latest.wallet.bytes[0], 0xaa);
	set_heads(f, 0xcc, 0xbb); /* latest was replaced, or moved on: the wallet is gone there */
	assert_int_equal(get(f, 1), 0);
	assert_true(address_is_zero(&got.verdicts[0].latest.wallet));
	assert_int_equal(got.verdicts[0].safe.wallet.bytes[0], 0xbb);
	set_heads(f, 0xcc, 0xcc);
	assert_int_equal(get(f, 1), 0);
	assert_true(address_is_zero(&got.verdicts[0].safe.wallet));
	assert_int_equal(f->node.shared->requests, 3);
}

static void a_node_that_is_down_is_an_error_and_never_the_last_verdict(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(get(f, 1), 0);
	f->node.shared->mode = FAKE_DOWN;
	assert_int_equal(get(f, 1), 0); /* same heads, confirmed lately: still true */
	set_heads(f, 0xcc, 0xbb);
	assert_int_equal(get(f, 1), -EIO);
	assert_int_equal(got.n, 0);
	assert_int_equal(get(f, 2), -EIO);
	f->node.shared->mode = FAKE_WELL;
	assert_int_equal(get(f, 1), 0); /* a failure is not remembered */
}

static void heads_too_old_say_nothing(void **state)
{
	const struct authority_config config = {.max_age_ms = 50};
	struct fixture *f = *state;
	struct agent_key key = fake_agent(1);
	struct authority verdict;

	open_cache(f, &config);
	set_heads(f, 0xaa, 0xbb);
	assert_int_equal(get(f, 1), 0);
	(void)usleep(60000);
	assert_int_equal(authority_peek(&verdict, f->cache, &key), -EAGAIN);
	assert_int_equal(get(f, 1), -EAGAIN);
	set_heads(f, 0xaa, 0xbb); /* confirmed again: what is cached holds */
	assert_int_equal(authority_peek(&verdict, f->cache, &key), 0);
	f->heads.known = false;
	assert_int_equal(get(f, 1), -EAGAIN);
}

static void heads_that_grow_old_during_the_read_say_nothing(void **state)
{
	const struct authority_config config = {.max_age_ms = 100};
	struct fixture *f = *state;

	open_cache(f, &config);
	f->node.shared->mode = FAKE_SLOW;
	set_heads(f, 0xaa, 0xbb);
	assert_int_equal(get(f, 1), -EAGAIN);
}

static void a_slow_node_ends_at_the_deadline(void **state)
{
	const struct authority_config config = {.deadline_ms = 100};
	struct fixture *f = *state;

	open_cache(f, &config);
	f->node.shared->mode = FAKE_SLOW;
	assert_int_equal(get(f, 1), -ETIMEDOUT);
}

static void a_block_that_went_away_is_not_a_verdict(void **state)
{
	struct fixture *f = *state;

	f->node.shared->mode = FAKE_UNKNOWN_BLOCK;
	assert_int_equal(get(f, 1), -EAGAIN);
	assert_int_equal(authority_role(&got.verdicts[0], &got.verdicts[0].safe.owner), AUTHORITY_NONE);
	f->node.shared->mode = FAKE_WELL;
	assert_int_equal(get(f, 1), 0);
}

static void an_address_without_code_is_an_error_of_that_key_only(void **state)
{
	struct fixture *f = *state;
	struct agent_key keys[] = {fake_agent(0), fake_agent(1)};

	memset(&keys[0].registry, 0, sizeof(keys[0].registry));
	assert_int_equal(authority_get_many(f->cache, keys, 2, on_verdicts, &got), 0);
	turn(f, &got);
	assert_int_equal(got.err, 0);
	assert_int_equal(got.verdicts[0].err, -ENXIO);
	assert_int_equal(got.verdicts[1].err, 0);
}

static void the_least_recently_used_goes(void **state)
{
	const struct authority_config config = {.capacity = 3};
	struct fixture *f = *state;
	struct agent_key first = fake_agent(0), second = fake_agent(1);
	struct authority_stats stats;
	struct authority verdict;

	open_cache(f, &config);
	for (uint64_t id = 0; id < 3; id++)
		assert_int_equal(get(f, id), 0);
	assert_int_equal(authority_peek(&verdict, f->cache, &first), 0);
	assert_int_equal(get(f, 3), 0);
	assert_int_equal(authority_peek(&verdict, f->cache, &first), 0);
	assert_int_equal(authority_peek(&verdict, f->cache, &second), -ENOENT);
	authority_stats(f->cache, &stats);
	assert_int_equal(stats.evicted, 1);
}

static void freeing_ends_what_is_under_way(void **state)
{
	struct fixture *f = *state;
	struct agent_key key = fake_agent(1);

	f->node.shared->mode = FAKE_SLOW;
	assert_int_equal(authority_get(f->cache, &key, on_verdicts, &got), 0);
	authority_free(f->cache);
	f->cache = NULL;
	assert_int_equal(got.times, 1);
	assert_int_equal(got.err, -ECANCELED);
	for (int i = 0; i < 50; i++) { /* the node's answer comes and finds nobody */
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
		(void)usleep(10000);
	}
	assert_int_equal(got.times, 1);
}

static void a_hit_costs_little(void **state)
{
	enum { ROUNDS = 20000 };
	struct fixture *f = *state;
	struct agent_key key = fake_agent(1);
	struct authority verdict;
	int64_t began;

	assert_int_equal(get(f, 1), 0);
	began = heads_now_ms();
	for (int i = 0; i < ROUNDS; i++)
		assert_int_equal(authority_peek(&verdict, f->cache, &key), 0);
	print_message("%.2f us a hit\n", (double)(heads_now_ms() - began) * 1000 / ROUNDS);
	assert_in_range(heads_now_ms() - began, 0, 400); /* with sanitizers and a busy machine; the aim is 1 us */
}

static void roles_need_both_ends(void **state)
{
	static const struct eth_address zero = {{0}}, w = {{1}}, o = {{2}}, x = {{3}};
	const struct {
		struct authority verdict;
		const struct eth_address *signer;
		enum authority_role role;
	} cases[] = {
		{{.safe = {true, o, w}, .latest = {true, o, w}}, &w, AUTHORITY_WALLET},
		{{.safe = {true, o, w}, .latest = {true, o, w}}, &o, AUTHORITY_OWNER},
		{{.safe = {true, o, w}, .latest = {true, o, w}}, &x, AUTHORITY_NONE},
		{{.safe = {true, o, o}, .latest = {true, o, o}}, &o, AUTHORITY_WALLET}, /* the wallet wins */
		{{.safe = {true, o, w}, .latest = {true, o, x}}, &w, AUTHORITY_NONE},	/* revoked at latest */
		{{.safe = {true, o, w}, .latest = {true, o, x}}, &x, AUTHORITY_NONE},	/* not yet safe */
		{{.safe = {true, o, w}, .latest = {true, x, w}}, &o, AUTHORITY_NONE},
		{{.safe = {true, o, zero}, .latest = {true, o, zero}}, &zero, AUTHORITY_NONE},
		{{.safe = {false, zero, zero}, .latest = {true, o, w}}, &w, AUTHORITY_NONE},
		{{.safe = {false, zero, zero}, .latest = {false, zero, zero}}, &zero, AUTHORITY_NONE},
		{{.safe = {true, o, w}, .latest = {true, w, o}}, &w, AUTHORITY_WALLET}, /* the role held at safe */
		{{.err = -ENXIO, .safe = {true, o, w}, .latest = {true, o, w}}, &w, AUTHORITY_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (authority_role(&cases[i].verdict, cases[i].signer) != cases[i].role)
			fail_msg("case %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_second_ask_is_answered_from_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(one_read_serves_all_who_ask_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(many_keys_are_one_batch_and_doubles_are_read_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_ingest_batch_of_strangers_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(another_head_is_another_reading, setup, teardown),
		cmocka_unit_test_setup_teardown(a_node_that_is_down_is_an_error_and_never_the_last_verdict, setup,
						teardown),
		cmocka_unit_test_setup_teardown(heads_too_old_say_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(heads_that_grow_old_during_the_read_say_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_slow_node_ends_at_the_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(a_block_that_went_away_is_not_a_verdict, setup, teardown),
		cmocka_unit_test_setup_teardown(an_address_without_code_is_an_error_of_that_key_only, setup, teardown),
		cmocka_unit_test_setup_teardown(the_least_recently_used_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(freeing_ends_what_is_under_way, setup, teardown),
		cmocka_unit_test_setup_teardown(a_hit_costs_little, setup, teardown),
		cmocka_unit_test(roles_need_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
