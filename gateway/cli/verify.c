/* kedge verify: a receipt, an agent proof (verify_proof.c) or a signed document (verify_signed.c), against what the verifier trusts.
 * Receipts and proofs offline, but for what the policy's RPC says about the anchor or the block. */
#include "eth/abi.h"
#include "eth/rpc.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/text.h"
#include "gateway/cli/verify.h"
#include "gateway/identity/agent_proof.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: kedge verify RECEIPT --policy FILE [--level LEVEL] [--offline] [--json]\n"
	"       kedge verify PROOF [--agent AGENT] [--policy FILE] [--rpc URL] [--block HASH] [--level final] [--offline] [--json]\n"
	"       kedge verify DOCUMENT --did DID | --key KEY [--document FILE | --url URL] [--purpose PURPOSE] [--domain TEXT] [--challenge TEXT]\n"
	"                    [--at TIME] [--json]\n\n"
	"Checks a receipt, or a proof of an agent (a file, or - for standard input), and prints one line a check.\n"
	"Exit 0: it holds at that level or above. 3: it holds, but not yet (or not confirmed) up there. 1: something does not match.\n"
	"4: it holds, but the endpoint did not answer (proofs). A proof is confirmed only if its block is, and if --agent or the policy\n"
	"names its registry: anyone may deploy another one with the same code.\n\n"
	"  --agent AGENT  the agent you mean: a proof of another one does not hold. CHAIN:0xREGISTRY:42 or eip155:CHAIN/erc721:0xREGISTRY/42;\n"
	"                 or 42 or CHAIN:42, of the policy's first registry (of that chain)\n"
	"  --policy FILE  whom you trust: the log's key, the contract, a JSON-RPC endpoint, registries of agents and their implementations\n"
	"                 (see `kedge policy --help`); for a proof it may be left out\n"
	"  --level LEVEL  logged, published, anchored (default) or final; of a proof's block: final, or else safe\n"
	"  --rpc URL      ask there whether a proof's block is the chain's, instead of at the policy's endpoint\n"
	"  --block HASH   the hash of a block you trust: a proof of another one does not hold\n"
	"  --offline      ask nobody\n"
	"  --json         print JSON\n\n"
	"A document signed with a Data Integrity proof (eddsa-jcs-2022, as `kedge sign` makes it) is judged by the key that its proof names\n"
	"and the DID's document lists. Exit 0: it holds. 1: it does not. 4: the DID could not be resolved now.\n\n"
	"  --did DID         whose document it must be\n"
	"  --key KEY         or which Ed25519 key must have signed it, as Multikey (z6Mk...)\n"
	"  --document FILE   the DID's document; else the gateway running here is asked for it\n"
	"  --url URL         ask that gateway instead\n"
	"  --purpose, --domain, --challenge  what the proof must have been made for\n"
	"  --at TIME         judge as of then, not now: whether it had expired, and was made";

/* roots(size) at the receipt's block; "0x" there means that the contract did not exist yet, and so held nothing. */
static void read_block_root(struct receipt_chain *chain, const struct eth_rpc_result *result)
{
	size_t length = 0;

	chain->has_block_root = eth_rpc_result_data(chain->block_root, &length, sizeof(chain->block_root), result) == 0 &&
				(length == 0 || length == 32);
}

static void read_chain(struct receipt_chain *chain, const struct receipt_question *question, const struct eth_rpc_answer *answer)
{
	const struct eth_rpc_result *r = answer->results;
	struct eth_rpc_block block;
	struct eth_hash root, digest;
	uint8_t *code = NULL;
	size_t length = 0;

	chain->has_chain_id = eth_rpc_result_u64(&chain->chain_id, &r[0]) == 0;
	if (eth_rpc_result_block(&block, &r[1]) == 0) {
		chain->has_safe = true;
		chain->safe = block.number;
	}
	if (eth_rpc_result_block(&block, &r[2]) == 0) {
		chain->has_finalized = true;
		chain->finalized = block.number;
	}
	if (eth_rpc_result_data_take(&code, &length, &r[3]) == 0) {
		keccak256(&digest, code, length);
		memcpy(chain->code_hash, digest.bytes, 32);
		chain->has_code_hash = true;
		free(code);
	}
	if (eth_rpc_result_hash(&root, &r[4]) == 0) {
		memcpy(chain->root, root.bytes, 32);
		chain->has_root = true;
	}
	if (eth_rpc_result_hash(&root, &r[6]) == 0) {
		memcpy(chain->final_root, root.bytes, 32);
		chain->has_final_root = true;
	}
	read_block_root(chain, &r[7]);
	/* a block that is not there, though one above it is safe, is an answer: the receipt names one that is not canonical */
	switch (eth_rpc_result_block(&block, &r[5])) {
	case 0:
		memcpy(chain->block_hash, block.hash.bytes, 32);
		chain->has_block_hash = block.number == question->block_number;
		break;
	case -ENOENT:
		chain->has_block_hash = chain->has_safe && question->block_number <= chain->safe;
		break;
	default:
		break;
	}
}

