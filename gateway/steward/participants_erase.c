/* A participant's end: all of its entries, in one append. */
#include "gateway/steward/participants_internal.h"

#include "gateway/record/failpoint.h"
#include "gateway/runtime/log.h"
#include "sql/store_duty.h"

#include <errno.h>
#include <string.h>

static bool is_kind(const struct store_entry *entry, const char *kind)
{
	return entry->kind.len == strlen(kind) && memcmp(entry->kind.data, kind, entry->kind.len) == 0;
}

/* Seqs of its alias and link entries into p->targets. */
static int list_entries(struct participants *p, size_t *n)
{
	struct store_entries_filter filter = {.subject = pg_text(p->key), .below = INT64_MAX, .limit = 1000};
	int rc = 0;

	*n = 0;
	for (bool more = true; rc == 0 && more;) {
		struct store_entries list = {0};
		struct store_entry entry;
		struct pg_op op = {0};

		rc = pg_wait(p->ctx->base, &op, store_entries(p->reader, &op, &list, &filter));
		for (size_t i = 0; rc == 0 && i < list.n; i++) {
			rc = store_entries_get(&list, &entry, i);
			if (rc != 0 || (!is_kind(&entry, "alias") && !is_kind(&entry, "link")))
				continue;
			if (*n == PARTICIPANT_ENTRIES_MAX)
				rc = -EOVERFLOW;
			else
				p->targets[(*n)++] = entry.seq;
			filter.from = entry.seq + 1;
		}
		more = list.n == filter.limit;
		store_entries_clear(&list);
	}
	return rc;
}

static int make_row(struct participants *p, size_t i, uint64_t at, const struct participants_cause *cause)
{
	struct entry_erasure entry = {.at = at, .by = cause->by, .reason = cause->reason, .target = p->targets[i]};
	size_t len = 0;
	int rc;

	memcpy(entry.request.bytes, cause->request, sizeof(entry.request.bytes));
	memcpy(entry.uid.bytes, p->uids[i], sizeof(entry.uid.bytes));
	memcpy(entry.subject, p->key, sizeof(p->key));
	rc = entry_erasure_format(p->lines[i], ENTRY_LINE_MAX, &len, &entry);
	p->entries[i] = (struct store_new_entry){.kind = "erasure", .uid = p->uids[i], .subject = pg_text(p->key),
						 .line = pg_bytes(p->lines[i], len), .erases = &p->targets[i]};
	return rc;
}

static int append_locked(struct participants *p, struct pg_txn *txn, bool *ended, struct store_append_state *head, size_t n,
			 const uint8_t request[static 32], const struct participants_cause *cause)
{
	const struct store_fence fence = steward_fence(p->ctx);
	const struct store_append_ask ask = {.nentries = n, .uids = p->uids, .nuids = n};
	struct store_participant_request answer = {.key = pg_text(p->key)};
	struct pg_op op = {0};
	int rc = pg_wait(p->ctx->base, &op, store_append_lock(txn, &op, head, &ask));

	if (rc == 0)
		rc = store_duty_fence(txn, &fence);
	/* one writer: none of them can be erased while the participant is there */
	if (rc == 0 && head->nfound > 0)
		rc = -EPROTO;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = make_row(p, i, log_append_at(head), cause);
	if (rc == 0)
		rc = store_participant_remove(txn, pg_text(p->key));
	memcpy(answer.hash, request, sizeof(answer.hash));
	answer.seq = head->head.size + n - 1;
	if (rc == 0)
		rc = store_participant_answer(txn, &answer);
	FAILPOINT("participants.erase");
	if (rc == 0)
		rc = log_append_commit(&p->append, txn, ended, head, p->entries, n, false);
	FAILPOINT("participants.erased");
	return rc;
}

int participants_erase(struct participants *p, const uint8_t request[static 32], const struct participants_cause *cause)
{
	struct store_append_state head = {0};
	struct pg_txn *txn = NULL;
	bool ended = false;
	size_t n = 0;
	int rc = list_entries(p, &n);

	if (rc == 0 && n == 0)
		rc = -EPROTO;
	for (size_t i = 0; i < n; i++)
		participant_erasure_uid(p->uids[i], p->targets[i]);
	if (rc == 0)
		rc = pg_txn_begin(p->ctx->pg, &txn);
	if (rc == 0)
		rc = append_locked(p, txn, &ended, &head, n, request, cause);
	if (txn && !ended)
		pg_txn_rollback(txn);
	store_append_state_clear(&head);
	if (rc == 0)
		log_info(log_msg("participant erased"), log_str("key", p->key), log_u64("entries", n));
	return rc;
}
