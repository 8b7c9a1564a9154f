#include "gateway/record/receipt_anchor.h"
#include <inttypes.h>
#include <string.h>

/* Whether a fact was answered and is as it must be. */
static bool fact(struct receipt_report *r, const char *name, bool answered, bool holds, const char *good,
		 const char *bad)
{
	if (!answered)
		return receipt_note(r, name, RECEIPT_UNCONFIRMED, "the chain was not asked or did not answer");
	return receipt_note(r, name, holds ? RECEIPT_OK : RECEIPT_FAILED, "%s", holds ? good : bad);
}

/* Every comparison is made, so that one look shows all that is wrong. */
static bool check_contract(struct receipt_report *r, const struct receipt_view *view,
			   const struct checkpoint *checkpoint, const struct receipt_policy *policy,
			   const struct receipt_chain *chain)
{
	bool ok;

	ok = fact(r, "anchor-chain", chain->has_chain_id, chain->chain_id == policy->chain_id,
		  "the RPC serves the policy's chain", "the RPC serves another chain than the policy's");
	ok &= fact(r, "anchor-code", chain->has_code_hash, !memcmp(chain->code_hash, policy->code_hash, 32),
		   "the contract has the policy's code", "the contract has other code than the policy's");
	ok &= fact(r, "anchor-root", chain->has_root, !memcmp(chain->root, checkpoint->root.bytes, 32),
		   "the contract holds this root for this size at its safe block",
		   "the contract does not hold this root for this size");
	ok &= fact(r, "anchor-block", chain->has_block_hash, !memcmp(chain->block_hash, view->block_hash, 32),
		   "the block is part of the chain", "the block is not part of the chain");
	return ok;
}

/* Whether the receipt's block is at or below a head. */
static bool check_depth(struct receipt_report *r, const char *name, const struct receipt_view *view, bool answered,
			uint64_t head, const char *tag)
{
	if (!answered)
		return receipt_note(r, name, RECEIPT_UNCONFIRMED, "the chain was not asked or did not answer");
	if (view->block_number > head)
		return receipt_note(r, name, RECEIPT_UNCONFIRMED,
				    "block %" PRIu64 " is not %s yet (that is %" PRIu64 ")", view->block_number, tag,
				    head);
	return receipt_note(r, name, RECEIPT_OK, "block %" PRIu64 " is %s", view->block_number, tag);
}

/* The statement itself: the contract held the root at that block. A node that does not keep that block's state cannot say; then
 * `anchored` rests on the root at safe, since the contract never drops one. */
static bool check_statement(struct receipt_report *r, const struct checkpoint *checkpoint, const struct receipt_chain *chain)
{
	if (!chain->has_block_root) {
		(void)receipt_note(r, "anchor-at", RECEIPT_UNCONFIRMED, "the RPC does not keep the state of that block");
		return true;
	}
	return fact(r, "anchor-at", true, !memcmp(chain->block_root, checkpoint->root.bytes, 32), "the contract held this root at that block",
		    "the contract did not hold this root at that block");
}

static bool check_final(struct receipt_report *r, const struct receipt_view *view, const struct checkpoint *checkpoint,
			const struct receipt_chain *chain)
{
	if (!check_depth(r, "anchor-final", view, chain->has_finalized, chain->finalized, "finalized"))
		return false;
	if (chain->has_block_root)
		return true;
	return fact(r, "anchor-final-root", chain->has_final_root, !memcmp(chain->final_root, checkpoint->root.bytes, 32),
		    "the contract holds this root at its finalized block", "the contract does not hold this root at its finalized block");
}

void receipt_check_anchor(struct receipt_report *r, const struct receipt_view *view,
			  const struct checkpoint *checkpoint, const struct receipt_policy *policy,
			  const struct receipt_chain *chain)
{
	static const struct receipt_chain nothing;

	if (!policy->has_anchor) {
		receipt_note(r, "anchor", RECEIPT_UNCONFIRMED, "the policy names no anchor contract");
		return;
	}
	if (view->chain_id != policy->chain_id ||
	    memcmp(view->contract, policy->contract, sizeof(view->contract)) != 0) {
		receipt_note(r, "anchor", RECEIPT_FAILED, "the contract is not the policy's");
		return;
	}
	receipt_note(r, "anchor", RECEIPT_OK, "the contract is the policy's");
	if (!chain)
		chain = &nothing;
	/* a node behind the gateway's cannot know yet: that is no mismatch */
	if (chain->has_safe && view->block_number > chain->safe) {
		(void)check_depth(r, "anchor-safe", view, true, chain->safe, "safe");
		return;
	}
	if (!check_contract(r, view, checkpoint, policy, chain) || !check_statement(r, checkpoint, chain) ||
	    !check_depth(r, "anchor-safe", view, chain->has_safe, chain->safe, "safe"))
		return;
	r->level = RECEIPT_ANCHORED;
	if (view->level == RECEIPT_FINAL && check_final(r, view, checkpoint, chain))
		r->level = RECEIPT_FINAL;
}
