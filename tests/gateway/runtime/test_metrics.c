#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/runtime/metrics.h"

static void processes_count_in_slots_that_are_summed(void **state)
{
	struct metrics *metrics;
	(void)state;
	assert_int_equal(metrics_new(&metrics, 3), 0);
	for (unsigned slot = 0; slot < 3; slot++) {
		pid_t child = fork();
		if (child == 0) {
			if (metrics_attach(metrics, slot) != 0)
				_exit(1);
			for (int i = 0; i < 1000; i++)
				metrics_add(METRIC_HTTP_2XX, 1);
			metrics_set(METRIC_LOG_SIZE, 100 + slot);
			metrics_add(METRIC_HTTP_CONNECTIONS, 5);
			metrics_sub(METRIC_HTTP_CONNECTIONS, 2);
			metrics_observe_us(METRIC_HTTP_SECONDS, 750 * (slot + 1));
			_exit(0);
		}
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	assert_int_equal(metrics_read(metrics, METRIC_HTTP_2XX), 3000);
	assert_int_equal(metrics_read(metrics, METRIC_LOG_SIZE), 102);
	assert_int_equal(metrics_read(metrics, METRIC_HTTP_CONNECTIONS), 9);
	assert_int_equal(metrics_read(metrics, METRIC_HTTP_SECONDS), 3);
	/* A process that takes over a slot keeps its counters and starts its gauges anew. */
	assert_int_equal(metrics_attach(metrics, 2), 0);
	assert_ptr_equal(metrics_attached(), metrics);
	assert_int_equal(metrics_read(metrics, METRIC_HTTP_2XX), 3000);
	assert_int_equal(metrics_read(metrics, METRIC_LOG_SIZE), 101);
	assert_int_equal(metrics_read(metrics, METRIC_HTTP_CONNECTIONS), 6);
	metrics_free(metrics);
	assert_null(metrics_attached());
}

static void misuse_is_refused_and_counting_without_a_slot_is_harmless(void **state)
{
	struct metrics *metrics;
	(void)state;
	assert_int_equal(metrics_new(&metrics, 0), -EINVAL);
	assert_int_equal(metrics_new(&metrics, METRICS_SLOTS_MAX + 1), -EINVAL);
	assert_int_equal(metrics_new(&metrics, 1), 0);
	assert_int_equal(metrics_attach(metrics, 1), -EINVAL);
	metrics_add(METRIC_HTTP_2XX, 1);
	assert_int_equal(metrics_read(metrics, METRIC_HTTP_2XX), 0);
	metrics_free(metrics);
	metrics_free(NULL);
}

static void has(const char *text, const char *line)
{
	const char *at = strstr(text, line);
	if (at == NULL)
		print_error("missing: %s\n", line);
	assert_non_null(at);
}

static void the_text_is_prometheus(void **state)
{
	struct metrics *metrics;
	char *text;
	size_t len;
	(void)state;
	assert_int_equal(metrics_new(&metrics, 2), 0);
	assert_int_equal(metrics_attach(metrics, 0), 0);
	metrics_add(METRIC_HTTP_4XX, 7);
	metrics_observe_us(METRIC_HTTP_SECONDS, 100);
	metrics_observe_us(METRIC_HTTP_SECONDS, 101);
	metrics_observe_us(METRIC_HTTP_SECONDS, 60000000);
	assert_int_equal(metrics_text(&text, &len, metrics), 0);
	assert_int_equal(strlen(text), len);
	has(text, "# HELP kedge_http_requests_total Answers by status class\n# TYPE kedge_http_requests_total counter\n"
		  "kedge_http_requests_total{code=\"2xx\"} 0\n");
	has(text, "\nkedge_http_requests_total{code=\"4xx\"} 7\n");
	has(text, "# TYPE kedge_log_size gauge\nkedge_log_size 0\n");
	has(text, "# TYPE kedge_http_request_seconds histogram\nkedge_http_request_seconds_bucket{le=\"0.0001\"} 1\n"
		  "kedge_http_request_seconds_bucket{le=\"0.00025\"} 2\n");
	has(text, "kedge_http_request_seconds_bucket{le=\"10\"} 2\nkedge_http_request_seconds_bucket{le=\"+Inf\"} 3\n"
		  "kedge_http_request_seconds_sum 60.000201\nkedge_http_request_seconds_count 3\n");
	/* A name is declared once. */
	const char *first = strstr(text, "# TYPE kedge_http_requests_total ");
	assert_null(strstr(first + 1, "# TYPE kedge_http_requests_total "));
	assert_int_equal(text[len - 1], '\n');
	free(text);
	metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_count_in_slots_that_are_summed),
		cmocka_unit_test(misuse_is_refused_and_counting_without_a_slot_is_harmless),
		cmocka_unit_test(the_text_is_prometheus),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
