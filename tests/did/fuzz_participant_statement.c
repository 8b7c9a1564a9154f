/* Messages of participants: what is read is the one spelling of it, and no difference is left without a rule of its own. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "did/participant_statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t chains[] = {31337, 1};
	const struct agent_defaults agents = {.host = "localhost:8004", .chain = 31337};
	const struct participant_terms terms = {.agents = &agents, .chains = chains, .nchains = 2};
	struct participant_object object;
	struct participant_statement said;
	enum participant_fault fault;
	char again[SIWE_MESSAGE_MAX];
	size_t len = 0;

	if (participant_object_parse(&object, (const char *)data, size, &terms) == 0)
		check(strlen(object.text) == size && memcmp(object.text, data, size) == 0 && object.kind != PARTICIPANT_NOTHING);
	if (participant_statement_read(&said, &fault, NULL, (const char *)data, size, &terms) != 0) {
		check(fault != PARTICIPANT_FINE && fault != PARTICIPANT_OTHER_SPELLING);
		return 0;
	}
	check(participant_statement_format(again, &len, sizeof(again), &said, &terms) == 0);
	check(len == size && memcmp(again, data, len) == 0);
	check(said.expires.ms > said.issued.ms && strlen(said.nonce) >= PARTICIPANT_NONCE_MIN);
	return 0;
}
