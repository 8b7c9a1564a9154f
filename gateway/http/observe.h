/*
 * What the operator sees of the HTTP server: counting of answers, and the page of the metrics listener.
 */
#pragma once

#include <stdint.h>

#include "gateway/http/router.h"

/* For http_options.on_answered: counts the answer by status class and its time (gateway/runtime/metrics_table.h). */
void http_observe(void *user, const struct http_route *route, unsigned status, uint64_t microseconds);

/* GET /metrics: the text of metrics_attached(), 503 when this process has none. */
void http_metrics_page(struct http_request *req);
