/* What the follower last saw of a chain: one row a chain, named "eip155:C". Notifies kedge_chain when it changes. */
#pragma once

#include "sql/store.h"

struct store_block {
	uint64_t number;
	uint8_t hash[32];
};

struct store_chain_head {
	struct store_block latest;
	struct store_block safe;
	struct store_block finalized;
	uint64_t read_at; /* the follower's clock when it read them */
};

int store_chain_head_put(struct pg_conn *conn, struct pg_op *op, const struct store_fence *fence, const char *chain,
			 const struct store_chain_head *head) PG_MUST_CHECK;
int store_chain_head(struct pg_conn *conn, struct pg_op *op, struct store_chain_head *out,
		     const char *chain) PG_MUST_CHECK;