static int ask_chain(struct receipt_chain *chain, const struct receipt_question *question, const char *url)
{
	struct eth_rpc_config config = {.url = url};
	struct event_base *base = event_base_new();
	struct eth_rpc_at safe = eth_rpc_at_tag(ETH_RPC_SAFE), finalized = eth_rpc_at_tag(ETH_RPC_FINALIZED),
			  at = eth_rpc_at_number(question->block_number);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc *rpc = NULL;
	struct eth_rpc_calls calls;
	struct eth_address contract;
	struct abi_writer writer;
	uint8_t selector[4], call[36];
	size_t length;
	int rc;

	memcpy(contract.bytes, question->contract, 20);
	abi_selector(selector, "roots(uint64)");
	abi_writer_init(&writer, call, sizeof(call));
	abi_put_selector(&writer, selector);
	abi_open(&writer, 1);
	abi_put_u64(&writer, question->size);
	abi_close(&writer);
	rc = abi_writer_finish(&writer, &length);
	if (rc == 0)
		rc = base ? eth_rpc_new(&rpc, base, &config) : -ENOMEM;
	if (rc != 0) {
		cli_error("the policy's rpc cannot be used: %s", url);
		if (base)
			event_base_free(base);
		return CLI_USAGE;
	}
	eth_rpc_calls_init(&calls);
	eth_rpc_add_chain_id(&calls);
	eth_rpc_add_block(&calls, &safe);
	eth_rpc_add_block(&calls, &finalized);
	eth_rpc_add_code(&calls, &contract, &safe);
	eth_rpc_add_call(&calls, &contract, call, length, &safe);
	eth_rpc_add_block(&calls, &at);
	eth_rpc_add_call(&calls, &contract, call, length, &finalized);
	eth_rpc_add_call(&calls, &contract, call, length, &at);
	rc = eth_rpc_wait(&answer, rpc, &calls, 15000);
	if (rc == 0)
		read_chain(chain, question, answer);
	else
		cli_error("the policy's rpc does not answer: %s", eth_rpc_last_error(rpc));
	eth_rpc_answer_free(answer);
	eth_rpc_calls_clear(&calls);
	eth_rpc_free(rpc);
	event_base_free(base);
	return rc == 0 ? CLI_OK : CLI_UNREACHABLE;
}

static void print_report(const struct receipt_report *report, bool json)
{
	if (json) {
		json_auto_t *checks = json_array();
		json_auto_t *out = NULL;

		for (size_t i = 0; i < report->count; i++)
			json_array_append_new(checks, json_pack("{s:s, s:s, s:o}", "name", report->check[i].name, "verdict",
								receipt_verdict_text(report->check[i].verdict), "text",
								cli_json_text(report->check[i].text)));
		out = json_pack("{s:O, s:b, s:s, s:s, s:s, s:s, s:I}", "checks", checks, "failed", report->failed, "level",
				report->confirmed ? receipt_level_text(report->level) : "none", "uid", report->uid, "issuer",
				report->issuer, "subject", report->subject, "seq", (json_int_t)report->seq);
		json_dumpf(out, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
		return;
	}
	for (size_t i = 0; i < report->count; i++) {
		printf("%-11s %-12s ", receipt_verdict_text(report->check[i].verdict), report->check[i].name);
		cli_print(stdout, report->check[i].text);
		putchar('\n');
	}
	if (report->failed)
		puts("does not hold");
	else if (report->confirmed)
		printf("holds: %s at seq %ju, %s\n", report->uid, (uintmax_t)report->seq, receipt_level_text(report->level));
}

static int judge_receipt(const char *receipt, size_t length, enum receipt_level wanted, const struct cli_verify_how *how)
{
	const struct receipt_policy *policy = how->policy;
	struct receipt_question question;
	struct receipt_chain chain = {0};
	struct receipt_report report;
	bool asked = false;

	if (!how->offline && policy->rpc[0] && receipt_question(&question, (const uint8_t *)receipt, length, policy) == 0)
		asked = ask_chain(&chain, &question, policy->rpc) == CLI_OK;
	receipt_verify(&report, (const uint8_t *)receipt, length, policy, asked ? &chain : NULL);
	print_report(&report, how->json);
	if (report.failed || !report.confirmed)
		return CLI_FALSE;
	return report.level >= wanted ? CLI_OK : CLI_NOT_YET;
}

static int read_policy(struct receipt_policy *policy, const char *path)
{
	size_t length = 0;
	char *bytes = cli_read_file(&length, path, 65536);
	char why[256];
	int rc;

	if (!bytes)
		return CLI_USAGE;
	rc = receipt_policy_parse(policy, why, sizeof(why), (const uint8_t *)bytes, length);
	free(bytes);
	if (rc != 0)
		cli_error("%s: %s", path, why);
	return rc == 0 ? CLI_OK : CLI_USAGE;
}

/* By its first member, or its type: a proof that was damaged should still be judged as one. */
static bool is_proof(const char *text, size_t length)
{
	static const char first[] = "{\"agent\":";
	json_auto_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);

	return agent_proof_is(value) || (length >= sizeof(first) - 1 && memcmp(text, first, sizeof(first) - 1) == 0);
}

