/*
 * A submission: a closed list of members around an attestation (docs/formats.md §2), first its form, then its names,
 * then what this gateway offers.
 */
#include "did/jcs.h"
#include "gateway/record/submission_check.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int check_game(struct submission *s, struct refusal *why)
{
	static const char *const members[] = {"id", "type", NULL};
	const json_t *type;
	int rc;

	if (!json_is_object(s->game))
		return submission_refuse(why, REFUSAL_FIELD, "/context/game", "game is an object of id and type");
	if ((rc = submission_members(why, s->game, "/context/game", members)) ||
	    (rc = submission_text(why, s->game, "/context/game", "id", &s->game_id)))
		return rc;
	if (submission_code_points(s->game_id) > SUBMISSION_GAME_ID_MAX)
		return submission_refuse(why, REFUSAL_FIELD, "/context/game/id", "a game id has at most %u characters",
					 SUBMISSION_GAME_ID_MAX);
	if (submission_has_control(s->game_id))
		return submission_refuse(why, REFUSAL_CONTROL, "/context/game/id",
					 "the game id holds a control character");
	type = json_object_get(s->game, "type");
	if (type && !json_is_string(type))
		return submission_refuse(why, REFUSAL_FIELD, "/context/game/type", "a game type is a text");
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
		return submission_refuse(why, REFUSAL_SHAPE, "/context", "context is an object");
	rc = submission_members(why, s->context, "/context", members);
	if (rc)
		return rc;
	s->game = json_object_get(s->context, "game");
	if (s->game && (rc = check_game(s, why)))
		return rc;
	relay = json_object_get(s->context, "relay");
	if (relay && !json_is_object(relay))
		return submission_refuse(why, REFUSAL_FIELD, "/context/relay", "relay is an object");
	surface = json_object_get(s->context, "surface");
	if (surface && (!json_is_string(surface) || !json_string_length(surface)))
		return submission_refuse(why, REFUSAL_FIELD, "/context/surface", "surface is a text");
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
		return submission_refuse(why, REFUSAL_SALT, "/salt", "a salt is 32 to 128 lower-case hex digits");
	s->salt = text;
	return 0;
}

/* docs/formats.md §3: {"type":"eip712"|"eip191","signature":"0x"+130 hex}, and nothing else. */
static int check_proof(const struct submission *s, struct refusal *why)
{
	static const char *const members[] = {"type", "signature", NULL};
	const char *type = "", *signature = "";
	int rc;

	if ((rc = submission_members(why, s->proof, "/proof", members)) ||
	    (rc = submission_text(why, s->proof, "/proof", "type", &type)) ||
	    (rc = submission_text(why, s->proof, "/proof", "signature", &signature)))
		return rc;
	if (strcmp(type, "eip712") != 0 && strcmp(type, "eip191") != 0)
		return submission_refuse(why, REFUSAL_PROOF, "/proof/type", "a proof by an agent is eip712 or eip191");
	if (strlen(signature) != 132 || strncmp(signature, "0x", 2) != 0 ||
	    strspn(signature + 2, "0123456789abcdef") != 130)
		return submission_refuse(why, REFUSAL_PROOF, "/proof/signature",
					 "a signature is 0x and 130 lower-case hex digits");
	return 0;
}

/* The proofs and names of other kinds come with their issuers (DESIGN §5.2). */
static int check_kind(const struct submission *s, struct refusal *why)
{
	const char *kind = json_string_value(json_object_get(s->attestation, "issuerKind"));

	if (strcmp(kind, "agent") != 0)
		return submission_refuse(why, REFUSAL_ISSUER_KIND, "/attestation/issuer",
					 "no %s issuer of this name is registered here", kind);
	return 0;
}

static bool served(const struct agent_key *key, const struct record_names *names)
{
	if (key->chain == names->agents.chain && address_equal(&key->registry, &names->agents.registry))
		return true;
	for (size_t i = 0; i < names->nothers; i++)
		if (key->chain == names->others[i].chain && address_equal(&key->registry, &names->others[i].registry))
			return true;
	return false;
}

