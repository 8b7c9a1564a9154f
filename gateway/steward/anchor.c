/* Longer than its neighbours because it is the one place where the sender's nine actions meet the world; each is one function. */
#include "gateway/steward/anchor.h"

#include "anchor/sender.h"
#include "eth/tx.h"
#include "gateway/keyfile.h"
#include "gateway/runtime/clock.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"
#include "gateway/steward/anchor_call.h"
#include "gateway/steward/anchor_proof.h"
#include "gateway/steward/anchor_view.h"
#include "sql/store_anchor.h"
#include "sql/store_checkpoint.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 2000, RPC_MS = 15000, RAW_MAX = STORE_RAW_MAX, WORK_MAX = 4 * SENDER_ACTIONS_MAX, GAS_MARGIN_PERCENT = 20 };

struct raw {
	uint8_t hash[32];
	size_t length;
	uint8_t bytes[RAW_MAX];
};

struct anchoring {
	struct steward_context *ctx;
	struct anchor_contract contract;
	struct signature_context *signatures;
	uint8_t *anchor_key, *relayer_key;
	struct eth_address relayer;
	struct merkle_hasher hasher;
	struct sender sender;
	struct raw raws[SENDER_ATTEMPTS_MAX + 1];
	size_t nraws;
	struct sender_action work[WORK_MAX];
	size_t work_at, work_end;
	bool begun;
	bool half; /* an action failed half way: the sender begins anew from what is stored */
};

/* ---- events ---- */

static int step(struct anchoring *a, struct sender_event *event)
{
	struct sender_action actions[SENDER_ACTIONS_MAX];
	size_t n;

	event->now = clock_wall_ms();
	n = sender_step(&a->sender, actions, event);
	if (a->work_at > 0) {
		memmove(a->work, a->work + a->work_at, (a->work_end - a->work_at) * sizeof(a->work[0]));
		a->work_end -= a->work_at;
		a->work_at = 0;
	}
	if (a->work_end + n > WORK_MAX)
		return -EOVERFLOW;
	memcpy(a->work + a->work_end, actions, n * sizeof(actions[0]));
	a->work_end += n;
	return 0;
}

static int tell(struct anchoring *a, enum sender_event_kind kind)
{
	struct sender_event event = {.kind = kind};

	return step(a, &event);
}

/* ---- actions ---- */

static int do_read(struct anchoring *a)
{
	struct sender_event event = {.kind = SENDER_VIEW};
	struct sender_receipt receipts[SENDER_ATTEMPTS_MAX];
	const struct sender_attempt *watched;
	size_t n = sender_watched(&watched, &a->sender);
	int rc = anchor_view_read(&event.view, receipts, a->ctx->rpc, &a->contract, &a->relayer, watched, n, RPC_MS);

	return rc == 0 ? step(a, &event) : rc;
}

static int make_call(struct anchoring *a, uint8_t call[static ANCHOR_CALL_MAX], size_t *length, const struct sender_attempt *attempt)
{
	struct merkle_hash proof[MERKLE_PROOF_MAX];
	struct eth_signature signature;
	uint8_t authorisation[SIGNATURE_SIZE];
	struct eth_hash digest;
	size_t count = 0;
	int rc = anchor_proof_read(proof, &count, &a->hasher, a->ctx->base, a->ctx->pg, attempt->from_size, attempt->target.size);

	if (rc != 0)
		return rc;
	anchor_digest(&digest, &a->contract, attempt->target.size, &attempt->target.root);
	if (signature_sign(a->signatures, &signature, &digest, a->anchor_key) != 0)
		return -EINVAL;
	signature_serialize(authorisation, &signature);
	return anchor_call(call, ANCHOR_CALL_MAX, length, attempt->target.size, &attempt->target.root, proof, count, authorisation);
}

