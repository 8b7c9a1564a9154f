#pragma once

/* did:pkh (w3c-ccg/did-pkh), the DID that is an account: the document is a function of the DID alone. Documents have
 * the form of the draft's test vectors, not of its prose (facts: chainId:address, capability arrays included). */

#include "did/did.h"
#include "eth/address.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* CAIP-10: namespace ":" reference ":" address, slices of the parsed text. */
struct caip10 {
	struct did_slice namespace; /* [-a-z0-9]{3,8} */
	struct did_slice reference; /* [-_a-zA-Z0-9]{1,32} */
	struct did_slice address;   /* [-.%a-zA-Z0-9]{1,128} */
};

/* An account of namespace eip155. Chain 0 means an externally owned account on any chain. */
struct eip155_account {
	uint64_t chain;
	struct eth_address address;
};

/* What kind of key an account is, which decides the form of its document. */
enum did_pkh_kind {
	DID_PKH_EIP155,
	DID_PKH_BIP122,
	DID_PKH_SOLANA,
	DID_PKH_TEZOS_ED25519,	 /* tz1 */
	DID_PKH_TEZOS_SECP256K1, /* tz2 */
	DID_PKH_TEZOS_P256,	 /* tz3 */
	DID_PKH_ARWEAVE,
};

/* An account of any namespace served; slices of the parsed text. */
struct did_pkh_account {
	enum did_pkh_kind kind;
	struct caip10 caip10;
	uint8_t key[32]; /* solana: the Ed25519 public key, which the address spells; else zero */
};

#define DID_PKH_TEXT_SIZE 96 /* "did:pkh:eip155:" chain ":" address, with NUL, rounded up */

/* Returns 0 or -EBADMSG. */
__attribute__((warn_unused_result)) int caip10_parse(struct caip10 *out, const char *text, size_t len);

/* The eip155 profile: reference decimal without leading zeros, address 0x and 40 hex digits, all lower-case or exactly
 * in EIP-55 spelling.
 *
 * Returns 0, -EBADMSG, -EKEYREJECTED (another spelling), -EOPNOTSUPP (another namespace, well-formed). */
__attribute__((warn_unused_result)) int eip155_account_parse(struct eip155_account *out, const char *text, size_t len);

/* Reads an account by its namespace's profile (docs/formats.md section 13): checksums are checked, and where an encoding would
 * allow several spellings of an account, one is taken (eip155: two).
 *
 * Returns 0, -EBADMSG, -EOPNOTSUPP (well-formed CAIP-10 of a namespace not served). */
__attribute__((warn_unused_result)) int did_pkh_account_parse(struct did_pkh_account *out, const char *text, size_t len);

/* Reads a did:pkh of namespace eip155. Returns 0, -EBADMSG (INVALID_DID, a wrong checksum included), -EOPNOTSUPP (well-formed
 * CAIP-10 of another namespace). */
__attribute__((warn_unused_result)) int did_pkh_parse(struct eip155_account *out, const char *did, size_t len);

/* The DID in EIP-55 spelling, which is how kedge mints it, NUL-terminated. Returns the length. */
size_t did_pkh_format(char out[static DID_PKH_TEXT_SIZE], const struct eip155_account *account);

/* "eip155:CHAIN:ADDRESS" in EIP-55 spelling. Returns the length. */
size_t eip155_account_format(char out[static DID_PKH_TEXT_SIZE], const struct eip155_account *account);

/* The DID document, of every namespace served; id, controller and blockchainAccountId echo the spelling asked, since `id` must
 * equal the DID.
 *
 * Out: *document a new reference.
 *
 * Returns 0, -EBADMSG (INVALID_DID), -EOPNOTSUPP (FEATURE_NOT_SUPPORTED), -ENOMEM. */
__attribute__((warn_unused_result)) int did_pkh_document(json_t **document, const char *did, size_t len);

#define DID_PKH_WORDS_SIZE 160

/* Why did_pkh_document() refused that DID with -EBADMSG or -EOPNOTSUPP, and what would be right, in a sentence. */
void did_pkh_words(char out[static DID_PKH_WORDS_SIZE], const char *did, size_t len);

/* Parts that the documents of agents share; new references, NULL without memory.
 * The @context: DID v1 and the two terms below as inline terms, since v1 does not define them. */
json_t *did_pkh_context(void);
/* {"id":ID#FRAGMENT,"type":"EcdsaSecp256k1RecoveryMethod2020","controller":ID,"blockchainAccountId":ACCOUNT} */
json_t *did_pkh_method(const char *did, const char *fragment, const char *account);

/* The same two, written: the member @context; an item of a list of methods, fragment with its "#". */
struct jcs_put;
void did_pkh_put_context(struct jcs_put *put);
void did_pkh_put_method(struct jcs_put *put, const char *did, const char *fragment, const char *account);
