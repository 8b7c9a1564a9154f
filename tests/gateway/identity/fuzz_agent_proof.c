/* Any bytes as an AgentProof object. The seeds are whole objects of tests/gateway/identity/proof_world.c's chain, whose code hash
 * is keccak256("code"). What is accepted must be refused again with its last byte gone. */
#include "gateway/identity/agent_proof.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[AGENT_PROOF_WHY_SIZE];
	struct agent_proof_trust trust = {.ncodes = 1};
	struct agent_proof proof;
	struct eth_hash code;

	keccak256(&code, "code", 4);
	trust.codes = &code;
	if (agent_proof_verify(&proof, why, (const char *)data, size, &trust) != 0) {
		if (why[0] == '\0' || proof.uri != NULL)
			abort();
		return 0;
	}
	agent_proof_clear(&proof);
	if (agent_proof_verify(&proof, why, (const char *)data, size - 1, &trust) == 0)
		abort();
	return 0;
}
