#include "gateway/cli/send.h"

#include "eth/hex.h"
#include "gateway/cli/cli.h"
#include "gateway/identity/registry.h"
#include "gateway/keyfile.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RPC_MS = 15000, MINED_WAIT_S = 120, LEVEL_WAIT_S = 3600, POLL_MS = 200 };

int cli_chain_open(struct cli_chain *chain, const struct config *config)
{
	struct eth_rpc_config rpc = {.url = config->rpc_url, .chain_id = config->chain_id};
	uint8_t seed[32];

	memset(chain, 0, sizeof(*chain));
	if (sodium_init() < 0)
		return CLI_FALSE;
	randombytes_buf(seed, sizeof(seed));
	chain->chain_id = config->chain_id;
	chain->signatures = signature_context_new(seed);
	chain->base = event_base_new();
	if (!chain->signatures || !chain->base || eth_rpc_new(&chain->rpc, chain->base, &rpc) != 0) {
		cli_error("setting rpc_url: %s cannot be used", config->rpc_url);
		cli_chain_close(chain);
		return CLI_USAGE;
	}
	return CLI_OK;
}

void cli_chain_close(struct cli_chain *chain)
{
	eth_rpc_free(chain->rpc);
	if (chain->base)
		event_base_free(chain->base);
	signature_context_free(chain->signatures);
	memset(chain, 0, sizeof(*chain));
}

int cli_key(uint8_t **key, struct eth_address *address, const struct cli_chain *chain, const char *path)
{
	int rc = keyfile_read(key, path);

	if (rc != 0) {
		cli_error("%s: %s", path, keyfile_advice(rc));
		return CLI_FALSE;
	}
	if (signature_key_address(chain->signatures, address, *key) != 0) {
		cli_error("%s: not a usable secp256k1 key", path);
		keyfile_free(*key);
		return CLI_FALSE;
	}
	return CLI_OK;
}

int cli_wait_parse(enum cli_wait *out, const char *text)
{
	static const char *const names[] = {"mined", "safe", "final"};

	for (int i = 0; i < 3; i++)
		if (strcmp(names[i], text) == 0) {
			*out = (enum cli_wait)i;
			return CLI_OK;
		}
	cli_error("--wait is one of mined, safe, final");
	return CLI_USAGE;
}

static int ask(struct eth_rpc_answer **answer, const struct cli_chain *chain, struct eth_rpc_calls *calls)
{
	int rc = eth_rpc_wait(answer, chain->rpc, calls, RPC_MS);

	eth_rpc_calls_clear(calls);
	if (rc != 0)
		cli_error("the chain does not answer: %s", eth_rpc_last_error(chain->rpc));
	return rc == 0 ? CLI_OK : CLI_UNREACHABLE;
}

