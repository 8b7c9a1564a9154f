/* Accounts of did:pkh by namespace: the profiles of ChainAgnostic/namespaces (caip2.md and caip10.md of each). Which chains there
 * are is not known here, only what their names look like. */
#include "did/base58.h"
#include "did/bech32.h"
#include "did/did_pkh.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool made_of(struct did_slice text, size_t min, size_t max, const char *characters)
{
	if (text.len < min || text.len > max)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!text.ptr[i] || !strchr(characters, text.ptr[i]))
			return false;
	return true;
}

static int read_eip155(struct did_pkh_account *out)
{
	struct eip155_account account;
	const char *start = out->caip10.namespace.ptr;
	int rc = eip155_account_parse(&account, start, (size_t)(out->caip10.address.ptr - start) + out->caip10.address.len);

	return rc == -EKEYREJECTED ? -EBADMSG : rc;
}

/* "a 32-character prefix from the hash of the genesis block of a given chain, in lowercase hex representation". Addresses are of
 * the chain's own software: Base58Check of a version byte and 20 bytes, or those of segregated witness. The versions and prefixes
 * of other chains than Bitcoin are theirs to choose. */
static int read_bip122(struct did_pkh_account *out)
{
	struct did_slice address = out->caip10.address;
	uint8_t body[BASE58BTC_MAX];

	if (!made_of(out->caip10.reference, 32, 32, "0123456789abcdef"))
		return -EBADMSG;
	if (base58btc_decode_checked(body, sizeof(body), address.ptr, address.len) == 21)
		return 0;
	return bech32_address_check(address.ptr, address.len) >= 0 ? 0 : -EBADMSG;
}

#define BASE58 "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

/* "truncate(genesisHash, 32)"; "base-58 encoded 256-bit Ed25519 public keys". The draft's vector names a chain that is no more. */
static int read_solana(struct did_pkh_account *out)
{
	struct did_slice address = out->caip10.address;

	if (!made_of(out->caip10.reference, 32, 32, BASE58))
		return -EBADMSG;
	return base58btc_decode(out->key, sizeof(out->key), address.ptr, address.len) == sizeof(out->key) ? 0 : -EBADMSG;
}

/* "Net" and four bytes, "tz1", "tz2" or "tz3" and the hash of a key, each behind the bytes that make Base58Check begin so. */
static int read_tezos(struct did_pkh_account *out)
{
	static const struct {
		uint8_t prefix[3];
		enum did_pkh_kind kind;
	} forms[] = {{{0x06, 0xa1, 0x9f}, DID_PKH_TEZOS_ED25519},
		     {{0x06, 0xa1, 0xa1}, DID_PKH_TEZOS_SECP256K1},
		     {{0x06, 0xa1, 0xa4}, DID_PKH_TEZOS_P256}};
	static const uint8_t net[3] = {0x57, 0x52, 0x00};
	struct did_slice address = out->caip10.address, reference = out->caip10.reference;
	uint8_t body[BASE58BTC_MAX];

	if (base58btc_decode_checked(body, sizeof(body), reference.ptr, reference.len) != 7 || memcmp(body, net, 3) != 0)
		return -EBADMSG;
	if (base58btc_decode_checked(body, sizeof(body), address.ptr, address.len) != 23)
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (memcmp(body, forms[i].prefix, 3) != 0)
			continue;
		out->kind = forms[i].kind;
		return 0;
	}
	return -EBADMSG;
}

