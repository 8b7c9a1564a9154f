#pragma once

/* The name of an ERC-8004 agent (docs/formats.md section 1): a token of a registry on a chain. The key text is what the
 * log stores and hashes; the DID is what the web sees. */

#include "did/did_web.h"
#include "eth/address.h"
#include "eth/u256.h"

#include <stddef.h>
#include <stdint.h>

struct agent_key {
	uint64_t chain; /* EIP-155 chain id, 0 is legal in texts */
	struct eth_address registry;
	struct u256 id; /* the token id, 0 is legal */
};

/* What short forms mean on this gateway. */
struct agent_defaults {
	const char *host; /* HOST[:PORT], lower case, as for did_web_from_host() */
	uint64_t chain;
	struct eth_address registry;
	/* What these come to, for whoever writes many names; NULL: worked out each time. */
	const char *did;	   /* did_web_from_host() of host */
	const char *registry_text; /* EIP-55 of registry */
};

#define AGENT_KEY_TEXT_SIZE 160 /* longest key text with its NUL, rounded up */
#define AGENT_DID_SIZE 448	/* longest agent DID with its NUL, rounded up */
#define AGENT_INPUT_MAX 512	/* agent_key_from_any() refuses longer texts */

/* Key text in lower case, `eip155:CHAIN/erc721:0xREGISTRY/ID`, NUL-terminated. Returns the length. */
size_t agent_key_format(char out[static AGENT_KEY_TEXT_SIZE], const struct agent_key *key);

/* CAIP-19 with the registry in EIP-55 spelling, for DID documents. defaults may be NULL. Returns the length. */
size_t agent_key_format_caip19(char out[static AGENT_KEY_TEXT_SIZE], const struct agent_key *key, const struct agent_defaults *defaults);

/* Reads a key text exactly as agent_key_format() writes it; nothing else.
 * Returns 0 or -EBADMSG (also for an id above 2^256-1 or a chain above 2^64-1). */
__attribute__((warn_unused_result)) int agent_key_parse(struct agent_key *out, const char *text, size_t len);

/* The agent's DID here, NUL-terminated: the short form for the default registry, else the form with the registry.
 * Returns the length, or -EBADMSG if defaults->host is not a host. */
__attribute__((warn_unused_result)) int agent_did_format(char out[static AGENT_DID_SIZE], const struct agent_key *key,
							 const struct agent_defaults *defaults);

/* Reads an agent DID of this host, only in the spelling agent_did_format() gives, so that each agent has one DID.
 *
 * Returns 0, -EBADMSG not DID syntax, -ENOENT any other DID (another method, host or path, upper case, leading zeros,
 * the short form of a chain not served, the long form of the default registry). */
__attribute__((warn_unused_result)) int agent_did_parse(struct agent_key *out, const char *did, size_t len,
							const struct agent_defaults *defaults);

/* Reads every form an attestation may name an agent by: key text in any letter case, decimal id, `agent:ID`,
 * `erc8004:CHAIN:ID`, `erc8004:CHAIN:REGISTRY:ID`, and this host's agent DIDs. Mixed-case addresses are not checked
 * against EIP-55: the key text is case-insensitive by its definition.
 *
 * Returns 0, -EBADMSG none of these forms, -ENOENT a form whose agent is not ours to name (a DID that is not an agent
 * here, a short form of a chain other than the default). */
__attribute__((warn_unused_result)) int agent_key_from_any(struct agent_key *out, const char *text, size_t len,
							   const struct agent_defaults *defaults);

int agent_key_compare(const struct agent_key *a, const struct agent_key *b); /* <0, 0, >0 by chain, registry, id */