static int do_estimate(struct anchoring *a, const struct sender_attempt *attempt)
{
	struct sender_event event = {.kind = SENDER_ESTIMATE_FAILED};
	uint8_t call[ANCHOR_CALL_MAX];
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls calls;
	size_t length;
	int rc = make_call(a, call, &length, attempt);

	if (rc == 0) {
		eth_rpc_calls_init(&calls);
		eth_rpc_add_estimate_gas(&calls, &a->relayer, &a->contract.address, call, length);
		rc = eth_rpc_wait(&answer, a->ctx->rpc, &calls, RPC_MS);
		eth_rpc_calls_clear(&calls);
	}
	if (rc == 0 && eth_rpc_result_u64(&event.gas, &answer->results[0]) == 0) {
		event.kind = SENDER_ESTIMATED;
		event.gas += event.gas * GAS_MARGIN_PERCENT / 100;
	} else if (rc == 0 && answer->results[0].outcome == ETH_RPC_REVERT) {
		event.kind = SENDER_ESTIMATE_REVERT;
		log_warn(log_msg("the contract refuses an anchor"), log_u64("size", attempt->target.size),
			 log_hex("revert", answer->results[0].revert, answer->results[0].revert_len));
	}
	eth_rpc_answer_free(answer);
	return step(a, &event);
}

static struct raw *raw_of(struct anchoring *a, const uint8_t hash[static 32])
{
	for (size_t i = 0; i < a->nraws; i++)
		if (memcmp(a->raws[i].hash, hash, 32) == 0)
			return &a->raws[i];
	return NULL;
}

static void drop_raw(struct anchoring *a, const uint8_t hash[static 32])
{
	struct raw *raw = raw_of(a, hash);

	if (raw)
		*raw = a->raws[--a->nraws];
}

static int keep_raw(struct anchoring *a, const uint8_t hash[static 32], const uint8_t *bytes, size_t length)
{
	struct raw *raw;

	if (a->nraws == sizeof(a->raws) / sizeof(a->raws[0]) || length > RAW_MAX)
		return -EOVERFLOW;
	raw = &a->raws[a->nraws++];
	memcpy(raw->hash, hash, 32);
	memcpy(raw->bytes, bytes, length);
	raw->length = length;
	return 0;
}

static int do_sign(struct anchoring *a, const struct sender_attempt *attempt)
{
	struct sender_event event = {.kind = SENDER_SIGN_FAILED};
	struct tx tx = {.type = TX_DYNAMIC_FEE, .chain_id = a->contract.chain_id, .nonce = attempt->nonce, .gas_limit = attempt->gas,
			.max_fee = u256_from_u64(attempt->max_fee), .max_priority_fee = u256_from_u64(attempt->tip),
			.to = a->contract.address};
	uint8_t call[ANCHOR_CALL_MAX], raw[RAW_MAX];
	struct eth_hash hash;
	size_t length = 0;
	int rc = make_call(a, call, &length, attempt);

	tx.data = call;
	tx.data_len = length;
	if (rc == 0)
		rc = tx_sign(a->signatures, raw, sizeof(raw), &length, &hash, &tx, a->relayer_key);
	if (rc == 0)
		rc = keep_raw(a, hash.bytes, raw, length);
	if (rc == 0) {
		event.kind = SENDER_SIGNED;
		memcpy(event.hash, hash.bytes, 32);
	} else {
		log_error(log_msg("an anchor cannot be signed"), log_rc(rc));
	}
	return step(a, &event);
}

static int do_store(struct anchoring *a, const struct sender_attempt *attempt)
{
	struct store_fence fence = steward_fence(a->ctx);
	const struct raw *raw = raw_of(a, attempt->hash);
	struct store_attempt row = {.chain_id = a->contract.chain_id, .nonce = attempt->nonce, .size = attempt->target.size,
				    .old_size = attempt->from_size, .max_fee = attempt->max_fee, .max_priority_fee = attempt->tip,
				    .gas = attempt->gas, .created = attempt->signed_at};
	struct pg_op op = {0};
	int rc = raw ? 0 : -ENOENT;

	if (rc == 0) {
		memcpy(row.hash, attempt->hash, 32);
		memcpy(row.contract, a->contract.address.bytes, 20);
		memcpy(row.sender, a->relayer.bytes, 20);
		memcpy(row.root, attempt->target.root.bytes, 32);
		memcpy(row.raw, raw->bytes, raw->length);
		row.raw_len = raw->length;
		rc = pg_wait(a->ctx->base, &op, store_attempt_put(a->ctx->pg, &op, &fence, &row));
	}
	if (rc == 0)
		return tell(a, SENDER_STORED);
	/* perhaps stored, perhaps not: the store decides, at the next start of the duty */
	log_warn(log_msg("an anchor attempt could not be stored"), log_rc(rc));
	return rc;
}

