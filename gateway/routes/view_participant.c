#include "gateway/routes/view_participant.h"

#include "did/resolution.h"
#include "gateway/participant/rule.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

json_t *view_participant_time(uint64_t ms)
{
	char text[21];

	return resolution_time_format(text, (int64_t)(ms / 1000)) == 0 ? json_string(text) : NULL;
}

/* ---- the document ---- */

int view_participant_document(json_t **document, json_t **left_out, const struct service *service, const struct reading_participant *p)
{
	const struct participant_state *state = p->state;
	struct participant_account accounts[PARTICIPANT_ACCOUNTS_MAX];
	struct agent_key agents[PARTICIPANT_AGENTS_MAX];
	const char *foreign[PARTICIPANT_FOREIGN_DIDS_MAX];
	struct participant_document input = {.handle = state->handle, .accounts = accounts, .agents = agents, .foreign = foreign,
					     .profile = state->profile};

	for (size_t i = 0; i < state->naccounts; i++)
		if (link_is_published(reading_participant_account(p, i)))
			accounts[input.naccounts++] = (struct participant_account){.account = state->accounts[i].account,
										   .controller = state->accounts[i].controller};
	for (size_t i = 0; i < state->nagents; i++)
		if (link_is_published(reading_participant_agent(p, i)))
			agents[input.nagents++] = state->agents[i].agent;
	for (size_t i = 0; i < state->nforeign; i++)
		if (link_is_published(reading_participant_foreign(p, i)))
			foreign[input.nforeign++] = state->foreign[i].did;
	return participant_document_build(document, left_out, &input, &service->defaults);
}

/* ---- what stands beside it ---- */

/* Whose keys cannot be checked by recovering a signature: their contracts say. */
static json_t *contracts_json(const struct reading_participant *p)
{
	const struct participant_state *state = p->state;
	json_t *kinds = json_object();
	char id[DID_PKH_TEXT_SIZE + 1] = "#";

	for (size_t i = 0; i < state->naccounts; i++) {
		if (!state->accounts[i].controller || !state->accounts[i].contract || !link_is_published(reading_participant_account(p, i)))
			continue;
		participant_fragment(id + 1, &state->accounts[i].account);
		(void)json_object_set_new(kinds, id, json_string("contract"));
	}
	return kinds;
}

static int put_gateway(json_t *metadata, const struct reading_participant *p, json_t *left_out)
{
	json_t *gateway = json_pack("{s:s, s:o, s:o}", "participant", p->key, "accountKinds", contracts_json(p), "claims",
				    link_list_claims(p->links));

	if (gateway && left_out && json_object_set(gateway, "leftOut", left_out) != 0) {
		json_decref(gateway);
		return -ENOMEM;
	}
	return json_object_set_new(metadata, "gateway", gateway) == 0 ? 0 : -ENOMEM;
}

json_t *view_participant_metadata(const struct reading_participant *p, json_t *left_out)
{
	const struct participant_state *state = p->state;
	json_t *metadata = json_pack("{s:o, s:o}", "versionId", view_number(state->seq), "created", view_participant_time(state->created_at));
	int rc = metadata ? 0 : -ENOMEM;

	if (rc == 0 && state->seq != state->created_seq)
		rc = json_object_set_new(metadata, "updated", view_participant_time(state->at));
	if (rc == 0 && p->has_next) {
		rc |= json_object_set_new(metadata, "nextVersionId", view_number(p->next_seq));
		rc |= json_object_set_new(metadata, "nextUpdate", view_participant_time(p->next_at));
	}
	if (rc == 0)
		rc = put_gateway(metadata, p, left_out);
	json_decref(left_out);
	if (rc == 0)
		return metadata;
	json_decref(metadata);
	return NULL;
}

/* ---- /v1/participants/{handle} ---- */

static const char *state_of(const struct link_item *item)
{
	return link_state_word(item->state);
}

static json_t *accounts_json(const struct reading_participant *p)
{
	const struct participant_state *state = p->state;
	json_t *list = json_array();
	char did[DID_PKH_TEXT_SIZE];

	for (size_t i = 0; i < state->naccounts; i++) {
		const struct participant_state_account *account = &state->accounts[i];

		did_pkh_format(did, &account->account);
		(void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:s}", "account", did, "role",
							    account->controller ? "controller" : "account", "kind",
							    account->contract ? "contract" : "key", "since", view_number(account->seq),
							    "state", state_of(reading_participant_account(p, i))));
	}
	return list;
}

static json_t *agents_json(const struct reading_participant *p)
{
	json_t *list = json_array();
	char key[AGENT_KEY_TEXT_SIZE];

	for (size_t i = 0; i < p->state->nagents; i++) {
		const struct participant_state_agent *agent = &p->state->agents[i];

		agent_key_format(key, &agent->agent);
		(void)json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:s, s:o, s:s}", "agent", key, "did", agent->did, "owner",
							    view_address(agent->owner.bytes), "consent",
							    agent->signed_by_owner ? "signed" : "linked", "since", view_number(agent->seq), "state",
							    state_of(reading_participant_agent(p, i))));
	}
	return list;
}

static json_t *foreign_json(const struct reading_participant *p)
{
	const struct participant_state *state = p->state;
	json_t *list = json_array();

	for (size_t i = 0; i < state->nforeign; i++)
		(void)json_array_append_new(list, json_pack("{s:s, s:o, s:s}", "did", state->foreign[i].did, "since",
							    view_number(state->foreign[i].seq), "state",
							    state_of(reading_participant_foreign(p, i))));
	return list;
}

json_t *view_participant(const struct service *service, const struct reading_participant *p)
{
	const struct participant_state *state = p->state;
	char did[PARTICIPANT_DID_SIZE];

	if (participant_did_format(did, state->handle, service->config->host) < 0)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:O?}", "handle", state->handle, "did", did, "participant", p->key,
			 "created", view_participant_time(state->created_at), "updated", view_participant_time(state->at), "versionId",
			 view_number(state->seq), "entries", (json_int_t)state->entries, "accounts", accounts_json(p), "agents",
			 agents_json(p), "foreign", foreign_json(p), "profile", state->profile);
}

/* ---- problems ---- */

void view_participant_refuse(struct http_request *req, const char *rule, const char *pointer, const char *detail)
{
	const struct participant_rule *row = participant_rule(rule);

	http_problem(req, &(struct http_problem){.type = row->type, .rule = row->word, .detail = detail ? detail : row->detail, .pointer = pointer,
						 .next = row->next});
}

void view_participant_failed(struct http_request *req, int err)
{
	if (err == -ENOENT)
		view_participant_refuse(req, "no-participant", NULL, NULL);
	else if (err == -ENODATA)
		view_participant_refuse(req, "erased", NULL, NULL);
	else
		http_fail(req, err, NULL);
}

const char *view_participant_handle(char *out, struct http_request *req)
{
	const char *text = http_param(req, "handle");
	char detail[96];

	if (participant_handle_fold(out, text, strlen(text)) != 0) {
		http_fail(req, -ENOENT, "This is no handle: 3 to 20 of a-z, 0-9, '_' and '-'.");
		return NULL;
	}
	if (strcmp(out, text) == 0)
		return out;
	(void)snprintf(detail, sizeof(detail), "Handles are in lower case: this one is spelt %s.", out);
	http_fail(req, -ENOENT, detail);
	return NULL;
}
