/* The sender, case by case: facts/eth-client.md section 2.5 (A to J), and the tests of op-service/txmgr that apply
 * (their names stand above ours). The random model chain is in test_sender_model.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "anchor/sender.h"

#define GWEI UINT64_C(1000000000)

static const struct sender_config config = {
	.interval_ms = 60000,
	.entries_max = 10000,
	.heartbeat_ms = 86400000,
	.resubmit_ms = 20000,
	.rebroadcast_ms = 12000,
	.fee_cap = 100 * GWEI,
	.tip_min = GWEI / 1000,
	.base_multiple = 10,
};

/* What a test sets, and what the last step asked for. */
struct bench {
	struct sender sender;
	struct sender_action actions[SENDER_ACTIONS_MAX];
	size_t count;
	uint64_t now;
	struct sender_view view;
	struct sender_receipt receipts[8];
	uint8_t next_hash;
};

static void fill(uint8_t out[static 32], unsigned value)
{
	memset(out, (int)value, 32);
}

static struct sender_head head_of(uint64_t size)
{
	struct sender_head head = {.size = size};

	if (size)
		fill(head.root.bytes, (unsigned)(size * 7 + 1) & 255);
	return head;
}

static void start(struct bench *b)
{
	*b = (struct bench){.now = 1000000};
	sender_init(&b->sender, &config, 0);
	b->view = (struct sender_view){
		.latest = {.number = 100, .nonce = 5},
		.safe = {.number = 90, .nonce = 5},
		.finalized = {.number = 80, .nonce = 5},
		.base_fee = GWEI / 100,
		.tip = GWEI / 100,
		.balance = UINT64_C(1000000000000000000),
	};
}

static void step(struct bench *b, struct sender_event event)
{
	event.now = b->now;
	b->count = sender_step(&b->sender, b->actions, &event);
	assert_true(b->count <= SENDER_ACTIONS_MAX);
}

static void poll(struct bench *b)
{
	b->view.receipts = b->receipts;
	step(b, (struct sender_event){.kind = SENDER_VIEW, .view = b->view});
}

static void target(struct bench *b, uint64_t size)
{
	step(b, (struct sender_event){.kind = SENDER_TARGET, .target = head_of(size)});
}

static const struct sender_action *find(const struct bench *b, enum sender_action_kind kind)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->actions[i].kind == kind)
			return &b->actions[i];
	return NULL;
}

static struct sender_attempt expect(const struct bench *b, enum sender_action_kind kind)
{
	const struct sender_action *action = find(b, kind);

	if (!action) {
		fail_msg("action %d was not asked for (%zu others)", (int)kind, b->count);
		abort(); /* not reached; the analyser cannot know */
	}
	return action->attempt;
}

static void expect_alarm(const struct bench *b, enum sender_alarm alarm)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->actions[i].kind == SENDER_ALARM && b->actions[i].alarm == alarm)
			return;
	fail_msg("no alarm %s", sender_alarm_name(alarm));
}

/* Nothing that signs, sends or warns; REACHED and FORGET are news, not deeds. */
static void expect_rest(const struct bench *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->actions[i].kind != SENDER_REACHED && b->actions[i].kind != SENDER_FORGET)
			fail_msg("unexpected action %d alarm %d", (int)b->actions[i].kind, (int)b->actions[i].alarm);
}

/* From an ESTIMATE just asked for to the BROADCAST. */
static struct sender_attempt carry(struct bench *b)
{
	struct sender_attempt attempt;
	struct sender_event is_signed = {.kind = SENDER_SIGNED};

	expect(b, SENDER_ESTIMATE);
	step(b, (struct sender_event){.kind = SENDER_ESTIMATED, .gas = 80000});
	expect(b, SENDER_SIGN);
	assert_null(find(b, SENDER_BROADCAST));
	fill(is_signed.hash, ++b->next_hash);
	step(b, is_signed);
	expect(b, SENDER_STORE);
	assert_null(find(b, SENDER_BROADCAST)); /* stored first, always */
	step(b, (struct sender_event){.kind = SENDER_STORED});
	attempt = expect(b, SENDER_BROADCAST);
	assert_memory_equal(attempt.hash, is_signed.hash, 32);
	return attempt;
}

static void answer(struct bench *b, const struct sender_attempt *attempt, enum sender_outcome outcome)
{
	struct sender_event event = {.kind = SENDER_SENT, .outcome = outcome};

	memcpy(event.hash, attempt->hash, 32);
	step(b, event);
}

/* An anchor of `size` sent and answered. */
static struct sender_attempt launch(struct bench *b, uint64_t size, enum sender_outcome outcome)
{
	struct sender_attempt attempt;

	target(b, size);
	poll(b);
	attempt = carry(b);
	answer(b, &attempt, outcome);
	return attempt;
}

/* The attempt is mined in a block of that number and hash; the chain's nonce and head follow. */
static void mine(struct bench *b, const struct sender_attempt *attempt, uint64_t number, unsigned hash, bool success)
{
	struct sender_receipt *receipt = &b->receipts[b->view.receipt_count++];

	memcpy(receipt->hash, attempt->hash, 32);
	receipt->block = number;
	fill(receipt->block_hash, hash);
	fill(receipt->canonical_hash, hash);
	receipt->success = success;
	b->view.latest.number = number;
	b->view.latest.nonce = attempt->nonce + 1;
	if (success)
		b->view.latest.head = attempt->target;
}

static void finalize(struct bench *b)
{
	b->view.safe = b->view.finalized = b->view.latest;
}

