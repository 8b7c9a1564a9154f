/* The anchor sender. Two halves: absorb() takes in what the chain says, decide() picks the one next thing to do. Every
 * event ends in decide(), so there is no path on which something is left to memory.
 *
 * It is longer than most files here because cutting one machine in two would only move its middle into a header.
 * The cases it is made for, and their sources, stand in facts/eth-client.md sections 2.3 to 2.5;
 * tests/anchor/test_sender.c has one table row or more for each. */
#include "anchor/sender.h"

#include <errno.h>
#include <string.h>

#define DAY_MS 86400000
#define GAS_GUESS 110000 /* the worst anchor of DESIGN section 6, until one was estimated */
#define REFUSALS_MAX 2
#define ODD_VIEWS_MAX 5

__extension__ typedef unsigned __int128 wide;

struct step {
	struct sender *s;
	struct sender_action *actions;
	size_t count;
	uint64_t now;
};

static uint64_t saturate(wide value)
{
	return value > UINT64_MAX ? UINT64_MAX : (uint64_t)value;
}

static struct sender_action *emit(struct step *step, enum sender_action_kind kind, const struct sender_attempt *attempt)
{
	struct sender_action *action = &step->actions[step->count++];

	*action = (struct sender_action){.kind = kind};
	if (attempt)
		action->attempt = *attempt;
	return action;
}

/* An alarm is told once, when its condition becomes true. */
static void alarm_if(struct step *step, enum sender_alarm alarm, bool condition)
{
	uint32_t bit = UINT32_C(1) << alarm;

	if (condition && !(step->s->alarms & bit))
		emit(step, SENDER_ALARM, NULL)->alarm = alarm;
	step->s->alarms = condition ? step->s->alarms | bit : step->s->alarms & ~bit;
}

static bool halted(const struct sender *s)
{
	return s->lost || s->conflict || s->refusals >= REFUSALS_MAX;
}

static bool same_hash(const uint8_t a[static 32], const uint8_t b[static 32])
{
	return memcmp(a, b, 32) == 0;
}

void sender_init(struct sender *sender, const struct sender_config *config, uint64_t last_at)
{
	*sender = (struct sender){.config = *config, .last_at = last_at, .last_gas = GAS_GUESS};
}

/* After the last attempt with the same nonce or a lower one. */
static int insert(struct sender *s, const struct sender_attempt *attempt)
{
	size_t at = s->count;

	if (s->count == SENDER_ATTEMPTS_MAX)
		return -ENOSPC;
	for (; at > 0 && s->attempts[at - 1].nonce > attempt->nonce; at--)
		s->attempts[at] = s->attempts[at - 1];
	s->attempts[at] = *attempt;
	s->count++;
	return 0;
}

int sender_restore(struct sender *sender, const struct sender_attempt *attempt)
{
	struct sender_attempt clean = *attempt;

	if (sender->viewed || sender->target.size)
		return -EINVAL;
	clean.sent = clean.accepted = clean.included = clean.reverted = false;
	clean.since = clean.sent_at = 0;
	return insert(sender, &clean);
}

size_t sender_watched(const struct sender_attempt **attempts, const struct sender *sender)
{
	*attempts = sender->attempts;
	return sender->count;
}

/* ---- what the chain says ---- */

/* A revert is unexplained if the head is still the one the attempt extends: its proof fitted and was refused all the
 * same. */
static void refused(struct step *step, uint64_t from_size)
{
	struct sender *s = step->s;

	if (from_size != s->latest.head.size)
		return;
	if (s->refused_head != from_size)
		s->refusals = 0;
	s->refused_head = from_size;
	s->refusals++;
	alarm_if(step, SENDER_ALARM_REVERT, s->refusals >= REFUSALS_MAX);
}

/* A receipt counts only in a block that is canonical by hash (cases E and G: the same transaction in another block, or
 * in none) and not above `latest` (a preconfirmation shows receipts of blocks that do not exist yet). */
static const struct sender_receipt *receipt_of(const struct sender_view *view, const struct sender_attempt *attempt)
{
	for (size_t i = 0; i < view->receipt_count; i++) {
		const struct sender_receipt *receipt = &view->receipts[i];

		if (same_hash(receipt->hash, attempt->hash) && receipt->block <= view->latest.number &&
		    same_hash(receipt->block_hash, receipt->canonical_hash))
			return receipt;
	}
	return NULL;
}

