#include "tests/gateway/identity/fake_registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct agent_key fake_agent(uint64_t id)
{
	return (struct agent_key){.chain = FAKE_CHAIN, .registry = {{0x80, 0x04}}, .id = u256_from_u64(id)};
}

static json_t *error(int code, const char *message, const char *data)
{
	return json_pack("{s:{s:i,s:s,s:s}}", "error", "code", code, "message", message, "data", data);
}

static json_t *block(unsigned number, unsigned first)
{
	char hash[67], text[16];

	(void)snprintf(hash, sizeof(hash), "0x%02x%062d", first, 0);
	(void)snprintf(text, sizeof(text), "0x%x", number);
	return json_pack("{s:{s:s,s:s,s:s,s:s}}", "result", "number", text, "hash", hash, "parentHash", hash,
			 "timestamp", text);
}

static json_t *heads(const struct fake_shared *shared, const json_t *params)
{
	const char *tag = json_string_value(json_array_get(params, 0));

	if (strcmp(tag, "latest") == 0)
		return shared->mode == FAKE_HEADS_CROSSED ? block(10, 0xaa) : block(30, 0xaa);
	if (strcmp(tag, "safe") == 0 || strcmp(tag, "finalized") == 0 || strcmp(tag, "0x14") == 0)
		return block(20, 0xbb);
	return json_pack("{s:n}", "result");
}

static json_t *address(unsigned first, unsigned last)
{
	char text[67];

	(void)snprintf(text, sizeof(text), "0x%024d%02x%036d%02x", 0, first, 0, last & 0xff);
	return json_pack("{s:s}", "result", text);
}

static json_t *call(const struct fake_shared *shared, const json_t *params)
{
	const json_t *transaction = json_array_get(params, 0), *at = json_array_get(params, 1);
	const char *to = json_string_value(json_object_get(transaction, "to"));
	const char *data = json_string_value(json_object_get(transaction, "data"));
	const char *hash = json_string_value(json_object_get(at, "blockHash"));
	unsigned id = (unsigned)strtoul(data + 10 + 48, NULL, 16), first;
	char digits[3] = "";

	if (hash == NULL || json_object_get(at, "requireCanonical") != json_true())
		return error(-32602, "not pinned to a block hash", "");
	if (shared->mode == FAKE_UNKNOWN_BLOCK)
		return error(-32001, "Resource not found", "");
	if (strcmp(to, "0x0000000000000000000000000000000000000000") == 0)
		return json_pack("{s:s}", "result", "0x");
	memcpy(digits, hash + 2, 2);
	first = (unsigned)strtoul(digits, NULL, 16);
	if (strncmp(data, "0x6352211e", 10) == 0)
		return id == 7 || id >= 3000 ? error(3, "execution reverted",
						     "0x7e273289"
						     "00")
					     : address(0x11, id);
	if (strncmp(data, "0x00339509", 10) == 0)
		return id == 7 || (id == 1 && first == 0xcc) ? address(0, 0) : address(first, id);
	if (id == 7)
		return error(3, "execution reverted", "0x7e273289");
	return json_pack("{s:s}", "result",
			 "0x0000000000000000000000000000000000000000000000000000000000000020"
			 "0000000000000000000000000000000000000000000000000000000000000003"
			 "666f6f0000000000000000000000000000000000000000000000000000000000");
}

static json_t *reply(struct fake_shared *shared, const char *method, const json_t *params)
{
	if (strcmp(method, "eth_getBlockByNumber") == 0)
		return heads(shared, params);
	if (strcmp(method, "eth_getBlockByHash") == 0)
		return strncmp(json_string_value(json_array_get(params, 0)), "0xbb", 4) == 0
			       ? block(20, 0xbb)
			       : json_pack("{s:n}", "result");
	return call(shared, params);
}

void fake_registry(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)number;
	if (shared->mode == FAKE_DOWN) {
		fake_http_text(fd, 404, "", "");
		return;
	}
	if (shared->mode == FAKE_SLOW)
		(void)usleep(300000);
	fake_answer(shared, fd, body, len, FAKE_CHAIN, reply);
}
