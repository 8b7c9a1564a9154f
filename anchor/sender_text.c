/* Words of nodes, and ours for alarms. The meanings of error texts are data: the first row whose text occurs decides.
 */
#include "anchor/sender.h"

#include <string.h>
#include <strings.h>

/* Sources: geth core/txpool, reth transaction-pool, anvil 1.7.1 (facts/eth-client.md section 2.1), and the lists that
 * OpenZeppelin's relayer keeps for other clients and gateways. Lower case. */
static const struct {
	const char *text;
	enum sender_outcome outcome;
} meanings[] = {
	{"nonce too low", SENDER_NONCE_TOO_LOW},
	{"nonce is too low", SENDER_NONCE_TOO_LOW},
	{"oldnonce", SENDER_NONCE_TOO_LOW},
	{"nonce too high", SENDER_NONCE_TOO_HIGH},
	{"nonce too far in the future", SENDER_NONCE_TOO_HIGH},
	{"exceeds next nonce", SENDER_NONCE_TOO_HIGH},
	{"nonce out of range", SENDER_NONCE_TOO_HIGH},
	{"tx-nonce-too-high", SENDER_NONCE_TOO_HIGH},
	{"unknown transaction", SENDER_UNKNOWN}, /* which contains the next but two */
	{"already known", SENDER_ACCEPTED},
	{"already imported", SENDER_ACCEPTED},
	{"known transaction", SENDER_ACCEPTED},
	{"alreadyknown", SENDER_ACCEPTED},
	{"underpriced", SENDER_UNDERPRICED}, /* "replacement transaction underpriced", "transaction underpriced: ..." */
	{"replacementnotallowed", SENDER_UNDERPRICED},
	{"less than block base fee", SENDER_FEE_TOO_LOW},
	{"feetoolow", SENDER_FEE_TOO_LOW},
	{"insufficient funds", SENDER_NO_FUNDS},
	{"insufficientfunds", SENDER_NO_FUNDS},
};

static int contains(const char *message, size_t len, const char *text)
{
	size_t text_len = strlen(text);

	for (size_t at = 0; at + text_len <= len; at++)
		if (strncasecmp(message + at, text, text_len) == 0)
			return 1;
	return 0;
}

enum sender_outcome sender_classify(const char *message, size_t len)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (contains(message, len, meanings[i].text))
			return meanings[i].outcome;
	return SENDER_UNKNOWN;
}

const char *sender_alarm_name(enum sender_alarm alarm)
{
	static const char *const names[] = {
		[SENDER_ALARM_LOST] = "lost",	      [SENDER_ALARM_CONFLICT] = "conflict",
		[SENDER_ALARM_AHEAD] = "ahead",	      [SENDER_ALARM_REVERT] = "revert",
		[SENDER_ALARM_FINALITY] = "finality", [SENDER_ALARM_FEE_CAP] = "fee-cap",
		[SENDER_ALARM_FUNDS] = "funds",	      [SENDER_ALARM_GAP] = "gap",
		[SENDER_ALARM_FULL] = "full",
	};

	return (size_t)alarm < sizeof(names) / sizeof(names[0]) ? names[alarm] : "unknown";
}
