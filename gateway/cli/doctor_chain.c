/* What lies on a chain, asked of whichever provider answers; and whether the providers agree on it. */
#include "eth/hex.h"
#include "eth/rpc_read.h"
#include "eth/signature.h"
#include "gateway/cli/doctor.h"
#include "gateway/identity/layout.h"
#include "gateway/keyfile.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RPC_MS = 8000, ANCHOR_GAS = 100000, ANCHORS_KEPT = 100 };

/* *len 0: no code there. Negative: could not be asked. */
static int read_code(uint8_t **code, size_t *len, struct eth_rpc *rpc, const struct eth_address *address)
{
	struct eth_rpc_at latest = eth_rpc_at_tag(ETH_RPC_LATEST);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	int err;

	*code = NULL;
	*len = 0;
	eth_rpc_calls_init(&list);
	eth_rpc_add_code(&list, address, &latest);
	err = eth_rpc_wait(&answer, rpc, &list, RPC_MS);
	eth_rpc_calls_clear(&list);
	if (err == 0)
		err = eth_rpc_result_data_take(code, len, &answer->results[0]);
	eth_rpc_answer_free(answer);
	return err;
}

/* Whether it is there. */
static bool say_contract(struct cli_doctor *doctor, struct eth_rpc *rpc, const char *name, const struct eth_address *address,
			 enum cli_doctor_state missing, const char *next)
{
	char text[ADDRESS_TEXT_SIZE];
	uint8_t *code;
	size_t len;
	int err = read_code(&code, &len, rpc, address);

	address_format_eip55(text, address);
	free(code);
	if (err != 0)
		cli_doctor_say(doctor, CLI_DOCTOR_FAIL, name, "Mend the chain's endpoints, as said of them above; then run this again.",
			       "%s could not be read: %s", text, eth_rpc_last_error(rpc));
	else if (len == 0)
		cli_doctor_say(doctor, missing, name, next, "there is no contract at %s", text);
	else
		cli_doctor_say(doctor, CLI_DOCTOR_OK, name, NULL, "%s (%zu bytes of code)", text, len);
	return err == 0 && len > 0;
}

static int read_implementation(struct eth_address *out, struct eth_rpc *rpc, const struct eth_address *registry)
{
	struct eth_rpc_at latest = eth_rpc_at_tag(ETH_RPC_LATEST);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls list;
	struct eth_hash slot, word;
	int err;

	layout_slot_implementation(&slot);
	eth_rpc_calls_init(&list);
	eth_rpc_add_storage(&list, registry, &slot, &latest);
	err = eth_rpc_wait(&answer, rpc, &list, RPC_MS);
	eth_rpc_calls_clear(&list);
	if (err == 0)
		err = eth_rpc_result_hash(&word, &answer->results[0]);
	if (err == 0)
		err = layout_read_address(out, &word);
	eth_rpc_answer_free(answer);
	return err;
}

/* Proofs of an agent's storage mean something only while the code that lays it out is known (DESIGN §4). */
static void say_implementation(struct cli_doctor *doctor, struct eth_rpc *rpc, const struct eth_address *registry)
{
	struct eth_hash codes[LAYOUT_CODES_MAX], hash;
	char address[ADDRESS_TEXT_SIZE], text[HEX_DATA_SIZE(32)];
	struct eth_address implementation;
	uint8_t *code = NULL;
	size_t n = 0, len = 0;
	bool known = false;

	if (layout_codes_parse(codes, &n, doctor->config.registry_code) != 0) {
		cli_doctor_say(doctor, CLI_DOCTOR_FAIL, "layout", "Correct the setting registry_code: 0x hashes, spaces between.",
			       "the setting registry_code cannot be read");
		return;
	}
	if (read_implementation(&implementation, rpc, registry) != 0 || address_is_zero(&implementation) ||
	    read_code(&code, &len, rpc, &implementation) != 0 || len == 0) {
		cli_doctor_say(doctor, CLI_DOCTOR_WARN, "layout", "Agents of it are read without proofs.",
			       "the registry is no proxy whose implementation can be read");
		free(code);
		return;
	}
	keccak256(&hash, code, len);
	free(code);
	for (size_t i = 0; i < n; i++)
		known = known || memcmp(&hash, &codes[i], sizeof(hash)) == 0;
	address_format_eip55(address, &implementation);
	hex_encode_data(text, hash.bytes, 32);
	if (known)
		cli_doctor_say(doctor, CLI_DOCTOR_OK, "layout", NULL, "implementation %s is known", address);
	else
		cli_doctor_say(doctor, CLI_DOCTOR_WARN, "layout",
			       "Agents are read without proofs until its storage layout was checked and its hash added to registry_code.",
			       "implementation %s has the unknown code hash %s", address, text);
}

