#pragma once

/* The registration file of an ERC-8004 agent: what its token URI leads to. Pure.
 *
 * Source: ERC-8004, "Agent URI and agent registration file" (2026-01 text), and what files in the wild look like. The
 * file is written by whoever owns the agent: hostile until proved dull. It is read by the strict parser (did/jcs: no
 * duplicate names, no broken UTF-8), and then leniently: a member of the wrong shape is left out and named in `drift`, it
 * never refuses the file. Nothing in it is a fact about the agent but what somebody else confirms: see
 * registration_file_names() and docs/formats.md section 12. */

#include "did/agent_key.h"
#include "did/jcs.h"
#include "eth/address.h"
#include "eth/u256.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REGISTRATION_FILE_MAX = 262144, /* bytes, decoded; the agent0 SDK's own limit */
	REGISTRATION_FILE_DEPTH = 16,
	REGISTRATION_FILE_SERVICES = 64,  /* more are left out: DRIFT_CUT */
	REGISTRATION_FILE_ENTRIES = 64,	  /* the same */
	REGISTRATION_FILE_TRUSTS = 16,	  /* the same */
	REGISTRATION_FILE_TEXT_MAX = 2048, /* bytes of a name, endpoint, version or trust model; longer: left out, DRIFT_CUT */
};

/* How a file departs from the specification, one bit each: never an error. registration_drift_word() names it. */
enum registration_drift {
	DRIFT_BOM,		  /* begins with a byte order mark */
	DRIFT_TYPE,		  /* `type` is absent or not the registration-v1 URL */
	DRIFT_NO_NAME,		  /* no `name` */
	DRIFT_NO_DESCRIPTION,
	DRIFT_NO_IMAGE,
	DRIFT_ENDPOINTS,	  /* services stand in `endpoints` (before January 2026) */
	DRIFT_SERVICE,		  /* an item of services without a text name and endpoint; left out */
	DRIFT_SERVICE_WALLET,	  /* a service named agentWallet (legacy): the registry says who the wallet is */
	DRIFT_OASF_OBJECTS,	  /* skills or domains are objects, not texts */
	DRIFT_X402_CASE,	  /* `x402support` */
	DRIFT_TRUST_NAME,	  /* `supportedTrusts` */
	DRIFT_TRUST_VALUE,	  /* a trust model that the specification does not name; kept */
	DRIFT_FLAG,		  /* active or x402Support is not a boolean; left out */
	DRIFT_NO_REGISTRATIONS,	  /* absent or empty: usual before the first setAgentURI */
	DRIFT_REGISTRATION,	  /* an item that cannot be read; left out */
	DRIFT_ID_TEXT,		  /* an agentId that is a text */
	DRIFT_REGISTRY_CASE,	  /* an agentRegistry whose address is not in EIP-55 spelling */
	DRIFT_UPDATED_UNIX,	  /* `updatedAt` is a number, not a time text */
	DRIFT_CUT,		  /* more items, or longer texts, than are kept */
	DRIFT_SHAPE,		  /* a member of any other wrong shape; left out */
	DRIFT_COUNT
};

/* Why a file is none at all. */
enum registration_refusal {
	REGISTRATION_OK = 0,
	REGISTRATION_TOO_LARGE,	 /* over REGISTRATION_FILE_MAX */
	REGISTRATION_TOO_DEEP,
	REGISTRATION_NOT_JSON,	 /* err.json says what and where */
	REGISTRATION_NOT_OBJECT, /* JSON, but not an object */
	REGISTRATION_UNKNOWN,	 /* an object with none of the specification's members: an error page, another schema */
	REGISTRATION_MEMORY,
};

struct registration_error {
	enum registration_refusal refusal;
	struct jcs_error json; /* filled for TOO_DEEP and NOT_JSON */
};

struct registration_service {
	const char *name;     /* as written: "A2A", "web", "twitter", … */
	const char *endpoint; /* as written; any text */
	const char *version;  /* NULL: none */
};

struct registration_entry {
	struct u256 agent_id;
	uint64_t chain;
	struct eth_address registry;
};

/* Texts are NUL-terminated UTF-8 without U+0000 and borrow from root; NULL where absent. */
struct registration_file {
	json_t *root; /* owned */
	const char *type, *name, *description, *image;
	struct registration_service services[REGISTRATION_FILE_SERVICES];
	size_t nservices;
	struct registration_entry registrations[REGISTRATION_FILE_ENTRIES];
	size_t nregistrations;
	const char *trust[REGISTRATION_FILE_TRUSTS];
	size_t ntrust;
	bool has_active, active;
	bool has_x402, x402;
	const char *updated;	 /* updatedAt as a text, as written */
	uint64_t updated_unix;	 /* as a number; 0: none */
	uint32_t drift;		 /* 1 << enum registration_drift */
};

/* Reads len bytes, the decoded file. On success *out is filled, for registration_file_clear(); on failure it is zeroed and
 * err (may be NULL) says why.
 * Returns 0, -EBADMSG refused, -EILSEQ (text encoding), -EOVERFLOW (size, depth), -ENOMEM. */
__attribute__((warn_unused_result)) int registration_file_parse(struct registration_file *out,
								struct registration_error *err, const uint8_t *bytes,
								size_t len);
void registration_file_clear(struct registration_file *file);

/* The back-reference: does `registrations` name this agent? Chains compare as numbers, addresses without letter case. */
bool registration_file_names(const struct registration_file *file, const struct agent_key *key);

/* The same question about any JSON with a `registrations` list: https://DOMAIN/.well-known/agent-registration.json
 * (ERC-8004, "Endpoint Domain Verification"). 0 it does, -ENOENT it does not, otherwise as registration_file_parse(). */
__attribute__((warn_unused_result)) int registration_domain_names(const uint8_t *bytes, size_t len,
								  const struct agent_key *key);

/* An `agentRegistry`: "eip155:8453:0x…", any letter case, CAIP-10 form. 0 or -EBADMSG. */
__attribute__((warn_unused_result)) int registration_registry_parse(uint64_t *chain, struct eth_address *registry,
								    const char *text, size_t len);

/* "endpoints", "x402-case", … : the words of docs/formats.md section 12. */
const char *registration_drift_word(enum registration_drift drift);
const char *registration_refusal_word(enum registration_refusal refusal);

/* What of the file may stand in the agent's DID document: an array of {"id":"DID#…","type":iri,"serviceEndpoint":uri},
 * in the file's order, for struct agent_document.services (which drops from the end what exceeds 8,000 bytes).
 * Only endpoints that are absolute URIs (RFC 3986) appear, a bare e-mail address as mailto:; a service agentWallet never
 * does, since keys come from the registry alone. Ids are the name in lower case, [a-z0-9-] only, "-2", "-3" … where a name
 * comes again; types are "https://eips.ethereum.org/EIPS/eip-8004#" and the name, percent-encoded. *out is a new reference. Returns 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int registration_file_did_services(json_t **out,
								       const struct registration_file *file,
								       const char *did);

/* What /v1/agents/{id}/file shows of it: a new reference, NULL without memory. Members: type, name, description, image,
 * services [{name, endpoint, version?}], active?, x402?, supportedTrust, registrations [{agentId (text), agentRegistry}],
 * updatedAt?, drift [words]. */
json_t *registration_file_summary(const struct registration_file *file);

/* Hosts of the https endpoints, lower case and without port, each once, for endpoint-domain verification: at most max.
 * Returns how many. A host that did:web would refuse (an address, a name without a dot) is not listed. */
size_t registration_file_domains(char (*out)[DID_WEB_HOST_SIZE], size_t max, const struct registration_file *file);
