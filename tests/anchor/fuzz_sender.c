/* The sender fed with any sequence of events, answered or not, sensible or not: it never broadcasts what was not stored, never has
 * two of its questions open, and never asks for more than its bounds. */
#include "anchor/sender.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

static uint8_t next(struct input *in)
{
	if (in->size == 0)
		return 0;
	in->size--;
	return *in->data++;
}

static struct sender_head head_of(struct input *in)
{
	struct sender_head head = {.size = next(in) % 16};

	memset(head.root.bytes, (int)head.size + (next(in) == 255), 32);
	return head;
}

static struct sender_block block_of(struct input *in)
{
	struct sender_block block = {.number = next(in), .nonce = next(in) % 8, .head = head_of(in)};

	memset(block.hash, (int)block.number + (next(in) == 255), 32);
	return block;
}

static void make_view(struct input *in, struct sender_view *view, struct sender_receipt *receipts, const struct sender *sender)
{
	const struct sender_attempt *watched;
	size_t n = sender_watched(&watched, sender);

	view->latest = block_of(in);
	view->safe = block_of(in);
	view->finalized = block_of(in);
	view->base_fee = (uint64_t)next(in) << (next(in) % 57);
	view->tip = (uint64_t)next(in) << (next(in) % 57);
	view->balance = (uint64_t)next(in) << (next(in) % 57);
	view->receipts = receipts;
	for (size_t i = 0; i < n && i < SENDER_ATTEMPTS_MAX; i++) {
		struct sender_receipt *receipt = &receipts[view->receipt_count];

		if (next(in) < 128)
			continue;
		memset(receipt, 0, sizeof(*receipt));
		memcpy(receipt->hash, watched[i].hash, 32);
		receipt->block = next(in);
		memset(receipt->block_hash, (int)receipt->block, 32);
		memset(receipt->canonical_hash, (int)receipt->block + (next(in) > 200), 32);
		receipt->success = next(in) & 1;
		view->receipt_count++;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sender_config config = {.interval_ms = 1000, .entries_max = 10, .heartbeat_ms = 100000, .resubmit_ms = 2000,
						    .rebroadcast_ms = 1000, .fee_cap = 1000000, .tip_min = 1, .base_multiple = 2};
	static struct sender_action actions[SENDER_ACTIONS_MAX];
	static struct sender_receipt receipts[SENDER_ATTEMPTS_MAX];
	struct input in = {data, size};
	struct sender sender;
	uint8_t stored[256] = {0}, hashes = 0;
	uint64_t now = 1;

	sender_init(&sender, &config, 0);
	for (unsigned steps = 0; in.size > 0 && steps < 200; steps++) {
		struct sender_event event = {.kind = (enum sender_event_kind)(next(&in) % (SENDER_RESUME + 1))};
		bool storing = sender.phase == SENDER_STORING;
		size_t n;

		now += (uint64_t)next(&in) * 20;
		event.now = now;
		event.gas = 50000 + next(&in);
		event.outcome = (enum sender_outcome)(next(&in) % (SENDER_UNKNOWN + 1));
		if (event.kind == SENDER_TARGET)
			event.target = head_of(&in);
		if (event.kind == SENDER_VIEW)
			make_view(&in, &event.view, receipts, &sender);
		if (event.kind == SENDER_SIGNED)
			event.hash[0] = hashes++;
		if (event.kind == SENDER_SENT)
			event.hash[0] = next(&in);
		if (event.kind == SENDER_STORED && storing)
			stored[sender.draft.hash[0]] = 1;
		n = sender_step(&sender, actions, &event);
		if (n > SENDER_ACTIONS_MAX)
			abort();
		unsigned open = 0;

		for (size_t i = 0; i < n; i++) {
			const struct sender_action *a = &actions[i];

			open += a->kind == SENDER_ESTIMATE || a->kind == SENDER_SIGN || a->kind == SENDER_STORE || a->kind == SENDER_BROADCAST;
			if (a->kind == SENDER_BROADCAST && !stored[a->attempt.hash[0]])
				abort();
			if (a->kind == SENDER_SIGN && a->attempt.max_fee > config.fee_cap)
				abort();
		}
		if (open > 1)
			abort();
	}
	return 0;
}
