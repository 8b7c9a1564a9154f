#include "gateway/record/refusal.h"
#include <stdarg.h>
#include <stdio.h>

static const struct refusal_row rows[REFUSAL_COUNT] = {
	[REFUSAL_NONE] = {"", 0, NULL, ""},
	[REFUSAL_SYNTAX] = {"malformed", 400, NULL, "The item is not JSON"},
	[REFUSAL_DUPLICATE_KEY] = {"duplicate-key", 400, NULL, "An object names a member twice"},
	[REFUSAL_ENCODING] = {"bad-encoding", 400, NULL, "The item is not clean UTF-8 text"},
	[REFUSAL_NUMBER] = {"bad-number", 400, NULL, "A number has no exact common reading"},
	[REFUSAL_DEPTH] = {"too-deep", 400, NULL, "The item is nested too deeply"},
	[REFUSAL_BATCH] = {"malformed", 400, NULL, "The batch cannot be taken apart into items"},
	[REFUSAL_ITEM_TOO_LARGE] = {"too-large", 413, NULL, "The item is too large"},
	[REFUSAL_BATCH_TOO_LARGE] = {"too-large", 413, NULL, "The batch is too large"},
	[REFUSAL_SHAPE] = {"invalid-attestation", 422, NULL, "The item has another shape than a submission"},
	[REFUSAL_MEMBER_UNKNOWN] = {"unknown-member", 422, NULL, "The item has a member that means nothing here"},
	[REFUSAL_MEMBER_MISSING] = {"missing-member", 422, NULL, "The item lacks a member"},
	[REFUSAL_SCHEMA_VERSION] = {"schema-version", 422, NULL, "The attestation follows another schema"},
	[REFUSAL_FIELD] = {"invalid-attestation", 422, NULL, "A member of the attestation has the wrong form"},
	[REFUSAL_NAME] = {"unknown-name", 422, NULL, "A name is none that this log maps to an agent"},
	[REFUSAL_SELF] = {"self-attestation", 422, NULL, "Issuer and subject are the same agent"},
	[REFUSAL_CONTROL] = {"control-character", 422, NULL, "A signed text holds a control character"},
	[REFUSAL_NOTE] = {"note-too-long", 422, NULL, "The note is too long"},
	[REFUSAL_CONFIDENCE] = {"confidence-range", 422, NULL, "The confidence is outside 0..1"},
	[REFUSAL_ROUND] = {"round-range", 422, NULL, "The round is no integer from 0"},
	[REFUSAL_EVIDENCE_VISIBILITY] = {"evidence-visibility", 422, NULL, "An evidence reference is not public"},
	[REFUSAL_SALT] = {"salt-form", 422, NULL, "The salt has the wrong form"},
	[REFUSAL_RELEASE] = {"embargo-not-offered", 422, NULL, "embargo not offered here"},
	[REFUSAL_PROOF] = {"proof-form", 422, NULL, "The proof has the wrong form"},
	[REFUSAL_SUBJECT] = {"unknown-subject", 422, "subject", "There is no such subject"},
	[REFUSAL_ISSUER_KIND] = {"not-admitted", 403, "issuer", "No such issuer is registered here"},
	[REFUSAL_SURFACE] = {"not-admitted", 403, "surface", "No projector here admits this surface"},
	[REFUSAL_REGISTRY] = {"not-admitted", 403, "registry", "This registry is not served here"},
	[REFUSAL_SIGNATURE] = {"not-admitted", 403, "signature", "The signature is not valid for this item"},
	[REFUSAL_AUTHORITY] = {"not-admitted", 403, "authority", "The signer did not speak for the issuer"},
	[REFUSAL_QUOTA] = {"not-admitted", 403, "quota", "The issuer's open quota for today is used up"},
	[REFUSAL_BUSY] = {"busy", 503, NULL, "The queue is full"},
	[REFUSAL_CHAIN] = {"chain-unavailable", 503, NULL, "The chain cannot be asked now"},
	[REFUSAL_STORE] = {"store-unavailable", 503, NULL, "The log cannot be written now"},
	[REFUSAL_UNSIGNED] = {"not-signed-yet", 503, NULL, "Logged, but no checkpoint covers it yet"},
};

const struct refusal_row *refusal_row(enum refusal_code code)
{
	return code < REFUSAL_COUNT ? &rows[code] : &rows[REFUSAL_NONE];
}

static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

void refusal_set(struct refusal *r, enum refusal_code code, const char *pointer, const char *format, ...)
{
	va_list ap;

	r->code = code;
	(void)snprintf(r->pointer, sizeof(r->pointer), "%s", pointer ? pointer : "");
	va_start(ap, format);
	(void)vsnprintf(r->detail, sizeof(r->detail), format, ap);
	va_end(ap);
	make_printable(r->pointer);
	make_printable(r->detail);
}
