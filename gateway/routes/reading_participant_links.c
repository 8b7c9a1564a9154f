/* The links of a participant: its accounts, agents and foreign DIDs, each with whoever has to confirm it. */
#include "gateway/routes/reading.h"
#include "gateway/routes/reading_participant.h"
#include "gateway/routes/view.h"

#include <errno.h>
#include <string.h>

struct listing {
	struct link_list *list;
	const struct participant_state *state;
	const struct store_links *stored; /* NULL: as of a version */
	const struct reading_owner *owners;
	uint64_t now;
};

const struct link_item *reading_participant_account(const struct reading_participant *p, size_t i)
{
	return &p->links->items[i];
}

const struct link_item *reading_participant_agent(const struct reading_participant *p, size_t i)
{
	return &p->links->items[p->state->naccounts + i];
}

const struct link_item *reading_participant_foreign(const struct reading_participant *p, size_t i)
{
	return &p->links->items[p->state->naccounts + p->state->nagents + i];
}

static json_t *read_json(const struct participant_block *block)
{
	return link_block_json(block->number, block->hash);
}

static const struct store_link_row *claim_of(const struct listing *l, const char *object)
{
	for (size_t i = 0; l->stored && i < l->stored->nclaims; i++) {
		const struct store_link_row *claim = &l->stored->claims[i];

		if (claim->object.len == strlen(object) && memcmp(claim->object.data, object, claim->object.len) == 0)
			return claim;
	}
	return NULL;
}

static const struct store_link_consent *consent_of(const struct listing *l, uint64_t seq)
{
	for (size_t i = 0; l->stored && i < l->stored->nconsents; i++)
		if (l->stored->consents[i].seq == seq)
			return &l->stored->consents[i];
	return NULL;
}

/* What the duty `links` found out; not asked yet, nothing is confirmed. */
static void judge_asked(struct link_item *item, const char *id, json_t *evidence, const struct listing *l, enum link_kind kind)
{
	const struct store_link_row *claim = claim_of(l, id);
	json_t *asked;

	item->state = LINK_ONE_WAY;
	if (!claim)
		return;
	item->state = link_now(kind, claim->state, claim->good, l->now);
	item->since = link_since(kind, item->state, claim->state, claim->since, claim->good, l->now);
	item->checked = claim->checked;
	asked = link_evidence_read((const char *)claim->evidence.data, claim->evidence.len);
	if (asked)
		(void)json_object_set_new(evidence, "asked", asked);
}

/* Its signature proves an account by a key for good; a contract may change its mind. */
static int add_account(struct listing *l, const struct participant_state_account *account)
{
	char did[DID_PKH_TEXT_SIZE];
	struct link_item item = {.thing = LINK_ACCOUNT, .state = LINK_PROVEN, .forward = true, .checked = l->stored ? l->now : 0};
	json_t *evidence = json_pack("{s:o, s:s}", "seq", view_number(account->seq), "account", account->contract ? "contract" : "key");

	did_pkh_format(did, &account->account);
	if (account->contract) {
		(void)json_object_set_new(evidence, "safe", read_json(&account->judged.safe));
		(void)json_object_set_new(evidence, "latest", read_json(&account->judged.latest));
	}
	if (account->contract && l->stored)
		judge_asked(&item, did, evidence, l, LINK_CONTRACT);
	item.reverse = item.state == LINK_PROVEN;
	return link_list_add(l->list, did, &item, evidence);
}

static int add_agent(struct listing *l, const struct participant_state_agent *agent, const struct reading_owner *owner)
{
	struct link_item item = {.thing = LINK_THE_AGENT, .state = LINK_PROVEN, .forward = true,
				 .checked = l->stored ? l->now : 0};
	const struct store_link_consent *row = consent_of(l, agent->seq);
	json_t *evidence = json_pack("{s:o, s:o, s:s, s:o, s:o}", "seq", view_number(agent->seq), "owner", view_address(agent->owner.bytes), "consent",
				     agent->signed_by_owner ? "signed" : "linked", "safe", read_json(&agent->read.safe), "latest",
				     read_json(&agent->read.latest));

	if (owner)
		item.state = link_consent_state(owner->known, &agent->owner, &owner->safe, &owner->latest, row && row->interrupted,
						 row && row->upto + READING_BEHIND >= owner->number);
	if (row && item.state == LINK_PROVEN)
		item.since = row->at;
	item.reverse = item.state == LINK_PROVEN;
	return link_list_add(l->list, agent->did, &item, link_consent_evidence(evidence, item.state));
}

static int add_foreign(struct listing *l, const struct participant_state_foreign *foreign)
{
	struct link_item item = {.thing = LINK_DID, .forward = true};
	json_t *evidence = json_pack("{s:o}", "seq", view_number(foreign->seq));

	judge_asked(&item, foreign->did, evidence, l, LINK_FOREIGN);
	item.reverse = item.state == LINK_PROVEN;
	return link_list_add(l->list, foreign->did, &item, evidence);
}

int reading_participant_links(struct link_list **out, const struct participant_state *state, const struct store_links *stored,
			      const struct reading_owner *owners, uint64_t now)
{
	struct listing l = {.list = link_list_new(), .state = state, .stored = stored, .owners = owners, .now = now};
	int rc = l.list ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < state->naccounts; i++)
		rc = add_account(&l, &state->accounts[i]);
	for (size_t i = 0; rc == 0 && i < state->nagents; i++)
		rc = add_agent(&l, &state->agents[i], owners ? &owners[i] : NULL);
	for (size_t i = 0; rc == 0 && i < state->nforeign; i++)
		rc = add_foreign(&l, &state->foreign[i]);
	if (rc != 0) {
		link_list_free(l.list);
		l.list = NULL;
	}
	*out = l.list;
	return rc;
}