/* txmgr ConfirmAtMinGasPrice; H: levels and forgetting */
static void test_from_checkpoint_to_final(void **state)
{
	struct bench b;
	struct sender_attempt attempt;
	const struct sender_action *reached;

	(void)state;
	start(&b);
	attempt = launch(&b, 10, SENDER_ACCEPTED);
	expect_rest(&b);
	assert_int_equal(attempt.nonce, 5);
	assert_int_equal(attempt.from_size, 0);
	assert_int_equal(attempt.target.size, 10);
	assert_int_equal(attempt.gas, 80000);
	assert_int_equal(attempt.tip, GWEI / 100);
	assert_int_equal(attempt.max_fee, GWEI / 10 + GWEI / 100);
	b.now += 2000;
	poll(&b);
	expect_rest(&b);
	mine(&b, &attempt, 101, 0xb1, true);
	poll(&b);
	expect_rest(&b);
	reached = find(&b, SENDER_REACHED);
	assert_true(reached && reached->level == SENDER_LATEST && reached->attempt.target.size == 10);
	b.view.safe = b.view.latest;
	poll(&b);
	reached = find(&b, SENDER_REACHED);
	assert_true(reached && reached->level == SENDER_SAFE && reached->block.number == 101);
	assert_null(find(&b, SENDER_FORGET));
	b.view.finalized = b.view.latest;
	poll(&b);
	reached = find(&b, SENDER_REACHED);
	assert_true(reached && reached->level == SENDER_FINALIZED);
	assert_memory_equal(expect(&b, SENDER_FORGET).hash, attempt.hash, 32);
	assert_int_equal(b.sender.count, 0);
	poll(&b);
	assert_int_equal(b.count, 0);
}

/* A: the node took it, its answer was lost */
static void test_lost_response(void **state)
{
	struct bench b;
	struct sender_attempt attempt, again;

	(void)state;
	start(&b);
	attempt = launch(&b, 10, SENDER_UNKNOWN);
	expect_rest(&b);
	b.now += 2000;
	poll(&b);
	again = expect(&b, SENDER_BROADCAST);
	assert_memory_equal(again.hash, attempt.hash, 32);
	answer(&b, &again, sender_classify("transaction already imported", 28));
	b.now += 2000;
	poll(&b);
	expect_rest(&b);
	mine(&b, &attempt, 101, 0xb1, true);
	poll(&b);
	expect_rest(&b);
}

/* A, the other way: mined before the rebroadcast. txmgr DoesntAbortNonceTooLowAfterMiningTx */
static void test_nonce_too_low_after_mining(void **state)
{
	struct bench b;
	struct sender_attempt attempt;

	(void)state;
	start(&b);
	attempt = launch(&b, 10, SENDER_UNKNOWN);
	b.now += 2000;
	poll(&b);
	attempt = expect(&b, SENDER_BROADCAST);
	answer(&b, &attempt, SENDER_NONCE_TOO_LOW);
	expect(&b, SENDER_READ);
	mine(&b, &attempt, 101, 0xb1, true);
	poll(&b);
	expect_rest(&b);
	finalize(&b);
	poll(&b);
	expect(&b, SENDER_FORGET);
}

/* B: the request was lost; F: 429. txmgr BlocksOnFailingRpcCalls: every poll tries the same bytes, never another nonce
 */
static void test_lost_request(void **state)
{
	struct bench b;
	struct sender_attempt attempt, again;

	(void)state;
	start(&b);
	attempt = launch(&b, 10, sender_classify("Too Many Requests", 17));
	for (unsigned i = 0; i < 5; i++) {
		b.now += 2000;
		poll(&b);
		again = expect(&b, SENDER_BROADCAST);
		assert_memory_equal(again.hash, attempt.hash, 32);
		answer(&b, &again, SENDER_UNKNOWN);
		expect_rest(&b); /* not in a tight loop */
	}
}

/* C: accepted and dropped from the pool */
static void test_dropped(void **state)
{
	struct bench b;
	struct sender_attempt attempt;

	(void)state;
	start(&b);
	attempt = launch(&b, 10, SENDER_ACCEPTED);
	b.now += config.rebroadcast_ms - 1;
	poll(&b);
	expect_rest(&b);
	b.now += 1;
	poll(&b);
	assert_memory_equal(expect(&b, SENDER_BROADCAST).hash, attempt.hash, 32);
}

/* D: the base fee outruns it. txmgr ConfirmsAtHigherGasPrice, OnlyOnePublicationSucceeds */
static void test_replacement(void **state)
{
	struct bench b;
	struct sender_attempt old, new;

	(void)state;
	start(&b);
	old = launch(&b, 10, SENDER_ACCEPTED);
	b.view.base_fee = 5 * GWEI;
	target(&b, 25); /* a newer checkpoint rides along */
	b.now += config.resubmit_ms;
	poll(&b);
	new = carry(&b);
	assert_int_equal(new.nonce, old.nonce);
	assert_int_equal(new.target.size, 25);
	assert_int_equal(new.from_size, 0);
	assert_int_equal(new.max_fee, 50 * GWEI + new.tip);
	assert_int_equal(new.tip, 11 * GWEI / 1000);
	answer(&b, &new, SENDER_ACCEPTED);
	b.now += 2000;
	mine(&b, &new, 101, 0xb1, true);
	poll(&b);
	expect_rest(&b);
	finalize(&b);
	poll(&b);
	assert_int_equal(b.sender.count, 0); /* the old one is forgotten with its nonce */
}

