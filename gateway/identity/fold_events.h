#pragma once
/* What the events of a registry say about an agent's state: used where the state itself can no longer be read, and to
 * compare with what was read. Pure: no I/O, no clock, no heap.
 *
 * Events are history, storage is truth (facts/erc8004.md §0.4). register() stores the wallet, mints, calls the receiver
 * and only then emits Registered and MetadataSet(agentWallet): a receiver that passes the token on leaves events that end
 * in the first owner and wallet. So:
 *   owner   the `to` of the last Transfer
 *   wallet  the last MetadataSet(agentWallet), but the one that directly follows Registered (same transaction, next log)
 *           is an announcement: it counts at the place of that transaction's mint
 *   URI     the last Registered or URIUpdated; register() without a URI stores none, and register("") stores an empty
 *           one: both log Registered(""), so after a URI set by the receiver in between the state is doubtful */
#include "gateway/identity/registry_event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A log in its place. The events of one fold are of one registry and one block, ascending by log_index. */
struct fold_event {
	struct registry_event event;
	uint32_t log_index;
	uint8_t tx[32];
};

struct fold_state {
	bool exists;
	struct eth_address owner;
	bool has_wallet;
	struct eth_address wallet;
	const uint8_t *uri; /* borrowed from an event, or what the caller began with; NULL when uri_len is 0 */
	size_t uri_len;
	bool doubtful; /* set, never cleared: the events do not determine this state */
	/* set, never cleared: events are missing or made up. ERC-721: a token is minted once, and a Transfer is from its owner;
	 * an agent is announced after its mint. */
	bool broken;
};

/* Applies a block's events to one agent. Returns whether any of them was about its identity. */
bool fold_events(struct fold_state *state, const uint8_t agent[static 32], const struct fold_event *events, size_t n);
