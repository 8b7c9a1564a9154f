/* The words of `kedge participant claim, link, …`: which options a verb takes, and what they mean here. */
#include "did/jcs.h"
#include "did/participant_document.h"
#include "gateway/cli/agent.h"
#include "gateway/cli/participant.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const usages[] = {
	[PARTICIPANT_CLAIM] = "usage: kedge participant claim HANDLE --key FILE\n\nTakes a handle: 3 to 20 of a-z, 0-9, _ and -.\n",
	[PARTICIPANT_LINK] =
		"usage: kedge participant link HANDLE OBJECT --key FILE [--with FILE] [--role controller]\n\n"
		"OBJECT is an account (0x…, or eip155:CHAIN:0x…), an agent (42, CHAIN:42 or CHAIN:0xREGISTRY:42) or a did:web of another host.\n"
		"An account has to sign as well, and so has an agent's owner who is none of the participant's accounts.\n\n"
		"  --with FILE  the second account's key\n"
		"  --role R     account [the default] or controller: it may act for the participant\n",
	[PARTICIPANT_UNLINK] = "usage: kedge participant unlink HANDLE OBJECT --key FILE\n\n"
			       "A controller unlinks anything; an account itself; an agent's owner the agent.\n",
	[PARTICIPANT_PROFILE] = "usage: kedge participant profile HANDLE FILE --key FILE\n\n"
				"FILE is a JSON object (- for standard input); docs/formats.md section 15 lists its members.\n",
	[PARTICIPANT_ERASE] =
		"usage: kedge participant erase HANDLE --key FILE --yes\n"
		"       kedge participant erase HANDLE --operator --reason request|law|mistake [--request HEX] --yes\n\n"
		"For ever: what the log's lines commit to goes, the lines stay, and nobody gets the handle again.\n\n"
		"  --operator     the operator wants it, not the participant\n"
		"  --reason R     which of the three; the log says it\n"
		"  --request HEX  SHA-256 of the document that asks for it; the log says it\n"
		"  --timeout S    how long the operator waits for the gateway to do it [60]\n"
		"  --yes          meant\n",
};

static const char common_usage[] = "\n  --key FILE   the key file of the account that signs\n"
				   "  --chain ID   the chain of that account [the gateway's first]\n"
				   "  --json       print the gateway's answer\n"
				   "  --url URL    ask that gateway instead of the one running here";

int cli_participant_words_parse(struct cli_participant_words *w, bool *done, enum participant_verb verb, int argc, char **argv)
{
	const bool links = verb == PARTICIPANT_LINK, erases = verb == PARTICIPANT_ERASE;
	const size_t words = verb == PARTICIPANT_CLAIM || erases ? 1 : 2;
	struct cli_option options[12] = {{.name = "key", .value = &w->key}, {.name = "chain", .value = &w->chain},
					 {.name = "url", .value = &w->url}, {.name = "json", .flag = &w->json}};
	const struct {
		bool on;
		struct cli_option option;
	} more[] = {
		{links, {.name = "with", .value = &w->with}},
		{links, {.name = "role", .value = &w->role}},
		{erases, {.name = "yes", .flag = &w->yes}},
		{erases, {.name = "operator", .flag = &w->operator_asks}},
		{erases, {.name = "reason", .value = &w->reason}},
		{erases, {.name = "request", .value = &w->request}},
		{erases, {.name = "timeout", .value = &w->timeout}},
	};
	char usage[2048];
	size_t at = 4;

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		if (more[i].on)
			options[at++] = more[i].option;
	snprintf(usage, sizeof(usage), "%s%s", usages[verb], common_usage);
	return cli_parse(done, w->word, NULL, argc, argv, options, words, words, usage);
}

static int wrong(const char *what, const char *text, const char *right)
{
	cli_error("%s: %s: %s", what, text, right);
	return CLI_USAGE;
}

static int load_names(struct cli_participant_change *change, const struct cli_participant_words *w)
{
	struct u256 chain;
	struct config_error err;

	if (cli_config(&change->config) != CLI_OK)
		return CLI_USAGE;
	if (chains_load(&change->chains, &err, &change->config) != 0) {
		cli_error("%s", err.text);
		return CLI_USAGE;
	}
	for (size_t i = 0; i < change->chains.nchains; i++)
		change->chain_ids[i] = change->chains.chains[i].id;
	change->agents = (struct agent_defaults){.host = change->config.host, .chain = change->chains.registries[0].chain_id,
						 .registry = change->chains.registries[0].address};
	change->terms = (struct participant_terms){.agents = &change->agents, .chains = change->chain_ids, .nchains = change->chains.nchains};
	change->chain = change->agents.chain;
	if (w->chain && (u256_parse_decimal(&chain, w->chain, strlen(w->chain)) != 0 || u256_to_u64(&change->chain, &chain) != 0 ||
			 !chains_find(&change->chains, change->chain)))
		return wrong("--chain", w->chain, "a chain that the settings name is wanted");
	return CLI_OK;
}

