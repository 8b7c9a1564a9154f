#pragma once

/* The DID document of an agent, made of chain state. Pure: the caller has read the chain. Every DID URL inside is absolute.
 * Members stand in the usual order, without white space; a document stays within DID_DOCUMENT_MAX bytes, because
 * @digitalbazaar/did-method-web refuses more than 8 KiB. */

#include "did/agent_key.h"
#include "did/jcs.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define DID_DOCUMENT_MAX 8000
/* What is left for links, each with its quotes and a comma, when names and keys are as long as they can be. */
#define AGENT_DOCUMENT_LINKS_MAX 2000

/* Who may act for an agent at one block. */
struct agent_authority {
	struct eth_address owner;
	struct eth_address wallet; /* zero where none is set (a transfer clears it) */
};

struct agent_document {
	struct agent_key key;
	struct agent_authority safe;   /* at the block `safe`; as of an earlier block: the same for both */
	struct agent_authority latest; /* at the block `latest` */
	bool wallet_authenticates;     /* list #agent-wallet under authentication too; off by default */
	const char *const *also;       /* proven links, URIs, behind the CAIP-19 id in alsoKnownAs */
	size_t nalso;
	json_t *services; /* borrowed array of finished service objects with absolute ids, or NULL */
};

/* Appends the current document as JSON. `#owner` (authentication, assertionMethod, capabilityInvocation) and `controller`
 * (did:pkh of the owner, EIP-55) appear only if the owner is the same at safe and latest; `#agent-wallet`
 * (assertionMethod) only if the wallet is set and the same at both (DESIGN section 4). Relationships without a key are
 * left out. Links beyond AGENT_DOCUMENT_LINKS_MAX, and services that would take the document over DID_DOCUMENT_MAX, are dropped from the end.
 *
 * Out: *kept (may be NULL) how many services stand in it, from the first.
 *
 * Returns 0, -EINVAL (host; services not an array of objects with a text `id`), -ENOMEM, -ENOSPC (fixed buffer). After an
 * error out is as before. */
__attribute__((warn_unused_result)) int agent_document_write(struct jcs_buffer *out, size_t *kept, const struct agent_document *agent,
							     const struct agent_defaults *defaults);
