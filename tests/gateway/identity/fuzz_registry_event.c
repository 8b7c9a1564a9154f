/* Any bytes as a log of a registry, and as an answer of Multicall3. A log: how many topics (low 3 bits), whether of a
 * ReputationRegistry (bit 3), which known topic comes first (high 4 bits; 15: the bytes' own), then topics of 32 bytes and data. */
#include "eth/hex.h"
#include "gateway/identity/fold_events.h"
#include "gateway/identity/multicall.h"
#include "gateway/identity/registry.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What it points to lies in what was given, or in itself. */
static void check_inside(const uint8_t *at, size_t len, const struct registry_event *event, const uint8_t *data, size_t size)
{
	if (at == NULL ? len != 0 : at != event->index && (at < data || len > size || at > data + size - len))
		abort();
}

static void try_log(const uint8_t *data, size_t size)
{
	struct fold_event event = {0};
	struct fold_state state = {0};
	struct eth_hash topics[8];
	size_t n = data[0] & 7, known = data[0] >> 4;
	bool reputation = (data[0] & 8) != 0;

	if (size < 1 + 32 * n)
		return;
	memcpy(topics, data + 1, 32 * n);
	data += 1 + 32 * n;
	size -= 1 + 32 * n;
	if (n > 0 && known < REGISTRY_TOPICS_IDENTITY)
		topics[0] = registry_topics_identity[known];
	else if (n > 0 && known < REGISTRY_TOPICS_IDENTITY + REGISTRY_TOPICS_REPUTATION)
		topics[0] = registry_topics_reputation[known - REGISTRY_TOPICS_IDENTITY];
	if (registry_event_read(&event.event, topics, n, data, size, reputation) != 0)
		return;
	check_inside(event.event.key, event.event.key_len, &event.event, data, size);
	check_inside(event.event.value, event.event.value_len, &event.event, data, size);
	if (event.event.has_agent && !reputation &&
	    fold_events(&state, event.event.agent, &event, 1) != registry_event_is_identity(&event.event))
		abort();
}

static void try_aggregate(const uint8_t *data, size_t size)
{
	struct eth_rpc_result result = {.outcome = ETH_RPC_OK};
	struct multicall_state states[4];
	char *text = malloc(HEX_DATA_SIZE(size));
	size_t n = 1 + data[0] % 4;

	if (text == NULL)
		return;
	result.value = json_stringn(text, hex_encode_data(text, data + 1, size - 1));
	if (multicall_read(states, true, n, &result) == 0) {
		for (size_t i = 0; i < n; i++)
			if (states[i].uri_len > REGISTRY_URI_MAX || (states[i].exists && address_is_zero(&states[i].owner)))
				abort();
		multicall_states_clear(states, n);
	}
	json_decref((json_t *)(uintptr_t)result.value);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	try_log(data, size);
	try_aggregate(data, size);
	return 0;
}
