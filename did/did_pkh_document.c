/* did:pkh: the document of an account, in the form of the draft's test vectors. */
#include "did/did_pkh.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PREFIX_LEN 8 /* "did:pkh:" */
#define SECURITY "https://w3id.org/security#"
#define RECOVERY "EcdsaSecp256k1RecoveryMethod2020"

/* One verification method, or two that mean the same key: a general one and one of the namespace. */
static const struct form {
	const char *fragment, *type, *iri;
	const char *second; /* fragment and type of the other; NULL: none. Its IRI is in SECURITY */
	bool has_key;	    /* the address is the key, so both give it as publicKeyJwk */
} forms[] = {
	[DID_PKH_EIP155] = {"blockchainAccountId", RECOVERY, "https://identity.foundation/EcdsaSecp256k1RecoverySignature2020#" RECOVERY,
			    NULL, false},
	[DID_PKH_BIP122] = {"blockchainAccountId", RECOVERY, "https://identity.foundation/EcdsaSecp256k1RecoverySignature2020#" RECOVERY,
			    NULL, false},
	[DID_PKH_SOLANA] = {"controller", "Ed25519VerificationKey2018", SECURITY "Ed25519VerificationKey2018", "SolanaMethod2021", true},
	[DID_PKH_TEZOS_ED25519] = {"blockchainAccountId", "Ed25519PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021",
				   SECURITY "Ed25519PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021", "TezosMethod2021", false},
	[DID_PKH_TEZOS_SECP256K1] = {"blockchainAccountId", RECOVERY,
				     "https://identity.foundation/EcdsaSecp256k1RecoverySignature2020#" RECOVERY, "TezosMethod2021", false},
	[DID_PKH_TEZOS_P256] = {"blockchainAccountId", "P256PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021",
				SECURITY "P256PublicKeyBLAKE2BDigestSize20Base58CheckEncoded2021", "TezosMethod2021", false},
	[DID_PKH_ARWEAVE] = {"blockchainAccountId", "RsaVerificationKey2018",
			     "https://w3c-ccg.github.io/security-vocab/#RsaVerificationKey2018", NULL, false},
};

static json_t *context_of(const struct form *form)
{
	json_t *terms = json_pack("{s:s}", "blockchainAccountId", SECURITY "blockchainAccountId");
	int rc = 0;

	if (form->has_key)
		rc |= json_object_set_new(terms, "publicKeyJwk", json_pack("{s:s, s:s}", "@id", SECURITY "publicKeyJwk", "@type", "@json"));
	rc |= json_object_set_new(terms, form->type, json_string(form->iri));
	if (form->second)
		rc |= json_object_set_new(terms, form->second, json_sprintf(SECURITY "%s", form->second));
	if (rc != 0) {
		json_decref(terms);
		return NULL;
	}
	return json_pack("[s, o]", "https://www.w3.org/ns/did/v1", terms);
}

json_t *did_pkh_context(void)
{
	return context_of(&forms[DID_PKH_EIP155]);
}

static json_t *method_of(const char *did, const char *fragment, const char *type, const char *account)
{
	return json_pack("{s:s++, s:s, s:s, s:s}", "id", did, "#", fragment, "type", type, "controller", did, "blockchainAccountId",
			 account);
}

json_t *did_pkh_method(const char *did, const char *fragment, const char *account)
{
	return method_of(did, fragment, RECOVERY, account);
}

/* RFC 8037 */
static json_t *jwk_of(const uint8_t key[static 32])
{
	char x[sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

	sodium_bin2base64(x, sizeof(x), key, 32, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return json_pack("{s:s, s:s, s:s}", "kty", "OKP", "crv", "Ed25519", "x", x);
}

static int add_method(json_t *document, const char *did, const char *fragment, const char *type, const struct did_pkh_account *account)
{
	json_t *method = method_of(did, fragment, type, did + PREFIX_LEN);

	if (!method)
		return -ENOMEM;
	if (forms[account->kind].has_key && json_object_set_new(method, "publicKeyJwk", jwk_of(account->key)) != 0) {
		json_decref(method);
		return -ENOMEM;
	}
	return json_array_append_new(json_object_get(document, "verificationMethod"), method) == 0 ? 0 : -ENOMEM;
}

static int add_relationships(json_t *document, const char *did, const struct form *form)
{
	static const char *const relationships[] = {"authentication", "assertionMethod", "capabilityDelegation", "capabilityInvocation"};

	for (size_t i = 0; i < sizeof(relationships) / sizeof(relationships[0]); i++) {
		json_t *ids = json_pack("[s++]", did, "#", form->fragment);
		int rc = 0;

		if (form->second)
			rc = json_array_append_new(ids, json_pack("s++", did, "#", form->second));
		if (rc != 0 || json_object_set(document, relationships[i], ids) != 0)
			rc = -ENOMEM;
		json_decref(ids);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int did_pkh_document(json_t **document, const char *did, size_t len)
{
	struct did_pkh_account account;
	const struct form *form;
	char text[DID_MAX + 1];
	struct did_url url;
	json_t *made;
	int rc;

	*document = NULL;
	if (did_parse(&url, did, len) != 0 || !did_slice_is(url.method, "pkh"))
		return -EBADMSG;
	rc = did_pkh_account_parse(&account, url.id.ptr, url.id.len);
	if (rc != 0)
		return rc;
	memcpy(text, did, len);
	text[len] = '\0';
	form = &forms[account.kind];
	made = json_pack("{s:o, s:s, s:[]}", "@context", context_of(form), "id", text, "verificationMethod");
	rc = made ? add_method(made, text, form->fragment, form->type, &account) : -ENOMEM;
	if (rc == 0 && form->second)
		rc = add_method(made, text, form->second, form->second, &account);
	if (rc == 0)
		rc = add_relationships(made, text, form);
	if (rc != 0) {
		json_decref(made);
		return rc;
	}
	*document = made;
	return 0;
}
