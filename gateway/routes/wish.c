/* One table of members says what each verb takes and needs; a reader a member. */
#include "gateway/routes/wish.h"
#include "did/jcs.h"
#include "eth/hex.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 600 };

bool wish_refuse(struct wish *wish, const char *type, const char *pointer, const char *next, const char *detail, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, detail);
	(void)vsnprintf(text, sizeof(text), detail, args);
	va_end(args);
	http_problem(wish->req, &(struct http_problem){
					.type = type, .detail = text, .pointer = pointer, .next = next, .rule = type});
	return false;
}

/* ---- members ---- */

static bool read_address(struct eth_address *out, struct wish *wish, const json_t *value, const char *pointer)
{
	int err = json_is_string(value) ? address_parse(out, json_string_value(value), json_string_length(value))
					: -EBADMSG;

	if (err == 0)
		return true;
	if (err == -EILSEQ)
		return wish_refuse(
			wish, "unprocessable", pointer, "Copy the address again, or write it in lower case.",
			"The letter case of the address does not fit its EIP-55 checksum: a digit is likely wrong.");
	return wish_refuse(wish, "unprocessable", pointer, "Send the address as 0x and 40 hex digits.",
			   "This is not an address.");
}

static bool read_from(struct wish *wish, const json_t *value)
{
	return read_address(&wish->ask.from, wish, value, "/from");
}

static bool read_wallet(struct wish *wish, const json_t *value)
{
	return read_address(&wish->ask.wallet, wish, value, "/wallet");
}

static bool read_to(struct wish *wish, const json_t *value)
{
	return read_address(&wish->ask.to, wish, value, "/to");
}

/* Takes a path's forms (42, CHAIN:42, CHAIN:0xREGISTRY:42) and those an attestation may use (key text, agent:…, DID).
 */
static bool read_agent(struct wish *wish, const json_t *value)
{
	static const char next[] =
		"Send the decimal id as text, CHAIN:ID, CHAIN:0xREGISTRY:ID, a key text or an agent DID of "
		"this host.";
	char number[24] = "", served[SERVICE_SERVED_SIZE];
	const char *text = json_string_value(value);
	int err;

	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		(void)snprintf(number, sizeof(number), "%ju", (uintmax_t)json_integer_value(value));
		text = number;
	}
	if (text == NULL)
		return wish_refuse(wish, "unprocessable", "/agent", next, "This does not name an agent.");
	err = service_agent_id(&wish->ask.agent, NULL, wish->service, text);
	if (err == -EBADMSG) {
		err = agent_key_from_any(&wish->ask.agent, text, strlen(text), &wish->service->defaults);
		if (err == 0 && !service_serves(wish->service, &wish->ask.agent))
			err = -ENOENT;
	}
	if (err == -ENOENT) {
		service_served(served, wish->service, "Ask a gateway that serves it. ");
		return wish_refuse(wish, "not-found", "/agent", served, "This agent's chain, registry or host is not served here.");
	}
	return err == 0 || wish_refuse(wish, "unprocessable", "/agent", next, "This does not name an agent.");
}

static bool read_registry(struct wish *wish, const json_t *value)
{
	const char *text = json_string_value(value);
	char id[128], served[SERVICE_SERVED_SIZE];
	int err = -EBADMSG;

	if (text != NULL && strlen(text) <= 100) {
		(void)snprintf(id, sizeof(id), "%s:0", text);
		err = service_agent_id(&wish->ask.agent, NULL, wish->service, id);
	}
	if (err == -ENOENT) {
		service_served(served, wish->service, "Leave it out for this gateway's own registry. ");
		return wish_refuse(wish, "not-found", "/registry", served, "This registry is not served here.");
	}
	return err == 0 || wish_refuse(wish, "unprocessable", "/registry",
				       "Send CHAIN or CHAIN:0xREGISTRY, or leave it out.",
				       "This does not name a registry.");
}

static bool read_uri(struct wish *wish, const json_t *value)
{
	if (!json_is_string(value))
		return wish_refuse(wish, "unprocessable", "/uri", "Send the registration file's address as text.",
				   "The URI is not a text.");
	if (json_string_length(value) > REGISTRY_URI_MAX)
		return wish_refuse(wish, "too-large", "/uri",
				   "Put the file on a server or on IPFS and name it by its address.",
				   "The URI is longer than %d bytes.", REGISTRY_URI_MAX);
	wish->ask.uri = json_string_value(value);
	wish->ask.uri_len = json_string_length(value);
	return true;
}

