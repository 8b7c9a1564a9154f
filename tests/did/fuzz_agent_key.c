/* Whatever names an agent comes back as a key text and a DID that name the same agent. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "did/agent_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct agent_defaults defaults = {
		.host = "kedge.example:8443", .chain = 8453, .registry = {{0x80, 0x04}}};
	char text[AGENT_KEY_TEXT_SIZE], did[AGENT_DID_SIZE];
	struct agent_key key, again;
	size_t len;
	int n;

	if (agent_key_from_any(&key, (const char *)data, size, &defaults) != 0)
		return 0;
	len = agent_key_format(text, &key);
	check(len < sizeof(text) && agent_key_parse(&again, text, len) == 0 && agent_key_compare(&key, &again) == 0);
	n = agent_did_format(did, &key, &defaults);
	check(n > 0 && (size_t)n < sizeof(did) && agent_key_from_any(&again, did, (size_t)n, &defaults) == 0);
	check(agent_key_compare(&key, &again) == 0);
	len = agent_key_format_caip19(text, &key, NULL);
	check(agent_key_from_any(&again, text, len, &defaults) == 0 && agent_key_compare(&key, &again) == 0);
	return 0;
}
