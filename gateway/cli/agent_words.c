/* The words of `kedge agent register, wallet, …`: which options a verb takes, and what they mean. */
#include "eth/hex.h"
#include "gateway/cli/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const usages[PREPARE_VERBS] = {
	[PREPARE_REGISTER] = "usage: kedge agent register --key FILE [--uri URI] [--metadata KEY=TEXT ...] [--metadata-hex KEY=0x… ...]\n"
			     "                            [--registry CHAIN[:0xADDRESS]]\n\n"
			     "Makes a new agent that belongs to the key's account, which is its first wallet too.\n",
	[PREPARE_WALLET] = "usage: kedge agent wallet ID --key FILE --wallet-key FILE\n"
			   "       kedge agent wallet ID --wallet ADDRESS --typed-data [--deadline T]\n"
			   "       kedge agent wallet ID --key FILE --wallet ADDRESS --deadline T --signature 0x…\n\n"
			   "Makes another account the agent's wallet. That account signs (--wallet-key, or elsewhere the typed data\n"
			   "that --typed-data prints; a contract wallet in the form it takes); the owner's --key sends. Deadlines are\n"
			   "seconds since 1970, at most 300 after the latest block's time.\n",
	[PREPARE_UNSET_WALLET] = "usage: kedge agent unset-wallet ID --key FILE\n\nLeaves the agent its owner only.\n",
	[PREPARE_URI] = "usage: kedge agent uri ID URI --key FILE\n\nSets where the agent's registration file is.\n",
	[PREPARE_METADATA] = "usage: kedge agent metadata ID KEY VALUE --key FILE [--hex]\n\n"
			     "Sets a metadata entry. --hex: VALUE is 0x and hex digits.\n",
	[PREPARE_TRANSFER] = "usage: kedge agent transfer ID ADDRESS --key FILE\n\n"
			     "Gives the agent to another owner. Clears the wallet; URI and metadata stay until the new owner changes them.\n",
};
static const char common_usage[] = "\n  --wait LEVEL    mined (default), safe or final\n"
				   "  --timeout S     wait that long at most: 3600, or 120 to be mined at all\n"
				   "  --dry-run       show the transaction and its cost, send nothing\n"
				   "  --from ADDRESS  for --dry-run and --typed-data without a key: who would send\n"
				   "  --json          print JSON\n\n"
				   "Exit codes: 0 done, 1 refused or reverted, 2 usage, 3 not yet at the level, 4 chain unreachable.";

int cli_agent_words_parse(struct cli_agent_words *w, bool *done, enum prepare_verb verb, int argc, char **argv)
{
	static const size_t positionals[PREPARE_VERBS] = {0, 1, 1, 2, 3, 2};
	const bool registers = verb == PREPARE_REGISTER, wallet = verb == PREPARE_WALLET;
	char usage[2048];
	struct cli_option options[20] = {
		{.name = "key", .value = &w->key}, {.name = "from", .value = &w->from},	{.name = "wait", .value = &w->wait},
		{.name = "json", .flag = &w->json}, {.name = "dry-run", .flag = &w->dry_run}, {.name = "timeout", .value = &w->timeout},
	};
	const struct {
		bool on;
		struct cli_option option;
	} more[] = {
		{registers, {.name = "uri", .value = &w->uri}},
		{registers, {.name = "registry", .value = &w->registry}},
		{registers, {.name = "metadata", .texts = &w->metadata}},
		{registers, {.name = "metadata-hex", .texts = &w->metadata_hex}},
		{wallet, {.name = "wallet-key", .value = &w->wallet_key}},
		{wallet, {.name = "wallet", .value = &w->wallet}},
		{wallet, {.name = "deadline", .value = &w->deadline}},
		{wallet, {.name = "signature", .value = &w->signature}},
		{wallet, {.name = "typed-data", .flag = &w->typed_data}},
		{verb == PREPARE_METADATA, {.name = "hex", .flag = &w->hex}},
	};
	size_t at = 6;

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		if (more[i].on)
			options[at++] = more[i].option;
	snprintf(usage, sizeof(usage), "%s%s", usages[verb], common_usage);
	return cli_parse(done, w->word, &w->count, argc, argv, options, positionals[verb], positionals[verb], usage);
}

static int wrong(const char *what, const char *text, const char *right)
{
	cli_error("%s: %s: %s", what, text, right);
	return CLI_USAGE;
}