static bool read_deadline(struct wish *wish, const json_t *value)
{
	static const char next[] = "Send seconds since 1970 by block time, or leave it out to get one.";
	struct u256 number = u256_from_u64(0);

	if (json_is_integer(value) && json_integer_value(value) > 0)
		number = u256_from_u64((uint64_t)json_integer_value(value));
	else if (json_is_string(value) &&
		 u256_parse_decimal(&number, json_string_value(value), json_string_length(value)) != 0)
		number = u256_from_u64(0);
	if (u256_to_u64(&wish->ask.deadline, &number) != 0 || wish->ask.deadline == 0)
		return wish_refuse(wish, "unprocessable", "/deadline", next, "The deadline is not a time in seconds.");
	return true;
}

/* 0x data into memory of the request. */
static bool read_bytes(const uint8_t **out, size_t *out_len, struct wish *wish, const json_t *value,
		       const char *pointer, size_t most)
{
	size_t room = json_string_length(value) / 2 + 1;
	uint8_t *bytes = json_is_string(value) ? http_alloc(wish->req, room) : NULL;

	if (bytes == NULL ||
	    hex_decode_data(bytes, room, out_len, json_string_value(value), json_string_length(value)) != 0)
		return wish_refuse(wish, "unprocessable", pointer, "Send 0x and an even number of hex digits.",
				   "This is not bytes in hex.");
	if (*out_len > most)
		return wish_refuse(wish, "too-large", pointer, "Send less.", "More than %zu bytes.", most);
	*out = bytes;
	return true;
}

static bool read_signature(struct wish *wish, const json_t *value)
{
	return read_bytes(&wish->ask.signature, &wish->ask.signature_len, wish, value, "/signature",
			  PREPARE_SIGNATURE_MAX);
}

/* One entry's key and value; `where` is the entry's pointer, "" for the body itself. */
static bool read_entry(struct wish *wish, struct registry_metadata *entry, const json_t *object, const char *where)
{
	const json_t *key = json_object_get(object, "key"), *value = json_object_get(object, "value");
	const json_t *text = json_object_get(object, "text");

	(void)snprintf(wish->pointer, sizeof(wish->pointer), "%s/key", where);
	if (!json_is_string(key))
		return wish_refuse(wish, "missing-member", wish->pointer, "Name the metadata key as text.",
				   "A metadata entry has no key.");
	(void)snprintf(wish->pointer, sizeof(wish->pointer), "%s/value", where);
	if ((value == NULL) == (text == NULL) || (text != NULL && !json_is_string(text)))
		return wish_refuse(wish, "missing-member", wish->pointer,
				   "Send the content either as `value` (0x and hex digits) or as `text`.",
				   "A metadata entry needs exactly one of value and text.");
	entry->key = json_string_value(key);
	entry->key_len = json_string_length(key);
	if (value != NULL)
		return read_bytes(&entry->value, &entry->value_len, wish, value, wish->pointer, REGISTRY_URI_MAX);
	entry->value = (const uint8_t *)json_string_value(text);
	entry->value_len = json_string_length(text);
	return true;
}

static bool read_metadata(struct wish *wish, const json_t *value)
{
	char where[32];

	if (!json_is_array(value) || json_array_size(value) > REGISTRY_METADATA_MAX)
		return wish_refuse(wish, "unprocessable", "/metadata",
				   "Send a list of {\"key\", \"value\" or \"text\"}.",
				   "Metadata is a list of at most %d entries.", REGISTRY_METADATA_MAX);
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *object = json_array_get(value, i);

		(void)snprintf(where, sizeof(where), "/metadata/%zu", i);
		if (!json_is_object(object) || json_object_size(object) != 2)
			return wish_refuse(wish, "unprocessable", where,
					   "Send {\"key\", \"value\" or \"text\"} and nothing else.",
					   "This is not a metadata entry.");
		if (!read_entry(wish, &wish->entries[i], object, where))
			return false;
	}
	wish->ask.metadata_count = json_array_size(value);
	return true;
}

/* The entry of the verb metadata lies in the body itself; read with its key. */
static bool read_own_entry(struct wish *wish, const json_t *value)
{
	(void)value;
	wish->ask.metadata_count = 1;
	return read_entry(wish, &wish->entries[0], wish->body, "");
}

static bool read_nothing(struct wish *wish, const json_t *value)
{
	(void)wish;
	(void)value;
	return true;
}

#define IN(verb) (1u << (verb))
enum { ALL = (1u << PREPARE_VERBS) - 1 };

