/*
 * One fetch is a chain of reads: entry, the checkpoint of the level, the index head's line, the tiles. The proof is
 * checked against the checkpoint before it is handed out, so a damaged table shows here and not at a verifier.
 */
#include "gateway/record/receipt_fetch.h"
#include "anchor/merkle.h"
#include "anchor/tile.h"
#include "sql/store_anchor.h"
#include "sql/store_checkpoint.h"
#include "sql/store_log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TILES_MAX 64u

struct fetch {
	struct pg_op op;
	struct pg_conn *reader;
	struct receipt_wish wish;
	receipt_on_fetched *on_fetched;
	void *arg;
	struct merkle_hasher hasher;
	enum receipt_level level; /* being tried, then found */
	struct store_entry entry;
	struct store_anchor anchor;
	struct store_checkpoint checkpoint;
	struct store_lines head;
	struct merkle_plan plans[2]; /* of the entry, of the index head */
	struct store_tile wanted[TILES_MAX];
	size_t nwanted;
	struct store_tiles tiles;
	struct merkle_hash proofs[2][MERKLE_PROOF_MAX];
	size_t proof_len[2];
};

static void finish(struct fetch *f, int err, const struct receipt_parts *parts)
{
	f->on_fetched(f->arg, err, f->entry.seq, parts);
	store_tiles_clear(&f->tiles);
	store_lines_clear(&f->head);
	store_entry_clear(&f->entry);
	merkle_hasher_clear(&f->hasher);
	free(f);
}

/* Sets the next step and looks at how starting it went. */
#define START(f, step, call)                                                                                           \
	do {                                                                                                           \
		int started_;                                                                                          \
		(f)->op.on_done = (step);                                                                              \
		started_ = (call);                                                                                     \
		if (started_)                                                                                          \
			finish((f), started_, NULL);                                                                   \
	} while (0)

static bool published(const struct fetch *f)
{
	return f->level >= RECEIPT_PUBLISHED;
}

/* ---- proofs ---- */

static int want_tile(struct fetch *f, const struct merkle_ref *ref)
{
	struct tile_id id;
	unsigned height, position;

	tile_locate(&id, &height, &position, ref->level, ref->index);
	for (size_t i = 0; i < f->nwanted; i++)
		if (f->wanted[i].level == id.level && f->wanted[i].index == id.index)
			return 0;
	if (f->nwanted == TILES_MAX)
		return -EOVERFLOW;
	f->wanted[f->nwanted++] = (struct store_tile){.level = id.level, .index = id.index};
	return 0;
}

static int plan_proofs(struct fetch *f)
{
	uint64_t seqs[2] = {f->entry.seq, f->checkpoint.size - 1};
	size_t count = published(f) ? 2 : 1;
	int rc = 0;

	for (size_t p = 0; p < count && !rc; p++) {
		rc = merkle_plan_inclusion(&f->plans[p], seqs[p], f->checkpoint.size);
		for (unsigned i = 0; i < f->plans[p].count && !rc; i++)
			rc = want_tile(f, &f->plans[p].refs[i]);
	}
	return rc;
}

static int subtree(struct fetch *f, struct merkle_hash *out, const struct merkle_ref *ref)
{
	struct tile_id id;
	unsigned height, position;

	tile_locate(&id, &height, &position, ref->level, ref->index);
	for (size_t i = 0; i < f->nwanted; i++) {
		const struct store_tile *t = &f->wanted[i];

		if (t->level == id.level && t->index == id.index)
			return t->nhashes < id.width
				       ? -EPROTO
				       : tile_subtree(&f->hasher, out, t->hashes[0], 32 * t->nhashes, height, position);
	}
	return -EPROTO;
}

static int build_proof(struct fetch *f, size_t p, uint64_t seq, const struct merkle_hash *leaf)
{
	struct merkle_hash hashes[MERKLE_PLAN_MAX], root;
	int rc = 0;

	for (unsigned i = 0; i < f->plans[p].count && !rc; i++)
		rc = subtree(f, &hashes[i], &f->plans[p].refs[i]);
	if (rc)
		return rc;
	f->proof_len[p] = merkle_plan_build(&f->hasher, f->proofs[p], &f->plans[p], hashes);
	memcpy(root.bytes, f->checkpoint.root, 32);
	return merkle_verify_inclusion(&f->hasher, &root, leaf, seq, f->checkpoint.size, f->proofs[p], f->proof_len[p])
		       ? -EPROTO
		       : 0;
}

static int build_proofs(struct fetch *f)
{
	struct merkle_hash leaf;
	struct pg_bytes line;
	int rc;

	/* the line that is handed out, not what the table says of it */
	merkle_leaf(&f->hasher, &leaf, f->entry.line.data, f->entry.line.len);
	rc = build_proof(f, 0, f->entry.seq, &leaf);
	if (rc || !published(f))
		return rc;
	line = store_lines_get(&f->head, 0);
	merkle_leaf(&f->hasher, &leaf, line.data, line.len);
	return build_proof(f, 1, f->checkpoint.size - 1, &leaf);
}

