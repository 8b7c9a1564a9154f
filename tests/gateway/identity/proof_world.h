#pragma once
/* A chain of one block with a registry in its state: tries built by tests/eth/trie_builder.c, a header over them, and the nodes
 * and JSON answers that a node would give. What agent proofs are tested against. */
#include "did/agent_key.h"
#include "eth/header.h"
#include "eth/trie.h"
#include "tests/eth/trie_builder.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { WORLD_CHAIN = 8453, WORLD_SLOTS_MAX = 512, WORLD_ACCOUNTS_MAX = 64, WORLD_NODES_MAX = 8192 };

struct world_words {
	struct trie_pair pairs[WORLD_SLOTS_MAX];
	uint8_t keys[WORLD_SLOTS_MAX][32], values[WORLD_SLOTS_MAX][160];
	size_t n;
};

struct world {
	struct eth_address registry, implementation;
	struct eth_hash registry_code, implementation_code;
	bool is_proxy; /* else the implementation slot stays empty */
	struct world_words storage, accounts;
	struct eth_hash storage_root, state_root, hash;
	uint8_t header[HEADER_SIZE_MAX];
	size_t header_len;
	struct trie_node nodes[WORLD_NODES_MAX]; /* collected, owned */
	size_t n;
};

/* A proxy, its implementation, and state of others so that paths are deep. `number` goes into header and noise. */
void world_init(struct world *world, uint64_t number);
void world_clear(struct world *world);

void world_set(struct world *world, const struct eth_hash *slot, const struct eth_hash *word);
/* wallet NULL: none. */
void world_agent(struct world *world, const struct u256 *id, const struct eth_address *owner, const struct eth_address *wallet,
		 const void *uri, size_t uri_len);
/* Tries and header; nothing may be set after it. */
void world_seal(struct world *world);

struct agent_key world_key(const struct world *world, uint64_t id);

/* Collects nodes: of an account, of a slot of the registry, of all that proves an agent (URI data up to uri_max bytes). */
void world_collect_account(struct world *world, const struct eth_address *address);
void world_collect_slot(struct world *world, const struct eth_hash *slot);
void world_collect_agent(struct world *world, const struct u256 *id, size_t uri_len);
void world_drop_nodes(struct world *world);

/* Answers as JSON, new references. */
json_t *world_block(const struct world *world);
json_t *world_proof(struct world *world, const struct eth_address *address, const json_t *slots);
