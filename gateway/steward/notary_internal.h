#pragma once
/* Shared by the files of the notary. */
#include "anchor/entry.h"
#include "gateway/chains.h"
#include "gateway/steward/log_append.h"
#include "gateway/steward/notary.h"
#include "sql/store_notary.h"

enum { NOTARY_BATCH = 256, NOTARY_PAGE = 200 };

/* One entry to be. Owns payload and evidence. */
struct notary_item {
	enum entry_kind kind;
	union {
		struct entry_identity identity;
		struct entry_feedback feedback;
		struct entry_void voided;
	} entry; /* `at` is set under the head's lock */
	char *payload, *evidence;
	size_t payload_len, evidence_len;
};

/* An attestation whose block was another than it says, and how often in a row. */
struct notary_doubt {
	uint64_t seq;
	uint8_t hash[32]; /* the block that was there instead */
	unsigned times;
};

struct notary {
	struct steward_context *ctx;
	struct pg_conn *reader;
	struct chains chains;
	struct eth_rpc *rpcs[CHAINS_MAX]; /* as chains.chains */
	struct store_registries registries;
	struct store_reputation reputation; /* default identity registry, reputation registry; 0 0: none */
	struct log_append append;
	struct notary_item items[NOTARY_BATCH];
	size_t nitems;
	char lines[NOTARY_BATCH][ENTRY_LINE_MAX];
	struct notary_doubt doubts[NOTARY_PAGE]; /* of the last look, by seq */
	size_t ndoubts;
};

/* Room for one more, or NULL: commit first. */
struct notary_item *notary_item(struct notary *notary, enum entry_kind kind);
/* Appends what is not in the log yet, in one transaction, and empties the batch. 0; -ESTALE; errors of the store: then the batch is
 * empty too, and the round begins anew. */
__attribute__((warn_unused_result)) int notary_commit(struct notary *notary);
void notary_clear_items(struct notary *notary);

const struct store_registry *notary_registry(const struct notary *notary, uint32_t id);

/* notary_facts.c: identity and feedback of known agents. *more: there was more than fitted. */
__attribute__((warn_unused_result)) int notary_log_facts(struct notary *notary, bool *more);
/* notary_void.c: compares the blocks of attestations from place->checked on with the finalized chain; moves it. */
__attribute__((warn_unused_result)) int notary_log_voids(struct notary *notary, struct store_notary_place *place, bool *more);
