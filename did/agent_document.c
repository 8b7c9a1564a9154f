/* The DID document of an agent. */
#include "did/agent_document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "did/did_pkh.h"
#include "did/jcs_put.h"

/* What is authorised at both blocks. */
struct standing {
	bool owner;
	bool wallet;
};

static void put_relationship(struct jcs_put *put, const char *name, const char *did, bool owner, bool wallet)
{
	if (!owner && !wallet)
		return;
	jcs_put_open(put, name, '[');
	if (owner)
		jcs_put_joined(put, NULL, did, "#owner");
	if (wallet)
		jcs_put_joined(put, NULL, did, "#agent-wallet");
	jcs_put_close(put, ']');
}

static void put_keys(struct jcs_put *put, const char *did, const struct agent_document *agent)
{
	struct standing standing = {
		.owner =
			address_equal(&agent->safe.owner, &agent->latest.owner) && !address_is_zero(&agent->safe.owner),
		.wallet = address_equal(&agent->safe.wallet, &agent->latest.wallet) &&
			  !address_is_zero(&agent->safe.wallet),
	};
	struct eip155_account owner = {.chain = agent->key.chain, .address = agent->safe.owner};
	struct eip155_account wallet = {.chain = agent->key.chain, .address = agent->safe.wallet};
	char account[DID_PKH_TEXT_SIZE];

	if (standing.owner) {
		eip155_account_format(account, &owner);
		jcs_put_joined(put, "controller", "did:pkh:", account);
	}
	if (standing.owner || standing.wallet)
		jcs_put_open(put, "verificationMethod", '[');
	if (standing.owner)
		did_pkh_put_method(put, did, "#owner", account);
	if (standing.wallet) {
		if (!standing.owner || !address_equal(&owner.address, &wallet.address))
			eip155_account_format(account, &wallet);
		did_pkh_put_method(put, did, "#agent-wallet", account);
	}
	if (standing.owner || standing.wallet)
		jcs_put_close(put, ']');
	put_relationship(put, "authentication", did, standing.owner, standing.wallet && agent->wallet_authenticates);
	put_relationship(put, "assertionMethod", did, standing.owner, standing.wallet);
	put_relationship(put, "capabilityInvocation", did, standing.owner, false);
}

static void put_links(struct jcs_put *put, const struct agent_document *agent)
{
	size_t start = put->out->len;

	for (size_t i = 0; i < agent->nalso && put->out->len - start + strlen(agent->also[i]) + 3 <= AGENT_DOCUMENT_LINKS_MAX; i++)
		jcs_put_text(put, NULL, agent->also[i]);
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

static void put_service(struct jcs_put *put, const json_t *service, size_t size)
{
	char *text = malloc(size);

	if (!text) {
		put->err = -ENOMEM;
		return;
	}
	(void)json_dumpb(service, text, size, JSON_COMPACT);
	jcs_put_json(put, NULL, text, size);
	free(text);
}

/* Services while they and the two brackets behind them fit; one that does not ends the list. */
static size_t put_services(struct jcs_put *put, const json_t *services, size_t start)
{
	size_t kept = 0, size;

	for (; kept < json_array_size(services) && put->err == 0; kept++) {
		const json_t *service = json_array_get(services, kept);
		size_t used = put->out->len - start + (kept == 0 ? strlen(",\"service\":[") : 1);

		size = json_dumpb(service, NULL, 0, JSON_COMPACT);
		if (used + size + strlen("]}") > DID_DOCUMENT_MAX)
			break;
		if (kept == 0)
			jcs_put_open(put, "service", '[');
		put_service(put, service, size);
	}
	if (kept > 0)
		jcs_put_close(put, ']');
	return kept;
}

int agent_document_write(struct jcs_buffer *out, size_t *kept, const struct agent_document *agent, const struct agent_defaults *defaults)
{
	char did[AGENT_DID_SIZE], caip19[AGENT_KEY_TEXT_SIZE];
	struct jcs_put put = {.out = out};
	size_t start = out->len, services;

	if (agent_did_format(did, &agent->key, defaults) < 0 || !services_ok(agent->services))
		return -EINVAL;
	agent_key_format_caip19(caip19, &agent->key, defaults);
	jcs_put_open(&put, NULL, '{');
	did_pkh_put_context(&put);
	jcs_put_plain(&put, "id", did, strlen(did));
	jcs_put_open(&put, "alsoKnownAs", '[');
	jcs_put_plain(&put, NULL, caip19, strlen(caip19));
	put_links(&put, agent);
	jcs_put_close(&put, ']');
	put_keys(&put, did, agent);
	services = put_services(&put, agent->services, start);
	jcs_put_close(&put, '}');
	if (kept)
		*kept = services;
	if (put.err != 0)
		out->len = start;
	return put.err;
}
