/*
 * Resolving agents from the index: an answer is one statement and so of one snapshot of it. Tables of migration 0002;
 * who writes them: store_identity.h.
 *
 * Every answer says how far the index reaches, so that "not registered by then" and "not indexed yet" are never mixed
 * up: store_reach_has().
 */
#pragma once

#include "sql/store_identity.h"

/* How far the index of a registry's chain reaches. */
struct store_reach {
	struct store_index index;
	uint64_t start_block; /* of the registry: nothing was before */
	int64_t indexed;      /* of the registry, as struct store_registry.indexed */
	uint64_t final_time;  /* seconds since 1970, of index.final_number's block; 0 unknown */
	bool safe_holds;      /* the `safe` block given stands in the index with that hash: all below it is of its branch */
};

/* Whether all that happened up to the end of that block is in. A registry added later lacks what is between `indexed`
 * and the chain's final block until it has caught up. */
bool store_reach_has(const struct store_reach *reach, uint64_t number);

/* A block the index keeps: those of the overlay, and of the finalized ones those in which something happened. */
struct store_mark {
	bool known;
	uint64_t number;
	uint8_t hash[32];
	uint64_t time; /* seconds since 1970 */
};

/* From when until when something held. until.known false: it still does at the tip. */
struct store_span {
	struct store_mark from, until;
};

struct store_resolved {
	struct store_reach reach;
	struct store_mark at; /* by number: that block, if kept; by time: the newest kept that is not later */
	bool exists;	      /* registered by then; the members below are valid only if so, but `created` */
	struct store_state state; /* uri borrows from the list */
	struct store_span held;	  /* the state as a whole */
	struct store_span owner, wallet; /* each address; wallet is of the present wallet, also where there is none */
	struct store_mark created;	 /* the first state, also when it is later than asked */
};

