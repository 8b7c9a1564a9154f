#pragma once

/*
 * bloom: the 2,048-bit filter of addresses and topics in a block's or a receipt's logs.
 *
 * An item sets three bits: the low 11 bits of each of the first three big-endian 16-bit pairs of its Keccak-256, bit 0
 * being the lowest bit of the last byte. Source: Yellow Paper §4.3.1 (M3:2048).
 *
 * "May contain" is never a proof that a log is there; false is a proof that none is. A bloom that may contain an address
 * and its topic while a provider shows no such log makes the answer suspect, no more.
 */

#include "eth/address.h"
#include "eth/keccak.h"

#include <stdbool.h>

#define BLOOM_SIZE 256

bool bloom_may_contain(const uint8_t bloom[static BLOOM_SIZE], const void *item, size_t len);
bool bloom_may_contain_address(const uint8_t bloom[static BLOOM_SIZE], const struct eth_address *address);
bool bloom_may_contain_topic(const uint8_t bloom[static BLOOM_SIZE], const struct eth_hash *topic);

/* Sets an item's bits. A log adds its address and each of its topics. */
void bloom_add(uint8_t bloom[static BLOOM_SIZE], const void *item, size_t len);
