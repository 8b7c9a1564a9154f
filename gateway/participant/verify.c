#include "gateway/participant/verify.h"

#include "eth/abi.h"
#include "eth/eip191.h"
#include "eth/hex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* EIP-1271: isValidSignature(bytes32,bytes) and its magic answer, the same four bytes. */
static const uint8_t IS_VALID_SIGNATURE[4] = {0x16, 0x26, 0xba, 0x7e};

/* Verifiers of passkeys, of many owners or written without precompiles take up to some hundred thousand; whoever claims an account may
 * name a contract that would run until the node's patience is over. */
enum { QUESTION_GAS = 5000000 };

struct verifying {
	struct participant_change *change;
	const struct signature_context *signatures;
	const struct participant_verify_chain *chains;
	size_t nchains;
	unsigned deadline_ms;
	participant_on_verified *on_verified;
	void *arg;
	size_t at;	  /* the signer under way */
	const char *rule; /* what to say of it if it has no contract */
};

static void step(struct verifying *v);

static void finish(struct verifying *v, int err, const char *rule)
{
	struct verifying done = *v;

	free(v);
	done.on_verified(done.arg, err, rule, done.at);
}

/* ---- the key ---- */

/* NULL: the account's key signed. Else why not, if no contract knows better. */
static const char *by_key(const struct signature_context *signatures, const struct eth_address *account, const uint8_t *bytes, size_t len,
			  const struct eth_hash *digest)
{
	uint8_t spelt[SIGNATURE_SIZE];
	struct eth_signature signature;
	struct eth_address signer;
	int rc;

	if (len != SIGNATURE_SIZE)
		return "signature-form";
	memcpy(spelt, bytes, sizeof(spelt));
	/* wallets write 0 and 1, too */
	if (spelt[64] < 2)
		spelt[64] = (uint8_t)(spelt[64] + 27);
	rc = signature_parse(&signature, spelt, sizeof(spelt));
	if (rc != 0)
		return rc == -EKEYREJECTED ? "high-s" : "signature-form";
	if (signature_recover(signatures, &signer, &signature, digest) != 0)
		return "signature-form";
	return address_equal(&signer, account) ? NULL : "wrong-signer";
}

/* ---- the contract ---- */

static int add_question(struct eth_rpc_calls *list, const struct eth_address *account, const struct eth_hash *digest, const uint8_t *bytes,
			size_t bytes_len, const struct heads_set *heads)
{
	uint8_t call[4 + 4 * 32 + PARTICIPANT_SIGNATURE_MAX + 32];
	struct eth_rpc_at at[] = {eth_rpc_at_hash(&heads->safe.hash), eth_rpc_at_hash(&heads->latest.hash)};
	struct abi_writer writer;
	size_t len = 0;
	int rc;

	abi_writer_init(&writer, call, sizeof(call));
	abi_put_selector(&writer, IS_VALID_SIGNATURE);
	abi_open(&writer, 2);
	abi_put_word(&writer, digest->bytes);
	abi_put_bytes(&writer, bytes, bytes_len);
	abi_close(&writer);
	rc = abi_writer_finish(&writer, &len);
	for (size_t i = 0; rc == 0 && i < 2; i++)
		eth_rpc_add_call_within(list, QUESTION_GAS, account, call, len, &at[i]);
	return rc;
}

/* 1: it agrees. 0: it does not. -ENOENT: nothing answered, so there is no contract. Else: not known. A revert is a no, and so is an error
 * that is neither the chain's nor the provider's (out of gas, an invalid opcode): the call's own. Anything but 32 bytes of the magic, the
 * rest zero, is a no (OpenZeppelin SignatureChecker 5.4.0). */
static int read_word(const struct eth_rpc_result *result)
{
	uint8_t word[32], expected[32] = {0x16, 0x26, 0xba, 0x7e};
	size_t len = 0;
	int rc = eth_rpc_result_data(word, &len, sizeof(word), result);

	if (rc == -EPROTO || rc == -EIO || rc == -ENOSPC)
		return 0;
	if (rc != 0)
		return rc;
	if (len == 0)
		return -ENOENT;
	return len == sizeof(word) && memcmp(word, expected, sizeof(word)) == 0;
}

