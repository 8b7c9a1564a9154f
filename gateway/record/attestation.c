/*
 * A submission read like the tables of docs/formats.md §2 and facts/coordination-games.md §1: a closed list of members around an
 * AttestationV1 whose own list stays open. Checks run in the reader's order, the first refusal wins.
 */
#include "gateway/record/attestation.h"
#include "did/jcs.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define INTEGER_MAX 9007199254740991.0

__attribute__((format(printf, 4, 5))) static int refuse(struct refusal *why, enum refusal_code code, const char *pointer,
							const char *format, ...)
{
	char detail[sizeof(why->detail)];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(detail, sizeof(detail), format, ap);
	va_end(ap);
	refusal_set(why, code, pointer, "%s", detail);
	return -EBADMSG;
}

/* parent/key with RFC 6901 §3 escaping, cut where it does not fit. */
static void pointer_join(char *out, size_t size, const char *parent, const char *key)
{
	size_t at = (size_t)snprintf(out, size, "%s/", parent);

	for (; *key && at + 2 < size; key++) {
		if (*key == '~' || *key == '/') {
			out[at++] = '~';
			out[at++] = *key == '~' ? '0' : '1';
		} else {
			out[at++] = *key;
		}
	}
	out[at < size ? at : size - 1] = '\0';
}

static int only_members(struct refusal *why, const json_t *object, const char *parent, const char *const *allowed)
{
	void *it;

	for (it = json_object_iter((json_t *)(uintptr_t)object); it; it = json_object_iter_next((json_t *)(uintptr_t)object, it)) {
		const char *key = json_object_iter_key(it);
		const char *const *a = allowed;
		char pointer[sizeof(why->pointer)];

		while (*a && strcmp(*a, key) != 0)
			a++;
		if (*a)
			continue;
		pointer_join(pointer, sizeof(pointer), parent, key);
		return refuse(why, REFUSAL_MEMBER_UNKNOWN, pointer, "this member means nothing here");
	}
	return 0;
}

/* Code points of text that jcs_parse found to be UTF-8. */
static size_t code_points(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* docs/formats.md §3: "A claim type or game id that holds a control character (below 0x20, or 0x7f) is refused". */
static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* An integer from 0 to 2^53-1; 1.0 is the same number as 1 (RFC 8785 writes both as 1). */
static bool natural(uint64_t *out, const json_t *value)
{
	double d;

	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*out = (uint64_t)json_integer_value(value);
		return true;
	}
	d = json_is_real(value) ? json_real_value(value) : -1;
	if (!(d >= 0 && d <= INTEGER_MAX && floor(d) == d))
		return false;
	*out = (uint64_t)d;
	return true;
}

/* A member that must be there as text of 1 character or more. */
static int need_text(struct refusal *why, const json_t *object, const char *parent, const char *key, const char **out)
{
	const json_t *value = json_object_get(object, key);
	char pointer[128];

	(void)snprintf(pointer, sizeof(pointer), "%s/%s", parent, key);
	if (!value)
		return refuse(why, REFUSAL_MEMBER_MISSING, pointer, "%s is missing", key);
	if (!json_is_string(value) || !*json_string_value(value))
		return refuse(why, REFUSAL_FIELD, pointer, "%s is a text of at least one character", key);
	*out = json_string_value(value);
	return 0;
}

static int check_claim(struct submission *s, struct refusal *why)
{
	const json_t *claim = json_object_get(s->attestation, "claim"), *data;
	int rc;

	if (!claim)
		return refuse(why, REFUSAL_MEMBER_MISSING, "/attestation/claim", "claim is missing");
	if (!json_is_object(claim))
		return refuse(why, REFUSAL_FIELD, "/attestation/claim", "claim is an object of type and data");
	rc = need_text(why, claim, "/attestation/claim", "type", &s->claim_type);
	if (rc)
		return rc;
	if (has_control(s->claim_type))
		return refuse(why, REFUSAL_CONTROL, "/attestation/claim/type", "the claim type holds a control character");
	if (code_points(s->claim_type) > SUBMISSION_CLAIM_TYPE_MAX)
		return refuse(why, REFUSAL_FIELD, "/attestation/claim/type", "a claim type has at most %u characters",
			      SUBMISSION_CLAIM_TYPE_MAX);
	data = json_object_get(claim, "data");
	if (!data)
		return refuse(why, REFUSAL_MEMBER_MISSING, "/attestation/claim/data", "data is missing");
	if (!json_is_object(data))
		return refuse(why, REFUSAL_FIELD, "/attestation/claim/data", "data is an object");
	return 0;
}

