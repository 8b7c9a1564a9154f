/* The sender against a small model of a chain that drops, reorders, reorganises, lags and forgets answers, while the
 * sender's process is killed now and then. What must hold at every instant is asserted where it happens; in the end,
 * when the weather is calm again, everything must be anchored and final. Seeds are fixed: a failure can be repeated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "anchor/sender.h"

#define BLOCKS_MAX 4096
#define ATTEMPTS_MAX 4096
#define NONE UINT32_MAX
#define SEEDS 300u

static const struct sender_config config = {
	.interval_ms = 6000,
	.entries_max = 500,
	.heartbeat_ms = 86400000,
	.resubmit_ms = 8000,
	.rebroadcast_ms = 4000,
	.fee_cap = UINT64_C(1000000000000),
	.tip_min = 10,
	.base_multiple = 3,
};

struct block {
	uint32_t id; /* its hash */
	uint32_t tx; /* the attempt it includes, or NONE */
	bool success;
	uint64_t nonce;
	struct sender_head head;
};

struct world {
	uint64_t seed, now;
	bool calm;
	/* the chain */
	struct block blocks[BLOCKS_MAX];
	uint32_t height, next_id;
	uint64_t base_fee;
	uint32_t pool[64], pooled;
	/* all attempts ever signed; the store survives crashes */
	struct sender_attempt attempts[ATTEMPTS_MAX];
	bool stored[ATTEMPTS_MAX], sent[ATTEMPTS_MAX], forgotten[ATTEMPTS_MAX];
	uint32_t attempt_count;
	uint64_t last_at, forgotten_nonces; /* below it */
	/* our side */
	struct sender sender;
	struct sender_head target;
	struct sender_block viewed;
	bool answering;
	struct sender_action open;
	uint64_t answer_at;
	unsigned reorgs, crashes, replacements, reverts, alarms[16];
};

static uint64_t rnd(struct world *w, uint64_t below)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return (w->seed >> 11) % below;
}

/* A fault of that probability in percent, in bad weather. */
static bool fault(struct world *w, unsigned percent)
{
	return !w->calm && rnd(w, 100) < percent;
}

static struct sender_head head_of(uint64_t size)
{
	struct sender_head head = {.size = size};

	if (size)
		memcpy(head.root.bytes, &size, sizeof(size));
	return head;
}

static uint32_t id_of(const uint8_t hash[static 32])
{
	uint32_t id;

	memcpy(&id, hash, sizeof(id));
	return id - 1;
}

static void hash_of(uint8_t hash[static 32], uint32_t id)
{
	id++;
	memset(hash, 0, 32);
	memcpy(hash, &id, sizeof(id));
}

static const struct block *tip_of(const struct world *w)
{
	return &w->blocks[w->height];
}

static bool would_succeed(const struct sender_head *head, const struct sender_attempt *attempt)
{
	if (attempt->target.size == head->size)
		return true; /* "returns quietly if that root is already there" */
	return attempt->from_size == head->size && attempt->target.size > head->size;
}

static void unpool(struct world *w, uint32_t at)
{
	w->pool[at] = w->pool[--w->pooled];
}

static void mine(struct world *w)
{
	struct block block = *tip_of(w);

	block.id = w->next_id++;
	block.tx = NONE;
	if (w->height + 1 == BLOCKS_MAX)
		fail_msg("the model chain is too long");
	for (uint32_t i = w->pooled; i-- > 0;) {
		const struct sender_attempt *attempt = &w->attempts[w->pool[i]];

		if (attempt->nonce < block.nonce) {
			unpool(w, i);
		} else if (attempt->nonce == block.nonce && attempt->max_fee >= w->base_fee && block.tx == NONE &&
			   !fault(w, 30)) {
			block.tx = w->pool[i];
			block.nonce++;
			block.success = would_succeed(&block.head, attempt);
			if (block.success)
				block.head = attempt->target;
			else
				w->reverts++;
			unpool(w, i);
		}
	}
	if (fault(w, 1) && w->target.size > block.head.size)
		block.head = w->target; /* "open to any submitter" */
	w->blocks[++w->height] = block;
}

