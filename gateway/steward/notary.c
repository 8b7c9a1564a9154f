/* Who lives here: the duty's rounds, what the log knows, and the append. */
#include "gateway/steward/notary_internal.h"

#include "did/agent_key.h"
#include "gateway/record/failpoint.h"
#include "gateway/record/fact.h"
#include "gateway/runtime/log.h"
#include "gateway/runtime/metrics.h"
#include "sql/store_duty.h"
#include "sql/store_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the batch ---- */

struct notary_item *notary_item(struct notary *notary, enum entry_kind kind)
{
	struct notary_item *item;

	if (notary->nitems == NOTARY_BATCH)
		return NULL;
	item = &notary->items[notary->nitems++];
	*item = (struct notary_item){.kind = kind};
	return item;
}

void notary_clear_items(struct notary *notary)
{
	for (size_t i = 0; i < notary->nitems; i++) {
		free(notary->items[i].payload);
		free(notary->items[i].evidence);
	}
	notary->nitems = 0;
}

static const uint8_t *uid_of(const struct notary_item *item)
{
	switch (item->kind) {
	case ENTRY_IDENTITY:
		return item->entry.identity.uid.bytes;
	case ENTRY_FEEDBACK:
		return item->entry.feedback.uid.bytes;
	case ENTRY_VOID:
		return item->entry.voided.uid.bytes;
	case ENTRY_ATTESTATION:
	case ENTRY_INDEX:
	case ENTRY_ALIAS:
	case ENTRY_LINK:
	case ENTRY_ERASURE:
		break;
	}
	abort();
}

static bool was_found(const struct store_append_state *state, const uint8_t uid[static 32])
{
	for (size_t i = 0; i < state->nfound; i++)
		if (memcmp(state->found[i].uid, uid, 32) == 0)
			return true;
	return false;
}

/* Fills the row of an item: its line says the time. */
static int make_row(struct store_new_entry *row, char line[static ENTRY_LINE_MAX], struct notary_item *item, uint64_t at)
{
	size_t len = 0;
	int rc = -EINVAL;

	*row = (struct store_new_entry){.uid = uid_of(item), .payload = pg_bytes(item->payload, item->payload_len)};
	if (item->kind == ENTRY_IDENTITY) {
		struct entry_identity *entry = &item->entry.identity;

		entry->at = at;
		row->kind = "identity";
		row->subject = pg_text(entry->subject);
		if (item->evidence) {
			row->evidence_hash = entry->evidence.bytes;
			row->evidence = pg_bytes(item->evidence, item->evidence_len);
		}
		rc = entry_identity_format(line, ENTRY_LINE_MAX, &len, entry);
	} else if (item->kind == ENTRY_FEEDBACK) {
		struct entry_feedback *entry = &item->entry.feedback;

		entry->at = at;
		row->kind = "feedback";
		row->subject = pg_text(entry->subject);
		row->issuer = pg_text(entry->issuer);
		rc = entry_feedback_format(line, ENTRY_LINE_MAX, &len, entry);
	} else if (item->kind == ENTRY_VOID) {
		item->entry.voided.at = at;
		row->kind = "void";
		row->subject = pg_text(item->entry.voided.subject);
		rc = entry_void_format(line, ENTRY_LINE_MAX, &len, &item->entry.voided);
	}
	row->line = pg_bytes(line, len);
	return rc;
}

static int append_locked(struct notary *notary, struct pg_txn *txn, bool *ended, struct store_append_state *state)
{
	const struct store_fence fence = steward_fence(notary->ctx);
	struct store_new_entry rows[NOTARY_BATCH];
	uint8_t uids[NOTARY_BATCH][32];
	struct store_append_ask ask = {.nentries = notary->nitems, .uids = uids, .nuids = notary->nitems};
	struct pg_op op = {0};
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < notary->nitems; i++)
		memcpy(uids[i], uid_of(&notary->items[i]), 32);
	rc = pg_wait(notary->ctx->base, &op, store_append_lock(txn, &op, state, &ask));
	if (rc == 0)
		rc = store_duty_fence(txn, &fence);
	for (size_t i = 0; rc == 0 && i < notary->nitems; i++) {
		if (was_found(state, uids[i]))
			continue;
		rc = make_row(&rows[n], notary->lines[n], &notary->items[i], log_append_at(state));
		n++;
	}
	if (rc != 0 || n == 0)
		return rc;
	FAILPOINT("notary.commit");
	rc = log_append_commit(&notary->append, txn, ended, state, rows, n, false);
	FAILPOINT("notary.committed");
	if (rc == 0)
		metrics_add(METRIC_NOTARY_ENTRIES, n);
	return rc;
}

int notary_commit(struct notary *notary)
{
	struct store_append_state state = {0};
	struct pg_txn *txn = NULL;
	bool ended = false;
	int rc = 0;

	if (notary->nitems > 0)
		rc = pg_txn_begin(notary->ctx->pg, &txn);
	if (rc == 0 && txn)
		rc = append_locked(notary, txn, &ended, &state);
	if (txn && !ended)
		pg_txn_rollback(txn);
	store_append_state_clear(&state);
	notary_clear_items(notary);
	return rc;
}

/* ---- whom the log knows ---- */

