/* What may follow a state: docs/formats.md section 15, "Who signs", a function a row. Each returns NULL or the rule that refuses. */
#include "gateway/participant/state.h"

#include <string.h>

enum role { STRANGER, ACCOUNT, CONTROLLER };

static enum role role_of(const struct participant_state *state, const struct eip155_account *account)
{
	const struct participant_state_account *found = participant_state_account(state, account);

	return !found ? STRANGER : found->controller ? CONTROLLER : ACCOUNT;
}

static bool same_account(const struct eip155_account *a, const struct eip155_account *b)
{
	return a->chain == b->chain && address_equal(&a->address, &b->address);
}

static bool signed_by(const struct participant_change *change, const struct eip155_account *account)
{
	for (size_t i = 0; i < change->nsigners; i++)
		if (same_account(&change->signers[i].account, account))
			return true;
	return false;
}

/* A controller signed who is not `except` (NULL: anybody). */
static bool by_controller(const struct participant_change *change, const struct participant_state *state,
			  const struct eip155_account *except)
{
	for (size_t i = 0; i < change->nsigners; i++) {
		const struct eip155_account *by = &change->signers[i].account;

		if (role_of(state, by) == CONTROLLER && !(except && same_account(by, except)))
			return true;
	}
	return false;
}

static const char *judge_claim(const struct participant_claim *claim)
{
	if (claim->taken)
		return "handle-taken";
	if (claim->erased)
		return "handle-erased";
	if (claim->has_another)
		return "one-handle";
	return claim->quota ? "quota" : NULL;
}

/* Both must say it, and nobody appoints himself: the controller that signs is another than the account. */
static const char *judge_link_account(const struct participant_change *change, const struct participant_state *state)
{
	const struct eip155_account *account = &change->object.account;
	enum role role = role_of(state, account);

	if (!by_controller(change, state, account))
		return change->nsigners > signed_by(change, account) ? "not-controller" : "controller-missing";
	if (!signed_by(change, account))
		return "account-missing";
	if (role == CONTROLLER || (role == ACCOUNT && !change->controller))
		return "already-linked";
	return role == STRANGER && state->naccounts == PARTICIPANT_ACCOUNTS_MAX ? "too-many-accounts" : NULL;
}

static const char *judge_consent(struct participant_change *change, const struct participant_state *state)
{
	const struct eip155_account owner = {.chain = change->object.agent.chain, .address = change->owner};
	bool own = role_of(state, &owner) != STRANGER;

	if (!change->has_owner)
		return "owner-missing";
	if (signed_by(change, &owner)) {
		change->consent = PARTICIPANT_CONSENT_SIGNED;
		/* its word alone does where it is one of the participant's accounts */
		if (own || by_controller(change, state, NULL))
			return NULL;
		return change->nsigners > 1 ? "not-controller" : "controller-missing";
	}
	if (!by_controller(change, state, NULL))
		return "not-controller";
	change->consent = PARTICIPANT_CONSENT_LINKED;
	return own && change->nsigners == 1 ? NULL : "owner-missing";
}

static const char *judge_link_agent(struct participant_change *change, const struct participant_state *state)
{
	const struct participant_state_agent *linked = participant_state_agent(state, change->object.text);
	const char *rule = judge_consent(change, state);

	if (rule)
		return rule;
	/* a new owner's consent takes the place of the former one's */
	if (linked && address_equal(&linked->owner, &change->owner))
		return "already-linked";
	return !linked && state->nagents == PARTICIPANT_AGENTS_MAX ? "too-many-agents" : NULL;
}

static const char *judge_link_foreign(const struct participant_change *change, const struct participant_state *state)
{
	if (!by_controller(change, state, NULL))
		return "not-controller";
	if (participant_state_foreign(state, change->object.text))
		return "already-linked";
	return state->nforeign == PARTICIPANT_FOREIGN_DIDS_MAX ? "too-many-foreign" : NULL;
}

static const char *judge_link(struct participant_change *change, const struct participant_state *state)
{
	if (state->entries >= PARTICIPANT_ENTRIES_FULL)
		return "too-many-changes";
	if (change->object.kind == PARTICIPANT_ACCOUNT)
		return judge_link_account(change, state);
	if (change->object.kind == PARTICIPANT_AGENT)
		return judge_link_agent(change, state);
	return judge_link_foreign(change, state);
}

