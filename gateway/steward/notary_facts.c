/* Identity and feedback entries from the index's final states and events. */
#include "gateway/steward/notary_internal.h"

#include "gateway/record/fact.h"
#include "gateway/runtime/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Progress of the agents of one batch: written after the batch is in the log. */
struct moved {
	struct store_known rows[NOTARY_PAGE];
	size_t n;
};

static void set_block(struct entry_block *block, uint64_t chain_id, uint64_t number, const uint8_t hash[static 32])
{
	(void)snprintf(block->chain, sizeof(block->chain), "eip155:%" PRIu64, chain_id);
	memcpy(block->hash, hash, 32);
	block->number = number;
}

static int set_text(char out[static ENTRY_TEXT_MAX + 1], struct pg_bytes text)
{
	if (text.len > ENTRY_TEXT_MAX)
		return -EINVAL;
	memcpy(out, text.data, text.len);
	out[text.len] = '\0';
	return 0;
}

static char *copy(const void *data, size_t len)
{
	char *out = malloc(len + 1);

	if (out && len)
		memcpy(out, data, len);
	return out;
}

/* The proof object of just that block, if the index has it: only then the tier is `proof`. */
static int take_proof(struct notary *notary, struct notary_item *item, const struct store_state *state)
{
	struct store_proof proof;
	PGresult *res = NULL;
	struct pg_op op = {0};
	int rc = pg_wait(notary->ctx->base, &op,
			 store_proof_at(notary->reader, &op, &proof, &res, state->registry, state->agent_id, state->number));

	if (rc == 0 && proof.number == state->number) {
		item->evidence = copy(proof.body.data, proof.body.len);
		item->evidence_len = proof.body.len;
		if (item->evidence)
			fact_hash(item->entry.identity.evidence.bytes, proof.body.data, proof.body.len);
		else
			rc = -ENOMEM;
	}
	PQclear(res);
	return rc == -ENOENT ? 0 : rc;
}

static enum entry_source source_of(const struct store_state *state, bool proved)
{
	static const enum entry_source sources[] = {
		[STORE_TIER_EVENTS] = ENTRY_FROM_EVENTS, [STORE_TIER_RPC] = ENTRY_FROM_RPC,
		[STORE_TIER_QUORUM] = ENTRY_FROM_QUORUM, [STORE_TIER_PROOF] = ENTRY_FROM_RPC,
	};

	return proved ? ENTRY_FROM_PROOF : sources[state->tier];
}

static int add_identity(struct notary *notary, const struct store_known *known, uint64_t chain_id, const struct store_state_at *row)
{
	struct notary_item *item = notary_item(notary, ENTRY_IDENTITY);
	struct entry_identity *entry;
	int rc;

	if (!item)
		return -ENOSPC;
	entry = &item->entry.identity;
	rc = set_text(entry->subject, known->key);
	if (rc != 0)
		return rc;
	set_block(&entry->block, chain_id, row->block.number, row->block.hash);
	memcpy(entry->owner, row->state.owner, 20);
	if (row->state.has_wallet)
		memcpy(entry->wallet, row->state.wallet, 20);
	fact_hash(entry->uri.bytes, row->state.uri.data, row->state.uri.len);
	fact_identity_uid(entry->uid.bytes, entry->subject, row->block.hash);
	item->payload = copy(row->state.uri.data, row->state.uri.len);
	item->payload_len = row->state.uri.len;
	rc = item->payload ? take_proof(notary, item, &row->state) : -ENOMEM;
	entry->source = source_of(&row->state, item->evidence != NULL);
	return rc;
}

/* What a registry that was added later lacks may be above `indexed`, and what is there is not compared with storage yet. */
static uint64_t settled(const struct store_registry *registry, const struct store_index *index)
{
	uint64_t indexed = registry->indexed < 0 ? 0 : (uint64_t)registry->indexed;

	return indexed < index->final_number ? indexed : index->final_number;
}

/* The first time what is in force; after that each state since the last that was logged. */
static int identity_of(struct notary *notary, struct store_known *known, const struct store_registry *registry)
{
	struct store_states states = {0};
	struct store_index index;
	struct pg_op op = {0};
	size_t room = NOTARY_BATCH - notary->nitems;
	int rc = pg_wait(notary->ctx->base, &op, store_index(notary->reader, &op, &index, registry->chain_id));

	if (rc != 0)
		return rc;
	if (known->logged < 0)
		rc = pg_wait(notary->ctx->base, &op,
			     store_state_at(notary->reader, &op, &states, &index, known->registry, known->agent_id, false,
				    settled(registry, &index)));
	else
		rc = pg_wait(notary->ctx->base, &op,
			     store_states_final(notary->reader, &op, &states, known->registry, known->agent_id, known->logged,
						room < NOTARY_PAGE ? (unsigned)room : NOTARY_PAGE));
	for (size_t i = 0; rc == 0 && i < states.n; i++) {
		rc = add_identity(notary, known, registry->chain_id, &states.rows[i]);
		known->logged = (int64_t)states.rows[i].state.number;
	}
	store_states_clear(&states);
	return rc == -ENOENT ? 0 : rc;
}

