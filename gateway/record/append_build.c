#include "gateway/record/append_build.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

size_t append_roots_needed(struct append_roots out[static APPEND_LEVELS], uint64_t old_size, uint64_t size)
{
	size_t n = 0;

	/* A tile of level l + 1 is complete every 256^(l + 2) entries, and then needs the roots of its level l tiles so
	 * far. */
	for (unsigned level = 0; level + 2 <= 7; level++) {
		unsigned shift = 8 * (level + 2);

		if (size >> shift == old_size >> shift)
			break;
		out[n].level = level;
		out[n].first = (old_size >> shift) << 8;
		out[n].count = (size_t)((old_size >> (shift - 8)) & 255);
		n += out[n].count > 0;
	}
	return n;
}

static const uint8_t *computed_root(const struct append_tile *tiles, size_t count, unsigned level, uint64_t index)
{
	for (size_t i = 0; i < count; i++)
		if (tiles[i].level == level && tiles[i].index == index)
			return tiles[i].root.bytes;
	return NULL;
}

static const uint8_t *known_root(const struct append_roots *roots, size_t nroots, unsigned level, uint64_t index)
{
	for (size_t i = 0; i < nroots; i++)
		if (roots[i].level == level && index >= roots[i].first && index - roots[i].first < roots[i].count)
			return roots[i].hashes[index - roots[i].first];
	return NULL;
}

int append_tiles(struct merkle_hasher *hasher, struct append_tile *tiles, size_t *count, uint64_t old_size,
		 const struct merkle_hash *leaves, size_t n, const uint8_t (*unfinished)[32],
		 const struct append_roots *roots, size_t nroots)
{
	struct tile_growth growth;
	struct tile_id id;

	*count = 0;
	for (tile_growth_init(&growth, old_size, old_size + n); tile_growth_next(&growth, &id);) {
		struct append_tile *tile = &tiles[*count];

		if (*count == APPEND_TILES_MAX)
			return -EPROTO;
		tile->level = id.level;
		tile->index = id.index;
		for (unsigned i = 0; i < TILE_WIDTH; i++) {
			uint64_t at = id.index * TILE_WIDTH + i;
			const uint8_t *hash;

			if (id.level > 0)
				hash = (hash = computed_root(tiles, *count, id.level - 1, at))
					       ? hash
					       : known_root(roots, nroots, id.level - 1, at);
			else if (at >= old_size)
				hash = leaves[at - old_size].bytes;
			else
				hash = unfinished ? unfinished[at % TILE_WIDTH] : NULL;
			if (!hash)
				return -EPROTO;
			memcpy(tile->hashes[i], hash, 32);
		}
		if (tile_subtree(hasher, &tile->root, tile->hashes[0], TILE_BYTES, 8, 0))
			return -EPROTO;
		++*count;
	}
	return 0;
}

int append_entry(char line[static ENTRY_LINE_MAX], size_t *len, uint64_t at, const struct append_entry_of *item)
{
	const struct admission *a = item->admission;
	struct entry_attestation entry = {.at = at};

	entry.auth.block = a->safe.number;
	(void)snprintf(entry.auth.chain, sizeof(entry.auth.chain), "eip155:%" PRIu64, a->chain_id);
	memcpy(entry.auth.evidence.bytes, a->evidence_hash, 32);
	memcpy(entry.auth.hash, a->safe.hash.bytes, 32);
	entry.auth.method = a->method == TYPED_EIP712 ? ENTRY_EIP712 : ENTRY_EIP191;
	entry.auth.role = a->role == AUTHORITY_WALLET ? ENTRY_WALLET : ENTRY_OWNER;
	entry.auth.tier = ENTRY_RPC;
	if (strlen(item->issuer) > ENTRY_TEXT_MAX || strlen(item->subject) > ENTRY_TEXT_MAX)
		return -EINVAL;
	memcpy(entry.issuer, item->issuer, strlen(item->issuer) + 1);
	memcpy(entry.subject, item->subject, strlen(item->subject) + 1);
	memcpy(entry.payload.bytes, item->payload_hash, 32);
	memcpy(entry.uid.bytes, item->uid, 32);
	return entry_attestation_format(line, ENTRY_LINE_MAX, len, &entry);
}
