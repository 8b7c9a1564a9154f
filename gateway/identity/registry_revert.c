/* What the registry's reverts mean to the person whose transaction they stopped: facts/erc8004.md §1.1, "Reverts". */
#include "eth/abi.h"
#include "gateway/identity/registry.h"

#include <stdio.h>
#include <string.h>

/* Error(string), Panic(uint256): Solidity's own. */
static const uint8_t ERROR_STRING[4] = {0x08, 0xc3, 0x79, 0xa0};
static const uint8_t PANIC[4] = {0x4e, 0x48, 0x7b, 0x71};

/* Next steps that several reverts share. */
#define NEXT_OWNER                                                                                                     \
	"Send from the account of the owner, or let the owner approve this account (approve or setApprovalForAll on "  \
	"the registry) first."
#define NEXT_SIGN_AGAIN "Prepare the wallet change again for a new deadline, sign that, and send it within its time."
#define NEXT_ADDRESS "Correct the address and prepare again."
#define NEXT_REGISTRY "Nothing to do here: this concerns the registry contract and its operator, not an agent."

static const struct {
	const char *text, *rule, *meaning, *next;
} TEXTS[] = {
	{"Not authorized", "not-authorised",
	 "the sender is neither the agent's owner nor approved by it: send from the owner's account", NEXT_OWNER},
	{"bad wallet", "zero-wallet",
	 "the new wallet is the zero address: name a wallet, or use unset-wallet to clear it",
	 "Name the new wallet's address, or use unset-wallet to have none."},
	{"expired", "expired", "the deadline has passed by block time: ask for a new one and sign again",
	 NEXT_SIGN_AGAIN},
	{"deadline too far", "deadline-too-far",
	 "the deadline is more than 300 seconds after block time: choose a nearer one and sign again", NEXT_SIGN_AGAIN},
	{"invalid wallet sig", "wrong-signer",
	 "the signature is not the new wallet's over this id, owner and deadline: sign with the new wallet, and again "
	 "after any change of owner",
	 "Let the new wallet (not the owner) sign the typed data of a fresh prepare, and send it unchanged."},
	{"reserved key", "reserved-key", "the metadata key agentWallet is set by setAgentWallet only",
	 "Change the wallet with the verbs wallet and unset-wallet, and use another key for metadata."},
};

static const struct {
	uint8_t selector[4];
	const char *rule, *meaning, *next;
} ERRORS[] = {
	{{0x7e, 0x27, 0x32, 0x89},
	 "unknown-agent",
	 "there is no agent with this id",
	 "Check the id, or register the agent first."},
	{{0x17, 0x7e, 0x80, 0x2f},
	 "not-authorised",
	 "the sender may not move this agent: it is neither owner nor approved",
	 NEXT_OWNER},
	{{0x64, 0x28, 0x3d, 0x7b},
	 "wrong-owner",
	 "the agent belongs to another account than the one named",
	 "Read the present owner and prepare the transfer again."},
	{{0x64, 0xa0, 0xae, 0x92},
	 "receiver-refuses",
	 "the receiver is the zero address or a contract that does not accept ERC-721 tokens",
	 "Choose a receiver that is an ordinary account, or a contract with onERC721Received."},
	{{0x89, 0xc6, 0x2b, 0x64}, "zero-address", "the zero address owns nothing", NEXT_ADDRESS},
	{{0xa9, 0xfb, 0xf5, 0x1f}, "not-authorised", "the sender may not approve for this agent", NEXT_OWNER},
	{{0x5b, 0x08, 0xba, 0x18}, "zero-address", "the zero address cannot be an operator", NEXT_ADDRESS},
	{{0x73, 0xc6, 0xac, 0x6e}, "zero-address", "the zero address cannot send", NEXT_ADDRESS},
	{{0x11, 0x8c, 0xda, 0xa7},
	 "registry-owner",
	 "only the owner of the registry contract may do this",
	 NEXT_REGISTRY},
	{{0x1e, 0x4f, 0xbd, 0xf7}, "registry-owner", "that account cannot own the registry contract", NEXT_REGISTRY},
	{{0xf9, 0x2e, 0xe8, 0xa9}, "registry-state", "the registry is initialised already", NEXT_REGISTRY},
	{{0xd7, 0xe6, 0xbc, 0xf8}, "registry-state", "the registry is not being initialised", NEXT_REGISTRY},
	{{0xe0, 0x7c, 0x8d, 0xba},
	 "registry-state",
	 "call the registry through its proxy",
	 "Name the proxy's address as the registry, not its implementation's."},
	{{0xaa, 0x1d, 0x49, 0xa4}, "registry-state", "the new implementation is not one for this proxy", NEXT_REGISTRY},
	{{0x4c, 0x9c, 0x8c, 0xe3}, "registry-state", "the new implementation has no code", NEXT_REGISTRY},
	{{0xb3, 0x98, 0x97, 0x9f}, "registry-state", "the proxy takes no ether", "Send the transaction with value 0."},
	{{0x99, 0x96, 0xb3, 0x15}, "no-code", "that address has no code", NEXT_ADDRESS},
	{{0xd6, 0xbd, 0xa2, 0x75},
	 "inner-call",
	 "an inner call failed",
	 "Look at the contract that is called on the way: the receiver's or the wallet's."},
};

