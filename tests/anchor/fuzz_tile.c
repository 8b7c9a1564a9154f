/* Tile paths and entry bundles: accepted means written again unchanged. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "anchor/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t offset = 0, len = 0, entry_len;
	char again[TILE_PATH_MAX];
	const uint8_t *entry;
	struct tile_id id;
	uint8_t *copy;
	int rc;

	if (tile_path_parse(&id, (const char *)data, size) == 0) {
		check(id.level <= TILE_LEVEL_MAX && id.width >= 1 && id.width <= TILE_WIDTH);
		check(tile_path_format(again, &id) == 0);
		check(strlen(again) == size && memcmp(again, data, size) == 0);
		check(!tile_available(&id, 0));
	}
	copy = malloc(size + 1);
	check(copy != NULL);
	while ((rc = tile_bundle_next(&entry, &entry_len, &offset, data, size)) == 0)
		check(tile_bundle_put(copy, size, &len, entry, entry_len) == 0);
	check(len == offset && (len == 0 || memcmp(copy, data, len) == 0));
	check((rc == -2) == (offset == size)); /* -ENOENT exactly at the end */
	free(copy);
	return 0;
}
