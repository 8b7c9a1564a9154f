#pragma once
/* What the files of `kedge doctor` share: a list of findings, each with what to do. */
#include "eth/rpc.h"
#include "gateway/chains.h"
#include "gateway/identity/heads.h"

#include <jansson.h>
#include <stdbool.h>

enum cli_doctor_state { CLI_DOCTOR_OK, CLI_DOCTOR_WARN, CLI_DOCTOR_FAIL };

struct cli_doctor {
	struct config config;
	struct chains chains;
	struct event_base *base;
	bool json;
	json_t *findings;
	unsigned count[3];  /* by state */
	bool unreachable;   /* nobody answered for a chain, or the database does not */
	const char *where;  /* what the next findings are about: "chain 8453", "rpc 1 (host)", "database" */
};

/* Adds a finding, and prints it unless --json. `next`: what to do, NULL for ok. Control bytes are not printed. */
__attribute__((format(printf, 5, 6))) void cli_doctor_say(struct cli_doctor *doctor, enum cli_doctor_state state,
							   const char *name, const char *next, const char *format, ...);

/* What one provider said. */
struct cli_doctor_node {
	bool answers, has_heads;
	struct heads_set heads;
};

/* One provider of a chain: reachable, chain id, version, heads, clock, proofs, logs, batches (doctor_node.c). */
void cli_doctor_node(struct cli_doctor *doctor, struct cli_doctor_node *out, struct eth_rpc *rpc, unsigned provider,
		     const struct chains_chain *chain);
/* Its registries, implementation and the contracts used (doctor_chain.c); through whichever provider answers. */
void cli_doctor_contracts(struct cli_doctor *doctor, const struct chains_chain *chain);
/* Do the providers name the same finalized block (doctor_chain.c). */
void cli_doctor_agreement(struct cli_doctor *doctor, struct eth_rpc *rpc, const struct cli_doctor_node *nodes, unsigned n);
/* PostgreSQL, its schema, and how far the index is (doctor_store.c). */
void cli_doctor_store(struct cli_doctor *doctor);
