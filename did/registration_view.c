/* What others are shown of a registration file: words, the summary, DID services, domains. */
#include "did/registration_file.h"
#include "did/dereference.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *registration_drift_word(enum registration_drift drift)
{
	static const char *const words[DRIFT_COUNT] = {
		[DRIFT_BOM] = "bom",
		[DRIFT_TYPE] = "type",
		[DRIFT_NO_NAME] = "no-name",
		[DRIFT_NO_DESCRIPTION] = "no-description",
		[DRIFT_NO_IMAGE] = "no-image",
		[DRIFT_ENDPOINTS] = "endpoints",
		[DRIFT_SERVICE] = "service",
		[DRIFT_SERVICE_WALLET] = "service-wallet",
		[DRIFT_OASF_OBJECTS] = "oasf-objects",
		[DRIFT_X402_CASE] = "x402-case",
		[DRIFT_TRUST_NAME] = "trust-name",
		[DRIFT_TRUST_VALUE] = "trust-value",
		[DRIFT_FLAG] = "flag",
		[DRIFT_NO_REGISTRATIONS] = "no-registrations",
		[DRIFT_REGISTRATION] = "registration",
		[DRIFT_ID_TEXT] = "id-text",
		[DRIFT_REGISTRY_CASE] = "registry-case",
		[DRIFT_UPDATED_UNIX] = "updated-unix",
		[DRIFT_CUT] = "cut",
		[DRIFT_SHAPE] = "shape",
	};

	return (unsigned)drift < DRIFT_COUNT ? words[drift] : "?";
}

const char *registration_refusal_word(enum registration_refusal refusal)
{
	switch (refusal) {
	case REGISTRATION_OK:
		return "ok";
	case REGISTRATION_TOO_LARGE:
		return "too-large";
	case REGISTRATION_TOO_DEEP:
		return "too-deep";
	case REGISTRATION_NOT_JSON:
		return "not-json";
	case REGISTRATION_NOT_OBJECT:
		return "not-object";
	case REGISTRATION_UNKNOWN:
		return "not-registration";
	case REGISTRATION_MEMORY:
		return "memory";
	}
	return "?";
}

/* ---- summary ---- */

/* jansson's setters fail for want of memory only, since every text here came out of a checked parser. */
static bool put_text(json_t *object, const char *name, const char *value)
{
	return value == NULL || json_object_set_new(object, name, json_string(value)) == 0;
}

