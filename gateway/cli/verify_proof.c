/* kedge verify of an AgentProof object: what it proves is worked out here, offline; that its block is the chain's is asked of an
 * endpoint the verifier trusts, or known to the verifier already (--block). That it is of the agent, the registry and the chain
 * that are meant can only be said by the verifier (--agent, the policy): an object of another one is just as true. */
#include "eth/hex.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/text.h"
#include "gateway/cli/verify.h"
#include "gateway/identity/agent_proof.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKS_MAX = 12, TEXT_SIZE = 600, RPC_MS = 15000 };

struct check {
	const char *name, *verdict;
	char text[TEXT_SIZE];
};

struct report {
	struct check checks[CHECKS_MAX];
	size_t n;
	bool failed, unreachable, asked; /* asked: an endpoint of the proof's chain answered */
	bool untied; /* nobody said that the registry, or the chain, is the one meant */
	char agent[AGENT_KEY_TEXT_SIZE]; /* as proven, or as the object states; "" if it states none */
	const char *confirmed; /* "none", "trusted", "safe", "final" */
};

__attribute__((format(printf, 4, 5))) static void say(struct report *report, const char *verdict, const char *name,
						      const char *format, ...)
{
	struct check *check = &report->checks[report->n++];
	va_list args;

	check->name = name;
	check->verdict = verdict;
	va_start(args, format);
	vsnprintf(check->text, sizeof(check->text), format, args);
	va_end(args);
	report->failed |= strcmp(verdict, "FAILED") == 0;
}

/* ---- what the object proves ---- */

/* First of all whose proof it is. */
static void say_agent(struct report *report, int err, const struct agent_proof *proof, const char *text, size_t len, const char *why)
{
	json_auto_t *object = err == 0 ? NULL : json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const char *stated = json_string_value(json_object_get(object, "agent"));
	struct agent_key key = proof->key;

	if (err == 0 || (stated && agent_key_parse(&key, stated, strlen(stated)) == 0))
		agent_key_format(report->agent, &key);
	if (err == -EXDEV)
		say(report, "FAILED", "agent", "%s; %s", report->agent, why);
	else
		say(report, err == 0 ? "ok" : "unconfirmed", "agent", "%s%s", report->agent[0] ? report->agent : "none that can be read",
		    err == 0 || !report->agent[0] ? "" : ", as the object says");
}

static void say_uri(struct report *report, const struct agent_proof *proof)
{
	char shown[400];
	bool cut;

	if (proof->uri_kind == AGENT_PROOF_URI_OMITTED) {
		say(report, "ok", "uri", "%zu bytes, left out of the proof", proof->uri_len);
		return;
	}
	cut = cli_escape(shown, sizeof(shown), proof->uri, proof->uri_len) < proof->uri_len;
	say(report, "ok", "uri", "%s%s (%zu bytes)", shown, cut ? "..." : "", proof->uri_len);
}

static void say_proven(struct report *report, const struct agent_proof *proof)
{
	char address[ADDRESS_TEXT_SIZE], hash[HEX_DATA_SIZE(32)];

	hex_encode_data(hash, proof->header.hash.bytes, 32);
	say(report, "ok", "header", "of block %" PRIu64 ", %s", proof->header.number, hash);
	hex_encode_data(hash, proof->implementation_code.bytes, 32);
	address_format_eip55(address, &proof->implementation);
	say(report, "ok", "code", "the registry runs %s, code %s, whose storage is known", address, hash);
	if (!proof->exists) {
		say(report, "ok", "absent", "%s was not registered", report->agent);
		return;
	}
	address_format_eip55(address, &proof->owner);
	say(report, "ok", "owner", "%s", address);
	address_format_eip55(address, &proof->wallet);
	say(report, "ok", "wallet", "%s", proof->has_wallet ? address : "none");
	say_uri(report, proof);
}

/* ---- whether the block is the chain's ---- */