/* base64url of 32 bytes. CAIP-10 has no "_", so that one character of the alphabet stands percent-encoded, and nothing else does. */
static int read_arweave(struct did_pkh_account *out)
{
	struct did_slice address = out->caip10.address;
	char text[44];
	uint8_t bytes[32];
	size_t count = 0, length = 0;

	for (size_t i = 0; i < address.len; i++) {
		char c = address.ptr[i];

		if (c == '%') {
			if (address.len - i < 3 || memcmp(address.ptr + i, "%5F", 3) != 0)
				return -EBADMSG;
			c = '_';
			i += 2;
		}
		if (count == sizeof(text) - 1)
			return -EBADMSG;
		text[count++] = c;
	}
	/* libsodium refuses bits that are left over, so that a byte string has one text */
	if (sodium_base642bin(bytes, sizeof(bytes), text, count, NULL, &length, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return -EBADMSG;
	return length == sizeof(bytes) ? 0 : -EBADMSG;
}

static const struct profile {
	const char *namespace;
	enum did_pkh_kind kind; /* tezos: one of three, by the address */
	int (*read)(struct did_pkh_account *out);
	const char *words;
} profiles[] = {
	{"eip155", DID_PKH_EIP155, read_eip155,
	 "eip155:CHAIN:0xADDRESS, CHAIN decimal, ADDRESS in lower case or with a right EIP-55 checksum."},
	{"bip122", DID_PKH_BIP122, read_bip122,
	 "bip122:GENESIS:ADDRESS, GENESIS 32 lower-case hex digits, ADDRESS with a right checksum, bech32 in lower case."},
	{"solana", DID_PKH_SOLANA, read_solana, "solana:GENESIS:ADDRESS, GENESIS 32 base58 characters, ADDRESS base58 of 32 bytes."},
	{"tezos", DID_PKH_TEZOS_ED25519, read_tezos, "tezos:NET:ADDRESS, both with right checksums, ADDRESS of tz1, tz2 or tz3."},
	{"arweave", DID_PKH_ARWEAVE, read_arweave, "arweave:CHAIN:ADDRESS, ADDRESS base64url of 32 bytes, its _ written %5F."},
};
#define PROFILES (sizeof(profiles) / sizeof(profiles[0]))

static const struct profile *profile_of(struct did_slice namespace)
{
	for (size_t i = 0; i < PROFILES; i++)
		if (did_slice_is(namespace, profiles[i].namespace))
			return &profiles[i];
	return NULL;
}

int did_pkh_account_parse(struct did_pkh_account *out, const char *text, size_t len)
{
	const struct profile *profile;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = caip10_parse(&out->caip10, text, len);
	if (rc != 0)
		return rc;
	profile = profile_of(out->caip10.namespace);
	if (!profile)
		return -EOPNOTSUPP;
	out->kind = profile->kind;
	return profile->read(out);
}

/* What stands before the first colon of a did:pkh, however wrong the rest is; empty: no did:pkh at all. */
static struct did_slice namespace_of(const char *did, size_t len)
{
	struct did_slice namespace = {did, 0};
	struct did_url url;
	const char *colon;

	if (did_parse(&url, did, len) != 0 || !did_slice_is(url.method, "pkh"))
		return namespace;
	colon = memchr(url.id.ptr, ':', url.id.len);
	if (colon)
		namespace = (struct did_slice){url.id.ptr, (size_t)(colon - url.id.ptr)};
	return namespace;
}

void did_pkh_words(char out[static DID_PKH_WORDS_SIZE], const char *did, size_t len)
{
	struct did_slice namespace = namespace_of(did, len);
	const struct profile *profile = profile_of(namespace);
	struct did_pkh_account account;

	if (profile)
		snprintf(out, DID_PKH_WORDS_SIZE, "Not an account. It is %s", profile->words);
	else if (namespace.len > 0 &&
		 did_pkh_account_parse(&account, namespace.ptr, len - (size_t)(namespace.ptr - did)) == -EOPNOTSUPP)
		snprintf(out, DID_PKH_WORDS_SIZE, "Of did:pkh the namespace %.*s is not served; eip155, bip122, solana, tezos and arweave are.",
			 (int)namespace.len, namespace.ptr);
	else
		snprintf(out, DID_PKH_WORDS_SIZE, "Not a did:pkh. It is did:pkh:NAMESPACE:CHAIN:ADDRESS, an account in CAIP-10.");
}