static bool is_signed(const char *text, size_t length)
{
	json_auto_t *value = json_loadb(text, length, 0, NULL);

	return cli_is_signed(value);
}

static bool for_signed(const struct cli_verify_how *how)
{
	return how->did || how->key || how->document || how->url || how->purpose || how->domain || how->challenge || how->at;
}

static int judge_signed(const char *text, size_t length, struct cli_verify_how *how)
{
	if (!how->did == !how->key || (how->key && (how->document || how->url)) || (how->document && how->url) || how->policy || how->rpc ||
	    how->block || how->agent || how->offline) {
		fprintf(stderr, "kedge: a signed document wants --did DID (with --document FILE or --url URL, if need be) or --key KEY\n%s\n", usage);
		return CLI_USAGE;
	}
	return cli_verify_signed(text, length, how);
}

static int judge(const char *path, enum receipt_level wanted, struct cli_verify_how *how)
{
	size_t length = 0;
	char *text = cli_read_file(&length, path, AGENT_PROOF_MAX + 1);
	int rc = CLI_USAGE;

	if (!text)
		return CLI_USAGE;
	how->final = wanted == RECEIPT_FINAL;
	if (for_signed(how) || is_signed(text, length))
		rc = judge_signed(text, length, how);
	else if (is_proof(text, length))
		rc = cli_verify_proof(text, length, how);
	else if (!how->policy || how->rpc || how->block || how->agent)
		fprintf(stderr, "kedge: %s\n%s\n", how->policy ? "--agent, --rpc and --block are for agent proofs" : "--policy FILE is missing", usage);
	else
		rc = judge_receipt(text, length, wanted, how);
	free(text);
	return rc;
}

int cli_verify(int argc, char **argv)
{
	const char *file[1] = {NULL}, *policy_path = NULL, *level = "anchored";
	struct cli_verify_how how = {0};
	bool done;
	const struct cli_option options[] = {{.name = "policy", .value = &policy_path}, {.name = "level", .value = &level},
					     {.name = "rpc", .value = &how.rpc}, {.name = "block", .value = &how.block}, {.name = "agent", .value = &how.agent},
					     {.name = "offline", .flag = &how.offline}, {.name = "json", .flag = &how.json},
					     {.name = "did", .value = &how.did}, {.name = "key", .value = &how.key},
					     {.name = "document", .value = &how.document}, {.name = "url", .value = &how.url},
					     {.name = "purpose", .value = &how.purpose}, {.name = "domain", .value = &how.domain},
					     {.name = "challenge", .value = &how.challenge}, {.name = "at", .value = &how.at},
					     {.name = NULL}};
	struct receipt_policy policy;
	enum receipt_level wanted;
	int rc = cli_parse(&done, file, NULL, argc, argv, options, 1, 1, usage);

	if (rc != CLI_OK || done)
		return rc;
	if (receipt_level_parse(&wanted, level) != 0) {
		fprintf(stderr, "kedge: no such level\n%s\n", usage);
		return CLI_USAGE;
	}
	if (policy_path) {
		rc = read_policy(&policy, policy_path);
		if (rc != CLI_OK)
			return rc;
		how.policy = &policy;
	}
	if (sodium_init() < 0)
		return CLI_FALSE;
	return judge(file[0], wanted, &how);
}