static int refused(const struct eth_rpc_result *result, const char *what)
{
	char text[256];

	if (result->outcome == ETH_RPC_REVERT) {
		registry_revert_text(text, sizeof(text), result->revert, result->revert_len);
		cli_error("%s: the registry refuses: %s", what, text);
		return CLI_FALSE;
	}
	snprintf(text, sizeof(text), "%.*s", (int)(result->message_len < 200 ? result->message_len : 200),
		 result->message ? result->message : "");
	for (char *p = text; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	cli_error("%s: %s", what, text[0] ? text : "an answer of another shape");
	return CLI_FALSE;
}

/* Nonce, fees and gas from one batch. */
static int price(struct tx *tx, const struct cli_chain *chain, const struct eth_address *from)
{
	struct eth_rpc_at latest = eth_rpc_at_tag(ETH_RPC_LATEST), pending = eth_rpc_at_tag(ETH_RPC_PENDING);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls calls;
	struct eth_rpc_block block;
	struct u256 twice;
	int rc;

	eth_rpc_calls_init(&calls);
	eth_rpc_add_nonce(&calls, from, &pending);
	eth_rpc_add_block(&calls, &latest);
	eth_rpc_add_max_priority_fee(&calls);
	eth_rpc_add_estimate_gas(&calls, from, &tx->to, tx->data, tx->data_len);
	rc = ask(&answer, chain, &calls);
	if (rc != CLI_OK)
		return rc;
	if (eth_rpc_result_u64(&tx->gas_limit, &answer->results[3]) != 0)
		rc = refused(&answer->results[3], "this transaction would fail");
	else if (eth_rpc_result_u64(&tx->nonce, &answer->results[0]) != 0)
		rc = refused(&answer->results[0], "nonce");
	else if (eth_rpc_result_block(&block, &answer->results[1]) != 0)
		rc = refused(&answer->results[1], "latest block");
	else if (eth_rpc_result_u256(&tx->max_priority_fee, &answer->results[2]) != 0)
		tx->max_priority_fee = u256_from_u64(1000000);
	eth_rpc_answer_free(answer);
	if (rc != CLI_OK)
		return rc;
	tx->gas_limit += tx->gas_limit / 5;
	if (u256_add(&twice, &block.base_fee, &block.base_fee) || u256_add(&tx->max_fee, &twice, &tx->max_priority_fee))
		return CLI_FALSE;
	return CLI_OK;
}

static int broadcast(struct eth_hash *hash, const struct cli_chain *chain, const struct tx *tx, const uint8_t key[static 32])
{
	size_t room = tx_size_max(tx), length;
	uint8_t *raw = malloc(room);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls calls;
	struct eth_hash said;
	int rc;

	if (!raw || tx_sign(chain->signatures, raw, room, &length, hash, tx, key) != 0) {
		cli_error("the transaction cannot be signed");
		free(raw);
		return CLI_FALSE;
	}
	eth_rpc_calls_init(&calls);
	eth_rpc_add_send_raw(&calls, raw, length);
	rc = ask(&answer, chain, &calls);
	free(raw);
	if (rc == CLI_OK && eth_rpc_result_hash(&said, &answer->results[0]) != 0)
		rc = refused(&answer->results[0], "not accepted");
	eth_rpc_answer_free(answer);
	return rc;
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
}

static int wait_mined(struct eth_rpc_answer **answer, struct eth_rpc_receipt *receipt, const struct cli_chain *chain,
		      const struct eth_hash *hash)
{
	time_t until = time(NULL) + MINED_WAIT_S;

	while (time(NULL) < until) {
		struct eth_rpc_calls calls;
		int rc;

		eth_rpc_calls_init(&calls);
		eth_rpc_add_receipt(&calls, hash);
		rc = ask(answer, chain, &calls);
		if (rc != CLI_OK)
			return rc;
		rc = eth_rpc_result_receipt(receipt, &(*answer)->results[0]);
		if (rc == 0)
			return CLI_OK;
		eth_rpc_answer_free(*answer);
		*answer = NULL;
		nap();
	}
	cli_error("sent, but not mined within %d s; look it up before you send it again", MINED_WAIT_S);
	return CLI_NOT_YET;
}

static int wait_level(const struct cli_chain *chain, uint64_t number, enum cli_wait wait)
{
	struct eth_rpc_at at = eth_rpc_at_tag(wait == CLI_FINAL ? ETH_RPC_FINALIZED : ETH_RPC_SAFE);
	time_t until = time(NULL) + LEVEL_WAIT_S;

	while (wait != CLI_MINED && time(NULL) < until) {
		struct eth_rpc_answer *answer = NULL;
		struct eth_rpc_block block;
		struct eth_rpc_calls calls;
		int rc;

		eth_rpc_calls_init(&calls);
		eth_rpc_add_block(&calls, &at);
		rc = ask(&answer, chain, &calls);
		if (rc != CLI_OK)
			return rc;
		rc = eth_rpc_result_block(&block, &answer->results[0]);
		eth_rpc_answer_free(answer);
		if (rc == 0 && block.number >= number)
			return CLI_OK;
		nap();
	}
	return wait == CLI_MINED ? CLI_OK : CLI_NOT_YET;
}

int cli_send(struct eth_rpc_answer **answer, struct eth_rpc_receipt *receipt, const struct cli_chain *chain,
	     const uint8_t key[static 32], const struct eth_address *to, const uint8_t *data, size_t length, enum cli_wait wait)
{
	struct tx tx = {.type = TX_DYNAMIC_FEE, .chain_id = chain->chain_id, .to = *to, .data = data, .data_len = length};
	struct eth_address from;
	struct eth_hash hash;
	char text[HEX_DATA_SIZE(32)];
	int rc;

	*answer = NULL;
	if (signature_key_address(chain->signatures, &from, key) != 0)
		return CLI_FALSE;
	rc = price(&tx, chain, &from);
	if (rc == CLI_OK)
		rc = broadcast(&hash, chain, &tx, key);
	if (rc == CLI_OK)
		rc = wait_mined(answer, receipt, chain, &hash);
	if (rc == CLI_OK && !receipt->success) {
		hex_encode_data(text, hash.bytes, 32);
		cli_error("the transaction was mined but reverted: %s", text);
		rc = CLI_FALSE;
	}
	if (rc == CLI_OK)
		rc = wait_level(chain, receipt->number, wait);
	if (rc != CLI_OK && *answer) {
		eth_rpc_answer_free(*answer);
		*answer = NULL;
	}
	return rc;
}
