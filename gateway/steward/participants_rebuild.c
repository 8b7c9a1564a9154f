/* The tables as the log has them: every participant folded again from its entries and payloads. */
#include "gateway/steward/participants_internal.h"

#include "gateway/record/failpoint.h"
#include "gateway/runtime/log.h"
#include "sql/store_duty.h"
#include "sql/store_link.h"

#include <errno.h>
#include <string.h>

enum { KEYS_AT_ONCE = 100, ENTRIES_AT_ONCE = 100 };

static bool is_kind(const struct store_entry *entry, const char *kind)
{
	return entry->kind.len == strlen(kind) && memcmp(entry->kind.data, kind, entry->kind.len) == 0;
}

/* An alias or link entry, and the messages that counted for it. */
static int take_change(struct participants *p, const struct store_entry *entry)
{
	struct participant_change change;
	int rc;

	if (!entry->payload.data || p->state.life == PARTICIPANT_ERASED) {
		participant_state_erase(&p->state, entry->seq, entry->at);
		return 0;
	}
	rc = participant_payload_read(&change, (const char *)entry->payload.data, entry->payload.len);
	if (rc != 0)
		return rc;
	rc = participant_state_apply(&p->state, &change, entry->seq, entry->at);
	for (size_t i = 0; rc == 0 && i < change.nsigners; i++) {
		memcpy(p->messages[p->nmessages], change.signers[i].hash, 32);
		p->messages_seqs[p->nmessages++] = entry->seq;
	}
	participant_change_clear(&change);
	return rc;
}

static int take(struct participants *p, const struct store_entry *entry)
{
	int rc = 0;

	if (is_kind(entry, "erasure"))
		participant_state_erase(&p->state, entry->seq, entry->at);
	else if (is_kind(entry, "alias") || is_kind(entry, "link"))
		rc = take_change(p, entry);
	if (rc == -EBADMSG || rc == -EOVERFLOW)
		log_error(log_msg("an entry of the log cannot follow those before it"), log_str("key", p->key), log_u64("seq", entry->seq));
	return rc;
}

static int fold(struct participants *p)
{
	struct store_entries_filter filter = {.subject = pg_text(p->key), .below = INT64_MAX, .limit = ENTRIES_AT_ONCE, .with_payload = true};
	int rc = 0;

	participant_state_clear(&p->state);
	p->state = (struct participant_state){.life = PARTICIPANT_UNKNOWN};
	p->nmessages = 0;
	for (bool more = true; rc == 0 && more;) {
		struct store_entries list = {0};
		struct store_entry entry;
		struct pg_op op = {0};

		rc = pg_wait(p->ctx->base, &op, store_entries(p->reader, &op, &list, &filter));
		for (size_t i = 0; rc == 0 && i < list.n; i++) {
			rc = store_entries_get(&list, &entry, i);
			if (rc == 0)
				rc = take(p, &entry);
			filter.from = entry.seq + 1;
		}
		more = list.n == filter.limit;
		store_entries_clear(&list);
	}
	return rc;
}

/* Waits for its rows, so that the pipeline never holds more than one participant's. */
static int rebuild_one(struct participants *p, struct pg_txn *txn)
{
	uint8_t claimed[32];
	struct pg_op op = {0};
	int rc = fold(p);

	if (rc != 0 || p->state.life != PARTICIPANT_LIVE)
		return rc;
	participant_change_handle_hash(claimed, p->state.handle);
	rc = participants_put(p, txn, NULL);
	if (rc == 0)
		rc = pg_wait(p->ctx->base, &op, store_participant_keep_claimed(txn, &op, claimed, p->state.created_at));
	return rc;
}

static int rebuild_all(struct participants *p, struct pg_txn *txn, uint64_t *n)
{
	char after[PARTICIPANT_KEY_SIZE] = "";
	int rc = store_participant_remove_all(txn);

	for (bool more = true; rc == 0 && more;) {
		struct store_participants keys = {0};
		struct pg_op op = {0};

		rc = pg_wait(p->ctx->base, &op, store_participant_keys(p->reader, &op, &keys, after[0] ? pg_text(after) : (struct pg_bytes){0},
								       KEYS_AT_ONCE));
		for (size_t i = 0; rc == 0 && i < keys.n; i++) {
			if (keys.rows[i].key.len != sizeof(p->key) - 1)
				continue;
			memcpy(p->key, keys.rows[i].key.data, sizeof(p->key) - 1);
			rc = rebuild_one(p, txn);
			*n += p->state.life == PARTICIPANT_LIVE;
			memcpy(after, p->key, sizeof(after));
		}
		more = keys.n == KEYS_AT_ONCE;
		store_participants_clear(&keys);
	}
	return rc;
}

int participants_rebuild(struct participants *p, const uint8_t request[static 32])
{
	const struct store_fence fence = steward_fence(p->ctx);
	struct store_participant_request answer = {.seq = 0};
	struct pg_txn *txn;
	struct pg_op op = {0};
	int rc = pg_txn_begin(p->ctx->pg, &txn);

	if (rc != 0)
		return rc;
	rc = store_duty_fence(txn, &fence);
	if (rc == 0)
		rc = rebuild_all(p, txn, &answer.seq);
	if (rc == 0)
		rc = store_link_remove_strays(txn);
	memcpy(answer.hash, request, sizeof(answer.hash));
	if (rc == 0)
		rc = store_participant_answer(txn, &answer);
	FAILPOINT("participants.rebuild");
	if (rc == 0)
		rc = pg_wait(p->ctx->base, &op, store_participant_commit(txn, &op));
	else
		pg_txn_rollback(txn);
	if (rc == 0)
		log_info(log_msg("participants worked out anew from the log"), log_u64("participants", answer.seq));
	return rc;
}
