/* What is believed of the heads when several providers do not say the same. */
#include "gateway/steward/follow_read.h"
#include "tests/eth/fake_node.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHAIN = 8453, NODES = 3 };

/* A node's chain: its heads, and the block from which on it has hashes of its own branch. "" answers 404. */
struct view {
	uint64_t latest, safe, finalized, fork;
	char branch;
};

static struct eth_hash hash_of(uint64_t number, const struct view *view)
{
	struct eth_hash hash = {{0}};

	memcpy(hash.bytes, &number, sizeof(number));
	hash.bytes[31] = (uint8_t)(number >= view->fork ? view->branch : 'm');
	return hash;
}

static json_t *block(uint64_t number, const struct view *view)
{
	struct eth_hash hash = hash_of(number, view);
	char text[2 + 64 + 1] = "0x", quantity[32], time[32];

	for (size_t i = 0; i < 32; i++)
		(void)snprintf(text + 2 + 2 * i, 3, "%02x", hash.bytes[i]);
	(void)snprintf(quantity, sizeof(quantity), "0x%" PRIx64, number);
	(void)snprintf(time, sizeof(time), "0x%" PRIx64, number * 2);
	return json_pack("{s:{s:s,s:s,s:s,s:s}}", "result", "number", quantity, "hash", text, "parentHash", text,
			 "timestamp", time);
}

static json_t *reply(struct fake_shared *shared, const char *method, const json_t *params)
{
	const char *at = json_string_value(json_array_get(params, 0));
	struct view view;
	uint64_t number;

	(void)method;
	memcpy(&view, shared->text, sizeof(view));
	if (strcmp(at, "latest") == 0)
		number = view.latest;
	else if (strcmp(at, "safe") == 0)
		number = view.safe;
	else if (strcmp(at, "finalized") == 0)
		number = view.finalized;
	else
		number = strtoull(at, NULL, 16);
	return number > view.latest ? json_pack("{s:n}", "result") : block(number, &view);
}

static void node(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)number;
	if (shared->mode != 0)
		fake_http_text(fd, 404, "", "");
	else
		fake_answer(shared, fd, body, len, CHAIN, reply);
}

struct stand {
	struct fake_node nodes[NODES];
	struct event_base *base;
	struct eth_rpc *rpc;
	struct follow_reader reader;
	unsigned n;
};

static void set(struct stand *stand, unsigned i, const struct view *view)
{
	memcpy(stand->nodes[i].shared->text, view, sizeof(*view));
	stand->nodes[i].shared->mode = 0;
}

static void open_stand(struct stand *stand, unsigned n, unsigned quorum, const struct view *view)
{
	struct eth_rpc_config config = {.chain_id = CHAIN};
	char urls[NODES * 80] = "";

	*stand = (struct stand){.n = n};
	for (unsigned i = 0; i < n; i++) {
		fake_node_start(&stand->nodes[i], node);
		set(stand, i, view);
		(void)strncat(urls, " ", sizeof(urls) - strlen(urls) - 1);
		(void)strncat(urls, stand->nodes[i].url, sizeof(urls) - strlen(urls) - 1);
	}
	config.url = urls;
	stand->base = event_base_new();
	assert_int_equal(eth_rpc_new(&stand->rpc, stand->base, &config), 0);
	stand->reader = (struct follow_reader){.rpc = stand->rpc, .quorum = quorum, .deadline_ms = 3000};
}

static void close_stand(struct stand *stand)
{
	eth_rpc_free(stand->rpc);
	event_base_free(stand->base);
	for (unsigned i = 0; i < stand->n; i++)
		fake_node_stop(&stand->nodes[i]);
}

static bool distrusted(const struct stand *stand, unsigned i)
{
	struct eth_rpc_provider_stats stats;

	assert_int_equal(eth_rpc_provider_stats(&stats, stand->rpc, i), 0);
	return stats.state == ETH_RPC_PROVIDER_DISTRUSTED;
}

static const struct view GOOD = {100, 90, 80, 0, 'm'};