static uint32_t final_height(const struct world *w)
{
	return w->height < 8 ? 0 : w->height - 8;
}

static void reorganise(struct world *w)
{
	uint32_t depth = 1 + (uint32_t)rnd(w, 6);

	if (w->height < 8 || depth > w->height - final_height(w))
		return;
	w->reorgs++;
	for (uint32_t i = 0; i < depth; i++, w->height--)
		if (tip_of(w)->tx != NONE && rnd(w, 2) && w->pooled < 64)
			w->pool[w->pooled++] = tip_of(w)->tx;
	/* the finalized block never moves: the new branch is as long at once */
	for (uint32_t i = 0; i <= depth; i++)
		mine(w);
}

static void view_block(const struct world *w, struct sender_block *out, uint32_t height)
{
	*out = (struct sender_block){
		.number = height, .head = w->blocks[height].head, .nonce = w->blocks[height].nonce};
	hash_of(out->hash, w->blocks[height].id);
}

static void carry_out(struct world *w, size_t count, const struct sender_action *actions);

static void deliver(struct world *w, struct sender_event *event)
{
	static struct sender_action actions[SENDER_ACTIONS_MAX];

	event->now = w->now;
	carry_out(w, sender_step(&w->sender, actions, event), actions);
}

static void poll(struct world *w)
{
	static struct sender_receipt receipts[SENDER_ATTEMPTS_MAX];
	struct sender_event event = {.kind = SENDER_VIEW};
	const struct sender_attempt *watched;
	size_t count = sender_watched(&watched, &w->sender);
	uint32_t height = w->height && fault(w, 10) ? w->height - 1 : w->height; /* a node behind the others */

	event.view.receipts = receipts;
	for (uint32_t h = final_height(w) > 40 ? final_height(w) - 40 : 0; h <= w->height; h++) {
		for (size_t i = 0; i < count && w->blocks[h].tx != NONE; i++) {
			struct sender_receipt *receipt = &receipts[event.view.receipt_count];

			if (id_of(watched[i].hash) != w->blocks[h].tx || fault(w, 5))
				continue;
			memcpy(receipt->hash, watched[i].hash, 32);
			receipt->block = h;
			hash_of(receipt->block_hash, w->blocks[h].id);
			hash_of(receipt->canonical_hash, w->blocks[h].id);
			receipt->success = w->blocks[h].success;
			event.view.receipt_count++;
		}
	}
	view_block(w, &event.view.latest, height);
	view_block(w, &event.view.safe, w->height < 4 ? 0 : w->height - 4);
	view_block(w, &event.view.finalized, final_height(w));
	event.view.base_fee = w->base_fee;
	event.view.tip = 10 + rnd(w, 20);
	event.view.balance = UINT64_MAX;
	w->viewed = event.view.latest;
	deliver(w, &event);
}

/* What a node says to raw bytes. */
static enum sender_outcome submit(struct world *w, uint32_t id)
{
	const struct sender_attempt *attempt = &w->attempts[id];

	if (attempt->nonce < tip_of(w)->nonce)
		return SENDER_NONCE_TOO_LOW;
	for (uint32_t i = 0; i < w->pooled; i++) {
		const struct sender_attempt *old = &w->attempts[w->pool[i]];

		if (w->pool[i] == id)
			return SENDER_ACCEPTED; /* already known */
		if (old->nonce != attempt->nonce)
			continue;
		if (attempt->max_fee < old->max_fee + (old->max_fee + 9) / 10 ||
		    attempt->tip < old->tip + (old->tip + 9) / 10)
			return SENDER_UNDERPRICED;
		w->pool[i] = id;
		return SENDER_ACCEPTED;
	}
	if (attempt->max_fee < w->base_fee)
		return SENDER_FEE_TOO_LOW;
	if (w->pooled < 64)
		w->pool[w->pooled++] = id;
	return SENDER_ACCEPTED;
}