static void absorb_receipts(struct step *step, const struct sender_view *view)
{
	for (size_t i = 0; i < step->s->count; i++) {
		struct sender_attempt *attempt = &step->s->attempts[i];
		const struct sender_receipt *receipt = receipt_of(view, attempt);
		bool was_reverted = attempt->reverted;

		if (!receipt) {
			if (attempt->included) /* un-mined: nodes need not have put it back into the pool */
				attempt->sent = attempt->accepted = false;
			attempt->included = attempt->reverted = false;
			continue;
		}
		attempt->included = true;
		attempt->reverted = !receipt->success;
		attempt->block = receipt->block;
		memcpy(attempt->block_hash, receipt->block_hash, 32);
		if (attempt->reverted && !was_reverted)
			refused(step, attempt->from_size);
	}
}

/* The included attempt of a nonce, or NULL. */
static const struct sender_attempt *winner(const struct sender *s, uint64_t nonce)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->attempts[i].nonce == nonce && s->attempts[i].included)
			return &s->attempts[i];
	return NULL;
}

static void forget_final(struct step *step, uint64_t final_block)
{
	struct sender *s = step->s;
	bool final[SENDER_ATTEMPTS_MAX];
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct sender_attempt *won = winner(s, s->attempts[i].nonce);

		final[i] = won && won->block <= final_block;
	}
	for (size_t i = 0; i < s->count; i++) {
		if (final[i])
			emit(step, SENDER_FORGET, &s->attempts[i]);
		else
			s->attempts[kept++] = s->attempts[i];
	}
	s->count = kept;
}

/* A nonce used at `finalized` by none of our hashes: someone else signs with this key. */
static bool lost_nonce(const struct sender *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->attempts[i].nonce < s->final_nonce && !winner(s, s->attempts[i].nonce))
			return true;
	return false;
}

static void absorb_nonces(struct step *step, const struct sender_view *view)
{
	struct sender *s = step->s;

	forget_final(step, view->finalized.number);
	if (view->finalized.nonce > s->final_nonce)
		s->final_nonce = view->finalized.nonce;
	s->lost_views = lost_nonce(s) ? s->lost_views + 1 : 0;
	s->lost = s->lost_views >= ODD_VIEWS_MAX; /* ends by itself should the receipt turn up */
	alarm_if(step, SENDER_ALARM_LOST, s->lost);
}

static void absorb_head(struct step *step, enum sender_level level, const struct sender_block *block)
{
	struct sender_head *reached = &step->s->reached[level];
	bool moved = level == SENDER_LATEST ? block->head.size != reached->size : block->head.size > reached->size;
	struct sender_action *action;

	if (level == SENDER_FINALIZED)
		alarm_if(step, SENDER_ALARM_FINALITY, block->head.size < reached->size);
	if (!moved)
		return;
	*reached = block->head;
	action = emit(step, SENDER_REACHED, NULL);
	action->level = level;
	action->attempt.target = block->head;
	action->block = *block;
}

static void check_target(struct step *step)
{
	struct sender *s = step->s;
	const struct sender_head *head = &s->latest.head;

	if (!s->viewed || !s->target.size)
		return;
	s->conflict |= head->size == s->target.size && !merkle_hash_equal(&head->root, &s->target.root);
	alarm_if(step, SENDER_ALARM_CONFLICT, s->conflict);
	alarm_if(step, SENDER_ALARM_AHEAD, head->size > s->target.size);
}

static void absorb(struct step *step, const struct sender_view *view)
{
	struct sender *s = step->s;

	s->viewed = true;
	s->latest = view->latest;
	s->base_fee = view->base_fee;
	s->tip = view->tip;
	s->balance = view->balance;
	s->l1_fee = view->l1_fee;
	if (s->refusals && s->refused_head != s->latest.head.size) {
		s->refusals = 0; /* explained: the contract had moved on */
		alarm_if(step, SENDER_ALARM_REVERT, false);
	}
	absorb_receipts(step, view);
	absorb_nonces(step, view);
	absorb_head(step, SENDER_LATEST, &view->latest);
	absorb_head(step, SENDER_SAFE, &view->safe);
	absorb_head(step, SENDER_FINALIZED, &view->finalized);
	check_target(step);
}