/* txmgr ConfirmsMinGasPriceAfterBumping: the old attempt wins after all */
static void test_old_attempt_wins(void **state)
{
	struct bench b;
	struct sender_attempt old, new, next;

	(void)state;
	start(&b);
	old = launch(&b, 10, SENDER_ACCEPTED);
	b.now += config.resubmit_ms;
	target(&b, 25);
	poll(&b);
	new = carry(&b);
	answer(&b, &new, SENDER_ACCEPTED);
	mine(&b, &old, 101, 0xb1, true);
	b.now += config.interval_ms;
	poll(&b); /* 25 is still to be anchored: by the next nonce, from the head the old one made */
	next = carry(&b);
	assert_int_equal(next.nonce, 6);
	assert_int_equal(next.from_size, 10);
	assert_int_equal(next.target.size, 25);
}

/* E: blocks removed, the transaction not put back; the nonce rewinds. txmgr ReorgingTxResetsAbort */
static void test_reorg_unmines(void **state)
{
	struct bench b;
	struct sender_attempt attempt, again;

	(void)state;
	start(&b);
	attempt = launch(&b, 10, SENDER_ACCEPTED);
	mine(&b, &attempt, 101, 0xb1, true);
	poll(&b);
	b.now += 10 * config.resubmit_ms;
	b.view.receipt_count = 0;
	b.view.latest.nonce = 5;
	b.view.latest.head = head_of(0);
	poll(&b);
	again = expect(&b, SENDER_BROADCAST); /* the stored bytes first, whatever their age */
	assert_memory_equal(again.hash, attempt.hash, 32);
	answer(&b, &again, SENDER_ACCEPTED);
	b.now += 2000;
	poll(&b);
	expect_rest(&b);
	b.now += config.resubmit_ms;
	poll(&b);
	expect(&b, SENDER_ESTIMATE); /* and only then a better price */
}

/* G: the same hash in another block; finality of the old height says nothing */
static void test_reorg_moves_the_block(void **state)
{
	struct bench b;
	struct sender_attempt attempt;

	(void)state;
	start(&b);
	attempt = launch(&b, 10, SENDER_ACCEPTED);
	mine(&b, &attempt, 101, 0xb1, true);
	poll(&b);
	b.receipts[0].block = 103;
	fill(b.receipts[0].block_hash, 0xb3);
	fill(b.receipts[0].canonical_hash, 0xb3);
	b.view.latest.number = 103;
	b.view.finalized.number = 102;
	poll(&b);
	assert_null(find(&b, SENDER_FORGET));
	assert_int_equal(b.sender.attempts[0].block, 103);
	b.view.finalized.number = 103;
	poll(&b);
	expect(&b, SENDER_FORGET);
}

/* A receipt whose block is no longer the one at its height: an old answer from somebody's cache */
static void test_receipt_of_an_orphan(void **state)
{
	struct bench b;
	struct sender_attempt attempt;

	(void)state;
	start(&b);
	attempt = launch(&b, 10, SENDER_ACCEPTED);
	mine(&b, &attempt, 101, 0xb1, true);
	fill(b.receipts[0].canonical_hash, 0xee);
	b.view.latest.nonce = 5;
	b.view.latest.head = head_of(0);
	b.view.finalized.number = 200;
	poll(&b);
	assert_null(find(&b, SENDER_FORGET));
	assert_false(b.sender.attempts[0].included);
}

/* Flashblocks: "a receipt can appear before its block exists" */
static void test_preconfirmation_is_not_inclusion(void **state)
{
	struct bench b;
	struct sender_attempt attempt;

	(void)state;
	start(&b);
	attempt = launch(&b, 10, SENDER_ACCEPTED);
	mine(&b, &attempt, 101, 0xb1, true);
	b.view.latest = (struct sender_block){.number = 100, .nonce = 5};
	poll(&b);
	assert_false(b.sender.attempts[0].included);
	expect_rest(&b);
}

/* I, J: a reorganisation past `finalized` */
static void test_finality_violated(void **state)
{
	struct bench b;
	struct sender_attempt attempt;

	(void)state;
	start(&b);
	attempt = launch(&b, 10, SENDER_ACCEPTED);
	mine(&b, &attempt, 101, 0xb1, true);
	finalize(&b);
	poll(&b);
	b.view.latest.nonce = 5;
	b.view.latest.head = b.view.finalized.head = head_of(0);
	b.now += 2 * config.interval_ms;
	poll(&b);
	expect_alarm(&b, SENDER_ALARM_FINALITY);
	assert_null(find(&b, SENDER_ESTIMATE)); /* a nonce below a final one is never signed again */
	poll(&b);
	expect_rest(&b); /* told once */
}

/* txmgr SigningFails, EstimateGasFails: the nonce is not burnt */
static void test_failures_before_sending(void **state)
{
	static const enum sender_event_kind failures[] = {SENDER_ESTIMATE_FAILED, SENDER_SIGN_FAILED,
							  SENDER_STORE_FAILED};
	struct bench b;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sender_attempt attempt;

		start(&b);
		target(&b, 10);
		poll(&b);
		if (failures[i] != SENDER_ESTIMATE_FAILED)
			step(&b, (struct sender_event){.kind = SENDER_ESTIMATED, .gas = 80000});
		if (failures[i] == SENDER_STORE_FAILED)
			step(&b, (struct sender_event){.kind = SENDER_SIGNED, .hash = {1}});
		step(&b, (struct sender_event){.kind = failures[i]});
		assert_int_equal(b.count, 0);
		assert_int_equal(b.sender.count, 0);
		b.now += 2000;
		poll(&b);
		attempt = carry(&b);
		assert_int_equal(attempt.nonce, 5);
	}
}

