/*
 * AttestationV1 as the platform sends it, drift included (facts/coordination-games.md §1.1): known members have their
 * form, unknown ones stay. The checks run in the reader's order, the first refusal wins.
 */
#include "gateway/record/submission_check.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define INTEGER_MAX 9007199254740991.0

int submission_refuse(struct refusal *why, enum refusal_code code, const char *pointer, const char *format, ...)
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

int submission_members(struct refusal *why, json_t *object, const char *parent, const char *const *allowed)
{
	void *it;

	for (it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
		const char *key = json_object_iter_key(it);
		const char *const *a = allowed;
		char pointer[sizeof(why->pointer)];

		while (*a && strcmp(*a, key) != 0)
			a++;
		if (*a)
			continue;
		pointer_join(pointer, sizeof(pointer), parent, key);
		return submission_refuse(why, REFUSAL_MEMBER_UNKNOWN, pointer, "this member means nothing here");
	}
	return 0;
}

size_t submission_code_points(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* docs/formats.md §3: "A claim type or game id that holds a control character (below 0x20, or 0x7f) is refused". */
bool submission_has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

bool submission_natural(uint64_t *out, const json_t *value)
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

int submission_text(struct refusal *why, const json_t *object, const char *parent, const char *key, const char **out)
{
	const json_t *value = json_object_get(object, key);
	char pointer[128];

	(void)snprintf(pointer, sizeof(pointer), "%s/%s", parent, key);
	if (!value)
		return submission_refuse(why, REFUSAL_MEMBER_MISSING, pointer, "%s is missing", key);
	if (!json_is_string(value) || !*json_string_value(value))
		return submission_refuse(why, REFUSAL_FIELD, pointer, "%s is a text of at least one character", key);
	*out = json_string_value(value);
	return 0;
}

static int check_claim(struct submission *s, struct refusal *why)
{
	const json_t *claim = json_object_get(s->attestation, "claim"), *data;
	int rc;

	if (!claim)
		return submission_refuse(why, REFUSAL_MEMBER_MISSING, "/attestation/claim", "claim is missing");
	if (!json_is_object(claim))
		return submission_refuse(why, REFUSAL_FIELD, "/attestation/claim",
					 "claim is an object of type and data");
	rc = submission_text(why, claim, "/attestation/claim", "type", &s->claim_type);
	if (rc)
		return rc;
	if (submission_has_control(s->claim_type))
		return submission_refuse(why, REFUSAL_CONTROL, "/attestation/claim/type",
					 "the claim type holds a control character");
	if (submission_code_points(s->claim_type) > SUBMISSION_CLAIM_TYPE_MAX)
		return submission_refuse(why, REFUSAL_FIELD, "/attestation/claim/type",
					 "a claim type has at most %u characters", SUBMISSION_CLAIM_TYPE_MAX);
	data = json_object_get(claim, "data");
	if (!data)
		return submission_refuse(why, REFUSAL_MEMBER_MISSING, "/attestation/claim/data", "data is missing");
	if (!json_is_object(data))
		return submission_refuse(why, REFUSAL_FIELD, "/attestation/claim/data", "data is an object");
	return 0;
}

static int check_evidence_refs(const struct submission *s, struct refusal *why)
{
	const json_t *refs = json_object_get(s->attestation, "evidenceRefs");
	char pointer[96];

	if (!refs)
		return 0;
	if (!json_is_array(refs))
		return submission_refuse(why, REFUSAL_FIELD, "/attestation/evidenceRefs", "evidenceRefs is an array");
	for (size_t i = 0; i < json_array_size(refs); i++) {
		const json_t *ref = json_array_get(refs, i);
		const char *visibility = json_string_value(json_object_get(ref, "visibility"));

		(void)snprintf(pointer, sizeof(pointer), "/attestation/evidenceRefs/%zu", i);
		if (!json_is_object(ref))
			return submission_refuse(why, REFUSAL_FIELD, pointer, "an evidence reference is an object");
		if (visibility && !strcmp(visibility, "viewer-visible")) {
			strncat(pointer, "/visibility", sizeof(pointer) - strlen(pointer) - 1);
			return submission_refuse(why, REFUSAL_EVIDENCE_VISIBILITY, pointer,
						 "every attestation is public, so its evidence is");
		}
	}
	return 0;
}

static int check_optional(struct submission *s, struct refusal *why)
{
	const json_t *a = s->attestation, *note = json_object_get(a, "note"),
		     *confidence = json_object_get(a, "confidence"), *round = json_object_get(a, "round"),
		     *at = json_object_get(a, "issuedAt");
	uint64_t ms;

	if (note && !json_is_string(note))
		return submission_refuse(why, REFUSAL_FIELD, "/attestation/note", "note is a text");
	if (note && submission_code_points(json_string_value(note)) > SUBMISSION_NOTE_MAX)
		return submission_refuse(why, REFUSAL_NOTE, "/attestation/note",
					 "a note has at most %u code points, this one %zu", SUBMISSION_NOTE_MAX,
					 submission_code_points(json_string_value(note)));
	if (confidence && !json_is_number(confidence))
		return submission_refuse(why, REFUSAL_FIELD, "/attestation/confidence", "confidence is a number");
	if (confidence && !(json_number_value(confidence) >= 0 && json_number_value(confidence) <= 1))
		return submission_refuse(why, REFUSAL_CONFIDENCE, "/attestation/confidence",
					 "confidence is from 0 to 1");
	if (round && !submission_natural(&s->round, round))
		return submission_refuse(why, REFUSAL_ROUND, "/attestation/round",
					 "round is an integer from 0 to 2^53-1");
	s->has_round = round != NULL;
	if (at && !json_is_string(at) && !submission_natural(&ms, at))
		return submission_refuse(why, REFUSAL_FIELD, "/attestation/issuedAt",
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
		return submission_refuse(why, REFUSAL_MEMBER_MISSING, pointer, "%s is missing", key);
	if (json_is_string(value) ? !*json_string_value(value) : !submission_natural(&id, value))
		return submission_refuse(why, REFUSAL_FIELD, pointer, "%s is a text that names an agent, or an agentId",
					 key);
	return 0;
}

int submission_attestation(struct submission *s, struct refusal *why)
{
	const char *version = "", *id, *kind = "";
	int rc;

	if (!s->attestation)
		return submission_refuse(why, REFUSAL_MEMBER_MISSING, "/attestation", "attestation is missing");
	if (!json_is_object(s->attestation))
		return submission_refuse(why, REFUSAL_SHAPE, "/attestation", "attestation is an object");
	if ((rc = submission_text(why, s->attestation, "/attestation", "schemaVersion", &version)))
		return rc;
	if (strcmp(version, "attestation/v1") != 0)
		return submission_refuse(why, REFUSAL_SCHEMA_VERSION, "/attestation/schemaVersion",
					 "schemaVersion is \"attestation/v1\"");
	if ((rc = submission_text(why, s->attestation, "/attestation", "id", &id)) ||
	    (rc = check_who(s, why, "issuer")) ||
	    (rc = submission_text(why, s->attestation, "/attestation", "issuerKind", &kind)))
		return rc;
	if (strcmp(kind, "agent") != 0 && strcmp(kind, "system") != 0 && strcmp(kind, "plugin") != 0)
		return submission_refuse(why, REFUSAL_FIELD, "/attestation/issuerKind",
					 "issuerKind is agent, system or plugin");
	if ((rc = check_who(s, why, "subject")) || (rc = check_claim(s, why)))
		return rc;
	return check_optional(s, why);
}
