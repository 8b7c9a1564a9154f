/* What `kedge agent` shows of a transaction: its cost before and after, and refusals with what to do next. */
#include "eth/hex.h"
#include "gateway/cli/agent.h"
#include "gateway/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ETHER_DIGITS = 18, GWEI_DIGITS = 9, AMOUNT_SIZE = U256_DECIMAL_SIZE + ETHER_DIGITS + 2 };

/* Wei in a unit of so many digits, without zeros at the end. */
static const char *amount(char out[static AMOUNT_SIZE], const struct u256 *wei, size_t unit)
{
	char digits[U256_DECIMAL_SIZE];
	size_t len = u256_format_decimal(digits, wei), at = 0;
	size_t whole = len > unit ? len - unit : 0;

	if (whole == 0)
		out[at++] = '0';
	memcpy(out + at, digits, whole);
	at += whole;
	out[at++] = '.';
	for (size_t i = len; i < unit; i++)
		out[at++] = '0';
	memcpy(out + at, digits + whole, len - whole);
	at += len - whole;
	while (out[at - 1] == '0')
		at--;
	if (out[at - 1] == '.')
		at--;
	out[at] = '\0';
	return out;
}

void cli_agent_print_refusal(const struct cli_agent_call *call, const struct prepare_refusal *refusal)
{
	json_t *problem;

	cli_error("%s", refusal->detail);
	fprintf(stderr, "  rule: %s\n  next: %s\n", refusal->rule, refusal->next);
	if (!call->json)
		return;
	problem = json_pack("{s:{s:s, s:s, s:s}}", "problem", "rule", refusal->rule, "detail", refusal->detail, "next",
			    refusal->next);
	json_dumpf(problem, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(problem);
}

void cli_agent_print_plan(const struct cli_agent_call *call, const struct prepare_plan *plan)
{
	FILE *to = call->json ? stderr : stdout;
	char most[AMOUNT_SIZE], price[AMOUNT_SIZE], l1[AMOUNT_SIZE];

	fprintf(to, "will cost    at most %s ETH (%ju gas at up to %s gwei%s%s%s)\n", amount(most, &plan->fee, ETHER_DIGITS), (uintmax_t)plan->gas,
		amount(price, &plan->max_fee, GWEI_DIGITS), plan->has_l1_fee ? ", and about " : "", plan->has_l1_fee ? amount(l1, &plan->l1_fee, ETHER_DIGITS) : "",
		plan->has_l1_fee ? " ETH for L1 data" : "");
	for (size_t i = 0; i < plan->warning_count; i++)
		fprintf(to, "note         %s\n", plan->warnings[i]);
	fflush(to);
}

int cli_agent_print_answer(const struct cli_agent_call *call, const struct prepare_plan *plan)
{
	json_auto_t *answer = prepare_json(&call->ask, plan);
	const json_t *shown = call->typed_data ? json_object_get(answer, "typedData") : answer;

	if (shown == NULL) {
		cli_error("nothing is left to sign: a signature was given");
		return CLI_USAGE;
	}
	json_dumpf(shown, stdout, call->json ? JSON_COMPACT : JSON_INDENT(2));
	putchar('\n');
	if (!call->json && !plan->sign_first)
		cli_agent_print_plan(&(struct cli_agent_call){.json = true}, plan);
	if (!call->json && plan->sign_first)
		fprintf(stderr, "next: let the new wallet sign this, then run it again with --key FILE --wallet ADDRESS --deadline %ju "
				"--signature 0x…\n",
			(uintmax_t)plan->deadline);
	return CLI_OK;
}

/* gas × price, and the L1 fee that OP-stack receipts name. */
static void paid(struct u256 *out, const struct eth_rpc_receipt *receipt, const struct eth_rpc_result *raw)
{
	const json_t *l1 = json_object_get(raw->value, "l1Fee");
	struct u256 fee;

	if (u256_mul_u64(out, &receipt->gas_price, receipt->gas_used) != 0)
		*out = u256_from_u64(0);
	if (json_is_string(l1) && u256_parse_quantity(&fee, json_string_value(l1), json_string_length(l1)) == 0 &&
	    u256_add(out, out, &fee) != 0)
		*out = u256_from_u64(0);
}

/* What changed, by the verb's own word: member name and value. */
static const char *outcome(char value[static ADDRESS_TEXT_SIZE], const struct cli_agent_call *call)
{
	const struct prepare_ask *ask = &call->ask;

	if (ask->verb == PREPARE_WALLET || ask->verb == PREPARE_UNSET_WALLET) {
		address_format_eip55(value, &ask->wallet);
		return "wallet";
	}
	if (ask->verb == PREPARE_REGISTER || ask->verb == PREPARE_TRANSFER) {
		address_format_eip55(value, ask->verb == PREPARE_REGISTER ? &ask->from : &ask->to);
		return "owner";
	}
	address_format_eip55(value, &ask->from);
	return "sender";
}

void cli_agent_print_result(const struct cli_agent_call *call, const struct prepare_plan *plan, const struct u256 *id,
			    const struct eth_rpc_receipt *receipt, const struct eth_rpc_result *raw)
{
	static const char *const levels[] = {"mined", "safe", "final"};
	char number[U256_DECIMAL_SIZE], hash[HEX_DATA_SIZE(32)], value[ADDRESS_TEXT_SIZE], wei[U256_DECIMAL_SIZE];
	char most[U256_DECIMAL_SIZE], text[AMOUNT_SIZE];
	const char *member = outcome(value, call);
	struct u256 fee;

	paid(&fee, receipt, raw);
	u256_format_decimal(number, id);
	u256_format_decimal(wei, &fee);
	u256_format_decimal(most, &plan->fee);
	hex_encode_data(hash, receipt->transaction.bytes, 32);
	if (!call->json) {
		printf("agent        %s\n%-12s %s\ntransaction  %s\nblock        %ju (%s)\ngas used     %ju\ncost         %s ETH\n", number,
		       member, call->ask.verb == PREPARE_UNSET_WALLET ? "none" : value, hash, (uintmax_t)receipt->number,
		       levels[call->wait], (uintmax_t)receipt->gas_used, amount(text, &fee, ETHER_DIGITS));
		return;
	}
	json_auto_t *answer = json_pack("{s:s, s:o, s:s, s:o, s:o, s:s, s:{s:s, s:s, s:s}}", "agentId", number, member,
					call->ask.verb == PREPARE_UNSET_WALLET ? json_null() : json_string(value), "transaction", hash,
					"block", json_sprintf("%ju", (uintmax_t)receipt->number), "gasUsed",
					json_sprintf("%ju", (uintmax_t)receipt->gas_used), "level", levels[call->wait], "cost", "paid",
					wei, "most", most, "unit", "wei");

	json_dumpf(answer, stdout, JSON_COMPACT);
	putchar('\n');
}
