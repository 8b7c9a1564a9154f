/*
 * What one append writes, from the locked head and the new items: pure, so that tests compare it with a naive
 * construction. Private to the record.
 */
#pragma once

#include "anchor/entry.h"
#include "anchor/merkle.h"
#include "anchor/tile.h"
#include "gateway/record/append.h"
#include "sql/store_log.h"

/* Height-8 levels of a tree of at most 2^63 leaves. */
#define APPEND_LEVELS 8u

/* Roots of the tiles that an unfinished tile above already covers; asked only where this append finishes that one. */
struct append_roots {
	unsigned level; /* of the tiles whose roots these are */
	uint64_t first; /* index of the first */
	size_t count;	/* below 256 */
	uint8_t hashes[TILE_WIDTH][32];
};

/* Which roots an append from old_size to size needs beyond the leaves: level by level; returns how many sets (0 to
 * APPEND_LEVELS). */
size_t append_roots_needed(struct append_roots out[static APPEND_LEVELS], uint64_t old_size, uint64_t size);

struct append_tile {
	unsigned level;
	uint64_t index;
	uint8_t hashes[TILE_WIDTH][32];
	struct merkle_hash root;
};

/* Tiles that 1,024 new entries can complete: 5 at level 0 and one a level above. */
#define APPEND_TILES_MAX (APPEND_BATCH_MAX / TILE_WIDTH + 1 + APPEND_LEVELS)

/*
 * The tiles completed by adding `leaves` to a tree of old_size. unfinished: leaves of the unfinished level-0 tile
 * (old_size % 256 of them; NULL if this append does not complete it). Returns 0 or -EPROTO if something asked for is
 * missing.
 */
__attribute__((warn_unused_result)) int append_tiles(struct merkle_hasher *hasher, struct append_tile *tiles,
						     size_t *count, uint64_t old_size, const struct merkle_hash *leaves,
						     size_t n, const uint8_t (*unfinished)[32],
						     const struct append_roots *roots, size_t nroots);

/* The entry of an item at time `at`. Texts and numbers were checked by append_submit: -EINVAL is a bug. */
struct append_entry_of {
	const uint8_t *uid, *payload_hash;
	const char *issuer, *subject;
	const struct admission *admission;
};
__attribute__((warn_unused_result)) int append_entry(char line[static ENTRY_LINE_MAX], size_t *len, uint64_t at,
						     const struct append_entry_of *item);
