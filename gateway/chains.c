/* Settings taken apart once at start. What cannot be read is refused by setting, item and reason; an endpoint's text may
 * hold credentials, so of it only the place in the list and the scheme are told. */
#include "gateway/chains.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SPACES " \t"

enum { URLS_MAX = 16 }; /* ETH_RPC_PROVIDERS_MAX */

static const uint64_t CHAIN_MAX = UINT64_MAX >> 11; /* 2^53 - 1, what JSON keeps exact */

__attribute__((format(printf, 2, 3))) static int refuse(struct config_error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return -EINVAL;
}

/* The next item of a list with spaces between; false at its end. */
static bool next_item(const char **item, size_t *len, const char **at)
{
	*item = *at + strspn(*at, SPACES);
	*len = strcspn(*item, SPACES);
	*at = *item + *len;
	return *len > 0;
}

/* Decimal without leading zeros up to `max`. Returns how many bytes it has, 0: not one. */
static size_t read_number(uint64_t *out, const char *text, size_t len, uint64_t max)
{
	uint64_t number = 0;
	size_t n = 0;

	for (; n < len && text[n] >= '0' && text[n] <= '9'; n++) {
		uint64_t digit = (uint64_t)(text[n] - '0');

		if (number > (max - digit) / 10 || (n > 0 && text[0] == '0'))
			return 0;
		number = number * 10 + digit;
	}
	*out = number;
	return n;
}

/* http:// or https:// and something that can be a host; the rest is libcurl's to judge. */
static bool is_http(const char *url, size_t len)
{
	size_t scheme = len > 8 && strncasecmp(url, "https://", 8) == 0 ? 8 : 7;

	if (len <= scheme || (scheme == 7 && strncasecmp(url, "http://", 7) != 0))
		return false;
	return strchr("/:?#", url[scheme]) == NULL;
}

static struct chains_chain *chain_of(struct chains *chains, uint64_t id)
{
	for (size_t i = 0; i < chains->nchains; i++)
		if (chains->chains[i].id == id)
			return &chains->chains[i];
	return NULL;
}

static bool has_url(const struct chains_chain *chain, const char *url, size_t url_len)
{
	const char *at = chain->urls, *item;
	size_t len;

	while (next_item(&item, &len, &at))
		if (len == url_len && memcmp(item, url, len) == 0)
			return true;
	return false;
}

static size_t count_urls(const struct chains_chain *chain)
{
	const char *at = chain->urls, *item;
	size_t len, n = 0;

	while (next_item(&item, &len, &at))
		n++;
	return n;
}

static int add_url(struct chains_chain *chain, struct config_error *err, const char *setting, size_t place,
		   const char *url, size_t len)
{
	size_t have = strlen(chain->urls);
	const char *colon = memchr(url, ':', len);

	if (!is_http(url, len))
		return refuse(err, "%s: URL %zu ('%.*s...') does not begin with http:// or https:// and a host", setting, place,
			      colon != NULL && colon - url < 16 ? (int)(colon - url) : 0, url);
	if (has_url(chain, url, len))
		return refuse(err, "%s: URL %zu stands there twice; one provider counts once", setting, place);
	if (count_urls(chain) >= URLS_MAX || have + 1 + len >= sizeof(chain->urls))
		return refuse(err, "%s: URL %zu is one too many; a chain has room for %d URLs and %zu bytes", setting, place,
			      URLS_MAX, sizeof(chain->urls) - 1);
	if (have > 0)
		chain->urls[have++] = ' ';
	memcpy(chain->urls + have, url, len);
	chain->urls[have + len] = '\0';
	return 0;
}

static int add_registry(struct chains *chains, struct config_error *err, const char *setting,
			const struct chains_registry *registry)
{
	struct chains_chain *chain = chain_of(chains, registry->chain_id);

	if (chains_registry(chains, registry->chain_id, &registry->address) != NULL)
		return refuse(err, "%s: a registry of chain %" PRIu64 " stands there twice", setting, registry->chain_id);
	if (chains->nregistries == CHAINS_REGISTRIES_MAX || (chain == NULL && chains->nchains == CHAINS_MAX))
		return refuse(err, "%s: more than %d registries or %d chains", setting, CHAINS_REGISTRIES_MAX, CHAINS_MAX);
	if (chain == NULL) {
		chain = &chains->chains[chains->nchains++];
		chain->id = registry->chain_id;
		(void)snprintf(chain->name, sizeof(chain->name), "eip155:%" PRIu64, chain->id);
	}
	chains->registries[chains->nregistries++] = *registry;
	return 0;
}

