/* The links of an agent: what its registration file claims, each held against who could confirm it, and the participants that linked it. */
#include "gateway/links/link_list.h"

#include "did/agent_document.h"
#include "did/did_pkh.h"
#include "did/participant_handle.h"
#include "eth/hex.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SAFE, LATEST, OBJECT_SIZE = 256 };

/* A claim while it is judged. */
struct judging {
	struct link_list *list;
	const struct link_agent *agent;
	const struct link_claimed *claim;
	char object[OBJECT_SIZE];
	struct link_item item;
	json_t *evidence;
};

enum link_state link_consent_state(bool known, const struct eth_address *consented, const struct eth_address *safe,
				   const struct eth_address *latest, bool interrupted, bool watched)
{
	struct link_fact fact = {.kind = LINK_OTHER, .reverse = LINK_UNKNOWN};

	if (known && (interrupted || !address_equal(consented, safe) || !address_equal(consented, latest)))
		fact.reverse = LINK_CONSENT_ENDED;
	else if (known && watched)
		fact.reverse = LINK_CONFIRMED;
	return link_judge(&fact);
}

json_t *link_consent_evidence(json_t *evidence, enum link_state state)
{
	if (evidence && state == LINK_UNREACHABLE)
		(void)json_object_set_new(evidence, "detail", json_string("Who has owned the agent since cannot be said now."));
	return evidence;
}

/* ---- evidence ---- */

static json_t *file_json(const struct link_agent *agent)
{
	char hash[HEX_DATA_SIZE(32)];

	hex_encode_data(hash, agent->content, 32);
	return json_pack("{s:{s:s}}", "file", "sha256", hash);
}

static void say(struct judging *j, const char *name, json_t *value)
{
	(void)json_object_set_new(j->evidence, name, value);
}

static json_t *consent_json(const struct link_consent *consent)
{
	char seq[24], owner[ADDRESS_TEXT_SIZE];

	(void)snprintf(seq, sizeof(seq), "%" PRIu64, consent->seq);
	address_format_eip55(owner, &consent->owner);
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "seq", seq, "owner", owner, "consent", consent->owner_signed ? "signed" : "linked", "safe",
			 link_block_json(consent->safe_number, consent->safe_hash), "latest",
			 link_block_json(consent->latest_number, consent->latest_hash));
}

/* ---- participants ---- */

/* Whether the file names it too. */
static bool file_names(const struct link_agent *agent, const char *did)
{
	for (size_t i = 0; i < agent->nclaims; i++)
		if (agent->claims[i].object_len == strlen(did) && memcmp(agent->claims[i].object, did, strlen(did)) == 0)
			return true;
	return false;
}

static int add_consents(struct link_list *list, const struct link_agent *agent)
{
	char did[PARTICIPANT_DID_SIZE];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < agent->nconsents; i++) {
		const struct link_consent *consent = &agent->consents[i];
		enum link_state state = link_consent_state(true, &consent->owner, &agent->owner[SAFE], &agent->owner[LATEST], consent->interrupted,
							   consent->watched);
		struct link_item item = {.thing = LINK_PARTICIPANT, .state = state, .reverse = true, .checked = agent->now};

		if (participant_did_format(did, consent->handle, agent->defaults->host) < 0)
			return -EINVAL;
		item.forward = state == LINK_PROVEN || file_names(agent, did);
		item.since = state == LINK_PROVEN ? consent->at : 0;
		rc = link_list_add(list, did, &item, link_consent_evidence(consent_json(consent), state));
	}
	return rc;
}

/* ---- claims of the file ---- */

static void judge_foreign(struct judging *j)
{
	const struct link_claimed *claim = j->claim;
	json_t *asked = link_evidence_read(claim->evidence, claim->evidence_len);

	j->item.state = link_now(LINK_FOREIGN, claim->state, claim->good, j->agent->now);
	j->item.since = link_since(LINK_FOREIGN, j->item.state, claim->state, claim->since, claim->good, j->agent->now);
	j->item.checked = claim->checked;
	if (asked)
		say(j, "asked", asked);
}

static void judge_agent(struct judging *j, const struct agent_key *key)
{
	char hash[HEX_DATA_SIZE(32)];
	struct link_fact fact = {.kind = LINK_AGENT, .reverse = j->claim->back ? LINK_CONFIRMED : LINK_DENIED};

	agent_key_format_caip19(j->object, key, j->agent->defaults);
	j->item.thing = LINK_THE_AGENT;
	if (!j->claim->served) {
		fact.reverse = LINK_UNKNOWN;
		say(j, "detail", json_string("Its registry is not served here."));
	} else if (j->claim->back) {
		hex_encode_data(hash, j->claim->back_content, 32);
		say(j, "back", json_pack("{s:s}", "sha256", hash));
	}
	j->item.state = link_judge(&fact);
}