static void take_target(struct step *step, const struct sender_head *target)
{
	struct sender *s = step->s;

	if (target->size > s->target.size)
		s->target = *target;
	else if (target->size == s->target.size && !merkle_hash_equal(&target->root, &s->target.root))
		s->conflict = true;
	check_target(step);
}

/* ---- what to do next ---- */

/* Nodes ask for 10 % on both fees: geth at least the floor and more than before, reth the ceiling. */
static uint64_t bumped(uint64_t fee)
{
	uint64_t tenth = fee / 10 + (fee % 10 ? 1 : 0);

	return saturate((wide)fee + (tenth ? tenth : 1));
}

static uint64_t max_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Fees for the draft: what the market asks, and enough over everything sent with its nonce. False: over the cap. */
static bool price(struct step *step, struct sender_attempt *draft)
{
	const struct sender *s = step->s;
	uint64_t least_max = 0, least_tip = 0;

	draft->tip = max_of(s->tip, s->config.tip_min);
	for (size_t i = 0; i < s->count; i++) {
		if (s->attempts[i].nonce != draft->nonce)
			continue;
		least_max = max_of(least_max, bumped(s->attempts[i].max_fee));
		least_tip = max_of(least_tip, bumped(s->attempts[i].tip));
	}
	draft->tip = max_of(draft->tip, least_tip);
	draft->max_fee = saturate((wide)s->base_fee * s->config.base_multiple + draft->tip);
	/* the multiple is only a reserve; the cap may eat it, but not what is needed now */
	if (draft->max_fee > s->config.fee_cap)
		draft->max_fee = s->config.fee_cap;
	draft->max_fee = max_of(draft->max_fee, max_of(least_max, saturate((wide)s->base_fee + draft->tip)));
	alarm_if(step, SENDER_ALARM_FEE_CAP, draft->max_fee > s->config.fee_cap);
	return draft->max_fee <= s->config.fee_cap;
}

static bool affordable(struct step *step, const struct sender_attempt *draft)
{
	/* the node's own check leaves out the L1 data fee, which moves: twice what it is now */
	wide need = (wide)draft->gas * draft->max_fee + 2 * (wide)step->s->l1_fee;

	alarm_if(step, SENDER_ALARM_FUNDS, need > step->s->balance);
	return need <= step->s->balance;
}

static void sign(struct step *step)
{
	struct sender *s = step->s;

	s->phase = SENDER_RESTING;
	if (!price(step, &s->draft) || !affordable(step, &s->draft))
		return;
	s->phase = SENDER_SIGNING;
	emit(step, SENDER_SIGN, &s->draft);
}

/* eth_call and an estimate come before every signature, so a refusal costs nothing. Only a replacement whose target the
 * contract already has cannot be estimated: it just has to use up the nonce. */
static void start_draft(struct step *step, uint64_t nonce, const struct sender_head *target, uint64_t gas)
{
	struct sender *s = step->s;

	s->bump = false;
	s->draft = (struct sender_attempt){
		.nonce = nonce, .gas = gas, .from_size = s->latest.head.size, .target = *target};
	if (target->size <= s->latest.head.size) {
		sign(step);
		return;
	}
	s->phase = SENDER_ESTIMATING;
	emit(step, SENDER_ESTIMATE, &s->draft);
}

static void broadcast(struct step *step, struct sender_attempt *attempt)
{
	if (!attempt->sent)
		attempt->since = step->now;
	attempt->sent = true;
	attempt->sent_at = step->now;
	step->s->phase = SENDER_SENDING;
	emit(step, SENDER_BROADCAST, attempt);
}

static uint64_t elapsed(uint64_t now, uint64_t since)
{
	return now > since ? now - since : 0;
}

/* The one unconfirmed nonce: the lowest of ours that the chain has not used. `newest` is its last attempt. */
static struct sender_attempt *unconfirmed(struct sender *s, size_t *attempts)
{
	struct sender_attempt *newest = NULL;

	*attempts = 0;
	for (size_t i = 0; i < s->count; i++) {
		if (s->attempts[i].nonce < s->latest.nonce || winner(s, s->attempts[i].nonce))
			continue;
		if (newest && newest->nonce != s->attempts[i].nonce)
			break;
		newest = &s->attempts[i];
		++*attempts;
	}
	return newest;
}

