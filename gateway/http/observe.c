#include "gateway/http/observe.h"

#include <errno.h>
#include <stdlib.h>

#include "gateway/http/server.h"
#include "gateway/runtime/metrics.h"

void http_observe(void *user, const struct http_route *route, unsigned status, uint64_t microseconds)
{
	(void)user;
	(void)route;
	metrics_add(status < 300   ? METRIC_HTTP_2XX
		    : status < 400 ? METRIC_HTTP_3XX
		    : status < 500 ? METRIC_HTTP_4XX
				   : METRIC_HTTP_5XX,
		    1);
	metrics_observe_us(METRIC_HTTP_SECONDS, microseconds);
}

void http_metrics_page(struct http_request *req)
{
	struct metrics *metrics = metrics_attached();
	char *text;
	size_t len;
	if (metrics == NULL) {
		http_problem(req, &(struct http_problem){.type = "busy", .detail = "this process keeps no metrics"});
		return;
	}
	if (metrics_text(&text, &len, metrics) != 0) {
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	http_reply_take(req, 200, METRICS_CONTENT_TYPE, text, len, free);
}
