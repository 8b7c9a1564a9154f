/* ERC-4361: what is read is written again byte for byte, and its parts lie in the text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "did/siwe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char again[SIWE_MESSAGE_MAX];
	enum siwe_part part = SIWE_NONE;
	struct siwe_message message;
	size_t len = 0;

	if (siwe_parse(&message, &part, text, size) != 0) {
		check(part != SIWE_NONE && siwe_part_name(part)[0] != '\0');
		return 0;
	}
	check(part == SIWE_NONE);
	check(siwe_format(again, &len, sizeof(again), &part, &message) == 0);
	check(len == size && memcmp(again, text, len) == 0);
	check(!memchr(text, '\0', size) && !memchr(text, '\r', size) && !memchr(text, 0x7f, size));
	check(message.nonce.len >= 8 && message.domain.len > 0 && message.uri.len > 1);
	for (size_t i = 0; i < message.nresources; i++)
		check(message.resources[i].ptr > text && message.resources[i].ptr + message.resources[i].len <= text + size);
	return 0;
}