static int add_feedback(struct notary *notary, const struct store_known *known, const struct store_registry *registry,
			const struct store_event *event, const uint8_t block[static 32])
{
	static const enum entry_event events[] = {ENTRY_EVENT_FEEDBACK, ENTRY_EVENT_REVOKED, ENTRY_EVENT_RESPONSE};
	struct notary_item *item = notary_item(notary, ENTRY_FEEDBACK);
	struct fact_feedback fact = {.event = (enum fact_event)(event->kind - STORE_EVENT_FEEDBACK), .data = event->value.data,
				     .len = event->value.len};
	struct entry_feedback *entry;
	char account[ADDRESS_TEXT_SIZE];
	int rc;

	if (!item)
		return -ENOSPC;
	entry = &item->entry.feedback;
	memcpy(fact.registry.bytes, registry->address, 20);
	memcpy(fact.client.bytes, event->a, 20);
	memcpy(fact.responder.bytes, event->b, 20);
	rc = set_text(entry->subject, known->key);
	if (rc == 0)
		rc = fact_feedback_payload(&item->payload, &item->payload_len, &fact);
	if (rc != 0) {
		notary->nitems--;
		return rc;
	}
	set_block(&entry->block, registry->chain_id, event->number, block);
	entry->event = events[fact.event];
	address_format_lower(account, fact.event == FACT_RESPONSE ? &fact.responder : &fact.client);
	(void)snprintf(entry->issuer, sizeof(entry->issuer), "%s:%s", entry->block.chain, account);
	entry->log = event->log_index;
	memcpy(entry->tx, event->tx, 32);
	fact_hash(entry->payload.bytes, item->payload, item->payload_len);
	fact_feedback_uid(entry->uid.bytes, entry->block.chain, block, event->log_index);
	return 0;
}

static int block_hash(struct notary *notary, uint8_t hash[static 32], uint64_t chain_id, uint64_t number)
{
	struct store_index_blocks blocks = {0};
	struct pg_op op = {0};
	int rc = pg_wait(notary->ctx->base, &op, store_blocks_final(notary->reader, &op, &blocks, chain_id, &number, 1));

	if (rc == 0 && blocks.n != 1)
		rc = -EAGAIN;
	if (rc == 0)
		memcpy(hash, blocks.rows[0].hash, 32);
	store_index_blocks_clear(&blocks);
	return rc;
}

/* A whole block at a time, so that its number is the progress; what does not fit waits for the next batch. */
static int feedback_of(struct notary *notary, struct store_known *known)
{
	const struct store_registry *registry = notary_registry(notary, notary->reputation.reputation);
	struct store_events list = {0};
	struct pg_op op = {0};
	uint8_t hash[32];
	uint64_t of = UINT64_MAX;
	int rc = pg_wait(notary->ctx->base, &op,
			 store_feedback_final(notary->reader, &op, &list, registry->id, known->agent_id, known->feedback, NOTARY_PAGE / 2));

	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		if (list.rows[i].number != of)
			rc = block_hash(notary, hash, registry->chain_id, list.rows[i].number);
		of = list.rows[i].number;
		if (rc == 0 && notary->nitems == NOTARY_BATCH)
			rc = notary_commit(notary);
		if (rc == 0)
			rc = add_feedback(notary, known, registry, &list.rows[i], hash);
		if (rc == -EBADMSG || rc == -EOVERFLOW) {
			log_warn(log_msg("feedback that cannot be read is left out"), log_u64("block", of),
				 log_u64("log", list.rows[i].log_index));
			rc = 0;
		}
	}
	if (rc == 0 && list.n > 0)
		known->feedback = (int64_t)list.rows[list.n - 1].number;
	store_events_clear(&list);
	return rc;
}

static int facts_of(struct notary *notary, const struct store_known *row, struct moved *moved)
{
	const struct store_registry *registry = notary_registry(notary, row->registry);
	struct store_known *known = &moved->rows[moved->n];
	int rc = 0;

	if (!registry)
		return 0;
	*known = *row;
	if (row->news)
		rc = identity_of(notary, known, registry);
	if (rc == 0 && row->feedback_news)
		rc = feedback_of(notary, known);
	if (rc == 0)
		moved->n++;
	return rc;
}

int notary_log_facts(struct notary *notary, bool *more)
{
	const struct store_fence fence = steward_fence(notary->ctx);
	bool reputation = notary->reputation.identity != 0 && notary->reputation.reputation != 0;
	struct store_knowns list = {0};
	struct moved moved = {.n = 0};
	struct pg_op op = {0};
	size_t i = 0;
	int rc = pg_wait(notary->ctx->base, &op,
			 store_known_news(notary->reader, &op, &list, &notary->reputation, reputation ? 1 : 0, (struct pg_bytes){0},
					  NOTARY_PAGE));

	for (; rc == 0 && i < list.n && notary->nitems < NOTARY_BATCH; i++)
		rc = facts_of(notary, &list.rows[i], &moved);
	*more |= moved.n > 0;
	if (rc == 0)
		rc = notary_commit(notary);
	if (rc == 0 && moved.n > 0)
		rc = pg_wait(notary->ctx->base, &op,
			     store_notary_progress(notary->ctx->pg, &op, &fence, NULL, NULL, 0, moved.rows, moved.n));
	store_knowns_clear(&list);
	return rc;
}