static int check_evidence_refs(const struct submission *s, struct refusal *why)
{
	const json_t *refs = json_object_get(s->attestation, "evidenceRefs");
	char pointer[96];

	if (!refs)
		return 0;
	if (!json_is_array(refs))
		return refuse(why, REFUSAL_FIELD, "/attestation/evidenceRefs", "evidenceRefs is an array");
	for (size_t i = 0; i < json_array_size(refs); i++) {
		const json_t *ref = json_array_get(refs, i);
		const char *visibility = json_string_value(json_object_get(ref, "visibility"));

		(void)snprintf(pointer, sizeof(pointer), "/attestation/evidenceRefs/%zu", i);
		if (!json_is_object(ref))
			return refuse(why, REFUSAL_FIELD, pointer, "an evidence reference is an object");
		if (visibility && !strcmp(visibility, "viewer-visible")) {
			strncat(pointer, "/visibility", sizeof(pointer) - strlen(pointer) - 1);
			return refuse(why, REFUSAL_EVIDENCE_VISIBILITY, pointer,
				      "every attestation is public, so its evidence is");
		}
	}
	return 0;
}

static int check_optional(struct submission *s, struct refusal *why)
{
	const json_t *a = s->attestation, *note = json_object_get(a, "note"), *confidence = json_object_get(a, "confidence"),
		     *round = json_object_get(a, "round"), *at = json_object_get(a, "issuedAt");
	uint64_t ms;

	if (note && !json_is_string(note))
		return refuse(why, REFUSAL_FIELD, "/attestation/note", "note is a text");
	if (note && code_points(json_string_value(note)) > SUBMISSION_NOTE_MAX)
		return refuse(why, REFUSAL_NOTE, "/attestation/note", "a note has at most %u code points, this one %zu",
			      SUBMISSION_NOTE_MAX, code_points(json_string_value(note)));
	if (confidence && !json_is_number(confidence))
		return refuse(why, REFUSAL_FIELD, "/attestation/confidence", "confidence is a number");
	if (confidence && !(json_number_value(confidence) >= 0 && json_number_value(confidence) <= 1))
		return refuse(why, REFUSAL_CONFIDENCE, "/attestation/confidence", "confidence is from 0 to 1");
	if (round && !natural(&s->round, round))
		return refuse(why, REFUSAL_ROUND, "/attestation/round", "round is an integer from 0 to 2^53-1");
	s->has_round = round != NULL;
	if (at && !json_is_string(at) && !natural(&ms, at))
		return refuse(why, REFUSAL_FIELD, "/attestation/issuedAt",
			      "issuedAt is a text or an integer of milliseconds from 0");
	return check_evidence_refs(s, why);
}

/* issuer and subject: text, or a JSON integer for an agentId (docs/formats.md §1). */
static int check_who(const struct submission *s, struct refusal *why, const char *key)
{
	const json_t *value = json_object_get(s->attestation, key);
	char pointer[64];
	uint64_t id;

	(void)snprintf(pointer, sizeof(pointer), "/attestation/%s", key);
	if (!value)
		return refuse(why, REFUSAL_MEMBER_MISSING, pointer, "%s is missing", key);
	if (json_is_string(value) ? !*json_string_value(value) : !natural(&id, value))
		return refuse(why, REFUSAL_FIELD, pointer, "%s is a text that names an agent, or an agentId", key);
	return 0;
}

static int check_attestation(struct submission *s, struct refusal *why)
{
	const char *version, *id, *kind;
	int rc;

	if (!s->attestation)
		return refuse(why, REFUSAL_MEMBER_MISSING, "/attestation", "attestation is missing");
	if (!json_is_object(s->attestation))
		return refuse(why, REFUSAL_SHAPE, "/attestation", "attestation is an object");
	if ((rc = need_text(why, s->attestation, "/attestation", "schemaVersion", &version)))
		return rc;
	if (strcmp(version, "attestation/v1") != 0)
		return refuse(why, REFUSAL_SCHEMA_VERSION, "/attestation/schemaVersion",
			      "schemaVersion is \"attestation/v1\"");
	if ((rc = need_text(why, s->attestation, "/attestation", "id", &id)) || (rc = check_who(s, why, "issuer")) ||
	    (rc = need_text(why, s->attestation, "/attestation", "issuerKind", &kind)))
		return rc;
	if (strcmp(kind, "agent") != 0 && strcmp(kind, "system") != 0 && strcmp(kind, "plugin") != 0)
		return refuse(why, REFUSAL_FIELD, "/attestation/issuerKind", "issuerKind is agent, system or plugin");
	if ((rc = check_who(s, why, "subject")) || (rc = check_claim(s, why)))
		return rc;
	return check_optional(s, why);
}

