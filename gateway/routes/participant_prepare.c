/* POST /v1/participants/prepare: a wish becomes the messages to sign, and by whom. The wish is judged as the duty would judge it, so that
 * nobody signs in vain. */
#include "did/jcs.h"
#include "gateway/routes/participant_wish.h"
#include "gateway/routes/view_participant.h"
#include "gateway/runtime/clock.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_CAP = 16384, EXPIRY_MS = 3600 * 1000 };

struct prepare_request {
	struct participant_wish wish; /* first: participant_wish_begin() */
	bool has_account;
	struct eip155_account account; /* who wants it */
	struct store_participant_claim claim;
	const char *who[PARTICIPANT_SIGNERS_MAX]; /* of each signer: "controller", "account", "owner" */
};

static void resume(struct pg_op *op)
{
	http_next(op->arg);
}

static void refuse(struct prepare_request *p, const char *rule, const char *pointer, const char *detail)
{
	view_participant_refuse(p->wish.req, rule, pointer, detail);
}

static bool refuse_shape(struct prepare_request *p, const char *rule, const char *pointer, const char *detail, const char *next)
{
	http_problem(p->wish.req,
		     &(struct http_problem){.type = "unprocessable", .rule = rule, .pointer = pointer, .detail = detail, .next = next});
	return false;
}

/* ---- the wish ---- */

static const char *text_of(const struct prepare_request *p, const char *name)
{
	return json_string_value(json_object_get(p->wish.body, name));
}

static bool read_verb(struct prepare_request *p)
{
	static const char next[] = "Verbs are claim, link, unlink, profile and erase.";
	const char *verb = text_of(p, "verb");

	if (!verb || participant_verb_parse(&p->wish.change.verb, verb, strlen(verb)) != 0 || p->wish.change.verb == PARTICIPANT_LAPSE)
		return refuse_shape(p, "unknown-verb", "/verb", "This is no verb.", next);
	return true;
}

static bool read_handle(struct prepare_request *p)
{
	const char *handle = text_of(p, "handle");

	if (!handle || participant_handle_fold(p->wish.change.handle, handle, strlen(handle)) != 0) {
		refuse(p, "handle-form", "/handle", NULL);
		return false;
	}
	if (!participant_handle_reserved(p->wish.change.handle))
		return true;
	refuse(p, "handle-reserved", "/handle", NULL);
	return false;
}

/* An address of the default chain, CAIP-10, or a did:pkh in either letter case. */
static bool account_of(struct eip155_account *out, const struct prepare_request *p, const char *text)
{
	size_t len = strlen(text);

	*out = (struct eip155_account){.chain = p->wish.service->defaults.chain};
	return address_parse(&out->address, text, len) == 0 || eip155_account_parse(out, text, len) == 0 || did_pkh_parse(out, text, len) == 0;
}

static bool serves_chain(const struct prepare_request *p, uint64_t chain)
{
	for (size_t i = 0; i < p->wish.service->nchains; i++)
		if (p->wish.service->chains[i].id == chain)
			return true;
	return false;
}

static bool read_account(struct prepare_request *p)
{
	static const char next[] = "Name it as 0xADDRESS, eip155:CHAIN:0xADDRESS or did:pkh:eip155:CHAIN:0xADDRESS.";
	const char *text = text_of(p, "account");

	p->has_account = json_object_get(p->wish.body, "account") != NULL;
	if (!p->has_account && p->wish.change.verb == PARTICIPANT_CLAIM)
		return refuse_shape(p, "missing-member", "/account", "Whose handle it will be is missing.", next);
	if (p->has_account && (!text || !account_of(&p->account, p, text)))
		return refuse_shape(p, "account-form", "/account", "This is no account.", next);
	if (!p->has_account || serves_chain(p, p->account.chain))
		return true;
	refuse(p, "wrong-chain", "/account", NULL);
	return false;
}

/* Any way to name an account, an agent or a foreign DID. */
static bool object_of(struct participant_object *out, struct prepare_request *p, const char *text)
{
	char did[AGENT_DID_SIZE];
	struct eip155_account account;
	struct agent_key key;

	if (strlen(text) >= sizeof(did))
		return false;
	if (account_of(&account, p, text)) {
		participant_object_account(out, &account);
		return true;
	}
	if ((service_agent_id(&key, NULL, p->wish.service, text) == 0 ||
	     agent_key_from_any(&key, text, strlen(text), &p->wish.service->defaults) == 0) &&
	    agent_did_format(did, &key, &p->wish.service->defaults) > 0)
		return participant_object_parse(out, did, strlen(did), &p->wish.terms) == 0;
	return participant_object_parse(out, text, strlen(text), &p->wish.terms) == 0 && out->kind == PARTICIPANT_FOREIGN;
}

