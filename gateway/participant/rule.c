#include "gateway/participant/rule.h"

#include <string.h>

#define PREPARE_AGAIN "POST the wish to /v1/participants/prepare and sign its message as it is."

static const struct participant_rule rules[] = {
	/* the first: what no other row names */
	{"internal", "internal", "The change could not be judged.", "Try again later; the operator's log has the reason."},

	/* one message */
	{"message-form", "malformed", "The text is no ERC-4361 message.", PREPARE_AGAIN},
	{"wrong-domain", "unprocessable", "The message is for another host: its domain is not this one's, or has a scheme.",
	 "Sign a message whose first line begins with this gateway's host, as the prepare route gives it."},
	{"wrong-uri", "unprocessable", "The message's URI is no participant of this host.",
	 "The URI is did:web:HOST:character:HANDLE, a port as %3A; the prepare route writes it."},
	{"handle-form", "unprocessable", "This is no handle.", "A handle has 3 to 20 of a-z, 0-9, '_' and '-'."},
	{"handle-case", "unprocessable", "Handles are written in lower case in messages.", "Fold the handle to lower case and sign again."},
	{"handle-reserved", "unprocessable", "This handle is reserved.", "Choose another one."},
	{"wrong-chain", "unprocessable", "The message's chain is not served here.",
	 "Sign with an account of a chain this gateway serves; its settings chain_id and registries name them."},
	{"nonce-form", "unprocessable", "The nonce has fewer than 16 characters, or more than 64.",
	 "Take 16 to 64 random letters and digits, or a message of the prepare route."},
	{"time-form", "unprocessable", "A time is not spelt as YYYY-MM-DDThh:mm:ssZ or with milliseconds, or before 1970.",
	 "Write times in UTC, as Date.toISOString() does."},
	{"no-expiry", "unprocessable", "The message has no Expiration Time.", "Let it expire at most 24 hours after Issued At."},
	{"expiry-range", "unprocessable", "The message does not expire within 24 hours after its Issued At.",
	 "Let it expire after Issued At, and at most 24 hours after it."},
	{"unexpected-line", "unprocessable", "Not Before and Request ID have no meaning here.", "Leave them out and sign again."},
	{"unknown-verb", "unprocessable", "The first resource is no change that is known here.",
	 "It is urn:kedge:v1: and claim, link, unlink, profile or erase."},
	{"object-missing", "unprocessable", "The change needs an object.", "Name it as the second resource."},
	{"object-unexpected", "unprocessable", "This change has no object.", "Leave the second resource out."},
	{"object-form", "unprocessable", "The object is none this change can be about.",
	 "Name an account as did:pkh:eip155:CHAIN:0xADDRESS with EIP-55 checksum, an agent by its DID of this host, or another host's did:web "
	 "in lower case without percent escapes but its port's %3A."},
	{"role-unexpected", "unprocessable", "A role is given where no account is linked.", "Leave the role out."},
	{"resources-form", "unprocessable", "The message has other resources than the change's.",
	 "They are the verb, its object, and urn:kedge:v1:role:controller where that is meant."},
	{"statement", "unprocessable", "The message's sentence is not the one for this change.", PREPARE_AGAIN},
	{"spelling", "unprocessable", "The message says this in another spelling than the one there is.", PREPARE_AGAIN},
	{"not-yet-valid", "unprocessable", "The message's Issued At is more than five minutes ahead.", "Set the clock, or wait."},
	{"expired", "unprocessable", "The message has expired.", PREPARE_AGAIN},

	/* messages together */
	{"messages-number", "unprocessable", "This change does not have as many messages.",
	 "One message; two only to link an account, or an agent: of a controller and of the account or the agent's owner."},
	{"messages-differ", "unprocessable", "The two messages do not say the same: verb, handle, object or role differ.",
	 "Let both sign for the same change, the role included."},
	{"same-signer", "unprocessable", "Both messages are of the same account.", "One of them is enough, or another account has to sign."},
	{"profile-missing", "unprocessable", "The profile itself is missing.", "Send it as member `profile`."},
	{"profile-unexpected", "unprocessable", "A profile came with a change that has none.", "Leave it out, or sign for `profile`."},
	{"profile-form", "unprocessable", "The profile has not the form of coordination-games/enrollment@1.0.",
	 "See docs/formats.md section 15."},
	{"profile-hash", "unprocessable", "The message is about another profile: the SHA-256 of its canonical JSON differs.",
	 "Sign the message that the prepare route gives for this profile."},

	/* signatures */
	{"signature-form", "bad-signature", "The bytes are no signature of the account's key, and the account has no contract that could say.",
	 "Send r, s and v as 65 bytes, as personal_sign gives them."},
	{"high-s", "bad-signature", "The signature's s is in the upper half of the curve's order.",
	 "Sign with a library that gives a low s, or replace s by n - s and exchange v."},
	{"wrong-signer", "bad-signature", "The signature is not of the account that the message names.",
	 "Sign the message with the key of the account in its second line, or put your account there."},
	{"contract-refuses", "bad-signature", "The account's contract does not agree to this signature at both safe and latest (ERC-1271).",
	 "Sign in the form the contract wallet takes, and wait until it is deployed in a safe block."},

	/* what the participant may */
	{"handle-taken", "conflict", "The handle is taken.", "Choose another one."},
	{"handle-erased", "gone", "The handle was a participant's that was erased. Nobody gets it again.", "Choose another one."},
	{"one-handle", "conflict", "This account has claimed a handle already.", "Erase that participant first, or claim with another account."},
	{"quota", "quota", "No more handles can be claimed here today.", "Try again after midnight UTC; the operator's setting is participant_quota."},
	{"no-participant", "not-found", "There is no such participant.", "Claim the handle first."},
	{"erased", "gone", "The participant was erased.", "Claim another handle."},
	{"not-controller", "not-admitted", "None of those who signed is a controller of the participant.",
	 "Let a controller sign; GET /v1/participants/{handle} lists them."},
	{"controller-missing", "not-admitted", "Only the account or owner itself signed: nobody adds himself to a participant.",
	 "Let a controller of the participant sign the same change too, and send both."},
	{"account-missing", "not-admitted", "The account that is to be linked did not sign.", "Let it sign the same change too, and send both."},
	{"owner-missing", "not-admitted", "The agent's owner did not agree: it is no account of the participant and did not sign.",
	 "Let the owner at safe and latest sign the same change on the agent's chain, and send both; or link the owner as an account first."},
	{"not-owner", "not-admitted", "Neither a controller nor the agent's owner at safe and latest signed.", "Let one of them sign."},
	{"already-linked", "conflict", "It is linked already.", "Nothing needs to be done; to make a controller a mere account, unlink it first."},
	{"not-linked", "conflict", "It is not linked.", "Nothing needs to be done."},
	{"last-controller", "conflict", "It is the only controller, and one has to stay.", "Link another controller first, or erase the participant."},
	{"too-many-accounts", "conflict", "A participant has at most 16 accounts.", "Unlink one first."},
	{"too-many-agents", "conflict", "A participant has at most 32 agents.", "Unlink one first."},
	{"too-many-foreign", "conflict", "A participant has at most 16 foreign DIDs.", "Unlink one first."},
	{"too-many-changes", "conflict", "A participant can be changed 900 times; after that only unlinked from and erased.", "Erase it and claim another handle."},
	{"unchanged", "conflict", "The profile is this one already.", "Nothing needs to be done."},
	{"replayed", "conflict", "A message of this change was used before, and counts once.", PREPARE_AGAIN},

	/* agents */
	{"unknown-agent", "not-found", "The registry has no such agent at safe and latest.", "Check the id; a new agent is safe after a moment."},
	{"unserved-agent", "not-found", "The agent's registry is not served here.", "Ask a gateway that serves it."},
	{"owner-changing", "conflict", "The agent's owner at safe is not its owner at latest.", "Wait until the transfer is safe."},
};

const struct participant_rule *participant_rules(size_t *count)
{
	*count = sizeof(rules) / sizeof(rules[0]);
	return rules;
}

const struct participant_rule *participant_rule(const char *word)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rules[i].word, word) == 0)
			return &rules[i];
	return &rules[0];
}
