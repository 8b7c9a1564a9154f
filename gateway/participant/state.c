/* The fold: one function a verb. */
#include "gateway/participant/state.h"

#include <errno.h>
#include <string.h>

void participant_state_clear(struct participant_state *state)
{
	json_decref(state->profile);
	state->profile = NULL;
}

static bool same_account(const struct eip155_account *a, const struct eip155_account *b)
{
	return a->chain == b->chain && address_equal(&a->address, &b->address);
}

static size_t find_account(const struct participant_state *state, const struct eip155_account *account)
{
	size_t i = 0;

	while (i < state->naccounts && !same_account(&state->accounts[i].account, account))
		i++;
	return i;
}

static size_t find_agent(const struct participant_state *state, const char *did)
{
	size_t i = 0;

	while (i < state->nagents && strcmp(state->agents[i].did, did) != 0)
		i++;
	return i;
}

static size_t find_foreign(const struct participant_state *state, const char *did)
{
	size_t i = 0;

	while (i < state->nforeign && strcmp(state->foreign[i].did, did) != 0)
		i++;
	return i;
}

const struct participant_state_account *participant_state_account(const struct participant_state *state,
								  const struct eip155_account *account)
{
	size_t i = find_account(state, account);

	return i < state->naccounts ? &state->accounts[i] : NULL;
}

const struct participant_state_agent *participant_state_agent(const struct participant_state *state, const char *did)
{
	size_t i = find_agent(state, did);

	return i < state->nagents ? &state->agents[i] : NULL;
}

const struct participant_state_foreign *participant_state_foreign(const struct participant_state *state, const char *did)
{
	size_t i = find_foreign(state, did);

	return i < state->nforeign ? &state->foreign[i] : NULL;
}

/* Takes the i-th out; the others keep their order. */
static void take_out(void *list, size_t *n, size_t size, size_t i)
{
	uint8_t *at = (uint8_t *)list + i * size;

	memmove(at, at + size, (*n - i - 1) * size);
	(*n)--;
}

/* ---- verbs ---- */

static int claim(struct participant_state *state, const struct participant_change *change, uint64_t seq, uint64_t at)
{
	const struct participant_signer *by = &change->signers[0];

	if (state->life != PARTICIPANT_UNKNOWN || change->nsigners != 1)
		return -EBADMSG;
	state->life = PARTICIPANT_LIVE;
	memcpy(state->handle, change->handle, sizeof(state->handle));
	state->claimant = by->account;
	state->created_seq = seq;
	state->created_at = at;
	state->accounts[state->naccounts++] = (struct participant_state_account){
		.account = by->account, .controller = true, .contract = by->contract, .judged = by->judged, .seq = seq};
	return 0;
}

/* Who signed for the account that is linked: its own message says how it was judged. */
static const struct participant_signer *signer_for(const struct participant_change *change, const struct eip155_account *account)
{
	for (size_t i = 0; i < change->nsigners; i++)
		if (same_account(&change->signers[i].account, account))
			return &change->signers[i];
	return NULL;
}

static int link_account(struct participant_state *state, const struct participant_change *change, uint64_t seq)
{
	const struct participant_signer *by = signer_for(change, &change->object.account);
	size_t i = find_account(state, &change->object.account);

	if (!by)
		return -EBADMSG;
	if (i == PARTICIPANT_ACCOUNTS_MAX)
		return -EOVERFLOW;
	state->accounts[i] = (struct participant_state_account){.account = by->account, .controller = change->controller,
								.contract = by->contract, .judged = by->judged, .seq = seq};
	state->naccounts += i == state->naccounts;
	return 0;
}

static int link_agent(struct participant_state *state, const struct participant_change *change, uint64_t seq)
{
	size_t i = find_agent(state, change->object.text);
	struct participant_state_agent *agent;

	if (!change->has_owner || change->consent == PARTICIPANT_NO_CONSENT)
		return -EBADMSG;
	if (i == PARTICIPANT_AGENTS_MAX)
		return -EOVERFLOW;
	agent = &state->agents[i];
	*agent = (struct participant_state_agent){.agent = change->object.agent, .owner = change->owner, .read = change->read,
						  .signed_by_owner = change->consent == PARTICIPANT_CONSENT_SIGNED, .seq = seq};
	memcpy(agent->did, change->object.text, sizeof(agent->did));
	state->nagents += i == state->nagents;
	return 0;
}