static int check_game(struct submission *s, struct refusal *why)
{
	static const char *const members[] = {"id", "type", NULL};
	const json_t *type;
	int rc;

	if (!json_is_object(s->game))
		return refuse(why, REFUSAL_FIELD, "/context/game", "game is an object of id and type");
	if ((rc = only_members(why, s->game, "/context/game", members)) ||
	    (rc = need_text(why, s->game, "/context/game", "id", &s->game_id)))
		return rc;
	if (code_points(s->game_id) > SUBMISSION_GAME_ID_MAX)
		return refuse(why, REFUSAL_FIELD, "/context/game/id", "a game id has at most %u characters",
			      SUBMISSION_GAME_ID_MAX);
	if (has_control(s->game_id))
		return refuse(why, REFUSAL_CONTROL, "/context/game/id", "the game id holds a control character");
	type = json_object_get(s->game, "type");
	if (type && !json_is_string(type))
		return refuse(why, REFUSAL_FIELD, "/context/game/type", "a game type is a text");
	return 0;
}

static int check_context(struct submission *s, struct refusal *why)
{
	static const char *const members[] = {"game", "relay", "release", "surface", NULL};
	const json_t *surface, *relay;
	int rc;

	if (!s->context)
		return 0;
	if (!json_is_object(s->context))
		return refuse(why, REFUSAL_SHAPE, "/context", "context is an object");
	rc = only_members(why, s->context, "/context", members);
	if (rc)
		return rc;
	s->game = json_object_get(s->context, "game");
	if (s->game && (rc = check_game(s, why)))
		return rc;
	relay = json_object_get(s->context, "relay");
	if (relay && !json_is_object(relay))
		return refuse(why, REFUSAL_FIELD, "/context/relay", "relay is an object");
	surface = json_object_get(s->context, "surface");
	if (surface && (!json_is_string(surface) || !json_string_length(surface)))
		return refuse(why, REFUSAL_FIELD, "/context/surface", "surface is a text");
	return 0;
}

static int check_salt(struct submission *s, struct refusal *why)
{
	const json_t *salt = json_object_get(s->json, "salt");
	const char *text = json_string_value(salt);
	size_t len = text ? strlen(text) : 0;

	if (!salt)
		return 0;
	if (len < 32 || len > 128 || strspn(text, "0123456789abcdef") != len)
		return refuse(why, REFUSAL_SALT, "/salt", "a salt is 32 to 128 lower-case hex digits");
	s->salt = text;
	return 0;
}

/* docs/formats.md §3: {"type":"eip712"|"eip191","signature":"0x"+130 hex}, and nothing else. */
static int check_proof(const struct submission *s, struct refusal *why)
{
	static const char *const members[] = {"type", "signature", NULL};
	const char *type, *signature;
	int rc;

	if ((rc = only_members(why, s->proof, "/proof", members)) || (rc = need_text(why, s->proof, "/proof", "type", &type)) ||
	    (rc = need_text(why, s->proof, "/proof", "signature", &signature)))
		return rc;
	if (strcmp(type, "eip712") != 0 && strcmp(type, "eip191") != 0)
		return refuse(why, REFUSAL_PROOF, "/proof/type", "a proof by an agent is eip712 or eip191");
	if (strlen(signature) != 132 || strncmp(signature, "0x", 2) != 0 ||
	    strspn(signature + 2, "0123456789abcdef") != 130)
		return refuse(why, REFUSAL_PROOF, "/proof/signature", "a signature is 0x and 130 lower-case hex digits");
	return 0;
}

/* The proofs and names of other kinds come with their issuers (DESIGN §5.2). */
static int check_kind(const struct submission *s, struct refusal *why)
{
	const char *kind = json_string_value(json_object_get(s->attestation, "issuerKind"));

	if (strcmp(kind, "agent") != 0)
		return refuse(why, REFUSAL_ISSUER_KIND, "/attestation/issuer", "no %s issuer of this name is registered here", kind);
	return 0;
}

static bool served(const struct agent_key *key, const struct record_names *names)
{
	return key->chain == names->agents.chain &&
	       !memcmp(&key->registry, &names->agents.registry, sizeof(key->registry));
}

/* What DESIGN §5.2 and §5.6 will admit one day, and this gateway does not offer. */
static int check_offered(const struct submission *s, struct refusal *why, const struct record_names *names)
{
	if (json_object_get(s->context, "release"))
		return refuse(why, REFUSAL_RELEASE, "/context/release", "embargo not offered here");
	if (json_object_get(s->context, "surface"))
		return refuse(why, REFUSAL_SURFACE, "/context/surface", "no projector here admits attestations to this surface");
	if (!served(&s->issuer_key, names))
		return refuse(why, REFUSAL_REGISTRY, "/attestation/issuer", "agents of this registry are not served here");
	if (!served(&s->subject_key, names))
		return refuse(why, REFUSAL_REGISTRY, "/attestation/subject", "agents of this registry are not served here");
	return 0;
}