const struct store_registry *notary_registry(const struct notary *notary, uint32_t id)
{
	for (size_t i = 0; i < notary->registries.n; i++)
		if (notary->registries.rows[i].id == id)
			return &notary->registries.rows[i];
	return NULL;
}

static bool known_from(struct store_known *out, const struct notary *notary, struct pg_bytes text)
{
	struct agent_key key;

	if (!text.data || agent_key_parse(&key, (const char *)text.data, text.len) != 0)
		return false;
	for (size_t i = 0; i < notary->registries.n; i++) {
		const struct store_registry *row = &notary->registries.rows[i];

		if (row->chain_id != key.chain || memcmp(row->address, key.registry.bytes, 20) != 0)
			continue;
		*out = (struct store_known){.key = text, .registry = row->id, .logged = -1, .feedback = -1};
		u256_to_bytes(out->agent_id, &key.id);
		return true;
	}
	return false;
}

/* Subjects and issuers of entries not looked at yet; *place moves past them, written down with them. Both attestations and what the
 * notary itself wrote are read: the latter name none but agents known already. */
static int learn(struct notary *notary, struct store_notary_place *place, bool *more)
{
	const struct store_entries_filter filter = {.from = place->seq, .below = INT64_MAX, .limit = NOTARY_PAGE,
						    .kind = pg_text("attestation")};
	const struct store_fence fence = steward_fence(notary->ctx);
	struct store_known added[2 * NOTARY_PAGE];
	struct store_entries list = {0};
	struct store_entry entry;
	struct pg_op op = {0};
	size_t n = 0;
	int rc = pg_wait(notary->ctx->base, &op, store_entries(notary->reader, &op, &list, &filter));

	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		rc = store_entries_get(&list, &entry, i);
		if (rc != 0)
			break;
		n += known_from(&added[n], notary, entry.subject);
		n += known_from(&added[n], notary, entry.issuer);
		place->seq = entry.seq + 1;
	}
	*more |= list.n == NOTARY_PAGE;
	if (rc == 0 && list.n > 0)
		rc = pg_wait(notary->ctx->base, &op,
			     store_notary_progress(notary->ctx->pg, &op, &fence, place, added, n, NULL, 0));
	store_entries_clear(&list);
	return rc;
}

/* Which registries the index has, and how far: read in each round, before its final block is. */
static int load_registries(struct notary *notary)
{
	struct pg_op op = {0};
	int rc;

	store_registries_clear(&notary->registries);
	rc = pg_wait(notary->ctx->base, &op, store_registries(notary->reader, &op, &notary->registries));
	if (rc != 0)
		return rc;
	notary->reputation = (struct store_reputation){0};
	for (size_t i = 0; i < notary->registries.n; i++) {
		const struct store_registry *row = &notary->registries.rows[i];

		if (row->chain_id != notary->chains.chains[0].id)
			continue;
		if (memcmp(row->address, notary->chains.registries[0].address.bytes, 20) == 0)
			notary->reputation.identity = row->id;
		if (notary->chains.has_reputation && memcmp(row->address, notary->chains.reputation.bytes, 20) == 0)
			notary->reputation.reputation = row->id;
	}
	return 0;
}

/* ---- the duty ---- */

static int round_of_notes(void *arg, bool *more)
{
	struct notary *notary = arg;
	struct store_notary_place place;
	struct pg_op op = {0};
	int rc = load_registries(notary);

	*more = false;
	if (rc == 0)
		rc = pg_wait(notary->ctx->base, &op, store_notary_place(notary->reader, &op, &place));
	if (rc == 0)
		rc = learn(notary, &place, more);
	if (rc == 0)
		rc = notary_log_facts(notary, more);
	if (rc == 0)
		rc = notary_log_voids(notary, &place, more);
	notary_clear_items(notary);
	return rc;
}

static const struct steward_rounds rounds = {.round = round_of_notes, .pause_ms = NOTARY_PAUSE_MS, .failure = "facts not logged"};

static int open_chains(struct notary *notary)
{
	struct config_error why;
	int rc = chains_load(&notary->chains, &why, notary->ctx->config);

	if (rc != 0)
		log_error(log_msg("settings"), log_str("why", why.text));
	for (size_t i = 0; rc == 0 && i < notary->chains.nchains; i++) {
		const struct eth_rpc_config config = {.url = notary->chains.chains[i].urls, .chain_id = notary->chains.chains[i].id};

		rc = eth_rpc_new(&notary->rpcs[i], notary->ctx->base, &config);
	}
	return rc;
}

int steward_notary_run(struct steward_context *ctx)
{
	struct notary *notary = calloc(1, sizeof(*notary));
	int rc = notary ? log_append_init(&notary->append, ctx->base) : -ENOMEM;

	if (!notary)
		return rc;
	notary->ctx = ctx;
	if (rc == 0)
		rc = open_chains(notary);
	if (rc == 0)
		rc = store_open(&notary->reader, ctx->base, ctx->config->database, "kedge notary reader", STORE_READER, NULL, NULL);
	if (rc == 0)
		rc = steward_rounds(ctx, &rounds, notary);
	for (size_t i = 0; i < notary->chains.nchains; i++)
		eth_rpc_free(notary->rpcs[i]);
	pg_close(notary->reader);
	store_registries_clear(&notary->registries);
	log_append_clear(&notary->append);
	free(notary);
	return rc;
}
