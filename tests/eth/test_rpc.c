/* The client against a node that misbehaves in each way a node or what stands before it can. */
#include "eth/rpc.h"
#include "tests/eth/fake_node.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHAIN = 8453 };

struct client {
	struct fake_node node;
	struct event_base *base;
	struct eth_rpc *rpc;
	unsigned log_lines;
};

static void on_log(void *arg, const char *text)
{
	struct client *client = arg;

	assert_non_null(strstr(text, "127.0.0.1"));
	assert_null(strstr(text, "secret"));
	client->log_lines++;
}

static void open_client(struct client *client, fake_handler *handler, size_t queue)
{
	struct eth_rpc_config config = {.chain_id = CHAIN, .queue = queue, .on_log = on_log, .arg = client};

	*client = (struct client){0};
	fake_node_start(&client->node, handler);
	config.url = client->node.url;
	client->base = event_base_new();
	assert_int_equal(eth_rpc_new(&client->rpc, client->base, &config), 0);
}

static void close_client(struct client *client)
{
	eth_rpc_free(client->rpc);
	event_base_free(client->base);
	fake_node_stop(&client->node);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int ask_number(struct client *client, uint64_t *number, unsigned deadline_ms)
{
	struct eth_rpc_answer *answer;
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	eth_rpc_add(&list, "eth_blockNumber", "[]");
	err = eth_rpc_wait(&answer, client->rpc, &list, deadline_ms);
	if (err == 0) {
		assert_int_equal(answer->n, 1 + 1);
		err = eth_rpc_result_u64(number, &answer->results[0]);
	}
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return err;
}

static int send_raw(struct client *client, unsigned deadline_ms)
{
	struct eth_rpc_answer *answer;
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	eth_rpc_add_send_raw(&list, (const uint8_t *)"\x02", 1);
	err = eth_rpc_wait(&answer, client->rpc, &list, deadline_ms);
	if (err == 0)
		err = eth_rpc_result_error(&answer->results[0]);
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&list);
	return err;
}

static json_t *number_99(struct fake_shared *shared, const char *method, const json_t *params)
{
	(void)shared;
	(void)params;
	return strcmp(method, "eth_blockNumber") == 0
		       ? json_pack("{s:s}", "result", "0x63")
		       : json_pack("{s:{s:i,s:s}}", "error", "code", -32601, "message", "no");
}

static void healthy(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)number;
	fake_answer(shared, fd, body, len, CHAIN, number_99);
}

static void keeps_one_connection_and_reads_answers_in_reverse_order(void **state)
{
	struct client client;
	struct eth_rpc_stats stats;
	uint64_t number = 0;

	(void)state;
	open_client(&client, healthy, 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(ask_number(&client, &number, 2000), 0);
		assert_int_equal(number, 99);
	}
	assert_int_equal(client.node.shared->connections, 1);
	assert_int_equal(client.node.shared->requests, 5);
	eth_rpc_stats(client.rpc, &stats);
	assert_int_equal(stats.batches, 5);
	assert_int_equal(stats.retries, 0);
	assert_int_equal(stats.failures, 0);
	close_client(&client);
}

/* Each handler below misbehaves for the number of requests in shared->mode (0: always) and is well from then on. */
static bool well_again(const struct fake_shared *shared, unsigned number)
{
	return shared->mode != 0 && number > shared->mode;
}

static void half_json(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	if (well_again(shared, number))
		healthy(shared, number, fd, body, len);
	else
		fake_http_text(fd, 200, "", "[{\"jsonrpc\":\"2.0\",\"id\":1,\"res");
}

static void cut_short(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{\"jsonrpc\"";

	if (well_again(shared, number)) {
		healthy(shared, number, fd, body, len);
		return;
	}
	(void)!write(fd, HEAD, strlen(HEAD));
	_exit(0);
}

static void hang_up(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	if (well_again(shared, number))
		healthy(shared, number, fd, body, len);
	else
		_exit(0);
}

static void too_many_requests(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	if (well_again(shared, number))
		healthy(shared, number, fd, body, len);
	else
		fake_http_text(fd, 429, "Retry-After: 1\r\n", "slow down");
}

static void bad_gateway(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	if (well_again(shared, number))
		healthy(shared, number, fd, body, len);
	else
		fake_http_text(fd, 502, "", "<html>");
}

static void rate_limited_in_the_body(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	static const char BODY[] =
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32005,\"message\":\"rate limit\"}}";

	if (well_again(shared, number))
		healthy(shared, number, fd, body, len);
	else
		fake_http_text(fd, 200, "", BODY);
}

static void wrong_ids(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)shared, (void)number, (void)body, (void)len;
	fake_http_text(fd, 200, "",
		       "[{\"jsonrpc\":\"2.0\",\"id\":9000,\"result\":\"0x63\"},"
		       "{\"jsonrpc\":\"2.0\",\"id\":9001,\"result\":\"0x2105\"}]");
}