static int read_address(struct eth_address *out, const char *what, const char *text)
{
	int err = address_parse(out, text, strlen(text));

	if (err == 0)
		return CLI_OK;
	return wrong(what, text, err == -EILSEQ ? "the letter case does not fit the EIP-55 checksum: a digit is likely wrong"
						 : "an address is 0x and 40 hex digits");
}

/* 0x data into memory that w holds. */
static int read_hex(const uint8_t **out, size_t *len, struct cli_agent_words *w, const char *what, const char *text)
{
	size_t room = strlen(text) / 2 + 1;
	uint8_t *bytes = malloc(room);

	w->held[w->nheld++] = bytes;
	if (!bytes || hex_decode_data(bytes, room, len, text, strlen(text)) != 0)
		return wrong(what, text, "0x and an even number of hex digits are wanted");
	*out = bytes;
	return CLI_OK;
}

/* CHAIN or CHAIN:0xREGISTRY, NULL for the default registry; `what` and `word` are what stood there. A registry may be any: this
 * goes to the chain, not through the gateway. */
static int read_registry(struct agent_key *out, const struct chains *chains, const char *text, size_t len, const char *what,
			 const char *word, const char *forms)
{
	const char *colon = text ? memchr(text, ':', len) : NULL;
	struct u256 chain = u256_from_u64(chains->registries[0].chain_id);
	const struct chains_registry *registry;

	if ((text && u256_parse_decimal(&chain, text, colon ? (size_t)(colon - text) : len) != 0) ||
	    u256_to_u64(&out->chain, &chain) != 0)
		return wrong(what, word, forms);
	registry = chains_first(chains, out->chain);
	if (registry)
		out->registry = registry->address;
	if (colon && address_parse(&out->registry, colon + 1, len - (size_t)(colon + 1 - text)) != 0)
		return wrong(what, word, "the registry's address is 0x and 40 hex digits");
	if (!chains_find(chains, out->chain) || (!registry && !colon))
		return wrong(what, word, "no endpoint of that chain is configured (settings registries, rpc_others)");
	return CLI_OK;
}

int cli_agent_key(struct agent_key *out, const struct chains *chains, const char *word)
{
	static const char forms[] = "an agent is " CLI_AGENT_FORMS;
	char text[CLI_AGENT_ID_SIZE];
	const char *last, *id;
	int rc = cli_agent_id(text, word);

	if (rc != CLI_OK)
		return rc;
	last = strrchr(text, ':');
	id = last ? last + 1 : text;
	if (u256_parse_decimal(&out->id, id, strlen(id)) != 0)
		return wrong("agent", word, forms);
	return read_registry(out, chains, last ? text : NULL, last ? (size_t)(last - text) : 0, "agent", word, forms);
}

static int read_entry(struct registry_metadata *entry, struct cli_agent_words *w, const char *option, const char *text, bool hex)
{
	const char *equals = strchr(text, '=');

	if (!equals)
		return wrong(option, text, "KEY=VALUE is wanted");
	entry->key = text;
	entry->key_len = (size_t)(equals - text);
	if (hex)
		return read_hex(&entry->value, &entry->value_len, w, option, equals + 1);
	entry->value = (const uint8_t *)(equals + 1);
	entry->value_len = strlen(equals + 1);
	return CLI_OK;
}

static int read_register(struct prepare_ask *ask, struct cli_agent_words *w, const struct chains *chains)
{
	struct registry_metadata *entries = w->entries;
	int rc = CLI_OK;

	ask->uri = w->uri ? w->uri : "";
	ask->uri_len = strlen(ask->uri);
	ask->metadata = entries;
	for (size_t i = 0; rc == CLI_OK && i < w->metadata.count; i++)
		rc = read_entry(&entries[ask->metadata_count++], w, "--metadata", w->metadata.items[i], false);
	for (size_t i = 0; rc == CLI_OK && i < w->metadata_hex.count; i++)
		rc = read_entry(&entries[ask->metadata_count++], w, "--metadata-hex", w->metadata_hex.items[i], true);
	if (rc != CLI_OK)
		return rc;
	if (ask->metadata_count > REGISTRY_METADATA_MAX)
		return wrong("--metadata", "too many", "at most 64 entries; set the others later with `kedge agent metadata`");
	return read_registry(&ask->agent, chains, w->registry, w->registry ? strlen(w->registry) : 0, "--registry", w->registry,
			     "a registry is CHAIN or CHAIN:0xADDRESS");
}