static int link_foreign(struct participant_state *state, const struct participant_change *change, uint64_t seq)
{
	size_t i = find_foreign(state, change->object.text), len = strlen(change->object.text);

	if (len > PARTICIPANT_FOREIGN_MAX)
		return -EBADMSG;
	if (i == PARTICIPANT_FOREIGN_DIDS_MAX)
		return -EOVERFLOW;
	state->foreign[i] = (struct participant_state_foreign){.seq = seq};
	memcpy(state->foreign[i].did, change->object.text, len);
	state->nforeign += i == state->nforeign;
	return 0;
}

/* What was linked on the word of membership alone ends with the membership. */
static void drop_agents_of(struct participant_state *state, const struct eip155_account *account)
{
	for (size_t i = state->nagents; i-- > 0;) {
		const struct participant_state_agent *agent = &state->agents[i];
		const struct eip155_account owner = {.chain = agent->agent.chain, .address = agent->owner};

		if (!agent->signed_by_owner && same_account(&owner, account))
			take_out(state->agents, &state->nagents, sizeof(*state->agents), i);
	}
}

static int unlink_account(struct participant_state *state, const struct eip155_account *account)
{
	size_t i = find_account(state, account);

	if (i == state->naccounts)
		return -EBADMSG;
	take_out(state->accounts, &state->naccounts, sizeof(*state->accounts), i);
	drop_agents_of(state, account);
	return 0;
}

/* Unlinked or lapsed: gone either way. */
static int unlink_object(struct participant_state *state, const struct participant_object *object)
{
	size_t i;

	if (object->kind == PARTICIPANT_ACCOUNT)
		return unlink_account(state, &object->account);
	i = find_agent(state, object->text);
	if (i < state->nagents) {
		take_out(state->agents, &state->nagents, sizeof(*state->agents), i);
		return 0;
	}
	i = find_foreign(state, object->text);
	if (i == state->nforeign)
		return -EBADMSG;
	take_out(state->foreign, &state->nforeign, sizeof(*state->foreign), i);
	return 0;
}

static int set_profile(struct participant_state *state, const struct participant_change *change, uint64_t seq)
{
	json_t *profile = json_object_size(change->profile) > 0 ? json_deep_copy(change->profile) : NULL;

	if (!profile && json_object_size(change->profile) > 0)
		return -ENOMEM;
	json_decref(state->profile);
	state->profile = profile;
	state->profile_seq = seq;
	return 0;
}

static int apply_link(struct participant_state *state, const struct participant_change *change, uint64_t seq)
{
	switch (change->object.kind) {
	case PARTICIPANT_ACCOUNT:
		return link_account(state, change, seq);
	case PARTICIPANT_AGENT:
		return link_agent(state, change, seq);
	case PARTICIPANT_FOREIGN:
		return link_foreign(state, change, seq);
	case PARTICIPANT_NOTHING:
	case PARTICIPANT_CONTENT:
		break;
	}
	return -EBADMSG;
}

static int apply(struct participant_state *state, const struct participant_change *change, uint64_t seq, uint64_t at)
{
	if (change->verb == PARTICIPANT_CLAIM)
		return claim(state, change, seq, at);
	if (state->life != PARTICIPANT_LIVE)
		return -EBADMSG;
	switch (change->verb) {
	case PARTICIPANT_LINK:
		return apply_link(state, change, seq);
	case PARTICIPANT_UNLINK:
	case PARTICIPANT_LAPSE:
		return unlink_object(state, &change->object);
	case PARTICIPANT_PROFILE:
		return set_profile(state, change, seq);
	case PARTICIPANT_CLAIM:
	case PARTICIPANT_ERASE:
		break;
	}
	return -EBADMSG;
}

int participant_state_apply(struct participant_state *state, const struct participant_change *change, uint64_t seq, uint64_t at)
{
	int rc = state->entries >= PARTICIPANT_ENTRIES_MAX ? -EOVERFLOW : apply(state, change, seq, at);

	if (rc != 0)
		return rc;
	state->seq = seq;
	state->at = at;
	state->entries++;
	return 0;
}

int participant_state_take(struct participant_state *state, const char *payload, size_t len, uint64_t seq, uint64_t at)
{
	struct participant_change change;
	int rc;

	if (state->life == PARTICIPANT_ERASED)
		return 0;
	if (!payload) {
		participant_state_erase(state, seq, at);
		return 0;
	}
	rc = participant_payload_read(&change, payload, len);
	if (rc != 0)
		return rc;
	rc = participant_state_apply(state, &change, seq, at);
	participant_change_clear(&change);
	return rc;
}

void participant_state_erase(struct participant_state *state, uint64_t seq, uint64_t at)
{
	participant_state_clear(state);
	*state = (struct participant_state){.life = PARTICIPANT_ERASED, .seq = seq, .at = at};
}