static void on_answer(void *arg, int err, const struct eth_rpc_result *results, size_t n)
{
	struct verifying *v = arg;
	int safe, latest;

	/* so much is nobody's answer to this question but a contract's that wants to be a nuisance */
	if (err == -EOVERFLOW) {
		finish(v, 0, "contract-refuses");
		return;
	}
	if (err != 0 || n != 2) {
		finish(v, err != 0 ? err : -EPROTO, NULL);
		return;
	}
	safe = read_word(&results[0]);
	latest = read_word(&results[1]);
	if (safe == 1 && latest == 1) {
		v->change->signers[v->at++].contract = true;
		step(v);
	} else if (safe == -ENOENT && latest == -ENOENT) {
		finish(v, 0, v->rule);
	} else if ((safe < 0 && safe != -ENOENT) || (latest < 0 && latest != -ENOENT)) {
		finish(v, safe < 0 && safe != -ENOENT ? safe : latest, NULL);
	} else {
		finish(v, 0, "contract-refuses");
	}
}

static void set_block(struct participant_block *out, const struct heads_block *block)
{
	out->number = block->number;
	memcpy(out->hash, block->hash.bytes, sizeof(out->hash));
}

static int ask_contract(struct verifying *v, const struct eth_hash *digest, const uint8_t *bytes, size_t len)
{
	struct participant_signer *signer = &v->change->signers[v->at];
	const struct participant_verify_chain *chain = NULL;
	const struct heads_set *heads;
	struct eth_rpc_calls list;
	int rc;

	for (size_t i = 0; i < v->nchains && !chain; i++)
		if (v->chains[i].id == signer->account.chain)
			chain = &v->chains[i];
	if (!chain)
		return -EAGAIN;
	rc = heads_get(&heads, chain->heads, HEADS_AGE_MAX_MS);
	if (rc != 0)
		return rc;
	set_block(&signer->judged.safe, &heads->safe);
	set_block(&signer->judged.latest, &heads->latest);
	eth_rpc_calls_init(&list);
	rc = add_question(&list, &signer->account.address, digest, bytes, len, heads);
	if (rc == 0)
		rc = eth_rpc_batch_list(chain->rpc, &list, v->deadline_ms, on_answer, v);
	eth_rpc_calls_clear(&list);
	return rc;
}

/* ---- all of them, one after the other ---- */

static void step(struct verifying *v)
{
	uint8_t bytes[PARTICIPANT_SIGNATURE_MAX];
	struct eth_hash digest;
	int rc;

	for (; v->at < v->change->nsigners; v->at++) {
		struct participant_signer *signer = &v->change->signers[v->at];
		size_t len = 0;

		if (hex_decode_data(bytes, sizeof(bytes), &len, signer->signature, signer->signature_len) != 0) {
			finish(v, 0, "signature-form");
			return;
		}
		eip191_digest(&digest, signer->message, signer->message_len);
		signer->contract = false;
		v->rule = by_key(v->signatures, &signer->account.address, bytes, len, &digest);
		if (!v->rule)
			continue;
		rc = ask_contract(v, &digest, bytes, len);
		if (rc != 0)
			finish(v, rc, NULL);
		return;
	}
	v->at = 0;
	finish(v, 0, NULL);
}

void participant_verify(struct participant_change *change, const struct signature_context *signatures,
			const struct participant_verify_chain *chains, size_t nchains, unsigned deadline_ms,
			participant_on_verified *on_verified, void *arg)
{
	struct verifying *v = calloc(1, sizeof(*v));

	if (!v) {
		on_verified(arg, -ENOMEM, NULL, 0);
		return;
	}
	*v = (struct verifying){.change = change, .signatures = signatures, .chains = chains, .nchains = nchains, .deadline_ms = deadline_ms,
				.on_verified = on_verified, .arg = arg};
	step(v);
}
