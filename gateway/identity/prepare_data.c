/* The bytes of a wish: what is read for it, what is signed, what is sent, and how all that looks as JSON. */
#include "eth/hex.h"
#include "gateway/identity/prepare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the chain says ---- */

/* Places of the results. Those from OWNER on only for an agent that should be there, OTHER only where there is one. */
enum { BLOCK, CODE, TIP, BALANCE, NONCE, OWNER, WALLET, AUTHORISED, OTHER };

static const struct eth_address *other_of(const struct prepare_ask *ask)
{
	if (ask->verb == PREPARE_WALLET)
		return &ask->wallet;
	return ask->verb == PREPARE_TRANSFER ? &ask->to : NULL;
}

void prepare_facts_ask(struct eth_rpc_calls *list, const struct prepare_ask *ask)
{
	struct eth_rpc_at latest = eth_rpc_at_tag(ETH_RPC_LATEST), pending = eth_rpc_at_tag(ETH_RPC_PENDING);
	const struct eth_address *registry = &ask->agent.registry;
	uint8_t one[REGISTRY_CALL_ID_SIZE], two[REGISTRY_CALL_TWO_SIZE];

	eth_rpc_add_block(list, &latest);
	eth_rpc_add_code(list, registry, &latest);
	eth_rpc_add_max_priority_fee(list);
	eth_rpc_add_balance(list, &ask->from, &latest);
	eth_rpc_add_nonce(list, &ask->from, &pending);
	if (ask->verb == PREPARE_REGISTER)
		return;
	registry_call_owner_of(one, &ask->agent.id);
	eth_rpc_add_call(list, registry, one, sizeof(one), &latest);
	registry_call_wallet(one, &ask->agent.id);
	eth_rpc_add_call(list, registry, one, sizeof(one), &latest);
	registry_call_is_authorised(two, &ask->from, &ask->agent.id);
	eth_rpc_add_call(list, registry, two, sizeof(two), &latest);
	if (other_of(ask) != NULL)
		eth_rpc_add_code(list, other_of(ask), &latest);
}

static int read_has_code(bool *out, const struct eth_rpc_result *result)
{
	uint8_t *code = NULL;
	size_t len = 0;
	int err = eth_rpc_result_data_take(&code, &len, result);

	free(code);
	*out = err == 0 && len > 0;
	return err;
}

static int read_agent(struct prepare_facts *out, const struct prepare_ask *ask, const struct eth_rpc_result *results)
{
	int err = registry_read_owner(&out->owner, &results[OWNER]);

	if (err == -ENOENT)
		return 0;
	out->exists = err == 0;
	if (err == 0)
		err = registry_read_wallet(&out->wallet, &results[WALLET]);
	if (err != 0)
		return err;
	err = registry_read_bool(&out->authorised, &results[AUTHORISED]);
	/* a registry without this question: the simulation will tell */
	if (err == -EPROTO || err == -ENXIO) {
		out->authorised = true;
		err = 0;
	}
	if (err == 0 && other_of(ask) != NULL)
		err = read_has_code(&out->other_has_code, &results[OTHER]);
	return err == -ENOENT ? -EAGAIN : err; /* a block came between the calls */
}

int prepare_facts_read(struct prepare_facts *out, const struct prepare_ask *ask, const struct eth_rpc_result *results)
{
	struct eth_rpc_block block;
	int err = eth_rpc_result_block(&block, &results[BLOCK]);

	*out = (struct prepare_facts){0};
	if (err == 0)
		err = read_has_code(&out->registry_has_code, &results[CODE]);
	if (err == 0)
		err = eth_rpc_result_u256(&out->balance, &results[BALANCE]);
	if (err == 0)
		err = eth_rpc_result_u64(&out->nonce, &results[NONCE]);
	if (err != 0)
		return err == -ENOENT ? -EBADMSG : err;
	out->block = (struct heads_block){.number = block.number, .hash = block.hash, .time = block.time};
	out->base_fee = block.base_fee;
	/* not every node suggests a tip; this one is taken on every OP chain and in quiet times elsewhere */
	if (eth_rpc_result_u256(&out->tip, &results[TIP]) != 0)
		out->tip = u256_from_u64(1000000);
	if (!out->registry_has_code || ask->verb == PREPARE_REGISTER)
		return 0;
	return read_agent(out, ask, results);
}