static int read_address(struct eth_address *out, struct config_error *err, const char *setting, const char *text,
			size_t len)
{
	int rc = address_parse(out, text, len);

	if (rc == -EILSEQ)
		return refuse(err, "%s: the checksum of '%.*s' is wrong (EIP-55): most likely a typing error", setting,
			      len < 128 ? (int)len : 128, text);
	if (rc != 0)
		return refuse(err, "%s: '%.*s' is not an address of 0x and 40 hex digits", setting, len < 128 ? (int)len : 128,
			      text);
	return 0;
}

/* CHAIN:0xADDRESS:START */
static int read_registry(struct chains *chains, struct config_error *err, const char *item, size_t len)
{
	static const char SETTING[] = "registries";
	struct chains_registry registry;
	size_t head = read_number(&registry.chain_id, item, len, CHAIN_MAX);
	const char *address = item + head + 1, *colon;
	size_t left;
	int rc;

	if (head == 0 || registry.chain_id == 0 || head == len || item[head] != ':')
		goto malformed;
	left = len - head - 1;
	colon = memchr(address, ':', left);
	if (colon == NULL)
		goto malformed;
	left -= (size_t)(colon - address) + 1;
	if (left == 0 || read_number(&registry.start, colon + 1, left, CHAIN_MAX) != left)
		goto malformed;
	rc = read_address(&registry.address, err, SETTING, address, (size_t)(colon - address));
	return rc != 0 ? rc : add_registry(chains, err, SETTING, &registry);
malformed:
	return refuse(err, "%s: '%.*s' is not CHAIN:0xADDRESS:START", SETTING, len < 128 ? (int)len : 128, item);
}

/* ID, CHAIN:ID or CHAIN:0xADDRESS:ID, of a registry that is served. */
static int read_own(struct chains *chains, struct config_error *err, const char *item, size_t len)
{
	const char *first = memchr(item, ':', len), *last = memrchr(item, ':', len), *id = last != NULL ? last + 1 : item;
	const struct chains_registry *registry = &chains->registries[0];
	struct chains_own *own = &chains->own[chains->nown];
	struct eth_address address;
	uint64_t chain = 0;
	int rc;

	if (chains->nown == CHAINS_OWN_MAX)
		return refuse(err, "own_agents: more than %d agents", CHAINS_OWN_MAX);
	if ((first != NULL && read_number(&chain, item, len, CHAIN_MAX) != (size_t)(first - item)) || (first != NULL && chain == 0) ||
	    u256_parse_decimal(&own->id, id, len - (size_t)(id - item)) != 0)
		return refuse(err, "own_agents: '%.*s' is not an id, CHAIN:ID or CHAIN:0xREGISTRY:ID", len < 128 ? (int)len : 128, item);
	if (first != NULL && first == last)
		registry = chains_first(chains, chain);
	if (first != last) {
		rc = read_address(&address, err, "own_agents", first + 1, (size_t)(last - first) - 1);
		if (rc != 0)
			return rc;
		registry = chains_registry(chains, chain, &address);
	}
	if (registry == NULL)
		return refuse(err, "own_agents: '%.*s' is of a registry that is not served", len < 128 ? (int)len : 128, item);
	own->chain_id = registry->chain_id;
	own->registry = registry->address;
	if (chains_owns(chains, own->chain_id, &own->registry, &own->id))
		return refuse(err, "own_agents: '%.*s' stands there twice", len < 128 ? (int)len : 128, item);
	chains->nown++;
	return 0;
}

/* CHAIN=URL */
static int read_endpoint(struct chains *chains, struct config_error *err, size_t place, const char *item, size_t len)
{
	static const char SETTING[] = "rpc_others";
	struct chains_chain *chain;
	uint64_t id;
	size_t head = read_number(&id, item, len, CHAIN_MAX);

	if (head == 0 || head == len || item[head] != '=')
		return refuse(err, "%s: item %zu is not CHAIN=URL", SETTING, place);
	chain = chain_of(chains, id);
	if (chain == NULL)
		return refuse(err, "%s: item %zu is of chain %" PRIu64 ", of which no registry is served", SETTING, place, id);
	return add_url(chain, err, SETTING, place, item + head + 1, len - head - 1);
}

