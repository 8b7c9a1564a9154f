#pragma once
/* What the files of `kedge verify` share. */
#include "gateway/record/receipt_verify.h"

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>

/* How a file is to be checked. */
struct cli_verify_how {
	const struct receipt_policy *policy; /* NULL: none was given */
	const char *rpc;		     /* --rpc: instead of the policy's; NULL: not given */
	const char *block;		     /* --block: the trusted block hash as text; NULL: not given */
	const char *agent;		     /* --agent: the one agent meant, as text; NULL: not given */
	bool final;			     /* the block must be finalized, not only safe */
	bool offline, json;
	/* of a signed document; NULL: not given */
	const char *did;		 /* --did: whose it must be */
	const char *key;		 /* --key: or which key must have signed it, as Multikey */
	const char *document;		 /* --document: a file with the DID's document; else the gateway is asked */
	const char *url;		 /* --url: another gateway than the one running here */
	const char *purpose, *domain, *challenge, *at;
	int64_t now; /* seconds since 1970: when it is judged */
};

/* An AgentProof object (verify_proof.c). Prints one line a check; exit code as `kedge verify`. */
int cli_verify_proof(const char *text, size_t len, const struct cli_verify_how *how);

/* Whether a file is a signed document: its `proof`, or the first of several, names a verificationMethod. */
bool cli_is_signed(const json_t *value);
/* A signed document (verify_signed.c). The same. */
int cli_verify_signed(const char *text, size_t len, struct cli_verify_how *how);
