#pragma once
/* Reading many agents at one block: through Multicall3's aggregate3, or by plain calls where there is none.
 *
 * One aggregate is one state of one block, however a provider spreads a batch over its nodes; it is pinned by EIP-1898,
 * because Multicall3 cannot tell the block's hash itself (facts/eth-client.md §3.1).
 * Source: mds1/multicall3, `aggregate3((address target,bool allowFailure,bytes callData)[])`. */
#include "eth/rpc_call.h"
#include "eth/rpc_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MULTICALL_AGENTS_MAX = 100 }; /* agents in one eth_call: three reads each */

/* Which agent. */
struct multicall_ask {
	struct eth_address registry;
	uint8_t agent[32];
};

/* What the registry held. err 0: exists tells whether it is an agent, and the rest is valid; otherwise why not:
 *   -ENXIO      no contract at the registry's address
 *   -EPROTO     a revert that is not "no such token"
 *   -EBADMSG    an answer of another shape
 *   -EOVERFLOW  the URI is longer than REGISTRY_URI_MAX; exists, owner and wallet are valid all the same */
struct multicall_state {
	int err;
	bool exists;
	struct eth_address owner;
	struct eth_address wallet; /* zero: none */
	uint8_t *uri;		   /* malloc'd, NULL when uri_len is 0 */
	size_t uri_len;
};

void multicall_states_clear(struct multicall_state *states, size_t n);

/* Calls that a group of n agents takes. */
size_t multicall_calls(bool aggregate, size_t n);

/* Adds the calls for at most MULTICALL_AGENTS_MAX agents: one eth_call of the Multicall3 at `multicall`, or with NULL three
 * calls an agent. Failures are the list's. */
void multicall_add(struct eth_rpc_calls *list, const struct eth_address *multicall, const struct multicall_ask *asks,
		   size_t n, const struct eth_rpc_at *at);

/* Reads the results of that. `aggregate`: multicall_add() had a Multicall3.
 * Returns 0 with states[0..n) filled, for multicall_states_clear(); or what concerns all of them:
 * -ENXIO no Multicall3 there ("0x"), -EBADMSG, -EPROTO (it reverted: too much gas for one call), -ESTALE the block's state
 * is not known or no longer kept, -EAGAIN, -EOPNOTSUPP, -EIO, -ENOMEM. Then no state is filled. */
__attribute__((warn_unused_result)) int multicall_read(struct multicall_state *states, bool aggregate, size_t n,
						       const struct eth_rpc_result *results);