static int take_account(struct participant_object *out, const char *text, uint64_t chain)
{
	struct eip155_account account = {.chain = chain};
	int rc = address_parse(&account.address, text, strlen(text));

	if (rc == -EILSEQ)
		return wrong("account", text, "the letter case does not fit the EIP-55 checksum: a digit is likely wrong");
	if (rc != 0 && eip155_account_parse(&account, text, strlen(text)) != 0 && did_pkh_parse(&account, text, strlen(text)) != 0)
		return wrong("account", text, "0x and 40 hex digits are wanted, or eip155:CHAIN:0xADDRESS");
	participant_object_account(out, &account);
	return CLI_OK;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* An agent by its id or key text, an account, or another host's DID. */
static int read_object(struct cli_participant_change *change, const char *text)
{
	struct participant_object *object = &change->said.object;
	char did[AGENT_DID_SIZE];
	struct agent_key key;
	int rc;

	if (begins(text, "0x") || begins(text, "did:pkh:") || (begins(text, "eip155:") && !strchr(text, '/')))
		return take_account(object, text, change->chain);
	if (begins(text, "did:")) {
		rc = participant_object_parse(object, text, strlen(text), &change->terms);
		return rc == 0 ? CLI_OK : wrong("object", text, "a did:web of another host in lower case, or an agent's DID of this host");
	}
	rc = cli_agent_key(&key, &change->chains, text);
	if (rc != CLI_OK)
		return rc;
	if (agent_did_format(did, &key, &change->agents) < 0 ||
	    participant_object_parse(object, did, strlen(did), &change->terms) != 0)
		return wrong("object", text, "an account, an agent's id or a did:web is wanted");
	return CLI_OK;
}

static int read_profile(struct cli_participant_change *change, const char *path)
{
	char pointer[PARTICIPANT_POINTER_SIZE], bytes[PARTICIPANT_PROFILE_MAX];
	struct jcs_buffer canonical = {.data = bytes, .cap = sizeof(bytes), .fixed = true};
	const char *why = "";
	json_error_t error;
	uint8_t hash[32];
	size_t len = 0;
	char *text = cli_read_file(&len, path, (size_t)8 * PARTICIPANT_PROFILE_MAX);

	if (!text)
		return CLI_USAGE;
	change->profile = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	free(text);
	if (!change->profile)
		return wrong("profile", path, error.text);
	if (participant_profile_check(pointer, &why, change->profile) != 0 || jcs_write(&canonical, change->profile) != 0) {
		cli_error("profile: %s%s%s: %s", path, pointer[0] ? " at " : "", pointer, why);
		return CLI_USAGE;
	}
	crypto_hash_sha256(hash, (const uint8_t *)canonical.data, canonical.len);
	participant_object_content(&change->said.object, hash);
	return CLI_OK;
}

static int read_role(struct cli_participant_change *change, const char *role)
{
	if (!role)
		return CLI_OK;
	if (strcmp(role, "controller") != 0 && strcmp(role, "account") != 0)
		return wrong("--role", role, "account or controller");
	if (change->said.object.kind != PARTICIPANT_ACCOUNT)
		return wrong("--role", role, "only an account that is linked has a role");
	change->said.controller = strcmp(role, "controller") == 0;
	return CLI_OK;
}

int cli_participant_words_change(struct cli_participant_change *change, const struct cli_participant_words *w, enum participant_verb verb)
{
	int rc = load_names(change, w);

	if (rc != CLI_OK)
		return rc;
	change->said.verb = verb;
	if (participant_handle_fold(change->said.handle, w->word[0], strlen(w->word[0])) != 0)
		return wrong("handle", w->word[0], "3 to 20 of a-z, 0-9, _ and - are wanted");
	if (!w->key)
		return wrong("--key", "missing", "name the key file of the account that signs; see `kedge keygen agent --out FILE`");
	if (verb == PARTICIPANT_ERASE && !w->yes)
		return wrong("erase", w->word[0], "this is for ever; say --yes if you mean it");
	if (verb == PARTICIPANT_PROFILE)
		return read_profile(change, w->word[1]);
	if (verb == PARTICIPANT_LINK || verb == PARTICIPANT_UNLINK)
		rc = read_object(change, w->word[1]);
	return rc == CLI_OK ? read_role(change, w->role) : rc;
}

void cli_participant_words_clear(struct cli_participant_change *change)
{
	json_decref(change->profile);
}
