/* CAIP-10, and accounts of eip155, which is the namespace that kedge mints DIDs in. */
#include "did/did_pkh.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "eth/decimal.h"
#include "eth/u256.h"

#define PREFIX "did:pkh:"
#define PREFIX_LEN 8

static bool made_of(struct did_slice text, size_t min, size_t max, const char *extra, bool upper)
{
	if (text.len < min || text.len > max)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (upper && c >= 'A' && c <= 'Z');

		if (!ok && !(c && strchr(extra, c)))
			return false;
	}
	return true;
}

int caip10_parse(struct caip10 *out, const char *text, size_t len)
{
	const char *first = memchr(text, ':', len), *second;
	size_t rest;

	if (!first)
		return -EBADMSG;
	rest = len - (size_t)(first - text) - 1;
	second = memchr(first + 1, ':', rest);
	if (!second)
		return -EBADMSG;
	out->namespace = (struct did_slice){text, (size_t)(first - text)};
	out->reference = (struct did_slice){first + 1, (size_t)(second - first) - 1};
	out->address = (struct did_slice){second + 1, rest - out->reference.len - 1};
	if (!made_of(out->namespace, 3, 8, "-", false) || !made_of(out->reference, 1, 32, "-_", true) ||
	    !made_of(out->address, 1, 128, "-.%", true))
		return -EBADMSG;
	return 0;
}

int eip155_account_parse(struct eip155_account *out, const char *text, size_t len)
{
	char lower[ADDRESS_TEXT_SIZE], eip55[ADDRESS_TEXT_SIZE], folded[ADDRESS_TEXT_SIZE];
	struct caip10 caip10;
	struct u256 chain;
	int rc = caip10_parse(&caip10, text, len);

	if (rc != 0)
		return rc;
	if (!did_slice_is(caip10.namespace, "eip155"))
		return -EOPNOTSUPP;
	if (u256_parse_decimal(&chain, caip10.reference.ptr, caip10.reference.len) != 0 ||
	    u256_to_u64(&out->chain, &chain) != 0)
		return -EBADMSG;
	if (caip10.address.len != ADDRESS_TEXT_SIZE - 1)
		return -EBADMSG;
	for (size_t i = 0; i < caip10.address.len; i++) {
		char c = caip10.address.ptr[i];

		folded[i] = c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c;
	}
	if (address_parse(&out->address, folded, caip10.address.len) != 0)
		return -EBADMSG;
	/* namespaces/eip155/caip10.md: SHOULD accept EIP-55 and all-lower */
	address_format_lower(lower, &out->address);
	address_format_eip55(eip55, &out->address);
	return did_slice_is(caip10.address, lower) || did_slice_is(caip10.address, eip55) ? 0 : -EKEYREJECTED;
}

int did_pkh_parse(struct eip155_account *out, const char *did, size_t len)
{
	struct did_url url;
	int rc;

	if (did_parse(&url, did, len) != 0 || !did_slice_is(url.method, "pkh"))
		return -EBADMSG;
	rc = eip155_account_parse(out, url.id.ptr, url.id.len);
	return rc == -EKEYREJECTED ? -EBADMSG : rc;
}

static size_t format(char out[static DID_PKH_TEXT_SIZE], const char *prefix, const struct eip155_account *account)
{
	char *at = decimal_put(stpcpy(out, prefix), account->chain);

	*at++ = ':';
	address_format_eip55(at, &account->address);
	return (size_t)(at - out) + ADDRESS_TEXT_SIZE - 1;
}

size_t did_pkh_format(char out[static DID_PKH_TEXT_SIZE], const struct eip155_account *account)
{
	return format(out, PREFIX "eip155:", account);
}

size_t eip155_account_format(char out[static DID_PKH_TEXT_SIZE], const struct eip155_account *account)
{
	return format(out, "eip155:", account);
}
