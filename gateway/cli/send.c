#include "gateway/cli/send.h"

#include "anchor/sender.h"
#include "eth/hex.h"
#include "gateway/cli/cli.h"
#include "gateway/identity/registry.h"
#include "gateway/keyfile.h"
#include "gateway/runtime/clock.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	RPC_MS = 15000,
	MINED_WAIT_S = 120,
	UNHEARD_WAIT_S = 30, /* to find one whose sending nobody answered */
	LEVEL_WAIT_S = 3600,
	POLL_MS = 200,
};

/* What is known of a transaction that was signed. */
struct sent {
	struct eth_hash hash;
	bool heard; /* the node said that it has it */
};

int cli_chain_open(struct cli_chain *chain, const char *urls, uint64_t chain_id)
{
	struct eth_rpc_config rpc = {.url = urls, .chain_id = chain_id};
	uint8_t seed[32];

	memset(chain, 0, sizeof(*chain));
	if (sodium_init() < 0)
		return CLI_FALSE;
	randombytes_buf(seed, sizeof(seed));
	chain->chain_id = chain_id;
	chain->signatures = signature_context_new(seed);
	chain->base = event_base_new();
	if (!chain->signatures || !chain->base || eth_rpc_new(&chain->rpc, chain->base, &rpc) != 0) {
		cli_error("setting rpc_url: the endpoints of chain %ju cannot be used", (uintmax_t)chain_id);
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
	int rc;

	*key = NULL;
	rc = keyfile_read(key, path);
	if (rc != 0) {
		cli_error("%s: %s", path, keyfile_advice(rc));
		return CLI_FALSE;
	}
	if (signature_key_address(chain->signatures, address, *key) != 0) {
		cli_error("%s: not a usable secp256k1 key", path);
		keyfile_free(*key);
		*key = NULL;
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

/* CLI_OK or CLI_UNREACHABLE; what went wrong is eth_rpc_last_error(). */
static int ask(struct eth_rpc_answer **answer, const struct cli_chain *chain, struct eth_rpc_calls *calls)
{
	int rc = eth_rpc_wait(answer, chain->rpc, calls, RPC_MS);

	eth_rpc_calls_clear(calls);
	return rc == 0 ? CLI_OK : CLI_UNREACHABLE;
}

static void say_revert(const char *what, const uint8_t *data, size_t len)
{
	const char *next;
	char text[256];

	registry_revert_text(text, sizeof(text), data, len);
	(void)registry_revert_rule(&next, data, len);
	cli_error("%s: %s", what, text);
	fprintf(stderr, "  next: %s\n", next);
}

static int refused(const struct eth_rpc_result *result, const char *what)
{
	char text[256];

	if (result->outcome == ETH_RPC_REVERT) {
		say_revert(what, result->revert, result->revert_len);
		return CLI_FALSE;
	}
	snprintf(text, sizeof(text), "%.*s", (int)(result->message_len < 200 ? result->message_len : 200),
		 result->message ? result->message : "");
	for (char *p = text; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	cli_error("%s: %s", what, text[0] ? text : "an answer of another shape");
	fputs("  next: if another transaction of this account is on its way, wait for it; then run this again\n", stderr);
	return CLI_FALSE;
}

/* What stands before the node may have asked it twice. */
static bool is_taken(const struct eth_rpc_result *result)
{
	struct eth_hash said;

	return eth_rpc_result_hash(&said, result) == 0 ||
	       (result->outcome != ETH_RPC_OK && result->message &&
		sender_classify(result->message, result->message_len) == SENDER_ACCEPTED);
}

/* Without an answer the node may have it all the same: that is no failure yet. */
static int broadcast(struct sent *sent, const struct cli_chain *chain, const struct tx *tx, const uint8_t key[static 32])
{
	size_t room = tx_size_max(tx), length;
	uint8_t *raw = malloc(room);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls calls;
	int rc;

	if (!raw || tx_sign(chain->signatures, raw, room, &length, &sent->hash, tx, key) != 0) {
		cli_error("the transaction cannot be signed");
		free(raw);
		return CLI_FALSE;
	}
	eth_rpc_calls_init(&calls);
	eth_rpc_add_send_raw(&calls, raw, length);
	sent->heard = ask(&answer, chain, &calls) == CLI_OK;
	free(raw);
	if (!sent->heard)
		cli_error("the chain does not answer whether it has the transaction: %s; looking for it", eth_rpc_last_error(chain->rpc));
	rc = !sent->heard || is_taken(&answer->results[0])
		     ? CLI_OK
		     : refused(&answer->results[0], "the node does not take the transaction");
	eth_rpc_answer_free(answer);
	return rc;
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
}

/* The receipt now. CLI_OK; CLI_NOT_YET: there is none. */
static int look_up(struct eth_rpc_answer **answer, struct eth_rpc_receipt *receipt, uint64_t *level,
		   const struct cli_chain *chain, const struct eth_hash *hash, enum cli_wait wait)
{
	struct eth_rpc_at at = eth_rpc_at_tag(wait == CLI_FINAL  ? ETH_RPC_FINALIZED :
					      wait == CLI_SAFE ? ETH_RPC_SAFE : ETH_RPC_LATEST);
	struct eth_rpc_block block;
	struct eth_rpc_calls calls;
	int rc;

	eth_rpc_calls_init(&calls);
	eth_rpc_add_receipt(&calls, hash);
	eth_rpc_add_block(&calls, &at);
	rc = ask(answer, chain, &calls);
	if (rc != CLI_OK)
		return rc;
	*level = eth_rpc_result_block(&block, &(*answer)->results[1]) == 0 ? block.number : 0;
	if (eth_rpc_result_receipt(receipt, &(*answer)->results[0]) == 0)
		return CLI_OK;
	eth_rpc_answer_free(*answer);
	*answer = NULL;
	return CLI_NOT_YET;
}

/* Not found in time, or not at the level. */
static int say_not_yet(const struct sent *sent, bool mined, bool reached, enum cli_wait wait, unsigned s)
{
	if (!reached)
		cli_error("the chain does not answer any more; look the transaction up before you send it again");
	else if (mined)
		cli_error("mined, but not %s within %u s; look at the transaction again later", wait == CLI_FINAL ? "final" : "safe", s);
	else if (sent->heard)
		cli_error("sent, but not mined within %u s; look it up before you send it again", s);
	else
		cli_error("nobody knows the transaction after %u s; look it up before you send it again", s);
	return reached && (mined || sent->heard) ? CLI_NOT_YET : CLI_UNREACHABLE;
}

/* Until it is in a block, and that block at the level. A block that a reorganisation drops takes the receipt along; a chain that is
 * away for a while is waited for. */
static int wait_for(struct eth_rpc_answer **answer, struct eth_rpc_receipt *receipt, const struct cli_chain *chain,
		    const struct sent *sent, enum cli_wait wait, unsigned wait_s)
{
	unsigned mined_s = wait_s > 0 ? wait_s : sent->heard ? MINED_WAIT_S : UNHEARD_WAIT_S;
	unsigned level_s = wait_s > 0 ? wait_s : LEVEL_WAIT_S;
	uint64_t start = clock_steady_ms();
	bool mined = false, reached = true;
	uint64_t level;

	do {
		int rc = look_up(answer, receipt, &level, chain, &sent->hash, wait);

		reached = rc != CLI_UNREACHABLE;
		if (rc == CLI_OK && (wait == CLI_MINED || !receipt->success || level >= receipt->number))
			return CLI_OK;
		mined = mined || rc == CLI_OK;
		eth_rpc_answer_free(*answer);
		*answer = NULL;
		nap();
	} while (clock_steady_ms() - start < (uint64_t)(mined ? level_s : mined_s) * 1000);
	return say_not_yet(sent, mined, reached, wait, mined ? level_s : mined_s);
}

/* Why a mined transaction failed: the same call at the state after its block says it again, mostly. */
static void explain_failure(const struct cli_chain *chain, const struct tx *tx, const struct eth_address *from,
			    const struct eth_rpc_receipt *receipt)
{
	struct eth_rpc_at at = eth_rpc_at_number(receipt->number);
	struct eth_rpc_answer *answer = NULL;
	struct eth_rpc_calls calls;

	eth_rpc_calls_init(&calls);
	eth_rpc_add_call_from(&calls, from, &tx->to, tx->data, tx->data_len, &at);
	if (ask(&answer, chain, &calls) == CLI_OK && answer->results[0].outcome == ETH_RPC_REVERT)
		say_revert("mined, but it failed", answer->results[0].revert, answer->results[0].revert_len);
	else
		cli_error("mined, but it failed; the state has changed since, so prepare it again");
	eth_rpc_answer_free(answer);
}

int cli_send(struct eth_rpc_answer **answer, struct eth_rpc_receipt *receipt, const struct cli_chain *chain,
	     const struct tx *tx, const uint8_t key[static 32], enum cli_wait wait, unsigned wait_s)
{
	struct eth_address from;
	struct sent sent = {.heard = false};
	char text[HEX_DATA_SIZE(32)];
	int rc;

	*answer = NULL;
	if (signature_key_address(chain->signatures, &from, key) != 0)
		return CLI_FALSE;
	rc = broadcast(&sent, chain, tx, key);
	if (rc == CLI_OK)
		rc = wait_for(answer, receipt, chain, &sent, wait, wait_s);
	if (rc == CLI_NOT_YET || rc == CLI_UNREACHABLE || (rc == CLI_OK && !receipt->success)) {
		hex_encode_data(text, sent.hash.bytes, 32);
		fprintf(stderr, "  transaction: %s\n", text);
	}
	if (rc == CLI_OK && !receipt->success) {
		explain_failure(chain, tx, &from, receipt);
		rc = CLI_FALSE;
	}
	if (rc != CLI_OK) {
		eth_rpc_answer_free(*answer);
		*answer = NULL;
	}
	return rc;
}
