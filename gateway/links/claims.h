#pragma once
/* What a registration file claims of other identities, and whether a document confirms such a claim. Pure: both read what strangers wrote,
 * after it was parsed. */
#include "did/agent_key.h"
#include "did/registration_file.h"
#include "gateway/links/link.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	LINK_OTHERS_MAX = 8,
	LINK_CLAIMS_MAX = LINK_FOREIGN_MAX + LINK_AGENTS_MAX + LINK_OTHERS_MAX,
	LINK_OBJECT_SIZE = 256,	 /* with its NUL */
	LINK_ALSO_MAX = 1024,	 /* items of one alsoKnownAs that are looked at */
};

struct link_claim {
	enum link_kind kind;
	char object[LINK_OBJECT_SIZE]; /* a DID, or of LINK_AGENT a key text */
};

/* The claims of an agent's file, in its order: services named DID (in any letter case) whose endpoint is a DID, then registrations.
 *
 *   did:web of another host    LINK_FOREIGN, host in lower case, port as %3A
 *   agents                     LINK_AGENT, by this host's DID or in registrations
 *   did:web of this host       LINK_OTHER, as this host spells it
 *   did:pkh of eip155          LINK_OTHER, EIP-55
 *   any other method           LINK_OTHER as written
 *
 * Each object once, never the agent itself; what exceeds the bound of its kind is left out, as is what is no DID or longer than 255
 * bytes. Returns how many. */
size_t link_claims_of_file(struct link_claim out[static LINK_CLAIMS_MAX], const struct registration_file *file,
			   const struct agent_key *agent, const struct agent_defaults *defaults);

/* Who claims: an agent, or (did not NULL) a participant of this host. */
struct link_subject {
	struct agent_key agent;
	const char *did;
};

/* Whether the document of somebody else (foreign_document_parse()) lists the subject in alsoKnownAs: an agent by its DID here or its
 * CAIP-19 id, compared as parsed; a participant by its DID to the letter. */
bool link_confirms(const json_t *document, const struct link_subject *subject, const struct agent_defaults *defaults);
