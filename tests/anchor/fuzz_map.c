/* Map updates against the definition. The input is a list of steps: a byte that says how many changes a batch has, then
 * for each the bit where its key leaves an all-zero key, a key byte and a value byte; short keys so that they collide
 * often. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "anchor/map.h"
#include "tests/anchor/naive_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct naive_store *nodes;
	static struct merkle_hasher hasher;
	struct map_change have[64], batch[16];
	struct merkle_hash root = {0}, want, value;
	size_t have_count = 0, at = 0;
	struct map_store store;

	if (!nodes) {
		nodes = malloc(sizeof(*nodes));
		check(nodes && merkle_hasher_init(&hasher) == 0);
		naive_store_reset(nodes);
	}
	if (nodes->count > NAIVE_SLOTS / 2)
		naive_store_reset(nodes);
	store = (struct map_store){naive_store_get, naive_store_put, nodes};
	for (unsigned batches = 0; at < size && batches < 6 && have_count < 16; batches++) {
		size_t wanted = 1 + data[at++] % 16, count = 0;

		for (; wanted && at + 3 <= size; wanted--, at += 3) {
			struct map_change change = {0};

			change.key.bytes[data[at] / 8] = (uint8_t)(0x80 >> data[at] % 8);
			change.key.bytes[data[at + 1] % 32] ^= data[at + 1];
			change.value.bytes[0] = data[at + 2];
			naive_set(batch, &count, &change);
		}
		qsort(batch, count, sizeof(*batch), naive_compare);
		check(map_update(&hasher, &root, &store, batch, count) == 0);
		for (size_t i = 0; i < count; i++)
			naive_set(have, &have_count, &batch[i]);
		naive_map_root(&want, have, have_count);
		check(merkle_hash_equal(&root, &want));
	}
	for (size_t i = 0; i < have_count; i++) {
		check(map_find(&hasher, &value, &root, &store, &have[i].key) == 0);
		check(merkle_hash_equal(&value, &have[i].value));
	}
	return 0;
}
