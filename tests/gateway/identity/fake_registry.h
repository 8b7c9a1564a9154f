#pragma once
/* A fake node with a registry on it. Agents 0 to 2999 exist, but 7. Agent i's owner ends in the byte i mod 256; its
 * wallet too, and begins with the first byte of the block asked about, so that a change of block shows. Agent 1 has no
 * wallet where that byte is 0xcc. The registry 0x00… has no code. */
#include "did/agent_key.h"
#include "tests/eth/fake_node.h"

enum { FAKE_CHAIN = 8453 };

enum fake_mode {
	FAKE_WELL,
	FAKE_DOWN,	    /* 404: an error at once */
	FAKE_UNKNOWN_BLOCK, /* every eth_call says the block is unknown */
	FAKE_SLOW,	    /* answers after 300 ms */
	FAKE_HEADS_CROSSED, /* safe above latest */
};

/* shared->mode is an enum fake_mode. Heads: latest 0xaa…, number 30; safe 0xbb…, 20; finalized 0xbb…, 20. */
void fake_registry(struct fake_shared *shared, unsigned number, int fd, const char *body, size_t len);

struct agent_key fake_agent(uint64_t id);
