#pragma once
/* A fake node of chain 31337 for wishes: every agent but 7 belongs to 0x1563… (prepare_wish.h), everything is well, a
 * gas estimate is 100,000, the base fee and the tip are 1 gwei, block time is 1700000000. shared->mode is a set of: */
#include "tests/eth/fake_node.h"

enum {
	FAKE_PREPARE_NO_CODE = 1,
	FAKE_PREPARE_REVERTS = 2,
	FAKE_PREPARE_REFUSES = 4,
	FAKE_PREPARE_L1 = 8,
	FAKE_PREPARE_AGREES = 16,
	FAKE_PREPARE_DISAGREES = 32,
	FAKE_PREPARE_DOWN = 64,
	FAKE_PREPARE_POOR = 128,
	FAKE_PREPARE_NO_TIP = 256,
	FAKE_PREPARE_HAS_WALLET = 512,
	FAKE_PREPARE_OLD = 1024, /* no isAuthorizedOrOwner */
};

fake_handler fake_prepare;