static void revert_estimate(struct bench *b)
{
	expect(b, SENDER_ESTIMATE);
	step(b, (struct sender_event){.kind = SENDER_ESTIMATE_REVERT});
	expect(b, SENDER_READ);
}

static void test_unexplained_estimate_revert_halts(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	target(&b, 10);
	poll(&b);
	revert_estimate(&b);
	assert_null(find(&b, SENDER_ALARM)); /* the head is read first */
	poll(&b);
	revert_estimate(&b);
	expect_alarm(&b, SENDER_ALARM_REVERT);
	b.now += 10 * config.interval_ms;
	poll(&b);
	expect_rest(&b);
	step(&b, (struct sender_event){.kind = SENDER_RESUME});
	expect(&b, SENDER_READ);
	poll(&b);
	expect(&b, SENDER_ESTIMATE);
}

/* Somebody else anchored in between: the revert is explained, and success is success whoever paid. */
static void test_explained_revert_goes_on(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	target(&b, 10);
	poll(&b);
	revert_estimate(&b);
	b.view.latest.head = head_of(10);
	poll(&b);
	expect_rest(&b);
	target(&b, 20);
	b.now += config.interval_ms;
	poll(&b);
	assert_int_equal(carry(&b).from_size, 10);
}

static void test_halt_ends_when_the_head_moves(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	target(&b, 10);
	poll(&b);
	revert_estimate(&b);
	poll(&b);
	revert_estimate(&b);
	b.view.latest.head = head_of(7);
	poll(&b);
	assert_int_equal(expect(&b, SENDER_ESTIMATE).from_size, 7);
}

/* txmgr ReturnsReceiptAfterFailure: included and reverted, twice at the same head */
static void test_mined_reverts(void **state)
{
	struct bench b;
	struct sender_attempt attempt;

	(void)state;
	start(&b);
	attempt = launch(&b, 10, SENDER_ACCEPTED);
	mine(&b, &attempt, 101, 0xb1, false);
	poll(&b);
	expect_rest(&b); /* one may happen; the interval still holds */
	b.now += config.interval_ms;
	poll(&b);
	attempt = carry(&b);
	assert_int_equal(attempt.nonce, 6);
	answer(&b, &attempt, SENDER_ACCEPTED);
	mine(&b, &attempt, 102, 0xb2, false);
	poll(&b);
	expect_alarm(&b, SENDER_ALARM_REVERT);
	b.now += config.interval_ms;
	poll(&b);
	expect_rest(&b);
}

static void test_mined_revert_explained_by_the_head(void **state)
{
	struct bench b;
	struct sender_attempt attempt;

	(void)state;
	start(&b);
	attempt = launch(&b, 10, SENDER_ACCEPTED);
	mine(&b, &attempt, 101, 0xb1, false);
	b.view.latest.head = head_of(10); /* another submitter came first */
	poll(&b);
	expect_rest(&b);
	assert_int_equal(b.sender.refusals, 0);
}

/* txmgr RetriesUnbumpableTx: at the cap the old bytes are kept alive */
static void test_fee_cap(void **state)
{
	struct bench b;
	struct sender_attempt old, again;

	(void)state;
	start(&b);
	b.view.base_fee = 95 * GWEI;
	old = launch(&b, 10, SENDER_ACCEPTED);
	assert_int_equal(old.max_fee, config.fee_cap);
	b.now += config.resubmit_ms;
	poll(&b);
	expect_alarm(&b, SENDER_ALARM_FEE_CAP);
	again = expect(&b, SENDER_BROADCAST);
	assert_memory_equal(again.hash, old.hash, 32);
	answer(&b, &again, SENDER_ACCEPTED);
	b.now += config.rebroadcast_ms;
	poll(&b);
	assert_null(find(&b, SENDER_ALARM)); /* told once */
	expect(&b, SENDER_BROADCAST);
}

static void test_nothing_is_opened_above_the_cap(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	b.view.base_fee = 101 * GWEI;
	target(&b, 10);
	poll(&b);
	step(&b, (struct sender_event){.kind = SENDER_ESTIMATED, .gas = 80000});
	expect_alarm(&b, SENDER_ALARM_FEE_CAP);
	assert_null(find(&b, SENDER_SIGN));
	b.view.base_fee = GWEI;
	poll(&b);
	carry(&b);
}

static void test_underpriced_bumps_once_a_poll(void **state)
{
	struct bench b;
	struct sender_attempt first, second;

	(void)state;
	start(&b);
	first = launch(&b, 10, sender_classify("replacement transaction underpriced", 35));
	expect_rest(&b);
	poll(&b);
	second = carry(&b);
	assert_int_equal(second.nonce, first.nonce);
	assert_int_equal(second.tip, first.tip + first.tip / 10);
	answer(&b, &second, SENDER_ACCEPTED);
	poll(&b);
	expect_rest(&b);
}

