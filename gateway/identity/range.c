/* Growing and shrinking. */
#include "gateway/identity/range.h"

#include <errno.h>

void range_init(struct range *range, uint64_t first)
{
	*range = (struct range){.size = first > 0 ? first : RANGE_FIRST};
	if (range->size > RANGE_MOST)
		range->size = RANGE_MOST;
}

uint64_t range_next(const struct range *range, uint64_t left)
{
	return range->size < left ? range->size : left;
}

void range_took(struct range *range, uint64_t blocks, uint64_t logs)
{
	/* A short remainder says nothing of what a full range would bring, unless it was dense. */
	if (logs > RANGE_RESULTS) {
		uint64_t wanted = blocks * RANGE_RESULTS / logs;

		range->size = wanted > 0 ? wanted : 1;
		return;
	}
	if (blocks < range->size)
		return;
	range->successes++;
	if (range->limit != 0 && range->successes >= RANGE_FORGET_AFTER) {
		range->limit = 0;
		range->successes = 0;
	}
	if (logs > RANGE_RESULTS / 2)
		return;
	range->size = range->size * 2 < RANGE_MOST ? range->size * 2 : RANGE_MOST;
	if (range->limit != 0 && range->size > range->limit)
		range->size = range->limit;
}

int range_refused(struct range *range, uint64_t blocks, uint64_t hint)
{
	range->refusals++;
	range->successes = 0;
	if (blocks <= 1)
		return -EOVERFLOW;
	range->size = hint > 0 && hint < blocks ? hint : blocks / 2;
	range->limit = range->size;
	return 0;
}
