/* A transaction tried before it is sent: the call, its gas, its L1 fee, and a contract wallet's consent, in one batch.
 */
#include "eth/abi.h"
#include "eth/tx.h"
#include "gateway/identity/prepare.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* EIP-1271: isValidSignature(bytes32,bytes) and its magic answer, the same four bytes. */
static const uint8_t IS_VALID_SIGNATURE[4] = {0x16, 0x26, 0xba, 0x7e};
/* OP stack predeploy GasPriceOracle, getL1Fee(bytes). */
static const struct eth_address GAS_PRICE_ORACLE = {{0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0f}};
static const uint8_t GET_L1_FEE[4] = {0x49, 0x94, 0x8e, 0x0e};

enum { SOON_S = 30 }; /* a transaction may wait that long for its block */

/* Places of the results; the last only if the contract wallet is asked. */
enum { SIMULATED, ESTIMATE, L1_FEE, CONSENT };

/* ---- the batch ---- */

static int add_l1_fee(struct eth_rpc_calls *list, const struct prepare_ask *ask, const struct prepare_plan *plan,
		      const struct eth_rpc_at *at)
{
	enum { LIKELY_GAS = 300000 }; /* its size is what the L1 fee counts, not its value */
	struct tx tx = {.type = TX_DYNAMIC_FEE,
			.chain_id = ask->agent.chain,
			.nonce = plan->facts.nonce,
			.max_priority_fee = plan->facts.tip,
			.max_fee = plan->facts.base_fee,
			.gas_limit = LIKELY_GAS,
			.to = ask->agent.registry,
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

static int add_consent(struct eth_rpc_calls *list, const struct prepare_ask *ask, const struct prepare_plan *plan,
		       const struct eth_rpc_at *at)
{
	size_t len = 0, room = 4 + 4 * 32 + ask->signature_len + 32;
	uint8_t *call = malloc(room);
	struct abi_writer writer;
	int err;

	if (call == NULL)
		return -ENOMEM;
	abi_writer_init(&writer, call, room);
	abi_put_selector(&writer, IS_VALID_SIGNATURE);
	abi_open(&writer, 2);
	abi_put_word(&writer, plan->digest.bytes);
	abi_put_bytes(&writer, ask->signature, ask->signature_len);
	abi_close(&writer);
	err = abi_writer_finish(&writer, &len);
	/* the registry is who asks */
	if (err == 0)
		eth_rpc_add_call_from(list, &ask->agent.registry, &ask->wallet, call, len, at);
	free(call);
	return err;
}

int prepare_simulation_ask(struct eth_rpc_calls *list, const struct prepare_ask *ask, const struct prepare_plan *plan,
			   bool ask_wallet)
{
	const struct eth_address *registry = &ask->agent.registry;
	struct eth_rpc_at latest = eth_rpc_at_tag(ETH_RPC_LATEST);
	int err;

	eth_rpc_add_call_from(list, &ask->from, registry, plan->data, plan->data_len, &latest);
	eth_rpc_add_estimate_gas(list, &ask->from, registry, plan->data, plan->data_len);
	err = add_l1_fee(list, ask, plan, &latest);
	return err == 0 && ask_wallet ? add_consent(list, ask, plan, &latest) : err;
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

/* Whether it begins as one of the forms that registration files are read from (docs/formats.md section 12). */
static bool may_lead_to_a_file(const char *uri, size_t len)
{
	static const char *const forms[] = {"https://", "data:", "ipfs://", "/ipfs/", "{", "Qm", "baf"};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (len >= strlen(forms[i]) && strncasecmp(uri, forms[i], strlen(forms[i])) == 0)
			return true;
	return false;
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
	if (ask->verb == PREPARE_WALLET && plan->deadline - facts->block.time < SOON_S)
		warn(plan,
		     "Only %ju seconds are left until the deadline: send it at once, or prepare again for a new one.",
		     (uintmax_t)(plan->deadline - facts->block.time));
	if (ask->verb == PREPARE_REGISTER && ask->uri_len == 0)
		warn(plan,
		     "Without a URI nobody finds the agent's registration file; set one later with the verb uri.");
	if (ask->uri_len > 0 && !may_lead_to_a_file(ask->uri, ask->uri_len))
		warn(plan,
		     "The URI is none of https, ipfs or data and no JSON: gateways read registration files from those only, and "
		     "files that they keep themselves.");
	if (u256_cmp(&facts->balance, &plan->fee) < 0) {
		address_format_eip55(from, &ask->from);
		u256_format_decimal(balance, &facts->balance);
		u256_format_decimal(fee, &plan->fee);
		warn(plan, "%s holds %s wei and this may cost up to %s wei: fund the account first.", from, balance,
		     fee);
	}
}

/* ---- its answers ---- */

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

static void refuse_consent(struct prepare_refusal *out, const struct prepare_ask *ask,
			   const struct prepare_facts *facts)
{
	char wallet[ADDRESS_TEXT_SIZE], owner[ADDRESS_TEXT_SIZE];

	address_format_eip55(wallet, &ask->wallet);
	address_format_eip55(owner, &facts->owner);
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

int prepare_simulation_read(struct prepare_refusal *refusal, struct prepare_plan *plan, const struct prepare_ask *ask,
			    bool ask_wallet, const struct eth_rpc_result *results)
{
	int consent = ask_wallet ? read_consent(&results[CONSENT]) : 0, err;

	if (consent < 0)
		return consent;
	if (consent > 0) {
		refuse_consent(refusal, ask, &plan->facts);
		return 1;
	}
	for (int i = SIMULATED; i <= ESTIMATE; i++) {
		enum eth_rpc_outcome outcome = results[i].outcome;

		if (outcome != ETH_RPC_REVERT && outcome != ETH_RPC_REFUSED)
			continue;
		(outcome == ETH_RPC_REVERT ? refuse_revert : refuse_node)(refusal, &results[i]);
		return 1;
	}
	err = read_price(plan, results);
	if (err == 0)
		warn_all(ask, plan);
	return err;
}