static void judge_block(struct report *report, const struct agent_proof *proof, const struct eth_rpc_result *results)
{
	struct eth_rpc_block block, safe, final;
	int err = eth_rpc_result_block(&block, &results[0]);
	bool has_safe = eth_rpc_result_block(&safe, &results[1]) == 0, has_final = eth_rpc_result_block(&final, &results[2]) == 0;
	uint64_t number = proof->header.number;

	if (err == 0 && (block.number != number || memcmp(block.hash.bytes, proof->header.hash.bytes, 32) != 0)) {
		say(report, "FAILED", "block", "the chain's block %" PRIu64 " is another one", number);
		return;
	}
	if (err == -ENOENT && has_safe && number <= safe.number) {
		say(report, "FAILED", "block", "the chain has no block %" PRIu64, number);
		return;
	}
	if (err != 0) {
		say(report, "unconfirmed", "block", "the chain's node does not know block %" PRIu64, number);
		return;
	}
	if (has_final && number <= final.number)
		report->confirmed = "final";
	else if (has_safe && number <= safe.number)
		report->confirmed = "safe";
	say(report, strcmp(report->confirmed, "none") == 0 ? "unconfirmed" : "ok", "block", "is the chain's block %" PRIu64 ", %s", number,
	    strcmp(report->confirmed, "none") == 0 ? "not safe yet" : report->confirmed);
}

static void ask_block(struct report *report, const struct agent_proof *proof, const char *url)
{
	struct eth_rpc_config config = {.url = url, .chain_id = proof->key.chain};
	struct eth_rpc_at at = eth_rpc_at_number(proof->header.number), safe = eth_rpc_at_tag(ETH_RPC_SAFE),
			  final = eth_rpc_at_tag(ETH_RPC_FINALIZED);
	struct event_base *base = event_base_new();
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc *rpc = NULL;
	struct eth_rpc_calls calls;
	int err = base ? eth_rpc_new(&rpc, base, &config) : -ENOMEM;

	eth_rpc_calls_init(&calls);
	eth_rpc_add_block(&calls, &at);
	eth_rpc_add_block(&calls, &safe);
	eth_rpc_add_block(&calls, &final);
	if (err == 0)
		err = eth_rpc_wait(&answer, rpc, &calls, RPC_MS);
	if (err == 0) {
		report->asked = true; /* eth_rpc_new() was told the chain: who is of another one does not answer */
		judge_block(report, proof, answer->results);
	} else {
		report->unreachable = true;
		say(report, "unconfirmed", "block", "the endpoint cannot be asked: %s",
		    rpc ? eth_rpc_last_error(rpc) : "it is no http URL");
	}
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&calls);
	eth_rpc_free(rpc);
	if (base)
		event_base_free(base);
}

/* The policy's endpoint is one of the anchor's chain. */
static const char *rpc_of(const struct agent_proof *proof, const struct cli_verify_how *how)
{
	if (how->offline)
		return NULL;
	if (how->rpc)
		return how->rpc;
	return how->policy && how->policy->rpc[0] && how->policy->chain_id == proof->key.chain ? how->policy->rpc : NULL;
}

static void confirm(struct report *report, const struct agent_proof *proof, const struct cli_verify_how *how)
{
	const char *rpc = rpc_of(proof, how);

	if (rpc) {
		ask_block(report, proof, rpc);
	} else if (how->block) {
		report->confirmed = "trusted";
		say(report, "ok", "block", "is the one given with --block");
	} else {
		say(report, "unconfirmed", "block", "nobody was asked whether it is the chain's");
	}
}

/* ---- whether it is of the registry and the chain that are meant ---- */

static bool same_registry(const struct agent_key *a, const struct agent_key *b)
{
	return memcmp(a->registry.bytes, b->registry.bytes, sizeof(a->registry.bytes)) == 0;
}

static void judge_registry(struct report *report, const struct agent_proof *proof, const struct cli_verify_how *how)
{
	bool named = how->policy && how->policy->names_registries, found = false;

	for (size_t i = 0; named && i < how->policy->nregistries; i++)
		found |= how->policy->registries[i].chain == proof->key.chain && same_registry(&how->policy->registries[i], &proof->key);
	if (named && !found) {
		say(report, "FAILED", "registry", "the policy names others");
	} else if (named || how->agent) {
		say(report, "ok", "registry", "%s", named ? "is one that the policy names" : "is that of --agent");
	} else {
		report->untied = true;
		say(report, "unconfirmed", "registry",
		    "nobody named it, and anyone may deploy one with this code: give --agent, or a policy with registries");
	}
}

