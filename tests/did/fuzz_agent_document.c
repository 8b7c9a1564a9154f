/* Agent documents whatever the services are: at most DID_DOCUMENT_MAX bytes, and what was dropped is named. */
#include "did/agent_document.h"
#include "did/jcs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct agent_defaults defaults = {.host = "localhost:8004", .chain = 31337};
	struct agent_document agent = {.key = {.chain = 31337}};
	json_t *document = NULL, *dropped = NULL;
	struct jcs_buffer buffer = {0};
	struct jcs_error err;

	if (size < 4)
		return 0;
	agent.key.id = u256_from_u64(data[0]);
	memset(agent.safe.owner.bytes, data[1] & 3, 20);
	memset(agent.latest.owner.bytes, data[1] >> 2 & 3, 20);
	memset(agent.safe.wallet.bytes, data[2] & 3, 20);
	memset(agent.latest.wallet.bytes, data[2] >> 2 & 3, 20);
	agent.wallet_authenticates = data[3] & 1;
	if (jcs_parse(&agent.services, &err, (const char *)data + 4, size - 4, NULL) != 0)
		agent.services = NULL;
	if (agent_document_build(&document, &dropped, &agent, &defaults) == 0) {
		if (jcs_write(&buffer, document) != 0 || buffer.len > DID_DOCUMENT_MAX)
			abort();
		if (dropped && json_array_size(dropped) == 0)
			abort();
	}
	jcs_buffer_clear(&buffer);
	json_decref(document);
	json_decref(dropped);
	json_decref(agent.services);
	return 0;
}