static int read_wallet(struct prepare_ask *ask, struct cli_agent_words *w)
{
	struct u256 deadline = u256_from_u64(0);
	int rc = CLI_OK;

	if (!w->wallet == !w->wallet_key)
		return wrong("the new wallet", w->wallet ? "named twice" : "not named",
			     "give either --wallet-key FILE or --wallet ADDRESS");
	if (w->deadline && (u256_parse_decimal(&deadline, w->deadline, strlen(w->deadline)) != 0 ||
			    u256_to_u64(&ask->deadline, &deadline) != 0 || ask->deadline == 0))
		return wrong("--deadline", w->deadline, "seconds since 1970 are wanted");
	if (w->wallet)
		rc = read_address(&ask->wallet, "--wallet", w->wallet);
	if (rc == CLI_OK && w->signature)
		rc = read_hex(&ask->signature, &ask->signature_len, w, "--signature", w->signature);
	if (rc != CLI_OK)
		return rc;
	if (ask->signature_len > PREPARE_SIGNATURE_MAX)
		return wrong("--signature", "too long", "a signature has at most 16384 bytes");
	if (w->signature && (!w->deadline || w->wallet_key))
		return wrong("--signature", w->wallet_key ? "with --wallet-key" : "without --deadline",
			     "give --wallet ADDRESS and the --deadline of the typed data that was signed");
	if (w->wallet && !w->signature && !w->typed_data && !w->dry_run)
		return wrong("--wallet", w->wallet,
			     "its signature is missing: print what it has to sign with --typed-data, then give --deadline and "
			     "--signature; or give its key with --wallet-key");
	return CLI_OK;
}

int cli_agent_words_ask(struct prepare_ask *ask, struct cli_agent_words *w, const struct chains *chains)
{
	struct registry_metadata *entry = &w->entries[0];
	int rc = w->from ? read_address(&ask->from, "--from", w->from) : CLI_OK;

	if (rc != CLI_OK)
		return rc;
	if (ask->verb == PREPARE_REGISTER)
		return read_register(ask, w, chains);
	rc = cli_agent_key(&ask->agent, chains, w->word[0]);
	if (rc != CLI_OK)
		return rc;
	if (ask->verb == PREPARE_WALLET)
		return read_wallet(ask, w);
	if (ask->verb == PREPARE_TRANSFER)
		return read_address(&ask->to, "receiver", w->word[1]);
	if (ask->verb == PREPARE_URI) {
		ask->uri = w->word[1];
		ask->uri_len = strlen(ask->uri);
	}
	if (ask->verb == PREPARE_METADATA) {
		*entry = (struct registry_metadata){.key = w->word[1], .key_len = strlen(w->word[1]),
						    .value = (const uint8_t *)w->word[2], .value_len = strlen(w->word[2])};
		ask->metadata = entry;
		ask->metadata_count = 1;
		if (w->hex)
			return read_hex(&entry->value, &entry->value_len, w, "VALUE", w->word[2]);
	}
	return CLI_OK;
}

int cli_agent_words_check(struct cli_agent_words *w, enum prepare_verb verb)
{
	bool looks = w->dry_run || w->typed_data;
	struct u256 seconds = u256_from_u64(0);

	if (w->timeout && (u256_parse_decimal(&seconds, w->timeout, strlen(w->timeout)) != 0 || u256_bits(&seconds) > 31 ||
			   u256_is_zero(&seconds)))
		return wrong("--timeout", w->timeout, "seconds are wanted");
	w->wait_s = (unsigned)seconds.limb[0];
	if (!w->key && !looks)
		return wrong("--key", "missing", "name the key file of the account that sends; see `kedge keygen agent --out FILE`");
	if (w->from && (w->key || !looks))
		return wrong("--from", w->from, "it goes with --dry-run or --typed-data, without --key");
	if (verb == PREPARE_REGISTER && !w->key && !w->from)
		return wrong("--from", "missing", "name the account that would send, or its --key");
	return CLI_OK;
}

void cli_agent_words_clear(struct cli_agent_words *w)
{
	for (size_t i = 0; i < w->nheld; i++)
		free(w->held[i]);
}