/* both fees at least ceil(x 1.10) and at least one more; txmgr IncreaseGasPrice table */
static void test_bump_table(void **state)
{
	static const struct {
		uint64_t max_fee, tip, base_fee, market_tip, want_max, want_tip;
	} rows[] = {
		/* nothing moved: ceil(10 %) on both */
		{1000, 100, 50, 100, 1100, 110},
		{1001, 101, 50, 1, 1102, 112},
		{999, 99, 50, 1, 1099, 109},
		{10, 10, 0, 1, 11, 11},
		/* less than ten: at least 1 wei */
		{9, 9, 0, 0, 10, 10},
		{1, 1, 0, 0, 2, 2},
		{0, 0, 0, 0, 1, 1},
		/* the market asks more than 10 % for the tip only, for the base only, for both */
		{1000, 100, 50, 500, 1100, 500},
		{1000, 100, 500, 100, 5110, 110},
		{1000, 100, 500, 500, 5500, 500},
		/* the market fell: never lower than the bump */
		{1000000, 100000, 1, 1, 1100000, 110000},
		/* the tip alone would pass max fee */
		{1000, 1000, 90, 1200, 2100, 1200},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sender_config cheap = config;
		struct sender_attempt stuck = {.nonce = 5, .gas = 80000, .target = head_of(10)}, new;
		struct bench b;

		start(&b);
		cheap.tip_min = 0;
		sender_init(&b.sender, &cheap, b.now);
		stuck.max_fee = rows[i].max_fee;
		stuck.tip = rows[i].tip;
		fill(stuck.hash, 0x77);
		assert_int_equal(sender_restore(&b.sender, &stuck), 0);
		b.view.base_fee = rows[i].base_fee;
		b.view.tip = rows[i].market_tip;
		poll(&b);
		stuck = expect(&b, SENDER_BROADCAST);
		answer(&b, &stuck, SENDER_ACCEPTED);
		b.now += config.resubmit_ms;
		poll(&b);
		new = carry(&b);
		if (new.max_fee != rows[i].want_max || new.tip != rows[i].want_tip)
			fail_msg("row %zu: %llu/%llu", i, (unsigned long long)new.max_fee, (unsigned long long)new.tip);
		assert_int_equal(new.gas, 80000);
	}
}

static void test_fees_saturate(void **state)
{
	struct sender_config any = config;
	struct sender_attempt stuck = {.nonce = 5,
				       .max_fee = UINT64_MAX - 1,
				       .tip = UINT64_MAX - 1,
				       .target = head_of(10)},
			      new;
	struct bench b;

	(void)state;
	start(&b);
	any.fee_cap = UINT64_MAX;
	sender_init(&b.sender, &any, b.now);
	assert_int_equal(sender_restore(&b.sender, &stuck), 0);
	b.view.base_fee = b.view.tip = b.view.l1_fee = UINT64_MAX;
	poll(&b);
	stuck = expect(&b, SENDER_BROADCAST);
	answer(&b, &stuck, SENDER_ACCEPTED);
	b.now += config.resubmit_ms;
	poll(&b);
	expect(&b, SENDER_ESTIMATE);
	step(&b, (struct sender_event){.kind = SENDER_ESTIMATED, .gas = UINT64_MAX});
	expect_alarm(&b, SENDER_ALARM_FUNDS);
	assert_null(find(&b, SENDER_ESTIMATE)); /* not asked again in a tight loop */
	new = b.sender.draft;
	assert_int_equal(new.max_fee, UINT64_MAX);
}

/* The node's own check leaves the L1 fee out; ours does not. */
static void test_funds(void **state)
{
	struct bench b;
	uint64_t need = 80000 * (GWEI / 10 + GWEI / 100);

	(void)state;
	start(&b);
	b.view.l1_fee = 1000000;
	b.view.balance = need + 2 * b.view.l1_fee - 1;
	target(&b, 10);
	poll(&b);
	step(&b, (struct sender_event){.kind = SENDER_ESTIMATED, .gas = 80000});
	expect_alarm(&b, SENDER_ALARM_FUNDS);
	assert_null(find(&b, SENDER_SIGN));
	b.view.balance++;
	poll(&b);
	carry(&b);
}

/* A restart between STORED and BROADCAST, or after it: the stored bytes go out again, and no second nonce with them. */
static void test_restart(void **state)
{
	struct bench b;
	struct sender_attempt one = {.nonce = 5, .gas = 80000, .max_fee = 100, .tip = 10, .target = head_of(10)}, two,
			      sent;

	(void)state;
	start(&b);
	two = one;
	two.max_fee = 110;
	two.tip = 11;
	one.included = one.sent = one.accepted = true; /* stale flags of the former life */
	fill(one.hash, 1);
	fill(two.hash, 2);
	sender_init(&b.sender, &config, b.now - 1000);
	assert_int_equal(sender_restore(&b.sender, &one), 0);
	assert_int_equal(sender_restore(&b.sender, &two), 0);
	target(&b, 30);
	expect_rest(&b); /* nothing before the chain was read */
	poll(&b);
	sent = expect(&b, SENDER_BROADCAST);
	assert_memory_equal(sent.hash, two.hash, 32);
	answer(&b, &sent, SENDER_ACCEPTED);
	b.now += 2000;
	poll(&b);
	expect_rest(&b);
	mine(&b, &one, 101, 0xb1, true); /* both were out: the older may win */
	b.now += config.interval_ms;
	poll(&b);
	sent = carry(&b);
	assert_int_equal(sent.nonce, 6);
	assert_int_equal(sent.from_size, 10);
	assert_int_equal(sender_restore(&b.sender, &one), -EINVAL);
}

static void test_restart_after_it_was_mined(void **state)
{
	struct bench b;
	struct sender_attempt one = {.nonce = 5, .target = head_of(10)};

	(void)state;
	start(&b);
	fill(one.hash, 1);
	assert_int_equal(sender_restore(&b.sender, &one), 0);
	mine(&b, &one, 101, 0xb1, true);
	target(&b, 10);
	poll(&b);
	expect_rest(&b);
	assert_non_null(find(&b, SENDER_REACHED));
}

