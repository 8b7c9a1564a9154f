#include "gateway/routes/view_participant.h"

#include "did/resolution.h"
#include "gateway/participant/rule.h"
#include "gateway/runtime/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const link_states[] = {
	[READING_LINK_PROVEN] = "proven", [READING_LINK_LAPSED] = "lapsed", [READING_LINK_UNREACHABLE] = "unreachable"};

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
	struct participant_document input = {.handle = state->handle, .accounts = accounts, .naccounts = state->naccounts, .agents = agents,
					     .profile = state->profile};

	for (size_t i = 0; i < state->naccounts; i++)
		accounts[i] = (struct participant_account){.account = state->accounts[i].account, .controller = state->accounts[i].controller};
	for (size_t i = 0; i < state->nagents; i++)
		if (p->agents[i] == READING_LINK_PROVEN)
			agents[input.nagents++] = state->agents[i].agent;
	return participant_document_build(document, left_out, &input, &service->defaults);
}

/* ---- what stands beside it ---- */

static json_t *agent_claim(const struct participant_state_agent *agent, enum reading_link state)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:{s:o, s:o}}", "id", agent->did, "direction", "forward", "state", link_states[state], "checkedAt",
			 view_participant_time(clock_wall_ms()), "evidence", "seq", view_number(agent->seq), "owner",
			 view_address(agent->owner.bytes));
}

/* What the participant says and nobody else has confirmed. */
static json_t *claims_json(const struct reading_participant *p)
{
	const struct participant_state *state = p->state;
	json_t *claims = json_array();
	int rc = 0;

	for (size_t i = 0; i < state->nagents; i++)
		if (p->agents[i] != READING_LINK_PROVEN)
			rc |= json_array_append_new(claims, agent_claim(&state->agents[i], p->agents[i]));
	for (size_t i = 0; i < state->nforeign; i++)
		rc |= json_array_append_new(claims, json_pack("{s:s, s:s, s:s, s:n, s:{s:o}}", "id", state->foreign[i].did, "direction", "forward",
							      "state", "one-way", "checkedAt", "evidence", "seq",
							      view_number(state->foreign[i].seq)));
	if (rc == 0)
		return claims;
	json_decref(claims);
	return NULL;
}

/* Whose keys cannot be checked by recovering a signature: their contracts say. */
static json_t *contracts_json(const struct participant_state *state)
{
	json_t *kinds = json_object();
	char id[DID_PKH_TEXT_SIZE + 1] = "#";

	for (size_t i = 0; i < state->naccounts; i++) {
		if (!state->accounts[i].controller || !state->accounts[i].contract)
			continue;
		participant_fragment(id + 1, &state->accounts[i].account);
		(void)json_object_set_new(kinds, id, json_string("contract"));
	}
	return kinds;
}

static int put_gateway(json_t *metadata, const struct reading_participant *p, json_t *left_out)
{
	json_t *gateway = json_pack("{s:s, s:o, s:o}", "participant", p->key, "accountKinds", contracts_json(p->state), "claims", claims_json(p));

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

static json_t *accounts_json(const struct participant_state *state)
{
	json_t *list = json_array();
	char did[DID_PKH_TEXT_SIZE];

	for (size_t i = 0; i < state->naccounts; i++) {
		const struct participant_state_account *account = &state->accounts[i];

		did_pkh_format(did, &account->account);
		(void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "account", did, "role",
							    account->controller ? "controller" : "account", "kind",
							    account->contract ? "contract" : "key", "since", view_number(account->seq)));
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
							    link_states[p->agents[i]]));
	}
	return list;
}

static json_t *foreign_json(const struct participant_state *state)
{
	json_t *list = json_array();

	for (size_t i = 0; i < state->nforeign; i++)
		(void)json_array_append_new(list, json_pack("{s:s, s:o, s:s}", "did", state->foreign[i].did, "since",
							    view_number(state->foreign[i].seq), "state", "one-way"));
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
			 view_number(state->seq), "entries", (json_int_t)state->entries, "accounts", accounts_json(state), "agents",
			 agents_json(p), "foreign", foreign_json(state), "profile", state->profile);
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
