/* Payloads of alias and link entries: what is read is written again byte for byte, and folds or is refused, leaving a state that can be
 * kept and read back. */
#include "gateway/participant/state.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void keep(const struct participant_state *state)
{
	struct participant_state *back = calloc(1, sizeof(*back));
	char *text, *again;
	size_t len, again_len;

	check(participant_state_write(&text, &len, state) == 0);
	check(participant_state_read(back, text, len) == 0);
	check(participant_state_write(&again, &again_len, back) == 0);
	check(len == again_len && memcmp(text, again, len) == 0);
	free(text);
	free(again);
	participant_state_clear(back);
	free(back);
}

/* Payloads with a zero byte between. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct participant_state *state = calloc(1, sizeof(*state));
	uint64_t seq = 0;

	for (size_t at = 0, len; at < size; at += len + 1) {
		const uint8_t *end = memchr(data + at, 0, size - at);
		struct participant_change change;
		size_t again_len;
		char *again;

		len = end ? (size_t)(end - (data + at)) : size - at;
		if (participant_payload_read(&change, (const char *)data + at, len) != 0)
			continue;
		check(participant_payload_write(&again, &again_len, &change) == 0);
		check(again_len == len && memcmp(again, data + at, len) == 0);
		free(again);
		if (participant_state_apply(state, &change, seq, seq) == 0)
			seq++;
		participant_change_clear(&change);
	}
	check(state->entries == seq);
	if (state->life == PARTICIPANT_LIVE)
		keep(state);
	participant_state_clear(state);
	free(state);
	return 0;
}