/* txmgr SafeAbortIfNonceTooLowPersists: used, final, and by none of ours */
static void test_lost(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	launch(&b, 10, SENDER_ACCEPTED);
	b.view.latest.nonce = 6;
	b.now += 10 * config.interval_ms;
	poll(&b);
	expect_rest(&b); /* used at `latest` only: the receipt may lag, and nothing new is opened meanwhile */
	b.view.finalized.nonce = 6;
	for (unsigned i = 0; i < 4; i++) {
		poll(&b);
		expect_rest(&b);
	}
	poll(&b);
	expect_alarm(&b, SENDER_ALARM_LOST);
	target(&b, 20);
	b.now += 10 * config.interval_ms;
	poll(&b);
	expect_rest(&b);
	step(&b, (struct sender_event){.kind = SENDER_RESUME});
	poll(&b);
	assert_int_equal(carry(&b).nonce, 6);
}

static void test_late_receipt_is_not_lost(void **state)
{
	struct bench b;
	struct sender_attempt attempt;

	(void)state;
	start(&b);
	attempt = launch(&b, 10, SENDER_ACCEPTED);
	b.view.latest.nonce = b.view.finalized.nonce = 6;
	b.view.latest.number = b.view.finalized.number = 101;
	poll(&b);
	poll(&b);
	mine(&b, &attempt, 101, 0xb1, true);
	poll(&b);
	assert_null(find(&b, SENDER_ALARM));
	expect(&b, SENDER_FORGET);
}

static void test_gap(void **state)
{
	struct bench b;
	struct sender_attempt ahead = {.nonce = 7, .target = head_of(10)};

	(void)state;
	start(&b);
	fill(ahead.hash, 1);
	assert_int_equal(sender_restore(&b.sender, &ahead), 0);
	target(&b, 10);
	poll(&b);
	ahead = expect(&b, SENDER_BROADCAST);
	for (unsigned i = 0; i < 4; i++) {
		answer(&b, &ahead, SENDER_NONCE_TOO_HIGH);
		assert_null(find(&b, SENDER_ALARM));
		poll(&b);
	}
	expect_alarm(&b, SENDER_ALARM_GAP);
	assert_null(find(&b, SENDER_ESTIMATE)); /* never a second nonce */
}

static void test_conflict_and_ahead(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	target(&b, 10);
	b.view.latest.head = head_of(10);
	b.view.latest.head.root.bytes[0] ^= 1;
	poll(&b);
	expect_alarm(&b, SENDER_ALARM_CONFLICT);
	start(&b);
	target(&b, 10);
	target(&b, 10);
	expect_rest(&b);
	b.view.latest.head = head_of(11);
	poll(&b);
	expect_alarm(&b, SENDER_ALARM_AHEAD);
	assert_null(find(&b, SENDER_ESTIMATE));
	target(&b, 12); /* the log caught up */
	poll(&b);
	assert_int_equal(expect(&b, SENDER_ESTIMATE).from_size, 11);
	start(&b);
	target(&b, 10);
	step(&b, (struct sender_event){.kind = SENDER_TARGET, .target = {.size = 10}}); /* two roots for one size */
	assert_true(b.sender.conflict);
	poll(&b);
	expect_alarm(&b, SENDER_ALARM_CONFLICT);
	assert_null(find(&b, SENDER_ESTIMATE));
}

