#include "tests/gateway/identity/fake_prepare.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *text(const char *result)
{
	return json_pack("{s:s}", "result", result);
}

static json_t *error(int code, const char *message, const char *data)
{
	return json_pack("{s:{s:i,s:s,s:s*}}", "error", "code", code, "message", message, "data", data);
}

static json_t *word_of(const char *address)
{
	char word[67];

	(void)snprintf(word, sizeof(word), "0x%024d%s", 0, address + 2);
	return text(word);
}

#define ONE "0x0000000000000000000000000000000000000000000000000000000000000001"
#define NOT_AUTHORISED                                                                                                 \
	"0x08c379a000000000000000000000000000000000000000000000000000000000000000200000000000000000000000000000000000" \
	"00000000"                                                                                                     \
	"000000000000000000000e4e6f7420617574686f72697a6564000000000000000000000000000000000000"

static json_t *call(unsigned mode, const json_t *params)
{
	const json_t *transaction = json_array_get(params, 0);
	const char *to = json_string_value(json_object_get(transaction, "to"));
	const char *data = json_string_value(json_object_get(transaction, "data"));
	bool missing = strlen(data) >= 74 && strncmp(data + 10 + 62, "07", 2) == 0;

	if (strncmp(to, "0x4200", 6) == 0)
		return mode & FAKE_PREPARE_L1
			       ? text("0x00000000000000000000000000000000000000000000000000000000000f4240")
			       : text("0x");
	if (strncmp(data, "0x1626ba7e", 10) == 0)
		return mode & FAKE_PREPARE_AGREES
			       ? text("0x1626ba7e00000000000000000000000000000000000000000000000000000000")
		       : mode & FAKE_PREPARE_DISAGREES
			       ? text("0xffffffff00000000000000000000000000000000000000000000000000000000")
			       : error(3, "execution reverted", "0x");
	if (mode & FAKE_PREPARE_NO_CODE)
		return text("0x");
	if (strncmp(data, "0x6352211e", 10) == 0)
		return missing ? error(3, "execution reverted",
				       "0x7e2732890000000000000000000000000000000000000000000000000000000000000007")
			       : word_of("0x1563915e194D8CfBA1943570603F7606A3115508");
	if (strncmp(data, "0x00339509", 10) == 0)
		return word_of(mode & FAKE_PREPARE_HAS_WALLET ? "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
							      : "0x0000000000000000000000000000000000000000");
	if (strncmp(data, "0xd95e72be", 10) == 0)
		return mode & FAKE_PREPARE_OLD ? error(3, "execution reverted", "0x") : text(ONE);
	return mode & FAKE_PREPARE_REVERTS ? error(3, "execution reverted: Not authorized", NOT_AUTHORISED)
					   : text("0x");
}

static json_t *reply(struct fake_shared *shared, const char *method, const json_t *params)
{
	unsigned mode = shared->mode;

	if (strcmp(method, "eth_getBlockByNumber") == 0)
		return json_pack("{s:{s:s,s:s,s:s,s:s,s:s}}", "result", "number", "0xa", "hash", ONE, "parentHash", ONE,
				 "timestamp", "0x6553f100", "baseFeePerGas", "0x3b9aca00");
	if (strcmp(method, "eth_getCode") == 0) {
		const char *address = json_string_value(json_array_get(params, 0));

		if (strncmp(address, "0x8004", 6) == 0)
			return text(mode & FAKE_PREPARE_NO_CODE ? "0x" : "0x6001");
		return text(mode & (FAKE_PREPARE_AGREES | FAKE_PREPARE_DISAGREES) ? "0x6002" : "0x");
	}
	if (strcmp(method, "eth_maxPriorityFeePerGas") == 0)
		return mode & FAKE_PREPARE_NO_TIP ? error(-32601, "the method does not exist", NULL)
						  : text("0x3b9aca00");
	if (strcmp(method, "eth_getBalance") == 0)
		return text(mode & FAKE_PREPARE_POOR ? "0x1" : "0xde0b6b3a7640000");
	if (strcmp(method, "eth_getTransactionCount") == 0)
		return text("0x5");
	if (strcmp(method, "eth_estimateGas") == 0)
		return mode & FAKE_PREPARE_REVERTS   ? error(3, "execution reverted: Not authorized", NOT_AUTHORISED)
		       : mode & FAKE_PREPARE_REFUSES ? error(-32000, "gas required exceeds\n allowance (0)", NULL)
						     : text("0x186a0");
	return call(mode, params);
}

void fake_prepare(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len)
{
	(void)number;
	if (shared->mode & FAKE_PREPARE_DOWN)
		fake_http_text(fd, 404, "", "");
	else
		fake_answer(shared, fd, body, len, 31337, reply);
}