static bool read_object(struct prepare_request *p)
{
	struct participant_change *change = &p->wish.change;
	const json_t *value = json_object_get(p->wish.body, "object");
	bool wanted = change->verb == PARTICIPANT_LINK || change->verb == PARTICIPANT_UNLINK;

	if (!wanted && value) {
		refuse(p, "object-unexpected", "/object", NULL);
		return false;
	}
	if (wanted && !value) {
		refuse(p, "object-missing", "/object", "Name the account, agent or foreign DID as `object`.");
		return false;
	}
	if (wanted && (!json_is_string(value) || !object_of(&change->object, p, json_string_value(value)))) {
		refuse(p, "object-form", "/object", NULL);
		return false;
	}
	if (change->object.kind == PARTICIPANT_ACCOUNT && !serves_chain(p, change->object.account.chain)) {
		refuse(p, "wrong-chain", "/object", NULL);
		return false;
	}
	return true;
}

static bool read_role(struct prepare_request *p)
{
	struct participant_change *change = &p->wish.change;
	const json_t *value = json_object_get(p->wish.body, "role");
	const char *role = json_string_value(value);

	if (!value)
		return true;
	if (change->verb != PARTICIPANT_LINK || change->object.kind != PARTICIPANT_ACCOUNT) {
		refuse(p, "role-unexpected", "/role", NULL);
		return false;
	}
	if (!role || (strcmp(role, "controller") != 0 && strcmp(role, "account") != 0))
		return refuse_shape(p, "role-form", "/role", "This is no role.", "Roles are controller and account.");
	change->controller = strcmp(role, "controller") == 0;
	return true;
}

static bool read_profile(struct prepare_request *p)
{
	struct participant_change *change = &p->wish.change;
	const json_t *profile = json_object_get(p->wish.body, "profile");
	char pointer[PARTICIPANT_POINTER_SIZE], detail[160], bytes[PARTICIPANT_PROFILE_MAX];
	struct jcs_buffer buffer = {.data = bytes, .cap = sizeof(bytes), .fixed = true};
	const char *why;
	uint8_t hash[32];

	if ((profile != NULL) != (change->verb == PARTICIPANT_PROFILE)) {
		refuse(p, profile ? "profile-unexpected" : "profile-missing", "/profile", NULL);
		return false;
	}
	if (!profile)
		return true;
	if (participant_profile_check(pointer, &why, profile) != 0 || jcs_write(&buffer, profile) != 0) {
		(void)snprintf(detail, sizeof(detail), "The profile has another form: %s.", why);
		(void)snprintf(p->wish.pointer, sizeof(p->wish.pointer), "/profile%s", pointer);
		refuse(p, "profile-form", p->wish.pointer, detail);
		return false;
	}
	crypto_hash_sha256(hash, (const uint8_t *)buffer.data, buffer.len);
	participant_object_content(&change->object, hash);
	change->profile = profile;
	return true;
}

/* ---- what is there ---- */

static void find(struct http_request *req)
{
	struct prepare_request *p = http_state(req, sizeof(*p));
	int rc = participant_wish_find(&p->wish);

	if (rc != 0)
		http_fail(req, rc, NULL);
}

static void look_at_claims(struct http_request *req)
{
	struct prepare_request *p = http_state(req, sizeof(*p));
	uint8_t claimed[32];
	int rc;

	if (!participant_wish_found(&p->wish))
		return;
	if (p->wish.change.verb != PARTICIPANT_CLAIM) {
		http_next(req);
		return;
	}
	participant_change_handle_hash(claimed, p->wish.change.handle);
	rc = store_participant_claim(service_reader(p->wish.service), &p->wish.op, &p->claim, pg_text(p->wish.change.handle), claimed,
				     p->account.chain, p->account.address.bytes);
	if (rc != 0)
		http_fail(req, rc, NULL);
}

/* Who owns the agent decides who has to sign. */
static void look_at_owner(struct http_request *req)
{
	struct prepare_request *p = http_state(req, sizeof(*p));

	if (p->wish.op.err != 0)
		http_fail(req, p->wish.op.err, NULL);
	else if (p->wish.change.object.kind == PARTICIPANT_AGENT && (p->wish.change.verb == PARTICIPANT_LINK || p->has_account))
		participant_wish_read_owner(&p->wish, http_next);
	else
		http_next(req);
}

/* ---- who signs ---- */

static bool same_account(const struct eip155_account *a, const struct eip155_account *b)
{
	return a->chain == b->chain && address_equal(&a->address, &b->address);
}

static void add_signer(struct prepare_request *p, const struct eip155_account *account, const char *who)
{
	struct participant_change *change = &p->wish.change;

	for (size_t i = 0; i < change->nsigners; i++)
		if (same_account(&change->signers[i].account, account))
			return;
	p->who[change->nsigners] = who;
	change->signers[change->nsigners++] = (struct participant_signer){.account = *account};
}

/* The account that was named, else the first controller that is not the object itself. */
static void add_actor(struct prepare_request *p)
{
	const struct participant_state *state = &p->wish.state;

	if (p->has_account) {
		add_signer(p, &p->account, "controller");
		return;
	}
	for (size_t i = 0; i < state->naccounts; i++) {
		const struct participant_state_account *one = &state->accounts[i];

		if (one->controller && !same_account(&one->account, &p->wish.change.object.account)) {
			add_signer(p, &one->account, "controller");
			return;
		}
	}
}