static void test_cadence_table(void **state)
{
	static const struct {
		uint64_t waited, entries, budget;
		bool due;
	} rows[] = {
		{59999, 1, 0, false},
		{60000, 1, 0, true},
		{0, 9999, 0, false},
		{0, 10000, 0, true},
		{60000, 0, 0, false},
		{UINT64_C(86400000), 0, 0, false},
		/* an anchor costs 110000 gas at 0.02 gwei = 2.2e12 wei: a budget of 1440 of them a day is one a minute
		 */
		{60000, 1, UINT64_C(1440) * 2200000000000, true},
		{59999, 20000, UINT64_C(1440) * 2200000000000, false},
		{60000, 20000, UINT64_C(720) * 2200000000000, false},
		{120000, 1, UINT64_C(720) * 2200000000000, true},
		/* however small, the heartbeat stays */
		{86399999, 20000, 1, false},
		{86400000, 1, 1, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sender_config with_budget = config;
		struct bench b;

		start(&b);
		with_budget.daily_budget = rows[i].budget;
		b.now = UINT64_C(1777593600000);
		sender_init(&b.sender, &with_budget, b.now - rows[i].waited);
		b.view.latest.head = head_of(100);
		target(&b, 100 + rows[i].entries);
		poll(&b);
		if ((find(&b, SENDER_ESTIMATE) != NULL) != rows[i].due)
			fail_msg("row %zu", i);
	}
}

/* One unconfirmed nonce at a time, however much there is to say. */
static void test_no_second_nonce(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	launch(&b, 10, SENDER_ACCEPTED);
	for (unsigned i = 1; i < 9; i++) {
		target(&b, 10 + 20000 * i);
		b.now += 1000;
		poll(&b);
		expect_rest(&b);
	}
}

static void test_stale_estimates_and_stray_answers(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	target(&b, 10);
	poll(&b);
	expect(&b, SENDER_ESTIMATE);
	b.view.latest.head = head_of(4); /* the chain moved under the estimate */
	poll(&b);
	expect_rest(&b);
	step(&b, (struct sender_event){.kind = SENDER_ESTIMATED, .gas = 80000});
	assert_null(find(&b, SENDER_SIGN));
	poll(&b);
	assert_int_equal(expect(&b, SENDER_ESTIMATE).from_size, 4);
	step(&b, (struct sender_event){.kind = SENDER_STORED});
	step(&b, (struct sender_event){.kind = SENDER_SIGNED});
	step(&b, (struct sender_event){.kind = SENDER_SENT});
	assert_int_equal(b.count, 0);
	assert_int_equal(b.sender.phase, SENDER_ESTIMATING);
}

/* The replacement's target is in the contract already: it cannot be estimated, yet the nonce must be used up. */
static void test_nonce_is_used_up_when_others_anchored(void **state)
{
	struct bench b;
	struct sender_attempt old, new;

	(void)state;
	start(&b);
	old = launch(&b, 10, SENDER_ACCEPTED);
	b.view.latest.head = head_of(10);
	b.now += config.resubmit_ms;
	poll(&b);
	new = expect(&b, SENDER_SIGN);
	assert_int_equal(new.nonce, old.nonce);
	assert_int_equal(new.gas, old.gas);
	assert_true(new.max_fee > old.max_fee);
}

/* A replacement is being signed or stored while the older attempt becomes final: it comes too late, and is not "lost".
 */
static void test_late_replacement_of_a_final_nonce(void **state)
{
	struct sender_attempt old;
	struct bench b;

	(void)state;
	for (unsigned late_store = 0; late_store < 2; late_store++) {
		start(&b);
		old = launch(&b, 10, SENDER_ACCEPTED);
		b.now += config.resubmit_ms;
		poll(&b);
		step(&b, (struct sender_event){.kind = SENDER_ESTIMATED, .gas = 80000});
		expect(&b, SENDER_SIGN);
		if (late_store)
			step(&b, (struct sender_event){.kind = SENDER_SIGNED, .hash = {9}});
		mine(&b, &old, 101, 0xb1, true);
		finalize(&b);
		poll(&b);
		expect(&b, SENDER_FORGET);
		if (late_store) {
			step(&b, (struct sender_event){.kind = SENDER_STORED});
			assert_int_equal(expect(&b, SENDER_FORGET).nonce, old.nonce);
		} else {
			step(&b, (struct sender_event){.kind = SENDER_SIGNED, .hash = {9}});
			assert_int_equal(b.count, 0);
		}
		assert_int_equal(b.sender.count, 0);
		for (unsigned i = 0; i < 8; i++) {
			poll(&b);
			assert_int_equal(b.count, 0);
		}
	}
}

/* The receipt is there and the count of the same block is not: two nodes behind one address. */
static void test_count_behind_the_receipt(void **state)
{
	struct sender_attempt attempt;
	struct bench b;

	(void)state;
	start(&b);
	attempt = launch(&b, 10, SENDER_ACCEPTED);
	mine(&b, &attempt, 101, 0xb1, true);
	b.view.latest.nonce = 5;
	target(&b, 20);
	b.now += config.interval_ms;
	poll(&b);
	expect_rest(&b); /* neither sent again nor a second nonce */
}

/* txmgr: "gas re-estimated at each bump, never lowered" */
static void test_gas_is_never_lowered(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	launch(&b, 10, SENDER_ACCEPTED);
	b.now += config.resubmit_ms;
	poll(&b);
	step(&b, (struct sender_event){.kind = SENDER_ESTIMATED, .gas = 50000});
	assert_int_equal(expect(&b, SENDER_SIGN).gas, 80000);
}

/* A reorganisation during the estimate makes another nonce the unconfirmed one. */
static void test_estimate_overtaken_by_a_reorganisation(void **state)
{
	struct sender_attempt attempt;
	struct bench b;

	(void)state;
	start(&b);
	attempt = launch(&b, 10, SENDER_ACCEPTED);
	mine(&b, &attempt, 101, 0xb1, false);
	b.now += config.interval_ms;
	poll(&b);
	assert_int_equal(expect(&b, SENDER_ESTIMATE).nonce, 6);
	b.view.receipt_count = 0;
	b.view.latest.nonce = 5;
	poll(&b);
	step(&b, (struct sender_event){.kind = SENDER_ESTIMATED, .gas = 80000});
	assert_null(find(&b, SENDER_SIGN));
	assert_memory_equal(expect(&b, SENDER_BROADCAST).hash, attempt.hash, 32);
}

/* Mined and not yet final attempts fill the table: nothing new is opened, until some are final. */
static void test_full(void **state)
{
	const unsigned held = SENDER_ATTEMPTS_MAX - SENDER_BUMPS_MAX + 1;
	static struct sender_receipt receipts[SENDER_ATTEMPTS_MAX];
	struct bench b;

	(void)state;
	start(&b);
	for (unsigned i = 0; i < held; i++) {
		struct sender_attempt attempt = {.nonce = i, .target = head_of(i + 1)};

		fill(attempt.hash, i);
		fill(receipts[i].hash, i);
		receipts[i].block = i + 1;
		receipts[i].success = true;
		assert_int_equal(sender_restore(&b.sender, &attempt), 0);
	}
	b.view.latest = (struct sender_block){.number = 100, .nonce = held, .head = head_of(held)};
	b.view.finalized = (struct sender_block){0};
	b.view.receipt_count = held;
	b.view.receipts = receipts;
	target(&b, 1000);
	step(&b, (struct sender_event){.kind = SENDER_VIEW, .view = b.view});
	expect_alarm(&b, SENDER_ALARM_FULL);
	assert_null(find(&b, SENDER_ESTIMATE));
	b.view.finalized = (struct sender_block){.number = 4, .nonce = 4};
	step(&b, (struct sender_event){.kind = SENDER_VIEW, .view = b.view});
	assert_int_equal(b.sender.count, held - 4);
	assert_int_equal(expect(&b, SENDER_ESTIMATE).nonce, held);
}

static void test_restore_is_bounded(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	for (unsigned i = 0; i < SENDER_ATTEMPTS_MAX; i++)
		assert_int_equal(sender_restore(&b.sender, &(struct sender_attempt){.nonce = i}), 0);
	assert_int_equal(sender_restore(&b.sender, &(struct sender_attempt){0}), -ENOSPC);
}

static void test_error_texts(void **state)
{
	static const struct {
		const char *text;
		enum sender_outcome outcome;
	} rows[] = {
		/* geth */
		{"already known", SENDER_ACCEPTED},
		{"nonce too low: next nonce 7, tx nonce 6", SENDER_NONCE_TOO_LOW},
		{"nonce too high", SENDER_NONCE_TOO_HIGH},
		{"replacement transaction underpriced: new tx gas fee cap 1 <= 2 queued", SENDER_UNDERPRICED},
		{"transaction underpriced: gas tip cap 0, minimum needed 1", SENDER_UNDERPRICED},
		{"max fee per gas less than block base fee: address 0x0, maxFeePerGas: 1, baseFee: 7",
		 SENDER_FEE_TOO_LOW},
		{"insufficient funds for gas * price + value: balance 0, tx cost 1", SENDER_NO_FUNDS},
		/* reth */
		{"replacement transaction underpriced", SENDER_UNDERPRICED},
		{"max fee per gas less than block base fee", SENDER_FEE_TOO_LOW},
		/* anvil */
		{"transaction already imported", SENDER_ACCEPTED},
		{"nonce too low", SENDER_NONCE_TOO_LOW},
		{"Insufficient funds for gas * price + value", SENDER_NO_FUNDS},
		/* others: Besu, Nethermind, gateways */
		{"Nonce too far in the future", SENDER_NONCE_TOO_HIGH},
		{"tx nonce exceeds next nonce", SENDER_NONCE_TOO_HIGH},
		{"nonce out of range", SENDER_NONCE_TOO_HIGH},
		{"tx-nonce-too-high", SENDER_NONCE_TOO_HIGH},
		{"Nonce is too low", SENDER_NONCE_TOO_LOW},
		{"OldNonce, Current nonce: 7", SENDER_NONCE_TOO_LOW},
		{"AlreadyKnown", SENDER_ACCEPTED},
		{"Known transaction", SENDER_ACCEPTED},
		{"Transaction with the same hash was already imported.", SENDER_ACCEPTED},
		{"ReplacementNotAllowed", SENDER_UNDERPRICED},
		{"FeeTooLow, MaxFeePerGas too low", SENDER_FEE_TOO_LOW},
		{"InsufficientFunds, Balance is zero", SENDER_NO_FUNDS},
		/* and nothing that can be relied on */
		{"unknown transaction", SENDER_UNKNOWN},
		{"", SENDER_UNKNOWN},
		{"timeout", SENDER_UNKNOWN},
		{"429 Too Many Requests", SENDER_UNKNOWN},
		{"nonce", SENDER_UNKNOWN},
		{"header not found", SENDER_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (sender_classify(rows[i].text, strlen(rows[i].text)) != rows[i].outcome)
			fail_msg("misread: %s", rows[i].text);
	assert_int_equal(sender_classify("nonce too low", 12), SENDER_UNKNOWN); /* the length is obeyed */
}

static void test_alarm_names_differ(void **state)
{
	(void)state;
	for (int a = SENDER_ALARM_LOST; a <= SENDER_ALARM_FULL; a++)
		for (int b = SENDER_ALARM_LOST; b < a; b++)
			assert_string_not_equal(sender_alarm_name((enum sender_alarm)a),
						sender_alarm_name((enum sender_alarm)b));
	assert_string_equal(sender_alarm_name((enum sender_alarm)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_checkpoint_to_final),
		cmocka_unit_test(test_lost_response),
		cmocka_unit_test(test_nonce_too_low_after_mining),
		cmocka_unit_test(test_lost_request),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_replacement),
		cmocka_unit_test(test_old_attempt_wins),
		cmocka_unit_test(test_reorg_unmines),
		cmocka_unit_test(test_reorg_moves_the_block),
		cmocka_unit_test(test_receipt_of_an_orphan),
		cmocka_unit_test(test_preconfirmation_is_not_inclusion),
		cmocka_unit_test(test_finality_violated),
		cmocka_unit_test(test_failures_before_sending),
		cmocka_unit_test(test_unexplained_estimate_revert_halts),
		cmocka_unit_test(test_explained_revert_goes_on),
		cmocka_unit_test(test_halt_ends_when_the_head_moves),
		cmocka_unit_test(test_mined_reverts),
		cmocka_unit_test(test_mined_revert_explained_by_the_head),
		cmocka_unit_test(test_fee_cap),
		cmocka_unit_test(test_nothing_is_opened_above_the_cap),
		cmocka_unit_test(test_underpriced_bumps_once_a_poll),
		cmocka_unit_test(test_bump_table),
		cmocka_unit_test(test_fees_saturate),
		cmocka_unit_test(test_funds),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_restart_after_it_was_mined),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_late_receipt_is_not_lost),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_conflict_and_ahead),
		cmocka_unit_test(test_cadence_table),
		cmocka_unit_test(test_no_second_nonce),
		cmocka_unit_test(test_stale_estimates_and_stray_answers),
		cmocka_unit_test(test_nonce_is_used_up_when_others_anchored),
		cmocka_unit_test(test_late_replacement_of_a_final_nonce),
		cmocka_unit_test(test_count_behind_the_receipt),
		cmocka_unit_test(test_gas_is_never_lowered),
		cmocka_unit_test(test_estimate_overtaken_by_a_reorganisation),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_restore_is_bounded),
		cmocka_unit_test(test_error_texts),
		cmocka_unit_test(test_alarm_names_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
