/* The operation: one batch of reads, the checks, one batch that simulates and prices, the plan. */
#include "gateway/identity/prepare.h"
#include "eth/abi.h"
#include "eth/tx.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* EIP-1271: isValidSignature(bytes32,bytes) and its magic answer, the same four bytes. */
static const uint8_t IS_VALID_SIGNATURE[4] = {0x16, 0x26, 0xba, 0x7e};
/* OP stack predeploy GasPriceOracle, getL1Fee(bytes). */
static const struct eth_address GAS_PRICE_ORACLE = {{0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0f}};
static const uint8_t GET_L1_FEE[4] = {0x49, 0x94, 0x8e, 0x0e};

/* Places of the second batch's results; the last only if the contract wallet is asked. */
enum { SIMULATED, ESTIMATE, L1_FEE, CONSENT };

struct prepare {
	struct eth_rpc *rpc;
	const struct signature_context *signatures;
	const struct prepare_ask *ask;
	int64_t deadline_ms;
	prepare_on_done *on_done;
	void *arg;
	struct prepare_plan plan;
	struct prepare_refusal refusal;
	bool ask_wallet;
};

static const char *const NEXT[PREPARE_VERBS] = {
	[PREPARE_REGISTER] =
		"Sign and send `transaction` from the account `from`. The new agent's id is in the Registered "
		"event of its receipt.",
	[PREPARE_WALLET] = "Sign and send `transaction` from the account `from` before the deadline.",
	[PREPARE_UNSET_WALLET] =
		"Sign and send `transaction` from the account `from`. The agent then has its owner only.",
	[PREPARE_URI] = "Sign and send `transaction` from the account `from`.",
	[PREPARE_METADATA] = "Sign and send `transaction` from the account `from`.",
	[PREPARE_TRANSFER] =
		"Sign and send `transaction` from the account `from`. The new owner then sets a wallet with the "
		"verb wallet, and looks through URI and metadata.",
};
static const char NEXT_SIGN[] =
	"Let the new wallet sign `typedData` (ethers: signTypedData(domain, types, message); others: "
	"eth_signTypedData_v4 "
	"with `typedDataV4`). Then send the same request again with `deadline` and `signature` before the deadline.";

void prepare_plan_clear(struct prepare_plan *plan)
{
	free(plan->data);
	*plan = (struct prepare_plan){0};
}

static void finish(struct prepare *op, int err, bool refused)
{
	op->on_done(op->arg, err, err == 0 && refused ? &op->refusal : NULL, err == 0 && !refused ? &op->plan : NULL);
	prepare_plan_clear(&op->plan);
	free(op);
}

static unsigned time_left(const struct prepare *op)
{
	int64_t left = op->deadline_ms - heads_now_ms();

	return left <= 0 ? 0 : (unsigned)left;
}

__attribute__((format(printf, 2, 3))) static void warn(struct prepare_plan *plan, const char *format, ...)
{
	va_list args;

	if (plan->warning_count == PREPARE_WARNINGS_MAX)
		return;
	va_start(args, format);
	(void)vsnprintf(plan->warnings[plan->warning_count++], PREPARE_WARNING_SIZE, format, args);
	va_end(args);
}

static void warn_all(const struct prepare_ask *ask, struct prepare_plan *plan)
{
	const struct prepare_facts *facts = &plan->facts;
	char wallet[ADDRESS_TEXT_SIZE], balance[U256_DECIMAL_SIZE], fee[U256_DECIMAL_SIZE], from[ADDRESS_TEXT_SIZE];

	address_format_eip55(wallet, &facts->wallet);
	if (ask->verb == PREPARE_TRANSFER) {
		if (address_is_zero(&facts->wallet))
			warn(plan,
			     "Metadata and URI survive the transfer: they stay the former owner's words until the new "
			     "owner changes them.");
		else
			warn(plan,
			     "The transfer clears the agent's wallet %s. Metadata and URI survive: they stay the "
			     "former "
			     "owner's words until the new owner changes them.",
			     wallet);
		if (address_equal(&ask->to, &facts->owner))
			warn(plan, "The receiver is the owner already: this only clears the wallet.");
	}
	if (ask->verb == PREPARE_REGISTER && ask->uri_len == 0)
		warn(plan,
		     "Without a URI nobody finds the agent's registration file; set one later with the verb uri.");
	if (u256_cmp(&facts->balance, &plan->fee) < 0) {
		address_format_eip55(from, &ask->from);
		u256_format_decimal(balance, &facts->balance);
		u256_format_decimal(fee, &plan->fee);
		warn(plan, "%s holds %s wei and this may cost up to %s wei: fund the account first.", from, balance,
		     fee);
	}
}

