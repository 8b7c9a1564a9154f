/* Names of agents: every form that is read ends as the same three values, every form that is written is the only one.
 */
#include "did/agent_key.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "eth/decimal.h"

#define FIELDS_MAX 6

static char *put(char *at, const char *text)
{
	size_t len = strlen(text);

	memcpy(at, text, len + 1);
	return at + len;
}

static char *put_number(char *at, uint64_t number)
{
	at = decimal_put(at, number);
	*at = '\0';
	return at;
}

static char *put_id(char *at, const struct u256 *id)
{
	char text[U256_DECIMAL_SIZE];
	uint64_t small;

	if (u256_to_u64(&small, id) == 0)
		return put_number(at, small);
	u256_format_decimal(text, id);
	return put(at, text);
}

static size_t format(char out[static AGENT_KEY_TEXT_SIZE], const struct agent_key *key, const char *registry)
{
	char *at = put_number(put(out, "eip155:"), key->chain);

	at = put(put(put(at, "/erc721:"), registry), "/");
	return (size_t)(put_id(at, &key->id) - out);
}

static bool same_registry(const struct agent_key *key, const struct agent_defaults *defaults)
{
	return key->chain == defaults->chain && address_equal(&key->registry, &defaults->registry);
}

size_t agent_key_format(char out[static AGENT_KEY_TEXT_SIZE], const struct agent_key *key)
{
	char registry[ADDRESS_TEXT_SIZE];

	address_format_lower(registry, &key->registry);
	return format(out, key, registry);
}

size_t agent_key_format_caip19(char out[static AGENT_KEY_TEXT_SIZE], const struct agent_key *key, const struct agent_defaults *defaults)
{
	char registry[ADDRESS_TEXT_SIZE];

	if (defaults && defaults->registry_text && address_equal(&key->registry, &defaults->registry))
		return format(out, key, defaults->registry_text);
	address_format_eip55(registry, &key->registry);
	return format(out, key, registry);
}

int agent_key_compare(const struct agent_key *a, const struct agent_key *b)
{
	int order;

	if (a->chain != b->chain)
		return a->chain < b->chain ? -1 : 1;
	order = memcmp(a->registry.bytes, b->registry.bytes, sizeof(a->registry.bytes));
	return order ? order : u256_cmp(&a->id, &b->id);
}

static bool parse_chain(uint64_t *out, struct did_slice text)
{
	struct u256 value;

	return u256_parse_decimal(&value, text.ptr, text.len) == 0 && u256_to_u64(out, &value) == 0;
}

static bool parse_id(struct u256 *out, struct did_slice text)
{
	return u256_parse_decimal(out, text.ptr, text.len) == 0;
}

/* Lower-case addresses only: callers fold the case where any is allowed. */
static bool parse_registry(struct eth_address *out, struct did_slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] >= 'A' && text.ptr[i] <= 'Z')
			return false;
	return address_parse(out, text.ptr, text.len) == 0;
}

/* Splits at a separator; returns the number of fields, FIELDS_MAX + 1 for more. */
static size_t split(struct did_slice fields[static FIELDS_MAX], const char *text, size_t len, const char *separators)
{
	size_t count = 0, start = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && !(text[i] && strchr(separators, text[i])))
			continue;
		if (count == FIELDS_MAX)
			return FIELDS_MAX + 1;
		fields[count++] = (struct did_slice){text + start, i - start};
		start = i + 1;
	}
	return count;
}

int agent_key_parse(struct agent_key *out, const char *text, size_t len)
{
	char canonical[AGENT_KEY_TEXT_SIZE];
	struct did_slice f[FIELDS_MAX];

	if (split(f, text, len, ":/") != 5 || !did_slice_is(f[0], "eip155") || !did_slice_is(f[2], "erc721"))
		return -EBADMSG;
	if (!parse_chain(&out->chain, f[1]) || !parse_registry(&out->registry, f[3]) || !parse_id(&out->id, f[4]))
		return -EBADMSG;
	/* split() does not tell ":" from "/" */
	if (agent_key_format(canonical, out) != len || memcmp(canonical, text, len) != 0)
		return -EBADMSG;
	return 0;
}

