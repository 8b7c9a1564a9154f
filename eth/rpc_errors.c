/* The table of what is said, and the table of how a limit is told. Rows are in order: the first that fits decides, so a
 * text that one node uses for one thing and another for something else stands behind the longer texts. Lower case.
 *
 * Sources: geth rpc/errors.go and internal/ethapi/errors.go, reth eth/filter.rs and rpc-eth-types/logs_utils.rs, OP
 * proxyd (before Base's own endpoint) backend.go, ponder getLogsRetryHelper.ts, rindexer, viem, the providers'
 * documentation, and anvil as recorded. */
#include "eth/rpc_errors.h"

#include <string.h>

enum { TEXT_MAX = 1024 }; /* what says which error it is stands at the front; the rest may be megabytes */

enum { ANY = 0, WITH_DATA = 1, BATCH = 2, RATE = 4 };

struct row {
	const char *text; /* NULL: any */
	int64_t code;	  /* 0: any */
	long status;	  /* 0: any */
	enum eth_rpc_outcome outcome;
	unsigned flags;
	uint64_t blocks; /* the limit this wording is known to mean where it does not say */
};

static const struct row ROWS[] = {
	/* geth, reth, anvil: EIP-1474's neighbour, with the data of the revert */
	{NULL, 3, 0, ETH_RPC_REVERT, ANY, 0},
	{"revert", 0, 0, ETH_RPC_REVERT, WITH_DATA, 0},
	{"execution reverted", 0, 0, ETH_RPC_REVERT, ANY, 0},
	{"vm execution error", 0, 0, ETH_RPC_REVERT, ANY, 0}, /* Nethermind, Parity */

	/* JSON-RPC 2.0 §5.1, and those who word it otherwise */
	{NULL, -32601, 0, ETH_RPC_NO_METHOD, ANY, 0},
	{"method not found", 0, 0, ETH_RPC_NO_METHOD, ANY, 0},
	{"method not supported", 0, 0, ETH_RPC_NO_METHOD, ANY, 0},
	{"does not exist/is not available", 0, 0, ETH_RPC_NO_METHOD, ANY, 0}, /* geth */
	{"unsupported method", 0, 0, ETH_RPC_NO_METHOD, ANY, 0},
	{"method is not whitelisted", 0, 0, ETH_RPC_NO_METHOD, ANY, 0}, /* proxyd, with code -32001 */
	{"method is not available", 0, 0, ETH_RPC_NO_METHOD, ANY, 0},
	{"no backends available for method", 0, 0, ETH_RPC_NO_METHOD, ANY, 0}, /* proxyd */

	/* a range of which the end is ahead of the node: before the limits, which speak of ranges too */
	{"blockoutofrange", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},			  /* anvil */
	{"block is out of range", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},			  /* proxyd */
	{"block range extends beyond current head", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0}, /* geth */
	{"beyond current head", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"unknown block", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"unknown state", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"header not found", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"header for hash not found", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"block not found", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"could not find block", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"block requested not found", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"not currently canonical", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"non-canonical", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"resource not found", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0}, /* EIP-1474 */
	{"missing trie node", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},  /* geth without the state */
	{"state not available", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"state is not available", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"historical state", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"state already discarded", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"state histories", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"pruned", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{"archive request", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},      /* free tiers keep the near blocks only */
	{"maximum proof window", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0}, /* reth eth_getProof */
	{"unfinalized data", 0, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},
	{NULL, -32001, 0, ETH_RPC_UNKNOWN_BLOCK, ANY, 0},

	/* limits on the request as such */
	{"batch size", 0, 0, ETH_RPC_LIMIT, BATCH, 0},
	{"batch too large", 0, 0, ETH_RPC_LIMIT, BATCH, 0}, /* geth */
	{"batch limit", 0, 0, ETH_RPC_LIMIT, BATCH, 0},
	{"calls in batch", 0, 0, ETH_RPC_LIMIT, BATCH, 0}, /* proxyd: too many RPC calls in batch request */
	{"calls in a batch", 0, 0, ETH_RPC_LIMIT, BATCH, 0},
	{"batch request", 0, 0, ETH_RPC_LIMIT, BATCH, 0},
	{"request body too large", 0, 0, ETH_RPC_LIMIT, BATCH, 0},
	{"request too large", 0, 0, ETH_RPC_LIMIT, BATCH, 0},
	{"entity too large", 0, 0, ETH_RPC_LIMIT, BATCH, 0},
	{"content length too large", 0, 0, ETH_RPC_LIMIT, BATCH, 0},

	/* limits on eth_getLogs */
	{"block range is too large", 0, 0, ETH_RPC_LIMIT, ANY, 0},
	{"block range too large", 0, 0, ETH_RPC_LIMIT, ANY, 2000}, /* Base: -32614 with HTTP 413, 2,000 measured */
	{"block range limit exceeded", 0, 0, ETH_RPC_LIMIT, ANY, 10000}, /* Chainstack */
	{"block range", 0, 0, ETH_RPC_LIMIT, ANY, 0},  /* reth, Alchemy, PublicNode, Ankr, Hyperliquid, … */
	{"blocks range", 0, 0, ETH_RPC_LIMIT, ANY, 0}, /* 1RPC, QuickNode */
	{"maximum range", 0, 0, ETH_RPC_LIMIT, ANY, 0},
	{"max range", 0, 0, ETH_RPC_LIMIT, ANY, 0},	     /* Cloudflare */
	{"max results", 0, 0, ETH_RPC_LIMIT, ANY, 0},	     /* reth */
	{"returned more than", 0, 0, ETH_RPC_LIMIT, ANY, 0}, /* Infura, zkEVM */
	{"exceeds limit of", 0, 0, ETH_RPC_LIMIT, ANY, 0},   /* Infura -32602, Arbitrum */
	{"exceeds the range", 0, 0, ETH_RPC_LIMIT, ANY, 0},  /* Blast */
	{"range threshold exceeded", 0, 0, ETH_RPC_LIMIT, ANY, 0},
	{"exceeded max allowed", 0, 0, ETH_RPC_LIMIT, ANY, 0}, /* eRPC */
	{"range too large", 0, 0, ETH_RPC_LIMIT, ANY, 0},
	{"range is too large", 0, 0, ETH_RPC_LIMIT, ANY, 0},	    /* BlockPI */
	{"limit the query", 0, 0, ETH_RPC_LIMIT, ANY, 0},	    /* Coinbase -32012 */
	{"too many blocks", 0, 0, ETH_RPC_LIMIT, ANY, 0},	    /* Avalanche */
	{"requested blocks", 0, 0, ETH_RPC_LIMIT, ANY, 0},	    /* Thirdweb */
	{"ranges over", 0, 0, ETH_RPC_LIMIT, ANY, 0},		    /* dRPC */
	{"eth_getlogs is limited", 0, 0, ETH_RPC_LIMIT, ANY, 0},    /* BlockPI */
	{"eth_newfilter are limited", 0, 0, ETH_RPC_LIMIT, ANY, 0}, /* QuickNode */
	{"response too large", 0, 0, ETH_RPC_LIMIT, ANY, 0},	    /* geth -32003, proxyd -32020 with HTTP 500 */
	{"response size", 0, 0, ETH_RPC_LIMIT, ANY, 0},		    /* Alchemy, 1RPC, reth */
	{"response is too big", 0, 0, ETH_RPC_LIMIT, ANY, 0},	    /* reth -32008 */
	{"result set", 0, 0, ETH_RPC_LIMIT, ANY, 0},
	{"too many results", 0, 0, ETH_RPC_LIMIT, ANY, 0},
	{"up to a", 0, 0, ETH_RPC_LIMIT, ANY, 0},
	{NULL, -32614, 0, ETH_RPC_LIMIT, ANY, 0}, /* Base, Monad */
	{NULL, -32020, 0, ETH_RPC_LIMIT, ANY, 0}, /* proxyd */

	/* too many requests */
	{"rate limit", 0, 0, ETH_RPC_RETRYABLE, RATE, 0},
	{"too many requests", 0, 0, ETH_RPC_RETRYABLE, RATE, 0},
	{"request rate", 0, 0, ETH_RPC_RETRYABLE, RATE, 0}, /* Infura */
	{"requests per second", 0, 0, ETH_RPC_RETRYABLE, RATE, 0},
	{"/second request limit", 0, 0, ETH_RPC_RETRYABLE, RATE, 0}, /* QuickNode -32007 */
	{"request limit", 0, 0, ETH_RPC_RETRYABLE, RATE, 0},
	{"compute units per second", 0, 0, ETH_RPC_RETRYABLE, RATE, 0}, /* Alchemy */
	{"capacity limit", 0, 0, ETH_RPC_RETRYABLE, RATE, 0},
	{"throughput", 0, 0, ETH_RPC_RETRYABLE, RATE, 0},
	{"gas limit exceeded", 0, 0, ETH_RPC_REFUSED, ANY, 0}, /* a transaction's, not the provider's */
	{"limit exceeded", 0, 0, ETH_RPC_RETRYABLE, RATE, 0},  /* EIP-1474 -32005 */
	{NULL, -32005, 0, ETH_RPC_RETRYABLE, RATE, 0},
	{NULL, -32016, 0, ETH_RPC_RETRYABLE, RATE, 0}, /* proxyd: over rate limit */
	{NULL, 429, 0, ETH_RPC_RETRYABLE, RATE, 0},

	/* the provider's own trouble */
	{"no backend is currently healthy", 0, 0, ETH_RPC_RETRYABLE, ANY, 0}, /* proxyd -32011 */
	{"backend offline", 0, 0, ETH_RPC_RETRYABLE, ANY, 0},
	{"backend returned an invalid response", 0, 0, ETH_RPC_RETRYABLE, ANY, 0},
	{"over capacity", 0, 0, ETH_RPC_RETRYABLE, ANY, 0},
	{"overloaded", 0, 0, ETH_RPC_RETRYABLE, ANY, 0},
	{"timeout", 0, 0, ETH_RPC_RETRYABLE, ANY, 0},
	{"timed out", 0, 0, ETH_RPC_RETRYABLE, ANY, 0},
	{"temporarily", 0, 0, ETH_RPC_RETRYABLE, ANY, 0},
	{"temporary", 0, 0, ETH_RPC_RETRYABLE, ANY, 0},
	{"try again", 0, 0, ETH_RPC_RETRYABLE, ANY, 0},
	{"service unavailable", 0, 0, ETH_RPC_RETRYABLE, ANY, 0},
	{"route your request", 0, 0, ETH_RPC_RETRYABLE, ANY, 0}, /* dRPC */
	{NULL, -32603, 0, ETH_RPC_RETRYABLE, ANY, 0},
	{NULL, -32002, 0, ETH_RPC_RETRYABLE, ANY, 0},
	{NULL, -1, 0, ETH_RPC_RETRYABLE, ANY, 0}, /* viem's list */

	/* only the HTTP status tells */
	{NULL, 0, 413, ETH_RPC_LIMIT, ANY, 0},
	{NULL, 0, 429, ETH_RPC_RETRYABLE, RATE, 0},
	{NULL, 0, 408, ETH_RPC_RETRYABLE, ANY, 0},
	{NULL, 0, 500, ETH_RPC_RETRYABLE, ANY, 0},
	{NULL, 0, 502, ETH_RPC_RETRYABLE, ANY, 0},
	{NULL, 0, 503, ETH_RPC_RETRYABLE, ANY, 0},
	{NULL, 0, 504, ETH_RPC_RETRYABLE, ANY, 0},
};

/* Where numbers stand in texts about limits. PAIR: two block numbers. BLOCKS: a number of blocks. SECOND: the second of
 * two numbers is the number of blocks. A row with `then` counts only where that word follows the number soon. */
static const struct form {
	const char *lead;
	enum { PAIR, BLOCKS, SECOND } kind;
	const char *then;
	const char *unless; /* the number counts something else if this stands anywhere */
} FORMS[] = {
	{"retry with the range", PAIR, NULL, NULL},	     /* reth */
	{"this block range should work:", PAIR, NULL, NULL}, /* Alchemy */
	{"with this block range", PAIR, NULL, NULL},	     /* Infura, zkSync, Tenderly, Thirdweb */
	{"limited to 0 -", BLOCKS, "block", NULL},	     /* 1RPC */
	{"limited to a", BLOCKS, NULL, NULL},		     /* QuickNode, 1RPC */
	{"limited to", BLOCKS, "block", NULL},		     /* BlockPI */
	{"up to a", BLOCKS, "block", NULL},		     /* Alchemy */
	{"at most", BLOCKS, "block", NULL},		     /* Coinbase */
	{"for your plan (", SECOND, NULL, NULL},	     /* Blast */
	{"requested blocks is", BLOCKS, NULL, NULL},	     /* Thirdweb */
	{"maximum allowed is", BLOCKS, NULL, NULL},	     /* Sei */
	{"maximum is set to", BLOCKS, NULL, NULL},	     /* Avalanche */
	{"max block range:", BLOCKS, NULL, NULL},	     /* Tron */
	{"max block range", BLOCKS, NULL, NULL},	     /* reth, Hyperliquid */
	{"maximum block range:", BLOCKS, NULL, NULL},	     /* PublicNode */
	{"maximum block range of", BLOCKS, NULL, NULL},
	{"block range greater than", BLOCKS, NULL, NULL}, /* proxyd */
	{"max range:", BLOCKS, NULL, NULL},		  /* Cloudflare */
	{"max is", BLOCKS, "block", NULL},		  /* BlockPI */
	{"ranges over", BLOCKS, "block", NULL},		  /* dRPC */
	{"exceeds limit of", BLOCKS, NULL, "logs"},	  /* Infura; Arbitrum's counts logs */
};

/* Lower case, without NUL, so that plain string search does. */
static void copy_text(char out[static TEXT_MAX + 1], const char *message, size_t len)
{
	len = len < TEXT_MAX ? len : TEXT_MAX;
	for (size_t i = 0; i < len; i++) {
		char c = message[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		out[i] = c != '\0' ? c : ' ';
	}
	out[len] = '\0';
}

static int digit_of(char c, unsigned base)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A number at *at, which moves behind it: 0x…, or decimal with thousands set apart by commas or points, or with a k
 * behind it. A number that does not fit is none. */
static bool read_number(uint64_t *out, const char **at)
{
	const char *p = *at;
	unsigned base = p[0] == '0' && p[1] == 'x' ? 16 : 10;
	uint64_t number = 0;
	bool any = false;

	for (p += base == 16 ? 2 : 0; *p != '\0'; p++) {
		int digit = digit_of(*p, base);

		if (digit < 0 && any && base == 10 && (*p == ',' || *p == '.') && digit_of(p[1], 10) >= 0 &&
		    digit_of(p[2], 10) >= 0 && digit_of(p[3], 10) >= 0)
			continue;
		if (digit < 0)
			break;
		if (number > (UINT64_MAX - (unsigned)digit) / base)
			return false;
		number = number * base + (unsigned)digit;
		any = true;
	}
	if (any && base == 10 && *p == 'k') {
		if (number > UINT64_MAX / 1000)
			return false;
		number *= 1000;
		p++;
	}
	*out = number;
	*at = p;
	return any;
}

static const char *skip(const char *at, const char *what)
{
	return at + strspn(at, what);
}

static bool read_form(struct eth_rpc_hint *out, const struct form *form, const char *text)
{
	const char *at = strstr(text, form->lead), *word;
	uint64_t first, second = 0;

	if (at == NULL || (form->unless != NULL && strstr(text, form->unless) != NULL))
		return false;
	at = skip(at + strlen(form->lead), " :[(");
	if (!read_number(&first, &at))
		return false;
	if (form->kind != BLOCKS) {
		at = skip(at, " -,>");
		if (!read_number(&second, &at))
			return false;
	}
	word = form->then != NULL ? strstr(at, form->then) : at;
	if (word == NULL || word - at > 2)
		return false;
	if (form->kind == PAIR) {
		out->has_range = first <= second;
		out->from = out->has_range ? first : 0;
		out->to = out->has_range ? second : 0;
		return out->has_range;
	}
	out->blocks = form->kind == SECOND ? second : first;
	return out->blocks > 0;
}

static void read_hint(struct eth_rpc_hint *out, const char *text)
{
	for (size_t i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++)
		if (!(FORMS[i].kind == PAIR ? out->has_range : out->blocks > 0))
			(void)read_form(out, &FORMS[i], text);
}

void eth_rpc_errors_hint(struct eth_rpc_hint *out, const char *message, size_t len)
{
	char text[TEXT_MAX + 1];

	*out = (struct eth_rpc_hint){0};
	copy_text(text, message, len);
	read_hint(out, text);
}

static bool fits(const struct row *row, const char *text, int64_t code, long status, bool has_data)
{
	if ((row->code != 0 && row->code != code) || (row->status != 0 && row->status != status))
		return false;
	if ((row->flags & WITH_DATA) != 0 && !has_data)
		return false;
	return row->text == NULL || strstr(text, row->text) != NULL;
}

enum eth_rpc_outcome eth_rpc_errors_classify(struct eth_rpc_hint *hint, long status, int64_t code, const char *message,
					     size_t len, bool has_data)
{
	char text[TEXT_MAX + 1];
	const struct row *row = NULL;

	if (hint != NULL)
		*hint = (struct eth_rpc_hint){0};
	copy_text(text, message, len);
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]) && row == NULL; i++)
		if (fits(&ROWS[i], text, code, status, has_data))
			row = &ROWS[i];
	if (row == NULL)
		return ETH_RPC_REFUSED;
	if (hint == NULL)
		return row->outcome;
	hint->rate = (row->flags & RATE) != 0;
	hint->batch = (row->flags & BATCH) != 0;
	if (row->outcome == ETH_RPC_LIMIT && !hint->batch) {
		read_hint(hint, text);
		if (hint->blocks == 0 && !hint->has_range)
			hint->blocks = row->blocks;
	}
	return row->outcome;
}

enum eth_rpc_outcome eth_rpc_classify(int64_t code, const char *message, size_t len, bool has_data)
{
	return eth_rpc_errors_classify(NULL, 0, code, message, len, has_data);
}

enum eth_rpc_outcome eth_rpc_errors_status(long status)
{
	switch (status) {
	case 408:
	case 429:
	case 500:
	case 502:
	case 503:
	case 504:
		return ETH_RPC_RETRYABLE;
	case 413:
		return ETH_RPC_LIMIT;
	default:
		return ETH_RPC_REFUSED;
	}
}
