#pragma once
/* What the files of `kedge verify` share. */
#include "gateway/record/receipt_verify.h"

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
};

/* An AgentProof object (verify_proof.c). Prints one line a check; exit code as `kedge verify`. */
int cli_verify_proof(const char *text, size_t len, const struct cli_verify_how *how);
