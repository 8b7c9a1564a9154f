/* What handlers share: a connection in turn, and which agents are served by which registry. */
#include "gateway/routes/service.h"
#include "gateway/runtime/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *service_did(struct service *service)
{
	/* config_finish() has seen to it that the host is one */
	if (!*service->did && did_web_from_host(service->did, sizeof(service->did), service->config->host) != 0)
		log_error(log_msg("the public URL's host makes no did:web"), log_str("host", service->config->host));
	return service->did;
}

/* PostgreSQL works through so many before the next connection's backend is better put to work beside it. */
enum { BATCH_MAX = 16 };

struct pg_conn *service_reader(struct service *service)
{
	for (size_t i = 0; i < SERVICE_READERS; i++) {
		unsigned batch = service->readers[i] ? pg_batch(service->readers[i]) : 0;

		if (batch > 0 && batch < BATCH_MAX)
			return service->readers[i];
	}
	return service->readers[service->next_reader++ % SERVICE_READERS];
}

int service_codes(struct service *service)
{
	if (layout_codes_parse(service->codes, &service->ncodes, service->config->registry_code) == 0)
		return 0;
	log_error(log_msg("setting registry_code is not code hashes with spaces between"),
		  log_str("value", service->config->registry_code));
	return -EINVAL;
}

const struct service_registry *service_registry(const struct service *service, const struct agent_key *key)
{
	for (size_t i = 0; i < service->nregistries; i++) {
		const struct agent_key *served = &service->registries[i].key;

		if (served->chain == key->chain && address_equal(&served->registry, &key->registry))
			return &service->registries[i];
	}
	return NULL;
}

bool service_serves(const struct service *service, const struct agent_key *key)
{
	return service_registry(service, key) != NULL;
}

/* What stands before the id, as the beginning of a key text: "eip155:CHAIN/erc721:0xREGISTRY". -EBADMSG, -ENOENT. */
static int write_prefix(char *out, size_t size, const struct service *service, const char *text, size_t length)
{
	const char *colon = memchr(text, ':', length);
	size_t chain_length = colon ? (size_t)(colon - text) : length;
	struct eth_address address;
	char registry[ADDRESS_TEXT_SIZE], chain[24];
	int written;

	if (colon) {
		if (address_parse(&address, colon + 1, length - chain_length - 1) != 0)
			return -EBADMSG;
	} else {
		const struct service_registry *first = NULL;

		for (size_t i = 0; i < service->nregistries && !first; i++) {
			written = snprintf(chain, sizeof(chain), "%ju", (uintmax_t)service->registries[i].key.chain);
			if ((size_t)written == length && memcmp(chain, text, length) == 0)
				first = &service->registries[i];
		}
		address = first ? first->key.registry : service->defaults.registry;
	}
	address_format_lower(registry, &address);
	written = snprintf(out, size, "eip155:%.*s/erc721:%s", (int)chain_length, text, registry);
	return written < 0 || (size_t)written >= size ? -EBADMSG : 0;
}

int service_agent_id(struct agent_key *key, const struct service_registry **out, const struct service *service, const char *text)
{
	const char *colon = strrchr(text, ':'), *id = colon ? colon + 1 : text;
	char full[AGENT_KEY_TEXT_SIZE], prefix[AGENT_KEY_TEXT_SIZE], chain[24];
	const struct service_registry *registry;
	int length, rc;

	length = snprintf(chain, sizeof(chain), "%ju", (uintmax_t)service->defaults.chain);
	rc = write_prefix(prefix, sizeof(prefix), service, colon ? text : chain, colon ? (size_t)(colon - text) : (size_t)length);
	if (rc != 0)
		return rc;
	length = snprintf(full, sizeof(full), "%s/%s", prefix, id);
	if (length < 0 || (size_t)length >= sizeof(full) || agent_key_parse(key, full, (size_t)length) != 0)
		return -EBADMSG;
	registry = service_registry(service, key);
	if (out)
		*out = registry;
	return registry ? 0 : -ENOENT;
}

void service_served(char out[static SERVICE_SERVED_SIZE], const struct service *service, const char *lead)
{
	size_t len = (size_t)snprintf(out, SERVICE_SERVED_SIZE, "%sServed here:", lead);
	char address[ADDRESS_TEXT_SIZE];

	for (size_t i = 0; i < service->nregistries && len + 80 < SERVICE_SERVED_SIZE; i++) {
		const struct agent_key *key = &service->registries[i].key;

		address_format_eip55(address, &key->registry);
		len += (size_t)snprintf(out + len, SERVICE_SERVED_SIZE - len, " %ju:%s", (uintmax_t)key->chain, address);
	}
}

static void refuse_unserved(struct http_request *req)
{
	char next[SERVICE_SERVED_SIZE];

	service_served(next, http_user(req), "");
	http_problem(req, &(struct http_problem){.error = -ENOENT, .detail = "This chain or registry is not served here.", .next = next});
}

const struct service_registry *service_agent_of(struct agent_key *key, struct http_request *req)
{
	const struct service_registry *registry;
	int rc = service_agent_id(key, &registry, http_user(req), http_param(req, "id"));

	if (rc == 0)
		return registry;
	if (rc == -ENOENT)
		refuse_unserved(req);
	else
		http_fail(req, rc, "An id is decimal, `42`, `CHAIN:42` or `CHAIN:0xREGISTRY:42`; an address in one letter case, or with a right "
				   "EIP-55 checksum.");
	return NULL;
}
