/* What a change is about: the four forms of objects, and which verb takes which. */
#include "did/participant_statement.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char content_prefix[] = "urn:kedge:v1:content:";

static const char *const verbs[] = {
	[PARTICIPANT_CLAIM] = "claim",	     [PARTICIPANT_LINK] = "link",   [PARTICIPANT_UNLINK] = "unlink",
	[PARTICIPANT_PROFILE] = "profile", [PARTICIPANT_ERASE] = "erase", [PARTICIPANT_LAPSE] = "lapse",
};

const char *participant_verb_word(enum participant_verb verb)
{
	return verb <= PARTICIPANT_LAPSE ? verbs[verb] : "";
}

int participant_verb_parse(enum participant_verb *out, const char *text, size_t len)
{
	for (enum participant_verb verb = PARTICIPANT_CLAIM; verb <= PARTICIPANT_LAPSE; verb++) {
		if (did_slice_is((struct did_slice){text, len}, verbs[verb])) {
			*out = verb;
			return 0;
		}
	}
	return -EBADMSG;
}

bool participant_verb_takes(enum participant_verb verb, enum participant_object_kind kind)
{
	switch (verb) {
	case PARTICIPANT_LINK:
	case PARTICIPANT_UNLINK:
	case PARTICIPANT_LAPSE:
		return kind == PARTICIPANT_ACCOUNT || kind == PARTICIPANT_AGENT || kind == PARTICIPANT_FOREIGN;
	case PARTICIPANT_PROFILE:
		return kind == PARTICIPANT_CONTENT;
	case PARTICIPANT_CLAIM:
	case PARTICIPANT_ERASE:
		break;
	}
	return kind == PARTICIPANT_NOTHING;
}

void participant_object_account(struct participant_object *out, const struct eip155_account *account)
{
	*out = (struct participant_object){.kind = PARTICIPANT_ACCOUNT, .account = *account};
	did_pkh_format(out->text, account);
}

static const char digits[] = "0123456789abcdef";

void participant_object_content(struct participant_object *out, const uint8_t hash[static 32])
{
	size_t at = sizeof(content_prefix) - 1;

	*out = (struct participant_object){.kind = PARTICIPANT_CONTENT};
	memcpy(out->content, hash, 32);
	memcpy(out->text, content_prefix, at);
	for (size_t i = 0; i < 32; i++) {
		out->text[at++] = digits[hash[i] >> 4];
		out->text[at++] = digits[hash[i] & 15];
	}
}

static bool read_content(struct participant_object *out, const char *text, size_t len)
{
	uint8_t hash[32] = {0};

	if (len != sizeof(content_prefix) - 1 + 64 || memcmp(text, content_prefix, sizeof(content_prefix) - 1) != 0)
		return false;
	text += sizeof(content_prefix) - 1;
	for (size_t i = 0; i < 64; i++) {
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

		if (!digit)
			return false;
		hash[i / 2] = (uint8_t)(hash[i / 2] << 4 | (digit - digits));
	}
	participant_object_content(out, hash);
	return true;
}

static bool read_account(struct participant_object *out, const char *text, size_t len)
{
	struct eip155_account account;

	if (did_pkh_parse(&account, text, len) != 0)
		return false;
	participant_object_account(out, &account);
	/* the lower-case spelling is another DID */
	return did_slice_is((struct did_slice){text, len}, out->text);
}

static bool read_agent(struct participant_object *out, const char *text, size_t len, const struct agent_defaults *agents)
{
	if (len >= sizeof(out->text) || agent_did_parse(&out->agent, text, len, agents) != 0)
		return false;
	out->kind = PARTICIPANT_AGENT;
	memcpy(out->text, text, len);
	return true;
}

/* One spelling a DID, since links are compared by bytes: the host in lower case, and no escape but the port's. */
static bool read_foreign(struct participant_object *out, const char *text, size_t len, const char *host)
{
	static const size_t scheme = sizeof("did:web:") - 1;
	char own[DID_WEB_HOST_DID_SIZE];
	const char *escape;
	struct did_web web;
	size_t own_len;

	if (len > PARTICIPANT_FOREIGN_MAX || did_web_parse(&web, text, len) != 0 || did_web_from_host(own, sizeof(own), host) != 0)
		return false;
	own_len = strlen(own);
	if (len >= own_len && memcmp(text, own, own_len) == 0 && (len == own_len || text[own_len] == ':'))
		return false;
	if (memcmp(text + scheme, web.host, strlen(web.host)) != 0)
		return false;
	escape = memchr(text, '%', len);
	if (escape && (web.port == 0 || escape != text + scheme + strlen(web.host) || escape[2] != 'A' ||
		       memchr(escape + 1, '%', len - (size_t)(escape + 1 - text))))
		return false;
	out->kind = PARTICIPANT_FOREIGN;
	memcpy(out->text, text, len);
	return true;
}

int participant_object_parse(struct participant_object *out, const char *text, size_t len, const struct participant_terms *terms)
{
	*out = (struct participant_object){.kind = PARTICIPANT_NOTHING};
	if (read_content(out, text, len) || read_account(out, text, len) || read_agent(out, text, len, terms->agents))
		return 0;
	*out = (struct participant_object){.kind = PARTICIPANT_NOTHING};
	return read_foreign(out, text, len, terms->agents->host) ? 0 : -EBADMSG;
}
