#pragma once
/* The logs of an IdentityRegistry and of a ReputationRegistry as bytes. Pure: no I/O, no clock, no heap.
 *
 * Source: facts/erc8004.md §1.1, §1.3; erc-8004/erc-8004-contracts b9e466c. Which topics are indexed is part of an
 * event's shape: an ERC-20 Transfer (its value in the data) is no Transfer of a registry.
 * Texts and values are the bytes the contract logged: they may be of any encoding, hold NUL, and be long. */
#include "eth/address.h"
#include "eth/keccak.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers are those of enum store_event_kind (sql/store_identity.h), which a test holds together. */
enum registry_event_kind {
	REGISTRY_TRANSFER = 1,	 /* a from (zero: mint), b to */
	REGISTRY_REGISTERED = 2, /* a owner, value the URI */
	REGISTRY_URI = 3,	 /* a by whom, value the URI */
	REGISTRY_METADATA = 4,	 /* key, value */
	REGISTRY_APPROVAL = 5,	 /* a owner, b approved (zero: none) */
	REGISTRY_UPGRADED = 6,	 /* a implementation; no agent */
	REGISTRY_FEEDBACK = 16,	 /* a client, value the ABI data of the event */
	REGISTRY_REVOKED = 17,	 /* a client, value the feedback's index as 8 bytes big-endian */
	REGISTRY_RESPONSE = 18,	 /* a client, b responder, value the ABI data of the event */
};

struct registry_event {
	enum registry_event_kind kind;
	bool has_agent;
	uint8_t agent[32]; /* big-endian id */
	struct eth_address a, b;
	const uint8_t *key, *value; /* borrowed from the log's data or topics; NULL where the kind has none */
	size_t key_len, value_len;
	uint8_t index[8]; /* REGISTRY_REVOKED: what value points to */
};

/* The topics worth asking for, 32 bytes each: topic0 of an eth_getLogs filter. */
enum { REGISTRY_TOPICS_IDENTITY = 6, REGISTRY_TOPICS_REPUTATION = 3 };
extern const struct eth_hash registry_topics_identity[REGISTRY_TOPICS_IDENTITY];
extern const struct eth_hash registry_topics_reputation[REGISTRY_TOPICS_REPUTATION];

/* Reads one log. `reputation`: the log is of a ReputationRegistry, whose events have other meanings.
 * `out` borrows from topics and data, and its value from itself where the kind is REGISTRY_REVOKED: it must not be copied
 * before that is copied too.
 * Returns 0; -ENOENT (a topic that is none of these, or one of these names with other indexed members: not ours);
 * -EBADMSG (ours, but its data cannot be read: an address with dirty upper bytes, offsets or lengths that do not fit; kind
 * and agent are filled all the same). */
__attribute__((warn_unused_result)) int registry_event_read(struct registry_event *out, const struct eth_hash *topics,
							    size_t ntopics, const uint8_t *data, size_t data_len,
							    bool reputation);

/* Whether this event can change who an agent is: owner, wallet or URI. */
bool registry_event_is_identity(const struct registry_event *event);
/* Whether it says the agent's wallet: MetadataSet with key "agentWallet". *has_wallet false: cleared. A value that is
 * neither empty nor 20 bytes is what getAgentWallet makes of it: its first 20 bytes, zero padded. */
bool registry_event_is_wallet(struct eth_address *wallet, bool *has_wallet, const struct registry_event *event);
