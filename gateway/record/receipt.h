/*
 * A receipt's bytes from its parts (docs/formats.md §8). Pure. Reading the parts from the database: receipt_fetch.h;
 * checking a receipt: receipt_verify.h.
 */
#pragma once

#include "anchor/merkle.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECEIPT_MAX ((size_t)256 * 1024)

/* In rising order, so levels compare as numbers. `witnessed` takes its place when witnesses exist. */
enum receipt_level { RECEIPT_LOGGED, RECEIPT_PUBLISHED, RECEIPT_ANCHORED, RECEIPT_FINAL };

const char *receipt_level_text(enum receipt_level level);
/* -ENOENT if the text (NUL-terminated) names no level. */
__attribute__((warn_unused_result)) int receipt_level_parse(enum receipt_level *level, const char *text);

/* All borrowed. Texts are canonical already: entry, payload, evidence and head entry are inserted as they are. */
struct receipt_parts {
	enum receipt_level level;
	uint64_t seq;
	const char *entry;
	size_t entry_len;
	const char *payload;
	size_t payload_len;
	const char *evidence;
	size_t evidence_len;
	const char *checkpoint; /* the signed note, LF at its end included */
	size_t checkpoint_len;
	const struct merkle_hash *inclusion; /* leaf to root */
	size_t inclusion_len;
	/* from `published` */
	const char *head_entry;
	size_t head_entry_len;
	const struct merkle_hash *head_inclusion;
	size_t head_inclusion_len;
	/* from `anchored` */
	uint64_t chain_id;
	uint8_t contract[20];
	uint64_t block_number;
	uint8_t block_hash[32];
};

/*
 * Writes the canonical bytes into *out, which the caller frees (free(3)). The hot path of every answer: string assembly
 * in the members' canonical order, no JSON library. Returns 0; -ENOMEM; -EOVERFLOW over RECEIPT_MAX, a number of 2^53
 * or more, or a proof over 64 hashes.
 */
__attribute__((warn_unused_result)) int receipt_write(char **out, size_t *len, const struct receipt_parts *parts);
