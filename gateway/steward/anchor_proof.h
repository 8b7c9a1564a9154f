#pragma once
/* Consistency proofs from the stored tiles, for the anchor duty; blocking. */
#include "anchor/merkle.h"
#include "sql/pg.h"

/* From old_size to size, both in the log; an empty proof for old_size 0 and for equal sizes. 0; -ENOENT if the log is shorter;
 * errors of the store. */
__attribute__((warn_unused_result)) int anchor_proof_read(struct merkle_hash proof[static MERKLE_PROOF_MAX], size_t *count,
							  struct merkle_hasher *hasher, struct event_base *base, struct pg_conn *pg,
							  uint64_t old_size, uint64_t size);