static json_t *services_json(const struct registration_file *file)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < file->nservices; i++) {
		const struct registration_service *service = &file->services[i];
		json_t *item = json_pack("{s:s, s:s}", "name", service->name, "endpoint", service->endpoint);

		if (item == NULL || !put_text(item, "version", service->version)) {
			json_decref(item);
			json_decref(list);
			return NULL;
		}
		if (json_array_append_new(list, item) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *registrations_json(const struct registration_file *file)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < file->nregistrations; i++) {
		const struct registration_entry *entry = &file->registrations[i];
		char id[U256_DECIMAL_SIZE], address[ADDRESS_TEXT_SIZE], registry[ADDRESS_TEXT_SIZE + 32];

		u256_format_decimal(id, &entry->agent_id);
		address_format_eip55(address, &entry->registry);
		(void)snprintf(registry, sizeof(registry), "eip155:%ju:%s", (uintmax_t)entry->chain, address);
		if (json_array_append_new(list, json_pack("{s:s, s:s}", "agentId", id, "agentRegistry", registry)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *words_json(const struct registration_file *file)
{
	json_t *list = json_array();

	for (unsigned i = 0; list != NULL && i < DRIFT_COUNT; i++)
		if ((file->drift >> i & 1) != 0 &&
		    json_array_append_new(list, json_string(registration_drift_word((enum registration_drift)i))) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *trust_json(const struct registration_file *file)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < file->ntrust; i++)
		if (json_array_append_new(list, json_string(file->trust[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *registration_file_summary(const struct registration_file *file)
{
	json_t *out = json_object();
	bool ok = out != NULL && put_text(out, "type", file->type) && put_text(out, "name", file->name) &&
		  put_text(out, "description", file->description) && put_text(out, "image", file->image) &&
		  json_object_set_new(out, "services", services_json(file)) == 0;

	if (ok && file->has_active)
		ok = json_object_set_new(out, "active", json_boolean(file->active)) == 0;
	if (ok && file->has_x402)
		ok = json_object_set_new(out, "x402", json_boolean(file->x402)) == 0;
	ok = ok && json_object_set_new(out, "supportedTrust", trust_json(file)) == 0 &&
	     json_object_set_new(out, "registrations", registrations_json(file)) == 0 &&
	     put_text(out, "updatedAt", file->updated);
	if (ok && file->updated_unix != 0)
		ok = json_object_set_new(out, "updatedAt", json_integer((json_int_t)file->updated_unix)) == 0;
	ok = ok && json_object_set_new(out, "drift", words_json(file)) == 0;
	if (ok)
		return out;
	json_decref(out);
	return NULL;
}

/* ---- DID services ---- */

/* RFC 3986 §4.3 absolute-URI by its characters; a fragment is refused, since it would not be one. */
static bool is_absolute_uri(const char *text)
{
	const char *colon = strchr(text, ':');

	if (colon == NULL || !isalpha((unsigned char)text[0]) || colon[1] == '\0')
		return false;
	for (const char *p = text; p < colon; p++)
		if (!isalnum((unsigned char)*p) && strchr("+-.", *p) == NULL)
			return false;
	for (const char *p = colon + 1; *p != '\0'; p++) {
		if (*p == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2]))
			continue;
		if (!isalnum((unsigned char)*p) && strchr("-._~:/?[]@!$&'()*+,;=", *p) == NULL)
			return false;
	}
	return true;
}

/* local@domain by the characters that need no escape in a mailto: (RFC 6068). */
static bool is_email(const char *text)
{
	const char *at = strchr(text, '@');

	if (at == NULL || at == text || strchr(at + 1, '.') == NULL || strchr(at + 1, '@') != NULL)
		return false;
	for (const char *p = text; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("-._~+@", *p) == NULL)
			return false;
	return true;
}

enum { FRAGMENT_MAX = 48 };

static void make_fragment(char out[static FRAGMENT_MAX], const char *name)
{
	size_t len = 0;

	for (; *name != '\0' && len < FRAGMENT_MAX - 8; name++) {
		unsigned char c = (unsigned char)*name;

		if (c < 0x80 && isalnum(c))
			out[len++] = (char)tolower(c);
		else if (len > 0 && out[len - 1] != '-')
			out[len++] = '-';
	}
	while (len > 0 && out[len - 1] == '-')
		len--;
	(void)snprintf(out + len, FRAGMENT_MAX - len, "%s", len == 0 ? "service" : "");
}

static bool is_taken(const json_t *list, const char *id)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_object_get(json_array_get(list, i), "id")), id) == 0)
			return true;
	return false;
}

#define SERVICE_TYPE "https://eips.ethereum.org/EIPS/eip-8004#"
#define SERVICE_TYPE_SIZE (sizeof(SERVICE_TYPE) + (size_t)3 * REGISTRATION_FILE_TEXT_MAX)

/* In JSON-LD a type that is neither a term nor an IRI is lost, and which names there are nobody fixed: so the name is the fragment
 * of an IRI, with all but RFC 3986's unreserved characters percent-encoded. */
static void make_type(char out[static SERVICE_TYPE_SIZE], const char *name)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	size_t at = sizeof(SERVICE_TYPE) - 1;

	memcpy(out, SERVICE_TYPE, sizeof(SERVICE_TYPE));
	for (; *name; name++) {
		if (strchr(unreserved, *name))
			out[at++] = *name;
		else
			at += (size_t)snprintf(out + at, 4, "%%%02X", (unsigned)(unsigned char)*name);
	}
	out[at] = '\0';
}

static int add_service(json_t *list, const struct registration_service *service, const char *did)
{
	char fragment[FRAGMENT_MAX], id[AGENT_DID_SIZE + FRAGMENT_MAX + 8], endpoint[REGISTRATION_FILE_TEXT_MAX + 8];
	char type[SERVICE_TYPE_SIZE];
	const char *mailto = is_email(service->endpoint) ? "mailto:" : "";

	/* The keys of a document come from the registry alone, and so do their names. */
	if (strcasecmp(service->name, "agentWallet") == 0)
		return 0;
	/* documents are shown on pages, and an endpoint becomes a link there */
	if (*mailto == '\0' && (!is_absolute_uri(service->endpoint) || dereference_is_local(service->endpoint)))
		return 0;
	make_fragment(fragment, service->name);
	(void)snprintf(id, sizeof(id), "%s#%s", did, fragment);
	if (strcmp(fragment, "owner") == 0 || strcmp(fragment, "agent-wallet") == 0)
		(void)snprintf(id, sizeof(id), "%s#service-%s", did, fragment);
	for (unsigned n = 2; is_taken(list, id); n++)
		(void)snprintf(id, sizeof(id), "%s#%s-%u", did, fragment, n);
	(void)snprintf(endpoint, sizeof(endpoint), "%s%s", mailto, service->endpoint);
	make_type(type, service->name);
	return json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "id", id, "type", type, "serviceEndpoint", endpoint)) == 0 ? 0 : -ENOMEM;
}

int registration_file_did_services(json_t **out, const struct registration_file *file, const char *did)
{
	json_t *list = json_array();
	int rc = list != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < file->nservices; i++)
		rc = add_service(list, &file->services[i], did);
	*out = rc == 0 ? list : NULL;
	if (rc != 0)
		json_decref(list);
	return rc;
}

/* ---- domains ---- */

/* HOST of https://HOST[:PORT][/…] as a did:web, so that both refuse the same names. */
static bool domain_of(char out[static DID_WEB_HOST_SIZE], const char *endpoint)
{
	char did[DID_WEB_HOST_DID_SIZE];
	struct did_web web;
	size_t authority, len;

	if (strncasecmp(endpoint, "https://", 8) != 0)
		return false;
	authority = strcspn(endpoint + 8, "/?#\\");
	len = strcspn(endpoint + 8, "/?#\\:");
	/* userinfo would make the text before "@" look like the host */
	if (len >= DID_WEB_HOST_SIZE || memchr(endpoint + 8, '%', len) != NULL || memchr(endpoint + 8, '@', authority) != NULL)
		return false;
	(void)snprintf(did, sizeof(did), "did:web:%.*s", (int)len, endpoint + 8);
	if (did_web_parse(&web, did, strlen(did)) != 0 || web.path.len != 0)
		return false;
	memcpy(out, web.host, sizeof(web.host));
	return true;
}

size_t registration_file_domains(char (*out)[DID_WEB_HOST_SIZE], size_t max, const struct registration_file *file)
{
	size_t n = 0;

	for (size_t i = 0; i < file->nservices && n < max; i++) {
		bool known = !domain_of(out[n], file->services[i].endpoint);

		for (size_t k = 0; k < n && !known; k++)
			known = strcmp(out[k], out[n]) == 0;
		if (!known)
			n++;
	}
	return n;
}
