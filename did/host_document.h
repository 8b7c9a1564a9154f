#pragma once

/* The DID document of the host itself, /.well-known/did.json: its keys, and where its log, its resolver and its lists are. It says
 * nothing of participants: alsoKnownAs here would say that the host is one of them. */

#include "eth/address.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_DOCUMENT_KEYS_MAX 8

struct host_document {
	const char *host;     /* HOST[:PORT] */
	const char *base_url; /* public URL without a trailing slash, "https://HOST[:PORT]" */
	const char *log_vkey; /* the log's verifier key text, "ORIGIN+hash+base64" */
	uint8_t log_key[32];  /* the same Ed25519 public key, raw */
	size_t nassertion;    /* at most HOST_DOCUMENT_KEYS_MAX */
	uint8_t assertion_keys[HOST_DOCUMENT_KEYS_MAX][32]; /* Ed25519, in the order they are to be listed in */
	bool has_anchor;
	uint64_t anchor_chain;
	struct eth_address anchor_contract;
};

/* Builds it: id did:web:HOST; `#log-key` and each assertion key under its own Multikey text as fragment, which never means another
 * key, all of type Multikey under assertionMethod; services `#log` (a map: uri BASE/log, vkey, and where there is one the anchor
 * contract as CAIP-10), `#resolver` (BASE/1.0/identifiers/), `#agents` (BASE/v1/agents) and `#participants` (BASE/v1/participants).
 * Keys that would take it over DID_DOCUMENT_MAX bytes are left out from the end.
 *
 * Returns 0, -EINVAL (host, too many keys), -ENOMEM. */
__attribute__((warn_unused_result)) int host_document_build(json_t **document, const struct host_document *host);