static int map_name(struct agent_key *key, char text[static AGENT_KEY_TEXT_SIZE], const struct submission *s,
		    struct refusal *why, const struct record_names *names, const char *member)
{
	const json_t *value = json_object_get(s->attestation, member);
	char pointer[64], digits[32];
	const char *given = json_string_value(value);
	uint64_t id = 0;

	(void)snprintf(pointer, sizeof(pointer), "/attestation/%s", member);
	if (!given && natural(&id, value)) {
		(void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)id);
		given = digits;
	}
	if (agent_key_from_any(key, given, strlen(given), &names->agents))
		return refuse(why, REFUSAL_NAME, pointer, "%s names no agent that this log knows how to read", member);
	agent_key_format(text, key);
	return 0;
}

static int check_names(struct submission *s, struct refusal *why, const struct record_names *names)
{
	int rc;

	if ((rc = map_name(&s->issuer_key, s->issuer, s, why, names, "issuer")) ||
	    (rc = map_name(&s->subject_key, s->subject, s, why, names, "subject")))
		return rc;
	if (!strcmp(s->issuer, s->subject))
		return refuse(why, REFUSAL_SELF, "/attestation/subject", "an agent does not attest about itself");
	return 0;
}

static int check_submission(struct submission *s, struct refusal *why, const struct record_names *names)
{
	static const char *const members[] = {"attestation", "context", "proof", "salt", NULL};
	int rc;

	if (!json_is_object(s->json))
		return refuse(why, REFUSAL_SHAPE, "", "an item is an object with the members attestation and proof");
	rc = only_members(why, s->json, "", members);
	if (rc)
		return rc;
	s->attestation = json_object_get(s->json, "attestation");
	s->proof = json_object_get(s->json, "proof");
	s->context = json_object_get(s->json, "context");
	if ((rc = check_attestation(s, why)) || (rc = check_context(s, why)) || (rc = check_salt(s, why)))
		return rc;
	if (!s->proof)
		return refuse(why, REFUSAL_MEMBER_MISSING, "/proof", "proof is missing");
	if (!json_is_object(s->proof))
		return refuse(why, REFUSAL_SHAPE, "/proof", "proof is an object");
	if ((rc = check_kind(s, why)) || (rc = check_names(s, why, names)))
		return rc;
	return check_proof(s, why);
}

static int parse_refusal(struct refusal *why, const struct jcs_error *error)
{
	enum refusal_code code = REFUSAL_SYNTAX;

	switch (error->code) {
	case JCS_MEMORY:
		return -ENOMEM;
	case JCS_TOO_LONG:
		code = REFUSAL_ITEM_TOO_LARGE;
		break;
	case JCS_TOO_DEEP:
		code = REFUSAL_DEPTH;
		break;
	case JCS_DUPLICATE:
		code = REFUSAL_DUPLICATE_KEY;
		break;
	case JCS_UTF8:
	case JCS_SURROGATE:
	case JCS_NUL:
		code = REFUSAL_ENCODING;
		break;
	case JCS_NUMBER_RANGE:
		code = REFUSAL_NUMBER;
		break;
	case JCS_OK:
	case JCS_SYNTAX:
		break;
	}
	return refuse(why, code, error->pointer, "%s (byte %zu)", jcs_reason(error->code), error->offset);
}

int submission_take(struct submission *s, struct refusal *why, const struct record_names *names, json_t *json)
{
	int rc;

	memset(s, 0, sizeof(*s));
	s->game_id = "";
	s->json = json;
	rc = check_submission(s, why, names);
	if (rc)
		submission_clear(s);
	return rc;
}

int submission_parse(struct submission *s, struct refusal *why, const struct record_names *names, const uint8_t *bytes,
		     size_t len)
{
	static const struct jcs_limits limits = {.bytes = SUBMISSION_MAX - 1, .depth = SUBMISSION_DEPTH_MAX};
	struct jcs_error error;
	json_t *json;
	int rc;

	memset(s, 0, sizeof(*s));
	if (len >= SUBMISSION_MAX)
		return refuse(why, REFUSAL_ITEM_TOO_LARGE, "", "an item has less than %u bytes, this one %zu", SUBMISSION_MAX, len);
	rc = jcs_parse(&json, &error, (const char *)bytes, len, &limits);
	if (rc)
		return parse_refusal(why, &error);
	rc = submission_take(s, why, names, json);
	if (rc)
		return rc;
	rc = check_offered(s, why, names);
	if (rc)
		submission_clear(s);
	else
		s->id_matches = submission_id_check(s->attestation, s->game);
	return rc;
}

void submission_clear(struct submission *s)
{
	json_decref(s->json);
	memset(s, 0, sizeof(*s));
}
