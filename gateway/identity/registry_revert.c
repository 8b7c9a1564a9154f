/* What the registry's reverts mean to the person whose transaction they stopped: facts/erc8004.md §1.1, "Reverts". */
#include "eth/abi.h"
#include "gateway/identity/registry.h"

#include <stdio.h>
#include <string.h>

/* Error(string), Panic(uint256): Solidity's own. */
static const uint8_t ERROR_STRING[4] = {0x08, 0xc3, 0x79, 0xa0};
static const uint8_t PANIC[4] = {0x4e, 0x48, 0x7b, 0x71};

static const struct {
	const char *text, *meaning;
} TEXTS[] = {
	{"Not authorized", "the sender is neither the agent's owner nor approved by it: send from the owner's account"},
	{"bad wallet", "the new wallet is the zero address: name a wallet, or use unset-wallet to clear it"},
	{"expired", "the deadline has passed by block time: ask for a new one and sign again"},
	{"deadline too far",
	 "the deadline is more than 300 seconds after block time: choose a nearer one and sign again"},
	{"invalid wallet sig", "the signature is not the new wallet's over this id, owner and deadline: sign with the "
			       "new wallet, and again after "
			       "any change of owner"},
	{"reserved key", "the metadata key agentWallet is set by setAgentWallet only"},
};

static const struct {
	uint8_t selector[4];
	const char *meaning;
} ERRORS[] = {
	{{0x7e, 0x27, 0x32, 0x89}, "there is no agent with this id"},
	{{0x17, 0x7e, 0x80, 0x2f}, "the sender may not move this agent: it is neither owner nor approved"},
	{{0x64, 0x28, 0x3d, 0x7b}, "the agent belongs to another account than the one named"},
	{{0x64, 0xa0, 0xae, 0x92},
	 "the receiver is the zero address or a contract that does not accept ERC-721 tokens"},
	{{0x89, 0xc6, 0x2b, 0x64}, "the zero address owns nothing"},
	{{0xa9, 0xfb, 0xf5, 0x1f}, "the sender may not approve for this agent"},
	{{0x5b, 0x08, 0xba, 0x18}, "the zero address cannot be an operator"},
	{{0x73, 0xc6, 0xac, 0x6e}, "the zero address cannot send"},
	{{0x11, 0x8c, 0xda, 0xa7}, "only the owner of the registry contract may do this"},
	{{0x1e, 0x4f, 0xbd, 0xf7}, "that account cannot own the registry contract"},
	{{0xf9, 0x2e, 0xe8, 0xa9}, "the registry is initialised already"},
	{{0xd7, 0xe6, 0xbc, 0xf8}, "the registry is not being initialised"},
	{{0xe0, 0x7c, 0x8d, 0xba}, "call the registry through its proxy"},
	{{0xaa, 0x1d, 0x49, 0xa4}, "the new implementation is not one for this proxy"},
	{{0x4c, 0x9c, 0x8c, 0xe3}, "the new implementation has no code"},
	{{0xb3, 0x98, 0x97, 0x9f}, "the proxy takes no ether"},
	{{0x99, 0x96, 0xb3, 0x15}, "that address has no code"},
	{{0xd6, 0xbd, 0xa2, 0x75}, "an inner call failed"},
};

/* A contract's text may hold anything, so only plain visible ASCII goes on to a terminal. */
static void put_escaped(char *out, size_t out_size, const char *lead, const uint8_t *text, size_t len)
{
	size_t at = (size_t)snprintf(out, out_size, "%s", lead);

	for (size_t i = 0; i < len && at + 5 < out_size; i++)
		at += (size_t)snprintf(out + at, out_size - at, text[i] >= ' ' && text[i] < 0x7f ? "%c" : "\\x%02x",
				       text[i]);
}

static void put_error_string(char *out, size_t out_size, const uint8_t *data, size_t len)
{
	struct abi_reader reader;
	const uint8_t *text;
	size_t text_len;

	abi_reader_init(&reader, data, len, 1);
	abi_get_bytes(&reader, &text, &text_len);
	if (abi_reader_finish(&reader) != 0) {
		(void)snprintf(out, out_size, "reverted with a message that cannot be read");
		return;
	}
	for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
		if (text_len == strlen(TEXTS[i].text) && memcmp(text, TEXTS[i].text, text_len) == 0) {
			(void)snprintf(out, out_size, "%s", TEXTS[i].meaning);
			return;
		}
	}
	put_escaped(out, out_size, "reverted: ", text, text_len);
}

void registry_revert_text(char *out, size_t out_size, const uint8_t *data, size_t len)
{
	if (len < 4) {
		(void)snprintf(out, out_size,
			       "reverted without a reason: the contract does not know this call, or ran out of gas");
		return;
	}
	if (memcmp(data, ERROR_STRING, 4) == 0) {
		put_error_string(out, out_size, data + 4, len - 4);
		return;
	}
	for (size_t i = 0; i < sizeof(ERRORS) / sizeof(ERRORS[0]); i++) {
		if (memcmp(data, ERRORS[i].selector, 4) == 0) {
			(void)snprintf(out, out_size, "%s", ERRORS[i].meaning);
			return;
		}
	}
	if (memcmp(data, PANIC, 4) == 0)
		(void)snprintf(out, out_size, "the contract panicked (Solidity Panic)");
	else
		(void)snprintf(out, out_size, "reverted with the unknown error 0x%02x%02x%02x%02x", data[0], data[1],
			       data[2], data[3]);
}
