/* The DID document of the host. */
#include "did/host_document.h"

#include <errno.h>
#include <string.h>

#include "did/agent_document.h"
#include "did/did_pkh.h"
#include "did/did_web.h"
#include "did/multikey.h"

static json_t *log_endpoint(const struct host_document *host)
{
	struct eip155_account anchor = {.chain = host->anchor_chain, .address = host->anchor_contract};
	json_t *endpoint = json_pack("{s:s+, s:s}", "uri", host->base_url, "/log", "vkey", host->log_vkey);
	char contract[DID_PKH_TEXT_SIZE];

	if (!endpoint || !host->has_anchor)
		return endpoint;
	eip155_account_format(contract, &anchor);
	if (json_object_set_new(endpoint, "anchor", json_string(contract)) != 0) {
		json_decref(endpoint);
		return NULL;
	}
	return endpoint;
}

/* DID v1 defines neither Multikey nor what a log endpoint says; a term that no context defines is lost in JSON-LD. */
static json_t *host_context(void)
{
	return json_pack("[s, s, {s:s, s:s, s:s}]", "https://www.w3.org/ns/did/v1",
			 "https://w3id.org/security/multikey/v1", "uri", "https://schema.org/url", "vkey",
			 "https://c2sp.org/signed-note#verifier-key", "anchor",
			 "https://w3id.org/security#blockchainAccountId");
}

static json_t *method_of(const char *did, const char *fragment, const uint8_t key[static 32])
{
	char multikey[MULTIKEY_ED25519_SIZE];

	multikey_ed25519(multikey, key);
	return json_pack("{s:s++, s:s, s:s, s:s}", "id", did, "#", fragment ? fragment : multikey, "type", "Multikey", "controller", did,
			 "publicKeyMultibase", multikey);
}

/* A key and its one relationship. fragment NULL: the key's own text, so that a name never means another key. */
static int add_key(json_t *document, const char *did, const char *fragment, const uint8_t key[static 32])
{
	json_t *method = method_of(did, fragment, key);
	int rc = json_array_append(json_object_get(document, "assertionMethod"), json_object_get(method, "id"));

	rc |= json_array_append_new(json_object_get(document, "verificationMethod"), method);
	return rc == 0 ? 0 : -ENOMEM;
}

/* Of one assertion key, commas and quotes included: its method, which names the DID twice and the key twice, and its id again. */
#define KEY_COST(did) (3 * strlen(did) + 3 * (size_t)(MULTIKEY_ED25519_SIZE - 1) + strlen(",{\"id\":\"#\",\"type\":\"Multikey\",\"controller\":\"\",\"publicKeyMultibase\":\"\"},\"#\""))

static size_t compact_size(const json_t *value)
{
	return json_dumpb(value, NULL, 0, JSON_COMPACT);
}

static int add_service(json_t *document, const char *did, const char *fragment, const char *type, json_t *endpoint)
{
	json_t *service = json_pack("{s:s++, s:s, s:o}", "id", did, "#", fragment, "type", type, "serviceEndpoint", endpoint);

	return json_array_append_new(json_object_get(document, "service"), service) == 0 ? 0 : -ENOMEM;
}

static int add_services(json_t *document, const char *did, const struct host_document *host)
{
	const char *base = host->base_url;
	int rc = add_service(document, did, "log", "https://c2sp.org/tlog-tiles", log_endpoint(host));

	if (rc == 0)
		rc = add_service(document, did, "resolver", "https://w3id.org/did-resolution", json_sprintf("%s/1.0/identifiers/", base));
	if (rc == 0)
		rc = add_service(document, did, "agents", "https://eips.ethereum.org/EIPS/eip-8004", json_sprintf("%s/v1/agents", base));
	if (rc == 0)
		rc = add_service(document, did, "participants", "https://schema.org/DataFeed", json_sprintf("%s/v1/participants", base));
	return rc;
}

int host_document_build(json_t **document, const struct host_document *host)
{
	char did[DID_WEB_HOST_DID_SIZE];
	json_t *made;
	int rc;

	*document = NULL;
	if (did_web_from_host(did, sizeof(did), host->host) != 0 || host->nassertion > HOST_DOCUMENT_KEYS_MAX)
		return -EINVAL;
	made = json_pack("{s:o, s:s, s:[], s:[], s:[]}", "@context", host_context(), "id", did, "verificationMethod", "assertionMethod",
			 "service");
	rc = made ? add_key(made, did, "log-key", host->log_key) : -ENOMEM;
	if (rc == 0)
		rc = add_services(made, did, host);
	/* each key costs the same: only behind a very long host name are there more than fit */
	for (size_t i = 0; rc == 0 && i < host->nassertion && compact_size(made) + KEY_COST(did) <= DID_DOCUMENT_MAX; i++)
		rc = add_key(made, did, NULL, host->assertion_keys[i]);
	if (rc != 0) {
		json_decref(made);
		return rc;
	}
	*document = made;
	return 0;
}