/* ---- the second batch's answers ---- */

static int refusal_error(const char *rule)
{
	static const struct {
		const char *rule;
		int error;
	} rows[] = {{"not-authorised", -EACCES}, {"unknown-agent", -ENOENT}, {"wrong-signer", -EKEYREJECTED}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].rule, rule) == 0)
			return rows[i].error;
	return -EDOM;
}

static void refuse_revert(struct prepare_refusal *out, const struct eth_rpc_result *result)
{
	const char *next;
	char text[256];

	out->rule = registry_revert_rule(&next, result->revert, result->revert_len);
	out->error = refusal_error(out->rule);
	out->pointer = "";
	registry_revert_text(text, sizeof(text), result->revert, result->revert_len);
	(void)snprintf(out->detail, sizeof(out->detail), "The registry would refuse this transaction: %s.", text);
	(void)snprintf(out->next, sizeof(out->next), "%s", next);
}

/* A node's own word on why there is no estimate, made fit for a terminal and JSON. */
static void refuse_node(struct prepare_refusal *out, const struct eth_rpc_result *result)
{
	char text[200];
	size_t len = result->message_len < sizeof(text) - 1 ? result->message_len : sizeof(text) - 1;

	for (size_t i = 0; i < len; i++)
		text[i] = result->message[i] >= ' ' && result->message[i] <= '~' ? result->message[i] : '?';
	text[len] = '\0';
	out->rule = "node-refuses";
	out->error = -EDOM;
	out->pointer = "";
	(void)snprintf(out->detail, sizeof(out->detail), "The node does not estimate this transaction: %s", text);
	(void)snprintf(out->next, sizeof(out->next),
		       "Check the account's balance, then try again; if it stays, ask another node (setting rpc_url).");
}

/* 0: the contract agrees. 1: it does not. Negative: not known. A revert is a no; anything but 32 bytes of the magic,
 * the rest zero, is one too (OpenZeppelin SignatureChecker 5.4.0). */
static int read_consent(const struct eth_rpc_result *result)
{
	uint8_t word[32], expected[32] = {0x16, 0x26, 0xba, 0x7e};
	size_t len = 0;
	int err = eth_rpc_result_data(word, &len, sizeof(word), result);

	if (err == -EPROTO || err == -ENOSPC)
		return 1;
	if (err != 0)
		return err;
	return len == sizeof(word) && memcmp(word, expected, sizeof(word)) == 0 ? 0 : 1;
}

static void refuse_consent(struct prepare *op)
{
	struct prepare_refusal *out = &op->refusal;
	char wallet[ADDRESS_TEXT_SIZE], owner[ADDRESS_TEXT_SIZE];

	address_format_eip55(wallet, &op->ask->wallet);
	address_format_eip55(owner, &op->plan.facts.owner);
	*out = (struct prepare_refusal){.error = -EKEYREJECTED, .rule = "wrong-signer", .pointer = "/signature"};
	(void)snprintf(
		out->detail, sizeof(out->detail),
		"The signature is not of the address %s itself, and the contract there does not accept it either "
		"(ERC-1271 isValidSignature).",
		wallet);
	(void)snprintf(out->next, sizeof(out->next),
		       "Let the contract wallet %s sign exactly the typed data of a fresh prepare, in the form its "
		       "isValidSignature takes: it names the present owner %s, this id and this deadline.",
		       wallet, owner);
}

