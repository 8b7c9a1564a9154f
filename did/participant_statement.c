/* The message of a change, and the change of a message: docs/formats.md section 15. */
#include "did/participant_statement.h"

#include "did/resolution.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char verb_prefix[] = "urn:kedge:v1:", role_controller[] = "urn:kedge:v1:role:controller";

enum { TEXT_MAX = SIWE_MESSAGE_MAX, TIME_SIZE = 32, VERB_SIZE = 32 };

static const char *const faults[PARTICIPANT_FAULTS] = {
	[PARTICIPANT_FINE] = "",
	[PARTICIPANT_NOT_A_MESSAGE] = "message-form",
	[PARTICIPANT_WRONG_DOMAIN] = "wrong-domain",
	[PARTICIPANT_WRONG_URI] = "wrong-uri",
	[PARTICIPANT_BAD_HANDLE] = "handle-form",
	[PARTICIPANT_HANDLE_CASE] = "handle-case",
	[PARTICIPANT_RESERVED_HANDLE] = "handle-reserved",
	[PARTICIPANT_WRONG_CHAIN] = "wrong-chain",
	[PARTICIPANT_BAD_NONCE] = "nonce-form",
	[PARTICIPANT_BAD_TIME] = "time-form",
	[PARTICIPANT_NO_EXPIRY] = "no-expiry",
	[PARTICIPANT_BAD_EXPIRY] = "expiry-range",
	[PARTICIPANT_UNEXPECTED_LINE] = "unexpected-line",
	[PARTICIPANT_UNKNOWN_VERB] = "unknown-verb",
	[PARTICIPANT_OBJECT_MISSING] = "object-missing",
	[PARTICIPANT_OBJECT_UNEXPECTED] = "object-unexpected",
	[PARTICIPANT_BAD_OBJECT] = "object-form",
	[PARTICIPANT_ROLE_UNEXPECTED] = "role-unexpected",
	[PARTICIPANT_BAD_RESOURCES] = "resources-form",
	[PARTICIPANT_TAMPERED] = "statement",
	[PARTICIPANT_OTHER_SPELLING] = "spelling",
	[PARTICIPANT_NOT_YET_VALID] = "not-yet-valid",
	[PARTICIPANT_EXPIRED] = "expired",
};

const char *participant_fault_word(enum participant_fault fault)
{
	return fault < PARTICIPANT_FAULTS ? faults[fault] : "";
}

/* ---- writing ---- */

static struct did_slice slice(const char *text)
{
	return (struct did_slice){text, strlen(text)};
}