static void give_parts(struct fetch *f)
{
	struct receipt_parts parts;
	struct pg_bytes head = {0};
	int rc = build_proofs(f);

	if (rc) {
		finish(f, rc, NULL);
		return;
	}
	if (published(f))
		head = store_lines_get(&f->head, 0);
	parts = (struct receipt_parts){
		.level = f->level,
		.seq = f->entry.seq,
		.entry = (const char *)f->entry.line.data,
		.entry_len = f->entry.line.len,
		.payload = (const char *)f->entry.payload.data,
		.payload_len = f->entry.payload.len,
		.evidence = (const char *)f->entry.evidence.data,
		.evidence_len = f->entry.evidence.len,
		.checkpoint = f->checkpoint.note,
		.checkpoint_len = f->checkpoint.note_len,
		.inclusion = f->proofs[0],
		.inclusion_len = f->proof_len[0],
		.head_entry = (const char *)head.data,
		.head_entry_len = head.len,
		.head_inclusion = f->proofs[1],
		.head_inclusion_len = f->proof_len[1],
		.chain_id = f->wish.chain_id,
		.block_number = f->anchor.block_number,
	};
	memcpy(parts.contract, f->wish.contract, sizeof(parts.contract));
	memcpy(parts.block_hash, f->anchor.block_hash, sizeof(parts.block_hash));
	finish(f, 0, &parts);
}

static void on_tiles(struct pg_op *op)
{
	struct fetch *f = op->arg;

	if (op->err)
		finish(f, op->err, NULL);
	else
		give_parts(f);
}

static void read_tiles(struct fetch *f)
{
	int rc = plan_proofs(f);

	if (rc)
		finish(f, rc, NULL);
	else if (!f->nwanted) /* a tree of one entry: the leaf is the root */
		give_parts(f);
	else
		START(f, on_tiles, store_tiles(f->reader, &f->op, &f->tiles, f->wanted, f->nwanted));
}

/* ---- the level ---- */

static void on_head(struct pg_op *op)
{
	struct fetch *f = op->arg;

	if (op->err || f->head.n != 1)
		finish(f, op->err ? op->err : -EPROTO, NULL);
	else
		read_tiles(f);
}

static void try_level(struct fetch *f);

static void next_level(struct fetch *f)
{
	if (f->wish.exact || f->level <= f->wish.level) {
		finish(f, -EINPROGRESS, NULL);
		return;
	}
	f->level--;
	try_level(f);
}

static void on_checkpoint(struct pg_op *op)
{
	struct fetch *f = op->arg;

	if (op->err == -ENOENT)
		next_level(f);
	else if (op->err)
		finish(f, op->err, NULL);
	else if (published(f))
		START(f, on_head, store_lines(f->reader, &f->op, &f->head, f->checkpoint.size - 1, 1));
	else
		read_tiles(f);
}

static void on_anchor(struct pg_op *op)
{
	struct fetch *f = op->arg;

	if (op->err == -ENOENT)
		next_level(f);
	else if (op->err)
		finish(f, op->err, NULL);
	else
		START(f, on_checkpoint, store_checkpoint_at(f->reader, &f->op, &f->checkpoint, f->anchor.size));
}

/* What covers the entry at this level: an anchor of enough depth, a published checkpoint, or any. */
static void try_level(struct fetch *f)
{
	uint64_t seq = f->entry.seq;

	if (f->level >= RECEIPT_ANCHORED && !f->wish.has_anchor)
		next_level(f);
	else if (f->level >= RECEIPT_ANCHORED)
		START(f, on_anchor,
		      store_anchor_covering(f->reader, &f->op, &f->anchor, seq,
					    f->level == RECEIPT_FINAL ? STORE_ANCHOR_FINAL : STORE_ANCHOR_SAFE));
	else if (f->level == RECEIPT_PUBLISHED)
		START(f, on_checkpoint, store_published_covering(f->reader, &f->op, &f->checkpoint, seq));
	else
		START(f, on_checkpoint, store_checkpoint_covering(f->reader, &f->op, &f->checkpoint, seq));
}

/* What the gateway logged by itself has a uid too, but nobody submitted it: it is read from the log. */
static bool is_attestation(const struct store_entry *entry)
{
	static const char kind[] = "attestation";

	return entry->kind.len == sizeof(kind) - 1 && memcmp(entry->kind.data, kind, sizeof(kind) - 1) == 0;
}

static void on_entry(struct pg_op *op)
{
	struct fetch *f = op->arg;

	if (op->err) {
		finish(f, op->err, NULL);
	} else if (!is_attestation(&f->entry)) {
		finish(f, -ENOENT, NULL);
	} else if (!f->entry.payload.data || !f->entry.evidence.data) {
		finish(f, -ENODATA, NULL);
	} else {
		f->level = f->wish.exact ? f->wish.level : RECEIPT_FINAL;
		try_level(f);
	}
}

int receipt_fetch(struct pg_conn *reader, const struct receipt_wish *wish, receipt_on_fetched *on_fetched, void *arg)
{
	struct fetch *f = calloc(1, sizeof(*f));
	int rc = f ? merkle_hasher_init(&f->hasher) : -ENOMEM;

	if (rc)
		goto out;
	f->reader = reader;
	f->wish = *wish;
	f->on_fetched = on_fetched;
	f->arg = arg;
	f->op.on_done = on_entry;
	f->op.arg = f;
	rc = store_entry_by_uid(reader, &f->op, &f->entry, wish->uid);
	if (!rc)
		return 0;
	merkle_hasher_clear(&f->hasher);
out:
	free(f);
	return rc;
}