/* A contract's text may hold anything, so only plain visible ASCII goes on to a terminal. */
static void put_escaped(char *out, size_t out_size, const char *lead, const uint8_t *text, size_t len)
{
	size_t at = (size_t)snprintf(out, out_size, "%s", lead);

	for (size_t i = 0; i < len && at + 5 < out_size; i++)
		at += (size_t)snprintf(out + at, out_size - at, text[i] >= ' ' && text[i] < 0x7f ? "%c" : "\\x%02x",
				       text[i]);
}

/* The text of an Error(string); -EBADMSG. */
static int error_string(const uint8_t **text, size_t *text_len, const uint8_t *data, size_t len)
{
	struct abi_reader reader;

	abi_reader_init(&reader, data + 4, len - 4, 1);
	abi_get_bytes(&reader, text, text_len);
	return abi_reader_finish(&reader);
}

enum { UNKNOWN = -1 };

static int find_text(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++)
		if (len == strlen(TEXTS[i].text) && memcmp(text, TEXTS[i].text, len) == 0)
			return (int)i;
	return UNKNOWN;
}

static int find_error(const uint8_t selector[static 4])
{
	for (size_t i = 0; i < sizeof(ERRORS) / sizeof(ERRORS[0]); i++)
		if (memcmp(selector, ERRORS[i].selector, 4) == 0)
			return (int)i;
	return UNKNOWN;
}

void registry_revert_text(char *out, size_t out_size, const uint8_t *data, size_t len)
{
	const uint8_t *text = NULL;
	size_t text_len = 0;
	int row;

	if (len < 4) {
		(void)snprintf(out, out_size,
			       "reverted without a reason: the contract does not know this call, or ran out of gas");
	} else if (memcmp(data, ERROR_STRING, 4) == 0) {
		if (error_string(&text, &text_len, data, len) != 0)
			(void)snprintf(out, out_size, "reverted with a message that cannot be read");
		else if ((row = find_text(text, text_len)) != UNKNOWN)
			(void)snprintf(out, out_size, "%s", TEXTS[row].meaning);
		else
			put_escaped(out, out_size, "reverted: ", text, text_len);
	} else if ((row = find_error(data)) != UNKNOWN) {
		(void)snprintf(out, out_size, "%s", ERRORS[row].meaning);
	} else if (memcmp(data, PANIC, 4) == 0) {
		(void)snprintf(out, out_size, "the contract panicked (Solidity Panic)");
	} else {
		(void)snprintf(out, out_size, "reverted with the unknown error 0x%02x%02x%02x%02x", data[0], data[1],
			       data[2], data[3]);
	}
}

const char *registry_revert_rule(const char **next, const uint8_t *data, size_t len)
{
	static const char unknown_next[] =
		"Check every value that was sent; if they are right, the contract that is called (a receiver or a "
		"wallet) refuses for a reason of its own.";
	/* a node says no more of a transaction that ran out of gas */
	static const char silent_next[] =
		"If it carries long texts, shorten them (a file goes on a server or on IPFS, and its address here): what needs more "
		"gas than a block has ends like this. Else check every value; the contract that is called (a receiver or a "
		"wallet) may refuse for a reason of its own.";
	const char *rule = "reverted", *advice = len < 4 ? silent_next : unknown_next;
	const uint8_t *text = NULL;
	size_t text_len = 0;
	int row;

	if (len >= 4 && memcmp(data, ERROR_STRING, 4) == 0) {
		row = error_string(&text, &text_len, data, len) == 0 ? find_text(text, text_len) : UNKNOWN;
		if (row != UNKNOWN) {
			rule = TEXTS[row].rule;
			advice = TEXTS[row].next;
		}
	} else if (len >= 4 && (row = find_error(data)) != UNKNOWN) {
		rule = ERRORS[row].rule;
		advice = ERRORS[row].next;
	}
	if (next != NULL)
		*next = advice;
	return rule;
}
