/* Whether the blocks attestations were admitted at are still the chain's. */
#include "gateway/steward/notary_internal.h"

#include "gateway/record/fact.h"
#include "gateway/runtime/log.h"

#include <errno.h>
#include <string.h>

/* An attestation whose block is to be compared. */
struct claim {
	uint64_t seq;
	struct entry_attestation entry;
	size_t chain; /* in notary->chains */
};

/* One block number of a chain and the hash that is canonical there. */
struct canonical {
	size_t chain;
	uint64_t number;
	uint8_t hash[32];
	bool known;
};

struct comparison {
	struct claim claims[NOTARY_PAGE];
	size_t nclaims;
	struct canonical blocks[NOTARY_PAGE];
	size_t nblocks;
	struct store_index index[CHAINS_MAX];
	bool known[CHAINS_MAX]; /* the index has begun */
};

static size_t chain_of(const struct notary *notary, const char *name)
{
	size_t i = 0;

	while (i < notary->chains.nchains && strcmp(notary->chains.chains[i].name, name) != 0)
		i++;
	return i;
}

static struct canonical *canonical_of(struct comparison *all, size_t chain, uint64_t number)
{
	for (size_t i = 0; i < all->nblocks; i++)
		if (all->blocks[i].chain == chain && all->blocks[i].number == number)
			return &all->blocks[i];
	return NULL;
}

/* Attestations from `from` on, up to the first whose block is not final yet. *next: where to go on; *whole: a page was full. */
static int gather(struct notary *notary, struct comparison *all, uint64_t *next, bool *whole, uint64_t from)
{
	const struct store_entries_filter filter = {.from = from, .below = INT64_MAX, .limit = NOTARY_PAGE, .kind = pg_text("attestation")};
	struct store_entries list = {0};
	struct store_entry row;
	struct pg_op op = {0};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < notary->chains.nchains; i++) {
		rc = pg_wait(notary->ctx->base, &op, store_index(notary->reader, &op, &all->index[i], notary->chains.chains[i].id));
		all->known[i] = rc == 0;
		rc = rc == -ENOENT ? 0 : rc;
	}
	if (rc == 0)
		rc = pg_wait(notary->ctx->base, &op, store_entries(notary->reader, &op, &list, &filter));
	*whole = list.n == NOTARY_PAGE;
	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		struct claim *claim = &all->claims[all->nclaims];

		rc = store_entries_get(&list, &row, i);
		if (rc == 0)
			rc = entry_attestation_parse(&claim->entry, (const char *)row.line.data, row.line.len);
		if (rc != 0)
			break;
		claim->seq = row.seq;
		claim->chain = chain_of(notary, claim->entry.auth.chain);
		/* a chain that is no longer served cannot be asked; its attestations stand as they were admitted */
		if (claim->chain < notary->chains.nchains) {
			if (!all->known[claim->chain] || claim->entry.auth.block > all->index[claim->chain].final_number) {
				*whole = false;
				break;
			}
			all->nclaims++;
		}
		*next = row.seq + 1;
	}
	store_entries_clear(&list);
	return rc;
}

/* What the index holds is compared already with parents and finality; the node is asked for the other blocks only. */
static int from_index(struct notary *notary, struct comparison *all, size_t chain)
{
	struct store_index_blocks blocks = {0};
	uint64_t numbers[NOTARY_PAGE];
	struct pg_op op = {0};
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < all->nclaims; i++) {
		struct claim *claim = &all->claims[i];

		if (claim->chain != chain || canonical_of(all, chain, claim->entry.auth.block))
			continue;
		all->blocks[all->nblocks++] = (struct canonical){.chain = chain, .number = claim->entry.auth.block};
		numbers[n++] = claim->entry.auth.block;
	}
	if (n == 0)
		return 0;
	rc = pg_wait(notary->ctx->base, &op,
		     store_blocks_final(notary->reader, &op, &blocks, notary->chains.chains[chain].id, numbers, n));
	for (size_t i = 0; rc == 0 && i < blocks.n; i++) {
		struct canonical *block = canonical_of(all, chain, blocks.rows[i].number);

		if (block) {
			memcpy(block->hash, blocks.rows[i].hash, 32);
			block->known = true;
		}
	}
	store_index_blocks_clear(&blocks);
	return rc;
}

/* One answer of one node, or of the quorum where one is configured. */
static int ask(struct notary *notary, struct eth_rpc_answer **answer, struct eth_rpc *rpc, const struct eth_rpc_calls *list)
{
	unsigned need = (unsigned)notary->ctx->config->rpc_quorum;
	struct eth_rpc_quorum quorum;

	return need >= 2 ? eth_rpc_quorum_wait(answer, &quorum, rpc, list, need, NOTARY_RPC_MS)
			 : eth_rpc_wait(answer, rpc, list, NOTARY_RPC_MS);
}

static int read_block(uint8_t hash[static 32], const struct eth_rpc_result *result, uint64_t number)
{
	struct eth_rpc_block block;
	int rc = eth_rpc_result_block(&block, result);

	if (rc == 0 && block.number != number)
		rc = -EBADMSG;
	if (rc == 0)
		memcpy(hash, block.hash.bytes, 32);
	return rc;
}