/* A block's hash does not say which chain it is of; where the policy names this registry's address on several, neither does that. */
static void judge_chain(struct report *report, const struct agent_proof *proof, const struct cli_verify_how *how)
{
	uintmax_t chain = proof->key.chain;
	size_t n = 0;

	for (size_t i = 0; how->policy && i < how->policy->nregistries; i++)
		n += same_registry(&how->policy->registries[i], &proof->key);
	if (report->asked || how->agent || n == 1) {
		say(report, "ok", "chain", "eip155:%ju is that of %s", chain,
		    report->asked ? "the endpoint" : how->agent ? "--agent" : "the registry the policy names");
	} else {
		report->untied = true;
		say(report, "unconfirmed", "chain", "nothing says that the block is of eip155:%ju: give --agent, or an endpoint", chain);
	}
}

/* ---- the report ---- */

static json_t *proven_json(const struct agent_proof *proof)
{
	char address[ADDRESS_TEXT_SIZE], hash[HEX_DATA_SIZE(32)], key[AGENT_KEY_TEXT_SIZE], number[24];
	json_t *out;

	agent_key_format(key, &proof->key);
	hex_encode_data(hash, proof->header.hash.bytes, 32);
	snprintf(number, sizeof(number), "%" PRIu64, proof->header.number);
	out = json_pack("{s:s, s:{s:s, s:s}, s:b}", "agent", key, "block", "number", number, "hash", hash, "exists", proof->exists);
	if (!proof->exists)
		return out;
	address_format_eip55(address, &proof->owner);
	json_object_set_new(out, "owner", json_string(address));
	address_format_eip55(address, &proof->wallet);
	json_object_set_new(out, "wallet", proof->has_wallet ? json_string(address) : json_null());
	json_object_set_new(out, "uri", proof->uri ? json_stringn(proof->uri, proof->uri_len) : json_null());
	return out;
}

/* What is less than was asked for: exit_code() says the same. */
static const char *lacks(const struct report *report, const struct cli_verify_how *how)
{
	if (strcmp(report->confirmed, "none") == 0)
		return ", if that block is the chain's";
	return how->final && strcmp(report->confirmed, "safe") == 0 ? ", which is safe and not final yet" : "";
}