static void check_signing(const struct world *w, const struct sender_attempt *draft)
{
	/* one unconfirmed nonce: the one that the chain waits for */
	assert_int_equal(draft->nonce, w->viewed.nonce);
	for (uint32_t i = 0; i < w->attempt_count; i++) {
		const struct sender_attempt *old = &w->attempts[i];

		if (!w->sent[i] || w->forgotten[i] || old->nonce != draft->nonce)
			continue;
		assert_true(draft->max_fee >= old->max_fee + (old->max_fee + 9) / 10 && draft->max_fee > old->max_fee);
		assert_true(draft->tip >= old->tip + (old->tip + 9) / 10 && draft->tip > old->tip);
	}
}

static void check_forgetting(const struct world *w, const struct sender_attempt *attempt)
{
	uint32_t height = final_height(w);

	assert_true(attempt->nonce < w->blocks[height].nonce);
	for (; height > 0; height--)
		if (w->blocks[height].tx != NONE && w->attempts[w->blocks[height].tx].nonce == attempt->nonce)
			return;
	fail_msg("forgotten, and none of its nonce is in a final block");
}

static void carry_out(struct world *w, size_t count, const struct sender_action *actions)
{
	bool read = false;

	for (size_t i = 0; i < count; i++) {
		const struct sender_action *action = &actions[i];

		switch (action->kind) {
		case SENDER_READ:
			read = true;
			break;
		case SENDER_SIGN:
			check_signing(w, &action->attempt);
			w->replacements += action->attempt.nonce < w->sender.latest.nonce + 1 && w->sender.count > 0;
			/* fallthrough */
		case SENDER_ESTIMATE:
		case SENDER_STORE:
		case SENDER_BROADCAST:
			if (action->kind == SENDER_BROADCAST)
				assert_false(w->forgotten[id_of(action->attempt.hash)]);
			assert_false(w->answering); /* one open question at a time */
			w->answering = true;
			w->open = *action;
			w->answer_at = w->now + rnd(w, w->calm ? 1000 : 4000);
			break;
		case SENDER_FORGET:
			check_forgetting(w, &action->attempt);
			for (uint32_t j = 0; j < w->attempt_count; j++)
				w->forgotten[j] |= w->attempts[j].nonce <= action->attempt.nonce;
			if (w->forgotten_nonces <= action->attempt.nonce)
				w->forgotten_nonces = action->attempt.nonce + 1;
			break;
		case SENDER_REACHED:
			break;
		case SENDER_ALARM:
			w->alarms[action->alarm]++;
			break;
		}
	}
	if (read && !w->answering)
		poll(w);
}

static void answer(struct world *w)
{
	struct sender_event event = {.kind = SENDER_SENT, .outcome = SENDER_UNKNOWN};
	const struct sender_action open = w->open;
	uint32_t id;

	w->answering = false;
	switch (open.kind) {
	case SENDER_ESTIMATE:
		event.kind = would_succeed(&tip_of(w)->head, &open.attempt) ? SENDER_ESTIMATED : SENDER_ESTIMATE_REVERT;
		event.gas = 80000;
		if (fault(w, 10))
			event.kind = SENDER_ESTIMATE_FAILED;
		break;
	case SENDER_SIGN:
		event.kind = fault(w, 5) ? SENDER_SIGN_FAILED : SENDER_SIGNED;
		assert_true(w->attempt_count < ATTEMPTS_MAX);
		w->attempts[w->attempt_count] = open.attempt;
		hash_of(event.hash, w->attempt_count);
		hash_of(w->attempts[w->attempt_count].hash, w->attempt_count);
		w->attempt_count++;
		break;
	case SENDER_STORE:
		id = id_of(open.attempt.hash);
		/* "but persisted" and "not persisted": a failure may hide a success */
		event.kind = fault(w, 10) ? SENDER_STORE_FAILED : SENDER_STORED;
		w->stored[id] = event.kind == SENDER_STORED || rnd(w, 2);
		w->attempts[id] = open.attempt;
		w->last_at = w->now;
		break;
	case SENDER_BROADCAST:
		id = id_of(open.attempt.hash);
		w->sent[id] = true;
		assert_true(w->stored[id]); /* nothing is broadcast that was not stored */
		memcpy(event.hash, open.attempt.hash, 32);
		if (!fault(w, 15))
			event.outcome = submit(w, id);
		if (fault(w, 20))
			event.outcome = SENDER_UNKNOWN; /* the answer was lost on the way */
		break;
	case SENDER_READ:
	case SENDER_REACHED:
	case SENDER_FORGET:
	case SENDER_ALARM:
		fail(); /* need no answer */
	}
	deliver(w, &event);
}