static void choose_signers(struct prepare_request *p)
{
	struct participant_change *change = &p->wish.change;
	const struct eip155_account owner = {.chain = change->object.agent.chain, .address = change->owner};

	if (change->verb == PARTICIPANT_LINK && change->object.kind == PARTICIPANT_ACCOUNT) {
		if (!p->has_account || !same_account(&p->account, &change->object.account))
			add_actor(p);
		add_signer(p, &change->object.account, "account");
		return;
	}
	if (change->verb == PARTICIPANT_LINK && change->has_owner && p->has_account && same_account(&p->account, &owner))
		add_signer(p, &owner, "owner");
	/* who only owns the agent needs somebody who may act */
	if (change->nsigners == 0 || !participant_state_account(&p->wish.state, &owner)) {
		p->has_account = p->has_account && change->nsigners == 0;
		add_actor(p);
	}
	if (change->verb == PARTICIPANT_LINK && change->has_owner && !participant_state_account(&p->wish.state, &owner))
		add_signer(p, &owner, "owner");
}

/* ---- the answer ---- */

static void set_times(struct participant_statement *said)
{
	said->issued.ms = (int64_t)(clock_wall_ms() / 1000 * 1000);
	said->expires.ms = said->issued.ms + EXPIRY_MS;
}

static json_t *message_json(struct prepare_request *p, size_t i)
{
	const struct participant_change *change = &p->wish.change;
	struct participant_statement said = {.verb = change->verb, .object = change->object, .controller = change->controller,
					     .account = change->signers[i].account};
	char text[SIWE_MESSAGE_MAX], did[DID_PKH_TEXT_SIZE];
	uint8_t random[16];
	size_t len;

	memcpy(said.handle, change->handle, sizeof(said.handle));
	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(said.nonce, sizeof(said.nonce), random, sizeof(random));
	set_times(&said);
	if (participant_statement_format(text, &len, sizeof(text), &said, &p->wish.terms) != 0)
		return NULL;
	did_pkh_format(did, &said.account);
	return json_pack("{s:s, s:s%, s:s}", "account", did, "message", text, len, "signer", p->who[i]);
}

static void answer(struct http_request *req)
{
	struct prepare_request *p = http_state(req, sizeof(*p));
	const struct participant_change *change = &p->wish.change;
	struct participant_claim claim = {.taken = p->claim.taken, .erased = p->claim.claimed_once, .has_another = p->claim.has_another,
					  .quota = p->claim.today >= p->wish.service->config->participant_quota};
	json_t *messages, *made;
	char did[PARTICIPANT_DID_SIZE];
	const char *rule;

	choose_signers(p);
	rule = participant_state_judge(&p->wish.change, &p->wish.state, &claim);
	if (rule) {
		refuse(p, rule, NULL, NULL);
		return;
	}
	messages = json_array();
	for (size_t i = 0; i < change->nsigners; i++)
		(void)json_array_append_new(messages, message_json(p, i));
	if (json_array_size(messages) != change->nsigners || participant_did_format(did, change->handle, p->wish.service->config->host) < 0) {
		json_decref(messages);
		http_fail(req, -ENOMEM, NULL);
		return;
	}
	made = json_pack("{s:s, s:s, s:s, s:s*, s:o, s:O*, s:s}", "did", did, "handle", change->handle, "verb", participant_verb_word(change->verb),
			 "object", change->object.kind == PARTICIPANT_NOTHING ? NULL : change->object.text, "messages", messages, "profile",
			 change->profile, "next",
			 change->profile ? "Let each account sign its message by personal_sign, within an hour, and POST {\"messages\":[{\"message\","
					   "\"signature\"}],\"profile\"} to /v1/participants."
					 : "Let each account sign its message by personal_sign, within an hour, and POST {\"messages\":[{\"message\","
					   "\"signature\"}]} to /v1/participants.");
	view_reply(req, 200, "application/json", made);
}

static http_handler *const prepare_steps[] = {find, look_at_claims, look_at_owner, answer, NULL};

static void post_prepare(struct http_request *req)
{
	static const char *const members[] = {"verb", "handle", "account", "object", "role", "profile", NULL};
	struct prepare_request *p = participant_wish_begin(req, sizeof(*p), members);

	if (!p)
		return;
	p->wish.op = (struct pg_op){.on_done = resume, .arg = req};
	if (read_verb(p) && read_handle(p) && read_account(p) && read_object(p) && read_role(p) && read_profile(p))
		http_steps(req, prepare_steps);
}

static const char *const no_query[] = {NULL};

const struct http_route routes_participant_prepare[] = {
	{"POST", "/v1/participants/prepare", post_prepare, BODY_CAP, 0, "no-store", "The messages to sign to change a participant, and by whom",
	 "participants", no_query},
};
const size_t routes_participant_prepare_count = sizeof(routes_participant_prepare) / sizeof(routes_participant_prepare[0]);
