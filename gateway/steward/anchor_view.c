#include "gateway/steward/anchor_view.h"

#include "eth/abi.h"

#include <errno.h>
#include <string.h>

enum { BLOCKS = 3, ANCHOR_TX_BYTES = 1300 };

/* Asked first: three blocks, tip, balance, the rollup's data fee, receipts. */
enum { TIP = BLOCKS, BALANCE, L1_FEE, RECEIPTS };

static uint64_t saturated(const struct u256 *value)
{
	uint64_t out;

	return u256_to_u64(&out, value) == 0 ? out : UINT64_MAX;
}

/* OP-stack GasPriceOracle.getL1FeeUpperBound(unsigned transaction size); no such contract means no such fee. */
static void ask_l1_fee(struct eth_rpc_calls *calls)
{
	static const struct eth_address oracle = {{0x42, [19] = 0x0f}};
	struct eth_rpc_at latest = eth_rpc_at_tag(ETH_RPC_LATEST);
	struct u256 size = u256_from_u64(ANCHOR_TX_BYTES);
	uint8_t call[36];

	abi_selector(call, "getL1FeeUpperBound(uint256)");
	u256_to_bytes(call + 4, &size);
	eth_rpc_add_call(calls, &oracle, call, sizeof(call), &latest);
}

static uint64_t read_l1_fee(const struct eth_rpc_result *result)
{
	uint8_t data[32];
	struct u256 fee;
	size_t length = 0;

	if (eth_rpc_result_data(data, &length, sizeof(data), result) != 0 || length != 32)
		return 0;
	u256_from_bytes(&fee, data);
	return saturated(&fee);
}

static void ask_first(struct eth_rpc_calls *calls, const struct eth_address *relayer, const struct sender_attempt *watched,
		      size_t count)
{
	static const enum eth_rpc_tag tags[BLOCKS] = {ETH_RPC_LATEST, ETH_RPC_SAFE, ETH_RPC_FINALIZED};
	struct eth_rpc_at latest = eth_rpc_at_tag(ETH_RPC_LATEST);

	for (size_t i = 0; i < BLOCKS; i++) {
		struct eth_rpc_at at = eth_rpc_at_tag(tags[i]);

		eth_rpc_add_block(calls, &at);
	}
	eth_rpc_add_max_priority_fee(calls);
	eth_rpc_add_balance(calls, relayer, &latest);
	ask_l1_fee(calls);
	for (size_t i = 0; i < count; i++) {
		struct eth_hash hash;

		memcpy(hash.bytes, watched[i].hash, 32);
		eth_rpc_add_receipt(calls, &hash);
	}
}

static int read_first(struct sender_view *view, struct sender_receipt *receipts, const struct eth_rpc_answer *answer,
		      const struct sender_attempt *watched, size_t count)
{
	struct sender_block *blocks[BLOCKS] = {&view->latest, &view->safe, &view->finalized};
	struct u256 value;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < BLOCKS; i++) {
		struct eth_rpc_block block;

		rc = eth_rpc_result_block(&block, &answer->results[i]);
		if (rc != 0)
			break;
		blocks[i]->number = block.number;
		memcpy(blocks[i]->hash, block.hash.bytes, 32);
		if (i == 0)
			view->base_fee = saturated(&block.base_fee);
	}
	if (rc == 0)
		rc = eth_rpc_result_u256(&value, &answer->results[BALANCE]);
	if (rc != 0)
		return rc;
	view->balance = saturated(&value);
	view->tip = eth_rpc_result_u256(&value, &answer->results[TIP]) == 0 ? saturated(&value) : 0;
	view->l1_fee = read_l1_fee(&answer->results[L1_FEE]);
	view->receipt_count = 0;
	view->receipts = receipts;
	for (size_t i = 0; i < count; i++) {
		struct sender_receipt *out = &receipts[view->receipt_count];
		struct eth_rpc_receipt receipt;

		rc = eth_rpc_result_receipt(&receipt, &answer->results[RECEIPTS + i]);
		if (rc == -ENOENT)
			continue;
		if (rc != 0)
			return rc;
		memset(out, 0, sizeof(*out));
		memcpy(out->hash, watched[i].hash, 32);
		memcpy(out->block_hash, receipt.block.bytes, 32);
		out->block = receipt.number;
		out->success = receipt.success;
		view->receipt_count++;
	}
	return 0;
}

