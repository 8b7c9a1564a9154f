#include "gateway/steward/anchor_proof.h"

#include "anchor/tile.h"
#include "sql/store_log.h"

#include <errno.h>

enum { TILES_AT_ONCE = 64 };

struct place {
	struct tile_id id;
	unsigned height, position;
};

static int fetch(struct merkle_hash *out, struct merkle_hasher *hasher, struct event_base *base, struct pg_conn *pg,
		 const struct merkle_ref *refs, size_t n)
{
	struct store_tile tiles[TILES_AT_ONCE];
	struct place places[TILES_AT_ONCE];
	struct store_tiles list = {0};
	struct pg_op op = {0};
	int rc;

	for (size_t i = 0; i < n; i++) {
		struct place *place = &places[i];

		tile_locate(&place->id, &place->height, &place->position, refs[i].level, refs[i].index);
		tiles[i] = (struct store_tile){.level = place->id.level, .index = place->id.index};
	}
	rc = pg_wait(base, &op, store_tiles(pg, &op, &list, tiles, n));
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = tiles[i].nhashes < places[i].id.width ? -ENOENT :
							      tile_subtree(hasher, &out[i], tiles[i].hashes[0], tiles[i].nhashes * 32,
									   places[i].height, places[i].position);
	store_tiles_clear(&list);
	return rc;
}

int anchor_proof_read(struct merkle_hash proof[static MERKLE_PROOF_MAX], size_t *count, struct merkle_hasher *hasher,
		      struct event_base *base, struct pg_conn *pg, uint64_t old_size, uint64_t size)
{
	struct merkle_hash hashes[MERKLE_PLAN_MAX];
	struct merkle_plan plan;
	int rc;

	*count = 0;
	if (old_size == 0)
		return 0;
	rc = merkle_plan_consistency(&plan, old_size, size);
	for (size_t at = 0; rc == 0 && at < plan.count; at += TILES_AT_ONCE) {
		size_t n = plan.count - at < TILES_AT_ONCE ? plan.count - at : TILES_AT_ONCE;

		rc = fetch(hashes + at, hasher, base, pg, plan.refs + at, n);
	}
	if (rc == 0)
		*count = merkle_plan_build(hasher, proof, &plan, hashes);
	return rc;
}
