/*
 * A small index by plain SQL, for tests that read one: chain 31337, blocks 10 to 40 of two seconds each from time 1000 on
 * (block n at 1000 + 2n), final up to 30, the overlay 31 to 40. Block n's hash is SHA-256 of "bn". Registry 0x8004…00
 * (id 1) starts at 10. Agent 0:
 *
 *   block 12  registered: owner 0x0a…, wallet 0x0a…, uri "one"     (tier events)
 *   block 20  wallet 0x0b…                                         (tier quorum)
 *   block 33  transferred to 0x0c…, no wallet                      (tier proof)
 *   block 36  wallet 0x0d…, uri of the bytes 0xff 0x00             (tier rpc)
 *
 * Agent 2^256 - 1: registered in block 35, owner 0x0a…, no wallet, uri "" .
 */
#pragma once

#include <stdint.h>

enum { INDEX_ROWS_CHAIN = 31337, INDEX_ROWS_FINAL = 30, INDEX_ROWS_TIP = 40, INDEX_ROWS_SAFE = 34 };

/* Into a migrated database. */
void index_rows_fill(const char *conninfo);
/* SHA-256 of "bn". */
void index_rows_hash(uint8_t out[static 32], unsigned number);