/* ---- what is signed and sent ---- */

int prepare_calldata(uint8_t **out, size_t *out_len, const struct prepare_ask *ask, const struct prepare_facts *facts)
{
	const struct u256 *id = &ask->agent.id;

	switch (ask->verb) {
	case PREPARE_REGISTER:
		if (ask->metadata_count > 0)
			return registry_call_register_with(out, out_len, ask->uri, ask->uri_len, ask->metadata,
							   ask->metadata_count);
		return registry_call_register(out, out_len, ask->uri, ask->uri_len);
	case PREPARE_WALLET:
		return registry_call_set_wallet(out, out_len, id, &ask->wallet, ask->deadline, ask->signature,
						ask->signature_len);
	case PREPARE_UNSET_WALLET:
		*out = malloc(REGISTRY_CALL_ID_SIZE);
		if (*out == NULL)
			return -ENOMEM;
		registry_call_unset_wallet(*out, id);
		*out_len = REGISTRY_CALL_ID_SIZE;
		return 0;
	case PREPARE_URI:
		return registry_call_set_uri(out, out_len, id, ask->uri, ask->uri_len);
	case PREPARE_METADATA:
		return registry_call_set_metadata(out, out_len, id, &ask->metadata[0]);
	case PREPARE_TRANSFER:
		return (facts->other_has_code ? registry_call_safe_transfer
					      : registry_call_transfer)(out, out_len, &facts->owner, &ask->to, id);
	case PREPARE_VERBS:
		break;
	}
	return -EINVAL;
}

void prepare_digest(struct eth_hash *out, const struct prepare_ask *ask, const struct eth_address *owner,
		    uint64_t deadline)
{
	struct registry registry = {.chain_id = ask->agent.chain, .address = ask->agent.registry};

	registry_wallet_digest(out, &registry, &ask->agent.id, &ask->wallet, owner, deadline);
}

static json_t *field(const char *name, const char *type)
{
	return json_pack("{s:s, s:s}", "name", name, "type", type);
}

static json_t *number_json(uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%ju", (uintmax_t)value);
	return json_string(text);
}

json_t *prepare_typed_data(const struct prepare_ask *ask, const struct eth_address *owner, uint64_t deadline, bool v4)
{
	char registry[ADDRESS_TEXT_SIZE], wallet[ADDRESS_TEXT_SIZE], holder[ADDRESS_TEXT_SIZE], id[U256_DECIMAL_SIZE];
	json_t *types =
		json_pack("{s:[o,o,o,o]}", "AgentWalletSet", field("agentId", "uint256"), field("newWallet", "address"),
			  field("owner", "address"), field("deadline", "uint256"));
	/* ids beyond 2^53 are texts: every EIP-712 library takes both, JavaScript reads only the smaller as numbers */
	json_t *chain = ask->agent.chain < (UINT64_C(1) << 53) ? json_integer((json_int_t)ask->agent.chain)
							       : number_json(ask->agent.chain);

	address_format_eip55(registry, &ask->agent.registry);
	address_format_eip55(wallet, &ask->wallet);
	address_format_eip55(holder, owner);
	u256_format_decimal(id, &ask->agent.id);
	if (v4 && types != NULL &&
	    json_object_set_new(types, "EIP712Domain",
				json_pack("[o,o,o,o]", field("name", "string"), field("version", "string"),
					  field("chainId", "uint256"), field("verifyingContract", "address"))) != 0) {
		json_decref(types);
		types = NULL;
	}
	return json_pack("{s:o, s:s, s:{s:s, s:s, s:o, s:s}, s:{s:s, s:s, s:s, s:o}}", "types", types, "primaryType",
			 "AgentWalletSet", "domain", "name", "ERC8004IdentityRegistry", "version", "1", "chainId",
			 chain, "verifyingContract", registry, "message", "agentId", id, "newWallet", wallet, "owner",
			 holder, "deadline", number_json(deadline));
}
