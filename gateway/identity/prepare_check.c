/* What can be said about a wish before it is sent: the registry's own rules (facts/erc8004.md §1.1, §1.2), each with
 * who has to do what next. Pure: what the chain holds is in struct prepare_facts. */
#include "gateway/identity/prepare.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ERC-6492: a signature of a wallet that is not deployed yet ends in these 32 bytes. */
enum { WRAPPED_MAGIC_SIZE = 32, WRAPPED_MAGIC_WORD = 0x6492 };

static const char *const NAMES[PREPARE_VERBS] = {"register", "wallet", "unset-wallet", "uri", "metadata", "transfer"};

int prepare_verb_parse(enum prepare_verb *out, const char *text)
{
	for (int i = 0; i < PREPARE_VERBS; i++) {
		if (strcmp(NAMES[i], text) == 0) {
			*out = (enum prepare_verb)i;
			return 0;
		}
	}
	return -ENOENT;
}

const char *prepare_verb_name(enum prepare_verb verb)
{
	return NAMES[verb];
}

__attribute__((format(printf, 5, 6))) static int refuse(struct prepare_refusal *out, int error, const char *rule,
							const char *pointer, const char *detail, ...)
{
	va_list args;

	out->error = error;
	out->rule = rule;
	out->pointer = pointer;
	va_start(args, detail);
	(void)vsnprintf(out->detail, sizeof(out->detail), detail, args);
	va_end(args);
	return error;
}

/* Always after refuse(), whose error it passes on. */
__attribute__((format(printf, 2, 3))) static void then(struct prepare_refusal *out, const char *next, ...)
{
	va_list args;

	va_start(args, next);
	(void)vsnprintf(out->next, sizeof(out->next), next, args);
	va_end(args);
}

static int check_entries(struct prepare_refusal *out, const struct prepare_ask *ask)
{
	static const char reserved[] = REGISTRY_RESERVED_KEY;
	const char *pointer = ask->verb == PREPARE_METADATA ? "/key" : "/metadata";

	for (size_t i = 0; i < ask->metadata_count; i++) {
		const struct registry_metadata *entry = &ask->metadata[i];

		if (entry->key_len == 0) {
			(void)refuse(out, -EDOM, "empty-key", pointer, "A metadata key is empty.");
			then(out, "Name the key, for example \"did\".");
			return -EDOM;
		}
		if (entry->key_len == sizeof(reserved) - 1 && memcmp(entry->key, reserved, entry->key_len) == 0) {
			(void)refuse(out, -EDOM, "reserved-key", pointer,
				     "The registry keeps the key agentWallet to itself: only the new wallet's "
				     "signature may set it.");
			then(out,
			     "Change the wallet with the verb wallet, clear it with unset-wallet, and use another key "
			     "here.");
			return -EDOM;
		}
	}
	return 0;
}

/* What is wrong whatever the chain says. */
static int check_words(struct prepare_refusal *out, const struct prepare_ask *ask)
{
	if (address_is_zero(&ask->from)) {
		(void)refuse(out, -EDOM, "zero-address", "/from", "The sender is the zero address.");
		then(out, "Name the account that will send the transaction.");
		return -EDOM;
	}
	if (ask->verb == PREPARE_WALLET && address_is_zero(&ask->wallet)) {
		(void)refuse(out, -EDOM, "zero-wallet", "/wallet", "The new wallet is the zero address.");
		then(out, "Name the new wallet's address, or use the verb unset-wallet to have none.");
		return -EDOM;
	}
	if (ask->verb == PREPARE_TRANSFER && address_is_zero(&ask->to)) {
		(void)refuse(out, -EDOM, "zero-address", "/to",
			     "The receiver is the zero address: the registry has no way to give an agent up.");
		then(out, "Name the account that shall own the agent.");
		return -EDOM;
	}
	return check_entries(out, ask);
}

static int check_agent(struct prepare_refusal *out, const struct prepare_ask *ask, const struct prepare_facts *facts)
{
	char id[U256_DECIMAL_SIZE], owner[ADDRESS_TEXT_SIZE], from[ADDRESS_TEXT_SIZE];

	u256_format_decimal(id, &ask->agent.id);
	if (!facts->exists) {
		(void)refuse(out, -ENOENT, "unknown-agent", "/agent", "The registry has no agent %s at block %ju.", id,
			     (uintmax_t)facts->block.number);
		then(out, "Check the id, chain and registry; a new agent is made with the verb register, and exists "
			  "once its "
			  "transaction is mined.");
		return -ENOENT;
	}
	if (facts->authorised)
		return 0;
	address_format_eip55(owner, &facts->owner);
	address_format_eip55(from, &ask->from);
	(void)refuse(out, -EACCES, "not-authorised", "/from",
		     "%s may not act for agent %s: it is neither its owner, %s, nor approved by that owner.", from, id,
		     owner);
	then(out,
	     "Send from the owner's account %s, or let the owner approve %s on the registry (approve or "
	     "setApprovalForAll) first.",
	     owner, from);
	return -EACCES;
}

