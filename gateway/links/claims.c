/* Claims and confirmations: every DID becomes one spelling before anything is compared. */
#include "gateway/links/claims.h"

#include "did/did_pkh.h"
#include "did/did_web.h"
#include "did/participant_handle.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char WEB[] = "did:web:";

/* A DID of this host as this host writes it: of a host, letter case has no meaning. -ENOENT: another's. */
static int own_spelling(char out[static AGENT_DID_SIZE], const char *did, size_t len, const struct agent_defaults *defaults)
{
	char worked_out[DID_WEB_HOST_DID_SIZE];
	const char *own = defaults->did;
	size_t own_len;

	if (!own) {
		if (did_web_from_host(worked_out, sizeof(worked_out), defaults->host) != 0)
			return -ENOENT;
		own = worked_out;
	}
	own_len = strlen(own);
	if (len < own_len || len >= AGENT_DID_SIZE || memcmp(did, WEB, sizeof(WEB) - 1) != 0 || strncasecmp(did, own, own_len) != 0 ||
	    (len > own_len && did[own_len] != ':'))
		return -ENOENT;
	memcpy(out, own, own_len);
	memcpy(out + own_len, did + own_len, len - own_len);
	out[len] = '\0';
	return 0;
}

/* ---- claims ---- */

static bool set_object(struct link_claim *out, enum link_kind kind, const char *text, size_t len)
{
	if (len >= sizeof(out->object))
		return false;
	out->kind = kind;
	memcpy(out->object, text, len);
	out->object[len] = '\0';
	return true;
}

static bool set_agent(struct link_claim *out, const struct agent_key *key)
{
	char text[AGENT_KEY_TEXT_SIZE];
	size_t len = agent_key_format(text, key);

	return set_object(out, LINK_AGENT, text, len);
}

static bool of_this_host(struct link_claim *out, const char *did, const struct agent_defaults *defaults)
{
	char handle[PARTICIPANT_HANDLE_SIZE], text[PARTICIPANT_DID_SIZE];
	size_t len = strlen(did);
	struct agent_key key;
	int rc;

	if (agent_did_parse(&key, did, len, defaults) == 0)
		return set_agent(out, &key);
	rc = participant_did_parse(handle, did, len, defaults->host);
	if ((rc == 0 || rc == -EILSEQ) && participant_did_format(text, handle, defaults->host) > 0)
		return set_object(out, LINK_OTHER, text, strlen(text));
	return set_object(out, LINK_OTHER, did, len);
}

static bool of_another_host(struct link_claim *out, const char *did, size_t len)
{
	char text[LINK_OBJECT_SIZE], port[sizeof("%3A65535")] = "";
	struct did_web web;
	int n;

	if (did_web_parse(&web, did, len) != 0)
		return false;
	if (web.port)
		(void)snprintf(port, sizeof(port), "%%3A%" PRIu16, web.port);
	n = snprintf(text, sizeof(text), "%s%s%s%s%.*s", WEB, web.host, port, web.path.len > 0 ? ":" : "", (int)web.path.len,
		     web.path.len > 0 ? web.path.ptr : "");
	return n > 0 && (size_t)n < sizeof(text) && set_object(out, LINK_FOREIGN, text, (size_t)n);
}

static bool claim_of_did(struct link_claim *out, const char *did, const struct agent_defaults *defaults)
{
	char own[AGENT_DID_SIZE], pkh[DID_PKH_TEXT_SIZE];
	struct eip155_account account;
	struct did_url parsed;
	size_t len = strlen(did);

	if (did_parse(&parsed, did, len) != 0)
		return false;
	if (own_spelling(own, did, len, defaults) == 0)
		return of_this_host(out, own, defaults);
	if (did_slice_is(parsed.method, "web"))
		return of_another_host(out, did, len);
	if (did_pkh_parse(&account, did, len) == 0) {
		len = did_pkh_format(pkh, &account);
		return set_object(out, LINK_OTHER, pkh, len);
	}
	return set_object(out, LINK_OTHER, did, len);
}

struct claims {
	struct link_claim *list;
	size_t n;
	size_t of_kind[LINK_OTHER + 1];
	char self[AGENT_KEY_TEXT_SIZE];
};

static void add(struct claims *claims, const struct link_claim *claim)
{
	static const size_t most[LINK_OTHER + 1] = {
		[LINK_FOREIGN] = LINK_FOREIGN_MAX, [LINK_AGENT] = LINK_AGENTS_MAX, [LINK_OTHER] = LINK_OTHERS_MAX};

	if (claims->of_kind[claim->kind] == most[claim->kind] || strcmp(claim->object, claims->self) == 0)
		return;
	for (size_t i = 0; i < claims->n; i++)
		if (strcmp(claims->list[i].object, claim->object) == 0)
			return;
	claims->list[claims->n++] = *claim;
	claims->of_kind[claim->kind]++;
}

size_t link_claims_of_file(struct link_claim out[static LINK_CLAIMS_MAX], const struct registration_file *file,
			   const struct agent_key *agent, const struct agent_defaults *defaults)
{
	struct claims claims = {.list = out};
	struct link_claim claim;

	agent_key_format(claims.self, agent);
	for (size_t i = 0; i < file->nservices; i++)
		if (strcasecmp(file->services[i].name, "DID") == 0 && claim_of_did(&claim, file->services[i].endpoint, defaults))
			add(&claims, &claim);
	for (size_t i = 0; i < file->nregistrations; i++) {
		const struct registration_entry *entry = &file->registrations[i];
		const struct agent_key key = {.chain = entry->chain, .registry = entry->registry, .id = entry->agent_id};

		if (set_agent(&claim, &key))
			add(&claims, &claim);
	}
	return claims.n;
}

/* ---- confirmations ---- */

static bool names_agent(const char *text, size_t len, const struct agent_key *agent, const struct agent_defaults *defaults)
{
	static const char caip[] = "eip155:";
	char own[AGENT_DID_SIZE];
	struct agent_key key;

	if (own_spelling(own, text, len, defaults) == 0)
		return agent_did_parse(&key, own, len, defaults) == 0 && agent_key_compare(&key, agent) == 0;
	return len >= sizeof(caip) && strncasecmp(text, caip, sizeof(caip) - 1) == 0 && agent_key_from_any(&key, text, len, defaults) == 0 &&
	       agent_key_compare(&key, agent) == 0;
}

bool link_confirms(const json_t *document, const struct link_subject *subject, const struct agent_defaults *defaults)
{
	const json_t *list = json_object_get(document, "alsoKnownAs");
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n && i < LINK_ALSO_MAX; i++) {
		const json_t *item = json_array_get(list, i);
		const char *text = json_string_value(item);
		size_t len = json_string_length(item);

		if (!text || strlen(text) != len)
			continue;
		if (subject->did ? strcmp(text, subject->did) == 0 : names_agent(text, len, &subject->agent, defaults))
			return true;
	}
	return false;
}
