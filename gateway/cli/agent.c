/* kedge agent: register, give another wallet, show. In the words of the registry. */
#include "eth/hex.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/send.h"
#include "gateway/identity/agent.h"
#include "gateway/identity/registry.h"
#include "gateway/keyfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: kedge agent register --key FILE [--uri URI] [--wait LEVEL] [--json]\n"
	"       kedge agent wallet ID --key FILE --wallet-key FILE [--wait LEVEL] [--json]\n"
	"       kedge agent show ID [--url URL]\n\n"
	"  register  mint a new agent to the key's account\n"
	"  wallet    make another account the agent's wallet: --key is the owner's, --wallet-key the new wallet's\n"
	"  show      what the registry holds about an agent, as the gateway reads it\n\n"
	"  --uri URI     the registration file's address\n"
	"  --wait LEVEL  mined (default), safe or final\n"
	"  --json        print JSON\n"
	"  --url URL     ask that gateway instead of the one running here";

enum { WALLET_DEADLINE_S = 240, RPC_MS = 15000 };

struct agent_call {
	struct config config;
	struct cli_chain chain;
	struct eth_address registry;
	uint8_t *key;
	struct eth_address account;
	enum cli_wait wait;
	bool json;
};

static int open_call(struct agent_call *call, const char *key, const char *wait)
{
	int rc;

	memset(call, 0, sizeof(*call));
	rc = cli_wait_parse(&call->wait, wait);
	if (rc == CLI_OK)
		rc = cli_config(&call->config);
	if (rc != CLI_OK)
		return rc;
	if (address_parse(&call->registry, call->config.registry, strlen(call->config.registry)) != 0) {
		cli_error("setting registry: %s is not an address", call->config.registry);
		return CLI_USAGE;
	}
	rc = cli_chain_open(&call->chain, &call->config);
	if (rc == CLI_OK && (rc = cli_key(&call->key, &call->account, &call->chain, key)) != CLI_OK)
		cli_chain_close(&call->chain);
	return rc;
}

static void close_call(struct agent_call *call)
{
	keyfile_free(call->key);
	cli_chain_close(&call->chain);
}

static void print_result(const struct agent_call *call, const struct u256 *id, const char *member, const struct eth_address *who,
			 const struct eth_rpc_receipt *receipt)
{
	char number[U256_DECIMAL_SIZE], account[ADDRESS_TEXT_SIZE], hash[HEX_DATA_SIZE(32)];

	u256_format_decimal(number, id);
	address_format_eip55(account, who);
	hex_encode_data(hash, receipt->transaction.bytes, 32);
	if (call->json)
		printf("{\"agentId\":\"%s\",\"%s\":\"%s\",\"transaction\":\"%s\",\"block\":\"%ju\",\"gasUsed\":\"%ju\"}\n", number, member,
		       account, hash, (uintmax_t)receipt->number, (uintmax_t)receipt->gas_used);
	else
		printf("agent        %s\n%-12s %s\ntransaction  %s\nblock        %ju\ngas used     %ju\n", number, member, account,
		       hash, (uintmax_t)receipt->number, (uintmax_t)receipt->gas_used);
}

static int register_agent(struct agent_call *call, const char *uri)
{
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_receipt receipt;
	uint8_t *data = NULL;
	size_t length = 0;
	struct u256 id;
	int rc;

	if (registry_call_register(&data, &length, uri, strlen(uri)) != 0) {
		cli_error("--uri is too long");
		return CLI_USAGE;
	}
	rc = cli_send(&answer, &receipt, &call->chain, call->key, &call->registry, data, length, call->wait);
	free(data);
	if (rc == CLI_OK && registry_read_registered(&id, &call->registry, &receipt) != 0) {
		cli_error("mined, but the receipt has no Registered event: is this the registry?");
		rc = CLI_FALSE;
	}
	if (rc == CLI_OK)
		print_result(call, &id, "owner", &call->account, &receipt);
	eth_rpc_answer_free(answer);
	return rc;
}

/* The present owner, which the new wallet's signature names, and block time, which the deadline counts from. */
static int read_latest(struct agent_call *call, struct agent_state *state, uint64_t *time, const struct u256 *id)
{
	struct agent_key key = {.chain = call->config.chain_id, .registry = call->registry, .id = *id};
	struct eth_rpc_at latest = eth_rpc_at_tag(ETH_RPC_LATEST);
	struct heads_block block;

	if (agent_wait_at(state, &block, call->chain.rpc, &key, &latest, false, RPC_MS) != 0) {
		cli_error("the chain does not answer: %s", eth_rpc_last_error(call->chain.rpc));
		return CLI_UNREACHABLE;
	}
	*time = block.time;
	if (!state->exists) {
		cli_error("the registry has no such agent");
		return CLI_FALSE;
	}
	return CLI_OK;
}

