#pragma once
/* Reading agents from the registry's storage at a block named by its hash (EIP-1898, canonical).
 *
 * Events are history, storage is truth: a registration that re-enters makes them differ (facts/erc8004.md §0.4). Tags
 * and numbers are first turned into one hash, so that all parts of an answer are of one block. */
#include "did/agent_key.h"
#include "eth/rpc.h"
#include "gateway/identity/heads.h"

#include <stdbool.h>
#include <stddef.h>

/* What the registry holds about an agent at one block. */
struct agent_state {
	bool exists;
	struct eth_address owner;  /* zero if not exists */
	struct eth_address wallet; /* zero: none */
	char *uri;		   /* NUL-terminated, owned by the reader; NULL unless asked for and exists */
	size_t uri_len;
};

struct agent_query {
	struct agent_key key;
	struct eth_hash block;
	bool with_uri;
};

/* One query's answer: err 0 (state valid, exists or not), or why this one could not be read:
 * -ENXIO no contract there, -ESTALE that block is not known or not kept, -EBADMSG, -EPROTO, -EAGAIN, -EIO. */
struct agent_answer {
	int err;
	struct agent_state state;
};

/* answers[i] to queries[i]; NULL and 0 when err is negative (as eth_rpc_on_done). Borrowed; a state's URI may be taken
 * by setting the pointer to NULL. */
typedef void agent_on_read(void *arg, int err, struct agent_answer *answers, size_t n);

/* Reads many in one JSON-RPC batch (2 or 3 calls a query). The registry read is each key's own; keys of another chain
 * than the rpc's are the caller's mistake. Starting errors as eth_rpc_batch(). */
__attribute__((warn_unused_result)) int agent_read(struct eth_rpc *rpc, const struct agent_query *queries, size_t n,
						   unsigned deadline_ms, agent_on_read *on_read, void *arg);

/* One agent at one block given in any way; block is filled for err 0. -ENOENT: no such block (the agent's absence is
 * state.exists). */
typedef void agent_on_read_at(void *arg, int err, const struct heads_block *block, struct agent_state *state);
__attribute__((warn_unused_result)) int agent_read_at(struct eth_rpc *rpc, const struct agent_key *key,
						      const struct eth_rpc_at *at, bool with_uri, unsigned deadline_ms,
						      agent_on_read_at *on_read, void *arg);

/* An agent at both ends of uncertainty: what a current document is made of. */
struct agent_pair {
	struct heads_block safe_block, latest_block;
	struct agent_state safe, latest;
};
void agent_pair_clear(struct agent_pair *pair);

/* Reads both at the given heads in one batch. The pair is borrowed; its URIs may be taken as above. */
typedef void agent_on_pair(void *arg, int err, struct agent_pair *pair);
__attribute__((warn_unused_result)) int agent_read_pair(struct eth_rpc *rpc, const struct agent_key *key,
							const struct heads_set *heads, bool with_uri,
							unsigned deadline_ms, agent_on_pair *on_pair, void *arg);

/* Straight down, for the command line. Fill *out (its URIs owned by the caller). */
__attribute__((warn_unused_result)) int agent_wait_at(struct agent_state *out, struct heads_block *block,
						      struct eth_rpc *rpc, const struct agent_key *key,
						      const struct eth_rpc_at *at, bool with_uri, unsigned deadline_ms);
__attribute__((warn_unused_result)) int agent_wait_pair(struct agent_pair *out, struct eth_rpc *rpc,
							const struct agent_key *key, const struct heads_set *heads,
							bool with_uri, unsigned deadline_ms);
void agent_state_clear(struct agent_state *state);