/* "did:web:HOST", in own where it has to be worked out; NULL: host is no host. */
static const char *host_did(char own[static DID_WEB_HOST_DID_SIZE], const struct agent_defaults *defaults)
{
	if (defaults->did)
		return defaults->did;
	return did_web_from_host(own, DID_WEB_HOST_DID_SIZE, defaults->host) == 0 ? own : NULL;
}

int agent_did_format(char out[static AGENT_DID_SIZE], const struct agent_key *key,
		     const struct agent_defaults *defaults)
{
	char registry[ADDRESS_TEXT_SIZE], own[DID_WEB_HOST_DID_SIZE];
	const char *host = host_did(own, defaults);
	char *at;

	if (!host)
		return -EBADMSG;
	at = put(put(out, host), ":agent:");
	if (!same_registry(key, defaults)) {
		address_format_lower(registry, &key->registry);
		at = put(put(put_number(put(at, "eip155:"), key->chain), ":"), registry);
	} else {
		at = put_number(at, key->chain);
	}
	return (int)(put_id(put(at, ":"), &key->id) - out);
}

int agent_did_parse(struct agent_key *out, const char *did, size_t len, const struct agent_defaults *defaults)
{
	char canonical[AGENT_DID_SIZE], own[DID_WEB_HOST_DID_SIZE];
	const char *host = host_did(own, defaults);
	struct did_slice f[FIELDS_MAX];
	struct did_url url;
	size_t host_len, count;
	bool read = false;
	int n;

	if (did_parse(&url, did, len) != 0)
		return -EBADMSG;
	if (!host)
		return -ENOENT;
	host_len = strlen(host);
	if (len <= host_len || memcmp(did, host, host_len) != 0 || did[host_len] != ':')
		return -ENOENT;
	count = split(f, did + host_len + 1, len - host_len - 1, ":");
	if (!did_slice_is(f[0], "agent"))
		return -ENOENT;
	if (count == 3) {
		out->registry = defaults->registry;
		read = parse_chain(&out->chain, f[1]) && parse_id(&out->id, f[2]);
	} else if (count == 5 && did_slice_is(f[1], "eip155")) {
		read = parse_chain(&out->chain, f[2]) && parse_registry(&out->registry, f[3]) &&
		       parse_id(&out->id, f[4]);
	}
	if (!read)
		return -ENOENT;
	/* one DID an agent: the long form of the default registry and the short form of another chain are not names */
	n = agent_did_format(canonical, out, defaults);
	return n > 0 && (size_t)n == len && memcmp(canonical, did, len) == 0 ? 0 : -ENOENT;
}

/* erc8004:CHAIN:ID and erc8004:CHAIN:REGISTRY:ID */
static int parse_erc8004(struct agent_key *out, const struct did_slice *f, size_t count,
			 const struct agent_defaults *defaults)
{
	if ((count != 3 && count != 4) || !parse_chain(&out->chain, f[1]) || !parse_id(&out->id, f[count - 1]))
		return -EBADMSG;
	if (count == 4)
		return parse_registry(&out->registry, f[2]) ? 0 : -EBADMSG;
	out->registry = defaults->registry;
	return out->chain == defaults->chain ? 0 : -ENOENT;
}

int agent_key_from_any(struct agent_key *out, const char *text, size_t len, const struct agent_defaults *defaults)
{
	char lower[AGENT_INPUT_MAX];
	struct did_slice f[FIELDS_MAX], id;
	size_t count;

	if (len == 0 || len > AGENT_INPUT_MAX)
		return -EBADMSG;
	if (len >= 4 && memcmp(text, "did:", 4) == 0)
		return agent_did_parse(out, text, len, defaults);
	for (size_t i = 0; i < len; i++)
		lower[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
	count = split(f, lower, len, ":");
	if (did_slice_is(f[0], "erc8004"))
		return parse_erc8004(out, f, count, defaults);
	if (did_slice_is(f[0], "eip155"))
		return agent_key_parse(out, lower, len);
	if (count == 2 && did_slice_is(f[0], "agent"))
		id = f[1];
	else if (count == 1)
		id = f[0];
	else
		return -EBADMSG;
	out->chain = defaults->chain;
	out->registry = defaults->registry;
	return parse_id(&out->id, id) ? 0 : -EBADMSG;
}