static int read_price(struct prepare_plan *plan, const struct eth_rpc_result *results)
{
	struct u256 gas_fee, twice;
	uint8_t word[32];
	size_t len = 0;
	int err = eth_rpc_result_u64(&plan->gas, &results[ESTIMATE]);

	if (err != 0)
		return err;
	if (u256_add(&twice, &plan->facts.base_fee, &plan->facts.base_fee) != 0 ||
	    u256_add(&plan->max_fee, &twice, &plan->facts.tip) != 0 || plan->gas > UINT64_MAX / 2)
		return -EBADMSG;
	plan->gas += plan->gas / 5;
	/* "0x" and reverts: no oracle here, so no L1 fee */
	if (eth_rpc_result_data(word, &len, sizeof(word), &results[L1_FEE]) == 0 && len == sizeof(word)) {
		plan->has_l1_fee = true;
		u256_from_bytes(&plan->l1_fee, word);
	}
	if (u256_mul_u64(&gas_fee, &plan->max_fee, plan->gas) != 0 ||
	    u256_add(&plan->fee, &gas_fee, &plan->l1_fee) != 0)
		return -EBADMSG;
	return 0;
}

static void on_simulated(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct prepare *op = arg;
	int consent = 0;

	(void)n;
	if (err == 0 && op->ask_wallet)
		consent = read_consent(&results[CONSENT]);
	if (err != 0 || consent < 0) {
		finish(op, err != 0 ? err : consent, false);
		return;
	}
	if (consent > 0) {
		refuse_consent(op);
		finish(op, 0, true);
		return;
	}
	for (int i = SIMULATED; i <= ESTIMATE; i++) {
		enum eth_rpc_outcome outcome = results[i].outcome;

		if (outcome != ETH_RPC_REVERT && outcome != ETH_RPC_REFUSED)
			continue;
		(outcome == ETH_RPC_REVERT ? refuse_revert : refuse_node)(&op->refusal, &results[i]);
		finish(op, 0, true);
		return;
	}
	err = read_price(&op->plan, results);
	if (err == 0) {
		op->plan.next = NEXT[op->ask->verb];
		warn_all(op->ask, &op->plan);
	}
	finish(op, err, false);
}

/* ---- the second batch ---- */

static int add_l1_fee(struct eth_rpc_calls *list, const struct prepare *op, const struct eth_rpc_at *at)
{
	enum { LIKELY_GAS = 300000 }; /* its size is what the L1 fee counts, not its value */
	const struct prepare_plan *plan = &op->plan;
	struct tx tx = {.type = TX_DYNAMIC_FEE,
			.chain_id = op->ask->agent.chain,
			.nonce = plan->facts.nonce,
			.max_priority_fee = plan->facts.tip,
			.max_fee = plan->facts.base_fee,
			.gas_limit = LIKELY_GAS,
			.to = op->ask->agent.registry,
			.data = plan->data,
			.data_len = plan->data_len};
	size_t room = tx_size_max(&tx), raw_len = 0, call_len = 0, call_room = 4 + 3 * 32 + room + 32;
	uint8_t *raw = malloc(room), *call = malloc(call_room);
	struct abi_writer writer;
	int err = raw == NULL || call == NULL ? -ENOMEM : tx_encode_unsigned(raw, room, &raw_len, &tx);

	if (err == 0) {
		abi_writer_init(&writer, call, call_room);
		abi_put_selector(&writer, GET_L1_FEE);
		abi_open(&writer, 1);
		abi_put_bytes(&writer, raw, raw_len);
		abi_close(&writer);
		err = abi_writer_finish(&writer, &call_len);
	}
	if (err == 0)
		eth_rpc_add_call(list, &GAS_PRICE_ORACLE, call, call_len, at);
	free(raw);
	free(call);
	return err;
}

static int add_consent(struct eth_rpc_calls *list, const struct prepare *op, const struct eth_rpc_at *at)
{
	const struct prepare_ask *ask = op->ask;
	size_t len = 0, room = 4 + 4 * 32 + ask->signature_len + 32;
	uint8_t *call = malloc(room);
	struct abi_writer writer;
	int err;

	if (call == NULL)
		return -ENOMEM;
	abi_writer_init(&writer, call, room);
	abi_put_selector(&writer, IS_VALID_SIGNATURE);
	abi_open(&writer, 2);
	abi_put_word(&writer, op->plan.digest.bytes);
	abi_put_bytes(&writer, ask->signature, ask->signature_len);
	abi_close(&writer);
	err = abi_writer_finish(&writer, &len);
	/* the registry is who asks */
	if (err == 0)
		eth_rpc_add_call_from(list, &ask->agent.registry, &ask->wallet, call, len, at);
	free(call);
	return err;
}

