#pragma once
/* What an agent's owner signs to have a registration file kept here, or removed (docs/formats.md section 12). Pure.
 *
 * EIP-712, domain {name:"kedge",version:"1",chainId}, primary type
 * HostedFile(string host,string agent,string name,bytes32 content,uint256 number). */
#include "did/agent_key.h"
#include "eth/keccak.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HOSTED_FILE_NAME_MAX = 64,
	HOSTED_FILE_BEHIND_MS = 3600000, /* a signature is good for an hour ... */
	HOSTED_FILE_AHEAD_MS = 600000,	 /* ... and its number may be so far ahead of the gateway's clock */
};

struct hosted_file {
	const char *host; /* of this gateway, docs/formats.md section 1, so that no other's signature counts here */
	const struct agent_key *key;
	const char *name;
	uint8_t content[32]; /* SHA-256 of the file; 32 zero bytes: remove it */
	uint64_t number;     /* milliseconds since 1970 when it was made; rises with each write of an agent */
};

/* [a-z0-9][a-z0-9._-]{0,63} */
bool hosted_file_name_ok(const char *name);
/* Whether a number may be used at `now` (milliseconds since 1970): a time, so that nobody can spend all numbers. */
bool hosted_file_number_ok(uint64_t number, uint64_t now);

void hosted_file_digest(struct eth_hash *digest, const struct hosted_file *file);
/* The argument of eth_signTypedData_v4; a new reference, NULL without memory. */
json_t *hosted_file_json(const struct hosted_file *file);
