/* The bare fetch: the ranges a backfill asked for, with the same client, batches and parallelism; answers are parsed into logs
 * and forgotten. A file of lines "FROM TO" on stdin, URL and registry as words. Prints milliseconds, batches and logs. */
#include "eth/rpc.h"
#include "eth/rpc_read.h"
#include "gateway/identity/registry_event.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { AHEAD = 6, RANGES_MAX = 1 << 20, DEADLINE_MS = 60000 };

struct fetch {
	struct eth_rpc *rpc;
	struct eth_address registry;
	uint64_t (*ranges)[2];
	size_t n, next, done;
	uint64_t logs;
	bool over, failed;
};

static void start(struct fetch *fetch);

static void on_done(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct fetch *fetch = arg;
	struct eth_rpc_block block;
	struct eth_rpc_logs logs = {0};

	if (err != 0 || n != 2 || eth_rpc_result_logs(&logs, &results[0]) != 0 || eth_rpc_result_block(&block, &results[1]) != 0) {
		fetch->failed = fetch->over = true;
		return;
	}
	fetch->logs += logs.n;
	eth_rpc_logs_clear(&logs);
	if (++fetch->done == fetch->n)
		fetch->over = true;
	else if (fetch->next < fetch->n)
		start(fetch);
}

static void start(struct fetch *fetch)
{
	struct eth_rpc_filter filter = {.addresses = &fetch->registry, .naddresses = 1};
	struct eth_rpc_calls list;
	struct eth_rpc_at at;

	filter.topics[0].values = registry_topics_identity;
	filter.topics[0].n = REGISTRY_TOPICS_IDENTITY;
	filter.from = fetch->ranges[fetch->next][0];
	filter.to = fetch->ranges[fetch->next++][1];
	at = eth_rpc_at_number(filter.to);
	eth_rpc_calls_init(&list);
	eth_rpc_add_logs(&list, &filter);
	eth_rpc_add_block(&list, &at);
	if (eth_rpc_batch_list(fetch->rpc, &list, DEADLINE_MS, on_done, fetch) != 0)
		fetch->failed = fetch->over = true;
	eth_rpc_calls_clear(&list);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct fetch fetch = {.ranges = calloc(RANGES_MAX, sizeof(*fetch.ranges))};
	struct eth_rpc_config config = {.chain_id = 31337};
	double began;

	if (argc != 3 || base == NULL || fetch.ranges == NULL || address_parse(&fetch.registry, argv[2], strlen(argv[2])) != 0) {
		fprintf(stderr, "usage: bench_backfill URL REGISTRY < RANGES\n");
		return 2;
	}
	while (fetch.n < RANGES_MAX && scanf("%" SCNu64 " %" SCNu64, &fetch.ranges[fetch.n][0], &fetch.ranges[fetch.n][1]) == 2)
		fetch.n++;
	config.url = argv[1];
	if (fetch.n == 0 || eth_rpc_new(&fetch.rpc, base, &config) != 0)
		return 1;
	began = now_ms();
	for (size_t i = 0; i < AHEAD && fetch.next < fetch.n && !fetch.over; i++)
		start(&fetch);
	if (eth_rpc_turn_until(fetch.rpc, &fetch.over) != 0 || fetch.failed)
		fprintf(stderr, "bench_backfill: %s\n", eth_rpc_last_error(fetch.rpc));
	else
		printf("%.0f %zu %" PRIu64 "\n", now_ms() - began, fetch.done, fetch.logs);
	eth_rpc_free(fetch.rpc);
	event_base_free(base);
	free(fetch.ranges);
	return fetch.failed ? 1 : 0;
}
