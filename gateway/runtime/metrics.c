/* Slots of plain words in shared memory. A slot has one writer, readers tolerate a torn view: numbers, not books. */
#include "gateway/runtime/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum metric_kind { COUNTER, GAUGE, GAUGE_MAX, HISTOGRAM };

static const struct {
	enum metric_kind kind;
	const char *name, *labels, *help;
} table[METRIC_COUNT_] = {
#define METRIC(id, kind, name, labels, help) [METRIC_##id] = {kind, name, labels, help},
#include "gateway/runtime/metrics_table.h"
#undef METRIC
};

static const struct {
	uint64_t microseconds;
	const char *le;
} buckets[] = {
	{100, "0.0001"}, {250, "0.00025"}, {500, "0.0005"}, {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},
	{10000, "0.01"}, {25000, "0.025"}, {50000, "0.05"}, {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},
	{1000000, "1"},	 {2500000, "2.5"}, {5000000, "5"},  {10000000, "10"},
};
enum { BUCKETS = sizeof(buckets) / sizeof(buckets[0]) };

/* Room for a histogram in every metric costs 17 words each and keeps indices trivial: about 6 KiB a process. */
struct cell {
	_Atomic uint64_t value; /* counter, gauge; histogram: number of observations */
	_Atomic uint64_t sum;	/* histogram: microseconds */
	_Atomic uint64_t bucket[BUCKETS];
};

struct slot {
	struct cell cells[METRIC_COUNT_];
} __attribute__((aligned(4096)));

struct metrics {
	unsigned slots;
	size_t bytes;
	struct slot slot[];
};

static struct slot nowhere;
static struct slot *mine = &nowhere;
static struct metrics *attached;

int metrics_new(struct metrics **out, unsigned slots)
{
	if (slots == 0 || slots > METRICS_SLOTS_MAX)
		return -EINVAL;
	size_t bytes = sizeof(struct metrics) + slots * sizeof(struct slot);
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	*out = map;
	(*out)->slots = slots;
	(*out)->bytes = bytes;
	return 0;
}

void metrics_free(struct metrics *metrics)
{
	if (metrics == NULL)
		return;
	if (attached == metrics) {
		attached = NULL;
		mine = &nowhere;
	}
	munmap(metrics, metrics->bytes);
}

int metrics_attach(struct metrics *metrics, unsigned slot)
{
	if (slot >= metrics->slots)
		return -EINVAL;
	attached = metrics;
	mine = &metrics->slot[slot];
	for (size_t i = 0; i < METRIC_COUNT_; i++) {
		if (table[i].kind == GAUGE || table[i].kind == GAUGE_MAX)
			atomic_store_explicit(&mine->cells[i].value, 0, memory_order_relaxed);
	}
	return 0;
}

struct metrics *metrics_attached(void)
{
	return attached;
}

void metrics_add(enum metric_id id, uint64_t n)
{
	atomic_fetch_add_explicit(&mine->cells[id].value, n, memory_order_relaxed);
}

void metrics_sub(enum metric_id id, uint64_t n)
{
	atomic_fetch_sub_explicit(&mine->cells[id].value, n, memory_order_relaxed);
}

void metrics_set(enum metric_id id, uint64_t value)
{
	atomic_store_explicit(&mine->cells[id].value, value, memory_order_relaxed);
}

void metrics_observe_us(enum metric_id id, uint64_t microseconds)
{
	struct cell *cell = &mine->cells[id];
	atomic_fetch_add_explicit(&cell->value, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&cell->sum, microseconds, memory_order_relaxed);
	for (size_t i = 0; i < BUCKETS; i++) {
		if (microseconds <= buckets[i].microseconds) {
			atomic_fetch_add_explicit(&cell->bucket[i], 1, memory_order_relaxed);
			return;
		}
	}
}

uint64_t metrics_read(const struct metrics *metrics, enum metric_id id)
{
	uint64_t total = 0;
	for (unsigned s = 0; s < metrics->slots; s++) {
		uint64_t v = atomic_load_explicit(&metrics->slot[s].cells[id].value, memory_order_relaxed);
		if (table[id].kind == GAUGE_MAX)
			total = v > total ? v : total;
		else
			total += v;
	}
	return total;
}

static void write_histogram(FILE *out, const struct metrics *metrics, enum metric_id id)
{
	uint64_t sum = 0, below = 0, at_or_below;
	const char *name = table[id].name;
	for (size_t b = 0; b < BUCKETS; b++) {
		for (unsigned s = 0; s < metrics->slots; s++)
			below += atomic_load_explicit(&metrics->slot[s].cells[id].bucket[b], memory_order_relaxed);
		fprintf(out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name, buckets[b].le, below);
	}
	for (unsigned s = 0; s < metrics->slots; s++)
		sum += atomic_load_explicit(&metrics->slot[s].cells[id].sum, memory_order_relaxed);
	/* An observation may land between these reads; +Inf must not be less than the last bucket. */
	at_or_below = metrics_read(metrics, id);
	if (at_or_below < below)
		at_or_below = below;
	fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, at_or_below);
	fprintf(out, "%s_sum %" PRIu64 ".%06" PRIu64 "\n", name, sum / 1000000, sum % 1000000);
	fprintf(out, "%s_count %" PRIu64 "\n", name, at_or_below);
}

static const char *kind_name(enum metric_kind kind)
{
	switch (kind) {
	case COUNTER:
		return "counter";
	case GAUGE:
	case GAUGE_MAX:
		return "gauge";
	case HISTOGRAM:
		break;
	}
	return "histogram";
}

int metrics_text(char **out, size_t *len, const struct metrics *metrics)
{
	FILE *file = open_memstream(out, len);
	if (file == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < METRIC_COUNT_; i++) {
		if (i == 0 || strcmp(table[i].name, table[i - 1].name) != 0)
			fprintf(file, "# HELP %s %s\n# TYPE %s %s\n", table[i].name, table[i].help, table[i].name,
				kind_name(table[i].kind));
		if (table[i].kind == HISTOGRAM) {
			write_histogram(file, metrics, (enum metric_id)i);
			continue;
		}
		const char *labels = table[i].labels;
		fprintf(file, "%s%s%s%s %" PRIu64 "\n", table[i].name, *labels ? "{" : "", labels, *labels ? "}" : "",
			metrics_read(metrics, (enum metric_id)i));
	}
	if (fclose(file) != 0) {
		free(*out);
		*out = NULL;
		return -ENOMEM;
	}
	return 0;
}
