#include "tests/eth/fake_providers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static json_t *reply(struct fake_shared *shared, const char *method, const json_t *params)
{
	json_t *result, *error;

	(void)params;
	if (shared->mode == CALL_ERROR) {
		error = json_loads(shared->text, JSON_ALLOW_NUL, NULL);
		return json_pack("{s:o}", "error", error);
	}
	if (shared->mode == NULL_RESULT)
		return json_pack("{s:n}", "result");
	if (shared->mode == EMPTY_RESULT)
		return json_pack("{s:s}", "result", "0x");
	if (strncmp(method, "eth_getBlockBy", 14) == 0) {
		result = json_loads(shared->text, 0, NULL);
		return json_pack("{s:o}", "result", result);
	}
	return json_pack("{s:s}", "result", shared->text);
}

static void whole_error(struct fake_shared *shared, int fd, int status, const char *text)
{
	char body[sizeof(shared->text) + 64];

	(void)snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":%s}", text);
	fake_http_text(fd, status, "", body);
}

static void huge(int fd)
{
	static char block[1 << 16];

	memset(block, ' ', sizeof(block));
	(void)!write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n[", 47);
	for (int i = 0; i < 800; i++)
		if (write(fd, block, sizeof(block)) < 0)
			_exit(0);
}

static void scripted(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	static const char NO_CHAIN_BODY[] =
		"[{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":\"0x1\"},{\"jsonrpc\":\"2.0\",\"id\":%d,\"error\":"
		"{\"code\":-32000,\"message\":\"no\"}}]";
	char text[512];

	switch ((enum fake_fault)shared->mode) {
	case BROKEN_OFF:
		(void)!write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{", 43);
		_exit(0);
	case HANGS_UP:
		_exit(0);
	case SILENT:
		(void)sleep(60);
		break;
	case HALF_JSON:
		fake_http_text(fd, 200, "", "[{\"jsonrpc\":\"2.0\",\"id\":1,\"res");
		break;
	case NOT_JSON:
		fake_http_text(fd, 200, "", "<html>captive portal</html>");
		break;
	case WRONG_IDS:
		fake_http_text(
			fd, 200, "",
			"[{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":1},{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":1}]");
		break;
	case HUGE:
		huge(fd);
		break;
	case STATUS:
		fake_http_text(fd, atoi(shared->text), "", "no");
		break;
	case LATER:
		fake_http_text(fd, 429, "Retry-After: 2\r\n", "later");
		break;
	case OTHER_CHAIN:
		fake_answer(shared, fd, body, len, 1, reply);
		break;
	case NO_CHAIN:
		(void)snprintf(text, sizeof(text), NO_CHAIN_BODY, (int)number * 2 - 1, (int)number * 2);
		fake_http_text(fd, 200, "", text);
		break;
	case WHOLE_ERROR:
		whole_error(shared, fd, 200, shared->text);
		break;
	case STATUS_ERROR:
		whole_error(shared, fd, atoi(shared->text), strchr(shared->text, ' ') + 1);
		break;
	case NUL_MESSAGE:
		whole_error(shared, fd, 200, "{\"code\":3,\"message\":\"x\\u0000\\u0001 secret\"}");
		break;
	case WELL:
	case CALL_ERROR:
	case NULL_RESULT:
	case EMPTY_RESULT:
		fake_answer(shared, fd, body, len, FAKE_CHAIN, reply);
		break;
	}
}

static void on_log(void *arg, const char *text)
{
	struct fake_stand *stand = arg;

	assert_null(strstr(text, "secret"));
	stand->log_lines++;
}

void fake_stand_set(struct fake_stand *stand, unsigned node, enum fake_fault fault, const char *text)
{
	(void)snprintf(stand->nodes[node].shared->text, sizeof(stand->nodes[node].shared->text), "%s", text);
	stand->nodes[node].shared->mode = fault;
}

void fake_stand_open(struct fake_stand *stand, unsigned n)
{
	struct eth_rpc_config config = {.chain_id = FAKE_CHAIN, .on_log = on_log, .arg = stand};
	char urls[FAKE_NODES_MAX * 80] = "";

	*stand = (struct fake_stand){.n = n};
	for (unsigned i = 0; i < n; i++) {
		char url[80];

		fake_node_start(&stand->nodes[i], scripted);
		(void)snprintf(url, sizeof(url), " %ssecret", stand->nodes[i].url);
		(void)strncat(urls, url, sizeof(urls) - strlen(urls) - 1);
		fake_stand_set(stand, i, WELL, i == 0 ? "0xa" : i == 1 ? "0xb" : "0xc");
	}
	config.url = urls;
	stand->base = event_base_new();
	assert_int_equal(eth_rpc_new(&stand->rpc, stand->base, &config), 0);
	assert_int_equal(eth_rpc_providers(stand->rpc), n);
}

void fake_stand_close(struct fake_stand *stand)
{
	eth_rpc_free(stand->rpc);
	event_base_free(stand->base);
	for (unsigned i = 0; i < stand->n; i++)
		fake_stand_lose(stand, i);
}

void fake_stand_lose(struct fake_stand *stand, unsigned node)
{
	if (stand->nodes[node].pid != 0)
		fake_node_stop(&stand->nodes[node]);
	stand->nodes[node].pid = 0;
}

int64_t fake_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
