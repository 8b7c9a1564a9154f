/* Logs as a provider sent them: what is refused, and what becomes of a log that cannot be read. */
#include "gateway/steward/index_internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCK = 7 };

static const struct eth_hash block_hash = {{7}};

static struct index_duty *duty_of(bool known)
{
	struct index_duty *duty = calloc(1, sizeof(*duty));

	assert_non_null(duty);
	duty->nregistries = 1;
	duty->registries[0] = (struct index_registry){.id = 1, .known = known, .looked = true};
	memset(duty->registries[0].address.bytes, 0x80, 20);
	return duty;
}

/* Agent 5 goes from 0x11… to 0x22…. */
static struct eth_rpc_log transfer(void)
{
	struct eth_rpc_log log = {.ntopics = 4, .data = (const uint8_t *)"", .number = BLOCK, .block = block_hash, .index = 3};

	memset(log.address.bytes, 0x80, 20);
	log.topics[0] = registry_topics_identity[0];
	memset(log.topics[1].bytes + 12, 0x11, 20);
	memset(log.topics[2].bytes + 12, 0x22, 20);
	log.topics[3].bytes[31] = 5;
	return log;
}

static void with_data(struct eth_rpc_log *log)
{
	static const uint8_t zero[32];

	log->data = zero;
	log->data_len = sizeof(zero);
}

static void with_dirt(struct eth_rpc_log *log)
{
	log->topics[1].bytes[0] = 1;
}

static void far_down(struct eth_rpc_log *log)
{
	log->index = UINT32_C(0x80000003);
}

static void with_a_topic_less(struct eth_rpc_log *log)
{
	log->ntopics = 3;
}

static void removed(struct eth_rpc_log *log)
{
	log->removed = true;
}

static void elsewhere(struct eth_rpc_log *log)
{
	log->block.bytes[0] = 8;
}

static void of_another(struct eth_rpc_log *log)
{
	log->address.bytes[0] = 1;
}

/* One log into an empty batch. near: asked by the block's hash. */
static int add(struct index_batch *batch, const char **why, const struct index_duty *duty, bool near,
	       void (*change)(struct eth_rpc_log *))
{
	struct eth_rpc_logs logs = {.rows = calloc(1, sizeof(*logs.rows)), .n = 1};
	struct index_ask ask;

	assert_non_null(logs.rows);
	logs.rows[0] = transfer();
	if (change != NULL)
		change(&logs.rows[0]);
	index_ask_init(&ask, duty, UINT32_MAX);
	return index_batch_add(batch, why, &logs, duty, &ask, BLOCK, BLOCK, near ? &block_hash : NULL);
}

static void a_log_is_taken(void **state)
{
	struct index_duty *duty = duty_of(true);
	struct index_batch batch = {0};
	const char *why;

	(void)state;
	assert_int_equal(add(&batch, &why, duty, true, NULL), 0);
	assert_int_equal(batch.n, 1);
	assert_false(batch.logs[0].unread);
	assert_int_equal(batch.logs[0].fold.event.agent[31], 5);
	index_batch_clear(&batch);
	free(duty);
}

/* What a bloom says nothing of does not make a log vanish: the provider is caught. */
static void near_the_head_a_log_that_cannot_be_is_a_lie(void **state)
{
	static void (*const changes[])(struct eth_rpc_log *) = {with_data, with_dirt, far_down, with_a_topic_less,
								removed, elsewhere, of_another};
	struct index_duty *duty = duty_of(true);

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct index_batch batch = {0};
		const char *why = NULL;

		assert_int_equal(add(&batch, &why, duty, true, changes[i]), -EBADMSG);
		assert_non_null(why);
		assert_int_equal(batch.n, 0);
		index_batch_clear(&batch);
	}
	free(duty);
}

static void a_place_that_no_block_has_is_refused_of_any_contract(void **state)
{
	struct index_duty *duty = duty_of(false);

	(void)state;
	for (unsigned near = 0; near < 2; near++) {
		struct index_batch batch = {0};
		const char *why = NULL;

		assert_int_equal(add(&batch, &why, duty, near == 1, far_down), -EBADMSG);
		index_batch_clear(&batch);
	}
	free(duty);
}

/* An odd contract's: there is no event to store, but the agent it names is read from storage. */
static void what_cannot_be_read_puts_its_agent_in_doubt(void **state)
{
	static void (*const changes[])(struct eth_rpc_log *) = {with_data, with_dirt};
	struct index_duty *duty = duty_of(false);

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct index_batch batch = {0};
		struct index_step step = {0};
		const char *why = NULL;

		assert_int_equal(add(&batch, &why, duty, true, changes[i]), 0);
		assert_int_equal(batch.n, 1);
		assert_true(batch.logs[0].unread);
		assert_int_equal(index_step_fold(&step, duty, &batch, -1), 0);
		assert_int_equal(step.nevents, 0);
		assert_int_equal(step.nstates, 1);
		assert_true(step.marks[0].doubtful);
		assert_int_equal(step.states[0].agent_id[31], 5);
		index_step_clear(&step);
		index_batch_clear(&batch);
	}
	free(duty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_is_taken),
		cmocka_unit_test(near_the_head_a_log_that_cannot_be_is_a_lie),
		cmocka_unit_test(a_place_that_no_block_has_is_refused_of_any_contract),
		cmocka_unit_test(what_cannot_be_read_puts_its_agent_in_doubt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