/* An account speaks for the agent by what the chain says of it. */
static void judge_account(struct judging *j, const struct eip155_account *account)
{
	const struct link_agent *agent = j->agent;
	struct link_fact fact = {.kind = LINK_OTHER, .reverse = LINK_DENIED};
	const char *role = NULL;

	if (account->chain == agent->key->chain) {
		if (address_equal(&account->address, &agent->wallet[SAFE]) && address_equal(&account->address, &agent->wallet[LATEST]))
			role = "wallet";
		if (address_equal(&account->address, &agent->owner[SAFE]) && address_equal(&account->address, &agent->owner[LATEST]))
			role = "owner";
	}
	if (role) {
		fact.reverse = LINK_CONFIRMED;
		say(j, "role", json_string(role));
	}
	did_pkh_format(j->object, account);
	j->item.thing = LINK_ACCOUNT;
	j->item.apart = true;
	j->item.state = link_judge(&fact);
}

static void judge_other(struct judging *j)
{
	struct link_fact fact = {.kind = LINK_OTHER, .reverse = LINK_DENIED};
	struct eip155_account account;
	char handle[PARTICIPANT_HANDLE_SIZE];
	size_t len = strlen(j->object);

	if (did_pkh_parse(&account, j->object, len) == 0) {
		judge_account(j, &account);
		return;
	}
	if (participant_did_parse(handle, j->object, len, j->agent->defaults->host) == 0) {
		j->item.thing = LINK_PARTICIPANT;
	} else {
		fact.reverse = LINK_UNKNOWN;
		say(j, "detail", json_string("Nobody can be asked here whether it is confirmed."));
	}
	j->item.state = link_judge(&fact);
}

static int add_claim(struct link_list *list, const struct link_agent *agent, const struct link_claimed *claim)
{
	struct judging j = {.list = list, .agent = agent, .claim = claim, .item = {.forward = true, .since = claim->since, .checked = agent->now}};
	struct agent_key key;

	if (claim->object_len >= sizeof(j.object))
		return 0;
	memcpy(j.object, claim->object, claim->object_len);
	j.object[claim->object_len] = '\0';
	j.evidence = file_json(agent);
	if (claim->kind == LINK_FOREIGN)
		judge_foreign(&j);
	else if (claim->kind == LINK_AGENT && agent_key_parse(&key, j.object, claim->object_len) == 0)
		judge_agent(&j, &key);
	else
		judge_other(&j);
	j.item.reverse = j.item.state == LINK_PROVEN;
	if (!link_list_find(list, j.object))
		return link_list_add(list, j.object, &j.item, j.evidence);
	json_decref(j.evidence);
	return 0;
}

/* What does not fit the room a document has for links, from the last. */
static void leave_out(struct link_list *list)
{
	size_t used = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct link_item *item = &list->items[i];

		if (!link_is_published(item))
			continue;
		used += strlen(item->id) + 3;
		item->left_out = used > AGENT_DOCUMENT_LINKS_MAX;
	}
}

int link_list_agent(struct link_list *list, const struct link_agent *agent)
{
	static const enum link_kind order[] = {LINK_FOREIGN, LINK_AGENT, LINK_OTHER};
	int rc = add_consents(list, agent);

	for (size_t k = 0; rc == 0 && k < sizeof(order) / sizeof(*order); k++)
		for (size_t i = 0; rc == 0 && i < agent->nclaims; i++)
			if (agent->claims[i].kind == order[k])
				rc = add_claim(list, agent, &agent->claims[i]);
	leave_out(list);
	return rc;
}

/* ---- what needs no claim ---- */

static int add_account(struct link_list *list, const struct link_agent *agent, const struct eth_address at[2], const char *role)
{
	struct eip155_account account = {.chain = agent->key->chain, .address = at[LATEST]};
	char did[DID_PKH_TEXT_SIZE];
	struct link_item item = {.thing = LINK_ACCOUNT, .state = LINK_PROVEN, .forward = true, .reverse = true, .apart = true,
				 .checked = agent->now};

	did_pkh_format(did, &account);
	if (address_is_zero(&at[LATEST]) || !address_equal(&at[SAFE], &at[LATEST]) || link_list_find(list, did))
		return 0;
	return link_list_add(list, did, &item, json_pack("{s:s}", "role", role));
}

int link_list_agent_built(struct link_list *list, const struct link_agent *agent)
{
	char token[AGENT_KEY_TEXT_SIZE];
	struct link_item item = {.thing = LINK_THE_AGENT, .state = LINK_PROVEN, .forward = true, .reverse = true, .checked = agent->now};
	int rc;

	agent_key_format_caip19(token, agent->key, agent->defaults);
	rc = link_list_add(list, token, &item, json_pack("{s:s}", "role", "token"));
	rc = rc == 0 ? add_account(list, agent, agent->owner, "owner") : rc;
	return rc == 0 ? add_account(list, agent, agent->wallet, "wallet") : rc;
}