static int do_broadcast(struct anchoring *a, const struct sender_attempt *attempt)
{
	struct sender_event event = {.kind = SENDER_SENT, .outcome = SENDER_UNKNOWN};
	const struct raw *raw = raw_of(a, attempt->hash);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls calls;
	struct eth_hash hash;

	memcpy(event.hash, attempt->hash, 32);
	if (!raw)
		return -ENOENT;
	metrics_add(METRIC_ANCHOR_ATTEMPTS, 1);
	eth_rpc_calls_init(&calls);
	eth_rpc_add_send_raw(&calls, raw->bytes, raw->length);
	if (eth_rpc_wait(&answer, a->ctx->rpc, &calls, RPC_MS) == 0) {
		const struct eth_rpc_result *result = &answer->results[0];

		if (eth_rpc_result_hash(&hash, result) == 0)
			event.outcome = SENDER_ACCEPTED;
		else if (result->message)
			event.outcome = sender_classify(result->message, result->message_len);
	}
	eth_rpc_calls_clear(&calls);
	eth_rpc_answer_free(answer);
	return step(a, &event);
}

static int put_anchor(struct anchoring *a, uint64_t size, const uint8_t root[static 32], const struct sender_action *action)
{
	struct store_fence fence = steward_fence(a->ctx);
	struct store_anchor row = {.size = size, .block_number = action->block.number,
				   .level = action->level == SENDER_FINALIZED ? STORE_ANCHOR_FINAL :
					    action->level == SENDER_SAFE      ? STORE_ANCHOR_SAFE :
										STORE_ANCHOR_LATEST,
				   .at = clock_wall_ms()};
	struct pg_op op = {0};

	memcpy(row.root, root, 32);
	memcpy(row.block_hash, action->block.hash, 32);
	return pg_wait(a->ctx->base, &op, store_anchor_put(a->ctx->pg, &op, &fence, &row));
}

/* What the contract holds must be what this log published at that size, whoever brought it there. 0; -ENOENT if it is not. */
static int check_published(struct anchoring *a, const struct sender_head *head)
{
	struct store_checkpoint row;
	struct pg_op op = {0};
	int rc = pg_wait(a->ctx->base, &op, store_checkpoint_at(a->ctx->pg, &op, &row, head->size));

	if (rc == -ENOENT || (rc == 0 && memcmp(row.root, head->root.bytes, 32) != 0)) {
		metrics_add(METRIC_ANCHOR_FAILURES, 1);
		log_error(log_msg("the contract holds what this log never published: a split log, or a database that was set back"),
			  log_u64("size", head->size), log_hex("root", head->root.bytes, 32));
		return -ENOENT;
	}
	return rc;
}

/* The contract's head at a block is (size, root): that root and every smaller one it holds were there at that block. */
static int do_reached(struct anchoring *a, const struct sender_action *action)
{
	struct store_anchors rising = {0};
	struct pg_op op = {0};
	int rc;

	if (action->attempt.target.size == 0)
		return 0;
	rc = check_published(a, &action->attempt.target);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = put_anchor(a, action->attempt.target.size, action->attempt.target.root.bytes, action);
	if (rc == 0)
		rc = pg_wait(a->ctx->base, &op, store_anchors_rising(a->ctx->pg, &op, &rising));
	for (size_t i = 0; rc == 0 && i < rising.n; i++) {
		struct store_anchor row;

		rc = store_anchors_get(&rising, &row, i);
		if (rc == 0 && row.size < action->attempt.target.size && (int)row.level < (int)action->level + 1)
			rc = put_anchor(a, row.size, row.root, action);
	}
	store_anchors_clear(&rising);
	if (rc == 0 && action->level == SENDER_SAFE) {
		metrics_set(METRIC_LOG_ANCHORED_SIZE, action->attempt.target.size);
		metrics_set(METRIC_ANCHOR_LAST_SECONDS, clock_wall_ms() / 1000);
	}
	log_info(log_msg("anchored"), log_u64("size", action->attempt.target.size), log_u64("block", action->block.number),
		 log_str("level", action->level == SENDER_FINALIZED ? "finalized" : action->level == SENDER_SAFE ? "safe" : "latest"));
	return rc;
}