static void ask_second(struct eth_rpc_calls *calls, const struct sender_view *view, const struct anchor_contract *contract,
		       const struct eth_address *relayer)
{
	const struct sender_block *blocks[BLOCKS] = {&view->latest, &view->safe, &view->finalized};
	uint8_t head[ANCHOR_CALL_HEAD];

	anchor_call_head(head);
	for (size_t i = 0; i < BLOCKS; i++) {
		struct eth_hash hash;
		struct eth_rpc_at at;

		memcpy(hash.bytes, blocks[i]->hash, 32);
		at = eth_rpc_at_hash(&hash);
		eth_rpc_add_call(calls, &contract->address, head, sizeof(head), &at);
		eth_rpc_add_nonce(calls, relayer, &at);
	}
	for (size_t i = 0; i < view->receipt_count; i++) {
		struct eth_rpc_at at = eth_rpc_at_number(view->receipts[i].block);

		eth_rpc_add_block(calls, &at);
	}
}

static int read_second(struct sender_view *view, struct sender_receipt *receipts, const struct eth_rpc_answer *answer)
{
	struct sender_block *blocks[BLOCKS] = {&view->latest, &view->safe, &view->finalized};

	for (size_t i = 0; i < BLOCKS; i++) {
		const struct eth_rpc_result *results = &answer->results[2 * i];
		int rc = anchor_read_head(&blocks[i]->head.size, &blocks[i]->head.root, &results[0]);

		/* before it was deployed the contract held nothing */
		if (rc == -ENXIO && i > 0) {
			memset(&blocks[i]->head, 0, sizeof(blocks[i]->head));
			rc = 0;
		}
		if (rc == 0)
			rc = eth_rpc_result_u64(&blocks[i]->nonce, &results[1]);
		if (rc != 0)
			return rc;
	}
	for (size_t i = 0; i < view->receipt_count; i++) {
		struct eth_rpc_block block;
		int rc = eth_rpc_result_block(&block, &answer->results[2 * (size_t)BLOCKS + i]);

		/* a block that is no more leaves the canonical hash zero, which matches nothing */
		if (rc == 0)
			memcpy(receipts[i].canonical_hash, block.hash.bytes, 32);
		else if (rc != -ENOENT)
			return rc;
	}
	return 0;
}

int anchor_view_read(struct sender_view *view, struct sender_receipt *receipts, struct eth_rpc *rpc,
		     const struct anchor_contract *contract, const struct eth_address *relayer, const struct sender_attempt *watched,
		     size_t count, unsigned deadline_ms)
{
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls calls;
	int rc;

	memset(view, 0, sizeof(*view));
	eth_rpc_calls_init(&calls);
	ask_first(&calls, relayer, watched, count);
	rc = eth_rpc_wait(&answer, rpc, &calls, deadline_ms);
	if (rc == 0)
		rc = read_first(view, receipts, answer, watched, count);
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&calls);
	if (rc != 0)
		return rc;
	answer = NULL;
	eth_rpc_calls_init(&calls);
	ask_second(&calls, view, contract, relayer);
	rc = eth_rpc_wait(&answer, rpc, &calls, deadline_ms);
	if (rc == 0)
		rc = read_second(view, receipts, answer);
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&calls);
	/* a block that went away between the two trips: look again; -ESTALE would be a lost fence to the caller */
	return rc == -ESTALE ? -EAGAIN : rc;
}
