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

#define DID_PKH_TEXT_SIZE 96 /* "did:pkh:eip155:" chain ":" address, with NUL, rounded up */

/* Returns 0 or -EBADMSG. */
__attribute__((warn_unused_result)) int caip10_parse(struct caip10 *out, const char *text, size_t len);

/* The eip155 profile: reference decimal without leading zeros, address 0x and 40 hex digits, all lower-case or exactly
 * in EIP-55 spelling.
 *
 * Returns 0, -EBADMSG, -EKEYREJECTED (another spelling), -EOPNOTSUPP (another namespace, well-formed). */
__attribute__((warn_unused_result)) int eip155_account_parse(struct eip155_account *out, const char *text, size_t len);

/* Reads a did:pkh. Returns 0, -EBADMSG (INVALID_DID, a wrong checksum included), -EOPNOTSUPP (well-formed CAIP-10 of a
 * namespace not served: FEATURE_NOT_SUPPORTED). */
__attribute__((warn_unused_result)) int did_pkh_parse(struct eip155_account *out, const char *did, size_t len);

/* The DID in EIP-55 spelling, which is how kedge mints it, NUL-terminated. Returns the length. */
size_t did_pkh_format(char out[static DID_PKH_TEXT_SIZE], const struct eip155_account *account);

/* "eip155:CHAIN:ADDRESS" in EIP-55 spelling. Returns the length. */
size_t eip155_account_format(char out[static DID_PKH_TEXT_SIZE], const struct eip155_account *account);

/* The DID document; id, controller and blockchainAccountId echo the spelling asked, since `id` must equal the DID.
 * Out: *document a new reference. Returns as did_pkh_parse(), or -ENOMEM. */
__attribute__((warn_unused_result)) int did_pkh_document(json_t **document, const char *did, size_t len);

/* Parts that the documents of agents share; new references, NULL without memory.
 * The @context: DID v1 and the two terms below as inline terms, since v1 does not define them. */
json_t *did_pkh_context(void);
/* {"id":ID#FRAGMENT,"type":"EcdsaSecp256k1RecoveryMethod2020","controller":ID,"blockchainAccountId":ACCOUNT} */
json_t *did_pkh_method(const char *did, const char *fragment, const char *account);