static size_t controllers(const struct participant_state *state)
{
	size_t n = 0;

	for (size_t i = 0; i < state->naccounts; i++)
		n += state->accounts[i].controller;
	return n;
}

static const char *judge_unlink_account(const struct participant_change *change, const struct participant_state *state)
{
	const struct eip155_account *account = &change->object.account;

	if (role_of(state, account) == STRANGER)
		return by_controller(change, state, NULL) ? "not-linked" : "not-controller";
	if (!signed_by(change, account) && !by_controller(change, state, NULL))
		return "not-controller";
	return role_of(state, account) == CONTROLLER && controllers(state) == 1 ? "last-controller" : NULL;
}

static const char *judge_unlink_agent(const struct participant_change *change, const struct participant_state *state)
{
	const struct eip155_account owner = {.chain = change->object.agent.chain, .address = change->owner};

	if (!by_controller(change, state, NULL) && !(change->has_owner && signed_by(change, &owner)))
		return "not-owner";
	return participant_state_agent(state, change->object.text) ? NULL : "not-linked";
}

static const char *judge_unlink(const struct participant_change *change, const struct participant_state *state)
{
	if (change->object.kind == PARTICIPANT_ACCOUNT)
		return judge_unlink_account(change, state);
	if (change->object.kind == PARTICIPANT_AGENT)
		return judge_unlink_agent(change, state);
	if (!by_controller(change, state, NULL))
		return "not-controller";
	return participant_state_foreign(state, change->object.text) ? NULL : "not-linked";
}

static const char *judge_profile(const struct participant_change *change, const struct participant_state *state)
{
	bool none = !state->profile && json_object_size(change->profile) == 0;

	if (!by_controller(change, state, NULL))
		return "not-controller";
	if (state->entries >= PARTICIPANT_ENTRIES_FULL)
		return "too-many-changes";
	return none || (state->profile && json_equal(state->profile, change->profile)) ? "unchanged" : NULL;
}

const char *participant_state_judge(struct participant_change *change, const struct participant_state *state,
				    const struct participant_claim *claim)
{
	if (change->verb == PARTICIPANT_CLAIM)
		return judge_claim(claim);
	if (state->life != PARTICIPANT_LIVE)
		return state->life == PARTICIPANT_ERASED ? "erased" : "no-participant";
	switch (change->verb) {
	case PARTICIPANT_LINK:
		return judge_link(change, state);
	case PARTICIPANT_UNLINK:
		return judge_unlink(change, state);
	case PARTICIPANT_PROFILE:
		return judge_profile(change, state);
	case PARTICIPANT_ERASE:
		return by_controller(change, state, NULL) ? NULL : "not-controller";
	case PARTICIPANT_CLAIM:
	case PARTICIPANT_LAPSE:
		break;
	}
	return "unknown-verb";
}

static bool link_stands(const struct participant_state *state, const struct participant_object *object, uint64_t seq)
{
	const struct participant_state_account *account = participant_state_account(state, &object->account);
	const struct participant_state_agent *agent = participant_state_agent(state, object->text);
	const struct participant_state_foreign *foreign = participant_state_foreign(state, object->text);

	if (object->kind == PARTICIPANT_ACCOUNT)
		return account && account->seq == seq;
	return object->kind == PARTICIPANT_AGENT ? agent && agent->seq == seq : foreign && foreign->seq == seq;
}

static bool is_linked(const struct participant_state *state, const struct participant_object *object)
{
	if (object->kind == PARTICIPANT_ACCOUNT)
		return participant_state_account(state, &object->account) != NULL;
	return participant_state_agent(state, object->text) || participant_state_foreign(state, object->text);
}

bool participant_state_stands(const struct participant_state *state, const struct participant_change *change, uint64_t seq)
{
	if (state->life != PARTICIPANT_LIVE)
		return false;
	switch (change->verb) {
	case PARTICIPANT_CLAIM:
		return state->created_seq == seq;
	case PARTICIPANT_LINK:
		return link_stands(state, &change->object, seq);
	case PARTICIPANT_UNLINK:
		return !is_linked(state, &change->object);
	case PARTICIPANT_PROFILE:
		return state->profile_seq == seq;
	case PARTICIPANT_ERASE:
	case PARTICIPANT_LAPSE:
		break;
	}
	return false;
}
