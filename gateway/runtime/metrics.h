/*
 * Numbers for the operator, in one anonymous shared mapping: the supervisor makes it before it forks, each process
 * counts in its own slot with relaxed atomic adds, and whoever serves /metrics sums the slots. Counting can never fail,
 * block or need a lock; before metrics_attach() (command line, tests) it goes to a private slot that nobody reads.
 *
 * Text form: Prometheus text exposition format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum metric_id {
#define METRIC(id, kind, name, labels, help) METRIC_##id,
#include "gateway/runtime/metrics_table.h"
#undef METRIC
	METRIC_COUNT_,
};

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum { METRICS_SLOTS_MAX = 256 };

struct metrics;

/* A shared mapping with slots for that many processes. Returns 0, -EINVAL (0 or more than METRICS_SLOTS_MAX) or
 * -ENOMEM. */
int metrics_new(struct metrics **out, unsigned slots) __attribute__((warn_unused_result));
void metrics_free(struct metrics *metrics);

/* From here on this process counts in that slot. Gauges of the slot restart at 0, counters go on from where a former
 * holder of the slot left them. Returns 0 or -EINVAL. */
int metrics_attach(struct metrics *metrics, unsigned slot) __attribute__((warn_unused_result));

/* What this process is attached to, or NULL. */
struct metrics *metrics_attached(void);

/* COUNTER or GAUGE up. */
void metrics_add(enum metric_id id, uint64_t n);
/* GAUGE down. */
void metrics_sub(enum metric_id id, uint64_t n);
/* GAUGE or GAUGE_MAX to a value. */
void metrics_set(enum metric_id id, uint64_t value);
/* HISTOGRAM: one more duration. */
void metrics_observe_us(enum metric_id id, uint64_t microseconds);

/* The sum (GAUGE_MAX: the largest) over all slots; for a HISTOGRAM the number of observations. */
uint64_t metrics_read(const struct metrics *metrics, enum metric_id id);

/* Everything as text, METRICS_CONTENT_TYPE. *out is malloc'd and NUL-terminated; the caller frees it. Returns 0 or
 * -ENOMEM. */
int metrics_text(char **out, size_t *len, const struct metrics *metrics) __attribute__((warn_unused_result));