static void print_report(const struct report *report, const struct agent_proof *proof, bool proven, const struct cli_verify_how *how)
{
	const char *confirmed = report->untied ? "none" : report->confirmed;

	if (how->json) {
		json_auto_t *checks = json_array(), *out;

		for (size_t i = 0; i < report->n; i++)
			json_array_append_new(checks, json_pack("{s:s, s:s, s:o}", "name", report->checks[i].name, "verdict",
								report->checks[i].verdict, "text", cli_json_text(report->checks[i].text)));
		out = json_pack("{s:s, s:O, s:b, s:s, s:o*}", "agent", report->agent, "checks", checks, "failed", report->failed, "confirmed",
				confirmed, "proven", proven ? proven_json(proof) : NULL);
		json_dumpf(out, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
		return;
	}
	for (size_t i = 0; i < report->n; i++) {
		printf("%-11s %-12s ", report->checks[i].verdict, report->checks[i].name);
		cli_print(stdout, report->checks[i].text);
		putchar('\n');
	}
	if (report->failed)
		puts("does not hold");
	else
		printf("holds at block %" PRIu64 "%s%s\n", proof->header.number, lacks(report, how),
		       report->untied ? "; whether it is of the registry and chain you mean is not confirmed" : "");
}

static int exit_code(const struct report *report, const struct cli_verify_how *how)
{
	if (report->failed)
		return CLI_FALSE;
	if (report->unreachable)
		return CLI_UNREACHABLE;
	if (report->untied || strcmp(report->confirmed, "none") == 0 || (how->final && strcmp(report->confirmed, "safe") == 0))
		return CLI_NOT_YET;
	return CLI_OK;
}

/* The words of --agent as a key; what they leave out is zero there. Returns as snprintf(). */
static int write_key(char out[static AGENT_KEY_TEXT_SIZE], const char *text)
{
	static const char nobody[] = "0x0000000000000000000000000000000000000000";
	const char *first = strchr(text, ':'), *last = strrchr(text, ':');

	if (strncmp(text, "eip155:", 7) == 0)
		return snprintf(out, AGENT_KEY_TEXT_SIZE, "%s", text);
	if (!first || !last)
		return snprintf(out, AGENT_KEY_TEXT_SIZE, "eip155:0/erc721:%s/%s", nobody, text);
	if (first == last)
		return snprintf(out, AGENT_KEY_TEXT_SIZE, "eip155:%.*s/erc721:%s/%s", (int)(first - text), text, nobody, last + 1);
	return snprintf(out, AGENT_KEY_TEXT_SIZE, "eip155:%.*s/erc721:%.*s/%s", (int)(first - text), text, (int)(last - first - 1),
			first + 1, last + 1);
}

/* --agent: a whole key, or an id that the policy's registries make one. CLI_OK or CLI_USAGE. */
static int agent_of(struct agent_key *out, const struct cli_verify_how *how)
{
	const char *text = how->agent, *first = strchr(text, ':'), *last = strrchr(text, ':');
	char key[AGENT_KEY_TEXT_SIZE];
	int n = write_key(key, text);
	bool whole = first != last || strncmp(text, "eip155:", 7) == 0;

	for (char *p = key; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 'a' - 'A' : *p);
	if (strlen(text) >= sizeof(key) || n < 0 || (size_t)n >= sizeof(key) || agent_key_parse(out, key, (size_t)n) != 0) {
		cli_error("--agent is `42`, `CHAIN:42`, `CHAIN:0xREGISTRY:42` or `eip155:CHAIN/erc721:0xREGISTRY/42`");
		return CLI_USAGE;
	}
	for (size_t i = 0; !whole && how->policy && i < how->policy->nregistries; i++)
		if (!first || how->policy->registries[i].chain == out->chain) {
			out->chain = how->policy->registries[i].chain;
			out->registry = how->policy->registries[i].registry;
			return CLI_OK;
		}
	if (!whole)
		cli_error("--agent %s: %s; give CHAIN:0xREGISTRY:ID", text,
			  how->policy ? "the policy names no registry for that" : "without a --policy that names registries no id is whole");
	return whole ? CLI_OK : CLI_USAGE;
}

static int read_trust(struct agent_proof_trust *trust, struct agent_key *key, struct eth_hash *block, const struct cli_verify_how *how)
{
	if (how->policy) {
		trust->codes = how->policy->registry_codes;
		trust->ncodes = how->policy->nregistry_codes;
	}
	if (how->block && hex_decode_fixed(block->bytes, sizeof(block->bytes), how->block, strlen(how->block)) != 0) {
		cli_error("--block is 0x and 64 hex digits");
		return CLI_USAGE;
	}
	trust->block = how->block ? block : NULL;
	trust->key = how->agent ? key : NULL;
	return how->agent ? agent_of(key, how) : CLI_OK;
}

int cli_verify_proof(const char *text, size_t len, const struct cli_verify_how *how)
{
	struct agent_proof_trust trust = {.codes = &layout_code_2_0_0, .ncodes = 1};
	struct report report = {.confirmed = "none"};
	char why[AGENT_PROOF_WHY_SIZE];
	struct agent_proof proof;
	struct agent_key key;
	struct eth_hash block;
	int err = read_trust(&trust, &key, &block, how);

	if (err != CLI_OK)
		return err;
	if (len > 0 && text[len - 1] == '\n') /* of a text file */
		len--;
	err = agent_proof_verify(&proof, why, text, len, &trust);
	say_agent(&report, err, &proof, text, len, why);
	if (err == 0) {
		say(&report, "ok", "form", "canonical, and every node in it is needed");
		say_proven(&report, &proof);
		judge_registry(&report, &proof, how);
		confirm(&report, &proof, how);
		judge_chain(&report, &proof, how);
	} else if (err != -EXDEV) {
		say(&report, "FAILED", "proof", "%s%s", why,
		    strstr(why, ", code 0x") != NULL ? "; if you trust that code's storage, name its hash in registryCode of a --policy" : "");
	}
	print_report(&report, &proof, err == 0, how);
	agent_proof_clear(&proof);
	return exit_code(&report, how);
}
