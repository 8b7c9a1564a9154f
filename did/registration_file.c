/* Reading: strict about JSON, lenient about everything else, and exact about where the two part. */
#include "did/registration_file.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const char TYPE_URL[] = "https://eips.ethereum.org/EIPS/eip-8004#registration-v1";

static void drift(struct registration_file *file, enum registration_drift what)
{
	file->drift |= UINT32_C(1) << what;
}

/* A text member; any other shape is as absent. */
static const char *text_of(struct registration_file *file, const char *name)
{
	const json_t *value = json_object_get(file->root, name);

	if (value != NULL && !json_is_string(value) && !json_is_null(value))
		drift(file, DRIFT_SHAPE);
	return json_string_value(value);
}

static void read_texts(struct registration_file *file)
{
	file->type = text_of(file, "type");
	file->name = text_of(file, "name");
	file->description = text_of(file, "description");
	file->image = text_of(file, "image");
	if (file->type == NULL || strcmp(file->type, TYPE_URL) != 0)
		drift(file, DRIFT_TYPE);
	if (file->name == NULL || file->name[0] == '\0')
		drift(file, DRIFT_NO_NAME);
	if (file->description == NULL)
		drift(file, DRIFT_NO_DESCRIPTION);
	if (file->image == NULL)
		drift(file, DRIFT_NO_IMAGE);
	if (file->name != NULL && strlen(file->name) > REGISTRATION_FILE_TEXT_MAX) {
		file->name = NULL;
		drift(file, DRIFT_CUT);
	}
}

/* The list named so, or NULL; anything but an array is as absent. */
static const json_t *list_of(struct registration_file *file, const char *name)
{
	const json_t *list = json_object_get(file->root, name);

	if (list != NULL && !json_is_array(list) && !json_is_null(list))
		drift(file, DRIFT_SHAPE);
	return json_is_array(list) ? list : NULL;
}

static bool has_objects(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_is_object(json_array_get(list, i)))
			return true;
	return false;
}

static void read_service(struct registration_file *file, const json_t *item)
{
	struct registration_service service = {
		.name = json_string_value(json_object_get(item, "name")),
		.endpoint = json_string_value(json_object_get(item, "endpoint")),
		.version = json_string_value(json_object_get(item, "version")),
	};

	if (has_objects(json_object_get(item, "skills")) || has_objects(json_object_get(item, "domains")))
		drift(file, DRIFT_OASF_OBJECTS);
	if (service.name == NULL || service.name[0] == '\0' || service.endpoint == NULL) {
		drift(file, DRIFT_SERVICE);
		return;
	}
	if (strlen(service.name) > REGISTRATION_FILE_TEXT_MAX || strlen(service.endpoint) > REGISTRATION_FILE_TEXT_MAX ||
	    file->nservices == REGISTRATION_FILE_SERVICES) {
		drift(file, DRIFT_CUT);
		return;
	}
	if (service.version != NULL && strlen(service.version) > REGISTRATION_FILE_TEXT_MAX) {
		service.version = NULL;
		drift(file, DRIFT_CUT);
	}
	if (strcasecmp(service.name, "agentWallet") == 0)
		drift(file, DRIFT_SERVICE_WALLET);
	file->services[file->nservices++] = service;
}

static void read_services(struct registration_file *file)
{
	const json_t *list = list_of(file, "services");

	if (list == NULL) {
		list = list_of(file, "endpoints");
		if (list != NULL)
			drift(file, DRIFT_ENDPOINTS);
	}
	for (size_t i = 0; i < json_array_size(list); i++)
		read_service(file, json_array_get(list, i));
}

static bool read_flag(struct registration_file *file, bool *out, const char *name)
{
	const json_t *value = json_object_get(file->root, name);

	if (value != NULL && !json_is_boolean(value))
		drift(file, DRIFT_FLAG);
	*out = json_is_true(value);
	return json_is_boolean(value);
}

static void read_flags(struct registration_file *file)
{
	file->has_active = read_flag(file, &file->active, "active");
	file->has_x402 = read_flag(file, &file->x402, "x402Support");
	if (!file->has_x402 && json_object_get(file->root, "x402support") != NULL) {
		drift(file, DRIFT_X402_CASE);
		file->has_x402 = read_flag(file, &file->x402, "x402support");
	}
}

static void read_trust(struct registration_file *file)
{
	static const char *const known[] = {"reputation", "crypto-economic", "tee-attestation"};
	const json_t *list = list_of(file, "supportedTrust");

	if (list == NULL) {
		list = list_of(file, "supportedTrusts");
		if (list != NULL)
			drift(file, DRIFT_TRUST_NAME);
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		bool found = false;

		if (text == NULL) {
			drift(file, DRIFT_SHAPE);
			continue;
		}
		if (file->ntrust == REGISTRATION_FILE_TRUSTS || strlen(text) > REGISTRATION_FILE_TEXT_MAX) {
			drift(file, DRIFT_CUT);
			continue;
		}
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			found = found || strcmp(text, known[k]) == 0;
		if (!found)
			drift(file, DRIFT_TRUST_VALUE);
		file->trust[file->ntrust++] = text;
	}
}

int registration_registry_parse(uint64_t *chain, struct eth_address *registry, const char *text, size_t len)
{
	char address[ADDRESS_TEXT_SIZE];
	struct u256 number;
	size_t colon = 7;

	if (len < 7 + 1 + 1 + 42 || strncasecmp(text, "eip155:", 7) != 0)
		return -EBADMSG;
	while (colon < len && text[colon] != ':')
		colon++;
	if (u256_parse_decimal(&number, text + 7, colon - 7) != 0 || u256_to_u64(chain, &number) != 0)
		return -EBADMSG;
	if (len - colon != 1 + 42)
		return -EBADMSG;
	for (size_t i = 0; i < 42; i++)
		address[i] = (char)tolower((unsigned char)text[colon + 1 + i]);
	return address_parse(registry, address, 42) == 0 ? 0 : -EBADMSG;
}