static int read_lists(struct chains *out, struct config_error *err, const struct config *config)
{
	const char *at = config->rpc_url, *item;
	size_t len, place = 0;
	int rc = 0;

	while (rc == 0 && next_item(&item, &len, &at))
		rc = add_url(&out->chains[0], err, "rpc_url", ++place, item, len);
	if (rc == 0 && place == 0)
		rc = refuse(err, "rpc_url: no URL");
	at = config->registries;
	while (rc == 0 && next_item(&item, &len, &at))
		rc = read_registry(out, err, item, len);
	at = config->rpc_others;
	place = 0;
	while (rc == 0 && next_item(&item, &len, &at))
		rc = read_endpoint(out, err, ++place, item, len);
	at = config->own_agents;
	while (rc == 0 && next_item(&item, &len, &at))
		rc = read_own(out, err, item, len);
	return rc;
}

static int check_endpoints(const struct chains *chains, struct config_error *err, uint64_t quorum)
{
	for (size_t i = 0; i < chains->nchains; i++) {
		const struct chains_chain *chain = &chains->chains[i];
		size_t urls = count_urls(chain);

		if (urls == 0)
			return refuse(err, "rpc_others: chain %" PRIu64 " has a registry but no URL: %" PRIu64 "=https://...",
				      chain->id, chain->id);
		if (quorum > urls)
			return refuse(err, "rpc_quorum: %" PRIu64 " providers are to agree, but chain %" PRIu64 " has %zu URLs",
				      quorum, chain->id, urls);
	}
	return 0;
}

static int read_optional(struct eth_address *out, bool *has, struct config_error *err, const char *setting,
			 const char *text)
{
	*has = text[0] != '\0';
	return *has ? read_address(out, err, setting, text, strlen(text)) : 0;
}

int chains_load(struct chains *out, struct config_error *err, const struct config *config)
{
	struct chains_registry registry = {.chain_id = config->chain_id, .start = config->registry_start};
	int rc = read_address(&registry.address, err, "registry", config->registry, strlen(config->registry));

	*out = (struct chains){0};
	if (rc == 0)
		rc = add_registry(out, err, "registry", &registry);
	if (rc == 0)
		rc = read_lists(out, err, config);
	if (rc == 0)
		rc = check_endpoints(out, err, config->rpc_quorum);
	if (rc == 0)
		rc = read_optional(&out->reputation, &out->has_reputation, err, "reputation", config->reputation);
	if (rc == 0)
		rc = read_optional(&out->multicall, &out->has_multicall, err, "multicall", config->multicall);
	return rc;
}

const struct chains_chain *chains_find(const struct chains *chains, uint64_t chain_id)
{
	for (size_t i = 0; i < chains->nchains; i++)
		if (chains->chains[i].id == chain_id)
			return &chains->chains[i];
	return NULL;
}

const struct chains_registry *chains_registry(const struct chains *chains, uint64_t chain_id,
					      const struct eth_address *address)
{
	for (size_t i = 0; i < chains->nregistries; i++)
		if (chains->registries[i].chain_id == chain_id &&
		    memcmp(&chains->registries[i].address, address, sizeof(*address)) == 0)
			return &chains->registries[i];
	return NULL;
}

const struct chains_registry *chains_first(const struct chains *chains, uint64_t chain_id)
{
	for (size_t i = 0; i < chains->nregistries; i++)
		if (chains->registries[i].chain_id == chain_id)
			return &chains->registries[i];
	return NULL;
}

bool chains_owns(const struct chains *chains, uint64_t chain_id, const struct eth_address *registry, const struct u256 *id)
{
	for (size_t i = 0; i < chains->nown; i++)
		if (chains->own[i].chain_id == chain_id && memcmp(&chains->own[i].registry, registry, sizeof(*registry)) == 0 &&
		    memcmp(&chains->own[i].id, id, sizeof(*id)) == 0)
			return true;
	return false;
}