static void say_balance(struct cli_doctor *doctor, const struct eth_address *relayer, const struct u256 *balance,
			const struct eth_rpc_block *block)
{
	char address[ADDRESS_TEXT_SIZE], wei[U256_DECIMAL_SIZE];
	struct u256 needed;

	address_format_eip55(address, relayer);
	u256_format_decimal(wei, balance);
	if (u256_mul_u64(&needed, &block->base_fee, UINT64_C(2) * ANCHOR_GAS * ANCHORS_KEPT) != 0)
		needed = u256_from_u64(0);
	if (u256_is_zero(balance))
		cli_doctor_say(doctor, CLI_DOCTOR_FAIL, "relayer", "Send it ether: without it nothing is anchored.", "%s holds nothing",
			       address);
	else if (u256_cmp(balance, &needed) < 0)
		cli_doctor_say(doctor, CLI_DOCTOR_WARN, "relayer", "Send it ether soon.",
			       "%s holds %s wei, less than %d anchors may cost", address, wei, ANCHORS_KEPT);
	else
		cli_doctor_say(doctor, CLI_DOCTOR_OK, "relayer", NULL, "%s holds %s wei", address, wei);
}

static void say_relayer(struct cli_doctor *doctor, struct eth_rpc *rpc)
{
	struct eth_rpc_at latest = eth_rpc_at_tag(ETH_RPC_LATEST);
	char path[CONFIG_TEXT_MAX + 32];
	uint8_t seed[32], *key = NULL;
	struct eth_rpc_answer *answer = NULL;
	struct signature_context *signatures;
	struct eth_rpc_block block;
	struct eth_rpc_calls list;
	struct eth_address relayer;
	struct u256 balance;
	int err;

	snprintf(path, sizeof(path), "%s/keys/relayer.key", doctor->config.state);
	err = keyfile_read(&key, path);
	if (err != 0) {
		cli_doctor_say(doctor, CLI_DOCTOR_FAIL, "relayer", "Make it with `kedge keygen relayer`, and send it ether.", "%s: %s",
			       path, keyfile_advice(err));
		return;
	}
	randombytes_buf(seed, sizeof(seed));
	signatures = signature_context_new(seed);
	err = signatures ? signature_key_address(signatures, &relayer, key) : -ENOMEM;
	signature_context_free(signatures);
	keyfile_free(key);
	eth_rpc_calls_init(&list);
	eth_rpc_add_balance(&list, &relayer, &latest);
	eth_rpc_add_block(&list, &latest);
	if (err == 0)
		err = eth_rpc_wait(&answer, rpc, &list, RPC_MS);
	eth_rpc_calls_clear(&list);
	if (err == 0)
		err = eth_rpc_result_u256(&balance, &answer->results[0]);
	if (err == 0)
		err = eth_rpc_result_block(&block, &answer->results[1]);
	eth_rpc_answer_free(answer);
	if (err == 0)
		say_balance(doctor, &relayer, &balance, &block);
	else
		cli_doctor_say(doctor, CLI_DOCTOR_FAIL, "relayer", "Run it again when the chain answers.", "its balance cannot be read");
}

