#pragma once
/* A stretch of finalized blocks on its way: logs in parts as large as the provider allows, and the times of their blocks. Private to
 * index_backfill.c and index_stretch.c.
 *
 * A part is one batch: its logs, and the header of its last block, which the same hand must give: a node that has not come so far
 * shows no header instead of an empty list. */
#include "gateway/steward/index_internal.h"

enum { INDEX_STRETCH_HEADERS = 100 /* in one batch */ };

struct index_stretch {
	struct index_duty *duty; /* NULL: forgotten */
	void (*on_taken)(void *arg); /* when it is done without an error; may start others */
	void *arg;
	uint32_t mask;
	uint64_t from, to;   /* what it stands for; to moves down when it ends early */
	uint64_t planned;    /* where it was to end */
	uint64_t next, part; /* the part under way: next..part */
	bool alone;	     /* it is one block that was too much: it is asked of one provider after the other, however large */
	unsigned asked_of;
	struct index_batch batch;
	size_t timed;		   /* logs up to here have their block's time, or it is asked for */
	size_t asked[INDEX_STRETCH_HEADERS]; /* the first logs of blocks whose headers are asked for */
	size_t nasked;
	struct store_index_block last;
	unsigned lies;
	uint32_t providers; /* who answered, as bits */
	bool under_way, done;
	int err;
};

/* Begins to fetch. NULL: no memory. It is done when `done` is set, with err; then, or earlier, index_stretch_free(). */
struct index_stretch *index_stretch_start(struct index_duty *duty, uint32_t mask, uint64_t from, uint64_t to,
					  void (*on_taken)(void *arg), void *arg);
/* Also while it is under way: its callback then frees it. */
void index_stretch_free(struct index_stretch *stretch);