static int check_deadline(struct prepare_refusal *out, const struct prepare_ask *ask, const struct prepare_facts *facts)
{
	uint64_t now = facts->block.time, deadline = ask->deadline;
	bool second = ask->signature != NULL;

	if (deadline == 0 && !second)
		return 0;
	if (deadline < now) {
		(void)refuse(out, -EDOM, "expired", "/deadline",
			     "The deadline %ju has passed: the latest block's time is %ju, %ju seconds later.",
			     (uintmax_t)deadline, (uintmax_t)now, (uintmax_t)(now - deadline));
		then(out, "Prepare the wallet change again without deadline and signature: the answer has a new "
			  "deadline for "
			  "the new wallet to sign.");
		return -EDOM;
	}
	if (deadline - now > REGISTRY_WALLET_DEADLINE_MAX_S) {
		(void)refuse(out, -EDOM, "deadline-too-far", "/deadline",
			     "The deadline %ju is %ju seconds after the latest block's time %ju; the registry takes at "
			     "most %d.",
			     (uintmax_t)deadline, (uintmax_t)(deadline - now), (uintmax_t)now,
			     REGISTRY_WALLET_DEADLINE_MAX_S);
		then(out,
		     "Take a deadline of at most %ju (by block time, not by your clock), or leave it out to get one%s.",
		     (uintmax_t)(now + REGISTRY_WALLET_DEADLINE_MAX_S),
		     second ? ", and let the new wallet sign again" : "");
		return -EDOM;
	}
	return 0;
}

static bool is_wrapped(const struct prepare_ask *ask)
{
	const uint8_t *end = ask->signature + ask->signature_len;

	if (ask->signature_len < WRAPPED_MAGIC_SIZE)
		return false;
	for (const uint8_t *at = end - WRAPPED_MAGIC_SIZE; at < end; at += 2)
		if (at[0] != WRAPPED_MAGIC_WORD >> 8 || at[1] != (WRAPPED_MAGIC_WORD & 0xff))
			return false;
	return true;
}

static int refuse_wrapped(struct prepare_refusal *out, const struct prepare_facts *facts)
{
	if (facts->other_has_code) {
		(void)refuse(out, -EKEYREJECTED, "wrapped-signature", "/signature",
			     "The signature is wrapped for an undeployed wallet (ERC-6492), but the new wallet is "
			     "deployed, and the registry passes signatures to it as they are.");
		then(out, "Unwrap it and send the inner signature.");
	} else {
		(void)refuse(out, -EKEYREJECTED, "undeployed-wallet", "/signature",
			     "The new wallet has no code yet (ERC-6492): undeployed wallets are not supported by the "
			     "registry.");
		then(out, "Deploy the wallet first, then let it sign the typed data of a fresh prepare.");
	}
	return -EKEYREJECTED;
}

/* A signature that is not one of a key, for a wallet without code. */
static int refuse_form(struct prepare_refusal *out, const struct prepare_ask *ask, int error)
{
	char wallet[ADDRESS_TEXT_SIZE];

	address_format_eip55(wallet, &ask->wallet);
	if (error == -EKEYREJECTED) {
		(void)refuse(out, -EKEYREJECTED, "high-s", "/signature",
			     "The signature's s is in the upper half of the curve's order (high s): the registry takes "
			     "the lower one only (EIP-2).");
		then(out, "Sign with a library that gives a low s (ethers and viem do), or replace s by n - s and "
			  "exchange v "
			  "27 and 28.");
	} else if (ask->signature_len == SIGNATURE_SIZE) {
		(void)refuse(
			out, -EKEYREJECTED, "signature-form", "/signature",
			"The 65 bytes are not r, s and v of a signature: v is %u and must be 27 or 28, r and s lie "
			"between 1 and the curve's order.",
			ask->signature[64]);
		then(out, "%s", ask->signature[64] <= 1 ? "Add 27 to the last byte." : "Sign the typed data again.");
	} else {
		(void)refuse(out, -EKEYREJECTED, "signature-form", "/signature",
			     "The signature has %zu bytes. The new wallet %s has no code, so it signs with its key: 65 "
			     "bytes, r then s then v.",
			     ask->signature_len, wallet);
		then(out, "Send the 65-byte form (not the compact one of ERC-2098). For a contract wallet, check its "
			  "address "
			  "and that it is deployed on this chain.");
	}
	return -EKEYREJECTED;
}

