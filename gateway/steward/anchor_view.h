#pragma once
/* One look at the chain for the sender (anchor/sender.h, struct sender_view): two round trips, every value pinned to the hash
 * of the block it is said of. */
#include "anchor/sender.h"
#include "eth/rpc.h"
#include "gateway/steward/anchor_call.h"

/* receipts has room for SENDER_ATTEMPTS_MAX; view->receipts points to it. 0; errors of eth_rpc_wait(); -ENXIO: no contract there;
 * -EBADMSG, -EAGAIN (also: a block went away between the two trips) and others of eth_rpc_result_error(). */
__attribute__((warn_unused_result)) int anchor_view_read(struct sender_view *view, struct sender_receipt *receipts, struct eth_rpc *rpc,
							 const struct anchor_contract *contract, const struct eth_address *relayer,
							 const struct sender_attempt *watched, size_t count, unsigned deadline_ms);
