/* The payload of an alias or link entry: written from a change, and read back so that writing it again gives the same bytes. */
#include "did/jcs.h"
#include "eth/hex.h"
#include "gateway/participant/change.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const char *const consents[] = {[PARTICIPANT_CONSENT_SIGNED] = "signed", [PARTICIPANT_CONSENT_LINKED] = "linked"};
static const char *const roles[] = {"account", "controller"};
static const char *const methods[] = {"eip191", "erc1271"};

/* ---- writing ---- */

static json_t *block_json(const struct participant_block *block)
{
	char hash[HEX_DATA_SIZE(32)];

	hex_encode_data(hash, block->hash, 32);
	return json_pack("{s:s, s:I}", "hash", hash, "number", (json_int_t)block->number);
}

static json_t *signer_json(const struct participant_signer *signer)
{
	json_t *json = json_pack("{s:s%, s:s, s:s%}", "message", signer->message, signer->message_len, "method", methods[signer->contract],
				 "signature", signer->signature, signer->signature_len);

	if (signer->contract && json_object_set_new(json, "judged", json_pack("{s:o, s:o}", "latest", block_json(&signer->judged.latest),
									      "safe", block_json(&signer->judged.safe))) != 0) {
		json_decref(json);
		return NULL;
	}
	return json;
}

static json_t *evidence_json(const struct participant_change *change)
{
	char owner[ADDRESS_TEXT_SIZE];

	address_format_lower(owner, &change->owner);
	if (change->verb == PARTICIPANT_LAPSE)
		return json_pack("{s:o, s:s}", "final", block_json(&change->final), "owner", owner);
	return json_pack("{s:s*, s:o, s:s, s:o}", "consent", consents[change->consent], "latest", block_json(&change->read.latest), "owner",
			 owner, "safe", block_json(&change->read.safe));
}

static int put(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new(object, name, value) == 0 ? 0 : -ENOMEM;
}

static int put_messages(json_t *object, const struct participant_change *change)
{
	json_t *list = json_array();
	int rc = 0;

	for (size_t i = 0; i < change->nsigners; i++)
		rc |= json_array_append_new(list, signer_json(&change->signers[i]));
	return put(object, "messages", list) == 0 && rc == 0 ? 0 : -ENOMEM;
}

static int put_object(json_t *object, const struct participant_change *change)
{
	char agent[AGENT_KEY_TEXT_SIZE];
	int rc = put(object, "object", json_string(change->object.text));

	if (rc == 0 && change->object.kind == PARTICIPANT_AGENT) {
		agent_key_format(agent, &change->object.agent);
		rc = put(object, "agent", json_string(agent));
	}
	if (rc == 0 && change->object.kind == PARTICIPANT_ACCOUNT && change->verb == PARTICIPANT_LINK)
		rc = put(object, "role", json_string(roles[change->controller]));
	return rc;
}

static int fill(json_t *object, const struct participant_change *change)
{
	char salt[2 * PARTICIPANT_SALT_SIZE + 1];
	int rc = put(object, "v", json_integer(1));

	sodium_bin2hex(salt, sizeof(salt), change->salt, sizeof(change->salt));
	if (rc == 0)
		rc = put(object, "salt", json_string(salt));
	if (rc == 0)
		rc = put(object, "verb", json_string(participant_verb_word(change->verb)));
	if (rc == 0 && change->verb == PARTICIPANT_CLAIM)
		rc = put(object, "handle", json_string(change->handle));
	if (rc == 0 && change->object.kind != PARTICIPANT_NOTHING)
		rc = put_object(object, change);
	if (rc == 0 && change->has_owner)
		rc = put(object, "evidence", evidence_json(change));
	if (rc == 0 && change->verb == PARTICIPANT_PROFILE)
		rc = put(object, "profile", json_deep_copy(change->profile));
	if (rc == 0 && change->verb == PARTICIPANT_LAPSE)
		rc = put(object, "link", json_integer((json_int_t)change->link));
	if (rc == 0 && change->nsigners > 0)
		rc = put_messages(object, change);
	return rc;
}

int participant_payload_write(char **out, size_t *len, const struct participant_change *change)
{
	json_auto_t *object = json_object();
	struct jcs_buffer buffer = {0};
	int rc = object ? fill(object, change) : -ENOMEM;

	if (rc == 0)
		rc = jcs_write(&buffer, object);
	if (rc == 0 && buffer.len > PARTICIPANT_PAYLOAD_MAX)
		rc = -EOVERFLOW;
	if (rc != 0) {
		jcs_buffer_clear(&buffer);
		return rc;
	}
	*out = buffer.data;
	*len = buffer.len;
	return 0;
}

/* ---- reading: what is missing or misshapen shows when it is written again ---- */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static bool read_hash(uint8_t out[static 32], const json_t *object, const char *name)
{
	const char *text = text_of(object, name);

	return hex_decode_fixed(out, 32, text, strlen(text)) == 0;
}

/* 0 for what is no number from 0 */
static uint64_t number_of(const json_t *object, const char *name)
{
	json_int_t number = json_integer_value(json_object_get(object, name));

	return number > 0 ? (uint64_t)number : 0;
}

static void read_block(struct participant_block *out, const json_t *object, const char *name)
{
	const json_t *block = json_object_get(object, name);

	(void)read_hash(out->hash, block, "hash");
	out->number = number_of(block, "number");
}

