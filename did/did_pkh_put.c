/* The parts of did:pkh documents that agents' documents share, written straight. */
#include "did/did_pkh.h"
#include "did/jcs_put.h"

#include <string.h>

void did_pkh_put_context(struct jcs_put *put)
{
	static const char terms[] =
		"[\"https://www.w3.org/ns/did/v1\",{\"blockchainAccountId\":\"https://w3id.org/security#blockchainAccountId\","
		"\"EcdsaSecp256k1RecoveryMethod2020\":"
		"\"https://identity.foundation/EcdsaSecp256k1RecoverySignature2020#EcdsaSecp256k1RecoveryMethod2020\"}]";

	jcs_put_json(put, "@context", terms, sizeof(terms) - 1);
}

void did_pkh_put_method(struct jcs_put *put, const char *did, const char *fragment, const char *account)
{
	jcs_put_open(put, NULL, '{');
	jcs_put_joined(put, "id", did, fragment);
	jcs_put_literal(put, "type", "\"EcdsaSecp256k1RecoveryMethod2020\"");
	jcs_put_plain(put, "controller", did, strlen(did));
	jcs_put_plain(put, "blockchainAccountId", account, strlen(account));
	jcs_put_close(put, '}');
}