static int do_forget(struct anchoring *a, const struct sender_attempt *attempt)
{
	struct store_fence fence = steward_fence(a->ctx);
	const char *outcome = attempt->included ? attempt->reverted ? "reverted" : "final" : "replaced";
	struct pg_op op = {0};
	int rc = pg_wait(a->ctx->base, &op, store_attempt_finish(a->ctx->pg, &op, &fence, attempt->hash, outcome, clock_wall_ms()));

	drop_raw(a, attempt->hash);
	return rc == -ENOENT ? 0 : rc;
}

static int carry_out(struct anchoring *a, const struct sender_action *action)
{
	switch (action->kind) {
	case SENDER_READ:
		return do_read(a);
	case SENDER_ESTIMATE:
		return do_estimate(a, &action->attempt);
	case SENDER_SIGN:
		return do_sign(a, &action->attempt);
	case SENDER_STORE:
		return do_store(a, &action->attempt);
	case SENDER_BROADCAST:
		return do_broadcast(a, &action->attempt);
	case SENDER_REACHED:
		return do_reached(a, action);
	case SENDER_FORGET:
		return do_forget(a, &action->attempt);
	case SENDER_ALARM:
		metrics_add(METRIC_ANCHOR_FAILURES, 1);
		log_error(log_msg("anchor alarm"), log_str("alarm", sender_alarm_name(action->alarm)),
			  log_u64("size", action->attempt.target.size));
		return 0;
	}
	return -EINVAL;
}

static int work(struct anchoring *a)
{
	while (a->work_at < a->work_end) {
		struct sender_action action = a->work[a->work_at++];
		int rc = carry_out(a, &action);

		if (rc != 0) {
			a->half = true;
			return rc;
		}
	}
	a->work_at = a->work_end = 0;
	return 0;
}

/* ---- the duty ---- */

static int look_for_target(struct anchoring *a)
{
	struct sender_event event = {.kind = SENDER_TARGET};
	struct store_checkpoint row;
	struct pg_op op = {0};
	int rc = pg_wait(a->ctx->base, &op, store_published_latest(a->ctx->pg, &op, &row));

	if (rc != 0)
		return rc == -ENOENT ? 0 : rc;
	if (row.size == a->sender.target.size)
		return 0;
	event.target.size = row.size;
	memcpy(event.target.root.bytes, row.root, 32);
	return step(a, &event);
}

static int round_of_anchoring(struct anchoring *a)
{
	int rc = look_for_target(a);

	if (rc == 0)
		rc = do_read(a);
	return rc == 0 ? work(a) : rc;
}

static int restore_attempt(struct anchoring *a, const struct store_attempt *row)
{
	struct sender_attempt attempt = {.nonce = row->nonce, .gas = row->gas, .max_fee = row->max_fee, .tip = row->max_priority_fee,
					 .from_size = row->old_size, .target.size = row->size, .signed_at = row->created};
	int rc;

	memcpy(attempt.hash, row->hash, 32);
	memcpy(attempt.target.root.bytes, row->root, 32);
	rc = sender_restore(&a->sender, &attempt);
	return rc == 0 ? keep_raw(a, row->hash, row->raw, row->raw_len) : rc;
}

static int restore_attempts(struct anchoring *a, const struct store_attempts *attempts, struct store_attempt *row)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < attempts->n; i++) {
		rc = store_attempts_get(attempts, row, i);
		if (rc == 0)
			rc = restore_attempt(a, row);
	}
	return rc;
}