/* Address and chain stand in the message itself. The handle is what its URI ends in. */
static bool read_signer(struct participant_change *out, const json_t *one)
{
	struct participant_signer *signer = &out->signers[out->nsigners];
	const json_t *message = json_object_get(one, "message"), *judged = json_object_get(one, "judged");
	struct siwe_message parsed;
	const char *colon;

	signer->message = text_of(one, "message");
	signer->message_len = json_string_length(message);
	signer->signature = text_of(one, "signature");
	signer->signature_len = strlen(signer->signature);
	signer->contract = strcmp(text_of(one, "method"), methods[1]) == 0;
	if (siwe_parse(&parsed, NULL, signer->message, signer->message_len) != 0)
		return false;
	signer->account = (struct eip155_account){.chain = parsed.chain_id, .address = parsed.address};
	signer->issued_ms = parsed.issued_at.ms;
	signer->expires_ms = parsed.expiration_time.ms;
	crypto_hash_sha256(signer->hash, (const uint8_t *)signer->message, signer->message_len);
	colon = memrchr(parsed.uri.ptr, ':', parsed.uri.len);
	if (!colon || participant_handle_fold(out->handle, colon + 1, (size_t)(parsed.uri.ptr + parsed.uri.len - colon - 1)) != 0)
		return false;
	if (judged) {
		read_block(&signer->judged.latest, judged, "latest");
		read_block(&signer->judged.safe, judged, "safe");
	}
	out->nsigners++;
	return true;
}

static bool read_messages(struct participant_change *out)
{
	const json_t *list = json_object_get(out->json, "messages");
	size_t n = json_array_size(list);

	if ((n == 0) != (out->verb == PARTICIPANT_LAPSE) || n > PARTICIPANT_SIGNERS_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!read_signer(out, json_array_get(list, i)))
			return false;
	return n < 2 || memcmp(out->signers[0].hash, out->signers[1].hash, 32) < 0;
}

static bool read_object(struct participant_change *out)
{
	const char *text = text_of(out->json, "object"), *agent = text_of(out->json, "agent");
	struct participant_object *object = &out->object;
	size_t len = strlen(text);

	if (len == 0)
		return participant_verb_takes(out->verb, PARTICIPANT_NOTHING);
	if (len >= sizeof(object->text))
		return false;
	memcpy(object->text, text, len);
	if (out->verb == PARTICIPANT_PROFILE)
		object->kind = PARTICIPANT_CONTENT;
	else if (agent_key_parse(&object->agent, agent, strlen(agent)) == 0)
		object->kind = PARTICIPANT_AGENT;
	else if (did_pkh_parse(&object->account, text, len) == 0)
		object->kind = PARTICIPANT_ACCOUNT;
	else
		object->kind = PARTICIPANT_FOREIGN;
	return participant_verb_takes(out->verb, object->kind);
}

static bool read_evidence(struct participant_change *out)
{
	const json_t *evidence = json_object_get(out->json, "evidence");
	const char *owner = text_of(evidence, "owner"), *consent = text_of(evidence, "consent");

	out->has_owner = evidence != NULL;
	if (!evidence)
		return out->verb != PARTICIPANT_LAPSE;
	if (address_parse(&out->owner, owner, strlen(owner)) != 0)
		return false;
	read_block(&out->final, evidence, "final");
	read_block(&out->read.latest, evidence, "latest");
	read_block(&out->read.safe, evidence, "safe");
	for (enum participant_consent i = PARTICIPANT_CONSENT_SIGNED; i <= PARTICIPANT_CONSENT_LINKED; i++)
		if (strcmp(consent, consents[i]) == 0)
			out->consent = i;
	return true;
}

static bool read_rest(struct participant_change *out)
{
	const char *salt = text_of(out->json, "salt"), *handle = text_of(out->json, "handle");
	size_t salt_len = 0;

	if (sodium_hex2bin(out->salt, sizeof(out->salt), salt, strlen(salt), NULL, &salt_len, NULL) != 0 || salt_len != sizeof(out->salt))
		return false;
	out->controller = strcmp(text_of(out->json, "role"), roles[1]) == 0;
	out->link = number_of(out->json, "link");
	out->profile = json_object_get(out->json, "profile");
	if (out->verb == PARTICIPANT_PROFILE && !json_is_object(out->profile))
		return false;
	return out->verb != PARTICIPANT_CLAIM || strcmp(out->handle, handle) == 0;
}

static bool same_again(const struct participant_change *change, const char *text, size_t len)
{
	size_t again_len = 0;
	char *again = NULL;
	bool same = participant_payload_write(&again, &again_len, change) == 0 && again_len == len && memcmp(again, text, len) == 0;

	free(again);
	return same;
}

int participant_payload_read(struct participant_change *out, const char *text, size_t len)
{
	static const struct jcs_limits limits = {.bytes = PARTICIPANT_PAYLOAD_MAX, .depth = 8};
	struct jcs_error err;
	const char *verb;
	int rc;

	*out = (struct participant_change){.nsigners = 0};
	rc = jcs_parse(&out->json, &err, text, len, &limits);
	if (rc != 0)
		return rc == -ENOMEM ? rc : -EBADMSG;
	verb = text_of(out->json, "verb");
	if (participant_verb_parse(&out->verb, verb, strlen(verb)) == 0 && read_object(out) && read_messages(out) && read_evidence(out) &&
	    read_rest(out) && same_again(out, text, len))
		return 0;
	participant_change_clear(out);
	return -EBADMSG;
}