static void not_found(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)shared, (void)number, (void)body, (void)len;
	fake_http_text(fd, 404, "", "no such key");
}

static void redirect(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)shared, (void)number, (void)body, (void)len;
	fake_http_text(fd, 307, "Location: /elsewhere\r\n", "");
}

static void wrong_chain(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)number;
	fake_answer(shared, fd, body, len, 1, number_99);
}

/* Right at first, then another node behind the same connection. */
static void chain_changes(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	fake_answer(shared, fd, body, len, number == 1 ? CHAIN : 1, number_99);
}

static void huge_body(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	static char block[1 << 20];

	(void)shared, (void)number, (void)body, (void)len;
	memset(block, ' ', sizeof(block));
	(void)!write(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 47);
	for (int i = 0; i < 50; i++) {
		char size[32];

		(void)snprintf(size, sizeof(size), "%zx\r\n", sizeof(block));
		if (write(fd, size, strlen(size)) < 0 || write(fd, block, sizeof(block)) < 0 ||
		    write(fd, "\r\n", 2) < 0)
			_exit(0);
	}
	_exit(0);
}

static void announced_huge(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)shared, (void)number, (void)body, (void)len;
	(void)!write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n[", 47);
}

static void endless_header(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)shared, (void)number, (void)body, (void)len;
	(void)!write(fd, "HTTP/1.1 200 OK\r\n", 17);
	for (;;)
		if (write(fd, "X-Filler: 0123456789012345678901234567890123456789\r\n", 52) <= 0)
			_exit(0);
}

static void silent(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)shared, (void)number, (void)fd, (void)body, (void)len;
	(void)sleep(60);
}

static const struct {
	const char *name;
	fake_handler *handler;
	int err;
	unsigned requests; /* how often it was asked before giving up */
} FAULTS[] = {
	{"half a JSON", half_json, -EBADMSG, 4},
	{"a body cut short", cut_short, -EIO, 4},
	{"502", bad_gateway, -EIO, 4},
	{"a rate limit in the body", rate_limited_in_the_body, -EAGAIN, 4},
	{"ids of another batch", wrong_ids, -EBADMSG, 4},
	{"404", not_found, -EIO, 1},
	{"a redirect", redirect, -EIO, 1},
	{"another chain", wrong_chain, -EXDEV, 1},
	{"a body of 50 MB", huge_body, -EOVERFLOW, 1},
	{"a body said to be of 50 MB", announced_huge, -EOVERFLOW, 1},
	{"a header without end", endless_header, -EOVERFLOW, 1},
};

static void every_fault_has_its_error_and_bounded_repeats(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(FAULTS) / sizeof(FAULTS[0]); i++) {
		struct client client;
		uint64_t number;
		int err;

		open_client(&client, FAULTS[i].handler, 0);
		err = ask_number(&client, &number, 5000);
		if (err != FAULTS[i].err || client.node.shared->requests != FAULTS[i].requests)
			fail_msg("%s: %d after %u requests", FAULTS[i].name, err, client.node.shared->requests);
		if (err != -EAGAIN)
			assert_string_not_equal(eth_rpc_last_error(client.rpc), "");
		close_client(&client);
	}
}

static void reads_are_repeated_until_the_node_is_well(void **state)
{
	static fake_handler *const HANDLERS[] = {half_json, cut_short, hang_up, bad_gateway, rate_limited_in_the_body};

	(void)state;
	for (size_t i = 0; i < sizeof(HANDLERS) / sizeof(HANDLERS[0]); i++) {
		struct client client;
		uint64_t number = 0;

		open_client(&client, HANDLERS[i], 0);
		client.node.shared->mode = 2;
		assert_int_equal(ask_number(&client, &number, 5000), 0);
		assert_int_equal(number, 99);
		assert_int_equal(client.node.shared->requests, 3);
		assert_string_equal(eth_rpc_last_error(client.rpc), "");
		close_client(&client);
	}
}

static void retry_after_is_obeyed_and_holds_others_back(void **state)
{
	struct client client;
	uint64_t number;
	int64_t began;

	(void)state;
	open_client(&client, too_many_requests, 0);
	client.node.shared->mode = 1;
	began = now_ms();
	assert_int_equal(ask_number(&client, &number, 5000), 0);
	assert_true(now_ms() - began >= 1000);
	assert_int_equal(client.node.shared->requests, 2);
	close_client(&client);

	open_client(&client, too_many_requests, 0);
	began = now_ms();
	assert_int_equal(ask_number(&client, &number, 800), -EIO); /* the pause would pass the deadline */
	assert_true(now_ms() - began < 800);
	close_client(&client);
}

static void a_transaction_is_sent_once(void **state)
{
	static fake_handler *const HANDLERS[] = {half_json, cut_short, hang_up, bad_gateway, too_many_requests};

	(void)state;
	for (size_t i = 0; i < sizeof(HANDLERS) / sizeof(HANDLERS[0]); i++) {
		struct client client;

		open_client(&client, HANDLERS[i], 0);
		client.node.shared->mode = 1;
		assert_true(send_raw(&client, 3000) < 0);
		assert_int_equal(client.node.shared->requests, 1);
		close_client(&client);
	}
}