static void pursue(struct step *step, struct sender_attempt *newest, size_t attempts, bool polled)
{
	struct sender *s = step->s;
	const struct sender_head *target = s->target.size > newest->target.size ? &s->target : &newest->target;
	bool overdue = newest->sent && elapsed(step->now, newest->since) >= s->config.resubmit_ms;
	struct sender_attempt probe = {.nonce = newest->nonce};

	if (!newest->sent) {
		broadcast(step, newest);
		return;
	}
	if (polled && (overdue || s->bump) && attempts < SENDER_BUMPS_MAX && s->count < SENDER_ATTEMPTS_MAX &&
	    price(step, &probe)) {
		start_draft(step, newest->nonce, target, newest->gas);
		return;
	}
	/* it may have been dropped, or never have arrived: the same bytes again do no harm */
	if (polled && (!newest->accepted || elapsed(step->now, newest->sent_at) >= s->config.rebroadcast_ms))
		broadcast(step, newest);
}

/* Cadence: new entries and the interval, or many entries. A budget stretches the interval so that a day of anchors at
 * the price of now fits into it, but never beyond the heartbeat. */
static bool due(const struct sender *s, uint64_t now)
{
	uint64_t waited = s->last_at ? elapsed(now, s->last_at) : UINT64_MAX;
	uint64_t entries = s->target.size - s->latest.head.size, stretch = 0;
	wide cost = (wide)s->last_gas * saturate((wide)s->base_fee + max_of(s->tip, s->config.tip_min)) + s->l1_fee;

	if (s->config.daily_budget)
		stretch = saturate((wide)saturate(cost) * DAY_MS / s->config.daily_budget);
	if (stretch > s->config.heartbeat_ms)
		stretch = s->config.heartbeat_ms;
	return waited >= stretch && (waited >= s->config.interval_ms || entries >= s->config.entries_max);
}

/* Between final and latest there are our own few nonces. A node that says a far higher one is wrong, and an attempt signed for
 * it could never be mined. */
static bool leaps(const struct sender *s)
{
	return s->latest.nonce > s->final_nonce && s->latest.nonce - s->final_nonce > SENDER_ATTEMPTS_MAX;
}

/* A new nonce only when every one of ours is used and known to be used by us. */
static bool settled(const struct sender *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->attempts[i].nonce >= s->latest.nonce || !winner(s, s->attempts[i].nonce))
			return false;
	return s->latest.nonce >= s->final_nonce && !leaps(s);
}

static void decide(struct step *step, bool polled)
{
	struct sender *s = step->s;
	struct sender_attempt *newest;
	bool full = s->count + SENDER_BUMPS_MAX > SENDER_ATTEMPTS_MAX;
	size_t attempts;

	if (s->phase != SENDER_RESTING || !s->viewed || halted(s))
		return;
	newest = unconfirmed(s, &attempts);
	if (polled)
		s->gap_views = newest && newest->nonce > s->latest.nonce ? s->gap_views + 1 : 0;
	alarm_if(step, SENDER_ALARM_GAP, s->gap_views >= ODD_VIEWS_MAX || leaps(s));
	if (newest) {
		pursue(step, newest, attempts, polled);
		return;
	}
	s->bump = false;
	alarm_if(step, SENDER_ALARM_FULL, full);
	if (!full && polled && s->target.size > s->latest.head.size && settled(s) && due(s, step->now))
		start_draft(step, s->latest.nonce, &s->target, 0);
}

/* ---- answers ---- */

/* While the estimate was under way the chain may have moved: then it is not about what would be sent. */
static void estimated(struct step *step, uint64_t gas)
{
	struct sender *s = step->s;
	struct sender_attempt *newest;
	size_t attempts;

	s->phase = SENDER_RESTING;
	newest = unconfirmed(s, &attempts);
	if (s->draft.from_size != s->latest.head.size || halted(s) ||
	    s->draft.nonce != (newest ? newest->nonce : s->latest.nonce) || (!newest && !settled(s)))
		return;
	s->draft.gas = max_of(gas, s->draft.gas); /* a replacement never gets less than it had */
	s->last_gas = s->draft.gas;
	sign(step);
}

static void stored(struct step *step)
{
	struct sender *s = step->s;
	bool opens = true;

	for (size_t i = 0; i < s->count; i++)
		opens &= s->attempts[i].nonce != s->draft.nonce;
	if (opens)
		s->last_at = step->now;
	s->phase = SENDER_RESTING;
	if (s->draft.nonce < s->final_nonce) { /* the same, while it was being stored */
		emit(step, SENDER_FORGET, &s->draft);
		return;
	}
	if (insert(s, &s->draft) != 0) /* pursue() and decide() left room */
		emit(step, SENDER_READ, NULL);
}