/* What DESIGN §5.2 and §5.6 will admit one day, and this gateway does not offer. */
static int check_offered(const struct submission *s, struct refusal *why, const struct record_names *names)
{
	if (json_object_get(s->context, "release"))
		return submission_refuse(why, REFUSAL_RELEASE, "/context/release", "embargo not offered here");
	if (json_object_get(s->context, "surface"))
		return submission_refuse(why, REFUSAL_SURFACE, "/context/surface",
					 "no projector here admits attestations to this surface");
	if (!served(&s->issuer_key, names))
		return submission_refuse(why, REFUSAL_REGISTRY, "/attestation/issuer",
					 "agents of this registry are not served here");
	if (!served(&s->subject_key, names))
		return submission_refuse(why, REFUSAL_REGISTRY, "/attestation/subject",
					 "agents of this registry are not served here");
	return 0;
}

/* The agent a text means. A verifier takes a short name as of the registry it expects, and a long one as it stands. */
static int key_of(struct agent_key *key, const char *text, const struct record_names *names, const struct agent_key *expected)
{
	struct agent_defaults agents = names->agents;

	if (!expected)
		return agent_key_from_any(key, text, strlen(text), &agents);
	agents.chain = expected->chain;
	agents.registry = expected->registry;
	if (agent_key_from_any(key, text, strlen(text), &agents) == 0)
		return 0;
	/* the DID that names the registry is no name of an agent of the default one (agent_did_parse) */
	agents.chain = 0;
	agents.registry = (struct eth_address){{0}};
	return agent_key_from_any(key, text, strlen(text), &agents);
}

static int map_name(struct agent_key *key, char text[static AGENT_KEY_TEXT_SIZE], const struct submission *s,
		    struct refusal *why, const struct record_names *names, const char *member)
{
	const json_t *value = json_object_get(s->attestation, member);
	char pointer[64], digits[32];
	const char *given = json_string_value(value);
	uint64_t id = 0;

	(void)snprintf(pointer, sizeof(pointer), "/attestation/%s", member);
	if (!given) { /* check_who found it to be an integer */
		(void)submission_natural(&id, value);
		(void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)id);
		given = digits;
	}
	if (key_of(key, given, names, strcmp(member, "issuer") == 0 ? names->issuer : names->subject))
		return submission_refuse(why, REFUSAL_NAME, pointer,
					 "%s names no agent that this log knows how to read", member);
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
		return submission_refuse(why, REFUSAL_SELF, "/attestation/subject",
					 "an agent does not attest about itself");
	return 0;
}

static int check_submission(struct submission *s, struct refusal *why, const struct record_names *names)
{
	static const char *const members[] = {"attestation", "context", "proof", "salt", NULL};
	int rc;

	if (!json_is_object(s->json))
		return submission_refuse(why, REFUSAL_SHAPE, "",
					 "an item is an object with the members attestation and proof");
	rc = submission_members(why, s->json, "", members);
	if (rc)
		return rc;
	s->attestation = json_object_get(s->json, "attestation");
	s->proof = json_object_get(s->json, "proof");
	s->context = json_object_get(s->json, "context");
	if ((rc = submission_attestation(s, why)) || (rc = check_context(s, why)) || (rc = check_salt(s, why)))
		return rc;
	if (!s->proof)
		return submission_refuse(why, REFUSAL_MEMBER_MISSING, "/proof", "proof is missing");
	if (!json_is_object(s->proof))
		return submission_refuse(why, REFUSAL_SHAPE, "/proof", "proof is an object");
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
	return submission_refuse(why, code, error->pointer, "%s (byte %zu)", jcs_reason(error->code), error->offset);
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
		return submission_refuse(why, REFUSAL_ITEM_TOO_LARGE, "",
					 "an item has less than %u bytes, this one %zu", SUBMISSION_MAX, len);
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

void submission_drop_json(struct submission *s)
{
	json_decref(s->json);
	s->json = NULL;
	s->attestation = s->proof = s->context = s->game = NULL;
	s->claim_type = s->game_id = s->salt = NULL;
}

void submission_clear(struct submission *s)
{
	json_decref(s->json);
	memset(s, 0, sizeof(*s));
}