static void never_answering_ends_at_the_deadline(void **state)
{
	struct client client;
	uint64_t number;
	int64_t began = now_ms();

	(void)state;
	open_client(&client, silent, 0);
	assert_int_equal(ask_number(&client, &number, 300), -ETIMEDOUT);
	assert_in_range(now_ms() - began, 280, 2000); /* libevent counts on a coarse clock */
	close_client(&client);
}

static void nobody_listening_is_an_error_soon(void **state)
{
	struct eth_rpc_config config = {.url = "http://user:secret@127.0.0.1:1/secret", .chain_id = CHAIN};
	struct client client = {0};
	uint64_t number;

	(void)state;
	config.on_log = on_log;
	config.arg = &client;
	client.base = event_base_new();
	assert_int_equal(eth_rpc_new(&client.rpc, client.base, &config), 0);
	assert_int_equal(ask_number(&client, &number, 5000), -EIO);
	assert_int_equal(client.log_lines, 1);
	eth_rpc_free(client.rpc);
	event_base_free(client.base);
}

static void the_chain_is_asked_with_every_batch(void **state)
{
	struct client client;
	uint64_t number;

	(void)state;
	open_client(&client, chain_changes, 0);
	assert_int_equal(ask_number(&client, &number, 2000), 0);
	assert_int_equal(ask_number(&client, &number, 2000), -EXDEV);
	assert_int_equal(client.node.shared->connections, 1);
	close_client(&client);
}

static void on_count(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	int *counts = arg;

	(void)results;
	(void)n;
	counts[err == 0 ? 0 : err == -ECANCELED ? 1 : 2]++;
}

static void the_queue_is_bounded_and_freeing_cancels(void **state)
{
	const struct eth_rpc_call call = {.method = "eth_blockNumber", .params = "[]"};
	struct client client;
	int counts[3] = {0};

	(void)state;
	open_client(&client, silent, 8);
	for (int i = 0; i < 8; i++)
		assert_int_equal(eth_rpc_batch(client.rpc, &call, 1, 5000, on_count, counts), 0);
	assert_int_equal(eth_rpc_batch(client.rpc, &call, 1, 5000, on_count, counts), -EAGAIN);
	assert_int_equal(eth_rpc_batch(client.rpc, &call, 1, 0, on_count, counts), -EINVAL);
	for (int i = 0; i < 20; i++) {
		(void)event_base_loop(client.base, EVLOOP_NONBLOCK);
		(void)usleep(1000);
	}
	close_client(&client);
	assert_int_equal(counts[0], 0);
	assert_int_equal(counts[1], 8);
	assert_int_equal(counts[2], 0);
}

static void many_at_once_use_few_connections(void **state)
{
	const struct eth_rpc_call call = {.method = "eth_blockNumber", .params = "[]"};
	struct client client;
	int counts[3] = {0};

	(void)state;
	open_client(&client, healthy, 0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(eth_rpc_batch(client.rpc, &call, 1, 5000, on_count, counts), 0);
	while (counts[0] + counts[1] + counts[2] < 200)
		assert_int_equal(event_base_loop(client.base, EVLOOP_ONCE), 0);
	assert_int_equal(counts[0], 200);
	assert_in_range(client.node.shared->connections, 1, 4);
	close_client(&client);
}

static void only_http_urls_are_taken(void **state)
{
	static const char *const URLS[] = {"",	      "ws://127.0.0.1/", "file:///etc/passwd", "127.0.0.1:8545",
					   "http://", "gopher://x/"};
	struct event_base *base = event_base_new();

	(void)state;
	for (size_t i = 0; i < sizeof(URLS) / sizeof(URLS[0]); i++) {
		const struct eth_rpc_config config = {.url = URLS[i]};
		struct eth_rpc *rpc;

		if (eth_rpc_new(&rpc, base, &config) != -EINVAL)
			fail_msg("taken: %s", URLS[i]);
	}
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_one_connection_and_reads_answers_in_reverse_order),
		cmocka_unit_test(every_fault_has_its_error_and_bounded_repeats),
		cmocka_unit_test(reads_are_repeated_until_the_node_is_well),
		cmocka_unit_test(retry_after_is_obeyed_and_holds_others_back),
		cmocka_unit_test(a_transaction_is_sent_once),
		cmocka_unit_test(never_answering_ends_at_the_deadline),
		cmocka_unit_test(nobody_listening_is_an_error_soon),
		cmocka_unit_test(the_chain_is_asked_with_every_batch),
		cmocka_unit_test(the_queue_is_bounded_and_freeing_cancels),
		cmocka_unit_test(many_at_once_use_few_connections),
		cmocka_unit_test(only_http_urls_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
