/* The answer to a wish as JSON: docs/api.md, "Registering and rotating". Amounts are decimal texts in wei. */
#include "eth/hex.h"
#include "gateway/identity/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static json_t *number_json(uint64_t value)
{
	return json_sprintf("%ju", (uintmax_t)value);
}

static json_t *amount_json(const struct u256 *value)
{
	char text[U256_DECIMAL_SIZE];

	u256_format_decimal(text, value);
	return json_string(text);
}

static json_t *address_json(const struct eth_address *address)
{
	char text[ADDRESS_TEXT_SIZE];

	address_format_eip55(text, address);
	return address_is_zero(address) ? json_null() : json_string(text);
}

static json_t *hash_json(const struct eth_hash *hash)
{
	char text[HEX_DATA_SIZE(32)];

	hex_encode_data(text, hash->bytes, 32);
	return json_string(text);
}

static json_t *block_json(const struct heads_block *block)
{
	char text[40] = "";
	struct tm tm;
	time_t seconds = (time_t)block->time;

	if (gmtime_r(&seconds, &tm) != NULL)
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{s:o, s:o, s:s, s:s}", "number", number_json(block->number), "hash", hash_json(&block->hash),
			 "time", text, "finality", "latest");
}

static json_t *transaction_json(const struct prepare_ask *ask, const struct prepare_plan *plan)
{
	char chain[HEX_QUANTITY_SIZE], gas[HEX_QUANTITY_SIZE], *data = malloc(HEX_DATA_SIZE(plan->data_len));
	json_t *transaction;

	if (data == NULL)
		return NULL;
	hex_encode_quantity(chain, ask->agent.chain);
	hex_encode_quantity(gas, plan->gas);
	hex_encode_data(data, plan->data, plan->data_len);
	transaction = json_pack("{s:s, s:o, s:o, s:s, s:s, s:s}", "chainId", chain, "from", address_json(&ask->from),
				"to", address_json(&ask->agent.registry), "data", data, "value", "0x0", "gas", gas);
	free(data);
	return transaction;
}

static json_t *cost_json(const struct prepare_plan *plan)
{
	const struct prepare_facts *facts = &plan->facts;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "gas", number_json(plan->gas), "baseFeePerGas",
			 amount_json(&facts->base_fee), "maxPriorityFeePerGas", amount_json(&facts->tip),
			 "maxFeePerGas", amount_json(&plan->max_fee), "l1Fee",
			 plan->has_l1_fee ? amount_json(&plan->l1_fee) : json_null(), "most", amount_json(&plan->fee),
			 "balance", amount_json(&facts->balance), "unit", "wei");
}

static json_t *warnings_json(const struct prepare_plan *plan)
{
	json_t *warnings = json_array();

	for (size_t i = 0; i < plan->warning_count; i++) {
		if (json_array_append_new(warnings, json_string(plan->warnings[i])) != 0) {
			json_decref(warnings);
			return NULL;
		}
	}
	return warnings;
}

/* Takes value. */
static int put(json_t *answer, const char *name, json_t *value)
{
	return json_object_set_new(answer, name, value);
}

static int put_agent(json_t *answer, const struct prepare_ask *ask, const struct prepare_plan *plan)
{
	char key[AGENT_KEY_TEXT_SIZE];

	agent_key_format(key, &ask->agent);
	return put(answer, "agent", json_string(key)) | put(answer, "owner", address_json(&plan->facts.owner)) |
	       put(answer, "wallet", address_json(&plan->facts.wallet));
}

static int put_wallet(json_t *answer, const struct prepare_ask *ask, const struct prepare_plan *plan)
{
	const struct eth_address *owner = &plan->facts.owner;
	int err = put(answer, "newWallet", address_json(&ask->wallet)) |
		  put(answer, "deadline", number_json(plan->deadline)) |
		  put(answer, "digest", hash_json(&plan->digest));

	if (plan->sign_first)
		err |= put(answer, "typedData", prepare_typed_data(ask, owner, plan->deadline, false)) |
		       put(answer, "typedDataV4", prepare_typed_data(ask, owner, plan->deadline, true));
	return err;
}

json_t *prepare_json(const struct prepare_ask *ask, const struct prepare_plan *plan)
{
	json_t *answer = json_pack("{s:s, s:o, s:o, s:s}", "verb", prepare_verb_name(ask->verb), "block",
				   block_json(&plan->facts.block), "warnings", warnings_json(plan), "next", plan->next);
	int err = answer == NULL ? -1 : 0;

	if (err == 0 && ask->verb != PREPARE_REGISTER)
		err = put_agent(answer, ask, plan);
	if (err == 0 && ask->verb == PREPARE_WALLET)
		err = put_wallet(answer, ask, plan);
	if (err == 0 && !plan->sign_first)
		err = put(answer, "transaction", transaction_json(ask, plan)) | put(answer, "cost", cost_json(plan));
	if (err != 0) {
		json_decref(answer);
		return NULL;
	}
	return answer;
}
