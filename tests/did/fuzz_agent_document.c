/* Agent documents whatever the services are: at most DID_DOCUMENT_MAX bytes of JSON, with as many services as it says. */
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
	struct jcs_buffer buffer = {0};
	json_t *document = NULL;
	struct jcs_error err;
	size_t kept;

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
	if (agent_document_write(&buffer, &kept, &agent, &defaults) == 0) {
		document = json_loadb(buffer.data, buffer.len, JSON_REJECT_DUPLICATES, NULL);
		if (buffer.len > DID_DOCUMENT_MAX || !document)
			abort();
		if (kept != json_array_size(json_object_get(document, "service")) || kept > json_array_size(agent.services))
			abort();
	}
	jcs_buffer_clear(&buffer);
	json_decref(document);
	json_decref(agent.services);
	return 0;
}