static void say_default_chain(struct cli_doctor *doctor, struct eth_rpc *rpc)
{
	struct eth_address anchor;
	const char *text = doctor->config.anchor_contract;

	if (doctor->chains.has_multicall)
		(void)say_contract(doctor, rpc, "Multicall3", &doctor->chains.multicall, CLI_DOCTOR_WARN,
			     "Reads go out in plain batches: set multicall to nothing to say so, or correct it.");
	if (doctor->chains.has_reputation)
		(void)say_contract(doctor, rpc, "reputation", &doctor->chains.reputation, CLI_DOCTOR_FAIL,
			     "Correct the setting reputation, or leave it empty.");
	if (*text == '\0') {
		cli_doctor_say(doctor, CLI_DOCTOR_WARN, "KedgeAnchor", "Deploy one and set anchor_contract to have the log anchored.",
			       "no anchoring is configured");
		return;
	}
	if (address_parse(&anchor, text, strlen(text)) != 0) {
		cli_doctor_say(doctor, CLI_DOCTOR_FAIL, "KedgeAnchor", "Correct the setting anchor_contract.", "it is not an address");
		return;
	}
	(void)say_contract(doctor, rpc, "KedgeAnchor", &anchor, CLI_DOCTOR_FAIL,
		     "Correct the setting anchor_contract, or deploy the contract on this chain.");
	say_relayer(doctor, rpc);
}

void cli_doctor_contracts(struct cli_doctor *doctor, const struct chains_chain *chain)
{
	struct eth_rpc_config config = {.url = chain->urls, .chain_id = chain->id};
	struct eth_rpc *rpc = NULL;

	if (eth_rpc_new(&rpc, doctor->base, &config) != 0)
		return;
	for (size_t i = 0; i < doctor->chains.nregistries; i++) {
		const struct chains_registry *registry = &doctor->chains.registries[i];

		if (registry->chain_id != chain->id)
			continue;
		if (say_contract(doctor, rpc, "registry", &registry->address, CLI_DOCTOR_FAIL,
				 "Correct the setting registry (or registries), or the chain's endpoint."))
			say_implementation(doctor, rpc, &registry->address);
	}
	if (chain == &doctor->chains.chains[0])
		say_default_chain(doctor, rpc);
	eth_rpc_free(rpc);
}

/* That provider's hash at `at`. */
static int hash_at(struct eth_hash *out, struct eth_rpc *rpc, unsigned provider, uint64_t number)
{
	struct eth_rpc_at at = eth_rpc_at_number(number);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_block block;
	struct eth_rpc_calls list;
	int err;

	eth_rpc_calls_init(&list);
	eth_rpc_add_block(&list, &at);
	err = eth_rpc_wait_at(&answer, rpc, provider, &list, RPC_MS);
	eth_rpc_calls_clear(&list);
	if (err == 0)
		err = eth_rpc_result_block(&block, &answer->results[0]);
	if (err == 0)
		*out = block.hash;
	eth_rpc_answer_free(answer);
	return err;
}

void cli_doctor_agreement(struct cli_doctor *doctor, struct eth_rpc *rpc, const struct cli_doctor_node *nodes, unsigned n)
{
	unsigned asked = 0, agreed = 0, first = 0;
	uint64_t number = UINT64_MAX;
	struct eth_hash reference, hash;

	for (unsigned i = 0; i < n; i++) {
		if (!nodes[i].has_heads)
			continue;
		asked++;
		if (nodes[i].heads.finalized.number < number) {
			number = nodes[i].heads.finalized.number;
			first = i;
		}
	}
	if (asked == 0)
		return;
	if (asked == 1) {
		cli_doctor_say(doctor, doctor->config.rpc_quorum > 1 ? CLI_DOCTOR_FAIL : CLI_DOCTOR_WARN, "agreement",
			       "Name several providers in rpc_url, and set rpc_quorum, so that not one of them must be believed.",
			       "only one provider can be asked");
		return;
	}
	reference = nodes[first].heads.finalized.hash;
	for (unsigned i = 0; i < n; i++)
		if (nodes[i].has_heads && hash_at(&hash, rpc, i, number) == 0 && memcmp(&hash, &reference, sizeof(hash)) == 0)
			agreed++;
	if (agreed == asked)
		cli_doctor_say(doctor, CLI_DOCTOR_OK, "agreement", NULL, "%u providers name the same finalized block %" PRIu64, asked,
			       number);
	else
		cli_doctor_say(doctor, CLI_DOCTOR_FAIL, "agreement",
			       "One of them is of another chain, broken, or lies: compare the block with an explorer and drop it.",
			       "%u of %u providers name the same finalized block %" PRIu64, agreed, asked, number);
}
