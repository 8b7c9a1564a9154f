/* Paths and contents of tiles. A path is read loosely and accepted only if the formatter writes the same again, so the
 * strictness stands in one place. */
#include "anchor/tile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int tile_path_format(char out[static TILE_PATH_MAX], const struct tile_id *id)
{
	unsigned groups[7], count = 0; /* 2^64 has 20 digits */
	uint64_t rest = id->index;
	int len;

	if (id->level > TILE_LEVEL_MAX || (id->entries && id->level != 0) || id->width < 1 || id->width > TILE_WIDTH)
		return -EINVAL;
	do {
		groups[count++] = (unsigned)(rest % 1000);
		rest /= 1000;
	} while (rest);
	if (id->entries)
		len = snprintf(out, TILE_PATH_MAX, "tile/entries/");
	else
		len = snprintf(out, TILE_PATH_MAX, "tile/%u/", id->level);
	/* tlog-tiles: "encoded into zero-padded 3-digit path elements. All but the last path element MUST begin with an
	 * x." */
	while (count-- > 1)
		len += snprintf(out + len, TILE_PATH_MAX - (size_t)len, "x%03u/", groups[count]);
	len += snprintf(out + len, TILE_PATH_MAX - (size_t)len, "%03u", groups[0]);
	if (id->width < TILE_WIDTH)
		snprintf(out + len, TILE_PATH_MAX - (size_t)len, ".p/%u", id->width);
	return 0;
}

struct cursor {
	const char *at, *end;
};

static bool take(struct cursor *in, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(in->end - in->at) < len || memcmp(in->at, text, len) != 0)
		return false;
	in->at += len;
	return true;
}

/* As many digits as there are, at most `max`; false if there is none. */
static bool take_digits(struct cursor *in, uint64_t *value, unsigned max)
{
	unsigned count = 0;

	for (*value = 0; count < max && in->at < in->end && *in->at >= '0' && *in->at <= '9'; count++, in->at++)
		*value = *value * 10 + (uint64_t)(*in->at - '0');
	return count > 0;
}

static bool take_index(struct cursor *in, uint64_t *index)
{
	uint64_t group;
	bool more;

	*index = 0;
	do {
		more = take(in, "x");
		if (!take_digits(in, &group, 3) || (more && !take(in, "/")))
			return false;
		if (__builtin_mul_overflow(*index, 1000, index) || __builtin_add_overflow(*index, group, index))
			return false;
	} while (more);
	return true;
}

int tile_path_parse(struct tile_id *id, const char *path, size_t len)
{
	struct cursor in = {path, path + len};
	uint64_t level = 0, width = TILE_WIDTH;
	char again[TILE_PATH_MAX];

	*id = (struct tile_id){0};
	if (len >= TILE_PATH_MAX || !take(&in, "tile/"))
		return -EBADMSG;
	id->entries = take(&in, "entries/");
	if (!id->entries && (!take_digits(&in, &level, 2) || !take(&in, "/")))
		return -EBADMSG;
	if (!take_index(&in, &id->index) || (take(&in, ".p/") && !take_digits(&in, &width, 3)))
		return -EBADMSG;
	id->level = (unsigned)level;
	id->width = (unsigned)width;
	if (tile_path_format(again, id) != 0 || strlen(again) != len || memcmp(again, path, len) != 0)
		return -EBADMSG;
	return 0;
}

static uint64_t hashes_at(uint64_t size, unsigned level)
{
	return level < 8 ? size >> (8 * level) : 0;
}

uint64_t tile_full_count(uint64_t size, unsigned level)
{
	return hashes_at(size, level) / TILE_WIDTH;
}

unsigned tile_partial_width(uint64_t size, unsigned level)
{
	return (unsigned)(hashes_at(size, level) % TILE_WIDTH);
}

bool tile_available(const struct tile_id *id, uint64_t size)
{
	uint64_t full = tile_full_count(size, id->level);

	return id->width >= 1 && id->width <= TILE_WIDTH &&
	       (id->index < full || (id->index == full && id->width <= tile_partial_width(size, id->level)));
}

void tile_growth_init(struct tile_growth *growth, uint64_t old_size, uint64_t size)
{
	*growth = (struct tile_growth){
		.old_size = old_size,
		.size = size,
		.next = tile_full_count(old_size, 0),
	};
}

bool tile_growth_next(struct tile_growth *growth, struct tile_id *id)
{
	while (growth->next >= tile_full_count(growth->size, growth->level)) {
		if (tile_full_count(growth->size, growth->level) == 0)
			return false; /* nor has any higher level one */
		growth->level++;
		growth->next = tile_full_count(growth->old_size, growth->level);
	}
	*id = (struct tile_id){.level = growth->level, .index = growth->next++, .width = TILE_WIDTH};
	return true;
}

void tile_locate(struct tile_id *id, unsigned *height, unsigned *position, unsigned level, uint64_t index)
{
	*height = level % 8;
	*position = (unsigned)(index & ((1U << (8 - *height)) - 1));
	*id = (struct tile_id){
		.level = level / 8,
		.index = index >> (8 - *height),
		.width = (*position + 1) << *height,
	};
}

int tile_subtree(struct merkle_hasher *hasher, struct merkle_hash *out, const uint8_t *tile, size_t len,
		 unsigned height, unsigned position)
{
	struct merkle_hash hashes[TILE_WIDTH];
	size_t count;

	if (height > 8 || position >= (unsigned)TILE_WIDTH >> height || len > TILE_BYTES || len % MERKLE_HASH_SIZE)
		return -EINVAL;
	count = (size_t)1 << height;
	if (((size_t)position + 1) * count > len / MERKLE_HASH_SIZE)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		memcpy(hashes[i].bytes, tile + (position * count + i) * MERKLE_HASH_SIZE, MERKLE_HASH_SIZE);
	merkle_root(hasher, out, hashes, count);
	return 0;
}

int tile_bundle_put(uint8_t *out, size_t size, size_t *len, const void *entry, size_t entry_len)
{
	if (entry_len > TILE_ENTRY_MAX)
		return -EOVERFLOW;
	if (*len > size || size - *len < 2 + entry_len)
		return -ENOSPC;
	out[(*len)++] = (uint8_t)(entry_len >> 8);
	out[(*len)++] = (uint8_t)entry_len;
	if (entry_len)
		memcpy(out + *len, entry, entry_len);
	*len += entry_len;
	return 0;
}

int tile_bundle_next(const uint8_t **entry, size_t *entry_len, size_t *offset, const uint8_t *bundle, size_t len)
{
	size_t at = *offset, want;

	if (at >= len)
		return -ENOENT;
	if (len - at < 2)
		return -EBADMSG;
	want = (size_t)bundle[at] << 8 | bundle[at + 1];
	if (len - at - 2 < want)
		return -EBADMSG;
	*entry = bundle + at + 2;
	*entry_len = want;
	*offset = at + 2 + want;
	return 0;
}
