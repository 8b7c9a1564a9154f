/* kedge policy: what a verifier trusts (docs/formats.md section 9), made from the deployment record and the log's own key file or
 * a vkey the verifier was given; never from what the gateway says about itself. */
#include "anchor/note.h"
#include "did/jcs.h"
#include "eth/address.h"
#include "eth/hex.h"
#include "gateway/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: kedge policy --chain FILE [--vkey VKEY] [--rpc URL]\n\n"
	"Prints policy.json for `kedge verify`: the log's key, the contract and chain its anchors are on,\n"
	"the agents' registries and their implementation.\n\n"
	"  --chain FILE  the deployment record (chain.json) of KedgeAnchor\n"
	"  --vkey VKEY   the log's public key; default: that of STATE/keys/log.key\n"
	"  --rpc URL     JSON-RPC endpoint you trust; default: the one of the record";

/* The registries of the record, the default one first, as section 9 writes them. NULL if it names none, or what is no address. */
static json_t *registries_of(const json_t *record, const char *chain)
{
	static const char *const members[] = {"registry", "registry2"};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *text = json_string_value(json_object_get(record, members[i]));
		char lower[HEX_DATA_SIZE(20)];
		struct eth_address address;

		if (!text || address_parse(&address, text, strlen(text)) != 0)
			continue;
		hex_encode_data(lower, address.bytes, sizeof(address.bytes));
		json_array_append_new(list, json_sprintf("%s/erc721:%s", chain, lower));
	}
	if (json_array_size(list) > 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *policy_of(const json_t *record, const char *vkey, const char *rpc)
{
	const char *contract, *code_hash, *url, *registry_code = NULL;
	char chain[48];
	json_int_t id;

	if (json_unpack((json_t *)(uintptr_t)record, "{s:I, s:s, s:s, s:s, s?s}", "chainId", &id, "anchor", &contract,
			"anchorCodeHash", &code_hash, "rpc", &url, "registryCode", &registry_code) != 0)
		return NULL;
	snprintf(chain, sizeof(chain), "eip155:%lld", (long long)id);
	return json_pack("{s:i, s:s, s:{s:s, s:s, s:s, s:s}, s:{s:i}, s:o*, s:o*}", "v", 1, "log", vkey, "anchor", "chain", chain,
			 "contract", contract, "codeHash", code_hash, "rpc", rpc ? rpc : url, "witnesses", "quorum", 0,
			 "registryCode", registry_code ? json_pack("[s]", registry_code) : NULL, "registries", registries_of(record, chain));
}

int cli_policy(int argc, char **argv)
{
	const char *chain = NULL, *vkey = NULL, *rpc = NULL;
	const struct cli_option options[] = {{.name = "chain", .value = &chain}, {.name = "vkey", .value = &vkey},
					     {.name = "rpc", .value = &rpc}, {.name = NULL}};
	char own[NOTE_KEY_TEXT_MAX];
	struct config config;
	bool done;
	size_t length;
	int rc = cli_parse(&done, NULL, NULL, argc, argv, options, 0, 0, usage);

	if (rc != CLI_OK || done)
		return rc;
	if (!chain) {
		fprintf(stderr, "kedge: --chain FILE is missing\n%s\n", usage);
		return CLI_USAGE;
	}
	if (!vkey) {
		rc = cli_config(&config);
		if (rc == CLI_OK)
			rc = cli_own_vkey(own, &config);
		if (rc != CLI_OK)
			return rc;
		vkey = own;
	}
	char *text = cli_read_file(&length, chain, 65536);
	if (!text)
		return CLI_FALSE;
	json_auto_t *record = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	json_auto_t *policy = record ? policy_of(record, vkey, rpc) : NULL;

	free(text);
	if (!policy) {
		cli_error("%s: not a deployment record with chainId, rpc, anchor and anchorCodeHash", chain);
		return CLI_FALSE;
	}
	json_dumpf(policy, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
	putchar('\n');
	return CLI_OK;
}