/* The same answer must have the index's final block: whoever shows another finalized chain has no say about what went away. While
 * the chain itself is another (the index then raises its alarm) nothing is voided; that takes an index of the new chain. */
static int from_node(struct notary *notary, struct comparison *all, size_t chain)
{
	const struct store_index *index = &all->index[chain];
	struct eth_rpc_at at = eth_rpc_at_number(index->final_number);
	struct canonical *asked[NOTARY_PAGE];
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	uint8_t final[32];
	size_t n = 0;
	int rc = 0;

	eth_rpc_calls_init(&list);
	for (size_t i = 0; i < all->nblocks; i++) {
		if (all->blocks[i].chain != chain || all->blocks[i].known)
			continue;
		if (n == 0)
			eth_rpc_add_block(&list, &at);
		at = eth_rpc_at_number(all->blocks[i].number);
		eth_rpc_add_block(&list, &at);
		asked[n++] = &all->blocks[i];
	}
	if (n > 0)
		rc = ask(notary, &answer, notary->rpcs[chain], &list);
	eth_rpc_calls_clear(&list);
	if (rc == 0 && n > 0)
		rc = read_block(final, &answer->results[0], index->final_number);
	if (rc == 0 && n > 0 && memcmp(final, index->final_hash, 32) != 0)
		rc = -EAGAIN;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = read_block(asked[i]->hash, &answer->results[i + 1], asked[i]->number);
		asked[i]->known = rc == 0;
	}
	eth_rpc_answer_free(answer);
	return rc;
}

static int add_void(struct notary *notary, const struct claim *claim, const struct canonical *block)
{
	struct notary_item *item = notary_item(notary, ENTRY_VOID);
	struct entry_void *entry;

	if (!item)
		return -ENOSPC;
	entry = &item->entry.voided;
	memcpy(entry->block.chain, claim->entry.auth.chain, sizeof(entry->block.chain));
	memcpy(entry->block.hash, block->hash, 32);
	entry->block.number = block->number;
	memcpy(entry->subject, claim->entry.subject, sizeof(entry->subject));
	entry->target = claim->seq;
	fact_void_uid(entry->uid.bytes, claim->seq);
	log_error(log_msg("an attestation's block is not canonical: void"), log_u64("seq", claim->seq), log_u64("block", block->number),
		  log_hex("admitted_at", claim->entry.auth.hash, 32), log_hex("canonical", block->hash, 32));
	return 0;
}

/* The block that is there in place of the one the attestation names, or NULL. */
static const struct canonical *contradiction(const struct comparison *all, const struct claim *claim)
{
	for (size_t i = 0; i < all->nblocks; i++) {
		const struct canonical *block = &all->blocks[i];

		if (block->chain == claim->chain && block->number == claim->entry.auth.block)
			return memcmp(block->hash, claim->entry.auth.hash, 32) != 0 ? block : NULL;
	}
	return NULL;
}

static unsigned times_before(const struct notary *notary, uint64_t seq, const uint8_t hash[static 32])
{
	for (size_t i = 0; i < notary->ndoubts; i++)
		if (notary->doubts[i].seq == seq && memcmp(notary->doubts[i].hash, hash, 32) == 0)
			return notary->doubts[i].times;
	return 0;
}

/* A look that finds a block gone is repeated before it is believed: nothing takes a void back. *next stays at the first such
 * attestation until then. */
static int judge(struct notary *notary, const struct comparison *all, uint64_t *next, bool *waits)
{
	struct notary_doubt doubts[NOTARY_PAGE] = {0};
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < all->nclaims; i++) {
		const struct claim *claim = &all->claims[i];
		const struct canonical *block = contradiction(all, claim);
		struct notary_doubt *doubt = &doubts[n];

		if (!block)
			continue;
		*doubt = (struct notary_doubt){.seq = claim->seq, .times = times_before(notary, claim->seq, block->hash) + 1};
		memcpy(doubt->hash, block->hash, 32);
		n++;
		if (doubt->times < NOTARY_DOUBTS && !*waits) {
			*next = claim->seq;
			*waits = true;
		}
		if (!*waits)
			rc = add_void(notary, claim, block);
	}
	memcpy(notary->doubts, doubts, n * sizeof(doubts[0]));
	notary->ndoubts = n;
	return rc;
}

int notary_log_voids(struct notary *notary, struct store_notary_place *place, bool *more)
{
	const struct store_fence fence = steward_fence(notary->ctx);
	struct comparison all = {.nclaims = 0};
	uint64_t next = place->checked;
	bool whole = false, waits = false;
	struct pg_op op = {0};
	int rc = gather(notary, &all, &next, &whole, place->checked);

	for (size_t chain = 0; rc == 0 && chain < notary->chains.nchains; chain++) {
		rc = from_index(notary, &all, chain);
		if (rc == 0)
			rc = from_node(notary, &all, chain);
	}
	if (rc == 0)
		rc = judge(notary, &all, &next, &waits);
	if (rc == 0)
		rc = notary_commit(notary);
	if (rc != 0 || next == place->checked)
		return rc;
	place->checked = next;
	*more |= whole && !waits;
	return pg_wait(notary->ctx->base, &op, store_notary_progress(notary->ctx->pg, &op, &fence, place, NULL, 0, NULL, 0));
}