static void a_late_tag_does_not_undo_what_was_final(void **state)
{
	static const struct view LATE = {95, 75, 70, 0, 'm'};
	struct heads_set last, now;
	struct stand stand;

	(void)state;
	open_stand(&stand, 2, 0, &GOOD);
	assert_int_equal(follow_read(&last, &stand.reader, NULL), 0);
	assert_int_equal(last.finalized.number, 80);
	stand.nodes[0].shared->mode = 1;
	set(&stand, 1, &LATE);
	assert_int_equal(follow_read(&now, &stand.reader, &last), 0);
	assert_int_equal(stand.reader.provider, 1);
	assert_int_equal(now.finalized.number, 80);
	assert_int_equal(now.safe.number, 80);
	assert_int_equal(now.latest.number, 95);
	assert_false(distrusted(&stand, 1));
	close_stand(&stand);
}

static void who_does_not_know_what_was_final_is_set_aside(void **state)
{
	static const struct view BEHIND = {60, 50, 40, 0, 'm'};
	struct heads_set last, now;
	struct stand stand;

	(void)state;
	open_stand(&stand, 2, 0, &GOOD);
	assert_int_equal(follow_read(&last, &stand.reader, NULL), 0);
	set(&stand, 0, &BEHIND);
	assert_int_equal(follow_read(&now, &stand.reader, &last), -EAGAIN);
	assert_true(distrusted(&stand, 0));
	assert_int_equal(follow_read(&now, &stand.reader, &last), 0);
	assert_int_equal(stand.reader.provider, 1);
	assert_int_equal(now.finalized.number, 80);
	set(&stand, 1, &BEHIND); /* all of them: in the end it is passed on */
	for (int i = 1; i < FOLLOW_BEHIND_ROUNDS * 2; i++)
		assert_int_equal(follow_read(&now, &stand.reader, &last), -EAGAIN);
	assert_int_equal(follow_read(&now, &stand.reader, &last), 0);
	assert_int_equal(now.finalized.number, 40);
	close_stand(&stand);
}

static void another_block_at_the_final_height_is_passed_on(void **state)
{
	static const struct view REPLACED = {95, 75, 70, 50, 'x'};
	struct heads_set last, now;
	struct stand stand;

	(void)state;
	open_stand(&stand, 2, 0, &GOOD);
	assert_int_equal(follow_read(&last, &stand.reader, NULL), 0);
	set(&stand, 0, &REPLACED);
	assert_int_equal(follow_read(&now, &stand.reader, &last), 0);
	assert_int_equal(now.finalized.number, 70);
	close_stand(&stand);
}

/* With two of three to agree: the views of the nodes, and what is believed. */
static const struct {
	const char *name;
	struct view views[NODES]; /* latest 0: answers 404 */
	int err;
	uint64_t finalized;
	unsigned asked; /* bits: who is set aside afterwards */
} QUORA[] = {
	{"all agree", {{110, 100, 90, 0, 'm'}, {110, 100, 90, 0, 'm'}, {110, 100, 90, 0, 'm'}}, 0, 90, 0},
	{"one is down", {{110, 100, 90, 0, 'm'}, {0}, {110, 100, 90, 0, 'm'}}, 0, 90, 0},
	{"its tag is late, its chain the same", {{110, 100, 90, 0, 'm'}, {105, 85, 80, 0, 'm'}, {0}}, 0, 90, 0},
	{"another has another block",
	 {{110, 100, 90, 0, 'm'}, {110, 100, 90, 85, 'x'}, {110, 100, 90, 0, 'm'}},
	 0,
	 90,
	 2},
	{"the first has another block",
	 {{110, 100, 90, 85, 'x'}, {110, 100, 90, 0, 'm'}, {110, 100, 90, 0, 'm'}},
	 -EAGAIN,
	 0,
	 1},
	{"each has another block",
	 {{110, 100, 90, 85, 'x'}, {110, 100, 90, 85, 'y'}, {110, 100, 90, 0, 'm'}},
	 -ENOTUNIQ,
	 0,
	 0},
	{"the others are late: what was agreed stays",
	 {{110, 100, 90, 0, 'm'}, {89, 85, 80, 0, 'm'}, {85, 82, 80, 0, 'm'}},
	 0,
	 80,
	 0},
	{"alone: what was agreed stays", {{110, 100, 90, 0, 'm'}, {0}, {0}}, 0, 80, 0},
	{"alone and of another branch", {{110, 100, 90, 70, 'x'}, {0}, {0}}, -EAGAIN, 0, 1},
};