static int refuse_signer(struct prepare_refusal *out, const struct prepare_ask *ask, const struct prepare_facts *facts,
			 const struct eth_address *signer)
{
	char wallet[ADDRESS_TEXT_SIZE], owner[ADDRESS_TEXT_SIZE], who[ADDRESS_TEXT_SIZE];
	bool by_owner = address_equal(signer, &facts->owner);

	address_format_eip55(wallet, &ask->wallet);
	address_format_eip55(owner, &facts->owner);
	address_format_eip55(who, signer);
	(void)refuse(out, -EKEYREJECTED, "wrong-signer", "/signature",
		     "The signature was made by %s%s, but the new wallet %s must sign.", who,
		     by_owner ? " (the owner)" : "", wallet);
	if (by_owner)
		then(out, "Let the new wallet %s sign the typed data; the owner only sends the transaction.", wallet);
	else
		then(out,
		     "Let %s sign exactly the typed data of a fresh prepare: it names the present owner %s, this id "
		     "and "
		     "this deadline, so a signature made under a former owner or for other values no longer holds.",
		     wallet, owner);
	return -EKEYREJECTED;
}

/* As the registry does: the key first, which covers EIP-7702 accounts, then the contract (§1.2). */
static int check_signature(struct prepare_refusal *out, const struct prepare_ask *ask,
			   const struct prepare_facts *facts, const struct signature_context *signatures)
{
	struct eth_signature signature;
	struct eth_address signer;
	struct eth_hash digest;
	int err;

	prepare_digest(&digest, ask, &facts->owner, ask->deadline);
	err = signature_parse(&signature, ask->signature, ask->signature_len);
	if (err == 0)
		err = signature_recover(signatures, &signer, &signature, &digest);
	if (err == 0 && address_equal(&signer, &ask->wallet))
		return 0;
	if (is_wrapped(ask))
		return refuse_wrapped(out, facts);
	if (facts->other_has_code)
		return 1;
	return err != 0 ? refuse_form(out, ask, err) : refuse_signer(out, ask, facts, &signer);
}

static int check_wallet(struct prepare_refusal *out, const struct prepare_ask *ask, const struct prepare_facts *facts,
			const struct signature_context *signatures)
{
	char wallet[ADDRESS_TEXT_SIZE];
	int err;

	if (address_equal(&facts->wallet, &ask->wallet)) {
		address_format_eip55(wallet, &ask->wallet);
		(void)refuse(out, -EEXIST, "wallet-already-set", "/wallet", "%s is the agent's wallet already.",
			     wallet);
		then(out, "Nothing needs to be done; to change the wallet, name another one.");
		return -EEXIST;
	}
	err = check_deadline(out, ask, facts);
	if (err == 0 && ask->signature != NULL)
		err = check_signature(out, ask, facts, signatures);
	return err;
}

int prepare_check(struct prepare_refusal *out, const struct prepare_ask *ask, const struct prepare_facts *facts,
		  const struct signature_context *signatures)
{
	char registry[ADDRESS_TEXT_SIZE];
	int err;

	*out = (struct prepare_refusal){.rule = "", .pointer = ""};
	err = check_words(out, ask);
	if (err != 0)
		return err;
	if (!facts->registry_has_code) {
		address_format_eip55(registry, &ask->agent.registry);
		(void)refuse(out, -EDOM, "no-registry", "", "There is no contract at %s on chain %ju.", registry,
			     (uintmax_t)ask->agent.chain);
		then(out, "Check the settings chain_id, registry and rpc_url: the node is of another chain, or the "
			  "address is "
			  "wrong. `kedge doctor` looks at all three.");
		return -EDOM;
	}
	if (ask->verb == PREPARE_REGISTER)
		return 0;
	err = check_agent(out, ask, facts);
	if (err == 0 && ask->verb == PREPARE_WALLET)
		err = check_wallet(out, ask, facts, signatures);
	if (err == 0 && ask->verb == PREPARE_UNSET_WALLET && address_is_zero(&facts->wallet)) {
		(void)refuse(out, -EEXIST, "no-wallet", "", "The agent has no wallet.");
		then(out, "Nothing needs to be done; set one with the verb wallet.");
		return -EEXIST;
	}
	return err;
}
