/* Tiles: how the log's hashes and entries are cut, named and read (C2SP tlog-tiles, height 8).
 *
 * The tile (level l, index n) of width w holds the hashes of the complete subtrees (8 * l, n * 256 .. n * 256 + w - 1),
 * 32 bytes each: level 0 are leaf hashes. A full tile has 256 of them (8192 bytes). An entry bundle holds the entries
 * of the level 0 tile of the same index, each as u16be(length) || entry.
 *
 * Paths, relative to the log's prefix: "tile/0/x001/x234/067", partial "tile/0/000.p/112", "tile/entries/005".
 * Pure: bytes in, bytes out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "anchor/merkle.h"

#define TILE_WIDTH 256
#define TILE_BYTES 8192 /* TILE_WIDTH hashes */
#define TILE_LEVEL_MAX 63
#define TILE_PATH_MAX 64 /* with the final NUL */
#define TILE_ENTRY_MAX 65535

struct tile_id {
	bool entries;	/* a bundle; then level is 0 */
	unsigned level; /* 0..63 */
	uint64_t index;
	unsigned width; /* 1..256; 256 is a full tile, whose path has no ".p/" */
};

/* NUL-terminated. 0, or -EINVAL for an impossible id. */
__attribute__((warn_unused_result)) int tile_path_format(char out[static TILE_PATH_MAX], const struct tile_id *id);
/* Exactly the form above: no leading slash, no leading zeros but the groups' own, no spare group. 0 or -EBADMSG. */
__attribute__((warn_unused_result)) int tile_path_parse(struct tile_id *id, const char *path, size_t len);

/* How many full tiles a level has in a log of that size. The level's next tile is partial if its width is not 0. */
uint64_t tile_full_count(uint64_t size, unsigned level);
/* floor(size / 256^level) mod 256; 0: there is no partial tile (an empty one must not be served). */
unsigned tile_partial_width(uint64_t size, unsigned level);
/* Whether everything in that tile exists at that size: full ones, and any partial width already reached. */
bool tile_available(const struct tile_id *id, uint64_t size);

/* The full hash tiles that an append from old_size to size completes, level by level from 0, so that a level's tile
 * comes after all it is made of:
 *	for (tile_growth_init(&g, old, new); tile_growth_next(&g, &id);) ... */
struct tile_growth {
	uint64_t old_size, size, next;
	unsigned level;
};
void tile_growth_init(struct tile_growth *growth, uint64_t old_size, uint64_t size);
bool tile_growth_next(struct tile_growth *growth, struct tile_id *id);

/* Where a complete subtree lies: tile `id` (level and index; width set to the least that contains it), and there the
 * subtree of `height` 0..7 and number `position`: hashes [position << height, (position + 1) << height). */
void tile_locate(struct tile_id *id, unsigned *height, unsigned *position, unsigned level, uint64_t index);
/* The root of 2^height hashes of a tile's bytes; height 8, position 0 is the root of a full tile, which is a hash of
 * the level above. `len` is 32 * width. 0, or -EINVAL if the tile does not hold them. */
__attribute__((warn_unused_result)) int tile_subtree(struct merkle_hasher *hasher, struct merkle_hash *out,
						     const uint8_t *tile, size_t len, unsigned height,
						     unsigned position);

/* Append u16be(length) || entry at out[*len]. 0; -EOVERFLOW for an entry over 65535 bytes; -ENOSPC. */
__attribute__((warn_unused_result)) int tile_bundle_put(uint8_t *out, size_t size, size_t *len, const void *entry,
							size_t entry_len);
/* The entry at *offset, borrowed from the bundle; moves *offset. 0; -ENOENT at the end; -EBADMSG if it is cut short. */
__attribute__((warn_unused_result)) int tile_bundle_next(const uint8_t **entry, size_t *entry_len, size_t *offset,
							 const uint8_t *bundle, size_t len);