/* The sender begins anew with each taking of the lock, from what is stored. */
static int begin(struct anchoring *a)
{
	const struct config *config = a->ctx->config;
	uint64_t gwei = 1000000000, budget = config->anchor_daily_gwei;
	struct sender_config limits = {
		.interval_ms = config->anchor_ms, .entries_max = 10000, .heartbeat_ms = 86400000, .resubmit_ms = 20000,
		.rebroadcast_ms = 12000, .fee_cap = config->anchor_fee_cap_gwei * gwei, .tip_min = 1000000, .base_multiple = 4,
		.daily_budget = budget > UINT64_MAX / gwei ? UINT64_MAX : budget * gwei};
	struct store_attempts attempts = {0};
	struct store_attempt *row = malloc(sizeof(*row));
	struct pg_op op = {0};
	uint64_t last_at = 0;
	int rc = row ? 0 : -ENOMEM;

	a->nraws = 0;
	a->work_at = a->work_end = 0;
	a->half = false;
	if (rc == 0)
		rc = pg_wait(a->ctx->base, &op,
			     store_attempt_last(a->ctx->pg, &op, &last_at, a->contract.chain_id, a->relayer.bytes));
	sender_init(&a->sender, &limits, last_at);
	if (rc == 0)
		rc = pg_wait(a->ctx->base, &op, store_attempts_unfinished(a->ctx->pg, &op, &attempts, a->contract.chain_id,
									  a->relayer.bytes));
	if (rc == 0)
		rc = restore_attempts(a, &attempts, row);
	store_attempts_clear(&attempts);
	free(row);
	return rc;
}

static int round_of_duty(void *arg, bool *more)
{
	struct anchoring *a = arg;
	int rc = a->begun ? 0 : begin(a);

	(void)more;
	if (rc == 0) {
		a->begun = true;
		rc = round_of_anchoring(a);
	}
	if (rc != 0)
		a->begun = a->begun && !a->half;
	return rc;
}

static void on_taken(void *arg)
{
	((struct anchoring *)arg)->begun = false;
}

static int load_key(uint8_t **key, const struct config *config, const char *role)
{
	char path[CONFIG_TEXT_MAX + 32];
	int rc;

	snprintf(path, sizeof(path), "%s/keys/%s.key", config->state, role);
	rc = keyfile_read(key, path);
	if (rc != 0)
		log_error(log_msg("key"), log_str("file", path), log_str("advice", keyfile_advice(rc)));
	return rc;
}

static int prepare(struct anchoring *a)
{
	const struct config *config = a->ctx->config;
	uint8_t seed[32];
	int rc = sodium_init() < 0 ? -ENOMEM : merkle_hasher_init(&a->hasher);

	if (rc == 0 && address_parse(&a->contract.address, config->anchor_contract, strlen(config->anchor_contract)) != 0) {
		log_error(log_msg("setting anchor_contract is not an address"), log_str("value", config->anchor_contract));
		return -EINVAL;
	}
	a->contract.chain_id = config->chain_id;
	keccak256(&a->contract.origin_hash, config->origin, strlen(config->origin));
	randombytes_buf(seed, sizeof(seed));
	a->signatures = signature_context_new(seed);
	if (rc == 0 && !a->signatures)
		rc = -ENOMEM;
	if (rc == 0)
		rc = load_key(&a->anchor_key, config, "anchor");
	if (rc == 0)
		rc = load_key(&a->relayer_key, config, "relayer");
	return rc == 0 ? signature_key_address(a->signatures, &a->relayer, a->relayer_key) : rc;
}

int steward_anchor_run(struct steward_context *ctx)
{
	const struct steward_rounds rounds = {.round = round_of_duty, .taken = on_taken, .failure = "anchoring",
					      .pause_ms = ctx->config->anchor_ms / 2 < POLL_MS ? (unsigned)(ctx->config->anchor_ms / 2) : POLL_MS};
	struct anchoring *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return -ENOMEM;
	a->ctx = ctx;
	rc = prepare(a);
	if (rc == 0)
		rc = steward_rounds(ctx, &rounds, a);
	keyfile_free(a->anchor_key);
	keyfile_free(a->relayer_key);
	signature_context_free(a->signatures);
	merkle_hasher_clear(&a->hasher);
	free(a);
	return rc;
}
