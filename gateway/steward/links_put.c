/* What came of asking: the judge's word, when to ask again, and what it rests on. */
#include "gateway/steward/links_internal.h"

#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- evidence ---- */

static json_t *block_json(const struct participant_block *block)
{
	char hash[2 + 64 + 1] = "0x";

	sodium_bin2hex(hash + 2, sizeof(hash) - 2, block->hash, sizeof(block->hash));
	return json_pack("{s:s, s:o}", "hash", hash, "number", json_sprintf("%" PRIu64, block->number));
}

static bool put(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new(object, name, value) == 0;
}

/* NULL without memory; else for free(). */
static char *evidence_text(const struct links_check *check)
{
	json_auto_t *object = json_object();
	char hash[2 + 64 + 1] = "0x";
	bool ok = object != NULL;

	if (*check->url)
		ok = ok && put(object, "url", json_string(check->url));
	sodium_bin2hex(hash + 2, sizeof(hash) - 2, check->hash, sizeof(check->hash));
	if (check->has_hash)
		ok = ok && put(object, "sha256", json_string(hash));
	if (check->has_change && check->change.nsigners == 1 && check->reverse != LINK_UNKNOWN)
		ok = ok && put(object, "safe", block_json(&check->change.signers[0].judged.safe)) &&
		     put(object, "latest", block_json(&check->change.signers[0].judged.latest));
	if (*check->why)
		ok = ok && put(object, "why", json_string(check->why));
	return ok ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
}

/* ---- when to ask again ---- */

static uint64_t retry_s(uint32_t tries)
{
	uint64_t wait = LINKS_RETRY_S;

	for (uint32_t i = 0; i < tries && wait < LINKS_RETRY_MAX_S; i++)
		wait *= 2;
	return wait < LINKS_RETRY_MAX_S ? wait : LINKS_RETRY_MAX_S;
}

static void set_due(struct store_link_checked *out, const struct links_check *check)
{
	uint64_t wait;

	bool slow = check->due->kind == STORE_LINK_FOREIGN && check->took > LINKS_SLOW_MS;

	out->tries = out->state == LINK_PROVEN ? slow : (check->due->state == LINK_PROVEN ? 0 : check->due->tries) + 1;
	if (check->due->kind == STORE_LINK_CONTRACT)
		wait = check->reverse == LINK_UNKNOWN ? LINKS_CONTRACT_RETRY_S : LINKS_CONTRACT_S;
	else if (check->reverse == LINK_CONFIRMED)
		wait = LINKS_REFRESH_S;
	else if (out->state == LINK_PROVEN)
		wait = LINKS_UNSURE_S;
	else
		wait = retry_s(check->due->state == LINK_PROVEN ? 0 : check->due->tries);
	out->due = check->at + wait * 1000;
}

/* ---- the write ---- */

static void count(const struct links_check *check)
{
	static const enum metric_id of[] = {[LINK_CONFIRMED] = METRIC_LINKS_CONFIRMED, [LINK_DENIED] = METRIC_LINKS_DENIED,
					 [LINK_UNKNOWN] = METRIC_LINKS_UNKNOWN};

	metrics_add(check->busy ? METRIC_LINKS_BUSY : of[check->reverse], 1);
}

int links_put(struct links_check *check)
{
	struct links_duty *duty = check->duty;
	const struct store_link_due *due = check->due;
	const struct store_fence fence = steward_fence(duty->ctx);
	const struct link_fact fact = {.kind = (enum link_kind)due->kind, .before = (enum link_state)due->state, .reverse = check->reverse,
				       .good = due->good, .now = check->at};
	struct store_link_checked checked = {.subject = due->subject, .object = due->object, .kind = due->kind, .has_seq = due->has_seq,
					     .seq = due->seq, .was_due = due->due, .at = check->at, .good = check->reverse == LINK_CONFIRMED};
	struct pg_op op = {0};
	char *evidence;
	int rc;

	count(check);
	if (check->busy) {
		checked.due = check->at + (uint64_t)LINKS_BUSY_S * 1000;
		rc = pg_wait(duty->ctx->base, &op, store_link_put_off(duty->ctx->pg, &op, &fence, &checked));
		return rc == -ENOENT ? 0 : rc;
	}
	checked.state = link_judge(&fact);
	set_due(&checked, check);
	evidence = evidence_text(check);
	if (!evidence)
		return -ENOMEM;
	checked.evidence = pg_text(evidence);
	rc = pg_wait(duty->ctx->base, &op, store_link_put(duty->ctx->pg, &op, &fence, &checked));
	free(evidence);
	/* another file, or the participant's word, came in between */
	return rc == -ENOENT ? 0 : rc;
}