static void sent(struct step *step, const struct sender_event *event)
{
	struct sender *s = step->s;

	s->phase = SENDER_RESTING;
	for (size_t i = 0; i < s->count; i++)
		if (same_hash(s->attempts[i].hash, event->hash))
			s->attempts[i].accepted = event->outcome == SENDER_ACCEPTED;
	alarm_if(step, SENDER_ALARM_FUNDS, event->outcome == SENDER_NO_FUNDS);
	s->bump |= event->outcome == SENDER_UNDERPRICED || event->outcome == SENDER_FEE_TOO_LOW;
	if (event->outcome == SENDER_NONCE_TOO_LOW || event->outcome == SENDER_NONCE_TOO_HIGH)
		emit(step, SENDER_READ, NULL);
}

static void resume(struct step *step)
{
	struct sender *s = step->s;
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++)
		if (s->attempts[i].nonce >= s->final_nonce || winner(s, s->attempts[i].nonce))
			s->attempts[kept++] = s->attempts[i];
	s->count = kept;
	s->lost = s->conflict = false;
	s->refusals = s->lost_views = 0;
	s->alarms = 0;
	emit(step, SENDER_READ, NULL);
}

static void answer(struct step *step, const struct sender_event *event)
{
	struct sender *s = step->s;

	switch (event->kind) {
	case SENDER_ESTIMATED:
		estimated(step, event->gas);
		break;
	case SENDER_ESTIMATE_REVERT:
		s->phase = SENDER_RESTING;
		refused(step, s->draft.from_size);
		emit(step, SENDER_READ, NULL);
		break;
	case SENDER_SIGNED:
		s->phase = SENDER_RESTING;
		if (s->draft.nonce < s->final_nonce)
			break; /* settled for good while it was being signed */
		s->phase = SENDER_STORING;
		memcpy(s->draft.hash, event->hash, 32);
		s->draft.signed_at = step->now;
		emit(step, SENDER_STORE, &s->draft);
		break;
	case SENDER_STORED:
		stored(step);
		break;
	case SENDER_SENT:
		sent(step, event);
		break;
	case SENDER_ESTIMATE_FAILED:
	case SENDER_SIGN_FAILED:
	case SENDER_STORE_FAILED:
	case SENDER_TARGET:
	case SENDER_VIEW:
	case SENDER_RESUME:
		s->phase = SENDER_RESTING; /* the nonce is not burnt; the next view tries again */
		break;
	}
}

/* The phase in which an event is an answer; SENDER_RESTING for those that come on their own. */
static enum sender_phase phase_of(enum sender_event_kind kind)
{
	static const enum sender_phase phases[] = {
		[SENDER_ESTIMATED] = SENDER_ESTIMATING,
		[SENDER_ESTIMATE_REVERT] = SENDER_ESTIMATING,
		[SENDER_ESTIMATE_FAILED] = SENDER_ESTIMATING,
		[SENDER_SIGNED] = SENDER_SIGNING,
		[SENDER_SIGN_FAILED] = SENDER_SIGNING,
		[SENDER_STORED] = SENDER_STORING,
		[SENDER_STORE_FAILED] = SENDER_STORING,
		[SENDER_SENT] = SENDER_SENDING,
		[SENDER_RESUME] = SENDER_RESTING,
	};

	return phases[kind];
}

size_t sender_step(struct sender *sender, struct sender_action actions[static SENDER_ACTIONS_MAX],
		   const struct sender_event *event)
{
	struct step step = {.s = sender, .actions = actions, .now = event->now};
	enum sender_phase phase = phase_of(event->kind);

	if (phase != SENDER_RESTING && phase != sender->phase)
		return 0; /* an answer to nothing: late, or twice */
	if (event->kind == SENDER_VIEW)
		absorb(&step, &event->view);
	else if (event->kind == SENDER_TARGET)
		take_target(&step, &event->target);
	else if (event->kind == SENDER_RESUME)
		resume(&step);
	else
		answer(&step, event);
	decide(&step, event->kind == SENDER_VIEW);
	return step.count;
}