static const struct member {
	const char *name;
	bool (*read)(struct wish *wish, const json_t *value);
	unsigned allowed, required; /* sets of verbs */
} MEMBERS[] = {
	{"from", read_from, ALL, ALL},
	{"agent", read_agent, ALL & ~IN(PREPARE_REGISTER), ALL & ~IN(PREPARE_REGISTER)},
	{"registry", read_registry, IN(PREPARE_REGISTER), 0},
	{"uri", read_uri, IN(PREPARE_REGISTER) | IN(PREPARE_URI), IN(PREPARE_URI)},
	{"metadata", read_metadata, IN(PREPARE_REGISTER), 0},
	{"wallet", read_wallet, IN(PREPARE_WALLET), IN(PREPARE_WALLET)},
	{"deadline", read_deadline, IN(PREPARE_WALLET), 0},
	{"signature", read_signature, IN(PREPARE_WALLET), 0},
	{"key", read_own_entry, IN(PREPARE_METADATA), IN(PREPARE_METADATA)},
	{"value", read_nothing, IN(PREPARE_METADATA), 0},
	{"text", read_nothing, IN(PREPARE_METADATA), 0},
	{"to", read_to, IN(PREPARE_TRANSFER), IN(PREPARE_TRANSFER)},
};
enum { MEMBERS_COUNT = sizeof(MEMBERS) / sizeof(MEMBERS[0]) };

static bool refuse_unknown(struct wish *wish, const char *name)
{
	char next[256] = "This verb takes:";
	char pointer[96] = "/";
	size_t at = 1;

	for (size_t i = 0; i < MEMBERS_COUNT; i++)
		if (MEMBERS[i].allowed & IN(wish->ask.verb))
			(void)snprintf(next + strlen(next), sizeof(next) - strlen(next), " %s", MEMBERS[i].name);
	for (; *name && at + 3 < sizeof(pointer); name++) { /* RFC 6901 §3 */
		if (*name == '~' || *name == '/')
			pointer[at++] = '~';
		pointer[at++] = *name;
		if (*name == '~' || *name == '/')
			pointer[at - 1] = *name == '~' ? '0' : '1';
	}
	pointer[at] = '\0';
	return wish_refuse(wish, "unknown-member", pointer, next, "This member means nothing here.");
}

static bool read_members(struct wish *wish)
{
	unsigned verb = IN(wish->ask.verb);
	const char *name;
	json_t *value;
	size_t i;

	json_object_foreach(wish->body, name, value)
	{
		for (i = 0; i < MEMBERS_COUNT; i++)
			if (strcmp(MEMBERS[i].name, name) == 0 && (MEMBERS[i].allowed & verb))
				break;
		if (i == MEMBERS_COUNT)
			return refuse_unknown(wish, name);
	}
	for (i = 0; i < MEMBERS_COUNT; i++) {
		char pointer[32];

		value = json_object_get(wish->body, MEMBERS[i].name);
		(void)snprintf(pointer, sizeof(pointer), "/%s", MEMBERS[i].name);
		if (value == NULL && (MEMBERS[i].required & verb))
			return wish_refuse(wish, "missing-member", pointer, "Add it.", "The member %s is missing.",
					   MEMBERS[i].name);
		if (value != NULL && !MEMBERS[i].read(wish, value))
			return false;
	}
	if (wish->ask.signature != NULL && wish->ask.deadline == 0)
		return wish_refuse(wish, "missing-member", "/deadline",
				   "Add the deadline that stands in the typed data that was signed.",
				   "A signature came without its deadline.");
	return true;
}

static void free_body(void *arg)
{
	json_decref(arg);
}

static bool read_body(struct wish *wish)
{
	size_t len;
	const uint8_t *bytes = http_body(wish->req, &len);
	struct jcs_error why;
	int err = jcs_parse(&wish->body, &why, (const char *)bytes, len, NULL);

	if (err == -ENOMEM) {
		http_fail(wish->req, err, NULL);
		return false;
	}
	if (err != 0) {
		const char *type = why.code == JCS_DUPLICATE			? "duplicate-key"
				   : err == -EILSEQ || why.code == JCS_NUL	? "bad-encoding"
				   : why.code == JCS_NUMBER_RANGE		? "bad-number"
				   : why.code == JCS_TOO_DEEP			? "too-deep"
										: "malformed";

		return wish_refuse(wish, type, why.pointer, strcmp(type, "malformed") == 0 ? "Send one JSON object." : NULL,
				   "%s (at byte %zu)", jcs_reason(why.code), why.offset);
	}
	if (http_defer(wish->req, free_body, wish->body) != 0) {
		http_fail(wish->req, -ENOMEM, NULL);
		return false;
	}
	if (!json_is_object(wish->body))
		return wish_refuse(wish, "malformed", "", "Send one JSON object.", "The body is not an object.");
	return true;
}

bool wish_read(struct wish *wish)
{
	if (prepare_verb_parse(&wish->ask.verb, http_param(wish->req, "verb")) != 0)
		return wish_refuse(wish, "not-found", NULL,
				   "Verbs are register, wallet, unset-wallet, uri, metadata and transfer.",
				   "There is no such verb.");
	if (!http_body_is(wish->req, "application/json"))
		return wish_refuse(wish, "unsupported-media-type", NULL, "Send application/json.",
				   "The body is not JSON.");
	wish->ask.agent = wish->service->registries[0].key;
	wish->ask.uri = "";
	wish->ask.metadata = wish->entries;
	return read_body(wish) && read_members(wish);
}