static void crash(struct world *w)
{
	w->crashes++;
	w->answering = false;
	sender_init(&w->sender, &config, w->last_at);
	for (uint32_t i = 0; i < w->attempt_count; i++)
		if (w->stored[i] && w->attempts[i].nonce >= w->forgotten_nonces)
			assert_int_equal(sender_restore(&w->sender, &w->attempts[i]), 0);
	deliver(w, &(struct sender_event){.kind = SENDER_TARGET, .target = w->target});
}

static void tick(struct world *w)
{
	w->now += 500;
	if (rnd(w, 4) == 0)
		mine(w);
	if (fault(w, 1))
		reorganise(w);
	if (fault(w, 2) && w->pooled)
		unpool(w, (uint32_t)rnd(w, w->pooled)); /* dropped */
	if (fault(w, 2))
		w->base_fee = 100 + rnd(w, 100000);
	if (w->calm)
		w->base_fee = 100;
	if (!w->calm && rnd(w, 10) == 0) {
		w->target = head_of(w->target.size + 1 + rnd(w, 50));
		deliver(w, &(struct sender_event){.kind = SENDER_TARGET, .target = w->target});
	}
	if (rnd(w, 4) == 0)
		poll(w);
	if (w->answering && w->now >= w->answer_at)
		answer(w);
	if (rnd(w, 400) == 0 && !w->calm)
		crash(w);
}

static void voyage(uint64_t seed, struct world *w)
{
	*w = (struct world){
		.seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1, .now = 1000000, .next_id = 1, .base_fee = 100};
	w->blocks[0] = (struct block){.tx = NONE};
	sender_init(&w->sender, &config, 0);
	for (unsigned i = 0; i < 4000; i++)
		tick(w);
	w->calm = true;
	for (unsigned i = 0; i < 2000; i++)
		tick(w);
	if (w->blocks[final_height(w)].head.size != w->target.size)
		fail_msg("seed %llu: %llu of %llu anchored", (unsigned long long)seed,
			 (unsigned long long)tip_of(w)->head.size, (unsigned long long)w->target.size);
	assert_int_equal(w->sender.count, 0);
	assert_int_equal(w->sender.reached[SENDER_FINALIZED].size, w->target.size);
	assert_false(w->sender.lost || w->sender.conflict);
	assert_int_equal(w->alarms[SENDER_ALARM_CONFLICT], 0);
}

static void test_many_voyages(void **state)
{
	static struct world w;
	unsigned reorgs = 0, crashes = 0, attempts = 0, nonces = 0, reverts = 0, halts = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		voyage(seed, &w);
		reorgs += w.reorgs;
		crashes += w.crashes;
		attempts += w.attempt_count;
		nonces += (unsigned)tip_of(&w)->nonce;
		reverts += w.reverts;
		halts += w.alarms[SENDER_ALARM_REVERT];
	}
	print_message("%u voyages: %u nonces by %u attempts, %u reverts, %u halts, %u reorganisations, %u crashes\n",
		      SEEDS, nonces, attempts, reverts, halts, reorgs, crashes);
	assert_true(reorgs > 100 && crashes > 100 && attempts > nonces); /* the weather was bad */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_voyages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