static int change_wallet(struct agent_call *call, const struct u256 *id, const char *wallet_key)
{
	struct registry registry = {.chain_id = call->config.chain_id, .address = call->registry};
	uint8_t *wallet_secret = NULL, *data = NULL, bytes[SIGNATURE_SIZE];
	struct eth_rpc_answer *answer = NULL;
	struct eth_signature signature;
	struct eth_rpc_receipt receipt;
	struct eth_address wallet;
	struct agent_state state;
	struct eth_hash digest;
	uint64_t deadline;
	size_t length = 0;
	int rc = cli_key(&wallet_secret, &wallet, &call->chain, wallet_key);

	if (rc != CLI_OK)
		return rc;
	rc = read_latest(call, &state, &deadline, id);
	if (rc == CLI_OK) {
		deadline += WALLET_DEADLINE_S;
		registry_wallet_digest(&digest, &registry, id, &wallet, &state.owner, deadline);
		if (signature_sign(call->chain.signatures, &signature, &digest, wallet_secret) != 0)
			rc = CLI_FALSE;
	}
	keyfile_free(wallet_secret);
	if (rc != CLI_OK)
		return rc;
	signature_serialize(bytes, &signature);
	if (registry_call_set_wallet(&data, &length, id, &wallet, deadline, bytes, sizeof(bytes)) != 0)
		return CLI_FALSE;
	rc = cli_send(&answer, &receipt, &call->chain, call->key, &call->registry, data, length, call->wait);
	free(data);
	if (rc == CLI_OK)
		print_result(call, id, "wallet", &wallet, &receipt);
	eth_rpc_answer_free(answer);
	return rc;
}

static int show(const char *id, const char *url)
{
	struct cli_response answer;
	struct config config;
	char path[160];
	int rc = cli_config(&config);

	if (rc != CLI_OK)
		return rc;
	if (strlen(id) > 100 || strspn(id, "0123456789:") != strlen(id)) {
		cli_error("an id is decimal, `42` or `CHAIN:42`");
		return CLI_USAGE;
	}
	snprintf(path, sizeof(path), "/v1/agents/%s", id);
	rc = cli_request(&answer, &config, url, "GET", path, NULL, NULL);
	if (rc != CLI_OK)
		return rc;
	json_auto_t *state = json_loadb(answer.body, answer.length, JSON_ALLOW_NUL, NULL);

	if (answer.status == 200 && state) {
		json_dumpf(state, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		rc = cli_problem(&answer);
	}
	cli_response_clear(&answer);
	return rc;
}

int cli_agent(int argc, char **argv)
{
	const char *word[2] = {NULL, NULL}, *key = NULL, *wallet_key = NULL, *uri = "", *wait = "mined", *url = NULL;
	bool done, json = false;
	const struct cli_option options[] = {{.name = "key", .value = &key}, {.name = "wallet-key", .value = &wallet_key},
					     {.name = "uri", .value = &uri}, {.name = "wait", .value = &wait},
					     {.name = "url", .value = &url}, {.name = "json", .flag = &json}, {.name = NULL}};
	struct agent_call call;
	bool registers, changes;
	struct u256 id;
	size_t count;
	int rc = cli_parse(&done, word, &count, argc, argv, options, 1, 2, usage);

	if (rc != CLI_OK || done)
		return rc;
	if (strcmp(word[0], "show") == 0 && count == 2)
		return show(word[1], url);
	registers = strcmp(word[0], "register") == 0 && count == 1 && key;
	changes = strcmp(word[0], "wallet") == 0 && count == 2 && key && wallet_key &&
		  u256_parse_decimal(&id, word[1], strlen(word[1])) == 0;
	if (!registers && !changes) {
		fprintf(stderr, "kedge: an option is missing, or the id is not decimal\n%s\n", usage);
		return CLI_USAGE;
	}
	rc = open_call(&call, key, wait);
	if (rc != CLI_OK)
		return rc;
	call.json = json;
	rc = registers ? register_agent(&call, uri) : change_wallet(&call, &id, wallet_key);
	close_call(&call);
	return rc;
}
