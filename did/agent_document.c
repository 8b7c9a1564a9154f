/* The DID document of an agent. */
#include "did/agent_document.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "did/did_pkh.h"

/* What is authorised at both blocks. */
struct standing {
	bool owner;
	bool wallet;
};

static int add_method(json_t *document, const char *did, const char *fragment, const struct agent_key *key,
		      const struct eth_address *address)
{
	struct eip155_account account = {.chain = key->chain, .address = *address};
	json_t *methods = json_object_get(document, "verificationMethod");
	char text[DID_PKH_TEXT_SIZE];

	if (!methods) {
		if (json_object_set_new(document, "verificationMethod", json_array()) != 0)
			return -ENOMEM;
		methods = json_object_get(document, "verificationMethod");
	}
	eip155_account_format(text, &account);
	return json_array_append_new(methods, did_pkh_method(did, fragment, text)) == 0 ? 0 : -ENOMEM;
}

/* One verification relationship; nothing at all where no key has it. */
static int add_relationship(json_t *document, const char *name, const char *did, bool owner, bool wallet)
{
	json_t *ids;
	int rc = 0;

	if (!owner && !wallet)
		return 0;
	ids = json_array();
	if (owner)
		rc |= json_array_append_new(ids, json_pack("s+", did, "#owner"));
	if (wallet)
		rc |= json_array_append_new(ids, json_pack("s+", did, "#agent-wallet"));
	rc |= json_object_set_new(document, name, ids);
	return rc == 0 ? 0 : -ENOMEM;
}

static int add_keys(json_t *document, const char *did, const struct agent_document *agent)
{
	struct standing standing = {
		.owner =
			address_equal(&agent->safe.owner, &agent->latest.owner) && !address_is_zero(&agent->safe.owner),
		.wallet = address_equal(&agent->safe.wallet, &agent->latest.wallet) &&
			  !address_is_zero(&agent->safe.wallet),
	};
	struct eip155_account owner = {.chain = agent->key.chain, .address = agent->safe.owner};
	char controller[DID_PKH_TEXT_SIZE];
	int rc = 0;

	if (standing.owner) {
		did_pkh_format(controller, &owner);
		if (json_object_set_new(document, "controller", json_string(controller)) != 0)
			return -ENOMEM;
		rc = add_method(document, did, "owner", &agent->key, &agent->safe.owner);
	}
	if (rc == 0 && standing.wallet)
		rc = add_method(document, did, "agent-wallet", &agent->key, &agent->safe.wallet);
	if (rc == 0)
		rc = add_relationship(document, "authentication", did, standing.owner,
				      standing.wallet && agent->wallet_authenticates);
	if (rc == 0)
		rc = add_relationship(document, "assertionMethod", did, standing.owner, standing.wallet);
	if (rc == 0)
		rc = add_relationship(document, "capabilityInvocation", did, standing.owner, false);
	return rc;
}

static size_t compact_size(const json_t *value)
{
	return json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
}

static bool services_ok(const json_t *services)
{
	size_t i;
	json_t *service;

	if (services && !json_is_array(services))
		return false;
	json_array_foreach(services, i, service) if (!json_is_string(json_object_get(service, "id"))) return false;
	return true;
}

/* Takes services while they fit; the ids of the others go to *dropped. */
static int add_services(json_t *document, json_t **dropped, json_t *services)
{
	/* every service brings a comma, but the first */
	size_t used = compact_size(document) + strlen(",\"service\":[]") - 1, i;
	json_t *kept, *service;
	bool full = false;
	int rc = 0;

	if (json_array_size(services) == 0)
		return 0;
	kept = json_array();
	json_array_foreach(services, i, service)
	{
		used += compact_size(service) + 1;
		full = full || used > DID_DOCUMENT_MAX;
		if (!full)
			rc |= json_array_append(kept, service);
		if (!full || !dropped)
			continue;
		if (!*dropped)
			*dropped = json_array();
		rc |= json_array_append(*dropped, json_object_get(service, "id"));
	}
	if (json_array_size(kept) > 0)
		rc |= json_object_set(document, "service", kept);
	json_decref(kept);
	return rc == 0 ? 0 : -ENOMEM;
}

int agent_document_build(json_t **document, json_t **dropped, const struct agent_document *agent,
			 const struct agent_defaults *defaults)
{
	char did[AGENT_DID_SIZE], caip19[AGENT_KEY_TEXT_SIZE];
	json_t *made;
	int rc;

	*document = NULL;
	if (dropped)
		*dropped = NULL;
	if (agent_did_format(did, &agent->key, defaults) < 0 || !services_ok(agent->services))
		return -EINVAL;
	agent_key_format_caip19(caip19, &agent->key);
	made = json_pack("{s:o, s:s, s:[s]}", "@context", did_pkh_context(), "id", did, "alsoKnownAs", caip19);
	rc = made ? add_keys(made, did, agent) : -ENOMEM;
	if (rc == 0)
		rc = add_services(made, dropped, agent->services);
	if (rc != 0) {
		json_decref(made);
		if (dropped) {
			json_decref(*dropped);
			*dropped = NULL;
		}
		return rc;
	}
	*document = made;
	return 0;
}
