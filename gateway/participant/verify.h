#pragma once
/* Whether those whom a change's messages name signed them: by their keys, worked out here, or else by their contracts (ERC-1271), asked
 * on the account's own chain at the heads `safe` and `latest`, which must both agree. */
#include "eth/rpc.h"
#include "eth/signature.h"
#include "gateway/identity/heads.h"
#include "gateway/participant/change.h"

struct participant_verify_chain {
	uint64_t id;
	struct eth_rpc *rpc;
	const struct heads *heads;
};

/* rule NULL: all signed. Else a word of rule.h, and which signer's message (an index of change->signers). err: the chain cannot be read
 * now (-EAGAIN and the rest); rule is NULL then. */
typedef void participant_on_verified(void *arg, int err, const char *rule, size_t signer);

/* Sets `contract` and `judged` of each signer. change, signatures and chains must outlive the call back, which comes exactly once, maybe
 * before this returns. */
void participant_verify(struct participant_change *change, const struct signature_context *signatures,
			const struct participant_verify_chain *chains, size_t nchains, unsigned deadline_ms,
			participant_on_verified *on_verified, void *arg);
