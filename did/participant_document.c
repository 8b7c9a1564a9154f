/* The participant's document, filled while it has room. */
#include "did/participant_document.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What the members' names and brackets take, whether they come to be there or not. */
#define MEMBERS                                                                                                                \
	",\"alsoKnownAs\":[],\"verificationMethod\":[],\"authentication\":[],\"assertionMethod\":[],\"coordinationGames\":"

struct filling {
	const char *did;
	size_t used;
	json_t *methods, *authentication, *assertion, *also, *profile;
	json_t *left_out; /* NULL while all fits; from its first on, nothing more is taken */
	int rc;
};

static size_t compact_size(const json_t *value)
{
	return json_dumpb(value, NULL, 0, JSON_COMPACT);
}

/* Whether that many bytes more fit; else the id goes to what was left out. */
static bool fits(struct filling *f, size_t bytes, const char *id)
{
	if (f->rc == 0 && !f->left_out && f->used + bytes <= DID_DOCUMENT_MAX) {
		f->used += bytes;
		return true;
	}
	if (!f->left_out)
		f->left_out = json_array();
	f->rc |= json_array_append_new(f->left_out, json_string(id));
	return false;
}

void participant_fragment(char out[static DID_PKH_TEXT_SIZE], const struct eip155_account *account)
{
	char address[ADDRESS_TEXT_SIZE];

	address_format_lower(address, &account->address);
	(void)snprintf(out, DID_PKH_TEXT_SIZE, "eip155-%" PRIu64 "-%s", account->chain, address);
}

static void add_key(struct filling *f, const struct eip155_account *account)
{
	char id[PARTICIPANT_DID_SIZE + DID_PKH_TEXT_SIZE], fragment[DID_PKH_TEXT_SIZE], text[DID_PKH_TEXT_SIZE];
	json_t *method;

	participant_fragment(fragment, account);
	(void)snprintf(id, sizeof(id), "%s#%s", f->did, fragment);
	eip155_account_format(text, account);
	method = did_pkh_method(f->did, fragment, text);
	if (!method) {
		f->rc = -1;
		return;
	}
	/* the method and two references, a comma each */
	if (fits(f, compact_size(method) + 1 + 2 * (strlen(id) + 3), id)) {
		f->rc |= json_array_append(f->methods, method);
		f->rc |= json_array_append_new(f->authentication, json_string(id));
		f->rc |= json_array_append_new(f->assertion, json_string(id));
	}
	json_decref(method);
}

static void add_also(struct filling *f, const char *did)
{
	if (fits(f, strlen(did) + 3, did))
		f->rc |= json_array_append_new(f->also, json_string(did));
}

static void add_profile(struct filling *f, const json_t *profile)
{
	if (!profile || json_object_size(profile) == 0 || !fits(f, compact_size(profile), "coordinationGames"))
		return;
	f->profile = json_deep_copy(profile);
	f->rc |= f->profile ? 0 : -1;
}

static void fill(struct filling *f, const struct participant_document *p, const struct agent_defaults *defaults)
{
	char text[DID_PKH_TEXT_SIZE], agent[AGENT_DID_SIZE];
	bool first = true;

	for (size_t i = 0; i < p->naccounts; i++) {
		if (!p->accounts[i].controller)
			continue;
		add_key(f, &p->accounts[i].account);
		if (first)
			add_profile(f, p->profile);
		first = false;
	}
	if (first)
		add_profile(f, p->profile);
	for (size_t i = 0; i < p->naccounts; i++) {
		did_pkh_format(text, &p->accounts[i].account);
		add_also(f, text);
	}
	for (size_t i = 0; i < p->nagents; i++)
		if (agent_did_format(agent, &p->agents[i], defaults) > 0)
			add_also(f, agent);
	for (size_t i = 0; i < p->nforeign; i++)
		add_also(f, p->foreign[i]);
}

/* Takes the value; an empty list has no member. */
static void set(struct filling *f, json_t *document, const char *name, json_t *value)
{
	if (!value || (json_is_array(value) && json_array_size(value) == 0))
		json_decref(value);
	else
		f->rc |= json_object_set_new(document, name, value);
}

/* DID v1 and the terms it lacks; with a profile, a term that keeps it as it is. */
static json_t *context(const struct participant_document *p)
{
	json_t *context = did_pkh_context();

	if (p->profile && json_object_size(p->profile) > 0 &&
	    json_object_set_new(json_array_get(context, 1), "coordinationGames",
				json_pack("{s:s, s:s}", "@id", "https://cooperation.games/ns#coordinationGames", "@type", "@json")) != 0) {
		json_decref(context);
		return NULL;
	}
	return context;
}

int participant_document_build(json_t **document, json_t **left_out, const struct participant_document *participant,
			       const struct agent_defaults *defaults)
{
	char did[PARTICIPANT_DID_SIZE], domain[DID_WEB_HOST_DID_SIZE];
	struct filling f = {.did = did};
	json_t *made;

	*document = NULL;
	if (left_out)
		*left_out = NULL;
	if (participant_did_format(did, participant->handle, defaults->host) < 0 ||
	    did_web_from_host(domain, sizeof(domain), defaults->host) != 0)
		return -EINVAL;
	f.methods = json_array();
	f.authentication = json_array();
	f.assertion = json_array();
	f.also = json_array();
	made = json_pack("{s:o, s:s}", "@context", context(participant), "id", did);
	if (!made || !f.methods || !f.authentication || !f.assertion || !f.also)
		f.rc = -1;
	f.used = made ? compact_size(made) + sizeof(",\"controller\":\"\"") + strlen(domain) + sizeof(MEMBERS) : 0;
	if (f.rc == 0)
		fill(&f, participant, defaults);
	set(&f, made, "alsoKnownAs", f.also);
	set(&f, made, "controller", json_string(domain));
	set(&f, made, "verificationMethod", f.methods);
	set(&f, made, "authentication", f.authentication);
	set(&f, made, "assertionMethod", f.assertion);
	set(&f, made, "coordinationGames", f.profile);
	if (f.rc == 0) {
		*document = made;
		if (left_out)
			*left_out = json_incref(f.left_out);
	} else {
		json_decref(made);
	}
	json_decref(f.left_out);
	return f.rc == 0 ? 0 : -ENOMEM;
}