static int simulate(struct prepare *op)
{
	const struct eth_address *registry = &op->ask->agent.registry;
	struct eth_rpc_at latest = eth_rpc_at_tag(ETH_RPC_LATEST);
	struct prepare_plan *plan = &op->plan;
	struct eth_rpc_calls list;
	int err = prepare_calldata(&plan->data, &plan->data_len, op->ask, &plan->facts);

	if (err != 0)
		return err;
	if (time_left(op) == 0)
		return -ETIMEDOUT;
	eth_rpc_calls_init(&list);
	eth_rpc_add_call_from(&list, &op->ask->from, registry, plan->data, plan->data_len, &latest);
	eth_rpc_add_estimate_gas(&list, &op->ask->from, registry, plan->data, plan->data_len);
	err = add_l1_fee(&list, op, &latest);
	if (err == 0 && op->ask_wallet)
		err = add_consent(&list, op, &latest);
	if (err == 0)
		err = eth_rpc_batch_list(op->rpc, &list, time_left(op), on_simulated, op);
	eth_rpc_calls_clear(&list);
	return err;
}

static void on_facts(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct prepare *op = arg;
	const struct prepare_ask *ask = op->ask;
	struct prepare_plan *plan = &op->plan;
	int checked;

	(void)n;
	if (err == 0)
		err = prepare_facts_read(&plan->facts, ask, results);
	if (err != 0) {
		finish(op, err, false);
		return;
	}
	checked = prepare_check(&op->refusal, ask, &plan->facts, op->signatures);
	if (checked < 0) {
		finish(op, 0, true);
		return;
	}
	op->ask_wallet = checked > 0;
	if (ask->verb == PREPARE_WALLET) {
		plan->deadline = ask->deadline != 0 ? ask->deadline : plan->facts.block.time + PREPARE_DEADLINE_S;
		prepare_digest(&plan->digest, ask, &plan->facts.owner, plan->deadline);
		plan->sign_first = ask->signature == NULL;
		plan->next = NEXT_SIGN;
	}
	if (plan->sign_first) {
		finish(op, 0, false);
		return;
	}
	err = simulate(op);
	if (err != 0)
		finish(op, err, false);
}

int prepare_start(struct eth_rpc *rpc, const struct signature_context *signatures, const struct prepare_ask *ask,
		  unsigned deadline_ms, prepare_on_done *on_done, void *arg)
{
	struct eth_rpc_calls list;
	struct prepare *op;
	int err;

	if (ask->signature_len > PREPARE_SIGNATURE_MAX || (ask->signature != NULL && ask->deadline == 0) ||
	    (ask->verb == PREPARE_METADATA && ask->metadata_count != 1))
		return -EINVAL;
	op = calloc(1, sizeof(*op));
	if (op == NULL)
		return -ENOMEM;
	op->rpc = rpc;
	op->signatures = signatures;
	op->ask = ask;
	op->deadline_ms = heads_now_ms() + deadline_ms;
	op->on_done = on_done;
	op->arg = arg;
	eth_rpc_calls_init(&list);
	prepare_facts_ask(&list, ask);
	err = eth_rpc_batch_list(rpc, &list, deadline_ms, on_facts, op);
	eth_rpc_calls_clear(&list);
	if (err != 0)
		free(op);
	return err;
}

struct wait {
	bool done;
	int err;
	struct prepare_plan *plan;
	struct prepare_refusal *refusal;
};

static void on_waited(void *arg, int err, const struct prepare_refusal *refusal, struct prepare_plan *plan)
{
	struct wait *wait = arg;

	if (plan != NULL) {
		*wait->plan = *plan;
		plan->data = NULL;
	}
	if (refusal != NULL) {
		*wait->refusal = *refusal;
		err = 1;
	}
	wait->err = err;
	wait->done = true;
}

int prepare_wait(struct prepare_plan *plan, struct prepare_refusal *refusal, struct eth_rpc *rpc,
		 const struct signature_context *signatures, const struct prepare_ask *ask, unsigned deadline_ms)
{
	struct wait wait = {.plan = plan, .refusal = refusal};
	int err;

	*plan = (struct prepare_plan){0};
	err = prepare_start(rpc, signatures, ask, deadline_ms, on_waited, &wait);
	if (err == 0)
		err = eth_rpc_turn_until(rpc, &wait.done);
	return err != 0 ? err : wait.err;
}