static bool read_agent_id(struct registration_file *file, struct u256 *id, const json_t *value)
{
	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*id = u256_from_u64((uint64_t)json_integer_value(value));
		return true;
	}
	if (!json_is_string(value) || u256_parse_decimal(id, json_string_value(value), json_string_length(value)) != 0)
		return false;
	drift(file, DRIFT_ID_TEXT);
	return true;
}

static void read_registration(struct registration_file *file, const json_t *item)
{
	const json_t *registry = json_object_get(item, "agentRegistry");
	const char *text = json_string_value(registry);
	char spelling[ADDRESS_TEXT_SIZE];
	struct registration_entry entry;

	if (text == NULL || !read_agent_id(file, &entry.agent_id, json_object_get(item, "agentId")) ||
	    registration_registry_parse(&entry.chain, &entry.registry, text, json_string_length(registry)) != 0) {
		drift(file, DRIFT_REGISTRATION);
		return;
	}
	address_format_eip55(spelling, &entry.registry);
	if (strcmp(text + json_string_length(registry) - 42, spelling) != 0)
		drift(file, DRIFT_REGISTRY_CASE);
	if (file->nregistrations == REGISTRATION_FILE_ENTRIES) {
		drift(file, DRIFT_CUT);
		return;
	}
	file->registrations[file->nregistrations++] = entry;
}

static void read_registrations(struct registration_file *file)
{
	const json_t *list = list_of(file, "registrations");

	if (json_array_size(list) == 0)
		drift(file, DRIFT_NO_REGISTRATIONS);
	for (size_t i = 0; i < json_array_size(list); i++)
		read_registration(file, json_array_get(list, i));
}

static void read_updated(struct registration_file *file)
{
	const json_t *value = json_object_get(file->root, "updatedAt");

	if (json_is_integer(value) && json_integer_value(value) > 0) {
		file->updated_unix = (uint64_t)json_integer_value(value);
		drift(file, DRIFT_UPDATED_UNIX);
	} else if (json_is_string(value) && json_string_length(value) <= REGISTRATION_FILE_TEXT_MAX) {
		file->updated = json_string_value(value);
	} else if (value != NULL && !json_is_null(value)) {
		drift(file, DRIFT_SHAPE);
	}
}

/* An error page in JSON, or a token's metadata of another kind, is not this agent's file. */
static bool is_registration(const json_t *root)
{
	static const char *const members[] = {"type", "name", "services", "endpoints", "registrations"};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (json_object_get(root, members[i]) != NULL)
			return true;
	return false;
}

static int refuse(struct registration_error *err, enum registration_refusal refusal, int rc)
{
	err->refusal = refusal;
	return rc;
}

static int read_json(struct registration_file *file, struct registration_error *err, const char *text, size_t len)
{
	static const struct jcs_limits limits = {.bytes = REGISTRATION_FILE_MAX, .depth = REGISTRATION_FILE_DEPTH};
	int rc = jcs_parse(&file->root, &err->json, text, len, &limits);

	if (rc == -ENOMEM)
		return refuse(err, REGISTRATION_MEMORY, rc);
	if (rc != 0)
		return refuse(err, err->json.code == JCS_TOO_DEEP ? REGISTRATION_TOO_DEEP : REGISTRATION_NOT_JSON, rc);
	if (!json_is_object(file->root))
		return refuse(err, REGISTRATION_NOT_OBJECT, -EBADMSG);
	return is_registration(file->root) ? 0 : refuse(err, REGISTRATION_UNKNOWN, -EBADMSG);
}

int registration_file_parse(struct registration_file *out, struct registration_error *err, const uint8_t *bytes,
			    size_t len)
{
	struct registration_error unused = {0};
	const char *text = (const char *)bytes;
	int rc;

	err = err != NULL ? err : &unused;
	memset(out, 0, sizeof(*out));
	memset(err, 0, sizeof(*err));
	if (len > REGISTRATION_FILE_MAX)
		return refuse(err, REGISTRATION_TOO_LARGE, -EOVERFLOW);
	if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		drift(out, DRIFT_BOM);
		text += 3;
		len -= 3;
	}
	rc = read_json(out, err, text, len);
	if (rc != 0) {
		registration_file_clear(out);
		return rc;
	}
	read_texts(out);
	read_services(out);
	read_flags(out);
	read_registrations(out);
	read_trust(out);
	read_updated(out);
	return 0;
}

void registration_file_clear(struct registration_file *file)
{
	json_decref(file->root);
	memset(file, 0, sizeof(*file));
}

bool registration_file_names(const struct registration_file *file, const struct agent_key *key)
{
	for (size_t i = 0; i < file->nregistrations; i++)
		if (file->registrations[i].chain == key->chain &&
		    address_equal(&file->registrations[i].registry, &key->registry) &&
		    u256_cmp(&file->registrations[i].agent_id, &key->id) == 0)
			return true;
	return false;
}

int registration_domain_names(const uint8_t *bytes, size_t len, const struct agent_key *key)
{
	struct registration_file file;
	int rc = registration_file_parse(&file, NULL, bytes, len);

	if (rc == 0 && !registration_file_names(&file, key))
		rc = -ENOENT;
	registration_file_clear(&file);
	return rc;
}
