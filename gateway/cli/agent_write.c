/* kedge agent register, wallet, unset-wallet, uri, metadata, transfer: the same operation as the gateway's prepare routes,
 * then signed, sent and waited for. */
#include "gateway/cli/agent.h"
#include "gateway/keyfile.h"

#include "gateway/identity/agent.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RPC_MS = 15000 };

static int unreachable(const struct cli_agent_call *call, int err)
{
	const char *why = eth_rpc_last_error(call->chain.rpc);

	if (err == -EOVERFLOW) {
		cli_error("this is too large for one transaction: texts together have at most 64 KiB");
		return CLI_FALSE;
	}
	cli_error("the chain cannot be read: %s; check the settings rpc_url and chain_id, or run `kedge doctor`", *why ? why : strerror(-err));
	return CLI_UNREACHABLE;
}

/* CLI_OK with *plan filled, or printed why not. */
static int plan(struct prepare_plan *out, struct cli_agent_call *call)
{
	struct prepare_refusal refusal;
	int err = prepare_wait(out, &refusal, call->chain.rpc, call->chain.signatures, &call->ask, RPC_MS);

	if (err < 0)
		return unreachable(call, err);
	if (err == 0)
		return CLI_OK;
	cli_agent_print_refusal(call, &refusal);
	return CLI_FALSE;
}

/* Who would send when nobody is named: the owner, who may always. */
static int take_owner(struct cli_agent_call *call)
{
	struct eth_rpc_at latest = eth_rpc_at_tag(ETH_RPC_LATEST);
	struct agent_state state = {0};
	int err = agent_wait_at(&state, NULL, call->chain.rpc, &call->ask.agent, &latest, false, RPC_MS);

	if (err != 0 && err != -ENXIO)
		return unreachable(call, err);
	/* one that does not exist is refused by prepare, whoever sends */
	call->ask.from = state.exists ? state.owner : call->ask.agent.registry;
	return CLI_OK;
}

/* The new wallet's own key signs what the first step says. */
static int sign_consent(struct cli_agent_call *call, const char *path)
{
	struct eth_signature signature;
	struct prepare_plan first;
	uint8_t *secret = NULL;
	int rc = cli_key(&secret, &call->ask.wallet, &call->chain, path);

	if (rc != CLI_OK)
		return rc;
	rc = plan(&first, call);
	if (rc == CLI_OK && signature_sign(call->chain.signatures, &signature, &first.digest, secret) != 0)
		rc = CLI_FALSE;
	keyfile_free(secret);
	if (rc != CLI_OK)
		return rc;
	signature_serialize(call->consent, &signature);
	call->ask.deadline = first.deadline;
	call->ask.signature = call->consent;
	call->ask.signature_len = SIGNATURE_SIZE;
	prepare_plan_clear(&first);
	return CLI_OK;
}

static int send_plan(struct cli_agent_call *call, const struct prepare_plan *plan)
{
	struct tx tx = {.type = TX_DYNAMIC_FEE, .chain_id = call->chain.chain_id, .nonce = plan->facts.nonce,
			.max_priority_fee = plan->facts.tip, .max_fee = plan->max_fee, .gas_limit = plan->gas,
			.to = call->ask.agent.registry, .data = plan->data, .data_len = plan->data_len};
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_receipt receipt;
	struct u256 id = call->ask.agent.id;
	int rc;

	if (u256_cmp(&plan->facts.balance, &plan->fee) < 0) {
		cli_error("not sent: the account cannot pay for it; fund it and try again");
		return CLI_FALSE;
	}
	rc = cli_send(&answer, &receipt, &call->chain, &tx, call->key, call->wait, call->wait_s);
	if (rc == CLI_OK && call->ask.verb == PREPARE_REGISTER &&
	    registry_read_registered(&id, &call->ask.agent.registry, &receipt) != 0) {
		cli_error("mined, but the receipt has no Registered event: is this the registry?");
		rc = CLI_FALSE;
	}
	if (rc == CLI_OK)
		cli_agent_print_result(call, plan, &id, &receipt, &answer->results[0]);
	eth_rpc_answer_free(answer);
	return rc;
}

static int act(struct cli_agent_call *call, const struct cli_agent_words *w)
{
	struct prepare_plan made;
	int rc = CLI_OK;

	if (w->key)
		rc = cli_key(&call->key, &call->ask.from, &call->chain, w->key);
	else if (!w->from)
		rc = take_owner(call);
	if (rc == CLI_OK && w->wallet_key)
		rc = sign_consent(call, w->wallet_key);
	if (rc == CLI_OK)
		rc = plan(&made, call);
	if (rc != CLI_OK)
		return rc;
	if (call->dry_run || call->typed_data) {
		rc = cli_agent_print_answer(call, &made);
	} else {
		cli_agent_print_plan(call, &made);
		rc = send_plan(call, &made);
	}
	prepare_plan_clear(&made);
	return rc;
}

static int on_chain(struct cli_agent_call *call, const struct cli_agent_words *w, const struct chains *chains)
{
	const struct chains_chain *chain;
	int rc;

	chain = chains_find(chains, call->ask.agent.chain);
	rc = cli_chain_open(&call->chain, chain->urls, chain->id);
	if (rc != CLI_OK)
		return rc;
	rc = act(call, w);
	keyfile_free(call->key);
	cli_chain_close(&call->chain);
	return rc;
}

int cli_agent_write(enum prepare_verb verb, int argc, char **argv)
{
	struct cli_agent_call call = {.ask = {.verb = verb, .uri = ""}};
	struct cli_agent_words w = {.wait = "mined"};
	struct config_error err;
	struct chains chains;
	bool done;
	int rc = cli_agent_words_parse(&w, &done, verb, argc, argv);

	if (rc != CLI_OK || done)
		return rc;
	call.json = w.json;
	call.dry_run = w.dry_run;
	call.typed_data = w.typed_data;
	rc = cli_wait_parse(&call.wait, w.wait);
	if (rc == CLI_OK)
		rc = cli_agent_words_check(&w, verb);
	call.wait_s = w.wait_s;
	if (rc == CLI_OK)
		rc = cli_config(&call.config);
	if (rc == CLI_OK && chains_load(&chains, &err, &call.config) != 0) {
		cli_error("%s", err.text);
		rc = CLI_USAGE;
	}
	if (rc == CLI_OK)
		rc = cli_agent_words_ask(&call.ask, &w, &chains);
	if (rc == CLI_OK)
		rc = on_chain(&call, &w, &chains);
	cli_agent_words_clear(&w);
	return rc;
}