static void a_finalized_block_is_what_the_quorum_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(QUORA) / sizeof(QUORA[0]); i++) {
		struct heads_set last, now = {0};
		struct stand stand;
		unsigned aside = 0;
		int err;

		open_stand(&stand, NODES, 2, &GOOD);
		assert_int_equal(follow_read(&last, &stand.reader, NULL), 0);
		assert_int_equal(last.finalized.number, 80);
		for (unsigned j = 0; j < NODES; j++) {
			set(&stand, j, &QUORA[i].views[j]);
			stand.nodes[j].shared->mode = QUORA[i].views[j].latest == 0;
		}
		err = follow_read(&now, &stand.reader, &last);
		for (unsigned j = 0; j < NODES; j++)
			aside |= distrusted(&stand, j) ? 1u << j : 0;
		if (err != QUORA[i].err || (err == 0 && now.finalized.number != QUORA[i].finalized) ||
		    aside != QUORA[i].asked)
			fail_msg("%s: %d, finalized %ju, set aside %x", QUORA[i].name, err,
				 (uintmax_t)now.finalized.number, aside);
		if (err == 0)
			assert_int_equal(now.latest.number, 110);
		close_stand(&stand);
	}
}

static void nothing_is_believed_before_a_quorum_was_there(void **state)
{
	struct heads_set now;
	struct stand stand;

	(void)state;
	open_stand(&stand, NODES, 3, &GOOD);
	stand.nodes[2].shared->mode = 1;
	assert_int_equal(follow_read(&now, &stand.reader, NULL), -EIO);
	stand.nodes[2].shared->mode = 0;
	assert_int_equal(follow_read(&now, &stand.reader, NULL), 0);
	close_stand(&stand);
}

static void what_was_agreed_is_not_asked_again(void **state)
{
	struct heads_set now;
	struct stand stand;
	unsigned asked;

	(void)state;
	open_stand(&stand, NODES, 2, &GOOD);
	assert_int_equal(follow_read(&now, &stand.reader, NULL), 0);
	asked = stand.nodes[2].shared->requests;
	for (int i = 0; i < 3; i++)
		assert_int_equal(follow_read(&now, &stand.reader, &now), 0);
	assert_int_equal(stand.nodes[2].shared->requests, asked);
	close_stand(&stand);
}

static void a_stuck_provider_is_set_aside_only_if_there_is_another(void **state)
{
	struct heads_set now;
	struct stand stand;

	(void)state;
	open_stand(&stand, 1, 0, &GOOD);
	assert_int_equal(follow_read(&now, &stand.reader, NULL), 0);
	follow_set_aside(&stand.reader, "old");
	assert_false(distrusted(&stand, 0));
	close_stand(&stand);
	open_stand(&stand, 2, 0, &GOOD);
	assert_int_equal(follow_read(&now, &stand.reader, NULL), 0);
	follow_set_aside(&stand.reader, "old");
	assert_true(distrusted(&stand, 0));
	close_stand(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_late_tag_does_not_undo_what_was_final),
		cmocka_unit_test(who_does_not_know_what_was_final_is_set_aside),
		cmocka_unit_test(another_block_at_the_final_height_is_passed_on),
		cmocka_unit_test(a_finalized_block_is_what_the_quorum_says),
		cmocka_unit_test(nothing_is_believed_before_a_quorum_was_there),
		cmocka_unit_test(what_was_agreed_is_not_asked_again),
		cmocka_unit_test(a_stuck_provider_is_set_aside_only_if_there_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
