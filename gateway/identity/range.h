#pragma once
/* How many blocks to ask a provider for at once in eth_getLogs. Pure: no I/O, no clock.
 *
 * Limits are learned (facts/eth-client.md §3.2): a hint in the provider's refusal is taken, else the range is halved down
 * to one block; after successes it grows again; and now and then a learned limit is forgotten, because providers and
 * dense stretches pass. A refusal is never an empty answer. */
#include <stdbool.h>
#include <stdint.h>

enum {
	RANGE_FIRST = 2000,	    /* Base's public endpoints allow so much */
	RANGE_MOST = 100000,	    /* reth's default */
	RANGE_RESULTS = 2000,	    /* logs an answer should have at most; denser stretches are asked in smaller parts */
	RANGE_FORGET_AFTER = 64,    /* successes at a learned limit until it is tried beyond */
};

struct range {
	uint64_t size;	      /* blocks to ask for next */
	uint64_t limit;	      /* learned: larger was refused; 0 none */
	unsigned successes;   /* since the last refusal or try beyond the limit */
	unsigned refusals;    /* in all, for metrics */
};

/* first 0: RANGE_FIRST. */
void range_init(struct range *range, uint64_t first);

/* How many blocks to ask for when `left` (at least 1) are wanted: 1 to left. */
uint64_t range_next(const struct range *range, uint64_t left);

/* An answer came: that many blocks with that many logs. */
void range_took(struct range *range, uint64_t blocks, uint64_t logs);

/* The provider refused that many blocks as too much; `hint` blocks it would allow, 0 if it did not say.
 * Returns 0, or -EOVERFLOW when one block was too much already: nothing smaller can be asked. */
__attribute__((warn_unused_result)) int range_refused(struct range *range, uint64_t blocks, uint64_t hint);
