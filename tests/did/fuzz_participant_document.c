/* Participants' documents whatever profile and links are: at most DID_DOCUMENT_MAX bytes, all of it canonical JSON, and what was left
 * out is named. */
#include "did/jcs.h"
#include "did/participant_document.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void build(const struct participant_document *participant)
{
	static const struct agent_defaults defaults = {.host = "localhost:8004", .chain = 31337};
	json_t *document, *left_out;
	struct jcs_buffer buffer = {0};

	check(participant_document_build(&document, &left_out, participant, &defaults) == 0);
	check(json_dumpb(document, NULL, 0, JSON_COMPACT) <= DID_DOCUMENT_MAX);
	check(jcs_write(&buffer, document) == 0);
	check(!left_out || json_array_size(left_out) > 0);
	jcs_buffer_clear(&buffer);
	json_decref(document);
	json_decref(left_out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct participant_account accounts[16] = {0};
	struct agent_key agents[32] = {0};
	struct participant_document participant = {.handle = "alice", .accounts = accounts, .agents = agents};
	char pointer[PARTICIPANT_POINTER_SIZE];
	json_t *profile = NULL;
	struct jcs_error err;
	const char *why;

	if (size < 3)
		return 0;
	participant.naccounts = data[0] % 17;
	participant.nagents = data[1] % 33;
	for (size_t i = 0; i < 16; i++) {
		accounts[i].controller = data[2] >> (i % 8) & 1;
		accounts[i].account.chain = UINT64_MAX >> (i * 4);
	}
	if (jcs_parse(&profile, &err, (const char *)data + 3, size - 3, NULL) == 0 && participant_profile_check(pointer, &why, profile) == 0)
		participant.profile = profile;
	build(&participant);
	json_decref(profile);
	return 0;
}