/* ERC-4361 allows no "%" in a statement: a port's colon stands as itself there. */
static void name_object(char out[static PARTICIPANT_OBJECT_SIZE], const char *text)
{
	for (; *text; text++) {
		if (strncmp(text, "%3A", 3) == 0) {
			*out++ = ':';
			text += 2;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

/* One sentence a verb. */
static int write_sentence(char *out, size_t size, const struct participant_statement *s, const char *host)
{
	char object[PARTICIPANT_OBJECT_SIZE];
	int n = -1;

	name_object(object, s->object.text);
	switch (s->verb) {
	case PARTICIPANT_CLAIM:
		n = snprintf(out, size, "I claim the handle %s on %s. This account may act for it.", s->handle, host);
		break;
	case PARTICIPANT_LINK:
		n = snprintf(out, size, "I link %s with the participant %s of %s", object, s->handle, host);
		if (n > 0 && (size_t)n < size)
			n += s->controller ? snprintf(out + n, size - (size_t)n, ", and it may act for %s.", s->handle)
					   : snprintf(out + n, size - (size_t)n, ".");
		break;
	case PARTICIPANT_UNLINK:
		n = snprintf(out, size, "I unlink %s from the participant %s of %s.", object, s->handle, host);
		break;
	case PARTICIPANT_PROFILE:
		n = snprintf(out, size, "I set the profile of the participant %s of %s.", s->handle, host);
		break;
	case PARTICIPANT_ERASE:
		n = snprintf(out, size, "I erase the participant %s of %s for ever.", s->handle, host);
		break;
	case PARTICIPANT_LAPSE:
		break;
	}
	return n > 0 && (size_t)n < size ? 0 : -EINVAL;
}

static int write_time(char out[static TIME_SIZE], const struct participant_time *time)
{
	int64_t seconds = time->ms / 1000;

	if (time->ms < 0 || (!time->fraction && time->ms % 1000 != 0) || resolution_time_format(out, seconds) != 0)
		return -EINVAL;
	if (time->fraction)
		(void)snprintf(out + 19, TIME_SIZE - 19, ".%03dZ", (int)(time->ms % 1000));
	return 0;
}

static bool nonce_ok(size_t len)
{
	return len >= PARTICIPANT_NONCE_MIN && len <= PARTICIPANT_NONCE_MAX;
}

int participant_statement_format(char *out, size_t *len, size_t cap, const struct participant_statement *s,
				 const struct participant_terms *terms)
{
	char sentence[2 * PARTICIPANT_OBJECT_SIZE + DID_WEB_HOST_SIZE], did[PARTICIPANT_DID_SIZE], verb[VERB_SIZE];
	char issued[TIME_SIZE], expires[TIME_SIZE];
	struct siwe_message m = {.address = s->account.address, .chain_id = s->account.chain, .has_resources = true};

	if (participant_did_format(did, s->handle, terms->agents->host) < 0 || !participant_verb_takes(s->verb, s->object.kind) ||
	    write_sentence(sentence, sizeof(sentence), s, terms->agents->host) != 0 || write_time(issued, &s->issued) != 0 ||
	    write_time(expires, &s->expires) != 0 || !nonce_ok(strlen(s->nonce)))
		return -EINVAL;
	(void)snprintf(verb, sizeof(verb), "%s%s", verb_prefix, participant_verb_word(s->verb));
	m.domain = slice(terms->agents->host);
	m.statement = slice(sentence);
	m.uri = slice(did);
	m.nonce = slice(s->nonce);
	m.issued_at.text = slice(issued);
	m.expiration_time.text = slice(expires);
	m.resources[m.nresources++] = slice(verb);
	if (s->object.kind != PARTICIPANT_NOTHING)
		m.resources[m.nresources++] = slice(s->object.text);
	if (s->controller)
		m.resources[m.nresources++] = slice(role_controller);
	return siwe_format(out, len, cap, NULL, &m);
}

/* ---- reading ---- */

static enum participant_fault read_handle(struct participant_statement *out, struct did_slice uri, const char *host)
{
	switch (participant_did_parse(out->handle, uri.ptr, uri.len, host)) {
	case 0:
		return participant_handle_reserved(out->handle) ? PARTICIPANT_RESERVED_HANDLE : PARTICIPANT_FINE;
	case -EILSEQ:
		return PARTICIPANT_HANDLE_CASE;
	case -EBADMSG:
		return PARTICIPANT_BAD_HANDLE;
	default:
		return PARTICIPANT_WRONG_URI;
	}
}

static bool chain_served(const struct participant_terms *terms, uint64_t chain)
{
	for (size_t i = 0; i < terms->nchains; i++)
		if (terms->chains[i] == chain)
			return true;
	return false;
}

/* Only the two spellings of struct participant_time. */
static bool read_time(struct participant_time *out, const struct siwe_time *time)
{
	char again[TIME_SIZE];

	*out = (struct participant_time){.ms = time->ms, .fraction = time->text.len == 24};
	return write_time(again, out) == 0 && did_slice_is(time->text, again);
}

static enum participant_fault read_times(struct participant_statement *out, const struct siwe_message *m)
{
	if (!m->expiration_time.text.ptr)
		return PARTICIPANT_NO_EXPIRY;
	if (!read_time(&out->issued, &m->issued_at) || !read_time(&out->expires, &m->expiration_time))
		return PARTICIPANT_BAD_TIME;
	if (out->expires.ms <= out->issued.ms || out->expires.ms - out->issued.ms > PARTICIPANT_EXPIRY_MAX_MS)
		return PARTICIPANT_BAD_EXPIRY;
	return PARTICIPANT_FINE;
}

static enum participant_fault read_verb(struct participant_statement *out, const struct siwe_message *m)
{
	size_t prefix = sizeof(verb_prefix) - 1;
	struct did_slice first = m->nresources > 0 ? m->resources[0] : (struct did_slice){"", 0};

	if (first.len < prefix || memcmp(first.ptr, verb_prefix, prefix) != 0 ||
	    participant_verb_parse(&out->verb, first.ptr + prefix, first.len - prefix) != 0 || out->verb == PARTICIPANT_LAPSE)
		return PARTICIPANT_UNKNOWN_VERB;
	return PARTICIPANT_FINE;
}

/* verb, [object], [role] */
static enum participant_fault read_resources(struct participant_statement *out, const struct siwe_message *m,
					     const struct participant_terms *terms)
{
	size_t n = m->nresources;
	enum participant_fault fault = read_verb(out, m);

	if (fault != PARTICIPANT_FINE)
		return fault;
	out->controller = n > 1 && did_slice_is(m->resources[n - 1], role_controller);
	n -= out->controller;
	if (participant_verb_takes(out->verb, PARTICIPANT_NOTHING)) {
		if (n > 1)
			return PARTICIPANT_OBJECT_UNEXPECTED;
	} else {
		if (n < 2)
			return PARTICIPANT_OBJECT_MISSING;
		if (participant_object_parse(&out->object, m->resources[1].ptr, m->resources[1].len, terms) != 0 ||
		    !participant_verb_takes(out->verb, out->object.kind))
			return PARTICIPANT_BAD_OBJECT;
		if (n > 2)
			return PARTICIPANT_BAD_RESOURCES;
	}
	if (out->controller && (out->verb != PARTICIPANT_LINK || out->object.kind != PARTICIPANT_ACCOUNT))
		return PARTICIPANT_ROLE_UNEXPECTED;
	return PARTICIPANT_FINE;
}

static enum participant_fault read_parts(struct participant_statement *out, const struct siwe_message *m,
					 const struct participant_terms *terms)
{
	enum participant_fault fault;

	if (m->scheme.ptr || !did_slice_is(m->domain, terms->agents->host))
		return PARTICIPANT_WRONG_DOMAIN;
	fault = read_handle(out, m->uri, terms->agents->host);
	if (fault != PARTICIPANT_FINE)
		return fault;
	if (!chain_served(terms, m->chain_id))
		return PARTICIPANT_WRONG_CHAIN;
	out->account = (struct eip155_account){.chain = m->chain_id, .address = m->address};
	if (!nonce_ok(m->nonce.len))
		return PARTICIPANT_BAD_NONCE;
	memcpy(out->nonce, m->nonce.ptr, m->nonce.len);
	fault = read_times(out, m);
	if (fault != PARTICIPANT_FINE)
		return fault;
	if (m->not_before.text.ptr || m->request_id.ptr)
		return PARTICIPANT_UNEXPECTED_LINE;
	return read_resources(out, m, terms);
}

/* What was read, written again, must be the same bytes. */
static enum participant_fault compare(const struct participant_statement *s, const struct siwe_message *m, const char *text,
				      size_t len, const struct participant_terms *terms)
{
	char again[TEXT_MAX], sentence[2 * PARTICIPANT_OBJECT_SIZE + DID_WEB_HOST_SIZE];
	size_t again_len = 0;

	if (write_sentence(sentence, sizeof(sentence), s, terms->agents->host) != 0 || !m->statement.ptr ||
	    !did_slice_is(m->statement, sentence))
		return PARTICIPANT_TAMPERED;
	if (participant_statement_format(again, &again_len, sizeof(again), s, terms) != 0 || again_len != len ||
	    memcmp(again, text, len) != 0)
		return PARTICIPANT_OTHER_SPELLING;
	return PARTICIPANT_FINE;
}

int participant_statement_read(struct participant_statement *out, enum participant_fault *fault, enum siwe_part *part,
			       const char *text, size_t len, const struct participant_terms *terms)
{
	struct siwe_message m;

	memset(out, 0, sizeof(*out));
	*fault = PARTICIPANT_NOT_A_MESSAGE;
	if (siwe_parse(&m, part, text, len) == 0)
		*fault = read_parts(out, &m, terms);
	if (*fault == PARTICIPANT_FINE)
		*fault = compare(out, &m, text, len, terms);
	return *fault == PARTICIPANT_FINE ? 0 : -EBADMSG;
}

enum participant_fault participant_statement_timely(const struct participant_statement *s, int64_t now_ms)
{
	if (s->issued.ms > now_ms + PARTICIPANT_AHEAD_MAX_MS)
		return PARTICIPANT_NOT_YET_VALID;
	return now_ms >= s->expires.ms ? PARTICIPANT_EXPIRED : PARTICIPANT_FINE;
}
